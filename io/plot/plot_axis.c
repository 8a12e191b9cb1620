#include "io/plot/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LABEL_SIZE = 256 };
static const double tick_length = 4.0;
const double fc__ink = 0.15;
const double fc__font_size = 11.0;
const double fc__title_size = 13.0;

/* ---------------------------------------------------------------- positions */

static double share(const fc_plot_axis *axis, double value)
{
    if (axis->scale == FC_SCALE_LOG)
        return (log10(value) - log10(axis->lower)) / (log10(axis->upper) - log10(axis->lower));
    return (value - axis->lower) / (axis->upper - axis->lower);
}

double fc__place_x(const fc__place *place, const fc_plot_axis *axis, double value)
{
    return place->x + share(axis, value) * place->width;
}

double fc__place_y(const fc__place *place, const fc_plot_axis *axis, double value)
{
    return place->y + (1.0 - share(axis, value)) * place->height;
}

fc__ticks fc__x_ticks(const fc__place *place, const fc_plot_axis *axis)
{
    bool dates = axis->scale == FC_SCALE_TIME && axis->time && axis->time->calendar[0];
    return fc__ticks_of(axis, axis->lower, axis->upper,
                        (size_t)(place->width / (dates ? 80.0 : 50.0)));
}

fc__ticks fc__y_ticks(const fc__place *place, const fc_plot_axis *axis)
{
    return fc__ticks_of(axis, axis->lower, axis->upper, (size_t)(place->height / 38.0));
}

/* "label, 10^n" where the axis left a power of ten out, "label, from DATE" where it left the date
 * out. */
static void axis_label(const fc__ticks *ticks, const char *label, char text[LABEL_SIZE])
{
    char power[64];
    fc__tick_units(ticks, "", power, sizeof power);
    snprintf(text, LABEL_SIZE, "%s%s%s%s%s", label ? label : "",
             label && label[0] && power[0] ? ", " : "", power, ticks->from[0] ? ", from " : "",
             ticks->from);
}

/* ---------------------------------------------------------------- margins */

fc__margins fc__axes_margins(cairo_t *cairo, const fc_plot_axis *x, const fc_plot_axis *y,
                             const fc__place *place)
{
    fc__margins margins = {.left = tick_length, .above = 8.0, .below = tick_length};
    char text[LABEL_SIZE];
    cairo_set_font_size(cairo, fc__font_size);
    if (place->y_axis) {
        fc__ticks ticks = fc__y_ticks(place, y);
        double widest = 0.0;
        for (size_t i = 0; i < ticks.count; ++i)
            widest = fmax(widest, fc__text_width(cairo, ticks.text[i]));
        axis_label(&ticks, y->label, text);
        margins.left = 9.0 + widest + (text[0] ? 20.0 : 0.0);
    }
    if (place->x_axis) {
        fc__ticks ticks = fc__x_ticks(place, x);
        axis_label(&ticks, x->label, text);
        margins.below = text[0] ? 38.0 : 21.0;
    }
    return margins;
}

/* ---------------------------------------------------------------- drawing */

void fc__draw_line(cairo_t *cairo, double x0, double y0, double x1, double y1)
{
    cairo_move_to(cairo, x0, y0);
    cairo_line_to(cairo, x1, y1);
    cairo_stroke(cairo);
}

static void draw_x_axis(fc__canvas *canvas, const fc_plot_axis *axis, const fc__place *place)
{
    fc__ticks ticks = fc__x_ticks(place, axis);
    char text[LABEL_SIZE];
    double bottom = place->y + place->height;
    for (size_t i = 0; i < ticks.count; ++i) {
        double x = fc__place_x(place, axis, ticks.value[i]);
        fc__draw_line(canvas->cairo, x, bottom, x, bottom + tick_length);
        if (place->x_axis)
            fc__draw_text_if_free(canvas, ticks.text[i], x, bottom + 17.0, FC__ALIGN_CENTRE);
    }
    axis_label(&ticks, axis->label, text);
    if (place->x_axis)
        fc__draw_text(canvas, text, place->x + 0.5 * place->width, bottom + 34.0, FC__ALIGN_CENTRE,
                      place->width);
}

static void draw_y_axis(fc__canvas *canvas, const fc_plot_axis *axis, const fc__place *place)
{
    fc__ticks ticks = fc__y_ticks(place, axis);
    char text[LABEL_SIZE];
    double widest = 0.0;
    for (size_t i = 0; i < ticks.count; ++i) {
        double y = fc__place_y(place, axis, ticks.value[i]);
        fc__draw_line(canvas->cairo, place->x - tick_length, y, place->x, y);
        widest = fmax(widest, fc__text_width(canvas->cairo, ticks.text[i]));
        if (place->y_axis)
            fc__draw_text_if_free(canvas, ticks.text[i], place->x - 8.0, y + 4.0, FC__ALIGN_RIGHT);
    }
    axis_label(&ticks, axis->label, text);
    if (place->y_axis)
        fc__draw_turned_text(canvas, text, place->x - 17.0 - widest, place->y + 0.5 * place->height,
                             place->height);
}

void fc__draw_axes(fc__canvas *canvas, const fc_plot_axis *x, const fc_plot_axis *y,
                   const fc__place *place)
{
    cairo_set_source_rgb(canvas->cairo, fc__ink, fc__ink, fc__ink);
    cairo_set_line_width(canvas->cairo, 0.8);
    cairo_rectangle(canvas->cairo, place->x, place->y, place->width, place->height);
    cairo_stroke(canvas->cairo);
    cairo_set_font_size(canvas->cairo, fc__font_size);
    draw_x_axis(canvas, x, place);
    draw_y_axis(canvas, y, place);
}

void fc__draw_head(fc__canvas *canvas, const char *title, const char *note, const fc__place *place,
                   double above)
{
    double y = place->y - above, room = place->width;
    cairo_set_source_rgb(canvas->cairo, fc__ink, fc__ink, fc__ink);
    bool both = title && title[0] && note && note[0];
    if (note && note[0]) {
        cairo_set_font_size(canvas->cairo, both ? fc__font_size : fc__title_size);
        double width = fc__text_width(canvas->cairo, note);
        if (both)
            fc__draw_text(canvas, note, place->x + place->width, y, FC__ALIGN_RIGHT, room);
        else
            fc__draw_text(canvas, note, place->x, y, FC__ALIGN_LEFT, room);
        room -= width + 8.0;
    }
    if (title && title[0]) {
        cairo_set_font_size(canvas->cairo, fc__title_size);
        fc__draw_text(canvas, title, place->x, y, FC__ALIGN_LEFT, room);
    }
    cairo_set_font_size(canvas->cairo, fc__font_size);
}
