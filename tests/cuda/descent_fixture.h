/* descent_fixture.h: fields, trajectories and batches of segments for the steps of dynamics
 * fitting, of the engine and of the processor. */
#ifndef FC_TESTS_DESCENT_FIXTURE_H
#define FC_TESTS_DESCENT_FIXTURE_H

#include "cuda_fixture.h"

#include "ode/descent.h"

#include <stdlib.h>
#include <string.h>

enum { PLANS = 4, LONGEST = 9 };

typedef struct setting {
    fc_rk_plan plans[PLANS]; /* as in the phases of a schedule */
    size_t count, *first, *chosen;
    double *times;
    float *z;
    fc_trajectories t;
    fc_trainer_state state; /* random weights, an average apart from them */
} setting;

static inline void *reserve(size_t count, size_t size)
{
    void *memory;
    assert_int_equal(fc__allocate(NULL, count, size, &memory), FC_OK);
    return memory;
}

static inline void fill(fc__rng *rng, double deviation, size_t count, float *values)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(deviation * fc__rng_normal(rng));
}

static inline void make_trajectories(setting *s, fc__rng *rng, size_t codes)
{
    enum { SEQUENCES = 7 };
    s->first = reserve(SEQUENCES + 1, sizeof *s->first);
    for (size_t i = 0; i < SEQUENCES; i++) /* the second one is a single frame */
        s->first[i + 1] = s->first[i] + (i == 1 ? 1 : 11 + i % 4);
    size_t frames = s->first[SEQUENCES];
    s->times = reserve(frames, sizeof *s->times);
    s->z = reserve(frames * codes, sizeof *s->z);
    for (size_t f = 0; f < frames; f++)
        s->times[f] = 0.25 * (double)f + 0.1 * fc__rng_uniform(rng);
    fill(rng, 0.5, frames * codes, s->z);
    s->t = (fc_trajectories){codes, SEQUENCES, s->first, s->times, s->z};
}

static inline setting setting_create(fc_field_config field, size_t batch, uint64_t seed)
{
    static const fc_rk_scheme scheme[PLANS] = {FC_RK_MIDPOINT, FC_RK_RK4, FC_RK_RK4, FC_RK_RK4};
    static const size_t intervals[PLANS] = {1, 1, 3, LONGEST};
    setting s = {.count = fc_field_layout_of(&field).count};
    fc__rng rng = fc__rng_create(seed, 0);
    for (size_t i = 0; i < PLANS; i++)
        s.plans[i] = (fc_rk_plan){field, scheme[i], 2, intervals[i], batch};
    make_trajectories(&s, &rng, field.codes);
    s.chosen = reserve(batch, sizeof *s.chosen);
    for (size_t b = 0; b < batch; b++) {
        size_t sequence = b % s.t.count == 1 ? 0 : b % s.t.count;
        s.chosen[b] = s.first[sequence + 1] - 1 - LONGEST;
    }
    float **arrays[] = {&s.state.parameters, &s.state.first_moment, &s.state.second_moment,
                        &s.state.average, &s.state.best};
    for (size_t i = 0; i < 5; i++)
        *arrays[i] = reserve(s.count, sizeof(float));
    s.state.parameter_count = s.count;
    double scale = 0.7 / sqrt((double)(field.codes + field.rank + field.hidden));
    fill(&rng, scale, s.count, s.state.parameters);
    fill(&rng, scale, s.count, s.state.average);
    return s;
}

static inline fc_trainer_state state_copy(const fc_trainer_state *s)
{
    fc_trainer_state copy = *s;
    float **arrays[] = {&copy.parameters, &copy.first_moment, &copy.second_moment, &copy.average,
                        &copy.best};
    for (size_t i = 0; i < 5; i++) {
        float *values = reserve(s->parameter_count, sizeof *values);
        memcpy(values, *arrays[i], s->parameter_count * sizeof *values);
        *arrays[i] = values;
    }
    return copy;
}

static inline void state_clear(fc_trainer_state *s)
{
    free(s->parameters);
    free(s->first_moment);
    free(s->second_moment);
    free(s->average);
    free(s->best);
}

static inline void setting_clear(setting *s)
{
    free(s->first);
    free(s->chosen);
    free(s->times);
    free(s->z);
    state_clear(&s->state);
}

/* A descent with a state of its own. */
typedef struct descending {
    fc_context *context;
    const fc__descent_steps *steps;
    void *descent;
    fc_trainer_state state;
} descending;

static inline descending descend(fc_context *context, const setting *s)
{
    const fc_engine *engine = fc__context_engine(context);
    descending d = {.context = context,
                    .steps = engine ? engine->dynamics->descent : &fc__descent_host,
                    .state = state_copy(&s->state)};
    assert_status(d.steps->create(engine ? engine->device : NULL, context, PLANS, s->plans, &s->t,
                                  &d.state, &d.descent),
                  context);
    assert_non_null(d.descent);
    return d;
}

static inline void descending_clear(descending *d)
{
    d->steps->destroy(d->descent);
    state_clear(&d->state);
}

#endif
