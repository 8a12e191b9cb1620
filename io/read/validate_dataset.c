#include "io/checksum.h"
#include "io/dataset_file.h"
#include "io/read/validate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- places */

typedef struct place {
    const double *at; /* (dims) */
    size_t dims;
} place;

static int compare_places(const void *a, const void *b)
{
    const place *x = a, *y = b;
    for (size_t i = 0; i < x->dims; i++)
        if (x->at[i] != y->at[i])
            return x->at[i] < y->at[i] ? -1 : 1;
    return 0;
}

/* Points of one set at the same place. */
static fc_status find_duplicates(fc_context *context, const fc_dataset *dataset, const char *path,
                                 size_t set)
{
    fc_status status = FC_OK;
    const fc_points *points = &dataset->points[set];
    size_t dims = dataset->domain.dims, repeated = 0, first = 0, second = 0;
    place *places = NULL;
    FC_NEW(context, &places, points->count);
    for (size_t p = 0; p < points->count; p++)
        places[p] = (place){points->coordinates + p * dims, dims};
    qsort(places, points->count, sizeof *places, compare_places);
    for (size_t p = 1; p < points->count; p++) {
        if (compare_places(&places[p - 1], &places[p]) != 0)
            continue;
        if (repeated++ == 0) {
            first = (size_t)(places[p - 1].at - points->coordinates) / dims;
            second = (size_t)(places[p].at - points->coordinates) / dims;
        }
    }
    if (repeated)
        FC__WARN(context,
                 "%s: places that repeat in point set %zu: %zu, such as points %zu and %zu: they "
                 "count twice in training, and contradict each other where their values differ",
                 path, set, repeated, first < second ? first : second,
                 first < second ? second : first);
done:
    free(places);
    return status;
}

static fc_status check_longitudes(fc_context *context, const fc_dataset *dataset, const char *path,
                                  size_t set)
{
    fc_status status = FC_OK;
    const fc_points *points = &dataset->points[set];
    size_t dims = dataset->domain.dims;
    for (size_t i = 0; i < dims; i++)
        for (size_t p = 0; p < points->count; p++) {
            double x = points->coordinates[p * dims + i];
            if (dataset->domain.axis[i].kind == FC_AXIS_LONGITUDE && fabs(x) > 360.0)
                FC__WARN(context,
                         "%s: point %zu: %s = %g; longitudes from -360 to 360 are usual: another "
                         "number may be none, or in other units, and is taken as it stands",
                         path, p, dataset->domain.axis[i].name, x);
        }
done:
    return status;
}

static fc_status check_places(fc_context *context, const fc_dataset *dataset, const char *path)
{
    fc_status status = FC_OK;
    for (size_t p = 0; p < dataset->points_count; p++) {
        const fc_points *points = &dataset->points[p];
        FC_TRY(fc_domain_check(context, &dataset->domain, path, 1e-6, points->count,
                               points->coordinates));
        FC_TRY(check_longitudes(context, dataset, path, p));
        FC_TRY(find_duplicates(context, dataset, path, p));
    }
done:
    return status;
}

/* ---------------------------------------------------------------- times */

/* "1582-10-15" of a time after text; numbers where there is no calendar. */
static int year_of(const fc_time_axis *axis, double time)
{
    char text[64];
    int year = 2000;
    fc_time_format(axis, time, text, sizeof text);
    return strchr(text, 'T') && sscanf(text, "%d-", &year) == 1 ? year : 2000;
}

static fc_status check_calendar(fc_context *context, const fc_dataset *dataset, const char *path)
{
    fc_status status = FC_OK;
    const fc_sequence *sequence = &dataset->sequences[0];
    const fc_time_axis *axis = &dataset->time;
    double time, last = sequence->frames[sequence->frame_count - 1].time;
    bool dated = strstr(axis->units, " since ") != NULL;
    if (!dated && dataset->record)
        FC__WARN(context,
                 "%s: the units of time, \"%s\", have no reference date (\"hours since "
                 "1970-01-01\"): cycles of the day and the year are not found, and times are given "
                 "as numbers",
                 path, axis->units);
    if (!dated || sequence->frame_count == 0)
        goto done;
    if (fc_time_parse(context, axis, "2000-01-01", &time) != FC_OK) {
        FC__WARN(context, "%s: %s: times stay numbers, and cycles are not found", path,
                 fc_context_message(context));
        goto done;
    }
    int from = year_of(axis, sequence->frames[0].time), to = year_of(axis, last);
    bool mixed = axis->calendar[0] == '\0' || strcmp(axis->calendar, "standard") == 0 ||
                 strcmp(axis->calendar, "gregorian") == 0;
    if (mixed && from <= 1582)
        FC__WARN(context,
                 "%s: times begin in the year %d of the standard calendar, which leaves out "
                 "1582-10-05 to 1582-10-14; simulations mean proleptic_gregorian as a rule, and "
                 "climatologies are no record",
                 path, from);
    if (to > 3000)
        FC__WARN(context,
                 "%s: times end in the year %d, which may be wrong units (\"%s\"): steps between "
                 "frames, and the cycles that follow from them, are then wrong as well",
                 path, to, axis->units);
done:
    return status;
}

static fc_status check_lengths(fc_context *context, const fc_dataset *dataset, const char *path)
{
    fc_status status = FC_OK;
    size_t frames = 0;
    for (size_t s = 0; s < dataset->sequence_count; s++) {
        frames += dataset->sequences[s].frame_count;
        if (dataset->sequences[s].frame_count < 2)
            FC__WARN(context,
                     "%s: frames of sequence %zu: %zu; a model learns how one frame becomes the "
                     "next, which takes 2 at least",
                     path, s, dataset->sequences[s].frame_count);
    }
    if (frames == 0)
        FC_TRY(fc__fault(context, FC_ERROR_DATA, "%s: holds no frames", path));
done:
    return status;
}

/* ---------------------------------------------------------------- values */

/* What programs write for missing values. */
static const float fills[] = {-99.0f,    -999.0f,   9999.0f,  -9999.0f,        99999.0f, -99999.0f,
                              -32767.0f, -32768.0f, 65535.0f, 1e15f,           1e20f,    -1e20f,
                              1e30f,     -1e30f,    1e34f,    9.96920997e+36f, -1e34f,   32767.0f};
enum { FILLS = sizeof fills / sizeof *fills, SAMPLE = 16384 };

typedef struct spot {
    float value;
    size_t sequence, frame, point;
} spot;

typedef struct channel_check {
    size_t count, filled[FILLS];
    spot lowest, highest;
    size_t sampled;
    float *sample; /* (SAMPLE) of values that are no fills */
} channel_check;

typedef struct value_check {
    fc_context *context;
    const fc_dataset *dataset;
    const char *path;
    bool drops;
    size_t quota; /* values of a frame that go to the sample */
    channel_check *channels;
    size_t *seen;      /* (channels) */
    const float *last; /* the frame before, in memory of `copy` */
    float *copy;
    size_t last_set;
    size_t empty, empty_sequence, empty_frame; /* frames without any value; the first of them */
    fc__checksum *checksum;
    bool unreadable; /* some values */
} value_check;

static size_t fill_of(float value)
{
    size_t k = 0;
    if (fabsf(value) < 99.0f || value != rintf(value)) /* most values, soon */
        return FILLS;
    while (k < FILLS && value != fills[k])
        k++;
    return k;
}

static void note_values(value_check *check, size_t c, size_t s, size_t f, size_t points,
                        const float *values)
{
    channel_check *channel = &check->channels[c];
    size_t stride = check->dataset->channel_count;
    size_t every = (points + check->quota - 1) / check->quota;
    for (size_t p = 0; p < points; p++) {
        float value = values[p * stride];
        if (!isfinite(value))
            continue;
        spot here = {value, s, f, p};
        if (channel->count == 0 || value < channel->lowest.value)
            channel->lowest = here;
        if (channel->count == 0 || value > channel->highest.value)
            channel->highest = here;
        channel->count++;
        size_t fill = fill_of(value);
        if (fill < FILLS)
            channel->filled[fill]++;
        else if (p % every == 0 && channel->sampled < SAMPLE)
            channel->sample[channel->sampled++] = value;
    }
}

static bool all_missing(size_t count, const float *values)
{
    size_t i = 0;
    while (i < count && isnan(values[i]))
        i++;
    return i == count;
}

static fc_status note_frame(value_check *check, size_t s, size_t f, const float *values)
{
    fc_status status = FC_OK;
    const fc_dataset *dataset = check->dataset;
    size_t set = dataset->sequences[s].frames[f].points, channels = dataset->channel_count;
    size_t points = dataset->points[set].count, count = points * channels;
    bool empty = all_missing(count, values);
    fc__checksum_add(check->checksum, dataset, &dataset->sequences[s].frames[f]);
    if (!empty || !check->drops)
        FC_TRY(fc__dataset_check_frame(check->context, dataset, check->path, s, f, values,
                                       check->seen));
    if (empty && check->empty++ == 0) {
        check->empty_sequence = s;
        check->empty_frame = f;
    }
    for (size_t c = 0; c < channels; c++)
        note_values(check, c, s, f, points, values + c);
    if (!empty && f > 0 && check->last && check->last_set == set &&
        memcmp(check->last, values, count * sizeof *values) == 0)
        FC__WARN(check->context,
                 "%s: sequence %zu: frame %zu is an exact copy of frame %zu: a gap that was filled "
                 "so teaches that nothing changes",
                 check->path, s, f, f - 1);
    memcpy(check->copy, values, count * sizeof *values);
    check->last = check->copy;
    check->last_set = set;
done:
    return status;
}

/* Blocks that cannot be read are told, and left out. */
static fc_status note_all(value_check *check, fc_dataset *dataset)
{
    fc_status status = FC_OK;
    size_t step = fc__block_frames(fc__frame_bytes(dataset), dataset->reader.unit), passed = 0;
    size_t frames = 0;
    for (size_t s = 0; s < dataset->sequence_count; s++)
        frames += dataset->sequences[s].frame_count;
    check->quota = frames && SAMPLE / frames > 0 ? SAMPLE / frames : 1;
    for (size_t s = 0; s < dataset->sequence_count; s++) {
        size_t count = dataset->sequences[s].frame_count;
        for (size_t f = 0, size; f < count; f += size) {
            size = count - f < step ? count - f : step;
            if (fc_context_interrupted(check->context))
                FC_TRY(fc__fail(check->context, FC_INTERRUPTED, "%s: interrupted", check->path));
            status = fc_dataset_load(check->context, dataset, s, f, size);
            check->unreadable = check->unreadable || status != FC_OK;
            if (status == FC_ERROR_DATA || status == FC_ERROR_IO)
                FC_TRY(fc__fault(check->context, status, "%s (sequence %zu, frames %zu to %zu)",
                                 fc_context_message(check->context), s, f, f + size - 1));
            else if (status != FC_OK)
                goto done;
            for (size_t k = f; k < f + size && dataset->sequences[s].frames[k].values; k++)
                FC_TRY(note_frame(check, s, k, dataset->sequences[s].frames[k].values));
            fc_dataset_unload(dataset, s, f, size);
            passed += size;
            fc__report(check->context, "reading", passed, frames, NAN);
        }
    }
done:
    return status;
}

/* ---------------------------------------------------------------- findings */

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Median of the sample, and the standard deviation that its quartiles (or, where these agree, its
 * outer twentieths) have in a normal distribution; 0 where most values are the same. */
static double spread_of(channel_check *channel, double *median)
{
    size_t count = channel->sampled;
    float *sample = channel->sample;
    qsort(sample, count, sizeof *sample, compare_floats);
    *median = sample[count / 2];
    double quartiles = (double)sample[count - 1 - count / 4] - sample[count / 4];
    double twentieths = (double)sample[count - 1 - count / 20] - sample[count / 20];
    return quartiles > 0.0 ? quartiles / 1.349 : twentieths / 3.29;
}

static fc_status check_fills(const value_check *check, const char *name,
                             const channel_check *channel, double median, double spread,
                             bool *filled)
{
    fc_status status = FC_OK;
    for (size_t k = 0; k < FILLS; k++) {
        bool extreme = fills[k] == channel->lowest.value || fills[k] == channel->highest.value;
        if (channel->filled[k] < 2 || !extreme || !(fabs(fills[k] - median) > 10.0 * spread))
            continue;
        *filled = true;
        FC__WARN(check->context,
                 "%s: %s is exactly %g in %zu of %zu values, as where something is missing; "
                 "undeclared, it is learned as a value: name it in the attribute _FillValue, or "
                 "use --where \"%s != %g\"",
                 check->path, name, fills[k], channel->filled[k], channel->count, name, fills[k]);
    }
done:
    return status;
}

static fc_status check_far(const value_check *check, const char *name, const spot *at,
                           double median, double spread)
{
    const double many = 1e6;
    fc_status status = FC_OK;
    double deviations = fabs(at->value - median) / spread;
    if (spread > 0.0 && deviations > many)
        FC__WARN(check->context,
                 "%s: %s = %g in sequence %zu, frame %zu, point %zu lies %.2g standard deviations "
                 "from the median %g: such a value alone sets the scale of the channel and hides "
                 "all others",
                 check->path, name, at->value, at->sequence, at->frame, at->point, deviations,
                 median);
done:
    return status;
}

static fc_status check_channel(const value_check *check, size_t c)
{
    fc_status status = FC_OK;
    channel_check *channel = &check->channels[c];
    const char *name = check->dataset->channels[c].name;
    double median;
    bool filled = false;
    if (channel->count == 0) {
        FC_TRY(fc__fault(check->context, FC_ERROR_DATA,
                         "%s: %s has no value at all: all are missing", check->path, name));
        goto done;
    }
    if (channel->lowest.value == channel->highest.value)
        FC__WARN(check->context,
                 "%s: %s is %g everywhere and always: there is nothing to learn; leave it out with "
                 "--variables",
                 check->path, name, channel->lowest.value);
    if (channel->sampled == 0)
        goto done;
    double spread = spread_of(channel, &median);
    FC_TRY(check_fills(check, name, channel, median, spread, &filled));
    if (!filled) {
        FC_TRY(check_far(check, name, &channel->lowest, median, spread));
        FC_TRY(check_far(check, name, &channel->highest, median, spread));
    }
done:
    return status;
}

static fc_status check_checksum(const value_check *check, const char *expected)
{
    char found[FC_CHECKSUM_SIZE];
    fc__checksum_text(check->checksum, found);
    if (!expected[0] || check->unreadable || strcmp(found, expected) == 0)
        return FC_OK;
    return fc__fault(check->context, FC_ERROR_DATA,
                     "%s: the values have the checksum %s, not %s as the file says: they have been "
                     "changed since it was written",
                     check->path, found, expected);
}

static fc_status check_values(fc_context *context, fc_dataset *dataset, const char *path,
                              bool drops, const char *checksum)
{
    fc_status status = FC_OK;
    size_t channels = dataset->channel_count;
    value_check check = {.context = context, .dataset = dataset, .path = path, .drops = drops};
    FC_NEW(context, &check.channels, channels);
    FC_NEW(context, &check.seen, channels);
    FC_NEW(context, &check.copy, fc__product(fc_dataset_max_points(dataset), channels));
    for (size_t c = 0; c < channels; c++)
        FC_NEW(context, &check.channels[c].sample, SAMPLE);
    FC_TRY(fc__checksum_create(context, &check.checksum));
    FC_TRY(note_all(&check, dataset));
    FC_TRY(check_checksum(&check, checksum));
    for (size_t c = 0; c < channels; c++)
        FC_TRY(check_channel(&check, c));
    if (check.empty && drops)
        FC__WARN(context,
                 "%s: frames without any value: %zu, the first of them frame %zu of sequence %zu: "
                 "they are left out, which leaves gaps in time",
                 path, check.empty, check.empty_frame, check.empty_sequence);
done:
    for (size_t c = 0; check.channels && c < channels; c++)
        free(check.channels[c].sample);
    free(check.channels);
    free(check.seen);
    free(check.copy);
    fc__checksum_destroy(check.checksum);
    return status;
}

fc_status fc__validate_dataset(fc_context *context, fc_dataset *dataset, const char *path,
                               bool drops, bool times, const char *checksum)
{
    fc_status status = FC_OK;
    FC_TRY(check_places(context, dataset, path));
    if (times)
        FC_TRY(fc__dataset_check_times(context, dataset, path));
    FC_TRY(check_lengths(context, dataset, path));
    if (dataset->sequence_count && dataset->sequences[0].frame_count)
        FC_TRY(check_calendar(context, dataset, path));
    FC_TRY(check_values(context, dataset, path, drops, checksum));
done:
    return status;
}
