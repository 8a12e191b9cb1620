#include "cuda/engine.h"
#include "cuda/basis.h"
#include "cuda/decode.h"
#include "cuda/descent.h"
#include "cuda/encode.h"
#include "cuda/fit.h"
#include "cuda/kept.h"
#include "cuda/space.h"

#include <stdio.h>
#include <stdlib.h>

static const fc__decoder_steps decoder_steps = {
    .basis = fc__cuda_basis,
    .basis_vjp = fc__cuda_basis_vjp,
    .decode = fc__cuda_decode,
    .encode = fc__cuda_encode,
    .encode_frames = fc__cuda_encode_frames,
    .normal_equations = fc__cuda_normal_equations,
    .fit = {.create = fc__cuda_fit_create,
            .destroy = fc__cuda_fit_destroy,
            .differentiate = fc__cuda_fit_differentiate,
            .step = fc__cuda_fit_step,
            .loss = fc__cuda_fit_loss,
            .read = fc__cuda_fit_read},
};

static void cuda_destroy(void *device)
{
    fc__cuda *cuda = device;
    if (!cuda)
        return;
    fc__cuda_kept_destroy(cuda->kept);
    fc__device_close(cuda->device);
    free(cuda);
}

static const fc__dynamics_steps dynamics_steps = {
    .space = fc__cuda_space_create,
    .descent = &fc__cuda_descent,
};

fc_status fc_cuda_engine_create(fc_context *context, const fc_cuda_config *config,
                                fc_engine **engine)
{
    fc_status status = FC_OK;
    fc_engine *made = NULL;
    fc__cuda *cuda = NULL;
    *engine = NULL;
    if (config->precision != FC_CUDA_TF32 && config->precision != FC_CUDA_FP32 &&
        config->precision != FC_CUDA_BF16)
        return fc__fail(context, FC_ERROR_USAGE,
                        "CUDA engine: precision %d; FC_CUDA_TF32, FC_CUDA_FP32 and FC_CUDA_BF16 "
                        "are accepted",
                        (int)config->precision);
    FC_NEW(context, &cuda, 1);
    FC_TRY(fc__device_open(context, config, &cuda->device));
    FC_TRY(fc__cuda_kept_create(context, cuda->device, &cuda->kept));
    FC_NEW(context, &made, 1);
    snprintf(made->name, sizeof made->name, "cuda:%d", config->index);
    made->device = cuda;
    made->destroy = cuda_destroy;
    made->decoder = &decoder_steps;
    made->dynamics = &dynamics_steps;
    *engine = made;
    cuda = NULL;
done:
    cuda_destroy(cuda);
    return status;
}
