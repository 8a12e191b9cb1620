/* Files with planted faults: all of them are told, each once, and each kind of warning is given. */
#include "inr/support.h"
#include "io/hdf5/netcdf.h"
#include "tests/io/io_testing.h"

#include <math.h>

enum { TIMES = 12, ROWS = 5, COLUMNS = 6, CELLS = ROWS * COLUMNS };

/* ---------------------------------------------------------------- files */

/* Two variables a and b on (time, lat, lon); b on its own dimensions where `apart`. */
typedef struct plan {
    double times[TIMES], lat[ROWS], lon[COLUMNS];
    float a[TIMES][CELLS], b[TIMES][CELLS];
    const char *time_units, *calendar, *units;
    double valid_max; /* attribute of a; NaN = none */
    bool text_scale;  /* scale_factor of a is text */
    bool number_units;
    size_t frames;
} plan;

static plan healthy(void)
{
    plan of = {.time_units = "days since 2000-01-01",
               .calendar = "standard",
               .units = "K",
               .valid_max = NAN,
               .frames = TIMES};
    for (size_t t = 0; t < TIMES; t++) {
        of.times[t] = (double)t;
        for (size_t p = 0; p < CELLS; p++) {
            of.a[t][p] = (float)(290.0 + 5.0 * sin(0.7 * (double)t + 0.3 * (double)p));
            of.b[t][p] = (float)(1.0 + 0.1 * (double)p + 0.01 * (double)t);
        }
    }
    for (size_t i = 0; i < ROWS; i++)
        of.lat[i] = 40.0 + (double)i;
    for (size_t i = 0; i < COLUMNS; i++)
        of.lon[i] = 10.0 + (double)i;
    return of;
}

static void put_variable(bench *in, fc__h5 *h5, const char *name, const hid_t *scales,
                         const plan *of, const float *values)
{
    const size_t start[3] = {0}, count[3] = {of->frames, ROWS, COLUMNS};
    hid_t variable;
    assert_ok(in, fc__nc_make_variable(h5, name, H5T_NATIVE_FLOAT, 3, scales, NULL, &variable));
    assert_ok(in, fc__h5_write_box(h5, variable, name, H5T_NATIVE_FLOAT, 3, start, count, values));
    if (name[0] == 'b') {
        assert_ok(in, fc__h5_put_text(h5, variable, "units", "m"));
        return;
    }
    if (of->number_units)
        assert_ok(in, fc__h5_put_double(h5, variable, "units", 1.0));
    else if (of->units)
        assert_ok(in, fc__h5_put_text(h5, variable, "units", of->units));
    if (!isnan(of->valid_max))
        assert_ok(in, fc__h5_put_double(h5, variable, "valid_max", of->valid_max));
    if (of->text_scale)
        assert_ok(in, fc__h5_put_text(h5, variable, "scale_factor", "0.5"));
}

static const char *make(bench *in, const plan *of)
{
    fc__h5 h5;
    hid_t scales[3];
    int next = 0;
    assert_ok(in, fc__h5_create(in->context, in_folder(in, "faults.nc"), &h5));
    assert_ok(in, fc__nc_make_coordinate(&h5, "time", of->frames, of->times, &next, &scales[0]));
    assert_ok(in, fc__nc_make_coordinate(&h5, "lat", ROWS, of->lat, &next, &scales[1]));
    assert_ok(in, fc__nc_make_coordinate(&h5, "lon", COLUMNS, of->lon, &next, &scales[2]));
    assert_ok(in, fc__h5_put_text(&h5, scales[0], "units", of->time_units));
    assert_ok(in, fc__h5_put_text(&h5, scales[0], "calendar", of->calendar));
    assert_ok(in, fc__h5_put_text(&h5, scales[1], "units", "degrees_north"));
    assert_ok(in, fc__h5_put_text(&h5, scales[2], "units", "degrees_east"));
    put_variable(in, &h5, "a", scales, of, &of->a[0][0]);
    put_variable(in, &h5, "b", scales, of, &of->b[0][0]);
    assert_ok(in, fc__h5_commit(&h5));
    fc__h5_close(&h5);
    return in->path;
}

/* ---------------------------------------------------------------- what is told */

typedef struct report {
    size_t errors, warnings;
    char text[16384];
} report;

static void note(void *user, fc_status status, const char *message)
{
    report *to = user;
    size_t used = strlen(to->text);
    if (status == FC_OK)
        to->warnings++;
    else
        to->errors++;
    snprintf(to->text + used, sizeof to->text - used, "%s: %s\n",
             status == FC_OK ? "warning" : "error", message);
}

static void examine(bench *in, const char *path, report *found)
{
    *found = (report){0};
    assert_ok(in, fc_file_validate(in->context, path, NULL, note, found));
}

static void assert_told(const report *found, const char *severity, const char *part)
{
    size_t length = strlen(severity);
    for (const char *line = found->text; *line; line = strchr(line, '\n') + 1) {
        const char *at = strstr(line, part);
        if (strncmp(line, severity, length) == 0 && at && at < strchr(line, '\n'))
            return;
    }
    fail_msg("no %s with \"%s\" in:\n%s", severity, part, found->text);
}

static void a_healthy_file_has_no_faults(void **state)
{
    bench *in = *state;
    plan of = healthy();
    report found;
    examine(in, make(in, &of), &found);
    if (found.text[0])
        fail_msg("%s", found.text);
}

static void all_of_six_faults_are_told(void **state)
{
    bench *in = *state;
    plan of = healthy();
    report found;
    of.times[3] = of.times[2];      /* 1: a time that repeats */
    of.times[7] = of.times[5] - .5; /* 2: and one that goes back */
    of.a[4][17] = INFINITY;         /* 3 */
    of.b[9][2] = -INFINITY;         /* 4 */
    of.text_scale = true;           /* 5 */
    of.lon[4] = of.lon[3];          /* 6: a coordinate that repeats */
    examine(in, make(in, &of), &found);
    assert_told(&found, "error", "2 at index 3 repeats 2");
    assert_told(&found, "error", "4.5 at index 7 does not come after");
    assert_told(&found, "error", "a is infinite in sequence 0, frame 4, point 17");
    assert_told(&found, "error", "b is infinite in sequence 0, frame 9, point 2");
    assert_told(&found, "error", "scale_factor of variable a is text");
    assert_told(&found, "error", "lon: 13 at index 4 follows 13");
    assert_int_equal(found.errors, 6);
    assert_told(&found, "warning", "places that repeat in point set 0: 5"); /* follows from 6 */
}

static void all_missing_coordinates_are_told(void **state)
{
    bench *in = *state;
    plan of = healthy();
    report found;
    of.lat[1] = of.lat[3] = NAN;
    examine(in, make(in, &of), &found);
    assert_told(&found, "error", "lat[1] is missing");
    assert_told(&found, "error", "lat[3] is missing");
    assert_int_equal(found.errors, 2);
}

static void variables_without_any_value_are_errors(void **state)
{
    bench *in = *state;
    plan of = healthy();
    report found;
    for (size_t i = 0; i < TIMES * CELLS; i++)
        of.b[i / CELLS][i % CELLS] = NAN;
    examine(in, make(in, &of), &found);
    assert_told(&found, "error", "b has no value at all");
}

/* ---------------------------------------------------------------- kinds of faults and warnings */

static void copy_frame(plan *of)
{
    memcpy(of->a[6], of->a[5], sizeof of->a[5]);
    memcpy(of->b[6], of->b[5], sizeof of->b[5]);
}

static void make_constant(plan *of)
{
    for (size_t i = 0; i < TIMES * CELLS; i++)
        of->b[i / CELLS][i % CELLS] = 3.0f;
}

static void go_far(plan *of)
{
    of->a[2][3] = 1e12f;
}

static void leave_fills(plan *of)
{
    of->a[2][3] = of->a[4][4] = of->a[4][5] = -9999.0f;
}

static void empty_frame(plan *of)
{
    for (size_t p = 0; p < CELLS; p++)
        of->a[8][p] = of->b[8][p] = NAN;
}

static void lose_units(plan *of)
{
    of->units = NULL;
}

static void number_units(plan *of)
{
    of->number_units = true;
}

static void bound_values(plan *of)
{
    of->valid_max = 294.0;
}

static void forget_calendar(plan *of)
{
    of->calendar = "julien";
}

static void begin_early(plan *of)
{
    of->time_units = "days since 0001-01-01";
}

static void end_late(plan *of)
{
    of->times[TIMES - 1] = 1e6;
}

static void keep_one(plan *of)
{
    of->frames = 1;
}

static void go_round_thrice(plan *of)
{
    for (size_t i = 0; i < COLUMNS; i++)
        of->lon[i] += 720.0;
}

static void leave_the_globe(plan *of)
{
    of->lat[ROWS - 1] = 91.0;
}

static void each_kind_is_told(void **state)
{
    static const struct {
        void (*edit)(plan *of);
        const char *severity, *part;
    } kinds[] = {
        {copy_frame, "warning", "frame 6 is an exact copy of frame 5"},
        {make_constant, "warning", "b is 3 everywhere and always"},
        {go_far, "warning", "a = 1e+12 in sequence 0, frame 2, point 3"},
        {leave_fills, "warning", "a is exactly -9999 in 3 of 360 values"},
        {empty_frame, "warning", "frames without any value: 1, the first of them frame 8"},
        {lose_units, "warning", "variable a has no units"},
        {number_units, "error", "attribute units of variable a is a number"},
        {bound_values, "warning", "values of a lie outside its valid range"},
        {forget_calendar, "warning", "calendar \"julien\" is not known"},
        {begin_early, "warning", "begin in the year 1 "},
        {end_late, "warning", "end in the year 4737"},
        {keep_one, "warning", "frames of sequence 0: 1;"},
        {go_round_thrice, "warning", "longitudes from -360 to 360"},
        {leave_the_globe, "error", "91"},
    };
    bench *in = *state;
    report found;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        plan of = healthy();
        kinds[i].edit(&of);
        examine(in, make(in, &of), &found);
        assert_told(&found, kinds[i].severity, kinds[i].part);
    }
}

/* ---------------------------------------------------------------- other files */

/* A dataset of two sequences on points, with a time axis without dates, as fieldcast writes it. */
static void native_datasets_are_looked_at(void **state)
{
    bench *in = *state;
    const fc_domain domain = {.dims = 1, .axis = {{FC_AXIS_PLAIN, 0.0, 4.0, "x", "m"}}};
    const double x[] = {0.0, 1.0, 1.0, 4.0}, times[] = {0.0, 1.0, 2.0};
    fc_dataset *dataset;
    fc_sequence *sequence;
    size_t set;
    report found;
    assert_ok(in, fc_dataset_create(in->context, &domain, 1, &dataset));
    fc__copy_name(dataset->channels[0].name, "u");
    fc__copy_name(dataset->time.units, "1");
    dataset->record = true;
    assert_ok(in, fc_dataset_add_points(in->context, dataset, 4, x, NULL, &set));
    assert_ok(in, fc_dataset_add_sequence(in->context, dataset, 3, times, NULL, &sequence));
    for (size_t i = 0; i < 12; i++)
        sequence->frames[i / 4].values[i % 4] = (float)i;
    assert_ok(in, fc_dataset_write(in->context, in_folder(in, "native.nc"), dataset, NULL));
    examine(in, in->path, &found);
    assert_told(&found, "warning", "point set 0: 1, such as points 1 and 2");
    assert_told(&found, "warning", "have no reference date");
    assert_int_equal(found.errors, 0);
    fc_dataset_destroy(dataset);
}

/* A value of the native file, by HDF5 alone. */
static void change_value(const char *path, const char *variable, hsize_t at, float value)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t id = H5Dopen2(file, variable, H5P_DEFAULT), space = H5Dget_space(id);
    hid_t one = H5Screate(H5S_SCALAR);
    hsize_t place[2] = {at, at};
    assert_true(H5Sselect_elements(space, H5S_SELECT_SET, 1, place) >= 0);
    assert_true(H5Dwrite(id, H5T_NATIVE_FLOAT, one, space, H5P_DEFAULT, &value) >= 0);
    H5Sclose(one);
    H5Sclose(space);
    H5Dclose(id);
    H5Fclose(file);
}

static void values_that_were_changed_after_writing_are_told(void **state)
{
    bench *in = *state;
    const fc_domain domain = {.dims = 1, .axis = {{FC_AXIS_PLAIN, 0.0, 4.0, "x", "m"}}};
    const double x[] = {0.0, 1.0, 2.0}, times[] = {0.0, 1.0, 2.0};
    fc_dataset *dataset;
    fc_sequence *sequence;
    size_t set;
    report found = {0};
    assert_ok(in, fc_dataset_create(in->context, &domain, 1, &dataset));
    fc__copy_name(dataset->channels[0].name, "u");
    fc__copy_name(dataset->time.units, "days since 2000-01-01");
    dataset->record = true;
    assert_ok(in, fc_dataset_add_points(in->context, dataset, 3, x, NULL, &set));
    assert_ok(in, fc_dataset_add_sequence(in->context, dataset, 3, times, NULL, &sequence));
    for (size_t i = 0; i < 9; i++)
        sequence->frames[i / 3].values[i % 3] = i == 4 ? NAN : (float)i;
    assert_ok(in, fc_dataset_write(in->context, in_folder(in, "native.nc"), dataset, NULL));
    examine(in, in->path, &found);
    assert_int_equal(found.errors, 0);
    change_value(in->path, "u", 2, nextafterf(8.0f, 9.0f));
    examine(in, in->path, &found);
    assert_int_equal(found.errors, 1);
    assert_told(&found, "error", "the values have the checksum xxh3-64:");
    found = (report){0};
    const fc_read_config part = {.where = "u < 100"};
    assert_ok(in, fc_file_validate(in->context, in->path, &part, note, &found));
    assert_int_equal(found.errors, 0);
    assert_fails(in, FC_ERROR_USAGE,
                 fc_dataset_write(in->context, in->path, dataset, "{\"checksum\": \"mine\"}"),
                 "\"checksum\" cannot be the name");
    fc_dataset_destroy(dataset);
}

static void files_that_cannot_be_looked_at_are_no_data_faults(void **state)
{
    bench *in = *state;
    report found = {0};
    FILE *file = fopen(in_folder(in, "text.nc"), "w");
    fputs("no numbers here", file);
    fclose(file);
    examine(in, in->path, &found);
    assert_int_equal(found.errors, 1);
    assert_fails(in, FC_ERROR_IO,
                 fc_file_validate(in->context, in_folder(in, "none.nc"), NULL, note, &found),
                 "none.nc");
    /* No listener is left behind. */
    fc_dataset *dataset;
    plan of = healthy();
    of.a[4][17] = INFINITY;
    make(in, &of);
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, in->path, NULL, &dataset),
                 "is infinite");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_healthy_file_has_no_faults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_of_six_faults_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_missing_coordinates_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(variables_without_any_value_are_errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_kind_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(native_datasets_are_looked_at, set_up, tear_down),
        cmocka_unit_test_setup_teardown(values_that_were_changed_after_writing_are_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(files_that_cannot_be_looked_at_are_no_data_faults, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
