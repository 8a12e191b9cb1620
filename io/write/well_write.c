/* The Well: the HDF5 files of that collection of simulations (PolymathicAI/the_well,
 * docs/data_format.md and scripts/check_thewell_formatting.py).
 *
 * All channels are scalar fields on a grid, /t0_fields/NAME (trajectory, time, x, y, z); there are
 * no vectors and tensors. The real numbers among the caller's attributes are the parameters of the
 * simulation, its other attributes stand beside them. Periodic axes, and longitudes once round the
 * earth, have periodic boundaries; of the others nothing is known, which is "open". Coordinates are
 * in single precision, as the format has it, where that loses nothing, and else in double. What the
 * format has no place for (units, extents, kinds of axes) is kept in attributes of the names that
 * native files use. */
#include "io/checksum.h"
#include "io/dataset_file.h"
#include "io/write/writing.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct writer {
    fc__h5 *h5;
    const fc_dataset *dataset;
    hid_t boolean; /* the type that h5py gives to truth values */
} writer;

/* ---------------------------------------------------------------- attributes as h5py writes them
 */

static hid_t boolean_type(void)
{
    hid_t type = H5Tenum_create(H5T_NATIVE_INT8);
    for (int8_t value = 0; value <= 1; value++)
        H5Tenum_insert(type, value ? "TRUE" : "FALSE", &value);
    return type;
}

static fc_status put(writer *out, hid_t object, const char *name, hid_t type, hid_t space,
                     const void *values)
{
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    bool written = attribute >= 0 && H5Awrite(attribute, type, values) >= 0;
    H5Aclose(attribute);
    H5Sclose(space);
    return written && !out->h5->write_error
               ? FC_OK
               : fc__h5_fail(out->h5, FC_ERROR_IO, "attribute %s cannot be written", name);
}

static hid_t list_space(size_t count)
{
    hsize_t extent = count;
    return H5Screate_simple(1, &extent, NULL);
}

static fc_status put_strings(writer *out, hid_t object, const char *name, hid_t space,
                             const char *const *texts)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    fc_status status = put(out, object, name, type, space, texts);
    H5Tclose(type);
    return status;
}

static fc_status put_text(writer *out, hid_t object, const char *name, const char *text)
{
    return put_strings(out, object, name, H5Screate(H5S_SCALAR), &text);
}

static fc_status put_list(writer *out, hid_t object, const char *name, size_t count,
                          const char *const *texts)
{
    return put_strings(out, object, name, list_space(count), texts);
}

static fc_status put_boolean(writer *out, hid_t object, const char *name, bool value)
{
    const int8_t stored = value;
    return put(out, object, name, out->boolean, H5Screate(H5S_SCALAR), &stored);
}

static fc_status put_variation(writer *out, hid_t object, bool sample, bool time)
{
    fc_status status = put_boolean(out, object, "sample_varying", sample);
    return status == FC_OK ? put_boolean(out, object, "time_varying", time) : status;
}

/* ---------------------------------------------------------------- dimensions */

static bool fits_single(size_t count, const double *values)
{
    for (size_t i = 0; i < count; i++)
        if ((double)(float)values[i] != values[i])
            return false;
    return true;
}

static fc_status write_dimension(writer *out, hid_t group, const char *name, size_t count,
                                 const double *values, bool time, hid_t *array)
{
    fc_status status = FC_OK;
    const size_t first = 0;
    hid_t type = fits_single(count, values) ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
    FC_TRY(fc__make_array(out->h5, group, name, type, 1, &count, array));
    FC_TRY(fc__h5_write_box(out->h5, *array, name, H5T_NATIVE_DOUBLE, 1, &first, &count, values));
    FC_TRY(put_variation(out, *array, false, time));
done:
    return status;
}

static fc_status write_time(writer *out, hid_t group)
{
    fc_status status = FC_OK;
    const fc_sequence *sequence = &out->dataset->sequences[0];
    const fc_time_axis *axis = &out->dataset->time;
    double *times = NULL;
    hid_t array;
    FC_NEW(out->h5->context, &times, sequence->frame_count);
    for (size_t f = 0; f < sequence->frame_count; f++)
        times[f] = sequence->frames[f].time;
    FC_TRY(write_dimension(out, group, "time", sequence->frame_count, times, true, &array));
    if (axis->units[0])
        FC_TRY(put_text(out, array, "units", axis->units));
    if (axis->calendar[0])
        FC_TRY(put_text(out, array, "calendar", axis->calendar));
    FC_TRY(fc__h5_put_double(out->h5, array, "fieldcast_cycle", axis->cycle));
done:
    free(times);
    return status;
}

static fc_status write_axis(writer *out, hid_t group, size_t i)
{
    fc_status status = FC_OK;
    const fc_points *points = &out->dataset->points[0];
    const fc_axis *axis = &out->dataset->domain.axis[i];
    size_t length = fc__grid_length(out->dataset, points, i);
    double *values = NULL;
    hid_t array;
    FC_NEW(out->h5->context, &values, length);
    for (size_t k = 0; k < length; k++)
        values[k] = fc__grid_coordinate(out->dataset, points, i, k);
    FC_TRY(write_dimension(out, group, axis->name, length, values, false, &array));
    if (axis->units[0])
        FC_TRY(put_text(out, array, "units", axis->units));
    FC_TRY(put_text(out, array, "fieldcast_axis", fc__axis_kind_name(axis->kind)));
    FC_TRY(fc__h5_put_double(out->h5, array, "fieldcast_lower", axis->lower));
    FC_TRY(fc__h5_put_double(out->h5, array, "fieldcast_upper", axis->upper));
done:
    free(values);
    return status;
}

static fc_status write_dimensions(writer *out)
{
    fc_status status = FC_OK;
    const fc_domain *domain = &out->dataset->domain;
    const char *names[FC_MAX_DIMS];
    hid_t group;
    FC_TRY(fc__h5_make_group(out->h5, out->h5->file, "dimensions", &group));
    for (size_t i = 0; i < domain->dims; i++) {
        names[i] = domain->axis[i].name;
        FC_TRY(write_axis(out, group, i));
    }
    FC_TRY(put_list(out, group, "spatial_dims", domain->dims, names));
    FC_TRY(write_time(out, group));
done:
    return status;
}

/* ---------------------------------------------------------------- boundaries */

static bool is_closed(const fc_dataset *dataset, size_t i)
{
    const fc_points *points = &dataset->points[0];
    double spacing, turn;
    fc__grid_is_uniform(dataset, points, i, &spacing);
    turn = fabs(spacing) * (double)fc__grid_length(dataset, points, i);
    return dataset->domain.axis[i].kind == FC_AXIS_PERIODIC ||
           (dataset->domain.axis[i].kind == FC_AXIS_LONGITUDE && fabs(turn - 360.0) < 1e-3);
}

/* The boundary lies at both ends of its axis. */
static fc_status write_boundary(writer *out, hid_t parent, size_t i)
{
    fc_status status = FC_OK;
    const fc_dataset *dataset = out->dataset;
    const char *axis = dataset->domain.axis[i].name;
    const char *kind = is_closed(dataset, i) ? "periodic" : "open";
    size_t length = fc__grid_length(dataset, &dataset->points[0], i);
    const size_t first = 0;
    char name[FC_NAME_SIZE + 16];
    int8_t *mask = NULL;
    hid_t group, array;
    FC_NEW(out->h5->context, &mask, length);
    mask[0] = mask[length - 1] = 1;
    snprintf(name, sizeof name, "%s_%s", axis, kind);
    FC_TRY(fc__h5_make_group(out->h5, parent, name, &group));
    FC_TRY(put_list(out, group, "associated_dims", 1, &axis));
    FC_TRY(put_list(out, group, "associated_fields", 0, &axis));
    FC_TRY(put_text(out, group, "bc_type", kind));
    FC_TRY(put_variation(out, group, false, false));
    FC_TRY(fc__make_array(out->h5, group, "mask", out->boolean, 1, &length, &array));
    FC_TRY(fc__h5_write_box(out->h5, array, "mask", out->boolean, 1, &first, &length, mask));
done:
    free(mask);
    return status;
}

static fc_status write_boundaries(writer *out)
{
    fc_status status = FC_OK;
    hid_t group;
    FC_TRY(fc__h5_make_group(out->h5, out->h5->file, "boundary_conditions", &group));
    for (size_t i = 0; i < out->dataset->domain.dims; i++)
        FC_TRY(write_boundary(out, group, i));
done:
    return status;
}

/* ---------------------------------------------------------------- fields */

/* Values with the last axis fastest, as the format has them; points have the first axis fastest. */
static void transpose(const fc_dataset *dataset, const float *packed, float *values)
{
    const fc_points *points = &dataset->points[0];
    size_t dims = dataset->domain.dims;
    for (size_t p = 0; p < points->count; p++) {
        size_t place = 0, rest = p;
        for (size_t i = 0; i < dims; i++) {
            size_t length = fc__grid_length(dataset, points, i), behind = 1;
            for (size_t k = i + 1; k < dims; k++)
                behind *= fc__grid_length(dataset, points, k);
            place += rest % length * behind;
            rest /= length;
        }
        values[place] = packed[p];
    }
}

static fc_status write_field_values(writer *out, hid_t array, const char *name,
                                    const fc_dataset *values, size_t c, size_t rank,
                                    const size_t *shape)
{
    fc_status status = FC_OK;
    size_t start[FC_MAX_DIMS + 2] = {0}, count[FC_MAX_DIMS + 2];
    float *packed = NULL, *turned = NULL;
    size_t points = out->dataset->points[0].count;
    memcpy(count, shape, rank * sizeof *count);
    count[0] = count[1] = 1;
    FC_NEW(out->h5->context, &packed, points);
    FC_NEW(out->h5->context, &turned, points);
    for (start[0] = 0; start[0] < shape[0]; start[0]++)
        for (start[1] = 0; start[1] < shape[1]; start[1]++) {
            fc__pack_channel(values, &values->sequences[start[0]].frames[start[1]], c, packed);
            transpose(out->dataset, packed, turned);
            FC_TRY(fc__h5_write_box(out->h5, array, name, H5T_NATIVE_FLOAT, rank, start, count,
                                    turned));
        }
done:
    free(packed);
    free(turned);
    return status;
}

static fc_status write_field(writer *out, hid_t group, const fc_dataset *values, size_t c,
                             const char *name)
{
    fc_status status = FC_OK;
    const fc_dataset *dataset = out->dataset;
    const fc_channel *channel = &dataset->channels[c];
    size_t shape[FC_MAX_DIMS + 2], rank = 2, dims = dataset->domain.dims;
    const int8_t varying[FC_MAX_DIMS] = {1, 1, 1, 1};
    hid_t array;
    shape[0] = dataset->sequence_count;
    shape[1] = dataset->sequences[0].frame_count;
    for (size_t i = 0; i < dims; i++)
        shape[rank++] = fc__grid_length(dataset, &dataset->points[0], i);
    FC_TRY(fc__make_array(out->h5, group, name, H5T_NATIVE_FLOAT, rank, shape, &array));
    FC_TRY(put(out, array, "dim_varying", out->boolean, list_space(dims), varying));
    FC_TRY(put_variation(out, array, true, true));
    if (channel->units[0])
        FC_TRY(put_text(out, array, "units", channel->units));
    if (channel->long_name[0])
        FC_TRY(put_text(out, array, "long_name", channel->long_name));
    FC_TRY(write_field_values(out, array, name, values, c, rank, shape));
    H5Dclose(array);
done:
    return status;
}

static fc_status write_fields(writer *out, const fc_dataset *deviation)
{
    static const char *const others[] = {"t1_fields", "t2_fields"};
    fc_status status = FC_OK;
    fc__h5 *h5 = out->h5;
    const fc_dataset *dataset = out->dataset;
    size_t channels = dataset->channel_count, count = deviation ? 2 * channels : channels;
    char(*names)[FC_NAME_SIZE + 4] = NULL;
    const char **list = NULL;
    hid_t group;
    FC_NEW(h5->context, &names, count);
    FC_NEW(h5->context, &list, count);
    FC_TRY(fc__h5_make_group(h5, h5->file, "t0_fields", &group));
    for (size_t k = 0; k < count; k++) {
        bool second = k >= channels;
        size_t c = second ? k - channels : k;
        snprintf(names[k], sizeof names[k], "%s%s", dataset->channels[c].name,
                 second ? "_std" : "");
        list[k] = names[k];
        FC_TRY(write_field(out, group, second ? deviation : dataset, c, names[k]));
    }
    FC_TRY(put_list(out, group, "field_names", count, list));
    for (size_t k = 0; k < 2; k++) {
        FC_TRY(fc__h5_make_group(h5, h5->file, others[k], &group));
        FC_TRY(put_list(out, group, "field_names", 0, list));
    }
done:
    free(names);
    free(list);
    return status;
}

/* ---------------------------------------------------------------- the simulation */

static fc_status write_scalar(writer *out, hid_t group, const char *name, double value)
{
    fc_status status = FC_OK;
    FC_TRY(fc__h5_write_array(out->h5, group, name, H5T_NATIVE_DOUBLE, 0, NULL, &value));
    hid_t array = H5Dopen2(group, name, H5P_DEFAULT);
    FC_TRY(put_variation(out, array, false, false));
    H5Dclose(array);
done:
    return status;
}

static fc_status put_attribute(writer *out, const char *name, const json_t *value)
{
    hid_t root = out->h5->file;
    if (json_is_string(value))
        return put_text(out, root, name, json_string_value(value));
    if (json_is_real(value))
        return fc__h5_put_double(out->h5, root, name, json_real_value(value));
    int64_t number = json_is_true(value) ? 1 : json_integer_value(value);
    if (json_is_integer(value) || json_is_boolean(value))
        return fc__h5_put(out->h5, root, name, H5T_NATIVE_INT64, 1, &number);
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    fc_status status = text ? put_text(out, root, name, text)
                            : fc__fail(out->h5->context, FC_ERROR_MEMORY, "out of memory");
    free(text);
    return status;
}

static fc_status write_parameters(writer *out, json_t *given)
{
    fc_status status = FC_OK;
    const char **names = NULL, *name;
    json_t *value;
    size_t count = 0;
    hid_t group;
    FC_NEW(out->h5->context, &names, json_object_size(given));
    FC_TRY(fc__h5_make_group(out->h5, out->h5->file, "scalars", &group));
    json_object_foreach(given, name, value)
    {
        if (H5Aexists(out->h5->file, name) > 0 || name[0] == '\0' || strchr(name, '/'))
            FC_TRY(fc__fail(out->h5->context, FC_ERROR_USAGE,
                            "%s: \"%s\" cannot be the name of a global attribute here",
                            out->h5->path, name));
        FC_TRY(put_attribute(out, name, value));
        if (json_is_real(value)) {
            FC_TRY(write_scalar(out, group, name, json_real_value(value)));
            names[count++] = name;
        }
    }
    FC_TRY(put_list(out, group, "field_names", count, names));
    FC_TRY(put_list(out, out->h5->file, "simulation_parameters", count, names));
done:
    free(names);
    return status;
}

static fc_status put_global(writer *out, const json_t *given)
{
    fc_status status = FC_OK;
    fc__h5 *h5 = out->h5;
    const fc_domain *domain = &out->dataset->domain;
    const char *name = json_string_value(json_object_get(given, "case"));
    fc__checksum *sum = NULL;
    char checksum[FC_CHECKSUM_SIZE];
    bool sphere = false;
    for (size_t i = 0; i < domain->dims; i++)
        sphere |= domain->axis[i].kind == FC_AXIS_LONGITUDE;
    if (!name)
        name = json_string_value(json_object_get(given, "title"));
    FC_TRY(fc__checksum_create(h5->context, &sum));
    fc__checksum_add_all(sum, out->dataset);
    fc__checksum_text(sum, checksum);
    FC_TRY(put_text(out, h5->file, "checksum", checksum));
    FC_TRY(put_text(out, h5->file, "dataset_name", name ? name : "fieldcast"));
    FC_TRY(put_text(out, h5->file, "grid_type", sphere ? "spherical" : "cartesian"));
    int64_t dims = (int64_t)domain->dims, trajectories = (int64_t)out->dataset->sequence_count;
    FC_TRY(fc__h5_put(h5, h5->file, "n_spatial_dims", H5T_NATIVE_INT64, 1, &dims));
    FC_TRY(fc__h5_put(h5, h5->file, "n_trajectories", H5T_NATIVE_INT64, 1, &trajectories));
done:
    fc__checksum_destroy(sum);
    return status;
}

/* ---------------------------------------------------------------- the file */

/* Names become links in groups, which the axes share with the time. */
static fc_status check_names(fc_context *context, const char *path, const fc_dataset *dataset)
{
    for (size_t k = 0; k < dataset->domain.dims + dataset->channel_count; k++) {
        bool axis = k < dataset->domain.dims;
        const char *name =
            axis ? dataset->domain.axis[k].name : dataset->channels[k - dataset->domain.dims].name;
        if (name[0] == '\0' || strchr(name, '/') || (axis && strcmp(name, "time") == 0))
            return fc__fail(context, FC_ERROR_DATA,
                            "%s: %s name \"%s\" cannot name an array in a file of The Well; names "
                            "must not be empty, hold a \"/\" or, of an axis, be \"time\"",
                            path, axis ? "axis" : "channel", name);
    }
    return FC_OK;
}

static fc_status check_fit(fc_context *context, const char *path, const fc_dataset *dataset)
{
    fc__layout layout = fc__layout_of(dataset);
    double spacing;
    if (layout != LAYOUT_GRID)
        return fc__fail(
            context, FC_ERROR_DATA,
            "%s: The Well holds one grid that all frames share, this dataset has %s; "
            "native files (.nc), XDMF and CSV hold it",
            path, layout == LAYOUT_POINTS ? "scattered points" : "points or times that differ");
    for (size_t i = 0; i < dataset->domain.dims; i++)
        if (!fc__grid_is_uniform(dataset, &dataset->points[0], i, &spacing))
            return fc__fail(context, FC_ERROR_DATA,
                            "%s: The Well holds uniform grids, the distances along axis %s differ; "
                            "native files (.nc), XDMF and CSV hold it",
                            path, dataset->domain.axis[i].name);
    return check_names(context, path, dataset);
}

static fc_status write_file(writer *out, const fc_dataset *deviation, json_t *attributes)
{
    fc_status status = FC_OK;
    FC_TRY(put_global(out, attributes));
    FC_TRY(write_parameters(out, attributes));
    FC_TRY(write_dimensions(out));
    FC_TRY(write_boundaries(out));
    FC_TRY(write_fields(out, deviation));
done:
    return status;
}

fc_status fc_well_write(fc_context *context, const char *path, const fc_dataset *dataset,
                        const fc_dataset *deviation, const char *attributes)
{
    fc_status status = FC_OK;
    fc__h5 h5;
    json_error_t error = {0};
    json_t *given = attributes ? json_loads(attributes, 0, &error) : json_object();
    writer out = {.h5 = &h5, .dataset = dataset};
    if (!json_is_object(given)) {
        status =
            fc__fail(context, FC_ERROR_USAGE, "%s: global attributes must be a JSON object%s%s",
                     path, given ? "" : ": ", given ? "" : error.text);
        goto done;
    }
    FC_TRY(fc__check_written(context, path, dataset, deviation));
    FC_TRY(fc__check_loaded(context, path, dataset));
    if (deviation)
        FC_TRY(fc__check_loaded(context, path, deviation));
    FC_TRY(check_fit(context, path, dataset));
    status = fc__h5_create(context, path, &h5);
    out.boolean = boolean_type();
    if (status == FC_OK)
        status = write_file(&out, deviation, given);
    if (status == FC_OK)
        status = fc__h5_commit(&h5);
    H5Tclose(out.boolean);
    fc__h5_close(&h5);
done:
    json_decref(given);
    return status;
}
