#include "io/read/field_arrays.h"
#include "io/dataset_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double PI = 3.14159265358979323846;

/* ---------------------------------------------------------------- grids */

fc_status fc__load_numbers(fc__h5 *h5, hid_t parent, const char *name, const char *label,
                           size_t *length, double **values)
{
    fc_status status = FC_OK;
    size_t rank, shape[FC__MAX_RANK], start[FC__MAX_RANK] = {0}, count = 1, long_axes = 0;
    hid_t dataset = fc__h5_holds(parent, name) ? H5Dopen2(parent, name, H5P_DEFAULT) : -1;
    *values = NULL;
    if (dataset < 0)
        return fc__fail(h5->context, FC_ERROR_DATA, "%s: %s is missing", h5->path, label);
    FC_TRY(fc__h5_inspect(h5, dataset, label, &rank, shape));
    for (size_t i = 0; i < rank; i++) {
        long_axes += shape[i] > 1;
        count = fc__product(count, shape[i]);
    }
    if (rank == 0 || long_axes > 1 || count == 0) {
        status = fc__fail(h5->context, FC_ERROR_DATA,
                          "%s: %s has %zu axes and %zu numbers; one axis with at least one number "
                          "is expected",
                          h5->path, label, rank, count);
        goto done;
    }
    FC_NEW(h5->context, values, count);
    FC_TRY(fc__h5_read_box(h5, dataset, label, H5T_NATIVE_DOUBLE, rank, start, shape, *values));
    for (size_t i = 0; i < count; i++) {
        if (isfinite((*values)[i]))
            continue;
        status =
            fc__fail(h5->context, FC_ERROR_DATA, "%s: %s[%zu] is %g; finite numbers are expected",
                     h5->path, label, i, (*values)[i]);
        goto done;
    }
    *length = count;
done:
    H5Dclose(dataset);
    if (status != FC_OK) {
        free(*values);
        *values = NULL;
    }
    return status;
}

fc_status fc__grid_set_axis(fc__h5 *h5, const char *label, const char *name, size_t length,
                            double *values, fc__grid_axis *axis)
{
    *axis = (fc__grid_axis){.length = length, .values = values};
    fc__copy_name(axis->axis.name, name);
    fc__copy_name(axis->axis.units, "1");
    for (size_t i = 1; i < length; i++)
        if (values[i] == values[i - 1] || (values[i] > values[i - 1]) != (values[1] > values[0]))
            return fc__fail(h5->context, FC_ERROR_DATA,
                            "%s: %s: %.10g at index %zu follows %.10g; coordinates must increase "
                            "or decrease all the way",
                            h5->path, label, values[i], i, values[i - 1]);
    axis->axis.lower = fmin(values[0], values[length - 1]);
    axis->axis.upper = fmax(values[0], values[length - 1]);
    return FC_OK;
}

void fc__grid_make_periodic(fc__grid_axis *axis, double before)
{
    const double *x = axis->values;
    fc_axis *of = &axis->axis;
    if (axis->length < 2)
        return;
    double last = (double)(axis->length - 1), step = (x[axis->length - 1] - x[0]) / last;
    double single = 1e-6 * fmax(fabs(of->lower), fabs(of->upper)) + 1e-3 * fabs(step);
    for (size_t i = 1; i < axis->length; i++)
        if (!(fabs(x[0] + (double)i * step - x[i]) <= single))
            return;
    of->kind = FC_AXIS_PERIODIC;
    of->lower -= before * fabs(step);
    of->upper = of->lower + (last + 1.0) * fabs(step);
}

static void set_degrees(fc__grid_axis *axis, fc_axis_kind kind, const char *units)
{
    double *x = axis->values, end = x[axis->length - 1];
    axis->axis.kind = kind;
    axis->axis.lower = fmin(x[0], end);
    axis->axis.upper = fmax(x[0], end);
    fc__copy_name(axis->axis.units, units);
}

fc_status fc__grid_make_sphere(fc__h5 *h5, fc__grid_axis *azimuth, fc__grid_axis *polar)
{
    const double slack = 1e-5; /* of angles in single precision */
    const fc_axis *phi = &azimuth->axis, *theta = &polar->axis;
    bool latitude = theta->lower < -slack;
    double lowest = latitude ? -0.5 * PI : 0.0;
    if (phi->upper - phi->lower > 2.0 * PI + slack || theta->lower < lowest - slack ||
        theta->upper > lowest + PI + slack)
        return fc__fail(h5->context, FC_ERROR_DATA,
                        "%s: %s from %g to %g and %s from %g to %g are no longitude and colatitude "
                        "in radians, as on the sphere",
                        h5->path, phi->name, phi->lower, phi->upper, theta->name, theta->lower,
                        theta->upper);
    for (size_t i = 0; i < azimuth->length; i++)
        azimuth->values[i] *= 180.0 / PI;
    for (size_t i = 0; i < polar->length; i++) {
        double degrees = polar->values[i] * (180.0 / PI);
        degrees = latitude ? degrees : 90.0 - degrees;
        polar->values[i] = fmin(fmax(degrees, -90.0), 90.0);
    }
    set_degrees(azimuth, FC_AXIS_LONGITUDE, "degrees_east");
    set_degrees(polar, FC_AXIS_LATITUDE, "degrees_north");
    return FC_OK;
}

fc_status fc__grid_add_points(fc_context *context, fc_dataset *dataset, const fc__grid_axis *axes,
                              size_t *index)
{
    fc_status status = FC_OK;
    size_t dims = dataset->domain.dims, count = 1, stride = 1, grid[FC_MAX_DIMS];
    double *coordinates = NULL;
    for (size_t i = 0; i < dims; i++) {
        grid[dims - 1 - i] = axes[i].length;
        count = fc__product(count, axes[i].length);
    }
    FC_NEW(context, &coordinates, fc__product(count, dims));
    for (size_t i = 0; i < dims; i++) {
        for (size_t p = 0; p < count; p++)
            coordinates[p * dims + i] = axes[i].values[p / stride % axes[i].length];
        stride *= axes[i].length;
    }
    FC_TRY(fc_dataset_add_points(context, dataset, count, coordinates, grid, index));
done:
    free(coordinates);
    return status;
}

size_t fc__frames_wanted(const fc__source *source, size_t count)
{
    size_t most = source->config ? source->config->max_frames : 0;
    return most && most < count ? most : count;
}

/* ---------------------------------------------------------------- fields */

fc_status fc__fields_create(fc_context *context, size_t fields, size_t components, fc__fields *made)
{
    fc_status status = FC_OK;
    *made = (fc__fields){0};
    FC_NEW(context, &made->fields, fields);
    FC_NEW(context, &made->components, components);
done:
    return status;
}

void fc__fields_close(fc__source *source)
{
    fc__fields *fields = source->state;
    if (!fields)
        return;
    free(fields->fields);
    free(fields->components);
    free(fields->channels);
    free(fields);
}

fc_status fc__field_inspect(fc__h5 *h5, hid_t id, const char *name, fc__field *field)
{
    *field = (fc__field){.id = id, .sequence = FC__NO_AXIS, .time = FC__NO_AXIS, .components = 1};
    snprintf(field->name, sizeof field->name, "%s", name);
    for (size_t i = 0; i < FC_MAX_DIMS; i++)
        field->space[i] = FC__NO_AXIS;
    return fc__h5_inspect(h5, id, field->name, &field->rank, field->shape);
}

static fc_status check_length(fc__h5 *h5, const fc__field *field, size_t axis, const char *of,
                              size_t expected)
{
    if (axis == FC__NO_AXIS || (axis < field->rank && field->shape[axis] == expected))
        return FC_OK;
    if (axis >= field->rank)
        return fc__fail(h5->context, FC_ERROR_DATA, "%s: %s has %zu axes and none for its %s",
                        h5->path, field->name, field->rank, of);
    return fc__fail(h5->context, FC_ERROR_DATA,
                    "%s: axis %zu of %s has length %zu, but there are %zu %s", h5->path, axis,
                    field->name, field->shape[axis], expected, of);
}

/* An axis that is none of those known would make frames larger than they are. */
static fc_status check_no_other(fc__h5 *h5, const fc__field *field, size_t dims)
{
    size_t rest = 1;
    for (size_t axis = 0; axis < field->rank; axis++) {
        bool known = axis == field->sequence || axis == field->time;
        for (size_t i = 0; !known && i < dims; i++)
            known = axis == field->space[i];
        if (!known)
            rest = fc__product(rest, field->shape[axis]);
    }
    if (rest == field->components)
        return FC_OK;
    return fc__fail(h5->context, FC_ERROR_DATA,
                    "%s: %s has %zu numbers at each point and time, where its axes speak of %zu",
                    h5->path, field->name, rest, field->components);
}

fc_status fc__field_check(fc__h5 *h5, const fc__field *field, size_t dims,
                          const fc__grid_axis *axes, size_t sequences, size_t frames)
{
    fc_status status = FC_OK;
    char what[FC_NAME_SIZE + 32];
    FC_TRY(check_length(h5, field, field->sequence, "sequences", sequences));
    FC_TRY(check_length(h5, field, field->time, "times", frames));
    for (size_t i = 0; i < dims; i++) {
        snprintf(what, sizeof what, "coordinates %s", axes[i].axis.name);
        FC_TRY(check_length(h5, field, field->space[i], what, axes[i].length));
    }
    FC_TRY(check_no_other(h5, field, dims));
done:
    return status;
}

void fc__fields_add_component(fc__fields *fields, size_t number, const char *name,
                              const char *long_name, bool usual)
{
    fc__component *made = &fields->components[fields->component_count++];
    *made = (fc__component){.field = fields->field_count - 1, .number = number, .usual = usual};
    fc__copy_name(made->channel.name, name);
    fc__copy_name(made->channel.long_name, long_name);
    fc__copy_name(made->channel.units, "1");
    fc__h5_get_text(fields->fields[made->field].id, "units", made->channel.units, FC_NAME_SIZE);
}

static size_t find_component(const fc__fields *fields, const char *name)
{
    size_t c = 0;
    while (c < fields->component_count && strcmp(fields->components[c].channel.name, name) != 0)
        c++;
    return c;
}

static void list_components(const fc__fields *fields, char text[FC__TEXT_SIZE])
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t c = 0; c < fields->component_count && used < FC__TEXT_SIZE; c++)
        used += (size_t)snprintf(text + used, FC__TEXT_SIZE - used, "%s%s", c ? ", " : "",
                                 fields->components[c].channel.name);
}

static fc_status choose_channels(fc__source *source, fc__fields *fields)
{
    fc_status status = FC_OK;
    fc__names names = {0};
    char list[FC__TEXT_SIZE];
    fc_context *context = source->h5.context;
    FC_TRY(fc__names_parse(context, source->config ? source->config->variables : NULL, &names));
    FC_NEW(context, &fields->channels, names.count ? names.count : fields->component_count);
    list_components(fields, list);
    for (size_t i = 0; i < names.count; i++) {
        size_t found = find_component(fields, names.name[i]);
        if (found == fields->component_count) {
            status =
                fc__fail(context, FC_ERROR_DATA, "%s: there is no variable \"%s\"; there are: %s",
                         source->h5.path, names.name[i], list);
            goto done;
        }
        fields->channels[fields->channel_count++] = found;
    }
    for (size_t c = 0; names.count == 0 && c < fields->component_count; c++)
        if (fields->components[c].usual)
            fields->channels[fields->channel_count++] = c;
    if (fields->channel_count == 0)
        status = fc__fail(context, FC_ERROR_DATA, "%s: no field changes with time; there are: %s",
                          source->h5.path, list[0] ? list : "none at all");
done:
    free(names.name);
    return status;
}

fc_status fc__fields_create_dataset(fc__source *source, fc__fields *fields, size_t dims,
                                    const fc__grid_axis *axes)
{
    fc_domain domain = {.dims = dims};
    fc_status status = choose_channels(source, fields);
    if (status != FC_OK)
        return status;
    fields->dims = dims;
    for (size_t i = 0; i < dims; i++) {
        domain.axis[i] = axes[i].axis;
        fields->length[i] = axes[i].length;
    }
    fc_context *context = source->h5.context;
    status = fc_dataset_create(context, &domain, fields->channel_count, &source->dataset);
    if (status != FC_OK)
        return fc__fail(context, status, "%s: %s", source->h5.path, fc_context_message(context));
    fc__copy_name(source->dataset->time.units, "1");
    source->unit = 1;
    for (size_t c = 0; c < fields->channel_count; c++) {
        const fc__component *of = &fields->components[fields->channels[c]];
        const fc__field *field = &fields->fields[of->field];
        size_t unit = fc__h5_unit(field->id, field->time);
        source->dataset->channels[c] = of->channel;
        source->unit = unit > source->unit ? unit : source->unit;
    }
    return FC_OK;
}

/* ---------------------------------------------------------------- values */

/* How the numbers of a frame in a block of the file become those of a channel. */
typedef struct transposition {
    size_t dims, length[FC_MAX_DIMS];
    size_t from[FC_MAX_DIMS], to[FC_MAX_DIMS]; /* strides */
} transposition;

/* In squares along the first and the last axis, as one of them is usually the fastest in the file
 * and the other in the frame; so small that their lines stay in the cache even where all of them
 * have the same place in it, as on grids whose lengths are powers of two. */
static void transpose(const transposition *how, const float *from, float *to)
{
    enum { TILE = 8 };
    size_t last = how->dims - 1, middle = 1, length = how->length[0];
    size_t depth = last ? how->length[last] : 1, from_step = how->from[last],
           to_step = how->to[last];
    for (size_t i = 1; i < last; i++)
        middle *= how->length[i];
    for (size_t m = 0; m < middle; m++) {
        const float *source = from;
        float *target = to;
        for (size_t i = 1, rest = m; i < last; rest /= how->length[i++]) {
            source += rest % how->length[i] * how->from[i];
            target += rest % how->length[i] * how->to[i];
        }
        for (size_t x0 = 0; x0 < length; x0 += TILE) {
            size_t x1 = length - x0 < TILE ? length : x0 + TILE;
            for (size_t z0 = 0; z0 < depth; z0 += TILE) {
                size_t z1 = depth - z0 < TILE ? depth : z0 + TILE;
                for (size_t z = z0; z < z1; z++)
                    for (size_t x = x0; x < x1; x++)
                        target[x * how->to[0] + z * to_step] =
                            source[x * how->from[0] + z * from_step];
            }
        }
    }
}

/* What is read of a field at once. */
typedef struct block {
    size_t start[FC__MAX_RANK], count[FC__MAX_RANK];
    size_t size; /* numbers */
} block;

static size_t stride_of(const fc__field *field, const block *part, size_t axis)
{
    size_t stride = 1;
    for (size_t i = axis + 1; i < field->rank; i++)
        stride *= part->count[i];
    return axis < field->rank ? stride : 0;
}

static void set_block(const fc__field *field, size_t sequence, size_t first, size_t count,
                      block *part)
{
    *part = (block){.size = 1};
    for (size_t i = 0; i < field->rank; i++) {
        bool one = i == field->sequence;
        part->start[i] = one ? sequence : i == field->time ? first : 0;
        part->count[i] = one ? 1 : i == field->time ? count : field->shape[i];
        part->size = fc__product(part->size, part->count[i]);
    }
}

/* Whether the points of a frame stand in the file as in the dataset. */
static bool is_ordered(const fc__field *field, size_t dims)
{
    for (size_t i = 0; i < dims; i++)
        if (field->space[i] == FC__NO_AXIS || (i > 0 && field->space[i] > field->space[i - 1]))
            return false;
    return field->components == 1 && field->time != FC__NO_AXIS;
}

static transposition transposition_of(const fc__fields *fields, const fc__field *field,
                                      const block *part, size_t channels)
{
    transposition how = {.dims = fields->dims};
    size_t stride = channels;
    for (size_t i = 0; i < how.dims; i++) {
        how.length[i] = fields->length[i];
        how.from[i] = stride_of(field, part, field->space[i]);
        how.to[i] = stride;
        stride *= how.length[i];
    }
    return how;
}

/* Where the numbers of a component begin. */
static size_t offset_of(const fc__field *field, const block *part, size_t number)
{
    return field->components > 1 ? number * stride_of(field, part, field->component) : 0;
}

static fc_status read_block(fc__source *source, const fc__field *field, const block *part,
                            float *numbers)
{
    return fc__h5_read_box(&source->h5, field->id, field->name, H5T_NATIVE_FLOAT, field->rank,
                           part->start, part->count, numbers);
}

/* Frames, whole chunks of them, that are read at once to be turned while they are in the cache. */
static size_t piece_frames(const fc__field *field, size_t count)
{
    enum { PIECE_BYTES = 1 << 20 };
    block part;
    if (field->time == FC__NO_AXIS)
        return count;
    set_block(field, 0, 0, 1, &part);
    size_t unit = fc__h5_unit(field->id, field->time);
    size_t frames = PIECE_BYTES / (fc__product(part.size, sizeof(float)) + 1) / unit * unit;
    return frames ? frames : unit;
}

/* From a block of a field to the channels that are its components. */
static void spread(const fc__fields *fields, size_t field_index, const block *part,
                   const float *numbers, size_t count, float *const *values)
{
    const fc__field *field = &fields->fields[field_index];
    transposition how = transposition_of(fields, field, part, fields->channel_count);
    size_t frame = stride_of(field, part, field->time);
    for (size_t c = 0; c < fields->channel_count; c++) {
        const fc__component *of = &fields->components[fields->channels[c]];
        const float *from = numbers + offset_of(field, part, of->number);
        for (size_t f = 0; of->field == field_index && f < count; f++)
            transpose(&how, from + f * frame, values[f] + c);
    }
}

/* The field is the only component of channel c, in the order of the dataset. */
static fc_status read_ordered(fc__source *source, const fc__fields *fields, const fc__field *field,
                              size_t c, size_t sequence, size_t first, size_t count,
                              float *const *values)
{
    block part;
    set_block(field, sequence, first, count, &part);
    return fc__h5_read_frames(&source->h5, field->id, field->name, field->rank, part.start,
                              part.count, field->time, fields->channel_count, c, values);
}

/* Channels that are components of the field; *last is one of them. */
static size_t count_channels(const fc__fields *fields, size_t field_index, size_t *last)
{
    size_t count = 0;
    for (size_t c = 0; c < fields->channel_count; c++) {
        if (fields->components[fields->channels[c]].field != field_index)
            continue;
        *last = c;
        count++;
    }
    return count;
}

static fc_status read_field(fc__source *source, const fc__fields *fields, size_t field_index,
                            size_t sequence, size_t first, size_t count, float *const *values)
{
    fc_status status = FC_OK;
    const fc__field *field = &fields->fields[field_index];
    size_t c = 0, channels = count_channels(fields, field_index, &c), step, size;
    float *numbers = NULL;
    block part;
    if (channels == 0)
        return FC_OK;
    if (channels == 1 && is_ordered(field, fields->dims))
        return read_ordered(source, fields, field, c, sequence, first, count, values);
    step = piece_frames(field, count);
    set_block(field, sequence, first, step < count ? step : count, &part);
    FC_TRY(fc__reserve(source->h5.context, part.size, sizeof *numbers, &numbers));
    for (size_t f = 0; f < count; f += size) {
        size = step - (first + f) % step; /* on from the beginning of a chunk */
        size = size < count - f ? size : count - f;
        if (field->time == FC__NO_AXIS)
            size = count;
        set_block(field, sequence, first + f, size, &part);
        FC_TRY(read_block(source, field, &part, numbers));
        spread(fields, field_index, &part, numbers, size, values + f);
    }
done:
    free(numbers);
    return status;
}

fc_status fc__fields_read(fc__source *source, size_t sequence, size_t first, size_t count,
                          float *const *values)
{
    fc_status status = FC_OK;
    const fc__fields *fields = source->state;
    for (size_t f = 0; status == FC_OK && f < fields->field_count; f++)
        status = read_field(source, fields, f, sequence, first, count, values);
    return status;
}

fc_status fc__fields_read_static(fc__source *source, size_t points, const char *name, float *values)
{
    fc_status status = FC_OK;
    const fc__fields *fields = source->state;
    float *numbers = NULL;
    block part;
    size_t found = find_component(fields, name);
    (void)points; /* all sets have the same grid */
    if (found == fields->component_count)
        return fc__fail(source->h5.context, FC_ERROR_DATA, "%s: there is no variable \"%s\"",
                        source->h5.path, name);
    const fc__component *of = &fields->components[found];
    const fc__field *field = &fields->fields[of->field];
    if (field->time != FC__NO_AXIS || field->sequence != FC__NO_AXIS)
        return fc__fail(source->h5.context, FC_ERROR_DATA,
                        "%s: %s is not the same in all sequences and at all times", source->h5.path,
                        name);
    set_block(field, 0, 0, 1, &part);
    FC_TRY(fc__reserve(source->h5.context, part.size, sizeof *numbers, &numbers));
    FC_TRY(read_block(source, field, &part, numbers));
    transposition how = transposition_of(fields, field, &part, 1);
    transpose(&how, numbers + offset_of(field, &part, of->number), values);
done:
    free(numbers);
    return status;
}
