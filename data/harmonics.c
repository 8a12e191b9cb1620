#include "data/harmonics.h"

#include <math.h>
#include <stdlib.h>

#ifdef FC_SPHERE
#include <libsharp/sharp.h>
#include <libsharp/sharp_almhelpers.h>
#include <libsharp/sharp_geomhelpers.h>
#endif

struct fc__harmonics {
    double *colatitudes, *weights; /* (rings) */
#ifdef FC_SPHERE
    sharp_geom_info *grid;
    sharp_alm_info *order; /* of the coefficients */
#endif
};

typedef enum direction { TO_VALUES, TO_COEFFICIENTS } direction;

size_t fc__harmonics_count(size_t degree)
{
    return fc__product(degree + 1, degree + 2) / 2;
}

size_t fc__harmonics_index(size_t degree, size_t l, size_t m)
{
    return m * (2 * degree + 1 - m) / 2 + l;
}

const double *fc__harmonics_colatitudes(const fc__harmonics *harmonics)
{
    return harmonics->colatitudes;
}

const double *fc__harmonics_weights(const fc__harmonics *harmonics)
{
    return harmonics->weights;
}

#ifdef FC_SPHERE

/* libsharp keeps rings in pairs, north and south of the equator. */
static void read_rings(fc__harmonics *h, size_t longitudes)
{
    for (int i = 0; i < h->grid->npairs; i++) {
        const sharp_ringinfo ring[2] = {h->grid->pair[i].r1, h->grid->pair[i].r2};
        for (int k = 0; k < 2; k++) {
            if (ring[k].nph <= 0) /* the equator has no partner */
                continue;
            size_t row = (size_t)ring[k].ofs / longitudes;
            h->colatitudes[row] = ring[k].theta;
            h->weights[row] = ring[k].weight;
        }
    }
}

fc_status fc__harmonics_create(fc_context *context, size_t degree, size_t rings, size_t longitudes,
                               fc__harmonics **harmonics)
{
    fc_status status = FC_OK;
    fc__harmonics *h = NULL;
    *harmonics = NULL;
    FC_NEW(context, &h, 1);
    FC_NEW(context, &h->colatitudes, rings);
    FC_NEW(context, &h->weights, rings);
    sharp_make_gauss_geom_info((int)rings, (int)longitudes, 0.0, 1, (int)longitudes, &h->grid);
    sharp_make_triangular_alm_info((int)degree, (int)degree, 1, &h->order);
    read_rings(h, longitudes);
    *harmonics = h;
    h = NULL;
done:
    fc__harmonics_destroy(h);
    return status;
}

void fc__harmonics_destroy(fc__harmonics *h)
{
    if (!h)
        return;
    if (h->grid)
        sharp_destroy_geom_info(h->grid);
    if (h->order)
        sharp_destroy_alm_info(h->order);
    free(h->colatitudes);
    free(h->weights);
    free(h);
}

/* On the calling thread alone, as callers divide trajectories over the threads. */
static void transform(const fc__harmonics *h, direction to, int spin,
                      const fc__complex *const coefficients[2], const double *const values[2])
{
    sharp_execute(to == TO_VALUES ? SHARP_Y : SHARP_YtW, spin, (void *)coefficients, (void *)values,
                  h->grid, h->order, SHARP_DP | SHARP_NO_OPENMP, NULL, NULL);
}

#else

fc_status fc__harmonics_create(fc_context *context, size_t degree, size_t rings, size_t longitudes,
                               fc__harmonics **harmonics)
{
    (void)degree, (void)rings, (void)longitudes;
    *harmonics = NULL;
    return fc__fail(context, FC_ERROR_USAGE,
                    "this fieldcast was built without libsharp, which flows on the sphere need");
}

void fc__harmonics_destroy(fc__harmonics *h)
{
    (void)h; /* there are none */
}

static void transform(const fc__harmonics *h, direction to, int spin,
                      const fc__complex *const coefficients[2], const double *const values[2])
{
    (void)h, (void)to, (void)spin, (void)coefficients, (void)values;
}

#endif

void fc__harmonics_values(const fc__harmonics *h, const fc__complex *coefficients, double *values)
{
    transform(h, TO_VALUES, 0, (const fc__complex *const[2]){coefficients},
              (const double *const[2]){values});
}

void fc__harmonics_coefficients(const fc__harmonics *h, const double *values,
                                fc__complex *coefficients)
{
    transform(h, TO_COEFFICIENTS, 0, (const fc__complex *const[2]){coefficients},
              (const double *const[2]){values});
}

void fc__harmonics_vector_values(const fc__harmonics *h, const fc__complex *gradient,
                                 const fc__complex *curl, double *south, double *east)
{
    transform(h, TO_VALUES, 1, (const fc__complex *const[2]){gradient, curl},
              (const double *const[2]){south, east});
}

void fc__harmonics_vector_coefficients(const fc__harmonics *h, const double *south,
                                       const double *east, fc__complex *gradient, fc__complex *curl)
{
    transform(h, TO_COEFFICIENTS, 1, (const fc__complex *const[2]){gradient, curl},
              (const double *const[2]){south, east});
}
