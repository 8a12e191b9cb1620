/* periodic_run.h: the simulator of the cases that are solved by periodic.h: functions of their
 * fc__simulation (trajectory.h). Private to this room. */
#ifndef FC_DATA_PERIODIC_RUN_H
#define FC_DATA_PERIODIC_RUN_H

#include "data/periodic.h"
#include "data/trajectory.h"

typedef struct fc__periodic_run {
    fc__periodic *solver;
    double largest; /* step, which `start` sets */
    size_t size;    /* points an axis written */
} fc__periodic_run;

/* output_grid: points an axis written, 0 = grid. The equation's parameters are to live as long. */
fc_status fc__periodic_run_create(fc_context *context, const fc__periodic_equation *equation,
                                  size_t grid, size_t output_grid, void **simulator);
void fc__periodic_run_destroy(void *simulator);
fc_status fc__periodic_run_advance(const fc_context *context, void *simulator, const void *config,
                                   double duration, double *elapsed);
void fc__periodic_run_store(void *simulator, const void *config, float *values);

/* -u^2 / 2, the flux of Burgers' equation, at the points of one field; parameters are not used. */
void fc__half_square(const void *parameters, size_t points, const double *values, double *result);

#endif
