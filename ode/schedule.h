/* schedule.h: the horizon schedule of dynamics fitting (RECIPE): which rollout an update uses, and
 * how far the whole has come. */
#ifndef FC_ODE_SCHEDULE_H
#define FC_ODE_SCHEDULE_H

#include "ode/ode.h"

enum { FC__PHASES = 4 };

typedef struct fc__phase {
    fc_rk_scheme scheme;
    size_t substeps, intervals;
    uint64_t updates;
    double cost; /* of an update, in one-interval midpoint x 2 updates */
} fc__phase;

typedef struct fc__schedule {
    fc__phase phase[FC__PHASES];
    uint64_t total; /* updates */
    double compute; /* total cost */
} fc__schedule;

/* Divides a budget in one-interval updates; no rollout is longer than `longest` intervals. */
fc__schedule fc__schedule_create(double budget, size_t horizon, size_t longest);
/* The schedule with the given updates of each phase, as a checkpoint keeps them. */
void fc__schedule_restore(fc__schedule *schedule, const uint64_t updates[FC__PHASES]);
/* Multiplies what is left to do after `update` updates. */
void fc__schedule_stretch(fc__schedule *schedule, uint64_t update, double ratio);
/* Phase of an update, and the share of the compute spent before it. */
size_t fc__schedule_phase(const fc__schedule *schedule, uint64_t update);
double fc__schedule_share(const fc__schedule *schedule, uint64_t update);

#endif
