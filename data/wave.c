/* The wave equation by its exact solution. The bump and its periodic images have the Fourier
 * coefficients (Poisson summation)
 *
 *   b(k) = A (2 pi r^2 / L^2) exp(-r^2 |kappa|^2 / 2) exp(-i kappa . centre),   kappa = 2 pi k / L
 *
 * each of which swings at its own frequency: u(k, t) = b(k) cos(c |kappa| t), so that any frame can
 * be had without those before it, and is right to rounding on any grid that resolves the bump. */
#include "data/wave.h"

#include <fftw3.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

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
    enum { SMALLEST_GRID = 16, LARGEST_GRID = 8192 };
    fc__faults found = {0};
    fc__fault_add(&found, c->sequences < 1, "sequences is 0; at least 1 is needed");
    fc__fault_add(&found, c->per_trajectory < 1, "per_trajectory is 0; at least 1 is needed");
    fc__fault_add(&found, c->frames < 1, "frames is 0; at least 1 is needed");
    fc__fault_add(&found, !isfinite(c->interval) || c->interval <= 0.0,
                  "interval is %g; a positive time is needed", c->interval);
    fc__fault_add(&found, c->grid < SMALLEST_GRID || c->grid > LARGEST_GRID || c->grid % 2 != 0,
                  "grid is %zu; an even number from %d to %d is accepted", c->grid, SMALLEST_GRID,
                  LARGEST_GRID);
    fc__fault_add(&found, !isfinite(c->speed) || c->speed <= 0.0,
                  "speed is %g; a positive number is needed", c->speed);
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

/* Memory of one thread. */
typedef struct room {
    fftw_complex *spectrum; /* (grid, grid / 2 + 1) */
    double *field;          /* (grid, grid) */
} room;

typedef struct wave {
    fc_wave_config config;
    fftw_plan plan;
    size_t threads;
    room *rooms; /* (threads) */
    uint64_t done;
} wave;

/* Coefficients of u, or of its rate of change, at a time. Beyond |kappa| r = 12 they are below
 * exp(-72) of the first. */
static void fill_spectrum(const fc_wave_config *config, const fc__wave_bump *bump, double time,
                          bool rate, fftw_complex *spectrum)
{
    long half = (long)config->grid / 2, columns = half + 1;
    long most = (long)(12.0 * FC__WAVE_LENGTH / (2.0 * M_PI * bump->width));
    double r = bump->width, unit = 2.0 * M_PI / FC__WAVE_LENGTH;
    double scale = bump->height * 2.0 * M_PI * r * r / (FC__WAVE_LENGTH * FC__WAVE_LENGTH);
    most = most < half - 1 ? most : half - 1;
    memset(spectrum, 0, config->grid * (size_t)columns * sizeof *spectrum);
    for (long ky = -most; ky <= most; ky++) {
        double *row = spectrum[(ky < 0 ? ky + (long)config->grid : ky) * columns];
        for (long kx = 0; kx <= most; kx++) {
            double kappa = unit * sqrt((double)(kx * kx + ky * ky));
            double omega = config->speed * kappa;
            double swing = rate ? -omega * sin(omega * time) : cos(omega * time);
            double size = scale * exp(-0.5 * r * r * kappa * kappa) * swing;
            double phase = unit * ((double)kx * bump->centre[0] + (double)ky * bump->centre[1]);
            row[2 * kx] = size * cos(phase);
            row[2 * kx + 1] = -size * sin(phase);
        }
    }
}

/* values (grid, grid, 2) */
static void fill_frame(const wave *w, const fc__wave_bump *bump, double time, const room *own,
                       float *values)
{
    size_t points = w->config.grid * w->config.grid;
    for (size_t channel = 0; channel < 2; channel++) {
        fill_spectrum(&w->config, bump, time, channel == 1, own->spectrum);
        fftw_execute_dft_c2r(w->plan, own->spectrum, own->field);
        for (size_t p = 0; p < points; p++)
            values[2 * p + channel] = (float)own->field[p];
    }
}

static fc_status read_frames(void *user, fc_context *context, size_t sequence, size_t first,
                             size_t count, float *const *values)
{
    wave *w = user;
    const fc_wave_config *c = &w->config;
    size_t trajectory = sequence / c->per_trajectory;
    size_t before = sequence % c->per_trajectory * c->frames + first;
    fc__wave_bump bump = fc__wave_draw(c->seed, trajectory);
    if (fc_context_interrupted(context))
        return fc__fail(context, FC_INTERRUPTED, "wave: interrupted after %llu frames",
                        (unsigned long long)w->done);
#pragma omp parallel for num_threads((int)w->threads) schedule(dynamic, 1)
    for (size_t f = 0; f < count; f++)
        fill_frame(w, &bump, (double)(before + f) * c->interval, &w->rooms[omp_get_thread_num()],
                   values[f]);
    w->done += count;
    fc__report(context, "generate", w->done, fc__product(c->sequences, c->frames), NAN);
    return FC_OK;
}

static void release(void *user)
{
    wave *w = user;
    for (size_t t = 0; w->rooms && t < w->threads; t++) {
        fftw_free(w->rooms[t].spectrum);
        fftw_free(w->rooms[t].field);
    }
    if (w->plan)
        fftw_destroy_plan(w->plan);
    free(w->rooms);
    free(w);
}

static fc_status make_rooms(fc_context *context, wave *w)
{
    fc_status status = FC_OK;
    size_t grid = w->config.grid;
    FC_NEW(context, &w->rooms, w->threads);
    for (size_t t = 0; t < w->threads; t++) {
        w->rooms[t].spectrum = fftw_alloc_complex(grid * (grid / 2 + 1));
        w->rooms[t].field = fftw_alloc_real(grid * grid);
        if (!w->rooms[t].spectrum || !w->rooms[t].field)
            return fc__fail(context, FC_ERROR_MEMORY, "wave: out of memory for a grid of %zu^2",
                            grid);
    }
    /* Estimated, as a measured plan may change from run to run, and bits with it. */
    w->plan = fftw_plan_dft_c2r_2d((int)grid, (int)grid, w->rooms[0].spectrum, w->rooms[0].field,
                                   FFTW_ESTIMATE);
    if (!w->plan)
        status =
            fc__fail(context, FC_ERROR_SOLVER, "wave: FFTW has no plan for a grid of %zu^2", grid);
done:
    return status;
}

/* ---------------------------------------------------------------- the case */

fc_status fc_wave_open(fc_context *context, const fc_wave_config *config, fc_dataset **dataset)
{
    static const char *const names[] = {"w", "w_t"};
    static const char *const long_names[] = {"displacement", "rate of change of the displacement"};
    fc_status status = FC_OK;
    fc_dataset *made = NULL;
    wave *w = NULL;
    *dataset = NULL;
    FC_TRY(validate(context, config));
    FC_NEW(context, &w, 1);
    w->config = *config;
    w->threads = (size_t)fc_context_threads(context);
    FC_TRY(make_rooms(context, w));
    const fc__square_case square = {.lower = -1.0,
                                    .upper = -1.0 + FC__WAVE_LENGTH,
                                    .interval = config->interval,
                                    .size = config->grid,
                                    .sequences = config->sequences,
                                    .frames = config->frames,
                                    .channels = 2,
                                    .names = names,
                                    .long_names = long_names};
    FC_TRY(fc__square_dataset(context, &square, &made));
    made->reader = (fc_frame_reader){.user = w, .read = read_frames, .destroy = release, .unit = 1};
    w = NULL;
    *dataset = made;
done:
    if (w)
        release(w);
    return status;
}

fc_status fc_wave_generate(fc_context *context, const fc_wave_config *config, fc_dataset **dataset)
{
    fc_status status = fc_wave_open(context, config, dataset);
    if (status == FC_OK)
        status = fc_dataset_load_all(context, *dataset);
    if (status != FC_OK) {
        fc_dataset_destroy(*dataset);
        *dataset = NULL;
    }
    return status;
}
