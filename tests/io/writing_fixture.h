/* writing_fixture.h: small datasets for the tests of writers, on grids, at points that frames share
 * and at points that move. */
#ifndef FC_TESTS_IO_WRITING_FIXTURE_H
#define FC_TESTS_IO_WRITING_FIXTURE_H

#include "inr/support.h"
#include "tests/io/io_testing.h"

#include <hdf5.h>
#include <math.h>

/* Axes x, y, z, w of `dims` plain axes from 0 to 10. */
static inline fc_dataset *make_dataset(bench *in, size_t dims, size_t channels)
{
    static const char *const names[FC_MAX_DIMS] = {"x", "y", "z", "w"};
    fc_domain domain = {.dims = dims};
    fc_dataset *dataset;
    for (size_t i = 0; i < dims; i++) {
        domain.axis[i] = (fc_axis){FC_AXIS_PLAIN, 0.0, 10.0, "", "m"};
        fc__copy_name(domain.axis[i].name, names[i]);
    }
    assert_ok(in, fc_dataset_create(in->context, &domain, channels, &dataset));
    fc__copy_name(dataset->time.units, "s");
    for (size_t c = 0; c < channels; c++) {
        snprintf(dataset->channels[c].name, FC_NAME_SIZE, "u%zu", c);
        fc__copy_name(dataset->channels[c].units, "K");
    }
    return dataset;
}

/* A grid whose axis i has lengths[i] points, `step` apart. */
static inline size_t make_grid(bench *in, fc_dataset *dataset, const size_t *lengths, double step)
{
    size_t dims = dataset->domain.dims, count = 1, stride = 1, index, grid[FC_MAX_DIMS];
    for (size_t i = 0; i < dims; i++)
        count *= grid[dims - 1 - i] = lengths[i];
    double *x = calloc(count * dims, sizeof *x);
    for (size_t i = 0; i < dims; stride *= lengths[i++])
        for (size_t p = 0; p < count; p++)
            x[p * dims + i] = 0.5 + step * (double)(p / stride % lengths[i]);
    assert_ok(in, fc_dataset_add_points(in->context, dataset, count, x, grid, &index));
    free(x);
    return index;
}

/* Scattered points. */
static inline size_t make_points(bench *in, fc_dataset *dataset, size_t count)
{
    size_t dims = dataset->domain.dims, index;
    fc__rng rng = fc__rng_create(count, 1);
    double *x = calloc(count * dims, sizeof *x);
    for (size_t i = 0; i < count * dims; i++)
        x[i] = 10.0 * fc__rng_uniform(&rng);
    assert_ok(in, fc_dataset_add_points(in->context, dataset, count, x, NULL, &index));
    free(x);
    return index;
}

/* Frames at the times first, first + 1/3, ..., with random values of which some are missing; sets
 * may be NULL. */
static inline void make_sequence(bench *in, fc_dataset *dataset, size_t frames, double first,
                                 const size_t *sets)
{
    fc_sequence *sequence;
    fc__rng rng = fc__rng_create(dataset->sequence_count, 2);
    double times[16];
    for (size_t f = 0; f < frames; f++)
        times[f] = first + (double)f / 3.0;
    assert_ok(in, fc_dataset_add_sequence(in->context, dataset, frames, times, sets, &sequence));
    for (size_t f = 0; f < frames; f++) {
        const fc_frame *frame = &sequence->frames[f];
        size_t count = dataset->points[frame->points].count * dataset->channel_count;
        for (size_t i = 0; i < count; i++)
            frame->values[i] = fc__rng_uniform(&rng) < 0.2 ? NAN : (float)fc__rng_normal(&rng);
        frame->values[0] = 1.0f;
    }
}

/* Two sequences of five frames on a grid of the first `dims` of 4, 3 and 2 points. */
static inline fc_dataset *grid_dataset(bench *in, size_t dims, size_t channels)
{
    static const size_t lengths[FC_MAX_DIMS] = {4, 3, 2, 2};
    fc_dataset *dataset = make_dataset(in, dims, channels);
    make_grid(in, dataset, lengths, 0.25);
    for (size_t s = 0; s < 2; s++)
        make_sequence(in, dataset, 5, 0.0, NULL);
    return dataset;
}

/* One sequence whose three frames have 4, 6 and again the first 4 points. */
static inline fc_dataset *moving_dataset(bench *in)
{
    static const size_t sets[3] = {0, 1, 0};
    fc_dataset *dataset = make_dataset(in, 2, 1);
    make_points(in, dataset, 4);
    make_points(in, dataset, 6);
    make_sequence(in, dataset, 3, 2.0, sets);
    return dataset;
}

/* All numbers of an array in a file, as doubles; the test fails unless there are `count`. */
static inline void load_numbers(const char *path, const char *name, size_t count, double *values)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t array = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(array);
    if (array < 0 || H5Sget_simple_extent_npoints(space) != (hssize_t)count)
        fail_msg("%s does not hold %zu numbers", name, count);
    assert_true(H5Dread(array, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Sclose(space);
    H5Dclose(array);
    H5Fclose(file);
}

static inline void assert_numbers(const char *path, const char *name, size_t count,
                                  const double *wanted)
{
    double *found = calloc(count, sizeof *found);
    load_numbers(path, name, count, found);
    for (size_t i = 0; i < count; i++)
        if (found[i] != wanted[i])
            fail_msg("%s: number %zu is %.17g instead of %.17g", name, i, found[i], wanted[i]);
    free(found);
}

#endif
