/* level.h: which instructions the kernels use.
 *
 * The sources in inr/kernels/ and ode/kernels/ are compiled once per level, each time with the
 * flags of that level and nothing else of the library; one table of functions per level leads
 * there. The best level that the processor offers is chosen when first asked for. The environment
 * variable FIELDCAST_SIMD forces a level, for tests. */
#ifndef FC_INR_LEVEL_H
#define FC_INR_LEVEL_H

#include "inr/support.h"

typedef enum fc__level {
    FC__LEVEL_BASELINE, /* what the compiler assumes of every machine: SSE2, NEON */
    FC__LEVEL_AVX2,     /* x86-64-v3: AVX2 and FMA */
    FC__LEVEL_AVX512,   /* x86-64-v4 */
    FC__LEVELS
} fc__level;

fc__level fc__level_chosen(void);

#endif
