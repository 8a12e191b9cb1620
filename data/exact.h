/* exact.h: cases on the periodic square whose solution is known as a Fourier series, so that any
 * frame can be had without those before it. Private to this room. */
#ifndef FC_DATA_EXACT_H
#define FC_DATA_EXACT_H

#include "data/generator.h"
#include "data/vorticity.h"

typedef struct fc__exact_case {
    const char *name;
    fc__box_case box; /* two axes */
    size_t per_trajectory;
    size_t config_size;
    size_t scratch; /* bytes for `fill` */
    /* Coefficients of a channel at a time after the start, (size, size / 2 + 1) as FFTW has them,
     * zero before. config: that of the case, of which a copy is kept. */
    void (*fill)(const void *config, size_t trajectory, double time, size_t channel,
                 fc__complex *spectrum, void *scratch);
} fc__exact_case;

fc_status fc__exact_open(fc_context *context, const fc__exact_case *c, const void *config,
                         fc_dataset **dataset);

#endif
