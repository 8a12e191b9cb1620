#include "io/plot/plot.h"

#include "inr/support.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <webp/encode.h>
#include <webp/mux.h>

enum { WIDTH_MAX = 1280, FRAMES_MAX = 10000 }; /* pixels; of a numbered series */

struct fc_film {
    fc_context *context;
    fc_film_config config;
    char *path;
    fc__page page; /* of the first frame; count = 0 before it */
    double scale;
    size_t frames;
    WebPAnimEncoder *encoder; /* of a WebP; NULL for a series of pictures */
    WebPConfig webp;
    bool series;
};

fc_film_config fc_film_config_default(void)
{
    return (fc_film_config){.rate = 8.0, .quality = 100.0};
}

/* ---------------------------------------------------------------- names */

/* "NAME_0007.png", or what it is called until the series is whole. */
static fc_status frame_name(const fc_film *film, size_t frame, bool temporary, char **name)
{
    fc_status status;
    char *whole = NULL;
    size_t stem = strlen(film->path) - 4, size = stem + 32;
    *name = NULL;
    FC_NEW(film->context, &whole, size);
    snprintf(whole, size, "%.*s_%04zu%s", (int)stem, film->path, frame, film->path + stem);
    if (!temporary) {
        *name = whole;
        return FC_OK;
    }
    status = fc__temporary_name(film->context, whole, name);
done:
    free(whole);
    return status;
}

static void forget_frames(fc_film *film)
{
    for (size_t i = 0; film->series && i < film->frames; ++i) {
        char *name;
        if (frame_name(film, i, true, &name) == FC_OK)
            remove(name);
        free(name);
    }
    film->frames = 0;
}

/* ---------------------------------------------------------------- life cycle */

fc_status fc_film_create(fc_context *context, const char *path, const fc_film_config *config,
                         fc_film **film)
{
    fc_status status;
    fc_film *made = NULL;
    const char *dot = strrchr(path, '.');
    bool webp = dot && strcasecmp(dot, ".webp") == 0;
    *film = NULL;
    if (!webp && !(dot && strcasecmp(dot, ".png") == 0))
        return fc__fail(context, FC_ERROR_USAGE,
                        "%s: an animation's name must end in .webp, or in .png for a numbered "
                        "series of pictures",
                        path);
    if (!(config->rate > 0.0) || !(config->rate <= 100.0) || !(config->quality >= 0.0) ||
        !(config->quality <= 100.0))
        return fc__fail(context, FC_ERROR_USAGE,
                        "film: %g frames a second of quality %g; rates above 0 up to 100 and "
                        "qualities from 0 to 100 are accepted",
                        config->rate, config->quality);
    FC_NEW(context, &made, 1);
    made->context = context;
    made->config = *config;
    made->series = !webp;
    FC_TRY(fc__copy_text(context, path, &made->path));
    if (!WebPConfigInit(&made->webp))
        status = fc__fail(context, FC_ERROR_IO, "%s: this libwebp is of another version", path);
    made->webp.lossless = config->quality >= 100.0;
    made->webp.quality = made->webp.lossless ? 40.0f : (float)config->quality; /* effort or loss */
    made->webp.method = made->webp.lossless ? 2 : 3;
done:
    if (status != FC_OK) {
        fc_film_destroy(made);
        made = NULL;
    }
    *film = made;
    return status;
}

void fc_film_destroy(fc_film *film)
{
    if (!film)
        return;
    forget_frames(film);
    WebPAnimEncoderDelete(film->encoder);
    fc__page_clear(&film->page);
    free(film->path);
    free(film);
}

/* ---------------------------------------------------------------- frames */

/* Milliseconds at which a frame begins: rounded one by one, so that a film keeps its length. */
static int begin_of(const fc_film *film, size_t frame)
{
    return (int)lround(1000.0 * (double)frame / film->config.rate);
}

static fc_status begin(fc_film *film, const char *title, size_t count, const fc_plot_item *items,
                       size_t columns)
{
    fc_status status;
    FC_TRY(fc__page_plan(film->context, title, count, items, columns, &film->page));
    film->scale = fmin(2.0, fmax(WIDTH_MAX / film->page.width, 1.0));
    if (film->series)
        return FC_OK;
    WebPAnimEncoderOptions options;
    if (WebPAnimEncoderOptionsInit(&options))
        film->encoder = WebPAnimEncoderNew((int)ceil(film->scale * film->page.width),
                                           (int)ceil(film->scale * film->page.height), &options);
    if (!film->encoder)
        status =
            fc__fail(film->context, FC_ERROR_MEMORY, "%s: frames of %.0f x %.0f pixels", film->path,
                     film->scale * film->page.width, film->scale * film->page.height);
done:
    return status;
}

static fc_status encode(fc_film *film, cairo_surface_t *image)
{
    WebPPicture picture;
    int width = cairo_image_surface_get_width(image),
        height = cairo_image_surface_get_height(image);
    const unsigned char *data = cairo_image_surface_get_data(image);
    size_t stride = (size_t)cairo_image_surface_get_stride(image);
    bool added = false;
    if (WebPPictureInit(&picture)) {
        picture.use_argb = 1;
        picture.width = width;
        picture.height = height;
        if (WebPPictureAlloc(&picture)) {
            for (int y = 0; y < height; ++y) {
                const uint32_t *row = (const void *)(data + (size_t)y * stride);
                for (int x = 0; x < width; ++x)
                    picture.argb[(size_t)y * (size_t)picture.argb_stride + (size_t)x] =
                        row[x] | 0xff000000u;
            }
            added = WebPAnimEncoderAdd(film->encoder, &picture, begin_of(film, film->frames),
                                       &film->webp);
        }
        WebPPictureFree(&picture);
    }
    if (!added)
        return fc__fail(film->context, FC_ERROR_MEMORY, "%s: frame %zu of %d x %d pixels: %s",
                        film->path, film->frames, width, height,
                        WebPAnimEncoderGetError(film->encoder));
    return FC_OK;
}

static fc_status write_frame(fc_film *film, cairo_surface_t *image)
{
    char *name;
    fc_status status = frame_name(film, film->frames, true, &name);
    if (status == FC_OK)
        status = fc__write_png(film->context, name, image);
    if (status != FC_OK && name)
        remove(name);
    free(name);
    return status;
}

fc_status fc_film_add(fc_film *film, const char *title, size_t count, const fc_plot_item *items,
                      size_t columns)
{
    fc_status status = FC_OK;
    cairo_surface_t *image = NULL;
    if (fc_context_interrupted(film->context))
        return fc__fail(film->context, FC_INTERRUPTED, "%s: interrupted", film->path);
    if (film->frames == 0 && film->page.count == 0)
        FC_TRY(begin(film, title, count, items, columns));
    if (count != film->page.count || film->frames == FRAMES_MAX)
        return fc__fail(film->context, FC_ERROR_USAGE,
                        "%s: frame %zu has %zu items, the first has %zu; at most %d frames are "
                        "drawn",
                        film->path, film->frames, count, film->page.count, FRAMES_MAX);
    for (size_t i = 0; i < count; ++i)
        FC_TRY(items[i].panel ? fc__panel_check(film->context, i, items[i].panel)
                              : fc__chart_check(film->context, i, items[i].chart));
    FC_TRY(fc__page_image(film->context, &film->page, film->scale, title, items, &image));
    FC_TRY(film->series ? write_frame(film, image) : encode(film, image));
    ++film->frames;
done:
    cairo_surface_destroy(image);
    return status;
}

/* ---------------------------------------------------------------- end */

static fc_status finish_series(fc_film *film)
{
    fc_status status = FC_OK;
    size_t frames = film->frames;
    for (size_t i = 0; i < frames && status == FC_OK; ++i) {
        char *temporary = NULL, *name = NULL;
        status = frame_name(film, i, true, &temporary);
        if (status == FC_OK)
            status = frame_name(film, i, false, &name);
        if (status == FC_OK && rename(temporary, name) != 0)
            status = fc__fail(film->context, FC_ERROR_IO, "%s: cannot be replaced: %s", name,
                              strerror(errno));
        free(temporary);
        free(name);
    }
    return status;
}

static fc_status write_data(fc_context *context, const char *path, const WebPData *data)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return fc__fail(context, FC_ERROR_IO, "%s: cannot be created: %s", path, strerror(errno));
    errno = 0;
    bool written = fwrite(data->bytes, 1, data->size, file) == data->size;
    written = fclose(file) == 0 && written;
    if (written)
        return FC_OK;
    return fc__fail(context, FC_ERROR_IO, "%s: cannot be written: %s", path,
                    errno ? strerror(errno) : "unknown reason");
}

static fc_status finish_webp(fc_film *film)
{
    fc_status status = FC_OK;
    char *temporary = NULL;
    WebPData data;
    WebPDataInit(&data);
    /* An empty last frame says how long the one before lasts. */
    if (!WebPAnimEncoderAdd(film->encoder, NULL, begin_of(film, film->frames), NULL) ||
        !WebPAnimEncoderAssemble(film->encoder, &data)) {
        status = fc__fail(film->context, FC_ERROR_MEMORY, "%s: %s", film->path,
                          WebPAnimEncoderGetError(film->encoder));
        goto done;
    }
    if (fc__is_special_file(film->path)) {
        status = write_data(film->context, film->path, &data);
        goto done;
    }
    FC_TRY(fc__temporary_name(film->context, film->path, &temporary));
    status = write_data(film->context, temporary, &data);
    if (status == FC_OK && rename(temporary, film->path) != 0)
        status = fc__fail(film->context, FC_ERROR_IO, "%s: cannot be replaced: %s", film->path,
                          strerror(errno));
    if (status != FC_OK)
        remove(temporary);
done:
    WebPDataClear(&data);
    free(temporary);
    return status;
}

fc_status fc_film_finish(fc_film *film)
{
    if (film->frames == 0)
        return fc__fail(film->context, FC_ERROR_USAGE, "%s: has no frames", film->path);
    return film->series ? finish_series(film) : finish_webp(film);
}
