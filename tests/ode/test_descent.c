#include "inr/support.h"
#include "ode/descent.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOLERANCE_FLOAT 1e-5 /* of float against double, relative to the largest entry */

enum { CODES = 19, RANK = 70, HIDDEN = 9, BATCH = 13, SEQUENCES = 4, FRAMES = 6, INTERVALS = 3 };

/* A field, trajectories with unequal intervals, and a batch of their segments. */
typedef struct setting {
    fc_rk_plan plan;
    size_t count, first[SEQUENCES + 1], chosen[BATCH];
    float *parameters;
    double times[SEQUENCES * FRAMES];
    float z[SEQUENCES * FRAMES * CODES];
    fc_trajectories trajectories;
} setting;

static void setting_create(setting *s)
{
    fc__rng rng = fc__rng_create(5, 1);
    s->plan =
        (fc_rk_plan){.field = {.codes = CODES, .linear = true, .rank = RANK, .hidden = HIDDEN},
                     .scheme = FC_RK_RK4,
                     .substeps = 2,
                     .intervals = INTERVALS,
                     .batch = BATCH};
    s->count = fc_field_layout_of(&s->plan.field).count;
    assert_int_equal(fc__allocate(NULL, s->count, sizeof(float), &s->parameters), FC_OK);
    for (size_t i = 0; i < s->count; i++)
        s->parameters[i] = (float)(0.2 * fc__rng_normal(&rng));
    for (size_t i = 0; i < SEQUENCES * FRAMES * CODES; i++)
        s->z[i] = (float)(0.5 * fc__rng_normal(&rng));
    for (size_t i = 0; i < SEQUENCES * FRAMES; i++)
        s->times[i] = (double)(i % FRAMES) * 0.25 + 0.1 * fc__rng_uniform(&rng);
    for (size_t i = 0; i <= SEQUENCES; i++)
        s->first[i] = i * FRAMES;
    for (size_t b = 0; b < BATCH; b++)
        s->chosen[b] = b % SEQUENCES * FRAMES + b % (FRAMES - INTERVALS);
    s->trajectories = (fc_trajectories){CODES, SEQUENCES, s->first, s->times, s->z};
}

/* Returns the loss; gradient (count) */
static double differentiate(const setting *s, int threads, float *gradient, double *norm)
{
    fc_context *context;
    fc__descent descent;
    assert_int_equal(fc_context_create(threads, &context), FC_OK);
    assert_int_equal(fc__descent_create(context, 1, &s->plan, &descent), FC_OK);
    double loss = fc__descent_differentiate(&descent, &s->plan, &s->trajectories, s->chosen,
                                            s->parameters, norm);
    memcpy(gradient, descent.gradient, s->count * sizeof *gradient);
    fc__descent_clear(&descent);
    fc_context_destroy(context);
    return loss;
}

static double *doubles(size_t count)
{
    double *memory;
    assert_int_equal(fc__allocate(NULL, count, sizeof *memory, &memory), FC_OK);
    return memory;
}

/* The same from the public pair in double. */
static double reference(const setting *s, double *gradient)
{
    enum { SIZE = INTERVALS * BATCH * CODES };
    double *parameters = doubles(s->count), *tape = doubles(fc_rk_tape_size(&s->plan));
    double *work = doubles(fc_rk_work_size(&s->plan)), *dt = doubles(INTERVALS * BATCH);
    double *z0 = doubles(BATCH * CODES), *z = doubles(SIZE), *z_bar = doubles(SIZE), loss = 0;
    for (size_t i = 0; i < s->count; i++)
        parameters[i] = (double)s->parameters[i];
    for (size_t b = 0; b < BATCH; b++) {
        for (size_t c = 0; c < CODES; c++)
            z0[b * CODES + c] = (double)s->z[s->chosen[b] * CODES + c];
        for (size_t k = 0; k < INTERVALS; k++)
            dt[k * BATCH + b] = s->times[s->chosen[b] + k + 1] - s->times[s->chosen[b] + k];
    }
    fc_rk_forward_double(&s->plan, parameters, dt, z0, z, tape, work);
    for (size_t i = 0; i < SIZE; i++) {
        size_t k = i / CODES / BATCH, b = i / CODES % BATCH;
        double error = z[i] - (double)s->z[(s->chosen[b] + k + 1) * CODES + i % CODES];
        loss += error * error / SIZE;
        z_bar[i] = 2 * error / SIZE;
    }
    fc_rk_backward_double(&s->plan, parameters, dt, tape, z_bar, NULL, gradient, work);
    double *all[] = {parameters, tape, work, dt, z0, z, z_bar};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    return loss;
}

static void loss_and_gradient_agree_with_the_double_pair(void **state)
{
    (void)state;
    setting s;
    setting_create(&s);
    float *gradient = malloc(s.count * sizeof *gradient);
    double *expected = doubles(s.count), norm, square = 0, largest = 0, worst = 0;
    assert_non_null(gradient);
    double loss = differentiate(&s, 2, gradient, &norm), expected_loss = reference(&s, expected);
    for (size_t i = 0; i < s.count; i++) {
        square += expected[i] * expected[i];
        largest = fmax(largest, fabs(expected[i]));
        worst = fmax(worst, fabs((double)gradient[i] - expected[i]));
    }
    assert_true(fabs(loss - expected_loss) <= TOLERANCE_FLOAT * expected_loss);
    assert_true(worst <= TOLERANCE_FLOAT * largest);
    assert_true(fabs(norm - sqrt(square)) <= TOLERANCE_FLOAT * norm);
    free(gradient);
    free(expected);
    free(s.parameters);
}

static void the_gradient_has_the_same_bits_for_any_number_of_threads(void **state)
{
    (void)state;
    setting s;
    setting_create(&s);
    float *alone = malloc(s.count * sizeof *alone), *gradient = malloc(s.count * sizeof *gradient);
    double norm, alone_norm;
    assert_true(alone && gradient);
    double alone_loss = differentiate(&s, 1, alone, &alone_norm);
    for (int threads = 2; threads <= BATCH + 2; threads += 3) {
        double loss = differentiate(&s, threads, gradient, &norm);
        assert_memory_equal(gradient, alone, s.count * sizeof *gradient);
        assert_memory_equal(&norm, &alone_norm, sizeof norm);
        assert_memory_equal(&loss, &alone_loss, sizeof loss);
    }
    free(alone);
    free(gradient);
    free(s.parameters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_and_gradient_agree_with_the_double_pair),
        cmocka_unit_test(the_gradient_has_the_same_bits_for_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
