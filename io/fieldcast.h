/* fieldcast.h: everything of fieldcast. Learn a model from observed fields, forecast from a few
 * sensors, answer at any point and any time; each header says more about its part. */
#ifndef FIELDCAST_H
#define FIELDCAST_H

#include "inr/inr.h"

#include "ode/ode.h"

#include "cuda/cuda.h"
#include "data/data.h"
#include "io/io.h"

#endif
