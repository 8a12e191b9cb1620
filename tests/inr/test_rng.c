/* Random numbers: reproducible, independent between streams, and of the right distribution. */
#include "tests/inr/decoder_fixture.h"

static const struct {
    double moment; /* of 2e5 draws: 5 standard errors of the mean of N(0, 1) */
    double fourth; /* of 2e5 draws: 5 standard errors of a fourth moment, sqrt(96 / n) */
    double share;  /* of 7e4 draws in 7 bins: 5 standard errors */
} tolerance = {.moment = 0.0112, .fourth = 0.11, .share = 0.0067};

enum { DRAWS = 200000 };

static void a_number_depends_on_seed_stream_and_counter_alone(void **state)
{
    (void)state;
    fc__rng a = fc__rng_create(5, 3), b = fc__rng_create(5, 3);
    uint64_t first[10];
    for (size_t i = 0; i < 10; i++)
        first[i] = fc__rng_bits(&a);
    for (size_t i = 10; i-- > 0;) { /* in any order */
        b.counter = i;
        assert_true(fc__rng_bits(&b) == first[i]);
    }
    b = (fc__rng){.seed = a.seed, .stream = a.stream, .counter = a.counter};
    assert_true(fc__rng_bits(&a) == fc__rng_bits(&b)); /* saved and restored */
}

static void streams_and_seeds_do_not_repeat_each_other(void **state)
{
    (void)state;
    enum { STREAMS = 40, EACH = 40 };
    uint64_t *seen = zeros(STREAMS * EACH, sizeof *seen);
    for (size_t s = 0; s < STREAMS; s++) {
        fc__rng rng = fc__rng_create(s % 2 ? 7 : s, s % 2 ? s : 7);
        for (size_t i = 0; i < EACH; i++) {
            seen[s * EACH + i] = fc__rng_bits(&rng);
            for (size_t j = 0; j < s * EACH + i; j++)
                assert_true(seen[j] != seen[s * EACH + i]);
        }
    }
    free(seen);
}

/* Seeds and streams are small numbers in practice; a weak mixing would show as correlation. */
static void neighbouring_streams_are_uncorrelated(void **state)
{
    (void)state;
    double product = 0.0, lagged = 0.0;
    fc__rng a = fc__rng_create(1, 0), b = fc__rng_create(1, 1);
    double previous = 0.0;
    for (size_t i = 0; i < DRAWS; i++) {
        double x = fc__rng_normal(&a), y = fc__rng_normal(&b);
        product += x * y / DRAWS;
        lagged += x * previous / DRAWS;
        previous = x;
    }
    assert_true(fabs(product) < tolerance.moment);
    assert_true(fabs(lagged) < tolerance.moment);
}

static void uniform_numbers_fill_the_unit_interval(void **state)
{
    (void)state;
    fc__rng rng = fc__rng_create(2, 0);
    double sum = 0.0, square = 0.0, least = 1.0, most = 0.0;
    for (size_t i = 0; i < DRAWS; i++) {
        double u = fc__rng_uniform(&rng);
        assert_true(u >= 0.0 && u < 1.0);
        sum += u / DRAWS;
        square += u * u / DRAWS;
        least = fmin(least, u);
        most = fmax(most, u);
    }
    assert_true(fabs(sum - 0.5) < tolerance.moment / sqrt(12.0));
    assert_true(fabs(square - 1.0 / 3.0) < tolerance.moment * 0.3);
    assert_true(least < 1e-4 && most > 1.0 - 1e-4);
}

static void normal_numbers_have_the_moments_of_the_normal_distribution(void **state)
{
    (void)state;
    fc__rng rng = fc__rng_create(3, 0);
    double moment[5] = {0};
    for (size_t i = 0; i < DRAWS; i++) {
        double x = fc__rng_normal(&rng), power = 1.0;
        assert_true(isfinite(x));
        for (size_t k = 1; k < 5; k++)
            moment[k] += (power *= x) / DRAWS;
    }
    assert_int_equal(rng.counter, 2 * DRAWS);
    assert_true(fabs(moment[1]) < tolerance.moment);
    assert_true(fabs(moment[2] - 1.0) < tolerance.moment * sqrt(2.0));
    assert_true(fabs(moment[3]) < tolerance.moment * sqrt(15.0));
    assert_true(fabs(moment[4] - 3.0) < tolerance.fourth);
}

static void numbers_below_a_bound_are_equally_likely(void **state)
{
    (void)state;
    enum { BOUND = 7, EACH = 10000 };
    fc__rng rng = fc__rng_create(4, 0);
    size_t hits[BOUND] = {0};
    for (size_t i = 0; i < BOUND * EACH; i++)
        hits[fc__rng_below(&rng, BOUND)]++;
    for (size_t i = 0; i < BOUND; i++)
        assert_true(fabs((double)hits[i] / (BOUND * EACH) - 1.0 / BOUND) < tolerance.share);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(fc__rng_below(&rng, 1), 0);
}

static void a_shuffle_is_a_permutation_that_moves_every_item_everywhere(void **state)
{
    (void)state;
    enum { ITEMS = 7, ROUNDS = 10000 };
    fc__rng rng = fc__rng_create(5, 0);
    size_t at[ITEMS][ITEMS] = {{0}};
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t items[ITEMS] = {0, 1, 2, 3, 4, 5, 6}, seen = 0;
        fc__rng_shuffle(&rng, ITEMS, items);
        for (size_t i = 0; i < ITEMS; i++) {
            seen |= (size_t)1 << items[i];
            at[items[i]][i]++;
        }
        assert_int_equal(seen, (1 << ITEMS) - 1);
    }
    for (size_t i = 0; i < ITEMS; i++) /* 5 standard errors of a share of 1e4 draws: 0.0175 */
        for (size_t j = 0; j < ITEMS; j++)
            assert_true(fabs((double)at[i][j] / ROUNDS - 1.0 / ITEMS) < 0.0175);
}

static void a_choice_takes_distinct_items_with_equal_chances(void **state)
{
    (void)state;
    enum { ITEMS = 10, CHOSEN = 3, ROUNDS = 20000 };
    fc__rng rng = fc__rng_create(6, 0);
    size_t hits[ITEMS] = {0}, items[ITEMS];
    for (size_t round = 0; round < ROUNDS; round++) {
        fc__rng_choose(&rng, ITEMS, CHOSEN, items);
        for (size_t i = 0; i < CHOSEN; i++) {
            assert_true(items[i] < ITEMS);
            hits[items[i]]++;
            for (size_t j = 0; j < i; j++)
                assert_true(items[i] != items[j]);
        }
    }
    for (size_t i = 0; i < ITEMS; i++) /* 5 standard errors: 0.0162 */
        assert_true(fabs((double)hits[i] / ROUNDS - 0.3) < 0.0162);
    fc__rng_choose(&rng, ITEMS, ITEMS, items);
    size_t seen = 0;
    for (size_t i = 0; i < ITEMS; i++)
        seen |= (size_t)1 << items[i];
    assert_int_equal(seen, (1 << ITEMS) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_depends_on_seed_stream_and_counter_alone),
        cmocka_unit_test(streams_and_seeds_do_not_repeat_each_other),
        cmocka_unit_test(neighbouring_streams_are_uncorrelated),
        cmocka_unit_test(uniform_numbers_fill_the_unit_interval),
        cmocka_unit_test(normal_numbers_have_the_moments_of_the_normal_distribution),
        cmocka_unit_test(numbers_below_a_bound_are_equally_likely),
        cmocka_unit_test(a_shuffle_is_a_permutation_that_moves_every_item_everywhere),
        cmocka_unit_test(a_choice_takes_distinct_items_with_equal_chances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
