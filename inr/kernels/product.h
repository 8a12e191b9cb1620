/* product.h: register-tiled matrix products of tiles that stay in the cache, with the element-wise
 * step that follows them done before the result leaves the registers. OpenBLAS serves large
 * products; here are those of a tile of points with a layer's weights, whose operands are small and
 * used at once. */
#ifndef FC_INR_KERNELS_PRODUCT_H
#define FC_INR_KERNELS_PRODUCT_H

#include "inr/kernels/vector.h"

#include <stdbool.h>

/* A block of BLOCK_ROWS x BLOCK_VECTORS sums is held in registers. */
enum {
    BLOCK_ROWS = 6,
    BLOCK_VECTORS = REGISTERS == 32 ? 4 : 2,
    PANEL = BLOCK_VECTORS * LANES /* columns of B taken together */
};

/* C (m, n) = factor * (bias + A B), or += A B without either:
 *
 *   A(i, l) = a[i a_row + l a_column];   B(l, j) = b[j / PANEL b_panel + l b_row + j % PANEL]
 *
 * B is packed (b_panel = k PANEL, b_row = PANEL; see pack_panels), or a plain row-major matrix
 * (b_panel = PANEL, b_row = its row length, a multiple of LANES >= n). */
typedef struct product {
    size_t m, n, k;
    const float *a;
    size_t a_row, a_column;
    const float *b;
    size_t b_row, b_panel;
    float *c;
    size_t ldc;
    const float *bias;   /* (n), NULL = none */
    const float *factor; /* (m, n), NULL = none */
    size_t ldf;
    bool add;
} product;

FC__INLINE size_t packed_size(size_t k, size_t n)
{
    return (n + PANEL - 1) / PANEL * k * PANEL;
}

/* B(l, j) = b[l b_row + j b_column] into panels, columns beyond n as zeros. */
static inline __attribute__((unused)) void pack_panels(size_t k, size_t n, const float *b,
                                                       size_t b_row, size_t b_column, float *packed)
{
    for (size_t first = 0; first < n; first += PANEL) {
        size_t columns = n - first < PANEL ? n - first : PANEL;
        for (size_t l = 0; l < k; l++, packed += PANEL) {
            for (size_t j = 0; j < columns; j++)
                packed[j] = b[l * b_row + (first + j) * b_column];
            memset(packed + columns, 0, (PANEL - columns) * sizeof *packed);
        }
    }
}

/* One block: `rows` x `vectors` are constants where this is inlined; the last vector has `last`
 * lanes. */
FC__INLINE void product_block(const product *p, size_t i, size_t j, const size_t rows,
                              const size_t vectors, size_t last)
{
    vector sum[BLOCK_ROWS][BLOCK_VECTORS];
    const float *a = p->a + i * p->a_row, *b = p->b + j / PANEL * p->b_panel;
    const size_t a_row = p->a_row, a_column = p->a_column, b_row = p->b_row, k = p->k;
    for (size_t v = 0; v < vectors; v++) {
        vector start = {0};
        if (p->bias)
            start = v + 1 == vectors ? load_part(p->bias + j + v * LANES, last)
                                     : load(p->bias + j + v * LANES);
        for (size_t r = 0; r < rows; r++)
            sum[r][v] = start;
    }
    for (size_t l = 0; l < k; l++) {
        vector right[BLOCK_VECTORS];
        for (size_t v = 0; v < vectors; v++)
            right[v] = load(b + v * LANES);
        for (size_t r = 0; r < rows; r++)
            for (size_t v = 0; v < vectors; v++)
                sum[r][v] += a[r * a_row] * right[v];
        a += a_column;
        b += b_row;
    }
    for (size_t r = 0; r < rows; r++) {
        float *c = p->c + (i + r) * p->ldc + j;
        const float *factor = p->factor ? p->factor + (i + r) * p->ldf + j : NULL;
        for (size_t v = 0; v < vectors; v++, c += LANES) {
            size_t lanes = v + 1 == vectors ? last : LANES;
            bool whole = lanes == LANES;
            vector value = sum[r][v];
            if (factor)
                value *= whole ? load(factor + v * LANES) : load_part(factor + v * LANES, lanes);
            if (p->add)
                value += whole ? load(c) : load_part(c, lanes);
            if (whole)
                store(c, value);
            else
                store_part(c, value, lanes);
        }
    }
}

/* All rows of one panel: whole blocks, then what is left. */
FC__INLINE void product_panel(const product *p, size_t j, const size_t vectors, size_t last)
{
    size_t i = 0;
    for (; i + BLOCK_ROWS <= p->m; i += BLOCK_ROWS)
        product_block(p, i, j, BLOCK_ROWS, vectors, last);
    for (; i + 2 <= p->m; i += 2)
        product_block(p, i, j, 2, vectors, last);
    for (; i < p->m; i++)
        product_block(p, i, j, 1, vectors, last);
}

static inline __attribute__((unused)) void multiply(const product *p)
{
    for (size_t j = 0; j < p->n; j += PANEL) {
        size_t columns = p->n - j < PANEL ? p->n - j : PANEL;
        size_t vectors = (columns + LANES - 1) / LANES, last = columns - (vectors - 1) * LANES;
        switch (vectors) {
        case 1:
            product_panel(p, j, 1, last);
            break;
        case 2:
            product_panel(p, j, 2, last);
            break;
#if defined(__AVX512F__) || defined(__aarch64__)
        case 3:
            product_panel(p, j, 3, last);
            break;
        default:
            product_panel(p, j, 4, last);
#else
        default:
            break;
#endif
        }
    }
}

#endif
