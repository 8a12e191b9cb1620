#include "ode/equation_level.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- waves */

/* In whole numbers of the axis on which waves are the longest. */
static double length_of(const fc_equation *e, size_t wave)
{
    const int *k = e->waves + wave * e->dims;
    double longest = e->dims > 1 ? fmax(e->length[0], e->length[1]) : e->length[0], square = 0.0;
    for (size_t d = 0; d < e->dims; d++)
        square += pow(k[d] * longest / e->length[d], 2.0);
    return sqrt(square);
}

static double largest_radius(const fc_equation *e)
{
    double largest = 0.0;
    for (size_t k = 0; k < e->wave_count; k++)
        largest = fmax(largest, length_of(e, k));
    return largest;
}

/* The coarsest level has a radius of at least COARSEST. */
size_t fc__level_count(const fc_equation *e)
{
    enum { COARSEST = 4 };
    double ratio = largest_radius(e) / COARSEST;
    return ratio >= 2.0 ? (size_t)floor(log2(ratio)) + 1 : 1;
}

static fc_status confine(fc_context *context, const fc_equation *e, double radius, fc__level *level)
{
    fc_status status = FC_OK;
    size_t waves = 0;
    FC_NEW(context, &level->place, e->wave_count);
    for (size_t k = 0; k < e->wave_count; k++)
        if (length_of(e, k) <= radius)
            level->place[waves++] = k;
    FC_TRY(fc__equation_copy(context, e, &level->equation));
    fc_equation *own = level->equation;
    own->wave_count = waves;
    for (size_t k = 0; k < waves; k++) {
        memcpy(own->waves + k * e->dims, e->waves + level->place[k] * e->dims,
               e->dims * sizeof *e->waves);
        for (size_t c = 0; c < e->channels; c++)
            memcpy(own->forcing + 2 * (c * waves + k),
                   e->forcing + 2 * (c * e->wave_count + level->place[k]), 2 * sizeof(double));
    }
done:
    return status;
}

/* Of the map nothing but the lift and the offset. */
static fc_status confine_map(fc_context *context, const fc__code_map *map, fc__level *level)
{
    fc_status status = FC_OK;
    size_t waves = level->equation->wave_count, codes = map->codes;
    fc__code_map *own = &level->map;
    *own = (fc__code_map){.codes = codes, .channels = map->channels, .waves = waves};
    FC_NEW(context, &own->lift, fc__product(2 * map->channels * waves, codes));
    FC_NEW(context, &own->offset, fc__product(2 * map->channels, waves));
    for (size_t c = 0; c < map->channels; c++)
        for (size_t k = 0; k < waves; k++) {
            size_t to = 2 * (c * waves + k), from = 2 * (c * map->waves + level->place[k]);
            memcpy(own->lift + to * codes, map->lift + from * codes, 2 * codes * sizeof(double));
            memcpy(own->offset + to, map->offset + from, 2 * sizeof(double));
        }
done:
    return status;
}

/* ---------------------------------------------------------------- intervals */

static fc_status choose_intervals(fc_context *context, const fc_trajectories *t, size_t most,
                                  uint64_t seed, fc__intervals *v)
{
    fc_status status = FC_OK;
    size_t all = 0, *frame = NULL, *sequence = NULL, *order = NULL;
    fc__rng rng = fc__rng_create(seed, 77);
    FC_NEW(context, &frame, t->first[t->count]);
    FC_NEW(context, &sequence, t->first[t->count]);
    for (size_t s = 0; s < t->count; s++)
        for (size_t f = t->first[s]; f + 1 < t->first[s + 1]; f++) {
            frame[all] = f;
            sequence[all++] = s;
        }
    FC_NEW(context, &order, all);
    v->count = all < most ? all : most;
    FC_NEW(context, &v->frame, v->count);
    FC_NEW(context, &v->begin, v->count);
    FC_NEW(context, &v->end, v->count);
    FC_NEW(context, &v->substeps, v->count);
    fc__rng_choose(&rng, all, v->count, order);
    for (size_t i = 0; i < v->count; i++) {
        v->frame[i] = frame[order[i]];
        v->begin[i] = t->first[sequence[order[i]]];
        v->end[i] = t->first[sequence[order[i]] + 1];
    }
done:
    free(frame);
    free(sequence);
    free(order);
    return status;
}

/* So many that the columns at all points of the grid are WORK at most, but LEAST at least. */
static size_t afford(const fc__level *level, size_t samples)
{
    const size_t WORK = 15000000, LEAST = 32;
    size_t each = fc__product(fc__spectral_points(level->spectral), level->equation->term_count);
    size_t most = WORK / (each > 0 ? each : 1);
    most = most > LEAST ? most : LEAST;
    return samples < most ? samples : most;
}

/* ---------------------------------------------------------------- the level */

fc_status fc__level_create(fc_context *context, const fc_equation *equation,
                           const fc__code_map *map, const fc_trajectories *trajectories,
                           size_t index, size_t samples, uint64_t seed, fc__level *level)
{
    fc_status status = FC_OK;
    *level = (fc__level){0};
    double radius =
        ldexp(largest_radius(equation), (int)index + 1 - (int)fc__level_count(equation));
    FC_TRY(confine(context, equation, radius, level));
    FC_TRY(confine_map(context, map, level));
    FC_TRY(fc__spectral_create(context, level->equation, &level->spectral));
    level->intervals = (fc__intervals){.trajectories = trajectories, .map = &level->map};
    FC_TRY(choose_intervals(context, trajectories, afford(level, samples), seed + index,
                            &level->intervals));
done:
    if (status != FC_OK)
        fc__level_clear(level);
    return status;
}

void fc__level_clear(fc__level *level)
{
    fc__spectral_destroy(level->spectral);
    fc_equation_destroy(level->equation);
    fc__code_map_clear(&level->map);
    free(level->place);
    free(level->intervals.frame);
    free(level->intervals.begin);
    free(level->intervals.end);
    free(level->intervals.substeps);
    *level = (fc__level){0};
}

void fc__level_hand_over(const fc__level *level, fc_equation *equation)
{
    const fc_equation *own = level->equation;
    for (size_t t = 0; t < own->term_count; t++)
        equation->terms[t].coefficient = own->terms[t].coefficient;
    for (size_t c = 0; c < own->channels; c++)
        for (size_t k = 0; k < own->wave_count; k++)
            memcpy(equation->forcing + 2 * (c * equation->wave_count + level->place[k]),
                   own->forcing + 2 * (c * own->wave_count + k), 2 * sizeof(double));
}
