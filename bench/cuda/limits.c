/* What the device can do at best: the rates that results are shares of. */
#include "bench/cuda/cuda.h"

#include <math.h>

typedef struct work {
    bench_cuda_run *run;
    size_t count, side;
    bool exact;
    float *a, *b, *c; /* device */
} work;

static fc_status copy(void *user)
{
    work *w = user;
    return fc__device_copy(w->run->context, w->run->device, w->b, w->a, w->count * sizeof *w->a);
}

static fc_status write(void *user)
{
    work *w = user;
    return bench_probe_write(w->run->context, w->run->device, w->count, w->b);
}

static fc_status clear(void *user)
{
    work *w = user;
    return fc__device_zero(w->run->context, w->run->device, w->b, w->count * sizeof *w->b);
}

static fc_status multiply(void *user)
{
    work *w = user;
    size_t n = w->side;
    return fc__device_sgemm(w->run->context, w->run->device, w->exact, false, false, n, n, n, 1.0f,
                            w->a, n, w->b, n, 0.0f, w->c, n);
}

/* Times a step of so much work and prints it as a share of itself. */
static fc_status measure(work *w, const char *name, const char *note, bench_rate rate,
                         double amount, fc_status (*step)(void *user))
{
    fc_status status = FC_OK;
    bench_cuda_run *b = w->run;
    bool reads = rate == BENCH_COPY || rate == BENCH_WRITE;
    bench_cuda_result result = {.name = name,
                                .unit = reads ? "bytes/s" : "flop/s",
                                .amount = amount,
                                .flops = reads ? 0.0 : amount,
                                .bytes = reads ? amount : 0.0,
                                .memory = rate,
                                .error = NAN};
    FC_TRY(bench_cuda_time(b, NULL, step, w, &result.time));
    b->limit[rate] = fmax(b->limit[rate], amount / result.time.median);
    b->precision = rate == BENCH_FP32 ? FC_CUDA_FP32 : fc__device_precision(b->device);
    snprintf(result.note, sizeof result.note, "%s", note);
    bench_cuda_print(b, &result);
done:
    return status;
}

static fc_status measure_memory(work *w)
{
    fc_status status = FC_OK;
    bench_cuda_run *b = w->run;
    w->count = bench_cuda_size(b, (size_t)1 << 31, 1 << 12) / 4 * 4;
    double bytes = 4.0 * (double)w->count;
    FC_DEVICE_NEW(b->context, b->device, "an array", &w->a, w->count);
    FC_DEVICE_NEW(b->context, b->device, "an array", &w->b, w->count);
    FC_TRY(bench_probe_random(b->context, b->device, 1, w->count, w->a));
    FC_TRY(measure(w, "limit-copy", "device to device, reads and writes counted", BENCH_COPY,
                   2.0 * bytes, copy));
    FC_TRY(measure(w, "limit-write", "16 bytes a thread", BENCH_WRITE, bytes, write));
    FC_TRY(measure(w, "limit-write", "cudaMemset; the larger counts", BENCH_WRITE, bytes, clear));
done:
    fc__device_free(b->device, w->a);
    fc__device_free(b->device, w->b);
    w->a = w->b = NULL;
    return status;
}

static fc_status measure_products(work *w)
{
    fc_status status = FC_OK;
    bench_cuda_run *b = w->run;
    w->side = bench_cuda_size(b, 8192, 64);
    size_t count = fc__product(w->side, w->side);
    double n = (double)w->side, flops = 2.0 * n * n * n;
    FC_DEVICE_NEW(b->context, b->device, "a matrix", &w->a, count);
    FC_DEVICE_NEW(b->context, b->device, "a matrix", &w->b, count);
    FC_DEVICE_NEW(b->context, b->device, "a matrix", &w->c, count);
    FC_TRY(bench_probe_random(b->context, b->device, 1, count, w->a));
    FC_TRY(bench_probe_random(b->context, b->device, 2, count, w->b));
    if (fc__device_precision(b->device) == FC_CUDA_TF32)
        FC_TRY(measure(w, "limit-gemm", "cuBLAS, TF32", BENCH_TF32, flops, multiply));
    w->exact = true;
    FC_TRY(measure(w, "limit-gemm", "cuBLAS, FP32", BENCH_FP32, flops, multiply));
    b->limit[BENCH_TF32] = fmax(b->limit[BENCH_TF32], b->limit[BENCH_FP32]);
done:
    fc__device_free(b->device, w->a);
    fc__device_free(b->device, w->b);
    fc__device_free(b->device, w->c);
    return status;
}

fc_status bench_cuda_limits(bench_cuda_run *b)
{
    work w = {.run = b};
    fc_status status = measure_memory(&w);
    return status == FC_OK ? measure_products(&w) : status;
}
