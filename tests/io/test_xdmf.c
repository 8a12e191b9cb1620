/* XDMF: the text says where the fields lie. That they do lie there is tested by
 * tests/cli/formats.sh with a reader of its own. */
#include "tests/io/writing_fixture.h"

enum { TEXT_SIZE = 1 << 16 };

static void load_text(const char *path, char text[TEXT_SIZE])
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, TEXT_SIZE - 1, file)] = '\0';
    fclose(file);
}

/* Writes the text for a native file data.nc in the same folder. */
static void write_text(bench *in, const fc_dataset *dataset, const fc_dataset *deviation,
                       char text[TEXT_SIZE])
{
    char data[128];
    snprintf(data, sizeof data, "%s", in_folder(in, "data.nc"));
    const char *path = in_folder(in, "data.xdmf");
    assert_ok(in, fc_xdmf_write(in->context, path, data, dataset, deviation));
    assert_int_equal(count_files(in), 1);
    load_text(path, text);
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

#define assert_has(text, part)                                                                     \
    do {                                                                                           \
        if (!strstr(text, part))                                                                   \
            fail_msg("no '%s' in\n%.4000s", part, text);                                           \
    } while (0)

static void grids_are_padded_to_three_axes(void **state)
{
    static const char *const shapes[] = {"1 1 4", "1 3 4", "2 3 4"};
    bench *in = *state;
    for (size_t dims = 1; dims <= 3; dims++) {
        char text[TEXT_SIZE], part[128];
        fc_dataset *dataset = grid_dataset(in, dims, 2);
        write_text(in, dataset, NULL, text);
        snprintf(part, sizeof part, "TopologyType=\"3DRectMesh\" Dimensions=\"%s\"",
                 shapes[dims - 1]);
        assert_int_equal(count_of(text, part), 10);
        assert_int_equal(count_of(text, "CollectionType=\"Temporal\""), 2);
        assert_int_equal(count_of(text, "<Attribute Name=\"u1\""), 10);
        assert_int_equal(count_of(text, ">data.nc:/x<"), 10);
        assert_int_equal(count_of(text, ">0</DataItem>"), 10 * (3 - dims));
        fc_dataset_destroy(dataset);
    }
}

static void frames_are_boxes_of_the_variable(void **state)
{
    bench *in = *state;
    char text[TEXT_SIZE];
    fc_dataset *dataset = grid_dataset(in, 2, 1);
    write_text(in, dataset, dataset, text);
    assert_has(text, "Dimensions=\"3 4\">1 3 0 0 1 1 1 1 1 1 3 4</DataItem>");
    assert_has(text, "Dimensions=\"2 5 3 4\">data.nc:/u0</DataItem>");
    assert_has(text, "Dimensions=\"2 5 3 4\">data.nc:/u0_std</DataItem>");
    assert_has(text, "<Time Value=\"1.3333333333333333\"/>");
    dataset->record = true; /* of two sequences: the axis stays */
    write_text(in, dataset, NULL, text);
    assert_has(text, "Dimensions=\"2 5 3 4\">data.nc:/u0</DataItem>");
    dataset->sequence_count = 1;
    write_text(in, dataset, NULL, text);
    assert_has(text, "Dimensions=\"5 3 4\">data.nc:/u0</DataItem>");
    dataset->sequence_count = 2;
    fc_dataset_destroy(dataset);
}

static void moving_points_are_slices_of_all_points(void **state)
{
    bench *in = *state;
    char text[TEXT_SIZE];
    fc_dataset *dataset = moving_dataset(in);
    write_text(in, dataset, NULL, text);
    assert_int_equal(count_of(text, "NumberOfElements=\"4\""), 2);
    assert_int_equal(count_of(text, "NumberOfElements=\"6\""), 1);
    assert_int_equal(count_of(text, "Dimensions=\"10\">data.nc:/y</DataItem>"), 3);
    assert_int_equal(count_of(text, "Dimensions=\"14\">data.nc:/u0</DataItem>"), 3);
    assert_int_equal(count_of(text, ">4 1 6</DataItem>"), 3);  /* x, y and u0 of frame 1 */
    assert_int_equal(count_of(text, ">10 1 4</DataItem>"), 1); /* u0 of frame 2 */
    assert_int_equal(count_of(text, "GeometryType=\"X_Y\""), 3);
    fc_dataset_destroy(dataset);
}

static void names_are_escaped(void **state)
{
    bench *in = *state;
    char text[TEXT_SIZE];
    fc_dataset *dataset = grid_dataset(in, 2, 1);
    fc__copy_name(dataset->channels[0].name, "a<b&\"c\"");
    write_text(in, dataset, NULL, text);
    assert_int_equal(count_of(text, "Name=\"a&lt;b&amp;&quot;c&quot;\""), 10);
    assert_int_equal(count_of(text, ":/a&lt;b&amp;&quot;c&quot;</DataItem>"), 10);
    fc_dataset_destroy(dataset);
}

static void a_native_file_elsewhere_keeps_its_path(void **state)
{
    bench *in = *state;
    char text[TEXT_SIZE];
    fc_dataset *dataset = grid_dataset(in, 1, 1);
    const char *path = in_folder(in, "data.xdmf");
    assert_ok(in, fc_xdmf_write(in->context, path, "/other/data.nc", dataset, NULL));
    load_text(path, text);
    assert_has(text, ">/other/data.nc:/u0</DataItem>");
    fc_dataset_destroy(dataset);
}

static void what_cannot_be_drawn_is_refused(void **state)
{
    bench *in = *state;
    fc_dataset *four = grid_dataset(in, 4, 1), *line = make_dataset(in, 1, 1);
    const char *path = in_folder(in, "data.xdmf");
    make_points(in, line, 5);
    make_sequence(in, line, 2, 0.0, NULL);
    assert_fails(in, FC_ERROR_DATA, fc_xdmf_write(in->context, path, "data.nc", four, NULL), path,
                 "have 4", ".nc");
    assert_fails(in, FC_ERROR_DATA, fc_xdmf_write(in->context, path, "data.nc", line, NULL), path,
                 "have 1", "CSV");
    assert_fails(in, FC_ERROR_USAGE, fc_xdmf_write(in->context, path, "data.nc", line, four), path,
                 "standard deviations");
    assert_int_equal(count_files(in), 0);
    fc_dataset_destroy(four);
    fc_dataset_destroy(line);
}

static void nothing_is_left_where_it_cannot_be_written(void **state)
{
    bench *in = *state;
    fc_dataset *dataset = grid_dataset(in, 2, 1);
    assert_fails(in, FC_ERROR_IO,
                 fc_xdmf_write(in->context, "/no/such/data.xdmf", "data.nc", dataset, NULL),
                 "/no/such/data.xdmf", "No such file");
    assert_fails(in, FC_ERROR_IO, fc_xdmf_write(in->context, in->folder, "data.nc", dataset, NULL),
                 in->folder, "not a regular file");
    assert_int_equal(count_files(in), 0);
    fc_dataset_destroy(dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(grids_are_padded_to_three_axes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(frames_are_boxes_of_the_variable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(moving_points_are_slices_of_all_points, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_are_escaped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_native_file_elsewhere_keeps_its_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_drawn_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_left_where_it_cannot_be_written, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
