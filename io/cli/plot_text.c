#include "io/cli/json.h"
#include "io/cli/plot.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- curves */

enum { CURVES_MAX = 8, DIVIDERS_MAX = 16, NAME_SIZE = 64, CHARTS_MAX = 2 };

/* Columns of numbers over a common first one. */
typedef struct curves {
    size_t count, room, rows;
    double *x, *y[CURVES_MAX]; /* (rows) NaN = none */
    fc_series series[CURVES_MAX];
} curves;

static void curves_clear(curves *c)
{
    free(c->x);
    for (size_t i = 0; i < CURVES_MAX; ++i)
        free(c->y[i]);
}

static fc_status curves_make(const cli_session *session, size_t rows, size_t count, curves *c)
{
    fc_status status;
    *c = (curves){.rows = rows, .count = count};
    CLI_TRY(cli_allocate(session, rows, sizeof(double), &c->x));
    for (size_t i = 0; i < count; ++i)
        CLI_TRY(cli_allocate(session, rows, sizeof(double), &c->y[i]));
done:
    return status;
}

/* Names the curve after those before it, unless none of its values is there. */
static void curves_name(curves *c, size_t column, const char *name, fc_stroke stroke, size_t colour)
{
    bool there = false;
    for (size_t i = 0; i < c->rows; ++i)
        there = there || isfinite(c->y[column][i]);
    if (there)
        c->series[c->room++] = (fc_series){.name = name,
                                           .count = c->rows,
                                           .x = c->x,
                                           .y = c->y[column],
                                           .stroke = stroke,
                                           .colour = colour};
}

static double number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static double score_of(const json_t *root, const char *baseline, const char *part)
{
    const json_t *object = baseline ? json_object_get(root, baseline) : root;
    return sqrt(number_of(part ? json_object_get(object, part) : object, "mse"));
}

/* ---------------------------------------------------------------- evaluations */

static fc_status plot_leads(cli_session *session, const cli_plot_options *o, const json_t *leads,
                            const char *title)
{
    static const char *const keys[] = {"rmse", "persistence_rmse", "climatology_rmse", "lim_rmse"};
    static const char *const names[] = {"fieldcast", "persistence", "climatology",
                                        "linear inverse model"};
    static const fc_stroke strokes[] = {FC_STROKE_SOLID, FC_STROKE_DASHED, FC_STROKE_DOTTED,
                                        FC_STROKE_DASHED};
    enum { KEYS = sizeof keys / sizeof keys[0] };
    fc_status status;
    curves c;
    CLI_TRY(curves_make(session, json_array_size(leads), KEYS, &c));
    for (size_t i = 0; i < c.rows; ++i) {
        const json_t *lead = json_array_get(leads, i);
        c.x[i] = number_of(lead, "lead");
        for (size_t k = 0; k < KEYS; ++k)
            c.y[k][i] = number_of(lead, keys[k]);
    }
    for (size_t k = 0; k < KEYS; ++k)
        curves_name(&c, k, names[k], strokes[k], k);
    if (c.room == 0) {
        status = cli_fail(session, FC_ERROR_DATA, "%s: its 'leads' have no errors, such as 'rmse'",
                          o->file);
        goto done;
    }
    double highest = 0.0;
    for (size_t s = 0; s < c.room; ++s)
        for (size_t i = 0; i < c.rows; ++i)
            if (isfinite(c.series[s].y[i]))
                highest = fmax(highest, c.series[s].y[i]);
    fc_chart chart = {.x = {.label = "lead time (steps)"},
                      .y = {.label = "RMSE", .upper = 1.06 * highest},
                      .series_count = c.room,
                      .series = c.series};
    fc_plot_item item = {.chart = &chart};
    LIB_TRY(session, fc_plot(session->context, o->output, title, 1, &item, 1));
done:
    curves_clear(&c);
    return status;
}

/* Errors of sequences over time, with the levels of the baselines and of the decoder. */
static fc_status plot_frames(cli_session *session, const cli_plot_options *o, const json_t *root,
                             const char *title)
{
    static const char *const baselines[] = {"persistence", "climatology", "floor"};
    static const char *const names[] = {"persistence, all times", "climatology, all times",
                                        "floor of the decoder"};
    fc_status status;
    curves c;
    const json_t *times = json_object_get(root, "frame_time");
    const json_t *errors = json_object_get(root, "frame_mse");
    CLI_TRY(curves_make(session, json_array_size(times), 4, &c));
    for (size_t i = 0; i < c.rows; ++i) {
        const json_t *time = json_array_get(times, i), *error = json_array_get(errors, i);
        c.x[i] = json_is_number(time) ? json_number_value(time) : NAN;
        c.y[0][i] = json_is_number(error) ? sqrt(json_number_value(error)) : NAN;
        for (size_t b = 0; b < 3; ++b) {
            double in = score_of(root, baselines[b], b < 2 ? "in_t" : NULL);
            double out = score_of(root, baselines[b], b < 2 ? "out_t" : NULL);
            c.y[b + 1][i] = isfinite(out) ? sqrt(0.5 * (in * in + out * out)) : in;
        }
    }
    curves_name(&c, 0, "fieldcast", FC_STROKE_SOLID, 0);
    for (size_t b = 0; b < 3; ++b)
        curves_name(&c, b + 1, names[b], b == 0 ? FC_STROKE_DASHED : FC_STROKE_DOTTED,
                    b < 2 ? b + 1 : 6);
    if (c.room == 0) {
        status = cli_fail(session, FC_ERROR_DATA, "%s: its 'frame_mse' has no number", o->file);
        goto done;
    }
    const double ends[2] = {c.x[0], c.x[c.rows - 1]};
    for (size_t s = 1; s < c.room && c.rows > 1; ++s) { /* levels need no more than their ends */
        c.series[s].count = 2;
        c.series[s].x = ends;
    }
    fc_chart chart = {.x = {.label = "lead time"},
                      .y = {.label = "RMSE", .scale = FC_SCALE_LOG},
                      .series_count = c.room,
                      .series = c.series};
    fc_plot_item item = {.chart = &chart};
    LIB_TRY(session, fc_plot(session->context, o->output, title, 1, &item, 1));
done:
    curves_clear(&c);
    return status;
}

static fc_status plot_evaluation(cli_session *session, const cli_plot_options *o,
                                 const json_t *root)
{
    const json_t *leads = json_object_get(root, "leads");
    const json_t *times = json_object_get(root, "frame_time");
    const json_t *errors = json_object_get(root, "frame_mse");
    char title[128];
    json_int_t sequences = json_integer_value(json_object_get(root, "sequences"));
    snprintf(title, sizeof title, "Forecast error");
    if (sequences > 1)
        snprintf(title, sizeof title, "Forecast error, mean over %lld sequences",
                 (long long)sequences);
    if (json_array_size(leads) > 0)
        return plot_leads(session, o, leads, title);
    if (json_array_size(times) > 0 && json_array_size(times) == json_array_size(errors))
        return plot_frames(session, o, root, title);
    return cli_fail(session, FC_ERROR_DATA,
                    "%s: is an evaluation without errors against lead time ('leads' of a record, "
                    "'frame_time' and 'frame_mse' of sequences), which this version of 'fieldcast "
                    "evaluate --json' writes",
                    o->file);
}

/* ---------------------------------------------------------------- training logs */

typedef struct training_log {
    curves curves; /* loss, validation over seconds */
    size_t lines;
    size_t dividers;
    double divider[DIVIDERS_MAX];
    char stage[DIVIDERS_MAX][NAME_SIZE];
    double before; /* seconds of the runs that this one resumed */
} training_log;

/* A line of the log; what is no report is passed over. */
static void read_report(training_log *log, const char *line)
{
    json_t *report = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    curves *c = &log->curves;
    const char *stage = json_string_value(json_object_get(report, "stage"));
    double seconds = number_of(report, "seconds"), share = number_of(report, "share");
    if (stage && isfinite(seconds) && isfinite(share) && c->rows < log->lines) {
        double last = c->rows ? c->x[c->rows - 1] : 0.0;
        if (log->before + seconds < last) /* the clock of a resumed run begins again */
            log->before = last;
        c->x[c->rows] = log->before + seconds;
        c->y[0][c->rows] = number_of(report, "loss");
        c->y[1][c->rows] = number_of(report, "validation");
        size_t d = log->dividers;
        if ((d == 0 || strncmp(log->stage[d - 1], stage, NAME_SIZE - 1) != 0) && d < DIVIDERS_MAX) {
            snprintf(log->stage[d], NAME_SIZE, "%s", stage);
            log->divider[d] = c->rows ? last : 0.0;
            ++log->dividers;
        }
        ++c->rows;
    }
    json_decref(report);
}

static fc_status plot_training(cli_session *session, const cli_plot_options *o, char *text)
{
    fc_status status;
    training_log *log = NULL;
    const char *names[DIVIDERS_MAX];
    CLI_TRY(cli_allocate(session, 1, sizeof *log, &log));
    for (const char *c = text; *c; ++c)
        log->lines += *c == '\n';
    ++log->lines;
    CLI_TRY(curves_make(session, log->lines, 2, &log->curves));
    log->curves.rows = 0;
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        read_report(log, line);
    }
    curves_name(&log->curves, 0, "training loss", FC_STROKE_SOLID, 0);
    curves_name(&log->curves, 1, "validation loss", FC_STROKE_DASHED, 1);
    if (log->curves.room == 0) {
        status = cli_fail(session, FC_ERROR_DATA,
                          "%s: has no losses; the log of 'fieldcast train --log' and the result of "
                          "'fieldcast evaluate --json' can be drawn",
                          o->file);
        goto done;
    }
    double last = log->curves.x[log->curves.rows - 1];
    for (size_t d = 0; d < log->dividers; ++d)
        names[d] = log->stage[d];
    fc_chart chart = {.x = {.label = "time (s)", .upper = last > 0.0 ? 1.02 * last : 1.0},
                      .y = {.label = "mean squared error of the codes", .scale = FC_SCALE_LOG},
                      .series_count = log->curves.room,
                      .series = log->curves.series,
                      .divider_count = log->dividers,
                      .dividers = log->divider,
                      .divider_names = names};
    fc_plot_item item = {.chart = &chart};
    LIB_TRY(session, fc_plot(session->context, o->output, "Training", 1, &item, 1));
done:
    if (log)
        curves_clear(&log->curves);
    free(log);
    return status;
}

/* ---------------------------------------------------------------- file */

static fc_status read_text(const cli_session *session, const char *path, char **text)
{
    enum { LARGEST = 1 << 28 };
    fc_status status = FC_OK;
    size_t length = 0, room = 0;
    FILE *file = fopen(path, "rb");
    *text = NULL;
    if (!file)
        return cli_fail(session, FC_ERROR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    for (;;) {
        if (room - length < 2) {
            room = room ? 2 * room : 1 << 16;
            char *grown = room <= LARGEST ? realloc(*text, room) : NULL;
            if (!grown) {
                status = cli_fail(session, FC_ERROR_DATA,
                                  "%s: is larger than the 256 MiB that a text of results may have",
                                  path);
                break;
            }
            *text = grown;
        }
        size_t got = fread(*text + length, 1, room - length - 1, file);
        length += got;
        (*text)[length] = '\0';
        if (got == 0)
            break;
    }
    if (status == FC_OK && ferror(file))
        status = cli_fail(session, FC_ERROR_IO, "%s: cannot be read: %s", path, strerror(errno));
    fclose(file);
    return status;
}

fc_status cli_plot_text(cli_session *session, const cli_plot_options *o)
{
    fc_status status;
    char *text = NULL;
    json_t *root = NULL;
    CLI_TRY(read_text(session, o->file, &text));
    root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    bool evaluation = json_object_get(root, "in_t") || json_object_get(root, "leads");
    CLI_TRY(evaluation ? plot_evaluation(session, o, root) : plot_training(session, o, text));
done:
    json_decref(root);
    free(text);
    return status;
}
