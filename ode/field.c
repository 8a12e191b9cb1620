#include "ode/field.h"
#include "inr/simd.h"
#include "inr/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sizes up to this keep every product of two of them, and every BLAS dimension, in range. */
enum { LARGEST = 1 << 20 };

fc_field_config fc_field_config_default(size_t codes)
{
    return (fc_field_config){.codes = codes, .linear = true, .rank = 1024, .hidden = 0};
}

static size_t place(size_t *count, size_t size)
{
    size_t offset = *count;
    *count += size;
    return offset;
}

/* V and W stand beside each other, and so do a and d, for field_kernel.h. */
fc_field_layout fc_field_layout_of(const fc_field_config *config)
{
    size_t codes = config->codes, rank = config->rank, hidden = config->hidden;
    fc_field_layout at = {0};
    at.bias = place(&at.count, codes);
    at.a = place(&at.count, config->linear ? codes * codes : 0);
    at.v = place(&at.count, rank * codes);
    at.w = place(&at.count, rank * codes);
    at.va = place(&at.count, rank);
    at.wd = place(&at.count, rank);
    at.u = place(&at.count, codes * rank);
    at.m1 = place(&at.count, hidden * codes);
    at.m1b = place(&at.count, hidden);
    at.m2 = place(&at.count, codes * hidden);
    return at;
}

static void fill_uniform(fc__rng *rng, double bound, size_t count, float *values)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(bound * (2.0 * fc__rng_uniform(rng) - 1.0));
}

fc_status fc_field_create(fc_context *context, const fc_field_config *config, uint64_t seed,
                          fc_field **field)
{
    *field = NULL;
    fc_status status = FC_OK;
    fc_field *made = NULL;
    size_t codes = config->codes, rank = config->rank, hidden = config->hidden;
    if (codes == 0 || codes > LARGEST || rank > LARGEST || hidden > LARGEST)
        return fc__fail(context, FC_ERROR_USAGE,
                        "vector field: codes %zu, rank %zu and hidden %zu must be at most %d, and "
                        "codes at least 1",
                        codes, rank, hidden, LARGEST);
    FC_NEW(context, &made, 1);
    fc_field_layout at = fc_field_layout_of(config);
    made->config = *config;
    made->parameter_count = at.count;
    FC_NEW(context, &made->parameters, at.count);
    fc__rng rng = fc__rng_create(seed, 0);
    float *parameters = made->parameters;
    fill_uniform(&rng, 1.7 / sqrt((double)codes), 2 * rank * codes, parameters + at.v);
    fill_uniform(&rng, 0.5, 2 * rank, parameters + at.va);
    fill_uniform(&rng, 0.1 / sqrt((double)(rank ? rank : 1)), codes * rank, parameters + at.u);
    fill_uniform(&rng, sqrt(3.0 / (double)codes), hidden * codes, parameters + at.m1);
    *field = made;
    made = NULL;
done:
    fc_field_destroy(made);
    return status;
}

void fc_field_destroy(fc_field *field)
{
    if (!field)
        return;
    free(field->parameters);
    free(field);
}

size_t fc__field_tape_width(const fc_field_config *config)
{
    return 2 * config->rank + config->hidden;
}

size_t fc__field_adjoint_width(const fc_field_config *config)
{
    return 3 * config->rank + 2 * config->hidden;
}

size_t fc_field_work_size(const fc_field_config *config, size_t batch)
{
    return fc__product(batch, fc__field_tape_width(config) + fc__field_adjoint_width(config));
}

#define REAL float
#define TYPED(name) name
#define GEMM fc__sgemm
#define EXP expf
#include "ode/field_kernel.h"
#undef REAL
#undef TYPED
#undef GEMM
#undef EXP

#define REAL double
#define TYPED(name) name##_double
#define GEMM fc__dgemm
#define EXP exp
#include "ode/field_kernel.h"
