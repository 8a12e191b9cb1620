#include "data/periodic_run.h"

#include <stdlib.h>

fc_status fc__periodic_run_create(fc_context *context, const fc__periodic_equation *equation,
                                  size_t grid, size_t output_grid, void **simulator)
{
    fc_status status = FC_OK;
    fc__periodic_run *run = NULL;
    *simulator = NULL;
    FC_NEW(context, &run, 1);
    run->size = output_grid ? output_grid : grid;
    FC_TRY(fc__periodic_create(context, equation, grid, &run->solver));
    *simulator = run;
    run = NULL;
done:
    fc__periodic_run_destroy(run);
    return status;
}

void fc__periodic_run_destroy(void *simulator)
{
    fc__periodic_run *run = simulator;
    if (run)
        fc__periodic_destroy(run->solver);
    free(run);
}

fc_status fc__periodic_run_advance(const fc_context *context, void *simulator, const void *config,
                                   double duration, double *elapsed)
{
    (void)config;
    fc__periodic_run *run = simulator;
    return fc__periodic_advance(context, run->solver, duration, run->largest, elapsed);
}

void fc__periodic_run_store(void *simulator, const void *config, float *values)
{
    (void)config;
    fc__periodic_run *run = simulator;
    fc__periodic_store(run->solver, run->size, values);
}

void fc__half_square(const void *parameters, size_t points, const double *values, double *result)
{
    (void)parameters;
    for (size_t p = 0; p < points; p++)
        result[p] = -0.5 * values[p] * values[p];
}
