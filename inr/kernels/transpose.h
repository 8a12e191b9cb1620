/* transpose.h: blocks of a matrix turned in registers. */
#ifndef FC_INR_KERNELS_TRANSPOSE_H
#define FC_INR_KERNELS_TRANSPOSE_H

#include "inr/kernels/vector.h"

/* Exchange of distance h between rows a and b (Eklundh 1972): a keeps its lanes with bit h clear
 * and takes those of b in place of the others, and the reverse. */
#define FC__TAKE_LOW(i, h) ((i) & (h) ? LANES + (i) - (h) : (i))
#define FC__TAKE_HIGH(i, h) ((i) & (h) ? LANES + (i) : (i) + (h))
#define FC__FOUR(F, i, h) F(i, h), F((i) + 1, h), F((i) + 2, h), F((i) + 3, h)
#if defined(__AVX512F__)
#define FC__ALL(F, h) FC__FOUR(F, 0, h), FC__FOUR(F, 4, h), FC__FOUR(F, 8, h), FC__FOUR(F, 12, h)
#elif defined(__AVX__)
#define FC__ALL(F, h) FC__FOUR(F, 0, h), FC__FOUR(F, 4, h)
#else
#define FC__ALL(F, h) FC__FOUR(F, 0, h)
#endif
#define FC__EXCHANGE(v, h)                                                                         \
    for (int i = 0; i < LANES; i++)                                                                \
        if (!(i & (h))) {                                                                          \
            vector a = (v)[i], b = (v)[i + (h)];                                                   \
            (v)[i] = __builtin_shufflevector(a, b, FC__ALL(FC__TAKE_LOW, h));                      \
            (v)[i + (h)] = __builtin_shufflevector(a, b, FC__ALL(FC__TAKE_HIGH, h));               \
        }

/* to(j, i) = from(i, j) for a block of LANES x LANES. Not inlined, as the addresses of all rows
 * would crowd the registers of its caller. */
static __attribute__((noinline, unused)) void transpose_block(const float *from, size_t from_row,
                                                              float *to, size_t to_row)
{
    vector v[LANES];
    for (size_t i = 0; i < LANES; i++)
        v[i] = load(from + i * from_row);
#if defined(__AVX512F__)
    FC__EXCHANGE(v, 8)
#endif
#if defined(__AVX__)
    FC__EXCHANGE(v, 4)
#endif
    FC__EXCHANGE(v, 2)
    FC__EXCHANGE(v, 1)
    for (size_t i = 0; i < LANES; i++)
        store(to + i * to_row, v[i]);
}

/* to (columns, rows) = from (rows, columns) transposed. */
static inline __attribute__((unused)) void transpose(size_t rows, size_t columns, const float *from,
                                                     size_t from_row, float *to, size_t to_row)
{
    for (size_t i = 0; i < rows; i += LANES)
        for (size_t j = 0; j < columns; j += LANES) {
            if (rows - i >= LANES && columns - j >= LANES) {
                transpose_block(from + i * from_row + j, from_row, to + j * to_row + i, to_row);
                continue;
            }
            for (size_t p = j; p < j + LANES && p < columns; p++)
                for (size_t f = i; f < i + LANES && f < rows; f++)
                    to[p * to_row + f] = from[f * from_row + p];
        }
}

#endif
