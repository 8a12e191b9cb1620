#include "io/plot.h"

#include "inr/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

enum { COLOURS = 1024 };
static const double ink = 0.15;     /* grey of lines and text */
static const double missing = 0.82; /* grey of cells without a value */
static const double tick_length = 4.0;
static const double label_size = 11.0;
static const double title_size = 13.0;

void fc__draw_text(cairo_t *cairo, const char *text, double x, double y, fc__align align)
{
    cairo_text_extents_t extents;
    cairo_text_extents(cairo, text, &extents);
    if (align == FC__ALIGN_CENTRE)
        x -= 0.5 * extents.x_advance;
    else if (align == FC__ALIGN_RIGHT)
        x -= extents.x_advance;
    cairo_move_to(cairo, x, y);
    cairo_show_text(cairo, text);
}

void fc__panel_range(const fc_panel *panel, double range[2])
{
    double lower = INFINITY, upper = -INFINITY;
    if (panel->range[0] < panel->range[1]) {
        lower = panel->range[0];
        upper = panel->range[1];
    } else {
        for (size_t i = 0; i < panel->width * panel->height; ++i)
            if (isfinite(panel->values[i])) {
                lower = fmin(lower, panel->values[i]);
                upper = fmax(upper, panel->values[i]);
            }
    }
    if (lower > upper) /* no value at all */
        lower = upper = 0.0;
    if (panel->diverging) {
        upper = fmax(fabs(lower), fabs(upper));
        lower = -upper;
    }
    if (upper - lower <= 1e-12 * fmax(fabs(lower), fabs(upper))) {
        double half = fmax(0.01 * fabs(lower), 1e-30);
        lower -= upper == 0.0 ? 1.0 : half;
        upper += upper == 0.0 ? 1.0 : half;
    }
    range[0] = lower;
    range[1] = upper;
}

static uint32_t pixel_of(fc__colour colour)
{
    uint32_t red = (uint32_t)lround(255.0 * colour.red);
    uint32_t green = (uint32_t)lround(255.0 * colour.green);
    uint32_t blue = (uint32_t)lround(255.0 * colour.blue);
    return 0xff000000u | red << 16 | green << 8 | blue;
}

/* One row of cells as pixels, each cell `repeat` times. */
static void fill_row(const fc_panel *panel, size_t row, const double range[2],
                     const uint32_t palette[COLOURS], size_t repeat, uint32_t *pixels)
{
    uint32_t grey = pixel_of((fc__colour){missing, missing, missing});
    const float *values = panel->values + row * panel->width;
    for (size_t i = 0; i < panel->width; ++i) {
        double position = (values[i] - range[0]) / (range[1] - range[0]);
        uint32_t pixel = grey;
        if (!isnan(position))
            pixel = palette[lround(fmin(fmax(position, 0.0), 1.0) * (COLOURS - 1))];
        for (size_t k = 0; k < repeat; ++k)
            pixels[i * repeat + k] = pixel;
    }
}

/* The cells as an image, `repeat` pixels a cell each way, top row first. */
static fc_status cells_image(fc_context *context, const fc_panel *panel, const double range[2],
                             size_t repeat, cairo_surface_t **image)
{
    size_t width = repeat * panel->width, height = repeat * panel->height;
    *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)width, (int)height);
    if (cairo_surface_status(*image) != CAIRO_STATUS_SUCCESS) {
        const char *reason = cairo_status_to_string(cairo_surface_status(*image));
        fc_status status = fc__fail(context, FC_ERROR_MEMORY, "plot: image of %zu x %zu cells: %s",
                                    panel->width, panel->height, reason);
        cairo_surface_destroy(*image);
        *image = NULL;
        return status;
    }
    uint32_t palette[COLOURS];
    for (int i = 0; i < COLOURS; ++i)
        palette[i] = pixel_of(fc__plot_colour(panel->diverging, i / (COLOURS - 1.0)));
    unsigned char *data = cairo_image_surface_get_data(*image);
    size_t stride = (size_t)cairo_image_surface_get_stride(*image);
    for (size_t row = 0; row < height; ++row)
        fill_row(panel, panel->height - 1 - row / repeat, range, palette, repeat,
                 (uint32_t *)(void *)(data + row * stride));
    cairo_surface_mark_dirty(*image);
    return FC_OK;
}

/* Viewers of SVG smooth an image as they like, so there the cells themselves are made large. */
static size_t pixels_per_cell(cairo_t *cairo, const fc_panel *panel)
{
    const size_t smallest = 768;
    size_t cells = panel->width > panel->height ? panel->width : panel->height;
    if (cairo_surface_get_type(cairo_get_target(cairo)) != CAIRO_SURFACE_TYPE_SVG)
        return 1;
    return cells < smallest ? smallest / cells : 1;
}

static fc_status draw_cells(fc_context *context, cairo_t *cairo, const fc_panel *panel,
                            const fc__panel_place *place, const double range[2])
{
    cairo_surface_t *image;
    size_t repeat = pixels_per_cell(cairo, panel);
    fc_status status = cells_image(context, panel, range, repeat, &image);
    if (status != FC_OK)
        return status;
    double across = place->width / (double)(repeat * panel->width);
    double down = place->height / (double)(repeat * panel->height);
    cairo_save(cairo);
    cairo_rectangle(cairo, place->x, place->y, place->width, place->height);
    cairo_clip(cairo);
    cairo_translate(cairo, place->x, place->y);
    cairo_scale(cairo, across, down);
    cairo_set_source_surface(cairo, image, 0.0, 0.0);
    /* Crisp cells when they are larger than a pixel, an average where several share one. */
    cairo_pattern_set_filter(cairo_get_source(cairo),
                             across < 0.5 || down < 0.5 ? CAIRO_FILTER_GOOD : CAIRO_FILTER_NEAREST);
    cairo_paint(cairo);
    cairo_restore(cairo);
    cairo_surface_destroy(image);
    return FC_OK;
}

static void draw_marks(cairo_t *cairo, const fc_panel *panel, const fc__panel_place *place)
{
    double radius = panel->mark_count > 1000 ? 1.4 : panel->mark_count > 300 ? 1.9 : 2.6;
    const double *extent = panel->extent;
    cairo_save(cairo);
    cairo_rectangle(cairo, place->x, place->y, place->width, place->height);
    cairo_clip(cairo);
    for (size_t i = 0; i < panel->mark_count; ++i) {
        double right = (panel->marks[2 * i] - extent[0]) / (extent[1] - extent[0]);
        double up = (panel->marks[2 * i + 1] - extent[2]) / (extent[3] - extent[2]);
        double x = place->x + right * place->width;
        double y = place->y + (1.0 - up) * place->height;
        if (!isfinite(x) || !isfinite(y))
            continue;
        /* A pale ring under a dark one shows on any colour. */
        cairo_new_sub_path(cairo);
        cairo_arc(cairo, x, y, radius, 0.0, 2.0 * pi);
        cairo_set_source_rgba(cairo, 1.0, 1.0, 1.0, 0.85);
        cairo_set_line_width(cairo, 0.8 * radius);
        cairo_stroke_preserve(cairo);
        cairo_set_source_rgb(cairo, 0.05, 0.05, 0.05);
        cairo_set_line_width(cairo, 0.32 * radius);
        cairo_stroke(cairo);
    }
    cairo_restore(cairo);
}

static void stroke_line(cairo_t *cairo, double x0, double y0, double x1, double y1)
{
    cairo_move_to(cairo, x0, y0);
    cairo_line_to(cairo, x1, y1);
    cairo_stroke(cairo);
}

/* "label, 10^n units" where the axis left a power of ten out. */
static void axis_label(const fc__ticks *ticks, const char *label, char *text, size_t size)
{
    char power[64];
    fc__tick_units(ticks, "", power, sizeof power);
    snprintf(text, size, "%s%s%s", label ? label : "", label && power[0] ? ", " : "", power);
}

/* Tick labels of about 46 units width each. */
static void draw_x_axis(cairo_t *cairo, const fc_panel *panel, const fc__panel_place *place)
{
    const double *extent = panel->extent;
    fc__ticks ticks = fc__ticks_between(extent[0], extent[1], (size_t)(place->width / 55.0));
    char text[FC_NAME_SIZE * 2];
    double bottom = place->y + place->height;
    for (size_t i = 0; i < ticks.count; ++i) {
        double x = place->x + (ticks.value[i] - extent[0]) / (extent[1] - extent[0]) * place->width;
        stroke_line(cairo, x, bottom, x, bottom + tick_length);
        fc__tick_text(&ticks, i, text);
        fc__draw_text(cairo, text, x, bottom + 17.0, FC__ALIGN_CENTRE);
    }
    axis_label(&ticks, panel->x_label, text, sizeof text);
    fc__draw_text(cairo, text, place->x + 0.5 * place->width, bottom + 34.0, FC__ALIGN_CENTRE);
}

static void draw_y_axis(cairo_t *cairo, const fc_panel *panel, const fc__panel_place *place)
{
    const double *extent = panel->extent;
    fc__ticks ticks = fc__ticks_between(extent[2], extent[3], (size_t)(place->height / 38.0));
    char text[FC_NAME_SIZE * 2];
    for (size_t i = 0; i < ticks.count; ++i) {
        double up = (ticks.value[i] - extent[2]) / (extent[3] - extent[2]);
        double y = place->y + (1.0 - up) * place->height;
        stroke_line(cairo, place->x - tick_length, y, place->x, y);
        if (!place->y_axis)
            continue;
        fc__tick_text(&ticks, i, text);
        fc__draw_text(cairo, text, place->x - 8.0, y + 4.0, FC__ALIGN_RIGHT);
    }
    if (!place->y_axis)
        return;
    axis_label(&ticks, panel->y_label, text, sizeof text);
    cairo_save(cairo);
    cairo_translate(cairo, place->x - FC__PANEL_LEFT + 14.0, place->y + 0.5 * place->height);
    cairo_rotate(cairo, -0.5 * pi);
    fc__draw_text(cairo, text, 0.0, 0.0, FC__ALIGN_CENTRE);
    cairo_restore(cairo);
}

/* A horizontal bar below the map, with ticks and units. */
static void draw_colour_bar(cairo_t *cairo, const fc_panel *panel, const fc__panel_place *place,
                            const double range[2])
{
    enum { STOPS = 64 };
    double top = place->y + place->height + 46.0, height = 10.0;
    cairo_pattern_t *gradient =
        cairo_pattern_create_linear(place->x, 0.0, place->x + place->width, 0.0);
    for (int i = 0; i <= STOPS; ++i) {
        fc__colour colour = fc__plot_colour(panel->diverging, (double)i / STOPS);
        cairo_pattern_add_color_stop_rgb(gradient, (double)i / STOPS, colour.red, colour.green,
                                         colour.blue);
    }
    cairo_rectangle(cairo, place->x, top, place->width, height);
    cairo_set_source(cairo, gradient);
    cairo_fill_preserve(cairo);
    cairo_pattern_destroy(gradient);
    cairo_set_source_rgb(cairo, ink, ink, ink);
    cairo_stroke(cairo);

    fc__ticks ticks = fc__ticks_between(range[0], range[1], (size_t)(place->width / 50.0));
    char text[FC_NAME_SIZE * 2];
    for (size_t i = 0; i < ticks.count; ++i) {
        double x = place->x + (ticks.value[i] - range[0]) / (range[1] - range[0]) * place->width;
        stroke_line(cairo, x, top + height, x, top + height + tick_length);
        fc__tick_text(&ticks, i, text);
        fc__draw_text(cairo, text, x, top + height + 17.0, FC__ALIGN_CENTRE);
    }
    fc__tick_units(&ticks, panel->units, text, sizeof text);
    fc__draw_text(cairo, text, place->x + 0.5 * place->width, top + height + 33.0,
                  FC__ALIGN_CENTRE);
}

fc_status fc__panel_draw(fc_context *context, cairo_t *cairo, const fc_panel *panel,
                         const fc__panel_place *place)
{
    double range[2];
    fc__panel_range(panel, range);
    fc_status status = draw_cells(context, cairo, panel, place, range);
    if (status != FC_OK)
        return status;
    draw_marks(cairo, panel, place);
    cairo_set_source_rgb(cairo, ink, ink, ink);
    cairo_set_line_width(cairo, 0.8);
    cairo_rectangle(cairo, place->x, place->y, place->width, place->height);
    cairo_stroke(cairo);
    cairo_set_font_size(cairo, label_size);
    draw_x_axis(cairo, panel, place);
    draw_y_axis(cairo, panel, place);
    draw_colour_bar(cairo, panel, place, range);
    cairo_set_font_size(cairo, title_size);
    fc__draw_text(cairo, panel->title ? panel->title : "", place->x + 0.5 * place->width,
                  place->y - 9.0, FC__ALIGN_CENTRE);
    return FC_OK;
}
