#include "inr/support.h"
#include "ode/ode.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Relative to the largest entry compared. */
#define TOLERANCE_DIFFERENCES 1e-8 /* central differences in double */
#define TOLERANCE_ADJOINT 1e-13    /* <v, J u> = <J^T v, u> in double */
#define TOLERANCE_REFERENCE 1e-13  /* loops written out, in double */
#define TOLERANCE_FLOAT 2e-5       /* float against double */

enum { CASES = 7 };

/* Every part alone, all together, and sizes beside the vector lengths. */
static fc_field_config case_config(size_t index)
{
    static const fc_field_config configs[CASES] = {
        {.codes = 5},
        {.codes = 7, .linear = true},
        {.codes = 6, .rank = 9},
        {.codes = 6, .hidden = 11},
        {.codes = 4, .linear = true, .rank = 5, .hidden = 3},
        {.codes = 37, .linear = true, .rank = 70, .hidden = 19},
        {.codes = 1, .linear = true, .rank = 1, .hidden = 1},
    };
    return configs[index];
}

static double *numbers(size_t count, uint64_t seed)
{
    fc__rng rng = fc__rng_create(seed, 7);
    double *values = malloc((count ? count : 1) * sizeof *values);
    assert_non_null(values);
    for (size_t i = 0; i < count; i++)
        values[i] = 0.7 * fc__rng_normal(&rng);
    return values;
}

static double *zeros(size_t count)
{
    double *values = calloc(count ? count : 1, sizeof *values);
    assert_non_null(values);
    return values;
}

static double dot(size_t count, const double *x, const double *y)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += x[i] * y[i];
    return sum;
}

static void assert_close(size_t count, const double *x, const double *y, double tolerance)
{
    double scale = 1e-300, worst = 0;
    for (size_t i = 0; i < count; i++) {
        scale = fmax(scale, fmax(fabs(x[i]), fabs(y[i])));
        worst = fmax(worst, fabs(x[i] - y[i]));
    }
    if (!(worst <= tolerance * scale))
        fail_msg("relative difference %.3g, allowed %.3g", worst / scale, tolerance);
}

/* A field with its point, directions and scratch. */
typedef struct setting {
    fc_field_config config;
    size_t batch, size, count;
    double *parameters, *z, *direction, *covector, *work;
} setting;

static setting setting_create(size_t index, size_t batch)
{
    setting s = {.config = case_config(index), .batch = batch};
    s.size = batch * s.config.codes;
    s.count = fc_field_layout_of(&s.config).count;
    s.parameters = numbers(s.count, 1);
    s.z = numbers(s.size, 2);
    s.direction = numbers(s.size, 3);
    s.covector = numbers(s.size, 4);
    s.work = numbers(fc_field_work_size(&s.config, batch), 5);
    return s;
}

static void setting_destroy(setting *s)
{
    free(s->parameters);
    free(s->z);
    free(s->direction);
    free(s->covector);
    free(s->work);
}

static double *evaluate(const setting *s, const double *parameters, const double *z)
{
    double *dz = zeros(s->size);
    fc_field_eval_double(&s->config, parameters, s->batch, z, dz, s->work);
    return dz;
}

/* The formula of ode.h, one sum at a time. */
static void reference_eval(const fc_field_config *config, const double *parameters, const double *z,
                           double *dz)
{
    fc_field_layout at = fc_field_layout_of(config);
    size_t codes = config->codes;
    for (size_t c = 0; c < codes; c++) {
        dz[c] = parameters[at.bias + c];
        if (config->linear)
            dz[c] += dot(codes, parameters + at.a + c * codes, z);
        for (size_t r = 0; r < config->rank; r++) {
            double p = parameters[at.va + r] + dot(codes, parameters + at.v + r * codes, z);
            double q = parameters[at.wd + r] + dot(codes, parameters + at.w + r * codes, z);
            dz[c] += parameters[at.u + c * config->rank + r] * p * q;
        }
        for (size_t j = 0; j < config->hidden; j++) {
            double h = parameters[at.m1b + j] + dot(codes, parameters + at.m1 + j * codes, z);
            dz[c] += parameters[at.m2 + c * config->hidden + j] * h / (1 + exp(-h));
        }
    }
}

static void eval_matches_the_formula_written_out(void **state)
{
    (void)state;
    for (size_t index = 0; index < CASES; index++)
        for (size_t batch = 1; batch <= 40; batch += batch < 10 ? 1 : 15) {
            setting s = setting_create(index, batch);
            double *dz = evaluate(&s, s.parameters, s.z), *expected = zeros(s.size);
            for (size_t i = 0; i < batch; i++)
                reference_eval(&s.config, s.parameters, s.z + i * s.config.codes,
                               expected + i * s.config.codes);
            assert_close(s.size, dz, expected, TOLERANCE_REFERENCE);
            free(dz);
            free(expected);
            setting_destroy(&s);
        }
}

static void jvp_matches_finite_differences(void **state)
{
    (void)state;
    const double step = 1e-5;
    for (size_t index = 0; index < CASES; index++) {
        setting s = setting_create(index, 3);
        double *jvp = zeros(s.size), *plus = zeros(s.size), *minus = zeros(s.size);
        for (size_t i = 0; i < s.size; i++) {
            plus[i] = s.z[i] + step * s.direction[i];
            minus[i] = s.z[i] - step * s.direction[i];
        }
        double *high = evaluate(&s, s.parameters, plus), *low = evaluate(&s, s.parameters, minus);
        for (size_t i = 0; i < s.size; i++)
            high[i] = (high[i] - low[i]) / (2 * step);
        fc_field_jvp_double(&s.config, s.parameters, s.batch, s.z, s.direction, jvp, s.work);
        assert_close(s.size, jvp, high, TOLERANCE_DIFFERENCES);
        free(jvp);
        free(plus);
        free(minus);
        free(high);
        free(low);
        setting_destroy(&s);
    }
}

/* <covector, f> as a function of z and the parameters */
static double pairing(const setting *s, const double *parameters, const double *z)
{
    double *dz = evaluate(s, parameters, z);
    double value = dot(s->size, dz, s->covector);
    free(dz);
    return value;
}

static void vjp_matches_finite_differences_for_every_parameter(void **state)
{
    (void)state;
    const double step = 1e-4;
    for (size_t index = 0; index < CASES; index++) {
        setting s = setting_create(index, 3);
        double *z_bar = zeros(s.size), *bar = zeros(s.count);
        double *z_difference = zeros(s.size), *difference = zeros(s.count);
        fc_field_vjp_double(&s.config, s.parameters, s.batch, s.z, s.covector, z_bar, bar, s.work);
        for (size_t i = 0; i < s.size + s.count; i++) {
            double *at = i < s.size ? s.z + i : s.parameters + (i - s.size);
            double saved = *at;
            *at = saved + step;
            double high = pairing(&s, s.parameters, s.z);
            *at = saved - step;
            double low = pairing(&s, s.parameters, s.z);
            *at = saved;
            *(i < s.size ? z_difference + i : difference + (i - s.size)) =
                (high - low) / (2 * step);
        }
        assert_close(s.size, z_bar, z_difference, TOLERANCE_DIFFERENCES);
        assert_close(s.count, bar, difference, TOLERANCE_DIFFERENCES);
        free(z_bar);
        free(bar);
        free(z_difference);
        free(difference);
        setting_destroy(&s);
    }
}

static void vjp_is_the_adjoint_of_jvp(void **state)
{
    (void)state;
    for (size_t index = 0; index < CASES; index++)
        for (size_t batch = 1; batch <= 40; batch += 13) {
            setting s = setting_create(index, batch);
            double *forward = zeros(s.size), *back = zeros(s.size);
            fc_field_jvp_double(&s.config, s.parameters, batch, s.z, s.direction, forward, s.work);
            fc_field_vjp_double(&s.config, s.parameters, batch, s.z, s.covector, back, NULL,
                                s.work);
            double left = dot(s.size, s.covector, forward), right = dot(s.size, back, s.direction);
            double scale =
                sqrt(dot(s.size, forward, forward) * dot(s.size, s.covector, s.covector));
            assert_true(fabs(left - right) <= TOLERANCE_ADJOINT * scale + 1e-300);
            free(forward);
            free(back);
            setting_destroy(&s);
        }
}

static void vjp_adds_to_what_is_there(void **state)
{
    (void)state;
    setting s = setting_create(4, 2);
    double *z_bar = zeros(s.size), *bar = zeros(s.count);
    double *twice_z = numbers(s.size, 9), *twice = numbers(s.count, 10);
    double *start_z = numbers(s.size, 9), *start = numbers(s.count, 10);
    fc_field_vjp_double(&s.config, s.parameters, 2, s.z, s.covector, z_bar, bar, s.work);
    for (size_t round = 0; round < 2; round++)
        fc_field_vjp_double(&s.config, s.parameters, 2, s.z, s.covector, twice_z, twice, s.work);
    for (size_t i = 0; i < s.size; i++)
        start_z[i] += 2 * z_bar[i];
    for (size_t i = 0; i < s.count; i++)
        start[i] += 2 * bar[i];
    assert_close(s.size, twice_z, start_z, TOLERANCE_REFERENCE);
    assert_close(s.count, twice, start, TOLERANCE_REFERENCE);
    free(z_bar);
    free(bar);
    free(twice_z);
    free(twice);
    free(start_z);
    free(start);
    setting_destroy(&s);
}

static float *rounded(size_t count, const double *values)
{
    float *copy = malloc((count ? count : 1) * sizeof *copy);
    assert_non_null(copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = (float)values[i];
    return copy;
}

static void assert_float_close(size_t count, const float *x, const double *expected)
{
    double *wide = zeros(count);
    for (size_t i = 0; i < count; i++)
        wide[i] = (double)x[i];
    assert_close(count, wide, expected, TOLERANCE_FLOAT);
    free(wide);
}

static void float_agrees_with_double(void **state)
{
    (void)state;
    for (size_t index = 0; index < CASES; index++)
        for (size_t batch = 1; batch <= 40; batch += batch < 10 ? 1 : 15) {
            setting s = setting_create(index, batch);
            size_t work_size = fc_field_work_size(&s.config, batch);
            float *parameters = rounded(s.count, s.parameters), *z = rounded(s.size, s.z);
            float *direction = rounded(s.size, s.direction), *v = rounded(s.size, s.covector);
            float *work = rounded(work_size, s.work), *out = rounded(s.size, s.z);
            float *z_bar = calloc(s.size, sizeof *z_bar), *bar = calloc(s.count, sizeof *bar);
            double *wide = zeros(s.size), *wide_z_bar = zeros(s.size), *wide_bar = zeros(s.count);

            fc_field_eval(&s.config, parameters, batch, z, out, work);
            fc_field_eval_double(&s.config, s.parameters, batch, s.z, wide, s.work);
            assert_float_close(s.size, out, wide);
            fc_field_jvp(&s.config, parameters, batch, z, direction, out, work);
            fc_field_jvp_double(&s.config, s.parameters, batch, s.z, s.direction, wide, s.work);
            assert_float_close(s.size, out, wide);
            fc_field_vjp(&s.config, parameters, batch, z, v, z_bar, bar, work);
            fc_field_vjp_double(&s.config, s.parameters, batch, s.z, s.covector, wide_z_bar,
                                wide_bar, s.work);
            assert_float_close(s.size, z_bar, wide_z_bar);
            assert_float_close(s.count, bar, wide_bar);
            free(parameters);
            free(z);
            free(direction);
            free(v);
            free(work);
            free(out);
            free(z_bar);
            free(bar);
            free(wide);
            free(wide_z_bar);
            free(wide_bar);
            setting_destroy(&s);
        }
}

static void layout_places_every_parameter_once(void **state)
{
    (void)state;
    fc_field_config config = {.codes = 3, .linear = true, .rank = 5, .hidden = 2};
    fc_field_layout at = fc_field_layout_of(&config);
    assert_int_equal(at.count, 3 + 9 + 2 * 15 + 2 * 5 + 15 + 6 + 2 + 6);
    assert_int_equal(at.w, at.v + 15);
    assert_int_equal(at.wd, at.va + 5);
    config.linear = false;
    assert_int_equal(fc_field_layout_of(&config).count, at.count - 9);
}

static void a_new_field_starts_small_and_repeats_with_its_seed(void **state)
{
    (void)state;
    fc_context *context;
    fc_field *one, *same, *other;
    assert_int_equal(fc_context_create(1, &context), FC_OK);
    fc_field_config config = fc_field_config_default(20);
    config.hidden = 8;
    assert_int_equal(fc_field_create(context, &config, 3, &one), FC_OK);
    assert_int_equal(fc_field_create(context, &config, 3, &same), FC_OK);
    assert_int_equal(fc_field_create(context, &config, 4, &other), FC_OK);
    size_t bytes = one->parameter_count * sizeof *one->parameters;
    assert_memory_equal(one->parameters, same->parameters, bytes);
    assert_memory_not_equal(one->parameters, other->parameters, bytes);
    fc_field_layout at = fc_field_layout_of(&config);
    double largest = 0;
    for (size_t i = 0; i < 2 * config.rank * config.codes; i++)
        largest = fmax(largest, fabs((double)one->parameters[at.v + i]));
    assert_true(largest <= 1.7 / sqrt(20) && largest > 1.6 / sqrt(20));
    for (size_t i = 0; i < at.v; i++)
        assert_true(one->parameters[i] == 0);
    for (size_t i = at.m1b; i < at.count; i++)
        assert_true(one->parameters[i] == 0);
    fc_field_destroy(one);
    fc_field_destroy(same);
    fc_field_destroy(other);
    fc_field_destroy(NULL);
    fc_context_destroy(context);
}

static void a_field_without_codes_is_refused(void **state)
{
    (void)state;
    fc_context *context;
    fc_field *field = (fc_field *)&context;
    assert_int_equal(fc_context_create(1, &context), FC_OK);
    fc_field_config config = fc_field_config_default(0);
    assert_int_equal(fc_field_create(context, &config, 1, &field), FC_ERROR_USAGE);
    assert_null(field);
    assert_non_null(strstr(fc_context_message(context), "codes 0"));
    config = fc_field_config_default(SIZE_MAX / 4);
    assert_int_equal(fc_field_create(context, &config, 1, &field), FC_ERROR_USAGE);
    fc_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eval_matches_the_formula_written_out),
        cmocka_unit_test(jvp_matches_finite_differences),
        cmocka_unit_test(vjp_matches_finite_differences_for_every_parameter),
        cmocka_unit_test(vjp_is_the_adjoint_of_jvp),
        cmocka_unit_test(vjp_adds_to_what_is_there),
        cmocka_unit_test(float_agrees_with_double),
        cmocka_unit_test(layout_places_every_parameter_once),
        cmocka_unit_test(a_new_field_starts_small_and_repeats_with_its_seed),
        cmocka_unit_test(a_field_without_codes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
