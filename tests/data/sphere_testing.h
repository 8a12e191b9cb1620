/* sphere_testing.h: what the tests of flows on the sphere share. */
#ifndef FC_TESTS_SPHERE_TESTING_H
#define FC_TESTS_SPHERE_TESTING_H

#include "data/shallow_water.h"
#include "tests/data/data_testing.h"

/* A built library without libsharp says so; the tests of what needs it are skipped. */
static void build_without_libsharp_says_so(void **state)
{
    fc__harmonics *harmonics;
    assert_int_equal(fc__harmonics_create(*state, 3, 8, 16, &harmonics), FC_ERROR_USAGE);
    assert_null(harmonics);
    assert_non_null(strstr(fc_context_message(*state), "built without libsharp"));
    skip();
}

static inline bool built_with_libsharp(void)
{
    fc__harmonics *harmonics;
    fc_status status = fc__harmonics_create(NULL, 3, 8, 16, &harmonics);
    fc__harmonics_destroy(harmonics);
    return status != FC_ERROR_USAGE;
}

#define RUN_ON_THE_SPHERE(tests)                                                                   \
    (built_with_libsharp()                                                                         \
         ? cmocka_run_group_tests(tests, context_setup, context_teardown)                          \
         : cmocka_run_group_tests(                                                                 \
               ((const struct CMUnitTest[]){cmocka_unit_test(build_without_libsharp_says_so)}),    \
               context_setup, context_teardown))

static inline double *new_values(size_t count)
{
    double *values = calloc(count, sizeof *values);
    assert_non_null(values);
    return values;
}

static inline double largest_of(size_t count, const double *values)
{
    double largest = 0.0;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs(values[i]));
    return largest;
}

static inline double largest_difference(size_t count, const double *a, const double *b)
{
    double largest = 0.0;
    for (size_t i = 0; i < count; i++) /* NaN counts as infinitely large */
        largest = a[i] - b[i] <= largest && b[i] - a[i] <= largest ? largest
                  : isfinite(a[i] - b[i])                          ? fabs(a[i] - b[i])
                                                                   : INFINITY;
    return largest;
}

#endif
