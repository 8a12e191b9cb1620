/* Gridded CF/netCDF-4 files: a real excerpt against values that netCDF4-python read from it
 * (tests/golden/make_sst_excerpt.py), files made here for each convention, and what is refused. */
#include "tests/io/cf_fixture.h"

#include <hdf5_hl.h>
#include <math.h>

/* Values are stored in single precision: half a unit in the last place of 300 K. */
static const double VALUE_TOLERANCE = 1.6e-5;

static fc_dataset *read_dataset(bench *in, const char *path, const char *variables)
{
    fc_dataset *dataset = NULL;
    const fc_read_config config = {.variables = variables};
    assert_ok(in, fc_dataset_read(in->context, path, &config, &dataset));
    return dataset;
}

/* The value at a place and time, NaN where there is none. */
static double value_at(const fc_dataset *dataset, size_t channel, double time, double x, double y)
{
    const fc_sequence *sequence = &dataset->sequences[0];
    for (size_t f = 0; f < sequence->frame_count; f++) {
        const fc_points *points = &dataset->points[sequence->frames[f].points];
        for (size_t p = 0; sequence->frames[f].time == time && p < points->count; p++)
            if (points->coordinates[2 * p] == x && points->coordinates[2 * p + 1] == y)
                return (double)sequence->frames[f].values[p * dataset->channel_count + channel];
    }
    return NAN;
}

/* ---------------------------------------------------------------- a real file */

static void a_real_record_agrees_with_netcdf4_python(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = read_dataset(in, FC_TEST_GOLDEN "/sst_excerpt.nc", NULL);
    FILE *golden = fopen(FC_TEST_GOLDEN "/sst_excerpt.txt", "r");
    double total, found_total = 0.0, time, x, y, value;
    size_t count, found = 0, lines = 0;
    assert_non_null(golden);
    assert_int_equal(fscanf(golden, "%zu %lf", &count, &total), 2);
    while (fscanf(golden, "%lf %lf %lf %lf", &time, &x, &y, &value) == 4) {
        double got = value_at(dataset, 0, time, x, y);
        if (!(fabs(got - value) <= VALUE_TOLERANCE))
            fail_msg("at %g, (%g, %g): %.9g, %.9g is expected", time, x, y, got, value);
        lines++;
    }
    fclose(golden);
    assert_true(lines > 300);
    for (size_t f = 0; f < dataset->sequences[0].frame_count; f++)
        for (size_t p = 0; p < dataset->points[0].count; p++)
            if (!isnan(dataset->sequences[0].frames[f].values[p])) {
                found_total += (double)dataset->sequences[0].frames[f].values[p];
                found++;
            }
    assert_int_equal(found, count);
    assert_true(fabs(found_total - total) < 1e-9 * total);
    fc_dataset_destroy(dataset);
}

static void a_real_record_is_described(void **state)
{
    bench *in = *state;
    char text[32];
    fc_dataset *dataset = read_dataset(in, FC_TEST_GOLDEN "/sst_excerpt.nc", "surface_temperature");
    const fc_axis *x = &dataset->domain.axis[0], *y = &dataset->domain.axis[1];
    assert_int_equal(dataset->domain.dims, 2);
    assert_int_equal(x->kind, FC_AXIS_LONGITUDE);
    assert_int_equal(y->kind, FC_AXIS_LATITUDE);
    assert_string_equal(x->name, "longitude");
    assert_string_equal(y->units, "degrees_north");
    assert_true(x->lower == 80.0 && fabs(x->upper - 99.166664) < 1e-5);
    assert_true(dataset->record);
    assert_true(dataset->time.cycle == 0.0); /* half a year tells nothing */
    assert_string_equal(dataset->time.units, "hours since 1970-01-01 00:00:00");
    assert_string_equal(dataset->time.calendar, "gregorian");
    assert_int_equal(dataset->sequences[0].frame_count, 6);
    fc_time_format(&dataset->time, dataset->sequences[0].frames[0].time, text, sizeof text);
    assert_string_equal(text, "2006-04-16T00:00");
    assert_string_equal(dataset->channels[0].name, "surface_temperature");
    assert_string_equal(dataset->channels[0].units, "K");
    /* Land is left out, so that the points are no grid. */
    assert_int_equal(dataset->points[0].count, 397);
    assert_int_equal(dataset->points[0].grid[0], 0);
    fc_dataset_destroy(dataset);
}

/* ---------------------------------------------------------------- files made here */

/* All values at their places, whatever the order in the file. */
static void check_values(const fc_dataset *dataset, const plan *of, bool x_first)
{
    for (size_t t = 0; t < TIMES; t++)
        for (size_t y = 0; y < ROWS; y++)
            for (size_t x = 0; x < COLUMNS; x++) {
                double a = of->x[x], b = of->y[y];
                assert_true(value_at(dataset, 0, of->times[t], x_first ? a : b, x_first ? b : a) ==
                            (double)value_of(t, y, x));
            }
}

static void axes_in_any_order_become_longitude_then_latitude(void **state)
{
    static const char *const orders[] = {"tyx", "txy", "yxt", "xty", "tsyx", "stxy", "ysxt"};
    bench *in = *state;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        plan of = usual();
        of.order = orders[i];
        fc_dataset *dataset = read_dataset(in, make(in, &of), NULL);
        assert_int_equal(dataset->domain.dims, 2);
        assert_int_equal(dataset->domain.axis[0].kind, FC_AXIS_LONGITUDE);
        assert_int_equal(dataset->points[0].grid[0], ROWS);
        assert_int_equal(dataset->points[0].grid[1], COLUMNS);
        check_values(dataset, &of, true);
        fc_dataset_destroy(dataset);
    }
}

static void longitude_and_latitude_are_known_by_their_units(void **state)
{
    static const char *const units[][2] = {{"degrees_east", "degrees_north"},
                                           {"degree_E", "degreeN"},
                                           {"degrees East", "degrees North"},
                                           {NULL, NULL},
                                           {"degrees", "degrees"}};
    bench *in = *state;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        plan of = usual();
        of.x_units = units[i][0];
        of.y_units = units[i][1];
        fc_dataset *dataset = read_dataset(in, make(in, &of), NULL);
        assert_int_equal(dataset->domain.axis[0].kind, FC_AXIS_LONGITUDE);
        assert_int_equal(dataset->domain.axis[1].kind, FC_AXIS_LATITUDE);
        fc_dataset_destroy(dataset);
    }
    plan of = usual();
    of.x_units = of.y_units = "km";
    fc_dataset *dataset = read_dataset(in, make(in, &of), NULL);
    assert_int_equal(dataset->domain.axis[0].kind, FC_AXIS_PLAIN);
    check_values(dataset, &of, true);
    fc_dataset_destroy(dataset);
}

static void packed_values_are_tested_raw_and_unpacked(void **state)
{
    bench *in = *state;
    plan of = usual();
    of.packed = true;
    const char *path = in_folder(in, "cf.nc");
    maker out;
    begin(in, path, &of, &out);
    const short fill = -198, range[2] = {-196, 240}; /* raw of the values 1 and 2 to 220 */
    const double missing = -194.0;                   /* raw of the value 3 */
    assert_ok(in, fc__h5_put_double(&out.h5, out.w, "scale_factor", 0.5));
    assert_ok(in, fc__h5_put_double(&out.h5, out.w, "add_offset", 100.0));
    assert_ok(in, fc__h5_put(&out.h5, out.w, "_FillValue", H5T_NATIVE_SHORT, 1, &fill));
    assert_ok(in, fc__h5_put_double(&out.h5, out.w, "missing_value", missing));
    assert_ok(in, fc__h5_put(&out.h5, out.w, "valid_range", H5T_NATIVE_SHORT, 2, range));
    finish(in, &out);
    fc_dataset *dataset = read_dataset(in, path, NULL);
    for (size_t t = 0; t < TIMES; t++)
        for (size_t y = 0; y < ROWS; y++)
            for (size_t x = 0; x < COLUMNS; x++) {
                double expected = (double)value_of(t, y, x);
                double found = value_at(dataset, 0, of.times[t], of.x[x], of.y[y]);
                bool valid = expected != 1.0 && expected != 3.0 && expected <= 220.0;
                assert_true(valid ? found == expected : isnan(found) != 0);
            }
    fc_dataset_destroy(dataset);
}

static void unwritten_values_are_missing_by_default(void **state)
{
    bench *in = *state;
    plan of = usual();
    const char *path = in_folder(in, "cf.nc");
    maker out;
    begin(in, path, &of, &out);
    const float fill = 9.9692099683868690e+36f;
    const size_t start[3] = {1, 0, 2}, count[3] = {1, 1, 1};
    H5Adelete(out.w, "_FillValue");
    assert_ok(in, fc__h5_write_box(&out.h5, out.w, "w", H5T_NATIVE_FLOAT, 3, start, count, &fill));
    finish(in, &out);
    fc_dataset *dataset = read_dataset(in, path, NULL);
    assert_true(isnan(value_at(dataset, 0, 2.0, 20.0, 50.0)));
    assert_true(value_at(dataset, 0, 2.0, 10.0, 50.0) == (double)value_of(1, 0, 1));
    fc_dataset_destroy(dataset);
}

static void places_and_frames_never_observed_are_left_out(void **state)
{
    bench *in = *state;
    plan of = usual();
    const char *path = in_folder(in, "cf.nc");
    maker out;
    begin(in, path, &of, &out);
    const float land[TIMES] = {NAN, NAN, NAN},
                night[ROWS * COLUMNS] = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    const size_t place[3] = {0, 1, 2}, column[3] = {TIMES, 1, 1};
    const size_t frame[3] = {1, 0, 0}, whole[3] = {1, ROWS, COLUMNS};
    assert_ok(in, fc__h5_write_box(&out.h5, out.w, "w", H5T_NATIVE_FLOAT, 3, place, column, land));
    assert_ok(in, fc__h5_write_box(&out.h5, out.w, "w", H5T_NATIVE_FLOAT, 3, frame, whole, night));
    finish(in, &out);
    fc_dataset *dataset = read_dataset(in, path, NULL);
    assert_int_equal(dataset->sequences[0].frame_count, 2);
    assert_int_equal(dataset->points[0].count, ROWS * COLUMNS - 1);
    assert_int_equal(dataset->points[0].grid[0], 0);
    assert_true(value_at(dataset, 0, 4.0, 30.0, 40.0) == (double)value_of(2, 1, 3));
    fc_dataset_destroy(dataset);
}

static void variables_on_the_same_dimensions_are_channels(void **state)
{
    bench *in = *state;
    plan of = usual();
    const char *path = in_folder(in, "cf.nc");
    maker out;
    begin(in, path, &of, &out);
    hid_t other, flat;
    const hid_t scales[3] = {out.scales[0], out.scales[1], out.scales[2]};
    float values[TIMES * ROWS * COLUMNS];
    const size_t start[3] = {0}, shape[3] = {TIMES, ROWS, COLUMNS};
    for (size_t i = 0; i < TIMES * ROWS * COLUMNS; i++)
        values[i] = -(float)i;
    assert_ok(in, fc__nc_make_variable(&out.h5, "v", H5T_NATIVE_FLOAT, 3, scales, NULL, &other));
    assert_ok(in,
              fc__nc_make_variable(&out.h5, "mask", H5T_NATIVE_FLOAT, 2, scales + 1, NULL, &flat));
    assert_ok(in, fc__h5_write_box(&out.h5, other, "v", H5T_NATIVE_FLOAT, 3, start, shape, values));
    finish(in, &out);
    fc_dataset *dataset = read_dataset(in, path, NULL), *refused;
    assert_int_equal(dataset->channel_count, 2);
    assert_string_equal(dataset->channels[1].name, "v");
    assert_true(value_at(dataset, 1, 1.0, 10.0, 50.0) == -1.0);
    fc_dataset_destroy(dataset);
    dataset = read_dataset(in, path, "v,w");
    assert_string_equal(dataset->channels[0].name, "v");
    fc_dataset_destroy(dataset);
    const fc_read_config mask = {.variables = "mask"}, none = {.variables = "sst"};
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, &mask, &refused), path,
                 "mask(lat, lon)", "time");
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, &none, &refused), path,
                 "\"sst\"", "w(time, lat, lon), v(time, lat, lon)");
}

static void variables_without_time_take_part_in_expressions(void **state)
{
    bench *in = *state;
    plan of = usual();
    const char *path = in_folder(in, "cf.nc");
    maker out;
    hid_t flat;
    begin(in, path, &of, &out);
    const hid_t scales[2] = {out.scales[2], out.scales[1]}; /* columns before rows */
    const size_t start[2] = {0}, shape[2] = {COLUMNS, ROWS};
    float values[COLUMNS * ROWS];
    for (size_t i = 0; i < COLUMNS * ROWS; i++)
        values[i] = 1000.0f * (float)i;
    assert_ok(in, fc__nc_make_variable(&out.h5, "flat", H5T_NATIVE_FLOAT, 2, scales, NULL, &flat));
    assert_ok(in,
              fc__h5_write_box(&out.h5, flat, "flat", H5T_NATIVE_FLOAT, 2, start, shape, values));
    finish(in, &out);
    fc_dataset *dataset = read_dataset(in, path, "sum=w+flat"), *refused;
    for (size_t y = 0; y < ROWS; y++)
        for (size_t x = 0; x < COLUMNS; x++)
            assert_true(value_at(dataset, 0, of.times[1], of.x[x], of.y[y]) ==
                        (double)(value_of(1, y, x) + values[x * ROWS + y]));
    fc_dataset_destroy(dataset);
    const fc_read_config time = {.variables = "sum=w+time"};
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, &time, &refused), path,
                 "time");
}

static void the_number_of_frames_can_be_limited(void **state)
{
    bench *in = *state;
    plan of = usual();
    fc_dataset *dataset;
    const fc_read_config config = {.max_frames = 2};
    assert_ok(in, fc_dataset_read(in->context, make(in, &of), &config, &dataset));
    assert_int_equal(dataset->sequences[0].frame_count, 2);
    fc_dataset_destroy(dataset);
}

/* ---------------------------------------------------------------- refusals */

static void refuse(bench *in, const plan *of, const char *first, const char *second)
{
    fc_dataset *dataset;
    const char *path = make(in, of);
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &dataset), path, first,
                 second);
    assert_null(dataset);
}

static void coordinates_and_times_that_cannot_be_are_refused(void **state)
{
    bench *in = *state;
    plan of = usual();
    of.times[2] = 2.0;
    refuse(in, &of, "time: 2 at index 2 repeats 2 at index 1", "must increase");
    of = usual();
    of.times[1] = NAN;
    refuse(in, &of, "time[1] is missing", "finite");
    of = usual();
    of.x[3] = INFINITY;
    refuse(in, &of, "lon[3] is infinite", "finite");
    of = usual();
    of.y[1] = 50.0;
    refuse(in, &of, "coordinate lat: 50 at index 1", "increase or decrease");
    of = usual();
    of.x[1] = 25.0;
    of.x[3] = 15.0;
    refuse(in, &of, "coordinate lon", "increase or decrease");
    of = usual();
    of.y[0] = 100.0;
    refuse(in, &of, "latitude lat", "-90 to 90");
    of = usual();
    of.no_x = true;
    refuse(in, &of, "dimension lon has no coordinate variable lon(lon)", "w(time, lat, lon)");
}

static void half_a_pair_of_coordinates_is_refused_by_name(void **state)
{
    bench *in = *state;
    fc_dataset *dataset;
    plan of = usual();
    of.no_x = true;
    const char *path = in_folder(in, "cf.nc");
    maker out;
    begin(in, path, &of, &out);
    add_auxiliary(in, &out, "longitude", 1, 2, "units", "degrees_east");
    finish(in, &out);
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &dataset), path,
                 "coordinate longitude(lat, lon)", "no latitude");
}

static void a_field_without_any_value_is_refused(void **state)
{
    bench *in = *state;
    fc_dataset *dataset;
    plan of = usual();
    const char *path = in_folder(in, "cf.nc");
    maker out;
    begin(in, path, &of, &out);
    const size_t start[3] = {0}, shape[3] = {TIMES, ROWS, COLUMNS};
    float values[TIMES * ROWS * COLUMNS];
    for (size_t i = 0; i < TIMES * ROWS * COLUMNS; i++)
        values[i] = NAN;
    assert_ok(in, fc__h5_write_box(&out.h5, out.w, "w", H5T_NATIVE_FLOAT, 3, start, shape, values));
    finish(in, &out);
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &dataset), path,
                 "w has no value");
}

static void hdf5_without_dimension_scales_is_refused(void **state)
{
    bench *in = *state;
    fc_dataset *dataset;
    fc_file_kind kind;
    const char *path = in_folder(in, "plain.h5");
    const hsize_t shape[2] = {2, 3};
    const double values[6] = {0};
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5LTmake_dataset_double(file, "tensor", 2, shape, values) >= 0);
    H5Fclose(file);
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &dataset), path,
                 "without dimension scales", "tensor(2, 3)");
    assert_ok(in, fc_file_probe(in->context, path, &kind));
    assert_int_equal(kind, FC_FILE_NETCDF);
}

/* A filter that leaves everything as it is, known only while it is registered. */
static size_t pass_through(unsigned flags, size_t count, const unsigned values[], size_t bytes,
                           size_t *size, void **buffer)
{
    (void)flags, (void)count, (void)values, (void)size, (void)buffer;
    return bytes;
}

static const H5Z_class2_t made_up_filter = {H5Z_CLASS_T_VERS, 305,  1,    1,
                                            "made up",        NULL, NULL, pass_through};

static void missing_filters_are_named(void **state)
{
    bench *in = *state;
    fc_dataset *dataset;
    plan of = usual();
    const char *path = in_folder(in, "cf.nc");
    maker out;
    begin(in, path, &of, &out);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE), space = H5Dget_space(out.w);
    const hsize_t chunk[3] = {1, ROWS, COLUMNS};
    const float values[TIMES * ROWS * COLUMNS] = {0.0f};
    H5Zregister(&made_up_filter);
    H5Pset_chunk(creation, 3, chunk);
    H5Pset_filter(creation, 305, 0, 0, NULL);
    hid_t other =
        H5Dcreate2(out.h5.file, "v", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    assert_true(H5Dwrite(other, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    for (unsigned i = 0; i < 3; i++)
        H5DSattach_scale(other, out.scales[i], i);
    H5Pclose(creation);
    H5Sclose(space);
    finish(in, &out);
    H5Zunregister(305);
    const fc_read_config config = {.variables = "v"};
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, &config, &dataset), path,
                 "v is compressed with HDF5 filter 305 (made up)", "h5repack");
    dataset = read_dataset(in, path, "w");
    fc_dataset_destroy(dataset);
}

/* A few kilobytes that claim to hold terabytes. */
static void extents_beyond_the_file_are_refused(void **state)
{
    bench *in = *state;
    fc_dataset *dataset;
    plan of = usual();
    const char *path = in_folder(in, "cf.nc");
    for (int chunked = 0; chunked < 2; chunked++) {
        maker out;
        begin(in, path, &of, &out);
        hid_t creation = H5Pcreate(H5P_DATASET_CREATE), scales[3] = {out.scales[0]};
        const hsize_t shape[3] = {TIMES, 1 << 20, 1 << 20}, chunk[3] = {1, 64, 64};
        assert_ok(in, fc__nc_make_dimension(&out.h5, "j", 1 << 20, &out.next, &scales[1]));
        assert_ok(in, fc__nc_make_dimension(&out.h5, "i", 1 << 20, &out.next, &scales[2]));
        hid_t space = H5Screate_simple(3, shape, NULL);
        if (chunked)
            H5Pset_chunk(creation, 3, chunk);
        hid_t other = H5Dcreate2(out.h5.file, "v", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, creation,
                                 H5P_DEFAULT);
        for (unsigned i = 0; i < 3; i++)
            H5DSattach_scale(other, scales[i], i);
        H5Pclose(creation);
        H5Sclose(space);
        finish(in, &out);
        const fc_read_config config = {.variables = "v"};
        assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, &config, &dataset), path,
                     "v declares", "cannot hold");
        unlink(path);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_real_record_agrees_with_netcdf4_python),
        TEST(a_real_record_is_described),
        TEST(axes_in_any_order_become_longitude_then_latitude),
        TEST(longitude_and_latitude_are_known_by_their_units),
        TEST(packed_values_are_tested_raw_and_unpacked),
        TEST(unwritten_values_are_missing_by_default),
        TEST(places_and_frames_never_observed_are_left_out),
        TEST(variables_on_the_same_dimensions_are_channels),
        TEST(variables_without_time_take_part_in_expressions),
        TEST(the_number_of_frames_can_be_limited),
        TEST(coordinates_and_times_that_cannot_be_are_refused),
        TEST(half_a_pair_of_coordinates_is_refused_by_name),
        TEST(a_field_without_any_value_is_refused),
        TEST(hdf5_without_dimension_scales_is_refused),
        TEST(missing_filters_are_named),
        TEST(extents_beyond_the_file_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
