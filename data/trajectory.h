/* trajectory.h: cases whose frames are those of simulations: trajectories that are cut into
 * sequences and run over the threads, each by a simulator of its own. Private to this room. */
#ifndef FC_DATA_TRAJECTORY_H
#define FC_DATA_TRAJECTORY_H

#include "data/generator.h"

/* What a case does. config: that of the case, of which the reader keeps a copy. A simulator belongs
 * to one thread, and what it makes of a trajectory depends on the configuration alone. */
typedef struct fc__simulation {
    const char *name; /* of the case */
    size_t config_size;
    fc_status (*create)(fc_context *context, const void *config, void **simulator);
    void (*destroy)(void *simulator); /* may be called with NULL */
    void (*start)(void *simulator, const void *config, size_t trajectory);
    /* FC_ERROR_SOLVER or FC_INTERRUPTED without a message, as threads share the context; *elapsed:
     * how far it came. */
    fc_status (*advance)(const fc_context *context, void *simulator, const void *config,
                         double duration, double *elapsed);
    void (*store)(void *simulator, const void *config, float *values); /* of the present frame */
    /* What to try where the solution ceased to be finite: "a smaller step". */
    void (*advise)(const void *config, char *text, size_t size);
} fc__simulation;

/* How trajectories are cut. */
typedef struct fc__trajectories {
    size_t per_trajectory; /* sequences */
    double burn_in;        /* time before the first frame */
    double interval;       /* between frames, and between sequences as well */
} fc__trajectories;

/* Has the frames of a dataset, all of whose sequences have the times and points of the first, made
 * when they are wanted. */
fc_status fc__trajectory_attach(fc_context *context, const fc__simulation *simulation,
                                const fc__trajectories *cut, const void *config,
                                fc_dataset *dataset);
/* The same for a new dataset on a box. */
fc_status fc__trajectory_open(fc_context *context, const fc__simulation *simulation,
                              const fc__box_case *box, const fc__trajectories *cut,
                              const void *config, fc_dataset **dataset);

#endif
