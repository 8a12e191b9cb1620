/* probe.h: what benchmarks ask of a device beyond its steps: its clock, poison, and plain loads.
 * All pointers are to device memory. */
#ifndef FC_BENCH_CUDA_PROBE_H
#define FC_BENCH_CUDA_PROBE_H

#include "cuda/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Two events on the device's stream. */
typedef struct bench_clock bench_clock;
fc_status bench_clock_create(fc_context *context, fc__device *device, bench_clock **clock);
void bench_clock_destroy(bench_clock *clock);
fc_status bench_clock_start(fc_context *context, bench_clock *clock);
/* Waits; seconds since the start, on the device. */
fc_status bench_clock_stop(fc_context *context, bench_clock *clock, double *seconds);

/* Every byte 0xff: NaN to whoever reads a float that nothing wrote. */
fc_status bench_probe_poison(fc_context *context, fc__device *device, void *to, size_t bytes);
/* Numbers of values that are not finite; waits. */
fc_status bench_probe_unwritten(fc_context *context, fc__device *device, size_t count,
                                const float *values, size_t *unwritten);
/* Random numbers evenly from [-1, 1), other ones for every seed. */
fc_status bench_probe_random(fc_context *context, fc__device *device, uint64_t seed, size_t count,
                             float *to);
/* Writes count floats, a multiple of 4, and reads nothing. */
fc_status bench_probe_write(fc_context *context, fc__device *device, size_t count, float *to);

#ifdef __cplusplus
}
#endif
#endif
