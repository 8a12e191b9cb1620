#include "inr/support.h"
#include "ode/evaluator.h"

#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOLERANCE_FLOAT 2e-6 /* of float against double, relative to the sum of magnitudes */

enum { CODE_SIZES = 5, RANK_SIZES = 4, ROW_SIZES = 5 };
static const size_t code_sizes[CODE_SIZES] = {1, 3, 17, 100, 220};
static const size_t rank_sizes[RANK_SIZES] = {0, 1, 5, 512};
static const size_t row_sizes[ROW_SIZES] = {1, 2, 8, 9, 33}; /* to 8 by slices */

static void *zeros(size_t count, size_t size)
{
    void *memory;
    assert_int_equal(fc__allocate(NULL, count, size, &memory), FC_OK);
    return memory;
}

static void fill(uint64_t seed, size_t count, double scale, float *values)
{
    fc__rng rng = fc__rng_create(seed, 3);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(scale * fc__rng_normal(&rng));
}

/* A field with its packed weights and an evaluator. */
typedef struct setting {
    fc_field_config config;
    size_t rows, size, count;
    float *parameters, *panels;
    double *z;
    fc__evaluator *evaluator;
} setting;

static setting setting_create(fc_field_config config, size_t rows, size_t members)
{
    setting s = {.config = config, .rows = rows, .size = rows * config.codes};
    s.count = fc_field_layout_of(&config).count;
    s.parameters = zeros(s.count, sizeof *s.parameters);
    s.panels = zeros(fc__field_panels_size(&config, FC__PACK_FORWARD), sizeof *s.panels);
    s.z = zeros(s.size, sizeof *s.z);
    fill(1, s.count, 1.0 / sqrt((double)config.codes), s.parameters);
    fc__field_pack(&config, s.parameters, FC__PACK_FORWARD, 0, 1, s.panels);
    fc__rng rng = fc__rng_create(2, 3);
    for (size_t i = 0; i < s.size; i++)
        s.z[i] = (double)(float)fc__rng_normal(&rng);
    fc__field_weights weights = {.parameters = s.parameters, .forward = s.panels};
    assert_int_equal(fc__evaluator_create(&s.config, &weights, rows, members, &s.evaluator), FC_OK);
    return s;
}

static void setting_destroy(setting *s)
{
    fc__evaluator_destroy(s->evaluator);
    free(s->parameters);
    free(s->panels);
    free(s->z);
}

static void assert_close_to_double(const setting *s, const double *dz)
{
    double *parameters = zeros(s->count, sizeof *parameters);
    double *exact = zeros(s->size, sizeof *exact);
    double *work = zeros(fc_field_work_size(&s->config, s->rows), sizeof *work);
    double scale = 0, worst = 0;
    for (size_t i = 0; i < s->count; i++)
        parameters[i] = (double)s->parameters[i];
    fc_field_eval_double(&s->config, parameters, s->rows, s->z, exact, work);
    for (size_t i = 0; i < s->size; i++) {
        scale = fmax(scale, fabs(exact[i]));
        worst = fmax(worst, fabs(dz[i] - exact[i]));
    }
    if (!(worst <= TOLERANCE_FLOAT * scale))
        fail_msg("C = %zu, R = %zu, rows %zu: relative difference %.3g", s->config.codes,
                 s->config.rank, s->rows, worst / scale);
    free(parameters);
    free(exact);
    free(work);
}

static void evaluation_agrees_with_double_for_awkward_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODE_SIZES * RANK_SIZES * ROW_SIZES; i++) {
        fc_field_config config = {.codes = code_sizes[i % CODE_SIZES],
                                  .linear = i % 3 > 0,
                                  .rank = rank_sizes[i / CODE_SIZES % RANK_SIZES],
                                  .hidden = i % 4 == 0 ? 70 : 0};
        setting s = setting_create(config, row_sizes[i / CODE_SIZES / RANK_SIZES], 1);
        double *dz = zeros(s.size, sizeof *dz);
        fc__evaluator_run(s.evaluator, s.rows, s.z, dz);
        assert_close_to_double(&s, dz);
        free(dz);
        setting_destroy(&s);
    }
}

/* Evaluations one after another, each at the result of the one before. */
static void iterate(const setting *s, size_t threads, size_t evaluations, double *dz)
{
    memcpy(dz, s->z, s->size * sizeof *dz);
#pragma omp parallel num_threads((int)threads)
    {
        int index = omp_get_thread_num();
        if (index > 0) {
            fc__evaluator_help(s->evaluator, (size_t)index);
        } else {
            for (size_t k = 0; k < evaluations; k++) {
                fc__evaluator_run(s->evaluator, s->rows, dz, dz);
                for (size_t i = 0; i < s->size; i++)
                    dz[i] = sin(dz[i]);
            }
            fc__evaluator_close(s->evaluator);
        }
    }
}

static void shared_evaluations_give_the_same_bits_for_any_number_of_threads(void **state)
{
    (void)state;
    enum { EVALUATIONS = 500 };
    fc_field_config config = {.codes = 17, .linear = true, .rank = 200, .hidden = 100};
    for (size_t rows = 1; rows <= 3; rows += 2) {
        double *alone = zeros(rows * config.codes, sizeof *alone);
        double *shared = zeros(rows * config.codes, sizeof *shared);
        for (size_t threads = 1; threads <= 5; threads++) {
            setting s = setting_create(config, rows, threads);
            iterate(&s, threads, EVALUATIONS, threads == 1 ? alone : shared);
            if (threads > 1)
                assert_memory_equal(shared, alone, s.size * sizeof *alone);
            setting_destroy(&s);
        }
        free(alone);
        free(shared);
    }
}

static void an_evaluation_does_not_wait_for_members_that_never_come(void **state)
{
    (void)state;
    fc_field_config config = {.codes = 17, .linear = true, .rank = 200};
    setting s = setting_create(config, 1, 4);
    double *dz = zeros(s.size, sizeof *dz);
    iterate(&s, 1, 3, dz);
    setting alone = setting_create(config, 1, 1);
    double *expected = zeros(s.size, sizeof *expected);
    iterate(&alone, 1, 3, expected);
    assert_memory_equal(dz, expected, s.size * sizeof *dz);
    free(dz);
    free(expected);
    setting_destroy(&s);
    setting_destroy(&alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluation_agrees_with_double_for_awkward_sizes),
        cmocka_unit_test(shared_evaluations_give_the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(an_evaluation_does_not_wait_for_members_that_never_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
