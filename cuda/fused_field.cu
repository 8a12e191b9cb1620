/* A vector field in one kernel. */
#include "cuda/device.cuh"
#include "cuda/fused_field.h"
#include "cuda/machine.cuh"
#include "cuda/sizes.h"
#include "cuda/swish.cuh"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    THREADS = 256,
    WARPS = THREADS / 32,
    CHUNK = 32,         /* factors or hidden units taken at a time, or columns of A */
    STEP = 8,           /* inner dimension of a product of the tensor cores */
    STRIDE = CHUNK + 4, /* of rows of a chunk: lanes then read from different banks */
    SHIFTS = 2 * CHUNK, /* a and d, or m1 */
    WARP_ROWS = 32      /* rows of a warp: two tiles of the tensor cores */
};

/* What a block does: `Rows` rows of up to `Codes` codes. Weights lie in chunks as the kernel wants
 * them in shared memory, filled up with zeros:
 *   inner (2, CHUNK, Codes + 4): V and W, or M1 and nothing
 *   outer (Codes, STRIDE): columns of U, M2 or A
 *   shifts (SHIFTS) */
template <int Rows, int Codes> struct Shape {
    static const int stride = Codes + 4;
    static const int inner = 2 * CHUNK * stride, outer = Codes * STRIDE;
    static const int chunk = inner + outer + SHIFTS;
    static const size_t shared = sizeof(float) * (Rows * stride + chunk + Rows * STRIDE);
    static const int down = Rows / WARP_ROWS, across = WARPS / down; /* warps */
    static const int factors = CHUNK / across / 8,
                     columns = Codes / across / 8; /* of a warp, in 8 */
};

/* A chunk is one of factors (U (V z + a) (W z + d)), of hidden units, or of the linear part. */
struct Chunks {
    const float *weights;
    int factors, hidden, linear; /* numbers of chunks, in this order */
};

/* ---------------------------------------------------------------- products */

/* x = big + small but for 2^-22 x: each is read as TF32, of which the tensor cores take the upper
 * 19 bits. */
static __device__ __forceinline__ void take_apart(float x, uint32_t *big, uint32_t *small)
{
    *big = (__float_as_uint(x) + 0x1000U) & 0xFFFFE000U;
    *small = __float_as_uint(x - __uint_as_float(*big));
}

/* The left factors of one step for two tiles of 16 rows. */
struct Left {
    uint32_t big[2][4], small[2][4];
};

static __device__ __forceinline__ void take_left(const float *rows, int stride, Left *left)
{
    const float *at = rows + (threadIdx.x % 32 / 4) * stride + threadIdx.x % 4;
#pragma unroll
    for (int tile = 0; tile < 2; tile++)
#pragma unroll
        for (int i = 0; i < 4; i++)
            take_apart(at[(16 * tile + i % 2 * 8) * stride + i / 2 * 4], &left->big[tile][i],
                       &left->small[tile][i]);
}

/* sum += left right^T in one step, right (8 Tiles, >= STEP): by groups of tiles, whose sums are
 * independent of each other, small terms first. */
template <int Tiles>
static __device__ __forceinline__ void multiply(const Left &left, const float *right, int stride,
                                                float sum[2][Tiles][4])
{
    const float *at = right + (threadIdx.x % 32 / 4) * stride + threadIdx.x % 4;
#pragma unroll
    for (int first = 0; first < Tiles; first += 4) {
        uint32_t big[4][2], small[4][2];
        const int group = Tiles - first < 4 ? Tiles - first : 4;
#pragma unroll
        for (int n = 0; n < group; n++)
#pragma unroll
            for (int i = 0; i < 2; i++)
                take_apart(at[8 * (first + n) * stride + 4 * i], &big[n][i], &small[n][i]);
#pragma unroll
        for (int n = 0; n < 2 * group; n++)
            fc__mma_tf32(sum[n % 2][first + n / 2], left.small[n % 2], big[n / 2]);
#pragma unroll
        for (int n = 0; n < 2 * group; n++)
            fc__mma_tf32(sum[n % 2][first + n / 2], left.big[n % 2], small[n / 2]);
#pragma unroll
        for (int n = 0; n < 2 * group; n++)
            fc__mma_tf32(sum[n % 2][first + n / 2], left.big[n % 2], big[n / 2]);
    }
}

/* ---------------------------------------------------------------- stages of a chunk */

/* Where a warp stands in the block, and what is in shared memory. */
template <typename S> struct Place {
    int row, factor, column; /* first of the warp */
    float *z, *inner, *outer, *shifts, *s;
};

static __device__ __forceinline__ void fetch(float *shared, const float *global, int count)
{
    for (int i = 4 * (int)threadIdx.x; i < count; i += 4 * THREADS)
        fc__copy_async16(shared + i, global + i, true);
}

template <typename S>
static __device__ __forceinline__ void fetch_inner(const Place<S> &at, const Chunks &chunks, int c)
{
    const float *from = chunks.weights + (size_t)c * S::chunk;
    if (c >= chunks.factors + chunks.hidden)
        return;
    fetch(at.inner, from, c < chunks.factors ? S::inner : S::inner / 2);
    fetch(at.shifts, from + S::inner + S::outer, SHIFTS);
}

template <typename S>
static __device__ __forceinline__ void fetch_outer(const Place<S> &at, const Chunks &chunks, int c)
{
    fetch(at.outer, chunks.weights + (size_t)c * S::chunk + S::inner, S::outer);
}

/* s = (p + a) (q + d), or swish(p + a) */
static __device__ __forceinline__ float join(float p, float q, const float *shifts, int r,
                                             bool is_factor)
{
    p += shifts[r];
    return is_factor ? p * (q + shifts[CHUNK + r]) : fc__swish(p);
}

/* p = V z and q = W z for the warp's rows and factors, and what becomes of them into s. */
template <typename S>
static __device__ __forceinline__ void form_products(const Place<S> &at, bool is_factor)
{
    float p[2][S::factors][4] = {}, q[2][S::factors][4] = {};
    const float *z = at.z + at.row * S::stride, *v = at.inner + at.factor * S::stride;
    for (int k = 0; k < S::stride - 4; k += STEP) {
        Left left;
        take_left(z + k, S::stride, &left);
        multiply<S::factors>(left, v + k, S::stride, p);
        if (is_factor)
            multiply<S::factors>(left, v + CHUNK * S::stride + k, S::stride, q);
    }
    int row = at.row + threadIdx.x % 32 / 4, pair = 2 * (threadIdx.x % 4);
#pragma unroll
    for (int tile = 0; tile < 2; tile++)
#pragma unroll
        for (int n = 0; n < S::factors; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int r = at.factor + 8 * n + pair + i % 2;
                at.s[(row + 16 * tile + i / 2 * 8) * STRIDE + r] =
                    join(p[tile][n][i], q[tile][n][i], at.shifts, r, is_factor);
            }
}

/* sum += s outer^T, or for a chunk of the linear part its columns of z instead of s, which may be
 * fewer. The tensor cores cut off what they cannot hold (Ootomo & Yokota, IJHPCA 2022): sums of
 * many chunks are rounded instead. */
template <typename S>
static __device__ __forceinline__ void add_products(const Place<S> &at, const float *rows,
                                                    int stride, int width,
                                                    float sum[2][S::columns][4])
{
    const float *outer = at.outer + at.column * STRIDE;
    float part[2][S::columns][4] = {};
#pragma unroll
    for (int k = 0; k < width; k += STEP) {
        Left left;
        take_left(rows + at.row * stride + k, stride, &left);
        multiply<S::columns>(left, outer + k, STRIDE, part);
    }
#pragma unroll
    for (int n = 0; n < 2 * S::columns; n++)
#pragma unroll
        for (int i = 0; i < 4; i++)
            sum[n % 2][n / 2][i] += part[n % 2][n / 2][i];
}

template <typename S> static __device__ __forceinline__ Place<S> find_place(int rows)
{
    int warp = threadIdx.x / 32;
    Place<S> at;
    at.row = warp / S::across * WARP_ROWS;
    at.factor = warp % S::across * S::factors * 8;
    at.column = warp % S::across * S::columns * 8;
    at.inner = fc__shared_memory<float>();
    at.outer = at.inner + S::inner;
    at.shifts = at.outer + S::outer;
    at.z = at.shifts + SHIFTS;
    at.s = at.z + rows * S::stride;
    return at;
}

/* ---------------------------------------------------------------- the kernel */

/* Rows blockIdx.x * Rows .. of z into shared memory, as floats. */
template <int Rows, int Codes>
static __device__ __forceinline__ void load_states(size_t rows, int codes, const double *z,
                                                   float *shared)
{
    typedef Shape<Rows, Codes> S;
    for (int i = threadIdx.x; i < Rows * Codes; i += THREADS) {
        int row = i / Codes, c = i % Codes;
        size_t from = (size_t)blockIdx.x * Rows + row;
        shared[row * S::stride + c] = from < rows && c < codes ? (float)z[from * codes + c] : 0.0F;
    }
}

/* sums (gridDim.y, rows, codes): block (x, y) adds up share y of the chunks for its rows. Chunks'
 * outer weights arrive while the products are formed, the next ones' inner weights while these are
 * added. */
template <int Rows, int Codes>
static __global__ void __launch_bounds__(THREADS)
    fused_kernel(size_t rows, int codes, const double *z, const Chunks chunks, float *sums)
{
    typedef Shape<Rows, Codes> S;
    const Place<S> at = find_place<S>(Rows);
    const int bent = chunks.factors + chunks.hidden, total = bent + chunks.linear;
    const int begin = total * (int)blockIdx.y / (int)gridDim.y;
    const int end = total * ((int)blockIdx.y + 1) / (int)gridDim.y;
    const size_t first = (size_t)blockIdx.x * Rows + at.row;
    const bool working = first < rows;
    float sum[2][S::columns][4] = {};
    if (begin < end)
        fetch_inner(at, chunks, begin);
    fc__copy_commit();
    load_states<Rows, Codes>(rows, codes, z, at.z);
    for (int c = begin; c < end; c++) {
        fc__copy_wait<0>();
        __syncthreads(); /* inner has arrived; outer and s are free */
        fetch_outer(at, chunks, c);
        fc__copy_commit();
        if (working && c < bent)
            form_products(at, c < chunks.factors);
        fc__copy_wait<0>();
        __syncthreads(); /* outer has arrived, s is complete; inner is free */
        if (c + 1 < end)
            fetch_inner(at, chunks, c + 1);
        fc__copy_commit();
        const int column = (c - bent) * CHUNK; /* of the linear part */
        if (working && c < bent)
            add_products<S>(at, at.s, STRIDE, CHUNK, sum);
        else if (working)
            add_products<S>(at, at.z + column, S::stride, min(CHUNK, Codes - column), sum);
    }
    float *out = sums + (size_t)blockIdx.y * rows * codes;
    int row = threadIdx.x % 32 / 4, column = at.column + 2 * (threadIdx.x % 4);
#pragma unroll
    for (int tile = 0; tile < 2; tile++)
#pragma unroll
        for (int n = 0; n < S::columns; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                size_t to = first + row + 16 * tile + i / 2 * 8;
                int c = column + 8 * n + i % 2;
                if (to < rows && c < codes)
                    out[to * codes + c] = sum[tile][n][i];
            }
}

/* dz = bias + the sums of all shares, in their order */
static __global__ void finish_kernel(size_t count, int codes, int shares, const float *bias,
                                     const float *sums, double *dz, int *infinite)
{
    size_t i = (size_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count)
        return;
    float sum = bias[i % codes];
    for (int share = 0; share < shares; share++)
        sum += sums[share * count + i];
    if (!isfinite(sum))
        *infinite = 1;
    dz[i] = (double)sum;
}

/* ---------------------------------------------------------------- weights */

typedef void (*fused)(size_t, int, const double *, const Chunks, float *);

/* A shape that is compiled. */
struct Variant {
    int rows, codes, chunk;
    size_t shared;
    fused kernel;
};

template <int Rows, int Codes> static Variant variant()
{
    typedef Shape<Rows, Codes> S;
    Variant v = {Rows, Codes, S::chunk, S::shared, fused_kernel<Rows, Codes>};
    return v;
}

struct fc__fused_field {
    fc__device *device;
    Variant variant;
    Chunks chunks;
    int codes, total;
    size_t most_rows; /* in one launch */
    float *weights, *bias, *sums;
};

/* Of the compiled shapes the narrowest that takes so many codes; rows = 0: there is none. */
static Variant choose(const fc__device *device, size_t codes)
{
    const Variant variants[] = {variant<128, 32>(),  variant<128, 64>(), variant<128, 112>(),
                                variant<128, 128>(), variant<64, 192>(), variant<64, 256>()};
    for (size_t v = 0; v < sizeof variants / sizeof *variants; v++)
        if (codes <= (size_t)variants[v].codes && variants[v].shared <= device->shared_limit)
            return variants[v];
    Variant none = {};
    return none;
}

static int chunks_of(size_t count)
{
    return (int)((count + CHUNK - 1) / CHUNK);
}

/* Columns first.. of `from` (codes, width) as the outer part of a chunk. */
static void pack_outer(size_t codes, size_t width, size_t first, const float *from, float *outer)
{
    for (size_t c = 0; c < codes; c++)
        memcpy(outer + c * STRIDE, from + c * width + first,
               fc__smaller(width - first, CHUNK) * sizeof *outer);
}

/* Rows first.. of `from` (count, codes) with their shifts as one half of the inner part. */
static void pack_inner(size_t codes, size_t count, size_t first, const float *from,
                       const float *shift, size_t stride, float *inner, float *shifts)
{
    size_t some = fc__smaller(count - first, CHUNK);
    for (size_t r = 0; r < some; r++)
        memcpy(inner + r * stride, from + (first + r) * codes, codes * sizeof *inner);
    memcpy(shifts, shift + first, some * sizeof *shifts);
}

static void pack(const fc_field *field, const fc__fused_field *fused, float *chunk)
{
    const fc_field_config *config = &field->config;
    const fc_field_layout at = fc_field_layout_of(config);
    const float *p = field->parameters;
    size_t codes = config->codes, stride = (size_t)fused->variant.codes + 4;
    size_t inner = 2 * CHUNK * stride, outer = (size_t)fused->variant.codes * STRIDE;
    for (size_t r = 0; r < config->rank; r += CHUNK, chunk += fused->variant.chunk) {
        float *shifts = chunk + inner + outer;
        pack_inner(codes, config->rank, r, p + at.v, p + at.va, stride, chunk, shifts);
        pack_inner(codes, config->rank, r, p + at.w, p + at.wd, stride, chunk + CHUNK * stride,
                   shifts + CHUNK);
        pack_outer(codes, config->rank, r, p + at.u, chunk + inner);
    }
    for (size_t h = 0; h < config->hidden; h += CHUNK, chunk += fused->variant.chunk) {
        pack_inner(codes, config->hidden, h, p + at.m1, p + at.m1b, stride, chunk,
                   chunk + inner + outer);
        pack_outer(codes, config->hidden, h, p + at.m2, chunk + inner);
    }
    for (size_t c = 0; config->linear && c < codes; c += CHUNK, chunk += fused->variant.chunk)
        pack_outer(codes, codes, c, p + at.a, chunk + inner);
}

static fc_status upload_weights(fc_context *context, const fc_field *field, fc__fused_field *fused)
{
    fc_status status = FC_OK;
    float *packed = NULL;
    size_t count = fc__product((size_t)fused->total, (size_t)fused->variant.chunk);
    FC_NEW(context, &packed, count);
    pack(field, fused, packed);
    FC_DEVICE_NEW(context, fused->device, "the vector field", &fused->weights, count);
    FC_TRY(
        fc__device_upload(context, fused->device, fused->weights, packed, count * sizeof *packed));
    FC_DEVICE_NEW(context, fused->device, "the vector field", &fused->bias, field->config.codes);
    FC_TRY(fc__device_upload(context, fused->device, fused->bias, field->parameters,
                             field->config.codes * sizeof *fused->bias));
    fused->chunks.weights = fused->weights;
done:
    free(packed);
    return status;
}

/* ---------------------------------------------------------------- life */

fc_status fc__fused_field_create(fc_context *context, fc__device *device, const fc_field *field,
                                 fc__fused_field **made)
{
    enum { WAVES = 2 }; /* blocks of a launch for each multiprocessor */
    fc_status status = FC_OK;
    fc__fused_field *f = NULL;
    const fc_field_config *config = &field->config;
    const Variant variant = choose(device, config->codes);
    *made = NULL;
    if (!device->tensor_cores || device->precision == FC_CUDA_FP32 || variant.rows == 0)
        return FC_OK;
    FC_NEW(context, &f, 1);
    f->device = device;
    f->variant = variant;
    f->codes = (int)config->codes;
    f->chunks.factors = chunks_of(config->rank);
    f->chunks.hidden = chunks_of(config->hidden);
    f->chunks.linear = config->linear ? chunks_of(config->codes) : 0;
    f->total = f->chunks.factors + f->chunks.hidden + f->chunks.linear;
    f->most_rows = (size_t)WAVES * (size_t)device->multiprocessors * (size_t)variant.rows;
    FC_TRY(upload_weights(context, field, f));
    FC_DEVICE_NEW(context, device, "rates of change", &f->sums,
                  fc__product(f->most_rows, config->codes));
    *made = f;
    f = NULL;
done:
    fc__fused_field_destroy(f);
    return status;
}

void fc__fused_field_destroy(fc__fused_field *field)
{
    if (!field)
        return;
    fc__device_free(field->device, field->weights);
    fc__device_free(field->device, field->bias);
    fc__device_free(field->device, field->sums);
    free(field);
}

/* Where rows are few the chunks are shared out as well, so that all multiprocessors work. */
static int shares_of(const fc__fused_field *field, unsigned blocks)
{
    int shares = field->device->multiprocessors / (int)blocks;
    if (shares > field->total)
        shares = field->total;
    return shares > 1 ? shares : 1;
}

fc_status fc__fused_field_eval(fc_context *context, fc__fused_field *field, size_t rows,
                               const double *z, double *dz, int *infinite)
{
    size_t codes = (size_t)field->codes;
    for (size_t row = 0; row < rows; row += field->most_rows) {
        size_t some = fc__smaller(rows - row, field->most_rows);
        unsigned blocks = fc__blocks(some, (size_t)field->variant.rows);
        int shares = shares_of(field, blocks);
        FC_RETURN_TRY(fc__launch(context, field->device, "fused_kernel", field->variant.kernel,
                                 dim3(blocks, (unsigned)shares), THREADS, field->variant.shared,
                                 some, field->codes, z + row * codes, field->chunks, field->sums));
        FC_RETURN_TRY(fc__launch(context, field->device, "finish_kernel", finish_kernel,
                                 fc__blocks(some * codes, THREADS), THREADS, 0, some * codes,
                                 field->codes, shares, field->bias, field->sums, dz + row * codes,
                                 infinite));
    }
    return FC_OK;
}
