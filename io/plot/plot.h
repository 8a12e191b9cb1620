/* plot.h: the parts of a picture: colours, tick marks, text, axes, panels, charts and the page they
 * stand on. Private to the plot files. Lengths are in page units, 1/72 inch in PDF and SVG. */
#ifndef FC_IO_PLOT_H
#define FC_IO_PLOT_H

#include "io/io.h"

#include <cairo.h>

/* ---------------------------------------------------------------- colours */

typedef struct fc__colour {
    double red, green, blue; /* sRGB, 0..1 */
} fc__colour;

/* Colour at position 0..1 of the map: sequential, dark violet over teal to pale yellow, or
 * diverging, blue over white to red. Lightness is linear in the position (in the distance from the
 * middle), so that equal steps of a field look equal. */
fc__colour fc__plot_colour(bool diverging, double position);
/* Colours of lines, told apart by the colour-blind as well; repeats after the last. */
fc__colour fc__line_colour(size_t place);

/* ---------------------------------------------------------------- tick marks */

enum { FC__TICKS_MAX = 16, FC__TICK_TEXT = 32 };

typedef struct fc__ticks {
    size_t count;
    double value[FC__TICKS_MAX];
    char text[FC__TICKS_MAX][FC__TICK_TEXT]; /* value / 10^exponent */
    int exponent;                            /* 0 unless the numbers are very large or very small */
    char from[FC__TICK_TEXT]; /* date of the first tick where labels are times of day, else "" */
} fc__ticks;

/* At most about `wanted` round numbers within [lower, upper] of an axis, of its scale. */
fc__ticks fc__ticks_of(const fc_plot_axis *axis, double lower, double upper, size_t wanted);
/* In steps of 1, 2 or 5 times a power of ten. */
fc__ticks fc__ticks_between(double lower, double upper, size_t wanted);
/* "units" with the power of ten in front where the labels left one out. */
void fc__tick_units(const fc__ticks *ticks, const char *units, char *text, size_t size);
/* Dates that begin a year, month, day, hour, minute or second; no ticks when the axis has no
 * calendar. */
fc__ticks fc__ticks_time(const fc_time_axis *axis, double lower, double upper, size_t wanted);
/* The unit in which a length of time is best told, and how many of the axis's own it is: days,
 * hours, minutes or seconds where the axis has dates, else its own. */
double fc__natural_unit(const fc_time_axis *axis, double typical, char unit[FC_NAME_SIZE]);

/* ---------------------------------------------------------------- text */

typedef struct fc__box {
    double left, top, right, bottom;
} fc__box;

/* What is drawn on, and where text stands on it, so that no label covers another. */
typedef struct fc__canvas {
    fc_context *context;
    cairo_t *cairo;
    size_t count, room;
    fc__box *texts;
} fc__canvas;

typedef enum fc__align { FC__ALIGN_LEFT, FC__ALIGN_CENTRE, FC__ALIGN_RIGHT } fc__align;

void fc__canvas_begin(fc__canvas *canvas, fc_context *context, cairo_surface_t *surface);
/* The first failure of Cairo, if any; releases the canvas. */
fc_status fc__canvas_end(fc__canvas *canvas);

/* Text in the present font, as it will be drawn: bytes that are no UTF-8 count as "?". */
double fc__text_width(cairo_t *cairo, const char *text);
/* Text with its base line at y, cut with an ellipsis where it is wider than `most`. */
void fc__draw_text(fc__canvas *canvas, const char *text, double x, double y, fc__align align,
                   double most);
/* Upwards along x, centred on y. */
void fc__draw_turned_text(fc__canvas *canvas, const char *text, double x, double y, double most);
/* Left out where it would touch other text; false then. */
bool fc__draw_text_if_free(fc__canvas *canvas, const char *text, double x, double y,
                           fc__align align);

/* ---------------------------------------------------------------- axes */

extern const double fc__ink;       /* grey of lines and text */
extern const double fc__font_size; /* of labels */
extern const double fc__title_size;

/* Where an item stands on the page. */
typedef struct fc__place {
    double x, y;          /* upper left corner of the frame around its data */
    double width, height; /* of that frame */
    bool x_axis, y_axis;  /* whether the labels of the axis are drawn */
    bool bar;             /* whether a panel's colour bar is drawn */
} fc__place;

/* Position of a value on the page. */
double fc__place_x(const fc__place *place, const fc_plot_axis *axis, double value);
double fc__place_y(const fc__place *place, const fc_plot_axis *axis, double value);

fc__ticks fc__x_ticks(const fc__place *place, const fc_plot_axis *axis);
fc__ticks fc__y_ticks(const fc__place *place, const fc_plot_axis *axis);
void fc__draw_axes(fc__canvas *canvas, const fc_plot_axis *x, const fc_plot_axis *y,
                   const fc__place *place);
void fc__draw_head(fc__canvas *canvas, const char *title, const char *note, const fc__place *place,
                   double above);
void fc__draw_line(cairo_t *cairo, double x0, double y0, double x1, double y1);

/* Room around the frame of an item. */
typedef struct fc__margins {
    double left, above, below;
} fc__margins;

/* For the labels of the axes that the place has. */
fc__margins fc__axes_margins(cairo_t *cairo, const fc_plot_axis *x, const fc_plot_axis *y,
                             const fc__place *place);

/* ---------------------------------------------------------------- items */

/* Colour range of a panel: its own, or that of its finite values, widened where it is empty. */
void fc__panel_range(const fc_panel *panel, double range[2]);
fc_status fc__panel_check(fc_context *context, size_t index, const fc_panel *panel);
fc__margins fc__panel_margins(cairo_t *cairo, const fc_panel *panel, const fc__place *place);
fc_status fc__panel_draw(fc__canvas *canvas, const fc_panel *panel, const fc__place *place);
/* Cells of a panel as an image, top row first, `repeat` pixels a cell each way. */
fc_status fc__panel_image(fc_context *context, const fc_panel *panel, const double range[2],
                          size_t repeat, cairo_surface_t **image);

fc_status fc__chart_check(fc_context *context, size_t index, const fc_chart *chart);
fc__margins fc__chart_margins(cairo_t *cairo, const fc_chart *chart, const fc__place *place);
void fc__chart_draw(fc__canvas *canvas, const fc_chart *chart, const fc__place *place);

/* ---------------------------------------------------------------- page */

enum { FC__ITEMS_MAX = 400 };

typedef struct fc__page {
    double width, height;
    size_t count;
    fc__place *places; /* (count) */
} fc__page;

fc_status fc__page_plan(fc_context *context, const char *title, size_t count,
                        const fc_plot_item *items, size_t columns, fc__page *page);
void fc__page_clear(fc__page *page);
fc_status fc__page_draw(fc__canvas *canvas, const fc__page *page, const char *title,
                        const fc_plot_item *items);

/* ---------------------------------------------------------------- files */

/* A picture of `scale` pixels a page unit. */
fc_status fc__page_image(fc_context *context, const fc__page *page, double scale, const char *title,
                         const fc_plot_item *items, cairo_surface_t **image);
fc_status fc__write_png(fc_context *context, const char *path, cairo_surface_t *image);
/* Whether a path names a device or a pipe, which is written directly, as renaming a file over it
 * would replace it. */
bool fc__is_special_file(const char *path);
/* Allocates "PATH.tmpPROCESS". */
fc_status fc__temporary_name(fc_context *context, const char *path, char **name);

#endif
