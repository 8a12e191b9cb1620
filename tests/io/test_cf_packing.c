/* Missing and packed values, unpacked by row and one by one, and the ways of blocks of a file into
 * frames, chunked or not. */
#include "io/read/cf_frames.h"
#include "tests/io/cf_fixture.h"

#include <math.h>

/* A file with one variable v(time, lat, lon) of integers 0, 1, 2... in the type at hand. */
typedef struct packed {
    maker out;
    fc__nc_variable variable;
    fc__cf_packing packing;
} packed;

static void begin_packed(bench *in, hid_t type, const size_t *chunk, packed *made)
{
    plan of = usual();
    int values[TIMES * ROWS * COLUMNS];
    const size_t start[3] = {0}, shape[3] = {TIMES, ROWS, COLUMNS};
    const char *path = in_folder(in, "cf.nc");
    unlink(path);
    begin(in, path, &of, &made->out);
    for (int i = 0; i < TIMES * ROWS * COLUMNS; i++)
        values[i] = i;
    made->variable = (fc__nc_variable){.name = "v", .rank = 3, .shape = {TIMES, ROWS, COLUMNS}};
    hid_t *id = &made->variable.id;
    assert_ok(in, fc__nc_make_variable(&made->out.h5, "v", type, 3, made->out.scales, chunk, id));
    H5Adelete(*id, "_FillValue");
    assert_ok(in,
              fc__h5_write_box(&made->out.h5, *id, "v", H5T_NATIVE_INT, 3, start, shape, values));
}

static void put(bench *in, packed *made, const char *name, hid_t type, size_t count,
                const void *values)
{
    assert_ok(in, fc__h5_put(&made->out.h5, made->variable.id, name, type, count, values));
}

static void end_packed(packed *made)
{
    fc__h5_close(&made->out.h5); /* without a name */
}

/* Whether raw numbers become these values, one by one and as rows. */
static void check_unpacking(packed *made, size_t count, const double *raw, const double *values)
{
    float found[16], singles[16];
    fc__cf_packing_of(&made->variable, &made->packing);
    for (size_t i = 0; i < count; i++) {
        double value = fc__cf_unpack(&made->packing, raw[i]);
        assert_true(isnan(values[i]) ? isnan(value) : fabs(value - values[i]) < 1e-9);
        singles[i] = (float)raw[i];
    }
    const void *rows = made->packing.single ? (const void *)singles : (const void *)raw;
    for (size_t stride = 1; stride < 3; stride++) {
        fc__cf_unpack_row(&made->packing, count, rows, found, stride);
        for (size_t i = 0; i < count; i++)
            assert_true(isnan(values[i]) ? isnan(found[i * stride])
                                         : found[i * stride] == (float)values[i]);
    }
}

static void unsigned_numbers_may_be_stored_as_signed(void **state)
{
    bench *in = *state;
    packed made;
    const signed char fill = -1, most = -6;
    const double scale = 0.5;
    begin_packed(in, H5T_STD_I8LE, NULL, &made);
    assert_ok(in, fc__h5_put_text(&made.out.h5, made.variable.id, "_Unsigned", "true"));
    put(in, &made, "_FillValue", H5T_NATIVE_SCHAR, 1, &fill);
    put(in, &made, "valid_max", H5T_NATIVE_SCHAR, 1, &most); /* 250 */
    put(in, &made, "scale_factor", H5T_NATIVE_DOUBLE, 1, &scale);
    check_unpacking(&made, 5, (double[]){1, 127, -128, -6, -1},
                    (double[]){0.5, 63.5, 64.0, 125.0, NAN});
    check_unpacking(&made, 1, (double[]){-3}, (double[]){NAN});
    end_packed(&made);
}

static void valid_ranges_are_raw_or_unpacked_by_their_type(void **state)
{
    bench *in = *state;
    packed made;
    const double scale = 0.1, offset = 100.0;
    const float unpacked[2] = {99.0f, 101.0f};
    const short raw[2] = {-10, 5};
    for (int integers = 0; integers < 2; integers++) {
        begin_packed(in, H5T_STD_I16LE, NULL, &made);
        put(in, &made, "scale_factor", H5T_NATIVE_DOUBLE, 1, &scale);
        put(in, &made, "add_offset", H5T_NATIVE_DOUBLE, 1, &offset);
        if (integers)
            put(in, &made, "valid_range", H5T_NATIVE_SHORT, 2, raw);
        else
            put(in, &made, "valid_range", H5T_NATIVE_FLOAT, 2, unpacked);
        check_unpacking(&made, 5, (double[]){-20, -10, 0, 6, 11},
                        integers ? (double[]){NAN, 99.0, 100.0, NAN, NAN}
                                 : (double[]){NAN, 99.0, 100.0, 100.6, NAN});
        end_packed(&made);
    }
}

static void several_values_may_be_missing(void **state)
{
    bench *in = *state;
    packed made;
    const float missing[3] = {-1.0f, 1e20f, 0.1f};
    begin_packed(in, H5T_IEEE_F32LE, NULL, &made);
    put(in, &made, "missing_value", H5T_NATIVE_FLOAT, 3, missing);
    check_unpacking(&made, 5,
                    (double[]){-1.0, (double)1e20f, (double)0.1f, 2.0, 9.969209968386869e36},
                    (double[]){NAN, NAN, NAN, 2.0, NAN});
    end_packed(&made);
}

static void every_type_has_its_default_fill(void **state)
{
    bench *in = *state;
    const struct {
        hid_t type;
        double fill, value;
    } types[] = {
        {H5T_IEEE_F64LE, 9.969209968386869e36, -32767.0},
        {H5T_STD_I16BE, -32767.0, 32767.0},
        {H5T_STD_U16LE, 65535.0, 65534.0},
        {H5T_STD_I32LE, -2147483647.0, -32767.0},
        {H5T_STD_U32LE, 4294967295.0, 4294967294.0},
        {H5T_STD_I8LE, NAN, -127.0},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        packed made;
        begin_packed(in, types[i].type, NULL, &made);
        check_unpacking(&made, 2, (double[]){types[i].fill, types[i].value},
                        (double[]){NAN, types[i].value});
        end_packed(&made);
    }
}

/* ---------------------------------------------------------------- frames */

/* Frames [first, first + count) of v as channel 1 of 2, with the points in the given strides. */
static void check_frames(bench *in, packed *made, size_t first, size_t count,
                         const fc__cf_layout *layout)
{
    enum { POINTS = ROWS * COLUMNS };
    float values[TIMES][2 * POINTS], *frames[TIMES];
    for (size_t f = 0; f < TIMES; f++) {
        frames[f] = values[f];
        for (size_t i = 0; i < (size_t)2 * POINTS; i++)
            values[f][i] = -1.0f;
    }
    assert_ok(in, fc__cf_read_frames(&made->out.h5, &made->variable, &made->packing, layout, first,
                                     count, 2, 1, frames));
    for (size_t f = 0; f < count; f++)
        for (size_t y = 0; y < ROWS; y++)
            for (size_t x = 0; x < COLUMNS; x++) {
                size_t point = layout->point ? layout->point[y * COLUMNS + x]
                                             : y * layout->stride[1] + x * layout->stride[2];
                if (point == SIZE_MAX)
                    continue;
                assert_true(values[f][2 * point + 1] ==
                            (float)((first + f) * POINTS + y * COLUMNS + x));
                assert_true(values[f][2 * point] == -1.0f);
            }
}

static void blocks_of_any_shape_become_the_same_frames(void **state)
{
    static const size_t chunks[][3] = {{1, 1, 1}, {2, 2, 3}, {3, 1, 4}, {2, 2, 4}, {1, 2, 2}};
    static const size_t points[ROWS * COLUMNS] = {5, SIZE_MAX, 0, 1, 2, 6, 4, 3};
    const fc__cf_layout layouts[] = {
        {.time = 0, .stride = {0, COLUMNS, 1}}, /* as in the file */
        {.time = 0, .stride = {0, 1, ROWS}},    /* columns first */
        {.time = 0, .point = points},
    };
    bench *in = *state;
    const hid_t types[] = {H5T_IEEE_F32LE, H5T_IEEE_F64BE, H5T_STD_I16LE};
    for (size_t c = 0; c <= sizeof chunks / sizeof *chunks; c++) {
        packed made;
        begin_packed(in, types[c % 3], c ? chunks[c - 1] : NULL, &made);
        fc__cf_packing_of(&made.variable, &made.packing);
        for (size_t k = 0; k < sizeof layouts / sizeof *layouts; k++)
            for (size_t first = 0; first < TIMES; first++)
                for (size_t count = 1; first + count <= TIMES; count++)
                    check_frames(in, &made, first, count, &layouts[k]);
        end_packed(&made);
    }
}

/* Larger than the pieces in which it is read, so that all of their edges occur. */
static void large_variables_are_read_piece_by_piece(void **state)
{
    enum { FRAMES = 5, HEIGHT = 700, WIDTH = 301 };
    static const size_t chunks[][3] = {{0}, {2, 100, 64}, {1, 700, 301}, {4, 700, 50}};
    bench *in = *state;
    const size_t size = (size_t)HEIGHT * WIDTH, start[3] = {0}, shape[3] = {FRAMES, HEIGHT, WIDTH};
    float *values = malloc(FRAMES * size * sizeof *values), *frames[FRAMES];
    const fc__cf_layout layout = {.time = 0, .stride = {0, WIDTH, 1}};
    for (size_t i = 0; i < FRAMES * size; i++)
        values[i] = (float)(i % 100003);
    for (size_t f = 0; f < FRAMES; f++)
        frames[f] = malloc(size * sizeof *frames[f]);
    for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
        fc__h5 h5;
        hid_t scales[3];
        int next = 0;
        fc__nc_variable variable = {.name = "v", .rank = 3, .shape = {FRAMES, HEIGHT, WIDTH}};
        fc__cf_packing packing;
        assert_ok(in, fc__h5_create(in->context, in_folder(in, "large.nc"), &h5));
        for (size_t i = 0; i < 3; i++)
            assert_ok(in, fc__nc_make_dimension(&h5, (const char[][2]){"t", "y", "x"}[i], shape[i],
                                                &next, &scales[i]));
        assert_ok(in, fc__nc_make_variable(&h5, "v", H5T_NATIVE_FLOAT, 3, scales,
                                           c ? chunks[c] : NULL, &variable.id));
        assert_ok(
            in, fc__h5_write_box(&h5, variable.id, "v", H5T_NATIVE_FLOAT, 3, start, shape, values));
        fc__cf_packing_of(&variable, &packing);
        for (size_t first = 0; first < 2; first++) {
            assert_ok(in, fc__cf_read_frames(&h5, &variable, &packing, &layout, first,
                                             FRAMES - first, 1, 0, frames));
            for (size_t f = 0; first + f < FRAMES; f++)
                assert_memory_equal(frames[f], values + (first + f) * size, size * sizeof *values);
        }
        fc__h5_close(&h5);
    }
    for (size_t f = 0; f < FRAMES; f++)
        free(frames[f]);
    free(values);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(unsigned_numbers_may_be_stored_as_signed),
        TEST(valid_ranges_are_raw_or_unpacked_by_their_type),
        TEST(several_values_may_be_missing),
        TEST(every_type_has_its_default_fill),
        TEST(blocks_of_any_shape_become_the_same_frames),
        TEST(large_variables_are_read_piece_by_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
