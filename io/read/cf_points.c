/* Observations at points after the CF conventions (chapter 9, discrete sampling geometries): time
 * series at stations, trajectories, profiles and single points, as orthogonal, incomplete or ragged
 * arrays; also files that do not declare them, whose variables lie on time and on one dimension
 * that longitude and latitude, or x and y, lie on as well.
 *
 * Two ways lead to a dataset. Where all places share the times and stay where they are, values are
 * read from the file when they are wanted (cf_places.c). All others are observations that come one
 * by one (cf_observations.c). What has no coordinates is left out. */
#include "io/read/cf_coordinates.h"
#include "io/read/cf_geometry.h"
#include "io/read/cf_observations.h"
#include "io/read/cf_places.h"
#include "io/read/cf_time.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---------------------------------------------------------------- what the file holds */

/* Whether the file says that it holds point observations. */
static bool is_declared(const fc__source *source)
{
    static const char *const roles[] = {"timeseries_id", "trajectory_id", "profile_id"};
    char text[FC_NAME_SIZE];
    if (fc__h5_get_text(source->h5.file, "featureType", text, sizeof text) ||
        fc__h5_get_text(source->h5.file, "CF:featureType", text, sizeof text))
        return strcasecmp(text, "grid") != 0;
    for (size_t i = 0; i < source->inventory.count; i++) {
        const fc__nc_variable *variable = &source->inventory.variables[i];
        for (size_t k = 0; k < sizeof roles / sizeof *roles; k++)
            if (fc__cf_text_is(variable, "cf_role", roles[k]))
                return true;
        if (fc__h5_has(variable->id, "sample_dimension") ||
            fc__h5_has(variable->id, "instance_dimension"))
            return true;
    }
    return false;
}

/* Of a file that declares nothing: x and y lie on one dimension which has no coordinate of its own
 * other than an index. */
static bool on_one_dimension(const fc__source *source, const fc__cf_geometry *by)
{
    if (by->x->rank != 1 || by->y->rank != 1 || !fc__cf_same_dimensions(by->x, by->y))
        return false;
    const char *dimension = by->x->dimension[0];
    const fc__nc_variable *own = fc__nc_find_coordinate(&source->inventory, dimension);
    return strcmp(by->x->name, dimension) != 0 && strcmp(by->y->name, dimension) != 0 &&
           (!own || own == by->time || fc__cf_is_index(own));
}

static fc_status check_variable(fc__source *source, const fc__nc_variable *variable)
{
    fc__cf_geometry by;
    fc__cf_samples samples;
    char text[FC__TEXT_SIZE];
    fc_context *context = source->h5.context;
    fc__cf_describe(variable, text, sizeof text);
    fc__cf_samples_describe(&source->h5, &source->inventory, variable, &samples);
    fc__cf_find_geometry(&samples, &by);
    if (!variable->number)
        return fc__fail(context, FC_ERROR_DATA, "%s: variable %s holds no numbers", source->h5.path,
                        text);
    if (!by.time)
        return fc__fail(context, FC_ERROR_DATA,
                        "%s: variable %s has no time coordinate (units \"... since DATE\") on its "
                        "dimensions or on those of its instances",
                        source->h5.path, text);
    if (!by.x || !by.y)
        return fc__fail(context, FC_ERROR_DATA,
                        "%s: variable %s has no longitude and latitude (units degrees_east, "
                        "degrees_north) and no x and y on its dimensions or on those of its "
                        "instances",
                        source->h5.path, text);
    size_t axis = fc__cf_untold_axis(&samples, &by);
    if (axis < variable->rank)
        return fc__fail(context, FC_ERROR_DATA,
                        "%s: dimension %s of variable %s has no coordinate of time or space; other "
                        "dimensions than these may only have a length of 1",
                        source->h5.path, variable->dimension[axis], text);
    return FC_OK;
}

/* ---------------------------------------------------------------- channels */

/* Whether a variable is data rather than one that describes others. */
static bool may_be_data(const fc__source *source, const fc__nc_variable *variable)
{
    static const char *const lists[] = {"coordinates", "bounds", "climatology"};
    const fc__nc_inventory *inventory = &source->inventory;
    if (!variable->number || variable->dimension_only || variable->rank == 0 ||
        fc__nc_find_coordinate(inventory, variable->name) == variable ||
        fc__h5_has(variable->id, "cf_role") || fc__h5_has(variable->id, "sample_dimension") ||
        fc__h5_has(variable->id, "instance_dimension") || fc__cf_is_flag(variable) ||
        fc__cf_is_coordinate(variable))
        return false;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (fc__cf_is_named_in(inventory, lists[i], variable->name))
            return false;
    return true;
}

static bool suits(const fc__source *source, const fc__nc_variable *variable)
{
    fc__cf_geometry by;
    fc__cf_samples samples;
    if (!may_be_data(source, variable))
        return false;
    fc__cf_samples_describe((fc__h5 *)&source->h5, &source->inventory, variable, &samples);
    fc__cf_find_geometry(&samples, &by);
    return by.time && by.x && by.y && fc__cf_untold_axis(&samples, &by) == variable->rank &&
           (is_declared(source) || on_one_dimension(source, &by));
}

static bool recognise(fc__source *source)
{
    if (is_declared(source))
        return true;
    for (size_t i = 0; i < source->inventory.count; i++) {
        const fc__nc_variable *variable = &source->inventory.variables[i];
        if (suits(source, variable))
            return true;
        if (may_be_data(source, variable) && fc__cf_is_data(&source->inventory, variable))
            return false; /* a grid comes first */
    }
    return false;
}

static fc_status no_data(fc__source *source)
{
    char list[FC__TEXT_SIZE], type[FC_NAME_SIZE] = "not given";
    fc__h5_get_text(source->h5.file, "featureType", type, sizeof type);
    fc__cf_list(&source->inventory, list);
    return fc__fail(source->h5.context, FC_ERROR_DATA,
                    "%s: holds point observations (featureType: %s), but no variable with "
                    "coordinates of time, longitude and latitude (or x and y) on its dimensions or "
                    "on those of its instances; its variables: %s",
                    source->h5.path, type, list);
}

/* ---------------------------------------------------------------- state */

typedef struct points_state {
    bool by_frames; /* values stay in the file */
    fc__cf_table table;
    /* of observations that come one by one: */
    fc__cf_channels channels;
    fc__cf_samples samples;
    fc__cf_geometry by;
    fc__cf_observations seen;
    float *values; /* (observations, channels) in the order of the frames */
} points_state;

/* Along which of its axes the variable has a time axis that all its places share, when these do not
 * move; SIZE_MAX when that is not so. */
static size_t shared_time_axis(const fc__cf_samples *samples, const fc__cf_geometry *by)
{
    const fc__nc_variable *all[] = {by->time, by->x, by->y, by->z};
    size_t rank = samples->variable->rank, axis = rank;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (size_t k = 0; all[i] && k < all[i]->rank; k++)
            if (fc__cf_samples_find(samples, all[i]->dimension[k])->ragged)
                return SIZE_MAX;
    if (by->time->rank > 1)
        return SIZE_MAX;
    if (by->time->rank == 1)
        axis = fc__cf_samples_find(samples, by->time->dimension[0])->axis;
    for (size_t i = 1; i < sizeof all / sizeof *all; i++)
        if (all[i] && fc__cf_samples_vary(samples, all[i], axis))
            return SIZE_MAX;
    return axis;
}

/* Coordinates of elements: x, y, z one after the other, (count) each. z is NaN when there is none.
 */
static fc_status gather_places(const fc__cf_samples *samples, const fc__cf_geometry *by,
                               size_t count, const size_t *elements, double *places)
{
    fc_status status = FC_OK;
    const fc__nc_variable *all[] = {by->x, by->y, by->z};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        for (size_t e = 0; e < count; e++)
            places[i * count + e] = NAN;
        if (all[i])
            FC_TRY(fc__cf_samples_gather(samples, all[i], count, elements, places + i * count));
    }
done:
    return status;
}

typedef struct triple {
    double at[3];
} triple;

static int compare_triples(const void *a, const void *b)
{
    const triple *p = a, *q = b;
    int order = 0;
    for (size_t i = 0; order == 0 && i < 3; i++)
        order = (p->at[i] > q->at[i]) - (p->at[i] < q->at[i]);
    return order;
}

/* Whether the vertical coordinate is one of the domain. Of places that do not move it must tell
 * apart what x and y do not, as the depths of a mooring do and the altitudes of weather stations do
 * not; of those that move it must change. */
static fc_status is_vertical(fc__source *source, size_t count, const double *places, bool moving,
                             bool *vertical)
{
    fc_status status = FC_OK;
    triple *sorted = NULL;
    size_t finite = 0;
    const double *z = places + 2 * count;
    *vertical = false;
    FC_NEW(source->h5.context, &sorted, count);
    for (size_t e = 0; e < count; e++)
        if (isfinite(places[e]) && isfinite(places[count + e]) && isfinite(z[e])) {
            triple at = {{places[e], places[count + e], z[e]}};
            sorted[finite++] = at;
        }
    for (size_t e = 1; moving && e < finite; e++)
        *vertical = *vertical || sorted[e].at[2] != sorted[0].at[2];
    qsort(sorted, finite, sizeof *sorted, compare_triples);
    for (size_t e = 1; !moving && e < finite; e++)
        *vertical = *vertical || (sorted[e].at[0] == sorted[e - 1].at[0] &&
                                  sorted[e].at[1] == sorted[e - 1].at[1] &&
                                  sorted[e].at[2] != sorted[e - 1].at[2]);
done:
    free(sorted);
    return status;
}

static void add_axes(const fc__cf_geometry *by, bool vertical, fc__cf_where *where)
{
    fc__cf_add_axis(where, by->x, by->sphere ? FC_AXIS_LONGITUDE : FC_AXIS_PLAIN);
    fc__cf_add_axis(where, by->y, by->sphere ? FC_AXIS_LATITUDE : FC_AXIS_PLAIN);
    if (vertical)
        fc__cf_add_axis(where, by->z, FC_AXIS_PLAIN);
}

/* Word for what has a place. */
static const char *word_for_places(const fc__cf_geometry *by)
{
    return by->x->rank == 1 ? by->x->dimension[0] : "places";
}

/* ---------------------------------------------------------------- places that share the times */

/* Times that increase; false where they have to be sorted first. */
static bool increase(size_t count, const double *times)
{
    for (size_t i = 1; i < count; i++)
        if (!(times[i] > times[i - 1]))
            return false;
    return true;
}

static fc_status open_by_frames(fc__source *source, points_state *state, const fc_time_axis *axis,
                                size_t frame_count, const double *times, size_t time_axis)
{
    fc_status status = FC_OK;
    fc__cf_where where = {0};
    fc__cf_table *table = &state->table;
    double *places = NULL, *coordinates = NULL;
    bool vertical;
    state->by_frames = true;
    FC_TRY(fc__cf_table_open(source, &state->channels, time_axis, table));
    size_t count = table->place_count;
    FC_NEW(source->h5.context, &places, fc__product(count, 3));
    FC_TRY(gather_places(&table->samples, &state->by, count, table->elements, places));
    FC_TRY(is_vertical(source, count, places, false, &vertical));
    add_axes(&state->by, vertical, &where);
    FC_NEW(source->h5.context, &coordinates, fc__product(count, where.dims));
    for (size_t p = 0; p < count; p++)
        for (size_t i = 0; i < where.dims; i++)
            coordinates[p * where.dims + i] = places[i * count + p];
    FC_TRY(fc__cf_table_make(source, table, &where, coordinates, word_for_places(&state->by), axis,
                             frame_count, times));
done:
    free(places);
    free(coordinates);
    return status;
}

/* ---------------------------------------------------------------- observations one by one */

/* Whether instances have a value at a time: their places do not lie on all dimensions of time. */
static bool has_instances(const fc__cf_geometry *by)
{
    for (size_t i = 0; i < by->time->rank; i++)
        if (!fc__cf_lies_on(by->x, by->time->dimension[i]) &&
            !fc__cf_lies_on(by->y, by->time->dimension[i]))
            return true;
    return by->time->rank == 0;
}

/* Number of the instance that an element belongs to: its index on the dimensions of x; SIZE_MAX
 * when it belongs to none. */
static size_t instance_of(const fc__cf_samples *samples, const fc__nc_variable *x, size_t element)
{
    size_t instance = 0;
    for (size_t i = 0; i < x->rank; i++) {
        const fc__cf_dimension *on = fc__cf_samples_find(samples, x->dimension[i]);
        size_t index = fc__cf_samples_index(samples, on, element);
        if (index == SIZE_MAX)
            return SIZE_MAX;
        instance = instance * x->shape[i] + index;
    }
    return instance;
}

/* Those of the elements that have a time and a place. */
static fc_status collect(fc__source *source, points_state *state, const double *times,
                         const double *places)
{
    fc_status status = FC_OK;
    const fc__cf_samples *samples = &state->samples;
    fc__cf_observations *seen = &state->seen;
    size_t count = samples->count, timed = 0, lost = 0;
    bool instances = has_instances(&state->by);
    for (size_t e = 0; e < count; e++)
        timed += !isnan(times[e]);
    FC_NEW(source->h5.context, &seen->items, timed);
    for (size_t e = 0; e < count; e++) {
        fc__cf_observation item = {.time = times[e], .element = e};
        bool finite = true;
        for (size_t i = 0; i < seen->dims; i++) {
            item.at[i] = places[i * count + e];
            finite = finite && isfinite(item.at[i]);
        }
        if (instances)
            item.identity = instance_of(samples, state->by.x, e);
        if (isnan(item.time) || item.identity == SIZE_MAX)
            continue;
        lost += !finite;
        if (finite)
            seen->items[seen->count++] = item;
    }
    fc__cf_note_left_out(source, lost, timed, "observations");
    if (seen->count == 0)
        status = fc__fail(source->h5.context, FC_ERROR_DATA,
                          "%s: none of the %zu values of %s has both a time (%s) and a place (%s, "
                          "%s)",
                          source->h5.path, count, samples->variable->name, state->by.time->name,
                          state->by.x->name, state->by.y->name);
done:
    return status;
}

/* All values, in the order of the frames. */
static fc_status load_values(fc__source *source, points_state *state)
{
    fc_status status = FC_OK;
    const fc__cf_observations *seen = &state->seen;
    double *loaded = NULL;
    size_t channels = state->channels.count, count;
    FC_NEW(source->h5.context, &state->values, fc__product(seen->count, channels));
    for (size_t c = 0; c < channels; c++) {
        FC_TRY(fc__cf_load(&source->h5, state->channels.variables[c], &count, &loaded));
        for (size_t i = 0; i < seen->count; i++)
            state->values[i * channels + c] = (float)loaded[seen->items[i].element];
        free(loaded);
        loaded = NULL;
    }
done:
    free(loaded);
    return status;
}

static fc_status arrange(fc__source *source, points_state *state, const fc_time_axis *axis,
                         fc__cf_where *where)
{
    fc_status status = FC_OK;
    char what[FC__TEXT_SIZE];
    fc_context *context = source->h5.context;
    fc__cf_observations *seen = &state->seen;
    snprintf(what, sizeof what, "%s: %s", source->h5.path, state->samples.variable->name);
    FC_TRY(fc__cf_arrange(context, what, has_instances(&state->by),
                          source->config ? source->config->max_frames : 0, seen));
    FC_TRY(fc__cf_create_dataset(source, &state->channels, where, seen->place_count, seen->places));
    FC_TRY(fc__cf_add_frames(context, seen, source->dataset));
    FC_TRY(load_values(source, state));
    FC_TRY(fc__cf_set_time_axis(source, axis));
done:
    return status;
}

static fc_status open_one_by_one(fc__source *source, points_state *state, const fc_time_axis *axis,
                                 const double *loaded_times)
{
    fc_status status = FC_OK;
    fc__cf_where where = {0};
    fc__cf_samples *samples = &state->samples;
    size_t count = samples->count;
    double *times = NULL, *places = NULL;
    bool vertical;
    FC_TRY(fc__cf_samples_link(samples));
    FC_NEW(source->h5.context, &times, count);
    FC_NEW(source->h5.context, &places, fc__product(count, 3));
    FC_TRY(fc__cf_samples_spread(samples, state->by.time, loaded_times, count, NULL, times));
    FC_TRY(gather_places(samples, &state->by, count, NULL, places));
    FC_TRY(is_vertical(source, count, places, !has_instances(&state->by), &vertical));
    add_axes(&state->by, vertical, &where);
    state->seen.dims = where.dims;
    FC_TRY(collect(source, state, times, places));
    FC_TRY(arrange(source, state, axis, &where));
done:
    free(times);
    free(places);
    return status;
}

/* ---------------------------------------------------------------- the format */

static fc_status open(fc__source *source)
{
    fc_status status = FC_OK;
    points_state *state = NULL;
    fc_time_axis axis;
    size_t frame_count = 0;
    double *times = NULL;
    FC_NEW(source->h5.context, &state, 1);
    source->state = state;
    FC_TRY(fc__cf_choose_channels(source, suits, check_variable, &state->channels));
    if (state->channels.count == 0) {
        status = no_data(source);
        goto done;
    }
    fc__cf_samples_describe(&source->h5, &source->inventory, state->channels.variables[0],
                            &state->samples);
    fc__cf_find_geometry(&state->samples, &state->by);
    size_t time_axis = shared_time_axis(&state->samples, &state->by);
    FC_TRY(fc__cf_load_times(&source->h5, state->by.time, time_axis == SIZE_MAX, &axis,
                             &frame_count, &times));
    if (time_axis != SIZE_MAX && increase(frame_count, times))
        FC_TRY(open_by_frames(source, state, &axis, frame_count, times, time_axis));
    else
        FC_TRY(open_one_by_one(source, state, &axis, times));
done:
    free(times);
    return status;
}

static fc_status read(fc__source *source, size_t sequence, size_t first, size_t count,
                      float *const *values)
{
    const points_state *state = source->state;
    const fc__cf_observations *seen = &state->seen;
    const fc_frame *frames = source->dataset->sequences[sequence].frames;
    size_t channels = source->dataset->channel_count;
    if (state->by_frames)
        return fc__cf_table_read(source, &state->table, first, count, values);
    for (size_t f = 0; f < count; f++) {
        size_t size = source->dataset->points[frames[first + f].points].count * channels;
        for (size_t i = 0; i < size; i++)
            values[f][i] = NAN;
        for (size_t i = seen->begin[first + f]; i < seen->begin[first + f + 1]; i++)
            memcpy(values[f] + fc__cf_slot(seen, first + f, i) * channels,
                   state->values + i * channels, channels * sizeof *values[f]);
    }
    return FC_OK;
}

/* What belongs to an instance, such as the altitude of a station. */
static fc_status read_static(fc__source *source, size_t points, const char *name, float *values)
{
    fc_status status = FC_OK;
    const points_state *state = source->state;
    double *all = NULL;
    const fc__cf_observations *seen = &state->seen;
    if (state->by_frames)
        return fc__cf_table_read_static(source, &state->table, name, values);
    const fc__nc_variable *variable = fc__nc_find(&source->inventory, name);
    bool usable =
        variable && has_instances(&state->by) && fc__cf_samples_have(&state->samples, variable);
    for (size_t i = 0; usable && i < variable->rank; i++)
        usable = fc__cf_lies_on(state->by.x, variable->dimension[i]);
    if (!usable)
        return fc__fail(source->h5.context, FC_ERROR_DATA,
                        "%s: there is no variable \"%s\" on the instances of %s, which do not "
                        "change with time",
                        source->h5.path, name, state->samples.variable->name);
    FC_NEW(source->h5.context, &all, seen->place_count);
    FC_TRY(fc__cf_samples_gather(&state->samples, variable, seen->place_count, seen->place_sample,
                                 all));
    for (size_t p = 0; p < source->dataset->points[points].count; p++)
        values[p] = (float)all[fc__cf_place_of(seen, points, p)];
done:
    free(all);
    return status;
}

static void close(fc__source *source)
{
    points_state *state = source->state;
    if (!state)
        return;
    fc__cf_table_release(&state->table);
    fc__cf_samples_release(&state->samples);
    fc__cf_observations_release(&state->seen);
    free(state->channels.variables);
    free(state->values);
    free(state);
    source->state = NULL;
}

const fc__format fc__cf_points_format = {
    .name = "CF point observations",
    .accepted = "CF/netCDF-4 observations at points (featureType, or longitude and latitude on the "
                "dimension of the points)",
    .recognise = recognise,
    .open = open,
    .read = read,
    .read_static = read_static,
    .close = close,
    .drops_missing = true,
};
