/* The facts of a dataset as JSON. */
#include "io/cli/info.h"

json_t *cli_info_axes(const fc_domain *domain)
{
    json_t *list = json_array();
    for (size_t d = 0; d < domain->dims; ++d) {
        json_t *axis = json_object();
        cli_json_text(axis, "name", domain->axis[d].name);
        cli_json_text(axis, "kind", cli_axis_kind_text(domain->axis[d].kind));
        cli_json_text(axis, "units", domain->axis[d].units);
        cli_json_real(axis, "lower", domain->axis[d].lower);
        cli_json_real(axis, "upper", domain->axis[d].upper);
        json_array_append_new(list, axis);
    }
    return list;
}

json_t *cli_info_channels(size_t count, const fc_channel *channels, const fc_channel_facts *facts)
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
            cli_json_real(channel, "least_missing", facts[c].least_missing);
            cli_json_real(channel, "most_missing", facts[c].most_missing);
        }
        json_array_append_new(list, channel);
    }
    return list;
}

static json_t *gaps_json(const fc_dataset *dataset, const cli_time_facts *facts)
{
    json_t *list = json_array();
    char text[64];
    for (size_t i = 0; i < CLI_GAPS && i < facts->gaps; ++i) {
        json_t *gap = json_object();
        cli_json_count(gap, "sequence", facts->gap[i].sequence);
        fc_time_format(&dataset->time, facts->gap[i].after, text, sizeof text);
        cli_json_text(gap, "after", text);
        cli_json_real(gap, "length", facts->gap[i].length);
        json_array_append_new(list, gap);
    }
    return list;
}

static json_t *time_json(const fc_dataset *dataset, const cli_time_facts *facts)
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
    cli_json_put(time, "even", json_boolean(facts->even));
    cli_json_count(time, "gaps", facts->gaps);
    cli_json_put(time, "longest_gaps", gaps_json(dataset, facts));
    return time;
}

static json_t *points_json(const cli_facts *facts)
{
    json_t *points = json_object(), *spacing = json_array();
    cli_json_count(points, "sets", facts->points_sets);
    cli_json_count(points, "smallest", facts->fewest_points);
    cli_json_count(points, "largest", facts->most_points);
    cli_json_count(points, "left_out", facts->data.points_left_out);
    cli_json_put(points, "grid", json_boolean(facts->grid));
    cli_json_real(points, "distance", facts->distance);
    for (size_t d = 0; facts->grid && d < facts->dataset->domain.dims; ++d) {
        json_t *axis = json_object();
        cli_json_real(axis, "shortest", facts->axes[d].shortest);
        cli_json_real(axis, "longest", facts->axes[d].longest);
        json_array_append_new(spacing, axis);
    }
    cli_json_put(points, "spacing", spacing);
    return points;
}

static json_t *file_json(const cli_facts *facts)
{
    static const char *const uses[] = {"channel", "readable", "fixed", "other"};
    json_t *list = json_array();
    for (size_t i = 0; i < facts->variable_count; ++i) {
        const fc_file_variable *variable = &facts->variables[i];
        json_t *item = json_object();
        cli_json_text(item, "name", variable->name);
        cli_json_text(item, "shape", variable->shape);
        cli_json_text(item, "type", variable->type);
        cli_json_text(item, "units", variable->units);
        cli_json_text(item, "use", uses[variable->use]);
        cli_json_text(item, "reason", variable->reason);
        cli_json_text(item, "storage", variable->storage);
        cli_json_count(item, "bytes", variable->bytes);
        cli_json_count(item, "stored", variable->stored);
        json_array_append_new(list, item);
    }
    return list;
}

json_t *cli_info_dataset(const char *kind, const cli_facts *facts)
{
    const fc_dataset *dataset = facts->dataset;
    json_t *root = json_object();
    cli_json_text(root, "file", facts->path);
    cli_json_text(root, "kind", kind);
    cli_json_text(root, "format", facts->file.format);
    cli_json_text(root, "note", facts->file.note);
    cli_json_count(root, "bytes", facts->file.bytes);
    if (facts->file.checksum[0])
        cli_json_text(root, "checksum", facts->file.checksum);
    cli_json_put(root, "record", json_boolean(dataset->record));
    cli_json_count(root, "sequences", dataset->sequence_count);
    cli_json_count(root, "frames", facts->frames);
    cli_json_count(root, "frames_left_out", facts->data.frames_left_out);
    cli_json_put(root, "points", points_json(facts));
    cli_json_put(root, "axes", cli_info_axes(&dataset->domain));
    cli_json_put(root, "time", time_json(dataset, &facts->time));
    cli_json_put(
        root, "variables",
        cli_info_channels(dataset->channel_count, dataset->channels, facts->data.channels));
    cli_json_put(root, "in_file", file_json(facts));
    return root;
}
