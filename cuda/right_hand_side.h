/* right_hand_side.h: vector fields with trained weights and their derivatives on a device, for
 * CVODE: states and rates are double, the field is evaluated in float or in double.
 *
 * In float it is one kernel where the tensor cores are used (cuda/fused_field.h), else as in
 * double: products by cuBLAS with the elementwise steps between them. All pointers are device. */
#ifndef FC_CUDA_RIGHT_HAND_SIDE_H
#define FC_CUDA_RIGHT_HAND_SIDE_H

#include "cuda/device.h"
#include "ode/ode.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fc__right_hand_side fc__right_hand_side;

/* For up to `rows` rows at a time: dz = f(z) in float or in double, and with `jvp` its derivative
 * in double. The field must outlive it. */
fc_status fc__right_hand_side_create(fc_context *context, fc__device *device, const fc_field *field,
                                     size_t rows, bool in_float, bool jvp,
                                     fc__right_hand_side **made);
void fc__right_hand_side_destroy(fc__right_hand_side *field);

/* dz (rows, C) = f(z); *finite: whether all of it is. Waits. */
fc_status fc__right_hand_side_eval(fc_context *context, fc__right_hand_side *field, size_t rows,
                                   const double *z, double *dz, bool *finite);
/* dz_dot (rows, C) = (df/dz) z_dot at z */
fc_status fc__right_hand_side_jvp(fc_context *context, fc__right_hand_side *field, size_t rows,
                                  const double *z, const double *z_dot, double *dz_dot,
                                  bool *finite);

#ifdef __cplusplus
}
#endif
#endif
