#include "descent_fixture.h"

#ifdef FC_EMULATED
#include "emulation/emulation.h"
#endif

/* Rounding that 72 evaluations in a row have passed on. */
#define TOLERANCE_GRADIENT_FP32 5e-5
#define TOLERANCE_GRADIENT_TF32 1.5e-2
/* and 50 updates, whose steps are of unit size even where the gradient is small */
#define TOLERANCE_UPDATES 1e-4

/* ---------------------------------------------------------------- loss and gradient */

static void compare_gradients(fc_cuda_precision precision, fc_field_config field, size_t batch,
                              double tolerance)
{
    cuda_fixture f = cuda_open(precision);
    setting s = setting_create(field, batch, 3);
    descending device = descend(f.context, &s), host = descend(f.plain, &s);
    float *found = reserve(s.count, sizeof *found), *expected = reserve(s.count, sizeof *expected);
    for (size_t plan = 0; plan < PLANS; plan++) {
        double loss, norm, expected_loss, expected_norm;
        assert_status(device.steps->differentiate(device.descent, f.context, plan, s.chosen, found,
                                                  &loss, &norm),
                      f.context);
        assert_status(host.steps->differentiate(host.descent, f.plain, plan, s.chosen, expected,
                                                &expected_loss, &expected_norm),
                      f.plain);
        assert_close(cuda_difference(s.count, found, expected), tolerance);
        assert_close(cuda_difference_double(1, &loss, &expected_loss), tolerance);
        assert_close(cuda_difference_double(1, &norm, &expected_norm), tolerance);
    }
    free(found);
    free(expected);
    descending_clear(&device);
    descending_clear(&host);
    setting_clear(&s);
    cuda_close(&f);
}

static void gradients_are_those_of_the_processor(void **state)
{
    (void)state;
    static const fc_field_config fields[] = {
        {.codes = 19, .linear = true, .rank = 37, .hidden = 9},
        {.codes = 19, .linear = false, .rank = 37, .hidden = 9},
        {.codes = 8, .linear = true, .rank = 64},
        {.codes = 21, .linear = false, .hidden = 30},
        {.codes = 5, .linear = true},
        {.codes = 1, .linear = false, .rank = 1},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        compare_gradients(FC_CUDA_FP32, fields[i], 13, TOLERANCE_GRADIENT_FP32);
        compare_gradients(FC_CUDA_TF32, fields[i], 13, TOLERANCE_GRADIENT_TF32);
    }
    compare_gradients(FC_CUDA_FP32, fields[0], 1, TOLERANCE_GRADIENT_FP32);
    compare_gradients(FC_CUDA_BF16, fields[0], 70, TOLERANCE_GRADIENT_TF32);
}

/* ---------------------------------------------------------------- updates */

static fc__update how(uint64_t number)
{
    return (fc__update){.adam = {.rate = 1e-3 / (1.0 + 0.1 * (double)number),
                                 .beta1 = 0.9,
                                 .beta2 = 0.99,
                                 .epsilon = 1e-8,
                                 .decay = 0.1},
                        .keep = 0.9f};
}

/* Updates [begin, end), each by the plan that is its turn and with its segments in another order.
 */
static void advance(descending *d, const setting *s, uint64_t begin, uint64_t end, size_t plans)
{
    size_t batch = s->plans[0].batch, *chosen = reserve(batch, sizeof *chosen);
    for (uint64_t n = begin; n < end; n++) {
        fc__update update = how(n);
        for (size_t b = 0; b < batch; b++)
            chosen[b] = s->chosen[(b + n) % batch] - (b * n) % 2;
        assert_status(d->steps->update(d->descent, d->context, n % plans, chosen, &update, n),
                      d->context);
    }
    free(chosen);
}

static double catch_up(descending *d)
{
    double loss;
    assert_status(d->steps->read(d->descent, d->context, &d->state, &loss), d->context);
    return loss;
}

static void assert_states_close(const fc_trainer_state *a, const fc_trainer_state *b,
                                double tolerance)
{
    size_t count = a->parameter_count;
    assert_close(cuda_difference(count, a->parameters, b->parameters), tolerance);
    assert_close(cuda_difference(count, a->average, b->average), tolerance);
    assert_close(cuda_difference(count, a->first_moment, b->first_moment), tolerance);
    assert_close(cuda_difference(count, a->second_moment, b->second_moment), tolerance);
    assert_close(cuda_difference_double(1, &a->gradient_norm, &b->gradient_norm), tolerance);
}

static void assert_same_states(const fc_trainer_state *a, const fc_trainer_state *b)
{
    size_t bytes = a->parameter_count * sizeof(float);
    assert_memory_equal(a->parameters, b->parameters, bytes);
    assert_memory_equal(a->average, b->average, bytes);
    assert_memory_equal(a->first_moment, b->first_moment, bytes);
    assert_memory_equal(a->second_moment, b->second_moment, bytes);
    assert_memory_equal(&a->gradient_norm, &b->gradient_norm, sizeof a->gradient_norm);
}

static const fc_field_config small = {.codes = 6, .linear = true, .rank = 11, .hidden = 3};

static void fifty_updates_are_those_of_the_processor(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_FP32);
    setting s = setting_create(small, 9, 5);
    descending device = descend(f.context, &s), host = descend(f.plain, &s);
    advance(&device, &s, 0, 50, PLANS);
    advance(&host, &s, 0, 50, PLANS);
    double loss = catch_up(&device), expected = catch_up(&host);
    assert_close(cuda_difference_double(1, &loss, &expected), TOLERANCE_UPDATES);
    assert_states_close(&device.state, &host.state, TOLERANCE_UPDATES);
    assert_true(catch_up(&device) == 0.0); /* losses are told once */
    descending_clear(&device);
    descending_clear(&host);
    setting_clear(&s);
    cuda_close(&f);
}

static void gradients_are_clipped_at_twice_their_running_norm(void **state)
{
    (void)state;
    static const double share[] = {1e-3, 0.49, 0.51, 10.0}; /* running norm over the norm */
    cuda_fixture f = cuda_open(FC_CUDA_FP32);
    setting s = setting_create(small, 9, 5);
    descending first = descend(f.plain, &s);
    advance(&first, &s, 0, 1, 1);
    catch_up(&first);
    for (size_t i = 0; i < sizeof share / sizeof *share; i++) {
        s.state.gradient_norm = share[i] * first.state.gradient_norm;
        descending device = descend(f.context, &s), host = descend(f.plain, &s);
        advance(&device, &s, 0, 1, 1);
        advance(&host, &s, 0, 1, 1);
        catch_up(&device);
        catch_up(&host);
        assert_states_close(&device.state, &host.state, TOLERANCE_FP32);
        descending_clear(&device);
        descending_clear(&host);
    }
    descending_clear(&first);
    setting_clear(&s);
    cuda_close(&f);
}

static void a_gradient_that_is_not_finite_clears_the_first_moment_alone(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    setting s = setting_create(small, 9, 5);
    for (size_t i = 0; i < s.count; i++) {
        s.state.parameters[i] *= 1e25f;
        s.state.first_moment[i] = s.state.second_moment[i] = 1.0f + (float)i;
    }
    s.state.gradient_norm = 0.3;
    descending device = descend(f.context, &s);
    advance(&device, &s, 7, 8, 1);
    assert_false(isfinite(catch_up(&device)));
    for (size_t i = 0; i < s.count; i++)
        assert_true(device.state.first_moment[i] == 0.0f);
    memset(s.state.first_moment, 0, s.count * sizeof(float));
    assert_same_states(&device.state, &s.state);
    descending_clear(&device);
    setting_clear(&s);
    cuda_close(&f);
}

/* A new descent has recorded nothing yet: its first update is queued launch by launch. */
static void updates_have_the_same_bits_alone_resumed_and_recorded(void **state)
{
    (void)state;
    enum { UPDATES = 9 };
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    setting s = setting_create(small, 9, 5), alone = setting_create(small, 9, 5);
    descending device = descend(f.context, &s);
    advance(&device, &s, 0, UPDATES, 2);
    double loss = catch_up(&device), sum = 0.0;
    for (uint64_t n = 0; n < UPDATES; n++) {
        descending one = descend(f.context, &alone);
        advance(&one, &alone, n, n + 1, 2);
        sum += catch_up(&one);
        state_clear(&alone.state);
        alone.state = state_copy(&one.state);
        descending_clear(&one);
    }
    assert_same_states(&device.state, &alone.state);
    assert_close(cuda_difference_double(1, &sum, &loss), TOLERANCE_DOUBLE);
    descending_clear(&device);
    setting_clear(&s);
    setting_clear(&alone);
    cuda_close(&f);
}

/* More than go over to the device at a time, and than may be on their way. */
static void updates_queue_without_limit(void **state)
{
    (void)state;
    enum { UPDATES = 200 };
    static const fc_field_config tiny = {.codes = 2, .linear = true, .rank = 3};
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    setting s = setting_create(tiny, 3, 6);
    descending queued = descend(f.context, &s), waited = descend(f.context, &s);
    advance(&queued, &s, 0, UPDATES, 1);
    catch_up(&queued);
    for (uint64_t n = 0; n < UPDATES; n += 20) {
        advance(&waited, &s, n, n + 20, 1);
        catch_up(&waited);
    }
    assert_same_states(&queued.state, &waited.state);
    descending_clear(&queued);
    descending_clear(&waited);
    setting_clear(&s);
    cuda_close(&f);
}

static void a_state_that_is_written_is_gone_on_from(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    setting s = setting_create(small, 9, 5);
    descending device = descend(f.context, &s), again = descend(f.context, &s);
    advance(&device, &s, 0, 3, 1);
    catch_up(&device);
    advance(&again, &s, 0, 5, 2);
    assert_status(again.steps->write(again.descent, f.context, &device.state), f.context);
    advance(&device, &s, 3, 5, 1);
    advance(&again, &s, 3, 5, 1);
    catch_up(&device);
    catch_up(&again);
    assert_same_states(&device.state, &again.state);
    descending_clear(&device);
    descending_clear(&again);
    setting_clear(&s);
    cuda_close(&f);
}

/* ---------------------------------------------------------------- validation */

static void compare_validation(const cuda_fixture *f, const setting *s, const fc_trajectories *t,
                               double tolerance)
{
    descending device = descend(f->context, s), host = descend(f->plain, s);
    double loss, expected;
    assert_status(host.steps->validate(host.descent, f->plain, t, &expected), f->plain);
    for (int twice = 0; twice < 2; twice++) {
        assert_status(device.steps->validate(device.descent, f->context, t, &loss), f->context);
        assert_close(cuda_difference_double(1, &loss, &expected), tolerance);
    }
    descending_clear(&device);
    descending_clear(&host);
}

static void validation_losses_are_those_of_the_processor(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_FP32);
    setting s = setting_create(small, 9, 5);
    compare_validation(&f, &s, &s.t, TOLERANCE_FP32);
    setting_clear(&s);
    cuda_close(&f);
}

/* More than are rolled out together, of two and three frames in turn. */
static void many_sequences_are_validated_in_batches(void **state)
{
    (void)state;
    enum { COUNT = 1100 };
    static const fc_field_config tiny = {.codes = 2, .linear = true, .rank = 3};
    cuda_fixture f = cuda_open(FC_CUDA_FP32);
    setting s = setting_create(tiny, 3, 6);
    size_t *first = reserve(COUNT + 1, sizeof *first);
    for (size_t i = 0; i < COUNT; i++)
        first[i + 1] = first[i] + 2 + i % 2;
    double *times = reserve(first[COUNT], sizeof *times);
    float *z = reserve(first[COUNT] * 2, sizeof *z);
    fc__rng rng = fc__rng_create(9, 9);
    fill(&rng, 0.5, first[COUNT] * 2, z);
    for (size_t i = 0; i < first[COUNT]; i++)
        times[i] = 0.3 * (double)i;
    const fc_trajectories t = {2, COUNT, first, times, z};
    compare_validation(&f, &s, &t, TOLERANCE_FP32);
    free(first);
    free(times);
    free(z);
    setting_clear(&s);
    cuda_close(&f);
}

static void a_rollout_that_blows_up_validates_as_infinite(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    setting s = setting_create(small, 9, 5);
    for (size_t i = 0; i < s.count; i++)
        s.state.average[i] *= 1e20f;
    descending device = descend(f.context, &s);
    double loss;
    assert_status(device.steps->validate(device.descent, f.context, &s.t, &loss), f.context);
    assert_true(loss == INFINITY);
    descending_clear(&device);
    setting_clear(&s);
    cuda_close(&f);
}

/* ---------------------------------------------------------------- what is refused */

static void a_field_without_terms_is_left_to_the_processor(void **state)
{
    (void)state;
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    setting s = setting_create((fc_field_config){.codes = 3}, 4, 5);
    void *descent = &s;
    assert_status(f.engine->dynamics->descent->create(f.engine->device, f.context, PLANS, s.plans,
                                                      &s.t, &s.state, &descent),
                  f.context);
    assert_null(descent);
    setting_clear(&s);
    cuda_close(&f);
}

static void too_little_memory_is_said(void **state)
{
    (void)state;
    fc_cuda_config config = fc_cuda_config_default();
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    fc_context_set_engine(f.context, NULL);
    fc_engine_destroy(f.engine);
    config.memory = 200000;
    assert_status(fc_cuda_engine_create(f.context, &config, &f.engine), f.context);
    setting s = setting_create(small, 64, 5);
    void *descent = &s;
    assert_int_equal(f.engine->dynamics->descent->create(f.engine->device, f.context, PLANS,
                                                         s.plans, &s.t, &s.state, &descent),
                     FC_ERROR_MEMORY);
    assert_null(descent);
    assert_non_null(strstr(fc_context_message(f.context), "records of rollouts takes"));
    setting_clear(&s);
    cuda_close(&f);
}

#ifdef FC_EMULATED
/* A call that fails ends in an error, or where it was of a graph's in the same result without. */
static void every_failure_of_the_device_is_told_and_leaks_nothing(void **state)
{
    (void)state;
    enum { LAUNCH_FAILURE = 719 };
    static const fc_field_config tiny = {.codes = 2, .linear = true, .rank = 3};
    cuda_fixture f = cuda_open(FC_CUDA_TF32);
    setting s = setting_create(tiny, 3, 6);
    descending whole = descend(f.context, &s);
    advance(&whole, &s, 0, 3, 1);
    catch_up(&whole);
    size_t allocated, failures = 0;
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        descending d = {.context = f.context, .steps = whole.steps, .state = state_copy(&s.state)};
        fc__update update = how(0);
        double loss;
        allocated = cuda_in_use(&f);
        fc_emulation_fail_after(n, LAUNCH_FAILURE);
        fc_status status = d.steps->create(f.engine->device, f.context, PLANS, s.plans, &s.t,
                                           &d.state, &d.descent);
        for (uint64_t i = 0; i < 3 && status == FC_OK; i++)
            status = d.steps->update(d.descent, f.context, 0, s.chosen, &update, i);
        if (status == FC_OK)
            status = d.steps->read(d.descent, f.context, &d.state, &loss);
        failed = status != FC_OK;
        failures += failed;
        fc_emulation_fail_after(0, 0);
        d.steps->destroy(d.descent);
        assert_int_equal(cuda_in_use(&f), allocated);
        state_clear(&d.state);
    }
    assert_true(failures > 60);
    descending_clear(&whole);
    setting_clear(&s);
    cuda_close(&f);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_those_of_the_processor),
        cmocka_unit_test(fifty_updates_are_those_of_the_processor),
        cmocka_unit_test(gradients_are_clipped_at_twice_their_running_norm),
        cmocka_unit_test(a_gradient_that_is_not_finite_clears_the_first_moment_alone),
        cmocka_unit_test(updates_have_the_same_bits_alone_resumed_and_recorded),
        cmocka_unit_test(updates_queue_without_limit),
        cmocka_unit_test(a_state_that_is_written_is_gone_on_from),
        cmocka_unit_test(validation_losses_are_those_of_the_processor),
        cmocka_unit_test(many_sequences_are_validated_in_batches),
        cmocka_unit_test(a_rollout_that_blows_up_validates_as_infinite),
        cmocka_unit_test(a_field_without_terms_is_left_to_the_processor),
        cmocka_unit_test(too_little_memory_is_said),
#ifdef FC_EMULATED
        cmocka_unit_test(every_failure_of_the_device_is_told_and_leaks_nothing),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
