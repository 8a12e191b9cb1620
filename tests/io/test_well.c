/* The Well's layout in files that h5py has written after its documents
 * (tests/golden/make_ml_datasets.py), and what is refused. */
#include "tests/io/ml_testing.h"

static const expected_axis plane[] = {{5, 0.0, 0.25, BY_I}, {4, -1.0, 2.0 / 3.0, BY_J}};

/* ---------------------------------------------------------------- what is read */

static void fields_that_change_with_time_are_channels(void **state)
{
    bench *in = *state;
    static const char *const names[] = {"density",   "profile",   "velocity_x", "velocity_y",
                                        "stress_xx", "stress_xy", "stress_yx",  "stress_yy",
                                        "strain_xx", "strain_xy", "strain_yy"};
    fc_dataset *dataset = read_twice(in, golden(in, "ml_well.h5"), NULL);
    assert_int_equal(dataset->channel_count, sizeof names / sizeof *names);
    for (size_t c = 0; c < dataset->channel_count; c++)
        assert_string_equal(dataset->channels[c].name, names[c]);
    assert_int_equal(dataset->sequence_count, 2);
    assert_false(dataset->record);
    assert_times(dataset, 1, 3, (double[]){0.0, 0.5, 1.0});
    assert_channel(dataset, "density", plane, BY_SEQUENCE, BY_TIME, 0);
    assert_channel(dataset, "velocity_x", plane, BY_SEQUENCE, BY_TIME, 4);
    assert_channel(dataset, "velocity_y", plane, BY_SEQUENCE, BY_TIME, 5);
    fc_dataset_destroy(dataset);
}

static void components_of_tensors_are_rows_and_columns(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = read_twice(in, golden(in, "ml_well.h5"), NULL);
    assert_channel(dataset, "stress_xx", plane, BY_SEQUENCE, BY_TIME, 0);
    assert_channel(dataset, "stress_xy", plane, BY_SEQUENCE, BY_TIME, 1);
    assert_channel(dataset, "stress_yx", plane, BY_SEQUENCE, BY_TIME, 2);
    assert_channel(dataset, "stress_yy", plane, BY_SEQUENCE, BY_TIME, 3);
    assert_channel(dataset, "strain_xx", plane, BY_SEQUENCE, BY_TIME, 4);
    assert_channel(dataset, "strain_xy", plane, BY_SEQUENCE, BY_TIME, 5);
    assert_channel(dataset, "strain_yy", plane, BY_SEQUENCE, BY_TIME, 7);
    fc_dataset_destroy(dataset);
}

static void absent_axes_repeat_the_field(void **state)
{
    bench *in = *state;
    const expected_axis along_y[] = {{5, 0.0, 0.25, 0}, plane[1]};
    fc_dataset *dataset = read_twice(in, golden(in, "ml_well.h5"), "kappa, profile, depth");
    assert_int_equal(dataset->channel_count, 3);
    assert_channel(dataset, "profile", along_y, 0, BY_TIME, 3);
    assert_channel(dataset, "kappa", plane, BY_SEQUENCE, 0, 1);
    assert_channel(dataset, "depth", plane, 0, 0, 2);
    fc_dataset_destroy(dataset);
}

static void periodic_boundaries_close_the_axis_one_step_on(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = read_twice(in, golden(in, "ml_well.h5"), "density");
    const fc_axis *x = &dataset->domain.axis[0], *y = &dataset->domain.axis[1];
    assert_int_equal(x->kind, FC_AXIS_PERIODIC);
    assert_true(x->lower == 0.0 && x->upper == 1.25);
    assert_int_equal(y->kind, FC_AXIS_PLAIN);
    assert_true(y->lower == -1.0 && y->upper == 1.0);
    fc_dataset_destroy(dataset);
}

static void static_fields_serve_expressions(void **state)
{
    bench *in = *state;
    const expected_axis *axes = plane;
    const fc_read_config config = {.variables = "deep=density+depth"};
    fc_dataset *dataset = NULL;
    assert_ok(in, fc_dataset_read(in->context, golden(in, "ml_well.h5"), &config, &dataset));
    const expected_axis doubled[] = {{5, 0.0, 0.25, 2 * BY_I}, {4, -1.0, 2.0 / 3.0, 2 * BY_J}};
    assert_int_equal(axes[0].length, doubled[0].length);
    assert_channel(dataset, "deep", doubled, BY_SEQUENCE, BY_TIME, 2);
    fc_dataset_destroy(dataset);
}

static void spherical_grids_become_longitude_and_latitude(void **state)
{
    bench *in = *state;
    const expected_axis sphere[] = {{6, 0.0, 60.0, BY_J}, {4, 67.5, -45.0, BY_I}};
    fc_dataset *dataset = read_twice(in, golden(in, "ml_well_sphere.h5"), NULL);
    assert_int_equal(dataset->domain.axis[0].kind, FC_AXIS_LONGITUDE);
    assert_int_equal(dataset->domain.axis[1].kind, FC_AXIS_LATITUDE);
    assert_string_equal(dataset->domain.axis[0].name, "phi");
    assert_string_equal(dataset->domain.axis[1].units, "degrees_north");
    assert_channel(dataset, "height", sphere, BY_SEQUENCE, BY_TIME, 0);
    fc_dataset_destroy(dataset);
}

static void times_may_differ_between_trajectories(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = read_twice(in, golden(in, "ml_well_sphere.h5"), NULL);
    assert_times(dataset, 0, 3, (double[]){0.0, 1.0, 2.0});
    assert_times(dataset, 1, 3, (double[]){5.0, 7.0, 9.0});
    fc_dataset_destroy(dataset);
}

/* ---------------------------------------------------------------- what is refused */

static void put_strings(hid_t file, const char *object, const char *name, size_t count,
                        const char **texts)
{
    hsize_t extent = count;
    hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate_simple(1, &extent, NULL);
    H5Tset_size(type, H5T_VARIABLE);
    H5Adelete_by_name(file, object, name, H5P_DEFAULT);
    hid_t attribute =
        H5Acreate_by_name(file, object, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, type, texts) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

static void put_numbers(hid_t file, const char *object, const char *name, size_t count,
                        const int *numbers)
{
    hsize_t extent = count;
    hid_t space = H5Screate_simple(1, &extent, NULL);
    if (H5Aexists_by_name(file, object, name, H5P_DEFAULT) > 0)
        H5Adelete_by_name(file, object, name, H5P_DEFAULT);
    hid_t attribute = H5Acreate_by_name(file, object, name, H5T_NATIVE_INT, space, H5P_DEFAULT,
                                        H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, H5T_NATIVE_INT, numbers) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
}

static void lists_must_name_what_is_there(void **state)
{
    bench *in = *state;
    hid_t file = edit(in, "ml_well.h5");
    put_strings(file, "t0_fields", "field_names", 2, (const char *[]){"density", "smoke"});
    assert_refused(in, file, "t0_fields/smoke", "field_names");

    file = edit(in, "ml_well.h5");
    put_strings(file, "dimensions", "spatial_dims", 2, (const char *[]){"x", "z"});
    assert_refused(in, file, "dimensions/z is missing");

    file = edit(in, "ml_well.h5");
    put_strings(file, "dimensions", "spatial_dims", 5, (const char *[]){"x", "y", "x", "y", "x"});
    assert_refused(in, file, "spatial_dims names 5 dimensions");

    file = edit(in, "ml_well.h5");
    put_strings(file, "dimensions", "spatial_dims", 1, (const char *[]){"x"});
    assert_refused(in, file, "spatial_dims names 1 dimensions", "n_spatial_dims");

    file = edit(in, "ml_well.h5");
    put_numbers(file, "t1_fields", "field_names", 2, (int[]){1, 2});
    assert_refused(in, file, "field_names of t1_fields is no list");

    file = edit(in, "ml_well.h5");
    H5Adelete_by_name(file, "t2_fields", "field_names", H5P_DEFAULT);
    assert_refused(in, file, "t2_fields has no attribute field_names");

    file = edit(in, "ml_well.h5");
    for (size_t i = 0; i < 3; i++) {
        static const char *const groups[] = {"t0_fields", "t1_fields", "t2_fields"};
        H5Ldelete(file, groups[i], H5P_DEFAULT);
    }
    assert_refused(in, file, "no field changes with time", "none at all");
}

static void attributes_must_tell_the_axes(void **state)
{
    bench *in = *state;
    hid_t file = edit(in, "ml_well.h5");
    H5Adelete_by_name(file, "t0_fields/density", "dim_varying", H5P_DEFAULT);
    assert_refused(in, file, "t0_fields/density", "dim_varying");

    file = edit(in, "ml_well.h5");
    put_numbers(file, "t0_fields/density", "dim_varying", 3, (int[]){1, 1, 1});
    assert_refused(in, file, "t0_fields/density", "dim_varying");

    file = edit(in, "ml_well.h5");
    put_numbers(file, "t0_fields/density", "sample_varying", 1, (int[]){0});
    assert_refused(in, file, "t0_fields/density has 4 axes", "3");

    file = edit(in, "ml_well.h5");
    put_numbers(file, "t0_fields/profile", "dim_varying", 2, (int[]){1, 0});
    assert_refused(in, file, "t0_fields/profile", "length 4", "5 coordinates x");

    file = edit(in, "ml_well.h5");
    put_numbers(file, "dimensions/x", "time_varying", 1, (int[]){1});
    assert_refused(in, file, "dimensions/x", "change with time");

    file = edit(in, "ml_well.h5");
    put_numbers(file, "dimensions/time", "sample_varying", 1, (int[]){1});
    assert_refused(in, file, "dimensions/time", "(trajectory, time)");
}

static void arrays_must_have_the_declared_axes(void **state)
{
    bench *in = *state;
    hid_t file = edit(in, "ml_well.h5");
    replace(file, "dimensions/x", 1, (hsize_t[]){6});
    put_numbers(file, "dimensions/x", "sample_varying", 1, (int[]){0});
    assert_refused(in, file, "axis 2", "length 5", "6 coordinates x");

    file = edit(in, "ml_well.h5");
    replace(file, "dimensions/time", 1, (hsize_t[]){4});
    assert_refused(in, file, "length 3", "4 times");

    file = edit(in, "ml_well.h5");
    H5Ldelete(file, "dimensions/time", H5P_DEFAULT);
    assert_refused(in, file, "dimensions/time is missing");

    file = edit(in, "ml_well.h5");
    set_number(file, "dimensions/y", 1, (double)NAN);
    assert_refused(in, file, "dimensions/y[1]", "finite");

    file = edit(in, "ml_well_sphere.h5");
    set_number(file, "dimensions/theta", 3, 7.0);
    assert_refused(in, file, "theta", "radians");
}

static void groups_that_hold_each_other_end(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = NULL;
    hid_t file = edit(in, "ml_well.h5");
    H5Lcreate_hard(file, "/", file, "boundary_conditions/again", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(file, "boundary_conditions", file, "boundary_conditions/itself", H5P_DEFAULT,
                   H5P_DEFAULT);
    H5Fclose(file);
    assert_ok(in, fc_dataset_read(in->context, in_folder(in, "spoilt.h5"), NULL, &dataset));
    fc_dataset_destroy(dataset);
}

static void truncated_files_are_refused(void **state)
{
    assert_truncations_refused(*state, "ml_well.h5");
    assert_truncations_refused(*state, "ml_well_sphere.h5");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fields_that_change_with_time_are_channels),
        TEST(components_of_tensors_are_rows_and_columns),
        TEST(absent_axes_repeat_the_field),
        TEST(periodic_boundaries_close_the_axis_one_step_on),
        TEST(static_fields_serve_expressions),
        TEST(spherical_grids_become_longitude_and_latitude),
        TEST(times_may_differ_between_trajectories),
        TEST(lists_must_name_what_is_there),
        TEST(attributes_must_tell_the_axes),
        TEST(arrays_must_have_the_declared_axes),
        TEST(groups_that_hold_each_other_end),
        TEST(truncated_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
