/* Vector fields and their derivatives for CVODE. */
#include "cuda/device.cuh"
#include "cuda/fused_field.h"
#include "cuda/right_hand_side.h"
#include "cuda/swish.cuh"

#include <math.h>
#include <stdlib.h>

enum { THREADS = 256 };

/* Weights in one precision and the room to evaluate with them, all device. */
template <typename Real> struct Plain {
    Real *parameters;               /* (parameter_count) */
    Real *z, *dz;                   /* (most_rows, C); float only */
    Real *factors, *hidden;         /* (most_rows, 2R), (most_rows, H) */
    Real *factors_dot, *hidden_dot; /* the same, for the derivative */
};

struct fc__right_hand_side {
    fc__device *device;
    fc_field_config config;
    fc_field_layout at;
    size_t most_rows;
    fc__fused_field *fused; /* NULL: not in float, or the plain way */
    Plain<float> *in_float; /* NULL: in double, or fused */
    Plain<double> *in_double;
    int *infinite; /* pinned host memory: 0 but for what the last evaluation found */
};

/* ---------------------------------------------------------------- element by element */

/* rows (rows, codes) = bias in each */
template <typename Real>
static __global__ void start_kernel(size_t count, size_t codes, const Real *bias, Real *rows)
{
    size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (i < count)
        rows[i] = bias ? bias[i % codes] : (Real)0;
}

static __global__ void to_float_kernel(size_t count, const double *from, float *to)
{
    size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (i < count)
        to[i] = (float)from[i];
}

/* to = from, which may be the same memory */
template <typename Real>
static __global__ void finish_kernel(size_t count, const Real *from, double *to, int *infinite)
{
    size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count)
        return;
    double value = (double)from[i];
    if (!isfinite(value))
        *infinite = 1;
    to[i] = value;
}

/* (p + a) * (q + d) in place of p */
template <typename Real>
static __global__ void multiply_kernel(size_t count, size_t rank, const Real *shifts, Real *factors)
{
    size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count)
        return;
    size_t r = i % rank;
    Real *p = factors + i / rank * 2 * rank + r;
    p[0] = (p[0] + shifts[r]) * (p[rank] + shifts[rank + r]);
}

/* p_dot * (q + d) + (p + a) * q_dot in place of p_dot */
template <typename Real>
static __global__ void multiply_tangent_kernel(size_t count, size_t rank, const Real *shifts,
                                               const Real *factors, Real *factors_dot)
{
    size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count)
        return;
    size_t r = i % rank, at = i / rank * 2 * rank + r;
    Real p = factors[at] + shifts[r], q = factors[at + rank] + shifts[rank + r];
    factors_dot[at] = factors_dot[at] * q + p * factors_dot[at + rank];
}

/* swish(h + shift) in place of h */
template <typename Real>
static __global__ void swish_kernel(size_t count, size_t width, const Real *shift, Real *hidden)
{
    size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count)
        return;
    hidden[i] = fc__swish(hidden[i] + shift[i % width]);
}

/* swish'(h + shift) h_dot in place of h_dot */
template <typename Real>
static __global__ void swish_tangent_kernel(size_t count, size_t width, const Real *shift,
                                            const Real *hidden, Real *hidden_dot)
{
    size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count)
        return;
    hidden_dot[i] *= fc__swish_slope(hidden[i] + shift[i % width]);
}

/* A kernel with a thread for each of `count` things, which it gets as its first argument. */
template <typename... Expected, typename... Actual>
static fc_status each(fc_context *context, const fc__device *device, const char *name, size_t count,
                      void (*kernel)(size_t, Expected...), Actual... arguments)
{
    if (count == 0)
        return FC_OK;
    return fc__launch(context, device, name, kernel, fc__blocks(count, THREADS), THREADS, 0, count,
                      arguments...);
}

/* ---------------------------------------------------------------- products */

/* y (rows, n; ldy) = beta y + x (rows, k; ldx) weights^T, weights (n, k) */
static fc_status apply(fc_context *context, fc__device *device, size_t rows, size_t n, size_t k,
                       const float *x, size_t ldx, const float *weights, float beta, float *y,
                       size_t ldy)
{
    return fc__device_sgemm(context, device, true, false, true, rows, n, k, 1.0F, x, ldx, weights,
                            k, beta, y, ldy);
}

static fc_status apply(fc_context *context, fc__device *device, size_t rows, size_t n, size_t k,
                       const double *x, size_t ldx, const double *weights, double beta, double *y,
                       size_t ldy)
{
    return fc__device_dgemm(context, device, false, true, rows, n, k, 1.0, x, ldx, weights, k, beta,
                            y, ldy);
}

/* dz = f(z), the parts of which are products with the elementwise steps between them */
template <typename Real>
static fc_status eval(fc_context *context, const fc__right_hand_side *field,
                      const Plain<Real> *plain, size_t rows, const Real *z, Real *dz)
{
    fc__device *device = field->device;
    const fc_field_layout at = field->at;
    const Real *parameters = plain->parameters;
    size_t codes = field->config.codes, rank = field->config.rank, hidden = field->config.hidden;
    FC_RETURN_TRY(each(context, device, "start_kernel", rows * codes, start_kernel<Real>, codes,
                       parameters + at.bias, dz));
    if (field->config.linear)
        FC_RETURN_TRY(apply(context, device, rows, codes, codes, z, codes, parameters + at.a,
                            (Real)1, dz, codes));
    if (rank) {
        FC_RETURN_TRY(apply(context, device, rows, 2 * rank, codes, z, codes, parameters + at.v,
                            (Real)0, plain->factors, 2 * rank));
        FC_RETURN_TRY(each(context, device, "multiply_kernel", rows * rank, multiply_kernel<Real>,
                           rank, parameters + at.va, plain->factors));
        FC_RETURN_TRY(apply(context, device, rows, codes, rank, plain->factors, 2 * rank,
                            parameters + at.u, (Real)1, dz, codes));
    }
    if (hidden) {
        FC_RETURN_TRY(apply(context, device, rows, hidden, codes, z, codes, parameters + at.m1,
                            (Real)0, plain->hidden, hidden));
        FC_RETURN_TRY(each(context, device, "swish_kernel", rows * hidden, swish_kernel<Real>,
                           hidden, parameters + at.m1b, plain->hidden));
        FC_RETURN_TRY(apply(context, device, rows, codes, hidden, plain->hidden, hidden,
                            parameters + at.m2, (Real)1, dz, codes));
    }
    return FC_OK;
}

/* dz_dot = (df/dz) z_dot */
template <typename Real>
static fc_status jvp(fc_context *context, const fc__right_hand_side *field,
                     const Plain<Real> *plain, size_t rows, const Real *z, const Real *z_dot,
                     Real *dz_dot)
{
    fc__device *device = field->device;
    const fc_field_layout at = field->at;
    const Real *parameters = plain->parameters, *none = NULL;
    size_t codes = field->config.codes, rank = field->config.rank, hidden = field->config.hidden;
    FC_RETURN_TRY(each(context, device, "start_kernel", rows * codes, start_kernel<Real>, codes,
                       none, dz_dot));
    if (field->config.linear)
        FC_RETURN_TRY(apply(context, device, rows, codes, codes, z_dot, codes, parameters + at.a,
                            (Real)1, dz_dot, codes));
    if (rank) {
        FC_RETURN_TRY(apply(context, device, rows, 2 * rank, codes, z, codes, parameters + at.v,
                            (Real)0, plain->factors, 2 * rank));
        FC_RETURN_TRY(apply(context, device, rows, 2 * rank, codes, z_dot, codes, parameters + at.v,
                            (Real)0, plain->factors_dot, 2 * rank));
        FC_RETURN_TRY(each(context, device, "multiply_tangent_kernel", rows * rank,
                           multiply_tangent_kernel<Real>, rank, parameters + at.va, plain->factors,
                           plain->factors_dot));
        FC_RETURN_TRY(apply(context, device, rows, codes, rank, plain->factors_dot, 2 * rank,
                            parameters + at.u, (Real)1, dz_dot, codes));
    }
    if (hidden) {
        FC_RETURN_TRY(apply(context, device, rows, hidden, codes, z, codes, parameters + at.m1,
                            (Real)0, plain->hidden, hidden));
        FC_RETURN_TRY(apply(context, device, rows, hidden, codes, z_dot, codes, parameters + at.m1,
                            (Real)0, plain->hidden_dot, hidden));
        FC_RETURN_TRY(each(context, device, "swish_tangent_kernel", rows * hidden,
                           swish_tangent_kernel<Real>, hidden, parameters + at.m1b, plain->hidden,
                           plain->hidden_dot));
        FC_RETURN_TRY(apply(context, device, rows, codes, hidden, plain->hidden_dot, hidden,
                            parameters + at.m2, (Real)1, dz_dot, codes));
    }
    return FC_OK;
}

/* ---------------------------------------------------------------- life */

template <typename Real> static void plain_destroy(fc__device *device, Plain<Real> *plain)
{
    if (!plain)
        return;
    fc__device_free(device, plain->parameters);
    fc__device_free(device, plain->z);
    fc__device_free(device, plain->dz);
    fc__device_free(device, plain->factors);
    fc__device_free(device, plain->hidden);
    fc__device_free(device, plain->factors_dot);
    fc__device_free(device, plain->hidden_dot);
    free(plain);
}

template <typename Real>
static fc_status upload_weights(fc_context *context, fc__device *device, const fc_field *field,
                                Real *parameters)
{
    Real *copy = NULL;
    FC_RETURN_TRY(fc__reserve(context, field->parameter_count, sizeof *copy, &copy));
    for (size_t i = 0; i < field->parameter_count; i++)
        copy[i] = field->parameters[i];
    fc_status status =
        fc__device_upload(context, device, parameters, copy, field->parameter_count * sizeof *copy);
    free(copy);
    return status;
}

template <typename Real>
static fc_status plain_create(fc_context *context, const fc__right_hand_side *field,
                              const fc_field *weights, bool cast, bool derivative,
                              Plain<Real> **made)
{
    fc_status status = FC_OK;
    fc__device *device = field->device;
    size_t states = cast ? fc__product(field->most_rows, field->config.codes) : 0;
    size_t factors = fc__product(field->most_rows, 2 * field->config.rank);
    size_t hidden = fc__product(field->most_rows, field->config.hidden);
    const char *what = "the vector field";
    FC_NEW(context, made, 1);
    FC_DEVICE_NEW(context, device, what, &(*made)->parameters, weights->parameter_count);
    FC_TRY(upload_weights(context, device, weights, (*made)->parameters));
    FC_DEVICE_NEW(context, device, what, &(*made)->z, states);
    FC_DEVICE_NEW(context, device, what, &(*made)->dz, states);
    FC_DEVICE_NEW(context, device, what, &(*made)->factors, factors);
    FC_DEVICE_NEW(context, device, what, &(*made)->hidden, hidden);
    FC_DEVICE_NEW(context, device, what, &(*made)->factors_dot, derivative ? factors : 0);
    FC_DEVICE_NEW(context, device, what, &(*made)->hidden_dot, derivative ? hidden : 0);
done:
    return status;
}

fc_status fc__right_hand_side_create(fc_context *context, fc__device *device, const fc_field *field,
                                     size_t rows, bool in_float, bool derivative,
                                     fc__right_hand_side **made)
{
    const size_t enough = 4096; /* rows at a time to keep a device busy */
    fc_status status = FC_OK;
    fc__right_hand_side *f = NULL;
    *made = NULL;
    FC_NEW(context, &f, 1);
    f->device = device;
    f->config = field->config;
    f->at = fc_field_layout_of(&field->config);
    f->most_rows = rows < enough ? rows : enough;
    FC_TRY(fc__device_pin(context, device, "a flag", 1, sizeof *f->infinite, &f->infinite));
    *f->infinite = 0;
    if (in_float)
        FC_TRY(fc__fused_field_create(context, device, field, &f->fused));
    if (in_float && !f->fused)
        FC_TRY(plain_create(context, f, field, true, false, &f->in_float));
    if (!in_float || derivative)
        FC_TRY(plain_create(context, f, field, false, derivative, &f->in_double));
    *made = f;
    f = NULL;
done:
    fc__right_hand_side_destroy(f);
    return status;
}

void fc__right_hand_side_destroy(fc__right_hand_side *field)
{
    if (!field)
        return;
    fc__fused_field_destroy(field->fused);
    plain_destroy(field->device, field->in_float);
    plain_destroy(field->device, field->in_double);
    fc__device_unpin(field->infinite);
    free(field);
}

/* ---------------------------------------------------------------- for CVODE */

/* Waits for an evaluation; a flag that was raised is lowered for the next one. */
static fc_status conclude(fc_context *context, const fc__right_hand_side *field, bool *finite)
{
    FC_RETURN_TRY(fc__device_wait(context, field->device));
    *finite = *field->infinite == 0;
    *field->infinite = 0;
    return FC_OK;
}

static fc_status eval_in_float(fc_context *context, const fc__right_hand_side *field, size_t rows,
                               const double *z, double *dz)
{
    const Plain<float> *plain = field->in_float;
    size_t count = rows * field->config.codes;
    FC_RETURN_TRY(
        each(context, field->device, "to_float_kernel", count, to_float_kernel, z, plain->z));
    FC_RETURN_TRY(eval<float>(context, field, plain, rows, plain->z, plain->dz));
    return each(context, field->device, "finish_kernel", count, finish_kernel<float>, plain->dz, dz,
                field->infinite);
}

static fc_status eval_in_double(fc_context *context, const fc__right_hand_side *field, size_t rows,
                                const double *z, double *dz)
{
    FC_RETURN_TRY(eval<double>(context, field, field->in_double, rows, z, dz));
    return each(context, field->device, "finish_kernel", rows * field->config.codes,
                finish_kernel<double>, dz, dz, field->infinite);
}

fc_status fc__right_hand_side_eval(fc_context *context, fc__right_hand_side *field, size_t rows,
                                   const double *z, double *dz, bool *finite)
{
    if (field->fused) {
        FC_RETURN_TRY(fc__fused_field_eval(context, field->fused, rows, z, dz, field->infinite));
        return conclude(context, field, finite);
    }
    for (size_t row = 0; row < rows; row += field->most_rows) {
        size_t some = rows - row < field->most_rows ? rows - row : field->most_rows;
        size_t at = row * field->config.codes;
        FC_RETURN_TRY((field->in_float ? eval_in_float : eval_in_double)(context, field, some,
                                                                         z + at, dz + at));
    }
    return conclude(context, field, finite);
}

fc_status fc__right_hand_side_jvp(fc_context *context, fc__right_hand_side *field, size_t rows,
                                  const double *z, const double *z_dot, double *dz_dot,
                                  bool *finite)
{
    for (size_t row = 0; row < rows; row += field->most_rows) {
        size_t some = rows - row < field->most_rows ? rows - row : field->most_rows;
        size_t at = row * field->config.codes;
        double *out = dz_dot + at;
        FC_RETURN_TRY(jvp<double>(context, field, field->in_double, some, z + at, z_dot + at, out));
        FC_RETURN_TRY(each(context, field->device, "finish_kernel", some * field->config.codes,
                           finish_kernel<double>, out, out, field->infinite));
    }
    return conclude(context, field, finite);
}
