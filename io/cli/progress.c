#include "io/cli/progress.h"

#include "io/cli/json.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

static const double bar_interval = 0.1;  /* seconds between two pictures of the bar */
static const double line_interval = 1.0; /* and between two lines */

fc_status cli_progress_start(const cli_session *session, cli_progress *progress, bool quiet,
                             bool lines, const char *log)
{
    bool terminal = isatty(STDERR_FILENO);
    *progress = (cli_progress){.path = log, .started = cli_seconds()};
    progress->bar = !quiet && terminal;
    progress->lines = !quiet && !terminal && lines;
    if (log) {
        progress->log = fopen(log, "a");
        if (!progress->log)
            return cli_fail(session, FC_ERROR_IO, "%s: cannot be opened: %s", log, strerror(errno));
    }
    return FC_OK;
}

static void clear_bar(cli_progress *progress)
{
    if (progress->drawn)
        fputs("\r\033[K", stderr);
    progress->drawn = false;
}

static void draw_bar(cli_progress *progress, const cli_report *report, double left)
{
    enum { CELLS = 28 };
    char bar[CELLS + 1], loss[32] = "", validation[48] = "", remaining[32] = "";
    int filled = (int)(report->share * CELLS);
    for (int i = 0; i < CELLS; ++i)
        bar[i] = i < filled ? '=' : i == filled ? '>' : ' ';
    bar[CELLS] = '\0';
    if (isfinite(report->loss))
        snprintf(loss, sizeof loss, "  loss %.2e", report->loss);
    if (isfinite(report->validation))
        snprintf(validation, sizeof validation, "  validation %.2e", report->validation);
    if (isfinite(left))
        snprintf(remaining, sizeof remaining, "  %d:%02d left", (int)left / 60, (int)left % 60);
    fprintf(stderr, "\r\033[K%-9s [%s] %3.0f %%%s%s%s", report->stage, bar, 100.0 * report->share,
            loss, validation, remaining);
    fflush(stderr);
    progress->drawn = true;
}

static void write_line(FILE *file, const cli_report *report, double seconds, double left)
{
    json_t *line = json_object();
    cli_json_text(line, "stage", report->stage);
    cli_json_real(line, "share", report->share);
    cli_json_real(line, "loss", report->loss);
    cli_json_real(line, "validation", report->validation);
    cli_json_real(line, "seconds", seconds);
    cli_json_real(line, "left", left);
    json_dumpf(line, file, JSON_COMPACT | JSON_REAL_PRECISION(6));
    fputc('\n', file);
    fflush(file);
    json_decref(line);
}

static void begin_stage(cli_progress *progress, const cli_report *report, double now)
{
    snprintf(progress->stage, sizeof progress->stage, "%s", report->stage);
    progress->stage_started = now;
    progress->share_at_start = report->share;
    progress->reported = 0.0;
}

void cli_progress_report(cli_progress *progress, const cli_report *report)
{
    double now = cli_seconds();
    if (strncmp(progress->stage, report->stage, sizeof progress->stage - 1) != 0)
        begin_stage(progress, report, now);
    double interval = progress->bar && !progress->log ? bar_interval : line_interval;
    bool last = report->share >= 1.0;
    if (!last && progress->reported > 0.0 && now - progress->reported < interval)
        return;
    progress->reported = now;
    double gained = report->share - progress->share_at_start;
    double left = NAN;
    if (gained > 0.0)
        left = (now - progress->stage_started) * (1.0 - report->share) / gained;
    if (progress->bar)
        draw_bar(progress, report, left);
    if (progress->lines)
        write_line(stderr, report, now - progress->started, left);
    if (progress->log)
        write_line(progress->log, report, now - progress->started, left);
}

void cli_progress_callback(void *user, const char *stage, uint64_t done, uint64_t total,
                           double loss)
{
    cli_report report = {.stage = stage,
                         .share = total > 0 ? fmin((double)done / (double)total, 1.0) : 0.0,
                         .loss = loss,
                         .validation = NAN};
    cli_progress_report(user, &report);
}

fc_status cli_progress_finish(const cli_session *session, cli_progress *progress)
{
    fc_status status = FC_OK;
    clear_bar(progress);
    if (progress->log && (ferror(progress->log) | fclose(progress->log)) != 0)
        status = cli_fail(session, FC_ERROR_IO, "%s: cannot be written", progress->path);
    progress->log = NULL;
    return status;
}
