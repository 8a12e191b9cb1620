/* generator.h: what the cases share. Private to this room. */
#ifndef FC_DATA_GENERATOR_H
#define FC_DATA_GENERATOR_H

#include "data/data.h"
#include "inr/support.h"

/* A complex number as FFTW and libsharp lay it out: real part, imaginary part. */
typedef double fc__complex[2];

/* Faults of a configuration, reported together: "grid is 3; ...; step is -1; ...". */
typedef struct fc__faults {
    char text[768];
    size_t length, count;
} fc__faults;

/* Adds one if `wrong`. */
void fc__fault_add(fc__faults *faults, bool wrong, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* FC_ERROR_USAGE with all of them after the name of the case, if there are any. */
fc_status fc__faults_report(fc_context *context, const char *name, const fc__faults *faults);

/* Frames on a square grid of `size` points an axis over the periodic square [lower, upper)^2:
 * sequences of frames at 0, interval, 2 interval, ..., values yet to be read. */
typedef struct fc__square_case {
    double lower, upper, interval;
    size_t size, sequences, frames, channels;
    const char *const *names, *const *long_names; /* (channels) */
} fc__square_case;
fc_status fc__square_dataset(fc_context *context, const fc__square_case *c, fc_dataset **dataset);

#endif
