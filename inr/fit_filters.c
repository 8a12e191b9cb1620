/* Choice of the series' filters: the error on held-out points of some frames, for a ladder of
 * numbers of filters or bandwidths and of ridges. */
#include "inr/basis.h"
#include "inr/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    TRIAL_FRAMES = 32,
    TRIAL_POINTS = 6000,
    TRIAL_POINTS_OF_HARMONICS = 10000, /* which resolve the more, the more points */
    MOST_FILTERS = 1024,
    MOST_CANDIDATES = 16,
    RIDGES = 4
};

/* Values of the trial: frames at the points that are kept for fitting and those held out. */
typedef struct trial {
    fc__frames frames;
    const fc_points *points;
    size_t fit_count, held_count;
    const size_t *fit, *held; /* indices of points */
    size_t ridge_count;
    double ridges[RIDGES];
} trial;

/* Mean squared error of all channels on held-out points with coefficients x (channels, frames,
 * width). */
static fc_status held_error(fc_context *context, const fc_decoder *decoder, const trial *t,
                            const double *x, double *error)
{
    fc_status status = FC_OK;
    size_t width = 2 * decoder->config.filters, dims = decoder->domain.dims;
    size_t channels = t->frames.dataset->channel_count, rows = t->frames.count * channels;
    double *at = NULL;
    float *features = NULL;
    FC_NEW(context, &at, fc__product(t->held_count, dims));
    FC_NEW(context, &features, fc__product(t->held_count, width));
    for (size_t p = 0; p < t->held_count; p++)
        memcpy(at + p * dims, t->points->coordinates + t->held[p] * dims, dims * sizeof *at);
    FC_TRY(fc__decoder_features(context, decoder, t->held_count, at, features));
    *error = 0.0;
    for (size_t row = 0; row < rows; row++) {
        const float *values = t->frames.frame[row % t->frames.count]->values;
        for (size_t p = 0; p < t->held_count; p++) {
            double u = 0.0;
            for (size_t j = 0; j < width; j++)
                u += (double)features[p * width + j] * x[row * width + j];
            u -= (double)values[t->held[p] * channels + row / t->frames.count];
            *error += u * u / (double)(rows * t->held_count);
        }
    }
done:
    free(at);
    free(features);
    return status;
}

/* Held-out error of a candidate for every ridge. */
static fc_status try_candidate(fc_context *context, const fc_decoder_config *config, const trial *t,
                               double errors[RIDGES])
{
    fc_status status = FC_OK;
    fc_decoder *decoder = NULL;
    size_t width = 2 * config->filters, frames = t->frames.count;
    size_t channels = t->frames.dataset->channel_count;
    double *gram = NULL, *factor = NULL, *rhs = NULL, *square = NULL, *x = NULL, trace = 0.0;
    FC_TRY(fc_decoder_create(context, &t->frames.dataset->domain, config, &decoder));
    FC_NEW(context, &gram, fc__product(width, width));
    FC_NEW(context, &factor, fc__product(width, width));
    FC_NEW(context, &rhs, fc__product(channels * frames, width));
    FC_NEW(context, &x, fc__product(channels * frames, width));
    FC_NEW(context, &square, frames);
    for (size_t ch = 0; ch < channels; ch++)
        FC_TRY(fc__normal_equations(context, decoder, t->points, t->fit_count, t->fit, &t->frames,
                                    ch, ch ? NULL : gram, rhs + ch * frames * width, square));
    for (size_t i = 0; i < width; i++)
        trace += gram[i * width + i] / (double)width;
    for (size_t r = 0; r < t->ridge_count; r++) {
        memcpy(factor, gram, width * width * sizeof *gram);
        for (size_t i = 0; i < width; i++)
            factor[i * width + i] += t->ridges[r] * trace;
        FC_TRY(fc__cholesky(context, "trial series", width, factor));
        for (size_t f = 0; f < channels * frames; f++) {
            memcpy(x + f * width, rhs + f * width, width * sizeof *x);
            fc__cholesky_solve(width, factor, 1, x + f * width);
        }
        FC_TRY(held_error(context, decoder, t, x, &errors[r]));
    }
done:
    fc_decoder_destroy(decoder);
    free(gram);
    free(factor);
    free(rhs);
    free(square);
    free(x);
    return status;
}

/* The largest order that the longitudes of a grid tell apart, or any. */
static size_t largest_order(const trial *t)
{
    const fc_domain *domain = &t->frames.dataset->domain;
    size_t longitudes = 0;
    for (size_t i = 0; i < domain->dims; i++)
        if (domain->axis[i].kind == FC_AXIS_LONGITUDE)
            longitudes = t->points->grid[domain->dims - 1 - i];
    return longitudes ? (longitudes - 1) / 2 : SIZE_MAX;
}

/* Triangular truncations of at most so many harmonics, which the points outnumber; returns their
 * number. Orders end where the caller or the grid says. */
static size_t list_harmonics(const fc_decoder_config *config, const trial *t, size_t most,
                             fc_decoder_config candidates[MOST_CANDIDATES])
{
    static const size_t degrees[] = {5, 10, 15, 21, 31, 42, 53, 63, 72, 85, 106};
    size_t count = 0, largest = largest_order(t);
    candidates[0] = *config;
    if (config->filters)
        return 1;
    if (config->bandwidth > 0.0 && config->bandwidth < (double)largest)
        largest = (size_t)config->bandwidth;
    for (size_t i = 0; i < sizeof degrees / sizeof *degrees; i++) {
        size_t filters = 0, degree = degrees[i], order = degree < largest ? degree : largest;
        for (size_t l = 0; l <= degree; l++)
            filters += (l < order ? l : order) + 1;
        bool few = filters <= most && 10 * (2 * filters - degree - 1) <= 8 * t->fit_count;
        if (count && !few)
            break;
        candidates[count] = *config;
        candidates[count].filters = filters;
        candidates[count++].bandwidth = order < degree ? (double)order : 0.0;
    }
    return count;
}

/* Candidates in order of cost; returns their number. Whole wave numbers stay below the Nyquist
 * number of a grid, beyond which held-out grid points could not tell them apart. */
static size_t list_candidates(const fc_decoder_config *config, const trial *t, size_t harmonics,
                              fc_decoder_config candidates[MOST_CANDIDATES])
{
    static const size_t filters[] = {10, 19, 37, 75, 151, 307, 613, 1021};
    static const double bandwidths[] = {4, 8, 16, 32, 64, 128, 256};
    size_t count = 0, most = t->fit_count * 2 / 5, nyquist = SIZE_MAX;
    most = most < 1 ? 1 : most < MOST_FILTERS ? most : MOST_FILTERS;
    for (size_t i = 0; i < t->frames.dataset->domain.dims; i++)
        if (t->points->grid[i] && t->points->grid[i] < nyquist)
            nyquist = t->points->grid[i];
    if (config->filter == FC_FILTER_HARMONIC)
        return list_harmonics(config, t, harmonics, candidates);
    fc_decoder_config candidate = *config;
    if (config->filter == FC_FILTER_INTEGER) {
        for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
            candidate.filters = config->filters ? config->filters : filters[i];
            bool known = sqrt(2.0 * (double)candidate.filters / M_PI) < 0.5 * (double)nyquist - 1.0;
            if (count == 0 || config->filters == 0)
                if (count == 0 || (candidate.filters <= most && known))
                    candidates[count++] = candidate;
        }
        return count;
    }
    candidate.filters = config->filters ? config->filters : most;
    for (size_t i = 0; i < sizeof bandwidths / sizeof *bandwidths; i++) {
        candidate.bandwidth = config->bandwidth > 0.0 ? config->bandwidth : bandwidths[i];
        if (i == 0 || config->bandwidth <= 0.0)
            candidates[count++] = candidate;
    }
    return count;
}

static fc_status run_trial(fc_context *context, const trial *t, const fc_fit_config *fit,
                           fc_decoder_config *config, double *ridge)
{
    fc_status status = FC_OK;
    fc_decoder_config candidates[MOST_CANDIDATES];
    double errors[MOST_CANDIDATES][RIDGES], least = INFINITY, variance = 0.0;
    size_t count = list_candidates(config, t, fit->max_filters, candidates);
    size_t channels = t->frames.dataset->channel_count;
    for (size_t f = 0; f < t->frames.count; f++)
        for (size_t i = 0; i < t->held_count * channels; i++) {
            size_t at = t->held[i / channels] * channels + i % channels;
            variance += pow((double)t->frames.frame[f]->values[at], 2) /
                        (double)(t->frames.count * t->held_count * channels);
        }
    double before[2] = {INFINITY, INFINITY}; /* the least error up to the last two candidates */
    for (size_t k = 0; k < count; k++) {
        FC_TRY(try_candidate(context, &candidates[k], t, errors[k]));
        for (size_t r = 0; r < t->ridge_count; r++)
            least = fmin(least, errors[k][r]);
        if (config->filter == FC_FILTER_HARMONIC && least > 0.98 * before[1])
            count = k + 1; /* more would help as little and cost far more */
        before[1] = before[0];
        before[0] = least;
    }
    /* The cheapest that is as good as the best, or good enough; among ridges the best. */
    for (size_t k = 0; k < count; k++) {
        size_t best = 0;
        for (size_t r = 1; r < t->ridge_count; r++)
            best = errors[k][r] < errors[k][best] ? r : best;
        if (errors[k][best] <= 1.02 * least + 0.1 * fit->tolerance * variance) {
            *config = candidates[k];
            *ridge = t->ridges[best];
            break;
        }
    }
done:
    return status;
}

/* Points at which all channels are observed in all frames, NULL where each channel's own differ
 * between frames. */
static fc_status find_points(fc_context *context, const fc__frames *training, size_t *count,
                             size_t **index)
{
    fc_status status = FC_OK;
    size_t channels = training->dataset->channel_count, kept = 0;
    for (size_t ch = 0; ch < channels; ch++) {
        free(*index);
        FC_TRY(fc__frames_common_points(context, training, ch, count, index));
        if (!*index)
            goto done;
    }
    for (size_t p = 0; p < *count; p++) {
        const float *values = training->frame[0]->values + (*index)[p] * channels;
        bool all = true;
        for (size_t ch = 0; ch < channels; ch++)
            all = all && !isnan(values[ch]);
        if (all)
            (*index)[kept++] = (*index)[p];
    }
    *count = kept;
done:
    return status;
}

/* What stands when there are no common points to hold out. */
static void fill_defaults(const fc__frames *training, fc_decoder_config *config, double *ridge)
{
    size_t values = 0;
    for (size_t f = 0; f < training->count && values < 4096; f++)
        values += training->dataset->points[training->frame[f]->points].count;
    if (!config->filters)
        config->filters = values / 4 < 307 ? (values / 4 ? values / 4 : 1) : 307;
    if (config->bandwidth <= 0.0 && config->filter != FC_FILTER_HARMONIC)
        config->bandwidth = 16.0;
    if (*ridge <= 0.0)
        *ridge = 1e-6;
}

fc_status fc__choose_filters(fc_context *context, const fc__frames *training,
                             const fc_fit_config *fit, fc_decoder_config *config, double *ridge)
{
    fc_status status = FC_OK;
    size_t *index = NULL, *order = NULL, *mixed = NULL, count = 0;
    trial t = {.frames = {.dataset = training->dataset},
               .ridge_count = RIDGES,
               .ridges = {1e-9, 1e-6, 1e-4, 1e-2}};
    fc__rng rng = fc__rng_create(config->seed, 77);
    config->filter = fc__filter_kind_for(&training->dataset->domain, config);
    if (*ridge > 0.0) {
        t.ridge_count = 1;
        t.ridges[0] = *ridge;
    }
    FC_TRY(find_points(context, training, &count, &index));
    if (count >= 20 && config->layers == 0) {
        size_t frames = training->count < TRIAL_FRAMES ? training->count : TRIAL_FRAMES;
        size_t most =
            config->filter == FC_FILTER_HARMONIC ? TRIAL_POINTS_OF_HARMONICS : TRIAL_POINTS;
        size_t points = count < most ? count : most;
        FC_NEW(context, &t.frames.frame, frames);
        FC_NEW(context, &order, count);
        FC_NEW(context, &mixed, points);
        for (size_t f = 0; f < frames; f++)
            t.frames.frame[f] = training->frame[f * training->count / frames];
        t.frames.count = frames;
        fc__rng_choose(&rng, count, points, order);
        for (size_t p = 0; p < points; p++)
            mixed[p] = index[order[p]];
        t.points = &training->dataset->points[training->frame[0]->points];
        t.held_count = points / 10;
        t.fit_count = points - t.held_count;
        t.held = mixed;
        t.fit = mixed + t.held_count;
        FC_TRY(run_trial(context, &t, fit, config, ridge));
    }
    fill_defaults(training, config, ridge);
done:
    free(index);
    free(order);
    free(mixed);
    free(t.frames.frame);
    return status;
}
