/* Regression of the flow, on trajectories of a small bilinear system: two oscillators whose product
 * drives a third mode and is driven by it (a triad, whose energy stays), and a slow decay. */
#include "model_fixture.h"
#include "ode/lim.h"
#include "ode/regression.h"

enum { C = 5, SEQUENCES = 30, FRAMES = 8, ALL = SEQUENCES * FRAMES, RANK = 40 };

static void rate(const double z[C], double dz[C])
{
    dz[0] = -0.9 * z[1] + 0.2 * z[1] * z[4];
    dz[1] = 0.9 * z[0] - 0.1 * z[0] * z[4];
    dz[2] = -2.2 * z[3] - 0.05 * z[0];
    dz[3] = 2.2 * z[2] + 0.1 * z[0] * z[1];
    dz[4] = -0.1 * z[0] * z[1] - 0.1 * (z[4] - 0.5);
}

static void follow(double z[C], double time)
{
    enum { STEPS = 50 };
    double h = time / STEPS, k[4][C], at[C];
    for (int s = 0; s < STEPS; s++) {
        for (int stage = 0; stage < 4; stage++) {
            double reach = stage == 0 ? 0.0 : stage == 3 ? h : 0.5 * h;
            for (int i = 0; i < C; i++)
                at[i] = z[i] + (stage ? reach * k[stage - 1][i] : 0.0);
            rate(at, k[stage]);
        }
        for (int i = 0; i < C; i++)
            z[i] += h / 6.0 * (k[0][i] + 2.0 * k[1][i] + 2.0 * k[2][i] + k[3][i]);
    }
}

typedef struct data {
    size_t first[SEQUENCES + 1];
    double times[ALL];
    float z[ALL * C];
    fc_trajectories all;
} data;

static void make(uint64_t seed, data *d)
{
    fc__rng rng = fc__rng_create(seed, 1);
    for (size_t s = 0; s <= SEQUENCES; s++)
        d->first[s] = s * FRAMES;
    for (size_t s = 0; s < SEQUENCES; s++) {
        double z[C];
        for (int i = 0; i < C; i++)
            z[i] = fc__rng_normal(&rng);
        for (size_t f = 0; f < FRAMES; f++) {
            d->times[s * FRAMES + f] = (double)f;
            for (int i = 0; i < C; i++)
                d->z[(s * FRAMES + f) * C + (size_t)i] = (float)z[i];
            follow(z, 1.0);
        }
    }
    d->all = (fc_trajectories){
        .codes = C, .count = SEQUENCES, .first = d->first, .times = d->times, .z = d->z};
}

/* Ends of the intervals of all pairs of frames, (pairs, C); their number. */
static size_t advance(const data *d, const fc_field_config *config, const double *parameters,
                      double *ends)
{
    fc_rk_plan plan = {
        .field = *config, .scheme = FC_RK_RK4, .substeps = 20, .intervals = 1, .batch = 1};
    double *work = malloc(fc_rk_work_size(&plan) * sizeof *work);
    const double dt = 1.0;
    size_t pairs = 0;
    for (size_t s = 0; s < SEQUENCES; s++) {
        for (size_t f = d->first[s]; f + 1 < d->first[s + 1]; f++, pairs++) {
            double z0[C];
            for (size_t i = 0; i < C; i++)
                z0[i] = (double)d->z[f * C + i];
            fc_rk_forward_double(&plan, parameters, &dt, z0, ends + pairs * C, NULL, work);
        }
    }
    free(work);
    return pairs;
}

static double distance(size_t count, const double *a, const double *b)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

/* Features, and the normal equations where the field is a linear map alone, whose theta is given.
 */
typedef struct equations {
    fc__features features;
    fc__normal normal;
    double theta[(1 + C + RANK) * C];
    double *states[FC__NODES], *missing;
} equations;

static void set_up(fc_context *context, const data *d, double ridge, equations *e)
{
    double generator[C * C], zero[C] = {0.0}, descent[(1 + C + RANK) * C];
    *e = (equations){.missing = calloc(ALL * C, sizeof *e->missing)};
    must(context, fc__features_create(context, &d->all, RANK, 3, &e->features));
    must(context, fc__lim_fit(context, &d->all, zero, C, 1e-6, FC__LIM_FAITHFUL, generator));
    for (size_t i = 0; i < C; i++)
        for (size_t j = 0; j < C; j++)
            e->theta[(1 + j) * C + i] = e->features.size * generator[i * C + j];
    must(context, fc__normal_create(context, &e->features, &e->normal));
    must(context, fc__normal_propagate(context, generator, &e->normal));
    for (size_t q = 0; q < FC__NODES; q++) {
        double map[C * C];
        must(context, fc__exponential(context, C, generator, 0.5 * (double)q, map));
        e->states[q] = calloc(ALL * C, sizeof *e->states[q]);
        for (size_t s = 0, n = 0; s < SEQUENCES; s++)
            for (size_t f = d->first[s]; f + 1 < d->first[s + 1]; f++, n++)
                for (size_t i = 0; i < C; i++)
                    for (size_t j = 0; j < C; j++)
                        e->states[q][n * C + i] += map[i * C + j] * (double)d->z[f * C + j];
    }
    fc__normal_sum(context, &e->features, SEQUENCES * (FRAMES - 1), e->states, e->missing, ridge,
                   &e->normal, descent);
    must(context, fc__normal_factor(context, &e->normal));
}

static void tear_down(equations *e)
{
    fc__normal_clear(&e->normal);
    fc__features_clear(&e->features);
    for (size_t q = 0; q < FC__NODES; q++)
        free(e->states[q]);
    free(e->missing);
}

/* d N d is the mean square by which the ends of intervals move with theta. */
static void normal_equations_are_those_of_the_flow(void **state)
{
    static data d;
    static equations e;
    fc_context *context = *state;
    fc_field_config config = {.codes = C, .linear = true, .rank = RANK};
    double *parameters = malloc(fc_field_layout_of(&config).count * sizeof *parameters);
    double scratch[RANK * C];
    static double ends[2][ALL * C], change[(1 + C + RANK) * C], moved[(1 + C + RANK) * C];
    make(1, &d);
    set_up(context, &d, 1e-12, &e);
    assert_int_equal(e.features.count, 1 + C + RANK);
    size_t size = e.features.count * C;
    for (size_t from = 0; from < size; from += size / 2) { /* other directions, other features */
        const double small = 1e-3;
        size_t pairs = 0;
        fc__rng rng = fc__rng_create(7, from);
        for (size_t i = 0; i < size; i++)
            change[i] = fc__rng_normal(&rng);
        for (int side = 0; side < 2; side++) {
            for (size_t i = 0; i < size; i++)
                moved[i] = e.theta[i] + (side ? small : -small) * change[i];
            fc__features_field(&e.features, &config, moved, scratch, parameters);
            pairs = advance(&d, &config, parameters, ends[side]);
        }
        double square = distance(pairs * C, ends[0], ends[1]) / (4.0 * small * small), found = 0.0;
        fc__normal_apply(context, &e.normal, change, moved);
        for (size_t i = 0; i < size; i++)
            found += change[i] * moved[i];
        assert_near(found / square, 1.0, 0.03);
    }
    tear_down(&e);
    free(parameters);
}

/* A step solves the equations it is said to solve, in few products with their matrix: also in the
 * directions that hardly matter to them. */
static void steps_solve_the_damped_equations(void **state)
{
    static data d;
    static equations e;
    static double descent[(1 + C + RANK) * C], step[(1 + C + RANK) * C], wanted[(1 + C + RANK) * C];
    make(1, &d);
    set_up(*state, &d, 1e-4, &e);
    e.normal.damping = 0.1;
    size_t size = e.features.count * C;
    fc__rng rng = fc__rng_create(9, 0);
    for (size_t i = 0; i < size; i++)
        wanted[i] = fc__rng_normal(&rng);
    fc__normal_apply(*state, &e.normal, wanted, descent);
    must(*state, fc__normal_solve(*state, &e.normal, descent, step));
    double left = distance(size, step, wanted) / (double)size; /* of one */
    assert_true(left < 0.05);
    tear_down(&e);
}

/* Its gradient against differences; it weighs what the linear map damps away less than the rest. */
static void the_prior_is_of_what_an_interval_shows(void **state)
{
    static data d;
    static equations e;
    static double none[(1 + C + RANK) * C], descent[(1 + C + RANK) * C];
    make(1, &d);
    set_up(*state, &d, 1e-3, &e);
    size_t at = C + 1; /* of a linear feature */
    const double small = 1e-4;
    fc__normal_prior(*state, &e.normal, e.theta, descent);
    double here = e.theta[at], side[2];
    for (int i = 0; i < 2; i++) {
        e.theta[at] = here + (i ? small : -small);
        side[i] = fc__normal_prior(*state, &e.normal, e.theta, NULL);
    }
    double slope = (side[1] - side[0]) / (2.0 * small);
    assert_near(descent[at], -slope, 1e-6 * fabs(slope) + 1e-9);
    assert_near(fc__normal_prior(*state, &e.normal, none, NULL), 0.0, 1e-15);
    none[0] = 1.0; /* the oscillator of 0.9 an interval, and that of 2.2, which turns away */
    double slow = fc__normal_prior(*state, &e.normal, none, NULL);
    none[0] = 0.0;
    none[2] = 1.0;
    assert_true(fc__normal_prior(*state, &e.normal, none, NULL) < 0.8 * slow);
    tear_down(&e);
}

/* Mean square error of forecasts over an interval from frames of other sequences. */
static double error_of(const data *other, const fc_field *field)
{
    static double ends[ALL * C], truth[ALL * C];
    double *parameters = malloc(field->parameter_count * sizeof *parameters);
    size_t pairs = 0;
    for (size_t i = 0; i < field->parameter_count; i++)
        parameters[i] = (double)field->parameters[i];
    advance(other, &field->config, parameters, ends);
    for (size_t s = 0; s < SEQUENCES; s++)
        for (size_t f = other->first[s]; f + 1 < other->first[s + 1]; f++, pairs++)
            for (size_t i = 0; i < C; i++)
                truth[pairs * C + i] = (double)other->z[(f + 1) * C + i];
    free(parameters);
    return distance(pairs * C, ends, truth) / (double)(pairs * C);
}

static void the_field_forecasts_other_sequences(void **state)
{
    static data d, other;
    fc_context *context = *state;
    fc_field_config config = {.codes = C, .linear = true, .rank = RANK};
    fc_field *field, *linear;
    double loss = NAN, linear_loss = NAN;
    make(1, &d);
    make(2, &other);
    must(context, fc_field_create(context, &config, 0, &field));
    config.rank = 0;
    must(context, fc_field_create(context, &config, 0, &linear));
    must(context, fc__regression_fit(context, &d.all, 1e-9, 60.0, 1, field, &loss));
    must(context, fc__regression_fit(context, &d.all, 1e-9, 60.0, 1, linear, &linear_loss));
    assert_true(loss < 1e-8);
    assert_true(error_of(&other, field) < 1e-5); /* by other steps than those of the fit */
    assert_true(linear_loss > 1e-3 && error_of(&other, linear) > 1e-3);
    fc_field_destroy(field);
    fc_field_destroy(linear);
}

static void any_number_of_threads_gives_the_same_bits(void **state)
{
    static data d;
    (void)state;
    fc_field_config config = {.codes = C, .linear = true, .rank = RANK};
    fc_field *field[2];
    make(1, &d);
    for (int i = 0; i < 2; i++) {
        fc_context *context;
        double loss;
        must(NULL, fc_context_create(i + 1, &context));
        must(context, fc_field_create(context, &config, 0, &field[i]));
        must(context, fc__regression_fit(context, &d.all, 1e-5, 60.0, 1, field[i], &loss));
        fc_context_destroy(context);
    }
    assert_memory_equal(field[0]->parameters, field[1]->parameters,
                        field[0]->parameter_count * sizeof(float));
    fc_field_destroy(field[0]);
    fc_field_destroy(field[1]);
}

static void unequal_intervals_are_refused_and_an_interruption_is_heard(void **state)
{
    static data d;
    (void)state;
    fc_context *context;
    fc_field_config config = {.codes = C, .linear = true, .rank = RANK};
    fc_field *field;
    double loss;
    make(1, &d);
    must(NULL, fc_context_create(1, &context));
    must(context, fc_field_create(context, &config, 0, &field));
    d.times[3] += 0.1;
    assert_int_equal(fc__regression_fit(context, &d.all, 1e-5, 60.0, 1, field, &loss),
                     FC_ERROR_DATA);
    assert_non_null(strstr(fc_context_message(context), "equal intervals"));
    d.times[3] -= 0.1;
    fc_context_interrupt(context);
    assert_int_equal(fc__regression_fit(context, &d.all, 1e-5, 60.0, 1, field, &loss),
                     FC_INTERRUPTED);
    fc_field_destroy(field);
    fc_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_equations_are_those_of_the_flow),
        cmocka_unit_test(steps_solve_the_damped_equations),
        cmocka_unit_test(the_prior_is_of_what_an_interval_shows),
        cmocka_unit_test(the_field_forecasts_other_sequences),
        cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
        cmocka_unit_test(unequal_intervals_are_refused_and_an_interruption_is_heard),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
