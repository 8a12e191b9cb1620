/* native.h: the writer of native datasets, between its two files. */
#ifndef FC_IO_NATIVE_H
#define FC_IO_NATIVE_H

#include "io/checksum.h"
#include "io/dataset_file.h"
#include "io/write/writing.h"

typedef struct fc__native_writer {
    fc__h5 *h5;
    const fc_dataset *dataset;
    bool deviation; /* the channels have standard deviations beside them */
    fc__layout layout;
    int next_dimension;
    size_t rank; /* of the variables of the channels */
    size_t time; /* which of their axes is time, or the observations */
    hid_t scales[FC__MAX_RANK];
    size_t shape[FC__MAX_RANK];
    fc__checksum *checksum; /* of the values written so far */
    bool own_points; /* ragged: frame f has the points of set f and no other frame has them */
    char coordinates[(FC_NAME_SIZE + 1) * (FC_MAX_DIMS + 1)]; /* attribute of the channels, may be
                                                                 "" */
} fc__native_writer;

/* FC_ERROR_DATA when axes and channels (and those of the standard deviations) cannot name variables
 * beside each other. */
fc_status fc__native_check_names(fc__native_writer *out);

/* The CF featureType that the layout is, NULL when it is none. */
const char *fc__native_feature(const fc__native_writer *out);

/* Attributes of the file, of the coordinates of axis i, of the times of frames and of
 * observations, of the numbers of points, and of channel c. */
fc_status fc__native_put_global(fc__native_writer *out, const char *format, const char *attributes);
fc_status fc__native_put_axis(fc__native_writer *out, hid_t variable, size_t i);
fc_status fc__native_put_time(fc__native_writer *out, hid_t variable);
fc_status fc__native_put_observation_time(fc__native_writer *out, hid_t variable);
fc_status fc__native_put_point_id(fc__native_writer *out, hid_t variable);
fc_status fc__native_put_channel(fc__native_writer *out, hid_t variable, size_t c, bool deviation);

/* Chunks of the channels' variables: a frame, or as many small frames as make a useful size, or
 * part of a very large one. */
void fc__native_chunk(const fc__native_writer *out, size_t *chunk);

/* native_append.c: datasets whose values are read or made while they are written. */
bool fc__native_is_unread(const fc_dataset *dataset);
fc_status fc__native_write_unread(fc__native_writer *out);

#endif
