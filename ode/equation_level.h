/* equation_level.h: identification from coarse to fine.
 *
 * How far small waves are carried along within an interval makes forecasts of them a wildly
 * nonlinear function of the coefficients. Of the largest waves they are not; and what those tell of
 * the coefficients is enough to begin with at waves twice as short. */
#ifndef FC_ODE_EQUATION_LEVEL_H
#define FC_ODE_EQUATION_LEVEL_H

#include "ode/equation_pass.h"

/* An equation confined to the waves of length up to a radius, and what it is to be found from. */
typedef struct fc__level {
    fc_equation *equation;
    size_t *place; /* (waves) where they are among those of the whole equation */
    fc__code_map map;
    fc__spectral *spectral;
    fc__intervals intervals;
} fc__level;

/* Levels from the coarsest to all waves. */
size_t fc__level_count(const fc_equation *equation);

/* Level `index` of an equation, with its coefficients. The intervals are at most `samples`, fewer
 * where the level has many waves. */
fc_status fc__level_create(fc_context *context, const fc_equation *equation,
                           const fc__code_map *map, const fc_trajectories *trajectories,
                           size_t index, size_t samples, uint64_t seed, fc__level *level);
void fc__level_clear(fc__level *level);

/* Gives the level's coefficients and forcing to the whole equation. */
void fc__level_hand_over(const fc__level *level, fc_equation *equation);

#endif
