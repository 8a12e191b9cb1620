/* UGRID meshes: small ones of every kind and excerpts of real ones against the values and places
 * that netCDF4-python and numpy find (tests/golden/make_points_meshes.py), and what is refused. */
#include "inr/support.h"
#include "io/read/source.h"
#include "tests/io/point_cases.h"

static const char meshes[] = "points_meshes.nc", tide[] = "points_tide.nc",
                  rain[] = "points_rain.nc";

/* ---------------------------------------------------------------- what is read */

static void every_mesh_gives_its_places_and_values(void **state)
{
    assert_int_equal(check_cases(*state, "points_meshes.txt"), 10);
}

static void a_real_mesh_is_described(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = read_golden(in, tide, NULL);
    const fc_axis *x = &dataset->domain.axis[0], *y = &dataset->domain.axis[1];
    assert_int_equal(dataset->channel_count, 1);
    assert_string_equal(dataset->channels[0].name, "depth");
    assert_string_equal(dataset->time.units, "seconds since 2000-01-01 00:00:00");
    assert_string_equal(dataset->time.calendar, "proleptic_gregorian");
    assert_string_equal(x->name, "node_x");
    assert_string_equal(y->name, "node_y");
    assert_int_equal(x->kind, FC_AXIS_PLAIN);
    assert_true(y->lower > 3.59e6 && y->upper < 3.63e6);
    assert_int_equal(dataset->points[0].grid[0], 0);
    fc_dataset_destroy(dataset);
    dataset = read_golden(in, rain, NULL);
    assert_int_equal(dataset->domain.axis[0].kind, FC_AXIS_LONGITUDE);
    assert_int_equal(dataset->domain.axis[1].kind, FC_AXIS_LATITUDE);
    assert_string_equal(dataset->channels[0].units, "kg m-2 s-1");
    fc_dataset_destroy(dataset);
}

/* Northings near 3.6e6 m, in which single precision would move points by a quarter of a metre. */
static void metres_far_from_the_origin_keep_their_precision(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = read_golden(in, tide, NULL);
    const double *at = dataset->points[0].coordinates;
    const fc_axis *axis = dataset->domain.axis;
    double moved[4], inputs[4];
    memcpy(moved, at, 2 * sizeof *at);
    memcpy(moved + 2, at, 2 * sizeof *at);
    moved[3] += 1e-3; /* a millimetre to the north */
    fc_domain_embed(&dataset->domain, 2, moved, inputs);
    double step = 2.0 * M_PI * 1e-3 / (FC_PLAIN_EXTENSION * (axis[1].upper - axis[1].lower));
    assert_true(inputs[2] == inputs[0]);
    assert_true(fabs(inputs[3] - inputs[1] - step) < 1e-5 * step);
    fc_dataset_destroy(dataset);
}

static void gradients_far_from_the_origin_agree_with_differences(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = read_golden(in, tide, NULL);
    const fc_axis *axis = dataset->domain.axis;
    const double *at = dataset->points[0].coordinates, part = 1e-3; /* of the extent */
    fc_decoder_config config = fc_decoder_config_default();
    fc_decoder *decoder = NULL;
    const float z = 1.0F;
    float gradient[2], laplacian, values[2];
    config.codes = config.channels = 1;
    config.filters = 9; /* waves up to a fifth of the extent or so */
    assert_ok(in, fc_decoder_create(in->context, &dataset->domain, &config, &decoder));
    assert_ok(in, fc_decoder_derivatives(in->context, decoder, 1, at, &z, gradient, &laplacian));
    for (size_t i = 0; i < 2; i++) {
        double h = part * (axis[i].upper - axis[i].lower), moved[4];
        memcpy(moved, at, 2 * sizeof *at);
        memcpy(moved + 2, at, 2 * sizeof *at);
        moved[i] -= h;
        moved[2 + i] += h;
        assert_ok(in, fc_decoder_values(in->context, decoder, 2, moved, 1, &z, values));
        double slope = ((double)values[1] - (double)values[0]) / (2.0 * h);
        assert_true(fabs((double)gradient[i] - slope) <= 1e-2 * fabs(slope));
        assert_true(slope != 0.0);
    }
    fc_decoder_destroy(decoder);
    fc_dataset_destroy(dataset);
}

static void static_variables_lie_on_the_points(void **state)
{
    bench *in = *state;
    const fc_read_config config = {.variables = "level=depth+elevation,depth,bed=elevation+0*depth",
                                   .where = "depth > 0"};
    fc_dataset *dataset = read_golden(in, tide, &config);
    size_t seen = 0;
    for (size_t f = 0; f < dataset->sequences[0].frame_count; f++) {
        for (size_t p = 0; p < dataset->points[0].count; p++) {
            const float *values = dataset->sequences[0].frames[f].values + 3 * p;
            if (isnan(values[0]))
                continue;
            assert_true(values[1] > 0.0F);
            assert_true(fabsf(values[0] - values[1] - values[2]) <= 4e-6F * fabsf(values[1]));
            seen++;
        }
    }
    assert_true(seen > 10);
    fc_dataset_destroy(dataset);
}

static void places_without_coordinates_are_counted(void **state)
{
    bench *in = *state;
    fc__source source = {.config = &(fc_read_config){.variables = "edg"}};
    assert_ok(in, fc__h5_open(in->context, golden(in, meshes), &source.h5));
    assert_ok(in, fc__nc_take_inventory(&source.h5, true, &source.inventory));
    assert_true(fc__ugrid_format.recognise(&source));
    assert_ok(in, fc__ugrid_format.open(&source));
    assert_string_equal(source.note, "edges: 1 of 4 places have no coordinates and are left out");
    fc_dataset_destroy(source.dataset);
    fc__ugrid_format.close(&source);
    fc__nc_release_inventory(&source.inventory);
    fc__h5_close(&source.h5);
}

static void several_variables_of_a_location_become_channels(void **state)
{
    bench *in = *state;
    const fc_read_config config = {.variables = "edg, edgb"};
    fc_dataset *dataset = read_golden(in, meshes, &config);
    assert_int_equal(dataset->channel_count, 2);
    for (size_t p = 0; p < 3; p++)
        assert_true(dataset->sequences[0].frames[1].values[2 * p] ==
                    dataset->sequences[0].frames[1].values[2 * p + 1]);
    fc_dataset_destroy(dataset);
    assert_refuses(in, golden(in, meshes), "edg,edgn", "different dimensions");
}

/* ---------------------------------------------------------------- what is refused */

static void corners_that_do_not_exist_are_refused(void **state)
{
    bench *in = *state;
    static const double wrong[] = {0.0, 7.0, -3.0, 1e9};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char node[64];
        snprintf(node, sizeof node, "node %.15g of face 2", wrong[i]);
        const char *path = copy_golden(in, meshes);
        poke(path, "mix_faces", 9, wrong[i]);
        assert_refuses(in, path, "mix", "mix_faces", node, "start_index 1", "from 1 to 6",
                       "_FillValue");
    }
}

static void a_start_index_that_lies_is_refused(void **state)
{
    bench *in = *state;
    const char *path = copy_golden(in, meshes);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    const int zero = 0;
    assert_true(H5LTset_attribute_int(file, "mix_faces", "start_index", &zero, 1) >= 0);
    H5Fclose(file);
    assert_refuses(in, path, "mix", "node 6 of face 2 does not exist", "start_index 0");
}

static void layers_without_fixed_heights_are_refused(void **state)
{
    bench *in = *state;
    assert_refuses(in, golden(in, meshes), "sig", "sig(time, sigma, lay_node)", "fixed heights",
                   "ncks -d sigma,0");
    assert_refuses(in, golden(in, meshes), "ens", "ens(time, member, lay_node)",
                   "ncks -d member,0");
}

static void data_that_lie_on_no_mesh_are_refused(void **state)
{
    bench *in = *state;
    const char *path = copy_golden(in, meshes);
    set_text(path, "mix", "mesh", "nowhere");
    assert_refuses(in, path, "mix", "no mesh named nowhere", "node, edge or face");
    set_text(path, "tra", "location", "volume");
    assert_refuses(in, path, "tra", "tra(time, tra_face)", "node, edge or face");
    set_text(path, "und", "location_index_set", "some");
    assert_refuses(in, path, "und", "location_index_set");
    assert_refuses(in, path, "lay_z", "lay_z");
    assert_refuses(in, path, "nothing", "there is no variable \"nothing\"");
}

static void meshes_without_places_are_refused(void **state)
{
    bench *in = *state;
    const char *path = copy_golden(in, meshes);
    set_text(path, "mix_mesh", "node_coordinates", "mix_x");
    assert_refuses(in, path, "mix", "mesh mix_mesh", "node_coordinates");
    set_text(path, "tra_mesh", "face_node_connectivity", "gone");
    assert_refuses(in, path, "tra", "mesh tra_mesh", "face_node_connectivity");
    set_text(path, "und_mesh", "face_node_connectivity", "und_x");
    assert_refuses(in, path, "und", "und");
    set_text(path, "edg_mesh", "edge_coordinates", "edg_x edg_y");
    set_text(path, "edg_mesh", "edge_dimension", "edg_edge");
    assert_refuses(in, path, "edg", "edg_x(edg_node)", "edg_edge"); /* as many, but nodes */
}

static void times_that_do_not_increase_are_refused(void **state)
{
    bench *in = *state;
    const char *path = copy_golden(in, rain);
    poke(path, "time_instant", 1, 0.0);
    assert_refuses(in, path, NULL, "time_instant", "index 1");
}

static void files_without_data_are_refused(void **state)
{
    bench *in = *state;
    const char *path = copy_golden(in, tide);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    H5Ldelete(file, "depth", H5P_DEFAULT);
    H5Fclose(file);
    assert_refuses(in, path, NULL, "UGRID", "nodes, edges or faces", "elevation(node)");
}

static void truncated_files_are_refused(void **state)
{
    survive_truncation(*state, tide, NULL, 509);
}

static void wrong_values_do_no_harm(void **state)
{
    survive_wrong_values(*state, "points_meshes.txt", meshes);
}

static void wrong_names_do_no_harm(void **state)
{
    static const char *const attributes[] = {"mesh",
                                             "node_coordinates",
                                             "face_node_connectivity",
                                             "edge_node_connectivity",
                                             "face_dimension",
                                             NULL};
    survive_wrong_names(*state, "points_meshes.txt", meshes, attributes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_mesh_gives_its_places_and_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_real_mesh_is_described, set_up, tear_down),
        cmocka_unit_test_setup_teardown(metres_far_from_the_origin_keep_their_precision, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(gradients_far_from_the_origin_agree_with_differences,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(static_variables_lie_on_the_points, set_up, tear_down),
        cmocka_unit_test_setup_teardown(places_without_coordinates_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(several_variables_of_a_location_become_channels, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(corners_that_do_not_exist_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_start_index_that_lies_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(layers_without_fixed_heights_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(data_that_lie_on_no_mesh_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(meshes_without_places_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(times_that_do_not_increase_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_without_data_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(truncated_files_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_values_do_no_harm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_names_do_no_harm, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
