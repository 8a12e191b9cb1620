/* source.h: what reads a file format. A format opens a file as a dataset whose frames have no
 * values yet and then fills frames in on demand; what is common to all formats (patterns of files,
 * expressions, points and frames without any value, reading everything into memory) stands above
 * them in source.c.
 */
#ifndef FC_IO_SOURCE_H
#define FC_IO_SOURCE_H

#include "io/hdf5/netcdf.h"
#include "io/io.h"

/* A file that is open for reading in some format. */
typedef struct fc__source {
    fc__h5 h5;
    fc__nc_inventory
        inventory; /* of the root group, with dimensions for files that are not native */
    const fc_read_config
        *config;              /* while the file is being opened: variables are plain names here */
    fc_dataset *dataset;      /* made by open, without values (fc_dataset_add_unread) */
    size_t unit;              /* frames that are cheapest to read together; 0 counts as 1 */
    void *state;              /* of the format */
    char note[FC__TEXT_SIZE]; /* what open left out, for `fieldcast info`; "" = nothing */
} fc__source;

typedef struct fc__format {
    const char *name;     /* "CF grid", for `fieldcast info` */
    const char *accepted; /* what such a file has, for the message that refuses all others */
    /* By content alone. The first format that recognises a file opens it. */
    bool (*recognise)(fc__source *source);
    /* Fills dataset, unit and state; channels are config->variables where these are given. Failures
     * say what would be accepted, and need not clean up: close follows. May be called again after
     * close, with other variables. */
    fc_status (*open)(fc__source *source);
    /* As fc_frame_reader.read, in the units and coordinates of the dataset; NaN = not observed.
     * Values that are missing in every frame may stay: source.c leaves them out. The arrays hold
     * nothing yet: all of them is to be written. Called for about a megabyte at a time, in whole
     * units where the request allows it, so that a second pass over what was read finds it in the
     * cache; fc__h5_read_frames is the fast way for plain variables. h5.context is that of the
     * call, and nothing of the source's dataset changes before close. */
    fc_status (*read)(fc__source *source, size_t sequence, size_t first, size_t count,
                      float *const *values);
    /* A variable that does not change with time, on the points of set `points` (count) of the
     * dataset, for expressions; FC_ERROR_DATA when there is none of that name. May be NULL. */
    fc_status (*read_static)(fc__source *source, size_t points, const char *name, float *values);
    void (*close)(fc__source *source); /* releases state; state may be NULL */
    bool drops_missing; /* points and frames without any value are left out (not of native files) */
} fc__format;

/* In the order in which they are asked; ends with NULL. */
extern const fc__format fc__native_format, fc__pdebench_format, fc__pdebench_groups_format,
    fc__pdebench_incompressible_format, fc__well_format, fc__dedalus_format, fc__ugrid_format,
    fc__cf_points_format, fc__cf_grid_format;

#endif
