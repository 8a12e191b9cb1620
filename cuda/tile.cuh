/* tile.cuh: products of a block's points with weights, on tensor cores (TF32).
 *
 * A block of FC__TILE_THREADS threads keeps matrices (points, width) in shared memory, rows
 * fc__tile_stride(width) floats apart and rounded by fc__tf32, and multiplies them by weights in
 * device memory, packed in the order in which threads want them and streamed through shared memory
 * a step of FC__TILE_STEP rows at a time. Of a product each warp forms one part, 32 points by
 * 8 TILES columns, in registers:
 *
 *     using shape = fc__shape<4, 4>;           // 4 x 2 warps: 128 points, 64 columns
 *     fc__part<4> part = {};
 *     for (int k = 0; k < width; k += FC__TILE_STEP) {
 *         const float *weights = stream.next();  // also makes what the block has written visible
 *         fc__part_multiply<shape>(part, points + k, stride, weights);
 *     }
 *     __syncthreads();                           // before points are written again
 *     fc__part_each<shape>(part, [&](int row, int column, float &v0, float &v1) { ... });
 *
 * A thread gets the same pairs (row, column), (row, column + 1) of every part of a shape, so that
 * what belongs to a pair needs no exchange. Sums run in a fixed order. */
#ifndef FC_CUDA_TILE_CUH
#define FC_CUDA_TILE_CUH

#include "cuda/machine.cuh"

enum {
    FC__TILE_WARPS = 8,
    FC__TILE_THREADS = 32 * FC__TILE_WARPS,
    FC__TILE_STEP = 16, /* rows of weights taken at a time; depths are multiples of it */
    FC__TILE_STAGES = 3 /* steps in shared memory: one in use, the others on their way */
};

/* How the warps divide a matrix: ROWS of them down, the others across, TILES times 8 columns each
 * (TILES is even). */
template <int ROWS, int TILES> struct fc__shape {
    static const int rows = ROWS, columns = FC__TILE_WARPS / ROWS, tiles = TILES;
    static const int points = 32 * ROWS, width = columns * 8 * TILES;

    static __device__ int warp()
    {
        return static_cast<int>(threadIdx.x) / 32;
    }
    /* The first row and column of the warp's part. */
    static __device__ int row()
    {
        return warp() % ROWS * 32;
    }
    static __device__ int column()
    {
        return warp() / ROWS * 8 * TILES;
    }
};

/* A warp's part of a matrix, as mma leaves it. */
template <int TILES> struct fc__part {
    float value[2][TILES][4];
};

/* ---------------------------------------------------------------- layout */

/* Floats from a row to the next: = 8 or 24 mod 32, so that neither the rows of a fragment nor its
 * columns meet in a bank. */
__host__ __device__ inline int fc__tile_stride(int width)
{
    return (width + 15) / 16 * 16 + 8;
}

/* Place of element (k, n) in packed weights of `columns` columns, a multiple of 16: by steps of 8
 * rows, 16 columns, lanes. A lane's four are what two mma take: rows 2 t and 2 t + 1, which stand
 * for the k = t and t + 4 of the instruction, in columns g and g + 8 (g = lane / 4, t = lane % 4).
 */
__host__ __device__ inline size_t fc__packed_place(size_t k, size_t n, size_t columns)
{
    size_t lane = n % 8 * 4 + k % 8 / 2;
    return ((k / 8 * (columns / 16) + n / 16) * 32 + lane) * 4 + n % 16 / 8 * 2 + k % 2;
}

__device__ inline float fc__tf32(float x)
{
    return __uint_as_float(fc__to_tf32(x));
}

/* ---------------------------------------------------------------- weights on their way */

/* Queues the copy of `count` floats, a multiple of 4, by all threads of the block. */
__device__ inline void fc__tile_fetch(float *to, const float *from, int count)
{
    for (int i = 4 * static_cast<int>(threadIdx.x); i < count; i += 4 * FC__TILE_THREADS)
        fc__copy_async16(to + i, from + i, true);
}

/* The same for a number that the compiler knows. */
template <int COUNT> __device__ inline void fc__tile_fetch(float *to, const float *from)
{
    static_assert(COUNT % (4 * FC__TILE_THREADS) == 0, "every thread copies the same number");
    to += 4 * threadIdx.x;
    from += 4 * threadIdx.x;
#pragma unroll
    for (int i = 0; i < COUNT; i += 4 * FC__TILE_THREADS)
        fc__copy_async16(to + i, from + i, true);
}

/* The steps of a kernel's weights in the order of their use. Source has
 *
 *     __device__ void fetch(float *to); // queues the next step's copy, nothing after the last
 *
 * so that the next product's first steps are underway before this one's last is used. */
template <typename Source> struct fc__stream {
    Source source;
    float *slots; /* FC__TILE_STAGES of them, shared */
    int slot;     /* floats of one */
    int turn;

    __device__ void open()
    {
        turn = 0;
        for (int i = 0; i < FC__TILE_STAGES - 1; i++) {
            source.fetch(slots + i * slot);
            fc__copy_commit();
        }
    }

    /* The next step, complete for all threads of the block, which all call this. The one before is
     * given up. */
    __device__ const float *next()
    {
        const float *now = slots + turn * slot;
        fc__copy_wait<FC__TILE_STAGES - 2>();
        __syncthreads();
        int last = turn == 0 ? FC__TILE_STAGES - 1 : turn - 1;
        source.fetch(slots + last * slot);
        fc__copy_commit();
        turn = turn == FC__TILE_STAGES - 1 ? 0 : turn + 1;
        return now;
    }
};

/* A source of one packed matrix: `steps` steps of `step` floats. */
struct fc__matrix_source {
    const float *from;
    int step, steps;

    __device__ void fetch(float *to)
    {
        if (steps == 0)
            return;
        fc__tile_fetch(to, from, step);
        from += step;
        steps--;
    }
};

/* ---------------------------------------------------------------- products */

/* 32 rows by 8 of points: two A fragments. */
struct fc__rows {
    uint32_t value[2][4];
};

/* points: the first row and column. */
__device__ inline fc__rows fc__rows_load(const float *points, int stride)
{
    int lane = static_cast<int>(threadIdx.x) % 32;
    const float *at = points + lane / 4 * stride + 2 * (lane % 4);
    fc__rows rows;
#pragma unroll
    for (int m = 0; m < 2; m++)
#pragma unroll
        for (int half = 0; half < 2; half++) {
            float2 pair = *reinterpret_cast<const float2 *>(at + (16 * m + 8 * half) * stride);
            rows.value[m][half] = __float_as_uint(pair.x);
            rows.value[m][half + 2] = __float_as_uint(pair.y);
        }
    return rows;
}

/* part += rows weights, 8 deep; weights: packed, from the warp's first column on. */
template <int TILES>
__device__ inline void fc__rows_multiply(fc__part<TILES> &part, const fc__rows &rows,
                                         const float *weights)
{
    const float4 *at = reinterpret_cast<const float4 *>(weights) + threadIdx.x % 32;
#pragma unroll
    for (int n = 0; n < TILES; n += 2) {
        float4 four = at[n / 2 * 32];
        uint32_t left[2] = {__float_as_uint(four.x), __float_as_uint(four.y)};
        uint32_t right[2] = {__float_as_uint(four.z), __float_as_uint(four.w)};
#pragma unroll
        for (int m = 0; m < 2; m++) {
            fc__mma_tf32(part.value[m][n], rows.value[m], left);
            fc__mma_tf32(part.value[m][n + 1], rows.value[m], right);
        }
    }
}

/* Where the weights of the warp's part begin in a step. */
template <typename Shape> __device__ inline const float *fc__step_part(const float *weights)
{
    return weights + Shape::column() * 8;
}

/* part += points weights, one step; points: the block's first row, at the step's first column. */
template <typename Shape>
__device__ inline void fc__part_multiply(fc__part<Shape::tiles> &part, const float *points,
                                         int stride, const float *weights)
{
    points += Shape::row() * stride;
    weights = fc__step_part<Shape>(weights);
#pragma unroll
    for (int k = 0; k < FC__TILE_STEP; k += 8)
        fc__rows_multiply(part, fc__rows_load(points + k, stride), weights + k * Shape::width);
}

/* Calls each(row, column, v0, v1) for the pairs of neighbours in a row that the thread holds. */
template <typename Shape, typename Each>
__device__ inline void fc__part_each(fc__part<Shape::tiles> &part, Each each)
{
    int lane = static_cast<int>(threadIdx.x) % 32;
    int row = Shape::row() + lane / 4, column = Shape::column() + 2 * (lane % 4);
#pragma unroll
    for (int n = 0; n < Shape::tiles; n++)
#pragma unroll
        for (int m = 0; m < 2; m++)
#pragma unroll
            for (int half = 0; half < 2; half++)
                each(row + 16 * m + 8 * half, column + 8 * n, part.value[m][n][2 * half],
                     part.value[m][n][2 * half + 1]);
}

#endif
