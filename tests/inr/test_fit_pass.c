/* One pass of decoder training: loss, gradients and codes, by both ways through it. */
#include "inr/fit_pass.h"
#include "tests/inr/decoder_fixture.h"

static const struct {
    double loss;    /* float results against double ones */
    double slope;   /* gradients against central differences in double, step 1e-5 */
    double vjp;     /* float gradients against double ones */
    double ways;    /* between the two ways, gradients and codes */
    double moments; /* and between frames and their moments */
    double solved;  /* codes against a dense solution in double */
    double total;   /* of the projection, whose ridge has a small derivative of its own */
    double mean;    /* of samples against the whole */
} tolerance = {.loss = 1e-5,
               .slope = 2e-5,
               .vjp = 1e-5,
               .ways = 2e-5,
               .moments = 5e-5,
               .solved = 2e-4,
               .total = 2e-3,
               .mean = 0.05};

static const struct {
    fc_filter_kind filter;
    size_t layers, channels;
    bool sphere;
} cases[] = {{FC_FILTER_INTEGER, 0, 1, false},  {FC_FILTER_INTEGER, 3, 1, false},
             {FC_FILTER_INTEGER, 2, 2, false},  {FC_FILTER_RANDOM, 2, 2, true},
             {FC_FILTER_TRAINABLE, 0, 2, true}, {FC_FILTER_TRAINABLE, 2, 2, false}};
enum { CASES = sizeof cases / sizeof *cases, FRAMES = 5, POINTS = 310, CODES = 5 };

/* A decoder, frames with random values, and what a pass over them works on. */
typedef struct setting {
    fc_decoder *decoder;
    fc_dataset *dataset;
    fc__frames frames;
    size_t codes, parameters;
    float *z, *z_bar, *gradient;
    double loss;
} setting;

typedef enum arrangement {
    SHARED,   /* one point set */
    COPIES,   /* the same points, as a set for every frame */
    SCATTERED /* other points in every frame */
} arrangement;

static setting make_setting(fc_context *context, size_t which, arrangement kind, double missing,
                            size_t points)
{
    setting s = {0};
    fc_decoder_config config = small_config(cases[which].filter, cases[which].layers);
    fc_domain domain = cases[which].sphere ? sphere_domain() : planar_domain();
    double times[FRAMES];
    size_t set[FRAMES], values = points * cases[which].channels;
    fc_sequence *sequence;
    fc__rng rng = fc__rng_create(11, 0);
    config.channels = cases[which].channels;
    s.decoder = make_decoder(context, domain, config);
    CHECK(fc_dataset_create(context, &domain, config.channels, &s.dataset));
    for (size_t f = 0; f < FRAMES; f++) {
        times[f] = (double)f;
        set[f] = 0;
        if (kind == SHARED && f > 0)
            continue;
        double *x = random_points(&domain, points, kind == SCATTERED ? 50 + f : 50);
        CHECK(fc_dataset_add_points(context, s.dataset, points, x, NULL, &set[f]));
        free(x);
    }
    CHECK(fc_dataset_add_sequence(context, s.dataset, FRAMES, times, set, &sequence));
    for (size_t f = 0; f < FRAMES; f++)
        for (size_t i = 0; i < values; i++)
            sequence->frames[f].values[i] = (float)fc__rng_normal(&rng);
    for (size_t i = 0; i < FRAMES * values; i++) /* scattered: at other places in every frame */
        if (fc__rng_uniform(&rng) < missing)
            for (size_t f = 0; f < FRAMES; f++)
                if (kind != SCATTERED || f == i / values)
                    sequence->frames[f].values[i % values] = NAN;
    CHECK(fc__frames_select(context, s.dataset, 0, NULL, false, &s.frames));
    s.codes = CODES;
    s.parameters = s.decoder->parameter_count;
    s.z = random_floats(FRAMES * CODES, 12);
    s.z_bar = zeros(FRAMES * CODES, sizeof *s.z_bar);
    s.gradient = zeros(s.parameters, sizeof *s.gradient);
    return s;
}

static void free_setting(setting *s)
{
    fc_decoder_destroy(s->decoder);
    fc__frames_clear(&s->frames);
    fc_dataset_destroy(s->dataset);
    free(s->z);
    free(s->z_bar);
    free(s->gradient);
}

static void run_pass(fc_context *context, setting *s, fc__code_policy policy, bool shared)
{
    fc__fit_pass *pass;
    memset(s->gradient, 0, s->parameters * sizeof *s->gradient);
    CHECK(fc__fit_pass_create(context, s->decoder, &s->frames, policy, &pass));
    assert_int_equal(fc__fit_pass_is_shared(pass), shared);
    CHECK(fc__fit_pass_run(context, pass, FRAMES, NULL, s->z,
                           policy == FC__CODES_ADAM ? s->z_bar : NULL, &s->loss, s->gradient));
    fc__fit_pass_destroy(pass);
}

/* ---------------------------------------------------------------- references in double */

/* Observed values of a frame: departure y - phi0 (rows) and Phi (rows, CODES). */
static size_t observed_basis(fc_context *context, const setting *s, const double *weights,
                             size_t frame, double *departure, double *phi)
{
    const fc_points *points = &s->dataset->points[s->frames.frame[frame]->points];
    size_t values = points->count * s->decoder->config.channels, rows = 0;
    double *phi0 = zeros(values, sizeof *phi0), *all = zeros(values * CODES, sizeof *all);
    CHECK(fc__decoder_basis_double(context, s->decoder, weights, points->count, points->coordinates,
                                   phi0, all));
    for (size_t v = 0; v < values; v++) {
        float y = s->frames.frame[frame]->values[v];
        if (isnan(y))
            continue;
        departure[rows] = (double)y - phi0[v];
        memcpy(phi + rows++ * CODES, all + v * CODES, CODES * sizeof *phi);
    }
    free(phi0);
    free(all);
    return rows;
}

/* The code that minimises |departure - Phi z|^2, with the ridge of the pass. */
static void dense_code(size_t rows, const double *departure, const double *phi, double *z)
{
    double normal[CODES * CODES] = {0}, trace = 0.0;
    memset(z, 0, CODES * sizeof *z);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < CODES; i++) {
            z[i] += phi[r * CODES + i] * departure[r];
            for (size_t j = 0; j < CODES; j++)
                normal[i * CODES + j] += phi[r * CODES + i] * phi[r * CODES + j];
        }
    for (size_t i = 0; i < CODES; i++)
        trace += normal[i * CODES + i];
    for (size_t i = 0; i < CODES; i++)
        normal[i * CODES + i] += 1e-4 * trace / CODES;
    CHECK(fc__cholesky(NULL, "", CODES, normal));
    fc__cholesky_solve(CODES, normal, 1, z);
}

/* The loss at some weights and codes (FRAMES, CODES), or with codes solved for when z is NULL. */
static double exact_loss(fc_context *context, const setting *s, const double *weights,
                         const double *z)
{
    size_t most = s->dataset->points[0].count * s->decoder->config.channels;
    double *departure = zeros(most, sizeof *departure), *phi = zeros(most * CODES, sizeof *phi);
    double loss = 0.0, solved[CODES];
    for (size_t f = 0; f < FRAMES; f++) {
        size_t rows = observed_basis(context, s, weights, f, departure, phi);
        const double *code = z ? z + f * CODES : solved;
        if (!z)
            dense_code(rows, departure, phi, solved);
        for (size_t r = 0; r < rows; r++) {
            double left = departure[r];
            for (size_t i = 0; i < CODES; i++)
                left -= phi[r * CODES + i] * code[i];
            loss += left * left / (double)(rows * FRAMES);
        }
    }
    free(departure);
    free(phi);
    return loss;
}

/* Compares the gradient in every group of parameters with differences of the exact loss along a
 * random direction. */
static void compare_slopes(fc_context *context, const setting *s, const double *z, double allowed)
{
    enum { GROUPS = 6 };
    const double step = 1e-5;
    size_t count = s->parameters;
    fc_decoder_layout at = fc_decoder_layout_of(&s->decoder->config, s->decoder->inputs);
    size_t first[GROUPS + 1] = {at.omega, at.a, at.b, at.w, at.head, at.bias, at.count};
    double *weights = to_double(count, s->decoder->parameters), *moved = zeros(count, 8);
    double *direction = random_doubles(count, 7);
    for (size_t g = 0; g < GROUPS; g++) {
        double slope = 0.0, product = 0.0, scale = 0.0;
        for (size_t k = first[g]; k < first[g + 1]; k++) {
            product += (double)s->gradient[k] * direction[k];
            scale += fabs((double)s->gradient[k] * direction[k]);
        }
        if (g == 0 && s->decoder->config.filter != FC_FILTER_TRAINABLE) {
            assert_true(scale == 0.0);
            continue;
        }
        for (int sign = -1; sign <= 1; sign += 2) {
            memcpy(moved, weights, count * sizeof *moved);
            for (size_t k = first[g]; k < first[g + 1]; k++)
                moved[k] += sign * step * direction[k];
            slope += sign * exact_loss(context, s, moved, z) / (2 * step);
        }
        if (!(fabs(product - slope) <= allowed * fmax(scale, s->loss)))
            fail_msg("group %zu: %g, differences give %g", g, product, slope);
    }
    free(weights);
    free(moved);
    free(direction);
}

/* ---------------------------------------------------------------- tests */

static void gradients_match_finite_differences(void **state)
{
    const double step = 1e-5;
    for (size_t i = 0; i < 3 * CASES; i++) {
        arrangement kind = i / CASES == 0 ? SHARED : SCATTERED;
        setting s = make_setting(*state, i % CASES, kind, i / CASES < 2 ? 0.0 : 0.3, POINTS);
        run_pass(*state, &s, FC__CODES_ADAM, kind == SHARED);
        double *weights = to_double(s.parameters, s.decoder->parameters);
        double *z = to_double(FRAMES * CODES, s.z), loss = exact_loss(*state, &s, weights, z);
        assert_true(fabs(s.loss - loss) < tolerance.loss * loss);
        compare_slopes(*state, &s, z, tolerance.slope);
        for (size_t k = 0; k < FRAMES * CODES; k++) { /* of each frame's own mean */
            double slope = 0.0, middle = z[k];
            for (int sign = -1; sign <= 1; sign += 2) {
                z[k] = middle + sign * step;
                slope += sign * FRAMES * exact_loss(*state, &s, weights, z) / (2 * step);
            }
            z[k] = middle;
            assert_true(fabs(slope - (double)s.z_bar[k]) < 10.0 * tolerance.slope * loss);
        }
        free(weights);
        free(z);
        free_setting(&s);
    }
}

static void the_gradient_is_the_residual_times_the_codes_through_the_basis(void **state)
{
    for (size_t i = 0; i < CASES; i++) {
        setting s = make_setting(*state, i, SCATTERED, 0.3, POINTS);
        run_pass(*state, &s, FC__CODES_FIXED, false);
        double *weights = to_double(s.parameters, s.decoder->parameters);
        size_t channels = s.decoder->config.channels, values = POINTS * channels;
        double *phi0 = zeros(values, 8), *phi = zeros(values * CODES, 8);
        double *expected = zeros(s.parameters, 8);
        for (size_t f = 0; f < FRAMES; f++) {
            const fc_frame *frame = s.frames.frame[f];
            const double *x = s.dataset->points[frame->points].coordinates;
            double number = 0.0;
            CHECK(fc__decoder_basis_double(*state, s.decoder, weights, POINTS, x, phi0, phi));
            for (size_t v = 0; v < values; v++)
                number += !isnan(frame->values[v]);
            for (size_t v = 0; v < values; v++) {
                double r = phi0[v] - (double)frame->values[v];
                for (size_t c = 0; c < CODES; c++)
                    r += phi[v * CODES + c] * (double)s.z[f * CODES + c];
                phi0[v] = isnan(r) ? 0.0 : 2.0 * r / (number * FRAMES);
                for (size_t c = 0; c < CODES; c++)
                    phi[v * CODES + c] = phi0[v] * (double)s.z[f * CODES + c];
            }
            CHECK(fc__decoder_basis_vjp_double(*state, s.decoder, weights, POINTS, x, phi0, phi,
                                               expected));
        }
        assert_true(difference_float(s.parameters, s.gradient, expected) < tolerance.vjp);
        free(weights);
        free(phi0);
        free(phi);
        free(expected);
        free_setting(&s);
    }
}

static void both_ways_agree_on_the_same_data(void **state)
{
    const fc__code_policy policies[] = {FC__CODES_FIXED, FC__CODES_SOLVED, FC__CODES_ADAM};
    for (size_t i = 0; i < 3 * CASES; i++) {
        fc__code_policy policy = policies[i / CASES];
        setting a = make_setting(*state, i % CASES, SHARED, 0.3, POINTS);
        setting b = make_setting(*state, i % CASES, COPIES, 0.3, POINTS);
        run_pass(*state, &a, policy, true);
        run_pass(*state, &b, policy, false);
        double *gradient = to_double(a.parameters, a.gradient);
        double *z = to_double(FRAMES * CODES, a.z), *z_bar = to_double(FRAMES * CODES, a.z_bar);
        assert_true(fabs(a.loss - b.loss) < tolerance.loss * a.loss);
        assert_true(difference_float(a.parameters, b.gradient, gradient) < tolerance.ways);
        assert_true(difference_float(FRAMES * CODES, b.z, z) < tolerance.ways);
        assert_true(difference_float(FRAMES * CODES, b.z_bar, z_bar) < tolerance.ways);
        free(gradient);
        free(z);
        free(z_bar);
        free_setting(&a);
        free_setting(&b);
    }
}

/* A run by frames and one by their moments, of all points and of a sample of them. */
static void moments_give_the_loss_and_gradient_of_all_frames(void **state)
{
    /* Fewer values than three times FRAMES; the covariance, of rank FRAMES - 1, by its factor where
     * that is at most a third of them, and as it is. */
    const size_t values[] = {14, 8};
    for (size_t which = 0; which < 4 * CASES; which++) {
        bool sampled = which / CASES % 2, whole = which / CASES / 2;
        size_t channels = cases[which % CASES].channels;
        setting s = make_setting(*state, which % CASES, SHARED, 0.0, values[whole] / channels);
        float *by_moments = zeros(s.parameters, sizeof *by_moments);
        fc__fit_pass *pass;
        double loss;
        CHECK(fc__fit_pass_create(*state, s.decoder, &s.frames, FC__CODES_SOLVED, &pass));
        assert_true(fc__fit_pass_has_moments(pass));
        assert_true(fc__fit_pass_moments_rank(pass) == (whole ? values[1] : FRAMES - 1));
        fc__fit_pass_sample(pass, sampled ? 6 : 0, 3);
        memset(s.gradient, 0, s.parameters * sizeof *s.gradient);
        CHECK(fc__fit_pass_run(*state, pass, FRAMES, NULL, s.z, NULL, &s.loss, s.gradient));
        CHECK(fc__fit_pass_run(*state, pass, FRAMES, NULL, NULL, NULL, &loss, by_moments));
        double *expected = to_double(s.parameters, s.gradient);
        assert_true(fabs(loss - s.loss) < tolerance.moments * s.loss);
        assert_true(difference_float(s.parameters, by_moments, expected) < tolerance.moments);
        fc__fit_pass_destroy(pass);
        free(expected);
        free(by_moments);
        free_setting(&s);
    }
    setting many = make_setting(*state, 1, SHARED, 0.0, POINTS);
    fc__fit_pass *pass;
    CHECK(fc__fit_pass_create(*state, many.decoder, &many.frames, FC__CODES_SOLVED, &pass));
    assert_false(fc__fit_pass_has_moments(pass));
    fc__fit_pass_destroy(pass);
    free_setting(&many);
}

static void solved_codes_are_those_of_a_dense_solution(void **state)
{
    enum { MANY = 9000 }; /* beyond what is taken at a time */
    for (size_t i = 0; i < 2 * CASES; i++) {
        arrangement kind = i < CASES ? SCATTERED : SHARED;
        size_t points = i % CASES == 1 ? MANY : POINTS, most = points * 2;
        setting s = make_setting(*state, i % CASES, kind, 0.2, points);
        run_pass(*state, &s, FC__CODES_SOLVED, kind == SHARED);
        double *weights = to_double(s.parameters, s.decoder->parameters), z[CODES];
        double *departure = zeros(most, 8), *phi = zeros(most * CODES, 8);
        for (size_t f = 0; f < FRAMES; f++) {
            size_t rows = observed_basis(*state, &s, weights, f, departure, phi);
            dense_code(rows, departure, phi, z);
            assert_true(difference_float(CODES, s.z + f * CODES, z) < tolerance.solved);
        }
        double loss = exact_loss(*state, &s, weights, NULL);
        assert_true(fabs(s.loss - loss) < tolerance.loss * loss);
        free(weights);
        free(departure);
        free(phi);
        free_setting(&s);
    }
}

/* Golub & Pereyra 1973: at the solved codes their own motion adds nothing to the derivative. */
static void the_gradient_with_solved_codes_is_the_total_derivative(void **state)
{
    for (size_t i = 0; i < 2 * CASES; i++) {
        arrangement kind = i < CASES ? SHARED : SCATTERED;
        setting s = make_setting(*state, i % CASES, kind, 0.2, POINTS);
        run_pass(*state, &s, FC__CODES_SOLVED, kind == SHARED);
        compare_slopes(*state, &s, NULL, tolerance.total);
        free_setting(&s);
    }
}

static void results_do_not_depend_on_the_number_of_threads(void **state)
{
    const fc__code_policy policies[] = {FC__CODES_SOLVED, FC__CODES_ADAM};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        arrangement kind = i / 2 ? SHARED : SCATTERED;
        setting s[3];
        for (int threads = 1; threads <= 3; threads++) {
            fc_context *context;
            setting *own = &s[threads - 1];
            CHECK(fc_context_create(threads, &context));
            *own = make_setting(context, 5, kind, 0.2, 1000);
            run_pass(context, own, policies[i % 2], kind == SHARED);
            assert_memory_equal(own->gradient, s[0].gradient, s[0].parameters * sizeof(float));
            assert_memory_equal(own->z, s[0].z, FRAMES * CODES * sizeof(float));
            assert_memory_equal(own->z_bar, s[0].z_bar, FRAMES * CODES * sizeof(float));
            assert_true(own->loss == s[0].loss);
            fc_context_destroy(context);
        }
        for (int k = 0; k < 3; k++)
            free_setting(&s[k]);
    }
}

static void some_frames_are_those_chosen(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        const size_t chosen[2] = {3, 1};
        setting s = make_setting(*state, 2, i ? SHARED : SCATTERED, 0.2, POINTS);
        setting few = make_setting(*state, 2, i ? SHARED : SCATTERED, 0.2, POINTS);
        fc__fit_pass *pass;
        CHECK(fc__fit_pass_create(*state, s.decoder, &s.frames, FC__CODES_ADAM, &pass));
        CHECK(fc__fit_pass_run(*state, pass, 2, chosen, s.z, s.z_bar, &s.loss, s.gradient));
        fc__fit_pass_destroy(pass);
        for (size_t k = 0; k < 2; k++) {
            few.frames.frame[k] = &few.dataset->sequences[0].frames[chosen[k]];
            memcpy(few.z + k * CODES, s.z + chosen[k] * CODES, CODES * sizeof *few.z);
        }
        few.frames.count = 2;
        CHECK(fc__fit_pass_create(*state, few.decoder, &few.frames, FC__CODES_ADAM, &pass));
        CHECK(fc__fit_pass_run(*state, pass, 2, NULL, few.z, few.z_bar, &few.loss, few.gradient));
        fc__fit_pass_destroy(pass);
        assert_memory_equal(s.gradient, few.gradient, s.parameters * sizeof(float));
        assert_memory_equal(s.z_bar, few.z_bar, 2 * CODES * sizeof(float));
        assert_true(s.loss == few.loss);
        free_setting(&s);
        free_setting(&few);
    }
}

static void a_sample_of_points_stands_for_all_on_average(void **state)
{
    enum { SEEDS = 200, SAMPLE = 40 };
    for (size_t i = 0; i < 2; i++) {
        setting s = make_setting(*state, 2, i ? SHARED : SCATTERED, 0.2, POINTS);
        run_pass(*state, &s, FC__CODES_FIXED, i);
        double mean = 0.0, first = 0.0, loss;
        fc__fit_pass *pass;
        CHECK(fc__fit_pass_create(*state, s.decoder, &s.frames, FC__CODES_FIXED, &pass));
        for (uint64_t seed = 0; seed <= SEEDS; seed++) {
            fc__fit_pass_sample(pass, SAMPLE, seed % SEEDS);
            CHECK(fc__fit_pass_run(*state, pass, FRAMES, NULL, s.z, NULL, &loss, s.gradient));
            if (seed == 0)
                first = loss;
            if (seed == 1)
                assert_true(loss != first);
            if (seed == SEEDS)
                assert_true(loss == first); /* the same sample again */
            else
                mean += loss / SEEDS;
        }
        assert_true(fabs(mean - s.loss) < tolerance.mean * s.loss);
        fc__fit_pass_sample(pass, POINTS, 3);
        CHECK(fc__fit_pass_run(*state, pass, FRAMES, NULL, s.z, NULL, &loss, s.gradient));
        assert_true(loss == s.loss); /* as many as there are */
        fc__fit_pass_destroy(pass);
        free_setting(&s);
    }
}

static void the_gradient_is_added_to_what_is_there(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        setting s = make_setting(*state, 2, i ? SHARED : SCATTERED, 0.0, 100);
        fc__fit_pass *pass;
        float *twice = zeros(s.parameters, sizeof *twice);
        run_pass(*state, &s, FC__CODES_FIXED, i);
        CHECK(fc__fit_pass_create(*state, s.decoder, &s.frames, FC__CODES_FIXED, &pass));
        memcpy(twice, s.gradient, s.parameters * sizeof *twice);
        CHECK(fc__fit_pass_run(*state, pass, FRAMES, NULL, s.z, NULL, &s.loss, twice));
        double *expected = to_double(s.parameters, s.gradient);
        for (size_t k = 0; k < s.parameters; k++)
            expected[k] *= 2.0;
        assert_true(difference_float(s.parameters, twice, expected) < 1e-6);
        fc__fit_pass_destroy(pass);
        free(expected);
        free(twice);
        free_setting(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_match_finite_differences),
        cmocka_unit_test(the_gradient_is_the_residual_times_the_codes_through_the_basis),
        cmocka_unit_test(both_ways_agree_on_the_same_data),
        cmocka_unit_test(moments_give_the_loss_and_gradient_of_all_frames),
        cmocka_unit_test(solved_codes_are_those_of_a_dense_solution),
        cmocka_unit_test(the_gradient_with_solved_codes_is_the_total_derivative),
        cmocka_unit_test(results_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(some_frames_are_those_chosen),
        cmocka_unit_test(a_sample_of_points_stands_for_all_on_average),
        cmocka_unit_test(the_gradient_is_added_to_what_is_there),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
