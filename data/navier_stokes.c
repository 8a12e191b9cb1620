#include "data/navier_stokes.h"

#include "data/generator.h"

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

static fc_status validate(fc_context *context, const fc_navier_stokes_config *c)
{
    fc__faults found = {0};
    fc__fault_add(&found, c->sequences < 1, "sequences is 0; at least 1 is needed");
    fc__fault_add(&found, c->per_trajectory < 1, "per_trajectory is 0; at least 1 is needed");
    fc__fault_add(&found, c->frames < 1, "frames is 0; at least 1 is needed");
    fc__fault_add(&found, !isfinite(c->interval) || c->interval <= 0.0,
                  "interval is %g; a positive time is needed", c->interval);
    fc__fault_add(&found, !isfinite(c->burn_in) || c->burn_in < 0.0,
                  "burn_in is %g; 0 or a positive time is accepted", c->burn_in);
    bool grid = c->grid >= 16 && c->grid <= LARGEST_GRID && c->grid % 2 == 0;
    fc__fault_add(&found, !grid, "grid is %zu; an even number from 16 to %d is accepted", c->grid,
                  LARGEST_GRID);
    fc__fault_add(&found, grid && c->output_grid && c->grid % c->output_grid != 0,
                  "output_grid is %zu; a divisor of grid %zu, or 0, is accepted", c->output_grid,
                  c->grid);
    fc__fault_add(&found, !isfinite(c->viscosity) || c->viscosity <= 0.0,
                  "viscosity is %g; a positive number is needed", c->viscosity);
    fc__fault_add(&found, !isfinite(c->forcing), "forcing is %g; a finite number is needed",
                  c->forcing);
    fc__fault_add(&found, !isfinite(c->step) || c->step < 0.0,
                  "step is %g; a positive time, or 0 to have it chosen, is accepted", c->step);
    return fc__faults_report(context, "navier-stokes", &found);
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

/* Trajectories of which some neighbours are held at a time: those of the last sequence asked for
 * and what follows them, as sequences are mostly asked for in turn. */
typedef struct generation {
    fc_context *context; /* of the present call */
    fc_navier_stokes_config config;
    size_t size; /* points an axis written */
    size_t trajectories;
    size_t threads;
    fc__vorticity **solvers; /* (threads) */
    size_t most;             /* trajectories held */
    size_t first, held;      /* those that are */
    float *values;           /* (most, per_trajectory, frames, size, size) */
    uint64_t frames_done, frames_total;
    int stopped;       /* a trajectory has failed, the others need not go on */
    fc_status status;  /* of the first failure */
    size_t trajectory; /* where it happened, and when */
    double time;
} generation;

static float *frame_of(const generation *job, size_t sequence, size_t frame)
{
    size_t place =
        (sequence - job->first * job->config.per_trajectory) * job->config.frames + frame;
    return job->values + place * job->size * job->size;
}

static void write_frame(const generation *job, fc__vorticity *solver, size_t sequence, size_t frame)
{
    size_t grid = job->config.grid, size = job->size, every = grid / size;
    const double *field = fc__vorticity_field(solver);
    float *values = frame_of(job, sequence, frame);
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
    const fc_navier_stokes_config *config = &job->config;
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

/* Runs as many trajectories as are held from the given one on over the threads. */
static fc_status run_from(generation *job, size_t trajectory)
{
    size_t left = job->trajectories - trajectory;
    job->first = trajectory;
    job->held = 0;
    size_t end = trajectory + (left < job->most ? left : job->most);
#pragma omp parallel for num_threads((int)job->threads) schedule(dynamic, 1)
    for (size_t i = trajectory; i < end; i++) {
        double time = 0.0;
        fc_status status = run_trajectory(job, job->solvers[omp_get_thread_num()], i, &time);
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
                        job->trajectory, job->time, job->config.viscosity, job->config.forcing);
    if (job->status == FC_INTERRUPTED)
        return fc__fail(
            job->context, FC_INTERRUPTED, "navier-stokes: interrupted after %llu of %llu frames",
            (unsigned long long)job->frames_done, (unsigned long long)job->frames_total);
    fc__report(job->context, "generate", job->frames_done, job->frames_total, NAN);
    job->held = end - trajectory;
    return FC_OK;
}

static fc_status read_frames(void *user, fc_context *context, size_t sequence, size_t first,
                             size_t count, float *const *values)
{
    generation *job = user;
    size_t trajectory = sequence / job->config.per_trajectory;
    if (trajectory < job->first || trajectory >= job->first + job->held) {
        job->context = context;
        fc_status status = run_from(job, trajectory);
        job->context = NULL;
        job->status = FC_OK;
        job->stopped = 0;
        if (status != FC_OK)
            return status;
    }
    for (size_t f = 0; f < count; f++)
        memcpy(values[f], frame_of(job, sequence, first + f),
               job->size * job->size * sizeof **values);
    return FC_OK;
}

static void release(void *user)
{
    generation *job = user;
    for (size_t t = 0; job->solvers && t < job->threads; t++)
        fc__vorticity_destroy(job->solvers[t]);
    free(job->solvers);
    free(job->values);
    free(job);
}

/* ---------------------------------------------------------------- the case */

/* Some hundred megabytes of trajectories, and at least one for each thread. */
static fc_status make_job(fc_context *context, const fc_navier_stokes_config *config,
                          generation *job)
{
    enum { HELD_BYTES = 1 << 28 };
    fc_status status = FC_OK;
    job->config = *config;
    job->size = config->output_grid ? config->output_grid : config->grid;
    job->frames_total = fc__product(config->sequences, config->frames);
    job->trajectories = (config->sequences - 1) / config->per_trajectory + 1;
    job->threads = (size_t)fc_context_threads(context);
    if (job->threads > job->trajectories)
        job->threads = job->trajectories;
    size_t values =
        fc__product(job->size * job->size, fc__product(config->frames, config->per_trajectory));
    job->most = HELD_BYTES / sizeof(float) / values;
    job->most = job->most < job->threads ? job->threads : job->most;
    job->most = job->most < job->trajectories ? job->most : job->trajectories;
    FC_TRY(fc__reserve(context, fc__product(job->most, values), sizeof(float), &job->values));
    FC_NEW(context, &job->solvers, job->threads);
    for (size_t t = 0; t < job->threads; t++) {
        FC_TRY(fc__vorticity_create(context, config->grid, config->viscosity, &job->solvers[t]));
        fc__navier_stokes_forcing(config->forcing, fc__vorticity_modes(job->solvers[t]),
                                  fc__vorticity_forcing(job->solvers[t]));
    }
done:
    return status;
}

fc_status fc_navier_stokes_open(fc_context *context, const fc_navier_stokes_config *config,
                                fc_dataset **dataset)
{
    static const char *const names[] = {"vorticity"};
    fc_status status = FC_OK;
    generation *job = NULL;
    fc_dataset *made = NULL;
    *dataset = NULL;
    FC_TRY(validate(context, config));
    FC_NEW(context, &job, 1);
    FC_TRY(make_job(context, config, job));
    const fc__square_case square = {.upper = 1.0,
                                    .interval = config->interval,
                                    .size = job->size,
                                    .sequences = config->sequences,
                                    .frames = config->frames,
                                    .channels = 1,
                                    .names = names,
                                    .long_names = names};
    FC_TRY(fc__square_dataset(context, &square, &made));
    made->reader =
        (fc_frame_reader){.user = job, .read = read_frames, .destroy = release, .unit = 1};
    job = NULL;
    *dataset = made;
done:
    if (job)
        release(job);
    return status;
}

fc_status fc_navier_stokes_generate(fc_context *context, const fc_navier_stokes_config *config,
                                    fc_dataset **dataset)
{
    fc_status status = fc_navier_stokes_open(context, config, dataset);
    if (status == FC_OK)
        status = fc_dataset_load_all(context, *dataset);
    if (status != FC_OK) {
        fc_dataset_destroy(*dataset);
        *dataset = NULL;
    }
    return status;
}
