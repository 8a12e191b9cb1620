/* Values of a model file, each with a message of its own where it is not what it has to be. */
#include "io/model/model_values.h"

#include <math.h>

fc_status fc__model_damaged(fc__h5 *h5, const char *group, const char *what)
{
    return fc__fail(h5->context, FC_ERROR_DATA, "%s: damaged model: %s: %s", h5->path, group, what);
}

/* What a constructor of the rooms below said about a configuration from the file. */
fc_status fc__model_refused(fc__h5 *h5, fc_status status)
{
    return fc__fail(h5->context, status == FC_ERROR_MEMORY ? status : FC_ERROR_DATA,
                    "%s: damaged model: %s", h5->path, fc_context_message(h5->context));
}

/* A group that must be there. */
fc_status fc__model_open_group(fc__h5 *h5, hid_t parent, const char *name, hid_t *group)
{
    fc_status status = fc__h5_find_group(h5, parent, name, group);
    return status == FC_OK && *group < 0 ? fc__model_damaged(h5, name, "the group is missing")
                                         : status;
}

/* A whole number from `least` to `most`. */
fc_status fc__model_get_size(fc__h5 *h5, hid_t object, const char *group, const char *name,
                             size_t least, size_t most, size_t *value)
{
    uint64_t found;
    *value = 0;
    if (!fc__h5_get(object, name, H5T_NATIVE_UINT64, 1, &found))
        return fc__fail(h5->context, FC_ERROR_DATA,
                        "%s: damaged model: %s: attribute %s is missing or no number", h5->path,
                        group, name);
    if (found < least || found > most)
        return fc__fail(h5->context, FC_ERROR_DATA,
                        "%s: damaged model: %s: %s is %llu; %zu to %zu is possible", h5->path,
                        group, name, (unsigned long long)found, least, most);
    *value = (size_t)found;
    return FC_OK;
}

fc_status fc__model_get_uint(fc__h5 *h5, hid_t object, const char *group, const char *name,
                             uint64_t *value)
{
    return fc__h5_get(object, name, H5T_NATIVE_UINT64, 1, value)
               ? FC_OK
               : fc__fail(h5->context, FC_ERROR_DATA,
                          "%s: damaged model: %s: attribute %s is missing or no number", h5->path,
                          group, name);
}

fc_status fc__model_get_double(fc__h5 *h5, hid_t object, const char *group, const char *name,
                               double *value)
{
    return fc__h5_get_double(object, name, value)
               ? FC_OK
               : fc__fail(h5->context, FC_ERROR_DATA,
                          "%s: damaged model: %s: attribute %s is missing or no number", h5->path,
                          group, name);
}

fc_status fc__model_get_text(fc__h5 *h5, hid_t object, const char *group, const char *name,
                             char text[FC_NAME_SIZE])
{
    return fc__h5_get_text(object, name, text, FC_NAME_SIZE)
               ? FC_OK
               : fc__fail(h5->context, FC_ERROR_DATA,
                          "%s: damaged model: %s: attribute %s is missing or no text", h5->path,
                          group, name);
}

/* Doubles that are finite and >= least; *values = NULL where the array is missing. */
fc_status fc__model_load_doubles(fc__h5 *h5, hid_t object, const char *group, const char *name,
                                 size_t rows, size_t columns, double least, double **values)
{
    const size_t shape[2] = {rows, columns};
    fc_status status =
        fc__h5_load_array(h5, object, name, H5T_NATIVE_DOUBLE, columns ? 2 : 1, shape, values);
    size_t count = rows * (columns ? columns : 1);
    for (size_t i = 0; status == FC_OK && *values && i < count; i++)
        if (!isfinite((*values)[i]) || (*values)[i] < least)
            return fc__fail(h5->context, FC_ERROR_DATA,
                            "%s: damaged model: %s: %s holds the number %g", h5->path, group, name,
                            (*values)[i]);
    return status;
}

/* The same for an array that must be there. */
fc_status fc__model_need_doubles(fc__h5 *h5, hid_t object, const char *group, const char *name,
                                 size_t rows, size_t columns, double least, double **values)
{
    fc_status status =
        fc__model_load_doubles(h5, object, group, name, rows, columns, least, values);
    return status == FC_OK && !*values
               ? fc__fail(h5->context, FC_ERROR_DATA, "%s: damaged model: %s: %s is missing",
                          h5->path, group, name)
               : status;
}
