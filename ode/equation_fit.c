/* Identification of equations: candidates, Gauss-Newton on the forecasts over one interval, and
 * backward elimination of terms. See fc_equation_config in ode.h. */
#include "ode/equation_pass.h"

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

static void intervals_clear(fc__intervals *v)
{
    free(v->frame);
    free(v->begin);
    free(v->end);
}

/* ---------------------------------------------------------------- least squares */

/* The problem for the coefficients themselves, in columns of unit length: minimise
 * theta^T a theta - 2 theta^T b + square. */
typedef struct problem {
    size_t n;
    double *old; /* coefficients now */
    double *a, *b, *length, *inverse, *theta;
    bool *active;
    double square;
} problem;

static void problem_clear(problem *p)
{
    free(p->old);
    free(p->a);
    free(p->b);
    free(p->length);
    free(p->inverse);
    free(p->theta);
    free(p->active);
}

/* The forcing takes up the mean of every row; what is left of the sums is about it. */
static fc_status problem_create(fc_context *context, const fc_equation *e, const fc__normal_sums *s,
                                problem *p)
{
    fc_status status = FC_OK;
    size_t n = s->columns;
    *p = (problem){.n = n, .square = s->square};
    FC_NEW(context, &p->old, n);
    FC_NEW(context, &p->a, fc__product(n, n));
    FC_NEW(context, &p->b, n);
    FC_NEW(context, &p->length, n);
    FC_NEW(context, &p->inverse, fc__product(n, n));
    FC_NEW(context, &p->theta, n);
    FC_NEW(context, &p->active, n);
    memcpy(p->a, s->gram, n * n * sizeof *p->a);
    memcpy(p->b, s->rhs, n * sizeof *p->b);
    fc__dgemm(false, true, n, n, s->rows, -1.0 / s->count, s->column_sum, s->rows, s->column_sum,
              s->rows, 1.0, p->a, n);
    fc__dgemm(false, false, n, 1, s->rows, -1.0 / s->count, s->column_sum, s->rows, s->row_sum, 1,
              1.0, p->b, 1);
    for (size_t row = 0; row < s->rows; row++)
        p->square -= s->row_sum[row] * s->row_sum[row] / s->count;
    double largest = 0.0;
    for (size_t i = 0; i < n; i++)
        largest = fmax(largest, p->a[i * n + i]);
    for (size_t i = 0; i < n; i++) {
        p->active[i] = p->a[i * n + i] > 1e-24 * largest;
        p->length[i] = p->active[i] ? sqrt(p->a[i * n + i]) : 1.0;
        p->old[i] = e->terms[i].coefficient * p->length[i];
    }
    for (size_t i = 0; i < n; i++) {
        p->b[i] /= p->length[i];
        for (size_t j = 0; j < n; j++)
            p->a[i * n + j] /= p->length[i] * p->length[j];
    }
    for (size_t i = 0; i < n; i++) { /* from changes to coefficients */
        double product = 0.0;
        for (size_t j = 0; j < n; j++)
            product += p->a[i * n + j] * p->old[j];
        p->square += p->old[i] * (2.0 * p->b[i] + product);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            p->b[i] += p->a[i * n + j] * p->old[j];
done:
    return status;
}

/* theta and the inverse over the active columns, the others' rows and columns being zero. The
 * damping draws towards the coefficients that are (Levenberg 1944, Marquardt 1963). */
static fc_status solve_active(fc_context *context, double damping, problem *p)
{
    const double ridge = damping + 1e-11;
    fc_status status = FC_OK;
    size_t n = p->n, count = 0, *index = NULL;
    double *a = NULL, *x = NULL;
    FC_NEW(context, &index, n);
    for (size_t i = 0; i < n; i++)
        if (p->active[i])
            index[count++] = i;
    FC_NEW(context, &a, fc__product(count, count));
    FC_NEW(context, &x, fc__product(count, count));
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++)
            a[i * count + j] = p->a[index[i] * n + index[j]];
        a[i * count + i] += ridge;
        x[i * count + i] = 1.0;
    }
    FC_TRY(fc__cholesky(context, "terms of the equation", count, a));
    fc__cholesky_solve(count, a, count, x);
    memset(p->inverse, 0, n * n * sizeof *p->inverse);
    memset(p->theta, 0, n * sizeof *p->theta);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            p->inverse[index[i] * n + index[j]] = x[i * count + j];
            p->theta[index[i]] += x[i * count + j] * (p->b[index[j]] + damping * p->old[index[j]]);
        }
done:
    free(index);
    free(a);
    free(x);
    return status;
}

static double residual_of(const problem *p)
{
    double square = p->square;
    for (size_t i = 0; i < p->n; i++)
        square -= p->theta[i] * p->b[i];
    return fmax(square, 0.0);
}

/* Takes out the term whose loss costs least, theta_j^2 / inverse_jj, as long as all losses together
 * stay below the tolerated share. */
static void eliminate(double tolerance, problem *p)
{
    size_t n = p->n;
    double least = fmax(residual_of(p), 1e-13 * p->square), left = tolerance * least;
    for (;;) {
        size_t best = n;
        double cost = INFINITY;
        for (size_t j = 0; j < n; j++) {
            if (!p->active[j])
                continue;
            double own = p->theta[j] * p->theta[j] / p->inverse[j * n + j];
            if (own < cost) {
                cost = own;
                best = j;
            }
        }
        if (best == n || cost > left)
            return;
        left -= cost;
        double pivot = p->inverse[best * n + best], theta = p->theta[best];
        for (size_t i = 0; i < n; i++)
            p->theta[i] -= p->inverse[i * n + best] * theta / pivot;
        for (size_t i = 0; i < n; i++) {
            double factor = p->inverse[i * n + best] / pivot;
            for (size_t j = 0; i != best && j < n; j++)
                p->inverse[i * n + j] -= factor * p->inverse[best * n + j];
        }
        for (size_t i = 0; i < n; i++)
            p->inverse[best * n + i] = p->inverse[i * n + best] = 0.0;
        p->active[best] = false;
        p->theta[best] = 0.0;
    }
}

/* x <- a^-1 x for a small complex matrix, by elimination with pivots; a is destroyed. */
static void solve_small(size_t n, fc__wave *a, fc__wave *x)
{
    for (size_t i = 0; i < n; i++) {
        size_t pivot = i;
        for (size_t r = i + 1; r < n; r++)
            pivot = cabs(a[r * n + i]) > cabs(a[pivot * n + i]) ? r : pivot;
        for (size_t j = 0; j < n; j++) {
            fc__wave kept = a[i * n + j];
            a[i * n + j] = a[pivot * n + j];
            a[pivot * n + j] = kept;
        }
        fc__wave kept = x[i];
        x[i] = x[pivot];
        x[pivot] = kept;
        for (size_t r = 0; r < n; r++) {
            fc__wave factor = r == i ? 0.0 : a[r * n + i] / a[i * n + i];
            for (size_t j = i; j < n; j++)
                a[r * n + j] -= factor * a[i * n + j];
            x[r] -= factor * x[i];
        }
    }
    for (size_t i = 0; i < n; i++)
        x[i] /= a[i * n + i];
}

/* The forcing's change makes up the mean of what the terms' changes leave; mean: (rows), starts as
 * the sum of the residuals. */
static void update_equation(const problem *p, const fc__normal_sums *s, double *mean,
                            fc_equation *e)
{
    enum { MOST = FC__EQUATION_CHANNELS };
    size_t n = e->channels, waves = e->wave_count;
    fc__wave response[MOST * MOST], change[MOST];
    for (size_t t = 0; t < e->term_count; t++) {
        double now = p->active[t] ? p->theta[t] / p->length[t] : 0.0;
        double step = now - e->terms[t].coefficient;
        e->terms[t].coefficient = now;
        for (size_t row = 0; row < s->rows; row++)
            mean[row] -= step * s->column_sum[t * s->rows + row];
    }
    for (size_t k = 0; k < waves; k++) {
        bool zero = true;
        for (size_t d = 0; d < e->dims; d++)
            zero = zero && e->waves[k * e->dims + d] == 0;
        for (size_t c = 0; c < n; c++) {
            const double *row = mean + 2 * (c * waves + k);
            change[c] = (row[0] + I * row[1]) / (zero ? 1.0 : M_SQRT2);
        }
        memcpy(response, s->response + k * n * n, n * n * sizeof *response);
        solve_small(n, response, change);
        for (size_t c = 0; c < n; c++) {
            e->forcing[2 * (c * waves + k)] += creal(change[c]);
            e->forcing[2 * (c * waves + k) + 1] += zero ? 0.0 : cimag(change[c]);
        }
    }
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

/* One damped Gauss-Newton step from the sums of a pass. Where steps have failed, fewer terms are
 * taken out: what a linear problem can spare may be needed. */
static fc_status take_step(fc_context *context, const fc_equation_config *config, double damping,
                           const fc__normal_sums *sums, fc_equation *e)
{
    fc_status status = FC_OK;
    problem p = {0};
    double *mean = NULL;
    FC_NEW(context, &mean, sums->rows);
    memcpy(mean, sums->row_sum, sums->rows * sizeof *mean);
    FC_TRY(problem_create(context, e, sums, &p));
    FC_TRY(solve_active(context, damping, &p));
    eliminate(config->tolerance / (1.0 + 1e5 * damping), &p);
    update_equation(&p, sums, mean, e);
done:
    free(mean);
    problem_clear(&p);
    return status;
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
    const double first = 1e-4, least = 1e-7;
    if (worse)
        return damping > 0.0 ? 8.0 * damping : first;
    return damping > least ? damping / 8.0 : 0.0;
}

/* A step that does not lead to smaller errors is taken again, shorter, from where it began: the
 * first from the equation without terms. */
static fc_status iterate(fc_context *context, const fc_equation_config *config,
                         const fc__intervals *v, fc__spectral *spectral, fc_equation *e, kept *best)
{
    enum { PATIENCE = 5 };
    fc_status status = FC_OK;
    fc__normal_sums sums = {0}, from = {0};
    size_t substeps = 1, stalled = 0;
    double damping = 0.0;
    best->residual = INFINITY;
    for (size_t i = 0; i <= config->iterations; i++) {
        if (i > 0)
            FC_TRY(fc__equation_substeps(context, spectral, e, v, &substeps));
        FC_TRY(fc__equation_pass(context, spectral, e, v, i ? FC__INTEGRATED : FC__INTERPOLATED,
                                 substeps, &sums));
        double residual = sums.failed > 0.0 ? INFINITY : sums.square / sums.persistence;
        fc__report(context, "equation", i, config->iterations, i ? residual : NAN);
        bool worse = i > 0 && !(residual < best->residual);
        bool converged = i > 1 && !worse && residual > 0.99 * best->residual;
        stalled = i == 0 || residual < 0.9 * best->residual ? 0 : stalled + 1;
        damping = i ? adapt(damping, worse) : 0.0;
        if (i > 0 && !worse)
            keep(e, residual, best);
        if (converged || stalled == PATIENCE || i == config->iterations)
            break;
        if (worse) {
            put_back(best, e);
            fc__normal_sums_clear(&sums);
        } else {
            fc__normal_sums_clear(&from);
            from = sums;
            sums = (fc__normal_sums){0};
        }
        FC_TRY(take_step(context, config, damping, &from, e));
        fc__spectral_update(spectral);
    }
done:
    fc__normal_sums_clear(&sums);
    fc__normal_sums_clear(&from);
    return status;
}

fc_status fc__equation_fit(fc_context *context, const fc_decoder *decoder,
                           const fc_trajectories *trajectories, const fc_equation_config *config,
                           uint64_t seed, fc_equation **equation, double *residual)
{
    fc_status status = FC_OK;
    fc_equation *e = NULL;
    fc__code_map map = {0};
    fc__spectral *spectral = NULL;
    fc__intervals intervals = {.trajectories = trajectories, .map = &map};
    kept best = {0};
    *equation = NULL;
    FC_TRY(fc__equation_create(context, decoder, &e));
    FC_TRY(list_terms(context, config, e));
    FC_TRY(fc__code_map_create(context, decoder, &map));
    FC_TRY(fc__spectral_create(context, e, &spectral));
    FC_TRY(choose_intervals(context, trajectories, config->samples, seed, &intervals));
    FC_NEW(context, &best.coefficients, e->term_count);
    FC_NEW(context, &best.forcing, 2 * e->channels * e->wave_count);
    FC_TRY(iterate(context, config, &intervals, spectral, e, &best));
    *residual = best.residual;
    put_back(&best, e); /* zeros where every forecast failed */
    drop_zeros(e);
    *equation = e;
    e = NULL;
done:
    fc__spectral_destroy(spectral);
    fc_equation_destroy(e);
    fc__code_map_clear(&map);
    intervals_clear(&intervals);
    free(best.coefficients);
    free(best.forcing);
    return status;
}
