#include "ode/space.h"
#include "inr/support.h"
#include "ode/equation.h"
#include "ode/kernels/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- weights */

bool fc__integrates_in_float(const fc_integrator_config *config)
{
    const double finest = 1e-6; /* relative tolerance that float answers to */
    return config->rtol >= finest;
}

fc_status fc__processor_weights_create(fc_context *context, const fc_field *field,
                                       const fc_integrator_config *config,
                                       fc__processor_weights *weights)
{
    fc_status status = FC_OK;
    bool in_float = fc__integrates_in_float(config);
    *weights = (fc__processor_weights){.field = field};
    if (field->galerkin)
        return FC_OK;
    if (!in_float || config->method == FC_ODE_BDF) {
        FC_NEW(context, &weights->parameters, field->parameter_count);
        for (size_t i = 0; i < field->parameter_count; i++)
            weights->parameters[i] = (double)field->parameters[i];
    }
    if (in_float) {
        FC_NEW(context, &weights->panels, fc__field_panels_size(&field->config, FC__PACK_FORWARD));
        fc__field_pack(&field->config, field->parameters, FC__PACK_FORWARD, 0, 1, weights->panels);
    }
done:
    if (status != FC_OK)
        fc__processor_weights_clear(weights);
    return status;
}

void fc__processor_weights_clear(fc__processor_weights *weights)
{
    free(weights->parameters);
    free(weights->panels);
    *weights = (fc__processor_weights){0};
}

/* ---------------------------------------------------------------- life */

typedef struct processor_space {
    fc__space space; /* first, so that a pointer to it is one to this */
    const fc__processor_weights *weights;
    const fc__field_kernels *kernels;
    fc__evaluator *evaluator; /* NULL: in double, or of an equation */
    double *work;             /* of evaluations in double and of Jacobian products */
    const double *bound;
} processor_space;

static const processor_space *processor(const fc__space *space)
{
    return (const processor_space *)space;
}

static size_t length_of(const fc__space *space)
{
    return space->batch * space->codes;
}

static void processor_destroy(fc__space *space)
{
    const processor_space *s = processor(space);
    fc__evaluator_destroy(s->evaluator);
    free(s->work);
    free(space);
}

static void processor_begin(fc__space *space, size_t batch, const double *bound)
{
    space->batch = batch;
    ((processor_space *)space)->bound = bound;
}

static double *processor_allocate(fc__space *space)
{
    double *vector;
    fc_status status = fc__allocate(NULL, length_of(space), sizeof *vector, &vector);
    if (status != FC_OK)
        space->status = status;
    return vector;
}

static void processor_release(fc__space *space, double *vector)
{
    (void)space;
    free(vector);
}

static void processor_write(fc__space *space, double *vector, const double *values)
{
    memcpy(vector, values, length_of(space) * sizeof *values);
}

static void processor_read(fc__space *space, const double *vector, size_t count,
                           const size_t *member, double *const *to)
{
    for (size_t i = 0; i < count; i++)
        memcpy(to[i], vector + member[i] * space->codes, space->codes * sizeof *vector);
}

/* ---------------------------------------------------------------- element by element */

static void processor_linear_sum(fc__space *space, double a, const double *x, double b,
                                 const double *y, double *z)
{
    processor(space)->kernels->linear_sum(length_of(space), a, x, b, y, z);
}

static void processor_fill(fc__space *space, double c, double *z)
{
    for (size_t i = 0; i < length_of(space); i++)
        z[i] = c;
}

static void processor_multiply(fc__space *space, const double *x, const double *y, double *z)
{
    for (size_t i = 0; i < length_of(space); i++)
        z[i] = x[i] * y[i];
}

static void processor_divide(fc__space *space, const double *x, const double *y, double *z)
{
    for (size_t i = 0; i < length_of(space); i++)
        z[i] = x[i] / y[i];
}

static void processor_magnitude(fc__space *space, const double *x, double *z)
{
    for (size_t i = 0; i < length_of(space); i++)
        z[i] = fabs(x[i]);
}

static void processor_invert(fc__space *space, const double *x, double *z)
{
    for (size_t i = 0; i < length_of(space); i++)
        z[i] = 1.0 / x[i];
}

static void processor_shift(fc__space *space, const double *x, double b, double *z)
{
    for (size_t i = 0; i < length_of(space); i++)
        z[i] = x[i] + b;
}

static void processor_combine(fc__space *space, size_t number, const double *a,
                              const double *const *x, double *z)
{
    processor(space)->kernels->combine(length_of(space), number, a, x, z);
}

static void processor_scale_add(fc__space *space, size_t number, const double *a, const double *x,
                                const double *const *y, double *const *z)
{
    processor(space)->kernels->scale_add(length_of(space), number, a, x, y, z);
}

static bool processor_weigh(fc__space *space, double relative, double absolute, const double *z,
                            double *w)
{
    return processor(space)->kernels->weigh(length_of(space), relative, absolute, z, w);
}

/* ---------------------------------------------------------------- sums and extremes */

static double processor_dot(fc__space *space, const double *x, const double *y)
{
    double sum = 0;
    for (size_t i = 0; i < length_of(space); i++)
        sum += x[i] * y[i];
    return sum;
}

static double processor_largest(fc__space *space, const double *x)
{
    double largest = 0;
    for (size_t i = 0; i < length_of(space); i++)
        if (fabs(x[i]) > largest)
            largest = fabs(x[i]);
    return largest;
}

static double processor_norm(fc__space *space, const double *x, const double *w)
{
    size_t codes = space->codes;
    double largest = 0;
    for (size_t i = 0; i < length_of(space); i += codes) {
        double sum = processor(space)->kernels->weighted_square(codes, x + i, w + i);
        if (sum > largest || isnan(sum)) /* keeps NaN */
            largest = sum;
    }
    return sqrt(largest / (double)codes);
}

static size_t processor_outside(fc__space *space, const double *z)
{
    const double *bound = processor(space)->bound;
    for (size_t i = 0; i < space->batch; i++)
        for (size_t c = 0; c < space->codes; c++)
            if (!(fabs(z[i * space->codes + c]) <= bound[i]))
                return i;
    return space->batch;
}

/* ---------------------------------------------------------------- the field */

static int not_finite(size_t count, const double *values)
{
    int found = 0;
    for (size_t i = 0; i < count; i++)
        found |= !isfinite(values[i]);
    return found;
}

static int processor_eval(fc__space *space, const double *z, double *dz)
{
    const processor_space *s = processor(space);
    const fc_field *field = s->weights->field;
    if (field->galerkin)
        fc__galerkin_eval(field->galerkin, space->batch, z, dz, s->work);
    else if (s->evaluator)
        fc__evaluator_run(s->evaluator, space->batch, z, dz);
    else
        fc_field_eval_double(&field->config, s->weights->parameters, space->batch, z, dz, s->work);
    return not_finite(length_of(space), dz);
}

static int processor_jvp(fc__space *space, const double *z, const double *z_dot, double *dz_dot)
{
    const processor_space *s = processor(space);
    const fc_field *field = s->weights->field;
    if (field->galerkin)
        fc__galerkin_jvp(field->galerkin, space->batch, z, z_dot, dz_dot, s->work);
    else
        fc_field_jvp_double(&field->config, s->weights->parameters, space->batch, z, z_dot, dz_dot,
                            s->work);
    return not_finite(length_of(space), dz_dot);
}

static const fc__space_operations operations = {
    .destroy = processor_destroy,
    .begin = processor_begin,
    .allocate = processor_allocate,
    .release = processor_release,
    .write = processor_write,
    .read = processor_read,
    .linear_sum = processor_linear_sum,
    .fill = processor_fill,
    .multiply = processor_multiply,
    .divide = processor_divide,
    .magnitude = processor_magnitude,
    .invert = processor_invert,
    .shift = processor_shift,
    .combine = processor_combine,
    .scale_add = processor_scale_add,
    .dot = processor_dot,
    .largest = processor_largest,
    .norm = processor_norm,
    .weigh = processor_weigh,
    .outside = processor_outside,
    .eval = processor_eval,
    .jvp = processor_jvp,
};

fc_status fc__processor_space_create(const fc__processor_weights *weights, size_t samples,
                                     size_t threads, fc__space **space, fc__evaluator **evaluator)
{
    fc_status status = FC_OK;
    processor_space *made = NULL;
    const fc_field *field = weights->field;
    const fc_field_config *config = &field->config;
    *space = NULL;
    *evaluator = NULL;
    FC_NEW(NULL, &made, 1);
    made->space = (fc__space){&operations, config->codes, samples, samples, FC_OK};
    made->weights = weights;
    made->kernels = fc__field_kernels_chosen();
    size_t work = field->galerkin       ? fc__galerkin_work_size(field->galerkin, samples)
                  : weights->parameters ? fc_field_work_size(config, samples)
                                        : 0;
    FC_NEW(NULL, &made->work, work);
    if (weights->panels) {
        fc__field_weights packed = {.parameters = field->parameters, .forward = weights->panels};
        FC_TRY(fc__evaluator_create(config, &packed, samples, threads, &made->evaluator));
    }
    *space = &made->space;
    *evaluator = made->evaluator;
    made = NULL;
done:
    if (made)
        processor_destroy(&made->space);
    return status;
}
