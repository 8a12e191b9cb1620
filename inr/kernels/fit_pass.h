/* fit_pass.h: forward and backward through the layers for a tile of points of one frame and one
 * channel (inr/fit_pass.h). Rows have whole vectors: what is beyond the width is zero in weights
 * and shifts, and so in everything that follows. */

static size_t fit_packed_size(size_t width)
{
    return packed_size(width, width);
}

/* W (width, width) for h W^T and for v_bar W. */
static void fit_pack(size_t width, const float *w, float *forward, float *backward)
{
    pack_panels(width, width, w, 1, width, forward);
    pack_panels(width, width, w, width, 1, backward);
}

/* out = a * b, b one row for all points or (points, width). */
FC__INLINE void fit_scale(size_t points, size_t width, const float *a, const float *b,
                          size_t b_stride, float *out)
{
    for (size_t p = 0; p < points; p++)
        for (size_t i = 0; i < width; i += LANES)
            store(out + p * width + i, load(a + p * width + i) * load(b + p * b_stride + i));
}

/* sum += rows of a */
FC__INLINE void fit_add_rows(size_t points, size_t width, const float *a, float *sum)
{
    for (size_t i = 0; i < width; i += LANES) {
        vector total = {0};
        for (size_t p = 0; p < points; p++)
            total += load(a + p * width + i);
        store(sum + i, load(sum + i) + total);
    }
}

/* sum += a * b */
FC__INLINE void fit_add_products(size_t count, const float *a, const float *b, float *sum)
{
    for (size_t i = 0; i < count; i += LANES)
        store(sum + i, load(sum + i) + load(a + i) * load(b + i));
}

FC__INLINE const float *fit_filters(const fc__fit_tile *t, size_t l)
{
    return t->s + l * t->s_layer;
}

/* h_0 = s_0 * shift_0, h_l = s_l * v_l, v_l = W_l h_{l-1} + shift_l; v is kept where it is wanted.
 */
FC__INLINE void fit_forward(const fc__fit_tile *t)
{
    size_t width = t->width, points = t->points, matrix = t->matrix;
    fit_scale(points, width, fit_filters(t, 0), t->shift, 0, t->h);
    for (size_t l = 1; l <= t->layers; l++) {
        float *h = t->h + l * matrix, *v = t->v ? t->v + l * matrix : NULL;
        product p = {.m = points,
                     .n = width,
                     .k = width,
                     .a = h - matrix,
                     .a_row = width,
                     .a_column = 1,
                     .b = t->forward + (l - 1) * t->packed,
                     .b_row = PANEL,
                     .b_panel = width * PANEL,
                     .c = v ? v : h,
                     .ldc = width,
                     .bias = t->shift + l * width,
                     .factor = v ? NULL : fit_filters(t, l),
                     .ldf = width};
        multiply(&p);
        if (v)
            fit_scale(points, width, v, fit_filters(t, l), width, h);
    }
}

/* Residuals r = head h_L + bias - y and what follows from each at the head; u_bar = weight r. */
FC__INLINE void fit_head(fc__fit_tile *t)
{
    size_t width = t->width;
    const float *h = t->h + t->layers * t->matrix;
    float bias_bar = 0.0f;
    double square = 0.0;
    for (size_t p = 0; p < t->points; p++, h += width) {
        vector dot = {0};
        for (size_t i = 0; i < width; i += LANES)
            dot += load(h + i) * load(t->head + i);
        float u = t->bias;
        for (size_t lane = 0; lane < LANES; lane++)
            u += dot[lane];
        float r = t->y[p] == t->y[p] ? u - t->y[p] : 0.0f; /* NaN = missing */
        square += (double)r * (double)r;
        t->u_bar[p] = t->weight * r;
        bias_bar += t->u_bar[p];
        vector factor = broadcast(t->u_bar[p]);
        for (size_t i = 0; i < width; i += LANES)
            store(t->head_bar + i, load(t->head_bar + i) + factor * load(h + i));
    }
    *t->bias_bar += bias_bar;
    t->square = square;
}

/* h_bar_L = u_bar head */
FC__INLINE void fit_head_back(const fc__fit_tile *t, float *h_bar)
{
    for (size_t p = 0; p < t->points; p++)
        for (size_t i = 0; i < t->width; i += LANES)
            store(h_bar + p * t->width + i, broadcast(t->u_bar[p]) * load(t->head + i));
}

/* v_bar_l = s_l * h_bar_l, shift_bar_l = sum of v_bar_l, W_bar_l = v_bar_l^T h_{l-1},
 * h_bar_{l-1} = v_bar_l W_l; s_bar_l = v_l * h_bar_l. v_bar has room for two matrices. */
FC__INLINE void fit_backward(const fc__fit_tile *t)
{
    size_t width = t->width, points = t->points, matrix = t->matrix;
    float *bar = t->v_bar, *next = t->v_bar + matrix;
    fit_head_back(t, bar);
    for (size_t l = t->layers + 1; l-- > 0;) {
        /* bar is h_bar_l at the head and where filters are trained, else v_bar_l already */
        if (t->v && l > 0)
            fit_add_products(points * width, bar, t->v + l * matrix, t->s_bar + l * matrix);
        else if (t->v)
            for (size_t p = 0; p < points; p++)
                fit_add_products(width, bar + p * width, t->shift, t->s_bar + p * width);
        if (t->v || l == t->layers)
            fit_scale(points, width, bar, fit_filters(t, l), width, bar);
        fit_add_rows(points, width, bar, t->shift_bar + l * width);
        if (l == 0)
            break;
        product w_bar = {.m = width,
                         .n = width,
                         .k = points,
                         .a = bar,
                         .a_row = 1,
                         .a_column = width,
                         .b = t->h + (l - 1) * matrix,
                         .b_row = width,
                         .b_panel = PANEL,
                         .c = t->w_bar + (l - 1) * width * width,
                         .ldc = width,
                         .add = true};
        multiply(&w_bar);
        product h_bar = {.m = points,
                         .n = width,
                         .k = width,
                         .a = bar,
                         .a_row = width,
                         .a_column = 1,
                         .b = t->backward + (l - 1) * t->packed,
                         .b_row = PANEL,
                         .b_panel = width * PANEL,
                         .c = next,
                         .ldc = width,
                         .factor = t->v ? NULL : fit_filters(t, l - 1),
                         .ldf = width};
        multiply(&h_bar);
        float *free_one = bar;
        bar = next;
        next = free_one;
    }
}

static void fit_tile(fc__fit_tile *tile)
{
    fit_forward(tile);
    fit_head(tile);
    fit_backward(tile);
}
