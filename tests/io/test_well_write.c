/* The Well: what is written comes back, and has the attributes that h5py would give it. The rules
 * of the format itself are checked by tests/cli/formats.sh with h5py. */
#include "tests/io/writing_fixture.h"

static const char attributes[] = "{\"case\": \"waves\", \"nu\": 1e-3, \"speed\": 2.5, \"seed\": 7}";

/* Two sequences on a grid of the given domain. */
static fc_dataset *on_domain(bench *in, const fc_domain *domain)
{
    static const size_t lengths[3] = {4, 3, 2};
    fc_dataset *dataset = make_dataset(in, domain->dims, 2);
    dataset->domain = *domain;
    make_grid(in, dataset, lengths, 40.0);
    fc__copy_name(dataset->channels[1].long_name, "other");
    for (size_t s = 0; s < 2; s++)
        make_sequence(in, dataset, 5, 0.0, NULL);
    return dataset;
}

static void check_round_trip(bench *in, fc_dataset *written)
{
    fc_dataset *read;
    const char *path = in_folder(in, "data.h5");
    assert_ok(in, fc_well_write(in->context, path, written, NULL, attributes));
    assert_int_equal(count_files(in), 1);
    assert_ok(in, fc_dataset_read(in->context, path, NULL, &read));
    assert_same_dataset(written, read);
    fc_dataset_destroy(read);
    fc_dataset_destroy(written);
}

static void periodic_planes_come_back(void **state)
{
    fc_domain plane = {.dims = 2};
    plane.axis[0] = (fc_axis){FC_AXIS_PERIODIC, 0.5, 160.5, "x", "m"};
    plane.axis[1] = (fc_axis){FC_AXIS_PLAIN, 0.5, 80.5, "y", "m"};
    check_round_trip(*state, on_domain(*state, &plane));
}

static void boxes_and_spheres_come_back(void **state)
{
    fc_domain box = {.dims = 3}, sphere = {.dims = 3};
    box.axis[0] = (fc_axis){FC_AXIS_PLAIN, 0.0, 1000.0, "x", "m"};
    box.axis[1] = (fc_axis){FC_AXIS_PERIODIC, 0.5, 120.5, "y", "m"};
    box.axis[2] = (fc_axis){FC_AXIS_PLAIN, 0.0, 100.0, "z", "m"};
    sphere.axis[0] = (fc_axis){FC_AXIS_LONGITUDE, 0.0, 360.0, "lon", "degrees_east"};
    sphere.axis[1] = (fc_axis){FC_AXIS_PLAIN, 0.5, 80.5, "depth", "m"};
    sphere.axis[2] = (fc_axis){FC_AXIS_LATITUDE, -90.0, 90.0, "lat", "degrees_north"};
    check_round_trip(*state, on_domain(*state, &box));
    check_round_trip(*state, on_domain(*state, &sphere));
}

static void lines_come_back(void **state)
{
    check_round_trip(*state, grid_dataset(*state, 1, 3));
}

static void truth_values_are_those_of_h5py(void **state)
{
    static const char *const objects[] = {"/t0_fields/u0", "/dimensions/time",
                                          "/boundary_conditions/x_open", "/scalars/nu"};
    bench *in = *state;
    fc_dataset *dataset = grid_dataset(in, 2, 1);
    const char *path = in_folder(in, "data.h5");
    assert_ok(in, fc_well_write(in->context, path, dataset, dataset, attributes));
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        int8_t value = -1;
        char name[16] = "";
        hid_t object = H5Oopen(file, objects[i], H5P_DEFAULT);
        hid_t attribute = H5Aopen(object, "time_varying", H5P_DEFAULT);
        hid_t type = H5Aget_type(attribute);
        assert_int_equal(H5Tget_class(type), H5T_ENUM);
        assert_int_equal(H5Tget_size(type), 1);
        assert_true(H5Aread(attribute, type, &value) >= 0);
        assert_true(H5Tenum_nameof(type, &value, name, sizeof name) >= 0);
        assert_string_equal(name, i < 2 ? "TRUE" : "FALSE");
        H5Tclose(type);
        H5Aclose(attribute);
        H5Oclose(object);
    }
    assert_true(H5Lexists(file, "/t0_fields/u0_std", H5P_DEFAULT) > 0);
    assert_true(H5Lexists(file, "/t2_fields", H5P_DEFAULT) > 0);
    H5Fclose(file);
    fc_dataset_destroy(dataset);
}

static void real_numbers_are_parameters(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = grid_dataset(in, 2, 1);
    const char *path = in_folder(in, "data.h5");
    assert_ok(in, fc_well_write(in->context, path, dataset, NULL, attributes));
    assert_numbers(path, "/scalars/nu", 1, (const double[]){1e-3});
    assert_numbers(path, "/scalars/speed", 1, (const double[]){2.5});
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(H5Aexists(file, "speed") > 0 && H5Aexists(file, "seed") > 0);
    assert_int_equal(H5Lexists(file, "/scalars/seed", H5P_DEFAULT), 0);
    H5Fclose(file);
    fc_dataset_destroy(dataset);
}

static void what_is_no_uniform_grid_is_refused(void **state)
{
    bench *in = *state;
    fc_dataset *moving = moving_dataset(in), *stretched = grid_dataset(in, 2, 1);
    fc_dataset *unequal = grid_dataset(in, 2, 1), *points = make_dataset(in, 2, 1);
    const char *path = in_folder(in, "data.h5");
    for (size_t p = 0; p < stretched->points[0].count; p++)
        stretched->points[0].coordinates[2 * p] *= stretched->points[0].coordinates[2 * p];
    make_sequence(in, unequal, 4, 0.0, NULL);
    make_points(in, points, 7);
    make_sequence(in, points, 4, 0.0, NULL);
    assert_fails(in, FC_ERROR_DATA, fc_well_write(in->context, path, moving, NULL, NULL), path,
                 "points or times that differ", ".nc");
    assert_fails(in, FC_ERROR_DATA, fc_well_write(in->context, path, unequal, NULL, NULL), path,
                 "points or times that differ");
    assert_fails(in, FC_ERROR_DATA, fc_well_write(in->context, path, points, NULL, NULL), path,
                 "scattered points");
    assert_fails(in, FC_ERROR_DATA, fc_well_write(in->context, path, stretched, NULL, NULL), path,
                 "axis x");
    assert_int_equal(count_files(in), 0);
    fc_dataset_destroy(moving);
    fc_dataset_destroy(stretched);
    fc_dataset_destroy(unequal);
    fc_dataset_destroy(points);
}

static void names_and_attributes_that_clash_are_refused(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = grid_dataset(in, 2, 1);
    const char *path = in_folder(in, "data.h5");
    assert_fails(in, FC_ERROR_USAGE, fc_well_write(in->context, path, dataset, NULL, "[1]"),
                 "JSON");
    assert_fails(in, FC_ERROR_USAGE,
                 fc_well_write(in->context, path, dataset, NULL, "{\"grid_type\": 1}"),
                 "grid_type");
    fc__copy_name(dataset->channels[0].name, "a/b");
    assert_fails(in, FC_ERROR_DATA, fc_well_write(in->context, path, dataset, NULL, NULL), "a/b");
    fc__copy_name(dataset->channels[0].name, "u");
    fc__copy_name(dataset->domain.axis[1].name, "time");
    assert_fails(in, FC_ERROR_DATA, fc_well_write(in->context, path, dataset, NULL, NULL), "time");
    assert_int_equal(count_files(in), 0);
    fc_dataset_destroy(dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(periodic_planes_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(boxes_and_spheres_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lines_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(truth_values_are_those_of_h5py, set_up, tear_down),
        cmocka_unit_test_setup_teardown(real_numbers_are_parameters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_uniform_grid_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_and_attributes_that_clash_are_refused, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
