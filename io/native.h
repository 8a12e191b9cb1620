/* native.h: the writer of native datasets, between its two files. */
#ifndef FC_IO_NATIVE_H
#define FC_IO_NATIVE_H

#include "io/dataset_file.h"

typedef enum fc__native_layout { LAYOUT_GRID, LAYOUT_POINTS, LAYOUT_RAGGED } fc__native_layout;

typedef struct fc__native_writer {
    fc__h5 *h5;
    const fc_dataset *dataset;
    fc__native_layout layout;
    int next_dimension;
    size_t rank; /* of the variables of the channels */
    size_t time; /* which of their axes is time, or the observations */
    hid_t scales[FC__MAX_RANK];
    size_t shape[FC__MAX_RANK];
    char coordinates[(FC_NAME_SIZE + 1) * FC_MAX_DIMS]; /* attribute of the channels, may be "" */
} fc__native_writer;

/* FC_ERROR_DATA when axes and channels (and those of the standard deviations) cannot name variables
 * beside each other. */
fc_status fc__native_check_names(fc__native_writer *out, bool deviation);
/* FC_ERROR_USAGE when the standard deviations do not have the shape of the forecast. */
fc_status fc__native_check_deviation(fc__native_writer *out, const fc_dataset *deviation);

/* Attributes of the file, of the coordinates of axis i, of the time and of channel c. */
fc_status fc__native_put_global(fc__native_writer *out, const char *format, const char *attributes);
fc_status fc__native_put_axis(fc__native_writer *out, hid_t variable, size_t i);
fc_status fc__native_put_time(fc__native_writer *out, hid_t variable);
fc_status fc__native_put_channel(fc__native_writer *out, hid_t variable, size_t c, bool deviation);

#endif
