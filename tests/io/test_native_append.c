/* Native datasets whose values are read or made while they are written: the same files as those of
 * datasets in memory, and none at all after a failure. */
#include "inr/support.h"
#include "tests/inr/unread_fixture.h"
#include "tests/io/io_testing.h"

#include <hdf5.h>
#include <math.h>

/* A dataset of two channels with values that differ everywhere; `sets` point sets in turn, a grid
 * where there is one, `missing` of every hundred values not observed. */
static fc_dataset *make(bench *in, size_t sequences, size_t frames, size_t sets, size_t missing)
{
    enum { SIDE = 12 };
    fc_domain domain = {.dims = 2};
    const size_t grid[FC_MAX_DIMS] = {SIDE, SIDE};
    fc_dataset *dataset;
    fc_sequence *sequence;
    size_t index, number = 0;
    double x[2 * SIDE * SIDE], times[64];
    size_t points[64];
    for (size_t i = 0; i < 2; i++) {
        domain.axis[i] = (fc_axis){.kind = FC_AXIS_PLAIN, .upper = 1.0};
        fc__copy_name(domain.axis[i].name, i ? "y" : "x");
    }
    assert_ok(in, fc_dataset_create(in->context, &domain, 2, &dataset));
    fc__copy_name(dataset->time.units, "1");
    fc__copy_name(dataset->channels[0].name, "a");
    fc__copy_name(dataset->channels[1].name, "b");
    for (size_t p = 0; p < SIDE * SIDE; p++) {
        x[2 * p] = (double)(p % SIDE) / SIDE;
        x[2 * p + 1] = (double)(p / SIDE) / SIDE;
    }
    for (size_t p = 0; p < sets; p++)
        assert_ok(in, fc_dataset_add_points(in->context, dataset, SIDE * SIDE - p, x,
                                            p ? NULL : grid, &index));
    for (size_t s = 0; s < sequences; s++) {
        for (size_t f = 0; f < frames; f++) {
            times[f] = 0.5 * (double)f;
            points[f] = f % sets;
        }
        assert_ok(in,
                  fc_dataset_add_sequence(in->context, dataset, frames, times, points, &sequence));
        for (size_t f = 0; f < frames; f++)
            for (size_t i = 0; i < 2 * dataset->points[points[f]].count; i++, number++)
                sequence->frames[f].values[i] =
                    i > 1 && number * 37 % 100 < missing ? NAN : (float)number;
    }
    return dataset;
}

static size_t storage_of(bench *in, const char *name, const char *variable, bool *chunked)
{
    hid_t file = H5Fopen(in_folder(in, name), H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t id = H5Dopen2(file, variable, H5P_DEFAULT), creation = H5Dget_create_plist(id);
    size_t bytes = (size_t)H5Dget_storage_size(id);
    *chunked = H5Pget_layout(creation) == H5D_CHUNKED;
    H5Pclose(creation);
    H5Dclose(id);
    H5Fclose(file);
    return bytes;
}

/* Both files hold the same; the unread one was read once. */
static void compare_files(bench *in, const fc_dataset *dataset)
{
    unread_source source;
    fc_dataset *unread = unread_dataset(dataset, 3, &source), *back;
    const fc_read_config config = {0};
    size_t frames = 0;
    bool chunked[2];
    assert_ok(in, fc_dataset_write(in->context, in_folder(in, "whole.nc"), dataset, "{\"n\": 1}"));
    assert_ok(in, fc_dataset_write(in->context, in_folder(in, "parts.nc"), unread, "{\"n\": 1}"));
    for (size_t s = 0; s < dataset->sequence_count; s++)
        frames += dataset->sequences[s].frame_count;
    assert_int_equal(source.frames, frames);
    assert_null(unread->sequences[0].frames[0].values);
    assert_ok(in, fc_dataset_read(in->context, in_folder(in, "parts.nc"), &config, &back));
    assert_same_dataset(dataset, back);
    for (size_t c = 0; c < 2; c++) {
        const char *name = dataset->channels[c].name;
        assert_int_equal(storage_of(in, "whole.nc", name, &chunked[0]),
                         storage_of(in, "parts.nc", name, &chunked[1]));
        assert_int_equal(chunked[0], chunked[1]);
    }
    fc_file_description whole, parts;
    assert_ok(in, fc_file_describe(in->context, in_folder(in, "whole.nc"), &whole));
    assert_ok(in, fc_file_describe(in->context, in_folder(in, "parts.nc"), &parts));
    assert_int_equal(strlen(whole.checksum), FC_CHECKSUM_SIZE - 1);
    assert_string_equal(whole.checksum, parts.checksum);
    fc_dataset_destroy(back);
    fc_dataset_destroy(unread);
}

static void gridded_sequences_come_out_as_from_memory(void **state)
{
    for (size_t missing = 0; missing <= 40; missing += 40) { /* plain and compressed */
        fc_dataset *dataset = make(*state, 5, 7, 1, missing);
        compare_files(*state, dataset);
        fc_dataset_destroy(dataset);
    }
}

static void a_record_has_no_sequence_axis(void **state)
{
    fc_dataset *dataset = make(*state, 1, 31, 1, 0);
    dataset->record = true;
    compare_files(*state, dataset);
    fc_dataset_destroy(dataset);
}

static void ragged_frames_follow_each_other(void **state)
{
    fc_dataset *dataset = make(*state, 3, 20, 3, 5);
    compare_files(*state, dataset);
    fc_dataset_destroy(dataset);
}

static void a_failed_or_interrupted_write_leaves_nothing(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = make(in, 5, 7, 1, 0);
    for (int interrupted = 0; interrupted < 2; interrupted++) {
        unread_source source;
        fc_dataset *unread = unread_dataset(dataset, 1, &source);
        fc_context *context;
        assert_ok(in, fc_context_create(1, &context));
        int before = count_files(in);
        if (interrupted) {
            source.interrupts = context;
            source.interrupts_at = 16;
        } else {
            source.fails_at = 16;
        }
        fc_status status = fc_dataset_write(context, in_folder(in, "none.nc"), unread, NULL);
        assert_int_equal(status, interrupted ? FC_INTERRUPTED : FC_ERROR_IO);
        assert_non_null(strstr(fc_context_message(context),
                               interrupted ? "interrupted after 2 of 5" : "the disk is gone"));
        assert_int_equal(count_files(in), before);
        fc_dataset_destroy(unread);
        fc_context_destroy(context);
    }
    fc_dataset_destroy(dataset);
}

/* What fieldcast generates larger than memory. */
static void generated_waves_are_written_as_they_are_made(void **state)
{
    bench *in = *state;
    fc_wave_config config = fc_wave_config_default();
    const fc_read_config all = {0};
    fc_dataset *whole, *open, *back;
    config.sequences = 9;
    config.grid = 32;
    assert_ok(in, fc_wave_generate(in->context, &config, &whole));
    assert_ok(in, fc_wave_open(in->context, &config, &open));
    assert_ok(in, fc_dataset_write(in->context, in_folder(in, "waves.nc"), open, NULL));
    assert_ok(in, fc_dataset_read(in->context, in_folder(in, "waves.nc"), &all, &back));
    assert_same_dataset(whole, back);
    fc_dataset_destroy(whole);
    fc_dataset_destroy(open);
    fc_dataset_destroy(back);
}

static void a_flow_that_is_simulated_in_parts_is_the_one_of_the_whole(void **state)
{
    bench *in = *state;
    fc_navier_stokes_config config = fc_navier_stokes_config_default();
    const fc_read_config all = {0};
    fc_dataset *whole, *open, *back;
    config.sequences = 7;
    config.frames = 4;
    config.burn_in = 1.0;
    config.grid = 32;
    assert_ok(in, fc_navier_stokes_generate(in->context, &config, &whole));
    assert_ok(in, fc_navier_stokes_open(in->context, &config, &open));
    assert_ok(in, fc_dataset_write(in->context, in_folder(in, "flow.nc"), open, NULL));
    assert_ok(in, fc_dataset_read(in->context, in_folder(in, "flow.nc"), &all, &back));
    assert_same_dataset(whole, back);
    fc_dataset_destroy(whole);
    fc_dataset_destroy(open);
    fc_dataset_destroy(back);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(gridded_sequences_come_out_as_from_memory),
        TEST(a_record_has_no_sequence_axis),
        TEST(ragged_frames_follow_each_other),
        TEST(a_failed_or_interrupted_write_leaves_nothing),
        TEST(generated_waves_are_written_as_they_are_made),
        TEST(a_flow_that_is_simulated_in_parts_is_the_one_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
