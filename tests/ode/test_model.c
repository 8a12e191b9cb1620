#include "model_fixture.h"

/* Relative to the size of the codes or of the field's departures from its mean. */
#define TOLERANCE_ROUND_TRIP                                                                       \
    1e-4                     /* codes of a decoded field; the prior pulls by its noise of 1e-8 */
#define TOLERANCE_FIELD 2e-6 /* float fields against double */
#define TOLERANCE_STD 1e-5   /* standard deviations against dense algebra */

/* Field of codes at points, straight from the formulas of the waves. */
static float *wave_fields(const double *z, size_t count, const double *x, size_t channels)
{
    float *values = zeros(count * channels, sizeof *values);
    for (size_t i = 0; i < count * channels; i++)
        values[i] = (float)wave_value(z, x + 2 * (i / channels), i % channels);
    return values;
}

static double largest(size_t count, const double *a, const double *b)
{
    double worst = 0.0;
    for (size_t i = 0; i < count; i++)
        worst = fmax(worst, fabs(a[i] - b[i]));
    return worst;
}

/* Points between those of the grid; free() them. */
static double *scattered(size_t count, uint64_t seed)
{
    double *x = zeros(2 * count, sizeof *x);
    fc__rng rng = fc__rng_create(seed, 5);
    for (size_t p = 0; p < count; p++) {
        x[2 * p] = 2.0 * fc__rng_uniform(&rng);
        x[2 * p + 1] = -1.0 + 3.0 * fc__rng_uniform(&rng);
    }
    return x;
}

/* ---------------------------------------------------------------- encoding and decoding */

static void decoded_fields_have_the_mean_and_scale_of_every_channel(void **state)
{
    enum { COUNT = 300, FRAMES = 3 };
    double *x = scattered(COUNT, 1), z[FRAMES * CODES];
    for (size_t channels = 1; channels <= 2; channels++) {
        fc_model *model = wave_model(*state, channels, 0.0);
        float *values = zeros(FRAMES * COUNT * channels, sizeof *values);
        for (size_t f = 0; f < FRAMES; f++)
            wave_codes(3, f, 0.7, z + f * CODES);
        must(*state, fc_model_decode(*state, model, COUNT, x, FRAMES, z, values));
        for (size_t f = 0; f < FRAMES; f++)
            for (size_t i = 0; i < COUNT * channels; i++)
                assert_near((double)values[f * COUNT * channels + i],
                            wave_value(z + f * CODES, x + 2 * (i / channels), i % channels),
                            10.0 * TOLERANCE_FIELD);
        fc_model_destroy(model);
        free(values);
    }
    free(x);
}

/* More points than a tile of the basis holds. */
static void decoding_by_the_basis_agrees_with_the_decoder_itself(void **state)
{
    enum { COUNT = 9000 };
    fc_model *model = wave_model(*state, 2, 0.0);
    fc__rng rng = fc__rng_create(6, 6);
    for (size_t i = 0; i < model->decoder->parameter_count; i++)
        if (i >= 2 * WAVES)
            model->decoder->parameters[i] += (float)(0.2 * fc__rng_normal(&rng));
    double *x = scattered(COUNT, 2), z[2 * CODES];
    float zf[2 * CODES], *values = zeros(2 * COUNT * 2, sizeof *values);
    float *direct = zeros(2 * COUNT * 2, sizeof *direct);
    for (size_t f = 0; f < 2; f++)
        wave_codes(4, f, 1.0, z + f * CODES);
    for (size_t i = 0; i < 2 * CODES; i++)
        zf[i] = (float)z[i];
    must(*state, fc_model_decode(*state, model, COUNT, x, 2, z, values));
    must(*state, fc_decoder_values(*state, model->decoder, COUNT, x, 2, zf, direct));
    for (size_t i = 0; i < 2 * COUNT * 2; i++)
        assert_near((double)values[i], wave_mean[i % 2] + wave_scale[i % 2] * (double)direct[i],
                    20.0 * TOLERANCE_FIELD);
    free(x);
    free(values);
    free(direct);
    fc_model_destroy(model);
}

static void encoding_a_decoded_field_gives_its_codes_back(void **state)
{
    for (size_t channels = 1; channels <= 2; channels++) {
        fc_model *model = wave_model(*state, channels, 0.0);
        double *x = wave_grid(SIDE), z[CODES], again[CODES];
        float *values = zeros(POINTS * channels, sizeof *values);
        wave_codes(5, 0, 0.0, z);
        must(*state, fc_model_decode(*state, model, POINTS, x, 1, z, values));
        must(*state, fc_model_encode(*state, model, 0.0, POINTS, x, values, again, NULL));
        assert_below(largest(CODES, z, again), TOLERANCE_ROUND_TRIP);
        fc_model_destroy(model);
        free(values);
        free(x);
    }
}

/* Half of the values of each channel are enough, whatever stands beside the missing ones. */
static void missing_values_are_left_out(void **state)
{
    enum { COUNT = 60 };
    fc_model *model = wave_model(*state, 2, 0.0);
    double *x = scattered(COUNT, 3), z[CODES], again[CODES], some[CODES];
    wave_codes(6, 0, 0.0, z);
    float *values = wave_fields(z, COUNT, x, 2), *kept = zeros(2 * COUNT, sizeof *kept);
    double *kept_x = zeros(2 * COUNT, sizeof *kept_x);
    size_t number = 0;
    for (size_t p = 0; p < COUNT; p++) {
        values[2 * p + p % 2] = NAN;
        if (p % 3 == 0)
            values[2 * p] = values[2 * p + 1] = NAN;
    }
    must(*state, fc_model_encode(*state, model, 0.0, COUNT, x, values, again, NULL));
    assert_below(largest(CODES, z, again), TOLERANCE_ROUND_TRIP);
    for (size_t p = 0; p < COUNT; p++) { /* the same, of points with a value only */
        if (p % 3) {
            memcpy(kept_x + 2 * number, x + 2 * p, 2 * sizeof *x);
            kept[2 * number] = values[2 * p];
            kept[2 * number++ + 1] = values[2 * p + 1];
        }
    }
    must(*state, fc_model_encode(*state, model, 0.0, number, kept_x, kept, some, NULL));
    assert_memory_equal(some, again, sizeof again);
    free(x);
    free(values);
    free(kept);
    free(kept_x);
    fc_model_destroy(model);
}

/* One value y of variance s + n: z = S phi (y - phi0) / (phi S phi + n), by hand. */
static void check_single_sensor(fc_context *context, size_t channel)
{
    fc_model *model = wave_model(context, 2, 0.1);
    double *x = scattered(1, 4), z[CODES], covariance[CODES * CODES];
    float values[2] = {NAN, NAN}, phi0[2], basis[2 * CODES], *phi = basis + channel * CODES;
    model->noise[1] = 0.3;
    values[channel] = 12.0f;
    must(context, fc_model_encode(context, model, 0.0, 1, x, values, z, covariance));
    must(context, fc_decoder_basis(context, model->decoder, 1, x, phi0, basis));
    double y = (12.0 - wave_mean[channel]) / wave_scale[channel];
    double total = model->noise[channel], *s = model->prior->covariance;
    for (size_t i = 0; i < CODES; i++)
        total += (double)phi[i] * (double)phi[i] * s[i * (CODES + 1)];
    for (size_t i = 0; i < CODES; i++) {
        double gain = s[i * (CODES + 1)] * (double)phi[i] / total;
        assert_near(z[i], gain * y, 1e-5 * fabs(y));
        for (size_t j = 0; j < CODES; j++) {
            double prior = i == j ? s[i * (CODES + 1)] : 0.0;
            assert_near(covariance[i * CODES + j],
                        prior - gain * (double)phi[j] * s[j * (CODES + 1)], 1e-5);
        }
    }
    free(x);
    fc_model_destroy(model);
}

static void a_single_sensor_moves_the_codes_along_its_own_row(void **state)
{
    check_single_sensor(*state, 0);
    check_single_sensor(*state, 1);
}

static void observations_without_any_value_are_refused(void **state)
{
    fc_model *model = wave_model(*state, 2, 0.1);
    double *x = scattered(3, 4), z[CODES];
    float values[6] = {NAN, NAN, NAN, NAN, NAN, NAN};
    assert_int_equal(fc_model_encode(*state, model, 7.5, 3, x, values, z, NULL), FC_ERROR_DATA);
    assert_message(*state, "nothing is observed at time 7.5: all 6 values are missing");
    assert_int_equal(fc_model_encode(*state, model, 7.5, 0, x, values, z, NULL), FC_ERROR_DATA);
    values[2] = 1.0f;
    must(*state, fc_model_encode(*state, model, 7.5, 3, x, values, z, NULL));
    x[3] = NAN;
    assert_int_equal(fc_model_encode(*state, model, 7.5, 3, x, values, z, NULL), FC_ERROR_DATA);
    assert_message(*state, "point 1: coordinate y is nan");
    free(x);
    fc_model_destroy(model);
}

/* The same field at two phases of the cycle has the same codes, reached from other departures. */
static void the_cycle_is_taken_off_and_put_back(void **state)
{
    fc_model *model = wave_model(*state, 1, 0.0);
    double *x = wave_grid(SIDE), z[CODES], again[CODES], departure[CODES], at[CODES];
    model->time_origin = 2.0;
    model->cycle.period = 24.0;
    model->cycle.harmonics = 1;
    model->cycle.coefficient = zeros(2 * CODES, sizeof *model->cycle.coefficient);
    for (size_t i = 0; i < 2 * CODES; i++)
        model->cycle.coefficient[i] = 0.5 - 0.1 * (double)i;
    wave_codes(8, 0, 0.0, z);
    float *values = wave_fields(z, POINTS, x, 1);
    for (double time = 0.0; time < 24.0; time += 7.0) {
        must(*state, fc_model_encode(*state, model, time, POINTS, x, values, again, NULL));
        assert_below(largest(CODES, z, again), TOLERANCE_ROUND_TRIP);
        must(*state, fc__encode_departure(*state, model, time, POINTS, x, values, NULL, departure,
                                          NULL, NULL));
        fc__cycle_at(model, time, at);
        for (size_t i = 0; i < CODES; i++)
            assert_near(departure[i] + at[i], z[i], TOLERANCE_ROUND_TRIP);
    }
    free(values);
    free(x);
    fc_model_destroy(model);
}

/* ---------------------------------------------------------------- standard deviations */

/* Gives the model a SIREN of the same codes and channels. */
static void bend(fc_context *context, fc_model *model)
{
    fc_decoder_config config = model->decoder->config;
    fc_decoder_destroy(model->decoder);
    config.family = FC_DECODER_SIREN;
    config.layers = 1;
    config.width = 12;
    config.omega0 = 2.0;
    must(context, fc_decoder_create(context, &model->domain, &config, &model->decoder));
}

static void a_model_that_bends_gives_codes_and_deviations_of_its_tangent(void **state)
{
    enum { COUNT = 200 };
    fc_model *model = wave_model(*state, 1, 1e-3);
    double *x = scattered(COUNT, 9), z[CODES], found[CODES], covariance[CODES * CODES];
    float values[COUNT], again[COUNT], deviation[COUNT], narrow[CODES], phi0[COUNT];
    float *phi = zeros(COUNT * CODES, sizeof *phi);
    bend(*state, model);
    for (size_t i = 0; i < CODES; i++)
        z[i] = 0.3 * cos((double)i);
    must(*state, fc_model_decode(*state, model, COUNT, x, 1, z, values));
    must(*state, fc_model_encode(*state, model, 0.0, COUNT, x, values, found, covariance));
    must(*state, fc_model_decode(*state, model, COUNT, x, 1, found, again));
    for (size_t p = 0; p < COUNT; p++) /* one deviation of the noise is sqrt(1e-3) */
        assert_true(fabsf(again[p] - values[p]) < 0.03f * (float)wave_scale[0]);
    must(*state, fc_model_decode_std(*state, model, COUNT, x, COUNT, found, covariance, deviation));
    for (size_t i = 0; i < CODES; i++)
        narrow[i] = (float)found[i];
    must(*state, fc_decoder_tangent(*state, model->decoder, COUNT, x, narrow, phi0, phi));
    double factor = fc__calibration_at(model, COUNT);
    for (size_t p = 0; p < COUNT; p++) {
        double variance = model->noise[0];
        for (size_t i = 0; i < CODES * CODES; i++)
            variance += (double)phi[p * CODES + i / CODES] * covariance[i] *
                        (double)phi[p * CODES + i % CODES];
        assert_near((double)deviation[p] / (factor * wave_scale[0] * sqrt(variance)), 1.0,
                    TOLERANCE_STD);
    }
    free(x);
    free(phi);
    fc_model_destroy(model);
}

static void deviations_are_those_of_dense_algebra(void **state)
{
    enum { COUNT = 40 };
    fc_model *model = wave_model(*state, 2, 0.2);
    double *x = scattered(COUNT, 9), covariance[CODES * CODES], root[CODES * CODES];
    float deviation[2 * COUNT], phi0[2 * COUNT], phi[2 * COUNT * CODES];
    fc__rng rng = fc__rng_create(10, 10);
    model->calibration_count = 1;
    model->calibration_values = copied(&(double){10.0}, 1, sizeof(double));
    model->calibration_factor = copied(&(double){1.5}, 1, sizeof(double));
    model->noise[1] = 0.7;
    for (size_t i = 0; i < CODES * CODES; i++)
        root[i] = 0.3 * fc__rng_normal(&rng);
    fc__dsyrk(CODES, CODES, 1.0, root, 0.0, covariance);
    must(*state, fc_model_decode_std(*state, model, COUNT, x, 99, model->prior->mean, covariance,
                                     deviation));
    must(*state, fc_decoder_basis(*state, model->decoder, COUNT, x, phi0, phi));
    for (size_t k = 0; k < 2 * COUNT; k++) {
        double variance = model->noise[k % 2];
        for (size_t i = 0; i < CODES; i++)
            for (size_t j = 0; j < CODES; j++)
                variance += (double)phi[k * CODES + i] * covariance[i * CODES + j] *
                            (double)phi[k * CODES + j];
        double expected = 1.5 * wave_scale[k % 2] * sqrt(variance);
        assert_near((double)deviation[k] / expected, 1.0, TOLERANCE_STD);
    }
    free(x);
    fc_model_destroy(model);
}

static void deviations_are_positive_and_smaller_where_something_is_observed(void **state)
{
    fc_model *model = wave_model(*state, 1, 0.05);
    double *x = wave_grid(SIDE), z[CODES], covariance[CODES * CODES], prior = model->noise[0];
    float values[POINTS], deviation[POINTS];
    for (size_t i = 0; i < CODES; i += 2)
        prior += model->prior->covariance[i * (CODES + 1)]; /* the same at every point */
    prior = wave_scale[0] * sqrt(prior);
    for (size_t p = 0; p < POINTS; p++)
        values[p] = NAN;
    values[0] = 10.0f;
    must(*state, fc_model_encode(*state, model, 0.0, POINTS, x, values, z, covariance));
    must(*state, fc_model_decode_std(*state, model, POINTS, x, 1, z, covariance, deviation));
    for (size_t p = 0; p < POINTS; p++) {
        assert_true(deviation[p] > 0.0f && (double)deviation[p] <= prior * (1.0 + TOLERANCE_STD));
        assert_true(p == 0 || deviation[p] > deviation[0]);
    }
    assert_near((double)deviation[0], wave_scale[0] * 0.05 * sqrt(2.0), 0.005);
    free(x);
    fc_model_destroy(model);
}

static void calibration_is_interpolated_in_the_logarithm_of_the_number_of_values(void **state)
{
    static const double values[] = {10.0, 1000.0}, factors[] = {3.0, 1.0};
    fc_model *model = wave_model(*state, 1, 0.05);
    assert_true(fc__calibration_at(model, 5) == 1.0);
    model->calibration_count = 2;
    model->calibration_values = copied(values, 2, sizeof *values);
    model->calibration_factor = copied(factors, 2, sizeof *factors);
    assert_near(fc__calibration_at(model, 1), 3.0, 1e-12);
    assert_near(fc__calibration_at(model, 10), 3.0, 1e-12);
    assert_near(fc__calibration_at(model, 100), 2.0, 1e-12);
    assert_near(fc__calibration_at(model, 1000), 1.0, 1e-12);
    assert_near(fc__calibration_at(model, 100000), 1.0, 1e-12);
    fc_model_destroy(model);
}

static void lead_variance_is_interpolated_and_then_grows_to_a_limit(void **state)
{
    static const double times[] = {0.0, 1.0, 2.0};
    fc_model *model = wave_model(*state, 1, 0.05);
    double variance[CODES] = {0};
    fc__lead_variance_at(model, 3.0, variance);
    assert_true(variance[0] == 0.0);
    model->lead_count = 3;
    model->lead_time = copied(times, 3, sizeof *times);
    model->lead_variance = zeros(3 * CODES, sizeof *model->lead_variance);
    for (size_t i = 0; i < CODES; i++) {
        model->lead_variance[CODES + i] = 0.02;
        model->lead_variance[2 * CODES + i] = 0.06;
    }
    static const double leads[] = {0.0, 0.5, 1.0, 1.75, 2.0, 3.0, 1e6};
    double limit = 2.0 * wave_deviation[0] * wave_deviation[0] + 0.06;
    const double expected[] = {0.0, 0.01, 0.02, 0.05, 0.06, 0.10, limit};
    for (size_t k = 0; k < sizeof leads / sizeof *leads; k++) {
        memset(variance, 0, sizeof variance);
        variance[1] = 7.0;
        fc__lead_variance_at(model, leads[k], variance);
        assert_near(variance[0], expected[k], 1e-12);
        assert_near(variance[1], 7.0 + expected[k], 1e-12);
    }
    fc_model_destroy(model);
}

/* Rollouts from every frame of an exact field leave no error; of a still field, the whole motion.
 */
static void error_growth_is_that_of_the_rollouts(void **state)
{
    enum { FRAMES = 4 };
    fc_model *model = wave_model(*state, 1, 0.0);
    size_t first[] = {0, FRAMES, FRAMES + 2};
    double times[FRAMES + 2], expected[FRAMES] = {0}, z[FRAMES + 2][CODES];
    float codes[(FRAMES + 2) * CODES];
    for (size_t f = 0; f < FRAMES + 2; f++) {
        times[f] = (double)(f < FRAMES ? f : f - FRAMES);
        wave_codes(1, f < FRAMES, times[f] * model->time_scale, z[f]);
        for (size_t i = 0; i < CODES; i++)
            codes[f * CODES + i] = (float)z[f][i];
    }
    fc_trajectories t = {.codes = CODES, .count = 2, .first = first, .times = times, .z = codes};
    must(*state, fc__fit_lead_variance(*state, model, &t));
    assert_int_equal(model->lead_count, FRAMES);
    for (size_t k = 0; k < FRAMES; k++) {
        assert_near(model->lead_time[k], (double)k, 1e-6);
        assert_near(model->lead_variance[k * CODES], 0.0, 1e-5);
    }
    free(model->lead_time);
    free(model->lead_variance);
    memset(model->field->parameters, 0, model->field->parameter_count * sizeof(float));
    must(*state, fc__fit_lead_variance(*state, model, &t));
    for (size_t k = 1; k < FRAMES; k++) {
        double number = (double)(FRAMES - k) + (k == 1 ? 1.0 : 0.0);
        for (size_t f = 0; f + k < FRAMES; f++)
            expected[k] += pow(z[f + k][0] - z[f][0], 2.0) / number;
        if (k == 1)
            expected[k] += pow(z[FRAMES + 1][0] - z[FRAMES][0], 2.0) / number;
        assert_near(model->lead_variance[k * CODES], expected[k], 1e-5);
    }
    fc_model_destroy(model);
}

/* Long intervals in short sequences would put the mean lead of two intervals before that of one. */
static void leads_increase_whatever_the_intervals(void **state)
{
    fc_model *model = wave_model(*state, 1, 0.0);
    size_t first[] = {0, 2, 4, 6, 9};
    double times[] = {0, 4, 0, 4, 0, 4, 0, 1, 2};
    float codes[9 * CODES] = {0};
    fc_trajectories t = {.codes = CODES, .count = 4, .first = first, .times = times, .z = codes};
    must(*state, fc__fit_lead_variance(*state, model, &t));
    assert_true(model->lead_count >= 2);
    for (size_t k = 1; k < model->lead_count; k++)
        assert_true(model->lead_time[k] > model->lead_time[k - 1]);
    fc_model_destroy(model);
}

/* ---------------------------------------------------------------- other data */

static void assert_refused(fc_context *context, const fc_model *model, const fc_dataset *dataset,
                           const char *message)
{
    assert_int_equal(fc_model_check_dataset(context, model, dataset, "new.nc"), FC_ERROR_DATA);
    assert_message(context, message);
}

static void a_dataset_of_other_dimensions_or_channels_is_refused(void **state)
{
    fc_model *model = wave_model(*state, 2, 0.0);
    fc_dataset *dataset =
        wave_dataset(*state, (wave_world){.channels = 2, .sequences = 1, .frames = 2, .step = 1});
    fc_dataset *single =
        wave_dataset(*state, (wave_world){.channels = 1, .sequences = 1, .frames = 2, .step = 1});
    must(*state, fc_model_check_dataset(*state, model, dataset, "new.nc"));
    assert_refused(*state, model, single, "new.nc: 1 channels; the model was trained with 2");
    fc__copy_name(dataset->channels[1].name, "velocity");
    assert_refused(*state, model, dataset,
                   "new.nc: channel 1 is called velocity; the model was trained on speed");
    dataset->domain.dims = 1;
    assert_refused(*state, model, dataset,
                   "new.nc: points have 1 coordinates; the model was trained with 2");
    fc_dataset_destroy(dataset);
    fc_dataset_destroy(single);
    fc_model_destroy(model);
}

static void a_dataset_on_other_axes_is_refused(void **state)
{
    fc_model *model = wave_model(*state, 1, 0.0);
    fc_dataset *dataset =
        wave_dataset(*state, (wave_world){.channels = 1, .sequences = 1, .frames = 2, .step = 1});
    dataset->domain.axis[0].upper = 2.5;
    assert_refused(*state, model, dataset, "new.nc: axis x has period 2.5; the model's is 2");
    dataset->domain.axis[0] = axis_of(FC_AXIS_PERIODIC, -1.0, 1.0, "x"); /* the same place */
    must(*state, fc_model_check_dataset(*state, model, dataset, "new.nc"));
    dataset->domain.axis[1].kind = FC_AXIS_PLAIN;
    assert_refused(*state, model, dataset,
                   "new.nc: axis 1 (y) is plain; the model was trained on a periodic axis (y)");
    model->domain.axis[1].kind = FC_AXIS_PLAIN;
    must(*state, fc_model_check_dataset(*state, model, dataset, "new.nc"));
    dataset->domain.axis[1].lower = 0.0; /* a part of the domain is fine */
    must(*state, fc_model_check_dataset(*state, model, dataset, "new.nc"));
    dataset->domain.axis[1].upper = 2.5;
    assert_refused(*state, model, dataset,
                   "new.nc: axis y runs from 0 to 2.5; the model knows -1 to 2");
    fc_dataset_destroy(dataset);
    fc_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decoded_fields_have_the_mean_and_scale_of_every_channel),
        cmocka_unit_test(decoding_by_the_basis_agrees_with_the_decoder_itself),
        cmocka_unit_test(encoding_a_decoded_field_gives_its_codes_back),
        cmocka_unit_test(missing_values_are_left_out),
        cmocka_unit_test(a_single_sensor_moves_the_codes_along_its_own_row),
        cmocka_unit_test(observations_without_any_value_are_refused),
        cmocka_unit_test(the_cycle_is_taken_off_and_put_back),
        cmocka_unit_test(a_model_that_bends_gives_codes_and_deviations_of_its_tangent),
        cmocka_unit_test(deviations_are_those_of_dense_algebra),
        cmocka_unit_test(deviations_are_positive_and_smaller_where_something_is_observed),
        cmocka_unit_test(calibration_is_interpolated_in_the_logarithm_of_the_number_of_values),
        cmocka_unit_test(lead_variance_is_interpolated_and_then_grows_to_a_limit),
        cmocka_unit_test(error_growth_is_that_of_the_rollouts),
        cmocka_unit_test(leads_increase_whatever_the_intervals),
        cmocka_unit_test(a_dataset_of_other_dimensions_or_channels_is_refused),
        cmocka_unit_test(a_dataset_on_other_axes_is_refused),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
