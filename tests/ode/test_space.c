/* The processor's space, and SUNDIALS' vector over it beside SUNDIALS' own serial one. */
#include "integrate_fixture.h"
#include "ode/batch_vector.h"

#include <nvector/nvector_serial.h>
#include <sundials/sundials_version.h>

enum { BATCH = 5, CODES = 6, LENGTH = BATCH * CODES, PAIRS = 4 };

/* Pairs of vectors with the same values. */
typedef struct setting {
    fc_field *field;
    fc__processor_weights weights;
    fc__space *space;
    SUNContext sundials;
    N_Vector own[PAIRS], serial[PAIRS];
    double bound[BATCH];
} setting;

static SUNContext create_sundials(void)
{
    SUNContext sundials;
#if SUNDIALS_VERSION_MAJOR >= 7
    assert_int_equal(SUNContext_Create(SUN_COMM_NULL, &sundials), 0);
#else
    assert_int_equal(SUNContext_Create(NULL, &sundials), 0);
#endif
    return sundials;
}

/* In place, as the space keeps addresses in it. */
static void setting_create(fc_context *context, double rtol, setting *s)
{
    *s = (setting){.field = create_full(context), .sundials = create_sundials()};
    fc_integrator_config config = tolerance(rtol);
    fc__evaluator *evaluator;
    fc__rng rng = fc__rng_create(1, 1);
    config.method = FC_ODE_BDF;
    assert_int_equal(fc__processor_weights_create(context, s->field, &config, &s->weights), FC_OK);
    assert_int_equal(fc__processor_space_create(&s->weights, BATCH, 1, &s->space, &evaluator),
                     FC_OK);
    assert_int_equal(evaluator != NULL, rtol >= 1e-6);
    for (size_t i = 0; i < BATCH; i++)
        s->bound[i] = 4 + (double)i;
    s->space->operations->begin(s->space, BATCH, s->bound);
    for (size_t v = 0; v < PAIRS; v++) {
        s->own[v] = v ? N_VClone(s->own[0]) : fc__batch_vector_create(s->space, s->sundials);
        s->serial[v] = N_VNew_Serial(LENGTH, s->sundials);
        assert_true(s->own[v] && s->serial[v]);
        for (size_t i = 0; i < LENGTH; i++)
            N_VGetArrayPointer(s->serial[v])[i] = fc__rng_normal(&rng);
        s->space->operations->write(s->space, fc__batch_vector_values(s->own[v]),
                                    N_VGetArrayPointer(s->serial[v]));
    }
}

static void setting_destroy(setting *s)
{
    for (size_t v = 0; v < PAIRS; v++) {
        N_VDestroy(s->own[v]);
        N_VDestroy(s->serial[v]);
    }
    s->space->operations->destroy(s->space);
    fc__processor_weights_clear(&s->weights);
    SUNContext_Free(&s->sundials);
    fc_field_destroy(s->field);
}

static void assert_pairs(const setting *s)
{
    for (size_t v = 0; v < PAIRS; v++)
        assert_memory_equal(fc__batch_vector_values(s->own[v]), N_VGetArrayPointer(s->serial[v]),
                            LENGTH * sizeof(double));
}

/* ---------------------------------------------------------------- SUNDIALS' vector */

static void elementwise_operations_are_those_of_a_serial_vector(void **state)
{
    setting s;
    setting_create(*state, 1e-4, &s);
    for (int side = 0; side < 2; side++) {
        N_Vector *v = side ? s.serial : s.own;
        N_VLinearSum(2.0, v[0], -1.0, v[1], v[2]);
        N_VLinearSum(1.0, v[2], 0.5, v[1], v[2]);
        N_VProd(v[0], v[2], v[3]);
        N_VAddConst(v[3], 0.25, v[3]);
        N_VDiv(v[1], v[3], v[0]);
        N_VAbs(v[0], v[0]);
        N_VInv(v[0], v[1]);
        N_VScale(-3.0, v[1], v[1]);
        N_VScale(1.0, v[1], v[2]);
    }
    assert_pairs(&s);
    for (int side = 0; side < 2; side++)
        N_VConst(7.0, side ? s.serial[1] : s.own[1]);
    assert_pairs(&s);
    assert_int_equal(N_VGetLength(s.own[0]), LENGTH);
    setting_destroy(&s);
}

static void fused_operations_are_those_of_a_serial_vector(void **state)
{
    double a[3] = {0.5, -2.0, 3.0};
    setting s;
    setting_create(*state, 1e-4, &s);
    for (int side = 0; side < 2; side++) {
        N_Vector *v = side ? s.serial : s.own;
        N_Vector in_place[3] = {v[3], v[0], v[1]};
        assert_int_equal(N_VLinearCombination(3, a, v, v[3]), 0);
        assert_int_equal(N_VLinearCombination(3, a, in_place, v[3]), 0);
        assert_int_equal(N_VScaleAddMulti(3, a, v[3], v, v), 0);
        assert_int_equal(N_VScaleVectorArray(3, a, v, v), 0);
    }
    double *own = fc__batch_vector_values(s.own[3]);
    for (size_t v = 0; v < PAIRS; v++) /* the order of sums may differ by a rounding */
        assert_true(largest_difference(LENGTH, fc__batch_vector_values(s.own[v]),
                                       N_VGetArrayPointer(s.serial[v])) < 1e-13);
    N_Vector many[FC__SPACE_MOST + 1];
    double ones[FC__SPACE_MOST + 1];
    for (size_t k = 0; k <= FC__SPACE_MOST; k++) {
        many[k] = s.own[k % 3];
        ones[k] = 1;
    }
    assert_int_equal(N_VLinearCombination(FC__SPACE_MOST, ones, many, s.own[3]), 0);
    double expected = 0;
    for (size_t k = 0; k < FC__SPACE_MOST; k++)
        expected += fc__batch_vector_values(many[k])[LENGTH - 1];
    assert_true(fabs(own[LENGTH - 1] - expected) < 1e-12);
    assert_int_not_equal(N_VLinearCombination(FC__SPACE_MOST + 1, ones, many, s.own[3]), 0);
    setting_destroy(&s);
}

static void reductions_are_those_of_a_serial_vector_sample_by_sample(void **state)
{
    setting s;
    setting_create(*state, 1e-4, &s);
    assert_true(fabs(N_VDotProd(s.own[0], s.own[1]) - N_VDotProd(s.serial[0], s.serial[1])) <
                1e-13);
    assert_true(N_VMaxNorm(s.own[0]) == N_VMaxNorm(s.serial[0]));
    double largest = 0;
    for (size_t i = 0; i < BATCH; i++) {
        N_Vector x = N_VMake_Serial(CODES, N_VGetArrayPointer(s.serial[0]) + i * CODES, s.sundials);
        N_Vector w = N_VMake_Serial(CODES, N_VGetArrayPointer(s.serial[1]) + i * CODES, s.sundials);
        largest = fmax(largest, N_VWrmsNorm(x, w));
        N_VDestroy(x);
        N_VDestroy(w);
    }
    assert_true(fabs(N_VWrmsNorm(s.own[0], s.own[1]) / largest - 1) < 1e-13);
    for (size_t i = 0; i < LENGTH; i += 7) {
        double *entry = fc__batch_vector_values(s.own[0]) + i, kept = *entry;
        *entry = NAN;
        assert_true(isnan(N_VWrmsNorm(s.own[0], s.own[1])));
        *entry = kept;
    }
    setting_destroy(&s);
}

/* A space that has no memory left. */
static double *allocate_nothing(fc__space *space)
{
    space->status = FC_ERROR_MEMORY;
    return NULL;
}

static void a_clone_without_memory_is_usable_and_told_of(void **state)
{
    setting s;
    setting_create(*state, 1e-4, &s);
    fc__space_operations poor = *s.space->operations;
    const fc__space_operations *rich = s.space->operations;
    poor.allocate = allocate_nothing;
    s.space->operations = &poor;
    N_Vector clone = N_VClone(s.own[0]);
    assert_non_null(clone);
    N_VConst(1.0, clone);
    assert_int_equal(s.space->status, FC_ERROR_MEMORY);
    N_VDestroy(clone);
    assert_null(fc__batch_vector_create(s.space, s.sundials));
    s.space->operations = rich;
    assert_true(N_VMaxNorm(s.own[0]) == 1.0);
    setting_destroy(&s);
}

/* ---------------------------------------------------------------- the processor's space */

static void rates_and_derivatives_are_those_of_the_field(void **state)
{
    for (double rtol = 1e-4; rtol > 1e-9; rtol *= 1e-4) {
        setting s;
        setting_create(*state, rtol, &s);
        const fc__space_operations *op = s.space->operations;
        double expected[LENGTH], work[4096];
        double *z = fc__batch_vector_values(s.own[0]), *v = fc__batch_vector_values(s.own[1]);
        double *dz = fc__batch_vector_values(s.own[2]);
        assert_true(fc_field_work_size(&s.field->config, BATCH) <= 4096);
        fc_field_eval_double(&s.field->config, s.weights.parameters, BATCH, z, expected, work);
        assert_int_equal(op->eval(s.space, z, dz), 0);
        assert_true(largest_difference(LENGTH, dz, expected) < (rtol < 1e-6 ? 1e-13 : 1e-5));
        fc_field_jvp_double(&s.field->config, s.weights.parameters, BATCH, z, v, expected, work);
        assert_int_equal(op->jvp(s.space, z, v, dz), 0);
        assert_true(largest_difference(LENGTH, dz, expected) < 1e-13);
        z[17] = INFINITY;
        assert_int_equal(op->eval(s.space, z, dz), 1);
        assert_int_equal(op->jvp(s.space, z, v, dz), 1);
        setting_destroy(&s);
    }
}

static void the_first_sample_outside_its_bound_is_found(void **state)
{
    setting s;
    setting_create(*state, 1e-4, &s);
    const fc__space_operations *op = s.space->operations;
    double *z = fc__batch_vector_values(s.own[0]);
    assert_int_equal(op->outside(s.space, z), BATCH);
    z[4 * CODES] = NAN;
    assert_int_equal(op->outside(s.space, z), 4);
    z[2 * CODES - 1] = -s.bound[1];
    assert_int_equal(op->outside(s.space, z), 4);
    z[2 * CODES - 1] *= 1.001;
    assert_int_equal(op->outside(s.space, z), 1);
    setting_destroy(&s);
}

static void chosen_samples_go_to_their_own_places(void **state)
{
    setting s;
    setting_create(*state, 1e-4, &s);
    double rows[2][CODES], *to[2] = {rows[1], rows[0]};
    const size_t member[2] = {1, 4};
    const double *z = fc__batch_vector_values(s.own[0]);
    s.space->operations->read(s.space, z, 2, member, to);
    assert_memory_equal(rows[1], z + 1 * CODES, sizeof rows[1]);
    assert_memory_equal(rows[0], z + 4 * CODES, sizeof rows[0]);
    setting_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elementwise_operations_are_those_of_a_serial_vector),
        cmocka_unit_test(fused_operations_are_those_of_a_serial_vector),
        cmocka_unit_test(reductions_are_those_of_a_serial_vector_sample_by_sample),
        cmocka_unit_test(a_clone_without_memory_is_usable_and_told_of),
        cmocka_unit_test(rates_and_derivatives_are_those_of_the_field),
        cmocka_unit_test(the_first_sample_outside_its_bound_is_found),
        cmocka_unit_test(chosen_samples_go_to_their_own_places),
    };
    return cmocka_run_group_tests(tests, create_context, destroy_context);
}
