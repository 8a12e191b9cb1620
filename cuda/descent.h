/* descent.h: dynamics fitting on the device, for the engine's table (ode/engine.h). */
#ifndef FC_CUDA_DESCENT_H
#define FC_CUDA_DESCENT_H

#include "cuda/engine.h"

extern const fc__descent_steps fc__cuda_descent;

#endif
