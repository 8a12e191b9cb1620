#include "cuda/device.cuh"
#include "cuda/field.h"
#include "cuda/swish.cuh"

namespace
{

const unsigned threads = 128;

/* Columns of a row as units of four floats. */
struct field_units {
    unsigned rank, hidden, inner, width, products;
};

field_units units_of(const fc__cuda_field *field)
{
    field_units u;
    u.rank = static_cast<unsigned>(field->rank / FC__CUDA_UNIT);
    u.hidden = static_cast<unsigned>(field->hidden / FC__CUDA_UNIT);
    u.inner = static_cast<unsigned>(field->inner / FC__CUDA_UNIT);
    u.width = static_cast<unsigned>(field->width / FC__CUDA_UNIT);
    u.products = static_cast<unsigned>(field->products / FC__CUDA_UNIT);
    return u;
}

/* One thread for each unit of [s, g] of a row. */
dim3 grid_of(const field_units &u, size_t rows)
{
    return dim3(static_cast<unsigned>(rows), fc__blocks(u.products, threads));
}

__device__ float4 times(float4 a, float4 b)
{
    return make_float4(a.x * b.x, a.y * b.y, a.z * b.z, a.w * b.w);
}

__global__ void one_kernel(size_t rows, size_t width, float *ones)
{
    size_t row = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (row < rows)
        *reinterpret_cast<float4 *>(ones + row * width) = make_float4(1.0f, 0.0f, 0.0f, 0.0f);
}

__global__ void activate_kernel(field_units u, const float4 *tape, float4 *record)
{
    unsigned j = blockIdx.y * blockDim.x + threadIdx.x;
    const float4 *t = tape + static_cast<size_t>(blockIdx.x) * u.inner;
    float4 *out = record + static_cast<size_t>(blockIdx.x) * u.width;
    if (j < u.rank) {
        out[j] = times(t[j], t[u.rank + j]);
    } else if (j < u.products) {
        float4 h = t[u.rank + j];
        out[j] = make_float4(fc__swish(h.x), fc__swish(h.y), fc__swish(h.z), fc__swish(h.w));
    }
}

__global__ void activate_backward_kernel(field_units u, const float4 *pulled, float4 *tape)
{
    unsigned j = blockIdx.y * blockDim.x + threadIdx.x;
    if (j >= u.products)
        return;
    float4 *t = tape + static_cast<size_t>(blockIdx.x) * u.inner;
    float4 bar = pulled[static_cast<size_t>(blockIdx.x) * u.width + j], right = t[u.rank + j];
    if (j < u.rank) {
        float4 left = t[j];
        t[j] = times(bar, right);
        t[u.rank + j] = times(bar, left);
    } else {
        t[u.rank + j] = times(bar, make_float4(fc__swish_slope(right.x), fc__swish_slope(right.y),
                                               fc__swish_slope(right.z), fc__swish_slope(right.w)));
    }
}

} // namespace

fc_status fc__cuda_field_prepare(fc_context *context, fc__device *device,
                                 const fc__cuda_field *field, size_t rows, float *record)
{
    return fc__launch(context, device, "the ones of records", one_kernel,
                      dim3(fc__blocks(rows, threads)), dim3(threads), 0, rows, field->width,
                      record + field->products);
}

fc_status fc__cuda_field_activate(fc_context *context, fc__device *device,
                                  const fc__cuda_field *field, size_t rows, const float *tape,
                                  float *record)
{
    field_units u = units_of(field);
    if (u.products == 0)
        return FC_OK;
    return fc__launch(context, device, "products of factors", activate_kernel, grid_of(u, rows),
                      dim3(threads), 0, u, reinterpret_cast<const float4 *>(tape),
                      reinterpret_cast<float4 *>(record));
}

fc_status fc__cuda_field_activate_backward(fc_context *context, fc__device *device,
                                           const fc__cuda_field *field, size_t rows,
                                           const float *pulled, float *tape)
{
    field_units u = units_of(field);
    if (u.products == 0)
        return FC_OK;
    return fc__launch(context, device, "adjoints of factors", activate_backward_kernel,
                      grid_of(u, rows), dim3(threads), 0, u,
                      reinterpret_cast<const float4 *>(pulled), reinterpret_cast<float4 *>(tape));
}
