#include "data/navier_stokes.h"

#include "data/random_field.h"
#include "data/trajectory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

fc_navier_stokes_config fc_navier_stokes_config_default(void)
{
    return (fc_navier_stokes_config){.sequences = 512,
                                     .per_trajectory = 2,
                                     .frames = 20,
                                     .interval = 1.0,
                                     .burn_in = 28.5,
                                     .grid = 64,
                                     .viscosity = 1e-3,
                                     .forcing = 0.1};
}

fc_navier_stokes_config fc_navier_stokes_config_fno(double viscosity)
{
    fc_navier_stokes_config config = fc_navier_stokes_config_default();
    config.per_trajectory = 1;
    config.frames = viscosity < 1e-4 ? 20 : 30;
    config.burn_in = 1.0;
    config.grid = 192;
    config.output_grid = 64;
    config.viscosity = viscosity;
    return config;
}

/* ---------------------------------------------------------------- settings */

static fc_status validate(fc_context *context, const fc_navier_stokes_config *c)
{
    fc__faults found = {0};
    fc__faults_of_sequences(&found, c->sequences, c->per_trajectory, c->frames, c->interval);
    fc__fault_if_negative(&found, "burn_in", c->burn_in, "time");
    fc__faults_of_grid(&found, c->grid, c->output_grid);
    fc__fault_unless_positive(&found, "viscosity", c->viscosity, "number");
    fc__fault_add(&found, !isfinite(c->forcing), "forcing is %g; a finite number is needed",
                  c->forcing);
    fc__fault_if_negative(&found, "step", c->step, "time");
    return fc__faults_report(context, "navier-stokes", &found);
}

/* ---------------------------------------------------------------- initial and forcing fields */

void fc__navier_stokes_initial(uint64_t seed, uint64_t trajectory, size_t modes,
                               fc__complex *spectrum)
{
    fc__random_plane(&fc__random_vorticity, seed, trajectory, modes, spectrum);
}

/* sin s + cos s = Re((1 - i) exp(i s)), s = 2 pi (x + y), whose coefficient is half of that. */
void fc__navier_stokes_forcing(double amplitude, size_t modes, fc__complex *spectrum)
{
    memset(spectrum, 0, fc__spectrum_count(modes) * sizeof *spectrum);
    double *f = spectrum[fc__spectrum_index(modes, 1, 1)];
    f[0] = 0.5 * amplitude;
    f[1] = -0.5 * amplitude;
}

/* ---------------------------------------------------------------- the simulation */

static fc_status create(fc_context *context, const void *config, void **simulator)
{
    const fc_navier_stokes_config *c = config;
    fc__vorticity *solver;
    fc_status status = fc__vorticity_create(context, c->grid, c->viscosity, &solver);
    *simulator = solver;
    if (status == FC_OK)
        fc__navier_stokes_forcing(c->forcing, fc__vorticity_modes(solver),
                                  fc__vorticity_forcing(solver));
    return status;
}

static void destroy(void *simulator)
{
    fc__vorticity_destroy(simulator);
}

static void start(void *simulator, const void *config, size_t trajectory)
{
    const fc_navier_stokes_config *c = config;
    fc__navier_stokes_initial(c->seed, trajectory, fc__vorticity_modes(simulator),
                              fc__vorticity_spectrum(simulator));
}

static fc_status advance(const fc_context *context, void *simulator, const void *config,
                         double duration, double *elapsed)
{
    const fc_navier_stokes_config *c = config;
    return fc__vorticity_advance(context, simulator, duration, c->step, elapsed);
}

static size_t output_size(const fc_navier_stokes_config *c)
{
    return c->output_grid ? c->output_grid : c->grid;
}

static void store(void *simulator, const void *config, float *values)
{
    const fc_navier_stokes_config *c = config;
    size_t size = output_size(c), every = c->grid / size;
    const double *field = fc__vorticity_field(simulator);
    for (size_t row = 0; row < size; row++) {
        for (size_t column = 0; column < size; column++)
            values[row * size + column] = (float)field[row * every * c->grid + column * every];
    }
}

static void advise(const void *config, char *text, size_t size)
{
    const fc_navier_stokes_config *c = config;
    snprintf(text, size,
             "a smaller step, a finer grid, a larger viscosity than %g or a weaker forcing than %g",
             c->viscosity, c->forcing);
}

static const fc__simulation simulation = {.name = "navier-stokes",
                                          .config_size = sizeof(fc_navier_stokes_config),
                                          .create = create,
                                          .destroy = destroy,
                                          .start = start,
                                          .advance = advance,
                                          .store = store,
                                          .advise = advise};

/* ---------------------------------------------------------------- the case */

fc_status fc_navier_stokes_open(fc_context *context, const fc_navier_stokes_config *config,
                                fc_dataset **dataset)
{
    static const char *const names[] = {"vorticity"};
    *dataset = NULL;
    fc_status status = validate(context, config);
    if (status != FC_OK)
        return status;
    const fc__box_case box = {.dims = 2,
                              .upper = 1.0,
                              .interval = config->interval,
                              .size = output_size(config),
                              .sequences = config->sequences,
                              .frames = config->frames,
                              .channels = 1,
                              .names = names,
                              .long_names = names};
    const fc__trajectories cut = {.per_trajectory = config->per_trajectory,
                                  .burn_in = config->burn_in,
                                  .interval = config->interval};
    return fc__trajectory_open(context, &simulation, &box, &cut, config, dataset);
}

fc_status fc_navier_stokes_generate(fc_context *context, const fc_navier_stokes_config *config,
                                    fc_dataset **dataset)
{
    return fc__load_opened(context, fc_navier_stokes_open(context, config, dataset), dataset);
}
