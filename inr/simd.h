/* simd.h: element-wise loops compiled for several instruction sets in one binary.
 *
 * A function marked FC__CLONES exists for AVX-512 (x86-64-v4), AVX2 (x86-64-v3) and the baseline;
 * the loader picks one. Sanitizers instrument the picking itself, which runs before they are ready,
 * so their builds have the baseline only. */
#ifndef FC_INR_SIMD_H
#define FC_INR_SIMD_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&                             \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define FC__CLONES __attribute__((target_clones("avx512f", "arch=haswell", "default")))
#else
#define FC__CLONES
#endif

#endif
