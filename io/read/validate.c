/* All faults of a file: its attributes, each of its variables, and the datasets they make. */
#include "io/read/validate.h"
#include "io/dataset_file.h"
#include "io/read/cf_packing.h"
#include "io/read/file_pattern.h"
#include "io/read/source_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- telling each fault once */

typedef struct teller {
    fc_fault_listener *listener;
    void *user;
    size_t heard;       /* faults, those told before included */
    size_t count, room; /* room: a power of two, at least twice count */
    uint64_t *told;     /* (room) hashes of messages, 0 = none */
} teller;

/* FNV-1a */
static uint64_t hash_of(fc_status status, const char *message)
{
    uint64_t hash = 0xcbf29ce484222325u ^ (uint64_t)status;
    for (; *message; message++)
        hash = (hash ^ (unsigned char)*message) * 0x100000001b3u;
    return hash ? hash : 1;
}

/* Whether the hash is new. Without memory for it, it passes as new. */
static bool remember(teller *to, uint64_t hash)
{
    if (2 * to->count >= to->room) {
        teller larger = {.room = to->room ? 2 * to->room : 256};
        larger.told = calloc(larger.room, sizeof *larger.told);
        if (!larger.told)
            return true;
        for (size_t i = 0; i < to->room; i++)
            if (to->told[i])
                remember(&larger, to->told[i]);
        free(to->told);
        to->told = larger.told;
        to->room = larger.room;
    }
    size_t at = hash & (to->room - 1);
    while (to->told[at] && to->told[at] != hash)
        at = (at + 1) & (to->room - 1);
    bool unknown = to->told[at] == 0;
    to->count += unknown;
    to->told[at] = hash;
    return unknown;
}

/* Variables are opened again and again, and meet the same faults. */
static void tell_once(void *user, fc_status status, const char *message)
{
    teller *to = user;
    to->heard++;
    if (remember(to, hash_of(status, message)))
        to->listener(to->user, status, message);
}

/* Faults of the data are told; the rest ends the search. */
static fc_status tell_failure(fc_context *context, fc_status status)
{
    if (status != FC_ERROR_DATA)
        return status;
    return fc__fault(context, status, "%s", fc_context_message(context));
}

/* ---------------------------------------------------------------- attributes */

/* "text" or "a number"; NULL where the attribute is missing or of another kind. */
static const char *kind_of_attribute(hid_t variable, const char *name)
{
    if (!fc__h5_has(variable, name))
        return NULL;
    hid_t attribute = H5Aopen(variable, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    H5T_class_t class = H5Tget_class(type);
    H5Tclose(type);
    H5Aclose(attribute);
    return class == H5T_STRING                          ? "text"
           : class == H5T_INTEGER || class == H5T_FLOAT ? "a number"
                                                        : NULL;
}

static fc_status check_kinds(fc_context *context, const char *path, const fc__nc_variable *variable)
{
    static const char *const numbers[] = {"scale_factor",  "add_offset", "_FillValue",
                                          "missing_value", "valid_min",  "valid_max",
                                          "valid_range"};
    static const char *const texts[] = {"units", "calendar", "standard_name", "coordinates",
                                        "bounds"};
    fc_status status = FC_OK;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && variable->number; i++) {
        const char *kind = kind_of_attribute(variable->id, numbers[i]);
        if (kind && strcmp(kind, "text") == 0)
            FC_TRY(fc__fault(context, FC_ERROR_DATA,
                             "%s: attribute %s of variable %s is text and is not used; a number is "
                             "accepted",
                             path, numbers[i], variable->name));
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *kind = kind_of_attribute(variable->id, texts[i]);
        if (kind && strcmp(kind, "text") != 0)
            FC_TRY(fc__fault(context, FC_ERROR_DATA,
                             "%s: attribute %s of variable %s is a number and is not used; text is "
                             "accepted",
                             path, texts[i], variable->name));
    }
done:
    return status;
}

/* ---------------------------------------------------------------- valid ranges */

typedef struct range_count {
    size_t outside;
    double lowest, highest;
} range_count;

static void count_outside(const fc__cf_packing *packing, size_t count, const double *raw,
                          range_count *found)
{
    fc__cf_packing any = *packing;
    any.lower = any.valid_lower = -INFINITY;
    any.upper = any.valid_upper = INFINITY;
    for (size_t i = 0; i < count; i++) {
        double value = fc__cf_unpack(&any, raw[i]);
        if (isnan(value) || !isnan(fc__cf_unpack(packing, raw[i])))
            continue;
        found->outside++;
        found->lowest = fmin(found->lowest, value);
        found->highest = fmax(found->highest, value);
    }
}

/* Boxes of a few megabytes: as many of the last axes as fit are taken whole. */
static fc_status scan(fc__h5 *h5, const fc__nc_variable *variable, const fc__cf_packing *packing,
                      range_count *found)
{
    enum { MOST = 1 << 19 };
    fc_status status = FC_OK;
    double *raw = NULL;
    size_t start[FC__MAX_RANK] = {0}, count[FC__MAX_RANK], size = 1, room = MOST;
    for (size_t i = variable->rank; i-- > 0;) {
        size_t length = variable->shape[i];
        count[i] = length < room ? length : room;
        if (length == 0)
            return FC_OK;
        room /= length < room ? length : room;
        size *= count[i];
    }
    FC_NEW(h5->context, &raw, size);
    for (bool more = true; more;) {
        size_t box[FC__MAX_RANK], values = 1;
        for (size_t i = 0; i < variable->rank; i++) {
            size_t left = variable->shape[i] - start[i];
            box[i] = left < count[i] ? left : count[i];
            values *= box[i];
        }
        FC_TRY(fc__h5_read_box(h5, variable->id, variable->name, H5T_NATIVE_DOUBLE, variable->rank,
                               start, box, raw));
        count_outside(packing, values, raw, found);
        more = false;
        for (size_t i = variable->rank; i-- > 0 && !more;) {
            start[i] += box[i];
            more = start[i] < variable->shape[i];
            start[i] = more ? start[i] : 0;
        }
    }
done:
    free(raw);
    return status;
}

static fc_status check_range(fc__h5 *h5, const fc__nc_variable *variable)
{
    fc_status status = FC_OK;
    fc__cf_packing packing;
    range_count found = {.lowest = INFINITY, .highest = -INFINITY};
    size_t rank, shape[FC__MAX_RANK];
    if (!variable->number || variable->rank == 0 ||
        !(fc__h5_has(variable->id, "valid_min") || fc__h5_has(variable->id, "valid_max") ||
          fc__h5_has(variable->id, "valid_range")))
        return FC_OK;
    FC_TRY(fc__h5_inspect(h5, variable->id, variable->name, &rank, shape));
    fc__cf_packing_of(variable, &packing);
    FC_TRY(scan(h5, variable, &packing, &found));
    if (found.outside)
        FC__WARN(h5->context,
                 "%s: %zu values of %s lie outside its valid range, from %g to %g: they count as "
                 "missing",
                 h5->path, found.outside, variable->name, found.lowest, found.highest);
done:
    return tell_failure(h5->context, status);
}

/* ---------------------------------------------------------------- a file */

static bool is_data(const fc__source *source, const fc__nc_variable *variable)
{
    return fc__cf_is_data(&source->inventory, variable);
}

/* What is asked of the variables of files after the CF conventions, one by one. */
static fc_status check_variables(fc__source_file *file)
{
    fc_status status = FC_OK;
    fc__source *source = &file->source;
    fc_context *context = source->h5.context;
    for (size_t i = 0; i < source->inventory.count; i++) {
        const fc__nc_variable *variable = &source->inventory.variables[i];
        if (variable->dimension_only)
            continue;
        FC_TRY(check_kinds(context, file->path, variable));
        FC_TRY(check_range(&source->h5, variable));
        if (is_data(source, variable) && !fc__h5_has(variable->id, "units"))
            FC__WARN(context,
                     "%s: variable %s has no units: it counts as dimensionless in titles and "
                     "tables, and errors in it have no scale; the attribute units is accepted, "
                     "\"1\" where there are none",
                     file->path, variable->name);
    }
done:
    return status;
}

typedef struct examination {
    fc_context *context;
    const char *path;
    const fc_read_config *config; /* NULL = the usual channels */
    teller *to;
} examination;

/* A dataset of the named variables. *made: whether there was one. */
static fc_status check_channels(const examination *of, const char *variables, bool *made)
{
    fc_dataset *dataset = NULL;
    fc__file_traits traits = {0};
    fc_read_config config = of->config ? *of->config : (fc_read_config){0};
    size_t before = of->to->heard;
    config.variables = variables;
    fc_status status = fc__is_pattern(of->path)
                           ? fc__pattern_open(of->context, of->path, &config, &dataset, &traits)
                           : fc__file_open(of->context, of->path, &config, &dataset, &traits);
    *made = status == FC_OK;
    if (status == FC_OK)
        status = fc__validate_dataset(of->context, dataset, of->path,
                                      traits.drops_missing || traits.forecast || config.where,
                                      of->to->heard == before, traits.checksum);
    else
        status = tell_failure(of->context, status);
    fc_dataset_destroy(dataset);
    return status;
}

/* Each variable that is read where it is named; the others that could be data are named. */
static fc_status check_others(const examination *of)
{
    fc_status status = FC_OK;
    fc_file_variable *variables = NULL;
    size_t count;
    bool made;
    FC_TRY(fc_file_variables(of->context, of->path, &count, &variables));
    for (size_t i = 0; i < count; i++) {
        if (variables[i].use == FC_VARIABLE_READABLE)
            FC_TRY(check_channels(of, variables[i].name, &made));
        bool several = strchr(variables[i].shape, ',') != NULL;
        if (variables[i].use == FC_VARIABLE_OTHER && several &&
            strncmp(variables[i].reason, "not on", 6) == 0)
            FC__WARN(of->context, "%s: variable %s%s is not read: it is %s", of->path,
                     variables[i].name, variables[i].shape, variables[i].reason);
    }
done:
    free(variables);
    return tell_failure(of->context, status);
}

/* Where the usual channels cannot be read together, each variable that looks like data is tried. */
static fc_status check_each(const examination *of, size_t count, const fc__names *names)
{
    fc_status status = FC_OK;
    bool made;
    for (size_t i = 0; i < count; i++)
        FC_TRY(check_channels(of, names->name[i], &made));
done:
    return status;
}

static fc_status check_file(const examination *of)
{
    fc_status status = FC_OK;
    fc__source_file *file = NULL;
    fc__names data = {0};
    char *first = NULL;
    bool made = false;
    FC_TRY(fc__pattern_first(of->context, of->path, &first));
    FC_TRY(fc__source_file_open(of->context, first, &file));
    const fc__nc_inventory *inventory = &file->source.inventory;
    FC_NEW(of->context, &data.name, inventory->count);
    if (fc__file_kind_of(&file->source.h5) == FC_FILE_NETCDF) {
        FC_TRY(check_variables(file));
        for (size_t i = 0; i < inventory->count; i++)
            if (is_data(&file->source, &inventory->variables[i]))
                memcpy(data.name[data.count++], inventory->variables[i].name, FC__NC_NAME_SIZE);
    }
    fc__source_file_destroy(file);
    file = NULL;
    bool chosen = of->config && of->config->variables;
    FC_TRY(check_channels(of, chosen ? of->config->variables : NULL, &made));
    if (!chosen && made)
        FC_TRY(check_others(of));
    else if (!chosen && data.count > 1)
        FC_TRY(check_each(of, data.count, &data));
done:
    fc__source_file_destroy(file);
    free(data.name);
    free(first);
    return status;
}

/* ---------------------------------------------------------------- a model */

static fc_status check_weights(fc_context *context, const char *path, const char *what,
                               size_t count, const float *weights)
{
    fc_status status = FC_OK;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(weights[i]))
            FC_TRY(fc__fault(context, FC_ERROR_DATA,
                             "%s: weight %zu of the %s is %g; finite numbers are needed: the "
                             "training has diverged, or the file is damaged",
                             path, i, what, weights[i]));
done:
    return status;
}

static fc_status check_model(fc_context *context, const char *path)
{
    fc_status status = FC_OK;
    fc_model *model = NULL;
    bool unfinished = false;
    FC_TRY(fc_model_read(context, path, &model, NULL, &unfinished));
    if (unfinished)
        FC__WARN(context,
                 "%s: is a checkpoint of unfinished training, which forecasts less well than the "
                 "finished model; 'fieldcast train --resume' finishes it",
                 path);
    if (model && model->decoder)
        FC_TRY(check_weights(context, path, "decoder", model->decoder->parameter_count,
                             model->decoder->parameters));
    if (model && model->field)
        FC_TRY(check_weights(context, path, "dynamics", model->field->parameter_count,
                             model->field->parameters));
done:
    fc_model_destroy(model);
    return status;
}

/* ---------------------------------------------------------------- public */

fc_status fc_file_validate(fc_context *context, const char *path, const fc_read_config *config,
                           fc_fault_listener *listener, void *user)
{
    fc_status status = FC_OK;
    fc_file_kind kind;
    char *first = NULL;
    teller to = {.listener = listener, .user = user};
    const examination of = {.context = context, .path = path, .config = config, .to = &to};
    fc_context_set_fault_listener(context, tell_once, &to);
    FC_TRY(fc__pattern_first(context, path, &first));
    FC_TRY(fc_file_probe(context, first, &kind));
    FC_TRY(kind == FC_FILE_MODEL ? check_model(context, path) : check_file(&of));
done:
    status = tell_failure(context, status);
    fc_context_set_fault_listener(context, NULL, NULL);
    free(to.told);
    free(first);
    return status;
}
