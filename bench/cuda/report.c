#include "bench/cuda/cuda.h"

#include <math.h>
#include <stdlib.h>

static const char *const rate_name[BENCH_RATES] = {
    [BENCH_COPY] = "copy", [BENCH_WRITE] = "write", [BENCH_TF32] = "tf32", [BENCH_FP32] = "fp32"};

static const char *precision_name(const bench_cuda_run *b)
{
    return b->precision == FC_CUDA_TF32 ? "tf32" : b->precision == FC_CUDA_FP32 ? "fp32" : "bf16";
}

/* ---------------------------------------------------------------- measuring */

fc_status bench_cuda_time(bench_cuda_run *b, fc_status (*prepare)(void *user),
                          fc_status (*step)(void *user), void *user, bench_timing *timing)
{
    const double long_one = 0.5; /* seconds: one call warms up as well as two */
    fc_status status = FC_OK;
    double *seconds = NULL, spent = 0.0, each = 0.0;
    size_t done = 0, warm_up = 2;
    FC_NEW(b->context, &seconds, BENCH_MOST_REPEATS);
    for (size_t i = 0; i < warm_up || !bench_enough(b->repeats, done, spent); i++) {
        if (prepare)
            FC_TRY(prepare(user));
        FC_TRY(bench_clock_start(b->context, b->clock));
        FC_TRY(step(user));
        FC_TRY(bench_clock_stop(b->context, b->clock, &each));
        if (i == 0 && each > long_one)
            warm_up = 1;
        if (i < warm_up)
            continue;
        seconds[done++] = each;
        spent += each;
    }
    bench_timing_of(done, seconds, timing);
done:
    free(seconds);
    return status;
}

size_t bench_cuda_size(const bench_cuda_run *b, size_t whole, size_t least)
{
    size_t part = (size_t)((double)whole * b->share);
    return part > least ? part : least;
}

double bench_difference(size_t count, const double *a, const double *b)
{
    double difference = 0.0, size = 0.0;
    for (size_t i = 0; i < count; i++) {
        difference += (a[i] - b[i]) * (a[i] - b[i]);
        size += b[i] * b[i];
    }
    double ratio = sqrt(difference / size);
    return isfinite(ratio) ? ratio : NAN;
}

fc_status bench_cuda_check_written(bench_cuda_run *b, const char *name, size_t count,
                                   const float *values)
{
    size_t unwritten;
    fc_status status = bench_probe_unwritten(b->context, b->device, count, values, &unwritten);
    if (status == FC_OK && unwritten)
        status = fc__fail(b->context, FC_ERROR_DEVICE, "%s: %zu of %zu results are not finite",
                          name, unwritten, count);
    return status;
}

/* ---------------------------------------------------------------- printing */

fc_status bench_cuda_print_conditions(const bench_cuda_run *b, int index)
{
    fc_cuda_description d;
    char processor[128];
    fc_status status = fc_cuda_describe(b->context, index, &d);
    if (status != FC_OK)
        return status;
    bench_processor_name(processor, sizeof processor);
    if (b->json)
        printf("{\"case\": \"conditions\", \"version\": \"%s\", \"device\": \"%s\", "
               "\"capability\": \"%d.%d\", \"multiprocessors\": %d, \"memory\": %zu, "
               "\"driver\": %d, \"runtime\": %d, \"cublas\": %d, \"share\": %g, "
               "\"processor\": \"%s\", \"threads\": %d}\n",
               fc_version(), d.name, d.major, d.minor, d.multiprocessors, d.memory, d.driver,
               d.runtime, d.cublas, b->share, processor, fc_context_threads(b->plain));
    else
        printf("fieldcast %s on %s, compute capability %d.%d, %d multiprocessors, %.1f GB, driver "
               "for CUDA %d.%d, runtime %d.%d\ncompared with %s, %d threads; sizes times %g\n\n"
               "%-22s %-5s %11s %11s %11s %6s %12s %-15s %-6s %7s %9s  %s\n",
               fc_version(), d.name, d.major, d.minor, d.multiprocessors, 1e-9 * (double)d.memory,
               d.driver / 1000, d.driver % 1000 / 10, d.runtime / 1000, d.runtime % 1000 / 10,
               processor, fc_context_threads(b->plain), b->share, "case", "", "median ms", "min",
               "max", "times", "rate", "", "limit", "share", "error", "");
    return FC_OK;
}

/* The limit that allows the least, and what share of it was reached. */
static bench_rate ruling(const bench_cuda_run *b, const bench_cuda_result *r, double *share)
{
    bench_rate products = b->precision == FC_CUDA_FP32 ? BENCH_FP32 : BENCH_TF32;
    double compute = r->flops > 0.0 ? r->flops / b->limit[products] : 0.0;
    double memory = r->bytes > 0.0 ? r->bytes / b->limit[r->memory] : 0.0;
    *share = fmax(compute, memory) / r->time.median;
    return memory > compute ? r->memory : products;
}

void bench_cuda_print(const bench_cuda_run *b, const bench_cuda_result *r)
{
    double share;
    char error[32] = "null";
    bench_rate limit = ruling(b, r, &share);
    if (!isnan(r->error))
        snprintf(error, sizeof error, "%.3e", r->error);
    if (b->json)
        printf("{\"case\": \"%s\", \"precision\": \"%s\", \"seconds\": %.6e, \"min\": %.6e, "
               "\"max\": %.6e, \"repeats\": %zu, \"rate\": %.6e, \"unit\": \"%s\", "
               "\"flops\": %.6e, \"bytes\": %.6e, \"limit\": \"%s\", \"limit_rate\": %.6e, "
               "\"fraction\": %.4f, \"error\": %s%s, \"note\": \"%s\"}\n",
               r->name, precision_name(b), r->time.median, r->time.min, r->time.max,
               r->time.repeats, r->amount / r->time.median, r->unit, r->flops, r->bytes,
               rate_name[limit], b->limit[limit], share, error, r->keys, r->note);
    else
        printf("%-22s %-5s %11.4f %11.4f %11.4f %6zu %12.4g %-15s %-6s %5.1f %% %9s  %s\n", r->name,
               precision_name(b), 1e3 * r->time.median, 1e3 * r->time.min, 1e3 * r->time.max,
               r->time.repeats, r->amount / r->time.median, r->unit, rate_name[limit],
               100.0 * share, isnan(r->error) ? "" : error, r->note);
    fflush(stdout);
}
