#include "model_fixture.h"

#include <time.h>

/* Root mean square errors of forecasts over 8 intervals, relative to that of the codes. */
#define TOLERANCE_LINEAR 2e-3   /* learned oscillators */
#define TOLERANCE_UNEQUAL 2e-3  /* the same from unequal intervals */
#define TOLERANCE_BILINEAR 8e-3 /* learned predators and prey */
#define TOLERANCE_MATRIX 5e-3   /* learned A against the true one, absolute */
#define INTEGRATOR_SHARE 0.2    /* of the forecast error that may lie between two integrators */
#define BETWEEN_FRAMES 1.2      /* error at half intervals over error at whole ones */

enum { LINEAR = 4, PREY = 2, SEQUENCES = 24, FRAMES = 9 };

/* ---------------------------------------------------------------- trajectories of known systems */

typedef void exact_flow(double time, double *z);

/* Two oscillators with 0.5 and 0.8 radians an interval, the second damped. */
static void oscillate(double time, double *z)
{
    static const double turn[2] = {0.5, -0.8}, damping[2] = {0.0, 0.05};
    for (int k = 0; k < 2; k++) {
        double c = cos(turn[k] * time), s = sin(turn[k] * time), keep = exp(-damping[k] * time);
        double x = z[2 * k], y = z[2 * k + 1];
        z[2 * k] = keep * (c * x - s * y);
        z[2 * k + 1] = keep * (s * x + c * y);
    }
}

/* x' = x (0.4 - 0.5 y), y' = y (0.4 x - 0.3), about (0.9, 0.8), by fine RK4 steps. */
static void hunt(double time, double *z)
{
    enum { STEPS = 60 };
    double h = time / STEPS, k[5][2] = {{0}};
    for (int n = 0; n < STEPS; n++) {
        for (int stage = 1; stage < 5; stage++) {
            double step = stage == 1 ? 0.0 : stage == 4 ? h : 0.5 * h;
            double x = 0.9 + z[0] + step * k[stage - 1][0];
            double y = 0.8 + z[1] + step * k[stage - 1][1];
            k[stage][0] = x * (0.4 - 0.5 * y);
            k[stage][1] = y * (0.4 * x - 0.3);
        }
        for (int i = 0; i < 2; i++)
            z[i] += h / 6.0 * (k[1][i] + 2.0 * k[2][i] + 2.0 * k[3][i] + k[4][i]);
    }
}

typedef struct sample {
    fc_trajectories t;
    size_t *first;
    double *times;
    float *z;
} sample;

/* Random starts; intervals of 1, or between 0.6 and 1.6. */
static sample sample_create(exact_flow *flow, size_t codes, size_t count, size_t frames,
                            bool unequal, uint64_t seed)
{
    sample s = {.first = zeros(count + 1, sizeof *s.first),
                .times = zeros(count * frames, sizeof *s.times),
                .z = zeros(count * frames * codes, sizeof *s.z)};
    fc__rng rng = fc__rng_create(seed, 55);
    double z[LINEAR];
    for (size_t k = 0; k < count; k++) {
        s.first[k] = k * frames;
        for (size_t i = 0; i < codes; i++)
            z[i] = 0.5 * (2.0 * fc__rng_uniform(&rng) - 1.0);
        for (size_t f = k * frames; f < (k + 1) * frames; f++) {
            for (size_t i = 0; i < codes; i++)
                s.z[f * codes + i] = (float)z[i];
            double interval = unequal ? 0.6 + fc__rng_uniform(&rng) : 1.0;
            if (f + 1 < (k + 1) * frames)
                s.times[f + 1] = s.times[f] + interval;
            flow(interval, z);
        }
    }
    s.first[count] = count * frames;
    s.t = (fc_trajectories){
        .codes = codes, .count = count, .first = s.first, .times = s.times, .z = s.z};
    return s;
}

/* Errors of measurement, which real codes have and without which nothing is left to learn badly. */
static void add_noise(sample *s, double deviation)
{
    fc__rng rng = fc__rng_create(12, 12);
    for (size_t i = 0; i < s->first[s->t.count] * s->t.codes; i++)
        s->z[i] += (float)(deviation * fc__rng_normal(&rng));
}

static void sample_clear(sample *s)
{
    free(s->first);
    free(s->times);
    free(s->z);
}

static fc_field *make_field(fc_context *context, size_t codes, size_t rank)
{
    fc_field_config config = {.codes = codes, .linear = true, .rank = rank};
    fc_field *field;
    must(context, fc_field_create(context, &config, 2, &field));
    return field;
}

static fc_dynamics_config budget(uint64_t updates)
{
    fc_dynamics_config config = fc_dynamics_config_default();
    config.updates = updates;
    config.batch = 32;
    config.rate = 5e-3;
    config.average = 0.98; /* the last phases of so short a schedule are a few dozen updates */
    config.seed = 8;
    return config;
}

/* A field of the given rank trained to the end. */
static fc_field *learn(fc_context *context, const sample *training, size_t rank, uint64_t updates)
{
    fc_field *field = make_field(context, training->t.codes, rank);
    fc_dynamics_config config = budget(updates);
    fc_trainer *trainer;
    double loss, validation;
    bool done;
    must(context, fc_trainer_create(context, field, &training->t, NULL, &config, &trainer));
    must(context, fc_trainer_run(trainer, UINT64_MAX, &done, &loss, &validation));
    assert_true(done);
    assert_true(isnan(validation));
    fc_trainer_finish(trainer);
    fc_trainer_destroy(trainer);
    return field;
}

/* ---------------------------------------------------------------- forecasts */

enum { TESTS = 20, LEADS = 8 };

/* States of the truth (TESTS, count, codes) at times offset + 1, offset + 2, ... from fresh starts.
 */
static void true_states(exact_flow *flow, size_t codes, double offset, double *z0, double *z)
{
    fc__rng rng = fc__rng_create(777, 1);
    for (size_t s = 0; s < TESTS; s++) {
        double now[LINEAR];
        for (size_t i = 0; i < codes; i++)
            now[i] = z0[s * codes + i] = 0.5 * (2.0 * fc__rng_uniform(&rng) - 1.0);
        flow(1.0 + offset, now);
        for (size_t k = 0; k < LEADS; k++) {
            memcpy(z + (s * LEADS + k) * codes, now, codes * sizeof *now);
            flow(1.0, now);
        }
    }
}

static void integrate_states(fc_context *context, const fc_field *field, double offset,
                             const double *z0, double *z)
{
    size_t codes = field->config.codes, counts[TESTS];
    double times[LEADS], *rows[TESTS];
    const double *wanted[TESTS];
    fc_integrator_config config = fc_integrator_config_default();
    config.rtol = config.atol = 1e-8;
    for (size_t k = 0; k < LEADS; k++)
        times[k] = (double)k + 1.0 + offset;
    for (size_t s = 0; s < TESTS; s++) {
        counts[s] = LEADS;
        wanted[s] = times;
        rows[s] = z + s * LEADS * codes;
    }
    must(context, fc_integrate(context, field, &config, TESTS, z0, counts, wanted, rows, NULL));
}

/* The same at whole intervals by RK4. */
static void step_states(const fc_field *field, size_t substeps, const double *z0, double *z)
{
    size_t codes = field->config.codes;
    fc_rk_plan plan = {.field = field->config,
                       .scheme = FC_RK_RK4,
                       .substeps = substeps,
                       .intervals = LEADS,
                       .batch = TESTS};
    float *dt = zeros(LEADS * TESTS, sizeof *dt),
          *work = zeros(fc_rk_work_size(&plan), sizeof *work);
    float *start = zeros(TESTS * codes, sizeof *start);
    float *rolled = zeros(LEADS * TESTS * codes, sizeof *rolled);
    for (size_t i = 0; i < LEADS * TESTS; i++)
        dt[i] = 1.0f;
    for (size_t i = 0; i < TESTS * codes; i++)
        start[i] = (float)z0[i];
    fc_rk_forward(&plan, field->parameters, dt, start, rolled, NULL, work);
    for (size_t s = 0; s < TESTS; s++)
        for (size_t k = 0; k < LEADS; k++)
            for (size_t i = 0; i < codes; i++)
                z[(s * LEADS + k) * codes + i] = (double)rolled[(k * TESTS + s) * codes + i];
    free(dt);
    free(work);
    free(start);
    free(rolled);
}

/* Root mean square difference. */
static double distance(size_t count, const double *a, const double *b)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum / (double)count);
}

static double forecast_error(fc_context *context, const fc_field *field, exact_flow *flow,
                             double offset)
{
    size_t codes = field->config.codes, count = TESTS * LEADS * codes;
    double z0[TESTS * LINEAR], z[TESTS * LEADS * LINEAR], truth[TESTS * LEADS * LINEAR];
    double nothing[TESTS * LEADS * LINEAR] = {0};
    true_states(flow, codes, offset, z0, truth);
    integrate_states(context, field, offset, z0, z);
    return distance(count, z, truth) / distance(count, nothing, truth);
}

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
        cmocka_unit_test(linear_oscillators_are_learned),
        cmocka_unit_test(unequal_intervals_teach_the_same_field),
        cmocka_unit_test(a_bilinear_system_is_learned_as_a_true_differential_equation),
        cmocka_unit_test(a_restored_trainer_continues_bit_for_bit),
        cmocka_unit_test(a_state_of_another_field_is_refused),
        cmocka_unit_test(an_interrupted_trainer_can_be_saved_and_continued),
        cmocka_unit_test(the_best_weights_on_validation_are_kept_and_patience_ends),
        cmocka_unit_test(without_validation_the_averaged_weights_are_the_result),
        cmocka_unit_test(a_budget_in_seconds_is_planned_and_spent),
        cmocka_unit_test(a_run_that_falls_behind_is_shortened),
        cmocka_unit_test(unusable_budgets_and_trajectories_are_refused),
        cmocka_unit_test(the_smallest_batch_and_the_shortest_sequences_train),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
