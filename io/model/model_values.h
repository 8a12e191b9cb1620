/* model_values.h: values of a model file, each with a message of its own where it is not what it
 * has to be. `group` is what the message calls the object. */
#ifndef FC_IO_MODEL_VALUES_H
#define FC_IO_MODEL_VALUES_H

#include "io/model/model_file.h"

fc_status fc__model_damaged(fc__h5 *h5, const char *group, const char *what);
/* What a constructor of the rooms below said about a configuration from the file. */
fc_status fc__model_refused(fc__h5 *h5, fc_status status);
/* A group that must be there. */
fc_status fc__model_open_group(fc__h5 *h5, hid_t parent, const char *name, hid_t *group);
/* A whole number from `least` to `most`. */
fc_status fc__model_get_size(fc__h5 *h5, hid_t object, const char *group, const char *name,
                             size_t least, size_t most, size_t *value);
fc_status fc__model_get_uint(fc__h5 *h5, hid_t object, const char *group, const char *name,
                             uint64_t *value);
fc_status fc__model_get_double(fc__h5 *h5, hid_t object, const char *group, const char *name,
                               double *value);
fc_status fc__model_get_text(fc__h5 *h5, hid_t object, const char *group, const char *name,
                             char text[FC_NAME_SIZE]);
/* Doubles that are finite and >= least; *values = NULL where the array is missing. */
fc_status fc__model_load_doubles(fc__h5 *h5, hid_t object, const char *group, const char *name,
                                 size_t rows, size_t columns, double least, double **values);
/* The same for an array that must be there. */
fc_status fc__model_need_doubles(fc__h5 *h5, hid_t object, const char *group, const char *name,
                                 size_t rows, size_t columns, double least, double **values);

#endif
