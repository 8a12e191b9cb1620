/* wave.h: pieces of the wave case. Private to this room. */
#ifndef FC_DATA_WAVE_H
#define FC_DATA_WAVE_H

#include "data/generator.h"

#define FC__WAVE_LENGTH 2.0 /* of the sides of the square */

/* Where a trajectory starts: height exp(-d^2 / (2 width^2)) at the distance d from its centre,
 * which is given from the lower corner on. */
typedef struct fc__wave_bump {
    double height, width, centre[2];
} fc__wave_bump;

/* The bump of a trajectory: width from U(0.25, 0.30), height from U(2, 4). */
fc__wave_bump fc__wave_draw(uint64_t seed, uint64_t trajectory);

#endif
