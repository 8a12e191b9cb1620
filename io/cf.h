/* cf.h: between finding out what a CF file holds (cf.c) and reading its values (cf_values.c). */
#ifndef FC_IO_CF_H
#define FC_IO_CF_H

#include "io/dataset_file.h"

/* An axis of the domain, read from a coordinate variable. */
typedef struct fc__cf_axis {
    size_t position; /* which axis of the channels' variables it is */
    size_t length;
    double *values; /* (length) */
    fc_axis axis;
} fc__cf_axis;

typedef struct fc__cf_reader {
    fc__h5 *h5;
    const fc_read_config *config;
    fc__nc_inventory inventory;
    size_t channel_count;
    const fc__nc_variable **channels; /* (channel_count) all on the same dimensions */
    const fc__nc_variable *time;
    size_t time_position; /* which axis of the channels' variables is time */
    size_t frame_count;
    double *times; /* (frame_count) */
    fc_time_axis time_axis;
    size_t dims;
    fc__cf_axis axes[FC_MAX_DIMS]; /* in the order of the domain */
} fc__cf_reader;

/* Values of a 1-D variable, unpacked; FC_ERROR_DATA naming the first that is not finite. */
fc_status fc__cf_load(fc__cf_reader *in, const fc__nc_variable *variable, double **values);
/* Fills all frames. The first frames of the file become those of sequence 0; the point set 0 is the
 * whole grid. */
fc_status fc__cf_read_values(fc__cf_reader *in, fc_dataset *dataset);
/* Removes frames in which nothing is observed, then points at which nothing ever is. */
void fc__cf_drop_missing(fc_dataset *dataset);

#endif
