/* Fields from a basis: a product of matrices that writes far more than it reads.
 *
 * With C codes a value costs 2 C FLOP and 4 bytes, so that for C = 128 the memory asks for 64 FLOP
 * a byte, more than cores for floats have. Tensor cores take a float x as the sum of two bfloat16,
 * x1 + x2, and of the four products leave out the least: x y = x1 y1 + x1 y2 + x2 y1. A block keeps
 * some rows of the basis in shared memory and takes all codes past them. */
#include "cuda/device.cuh"
#include "cuda/fields.h"
#include "cuda/tile.cuh"

#include <cuda_bf16.h>

enum {
    DEPTH = 32,        /* codes that a step takes: two mma deep */
    ROWS = 128,        /* of the basis, a block */
    MOST_FRAMES = 128, /* that a block takes at a time */
    THREADS = 256
};

static size_t padded(size_t count, size_t to)
{
    return (count + to - 1) / to * to;
}

size_t fc__cuda_fields_work(size_t codes, size_t frames)
{
    return fc__product(padded(codes, DEPTH), padded(frames, MOST_FRAMES));
}

/* ---------------------------------------------------------------- splitting */

/* Two numbers as the first and the second bfloat16 of each. */
struct split_pair {
    uint32_t first, second;
};

__device__ inline uint32_t bits_of(float x, float y)
{
    __nv_bfloat162 pair = __floats2bfloat162_rn(x, y);
    uint32_t low = __bfloat16_as_ushort(pair.x), high = __bfloat16_as_ushort(pair.y);
    return low | high << 16;
}

__device__ inline split_pair split(float x, float y)
{
    split_pair pair;
    pair.first = bits_of(x, y);
    pair.second = bits_of(x - __uint_as_float(pair.first << 16),
                          y - __uint_as_float(pair.first & 0xffff0000u));
    return pair;
}

/* x (codes) at column k, zero beyond. */
__device__ inline float code_at(const float *x, int k, int codes)
{
    return k < codes ? x[k] : 0.0f;
}

/* The frames' codes as the A operand: by blocks of `block` frames, then steps of 16 codes, 16
 * frames, first and second parts, lanes, four registers. A lane's columns k = 4 t .. 4 t + 3 (t =
 * lane % 4) stand for 2 t, 2 t + 1, 2 t + 8, 2 t + 9 of the instruction, as those of the basis do.
 * A thread makes two lanes' registers for one row, 4 codes. */
static __global__ void pack_codes(int frames, int codes, int depth, int block, const float *z,
                                  uint32_t *packed)
{
    size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x;
    int fours = depth / 4, frame = static_cast<int>(i / fours), k = static_cast<int>(i % fours) * 4;
    if (frame >= (frames + block - 1) / block * block)
        return;
    split_pair left = {0, 0}, right = {0, 0};
    if (frame < frames) {
        const float *x = z + static_cast<size_t>(frame) * codes;
        left = split(code_at(x, k, codes), code_at(x, k + 1, codes));
        right = split(code_at(x, k + 2, codes), code_at(x, k + 3, codes));
    }
    size_t start = static_cast<size_t>(frame / block) * block * depth;
    int tile = k / 16 * (block / 16) + frame % block / 16;
    int lane = frame % 8 * 4 + k % 16 / 4, half = frame % 16 / 8;
    uint32_t *to = packed + start + static_cast<size_t>(tile) * 256 + lane * 4 + half;
    to[0] = left.first;
    to[2] = right.first;
    to[128] = left.second;
    to[130] = right.second;
}

/* ---------------------------------------------------------------- kernel */

struct fields_job {
    size_t rows;
    int codes, depth, channels, frames, blocks; /* blocks of frames that a block takes */
    bool whole;                                 /* rows may be written by four */
    const float *phi0, *phi, *mean, *scale, *packed;
    float *values;
};

/* Rows of the basis as the B operand: steps of 16 codes, 8 rows, lanes, the two registers of the
 * first parts and those of the second. In two neighbouring tiles of 8 rows, row 4 u + 2 j + e (j, e
 * = 0, 1) is column 2 u + e of tile j, so that a thread's results are of four rows in succession.
 */
__device__ inline void store_basis(float4 four, int row, int k, uint4 *basis)
{
    int tile = row / 16 * 2 + row / 2 % 2, column = row % 16 / 4 * 2 + row % 2;
    split_pair left = split(four.x, four.y), right = split(four.z, four.w);
    basis[(k / 16 * (ROWS / 8) + tile) * 32 + column * 4 + k % 16 / 4] =
        make_uint4(left.first, right.first, left.second, right.second);
}

/* Four codes from column k on. */
__device__ inline float4 basis_four(const fields_job &job, size_t row, int k)
{
    if (row >= job.rows)
        return make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    const float *x = job.phi + row * job.codes;
    return make_float4(code_at(x, k, job.codes), code_at(x, k + 1, job.codes),
                       code_at(x, k + 2, job.codes), code_at(x, k + 3, job.codes));
}

/* A thread has some loads on their way at a time: for few frames this is most of the work. */
__device__ inline void load_basis(const fields_job &job, size_t first, uint4 *basis)
{
    const int together = ROWS * DEPTH / 4 / FC__TILE_THREADS; /* a divisor of what a thread takes */
    int fours = job.depth / 4;
    for (int start = threadIdx.x; start < ROWS * fours; start += together * FC__TILE_THREADS) {
        float4 four[together];
#pragma unroll
        for (int j = 0; j < together; j++) {
            int i = start + j * FC__TILE_THREADS;
            four[j] = basis_four(job, first + i / fours, i % fours * 4);
        }
#pragma unroll
        for (int j = 0; j < together; j++) {
            int i = start + j * FC__TILE_THREADS;
            store_basis(four[j], i / fours, i % fours * 4, basis);
        }
    }
}

/* values = offset + factor sum, (ROWS) each. */
__device__ inline void load_affine(const fields_job &job, size_t first, float *offset,
                                   float *factor)
{
    int row = threadIdx.x;
    if (row >= ROWS || first + row >= job.rows)
        return;
    int channel = static_cast<int>((first + row) % job.channels);
    float scale = job.scale ? job.scale[channel] : 1.0f;
    factor[row] = scale;
    offset[row] = (job.mean ? job.mean[channel] : 0.0f) + scale * job.phi0[first + row];
}

/* Four products of two row and two column tiles. */
__device__ inline void multiply_four(float (*upper)[4], float (*lower)[4], const uint4 row[2],
                                     uint2 left, uint2 right)
{
    uint32_t columns[2][2] = {{left.x, left.y}, {right.x, right.y}};
#pragma unroll
    for (int m = 0; m < 2; m++) {
        uint32_t four[4] = {row[m].x, row[m].y, row[m].z, row[m].w};
        fc__mma_bf16(m == 0 ? upper[0] : lower[0], four, columns[0]);
        fc__mma_bf16(m == 0 ? upper[1] : lower[1], four, columns[1]);
    }
}

/* part += codes basis, one mma deep. The smallest products first; sums of the same element are four
 * instructions apart. */
template <typename Shape, bool SPLIT>
__device__ inline void multiply_fields(fc__part<Shape::tiles> &part, const uint4 *codes,
                                       const uint4 *basis)
{
    uint4 first[2] = {codes[0], codes[64]}, second[2] = {};
    if (SPLIT) {
        second[0] = codes[32];
        second[1] = codes[96];
    }
#pragma unroll
    for (int n = 0; n < Shape::tiles; n += 2) {
        uint4 left = basis[n * 32], right = basis[n * 32 + 32];
        uint2 left1 = {left.x, left.y}, right1 = {right.x, right.y};
        uint2 left2 = {left.z, left.w}, right2 = {right.z, right.w};
        if (SPLIT) {
            multiply_four(&part.value[0][n], &part.value[1][n], second, left1, right1);
            multiply_four(&part.value[0][n], &part.value[1][n], first, left2, right2);
        }
        multiply_four(&part.value[0][n], &part.value[1][n], first, left1, right1);
    }
}

/* Four values in succession of one frame. */
__device__ inline void store_four(const fields_job &job, size_t row, int frame, float4 value)
{
    float *to = job.values + frame * job.rows + row;
    if (frame >= job.frames || row >= job.rows)
        return;
    if (job.whole) {
        *reinterpret_cast<float4 *>(to) = value;
        return;
    }
    float four[4] = {value.x, value.y, value.z, value.w};
#pragma unroll
    for (int i = 0; i < 4; i++)
        if (row + i < job.rows)
            to[i] = four[i];
}

template <typename Shape>
__device__ inline void store_fields(const fields_job &job, size_t first, int first_frame,
                                    const float *offset, const float *factor,
                                    const fc__part<Shape::tiles> &part)
{
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int n = 0; n < Shape::tiles; n += 2) {
        int row = Shape::column() + 8 * n + 4 * (lane % 4);
        float4 start = *reinterpret_cast<const float4 *>(offset + row);
        float4 slope = *reinterpret_cast<const float4 *>(factor + row);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const float *left = part.value[i / 2][n] + i % 2 * 2;
            const float *right = part.value[i / 2][n + 1] + i % 2 * 2;
            store_four(job, first + row, first_frame + Shape::row() + lane / 4 + 8 * i,
                       make_float4(start.x + slope.x * left[0], start.y + slope.y * left[1],
                                   start.z + slope.z * right[0], start.w + slope.w * right[1]));
        }
    }
}

template <int WARPS> using fields_shape = fc__shape<WARPS, 2 * WARPS>; /* ROWS wide */

/* Shared: offset and factor (ROWS), the basis, the stream's steps. */
static size_t fields_shared(int depth, int block)
{
    return (2 * ROWS + static_cast<size_t>(ROWS) * depth + FC__TILE_STAGES * block * DEPTH) *
           sizeof(float);
}

template <int WARPS, bool SPLIT>
static __global__ void __launch_bounds__(FC__TILE_THREADS, 2) fields_kernel(fields_job job)
{
    using shape = fields_shape<WARPS>;
    const int step = shape::points * DEPTH;
    size_t first = static_cast<size_t>(blockIdx.x) * ROWS;
    int begin = blockIdx.y * job.blocks, lane = threadIdx.x % 32;
    int end = min(begin + job.blocks, (job.frames + shape::points - 1) / shape::points);
    float *offset = fc__shared_memory<float>(), *factor = offset + ROWS;
    uint4 *basis = reinterpret_cast<uint4 *>(factor + ROWS);
    fc__stream<fc__matrix_source> stream = {
        {job.packed + static_cast<size_t>(begin) * shape::points * job.depth, step,
         (end - begin) * (job.depth / DEPTH)},
        factor + ROWS + ROWS * job.depth,
        step,
        0};
    stream.open();
    load_basis(job, first, basis);
    load_affine(job, first, offset, factor);
    const uint4 *own = basis + shape::column() / 8 * 32 + lane;
    for (int block = begin; block < end; block++) {
        fc__part<shape::tiles> part = {};
        for (int k = 0; k < job.depth; k += DEPTH) {
            const uint4 *codes = reinterpret_cast<const uint4 *>(stream.next());
#pragma unroll
            for (int half = 0; half < 2; half++)
                multiply_fields<shape, SPLIT>(
                    part, codes + (half * shape::points + shape::row()) / 16 * 64 + lane,
                    own + (k / 16 + half) * (ROWS / 8) * 32);
        }
        store_fields<shape>(job, first, block * shape::points, offset, factor, part);
    }
}

/* ---------------------------------------------------------------- the plain way */

static __global__ void affine_kernel(size_t rows, int channels, size_t frames, const float *phi0,
                                     const float *mean, const float *scale, float *values)
{
    size_t row = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x;
    if (row >= rows)
        return;
    int channel = static_cast<int>(row % channels);
    float slope = scale ? scale[channel] : 1.0f, start = mean ? mean[channel] : 0.0f;
    for (size_t frame = blockIdx.y; frame < frames; frame += gridDim.y) {
        float *value = values + frame * rows + row;
        *value = start + slope * (phi0[row] + *value);
    }
}

static fc_status plain_fields(fc_context *context, fc__device *device, size_t rows, size_t codes,
                              size_t channels, size_t frames, const float *phi0, const float *phi,
                              const float *z, const float *mean, const float *scale, float *values)
{
    const size_t tall = 1024; /* blocks down a grid */
    FC_RETURN_TRY(fc__device_sgemm(context, device, true, false, true, frames, rows, codes, 1.0f, z,
                                   codes, phi, codes, 0.0f, values, rows));
    dim3 grid(fc__blocks(rows, THREADS), static_cast<unsigned>(frames < tall ? frames : tall));
    return fc__launch(context, device, "fields", affine_kernel, grid, THREADS, 0, rows, channels,
                      frames, phi0, mean, scale, values);
}

/* ---------------------------------------------------------------- fields */

struct fields_variant {
    void (*kernel)(fields_job job);
    int block;
};

static fields_variant choose(size_t frames, bool split)
{
    if (frames > 64)
        return {split ? fields_kernel<4, true> : fields_kernel<4, false>, 128};
    if (frames > 32)
        return {split ? fields_kernel<2, true> : fields_kernel<2, false>, 64};
    return {split ? fields_kernel<1, true> : fields_kernel<1, false>, 32};
}

fc_status fc__cuda_fields(fc_context *context, fc__device *device, size_t rows, size_t codes,
                          size_t channels, size_t frames, const float *phi0, const float *phi,
                          const float *z, const float *mean, const float *scale, float *work,
                          float *values)
{
    fields_variant variant = choose(frames, device->precision != FC_CUDA_BF16);
    size_t depth = padded(codes, DEPTH), taken = padded(frames, variant.block);
    size_t shared = fields_shared(static_cast<int>(depth), variant.block);
    if (rows == 0 || frames == 0)
        return FC_OK;
    if (device->precision == FC_CUDA_FP32 || shared > device->shared_limit)
        return plain_fields(context, device, rows, codes, channels, frames, phi0, phi, z, mean,
                            scale, values);
    FC_RETURN_TRY(fc__launch(context, device, "packing of codes", pack_codes,
                             fc__blocks(taken * depth / 4, THREADS), THREADS, 0, frames, codes,
                             depth, variant.block, z, reinterpret_cast<uint32_t *>(work)));
    fields_job job = {};
    size_t across = fc__blocks(rows, ROWS), blocks = taken / variant.block;
    /* Few rows: divide the frames, too, until there are some blocks for each multiprocessor. */
    size_t parts = padded(4 * static_cast<size_t>(device->multiprocessors), across) / across;
    parts = parts < blocks ? parts : blocks;
    job.blocks = static_cast<int>((blocks + parts - 1) / parts);
    job.rows = rows;
    job.codes = static_cast<int>(codes);
    job.depth = static_cast<int>(depth);
    job.channels = static_cast<int>(channels);
    job.frames = static_cast<int>(frames);
    job.whole = rows % 4 == 0 && reinterpret_cast<uintptr_t>(values) % sizeof(float4) == 0;
    job.phi0 = phi0;
    job.phi = phi;
    job.mean = mean;
    job.scale = scale;
    job.packed = work;
    job.values = values;
    dim3 grid(static_cast<unsigned>(across), fc__blocks(blocks, job.blocks));
    return fc__launch(context, device, "fields", variant.kernel, grid, FC__TILE_THREADS, shared,
                      job);
}
