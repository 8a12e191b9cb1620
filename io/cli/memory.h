/* memory.h: how much memory a command may take. */
#ifndef FC_CLI_MEMORY_H
#define FC_CLI_MEMORY_H

#include "io/cli/cli.h"

/* "1500M", "2G", "0.5T" or a number of bytes, suffixes K M G T being powers of 1024; "" or NULL =
 * 0.
 */
FC_NODISCARD fc_status cli_memory_parse(const cli_session *session, const char *option,
                                        const char *text, size_t *bytes);
/* Bytes that programs can still have without swapping, SIZE_MAX when the system does not say. */
size_t cli_memory_free(void);

#endif
