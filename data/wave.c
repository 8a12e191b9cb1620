/* The wave equation by its exact solution. The bump and its periodic images have the Fourier
 * coefficients (Poisson summation)
 *
 *   b(k) = A (2 pi r^2 / L^2) exp(-r^2 |kappa|^2 / 2) exp(-i kappa . centre),   kappa = 2 pi k / L
 *
 * each of which swings at its own frequency: u(k, t) = b(k) cos(c |kappa| t), so that any frame can
 * be had without those before it, and is right to rounding on any grid that resolves the bump. */
#include "data/wave.h"

#include "data/exact.h"

#include <math.h>

fc_wave_config fc_wave_config_default(void)
{
    return (fc_wave_config){.sequences = 512,
                            .per_trajectory = 8,
                            .frames = 20,
                            .interval = 0.25,
                            .grid = 64,
                            .speed = 0.25};
}

/* ---------------------------------------------------------------- settings */

static fc_status validate(fc_context *context, const fc_wave_config *c)
{
    fc__faults found = {0};
    fc__faults_of_sequences(&found, c->sequences, c->per_trajectory, c->frames, c->interval);
    fc__faults_of_grid(&found, c->grid, 0);
    fc__fault_unless_positive(&found, "speed", c->speed, "number");
    return fc__faults_report(context, "wave", &found);
}

fc__wave_bump fc__wave_draw(uint64_t seed, uint64_t trajectory)
{
    enum { CELLS = 64 }; /* the centre is one of their corners, whatever the grid */
    fc__rng rng = fc__rng_create(seed, trajectory);
    fc__wave_bump bump = {.width = 0.25 + 0.05 * fc__rng_uniform(&rng)};
    bump.height = 2.0 + 2.0 * fc__rng_uniform(&rng);
    for (size_t i = 0; i < 2; i++)
        bump.centre[i] = FC__WAVE_LENGTH / CELLS * (double)fc__rng_below(&rng, CELLS);
    return bump;
}

/* ---------------------------------------------------------------- fields */

/* Channel 0 is u, 1 its rate of change. Beyond |kappa| r = 12 coefficients are below exp(-72) of
 * the first. */
static void fill(const void *user, size_t trajectory, double time, size_t channel,
                 fc__complex *spectrum, void *scratch)
{
    (void)scratch;
    const fc_wave_config *config = user;
    fc__wave_bump bump = fc__wave_draw(config->seed, trajectory);
    long half = (long)config->grid / 2, columns = half + 1;
    long most = (long)(12.0 * FC__WAVE_LENGTH / (2.0 * M_PI * bump.width));
    double r = bump.width, unit = 2.0 * M_PI / FC__WAVE_LENGTH;
    double scale = bump.height * 2.0 * M_PI * r * r / (FC__WAVE_LENGTH * FC__WAVE_LENGTH);
    most = most < half - 1 ? most : half - 1;
    for (long ky = -most; ky <= most; ky++) {
        fc__complex *row = spectrum + (ky < 0 ? ky + (long)config->grid : ky) * columns;
        for (long kx = 0; kx <= most; kx++) {
            double kappa = unit * sqrt((double)(kx * kx + ky * ky));
            double omega = config->speed * kappa;
            double swing = channel == 1 ? -omega * sin(omega * time) : cos(omega * time);
            double size = scale * exp(-0.5 * r * r * kappa * kappa) * swing;
            double phase = unit * ((double)kx * bump.centre[0] + (double)ky * bump.centre[1]);
            row[kx][0] = size * cos(phase);
            row[kx][1] = -size * sin(phase);
        }
    }
}

/* ---------------------------------------------------------------- the case */

fc_status fc_wave_open(fc_context *context, const fc_wave_config *config, fc_dataset **dataset)
{
    static const char *const names[] = {"w", "w_t"};
    static const char *const long_names[] = {"displacement", "rate of change of the displacement"};
    *dataset = NULL;
    fc_status status = validate(context, config);
    const fc__exact_case c = {.name = "wave",
                              .box = {.dims = 2,
                                      .lower = -1.0,
                                      .upper = -1.0 + FC__WAVE_LENGTH,
                                      .interval = config->interval,
                                      .size = config->grid,
                                      .sequences = config->sequences,
                                      .frames = config->frames,
                                      .channels = 2,
                                      .names = names,
                                      .long_names = long_names},
                              .per_trajectory = config->per_trajectory,
                              .config_size = sizeof *config,
                              .fill = fill};
    return status == FC_OK ? fc__exact_open(context, &c, config, dataset) : status;
}

fc_status fc_wave_generate(fc_context *context, const fc_wave_config *config, fc_dataset **dataset)
{
    return fc__load_opened(context, fc_wave_open(context, config, dataset), dataset);
}
