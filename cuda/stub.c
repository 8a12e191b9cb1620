#include "cuda/cuda.h"

#include "inr/support.h"

fc_status fc_cuda_check(fc_context *context, int index)
{
    return fc__fail(context, FC_ERROR_DEVICE, "cuda:%d: fieldcast was built without CUDA", index);
}
