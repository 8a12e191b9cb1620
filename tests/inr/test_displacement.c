/* Copies of training frames, moved along the axes without ends. */
#include "inr/displacement.h"
#include "tests/inr/fit_fixture.h"

static const struct {
    double rounding; /* of values in float */
    double left;     /* share of the moved frames that the codes leave */
} tolerance = {.rounding = 3e-6, .left = 1e-6};

static fc_fit_config copies_of(size_t copies, double shift)
{
    fc_fit_config fit = fc_fit_config_default();
    fit.copies = copies;
    fit.shift = shift;
    return fit;
}

/* ---------------------------------------------------------------- where copies are moved to */

static void copies_lie_evenly_on_both_sides(void **state)
{
    const double expected[] = {0.0, 3.0, -3.0, 6.0, -6.0};
    fc_domain sphere = sphere_domain();
    fc_fit_config fit = copies_of(4, 6.0);
    double offset[FC_MAX_DIMS];
    (void)state;
    for (size_t copy = 0; copy <= 4; copy++) {
        fc__displacement(&sphere, &fit, copy, offset);
        assert_true(offset[0] == 0.0 && offset[1] == expected[copy] && offset[2] == 0.0);
    }
}

static void copies_on_a_plane_are_moved_in_all_directions(void **state)
{
    fc_domain square = planar_domain();
    fc_fit_config fit = copies_of(12, 0.5);
    size_t quadrants[4] = {0};
    (void)state;
    square.axis[1].kind = FC_AXIS_PERIODIC;
    for (size_t copy = 1; copy <= fit.copies; copy++) {
        double offset[FC_MAX_DIMS];
        fc__displacement(&square, &fit, copy, offset);
        assert_true(fabs(offset[0]) <= 0.5 && fabs(offset[1]) <= 0.5);
        quadrants[2 * (offset[0] > 0.0) + (offset[1] > 0.0)]++;
    }
    for (size_t i = 0; i < 4; i++)
        assert_true(quadrants[i] >= 2);
}

/* ---------------------------------------------------------------- moved series */

/* Values of a series at points moved back are those of the moved series at the points. */
static void a_moved_series_has_the_values_of_other_points(void **state)
{
    enum { POINTS = 40, FILTERS = 20, WIDTH = 2 * FILTERS, ROWS = 3 };
    for (int sphere = 0; sphere < 2; sphere++) {
        fc_domain domain = sphere ? zone_domain(90.0) : planar_domain();
        fc_decoder_config config = small_config(sphere ? FC_FILTER_HARMONIC : FC_FILTER_INTEGER, 0);
        config.filters = FILTERS;
        config.bandwidth = 0.0;
        fc_decoder *decoder = make_decoder(*state, domain, config);
        fc_fit_config fit = copies_of(3, sphere ? 40.0 : 0.3);
        double offset[FC_MAX_DIMS], *x = random_points(&domain, POINTS, 3);
        double *from = random_doubles(ROWS * WIDTH, 4), to[ROWS * WIDTH];
        float here[POINTS * WIDTH], there[POINTS * WIDTH];
        fc__displacement(&domain, &fit, 2, offset);
        assert_true(fabs(offset[0]) > 0.1 && offset[1] == 0.0); /* latitude and plain axis end */
        fc__displace_series(decoder, offset, ROWS, from, to);
        CHECK(fc__decoder_features(*state, decoder, POINTS, x, here));
        for (size_t i = 0; i < POINTS * 2; i++)
            x[i] -= offset[i % 2];
        CHECK(fc__decoder_features(*state, decoder, POINTS, x, there));
        for (size_t i = 0; i < POINTS * ROWS; i++) {
            double moved = 0.0, expected = 0.0;
            for (size_t k = 0; k < WIDTH; k++) {
                moved += to[i % ROWS * WIDTH + k] * (double)here[i / ROWS * WIDTH + k];
                expected += from[i % ROWS * WIDTH + k] * (double)there[i / ROWS * WIDTH + k];
            }
            assert_true(fabs(moved - expected) < tolerance.rounding * WIDTH);
        }
        free(x);
        free(from);
        fc_decoder_destroy(decoder);
    }
}

/* ---------------------------------------------------------------- fits with copies */

/* Share of the frames of a sample, seen from moved points, that a fitted decoder leaves. */
static double left_of_moved(fc_context *context, const sample *s, const fitted *f,
                            const double *offset)
{
    enum { CHANNELS = 2 };
    size_t values = s->dataset->points[0].count * 2;
    double square[CHANNELS], *z = zeros(s->frames * f->decoder->config.codes, sizeof *z);
    fc__frames frames;
    for (size_t i = 0; i < values; i++)
        s->dataset->points[0].coordinates[i] += offset[i % 2];
    CHECK(fc__frames_select(context, s->dataset, 0, NULL, false, &frames));
    CHECK(fc__encode_frames(context, f->decoder, f->prior, f->noise, &frames, z, square, NULL));
    for (size_t i = 0; i < values; i++)
        s->dataset->points[0].coordinates[i] -= offset[i % 2];
    fc__frames_clear(&frames);
    free(z);
    return square[0] + square[1]; /* of values whose variance is near 1 */
}

/* One pattern whose strength varies: its moved copies are other fields. */
static void the_modes_of_a_fit_hold_the_copies(void **state)
{
    sample s = grid_sample(*state, periodic_family(2, 1, 0.7, 4), 20, 6, 10);
    fc_decoder_config config = fc_decoder_config_default();
    fc_fit_config plain = fc_fit_config_default(), fit = copies_of(3, 0.2);
    fitted without = fit_sample(*state, &s, NULL, &config, &plain);
    fitted with = fit_sample(*state, &s, NULL, &config, &fit);
    assert_int_equal(without.decoder->config.codes, 1);
    for (size_t copy = 0; copy <= 3; copy++) {
        double offset[FC_MAX_DIMS];
        fc__displacement(&s.family.domain, &fit, copy, offset);
        assert_true(left_of_moved(*state, &s, &with, offset) < tolerance.left);
        assert_true(copy == 0 || left_of_moved(*state, &s, &without, offset) > 0.01);
    }
    free_fitted(&without);
    free_fitted(&with);
    free_sample(&s);
}

static void refused(fc_context *context, const sample *s, const fc_decoder_config *config,
                    const char *text)
{
    fc_fit_config fit = copies_of(2, 0.1);
    fc_decoder *decoder;
    fc_prior *prior;
    double noise[4];
    assert_int_equal(
        fc_decoder_fit(context, s->dataset, 0, NULL, config, &fit, &decoder, &prior, noise, NULL),
        FC_ERROR_USAGE);
    if (!strstr(fc_context_message(context), text))
        fail_msg("'%s' does not hold '%s'", fc_context_message(context), text);
}

static void fields_that_cannot_be_moved_are_refused(void **state)
{
    const double omega[][3] = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}};
    fc_domain closed = planar_domain();
    fc_decoder_config config = fc_decoder_config_default();
    sample s = grid_sample(*state, periodic_family(1, 2, 0.7, 4), 12, 3, 4);
    config.filter = FC_FILTER_RANDOM;
    refused(*state, &s, &config, "integer or harmonic filters");
    config = fc_decoder_config_default();
    config.layers = 1;
    refused(*state, &s, &config, "only series");
    free_sample(&s);
    config.layers = 0;
    closed.axis[0].kind = FC_AXIS_PLAIN;
    s = grid_sample(*state, make_family(closed, 1, 1, 0.8, 3, omega), 12, 3, 4);
    refused(*state, &s, &config, "no axis is periodic");
    free_sample(&s);
    s = scattered_sample(*state, periodic_family(1, 2, 0.7, 4), 50, 3, 4, 0.0);
    refused(*state, &s, &config, "share their points");
    free_sample(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_lie_evenly_on_both_sides),
        cmocka_unit_test(copies_on_a_plane_are_moved_in_all_directions),
        cmocka_unit_test(a_moved_series_has_the_values_of_other_points),
        cmocka_unit_test(the_modes_of_a_fit_hold_the_copies),
        cmocka_unit_test(fields_that_cannot_be_moved_are_refused),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
