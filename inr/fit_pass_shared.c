/* A pass over frames observed at the same values: everything but the basis is a matrix product.
 *
 * With solved codes, z = K (y - phi0) and K = (Phi^T Phi + ridge)^-1 Phi^T, loss and gradient
 * depend on the frames through their mean m and covariance S alone. With d = m - phi0 and T = (S +
 * d d^T) K^T,
 *
 *   mean_f r z^T = Phi (K T) - T,   mean_f r = Phi K d - d,
 *   mean_f |r|^2 = tr(S + d d^T) - <Phi, T> + <Phi, mean_f r z^T>,        r = phi0 + Phi z - y,
 *
 * so that a pass over all frames costs values x rank(S) x C, however many they are. */
#include "inr/fit_pass_paths.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRAMES = 256,        /* most frames taken at a time */
    FLOATS = 1 << 20,    /* about how many departures they may have */
    COLUMNS = 256,       /* values that one sum of squares is made of */
    SOLVED_TOGETHER = 32 /* codes */

};

fc_status fc__shared_create(fc_context *context, fc__fit_pass *pass)
{
    fc_status status = FC_OK;
    const fc_dataset *dataset = pass->frames->dataset;
    size_t channels = dataset->channel_count;
    pass->whole = true;
    if (pass->frames->count == 0)
        return FC_OK;
    const fc_frame *first = pass->frames->frame[0];
    size_t points = dataset->points[first->points].count;
    if (fc__fit_pass_by_moments(pass->decoder, pass->frames, pass->policy))
        FC_TRY(fc__moments_create(context, pass->frames, &pass->moments));
    FC_NEW(context, &pass->point, points);
    for (size_t p = 0; p < points; p++) {
        size_t missing = 0;
        for (size_t ch = 0; ch < channels; ch++)
            missing += isnan(first->values[p * channels + ch]);
        if (missing < channels)
            pass->point[pass->seen++] = p;
        pass->whole &= missing == 0;
    }
done:
    return status;
}

/* index of a value that is not observed */
#define MISSING SIZE_MAX

/* One run. A value stands for an observed or missing pair of a point of the sample and a channel;
 * those missing have a basis of zero, so that nothing follows from them. */
typedef struct shared_run {
    fc_context *context;
    const fc__fit_pass *pass;
    size_t points, values, codes, frames; /* frames: of a block */
    size_t number;                        /* of values observed */
    bool whole;                           /* index[k] = k */
    size_t *index;                        /* (values) into those of a frame */
    double *x;                            /* (points, dims) */
    float *phi0, *phi;                    /* (values), (values, C) */
    float *phi0_bar, *phi_bar;
    float *residual; /* (frames, values) */
    float *z, *rhs;  /* (frames, C) */
    float *k, *t;    /* K^T and T (values, C), a pass by moments */
    float *f, *fk;   /* the sample's rows of F (values, rank), F^T K^T (rank, C) */
    double *normal;  /* (C, C), its Cholesky factor */
    double *square;  /* of every COLUMNS values */
} shared_run;

static void shared_run_clear(shared_run *run)
{
    free(run->index);
    free(run->x);
    free(run->normal);
    free(run->square);
}

/* count: frames, 0 = a pass by moments */
static fc_status shared_run_create(fc_context *context, fc__fit_pass *pass, size_t count,
                                   shared_run *run)
{
    fc_status status = FC_OK;
    size_t channels = pass->decoder->config.channels, codes = pass->decoder->config.codes;
    size_t points = fc__sample_size(pass, pass->seen), values = fc__product(points, channels);
    size_t frames = FLOATS / (values ? values : 1);
    frames = frames < 8 ? 8 : frames > FRAMES ? FRAMES : frames;
    frames = frames < count ? frames : count;
    *run = (shared_run){.context = context,
                        .pass = pass,
                        .points = points,
                        .values = values,
                        .codes = codes,
                        .frames = frames,
                        .whole = pass->whole && points == pass->seen};
    size_t size = 2 * values + 2 * fc__product(values, codes) + fc__product(frames, values) +
                  2 * fc__product(frames, codes);
    size_t rank = count == 0 ? pass->moments->rank : 0;
    if (count == 0)
        size += 2 * fc__product(values, codes) + fc__product(rank, codes) +
                (run->whole ? 0 : fc__product(values, rank));
    if (size > pass->room_size) {
        free(pass->room);
        pass->room = NULL;
        pass->room_size = 0;
        FC_NEW(context, &pass->room, size);
        pass->room_size = size;
    }
    run->phi0 = pass->room;
    run->phi0_bar = run->phi0 + values;
    run->phi = run->phi0_bar + values;
    run->phi_bar = run->phi + values * codes;
    run->residual = run->phi_bar + values * codes;
    run->z = run->residual + frames * values;
    run->rhs = run->z + frames * codes;
    run->k = run->rhs + frames * codes;
    run->t = run->k + values * codes;
    run->fk = run->t + values * codes;
    run->f = run->fk + rank * codes;
    memset(run->phi0_bar, 0, values * sizeof *run->phi0_bar);
    memset(run->phi_bar, 0, values * codes * sizeof *run->phi_bar);
    FC_NEW(context, &run->index, values);
    FC_NEW(context, &run->x, fc__product(points, pass->decoder->domain.dims));
    FC_NEW(context, &run->normal, fc__product(codes, codes));
    FC_NEW(context, &run->square, values / COLUMNS + 1);
done:
    return status;
}

/* Points of the sample, the basis there, and what is missing. */
static fc_status shared_basis(shared_run *run)
{
    const fc__fit_pass *pass = run->pass;
    const fc_frame *first = pass->frames->frame[0];
    const fc_points *set = &pass->frames->dataset->points[first->points];
    size_t dims = pass->decoder->domain.dims, channels = pass->decoder->config.channels;
    for (size_t k = 0; k < run->points; k++) {
        size_t p = pass->point[fc__sample_point(pass, 0, pass->seen, k)];
        memcpy(run->x + k * dims, set->coordinates + p * dims, dims * sizeof *run->x);
        for (size_t ch = 0; ch < channels; ch++) {
            size_t i = p * channels + ch;
            bool missing = isnan(first->values[i]);
            run->index[k * channels + ch] = missing ? MISSING : i;
            run->number += !missing;
        }
    }
    fc_status status =
        fc_decoder_basis(run->context, pass->decoder, run->points, run->x, run->phi0, run->phi);
    for (size_t v = 0; v < run->values && status == FC_OK; v++) {
        if (run->index[v] != MISSING)
            continue;
        run->phi0[v] = 0.0f;
        memset(run->phi + v * run->codes, 0, run->codes * sizeof *run->phi);
    }
    return status;
}

/* Cholesky factor of Phi^T Phi and a ridge; the rows are cut into slices, summed in order. */
static fc_status shared_normal(shared_run *run)
{
    enum { SLICES = 8, ROWS = 256 };
    fc_status status = FC_OK;
    size_t codes = run->codes, square = fc__product(codes, codes), size = ROWS * codes + square;
    double *work = NULL;
    FC_NEW(run->context, &work, fc__product(SLICES, size));
#pragma omp parallel for num_threads(fc_context_threads(run->context)) schedule(dynamic, 1)
    for (size_t slice = 0; slice < SLICES; slice++) {
        double *sum = work + slice * size, *rows = sum + square;
        size_t begin, end;
        fc__slice(run->values, SLICES, slice, &begin, &end);
        for (size_t start = begin; start < end; start += ROWS) {
            size_t count = end - start < ROWS ? end - start : ROWS;
            for (size_t i = 0; i < count * codes; i++)
                rows[i] = (double)run->phi[start * codes + i];
            fc__dsyrk(codes, count, 1.0, rows, 1.0, sum);
        }
    }
    for (size_t slice = 0; slice < SLICES; slice++)
        for (size_t i = 0; i < square; i++)
            run->normal[i] += work[slice * size + i];
    fc__regularise(codes, FC__CODE_RIDGE, run->normal);
    FC_TRY(fc__cholesky(run->context, "codes of the training frames", codes, run->normal));
done:
    free(work);
    return status;
}

/* residual = phi0 - y, what the field leaves at code zero. */
static void shared_departures(const shared_run *run, size_t count, const size_t *chosen,
                              size_t start)
{
#pragma omp parallel for num_threads(fc_context_threads(run->context)) schedule(static)
    for (size_t f = 0; f < count; f++) {
        const float *y = run->pass->frames->frame[fc__pass_frame(chosen, start + f)]->values;
        float *r = run->residual + f * run->values;
        if (run->whole)
            for (size_t v = 0; v < run->values; v++)
                r[v] = run->phi0[v] - y[v];
        else
            for (size_t v = 0; v < run->values; v++)
                r[v] = run->index[v] == MISSING ? 0.0f : run->phi0[v] - y[run->index[v]];
    }
}

/* x (count, C) = rhs (count, C) (Phi^T Phi + ridge)^-1 */
static fc_status shared_solve(const shared_run *run, size_t count, const float *rhs, float *x)
{
    fc_status status = FC_OK;
    size_t codes = run->codes, threads = (size_t)fc_context_threads(run->context);
    double *columns = NULL;
    FC_NEW(run->context, &columns, fc__product(threads, SOLVED_TOGETHER * codes));
#pragma omp parallel for num_threads((int)threads) schedule(static)
    for (size_t start = 0; start < count; start += SOLVED_TOGETHER) {
        double *own = columns + (size_t)omp_get_thread_num() * SOLVED_TOGETHER * codes;
        size_t size = count - start < SOLVED_TOGETHER ? count - start : SOLVED_TOGETHER;
        for (size_t i = 0; i < size * codes; i++)
            own[i % codes * size + i / codes] = (double)rhs[start * codes + i];
        fc__cholesky_solve(codes, run->normal, size, own);
        for (size_t i = 0; i < size * codes; i++)
            x[start * codes + i] = (float)own[i % codes * size + i / codes];
    }
done:
    free(columns);
    return status;
}

/* Adds squares and column sums of the residuals, values divided among the threads. */
static void shared_sums(const shared_run *run, size_t count)
{
#pragma omp parallel for num_threads(fc_context_threads(run->context)) schedule(static)
    for (size_t start = 0; start < run->values; start += COLUMNS) {
        size_t size = run->values - start < COLUMNS ? run->values - start : COLUMNS;
        double square = 0.0;
        for (size_t f = 0; f < count; f++) {
            const float *r = run->residual + f * run->values + start;
            float part = 0.0f;
#pragma omp simd reduction(+ : part)
            for (size_t v = 0; v < size; v++) {
                part += r[v] * r[v];
                run->phi0_bar[start + v] += r[v];
            }
            square += (double)part;
        }
        run->square[start / COLUMNS] += square;
    }
}

/* Phi_bar = sum_f r_f z_f^T, phi0_bar = sum_f r_f, up to the factor of the mean. */
static fc_status shared_block(shared_run *run, size_t count, const size_t *chosen, size_t start,
                              float *codes, float *code_gradient)
{
    size_t c = run->codes, values = run->values;
    shared_departures(run, count, chosen, start);
    if (run->pass->policy == FC__CODES_SOLVED) {
        fc__sgemm_parallel(run->context, false, false, count, c, values, -1.0f, run->residual,
                           values, run->phi, c, 0.0f, run->rhs, c);
        fc_status status = shared_solve(run, count, run->rhs, run->z);
        if (status != FC_OK)
            return status;
    }
    for (size_t f = 0; f < count; f++) {
        float *z = codes + fc__pass_frame(chosen, start + f) * c;
        if (run->pass->policy == FC__CODES_SOLVED)
            memcpy(z, run->z + f * c, c * sizeof *z);
        else
            memcpy(run->z + f * c, z, c * sizeof *z);
    }
    fc__sgemm_parallel(run->context, false, true, count, values, c, 1.0f, run->z, c, run->phi, c,
                       1.0f, run->residual, values);
    shared_sums(run, count);
    fc__sgemm_parallel(run->context, true, false, values, c, count, 1.0f, run->residual, values,
                       run->z, c, 1.0f, run->phi_bar, c);
    if (code_gradient)
        fc__sgemm_parallel(run->context, false, false, count, c, values, 2.0f / (float)run->number,
                           run->residual, values, run->phi, c, 0.0f, code_gradient + start * c, c);
    return FC_OK;
}

/* Gradient of the weights from that of the basis, which is scaled first. */
static fc_status shared_finish(const shared_run *run, double scale, float *gradient)
{
    const float factor = (float)scale;
    for (size_t i = 0; i < run->values; i++)
        run->phi0_bar[i] *= factor;
    for (size_t i = 0; i < run->values * run->codes; i++)
        run->phi_bar[i] *= factor;
    return fc_decoder_basis_vjp(run->context, run->pass->decoder, run->points, run->x,
                                run->phi0_bar, run->phi_bar, gradient);
}

fc_status fc__shared_run(fc_context *context, fc__fit_pass *pass, size_t count,
                         const size_t *chosen, float *codes, float *code_gradient, double *loss,
                         float *gradient)
{
    fc_status status = FC_OK;
    shared_run run = {0};
    FC_TRY(shared_run_create(context, pass, count, &run));
    FC_TRY(shared_basis(&run));
    if (pass->policy == FC__CODES_SOLVED)
        FC_TRY(shared_normal(&run));
    for (size_t start = 0; start < count; start += run.frames)
        FC_TRY(shared_block(&run, count - start < run.frames ? count - start : run.frames, chosen,
                            start, codes, code_gradient));
    double mean = 1.0 / ((double)run.number * (double)count);
    for (size_t i = 0; i < run.values; i += COLUMNS)
        *loss += mean * run.square[i / COLUMNS];
    FC_TRY(shared_finish(&run, 2.0 * mean, gradient));
done:
    shared_run_clear(&run);
    return status;
}

/* ---------------------------------------------------------------- all frames by their moments */

/* The rows, and where F is S itself the columns, of F at the sample. */
static void sample_factor(const shared_run *run)
{
    const fc__moments *m = run->pass->moments;
    size_t columns = m->is_factor ? m->rank : run->values;
#pragma omp parallel for num_threads(fc_context_threads(run->context)) schedule(static)
    for (size_t v = 0; v < run->values; v++) {
        float *to = run->f + v * columns;
        const float *from = run->index[v] == MISSING ? NULL : m->factor + run->index[v] * m->rank;
        for (size_t j = 0; j < columns; j++) {
            size_t column = m->is_factor ? j : run->index[j];
            to[j] = from && column != MISSING ? from[column] : 0.0f;
        }
    }
}

/* t (values, C) = S K^T at the sample. */
static void times_covariance(const shared_run *run)
{
    const fc__moments *m = run->pass->moments;
    size_t values = run->values, c = run->codes, rank = m->is_factor ? m->rank : values;
    const float *f = run->whole ? m->factor : run->f, *right = run->k;
    if (!run->whole)
        sample_factor(run);
    if (m->is_factor) {
        fc__sgemm_parallel(run->context, true, false, rank, c, values, 1.0f, f, rank, run->k, c,
                           0.0f, run->fk, c);
        right = run->fk;
    }
    fc__sgemm_parallel(run->context, false, false, values, c, rank, 1.0f, f, rank, right, c, 0.0f,
                       run->t, c);
}

/* phi0_bar = Phi K d - d, and the sums <Phi, T - Phi_bar> of every COLUMNS values. */
static void moments_sums(const shared_run *run, const float *d, const float *kd)
{
    size_t c = run->codes;
#pragma omp parallel for num_threads(fc_context_threads(run->context)) schedule(static)
    for (size_t start = 0; start < run->values; start += COLUMNS) {
        size_t end = run->values - start < COLUMNS ? run->values : start + COLUMNS;
        double along = 0.0;
        for (size_t v = start; v < end; v++) {
            const float *phi = run->phi + v * c, *t = run->t + v * c, *bar = run->phi_bar + v * c;
            float mean = 0.0f, product = 0.0f;
#pragma omp simd reduction(+ : mean, product)
            for (size_t i = 0; i < c; i++) {
                mean += phi[i] * kd[i];
                product += phi[i] * (t[i] - bar[i]);
            }
            run->phi0_bar[v] = mean - d[v];
            along += (double)product;
        }
        run->square[start / COLUMNS] = along;
    }
}

/* Phi_bar and phi0_bar as above, before their factor, and the mean of |r|^2. */
static fc_status moments_gradient(const shared_run *run, double *square)
{
    fc_status status = FC_OK;
    fc_context *context = run->context;
    const fc__moments *m = run->pass->moments;
    size_t values = run->values, c = run->codes;
    float *d = NULL, *kd = NULL, *kt = NULL;
    FC_NEW(context, &d, values);
    FC_NEW(context, &kd, c);
    FC_NEW(context, &kt, fc__product(c, c));
    *square = 0.0;
    for (size_t v = 0; v < values; v++)
        if (run->index[v] != MISSING) {
            d[v] = m->mean[run->index[v]] - run->phi0[v];
            *square += m->variance[run->index[v]] + (double)d[v] * (double)d[v];
        }
    FC_TRY(shared_solve(run, values, run->phi, run->k));
    times_covariance(run);
    fc__sgemm(false, false, 1, c, values, 1.0f, d, values, run->k, c, 0.0f, kd, c);
    fc__sgemm_parallel(context, false, false, values, c, 1, 1.0f, d, 1, kd, c, 1.0f, run->t, c);
    fc__sgemm_parallel(context, true, false, c, c, values, 1.0f, run->k, c, run->t, c, 0.0f, kt, c);
    memcpy(run->phi_bar, run->t, values * c * sizeof *run->t);
    fc__sgemm_parallel(context, false, false, values, c, c, 1.0f, run->phi, c, kt, c, -1.0f,
                       run->phi_bar, c);
    moments_sums(run, d, kd);
    for (size_t i = 0; i < values; i += COLUMNS)
        *square -= run->square[i / COLUMNS];
done:
    free(d);
    free(kd);
    free(kt);
    return status;
}

fc_status fc__moments_run(fc_context *context, fc__fit_pass *pass, double *loss, float *gradient)
{
    fc_status status = FC_OK;
    shared_run run = {0};
    FC_TRY(shared_run_create(context, pass, 0, &run));
    FC_TRY(shared_basis(&run));
    FC_TRY(shared_normal(&run));
    FC_TRY(moments_gradient(&run, loss));
    *loss /= (double)run.number;
    FC_TRY(shared_finish(&run, 2.0 / (double)run.number, gradient));
done:
    shared_run_clear(&run);
    return status;
}
