/* Native datasets: what is written comes back to the last bit, and what is damaged is refused. */
#include "inr/support.h"
#include "tests/io/io_testing.h"

#include <hdf5.h>
#include <math.h>

/* ---------------------------------------------------------------- datasets to be written */

static fc_domain plane(void)
{
    fc_domain domain = {.dims = 2};
    domain.axis[0] = (fc_axis){FC_AXIS_PERIODIC, 0.0, 1.0, "x", "m"};
    domain.axis[1] = (fc_axis){FC_AXIS_PLAIN, -0.1, 2.0 / 3.0, "height", ""};
    return domain;
}

static fc_domain sphere(void)
{
    fc_domain domain = {.dims = 3};
    domain.axis[0] = (fc_axis){FC_AXIS_LONGITUDE, 0.0, 359.0, "lon", "degrees_east"};
    domain.axis[1] = (fc_axis){FC_AXIS_LATITUDE, -60.0, 61.5, "lat", "degrees_north"};
    domain.axis[2] = (fc_axis){FC_AXIS_PLAIN, 0.0, 100.0, "depth", "m"};
    return domain;
}

static fc_dataset *create(bench *in, const fc_domain *domain, size_t channels, const char *units)
{
    fc_dataset *dataset;
    assert_ok(in, fc_dataset_create(in->context, domain, channels, &dataset));
    fc__copy_name(dataset->time.units, units);
    if (strstr(units, "since"))
        fc__copy_name(dataset->time.calendar, "360_day");
    dataset->time.cycle = 8640.0 / 7.0;
    for (size_t c = 0; c < channels; c++) {
        snprintf(dataset->channels[c].name, FC_NAME_SIZE, c ? "w%zu" : "zeta", c);
        fc__copy_name(dataset->channels[c].units, c ? "m s-1" : "1");
        fc__copy_name(dataset->channels[c].long_name, c ? "" : "vorticit\xc3\xa9");
    }
    return dataset;
}

/* Points inside the domain: a tensor grid of the given lengths (first axis fastest), or scattered
 * when grid is NULL. */
static size_t add_points(bench *in, fc_dataset *dataset, size_t count, const size_t *lengths,
                         fc__rng *rng)
{
    size_t dims = dataset->domain.dims, index, grid[FC_MAX_DIMS] = {0}, stride = 1;
    double *x = calloc(count * dims, sizeof *x);
    for (size_t i = 0; i < dims; i++) {
        const fc_axis *axis = &dataset->domain.axis[i];
        size_t length = lengths ? lengths[i] : count;
        double *values = calloc(length, sizeof *values);
        for (size_t k = 0; k < length; k++)
            values[k] = axis->lower + (axis->upper - axis->lower) * fc__rng_uniform(rng);
        for (size_t p = 0; p < count; p++)
            x[p * dims + i] = values[lengths ? p / stride % length : p];
        if (lengths)
            grid[dims - 1 - i] = length;
        stride *= length;
        free(values);
    }
    assert_ok(in,
              fc_dataset_add_points(in->context, dataset, count, x, lengths ? grid : NULL, &index));
    free(x);
    return index;
}

/* Random values with a share of missing ones. */
static void fill(fc_dataset *dataset, fc_sequence *sequence, fc__rng *rng)
{
    for (size_t f = 0; f < sequence->frame_count; f++) {
        const fc_frame *frame = &sequence->frames[f];
        size_t count = dataset->points[frame->points].count * dataset->channel_count;
        for (size_t i = 0; i < count; i++)
            frame->values[i] = fc__rng_uniform(rng) < 0.2 ? NAN : (float)fc__rng_normal(rng);
        frame->values[0] = 1.0f;
    }
}

static void add_sequence(bench *in, fc_dataset *dataset, size_t frames, const size_t *points,
                         double step, fc__rng *rng)
{
    fc_sequence *sequence;
    double *times = calloc(frames, sizeof *times);
    for (size_t f = 0; f < frames; f++)
        times[f] = 1.0 / 3.0 + step * (double)f;
    assert_ok(in, fc_dataset_add_sequence(in->context, dataset, frames, times, points, &sequence));
    fill(dataset, sequence, rng);
    free(times);
}

static fc_dataset *shared(bench *in, bool grid, size_t sequences, bool record)
{
    fc__rng rng = fc__rng_create(3, 4);
    fc_domain domain = plane();
    fc_dataset *dataset = create(in, &domain, 2, "1");
    const size_t lengths[2] = {5, 3};
    add_points(in, dataset, 15, grid ? lengths : NULL, &rng);
    for (size_t s = 0; s < sequences; s++)
        add_sequence(in, dataset, 7, NULL, 0.1, &rng);
    dataset->record = record;
    return dataset;
}

/* Point sets and times that differ, a set that no frame uses, and a grid among scattered sets. */
static fc_dataset *ragged(bench *in)
{
    fc__rng rng = fc__rng_create(5, 6);
    fc_domain domain = sphere();
    fc_dataset *dataset = create(in, &domain, 3, "hours since 1970-01-01");
    const size_t lengths[3] = {3, 2, 2}, sets[4] = {2, 0, 0, 1};
    add_points(in, dataset, 4, NULL, &rng);
    add_points(in, dataset, 12, lengths, &rng);
    add_points(in, dataset, 1, NULL, &rng);
    add_points(in, dataset, 6, NULL, &rng);
    add_sequence(in, dataset, 4, sets, 1.0, &rng);
    add_sequence(in, dataset, 2, sets + 2, 3.0, &rng);
    return dataset;
}

static void check_round_trip(bench *in, fc_dataset *written, const char *layout)
{
    fc_dataset *read;
    char found[16] = "";
    fc_file_kind kind;
    const char *path = in_folder(in, "data.nc");
    assert_ok(in, fc_dataset_write(in->context, path, written, "{\"seed\": 7, \"nu\": 1e-3}"));
    assert_ok(in, fc_dataset_read(in->context, path, NULL, &read));
    assert_same_dataset(written, read);
    assert_ok(in, fc_file_probe(in->context, path, &kind));
    assert_int_equal(kind, FC_FILE_DATASET);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t attribute = H5Aopen(file, "fieldcast_layout", H5P_DEFAULT), type = H5Aget_type(attribute);
    assert_true(H5Aread(attribute, type, found) >= 0);
    assert_string_equal(found, layout);
    H5Tclose(type);
    H5Aclose(attribute);
    H5Fclose(file);
    assert_int_equal(count_files(in), 1);
    fc_dataset_destroy(read);
    fc_dataset_destroy(written);
}

/* ---------------------------------------------------------------- round trips */

static void grid_of_many_sequences_comes_back(void **state)
{
    check_round_trip(*state, shared(*state, true, 3, false), "grid");
}

static void grid_of_one_record_comes_back(void **state)
{
    check_round_trip(*state, shared(*state, true, 1, true), "grid");
}

static void one_sequence_that_is_no_record_comes_back(void **state)
{
    check_round_trip(*state, shared(*state, true, 1, false), "grid");
}

static void shared_scattered_points_come_back(void **state)
{
    check_round_trip(*state, shared(*state, false, 2, false), "points");
    check_round_trip(*state, shared(*state, false, 1, true), "points");
}

static void ragged_points_and_times_come_back(void **state)
{
    check_round_trip(*state, ragged(*state), "ragged");
}

/* Every frame has points of its own, which is a CF collection of points. */
static void points_of_their_own_come_back(void **state)
{
    bench *in = *state;
    fc__rng rng = fc__rng_create(2, 2);
    fc_domain domain = plane();
    fc_dataset *dataset = create(in, &domain, 12, "hours since 1970-01-01");
    const size_t sets[5] = {0, 1, 2, 3, 4};
    for (size_t p = 0; p < 5; p++)
        add_points(in, dataset, 3 + p, NULL, &rng);
    add_sequence(in, dataset, 3, sets, 1.0, &rng);
    add_sequence(in, dataset, 2, sets + 3, 0.5, &rng);
    check_round_trip(in, dataset, "ragged");
    hid_t file = H5Fopen(in->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(H5Aexists(file, "featureType") > 0);
    assert_int_equal(H5Lexists(file, "point", H5P_DEFAULT), 0);
    double found[25] = {0.0};
    hid_t times = H5Dopen2(file, "observation_time", H5P_DEFAULT), space = H5Dget_space(times);
    assert_int_equal(H5Sget_simple_extent_npoints(space), 3 + 4 + 5 + 6 + 7);
    assert_true(H5Dread(times, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, found) >= 0);
    assert_true(found[2] == 1.0 / 3.0 && found[3] == 1.0 / 3.0 + 1.0);   /* frames 0 and 1 */
    assert_true(found[17] == 1.0 / 3.0 && found[18] == 1.0 / 3.0 + 0.5); /* of the other sequence */
    H5Sclose(space);
    H5Dclose(times);
    H5Fclose(file);
}

static void sequences_with_other_times_come_back(void **state)
{
    bench *in = *state;
    fc__rng rng = fc__rng_create(1, 1);
    fc_dataset *dataset = shared(in, true, 2, false);
    add_sequence(in, dataset, 7, NULL, 0.25, &rng);
    check_round_trip(in, dataset, "ragged");
}

static void a_shape_that_is_no_tensor_grid_comes_back(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = shared(in, true, 2, false);
    dataset->points[0].coordinates[6] += 1e-3;
    check_round_trip(in, dataset, "ragged");
}

static void frames_larger_than_a_block_come_back(void **state)
{
    bench *in = *state;
    fc__rng rng = fc__rng_create(9, 9);
    fc_domain domain = plane();
    fc_dataset *dataset = create(in, &domain, 1, "1");
    const size_t lengths[2] = {1100, 1000};
    add_points(in, dataset, 1100000, lengths, &rng);
    add_sequence(in, dataset, 9, NULL, 1.0, &rng);
    check_round_trip(in, dataset, "grid");
}

static void chosen_variables_and_frames_are_read(void **state)
{
    bench *in = *state;
    fc_dataset *written[2] = {shared(in, true, 2, false), ragged(in)}, *read;
    const fc_read_config config = {.variables = " w1 ", .max_frames = 2};
    for (size_t k = 0; k < 2; k++) {
        const char *path = in_folder(in, "data.nc");
        assert_ok(in, fc_dataset_write(in->context, path, written[k], NULL));
        assert_ok(in, fc_dataset_read(in->context, path, &config, &read));
        assert_int_equal(read->channel_count, 1);
        assert_string_equal(read->channels[0].name, "w1");
        for (size_t s = 0; s < read->sequence_count; s++) {
            const fc_sequence *a = &written[k]->sequences[s], *b = &read->sequences[s];
            assert_int_equal(b->frame_count, 2);
            for (size_t f = 0; f < 2; f++)
                for (size_t p = 0; p < read->points[b->frames[f].points].count; p++)
                    assert_same_bits(&a->frames[f].values[p * written[k]->channel_count + 1],
                                     &b->frames[f].values[p], sizeof(float));
        }
        fc_dataset_destroy(read);
        fc_dataset_destroy(written[k]);
    }
}

static void a_forecast_reads_back_without_its_deviations(void **state)
{
    bench *in = *state;
    fc_dataset *forecast = shared(in, false, 2, false), *deviation = shared(in, false, 2, false);
    fc_dataset *read;
    fc_file_kind kind;
    const char *path = in_folder(in, "forecast.nc");
    const fc_read_config named = {.variables = "w1,w1_std"};
    for (size_t i = 0; i < 30; i++)
        forecast->sequences[1].frames[6].values[i] = NAN; /* as after a failed integration */
    for (size_t i = 0; i < 30; i++)
        deviation->sequences[0].frames[0].values[i] = (float)i;
    assert_ok(in, fc_forecast_write(in->context, path, forecast, deviation, NULL));
    assert_ok(in, fc_file_probe(in->context, path, &kind));
    assert_int_equal(kind, FC_FILE_FORECAST);
    assert_ok(in, fc_dataset_read(in->context, path, NULL, &read));
    assert_same_dataset(forecast, read);
    fc_dataset_destroy(read);
    assert_ok(in, fc_dataset_read(in->context, path, &named, &read));
    assert_int_equal(read->channel_count, 2);
    assert_string_equal(read->channels[1].long_name, "standard deviation of w1");
    assert_true(read->sequences[0].frames[0].values[3] == 3.0f);
    fc_dataset_destroy(read);
    fc_dataset_destroy(forecast);
    fc_dataset_destroy(deviation);
}

/* What netCDF's own program makes of the files: no dimension passes for a variable, and every axis
 * has its name. */
static void netcdf_tools_understand_the_files(void **state)
{
    static const char *const expected[3][4] = {
        {"sequence = 2 ;", "double x(x) ;", "float zeta(sequence, time, height, x) ;",
         "x:fieldcast_upper = 1. ;"},
        {"point = 15 ;", "double x(point) ;", "float zeta(time, point) ;",
         "zeta:coordinates = \"x height point_id\" ;"},
        {"observation = 37 ;", "double depth(point) ;", "float zeta(observation) ;",
         "frame_count:fieldcast_counts = \"frame\" ;"},
    };
    bench *in = *state;
    fc_dataset *written[3] = {shared(in, true, 2, false), shared(in, false, 1, true), ragged(in)};
    for (size_t k = 0; k < 3; k++) {
        char command[256], text[8192];
        const char *path = in_folder(in, "data.nc");
        assert_ok(in, fc_dataset_write(in->context, path, written[k], NULL));
        fc_dataset_destroy(written[k]);
        snprintf(command, sizeof command, "ncdump -h %s 2>/dev/null", path);
        FILE *pipe = popen(command, "r");
        size_t size = fread(text, 1, sizeof text - 1, pipe);
        text[size] = '\0';
        int closed = pclose(pipe);
        if (closed != 0 && system("command -v ncdump > /dev/null") != 0)
            skip();
        assert_int_equal(closed, 0);
        for (size_t i = 0; i < 4; i++)
            if (!strstr(text, expected[k][i]))
                fail_msg("\"%s\" is not in\n%s", expected[k][i], text);
        assert_null(strstr(text, "float point"));
        assert_null(strstr(text, "float sequence"));
    }
}

/* ---------------------------------------------------------------- refusals */

static void names_that_clash_are_refused(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = shared(in, true, 2, false);
    const char *path = in_folder(in, "data.nc");
    fc__copy_name(dataset->channels[1].name, "height");
    assert_fails(in, FC_ERROR_DATA, fc_dataset_write(in->context, path, dataset, NULL), path,
                 "\"height\"", "differ");
    fc__copy_name(dataset->channels[1].name, "a/b");
    assert_fails(in, FC_ERROR_DATA, fc_dataset_write(in->context, path, dataset, NULL), "a/b");
    fc__copy_name(dataset->channels[1].name, "zeta_std");
    assert_fails(in, FC_ERROR_DATA, fc_forecast_write(in->context, path, dataset, dataset, NULL),
                 "zeta_std");
    assert_int_equal(count_files(in), 0);
    fc_dataset_destroy(dataset);
}

static void attributes_must_be_a_json_object(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = shared(in, true, 2, false);
    const char *path = in_folder(in, "data.nc");
    assert_fails(in, FC_ERROR_USAGE, fc_dataset_write(in->context, path, dataset, "[1]"), "JSON");
    assert_fails(in, FC_ERROR_USAGE, fc_dataset_write(in->context, path, dataset, "{"), "JSON");
    assert_fails(in, FC_ERROR_USAGE,
                 fc_dataset_write(in->context, path, dataset, "{\"fieldcast_format\": 1}"),
                 "fieldcast_format");
    assert_int_equal(count_files(in), 0);
    fc_dataset_destroy(dataset);
}

static void unknown_variables_are_answered_with_those_there_are(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = shared(in, true, 2, false), *read;
    const char *path = in_folder(in, "data.nc");
    const fc_read_config config = {.variables = "v"}, empty = {.variables = "zeta,,w1"};
    assert_ok(in, fc_dataset_write(in->context, path, dataset, NULL));
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, &config, &read), path,
                 "\"v\"", "zeta, w1");
    assert_fails(in, FC_ERROR_USAGE, fc_dataset_read(in->context, path, &empty, &read), "commas");
    assert_null(read);
    fc_dataset_destroy(dataset);
}

/* Writes another number into an array or an attribute of a file. */
static void overwrite(const char *path, const char *object, const char *attribute, long long value)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t id = H5Oopen(file, object, H5P_DEFAULT);
    if (attribute) {
        hid_t a = H5Aopen(id, attribute, H5P_DEFAULT);
        assert_true(H5Awrite(a, H5T_NATIVE_LLONG, &value) >= 0);
        H5Aclose(a);
    } else {
        long long values[64] = {value};
        assert_true(H5Dwrite(id, H5T_NATIVE_LLONG, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    }
    H5Oclose(id);
    H5Fclose(file);
}

static void newer_versions_are_refused(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = shared(in, true, 2, false), *read;
    const char *path = in_folder(in, "data.nc");
    assert_ok(in, fc_dataset_write(in->context, path, dataset, NULL));
    overwrite(path, "/", "fieldcast_format_version", 2);
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &read), path,
                 "version 2", "up to 1");
    overwrite(path, "/", "fieldcast_format_version", 0);
    assert_fails(in, FC_ERROR_DATA, fc_dataset_read(in->context, path, NULL, &read), path);
    fc_dataset_destroy(dataset);
}

static void counts_that_do_not_add_up_are_refused(void **state)
{
    static const char *const objects[] = {"frame_count", "frame_point_set", "point_count",
                                          "point_grid"};
    bench *in = *state;
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        static const long long values[] = {-1, 5, 1LL << 62};
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            fc_dataset *dataset = ragged(in), *read;
            const char *path = in_folder(in, "data.nc");
            assert_ok(in, fc_dataset_write(in->context, path, dataset, NULL));
            overwrite(path, objects[i], NULL, values[k]);
            assert_int_equal(fc_dataset_read(in->context, path, NULL, &read), FC_ERROR_DATA);
            assert_null(read);
            fc_dataset_destroy(dataset);
        }
    }
}

/* Every object of a file is deleted in turn: the file is refused, or read if it can do without. */
static void missing_parts_never_crash_the_reader(void **state)
{
    static const char *const objects[] = {
        "sequence", "frame",           "point_set", "point",       "observation", "frame_count",
        "time",     "frame_point_set", "axis",      "point_count", "point_grid",  "lon",
        "lat",      "depth",           "zeta"};
    bench *in = *state;
    fc_dataset *dataset = ragged(in), *read;
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        const char *path = in_folder(in, "data.nc");
        assert_ok(in, fc_dataset_write(in->context, path, dataset, NULL));
        hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
        assert_true(H5Ldelete(file, objects[i], H5P_DEFAULT) >= 0);
        H5Fclose(file);
        if (fc_dataset_read(in->context, path, NULL, &read) != FC_OK)
            assert_non_null(strstr(fc_context_message(in->context), path));
        fc_dataset_destroy(read);
    }
    fc_dataset_destroy(dataset);
}

/* Random bytes of a file are changed: whatever comes, the reader answers. */
static void damaged_files_never_crash_the_reader(void **state)
{
    enum { TRIALS = 400 };
    bench *in = *state;
    fc__rng rng = fc__rng_create(11, 12);
    fc_dataset *dataset = ragged(in), *read;
    char path[128];
    memcpy(path, in_folder(in, "data.nc"), sizeof path);
    assert_ok(in, fc_dataset_write(in->context, path, dataset, NULL));
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(1 << 20);
    size_t size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    const char *other = in_folder(in, "damaged.nc");
    for (int k = 0; k < TRIALS; k++) {
        size_t at = fc__rng_below(&rng, size);
        char kept = bytes[at];
        bytes[at] = (char)fc__rng_below(&rng, 256);
        file = fopen(other, "wb");
        fwrite(bytes, 1, size, file);
        fclose(file);
        bytes[at] = kept;
        (void)!fc_dataset_read(in->context, other, NULL, &read);
        fc_dataset_destroy(read);
    }
    free(bytes);
    fc_dataset_destroy(dataset);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(grid_of_many_sequences_comes_back),
        TEST(grid_of_one_record_comes_back),
        TEST(one_sequence_that_is_no_record_comes_back),
        TEST(shared_scattered_points_come_back),
        TEST(ragged_points_and_times_come_back),
        TEST(points_of_their_own_come_back),
        TEST(sequences_with_other_times_come_back),
        TEST(a_shape_that_is_no_tensor_grid_comes_back),
        TEST(frames_larger_than_a_block_come_back),
        TEST(chosen_variables_and_frames_are_read),
        TEST(a_forecast_reads_back_without_its_deviations),
        TEST(netcdf_tools_understand_the_files),
        TEST(names_that_clash_are_refused),
        TEST(attributes_must_be_a_json_object),
        TEST(unknown_variables_are_answered_with_those_there_are),
        TEST(newer_versions_are_refused),
        TEST(counts_that_do_not_add_up_are_refused),
        TEST(missing_parts_never_crash_the_reader),
        TEST(damaged_files_never_crash_the_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
