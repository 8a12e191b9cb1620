/* Output of Dedalus and what others made of it, in files that h5py has written
 * (tests/golden/make_ml_datasets.py), and what is refused. */
#include "tests/io/ml_testing.h"

static const expected_axis sphere[] = {{6, 0.0, 60.0, BY_I}, {4, -67.5, 45.0, BY_J}};

static void shallow_water_on_the_sphere_has_longitude_and_latitude(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = read_twice(in, golden(in, "ml_dedalus.h5"), NULL);
    assert_int_equal(dataset->sequence_count, 1);
    assert_false(dataset->record);
    assert_int_equal(dataset->channel_count, 2);
    assert_int_equal(dataset->domain.axis[0].kind, FC_AXIS_LONGITUDE);
    assert_int_equal(dataset->domain.axis[1].kind, FC_AXIS_LATITUDE);
    assert_times(dataset, 0, 3, (double[]){0.0, 600.0, 1200.0});
    assert_channel(dataset, "height", sphere, 0, BY_TIME, 0);
    assert_channel(dataset, "vorticity", sphere, 0, BY_TIME, 1);
    fc_dataset_destroy(dataset);
}

static void coordinates_are_found_without_dimension_scales(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = NULL;
    hid_t file = edit(in, "ml_dedalus.h5");
    for (size_t i = 0; i < 2; i++)
        H5Adelete_by_name(file, i ? "tasks/height" : "tasks/vorticity", "DIMENSION_LIST",
                          H5P_DEFAULT);
    H5Ldelete(file, "tasks/average", H5P_DEFAULT);
    H5Fclose(file);
    assert_ok(in, fc_dataset_read(in->context, in_folder(in, "spoilt.h5"), NULL, &dataset));
    assert_channel(dataset, "vorticity", sphere, 0, BY_TIME, 1);
    fc_dataset_destroy(dataset);
}

static void components_of_vectors_are_named_after_the_axes(void **state)
{
    bench *in = *state;
    const expected_axis line = {5, 0.0, 1.0, BY_I};
    fc_dataset *dataset = read_twice(in, golden(in, "ml_dedalus_plane.h5"), NULL);
    static const char *const names[] = {"buoyancy", "u_x", "u_z"};
    static const int offsets[] = {7, 0, 1};
    assert_int_equal(dataset->channel_count, 3);
    assert_string_equal(dataset->domain.axis[0].name, "x");
    assert_string_equal(dataset->domain.axis[1].name, "z");
    assert_int_equal(dataset->domain.axis[1].kind, FC_AXIS_PLAIN);
    assert_times(dataset, 0, 3, (double[]){0.0, 0.5, 2.0});
    for (size_t c = 0; c < 3; c++) {
        assert_string_equal(dataset->channels[c].name, names[c]);
        for (size_t f = 0; f < 3; f++)
            for (size_t p = 0; p < 20; p++) {
                const double *at = dataset->points[0].coordinates + 2 * p;
                double j = 3.5 - 4.0 * acos(at[1]) / PI; /* a Chebyshev grid */
                assert_true(fabs(j - round(j)) < 1e-9);
                double expected = offsets[c] + BY_TIME * (double)f +
                                  line.by * (double)index_of(&line, at[0]) + BY_J * round(j);
                assert_true((double)dataset->sequences[0].frames[f].values[3 * p + c] == expected);
            }
    }
    fc_dataset_destroy(dataset);
}

static void fields_on_other_grids_are_left_out(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = NULL;
    const fc_read_config config = {.variables = "average"};
    assert_fails(in, FC_ERROR_DATA,
                 fc_dataset_read(in->context, golden(in, "ml_dedalus.h5"), &config, &dataset),
                 "\"average\"", "height, vorticity");
}

static void flat_files_number_their_frames(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = read_twice(in, golden(in, "ml_flat.h5"), NULL);
    assert_times(dataset, 0, 3, (double[]){0.0, 1.0, 2.0});
    assert_channel(dataset, "height", sphere, 0, BY_TIME, 0);
    assert_channel(dataset, "vorticity", sphere, 0, BY_TIME, 1);
    fc_dataset_destroy(dataset);
}

static void files_of_a_pattern_are_independent_sequences(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = NULL;
    H5Fclose(edit(in, "ml_dedalus.h5"));
    char first[160], second[160];
    snprintf(first, sizeof first, "%s/traj_0000.h5", in->folder);
    snprintf(second, sizeof second, "%s/traj_0001.h5", in->folder);
    assert_int_equal(rename(in->path, first), 0);
    hid_t file = edit(in, "ml_dedalus.h5");
    set_number(file, "scales/sim_time", 2, 900.0);
    H5Fclose(file);
    assert_int_equal(rename(in->path, second), 0);
    assert_ok(in, fc_dataset_read(in->context, in_folder(in, "traj_*.h5"), NULL, &dataset));
    assert_int_equal(dataset->sequence_count, 2);
    assert_false(dataset->record);
    assert_times(dataset, 0, 3, (double[]){0.0, 600.0, 1200.0});
    assert_times(dataset, 1, 3, (double[]){0.0, 600.0, 900.0});
    assert_channel(dataset, "vorticity", sphere, 0, BY_TIME, 1);
    fc_dataset_destroy(dataset);
}

/* ---------------------------------------------------------------- what is refused */

static void coordinates_must_fit_the_fields(void **state)
{
    bench *in = *state;
    hid_t file = edit(in, "ml_flat.h5");
    set_number(file, "theta", 2, 9.0);
    assert_refused(in, file, "theta", "increase or decrease");

    file = edit(in, "ml_flat.h5");
    set_number(file, "theta", 0, 9.0);
    assert_refused(in, file, "theta", "radians");

    file = edit(in, "ml_flat.h5");
    set_number(file, "phi", 0, (double)INFINITY);
    assert_refused(in, file, "phi[0]", "finite");

    file = edit(in, "ml_dedalus.h5");
    H5Adelete_by_name(file, "tasks/height", "DIMENSION_LIST", H5P_DEFAULT);
    H5Adelete_by_name(file, "tasks/vorticity", "DIMENSION_LIST", H5P_DEFAULT);
    H5Ldelete(file, "scales/phi", H5P_DEFAULT);
    assert_refused(in, file, "scales/phi/1.0 is missing");

    file = edit(in, "ml_dedalus_plane.h5");
    H5Adelete_by_name(file, "tasks/u", "DIMENSION_LIST", H5P_DEFAULT);
    assert_refused(in, file, "tasks/u", "no coordinates");
}

static void times_must_fit_the_frames(void **state)
{
    bench *in = *state;
    hid_t file = edit(in, "ml_dedalus.h5");
    replace(file, "scales/sim_time", 1, (hsize_t[]){4});
    assert_refused(in, file, "sim_time has 4 times for the 3 frames");

    file = edit(in, "ml_dedalus.h5");
    set_number(file, "scales/sim_time", 1, -1.0);
    assert_refused(in, file, "times must increase");
}

static void a_file_needs_fields(void **state)
{
    bench *in = *state;
    hid_t file = edit(in, "ml_dedalus.h5");
    H5Ldelete(file, "tasks/height", H5P_DEFAULT);
    H5Ldelete(file, "tasks/vorticity", H5P_DEFAULT);
    H5Ldelete(file, "tasks/average", H5P_DEFAULT);
    assert_refused(in, file, "no array in /tasks/ has axes of time and space");
}

static void groups_that_hold_each_other_end(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = NULL;
    hid_t file = edit(in, "ml_dedalus.h5");
    H5Lcreate_hard(file, "/", file, "tasks/again", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_hard(file, "tasks", file, "scales/tasks", H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    assert_ok(in, fc_dataset_read(in->context, in_folder(in, "spoilt.h5"), NULL, &dataset));
    assert_int_equal(dataset->channel_count, 2);
    fc_dataset_destroy(dataset);
}

static void truncated_files_are_refused(void **state)
{
    assert_truncations_refused(*state, "ml_dedalus.h5");
    assert_truncations_refused(*state, "ml_flat.h5");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shallow_water_on_the_sphere_has_longitude_and_latitude),
        TEST(coordinates_are_found_without_dimension_scales),
        TEST(components_of_vectors_are_named_after_the_axes),
        TEST(fields_on_other_grids_are_left_out),
        TEST(flat_files_number_their_frames),
        TEST(files_of_a_pattern_are_independent_sequences),
        TEST(coordinates_must_fit_the_fields),
        TEST(times_must_fit_the_frames),
        TEST(a_file_needs_fields),
        TEST(groups_that_hold_each_other_end),
        TEST(truncated_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
