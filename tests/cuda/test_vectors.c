#include "cuda_fixture.h"
#include "inr/engine.h"
#include "ode/engine.h"

#include <stdlib.h>

enum { CODES = 7, LONGEST = 300, VECTORS = 6 };

/* Vectors of a space on the device, and the same on the host. */
typedef struct setting {
    cuda_fixture f;
    fc_field *field;
    fc__space *space;
    size_t batch, length;
    double *device[VECTORS], *host[VECTORS];
    double bound[LONGEST];
} setting;

static void *zeros(size_t count, size_t size)
{
    void *memory;
    assert_int_equal(fc__allocate(NULL, count, size, &memory), FC_OK);
    return memory;
}

static setting setting_create(size_t batch)
{
    setting s = {.f = cuda_open(FC_CUDA_TF32), .batch = batch, .length = batch * CODES};
    fc_field_config config = {.codes = CODES, .linear = true};
    fc_integrator_config integrator = fc_integrator_config_default();
    fc__rng rng = fc__rng_create(batch, 2);
    assert_status(fc_field_create(s.f.context, &config, 1, &s.field), s.f.context);
    assert_status(s.f.engine->dynamics->space(s.f.engine->device, s.f.context, s.field, &integrator,
                                              batch, &s.space),
                  s.f.context);
    assert_non_null(s.space);
    assert_int_equal(s.space->capacity, batch);
    for (size_t i = 0; i < batch; i++)
        s.bound[i] = 5 + (double)i;
    s.space->operations->begin(s.space, batch, s.bound);
    for (size_t v = 0; v < VECTORS; v++) {
        s.device[v] = s.space->operations->allocate(s.space);
        s.host[v] = zeros(s.length, sizeof **s.host);
        for (size_t i = 0; i < s.length; i++)
            s.host[v][i] = fc__rng_normal(&rng);
        s.space->operations->write(s.space, s.device[v], s.host[v]);
    }
    return s;
}

static void setting_destroy(setting *s)
{
    assert_int_equal(s->space->status, FC_OK);
    for (size_t v = 0; v < VECTORS; v++) {
        s->space->operations->release(s->space, s->device[v]);
        free(s->host[v]);
    }
    s->space->operations->destroy(s->space);
    fc_field_destroy(s->field);
    cuda_close(&s->f);
}

/* Whether the vector on the device is the one on the host, but for the rounding of a fused
 * multiplication and addition. */
static void assert_vector(setting *s, size_t v)
{
    double *values = zeros(s->length, sizeof *values);
    double *to[LONGEST];
    size_t member[LONGEST];
    for (size_t i = 0; i < s->batch; i++) {
        member[i] = i;
        to[i] = values + i * CODES;
    }
    s->space->operations->read(s->space, s->device[v], s->batch, member, to);
    assert_close(cuda_difference_double(s->length, values, s->host[v]), 1e-14);
    free(values);
}

/* Sizes around those of warps and blocks. */
static const size_t batches[] = {1, 2, 9, 37, LONGEST};
enum { BATCHES = sizeof batches / sizeof *batches };

/* expression: in terms of x, y and z, entries of vectors that may be one and the same */
#define CHECK(s, call, vx, vy, vz, expression)                                                     \
    do {                                                                                           \
        (s)->space->operations->call;                                                              \
        for (size_t i = 0; i < (s)->length; i++) {                                                 \
            double x = (s)->host[vx][i], y = (s)->host[vy][i];                                     \
            (void)x;                                                                               \
            (void)y;                                                                               \
            (s)->host[vz][i] = expression;                                                         \
        }                                                                                          \
    } while (0)

static void operations_match_loops_also_in_place(void **state)
{
    (void)state;
    for (size_t b = 0; b < BATCHES; b++) {
        setting s = setting_create(batches[b]);
        double *const *v = s.device;
        CHECK(&s, linear_sum(s.space, 2.0, v[0], -0.5, v[1], v[2]), 0, 1, 2, 2.0 * x - 0.5 * y);
        CHECK(&s, linear_sum(s.space, 2.0, v[0], -0.5, v[2], v[2]), 0, 2, 2, 2.0 * x - 0.5 * y);
        CHECK(&s, linear_sum(s.space, 0.3, v[2], 1.0, v[0], v[2]), 2, 0, 2, 0.3 * x + y);
        CHECK(&s, linear_sum(s.space, 3.0, v[2], 0.0, v[2], v[2]), 2, 2, 2, 3.0 * x);
        assert_vector(&s, 2);
        CHECK(&s, multiply(s.space, v[0], v[1], v[3]), 0, 1, 3, x * y);
        CHECK(&s, multiply(s.space, v[3], v[3], v[3]), 3, 3, 3, x * x);
        CHECK(&s, shift(s.space, v[3], 0.7, v[4]), 3, 3, 4, x + 0.7);
        CHECK(&s, divide(s.space, v[0], v[4], v[5]), 0, 4, 5, x / y);
        CHECK(&s, divide(s.space, v[5], v[4], v[4]), 5, 4, 4, x / y);
        assert_vector(&s, 3);
        assert_vector(&s, 4);
        assert_vector(&s, 5);
        CHECK(&s, magnitude(s.space, v[1], v[1]), 1, 1, 1, fabs(x));
        CHECK(&s, shift(s.space, v[1], 1.0, v[1]), 1, 1, 1, x + 1.0);
        CHECK(&s, invert(s.space, v[1], v[1]), 1, 1, 1, 1.0 / x);
        CHECK(&s, fill(s.space, -4.0, v[0]), 0, 0, 0, -4.0);
        assert_vector(&s, 0);
        assert_vector(&s, 1);
        setting_destroy(&s);
    }
}

static void weights_are_those_of_the_tolerances(void **state)
{
    (void)state;
    setting s = setting_create(9);
    double *const *v = s.device;
    assert_true(s.space->operations->weigh(s.space, 1e-3, 1e-5, v[0], v[1]));
    CHECK(&s, fill(s.space, 0.0, v[5]), 0, 0, 1, 1.0 / (1e-3 * fabs(x) + 1e-5));
    assert_vector(&s, 1);
    assert_true(s.space->operations->weigh(s.space, 1e-3, 0, v[0], v[1]));
    s.host[0][61] = 0;
    s.space->operations->write(s.space, v[0], s.host[0]);
    assert_false(s.space->operations->weigh(s.space, 1e-3, 0, v[0], v[1]));
    setting_destroy(&s);
}

static void fused_operations_take_as_many_vectors_as_sundials_gives(void **state)
{
    (void)state;
    setting s = setting_create(37);
    const double *x[FC__SPACE_MOST], *y[VECTORS - 1];
    double a[FC__SPACE_MOST], *z[VECTORS - 1];
    for (size_t k = 0; k < FC__SPACE_MOST; k++) {
        a[k] = 0.1 * (double)(k + 1) - 1.2;
        x[k] = s.device[k == 0 ? 0 : 1 + k % (VECTORS - 1)];
    }
    for (size_t i = 0; i < s.length; i++) {
        double sum = a[0] * s.host[0][i];
        for (size_t k = 1; k < FC__SPACE_MOST; k++)
            sum += a[k] * s.host[1 + k % (VECTORS - 1)][i];
        s.host[0][i] = sum;
    }
    s.space->operations->combine(s.space, FC__SPACE_MOST, a, x, s.device[0]);
    assert_vector(&s, 0);
    for (size_t k = 0; k < VECTORS - 1; k++) {
        y[k] = z[k] = s.device[1 + k];
        for (size_t i = 0; i < s.length; i++)
            s.host[1 + k][i] += a[k] * s.host[0][i];
    }
    s.space->operations->scale_add(s.space, VECTORS - 1, a, s.device[0], y, z);
    for (size_t v = 1; v < VECTORS; v++)
        assert_vector(&s, v);
    setting_destroy(&s);
}

/* More than one program holds: the order of operations is kept. */
static void long_sequences_are_in_order(void **state)
{
    (void)state;
    setting s = setting_create(9);
    for (int k = 0; k < 150; k++) {
        size_t v = (size_t)k % VECTORS, w = (size_t)(k * k + 1) % VECTORS;
        CHECK(&s, linear_sum(s.space, 0.5, s.device[v], 0.4, s.device[w], s.device[v]), v, w, v,
              0.5 * x + 0.4 * y);
    }
    for (size_t v = 0; v < VECTORS; v++)
        assert_vector(&s, v);
    setting_destroy(&s);
}

static void sums_and_extremes_match_loops(void **state)
{
    (void)state;
    for (size_t b = 0; b < BATCHES; b++) {
        setting s = setting_create(batches[b]);
        const fc__space_operations *op = s.space->operations;
        double dot = 0, largest = 0, norm = 0;
        for (size_t i = 0; i < s.batch; i++) {
            double square = 0;
            for (size_t j = i * CODES; j < (i + 1) * CODES; j++) {
                dot += s.host[0][j] * s.host[1][j];
                largest = fmax(largest, fabs(s.host[0][j]));
                square += pow(s.host[0][j] * s.host[1][j], 2);
            }
            norm = fmax(norm, sqrt(square / CODES));
        }
        assert_true(fabs(op->dot(s.space, s.device[0], s.device[1]) - dot) <
                    1e-14 * (double)s.length);
        assert_true(op->largest(s.space, s.device[0]) == largest);
        assert_true(fabs(op->norm(s.space, s.device[0], s.device[1]) / norm - 1) < 1e-14);
        setting_destroy(&s);
    }
}

static void a_norm_keeps_what_is_not_a_number(void **state)
{
    (void)state;
    setting s = setting_create(37);
    for (size_t i = 0; i < s.length; i += 19) {
        double kept = s.host[0][i];
        s.host[0][i] = NAN;
        s.space->operations->write(s.space, s.device[0], s.host[0]);
        assert_true(isnan(s.space->operations->norm(s.space, s.device[0], s.device[1])));
        s.host[0][i] = kept;
    }
    setting_destroy(&s);
}

static void the_first_sample_outside_its_bound_is_found(void **state)
{
    (void)state;
    setting s = setting_create(LONGEST);
    const fc__space_operations *op = s.space->operations;
    const size_t samples[] = {299, 150, 33, 0};
    assert_int_equal(op->outside(s.space, s.device[0]), LONGEST);
    for (size_t k = 0; k < 4; k++) {
        double *entry = &s.host[0][samples[k] * CODES + k];
        *entry = -s.bound[samples[k]];
        op->write(s.space, s.device[0], s.host[0]);
        assert_int_equal(op->outside(s.space, s.device[0]), k ? samples[k - 1] : LONGEST);
        *entry = k % 2 ? NAN : -1.001 * s.bound[samples[k]];
        op->write(s.space, s.device[0], s.host[0]);
        assert_int_equal(op->outside(s.space, s.device[0]), samples[k]);
    }
    setting_destroy(&s);
}

static void chosen_samples_go_to_their_own_places(void **state)
{
    (void)state;
    setting s = setting_create(37);
    const size_t member[] = {0, 7, 8, 36};
    double rows[4][CODES], *to[4] = {rows[2], rows[0], rows[3], rows[1]};
    s.space->operations->read(s.space, s.device[3], 4, member, to);
    for (size_t i = 0; i < 4; i++)
        assert_memory_equal(to[i], s.host[3] + member[i] * CODES, sizeof rows[0]);
    setting_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_match_loops_also_in_place),
        cmocka_unit_test(weights_are_those_of_the_tolerances),
        cmocka_unit_test(fused_operations_take_as_many_vectors_as_sundials_gives),
        cmocka_unit_test(long_sequences_are_in_order),
        cmocka_unit_test(sums_and_extremes_match_loops),
        cmocka_unit_test(a_norm_keeps_what_is_not_a_number),
        cmocka_unit_test(the_first_sample_outside_its_bound_is_found),
        cmocka_unit_test(chosen_samples_go_to_their_own_places),
    };
    return cmocka_run_group_tests_name("cuda: vectors", tests, NULL, NULL);
}
