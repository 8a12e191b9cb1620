/* dataset_file.h: the formats of datasets, each a reader or a writer on an open file. */
#ifndef FC_IO_DATASET_FILE_H
#define FC_IO_DATASET_FILE_H

#include "io/hdf5/netcdf.h"
#include "io/io.h"

enum { FC__DATASET_VERSION = 1 };

/* Native datasets; see native.c for the layout. deviation and attributes may be NULL. */
fc_status fc__native_write(fc__h5 *h5, const char *format, const fc_dataset *dataset,
                           const fc_dataset *deviation, const char *attributes);

/* What fieldcast made the file, FC_FILE_NETCDF for one that is not its own. */
fc_file_kind fc__file_kind_of(const fc__h5 *h5);

/* Names in a comma-separated list, without the blanks around them. */
typedef struct fc__names {
    size_t count;
    char (*name)[FC__NC_NAME_SIZE];
} fc__names;

/* FC_ERROR_USAGE for an empty name. A NULL list has count = 0. free(names->name) it. */
fc_status fc__names_parse(fc_context *context, const char *list, fc__names *names);

/* "plain", "periodic", "longitude", "latitude" */
const char *fc__axis_kind_name(fc_axis_kind kind);
bool fc__axis_kind_parse(const char *name, fc_axis_kind *kind);

/* Frames that are read or written at once, so that a block takes about a megabyte: a multiple of
 * `unit`. */
size_t fc__block_frames(size_t frame_bytes, size_t unit);
size_t fc__frame_bytes(const fc_dataset *dataset); /* of the largest frame in memory */

#endif
