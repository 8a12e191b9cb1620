/* What a context keeps: bases and analyses, bounded in memory, the least recently used going first;
 * and encoding and decoding with and without it. */
#include "tests/inr/decoder_fixture.h"

#include "inr/basis_cache.h"
#include "inr/decode.h"
#include "inr/encode.h"

#include <malloc.h>
#include <sys/resource.h>

static const struct {
    double whole;  /* parts against textbook sums over all points: another order of summation */
    double fields; /* layer by layer against basis times code, in float */
} tolerance = {.whole = 1e-9, .fields = 1e-5};

enum { C = 5, CHANNELS = 2, POINTS = 100, MANY = 20000 };

/* Bytes that a basis at `count` points occupies, to a few hundred bytes. */
static size_t bytes_of(size_t count)
{
    return count * CHANNELS * (C + 1) * sizeof(float);
}

static fc_decoder *decoder_of(fc_context *context)
{
    return make_decoder(context, planar_domain(), small_config(FC_FILTER_INTEGER, 1));
}

static const fc_basis *acquire(fc_context *context, const fc_decoder *decoder, size_t count,
                               const double *x)
{
    const fc_basis *basis;
    CHECK(fc_basis_acquire(context, decoder, count, x, &basis));
    return basis;
}

/* ---------------------------------------------------------------- the cache */

static void points_seen_before_give_the_same_basis(void **state)
{
    fc_decoder *decoder = decoder_of(*state);
    double *x = random_points(&decoder->domain, POINTS, 1);
    float phi0[POINTS * CHANNELS], phi[POINTS * CHANNELS * C];
    const fc_basis *first = acquire(*state, decoder, POINTS, x);
    CHECK(fc_decoder_basis(*state, decoder, POINTS, x, phi0, phi));
    assert_int_equal(first->count, POINTS);
    assert_memory_equal(first->phi0, phi0, sizeof phi0);
    assert_memory_equal(first->phi, phi, sizeof phi);
    const fc_basis *again = acquire(*state, decoder, POINTS, x);
    assert_ptr_equal(again, first);
    fc_basis_release(again);
    fc_basis_release(first);
    fc_basis_release(NULL);
    free(x);
    fc_decoder_destroy(decoder);
}

/* A weight, a bound of the domain and a coordinate, each changed by one bit or little more. */
static void whatever_changes_the_basis_is_a_miss(void **state)
{
    fc_decoder *decoder = decoder_of(*state);
    double *x = random_points(&decoder->domain, POINTS, 2);
    const fc_basis *first = acquire(*state, decoder, POINTS, x), *other;
    float *weight = &decoder->parameters[decoder->parameter_count - 1], kept = *weight;
    *weight = nextafterf(kept, 1e9f);
    other = acquire(*state, decoder, POINTS, x);
    assert_ptr_not_equal(other, first);
    assert_memory_not_equal(other->phi0, first->phi0, POINTS * CHANNELS * sizeof(float));
    fc_basis_release(other);
    *weight = kept;
    decoder->domain.axis[0].upper += 0.25;
    other = acquire(*state, decoder, POINTS, x);
    assert_ptr_not_equal(other, first);
    fc_basis_release(other);
    decoder->domain.axis[0].upper -= 0.25;
    x[2 * POINTS - 1] = nextafter(x[2 * POINTS - 1], 10.0);
    other = acquire(*state, decoder, POINTS, x);
    assert_ptr_not_equal(other, first);
    fc_basis_release(other);
    other = acquire(*state, decoder, POINTS - 1, x);
    assert_int_equal(other->count, POINTS - 1);
    fc_basis_release(other);
    fc_basis_release(first);
    free(x);
    fc_decoder_destroy(decoder);
}

static bool is_kept(fc_context *context, const fc_decoder *decoder, const double *x)
{
    fc__key decoder_key = fc__decoder_key(decoder);
    fc__key key = fc__basis_key(&decoder_key, decoder, POINTS, x);
    const fc_basis *found = fc__basis_find(context, &key);
    fc_basis_release(found);
    return found != NULL;
}

static void the_least_recently_used_basis_goes_first(void **state)
{
    enum { SETS = 4 };
    fc_decoder *decoder = decoder_of(*state);
    double *x[SETS];
    fc_context_set_cache(*state, 0); /* drops what other tests have left */
    fc_context_set_cache(*state, 3 * bytes_of(POINTS) + 1024);
    for (size_t s = 0; s < SETS; s++)
        x[s] = random_points(&decoder->domain, POINTS, 10 + s);
    for (size_t s = 0; s < 3; s++)
        fc_basis_release(acquire(*state, decoder, POINTS, x[s]));
    fc_basis_release(acquire(*state, decoder, POINTS, x[0])); /* now the second is the oldest */
    fc_basis_release(acquire(*state, decoder, POINTS, x[3]));
    assert_false(is_kept(*state, decoder, x[1]));
    assert_true(is_kept(*state, decoder, x[0]));
    assert_true(is_kept(*state, decoder, x[2]));
    assert_true(is_kept(*state, decoder, x[3]));
    fc_context_set_cache(*state, bytes_of(POINTS) + 1024);
    assert_true(is_kept(*state, decoder, x[3])); /* looked up last */
    assert_false(is_kept(*state, decoder, x[0]));
    for (size_t s = 0; s < SETS; s++)
        free(x[s]);
    fc_context_set_cache(*state, (size_t)512 << 20);
    fc_decoder_destroy(decoder);
}

static void what_is_kept_never_exceeds_the_bound(void **state)
{
    fc_decoder *decoder = decoder_of(*state);
    fc__cache *cache = fc__context_cache(*state);
    size_t bound = 10 * bytes_of(POINTS);
    fc_context_set_cache(*state, bound);
    for (size_t s = 0; s < 40; s++) {
        size_t count = 1 + s * 37 % 300;
        double *x = random_points(&decoder->domain, count, 100 + s);
        fc_basis_release(acquire(*state, decoder, count, x));
        assert_true(fc__cache_used(cache) <= bound);
        assert_true(fc__cache_used(cache) >= bytes_of(count));
        free(x);
    }
    size_t used = fc__cache_used(cache);
    double *x = random_points(&decoder->domain, 2000, 7);
    fc_basis_release(acquire(*state, decoder, 2000, x)); /* too large: nothing else is dropped */
    assert_int_equal(fc__cache_used(cache), used);
    free(x);
    fc_context_set_cache(*state, 0);
    assert_int_equal(fc__cache_used(cache), 0);
    fc_context_set_cache(*state, (size_t)512 << 20);
    fc_decoder_destroy(decoder);
}

static void a_basis_outlives_its_cache_while_it_is_held(void **state)
{
    fc_context *context;
    fc_decoder *decoder = decoder_of(*state);
    double *x = random_points(&decoder->domain, POINTS, 3);
    CHECK(fc_context_create(1, &context));
    const fc_basis *basis = acquire(context, decoder, POINTS, x);
    const fc_basis *expected = acquire(*state, decoder, POINTS, x);
    fc_context_set_cache(context, 0);
    fc_context_destroy(context);
    assert_memory_equal(basis->phi, expected->phi, POINTS * CHANNELS * C * sizeof(float));
    fc_basis_release(basis);
    fc_basis_release(expected);
    basis = acquire(NULL, decoder, POINTS, x); /* no context, nothing is kept */
    fc_basis_release(basis);
    free(x);
    fc_decoder_destroy(decoder);
}

/* ---------------------------------------------------------------- encoding and decoding */

/* A frame at random points of which some values are missing, and what an encoding needs. */
typedef struct problem {
    fc_decoder *decoder;
    fc_prior *prior;
    size_t count;
    double *x;
    float *values;
} problem;

static const double noise[CHANNELS] = {0.01, 0.3};

static problem make_problem(fc_context *context, size_t count)
{
    problem p = {.decoder = decoder_of(context), .count = count};
    double mean[C], covariance[C * C];
    for (size_t i = 0; i < C; i++) {
        mean[i] = 0.2 * (double)i;
        for (size_t j = 0; j < C; j++)
            covariance[i * C + j] = (i == j ? 1.0 : 0.2) / (1.0 + (double)(i + j));
    }
    CHECK(fc_prior_create(context, C, mean, covariance, &p.prior));
    p.x = random_points(&p.decoder->domain, count, 5);
    p.values = random_floats(count * CHANNELS, 6);
    for (size_t i = 0; i < count * CHANNELS; i++)
        if (i % 7 == 3 || i / CHANNELS % 11 == 1)
            p.values[i] = NAN;
    return p;
}

static void free_problem(problem *p)
{
    fc_decoder_destroy(p->decoder);
    fc_prior_destroy(p->prior);
    free(p->x);
    free(p->values);
}

typedef struct result {
    double z[C], covariance[C * C], number[CHANNELS], square[CHANNELS], leverage[CHANNELS];
} result;

static const double shift[C] = {0.3, -0.1, 0.0, 0.2, 1.0};

static result encode(fc_context *context, const problem *p)
{
    result r;
    const float *values = p->values;
    memset(&r, 0, sizeof r);
    fc__observed observed = {
        .count = p->count, .frames = 1, .coordinates = p->x, .values = &values, .shift = shift};
    fc__encoded encoded = {.codes = r.z,
                           .covariance = r.covariance,
                           .number = r.number,
                           .square = r.square,
                           .leverage = r.leverage};
    CHECK(fc__encode(context, p->decoder, p->prior, noise, &observed, &encoded));
    return r;
}

/* Point sets smaller than the codes, of one part, and of several. */
static void codes_are_the_same_bits_with_and_without_cache_and_for_all_threads(void **state)
{
    const size_t counts[] = {2, 300, MANY};
    for (size_t k = 0; k < 3; k++) {
        problem p = make_problem(*state, counts[k]);
        result expected = encode(NULL, &p);
        for (int threads = 1; threads <= 3; threads++) {
            fc_context *context;
            CHECK(fc_context_create(threads, &context));
            for (size_t round = 0; round < 2; round++) { /* the second from the cache */
                result r = encode(context, &p);
                assert_memory_equal(&r, &expected, sizeof r);
            }
            assert_true(fc__cache_used(fc__context_cache(context)) > 0);
            fc_context_set_cache(context, 0);
            result r = encode(context, &p);
            assert_memory_equal(&r, &expected, sizeof r);
            fc_context_destroy(context);
        }
        free_problem(&p);
    }
}

/* The rows of the kept points come from the basis at all points where that is there. */
static void rows_of_a_basis_at_hand_serve_as_well(void **state)
{
    problem p = make_problem(*state, 300);
    result expected = encode(NULL, &p);
    fc_context *context;
    CHECK(fc_context_create(1, &context));
    fc_basis_release(acquire(context, p.decoder, p.count, p.x));
    result r = encode(context, &p);
    assert_memory_equal(&r, &expected, sizeof r);
    fc_context_destroy(context);
    free_problem(&p);
}

/* Another prior or pattern of missing values must not meet what is kept of the first. */
static void other_priors_and_gaps_are_told_apart(void **state)
{
    problem p = make_problem(*state, 300);
    result first = encode(*state, &p), changed, expected;
    p.prior->mean[1] += 0.5;
    changed = encode(*state, &p);
    expected = encode(NULL, &p);
    assert_memory_equal(&changed, &expected, sizeof changed);
    assert_memory_not_equal(&changed, &first, sizeof changed);
    p.prior->mean[1] -= 0.5;
    double factor = p.prior->factor[C];
    p.prior->factor[C] = 1.5 * factor;
    changed = encode(*state, &p);
    expected = encode(NULL, &p);
    assert_memory_equal(&changed, &expected, sizeof changed);
    assert_memory_not_equal(changed.covariance, first.covariance, sizeof first.covariance);
    p.prior->factor[C] = factor;
    p.values[8] = NAN; /* its neighbour in the other channel stays */
    changed = encode(*state, &p);
    expected = encode(NULL, &p);
    assert_memory_equal(&changed, &expected, sizeof changed);
    assert_memory_not_equal(&changed, &first, sizeof changed);
    free_problem(&p);
}

/* Encoding in parts against one posterior of all rows put together. */
static void encoding_in_parts_equals_encoding_as_a_whole(void **state)
{
    problem p = make_problem(*state, MANY);
    size_t values = 0;
    float *phi0 = zeros(MANY * CHANNELS, sizeof *phi0);
    float *phi = zeros(MANY * CHANNELS * C, sizeof *phi);
    float *y = zeros(MANY * CHANNELS, sizeof *y);
    double *r = zeros(MANY * CHANNELS, sizeof *r), z[C], covariance[C * C], square[CHANNELS] = {0};
    fc_posterior *posterior;
    CHECK(fc_decoder_basis(*state, p.decoder, MANY, p.x, phi0, phi));
    for (size_t i = 0; i < MANY * CHANNELS; i++) {
        if (isnan(p.values[i]))
            continue;
        memmove(phi + values * C, phi + i * C, C * sizeof *phi);
        phi0[values] = phi0[i];
        y[values] = p.values[i];
        for (size_t c = 0; c < C; c++) /* about the shift, in float as the field is */
            y[values] -= (float)(shift[c] * (double)phi[values * C + c]);
        r[values++] = noise[i % CHANNELS];
    }
    CHECK(fc_posterior_create(*state, p.prior, values, phi0, phi, r, FC_POSTERIOR_PRIMAL,
                              &posterior));
    CHECK(fc_posterior_encode(*state, posterior, 1, y, z));
    fc_posterior_covariance(posterior, covariance);
    result parts = encode(NULL, &p);
    assert_true(difference(C, parts.z, z) < 1e-6); /* of the float y above */
    assert_true(difference(C * C, parts.covariance, covariance) < tolerance.whole);
    for (size_t i = 0, v = 0; i < MANY * CHANNELS; i++) {
        if (isnan(p.values[i]))
            continue;
        double residual = (double)p.values[i] - (double)phi0[v];
        for (size_t c = 0; c < C; c++)
            residual -= (double)phi[v * C + c] * (parts.z[c] + shift[c]);
        square[i % CHANNELS] += residual * residual;
        v++;
    }
    assert_true(difference(CHANNELS, parts.square, square) < tolerance.whole);
    assert_true(parts.number[0] + parts.number[1] == (double)values);
    fc_posterior_destroy(posterior);
    free(phi0);
    free(phi);
    free(y);
    free(r);
    free_problem(&p);
}

/* The share of P that the values take up: sum of leverages = trace(I - P Sigma^-1). */
static void leverages_add_up_to_the_codes_that_are_determined(void **state)
{
    problem p = make_problem(*state, 300);
    result r = encode(*state, &p);
    double trace = (double)C;
    for (size_t j = 0; j < C; j++) {
        double column[C] = {0};
        column[j] = 1.0;
        fc__cholesky_solve(C, p.prior->factor, 1, column); /* of Sigma^-1 */
        for (size_t i = 0; i < C; i++)
            trace -= r.covariance[j * C + i] * column[i];
    }
    assert_true(fabs((r.leverage[0] + r.leverage[1]) / trace - 1.0) < 1e-6);
    free_problem(&p);
}

static void decoded_fields_do_not_depend_on_threads_or_cache(void **state)
{
    enum { FRAMES = 70 };
    problem p = make_problem(*state, MANY);
    double *codes = random_doubles(FRAMES * C, 8);
    const double mean[CHANNELS] = {3.0, -1.0}, scale[CHANNELS] = {2.0, 0.5}, *z[FRAMES];
    const size_t numbers[] = {1, 3, 20, FRAMES};
    float *first = zeros(FRAMES * MANY * CHANNELS, sizeof *first), *u;
    float *second = zeros(FRAMES * MANY * CHANNELS, sizeof *second), *values[FRAMES], zf[C];
    const fc_basis *basis = acquire(*state, p.decoder, MANY, p.x);
    fc_context *context;
    for (size_t f = 0; f < FRAMES; f++)
        z[f] = codes + f * C;
    for (size_t k = 0; k < 4; k++) {
        fc__decoding d = {.count = MANY,
                          .frames = numbers[k],
                          .coordinates = p.x,
                          .codes = z,
                          .values = values,
                          .mean = mean,
                          .scale = scale};
        for (size_t f = 0; f < FRAMES; f++)
            values[f] = first + f * MANY * CHANNELS;
        CHECK(fc__decode_basis(*state, basis, &d));
        for (size_t f = 0; f < FRAMES; f++)
            values[f] = second + f * MANY * CHANNELS;
        for (int threads = 1; threads <= 3; threads++) {
            CHECK(fc_context_create(threads, &context));
            CHECK(fc__decode(context, p.decoder, &d));
            assert_memory_equal(second, first, numbers[k] * MANY * CHANNELS * sizeof *first);
            fc_context_destroy(context);
        }
        for (size_t f = 0; f < numbers[k]; f += 19) {
            u = values[f];
            for (size_t c = 0; c < C; c++)
                zf[c] = (float)z[f][c];
            float *direct = zeros(MANY * CHANNELS, sizeof *direct);
            CHECK(fc_decoder_values(*state, p.decoder, MANY, p.x, 1, zf, direct));
            for (size_t i = 0; i < MANY * CHANNELS; i++) {
                double want = mean[i % 2] + scale[i % 2] * (double)direct[i];
                assert_true(fabs((double)u[i] - want) < 20.0 * tolerance.fields);
            }
            free(direct);
        }
        CHECK(fc__decode(NULL, p.decoder, &d)); /* in parts, or layer by layer */
        for (size_t i = 0; i < numbers[k] * MANY * CHANNELS; i++)
            assert_true(fabsf(second[i] - first[i]) < 20.0 * tolerance.fields);
    }
    fc_basis_release(basis);
    free(codes);
    free(first);
    free(second);
    free_problem(&p);
}

/* Bytes that are allocated now, large blocks included. */
static size_t allocated(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* Only a view's scratch may hold rows of the basis when nothing can be kept: at any number of
 * points as much as at one part of them. */
static void a_view_holds_one_part_of_the_basis_at_a_time(void **state)
{
    fc_context *context;
    fc_decoder *decoder = decoder_of(*state);
    double *x = random_points(&decoder->domain, MANY, 4);
    CHECK(fc_context_create(2, &context));
    const fc_basis *whole = acquire(*state, decoder, MANY, x);
    fc_context_set_cache(context, bytes_of(MANY) / 2);
    fc__basis_view view;
    size_t before = allocated(), most = 0;
    CHECK(fc__basis_open(context, decoder, NULL, MANY, x, 1024, &view));
    assert_null(view.basis);
    for (size_t start = 0; start < MANY; start += 1024) {
        size_t size = MANY - start < 1024 ? MANY - start : 1024;
        const float *phi0, *phi;
        CHECK(fc__basis_part(context, &view, start, size, &phi0, &phi));
        assert_memory_equal(phi, whole->phi + start * CHANNELS * C, size * CHANNELS * C * 4);
        assert_memory_equal(phi0, whole->phi0 + start * CHANNELS, size * CHANNELS * 4);
        most = allocated() > most ? allocated() : most;
    }
    /* an allocator that keeps no count (the sanitizers') reports nothing */
    assert_true(before == 0 || most < before + 2 * bytes_of(1024));
    fc__basis_close(&view);
    assert_int_equal(fc__cache_used(fc__context_cache(context)), 0);
    fc_basis_release(whole);
    fc_context_destroy(context);
    free(x);
    fc_decoder_destroy(decoder);
}

#if !defined(__SANITIZE_ADDRESS__)
/* Most memory that the process has had so far. */
static size_t peak(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss * 1024;
}
#endif

static void encoding_many_points_takes_the_memory_of_one_part(void **state)
{
#if defined(__SANITIZE_ADDRESS__)
    (void)state;
    skip(); /* freed memory is kept back there */
#else
    enum { HUGE = 400000 };
    problem p = make_problem(*state, HUGE);
    for (size_t i = 0; i < HUGE * CHANNELS; i++)
        p.values[i] = isnan(p.values[i]) ? 0.0f : p.values[i]; /* no copy of the points kept */
    encode(NULL, &(problem){p.decoder, p.prior, MANY, p.x, p.values});
    size_t before = peak();
    encode(NULL, &p);
    assert_true(peak() - before < bytes_of(HUGE) / 8);
    free_problem(&p);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* first, as the highest mark of memory never falls */
        cmocka_unit_test(encoding_many_points_takes_the_memory_of_one_part),
        cmocka_unit_test(points_seen_before_give_the_same_basis),
        cmocka_unit_test(whatever_changes_the_basis_is_a_miss),
        cmocka_unit_test(the_least_recently_used_basis_goes_first),
        cmocka_unit_test(what_is_kept_never_exceeds_the_bound),
        cmocka_unit_test(a_basis_outlives_its_cache_while_it_is_held),
        cmocka_unit_test(codes_are_the_same_bits_with_and_without_cache_and_for_all_threads),
        cmocka_unit_test(rows_of_a_basis_at_hand_serve_as_well),
        cmocka_unit_test(other_priors_and_gaps_are_told_apart),
        cmocka_unit_test(encoding_in_parts_equals_encoding_as_a_whole),
        cmocka_unit_test(leverages_add_up_to_the_codes_that_are_determined),
        cmocka_unit_test(decoded_fields_do_not_depend_on_threads_or_cache),
        cmocka_unit_test(a_view_holds_one_part_of_the_basis_at_a_time),
    };
    return cmocka_run_group_tests(tests, context_setup, context_teardown);
}
