/* graph.h: work of a device that is recorded once and queued many times, for the time of one launch
 * (CUDA graphs). */
#ifndef FC_CUDA_GRAPH_H
#define FC_CUDA_GRAPH_H

#include "cuda/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fc__graph fc__graph;

/* Work that queues launches, products and copies between device memory, and waits for nothing. */
typedef fc_status fc__graph_work(fc_context *context, const void *work);

/* Records what `run` queues, without doing it. *graph = NULL where the runtime cannot record it:
 * then run(work) is there still. */
fc_status fc__graph_record(fc_context *context, fc__device *device, fc__graph_work *run,
                           const void *work, fc__graph **graph);
fc_status fc__graph_launch(fc_context *context, fc__device *device, fc__graph *graph);
void fc__graph_destroy(fc__graph *graph);

#ifdef __cplusplus
}
#endif
#endif
