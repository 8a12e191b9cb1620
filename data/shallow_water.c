#include "data/shallow_water.h"

#include "data/trajectories.h"

#include <math.h>
#include <stdlib.h>

/* Earth and jets of Galewsky et al. 2004. */
static const double RADIUS = 6.37122e6, ROTATION = 7.292e-5, GRAVITY = 9.80616, DEPTH = 1e4;
static const double HOUR = 3600.0;

fc_shallow_water_config fc_shallow_water_config_default(void)
{
    return (fc_shallow_water_config){.sequences = 64,
                                     .per_trajectory = 8,
                                     .frames = 20,
                                     .interval = 1.0,
                                     .burn_in = 160.0,
                                     .grid = 256,
                                     .umax_min = 60.0,
                                     .umax_max = 80.0,
                                     .perturbation = 120.0,
                                     .viscosity = 1e5};
}

/* ---------------------------------------------------------------- settings */

static fc_status validate(fc_context *context, const fc_shallow_water_config *c)
{
    enum { SMALLEST_GRID = 32, LARGEST_GRID = 4096 };
    fc__faults found = {0};
    fc__fault_add(&found, c->sequences < 1, "sequences is 0; at least 1 is needed");
    fc__fault_add(&found, c->per_trajectory < 1, "per_trajectory is 0; at least 1 is needed");
    fc__fault_add(&found, c->frames < 1, "frames is 0; at least 1 is needed");
    fc__fault_add(&found, !isfinite(c->interval) || c->interval <= 0.0,
                  "interval is %g; a positive time is needed", c->interval);
    fc__fault_add(&found, !isfinite(c->burn_in) || c->burn_in < 0.0,
                  "burn_in is %g; 0 or a positive time is accepted", c->burn_in);
    bool grid = c->grid >= SMALLEST_GRID && c->grid <= LARGEST_GRID && c->grid % 4 == 0;
    fc__fault_add(&found, !grid, "grid is %zu; a multiple of 4 from %d to %d is accepted", c->grid,
                  SMALLEST_GRID, LARGEST_GRID);
    fc__fault_add(&found,
                  grid && c->output_grid && (c->output_grid % 2 || c->grid % c->output_grid),
                  "output_grid is %zu; an even divisor of grid %zu, or 0, is accepted",
                  c->output_grid, c->grid);
    fc__fault_add(&found, !isfinite(c->umax_min) || c->umax_min <= 0.0,
                  "umax_min is %g; a positive speed is needed", c->umax_min);
    fc__fault_add(&found, !isfinite(c->umax_max) || c->umax_max < c->umax_min,
                  "umax_max is %g; a speed from umax_min on is needed", c->umax_max);
    fc__fault_add(&found, !isfinite(c->perturbation),
                  "perturbation is %g; a finite height is needed", c->perturbation);
    fc__fault_add(&found, !isfinite(c->viscosity) || c->viscosity < 0.0,
                  "viscosity is %g; 0 or a positive number is accepted", c->viscosity);
    fc__fault_add(&found, !isfinite(c->step) || c->step < 0.0,
                  "step is %g; a positive time, or 0 to have it chosen, is accepted", c->step);
    return fc__faults_report(context, "shallow-water", &found);
}

/* ---------------------------------------------------------------- initial states */

fc__layer_config fc__shallow_water_earth(size_t grid, double viscosity)
{
    enum { MATCHED = 32 }; /* where nu lap^2 damps like viscosity lap */
    return (fc__layer_config){.degree = grid / 2 - 1,
                              .radius = RADIUS,
                              .rotation = ROTATION,
                              .gravity = GRAVITY,
                              .depth = DEPTH,
                              .viscosity = viscosity * RADIUS * RADIUS / (MATCHED * MATCHED)};
}

/* Galewsky et al. 2004, eq. 2, in both hemispheres. */
double fc__shallow_water_jet(double umax, double latitude)
{
    const double south = M_PI / 7.0, north = M_PI_2 - south, phi = fabs(latitude);
    if (phi <= south || phi >= north)
        return 0.0;
    double width = north - south;
    return umax * exp(4.0 / (width * width) + 1.0 / ((phi - south) * (phi - north)));
}

/* Galewsky et al. 2004, eq. 4, in both hemispheres. longitude: from -pi to pi. */
static double bumps(double longitude, double latitude)
{
    const double alpha = 1.0 / 3.0, beta = 1.0 / 15.0, centre = M_PI_4;
    double north = (centre - latitude) / beta, south = (centre + latitude) / beta;
    double along = longitude / alpha;
    return cos(latitude) * exp(-along * along) * (exp(-north * north) + exp(-south * south));
}

double fc__shallow_water_draw(const fc_shallow_water_config *config, uint64_t trajectory)
{
    fc__rng rng = fc__rng_create(config->seed, trajectory);
    return config->umax_min + (config->umax_max - config->umax_min) * fc__rng_uniform(&rng);
}

void fc__shallow_water_start(fc__layer *layer, double umax, double perturbation, double *fields)
{
    const double *colatitudes = fc__harmonics_colatitudes(fc__layer_harmonics(layer));
    size_t longitudes = fc__layer_longitudes(layer), points = fc__layer_rings(layer) * longitudes;
    double *south = fields, *east = fields + points;
    for (size_t p = 0; p < points; p++) {
        south[p] = 0.0;
        east[p] = fc__shallow_water_jet(umax, M_PI_2 - colatitudes[p / longitudes]);
    }
    fc__layer_set(layer, south, east, NULL);
    for (size_t p = 0; p < points; p++) {
        double turn = (double)(p % longitudes) / (double)longitudes;
        double longitude = 2.0 * M_PI * (turn < 0.5 ? turn : turn - 1.0);
        south[p] = perturbation * bumps(longitude, M_PI_2 - colatitudes[p / longitudes]);
    }
    fc__layer_add_height(layer, south);
}

/* ---------------------------------------------------------------- the flow */

/* A thread's. */
typedef struct solver {
    fc__layer *layer;
    double *fields; /* (2, rings, longitudes) of the layer, enough for (grid / 2, grid) as well */
} solver;

typedef struct shallow_water {
    fc_shallow_water_config config;
    size_t size;              /* longitudes written */
    fc__harmonics *harmonics; /* (grid / 2, grid) */
} shallow_water;

static void destroy_solver(void *user, void *object)
{
    (void)user;
    solver *s = object;
    if (!s)
        return;
    fc__layer_destroy(s->layer);
    free(s->fields);
    free(s);
}

static fc_status create_solver(void *user, fc_context *context, void **object)
{
    fc_status status = FC_OK;
    const shallow_water *w = user;
    const fc__layer_config earth = fc__shallow_water_earth(w->config.grid, w->config.viscosity);
    solver *s = NULL;
    FC_NEW(context, &s, 1);
    FC_TRY(fc__layer_create(context, &earth, &s->layer));
    FC_NEW(context, &s->fields, 2 * fc__layer_rings(s->layer) * fc__layer_longitudes(s->layer));
    *object = s;
    s = NULL;
done:
    destroy_solver(user, s);
    return status;
}

static void start(void *user, void *object, size_t trajectory)
{
    const shallow_water *w = user;
    solver *s = object;
    double umax = fc__shallow_water_draw(&w->config, trajectory);
    fc__shallow_water_start(s->layer, umax, w->config.perturbation, s->fields);
}

static fc_status advance(void *user, const fc_context *context, void *object, double duration,
                         double *elapsed)
{
    const shallow_water *w = user;
    solver *s = object;
    fc_status status =
        fc__layer_advance(context, s->layer, duration * HOUR, w->config.step * HOUR, elapsed);
    *elapsed /= HOUR;
    return status;
}

/* The ring of the transform, from north to south, that is written as a row, from south to north. */
static size_t ring_of(const shallow_water *w, size_t row)
{
    return w->config.grid / 2 - 1 - row * (w->config.grid / w->size);
}

static void write_channel(const shallow_water *w, const double *field, double scale, float *values)
{
    size_t grid = w->config.grid, every = grid / w->size;
    for (size_t row = 0; row < w->size / 2; row++) {
        const double *ring = field + ring_of(w, row) * grid;
        for (size_t column = 0; column < w->size; column++)
            values[2 * (row * w->size + column)] = (float)(scale * ring[column * every]);
    }
}

static void write_frame(void *user, void *object, float *values)
{
    const shallow_water *w = user;
    solver *s = object;
    fc__harmonics_values(w->harmonics, fc__layer_height(s->layer), s->fields);
    write_channel(w, s->fields, 3000.0 / RADIUS, values);
    fc__harmonics_values(w->harmonics, fc__layer_vorticity(s->layer), s->fields);
    write_channel(w, s->fields, 2.0 * HOUR, values + 1);
}

static void release(void *user)
{
    shallow_water *w = user;
    fc__harmonics_destroy(w->harmonics);
    free(w);
}

/* ---------------------------------------------------------------- the dataset */

static fc_status add_points(fc_context *context, const shallow_water *w, fc_dataset *dataset)
{
    fc_status status = FC_OK;
    const size_t shape[2] = {w->size / 2, w->size};
    const double *colatitudes = fc__harmonics_colatitudes(w->harmonics);
    double *coordinates = NULL;
    size_t index;
    FC_NEW(context, &coordinates, 2 * shape[0] * shape[1]);
    for (size_t p = 0; p < shape[0] * shape[1]; p++) {
        double colatitude = colatitudes[ring_of(w, p / w->size)];
        coordinates[2 * p] = 360.0 * (double)(p % w->size) / (double)w->size;
        coordinates[2 * p + 1] = 90.0 - colatitude * 180.0 / M_PI;
    }
    status =
        fc_dataset_add_points(context, dataset, shape[0] * shape[1], coordinates, shape, &index);
done:
    free(coordinates);
    return status;
}

static fc_status make_dataset(fc_context *context, const shallow_water *w, fc_dataset **dataset)
{
    fc_status status = FC_OK;
    fc_domain domain = {.dims = 2,
                        .axis = {{FC_AXIS_LONGITUDE, 0.0, 360.0, "longitude", "degrees_east"},
                                 {FC_AXIS_LATITUDE, -90.0, 90.0, "latitude", "degrees_north"}}};
    fc_dataset *made = NULL;
    fc_sequence *sequence;
    double *times = NULL;
    FC_TRY(fc_dataset_create(context, &domain, 2, &made));
    fc__copy_name(made->time.units, "h");
    fc__copy_name(made->channels[0].name, "height");
    fc__copy_name(made->channels[0].units, "2123.74 m");
    fc__copy_name(made->channels[0].long_name, "height of the surface above its mean");
    fc__copy_name(made->channels[1].name, "vorticity");
    fc__copy_name(made->channels[1].units, "0.5 h-1");
    fc__copy_name(made->channels[1].long_name, "relative vorticity");
    FC_TRY(add_points(context, w, made));
    FC_NEW(context, &times, w->config.frames);
    for (size_t f = 0; f < w->config.frames; f++)
        times[f] = (double)f * w->config.interval;
    for (size_t s = 0; s < w->config.sequences; s++)
        FC_TRY(fc_dataset_add_unread(context, made, w->config.frames, times, NULL, &sequence));
    *dataset = made;
    made = NULL;
done:
    free(times);
    fc_dataset_destroy(made);
    return status;
}

fc_status fc_shallow_water_open(fc_context *context, const fc_shallow_water_config *config,
                                fc_dataset **dataset)
{
    fc_status status = FC_OK;
    shallow_water *w = NULL;
    fc_dataset *made = NULL;
    *dataset = NULL;
    FC_TRY(validate(context, config));
    FC_NEW(context, &w, 1);
    w->config = *config;
    w->size = config->output_grid ? config->output_grid : config->grid / 2;
    FC_TRY(fc__harmonics_create(context, config->grid / 2 - 1, config->grid / 2, config->grid,
                                &w->harmonics));
    FC_TRY(make_dataset(context, w, &made));
    const fc__flow flow = {.name = "shallow-water",
                           .remedy = "try a smaller step, a finer grid, a larger viscosity or "
                                     "slower jets",
                           .sequences = config->sequences,
                           .per_trajectory = config->per_trajectory,
                           .frames = config->frames,
                           .interval = config->interval,
                           .burn_in = config->burn_in,
                           .values = w->size * w->size, /* two channels on half as many rows */
                           .user = w,
                           .create = create_solver,
                           .destroy = destroy_solver,
                           .start = start,
                           .advance = advance,
                           .write = write_frame,
                           .release = release};
    FC_TRY(fc__trajectories_reader(context, &flow, &made->reader));
    w = NULL;
    *dataset = made;
    made = NULL;
done:
    fc_dataset_destroy(made);
    if (w)
        release(w);
    return status;
}

fc_status fc_shallow_water_generate(fc_context *context, const fc_shallow_water_config *config,
                                    fc_dataset **dataset)
{
    fc_status status = fc_shallow_water_open(context, config, dataset);
    if (status == FC_OK)
        status = fc_dataset_load_all(context, *dataset);
    if (status != FC_OK) {
        fc_dataset_destroy(*dataset);
        *dataset = NULL;
    }
    return status;
}
