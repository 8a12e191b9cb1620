#include "inr/support.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum {
    TILE = 128,     /* values taken at a time */
    FRAMES = 32,    /* frames encoded at a time */
    FEW_FRAMES = 3, /* up to so many, reading Phi as it is beats converting it for a product */
    MAX_SLICES = 16 /* partial normal matrices that are summed in order */
};

/* Primal, more values than codes: with N = Phi^T R^-1 Phi, M = I + F^T N F = L L^T and
 * root = L^-1 F^T,
 *
 *   P = root^T root,   z = mu + root^T root Phi^T R^-1 (y - offset)
 *
 * Dual: with B = R^-1/2 Phi F, I + B B^T = L L^T and Y = L^-1 B,
 *
 *   P = F (I - Y^T Y) F^T,   z = mu + gain^T (y - offset),   gain = R^-1/2 L^-T Y F^T
 *
 * where F is the prior's factor and offset = phi0 + Phi mu. */
struct fc_posterior {
    size_t codes, values;
    double *mean;       /* (C) */
    double *covariance; /* (C, C) */
    double *offset;     /* (values) */
    double *weight;     /* (values): R^-1, or 1 in the dual form */
    float *phi;         /* primal: (values, C) */
    double *root;       /* primal: (C, C) */
    double *gain;       /* dual: (values, C) */
};

/* ---------------------------------------------------------------- primal form */

/* matrix (rows, C) = diag(factor) Phi in double; factor may be NULL. */
static void scaled_rows(size_t rows, size_t codes, const float *phi, const double *factor,
                        double *matrix)
{
    for (size_t p = 0; p < rows; p++) {
        double scale = factor ? factor[p] : 1.0;
        for (size_t c = 0; c < codes; c++)
            matrix[p * codes + c] = scale * (double)phi[p * codes + c];
    }
}

/* normal (C, C) += Phi^T R^-1 Phi of values [begin, end); rows (TILE, C) is scratch */
static void add_normal(const fc_posterior *posterior, size_t begin, size_t end, double *rows,
                       double *normal)
{
    size_t codes = posterior->codes;
    double deviation[TILE];
    for (size_t start = begin; start < end; start += TILE) {
        size_t size = end - start < TILE ? end - start : TILE;
        for (size_t p = 0; p < size; p++)
            deviation[p] = sqrt(posterior->weight[start + p]);
        scaled_rows(size, codes, posterior->phi + start * codes, deviation, rows);
        fc__dsyrk(codes, size, 1.0, rows, 1.0, normal);
    }
}

/* The number of slices depends on the number of values alone, so that the sum does not depend on
 * the number of threads. */
static fc_status normal_matrix(fc_context *context, const fc_posterior *posterior, double *normal)
{
    fc_status status = FC_OK;
    double *rows = NULL, *partial = NULL;
    size_t codes = posterior->codes, square = codes * codes;
    size_t slices = (posterior->values + 4 * TILE - 1) / (4 * TILE);
    slices = slices < MAX_SLICES ? slices : MAX_SLICES;
    FC_NEW(context, &rows, fc__product(slices, TILE * codes));
    FC_NEW(context, &partial, fc__product(slices, square));
#pragma omp parallel for num_threads(fc_context_threads(context)) schedule(dynamic, 1)
    for (size_t slice = 0; slice < slices; slice++) {
        size_t begin, end;
        fc__slice(posterior->values, slices, slice, &begin, &end);
        add_normal(posterior, begin, end, rows + slice * TILE * codes, partial + slice * square);
    }
    memset(normal, 0, square * sizeof *normal);
    for (size_t slice = 0; slice < slices; slice++)
        for (size_t i = 0; i < square; i++)
            normal[i] += partial[slice * square + i];
done:
    free(rows);
    free(partial);
    return status;
}

static fc_status make_primal(fc_context *context, const fc_prior *prior, const float *phi,
                             fc_posterior *posterior)
{
    fc_status status = FC_OK;
    double *normal = NULL, *whitened = NULL;
    size_t codes = posterior->codes, square = codes * codes;
    FC_NEW(context, &posterior->phi, fc__product(posterior->values, codes));
    FC_NEW(context, &posterior->root, square);
    FC_NEW(context, &normal, square);
    FC_NEW(context, &whitened, square);
    memcpy(posterior->phi, phi, posterior->values * codes * sizeof *phi);
    FC_TRY(normal_matrix(context, posterior, normal));
    fc__dgemm_parallel(context, false, false, codes, codes, codes, 1.0, normal, codes,
                       prior->factor, codes, 0.0, whitened, codes);
    fc__dgemm_parallel(context, true, false, codes, codes, codes, 1.0, prior->factor, codes,
                       whitened, codes, 0.0, normal, codes);
    for (size_t i = 0; i < codes; i++) {
        normal[i * codes + i] += 1.0;
        for (size_t j = 0; j < codes; j++)
            posterior->root[i * codes + j] = prior->factor[j * codes + i];
    }
    FC_TRY(fc__cholesky(context, "posterior", codes, normal));
    fc__triangular_solve(false, codes, normal, codes, posterior->root);
    fc__dsyrk(codes, codes, 1.0, posterior->root, 0.0, posterior->covariance);
done:
    free(normal);
    free(whitened);
    return status;
}

/* ---------------------------------------------------------------- dual form */

/* P = F (I - Y^T Y) F^T; y (values, C) */
static fc_status dual_covariance(fc_context *context, const fc_prior *prior, const double *y,
                                 fc_posterior *posterior)
{
    fc_status status = FC_OK;
    double *reduction = NULL, *half = NULL, *covariance = posterior->covariance;
    size_t codes = posterior->codes;
    FC_NEW(context, &reduction, codes * codes);
    FC_NEW(context, &half, codes * codes);
    fc__dsyrk(codes, posterior->values, -1.0, y, 0.0, reduction);
    for (size_t i = 0; i < codes; i++)
        reduction[i * codes + i] += 1.0;
    fc__dgemm_parallel(context, false, false, codes, codes, codes, 1.0, prior->factor, codes,
                       reduction, codes, 0.0, half, codes);
    fc__dgemm_parallel(context, false, true, codes, codes, codes, 1.0, half, codes, prior->factor,
                       codes, 0.0, covariance, codes);
    for (size_t i = 0; i < codes; i++)
        for (size_t j = 0; j < i; j++)
            covariance[i * codes + j] = covariance[j * codes + i] =
                0.5 * (covariance[i * codes + j] + covariance[j * codes + i]);
done:
    free(reduction);
    free(half);
    return status;
}

static fc_status make_dual(fc_context *context, const fc_prior *prior, const float *phi,
                           const double *noise, fc_posterior *posterior)
{
    fc_status status = FC_OK;
    double *rows = NULL, *y = NULL, *factor = NULL, *deviation = NULL;
    size_t codes = posterior->codes, values = posterior->values;
    FC_NEW(context, &posterior->gain, fc__product(values, codes));
    FC_NEW(context, &rows, fc__product(values, codes));
    FC_NEW(context, &y, fc__product(values, codes));
    FC_NEW(context, &factor, fc__product(values, values));
    FC_NEW(context, &deviation, values);
    for (size_t p = 0; p < values; p++) {
        deviation[p] = 1.0 / sqrt(noise[p]);
        posterior->weight[p] = 1.0;
    }
    scaled_rows(values, codes, phi, deviation, rows);
    fc__dgemm_parallel(context, false, false, values, codes, codes, 1.0, rows, codes, prior->factor,
                       codes, 0.0, y, codes);
    fc__dgemm_parallel(context, false, true, values, values, codes, 1.0, y, codes, y, codes, 0.0,
                       factor, values);
    for (size_t p = 0; p < values; p++)
        factor[p * values + p] += 1.0;
    FC_TRY(fc__cholesky(context, "posterior", values, factor));
    fc__triangular_solve(false, values, factor, codes, y);
    FC_TRY(dual_covariance(context, prior, y, posterior));
    fc__triangular_solve(true, values, factor, codes, y);
    for (size_t p = 0; p < values; p++)
        for (size_t c = 0; c < codes; c++)
            y[p * codes + c] *= deviation[p];
    fc__dgemm_parallel(context, false, true, values, codes, codes, 1.0, y, codes, prior->factor,
                       codes, 0.0, posterior->gain, codes);
done:
    free(rows);
    free(y);
    free(factor);
    free(deviation);
    return status;
}

/* ---------------------------------------------------------------- life cycle */

static fc_status check_arguments(fc_context *context, const fc_prior *prior, size_t values,
                                 const double *noise, fc_posterior_form form)
{
    if (prior->codes == 0 || values == 0)
        return fc__fail(context, FC_ERROR_USAGE,
                        "posterior: %zu values for %zu codes; at least one of each is needed",
                        values, prior->codes);
    if (form != FC_POSTERIOR_AUTO && form != FC_POSTERIOR_PRIMAL && form != FC_POSTERIOR_DUAL)
        return fc__fail(context, FC_ERROR_USAGE, "posterior: form %d is unknown", (int)form);
    for (size_t p = 0; p < values; p++)
        if (!isfinite(noise[p]) || noise[p] <= 0.0)
            return fc__fail(context, FC_ERROR_USAGE,
                            "posterior: noise variance of value %zu is %g; a positive number is "
                            "needed",
                            p, noise[p]);
    return FC_OK;
}

fc_status fc_posterior_create(fc_context *context, const fc_prior *prior, size_t values,
                              const float *phi0, const float *phi, const double *noise,
                              fc_posterior_form form, fc_posterior **posterior)
{
    fc_status status = FC_OK;
    fc_posterior *made = NULL;
    *posterior = NULL;
    FC_TRY(check_arguments(context, prior, values, noise, form));
    size_t codes = prior->codes;
    FC_NEW(context, &made, 1);
    made->codes = codes;
    made->values = values;
    FC_NEW(context, &made->mean, codes);
    FC_NEW(context, &made->covariance, fc__product(codes, codes));
    FC_NEW(context, &made->offset, values);
    FC_NEW(context, &made->weight, values);
    memcpy(made->mean, prior->mean, codes * sizeof *made->mean);
    for (size_t p = 0; p < values; p++) {
        double offset = (double)phi0[p];
#pragma omp simd reduction(+ : offset)
        for (size_t c = 0; c < codes; c++)
            offset += (double)phi[p * codes + c] * prior->mean[c];
        made->offset[p] = offset;
        made->weight[p] = 1.0 / noise[p];
    }
    if (form == FC_POSTERIOR_DUAL || (form == FC_POSTERIOR_AUTO && values < codes))
        FC_TRY(make_dual(context, prior, phi, noise, made));
    else
        FC_TRY(make_primal(context, prior, phi, made));
    *posterior = made;
    made = NULL;
done:
    fc_posterior_destroy(made);
    return status;
}

void fc_posterior_destroy(fc_posterior *posterior)
{
    if (!posterior)
        return;
    free(posterior->mean);
    free(posterior->covariance);
    free(posterior->offset);
    free(posterior->weight);
    free(posterior->phi);
    free(posterior->root);
    free(posterior->gain);
    free(posterior);
}

void fc_posterior_covariance(const fc_posterior *posterior, double *covariance)
{
    memcpy(covariance, posterior->covariance,
           posterior->codes * posterior->codes * sizeof *covariance);
}

/* ---------------------------------------------------------------- encoding */

/* sum (C) += sum_p innovation_p Phi_p, four rows of Phi at a time. */
static void add_rows(size_t rows, size_t codes, const double *restrict innovation,
                     const float *restrict phi, double *restrict sum)
{
    size_t p = 0;
    for (; p + 4 <= rows; p += 4, phi += 4 * codes) {
        const double *d = innovation + p;
        const float *phi1 = phi + codes, *phi2 = phi1 + codes, *phi3 = phi2 + codes;
        for (size_t c = 0; c < codes; c++)
            sum[c] += d[0] * (double)phi[c] + d[1] * (double)phi1[c] + d[2] * (double)phi2[c] +
                      d[3] * (double)phi3[c];
    }
    for (; p < rows; p++, phi += codes)
        for (size_t c = 0; c < codes; c++)
            sum[c] += innovation[p] * (double)phi[c];
}

/* Scratch of one thread. */
typedef struct scratch {
    double innovation[FRAMES * TILE];
    double *rows;   /* (TILE, C) */
    double *sum;    /* (FRAMES, C) */
    double *rooted; /* (FRAMES, C) */
} scratch;

/* sum (frames, C) = weighted innovations times Phi, or times the gain in the dual form */
static void project(const fc_posterior *posterior, size_t frames, const float *y, scratch *work)
{
    size_t codes = posterior->codes, values = posterior->values;
    memset(work->sum, 0, frames * codes * sizeof *work->sum);
    for (size_t start = 0; start < values; start += TILE) {
        size_t size = values - start < TILE ? values - start : TILE;
        for (size_t f = 0; f < frames; f++)
            for (size_t p = 0; p < size; p++)
                work->innovation[f * TILE + p] =
                    posterior->weight[start + p] *
                    ((double)y[f * values + start + p] - posterior->offset[start + p]);
        if (posterior->phi && frames <= FEW_FRAMES) {
            for (size_t f = 0; f < frames; f++)
                add_rows(size, codes, work->innovation + f * TILE, posterior->phi + start * codes,
                         work->sum + f * codes);
            continue;
        }
        const double *rows = work->rows;
        if (posterior->phi)
            scaled_rows(size, codes, posterior->phi + start * codes, NULL, work->rows);
        else
            rows = posterior->gain + start * codes;
        fc__dgemm(false, false, frames, codes, size, 1.0, work->innovation, TILE, rows, codes, 1.0,
                  work->sum, codes);
    }
}

static void encode_frames(const fc_posterior *posterior, size_t frames, const float *y,
                          scratch *work, double *z)
{
    size_t codes = posterior->codes;
    project(posterior, frames, y, work);
    for (size_t i = 0; i < frames * codes; i++)
        z[i] = posterior->mean[i % codes] + (posterior->root ? 0.0 : work->sum[i]);
    if (!posterior->root)
        return;
    fc__dgemm(false, true, frames, codes, codes, 1.0, work->sum, codes, posterior->root, codes, 0.0,
              work->rooted, codes);
    fc__dgemm(false, false, frames, codes, codes, 1.0, work->rooted, codes, posterior->root, codes,
              1.0, z, codes);
}

fc_status fc_posterior_encode(fc_context *context, const fc_posterior *posterior, size_t frames,
                              const float *y, double *z)
{
    fc_status status = FC_OK;
    scratch *work = NULL;
    double *matrices = NULL;
    size_t codes = posterior->codes, values = posterior->values;
    size_t blocks = (frames + FRAMES - 1) / FRAMES, threads = (size_t)fc_context_threads(context);
    threads = threads < blocks ? threads : blocks;
    for (size_t i = 0; i < frames * values; i++)
        if (!isfinite(y[i]))
            return fc__fail(context, FC_ERROR_DATA,
                            "posterior: value %zu of frame %zu is %g; leave out what is missing",
                            i % values, i / values, (double)y[i]);
    FC_NEW(context, &work, threads);
    FC_NEW(context, &matrices, fc__product(threads, (TILE + 2 * FRAMES) * codes));
    for (size_t t = 0; t < threads; t++) {
        work[t].rows = matrices + t * (TILE + 2 * FRAMES) * codes;
        work[t].sum = work[t].rows + TILE * codes;
        work[t].rooted = work[t].sum + FRAMES * codes;
    }
#pragma omp parallel for num_threads((int)(threads ? threads : 1)) schedule(dynamic, 1)
    for (size_t start = 0; start < frames; start += FRAMES)
        encode_frames(posterior, frames - start < FRAMES ? frames - start : FRAMES,
                      y + start * values, &work[omp_get_thread_num()], z + start * codes);
done:
    free(work);
    free(matrices);
    return status;
}

/* ---------------------------------------------------------------- variance of fields */

fc_status fc_basis_variance(fc_context *context, size_t codes, const double *covariance,
                            size_t values, const float *phi, double *variance)
{
    fc_status status = FC_OK;
    double *work = NULL;
    size_t threads = (size_t)fc_context_threads(context), tile = TILE * codes;
    FC_NEW(context, &work, fc__product(threads, fc__product(2 * TILE, codes)));
#pragma omp parallel for num_threads((int)threads) schedule(dynamic, 1)
    for (size_t start = 0; start < values; start += TILE) {
        size_t size = values - start < TILE ? values - start : TILE;
        double *rows = work + (size_t)omp_get_thread_num() * 2 * tile, *product = rows + tile;
        scaled_rows(size, codes, phi + start * codes, NULL, rows);
        fc__dgemm(false, false, size, codes, codes, 1.0, rows, codes, covariance, codes, 0.0,
                  product, codes);
        for (size_t p = 0; p < size; p++) {
            double sum = 0.0;
            for (size_t c = 0; c < codes; c++)
                sum += rows[p * codes + c] * product[p * codes + c];
            variance[start + p] = sum > 0.0 ? sum : 0.0; /* rounding of a vanishing variance */
        }
    }
done:
    free(work);
    return status;
}
