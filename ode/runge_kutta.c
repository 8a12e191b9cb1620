#include "inr/support.h"
#include "ode/field.h"

#include <string.h>

/* alpha[i] multiplies h k_{i-1} in stage i; alpha[0] = alpha[stages] = 0. beta: weights. */
typedef struct tableau {
    size_t stages;
    double alpha[5], beta[4];
} tableau;

static const tableau *tableau_of(fc_rk_scheme scheme)
{
    static const tableau midpoint = {2, {0, 1.0 / 2, 0}, {0, 1}};
    static const tableau rk4 = {
        4, {0, 1.0 / 2, 1.0 / 2, 1, 0}, {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6}};
    return scheme == FC_RK_MIDPOINT ? &midpoint : &rk4;
}

/* field evaluations of the whole rollout */
static size_t evaluations(const fc_rk_plan *plan)
{
    return fc__product(plan->intervals,
                       fc__product(plan->substeps, tableau_of(plan->scheme)->stages));
}

size_t fc_rk_tape_size(const fc_rk_plan *plan)
{
    return fc__product(
        evaluations(plan),
        fc__product(plan->batch, plan->field.codes + fc__field_tape_width(&plan->field)));
}

/* Forward: state, its start, k, stage input, tape and scratch of one evaluation. Backward: lambda,
 * its sum, y_bar, and k_bar and the field's adjoint for every evaluation of an interval. */
size_t fc_rk_work_size(const fc_rk_plan *plan)
{
    const fc_field_config *field = &plan->field;
    size_t forward = 4 * field->codes + fc__field_tape_width(field) + field->rank + field->hidden;
    size_t stages = tableau_of(plan->scheme)->stages;
    size_t backward = fc__product(fc__product(plan->substeps, stages),
                                  field->codes + fc__field_adjoint_width(field));
    backward = backward < SIZE_MAX - 3 * field->codes ? backward + 3 * field->codes : SIZE_MAX;
    return fc__product(plan->batch, forward > backward ? forward : backward);
}

#define REAL float
#define TYPED(name) name
#include "ode/runge_kutta_kernel.h"
#undef REAL
#undef TYPED

#define REAL double
#define TYPED(name) name##_double
#include "ode/runge_kutta_kernel.h"
