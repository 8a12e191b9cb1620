/* sizes.h: how much to take at a time. */
#ifndef FC_CUDA_SIZES_H
#define FC_CUDA_SIZES_H

#include <stddef.h>

static inline size_t fc__smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t fc__larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

#endif
