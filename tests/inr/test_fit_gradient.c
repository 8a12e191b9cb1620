/* Fitting by descent: variable projection and auto-decoding of networks with layers. */
#include "tests/inr/fit_fixture.h"

static const struct {
    double network;   /* training error of a small network over that of as many POD modes */
    double hidden;    /* share left at hidden points: of the modes alone it is 0.017 */
    double scattered; /* the same on points that differ, where the codes suffice */
    double missing;   /* the same where 30 % of the values are missing */
    double loss;      /* last over first reported loss */
    double gauge;     /* departures from the POD gauge, float weights */
} tolerance = {.network = 1.1,
               .hidden = 0.02,
               .scattered = 0.005,
               .missing = 0.1,
               .loss = 0.02,
               .gauge = 1e-4};

enum { RANK = 8, CODES = 4, GRID = 12, SEQUENCES = 4, LENGTH = 10, STEPS = 600 };

static sample smooth_sample(fc_context *context, size_t channels)
{
    return grid_sample(context, periodic_family(channels, RANK, 0.6, 2), GRID, SEQUENCES, LENGTH);
}

/* Training error of the best decoder with CODES codes. */
static double least_error(fc_context *context, const sample *s)
{
    fc_decoder_config config = fc_decoder_config_default();
    fc_fit_config fit = short_fit(FC_FIT_SERIES, CODES, 0);
    fitted series = fit_sample(context, s, NULL, &config, &fit);
    double error = series.report.training_mse;
    free_fitted(&series);
    return error;
}

static double hidden_share(fc_context *context, const sample *s, const fitted *f)
{
    double *z = codes_of(context, s, f, f->noise), share = error_at_random_points(context, s, f, z);
    free(z);
    return share;
}

typedef struct losses {
    int calls;
    uint64_t done;
    double first, last;
} losses;

static void note_loss(void *user, const char *stage, uint64_t done, uint64_t total, double loss)
{
    losses *l = user;
    assert_string_equal(stage, "decoder");
    assert_true(done > 0 && done <= total && loss > 0.0);
    l->first = l->calls++ ? l->first : loss;
    l->last = loss;
    l->done = done;
}

/* ---------------------------------------------------------------- quality */

static void a_network_comes_near_the_best_decoder(void **state)
{
    sample s = smooth_sample(*state, 1);
    double least = least_error(*state, &s);
    for (int automatic = 0; automatic < 2; automatic++) {
        fc_decoder_config config = small_network();
        fc_fit_config fit =
            short_fit(automatic ? FC_FIT_AUTO_DECODING : FC_FIT_PROJECTION, CODES, STEPS);
        losses noted = {0};
        fc_context_set_progress(*state, note_loss, &noted);
        fitted f = fit_sample(*state, &s, NULL, &config, &fit);
        fc_context_set_progress(*state, NULL, NULL);
        assert_true(noted.calls > 10 && noted.last < tolerance.loss * noted.first);
        assert_int_equal(f.report.codes, CODES);
        if (!(f.report.training_mse < tolerance.network * least))
            fail_msg("%g, the best is %g", f.report.training_mse, least);
        assert_true(f.report.training_mse > (1.0 - 1e-6) * least); /* nothing can be better */
        assert_true(hidden_share(*state, &s, &f) < tolerance.hidden);
        free_fitted(&f);
    }
    free_sample(&s);
}

static void variable_projection_needs_no_shared_points(void **state)
{
    sample s =
        scattered_sample(*state, periodic_family(1, CODES, 0.8, 2), 40, SEQUENCES, LENGTH, 0);
    fc_decoder_config config = small_network();
    fc_fit_config fit = short_fit(FC_FIT_PROJECTION, CODES, STEPS);
    fit.batch_frames = 4;
    fitted f = fit_sample(*state, &s, NULL, &config, &fit);
    double share = hidden_share(*state, &s, &f);
    if (!(share < tolerance.scattered))
        fail_msg("%g of the variance is left at hidden points", share);
    free_fitted(&f);
    free_sample(&s);
}

static void missing_values_do_not_stop_the_descent(void **state)
{
    sample s =
        scattered_sample(*state, periodic_family(2, CODES, 0.6, 2), 40, SEQUENCES, LENGTH, 0.0);
    fc__rng rng = fc__rng_create(4, 4);
    for (size_t f = 0; f < s.frames; f++)
        for (size_t i = 0; i < 40 * 2; i++)
            if (fc__rng_uniform(&rng) < 0.3)
                frame_of(&s, f)->values[i] = NAN;
    for (int automatic = 0; automatic < 2; automatic++) {
        fc_decoder_config config = small_network();
        fc_fit_config fit =
            short_fit(automatic ? FC_FIT_AUTO_DECODING : FC_FIT_PROJECTION, CODES, STEPS);
        fit.batch_frames = automatic ? 6 : 2;
        fitted f = fit_sample(*state, &s, NULL, &config, &fit);
        double share = hidden_share(*state, &s, &f);
        if (!(share < tolerance.missing))
            fail_msg("%g of the variance is left at hidden points", share);
        free_fitted(&f);
    }
    free_sample(&s);
}

static void trainable_filters_are_trained(void **state)
{
    sample s = smooth_sample(*state, 1);
    fc_decoder_config config = small_network();
    fc_fit_config fit = short_fit(FC_FIT_PROJECTION, CODES, STEPS);
    fc_decoder *start;
    config.filter = FC_FILTER_TRAINABLE;
    config.bandwidth = 3.0;
    config.codes = CODES;
    CHECK(fc_decoder_create(*state, &s.family.domain, &config, &start));
    fitted f = fit_sample(*state, &s, NULL, &config, &fit);
    size_t filters = fc_decoder_layout_of(&config, 2).a, moved = 0;
    for (size_t i = 0; i < filters; i++)
        moved += fabsf(f.decoder->parameters[i] - start->parameters[i]) > 1e-3f;
    assert_true(moved > filters / 2);
    assert_true(f.report.training_mse < 0.2); /* of a variance of 0.7 about the mean */
    fc_decoder_destroy(start);
    free_fitted(&f);
    free_sample(&s);
}

/* ---------------------------------------------------------------- gauge */

/* Largest departure of mean Phi^T Phi, over values that are not NaN in the frame, from s I. */
static double departure_from_orthogonal(fc_context *context, const fc_decoder *decoder,
                                        const fc_points *points, const float *values)
{
    size_t codes = decoder->config.codes, rows = points->count * decoder->config.channels;
    float *phi0 = zeros(rows, sizeof *phi0), *phi = zeros(rows * codes, sizeof *phi);
    double *metric = zeros(codes * codes, sizeof *metric), largest = 0.0;
    CHECK(fc_decoder_basis(context, decoder, points->count, points->coordinates, phi0, phi));
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < codes * codes && !isnan(values[r]); i++)
            metric[i] += (double)phi[r * codes + i / codes] * (double)phi[r * codes + i % codes];
    for (size_t i = 0; i < codes * codes; i++)
        largest = fmax(largest, fabs(metric[i] - (i / codes == i % codes) * metric[0]));
    double result = largest / metric[0];
    free(phi0);
    free(phi);
    free(metric);
    return result;
}

static void the_codes_of_a_network_are_in_the_gauge_of_the_pod(void **state)
{
    sample s = smooth_sample(*state, 1);
    fc_decoder_config config = small_network();
    fc_fit_config fit = short_fit(FC_FIT_PROJECTION, CODES, STEPS / 4);
    const double exact[1] = {1e-10};
    fitted f = fit_sample(*state, &s, NULL, &config, &fit);
    double *z = codes_of(*state, &s, &f, exact), trace = 0.0;
    for (size_t i = 0; i < CODES; i++) {
        double mean = 0.0;
        for (size_t n = 0; n < s.frames; n++)
            mean += z[n * CODES + i] / (double)s.frames;
        assert_true(fabs(mean) < 10.0 * tolerance.gauge);
        assert_true(f.prior->mean[i] == 0.0);
        for (size_t j = 0; j < CODES; j++) {
            double covariance = 0.0, expected = f.prior->covariance[i * CODES + j];
            for (size_t n = 0; n < s.frames; n++)
                covariance += z[n * CODES + i] * z[n * CODES + j] / ((double)s.frames - 1.0);
            assert_true(fabs(covariance - expected) < 10.0 * tolerance.gauge);
            assert_true(i == j || expected == 0.0);
        }
        assert_true(i == 0 || f.prior->covariance[i * (CODES + 1)] <
                                  f.prior->covariance[(i - 1) * (CODES + 1)]);
        trace += f.prior->covariance[i * (CODES + 1)];
    }
    assert_true(fabs(trace / CODES - 1.0) < 1e-9);
    assert_true(departure_from_orthogonal(*state, f.decoder, &s.dataset->points[0],
                                          frame_of(&s, 0)->values) < tolerance.gauge);
    free(z);
    free_fitted(&f);
    free_sample(&s);
}

/* Far more points than the metric is made of, of which one half may be land. */
static void the_gauge_is_that_of_all_observed_points(void **state)
{
    enum { LARGE = 90, FRAMES = 10 };
    for (int land = 0; land < 2; land++) {
        sample s = grid_sample(*state, periodic_family(2, 2, 0.8, 1), LARGE, 1, FRAMES);
        fc_decoder *decoder =
            make_decoder(*state, s.family.domain, small_config(FC_FILTER_INTEGER, 1));
        double *z = random_doubles(FRAMES * 5, 6);
        fc__frames frames;
        fc_prior *prior;
        for (size_t f = 0; land && f < FRAMES; f++)
            for (size_t i = 0; i < LARGE * LARGE * 2; i++)
                if (s.dataset->points[0].coordinates[i / 2 * 2] < 0.5)
                    frame_of(&s, f)->values[i] = NAN;
        CHECK(fc__frames_select(*state, s.dataset, 0, NULL, false, &frames));
        CHECK(fc__pod_gauge(*state, decoder, &frames, z, &prior));
        double departure = departure_from_orthogonal(*state, decoder, &s.dataset->points[0],
                                                     frame_of(&s, 0)->values);
        if (!(departure < 0.02)) /* as a half of the points stands for all */
            fail_msg("departs by %g", departure);
        free(z);
        fc__frames_clear(&frames);
        fc_prior_destroy(prior);
        fc_decoder_destroy(decoder);
        free_sample(&s);
    }
}

/* ---------------------------------------------------------------- repetition and interruption */

static void the_same_seed_gives_the_same_bits_and_another_does_not(void **state)
{
    sample s = smooth_sample(*state, 1);
    for (int automatic = 0; automatic < 2; automatic++) {
        fc_decoder_config config = small_network();
        fc_fit_config fit =
            short_fit(automatic ? FC_FIT_AUTO_DECODING : FC_FIT_PROJECTION, CODES, 60);
        fitted a = fit_sample(*state, &s, NULL, &config, &fit);
        fitted b = fit_sample(*state, &s, NULL, &config, &fit);
        size_t size = a.decoder->parameter_count * sizeof(float);
        assert_memory_equal(a.decoder->parameters, b.decoder->parameters, size);
        free_fitted(&b);
        fit.seed++;
        b = fit_sample(*state, &s, NULL, &config, &fit);
        assert_memory_not_equal(a.decoder->parameters, b.decoder->parameters, size);
        free_fitted(&a);
        free_fitted(&b);
    }
    free_sample(&s);
}

/* Sums go over tiles of points in their order, whichever thread has them. */
static void the_number_of_threads_changes_no_bit(void **state)
{
    sample s =
        scattered_sample(*state, periodic_family(2, CODES, 0.8, 2), 40, SEQUENCES, LENGTH, 0.0);
    fc_context *one;
    CHECK(fc_context_create(1, &one));
    for (int automatic = 0; automatic < 2; automatic++) {
        fc_decoder_config config = small_network();
        fc_fit_config fit =
            short_fit(automatic ? FC_FIT_AUTO_DECODING : FC_FIT_PROJECTION, CODES, 60);
        fitted a = fit_sample(*state, &s, NULL, &config, &fit);
        fitted b = fit_sample(one, &s, NULL, &config, &fit);
        assert_memory_equal(a.decoder->parameters, b.decoder->parameters,
                            a.decoder->parameter_count * sizeof(float));
        free_fitted(&a);
        free_fitted(&b);
    }
    fc_context_destroy(one);
    free_sample(&s);
}

static void interrupt_at_the_second_report(void *user, const char *stage, uint64_t done,
                                           uint64_t total, double loss)
{
    (void)stage, (void)total, (void)loss;
    if (done == 64)
        fc_context_interrupt(user);
    assert_true(done <= 64);
}

static void an_interruption_stops_the_descent(void **state)
{
    (void)state;
    fc_context *context;
    CHECK(fc_context_create(1, &context));
    sample s = smooth_sample(context, 1);
    fc_decoder_config config = small_network();
    fc_fit_config fit = short_fit(FC_FIT_AUTO_DECODING, CODES, STEPS);
    fc_decoder *decoder;
    fc_prior *prior;
    double noise;
    fc_context_set_progress(context, interrupt_at_the_second_report, context);
    assert_int_equal(
        fc_decoder_fit(context, s.dataset, 0, NULL, &config, &fit, &decoder, &prior, &noise, NULL),
        FC_INTERRUPTED);
    assert_null(decoder);
    assert_null(prior);
    free_sample(&s);
    fc_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_network_comes_near_the_best_decoder),
        cmocka_unit_test(variable_projection_needs_no_shared_points),
        cmocka_unit_test(missing_values_do_not_stop_the_descent),
        cmocka_unit_test(trainable_filters_are_trained),
        cmocka_unit_test(the_codes_of_a_network_are_in_the_gauge_of_the_pod),
        cmocka_unit_test(the_gauge_is_that_of_all_observed_points),
        cmocka_unit_test(the_same_seed_gives_the_same_bits_and_another_does_not),
        cmocka_unit_test(the_number_of_threads_changes_no_bit),
        cmocka_unit_test(an_interruption_stops_the_descent),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
