#include "inr/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

fc_status fc_dataset_create(fc_context *context, const fc_domain *domain, size_t channel_count,
                            fc_dataset **dataset)
{
    fc_status status = FC_OK;
    fc_dataset *made = NULL;
    *dataset = NULL;
    FC_TRY(fc_domain_validate(context, domain));
    if (channel_count < 1 || channel_count > 4096) {
        status = fc__fail(context, FC_ERROR_DATA, "dataset: %zu channels; 1 to 4096 are accepted",
                          channel_count);
        goto done;
    }
    FC_NEW(context, &made, 1);
    made->domain = *domain;
    FC_NEW(context, &made->channels, channel_count);
    made->channel_count = channel_count;
    *dataset = made;
    made = NULL;
done:
    fc_dataset_destroy(made);
    return status;
}

static void release_sequence(fc_sequence *sequence)
{
    for (size_t f = 0; sequence->frames && f < sequence->frame_count; f++)
        free(sequence->frames[f].values);
    free(sequence->frames);
}

void fc_dataset_destroy(fc_dataset *dataset)
{
    if (!dataset)
        return;
    if (dataset->reader.destroy)
        dataset->reader.destroy(dataset->reader.user);
    for (size_t s = 0; s < dataset->sequence_count; s++)
        release_sequence(&dataset->sequences[s]);
    for (size_t p = 0; p < dataset->points_count; p++)
        free(dataset->points[p].coordinates);
    free(dataset->sequences);
    free(dataset->points);
    free(dataset->channels);
    free(dataset);
}

/* Makes room for one more item in an array that doubles: it is full when count is 0 or a power of
 * two. */
static fc_status grow(fc_context *context, void *array, size_t count, size_t size)
{
    if (count & (count - 1))
        return FC_OK;
    void *old, *larger;
    memcpy(&old, array, sizeof old);
    fc_status status = fc__allocate(context, fc__product(count ? count : 1, 2), size, &larger);
    if (status != FC_OK)
        return status;
    if (count)
        memcpy(larger, old, count * size);
    free(old);
    memcpy(array, &larger, sizeof larger);
    return FC_OK;
}

fc_status fc_dataset_add_points(fc_context *context, fc_dataset *dataset, size_t count,
                                const double *coordinates, const size_t *grid, size_t *index)
{
    fc_status status = FC_OK;
    fc_points points = {.count = count};
    size_t dims = dataset->domain.dims, product = 1;
    for (size_t i = 0; grid && i < dims; i++) {
        points.grid[i] = grid[i];
        product = fc__product(product, grid[i]);
    }
    if (count == 0 || (grid && product != count))
        return fc__fail(context, FC_ERROR_DATA, "point set %zu: %zu points%s",
                        dataset->points_count, count,
                        count ? " do not match the shape of the grid" : "");
    FC_TRY(fc__reserve(context, count, dims * sizeof *coordinates, &points.coordinates));
    memcpy(points.coordinates, coordinates, count * dims * sizeof *coordinates);
    FC_TRY(grow(context, &dataset->points, dataset->points_count, sizeof points));
    *index = dataset->points_count;
    dataset->points[dataset->points_count++] = points;
    points.coordinates = NULL;
done:
    free(points.coordinates);
    return status;
}

fc_status fc_dataset_add_unread(fc_context *context, fc_dataset *dataset, size_t frame_count,
                                const double *times, const size_t *points, fc_sequence **sequence)
{
    fc_status status = FC_OK;
    fc_sequence made = {.frame_count = frame_count};
    *sequence = NULL;
    FC_NEW(context, &made.frames, frame_count);
    for (size_t f = 0; f < frame_count; f++) {
        fc_frame *frame = &made.frames[f];
        frame->time = times[f];
        frame->points = points ? points[f] : 0;
        if (frame->points >= dataset->points_count) {
            status =
                fc__fail(context, FC_ERROR_DATA, "sequence %zu, frame %zu: point set %zu of %zu",
                         dataset->sequence_count, f, frame->points, dataset->points_count);
            goto done;
        }
    }
    FC_TRY(grow(context, &dataset->sequences, dataset->sequence_count, sizeof made));
    *sequence = &dataset->sequences[dataset->sequence_count];
    dataset->sequences[dataset->sequence_count++] = made;
    made.frames = NULL;
done:
    release_sequence(&made);
    return status;
}

/* Values of a frame, all missing. */
static fc_status allocate_values(fc_context *context, const fc_dataset *dataset, fc_frame *frame)
{
    fc_status status = FC_OK;
    size_t values = fc__product(dataset->points[frame->points].count, dataset->channel_count);
    FC_NEW(context, &frame->values, values);
    for (size_t i = 0; i < values; i++)
        frame->values[i] = NAN;
done:
    return status;
}

fc_status fc_dataset_add_sequence(fc_context *context, fc_dataset *dataset, size_t frame_count,
                                  const double *times, const size_t *points, fc_sequence **sequence)
{
    fc_status status =
        fc_dataset_add_unread(context, dataset, frame_count, times, points, sequence);
    for (size_t f = 0; status == FC_OK && f < frame_count; f++)
        status = allocate_values(context, dataset, &(*sequence)->frames[f]);
    if (status != FC_OK && *sequence) {
        release_sequence(*sequence);
        dataset->sequence_count--;
        *sequence = NULL;
    }
    return status;
}

/* ---------------------------------------------------------------- values that are read when needed
 */

/* Has the pages of new memory made at once, which takes less than a fault for each. A hint: older
 * kernels do not know it. */
static void make_pages(uintptr_t begin, uintptr_t end)
{
#ifdef MADV_POPULATE_WRITE
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    begin = (begin + page - 1) / page * page;
    end = end / page * page;
    if (begin < end)
        (void)madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
#else
    (void)begin;
    (void)end;
#endif
}

/* New values of frames, which are about to be written: arrays that follow each other in memory, as
 * small ones do, as one. */
static void make_frames(const fc_dataset *dataset, const fc_frame *frames, size_t count,
                        float *const *values)
{
    enum { GAP = 256 };
    uintptr_t begin = 0, end = 0;
    for (size_t f = 0; f < count; f++) {
        size_t size = dataset->points[frames[f].points].count * dataset->channel_count;
        uintptr_t next = (uintptr_t)values[f];
        if (next < end || next - end > GAP) {
            make_pages(begin, end);
            begin = next;
        }
        end = next + size * sizeof **values;
    }
    make_pages(begin, end);
}

fc_status fc_dataset_load(fc_context *context, fc_dataset *dataset, size_t sequence, size_t first,
                          size_t count)
{
    fc_status status = FC_OK;
    fc_frame *frames = dataset->sequences[sequence].frames + first;
    float **values = NULL;
    FC_NEW(context, &values, count);
    for (size_t begin = 0, end; begin < count; begin = end) {
        end = begin + 1;
        if (frames[begin].values)
            continue;
        while (end < count && !frames[end].values)
            end++;
        for (size_t f = begin; f < end; f++) {
            size_t size =
                fc__product(dataset->points[frames[f].points].count, dataset->channel_count);
            FC_TRY(fc__reserve(context, size, sizeof **values, &values[f]));
        }
        make_frames(dataset, frames + begin, end - begin, values + begin);
        FC_TRY(dataset->reader.read(dataset->reader.user, context, sequence, first + begin,
                                    end - begin, values + begin));
        for (size_t f = begin; f < end; f++) {
            frames[f].values = values[f];
            values[f] = NULL;
        }
    }
done:
    for (size_t f = 0; values && f < count; f++)
        free(values[f]);
    free(values);
    return status;
}

void fc_dataset_unload(fc_dataset *dataset, size_t sequence, size_t first, size_t count)
{
    for (size_t f = first; dataset->reader.read && f < first + count; f++) {
        free(dataset->sequences[sequence].frames[f].values);
        dataset->sequences[sequence].frames[f].values = NULL;
    }
}

fc_status fc_dataset_load_all(fc_context *context, fc_dataset *dataset)
{
    fc_status status = FC_OK;
    if (!dataset->reader.read)
        return FC_OK;
    for (size_t s = 0; s < dataset->sequence_count; s++)
        FC_TRY(fc_dataset_load(context, dataset, s, 0, dataset->sequences[s].frame_count));
    if (dataset->reader.destroy)
        dataset->reader.destroy(dataset->reader.user);
    dataset->reader = (fc_frame_reader){0};
done:
    return status;
}

size_t fc_dataset_max_points(const fc_dataset *dataset)
{
    size_t most = 0;
    for (size_t p = 0; p < dataset->points_count; p++)
        most = dataset->points[p].count > most ? dataset->points[p].count : most;
    return most;
}

bool fc_dataset_shares_points(const fc_dataset *dataset)
{
    size_t first = SIZE_MAX;
    for (size_t s = 0; s < dataset->sequence_count; s++) {
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++) {
            size_t points = dataset->sequences[s].frames[f].points;
            if (first == SIZE_MAX)
                first = points;
            if (points != first)
                return false;
        }
    }
    return true;
}

fc_status fc__dataset_like(fc_context *context, const fc_dataset *dataset, size_t channel_count,
                           fc_dataset **copy)
{
    fc_status status = FC_OK;
    fc_dataset *made = NULL;
    fc_sequence *sequence;
    size_t index, *sets = NULL;
    double *times = NULL;
    *copy = NULL;
    FC_TRY(fc_dataset_create(context, &dataset->domain, channel_count, &made));
    made->time = dataset->time;
    made->record = dataset->record;
    for (size_t p = 0; p < dataset->points_count; p++) {
        const fc_points *points = &dataset->points[p];
        FC_TRY(fc_dataset_add_points(context, made, points->count, points->coordinates,
                                     points->grid[0] ? points->grid : NULL, &index));
    }
    for (size_t s = 0; s < dataset->sequence_count; s++) {
        const fc_sequence *from = &dataset->sequences[s];
        FC_NEW(context, &times, from->frame_count);
        FC_NEW(context, &sets, from->frame_count);
        for (size_t f = 0; f < from->frame_count; f++) {
            times[f] = from->frames[f].time;
            sets[f] = from->frames[f].points;
        }
        FC_TRY(fc_dataset_add_unread(context, made, from->frame_count, times, sets, &sequence));
        free(times);
        free(sets);
        times = NULL;
        sets = NULL;
    }
    *copy = made;
    made = NULL;
done:
    free(times);
    free(sets);
    fc_dataset_destroy(made);
    return status;
}

fc_status fc__dataset_check_frame(fc_context *context, const fc_dataset *dataset, const char *what,
                                  size_t s, size_t f, const float *values, size_t *seen)
{
    fc_status status = FC_OK;
    const fc_frame *frame = &dataset->sequences[s].frames[f];
    size_t channels = dataset->channel_count, count = dataset->points[frame->points].count;
    size_t total = 0, infinite = 0, first = 0;
    for (size_t i = 0; i < count * channels; i++) {
        if (isinf(values[i]) && infinite++ == 0)
            first = i;
        if (!isnan(values[i])) {
            seen[i % channels]++;
            total++;
        }
    }
    if (infinite)
        FC_TRY(fc__fault(
            context, FC_ERROR_DATA,
            "%s: %s is infinite in sequence %zu, frame %zu, point %zu; finite numbers, "
            "or NaN for a missing value, are accepted (infinite in this frame: %zu)",
            what, dataset->channels[first % channels].name, s, f, first / channels, infinite));
    if (total == 0)
        FC_TRY(
            fc__fault(context, FC_ERROR_DATA,
                      "%s: nothing is observed in sequence %zu, frame %zu: all values are missing",
                      what, s, f));
done:
    return status;
}

static fc_status check_times_of(fc_context *context, const fc_dataset *dataset, const char *what,
                                size_t s)
{
    fc_status status = FC_OK;
    const fc_sequence *sequence = &dataset->sequences[s];
    for (size_t f = 0; f < sequence->frame_count; f++) {
        double time = sequence->frames[f].time;
        if (!isfinite(time))
            FC_TRY(fc__fault(context, FC_ERROR_DATA, "%s: sequence %zu, frame %zu: time is %g",
                             what, s, f, time));
        if (f && time <= sequence->frames[f - 1].time)
            FC_TRY(fc__fault(context, FC_ERROR_DATA,
                             "%s: sequence %zu: time %.10g of frame %zu does not come after "
                             "%.10g; times must increase",
                             what, s, time, f, sequence->frames[f - 1].time));
    }
done:
    return status;
}

fc_status fc__dataset_check_times(fc_context *context, const fc_dataset *dataset, const char *what)
{
    fc_status status = FC_OK;
    for (size_t s = 0; status == FC_OK && s < dataset->sequence_count; s++)
        status = check_times_of(context, dataset, what, s);
    return status;
}

fc_status fc_dataset_validate(fc_context *context, const fc_dataset *dataset, const char *what)
{
    fc_status status = FC_OK;
    size_t *seen = NULL;
    FC_NEW(context, &seen, dataset->channel_count);
    for (size_t p = 0; p < dataset->points_count; p++)
        FC_TRY(fc_domain_check(context, &dataset->domain, what, 1e-6, dataset->points[p].count,
                               dataset->points[p].coordinates));
    size_t frames = 0, unread = 0;
    FC_TRY(fc__dataset_check_times(context, dataset, what));
    for (size_t s = 0; s < dataset->sequence_count; s++) {
        frames += dataset->sequences[s].frame_count;
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++) {
            const float *values = dataset->sequences[s].frames[f].values;
            unread += values == NULL;
            if (values)
                FC_TRY(fc__dataset_check_frame(context, dataset, what, s, f, values, seen));
        }
    }
    if (frames == 0) {
        status = fc__fail(context, FC_ERROR_DATA, "%s: holds no frames", what);
        goto done;
    }
    for (size_t c = 0; unread == 0 && c < dataset->channel_count; c++) {
        if (!seen[c])
            FC_TRY(fc__fault(context, FC_ERROR_DATA, "%s: %s has no value at all: all are missing",
                             what, dataset->channels[c].name));
    }
done:
    free(seen);
    return status;
}
