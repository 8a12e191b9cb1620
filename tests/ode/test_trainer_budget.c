#include "trainer_fixture.h"

#include <time.h>

/* ---------------------------------------------------------------- budgets and errors */

/* Seconds that the first plan takes at the speed of its first updates: phases roll out 1, 1, 3 and
 * 8 intervals, the last three at twice the cost an interval. */
static double planned_seconds(fc_context *context, fc_trainer *trainer)
{
    enum { SOME = 100 };
    static const double cost[4] = {1.0, 2.0, 6.0, 16.0};
    fc_trainer_state s = fc_trainer_get_state(trainer);
    double loss, validation, updates = 0.0, start = fc__seconds();
    bool done;
    assert_true(s.updates[0] > SOME);
    must(context, fc_trainer_run(trainer, SOME, &done, &loss, &validation));
    for (size_t i = 0; i < 4; i++)
        updates += cost[i] * (double)s.updates[i];
    return updates * (fc__seconds() - start) / SOME;
}

/* Wide limits and three trials, as the machine may be busy; what they exclude is a plan measured on
 * the wrong kind of update, whose cost differs by a factor of 16. The run is then held to its plan.
 */
static void a_budget_in_seconds_is_planned_and_spent(void **state)
{
    sample training = sample_create(oscillate, LINEAR, SEQUENCES, FRAMES, false, 1);
    double planned = INFINITY, spent = INFINITY;
    add_noise(&training, 1e-2);
    for (int trial = 0; trial < 3; trial++) {
        fc_field *field = make_field(*state, LINEAR, 64);
        fc_dynamics_config config = budget(0);
        fc_trainer *trainer;
        double loss, validation, start = fc__seconds();
        bool done;
        config.seconds = 0.3;
        must(*state, fc_trainer_create(*state, field, &training.t, NULL, &config, &trainer));
        planned = fmin(planned, fabs(log(planned_seconds(*state, trainer) / config.seconds)));
        must(*state, fc_trainer_run(trainer, UINT64_MAX, &done, &loss, &validation));
        spent = fmin(spent, fabs(log((fc__seconds() - start) / config.seconds)));
        assert_true(done);
        fc_trainer_destroy(trainer);
        fc_field_destroy(field);
    }
    assert_below(planned, log(3.0));
    assert_below(spent, log(2.0));
    sample_clear(&training);
}

static uint64_t total_updates(const fc_trainer *trainer)
{
    fc_trainer_state s = fc_trainer_get_state(trainer);
    return s.updates[0] + s.updates[1] + s.updates[2] + s.updates[3];
}

/* A machine that was away for the whole budget: what is left of the plan is cut, to its end. */
static void a_run_that_falls_behind_is_shortened(void **state)
{
    sample training = sample_create(oscillate, LINEAR, SEQUENCES, FRAMES, false, 1);
    fc_field *field = make_field(*state, LINEAR, 64);
    fc_dynamics_config config = budget(0);
    fc_trainer *trainer;
    double loss, validation;
    bool done;
    add_noise(&training, 1e-2);
    config.seconds = 0.2;
    must(*state, fc_trainer_create(*state, field, &training.t, NULL, &config, &trainer));
    uint64_t planned = total_updates(trainer);
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    must(*state, fc_trainer_run(trainer, UINT64_MAX, &done, &loss, &validation));
    assert_true(done && fc_trainer_share(trainer) == 1.0);
    assert_int_equal(fc_trainer_get_state(trainer).update, total_updates(trainer));
    assert_true(total_updates(trainer) < planned / 2);
    fc_trainer_destroy(trainer);
    fc_field_destroy(field);
    sample_clear(&training);
}

static void unusable_budgets_and_trajectories_are_refused(void **state)
{
    sample training = sample_create(oscillate, LINEAR, 3, 1, false, 1);
    fc_field *field = make_field(*state, LINEAR, 0), *other = make_field(*state, PREY, 0);
    fc_dynamics_config config = budget(100);
    fc_trainer *trainer = (fc_trainer *)field;
    assert_int_equal(fc_trainer_create(*state, field, &training.t, NULL, &config, &trainer),
                     FC_ERROR_DATA);
    assert_message(*state,
                   "every training sequence has a single frame; dynamics needs at least two "
                   "frames in time");
    assert_null(trainer);
    assert_int_equal(fc_trainer_create(*state, other, &training.t, NULL, &config, &trainer),
                     FC_ERROR_USAGE);
    assert_message(*state, "trajectories have 4 codes, the field expects 2");
    config.batch = 0;
    assert_int_equal(fc_trainer_create(*state, field, &training.t, NULL, &config, &trainer),
                     FC_ERROR_USAGE);
    assert_message(*state, "dynamics.batch is 0; 1 to 4096 is accepted");
    config.batch = 4097;
    assert_int_equal(fc_trainer_create(*state, field, &training.t, NULL, &config, &trainer),
                     FC_ERROR_USAGE);
    assert_message(*state, "dynamics.batch is 4097");
    fc_trainer_destroy(NULL);
    fc_field_destroy(field);
    fc_field_destroy(other);
    sample_clear(&training);
}

/* One segment an update leaves a thread without work; two frames allow a single interval. */
static void the_smallest_batch_and_the_shortest_sequences_train(void **state)
{
    sample training = sample_create(oscillate, LINEAR, 40, 2, false, 1);
    fc_field *field = make_field(*state, LINEAR, 0);
    fc_dynamics_config config = budget(3000);
    fc_trainer *trainer;
    double loss, validation;
    bool done;
    config.batch = 1;
    must(*state, fc_trainer_create(*state, field, &training.t, NULL, &config, &trainer));
    must(*state, fc_trainer_run(trainer, UINT64_MAX, &done, &loss, &validation));
    fc_trainer_finish(trainer);
    assert_below(forecast_error(*state, field, oscillate, 0.0), 0.05);
    fc_trainer_destroy(trainer);
    fc_field_destroy(field);
    sample_clear(&training);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_budget_in_seconds_is_planned_and_spent),
        cmocka_unit_test(a_run_that_falls_behind_is_shortened),
        cmocka_unit_test(unusable_budgets_and_trajectories_are_refused),
        cmocka_unit_test(the_smallest_batch_and_the_shortest_sequences_train),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
