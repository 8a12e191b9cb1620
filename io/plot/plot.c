#include "io/plot/plot.h"

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

static const double png_scale = 2.0; /* pixels per page unit */

typedef enum picture_kind { PICTURE_PNG, PICTURE_PDF, PICTURE_SVG } picture_kind;

/* ---------------------------------------------------------------- names */

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

bool fc__is_special_file(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && !S_ISREG(found.st_mode);
}

fc_status fc__temporary_name(fc_context *context, const char *path, char **name)
{
    fc_status status;
    size_t size = strlen(path) + 32;
    FC_NEW(context, name, size);
    snprintf(*name, size, "%s.tmp%ld", path, (long)getpid());
done:
    return status;
}

/* ---------------------------------------------------------------- drawing */

static cairo_status_t write_bytes(void *file, const unsigned char *bytes, unsigned count)
{
    return fwrite(bytes, 1, count, file) == count ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static fc_status cairo_result(fc_context *context, cairo_status_t result)
{
    if (result == CAIRO_STATUS_SUCCESS)
        return FC_OK;
    return fc__fail(context, result == CAIRO_STATUS_NO_MEMORY ? FC_ERROR_MEMORY : FC_ERROR_IO,
                    "plot: %s", cairo_status_to_string(result));
}

static fc_status draw(fc_context *context, cairo_surface_t *surface, const fc__page *page,
                      const char *title, const fc_plot_item *items)
{
    fc__canvas canvas;
    fc__canvas_begin(&canvas, context, surface);
    fc_status status = fc__page_draw(&canvas, page, title, items);
    fc_status ended = fc__canvas_end(&canvas);
    return status == FC_OK ? ended : status;
}

fc_status fc__page_image(fc_context *context, const fc__page *page, double scale, const char *title,
                         const fc_plot_item *items, cairo_surface_t **image)
{
    *image = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(scale * page->width),
                                        (int)ceil(scale * page->height));
    cairo_surface_set_device_scale(*image, scale, scale);
    fc_status status = cairo_result(context, cairo_surface_status(*image));
    if (status == FC_OK)
        status = draw(context, *image, page, title, items);
    if (status == FC_OK)
        cairo_surface_flush(*image);
    if (status != FC_OK) {
        cairo_surface_destroy(*image);
        *image = NULL;
    }
    return status;
}

/* ---------------------------------------------------------------- files */

static fc_status open_file(fc_context *context, const char *path, FILE **file)
{
    *file = fopen(path, "wb");
    if (*file)
        return FC_OK;
    return fc__fail(context, FC_ERROR_IO, "%s: cannot be created: %s", path, strerror(errno));
}

static fc_status close_file(fc_context *context, const char *path, FILE *file, fc_status status)
{
    if (fclose(file) != 0 && status == FC_OK)
        status = fc__fail(context, FC_ERROR_IO, "%s: cannot be written: %s", path, strerror(errno));
    return status;
}

fc_status fc__write_png(fc_context *context, const char *path, cairo_surface_t *image)
{
    FILE *file;
    fc_status status = open_file(context, path, &file);
    if (status != FC_OK)
        return status;
    status = cairo_result(context, cairo_surface_write_to_png_stream(image, write_bytes, file));
    return close_file(context, path, file, status);
}

static fc_status write_image(fc_context *context, const char *path, const fc__page *page,
                             const char *title, const fc_plot_item *items)
{
    cairo_surface_t *image;
    fc_status status = fc__page_image(context, page, png_scale, title, items, &image);
    if (status != FC_OK)
        return status;
    status = fc__write_png(context, path, image);
    cairo_surface_destroy(image);
    return status;
}

static fc_status write_vectors(fc_context *context, const char *path, picture_kind kind,
                               const fc__page *page, const char *title, const fc_plot_item *items)
{
    FILE *file;
    fc_status status = open_file(context, path, &file);
    if (status != FC_OK)
        return status;
    cairo_surface_t *surface =
        kind == PICTURE_PDF
            ? cairo_pdf_surface_create_for_stream(write_bytes, file, page->width, page->height)
            : cairo_svg_surface_create_for_stream(write_bytes, file, page->width, page->height);
    status = draw(context, surface, page, title, items);
    cairo_surface_finish(surface);
    if (status == FC_OK)
        status = cairo_result(context, cairo_surface_status(surface));
    cairo_surface_destroy(surface);
    return close_file(context, path, file, status);
}

/* Writes the page to `path`, which must not exist or may be overwritten. */
static fc_status write_file(fc_context *context, const char *path, picture_kind kind,
                            const fc__page *page, const char *title, const fc_plot_item *items)
{
    return kind == PICTURE_PNG ? write_image(context, path, page, title, items)
                               : write_vectors(context, path, kind, page, title, items);
}

fc_status fc_plot(fc_context *context, const char *path, const char *title, size_t count,
                  const fc_plot_item *items, size_t columns)
{
    fc_status status;
    char *temporary = NULL;
    picture_kind kind = PICTURE_PNG;
    fc__page page = {0};
    FC_TRY(picture_kind_of(context, path, &kind));
    FC_TRY(fc__page_plan(context, title, count, items, columns, &page));
    if (fc__is_special_file(path)) {
        status = write_file(context, path, kind, &page, title, items);
        goto done;
    }
    FC_TRY(fc__temporary_name(context, path, &temporary));
    status = write_file(context, temporary, kind, &page, title, items);
    if (status == FC_OK && rename(temporary, path) != 0)
        status =
            fc__fail(context, FC_ERROR_IO, "%s: cannot be replaced: %s", path, strerror(errno));
    if (status != FC_OK)
        remove(temporary);
done:
    fc__page_clear(&page);
    free(temporary);
    return status;
}
