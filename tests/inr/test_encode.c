/* Codes of many frames against one posterior a frame, and against descent by Adam. */
#include "tests/inr/fit_fixture.h"

static const struct {
    double codes;  /* frames together or one by one: the same arithmetic but for rounding */
    double square; /* mean squares of float residuals */
    double least;  /* the closed form may exceed the best descent by rounding only */
} tolerance = {.codes = 1e-9, .square = 1e-5, .least = 1e-5};

enum { CODES = 5, CHANNELS = 2, SETS = 3, FRAMES = 24 };
static const size_t set_sizes[SETS] = {30, 3, 50}; /* more and fewer values than codes */
static const double noise[CHANNELS] = {0.01, 0.3};

typedef struct problem {
    fc_decoder *decoder;
    fc_prior *prior;
    fc_dataset *dataset;
} problem;

/* Frames on three point sets in turn; every `variety`-th frame has a mask of its own, the others
 * miss nothing. */
static problem make_problem(fc_context *context, size_t variety)
{
    problem p;
    double mean[CODES], covariance[CODES * CODES] = {0}, times[FRAMES];
    size_t points[FRAMES], index;
    fc_sequence *sequence;
    fc__rng rng = fc__rng_create(8, 8);
    p.decoder = make_decoder(context, planar_domain(), small_config(FC_FILTER_INTEGER, 1));
    for (size_t i = 0; i < CODES; i++) {
        mean[i] = 0.1 * (double)i;
        for (size_t j = 0; j < CODES; j++)
            covariance[i * CODES + j] = (i == j ? 1.0 : 0.2) / (1.0 + (double)(i + j));
    }
    CHECK(fc_prior_create(context, CODES, mean, covariance, &p.prior));
    CHECK(fc_dataset_create(context, &p.decoder->domain, CHANNELS, &p.dataset));
    for (size_t s = 0; s < SETS; s++) {
        double *x = random_points(&p.decoder->domain, set_sizes[s], s);
        CHECK(fc_dataset_add_points(context, p.dataset, set_sizes[s], x, NULL, &index));
        free(x);
    }
    for (size_t f = 0; f < FRAMES; f++) {
        times[f] = (double)f;
        points[f] = f * f % SETS; /* 0 1 1 0 1 1: not in order */
        points[f] = f % 5 == 4 ? 2 : points[f];
    }
    CHECK(fc_dataset_add_sequence(context, p.dataset, FRAMES, times, points, &sequence));
    for (size_t f = 0; f < FRAMES; f++)
        for (size_t i = 0; i < set_sizes[points[f]] * CHANNELS; i++) {
            double value = fc__rng_normal(&rng);
            bool missing = f % variety == 1 && i > 0 && fc__rng_uniform(&rng) < 0.3;
            sequence->frames[f].values[i] = missing ? NAN : (float)value;
        }
    return p;
}

static void free_problem(problem *p)
{
    fc_decoder_destroy(p->decoder);
    fc_prior_destroy(p->prior);
    fc_dataset_destroy(p->dataset);
}

/* Code of one frame by a posterior of its own; adds to the sums (CHANNELS) of squared residuals,
 * leverages and numbers of values. */
static void encode_alone(fc_context *context, const problem *p, const fc_frame *frame, double *z,
                         double *square, double *leverage, double *number)
{
    const fc_points *points = &p->dataset->points[frame->points];
    size_t values = points->count * CHANNELS, count = 0, channel[200];
    float phi0[200], phi[200 * CODES], y[200];
    double r[200], covariance[CODES * CODES], variance[200];
    fc_posterior *posterior;
    CHECK(fc_decoder_basis(context, p->decoder, points->count, points->coordinates, phi0, phi));
    for (size_t i = 0; i < values; i++) {
        if (isnan(frame->values[i]))
            continue;
        memmove(phi + count * CODES, phi + i * CODES, CODES * sizeof *phi);
        phi0[count] = phi0[i];
        y[count] = frame->values[i];
        r[count] = noise[i % CHANNELS];
        channel[count++] = i % CHANNELS;
    }
    CHECK(
        fc_posterior_create(context, p->prior, count, phi0, phi, r, FC_POSTERIOR_AUTO, &posterior));
    CHECK(fc_posterior_encode(context, posterior, 1, y, z));
    fc_posterior_covariance(posterior, covariance);
    CHECK(fc_basis_variance(context, CODES, covariance, count, phi, variance));
    for (size_t i = 0; i < count; i++) {
        double residual = (double)(y[i] - phi0[i]);
        for (size_t j = 0; j < CODES; j++)
            residual -= (double)phi[i * CODES + j] * z[j];
        square[channel[i]] += residual * residual;
        leverage[channel[i]] += variance[i] / r[i];
        number[channel[i]] += 1.0;
    }
    fc_posterior_destroy(posterior);
}

/* All frames of the problem, encoded together and one by one. */
static void check_against_single_frames(fc_context *context, size_t variety)
{
    problem p = make_problem(context, variety);
    fc__frames frames;
    double z[FRAMES * CODES], alone[FRAMES * CODES], sums[3][CHANNELS] = {{0}};
    double square[CHANNELS], leverage[CHANNELS];
    CHECK(fc__frames_select(context, p.dataset, 0, NULL, false, &frames));
    assert_int_equal(frames.count, FRAMES);
    CHECK(fc__encode_frames(context, p.decoder, p.prior, noise, &frames, z, square, leverage));
    for (size_t f = 0; f < FRAMES; f++)
        encode_alone(context, &p, frames.frame[f], alone + f * CODES, sums[0], sums[1], sums[2]);
    assert_true(difference(FRAMES * CODES, z, alone) < tolerance.codes);
    for (size_t c = 0; c < CHANNELS; c++) {
        assert_true(fabs(square[c] * sums[2][c] / sums[0][c] - 1.0) < tolerance.square);
        assert_true(fabs(leverage[c] * sums[2][c] / sums[1][c] - 1.0) < tolerance.square);
    }
    memset(z, 0, sizeof z);
    CHECK(fc__encode_frames(context, p.decoder, p.prior, noise, &frames, z, NULL, NULL));
    assert_true(difference(FRAMES * CODES, z, alone) < tolerance.codes);
    fc__frames_clear(&frames);
    free_problem(&p);
}

static void frames_that_share_points_and_masks_are_encoded_as_if_alone(void **state)
{
    check_against_single_frames(*state, FRAMES + 1); /* frame 1 alone has a mask */
}

static void frames_with_masks_of_their_own_are_encoded_as_if_alone(void **state)
{
    check_against_single_frames(*state, 2); /* many groups: threads divide them */
}

static void the_number_of_threads_changes_no_bit_of_the_codes(void **state)
{
    for (size_t variety = 2; variety <= FRAMES + 1; variety += FRAMES - 1) {
        problem p = make_problem(*state, variety);
        fc__frames frames;
        fc_context *one;
        double z[FRAMES * CODES], other[FRAMES * CODES], square[CHANNELS], other_square[CHANNELS];
        CHECK(fc_context_create(1, &one));
        CHECK(fc__frames_select(*state, p.dataset, 0, NULL, false, &frames));
        CHECK(fc__encode_frames(*state, p.decoder, p.prior, noise, &frames, z, square, NULL));
        CHECK(
            fc__encode_frames(one, p.decoder, p.prior, noise, &frames, other, other_square, NULL));
        assert_memory_equal(z, other, sizeof z);
        assert_true(difference(CHANNELS, square, other_square) < tolerance.square); /* of floats */
        fc__frames_clear(&frames);
        free_problem(&p);
        fc_context_destroy(one);
    }
}

static void a_frame_without_values_is_refused(void **state)
{
    for (size_t variety = 2; variety <= FRAMES + 1; variety += FRAMES - 1) {
        problem p = make_problem(*state, variety);
        fc__frames frames;
        double z[FRAMES * CODES];
        fc_frame *frame = &p.dataset->sequences[0].frames[7];
        for (size_t i = 0; i < set_sizes[frame->points] * CHANNELS; i++)
            frame->values[i] = NAN;
        CHECK(fc__frames_select(*state, p.dataset, 0, NULL, false, &frames));
        assert_int_equal(
            fc__encode_frames(*state, p.decoder, p.prior, noise, &frames, z, NULL, NULL),
            FC_ERROR_DATA);
        assert_non_null(strstr(fc_context_message(*state), "frame 7"));
        fc__frames_clear(&frames);
        free_problem(&p);
    }
}

static void frames_are_selected_by_flag_and_limit(void **state)
{
    const bool flags[3] = {false, true, false};
    sample s = grid_sample(*state, periodic_family(1, 2, 0.5, 1), 4, 3, 5);
    fc__frames frames;
    CHECK(fc__frames_select(*state, s.dataset, 3, flags, false, &frames));
    assert_int_equal(frames.count, 6);
    for (size_t f = 0; f < 6; f++)
        assert_ptr_equal(frames.frame[f], &s.dataset->sequences[f < 3 ? 0 : 2].frames[f % 3]);
    fc__frames_clear(&frames);
    CHECK(fc__frames_select(*state, s.dataset, 0, flags, true, &frames));
    assert_int_equal(frames.count, 5);
    assert_ptr_equal(frames.frame[4], &s.dataset->sequences[1].frames[4]);
    fc__frames_clear(&frames);
    CHECK(fc__frames_select(*state, s.dataset, 0, NULL, true, &frames));
    assert_int_equal(frames.count, 0);
    fc__frames_clear(&frames);
    free_sample(&s);
}

/* ---------------------------------------------------------------- against descent */

/* Mean squared residual, and its gradient (codes) unless NULL, of a code at n values. */
static double residual_square(size_t n, size_t codes, const float *phi0, const float *phi,
                              const float *y, const double *z, double *gradient)
{
    double sum = 0.0;
    for (size_t j = 0; gradient && j < codes; j++)
        gradient[j] = 0.0;
    for (size_t i = 0; i < n; i++) {
        double r = (double)phi0[i] - (double)y[i];
        for (size_t j = 0; j < codes; j++)
            r += (double)phi[i * codes + j] * z[j];
        sum += r * r / (double)n;
        for (size_t j = 0; gradient && j < codes; j++)
            gradient[j] += 2.0 * r * (double)phi[i * codes + j] / (double)n;
    }
    return sum;
}

/* DINo's encoding: 300 steps of Adam on the code from zero at rate 1e-2; the least error seen. */
static double descend(size_t n, size_t codes, const float *phi0, const float *phi, const float *y)
{
    enum { STEPS = 300, MOST = 16 };
    double z[MOST] = {0}, m[MOST] = {0}, v[MOST] = {0}, g[MOST], best = INFINITY;
    assert_true(codes <= MOST);
    for (int t = 1; t <= STEPS; t++) {
        best = fmin(best, residual_square(n, codes, phi0, phi, y, z, g));
        for (size_t j = 0; j < codes; j++) {
            m[j] = 0.9 * m[j] + 0.1 * g[j];
            v[j] = 0.999 * v[j] + 0.001 * g[j] * g[j];
            z[j] -= 1e-2 * m[j] / (1.0 - pow(0.9, t)) / (sqrt(v[j] / (1.0 - pow(0.999, t))) + 1e-8);
        }
    }
    return fmin(best, residual_square(n, codes, phi0, phi, y, z, NULL));
}

static void no_descent_by_adam_ends_below_the_closed_form(void **state)
{
    enum { GRID = 12, SIZE = GRID * GRID };
    sample s = grid_sample(*state, periodic_family(1, 10, 0.6, 3), GRID, 4, 10);
    fc_decoder_config config = fc_decoder_config_default();
    fc_fit_config fit = fc_fit_config_default();
    fit.codes = 8;
    fitted f = fit_sample(*state, &s, NULL, &config, &fit);
    const double exact[1] = {1e-10}; /* the prior has no say */
    double *z = codes_of(*state, &s, &f, exact), closed = 0.0, descended = 0.0;
    float phi0[SIZE], *phi = zeros(SIZE * 8, sizeof *phi);
    CHECK(fc_decoder_basis(*state, f.decoder, SIZE, s.dataset->points[0].coordinates, phi0, phi));
    for (size_t k = 0; k < s.frames; k++) {
        const float *y = frame_of(&s, k)->values;
        double mine = residual_square(SIZE, 8, phi0, phi, y, z + k * 8, NULL);
        double theirs = descend(SIZE, 8, phi0, phi, y);
        assert_true(mine <= theirs * (1.0 + tolerance.least));
        closed += mine;
        descended += theirs;
    }
    assert_true(closed < 0.9 * descended); /* and mostly well above */
    free(z);
    free(phi);
    free_fitted(&f);
    free_sample(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_that_share_points_and_masks_are_encoded_as_if_alone),
        cmocka_unit_test(frames_with_masks_of_their_own_are_encoded_as_if_alone),
        cmocka_unit_test(the_number_of_threads_changes_no_bit_of_the_codes),
        cmocka_unit_test(a_frame_without_values_is_refused),
        cmocka_unit_test(frames_are_selected_by_flag_and_limit),
        cmocka_unit_test(no_descent_by_adam_ends_below_the_closed_form),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
