/* Series of scattered frames on domains without edges: a Gaussian model of fields that look alike
 * everywhere, in which the coefficients of different waves are independent and a wave's two have
 * the same variance. In each channel
 *
 *   y = G q + e,   q ~ N(0, diag s),   e ~ N(0, sigma^2),   K = G diag(s) G^T + sigma^2 I.
 *
 * The variances maximise the likelihood, whose derivatives vanish where every step
 *
 *   s_j <- s_j (sum_f (g_j^T K^-1 y_f)^2 / sum_f g_j^T K^-1 g_j)^(1/2)
 *
 * leads nowhere. The square root makes the likelihood grow in each of them (majorisation: Sun, Babu
 * & Palomar 2017), and factors reach small variances sooner than the summands of expectation
 * maximisation. */
#include "inr/basis.h"
#include "inr/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_VALUES = 1024, /* of a frame that are used where all frames have the same points */
    SOME_VALUES = 256,  /* where they have not */
    MOST_GROUPS = 128,  /* sets of points that are used */
    LEAST_GROUPS = 32,
    ITERATIONS = 300
};

/* Frames with the same observed values of a channel. */
typedef struct group {
    const fc_frame *frame; /* one of them */
    size_t values, count;
    size_t *index;      /* (values) points */
    double *g;          /* (values, width) features */
    double *covariance; /* (values, values) sum of y y^T */
} group;

typedef struct problem {
    const fc__frames *frames;
    const fc_decoder *decoder;
    size_t channel, width, groups;
    size_t most_values, most_groups;
    group group[MOST_GROUPS];
    double *variance;            /* (width) */
    double *gain, *cost;         /* (width) */
    double *k, *inverse, *moved; /* (MOST_VALUES, MOST_VALUES) */
    double *scaled, *w;          /* (MOST_VALUES, width) */
    double noise;
} problem;

/* ---------------------------------------------------------------- frames */

static void problem_clear(problem *p)
{
    for (size_t i = 0; i < p->groups; i++) {
        free(p->group[i].index);
        free(p->group[i].g);
        free(p->group[i].covariance);
    }
    free(p->variance);
    free(p->gain);
    free(p->cost);
    free(p->k);
    free(p->inverse);
    free(p->moved);
    free(p->scaled);
    free(p->w);
}

/* A random choice of the observed points of a frame, and the features there. */
static fc_status group_create(fc_context *context, const problem *p, const fc_frame *frame,
                              group *made)
{
    fc_status status = FC_OK;
    const fc_dataset *dataset = p->frames->dataset;
    const fc_points *points = &dataset->points[frame->points];
    size_t dims = dataset->domain.dims, seen = 0;
    fc__rng rng = fc__rng_create(p->decoder->config.seed, 500 + p->groups);
    float *features = NULL;
    double *x = NULL;
    *made = (group){.frame = frame};
    FC_NEW(context, &made->index, points->count);
    for (size_t i = 0; i < points->count; i++)
        if (!isnan(frame->values[i * dataset->channel_count + p->channel]))
            made->index[seen++] = i;
    if (seen > p->most_values)
        fc__rng_shuffle(&rng, seen, made->index);
    made->values = seen < p->most_values ? seen : p->most_values;
    FC_NEW(context, &x, made->values * dims);
    FC_NEW(context, &features, fc__product(made->values, p->width));
    FC_NEW(context, &made->g, fc__product(made->values, p->width));
    FC_NEW(context, &made->covariance, fc__product(made->values, made->values));
    for (size_t i = 0; i < made->values; i++)
        memcpy(x + i * dims, points->coordinates + made->index[i] * dims, dims * sizeof *x);
    FC_TRY(fc__decoder_features(context, p->decoder, made->values, x, features));
    for (size_t i = 0; i < made->values * p->width; i++)
        made->g[i] = (double)features[i];
done:
    free(x);
    free(features);
    return status;
}

static bool belongs(const problem *p, const group *g, const fc_frame *frame)
{
    const fc_dataset *dataset = p->frames->dataset;
    if (g->frame->points != frame->points)
        return false;
    for (size_t i = 0; i < dataset->points[frame->points].count; i++) {
        size_t at = i * dataset->channel_count + p->channel;
        if (isnan(frame->values[at]) != isnan(g->frame->values[at]))
            return false;
    }
    return true;
}

/* How much of the frames a step can afford: a group costs n^2 (4 width + 2 n). */
static void limit(problem *p)
{
    const double work = 2e10;
    const fc__frames *frames = p->frames;
    bool shared = true;
    size_t n = 0;
    for (size_t f = 0; f < frames->count; f++) {
        size_t points = frames->dataset->points[frames->frame[f]->points].count;
        shared = shared && fc__same_observed(frames->dataset, frames->frame[0], frames->frame[f]);
        n = points > n ? points : n;
    }
    p->most_values = shared ? MOST_VALUES : SOME_VALUES;
    n = n < p->most_values ? n : p->most_values;
    double groups = work / ((double)(n * n) * (double)(4 * p->width + 2 * n));
    p->most_groups = (size_t)fmin(fmax(groups, LEAST_GROUPS), MOST_GROUPS);
}

/* Frames in random order, each added to its group; *square: mean square of the values. */
static fc_status gather(fc_context *context, problem *p, double *square)
{
    fc_status status = FC_OK;
    const fc__frames *frames = p->frames;
    size_t channels = frames->dataset->channel_count, number = 0, *order = NULL;
    fc__rng rng = fc__rng_create(p->decoder->config.seed, 499);
    double *y = NULL;
    FC_NEW(context, &y, MOST_VALUES);
    FC_NEW(context, &order, frames->count);
    fc__rng_choose(&rng, frames->count, frames->count, order);
    *square = 0.0;
    for (size_t k = 0; k < frames->count; k++) {
        const fc_frame *frame = frames->frame[order[k]];
        size_t i = 0;
        while (i < p->groups && !belongs(p, &p->group[i], frame))
            i++;
        if (i == p->most_groups)
            continue;
        if (i == p->groups) {
            p->groups++;
            FC_TRY(group_create(context, p, frame, &p->group[i]));
        }
        group *g = &p->group[i];
        if (g->values == 0)
            continue;
        for (size_t v = 0; v < g->values; v++) {
            y[v] = (double)frame->values[g->index[v] * channels + p->channel];
            *square += y[v] * y[v];
        }
        fc__dgemm(false, false, g->values, g->values, 1, 1.0, y, 1, y, g->values, 1.0,
                  g->covariance, g->values);
        g->count++;
        number += g->values;
    }
    if (number == 0)
        FC_TRY(fc__fail(context, FC_ERROR_DATA,
                        "channel %zu of %zu is observed in none of the %zu training frames",
                        p->channel, channels, frames->count));
    *square /= (double)number;
done:
    free(y);
    free(order);
    return status;
}

/* ---------------------------------------------------------------- likelihood */

/* Adds a group's share in the sums of a step, and in *likelihood = -2 log p. */
static fc_status add_group(fc_context *context, problem *p, const group *g, double *noise_gain,
                           double *noise_cost, double *likelihood)
{
    fc_status status = FC_OK;
    size_t n = g->values, width = p->width;
    double count = (double)g->count;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < width; j++)
            p->scaled[i * width + j] = g->g[i * width + j] * p->variance[j];
    fc__dgemm_parallel(context, false, true, n, n, width, 1.0, p->scaled, width, g->g, width, 0.0,
                       p->k, n);
    memset(p->inverse, 0, n * n * sizeof *p->inverse);
    for (size_t i = 0; i < n; i++) {
        p->k[i * n + i] += p->noise;
        p->inverse[i * n + i] = 1.0;
    }
    FC_TRY(fc__cholesky(context, "covariance of the observations", n, p->k));
    fc__cholesky_solve(n, p->k, n, p->inverse);
    fc__dgemm_parallel(context, false, false, n, width, n, 1.0, p->inverse, n, g->g, width, 0.0,
                       p->w, width);
    fc__dgemm_parallel(context, false, false, n, width, n, 1.0, g->covariance, n, p->w, width, 0.0,
                       p->scaled, width);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < width; j++) {
            p->gain[j] += p->w[i * width + j] * p->scaled[i * width + j];
            p->cost[j] += count * p->w[i * width + j] * g->g[i * width + j];
        }
    fc__dgemm_parallel(context, false, false, n, n, n, 1.0, g->covariance, n, p->inverse, n, 0.0,
                       p->moved, n);
    for (size_t i = 0; i < n; i++) {
        *likelihood += count * 2.0 * log(p->k[i * n + i]) + p->moved[i * n + i];
        *noise_cost += count * p->inverse[i * n + i];
        for (size_t j = 0; j < n; j++)
            *noise_gain += p->inverse[i * n + j] * p->moved[j * n + i];
    }
done:
    return status;
}

/* One step of every variance; a wave's two coefficients, sine and cosine, have one. */
static fc_status step(fc_context *context, problem *p, double least_noise, double *likelihood)
{
    fc_status status = FC_OK;
    size_t waves = p->width / 2;
    double noise_gain = 0.0, noise_cost = 0.0;
    memset(p->gain, 0, p->width * sizeof *p->gain);
    memset(p->cost, 0, p->width * sizeof *p->cost);
    *likelihood = 0.0;
    for (size_t i = 0; i < p->groups; i++)
        if (p->group[i].values > 0)
            FC_TRY(add_group(context, p, &p->group[i], &noise_gain, &noise_cost, likelihood));
    for (size_t k = 0; k < waves; k++) {
        double gain = p->gain[k] + p->gain[waves + k], cost = p->cost[k] + p->cost[waves + k];
        double factor = cost > 0.0 ? sqrt(gain / cost) : 1.0;
        p->variance[k] *= factor;
        p->variance[waves + k] *= factor;
    }
    p->noise = fmax(p->noise * sqrt(noise_gain / noise_cost), least_noise);
done:
    return status;
}

static fc_status maximise(fc_context *context, problem *p, double least_noise)
{
    const double enough = 1e-4; /* of -2 log p, a value */
    fc_status status = FC_OK;
    double before = INFINITY, likelihood, values = 0.0;
    for (size_t i = 0; i < p->groups; i++)
        values += (double)(p->group[i].count * p->group[i].values);
    for (size_t i = 0; i < ITERATIONS; i++) {
        FC_TRY(step(context, p, least_noise, &likelihood));
        fc__report(context, "spectrum", i + 1, ITERATIONS, likelihood / values);
        if (fc_context_interrupted(context))
            FC_TRY(fc__fail(context, FC_INTERRUPTED, "interrupted while fitting the spectrum"));
        if (before - likelihood < enough * values)
            break;
        before = likelihood;
    }
done:
    return status;
}

/* Variances (width) of the coefficients of a channel, and its noise. */
static fc_status fit_channel(fc_context *context, const fc__frames *frames,
                             const fc_decoder *decoder, size_t channel, double *variance,
                             double *noise)
{
    fc_status status = FC_OK;
    size_t width = 2 * decoder->config.filters;
    double square;
    problem p = {.frames = frames, .decoder = decoder, .channel = channel, .width = width};
    FC_NEW(context, &p.variance, width);
    FC_NEW(context, &p.gain, width);
    FC_NEW(context, &p.cost, width);
    FC_NEW(context, &p.k, MOST_VALUES * MOST_VALUES);
    FC_NEW(context, &p.inverse, MOST_VALUES * MOST_VALUES);
    FC_NEW(context, &p.moved, MOST_VALUES * MOST_VALUES);
    FC_NEW(context, &p.scaled, fc__product(MOST_VALUES, width));
    FC_NEW(context, &p.w, fc__product(MOST_VALUES, width));
    limit(&p);
    FC_TRY(gather(context, &p, &square));
    for (size_t j = 0; j < width; j++)
        p.variance[j] = square / (double)decoder->config.filters;
    p.noise = 1e-3 * fmax(square, 1e-12);
    FC_TRY(maximise(context, &p, 1e-12 * fmax(square, 1e-12)));
    for (size_t j = 0; j < width; j++) /* the sine of the wave 0 is nowhere seen */
        variance[j] = p.cost[j] > 0.0 ? p.variance[j] : 0.0;
    *noise = p.noise;
done:
    problem_clear(&p);
    return status;
}

/* ---------------------------------------------------------------- the fit */

bool fc__suits_stationary(const fc__frames *frames)
{
    const fc_dataset *dataset = frames->dataset;
    bool periodic = true, scattered = false;
    for (size_t d = 0; d < dataset->domain.dims; d++)
        periodic = periodic && dataset->domain.axis[d].kind == FC_AXIS_PERIODIC;
    for (size_t f = 0; f < frames->count && periodic && !scattered; f++) {
        const fc_points *points = &dataset->points[frames->frame[f]->points];
        scattered = points->grid[0] == 0;
        for (size_t i = 0; i < points->count * dataset->channel_count && !scattered; i++)
            scattered = isnan(frames->frame[f]->values[i]);
    }
    return periodic && scattered;
}

/* Filters for twice as many coefficients as there are values in a frame. */
static size_t count_filters(const fc__frames *frames)
{
    size_t most = 0;
    for (size_t f = 0; f < frames->count; f++) {
        size_t points = frames->dataset->points[frames->frame[f]->points].count;
        most = points > most ? points : most;
    }
    return most < 16 ? 16 : most < MOST_VALUES ? most : MOST_VALUES;
}

/* Filters that are left when the smallest waves with no more than the tolerated share of the
 * variance are taken away; filters are listed by their wave numbers. */
static size_t trim(size_t channels, size_t filters, const double *variance, double tolerance)
{
    double total = 0.0, tail = 0.0;
    size_t left = filters;
    for (size_t i = 0; i < channels * 2 * filters; i++)
        total += variance[i];
    for (; left > 1; left--) {
        for (size_t block = 0; block < 2 * channels; block++)
            tail += variance[block * filters + left - 1];
        if (tail > tolerance * total)
            break;
    }
    return left;
}

fc_status fc__fit_stationary(fc_context *context, const fc__frames *training,
                             const fc_decoder_config *config, const fc_fit_config *fit,
                             fc_decoder **decoder, fc_prior **prior, double *noise)
{
    fc_status status = FC_OK;
    fc_decoder *wide = NULL;
    fc_decoder_config wanted = *config;
    size_t channels = config->channels, all, left;
    double *variance = NULL, *kept = NULL;
    wanted.codes = 1;
    wanted.filter = FC_FILTER_INTEGER;
    wanted.filters = all = config->filters ? config->filters : count_filters(training);
    FC_TRY(fc_decoder_create(context, &training->dataset->domain, &wanted, &wide));
    FC_NEW(context, &variance, fc__product(channels, 2 * all));
    for (size_t c = 0; c < channels; c++)
        FC_TRY(fit_channel(context, training, wide, c, variance + c * 2 * all, &noise[c]));
    left = config->filters ? all : trim(channels, all, variance, 0.1 * fit->tolerance);
    wanted.filters = left;
    FC_NEW(context, &kept, fc__product(channels, 2 * left));
    for (size_t block = 0; block < 2 * channels; block++)
        memcpy(kept + block * left, variance + block * all, left * sizeof *kept);
    FC_TRY(fc__install_coefficients(context, training->dataset, &wanted, kept, decoder, prior));
done:
    fc_decoder_destroy(wide);
    free(variance);
    free(kept);
    return status;
}
