/* output.h: text files that appear under their name only when whole. */
#ifndef FC_CLI_OUTPUT_H
#define FC_CLI_OUTPUT_H

#include "io/cli/cli.h"

typedef struct cli_output {
    FILE *file;
    const char *path;
    char *temporary; /* NULL when `path` itself is written: stdout, devices, pipes */
} cli_output;

/* "-" is stdout. */
FC_NODISCARD fc_status cli_output_open(const cli_session *session, const char *path,
                                       cli_output *output);
/* Gives the file its name. */
FC_NODISCARD fc_status cli_output_commit(const cli_session *session, cli_output *output);
/* Releases the output, and removes what was not committed. */
void cli_output_close(cli_output *output);

/* FC_ERROR_IO when no file of that name can be made, before hours of work depend on it. */
FC_NODISCARD fc_status cli_output_check(const cli_session *session, const char *path);

/* Whether the name ends so, in any case. */
bool cli_ends_with(const char *path, const char *ending);

#endif
