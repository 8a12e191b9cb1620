#include "model_fixture.h"
#include "ode/lim.h"

enum { N = 3, LONG = 60 };

/* Frames one unit apart of z' = A (z - mean), from the exponential by a long series. */
static void follow(fc_context *context, const double *generator, const double *mean, float *z,
                   double *times)
{
    double map[N * N], at[N] = {1.0, -0.4, 0.7}, next[N];
    must(context, fc__exponential(context, N, generator, 1.0, map));
    for (size_t f = 0; f < LONG; f++) {
        times[f] = (double)f;
        for (size_t i = 0; i < N; i++) {
            z[f * N + i] = (float)(mean[i] + at[i]);
            next[i] = 0.0;
            for (size_t j = 0; j < N; j++)
                next[i] += map[i * N + j] * at[j];
        }
        memcpy(at, next, sizeof at);
    }
}

static void the_exponential_of_a_turn_is_a_rotation(void **state)
{
    const double generator[4] = {-0.1, -2.0, 2.0, -0.1};
    double found[4];
    must(*state, fc__exponential(*state, 2, generator, 3.0, found));
    assert_near(found[0], exp(-0.3) * cos(6.0), 1e-12);
    assert_near(found[1], -exp(-0.3) * sin(6.0), 1e-12);
    assert_near(found[2], exp(-0.3) * sin(6.0), 1e-12);
}

static void the_generator_of_a_damped_oscillation_is_found_again(void **state)
{
    const double generator[N * N] = {-0.02, -0.5, 0.1, 0.5, -0.02, 0.0, 0.0, 0.0, -0.05};
    const double mean[N] = {0.3, -0.2, 0.1};
    const size_t first[2] = {0, LONG};
    double times[LONG], found[N * N];
    float z[LONG * N];
    follow(*state, generator, mean, z, times);
    fc_trajectories t = {.codes = N, .count = 1, .first = first, .times = times, .z = z};
    must(*state, fc__lim_fit(*state, &t, mean, N, 0.0, FC__LIM_CAUTIOUS, found));
    for (size_t i = 0; i < N * N; i++)
        assert_near(found[i], generator[i], 1e-4);
}

static void codes_beyond_the_modes_forget_each_for_itself(void **state)
{
    const double generator[N * N] = {-0.1, -0.5, 0.0, 0.5, -0.1, 0.0, 0.0, 0.0, -0.3};
    const double mean[N] = {0.0};
    const size_t first[2] = {0, LONG};
    double times[LONG], found[N * N];
    float z[LONG * N];
    follow(*state, generator, mean, z, times);
    fc_trajectories t = {.codes = N, .count = 1, .first = first, .times = times, .z = z};
    must(*state, fc__lim_fit(*state, &t, mean, 2, 0.0, FC__LIM_CAUTIOUS, found));
    for (size_t i = 0; i < 2; i++)
        assert_true(found[i * N + 2] == 0.0 && found[2 * N + i] == 0.0);
    assert_near(found[N * N - 1], -0.3, 1e-4);
    assert_near(found[1], -0.5, 1e-4);
}

/* z doubles from frame to frame; another changes its sign. */
static void growth_is_held_and_flips_are_forgotten(void **state)
{
    enum { FRAMES = 6 };
    const double mean[2] = {0.0};
    const size_t first[2] = {0, FRAMES};
    double times[FRAMES], found[4], map[4];
    float z[2 * FRAMES];
    for (size_t f = 0; f < FRAMES; f++) {
        times[f] = (double)f;
        z[2 * f] = (float)(1 << f);
        z[2 * f + 1] = f % 2 ? -1.0f : 1.0f;
    }
    fc_trajectories t = {.codes = 2, .count = 1, .first = first, .times = times, .z = z};
    must(*state, fc__lim_fit(*state, &t, mean, 0, 0.0, FC__LIM_CAUTIOUS, found));
    must(*state, fc__exponential(*state, 2, found, 1.0, map));
    assert_near(map[0], 1.0, 1e-9);
    assert_near(map[3], 0.02, 1e-9);
}

/* Two waves of nearly two frames' period that the regression sees flip, and a mode that grows. */
static void growth_and_pairs_of_flips_are_kept_on_request(void **state)
{
    const double mean[N] = {0.0};
    const size_t first[2] = {0, LONG};
    double times[LONG], found[N * N], map[N * N];
    float z[LONG * N];
    for (size_t f = 0; f < LONG; f++) {
        times[f] = (double)f;
        z[f * N] = (float)(pow(-0.98, (double)f));
        z[f * N + 1] = (float)(0.5 * pow(-0.95, (double)f));
        z[f * N + 2] = (float)(0.1 * pow(1.02, (double)f));
    }
    fc_trajectories t = {.codes = N, .count = 1, .first = first, .times = times, .z = z};
    must(*state, fc__lim_fit(*state, &t, mean, N, 0.0, FC__LIM_FAITHFUL, found));
    must(*state, fc__exponential(*state, N, found, 1.0, map));
    for (size_t i = 0; i < 2; i++) /* both at the mean rate */
        assert_near(map[i * (N + 1)], -sqrt(0.98 * 0.95), 1e-3);
    assert_near(map[N * N - 1], 1.02, 1e-3);
}

/* By a ridge that leaves nothing of the data. */
static void what_is_undetermined_is_forgotten_or_stays(void **state)
{
    const double generator[N * N] = {-0.02, -0.5, 0.1, 0.5, -0.02, 0.0, 0.0, 0.0, -0.05};
    const double mean[N] = {0.0};
    const size_t first[2] = {0, LONG};
    double times[LONG], found[N * N], map[N * N];
    float z[LONG * N];
    follow(*state, generator, mean, z, times);
    fc_trajectories t = {.codes = N, .count = 1, .first = first, .times = times, .z = z};
    must(*state, fc__lim_fit(*state, &t, mean, N, 1e9, FC__LIM_FAITHFUL, found));
    for (size_t i = 0; i < N * N; i++)
        assert_near(found[i], 0.0, 1e-6);
    must(*state, fc__lim_fit(*state, &t, mean, N, 1e9, FC__LIM_CAUTIOUS, found));
    must(*state, fc__exponential(*state, N, found, 1.0, map));
    for (size_t i = 0; i < N; i++)
        assert_true(map[i * (N + 1)] < 0.03);
}

static void pairs_across_a_gap_do_not_count(void **state)
{
    const double generator[N * N] = {-0.1, 0.0, 0.0, 0.0, -0.2, 0.0, 0.0, 0.0, -0.3};
    const double mean[N] = {0.0};
    const size_t first[2] = {0, LONG};
    double times[LONG], found[N * N];
    float z[LONG * N];
    follow(*state, generator, mean, z, times);
    for (size_t f = 30; f < LONG; f++) {
        times[f] += 5.0;
        for (size_t i = 0; i < N; i++)
            z[f * N + i] *= 1e6f; /* anything may have happened */
    }
    fc_trajectories t = {.codes = N, .count = 1, .first = first, .times = times, .z = z};
    must(*state, fc__lim_fit(*state, &t, mean, 0, 0.0, FC__LIM_CAUTIOUS, found));
    for (size_t i = 0; i < N; i++)
        assert_near(found[i * (N + 1)], generator[i * (N + 1)], 1e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exponential_of_a_turn_is_a_rotation),
        cmocka_unit_test(the_generator_of_a_damped_oscillation_is_found_again),
        cmocka_unit_test(codes_beyond_the_modes_forget_each_for_itself),
        cmocka_unit_test(growth_is_held_and_flips_are_forgotten),
        cmocka_unit_test(growth_and_pairs_of_flips_are_kept_on_request),
        cmocka_unit_test(what_is_undetermined_is_forgotten_or_stays),
        cmocka_unit_test(pairs_across_a_gap_do_not_count),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
