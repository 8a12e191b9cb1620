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
#include <unistd.h>
#include <webp/decode.h>
#include <webp/mux.h>

/* Read by the leak checker: fontconfig keeps its caches until the program ends. */
FC_API const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig";
}

enum { SIDE = 4, FRAMES = 6 };

typedef struct fixture {
    fc_context *context;
    char folder[64], path[128];
    float values[SIDE * SIDE];
    fc_panel panel;
    fc_plot_item item;
} fixture;

static int set_up(void **state)
{
    fixture *made = calloc(1, sizeof *made);
    if (!made || fc_context_create(1, &made->context) != FC_OK)
        return -1;
    strcpy(made->folder, "/tmp/fc-film-XXXXXX");
    *state = made;
    made->panel = (fc_panel){.x = {"x", 0, 1, FC_SCALE_LINEAR, NULL},
                             .y = {"y", 0, 1, FC_SCALE_LINEAR, NULL},
                             .equal = true,
                             .values = made->values,
                             .width = SIDE,
                             .height = SIDE,
                             .range = {-1, 1},
                             .diverging = true};
    made->item.panel = &made->panel;
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

static fc_film *start(fixture *made, const char *name, double quality)
{
    fc_film *film;
    fc_film_config config = fc_film_config_default();
    config.rate = 12.0;
    config.quality = quality;
    snprintf(made->path, sizeof made->path, "%s/%s", made->folder, name);
    assert_int_equal(fc_film_create(made->context, made->path, &config, &film), FC_OK);
    return film;
}

/* Frames whose cells go from blue to red. */
static void add_frames(fixture *made, fc_film *film, size_t count)
{
    for (size_t f = 0; f < count; ++f) {
        char title[32];
        for (int i = 0; i < SIDE * SIDE; ++i)
            made->values[i] = 2.0f * (float)f / (FRAMES - 1) - 1.0f;
        snprintf(title, sizeof title, "frame %zu", f);
        assert_int_equal(fc_film_add(film, title, 1, &made->item, 1), FC_OK);
    }
}

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

/* The middle of the map of the first frame, which is always a whole one, as 0xRRGGBB. */
static uint32_t middle_of_first(fixture *made, WebPMux *mux)
{
    fc__page page;
    WebPMuxFrameInfo frame;
    int width, height;
    assert_int_equal(WebPMuxGetFrame(mux, 1, &frame), WEBP_MUX_OK);
    uint8_t *pixels = WebPDecodeRGB(frame.bitstream.bytes, frame.bitstream.size, &width, &height);
    assert_non_null(pixels);
    assert_int_equal(fc__page_plan(made->context, "t", 1, &made->item, 1, &page), FC_OK);
    const fc__place *place = &page.places[0];
    double scale = (double)width / page.width;
    size_t x = (size_t)(scale * (place->x + 0.5 * place->width));
    size_t y = (size_t)(scale * (place->y + 0.5 * place->height));
    const uint8_t *p = pixels + 3 * (y * (size_t)width + x);
    uint32_t colour = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
    fc__page_clear(&page);
    WebPDataClear(&frame.bitstream);
    WebPFree(pixels);
    return colour;
}

static void webp_decodes_to_the_frames_that_were_drawn_at_their_rate(void **state)
{
    fixture *made = *state;
    fc_film *film = start(made, "film.webp", 100.0);
    add_frames(made, film, FRAMES);
    assert_int_equal(files_in(made->folder), 0); /* nothing before it is whole */
    assert_int_equal(fc_film_finish(film), FC_OK);
    fc_film_destroy(film);
    assert_int_equal(files_in(made->folder), 1);

    size_t size;
    int frames, duration = 0;
    uint8_t *bytes = read_file(made->path, &size);
    WebPData data = {bytes, size};
    WebPMux *mux = WebPMuxCreate(&data, 1);
    assert_non_null(mux);
    assert_int_equal(WebPMuxNumChunks(mux, WEBP_CHUNK_ANMF, &frames), WEBP_MUX_OK);
    assert_int_equal(frames, FRAMES);
    for (int f = 1; f <= frames; ++f) {
        WebPMuxFrameInfo frame;
        assert_int_equal(WebPMuxGetFrame(mux, (uint32_t)f, &frame), WEBP_MUX_OK);
        assert_in_range(frame.duration, 83, 84);
        duration += frame.duration;
        WebPDataClear(&frame.bitstream);
    }
    assert_int_equal(duration, 500); /* six frames, twelve a second */
    fc__colour lowest = fc__plot_colour(true, 0.0);
    uint32_t expected = (uint32_t)lround(255 * lowest.red) << 16 |
                        (uint32_t)lround(255 * lowest.green) << 8 |
                        (uint32_t)lround(255 * lowest.blue);
    assert_int_equal(middle_of_first(made, mux), expected);
    WebPMuxDelete(mux);
    free(bytes);
}

static void quality_below_100_gives_a_smaller_film_that_looks_alike(void **state)
{
    fixture *made = *state;
    fc_film *film = start(made, "small.webp", 60.0);
    add_frames(made, film, FRAMES);
    assert_int_equal(fc_film_finish(film), FC_OK);
    fc_film_destroy(film);
    size_t size;
    uint8_t *bytes = read_file(made->path, &size);
    WebPData data = {bytes, size};
    WebPMux *mux = WebPMuxCreate(&data, 1);
    assert_non_null(mux);
    uint32_t colour = middle_of_first(made, mux);
    assert_true((colour & 0xff) > (colour >> 16) + 60); /* blue */
    WebPMuxDelete(mux);
    free(bytes);
}

static void a_series_is_numbered_and_appears_as_a_whole(void **state)
{
    fixture *made = *state;
    fc_film *film = start(made, "map.v2.png", 100.0);
    char path[160];
    add_frames(made, film, 3);
    snprintf(path, sizeof path, "%s/map.v2_0000.png", made->folder);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(fc_film_finish(film), FC_OK);
    fc_film_destroy(film);
    assert_int_equal(files_in(made->folder), 3);
    snprintf(path, sizeof path, "%s/map.v2_0002.png", made->folder);
    cairo_surface_t *picture = cairo_image_surface_create_from_png(path);
    assert_int_equal(cairo_surface_status(picture), CAIRO_STATUS_SUCCESS);
    cairo_surface_destroy(picture);
}

static void an_unfinished_or_interrupted_film_leaves_nothing(void **state)
{
    fixture *made = *state;
    static const char *const names[] = {"a.webp", "a.png"};
    for (int i = 0; i < 2; ++i) {
        fc_film *film = start(made, names[i], 100.0);
        add_frames(made, film, 2);
        fc_film_destroy(film);
        assert_int_equal(files_in(made->folder), 0);
    }
    fc_film *film = start(made, "a.webp", 100.0);
    add_frames(made, film, 2);
    fc_context_interrupt(made->context);
    assert_int_equal(fc_film_add(film, "t", 1, &made->item, 1), FC_INTERRUPTED);
    fc_film_destroy(film);
    assert_int_equal(files_in(made->folder), 0);
}

static void wrong_endings_rates_and_layouts_are_refused(void **state)
{
    fixture *made = *state;
    fc_film *film;
    fc_film_config config = fc_film_config_default();
    assert_int_equal(fc_film_create(made->context, "a.gif", &config, &film), FC_ERROR_USAGE);
    assert_non_null(strstr(fc_context_message(made->context), ".webp"));
    assert_null(film);
    config.rate = 0.0;
    assert_int_equal(fc_film_create(made->context, "a.webp", &config, &film), FC_ERROR_USAGE);
    film = start(made, "b.webp", 100.0);
    assert_int_equal(fc_film_finish(film), FC_ERROR_USAGE); /* no frame */
    add_frames(made, film, 1);
    fc_plot_item two[2] = {made->item, made->item};
    assert_int_equal(fc_film_add(film, "t", 2, two, 2), FC_ERROR_USAGE);
    fc_film_destroy(film);
    snprintf(made->path, sizeof made->path, "/no/such/folder/a.webp");
    config = fc_film_config_default();
    assert_int_equal(fc_film_create(made->context, made->path, &config, &film), FC_OK);
    add_frames(made, film, 1);
    assert_int_equal(fc_film_finish(film), FC_ERROR_IO);
    fc_film_destroy(film);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(webp_decodes_to_the_frames_that_were_drawn_at_their_rate,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(quality_below_100_gives_a_smaller_film_that_looks_alike,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_series_is_numbered_and_appears_as_a_whole, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_unfinished_or_interrupted_film_leaves_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(wrong_endings_rates_and_layouts_are_refused, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("film", tests, NULL, NULL);
}
