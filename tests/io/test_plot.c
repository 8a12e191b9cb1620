#include "io/plot/plot.h"

#include "inr/support.h"
#include "tests/io/folder.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

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
    remove_folder(made->folder);
    fc_context_destroy(made->context);
    free(made);
    return 0;
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
        for (size_t i = 0; i + 1 < ticks.count; ++i)
            assert_string_not_equal(ticks.text[i], ticks.text[i + 1]);
    }
}

static void degrees_are_labelled_by_hemisphere_in_steps_that_divide_the_circle(void **state)
{
    (void)state;
    static const char *const east[] = {"0°", "60°E", "120°E", "180°", "120°W", "60°W", "0°"};
    static const char *const north[] = {"90°S", "45°S", "0°", "45°N", "90°N"};
    fc_plot_axis axis = {.scale = FC_SCALE_LONGITUDE};
    fc__ticks ticks = fc__ticks_of(&axis, 0, 360, 6);
    assert_int_equal(ticks.count, 7);
    for (size_t i = 0; i < 7; ++i)
        assert_string_equal(ticks.text[i], east[i]);
    axis.scale = FC_SCALE_LATITUDE;
    ticks = fc__ticks_of(&axis, -90, 90, 4);
    assert_int_equal(ticks.count, 5);
    for (size_t i = 0; i < 5; ++i)
        assert_string_equal(ticks.text[i], north[i]);
    ticks = fc__ticks_of(&axis, 46.9, 48.9, 4);
    assert_string_equal(ticks.text[0], "47.0°N");
}

static void logarithmic_ticks_are_decades_and_of_few_decades_their_parts(void **state)
{
    (void)state;
    fc_plot_axis axis = {.scale = FC_SCALE_LOG};
    fc__ticks ticks = fc__ticks_of(&axis, 1e-6, 1.0, 8);
    assert_int_equal(ticks.count, 7);
    assert_string_equal(ticks.text[0], "10⁻⁶");
    assert_string_equal(ticks.text[6], "10⁰");
    ticks = fc__ticks_of(&axis, 0.9, 11.0, 8);
    assert_int_equal(ticks.count, 4); /* 1 2 5 10 */
    assert_string_equal(ticks.text[2], "5");
    ticks = fc__ticks_of(&axis, 1e-30, 1.0, 6);
    assert_in_range(ticks.count, 4, 8);
}

/* Ticks between two dates as one text. */
static void date_ticks(const char *calendar, const char *from, const char *to, size_t wanted,
                       char text[512])
{
    fc_time_axis time = {.units = "hours since 1950-01-01"};
    fc_plot_axis axis = {.scale = FC_SCALE_TIME, .time = &time};
    strcpy(time.calendar, calendar);
    double lower, upper;
    assert_int_equal(fc_time_parse(NULL, &time, from, &lower), FC_OK);
    assert_int_equal(fc_time_parse(NULL, &time, to, &upper), FC_OK);
    fc__ticks ticks = fc__ticks_of(&axis, lower, upper, wanted);
    text[0] = '\0';
    for (size_t i = 0; i < ticks.count; ++i)
        snprintf(text + strlen(text), 512 - strlen(text), "%s%s", i ? " " : "", ticks.text[i]);
}

static void dates_begin_years_months_days_and_hours_in_every_calendar(void **state)
{
    (void)state;
    char text[512];
    date_ticks("standard", "2005-06-01", "2010-02-01", 6, text);
    assert_string_equal(text, "2006 2007 2008 2009 2010");
    date_ticks("360_day", "2005-06-10", "2006-01-05", 5, text);
    assert_string_equal(text, "2005-07 2005-09 2005-11 2006-01");
    date_ticks("noleap", "2004-02-25", "2004-03-04", 5, text);
    assert_string_equal(text, "2004-02-25 2004-02-27 2004-03-01 2004-03-03");
    date_ticks("standard", "2014-01-05T20:00", "2014-01-06T10:00", 6, text);
    assert_string_equal(text, "21:00 01-06 03:00 06:00 09:00");
    date_ticks("standard", "2014-01-05T20:59:40", "2014-01-05T21:00:20", 4, text);
    assert_string_equal(text, "20:59:40 20:59:50 21:00:00 21:00:10 21:00:20");
}

static void lengths_of_time_are_told_in_the_unit_that_suits_them(void **state)
{
    (void)state;
    char text[64];
    fc_time_axis time = {.units = "hours since 1970-01-01", .calendar = "standard"};
    fc_lead_format(&time, 744.0, text, sizeof text);
    assert_string_equal(text, "31 d");
    fc_lead_format(&time, 6.0, text, sizeof text);
    assert_string_equal(text, "6 h");
    fc_lead_format(&time, 0.5, text, sizeof text);
    assert_string_equal(text, "30 min");
    fc_time_axis plain = {.units = "s"};
    fc_lead_format(&plain, 2.5, text, sizeof text);
    assert_string_equal(text, "2.5 s");
}

static void powers_of_ten_move_from_the_labels_to_the_units(void **state)
{
    (void)state;
    char text[64];
    fc__ticks ticks = fc__ticks_between(-4e-4, 4e-4, 4);
    fc__tick_units(&ticks, "K", text, sizeof text);
    assert_string_equal(text, "×10⁻⁴ K");
    assert_string_equal(ticks.text[0], "\xe2\x88\x92"
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
                      .x = {"x", 0, 3, FC_SCALE_LINEAR, NULL},
                      .y = {"y", 0, 2, FC_SCALE_LINEAR, NULL},
                      .equal = true,
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

/* Colour at a place of the map of a picture drawn at 2 pixels a unit. */
static uint32_t pixel_at(cairo_surface_t *picture, const fc__place *place, double right, double up)
{
    int x = (int)(2.0 * (place->x + right * place->width));
    int y = (int)(2.0 * (place->y + (1.0 - up) * place->height));
    const unsigned char *data = cairo_image_surface_get_data(picture);
    const uint32_t *row =
        (const void *)(data + (size_t)y * (size_t)cairo_image_surface_get_stride(picture));
    return row[x] & 0xffffffu;
}

static cairo_surface_t *draw_one(fixture *made, const fc_panel *panel, fc__place *place)
{
    char path[128];
    fc__page page;
    fc_plot_item item = {.panel = panel};
    snprintf(path, sizeof path, "%s/one.png", made->folder);
    assert_int_equal(fc_plot(made->context, path, NULL, 1, &item, 1), FC_OK);
    assert_int_equal(fc__page_plan(made->context, NULL, 1, &item, 1, &page), FC_OK);
    *place = page.places[0];
    fc__page_clear(&page);
    cairo_surface_t *picture = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(picture), CAIRO_STATUS_SUCCESS);
    return picture;
}

static void cells_stand_where_their_coordinates_say_and_missing_ones_are_grey(void **state)
{
    fixture *made = *state;
    float values[WIDTH * HEIGHT];
    fc__place place;
    fc_panel panel = wave_panel(values);
    for (int i = 0; i < WIDTH * HEIGHT; ++i)
        values[i] = 0.0f;
    values[0] = 1.0f;                     /* lower left: red */
    values[(HEIGHT - 1) * WIDTH] = -1.0f; /* upper left: blue */
    values[HEIGHT * WIDTH - 1] = NAN;     /* upper right: grey */
    cairo_surface_t *picture = draw_one(made, &panel, &place);
    double right = 0.5 / WIDTH, up = 0.5 / HEIGHT;
    uint32_t red = pixel_at(picture, &place, right, up);
    uint32_t blue = pixel_at(picture, &place, right, 1.0 - up);
    uint32_t grey = pixel_at(picture, &place, 1.0 - right, 1.0 - up);
    assert_true((red >> 16) > 2 * (red & 0xff));
    assert_true((blue & 0xff) > 2 * (blue >> 16));
    assert_true((grey >> 16) == (grey & 0xff) && (grey & 0xff) < 0xe0);
    cairo_surface_destroy(picture);
}

static void points_are_discs_of_their_colour_on_white(void **state)
{
    fixture *made = *state;
    const double points[] = {0.75, 0.5, 2.25, 1.5};
    const float of_points[] = {-2.0f, 2.0f};
    fc__place place;
    fc_panel panel = {.x = {"x", 0, 3, FC_SCALE_LINEAR, NULL},
                      .y = {"y", 0, 2, FC_SCALE_LINEAR, NULL},
                      .point_count = 2,
                      .points = points,
                      .point_values = of_points,
                      .diverging = true};
    cairo_surface_t *picture = draw_one(made, &panel, &place);
    uint32_t blue = pixel_at(picture, &place, 0.25, 0.25);
    uint32_t red = pixel_at(picture, &place, 0.75, 0.75);
    assert_true((blue & 0xff) > 2 * (blue >> 16));
    assert_true((red >> 16) > 2 * (red & 0xff));
    assert_int_equal(pixel_at(picture, &place, 0.5, 0.5), 0xffffff);
    cairo_surface_destroy(picture);
}

static void maps_are_to_scale_with_degrees_shrunk_by_latitude(void **state)
{
    fixture *made = *state;
    float values[WIDTH * HEIGHT];
    fc__page page;
    fc_panel panel = wave_panel(values);
    fc_plot_item item = {.panel = &panel};
    assert_int_equal(fc__page_plan(made->context, NULL, 1, &item, 1, &page), FC_OK);
    double ratio = page.places[0].height / page.places[0].width;
    fc__page_clear(&page);
    assert_true(fabs(ratio - 2.0 / 3.0) < 1e-6);
    panel.x = (fc_plot_axis){"longitude", 0, 40, FC_SCALE_LONGITUDE, NULL};
    panel.y = (fc_plot_axis){"latitude", 50, 70, FC_SCALE_LATITUDE, NULL};
    assert_int_equal(fc__page_plan(made->context, NULL, 1, &item, 1, &page), FC_OK);
    ratio = page.places[0].height / page.places[0].width;
    fc__page_clear(&page);
    assert_true(fabs(ratio - 1.0) < 1e-6); /* 20 / (40 cos 60) */
}

/* ---------------------------------------------------------------- layout */

static bool overlap(const fc__box *a, const fc__box *b)
{
    return a->left < b->right && b->left < a->right && a->top < b->bottom && b->top < a->bottom;
}

/* Draws a page and checks that no text touches another, the data or the edge. */
static void check_layout(fc_context *context, const char *title, size_t count,
                         const fc_plot_item *items, size_t columns)
{
    fc__page page;
    fc__canvas canvas;
    assert_int_equal(fc__page_plan(context, title, count, items, columns, &page), FC_OK);
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 8, 8);
    fc__canvas_begin(&canvas, context, surface);
    assert_int_equal(fc__page_draw(&canvas, &page, title, items), FC_OK);
    assert_true(canvas.count > 3 * count);
    for (size_t i = 0; i < canvas.count; ++i) {
        const fc__box *text = &canvas.texts[i];
        assert_true(text->left >= 0.0 && text->right <= page.width);
        assert_true(text->top >= 0.0 && text->bottom <= page.height);
        for (size_t j = i + 1; j < canvas.count; ++j)
            assert_false(overlap(text, &canvas.texts[j]));
        for (size_t p = 0; p < page.count; ++p) {
            const fc__place *place = &page.places[p];
            fc__box data = {place->x, place->y, place->x + place->width, place->y + place->height};
            assert_false(overlap(text, &data));
        }
    }
    assert_int_equal(fc__canvas_end(&canvas), FC_OK);
    cairo_surface_destroy(surface);
    fc__page_clear(&page);
}

enum { LINE = 60 };

static fc_chart waves_chart(double x[LINE], double y[LINE], fc_series series[5],
                            const double *dividers, const char *const *names)
{
    static const char *const words[] = {"fieldcast", "persistence of the last frame",
                                        "climatology by calendar month", "linear inverse model",
                                        "floor of the decoder"};
    for (int i = 0; i < LINE; ++i) {
        x[i] = 1e-3 * i;
        y[i] = exp(-0.3 * i);
    }
    for (size_t s = 0; s < 5; ++s)
        series[s] = (fc_series){words[s], LINE, x, y, NULL, (fc_stroke)(s % 4), s};
    return (fc_chart){
        .title = "a title that is much longer than there is room for beside a note",
        .note = "2010-01-16, +31 d",
        .x = {"lead time, a long label with units (10 days)", 0, 0, FC_SCALE_LINEAR, NULL},
        .y = {"RMSE", 0, 0, FC_SCALE_LOG, NULL},
        .series_count = 5,
        .series = series,
        .divider_count = 3,
        .dividers = dividers,
        .divider_names = names};
}

static void no_text_touches_other_text_data_or_the_edge(void **state)
{
    fixture *made = *state;
    float values[WIDTH * HEIGHT];
    double x[LINE], y[LINE];
    static const double dividers[] = {0.0, 0.001, 0.03};
    static const char *const names[] = {"decoder", "dynamics", "calibration"};
    fc_series series[5];
    fc_chart chart = waves_chart(x, y, series, dividers, names);
    fc_panel panels[8];
    fc_plot_item items[9];
    for (size_t i = 0; i < 8; ++i) {
        panels[i] = wave_panel(values);
        panels[i].title = i % 2 ? "standard deviation" : "forecast − truth";
        panels[i].note = "2010-01-16 12:00, +31 d";
        panels[i].x.lower = -3.6e6 - (double)(i % 3);
        panels[i].units = "10 kg m⁻² s⁻¹ of a rather long unit that goes on and on for ever";
        items[i] = (fc_plot_item){.panel = &panels[i]};
    }
    items[8] = (fc_plot_item){.chart = &chart};
    for (size_t columns = 1; columns <= 5; ++columns)
        for (size_t count = 1; count <= 9; count += 4)
            check_layout(made->context, "vorticity, sequence 0, depth = 10 m", count, items,
                         columns);
    check_layout(made->context, "errors", 1, &items[8], 1);
}

static void text_that_is_no_utf8_is_drawn_all_the_same(void **state)
{
    fixture *made = *state;
    float values[WIDTH * HEIGHT];
    fc__place place;
    fc_panel panel = wave_panel(values);
    panel.title = "\xff\xc3(\xed\xa0\x80 \x01 end";
    panel.units = "\xe2\x88";
    cairo_surface_t *picture = draw_one(made, &panel, &place);
    cairo_surface_destroy(picture);
}

static void every_ending_gives_a_file_of_its_kind(void **state)
{
    fixture *made = *state;
    float values[WIDTH * HEIGHT];
    double marks[] = {0.5, 0.5, 2.5, 1.5};
    fc_panel panels[3] = {wave_panel(values), wave_panel(values), wave_panel(values)};
    fc_plot_item items[3] = {{.panel = &panels[0]}, {.panel = &panels[1]}, {.panel = &panels[2]}};
    panels[1].mark_count = 2;
    panels[1].marks = marks;
    static const char *const kinds[][2] = {
        {"a.png", "\x89PNG"}, {"a.pdf", "%PDF"}, {"a.svg", "<?xml"}, {"a.PNG", "\x89PNG"}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; ++i) {
        char path[128], start[8] = "";
        snprintf(path, sizeof path, "%s/%s", made->folder, kinds[i][0]);
        assert_int_equal(fc_plot(made->context, path, "waves", 3, items, 2), FC_OK);
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
    fc_plot_item item = {.panel = &panel};
    assert_int_equal(fc_plot(made->context, "a.gif", "", 1, &item, 1), FC_ERROR_USAGE);
    assert_non_null(strstr(fc_context_message(made->context), ".svg"));
    assert_int_equal(fc_plot(made->context, "a.png", "", 0, &item, 1), FC_ERROR_USAGE);
    panel.x.upper = panel.x.lower;
    assert_int_equal(fc_plot(made->context, "a.png", "", 1, &item, 1), FC_ERROR_USAGE);
    panel = wave_panel(values);
    panel.width = 40000;
    assert_int_equal(fc_plot(made->context, "a.png", "", 1, &item, 1), FC_ERROR_USAGE);
}

static void failed_writing_leaves_no_file_and_keeps_devices(void **state)
{
    fixture *made = *state;
    float values[WIDTH * HEIGHT];
    char path[128];
    fc_panel panel = wave_panel(values);
    fc_plot_item item = {.panel = &panel};
    assert_int_equal(fc_plot(made->context, "/no/such/folder/a.png", "", 1, &item, 1), FC_ERROR_IO);
    /* A link to the full device: opened, but every byte is refused. */
    snprintf(path, sizeof path, "%s/full.png", made->folder);
    assert_int_equal(symlink("/dev/full", path), 0);
    assert_int_equal(fc_plot(made->context, path, "", 1, &item, 1), FC_ERROR_IO);
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
        cmocka_unit_test(degrees_are_labelled_by_hemisphere_in_steps_that_divide_the_circle),
        cmocka_unit_test(logarithmic_ticks_are_decades_and_of_few_decades_their_parts),
        cmocka_unit_test(dates_begin_years_months_days_and_hours_in_every_calendar),
        cmocka_unit_test(lengths_of_time_are_told_in_the_unit_that_suits_them),
        cmocka_unit_test(powers_of_ten_move_from_the_labels_to_the_units),
        cmocka_unit_test(range_of_a_panel_ignores_missing_values_and_is_never_empty),
        cmocka_unit_test_setup_teardown(
            cells_stand_where_their_coordinates_say_and_missing_ones_are_grey, set_up, tear_down),
        cmocka_unit_test_setup_teardown(points_are_discs_of_their_colour_on_white, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(maps_are_to_scale_with_degrees_shrunk_by_latitude, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(no_text_touches_other_text_data_or_the_edge, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(text_that_is_no_utf8_is_drawn_all_the_same, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(every_ending_gives_a_file_of_its_kind, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown_endings_and_impossible_panels_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(failed_writing_leaves_no_file_and_keeps_devices, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("plot", tests, NULL, NULL);
}
