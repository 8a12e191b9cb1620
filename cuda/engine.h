/* engine.h: the steps of this room as the engine interface of inr/ and ode/ wants them: a device in
 * use and what stays on it from one step to the next. */
#ifndef FC_CUDA_ENGINE_H
#define FC_CUDA_ENGINE_H

#include "cuda/device.h"
#include "inr/engine.h"
#include "ode/engine.h"

/* What a step gets as `device`. */
typedef struct fc__cuda {
    fc__device *device;
    struct fc__cuda_kept *kept; /* bases and analyses of recent point sets (cuda/kept.h) */
} fc__cuda;

#endif
