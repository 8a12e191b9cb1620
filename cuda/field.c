#include "cuda/field.h"

#include <limits.h>
#include <string.h>

static size_t rounded(size_t size)
{
    return (size + FC__CUDA_UNIT - 1) / FC__CUDA_UNIT * FC__CUDA_UNIT;
}

static fc__cuda_field field_of(const fc_field_config *config)
{
    fc__cuda_field f = {.codes = rounded(config->codes),
                        .rank = rounded(config->rank),
                        .hidden = rounded(config->hidden),
                        .linear = config->linear};
    f.products = f.rank + f.hidden;
    f.affine = FC__CUDA_UNIT + f.codes;
    f.inner = 2 * f.rank + f.hidden;
    f.width = f.products + f.affine;
    f.outer = f.linear ? f.width : f.products + FC__CUDA_UNIT;
    f.d = fc__product(f.inner, f.affine);
    f.count = f.d + fc__product(f.codes, f.outer);
    return f;
}

fc_status fc__cuda_field_of(fc_context *context, const fc_field_config *config,
                            fc__cuda_field *field)
{
    *field = field_of(config);
    if (field->count > INT_MAX)
        return fc__fail(context, FC_ERROR_USAGE,
                        "vector field: codes %zu, rank %zu and hidden %zu make %zu weights on the "
                        "device, which takes %d",
                        config->codes, config->rank, config->hidden, field->count, INT_MAX);
    return FC_OK;
}

/* ---------------------------------------------------------------- weights */

/* A matrix among the parameters, whose rows follow each other there, and among [E, D]. */
typedef struct block {
    size_t rows, columns, parameters, weights, stride;
} block;

enum { BLOCKS = 10 };

static void blocks_of(const fc_field_config *config, block blocks[BLOCKS])
{
    fc_field_layout at = fc_field_layout_of(config);
    fc__cuda_field f = field_of(config);
    size_t codes = config->codes, rank = config->rank, hidden = config->hidden;
    size_t e = f.affine, w = f.rank * e, m1 = 2 * w, one = f.d + f.products;
    const block all[BLOCKS] = {
        {rank, 1, at.va, 0, e},
        {rank, codes, at.v, FC__CUDA_UNIT, e},
        {rank, 1, at.wd, w, e},
        {rank, codes, at.w, w + FC__CUDA_UNIT, e},
        {hidden, 1, at.m1b, m1, e},
        {hidden, codes, at.m1, m1 + FC__CUDA_UNIT, e},
        {codes, rank, at.u, f.d, f.outer},
        {codes, hidden, at.m2, f.d + f.rank, f.outer},
        {codes, 1, at.bias, one, f.outer},
        {config->linear ? codes : 0, codes, at.a, one + FC__CUDA_UNIT, f.outer},
    };
    memcpy(blocks, all, sizeof all);
}

void fc__cuda_field_place(const fc_field_config *config, const float *parameters, float *weights)
{
    block blocks[BLOCKS];
    blocks_of(config, blocks);
    memset(weights, 0, field_of(config).count * sizeof *weights);
    for (const block *b = blocks; b < blocks + BLOCKS; b++)
        for (size_t i = 0; i < b->rows; i++)
            memcpy(weights + b->weights + i * b->stride,
                   parameters + b->parameters + i * b->columns, b->columns * sizeof *weights);
}

void fc__cuda_field_collect(const fc_field_config *config, const float *weights, float *parameters)
{
    block blocks[BLOCKS];
    blocks_of(config, blocks);
    for (const block *b = blocks; b < blocks + BLOCKS; b++)
        for (size_t i = 0; i < b->rows; i++)
            memcpy(parameters + b->parameters + i * b->columns,
                   weights + b->weights + i * b->stride, b->columns * sizeof *weights);
}

/* ---------------------------------------------------------------- passes */

fc_status fc__cuda_field_forward(fc_context *context, fc__device *device, const fc__cuda_field *f,
                                 const float *weights, size_t rows, float *record, float *tape,
                                 float *dz)
{
    fc_status status = FC_OK;
    FC_TRY(fc__device_sgemm(context, device, false, false, true, rows, f->inner, f->affine, 1.0f,
                            record + f->products, f->width, weights, f->affine, 0.0f, tape,
                            f->inner));
    FC_TRY(fc__cuda_field_activate(context, device, f, rows, tape, record));
    FC_TRY(fc__device_sgemm(context, device, false, false, true, rows, f->codes, f->outer, 1.0f,
                            record, f->width, weights + f->d, f->outer, 0.0f, dz, f->codes));
done:
    return status;
}

/* z_bar = A^T dz_bar + E_z^T [p_bar; q_bar; h_bar], where [s_bar; g_bar] = [U M2]^T dz_bar comes of
 * the same product as A^T dz_bar */
fc_status fc__cuda_field_backward(fc_context *context, fc__device *device, const fc__cuda_field *f,
                                  const float *weights, size_t rows, const float *dz_bar,
                                  float *tape, bool wanted, float *pulled)
{
    fc_status status = FC_OK;
    size_t columns = wanted ? f->outer : f->products;
    float *z_bar = pulled + f->products + FC__CUDA_UNIT;
    FC_TRY(fc__device_sgemm(context, device, false, false, false, rows, columns, f->codes, 1.0f,
                            dz_bar, f->codes, weights + f->d, f->outer, 0.0f, pulled, f->width));
    FC_TRY(fc__cuda_field_activate_backward(context, device, f, rows, pulled, tape));
    if (wanted && f->inner)
        FC_TRY(fc__device_sgemm(context, device, false, false, false, rows, f->codes, f->inner,
                                1.0f, tape, f->inner, weights + FC__CUDA_UNIT, f->affine,
                                f->linear ? 1.0f : 0.0f, z_bar, f->width));
done:
    return status;
}

fc_status fc__cuda_field_gradient(fc_context *context, fc__device *device, const fc__cuda_field *f,
                                  size_t rows, const float *record, const float *tape_bar,
                                  const float *dz_bar, float *gradient)
{
    fc_status status = FC_OK;
    FC_TRY(fc__device_sgemm(context, device, false, true, false, f->inner, f->affine, rows, 1.0f,
                            tape_bar, f->inner, record + f->products, f->width, 0.0f, gradient,
                            f->affine));
    FC_TRY(fc__device_sgemm(context, device, false, true, false, f->codes, f->outer, rows, 1.0f,
                            dz_bar, f->codes, record, f->width, 0.0f, gradient + f->d, f->outer));
done:
    return status;
}
