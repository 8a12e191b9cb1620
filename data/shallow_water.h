/* shallow_water.h: pieces of the shallow water case. Private to this room. */
#ifndef FC_DATA_SHALLOW_WATER_H
#define FC_DATA_SHALLOW_WATER_H

#include "data/layer.h"

/* The earth of Galewsky et al. 2004, in SI units, and the viscosity of data.h. */
fc__layer_config fc__shallow_water_earth(size_t grid, double viscosity);

/* Eastward speed of the jets of data.h at a latitude in radians, m/s. */
double fc__shallow_water_jet(double umax, double latitude);

/* The largest speed of a trajectory's jets. */
double fc__shallow_water_draw(const fc_shallow_water_config *config, uint64_t trajectory);

/* The initial state of data.h: jets of the given speed in balance, and the bumps.
 * fields: (2, rings, longitudes) of the layer, room to work. */
void fc__shallow_water_start(fc__layer *layer, double umax, double perturbation, double *fields);

#endif
