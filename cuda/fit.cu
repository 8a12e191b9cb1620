/* Kernels that both ways of decoder training use: frames of a minibatch, and Adam on codes. */
#include "cuda/adam.cuh"
#include "cuda/fit_kernels.h"

/* ---------------------------------------------------------------- frames of a minibatch */

enum { CARRIED = 512, THREADS = 256 };

/* Numbers that travel as an argument of a kernel, which nothing need wait for. */
struct carried {
    uint32_t value[CARRIED];
};

__global__ void unload(carried load, unsigned count, uint32_t *to)
{
    for (unsigned i = threadIdx.x; i < count; i += blockDim.x)
        to[i] = load.value[i];
}

fc_status fc__fit_choose(fc_context *context, fc__device *device, size_t count, const size_t *which,
                         uint32_t *chosen)
{
    for (size_t start = 0; start < count; start += CARRIED) {
        unsigned size = static_cast<unsigned>(count - start);
        size = count - start < CARRIED ? size : unsigned{CARRIED};
        carried load;
        for (unsigned i = 0; i < size; i++)
            load.value[i] = static_cast<uint32_t>(which ? which[start + i] : start + i);
        FC_RETURN_TRY(fc__launch(context, device, "frames of a minibatch", unload, 1, THREADS, 0,
                                 load, size, chosen + start));
    }
    return FC_OK;
}

__global__ void copy_rows(size_t size, size_t width, const uint32_t *chosen, bool back,
                          const float *from, float *to)
{
    size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i >= size)
        return;
    size_t row = chosen[i / width] * width + i % width;
    if (back)
        to[row] = from[i];
    else
        to[i] = from[row];
}

fc_status fc__fit_take_rows(fc_context *context, fc__device *device, size_t count, size_t width,
                            const uint32_t *chosen, const float *from, float *to)
{
    return fc__launch(context, device, "codes of a minibatch", copy_rows,
                      fc__blocks(count * width, THREADS), THREADS, 0, count * width, width, chosen,
                      false, from, to);
}

fc_status fc__fit_put_rows(fc_context *context, fc__device *device, size_t count, size_t width,
                           const uint32_t *chosen, const float *from, float *to)
{
    return fc__launch(context, device, "codes of a minibatch", copy_rows,
                      fc__blocks(count * width, THREADS), THREADS, 0, count * width, width, chosen,
                      true, from, to);
}

__global__ void repeat_row(size_t size, size_t width, const float *row, float *to)
{
    size_t i = static_cast<size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < size)
        to[i] = row[i % width];
}

fc_status fc__fit_repeat(fc_context *context, fc__device *device, size_t count, size_t width,
                         const float *row, float *to)
{
    return fc__launch(context, device, "rows", repeat_row, fc__blocks(count * width, THREADS),
                      THREADS, 0, count * width, width, row, to);
}

/* ---------------------------------------------------------------- sums of rows */

enum { SUM_COLUMNS = 32, SUM_ROWS = 16 };

/* A block has 32 columns; its 16 rows of threads take every 16th row each. */
__global__ void sum_rows(size_t rows, size_t columns, const float *from, size_t stride, float *to)
{
    float *part = fc__shared_memory<float>();
    unsigned x = threadIdx.x, y = threadIdx.y;
    size_t j = static_cast<size_t>(blockIdx.x) * SUM_COLUMNS + x;
    float sum = 0.0f;
    for (size_t i = y; i < rows && j < columns; i += SUM_ROWS)
        sum += from[i * stride + j];
    part[y * SUM_COLUMNS + x] = sum;
    __syncthreads();
    if (y > 0 || j >= columns)
        return;
    for (unsigned i = 1; i < SUM_ROWS; i++)
        sum += part[i * SUM_COLUMNS + x];
    to[j] += sum;
}

fc_status fc__fit_sum_rows(fc_context *context, fc__device *device, size_t rows, size_t columns,
                           const float *from, size_t stride, float *to)
{
    return fc__launch(context, device, "sums of rows", sum_rows, fc__blocks(columns, SUM_COLUMNS),
                      dim3(SUM_COLUMNS, SUM_ROWS), SUM_COLUMNS * SUM_ROWS * sizeof(float), rows,
                      columns, from, stride, to);
}

/* ---------------------------------------------------------------- Adam on codes */

/* A block has a code, whose count of steps all its threads read before it grows. */
__global__ void move_codes(fc__adam adam, size_t codes, const uint32_t *chosen,
                           const float *gradient, uint32_t *steps, float *first, float *second,
                           float *z)
{
    size_t frame = chosen[blockIdx.x], at = frame * codes;
    double step = static_cast<double>(steps[frame]) + 1.0;
    fc__adam_constants constants = {};
    constants.beta1 = static_cast<float>(adam.beta1);
    constants.beta2 = static_cast<float>(adam.beta2);
    constants.unbias1 = static_cast<float>(1.0 / (1.0 - pow(adam.beta1, step)));
    constants.unbias2 = static_cast<float>(1.0 / (1.0 - pow(adam.beta2, step)));
    constants.rate = static_cast<float>(adam.rate);
    constants.epsilon = static_cast<float>(adam.epsilon);
    constants.keep = static_cast<float>(1.0 - adam.rate * adam.decay);
    for (size_t c = threadIdx.x; c < codes; c += blockDim.x)
        fc__adam_one(constants, gradient[blockIdx.x * codes + c], first[at + c], second[at + c],
                     z[at + c]);
    __syncthreads();
    if (threadIdx.x == 0)
        steps[frame]++;
}

fc_status fc__fit_move_codes(fc_context *context, fc__device *device, const fc__adam *adam,
                             size_t count, size_t codes, const uint32_t *chosen,
                             const float *gradient, uint32_t *steps, float *first, float *second,
                             float *z)
{
    return fc__launch(context, device, "codes", move_codes, fc__blocks(count, 1), 128, 0, *adam,
                      codes, chosen, gradient, steps, first, second, z);
}
