/* Reading whole datasets, opening them to be read in parts, and files that are one dataset
 * together: all of them must agree to the last bit. Files are written as native datasets and, where
 * another format is wanted, stripped of what tells that fieldcast wrote them. */
#include "inr/support.h"
#include "tests/io/io_testing.h"

#include <glob.h>
#include <hdf5.h>
#include <math.h>

/* ---------------------------------------------------------------- datasets */

enum { NX = 7, NY = 5, POINTS = NX * NY };

typedef struct shape {
    size_t sequences, frames;
    bool grid, ragged, record;
    double start; /* time of the first frame, h */
} shape;

static float value_of(size_t s, size_t f, size_t p, size_t c)
{
    return (float)(1000 * s + 100 * f + p) + 0.25f * (float)c;
}

static fc_dataset *make(bench *in, shape how)
{
    fc_domain domain = {.dims = 2,
                        .axis = {{FC_AXIS_LONGITUDE, 10.0, 16.0, "lon", "degrees_east"},
                                 {FC_AXIS_LATITUDE, 40.0, 44.0, "lat", "degrees_north"}}};
    fc_dataset *dataset;
    fc_sequence *sequence;
    double x[2 * POINTS], times[64];
    size_t index, sets[64];
    const size_t grid[2] = {NY, NX};
    assert_ok(in, fc_dataset_create(in->context, &domain, 2, &dataset));
    fc__copy_name(dataset->time.units, "hours since 2000-01-01");
    fc__copy_name(dataset->time.calendar, "standard");
    for (size_t c = 0; c < 2; c++) {
        fc__copy_name(dataset->channels[c].name, c ? "b" : "a");
        fc__copy_name(dataset->channels[c].units, "m");
    }
    for (size_t p = 0; p < POINTS; p++) {
        x[2 * p] = 10.0 + (double)(p % NX);
        x[2 * p + 1] = 40.0 + (double)(p / NX);
    }
    assert_ok(
        in, fc_dataset_add_points(in->context, dataset, POINTS, x, how.grid ? grid : NULL, &index));
    for (size_t k = 1; how.ragged && k < 4; k++)
        assert_ok(in, fc_dataset_add_points(in->context, dataset, 4 * k, x, NULL, &index));
    for (size_t s = 0; s < how.sequences; s++) {
        for (size_t f = 0; f < how.frames; f++) {
            times[f] = how.start + (double)f;
            sets[f] = how.ragged ? (s + f) % 4 : 0;
        }
        assert_ok(
            in, fc_dataset_add_sequence(in->context, dataset, how.frames, times, sets, &sequence));
        for (size_t f = 0; f < how.frames; f++)
            for (size_t i = 0; i < 2 * dataset->points[sets[f]].count; i++)
                sequence->frames[f].values[i] = value_of(s, f, i / 2, i % 2);
    }
    dataset->record = how.record;
    return dataset;
}

/* Writes and destroys. strip: leave no trace of fieldcast's own format. */
static void write_dataset(bench *in, const char *path, fc_dataset *dataset, bool strip)
{
    assert_ok(in, fc_dataset_write(in->context, path, dataset, NULL));
    fc_dataset_destroy(dataset);
    if (!strip)
        return;
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(H5Adelete(file, "fieldcast_format") >= 0);
    H5Fclose(file);
}

static fc_dataset *read_all(bench *in, const char *path, const fc_read_config *config)
{
    fc_dataset *dataset;
    assert_ok(in, fc_dataset_read(in->context, path, config, &dataset));
    assert_null(dataset->reader.read);
    return dataset;
}

static void load_all(bench *in, fc_dataset *dataset, size_t block)
{
    for (size_t s = 0; s < dataset->sequence_count; s++)
        for (size_t f = 0, size; f < dataset->sequences[s].frame_count; f += size) {
            size_t left = dataset->sequences[s].frame_count - f;
            size = block < left ? block : left;
            assert_ok(in, fc_dataset_load(in->context, dataset, s, f, size));
        }
}

static void unload_all(fc_dataset *dataset)
{
    for (size_t s = 0; s < dataset->sequence_count; s++) {
        fc_dataset_unload(dataset, s, 0, dataset->sequences[s].frame_count);
        assert_null(dataset->sequences[s].frames[0].values);
    }
}

/* Opened datasets deliver what reading delivers, in blocks of any size and in any order. */
static void check_open(bench *in, const char *path, const fc_read_config *config)
{
    fc_dataset *whole = read_all(in, path, config), *parts;
    assert_ok(in, fc_dataset_open(in->context, path, config, &parts));
    assert_non_null(parts->reader.read);
    assert_null(parts->sequences[0].frames[0].values);
    for (size_t block = 1; block <= 7; block += 3) {
        load_all(in, parts, block);
        assert_same_dataset(whole, parts);
        unload_all(parts);
    }
    for (size_t s = parts->sequence_count; s-- > 0;)
        for (size_t f = parts->sequences[s].frame_count; f-- > 0;)
            assert_ok(in, fc_dataset_load(in->context, parts, s, f, 1));
    assert_same_dataset(whole, parts);
    assert_ok(in, fc_dataset_validate(in->context, parts, path));
    fc_dataset_destroy(whole);
    fc_dataset_destroy(parts);
}

/* ---------------------------------------------------------------- reading and opening */

static void every_layout_is_the_same_opened_and_read(void **state)
{
    static const shape shapes[] = {
        {.sequences = 3, .frames = 11, .grid = true},
        {.sequences = 1, .frames = 11, .grid = true, .record = true},
        {.sequences = 3, .frames = 11},
        {.sequences = 3, .frames = 11, .ragged = true},
    };
    bench *in = *state;
    const char *path = in_folder(in, "data.nc");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        fc_dataset *made = make(in, shapes[i]), *read;
        assert_ok(in, fc_dataset_write(in->context, path, made, NULL));
        read = read_all(in, path, NULL);
        assert_same_dataset(made, read);
        fc_dataset_destroy(made);
        fc_dataset_destroy(read);
        check_open(in, path, NULL);
        check_open(in, path, &(fc_read_config){.variables = "b", .max_frames = 5});
    }
}

static void every_excerpt_is_the_same_opened_and_read(void **state)
{
    glob_t found;
    assert_int_equal(glob(FC_TEST_GOLDEN "/*.nc", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        check_open(*state, found.gl_pathv[i], NULL);
    assert_true(found.gl_pathc > 0);
    globfree(&found);
}

static void frames_and_points_without_values_are_left_out(void **state)
{
    bench *in = *state;
    const char *path = in_folder(in, "data.nc");
    fc_dataset *made = make(in, (shape){.sequences = 1, .frames = 9, .grid = true, .record = true});
    for (size_t f = 0; f < 9; f++)
        for (size_t i = 0; i < 2 * POINTS; i++)
            if (f == 0 || f == 4 || i / 2 == 0 || i / 2 == 20 || i == 2 * f)
                made->sequences[0].frames[f].values[i] = NAN;
    write_dataset(in, path, made, true);
    check_open(in, path, NULL);
    fc_dataset *read = read_all(in, path, NULL);
    assert_int_equal(read->sequences[0].frame_count, 7);
    assert_int_equal(read->points[0].count, POINTS - 2);
    assert_int_equal(read->points[0].grid[0], 0);
    assert_true(read->sequences[0].frames[3].time == 5.0);
    assert_true(read->points[0].coordinates[0] == 11.0);
    assert_true(read->sequences[0].frames[3].values[3] == value_of(0, 5, 2, 1));
    assert_true(isnan(read->sequences[0].frames[3].values[8]));
    fc_dataset_destroy(read);
}

/* A dataset of its own keeps points that are never observed: what is written comes back. */
static void native_datasets_lose_nothing(void **state)
{
    bench *in = *state;
    const char *path = in_folder(in, "data.nc");
    fc_dataset *made = make(in, (shape){.sequences = 1, .frames = 3, .grid = true, .record = true});
    for (size_t f = 0; f < 3; f++)
        made->sequences[0].frames[f].values[0] = made->sequences[0].frames[f].values[1] = NAN;
    write_dataset(in, path, made, false);
    check_open(in, path, NULL);
    fc_dataset *read = read_all(in, path, NULL);
    assert_int_equal(read->points[0].count, POINTS);
    fc_dataset_destroy(read);
}

static void bad_values_are_found_opened_and_read(void **state)
{
    bench *in = *state;
    const char *path = in_folder(in, "data.nc");
    const shape how = {.sequences = 1, .frames = 9, .grid = true, .record = true};
    fc_dataset *made = make(in, how), *read;
    made->sequences[0].frames[5].values[9] = INFINITY;
    write_dataset(in, path, made, false);
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &read), path,
                 "b is infinite in sequence 0, frame 5, point 4");
    assert_null(read);
    assert_ok(in, fc_dataset_open(in->context, path, NULL, &read));
    assert_ok(in, fc_dataset_load(in->context, read, 0, 0, 5));
    assert_fails(in, FC_ERROR_DATA, fc_dataset_load(in->context, read, 0, 4, 3), path,
                 "b is infinite in sequence 0, frame 5, point 4");
    assert_null(read->sequences[0].frames[5].values);
    fc_dataset_destroy(read);
    made = make(in, how);
    for (size_t i = 0; i < 2 * POINTS; i++)
        made->sequences[0].frames[2].values[i] = NAN;
    write_dataset(in, path, made, false);
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &read), path,
                 "sequence 0, frame 2");
}

static void the_format_of_a_file_is_named(void **state)
{
    bench *in = *state;
    const char *path = in_folder(in, "data.nc");
    fc_file_description file;
    fc_file_kind kind;
    const shape how = {.sequences = 1, .frames = 2, .grid = true, .record = true};
    write_dataset(in, path, make(in, how), false);
    assert_ok(in, fc_file_describe(in->context, path, &file));
    assert_string_equal(file.format, "fieldcast dataset");
    write_dataset(in, path, make(in, how), true);
    path = in_folder(in, "data*");
    assert_ok(in, fc_file_describe(in->context, path, &file));
    assert_string_equal(file.format, "CF grid");
    assert_string_equal(file.note, "");
    assert_ok(in, fc_file_probe(in->context, path, &kind));
    assert_int_equal(kind, FC_FILE_NETCDF);
}

/* ---------------------------------------------------------------- conditions and expressions */

static void derived_channels_are_computed(void **state)
{
    bench *in = *state;
    const char *path = in_folder(in, "data.nc");
    const fc_read_config config = {.variables = " b, sum = a + b,far=max(a*lon, (b))"};
    write_dataset(in, path, make(in, (shape){.sequences = 2, .frames = 9, .grid = true}), false);
    check_open(in, path, &config);
    fc_dataset *read = read_all(in, path, &config);
    assert_int_equal(read->channel_count, 3);
    assert_string_equal(read->channels[1].name, "sum");
    assert_string_equal(read->channels[1].units, "m");
    assert_string_equal(read->channels[1].long_name, "a + b");
    assert_string_equal(read->channels[2].units, "1"); /* metres and degrees */
    const float *values = read->sequences[1].frames[3].values + 3 * 4;
    float a = value_of(1, 3, 4, 0), b = value_of(1, 3, 4, 1);
    assert_true(values[0] == b && values[1] == a + b && values[2] == a * 14.0f);
    fc_dataset_destroy(read);
}

/* Comparisons and functions with a missing number would else be some number. */
static void what_is_missing_makes_results_missing(void **state)
{
    bench *in = *state;
    const char *path = in_folder(in, "data.nc");
    const fc_read_config config = {.variables = "x=a>5,y=max(a,b),z=b", .where = "a < 5 || 1"};
    fc_dataset *made = make(in, (shape){.sequences = 1, .frames = 3}), *read;
    made->sequences[0].frames[1].values[8] = NAN; /* a at point 4 */
    write_dataset(in, path, made, false);
    read = read_all(in, path, &config);
    const float *values = read->sequences[0].frames[1].values + 3 * 3;
    assert_true(values[0] == 1.0f && values[2] == value_of(0, 1, 3, 1));
    assert_true(isnan(values[3]) && isnan(values[4]));
    assert_true(isnan(values[5])); /* as the condition cannot be told */
    fc_dataset_destroy(read);
    const fc_read_config open = {.variables = "x=a>5,y=max(a,b),z=b"};
    read = read_all(in, path, &open);
    values = read->sequences[0].frames[1].values + 3 * 4;
    assert_true(isnan(values[0]) && isnan(values[1]) && values[2] == value_of(0, 1, 4, 1));
    fc_dataset_destroy(read);
}

static void a_condition_makes_values_missing(void **state)
{
    bench *in = *state;
    const char *path = in_folder(in, "data.nc");
    const fc_read_config where = {.variables = "a", .where = "lat > 40 && b < 600 && b != 510.25"};
    const fc_read_config complete = {.variables = "a", .where = where.where, .complete = true};
    write_dataset(in, path,
                  make(in, (shape){.sequences = 1, .frames = 9, .grid = true, .record = true}),
                  false);
    check_open(in, path, &where);
    check_open(in, path, &complete);
    fc_dataset *read = read_all(in, path, &where);
    assert_int_equal(read->points[0].count, POINTS - NX);
    assert_int_equal(read->sequences[0].frame_count, 6);
    assert_true(isnan(read->sequences[0].frames[5].values[3]));
    assert_true(read->sequences[0].frames[4].values[3] == value_of(0, 4, 10, 0));
    fc_dataset_destroy(read);
    read = read_all(in, path, &complete);
    assert_int_equal(read->points[0].count, POINTS - NX - 1);
    fc_dataset_destroy(read);
    assert_fails(in, FC_ERROR_DATA,
                 fc_dataset_read(in->context, path, &(fc_read_config){.where = "a < -1"}, &read),
                 path, "no value at all");
}

static void points_that_are_complete_are_kept(void **state)
{
    bench *in = *state;
    const char *path = in_folder(in, "data.nc");
    const fc_read_config config = {.complete = true};
    fc_dataset *made = make(in, (shape){.sequences = 1, .frames = 9, .record = true}), *read;
    made->sequences[0].frames[3].values[1] = NAN; /* one of two channels */
    made->sequences[0].frames[8].values[7] = NAN;
    write_dataset(in, path, made, false);
    check_open(in, path, &config);
    read = read_all(in, path, &config);
    assert_int_equal(read->points[0].count, POINTS - 2);
    fc_dataset_destroy(read);
    made = make(in, (shape){.sequences = 1, .frames = 9, .record = true});
    for (size_t p = 0; p < POINTS; p++)
        made->sequences[0].frames[p % 9].values[2 * p] = NAN;
    write_dataset(in, path, made, false);
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, &config, &read), path,
                 "observed in every frame");
}

static void faulty_expressions_are_explained(void **state)
{
    static const struct {
        const char *variables, *where, *word, *other;
        fc_status status;
    } cases[] = {
        {"x=a+", NULL, "\"a+\"", "character", FC_ERROR_USAGE},
        {"x=a b", NULL, "\"a b\"", "character", FC_ERROR_USAGE},
        {"x=(a", NULL, "\"(a\"", "arenthesis", FC_ERROR_USAGE},
        {"x=", NULL, "name=expression", "x", FC_ERROR_USAGE},
        {"=a", NULL, "name=expression", "=a", FC_ERROR_USAGE},
        {"a,,b", NULL, "commas", "accepted", FC_ERROR_USAGE},
        {"a,x=b,x=a", NULL, "\"x\"", "twice", FC_ERROR_USAGE},
        {"a", "b = 0", "character 3", "==", FC_ERROR_USAGE},
        {"a", "", "\"\"", "xpression", FC_ERROR_USAGE},
        {"a", "a, b", "\"a, b\"", "2 results", FC_ERROR_USAGE},
        {"x=a+nothing", NULL, "\"nothing\"", "there are: a, b", FC_ERROR_DATA},
        {"a", "nothing > 0", "\"nothing\"", "there are: a, b", FC_ERROR_DATA},
        {"nothing,x=a", NULL, "\"nothing\"", "there are: a, b", FC_ERROR_DATA},
    };
    bench *in = *state;
    const char *path = in_folder(in, "data.nc");
    fc_dataset *read;
    write_dataset(in, path, make(in, (shape){.sequences = 1, .frames = 2}), false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const fc_read_config config = {.variables = cases[i].variables, .where = cases[i].where};
        assert_fails(in, cases[i].status, fc_dataset_read(in->context, path, &config, &read),
                     cases[i].word, cases[i].other);
        assert_null(read);
        assert_fails(in, cases[i].status, fc_dataset_open(in->context, path, &config, &read),
                     cases[i].word, cases[i].other);
    }
}

/* ---------------------------------------------------------------- patterns */

static void files_of_a_record_continue_each_other(void **state)
{
    bench *in = *state;
    const shape all = {.sequences = 1, .frames = 30, .grid = true, .record = true};
    fc_dataset *whole = make(in, all);
    for (size_t k = 0; k < 3; k++) {
        char name[16];
        shape how = all;
        how.frames = 10;
        how.start = 10.0 * (double)k;
        fc_dataset *part = make(in, how);
        for (size_t f = 0; f < 10; f++) {
            memcpy(part->sequences[0].frames[f].values,
                   whole->sequences[0].frames[10 * k + f].values, 2 * POINTS * sizeof(float));
            if (k == 1) /* counts in days from another date */
                part->sequences[0].frames[f].time = (how.start + (double)f + 24.0) / 24.0;
        }
        if (k == 1)
            fc__copy_name(part->time.units, "days since 1999-12-31");
        snprintf(name, sizeof name, "part_%zu.nc", k);
        write_dataset(in, in_folder(in, name), part, false);
    }
    const char *path = in_folder(in, "part_[0-9]*.nc");
    check_open(in, path, NULL);
    check_open(in, path, &(fc_read_config){.variables = "x=a-b", .where = "a>5", .max_frames = 17});
    fc_dataset *read = read_all(in, path, NULL);
    assert_int_equal(read->points_count, 1);
    for (size_t f = 10; f < 20; f++) /* rounded on the way from days */
        assert_true(fabs(read->sequences[0].frames[f].time - (double)f) < 1e-9);
    for (size_t f = 0; f < 30; f++)
        read->sequences[0].frames[f].time = (double)f;
    read->time.cycle = 0.0;
    assert_same_dataset(whole, read);
    fc_dataset_destroy(read);
    fc_dataset_destroy(whole);
}

static void independent_sequences_stand_behind_each_other(void **state)
{
    bench *in = *state;
    const shape how = {.sequences = 2, .frames = 4, .ragged = true};
    write_dataset(in, in_folder(in, "a.nc"), make(in, how), false);
    write_dataset(in, in_folder(in, "b.nc"),
                  make(in, (shape){.sequences = 1, .frames = 6, .grid = true}), false);
    const char *path = in_folder(in, "?.nc");
    check_open(in, path, NULL);
    fc_dataset *read = read_all(in, path, NULL);
    assert_int_equal(read->sequence_count, 3);
    assert_int_equal(read->sequences[2].frame_count, 6);
    assert_true(read->sequences[2].frames[5].values[8] == value_of(0, 5, 4, 0));
    fc_dataset_destroy(read);
}

static void more_files_than_may_be_open_are_read(void **state)
{
    enum { FILES = 70 };
    bench *in = *state;
    for (size_t k = 0; k < FILES; k++) {
        char name[32];
        snprintf(name, sizeof name, "part_%03zu.nc", k);
        write_dataset(
            in, in_folder(in, name),
            make(in, (shape){1, 2, .grid = true, .record = true, .start = 2.0 * (double)k}), true);
    }
    const char *path = in_folder(in, "part_*.nc");
    check_open(in, path, NULL);
    fc_dataset *read;
    assert_ok(in, fc_dataset_open(in->context, path, NULL, &read));
    assert_int_equal(read->sequences[0].frame_count, 2 * FILES);
    char name[32];
    snprintf(name, sizeof name, "part_%03d.nc", 0); /* which is closed by now */
    write_dataset(in, in_folder(in, name), make(in, (shape){1, 3, .grid = true, .record = true}),
                  true);
    assert_fails(in, FC_ERROR_IO, fc_dataset_load(in->context, read, 0, 0, 4), in_folder(in, name),
                 "has changed");
    assert_ok(in, fc_dataset_load(in->context, read, 0, 2, 4));
    fc_dataset_destroy(read);
}

static void files_that_do_not_belong_together_are_refused(void **state)
{
    bench *in = *state;
    fc_dataset *read;
    const shape how = {.sequences = 1, .frames = 4, .grid = true, .record = true};
    char first[128], second[128];
    snprintf(first, sizeof first, "%s", in_folder(in, "a.nc"));
    snprintf(second, sizeof second, "%s", in_folder(in, "b.nc"));
    write_dataset(in, first, make(in, how), false);
    write_dataset(in, second, make(in, (shape){1, 4, .grid = true, .record = true, .start = 3.0}),
                  false);
    const char *path = in_folder(in, "*.nc");
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &read), first, second,
                 "2000-01-01T03:00");
    fc_dataset *other = make(in, (shape){1, 4, .grid = true, .record = true, .start = 4.0});
    fc__copy_name(other->channels[1].units, "cm");
    write_dataset(in, second, other, false);
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &read), first, second,
                 "units");
    other = make(in, (shape){1, 4, .grid = true, .record = true, .start = 4.0});
    fc__copy_name(other->time.calendar, "360_day");
    write_dataset(in, second, other, false);
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &read), second,
                 "360_day");
    FILE *damaged = fopen(second, "w");
    fputs("no dataset", damaged);
    fclose(damaged);
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &read), second,
                 "not an HDF5 file");
    assert_fails(in, FC_ERROR_IO,
                 fc_dataset_read(in->context, in_folder(in, "none*.nc"), NULL, &read), "none*.nc",
                 "no file matches");
}

static void a_name_with_brackets_is_a_file_when_there_is_one(void **state)
{
    bench *in = *state;
    const char *path = in_folder(in, "run[1].nc");
    write_dataset(in, path, make(in, (shape){.sequences = 1, .frames = 4}), false);
    check_open(in, path, NULL);
}

/* ---------------------------------------------------------------- what is no dataset */

static void other_files_are_answered_with_what_they_hold(void **state)
{
    bench *in = *state;
    fc_dataset *read;
    const char *path = in_folder(in, "plain.h5");
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(2, (hsize_t[]){4, 9}, NULL);
    H5Dclose(H5Dcreate2(file, "numbers", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, H5P_DEFAULT,
                        H5P_DEFAULT));
    H5Sclose(space);
    H5Fclose(file);
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &read), path,
                 "numbers(4, 9)", "without dimension scales", "CF");
    fc_file_description description;
    assert_fails(in, FC_ERROR_DATA, fc_file_describe(in->context, path, &description), path);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_layout_is_the_same_opened_and_read),
        TEST(every_excerpt_is_the_same_opened_and_read),
        TEST(frames_and_points_without_values_are_left_out),
        TEST(native_datasets_lose_nothing),
        TEST(bad_values_are_found_opened_and_read),
        TEST(the_format_of_a_file_is_named),
        TEST(derived_channels_are_computed),
        TEST(what_is_missing_makes_results_missing),
        TEST(a_condition_makes_values_missing),
        TEST(points_that_are_complete_are_kept),
        TEST(faulty_expressions_are_explained),
        TEST(files_of_a_record_continue_each_other),
        TEST(independent_sequences_stand_behind_each_other),
        TEST(more_files_than_may_be_open_are_read),
        TEST(files_that_do_not_belong_together_are_refused),
        TEST(a_name_with_brackets_is_a_file_when_there_is_one),
        TEST(other_files_are_answered_with_what_they_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
