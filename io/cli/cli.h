/* cli.h: what the commands of the program share: a session, its failures, and the table of
 * commands. The program sees only the public headers of the library. */
#ifndef FC_CLI_H
#define FC_CLI_H

#include "io/io.h"

#include <stdio.h>

typedef struct cli_session {
    const char *command; /* "train"; "" before one is known */
    fc_context *context; /* NULL until cli_start */
    fc_engine *engine;   /* of the context, NULL = the processor */
} cli_session;

typedef fc_status cli_command_run(cli_session *session, int argc, char **argv);

cli_command_run cli_generate, cli_info, cli_validate, cli_train, cli_evaluate, cli_forecast,
    cli_plot, cli_doctor;

/* Creates the session's context and lets SIGINT and SIGTERM interrupt it. */
FC_NODISCARD fc_status cli_start(cli_session *session, size_t threads);

/* ---------------------------------------------------------------- failures and notes */

/* Prints "fieldcast COMMAND: message" and returns `status`. */
fc_status cli_fail(const cli_session *session, fc_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void cli_note(const cli_session *session, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Prints the message of a failed library call; says nothing for FC_OK and FC_INTERRUPTED. */
fc_status cli_library(const cli_session *session, fc_status status);
fc_status cli_no_memory(const cli_session *session, size_t count, size_t size);

/* A call into the local `status` that leaves for the local label `done` if it failed: CLI_TRY for
 * functions of the program, which report their own failures, LIB_TRY for those of the library. */
#define CLI_TRY(call)                                                                              \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != FC_OK)                                                                       \
            goto done;                                                                             \
    } while (0)
#define LIB_TRY(session, call) CLI_TRY(cli_library((session), (call)))

/* ---------------------------------------------------------------- small things */

/* Zeroed memory for `count` things of `size` bytes, at least one byte; *pointer = NULL on failure.
 */
FC_NODISCARD fc_status cli_allocate(const cli_session *session, size_t count, size_t size,
                                    void *pointer);
double cli_seconds(void); /* monotonic clock */
/* Whether stdout took everything that was written to it. */
FC_NODISCARD fc_status cli_flush_output(const cli_session *session);

/* The name among `count` that is nearest to `text`, or NULL when none is near. */
const char *cli_nearest(const char *text, size_t count, const char *const *names);

#endif
