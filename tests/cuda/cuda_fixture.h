/* cuda_fixture.h: a device for a test, and how far its results may be from the processor's.
 *
 * Every test here is built twice: as cuda.THING with the CUDA engine of the build, which skips
 * where there is no device, and as cuda.THING@emulated with the same sources compiled for the
 * processor (emulation/). */
#ifndef FC_CUDA_FIXTURE_H
#define FC_CUDA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cuda/engine.h"

#include <math.h>
#include <stdio.h>

/* The table of tolerances: largest |difference| / root mean square of the processor's result, for
 * results whose terms add up to few thousand. Never loosened without a reason stated here. */
#define TOLERANCE_DOUBLE 1e-11 /* sums in double in another order */
#define TOLERANCE_FP32 2e-5    /* sums of floats in another order, and their sines */
#define TOLERANCE_TF32 4e-3    /* factors rounded to 11 bits: 5e-4 each, random signs */
#define TOLERANCE_BF16 4e-2    /* to 8 bits: 4e-3 each */

typedef struct cuda_fixture {
    fc_context *context; /* with the engine */
    fc_context *plain;   /* without */
    fc_engine *engine;
} cuda_fixture;

/* Opens device 0 or skips the test, saying why; memory: most bytes of it to use, 0 = all. */
static inline cuda_fixture cuda_open_within(fc_cuda_precision precision, size_t memory)
{
    cuda_fixture f = {0};
    fc_cuda_config config = fc_cuda_config_default();
    config.precision = precision;
    config.memory = memory;
    assert_int_equal(fc_context_create(2, &f.context), FC_OK);
    assert_int_equal(fc_context_create(2, &f.plain), FC_OK);
    fc_status status = fc_cuda_engine_create(f.context, &config, &f.engine);
    if (status == FC_ERROR_DEVICE) {
        print_message("skipped: %s\n", fc_context_message(f.context));
        fc_context_destroy(f.context);
        fc_context_destroy(f.plain);
        skip();
    }
    assert_int_equal(status, FC_OK);
    fc_context_set_engine(f.context, f.engine);
    return f;
}

static inline cuda_fixture cuda_open(fc_cuda_precision precision)
{
    return cuda_open_within(precision, 0);
}

/* A new engine in place of the last, which has kept memory that would have to be allocated. */
static inline void cuda_renew(cuda_fixture *f)
{
    fc_cuda_config config = fc_cuda_config_default();
    fc_engine_destroy(f->engine);
    assert_int_equal(fc_cuda_engine_create(f->context, &config, &f->engine), FC_OK);
    fc_context_set_engine(f->context, f->engine);
}

static inline void cuda_close(cuda_fixture *f)
{
    fc_context_destroy(f->context);
    fc_context_destroy(f->plain);
    fc_engine_destroy(f->engine);
}

/* Bytes of device memory that the engine has not given back. */
static inline size_t cuda_in_use(const cuda_fixture *f)
{
    return fc__device_in_use(((const fc__cuda *)f->engine->device)->device);
}

static inline void assert_status(fc_status status, const fc_context *context)
{
    if (status != FC_OK)
        fail_msg("%s: %s", fc_status_text(status), fc_context_message(context));
}

/* max |a - b| / rms(b); INFINITY where either is not finite */
static inline double cuda_difference(size_t count, const float *a, const float *b)
{
    double largest = 0.0, square = 0.0;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(a[i]) || !isfinite(b[i]))
            return INFINITY;
        largest = fmax(largest, fabs((double)a[i] - (double)b[i]));
        square += (double)b[i] * (double)b[i];
    }
    return count ? largest / fmax(sqrt(square / (double)count), 1e-300) : 0.0;
}

static inline double cuda_difference_double(size_t count, const double *a, const double *b)
{
    double largest = 0.0, square = 0.0;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(a[i]) || !isfinite(b[i]))
            return INFINITY;
        largest = fmax(largest, fabs(a[i] - b[i]));
        square += b[i] * b[i];
    }
    return count ? largest / fmax(sqrt(square / (double)count), 1e-300) : 0.0;
}

#define assert_close(difference, tolerance)                                                        \
    do {                                                                                           \
        double apart_ = (difference);                                                              \
        if (!(apart_ <= (tolerance)))                                                              \
            fail_msg("%s is %.3g, at most %.3g is accepted", #difference, apart_,                  \
                     (double)(tolerance));                                                         \
    } while (0)

#endif
