/* field.h: the parts of a vector-field evaluation that a Runge-Kutta rollout stores and reuses.
 *
 * With rows = samples of any number of evaluations, an evaluation leaves on its tape
 *
 *   tape (rows, 2R + hidden):         p = V z + a, q = W z + d, h = M1 z + m1
 *
 * and the backward pass turns dz_bar and the tape into
 *
 *   adjoint (rows, 3R + 2 hidden):    p_bar, q_bar, h_bar, s = p * q, g = swish(h)
 *
 * from which the weight gradients of all rows follow at once: products with a long inner dimension,
 * which run at full speed where products of one small batch would not. */
#ifndef FC_ODE_FIELD_H
#define FC_ODE_FIELD_H

#include "ode/ode.h"

size_t fc__field_tape_width(const fc_field_config *config);
size_t fc__field_adjoint_width(const fc_field_config *config);

#define FC__DECLARE_FIELD(REAL, SUFFIX)                                                            \
    /* dz = f(z); scratch: (batch, R + hidden) */                                                  \
    void fc__field_forward##SUFFIX(const fc_field_config *config, const REAL *parameters,          \
                                   size_t batch, const REAL *z, REAL *dz, REAL *tape,              \
                                   REAL *scratch);                                                 \
    /* Writes the adjoint record of a batch and, unless NULL, z_bar = beta z_bar + J^T dz_bar. */  \
    void fc__field_backward##SUFFIX(const fc_field_config *config, const REAL *parameters,         \
                                    size_t batch, const REAL *dz_bar, const REAL *tape, REAL beta, \
                                    REAL *z_bar, REAL *adjoint);                                   \
    /* Adds the gradients of the weights over all rows. */                                         \
    void fc__field_gradient##SUFFIX(const fc_field_config *config, size_t rows, const REAL *z,     \
                                    const REAL *dz_bar, const REAL *adjoint, REAL *parameter_bar);

FC__DECLARE_FIELD(float, )
FC__DECLARE_FIELD(double, _double)

#endif
