/* Gridded CF files that contradict themselves: an error that names the fault, or the values that
 * there are, but never a crash. */
#include "tests/io/cf_fixture.h"

#include <hdf5_hl.h>
#include <math.h>

/* The usual file, still open for a fault to be added. */
static const char *start_file(bench *in, const char *order, bool no_x, maker *out)
{
    plan of = usual();
    const char *path = in_folder(in, "cf.nc");
    of.order = order;
    of.no_x = no_x;
    unlink(path);
    begin(in, path, &of, out);
    return path;
}

static void refuse_file(bench *in, maker *out, const char *path, const char *first,
                        const char *second)
{
    fc_dataset *dataset;
    finish(in, out);
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &dataset), path, first,
                 second);
    assert_null(dataset);
}

static void accept_file(bench *in, maker *out, const char *path)
{
    fc_dataset *dataset = NULL;
    finish(in, out);
    assert_ok(in, fc_dataset_read(in->context, path, NULL, &dataset));
    assert_int_equal(dataset->points[0].count, ROWS * COLUMNS);
    assert_int_equal(dataset->sequences[0].frame_count, TIMES);
    fc_dataset_destroy(dataset);
}

/* ---------------------------------------------------------------- dimensions */

/* Attaches other scales to the axes of w than those that it was made with. */
static void attach(maker *out, size_t axis, hid_t scale)
{
    assert_true(H5DSdetach_scale(out->w, out->scales[axis], (unsigned)axis) >= 0);
    assert_true(H5DSattach_scale(out->w, scale, (unsigned)axis) >= 0);
}

static void dimensions_of_other_lengths_are_refused(void **state)
{
    bench *in = *state;
    maker out;
    const char *path = start_file(in, "tyx", false, &out);
    attach(&out, 1, out.scales[2]);
    attach(&out, 2, out.scales[1]);
    refuse_file(in, &out, path, "coordinate lat has length 2", "the dimension 4");
    path = start_file(in, "tyx", false, &out);
    attach(&out, 2, out.scales[1]); /* lat twice */
    refuse_file(in, &out, path, "coordinate lat has length 2", "the dimension 4");
    path = start_file(in, "tyx", false, &out);
    attach(&out, 1, out.scales[0]); /* time twice */
    refuse_file(in, &out, path, "two time axes", "w");
    path = start_file(in, "tyx", false, &out);
    attach(&out, 0, out.scales[2]); /* no time at all */
    refuse_file(in, &out, path, "no variable lies on a time axis", "w(lon, lat, lon)");
}

static void dimension_lists_of_another_type_are_no_dimensions(void **state)
{
    bench *in = *state;
    maker out;
    const char *path = start_file(in, "tyx", false, &out);
    const int numbers[3] = {1, 2, 3};
    H5Adelete(out.w, "DIMENSION_LIST");
    assert_ok(in, fc__h5_put(&out.h5, out.w, "DIMENSION_LIST", H5T_NATIVE_INT, 3, numbers));
    refuse_file(in, &out, path, "no variable lies on a time axis", "w(?, ?, ?)");
}

static void empty_dimensions_are_refused(void **state)
{
    bench *in = *state;
    maker out;
    for (int empty = 0; empty < 2; empty++) {
        const char *path = start_file(in, "tyx", false, &out);
        hid_t variable, scales[3] = {out.scales[0], out.scales[1], out.scales[2]};
        H5Ldelete(out.h5.file, "w", H5P_DEFAULT);
        assert_ok(in, fc__nc_make_coordinate(&out.h5, empty ? "x" : "t", 0, (double[]){0.0},
                                             &out.next, &scales[empty ? 2 : 0]));
        assert_ok(in,
                  fc__nc_make_variable(&out.h5, "v", H5T_NATIVE_FLOAT, 3, scales, NULL, &variable));
        refuse_file(in, &out, path, empty ? "dimension x is empty" : "t holds 0 times",
                    empty ? "v" : "at least one");
    }
}

/* ---------------------------------------------------------------- coordinates */

static void coordinates_of_text_or_of_two_axes_are_none(void **state)
{
    bench *in = *state;
    maker out;
    const char *path = start_file(in, "tyx", true, &out);
    H5Ldelete(out.h5.file, "lon", H5P_DEFAULT);
    assert_ok(in, fc__h5_write_text(&out.h5, out.h5.file, "lon", "0 10 20 30"));
    refuse_file(in, &out, path, "no variable lies on a time axis", "w(");
    path = start_file(in, "tyx", true, &out);
    add_auxiliary(in, &out, "east", 1, 2, "units", "degrees_east");
    add_auxiliary(in, &out, "north", 0, 2, "units", "degrees_north");
    refuse_file(in, &out, path, "coordinate east(lat, lon)", "no latitude");
}

/* 2-D coordinates, with one value of one of them put in place of its own. */
static const char *make_curvilinear(bench *in, maker *out, size_t times, float fault)
{
    const char *path = start_file(in, "tyx", true, out);
    static const char *const units[2] = {"degrees_east", "degrees_north"};
    for (size_t k = 0; k < 2; k++) {
        hid_t variable;
        float values[TIMES * ROWS * COLUMNS];
        const size_t start[3] = {0}, shape[3] = {TIMES, ROWS, COLUMNS};
        for (size_t i = 0; i < TIMES * ROWS * COLUMNS; i++)
            values[i] = 0.5f * (float)(i % (ROWS * COLUMNS) / (k ? COLUMNS : 1));
        if (k)
            values[times > 1 ? 13 : 5] = fault;
        assert_ok(in, fc__nc_make_variable(&out->h5, k ? "north" : "east", H5T_NATIVE_FLOAT,
                                           times > 1 ? 3 : 2, out->scales + (times == 1), NULL,
                                           &variable));
        assert_ok(in, fc__h5_put_text(&out->h5, variable, "units", units[k]));
        assert_ok(in, fc__h5_write_box(&out->h5, variable, "place", H5T_NATIVE_FLOAT,
                                       times > 1 ? 3 : 2, start, shape + (times == 1), values));
    }
    return path;
}

static void curvilinear_coordinates_are_checked(void **state)
{
    bench *in = *state;
    maker out;
    fc_dataset *dataset;
    const char *path = make_curvilinear(in, &out, 1, INFINITY);
    refuse_file(in, &out, path, "north[5] is infinite", "missing values");
    path = make_curvilinear(in, &out, 1, 95.0f);
    refuse_file(in, &out, path, "latitude", "-90 to 90");
    path = make_curvilinear(in, &out, TIMES, 1.0f);
    refuse_file(in, &out, path, "north changes with time (0.5 becomes 1)", "move");
    path = make_curvilinear(in, &out, 1, NAN);
    finish(in, &out);
    assert_ok(in, fc_dataset_read(in->context, path, NULL, &dataset));
    assert_int_equal(dataset->points[0].count, ROWS * COLUMNS - 1);
    fc_dataset_destroy(dataset);
}

static void coordinates_that_name_each_other_are_read(void **state)
{
    bench *in = *state;
    maker out;
    const char *path = start_file(in, "tyx", false, &out);
    assert_ok(in, fc__h5_put_text(&out.h5, out.w, "coordinates", "w lat nowhere lon"));
    assert_ok(in, fc__h5_put_text(&out.h5, out.scales[1], "coordinates", "lon lat"));
    assert_ok(in, fc__h5_put_text(&out.h5, out.scales[2], "coordinates", "lat"));
    assert_ok(in, fc__h5_put_text(&out.h5, out.scales[2], "bounds", "lon"));
    assert_ok(in, fc__h5_put_text(&out.h5, out.w, "grid_mapping", "w"));
    accept_file(in, &out, path);
}

/* ---------------------------------------------------------------- attributes */

/* Text of a fixed size without a zero behind it. */
static void put_endless(hid_t object, const char *name, const char *text, size_t size)
{
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, size);
    H5Tset_strpad(type, H5T_STR_NULLTERM);
    H5Adelete(object, name);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, type, text) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

static void text_without_end_is_read_to_its_size(void **state)
{
    enum { LONG = 20000 };
    bench *in = *state;
    maker out;
    char *text = malloc(LONG);
    memset(text, 'd', LONG);
    const char *path = start_file(in, "tyx", false, &out);
    put_endless(out.scales[2], "units", "degrees_east", 12);
    put_endless(out.w, "units", text, LONG);
    put_endless(out.w, "coordinates", text, LONG);
    put_endless(out.w, "grid_mapping", text, LONG);
    accept_file(in, &out, path);
    path = start_file(in, "tyx", false, &out);
    memcpy(text, "days since 2000-01-01 ", 22);
    put_endless(out.scales[0], "units", text, LONG);
    refuse_file(in, &out, path, "time has units \"days since", "at most 63 letters");
    free(text);
}

static void attributes_of_the_wrong_type_count_as_absent(void **state)
{
    static const char *const names[] = {"_FillValue", "missing_value", "valid_min",
                                        "valid_max",  "scale_factor",  "add_offset"};
    bench *in = *state;
    maker out;
    const double numbers[3] = {1.0, 2.0, 3.0};
    const char *path = start_file(in, "tyx", false, &out);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        H5Adelete(out.w, names[i]);
        assert_ok(in, fc__h5_put_text(&out.h5, out.w, names[i], "none"));
    }
    assert_ok(in, fc__h5_put(&out.h5, out.w, "valid_range", H5T_NATIVE_DOUBLE, 3, numbers));
    assert_ok(in, fc__h5_put(&out.h5, out.w, "units", H5T_NATIVE_DOUBLE, 3, numbers));
    assert_ok(in, fc__h5_put(&out.h5, out.w, "coordinates", H5T_NATIVE_DOUBLE, 3, numbers));
    accept_file(in, &out, path);
}

static void times_that_no_calendar_has_are_refused(void **state)
{
    bench *in = *state;
    maker out;
    plan of = usual();
    of.time_units = "months since 2000-01-01";
    of.times[2] = 1e300;
    const char *path = in_folder(in, "cf.nc");
    begin(in, path, &of, &out);
    refuse_file(in, &out, path, "time: time 1e+300 at index 2", "is no date");
    of.times[2] = 0.0;
    begin(in, path, &of, &out);
    refuse_file(in, &out, path, "0 at index 2 does not come after 60 at index 1", "must increase");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(dimensions_of_other_lengths_are_refused),
        TEST(dimension_lists_of_another_type_are_no_dimensions),
        TEST(empty_dimensions_are_refused),
        TEST(coordinates_of_text_or_of_two_axes_are_none),
        TEST(curvilinear_coordinates_are_checked),
        TEST(coordinates_that_name_each_other_are_read),
        TEST(text_without_end_is_read_to_its_size),
        TEST(attributes_of_the_wrong_type_count_as_absent),
        TEST(times_that_no_calendar_has_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
