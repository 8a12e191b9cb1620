#include "io/plot.h"

#include "inr/support.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Relative or absolute, as said. */
static const double lightness_tolerance = 1.5; /* CIELAB units, rounding to 8 bits and gamut edge */
static const double tick_tolerance = 1e-12;    /* relative to the axis */

/* Read by the leak checker: fontconfig keeps its caches until the program ends. */
FC_API const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

typedef struct fixture {
    fc_context *context;
    char folder[64];
} fixture;

static int set_up(void **state)
{
    fixture *made = calloc(1, sizeof *made);
    if (!made || fc_context_create(1, &made->context) != FC_OK)
        return -1;
    strcpy(made->folder, "/tmp/fc-plot-XXXXXX");
    *state = made;
    return mkdtemp(made->folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    fixture *made = *state;
    DIR *folder = opendir(made->folder);
    char path[512];
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        snprintf(path, sizeof path, "%s/%s", made->folder, entry->d_name);
        remove(path); /* "." and ".." refuse */
    }
    if (folder)
        closedir(folder);
    rmdir(made->folder);
    fc_context_destroy(made->context);
    free(made);
    return 0;
}

static size_t files_in(const char *folder)
{
    size_t count = 0;
    DIR *opened = opendir(folder);
    assert_non_null(opened);
    for (struct dirent *entry; (entry = readdir(opened));)
        count += entry->d_name[0] != '.';
    closedir(opened);
    return count;
}

/* CIELAB lightness of an sRGB colour. */
static double lightness_of(fc__colour colour)
{
    double channel[] = {colour.red, colour.green, colour.blue};
    static const double weight[] = {0.2126729, 0.7151522, 0.0721750};
    double luminance = 0.0;
    for (int i = 0; i < 3; ++i) {
        double c = channel[i];
        luminance += weight[i] * (c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
    }
    return 116.0 * cbrt(luminance) - 16.0;
}

static void sequential_colours_rise_in_lightness_in_equal_steps(void **state)
{
    (void)state;
    for (int i = 0; i <= 100; ++i) {
        double expected = 13.0 + 80.0 * i / 100.0;
        double lightness = lightness_of(fc__plot_colour(false, i / 100.0));
        assert_true(fabs(lightness - expected) < lightness_tolerance);
    }
}

static void diverging_colours_are_lightest_in_the_middle_and_equally_dark_at_the_ends(void **state)
{
    (void)state;
    for (int i = 0; i <= 50; ++i) {
        double below = lightness_of(fc__plot_colour(true, 0.5 - i / 100.0));
        double above = lightness_of(fc__plot_colour(true, 0.5 + i / 100.0));
        assert_true(fabs(below - above) < lightness_tolerance);
        assert_true(above <= 97.0 + lightness_tolerance);
    }
    fc__colour low = fc__plot_colour(true, 0.0), high = fc__plot_colour(true, 1.0);
    assert_true(low.blue > low.red && high.red > high.blue);
}

static void colours_outside_the_range_are_those_of_its_ends(void **state)
{
    (void)state;
    fc__colour below = fc__plot_colour(false, -3.0), first = fc__plot_colour(false, 0.0);
    assert_memory_equal(&below, &first, sizeof below);
}

static void ticks_are_round_numbers_within_the_axis(void **state)
{
    (void)state;
    static const double axes[][2] = {{0, 1},       {-1.37, 2.9}, {642989, 643300}, {-90, 90},
                                     {1e-7, 3e-7}, {0, 359},     {-2e9, 5e9},      {271.3, 303.1}};
    for (size_t a = 0; a < sizeof axes / sizeof axes[0]; ++a) {
        double span = axes[a][1] - axes[a][0];
        fc__ticks ticks = fc__ticks_between(axes[a][0], axes[a][1], 6);
        assert_in_range(ticks.count, 2, 8);
        double step = ticks.value[1] - ticks.value[0];
        double digit = step / pow(10.0, floor(log10(step) + 1e-9));
        assert_true(fabs(digit - 1) < 1e-6 || fabs(digit - 2) < 1e-6 || fabs(digit - 5) < 1e-6);
        for (size_t i = 0; i < ticks.count; ++i) {
            assert_true(ticks.value[i] >= axes[a][0] - tick_tolerance * span - 1e-9 * span);
            assert_true(ticks.value[i] <= axes[a][1] + tick_tolerance * span + 1e-9 * span);
        }
    }
}

static void tick_labels_tell_neighbouring_ticks_apart(void **state)
{
    (void)state;
    static const double axes[][2] = {{0, 1}, {1e-7, 3e-7}, {642989, 643300}, {-2e9, 5e9}};
    for (size_t a = 0; a < sizeof axes / sizeof axes[0]; ++a) {
        fc__ticks ticks = fc__ticks_between(axes[a][0], axes[a][1], 5);
        char one[FC__TICK_TEXT], next[FC__TICK_TEXT];
        for (size_t i = 0; i + 1 < ticks.count; ++i) {
            fc__tick_text(&ticks, i, one);
            fc__tick_text(&ticks, i + 1, next);
            assert_string_not_equal(one, next);
        }
    }
}

static void powers_of_ten_move_from_the_labels_to_the_units(void **state)
{
    (void)state;
    char text[64];
    fc__ticks ticks = fc__ticks_between(-4e-4, 4e-4, 4);
    fc__tick_units(&ticks, "K", text, sizeof text);
    assert_string_equal(text, "×10⁻⁴ K");
    fc__tick_text(&ticks, 0, text);
    assert_string_equal(text, "\xe2\x88\x92"
                              "4");
    ticks = fc__ticks_between(0.0, 4.0, 4);
    fc__tick_units(&ticks, "1", text, sizeof text);
    assert_string_equal(text, "");
}

enum { WIDTH = 12, HEIGHT = 8 };

static fc_panel wave_panel(float values[WIDTH * HEIGHT])
{
    for (int i = 0; i < WIDTH * HEIGHT; ++i)
        values[i] = (float)sin(0.3 * i);
    return (fc_panel){.title = "wave",
                      .units = "m",
                      .values = values,
                      .width = WIDTH,
                      .height = HEIGHT,
                      .extent = {0, 3, 0, 2},
                      .x_label = "x",
                      .y_label = "y",
                      .diverging = true};
}

static void range_of_a_panel_ignores_missing_values_and_is_never_empty(void **state)
{
    (void)state;
    float values[WIDTH * HEIGHT];
    double range[2];
    fc_panel panel = wave_panel(values);
    panel.diverging = false;
    for (int i = 0; i < WIDTH * HEIGHT; ++i)
        values[i] = i % 2 ? NAN : 3.0f + (float)i;
    fc__panel_range(&panel, range);
    assert_true(range[0] == 3.0 && range[1] == 3.0 + WIDTH * HEIGHT - 2);
    panel.diverging = true;
    fc__panel_range(&panel, range);
    assert_true(range[0] == -range[1]);
    for (int i = 0; i < WIDTH * HEIGHT; ++i)
        values[i] = NAN;
    fc__panel_range(&panel, range);
    assert_true(range[0] < range[1]);
    for (int i = 0; i < WIDTH * HEIGHT; ++i)
        values[i] = 7.0f;
    panel.diverging = false;
    fc__panel_range(&panel, range);
    assert_true(range[0] < 7.0 && 7.0 < range[1]);
}

/* Colour at a place of the map of a single, untitled panel that is drawn at 2 pixels a unit. */
static uint32_t pixel_at(cairo_surface_t *picture, double right, double up)
{
    double left = 22.0 + FC__PANEL_LEFT, top = 22.0 + FC__PANEL_ABOVE;
    double width = 560.0, height = 560.0 * 2.0 / 3.0;
    int x = (int)(2.0 * (left + right * width)), y = (int)(2.0 * (top + (1.0 - up) * height));
    const unsigned char *data = cairo_image_surface_get_data(picture);
    const uint32_t *row =
        (const void *)(data + (size_t)y * (size_t)cairo_image_surface_get_stride(picture));
    return row[x] & 0xffffffu;
}

static void cells_stand_where_their_coordinates_say_and_missing_ones_are_grey(void **state)
{
    fixture *made = *state;
    float values[WIDTH * HEIGHT];
    char path[128];
    fc_panel panel = wave_panel(values);
    for (int i = 0; i < WIDTH * HEIGHT; ++i)
        values[i] = 0.0f;
    values[0] = 1.0f;                     /* lower left: red */
    values[(HEIGHT - 1) * WIDTH] = -1.0f; /* upper left: blue */
    values[HEIGHT * WIDTH - 1] = NAN;     /* upper right: grey */
    snprintf(path, sizeof path, "%s/cells.png", made->folder);
    assert_int_equal(fc_plot_panels(made->context, path, NULL, 1, &panel, 1), FC_OK);
    cairo_surface_t *picture = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(picture), CAIRO_STATUS_SUCCESS);
    double right = 0.5 / WIDTH, up = 0.5 / HEIGHT;
    uint32_t red = pixel_at(picture, right, up);
    uint32_t blue = pixel_at(picture, right, 1.0 - up);
    uint32_t grey = pixel_at(picture, 1.0 - right, 1.0 - up);
    assert_true((red >> 16) > 2 * (red & 0xff));
    assert_true((blue & 0xff) > 2 * (blue >> 16));
    assert_true((grey >> 16) == (grey & 0xff) && (grey & 0xff) < 0xe0);
    cairo_surface_destroy(picture);
}

static void every_ending_gives_a_file_of_its_kind(void **state)
{
    fixture *made = *state;
    float values[WIDTH * HEIGHT];
    double marks[] = {0.5, 0.5, 2.5, 1.5};
    fc_panel panels[3] = {wave_panel(values), wave_panel(values), wave_panel(values)};
    panels[1].mark_count = 2;
    panels[1].marks = marks;
    static const char *const kinds[][2] = {
        {"a.png", "\x89PNG"}, {"a.pdf", "%PDF"}, {"a.svg", "<?xml"}, {"a.PNG", "\x89PNG"}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; ++i) {
        char path[128], start[8] = "";
        snprintf(path, sizeof path, "%s/%s", made->folder, kinds[i][0]);
        assert_int_equal(fc_plot_panels(made->context, path, "waves", 3, panels, 2), FC_OK);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        assert_int_equal(fread(start, 1, strlen(kinds[i][1]), file), strlen(kinds[i][1]));
        fclose(file);
        assert_memory_equal(start, kinds[i][1], strlen(kinds[i][1]));
    }
    assert_int_equal(files_in(made->folder), sizeof kinds / sizeof kinds[0]);
}

static void unknown_endings_and_impossible_panels_are_refused(void **state)
{
    fixture *made = *state;
    float values[WIDTH * HEIGHT];
    fc_panel panel = wave_panel(values);
    assert_int_equal(fc_plot_panels(made->context, "a.gif", "", 1, &panel, 1), FC_ERROR_USAGE);
    assert_non_null(strstr(fc_context_message(made->context), ".svg"));
    assert_int_equal(fc_plot_panels(made->context, "a.png", "", 0, &panel, 1), FC_ERROR_USAGE);
    panel.extent[1] = panel.extent[0];
    assert_int_equal(fc_plot_panels(made->context, "a.png", "", 1, &panel, 1), FC_ERROR_USAGE);
    panel = wave_panel(values);
    panel.width = 40000;
    assert_int_equal(fc_plot_panels(made->context, "a.png", "", 1, &panel, 1), FC_ERROR_USAGE);
}

static void failed_writing_leaves_no_file_and_keeps_devices(void **state)
{
    fixture *made = *state;
    float values[WIDTH * HEIGHT];
    char path[128];
    fc_panel panel = wave_panel(values);
    assert_int_equal(fc_plot_panels(made->context, "/no/such/folder/a.png", "", 1, &panel, 1),
                     FC_ERROR_IO);
    /* A link to the full device: opened, but every byte is refused. */
    snprintf(path, sizeof path, "%s/full.png", made->folder);
    assert_int_equal(symlink("/dev/full", path), 0);
    assert_int_equal(fc_plot_panels(made->context, path, "", 1, &panel, 1), FC_ERROR_IO);
    struct stat found;
    assert_int_equal(stat("/dev/full", &found), 0);
    assert_true(S_ISCHR(found.st_mode));
    assert_int_equal(files_in(made->folder), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sequential_colours_rise_in_lightness_in_equal_steps),
        cmocka_unit_test(diverging_colours_are_lightest_in_the_middle_and_equally_dark_at_the_ends),
        cmocka_unit_test(colours_outside_the_range_are_those_of_its_ends),
        cmocka_unit_test(ticks_are_round_numbers_within_the_axis),
        cmocka_unit_test(tick_labels_tell_neighbouring_ticks_apart),
        cmocka_unit_test(powers_of_ten_move_from_the_labels_to_the_units),
        cmocka_unit_test(range_of_a_panel_ignores_missing_values_and_is_never_empty),
        cmocka_unit_test_setup_teardown(
            cells_stand_where_their_coordinates_say_and_missing_ones_are_grey, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_ending_gives_a_file_of_its_kind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown_endings_and_impossible_panels_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(failed_writing_leaves_no_file_and_keeps_devices, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("plot", tests, NULL, NULL);
}
