/* Cases read-*: a file into memory by fc_dataset_read, beside a plain H5Dread of the same variable,
 * one after the other in each repeat. */
#include "bench/bench.h"
#include "io/io.h"

#include <hdf5.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PLAIN_BYTES = 128 << 20, PACKED_BYTES = 32 << 20, LEAST_FRAMES = 64, MOST_TIMES = 1000 };

typedef struct work {
    fc_context *context;
    char path[64];
    size_t bytes;
    fc_dataset *dataset;
    size_t times;
    double seconds[MOST_TIMES]; /* of the plain reading */
} work;

/* A wave with three digits, as measurements have them; with clouds a quarter of it is missing,
 * which is what makes a dataset worth compressing. */
static void fill(fc_dataset *dataset, bool clouds)
{
    size_t points = dataset->points[0].count;
    for (size_t f = 0; f < dataset->sequences[0].frame_count; f++)
        for (size_t p = 0; p < points; p++)
            dataset->sequences[0].frames[f].values[p] =
                clouds && (p + 31 * f) % 400 < 100
                    ? NAN
                    : rintf(1e3f * sinf(0.01f * (float)p + 0.1f * (float)f)) * 1e-3f;
}

/* A record of one channel on the grid of the size. */
static fc_status write_file(work *w, const bench_size *size, int variant)
{
    fc_status status = FC_OK;
    fc_domain domain = {
        .dims = 2,
        .axis = {{FC_AXIS_PLAIN, 0.0, 1.0, "x", "m"}, {FC_AXIS_PLAIN, 0.0, 1.0, "y", "m"}}};
    fc_dataset *made = NULL;
    fc_sequence *sequence;
    fc_points points = {0};
    double *times = NULL;
    size_t index, frames;
    FC_TRY(bench_grid_create(w->context, &domain, size->grid, &points));
    frames =
        (variant == BENCH_READ_PACKED ? PACKED_BYTES : PLAIN_BYTES) / sizeof(float) / points.count;
    frames = frames > LEAST_FRAMES ? frames : LEAST_FRAMES;
    w->bytes = frames * points.count * sizeof(float);
    FC_TRY(fc_dataset_create(w->context, &domain, 1, &made));
    fc__copy_name(made->channels[0].name, "w");
    fc__copy_name(made->time.units, "hours since 2000-01-01");
    made->record = true;
    FC_TRY(fc_dataset_add_points(w->context, made, points.count, points.coordinates, points.grid,
                                 &index));
    FC_NEW(w->context, &times, frames);
    for (size_t f = 0; f < frames; f++)
        times[f] = (double)f;
    FC_TRY(fc_dataset_add_sequence(w->context, made, frames, times, NULL, &sequence));
    fill(made, variant == BENCH_READ_PACKED);
    FC_TRY(fc_dataset_write(w->context, w->path, made, NULL));
    if (variant != BENCH_READ_NATIVE) { /* what remains is a CF file like any other */
        hid_t file = H5Fopen(w->path, H5F_ACC_RDWR, H5P_DEFAULT);
        H5Adelete(file, "fieldcast_format");
        H5Fclose(file);
    }
done:
    fc_dataset_destroy(made);
    free(points.coordinates);
    free(times);
    return status;
}

/* The peer: one H5Dread of everything into new memory. It comes before each repeat, so that both
 * are timed under the same conditions. */
static fc_status read_plainly(void *user)
{
    work *w = user;
    fc_dataset_destroy(w->dataset);
    w->dataset = NULL;
    malloc_trim(0); /* else the next reading would find memory that has been touched before */
    double start = fc__seconds();
    hid_t file = H5Fopen(w->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t variable = H5Dopen2(file, "w", H5P_DEFAULT);
    float *values = malloc(w->bytes);
    bool good =
        values && H5Dread(variable, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    H5Dclose(variable);
    H5Fclose(file);
    double seconds = fc__seconds() - start;
    free(values);
    malloc_trim(0);
    if (w->times < MOST_TIMES)
        w->seconds[w->times++] = seconds;
    return good ? FC_OK : fc__fail(w->context, FC_ERROR_IO, "%s: cannot be read back", w->path);
}

static fc_status read_dataset(void *user)
{
    work *w = user;
    return fc_dataset_read(w->context, w->path, NULL, &w->dataset);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

fc_status bench_run_read(bench *b, const bench_case *which, const bench_problem *problem)
{
    fc_status status = FC_OK;
    work w = {.context = b->context, .path = "/tmp/fieldcast-bench-XXXXXX"};
    bench_result result = {
        .name = which->name, .size = problem->size->name, .threads = 1, .unit = "bytes/s"};
    if (!bench_fits(which->name, problem->size->name, 8.0 * PLAIN_BYTES))
        return FC_OK;
    int descriptor = mkstemp(w.path);
    if (descriptor < 0)
        return fc__fail(b->context, FC_ERROR_IO, "%s: cannot be made", w.path);
    close(descriptor);
    FC_TRY(write_file(&w, problem->size, which->variant));
    FC_TRY(bench_time(b->context, b->repeats, read_plainly, read_dataset, &w, &result.time));
    qsort(w.seconds, w.times, sizeof *w.seconds, ascending);
    double plain = w.seconds[w.times / 2];
    result.amount = (double)w.bytes;
    result.bytes = (double)w.bytes;
    snprintf(result.note, sizeof result.note, "%.2f of the speed of H5Dread, which took %.4g s",
             plain / result.time.median, plain);
    snprintf(result.keys, sizeof result.keys, ", \"plain_seconds\": %.6e, \"of_plain\": %.4f",
             plain, plain / result.time.median);
    FC_TRY(bench_keep(b, &result));
done:
    fc_dataset_destroy(w.dataset);
    unlink(w.path);
    return status;
}
