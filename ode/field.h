/* field.h: the parts of a vector-field evaluation that Runge-Kutta rollouts and CVODE put together.
 *
 * With rows = samples of any number of evaluations, an evaluation leaves on its tape
 *
 *   tape (rows, 2R + hidden):         p = V z + a, q = W z + d, h = M1 z + m1
 *
 * and the backward pass turns dz_bar and the tape into
 *
 *   adjoint (rows, 3R + 2 hidden):    p_bar, q_bar, h_bar, s = p * q, g = swish(h)
 *
 * from which the weight gradients of all rows follow at once: products with a long inner dimension.
 *
 * Every row of a forward or backward pass, and every entry of a gradient, is summed in an order
 * that does not depend on which other rows or entries the call covers, so that work may be divided
 * among any number of threads and gives the same bits. */
#ifndef FC_ODE_FIELD_H
#define FC_ODE_FIELD_H

#include "ode/ode.h"

size_t fc__field_tape_width(const fc_field_config *config);
size_t fc__field_adjoint_width(const fc_field_config *config);

/* Weights rearranged into panels that products read from beginning to end (float only), made once
 * for many evaluations. */
typedef enum fc__pack_for { FC__PACK_FORWARD, FC__PACK_BACKWARD } fc__pack_for;
size_t fc__field_panels_size(const fc_field_config *config, fc__pack_for purpose); /* floats */
/* Packs part `part` of `parts`; panels: 64-byte aligned. */
void fc__field_pack(const fc_field_config *config, const float *parameters, fc__pack_for purpose,
                    size_t part, size_t parts, float *panels);

typedef struct fc__field_weights {
    const float *parameters;
    const float *forward, *backward; /* panels; NULL = the parameters themselves serve */
} fc__field_weights;
typedef struct fc__field_weights_double {
    const double *parameters;
} fc__field_weights_double;

#define FC__DECLARE_FIELD(REAL, SUFFIX)                                                            \
    /* dz = f(z); scratch: (rows, R + hidden) */                                                   \
    void fc__field_forward##SUFFIX(const fc_field_config *config,                                  \
                                   const fc__field_weights##SUFFIX *weights, size_t rows,          \
                                   const REAL *z, REAL *dz, REAL *tape, REAL *scratch);            \
    /* Writes the adjoint record and, unless NULL, z_bar = beta z_bar + J^T dz_bar, beta 0 or 1.   \
     */                                                                                            \
    void fc__field_backward##SUFFIX(                                                               \
        const fc_field_config *config, const fc__field_weights##SUFFIX *weights, size_t rows,      \
        const REAL *dz_bar, const REAL *tape, REAL beta, REAL *z_bar, REAL *adjoint);              \
    /* Adds the gradients over all rows to part `part` of `parts` of the weights. */               \
    void fc__field_gradient##SUFFIX(const fc_field_config *config, size_t rows, const REAL *z,     \
                                    const REAL *dz_bar, const REAL *adjoint, size_t part,          \
                                    size_t parts, REAL *parameter_bar);

FC__DECLARE_FIELD(float, )
FC__DECLARE_FIELD(double, _double)

enum { FC__FIELD_SLICE = 64 }; /* factors or hidden units; whole panels at every level */
/* dz is the sum of slices: slice 0 is the linear part, each other one a block of factors or hidden
 * units, whose weights are read once. For few rows, whose evaluation is the reading of weights. */
size_t fc__field_slices(const fc_field_config *config);
size_t fc__field_slice_scratch(size_t rows); /* floats */
/* sum (rows, C) = the share of one slice in dz; weights->forward is needed */
void fc__field_slice(const fc_field_config *config, const fc__field_weights *weights, size_t rows,
                     const float *z, size_t slice, float *sum, float *scratch);

#endif
