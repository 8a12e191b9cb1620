/* hdf5_file.h: HDF5 as the rest of this room wants it: files that are opened with the right words
 * on failure and created so that they appear only when whole; attributes; arrays whose shape is
 * checked before anything is allocated for them.
 *
 * Handles to groups and data sets close with the file, so only the paths that open many of them
 * close each. Every failure names the file and carries HDF5's own innermost message; HDF5 prints
 * nothing while a file is open here.
 */
#ifndef FC_IO_HDF5_FILE_H
#define FC_IO_HDF5_FILE_H

#include "inr/support.h"

#include <hdf5.h>

enum { FC__MAX_RANK = 8, FC__TEXT_SIZE = 512 };

/* Not to be copied: the driver of a file that is written points at write_error. */
typedef struct fc__h5 {
    fc_context *context;
    const char *path; /* as the caller named it; borrowed */
    hid_t file;
    uint64_t file_size; /* of a file that is read, bytes */
    bool damaged;       /* HDF5 has failed to read from the file */
    bool hushed;        /* error printing is off and is to be restored: */
    H5E_auto2_t print;
    void *print_data;
    /* of a file that is written: */
    char *target;    /* path with links resolved */
    char *temporary; /* its name until it is whole */
    hid_t driver;    /* see hdf5_driver.c */
    int descriptor;  /* of the temporary file */
    int write_error; /* errno of the first failed write, 0 = none */
} fc__h5;

/* ---------------------------------------------------------------- life cycle */

/* Opens for reading; tells missing, unreadable, netCDF-3, foreign and truncated files apart.
 * fc__h5_close releases the file whether or not this succeeded. */
fc_status fc__h5_open(fc_context *context, const char *path, fc__h5 *h5);
/* Starts a file under a temporary name beside `path`. */
fc_status fc__h5_create(fc_context *context, const char *path, fc__h5 *h5);
/* Writes everything to disk and gives the file its name. */
fc_status fc__h5_commit(fc__h5 *h5);
/* Closes the file and removes it if it was being written and not committed. */
void fc__h5_close(fc__h5 *h5);

/* Fails with "PATH: message: what HDF5 or the operating system said". */
fc_status fc__h5_fail(fc__h5 *h5, fc_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---------------------------------------------------------------- attributes */

fc_status fc__h5_put_text(fc__h5 *h5, hid_t object, const char *name, const char *text);
/* type: the native type of `values`; count = 1 makes a scalar. */
fc_status fc__h5_put(fc__h5 *h5, hid_t object, const char *name, hid_t type, size_t count,
                     const void *values);
fc_status fc__h5_put_double(fc__h5 *h5, hid_t object, const char *name, double value);
fc_status fc__h5_put_uint(fc__h5 *h5, hid_t object, const char *name, uint64_t value);

/* Absent attributes, or those of another kind, are not errors: they return false and leave the
 * result as it was. Text is cut to `size`. */
bool fc__h5_get_text(hid_t object, const char *name, char *text, size_t size);
bool fc__h5_get(hid_t object, const char *name, hid_t type, size_t count, void *values);
bool fc__h5_get_double(hid_t object, const char *name, double *value);
bool fc__h5_has(hid_t object, const char *name);

/* FC_ERROR_DATA when the attributes of an object are damaged, which must not pass for absence. */
fc_status fc__h5_check_attributes(fc__h5 *h5, hid_t object, const char *name);

/* ---------------------------------------------------------------- groups and arrays */

/* Creation properties of groups (and of the file) and of data sets: links and attributes in the
 * order of their creation, as netCDF wants it, and kept in the object's header, whose checksum is
 * verified; HDF5 1.10 crashes on damage to the heaps that it would put more than eight into. */
void fc__h5_set_group_properties(hid_t creation);
void fc__h5_set_dataset_properties(hid_t creation);

fc_status fc__h5_make_group(fc__h5 *h5, hid_t parent, const char *name, hid_t *group);
/* *group < 0 and FC_OK when there is none. */
fc_status fc__h5_find_group(fc__h5 *h5, hid_t parent, const char *name, hid_t *group);

/* One array with all its values, large matrices compressed; rank 0 = scalar. Values are stored
 * little endian. */
fc_status fc__h5_write_array(fc__h5 *h5, hid_t parent, const char *name, hid_t type, size_t rank,
                             const size_t *shape, const void *values);
/* A scalar string of any length. */
fc_status fc__h5_write_text(fc__h5 *h5, hid_t parent, const char *name, const char *text);
/* *text = NULL when there is none. */
fc_status fc__h5_read_text(fc__h5 *h5, hid_t parent, const char *name, char **text);

/* Shape of a data set; FC_ERROR_DATA when it is no array of numbers of at most FC__MAX_RANK axes,
 * needs a filter that is not there, or declares more than its file can hold. */
fc_status fc__h5_inspect(fc__h5 *h5, hid_t dataset, const char *name, size_t *rank, size_t *shape);

/* Bytes that all data sets of a file together can hold. */
uint64_t fc__h5_most_bytes(const fc__h5 *h5);

/* Reads an array that must have exactly this shape. */
fc_status fc__h5_read_array(fc__h5 *h5, hid_t parent, const char *name, hid_t type, size_t rank,
                            const size_t *shape, void *values);
/* Allocates what it reads; a missing array gives *values = NULL and FC_OK. */
fc_status fc__h5_load_array(fc__h5 *h5, hid_t parent, const char *name, hid_t type, size_t rank,
                            const size_t *shape, void *values);
/* Whether `parent` holds a data set of that name. */
bool fc__h5_holds(hid_t parent, const char *name);

/* A box of a data set: starts and counts along each axis. Values are converted to `type`. */
fc_status fc__h5_read_box(fc__h5 *h5, hid_t dataset, const char *name, hid_t type, size_t rank,
                          const size_t *start, const size_t *count, void *values);
fc_status fc__h5_write_box(fc__h5 *h5, hid_t dataset, const char *name, hid_t type, size_t rank,
                           const size_t *start, const size_t *count, const void *values);

/* Length of the chunks of a data set along an axis, 1 where it has none: frames that are cheapest
 * to read together. */
size_t fc__h5_unit(hid_t dataset, size_t axis);
/* A box whose axis `time` runs over frames, as single precision numbers: the values of frame f, in
 * the order of the file, go to values[f][channel], values[f][channel + channels] and so on. The
 * fast way from a file to the frames of a dataset: straight into their arrays where these are dense
 * and large, else in pieces that stay in the cache. To be called with blocks of about a megabyte.
 */
fc_status fc__h5_read_frames(fc__h5 *h5, hid_t dataset, const char *name, size_t rank,
                             const size_t *start, const size_t *count, size_t time, size_t channels,
                             size_t channel, float *const *values);

/* HDF5 prints its errors again while a file stays open and nothing is done with it; it must be
 * hushed again before the file is read or closed. */
void fc__h5_let_print(fc__h5 *h5);
void fc__h5_hush(fc__h5 *h5);

/* FC_ERROR_DATA when a file of format `kind` is of a version this program does not read. */
fc_status fc__h5_check_version(fc__h5 *h5, const char *kind, unsigned newest);

/* ---------------------------------------------------------------- the writing driver */

/* Registers a file driver that writes to an open descriptor, records the errno of its first failed
 * write and from then on accepts and drops what HDF5 still wants to write: a file that could not be
 * written is thrown away, and closing it must succeed. Negative on failure. */
hid_t fc__h5_driver_register(void);
herr_t fc__h5_driver_set(hid_t access, hid_t driver, int descriptor, int *write_error);

#endif
