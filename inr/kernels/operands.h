/* operands.h: what a register-tiled product works on (inr/kernels/product.h). */
#ifndef FC_INR_KERNELS_OPERANDS_H
#define FC_INR_KERNELS_OPERANDS_H

#include <stdbool.h>
#include <stddef.h>

/* PANEL is the number of columns of B that are packed together at a level.
 *
 * C (m, n) = factor * (bias + A B), or += A B without either:
 *
 *   A(i, l) = a[i a_row + l a_column];   B(l, j) = b[j / PANEL b_panel + l b_row + j % PANEL]
 *
 * B is packed (b_panel = k PANEL, b_row = PANEL; see pack_panels), or a plain row-major matrix
 * (b_panel = PANEL, b_row = its row length, a multiple of LANES >= n). */
typedef struct fc__operands {
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
} fc__operands;

#endif
