/* PDEBench's files with a group for each random seed (diffusion-sorption, diffusion-reaction,
 * shallow water): /0000/data (time, x[, y], channel) beside /0000/grid/x, y and t. Names of groups
 * are numbers, some of which may be lacking; each is a sequence with its own times on the grid that
 * all share. An attribute of the group, `config`, is a YAML text whose `name` tells the family.
 */
#include "io/read/field_arrays.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES = 3, PATH_SIZE = FC__NC_NAME_SIZE + 16 };
static const char *const axis_names[PLACES] = {"x", "y", "z"};

typedef struct seeds {
    fc__fields fields; /* of a single field, which is that of the seed being read */
    size_t count, room;
    char (*names)[FC__NC_NAME_SIZE]; /* (count) in the order of their numbers */
    size_t dims;
    fc__grid_axis axes[PLACES]; /* (dims) */
    uint64_t bytes;             /* that the data sets of all seeds declare */
} seeds;

/* ---------------------------------------------------------------- groups */

static bool is_number(const char *name)
{
    return name[0] && strspn(name, "0123456789") == strlen(name);
}

static void member_path(char path[PATH_SIZE], const char *seed, const char *member)
{
    snprintf(path, PATH_SIZE, "%s/%s", seed, member);
}

static bool is_seed(fc__source *source, const char *name)
{
    char path[PATH_SIZE];
    if (!is_number(name))
        return false;
    member_path(path, name, "data");
    return fc__h5_holds(source->h5.file, path);
}

/* By their numbers, whatever the zeros before them. */
static int compare_names(const void *a, const void *b)
{
    const char *first = a, *second = b;
    first += strspn(first, "0");
    second += strspn(second, "0");
    size_t length = strlen(first), other = strlen(second);
    if (length != other)
        return length < other ? -1 : 1;
    int order = strcmp(first, second);
    return order ? order : strcmp(a, b);
}

static bool recognise(fc__source *source)
{
    fc__nc_links links;
    bool found = false;
    if (fc__nc_list_links(&source->h5, source->h5.file, &links) == FC_OK)
        for (size_t i = 0; i < links.count && !found; i++)
            found = is_seed(source, links.names[i]);
    free(links.names);
    return found;
}

static fc_status list_seeds(fc__source *source, seeds *all)
{
    fc__nc_links links;
    fc_status status = fc__nc_list_links(&source->h5, source->h5.file, &links);
    all->names = links.names;
    for (size_t i = 0; status == FC_OK && i < links.count; i++)
        if (is_number(links.names[i]))
            memmove(all->names[all->count++], links.names[i], sizeof *links.names);
    if (status == FC_OK)
        qsort(all->names, all->count, sizeof *all->names, compare_names);
    return status;
}

/* ---------------------------------------------------------------- channels */

/* Names and titles of the fields of a family. */
typedef struct family {
    const char *name; /* part of the name in the configuration */
    size_t channels;
    const char *names[2], *titles[2];
} family;

static const family families[] = {
    {"diff-react", 2, {"u", "v"}, {"activator", "inhibitor"}},
    {"diff-sorp", 1, {"u"}, {"concentration"}},
    {"rdb", 1, {"h"}, {"water depth"}},
};
enum { FAMILIES = sizeof families / sizeof *families };

/* NULL where the configuration tells nothing. */
static const family *family_of(fc__source *source, const char *seed)
{
    char config[4096] = "\n", *name;
    const family *found = NULL;
    hid_t group = H5Gopen2(source->h5.file, seed, H5P_DEFAULT);
    fc__h5_get_text(group, "config", config + 1, sizeof config - 1);
    H5Gclose(group);
    name = strstr(config, "\nname:");
    if (!name)
        return NULL;
    name[1 + strcspn(name + 1, "\n")] = '\0';
    for (size_t i = 0; i < FAMILIES; i++)
        if (strstr(name, families[i].name))
            found = &families[i];
    return found;
}

static void add_components(fc__source *source, seeds *all)
{
    char name[FC_NAME_SIZE];
    size_t count = all->fields.fields[0].components;
    const family *of = family_of(source, all->names[0]);
    for (size_t c = 0; c < count; c++) {
        snprintf(name, sizeof name, "data_%zu", c);
        bool known = of && of->channels == count;
        fc__fields_add_component(&all->fields, c, known ? of->names[c] : name,
                                 known ? of->titles[c] : "", true);
    }
}

/* ---------------------------------------------------------------- opening */

/* Opens the data of a seed as the field. */
static fc_status open_data(fc__source *source, seeds *all, const char *seed)
{
    char path[PATH_SIZE];
    fc__field *field = &all->fields.fields[0];
    member_path(path, seed, "data");
    hid_t id =
        fc__h5_holds(source->h5.file, path) ? H5Dopen2(source->h5.file, path, H5P_DEFAULT) : -1;
    if (id < 0)
        return fc__fail(source->h5.context, FC_ERROR_DATA, "%s: %s is missing", source->h5.path,
                        path);
    fc_status status = fc__field_inspect(&source->h5, id, path, field);
    if (status != FC_OK)
        return status;
    if (field->rank != all->dims + 2)
        return fc__fail(source->h5.context, FC_ERROR_DATA,
                        "%s: %s has %zu axes; (time, x%s%s, channel) are expected after %s/grid",
                        source->h5.path, path, field->rank, all->dims > 1 ? ", y" : "",
                        all->dims > 2 ? ", z" : "", seed);
    field->time = 0;
    for (size_t i = 0; i < all->dims; i++)
        field->space[i] = 1 + i;
    field->component = field->rank - 1;
    field->components = field->shape[field->rank - 1];
    return FC_OK;
}

static void close_data(seeds *all)
{
    H5Dclose(all->fields.fields[0].id);
    all->fields.fields[0].id = H5I_INVALID_HID;
}

static fc_status load_axis(fc__source *source, const char *seed, size_t i, fc__grid_axis *axis)
{
    char path[PATH_SIZE], member[16];
    size_t length;
    double *values;
    snprintf(member, sizeof member, "grid/%s", axis_names[i]);
    member_path(path, seed, member);
    fc_status status = fc__load_numbers(&source->h5, source->h5.file, path, path, &length, &values);
    if (status != FC_OK)
        return status;
    return fc__grid_set_axis(&source->h5, path, axis_names[i], length, values, axis);
}

/* The grid of the first seed, and its dimensions. */
static fc_status load_grid(fc__source *source, seeds *all)
{
    char path[PATH_SIZE], member[16];
    for (size_t i = 0; i < PLACES; i++) {
        snprintf(member, sizeof member, "grid/%s", axis_names[i]);
        member_path(path, all->names[0], member);
        if (i > 0 && !fc__h5_holds(source->h5.file, path))
            break;
        all->dims = i + 1;
        fc_status status = load_axis(source, all->names[0], i, &all->axes[i]);
        if (status != FC_OK)
            return status;
    }
    return FC_OK;
}

static fc_status check_grid(fc__source *source, seeds *all, const char *seed)
{
    fc_status status = FC_OK;
    for (size_t i = 0; status == FC_OK && i < all->dims; i++) {
        fc__grid_axis own = {.length = 0};
        const fc__grid_axis *axis = &all->axes[i];
        status = load_axis(source, seed, i, &own);
        if (status == FC_OK &&
            (own.length != axis->length ||
             memcmp(own.values, axis->values, own.length * sizeof *own.values) != 0))
            status = fc__fail(source->h5.context, FC_ERROR_DATA,
                              "%s: %s/grid/%s differs from %s/grid/%s; all sequences must lie on "
                              "the same grid",
                              source->h5.path, seed, axis_names[i], all->names[0], axis_names[i]);
        free(own.values);
    }
    return status;
}

/* Many names for the same group must not multiply what the file holds. */
static fc_status check_total(fc__source *source, seeds *all)
{
    const fc__field *field = &all->fields.fields[0];
    size_t bytes = sizeof(float);
    for (size_t i = 0; i < field->rank; i++)
        bytes = fc__product(bytes, field->shape[i]);
    all->bytes += bytes;
    if (all->bytes <= fc__h5_most_bytes(&source->h5))
        return FC_OK;
    return fc__fail(source->h5.context, FC_ERROR_DATA,
                    "%s: the groups up to %s declare more data than a file of %llu bytes can hold: "
                    "the file is damaged",
                    source->h5.path, field->name, (unsigned long long)source->h5.file_size);
}

static fc_status add_sequence(fc__source *source, seeds *all, const char *seed)
{
    fc_status status = FC_OK;
    char path[PATH_SIZE];
    fc_sequence *sequence;
    size_t length;
    double *times = NULL;
    member_path(path, seed, "grid/t");
    FC_TRY(open_data(source, all, seed));
    const fc__field *field = &all->fields.fields[0];
    size_t frames = field->shape[0];
    FC_TRY(check_total(source, all));
    FC_TRY(fc__field_check(&source->h5, field, all->dims, all->axes, 1, frames));
    if (field->components != all->fields.component_count) {
        status = fc__fail(source->h5.context, FC_ERROR_DATA, "%s: %s has %zu channels, %s/data %zu",
                          source->h5.path, field->name, field->components, all->names[0],
                          all->fields.component_count);
        goto done;
    }
    FC_TRY(check_grid(source, all, seed));
    FC_TRY(fc__load_numbers(&source->h5, source->h5.file, path, path, &length, &times));
    if (length != frames && length != frames + 1) {
        status = fc__fail(source->h5.context, FC_ERROR_DATA,
                          "%s: %s has %zu times for %zu frames; %zu or %zu are expected",
                          source->h5.path, path, length, frames, frames, frames + 1);
        goto done;
    }
    FC_TRY(fc_dataset_add_unread(source->h5.context, source->dataset,
                                 fc__frames_wanted(source, frames), times, NULL, &sequence));
done:
    close_data(all);
    free(times);
    return status;
}

static fc_status open_file(fc__source *source)
{
    enum { MOST_CHANNELS = 4096 };
    fc_status status = FC_OK;
    size_t index;
    FC_TRY(fc__allocate(source->h5.context, 1, sizeof(seeds), (void *)&source->state));
    seeds *all = source->state;
    FC_TRY(list_seeds(source, all));
    FC_TRY(load_grid(source, all));
    FC_TRY(fc__fields_create(source->h5.context, 1, MOST_CHANNELS, &all->fields));
    FC_TRY(open_data(source, all, all->names[0]));
    if (all->fields.fields[0].components > MOST_CHANNELS) {
        status =
            fc__fail(source->h5.context, FC_ERROR_DATA,
                     "%s: %s has %zu channels; at most %d are accepted", source->h5.path,
                     all->fields.fields[0].name, all->fields.fields[0].components, MOST_CHANNELS);
        goto done;
    }
    all->fields.field_count = 1;
    add_components(source, all);
    FC_TRY(fc__fields_create_dataset(source, &all->fields, all->dims, all->axes));
    close_data(all);
    FC_TRY(fc__grid_add_points(source->h5.context, source->dataset, all->axes, &index));
    for (size_t s = 0; s < all->count; s++)
        FC_TRY(add_sequence(source, all, all->names[s]));
done:
    return status;
}

static fc_status read_frames(fc__source *source, size_t sequence, size_t first, size_t count,
                             float *const *values)
{
    seeds *all = source->state;
    fc_status status = open_data(source, all, all->names[sequence]);
    if (status == FC_OK)
        status = fc__fields_read(source, sequence, first, count, values);
    close_data(all);
    return status;
}

static void close_file(fc__source *source)
{
    seeds *all = source->state;
    if (!all)
        return;
    for (size_t i = 0; i < PLACES; i++)
        free(all->axes[i].values);
    free(all->names);
    fc__fields_close(source);
}

const fc__format fc__pdebench_groups_format = {
    .name = "PDEBench, a group per sequence",
    .accepted = "PDEBench's groups (0000/data beside 0000/grid)",
    .recognise = recognise,
    .open = open_file,
    .read = read_frames,
    .read_static = NULL,
    .close = close_file,
};
