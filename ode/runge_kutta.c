#include "ode/runge_kutta.h"
#include "inr/support.h"

#include <string.h>

const fc__tableau *fc__rk_tableau(fc_rk_scheme scheme)
{
    static const fc__tableau midpoint = {2, {0, 1.0 / 2, 0}, {0, 1}};
    static const fc__tableau rk4 = {
        4, {0, 1.0 / 2, 1.0 / 2, 1, 0}, {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6}};
    return scheme == FC_RK_MIDPOINT ? &midpoint : &rk4;
}

size_t fc__rk_evaluations(const fc_rk_plan *plan)
{
    return fc__product(plan->intervals,
                       fc__product(plan->substeps, fc__rk_tableau(plan->scheme)->stages));
}

size_t fc_rk_tape_size(const fc_rk_plan *plan)
{
    return fc__product(
        fc__rk_evaluations(plan),
        fc__product(plan->batch, plan->field.codes + fc__field_tape_width(&plan->field)));
}

/* Forward: state, its start, k, stage input, tape and scratch of one evaluation. Backward: lambda,
 * its sum, y_bar, and k_bar and the field's adjoint for every evaluation of an interval. */
size_t fc__rk_work_size(const fc_rk_plan *plan)
{
    const fc_field_config *field = &plan->field;
    size_t forward = 4 * field->codes + fc__field_tape_width(field) + field->rank + field->hidden;
    size_t stages = fc__rk_tableau(plan->scheme)->stages;
    size_t backward = fc__product(fc__product(plan->substeps, stages),
                                  field->codes + fc__field_adjoint_width(field));
    backward = backward < SIZE_MAX - 3 * field->codes ? backward + 3 * field->codes : SIZE_MAX;
    return fc__product(plan->batch, forward > backward ? forward : backward);
}

/* Panels start on a cache line. */
enum { LINE = 64 / sizeof(float) };

size_t fc_rk_work_size(const fc_rk_plan *plan)
{
    size_t size = fc__rk_work_size(plan);
    size_t forward = fc__field_panels_size(&plan->field, FC__PACK_FORWARD);
    size_t backward = fc__field_panels_size(&plan->field, FC__PACK_BACKWARD);
    size_t panels = LINE + (forward > backward ? forward : backward);
    return size < SIZE_MAX - panels ? size + panels : SIZE_MAX;
}

#define REAL float
#define TYPED(name) name
#include "ode/runge_kutta_kernel.h"
#undef REAL
#undef TYPED

#define REAL double
#define TYPED(name) name##_double
#include "ode/runge_kutta_kernel.h"

/* The weights of a plan, packed behind its work. */
static fc__field_weights pack(const fc_rk_plan *plan, fc__pack_for purpose, const float *parameters,
                              float *work)
{
    float *panels = work + fc__rk_work_size(plan);
    panels += (LINE - (uintptr_t)panels / sizeof *panels % LINE) % LINE;
    fc__field_pack(&plan->field, parameters, purpose, 0, 1, panels);
    return purpose == FC__PACK_FORWARD
               ? (fc__field_weights){.parameters = parameters, .forward = panels}
               : (fc__field_weights){.parameters = parameters, .backward = panels};
}

void fc_rk_forward(const fc_rk_plan *plan, const float *parameters, const float *dt,
                   const float *z0, float *z, float *tape, float *work)
{
    fc__field_weights weights = pack(plan, FC__PACK_FORWARD, parameters, work);
    fc__rk_forward(plan, &weights, (fc__rows){0, plan->batch}, dt, z0, z, tape, work);
}

void fc_rk_forward_double(const fc_rk_plan *plan, const double *parameters, const double *dt,
                          const double *z0, double *z, double *tape, double *work)
{
    fc__field_weights_double weights = {.parameters = parameters};
    fc__rk_forward_double(plan, &weights, (fc__rows){0, plan->batch}, dt, z0, z, tape, work);
}

void fc_rk_backward(const fc_rk_plan *plan, const float *parameters, const float *dt,
                    const float *tape, const float *z_bar, float *z0_bar, float *parameter_bar,
                    float *work)
{
    fc__field_weights weights = pack(plan, FC__PACK_BACKWARD, parameters, work);
    backward(plan, &weights, dt, tape, z_bar, z0_bar, parameter_bar, work);
}

void fc_rk_backward_double(const fc_rk_plan *plan, const double *parameters, const double *dt,
                           const double *tape, const double *z_bar, double *z0_bar,
                           double *parameter_bar, double *work)
{
    fc__field_weights_double weights = {.parameters = parameters};
    backward_double(plan, &weights, dt, tape, z_bar, z0_bar, parameter_bar, work);
}
