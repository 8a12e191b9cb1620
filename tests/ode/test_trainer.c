#include "trainer_fixture.h"

/* Root mean square errors of forecasts over 8 intervals, relative to that of the codes. */
#define TOLERANCE_LINEAR 2e-3   /* learned oscillators */
#define TOLERANCE_UNEQUAL 2e-3  /* the same from unequal intervals */
#define TOLERANCE_BILINEAR 8e-3 /* learned predators and prey */
#define TOLERANCE_MATRIX 5e-3   /* learned A against the true one, absolute */
#define INTEGRATOR_SHARE 0.2    /* of the forecast error that may lie between two integrators */
#define BETWEEN_FRAMES 1.2      /* error at half intervals over error at whole ones */

/* ---------------------------------------------------------------- what is learned */

static void linear_oscillators_are_learned(void **state)
{
    sample training = sample_create(oscillate, LINEAR, SEQUENCES, FRAMES, false, 1);
    fc_field *field = learn(*state, &training, 0, 3000);
    const float *a = field->parameters + fc_field_layout_of(&field->config).a;
    static const double generator[LINEAR][LINEAR] = {
        {0, -0.5, 0, 0}, {0.5, 0, 0, 0}, {0, 0, -0.05, 0.8}, {0, 0, -0.8, -0.05}};
    for (size_t i = 0; i < LINEAR * LINEAR; i++)
        assert_near((double)a[i], generator[i / LINEAR][i % LINEAR], TOLERANCE_MATRIX);
    assert_below(forecast_error(*state, field, oscillate, 0.0), TOLERANCE_LINEAR);
    fc_field_destroy(field);
    sample_clear(&training);
}

static void unequal_intervals_teach_the_same_field(void **state)
{
    sample training = sample_create(oscillate, LINEAR, SEQUENCES, FRAMES, true, 1);
    fc_field *field = learn(*state, &training, 0, 3000);
    assert_below(forecast_error(*state, field, oscillate, 0.0), TOLERANCE_UNEQUAL);
    fc_field_destroy(field);
    sample_clear(&training);
}

static void a_bilinear_system_is_learned_as_a_true_differential_equation(void **state)
{
    enum { COUNT = TESTS * LEADS * PREY };
    sample training = sample_create(hunt, PREY, 2 * SEQUENCES, FRAMES, false, 2);
    add_noise(&training, 1e-3);
    fc_field *field = learn(*state, &training, 8, 6000);
    double z0[TESTS * PREY], truth[COUNT], exact[COUNT], fine[COUNT], coarse[COUNT];
    true_states(hunt, PREY, 0.0, z0, truth);
    integrate_states(*state, field, 0.0, z0, exact);
    step_states(field, 8, z0, fine);
    step_states(field, 2, z0, coarse);
    double error = distance(COUNT, exact, truth);
    double whole = forecast_error(*state, field, hunt, 0.0);
    double half = forecast_error(*state, field, hunt, 0.5);
    print_message("relative error %.2e, at half intervals %.2e\n", whole, half);
    assert_below(whole, TOLERANCE_BILINEAR);
    assert_below(half, BETWEEN_FRAMES * whole);
    assert_below(distance(COUNT, exact, fine), INTEGRATOR_SHARE * error);
    assert_below(distance(COUNT, exact, coarse), INTEGRATOR_SHARE * error);
    fc_field_destroy(field);
    sample_clear(&training);
}

/* ---------------------------------------------------------------- saving and resuming */

static void assert_same_floats(size_t count, const float *a, const float *b)
{
    assert_memory_equal(a, b, count * sizeof *a);
}

static void assert_same_state(const fc_trainer *x, const fc_trainer *y)
{
    fc_trainer_state a = fc_trainer_get_state(x), b = fc_trainer_get_state(y);
    assert_int_equal(a.update, b.update);
    assert_int_equal(a.best_update, b.best_update);
    assert_int_equal(a.parameter_count, b.parameter_count);
    assert_memory_equal(a.updates, b.updates, sizeof a.updates);
    assert_memory_equal(&a.best_loss, &b.best_loss, sizeof a.best_loss);
    assert_memory_equal(&a.gradient_norm, &b.gradient_norm, sizeof a.gradient_norm);
    assert_same_floats(a.parameter_count, a.parameters, b.parameters);
    assert_same_floats(a.parameter_count, a.first_moment, b.first_moment);
    assert_same_floats(a.parameter_count, a.second_moment, b.second_moment);
    assert_same_floats(a.parameter_count, a.average, b.average);
    assert_same_floats(a.parameter_count, a.best, b.best);
}

static fc_trainer_state state_copy(const fc_trainer *trainer)
{
    fc_trainer_state s = fc_trainer_get_state(trainer);
    s.parameters = copied(s.parameters, s.parameter_count, sizeof(float));
    s.first_moment = copied(s.first_moment, s.parameter_count, sizeof(float));
    s.second_moment = copied(s.second_moment, s.parameter_count, sizeof(float));
    s.average = copied(s.average, s.parameter_count, sizeof(float));
    s.best = copied(s.best, s.parameter_count, sizeof(float));
    return s;
}

static void state_clear(fc_trainer_state *s)
{
    free(s->parameters);
    free(s->first_moment);
    free(s->second_moment);
    free(s->average);
    free(s->best);
}

/* A trainer with its own field on shared trajectories. */
typedef struct run {
    fc_field *field;
    fc_trainer *trainer;
} run;

static run run_create(fc_context *context, const sample *training, const sample *validation,
                      uint64_t updates)
{
    fc_dynamics_config config = budget(updates);
    run r = {.field = make_field(context, training->t.codes, 6)};
    must(context, fc_trainer_create(context, r.field, &training->t,
                                    validation ? &validation->t : NULL, &config, &r.trainer));
    return r;
}

static void run_destroy(run *r)
{
    fc_trainer_destroy(r->trainer);
    fc_field_destroy(r->field);
}

static bool advance(fc_context *context, run *r, uint64_t updates)
{
    double loss, validation;
    bool done;
    must(context, fc_trainer_run(r->trainer, updates, &done, &loss, &validation));
    return done;
}

static void continue_on(int threads, uint64_t updates)
{
    fc_context *context;
    assert_int_equal(fc_context_create(threads, &context), FC_OK);
    sample training = sample_create(hunt, PREY, SEQUENCES, FRAMES, true, 3);
    sample validation = sample_create(hunt, PREY, 4, FRAMES, true, 4);
    run whole = run_create(context, &training, &validation, updates);
    run part = run_create(context, &training, &validation, updates);
    assert_true(advance(context, &whole, UINT64_MAX));
    assert_false(advance(context, &part, updates / 3));
    fc_trainer_state saved = state_copy(part.trainer);
    assert_int_equal(saved.update, updates / 3);
    run_destroy(&part);
    run again =
        run_create(context, &training, &validation, 1); /* the schedule comes with the state */
    must(context, fc_trainer_set_state(again.trainer, &saved));
    while (!advance(context, &again, 50))
        ;
    assert_same_state(whole.trainer, again.trainer);
    fc_trainer_finish(whole.trainer);
    fc_trainer_finish(again.trainer);
    assert_same_floats(whole.field->parameter_count, whole.field->parameters,
                       again.field->parameters);
    assert_true(fc_trainer_share(again.trainer) == 1.0);
    state_clear(&saved);
    run_destroy(&whole);
    run_destroy(&again);
    sample_clear(&training);
    sample_clear(&validation);
    fc_context_destroy(context);
}

static void a_restored_trainer_continues_bit_for_bit(void **state)
{
    (void)state;
    continue_on(1, 600);
    continue_on(2, 30);
}

static void a_state_of_another_field_is_refused(void **state)
{
    sample training = sample_create(hunt, PREY, 6, FRAMES, false, 3);
    run r = run_create(*state, &training, NULL, 100);
    fc_trainer_state other = fc_trainer_get_state(r.trainer);
    other.parameter_count = 3;
    assert_int_equal(fc_trainer_set_state(r.trainer, &other), FC_ERROR_DATA);
    assert_message(*state, "saved training has 3 parameters, this field has ");
    run_destroy(&r);
    sample_clear(&training);
}

static void an_interrupted_trainer_can_be_saved_and_continued(void **state)
{
    fc_context *stopped;
    double loss, share;
    bool done = false;
    sample training = sample_create(hunt, PREY, SEQUENCES, FRAMES, false, 3);
    must(*state, fc_context_create(1, &stopped));
    run whole = run_create(*state, &training, NULL, 300);
    run part = run_create(stopped, &training, NULL, 300);
    advance(stopped, &part, 70);
    fc_context_interrupt(stopped);
    assert_int_equal(fc_trainer_run(part.trainer, 100, &done, &loss, &share), FC_INTERRUPTED);
    assert_message(stopped, "interrupted at update 70");
    assert_false(done);
    run again = run_create(*state, &training, NULL, 300);
    fc_trainer_state saved = fc_trainer_get_state(part.trainer);
    must(*state, fc_trainer_set_state(again.trainer, &saved));
    assert_true(advance(*state, &whole, UINT64_MAX));
    assert_true(advance(*state, &again, UINT64_MAX));
    assert_same_state(whole.trainer, again.trainer);
    run_destroy(&whole);
    run_destroy(&part);
    run_destroy(&again);
    sample_clear(&training);
    fc_context_destroy(stopped);
}

/* ---------------------------------------------------------------- validation */

/* Mean squared error of rollouts with RK4 x 2 from the first frames of a sample, interval 1. */
static double rollout_error(const fc_field *field, const sample *s)
{
    fc_rk_plan plan = {.field = field->config,
                       .scheme = FC_RK_RK4,
                       .substeps = 2,
                       .intervals = FRAMES - 1,
                       .batch = 1};
    size_t codes = field->config.codes, size = (FRAMES - 1) * codes;
    float dt[FRAMES - 1], z[(FRAMES - 1) * LINEAR];
    float *work = zeros(fc_rk_work_size(&plan), sizeof *work);
    double sum = 0.0;
    for (size_t k = 0; k + 1 < FRAMES; k++)
        dt[k] = 1.0f;
    for (size_t q = 0; q < s->t.count; q++) {
        const float *truth = s->z + s->first[q] * codes;
        fc_rk_forward(&plan, field->parameters, dt, truth, z, NULL, work);
        for (size_t i = 0; i < size; i++)
            sum += pow((double)(z[i] - truth[codes + i]), 2.0) / (double)(size * s->t.count);
    }
    free(work);
    return sum;
}

/* The start is right for validation, and training pulls towards a system of half the speed: the
 * longer, the worse. */
static void the_best_weights_on_validation_are_kept_and_patience_ends(void **state)
{
    sample training = sample_create(hunt, PREY, SEQUENCES, FRAMES, false, 5);
    sample validation = sample_create(hunt, PREY, 3, FRAMES, false, 6);
    for (size_t i = 0; i < training.first[training.t.count]; i++)
        training.times[i] *= 2.0;
    fc_field *field = learn(*state, &validation, 8, 2000);
    fc_dynamics_config config = budget(3000);
    fc_trainer *trainer;
    double loss, last;
    bool done;
    config.patience = 0.2;
    config.rate = 1e-3;
    must(*state, fc_trainer_create(*state, field, &training.t, &validation.t, &config, &trainer));
    must(*state, fc_trainer_run(trainer, UINT64_MAX, &done, &loss, &last));
    fc_trainer_state s = fc_trainer_get_state(trainer);
    assert_true(done);
    assert_true(fc_trainer_share(trainer) < 0.5);
    assert_true(s.best_update > 0 && s.best_update < s.update);
    assert_below(3.0 * s.best_loss, last);
    fc_trainer_finish(trainer);
    assert_same_floats(s.parameter_count, field->parameters, s.best);
    assert_near(rollout_error(field, &validation) / s.best_loss, 1.0, 1e-4);
    fc_trainer_destroy(trainer);
    fc_field_destroy(field);
    sample_clear(&training);
    sample_clear(&validation);
}

static void without_validation_the_averaged_weights_are_the_result(void **state)
{
    sample training = sample_create(hunt, PREY, 6, FRAMES, false, 5);
    sample single = sample_create(hunt, PREY, 3, 1, false, 6);
    run r = run_create(*state, &training, &single, 200); /* single frames validate nothing */
    advance(*state, &r, UINT64_MAX);
    fc_trainer_state s = fc_trainer_get_state(r.trainer);
    fc_trainer_finish(r.trainer);
    assert_same_floats(s.parameter_count, r.field->parameters, s.average);
    assert_true(isinf(s.best_loss));
    run_destroy(&r);
    sample_clear(&training);
    sample_clear(&single);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_oscillators_are_learned),
        cmocka_unit_test(unequal_intervals_teach_the_same_field),
        cmocka_unit_test(a_bilinear_system_is_learned_as_a_true_differential_equation),
        cmocka_unit_test(a_restored_trainer_continues_bit_for_bit),
        cmocka_unit_test(a_state_of_another_field_is_refused),
        cmocka_unit_test(an_interrupted_trainer_can_be_saved_and_continued),
        cmocka_unit_test(the_best_weights_on_validation_are_kept_and_patience_ends),
        cmocka_unit_test(without_validation_the_averaged_weights_are_the_result),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
