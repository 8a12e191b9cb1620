/* io_testing.h: what the tests of this room share: a context, a folder of their own, and the
 * comparison of datasets to the last bit. */
#ifndef FC_TESTS_IO_TESTING_H
#define FC_TESTS_IO_TESTING_H

#include "io/io.h"
#include "tests/io/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* HDF5 1.10 loses memory on damaged metadata; what this room loses itself shows in other stacks. */
FC_API const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5";
}

/* A context that is short of threads, and a new empty folder under the system's temporary one. */
typedef struct bench {
    fc_context *context;
    char folder[64];
    char path[128]; /* of the latest in_folder */
} bench;

static inline int set_up(void **state)
{
    bench *made = calloc(1, sizeof *made);
    snprintf(made->folder, sizeof made->folder, "/tmp/fieldcast-io-XXXXXX");
    if (!mkdtemp(made->folder) || fc_context_create(1, &made->context) != FC_OK)
        return -1;
    *state = made;
    return 0;
}

static inline int count_files(const bench *in)
{
    return (int)files_in(in->folder);
}

static inline int tear_down(void **state)
{
    bench *made = *state;
    remove_folder(made->folder);
    fc_context_destroy(made->context);
    free(made);
    return 0;
}

static inline const char *in_folder(bench *in, const char *name)
{
    snprintf(in->path, sizeof in->path, "%s/%s", in->folder, name);
    return in->path;
}

#define assert_ok(bench_, call)                                                                    \
    do {                                                                                           \
        if ((call) != FC_OK)                                                                       \
            fail_msg("%s: %s", #call, fc_context_message((bench_)->context));                      \
    } while (0)

/* The call must fail with this status and its message must have all these parts. */
#define assert_fails(bench_, wanted, call, ...)                                                    \
    do {                                                                                           \
        const char *parts_[] = {__VA_ARGS__};                                                      \
        assert_int_equal((call), (wanted));                                                        \
        for (size_t i_ = 0; i_ < sizeof parts_ / sizeof *parts_; i_++)                             \
            if (!strstr(fc_context_message((bench_)->context), parts_[i_]))                        \
                fail_msg("\"%s\" is not in: %s", parts_[i_],                                       \
                         fc_context_message((bench_)->context));                                   \
    } while (0)

/* Bits, so that NaN equals NaN and -0 differs from 0. */
static inline void assert_same_bits(const void *a, const void *b, size_t bytes)
{
    assert_memory_equal(a, b, bytes);
}

static inline void assert_same_points(const fc_points *a, const fc_points *b, size_t dims)
{
    assert_int_equal(a->count, b->count);
    assert_same_bits(a->coordinates, b->coordinates, a->count * dims * sizeof(double));
    for (size_t i = 0; i < dims; i++)
        assert_int_equal(a->grid[i], b->grid[i]);
}

static inline void assert_same_domain(const fc_domain *a, const fc_domain *b)
{
    assert_int_equal(a->dims, b->dims);
    for (size_t i = 0; i < a->dims; i++) {
        assert_int_equal(a->axis[i].kind, b->axis[i].kind);
        assert_true(a->axis[i].lower == b->axis[i].lower);
        assert_true(a->axis[i].upper == b->axis[i].upper);
        assert_string_equal(a->axis[i].name, b->axis[i].name);
        assert_string_equal(a->axis[i].units, b->axis[i].units);
    }
}

static inline void assert_same_dataset(const fc_dataset *a, const fc_dataset *b)
{
    assert_same_domain(&a->domain, &b->domain);
    assert_string_equal(a->time.units, b->time.units);
    assert_string_equal(a->time.calendar, b->time.calendar);
    assert_true(a->time.cycle == b->time.cycle);
    assert_int_equal(a->record, b->record);
    assert_int_equal(a->channel_count, b->channel_count);
    for (size_t c = 0; c < a->channel_count; c++) {
        assert_string_equal(a->channels[c].name, b->channels[c].name);
        assert_string_equal(a->channels[c].units, b->channels[c].units);
        assert_string_equal(a->channels[c].long_name, b->channels[c].long_name);
    }
    assert_int_equal(a->points_count, b->points_count);
    for (size_t p = 0; p < a->points_count; p++)
        assert_same_points(&a->points[p], &b->points[p], a->domain.dims);
    assert_int_equal(a->sequence_count, b->sequence_count);
    for (size_t s = 0; s < a->sequence_count; s++) {
        const fc_sequence *u = &a->sequences[s], *v = &b->sequences[s];
        assert_int_equal(u->frame_count, v->frame_count);
        for (size_t f = 0; f < u->frame_count; f++) {
            assert_true(u->frames[f].time == v->frames[f].time);
            assert_int_equal(u->frames[f].points, v->frames[f].points);
            assert_same_bits(u->frames[f].values, v->frames[f].values,
                             a->points[u->frames[f].points].count * a->channel_count *
                                 sizeof(float));
        }
    }
}

#endif
