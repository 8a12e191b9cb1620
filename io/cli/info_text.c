/* The facts of a dataset as a person wants to see them. */
#include "io/cli/info.h"

#include <math.h>
#include <string.h>

const char *cli_axis_kind_text(fc_axis_kind kind)
{
    static const char *const texts[] = {"plain", "periodic", "longitude", "latitude"};
    return texts[kind];
}

void cli_info_print_axes(const fc_domain *domain)
{
    for (size_t d = 0; d < domain->dims; ++d) {
        const fc_axis *axis = &domain->axis[d];
        printf("  %-12s %s, %g to %g %s\n", axis->name, cli_axis_kind_text(axis->kind), axis->lower,
               axis->upper, strcmp(axis->units, "1") ? axis->units : "");
    }
}

/* "1.7 MB" */
static void bytes_text(uint64_t bytes, char *text, size_t size)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double number = (double)bytes;
    size_t unit = 0;
    for (; number >= 1000.0 && unit < 4; ++unit)
        number /= 1000.0;
    snprintf(text, size, "%.3g %s", number, units[unit]);
}

/* ---------------------------------------------------------------- variables */

static void print_channels(const cli_facts *facts)
{
    const fc_dataset *dataset = facts->dataset;
    printf("variables\n  %-20s %-10s %11s %11s %11s %11s %9s\n", "name", "units", "lowest", "mean",
           "highest", "deviation", "missing");
    for (size_t c = 0; c < dataset->channel_count; ++c) {
        const fc_channel_facts *channel = &facts->data.channels[c];
        printf("  %-20s %-10s %11.5g %11.5g %11.5g %11.4g %7.2f %%", dataset->channels[c].name,
               dataset->channels[c].units, channel->lower, channel->mean, channel->upper,
               channel->deviation, 100.0 * channel->missing);
        if (channel->most_missing - channel->least_missing > 1e-3)
            printf(" (of a frame %.3g to %.3g %%)", 100.0 * channel->least_missing,
                   100.0 * channel->most_missing);
        putchar('\n');
    }
}

/* Whether units are those of times, which are told beside the times. */
static bool is_dated(const char *units)
{
    return strstr(units, " since ") != NULL;
}

/* What the file holds beside the channels, and why it is none. */
static void print_others(const cli_facts *facts)
{
    enum { MOST = 24, COLUMN = 34 };
    size_t shown = 0, others = 0;
    for (size_t i = 0; i < facts->variable_count; ++i) {
        const fc_file_variable *variable = &facts->variables[i];
        if (variable->use == FC_VARIABLE_CHANNEL || others++ >= MOST)
            continue;
        if (shown++ == 0)
            printf("also in the file\n");
        int column = printf("  %s%s ", variable->name, variable->shape);
        if (column > COLUMN)
            column = printf("\n") - 1;
        printf("%*s%-10s %s%s\n", COLUMN - column, "",
               is_dated(variable->units) ? "" : variable->units, variable->reason,
               variable->use == FC_VARIABLE_READABLE ? "; --variables reads it"
               : variable->use == FC_VARIABLE_FIXED  ? "; expressions may use it"
                                                     : "");
    }
    if (others > shown)
        printf("  and %zu more\n", others - shown);
}

/* Each way in which channels are stored, once. */
static void print_storage(const cli_facts *facts)
{
    char size[32], whole[32];
    bytes_text(facts->file.bytes, size, sizeof size);
    printf("file\n  size         %s\n", size);
    if (facts->file.checksum[0])
        printf("  checksum     %s\n", facts->file.checksum);
    for (size_t i = 0; i < facts->variable_count; ++i) {
        const fc_file_variable *variable = &facts->variables[i];
        uint64_t bytes = 0, stored = 0;
        bool before = false;
        if (variable->use != FC_VARIABLE_CHANNEL)
            continue;
        for (size_t k = 0; k < facts->variable_count; ++k) {
            const fc_file_variable *other = &facts->variables[k];
            if (other->use != FC_VARIABLE_CHANNEL || strcmp(other->storage, variable->storage) != 0)
                continue;
            before = before || k < i;
            bytes += other->bytes;
            stored += other->stored;
        }
        if (before)
            continue;
        bytes_text(stored, size, sizeof size);
        bytes_text(bytes, whole, sizeof whole);
        printf("  stored       %s, %s: %s", variable->type, variable->storage, size);
        if (stored && (double)stored < 0.99 * (double)bytes)
            printf(" of %s (%.2g times smaller)", whole, (double)bytes / (double)stored);
        putchar('\n');
    }
}

/* ---------------------------------------------------------------- places and times */

static void print_geometry(const cli_facts *facts)
{
    const fc_dataset *dataset = facts->dataset;
    const fc_points *points = &dataset->points[0];
    printf("points\n");
    if (facts->points_sets == 1 && facts->grid) {
        printf("  grid        ");
        for (size_t d = dataset->domain.dims; d-- > 0;)
            printf(" %zu%s", points->grid[d], d ? " x" : "");
        printf(" = %zu points, shared by all frames\n", points->count);
    } else if (facts->points_sets == 1) {
        printf("  scattered    %zu points, shared by all frames\n", points->count);
    } else {
        printf("  %-12s %zu sets of %zu to %zu points\n", facts->grid ? "grids" : "scattered",
               facts->points_sets, facts->fewest_points, facts->most_points);
    }
    if (facts->data.points_left_out)
        printf("  left out     %zu points that are missing always\n", facts->data.points_left_out);
    cli_info_print_axes(&dataset->domain);
    for (size_t d = 0; d < dataset->domain.dims && facts->grid; ++d) {
        const cli_axis_facts *axis = &facts->axes[d];
        if (axis->longest > 0.0 && axis->longest - axis->shortest <= 1e-4 * axis->longest)
            printf("  spacing      %g (%s)\n", axis->longest, dataset->domain.axis[d].name);
        else if (axis->longest > 0.0)
            printf("  spacing      %g to %g (%s)\n", axis->shortest, axis->longest,
                   dataset->domain.axis[d].name);
    }
    if (isfinite(facts->distance))
        printf("  spacing      about %.2g\n", facts->distance);
}

static void print_gaps(const cli_facts *facts)
{
    const cli_time_facts *time = &facts->time;
    char text[64], length[64];
    for (size_t i = 0; i < CLI_GAPS && i < time->gaps; ++i) {
        cli_time_text(&facts->dataset->time, time->gap[i].after, text, sizeof text);
        fc_lead_format(&facts->dataset->time, time->gap[i].length, length, sizeof length);
        printf("  gap          %s after %s", length, text);
        if (facts->dataset->sequence_count > 1)
            printf(" in sequence %zu", time->gap[i].sequence);
        putchar('\n');
    }
    if (time->gaps > CLI_GAPS)
        printf("  gaps         %zu in all; these are the longest\n", time->gaps);
}

static void print_times(const cli_facts *facts)
{
    const fc_dataset *dataset = facts->dataset;
    const cli_time_facts *time = &facts->time;
    char first[64], last[64];
    cli_time_text(&dataset->time, time->first, first, sizeof first);
    cli_time_text(&dataset->time, time->last, last, sizeof last);
    printf("times\n");
    if (dataset->record)
        printf("  record       %zu frames\n", facts->frames);
    else if (facts->fewest == facts->most)
        printf("  sequences    %zu of %zu frames\n", dataset->sequence_count, facts->most);
    else
        printf("  sequences    %zu of %zu to %zu frames\n", dataset->sequence_count, facts->fewest,
               facts->most);
    if (facts->data.frames_left_out)
        printf("  left out     %zu frames without any value\n", facts->data.frames_left_out);
    printf("  span         %s to %s\n", first, last);
    printf("  unit         %s%s%s\n", dataset->time.units,
           dataset->time.calendar[0] ? ", calendar " : "", dataset->time.calendar);
    if (isfinite(time->median) && time->even)
        printf("  interval     %g, always\n", time->median);
    else if (isfinite(time->median))
        printf("  interval     %g (median), %g to %g\n", time->median, time->shortest,
               time->longest);
    print_gaps(facts);
    if (dataset->time.cycle > 0.0)
        printf("  cycle        %g\n", dataset->time.cycle);
}

/* ---------------------------------------------------------------- advice */

/* A word as a shell takes it. */
static void print_word(const char *text)
{
    bool plain = text[strcspn(text, " *?[]()<>&|;'\"$!`\\~#")] == '\0';
    printf("%s", plain ? "" : "'");
    for (const char *at = text; *at; ++at)
        printf(!plain && *at == '\'' ? "'\\''" : "%c", *at);
    printf("%s", plain ? "" : "'");
}

/* The file, and how it is read, as arguments of train. */
static void print_data(const cli_facts *facts)
{
    print_word(facts->path);
    if (facts->reading->variables) {
        printf(" --variables ");
        print_word(facts->reading->variables);
    }
    if (facts->reading->where) {
        printf(" --where ");
        print_word(facts->reading->where);
    }
    if (facts->reading->complete)
        printf(" --complete");
}

/* A record is split by time, sequences by themselves. */
static void print_record_advice(const cli_facts *facts)
{
    const fc_dataset *dataset = facts->dataset;
    const fc_sequence *sequence = &dataset->sequences[0];
    char split[64], leads[64];
    cli_time_text(&dataset->time, sequence->frames[sequence->frame_count * 4 / 5].time, split,
                  sizeof split);
    cli_facts_leads(facts, leads, sizeof leads);
    printf("    fieldcast train ");
    print_data(facts);
    printf(" -o model.h5\n    fieldcast forecast model.h5 ");
    print_word(facts->path);
    printf(" -o forecast.nc --times %g:%g:%g --std\n", facts->time.median, 6.0 * facts->time.median,
           facts->time.median);
    printf(
        "  how good it is shows at its end, which training then leaves out:\n    fieldcast train ");
    print_data(facts);
    printf(" -o model.h5 --until %s\n    fieldcast evaluate model.h5 ", split);
    print_word(facts->path);
    printf(" --from %s --leads %s\n", split, leads);
}

static void print_sequence_advice(const cli_facts *facts)
{
    printf("    fieldcast train ");
    print_data(facts);
    printf(" -o model.h5\n    fieldcast evaluate model.h5 TEST --observe 0.05\n"
           "    fieldcast forecast model.h5 TEST -o forecast.nc --times 0:%g:%g --std\n",
           10.0 * facts->time.median, facts->time.median);
}

/* Variables that do not change may make another quantity of a channel: depth and height of the bed
 * the level. */
static void print_combinations(const cli_facts *facts)
{
    for (size_t i = 0; i < facts->variable_count && !facts->reading->variables; ++i) {
        const fc_file_variable *fixed = &facts->variables[i];
        for (size_t k = 0; k < facts->variable_count; ++k) {
            const fc_file_variable *channel = &facts->variables[k];
            if (fixed->use != FC_VARIABLE_FIXED || channel->use != FC_VARIABLE_CHANNEL ||
                strncmp(fixed->type, "float", 5) != 0 || strcmp(fixed->units, channel->units) != 0)
                continue;
            printf("  %s has the units of %s: if their sum is of interest,\n    --variables "
                   "sum=%s+%s\n",
                   fixed->name, channel->name, channel->name, fixed->name);
        }
    }
}

static void print_advice(const cli_facts *facts)
{
    const fc_dataset *dataset = facts->dataset;
    printf("what to do with it\n");
    if (facts->most < 2) {
        printf("  one frame of each sequence: it can be the observation of a forecast, not what a "
               "model\n  learns from\n    fieldcast forecast MODEL ");
        print_word(facts->path);
        printf(" -o forecast.nc --times 0:10:1\n");
        return;
    }
    if (dataset->record) {
        printf("  one long record%s\n",
               dataset->time.cycle > 0.0 ? " with a cycle, which becomes part of the model" : "");
        print_record_advice(facts);
    } else {
        printf("  independent sequences: learn from them, test on others\n");
        print_sequence_advice(facts);
    }
    print_combinations(facts);
}

void cli_info_print_dataset(const cli_facts *facts, bool forecast)
{
    printf("%s: %s\n", facts->path, forecast ? "fieldcast forecast" : facts->file.format);
    if (facts->file.note[0])
        printf("beware\n  %s\n", facts->file.note);
    print_channels(facts);
    print_others(facts);
    print_geometry(facts);
    print_times(facts);
    print_storage(facts);
    if (!forecast)
        print_advice(facts);
}
