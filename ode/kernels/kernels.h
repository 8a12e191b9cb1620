/* kernels.h: evaluation and derivatives of the vector field, one table of functions per level of
 * instructions (inr/level.h). Every function does one thread's share on memory its caller owns. */
#ifndef FC_ODE_KERNELS_KERNELS_H
#define FC_ODE_KERNELS_KERNELS_H

#include "inr/level.h"
#include "ode/field.h"

#define FC__FIELD_KERNELS(REAL, SUFFIX)                                                            \
    void (*forward##SUFFIX)(const fc_field_config *config,                                         \
                            const fc__field_weights##SUFFIX *weights, size_t rows, const REAL *z,  \
                            REAL *dz, REAL *tape, REAL *scratch);                                  \
    /* the tape of the forward pass alone */                                                       \
    void (*factors##SUFFIX)(const fc_field_config *config,                                         \
                            const fc__field_weights##SUFFIX *weights, size_t rows, const REAL *z,  \
                            REAL *tape);                                                           \
    void (*backward##SUFFIX)(                                                                      \
        const fc_field_config *config, const fc__field_weights##SUFFIX *weights, size_t rows,      \
        const REAL *dz_bar, const REAL *tape, REAL beta, REAL *z_bar, REAL *adjoint);              \
    void (*gradient##SUFFIX)(const fc_field_config *config, size_t rows, const REAL *z,            \
                             const REAL *dz_bar, const REAL *adjoint, size_t part, size_t parts,   \
                             REAL *parameter_bar);                                                 \
    void (*tangent##SUFFIX)(const fc_field_config *config, const REAL *parameters, size_t batch,   \
                            const REAL *z, const REAL *z_dot, REAL *dz_dot, REAL *work);

typedef struct fc__field_kernels {
    /* As declared in ode/field.h */
    void (*pack)(const fc_field_config *config, const float *parameters, fc__pack_for purpose,
                 size_t part, size_t parts, float *panels);
    void (*slice)(const fc_field_config *config, const fc__field_weights *weights, size_t rows,
                  const float *z, size_t slice, float *sum, float *scratch);
    FC__FIELD_KERNELS(float, )
    FC__FIELD_KERNELS(double, _double)
    /* As described in ode/kernels/vectors.h */
    void (*linear_sum)(size_t count, double a, const double *x, double b, const double *y,
                       double *z);
    void (*scale_add)(size_t count, size_t number, const double *a, const double *x,
                      const double *const *y, double *const *z);
    void (*combine)(size_t count, size_t number, const double *a, const double *const *x,
                    double *z);
    bool (*weigh)(size_t count, double relative, double absolute, const double *z, double *w);
    double (*weighted_square)(size_t count, const double *x, const double *w);
} fc__field_kernels;

/* The table of the chosen level. */
const fc__field_kernels *fc__field_kernels_chosen(void);

#endif
