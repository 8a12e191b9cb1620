/* cf_packing.h: the numbers of CF variables: missing and packed values (CF conventions 2.5.1 and
 * 8.1).
 */
#ifndef FC_IO_CF_PACKING_H
#define FC_IO_CF_PACKING_H

#include "io/read/cf_variables.h"

enum { FC__CF_MOST_MISSING = 8 };

typedef struct fc__cf_packing {
    double scale, offset;
    size_t missing_count;
    double missing[FC__CF_MOST_MISSING]; /* raw numbers that mean "not observed" */
    double lower, upper;                 /* raw numbers outside are not valid */
    double valid_lower, valid_upper;     /* neither are unpacked ones outside these */
    double wrap; /* added to negative raw numbers: 2^bits of unsigned data stored as signed */
    bool single; /* raw numbers are read as float, which holds them exactly; else as double */
    bool plain;  /* raw numbers are the values, unless they are missing */
} fc__cf_packing;

void fc__cf_packing_of(const fc__nc_variable *variable, fc__cf_packing *packing);
/* What raw numbers are read as: H5T_NATIVE_FLOAT or H5T_NATIVE_DOUBLE. */
hid_t fc__cf_raw_type(const fc__cf_packing *packing);
/* NaN for what is missing. */
double fc__cf_unpack(const fc__cf_packing *packing, double raw);
/* The same for `count` raw numbers of the type above, into every `stride`-th of `values`. */
void fc__cf_unpack_row(const fc__cf_packing *packing, size_t count, const void *raw, float *values,
                       size_t stride);

#endif
