/* runge_kutta.h: rollouts divided by rows of their batch, for several threads on one plan. */
#ifndef FC_ODE_RUNGE_KUTTA_H
#define FC_ODE_RUNGE_KUTTA_H

#include "ode/field.h"

/* Rows [begin, end) of the batch; arrays are those of the whole batch all the same. */
typedef struct fc__rows {
    size_t begin, end;
} fc__rows;

/* alpha[i] multiplies h k_{i-1} in stage i; alpha[0] = alpha[stages] = 0. beta: weights. */
typedef struct fc__tableau {
    size_t stages;
    double alpha[5], beta[4];
} fc__tableau;

const fc__tableau *fc__rk_tableau(fc_rk_scheme scheme);
size_t fc__rk_evaluations(const fc_rk_plan *plan); /* of the field, in the whole rollout */

/* Elements of work without the panels of the weights, which fc_rk_work_size includes. */
size_t fc__rk_work_size(const fc_rk_plan *plan);

#define FC__DECLARE_RK(REAL, SUFFIX)                                                               \
    void fc__rk_forward##SUFFIX(const fc_rk_plan *plan, const fc__field_weights##SUFFIX *weights,  \
                                fc__rows rows, const REAL *dt, const REAL *z0, REAL *z,            \
                                REAL *tape, REAL *work);                                           \
    /* Backward through one interval, the last one first, for rows that keep their adjoint in      \
     * `work` in between. `complete`: as far as the adjoint of z0, which only interval 0 may leave \
     * out. */                                                                                     \
    void fc__rk_backward##SUFFIX(const fc_rk_plan *plan, const fc__field_weights##SUFFIX *weights, \
                                 fc__rows rows, size_t interval, bool complete, const REAL *dt,    \
                                 const REAL *tape, const REAL *z_bar, REAL *work);                 \
    /* Adds the interval's gradients to part `part` of `parts` of the weights, once                \
     * fc__rk_backward has passed it in all rows and before the next interval. */                  \
    void fc__rk_gradient##SUFFIX(const fc_rk_plan *plan, size_t interval, const REAL *tape,        \
                                 const REAL *work, size_t part, size_t parts,                      \
                                 REAL *parameter_bar);

FC__DECLARE_RK(float, )
FC__DECLARE_RK(double, _double)

#endif
