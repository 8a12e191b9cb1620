/* machine.cuh: the few machine instructions that CUDA C++ has no words for. tests/cuda/emulation
 * has the same functions for the processor; fragments and semantics are those of the PTX ISA. All
 * need compute capability 8.0; below it they trap. */
#ifndef FC_CUDA_MACHINE_CUH
#define FC_CUDA_MACHINE_CUH

#include <stdint.h>

/* Rounds to the 10 bits of mantissa of TF32, halves away from zero. */
__device__ __forceinline__ uint32_t fc__to_tf32(float x)
{
#if __CUDA_ARCH__ >= 800
    uint32_t rounded;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(x));
    return rounded;
#else
    __trap();
    return 0;
#endif
}

/* d += a b by the whole warp, a 16 x 8 and b 8 x 8 in TF32. With g = lane / 4 and t = lane % 4 a
 * lane holds, as (row, column),
 *   a: (g, t) (g + 8, t) (g, t + 4) (g + 8, t + 4)
 *   b: (t, g) (t + 4, g)
 *   d: (g, 2t) (g, 2t + 1) (g + 8, 2t) (g + 8, 2t + 1) */
__device__ __forceinline__ void fc__mma_tf32(float d[4], const uint32_t a[4], const uint32_t b[2])
{
#if __CUDA_ARCH__ >= 800
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    __trap();
#endif
}

/* d += a b by the whole warp, a 16 x 16 and b 16 x 8 in bfloat16, two to a register, the lower
 * index in the lower half. A lane holds
 *   a: (g, 2t ..) (g + 8, 2t ..) (g, 2t + 8 ..) (g + 8, 2t + 8 ..), two columns each
 *   b: (2t .., g) (2t + 8 .., g), two rows each
 *   d: as above */
__device__ __forceinline__ void fc__mma_bf16(float d[4], const uint32_t a[4], const uint32_t b[2])
{
#if __CUDA_ARCH__ >= 800
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
    __trap();
#endif
}

/* Begins to copy 16 bytes, both addresses multiples of 16; zeros instead where not `valid`, and
 * then nothing is read. What is copied may be read after the wait for its group, and by other
 * threads after a barrier that follows that wait. */
__device__ __forceinline__ void fc__copy_async16(void *shared, const void *global, bool valid)
{
#if __CUDA_ARCH__ >= 800
    uint32_t to = (uint32_t)__cvta_generic_to_shared(shared);
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :
                 : "r"(to), "l"(__cvta_generic_to_global(global)), "r"(valid ? 16 : 0)
                 : "memory");
#else
    __trap();
#endif
}

/* The same with 4 bytes, through the first-level cache. */
__device__ __forceinline__ void fc__copy_async4(void *shared, const void *global, bool valid)
{
#if __CUDA_ARCH__ >= 800
    uint32_t to = (uint32_t)__cvta_generic_to_shared(shared);
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;"
                 :
                 : "r"(to), "l"(__cvta_generic_to_global(global)), "r"(valid ? 4 : 0)
                 : "memory");
#else
    __trap();
#endif
}

/* Makes a group of the thread's copies since the last commit. */
__device__ __forceinline__ void fc__copy_commit()
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#else
    __trap();
#endif
}

/* Waits until at most the last `pending` of the thread's groups are on their way. */
template <int pending> __device__ __forceinline__ void fc__copy_wait()
{
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
#else
    __trap();
#endif
}

#endif
