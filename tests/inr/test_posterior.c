/* Prior, posterior encoding and variance of fields. */
#include "tests/inr/decoder_fixture.h"

static const struct {
    double dense;       /* against the textbook formula by Gaussian elimination */
    double covariance;  /* the same for P, and primal against dual */
    double interpolate; /* noise 1e-10 of the prior variance */
    double ignore;      /* noise 1e12 times the prior variance */
    double coverage;    /* 3 standard errors of a share of 4000 correlated draws */
} tolerance = {
    .dense = 1e-9, .covariance = 1e-9, .interpolate = 1e-4, .ignore = 1e-6, .coverage = 0.03};

/* Random observations: prior of C codes, a basis at n values, noise variances and data. */
typedef struct problem {
    size_t codes, values;
    fc_prior *prior;
    float *phi0, *phi, *y;
    double *noise;
} problem;

enum { FRAMES = 70 };

static problem make_problem(fc_context *context, size_t codes, size_t values, double noise)
{
    problem p = {.codes = codes, .values = values};
    double *draws = random_doubles(3 * codes * codes, 11), *mean = random_doubles(codes, 12);
    double *covariance = zeros(codes * codes, sizeof *covariance);
    for (size_t i = 0; i < codes; i++)
        for (size_t j = 0; j < codes; j++)
            for (size_t k = 0; k < 3 * codes; k++) /* variances that decay as 1 / (1 + i)^2 */
                covariance[i * codes + j] +=
                    draws[k * codes + i] * draws[k * codes + j] /
                    (3.0 * (double)codes * (1.0 + (double)i) * (1.0 + (double)j));
    CHECK(fc_prior_create(context, codes, mean, covariance, &p.prior));
    p.phi0 = random_floats(values, 13);
    p.phi = random_floats(values * codes, 14);
    p.y = random_floats(FRAMES * values, 15);
    p.noise = zeros(values, sizeof *p.noise);
    for (size_t i = 0; i < values; i++)
        p.noise[i] = noise * (1.0 + (double)(i % 5));
    free(draws);
    free(mean);
    free(covariance);
    return p;
}

static void free_problem(problem *p)
{
    fc_prior_destroy(p->prior);
    free(p->phi0);
    free(p->phi);
    free(p->y);
    free(p->noise);
}

/* Replaces b (n, columns) by a^-1 b: Gauss-Jordan elimination with row exchanges; a is destroyed.
 */
static void eliminate(size_t n, double *a, size_t columns, double *b)
{
    for (size_t i = 0; i < n; i++) {
        size_t pivot = i;
        for (size_t r = i + 1; r < n; r++)
            if (fabs(a[r * n + i]) > fabs(a[pivot * n + i]))
                pivot = r;
        for (size_t c = 0; c < n + columns; c++) {
            double *first = c < n ? &a[i * n + c] : &b[i * columns + c - n];
            double *second = c < n ? &a[pivot * n + c] : &b[pivot * columns + c - n], swap = *first;
            *first = *second;
            *second = swap;
        }
        for (size_t r = 0; r < n; r++) {
            double factor = r == i ? 0.0 : a[r * n + i] / a[i * n + i];
            for (size_t c = 0; c < n && r != i; c++)
                a[r * n + c] -= factor * a[i * n + c];
            for (size_t c = 0; c < columns && r != i; c++)
                b[r * columns + c] -= factor * b[i * columns + c];
        }
    }
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < columns; c++)
            b[i * columns + c] /= a[i * n + i];
}

/* P = (Phi^T R^-1 Phi + Sigma^-1)^-1 and z = mu + P Phi^T R^-1 (y - phi0 - Phi mu), as they stand.
 */
static void dense_posterior(const problem *p, double *covariance, double *z)
{
    size_t n = p->codes;
    double *sum = zeros(n * n, 8), *inverse = zeros(n * n, 8), *prior = zeros(n * n, 8);
    for (size_t i = 0; i < n; i++)
        inverse[i * n + i] = covariance[i * n + i] = 1.0;
    memcpy(prior, p->prior->covariance, n * n * sizeof *prior);
    eliminate(n, prior, n, inverse);
    for (size_t i = 0; i < n * n; i++) {
        sum[i] = inverse[i];
        for (size_t v = 0; v < p->values; v++)
            sum[i] += (double)p->phi[v * n + i / n] * (double)p->phi[v * n + i % n] / p->noise[v];
    }
    eliminate(n, sum, n, covariance);
    for (size_t f = 0; f < FRAMES; f++) {
        double *right = zeros(n, sizeof *right);
        for (size_t v = 0; v < p->values; v++) {
            double innovation = (double)p->y[f * p->values + v] - (double)p->phi0[v];
            for (size_t i = 0; i < n; i++)
                innovation -= (double)p->phi[v * n + i] * p->prior->mean[i];
            for (size_t i = 0; i < n; i++)
                right[i] += (double)p->phi[v * n + i] * innovation / p->noise[v];
        }
        for (size_t i = 0; i < n; i++) {
            z[f * n + i] = p->prior->mean[i];
            for (size_t j = 0; j < n; j++)
                z[f * n + i] += covariance[i * n + j] * right[j];
        }
        free(right);
    }
    free(sum);
    free(inverse);
    free(prior);
}

static void encode(fc_context *context, const problem *p, fc_posterior_form form, size_t frames,
                   double *covariance, double *z)
{
    fc_posterior *posterior;
    CHECK(fc_posterior_create(context, p->prior, p->values, p->phi0, p->phi, p->noise, form,
                              &posterior));
    CHECK(fc_posterior_encode(context, posterior, frames, p->y, z));
    if (covariance)
        fc_posterior_covariance(posterior, covariance);
    fc_posterior_destroy(posterior);
}

static void both_forms_match_the_dense_formula(void **state)
{
    const struct {
        size_t codes, values;
    } sizes[] = {{6, 3}, {20, 20}, {12, 40}, {30, 1100}, {1, 1}};
    const fc_posterior_form forms[] = {FC_POSTERIOR_AUTO, FC_POSTERIOR_PRIMAL, FC_POSTERIOR_DUAL};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        problem p = make_problem(*state, sizes[i].codes, sizes[i].values, 0.01);
        size_t square = p.codes * p.codes, size = FRAMES * p.codes;
        double *expected = zeros(square, 8), *expected_z = zeros(size, 8);
        double *covariance = zeros(square, 8), *z = zeros(size, 8);
        dense_posterior(&p, expected, expected_z);
        for (size_t form = 0; form < 3; form++) {
            encode(*state, &p, forms[form], FRAMES, covariance, z);
            assert_true(difference(size, z, expected_z) < tolerance.dense);
            assert_true(difference(square, covariance, expected) < tolerance.covariance);
            for (size_t k = 0; k < square; k++)
                assert_true(covariance[k] == covariance[k % p.codes * p.codes + k / p.codes]);
        }
        encode(*state, &p, FC_POSTERIOR_PRIMAL, 1, NULL, z); /* one frame takes another path */
        assert_true(difference(p.codes, z, expected_z) < tolerance.dense);
        free(expected);
        free(expected_z);
        free(covariance);
        free(z);
        free_problem(&p);
    }
}

static void tiny_noise_interpolates(void **state)
{
    const fc_posterior_form forms[] = {FC_POSTERIOR_PRIMAL, FC_POSTERIOR_DUAL};
    problem p = make_problem(*state, 10, 3, 1e-10); /* three sensors */
    for (size_t form = 0; form < 2; form++) {
        double z[FRAMES * 10], u[FRAMES * 3], *y = to_double(FRAMES * 3, p.y);
        encode(*state, &p, forms[form], FRAMES, NULL, z);
        for (size_t i = 0; i < FRAMES * 3; i++) {
            u[i] = (double)p.phi0[i % 3];
            for (size_t c = 0; c < 10; c++)
                u[i] += (double)p.phi[i % 3 * 10 + c] * z[i / 3 * 10 + c];
        }
        assert_true(difference(FRAMES * 3, u, y) < tolerance.interpolate);
        free(y);
    }
    free_problem(&p);
}

static void huge_noise_returns_the_prior(void **state)
{
    const fc_posterior_form forms[] = {FC_POSTERIOR_PRIMAL, FC_POSTERIOR_DUAL};
    problem p = make_problem(*state, 10, 30, 1e12);
    for (size_t form = 0; form < 2; form++) {
        double z[FRAMES * 10], covariance[100];
        encode(*state, &p, forms[form], FRAMES, covariance, z);
        assert_true(difference(10, z, p.prior->mean) < tolerance.ignore);
        assert_true(difference(100, covariance, p.prior->covariance) < tolerance.ignore);
    }
    free_problem(&p);
}

/* Codes drawn from the prior, observed with noise: the error of each code and of the field must be
 * as large as the posterior says. */
static void error_bars_cover_what_they_should(void **state)
{
    enum { C = 8, N = 12, DRAWS = 4000, OTHER = 20 };
    problem p = make_problem(*state, C, N, 0.5);
    double *truth = zeros(DRAWS * C, 8), *z = zeros(DRAWS * C, 8), covariance[C * C];
    float *y = zeros(DRAWS * N, sizeof *y), *phi = random_floats(OTHER * C, 21);
    double variance[OTHER];
    fc__rng rng = fc__rng_create(31, 0);
    for (size_t d = 0; d < DRAWS; d++) {
        double w[C];
        for (size_t i = 0; i < C; i++) {
            w[i] = fc__rng_normal(&rng);
            truth[d * C + i] = p.prior->mean[i];
            for (size_t j = 0; j <= i; j++)
                truth[d * C + i] += p.prior->factor[i * C + j] * w[j];
        }
        for (size_t v = 0; v < N; v++) {
            double value = (double)p.phi0[v] + sqrt(p.noise[v]) * fc__rng_normal(&rng);
            for (size_t i = 0; i < C; i++)
                value += (double)p.phi[v * C + i] * truth[d * C + i];
            y[d * N + v] = (float)value;
        }
    }
    fc_posterior *posterior;
    CHECK(fc_posterior_create(*state, p.prior, N, p.phi0, p.phi, p.noise, FC_POSTERIOR_AUTO,
                              &posterior));
    CHECK(fc_posterior_encode(*state, posterior, DRAWS, y, z));
    fc_posterior_covariance(posterior, covariance);
    CHECK(fc_basis_variance(*state, C, covariance, OTHER, phi, variance));
    for (size_t k = 0; k < C + OTHER; k++) {
        size_t within = 0;
        for (size_t d = 0; d < DRAWS; d++) {
            double error = 0.0, sigma = sqrt(k < C ? covariance[k * C + k] : variance[k - C]);
            for (size_t i = 0; i < C; i++)
                error += (z[d * C + i] - truth[d * C + i]) *
                         (k < C ? (double)(i == k) : (double)phi[(k - C) * C + i]);
            within += fabs(error) < sigma;
        }
        assert_true(fabs((double)within / DRAWS - 0.6827) < tolerance.coverage);
    }
    fc_posterior_destroy(posterior);
    free(truth);
    free(z);
    free(y);
    free(phi);
    free_problem(&p);
}

static void variance_of_the_field_is_the_diagonal(void **state)
{
    enum { C = 7, N = 300 };
    problem p = make_problem(*state, C, N, 1.0);
    double variance[N], expected[N] = {0};
    CHECK(fc_basis_variance(*state, C, p.prior->covariance, N, p.phi, variance));
    for (size_t v = 0; v < N; v++)
        for (size_t i = 0; i < C * C; i++)
            expected[v] += (double)p.phi[v * C + i / C] * p.prior->covariance[i] *
                           (double)p.phi[v * C + i % C];
    assert_true(difference(N, variance, expected) < tolerance.dense);
    free_problem(&p);
}

static void prior_fit_gives_mean_and_covariance(void **state)
{
    enum { C = 2, N = 4 };
    const double z[N * C] = {1, 0, 3, 2, 1, 2, 3, 0};
    const double mean[C] = {2, 1}, third = 4.0 / 3.0, floor = 1e-3;
    fc_prior *prior;
    CHECK(fc_prior_fit(*state, C, N, z, floor, &prior));
    const double covariance[C * C] = {third * (1 + floor), 0, 0, third * (1 + floor)};
    assert_true(difference(C, prior->mean, mean) < tolerance.dense);
    assert_true(difference(C * C, prior->covariance, covariance) < tolerance.dense);
    assert_true(fabs(prior->factor[3] * prior->factor[3] - covariance[3]) < tolerance.dense);
    fc_prior_destroy(prior);
    /* Two samples span one direction; the floor carries the other. */
    CHECK(fc_prior_fit(*state, C, 2, z, 0.0, &prior));
    fc_prior_destroy(prior);
}

static void bad_arguments_are_refused(void **state)
{
    problem p = make_problem(*state, 4, 6, 1.0);
    fc_posterior *posterior;
    fc_prior *prior;
    double z[4], mean[2] = {0}, one_sided[4] = {1, 0.5, 0, 1}, indefinite[4] = {1, 2, 2, 1};
    double infinite[4] = {INFINITY, 0, 0, 1}, constant[4] = {1, 2, 1, 2};
    CHECK(fc_posterior_create(*state, p.prior, 6, p.phi0, p.phi, p.noise, FC_POSTERIOR_AUTO,
                              &posterior));
    p.y[3] = NAN;
    assert_int_equal(fc_posterior_encode(*state, posterior, 1, p.y, z), FC_ERROR_DATA);
    assert_non_null(strstr(fc_context_message(*state), "value 3 of frame 0"));
    fc_posterior_destroy(posterior);
    p.noise[2] = 0.0;
    assert_int_equal(fc_posterior_create(*state, p.prior, 6, p.phi0, p.phi, p.noise,
                                         FC_POSTERIOR_AUTO, &posterior),
                     FC_ERROR_USAGE);
    assert_null(posterior);
    assert_non_null(strstr(fc_context_message(*state), "value 2 is 0"));
    assert_int_equal(fc_posterior_create(*state, p.prior, 0, p.phi0, p.phi, p.noise,
                                         FC_POSTERIOR_AUTO, &posterior),
                     FC_ERROR_USAGE);
    assert_int_equal(fc_prior_create(*state, 2, mean, one_sided, &prior), FC_ERROR_DATA);
    assert_int_equal(fc_prior_create(*state, 2, mean, infinite, &prior), FC_ERROR_DATA);
    assert_int_equal(fc_prior_create(*state, 2, mean, indefinite, &prior), FC_ERROR_SOLVER);
    assert_null(prior);
    assert_int_equal(fc_prior_create(*state, 0, mean, indefinite, &prior), FC_ERROR_USAGE);
    assert_int_equal(fc_prior_fit(*state, 2, 2, constant, 0.0, &prior), FC_ERROR_DATA);
    assert_int_equal(fc_prior_fit(*state, 2, 0, constant, 0.0, &prior), FC_ERROR_USAGE);
    assert_int_equal(fc_prior_fit(*state, 2, 2, constant, -1.0, &prior), FC_ERROR_USAGE);
    fc_posterior_destroy(NULL);
    fc_prior_destroy(NULL);
    free_problem(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_match_the_dense_formula),
        cmocka_unit_test(tiny_noise_interpolates),
        cmocka_unit_test(huge_noise_returns_the_prior),
        cmocka_unit_test(error_bars_cover_what_they_should),
        cmocka_unit_test(variance_of_the_field_is_the_diagonal),
        cmocka_unit_test(prior_fit_gives_mean_and_covariance),
        cmocka_unit_test(bad_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
