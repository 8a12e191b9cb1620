/* guard.h: HDF5 1.10 breaks down on some damaged files. */
#ifndef FC_CLI_GUARD_H
#define FC_CLI_GUARD_H

#include "io/cli/cli.h"

/* Has a child process walk through a file, or the first of a pattern, before this one does;
 * FC_ERROR_DATA when it does not survive that. Any other fault is left to who reads the file. */
FC_NODISCARD fc_status cli_guard(const cli_session *session, const char *path);

#endif
