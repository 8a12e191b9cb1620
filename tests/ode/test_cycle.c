#include "model_fixture.h"

/* The fit adds 1e-6 to a normal matrix whose diagonal is 1/2 or 1. */
#define TOLERANCE_COEFFICIENT 1e-5

enum { HARMONICS = 2, TIMES = 40 };

static const double period = 12.0, origin = 5.0;

/* Coefficients (2 HARMONICS, CODES) of the truth. */
static double truth(size_t row, size_t code)
{
    return 0.3 * (double)(row + 1) - 0.2 * (double)code;
}

static fc_model *model_with_cycle(fc_context *context)
{
    fc_model *model = wave_model(context, 1, 0.0);
    model->time_origin = origin;
    model->cycle = (fc_cycle){.period = period, .harmonics = HARMONICS};
    return model;
}

/* Unequal times over three and a half cycles; constant is what lies beside the harmonics. */
static void seasonal_codes(double constant, double *times, double *z)
{
    fc__rng rng = fc__rng_create(4, 4);
    for (size_t f = 0; f < TIMES; f++) {
        times[f] = origin + (double)f + 0.5 * fc__rng_uniform(&rng);
        for (size_t i = 0; i < CODES; i++) {
            double *value = &z[f * CODES + i];
            *value = constant * (double)(i + 1);
            for (size_t k = 0; k < HARMONICS; k++) {
                double phase = 2.0 * M_PI * (double)(k + 1) * (times[f] - origin) / period;
                *value += truth(2 * k, i) * cos(phase) + truth(2 * k + 1, i) * sin(phase);
            }
        }
    }
}

static void known_harmonics_are_recovered_beside_a_constant(void **state)
{
    fc_model *model = model_with_cycle(*state);
    double times[TIMES], z[TIMES * CODES], at[CODES];
    seasonal_codes(0.7, times, z);
    must(*state, fc__cycle_fit(*state, model, TIMES, times, z));
    for (size_t row = 0; row < 2 * HARMONICS; row++)
        for (size_t i = 0; i < CODES; i++)
            assert_near(model->cycle.coefficient[row * CODES + i], truth(row, i),
                        5.0 * TOLERANCE_COEFFICIENT);
    for (size_t f = 0; f < TIMES; f++) {
        fc__cycle_at(model, times[f], at);
        for (size_t i = 0; i < CODES; i++)
            assert_near(at[i], z[f * CODES + i] - 0.7 * (double)(i + 1),
                        20.0 * TOLERANCE_COEFFICIENT);
    }
    fc_model_destroy(model);
}

static void the_phase_is_zero_at_the_origin_and_after_each_period(void **state)
{
    fc_model *model = model_with_cycle(*state);
    double times[TIMES], z[TIMES * CODES], at[CODES], again[CODES];
    seasonal_codes(0.0, times, z);
    must(*state, fc__cycle_fit(*state, model, TIMES, times, z));
    fc__cycle_at(model, origin, at);
    fc__cycle_at(model, origin - 7.0 * period, again);
    for (size_t i = 0; i < CODES; i++) {
        const double *a = model->cycle.coefficient;
        assert_near(at[i], a[i] + a[2 * CODES + i], 1e-12);
        assert_near(again[i], at[i], 1e-12);
    }
    fc__cycle_at(model, origin + 0.5 * period, again);
    assert_near(again[1], -truth(0, 1) + truth(2, 1), 10.0 * TOLERANCE_COEFFICIENT);
    fc_model_destroy(model);
}

static void without_a_cycle_the_mean_codes_are_zero(void **state)
{
    fc_model *model = wave_model(*state, 1, 0.0);
    double at[CODES];
    for (size_t i = 0; i < CODES; i++)
        at[i] = 3.0;
    fc__cycle_at(model, 17.3, at);
    for (size_t i = 0; i < CODES; i++)
        assert_true(at[i] == 0.0);
    fc_model_destroy(model);
}

/* Mean over a period of the square of the cycle, beside the departures' own variance. */
static void the_prior_of_codes_is_widened_by_the_cycle(void **state)
{
    enum { PHASES = 96 };
    fc_model *model = model_with_cycle(*state);
    double times[TIMES], z[TIMES * CODES], at[CODES], square[CODES] = {0};
    fc_prior *prior;
    seasonal_codes(0.0, times, z);
    model->prior->mean[2] = 0.4;
    must(*state, fc__cycle_fit(*state, model, TIMES, times, z));
    must(*state, fc__prior_with_cycle(*state, model, &prior));
    for (size_t p = 0; p < PHASES; p++) {
        fc__cycle_at(model, period * (double)p / PHASES, at);
        for (size_t i = 0; i < CODES; i++)
            square[i] += at[i] * at[i] / PHASES;
    }
    for (size_t i = 0; i < CODES; i++) {
        assert_near(prior->mean[i], model->prior->mean[i], 0.0);
        for (size_t j = 0; j < CODES; j++)
            assert_near(prior->covariance[i * CODES + j],
                        model->prior->covariance[i * CODES + j] + (i == j ? square[i] : 0.0), 1e-9);
    }
    fc_prior_destroy(prior);
    fc_model_destroy(model);
}

/* Two times cannot tell five coefficients; the fit stays finite and small. */
static void too_few_times_give_finite_coefficients(void **state)
{
    fc_model *model = model_with_cycle(*state);
    double times[2] = {origin, origin + 1.0}, z[2 * CODES];
    for (size_t i = 0; i < 2 * CODES; i++)
        z[i] = 1.0;
    must(*state, fc__cycle_fit(*state, model, 2, times, z));
    for (size_t k = 0; k < 2 * HARMONICS * CODES; k++)
        assert_true(fabs(model->cycle.coefficient[k]) <= 1.0);
    fc_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_harmonics_are_recovered_beside_a_constant),
        cmocka_unit_test(the_phase_is_zero_at_the_origin_and_after_each_period),
        cmocka_unit_test(without_a_cycle_the_mean_codes_are_zero),
        cmocka_unit_test(the_prior_of_codes_is_widened_by_the_cycle),
        cmocka_unit_test(too_few_times_give_finite_coefficients),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
