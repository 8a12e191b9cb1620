#include "io/plot/plot.h"

#include "inr/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

static const double edge = 20.0; /* around the page */
static const double gap = 28.0;  /* between columns, besides the labels of their axes */
static const double row_gap = 12.0;
static const double heading = 30.0;
static const double heading_size = 16.0;

/* ---------------------------------------------------------------- what items share */

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Grids of one field may differ by half a cell. */
static bool same_axis(const fc_plot_axis *a, const fc_plot_axis *b)
{
    double slack = 0.02 * (a->upper - a->lower);
    return a->scale == b->scale && same_text(a->label, b->label) &&
           fabs(a->lower - b->lower) <= slack && fabs(a->upper - b->upper) <= slack;
}

static bool same_colours(const fc_panel *a, const fc_panel *b)
{
    double one[2], other[2];
    fc__panel_range(a, one);
    fc__panel_range(b, other);
    return one[0] == other[0] && one[1] == other[1] && a->diverging == b->diverging &&
           same_text(a->units, b->units);
}

static const fc_panel *panel_below(size_t i, size_t count, const fc_plot_item *items,
                                   size_t columns)
{
    return i + columns < count ? items[i + columns].panel : NULL;
}

/* Whether every panel of a row stands above one with the same axis. */
static bool is_continued(size_t row, size_t count, const fc_plot_item *items, size_t columns)
{
    for (size_t i = row * columns; i < count && i < (row + 1) * columns; ++i) {
        const fc_panel *panel = items[i].panel, *below = panel_below(i, count, items, columns);
        if (!panel || !below || !same_axis(&panel->x, &below->x))
            return false;
    }
    return true;
}

/* What the panel to the left or below shows already is left out. */
static void share_labels(size_t count, const fc_plot_item *items, size_t columns, fc__page *page)
{
    for (size_t i = 0; i < count; ++i) {
        fc__place *place = &page->places[i];
        const fc_panel *panel = items[i].panel, *below = panel_below(i, count, items, columns);
        const fc_panel *left = i % columns ? items[i - 1].panel : NULL;
        place->y_axis = !panel || !left || !same_axis(&panel->y, &left->y);
        place->x_axis = !is_continued(i / columns, count, items, columns);
        place->bar = panel && (!below || !same_colours(panel, below));
    }
}

/* ---------------------------------------------------------------- sizes */

/* Height over width of a map's frame. */
static double ratio_of(const fc_panel *panel)
{
    double across = panel->x.upper - panel->x.lower, up = panel->y.upper - panel->y.lower;
    if (!panel->equal)
        return 0.7;
    if (panel->y.scale == FC_SCALE_LATITUDE)
        across *= fmax(cos(0.5 * (panel->y.lower + panel->y.upper) * pi / 180.0), 0.1);
    return up / across;
}

/* Frames are to scale unless that would make them a mere strip. */
static void frame_size(size_t count, const fc_plot_item *items, size_t columns, double size[2])
{
    static const double widths[] = {560.0, 400.0, 312.0, 256.0, 220.0};
    double width = widths[columns < 5 ? columns - 1 : 4], ratio = 0.0;
    for (size_t i = 0; i < count && ratio == 0.0; ++i)
        if (items[i].panel)
            ratio = ratio_of(items[i].panel);
    if (ratio == 0.0)
        ratio = columns < 3 ? 0.62 : 0.8;
    if (ratio < 0.16)
        ratio = 0.32;
    double height = fmin(ratio, 1.15) * width;
    size[0] = fmax(height / ratio, 0.5 * width);
    if (ratio <= 1.15)
        size[0] = width;
    size[1] = height;
}

static fc__margins margins_of(cairo_t *cairo, const fc_plot_item *item, const fc__place *place)
{
    return item->panel ? fc__panel_margins(cairo, item->panel, place)
                       : fc__chart_margins(cairo, item->chart, place);
}

/* Columns as wide as their widest axis labels ask for, rows as high; places get their corners. */
static fc_status arrange(fc__canvas *measure, const char *title, size_t count,
                         const fc_plot_item *items, size_t columns, fc__page *page)
{
    fc_status status;
    size_t rows = (count + columns - 1) / columns;
    double *left = NULL, *above = NULL, *below = NULL;
    FC_NEW(measure->context, &left, columns);
    FC_NEW(measure->context, &above, rows);
    FC_NEW(measure->context, &below, rows);
    for (size_t i = 0; i < count; ++i) {
        fc__margins m = margins_of(measure->cairo, &items[i], &page->places[i]);
        left[i % columns] = fmax(left[i % columns], m.left);
        above[i / columns] = fmax(above[i / columns], m.above);
        below[i / columns] = fmax(below[i / columns], m.below);
    }
    double width = page->places[0].width, height = page->places[0].height, x = edge;
    for (size_t c = 0; c < columns; ++c) {
        x += left[c];
        for (size_t i = c; i < count; i += columns)
            page->places[i].x = x;
        x += width + gap;
    }
    page->width = fmax(x - gap + edge + 8.0, 360.0); /* half of the last tick's label */
    double y = edge + (title && title[0] ? heading : 0.0);
    for (size_t r = 0; r < rows; ++r) {
        y += above[r];
        for (size_t i = r * columns; i < count && i < (r + 1) * columns; ++i)
            page->places[i].y = y;
        y += height + below[r] + row_gap;
    }
    page->height = y - row_gap + edge;
done:
    free(left);
    free(above);
    free(below);
    return status;
}

fc_status fc__page_plan(fc_context *context, const char *title, size_t count,
                        const fc_plot_item *items, size_t columns, fc__page *page)
{
    fc_status status = FC_OK;
    fc__canvas measure = {0};
    cairo_surface_t *surface = NULL;
    *page = (fc__page){.count = count};
    if (count == 0 || count > FC__ITEMS_MAX || columns == 0)
        return fc__fail(context, FC_ERROR_USAGE,
                        "plot: %zu items in %zu columns; 1 to %d items can be drawn", count,
                        columns, FC__ITEMS_MAX);
    for (size_t i = 0; i < count; ++i)
        FC_TRY(items[i].panel ? fc__panel_check(context, i, items[i].panel)
                              : fc__chart_check(context, i, items[i].chart));
    if (columns > count)
        columns = count;
    FC_NEW(context, &page->places, count);
    double size[2];
    frame_size(count, items, columns, size);
    for (size_t i = 0; i < count; ++i) {
        page->places[i].width = size[0];
        page->places[i].height = size[1];
    }
    share_labels(count, items, columns, page);
    surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, 1, 1);
    fc__canvas_begin(&measure, context, surface);
    status = arrange(&measure, title, count, items, columns, page);
    fc_status measured = fc__canvas_end(&measure);
    status = status == FC_OK ? measured : status;
done:
    cairo_surface_destroy(surface);
    if (status != FC_OK)
        fc__page_clear(page);
    return status;
}

void fc__page_clear(fc__page *page)
{
    free(page->places);
    *page = (fc__page){0};
}

fc_status fc__page_draw(fc__canvas *canvas, const fc__page *page, const char *title,
                        const fc_plot_item *items)
{
    fc_status status = FC_OK;
    if (title && title[0]) {
        cairo_set_source_rgb(canvas->cairo, 0.1, 0.1, 0.1);
        cairo_set_font_size(canvas->cairo, heading_size);
        fc__draw_text(canvas, title, page->places[0].x, edge + 14.0, FC__ALIGN_LEFT,
                      page->width - edge - page->places[0].x);
    }
    for (size_t i = 0; i < page->count && status == FC_OK; ++i) {
        if (items[i].panel)
            status = fc__panel_draw(canvas, items[i].panel, &page->places[i]);
        else
            fc__chart_draw(canvas, items[i].chart, &page->places[i]);
    }
    return status;
}
