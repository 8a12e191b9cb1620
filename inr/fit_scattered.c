/* Series of frames whose observed points differ: a Gaussian model g ~ N(m, S) of every frame's
 * coefficients, y = G g + e with e ~ N(0, sigma^2), fitted by expectation maximisation (Dempster,
 * Laird & Rubin 1977). With K = G S G^T + sigma^2 I and L L^T = K a frame's posterior is
 *
 *   g - m = T^T L^-1 (y - G m),   cov = S - T^T T,   T = L^-1 G S.
 */
#include "inr/basis.h"
#include "inr/fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_VALUES = 512, /* observations of a frame used in one iteration */
    MOST_FRAMES = 2048 /* frames used in one iteration */
};

/* Observations of one frame as rows of the series. */
typedef struct rows {
    size_t count;
    double *g;       /* (MOST_VALUES, size) */
    double *y;       /* (MOST_VALUES) */
    double *x;       /* (MOST_VALUES, dims) */
    float *features; /* (MOST_VALUES, width) */
    size_t *order;   /* (values of the largest frame) */
} rows;

/* What one thread adds up over its frames. */
typedef struct partial {
    rows rows;
    double *gs;        /* (MOST_VALUES, size) */
    double *k;         /* (MOST_VALUES, MOST_VALUES) */
    double *w;         /* (MOST_VALUES) */
    double *delta;     /* (size) */
    double *inverse;   /* (MOST_VALUES, MOST_VALUES) */
    double *explained; /* (size, size) sum of T^T T */
    double *outer;     /* (size, size) sum of delta delta^T */
    double *shift;     /* (size) sum of delta */
    double noise;      /* sum of expected squared residuals */
    size_t values, frames;
    fc_status status;
} partial;

static fc_status rows_create(fc_context *context, const fc_decoder *decoder,
                             const fc_dataset *dataset, size_t size, rows *made)
{
    fc_status status = FC_OK;
    FC_NEW(context, &made->g, fc__product(MOST_VALUES, size));
    FC_NEW(context, &made->y, MOST_VALUES);
    FC_NEW(context, &made->x, MOST_VALUES * dataset->domain.dims);
    FC_NEW(context, &made->features, fc__product(MOST_VALUES, 2 * decoder->config.filters));
    FC_NEW(context, &made->order,
           fc__product(fc_dataset_max_points(dataset), dataset->channel_count));
done:
    return status;
}

static void rows_clear(rows *r)
{
    free(r->g);
    free(r->y);
    free(r->x);
    free(r->features);
    free(r->order);
}

/* A random choice of at most MOST_VALUES observed values of a frame. */
static fc_status rows_read(fc_context *context, const fc_decoder *decoder,
                           const fc_dataset *dataset, const fc_frame *frame, fc__rng rng, rows *r)
{
    const fc_points *points = &dataset->points[frame->points];
    size_t channels = dataset->channel_count, dims = dataset->domain.dims, seen = 0;
    size_t width = 2 * decoder->config.filters, size = channels * width;
    for (size_t i = 0; i < points->count * channels; i++)
        if (!isnan(frame->values[i]))
            r->order[seen++] = i;
    if (seen > MOST_VALUES)
        fc__rng_shuffle(&rng, seen, r->order);
    r->count = seen < MOST_VALUES ? seen : MOST_VALUES;
    for (size_t i = 0; i < r->count; i++) {
        memcpy(r->x + i * dims, points->coordinates + r->order[i] / channels * dims,
               dims * sizeof *r->x);
        r->y[i] = (double)frame->values[r->order[i]];
    }
    fc_status status = fc__decoder_features(context, decoder, r->count, r->x, r->features);
    memset(r->g, 0, r->count * size * sizeof *r->g);
    for (size_t i = 0; i < r->count; i++)
        for (size_t j = 0; j < width; j++)
            r->g[i * size + r->order[i] % channels * width + j] =
                (double)r->features[i * width + j];
    return status;
}

static fc_status partial_create(fc_context *context, const fc_decoder *decoder,
                                const fc_dataset *dataset, size_t size, partial *p)
{
    fc_status status = FC_OK;
    FC_TRY(rows_create(context, decoder, dataset, size, &p->rows));
    FC_NEW(context, &p->gs, fc__product(MOST_VALUES, size));
    FC_NEW(context, &p->k, MOST_VALUES * MOST_VALUES);
    FC_NEW(context, &p->inverse, MOST_VALUES * MOST_VALUES);
    FC_NEW(context, &p->w, MOST_VALUES);
    FC_NEW(context, &p->delta, size);
    FC_NEW(context, &p->explained, fc__product(size, size));
    FC_NEW(context, &p->outer, fc__product(size, size));
    FC_NEW(context, &p->shift, size);
done:
    return status;
}

static void partial_clear(partial *p)
{
    rows_clear(&p->rows);
    free(p->gs);
    free(p->k);
    free(p->inverse);
    free(p->w);
    free(p->delta);
    free(p->explained);
    free(p->outer);
    free(p->shift);
}

/* Expectation step of one frame, added to the partial sums. */
static fc_status expect(fc_context *context, size_t size, const double *mean,
                        const double *covariance, double noise, partial *p)
{
    size_t n = p->rows.count;
    const double *g = p->rows.g;
    double *t = p->gs, traced = 0.0, fitted = 0.0;
    memcpy(p->w, p->rows.y, n * sizeof *p->w);
    fc__dgemm(false, true, n, 1, size, -1.0, g, size, mean, size, 1.0, p->w, 1);
    fc__dgemm(false, false, n, size, size, 1.0, g, size, covariance, size, 0.0, p->gs, size);
    fc__dgemm(false, true, n, n, size, 1.0, p->gs, size, g, size, 0.0, p->k, n);
    memset(p->inverse, 0, n * n * sizeof *p->inverse);
    for (size_t i = 0; i < n; i++) {
        p->k[i * n + i] += noise;
        p->inverse[i * n + i] = 1.0;
    }
    fc_status status = fc__cholesky(context, "observation covariance", n, p->k);
    if (status != FC_OK)
        return status;
    fc__triangular_solve(false, n, p->k, size, t);
    fc__triangular_solve(false, n, p->k, 1, p->w);
    fc__triangular_solve(false, n, p->k, n, p->inverse);
    fc__dgemm(true, false, size, 1, n, 1.0, t, size, p->w, 1, 0.0, p->delta, 1);
    fc__dgemm(true, false, size, size, n, 1.0, t, size, t, size, 1.0, p->explained, size);
    fc__dgemm(false, false, size, size, 1, 1.0, p->delta, 1, p->delta, size, 1.0, p->outer, size);
    for (size_t i = 0; i < size; i++)
        p->shift[i] += p->delta[i];
    /* E|y - G g|^2 = |noise K^-1 (y - G m)|^2 + n noise - noise^2 tr K^-1 */
    for (size_t i = 0; i < n * n; i++)
        traced += p->inverse[i] * p->inverse[i];
    fc__triangular_solve(true, n, p->k, 1, p->w);
    for (size_t i = 0; i < n; i++)
        fitted += p->w[i] * p->w[i];
    p->noise += noise * noise * (fitted - traced) + (double)n * noise;
    p->values += n;
    p->frames++;
    return FC_OK;
}

/* Maximisation: new mean, covariance and noise from the partial sums, which are cleared. */
static void maximise(size_t size, size_t parts, partial *part, double *mean, double *covariance,
                     double *noise)
{
    partial *sum = &part[0];
    for (size_t k = 1; k < parts; k++) {
        for (size_t i = 0; i < size * size; i++) {
            sum->explained[i] += part[k].explained[i];
            sum->outer[i] += part[k].outer[i];
        }
        for (size_t i = 0; i < size; i++)
            sum->shift[i] += part[k].shift[i];
        sum->noise += part[k].noise;
        sum->values += part[k].values;
        sum->frames += part[k].frames;
    }
    double share = 1.0 / (double)sum->frames;
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < size; j++)
            covariance[i * size + j] +=
                share * (sum->outer[i * size + j] - sum->explained[i * size + j] -
                         share * sum->shift[i] * sum->shift[j]);
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < i; j++)
            covariance[i * size + j] = covariance[j * size + i] =
                0.5 * (covariance[i * size + j] + covariance[j * size + i]);
    for (size_t i = 0; i < size; i++)
        mean[i] += share * sum->shift[i];
    *noise = sum->noise / (double)sum->values;
    for (size_t k = 0; k < parts; k++) {
        memset(part[k].explained, 0, size * size * sizeof *part[k].explained);
        memset(part[k].outer, 0, size * size * sizeof *part[k].outer);
        memset(part[k].shift, 0, size * sizeof *part[k].shift);
        part[k].noise = 0.0;
        part[k].values = part[k].frames = 0;
    }
}

static fc_status iterate(fc_context *context, const fc_decoder *decoder, const fc__frames *frames,
                         uint64_t iteration, size_t parts, partial *part, double *mean,
                         double *covariance, double *noise)
{
    fc_status status = FC_OK;
    size_t size = frames->dataset->channel_count * 2 * decoder->config.filters, *order = NULL;
    size_t chosen = frames->count < MOST_FRAMES ? frames->count : MOST_FRAMES;
    fc__rng rng = fc__rng_create(decoder->config.seed, 1000 + iteration);
    FC_NEW(context, &order, frames->count);
    fc__rng_choose(&rng, frames->count, chosen, order);
#pragma omp parallel for num_threads((int)parts) schedule(static, 1)
    for (size_t k = 0; k < parts; k++) {
        size_t begin, end;
        fc__slice(chosen, parts, k, &begin, &end);
        part[k].status = FC_OK;
        for (size_t f = begin; f < end && part[k].status == FC_OK; f++) {
            part[k].status = rows_read(NULL, decoder, frames->dataset, frames->frame[order[f]],
                                       fc__rng_create(decoder->config.seed, (iteration << 32) + f),
                                       &part[k].rows);
            if (part[k].status == FC_OK)
                part[k].status = expect(NULL, size, mean, covariance, *noise, &part[k]);
        }
    }
    for (size_t k = 0; k < parts; k++)
        if (part[k].status != FC_OK) {
            status =
                fc__fail(context, part[k].status, "series of scattered frames: %s in iteration %d",
                         fc_status_text(part[k].status), (int)iteration);
            goto done;
        }
    maximise(size, parts, part, mean, covariance, noise);
done:
    free(order);
    return status;
}

/* Variances (size) of the coefficients of fields of variance 1 that are the smoother the larger the
 * steepness: (1 + steepness k^2 / kmax^2)^-3. */
static void smooth_spectrum(const fc_decoder *decoder, size_t channels, double steepness,
                            double *variance)
{
    size_t filters = decoder->config.filters, inputs = decoder->inputs;
    double largest = 1e-30, total = 0.0;
    const float *omega = decoder->parameters + fc_decoder_layout_of(&decoder->config, inputs).omega;
    for (size_t j = 0; j < filters; j++) {
        variance[j] = 0.0;
        for (size_t i = 0; i < inputs; i++)
            variance[j] += pow((double)omega[j * inputs + i], 2);
        largest = fmax(largest, variance[j]);
    }
    for (size_t j = 0; j < filters; j++) {
        variance[j] = pow(1.0 + steepness * variance[j] / largest, -3.0);
        total += variance[j];
    }
    for (size_t j = 0; j < filters; j++)
        variance[j] /= total;
    for (size_t block = 1; block < 2 * channels; block++)
        memcpy(variance + block * filters, variance, filters * sizeof *variance);
}

/* Adds y^T K^-1 y and log det K of the frame that was read, K = G diag(variance) G^T + noise I. */
static fc_status add_likelihood(fc_context *context, size_t size, const double *variance,
                                double noise, partial *p, double *square, double *determinant)
{
    size_t n = p->rows.count;
    for (size_t i = 0; i < n * size; i++)
        p->gs[i] = p->rows.g[i] * variance[i % size];
    fc__dgemm(false, true, n, n, size, 1.0, p->gs, size, p->rows.g, size, 0.0, p->k, n);
    for (size_t i = 0; i < n; i++)
        p->k[i * n + i] += noise;
    fc_status status = fc__cholesky(context, "covariance of a start", n, p->k);
    if (status != FC_OK)
        return status;
    memcpy(p->w, p->rows.y, n * sizeof *p->w);
    fc__triangular_solve(false, n, p->k, 1, p->w);
    for (size_t i = 0; i < n; i++) {
        *square += p->w[i] * p->w[i];
        *determinant += 2.0 * log(p->k[i * n + i]);
    }
    return FC_OK;
}

/* Start from some frames: no mean, and of some smooth diagonal covariances, each at its best scale
 * s, the likeliest: -2 log p = n log s + log det K, s = y^T K^-1 y / n. Also the metric of the
 * modes. */
static fc_status start(fc_context *context, const fc_decoder *decoder, const fc__frames *frames,
                       partial *p, double *covariance, double *gram, double *noise)
{
    static const double steepness[] = {1.0, 6.0, 36.0, 216.0};
    enum { SOME = 64, STARTS = sizeof steepness / sizeof *steepness };
    const double share = 1e-2; /* of the noise in the variance */
    fc_status status = FC_OK;
    size_t channels = frames->dataset->channel_count, best = 0, values = 0;
    size_t size = channels * 2 * decoder->config.filters;
    size_t count = frames->count < SOME ? frames->count : SOME;
    double *variance = NULL, square[STARTS] = {0}, determinant[STARTS] = {0}, score[STARTS];
    FC_NEW(context, &variance, fc__product(STARTS, size));
    for (size_t s = 0; s < STARTS; s++)
        smooth_spectrum(decoder, channels, steepness[s], variance + s * size);
    for (size_t k = 0; k < count; k++) {
        size_t f = k * frames->count / count;
        FC_TRY(rows_read(context, decoder, frames->dataset, frames->frame[f],
                         fc__rng_create(decoder->config.seed, f), &p->rows));
        fc__dgemm_parallel(context, true, false, size, size, p->rows.count, 1.0, p->rows.g, size,
                           p->rows.g, size, 1.0, gram, size);
        for (size_t s = 0; s < STARTS; s++)
            FC_TRY(add_likelihood(context, size, variance + s * size, share, p, &square[s],
                                  &determinant[s]));
        values += p->rows.count;
    }
    for (size_t s = 0; s < STARTS; s++) {
        square[s] = fmax(square[s] / (double)values, 1e-30);
        score[s] = (double)values * log(square[s]) + determinant[s];
        best = score[s] < score[best] ? s : best;
    }
    for (size_t i = 0; i < size; i++)
        covariance[i * (size + 1)] = square[best] * variance[best * size + i];
    for (size_t i = 0; i < size * size; i++)
        gram[i] /= (double)values;
    *noise = share * square[best];
done:
    free(variance);
    return status;
}

fc_status fc__series_fit_scattered(fc_context *context, const fc_decoder *decoder,
                                   const fc__frames *training, size_t iterations,
                                   fc__series *series)
{
    fc_status status = FC_OK;
    size_t size = training->dataset->channel_count * 2 * decoder->config.filters;
    size_t parts = (size_t)fc_context_threads(context);
    double *covariance = NULL, *gram = NULL, noise = 1.0;
    partial *part = NULL;
    FC_NEW(context, &part, parts);
    for (size_t k = 0; k < parts; k++)
        FC_TRY(partial_create(context, decoder, training->dataset, size, &part[k]));
    FC_NEW(context, &covariance, fc__product(size, size));
    FC_NEW(context, &gram, fc__product(size, size));
    FC_NEW(context, &series->mean, size);
    FC_TRY(start(context, decoder, training, &part[0], covariance, gram, &noise));
    for (size_t i = 0; i < iterations; i++) {
        FC_TRY(
            iterate(context, decoder, training, i, parts, part, series->mean, covariance, &noise));
        fc__report(context, "decoder", i + 1, iterations, noise);
        if (fc_context_interrupted(context)) {
            status = fc__fail(context, FC_INTERRUPTED, "interrupted while fitting the decoder");
            goto done;
        }
    }
    series->residual = noise;
    FC_TRY(fc__series_modes(context, 1, size, covariance, gram, series));
done:
    for (size_t k = 0; part && k < parts; k++)
        partial_clear(&part[k]);
    free(part);
    free(covariance);
    free(gram);
    return status;
}
