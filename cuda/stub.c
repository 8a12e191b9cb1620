/* The CUDA engine of a build without CUDA. */
#include "cuda/cuda.h"

#include "inr/support.h"

static fc_status refuse(fc_context *context, int index)
{
    return fc__fail(context, FC_ERROR_DEVICE, "cuda:%d: fieldcast was built without CUDA", index);
}

fc_cuda_config fc_cuda_config_default(void)
{
    return (fc_cuda_config){.precision = FC_CUDA_TF32};
}

fc_status fc_cuda_count(fc_context *context, int *count)
{
    *count = 0;
    return fc__fail(context, FC_ERROR_DEVICE, "CUDA: fieldcast was built without CUDA");
}

fc_status fc_cuda_describe(fc_context *context, int index, fc_cuda_description *description)
{
    *description = (fc_cuda_description){.name = ""};
    return refuse(context, index);
}

fc_status fc_cuda_check(fc_context *context, int index)
{
    return refuse(context, index);
}

fc_status fc_cuda_engine_create(fc_context *context, const fc_cuda_config *config,
                                fc_engine **engine)
{
    *engine = NULL;
    return refuse(context, config->index);
}
