/* ml_testing.h: what the tests of machine-learning formats share: the numbers in the files of
 * tests/golden/make_ml_datasets.py, from which the indices of a value can be told, and ways to
 * spoil copies of these files. */
#ifndef FC_TESTS_ML_TESTING_H
#define FC_TESTS_ML_TESTING_H

#include "inr/support.h"
#include "io/read/source.h"
#include "tests/io/io_testing.h"

#include <math.h>

static const double PI = 3.14159265358979323846;

/* What an index adds to a value, as in make_ml_datasets.py. */
enum { BY_COMPONENT = 1, BY_K = 8, BY_J = 32, BY_I = 256, BY_TIME = 2048, BY_SEQUENCE = 32768 };

static inline const char *golden(bench *in, const char *name)
{
    snprintf(in->path, sizeof in->path, "%s/%s", FC_TEST_GOLDEN, name);
    return in->path;
}

/* An axis of the domain: coordinate n is start + n * step, and its index adds n * by. */
typedef struct expected_axis {
    size_t length;
    double start, step;
    int by;
} expected_axis;

static inline expected_axis middles(size_t length, double lower, double upper, int by)
{
    double step = (upper - lower) / (double)length;
    return (expected_axis){length, lower + 0.5 * step, step, by};
}

/* Reads a file at once, and makes sure that reading it in small pieces gives the same. */
static inline fc_dataset *read_twice(bench *in, const char *path, const char *variables)
{
    fc_dataset *whole = NULL, *pieces = NULL;
    const fc_read_config config = {.variables = variables};
    assert_ok(in, fc_dataset_read(in->context, path, &config, &whole));
    assert_ok(in, fc_dataset_open(in->context, path, &config, &pieces));
    assert_non_null(pieces->reader.read);
    for (size_t s = pieces->sequence_count; s-- > 0;) {
        size_t frames = pieces->sequences[s].frame_count, first = frames > 1 ? 1 : 0;
        assert_ok(in, fc_dataset_load(in->context, pieces, s, first, frames - first));
        assert_ok(in, fc_dataset_load(in->context, pieces, s, 0, frames));
    }
    assert_same_dataset(whole, pieces);
    fc_dataset_destroy(pieces);
    return whole;
}

static inline size_t channel_named(const fc_dataset *dataset, const char *name)
{
    for (size_t c = 0; c < dataset->channel_count; c++)
        if (strcmp(dataset->channels[c].name, name) == 0)
            return c;
    fail_msg("there is no channel %s", name);
    return 0;
}

static inline void assert_grid(const fc_dataset *dataset, const expected_axis *axes)
{
    size_t dims = dataset->domain.dims, count = 1;
    assert_int_equal(dataset->points_count, 1);
    for (size_t i = 0; i < dims; i++) {
        assert_int_equal(dataset->points[0].grid[dims - 1 - i], axes[i].length);
        count *= axes[i].length;
    }
    assert_int_equal(dataset->points[0].count, count);
}

/* Index on an axis of the coordinate. */
static inline size_t index_of(const expected_axis *axis, double coordinate)
{
    double place = round((coordinate - axis->start) / axis->step);
    if (!(fabs(axis->start + place * axis->step - coordinate) < 1e-5) || place < 0.0 ||
        place >= (double)axis->length)
        fail_msg("coordinate %.9g is on no point of the axis", coordinate);
    return (size_t)place;
}

/* Each value of the channel is `offset` and what its sequence, its time and its coordinates add. */
static inline void assert_channel(const fc_dataset *dataset, const char *name,
                                  const expected_axis *axes, int by_sequence, int by_time,
                                  int offset)
{
    size_t c = channel_named(dataset, name), dims = dataset->domain.dims;
    assert_grid(dataset, axes);
    for (size_t s = 0; s < dataset->sequence_count; s++) {
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++) {
            const fc_frame *frame = &dataset->sequences[s].frames[f];
            const fc_points *points = &dataset->points[frame->points];
            for (size_t p = 0; p < points->count; p++) {
                double expected = offset + by_sequence * (double)s + by_time * (double)f;
                for (size_t i = 0; i < dims; i++)
                    expected +=
                        axes[i].by * (double)index_of(&axes[i], points->coordinates[p * dims + i]);
                float value = frame->values[p * dataset->channel_count + c];
                if ((double)value != expected)
                    fail_msg("%s: sequence %zu, frame %zu, point %zu: %g, not %g", name, s, f, p,
                             (double)value, expected);
            }
        }
    }
}

static inline void assert_times(const fc_dataset *dataset, size_t s, size_t count,
                                const double *times)
{
    assert_int_equal(dataset->sequences[s].frame_count, count);
    for (size_t f = 0; f < count; f++)
        assert_true(fabs(dataset->sequences[s].frames[f].time - times[f]) < 1e-6);
}

/* ---------------------------------------------------------------- spoilt files */

/* A copy of a golden file that can be changed. */
static inline hid_t edit(bench *in, const char *name)
{
    char bytes[65536];
    FILE *from = fopen(golden(in, name), "rb");
    assert_non_null(from);
    size_t size = fread(bytes, 1, sizeof bytes, from);
    assert_true(size < sizeof bytes);
    fclose(from);
    FILE *to = fopen(in_folder(in, "spoilt.h5"), "wb");
    assert_int_equal(fwrite(bytes, 1, size, to), size);
    fclose(to);
    hid_t file = H5Fopen(in->path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

/* Puts an array in the place of another, whose values count up from zero. */
static inline void replace(hid_t file, const char *name, size_t rank, const hsize_t *shape)
{
    size_t count = 1;
    for (size_t i = 0; i < rank; i++)
        count *= shape[i];
    double *values = calloc(count + 1, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = (double)i;
    if (H5Lexists(file, name, H5P_DEFAULT) > 0)
        H5Ldelete(file, name, H5P_DEFAULT);
    hid_t space = H5Screate_simple((int)rank, shape, NULL);
    hid_t array =
        H5Dcreate2(file, name, H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(count == 0 ||
                H5Dwrite(array, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(array);
    H5Sclose(space);
    free(values);
}

/* Sets one number of a 1-D array. */
static inline void set_number(hid_t file, const char *name, size_t index, double value)
{
    hsize_t start = index, count = 1;
    hid_t array = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(array);
    hid_t memory = H5Screate_simple(1, &count, NULL);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, NULL, &count, NULL);
    assert_true(H5Dwrite(array, H5T_NATIVE_DOUBLE, memory, space, H5P_DEFAULT, &value) >= 0);
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(array);
}

/* Closes the spoilt file and has it refused as bad data with a message of these parts. */
#define assert_refused(bench_, file_, ...)                                                         \
    do {                                                                                           \
        fc_dataset *dataset_ = NULL;                                                               \
        H5Fclose(file_);                                                                           \
        assert_fails(                                                                              \
            bench_, FC_ERROR_DATA,                                                                 \
            fc_dataset_read((bench_)->context, in_folder(bench_, "spoilt.h5"), NULL, &dataset_),   \
            "spoilt.h5", __VA_ARGS__);                                                             \
        assert_null(dataset_);                                                                     \
    } while (0)

/* No beginning of a file is read or crashes. */
static inline void assert_truncations_refused(bench *in, const char *name)
{
    char bytes[65536];
    FILE *from = fopen(golden(in, name), "rb");
    size_t size = fread(bytes, 1, sizeof bytes, from);
    fclose(from);
    for (size_t length = 0; length < size; length += 1 + size / 40) {
        fc_dataset *dataset = NULL;
        FILE *to = fopen(in_folder(in, "short.h5"), "wb");
        assert_int_equal(fwrite(bytes, 1, length, to), length);
        fclose(to);
        assert_int_equal(fc_dataset_read(in->context, in->path, NULL, &dataset), FC_ERROR_DATA);
        assert_null(dataset);
    }
}

#endif
