/* Identification of equations: candidates, Gauss-Newton on the forecasts over one interval, and
 * backward elimination of terms. See fc_equation_config in ode.h. */
#include "ode/equation_level.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

fc_equation_config fc_equation_config_default(void)
{
    return (fc_equation_config){.samples = 512,
                                .iterations = 30,
                                .lowest = -1,
                                .highest = 1,
                                .linear = 4,
                                .tolerance = 0.02};
}

/* ---------------------------------------------------------------- candidates */

/* Local derivatives and those of the potential p, lap p = u: an odd order has a direction, an even
 * one none or twice the angle. */
static size_t list_angles(size_t dims, int order, fc_angle angles[3])
{
    size_t count = 0;
    if (order % 2 != 0) {
        angles[count++] = FC_ANGLE_X;
        if (dims > 1)
            angles[count++] = FC_ANGLE_Y;
        return count;
    }
    angles[count++] = FC_ANGLE_ONE;
    if (dims > 1) {
        angles[count++] = FC_ANGLE_COS;
        angles[count++] = FC_ANGLE_SIN;
    }
    return count;
}

/* symbols may be NULL to count. */
static size_t list_symbols(const fc_equation *e, int lowest, int highest, fc_symbol *symbols)
{
    size_t count = 0;
    fc_angle angles[3];
    for (size_t c = 0; c < e->channels; c++)
        for (int order = lowest; order <= highest; order++) {
            size_t kinds = list_angles(e->dims, order, angles);
            for (size_t a = 0; a < kinds; a++, count++)
                if (symbols)
                    symbols[count] = (fc_symbol){.channel = c, .order = order, .angle = angles[a]};
        }
    return count;
}

/* Linear terms first, then products; those with the same factors beside each other. */
static fc_status list_terms(fc_context *context, const fc_equation_config *config, fc_equation *e)
{
    fc_status status = FC_OK;
    fc_symbol *linear = NULL, *factors = NULL;
    int linear_order = (int)config->linear, product_order = (int)config->highest;
    size_t linears = list_symbols(e, config->lowest, linear_order, NULL);
    size_t symbols = list_symbols(e, config->lowest, product_order, NULL);
    FC_NEW(context, &linear, linears);
    FC_NEW(context, &factors, symbols);
    list_symbols(e, config->lowest, linear_order, linear);
    list_symbols(e, config->lowest, product_order, factors);
    e->term_count = 0;
    FC_NEW(context, &e->terms, (linears + symbols * (symbols + 1) / 2) * e->channels);
    for (size_t i = 0; i < linears; i++)
        for (size_t c = 0; c < e->channels; c++)
            e->terms[e->term_count++] =
                (fc_term){.channel = c, .factors = 1, .factor = {linear[i]}};
    for (size_t i = 0; i < symbols; i++)
        for (size_t j = i; j < symbols; j++)
            for (size_t c = 0; c < e->channels; c++)
                e->terms[e->term_count++] =
                    (fc_term){.channel = c, .factors = 2, .factor = {factors[i], factors[j]}};
done:
    free(linear);
    free(factors);
    return status;
}

/* ---------------------------------------------------------------- the fit */

/* Coefficients and forcing of the best equation so far. */
typedef struct kept {
    double residual;
    double *coefficients, *forcing;
} kept;

static void keep(const fc_equation *e, double residual, kept *best)
{
    best->residual = residual;
    for (size_t t = 0; t < e->term_count; t++)
        best->coefficients[t] = e->terms[t].coefficient;
    memcpy(best->forcing, e->forcing, 2 * e->channels * e->wave_count * sizeof *e->forcing);
}

/* Leaves the terms that are not zero. */
static void drop_zeros(fc_equation *e)
{
    size_t count = 0;
    for (size_t t = 0; t < e->term_count; t++)
        if (e->terms[t].coefficient != 0.0)
            e->terms[count++] = e->terms[t];
    e->term_count = count;
}

static void put_back(const kept *best, fc_equation *e)
{
    for (size_t t = 0; t < e->term_count; t++)
        e->terms[t].coefficient = best->coefficients[t];
    memcpy(e->forcing, best->forcing, 2 * e->channels * e->wave_count * sizeof *e->forcing);
}

/* The damping of the next step: more after one that led nowhere. */
static double adapt(double damping, bool worse)
{
    const double first = 1e-3, least = 1e-7;
    if (worse)
        return damping > 0.0 ? 8.0 * damping : first;
    return damping > least ? damping / 8.0 : 0.0;
}

static void clear_terms(bool products, fc_equation *e)
{
    for (size_t t = 0; t < e->term_count; t++)
        if (products || e->terms[t].factors == 1)
            e->terms[t].coefficient = 0.0;
}

/* Tries the equation as it is. */
static fc_status attempt(fc_context *context, fc__level *level, kept *best)
{
    double residual;
    fc__spectral_update(level->spectral);
    fc_status status = fc__equation_residual(context, level->spectral, level->equation,
                                             &level->intervals, &residual);
    if (status == FC_OK && residual < best->residual)
        keep(level->equation, residual, best);
    return status;
}

/* The pass from which the search at a level begins: from the equation of the level before, all of
 * it or, as linear terms make up for what a level leaves out, without those; or, where neither
 * forecasts anything, from none, along states interpolated in time. */
static fc_status begin(fc_context *context, bool coarsest, fc__level *level, kept *best,
                       fc__normal_sums *sums)
{
    const double worthwhile = 0.5;
    fc_status status = FC_OK;
    fc_equation *e = level->equation;
    best->residual = worthwhile;
    if (!coarsest) {
        FC_TRY(attempt(context, level, best));
        clear_terms(false, e);
        FC_TRY(attempt(context, level, best));
    }
    bool carried = best->residual < worthwhile;
    if (!carried) {
        clear_terms(true, e);
        memset(e->forcing, 0, 2 * e->channels * e->wave_count * sizeof *e->forcing);
        keep(e, INFINITY, best);
    }
    put_back(best, e);
    FC_TRY(attempt(context, level, best)); /* the steps of every interval are those of this */
    FC_TRY(fc__equation_pass(context, level->spectral, e, &level->intervals,
                             carried ? FC__INTEGRATED : FC__INTERPOLATED, sums));
done:
    return status;
}

/* A step that does not lead to smaller errors is taken again, shorter, from where it began. */
static fc_status search(fc_context *context, const fc_equation_config *config, size_t index,
                        size_t levels, fc__level *level, kept *best)
{
    enum { PATIENCE = 5 };
    fc_status status = FC_OK;
    fc__normal_sums sums = {0};
    fc_equation *e = level->equation;
    fc__intervals *v = &level->intervals;
    const double enough = index + 1 < levels ? 0.9 : 0.99;
    size_t stalled = 0;
    double damping = 0.0, residual;
    FC_TRY(begin(context, index == 0, level, best, &sums));
    for (size_t i = 1; i <= config->iterations; i++) {
        FC_TRY(fc__equation_step(context, config->tolerance, damping, &sums, e));
        fc__spectral_update(level->spectral);
        FC_TRY(fc__equation_residual(context, level->spectral, e, v, &residual));
        fc__report(context, "equation", index * config->iterations + i, levels * config->iterations,
                   residual);
        bool worse = !(residual < best->residual);
        bool converged = !worse && residual > enough * best->residual;
        stalled = residual < 0.9 * best->residual ? 0 : stalled + 1;
        damping = adapt(damping, worse);
        if (worse)
            put_back(best, e);
        else
            keep(e, residual, best);
        if (converged || stalled == PATIENCE || i == config->iterations)
            break;
        if (worse)
            continue;
        fc__normal_sums_clear(&sums);
        FC_TRY(fc__equation_pass(context, level->spectral, e, v, FC__INTEGRATED, &sums));
    }
done:
    fc__normal_sums_clear(&sums);
    return status;
}

fc_status fc__equation_fit(fc_context *context, const fc_decoder *decoder,
                           const fc_trajectories *trajectories, const fc_equation_config *config,
                           uint64_t seed, fc_equation **equation, double *residual)
{
    fc_status status = FC_OK;
    fc_equation *e = NULL;
    fc__code_map map = {0};
    fc__level level = {0};
    kept best = {0};
    *equation = NULL;
    FC_TRY(fc__equation_create(context, decoder, &e));
    FC_TRY(list_terms(context, config, e));
    FC_TRY(fc__code_map_create(context, decoder, &map));
    FC_NEW(context, &best.coefficients, e->term_count);
    FC_NEW(context, &best.forcing, 2 * e->channels * e->wave_count);
    size_t levels = fc__level_count(e);
    for (size_t i = 0; i < levels; i++) {
        FC_TRY(fc__level_create(context, e, &map, trajectories, i, config->samples, seed, &level));
        FC_TRY(search(context, config, i, levels, &level, &best));
        fc__level_hand_over(&level, e);
        fc__level_clear(&level);
    }
    *residual = best.residual;
    drop_zeros(e);
    *equation = e;
    e = NULL;
done:
    fc__level_clear(&level);
    fc_equation_destroy(e);
    fc__code_map_clear(&map);
    free(best.coefficients);
    free(best.forcing);
    return status;
}
