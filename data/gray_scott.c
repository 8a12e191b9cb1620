#include "data/gray_scott.h"

#include "data/periodic_run.h"

#include <math.h>
#include <stdio.h>

fc_gray_scott_config fc_gray_scott_config_default(void)
{
    return (fc_gray_scott_config){.sequences = 128,
                                  .per_trajectory = 1,
                                  .frames = 20,
                                  .interval = 40.0,
                                  .grid = 128,
                                  .output_grid = 32,
                                  .length = 64.0,
                                  .feed = 0.03,
                                  .kill = 0.062,
                                  .diffusion_u = 0.2097,
                                  .diffusion_v = 0.105};
}

static fc_status validate(fc_context *context, const fc_gray_scott_config *c)
{
    fc__faults found = {0};
    fc__faults_of_sequences(&found, c->sequences, c->per_trajectory, c->frames, c->interval);
    fc__fault_if_negative(&found, "burn_in", c->burn_in, "time");
    fc__faults_of_grid(&found, c->grid, c->output_grid);
    fc__fault_unless_positive(&found, "length", c->length, "number");
    fc__fault_if_negative(&found, "feed", c->feed, "number");
    fc__fault_if_negative(&found, "kill", c->kill, "number");
    fc__fault_if_negative(&found, "diffusion_u", c->diffusion_u, "number");
    fc__fault_if_negative(&found, "diffusion_v", c->diffusion_v, "number");
    fc__fault_if_negative(&found, "step", c->step, "time");
    return fc__faults_report(context, "gray-scott", &found);
}

/* ---------------------------------------------------------------- the equation */

enum { U, V, FIELDS };

/* What is linear in the fields is treated exactly: diffusion, feed and kill. */
static double rate(const void *parameters, size_t field, double square)
{
    const fc_gray_scott_config *c = parameters;
    return field == U ? -c->diffusion_u * square - c->feed
                      : -c->diffusion_v * square - c->feed - c->kill;
}

static void product(const void *parameters, size_t points, const double *values, double *result)
{
    const fc_gray_scott_config *c = parameters;
    for (size_t p = 0; p < points; p++) {
        double u = values[p], v = values[points + p], reaction = u * v * v;
        result[p] = c->feed - reaction;
        result[points + p] = reaction;
    }
}

fc__periodic_equation fc__gray_scott_equation(const fc_gray_scott_config *config)
{
    return (fc__periodic_equation){.dims = 2,
                                   .fields = FIELDS,
                                   .length = config->length,
                                   .parameters = config,
                                   .rate = rate,
                                   .product = product};
}

/* ---------------------------------------------------------------- initial fields */

/* Of a side [-half, half] at the distance x of its middle, on a ring: 1 inside, 0 outside, between
 * them the normal distribution function. */
static double side(double x, double length, double half, double width)
{
    x -= length * round(x / length);
    return 0.5 * (erf((x + half) / width) - erf((x - half) / width));
}

void fc__gray_scott_initial(const fc_gray_scott_config *c, size_t trajectory, double *values)
{
    enum { SQUARES = 3, CELLS = 32, SIDE = 3 };
    fc__rng rng = fc__rng_create(c->seed, trajectory);
    double middle[SQUARES][2], cell = c->length / CELLS, half = 0.5 * SIDE * cell;
    size_t points = c->grid * c->grid;
    for (size_t i = 0; i < SQUARES; i++)
        for (size_t axis = 0; axis < 2; axis++)
            middle[i][axis] = c->length * fc__rng_uniform(&rng);
    for (size_t p = 0; p < points; p++) {
        double x = c->length * (double)(p % c->grid) / (double)c->grid;
        double y = c->length * (double)(p / c->grid) / (double)c->grid, outside = 1.0;
        for (size_t i = 0; i < SQUARES; i++)
            outside *= 1.0 - side(x - middle[i][0], c->length, half, cell) *
                                 side(y - middle[i][1], c->length, half, cell);
        values[p] = 0.95 * outside;
        values[points + p] = 1.0 - 0.95 * outside;
    }
}

/* ---------------------------------------------------------------- the simulation */

static fc_status create(fc_context *context, const void *config, void **simulator)
{
    const fc_gray_scott_config *c = config;
    const fc__periodic_equation equation = fc__gray_scott_equation(c);
    return fc__periodic_run_create(context, &equation, c->grid, c->output_grid, simulator);
}

static void start(void *simulator, const void *config, size_t trajectory)
{
    const double longest_step = 1.0;
    const fc_gray_scott_config *c = config;
    fc__periodic_run *run = simulator;
    fc__gray_scott_initial(c, trajectory, fc__periodic_buffer(run->solver));
    fc__periodic_take(run->solver);
    run->largest = c->step > 0.0 ? c->step : longest_step;
}

static void advise(const void *config, char *text, size_t size)
{
    (void)config;
    snprintf(text, size, "a smaller step or a finer grid");
}

static const fc__simulation simulation = {.name = "gray-scott",
                                          .config_size = sizeof(fc_gray_scott_config),
                                          .create = create,
                                          .destroy = fc__periodic_run_destroy,
                                          .start = start,
                                          .advance = fc__periodic_run_advance,
                                          .store = fc__periodic_run_store,
                                          .advise = advise};

/* ---------------------------------------------------------------- the case */

fc_status fc_gray_scott_open(fc_context *context, const fc_gray_scott_config *config,
                             fc_dataset **dataset)
{
    static const char *const names[] = {"u", "v"};
    static const char *const long_names[] = {"concentration of the substrate",
                                             "concentration of the activator"};
    *dataset = NULL;
    fc_status status = validate(context, config);
    if (status != FC_OK)
        return status;
    const fc__box_case box = {.dims = 2,
                              .upper = config->length,
                              .interval = config->interval,
                              .size = config->output_grid ? config->output_grid : config->grid,
                              .sequences = config->sequences,
                              .frames = config->frames,
                              .channels = FIELDS,
                              .names = names,
                              .long_names = long_names};
    const fc__trajectories cut = {.per_trajectory = config->per_trajectory,
                                  .burn_in = config->burn_in,
                                  .interval = config->interval};
    return fc__trajectory_open(context, &simulation, &box, &cut, config, dataset);
}

fc_status fc_gray_scott_generate(fc_context *context, const fc_gray_scott_config *config,
                                 fc_dataset **dataset)
{
    return fc__load_opened(context, fc_gray_scott_open(context, config, dataset), dataset);
}
