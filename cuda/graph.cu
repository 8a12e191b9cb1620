#include "cuda/graph.h"

#include "cuda/device.cuh"

#include <stdlib.h>

struct fc__graph {
    cudaGraphExec_t executable;
};

fc_status fc__graph_record(fc_context *context, fc__device *device, fc__graph_work *run,
                           const void *work, fc__graph **graph)
{
    cudaGraph_t recorded = NULL;
    cudaGraphExec_t executable = NULL;
    *graph = NULL;
    FC_DEVICE_USE(context, device);
    cudaError_t error = cudaStreamBeginCapture(device->stream, cudaStreamCaptureModeThreadLocal);
    fc_status status = FC_OK;
    if (error == cudaSuccess) {
        status = run(context, work);
        error = cudaStreamEndCapture(device->stream, &recorded);
    }
    if (status == FC_OK && error == cudaSuccess)
        error = cudaGraphInstantiate(&executable, recorded, 0);
    if (recorded)
        (void)cudaGraphDestroy(recorded);
    (void)cudaGetLastError();
    if (status != FC_OK || error != cudaSuccess)
        return FC_OK; /* whatever is wrong with the work shows when it is run */
    status = fc__allocate(context, 1, sizeof **graph, graph);
    if (status == FC_OK)
        (*graph)->executable = executable;
    else
        (void)cudaGraphExecDestroy(executable);
    return status;
}

fc_status fc__graph_launch(fc_context *context, fc__device *device, fc__graph *graph)
{
    FC_DEVICE_USE(context, device);
    FC_CUDA_TRY(context, device, cudaGraphLaunch(graph->executable, device->stream));
    return FC_OK;
}

void fc__graph_destroy(fc__graph *graph)
{
    if (!graph)
        return;
    (void)cudaGraphExecDestroy(graph->executable);
    free(graph);
}
