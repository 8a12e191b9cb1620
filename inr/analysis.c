#include "inr/analysis.h"
#include "inr/kernels/kernels.h"

#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum {
    TILE = 128,      /* rows converted to double at a time */
    SLICE = 512,     /* rows whose sums are formed apart, then added in order */
    MAX_SLICES = 16, /* formed at a time */
    FRAMES = 32,     /* frames taken at a time */
    FEW_FRAMES = 3,  /* up to so many, reading Phi as it is beats converting it for a product */
};

static void mirror(size_t n, double *matrix)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            matrix[j * n + i] = matrix[i * n + j];
}

/* ---------------------------------------------------------------- normal matrix */

/* normal (lower) += Phi^T R^-1 Phi of rows [begin, end); wide (TILE, C) is scratch */
static void add_normal(const fc__rows *rows, size_t begin, size_t end, double *wide, double *normal)
{
    size_t codes = rows->codes;
    double deviation[TILE];
    for (size_t start = begin; start < end; start += TILE) {
        size_t size = end - start < TILE ? end - start : TILE;
        for (size_t p = 0; p < size; p++)
            deviation[p] = sqrt(rows->weight[start + p]);
        fc__kernels_chosen()->widen(size, codes, rows->phi + start * codes, deviation, wide);
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (int)codes, (int)size, 1.0, wide,
                    (int)codes, 1.0, normal, (int)codes);
    }
}

/* Slices are the same for any number of threads, and so is the sum. */
fc_status fc__normal_add(fc_context *context, const fc__rows *rows, double *normal)
{
    fc_status status = FC_OK;
    double *work = NULL;
    size_t codes = rows->codes, square = fc__product(codes, codes);
    size_t slices = (rows->count + SLICE - 1) / SLICE;
    size_t together = slices < MAX_SLICES ? slices : MAX_SLICES;
    size_t size = square + TILE * codes; /* of a slice: its sum, rows in double */
    FC_NEW(context, &work, fc__product(together, size));
    for (size_t first = 0; first < slices; first += together) {
        size_t last = first + together < slices ? first + together : slices;
#pragma omp parallel for num_threads(                                                              \
    fc__threads_worth(context, rows->count *square / 2, together)) schedule(dynamic, 1)
        for (size_t s = first; s < last; s++) {
            double *own = work + (s - first) * size;
            size_t end = (s + 1) * SLICE < rows->count ? (s + 1) * SLICE : rows->count;
            if (first > 0)
                memset(own, 0, square * sizeof *own);
            add_normal(rows, s * SLICE, end, own + square, own);
        }
        for (size_t s = first; s < last; s++)
            for (size_t i = 0; i < square; i++)
                normal[i] += work[(s - first) * size + i];
    }
done:
    free(work);
    return status;
}

/* ---------------------------------------------------------------- analyses */

static void destroy(fc__shared *shared)
{
    fc__analysis *analysis = (fc__analysis *)shared;
    free(analysis->covariance);
    free(analysis->normal);
    free(analysis->root);
    free(analysis->gain);
    free(analysis);
}

void fc__analysis_release(fc__analysis *analysis)
{
    if (analysis)
        fc__shared_release(&analysis->shared);
}

static fc_status analysis_create(fc_context *context, const fc_prior *prior,
                                 fc__analysis **analysis)
{
    fc_status status = FC_OK;
    fc__analysis *made = NULL;
    FC_NEW(context, &made, 1);
    made->shared.destroy = destroy;
    atomic_init(&made->shared.owners, 1);
    made->codes = prior->codes;
    FC_NEW(context, &made->covariance, fc__product(prior->codes, prior->codes));
    *analysis = made;
    made = NULL;
done:
    fc__analysis_release(made);
    return status;
}

/* matrix <- matrix F, or F^T matrix */
static void times_factor(size_t n, bool left, const double *factor, double *matrix)
{
    cblas_dtrmm(CblasRowMajor, left ? CblasLeft : CblasRight, CblasLower,
                left ? CblasTrans : CblasNoTrans, CblasNonUnit, (int)n, (int)n, 1.0, factor, (int)n,
                matrix, (int)n);
}

fc_status fc__analysis_primal(fc_context *context, const fc_prior *prior, const double *normal,
                              fc__analysis **analysis)
{
    fc_status status = FC_OK;
    fc__analysis *made = NULL;
    double *whitened = NULL;
    size_t codes = prior->codes, square = fc__product(codes, codes);
    *analysis = NULL;
    FC_TRY(analysis_create(context, prior, &made));
    FC_NEW(context, &made->root, square);
    FC_NEW(context, &made->normal, square);
    FC_NEW(context, &whitened, square);
    made->shared.bytes = sizeof *made + 3 * square * sizeof(double);
    memcpy(made->normal, normal, square * sizeof *normal);
    mirror(codes, made->normal);
    memcpy(whitened, made->normal, square * sizeof *whitened);
    times_factor(codes, false, prior->factor, whitened);
    times_factor(codes, true, prior->factor, whitened);
    for (size_t i = 0; i < codes; i++) {
        whitened[i * codes + i] += 1.0;
        for (size_t j = i; j < codes; j++)
            made->root[i * codes + j] = prior->factor[j * codes + i];
    }
    FC_TRY(fc__cholesky(context, "posterior", codes, whitened));
    fc__triangular_solve(false, codes, whitened, codes, made->root);
    fc__dsyrk(codes, codes, 1.0, made->root, 0.0, made->covariance);
    *analysis = made;
    made = NULL;
done:
    fc__analysis_release(made);
    free(whitened);
    return status;
}

/* P = F (I - Y^T Y) F^T; y (values, C) */
static void dual_covariance(const fc_prior *prior, size_t values, const double *y,
                            double *covariance)
{
    size_t codes = prior->codes;
    fc__dsyrk(codes, values, -1.0, y, 0.0, covariance);
    for (size_t i = 0; i < codes; i++)
        covariance[i * codes + i] += 1.0;
    cblas_dtrmm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (int)codes,
                (int)codes, 1.0, prior->factor, (int)codes, covariance, (int)codes);
    cblas_dtrmm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (int)codes,
                (int)codes, 1.0, prior->factor, (int)codes, covariance, (int)codes);
    for (size_t i = 0; i < codes; i++)
        for (size_t j = 0; j < i; j++)
            covariance[i * codes + j] = covariance[j * codes + i] =
                0.5 * (covariance[i * codes + j] + covariance[j * codes + i]);
}

/* The observed rows of Phi over their noise's deviation, to the front of `wide`; returns their
 * number. */
static size_t squeeze(const fc__rows *rows, double *wide)
{
    size_t codes = rows->codes, values = 0;
    for (size_t p = 0; p < rows->count; p++) {
        double deviation = sqrt(rows->weight[p]);
        if (deviation > 0.0)
            fc__kernels_chosen()->widen(1, codes, rows->phi + p * codes, &deviation,
                                        wide + values++ * codes);
    }
    return values;
}

fc_status fc__analysis_dual(fc_context *context, const fc_prior *prior, const fc__rows *rows,
                            fc__analysis **analysis)
{
    fc_status status = FC_OK;
    fc__analysis *made = NULL;
    double *y = NULL, *factor = NULL;
    size_t codes = prior->codes, size = fc__product(rows->count, codes);
    *analysis = NULL;
    FC_TRY(analysis_create(context, prior, &made));
    FC_NEW(context, &made->gain, size);
    FC_NEW(context, &y, size);
    made->shared.bytes = sizeof *made + (codes * codes + size) * sizeof(double);
    size_t values = squeeze(rows, y);
    cblas_dtrmm(CblasRowMajor, CblasRight, CblasLower, CblasNoTrans, CblasNonUnit, (int)values,
                (int)codes, 1.0, prior->factor, (int)codes, y, (int)codes);
    FC_NEW(context, &factor, fc__product(values, values));
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)values, (int)codes, 1.0, y,
                (int)codes, 0.0, factor, (int)values);
    for (size_t p = 0; p < values; p++)
        factor[p * values + p] += 1.0;
    FC_TRY(fc__cholesky(context, "posterior", values, factor));
    fc__triangular_solve(false, values, factor, codes, y);
    dual_covariance(prior, values, y, made->covariance);
    fc__triangular_solve(true, values, factor, codes, y);
    cblas_dtrmm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (int)values,
                (int)codes, 1.0, prior->factor, (int)codes, y, (int)codes);
    for (size_t p = 0, v = 0; p < rows->count; p++) {
        double deviation = sqrt(rows->weight[p]);
        for (size_t c = 0; c < codes && deviation > 0.0; c++)
            made->gain[p * codes + c] = deviation * y[v * codes + c];
        v += deviation > 0.0;
    }
    *analysis = made;
    made = NULL;
done:
    fc__analysis_release(made);
    free(y);
    free(factor);
    return status;
}

/* ---------------------------------------------------------------- encoding */

/* Normalised value less phi0 at rows [start, start + size), at most TILE, times `factor` of the row
 * (NULL = 1); zero where the weight is zero. */
static void innovations(const fc__rows *rows, const fc__values *values, size_t frame, size_t start,
                        size_t size, const double *factor, double *innovation)
{
    const float *y = values->frame[frame];
    size_t channels = values->channels;
    if (channels == 1 && !values->place && !values->mean) {
        y += values->first + start;
        for (size_t r = 0; r < size; r++)
            innovation[r] = (double)y[r] - (double)rows->phi0[start + r];
    } else {
        for (size_t r = 0; r < size; r++) {
            size_t point = values->first + (start + r) / channels, c = (start + r) % channels;
            double value = (double)y[(values->place ? values->place[point] : point) * channels + c];
            if (values->mean)
                value = (value - values->mean[c]) / values->scale[c];
            innovation[r] = value - (double)rows->phi0[start + r];
        }
    }
    for (size_t r = 0; r < size; r++)
        innovation[r] = rows->weight[start + r] > 0.0
                            ? innovation[r] * (factor ? factor[start + r] : 1.0)
                            : 0.0;
}

/* sum (C) += weighted innovations of one frame times rows [begin, end) */
static void project_slice(const fc__rows *rows, const fc__values *values, size_t frame,
                          size_t begin, size_t end, double *sum)
{
    double innovation[TILE];
    for (size_t start = begin; start < end; start += TILE) {
        size_t size = end - start < TILE ? end - start : TILE;
        innovations(rows, values, frame, start, size, rows->weight, innovation);
        fc__kernels_chosen()->project(size, rows->codes, innovation,
                                      rows->phi + start * rows->codes, sum);
    }
}

/* Few frames: slices are divided among threads and added in order. */
static fc_status project_few(fc_context *context, const fc__rows *rows, const fc__values *values,
                             double *sum)
{
    fc_status status = FC_OK;
    double *work = NULL;
    size_t slices = (rows->count + SLICE - 1) / SLICE, size = values->frames * rows->codes;
    FC_NEW(context, &work, fc__product(slices, size));
#pragma omp parallel for num_threads(fc__threads_worth(context, 4 * rows->count * size, slices))   \
    schedule(static)
    for (size_t s = 0; s < slices; s++)
        for (size_t f = 0; f < values->frames; f++)
            project_slice(rows, values, f, s * SLICE,
                          (s + 1) * SLICE < rows->count ? (s + 1) * SLICE : rows->count,
                          work + s * size + f * rows->codes);
    for (size_t s = 0; s < slices; s++)
        for (size_t i = 0; i < size; i++)
            sum[i] += work[s * size + i];
done:
    free(work);
    return status;
}

/* Up to FRAMES frames from `first` on; wide (TILE, C) and innovation (FRAMES, TILE) are scratch. */
static void project_block(const fc__rows *rows, const fc__values *values, size_t first,
                          double *wide, double *innovation, double *sum)
{
    size_t codes = rows->codes;
    size_t frames = values->frames - first < FRAMES ? values->frames - first : FRAMES;
    for (size_t start = 0; start < rows->count; start += TILE) {
        size_t size = rows->count - start < TILE ? rows->count - start : TILE;
        for (size_t f = 0; f < frames; f++)
            innovations(rows, values, first + f, start, size, rows->weight, innovation + f * TILE);
        fc__kernels_chosen()->widen(size, codes, rows->phi + start * codes, NULL, wide);
        fc__dgemm(false, false, frames, codes, size, 1.0, innovation, TILE, wide, codes, 1.0,
                  sum + first * codes, codes);
    }
}

/* Many frames: they are divided among threads. */
static fc_status project_many(fc_context *context, const fc__rows *rows, const fc__values *values,
                              double *sum)
{
    fc_status status = FC_OK;
    double *work = NULL;
    size_t blocks = (values->frames + FRAMES - 1) / FRAMES, size = TILE * (rows->codes + FRAMES);
    int threads = fc__threads_worth(
        context, fc__product(rows->count, fc__product(values->frames, rows->codes)), blocks);
    FC_NEW(context, &work, fc__product((size_t)threads, size));
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (size_t b = 0; b < blocks; b++) {
        double *own = work + (size_t)omp_get_thread_num() * size;
        project_block(rows, values, b * FRAMES, own, own + TILE * rows->codes, sum);
    }
done:
    free(work);
    return status;
}

/* The rows are fewer than codes times channels. */
static void project_dual(const fc__rows *rows, const fc__values *values,
                         const fc__analysis *analysis, const double *m, double *sum)
{
    size_t codes = rows->codes;
    double innovation[TILE], wide;
    for (size_t f = 0; f < values->frames; f++) {
        for (size_t start = 0; start < rows->count; start += TILE) {
            size_t size = rows->count - start < TILE ? rows->count - start : TILE;
            innovations(rows, values, f, start, size, NULL, innovation);
            for (size_t p = 0; p < size; p++) {
                const float *phi = rows->phi + (start + p) * codes;
                wide = 0.0;
#pragma omp simd reduction(+ : wide)
                for (size_t c = 0; c < codes; c++)
                    wide += (double)phi[c] * m[c];
                innovation[p] -= wide; /* where nothing is observed the gain is zero */
            }
            fc__dgemm(false, false, 1, codes, size, 1.0, innovation, TILE,
                      analysis->gain + start * codes, codes, 1.0, sum + f * codes, codes);
        }
    }
}

fc_status fc__project_add(fc_context *context, const fc__rows *rows, const fc__values *values,
                          const fc__analysis *analysis, const double *m, double *sum)
{
    if (analysis && analysis->gain) {
        project_dual(rows, values, analysis, m, sum);
        return FC_OK;
    }
    return values->frames <= FEW_FRAMES ? project_few(context, rows, values, sum)
                                        : project_many(context, rows, values, sum);
}

/* rooted (frames, C) is scratch */
static void solve_block(const fc__analysis *analysis, size_t frames, const double *known,
                        double *sum, double *rooted, double *z)
{
    size_t codes = analysis->codes;
    for (size_t i = 0; i < frames * codes; i++)
        sum[i] -= known[i % codes];
    fc__dgemm(false, true, frames, codes, codes, 1.0, sum, codes, analysis->root, codes, 0.0,
              rooted, codes);
    fc__dgemm(false, false, frames, codes, codes, 1.0, rooted, codes, analysis->root, codes, 1.0, z,
              codes);
}

fc_status fc__analysis_solve(fc_context *context, const fc__analysis *analysis, size_t frames,
                             const double *m, double *sum, double *z)
{
    fc_status status = FC_OK;
    double *rooted = NULL, *known = NULL;
    size_t codes = analysis->codes, blocks = (frames + FRAMES - 1) / FRAMES;
    for (size_t i = 0; i < frames * codes; i++)
        z[i] = m[i % codes] + (analysis->gain ? sum[i] : 0.0);
    if (analysis->gain)
        return FC_OK;
    int threads = fc__threads_worth(context, 2 * frames * codes * codes, blocks);
    FC_NEW(context, &known, codes);
    FC_NEW(context, &rooted, fc__product((size_t)threads * FRAMES, codes));
    fc__dgemm(false, false, 1, codes, codes, 1.0, m, codes, analysis->normal, codes, 0.0, known,
              codes);
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (size_t b = 0; b < blocks; b++)
        solve_block(analysis, frames - b * FRAMES < FRAMES ? frames - b * FRAMES : FRAMES, known,
                    sum + b * FRAMES * codes,
                    rooted + (size_t)omp_get_thread_num() * FRAMES * codes, z + b * FRAMES * codes);
done:
    free(known);
    free(rooted);
    return status;
}

fc_status fc__values_check(fc_context *context, const fc__rows *rows, const fc__values *values)
{
    double innovation[TILE];
    for (size_t f = 0; f < values->frames; f++)
        for (size_t start = 0; start < rows->count; start += TILE) {
            size_t size = rows->count - start < TILE ? rows->count - start : TILE;
            innovations(rows, values, f, start, size, NULL, innovation);
            for (size_t r = 0; r < size; r++)
                if (!isfinite(innovation[r]))
                    return fc__fail(context, FC_ERROR_DATA,
                                    "posterior: value %zu of frame %zu is %g; leave out what is "
                                    "missing",
                                    values->first * values->channels + start + r, f, innovation[r]);
        }
    return FC_OK;
}

/* ---------------------------------------------------------------- residuals */

fc_status fc__residuals_add(fc_context *context, const fc__rows *rows, const fc__values *values,
                            const double *z, double *square)
{
    fc_status status = FC_OK;
    size_t codes = rows->codes, channels = values->channels;
    size_t tiles = (rows->count + TILE - 1) / TILE;
    size_t size = TILE * (codes + FRAMES); /* of a thread: rows in double, fields */
    int threads = fc__threads_worth(
        context, fc__product(rows->count, fc__product(values->frames, codes)), tiles);
    double *work = NULL, *sums = NULL;
    FC_NEW(context, &work, fc__product((size_t)threads, size));
    FC_NEW(context, &sums, fc__product(tiles, channels));
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (size_t t = 0; t < tiles; t++) {
        size_t start = t * TILE, rest = rows->count - start, number = rest < TILE ? rest : TILE;
        double *wide = work + (size_t)omp_get_thread_num() * size, *u = wide + TILE * codes;
        double innovation[TILE];
        fc__kernels_chosen()->widen(number, codes, rows->phi + start * codes, NULL, wide);
        for (size_t first = 0; first < values->frames; first += FRAMES) {
            size_t frames = values->frames - first < FRAMES ? values->frames - first : FRAMES;
            fc__dgemm(false, true, frames, number, codes, 1.0, z + first * codes, codes, wide,
                      codes, 0.0, u, TILE);
            for (size_t f = 0; f < frames; f++) {
                innovations(rows, values, first + f, start, number, NULL, innovation);
                for (size_t r = 0; r < number; r++) {
                    double residual = innovation[r] - u[f * TILE + r];
                    if (rows->weight[start + r] > 0.0)
                        sums[t * channels + (start + r) % channels] += residual * residual;
                }
            }
        }
    }
    for (size_t i = 0; i < tiles * channels; i++)
        square[i % channels] += sums[i];
done:
    free(work);
    free(sums);
    return status;
}

fc_status fc__leverage_add(fc_context *context, const fc__rows *rows, const fc__values *values,
                           const fc__analysis *analysis, double *leverage)
{
    fc_status status = FC_OK;
    double *variance = NULL;
    FC_NEW(context, &variance, rows->count);
    FC_TRY(fc_basis_variance(context, rows->codes, analysis->covariance, rows->count, rows->phi,
                             variance));
    for (size_t r = 0; r < rows->count; r++)
        leverage[r % values->channels] += (double)values->frames * variance[r] * rows->weight[r];
done:
    free(variance);
    return status;
}
