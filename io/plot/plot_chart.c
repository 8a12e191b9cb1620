#include "io/plot/plot.h"

#include "inr/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

static const double legend_line = 16.0; /* height of a line of the legend */
static const double key_length = 24.0;  /* of the stroke in front of a name */
static const double between = 18.0;     /* two names */
static const double divider_room = 14.0;
enum { DOTS_MIN = 3, DOTS_MAX = 40 }; /* lines of so few values show each of them */

fc_status fc__chart_check(fc_context *context, size_t index, const fc_chart *chart)
{
    size_t values = 0;
    for (size_t s = 0; s < chart->series_count; ++s)
        values += chart->series[s].count;
    if (values == 0)
        return fc__fail(context, FC_ERROR_USAGE, "plot: item %zu is a chart without any value",
                        index + 1);
    const fc_plot_axis *axes[] = {&chart->x, &chart->y};
    for (int d = 0; d < 2; ++d)
        if (!isfinite(axes[d]->lower) || !isfinite(axes[d]->upper) ||
            axes[d]->lower > axes[d]->upper ||
            (axes[d]->scale == FC_SCALE_LOG && axes[d]->lower < 0.0))
            return fc__fail(context, FC_ERROR_USAGE,
                            "plot: item %zu has an axis from %g to %g; it must increase%s",
                            index + 1, axes[d]->lower, axes[d]->upper,
                            axes[d]->scale == FC_SCALE_LOG ? " and be positive" : "");
    return FC_OK;
}

/* ---------------------------------------------------------------- extent */

static void extend(double value, bool log, double range[2])
{
    if (!isfinite(value) || (log && value <= 0.0))
        return;
    range[0] = fmin(range[0], value);
    range[1] = fmax(range[1], value);
}

/* Ends of an axis around the data, with some room. */
static void fit_axis(const fc_chart *chart, bool upright, fc_plot_axis *axis)
{
    bool log = axis->scale == FC_SCALE_LOG;
    double range[2] = {INFINITY, -INFINITY};
    if (axis->lower < axis->upper)
        return;
    for (size_t s = 0; s < chart->series_count; ++s) {
        const fc_series *series = &chart->series[s];
        for (size_t i = 0; i < series->count; ++i) {
            double spread = upright && series->spread ? series->spread[i] : 0.0;
            double value = upright ? series->y[i] : series->x[i];
            extend(value - spread, log, range);
            extend(value + spread, log, range);
        }
    }
    if (range[0] > range[1])
        range[0] = range[1] = 1.0;
    if (log) {
        double room = fmax(pow(range[1] / range[0], 0.05), 1.1);
        axis->lower = range[0] / room;
        axis->upper = range[1] * room;
        return;
    }
    double room = (upright ? 0.06 : 0.02) * (range[1] - range[0]);
    if (!(room > 0.0))
        room = fmax(0.05 * fabs(range[0]), 0.5);
    axis->lower = range[0] - room;
    axis->upper = range[1] + room;
}

static void fit_axes(const fc_chart *chart, fc_plot_axis *x, fc_plot_axis *y)
{
    *x = chart->x;
    *y = chart->y;
    fit_axis(chart, false, x);
    fit_axis(chart, true, y);
}

/* ---------------------------------------------------------------- strokes */

static fc__colour colour_of(const fc_chart *chart, const fc_series *series)
{
    size_t last = 0;
    if (!chart->graded)
        return fc__line_colour(series->colour);
    for (size_t s = 0; s < chart->series_count; ++s)
        last = chart->series[s].colour > last ? chart->series[s].colour : last;
    /* The palest colours would be lost on white. */
    return fc__plot_colour(false, last ? 0.82 * (double)series->colour / (double)last : 0.4);
}

static void set_stroke(cairo_t *cairo, fc_stroke stroke, double width)
{
    static const double dashes[] = {6.0, 3.0}, dots[] = {1.5, 2.5};
    cairo_set_line_width(cairo, width);
    cairo_set_line_join(cairo, CAIRO_LINE_JOIN_ROUND);
    if (stroke == FC_STROKE_DASHED)
        cairo_set_dash(cairo, dashes, 2, 0.0);
    else if (stroke == FC_STROKE_DOTTED)
        cairo_set_dash(cairo, dots, 2, 0.0);
    else
        cairo_set_dash(cairo, NULL, 0, 0.0);
}

static bool has_dots(const fc_series *series)
{
    return series->stroke == FC_STROKE_POINTS ||
           (series->count >= DOTS_MIN && series->count <= DOTS_MAX);
}

static void draw_dot(cairo_t *cairo, double x, double y, double radius)
{
    cairo_new_sub_path(cairo);
    cairo_arc(cairo, x, y, radius, 0.0, 2.0 * pi);
    cairo_fill(cairo);
}

/* One value on the page; false where it is not to be drawn. */
static bool point_of(const fc_series *series, size_t i, double shift, const fc_plot_axis *x,
                     const fc_plot_axis *y, const fc__place *place, double point[2])
{
    double spread = series->spread ? shift * series->spread[i] : 0.0;
    point[0] = fc__place_x(place, x, series->x[i]);
    point[1] = fc__place_y(place, y, series->y[i] + spread);
    /* Far outside, coordinates would overflow Cairo's; the frame clips long before. */
    if (isinf(point[1]) && y->scale == FC_SCALE_LOG && shift < 0.0)
        point[1] = place->y + 2.0 * place->height;
    point[1] = isnan(point[1]) ? point[1] : fmin(fmax(point[1], -1e6), 1e6);
    return isfinite(point[0]) && isfinite(point[1]) && fabs(point[0]) < 1e6;
}

static void draw_band(cairo_t *cairo, const fc_series *series, const fc_plot_axis *x,
                      const fc_plot_axis *y, const fc__place *place, fc__colour colour)
{
    double point[2];
    cairo_new_path(cairo);
    for (size_t i = 0; i < series->count; ++i)
        if (point_of(series, i, 1.0, x, y, place, point))
            cairo_line_to(cairo, point[0], point[1]);
    for (size_t i = series->count; i-- > 0;)
        if (point_of(series, i, -1.0, x, y, place, point))
            cairo_line_to(cairo, point[0], point[1]);
    cairo_close_path(cairo);
    cairo_set_source_rgba(cairo, colour.red, colour.green, colour.blue, 0.2);
    cairo_fill(cairo);
}

static void draw_series(cairo_t *cairo, const fc_series *series, const fc_plot_axis *x,
                        const fc_plot_axis *y, const fc__place *place, fc__colour colour)
{
    double point[2];
    bool dots = has_dots(series);
    if (series->spread)
        draw_band(cairo, series, x, y, place, colour);
    cairo_set_source_rgb(cairo, colour.red, colour.green, colour.blue);
    cairo_new_path(cairo);
    bool drawing = false;
    for (size_t i = 0; i < series->count && series->stroke != FC_STROKE_POINTS; ++i) {
        bool there = point_of(series, i, 0.0, x, y, place, point);
        if (there && drawing)
            cairo_line_to(cairo, point[0], point[1]);
        else if (there)
            cairo_move_to(cairo, point[0], point[1]);
        drawing = there;
    }
    set_stroke(cairo, series->stroke, 1.6);
    cairo_stroke(cairo);
    set_stroke(cairo, FC_STROKE_SOLID, 1.0);
    for (size_t i = 0; i < series->count && dots; ++i)
        if (point_of(series, i, 0.0, x, y, place, point))
            draw_dot(cairo, point[0], point[1], series->stroke == FC_STROKE_POINTS ? 2.2 : 2.4);
}

/* ---------------------------------------------------------------- legend */

static double entry_width(cairo_t *cairo, const fc_series *series)
{
    return key_length + 6.0 + fc__text_width(cairo, series->name) + between;
}

static bool is_named(const fc_series *series)
{
    return series->name && series->name[0];
}

static size_t legend_lines(cairo_t *cairo, const fc_chart *chart, double width)
{
    size_t lines = 0;
    double used = INFINITY;
    cairo_set_font_size(cairo, fc__font_size);
    for (size_t s = 0; s < chart->series_count; ++s) {
        if (!is_named(&chart->series[s]))
            continue;
        double wanted = entry_width(cairo, &chart->series[s]);
        if (used + wanted - between > width) {
            ++lines;
            used = 0.0;
        }
        used += wanted;
    }
    return lines;
}

static void draw_key(cairo_t *cairo, const fc_series *series, fc__colour colour, double x, double y)
{
    if (series->spread) {
        cairo_set_source_rgba(cairo, colour.red, colour.green, colour.blue, 0.2);
        cairo_rectangle(cairo, x, y - 5.0, key_length, 10.0);
        cairo_fill(cairo);
    }
    cairo_set_source_rgb(cairo, colour.red, colour.green, colour.blue);
    if (series->stroke == FC_STROKE_POINTS) {
        draw_dot(cairo, x + 0.5 * key_length, y, 2.6);
        return;
    }
    set_stroke(cairo, series->stroke, 1.6);
    fc__draw_line(cairo, x, y, x + key_length, y);
    set_stroke(cairo, FC_STROKE_SOLID, 0.8);
    if (has_dots(series))
        draw_dot(cairo, x + 0.5 * key_length, y, 2.4);
}

/* Above the frame, where no data can be; `bottom` is the base line of its last line. */
static void draw_legend(fc__canvas *canvas, const fc_chart *chart, const fc__place *place,
                        double bottom)
{
    cairo_t *cairo = canvas->cairo;
    size_t lines = legend_lines(cairo, chart, place->width);
    double used = 0.0, y = bottom - legend_line * (double)(lines ? lines - 1 : 0);
    for (size_t s = 0; s < chart->series_count; ++s) {
        const fc_series *series = &chart->series[s];
        if (!is_named(series))
            continue;
        double wanted = entry_width(cairo, series);
        if (used > 0.0 && used + wanted - between > place->width) {
            used = 0.0;
            y += legend_line;
        }
        draw_key(cairo, series, colour_of(chart, series), place->x + used, y - 4.0);
        cairo_set_source_rgb(cairo, fc__ink, fc__ink, fc__ink);
        fc__draw_text(canvas, series->name, place->x + used + key_length + 6.0, y, FC__ALIGN_LEFT,
                      place->width - key_length - 6.0);
        used += wanted;
    }
}

/* ---------------------------------------------------------------- frame */

static bool has_divider_names(const fc_chart *chart)
{
    for (size_t i = 0; i < chart->divider_count; ++i)
        if (chart->divider_names && chart->divider_names[i])
            return true;
    return false;
}

static void draw_grid(cairo_t *cairo, const fc_plot_axis *x, const fc_plot_axis *y,
                      const fc__place *place)
{
    fc__ticks across = fc__x_ticks(place, x), up = fc__y_ticks(place, y);
    cairo_set_source_rgb(cairo, 0.9, 0.9, 0.9);
    cairo_set_line_width(cairo, 0.6);
    for (size_t i = 0; i < across.count; ++i) {
        double at = fc__place_x(place, x, across.value[i]);
        fc__draw_line(cairo, at, place->y, at, place->y + place->height);
    }
    for (size_t i = 0; i < up.count; ++i) {
        double at = fc__place_y(place, y, up.value[i]);
        fc__draw_line(cairo, place->x, at, place->x + place->width, at);
    }
}

static void draw_dividers(fc__canvas *canvas, const fc_chart *chart, const fc_plot_axis *x,
                          const fc__place *place)
{
    for (size_t i = 0; i < chart->divider_count; ++i) {
        const char *name = chart->divider_names ? chart->divider_names[i] : NULL;
        double at = fc__place_x(place, x, chart->dividers[i]);
        if (!(at >= place->x - 0.5 && at <= place->x + place->width + 0.5))
            continue;
        cairo_set_source_rgb(canvas->cairo, 0.45, 0.45, 0.45);
        set_stroke(canvas->cairo, FC_STROKE_DASHED, 0.8);
        if (at > place->x + 1.0) /* not on the frame */
            fc__draw_line(canvas->cairo, at, place->y - (name ? 4.0 : 0.0), at,
                          place->y + place->height);
        set_stroke(canvas->cairo, FC_STROKE_SOLID, 0.8);
        if (name)
            fc__draw_text_if_free(canvas, name, at, place->y - 6.0, FC__ALIGN_LEFT);
    }
}

/* Heights of what stands above the frame, from the frame up. */
static void heads(cairo_t *cairo, const fc_chart *chart, double width, double *names,
                  double *legend)
{
    *names = has_divider_names(chart) ? divider_room : 0.0;
    *legend = legend_line * (double)legend_lines(cairo, chart, width);
}

fc__margins fc__chart_margins(cairo_t *cairo, const fc_chart *chart, const fc__place *place)
{
    fc_plot_axis x, y;
    double names, legend;
    fit_axes(chart, &x, &y);
    fc__margins margins = fc__axes_margins(cairo, &x, &y, place);
    heads(cairo, chart, place->width, &names, &legend);
    margins.above += names + legend;
    if ((chart->title && chart->title[0]) || (chart->note && chart->note[0]))
        margins.above += 16.0;
    return margins;
}

void fc__chart_draw(fc__canvas *canvas, const fc_chart *chart, const fc__place *place)
{
    cairo_t *cairo = canvas->cairo;
    fc_plot_axis x, y;
    double names, legend;
    fit_axes(chart, &x, &y);
    heads(cairo, chart, place->width, &names, &legend);
    draw_grid(cairo, &x, &y, place);
    cairo_save(cairo);
    cairo_rectangle(cairo, place->x, place->y, place->width, place->height);
    cairo_clip(cairo);
    /* The first series is the one that matters: on top. */
    for (size_t s = chart->series_count; s-- > 0;)
        draw_series(cairo, &chart->series[s], &x, &y, place, colour_of(chart, &chart->series[s]));
    cairo_restore(cairo);
    fc__draw_head(canvas, chart->title, chart->note, place, 7.0 + names + legend);
    draw_legend(canvas, chart, place, place->y - 7.0 - names);
    fc__draw_axes(canvas, &x, &y, place);
    draw_dividers(canvas, chart, &x, place);
}
