/* Codes of training frames by least squares. */
#include "cuda/cholesky.h"
#include "cuda/codes.h"
#include "cuda/device.cuh"
#include "cuda/normal.h"

#include <stdlib.h>

enum { THREADS = 256, WARP = 32 };

struct fc__cuda_codes {
    fc__device *device;
    size_t codes, frames, columns; /* at a time */
    fc__cuda_cholesky *cholesky;
    fc__cuda_span *span;        /* (frames) */
    double *rhs;                /* (columns, C) */
    unsigned long long *failed; /* (2): fc__cuda_cholesky_note */
};

/* ---------------------------------------------------------------- life */

static fc_status set_up(fc_context *context, fc__cuda_codes *s)
{
    fc__device *device = s->device;
    FC_RETURN_TRY(
        fc__cuda_cholesky_create(context, device, s->codes, s->frames, s->columns, &s->cholesky));
    FC_RETURN_TRY(fc__device_allocate(context, device, "places of frames", s->frames,
                                      sizeof *s->span, &s->span));
    FC_RETURN_TRY(fc__device_allocate(context, device, "right sides of codes",
                                      fc__product(s->columns, s->codes), sizeof *s->rhs, &s->rhs));
    FC_RETURN_TRY(fc__device_allocate(context, device, "failures of codes", 2, sizeof *s->failed,
                                      &s->failed));
    return fc__device_zero(context, device, s->failed, 2 * sizeof *s->failed);
}

fc_status fc__cuda_codes_create(fc_context *context, fc__device *device, size_t frames,
                                size_t codes, fc__cuda_codes **solver)
{
    const size_t share = 4;           /* of the room that matrices may take */
    const size_t most_columns = 8192; /* right sides solved for at a time */
    fc__cuda_codes *made = NULL;
    *solver = NULL;
    FC_RETURN_TRY(fc__allocate(context, 1, sizeof *made, &made));
    size_t fit =
        fc__device_room(device) / share / fc__product(fc__product(codes, codes), sizeof(double));
    size_t enough = fc__cuda_slices_enough(codes) + 1; /* for frames observed at the same values */
    frames = frames < enough ? enough : frames;
    made->device = device;
    made->codes = codes;
    made->frames = frames < fit ? frames : fit;
    made->frames = made->frames < 2 ? 2 : made->frames;
    made->columns = made->frames < most_columns ? most_columns : made->frames;
    fc_status status = set_up(context, made);
    if (status == FC_OK)
        *solver = made;
    else
        fc__cuda_codes_destroy(made);
    return status;
}

void fc__cuda_codes_destroy(fc__cuda_codes *s)
{
    if (!s)
        return;
    fc__cuda_cholesky_destroy(s->cholesky);
    fc__device_free(s->device, s->span);
    fc__device_free(s->device, s->rhs);
    fc__device_free(s->device, s->failed);
    free(s);
}

/* ---------------------------------------------------------------- steps */

__global__ void spans_kernel(size_t frames, size_t channels, const size_t *first,
                             fc__cuda_span *span)
{
    size_t f = blockIdx.x * size_t{THREADS} + threadIdx.x;
    if (f < frames)
        span[f] = {first[f], first[f + 1] - first[f], first[f] * channels};
}

/* A warp has a matrix (n, n): `ridge` times the mean diagonal is added to the diagonal, or 1 to a
 * matrix of zeros, whose right side is zero as well. */
__global__ void ridge_kernel(size_t count, size_t n, double ridge, double *matrices)
{
    size_t i = (blockIdx.x * size_t{THREADS} + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
    if (i >= count)
        return;
    double *matrix = matrices + i * n * n, trace = 0.0;
    for (size_t d = lane; d < n; d += WARP)
        trace += matrix[d * n + d];
    for (int step = WARP / 2; step > 0; step /= 2)
        trace += __shfl_xor_sync(0xffffffffu, trace, step);
    double added = trace == 0.0 ? 1.0 : ridge * trace / static_cast<double>(n);
    for (size_t d = lane; d < n; d += WARP)
        matrix[d * n + d] += added;
}

static fc_status regularise(fc_context *context, const fc__cuda_codes *s, size_t count,
                            double ridge)
{
    return fc__launch(context, s->device, "ridges", ridge_kernel,
                      dim3(fc__blocks(count, THREADS / WARP)), dim3(THREADS), 0, count, s->codes,
                      ridge, fc__cuda_cholesky_matrices(s->cholesky));
}

__global__ void narrow_kernel(size_t size, const double *from, float *to)
{
    size_t i = blockIdx.x * size_t{THREADS} + threadIdx.x;
    if (i < size)
        to[i] = static_cast<float>(from[i]);
}

static fc_status narrow(fc_context *context, const fc__cuda_codes *s, size_t size, float *to)
{
    return fc__launch(context, s->device, "codes", narrow_kernel, dim3(fc__blocks(size, THREADS)),
                      dim3(THREADS), 0, size, s->rhs, to);
}

/* ---------------------------------------------------------------- frames with their own points */

/* Frames [first, first + count), which there is room for; z is theirs. */
static fc_status solve_some(fc_context *context, fc__cuda_codes *s, const fc__cuda_sets *sets,
                            size_t first, size_t count, double ridge, float *z)
{
    double *matrices = fc__cuda_cholesky_matrices(s->cholesky);
    FC_RETURN_TRY(
        fc__cuda_normal(context, s->device, sets, count, NULL, FC__ALL_CHANNELS, matrices));
    FC_RETURN_TRY(fc__cuda_project(context, s->device, sets, count, s->rhs));
    FC_RETURN_TRY(regularise(context, s, count, ridge));
    FC_RETURN_TRY(fc__cuda_cholesky_factor(context, s->cholesky, count));
    FC_RETURN_TRY(fc__cuda_cholesky_note(context, s->cholesky, first, s->failed));
    FC_RETURN_TRY(fc__cuda_cholesky_solve(context, s->cholesky, count, NULL, s->rhs));
    return narrow(context, s, count * s->codes, z);
}

fc_status fc__cuda_codes_solve(fc_context *context, fc__cuda_codes *s, size_t frames,
                               size_t channels, const size_t *first, const float *phi0,
                               const float *phi, const float *y, double ridge, float *z)
{
    fc__cuda_sets sets = {};
    sets.channels = channels;
    sets.codes = s->codes;
    sets.span = s->span;
    sets.phi0 = phi0;
    sets.phi = phi;
    sets.y = y;
    for (size_t begin = 0; begin < frames; begin += s->frames) {
        size_t count = frames - begin < s->frames ? frames - begin : s->frames;
        FC_RETURN_TRY(fc__launch(context, s->device, "places of frames", spans_kernel,
                                 dim3(fc__blocks(count, THREADS)), dim3(THREADS), 0, count,
                                 channels, first + begin, s->span));
        FC_RETURN_TRY(solve_some(context, s, &sets, begin, count, ridge, z + begin * s->codes));
    }
    return FC_OK;
}

/* ---------------------------------------------------------------- frames that share their points
 */

/* Matrix 0 is the sum of the slices' matrices, which stand behind it. */
fc_status fc__cuda_codes_factor(fc_context *context, fc__cuda_codes *s, size_t values,
                                const float *phi, double ridge)
{
    size_t slices = 0, square = s->codes * s->codes;
    double *matrices = fc__cuda_cholesky_matrices(s->cholesky), *parts = matrices + square;
    fc__cuda_sets sets = {};
    sets.channels = 1;
    sets.codes = s->codes;
    sets.span = s->span;
    sets.phi = phi;
    FC_RETURN_TRY(fc__cuda_slices(context, s->device, s->frames - 1, 1, values, s->span, &slices));
    FC_RETURN_TRY(
        fc__cuda_normal(context, s->device, &sets, slices, NULL, FC__ALL_CHANNELS, parts));
    FC_RETURN_TRY(fc__device_zero(context, s->device, matrices, square * sizeof *matrices));
    FC_RETURN_TRY(fc__cuda_sum(context, s->device, slices, square, parts, matrices));
    FC_RETURN_TRY(regularise(context, s, 1, ridge));
    FC_RETURN_TRY(fc__cuda_cholesky_factor(context, s->cholesky, 1));
    return fc__cuda_cholesky_note(context, s->cholesky, 0, s->failed);
}

fc_status fc__cuda_codes_apply(fc_context *context, fc__cuda_codes *s, size_t count,
                               const float *rhs, float *x)
{
    for (size_t begin = 0; begin < count; begin += s->columns) {
        size_t part = count - begin < s->columns ? count - begin : s->columns;
        size_t start = begin * s->codes, size = part * s->codes;
        FC_RETURN_TRY(fc__cuda_widen(context, s->device, size, rhs + start, s->rhs));
        FC_RETURN_TRY(fc__cuda_cholesky_solve_first(context, s->cholesky, part, s->rhs));
        FC_RETURN_TRY(narrow(context, s, size, x + start));
    }
    return FC_OK;
}

fc_status fc__cuda_codes_check(fc_context *context, fc__cuda_codes *s)
{
    unsigned long long failed[2];
    FC_RETURN_TRY(fc__device_download(context, s->device, failed, s->failed, sizeof failed));
    if (failed[0] == 0)
        return FC_OK;
    FC_RETURN_TRY(fc__device_zero(context, s->device, s->failed, sizeof failed));
    return fc__fail(context, FC_ERROR_SOLVER,
                    "codes of the training frames: the matrix (%zu, %zu) of frame %llu is not "
                    "positive definite at row %llu",
                    s->codes, s->codes, failed[0] - 1, failed[1]);
}
