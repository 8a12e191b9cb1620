/* PDEBench's layouts, LZF compression among them, in files that h5py has written
 * (tests/golden/make_ml_datasets.py), and what is refused. */
#include "tests/io/ml_testing.h"

/* ---------------------------------------------------------------- whole arrays */

static void advection_is_periodic_and_has_one_time_less_than_edges(void **state)
{
    bench *in = *state;
    const expected_axis x = middles(8, 0.0, 2.0, BY_I);
    fc_dataset *dataset = read_twice(in, golden(in, "ml_advection.h5"), NULL);
    assert_int_equal(dataset->domain.dims, 1);
    assert_string_equal(dataset->domain.axis[0].name, "x");
    assert_int_equal(dataset->domain.axis[0].kind, FC_AXIS_PERIODIC);
    assert_true(fabs(dataset->domain.axis[0].lower) < 1e-6);
    assert_true(fabs(dataset->domain.axis[0].upper - 2.0) < 1e-6);
    assert_int_equal(dataset->sequence_count, 3);
    assert_int_equal(dataset->channel_count, 1);
    assert_false(dataset->record);
    assert_times(dataset, 2, 4, (double[]){0.0, 0.5, 1.0, 1.5});
    assert_channel(dataset, "tensor", &x, BY_SEQUENCE, BY_TIME, 0);
    fc_dataset_destroy(dataset);
}

static void whole_chunks_are_read_together(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = NULL;
    assert_ok(in, fc_dataset_open(in->context, golden(in, "ml_advection.h5"), NULL, &dataset));
    assert_int_equal(dataset->reader.unit, 3);
    fc_dataset_destroy(dataset);
}

static void the_number_of_frames_can_be_limited(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = NULL;
    const fc_read_config config = {.max_frames = 2};
    assert_ok(in, fc_dataset_read(in->context, golden(in, "ml_advection.h5"), &config, &dataset));
    assert_times(dataset, 0, 2, (double[]){0.0, 0.5});
    fc_dataset_destroy(dataset);
}

static void darcy_flow_is_one_frame_a_sequence(void **state)
{
    bench *in = *state;
    const expected_axis axes[] = {middles(5, 0.0, 1.0, BY_I), middles(3, 0.0, 1.0, BY_J)};
    fc_dataset *dataset = read_twice(in, golden(in, "ml_darcy.h5"), NULL);
    assert_int_equal(dataset->channel_count, 2);
    assert_int_equal(dataset->sequence_count, 2);
    assert_times(dataset, 1, 1, (double[]){0.0});
    assert_int_equal(dataset->domain.axis[0].kind, FC_AXIS_PLAIN);
    assert_channel(dataset, "tensor", axes, BY_SEQUENCE, 0, 0);
    assert_channel(dataset, "nu", axes, BY_SEQUENCE, 0, 1);
    fc_dataset_destroy(dataset);
}

static void compressible_flow_has_a_channel_for_each_array(void **state)
{
    bench *in = *state;
    const expected_axis axes[] = {middles(5, -1.0, 1.0, BY_I), middles(4, -1.0, 1.0, BY_J)};
    fc_dataset *dataset = read_twice(in, golden(in, "ml_compressible_2d.h5"), NULL);
    static const char *const names[] = {"density", "pressure", "Vx", "Vy"};
    assert_int_equal(dataset->channel_count, 4);
    for (size_t c = 0; c < 4; c++)
        assert_string_equal(dataset->channels[c].name, names[c]);
    assert_string_equal(dataset->domain.axis[1].name, "y");
    assert_times(dataset, 1, 3, (double[]){0.0, 0.25, 0.5});
    assert_channel(dataset, "Vx", axes, BY_SEQUENCE, BY_TIME, 0);
    assert_channel(dataset, "Vy", axes, BY_SEQUENCE, BY_TIME, 1);
    assert_channel(dataset, "density", axes, BY_SEQUENCE, BY_TIME, 2);
    assert_channel(dataset, "pressure", axes, BY_SEQUENCE, BY_TIME, 3);
    fc_dataset_destroy(dataset);
}

static void compressible_flow_has_one_to_three_dimensions(void **state)
{
    bench *in = *state;
    const expected_axis line = middles(6, -1.0, 1.0, BY_I);
    const expected_axis axes[] = {middles(5, -1.0, 1.0, BY_I), middles(4, -1.0, 1.0, BY_J),
                                  middles(3, -1.0, 1.0, BY_K)};
    fc_dataset *dataset = read_twice(in, golden(in, "ml_compressible_1d.h5"), NULL);
    assert_int_equal(dataset->domain.axis[0].kind, FC_AXIS_PLAIN);
    assert_channel(dataset, "density", &line, BY_SEQUENCE, BY_TIME, 1);
    fc_dataset_destroy(dataset);
    dataset = read_twice(in, golden(in, "ml_compressible_3d.h5"), "Vz, density");
    assert_int_equal(dataset->channel_count, 2);
    assert_channel(dataset, "Vz", axes, BY_SEQUENCE, BY_TIME, 2);
    assert_channel(dataset, "density", axes, BY_SEQUENCE, BY_TIME, 3);
    fc_dataset_destroy(dataset);
}

/* ---------------------------------------------------------------- a group a sequence */

static void groups_of_seeds_are_sequences_with_their_own_times(void **state)
{
    bench *in = *state;
    const expected_axis axes[] = {middles(5, -1.0, 1.0, BY_I), middles(3, -1.0, 1.0, BY_J)};
    fc_dataset *dataset = read_twice(in, golden(in, "ml_groups_2d.h5"), NULL);
    assert_int_equal(dataset->sequence_count, 3);
    assert_times(dataset, 0, 4, (double[]){0.0, 0.5, 1.0, 1.5});
    assert_times(dataset, 1, 3, (double[]){1.0, 1.5, 2.0});
    assert_times(dataset, 2, 4, (double[]){2.0, 2.5, 3.0, 3.5});
    assert_channel(dataset, "u", axes, BY_SEQUENCE, BY_TIME, 0);
    assert_channel(dataset, "v", axes, BY_SEQUENCE, BY_TIME, 1);
    assert_string_equal(dataset->channels[0].long_name, "activator");
    fc_dataset_destroy(dataset);
    dataset = read_twice(in, golden(in, "ml_groups_2d.h5"), "v");
    assert_int_equal(dataset->channel_count, 1);
    assert_channel(dataset, "v", axes, BY_SEQUENCE, BY_TIME, 1);
    fc_dataset_destroy(dataset);
}

static void no_particular_seed_needs_to_exist(void **state)
{
    bench *in = *state;
    const expected_axis x = middles(6, 0.0, 1.0, BY_I);
    fc_dataset *dataset = read_twice(in, golden(in, "ml_groups_1d.h5"), NULL);
    assert_int_equal(dataset->sequence_count, 2);
    assert_channel(dataset, "u", &x, BY_SEQUENCE, BY_TIME, 0);
    fc_dataset_destroy(dataset);
}

static void channels_are_numbered_where_nothing_names_them(void **state)
{
    bench *in = *state;
    const expected_axis axes[] = {middles(5, -1.0, 1.0, BY_I), middles(3, -1.0, 1.0, BY_J)};
    fc_dataset *dataset = read_twice(in, golden(in, "ml_groups_plain.h5"), NULL);
    assert_channel(dataset, "data_0", axes, BY_SEQUENCE, BY_TIME, 0);
    fc_dataset_destroy(dataset);
}

/* ---------------------------------------------------------------- incompressible flow */

static void incompressible_flow_lies_in_the_unit_square(void **state)
{
    bench *in = *state;
    const expected_axis axes[] = {middles(5, 0.0, 1.0, BY_I), middles(3, 0.0, 1.0, BY_J)};
    fc_dataset *dataset = read_twice(in, golden(in, "ml_incompressible.h5"), NULL);
    assert_int_equal(dataset->channel_count, 3);
    assert_true(dataset->domain.axis[1].lower == 0.0 && dataset->domain.axis[1].upper == 1.0);
    assert_channel(dataset, "velocity_x", axes, BY_SEQUENCE, BY_TIME, 0);
    assert_channel(dataset, "velocity_y", axes, BY_SEQUENCE, BY_TIME, 1);
    assert_channel(dataset, "particles", axes, BY_SEQUENCE, BY_TIME, 2);
    fc_dataset_destroy(dataset);
    dataset = read_twice(in, golden(in, "ml_incompressible.h5"), "force_y,particles");
    assert_channel(dataset, "force_y", axes, BY_SEQUENCE, 0, 4);
    assert_channel(dataset, "particles", axes, BY_SEQUENCE, BY_TIME, 2);
    fc_dataset_destroy(dataset);
}

static void frames_that_a_stopped_simulation_left_empty_are_left_out(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = read_twice(in, golden(in, "ml_incompressible.h5"), NULL);
    assert_times(dataset, 0, 3, (double[]){0.0, 1.0, 2.0});
    assert_times(dataset, 1, 3, (double[]){0.0, 2.0, 4.0});
    fc_dataset_destroy(dataset);
    hid_t file = edit(in, "ml_incompressible.h5");
    H5Adelete(file, "latestIndex");
    assert_refused(in, file, "t[0, 3] is 0 after 2", "increase");
}

/* ---------------------------------------------------------------- what is refused */

static void unknown_channels_are_named_with_those_that_exist(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = NULL;
    const fc_read_config config = {.variables = "density,w"};
    assert_fails(
        in, FC_ERROR_DATA,
        fc_dataset_read(in->context, golden(in, "ml_compressible_2d.h5"), &config, &dataset),
        "ml_compressible_2d.h5", "\"w\"", "density", "pressure", "Vx", "Vy");
}

static void coordinates_must_fit_the_arrays(void **state)
{
    bench *in = *state;
    hid_t file = edit(in, "ml_advection.h5");
    replace(file, "x-coordinate", 1, (hsize_t[]){7});
    assert_refused(in, file, "tensor", "axis 2", "length 8", "7 coordinates x");

    file = edit(in, "ml_advection.h5");
    set_number(file, "x-coordinate", 3, (double)NAN);
    assert_refused(in, file, "x-coordinate[3]", "finite");

    file = edit(in, "ml_advection.h5");
    set_number(file, "x-coordinate", 3, 0.0);
    assert_refused(in, file, "x-coordinate", "index 3", "increase or decrease");

    file = edit(in, "ml_advection.h5");
    replace(file, "x-coordinate", 2, (hsize_t[]){2, 4});
    assert_refused(in, file, "x-coordinate has 2 axes");

    file = edit(in, "ml_compressible_2d.h5");
    H5Ldelete(file, "y-coordinate", H5P_DEFAULT);
    assert_refused(in, file, "no array has the axes");
}

static void times_must_fit_the_frames(void **state)
{
    bench *in = *state;
    hid_t file = edit(in, "ml_advection.h5");
    replace(file, "t-coordinate", 1, (hsize_t[]){6});
    assert_refused(in, file, "t-coordinate has 6 times for 4 frames", "4 or 5");

    file = edit(in, "ml_advection.h5");
    replace(file, "t-coordinate", 1, (hsize_t[]){3});
    assert_refused(in, file, "t-coordinate has 3 times for 4 frames");

    file = edit(in, "ml_advection.h5");
    H5Ldelete(file, "t-coordinate", H5P_DEFAULT);
    assert_refused(in, file, "t-coordinate is missing");

    file = edit(in, "ml_advection.h5");
    set_number(file, "t-coordinate", 2, 0.25);
    assert_refused(in, file, "times must increase");
}

static void arrays_must_have_the_axes_of_the_family(void **state)
{
    bench *in = *state;
    hid_t file = edit(in, "ml_advection.h5");
    replace(file, "tensor", 4, (hsize_t[]){3, 4, 8, 2});
    assert_refused(in, file, "no array has the axes");

    file = edit(in, "ml_compressible_2d.h5");
    replace(file, "Vx", 4, (hsize_t[]){3, 3, 5, 4});
    assert_refused(in, file, "Vx", "length 3", "2 sequences");

    file = edit(in, "ml_advection.h5");
    replace(file, "tensor", 3, (hsize_t[]){3, 0, 8});
    replace(file, "t-coordinate", 1, (hsize_t[]){1});
    assert_refused(in, file, "no frames");
}

static void groups_must_be_alike(void **state)
{
    bench *in = *state;
    hid_t file = edit(in, "ml_groups_2d.h5");
    replace(file, "0002/data", 3, (hsize_t[]){3, 5, 3});
    assert_refused(in, file, "0002/data has 3 axes", "channel");

    file = edit(in, "ml_groups_2d.h5");
    replace(file, "0002/data", 4, (hsize_t[]){3, 5, 3, 1});
    assert_refused(in, file, "0002/data has 1 channels");

    file = edit(in, "ml_groups_2d.h5");
    set_number(file, "0010/grid/y", 2, 0.9);
    assert_refused(in, file, "0010/grid/y differs from 0000/grid/y");

    file = edit(in, "ml_groups_2d.h5");
    H5Ldelete(file, "0010/grid", H5P_DEFAULT);
    assert_refused(in, file, "0010/grid/x is missing");

    file = edit(in, "ml_groups_2d.h5");
    replace(file, "0002/grid/t", 1, (hsize_t[]){9});
    assert_refused(in, file, "0002/grid/t has 9 times for 3 frames");

    file = edit(in, "ml_groups_2d.h5");
    H5Ldelete(file, "0002/data", H5P_DEFAULT);
    assert_refused(in, file, "0002/data is missing");
}

static void groups_that_are_no_numbers_are_no_sequences(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = NULL;
    hid_t file = edit(in, "ml_groups_2d.h5");
    H5Lmove(file, "0002", file, "seed", H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(file);
    assert_ok(in, fc_dataset_read(in->context, in_folder(in, "spoilt.h5"), NULL, &dataset));
    assert_int_equal(dataset->sequence_count, 2);
    fc_dataset_destroy(dataset);
    file = edit(in, "ml_groups_plain.h5");
    H5Lmove(file, "0001", file, "-1", H5P_DEFAULT, H5P_DEFAULT);
    assert_refused(in, file, "none of the formats");
}

static void groups_that_hold_each_other_end(void **state)
{
    bench *in = *state;
    hid_t file = edit(in, "ml_groups_2d.h5");
    H5Ldelete(file, "0002/grid", H5P_DEFAULT);
    H5Lcreate_hard(file, "/", file, "0002/grid", H5P_DEFAULT, H5P_DEFAULT);
    assert_refused(in, file, "0002/grid/x is missing");

    file = edit(in, "ml_groups_2d.h5");
    H5Lcreate_hard(file, "/", file, "0003", H5P_DEFAULT, H5P_DEFAULT);
    assert_refused(in, file, "0003/data is missing");
}

static void many_names_of_one_group_do_not_multiply_it(void **state)
{
    bench *in = *state;
    char name[16];
    const hsize_t shape[] = {8000, 5, 3, 2}, chunk[] = {1000, 5, 3, 2};
    hid_t file = edit(in, "ml_groups_2d.h5");
    H5Ldelete(file, "0000/data", H5P_DEFAULT);
    replace(file, "0000/grid/t", 1, (hsize_t[]){8000});
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(4, shape, NULL);
    H5Pset_chunk(creation, 4, chunk);
    hid_t array =
        H5Dcreate2(file, "0000/data", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Dclose(array);
    H5Sclose(space);
    H5Pclose(creation);
    for (int i = 100; i < 800; i++) {
        snprintf(name, sizeof name, "%04d", i);
        H5Lcreate_hard(file, "0000", file, name, H5P_DEFAULT, H5P_DEFAULT);
    }
    assert_refused(in, file, "declare more data", "damaged");
}

static void truncated_files_are_refused(void **state)
{
    assert_truncations_refused(*state, "ml_advection.h5");
    assert_truncations_refused(*state, "ml_groups_1d.h5");
    assert_truncations_refused(*state, "ml_incompressible.h5");
}

/* ---------------------------------------------------------------- LZF */

/* Writes these bytes in the place of a compressed chunk. */
static void write_chunk(hid_t file, size_t size, const void *bytes)
{
    const hsize_t first[] = {0, 0, 0};
    hid_t array = H5Dopen2(file, "tensor", H5P_DEFAULT);
    assert_true(H5Dwrite_chunk(array, H5P_DEFAULT, 0, first, size, bytes) >= 0);
    H5Dclose(array);
}

static void damaged_lzf_is_refused(void **state)
{
    bench *in = *state;
    unsigned char bytes[600];
    /* Literals that end early; more than a chunk; a reference before the beginning; nothing. */
    static const unsigned char short_literals[] = {3, 'a', 'b', 'c', 'd'};
    static const unsigned char cut[] = {31, 'a'};
    static const unsigned char before[] = {0, 'a', 0xff, 0xff, 0xff, 0xff};
    hid_t file = edit(in, "ml_advection.h5");
    write_chunk(file, sizeof short_literals, short_literals);
    assert_refused(in, file, "tensor cannot be read");
    file = edit(in, "ml_advection.h5");
    write_chunk(file, sizeof cut, cut);
    assert_refused(in, file, "tensor cannot be read");
    file = edit(in, "ml_advection.h5");
    write_chunk(file, sizeof before, before);
    assert_refused(in, file, "tensor cannot be read");
    file = edit(in, "ml_advection.h5");
    memset(bytes, 31, sizeof bytes); /* runs of 32 bytes of 31 */
    write_chunk(file, sizeof bytes, bytes);
    assert_refused(in, file, "tensor cannot be read");
}

static void noise_is_no_lzf(void **state)
{
    bench *in = *state;
    fc__rng rng = fc__rng_create(1, 2);
    unsigned char bytes[64];
    for (int k = 0; k < 40; k++) {
        fc_dataset *dataset = NULL;
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (unsigned char)fc__rng_below(&rng, 256);
        hid_t file = edit(in, "ml_advection.h5");
        write_chunk(file, 1 + fc__rng_below(&rng, sizeof bytes), bytes);
        H5Fclose(file);
        /* What does decompress to a chunk may have any values. */
        if (fc_dataset_read(in->context, in_folder(in, "spoilt.h5"), NULL, &dataset) == FC_OK)
            fc_dataset_destroy(dataset);
    }
}

/* A file whose LZF filter notes another size of chunks than 192 bytes. */
static void set_chunk_size(bench *in, unsigned char low, unsigned char high)
{
    static const unsigned char parameters[] = {4, 0, 0, 0, 5, 1, 0, 0, 192, 0, 0, 0};
    unsigned char bytes[16384];
    H5Fclose(edit(in, "ml_advection.h5"));
    FILE *file = fopen(in->path, "r+b");
    size_t size = fread(bytes, 1, sizeof bytes, file), at = 0;
    while (at + sizeof parameters < size && memcmp(bytes + at, parameters, sizeof parameters) != 0)
        at++;
    assert_true(at + sizeof parameters < size);
    bytes[at + 8] = low;
    bytes[at + 11] = high;
    rewind(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void lzf_parameters_must_tell_the_size_of_chunks(void **state)
{
    bench *in = *state;
    static const unsigned char sizes[][2] = {{0, 0}, {191, 0}, {192, 255}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fc_dataset *dataset = NULL;
        set_chunk_size(in, sizes[i][0], sizes[i][1]);
        assert_fails(in, FC_ERROR_DATA,
                     fc_dataset_read(in->context, in_folder(in, "spoilt.h5"), NULL, &dataset),
                     "spoilt.h5", "tensor", "LZF", "size of its chunks");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(advection_is_periodic_and_has_one_time_less_than_edges),
        TEST(whole_chunks_are_read_together),
        TEST(the_number_of_frames_can_be_limited),
        TEST(darcy_flow_is_one_frame_a_sequence),
        TEST(compressible_flow_has_a_channel_for_each_array),
        TEST(compressible_flow_has_one_to_three_dimensions),
        TEST(groups_of_seeds_are_sequences_with_their_own_times),
        TEST(no_particular_seed_needs_to_exist),
        TEST(channels_are_numbered_where_nothing_names_them),
        TEST(incompressible_flow_lies_in_the_unit_square),
        TEST(frames_that_a_stopped_simulation_left_empty_are_left_out),
        TEST(unknown_channels_are_named_with_those_that_exist),
        TEST(coordinates_must_fit_the_arrays),
        TEST(times_must_fit_the_frames),
        TEST(arrays_must_have_the_axes_of_the_family),
        TEST(groups_must_be_alike),
        TEST(groups_that_are_no_numbers_are_no_sequences),
        TEST(groups_that_hold_each_other_end),
        TEST(many_names_of_one_group_do_not_multiply_it),
        TEST(truncated_files_are_refused),
        TEST(damaged_lzf_is_refused),
        TEST(noise_is_no_lzf),
        TEST(lzf_parameters_must_tell_the_size_of_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
