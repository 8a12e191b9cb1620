#include "io/plot.h"

#include "inr/support.h"

#include <cairo-pdf.h>
#include <cairo-svg.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CELLS_MAX = 32767, PANELS_MAX = 400 }; /* of an image, by Cairo; on a page */
static const double margin = 22.0;
static const double gap = 36.0;
static const double title_height = 30.0;
static const double png_scale = 2.0; /* pixels per page unit */

typedef enum picture_kind { PICTURE_PNG, PICTURE_PDF, PICTURE_SVG } picture_kind;

/* ---------------------------------------------------------------- page */

typedef struct page_plan {
    double width, height;
    double top; /* of the first row */
    double map_width, map_height;
    size_t columns, rows;
    bool shared_y; /* one set of y labels a row serves all panels */
} page_plan;

/* Whether one set of y labels serves all panels: grids of one field may differ by half a cell. */
static bool same_heights(size_t count, const fc_panel *panels)
{
    double slack = 0.02 * (panels[0].extent[3] - panels[0].extent[2]);
    for (size_t i = 1; i < count; ++i)
        if (fabs(panels[i].extent[2] - panels[0].extent[2]) > slack ||
            fabs(panels[i].extent[3] - panels[0].extent[3]) > slack)
            return false;
    return true;
}

static page_plan page_layout(const char *title, size_t count, const fc_panel *panels,
                             size_t columns)
{
    static const double map_widths[] = {560.0, 400.0, 312.0, 250.0};
    page_plan made = {.columns = columns < count ? columns : count};
    made.rows = (count + made.columns - 1) / made.columns;
    made.shared_y = same_heights(count, panels);
    made.map_width = map_widths[made.columns < 4 ? made.columns - 1 : 3];
    const double *extent = panels[0].extent;
    double ratio = (extent[3] - extent[2]) / (extent[1] - extent[0]);
    made.map_height = made.map_width * fmin(fmax(ratio, 0.4), 1.4);
    double left = made.shared_y ? FC__PANEL_LEFT : FC__PANEL_LEFT * (double)made.columns;
    made.width = 2.0 * margin + left + (double)made.columns * made.map_width +
                 (double)(made.columns - 1) * gap;
    made.top = margin + (title && title[0] ? title_height : 0.0);
    double row = FC__PANEL_ABOVE + made.map_height + FC__PANEL_BELOW;
    made.height = made.top + (double)made.rows * row + 0.5 * margin;
    return made;
}

static fc__panel_place page_place(const page_plan *page, size_t index)
{
    size_t column = index % page->columns, row = index / page->columns;
    double step = page->map_width + gap + (page->shared_y ? 0.0 : FC__PANEL_LEFT);
    double down = FC__PANEL_ABOVE + page->map_height + FC__PANEL_BELOW;
    return (fc__panel_place){
        .x = margin + FC__PANEL_LEFT + (double)column * step,
        .y = page->top + FC__PANEL_ABOVE + (double)row * down,
        .width = page->map_width,
        .height = page->map_height,
        .y_axis = column == 0 || !page->shared_y,
    };
}

static fc_status page_draw(fc_context *context, cairo_surface_t *surface, const page_plan *page,
                           const char *title, size_t count, const fc_panel *panels)
{
    fc_status status = FC_OK;
    cairo_t *cairo = cairo_create(surface);
    cairo_set_source_rgb(cairo, 1.0, 1.0, 1.0);
    cairo_paint(cairo);
    cairo_select_font_face(cairo, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    if (title && title[0]) {
        cairo_set_source_rgb(cairo, 0.1, 0.1, 0.1);
        cairo_set_font_size(cairo, 16.0);
        fc__draw_text(cairo, title, 0.5 * page->width, margin + 14.0, FC__ALIGN_CENTRE);
    }
    for (size_t i = 0; i < count; ++i) {
        fc__panel_place place = page_place(page, i);
        FC_TRY(fc__panel_draw(context, cairo, &panels[i], &place));
    }
    if (cairo_status(cairo) != CAIRO_STATUS_SUCCESS)
        status =
            fc__fail(context, FC_ERROR_IO, "plot: %s", cairo_status_to_string(cairo_status(cairo)));
done:
    cairo_destroy(cairo);
    return status;
}

/* ---------------------------------------------------------------- file */

static cairo_status_t write_bytes(void *file, const unsigned char *bytes, unsigned count)
{
    return fwrite(bytes, 1, count, file) == count ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static fc_status picture_kind_of(fc_context *context, const char *path, picture_kind *kind)
{
    const char *dot = strrchr(path, '.');
    if (dot && strcasecmp(dot, ".png") == 0)
        *kind = PICTURE_PNG;
    else if (dot && strcasecmp(dot, ".pdf") == 0)
        *kind = PICTURE_PDF;
    else if (dot && strcasecmp(dot, ".svg") == 0)
        *kind = PICTURE_SVG;
    else
        return fc__fail(context, FC_ERROR_USAGE,
                        "%s: a picture's name must end in .png, .pdf or .svg", path);
    return FC_OK;
}

static cairo_surface_t *create_surface(picture_kind kind, const page_plan *page, FILE *file)
{
    if (kind == PICTURE_PDF)
        return cairo_pdf_surface_create_for_stream(write_bytes, file, page->width, page->height);
    if (kind == PICTURE_SVG)
        return cairo_svg_surface_create_for_stream(write_bytes, file, page->width, page->height);
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(png_scale * page->width),
                                   (int)ceil(png_scale * page->height));
    cairo_surface_set_device_scale(surface, png_scale, png_scale);
    return surface;
}

static fc_status write_picture(fc_context *context, FILE *file, picture_kind kind,
                               const page_plan *page, const char *title, size_t count,
                               const fc_panel *panels)
{
    cairo_surface_t *surface = create_surface(kind, page, file);
    fc_status status = page_draw(context, surface, page, title, count, panels);
    if (status == FC_OK) {
        cairo_status_t drawn = CAIRO_STATUS_SUCCESS;
        if (kind == PICTURE_PNG)
            drawn = cairo_surface_write_to_png_stream(surface, write_bytes, file);
        cairo_surface_finish(surface);
        if (drawn == CAIRO_STATUS_SUCCESS)
            drawn = cairo_surface_status(surface);
        if (drawn != CAIRO_STATUS_SUCCESS)
            status = fc__fail(context, FC_ERROR_IO, "plot: %s", cairo_status_to_string(drawn));
    }
    cairo_surface_destroy(surface);
    return status;
}

/* ---------------------------------------------------------------- checks and entry */

static fc_status check_panel(fc_context *context, size_t index, const fc_panel *panel)
{
    if (!panel->values || panel->width == 0 || panel->height == 0 || panel->width > CELLS_MAX ||
        panel->height > CELLS_MAX)
        return fc__fail(context, FC_ERROR_USAGE,
                        "plot: panel %zu has %zu x %zu cells; 1 to %d each way can be drawn",
                        index + 1, panel->width, panel->height, CELLS_MAX);
    const double *e = panel->extent;
    bool finite = isfinite(e[0]) && isfinite(e[1]) && isfinite(e[2]) && isfinite(e[3]);
    if (!finite || !(e[0] < e[1]) || !(e[2] < e[3]))
        return fc__fail(context, FC_ERROR_USAGE,
                        "plot: panel %zu has the extent x %g..%g, y %g..%g; each must increase",
                        index + 1, e[0], e[1], e[2], e[3]);
    return FC_OK;
}

/* Devices and pipes are written directly, as renaming a file over them would replace them. */
static bool is_special_file(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && !S_ISREG(found.st_mode);
}

/* Writes the page to `path`, which must not exist or may be overwritten. */
static fc_status write_file(fc_context *context, const char *path, picture_kind kind,
                            const char *title, size_t count, const fc_panel *panels, size_t columns)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return fc__fail(context, FC_ERROR_IO, "%s: cannot be created: %s", path, strerror(errno));
    page_plan layout = page_layout(title, count, panels, columns);
    fc_status status = write_picture(context, file, kind, &layout, title, count, panels);
    if (fclose(file) != 0 && status == FC_OK)
        status = fc__fail(context, FC_ERROR_IO, "%s: cannot be written: %s", path, strerror(errno));
    return status;
}

fc_status fc_plot_panels(fc_context *context, const char *path, const char *title, size_t count,
                         const fc_panel *panels, size_t columns)
{
    fc_status status = FC_OK;
    char *temporary = NULL;
    picture_kind kind = PICTURE_PNG;
    if (count == 0 || count > PANELS_MAX || columns == 0)
        return fc__fail(context, FC_ERROR_USAGE,
                        "plot: %zu panels in %zu columns; 1 to %d panels can be drawn", count,
                        columns, PANELS_MAX);
    FC_TRY(picture_kind_of(context, path, &kind));
    for (size_t i = 0; i < count; ++i)
        FC_TRY(check_panel(context, i, &panels[i]));
    if (is_special_file(path)) {
        status = write_file(context, path, kind, title, count, panels, columns);
        goto done;
    }
    size_t size = strlen(path) + 32;
    FC_NEW(context, &temporary, size);
    snprintf(temporary, size, "%s.tmp%ld", path, (long)getpid());
    status = write_file(context, temporary, kind, title, count, panels, columns);
    if (status == FC_OK && rename(temporary, path) != 0)
        status =
            fc__fail(context, FC_ERROR_IO, "%s: cannot be replaced: %s", path, strerror(errno));
    if (status != FC_OK)
        remove(temporary);
done:
    free(temporary);
    return status;
}
