/* cf_fixture.h: small gridded netCDF files, made with a fault or a peculiarity, for the tests of
 * the CF reader. */
#ifndef FC_TESTS_CF_FIXTURE_H
#define FC_TESTS_CF_FIXTURE_H

#include "inr/support.h"
#include "io/dataset_file.h"
#include "tests/io/io_testing.h"

enum { TIMES = 3, ROWS = 2, COLUMNS = 4 };

/* One variable w on dimensions named by letters: t, y, x, or s, which is of length 1. */
typedef struct plan {
    const char *order; /* default "tyx" */
    const char *x_units, *y_units;
    const char *time_units;
    double times[TIMES], y[ROWS], x[COLUMNS];
    bool no_x, packed;
} plan;

static inline plan usual(void)
{
    return (plan){.order = "tyx",
                  .x_units = "degrees_east",
                  .y_units = "degrees_north",
                  .time_units = "days since 2000-01-01",
                  .times = {1.0, 2.0, 4.0},
                  .y = {50.0, 40.0},
                  .x = {0.0, 10.0, 20.0, 30.0}};
}

/* The value at frame t, row y, column x. */
static inline float value_of(size_t t, size_t y, size_t x)
{
    return (float)(100 * t + 10 * y + x + 1);
}

typedef struct maker {
    fc__h5 h5;
    int next;
    hid_t scales[4]; /* t, y, x, s */
    hid_t w;
} maker;

static const char letters[] = "tyxs";

static inline void make_coordinate(bench *in, maker *out, size_t i, const char *name, size_t size,
                                   const double *values, const char *units)
{
    assert_ok(in,
              fc__nc_make_coordinate(&out->h5, name, size, values, &out->next, &out->scales[i]));
    if (units)
        assert_ok(in, fc__h5_put_text(&out->h5, out->scales[i], "units", units));
}

/* Writes w in the order of its dimensions. */
static inline void write_values(bench *in, maker *out, const plan *of)
{
    float values[TIMES * ROWS * COLUMNS];
    size_t rank = strlen(of->order), shape[4], start[4] = {0}, count = 1;
    for (size_t i = 0; i < rank; i++) {
        shape[i] = of->order[i] == 't'   ? TIMES
                   : of->order[i] == 'y' ? ROWS
                   : of->order[i] == 'x' ? COLUMNS
                                         : 1;
        count *= shape[i];
    }
    for (size_t k = 0; k < count; k++) {
        size_t rest = k, place[128] = {0};
        for (size_t i = rank; i-- > 0; rest /= shape[i])
            place[(unsigned char)of->order[i]] = rest % shape[i];
        values[k] = value_of(place['t'], place['y'], place['x']);
        if (of->packed) /* raw = (value - 100) / 0.5 */
            values[k] = (values[k] - 100.0f) / 0.5f;
    }
    assert_ok(
        in, fc__h5_write_box(&out->h5, out->w, "w", H5T_NATIVE_FLOAT, rank, start, shape, values));
}

static inline void begin(bench *in, const char *path, const plan *of, maker *out)
{
    *out = (maker){.next = 0};
    hid_t scales[4];
    size_t rank = strlen(of->order);
    assert_ok(in, fc__h5_create(in->context, path, &out->h5));
    make_coordinate(in, out, 0, "time", TIMES, of->times, of->time_units);
    make_coordinate(in, out, 1, "lat", ROWS, of->y, of->y_units);
    if (of->no_x)
        assert_ok(in, fc__nc_make_dimension(&out->h5, "lon", COLUMNS, &out->next, &out->scales[2]));
    else
        make_coordinate(in, out, 2, "lon", COLUMNS, of->x, of->x_units);
    assert_ok(in, fc__nc_make_dimension(&out->h5, "level", 1, &out->next, &out->scales[3]));
    for (size_t i = 0; i < rank; i++)
        scales[i] = out->scales[strchr(letters, of->order[i]) - letters];
    assert_ok(in,
              fc__nc_make_variable(&out->h5, "w", of->packed ? H5T_NATIVE_SHORT : H5T_NATIVE_FLOAT,
                                   rank, scales, NULL, &out->w));
    write_values(in, out, of);
}

static inline void finish(bench *in, maker *out)
{
    assert_ok(in, fc__h5_commit(&out->h5));
    fc__h5_close(&out->h5);
}

static inline const char *make(bench *in, const plan *of)
{
    const char *path = in_folder(in, "cf.nc");
    maker out;
    begin(in, path, of, &out);
    finish(in, &out);
    return path;
}

/* Adds a variable of doubles on `rank` dimensions from `first` on, with attributes. */
static inline void add_auxiliary(bench *in, maker *out, const char *name, size_t first, size_t rank,
                                 const char *attribute, const char *text)
{
    hid_t variable;
    assert_ok(in, fc__nc_make_variable(&out->h5, name, H5T_NATIVE_DOUBLE, rank, out->scales + first,
                                       NULL, &variable));
    assert_ok(in, fc__h5_put_text(&out->h5, variable, attribute, text));
}

#endif
