#include "../ode/trainer_fixture.h"
#include "cuda_fixture.h"

#include "ode/engine.h"

/* Training amplifies the last bits of a sum: of two good fields one is a little better. */
#define TOLERANCE_VALIDATION 0.01
#define TOLERANCE_VALIDATION_TF32 0.1 /* where there is no noise but that of the products */

enum { RANK = 6, UPDATES = 300 };

typedef struct run {
    fc_field *field;
    fc_trainer *trainer;
} run;

static run run_create(fc_context *context, const sample *training, const sample *validation,
                      const fc_dynamics_config *config)
{
    run r = {.field = make_field(context, training->t.codes, RANK)};
    must(context,
         fc_trainer_create(context, r.field, &training->t, &validation->t, config, &r.trainer));
    return r;
}

static void run_destroy(run *r)
{
    fc_trainer_destroy(r->trainer);
    fc_field_destroy(r->field);
}

/* Returns the mean loss of the updates. */
static double advance(fc_context *context, run *r, uint64_t updates)
{
    double loss, validation;
    bool done;
    must(context, fc_trainer_run(r->trainer, updates, &done, &loss, &validation));
    return loss;
}

static void assert_same_trainers(const fc_trainer *x, const fc_trainer *y)
{
    fc_trainer_state a = fc_trainer_get_state(x), b = fc_trainer_get_state(y);
    size_t bytes = a.parameter_count * sizeof(float);
    assert_int_equal(a.update, b.update);
    assert_int_equal(a.best_update, b.best_update);
    assert_memory_equal(&a.best_loss, &b.best_loss, sizeof a.best_loss);
    assert_memory_equal(&a.gradient_norm, &b.gradient_norm, sizeof a.gradient_norm);
    assert_memory_equal(a.parameters, b.parameters, bytes);
    assert_memory_equal(a.first_moment, b.first_moment, bytes);
    assert_memory_equal(a.second_moment, b.second_moment, bytes);
    assert_memory_equal(a.average, b.average, bytes);
    assert_memory_equal(a.best, b.best, bytes);
}

static void learn_on_both(fc_cuda_precision precision, double tolerance)
{
    cuda_fixture f = cuda_open(precision);
    sample training = sample_create(hunt, PREY, SEQUENCES, FRAMES, true, 3);
    sample validation = sample_create(hunt, PREY, 4, FRAMES, true, 4);
    fc_dynamics_config config = budget(UPDATES);
    config.batch = 12;
    run device = run_create(f.context, &training, &validation, &config);
    run host = run_create(f.plain, &training, &validation, &config);
    double start = advance(f.context, &device, 20), expected = advance(f.plain, &host, 20);
    assert_close(fabs(start / expected - 1.0), TOLERANCE_TF32);
    advance(f.context, &device, UINT64_MAX);
    advance(f.plain, &host, UINT64_MAX);
    fc_trainer_state a = fc_trainer_get_state(device.trainer);
    fc_trainer_state b = fc_trainer_get_state(host.trainer);
    assert_int_equal(a.update, b.update);
    assert_close(fabs(a.best_loss / b.best_loss - 1.0), tolerance);
    assert_true(a.best_loss < 0.1 * start);
    run_destroy(&device);
    run_destroy(&host);
    sample_clear(&training);
    sample_clear(&validation);
    cuda_close(&f);
}

static void a_field_learns_as_well_as_on_the_processor(void **state)
{
    (void)state;
    learn_on_both(FC_CUDA_FP32, TOLERANCE_VALIDATION);
    learn_on_both(FC_CUDA_TF32, TOLERANCE_VALIDATION_TF32);
}

static void a_restored_trainer_continues_bit_for_bit(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    sample training = sample_create(hunt, PREY, SEQUENCES, FRAMES, true, 3);
    sample validation = sample_create(hunt, PREY, 4, FRAMES, true, 4);
    fc_dynamics_config config = budget(100), other = budget(1);
    run whole = run_create(f.context, &training, &validation, &config);
    run part = run_create(f.context, &training, &validation, &config);
    run again = run_create(f.context, &training, &validation, &other);
    advance(f.context, &whole, UINT64_MAX);
    advance(f.context, &part, 33);
    fc_trainer_state saved = fc_trainer_get_state(part.trainer);
    must(f.context, fc_trainer_set_state(again.trainer, &saved));
    advance(f.context, &again, UINT64_MAX);
    assert_same_trainers(whole.trainer, again.trainer);
    run_destroy(&whole);
    run_destroy(&part);
    run_destroy(&again);
    sample_clear(&training);
    sample_clear(&validation);
    cuda_close(&f);
}

static void an_interrupted_trainer_has_the_state_after_its_updates(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32), stopped = cuda_open(FC_CUDA_TF32);
    sample training = sample_create(hunt, PREY, SEQUENCES, FRAMES, false, 3);
    sample validation = sample_create(hunt, PREY, 4, FRAMES, false, 4);
    fc_dynamics_config config = budget(300);
    run whole = run_create(f.context, &training, &validation, &config);
    run part = run_create(stopped.context, &training, &validation, &config);
    double loss, last;
    bool done = false;
    advance(f.context, &whole, 7);
    advance(stopped.context, &part, 7);
    fc_context_interrupt(stopped.context);
    assert_int_equal(fc_trainer_run(part.trainer, 100, &done, &loss, &last), FC_INTERRUPTED);
    assert_message(stopped.context, "interrupted at update 7");
    assert_same_trainers(whole.trainer, part.trainer);
    run_destroy(&whole);
    run_destroy(&part);
    sample_clear(&training);
    sample_clear(&validation);
    cuda_close(&f);
    cuda_close(&stopped);
}

/* The weights that a budget was measured with are forgotten again. */
static void a_budget_in_seconds_is_planned_and_ends(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    sample training = sample_create(hunt, PREY, SEQUENCES, FRAMES, false, 3);
    sample validation = sample_create(hunt, PREY, 4, FRAMES, false, 4);
    fc_dynamics_config config = budget(0), counted = budget(1000);
    config.seconds = 0.05;
    run timed = run_create(f.context, &training, &validation, &config);
    run plain = run_create(f.context, &training, &validation, &counted);
    assert_memory_equal(fc_trainer_get_state(timed.trainer).parameters, timed.field->parameters,
                        timed.field->parameter_count * sizeof(float));
    double loss = advance(f.context, &timed, 1), expected = advance(f.context, &plain, 1);
    assert_true(loss == expected);
    advance(f.context, &timed, UINT64_MAX);
    assert_true(fc_trainer_share(timed.trainer) == 1.0);
    run_destroy(&timed);
    run_destroy(&plain);
    sample_clear(&training);
    sample_clear(&validation);
    cuda_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_learns_as_well_as_on_the_processor),
        cmocka_unit_test(a_restored_trainer_continues_bit_for_bit),
        cmocka_unit_test(an_interrupted_trainer_has_the_state_after_its_updates),
        cmocka_unit_test(a_budget_in_seconds_is_planned_and_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
