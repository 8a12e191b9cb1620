/* VTKHDF: the arrays that the specification asks for, with the numbers it asks for. What VTK itself
 * makes of them is tested by tests/cli/formats.sh. */
#include "tests/io/writing_fixture.h"

static hid_t open_attribute(const char *path, const char *object, const char *name, hid_t *file)
{
    *file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    return H5Aopen_by_name(*file, object, name, H5P_DEFAULT, H5P_DEFAULT);
}

static void assert_attribute(const char *path, const char *object, const char *name, size_t count,
                             const double *wanted)
{
    hid_t file, attribute = open_attribute(path, object, name, &file);
    double found[16] = {0};
    hid_t space = H5Aget_space(attribute);
    assert_int_equal(H5Sget_simple_extent_npoints(space), count);
    assert_true(H5Aread(attribute, H5T_NATIVE_DOUBLE, found) >= 0);
    for (size_t i = 0; i < count; i++)
        if (found[i] != wanted[i])
            fail_msg("%s: number %zu is %g instead of %g", name, i, found[i], wanted[i]);
    H5Sclose(space);
    H5Aclose(attribute);
    H5Fclose(file);
}

static void assert_type(const char *path, const char *wanted)
{
    char found[64] = "";
    hid_t file, attribute = open_attribute(path, "/VTKHDF", "Type", &file);
    hid_t type = H5Aget_type(attribute);
    assert_int_equal(H5Tis_variable_str(type), 0);
    assert_int_equal(H5Tget_cset(type), H5T_CSET_ASCII);
    assert_true(H5Aread(attribute, type, found) >= 0);
    assert_string_equal(found, wanted);
    H5Tclose(type);
    H5Aclose(attribute);
    H5Fclose(file);
}

static bool exists(const char *path, const char *name)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    bool found = H5Lexists(file, name, H5P_DEFAULT) > 0;
    H5Fclose(file);
    return found;
}

/* Shape and bits of an array against one channel of the frames of a sequence. */
static void assert_values(const char *path, const char *name, const fc_dataset *dataset, size_t s,
                          size_t c, size_t rank, const hsize_t *shape)
{
    hsize_t found[8];
    float values[1024];
    size_t next = 0, channels = dataset->channel_count;
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t array = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(array);
    assert_int_equal(H5Sget_simple_extent_dims(space, found, NULL), rank);
    for (size_t i = 0; i < rank; i++)
        assert_int_equal(found[i], shape[i]);
    assert_true(H5Dread(array, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    for (size_t f = 0; f < dataset->sequences[s].frame_count; f++) {
        const fc_frame *frame = &dataset->sequences[s].frames[f];
        for (size_t p = 0; p < dataset->points[frame->points].count; p++)
            assert_same_bits(&values[next++], &frame->values[p * channels + c], sizeof(float));
    }
    H5Sclose(space);
    H5Dclose(array);
    H5Fclose(file);
}

static void uniform_grids_are_images(void **state)
{
    bench *in = *state;
    const hsize_t shapes[3][4] = {{5, 4}, {5, 3, 4}, {5, 2, 3, 4}};
    const double extents[3][6] = {{0, 3, 0, 0, 0, 0}, {0, 3, 0, 2, 0, 0}, {0, 3, 0, 2, 0, 1}};
    const double spacing[3] = {0.25, 0.25, 0.25}, origin[3] = {0.5, 0.5, 0.5}, version[2] = {2, 0};
    for (size_t dims = 1; dims <= 3; dims++) {
        fc_dataset *dataset = grid_dataset(in, dims, 2);
        const char *path = in_folder(in, "data.vtkhdf");
        assert_ok(in, fc_vtkhdf_write(in->context, path, dataset, dataset));
        assert_type(path, "ImageData");
        assert_attribute(path, "/VTKHDF", "WholeExtent", 6, extents[dims - 1]);
        assert_attribute(path, "/VTKHDF", "Version", 2, version);
        if (dims == 3) {
            assert_attribute(path, "/VTKHDF", "Spacing", 3, spacing);
            assert_attribute(path, "/VTKHDF", "Origin", 3, origin);
        }
        assert_values(path, "/VTKHDF/PointData/u1_1", dataset, 1, 1, dims + 1, shapes[dims - 1]);
        assert_values(path, "/VTKHDF/PointData/u0_std_0", dataset, 0, 0, dims + 1,
                      shapes[dims - 1]);
        assert_numbers(path, "/VTKHDF/Steps/PointDataOffsets/u1_1", 5,
                       (const double[]){0, 1, 2, 3, 4});
        fc_dataset_destroy(dataset);
    }
}

static void one_time_needs_no_steps(void **state)
{
    bench *in = *state;
    const size_t lengths[3] = {4, 3, 1};
    const hsize_t shape[2] = {3, 4};
    const double version[2] = {1, 0};
    fc_dataset *dataset = make_dataset(in, 3, 1);
    make_grid(in, dataset, lengths, 0.5);
    make_sequence(in, dataset, 1, 0.0, NULL);
    const char *path = in_folder(in, "data.vtkhdf");
    assert_ok(in, fc_vtkhdf_write(in->context, path, dataset, NULL));
    assert_type(path, "ImageData");
    assert_attribute(path, "/VTKHDF", "Version", 2, version);
    assert_false(exists(path, "/VTKHDF/Steps"));
    assert_values(path, "/VTKHDF/PointData/u0", dataset, 0, 0, 2, shape);
    fc_dataset_destroy(dataset);
}

/* Stretched grids, those that count down and those that are thin across a thick axis. */
static void other_grids_are_points(void **state)
{
    bench *in = *state;
    for (size_t k = 0; k < 3; k++) {
        const size_t lengths[3] = {4, k == 2 ? 1 : 3, 2};
        fc_dataset *dataset = make_dataset(in, 3, 1);
        make_grid(in, dataset, lengths, 0.5);
        make_sequence(in, dataset, 2, 0.0, NULL);
        size_t count = dataset->points[0].count;
        for (size_t p = 0; p < count && k < 2; p++) {
            double *x = dataset->points[0].coordinates + 3 * p;
            *x = k == 0 ? *x * *x : 5.0 - *x;
        }
        const char *path = in_folder(in, "data.vtkhdf");
        assert_ok(in, fc_vtkhdf_write(in->context, path, dataset, NULL));
        assert_type(path, "UnstructuredGrid");
        assert_numbers(path, "/VTKHDF/Points", 3 * count, dataset->points[0].coordinates);
        assert_numbers(path, "/VTKHDF/Steps/PartOffsets", 2, (const double[]){0, 0});
        assert_numbers(path, "/VTKHDF/Steps/PointDataOffsets/u0", 2,
                       (const double[]){0, (double)count});
        fc_dataset_destroy(dataset);
    }
}

static void moving_points_are_parts(void **state)
{
    bench *in = *state;
    const hsize_t shape = 14;
    fc_dataset *dataset = moving_dataset(in);
    const char *path = in_folder(in, "data.vtkhdf");
    assert_ok(in, fc_vtkhdf_write(in->context, path, dataset, NULL));
    assert_type(path, "UnstructuredGrid");
    assert_numbers(path, "/VTKHDF/NumberOfPoints", 2, (const double[]){4, 6});
    assert_numbers(path, "/VTKHDF/NumberOfCells", 2, (const double[]){4, 6});
    assert_numbers(path, "/VTKHDF/Connectivity", 10,
                   (const double[]){0, 1, 2, 3, 0, 1, 2, 3, 4, 5});
    assert_numbers(path, "/VTKHDF/Offsets", 12,
                   (const double[]){0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6});
    assert_numbers(path, "/VTKHDF/Types", 10, (const double[]){1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
    assert_numbers(path, "/VTKHDF/Steps/PartOffsets", 3, (const double[]){0, 1, 0});
    assert_numbers(path, "/VTKHDF/Steps/NumberOfParts", 3, (const double[]){1, 1, 1});
    assert_numbers(path, "/VTKHDF/Steps/PointOffsets", 3, (const double[]){0, 4, 0});
    assert_numbers(path, "/VTKHDF/Steps/CellOffsets", 3, (const double[]){0, 4, 0});
    assert_numbers(path, "/VTKHDF/Steps/PointDataOffsets/u0", 3, (const double[]){0, 4, 10});
    assert_numbers(path, "/VTKHDF/Steps/Values", 3,
                   (const double[]){2.0, 2.0 + 1.0 / 3.0, 2.0 + 2.0 / 3.0});
    assert_values(path, "/VTKHDF/PointData/u0", dataset, 0, 0, 1, &shape);
    fc_dataset_destroy(dataset);
}

static void names_lose_what_vtk_refuses(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = grid_dataset(in, 2, 2);
    fc__copy_name(dataset->channels[0].name, "a.b/c");
    const char *path = in_folder(in, "data.vtkhdf");
    assert_ok(in, fc_vtkhdf_write(in->context, path, dataset, NULL));
    assert_true(exists(path, "/VTKHDF/PointData/a_b_c_0"));
    unlink(path);
    fc__copy_name(dataset->channels[1].name, "a_b_c");
    assert_fails(in, FC_ERROR_DATA, fc_vtkhdf_write(in->context, path, dataset, NULL), path,
                 "a_b_c_0", "differ");
    assert_int_equal(count_files(in), 0);
    fc_dataset_destroy(dataset);
}

static void what_does_not_fit_is_refused(void **state)
{
    bench *in = *state;
    fc_dataset *four = grid_dataset(in, 4, 1), *other = grid_dataset(in, 2, 1);
    const char *path = in_folder(in, "data.vtkhdf");
    make_sequence(in, other, 5, 0.5, NULL);
    assert_fails(in, FC_ERROR_DATA, fc_vtkhdf_write(in->context, path, four, NULL), path, "have 4",
                 ".nc");
    assert_fails(in, FC_ERROR_DATA, fc_vtkhdf_write(in->context, path, other, NULL), path,
                 "sequence 2", "XDMF");
    assert_fails(in, FC_ERROR_USAGE, fc_vtkhdf_write(in->context, path, other, four), path,
                 "standard deviations");
    other->sequence_count = 2;
    assert_fails(in, FC_ERROR_IO, fc_vtkhdf_write(in->context, "/no/such/file", other, NULL),
                 "/no/such/file", "No such file");
    other->sequence_count = 3;
    assert_int_equal(count_files(in), 0);
    fc_dataset_destroy(four);
    fc_dataset_destroy(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(uniform_grids_are_images, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_time_needs_no_steps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_grids_are_points, set_up, tear_down),
        cmocka_unit_test_setup_teardown(moving_points_are_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_lose_what_vtk_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
