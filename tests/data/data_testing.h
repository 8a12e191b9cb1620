/* data_testing.h: what the tests of the cases share: a context of two threads, and golden files. */
#ifndef FC_TESTS_DATA_TESTING_H
#define FC_TESTS_DATA_TESTING_H

#include "data/generator.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CHECK(call) assert_int_equal((call), FC_OK)

static inline int context_setup(void **state)
{
    return fc_context_create(2, (fc_context **)state) == FC_OK ? 0 : -1;
}

static inline int context_teardown(void **state)
{
    fc_context_destroy(*state);
    return 0;
}

/* The dataset of a call that made it. */
#define MADE(context, call, dataset)                                                               \
    do {                                                                                           \
        if ((call) != FC_OK)                                                                       \
            fail_msg("%s", fc_context_message(context));                                           \
        CHECK(fc_dataset_validate((context), *(dataset), "generated"));                            \
    } while (0)

static inline const float *frame_of(const fc_dataset *dataset, size_t sequence, size_t frame)
{
    return dataset->sequences[sequence].frames[frame].values;
}

/* Norm of the difference relative to that of b. */
static inline double distance(size_t count, const float *a, const float *b)
{
    double sum = 0.0, square = 0.0;
    for (size_t i = 0; i < count; i++) {
        square += (double)b[i] * (double)b[i];
        sum += pow((double)a[i] - (double)b[i], 2.0);
    }
    return sqrt(sum / square);
}

static inline FILE *open_golden(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", FC_TEST_GOLDEN, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    return file;
}

static inline double next_number(FILE *file)
{
    double number;
    assert_int_equal(fscanf(file, "%lf", &number), 1);
    return number;
}

#endif
