#include "io/cli/facts.h"
#include "io/cli/progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- times */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Keeps the longest. */
static void note_gap(cli_time_facts *facts, cli_gap gap)
{
    facts->gaps++;
    for (size_t i = 0; i < CLI_GAPS; ++i)
        if (gap.length > facts->gap[i].length) {
            cli_gap shorter = facts->gap[i];
            facts->gap[i] = gap;
            gap = shorter;
        }
}

static void find_gaps(const fc_dataset *dataset, cli_time_facts *facts)
{
    for (size_t s = 0; s < dataset->sequence_count; ++s) {
        const fc_frame *frames = dataset->sequences[s].frames;
        for (size_t f = 1; f < dataset->sequences[s].frame_count; ++f) {
            double length = frames[f].time - frames[f - 1].time;
            if (length > 1.5 * facts->median)
                note_gap(facts, (cli_gap){s, frames[f - 1].time, length});
        }
    }
}

static fc_status find_times(const cli_session *session, const fc_dataset *dataset, size_t frames,
                            cli_time_facts *facts)
{
    double *intervals;
    size_t count = 0;
    fc_status status = cli_allocate(session, frames, sizeof *intervals, &intervals);
    if (status != FC_OK)
        return status;
    *facts = (cli_time_facts){INFINITY, -INFINITY, NAN, NAN, NAN, 0, {{0}}, true};
    for (size_t s = 0; s < dataset->sequence_count; ++s) {
        const fc_sequence *sequence = &dataset->sequences[s];
        facts->first = fmin(facts->first, sequence->frames[0].time);
        facts->last = fmax(facts->last, sequence->frames[sequence->frame_count - 1].time);
        for (size_t f = 1; f < sequence->frame_count; ++f)
            intervals[count++] = sequence->frames[f].time - sequence->frames[f - 1].time;
    }
    if (count) {
        qsort(intervals, count, sizeof *intervals, compare_doubles);
        facts->shortest = intervals[0];
        facts->median = intervals[count / 2];
        facts->longest = intervals[count - 1];
        facts->even = facts->longest - facts->shortest <= 1e-6 * facts->median;
        find_gaps(dataset, facts);
    }
    free(intervals);
    return FC_OK;
}

/* ---------------------------------------------------------------- places */

/* Neighbours along each axis of a grid, whose first axis runs fastest. */
static void find_spacing(const fc_dataset *dataset, cli_facts *facts)
{
    const fc_points *points = &dataset->points[0];
    size_t dims = dataset->domain.dims, stride = 1;
    for (size_t d = 0; d < dims; ++d) {
        size_t length = points->grid[dims - 1 - d];
        cli_axis_facts *axis = &facts->axes[d];
        *axis = (cli_axis_facts){INFINITY, 0.0};
        for (size_t k = 1; k < length; ++k) {
            double step = fabs(points->coordinates[k * stride * dims + d] -
                               points->coordinates[(k - 1) * stride * dims + d]);
            axis->shortest = fmin(axis->shortest, step);
            axis->longest = fmax(axis->longest, step);
        }
        stride *= length;
    }
}

static void find_places(const fc_dataset *dataset, cli_facts *facts)
{
    double volume = 1.0;
    facts->fewest_points = SIZE_MAX;
    facts->grid = true;
    facts->points_sets = dataset->points_count;
    facts->distance = NAN;
    for (size_t d = 0; d < FC_MAX_DIMS; ++d)
        facts->axes[d] = (cli_axis_facts){NAN, NAN};
    for (size_t p = 0; p < dataset->points_count; ++p) {
        size_t count = dataset->points[p].count;
        facts->fewest_points = count < facts->fewest_points ? count : facts->fewest_points;
        facts->most_points = count > facts->most_points ? count : facts->most_points;
        facts->grid = facts->grid && dataset->points[p].grid[0] > 0;
    }
    if (facts->grid) {
        find_spacing(dataset, facts);
        return;
    }
    for (size_t d = 0; d < dataset->domain.dims; ++d)
        volume *= dataset->domain.axis[d].upper - dataset->domain.axis[d].lower;
    facts->distance = pow(volume / (double)facts->most_points, 1.0 / (double)dataset->domain.dims);
}

/* ---------------------------------------------------------------- all */

/* The pass over all values, with its progress. */
static fc_status examine(cli_session *session, cli_facts *facts)
{
    fc_status status, finished;
    cli_progress progress;
    CLI_TRY(cli_progress_start(session, &progress, false, false, NULL));
    fc_context_set_progress(session->context, cli_progress_callback, &progress);
    status = fc_dataset_examine(session->context, facts->path, facts->reading, &facts->dataset,
                                &facts->data);
    fc_context_set_progress(session->context, NULL, NULL);
    finished = cli_progress_finish(session, &progress);
    CLI_TRY(cli_library(session, status));
    status = finished;
done:
    return status;
}

fc_status cli_facts_gather(cli_session *session, const char *path, const fc_read_config *reading,
                           cli_facts *facts)
{
    fc_status status;
    *facts = (cli_facts){.path = path, .reading = reading, .fewest = SIZE_MAX};
    LIB_TRY(session, fc_file_describe(session->context, path, &facts->file));
    LIB_TRY(session,
            fc_file_variables(session->context, path, &facts->variable_count, &facts->variables));
    CLI_TRY(examine(session, facts));
    const fc_dataset *dataset = facts->dataset;
    facts->frames = cli_data_frames(dataset);
    for (size_t s = 0; s < dataset->sequence_count; ++s) {
        size_t frames = dataset->sequences[s].frame_count;
        facts->fewest = frames < facts->fewest ? frames : facts->fewest;
        facts->most = frames > facts->most ? frames : facts->most;
    }
    find_places(dataset, facts);
    CLI_TRY(find_times(session, dataset, facts->frames, &facts->time));
done:
    return status;
}

void cli_facts_release(cli_facts *facts)
{
    free(facts->variables);
    fc_data_facts_clear(&facts->data);
    fc_dataset_destroy(facts->dataset);
    *facts = (cli_facts){0};
}

void cli_facts_leads(const cli_facts *facts, char *text, size_t size)
{
    static const size_t steps[] = {1, 3, 6};
    size_t most = facts->most / 5, used = 0;
    double cycle = facts->dataset->time.cycle / facts->time.median;
    used = (size_t)snprintf(text, size, "1");
    for (size_t i = 1; i < sizeof steps / sizeof *steps; ++i)
        if (steps[i] <= most)
            used += (size_t)snprintf(text + used, size - used, ",%zu", steps[i]);
    if (cycle > 6.5 && cycle <= (double)most)
        snprintf(text + used, size - used, ",%.0f", cycle);
}
