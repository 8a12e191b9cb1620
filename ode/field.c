#include "ode/field.h"
#include "inr/support.h"
#include "ode/equation.h"
#include "ode/kernels/kernels.h"

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

/* V and W stand beside each other, and so do a and d: ode.h promises it. */
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
    fc__field_clear_equation(field);
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

/* Floats of packed B (k, n) at the level of the widest panels and vectors, with up to a quarter of
 * a vector of its columns once more as rows. */
static size_t packed_size(size_t k, size_t n)
{
    enum { WIDEST = 64, LANES = 16 };
    return fc__product(k, (n + WIDEST - 1) / WIDEST * WIDEST) +
           LANES / 4 * ((k + LANES - 1) / LANES * LANES);
}

size_t fc__field_panels_size(const fc_field_config *config, fc__pack_for purpose)
{
    size_t codes = config->codes, rank = config->rank, hidden = config->hidden;
    size_t linear = config->linear ? packed_size(codes, codes) : 0;
    if (purpose == FC__PACK_FORWARD)
        return linear + 2 * packed_size(codes, rank) + packed_size(rank, codes) +
               packed_size(codes, hidden) + packed_size(hidden, codes);
    return linear + packed_size(2 * rank, codes) + packed_size(codes, rank) +
           packed_size(hidden, codes) + packed_size(codes, hidden);
}

void fc__field_pack(const fc_field_config *config, const float *parameters, fc__pack_for purpose,
                    size_t part, size_t parts, float *panels)
{
    fc__field_kernels_chosen()->pack(config, parameters, purpose, part, parts, panels);
}

size_t fc__field_slices(const fc_field_config *config)
{
    return 1 + (config->rank + FC__FIELD_SLICE - 1) / FC__FIELD_SLICE +
           (config->hidden + FC__FIELD_SLICE - 1) / FC__FIELD_SLICE;
}

size_t fc__field_slice_scratch(size_t rows)
{
    return fc__product(rows, 2 * FC__FIELD_SLICE);
}

void fc__field_slice(const fc_field_config *config, const fc__field_weights *weights, size_t rows,
                     const float *z, size_t slice, float *sum, float *scratch)
{
    fc__field_kernels_chosen()->slice(config, weights, rows, z, slice, sum, scratch);
}

/* From this many rows on it pays to pack the weights for a single evaluation. */
enum { WORTH_PACKING = 8 };

/* Room for the panels is included, and for their alignment. */
size_t fc_field_work_size(const fc_field_config *config, size_t batch)
{
    size_t size =
        fc__product(batch, fc__field_tape_width(config) + fc__field_adjoint_width(config));
    size_t panels =
        batch < WORTH_PACKING ? 0 : fc__field_panels_size(config, FC__PACK_FORWARD) + 16;
    return size < SIZE_MAX - panels ? size + panels : SIZE_MAX;
}

/* The first address at or after `work` that starts a cache line. */
static float *aligned(float *work)
{
    return work + (64 - (uintptr_t)work % 64) % 64 / sizeof *work;
}

void fc_field_eval(const fc_field_config *config, const float *parameters, size_t batch,
                   const float *z, float *dz, float *work)
{
    fc__field_weights weights = {.parameters = parameters};
    float *scratch = work + batch * fc__field_tape_width(config);
    if (batch >= WORTH_PACKING) {
        float *panels = aligned(scratch + batch * fc__field_adjoint_width(config));
        fc__field_pack(config, parameters, FC__PACK_FORWARD, 0, 1, panels);
        weights.forward = panels;
    }
    fc__field_forward(config, &weights, batch, z, dz, work, scratch);
}

void fc_field_eval_double(const fc_field_config *config, const double *parameters, size_t batch,
                          const double *z, double *dz, double *work)
{
    fc__field_weights_double weights = {.parameters = parameters};
    double *scratch = work + batch * fc__field_tape_width(config);
    fc__field_forward_double(config, &weights, batch, z, dz, work, scratch);
}

/* The rest is the same for both precisions. Of the forward pass the vjp needs the tape alone. */
#define FIELD_FUNCTIONS(REAL, SUFFIX)                                                              \
    void fc__field_forward##SUFFIX(const fc_field_config *config,                                  \
                                   const fc__field_weights##SUFFIX *weights, size_t rows,          \
                                   const REAL *z, REAL *dz, REAL *tape, REAL *scratch)             \
    {                                                                                              \
        fc__field_kernels_chosen()->forward##SUFFIX(config, weights, rows, z, dz, tape, scratch);  \
    }                                                                                              \
    void fc__field_backward##SUFFIX(                                                               \
        const fc_field_config *config, const fc__field_weights##SUFFIX *weights, size_t rows,      \
        const REAL *dz_bar, const REAL *tape, REAL beta, REAL *z_bar, REAL *adjoint)               \
    {                                                                                              \
        fc__field_kernels_chosen()->backward##SUFFIX(config, weights, rows, dz_bar, tape, beta,    \
                                                     z_bar, adjoint);                              \
    }                                                                                              \
    void fc__field_gradient##SUFFIX(const fc_field_config *config, size_t rows, const REAL *z,     \
                                    const REAL *dz_bar, const REAL *adjoint, size_t part,          \
                                    size_t parts, REAL *parameter_bar)                             \
    {                                                                                              \
        fc__field_kernels_chosen()->gradient##SUFFIX(config, rows, z, dz_bar, adjoint, part,       \
                                                     parts, parameter_bar);                        \
    }                                                                                              \
    void fc_field_jvp##SUFFIX(const fc_field_config *config, const REAL *parameters, size_t batch, \
                              const REAL *z, const REAL *z_dot, REAL *dz_dot, REAL *work)          \
    {                                                                                              \
        fc__field_kernels_chosen()->tangent##SUFFIX(config, parameters, batch, z, z_dot, dz_dot,   \
                                                    work);                                         \
    }                                                                                              \
    void fc_field_vjp##SUFFIX(const fc_field_config *config, const REAL *parameters, size_t batch, \
                              const REAL *z, const REAL *dz_bar, REAL *z_bar, REAL *parameter_bar, \
                              REAL *work)                                                          \
    {                                                                                              \
        fc__field_weights##SUFFIX weights = {.parameters = parameters};                            \
        REAL *tape = work, *adjoint = work + batch * fc__field_tape_width(config);                 \
        fc__field_kernels_chosen()->factors##SUFFIX(config, &weights, batch, z, tape);             \
        fc__field_backward##SUFFIX(config, &weights, batch, dz_bar, tape, 1, z_bar, adjoint);      \
        if (parameter_bar)                                                                         \
            fc__field_gradient##SUFFIX(config, batch, z, dz_bar, adjoint, 0, 1, parameter_bar);    \
    }

FIELD_FUNCTIONS(float, )
FIELD_FUNCTIONS(double, _double)
