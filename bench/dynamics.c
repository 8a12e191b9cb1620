/* Cases vector-field and train-dynamics. */
#include "bench/bench.h"
#include "ode/evaluator.h"

#include <math.h>
#include <stdlib.h>

double bench_field_flops(const fc_field_config *field)
{
    double codes = (double)field->codes;
    return 2.0 * codes * codes + 6.0 * codes * (double)field->rank;
}

/* ---------------------------------------------------------------- evaluations */

typedef struct evaluation {
    const fc_field *field;
    size_t batch, threads, work_size;
    float *z, *dz; /* (batch, C) */
    float *work;   /* (threads, work_size) */
} evaluation;

static fc_status evaluate(void *user)
{
    evaluation *e = user;
    size_t codes = e->field->config.codes;
#pragma omp parallel for num_threads((int)e->threads) schedule(static, 1)
    for (size_t t = 0; t < e->threads; t++) {
        size_t begin, end;
        fc__slice(e->batch, e->threads, t, &begin, &end);
        fc_field_eval(&e->field->config, e->field->parameters, end - begin, e->z + begin * codes,
                      e->dz + begin * codes, e->work + t * e->work_size);
    }
    return FC_OK;
}

/* A batch, divided among the threads. */
static fc_status time_batch(bench *b, const fc_field *field, size_t batch, bench_timing *time)
{
    fc_status status = FC_OK;
    size_t codes = field->config.codes;
    evaluation e = {.field = field, .batch = batch};
    fc__rng rng = fc__rng_create(8, 0);
    e.threads = (size_t)fc_context_threads(b->context);
    e.work_size = fc_field_work_size(&field->config, batch);
    FC_NEW(b->context, &e.z, fc__product(batch, codes));
    FC_NEW(b->context, &e.dz, fc__product(batch, codes));
    FC_NEW(b->context, &e.work, fc__product(e.threads, e.work_size));
    for (size_t i = 0; i < batch * codes; i++)
        e.z[i] = (float)fc__rng_normal(&rng);
    FC_TRY(bench_time(b->context, b->repeats, NULL, evaluate, &e, time));
done:
    free(e.z);
    free(e.dz);
    free(e.work);
    return status;
}

/* One sample again and again with the same weights, as CVODE wants it: on one thread. */
typedef struct single {
    fc__evaluator *evaluator;
    float *panels;
    double *z, *dz; /* (C) */
} single;

static fc_status evaluate_one(void *user)
{
    single *s = user;
    fc__evaluator_run(s->evaluator, 1, s->z, s->dz);
    return FC_OK;
}

static fc_status time_one(bench *b, const fc_field *field, bench_timing *time)
{
    fc_status status = FC_OK;
    size_t codes = field->config.codes;
    single s = {0};
    fc__rng rng = fc__rng_create(8, 0);
    fc__field_weights weights = {.parameters = field->parameters};
    FC_NEW(b->context, &s.panels, fc__field_panels_size(&field->config, FC__PACK_FORWARD));
    FC_NEW(b->context, &s.z, codes);
    FC_NEW(b->context, &s.dz, codes);
    fc__field_pack(&field->config, field->parameters, FC__PACK_FORWARD, 0, 1, s.panels);
    weights.forward = s.panels;
    FC_TRY(fc__evaluator_create(&field->config, &weights, 1, 1, &s.evaluator));
    for (size_t i = 0; i < codes; i++)
        s.z[i] = fc__rng_normal(&rng);
    FC_TRY(bench_time(b->context, b->repeats, NULL, evaluate_one, &s, time));
done:
    fc__evaluator_destroy(s.evaluator);
    free(s.panels);
    free(s.z);
    free(s.dz);
    return status;
}

fc_status bench_run_vector_field(bench *b, const bench_case *which, const bench_problem *problem)
{
    fc_status status = FC_OK;
    bool one = which->variant == BENCH_ONE;
    const fc_field *field = problem->model->field;
    size_t batch = one ? 1 : problem->size->batch;
    bench_result result = {.name = which->name,
                           .size = problem->size->name,
                           .threads = one ? 1 : fc_context_threads(b->context),
                           .unit = "evaluations/s",
                           .compute = BENCH_SGEMM};
    if (one)
        FC_TRY(time_one(b, field, &result.time));
    else
        FC_TRY(time_batch(b, field, batch, &result.time));
    result.amount = (double)batch;
    result.flops = (double)batch * bench_field_flops(&field->config);
    result.bytes = one ? 4.0 * (double)field->parameter_count : 0.0;
    snprintf(result.note, sizeof result.note, "C = %zu, R = %zu, batch %zu", field->config.codes,
             field->config.rank, batch);
    FC_TRY(bench_keep(b, &result));
done:
    return status;
}

/* ---------------------------------------------------------------- training */

void bench_codes_clear(bench_codes *codes)
{
    free(codes->first);
    free(codes->times);
    free(codes->z);
    *codes = (bench_codes){0};
}

fc_status bench_codes_turn(fc_context *context, const bench_size *size, bench_codes *codes)
{
    fc_status status = FC_OK;
    size_t frames = size->horizon + 1, total = fc__product(size->sequences, frames);
    fc__rng rng = fc__rng_create(9, 0);
    *codes = (bench_codes){0};
    FC_NEW(context, &codes->first, size->sequences + 1);
    FC_NEW(context, &codes->times, total);
    FC_NEW(context, &codes->z, fc__product(total, size->codes));
    for (size_t s = 0; s < size->sequences; s++) {
        codes->first[s + 1] = (s + 1) * frames;
        for (size_t i = 0; i < size->codes; i++) {
            double frequency = (double)(i + 1) / (double)size->codes;
            double phase = 2.0 * M_PI * fc__rng_uniform(&rng);
            for (size_t f = 0; f < frames; f++)
                codes->z[(s * frames + f) * size->codes + i] =
                    (float)(M_SQRT2 * cos(frequency * (double)f + phase));
        }
        for (size_t f = 0; f < frames; f++)
            codes->times[s * frames + f] = (double)f;
    }
    codes->trajectories = (fc_trajectories){.codes = size->codes,
                                            .count = size->sequences,
                                            .first = codes->first,
                                            .times = codes->times,
                                            .z = codes->z};
done:
    return status;
}

typedef struct work {
    fc_field *field;
    bench_codes codes;
    fc_trainer *trainer;
    uint64_t updates; /* of an epoch */
    double loss;
} work;

static void work_clear(work *w)
{
    fc_trainer_destroy(w->trainer);
    fc_field_destroy(w->field);
    bench_codes_clear(&w->codes);
}

/* A trainer that stays in one phase of the schedule: the first, or the last. */
static fc_status trainer_create(fc_context *context, const bench_size *size, bool step, work *w)
{
    fc_status status = FC_OK;
    const uint64_t endless = (uint64_t)1 << 32;
    fc_field_config config = fc_field_config_default(size->codes);
    fc_dynamics_config dynamics = fc_dynamics_config_default();
    config.rank = size->rank;
    dynamics.updates = endless;
    dynamics.batch = size->batch;
    dynamics.horizon = size->horizon;
    FC_TRY(fc_field_create(context, &config, 2, &w->field));
    FC_TRY(bench_codes_turn(context, size, &w->codes));
    FC_TRY(
        fc_trainer_create(context, w->field, &w->codes.trajectories, NULL, &dynamics, &w->trainer));
    fc_trainer_state state = fc_trainer_get_state(w->trainer);
    for (size_t i = 0; i < sizeof state.updates / sizeof *state.updates; i++)
        state.updates[i] = i == (step ? 0 : 3) ? endless : 0;
    FC_TRY(fc_trainer_set_state(w->trainer, &state));
done:
    return status;
}

static fc_status epoch(void *user)
{
    work *w = user;
    double validation;
    bool finished;
    return fc_trainer_run(w->trainer, w->updates, &finished, &w->loss, &validation);
}

fc_status bench_run_train_dynamics(bench *b, const bench_case *which, const bench_problem *problem)
{
    fc_status status = FC_OK;
    const bench_size *size = problem->size;
    bool step = which->variant == BENCH_STEP;
    bench_result result = {
        .name = which->name, .size = size->name, .unit = "updates/s", .compute = BENCH_SGEMM};
    work w = {.updates = size->sequences * (step ? size->horizon : 1) / size->batch};
    FC_TRY(trainer_create(b->context, size, step, &w));
    FC_TRY(bench_time(b->context, b->repeats, NULL, epoch, &w, &result.time));
    /* Evaluations of an epoch: midpoint or RK4, two steps an interval; each is done once forward
     * and costs twice that backward. */
    double evaluations = 2.0 * (step ? 2.0 : 4.0) * (double)(size->horizon * size->sequences);
    result.amount = (double)w.updates;
    result.flops = 3.0 * evaluations * bench_field_flops(&w.field->config);
    snprintf(result.note, sizeof result.note,
             "%zu windows of %zu interval%s, %s x 2, batch %zu; %zu updates",
             size->sequences * (step ? size->horizon : 1), step ? (size_t)1 : size->horizon,
             step ? "" : "s", step ? "midpoint" : "RK4", size->batch, (size_t)w.updates);
    snprintf(result.keys, sizeof result.keys, ", \"evaluations\": %.0f", evaluations);
    FC_TRY(bench_keep(b, &result));
done:
    work_clear(&w);
    return status;
}
