/* cuda.h: what the files of `fieldcast-bench cuda` share: a device in use, its clock and its
 * limits, and results. General rules as in bench.h. */
#ifndef FC_BENCH_CUDA_H
#define FC_BENCH_CUDA_H

#include "bench/bench.h"
#include "bench/cuda/probe.h"
#include "cuda/engine.h"

typedef enum bench_rate {
    BENCH_COPY,  /* device to device: bytes/s, those read and those written counted */
    BENCH_WRITE, /* writing alone: bytes/s */
    BENCH_TF32,  /* cuBLAS, an 8192^3 product of TF32 factors: flop/s */
    BENCH_FP32,  /* the same of floats */
    BENCH_RATES
} bench_rate;

typedef struct bench_cuda_run {
    fc_context *context; /* with the engine below */
    fc_context *plain;   /* the processor alone: the reference */
    fc_engine *engine;
    fc__device *device; /* the engine's */
    bench_clock *clock; /* the device's */
    fc_cuda_precision precision;
    double share;              /* of the sizes, to try it out; 1 = those of README.md */
    size_t repeats;            /* 0 = the timer's rule */
    double limit[BENCH_RATES]; /* best so far */
    bool json;
} bench_cuda_run;

typedef struct bench_cuda_result {
    const char *name, *unit;
    bench_timing time;
    double amount;       /* of work in `time`, in units of rate */
    double flops, bytes; /* by the formulas of README.md; 0 = none counted */
    bench_rate memory;   /* the limit that bytes are held against */
    double error;        /* of a sample of the results, ||u - v|| / ||v||, v the processor's; NaN
                            where there is none */
    char note[192];
    char keys[192]; /* more keys of the JSON line, ", \"width\": 64" */
} bench_cuda_result;

/* As bench_time, by the device's clock: `prepare` is queued before each repeat, untimed. */
fc_status bench_cuda_time(bench_cuda_run *b, fc_status (*prepare)(void *user),
                          fc_status (*step)(void *user), void *user, bench_timing *timing);

/* Prints a result at once. */
void bench_cuda_print(const bench_cuda_run *b, const bench_cuda_result *result);
/* Conditions of the run, before the results. */
fc_status bench_cuda_print_conditions(const bench_cuda_run *b, int index);

/* A size as asked for: `whole` times the share, at least `least`. */
size_t bench_cuda_size(const bench_cuda_run *b, size_t whole, size_t least);
/* ||a - b|| / ||b||, NaN where either is not finite. */
double bench_difference(size_t count, const double *a, const double *b);
/* FC_ERROR_DEVICE when a result that was poisoned before the call has places that are not finite.
 */
fc_status bench_cuda_check_written(bench_cuda_run *b, const char *name, size_t count,
                                   const float *values);

fc_status bench_cuda_limits(bench_cuda_run *b);
fc_status bench_cuda_decode(bench_cuda_run *b);
fc_status bench_cuda_basis(bench_cuda_run *b);
fc_status bench_cuda_train_decoder(bench_cuda_run *b);
fc_status bench_cuda_ensemble(bench_cuda_run *b);
fc_status bench_cuda_train_dynamics(bench_cuda_run *b);

#endif
