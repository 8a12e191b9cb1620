#include "data/random_field.h"

#include "inr/support.h"

#include <math.h>
#include <string.h>

const fc__random_field fc__random_vorticity = {
    .length = 1.0, .sigma = 18.520259177452136 /* 7^1.5 */, .tau = 7.0, .alpha = 2.5};

/* The variance is divided between the two parts of a coefficient. */
static void draw(const fc__random_field *field, fc__rng *rng, long square, double *coefficient)
{
    double turn = 2.0 * M_PI / field->length;
    double variance = turn * turn * (double)square + field->tau * field->tau;
    double deviation = field->sigma * pow(variance, -0.5 * field->alpha) * M_SQRT1_2;
    coefficient[0] = deviation * fc__rng_normal(rng);
    coefficient[1] = deviation * fc__rng_normal(rng);
}

static void draw_at(const fc__random_field *field, fc__rng *rng, size_t modes, long kx, long ky,
                    fc__complex *spectrum)
{
    double *w = spectrum[fc__spectrum_index(modes, kx, ky)];
    draw(field, rng, kx * kx + ky * ky, w);
    if (kx == 0) {
        double *conjugate = spectrum[fc__spectrum_index(modes, 0, -ky)];
        conjugate[0] = w[0];
        conjugate[1] = -w[1];
    }
}

void fc__random_plane(const fc__random_field *field, uint64_t seed, uint64_t trajectory,
                      size_t modes, fc__complex *spectrum)
{
    fc__rng rng = fc__rng_create(seed, trajectory);
    memset(spectrum, 0, fc__spectrum_count(modes) * sizeof *spectrum);
    for (long shell = 1; shell <= (long)modes; shell++) {
        draw_at(field, &rng, modes, 0, shell, spectrum);
        for (long kx = 1; kx < shell; kx++) {
            draw_at(field, &rng, modes, kx, -shell, spectrum);
            draw_at(field, &rng, modes, kx, shell, spectrum);
        }
        for (long ky = -shell; ky <= shell; ky++)
            draw_at(field, &rng, modes, shell, ky, spectrum);
    }
}

void fc__random_line(const fc__random_field *field, uint64_t seed, uint64_t trajectory,
                     size_t modes, fc__complex *spectrum)
{
    fc__rng rng = fc__rng_create(seed, trajectory);
    memset(spectrum[0], 0, sizeof *spectrum);
    for (long k = 1; k <= (long)modes; k++)
        draw(field, &rng, k * k, spectrum[k]);
}
