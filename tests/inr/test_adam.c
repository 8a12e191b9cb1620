/* Adam against its formulas in double. */
#include "inr/fit.h"
#include "tests/inr/decoder_fixture.h"

static const struct {
    double steps; /* parameters, of order 1, after 20 float steps */
} tolerance = {.steps = 3e-6};

enum { COUNT = 1003, STEPS = 20 };

/* m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2,
 * p = p - rate (decay p + m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon))
 * (Kingma & Ba 2015, algorithm 1; Loshchilov & Hutter 2019, algorithm 2). */
static void reference_step(const fc__adam *adam, int t, const float *gradient, double *m, double *v,
                           double *p)
{
    for (size_t i = 0; i < COUNT; i++) {
        double g = (double)gradient[i];
        m[i] = adam->beta1 * m[i] + (1.0 - adam->beta1) * g;
        v[i] = adam->beta2 * v[i] + (1.0 - adam->beta2) * g * g;
        double first = m[i] / (1.0 - pow(adam->beta1, t));
        double second = v[i] / (1.0 - pow(adam->beta2, t));
        p[i] -= adam->rate * (adam->decay * p[i] + first / (sqrt(second) + adam->epsilon));
    }
}

/* Parameters after STEPS steps with random gradients of very different sizes. */
static double run(fc_context *context, const fc__adam *adam, float *parameters)
{
    float *start = random_floats(COUNT, 1), *m = zeros(COUNT, sizeof *m),
          *v = zeros(COUNT, sizeof *v);
    double *p = to_double(COUNT, start), *rm = zeros(COUNT, sizeof *rm),
           *rv = zeros(COUNT, sizeof *rv);
    memcpy(parameters, start, COUNT * sizeof *start);
    for (int t = 0; t < STEPS; t++) {
        float *gradient = random_floats(COUNT, 10 + (uint64_t)t);
        for (size_t i = 0; i < COUNT; i++)
            gradient[i] *= powf(10.0f, (float)(i % 7) - 4.0f);
        fc__adam_step(context, adam, (uint64_t)t, COUNT, gradient, m, v, parameters);
        reference_step(adam, t + 1, gradient, rm, rv, p);
        free(gradient);
    }
    double result = difference_float(COUNT, parameters, p);
    free(start);
    free(m);
    free(v);
    free(p);
    free(rm);
    free(rv);
    return result;
}

static void steps_follow_the_published_formulas(void **state)
{
    fc__adam adam = {.rate = 1e-2, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    float *parameters = zeros(COUNT, sizeof *parameters);
    assert_true(run(*state, &adam, parameters) < tolerance.steps);
    adam = (fc__adam){.rate = 1e-2, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-3};
    assert_true(run(*state, &adam, parameters) < tolerance.steps);
    free(parameters);
}

static void decay_shrinks_parameters_beside_the_gradient(void **state)
{
    fc__adam adam = {.rate = 1e-2, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .decay = 0.5};
    float *parameters = zeros(COUNT, sizeof *parameters);
    assert_true(run(*state, &adam, parameters) < tolerance.steps);
    free(parameters);
}

static void the_division_among_threads_changes_no_bit(void **state)
{
    fc__adam adam = {.rate = 1e-2, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .decay = 0.1};
    float *two = zeros(COUNT, sizeof *two), *one = zeros(COUNT, sizeof *one);
    run(*state, &adam, two);
    run(NULL, &adam, one);
    assert_memory_equal(one, two, COUNT * sizeof *one);
    free(one);
    free(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_the_published_formulas),
        cmocka_unit_test(decay_shrinks_parameters_beside_the_gradient),
        cmocka_unit_test(the_division_among_threads_changes_no_bit),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
