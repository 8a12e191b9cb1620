/* CF point observations: every layout of chapter 9 and an excerpt of real stations against the
 * lists of observations that they were made from (tests/golden/make_points_cases.py), and what is
 * refused. */
#include "inr/support.h"
#include "io/read/source.h"
#include "tests/io/point_cases.h"

static const char cases[] = "points_cases.nc", stations[] = "points_molene.nc";

/* ---------------------------------------------------------------- what is read */

static void every_layout_gives_back_its_observations(void **state)
{
    assert_int_equal(check_cases(*state, "points_cases.txt"), 17);
}

static void stations_without_coordinates_are_left_out(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = read_golden(in, stations, NULL);
    assert_int_equal(dataset->points_count, 1);
    assert_int_equal(dataset->points[0].count, 8); /* of ten */
    assert_int_equal(dataset->points[0].grid[0], 0);
    assert_int_equal(dataset->channel_count, 2);
    assert_string_equal(dataset->channels[0].name, "t");
    assert_string_equal(dataset->channels[1].units, "%");
    assert_int_equal(dataset->domain.axis[0].kind, FC_AXIS_LONGITUDE);
    assert_int_equal(dataset->domain.axis[1].kind, FC_AXIS_LATITUDE);
    assert_string_equal(dataset->domain.axis[0].name, "lon");
    fc_dataset_destroy(dataset);
}

static void a_source_notes_what_it_leaves_out(void **state)
{
    bench *in = *state;
    fc__source source = {0};
    assert_ok(in, fc__h5_open(in->context, golden(in, stations), &source.h5));
    assert_ok(in, fc__nc_take_inventory(&source.h5, true, &source.inventory));
    assert_true(fc__cf_points_format.recognise(&source));
    assert_false(fc__ugrid_format.recognise(&source));
    assert_ok(in, fc__cf_points_format.open(&source));
    assert_string_equal(source.note,
                        "station: 2 of 10 places have no coordinates and are left out");
    fc_dataset_destroy(source.dataset);
    fc__cf_points_format.close(&source);
    fc__nc_release_inventory(&source.inventory);
    fc__h5_close(&source.h5);
}

static void altitudes_of_stations_are_no_axis_but_can_be_used(void **state)
{
    bench *in = *state;
    const fc_read_config config = {.variables = "t,high=altitude+0*t"};
    fc_dataset *dataset = read_golden(in, stations, &config);
    assert_int_equal(dataset->domain.dims, 2);
    const double first[] = {-3.0033333333333334, 48.855000000000004};
    assert_true(is_same_place(dataset->points[0].coordinates, first, 2));
    assert_true(dataset->sequences[0].frames[0].values[1] == 25.0F);
    fc_dataset_destroy(dataset);
}

static void what_belongs_to_an_instance_can_be_used(void **state)
{
    bench *in = *state;
    static const char *const ragged[] = {"con", "shr"};
    for (size_t i = 0; i < 2; i++) {
        char variables[64];
        snprintf(variables, sizeof variables, "%s,h=%s_height+0*%s", ragged[i], ragged[i],
                 ragged[i]);
        const fc_read_config config = {.variables = variables};
        fc_dataset *dataset = read_golden(in, cases, &config);
        const fc_sequence *sequence = &dataset->sequences[0];
        for (size_t f = 0; f < sequence->frame_count; f++) {
            const fc_points *points = &dataset->points[sequence->frames[f].points];
            for (size_t p = 0; p < points->count; p++) {
                const float *values = sequence->frames[f].values + 2 * p;
                double x = points->coordinates[2 * p];
                /* The second station of `con` has no observations. */
                float height = x == -4.5 ? 4.0F : x == -3.0 ? 5.0F : x == -2.25 ? 6.0F : 7.0F;
                height += i == 0 && x > -4.5 ? 1.0F : 0.0F;
                assert_true(isnan(values[0]) || values[1] == height);
            }
        }
        fc_dataset_destroy(dataset);
    }
}

static void frames_can_be_limited(void **state)
{
    bench *in = *state;
    static const char *const names[] = {"ind", "ris"};
    for (size_t i = 0; i < 2; i++) {
        const fc_read_config config = {.variables = names[i], .max_frames = 2};
        fc_dataset *dataset = read_golden(in, cases, &config);
        assert_int_equal(dataset->sequences[0].frame_count, 2);
        assert_true(dataset->sequences[0].frames[1].time == (i ? 5.0 : 1.0));
        fc_dataset_destroy(dataset);
    }
}

/* ---------------------------------------------------------------- what is refused */

static void two_values_of_a_station_at_one_time_are_refused(void **state)
{
    bench *in = *state;
    assert_refuses(in, golden(in, cases), "twi", "points_cases.nc: twi: values 0 and 2",
                   "instance 0", "time 3");
}

static void variables_without_coordinates_are_refused(void **state)
{
    bench *in = *state;
    assert_refuses(in, golden(in, cases), "ens", "dimension member", "ens(ris_when, ris_station");
    assert_refuses(in, golden(in, cases), "con_height", "con_height(con_station)",
                   "no time coordinate");
    assert_refuses(in, golden(in, cases), "nothing", "there is no variable \"nothing\"");
    assert_refuses(in, golden(in, cases), "ris,tow", "different dimensions");
    const char *path = copy_golden(in, cases);
    set_text(path, "moo_lon", "units", "m");
    set_text(path, "moo", "coordinates", "moo_time moo_lat moo_depth");
    assert_refuses(in, path, "moo", "moo(moo_when, moo_sensor)", "no longitude and latitude");
}

static void counts_and_indices_that_lie_are_refused(void **state)
{
    bench *in = *state;
    static const double wrong[] = {1e9, -2.0};
    for (size_t i = 0; i < 2; i++) {
        const char *path = copy_golden(in, cases);
        poke(path, "con_size", 2, wrong[i]);
        assert_refuses(in, path, "con", "con_size[2]", "con_obs, 10");
        path = copy_golden(in, cases);
        poke(path, "ind_index", 7, wrong[i]);
        assert_refuses(in, path, "ind", "ind_index[7]", "ind_station");
    }
}

static void dimensions_that_lie_are_refused(void **state)
{
    bench *in = *state;
    const char *path = copy_golden(in, cases);
    set_text(path, "con_size", "sample_dimension", "ind_obs"); /* ends in a cycle of groups */
    set_text(path, "ind_index", "instance_dimension", "con_obs");
    assert_refuses(in, path, "con", "points_cases.nc");
    assert_refuses(in, path, "ind", "points_cases.nc");
}

static void coordinates_that_are_missing_everywhere_are_refused(void **state)
{
    bench *in = *state;
    const char *path = copy_golden(in, cases);
    for (size_t i = 0; i < 4; i++) {
        poke(path, "ris_lon", i, NAN);
        poke(path, "shr_lat", i, INFINITY);
    }
    assert_refuses(in, path, "ris", "none of the 4 places (ris_station)", "ris_lon");
    assert_refuses(in, path, "shr", "none of the 23 values", "shr_lat");
    poke(path, "fal_time", 1, NAN);
    poke(path, "ind_time", 1, INFINITY);
    assert_refuses(in, path, "fal", "fal_time");
    assert_refuses(in, path, "ind", "ind_time[1]", "infinite");
}

static void files_without_data_are_refused(void **state)
{
    bench *in = *state;
    const char *path = copy_golden(in, stations);
    set_text(path, "time", "units", "furlongs");
    set_text(path, "/", "featureType", "timeSeries");
    const char *names[] = {"t", "u"};
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    for (size_t i = 0; i < 2; i++)
        H5Ldelete(file, names[i], H5P_DEFAULT);
    H5Fclose(file);
    assert_refuses(in, path, NULL, "timeSeries", "no variable with coordinates", "its variables: ");
}

static void truncated_files_are_refused(void **state)
{
    survive_truncation(*state, stations, "t", 509);
}

static void wrong_values_do_no_harm(void **state)
{
    survive_wrong_values(*state, "points_cases.txt", cases);
}

static void wrong_names_do_no_harm(void **state)
{
    static const char *const attributes[] = {"coordinates", "sample_dimension",
                                             "instance_dimension", NULL};
    survive_wrong_names(*state, "points_cases.txt", cases, attributes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_layout_gives_back_its_observations, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(stations_without_coordinates_are_left_out, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_source_notes_what_it_leaves_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(altitudes_of_stations_are_no_axis_but_can_be_used, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_belongs_to_an_instance_can_be_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(frames_can_be_limited, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_values_of_a_station_at_one_time_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(variables_without_coordinates_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(counts_and_indices_that_lie_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(dimensions_that_lie_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(coordinates_that_are_missing_everywhere_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(files_without_data_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(truncated_files_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_values_do_no_harm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_names_do_no_harm, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
