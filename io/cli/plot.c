#include "io/cli/csv.h"
#include "io/cli/data_source.h"
#include "io/cli/options.h"
#include "io/cli/query.h"
#include "io/cli/raster.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PANELS_MAX = 64, TITLE_SIZE = 128 };

typedef struct plot_options {
    const char *file, *output, *truth, *marks, *times, *variable;
    size_t sequence, columns, frames;
} plot_options;

typedef struct plot_job {
    cli_session *session;
    const plot_options *options;
    fc_dataset *data, *deviation, *truth; /* deviation and truth may be missing */
    size_t channel;                       /* of data and deviation */
    size_t truth_channel;
    double *marks; /* (mark_count, 2) */
    size_t mark_count;
    size_t count; /* panels */
    fc_panel panels[PANELS_MAX];
    cli_raster rasters[PANELS_MAX];
    char titles[PANELS_MAX][TITLE_SIZE];
    char labels[2][TITLE_SIZE]; /* of the axes */
} plot_job;

/* ---------------------------------------------------------------- words */

/* "°E" and the like for the units of coordinates. */
static const char *short_units(const char *units)
{
    static const char *const shorts[][2] = {{"degrees_east", "°E"}, {"degrees_north", "°N"},
                                            {"degree_east", "°E"},  {"degree_north", "°N"},
                                            {"degrees", "°"},       {"1", ""}};
    for (size_t i = 0; i < sizeof shorts / sizeof shorts[0]; ++i)
        if (strcmp(units, shorts[i][0]) == 0)
            return shorts[i][1];
    return units;
}

static void label_axes(plot_job *job)
{
    const fc_domain *domain = &job->data->domain;
    for (size_t d = 0; d < 2 && d < domain->dims; ++d) {
        const char *units = short_units(domain->axis[d].units);
        snprintf(job->labels[d], TITLE_SIZE, "%s%s%s%s", domain->axis[d].name, units[0] ? " (" : "",
                 units, units[0] ? ")" : "");
    }
    if (domain->dims == 1)
        snprintf(job->labels[1], TITLE_SIZE, "%s",
                 job->data->time.units[0] == '1' ? "time" : job->data->time.units);
}

/* "t = 5 s" or "2010-01-16". */
static void time_text(const fc_time_axis *axis, double time, char *text, size_t size)
{
    char plain[64];
    bool date = axis->calendar[0] != '\0';
    const char *units = date ? "" : short_units(axis->units);
    cli_time_text(axis, time, plain, sizeof plain);
    snprintf(text, size, "%s%s%s%s", date ? "" : "t = ", plain, units[0] ? " " : "", units);
}

static void page_title(const plot_job *job, char *title, size_t size)
{
    const fc_channel *channel = &job->data->channels[job->channel];
    char sequence[48] = "";
    if (!job->data->record && job->data->sequence_count > 1)
        snprintf(sequence, sizeof sequence, ", sequence %zu", job->options->sequence);
    snprintf(title, size, "%s%s", channel->long_name[0] ? channel->long_name : channel->name,
             sequence);
}

/* ---------------------------------------------------------------- panels */

/* Takes the raster over. */
static fc_status add_panel(plot_job *job, cli_raster *raster, const char *name, const char *when)
{
    if (job->count == PANELS_MAX) {
        cli_raster_clear(raster);
        return cli_fail(job->session, FC_ERROR_USAGE, "at most %d panels can be drawn", PANELS_MAX);
    }
    size_t i = job->count++;
    snprintf(job->titles[i], TITLE_SIZE, "%s%s%s", name, name[0] && when[0] ? ", " : "", when);
    job->rasters[i] = *raster;
    job->panels[i] = (fc_panel){.title = job->titles[i],
                                .units = job->data->channels[job->channel].units,
                                .values = raster->values,
                                .width = raster->width,
                                .height = raster->height,
                                .x_label = job->labels[0],
                                .y_label = job->labels[1]};
    memcpy(job->panels[i].extent, raster->extent, sizeof raster->extent);
    return FC_OK;
}

static fc_status add_map(plot_job *job, const fc_dataset *dataset, const fc_frame *frame,
                         size_t channel, const char *name)
{
    char when[TITLE_SIZE];
    cli_raster raster;
    time_text(&dataset->time, frame->time, when, sizeof when);
    fc_status status = cli_raster_map(job->session, dataset, frame, channel, &raster);
    return status == FC_OK ? add_panel(job, &raster, name, when) : status;
}

/* One colour range for panels first, first + step, ..., diverging where values lie on both sides of
 * zero in earnest. */
static void share_range(plot_job *job, size_t first, size_t step)
{
    double lower = INFINITY, upper = -INFINITY;
    for (size_t i = first; i < job->count; i += step)
        for (size_t k = 0; k < job->rasters[i].width * job->rasters[i].height; ++k)
            if (isfinite(job->rasters[i].values[k])) {
                lower = fmin(lower, job->rasters[i].values[k]);
                upper = fmax(upper, job->rasters[i].values[k]);
            }
    for (size_t i = first; i < job->count; i += step) {
        job->panels[i].diverging =
            lower < 0.0 && upper > 0.0 && fmin(-lower, upper) > 0.2 * fmax(-lower, upper);
        job->panels[i].range[0] = lower;
        job->panels[i].range[1] = upper;
    }
}

/* ---------------------------------------------------------------- times */

/* The frame at a time, up to a thousandth of the sequence's mean interval; NULL if none. */
static const fc_frame *frame_at(const fc_sequence *sequence, double time)
{
    const fc_frame *frames = sequence->frames, *nearest = &frames[0];
    double span = frames[sequence->frame_count - 1].time - frames[0].time;
    double slack = 1e-3 * span / (double)sequence->frame_count + 1e-9 * fabs(time);
    for (size_t f = 1; f < sequence->frame_count; ++f)
        if (fabs(frames[f].time - time) < fabs(nearest->time - time))
            nearest = &frames[f];
    return fabs(nearest->time - time) <= slack ? nearest : NULL;
}

static const fc_sequence *truth_sequence(const plot_job *job)
{
    return job->truth ? &job->truth->sequences[job->options->sequence] : NULL;
}

/* Frames at the times asked for. */
static fc_status named_frames(plot_job *job, const fc_sequence *sequence, size_t *chosen,
                              size_t *count)
{
    double *times = NULL;
    fc_status status =
        cli_query_dates(job->session, &job->data->time, job->options->times, count, &times);
    if (status == FC_OK && *count > PANELS_MAX)
        status = cli_fail(job->session, FC_ERROR_USAGE, "--times: at most %d", PANELS_MAX);
    for (size_t i = 0; i < *count && status == FC_OK; ++i) {
        const fc_frame *frame = frame_at(sequence, times[i]);
        if (!frame)
            status = cli_fail(job->session, FC_ERROR_USAGE,
                              "--times %s: %s has no frame at %g; its times reach from %g to %g",
                              job->options->times, job->options->file, times[i],
                              sequence->frames[0].time,
                              sequence->frames[sequence->frame_count - 1].time);
        else
            chosen[i] = (size_t)(frame - sequence->frames);
    }
    free(times);
    return status;
}

/* Some frames spread over those that have a truth to compare with, where one was given. */
static fc_status spread_frames(plot_job *job, const fc_sequence *sequence, size_t *chosen,
                               size_t *count)
{
    const fc_sequence *truth = truth_sequence(job);
    size_t usable = 0, wanted = job->options->frames;
    for (size_t f = 0; f < sequence->frame_count; ++f)
        usable += !truth || frame_at(truth, sequence->frames[f].time);
    if (usable == 0)
        return cli_fail(job->session, FC_ERROR_DATA, "%s: has no frame at any time of %s",
                        job->options->truth, job->options->file);
    *count = wanted < usable ? wanted : usable;
    for (size_t f = 0, seen = 0, next = 0; f < sequence->frame_count && next < *count; ++f) {
        if (truth && !frame_at(truth, sequence->frames[f].time))
            continue;
        /* A single frame is the last: the hardest of a forecast. */
        size_t target = *count == 1 ? usable - 1 : next * (usable - 1) / (*count - 1);
        if (seen++ == target)
            chosen[next++] = f;
    }
    return FC_OK;
}

static fc_status choose_frames(plot_job *job, const fc_sequence *sequence, size_t *chosen,
                               size_t *count)
{
    *count = 0;
    return job->options->times ? named_frames(job, sequence, chosen, count)
                               : spread_frames(job, sequence, chosen, count);
}

/* ---------------------------------------------------------------- pictures */

/* Forecast minus truth at the points of the truth. */
static fc_status add_error(plot_job *job, const fc_frame *forecast, const fc_frame *truth)
{
    fc_status status;
    const fc_points *points = &job->truth->points[truth->points];
    size_t channels = job->truth->channel_count;
    float *values = NULL;
    fc_frame error = *truth;
    CLI_TRY(cli_allocate(job->session, points->count * channels, sizeof *values, &values));
    CLI_TRY(cli_resample(job->session, job->data, forecast, job->channel, points->count,
                         points->coordinates, values));
    /* Spread from the first channel's places to the truth's, last first. */
    for (size_t p = points->count; p-- > 0;) {
        float value = values[p] - truth->values[p * channels + job->truth_channel];
        values[p * channels + job->truth_channel] = value;
    }
    error.values = values;
    CLI_TRY(add_map(job, job->truth, &error, job->truth_channel, "error"));
    job->panels[job->count - 1].diverging = true;
done:
    free(values);
    return status;
}

static void mark(plot_job *job, size_t panel)
{
    job->panels[panel].mark_count = job->mark_count;
    job->panels[panel].marks = job->marks;
}

/* A row of panels: truth, forecast, error and standard deviation, as far as they are there. */
static fc_status add_row(plot_job *job, size_t frame_index)
{
    fc_status status;
    const fc_frame *frame = &job->data->sequences[job->options->sequence].frames[frame_index];
    const fc_sequence *truths = truth_sequence(job);
    const fc_frame *truth = truths ? frame_at(truths, frame->time) : NULL;
    size_t first = job->count;
    if (truths && !truth)
        return cli_fail(job->session, FC_ERROR_USAGE, "%s: has no frame at time %g",
                        job->options->truth, frame->time);
    if (truth)
        CLI_TRY(add_map(job, job->truth, truth, job->truth_channel, "truth"));
    const char *name = truth || job->deviation ? "forecast" : "";
    CLI_TRY(add_map(job, job->data, frame, job->channel, name));
    mark(job, job->count - 1);
    share_range(job, first, 1);
    if (truth)
        CLI_TRY(add_error(job, frame, truth));
    if (job->deviation) {
        const fc_frame *deviation =
            &job->deviation->sequences[job->options->sequence].frames[frame_index];
        CLI_TRY(add_map(job, job->deviation, deviation, 0, "standard deviation"));
    }
done:
    return status;
}

static fc_status add_maps(plot_job *job)
{
    fc_status status;
    size_t *chosen = NULL, count = 0;
    const fc_sequence *sequence = &job->data->sequences[job->options->sequence];
    size_t room = sequence->frame_count > PANELS_MAX ? sequence->frame_count : PANELS_MAX;
    CLI_TRY(cli_allocate(job->session, room, sizeof *chosen, &chosen));
    CLI_TRY(choose_frames(job, sequence, chosen, &count));
    for (size_t i = 0; i < count; ++i)
        CLI_TRY(add_row(job, chosen[i]));
    if (!job->truth && !job->deviation)
        share_range(job, 0, 1);
done:
    free(chosen);
    return status;
}

static fc_status add_space_time(plot_job *job)
{
    fc_status status;
    cli_raster raster;
    size_t s = job->options->sequence;
    if (job->truth)
        return cli_fail(job->session, FC_ERROR_USAGE,
                        "--truth: is drawn for fields on two axes only; %s has one",
                        job->options->file);
    CLI_TRY(cli_raster_space_time(job->session, job->data, &job->data->sequences[s], job->channel,
                                  &raster));
    CLI_TRY(add_panel(job, &raster, job->deviation ? "forecast" : "", ""));
    share_range(job, 0, 1);
    if (!job->deviation)
        goto done;
    CLI_TRY(cli_raster_space_time(job->session, job->deviation, &job->deviation->sequences[s], 0,
                                  &raster));
    CLI_TRY(add_panel(job, &raster, "standard deviation", ""));
done:
    return status;
}

/* ---------------------------------------------------------------- reading */

static fc_status find_channel(const plot_job *job, const fc_dataset *dataset, const char *path,
                              const char *name, size_t *channel)
{
    for (*channel = 0; *channel < dataset->channel_count; ++*channel)
        if (strcmp(dataset->channels[*channel].name, name) == 0)
            return FC_OK;
    return cli_fail(job->session, FC_ERROR_DATA, "%s: has no variable %s", path, name);
}

static fc_status check_sequence(const plot_job *job, const fc_dataset *dataset, const char *path)
{
    if (job->options->sequence < dataset->sequence_count)
        return FC_OK;
    return cli_fail(job->session, FC_ERROR_USAGE, "--sequence %zu: %s has sequences 0 to %zu",
                    job->options->sequence, path, dataset->sequence_count - 1);
}

/* A plot wants what is there: without the checks that training needs. */
static fc_status read_data(plot_job *job, const char *path, const char *variables,
                           fc_dataset **dataset)
{
    fc_status status;
    fc_read_config config = {.variables = variables};
    LIB_TRY(job->session, fc_dataset_read(job->session->context, path, &config, dataset));
    CLI_TRY(check_sequence(job, *dataset, path));
done:
    return status;
}

static fc_status read_deviation(plot_job *job)
{
    char name[FC_NAME_SIZE + 8];
    fc_read_config config = {.variables = name};
    snprintf(name, sizeof name, "%s_std", job->data->channels[job->channel].name);
    /* Forecasts may come without. */
    fc_status status =
        fc_dataset_read(job->session->context, job->options->file, &config, &job->deviation);
    return status == FC_ERROR_MEMORY ? cli_library(job->session, status) : FC_OK;
}

/* Points of the table for the sequence drawn, where it has a column of that name. */
static fc_status read_marks(plot_job *job)
{
    fc_status status;
    cli_table table;
    CLI_TRY(cli_table_read(job->session, job->options->marks, &table));
    size_t x = cli_table_column(&table, job->data->domain.axis[0].name);
    size_t y = cli_table_column(&table, job->data->domain.axis[1].name);
    size_t sequence = cli_table_column(&table, "sequence");
    bool plain = !table.names && table.columns == 2;
    if (!plain && (x == SIZE_MAX || y == SIZE_MAX)) {
        status = cli_fail(job->session, FC_ERROR_DATA, "%s: needs columns %s and %s",
                          job->options->marks, job->data->domain.axis[0].name,
                          job->data->domain.axis[1].name);
        goto done;
    }
    CLI_TRY(cli_allocate(job->session, table.rows, 2 * sizeof(double), &job->marks));
    for (size_t r = 0; r < table.rows; ++r) {
        const double *row = table.values + r * table.columns;
        if (sequence != SIZE_MAX && row[sequence] != (double)job->options->sequence)
            continue;
        job->marks[2 * job->mark_count] = row[plain ? 0 : x];
        job->marks[2 * job->mark_count + 1] = row[plain ? 1 : y];
        ++job->mark_count;
    }
done:
    cli_table_clear(&table);
    return status;
}

static fc_status read_all(plot_job *job)
{
    fc_status status;
    const plot_options *o = job->options;
    fc_file_kind kind;
    LIB_TRY(job->session, fc_file_probe(job->session->context, o->file, &kind));
    if (kind == FC_FILE_MODEL)
        return cli_fail(job->session, FC_ERROR_DATA,
                        "%s: is a model; plot draws data and forecast files", o->file);
    CLI_TRY(read_data(job, o->file, o->variable, &job->data));
    if (job->data->domain.dims > 2)
        return cli_fail(job->session, FC_ERROR_DATA, "%s: has %zu axes; plot draws one or two",
                        o->file, job->data->domain.dims);
    const char *name = job->data->channels[job->channel].name;
    if (kind == FC_FILE_FORECAST)
        CLI_TRY(read_deviation(job));
    if (o->truth) {
        CLI_TRY(read_data(job, o->truth, name, &job->truth));
        CLI_TRY(find_channel(job, job->truth, o->truth, name, &job->truth_channel));
    }
    if (o->marks && job->data->domain.dims == 2)
        CLI_TRY(read_marks(job));
done:
    return status;
}

/* ---------------------------------------------------------------- command */

static fc_status run_job(plot_job *job)
{
    fc_status status;
    char title[2 * TITLE_SIZE];
    CLI_TRY(cli_output_check(job->session, job->options->output));
    CLI_TRY(cli_start(job->session, 1));
    CLI_TRY(read_all(job));
    label_axes(job);
    CLI_TRY(job->data->domain.dims == 1 ? add_space_time(job) : add_maps(job));
    page_title(job, title, sizeof title);
    size_t columns = job->options->columns;
    if (columns == 0)
        columns = job->data->domain.dims == 1 ? 1 : job->truth ? 3 + (job->deviation != NULL) : 2;
    LIB_TRY(job->session, fc_plot_panels(job->session->context, job->options->output, title,
                                         job->count, job->panels, columns));
done:
    return status;
}

static const char examples[] =
    "  fieldcast plot test.nc -o test.png --sequence 3\n"
    "  fieldcast plot forecast.nc -o forecast.pdf --truth test.nc --marks sensors.csv\n"
    "  fieldcast plot sst.nc -o sst.png --variable surface_temperature --times 2010-01-16\n";

fc_status cli_plot(cli_session *session, int argc, char **argv)
{
    plot_options o = {.frames = 4};
    bool helped;
    cli_option options[] = {
        CLI_OPT_ARGUMENT("FILE", &o.file, "data or forecast file"),
        CLI_OPT_OUTPUT("PICTURE", &o.output, "picture to write: .png, .pdf or .svg"),
        CLI_OPT_TEXT("--truth", "DATA", &o.truth, "compare a forecast with this data file"),
        CLI_OPT_TEXT("--marks", "FILE.csv", &o.marks, "points to mark, such as sensors"),
        CLI_OPT_COUNT("--sequence", "N", &o.sequence, 0, 1e12, "sequence to draw, from 0"),
        CLI_OPT_TEXT("--times", "T", &o.times, "times to draw, dates or numbers, a,b,c"),
        CLI_OPT_COUNT("--frames", "N", &o.frames, 1, 16, "number of times drawn without --times"),
        CLI_OPT_TEXT("--variable", "V", &o.variable, "variable to draw; the first by default"),
        CLI_OPT_COUNT("--columns", "N", &o.columns, 0, PANELS_MAX, "panels a row; 0 = chosen"),
    };
    const cli_syntax syntax = {.usage = "FILE -o PICTURE [options]",
                               .summary = "draw a data or forecast file",
                               .examples = examples,
                               .count = sizeof options / sizeof options[0],
                               .options = options};
    fc_status status = cli_parse(session, &syntax, argc, argv, &helped);
    if (status != FC_OK || helped)
        return status;
    plot_job *job;
    CLI_TRY(cli_allocate(session, 1, sizeof *job, &job));
    job->session = session;
    job->options = &o;
    if (o.truth && !cli_option_named(&syntax, "--frames")->given)
        o.frames = 3;
    status = run_job(job);
    for (size_t i = 0; i < job->count; ++i)
        cli_raster_clear(&job->rasters[i]);
    fc_dataset_destroy(job->data);
    fc_dataset_destroy(job->deviation);
    fc_dataset_destroy(job->truth);
    free(job->marks);
    free(job);
done:
    return status;
}
