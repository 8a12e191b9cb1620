/* trajectories.h: sequences cut from simulated trajectories, run over the threads when they are
 * asked for. Private to this room. */
#ifndef FC_DATA_TRAJECTORIES_H
#define FC_DATA_TRAJECTORIES_H

#include "data/generator.h"

/* A flow that is simulated. Threads call the functions at the same time, each with its own
 * `solver`; failures are told by the status alone. */
typedef struct fc__flow {
    const char *name;   /* of the case */
    const char *remedy; /* ends the message of a failed solver: "ceased to be ...; try ..." */
    size_t sequences, per_trajectory, frames; /* each >= 1 */
    double interval, burn_in;                 /* times between frames and before the first one */
    size_t values;                            /* numbers of a frame */
    void *user;
    fc_status (*create)(void *user, fc_context *context, void **solver);
    void (*destroy)(void *user, void *solver);
    void (*start)(void *user, void *solver, size_t trajectory);
    fc_status (*advance)(void *user, const fc_context *context, void *solver, double duration,
                         double *elapsed);
    void (*write)(void *user, void *solver, float *values); /* (values) */
    void (*release)(void *user);
} fc__flow;

/* A reader of the flow's frames, which owns flow->user from then on; on failure it does not. */
fc_status fc__trajectories_reader(fc_context *context, const fc__flow *flow,
                                  fc_frame_reader *reader);

#endif
