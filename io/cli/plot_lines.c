#include "io/cli/plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 2 * CLI_PLOT_FRAMES_MAX, ROWS_MAX = 1500 /* times of a space-time picture */ };

/* ---------------------------------------------------------------- lines */

/* A plane on one axis as a line. */
typedef struct line {
    size_t count;
    double *x, *y, *spread; /* (count) in the order of x; spread may be NULL */
} line;

static void line_clear(line *l)
{
    free(l->x);
    free(l->y);
    free(l->spread);
}

typedef struct place {
    double x;
    float value;
} place;

static int compare_places(const void *a, const void *b)
{
    double x = ((const place *)a)->x, y = ((const place *)b)->x;
    return (x > y) - (x < y);
}

/* The plane's values in the order of its axis. */
static fc_status sort_plane(const cli_session *session, const cli_plane *plane, double **x,
                            double **y)
{
    fc_status status;
    place *places = NULL;
    CLI_TRY(cli_allocate(session, plane->count, sizeof *places, &places));
    if (x)
        CLI_TRY(cli_allocate(session, plane->count, sizeof **x, x));
    CLI_TRY(cli_allocate(session, plane->count, sizeof **y, y));
    for (size_t p = 0; p < plane->count; ++p)
        places[p] = (place){plane->coordinates[p], plane->values[p]};
    qsort(places, plane->count, sizeof *places, compare_places);
    for (size_t p = 0; p < plane->count; ++p) {
        if (x)
            (*x)[p] = places[p].x;
        (*y)[p] = places[p].value;
    }
done:
    free(places);
    return status;
}

static fc_status make_line(cli_plot_job *job, cli_plot_kind kind, size_t index, bool spread,
                           line *l)
{
    fc_status status;
    cli_plane plane, deviation = {0};
    *l = (line){0};
    CLI_TRY(cli_plot_plane(job, kind, index, &plane));
    l->count = plane.count;
    CLI_TRY(sort_plane(job->session, &plane, &l->x, &l->y));
    if (spread) {
        CLI_TRY(cli_plot_plane(job, CLI_PLOT_DEVIATION, index, &deviation));
        if (deviation.count == plane.count)
            CLI_TRY(sort_plane(job->session, &deviation, NULL, &l->spread));
    }
done:
    cli_plane_clear(&plane);
    cli_plane_clear(&deviation);
    return status;
}

/* Lines of several times: forecast and truth of one time in one colour. */
typedef struct line_chart {
    size_t count;
    line lines[LINES_MAX];
    char names[LINES_MAX][CLI_PLOT_TEXT], label[2 * CLI_PLOT_TEXT], note[CLI_PLOT_TEXT];
    fc_series series[LINES_MAX];
    fc_chart chart;
} line_chart;

static void chart_clear(line_chart *c)
{
    for (size_t i = 0; c && i < c->count; ++i)
        line_clear(&c->lines[i]);
    free(c);
}

/* Adds a line; it is the chart's even where this fails. */
static fc_status add_line(cli_plot_job *job, line_chart *c, cli_plot_kind kind, size_t index,
                          bool spread, size_t colour)
{
    size_t i = c->count++;
    fc_status status = make_line(job, kind, index, spread, &c->lines[i]);
    c->series[i] =
        (fc_series){.name = c->names[i],
                    .count = c->lines[i].count,
                    .x = c->lines[i].x,
                    .y = c->lines[i].y,
                    .spread = c->lines[i].spread,
                    .stroke = kind == CLI_PLOT_TRUTH ? FC_STROKE_DASHED : FC_STROKE_SOLID,
                    .colour = colour};
    return status;
}

static void describe(cli_plot_job *job, line_chart *c)
{
    const fc_channel *channel = &job->field.dataset->channels[job->field.channel];
    snprintf(c->label, sizeof c->label, "%s%s%s%s", channel->name, job->units[0] ? " (" : "",
             job->units, job->units[0] ? ")" : "");
    c->chart = (fc_chart){.note = c->note,
                          .x = cli_plot_axis(job, 0),
                          .y = {.label = c->label},
                          .series_count = c->count,
                          .series = c->series};
}

/* One time: forecast with its error bars, and truth. */
static fc_status chart_at(cli_plot_job *job, size_t index, line_chart *c)
{
    fc_status status;
    bool compared = job->truth.dataset || job->deviation.dataset;
    CLI_TRY(add_line(job, c, CLI_PLOT_FIELD, index, job->deviation.dataset, 0));
    snprintf(c->names[0], CLI_PLOT_TEXT, "%s",
             !compared                ? ""
             : job->deviation.dataset ? "forecast ± standard deviation"
                                      : "forecast");
    if (job->truth.dataset) {
        CLI_TRY(add_line(job, c, CLI_PLOT_TRUTH, index, false, 1));
        snprintf(c->names[1], CLI_PLOT_TEXT, "truth");
    }
    cli_plot_time(job, cli_plot_sequence(job, &job->field)->frames[index].time, c->note);
    describe(job, c);
done:
    return status;
}

static fc_status chart_of_times(cli_plot_job *job, line_chart *c)
{
    fc_status status = FC_OK;
    const fc_sequence *sequence = cli_plot_sequence(job, &job->field);
    if (job->frame_count == 1)
        return chart_at(job, job->frames[0], c);
    for (size_t i = 0; i < job->frame_count; ++i) {
        CLI_TRY(add_line(job, c, CLI_PLOT_FIELD, job->frames[i], false, i));
        cli_plot_time(job, sequence->frames[job->frames[i]].time, c->names[c->count - 1]);
        if (job->truth.dataset)
            CLI_TRY(add_line(job, c, CLI_PLOT_TRUTH, job->frames[i], false, i));
    }
    snprintf(c->note, CLI_PLOT_TEXT, "%s", job->truth.dataset ? "dashed: truth" : "");
    describe(job, c);
    c->chart.graded = true;
done:
    return status;
}

fc_status cli_plot_add_lines(cli_plot_job *job, fc_film *film, size_t index)
{
    fc_status status;
    line_chart *c = NULL;
    CLI_TRY(cli_allocate(job->session, 1, sizeof *c, &c));
    CLI_TRY(chart_at(job, index, c));
    /* The range of all frames, with room for the error bars. */
    const double *range = job->range[CLI_PLOT_FIELD], *bars = job->range[CLI_PLOT_DEVIATION];
    double room = 0.05 * (range[1] - range[0]) + (bars[0] <= bars[1] ? bars[1] : 0.0);
    if (range[0] < range[1]) {
        c->chart.y.lower = range[0] - room;
        c->chart.y.upper = range[1] + room;
    }
    fc_plot_item item = {.chart = &c->chart};
    LIB_TRY(job->session, fc_film_add(film, job->title, 1, &item, 1));
done:
    chart_clear(c);
    return status;
}

/* ---------------------------------------------------------------- space and time */

/* The frame drawn in row `row` of `rows`. */
static size_t frame_of(size_t row, size_t rows, size_t frames)
{
    return rows < 2 ? 0 : row * (frames - 1) / (rows - 1);
}

static fc_status append(const cli_session *session, const cli_plane *line_plane, double time,
                        cli_plane *plane)
{
    size_t count = plane->count + line_plane->count;
    double *coordinates = realloc(plane->coordinates, count * 2 * sizeof *coordinates);
    if (coordinates)
        plane->coordinates = coordinates;
    float *values = coordinates ? realloc(plane->values, count * sizeof *values) : NULL;
    if (!values)
        return cli_no_memory(session, count, 2 * sizeof *coordinates);
    plane->values = values;
    for (size_t p = 0; p < line_plane->count; ++p) {
        plane->coordinates[2 * (plane->count + p)] = line_plane->coordinates[p];
        plane->coordinates[2 * (plane->count + p) + 1] = time;
        plane->values[plane->count + p] = line_plane->values[p];
    }
    plane->count = count;
    return FC_OK;
}

/* Every point and time of a kind as a map: the axis to the right, time upwards. */
static fc_status space_time(cli_plot_job *job, cli_plot_kind kind, cli_map *map)
{
    fc_status status = FC_OK;
    const fc_sequence *sequence = cli_plot_sequence(job, &job->field);
    const fc_sequence *truth = cli_plot_sequence(job, &job->truth);
    size_t frames = sequence->frame_count, rows = frames < ROWS_MAX ? frames : ROWS_MAX;
    fc_domain domain = {.dims = 2, .axis = {job->field.slice.domain.axis[0]}};
    cli_plane plane = {.dims = 2}, at_time = {0};
    for (size_t r = 0; r < rows; ++r) {
        size_t index = frame_of(r, rows, frames);
        double time = sequence->frames[index].time;
        if (truth && !cli_plot_frame_at(truth, time))
            continue;
        CLI_TRY(cli_plot_plane(job, kind, index, &at_time));
        CLI_TRY(append(job->session, &at_time, time, &plane));
        cli_plane_clear(&at_time);
    }
    CLI_TRY(cli_map_make(job->session, &domain, &plane, map));
done:
    cli_plane_clear(&at_time);
    cli_plane_clear(&plane);
    return status;
}

fc_status cli_plot_lines(cli_plot_job *job)
{
    fc_status status;
    cli_plot_kind kinds[CLI_PLOT_KINDS];
    cli_map maps[CLI_PLOT_KINDS] = {0};
    fc_panel panels[CLI_PLOT_KINDS];
    fc_plot_item items[CLI_PLOT_KINDS + 1];
    const fc_time_axis *time = &job->field.dataset->time;
    size_t count = 0, made = 0, all = cli_plot_kinds(job, kinds);
    char label[CLI_PLOT_TEXT];
    line_chart *c = NULL;
    bool dates = time->calendar[0] != '\0', units = !dates && strcmp(time->units, "1") != 0;
    snprintf(label, sizeof label, "time%s%s%s", units ? " (" : "", units ? time->units : "",
             units ? ")" : "");
    CLI_TRY(cli_allocate(job->session, 1, sizeof *c, &c));
    CLI_TRY(chart_of_times(job, c));
    items[count++] = (fc_plot_item){.chart = &c->chart};
    if (cli_plot_sequence(job, &job->field)->frame_count > 1)
        for (; made < all; ++made)
            CLI_TRY(space_time(job, kinds[made], &maps[made]));
    for (size_t k = 0; k < made; ++k) {
        panels[k] = cli_plot_panel(job, kinds[k], &maps[k], NULL);
        panels[k].y.label = label;
        panels[k].y.scale = FC_SCALE_TIME;
        panels[k].y.time = time;
        items[count++] = (fc_plot_item){.panel = &panels[k]};
    }
    size_t columns = job->options->columns ? job->options->columns : count <= 4 ? 2 : 3;
    LIB_TRY(job->session, fc_plot(job->session->context, job->options->output, job->title, count,
                                  items, columns));
done:
    for (size_t k = 0; k < CLI_PLOT_KINDS; ++k)
        cli_map_clear(&maps[k]);
    chart_clear(c);
    return status;
}
