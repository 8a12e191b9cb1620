/* Codes of decoders that bend. */
#include "inr/encode.h"
#include "inr/gauss_newton.h"
#include "tests/inr/decoder_fixture.h"

static const struct {
    double posterior; /* one step of an affine decoder, whose tangent is in float */
    double dense;     /* covariance against a dense inverse, from a tangent in float */
    double recovered; /* codes from fields without noise, in float */
    double level;     /* |gradient of J| of a result, in posterior standard deviations */
} tolerance = {.posterior = 2e-5, .dense = 1e-5, .recovered = 1e-3, .level = 0.05};

enum { POINTS = 300, CODES = 5, CHANNELS = 2, SIZE = POINTS * CHANNELS };

typedef struct problem {
    fc_decoder *decoder;
    fc_prior *prior;
    double *x, *truth;
    double noise[CHANNELS];
    float *y; /* (POINTS, CHANNELS) */
} problem;

/* Fields of random codes with some noise; a few values are missing. */
static problem make_problem(fc_context *context, fc_decoder_family family, double deviation)
{
    problem p = {.noise = {deviation * deviation, 4.0 * deviation * deviation}};
    fc_decoder_config config = small_config(FC_FILTER_INTEGER, 1);
    config.family = family;
    config.width = 12;
    config.omega0 = 1.0;
    p.decoder = make_decoder(context, planar_domain(), config);
    double mean[CODES], covariance[CODES * CODES] = {0};
    for (size_t i = 0; i < CODES; i++) {
        mean[i] = 0.1 * (double)i;
        for (size_t j = 0; j < CODES; j++)
            covariance[i * CODES + j] = (i == j ? 0.5 : 0.1) / (1.0 + (double)(i + j));
    }
    CHECK(fc_prior_create(context, CODES, mean, covariance, &p.prior));
    p.x = random_points(&p.decoder->domain, POINTS, 3);
    p.truth = zeros(CODES, sizeof *p.truth);
    double *draw = random_doubles(CODES, 4), *noise = random_doubles(SIZE, 5);
    float z[CODES];
    for (size_t i = 0; i < CODES; i++) {
        p.truth[i] = mean[i];
        for (size_t j = 0; j <= i; j++)
            p.truth[i] += p.prior->factor[i * CODES + j] * draw[j];
        z[i] = (float)p.truth[i];
    }
    p.y = zeros(SIZE, sizeof *p.y);
    CHECK(fc_decoder_values(context, p.decoder, POINTS, p.x, 1, z, p.y));
    for (size_t r = 0; r < SIZE; r++)
        p.y[r] += (float)(sqrt(p.noise[r % CHANNELS]) * noise[r]);
    p.y[0] = p.y[7] = p.y[50] = p.y[51] = NAN;
    free(draw);
    free(noise);
    return p;
}

static void problem_clear(problem *p)
{
    fc_decoder_destroy(p->decoder);
    fc_prior_destroy(p->prior);
    free(p->x);
    free(p->truth);
    free(p->y);
}

static fc_encoding_report encode(fc_context *context, const problem *p, size_t steps, double tight,
                                 double *z, double *covariance)
{
    fc_encoding_config config = fc_encoding_config_default();
    fc_encoding_report report;
    config.steps = steps;
    config.tolerance = tight;
    memcpy(z, p->prior->mean, CODES * sizeof *z);
    CHECK(fc_decoder_encode(context, p->decoder, p->prior, p->noise, POINTS, p->x, p->y, &config, z,
                            covariance, &report));
    return report;
}

/* J, computed plainly. */
static double cost(fc_context *context, const problem *p, const double *z)
{
    float narrow[CODES], u[SIZE];
    double away[CODES], sum = 0.0;
    for (size_t i = 0; i < CODES; i++) {
        narrow[i] = (float)z[i];
        away[i] = z[i] - p->prior->mean[i];
    }
    CHECK(fc_decoder_values(context, p->decoder, POINTS, p->x, 1, narrow, u));
    for (size_t r = 0; r < SIZE; r++)
        if (!isnan(p->y[r]))
            sum += pow((double)(p->y[r] - u[r]), 2) / p->noise[r % CHANNELS];
    fc__triangular_solve(false, CODES, p->prior->factor, 1, away);
    for (size_t i = 0; i < CODES; i++)
        sum += away[i] * away[i];
    return sum;
}

static void one_step_of_an_affine_decoder_is_the_posterior(void **state)
{
    problem p = make_problem(*state, FC_DECODER_FOURIER, 0.3);
    double z[CODES], covariance[CODES * CODES], expected[CODES], dense[CODES * CODES];
    float *phi0 = zeros(SIZE, sizeof *phi0), *phi = zeros(SIZE * CODES, sizeof *phi);
    float *y = zeros(SIZE, sizeof *y);
    double *noise = zeros(SIZE, sizeof *noise);
    size_t values = 0;
    fc_posterior *posterior;
    CHECK(fc_decoder_basis(*state, p.decoder, POINTS, p.x, phi0, phi));
    for (size_t r = 0; r < SIZE; r++) {
        if (isnan(p.y[r]))
            continue;
        phi0[values] = phi0[r];
        memmove(phi + values * CODES, phi + r * CODES, CODES * sizeof *phi);
        noise[values] = p.noise[r % CHANNELS];
        y[values++] = p.y[r];
    }
    CHECK(fc_posterior_create(*state, p.prior, values, phi0, phi, noise, FC_POSTERIOR_AUTO,
                              &posterior));
    CHECK(fc_posterior_encode(*state, posterior, 1, y, expected));
    fc_posterior_covariance(posterior, dense);
    fc_encoding_report report = encode(*state, &p, 20, 1e-7, z, covariance);
    assert_int_equal(report.steps, 1);
    assert_int_equal(report.rejected, 0);
    assert_true(report.converged);
    assert_true(difference(CODES, z, expected) < tolerance.posterior);
    assert_true(difference(CODES * CODES, covariance, dense) < tolerance.dense);
    fc_posterior_destroy(posterior);
    free(phi0);
    free(phi);
    free(y);
    free(noise);
    problem_clear(&p);
}

static const fc_decoder_family bent[] = {FC_DECODER_SIREN, FC_DECODER_MULTIPLICATIVE};

static void every_step_lowers_the_cost_until_it_is_level(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        problem p = make_problem(*state, bent[i], 0.1);
        double z[CODES], last = cost(*state, &p, p.prior->mean), covariance[CODES * CODES];
        fc_encoding_report report = {0};
        for (size_t steps = 1; steps <= 20 && !report.converged; steps++) {
            report = encode(*state, &p, steps, 1e-7, z, covariance);
            double now = cost(*state, &p, z);
            assert_true(fabs(now - report.cost) < 1e-4 * now);
            assert_true(report.steps <= steps);
            assert_true(now < last * (1.0 + 1e-5));
            last = now;
        }
        assert_true(report.converged);
        assert_true(report.steps > 1);
        for (size_t c = 0; c < CODES; c++) { /* half the slope towards each code's deviation */
            double up[CODES], down[CODES];
            for (size_t k = 0; k < CODES; k++) {
                double step = 0.5 * covariance[k * CODES + c] / sqrt(covariance[c * CODES + c]);
                up[k] = z[k] + step;
                down[k] = z[k] - step;
            }
            double slope = (cost(*state, &p, up) - cost(*state, &p, down)) / 2.0;
            assert_true(fabs(slope) < tolerance.level);
        }
        problem_clear(&p);
    }
}

static void covariance_is_that_of_the_tangent(void **state)
{
    problem p = make_problem(*state, FC_DECODER_SIREN, 0.1);
    double z[CODES], covariance[CODES * CODES], precision[CODES * CODES] = {0};
    float narrow[CODES], *phi0 = zeros(SIZE, sizeof *phi0);
    float *phi = zeros(SIZE * CODES, sizeof *phi);
    encode(*state, &p, 20, 1e-7, z, covariance);
    for (size_t i = 0; i < CODES; i++) {
        narrow[i] = (float)z[i];
        precision[i * CODES + i] = 1.0;
    }
    CHECK(fc_decoder_tangent(*state, p.decoder, POINTS, p.x, narrow, phi0, phi));
    fc__cholesky_solve(CODES, p.prior->factor, CODES, precision);
    for (size_t r = 0; r < SIZE; r++)
        for (size_t i = 0; !isnan(p.y[r]) && i < CODES; i++)
            for (size_t j = 0; j < CODES; j++)
                precision[i * CODES + j] +=
                    (double)phi[r * CODES + i] * (double)phi[r * CODES + j] / p.noise[r % CHANNELS];
    for (size_t i = 0; i < CODES; i++) /* P times its inverse */
        for (size_t j = 0; j < CODES; j++) {
            double product = i == j ? -1.0 : 0.0;
            for (size_t k = 0; k < CODES; k++)
                product += covariance[i * CODES + k] * precision[k * CODES + j];
            assert_true(fabs(product) < tolerance.dense);
        }
    free(phi0);
    free(phi);
    problem_clear(&p);
}

static void codes_of_exact_fields_are_recovered(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        problem p = make_problem(*state, bent[i], 1e-4);
        double z[CODES];
        fc_encoding_report report = encode(*state, &p, 60, 1e-4, z, NULL);
        assert_true(report.converged);
        assert_true(difference(CODES, z, p.truth) < tolerance.recovered);
        problem_clear(&p);
    }
}

/* y = atan z of y = 0: from z = 3 a full step overshoots ever further. */
static fc_status arc(void *user, fc_context *context, const double *z,
                     fc__linearisation *linearisation)
{
    const double precision = *(const double *)user;
    double slope = 1.0 / (1.0 + z[0] * z[0]), u = atan(z[0]);
    (void)context;
    linearisation->misfit = precision * u * u;
    linearisation->normal[0] = precision * slope * slope;
    linearisation->sum[0] = precision * slope * (slope * z[0] - u);
    return FC_OK;
}

static void steps_that_overshoot_are_damped(void **state)
{
    double precision = 1e6, mean = 0.0, variance = 100.0, z = 3.0;
    fc_prior *prior;
    fc__analysis *analysis;
    fc_encoding_report report;
    fc_encoding_config config = fc_encoding_config_default();
    config.steps = 60; /* those that are taken back count */
    CHECK(fc_prior_create(*state, 1, &mean, &variance, &prior));
    CHECK(fc__gauss_newton(*state, prior, &mean, &config, arc, &precision, &z, &analysis, &report));
    assert_true(report.converged);
    assert_true(report.rejected > 0);
    assert_true(fabs(z) < 1e-3);
    fc__analysis_release(analysis);
    fc_prior_destroy(prior);
}

static void many_frames_are_encoded_as_each_alone(void **state)
{
    enum { FRAMES = 5 };
    problem p = make_problem(*state, FC_DECODER_SIREN, 0.1);
    const float *values[FRAMES];
    float *y = zeros(FRAMES * SIZE, sizeof *y);
    double z[FRAMES * CODES], one[CODES], sums[4 * CHANNELS] = {0}, alone[4 * CHANNELS] = {0};
    double shift[CODES] = {0.1, -0.1, 0.2};
    for (size_t f = 0; f < FRAMES; f++) {
        for (size_t r = 0; r < SIZE; r++)
            y[f * SIZE + r] = p.y[r] * (1.0f - 0.1f * (float)f);
        values[f] = y + f * SIZE;
    }
    fc__observed observed = {
        .count = POINTS, .frames = FRAMES, .coordinates = p.x, .values = values, .shift = shift};
    fc__encoded encoded = {
        .codes = z, .number = sums, .square = sums + CHANNELS, .leverage = sums + 2 * CHANNELS};
    CHECK(fc__encode(*state, p.decoder, p.prior, p.noise, &observed, &encoded));
    observed.frames = 1;
    for (size_t f = 0; f < FRAMES; f++) {
        fc__encoded single = {.codes = one,
                              .number = alone,
                              .square = alone + CHANNELS,
                              .leverage = alone + 2 * CHANNELS};
        observed.values = values + f;
        CHECK(fc__encode(*state, p.decoder, p.prior, p.noise, &observed, &single));
        assert_true(difference(CODES, one, z + f * CODES) < 1e-12);
    }
    assert_true(difference(4 * CHANNELS, sums, alone) < 1e-12);
    assert_true(sums[0] == FRAMES * (POINTS - 2)); /* two values of each channel are missing */
    assert_true(sums[2 * CHANNELS] > 0.0 &&
                sums[2 * CHANNELS] + sums[2 * CHANNELS + 1] < (double)(FRAMES * CODES));
    free(y);
    problem_clear(&p);
}

static void failures_name_their_cause(void **state)
{
    problem p = make_problem(*state, FC_DECODER_SIREN, 0.1);
    fc_encoding_config config = fc_encoding_config_default();
    double z[CODES] = {0};
    float whole = p.y[20];
    p.y[20] = INFINITY;
    assert_int_equal(fc_decoder_encode(*state, p.decoder, p.prior, p.noise, POINTS, p.x, p.y,
                                       &config, z, NULL, NULL),
                     FC_ERROR_DATA);
    assert_non_null(strstr(fc_context_message(*state), "inf"));
    p.y[20] = whole;
    p.decoder->parameters[0] = NAN;
    assert_int_equal(fc_decoder_encode(*state, p.decoder, p.prior, p.noise, POINTS, p.x, p.y,
                                       &config, z, NULL, NULL),
                     FC_ERROR_SOLVER);
    p.noise[1] = 0.0;
    assert_int_equal(fc_decoder_encode(*state, p.decoder, p.prior, p.noise, POINTS, p.x, p.y,
                                       &config, z, NULL, NULL),
                     FC_ERROR_USAGE);
    assert_non_null(strstr(fc_context_message(*state), "channel 1 is 0"));
    problem_clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_step_of_an_affine_decoder_is_the_posterior),
        cmocka_unit_test(every_step_lowers_the_cost_until_it_is_level),
        cmocka_unit_test(covariance_is_that_of_the_tangent),
        cmocka_unit_test(codes_of_exact_fields_are_recovered),
        cmocka_unit_test(steps_that_overshoot_are_damped),
        cmocka_unit_test(many_frames_are_encoded_as_each_alone),
        cmocka_unit_test(failures_name_their_cause),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
