/* The heat equation by its exact solution: a coefficient of the random field decays as
 * w(k, t) = w(k, 0) exp(-4 pi^2 |k|^2 diffusivity t). */
#include "data/exact.h"
#include "data/random_field.h"

#include <math.h>

fc_heat_config fc_heat_config_default(void)
{
    return (fc_heat_config){.sequences = 512,
                            .per_trajectory = 1,
                            .frames = 20,
                            .interval = 1.0,
                            .grid = 64,
                            .diffusivity = 1e-3};
}

static fc_status validate(fc_context *context, const fc_heat_config *c)
{
    fc__faults found = {0};
    fc__faults_of_sequences(&found, c->sequences, c->per_trajectory, c->frames, c->interval);
    fc__faults_of_grid(&found, c->grid, 0);
    fc__fault_unless_positive(&found, "diffusivity", c->diffusivity, "number");
    return fc__faults_report(context, "heat", &found);
}

/* Wave numbers that the grid tells apart. */
static size_t modes_of(const fc_heat_config *config)
{
    return config->grid / 2 - 1;
}

static void fill(const void *user, size_t trajectory, double time, size_t channel,
                 fc__complex *spectrum, void *scratch)
{
    (void)channel;
    const fc_heat_config *config = user;
    fc__complex *field = scratch;
    size_t modes = modes_of(config);
    long most = (long)modes, columns = (long)config->grid / 2 + 1;
    double rate = 4.0 * M_PI * M_PI * config->diffusivity;
    fc__random_plane(&fc__random_vorticity, config->seed, trajectory, modes, field);
    for (long ky = -most; ky <= most; ky++) {
        fc__complex *row = spectrum + (ky < 0 ? ky + (long)config->grid : ky) * columns;
        for (long kx = 0; kx <= most; kx++) {
            const double *start = field[fc__spectrum_index(modes, kx, ky)];
            double decay = exp(-rate * (double)(kx * kx + ky * ky) * time);
            row[kx][0] = decay * start[0];
            row[kx][1] = decay * start[1];
        }
    }
}

fc_status fc_heat_open(fc_context *context, const fc_heat_config *config, fc_dataset **dataset)
{
    static const char *const names[] = {"temperature"};
    *dataset = NULL;
    fc_status status = validate(context, config);
    if (status != FC_OK)
        return status;
    const fc__exact_case c = {.name = "heat",
                              .box = {.dims = 2,
                                      .upper = 1.0,
                                      .interval = config->interval,
                                      .size = config->grid,
                                      .sequences = config->sequences,
                                      .frames = config->frames,
                                      .channels = 1,
                                      .names = names,
                                      .long_names = names},
                              .per_trajectory = config->per_trajectory,
                              .config_size = sizeof *config,
                              .scratch = fc__spectrum_count(modes_of(config)) * sizeof(fc__complex),
                              .fill = fill};
    return fc__exact_open(context, &c, config, dataset);
}

fc_status fc_heat_generate(fc_context *context, const fc_heat_config *config, fc_dataset **dataset)
{
    return fc__load_opened(context, fc_heat_open(context, config, dataset), dataset);
}
