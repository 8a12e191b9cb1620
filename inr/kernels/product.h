/* product.h: register-tiled matrix products of tiles that stay in the cache, with the element-wise
 * step that follows them done before the result leaves the registers. OpenBLAS serves large
 * products; here are those of a tile of points with a layer's weights, whose operands are small and
 * used at once. */
#ifndef FC_INR_KERNELS_PRODUCT_H
#define FC_INR_KERNELS_PRODUCT_H

#include "inr/kernels/operands.h"
#include "inr/kernels/transpose.h"

typedef fc__operands product;

/* A block of BLOCK_ROWS x BLOCK_VECTORS sums is held in registers. */
enum {
    BLOCK_ROWS = 6,
    BLOCK_VECTORS = REGISTERS == 32 ? 4 : 2,
    PANEL = BLOCK_VECTORS * LANES /* columns of B taken together */
};

FC__INLINE size_t packed_size(size_t k, size_t n)
{
    return (n + PANEL - 1) / PANEL * k * PANEL;
}

/* B(l, j) = b[l b_row + j b_column] as rows l = first..first + k - 1 of panels of `rows` rows,
 * columns beyond n as zeros. */
static inline __attribute__((unused)) void pack_rows(size_t rows, size_t first, size_t k, size_t n,
                                                     const float *b, size_t b_row, size_t b_column,
                                                     float *packed)
{
    packed += first * PANEL;
    for (size_t j = 0; j < n; j += PANEL, packed += rows * PANEL) {
        const float *from = b + j * b_column;
        size_t columns = n - j < PANEL ? n - j : PANEL, l = 0;
        if (b_row == 1 && columns == PANEL) /* along the columns of b, which are contiguous */
            for (; l + LANES <= k; l += LANES)
                transpose(PANEL, LANES, from + l, b_column, packed + l * PANEL, PANEL);
        for (; l < k; l++) {
            float *to = packed + l * PANEL;
            if (b_column == 1)
                memcpy(to, from + l * b_row, columns * sizeof *to);
            else
                for (size_t i = 0; i < columns; i++)
                    to[i] = from[l * b_row + i * b_column];
            memset(to + columns, 0, (PANEL - columns) * sizeof *to);
        }
    }
}

/* B whole */
static inline __attribute__((unused)) void pack_panels(size_t k, size_t n, const float *b,
                                                       size_t b_row, size_t b_column, float *packed)
{
    pack_rows(k, 0, k, n, b, b_row, b_column, packed);
}

/* A sum's way to memory. */
FC__INLINE void finish(const product *p, size_t i, size_t j, vector value, size_t lanes)
{
    float *c = p->c + i * p->ldc + j;
    const float *factor = p->factor + i * p->ldf + j;
    if (lanes == LANES) {
        if (p->factor)
            value *= load(factor);
        store(c, p->add ? value + load(c) : value);
    } else {
        if (p->factor)
            value *= load_part(factor, lanes);
        store_part(c, p->add ? value + load_part(c, lanes) : value, lanes);
    }
}

/* sum += one column of A times one row of B. */
FC__INLINE void accumulate_one(const float *a, size_t a_row, const float *b, const size_t rows,
                               const size_t vectors, vector sum[BLOCK_ROWS][BLOCK_VECTORS])
{
    vector right[BLOCK_VECTORS];
    FC__UNROLL
    for (size_t v = 0; v < vectors; v++)
        right[v] = load(b + v * LANES);
    FC__UNROLL
    for (size_t r = 0; r < rows; r++) {
        FC__UNROLL
        for (size_t v = 0; v < vectors; v++)
            sum[r][v] += a[r * a_row] * right[v];
    }
}

/* Two at a time, as counting takes the same ports of the processor as multiplying. */
FC__INLINE void accumulate(size_t k, const float *a, size_t a_row, const size_t a_column,
                           const float *b, size_t b_row, const size_t rows, const size_t vectors,
                           vector sum[BLOCK_ROWS][BLOCK_VECTORS])
{
    for (size_t l = k / 2; l > 0; l--) {
        accumulate_one(a, a_row, b, rows, vectors, sum);
        accumulate_one(a + a_column, a_row, b + b_row, rows, vectors, sum);
        a += 2 * a_column;
        b += 2 * b_row;
    }
    if (k % 2)
        accumulate_one(a, a_row, b, rows, vectors, sum);
}

/* One block: `rows` x `vectors` are constants where this is inlined, and all loops over them are
 * unrolled so that the sums stay in registers; the last vector has `last` lanes. */
FC__INLINE void product_block(const product *p, size_t i, size_t j, const size_t rows,
                              const size_t vectors, size_t last)
{
    vector sum[BLOCK_ROWS][BLOCK_VECTORS];
    const float *a = p->a + i * p->a_row, *b = p->b + j / PANEL * p->b_panel;
    const size_t a_row = p->a_row, a_column = p->a_column, b_row = p->b_row, k = p->k;
    FC__UNROLL
    for (size_t v = 0; v < vectors; v++) {
        vector start = {0};
        if (p->bias)
            start = v + 1 == vectors ? load_part(p->bias + j + v * LANES, last)
                                     : load(p->bias + j + v * LANES);
        FC__UNROLL
        for (size_t r = 0; r < rows; r++)
            sum[r][v] = start;
    }
    if (a_column == 1)
        accumulate(k, a, a_row, 1, b, b_row, rows, vectors, sum);
    else
        accumulate(k, a, a_row, a_column, b, b_row, rows, vectors, sum);
    FC__UNROLL
    for (size_t r = 0; r < rows; r++) {
        FC__UNROLL
        for (size_t v = 0; v < vectors; v++)
            finish(p, i + r, j + v * LANES, sum[r][v], v + 1 == vectors ? last : LANES);
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
