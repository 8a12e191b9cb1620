#include "data/shallow_water.h"

#include "data/trajectory.h"

#include <math.h>
#include <stdio.h>
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
    fc__faults_of_sequences(&found, c->sequences, c->per_trajectory, c->frames, c->interval);
    fc__fault_if_negative(&found, "burn_in", c->burn_in, "time");
    bool grid = c->grid >= SMALLEST_GRID && c->grid <= LARGEST_GRID && c->grid % 4 == 0;
    fc__fault_add(&found, !grid, "grid is %zu; a multiple of 4 from %d to %d is accepted", c->grid,
                  SMALLEST_GRID, LARGEST_GRID);
    fc__fault_add(&found,
                  grid && c->output_grid && (c->output_grid % 2 || c->grid % c->output_grid),
                  "output_grid is %zu; an even divisor of grid %zu, or 0, is accepted",
                  c->output_grid, c->grid);
    fc__fault_unless_positive(&found, "umax_min", c->umax_min, "speed");
    fc__fault_add(&found, !isfinite(c->umax_max) || !(c->umax_max >= c->umax_min),
                  "umax_max is %g; a speed from umax_min %g on is needed", c->umax_max,
                  c->umax_min);
    fc__fault_add(&found, !isfinite(c->perturbation),
                  "perturbation is %g; a finite height is needed", c->perturbation);
    fc__fault_if_negative(&found, "viscosity", c->viscosity, "number");
    fc__fault_if_negative(&found, "step", c->step, "time");
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

/* What one thread works with. */
typedef struct simulator {
    fc__layer *layer;
    fc__harmonics *output; /* on (grid / 2, grid) */
    double *fields;        /* (2, rings, longitudes) of the layer, which is more than the output */
} simulator;

static size_t output_size(const fc_shallow_water_config *c)
{
    return c->output_grid ? c->output_grid : c->grid / 2;
}

/* The transform whose grid is written, or some of it. */
static fc_status create_output(fc_context *context, const fc_shallow_water_config *c,
                               fc__harmonics **output)
{
    return fc__harmonics_create(context, c->grid / 2 - 1, c->grid / 2, c->grid, output);
}

static void destroy(void *object)
{
    simulator *s = object;
    if (!s)
        return;
    fc__layer_destroy(s->layer);
    fc__harmonics_destroy(s->output);
    free(s->fields);
    free(s);
}

static fc_status create(fc_context *context, const void *config, void **object)
{
    fc_status status = FC_OK;
    const fc_shallow_water_config *c = config;
    const fc__layer_config earth = fc__shallow_water_earth(c->grid, c->viscosity);
    simulator *s = NULL;
    *object = NULL;
    FC_NEW(context, &s, 1);
    FC_TRY(fc__layer_create(context, &earth, &s->layer));
    FC_TRY(create_output(context, c, &s->output));
    FC_NEW(context, &s->fields, 2 * fc__layer_rings(s->layer) * fc__layer_longitudes(s->layer));
    *object = s;
    s = NULL;
done:
    destroy(s);
    return status;
}

static void start(void *object, const void *config, size_t trajectory)
{
    const fc_shallow_water_config *c = config;
    simulator *s = object;
    double umax = fc__shallow_water_draw(c, trajectory);
    fc__shallow_water_start(s->layer, umax, c->perturbation, s->fields);
}

static fc_status advance(const fc_context *context, void *object, const void *config,
                         double duration, double *elapsed)
{
    const fc_shallow_water_config *c = config;
    simulator *s = object;
    fc_status status =
        fc__layer_advance(context, s->layer, duration * HOUR, c->step * HOUR, elapsed);
    *elapsed /= HOUR;
    return status;
}

/* The ring, counted from the north, that is written as a row, counted from the south. */
static size_t ring_of(const fc_shallow_water_config *c, size_t row)
{
    return c->grid / 2 - 1 - row * (c->grid / output_size(c));
}

static void store_channel(const fc_shallow_water_config *c, const double *field, double scale,
                          float *values)
{
    size_t size = output_size(c), every = c->grid / size;
    for (size_t row = 0; row < size / 2; row++) {
        const double *ring = field + ring_of(c, row) * c->grid;
        for (size_t column = 0; column < size; column++)
            values[2 * (row * size + column)] = (float)(scale * ring[column * every]);
    }
}

/* In the units of make_dataset. */
static void store(void *object, const void *config, float *values)
{
    simulator *s = object;
    fc__harmonics_values(s->output, fc__layer_height(s->layer), s->fields);
    store_channel(config, s->fields, 3000.0 / RADIUS, values);
    fc__harmonics_values(s->output, fc__layer_vorticity(s->layer), s->fields);
    store_channel(config, s->fields, 2.0 * HOUR, values + 1);
}

static void advise(const void *config, char *text, size_t size)
{
    const fc_shallow_water_config *c = config;
    snprintf(text, size,
             "a smaller step, a finer grid, a larger viscosity than %g or slower jets than %g",
             c->viscosity, c->umax_max);
}

static const fc__simulation simulation = {.name = "shallow-water",
                                          .config_size = sizeof(fc_shallow_water_config),
                                          .create = create,
                                          .destroy = destroy,
                                          .start = start,
                                          .advance = advance,
                                          .store = store,
                                          .advise = advise};

/* ---------------------------------------------------------------- the dataset */

static fc_status add_points(fc_context *context, const fc_shallow_water_config *c,
                            fc_dataset *dataset)
{
    fc_status status = FC_OK;
    fc__harmonics *output = NULL;
    double *coordinates = NULL;
    size_t size = output_size(c), count = size / 2 * size, index;
    const size_t shape[2] = {size / 2, size};
    FC_TRY(create_output(context, c, &output));
    FC_NEW(context, &coordinates, 2 * count);
    for (size_t p = 0; p < count; p++) {
        double colatitude = fc__harmonics_colatitudes(output)[ring_of(c, p / size)];
        coordinates[2 * p] = 360.0 * (double)(p % size) / (double)size;
        coordinates[2 * p + 1] = 90.0 - colatitude * 180.0 / M_PI;
    }
    status = fc_dataset_add_points(context, dataset, count, coordinates, shape, &index);
done:
    free(coordinates);
    fc__harmonics_destroy(output);
    return status;
}

static fc_status make_dataset(fc_context *context, const fc_shallow_water_config *c,
                              fc_dataset **dataset)
{
    static const fc_channel channels[2] = {
        {"height", "2123.74 m", "height of the surface above its mean"},
        {"vorticity", "0.5 h-1", "relative vorticity"}};
    fc_status status = FC_OK;
    const fc_domain domain = {
        .dims = 2,
        .axis = {{FC_AXIS_LONGITUDE, 0.0, 360.0, "longitude", "degrees_east"},
                 {FC_AXIS_LATITUDE, -90.0, 90.0, "latitude", "degrees_north"}}};
    fc_dataset *made = NULL;
    fc_sequence *sequence;
    double *times = NULL;
    FC_TRY(fc_dataset_create(context, &domain, 2, &made));
    fc__copy_name(made->time.units, "h");
    made->channels[0] = channels[0];
    made->channels[1] = channels[1];
    FC_TRY(add_points(context, c, made));
    FC_NEW(context, &times, c->frames);
    for (size_t f = 0; f < c->frames; f++)
        times[f] = (double)f * c->interval;
    for (size_t s = 0; s < c->sequences; s++)
        FC_TRY(fc_dataset_add_unread(context, made, c->frames, times, NULL, &sequence));
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
    fc_dataset *made = NULL;
    *dataset = NULL;
    FC_TRY(validate(context, config));
    const fc__trajectories cut = {.per_trajectory = config->per_trajectory,
                                  .burn_in = config->burn_in,
                                  .interval = config->interval};
    FC_TRY(make_dataset(context, config, &made));
    FC_TRY(fc__trajectory_attach(context, &simulation, &cut, config, made));
    *dataset = made;
    made = NULL;
done:
    fc_dataset_destroy(made);
    return status;
}

fc_status fc_shallow_water_generate(fc_context *context, const fc_shallow_water_config *config,
                                    fc_dataset **dataset)
{
    return fc__load_opened(context, fc_shallow_water_open(context, config, dataset), dataset);
}
