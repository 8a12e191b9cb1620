/* file_pattern.h: several files that are one dataset, named by a pattern with *, ? or [.
 */
#ifndef FC_IO_FILE_PATTERN_H
#define FC_IO_FILE_PATTERN_H

#include "io/io.h"

/* What is common to the files of a dataset and matters beyond it. */
typedef struct fc__file_traits {
    bool drops_missing;              /* as in fc__format */
    bool forecast;                   /* may have frames without any value */
    char checksum[FC_CHECKSUM_SIZE]; /* of all channels of one native file; "" = none */
} fc__file_traits;

/* One file as an unread dataset, expressions computed, nothing left out (source.c). */
fc_status fc__file_open(fc_context *context, const char *path, const fc_read_config *config,
                        fc_dataset **dataset, fc__file_traits *traits);

/* A path with wildcards that does not exist as it stands. */
bool fc__is_pattern(const char *path);

/* The first file that matches, or the path itself when it is no pattern; to be freed. */
fc_status fc__pattern_first(fc_context *context, const char *path, char **first);

/* As fc__file_open for the files that match, in the order of their names: records continue each
 * other in time, other sequences stand behind each other. */
fc_status fc__pattern_open(fc_context *context, const char *pattern, const fc_read_config *config,
                           fc_dataset **dataset, fc__file_traits *traits);

#endif
