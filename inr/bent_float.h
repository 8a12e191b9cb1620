/* bent_float.h: decoders that bend in float, the precision they are used in. */
#ifndef FC_INR_BENT_FLOAT_H
#define FC_INR_BENT_FLOAT_H

#include "inr/kernels/kernels.h"

#include <math.h>

#define REAL float
#define BENT(name) fc__bent_##name
#define BENT_GEMM fc__sgemm
#define BENT_SINES fc__kernels_chosen()->sines_of
#define BENT_FILTERS fc__filters_tile
#include "inr/bent_tile.h"

#endif
