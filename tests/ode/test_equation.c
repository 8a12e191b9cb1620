/* Equations: their evaluation against sums over waves, derivatives, projection on codes, and their
 * identification from trajectories that are known to obey one. */
#include "integrate_fixture.h"
#include "ode/equation_level.h"

enum { WAVES_1D = 9, WAVES_2D = 25 };

/* A series on a periodic box whose codes are its coefficients, but for the sine of k = 0. */
static fc_decoder *identity_decoder(fc_context *context, size_t dims, size_t channels,
                                    size_t filters)
{
    fc_domain domain = {.dims = dims};
    for (size_t d = 0; d < dims; d++)
        domain.axis[d] = (fc_axis){.kind = FC_AXIS_PERIODIC, .lower = -1.0, .upper = 2.0 + d};
    fc_decoder_config config = fc_decoder_config_default();
    config.filters = filters;
    config.channels = channels;
    config.codes = channels * (2 * filters - 1);
    config.filter = FC_FILTER_INTEGER;
    fc_decoder *decoder;
    assert_int_equal(fc_decoder_create(context, &domain, &config, &decoder), FC_OK);
    fc_decoder_layout at = fc_decoder_layout_of(&config, decoder->inputs);
    memset(decoder->parameters + at.a, 0, (decoder->parameter_count - at.a) * sizeof(float));
    size_t width = 2 * filters, code = 0;
    for (size_t c = 0; c < channels; c++)
        for (size_t i = 0; i < width; i++) {
            decoder->parameters[at.head + c * width + i] = 1.0f;
            if (i > 0)
                decoder->parameters[at.a + (c * width + i) * config.codes + code++] = 1.0f;
        }
    assert_int_equal(code, config.codes);
    return decoder;
}

static fc_equation *equation_of(fc_context *context, const fc_decoder *decoder, size_t count,
                                const fc_term *terms)
{
    fc_equation *e;
    assert_int_equal(fc__equation_create(context, decoder, &e), FC_OK);
    e->terms = calloc(count, sizeof *terms);
    memcpy(e->terms, terms, count * sizeof *terms);
    e->term_count = count;
    return e;
}

static fc_field *field_of(fc_context *context, const fc_decoder *decoder, fc_equation *equation)
{
    fc_field *field =
        create_field(context, (fc_field_config){.codes = decoder->config.codes, .linear = false});
    assert_int_equal(fc_field_set_equation(context, field, decoder, equation), FC_OK);
    return field;
}

static void random_waves(const fc_equation *e, uint64_t stream, fc__wave *w)
{
    fc__rng rng = fc__rng_create(3, stream);
    for (size_t i = 0; i < e->channels * e->wave_count; i++) {
        double size = 1.0 / (1.0 + (double)(i % e->wave_count));
        w[i] = size * (fc__rng_normal(&rng) + I * fc__rng_normal(&rng));
        if (i % e->wave_count == 0)
            w[i] = creal(w[i]);
    }
}

/* u u_x + u_xx and p_y u_x of two channels, a bit of everything. */
static const fc_term mixed[] = {
    {0, 2, {{0, 0, FC_ANGLE_ONE}, {0, 1, FC_ANGLE_X}}, -1.0},
    {0, 1, {{1, 2, FC_ANGLE_ONE}, {0, 0, FC_ANGLE_ONE}}, -0.3},
    {1, 2, {{1, -1, FC_ANGLE_Y}, {0, 1, FC_ANGLE_X}}, 0.7},
    {1, 2, {{0, 2, FC_ANGLE_COS}, {1, 0, FC_ANGLE_SIN}}, 0.2},
    {1, 1, {{1, 3, FC_ANGLE_Y}, {0, 0, FC_ANGLE_ONE}}, 0.05},
};
enum { MIXED = sizeof mixed / sizeof *mixed };

/* The full spectrum of a symbol's field: coefficient at k, from w of the half that is kept. */
static fc__wave at_wave(const fc_equation *e, const fc_symbol *s, const fc__wave *w, const int *k)
{
    for (size_t i = 0; i < e->wave_count; i++) {
        const int *own = e->waves + i * e->dims;
        bool same = true, opposite = true;
        for (size_t d = 0; d < e->dims; d++) {
            same = same && own[d] == k[d];
            opposite = opposite && own[d] == -k[d];
        }
        fc__wave value = fc__symbol_multiplier(e, s, i) * w[s->channel * e->wave_count + i];
        if (same || opposite)
            return same ? value : conj(value);
    }
    return 0.0;
}

/* The convolution sum, wave by wave: no grid, no transform. */
static fc__wave rate_by_sums(const fc_equation *e, const fc__wave *w, size_t channel, size_t wave)
{
    enum { REACH = 9 };
    const int *k = e->waves + wave * e->dims;
    fc__wave sum = e->forcing[2 * (channel * e->wave_count + wave)] +
                   I * e->forcing[2 * (channel * e->wave_count + wave) + 1];
    for (size_t t = 0; t < e->term_count; t++) {
        const fc_term *term = &e->terms[t];
        if (term->channel != channel)
            continue;
        if (term->factors == 1)
            sum += term->coefficient * at_wave(e, &term->factor[0], w, k);
        for (int x = -REACH; term->factors == 2 && x <= REACH; x++)
            for (int y = -REACH; y <= REACH; y++) {
                const int p[2] = {x, y}, q[2] = {k[0] - x, e->dims > 1 ? k[1] - y : 0};
                if (e->dims == 1 && y != 0)
                    continue;
                sum += term->coefficient * at_wave(e, &term->factor[0], w, p) *
                       at_wave(e, &term->factor[1], w, q);
            }
    }
    return sum;
}

static void the_rate_is_that_of_convolution_sums(void **state)
{
    fc_decoder *decoder = identity_decoder(*state, 2, 2, WAVES_2D);
    fc_equation *e = equation_of(*state, decoder, MIXED, mixed);
    fc__spectral *spectral;
    fc__wave w[2 * WAVES_2D], dw[2 * WAVES_2D];
    assert_int_equal(fc__spectral_create(*state, e, &spectral), FC_OK);
    double *work = calloc(fc__spectral_work_size(spectral), sizeof *work);
    random_waves(e, 1, w);
    e->forcing[7] = 0.4;
    fc__spectral_eval(spectral, w, dw, work);
    for (size_t c = 0; c < 2; c++)
        for (size_t k = 0; k < WAVES_2D; k++) {
            fc__wave expected = rate_by_sums(e, w, c, k);
            assert_true(cabs(dw[c * WAVES_2D + k] - expected) < 1e-11 * (1.0 + cabs(expected)));
        }
    free(work);
    fc__spectral_destroy(spectral);
    fc_equation_destroy(e);
    fc_decoder_destroy(decoder);
}

static void symbols_are_the_derivatives_they_are_named_for(void **state)
{
    fc_decoder *decoder = identity_decoder(*state, 2, 1, WAVES_2D);
    fc_equation *e = equation_of(*state, decoder, MIXED, mixed);
    for (size_t i = 1; i < WAVES_2D; i++) {
        double x = 2.0 * M_PI * e->waves[2 * i] / 3.0, y = 2.0 * M_PI * e->waves[2 * i + 1] / 4.0;
        const fc_symbol dx = {0, 1, FC_ANGLE_X}, minus_laplacian = {0, 2, FC_ANGLE_ONE};
        const fc_symbol mixed_second = {0, 2, FC_ANGLE_SIN}, potential_y = {0, -1, FC_ANGLE_Y};
        assert_true(cabs(fc__symbol_multiplier(e, &dx, i) - I * x) < 1e-12);
        assert_true(cabs(fc__symbol_multiplier(e, &minus_laplacian, i) - (x * x + y * y)) < 1e-11);
        assert_true(cabs(fc__symbol_multiplier(e, &mixed_second, i) - 2.0 * x * y) < 1e-11);
        assert_true(cabs(fc__symbol_multiplier(e, &potential_y, i) - I * y / (x * x + y * y)) <
                    1e-12);
    }
    fc_equation_destroy(e);
    fc_decoder_destroy(decoder);
}

static void the_projected_field_is_the_equation_in_codes(void **state)
{
    enum { CODES = 2 * (2 * WAVES_2D - 1), STEP = 3 };
    fc_decoder *decoder = identity_decoder(*state, 2, 2, WAVES_2D);
    fc_field *field = field_of(*state, decoder, equation_of(*state, decoder, MIXED, mixed));
    double z[2 * CODES], dz[2 * CODES], z_dot[2 * CODES], jvp[2 * CODES], ahead[2 * CODES];
    double moved[2 * CODES],
        *work = calloc(fc__galerkin_work_size(field->galerkin, 2), sizeof *work);
    fc__wave w[2 * WAVES_2D];
    fc__rng rng = fc__rng_create(1, 1);
    for (size_t i = 0; i < 2 * CODES; i++) {
        z[i] = 0.3 * fc__rng_normal(&rng);
        z_dot[i] = fc__rng_normal(&rng);
    }
    fc__galerkin_eval(field->galerkin, 2, z, dz, work);
    fc__code_map_lift(&field->galerkin->map, 1, z + CODES, w);
    for (size_t i = 0; i < WAVES_2D; i++) { /* 2 Re and -2 Im are the cosine's and the sine's */
        fc__wave rate = rate_by_sums(field->equation, w, 1, i);
        double *row = dz + CODES + CODES / 2;
        if (i > 0)
            assert_true(fabs(row[i - 1] + 2.0 * cimag(rate)) < 1e-10 * (1.0 + cabs(rate)));
        assert_true(fabs(row[WAVES_2D - 1 + i] - (i ? 2.0 : 1.0) * creal(rate)) <
                    1e-10 * (1.0 + cabs(rate)));
    }
    /* A field of degree two: the central difference is the derivative. */
    fc__galerkin_jvp(field->galerkin, 2, z, z_dot, jvp, work);
    for (size_t i = 0; i < 2 * CODES; i++)
        moved[i] = z[i] + STEP * z_dot[i];
    fc__galerkin_eval(field->galerkin, 2, moved, ahead, work);
    for (size_t i = 0; i < 2 * CODES; i++)
        moved[i] = z[i] - STEP * z_dot[i];
    fc__galerkin_eval(field->galerkin, 2, moved, dz, work);
    for (size_t i = 0; i < 2 * CODES; i++)
        assert_true(fabs(jvp[i] - (ahead[i] - dz[i]) / (2.0 * STEP)) < 1e-9 * (1.0 + fabs(jvp[i])));
    free(work);
    fc_field_destroy(field);
    fc_decoder_destroy(decoder);
}

/* ---------------------------------------------------------------- identification */

enum { SEQUENCES = 12, FRAMES = 9 };

/* u_t + u u_x = 0.08 u_xx + 0.2 sin x on [-1, 2): trajectories by CVODE at a tight tolerance. */
static const fc_term burgers[] = {
    {0, 2, {{0, 0, FC_ANGLE_ONE}, {0, 1, FC_ANGLE_X}}, -1.0},
    {0, 1, {{0, 2, FC_ANGLE_ONE}, {0, 0, FC_ANGLE_ONE}}, -0.08},
};

typedef struct record {
    fc_decoder *decoder;
    fc_trajectories trajectories;
    size_t first[SEQUENCES + 1];
    double times[SEQUENCES * FRAMES];
    float *z;
} record;

static void make_record(fc_context *context, double interval, record *r)
{
    fc_integrator_config config = fc_integrator_config_default();
    fc__rng rng = fc__rng_create(11, 0);
    config.rtol = config.atol = 1e-9;
    r->decoder = identity_decoder(context, 1, 1, WAVES_1D);
    size_t codes = r->decoder->config.codes;
    fc_equation *e = equation_of(context, r->decoder, 2, burgers);
    e->forcing[3] = -0.1;
    fc_field *field = field_of(context, r->decoder, e);
    r->z = calloc(SEQUENCES * FRAMES * codes, sizeof *r->z);
    for (size_t s = 0; s < SEQUENCES; s++) {
        double z0[2 * WAVES_1D] = {0}, z[FRAMES * 2 * WAVES_1D], *z_of = z;
        const double *times = r->times + s * FRAMES;
        const size_t count = FRAMES;
        r->first[s] = s * FRAMES;
        for (size_t f = 0; f < FRAMES; f++)
            r->times[s * FRAMES + f] = interval * (double)f;
        for (size_t k = 1; k < 5; k++) {
            z0[k - 1] = 0.5 * fc__rng_normal(&rng) / (double)k;
            z0[WAVES_1D - 1 + k] = 0.5 * fc__rng_normal(&rng) / (double)k;
        }
        assert_int_equal(fc_integrate(context, field, &config, 1, z0, &count, &times, &z_of, NULL),
                         FC_OK);
        for (size_t i = 0; i < FRAMES * codes; i++)
            r->z[s * FRAMES * codes + i] = (float)z[i];
    }
    r->first[SEQUENCES] = SEQUENCES * FRAMES;
    r->trajectories = (fc_trajectories){
        .codes = codes, .count = SEQUENCES, .first = r->first, .times = r->times, .z = r->z};
    fc_field_destroy(field);
}

static void record_clear(record *r)
{
    fc_decoder_destroy(r->decoder);
    free(r->z);
}

static void the_equation_behind_trajectories_is_found(void **state)
{
    record r;
    fc_equation *e;
    double residual;
    const fc_equation_config config = fc_equation_config_default();
    make_record(*state, 0.2, &r);
    assert_int_equal(
        fc__equation_fit(*state, r.decoder, &r.trajectories, &config, 0, &e, &residual), FC_OK);
    assert_true(residual < 1e-10);
    bool advection = false, diffusion = false;
    for (size_t t = 0; t < e->term_count; t++) {
        const fc_term *term = &e->terms[t];
        bool product =
            term->factors == 2 && term->factor[0].order == 0 && term->factor[1].order == 1;
        bool second = term->factors == 1 && term->factor[0].order == 2;
        if (product)
            assert_true(fabs(term->coefficient + 1.0) < 1e-3);
        if (second)
            assert_true(fabs(term->coefficient + 0.08) < 1e-3);
        advection = advection || product;
        diffusion = diffusion || second;
    }
    assert_true(advection && diffusion);
    assert_true(e->term_count <= 6);
    assert_true(fabs(e->forcing[3] + 0.1) < 1e-3);
    fc_equation_destroy(e);
    record_clear(&r);
}

/* -2 X^T r is the gradient of the squared error: central differences, with products and without. */
static void sensitivities_are_derivatives_of_the_forecast_errors(void **state)
{
    const double step = 1e-4;
    record r;
    fc__code_map map;
    fc__level level;
    fc__normal_sums sums, moved[2];
    double residual;
    make_record(*state, 0.5, &r);
    fc_equation *e = equation_of(*state, r.decoder, 2, burgers);
    assert_int_equal(fc__code_map_create(*state, r.decoder, &map), FC_OK);
    for (size_t products = 0; products < 2; products++) {
        e->terms[0].coefficient = products ? -0.8 : 0.0;
        e->terms[1].coefficient = -0.1;
        assert_int_equal(fc__level_create(*state, e, &map, &r.trajectories, fc__level_count(e) - 1,
                                          8, 0, &level),
                         FC_OK);
        assert_int_equal(level.equation->wave_count, e->wave_count);
        assert_int_equal(fc__equation_residual(*state, level.spectral, level.equation,
                                               &level.intervals, &residual),
                         FC_OK);
        for (size_t i = 0; i < level.intervals.count; i++)
            level.intervals.substeps[i] = 64;
        assert_int_equal(fc__equation_pass(*state, level.spectral, level.equation, &level.intervals,
                                           FC__INTEGRATED, &sums),
                         FC_OK);
        for (size_t t = 1 - products; t < 2;
             t++) { /* without products those are not yet forecast */
            double kept = level.equation->terms[t].coefficient;
            for (int side = 0; side < 2; side++) {
                level.equation->terms[t].coefficient = kept + (side ? step : -step);
                fc__spectral_update(level.spectral);
                assert_int_equal(fc__equation_pass(*state, level.spectral, level.equation,
                                                   &level.intervals, FC__INTEGRATED, &moved[side]),
                                 FC_OK);
            }
            level.equation->terms[t].coefficient = kept;
            double slope = (moved[1].square - moved[0].square) / (2.0 * step);
            assert_true(fabs(slope + 2.0 * sums.rhs[t]) < 1e-5 * fabs(slope));
            fc__normal_sums_clear(&moved[0]);
            fc__normal_sums_clear(&moved[1]);
        }
        fc__normal_sums_clear(&sums);
        fc__level_clear(&level);
    }
    fc__code_map_clear(&map);
    fc_equation_destroy(e);
    record_clear(&r);
}

static void the_equation_between_distant_frames_is_found(void **state)
{
    record r;
    fc_equation *e;
    double residual;
    const fc_equation_config config = fc_equation_config_default();
    make_record(*state, 1.0, &r);
    assert_int_equal(
        fc__equation_fit(*state, r.decoder, &r.trajectories, &config, 0, &e, &residual), FC_OK);
    assert_true(residual < 1e-8);
    fc_equation_destroy(e);
    record_clear(&r);
}

static void a_level_has_the_waves_up_to_its_radius(void **state)
{
    fc_decoder *decoder = identity_decoder(*state, 1, 1, 4 * WAVES_1D);
    fc_equation *e = equation_of(*state, decoder, 2, burgers);
    record r;
    fc__code_map map;
    fc__level level;
    make_record(*state, 0.2, &r);
    assert_int_equal(fc__code_map_create(*state, decoder, &map), FC_OK);
    assert_int_equal(fc__level_count(e), 4);
    fc_trajectories t = r.trajectories;
    t.codes = decoder->config.codes;
    assert_int_equal(fc__level_create(*state, e, &map, &t, 1, 8, 0, &level), FC_OK);
    assert_int_equal(level.equation->wave_count, 9); /* 35 / 4 */
    level.equation->terms[0].coefficient = 3.0;
    level.equation->forcing[2 * 8] = 0.5;
    fc__level_hand_over(&level, e);
    assert_true(e->terms[0].coefficient == 3.0 && e->forcing[2 * level.place[8]] == 0.5);
    fc__level_clear(&level);
    fc__code_map_clear(&map);
    fc_equation_destroy(e);
    fc_decoder_destroy(decoder);
    record_clear(&r);
}

static void what_is_found_does_not_depend_on_the_number_of_threads(void **state)
{
    record r;
    fc_equation *found[2];
    double residual[2];
    fc_equation_config config = fc_equation_config_default();
    config.iterations = 2;
    make_record(*state, 0.2, &r);
    for (int threads = 1; threads <= 2; threads++) {
        fc_context *context;
        assert_int_equal(fc_context_create(threads, &context), FC_OK);
        assert_int_equal(fc__equation_fit(context, r.decoder, &r.trajectories, &config, 0,
                                          &found[threads - 1], &residual[threads - 1]),
                         FC_OK);
        fc_context_destroy(context);
    }
    assert_true(residual[0] == residual[1]);
    assert_int_equal(found[0]->term_count, found[1]->term_count);
    for (size_t t = 0; t < found[0]->term_count; t++)
        assert_true(found[0]->terms[t].coefficient == found[1]->terms[t].coefficient);
    fc_equation_destroy(found[0]);
    fc_equation_destroy(found[1]);
    record_clear(&r);
}

static void both_methods_of_cvode_integrate_an_equation(void **state)
{
    fc_decoder *decoder = identity_decoder(*state, 1, 1, WAVES_1D);
    fc_field *field = field_of(*state, decoder, equation_of(*state, decoder, 2, burgers));
    fc_integrator_config config = fc_integrator_config_default();
    double z0[2 * WAVES_1D] = {0.8, -0.3}, z[2][2 * WAVES_1D], *z_of[2] = {z[0], z[1]};
    const double time = 1.5, *times = &time;
    const size_t count = 1;
    config.rtol = config.atol = 1e-9;
    for (int method = 0; method < 2; method++) {
        config.method = method ? FC_ODE_BDF : FC_ODE_ADAMS;
        assert_int_equal(
            fc_integrate(*state, field, &config, 1, z0, &count, &times, &z_of[method], NULL),
            FC_OK);
    }
    for (size_t i = 0; i < decoder->config.codes; i++)
        assert_true(fabs(z[0][i] - z[1][i]) < 1e-6);
    fc_field_destroy(field);
    fc_decoder_destroy(decoder);
}

static void too_many_channels_suit_no_equation(void **state)
{
    for (size_t channels = 1; channels <= FC__EQUATION_CHANNELS + 1; channels++) {
        fc_decoder *decoder = identity_decoder(*state, 1, channels, WAVES_1D);
        assert_int_equal(fc__equation_suits(decoder), channels <= FC__EQUATION_CHANNELS);
        fc_decoder_destroy(decoder);
    }
}

static void an_equation_of_other_waves_is_refused(void **state)
{
    fc_decoder *decoder = identity_decoder(*state, 1, 1, WAVES_1D);
    fc_decoder *other = identity_decoder(*state, 1, 1, WAVES_1D - 1);
    fc_field *field =
        create_field(*state, (fc_field_config){.codes = other->config.codes, .linear = false});
    fc_equation *e = equation_of(*state, decoder, 2, burgers);
    assert_int_equal(fc_field_set_equation(*state, field, other, e), FC_ERROR_DATA);
    assert_non_null(strstr(fc_context_message(*state), "9 waves"));
    assert_null(field->equation);
    fc_equation_destroy(e);
    fc_field_destroy(field);
    fc_decoder_destroy(decoder);
    fc_decoder_destroy(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(symbols_are_the_derivatives_they_are_named_for),
        cmocka_unit_test(the_rate_is_that_of_convolution_sums),
        cmocka_unit_test(the_projected_field_is_the_equation_in_codes),
        cmocka_unit_test(the_equation_behind_trajectories_is_found),
        cmocka_unit_test(sensitivities_are_derivatives_of_the_forecast_errors),
        cmocka_unit_test(the_equation_between_distant_frames_is_found),
        cmocka_unit_test(a_level_has_the_waves_up_to_its_radius),
        cmocka_unit_test(what_is_found_does_not_depend_on_the_number_of_threads),
        cmocka_unit_test(both_methods_of_cvode_integrate_an_equation),
        cmocka_unit_test(too_many_channels_suit_no_equation),
        cmocka_unit_test(an_equation_of_other_waves_is_refused),
    };
    return cmocka_run_group_tests(tests, create_context, destroy_context);
}
