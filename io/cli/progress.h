/* progress.h: a bar on a terminal, one JSON line a report elsewhere and in a log file. */
#ifndef FC_CLI_PROGRESS_H
#define FC_CLI_PROGRESS_H

#include "io/cli/cli.h"

typedef struct cli_progress {
    FILE *log;        /* NULL = none */
    const char *path; /* of the log */
    bool bar;         /* draw on stderr */
    bool lines;       /* JSON lines on stderr */
    bool drawn;       /* the terminal's last line is a bar */
    double started;   /* cli_seconds */
    double stage_started;
    double reported;       /* time of the last report, 0 = none in this stage */
    double share_at_start; /* of the stage: a resumed run does not begin at 0 */
    char stage[32];
} cli_progress;

typedef struct cli_report {
    const char *stage;
    double share;      /* done of the stage, 0..1 */
    double loss;       /* NaN = none */
    double validation; /* NaN = none */
} cli_report;

/* Reports go to stderr unless `quiet`: a bar on a terminal; elsewhere lines if `lines`. `log` may
 * be NULL; it is appended to. */
FC_NODISCARD fc_status cli_progress_start(const cli_session *session, cli_progress *progress,
                                          bool quiet, bool lines, const char *log);
/* Shows a report, unless it follows the last one too closely. */
void cli_progress_report(cli_progress *progress, const cli_report *report);
/* The library's progress callback; user is the cli_progress. */
void cli_progress_callback(void *user, const char *stage, uint64_t done, uint64_t total,
                           double loss);
/* Clears the bar and closes the log; FC_ERROR_IO when the log could not be written. */
FC_NODISCARD fc_status cli_progress_finish(const cli_session *session, cli_progress *progress);

#endif
