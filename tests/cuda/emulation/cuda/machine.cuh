/* machine.cuh: the emulated twin of the product's cuda/machine.cuh, which says what they do. */
#ifndef FC_CUDA_MACHINE_CUH
#define FC_CUDA_MACHINE_CUH

#include <cuda_runtime.h>
#include <stdint.h>

namespace emulation
{

/* A lane's part of the factors of a product. */
struct fragments {
    uint32_t a[4], b[2];
};

/* The tensor cores do not read the lower bits of an operand in TF32. */
inline float tf32_operand(uint32_t bits)
{
    return same_bits<float>(bits & 0xFFFFE000u);
}

inline float bf16_half(uint32_t pair, int which)
{
    return same_bits<float>(which ? pair & 0xFFFF0000u : pair << 16);
}

/* What a lane has deposited, in place: a product reads 24 of them. */
inline const fragments &deposited(exchange_slots slots, unsigned lane)
{
    return *reinterpret_cast<const fragments *>(slots[lane]);
}

inline exchange_slots exchange_fragments(const char *operation, const uint32_t a[4],
                                         const uint32_t b[2])
{
    fragments own = {{a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
    require_capability(8, operation);
    return exchange(0xFFFFFFFFu, operation, &own, sizeof own);
}

} // namespace emulation

__device__ __forceinline__ uint32_t fc__to_tf32(float x)
{
    emulation::require_capability(8, "cvt.rna.tf32.f32");
    uint32_t bits = __float_as_uint(x);
    return isnan(x) ? 0x7FFFFFFFu : (bits + (isinf(x) ? 0 : 0x1000u)) & 0xFFFFE000u;
}

/* Each lane computes its own four elements: row i of a lies with lanes 4 (i % 8) .., column j of b
 * with lanes 4 j .. */
__device__ inline void fc__mma_tf32(float d[4], const uint32_t a[4], const uint32_t b[2])
{
    emulation::exchange_slots slots = emulation::exchange_fragments("mma.m16n8k8.tf32", a, b);
    unsigned g = emulation::lane() / 4, t = emulation::lane() % 4;
    for (unsigned k = 0; k < 8; k++) {
        const emulation::fragments &row = emulation::deposited(slots, 4 * g + k % 4);
        for (unsigned j = 0; j < 2; j++) {
            const emulation::fragments &column =
                emulation::deposited(slots, 4 * (2 * t + j) + k % 4);
            float factor = emulation::tf32_operand(column.b[k / 4]);
            d[j] += emulation::tf32_operand(row.a[k / 4 * 2]) * factor;
            d[j + 2] += emulation::tf32_operand(row.a[k / 4 * 2 + 1]) * factor;
        }
    }
}

__device__ inline void fc__mma_bf16(float d[4], const uint32_t a[4], const uint32_t b[2])
{
    emulation::exchange_slots slots = emulation::exchange_fragments("mma.m16n8k16.bf16", a, b);
    unsigned g = emulation::lane() / 4, t = emulation::lane() % 4;
    for (unsigned k = 0; k < 16; k++) {
        const emulation::fragments &row = emulation::deposited(slots, 4 * g + k % 8 / 2);
        for (unsigned j = 0; j < 2; j++) {
            const emulation::fragments &column =
                emulation::deposited(slots, 4 * (2 * t + j) + k % 8 / 2);
            float factor = emulation::bf16_half(column.b[k / 8], k % 2);
            d[j] += emulation::bf16_half(row.a[k / 8 * 2], k % 2) * factor;
            d[j + 2] += emulation::bf16_half(row.a[k / 8 * 2 + 1], k % 2) * factor;
        }
    }
}

__device__ __forceinline__ void fc__copy_async16(void *shared, const void *global, bool valid)
{
    emulation::require_capability(8, "cp.async");
    emulation::copy_async(shared, global, 16, valid);
}

__device__ __forceinline__ void fc__copy_async4(void *shared, const void *global, bool valid)
{
    emulation::require_capability(8, "cp.async");
    emulation::copy_async(shared, global, 4, valid);
}

__device__ __forceinline__ void fc__copy_commit()
{
    emulation::copy_commit();
}

template <int pending> __device__ __forceinline__ void fc__copy_wait()
{
    static_assert(pending >= 0, "");
    emulation::copy_wait((unsigned)pending);
}

#endif
