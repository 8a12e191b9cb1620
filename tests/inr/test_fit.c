/* Series decoders on points that all frames share, against the singular value decomposition of the
 * data and against the formulas that made them. */
#include "inr/filters.h"
#include "tests/inr/fit_fixture.h"

#include <lapacke.h>

static const struct {
    double floor;      /* share left when the codes suffice: float weights and values */
    double truncation; /* training error against that of the singular values, relative */
    double codes;      /* mean, correlation and variance of codes, unit variance together */
    double plain;      /* share left of waves that do not fit a plain axis */
    double threads;    /* weights by another number of threads, relative to the largest */
    double sphere;     /* share left of a smooth field on the sphere at points never seen */
} tolerance = {.floor = 1e-12,
               .truncation = 1e-3,
               .codes = 1e-3,
               .plain = 1e-6,
               .threads = 1e-5,
               .sphere = 1e-8};

enum { GRID = 20, RANK = 9, SEQUENCES = 6, LENGTH = 10, FRAMES = SEQUENCES * LENGTH };

static sample periodic_sample(fc_context *context, size_t channels)
{
    return grid_sample(context, periodic_family(channels, RANK, 0.7, 4), GRID, SEQUENCES, LENGTH);
}

/* Values of the marked sequences as rows of doubles; returns the number of rows. */
static size_t data_matrix(const sample *s, const bool *flags, bool flag, double *rows)
{
    size_t count = 0, size = s->dataset->points[0].count * s->dataset->channel_count;
    for (size_t f = 0; f < s->frames; f++) {
        if (flags && flags[f / s->dataset->sequences[0].frame_count] != flag)
            continue;
        for (size_t i = 0; i < size; i++)
            rows[count * size + i] = (double)frame_of(s, f)->values[i];
        count++;
    }
    return count;
}

/* Left-out mean squares, per value, of the best affine subspaces of 0, 1, ... dimensions for the
 * training sequences: error (frames + 1) of themselves, held (frames + 1) of the flagged ones. */
static void best_errors(const sample *s, const bool *flags, double *error, double *held)
{
    size_t size = s->dataset->points[0].count * s->dataset->channel_count;
    double *rows = zeros(s->frames * size, sizeof *rows), *mean = zeros(size, sizeof *mean);
    double *other = zeros(s->frames * size, sizeof *other);
    double *singular = zeros(s->frames, sizeof *singular);
    double *vectors = zeros(s->frames * size, sizeof *vectors), unused;
    size_t count = data_matrix(s, flags, false, rows);
    size_t held_count = flags ? data_matrix(s, flags, true, other) : 0;
    for (size_t i = 0; i < count * size; i++)
        mean[i % size] += rows[i] / (double)count;
    for (size_t i = 0; i < count * size; i++)
        rows[i] -= mean[i % size];
    for (size_t i = 0; i < held_count * size; i++)
        other[i] -= mean[i % size];
    /* row-major rows = column-major transposed: its left singular vectors are the modes */
    assert_int_equal(LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'O', (lapack_int)size, (lapack_int)count,
                                    rows, (lapack_int)size, singular, &unused, 1, vectors,
                                    (lapack_int)count),
                     0);
    for (size_t c = 0; c <= count; c++) {
        error[c] = held[c] = 0.0;
        for (size_t j = c; j < count; j++)
            error[c] += singular[j] * singular[j] / (double)(count * size);
        for (size_t i = 0; i < held_count * size; i++)
            held[c] += other[i] * other[i] / (double)(held_count * size);
        for (size_t f = 0; c < count && f < held_count; f++) { /* takes mode c out */
            double code = 0.0;
            for (size_t i = 0; i < size; i++)
                code += other[f * size + i] * rows[c * size + i];
            for (size_t i = 0; i < size; i++)
                other[f * size + i] -= code * rows[c * size + i];
        }
    }
    free(rows);
    free(other);
    free(mean);
    free(singular);
    free(vectors);
}

/* ---------------------------------------------------------------- on a periodic grid */

static void a_series_reaches_rounding_when_the_codes_suffice(void **state)
{
    sample s = periodic_sample(*state, 1);
    fc_decoder_config decoder = fc_decoder_config_default();
    fc_fit_config fit = fc_fit_config_default();
    fit.codes = RANK + 8; /* more than there is to learn */
    fitted f = fit_sample(*state, &s, NULL, &decoder, &fit);
    assert_int_equal(f.report.codes, RANK);
    assert_int_equal(f.decoder->config.codes, RANK);
    assert_int_equal(f.decoder->config.filter, FC_FILTER_INTEGER);
    assert_true(f.report.training_mse < tolerance.floor);
    assert_true(isnan(f.report.validation_mse));
    double *z = codes_of(*state, &s, &f, f.noise);
    assert_true(error_at_random_points(*state, &s, &f, z) < tolerance.floor);
    free(z);
    free_fitted(&f);
    free_sample(&s);
}

static void the_training_error_is_that_of_the_singular_values(void **state)
{
    double error[FRAMES + 1], held[FRAMES + 1];
    for (size_t channels = 1; channels <= 2; channels++) {
        sample s = periodic_sample(*state, channels);
        best_errors(&s, NULL, error, held);
        for (size_t codes = 1; codes < RANK; codes += 3) {
            fc_decoder_config decoder = fc_decoder_config_default();
            fc_fit_config fit = fc_fit_config_default();
            fit.codes = codes;
            fitted f = fit_sample(*state, &s, NULL, &decoder, &fit);
            double ratio = f.report.training_mse / error[codes];
            if (!(fabs(ratio - 1.0) < tolerance.truncation))
                fail_msg("%zu channels, %zu codes: %.9g times the best error", channels, codes,
                         ratio);
            double noise = 0.0;
            for (size_t c = 0; c < channels; c++)
                noise += f.noise[c] / (double)channels;
            noise *= 1.0 - (double)codes / (double)(GRID * GRID * channels); /* freedom left */
            assert_true(fabs(noise / error[codes] - 1.0) < tolerance.truncation);
            free_fitted(&f);
        }
        free_sample(&s);
    }
}

static void codes_are_centred_uncorrelated_and_ordered_on_one_scale(void **state)
{
    enum { CODES = 7 };
    sample s = periodic_sample(*state, 2);
    fc_decoder_config decoder = fc_decoder_config_default();
    fc_fit_config fit = fc_fit_config_default();
    fit.codes = CODES;
    fitted f = fit_sample(*state, &s, NULL, &decoder, &fit);
    double *z = codes_of(*state, &s, &f, f.noise), covariance[CODES][CODES] = {{0}}, trace = 0.0;
    for (size_t i = 0; i < CODES; i++) {
        double mean = 0.0;
        for (size_t n = 0; n < FRAMES; n++)
            mean += z[n * CODES + i] / FRAMES;
        assert_true(fabs(mean) < tolerance.codes);
        assert_true(f.prior->mean[i] == 0.0);
        for (size_t j = 0; j < CODES; j++)
            for (size_t n = 0; n < FRAMES; n++)
                covariance[i][j] += z[n * CODES + i] * z[n * CODES + j] / FRAMES;
        trace += covariance[i][i];
    }
    for (size_t i = 0; i < CODES; i++) {
        assert_true(i == 0 || covariance[i][i] < covariance[i - 1][i - 1]);
        for (size_t j = 0; j < CODES; j++) {
            assert_true(fabs(f.prior->covariance[i * CODES + j] - covariance[i][j]) <
                        tolerance.codes);
            assert_true(i == j || f.prior->covariance[i * CODES + j] == 0.0);
        }
    }
    assert_true(fabs(trace / CODES - 1.0) < tolerance.codes);
    free(z);
    free_fitted(&f);
    free_sample(&s);
}

static void the_fewest_codes_that_meet_the_tolerance_are_chosen(void **state)
{
    const bool validation[SEQUENCES] = {false, true, false, false, true, false};
    double error[FRAMES + 1], held[FRAMES + 1];
    sample s = periodic_sample(*state, 1);
    best_errors(&s, validation, error, held);
    for (double share = 0.3; share > 1e-3; share /= 3.0) {
        size_t needed = 1;
        while (held[needed] > share * held[0])
            needed++;
        fc_decoder_config decoder = fc_decoder_config_default();
        fc_fit_config fit = fc_fit_config_default();
        fit.tolerance = share;
        fitted f = fit_sample(*state, &s, validation, &decoder, &fit);
        assert_int_equal(f.report.codes, needed);
        assert_true(fabs(f.report.training_mse / error[needed] - 1.0) < tolerance.truncation);
        assert_true(fabs(f.report.validation_mse / held[needed] - 1.0) < tolerance.truncation);
        assert_true(fabs(f.report.unresolved - held[needed] / held[0]) < tolerance.truncation);
        fit.max_codes = needed > 1 ? needed - 1 : 1;
        free_fitted(&f);
        f = fit_sample(*state, &s, validation, &decoder, &fit);
        assert_int_equal(f.report.codes, fit.max_codes);
        free_fitted(&f);
    }
    free_sample(&s);
}

static void only_the_first_frames_are_trained_on(void **state)
{
    sample s = periodic_sample(*state, 1);
    fc_decoder_config decoder = fc_decoder_config_default();
    fc_fit_config fit = fc_fit_config_default();
    fit.codes = 4;
    fc_decoder *all, *first;
    fc_prior *prior;
    double noise;
    CHECK(fc_decoder_fit(*state, s.dataset, 5, NULL, &decoder, &fit, &first, &prior, &noise, NULL));
    fc_prior_destroy(prior);
    for (size_t f = 0; f < FRAMES; f++) /* what comes after frame 5 is never looked at */
        for (size_t i = 0; f % LENGTH >= 5 && i < GRID * GRID; i++)
            frame_of(&s, f)->values[i] = NAN;
    CHECK(fc_decoder_fit(*state, s.dataset, 5, NULL, &decoder, &fit, &all, &prior, &noise, NULL));
    fc_prior_destroy(prior);
    assert_memory_equal(all->parameters, first->parameters, all->parameter_count * sizeof(float));
    fc_decoder_destroy(all);
    fc_decoder_destroy(first);
    free_sample(&s);
}

/* ---------------------------------------------------------------- channels and masks */

/* Waves that only the second channel has must widen the series too. */
static void a_finer_second_channel_is_resolved_as_well(void **state)
{
    family fine = periodic_family(2, 5, 0.8, 4);
    for (size_t r = 0; r <= fine.rank; r++)
        for (size_t w = 0; w < 2 * fine.waves; w++)
            if (hypot(fine.omega[w % fine.waves][0], fine.omega[w % fine.waves][1]) > 7.0)
                fine.weight[(r * 2) * 2 * fine.waves + w] = 0.0;
    sample s = grid_sample(*state, fine, GRID, SEQUENCES, LENGTH);
    fc_decoder_config decoder = fc_decoder_config_default();
    fc_fit_config fit = fc_fit_config_default();
    fit.codes = 5;
    fitted f = fit_sample(*state, &s, NULL, &decoder, &fit);
    assert_true(f.report.training_mse < tolerance.floor);
    free_fitted(&f);
    free_sample(&s);
}

static bool is_land(const double *x)
{
    return hypot(x[0] - 0.4, x[1] - 0.5) < 0.2;
}

/* Takes the values of one channel, or of all, on land. */
static void flood(sample *s, size_t channel)
{
    size_t channels = s->family.channels;
    const double *x = s->dataset->points[0].coordinates;
    for (size_t f = 0; f < s->frames; f++)
        for (size_t i = 0; i < GRID * GRID * channels; i++)
            if (is_land(x + i / channels * 2) && (channel == channels || i % channels == channel))
                frame_of(s, f)->values[i] = NAN;
}

static void points_that_are_always_missing_do_not_matter(void **state)
{
    for (size_t channel = 1; channel <= 2; channel++) { /* on the second channel, on both */
        sample s = periodic_sample(*state, 2);
        flood(&s, channel);
        fc_decoder_config decoder = fc_decoder_config_default();
        fc_fit_config fit = fc_fit_config_default();
        fit.codes = RANK;
        fitted f = fit_sample(*state, &s, NULL, &decoder, &fit);
        assert_true(f.report.training_mse < tolerance.floor);
        fit.codes = 4;
        free_fitted(&f);
        f = fit_sample(*state, &s, NULL, &decoder, &fit);
        double *z = codes_of(*state, &s, &f, f.noise), total = 0.0;
        for (size_t i = 0; i < FRAMES * 4; i++)
            total += z[i] * z[i] / (FRAMES * 4);
        assert_true(fabs(total - 1.0) < tolerance.codes); /* the gauge is of observed points */
        free(z);
        free_fitted(&f);
        free_sample(&s);
    }
}

static void validation_frames_with_another_mask_do_not_spoil_the_fit(void **state)
{
    const bool validation[SEQUENCES] = {[2] = true};
    sample s = periodic_sample(*state, 1);
    for (size_t f = 0; f < LENGTH; f++)
        for (size_t i = 0; i < GRID * GRID; i += 3)
            s.dataset->sequences[2].frames[f].values[i] = NAN;
    double error[FRAMES + 1], held[FRAMES + 1];
    sample whole = periodic_sample(*state, 1);
    best_errors(&whole, validation, error, held);
    fc_decoder_config decoder = fc_decoder_config_default();
    fc_fit_config fit = fc_fit_config_default();
    fit.tolerance = 0.1;
    fitted f = fit_sample(*state, &s, validation, &decoder, &fit);
    size_t codes = f.report.codes; /* chosen by the training frames themselves */
    assert_true(error[codes] <= fit.tolerance * error[0]);
    assert_true(error[codes - 1] > fit.tolerance * error[0]);
    assert_true(fabs(f.report.training_mse / error[codes] - 1.0) < tolerance.truncation);
    assert_true(fabs(f.report.validation_mse / held[codes] - 1.0) < 0.1); /* of other points */
    free_fitted(&f);
    free_sample(&s);
    free_sample(&whole);
}

static void a_ridge_that_is_given_leaves_the_filters_to_be_chosen(void **state)
{
    sample s = periodic_sample(*state, 1);
    fc_decoder_config decoder = fc_decoder_config_default();
    fc_fit_config fit = fc_fit_config_default();
    fit.codes = RANK;
    fit.ridge = 1e-10; /* not one that is tried */
    fitted f = fit_sample(*state, &s, NULL, &decoder, &fit);
    assert_true(f.report.ridge == fit.ridge);
    assert_true(f.decoder->config.filters >= 25); /* the waves of the fields */
    assert_true(f.report.training_mse < tolerance.floor);
    free_fitted(&f);
    free_sample(&s);
}

/* ---------------------------------------------------------------- other domains */

static void a_plain_axis_is_not_forced_to_close(void **state)
{
    const double omega[][3] = {{0, 0, 0},      {1.1, 0.3, 0},  {-0.7, 0.9, 0},
                               {1.9, -0.4, 0}, {0.4, -1.3, 0}, {2.3, 0.8, 0}};
    fc_domain domain = {
        .dims = 2,
        .axis = {axis_of(FC_AXIS_PLAIN, -1.0, 2.0, "x"), axis_of(FC_AXIS_PLAIN, 3.0, 5.0, "y")}};
    family waves = make_family(domain, 1, 5, 0.8, 6, omega);
    sample s = grid_sample(*state, waves, GRID, SEQUENCES, LENGTH);
    fc_decoder_config decoder = fc_decoder_config_default();
    fc_fit_config fit = fc_fit_config_default();
    fit.codes = 5;
    fitted f = fit_sample(*state, &s, NULL, &decoder, &fit);
    double *z = codes_of(*state, &s, &f, f.noise);
    double share = error_at_random_points(*state, &s, &f, z);
    if (!(share < tolerance.plain))
        fail_msg("%g of the variance is left between the grid points", share);
    free(z);
    free_fitted(&f);
    free_sample(&s);
}

static void a_smooth_field_on_the_sphere_is_interpolated(void **state)
{
    enum { POINTS = 500 };
    const double omega[][3] = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0},    {0, 0, 1},
                               {2, 1, 0}, {0, 2, 2}, {-1, 1, 2.5}, {3, 0, -1}};
    fc_domain domain = zone_domain(90.0);
    sample s = {.family = make_family(domain, 1, 6, 0.8, 8, omega)};
    double *x = random_points(&domain, POINTS, 3);
    size_t index;
    for (size_t p = 0; p < POINTS; p++) /* evenly on the sphere */
        x[p * 2 + 1] = asin(x[p * 2 + 1] / 90.0) * 180.0 / M_PI;
    CHECK(fc_dataset_create(*state, &domain, 1, &s.dataset));
    CHECK(fc_dataset_add_points(*state, s.dataset, POINTS, x, NULL, &index));
    add_frames(*state, &s, SEQUENCES, LENGTH, 0, 0.0);
    fc_decoder_config decoder = fc_decoder_config_default();
    fc_fit_config fit = fc_fit_config_default();
    fit.codes = 6;
    fit.tolerance = 1e-8; /* of pruning as well */
    fitted f = fit_sample(*state, &s, NULL, &decoder, &fit);
    assert_int_equal(f.decoder->config.filter, FC_FILTER_HARMONIC);
    double *z = codes_of(*state, &s, &f, f.noise);
    double share = error_at_random_points(*state, &s, &f, z);
    if (!(share < tolerance.sphere))
        fail_msg("%g of the variance is left between the points", share);
    free(x);
    free(z);
    free_fitted(&f);
    free_sample(&s);
}

/* Frames of two channels on 24 latitudes and 32 longitudes, made of some harmonics, of which
 * channel 0 has the last half alone. turned: latitude is the first axis. */
static fc_dataset *harmonic_frames(fc_context *context, size_t count, const double *omega,
                                   size_t frames, bool turned)
{
    enum { ROWS = 24, COLUMNS = 32, POINTS = ROWS * COLUMNS };
    const size_t shape[2] = {turned ? COLUMNS : ROWS, turned ? ROWS : COLUMNS};
    fc_dataset *dataset;
    fc_domain domain = zone_domain(90.0);
    if (turned) {
        domain.axis[1] = domain.axis[0];
        domain.axis[0] = zone_domain(90.0).axis[1];
    }
    double x[POINTS * 2], inputs[3];
    float *values = zeros(frames * POINTS * 2, sizeof *values);
    double *times = zeros(frames, sizeof *times), *s = zeros(2 * count, sizeof *s);
    size_t index;
    fc_sequence *sequence;
    fc__filters filters;
    CHECK(fc__filters_create(context, FC_FILTER_HARMONIC, 1, count, 3, omega, &filters));
    double *work = zeros(fc__filters_work_size(&filters), sizeof *work);
    for (size_t p = 0; p < POINTS; p++) {
        size_t column = turned ? p / ROWS : p % COLUMNS, row = turned ? p % ROWS : p / COLUMNS;
        x[2 * p + turned] = 360.0 * (double)column / COLUMNS;
        x[2 * p + !turned] = -90.0 + 180.0 * ((double)row + 0.5) / ROWS;
        fc_domain_embed(&domain, 1, x + 2 * p, inputs);
        fc__filters_double(&filters, inputs, s, 2 * count, work);
        for (size_t i = 0; i < frames * 2; i++) {
            fc__rng rng = fc__rng_create(i, 9);
            double sum = 0.0;
            for (size_t k = 0; k < 2 * count; k++) {
                double amplitude = fc__rng_normal(&rng);
                sum += i % 2 || k % count >= count / 2 ? amplitude * s[k] : 0.0;
            }
            values[(i / 2 * POINTS + p) * 2 + i % 2] = (float)sum;
        }
    }
    CHECK(fc_dataset_create(context, &domain, 2, &dataset));
    CHECK(fc_dataset_add_points(context, dataset, POINTS, x, shape, &index));
    for (size_t f = 0; f < frames; f++)
        times[f] = (double)f;
    CHECK(fc_dataset_add_sequence(context, dataset, frames, times, NULL, &sequence));
    for (size_t f = 0; f < frames; f++)
        memcpy(sequence->frames[f].values, values + f * POINTS * 2, POINTS * 2 * sizeof *values);
    fc__filters_clear(&filters);
    free(work);
    free(values);
    free(times);
    free(s);
    return dataset;
}

static void only_harmonics_that_carry_something_are_kept(void **state)
{
    enum { COUNT = 4, FRAMES_MADE = 40 };
    const double omega[COUNT * 3] = {3, 2, 0, 5, 0, 0, 7, 7, 0, 9, 4, 0};
    fc_dataset *dataset = harmonic_frames(*state, COUNT, omega, FRAMES_MADE, false);
    fc_decoder_config config = fc_decoder_config_default();
    fc_fit_config fit = fc_fit_config_default();
    config.channels = 2;
    fit.max_codes = 20;
    fc_decoder *decoder;
    fc_prior *prior;
    fc_fit_report report;
    double noise[2];
    CHECK(
        fc_decoder_fit(*state, dataset, 0, NULL, &config, &fit, &decoder, &prior, noise, &report));
    assert_true(report.training_mse < fit.tolerance);
    assert_int_equal(decoder->config.filter, FC_FILTER_HARMONIC);
    assert_int_equal(decoder->config.filters, COUNT);
    for (size_t f = 0; f < COUNT; f++)
        for (size_t j = 0; j < 3; j++)
            assert_true((double)decoder->parameters[3 * f + j] == omega[3 * f + j]);
    fc_decoder_layout at = fc_decoder_layout_of(&decoder->config, decoder->inputs);
    const float *a = decoder->parameters + at.a;
    size_t codes = decoder->config.codes;
    for (size_t i = 0; i < codes; i++) /* channel 0 has the last two alone */
        assert_true(a[i] == 0.0f && a[(COUNT + 1) * codes + i] == 0.0f);
    fc_decoder_destroy(decoder);
    fc_prior_destroy(prior);
    fc_dataset_destroy(dataset);
}

/* Of 32 longitudes, orders up to 15, whichever axis they lie along. */
static void no_order_is_chosen_that_the_longitudes_cannot_tell(void **state)
{
    const double omega[] = {20, 3, 0, 18, 12, 0, 9, 5, 0, 14, 2, 0, 4, 1, 0, 7, 7, 0};
    for (int turned = 0; turned < 2; turned++) {
        fc_dataset *dataset = harmonic_frames(*state, 6, omega, 20, turned);
        fc_decoder_config config = fc_decoder_config_default();
        fc_fit_config fit = fc_fit_config_default();
        double ridge = 0.0;
        fc__frames frames;
        CHECK(fc__frames_select(*state, dataset, 0, NULL, false, &frames));
        CHECK(fc__choose_filters(*state, &frames, &fit, &config, &ridge));
        assert_true(config.bandwidth == 15.0);
        assert_int_equal(config.filters, 253 - 21); /* degree 21 without orders 16 to 21 */
        config.filters = 0;
        config.bandwidth = 3.0; /* the caller's stays */
        CHECK(fc__choose_filters(*state, &frames, &fit, &config, &ridge));
        assert_true(config.bandwidth == 3.0);
        fit.max_filters = 50;
        config = fc_decoder_config_default();
        CHECK(fc__choose_filters(*state, &frames, &fit, &config, &ridge));
        assert_int_equal(config.filters, 21);
        fc__frames_clear(&frames);
        fc_dataset_destroy(dataset);
    }
}

/* Noise at every point: no harmonic stands out, but a decoder needs one. */
static void noise_leaves_at_least_one_harmonic(void **state)
{
    const double omega[] = {0, 0, 0};
    fc_dataset *dataset = harmonic_frames(*state, 1, omega, 12, false);
    fc_decoder_config config = fc_decoder_config_default();
    fc_fit_config fit = fc_fit_config_default();
    fc_decoder *decoder;
    fc_prior *prior;
    double noise[2];
    for (size_t f = 0; f < 12; f++) {
        fc__rng rng = fc__rng_create(f, 4);
        float *values = dataset->sequences[0].frames[f].values;
        for (size_t i = 0; i < 2 * dataset->points[0].count; i++)
            values[i] = (float)fc__rng_normal(&rng);
    }
    config.channels = 2;
    fit.codes = 1;
    fit.tolerance = 0.99;
    fit.ridge = 1e6; /* draws all coefficients to zero */
    CHECK(fc_decoder_fit(*state, dataset, 0, NULL, &config, &fit, &decoder, &prior, noise, NULL));
    assert_int_equal(decoder->config.filters, 1);
    fc_decoder_destroy(decoder);
    fc_prior_destroy(prior);
    fc_dataset_destroy(dataset);
}

/* ---------------------------------------------------------------- what cannot be learned */

static void refused(fc_context *context, const sample *s, size_t frames, const bool *validation,
                    const char *text)
{
    fc_decoder_config decoder = fc_decoder_config_default();
    fc_fit_config fit = fc_fit_config_default();
    fc_decoder *made = (fc_decoder *)&decoder;
    fc_prior *prior = (fc_prior *)&decoder;
    double noise[4];
    assert_int_equal(fc_decoder_fit(context, s->dataset, frames, validation, &decoder, &fit, &made,
                                    &prior, noise, NULL),
                     FC_ERROR_DATA);
    assert_null(made);
    assert_null(prior);
    if (!strstr(fc_context_message(context), text))
        fail_msg("'%s' does not hold '%s'", fc_context_message(context), text);
}

static void one_frame_is_too_few(void **state)
{
    const bool most[SEQUENCES] = {false, true, true, true, true, true};
    const bool all[SEQUENCES] = {true, true, true, true, true, true};
    sample s = periodic_sample(*state, 1);
    refused(*state, &s, 1, most, "1 training frame; at least 2");
    refused(*state, &s, 0, all, "0 training frames; at least 2");
    free_sample(&s);
}

static void frames_that_are_all_alike_are_refused(void **state)
{
    sample s = periodic_sample(*state, 1);
    for (size_t f = 1; f < FRAMES; f++)
        memcpy(frame_of(&s, f)->values, frame_of(&s, 0)->values, GRID * GRID * sizeof(float));
    refused(*state, &s, 0, NULL, "the 60 training frames are all alike");
    for (size_t f = 0; f < FRAMES; f++)
        memset(frame_of(&s, f)->values, 0, GRID * GRID * sizeof(float));
    refused(*state, &s, 0, NULL, "the 60 training frames are all alike");
    free_sample(&s);
}

/* ---------------------------------------------------------------- repetition */

/* Products are divided among threads, and BLAS rounds their parts as their sizes have it. */
static void repetition_changes_no_bit_and_another_number_of_threads_hardly_one(void **state)
{
    sample s = periodic_sample(*state, 2);
    fc_decoder_config decoder = fc_decoder_config_default();
    fc_fit_config fit = fc_fit_config_default();
    fc_context *one;
    CHECK(fc_context_create(1, &one));
    fit.codes = 6;
    fitted a = fit_sample(*state, &s, NULL, &decoder, &fit);
    fitted b = fit_sample(*state, &s, NULL, &decoder, &fit);
    fitted c = fit_sample(one, &s, NULL, &decoder, &fit);
    size_t count = a.decoder->parameter_count;
    double *expected = to_double(count, a.decoder->parameters);
    assert_memory_equal(a.decoder->parameters, b.decoder->parameters, count * sizeof(float));
    assert_memory_equal(a.prior->covariance, b.prior->covariance, 36 * sizeof(double));
    assert_true(a.noise[0] == b.noise[0] && a.noise[1] == b.noise[1]);
    assert_true(difference_float(count, c.decoder->parameters, expected) < tolerance.threads);
    free(expected);
    free_fitted(&a);
    free_fitted(&b);
    free_fitted(&c);
    fc_context_destroy(one);
    free_sample(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_series_reaches_rounding_when_the_codes_suffice),
        cmocka_unit_test(the_training_error_is_that_of_the_singular_values),
        cmocka_unit_test(codes_are_centred_uncorrelated_and_ordered_on_one_scale),
        cmocka_unit_test(the_fewest_codes_that_meet_the_tolerance_are_chosen),
        cmocka_unit_test(only_the_first_frames_are_trained_on),
        cmocka_unit_test(a_finer_second_channel_is_resolved_as_well),
        cmocka_unit_test(points_that_are_always_missing_do_not_matter),
        cmocka_unit_test(validation_frames_with_another_mask_do_not_spoil_the_fit),
        cmocka_unit_test(a_ridge_that_is_given_leaves_the_filters_to_be_chosen),
        cmocka_unit_test(a_plain_axis_is_not_forced_to_close),
        cmocka_unit_test(a_smooth_field_on_the_sphere_is_interpolated),
        cmocka_unit_test(only_harmonics_that_carry_something_are_kept),
        cmocka_unit_test(no_order_is_chosen_that_the_longitudes_cannot_tell),
        cmocka_unit_test(noise_leaves_at_least_one_harmonic),
        cmocka_unit_test(one_frame_is_too_few),
        cmocka_unit_test(frames_that_are_all_alike_are_refused),
        cmocka_unit_test(repetition_changes_no_bit_and_another_number_of_threads_hardly_one),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
