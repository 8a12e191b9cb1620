#include "data/periodic_run.h"
#include "data/random_field.h"

#include <math.h>
#include <stdio.h>

fc_kuramoto_sivashinsky_config fc_kuramoto_sivashinsky_config_default(void)
{
    return (fc_kuramoto_sivashinsky_config){.sequences = 512,
                                            .per_trajectory = 8,
                                            .frames = 20,
                                            .interval = 1.0,
                                            .burn_in = 200.0,
                                            .grid = 128,
                                            .length = 64.0};
}

/* Beyond wave numbers of 2 radians damping outweighs growth twelvefold, and solutions fall off
 * exponentially. */
static fc_status validate(fc_context *context, const fc_kuramoto_sivashinsky_config *c)
{
    fc__faults found = {0};
    fc__faults_of_sequences(&found, c->sequences, c->per_trajectory, c->frames, c->interval);
    fc__fault_if_negative(&found, "burn_in", c->burn_in, "time");
    fc__faults_of_grid(&found, c->grid, c->output_grid);
    double longest = M_PI * (double)(c->grid / 3);
    fc__fault_add(&found, !isfinite(c->length) || c->length <= 0.0 || c->length > longest,
                  "length is %g; a positive one up to %g, which grid %zu resolves, is needed",
                  c->length, longest, c->grid);
    fc__fault_if_negative(&found, "step", c->step, "time");
    return fc__faults_report(context, "kuramoto-sivashinsky", &found);
}

/* ---------------------------------------------------------------- the simulation */

/* Of -u_xx - u_xxxx. */
static double rate(const void *parameters, size_t field, double square)
{
    (void)parameters;
    (void)field;
    return square - square * square;
}

static fc_status create(fc_context *context, const void *config, void **simulator)
{
    const fc_kuramoto_sivashinsky_config *c = config;
    const fc__periodic_equation equation = {.dims = 1,
                                            .fields = 1,
                                            .length = c->length,
                                            .parameters = config,
                                            .rate = rate,
                                            .product = fc__half_square,
                                            .flux = true};
    return fc__periodic_run_create(context, &equation, c->grid, c->output_grid, simulator);
}

/* Small waves of all growing lengths. */
static void start(void *simulator, const void *config, size_t trajectory)
{
    const double longest_step = 0.05;
    const fc_kuramoto_sivashinsky_config *c = config;
    const fc__random_field field = {.length = c->length, .sigma = 0.2, .tau = 1.0, .alpha = 4.0};
    fc__periodic_run *run = simulator;
    fc__periodic_clear(run->solver);
    fc__random_line(&field, c->seed, trajectory, fc__periodic_modes(run->solver),
                    fc__periodic_line(run->solver));
    run->largest = c->step > 0.0 ? c->step : longest_step;
}

static void advise(const void *config, char *text, size_t size)
{
    (void)config;
    snprintf(text, size, "a smaller step or a finer grid");
}

static const fc__simulation simulation = {.name = "kuramoto-sivashinsky",
                                          .config_size = sizeof(fc_kuramoto_sivashinsky_config),
                                          .create = create,
                                          .destroy = fc__periodic_run_destroy,
                                          .start = start,
                                          .advance = fc__periodic_run_advance,
                                          .store = fc__periodic_run_store,
                                          .advise = advise};

/* ---------------------------------------------------------------- the case */

fc_status fc_kuramoto_sivashinsky_open(fc_context *context,
                                       const fc_kuramoto_sivashinsky_config *config,
                                       fc_dataset **dataset)
{
    static const char *const names[] = {"u"}, *const long_names[] = {"velocity"};
    *dataset = NULL;
    fc_status status = validate(context, config);
    if (status != FC_OK)
        return status;
    const fc__box_case box = {.dims = 1,
                              .upper = config->length,
                              .interval = config->interval,
                              .size = config->output_grid ? config->output_grid : config->grid,
                              .sequences = config->sequences,
                              .frames = config->frames,
                              .channels = 1,
                              .names = names,
                              .long_names = long_names};
    const fc__trajectories cut = {.per_trajectory = config->per_trajectory,
                                  .burn_in = config->burn_in,
                                  .interval = config->interval};
    return fc__trajectory_open(context, &simulation, &box, &cut, config, dataset);
}

fc_status fc_kuramoto_sivashinsky_generate(fc_context *context,
                                           const fc_kuramoto_sivashinsky_config *config,
                                           fc_dataset **dataset)
{
    return fc__load_opened(context, fc_kuramoto_sivashinsky_open(context, config, dataset),
                           dataset);
}
