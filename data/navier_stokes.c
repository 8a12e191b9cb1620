#include "data/navier_stokes.h"

#include "inr/support.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
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

enum { LARGEST_GRID = 8192 };

typedef struct fault_list {
    char text[768];
    size_t length, count;
} fault_list;

static void add_fault(fault_list *faults, bool wrong, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add_fault(fault_list *faults, bool wrong, const char *format, ...)
{
    size_t size = sizeof faults->text - faults->length;
    if (!wrong || size < 3)
        return;
    char *end = faults->text + faults->length;
    int separator = snprintf(end, size, "%s", faults->count++ ? "; " : "");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(end + separator, size - (size_t)separator, format, arguments);
    va_end(arguments);
    faults->length += strlen(end);
}

static fc_status validate(fc_context *context, const fc_navier_stokes_config *c)
{
    fault_list found = {0};
    add_fault(&found, c->sequences < 1, "sequences is 0; at least 1 is needed");
    add_fault(&found, c->per_trajectory < 1, "per_trajectory is 0; at least 1 is needed");
    add_fault(&found, c->frames < 1, "frames is 0; at least 1 is needed");
    add_fault(&found, !isfinite(c->interval) || c->interval <= 0.0,
              "interval is %g; a positive time is needed", c->interval);
    add_fault(&found, !isfinite(c->burn_in) || c->burn_in < 0.0,
              "burn_in is %g; 0 or a positive time is accepted", c->burn_in);
    bool grid = c->grid >= 16 && c->grid <= LARGEST_GRID && c->grid % 2 == 0;
    add_fault(&found, !grid, "grid is %zu; an even number from 16 to %d is accepted", c->grid,
              LARGEST_GRID);
    add_fault(&found, grid && c->output_grid && c->grid % c->output_grid != 0,
              "output_grid is %zu; a divisor of grid %zu, or 0, is accepted", c->output_grid,
              c->grid);
    add_fault(&found, !isfinite(c->viscosity) || c->viscosity <= 0.0,
              "viscosity is %g; a positive number is needed", c->viscosity);
    add_fault(&found, !isfinite(c->forcing), "forcing is %g; a finite number is needed",
              c->forcing);
    add_fault(&found, !isfinite(c->step) || c->step < 0.0,
              "step is %g; a positive time, or 0 to have it chosen, is accepted", c->step);
    if (found.count == 0)
        return FC_OK;
    return fc__fail(context, FC_ERROR_USAGE, "navier-stokes: %s", found.text);
}

/* ---------------------------------------------------------------- initial and forcing fields */

static const double ALPHA = 2.5, TAU = 7.0;

/* The real part of a random field with independent coefficients is one with conjugate ones:
 * E|w(k)|^2 = sigma^2 (4 pi^2 |k|^2 + tau^2)^-alpha, sigma = tau^1.5, half of it in each part. */
static void draw(fc__rng *rng, size_t modes, long kx, long ky, fc__complex *spectrum)
{
    double square = 4.0 * M_PI * M_PI * (double)(kx * kx + ky * ky) + TAU * TAU;
    double deviation = pow(TAU, 1.5) * pow(square, -0.5 * ALPHA) * M_SQRT1_2;
    double *w = spectrum[fc__spectrum_index(modes, kx, ky)];
    w[0] = deviation * fc__rng_normal(rng);
    w[1] = deviation * fc__rng_normal(rng);
    if (kx == 0) {
        double *conjugate = spectrum[fc__spectrum_index(modes, 0, -ky)];
        conjugate[0] = w[0];
        conjugate[1] = -w[1];
    }
}

void fc__navier_stokes_initial(uint64_t seed, uint64_t trajectory, size_t modes,
                               fc__complex *spectrum)
{
    fc__rng rng = fc__rng_create(seed, trajectory);
    memset(spectrum, 0, fc__spectrum_count(modes) * sizeof *spectrum);
    for (long shell = 1; shell <= (long)modes; shell++) {
        draw(&rng, modes, 0, shell, spectrum);
        for (long kx = 1; kx < shell; kx++) {
            draw(&rng, modes, kx, -shell, spectrum);
            draw(&rng, modes, kx, shell, spectrum);
        }
        for (long ky = -shell; ky <= shell; ky++)
            draw(&rng, modes, shell, ky, spectrum);
    }
}

/* sin s + cos s = Re((1 - i) exp(i s)), s = 2 pi (x + y), whose coefficient is half of that. */
void fc__navier_stokes_forcing(double amplitude, size_t modes, fc__complex *spectrum)
{
    memset(spectrum, 0, fc__spectrum_count(modes) * sizeof *spectrum);
    double *f = spectrum[fc__spectrum_index(modes, 1, 1)];
    f[0] = 0.5 * amplitude;
    f[1] = -0.5 * amplitude;
}

/* ---------------------------------------------------------------- trajectories */

/* What the threads share. */
typedef struct generation {
    fc_context *context;
    const fc_navier_stokes_config *config;
    fc_dataset *dataset;
    size_t trajectories;
    uint64_t frames_done, frames_total;
    int stopped;       /* a trajectory has failed, the others need not go on */
    fc_status status;  /* of the first failure */
    size_t trajectory; /* where it happened, and when */
    double time;
} generation;

static void write_frame(const generation *job, fc__vorticity *solver, size_t sequence, size_t frame)
{
    size_t grid = job->config->grid, size = job->dataset->points[0].grid[0], every = grid / size;
    const double *field = fc__vorticity_field(solver);
    float *values = job->dataset->sequences[sequence].frames[frame].values;
    for (size_t row = 0; row < size; row++) {
        for (size_t column = 0; column < size; column++)
            values[row * size + column] = (float)field[row * every * grid + column * every];
    }
}

static void count_frame(generation *job)
{
    uint64_t done;
#pragma omp atomic capture
    done = ++job->frames_done;
    if (omp_get_thread_num() == 0)
        fc__report(job->context, "generate", done, job->frames_total, NAN);
}

static bool stopped(const generation *job)
{
    int flag;
#pragma omp atomic read
    flag = job->stopped;
    return flag != 0;
}

/* *time: how far the trajectory came. */
static fc_status run_trajectory(generation *job, fc__vorticity *solver, size_t trajectory,
                                double *time)
{
    const fc_navier_stokes_config *config = job->config;
    size_t first = trajectory * config->per_trajectory, left = config->sequences - first;
    size_t sequences = left < config->per_trajectory ? left : config->per_trajectory;
    fc__navier_stokes_initial(config->seed, trajectory, fc__vorticity_modes(solver),
                              fc__vorticity_spectrum(solver));
    *time = 0.0;
    for (size_t s = 0; s < sequences; s++) {
        for (size_t f = 0; f < config->frames; f++) {
            double elapsed = 0.0, duration = s || f ? config->interval : config->burn_in;
            if (stopped(job))
                return FC_OK;
            fc_status status =
                fc__vorticity_advance(job->context, solver, duration, config->step, &elapsed);
            *time += elapsed;
            if (status != FC_OK)
                return status;
            write_frame(job, solver, first + s, f);
            count_frame(job);
        }
    }
    return FC_OK;
}

/* Runs trajectories over the threads; thread t has solvers[t]. */
static fc_status run_all(generation *job, fc__vorticity **solvers, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
    for (size_t i = 0; i < job->trajectories; i++) {
        double time = 0.0;
        fc_status status = run_trajectory(job, solvers[omp_get_thread_num()], i, &time);
        if (status == FC_OK)
            continue;
#pragma omp critical(fc__navier_stokes_failure)
        if (job->status == FC_OK) {
            job->status = status;
            job->trajectory = i;
            job->time = time;
        }
#pragma omp atomic write
        job->stopped = 1;
    }
    if (job->status == FC_ERROR_SOLVER)
        return fc__fail(job->context, FC_ERROR_SOLVER,
                        "navier-stokes: the vorticity of trajectory %zu ceased to be finite, or "
                        "needed steps without end, at time %g after its start; try a smaller step, "
                        "a finer grid, a larger viscosity than %g or a weaker forcing than %g",
                        job->trajectory, job->time, job->config->viscosity, job->config->forcing);
    if (job->status == FC_INTERRUPTED)
        return fc__fail(
            job->context, FC_INTERRUPTED, "navier-stokes: interrupted after %llu of %llu frames",
            (unsigned long long)job->frames_done, (unsigned long long)job->frames_total);
    fc__report(job->context, "generate", job->frames_done, job->frames_total, NAN);
    return FC_OK;
}

/* ---------------------------------------------------------------- the case */

/* The dataset with its points and times, values yet to come. */
static fc_status make_dataset(fc_context *context, const fc_navier_stokes_config *config,
                              fc_dataset **dataset)
{
    fc_status status = FC_OK;
    fc_domain domain = {.dims = 2};
    fc_dataset *made = NULL;
    fc_sequence *sequence;
    double *coordinates = NULL, *times = NULL;
    size_t size = config->output_grid ? config->output_grid : config->grid;
    size_t shape[2] = {size, size}, index;
    for (size_t i = 0; i < 2; i++) {
        domain.axis[i] = (fc_axis){.kind = FC_AXIS_PERIODIC, .lower = 0.0, .upper = 1.0};
        fc__copy_name(domain.axis[i].name, i ? "y" : "x");
        fc__copy_name(domain.axis[i].units, "1");
    }
    FC_TRY(fc_dataset_create(context, &domain, 1, &made));
    fc__copy_name(made->time.units, "1");
    fc__copy_name(made->channels[0].name, "vorticity");
    fc__copy_name(made->channels[0].units, "1");
    fc__copy_name(made->channels[0].long_name, "vorticity");
    FC_NEW(context, &coordinates, 2 * size * size);
    for (size_t p = 0; p < size * size; p++) {
        coordinates[2 * p] = (double)(p % size) / (double)size;
        coordinates[2 * p + 1] = (double)(p / size) / (double)size;
    }
    FC_TRY(fc_dataset_add_points(context, made, size * size, coordinates, shape, &index));
    FC_NEW(context, &times, config->frames);
    for (size_t f = 0; f < config->frames; f++)
        times[f] = (double)f * config->interval;
    for (size_t s = 0; s < config->sequences; s++)
        FC_TRY(fc_dataset_add_sequence(context, made, config->frames, times, NULL, &sequence));
    *dataset = made;
    made = NULL;
done:
    free(coordinates);
    free(times);
    fc_dataset_destroy(made);
    return status;
}

fc_status fc_navier_stokes_generate(fc_context *context, const fc_navier_stokes_config *config,
                                    fc_dataset **dataset)
{
    fc_status status = FC_OK;
    fc__vorticity **solvers = NULL;
    generation job = {.context = context, .config = config};
    size_t threads = 0;
    *dataset = NULL;
    FC_TRY(validate(context, config));
    job.frames_total = fc__product(config->sequences, config->frames);
    job.trajectories = (config->sequences - 1) / config->per_trajectory + 1;
    threads = (size_t)fc_context_threads(context);
    threads = threads < job.trajectories ? threads : job.trajectories;
    FC_TRY(make_dataset(context, config, &job.dataset));
    FC_NEW(context, &solvers, threads);
    for (size_t t = 0; t < threads; t++) {
        FC_TRY(fc__vorticity_create(context, config->grid, config->viscosity, &solvers[t]));
        fc__navier_stokes_forcing(config->forcing, fc__vorticity_modes(solvers[t]),
                                  fc__vorticity_forcing(solvers[t]));
    }
    FC_TRY(run_all(&job, solvers, (int)threads));
    *dataset = job.dataset;
    job.dataset = NULL;
done:
    for (size_t t = 0; solvers && t < threads; t++)
        fc__vorticity_destroy(solvers[t]);
    free(solvers);
    fc_dataset_destroy(job.dataset);
    return status;
}
