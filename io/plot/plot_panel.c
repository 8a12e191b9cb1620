#include "io/plot/plot.h"

#include "inr/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

enum { COLOURS = 1024, CELLS_MAX = 32767 /* of an image, by Cairo */ };
static const double missing = 0.82; /* grey of cells without a value */
static const double bar_room = 52.0;
static const double bar_height = 10.0;
static const double pointed = 9.0; /* length of the bar's ends where values lie beyond it */

/* ---------------------------------------------------------------- colour range */

/* Extremes of values that are finite; lower > upper when there are none. */
static void extremes(size_t count, const float *values, double range[2])
{
    for (size_t i = 0; i < count; ++i)
        if (isfinite(values[i])) {
            range[0] = fmin(range[0], values[i]);
            range[1] = fmax(range[1], values[i]);
        }
}

static void data_range(const fc_panel *panel, double range[2])
{
    range[0] = INFINITY;
    range[1] = -INFINITY;
    if (panel->values)
        extremes(panel->width * panel->height, panel->values, range);
    if (panel->point_values)
        extremes(panel->point_count, panel->point_values, range);
}

void fc__panel_range(const fc_panel *panel, double range[2])
{
    double lower = panel->range[0], upper = panel->range[1];
    if (!(lower < upper)) {
        data_range(panel, range);
        lower = range[0];
        upper = range[1];
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

fc_status fc__panel_check(fc_context *context, size_t index, const fc_panel *panel)
{
    if (panel->values && (panel->width == 0 || panel->height == 0 || panel->width > CELLS_MAX ||
                          panel->height > CELLS_MAX))
        return fc__fail(context, FC_ERROR_USAGE,
                        "plot: item %zu has %zu x %zu cells; 1 to %d each way can be drawn",
                        index + 1, panel->width, panel->height, CELLS_MAX);
    if (panel->point_count && (!panel->points || !panel->point_values))
        return fc__fail(context, FC_ERROR_USAGE, "plot: item %zu has points without values",
                        index + 1);
    const fc_plot_axis *x = &panel->x, *y = &panel->y;
    bool finite = isfinite(x->lower) && isfinite(x->upper) && isfinite(y->lower) &&
                  isfinite(y->upper) && isfinite(x->upper - x->lower) &&
                  isfinite(y->upper - y->lower);
    if (!finite || !(x->lower < x->upper) || !(y->lower < y->upper))
        return fc__fail(context, FC_ERROR_USAGE,
                        "plot: item %zu has the extent x %g..%g, y %g..%g; each must increase",
                        index + 1, x->lower, x->upper, y->lower, y->upper);
    if (x->scale == FC_SCALE_LOG || y->scale == FC_SCALE_LOG)
        return fc__fail(context, FC_ERROR_USAGE, "plot: item %zu is a map with a logarithmic axis",
                        index + 1);
    return FC_OK;
}

/* ---------------------------------------------------------------- cells */

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

fc_status fc__panel_image(fc_context *context, const fc_panel *panel, const double range[2],
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

/* Viewers of SVG and PDF smooth an image as they like, so there the cells themselves are made
 * large. */
static size_t pixels_per_cell(cairo_t *cairo, const fc_panel *panel)
{
    const size_t smallest = 768;
    size_t cells = panel->width > panel->height ? panel->width : panel->height;
    if (cairo_surface_get_type(cairo_get_target(cairo)) == CAIRO_SURFACE_TYPE_IMAGE)
        return 1;
    return cells < smallest ? smallest / cells : 1;
}

static fc_status draw_cells(fc__canvas *canvas, const fc_panel *panel, const fc__place *place,
                            const double range[2])
{
    cairo_t *cairo = canvas->cairo;
    cairo_surface_t *image;
    size_t repeat = pixels_per_cell(cairo, panel);
    fc_status status = fc__panel_image(canvas->context, panel, range, repeat, &image);
    if (status != FC_OK)
        return status;
    double across = place->width / (double)(repeat * panel->width);
    double down = place->height / (double)(repeat * panel->height);
    cairo_save(cairo);
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

/* ---------------------------------------------------------------- points */

/* Discs that fill the map about as much as their number allows without hiding each other. */
static double disc_radius(size_t count, const fc__place *place)
{
    double each = sqrt(place->width * place->height / (double)(count ? count : 1));
    return fmin(fmax(0.29 * each, 1.2), 6.5);
}

static void draw_points(cairo_t *cairo, const fc_panel *panel, const fc__place *place,
                        const double range[2])
{
    double radius = disc_radius(panel->point_count, place);
    for (size_t i = 0; i < panel->point_count; ++i) {
        double x = fc__place_x(place, &panel->x, panel->points[2 * i]);
        double y = fc__place_y(place, &panel->y, panel->points[2 * i + 1]);
        double position = (panel->point_values[i] - range[0]) / (range[1] - range[0]);
        bool seen = !isnan(position);
        fc__colour colour = {1.0, 1.0, 1.0};
        if (!isfinite(x) || !isfinite(y))
            continue;
        if (seen)
            colour = fc__plot_colour(panel->diverging, position);
        cairo_new_sub_path(cairo);
        cairo_arc(cairo, x, y, seen ? radius : 0.5 * radius, 0.0, 2.0 * pi);
        cairo_set_source_rgb(cairo, colour.red, colour.green, colour.blue);
        cairo_fill_preserve(cairo);
        double edge = seen ? 0.3 : 0.6;
        cairo_set_source_rgb(cairo, edge, edge, edge);
        cairo_set_line_width(cairo, fmin(0.12 * radius, 0.6));
        cairo_stroke(cairo);
    }
}

static void draw_marks(cairo_t *cairo, const fc_panel *panel, const fc__place *place)
{
    double radius = panel->mark_count > 1000 ? 1.4 : panel->mark_count > 300 ? 1.9 : 2.6;
    for (size_t i = 0; i < panel->mark_count; ++i) {
        double x = fc__place_x(place, &panel->x, panel->marks[2 * i]);
        double y = fc__place_y(place, &panel->y, panel->marks[2 * i + 1]);
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
}

/* ---------------------------------------------------------------- colour bar */

/* The outline of the bar, with a point at each end beyond which there are values. */
static void trace_bar(cairo_t *cairo, double left, double right, double top, bool below, bool above)
{
    double middle = top + 0.5 * bar_height;
    cairo_move_to(cairo, left, top);
    cairo_line_to(cairo, right, top);
    if (above)
        cairo_line_to(cairo, right + pointed, middle);
    cairo_line_to(cairo, right, top + bar_height);
    cairo_line_to(cairo, left, top + bar_height);
    if (below)
        cairo_line_to(cairo, left - pointed, middle);
    cairo_close_path(cairo);
}

static void fill_bar(cairo_t *cairo, const fc_panel *panel, double left, double right, double top)
{
    enum { STOPS = 256 };
    cairo_pattern_t *gradient = cairo_pattern_create_linear(left, 0.0, right, 0.0);
    for (int i = 0; i <= STOPS; ++i) {
        fc__colour colour = fc__plot_colour(panel->diverging, (double)i / STOPS);
        cairo_pattern_add_color_stop_rgb(gradient, (double)i / STOPS, colour.red, colour.green,
                                         colour.blue);
    }
    double data[2], range[2];
    data_range(panel, data);
    fc__panel_range(panel, range);
    double slack = 1e-6 * (range[1] - range[0]);
    trace_bar(cairo, left, right, top, data[0]<range[0] - slack, data[1]> range[1] + slack);
    cairo_set_source(cairo, gradient);
    cairo_fill_preserve(cairo);
    cairo_pattern_destroy(gradient);
    cairo_set_source_rgb(cairo, fc__ink, fc__ink, fc__ink);
    cairo_set_line_width(cairo, 0.6);
    cairo_stroke(cairo);
}

/* A horizontal bar below the map, with ticks and units. */
static void draw_colour_bar(fc__canvas *canvas, const fc_panel *panel, const fc__place *place,
                            const double range[2])
{
    cairo_t *cairo = canvas->cairo;
    fc__margins axes = fc__axes_margins(cairo, &panel->x, &panel->y, place);
    double top = place->y + place->height + axes.below + 8.0;
    fill_bar(cairo, panel, place->x, place->x + place->width, top);
    fc__ticks ticks = fc__ticks_between(range[0], range[1], (size_t)(place->width / 50.0));
    char text[FC_NAME_SIZE * 2];
    cairo_set_line_width(cairo, 0.8);
    for (size_t i = 0; i < ticks.count; ++i) {
        double x = place->x + (ticks.value[i] - range[0]) / (range[1] - range[0]) * place->width;
        fc__draw_line(cairo, x, top + bar_height, x, top + bar_height + 3.0);
        fc__draw_text_if_free(canvas, ticks.text[i], x, top + bar_height + 15.0, FC__ALIGN_CENTRE);
    }
    fc__tick_units(&ticks, panel->units, text, sizeof text);
    fc__draw_text(canvas, text, place->x + 0.5 * place->width, top + bar_height + 31.0,
                  FC__ALIGN_CENTRE, place->width);
}

/* ---------------------------------------------------------------- panel */

fc__margins fc__panel_margins(cairo_t *cairo, const fc_panel *panel, const fc__place *place)
{
    fc__margins margins = fc__axes_margins(cairo, &panel->x, &panel->y, place);
    if ((panel->title && panel->title[0]) || (panel->note && panel->note[0]))
        margins.above += 16.0;
    if (place->bar)
        margins.below += bar_room;
    return margins;
}

fc_status fc__panel_draw(fc__canvas *canvas, const fc_panel *panel, const fc__place *place)
{
    double range[2];
    cairo_t *cairo = canvas->cairo;
    fc_status status = FC_OK;
    fc__panel_range(panel, range);
    cairo_save(cairo);
    cairo_rectangle(cairo, place->x, place->y, place->width, place->height);
    cairo_clip(cairo);
    if (panel->values)
        status = draw_cells(canvas, panel, place, range);
    draw_points(cairo, panel, place, range);
    draw_marks(cairo, panel, place);
    cairo_restore(cairo);
    if (status != FC_OK)
        return status;
    fc__draw_head(canvas, panel->title, panel->note, place, 7.0);
    fc__draw_axes(canvas, &panel->x, &panel->y, place);
    if (place->bar)
        draw_colour_bar(canvas, panel, place, range);
    return FC_OK;
}
