#include "data/periodic_run.h"
#include "data/random_field.h"

#include <math.h>
#include <stdio.h>

fc_burgers_config fc_burgers_config_default(void)
{
    return (fc_burgers_config){.sequences = 512,
                               .per_trajectory = 1,
                               .frames = 20,
                               .interval = 0.05,
                               .grid = 256,
                               .viscosity = 0.01};
}

static fc_status validate(fc_context *context, const fc_burgers_config *c)
{
    fc__faults found = {0};
    fc__faults_of_sequences(&found, c->sequences, c->per_trajectory, c->frames, c->interval);
    fc__faults_of_grid(&found, c->grid, c->output_grid);
    fc__fault_unless_positive(&found, "viscosity", c->viscosity, "number");
    fc__fault_if_negative(&found, "step", c->step, "time");
    return fc__faults_report(context, "burgers", &found);
}

/* ---------------------------------------------------------------- the simulation */

static double rate(const void *parameters, size_t field, double square)
{
    (void)field;
    const fc_burgers_config *config = parameters;
    return -config->viscosity * square;
}

static fc_status create(fc_context *context, const void *config, void **simulator)
{
    const fc_burgers_config *c = config;
    const fc__periodic_equation equation = {.dims = 1,
                                            .fields = 1,
                                            .length = 1.0,
                                            .parameters = config,
                                            .rate = rate,
                                            .product = fc__half_square,
                                            .flux = true};
    return fc__periodic_run_create(context, &equation, c->grid, c->output_grid, simulator);
}

/* |u| never exceeds its first maximum U, so that a step by which the shortest wave moves half a
 * radian there, h = 1 / (2 kappa U), does for the whole trajectory. */
static void start(void *simulator, const void *config, size_t trajectory)
{
    const double radians = 0.5;
    const fc__random_field field = {.length = 1.0, .sigma = 25.0, .tau = 5.0, .alpha = 2.0};
    const fc_burgers_config *c = config;
    fc__periodic_run *run = simulator;
    size_t modes = fc__periodic_modes(run->solver);
    fc__periodic_clear(run->solver);
    fc__random_line(&field, c->seed, trajectory, modes, fc__periodic_line(run->solver));
    const double *values = fc__periodic_values(run->solver);
    double fastest = 0.0;
    for (size_t p = 0; p < c->grid; p++)
        fastest = fmax(fastest, fabs(values[p]));
    run->largest = radians / (2.0 * M_PI * (double)modes * fastest);
    if (c->step > 0.0 && c->step < run->largest)
        run->largest = c->step;
}

static void advise(const void *config, char *text, size_t size)
{
    const fc_burgers_config *c = config;
    snprintf(text, size, "a smaller step, a finer grid or a larger viscosity than %g",
             c->viscosity);
}

static const fc__simulation simulation = {.name = "burgers",
                                          .config_size = sizeof(fc_burgers_config),
                                          .create = create,
                                          .destroy = fc__periodic_run_destroy,
                                          .start = start,
                                          .advance = fc__periodic_run_advance,
                                          .store = fc__periodic_run_store,
                                          .advise = advise};

/* ---------------------------------------------------------------- the case */

fc_status fc_burgers_open(fc_context *context, const fc_burgers_config *config,
                          fc_dataset **dataset)
{
    static const char *const names[] = {"u"}, *const long_names[] = {"velocity"};
    *dataset = NULL;
    fc_status status = validate(context, config);
    if (status != FC_OK)
        return status;
    const fc__box_case box = {.dims = 1,
                              .upper = 1.0,
                              .interval = config->interval,
                              .size = config->output_grid ? config->output_grid : config->grid,
                              .sequences = config->sequences,
                              .frames = config->frames,
                              .channels = 1,
                              .names = names,
                              .long_names = long_names};
    const fc__trajectories cut = {.per_trajectory = config->per_trajectory,
                                  .interval = config->interval};
    return fc__trajectory_open(context, &simulation, &box, &cut, config, dataset);
}

fc_status fc_burgers_generate(fc_context *context, const fc_burgers_config *config,
                              fc_dataset **dataset)
{
    return fc__load_opened(context, fc_burgers_open(context, config, dataset), dataset);
}
