/* expression.h: channels that are computed from the variables of a file, and conditions that say
 * where values count. An expression sees one place at one time; what is missing in any of its
 * variables is missing in its result.
 */
#ifndef FC_IO_EXPRESSION_H
#define FC_IO_EXPRESSION_H

#include "io/dataset_file.h"

/* What fc_read_config asks for, taken apart. */
typedef struct fc__request {
    size_t count;   /* channels; 0 = those that the file offers */
    char **name;    /* (count) */
    char **text;    /* (count) expression, NULL for the variable of that name */
    char *where;    /* NULL = everywhere */
    fc__names used; /* variables of all expressions, each once */
} fc__request;

/* FC_ERROR_USAGE, with the place of the fault, for what is no list of names and expressions. */
fc_status fc__request_parse(fc_context *context, const fc_read_config *config,
                            fc__request *request);
void fc__request_release(fc__request *request);
bool fc__request_computes(const fc__request *request);

/* A variable without a time axis on a set of points, as fc__format.read_static, and its units. */
typedef fc_status fc__read_constant(void *user, size_t points, const char *name, float *values,
                                    char units[FC_NAME_SIZE]);

/* A dataset of the requested channels that computes them from `inner`, an unread dataset whose
 * channels are the plain variables of the request and those used that change with time. Used names
 * that are no channels are axes of the domain, or come from read_constant. The dataset owns inner,
 * which is destroyed on failure as well. */
fc_status fc__expression_open(fc_context *context, const char *path, const fc__request *request,
                              fc_dataset *inner, fc__read_constant *read_constant, void *user,
                              fc_dataset **dataset);

#endif
