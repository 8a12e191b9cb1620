/* Output of Dedalus, as in DINo's shallow water on the sphere: /tasks/NAME (time, [component,]
 * space), whose coordinates are dimension scales, with names such as phi and theta, or lie in
 * /scales; times are /scales/sim_time or the scale of the first axis. And the same flattened, as
 * CORAL has it: /height and /vorticity (time, phi, theta) beside /phi and /theta, where frames are
 * numbered, as there are no times. Azimuth phi and colatitude theta in radians become longitude and
 * latitude. A file is one sequence.
 */
#include "io/read/field_arrays.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_COMPONENTS = 9 };

typedef struct reader {
    fc__source *source;
    fc__h5 *h5;
    hid_t tasks;       /* the group, or the file itself when it is flat */
    const char *group; /* its name in messages: "tasks/" or "" */
    fc__nc_links names;
    size_t places; /* axes of space, of any length */
    size_t dims;   /* those longer than 1 */
    fc__grid_axis axes[FC_MAX_DIMS];
    char labels[FC_MAX_DIMS][FC_NAME_SIZE]; /* (places) */
} reader;

/* ---------------------------------------------------------------- scales */

/* The last part of a path without what Dedalus appends to tell resolutions apart: "x" of
 * "/scales/x/1.0" and of "/scales/x_hash_0123". */
static void plain_name(const char *path, char name[FC_NAME_SIZE])
{
    static const char prefix[] = "/scales/";
    const char *start = strstr(path, prefix);
    start = start ? start + sizeof prefix - 1 : path + strspn(path, "/");
    const char *hash = strstr(start, "_hash_");
    size_t length = strcspn(start, "/");
    if (hash && (size_t)(hash - start) < length)
        length = (size_t)(hash - start);
    snprintf(name, FC_NAME_SIZE, "%.*s", (int)(length < FC_NAME_SIZE ? length : FC_NAME_SIZE - 1),
             start);
}

/* Coordinates of an axis of a field: through its scale, else `fallback` in the file. */
static fc_status load_scale(reader *in, const fc__field *field, size_t axis, const char *fallback,
                            char name[FC_NAME_SIZE], size_t *length, double **values)
{
    char path[FC__NC_PATH_SIZE];
    fc__nc_scale_path(field->id, field->rank, axis, path);
    if (path[0] == '\0')
        snprintf(path, sizeof path, "%s", fallback);
    if (path[0] == '\0')
        return fc__fail(in->h5->context, FC_ERROR_DATA,
                        "%s: axis %zu of %s has no coordinates: a dimension scale is expected",
                        in->h5->path, axis, field->name);
    plain_name(path, name);
    fc_status status = fc__load_numbers(in->h5, in->h5->file, path, path, length, values);
    if (status != FC_OK || *length == field->shape[axis])
        return status;
    free(*values);
    *values = NULL;
    return fc__fail(in->h5->context, FC_ERROR_DATA,
                    "%s: axis %zu of %s has length %zu, its coordinates %s %zu", in->h5->path, axis,
                    field->name, field->shape[axis], path, *length);
}

/* ---------------------------------------------------------------- space */

/* Coordinates of the two axes of fields that have no scales: flat files have none. */
static const char *fallback_of(const reader *in, size_t place)
{
    static const char *const flat[] = {"phi", "theta"};
    static const char *const kept[] = {"/scales/phi/1.0", "/scales/theta/1.0"};
    if (in->places != 2)
        return "";
    return in->group[0] ? kept[place] : flat[place];
}

static fc_status load_axes(reader *in, const fc__field *field)
{
    fc_status status = FC_OK;
    size_t length, first = field->rank - in->places;
    double *values;
    for (size_t place = 0; place < in->places; place++) {
        char *name = in->labels[place];
        fc__grid_axis *axis = &in->axes[in->dims];
        FC_TRY(
            load_scale(in, field, first + place, fallback_of(in, place), name, &length, &values));
        FC_TRY(fc__grid_set_axis(in->h5, name, name, length, values, axis));
        axis->place = place;
        in->dims += length > 1;
        if (length == 1) {
            free(axis->values);
            axis->values = NULL;
        }
    }
    if (in->dims == 2 && strcmp(in->axes[0].axis.name, "phi") == 0 &&
        strcmp(in->axes[1].axis.name, "theta") == 0)
        FC_TRY(fc__grid_make_sphere(in->h5, &in->axes[0], &in->axes[1]));
done:
    return status;
}

/* ---------------------------------------------------------------- fields */

/* Axes of space are the last ones, those with scales, or all but that of time where none has one.
 */
static size_t count_places(const fc__field *field)
{
    char path[FC__NC_PATH_SIZE] = "/";
    size_t places = 0;
    for (size_t axis = field->rank; axis > 1 && path[0]; axis--) {
        fc__nc_scale_path(field->id, field->rank, axis - 1, path);
        places += path[0] != '\0';
    }
    return places ? places : field->rank - 1;
}

static size_t points_of(const fc__field *field, size_t places)
{
    size_t points = 1;
    for (size_t i = field->rank - places; i < field->rank; i++)
        points = fc__product(points, field->shape[i]);
    return points;
}

/* Opens all arrays of numbers with axes of time and space; *largest is the one with most points. */
static fc_status open_fields(reader *in, size_t *largest)
{
    fc_status status = FC_OK;
    char label[FC__NC_PATH_SIZE];
    size_t most = 0;
    fc__fields *fields = in->source->state;
    for (size_t i = 0; i < in->names.count; i++) {
        const char *name = in->names.names[i];
        fc__field *field = &fields->fields[fields->field_count];
        if (!fc__h5_holds(in->tasks, name))
            continue;
        hid_t id = H5Dopen2(in->tasks, name, H5P_DEFAULT), type = H5Dget_type(id);
        bool number = H5Tget_class(type) == H5T_FLOAT || H5Tget_class(type) == H5T_INTEGER;
        H5Tclose(type);
        snprintf(label, sizeof label, "%s%s", in->group, name);
        if (number)
            FC_TRY(fc__field_inspect(in->h5, id, label, field));
        if (!number || field->rank < 2) {
            H5Dclose(id);
            continue;
        }
        size_t places = count_places(field), points = points_of(field, places);
        if (points > most && places <= FC_MAX_DIMS) {
            most = points;
            *largest = fields->field_count;
            in->places = places;
        }
        fields->field_count++;
    }
    if (most == 0)
        status =
            fc__fail(in->h5->context, FC_ERROR_DATA,
                     "%s: no array in /%s has axes of time and space", in->h5->path, in->group);
done:
    return status;
}

/* Components of a vector field are named after the axes of space. */
static void add_components(reader *in, const fc__field *field)
{
    char full[FC__NC_NAME_SIZE + FC_NAME_SIZE + 8];
    const char *name = field->name + strlen(in->group);
    for (size_t c = 0; c < field->components; c++) {
        if (field->components == 1)
            snprintf(full, sizeof full, "%s", name);
        else if (field->components == in->places)
            snprintf(full, sizeof full, "%s_%s", name, in->labels[c]);
        else
            snprintf(full, sizeof full, "%s_%zu", name, c);
        fc__fields_add_component(in->source->state, c, full, "", true);
    }
}

/* Gives a field its axes; false when it is not on the grid and at the times of `model`. */
static bool fits(const reader *in, const fc__field *model, fc__field *field)
{
    size_t places = in->places;
    bool same = field->rank > places && field->shape[0] == model->shape[0];
    for (size_t i = 1; same && i <= places; i++)
        same = field->shape[field->rank - i] == model->shape[model->rank - i];
    if (!same)
        return false;
    field->time = 0;
    for (size_t i = 0; i < in->dims; i++)
        field->space[i] = field->rank - places + in->axes[i].place;
    for (size_t i = 1; i < field->rank - places; i++)
        field->components = fc__product(field->components, field->shape[i]);
    field->component = field->rank - places - 1;
    return field->components <= MOST_COMPONENTS;
}

/* Fields on other grids than the largest are left out: averages, profiles, slices. */
static fc_status choose_fields(reader *in, size_t largest)
{
    fc__fields *fields = in->source->state;
    const fc__field model = fields->fields[largest];
    size_t opened = fields->field_count;
    fc_status status = load_axes(in, &model);
    fields->field_count = 0;
    for (size_t f = 0; status == FC_OK && f < opened; f++) {
        fc__field field = fields->fields[f];
        if (!fits(in, &model, &field)) {
            H5Dclose(field.id);
            continue;
        }
        fields->fields[fields->field_count++] = field;
        add_components(in, &field);
    }
    return status;
}

/* ---------------------------------------------------------------- times */

static fc_status load_times(reader *in, const fc__field *field, double **times)
{
    static const char *const flat[] = {"t", "time"};
    fc_status status = FC_OK;
    size_t length, frames = field->shape[0];
    char name[FC_NAME_SIZE];
    if (in->group[0]) {
        if (!fc__h5_holds(in->h5->file, "scales/sim_time"))
            return load_scale(in, field, 0, "scales/sim_time", name, &length, times);
        FC_TRY(fc__load_numbers(in->h5, in->h5->file, "scales/sim_time", "scales/sim_time", &length,
                                times));
        if (length != frames)
            status = fc__fail(in->h5->context, FC_ERROR_DATA,
                              "%s: scales/sim_time has %zu times for the %zu frames of %s",
                              in->h5->path, length, frames, field->name);
        return status;
    }
    for (size_t i = 0; i < sizeof flat / sizeof *flat; i++)
        if (fc__h5_holds(in->h5->file, flat[i]))
            return load_scale(in, field, 0, flat[i], name, &length, times);
    FC_NEW(in->h5->context, times, frames);
    for (size_t f = 0; f < frames; f++)
        (*times)[f] = (double)f;
done:
    return status;
}

/* ---------------------------------------------------------------- the format */

static bool is_flat(const fc__nc_inventory *inventory)
{
    const fc__nc_variable *phi = fc__nc_find(inventory, "phi");
    const fc__nc_variable *theta = fc__nc_find(inventory, "theta");
    if (!phi || !theta || phi->rank != 1 || theta->rank != 1)
        return false;
    for (size_t i = 0; i < inventory->count; i++) {
        const fc__nc_variable *variable = &inventory->variables[i];
        if (variable->number && variable->rank == 3 && variable->shape[1] == phi->shape[0] &&
            variable->shape[2] == theta->shape[0] && variable->dimension[0][0] == '\0')
            return true;
    }
    return false;
}

static bool recognise(fc__source *source)
{
    hid_t tasks;
    if (fc__h5_find_group(&source->h5, source->h5.file, "tasks", &tasks) == FC_OK && tasks >= 0) {
        H5Gclose(tasks);
        return true;
    }
    return is_flat(&source->inventory);
}

static fc_status open_file(fc__source *source)
{
    fc_status status = FC_OK;
    reader in = {.source = source, .h5 = &source->h5, .group = "tasks/"};
    double *times = NULL;
    size_t largest = 0, index;
    fc_sequence *sequence;
    fc_context *context = source->h5.context;
    FC_TRY(fc__allocate(context, 1, sizeof(fc__fields), (void *)&source->state));
    fc__fields *fields = source->state;
    FC_TRY(fc__h5_find_group(in.h5, in.h5->file, "tasks", &in.tasks));
    if (in.tasks < 0) {
        in.tasks = in.h5->file;
        in.group = "";
    }
    FC_TRY(fc__nc_list_links(in.h5, in.tasks, &in.names));
    FC_TRY(fc__fields_create(context, in.names.count, fc__product(in.names.count, MOST_COMPONENTS),
                             fields));
    FC_TRY(open_fields(&in, &largest));
    FC_TRY(choose_fields(&in, largest));
    FC_TRY(fc__fields_create_dataset(source, fields, in.dims, in.axes));
    FC_TRY(load_times(&in, &fields->fields[0], &times));
    FC_TRY(fc__grid_add_points(context, source->dataset, in.axes, &index));
    FC_TRY(fc_dataset_add_unread(context, source->dataset,
                                 fc__frames_wanted(source, fields->fields[0].shape[0]), times, NULL,
                                 &sequence));
done:
    for (size_t i = 0; i < FC_MAX_DIMS; i++)
        free(in.axes[i].values);
    free(in.names.names);
    free(times);
    return status;
}

const fc__format fc__dedalus_format = {
    .name = "Dedalus",
    .accepted = "Dedalus (tasks, or phi and theta)",
    .recognise = recognise,
    .open = open_file,
    .read = fc__fields_read,
    .read_static = fc__fields_read_static,
    .close = fc__fields_close,
};
