#include "io/cli/data_source.h"
#include "io/cli/options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- facts of a dataset */

typedef struct channel_facts {
    double lower, upper, mean, deviation, missing; /* missing: share of the values */
} channel_facts;

typedef struct time_facts {
    double first, last;
    double shortest, median, longest; /* intervals; NaN without any */
    size_t gaps;                      /* intervals above one and a half times the median */
} time_facts;

typedef struct data_facts {
    size_t frames, fewest, most; /* in all, and of a sequence */
    size_t points_sets, fewest_points, most_points;
    bool grid;
    time_facts time;
    channel_facts *channels;
} data_facts;

static channel_facts facts_of_channel(const fc_dataset *dataset, size_t channel)
{
    channel_facts facts = {.lower = INFINITY, .upper = -INFINITY};
    double sum = 0.0, squares = 0.0, count = 0.0, total = 0.0, origin = NAN;
    for (size_t s = 0; s < dataset->sequence_count; ++s)
        for (size_t f = 0; f < dataset->sequences[s].frame_count; ++f) {
            const fc_frame *frame = &dataset->sequences[s].frames[f];
            size_t points = dataset->points[frame->points].count;
            total += (double)points;
            for (size_t p = 0; p < points; ++p) {
                double value = frame->values[p * dataset->channel_count + channel];
                if (!isfinite(value))
                    continue;
                if (isnan(origin)) /* sums about a value of the data keep their digits */
                    origin = value;
                facts.lower = fmin(facts.lower, value);
                facts.upper = fmax(facts.upper, value);
                sum += value - origin;
                squares += (value - origin) * (value - origin);
                count += 1.0;
            }
        }
    facts.missing = total > 0.0 ? 1.0 - count / total : 1.0;
    facts.mean = origin + sum / count;
    facts.deviation = sqrt(fmax(squares / count - sum / count * (sum / count), 0.0));
    return facts;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static fc_status facts_of_time(const cli_session *session, const fc_dataset *dataset,
                               time_facts *facts)
{
    double *intervals;
    size_t count = 0;
    fc_status status =
        cli_allocate(session, cli_data_frames(dataset), sizeof *intervals, &intervals);
    if (status != FC_OK)
        return status;
    *facts = (time_facts){INFINITY, -INFINITY, NAN, NAN, NAN, 0};
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
        for (size_t i = 0; i < count; ++i)
            facts->gaps += intervals[i] > 1.5 * facts->median;
    }
    free(intervals);
    return FC_OK;
}

static fc_status gather_facts(const cli_session *session, const fc_dataset *dataset,
                              data_facts *facts)
{
    fc_status status;
    *facts = (data_facts){.fewest = SIZE_MAX, .fewest_points = SIZE_MAX, .grid = true};
    facts->frames = cli_data_frames(dataset);
    facts->points_sets = dataset->points_count;
    for (size_t s = 0; s < dataset->sequence_count; ++s) {
        size_t frames = dataset->sequences[s].frame_count;
        facts->fewest = frames < facts->fewest ? frames : facts->fewest;
        facts->most = frames > facts->most ? frames : facts->most;
    }
    for (size_t p = 0; p < dataset->points_count; ++p) {
        size_t count = dataset->points[p].count;
        facts->fewest_points = count < facts->fewest_points ? count : facts->fewest_points;
        facts->most_points = count > facts->most_points ? count : facts->most_points;
        facts->grid = facts->grid && dataset->points[p].grid[0] > 0;
    }
    CLI_TRY(facts_of_time(session, dataset, &facts->time));
    CLI_TRY(
        cli_allocate(session, dataset->channel_count, sizeof *facts->channels, &facts->channels));
    for (size_t c = 0; c < dataset->channel_count; ++c)
        facts->channels[c] = facts_of_channel(dataset, c);
done:
    return status;
}

/* ---------------------------------------------------------------- a dataset as text */

static const char *axis_kind_text(fc_axis_kind kind)
{
    static const char *const texts[] = {"plain", "periodic", "longitude", "latitude"};
    return texts[kind];
}

static void print_axes(const fc_domain *domain)
{
    for (size_t d = 0; d < domain->dims; ++d) {
        const fc_axis *axis = &domain->axis[d];
        printf("  %-12s %s, %g to %g %s\n", axis->name, axis_kind_text(axis->kind), axis->lower,
               axis->upper, strcmp(axis->units, "1") ? axis->units : "");
    }
}

static void print_geometry(const fc_dataset *dataset, const data_facts *facts)
{
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
    print_axes(&dataset->domain);
}

static void print_times(const fc_dataset *dataset, const data_facts *facts)
{
    const time_facts *time = &facts->time;
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
    printf("  span         %s to %s\n", first, last);
    printf("  unit         %s%s%s\n", dataset->time.units,
           dataset->time.calendar[0] ? ", calendar " : "", dataset->time.calendar);
    if (isfinite(time->median))
        printf("  interval     %g (median), %g to %g, %zu gap%s\n", time->median, time->shortest,
               time->longest, time->gaps, time->gaps == 1 ? "" : "s");
    if (dataset->time.cycle > 0.0)
        printf("  cycle        %g\n", dataset->time.cycle);
}

static void print_channels(const fc_dataset *dataset, const data_facts *facts)
{
    printf("variables\n  %-20s %-10s %11s %11s %11s %11s %9s\n", "name", "units", "lowest", "mean",
           "highest", "deviation", "missing");
    for (size_t c = 0; c < dataset->channel_count; ++c) {
        const channel_facts *channel = &facts->channels[c];
        printf("  %-20s %-10s %11.5g %11.5g %11.5g %11.4g %7.2f %%\n", dataset->channels[c].name,
               dataset->channels[c].units, channel->lower, channel->mean, channel->upper,
               channel->deviation, 100.0 * channel->missing);
    }
}

/* What fieldcast would make of it. */
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
static void print_data(const char *path, const fc_read_config *reading)
{
    print_word(path);
    if (reading->variables) {
        printf(" --variables ");
        print_word(reading->variables);
    }
    if (reading->where) {
        printf(" --where ");
        print_word(reading->where);
    }
    if (reading->complete)
        printf(" --complete");
}

static void print_advice(const char *path, const fc_read_config *reading, const fc_dataset *dataset,
                         const data_facts *facts)
{
    printf("what to do with it\n");
    if (facts->most < 2) {
        printf(
            "  one frame of each sequence: it can be the observation of a forecast, not what a "
            "model\n  learns from\n    fieldcast forecast MODEL %s -o forecast.nc --times 0:10:1\n",
            path);
        return;
    }
    if (dataset->record)
        printf("  one long record%s, split by time: learn from its beginning, test on its end\n",
               dataset->time.cycle > 0.0 ? " with a cycle that becomes part of the model" : "");
    else
        printf("  independent sequences: learn from them, test on others\n");
    printf("    fieldcast train ");
    print_data(path, reading);
    printf(" -o model.h5\n");
    if (dataset->record) {
        const fc_sequence *sequence = &dataset->sequences[0];
        char split[64];
        cli_time_text(&dataset->time, sequence->frames[sequence->frame_count * 4 / 5].time, split,
                      sizeof split);
        printf("    fieldcast train ");
        print_data(path, reading);
        printf(" -o model.h5 --until %s\n    fieldcast evaluate model.h5 ", split);
        print_word(path);
        printf(" --from %s\n", split);
    }
}

/* ---------------------------------------------------------------- a dataset as JSON */

static json_t *axes_json(const fc_domain *domain)
{
    json_t *list = json_array();
    for (size_t d = 0; d < domain->dims; ++d) {
        json_t *axis = json_object();
        cli_json_text(axis, "name", domain->axis[d].name);
        cli_json_text(axis, "kind", axis_kind_text(domain->axis[d].kind));
        cli_json_text(axis, "units", domain->axis[d].units);
        cli_json_real(axis, "lower", domain->axis[d].lower);
        cli_json_real(axis, "upper", domain->axis[d].upper);
        json_array_append_new(list, axis);
    }
    return list;
}

static json_t *channels_json(size_t count, const fc_channel *channels, const channel_facts *facts)
{
    json_t *list = json_array();
    for (size_t c = 0; c < count; ++c) {
        json_t *channel = json_object();
        cli_json_text(channel, "name", channels[c].name);
        cli_json_text(channel, "units", channels[c].units);
        cli_json_text(channel, "long_name", channels[c].long_name);
        if (facts) {
            cli_json_real(channel, "minimum", facts[c].lower);
            cli_json_real(channel, "maximum", facts[c].upper);
            cli_json_real(channel, "mean", facts[c].mean);
            cli_json_real(channel, "deviation", facts[c].deviation);
            cli_json_real(channel, "missing", facts[c].missing);
        }
        json_array_append_new(list, channel);
    }
    return list;
}

static json_t *time_json(const fc_dataset *dataset, const time_facts *facts)
{
    json_t *time = json_object();
    char text[64];
    cli_json_text(time, "units", dataset->time.units);
    cli_json_text(time, "calendar", dataset->time.calendar);
    cli_json_real(time, "cycle", dataset->time.cycle);
    cli_json_real(time, "first", facts->first);
    cli_json_real(time, "last", facts->last);
    fc_time_format(&dataset->time, facts->first, text, sizeof text);
    cli_json_text(time, "begin", text);
    fc_time_format(&dataset->time, facts->last, text, sizeof text);
    cli_json_text(time, "end", text);
    cli_json_real(time, "shortest_interval", facts->shortest);
    cli_json_real(time, "median_interval", facts->median);
    cli_json_real(time, "longest_interval", facts->longest);
    cli_json_count(time, "gaps", facts->gaps);
    return time;
}

static json_t *dataset_json(const char *kind, const fc_dataset *dataset, const data_facts *facts)
{
    json_t *root = json_object(), *points = json_object();
    cli_json_text(root, "kind", kind);
    cli_json_put(root, "record", json_boolean(dataset->record));
    cli_json_count(root, "sequences", dataset->sequence_count);
    cli_json_count(root, "frames", facts->frames);
    cli_json_count(points, "sets", facts->points_sets);
    cli_json_count(points, "largest", facts->most_points);
    cli_json_put(points, "grid", json_boolean(facts->grid));
    cli_json_put(root, "points", points);
    cli_json_put(root, "axes", axes_json(&dataset->domain));
    cli_json_put(root, "time", time_json(dataset, &facts->time));
    cli_json_put(root, "variables",
                 channels_json(dataset->channel_count, dataset->channels, facts->channels));
    return root;
}

static fc_status show_dataset(cli_session *session, const char *path, fc_file_kind kind,
                              const fc_read_config *reading, bool json)
{
    fc_status status;
    fc_dataset *dataset = NULL;
    data_facts facts = {0};
    json_t *root = NULL;
    const char *kind_name = kind == FC_FILE_DATASET    ? "dataset"
                            : kind == FC_FILE_FORECAST ? "forecast"
                                                       : "netCDF";
    fc_file_description file;
    LIB_TRY(session, fc_file_describe(session->context, path, &file));
    LIB_TRY(session, fc_dataset_read(session->context, path, reading, &dataset));
    CLI_TRY(gather_facts(session, dataset, &facts));
    if (json) {
        root = dataset_json(kind_name, dataset, &facts);
        cli_json_text(root, "format", file.format);
        CLI_TRY(cli_json_print(session, root));
        goto done;
    }
    if (kind == FC_FILE_FORECAST)
        printf("%s: fieldcast forecast\n", path);
    else
        printf("%s: %s\n", path, file.format);
    if (file.note[0])
        printf("beware\n  %s\n", file.note);
    print_channels(dataset, &facts);
    print_geometry(dataset, &facts);
    print_times(dataset, &facts);
    if (kind != FC_FILE_FORECAST)
        print_advice(path, reading, dataset, &facts);
    if (fc_dataset_validate(session->context, dataset, path) != FC_OK)
        printf("beware\n  %s\n", fc_context_message(session->context));
done:
    json_decref(root);
    free(facts.channels);
    fc_dataset_destroy(dataset);
    return status;
}

/* ---------------------------------------------------------------- a model */

static size_t model_bytes(const fc_model *model)
{
    size_t codes = model->decoder->config.codes;
    return sizeof(float) * (model->decoder->parameter_count + model->field->parameter_count) +
           sizeof(double) * codes * (2 * codes + model->lead_count + 2 * model->cycle.harmonics);
}

static void print_model_parts(const fc_model *model)
{
    const fc_decoder_config *decoder = &model->decoder->config;
    const fc_field_config *field = &model->field->config;
    static const char *const filters[] = {"chosen", "integer", "random", "trainable"};
    printf("decoder\n  codes        %zu\n", decoder->codes);
    if (decoder->layers == 0)
        printf("  kind         Fourier series of %zu %s frequencies\n", decoder->filters,
               filters[decoder->filter]);
    else
        printf("  kind         FourierNet of %zu layers, %zu %s frequencies each\n",
               decoder->layers + 1, decoder->filters, filters[decoder->filter]);
    printf("  parameters   %zu\n  floor        %.3g (mean square, normalised)\n",
           model->decoder->parameter_count, model->floor_mse);
    printf("dynamics\n  terms       %s", field->linear ? " linear" : "");
    if (field->rank)
        printf("%s bilinear of rank %zu", field->linear ? "," : "", field->rank);
    if (field->hidden)
        printf("%s MLP of width %zu", field->linear || field->rank ? "," : "", field->hidden);
    printf("\n  parameters   %zu\n", model->field->parameter_count);
    if (model->cycle.harmonics)
        printf("  cycle        %g, %zu harmonics\n", model->cycle.period, model->cycle.harmonics);
}

static void print_model(const char *path, const fc_model *model, bool unfinished)
{
    printf("%s: fieldcast model%s\nvariables\n", path,
           unfinished ? ", checkpoint of unfinished training" : "");
    for (size_t c = 0; c < model->channel_count; ++c)
        printf("  %-20s %-10s mean %g, scale %g\n", model->channels[c].name,
               model->channels[c].units, model->mean[c], model->scale[c]);
    printf("domain\n");
    print_axes(&model->domain);
    printf("time\n  unit         %s\n  step         %g\n  trained to   %g after the first frame\n",
           model->time.units, model->time_scale, model->horizon);
    print_model_parts(model);
    json_t *provenance = json_loads(model->provenance ? model->provenance : "{}", 0, NULL);
    const json_t *data = json_object_get(provenance, "data");
    const char *file = json_string_value(json_object_get(data, "file"));
    printf("trained on\n  %s: %lld sequences, %lld frames in all\n", file ? file : "unknown data",
           (long long)json_integer_value(json_object_get(data, "sequences")),
           (long long)json_integer_value(json_object_get(data, "frames")));
    json_decref(provenance);
    printf("size\n  %.3g MB\n", 1e-6 * (double)model_bytes(model));
    printf("what to do with it\n");
    if (unfinished)
        printf("    fieldcast train DATA -o %s --resume %s\n", path, path);
    printf("    fieldcast evaluate %s DATA --observe 0.05\n"
           "    fieldcast forecast %s DATA -o forecast.nc --times 0:%g:%g --std\n",
           path, path, 10.0 * model->time_scale, model->time_scale);
}

static json_t *model_json(const fc_model *model, bool unfinished)
{
    json_t *root = json_object(), *decoder = json_object(), *field = json_object();
    cli_json_text(root, "kind", "model");
    cli_json_put(root, "finished", json_boolean(!unfinished));
    cli_json_count(decoder, "codes", model->decoder->config.codes);
    cli_json_count(decoder, "layers", model->decoder->config.layers);
    cli_json_count(decoder, "filters", model->decoder->config.filters);
    cli_json_count(decoder, "parameters", model->decoder->parameter_count);
    cli_json_real(decoder, "floor_mse", model->floor_mse);
    cli_json_put(root, "decoder", decoder);
    cli_json_put(field, "linear", json_boolean(model->field->config.linear));
    cli_json_count(field, "rank", model->field->config.rank);
    cli_json_count(field, "hidden", model->field->config.hidden);
    cli_json_count(field, "parameters", model->field->parameter_count);
    cli_json_put(root, "field", field);
    cli_json_put(root, "axes", axes_json(&model->domain));
    cli_json_put(root, "variables", channels_json(model->channel_count, model->channels, NULL));
    cli_json_real(root, "time_scale", model->time_scale);
    cli_json_count(root, "train_frames", model->train_frames);
    cli_json_count(root, "harmonics", model->cycle.harmonics);
    cli_json_count(root, "bytes", model_bytes(model));
    cli_json_put(root, "configuration",
                 json_loads(model->configuration ? model->configuration : "", 0, NULL));
    cli_json_put(root, "provenance",
                 json_loads(model->provenance ? model->provenance : "", 0, NULL));
    return root;
}

static fc_status show_model(cli_session *session, const char *path, bool json)
{
    fc_status status;
    fc_model *model = NULL;
    bool unfinished = false;
    LIB_TRY(session, fc_model_read(session->context, path, &model, NULL, &unfinished));
    if (json) {
        json_t *root = model_json(model, unfinished);
        status = cli_json_print(session, root);
        json_decref(root);
    } else {
        print_model(path, model, unfinished);
    }
done:
    fc_model_destroy(model);
    return status;
}

/* ---------------------------------------------------------------- command */

static const char examples[] = "  fieldcast info train.nc\n"
                               "  fieldcast info sst.nc --variables surface_temperature\n"
                               "  fieldcast info model.h5 --json\n";

fc_status cli_info(cli_session *session, int argc, char **argv)
{
    const char *path = NULL;
    fc_read_config reading = {0};
    bool json = false, helped;
    cli_option options[] = {
        CLI_OPT_ARGUMENT("FILE", &path, "data, netCDF, forecast or model file"),
        CLI_OPT_READING(&reading, "variables to look at, or expressions of them"),
        CLI_OPT_FLAG("--json", &json, "one JSON object in place of the text"),
    };
    const cli_syntax syntax = {.usage = "FILE [options]",
                               .summary = "say what a file holds and what can be done with it",
                               .examples = examples,
                               .count = sizeof options / sizeof options[0],
                               .options = options};
    fc_file_kind kind;
    fc_status status = cli_parse(session, &syntax, argc, argv, &helped);
    if (status != FC_OK || helped)
        return status;
    CLI_TRY(cli_start(session, 1));
    LIB_TRY(session, fc_file_probe(session->context, path, &kind));
    CLI_TRY(kind == FC_FILE_MODEL ? show_model(session, path, json)
                                  : show_dataset(session, path, kind, &reading, json));
done:
    return status;
}
