/* Fitting of decoders that bend. */
#include "inr/fit_pass.h"
#include "tests/inr/decoder_fixture.h"

static const struct {
    double slope;                 /* central differences of a loss in float, step 1e-3 */
    double siren, multiplicative; /* error as a share of the affine decoder's; the latter's fields
                                     are only quadratic in the code here */
} tolerance = {.slope = 2e-2, .siren = 0.02, .multiplicative = 0.5};

enum { POINTS = 64, FRAMES = 48 };

/* A bump that travels once around a periodic axis: one number tells where it is, but no two modes
 * hold it. */
static fc_dataset *travelling_bump(fc_context *context)
{
    fc_domain domain = {.dims = 1, .axis = {axis_of(FC_AXIS_PERIODIC, 0.0, 1.0, "x")}};
    fc_dataset *dataset;
    fc_sequence *sequence;
    double x[POINTS], times[FRAMES];
    size_t index;
    for (size_t p = 0; p < POINTS; p++)
        x[p] = (double)p / POINTS;
    for (size_t f = 0; f < FRAMES; f++)
        times[f] = (double)f;
    CHECK(fc_dataset_create(context, &domain, 1, &dataset));
    CHECK(fc_dataset_add_points(context, dataset, POINTS, x, NULL, &index));
    CHECK(fc_dataset_add_sequence(context, dataset, FRAMES, times, NULL, &sequence));
    for (size_t f = 0; f < FRAMES; f++)
        for (size_t p = 0; p < POINTS; p++) {
            double phase = 2.0 * M_PI * (x[p] - (double)f / FRAMES);
            sequence->frames[f].values[p] = (float)(2.0 * exp(4.0 * (cos(phase) - 1.0)) - 0.5);
        }
    return dataset;
}

static fc_decoder_config bent_config(fc_decoder_family family)
{
    fc_decoder_config config = fc_decoder_config_default();
    config.family = family;
    config.codes = 2;
    config.width = 16;
    config.omega0 = 3.0;
    config.layers = 1;
    config.filters = 6;
    config.seed = 3;
    return config;
}

static fc_fit_report fit(fc_context *context, const fc_dataset *dataset, fc_decoder_family family,
                         fc_decoder **decoder, fc_prior **prior)
{
    fc_decoder_config config = bent_config(family);
    fc_fit_config how = fc_fit_config_default();
    fc_fit_report report;
    double noise;
    how.codes = 2;
    how.steps = 600;
    how.batch_points = POINTS;
    how.rate = family == FC_DECODER_FOURIER ? 0.0 : 5e-3;
    fc_status status =
        fc_decoder_fit(context, dataset, 0, NULL, &config, &how, decoder, prior, &noise, &report);
    if (status != FC_OK)
        fail_msg("%s", fc_context_message(context));
    return report;
}

static void a_bent_decoder_holds_a_travelling_bump_that_modes_cannot(void **state)
{
    static const fc_decoder_family families[] = {FC_DECODER_SIREN, FC_DECODER_MULTIPLICATIVE};
    const double shares[] = {tolerance.siren, tolerance.multiplicative};
    fc_dataset *dataset = travelling_bump(*state);
    fc_decoder *decoder;
    fc_prior *prior;
    double affine = fit(*state, dataset, FC_DECODER_FOURIER, &decoder, &prior).training_mse;
    fc_decoder_destroy(decoder);
    fc_prior_destroy(prior);
    for (size_t i = 0; i < 2; i++) {
        fc_fit_report report = fit(*state, dataset, families[i], &decoder, &prior);
        assert_true(report.training_mse < shares[i] * affine);
        assert_int_equal(decoder->config.family, families[i]);
        double trace = 0.0;
        for (size_t c = 0; c < 2; c++) { /* the gauge of the codes */
            assert_true(prior->mean[c] == 0.0);
            trace += prior->covariance[c * 3];
        }
        assert_true(fabs(trace - 2.0) < 1e-9);
        assert_true(prior->covariance[1] == 0.0 && prior->covariance[0] >= prior->covariance[3]);
        fc_decoder_destroy(decoder);
        fc_prior_destroy(prior);
    }
    fc_dataset_destroy(dataset);
}

static double loss_of(fc_context *context, const fc_decoder *decoder, const fc__frames *frames,
                      float *codes, float *gradient)
{
    fc__fit_pass *pass;
    double loss;
    CHECK(fc__fit_pass_create(context, decoder, frames, FC__CODES_FIXED, &pass));
    CHECK(fc__fit_pass_run(context, pass, frames->count, NULL, codes, NULL, &loss, gradient));
    fc__fit_pass_destroy(pass);
    return loss;
}

static void gradient_of_a_pass_is_the_slope_of_its_loss(void **state)
{
    static const fc_decoder_family families[] = {FC_DECODER_SIREN, FC_DECODER_MULTIPLICATIVE};
    fc_dataset *dataset = travelling_bump(*state);
    fc__frames frames;
    dataset->sequences[0].frames[3].values[7] = NAN; /* a value that is missing */
    CHECK(fc__frames_select(*state, dataset, 0, NULL, false, &frames));
    for (size_t i = 0; i < 2; i++) {
        fc_decoder *decoder = make_decoder(*state, dataset->domain, bent_config(families[i]));
        size_t count = decoder->parameter_count;
        float *codes = random_floats(FRAMES * 2, 5), *direction = random_floats(count, 6);
        float *gradient = zeros(count, sizeof *gradient), *unused = zeros(count, sizeof *unused);
        float *start = zeros(count, sizeof *start);
        double product = 0.0, slope = 0.0;
        const float step = 1e-3f;
        memcpy(start, decoder->parameters, count * sizeof *start);
        loss_of(*state, decoder, &frames, codes, gradient);
        for (int sign = -1; sign <= 1; sign += 2) {
            for (size_t k = 0; k < count; k++) /* filters stay */
                decoder->parameters[k] =
                    start[k] + (gradient[k] != 0.0f ? (float)sign * step * direction[k] : 0.0f);
            slope += sign * loss_of(*state, decoder, &frames, codes, unused) / (2.0 * (double)step);
        }
        for (size_t k = 0; k < count; k++)
            product += (double)gradient[k] * (double)direction[k];
        assert_true(fabs(product - slope) < tolerance.slope * fabs(slope));
        void *all[] = {codes, direction, gradient, unused, start};
        for (size_t k = 0; k < sizeof all / sizeof *all; k++)
            free(all[k]);
        fc_decoder_destroy(decoder);
    }
    fc__frames_clear(&frames);
    fc_dataset_destroy(dataset);
}

static void solved_codes_lower_the_loss(void **state)
{
    fc_dataset *dataset = travelling_bump(*state);
    fc_decoder *decoder = make_decoder(*state, dataset->domain, bent_config(FC_DECODER_SIREN));
    fc__frames frames;
    fc__fit_pass *pass;
    float *codes = random_floats(FRAMES * 2, 5);
    float *gradient = zeros(decoder->parameter_count, sizeof *gradient);
    CHECK(fc__frames_select(*state, dataset, 0, NULL, false, &frames));
    double before = loss_of(*state, decoder, &frames, codes, gradient), after;
    CHECK(fc__fit_pass_create(*state, decoder, &frames, FC__CODES_SOLVED, &pass));
    for (int step = 0; step < 5; step++)
        CHECK(fc__fit_pass_run(*state, pass, FRAMES, NULL, codes, NULL, &after, gradient));
    assert_true(after < before);
    fc__fit_pass_destroy(pass);
    fc__frames_clear(&frames);
    free(codes);
    free(gradient);
    fc_decoder_destroy(decoder);
    fc_dataset_destroy(dataset);
}

static void a_fit_does_not_depend_on_the_number_of_threads(void **state)
{
    fc_dataset *dataset = travelling_bump(*state);
    fc_context *one;
    fc_decoder *decoder[2];
    fc_decoder_config config = bent_config(FC_DECODER_SIREN);
    fc_fit_config how = fc_fit_config_default();
    CHECK(fc_context_create(1, &one));
    how.codes = 2;
    how.steps = 20;
    for (int t = 0; t < 2; t++) {
        fc_prior *prior;
        double noise;
        CHECK(fc_decoder_fit(t ? one : *state, dataset, 0, NULL, &config, &how, &decoder[t], &prior,
                             &noise, NULL));
        fc_prior_destroy(prior);
    }
    assert_memory_equal(decoder[0]->parameters, decoder[1]->parameters,
                        decoder[0]->parameter_count * sizeof(float));
    fc_decoder_destroy(decoder[0]);
    fc_decoder_destroy(decoder[1]);
    fc_context_destroy(one);
    fc_dataset_destroy(dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bent_decoder_holds_a_travelling_bump_that_modes_cannot),
        cmocka_unit_test(gradient_of_a_pass_is_the_slope_of_its_loss),
        cmocka_unit_test(solved_codes_lower_the_loss),
        cmocka_unit_test(a_fit_does_not_depend_on_the_number_of_threads),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
