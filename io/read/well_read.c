/* The Well, a collection of simulations (PolymathicAI/the_well, docs/data_format.md): a group
 * /dimensions with the coordinates of uniform grids and the times, and groups of scalar, vector and
 * tensor fields, /t0_fields to /t2_fields, whose attributes tell which axes their arrays have:
 * [trajectory,] [time,] [the dimensions along which they vary,] [components]. Vectors and tensors
 * become a channel for each component, named after the dimensions. What does not change with time
 * is no channel unless named. Attributes that well_write.c adds take precedence over what is
 * inferred.
 */
#include "io/dataset_file.h"
#include "io/read/field_arrays.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ORDERS = 3 }; /* scalars, vectors, tensors */
static const char *const group_names[ORDERS] = {"t0_fields", "t1_fields", "t2_fields"};

typedef struct reader {
    fc__source *source;
    fc__h5 *h5;
    hid_t dimensions; /* the group */
    fc__names places; /* names of the dimensions in the file */
    size_t dims;      /* those longer than 1 */
    fc__grid_axis axes[FC_MAX_DIMS];
    size_t sequences, frames;
    bool own_times; /* each sequence has its own */
    double *times;  /* (sequences, frames) or (frames) */
} reader;

static fc_status invalid(reader *in, const char *name, const char *expected)
{
    return fc__fail(in->h5->context, FC_ERROR_DATA, "%s: %s: %s", in->h5->path, name, expected);
}

/* ---------------------------------------------------------------- attributes */

/* Truth values as h5py writes them, or numbers; false when there are none, or not `count`. */
static bool get_flags(hid_t object, const char *name, size_t count, bool *flags)
{
    int8_t values[FC_MAX_DIMS];
    bool done = false;
    if (fc__h5_get(object, name, H5T_NATIVE_INT8, count, values)) {
        done = true;
    } else if (fc__h5_has(object, name)) {
        hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), space = H5Aget_space(attribute);
        hid_t stored = H5Aget_type(attribute), type = H5Tenum_create(H5T_NATIVE_INT8);
        for (int8_t value = 0; value <= 1; value++)
            H5Tenum_insert(type, value ? "TRUE" : "FALSE", &value);
        done = H5Tget_class(stored) == H5T_ENUM &&
               H5Sget_simple_extent_npoints(space) == (hssize_t)count &&
               H5Aread(attribute, type, values) >= 0;
        H5Tclose(type);
        H5Tclose(stored);
        H5Sclose(space);
        H5Aclose(attribute);
    }
    for (size_t i = 0; done && i < count; i++)
        flags[i] = values[i] != 0;
    return done;
}

/* Reads `count` strings of an attribute. */
static bool read_strings(hid_t attribute, hid_t stored, hid_t space, fc__names *list)
{
    size_t size = H5Tis_variable_str(stored) > 0 ? 0 : H5Tget_size(stored) + 1;
    size_t step = size ? size : sizeof(char *);
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_cset(type, H5Tget_cset(stored));
    H5Tset_size(type, size ? size : H5T_VARIABLE);
    char *texts = calloc(list->count, step);
    bool done = texts && size <= FC__NC_NAME_SIZE && H5Aread(attribute, type, texts) >= 0;
    for (size_t i = 0; done && i < list->count; i++) {
        const char *text = texts + i * step;
        if (!size)
            memcpy(&text, texts + i * step, sizeof text);
        snprintf(list->name[i], FC__NC_NAME_SIZE, "%s", text ? text : "");
    }
    if (done && !size)
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, texts);
    free(texts);
    H5Tclose(type);
    return done;
}

/* A list of names, which is empty when it has no elements of whatever type. free(list->name). */
static fc_status get_list(reader *in, hid_t object, const char *of, const char *name,
                          fc__names *list)
{
    enum { LONGEST = 4096 };
    fc_status status = FC_OK;
    *list = (fc__names){0};
    if (!fc__h5_has(object, name))
        return fc__fail(in->h5->context, FC_ERROR_DATA,
                        "%s: %s has no attribute %s, a list of names", in->h5->path, of, name);
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), space = H5Aget_space(attribute);
    hid_t stored = H5Aget_type(attribute);
    hssize_t count = H5Sget_simple_extent_npoints(space);
    bool text = H5Tget_class(stored) == H5T_STRING;
    if (count < 0 || count > LONGEST || (count > 0 && !text)) {
        status = fc__fail(in->h5->context, FC_ERROR_DATA,
                          "%s: attribute %s of %s is no list of at most %d names", in->h5->path,
                          name, of, LONGEST);
        goto done;
    }
    list->count = (size_t)count;
    FC_NEW(in->h5->context, &list->name, list->count);
    if (count > 0 && !read_strings(attribute, stored, space, list))
        status = fc__h5_fail(in->h5, FC_ERROR_DATA, "attribute %s of %s cannot be read", name, of);
done:
    H5Tclose(stored);
    H5Sclose(space);
    H5Aclose(attribute);
    return status;
}

/* ---------------------------------------------------------------- dimensions */

/* What well_write.c notes of an axis that came from a dataset; false for other files. */
static bool get_noted(hid_t array, fc_axis *axis)
{
    char kind[FC_NAME_SIZE] = "";
    fc_axis noted = *axis;
    if (!fc__h5_get_text(array, "fieldcast_axis", kind, sizeof kind) ||
        !fc__axis_kind_parse(kind, &noted.kind) ||
        !fc__h5_get_double(array, "fieldcast_lower", &noted.lower) ||
        !fc__h5_get_double(array, "fieldcast_upper", &noted.upper))
        return false;
    *axis = noted;
    return true;
}

/* Whether a boundary condition declares this dimension periodic. */
static fc_status is_periodic(reader *in, const char *name, bool *periodic)
{
    fc_status status = FC_OK;
    char type[16];
    hid_t parent = H5I_INVALID_HID, group;
    fc__nc_links links = {0};
    fc__names associated = {0};
    *periodic = false;
    FC_TRY(fc__h5_find_group(in->h5, in->h5->file, "boundary_conditions", &parent));
    if (parent >= 0)
        FC_TRY(fc__nc_list_links(in->h5, parent, &links));
    for (size_t i = 0; i < links.count && !*periodic; i++) {
        FC_TRY(fc__h5_find_group(in->h5, parent, links.names[i], &group));
        if (group >= 0 && fc__h5_get_text(group, "bc_type", type, sizeof type) &&
            strcasecmp(type, "periodic") == 0) {
            FC_TRY(get_list(in, group, links.names[i], "associated_dims", &associated));
            for (size_t k = 0; k < associated.count; k++)
                *periodic |= strcmp(associated.name[k], name) == 0;
            free(associated.name);
            associated.name = NULL;
        }
        H5Gclose(group);
    }
done:
    free(associated.name);
    free(links.names);
    H5Gclose(parent);
    return status;
}

static fc_status load_dimension(reader *in, size_t place, fc__grid_axis *axis, bool *noted)
{
    fc_status status = FC_OK;
    const char *name = in->places.name[place];
    char label[FC__NC_NAME_SIZE + 16];
    size_t length;
    double *values;
    bool varies = false, periodic;
    snprintf(label, sizeof label, "dimensions/%s", name);
    FC_TRY(fc__load_numbers(in->h5, in->dimensions, name, label, &length, &values));
    FC_TRY(fc__grid_set_axis(in->h5, label, name, length, values, axis));
    axis->place = place;
    hid_t array = H5Dopen2(in->dimensions, name, H5P_DEFAULT);
    bool moves = get_flags(array, "time_varying", 1, &varies) && varies;
    if (moves || (get_flags(array, "sample_varying", 1, &varies) && varies)) {
        status = invalid(in, label,
                         moves ? "coordinates that change with time are not read"
                               : "coordinates that differ between trajectories are not read");
    } else {
        fc__h5_get_text(array, "units", axis->axis.units, FC_NAME_SIZE);
        *noted = get_noted(array, &axis->axis);
        if (!*noted)
            status = is_periodic(in, name, &periodic);
        if (!*noted && status == FC_OK && periodic)
            fc__grid_make_periodic(axis, 0.0);
    }
    H5Dclose(array);
done:
    return status;
}

static bool is_named(const fc__grid_axis *axis, const char *name, const char *other)
{
    return strcasecmp(axis->axis.name, name) == 0 || strcasecmp(axis->axis.name, other) == 0;
}

/* Angles on the sphere become longitude and latitude, in this order. */
static fc_status find_sphere(reader *in)
{
    size_t azimuth = in->dims, polar = in->dims;
    char grid[FC_NAME_SIZE] = "";
    fc__h5_get_text(in->h5->file, "grid_type", grid, sizeof grid);
    for (size_t i = 0; i < in->dims; i++) {
        if (is_named(&in->axes[i], "phi", "lon") || is_named(&in->axes[i], "longitude", "lon"))
            azimuth = i;
        if (is_named(&in->axes[i], "theta", "lat") || is_named(&in->axes[i], "latitude", "lat"))
            polar = i;
    }
    if (strcasecmp(grid, "spherical") != 0 || azimuth == in->dims || polar == in->dims)
        return FC_OK;
    if (azimuth > polar) {
        fc__grid_axis other = in->axes[azimuth];
        in->axes[azimuth] = in->axes[polar];
        in->axes[polar] = other;
        size_t place = azimuth;
        azimuth = polar;
        polar = place;
    }
    return fc__grid_make_sphere(in->h5, &in->axes[azimuth], &in->axes[polar]);
}

static fc_status load_dimensions(reader *in)
{
    fc_status status = FC_OK;
    double declared;
    bool noted = false;
    FC_TRY(get_list(in, in->dimensions, "dimensions", "spatial_dims", &in->places));
    if (in->places.count == 0 || in->places.count > FC_MAX_DIMS ||
        (fc__h5_get_double(in->h5->file, "n_spatial_dims", &declared) &&
         declared != (double)in->places.count)) {
        status = fc__fail(in->h5->context, FC_ERROR_DATA,
                          "%s: dimensions: spatial_dims names %zu dimensions; 1 to %d are "
                          "accepted, as many as n_spatial_dims says",
                          in->h5->path, in->places.count, FC_MAX_DIMS);
        goto done;
    }
    for (size_t i = 0; i < in->places.count; i++) {
        fc__grid_axis *axis = &in->axes[in->dims];
        status = load_dimension(in, i, axis, &noted);
        in->dims += axis->length > 1;
        if (axis->length == 1) {
            free(axis->values);
            axis->values = NULL;
        }
        if (status != FC_OK)
            goto done;
    }
    if (!noted)
        FC_TRY(find_sphere(in));
done:
    return status;
}

/* ---------------------------------------------------------------- times */

static fc_status load_times(reader *in)
{
    fc_status status = FC_OK;
    static const char name[] = "dimensions/time";
    size_t rank, shape[FC__MAX_RANK];
    hid_t array = fc__h5_holds(in->dimensions, "time")
                      ? H5Dopen2(in->dimensions, "time", H5P_DEFAULT)
                      : H5I_INVALID_HID;
    if (array < 0)
        return fc__fail(in->h5->context, FC_ERROR_DATA, "%s: %s is missing", in->h5->path, name);
    get_flags(array, "sample_varying", 1, &in->own_times);
    FC_TRY(fc__h5_inspect(in->h5, array, name, &rank, shape));
    if (rank != (in->own_times ? 2 : 1) || shape[rank - 1] == 0) {
        status = invalid(in, name,
                         in->own_times ? "(trajectory, time) is expected, as its attribute "
                                         "sample_varying says"
                                       : "one axis with at least one time is expected");
        goto done;
    }
    in->sequences = in->own_times ? shape[0] : 0;
    in->frames = shape[rank - 1];
    FC_TRY(fc__h5_load_array(in->h5, in->dimensions, "time", H5T_NATIVE_DOUBLE, rank, shape,
                             &in->times));
done:
    H5Dclose(array);
    return status;
}

/* ---------------------------------------------------------------- fields */

/* Axes as the attributes of the array tell. */
static fc_status place_axes(reader *in, fc__field *field, size_t order)
{
    size_t axis = 0, places = in->places.count, components = order;
    bool sample, time, along[FC_MAX_DIMS];
    if (!get_flags(field->id, "sample_varying", 1, &sample) ||
        !get_flags(field->id, "time_varying", 1, &time) ||
        !get_flags(field->id, "dim_varying", places, along))
        return invalid(in, field->name,
                       "the attributes sample_varying, time_varying and dim_varying (one truth "
                       "value for each spatial dimension) are expected");
    if (sample)
        field->sequence = axis++;
    if (time)
        field->time = axis++;
    for (size_t place = 0; place < places; place++) {
        for (size_t i = 0; along[place] && i < in->dims; i++)
            if (in->axes[i].place == place)
                field->space[i] = axis;
        axis += along[place];
    }
    for (size_t i = 0; i < order; i++)
        field->components *= places;
    if (order == 2 && field->rank == axis + 1) /* the documents' D^2, the checker's D x D */
        components = 1;
    size_t found = 1;
    for (size_t i = axis; i < field->rank; i++)
        found = fc__product(found, field->shape[i]);
    if (field->rank != axis + components || found != field->components)
        return fc__fail(in->h5->context, FC_ERROR_DATA,
                        "%s: %s has %zu axes, of which %zu numbers are components; its attributes "
                        "tell of %zu and %zu",
                        in->h5->path, field->name, field->rank, found, axis + components,
                        field->components);
    field->component = field->rank - 1;
    if (sample && in->sequences == 0)
        in->sequences = field->shape[0];
    return FC_OK;
}

static void add_components(reader *in, const fc__field *field, const char *name, size_t order)
{
    char full[3 * FC__NC_NAME_SIZE], title[FC_NAME_SIZE] = "";
    size_t places = in->places.count;
    bool symmetric = false, antisymmetric = false;
    get_flags(field->id, "symmetric", 1, &symmetric);
    get_flags(field->id, "antisymmetric", 1, &antisymmetric);
    fc__h5_get_text(field->id, "long_name", title, sizeof title);
    for (size_t c = 0; c < field->components; c++) {
        size_t row = c / places, column = c % places;
        const char *first = in->places.name[order == 2 ? row : c];
        const char *second = in->places.name[column];
        if (order == 2 && ((symmetric && row > column) || (antisymmetric && row >= column)))
            continue;
        if (order == 0)
            snprintf(full, sizeof full, "%s", name);
        else if (order == 1)
            snprintf(full, sizeof full, "%s_%s", name, first);
        else
            snprintf(full, sizeof full, "%s_%s%s%s", name, first, first[1] || second[1] ? "_" : "",
                     second);
        fc__fields_add_component(in->source->state, c, full, title, field->time != FC__NO_AXIS);
    }
}

static fc_status add_field(reader *in, hid_t group, size_t order, const char *name)
{
    char label[FC__NC_NAME_SIZE + 16];
    fc__fields *fields = in->source->state;
    fc__field *field = &fields->fields[fields->field_count];
    snprintf(label, sizeof label, "%s/%s", group_names[order], name);
    if (name[0] == '\0' || !fc__h5_holds(group, name))
        return invalid(in, label, "is named in field_names, but there is no such array");
    hid_t id = H5Dopen2(group, name, H5P_DEFAULT);
    fc_status status = fc__field_inspect(in->h5, id, label, field);
    if (status == FC_OK)
        status = place_axes(in, field, order);
    if (status != FC_OK)
        return status;
    fields->field_count++;
    add_components(in, field, name, order);
    return FC_OK;
}

static fc_status add_fields(reader *in)
{
    fc_status status = FC_OK;
    fc__names names[ORDERS] = {{0}};
    hid_t groups[ORDERS];
    size_t count = 0, components = 0, each = 1;
    for (size_t order = 0; order < ORDERS; order++, each *= in->places.count) {
        FC_TRY(fc__h5_find_group(in->h5, in->h5->file, group_names[order], &groups[order]));
        if (groups[order] >= 0)
            FC_TRY(get_list(in, groups[order], group_names[order], "field_names", &names[order]));
        count += names[order].count;
        components += names[order].count * each;
    }
    FC_TRY(fc__fields_create(in->h5->context, count, components, in->source->state));
    for (size_t order = 0; order < ORDERS; order++)
        for (size_t i = 0; i < names[order].count; i++)
            FC_TRY(add_field(in, groups[order], order, names[order].name[i]));
done:
    for (size_t order = 0; order < ORDERS; order++)
        free(names[order].name);
    return status;
}

/* ---------------------------------------------------------------- the format */

static bool recognise(fc__source *source)
{
    hid_t group;
    if (fc__h5_find_group(&source->h5, source->h5.file, "dimensions", &group) != FC_OK || group < 0)
        return false;
    bool found = fc__h5_has(group, "spatial_dims");
    H5Gclose(group);
    return found;
}

static fc_status make_dataset(reader *in)
{
    fc_status status = FC_OK;
    fc__source *source = in->source;
    fc__fields *fields = source->state;
    fc_sequence *sequence;
    size_t index;
    if (in->sequences == 0)
        in->sequences = 1; /* nothing tells trajectories apart */
    for (size_t f = 0; f < fields->field_count; f++)
        FC_TRY(fc__field_check(in->h5, &fields->fields[f], in->dims, in->axes, in->sequences,
                               in->frames));
    FC_TRY(fc__fields_create_dataset(source, fields, in->dims, in->axes));
    fc_time_axis *time = &source->dataset->time;
    hid_t array = H5Dopen2(in->dimensions, "time", H5P_DEFAULT);
    fc__h5_get_text(array, "units", time->units, sizeof time->units);
    fc__h5_get_text(array, "calendar", time->calendar, sizeof time->calendar);
    fc__h5_get_double(array, "fieldcast_cycle", &time->cycle);
    H5Dclose(array);
    FC_TRY(fc__grid_add_points(in->h5->context, source->dataset, in->axes, &index));
    for (size_t s = 0; s < in->sequences; s++)
        FC_TRY(fc_dataset_add_unread(
            in->h5->context, source->dataset, fc__frames_wanted(source, in->frames),
            in->times + (in->own_times ? s * in->frames : 0), NULL, &sequence));
done:
    return status;
}

static fc_status open_file(fc__source *source)
{
    fc_status status = FC_OK;
    reader in = {.source = source, .h5 = &source->h5, .dimensions = H5I_INVALID_HID};
    FC_TRY(fc__allocate(in.h5->context, 1, sizeof(fc__fields), (void *)&source->state));
    FC_TRY(fc__h5_find_group(in.h5, in.h5->file, "dimensions", &in.dimensions));
    FC_TRY(load_dimensions(&in));
    FC_TRY(load_times(&in));
    FC_TRY(add_fields(&in));
    FC_TRY(make_dataset(&in));
done:
    for (size_t i = 0; i < FC_MAX_DIMS; i++)
        free(in.axes[i].values);
    free(in.places.name);
    free(in.times);
    return status;
}

const fc__format fc__well_format = {
    .name = "The Well",
    .accepted = "The Well (dimensions, t0_fields)",
    .recognise = recognise,
    .open = open_file,
    .read = fc__fields_read,
    .read_static = fc__fields_read_static,
    .close = fc__fields_close,
};
