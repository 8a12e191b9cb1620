/* plot.h: the parts of a picture: colours, tick marks and panels. Private to the plot files. */
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

/* ---------------------------------------------------------------- tick marks */

enum { FC__TICKS_MAX = 16, FC__TICK_TEXT = 32 };

/* Round numbers within [lower, upper]; labels show value / 10^exponent. */
typedef struct fc__ticks {
    size_t count;
    double value[FC__TICKS_MAX];
    int exponent; /* 0 unless the numbers are very large or very small */
    int decimals;
} fc__ticks;

/* At most about `wanted` ticks, in steps of 1, 2 or 5 times a power of ten. */
fc__ticks fc__ticks_between(double lower, double upper, size_t wanted);
void fc__tick_text(const fc__ticks *ticks, size_t index, char text[FC__TICK_TEXT]);
/* "units" with the power of ten in front where the labels left one out. */
void fc__tick_units(const fc__ticks *ticks, const char *units, char *text, size_t size);

/* ---------------------------------------------------------------- panels */

/* Where a panel stands on the page, in page units. */
typedef struct fc__panel_place {
    double x, y;          /* upper left corner of the map */
    double width, height; /* of the map */
    bool y_axis;          /* whether the labels of the y axis are drawn */
} fc__panel_place;

/* Room a panel takes around its map. */
enum {
    FC__PANEL_ABOVE = 26, /* title */
    FC__PANEL_BELOW = 96, /* x axis and colour bar */
    FC__PANEL_LEFT = 62   /* y axis */
};

/* Colour range of a panel: its own, or that of its finite values, widened where it is empty. */
void fc__panel_range(const fc_panel *panel, double range[2]);

fc_status fc__panel_draw(fc_context *context, cairo_t *cairo, const fc_panel *panel,
                         const fc__panel_place *place);

typedef enum fc__align { FC__ALIGN_LEFT, FC__ALIGN_CENTRE, FC__ALIGN_RIGHT } fc__align;

/* Text with its base line at y, in the present font. */
void fc__draw_text(cairo_t *cairo, const char *text, double x, double y, fc__align align);

#endif
