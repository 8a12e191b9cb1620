/* field_arrays.h: what the files of machine-learning benchmarks have in common: fields on tensor
 * grids, each a dense array whose axes are sequences, time, space and the components of the field,
 * where an axis along which nothing changes is absent. A component is a channel of the dataset.
 */
#ifndef FC_IO_FIELD_ARRAYS_H
#define FC_IO_FIELD_ARRAYS_H

#include "io/read/source.h"

enum { FC__NO_AXIS = FC__MAX_RANK };

/* ---------------------------------------------------------------- grids */

/* Coordinates along one axis of the domain. */
typedef struct fc__grid_axis {
    fc_axis axis;
    size_t place; /* of the axis among those of space in the file */
    size_t length;
    double *values; /* (length), strictly monotonic */
} fc__grid_axis;

/* Finite numbers along one axis (others are of length 1), called `label` in messages; FC_ERROR_DATA
 * when there is no such data set or it holds something else. free(*values). */
fc_status fc__load_numbers(fc__h5 *h5, hid_t parent, const char *name, const char *label,
                           size_t *length, double **values);

/* Makes an axis of loaded coordinates, which belong to it from then on, even after a failure:
 * FC_ERROR_DATA when they do not increase or decrease all the way. */
fc_status fc__grid_set_axis(fc__h5 *h5, const char *label, const char *name, size_t length,
                            double *values, fc__grid_axis *axis);
/* Periodic with a period of `length` spacings, if these are equal to single precision: else nothing
 * happens, as the period is not known. `before` is how many spacings the period begins before the
 * first coordinate. */
void fc__grid_make_periodic(fc__grid_axis *axis, double before);
/* Azimuth and colatitude (or latitude, where some are negative) in radians become longitude and
 * latitude in degrees; FC_ERROR_DATA when they are not on the sphere. */
fc_status fc__grid_make_sphere(fc__h5 *h5, fc__grid_axis *azimuth, fc__grid_axis *polar);

/* Adds the product of the axes to the dataset: the first axis runs fastest. */
fc_status fc__grid_add_points(fc_context *context, fc_dataset *dataset, const fc__grid_axis *axes,
                              size_t *index);

/* ---------------------------------------------------------------- fields */

typedef struct fc__field {
    hid_t id;                    /* the data set, open */
    char name[FC__NC_NAME_SIZE]; /* with its group, for messages */
    size_t rank, shape[FC__MAX_RANK];
    size_t sequence, time;     /* which axis is that, FC__NO_AXIS = none */
    size_t space[FC_MAX_DIMS]; /* by axes of the domain */
    size_t components;         /* product of the adjacent axes of components; 1 = none */
    size_t component;          /* the last of them */
} fc__field;

/* One number of a field at a place and time. */
typedef struct fc__component {
    size_t field, number; /* which component of which field */
    fc_channel channel;
    bool usual; /* a channel where none are named */
} fc__component;

typedef struct fc__fields {
    size_t dims, length[FC_MAX_DIMS]; /* of the grids of all frames, as axes of the domain */
    size_t field_count, component_count, channel_count;
    fc__field *fields;
    fc__component *components;
    size_t *channels; /* (channel_count) components, as chosen */
} fc__fields;

/* Room for that many; the memory is released by fc__fields_close. */
fc_status fc__fields_create(fc_context *context, size_t fields, size_t components,
                            fc__fields *made);

/* An open data set of checked size as a field without axes. */
fc_status fc__field_inspect(fc__h5 *h5, hid_t id, const char *name, fc__field *field);
/* FC_ERROR_DATA unless the axes of a field are as long as those of the grid, the sequences and the
 * frames. */
fc_status fc__field_check(fc__h5 *h5, const fc__field *field, size_t dims,
                          const fc__grid_axis *axes, size_t sequences, size_t frames);
/* Appends a component of the field that was added last. */
void fc__fields_add_component(fc__fields *fields, size_t number, const char *name,
                              const char *long_name, bool usual);

/* Chooses channels, the components that source->config names or the usual ones; makes
 * source->dataset with them, without points and sequences, and source->unit. */
fc_status fc__fields_create_dataset(fc__source *source, fc__fields *fields, size_t dims,
                                    const fc__grid_axis *axes);

/* Functions of a format whose state begins with fields. A field without an axis of sequences is the
 * same in all of them; read_static finds components without sequences and times. */
fc_status fc__fields_read(fc__source *source, size_t sequence, size_t first, size_t count,
                          float *const *values);
fc_status fc__fields_read_static(fc__source *source, size_t points, const char *name,
                                 float *values);
void fc__fields_close(fc__source *source);

/* Frames that max_frames leaves of `count`. */
size_t fc__frames_wanted(const fc__source *source, size_t count);

#endif
