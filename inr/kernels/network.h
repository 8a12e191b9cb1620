/* network.h: the decoder on tiles of points (inr/network.h). */

#include "inr/network.h"

/* ---------------------------------------------------------------- weights */

static float *stacked_a(const fc__network *n, size_t l, size_t channel)
{
    return n->a + (channel * (n->layers + 1) + l / n->stack * n->stack) * fc__packed_codes(n);
}

/* Layers of the stack that begins at layer l. */
static size_t stack_height(const fc__network *n, size_t l)
{
    return n->layers + 1 - l < n->stack ? n->layers + 1 - l : n->stack;
}

/* b and A of a network without layers times head. */
static void fold_head(const fc__network *n, size_t channel)
{
    const float *head = n->head + channel * n->width;
    float *b = n->b + channel * n->width, *a = stacked_a(n, 0, channel);
    for (size_t i = 0; i < n->width; i++)
        b[i] *= head[i];
    for (size_t j = 0; j < n->codes; j += PANEL)
        for (size_t i = 0; i < n->width; i++, a += PANEL)
            for (size_t c = 0; c < PANEL; c++)
                a[c] *= head[i];
}

/* The arrays of one layer and channel; those that all channels share with the first of them. The
 * memory is zero before, which is what pads them. */
static void network_pack(const fc__network *n, size_t l, size_t channel)
{
    const float *parameters = n->decoder->parameters;
    size_t width = n->real_width, codes = n->codes, place = channel * (n->layers + 1) + l;
    size_t block = (l * n->channels + channel) * width;
    const float *a = parameters + n->layout.a + block * codes;
    memcpy(n->b + place * n->width, parameters + n->layout.b + block, width * sizeof(float));
    if (l == 0)
        memcpy(n->head + channel * n->width, parameters + n->layout.head + channel * width,
               width * sizeof(float));
    if (n->a)
        pack_rows(stack_height(n, l / n->stack * n->stack) * n->width, l % n->stack * n->width,
                  width, codes, a, codes, 1, stacked_a(n, l, channel));
    if (n->a && n->layers == 0)
        fold_head(n, channel);
    if (n->a_transposed)
        pack_panels(codes, width, a, 1, codes, n->a_transposed + place * fc__packed_turned(n));
    if (l == 0 || channel > 0)
        return;
    const float *w = parameters + n->layout.w + (l - 1) * width * width;
    if (n->w)
        pack_rows(n->width, 0, width, width, w, width, 1, n->w + (l - 1) * fc__packed_square(n));
    if (n->w_transposed)
        pack_rows(n->width, 0, width, width, w, 1, width,
                  n->w_transposed + (l - 1) * fc__packed_square(n));
}

/* ---------------------------------------------------------------- rows */

static const float *filters_of(const fc__network *n, const fc__tape *tape, size_t l)
{
    return tape->s + (n->filters.distinct > 1 ? l * FC__TILE * n->width : 0);
}

/* Sum of a b over `width` numbers, a multiple of LANES. */
FC__INLINE float row_dot(size_t width, const float *a, const float *b)
{
    vector sums[2] = {{0}, {0}};
    size_t i = 0;
    for (; i + 2 * LANES <= width; i += 2 * LANES) {
        sums[0] += load(a + i) * load(b + i);
        sums[1] += load(a + i + LANES) * load(b + i + LANES);
    }
    if (i < width)
        sums[0] += load(a + i) * load(b + i);
    vector both = sums[0] + sums[1];
    float total = 0.0f;
    for (size_t lane = 0; lane < LANES; lane++)
        total += both[lane];
    return total;
}

/* out = s * q; q has rows of `stride`, 0 = one row for all points */
FC__INLINE void multiply_rows(size_t count, size_t width, const float *s, const float *q,
                              size_t stride, float *out, size_t ld)
{
    for (size_t p = 0; p < count; p++)
        for (size_t i = 0; i < width; i += LANES)
            store(out + p * ld + i, load(s + p * width + i) * load(q + p * stride + i));
}

/* ---------------------------------------------------------------- basis */

/* Reverse accumulation from the head down (r_l = du / d(A_l z + b_l) as a row):
 *
 *   r_L = head * s_L,   r_{l-1} = s_{l-1} * q_{l-1},   q_{l-1} = r_l W_l */
static void tile_states(const fc__network *n, size_t count, size_t channel, const fc__tape *tape)
{
    size_t width = n->width, layers = n->layers;
    multiply_rows(count, width, filters_of(n, tape, layers), n->head + channel * width, 0,
                  tape->r + layers * width, n->row);
    for (size_t l = layers; l > 0; l--) {
        float *q = tape->q ? tape->q + (l - 1) * FC__TILE * width : NULL;
        float *r = tape->r + (l - 1) * width;
        const float *s = filters_of(n, tape, l - 1);
        multiply(&(product){.m = count,
                            .n = width,
                            .k = width,
                            .a = tape->r + l * width,
                            .a_row = n->row,
                            .a_column = 1,
                            .b = n->w + (l - 1) * fc__packed_square(n),
                            .b_row = PANEL,
                            .b_panel = width * PANEL,
                            .c = q ? q : r,
                            .ldc = q ? width : n->row,
                            .factor = q ? NULL : s,
                            .ldf = width});
        if (q)
            multiply_rows(count, width, s, q, width, r, n->row);
    }
}

/* Phi = sum_l r_l A_l, phi0 = bias + sum_l r_l b_l */
static void basis_tile(const fc__network *n, size_t count, const fc__tape *tape, float *phi0,
                       float *phi)
{
    size_t width = n->width, states = n->layers + 1, row = n->layers > 0 ? n->row : width;
    const float *r = n->layers > 0 ? tape->r : tape->s;
    for (size_t channel = 0; channel < n->channels; channel++) {
        if (n->layers > 0)
            tile_states(n, count, channel, tape);
        for (size_t l = 0; l < states; l += n->stack) {
            size_t depth = stack_height(n, l) * width;
            multiply(&(product){.m = count,
                                .n = n->codes,
                                .k = depth,
                                .a = r + l * width,
                                .a_row = row,
                                .a_column = 1,
                                .b = stacked_a(n, l, channel),
                                .b_row = PANEL,
                                .b_panel = depth * PANEL,
                                .c = phi + channel * n->codes,
                                .ldc = n->channels * n->codes,
                                .add = l > 0});
        }
        float bias = n->decoder->parameters[n->layout.bias + channel];
        const float *b = n->b + channel * states * width;
        for (size_t p = 0; p < count; p++)
            phi0[p * n->channels + channel] = bias + row_dot(states * width, r + p * row, b);
    }
}

/* ---------------------------------------------------------------- gradient of the basis */

/* Gradients of A_l, and r_bar += Phi_bar A_l^T (of r_l, 0 before for l = 0). */
static void backward_shift(const fc__network *n, size_t count, size_t channel, size_t l,
                           const float *phi_bar, const fc__tape *tape, float *gradient)
{
    size_t width = n->real_width, place = channel * (n->layers + 1) + l;
    multiply(
        &(product){.m = width,
                   .n = n->codes,
                   .k = count,
                   .a = tape->r + l * n->width,
                   .a_row = 1,
                   .a_column = n->row,
                   .b = tape->phi_bar,
                   .b_row = PANEL,
                   .b_panel = count * PANEL,
                   .c = gradient + n->layout.a + (l * n->channels + channel) * width * n->codes,
                   .ldc = n->codes,
                   .add = true});
    multiply(&(product){.m = count,
                        .n = n->width,
                        .k = n->codes,
                        .a = phi_bar + channel * n->codes,
                        .a_row = n->channels * n->codes,
                        .a_column = 1,
                        .b = n->a_transposed + place * fc__packed_turned(n),
                        .b_row = PANEL,
                        .b_panel = n->codes * PANEL,
                        .c = tape->r_bar,
                        .ldc = n->width + FC__ROW,
                        .add = l > 0});
}

/* Completes r_bar += phi0_bar b_l^T and passes it through r_l = s_l * q_l: s_bar += r_bar * q,
 * q_bar = r_bar * s. q has rows of `stride`, 0 = one row for all points. */
static void backward_product(const fc__network *n, size_t count, size_t channel, size_t l,
                             const float *phi0_bar, const float *q, size_t stride,
                             const fc__tape *tape)
{
    size_t width = n->width, ld = width + FC__ROW;
    const float *b = n->b + (channel * (n->layers + 1) + l) * width, *s = filters_of(n, tape, l);
    for (size_t p = 0; p < count; p++) {
        float bar = phi0_bar[p * n->channels + channel];
        float *s_bar = tape->s_bar ? tape->s_bar + (l * FC__TILE + p) * width : NULL;
        for (size_t i = 0; i < width; i += LANES) {
            vector r_bar = load(tape->r_bar + p * ld + i) + bar * load(b + i);
            store(tape->q_bar + p * ld + i, r_bar * load(s + p * width + i));
            if (s_bar)
                store(s_bar + i, load(s_bar + i) + r_bar * load(q + p * stride + i));
        }
    }
}

/* Through q_{l-1} = r_l W_l: gradient of W_l, and r_bar = q_bar W_l^T. */
static void backward_layer(const fc__network *n, size_t count, size_t l, const fc__tape *tape,
                           float *gradient)
{
    size_t width = n->real_width, ld = n->width + FC__ROW;
    multiply(&(product){.m = width,
                        .n = width,
                        .k = count,
                        .a = tape->r + l * n->width,
                        .a_row = 1,
                        .a_column = n->row,
                        .b = tape->q_bar,
                        .b_row = ld,
                        .b_panel = PANEL,
                        .c = gradient + n->layout.w + (l - 1) * width * width,
                        .ldc = width,
                        .add = true});
    multiply(&(product){.m = count,
                        .n = n->width,
                        .k = n->width,
                        .a = tape->q_bar,
                        .a_row = ld,
                        .a_column = 1,
                        .b = n->w_transposed + (l - 1) * fc__packed_square(n),
                        .b_row = PANEL,
                        .b_panel = n->width * PANEL,
                        .c = tape->r_bar,
                        .ldc = ld});
}

/* Gradients of b_l = sum_p phi0_bar r_l, of head = sum_p q_bar_L and of the bias. */
static void backward_rows(const fc__network *n, size_t count, size_t channel, const float *phi0_bar,
                          const fc__tape *tape, float *gradient)
{
    size_t width = n->real_width, states = n->layers + 1;
    float *head = gradient + n->layout.head + channel * width;
    multiply(&(product){.m = 1,
                        .n = states * n->width,
                        .k = count,
                        .a = phi0_bar + channel,
                        .a_column = n->channels,
                        .b = tape->r,
                        .b_row = n->row,
                        .b_panel = PANEL,
                        .c = tape->sums});
    for (size_t l = 0; l < states; l++) {
        float *b = gradient + n->layout.b + (l * n->channels + channel) * width;
        for (size_t i = 0; i < width; i++)
            b[i] += tape->sums[l * n->width + i];
    }
    for (size_t p = 0; p < count; p++) {
        gradient[n->layout.bias + channel] += phi0_bar[p * n->channels + channel];
        const float *q_bar = tape->q_bar + p * (n->width + FC__ROW);
        for (size_t i = 0; i < width; i++)
            head[i] += q_bar[i];
    }
}

/* d sin(phase) = cos(phase), d cos(phase) = -sin(phase), phase = Omega x */
static void backward_omega(const fc__network *n, size_t count, const fc__tape *tape,
                           float *gradient)
{
    size_t filters = n->filters.count, inputs = n->filters.inputs;
    for (size_t l = 0; l <= n->layers; l++) {
        float *omega = gradient + n->layout.omega + l * filters * inputs;
        const float *s = filters_of(n, tape, l), *s_bar = tape->s_bar + l * FC__TILE * n->width;
        for (size_t j = 0; j < inputs; j++) {
            memset(tape->sums, 0, filters * sizeof *tape->sums);
            for (size_t p = 0; p < count; p++) {
                const float *at = s + p * n->width, *bar = s_bar + p * n->width;
                float x = (float)tape->inputs[p * inputs + j];
#pragma omp simd
                for (size_t f = 0; f < filters; f++)
                    tape->sums[f] += x * (bar[f] * at[filters + f] - bar[filters + f] * at[f]);
            }
            for (size_t f = 0; f < filters; f++)
                omega[f * inputs + j] += tape->sums[f];
        }
    }
}

static void gradient_tile(const fc__network *n, size_t count, const float *phi0_bar,
                          const float *phi_bar, const fc__tape *tape, float *gradient)
{
    size_t width = n->width, layers = n->layers;
    if (tape->s_bar)
        memset(tape->s_bar, 0, (layers + 1) * FC__TILE * width * sizeof *tape->s_bar);
    for (size_t channel = 0; channel < n->channels; channel++) {
        tile_states(n, count, channel, tape);
        pack_panels(count, n->codes, phi_bar + channel * n->codes, n->channels * n->codes, 1,
                    tape->phi_bar);
        for (size_t l = 0; l <= layers; l++) {
            const float *q = tape->q ? tape->q + l * FC__TILE * width : NULL;
            size_t stride = l < layers ? width : 0;
            if (l > 0)
                backward_layer(n, count, l, tape, gradient);
            backward_shift(n, count, channel, l, phi_bar, tape, gradient);
            backward_product(n, count, channel, l, phi0_bar,
                             l < layers ? q : n->head + channel * width, stride, tape);
        }
        backward_rows(n, count, channel, phi0_bar, tape, gradient);
    }
    if (tape->s_bar)
        backward_omega(n, count, tape, gradient);
}

/* ---------------------------------------------------------------- values */

/* One column of a tile: h_0 = s_0 * shift_0, h_l = s_l * (W_l h_{l-1} + shift_l), u = head h_L +
 * bias; shift (layers + 1, columns, width) from this column on; u has rows of `stride`. */
static void values_tile(const fc__network *n, size_t count, size_t channel, size_t columns,
                        const float *shift, const fc__tape *tape, float *u, size_t stride)
{
    size_t width = n->width, ld = width + FC__ROW;
    float *h = tape->r_bar, *next = tape->q_bar;
    multiply_rows(count, width, filters_of(n, tape, 0), shift, 0, h, ld);
    for (size_t l = 1; l <= n->layers; l++) {
        multiply(&(product){.m = count,
                            .n = width,
                            .k = width,
                            .a = h,
                            .a_row = ld,
                            .a_column = 1,
                            .b = n->w_transposed + (l - 1) * fc__packed_square(n),
                            .b_row = PANEL,
                            .b_panel = width * PANEL,
                            .c = next,
                            .ldc = ld,
                            .bias = shift + l * columns * width,
                            .factor = filters_of(n, tape, l),
                            .ldf = width});
        float *now = h;
        h = next;
        next = now;
    }
    for (size_t p = 0; p < count; p++)
        u[p * stride] = row_dot(width, h + p * ld, n->head + channel * width) +
                        n->decoder->parameters[n->layout.bias + channel];
}
