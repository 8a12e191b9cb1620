#include "io/cli/csv.h"
#include "io/cli/data_source.h"
#include "io/cli/guard.h"
#include "io/cli/plot.h"
#include "io/cli/query.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- words */

/* "kg m-2 s-1" with raised exponents, which follow a letter and end a word. */
static void raise_exponents(const char *units, char *text, size_t size)
{
    static const char *const raised[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    size_t length = 0;
    text[0] = '\0';
    for (const char *c = cli_short_units(units), *word = c; *c && length + 8 < size; ++c) {
        bool exponent = c > word && isalpha((unsigned char)c[-1]) && c[0] == '-' &&
                        isdigit((unsigned char)c[1]) && strchr(" ./", c[2]);
        if (!exponent) {
            text[length++] = *c;
            text[length] = '\0';
            continue;
        }
        length += (size_t)snprintf(text + length, size - length, "⁻%s", raised[c[1] - '0']);
        ++c;
    }
}

static fc_scale scale_of(const fc_axis *axis)
{
    return axis->kind == FC_AXIS_LONGITUDE  ? FC_SCALE_LONGITUDE
           : axis->kind == FC_AXIS_LATITUDE ? FC_SCALE_LATITUDE
                                            : FC_SCALE_LINEAR;
}

/* Degrees stand at the ticks of longitude and latitude. */
static void label_axes(cli_plot_job *job)
{
    const fc_domain *domain = &job->field.slice.domain;
    for (size_t d = 0; d < domain->dims; ++d) {
        const fc_axis *axis = &domain->axis[d];
        const char *units = scale_of(axis) == FC_SCALE_LINEAR ? cli_short_units(axis->units) : "";
        snprintf(job->labels[d], CLI_PLOT_TEXT, "%s%s%s%s", axis->name, units[0] ? " (" : "", units,
                 units[0] ? ")" : "");
    }
}

fc_plot_axis cli_plot_axis(const cli_plot_job *job, size_t axis)
{
    return (fc_plot_axis){.label = job->labels[axis],
                          .scale = scale_of(&job->field.slice.domain.axis[axis])};
}

void cli_plot_time(const cli_plot_job *job, double time, char text[CLI_PLOT_TEXT])
{
    const fc_time_axis *axis = &job->field.dataset->time;
    char plain[64], lead[64] = "";
    bool date = axis->calendar[0] != '\0';
    const char *units = date ? "" : cli_short_units(axis->units);
    cli_time_text(axis, time, plain, sizeof plain);
    char *middle = date ? strchr(plain, 'T') : NULL;
    if (middle)
        *middle = ' ';
    if (isfinite(job->start) && time != job->start && (date || job->start != 0.0))
        fc_lead_format(axis, time - job->start, lead, sizeof lead);
    snprintf(text, CLI_PLOT_TEXT, "%s%s%s%s%s%s", date ? "" : "t = ", plain, units[0] ? " " : "",
             units, lead[0] ? ", +" : "", lead);
}

static void name_page(cli_plot_job *job)
{
    const cli_plot_source *field = &job->field;
    const fc_channel *channel = &field->dataset->channels[field->channel];
    char sequence[48] = "", cuts[CLI_PLOT_TEXT / 2];
    if (!field->dataset->record && field->dataset->sequence_count > 1)
        snprintf(sequence, sizeof sequence, ", sequence %zu", job->options->sequence);
    cli_slice_text(&field->slice, field->dataset, cuts, sizeof cuts);
    bool worded = channel->long_name[0] && !strpbrk(channel->long_name, "$\\"); /* no TeX */
    snprintf(job->title, CLI_PLOT_TEXT, "%s%s%s", worded ? channel->long_name : channel->name,
             sequence, cuts);
    raise_exponents(channel->units, job->units, sizeof job->units);
}

/* ---------------------------------------------------------------- frames */

const fc_sequence *cli_plot_sequence(const cli_plot_job *job, const cli_plot_source *source)
{
    return source->dataset ? &source->dataset->sequences[job->options->sequence] : NULL;
}

static const fc_frame *nearest_frame(const fc_sequence *sequence, double time)
{
    const fc_frame *frames = sequence->frames, *nearest = &frames[0];
    for (size_t f = 1; f < sequence->frame_count; ++f)
        if (fabs(frames[f].time - time) < fabs(nearest->time - time))
            nearest = &frames[f];
    return nearest;
}

const fc_frame *cli_plot_frame_at(const fc_sequence *sequence, double time)
{
    const fc_frame *frames = sequence->frames, *nearest = nearest_frame(sequence, time);
    double span = frames[sequence->frame_count - 1].time - frames[0].time;
    double slack = 1e-3 * span / (double)sequence->frame_count + 1e-9 * fabs(time);
    return fabs(nearest->time - time) <= slack ? nearest : NULL;
}

static fc_status load(const cli_plot_job *job, const cli_plot_source *source, const fc_frame *frame)
{
    const fc_sequence *sequence = cli_plot_sequence(job, source);
    return cli_library(job->session, fc_dataset_load(job->session->context, source->dataset,
                                                     job->options->sequence,
                                                     (size_t)(frame - sequence->frames), 1));
}

static void unload(const cli_plot_job *job, const cli_plot_source *source, const fc_frame *frame)
{
    const fc_sequence *sequence = cli_plot_sequence(job, source);
    fc_dataset_unload(source->dataset, job->options->sequence, (size_t)(frame - sequence->frames),
                      1);
}

/* ---------------------------------------------------------------- planes */

size_t cli_plot_kinds(const cli_plot_job *job, cli_plot_kind kinds[CLI_PLOT_KINDS])
{
    size_t count = 0;
    if (job->truth.dataset)
        kinds[count++] = CLI_PLOT_TRUTH;
    kinds[count++] = CLI_PLOT_FIELD;
    if (job->truth.dataset)
        kinds[count++] = CLI_PLOT_ERROR;
    if (job->deviation.dataset)
        kinds[count++] = CLI_PLOT_DEVIATION;
    return count;
}

static fc_status plane_of(const cli_plot_job *job, const cli_plot_source *source,
                          const fc_frame *frame, cli_plane *plane)
{
    fc_status status;
    CLI_TRY(load(job, source, frame));
    CLI_TRY(cli_plane_make(job->session, source->dataset, &source->slice, frame, source->channel,
                           plane));
done:
    unload(job, source, frame);
    return status;
}

/* Forecast minus truth at the points of the truth. */
static fc_status plane_of_error(const cli_plot_job *job, const fc_frame *forecast,
                                const fc_frame *truth, cli_plane *plane)
{
    fc_status status;
    const cli_plot_source *source = &job->truth;
    const fc_points *points = &source->dataset->points[truth->points];
    size_t channels = source->dataset->channel_count;
    float *values = NULL;
    CLI_TRY(load(job, &job->field, forecast));
    CLI_TRY(load(job, source, truth));
    fc_frame error = *truth;
    CLI_TRY(cli_allocate(job->session, points->count * channels, sizeof *values, &values));
    CLI_TRY(cli_resample(job->session, job->field.dataset, forecast, job->field.channel,
                         points->count, points->coordinates, values));
    /* Spread from the first channel's places to the truth's, last first. */
    for (size_t p = points->count; p-- > 0;) {
        float value = values[p] - truth->values[p * channels + source->channel];
        values[p * channels + source->channel] = value;
    }
    error.values = values;
    CLI_TRY(cli_plane_make(job->session, source->dataset, &source->slice, &error, source->channel,
                           plane));
done:
    unload(job, &job->field, forecast);
    unload(job, source, truth);
    free(values);
    return status;
}

static void widen(double range[2], const cli_plane *plane)
{
    for (size_t p = 0; p < plane->count; ++p)
        if (isfinite(plane->values[p])) {
            range[0] = fmin(range[0], plane->values[p]);
            range[1] = fmax(range[1], plane->values[p]);
        }
}

fc_status cli_plot_plane(cli_plot_job *job, cli_plot_kind kind, size_t index, cli_plane *plane)
{
    fc_status status;
    const fc_frame *frame = &cli_plot_sequence(job, &job->field)->frames[index];
    const fc_sequence *truths = cli_plot_sequence(job, &job->truth);
    const fc_frame *truth = truths ? cli_plot_frame_at(truths, frame->time) : NULL;
    *plane = (cli_plane){0};
    if (truths && !truth)
        return cli_fail(job->session, FC_ERROR_USAGE, "%s: has no frame at time %g",
                        job->options->truth, frame->time);
    if (kind == CLI_PLOT_TRUTH)
        status = plane_of(job, &job->truth, truth, plane);
    else if (kind == CLI_PLOT_ERROR)
        status = plane_of_error(job, frame, truth, plane);
    else if (kind == CLI_PLOT_DEVIATION)
        status = plane_of(job, &job->deviation,
                          &cli_plot_sequence(job, &job->deviation)->frames[index], plane);
    else
        status = plane_of(job, &job->field, frame, plane);
    if (status != FC_OK)
        return status;
    widen(job->range[kind], plane);
    /* One range for truth and forecast. */
    if (kind == CLI_PLOT_TRUTH)
        widen(job->range[CLI_PLOT_FIELD], plane);
    if (kind == CLI_PLOT_FIELD)
        widen(job->range[CLI_PLOT_TRUTH], plane);
    return FC_OK;
}

/* ---------------------------------------------------------------- times */

/* Frames at the times asked for. */
static fc_status named_frames(cli_plot_job *job, const fc_sequence *sequence)
{
    double *times = NULL;
    size_t count = 0;
    const cli_plot_options *o = job->options;
    size_t most = o->animate ? sequence->frame_count : CLI_PLOT_FRAMES_MAX;
    fc_status status =
        cli_query_dates(job->session, &job->field.dataset->time, o->times, &count, &times);
    if (status == FC_OK && count > most)
        status = cli_fail(job->session, FC_ERROR_USAGE, "--times: at most %zu", most);
    for (size_t i = 0; i < count && status == FC_OK; ++i) {
        const fc_frame *frame = cli_plot_frame_at(sequence, times[i]);
        if (!frame)
            status = cli_fail(job->session, FC_ERROR_USAGE,
                              "--times %s: %s has no frame at %g; its times reach from %g to %g",
                              o->times, o->file, times[i], sequence->frames[0].time,
                              sequence->frames[sequence->frame_count - 1].time);
        else
            job->frames[job->frame_count++] = (size_t)(frame - sequence->frames);
    }
    free(times);
    return status;
}

static fc_status refuse_truth(const cli_plot_job *job, const fc_sequence *sequence,
                              const fc_sequence *truth)
{
    char first[64], nearest[64];
    double time = sequence->frames[0].time;
    cli_time_text(&job->field.dataset->time, time, first, sizeof first);
    cli_time_text(&job->truth.dataset->time, nearest_frame(truth, time)->time, nearest,
                  sizeof nearest);
    return cli_fail(job->session, FC_ERROR_DATA,
                    "%s: has no frame at any time of %s: nearest to its first, %s, is %s",
                    job->options->truth, job->options->file, first, nearest);
}

/* Some frames spread over those that have a truth to compare with, where one was given; for a film
 * all of them. */
static fc_status spread_frames(cli_plot_job *job, const fc_sequence *sequence)
{
    const cli_plot_options *o = job->options;
    const fc_sequence *truth = cli_plot_sequence(job, &job->truth);
    size_t usable = 0;
    for (size_t f = 0; f < sequence->frame_count; ++f)
        usable += !truth || cli_plot_frame_at(truth, sequence->frames[f].time);
    if (usable == 0)
        return refuse_truth(job, sequence, truth);
    size_t wanted = o->animate && !o->frames_given ? usable : o->frames;
    size_t count = wanted < usable ? wanted : usable, next = 0;
    for (size_t f = 0, seen = 0; f < sequence->frame_count && next < count; ++f) {
        if (truth && !cli_plot_frame_at(truth, sequence->frames[f].time))
            continue;
        /* A single frame is the last: the hardest of a forecast. */
        size_t target = count == 1 ? usable - 1 : next * (usable - 1) / (count - 1);
        if (seen++ == target)
            job->frames[next++] = f;
    }
    job->frame_count = next;
    return FC_OK;
}

static fc_status choose_frames(cli_plot_job *job)
{
    const fc_sequence *sequence = cli_plot_sequence(job, &job->field);
    fc_status status = cli_allocate(job->session, sequence->frame_count + CLI_PLOT_FRAMES_MAX,
                                    sizeof(size_t), &job->frames);
    if (status != FC_OK)
        return status;
    return job->options->times ? named_frames(job, sequence) : spread_frames(job, sequence);
}

/* ---------------------------------------------------------------- reading */

/* A plot wants what is there: without the checks that training needs. */
static fc_status open_source(cli_plot_job *job, const char *path, const char *variables,
                             cli_plot_source *source)
{
    fc_status status;
    fc_read_config config = {.variables = variables};
    fc_dataset **dataset = &source->dataset;
    source->path = path;
    CLI_TRY(cli_guard(job->session, path));
    LIB_TRY(job->session, fc_dataset_open(job->session->context, path, &config, dataset));
    if (job->options->sequence >= (*dataset)->sequence_count) {
        status = cli_fail(job->session, FC_ERROR_USAGE, "--sequence %zu: %s has sequences 0 to %zu",
                          job->options->sequence, path, (*dataset)->sequence_count - 1);
        goto done;
    }
    CLI_TRY(cli_slice_make(job->session, *dataset, path, &job->options->at, &source->slice));
done:
    return status;
}

static fc_status read_deviation(cli_plot_job *job)
{
    char name[FC_NAME_SIZE + 8];
    const cli_plot_source *field = &job->field;
    fc_read_config config = {.variables = name};
    snprintf(name, sizeof name, "%s_std", field->dataset->channels[field->channel].name);
    /* Forecasts may come without. */
    fc_status status = fc_dataset_open(job->session->context, job->options->file, &config,
                                       &job->deviation.dataset);
    job->deviation.path = field->path;
    job->deviation.slice = field->slice;
    return status == FC_ERROR_MEMORY ? cli_library(job->session, status) : FC_OK;
}

static fc_status read_truth(cli_plot_job *job)
{
    fc_status status;
    const char *path = job->options->truth;
    const char *name = job->field.dataset->channels[job->field.channel].name;
    CLI_TRY(open_source(job, path, name, &job->truth));
    const fc_dataset *truth = job->truth.dataset;
    size_t *channel = &job->truth.channel;
    while (*channel < truth->channel_count && strcmp(truth->channels[*channel].name, name) != 0)
        ++*channel;
    if (*channel == truth->channel_count)
        status = cli_fail(job->session, FC_ERROR_DATA, "%s: has no variable %s", path, name);
    else if (truth->domain.dims != job->field.dataset->domain.dims)
        status = cli_fail(job->session, FC_ERROR_DATA, "%s: has %zu axes; %s has %zu", path,
                          truth->domain.dims, job->field.path, job->field.dataset->domain.dims);
done:
    return status;
}

/* Points of the table for the sequence drawn, where it has a column of that name. */
static fc_status read_marks(cli_plot_job *job)
{
    fc_status status;
    cli_table table;
    const fc_domain *domain = &job->field.slice.domain;
    CLI_TRY(cli_table_read(job->session, job->options->marks, &table));
    size_t x = cli_table_column(&table, domain->axis[0].name);
    size_t y = cli_table_column(&table, domain->axis[1].name);
    size_t sequence = cli_table_column(&table, "sequence");
    bool plain = !table.names && table.columns == 2;
    if (!plain && (x == SIZE_MAX || y == SIZE_MAX)) {
        status = cli_fail(job->session, FC_ERROR_DATA, "%s: needs columns %s and %s",
                          job->options->marks, domain->axis[0].name, domain->axis[1].name);
        goto done;
    }
    CLI_TRY(cli_allocate(job->session, table.rows, 2 * sizeof(double), &job->marks));
    for (size_t r = 0; r < table.rows; ++r) {
        const double *row = table.values + r * table.columns;
        if (sequence != SIZE_MAX && row[sequence] != (double)job->options->sequence)
            continue;
        double *mark = job->marks + 2 * job->mark_count++;
        mark[0] = row[plain ? 0 : x];
        mark[1] = row[plain ? 1 : y];
        if (!isfinite(mark[0]) || !isfinite(mark[1])) {
            status = cli_fail(job->session, FC_ERROR_DATA, "%s: line %zu: no finite place",
                              job->options->marks, table.line[r]);
            goto done;
        }
    }
done:
    cli_table_clear(&table);
    return status;
}

static fc_status read_all(cli_plot_job *job, fc_file_kind kind)
{
    fc_status status;
    const cli_plot_options *o = job->options;
    CLI_TRY(open_source(job, o->file, o->variable, &job->field));
    if (kind == FC_FILE_FORECAST) {
        CLI_TRY(read_deviation(job));
        LIB_TRY(job->session, fc_forecast_start(job->session->context, o->file, &job->start));
    }
    if (o->truth)
        CLI_TRY(read_truth(job));
    if (o->marks && job->field.slice.domain.dims != 2)
        status = cli_fail(job->session, FC_ERROR_USAGE,
                          "--marks: are drawn on maps; %s has one axis", o->file);
    else if (o->marks)
        status = read_marks(job);
done:
    return status;
}

fc_status cli_plot_fields(cli_session *session, const cli_plot_options *options, fc_file_kind kind)
{
    fc_status status;
    cli_plot_job job = {.session = session, .options = options, .start = NAN};
    for (int k = 0; k < CLI_PLOT_KINDS; ++k) {
        job.range[k][0] = INFINITY;
        job.range[k][1] = -INFINITY;
    }
    CLI_TRY(read_all(&job, kind));
    CLI_TRY(choose_frames(&job));
    label_axes(&job);
    name_page(&job);
    if (options->animate)
        status = cli_plot_film(&job);
    else
        status = job.field.slice.domain.dims == 1 ? cli_plot_lines(&job) : cli_plot_maps(&job);
done:
    fc_dataset_destroy(job.field.dataset);
    fc_dataset_destroy(job.deviation.dataset);
    fc_dataset_destroy(job.truth.dataset);
    free(job.frames);
    free(job.marks);
    return status;
}
