/* source_file.h: a file and its format, of which any channels can be opened in turn: the reader of
 * a dataset, and what is asked about files as a whole.
 */
#ifndef FC_IO_SOURCE_FILE_H
#define FC_IO_SOURCE_FILE_H

#include "io/read/source.h"

typedef struct fc__source_file {
    fc__source source;
    const fc__format *format; /* NULL until it is known */
    char *path;
} fc__source_file;

/* Opens a file and finds its format. *file is to be destroyed whether or not this succeeded. */
fc_status fc__source_file_open(fc_context *context, const char *path, fc__source_file **file);
void fc__source_file_destroy(fc__source_file *file);

/* Opens the channels of a plain list of variables, NULL = those that the file offers:
 * source.dataset is then a dataset without values, whose reader destroys the file, unless it is
 * closed before. */
fc_status fc__source_file_channels(fc__source_file *file, const char *variables, size_t max_frames);
void fc__source_file_close_channels(fc__source_file *file);

#endif
