#include "io/plot/plot.h"

#include "inr/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double pi = 3.14159265358979323846;

enum { TEXT_MAX = 512 };

void fc__canvas_begin(fc__canvas *canvas, fc_context *context, cairo_surface_t *surface)
{
    *canvas = (fc__canvas){.context = context, .cairo = cairo_create(surface)};
    cairo_set_source_rgb(canvas->cairo, 1.0, 1.0, 1.0);
    cairo_paint(canvas->cairo);
    cairo_select_font_face(canvas->cairo, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL,
                           CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(canvas->cairo, fc__font_size);
}

fc_status fc__canvas_end(fc__canvas *canvas)
{
    cairo_status_t drawn = cairo_status(canvas->cairo);
    cairo_destroy(canvas->cairo);
    free(canvas->texts);
    canvas->texts = NULL;
    if (drawn == CAIRO_STATUS_NO_MEMORY)
        return fc__fail(canvas->context, FC_ERROR_MEMORY, "plot: out of memory");
    if (drawn != CAIRO_STATUS_SUCCESS)
        return fc__fail(canvas->context, FC_ERROR_IO, "plot: %s", cairo_status_to_string(drawn));
    return FC_OK;
}

/* ---------------------------------------------------------------- words */

/* Bytes of the UTF-8 character at `text` (RFC 3629), 0 when there is none that can be drawn. */
static size_t character(const unsigned char *text)
{
    size_t length = text[0] < 0x80   ? 1
                    : text[0] < 0xc2 ? 0
                    : text[0] < 0xe0 ? 2
                    : text[0] < 0xf0 ? 3
                    : text[0] < 0xf5 ? 4
                                     : 0;
    if (length == 1)
        return text[0] >= 0x20 && text[0] != 0x7f ? 1 : 0;
    for (size_t i = 1; i < length; ++i)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    bool outside = (text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
                   (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f);
    return outside ? 0 : length;
}

/* Names come from files: what is no text becomes "?". */
static void clean(const char *text, char copy[TEXT_MAX])
{
    const unsigned char *from = (const unsigned char *)(text ? text : "");
    size_t length = 0;
    while (*from && length + 4 < TEXT_MAX) {
        size_t bytes = character(from);
        if (bytes == 0)
            copy[length] = '?';
        else
            memcpy(copy + length, from, bytes);
        length += bytes ? bytes : 1;
        from += bytes ? bytes : 1;
    }
    copy[length] = '\0';
}

static double width_of(cairo_t *cairo, const char *text)
{
    cairo_text_extents_t extents;
    cairo_text_extents(cairo, text, &extents);
    return extents.x_advance;
}

double fc__text_width(cairo_t *cairo, const char *text)
{
    char shown[TEXT_MAX];
    clean(text, shown);
    return width_of(cairo, shown);
}

/* Takes characters off the end until the rest fits with an ellipsis. */
static void shorten(cairo_t *cairo, char text[TEXT_MAX], double most)
{
    static const char ellipsis[] = "…";
    size_t length = strlen(text);
    if (length + sizeof ellipsis > TEXT_MAX)
        length = TEXT_MAX - sizeof ellipsis;
    while (length > 0 && width_of(cairo, text) > most) {
        do
            --length;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80);
        memcpy(text + length, ellipsis, sizeof ellipsis);
    }
}

/* ---------------------------------------------------------------- drawing */

static double left_of(double x, double width, fc__align align)
{
    return align == FC__ALIGN_LEFT ? x : align == FC__ALIGN_CENTRE ? x - 0.5 * width : x - width;
}

/* Remembers where text stands. Without memory for it labels may cover each other, which is better
 * than no picture. */
static void remember(fc__canvas *canvas, fc__box box)
{
    if (canvas->count == canvas->room) {
        size_t room = canvas->room ? 2 * canvas->room : 256;
        fc__box *grown = realloc(canvas->texts, room * sizeof *grown);
        if (!grown)
            return;
        canvas->texts = grown;
        canvas->room = room;
    }
    canvas->texts[canvas->count++] = box;
}

/* From the top of capitals to below the base line. */
static fc__box box_of(cairo_t *cairo, double left, double width, double y)
{
    cairo_font_extents_t font;
    cairo_font_extents(cairo, &font);
    return (fc__box){left, y - 0.75 * font.ascent, left + width, y + 0.75 * font.descent};
}

void fc__draw_text(fc__canvas *canvas, const char *text, double x, double y, fc__align align,
                   double most)
{
    char shown[TEXT_MAX];
    clean(text, shown);
    shorten(canvas->cairo, shown, most);
    if (!shown[0])
        return;
    double width = width_of(canvas->cairo, shown), left = left_of(x, width, align);
    remember(canvas, box_of(canvas->cairo, left, width, y));
    cairo_move_to(canvas->cairo, left, y);
    cairo_show_text(canvas->cairo, shown);
}

void fc__draw_turned_text(fc__canvas *canvas, const char *text, double x, double y, double most)
{
    char shown[TEXT_MAX];
    clean(text, shown);
    shorten(canvas->cairo, shown, most);
    if (!shown[0])
        return;
    double half = 0.5 * width_of(canvas->cairo, shown);
    fc__box flat = box_of(canvas->cairo, 0.0, 0.0, 0.0);
    remember(canvas, (fc__box){x + flat.top, y - half, x + flat.bottom, y + half});
    cairo_save(canvas->cairo);
    cairo_translate(canvas->cairo, x, y);
    cairo_rotate(canvas->cairo, -0.5 * pi);
    cairo_move_to(canvas->cairo, -half, 0.0);
    cairo_show_text(canvas->cairo, shown);
    cairo_restore(canvas->cairo);
}

bool fc__draw_text_if_free(fc__canvas *canvas, const char *text, double x, double y,
                           fc__align align)
{
    const double apart = 3.0;
    double width = fc__text_width(canvas->cairo, text);
    fc__box box = box_of(canvas->cairo, left_of(x, width, align), width, y);
    for (size_t i = 0; i < canvas->count; ++i) {
        const fc__box *other = &canvas->texts[i];
        if (box.left < other->right + apart && other->left < box.right + apart &&
            box.top < other->bottom && other->top < box.bottom)
            return false;
    }
    fc__draw_text(canvas, text, x, y, align, INFINITY);
    return true;
}
