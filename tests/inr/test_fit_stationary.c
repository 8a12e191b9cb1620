/* Spectra from scattered frames on a periodic axis: random fields whose variances are known, seen
 * at fewer points than they have coefficients. */
#include "tests/inr/fit_fixture.h"

enum { WAVES = 12, WIDTH = 2 * WAVES, POINTS = 14, FRAMES = 600, HIDDEN = 16 };
static const struct {
    double variance; /* fitted against true, relative, of the larger waves */
    double optimal;  /* error at unseen points in units of what the true variances leave */
    double noise;    /* fitted against true, relative */
} tolerance = {.variance = 0.2, .optimal = 1.1, .noise = 0.25};
static const double sigma = 0.02, length = 3.0;

typedef struct record {
    fc_dataset *dataset;
    double q[FRAMES][WIDTH]; /* sines before cosines */
} record;

static double true_variance(size_t wave)
{
    return 0.7 * exp(-0.7 * (double)wave);
}

static double feature(size_t j, double x)
{
    double angle = 2.0 * M_PI * (double)(j % WAVES) * x / length;
    return j < WAVES ? sin(angle) : cos(angle);
}

static double value_at(const double *q, double x)
{
    double value = 0.0;
    for (size_t j = 0; j < WIDTH; j++)
        value += q[j] * feature(j, x);
    return value;
}

/* All frames at one of `sets` sets of random points. */
static record *make_record(fc_context *context, size_t sets)
{
    record *r = zeros(1, sizeof *r);
    fc__rng rng = fc__rng_create(5, 0);
    fc_domain domain = {.dims = 1, .axis = {axis_of(FC_AXIS_PERIODIC, 0.0, length, "x")}};
    fc_sequence *sequence;
    double times[FRAMES], x[POINTS];
    size_t points[FRAMES];
    CHECK(fc_dataset_create(context, &domain, 1, &r->dataset));
    for (size_t s = 0; s < sets; s++) {
        for (size_t i = 0; i < POINTS; i++)
            x[i] = length * fc__rng_uniform(&rng);
        CHECK(fc_dataset_add_points(context, r->dataset, POINTS, x, NULL, &points[s]));
    }
    for (size_t f = 0; f < FRAMES; f++) {
        times[f] = (double)f;
        points[f] = points[f % sets];
    }
    CHECK(fc_dataset_add_sequence(context, r->dataset, FRAMES, times, points, &sequence));
    for (size_t f = 0; f < FRAMES; f++) {
        const double *at = r->dataset->points[points[f]].coordinates;
        for (size_t j = 0; j < WIDTH; j++)
            r->q[f][j] = sqrt(true_variance(j % WAVES)) * fc__rng_normal(&rng);
        for (size_t i = 0; i < POINTS; i++)
            sequence->frames[f].values[i] =
                (float)(value_at(r->q[f], at[i]) + sigma * fc__rng_normal(&rng));
    }
    return r;
}

static void record_free(record *r)
{
    fc_dataset_destroy(r->dataset);
    free(r);
}

static void fit(fc_context *context, const record *r, fitted *made)
{
    fc_decoder_config config = fc_decoder_config_default();
    fc_fit_config wanted = fc_fit_config_default();
    wanted.complete = true;
    wanted.tolerance = 1e-8;
    CHECK(fc_decoder_fit(context, r->dataset, 0, NULL, &config, &wanted, &made->decoder,
                         &made->prior, made->noise, &made->report));
}

/* Prior variance of a coefficient. */
static double fitted_variance(const fitted *f, size_t coefficient)
{
    const fc_decoder *d = f->decoder;
    fc_decoder_layout at = fc_decoder_layout_of(&d->config, d->inputs);
    size_t codes = d->config.codes;
    double sum = 0.0;
    for (size_t i = 0; i < codes; i++)
        sum += pow((double)d->parameters[at.a + coefficient * codes + i], 2) *
               f->prior->covariance[i * (codes + 1)];
    return sum;
}

/* Mean squared errors of a frame at hidden points by the posterior under the true model. */
static double optimal_error(const record *r, size_t f, const double *hidden)
{
    const fc_frame *frame = &r->dataset->sequences[0].frames[f];
    const double *x = r->dataset->points[frame->points].coordinates;
    double k[POINTS * POINTS] = {0}, y[POINTS], error = 0.0;
    for (size_t i = 0; i < POINTS; i++) {
        y[i] = (double)frame->values[i];
        k[i * POINTS + i] = sigma * sigma;
        for (size_t l = 0; l < POINTS; l++)
            for (size_t j = 0; j < WIDTH; j++)
                k[i * POINTS + l] += feature(j, x[i]) * feature(j, x[l]) * true_variance(j % WAVES);
    }
    CHECK(fc__cholesky(NULL, "", POINTS, k));
    fc__cholesky_solve(POINTS, k, 1, y);
    for (size_t h = 0; h < HIDDEN; h++) {
        double estimate = 0.0;
        for (size_t i = 0; i < POINTS; i++)
            for (size_t j = 0; j < WIDTH; j++)
                estimate +=
                    feature(j, hidden[h]) * feature(j, x[i]) * true_variance(j % WAVES) * y[i];
        error += pow(estimate - value_at(r->q[f], hidden[h]), 2) / HIDDEN;
    }
    return error;
}

static void expect_spectrum(fc_context *context, size_t sets)
{
    record *r = make_record(context, sets);
    fitted made;
    double hidden[HIDDEN], error = 0.0, optimal = 0.0;
    fit(context, r, &made);
    size_t filters = made.decoder->config.filters, codes = made.decoder->config.codes;
    for (size_t k = 1; k < 5; k++) {
        double sine = fitted_variance(&made, k), cosine = fitted_variance(&made, filters + k);
        assert_true(fabs(sine / true_variance(k) - 1.0) < tolerance.variance);
        assert_true(fabs(sine - cosine) < 1e-5 * cosine);
    }
    assert_true(fabs(made.noise[0] / (sigma * sigma) - 1.0) < tolerance.noise);
    sample s = {.dataset = r->dataset, .frames = FRAMES};
    double *z = codes_of(context, &s, &made, made.noise);
    float *zf = zeros(FRAMES * codes, sizeof *zf), *u = zeros(FRAMES * HIDDEN, sizeof *u);
    for (size_t i = 0; i < FRAMES * codes; i++)
        zf[i] = (float)z[i];
    for (size_t h = 0; h < HIDDEN; h++)
        hidden[h] = length * ((double)h + 0.37) / HIDDEN;
    CHECK(fc_decoder_values(context, made.decoder, HIDDEN, hidden, FRAMES, zf, u));
    for (size_t f = 0; f < FRAMES; f++) {
        optimal += optimal_error(r, f, hidden);
        for (size_t h = 0; h < HIDDEN; h++)
            error += pow((double)u[f * HIDDEN + h] - value_at(r->q[f], hidden[h]), 2) / HIDDEN;
    }
    assert_true(error < tolerance.optimal * optimal);
    free(z);
    free(zf);
    free(u);
    free_fitted(&made);
    record_free(r);
}

static void fixed_sensors_tell_the_spectrum(void **state)
{
    expect_spectrum(*state, 1);
}

static void moving_sensors_tell_the_spectrum(void **state)
{
    expect_spectrum(*state, 60);
}

static void interruption_leaves_nothing(void **state)
{
    (void)state;
    fc_context *context;
    CHECK(fc_context_create(1, &context));
    record *r = make_record(context, 1);
    fitted made;
    fc_decoder_config config = fc_decoder_config_default();
    fc_fit_config wanted = fc_fit_config_default();
    wanted.complete = true;
    fc_context_interrupt(context);
    assert_int_equal(fc_decoder_fit(context, r->dataset, 0, NULL, &config, &wanted, &made.decoder,
                                    &made.prior, made.noise, &made.report),
                     FC_INTERRUPTED);
    assert_null(made.decoder);
    assert_null(made.prior);
    record_free(r);
    fc_context_destroy(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_sensors_tell_the_spectrum),
        cmocka_unit_test(moving_sensors_tell_the_spectrum),
        cmocka_unit_test(interruption_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
