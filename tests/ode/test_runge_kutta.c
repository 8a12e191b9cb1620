#include "inr/support.h"
#include "ode/ode.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOLERANCE_ORDER 0.1        /* of the observed order of convergence */
#define TOLERANCE_DIFFERENCES 1e-7 /* discrete adjoint against central differences, relative */
#define TOLERANCE_REFERENCE 1e-13  /* steps written out, relative */
#define TOLERANCE_FLOAT 3e-5       /* float against double, relative */

static double *numbers(size_t count, double scale, uint64_t seed)
{
    fc__rng rng = fc__rng_create(seed, 7);
    double *values = malloc((count ? count : 1) * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[i] = scale * fc__rng_normal(&rng);
    return values;
}

static double largest_difference(size_t count, const double *x, const double *y)
{
    double worst = 0;
    for (size_t i = 0; i < count; i++)
        worst = fmax(worst, fabs(x[i] - y[i]));
    return worst;
}

static void assert_close(size_t count, const double *x, const double *y, double tolerance)
{
    double scale = 1e-300, worst = largest_difference(count, x, y);
    for (size_t i = 0; i < count; i++)
        scale = fmax(scale, fmax(fabs(x[i]), fabs(y[i])));
    if (!(worst <= tolerance * scale))
        fail_msg("relative difference %.3g, allowed %.3g", worst / scale, tolerance);
}

/* z' = omega (-y, x): rotation */
static const fc_field_config rotation_config = {.codes = 2, .linear = true};
static const double rotation[] = {0, 0, 0, -1.3, 1.3, 0};

/* Lotka & Volterra: x' = x - x y, y' = x y - y, as A z + U [(V z) * (W z)] */
static const fc_field_config predators_config = {.codes = 2, .linear = true, .rank = 1};
static const double predators[] = {/* bias */ 0, 0,         /* A */ 1,  0,         0,
                                   -1,           /* V */ 1, 0,          /* W */ 0, 1,
                                   /* a, d */ 0, 0,         /* U */ -1, 1};

static void integrate(const fc_field_config *config, const double *parameters, fc_rk_scheme scheme,
                      size_t substeps, double length, const double *z0, double *z)
{
    fc_rk_plan plan = {*config, scheme, substeps, 1, 1};
    double *work = numbers(fc_rk_work_size(&plan), 1, 1);
    fc_rk_forward_double(&plan, parameters, &length, z0, z, NULL, work);
    free(work);
}

static double observed_order(const fc_field_config *config, const double *parameters,
                             fc_rk_scheme scheme, const double *z0, const double *exact)
{
    double coarse[2], fine[2];
    integrate(config, parameters, scheme, 40, 2.0, z0, coarse);
    integrate(config, parameters, scheme, 80, 2.0, z0, fine);
    return log2(largest_difference(2, coarse, exact) / largest_difference(2, fine, exact));
}

static void midpoint_has_order_two_and_rk4_order_four_on_a_rotation(void **state)
{
    (void)state;
    const double z0[2] = {0.8, -0.3}, angle = 1.3 * 2.0;
    const double exact[2] = {cos(angle) * z0[0] - sin(angle) * z0[1],
                             sin(angle) * z0[0] + cos(angle) * z0[1]};
    assert_true(fabs(observed_order(&rotation_config, rotation, FC_RK_MIDPOINT, z0, exact) - 2) <
                TOLERANCE_ORDER);
    assert_true(fabs(observed_order(&rotation_config, rotation, FC_RK_RK4, z0, exact) - 4) <
                TOLERANCE_ORDER);
}

static void midpoint_has_order_two_and_rk4_order_four_on_predators_and_prey(void **state)
{
    (void)state;
    const double z0[2] = {1.4, 0.6};
    double exact[2];
    integrate(&predators_config, predators, FC_RK_RK4, 4000, 2.0, z0, exact);
    /* x - ln x + y - ln y is conserved (Volterra 1926) */
    double before = z0[0] - log(z0[0]) + z0[1] - log(z0[1]);
    double after = exact[0] - log(exact[0]) + exact[1] - log(exact[1]);
    assert_true(fabs(after - before) < 1e-12);
    assert_true(fabs(observed_order(&predators_config, predators, FC_RK_MIDPOINT, z0, exact) - 2) <
                TOLERANCE_ORDER);
    assert_true(fabs(observed_order(&predators_config, predators, FC_RK_RK4, z0, exact) - 4) <
                TOLERANCE_ORDER);
}

/* A rollout of every part of the field over unequal intervals. */
typedef struct rollout {
    fc_rk_plan plan;
    size_t size, frames, count, tape_size, work_size;
    double *parameters, *dt, *z0, *z_bar, *z, *tape, *work;
} rollout;

static rollout rollout_create(fc_rk_scheme scheme, size_t substeps, size_t intervals, size_t batch)
{
    rollout r = {.plan = {{.codes = 4, .linear = true, .rank = 6, .hidden = 3},
                          scheme,
                          substeps,
                          intervals,
                          batch}};
    r.size = batch * r.plan.field.codes;
    r.frames = intervals * r.size;
    r.count = fc_field_layout_of(&r.plan.field).count;
    r.tape_size = fc_rk_tape_size(&r.plan);
    r.work_size = fc_rk_work_size(&r.plan);
    r.parameters = numbers(r.count, 0.4, 1);
    r.dt = numbers(intervals * batch, 1, 2);
    for (size_t i = 0; i < intervals * batch; i++)
        r.dt[i] = 0.2 + 0.15 * sin(r.dt[i]);
    r.z0 = numbers(r.size, 0.7, 3);
    r.z_bar = numbers(r.frames, 1, 4);
    r.z = numbers(r.frames, 1, 5);
    r.tape = numbers(r.tape_size, 1, 6);
    r.work = numbers(r.work_size, 1, 7);
    return r;
}

static void rollout_destroy(rollout *r)
{
    free(r->parameters);
    free(r->dt);
    free(r->z0);
    free(r->z_bar);
    free(r->z);
    free(r->tape);
    free(r->work);
}

/* sum <z_bar, z>, without a tape */
static double pairing(const rollout *r)
{
    double sum = 0;
    fc_rk_forward_double(&r->plan, r->parameters, r->dt, r->z0, r->z, NULL, r->work);
    for (size_t i = 0; i < r->frames; i++)
        sum += r->z_bar[i] * r->z[i];
    return sum;
}

static double difference(const rollout *r, double *at)
{
    const double step = 1e-4;
    double saved = *at, values[4];
    /* fourth order, as the rollout is far from linear */
    for (int i = 0; i < 4; i++) {
        *at = saved + step * (double)(i < 2 ? i - 2 : i - 1);
        values[i] = pairing(r);
    }
    *at = saved;
    return (8 * (values[2] - values[1]) - (values[3] - values[0])) / (12 * step);
}

static void backward_is_the_exact_adjoint_of_the_discrete_steps(void **state)
{
    (void)state;
    for (int scheme = 0; scheme < 2; scheme++)
        for (size_t substeps = 1; substeps <= 3; substeps++) {
            rollout r = rollout_create(scheme ? FC_RK_RK4 : FC_RK_MIDPOINT, substeps, 3, 2);
            double *z0_bar = numbers(r.size, 0, 1), *bar = numbers(r.count, 0, 1);
            double *z0_difference = numbers(r.size, 0, 1), *expected = numbers(r.count, 0, 1);
            fc_rk_forward_double(&r.plan, r.parameters, r.dt, r.z0, r.z, r.tape, r.work);
            fc_rk_backward_double(&r.plan, r.parameters, r.dt, r.tape, r.z_bar, z0_bar, bar,
                                  r.work);
            for (size_t i = 0; i < r.size; i++)
                z0_difference[i] = difference(&r, r.z0 + i);
            for (size_t i = 0; i < r.count; i++)
                expected[i] = difference(&r, r.parameters + i);
            assert_close(r.size, z0_bar, z0_difference, TOLERANCE_DIFFERENCES);
            assert_close(r.count, bar, expected, TOLERANCE_DIFFERENCES);
            free(z0_bar);
            free(bar);
            free(z0_difference);
            free(expected);
            rollout_destroy(&r);
        }
}

static void backward_adds_and_needs_no_state_gradient(void **state)
{
    (void)state;
    rollout r = rollout_create(FC_RK_RK4, 2, 2, 3);
    double *z0_bar = numbers(r.size, 1, 8), *once = numbers(r.size, 0, 1);
    double *bar = numbers(r.count, 1, 9), *start = numbers(r.count, 1, 9);
    double *alone = numbers(r.count, 0, 1), *start_z = numbers(r.size, 1, 8);
    fc_rk_forward_double(&r.plan, r.parameters, r.dt, r.z0, r.z, r.tape, r.work);
    fc_rk_backward_double(&r.plan, r.parameters, r.dt, r.tape, r.z_bar, NULL, alone, r.work);
    fc_rk_backward_double(&r.plan, r.parameters, r.dt, r.tape, r.z_bar, once, bar, r.work);
    fc_rk_backward_double(&r.plan, r.parameters, r.dt, r.tape, r.z_bar, z0_bar, bar, r.work);
    for (size_t i = 0; i < r.count; i++)
        start[i] += 2 * alone[i];
    for (size_t i = 0; i < r.size; i++)
        start_z[i] += once[i];
    assert_close(r.count, bar, start, TOLERANCE_REFERENCE);
    assert_close(r.size, z0_bar, start_z, TOLERANCE_REFERENCE);
    free(z0_bar);
    free(once);
    free(bar);
    free(start);
    free(alone);
    free(start_z);
    rollout_destroy(&r);
}

/* One RK4 step from fc_field_eval_double, as in the textbook. */
static void textbook_rk4(const rollout *r, double h, const double *z, double *next)
{
    enum { CODES = 4 };
    static const double along[4] = {0, 0.5, 0.5, 1}, weight[4] = {1, 2, 2, 1};
    double k[CODES] = {0}, y[CODES];
    double *work = numbers(fc_field_work_size(&r->plan.field, 1), 1, 1);
    memcpy(next, z, sizeof y);
    for (int stage = 0; stage < 4; stage++) {
        for (int c = 0; c < CODES; c++)
            y[c] = z[c] + h * along[stage] * k[c];
        fc_field_eval_double(&r->plan.field, r->parameters, 1, y, k, work);
        for (int c = 0; c < CODES; c++)
            next[c] += h * weight[stage] / 6 * k[c];
    }
    free(work);
}

static void a_batch_is_its_samples_with_their_own_steps(void **state)
{
    (void)state;
    rollout r = rollout_create(FC_RK_RK4, 2, 3, 5);
    double *expected = numbers(r.frames, 1, 1), *z = numbers(r.frames, 1, 2);
    for (size_t i = 0; i < 5; i++) {
        double now[4], next[4];
        memcpy(now, r.z0 + i * 4, sizeof now);
        for (size_t n = 0; n < 3; n++) {
            for (int step = 0; step < 2; step++) {
                textbook_rk4(&r, r.dt[n * 5 + i] / 2, now, next);
                memcpy(now, next, sizeof now);
            }
            memcpy(expected + n * r.size + i * 4, now, sizeof now);
        }
    }
    fc_rk_forward_double(&r.plan, r.parameters, r.dt, r.z0, r.z, NULL, r.work);
    assert_close(r.frames, r.z, expected, TOLERANCE_REFERENCE);
    fc_rk_forward_double(&r.plan, r.parameters, r.dt, r.z0, z, r.tape, r.work);
    assert_memory_equal(z, r.z, r.frames * sizeof *z);
    free(expected);
    free(z);
    rollout_destroy(&r);
}

static float *rounded(size_t count, const double *values)
{
    float *copy = malloc((count ? count : 1) * sizeof *copy);
    assert_non_null(copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = (float)values[i];
    return copy;
}

static void assert_float_close(size_t count, const float *x, const double *expected)
{
    double *wide = numbers(count, 0, 1);
    for (size_t i = 0; i < count; i++)
        wide[i] = (double)x[i];
    assert_close(count, wide, expected, TOLERANCE_FLOAT);
    free(wide);
}

static void float_agrees_with_double(void **state)
{
    (void)state;
    rollout r = rollout_create(FC_RK_MIDPOINT, 2, 4, 3);
    double *z0_bar = numbers(r.size, 0, 1), *bar = numbers(r.count, 0, 1);
    float *parameters = rounded(r.count, r.parameters), *dt = rounded(4 * 3, r.dt);
    float *z0 = rounded(r.size, r.z0), *z_bar = rounded(r.frames, r.z_bar);
    float *z = rounded(r.frames, r.z), *tape = rounded(r.tape_size, r.tape);
    float *work = rounded(r.work_size, r.work);
    float *z0_bar_float = calloc(r.size, sizeof *z0_bar_float);
    float *bar_float = calloc(r.count, sizeof *bar_float);
    fc_rk_forward_double(&r.plan, r.parameters, r.dt, r.z0, r.z, r.tape, r.work);
    fc_rk_backward_double(&r.plan, r.parameters, r.dt, r.tape, r.z_bar, z0_bar, bar, r.work);
    fc_rk_forward(&r.plan, parameters, dt, z0, z, tape, work);
    fc_rk_backward(&r.plan, parameters, dt, tape, z_bar, z0_bar_float, bar_float, work);
    assert_float_close(r.frames, z, r.z);
    assert_float_close(r.size, z0_bar_float, z0_bar);
    assert_float_close(r.count, bar_float, bar);
    free(z0_bar);
    free(bar);
    free(parameters);
    free(dt);
    free(z0);
    free(z_bar);
    free(z);
    free(tape);
    free(work);
    free(z0_bar_float);
    free(bar_float);
    rollout_destroy(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(midpoint_has_order_two_and_rk4_order_four_on_a_rotation),
        cmocka_unit_test(midpoint_has_order_two_and_rk4_order_four_on_predators_and_prey),
        cmocka_unit_test(backward_is_the_exact_adjoint_of_the_discrete_steps),
        cmocka_unit_test(backward_adds_and_needs_no_state_gradient),
        cmocka_unit_test(a_batch_is_its_samples_with_their_own_steps),
        cmocka_unit_test(float_agrees_with_double),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
