/* generator.h: what the cases share. Private to this room. */
#ifndef FC_DATA_GENERATOR_H
#define FC_DATA_GENERATOR_H

#include "data/data.h"
#include "inr/support.h"

/* A complex number as FFTW and libsharp lay it out: real part, imaginary part. */
typedef double fc__complex[2];

/* ---------------------------------------------------------------- settings */

/* Faults of a configuration, reported together: "grid is 3; ...; step is -1; ...". */
typedef struct fc__faults {
    char text[1024];
    size_t length, count;
} fc__faults;

/* Adds one if `wrong`. */
void fc__fault_add(fc__faults *faults, bool wrong, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* FC_ERROR_USAGE with all of them after the name of the case, if there are any. */
fc_status fc__faults_report(fc_context *context, const char *name, const fc__faults *faults);

/* Those of settings that most cases have: `what` is "time" or "number". */
void fc__faults_of_sequences(fc__faults *faults, size_t sequences, size_t per_trajectory,
                             size_t frames, double interval);
void fc__faults_of_grid(fc__faults *faults, size_t grid, size_t output_grid);
void fc__fault_unless_positive(fc__faults *faults, const char *name, double value,
                               const char *what);
void fc__fault_if_negative(fc__faults *faults, const char *name, double value, const char *what);

/* ---------------------------------------------------------------- datasets */

/* Frames on a grid of `size` points an axis over the periodic line, or square, [lower, upper)^dims:
 * sequences of frames at 0, interval, 2 interval, ..., values yet to be read. */
typedef struct fc__box_case {
    size_t dims; /* 1 or 2: axes x, y */
    double lower, upper, interval;
    size_t size, sequences, frames, channels;
    const char *const *names, *const *long_names; /* (channels) */
} fc__box_case;
fc_status fc__box_dataset(fc_context *context, const fc__box_case *c, fc_dataset **dataset);

/* Loads all values of a case that was opened with this status; *dataset = NULL on failure. */
fc_status fc__load_opened(fc_context *context, fc_status opened, fc_dataset **dataset);

#endif
