/* Equations in model files. */
#include "inr/support.h"
#include "ode/equation.h"
#include "tests/io/io_testing.h"

#include <hdf5.h>
#include <math.h>

enum { WAVES = 5, EQUATION_CODES = 2 * WAVES - 1 }; /* the sine of k = 0 is none */

/* A model of a periodic axis whose field is an equation. */
static fc_model *equation_model(bench *in)
{
    const fc_term terms[] = {
        {0, 2, {{0, 0, FC_ANGLE_ONE}, {0, 1, FC_ANGLE_X}}, -1.0 / 3.0},
        {0, 1, {{0, 2, FC_ANGLE_ONE}, {0, 0, FC_ANGLE_ONE}}, -1e-17},
    };
    const fc_field_config config = {.codes = EQUATION_CODES};
    fc_decoder_config decoder = fc_decoder_config_default();
    double mean[EQUATION_CODES] = {0}, covariance[EQUATION_CODES * EQUATION_CODES] = {0};
    fc_model *model = calloc(1, sizeof *model);
    fc_equation *e;
    model->domain.dims = 1;
    model->domain.axis[0] = (fc_axis){FC_AXIS_PERIODIC, 0.0, 1.0, "x", "1"};
    model->time_scale = 1.0;
    model->channel_count = 1;
    model->channels = calloc(1, sizeof *model->channels);
    fc__copy_name(model->channels[0].name, "u");
    model->mean = calloc(1, sizeof *model->mean);
    model->scale = calloc(1, sizeof *model->scale);
    model->noise = calloc(1, sizeof *model->noise);
    *model->scale = *model->noise = 1.0;
    decoder.codes = EQUATION_CODES;
    decoder.filters = WAVES;
    decoder.channels = 1;
    decoder.filter = FC_FILTER_INTEGER;
    assert_ok(in, fc_decoder_create(in->context, &model->domain, &decoder, &model->decoder));
    fc__rng rng = fc__rng_create(1, 1);
    fc_decoder_layout at = fc_decoder_layout_of(&decoder, 1);
    for (size_t i = at.a; i < at.count; i++)
        model->decoder->parameters[i] = (float)fc__rng_normal(&rng);
    for (size_t i = 0; i < EQUATION_CODES; i++)
        covariance[i * (EQUATION_CODES + 1)] = 1.0 / (1.0 + (double)i);
    assert_ok(in, fc_prior_create(in->context, EQUATION_CODES, mean, covariance, &model->prior));
    assert_ok(in, fc_field_create(in->context, &config, 1, &model->field));
    assert_ok(in, fc__equation_create(in->context, model->decoder, &e));
    e->terms = calloc(2, sizeof *e->terms);
    memcpy(e->terms, terms, sizeof terms);
    e->term_count = 2;
    for (size_t i = 0; i < 2 * WAVES; i++)
        e->forcing[i] = fc__rng_normal(&rng);
    assert_ok(in, fc_field_set_equation(in->context, model->field, model->decoder, e));
    return model;
}

static void edit_number(const char *path, const char *object, size_t index, hid_t type,
                        double value)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, object, H5P_DEFAULT), space = H5Dget_space(dataset);
    size_t count = (size_t)H5Sget_simple_extent_npoints(space);
    double *values = calloc(count, sizeof *values);
    assert_true(file >= 0 && dataset >= 0 && index < count);
    H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    values[index] = value;
    assert_true(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    free(values);
    H5Sclose(space);
    H5Dclose(dataset);
    H5Fclose(file);
}

static void an_equation_comes_back_to_the_last_bit(void **state)
{
    bench *in = *state;
    fc_model *model = equation_model(in), *read;
    bool has_state;
    const char *path = in_folder(in, "model.h5");
    assert_ok(in, fc_model_write(in->context, path, model, NULL));
    assert_ok(in, fc_model_read(in->context, path, &read, NULL, &has_state));
    const fc_equation *a = model->field->equation, *b = read->field->equation;
    assert_non_null(b);
    assert_non_null(read->field->galerkin);
    assert_int_equal(a->term_count, b->term_count);
    for (size_t t = 0; t < a->term_count; t++) {
        assert_int_equal(a->terms[t].channel, b->terms[t].channel);
        assert_int_equal(a->terms[t].factors, b->terms[t].factors);
        assert_true(a->terms[t].coefficient == b->terms[t].coefficient);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(a->terms[t].factor[i].order, b->terms[t].factor[i].order);
            assert_int_equal(a->terms[t].factor[i].angle, b->terms[t].factor[i].angle);
        }
    }
    assert_same_bits(a->forcing, b->forcing, 2 * WAVES * sizeof *a->forcing);
    assert_same_bits(model->prior->covariance, read->prior->covariance,
                     EQUATION_CODES * EQUATION_CODES * sizeof(double));
    fc_model_destroy(model);
    fc_model_destroy(read);
}

static void an_equation_that_cannot_be_is_refused(void **state)
{
    const struct {
        const char *object;
        size_t index;
        double value;
        const char *expected;
    } cases[] = {
        {"/equation/terms", 0, 1.0, "describes none"},
        {"/equation/terms", 1, 3.0, "describes none"},
        {"/equation/terms", 3, 99.0, "describes none"},
        {"/equation/terms", 4, -1.0, "describes none"},
        {"/equation/coefficients", 1, NAN, "coefficient is not finite"},
        {"/equation/forcing", 3, INFINITY, "forcing is not finite"},
        {"/prior/variance", 2, 0.0, "not positive"},
    };
    bench *in = *state;
    fc_model *model = equation_model(in), *read;
    bool has_state;
    const char *path = in_folder(in, "model.h5");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(in, fc_model_write(in->context, path, model, NULL));
        edit_number(path, cases[i].object, cases[i].index, H5T_NATIVE_DOUBLE, cases[i].value);
        assert_int_equal(fc_model_read(in->context, path, &read, NULL, &has_state), FC_ERROR_DATA);
        assert_non_null(strstr(fc_context_message(in->context), cases[i].expected));
        assert_non_null(strstr(fc_context_message(in->context), path));
        assert_null(read);
    }
    fc_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_equation_comes_back_to_the_last_bit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_equation_that_cannot_be_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
