#include "io/read/cf_observations.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- order */

static int compare_numbers(double a, double b)
{
    return (a > b) - (a < b);
}

static int compare_places(const void *a, const void *b)
{
    const fc__cf_observation *x = a, *y = b;
    int order = (x->identity > y->identity) - (x->identity < y->identity);
    for (size_t i = 0; order == 0 && i < FC_MAX_DIMS; i++)
        order = compare_numbers(x->at[i], y->at[i]);
    return order ? order : (x->element > y->element) - (x->element < y->element);
}

static int compare_times(const void *a, const void *b)
{
    const fc__cf_observation *x = a, *y = b;
    int order = compare_numbers(x->time, y->time);
    if (order == 0)
        order = (x->place > y->place) - (x->place < y->place);
    return order ? order : (x->element > y->element) - (x->element < y->element);
}

static bool same_place(const fc__cf_observation *a, const fc__cf_observation *b)
{
    bool same = a->identity == b->identity;
    for (size_t i = 0; i < FC_MAX_DIMS; i++)
        same = same && a->at[i] == b->at[i];
    return same;
}

static fc_status number_places(fc_context *context, fc__cf_observations *of)
{
    fc_status status = FC_OK;
    qsort(of->items, of->count, sizeof *of->items, compare_places);
    for (size_t i = 0; i < of->count; i++) {
        of->place_count += i == 0 || !same_place(&of->items[i], &of->items[i - 1]);
        of->items[i].place = of->place_count - 1;
    }
    FC_NEW(context, &of->places, fc__product(of->place_count, of->dims));
    FC_NEW(context, &of->place_sample, of->place_count);
    for (size_t i = of->count; i-- > 0;) {
        const fc__cf_observation *item = &of->items[i];
        memcpy(of->places + item->place * of->dims, item->at, of->dims * sizeof *item->at);
        of->place_sample[item->place] = item->element;
    }
done:
    return status;
}

static fc_status check_unique(fc_context *context, const char *what, const fc__cf_observations *of)
{
    for (size_t i = 1; i < of->count; i++) {
        const fc__cf_observation *a = &of->items[i - 1], *b = &of->items[i];
        if (a->time == b->time && a->place == b->place)
            return fc__fail(
                context, FC_ERROR_DATA,
                "%s: values %zu and %zu are both of instance %zu, at (%.10g, %.10g), at "
                "time %.15g; one value for each instance and time is accepted",
                what, a->element, b->element, a->identity, a->at[0], a->at[1], a->time);
    }
    return FC_OK;
}

fc_status fc__cf_arrange(fc_context *context, const char *what, bool unique, size_t max_frames,
                         fc__cf_observations *of)
{
    fc_status status = FC_OK;
    FC_TRY(number_places(context, of));
    qsort(of->items, of->count, sizeof *of->items, compare_times);
    if (unique)
        FC_TRY(check_unique(context, what, of));
    for (size_t i = 0; i < of->count; i++)
        of->frame_count += i == 0 || of->items[i].time != of->items[i - 1].time;
    FC_NEW(context, &of->begin, of->frame_count + 1);
    for (size_t i = 0, frame = 0; i < of->count; i++)
        if (i == 0 || of->items[i].time != of->items[i - 1].time)
            of->begin[frame++] = i;
    of->begin[of->frame_count] = of->count;
    if (max_frames && max_frames < of->frame_count) {
        of->frame_count = max_frames;
        of->count = of->begin[max_frames];
    }
done:
    return status;
}

/* ---------------------------------------------------------------- point sets */

static bool has_twice(const fc__cf_observations *of)
{
    for (size_t i = 1; i < of->count; i++)
        if (of->items[i].time == of->items[i - 1].time &&
            of->items[i].place == of->items[i - 1].place)
            return true;
    return false;
}

static bool same_places(const fc__cf_observations *of, size_t a, size_t b)
{
    size_t count = of->begin[a + 1] - of->begin[a];
    if (count != of->begin[b + 1] - of->begin[b])
        return false;
    for (size_t i = 0; i < count; i++)
        if (of->items[of->begin[a] + i].place != of->items[of->begin[b] + i].place)
            return false;
    return true;
}

/* FNV-1a over the numbers of the places of a frame. */
static uint64_t hash_places(const fc__cf_observations *of, size_t frame)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = of->begin[frame]; i < of->begin[frame + 1]; i++)
        hash = (hash ^ of->items[i].place) * 1099511628211u;
    return hash ^ (hash >> 32);
}

/* Frames with the same places get the same set: set_of_frame (frames). */
static fc_status find_sets(fc_context *context, fc__cf_observations *of, size_t *set_of_frame)
{
    fc_status status = FC_OK;
    size_t *table = NULL, size = 4;
    while (size < 2 * of->frame_count)
        size *= 2;
    FC_NEW(context, &table, size); /* number of a set and 1; 0 = free */
    FC_NEW(context, &of->set_frame, of->frame_count);
    for (size_t f = 0; f < of->frame_count; f++) {
        size_t slot = (size_t)hash_places(of, f) & (size - 1);
        while (table[slot] && !same_places(of, of->set_frame[table[slot] - 1], f))
            slot = (slot + 1) & (size - 1);
        if (!table[slot]) {
            of->set_frame[of->point_set_count++] = f;
            table[slot] = of->point_set_count;
        }
        set_of_frame[f] = table[slot] - 1;
    }
done:
    free(table);
    return status;
}

static fc_status add_set(fc_context *context, const fc__cf_observations *of, size_t set,
                         size_t count, double *coordinates, fc_dataset *dataset)
{
    size_t dims = of->dims, index;
    for (size_t p = 0; p < count; p++)
        memcpy(coordinates + p * dims, of->places + fc__cf_place_of(of, set, p) * dims,
               dims * sizeof *coordinates);
    return fc_dataset_add_points(context, dataset, count, coordinates, NULL, &index);
}

fc_status fc__cf_add_frames(fc_context *context, fc__cf_observations *of, fc_dataset *dataset)
{
    fc_status status = FC_OK;
    fc_sequence *sequence;
    size_t *set_of_frame = NULL, most = of->place_count;
    double *coordinates = NULL, *times = NULL;
    FC_NEW(context, &set_of_frame, of->frame_count);
    FC_NEW(context, &times, of->frame_count);
    double all = (double)of->frame_count * (double)of->place_count;
    of->all_places = 2.0 * (double)of->count > all && !has_twice(of);
    for (size_t f = 0; f < of->frame_count; f++) {
        size_t count = of->begin[f + 1] - of->begin[f];
        times[f] = of->items[of->begin[f]].time;
        most = count > most ? count : most;
    }
    FC_NEW(context, &coordinates, fc__product(most, of->dims));
    if (of->all_places) {
        of->point_set_count = 1;
        FC_TRY(add_set(context, of, 0, of->place_count, coordinates, dataset));
    } else {
        FC_TRY(find_sets(context, of, set_of_frame));
        for (size_t s = 0; s < of->point_set_count; s++) {
            size_t f = of->set_frame[s];
            FC_TRY(add_set(context, of, s, of->begin[f + 1] - of->begin[f], coordinates, dataset));
        }
    }
    FC_TRY(
        fc_dataset_add_unread(context, dataset, of->frame_count, times, set_of_frame, &sequence));
done:
    free(set_of_frame);
    free(coordinates);
    free(times);
    return status;
}

size_t fc__cf_slot(const fc__cf_observations *of, size_t frame, size_t item)
{
    return of->all_places ? of->items[item].place : item - of->begin[frame];
}

size_t fc__cf_place_of(const fc__cf_observations *of, size_t set, size_t point)
{
    return of->all_places ? point : of->items[of->begin[of->set_frame[set]] + point].place;
}

void fc__cf_observations_release(fc__cf_observations *of)
{
    free(of->items);
    free(of->begin);
    free(of->places);
    free(of->place_sample);
    free(of->set_frame);
}
