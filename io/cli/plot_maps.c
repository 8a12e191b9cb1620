#include "io/cli/plot.h"
#include "io/cli/progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- panels */

static fc_status read_range(const cli_plot_job *job, double range[2])
{
    char low[64];
    const char *text = job->options->range, *comma = text ? strchr(text, ',') : NULL;
    range[0] = range[1] = 0.0;
    if (!text)
        return FC_OK;
    if (comma && (size_t)(comma - text) < sizeof low) {
        snprintf(low, sizeof low, "%.*s", (int)(comma - text), text);
        if (cli_parse_real(low, &range[0]) && cli_parse_real(comma + 1, &range[1]) &&
            range[0] < range[1])
            return FC_OK;
    }
    return cli_fail(job->session, FC_ERROR_USAGE,
                    "--range %s: must be two numbers, the smaller first, such as 270,300", text);
}

/* Diverging where values lie on both sides of zero in earnest. */
static bool is_diverging(const double range[2])
{
    return range[0] < 0.0 && range[1] > 0.0 &&
           fmin(-range[0], range[1]) > 0.2 * fmax(-range[0], range[1]);
}

fc_panel cli_plot_panel(const cli_plot_job *job, cli_plot_kind kind, const cli_map *map,
                        const char *note)
{
    static const char *const names[CLI_PLOT_KINDS] = {"truth", "forecast", "forecast − truth",
                                                      "std. deviation"};
    cli_plot_kind kinds[CLI_PLOT_KINDS];
    bool alone = cli_plot_kinds(job, kinds) == 1;
    const fc_domain *domain = &job->field.slice.domain;
    const double *range = job->range[kind];
    fc_panel panel = {.title = alone ? NULL : names[kind],
                      .note = note,
                      .units = job->units,
                      .x = cli_plot_axis(job, 0),
                      .values = map->values,
                      .width = map->width,
                      .height = map->height,
                      .point_count = map->points.count,
                      .points = map->points.coordinates,
                      .point_values = map->points.values};
    panel.x.lower = map->extent[0];
    panel.x.upper = map->extent[1];
    if (domain->dims == 2) {
        panel.y = cli_plot_axis(job, 1);
        panel.equal = strcmp(domain->axis[0].units, domain->axis[1].units) == 0 ||
                      domain->axis[1].kind == FC_AXIS_LATITUDE;
    }
    panel.y.lower = map->extent[2];
    panel.y.upper = map->extent[3];
    if (range[0] <= range[1]) {
        panel.diverging = kind == CLI_PLOT_ERROR || is_diverging(range);
        panel.range[0] = kind == CLI_PLOT_DEVIATION ? 0.0 : range[0];
        panel.range[1] = range[1];
    }
    bool field = kind == CLI_PLOT_FIELD || kind == CLI_PLOT_TRUTH;
    double wanted[2];
    if (field && job->options->range && read_range(job, wanted) == FC_OK) {
        panel.range[0] = wanted[0];
        panel.range[1] = wanted[1];
        panel.diverging = wanted[0] == -wanted[1];
    }
    if (kind == CLI_PLOT_FIELD && job->mark_count) {
        panel.mark_count = job->mark_count;
        panel.marks = job->marks;
    }
    return panel;
}

size_t cli_plot_columns(const cli_plot_job *job, size_t items)
{
    cli_plot_kind kinds[CLI_PLOT_KINDS];
    size_t row = cli_plot_kinds(job, kinds);
    if (job->options->columns)
        return job->options->columns;
    if (row > 1)
        return row;
    return items <= 3 ? items : items == 4 ? 2 : items <= 9 ? 3 : 4;
}

/* ---------------------------------------------------------------- rows of maps */

/* The kinds of one time. */
typedef struct map_row {
    size_t count;
    cli_plot_kind kinds[CLI_PLOT_KINDS];
    cli_map maps[CLI_PLOT_KINDS];
    fc_panel panels[CLI_PLOT_KINDS];
    char note[CLI_PLOT_TEXT];
} map_row;

static void row_clear(map_row *row)
{
    for (size_t k = 0; k < row->count; ++k)
        cli_map_clear(&row->maps[k]);
}

static fc_status row_make(cli_plot_job *job, size_t index, map_row *row)
{
    fc_status status = FC_OK;
    cli_plane plane;
    *row = (map_row){0};
    row->count = cli_plot_kinds(job, row->kinds);
    cli_plot_time(job, cli_plot_sequence(job, &job->field)->frames[index].time, row->note);
    for (size_t k = 0; k < row->count; ++k) {
        const cli_plot_source *source =
            row->kinds[k] == CLI_PLOT_TRUTH || row->kinds[k] == CLI_PLOT_ERROR ? &job->truth
                                                                               : &job->field;
        CLI_TRY(cli_plot_plane(job, row->kinds[k], index, &plane));
        CLI_TRY(cli_map_make(job->session, &source->slice.domain, &plane, &row->maps[k]));
    }
done:
    return status;
}

/* When the ranges of all that is drawn are known. */
static void row_fill(const cli_plot_job *job, map_row *row, fc_plot_item *items)
{
    for (size_t k = 0; k < row->count; ++k) {
        row->panels[k] = cli_plot_panel(job, row->kinds[k], &row->maps[k], row->note);
        items[k] = (fc_plot_item){.panel = &row->panels[k]};
    }
}

fc_status cli_plot_maps(cli_plot_job *job)
{
    fc_status status;
    double range[2];
    fc_plot_item items[CLI_PLOT_FRAMES_MAX * CLI_PLOT_KINDS];
    map_row *rows = NULL;
    size_t count = 0;
    CLI_TRY(cli_allocate(job->session, job->frame_count, sizeof *rows, &rows));
    CLI_TRY(read_range(job, range));
    for (size_t i = 0; i < job->frame_count; ++i)
        CLI_TRY(row_make(job, job->frames[i], &rows[i]));
    for (size_t i = 0; i < job->frame_count; ++i) {
        row_fill(job, &rows[i], items + count);
        count += rows[i].count;
    }
    LIB_TRY(job->session, fc_plot(job->session->context, job->options->output, job->title, count,
                                  items, cli_plot_columns(job, count)));
done:
    for (size_t i = 0; rows && i < job->frame_count; ++i)
        row_clear(&rows[i]);
    free(rows);
    return status;
}

/* ---------------------------------------------------------------- films */

static fc_status step(cli_plot_job *job, cli_progress *progress, const char *stage, size_t done)
{
    cli_report report = {.stage = stage,
                         .share = (double)done / (double)job->frame_count,
                         .loss = NAN,
                         .validation = NAN};
    cli_progress_report(progress, &report);
    return fc_context_interrupted(job->session->context) ? FC_INTERRUPTED : FC_OK;
}

/* All frames once, so that they have the same colours. */
static fc_status find_ranges(cli_plot_job *job, cli_progress *progress)
{
    fc_status status = FC_OK;
    cli_plot_kind kinds[CLI_PLOT_KINDS];
    size_t count = cli_plot_kinds(job, kinds);
    for (size_t i = 0; i < job->frame_count; ++i) {
        CLI_TRY(step(job, progress, "ranges", i));
        for (size_t k = 0; k < count; ++k) {
            cli_plane plane;
            CLI_TRY(cli_plot_plane(job, kinds[k], job->frames[i], &plane));
            cli_plane_clear(&plane);
        }
    }
done:
    return status;
}

static fc_status add_maps(cli_plot_job *job, fc_film *film, size_t index)
{
    map_row row;
    fc_plot_item items[CLI_PLOT_KINDS];
    fc_status status = row_make(job, index, &row);
    if (status == FC_OK) {
        row_fill(job, &row, items);
        size_t columns = cli_plot_columns(job, row.count);
        status =
            cli_library(job->session, fc_film_add(film, job->title, row.count, items, columns));
    }
    row_clear(&row);
    return status;
}

static fc_status add_frames(cli_plot_job *job, cli_progress *progress, fc_film *film)
{
    fc_status status = FC_OK;
    bool lines = job->field.slice.domain.dims == 1;
    for (size_t i = 0; i < job->frame_count; ++i) {
        CLI_TRY(step(job, progress, "frames", i));
        CLI_TRY(lines ? cli_plot_add_lines(job, film, job->frames[i])
                      : add_maps(job, film, job->frames[i]));
    }
done:
    return status;
}

fc_status cli_plot_film(cli_plot_job *job)
{
    fc_status status;
    fc_film *film = NULL;
    cli_progress progress;
    double range[2];
    CLI_TRY(read_range(job, range));
    LIB_TRY(job->session, fc_film_create(job->session->context, job->options->output,
                                         &job->options->film, &film));
    CLI_TRY(cli_progress_start(job->session, &progress, false, false, NULL));
    status = find_ranges(job, &progress);
    if (status == FC_OK)
        status = add_frames(job, &progress, film);
    if (status == FC_OK)
        status = cli_library(job->session, fc_film_finish(film));
    fc_status finished = cli_progress_finish(job->session, &progress);
    if (status == FC_INTERRUPTED)
        cli_note(job->session, "interrupted; %s was not written", job->options->output);
    CLI_TRY(status);
    CLI_TRY(finished);
done:
    fc_film_destroy(film);
    return status;
}
