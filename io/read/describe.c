/* What a file holds: its format, and what each of its variables is to that format. */
#include "io/checksum.h"
#include "io/read/cf_variables.h"
#include "io/read/file_pattern.h"
#include "io/read/source_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first file of a pattern, open. */
static fc_status open_first(fc_context *context, const char *path, fc__source_file **file)
{
    fc_status status = FC_OK;
    char *first = NULL;
    *file = NULL;
    FC_TRY(fc__pattern_first(context, path, &first));
    status = fc__source_file_open(context, first, file);
done:
    free(first);
    return status;
}

fc_status fc_file_describe(fc_context *context, const char *path, fc_file_description *description)
{
    fc_status status = FC_OK;
    fc__source_file *file = NULL;
    FC_TRY(open_first(context, path, &file));
    *description = (fc_file_description){.bytes = file->source.h5.file_size};
    fc__copy_name(description->format, file->format->name);
    fc__checksum_read(&file->source.h5, description->checksum);
    if (fc__source_file_channels(file, NULL, 0) == FC_OK) {
        snprintf(description->note, sizeof description->note, "%s", file->source.note);
        fc__source_file_close_channels(file);
    }
done:
    fc__source_file_destroy(file);
    return status;
}

/* ---------------------------------------------------------------- storage */

__attribute__((format(printf, 3, 4))) static void add(char *text, size_t size, const char *format,
                                                      ...)
{
    size_t used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

static void describe_type(hid_t type, fc_file_variable *described)
{
    static const struct {
        H5T_class_t class;
        const char *name;
    } others[] = {{H5T_STRING, "text"},  {H5T_COMPOUND, "compound"}, {H5T_ENUM, "enum"},
                  {H5T_OPAQUE, "bytes"}, {H5T_VLEN, "lists"},        {H5T_REFERENCE, "references"}};
    H5T_class_t class = H5Tget_class(type);
    size_t bits = 8 * H5Tget_size(type);
    snprintf(described->type, sizeof described->type, "other");
    if (class == H5T_FLOAT)
        snprintf(described->type, sizeof described->type, "float%zu", bits);
    else if (class == H5T_INTEGER)
        snprintf(described->type, sizeof described->type, "%sint%zu",
                 H5Tget_sign(type) == H5T_SGN_NONE ? "u" : "", bits);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (others[i].class == class)
            snprintf(described->type, sizeof described->type, "%s", others[i].name);
}

static void describe_filters(hid_t creation, char *text, size_t size)
{
    int count = H5Pget_nfilters(creation);
    for (int i = 0; i < count; i++) {
        unsigned flags, values[1] = {0};
        size_t value_count = 1;
        char name[32] = "";
        H5Z_filter_t id = H5Pget_filter2(creation, (unsigned)i, &flags, &value_count, values,
                                         sizeof name, name, NULL);
        name[sizeof name - 1] = '\0';
        if (id == H5Z_FILTER_DEFLATE)
            add(text, size, ", deflate %u", values[0]);
        else if (name[0])
            add(text, size, ", %s", name);
        else
            add(text, size, ", filter %d", (int)id);
    }
}

static void describe_storage(const fc__nc_variable *variable, fc_file_variable *described)
{
    hid_t creation = H5Dget_create_plist(variable->id), type = H5Dget_type(variable->id);
    char *text = described->storage;
    size_t size = sizeof described->storage, values = 1;
    hsize_t chunk[FC__MAX_RANK];
    H5D_layout_t layout = H5Pget_layout(creation);
    describe_type(type, described);
    for (size_t i = 0; i < variable->rank; i++)
        values = fc__product(values, variable->shape[i]);
    described->bytes = fc__product(values, H5Tget_size(type));
    described->stored = H5Dget_storage_size(variable->id);
    add(text, size, "%s",
        layout == H5D_CHUNKED   ? "chunks "
        : layout == H5D_COMPACT ? "compact"
        : layout == H5D_VIRTUAL ? "in other files"
                                : "contiguous");
    int rank = layout == H5D_CHUNKED ? H5Pget_chunk(creation, FC__MAX_RANK, chunk) : 0;
    for (int i = 0; i < rank && i < FC__MAX_RANK; i++)
        add(text, size, "%s%llu%s", i ? ", " : "(", (unsigned long long)chunk[i],
            i + 1 == rank ? ")" : "");
    describe_filters(creation, text, size);
    H5Tclose(type);
    H5Pclose(creation);
}

static void describe_variable(const fc__nc_variable *variable, fc_file_variable *described)
{
    char *shape = described->shape;
    size_t size = sizeof described->shape;
    snprintf(described->name, sizeof described->name, "%.*s", FC_NAME_SIZE - 1, variable->name);
    fc__h5_get_text(variable->id, "units", described->units, sizeof described->units);
    for (size_t i = 0; i < variable->rank; i++)
        add(shape, size, "%s%s%s%zu", i ? ", " : "(", variable->dimension[i],
            variable->dimension[i][0] ? " " : "", variable->shape[i]);
    if (variable->rank)
        add(shape, size, ")");
    described->use = FC_VARIABLE_OTHER;
    describe_storage(variable, described);
}

/* ---------------------------------------------------------------- use */

static bool is_coordinate(const fc__nc_inventory *inventory, const fc__nc_variable *variable)
{
    static const char *const places[] = {"node_coordinates", "edge_coordinates",
                                         "face_coordinates"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (fc__cf_is_named_in(inventory, places[i], variable->name))
            return true;
    return (variable->roles & FC__NC_COORDINATE) || fc__cf_horizontal(variable) ||
           fc__cf_is_time_variable(variable) ||
           fc__nc_find_coordinate(inventory, variable->name) == variable;
}

/* Why a variable cannot be a channel, by what it is alone; NULL where it could be one. */
static const char *reason_of(const fc__nc_inventory *inventory, const fc__nc_variable *variable)
{
    char role[FC_NAME_SIZE] = "";
    if (fc__h5_has(variable->id, "topology_dimension"))
        return "describes a mesh";
    fc__h5_get_text(variable->id, "cf_role", role, sizeof role);
    if (strstr(role, "connectivity") ||
        fc__cf_is_named_in(inventory, "face_node_connectivity", variable->name) ||
        fc__cf_is_named_in(inventory, "edge_node_connectivity", variable->name))
        return "connections of a mesh";
    if (fc__h5_has(variable->id, "grid_mapping_name"))
        return "describes a map projection";
    if (!variable->number)
        return "no numbers";
    if (variable->roles & FC__NC_BOUNDS)
        return "bounds of a coordinate";
    if (is_coordinate(inventory, variable))
        return fc__cf_is_time_variable(variable) ? "times" : "coordinate";
    return variable->rank == 0 ? "a single number" : NULL;
}

static bool is_channel(const fc_dataset *dataset, const char *name)
{
    for (size_t c = 0; c < dataset->channel_count; c++)
        if (strcmp(dataset->channels[c].name, name) == 0)
            return true;
    return false;
}

/* The channels that the file offers, if it offers any. */
static const fc__nc_variable *find_channels(fc__source_file *file, size_t count,
                                            const fc__nc_variable *const *variables,
                                            fc_file_variable *described)
{
    const fc__nc_variable *first = NULL;
    if (fc__source_file_channels(file, NULL, 0) != FC_OK)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (is_channel(file->source.dataset, variables[i]->name)) {
            described[i].use = FC_VARIABLE_CHANNEL;
            first = first ? first : variables[i];
        }
    fc__source_file_close_channels(file);
    return first;
}

/* Each other variable that is a channel if it is named. */
static void find_readable(fc__source_file *file, size_t count,
                          const fc__nc_variable *const *variables, const fc__nc_variable *channel,
                          fc_file_variable *described)
{
    for (size_t i = 0; i < count; i++) {
        if (described[i].use == FC_VARIABLE_CHANNEL)
            continue;
        const char *reason = reason_of(&file->source.inventory, variables[i]);
        if (!reason && fc__source_file_channels(file, variables[i]->name, 0) == FC_OK) {
            described[i].use = FC_VARIABLE_READABLE;
            reason = channel && fc__cf_same_dimensions(channel, variables[i])
                         ? "says how good or of which kind others are"
                         : "other dimensions than the channels";
            fc__source_file_close_channels(file);
        }
        fc__copy_name(described[i].reason,
                      reason ? reason : "not on the time and places of the channels");
    }
}

/* Variables that expressions may use. */
static fc_status find_fixed(fc_context *context, fc__source_file *file, size_t count,
                            const fc__nc_variable *const *variables, fc_file_variable *described)
{
    fc_status status = FC_OK;
    float *values = NULL;
    if (!file->format->read_static || fc__source_file_channels(file, NULL, 0) != FC_OK)
        return FC_OK;
    const fc_dataset *dataset = file->source.dataset;
    FC_NEW(context, &values, fc_dataset_max_points(dataset));
    for (size_t i = 0; i < count && dataset->points_count; i++) {
        if (described[i].use != FC_VARIABLE_OTHER || variables[i]->rank == 0 ||
            reason_of(&file->source.inventory, variables[i]) ||
            file->format->read_static(&file->source, 0, variables[i]->name, values) != FC_OK)
            continue;
        described[i].use = FC_VARIABLE_FIXED;
        fc__copy_name(described[i].reason, "does not change with time");
    }
done:
    fc__source_file_close_channels(file);
    free(values);
    return status;
}

fc_status fc_file_variables(fc_context *context, const char *path, size_t *count,
                            fc_file_variable **variables)
{
    fc_status status = FC_OK;
    fc__source_file *file = NULL;
    const fc__nc_variable **found = NULL;
    fc_file_variable *described = NULL;
    *count = 0;
    *variables = NULL;
    FC_TRY(open_first(context, path, &file));
    const fc__nc_inventory *inventory = &file->source.inventory;
    FC_NEW(context, &found, inventory->count);
    FC_NEW(context, &described, inventory->count);
    for (size_t i = 0; i < inventory->count; i++) {
        if (inventory->variables[i].dimension_only)
            continue;
        found[*count] = &inventory->variables[i];
        describe_variable(found[*count], &described[*count]);
        ++*count;
    }
    const fc__nc_variable *channel = find_channels(file, *count, found, described);
    find_readable(file, *count, found, channel, described);
    FC_TRY(find_fixed(context, file, *count, found, described));
    *variables = described;
    described = NULL;
done:
    fc__source_file_destroy(file);
    free(found);
    free(described);
    return status;
}
