/* Gridded CF files of every kind against values that netCDF4-python read from them, or that they
 * were made from: excerpts of real files (tests/golden/make_cf_excerpts.py) and small files, one
 * for each kind of grid (make_cf_grids.py). */
#include "tests/io/io_testing.h"

#include <math.h>

static fc_dataset *read_golden(bench *in, const char *name, const char *variables)
{
    fc_dataset *dataset = NULL;
    char path[512];
    const fc_read_config config = {.variables = variables};
    snprintf(path, sizeof path, "%s/cf_%s.nc", FC_TEST_GOLDEN, name);
    assert_ok(in, fc_dataset_read(in->context, path, &config, &dataset));
    return dataset;
}

/* Longitudes are the same place after a turn. */
static bool same_coordinate(const fc_axis *axis, double a, double b)
{
    double difference = fabs(a - b);
    if (axis->kind == FC_AXIS_LONGITUDE)
        difference = fabs(remainder(difference, 360.0));
    return difference <= 1e-12 * (1.0 + fabs(b)) * (axis->kind == FC_AXIS_PLAIN ? 1.0 : 100.0);
}

/* The value of the first channel at a place and time, NaN where there is none. */
static double value_at(const fc_dataset *dataset, size_t sequence, double time, const double *x)
{
    const fc_sequence *from = &dataset->sequences[sequence];
    size_t dims = dataset->domain.dims;
    for (size_t f = 0; f < from->frame_count; f++) {
        const fc_points *points = &dataset->points[from->frames[f].points];
        for (size_t p = 0; from->frames[f].time == time && p < points->count; p++) {
            bool same = true;
            for (size_t i = 0; same && i < dims; i++)
                same = same_coordinate(&dataset->domain.axis[i], points->coordinates[p * dims + i],
                                       x[i]);
            if (same)
                return (double)from->frames[f].values[p * dataset->channel_count];
        }
    }
    return NAN;
}

/* Number and sum of all observed values. */
static void check_total(const fc_dataset *dataset, size_t count, double total)
{
    size_t found = 0;
    double sum = 0.0, magnitude = 0.0;
    for (size_t s = 0; s < dataset->sequence_count; s++)
        for (size_t f = 0; f < dataset->sequences[s].frame_count; f++) {
            const fc_frame *frame = &dataset->sequences[s].frames[f];
            for (size_t p = 0; p < dataset->points[frame->points].count; p++) {
                double value = (double)frame->values[p * dataset->channel_count];
                found += !isnan(value);
                sum += isnan(value) ? 0.0 : value;
                magnitude += isnan(value) ? 0.0 : fabs(value);
            }
        }
    assert_int_equal(found, count);
    assert_true(fabs(sum - total) <= 6e-8 * magnitude); /* half a unit in the last place, each */
}

static fc_dataset *check(bench *in, const char *name, const char *variables, size_t least)
{
    fc_dataset *dataset = read_golden(in, name, variables);
    char path[512];
    size_t dims, count, lines = 0;
    double total, sequence, time, x[FC_MAX_DIMS], value;
    snprintf(path, sizeof path, "%s/cf_%s.txt", FC_TEST_GOLDEN, name);
    FILE *golden = fopen(path, "r");
    assert_non_null(golden);
    assert_int_equal(fscanf(golden, "%zu %zu %lf", &dims, &count, &total), 3);
    assert_int_equal(dataset->domain.dims, dims);
    check_total(dataset, count, total);
    while (fscanf(golden, "%lf %lf", &sequence, &time) == 2) {
        for (size_t i = 0; i < dims; i++)
            assert_int_equal(fscanf(golden, "%lf", &x[i]), 1);
        assert_int_equal(fscanf(golden, "%lf", &value), 1);
        double got = value_at(dataset, (size_t)sequence, time, x);
        if (!(fabs(got - value) <= 6e-8 * fabs(value) + 1e-7))
            fail_msg("%s: at %g, (%.9g, ...): %.9g, %.9g is expected", name, time, x[0], got,
                     value);
        lines++;
    }
    fclose(golden);
    assert_true(lines >= least);
    return dataset;
}

/* ---------------------------------------------------------------- real files */

static void packed_integers_with_descending_latitudes_agree(void **state)
{
    fc_dataset *dataset = check(*state, "co2_packed", NULL, 100);
    const fc_points *points = &dataset->points[0];
    assert_int_equal(points->grid[0], 40);
    assert_true(points->coordinates[1] > points->coordinates[2 * 30 + 1]);
    assert_string_equal(dataset->channels[0].units, "kg m**-2");
    fc_dataset_destroy(dataset);
}

static void curvilinear_grids_become_points_on_the_sphere(void **state)
{
    char text[32];
    fc_dataset *dataset = check(*state, "seaice_curvilinear", NULL, 100);
    assert_int_equal(dataset->domain.axis[0].kind, FC_AXIS_LONGITUDE);
    assert_string_equal(dataset->domain.axis[0].name, "longitude");
    assert_int_equal(dataset->points[0].grid[0], 0);
    assert_int_equal(dataset->channel_count, 1); /* areacello does not lie on time */
    assert_string_equal(dataset->time.calendar, "365_day");
    fc_time_format(&dataset->time, dataset->sequences[0].frames[0].time, text, sizeof text);
    assert_string_equal(text, "2020-05-16T12:00");
    fc_dataset_destroy(dataset);
}

static void time_may_be_the_last_axis(void **state)
{
    fc_dataset *dataset = check(*state, "turbulence_time_last", NULL, 100);
    assert_string_equal(dataset->domain.axis[0].name, "z");
    assert_int_equal(dataset->sequences[0].frame_count, 50);
    assert_true(dataset->sequences[0].frames[0].time == 643089.0);
    fc_dataset_destroy(dataset);
}

static void other_real_grids_agree(void **state)
{
    fc_dataset *dataset = check(*state, "sst_era5_monthly_coarse", NULL, 100);
    assert_string_equal(dataset->time.calendar, "proleptic_gregorian");
    fc_dataset_destroy(dataset);
    dataset = check(*state, "sst_alboran_cloudy", NULL, 100);
    assert_string_equal(dataset->channels[0].name, "SST");
    assert_int_equal(dataset->domain.axis[1].kind, FC_AXIS_LATITUDE);
    fc_dataset_destroy(dataset);
}

/* ---------------------------------------------------------------- kinds of grids */

static void rotated_poles_are_turned_back(void **state)
{
    fc_dataset *dataset = check(*state, "grid_rotated", NULL, 40);
    assert_int_equal(dataset->domain.axis[0].kind, FC_AXIS_LONGITUDE);
    assert_int_equal(dataset->points[0].grid[0], 0);
    fc_dataset_destroy(dataset);
}

static void coordinates_far_from_their_origin_stay_exact(void **state)
{
    fc_dataset *dataset = check(*state, "grid_projected", NULL, 40);
    const fc_domain *domain = &dataset->domain;
    const fc_points *points = &dataset->points[0];
    double inputs[2 * 20];
    assert_int_equal(domain->axis[1].kind, FC_AXIS_PLAIN);
    assert_int_equal(points->grid[1], 5);
    /* In single precision the last row would fall upon another: they are 12 cm apart. */
    fc_domain_embed(domain, points->count, points->coordinates, inputs);
    for (size_t p = 0; p < 20; p++) {
        assert_true(fabs(inputs[2 * p] - 2.0 * M_PI / 1.5 * (double)(p % 5) / 4.0) < 1e-9);
        assert_true(fabs(inputs[2 * p + 1] - 2.0 * M_PI / 1.5 * (double)(p / 5) / 3.0) < 1e-9);
    }
    fc_dataset_destroy(dataset);
}

static void true_longitudes_and_latitudes_stand_before_projected_coordinates(void **state)
{
    fc_dataset *dataset = check(*state, "grid_true_places", NULL, 30);
    const fc_axis *x = &dataset->domain.axis[0];
    assert_int_equal(dataset->points[0].count, 19); /* one has no latitude */
    assert_int_equal(x->kind, FC_AXIS_LONGITUDE);
    /* The region lies across the seam of the file's numbers. */
    assert_true(x->lower == 178.0 && fabs(x->upper - 182.6) < 1e-9);
    fc_dataset_destroy(dataset);
}

static void a_vertical_axis_is_the_third_of_space(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = check(in, "grid_depth", NULL, 50);
    assert_string_equal(dataset->domain.axis[2].name, "depth");
    assert_int_equal(dataset->points[0].grid[0], 3);
    assert_int_equal(dataset->channel_count, 1); /* neither ssh nor the quality of theta */
    fc_dataset_destroy(dataset);
    dataset = read_golden(in, "grid_depth", "ssh");
    assert_int_equal(dataset->domain.dims, 2);
    fc_dataset_destroy(dataset);
    dataset = read_golden(in, "grid_depth", "quality,theta");
    assert_int_equal(dataset->channel_count, 2);
    fc_dataset_destroy(dataset);
}

static void months_are_counted_by_the_calendar(void **state)
{
    char text[32];
    fc_dataset *dataset = check(*state, "grid_months", NULL, 50);
    const fc_axis *x = &dataset->domain.axis[0];
    assert_string_equal(dataset->time.units, "days since 2000-01-31 06:00");
    fc_time_format(&dataset->time, dataset->sequences[0].frames[1].time, text, sizeof text);
    assert_string_equal(text, "2000-02-29T06:00");
    assert_true(x->lower == 176.0 && x->upper == 186.0);
    fc_dataset_destroy(dataset);
}

static void members_of_an_ensemble_are_sequences(void **state)
{
    fc_dataset *dataset = check(*state, "grid_members", NULL, 50);
    assert_int_equal(dataset->sequence_count, 3);
    assert_false(dataset->record);
    fc_dataset_destroy(dataset);
}

static void a_scalar_time_makes_one_frame(void **state)
{
    fc_dataset *dataset = check(*state, "grid_one_time", NULL, 10);
    assert_int_equal(dataset->channel_count, 1); /* the mask has no time */
    assert_int_equal(dataset->domain.axis[0].kind, FC_AXIS_LONGITUDE);
    assert_int_equal(dataset->points[0].grid[1], 4);
    fc_dataset_destroy(dataset);
}

static void coordinates_may_be_repeated_for_every_time(void **state)
{
    fc_dataset *dataset = check(*state, "grid_repeated_places", NULL, 20);
    assert_string_equal(dataset->time.units, "minutes since 2000-01-24 12:00:00");
    assert_string_equal(dataset->domain.axis[1].name, "XLAT");
    fc_dataset_destroy(dataset);
}

/* Blocks of any size give what reading everything gives. */
static void frames_are_read_in_any_portion(void **state)
{
    static const char *const names[] = {"turbulence_time_last", "grid_depth", "grid_true_places",
                                        "grid_members", "co2_packed"};
    bench *in = *state;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        fc_dataset *whole = read_golden(in, names[k], NULL), *open = NULL;
        char path[512];
        snprintf(path, sizeof path, "%s/cf_%s.nc", FC_TEST_GOLDEN, names[k]);
        assert_ok(in, fc_dataset_open(in->context, path, NULL, &open));
        for (size_t s = 0; s < open->sequence_count; s++)
            for (size_t f = open->sequences[s].frame_count; f-- > 0;)
                assert_ok(in, fc_dataset_load(in->context, open, s, f, 1));
        assert_same_dataset(whole, open);
        fc_dataset_destroy(whole);
        fc_dataset_destroy(open);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(packed_integers_with_descending_latitudes_agree),
        TEST(curvilinear_grids_become_points_on_the_sphere),
        TEST(time_may_be_the_last_axis),
        TEST(other_real_grids_agree),
        TEST(rotated_poles_are_turned_back),
        TEST(coordinates_far_from_their_origin_stay_exact),
        TEST(true_longitudes_and_latitudes_stand_before_projected_coordinates),
        TEST(a_vertical_axis_is_the_third_of_space),
        TEST(months_are_counted_by_the_calendar),
        TEST(members_of_an_ensemble_are_sequences),
        TEST(a_scalar_time_makes_one_frame),
        TEST(coordinates_may_be_repeated_for_every_time),
        TEST(frames_are_read_in_any_portion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
