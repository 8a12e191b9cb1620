/* field.h: the vector field of latent dynamics (ode/field.h) on the device, as two products:
 *
 *   [p; q; h] = E [1; z]          E = [a V; d W; m1 M1]    (2R + H, 1 + C)
 *   f(z) = D [s; g; 1; z]         D = [U M2 bias A]        (C, R + H + 1 + C)
 *   s = p * q,  g = swish(h)
 *
 * so that both weights with all their biases cost one product each, forward, back and for the
 * gradient. C, R, H and the 1 are rounded up to four floats, the unit of aligned access; what is
 * added is zero in weights and states and, as the gradient of it vanishes, stays so.
 *
 * With rows = samples of any number of evaluations, an evaluation leaves
 *
 *   record (rows, width) = [s, g, 1, z]       tape (rows, inner) = [p, q, h]
 *
 * and the backward pass replaces the tape by its adjoint [p_bar, q_bar, h_bar]. */
#ifndef FC_CUDA_FIELD_H
#define FC_CUDA_FIELD_H

#include "cuda/device.h"
#include "ode/ode.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FC__CUDA_UNIT = 4 }; /* floats; also the columns of the 1 and what follows it */

typedef struct fc__cuda_field {
    size_t codes, rank, hidden; /* rounded up */
    bool linear;
    size_t products; /* R + H, where [1, z] begins in a record */
    size_t affine;   /* columns of [1, z] and of E */
    size_t inner;    /* rows of E: 2R + H */
    size_t outer;    /* columns of D: `width`, or without A up to z */
    size_t width;    /* columns of a record */
    size_t d, count; /* where D begins, E being at 0; floats of both */
} fc__cuda_field;

/* FC_ERROR_USAGE where a size would not fit cuBLAS. */
fc_status fc__cuda_field_of(fc_context *context, const fc_field_config *config,
                            fc__cuda_field *field);

/* Weights as ode.h lays them out to and from [E, D] (count); host. */
void fc__cuda_field_place(const fc_field_config *config, const float *parameters, float *weights);
void fc__cuda_field_collect(const fc_field_config *config, const float *weights, float *parameters);

/* The 1 of every record (rows, width) device, once for all evaluations. */
fc_status fc__cuda_field_prepare(fc_context *context, fc__device *device,
                                 const fc__cuda_field *field, size_t rows, float *record);

/* dz (rows, C) = f(z) for z in the record, of which s and g are written; all device. */
fc_status fc__cuda_field_forward(fc_context *context, fc__device *device,
                                 const fc__cuda_field *field, const float *weights, size_t rows,
                                 float *record, float *tape, float *dz);

/* Given dz_bar (rows, C): the tape's adjoint in its place and, where `wanted`, z_bar = J^T dz_bar
 * in the last C columns of pulled (rows, width), whose other columns are scratch. */
fc_status fc__cuda_field_backward(fc_context *context, fc__device *device,
                                  const fc__cuda_field *field, const float *weights, size_t rows,
                                  const float *dz_bar, float *tape, bool wanted, float *pulled);

/* gradient (count) over all rows */
fc_status fc__cuda_field_gradient(fc_context *context, fc__device *device,
                                  const fc__cuda_field *field, size_t rows, const float *record,
                                  const float *tape_bar, const float *dz_bar, float *gradient);

/* ---------------------------------------------------------------- kernels, for field.c */

/* s and g of the record */
fc_status fc__cuda_field_activate(fc_context *context, fc__device *device,
                                  const fc__cuda_field *field, size_t rows, const float *tape,
                                  float *record);
/* Given s_bar and g_bar in `pulled`: p_bar = s_bar q, q_bar = s_bar p, h_bar = g_bar swish'(h) in
 * place of p, q and h. */
fc_status fc__cuda_field_activate_backward(fc_context *context, fc__device *device,
                                           const fc__cuda_field *field, size_t rows,
                                           const float *pulled, float *tape);

#ifdef __cplusplus
}
#endif
#endif
