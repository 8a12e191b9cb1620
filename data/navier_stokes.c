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
    const double tau = 7.0;
    const fc__random_field field = {
        .length = 1.0, .sigma = pow(tau, 1.5), .tau = tau, .alpha = 2.5};
    fc__random_plane(&field, seed, trajectory, modes, spectrum);
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
    fc_status status = FC_OK;
    fc_dataset *made = NULL;
    *dataset = NULL;
    FC_TRY(validate(context, config));
    size_t size = output_size(config);
    const fc__box_case box = {.dims = 2,
                              .upper = 1.0,
                              .interval = config->interval,
                              .size = size,
                              .sequences = config->sequences,
                              .frames = config->frames,
                              .channels = 1,
                              .names = names,
                              .long_names = names};
    const fc__trajectories shape = {.sequences = config->sequences,
                                    .per_trajectory = config->per_trajectory,
                                    .frames = config->frames,
                                    .interval = config->interval,
                                    .burn_in = config->burn_in,
                                    .values = size * size};
    FC_TRY(fc__box_dataset(context, &box, &made));
    FC_TRY(fc__trajectory_reader(context, &simulation, &shape, config, &made->reader));
    *dataset = made;
    made = NULL;
done:
    fc_dataset_destroy(made);
    return status;
}

fc_status fc_navier_stokes_generate(fc_context *context, const fc_navier_stokes_config *config,
                                    fc_dataset **dataset)
{
    return fc__load_opened(context, fc_navier_stokes_open(context, config, dataset), dataset);
}
