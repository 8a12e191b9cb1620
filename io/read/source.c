/* What is common to all formats: which of them reads a file, and how the blocks that are asked for
 * are cut into those that are cheap to read. */
#include "io/read/source.h"
#include "io/checksum.h"
#include "io/dataset_file.h"
#include "io/read/expression.h"
#include "io/read/facts.h"
#include "io/read/file_pattern.h"
#include "io/read/selection.h"
#include "io/read/source_file.h"

#include <hdf5_hl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const fc__format *const formats[] = {
    &fc__native_format,
    &fc__pdebench_format,
    &fc__pdebench_groups_format,
    &fc__pdebench_incompressible_format,
    &fc__well_format,
    &fc__dedalus_format,
    &fc__ugrid_format,
    &fc__cf_points_format,
    &fc__cf_grid_format,
};
enum { FORMATS = sizeof formats / sizeof *formats };

/* ---------------------------------------------------------------- no format reads the file */

static void append(char text[FC__TEXT_SIZE], const char *more)
{
    size_t used = strlen(text);
    snprintf(text + used, FC__TEXT_SIZE - used, "%s", more);
}

/* "name(time, lat, lon)"; lengths stand for dimensions without a name. */
static void describe(const fc__nc_variable *variable, char text[FC__TEXT_SIZE])
{
    char length[32];
    append(text, variable->name);
    for (size_t i = 0; i < variable->rank; i++) {
        append(text, i ? ", " : "(");
        snprintf(length, sizeof length, "%zu", variable->shape[i]);
        append(text, variable->dimension[i][0] ? variable->dimension[i] : length);
    }
    append(text, variable->rank ? ")" : "");
}

static void describe_all(fc__source *source, char text[FC__TEXT_SIZE])
{
    const fc__nc_inventory *inventory = &source->inventory;
    text[0] = '\0';
    for (size_t i = 0; i < inventory->count; i++) {
        if (inventory->variables[i].dimension_only)
            continue;
        append(text, text[0] ? ", " : "");
        describe(&inventory->variables[i], text);
    }
    if (text[0] == '\0')
        fc__nc_list_groups(&source->h5, text, FC__TEXT_SIZE);
}

static fc_status refuse(fc__source *source)
{
    char list[FC__TEXT_SIZE], accepted[FC__TEXT_SIZE] = "";
    bool scales = false;
    describe_all(source, list);
    for (size_t i = 0; i < source->inventory.count; i++)
        scales = scales || H5DSis_scale(source->inventory.variables[i].id) > 0;
    for (size_t i = 0; i < FORMATS; i++) {
        append(accepted, i == 0 ? "" : i + 1 == FORMATS ? " or " : ", ");
        append(accepted, formats[i]->accepted);
    }
    return fc__fail(
        source->h5.context, FC_ERROR_DATA,
        "%s: is in none of the formats that are read%s; its variables: %s; accepted: %s",
        source->h5.path, scales ? "" : " (HDF5 without dimension scales, thus not netCDF-4)", list,
        accepted);
}

/* ---------------------------------------------------------------- one file */

/* Back to an open file of which nothing has been read. */
static void close_format(fc__source_file *file)
{
    file->format->close(&file->source);
    file->source.state = NULL;
    file->source.dataset = NULL;
    file->source.unit = 0;
}

void fc__source_file_close_channels(fc__source_file *file)
{
    fc_dataset *dataset = file->source.dataset;
    close_format(file);
    if (dataset)
        dataset->reader = (fc_frame_reader){0};
    fc_dataset_destroy(dataset);
}

static void file_destroy(void *user)
{
    fc__source_file_destroy(user);
}

void fc__source_file_destroy(fc__source_file *file)
{
    if (!file)
        return;
    fc__h5_hush(&file->source.h5);
    if (file->format)
        close_format(file);
    fc__nc_release_inventory(&file->source.inventory);
    fc__h5_close(&file->source.h5);
    free(file->path);
    free(file);
}

/* In pieces of whole units of about a megabyte, which formats can take at once. */
static fc_status file_read(void *user, fc_context *context, size_t sequence, size_t first,
                           size_t count, float *const *values)
{
    fc__source_file *file = user;
    fc__source *source = &file->source;
    fc_status status = FC_OK;
    const fc_dataset *dataset = source->dataset;
    size_t unit = dataset->reader.unit;
    size_t step = fc__block_frames(fc__frame_bytes(dataset), unit);
    fc__h5_hush(&source->h5);
    source->h5.context = context;
    for (size_t f = 0, size; status == FC_OK && f < count; f += size) {
        size = step - (first + f) % unit;
        size = size < count - f ? size : count - f;
        status = file->format->read(source, sequence, first + f, size, values + f);
    }
    source->h5.context = NULL;
    fc__h5_let_print(&source->h5);
    return status;
}

fc_status fc__source_file_open(fc_context *context, const char *path, fc__source_file **opened)
{
    fc_status status = FC_OK;
    char *copy = NULL;
    *opened = NULL;
    FC_TRY(fc__copy_text(context, path, &copy));
    FC_NEW(context, opened, 1);
    fc__source_file *file = *opened;
    file->path = copy;
    copy = NULL;
    FC_TRY(fc__h5_open(context, file->path, &file->source.h5));
    fc_file_kind kind = fc__file_kind_of(&file->source.h5);
    if (kind == FC_FILE_MODEL) {
        status = fc__fail(context, FC_ERROR_DATA, "%s: is a model; a dataset is needed", path);
        goto done;
    }
    FC_TRY(
        fc__nc_take_inventory(&file->source.h5, kind == FC_FILE_NETCDF, &file->source.inventory));
    for (size_t i = 0; i < FORMATS && !file->format; i++)
        if (formats[i]->recognise(&file->source))
            file->format = formats[i];
    if (!file->format)
        status = refuse(&file->source);
done:
    free(copy);
    return status;
}

fc_status fc__source_file_channels(fc__source_file *file, const char *variables, size_t max_frames)
{
    const fc_read_config plain = {.variables = variables, .max_frames = max_frames};
    fc__source *source = &file->source;
    source->config = &plain;
    fc_status status = file->format->open(source);
    source->config = NULL;
    if (status != FC_OK) {
        fc__source_file_close_channels(file);
        return status;
    }
    source->dataset->reader = (fc_frame_reader){
        .user = file, .read = file_read, .destroy = file_destroy, .unit = source->unit};
    if (source->unit == 0)
        source->dataset->reader.unit = 1;
    return FC_OK;
}

/* ---------------------------------------------------------------- expressions */

/* What of a request is taken from the file: the plain channels, then what expressions use. */
typedef struct wanted {
    fc__source_file *file;
    size_t plain, count;
    char **name;    /* (count) */
    char **refusal; /* (count) why the format does not take it for a channel, NULL if it does */
} wanted;

static void release_wanted(wanted *list)
{
    for (size_t i = 0; list->name && i < list->count; i++)
        free(list->name[i]);
    for (size_t i = 0; list->refusal && i < list->count; i++)
        free(list->refusal[i]);
    free(list->name);
    free(list->refusal);
}

static fc_status add_wanted(fc_context *context, const char *name, wanted *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->name[i], name) == 0)
            return FC_OK;
    return fc__copy_text(context, name, &list->name[list->count++]);
}

/* Where a request names no channels, they are those that the file offers. */
static fc_status list_wanted(fc_context *context, const fc__request *request, wanted *list)
{
    fc_status status = FC_OK;
    fc__source_file *file = list->file;
    if (request->count == 0)
        FC_TRY(fc__source_file_channels(file, NULL, 0));
    size_t channels = request->count ? request->count : file->source.dataset->channel_count;
    FC_NEW(context, &list->name, channels + request->used.count);
    FC_NEW(context, &list->refusal, channels + request->used.count);
    for (size_t c = 0; c < channels; c++)
        if (request->count == 0 || !request->text[c])
            FC_TRY(add_wanted(
                context, request->count ? request->name[c] : file->source.dataset->channels[c].name,
                list));
    list->plain = list->count;
    for (size_t i = 0; i < request->used.count; i++)
        FC_TRY(add_wanted(context, request->used.name[i], list));
done:
    if (request->count == 0 && file->source.dataset)
        fc__source_file_close_channels(file);
    return status;
}

/* Opens "a,b" of those that the format has not refused. */
static fc_status open_list(fc_context *context, const wanted *list, size_t max_frames)
{
    fc_status status = FC_OK;
    char *names = NULL;
    size_t size = 1;
    for (size_t i = 0; i < list->count; i++)
        size += strlen(list->name[i]) + 1;
    FC_NEW(context, &names, size);
    for (size_t i = 0; i < list->count; i++) {
        if (list->refusal[i])
            continue;
        strcat(names, names[0] ? "," : "");
        strcat(names, list->name[i]);
    }
    status = fc__source_file_channels(list->file, names, max_frames);
done:
    free(names);
    return status;
}

/* Variables that expressions use need not change with time: the format does not take those for
 * channels, so that each is tried. */
static fc_status open_wanted(fc_context *context, wanted *list, size_t max_frames)
{
    fc_status status = open_list(context, list, max_frames);
    size_t accepted = list->plain;
    if (status == FC_OK || list->plain == list->count)
        return status;
    for (size_t i = list->plain; i < list->count; i++) {
        if (fc__source_file_channels(list->file, list->name[i], max_frames) == FC_OK) {
            fc__source_file_close_channels(list->file);
            accepted++;
        } else {
            const char *refusal = context ? fc_context_message(context) : "";
            FC_TRY(fc__copy_text(context, refusal, &list->refusal[i]));
        }
    }
    if (accepted)
        status = open_list(context, list, max_frames);
    else
        status = fc__fail(context, FC_ERROR_DATA, "%s", list->refusal[list->plain]);
done:
    return status;
}

static fc_status read_constant(void *user, size_t points, const char *name, float *values,
                               char units[FC_NAME_SIZE])
{
    const wanted *list = user;
    fc__source *source = &list->file->source;
    const fc__nc_variable *variable = fc__nc_find(&source->inventory, name);
    fc_status status = FC_ERROR_DATA;
    if (variable)
        fc__h5_get_text(variable->id, "units", units, FC_NAME_SIZE);
    if (list->file->format->read_static)
        status = list->file->format->read_static(source, points, name, values);
    for (size_t i = 0; status == FC_ERROR_DATA && i < list->count; i++)
        if ((!variable || !list->file->format->read_static) && list->refusal[i] &&
            strcmp(list->name[i], name) == 0)
            return fc__fail(source->h5.context, status, "%s", list->refusal[i]);
    return status;
}

/* On success the dataset owns the file, which else is to be destroyed as before. */
static fc_status open_computed(fc_context *context, fc__source_file **file,
                               const fc__request *request, size_t max_frames, fc_dataset **dataset)
{
    fc_status status = FC_OK;
    wanted list = {.file = *file};
    FC_TRY(list_wanted(context, request, &list));
    FC_TRY(open_wanted(context, &list, max_frames));
    fc_dataset *inner = (*file)->source.dataset;
    *file = NULL; /* now of inner */
    FC_TRY(fc__expression_open(context, list.file->path, request, inner, read_constant, &list,
                               dataset));
done:
    release_wanted(&list);
    return status;
}

/* ---------------------------------------------------------------- reading */

fc_status fc__file_open(fc_context *context, const char *path, const fc_read_config *config,
                        fc_dataset **dataset, fc__file_traits *traits)
{
    fc_status status = FC_OK;
    fc__source_file *file = NULL;
    fc__request request = {0};
    size_t max_frames = config ? config->max_frames : 0;
    *dataset = NULL;
    FC_TRY(fc__request_parse(context, config, &request));
    FC_TRY(fc__source_file_open(context, path, &file));
    traits->drops_missing = file->format->drops_missing;
    fc_file_kind kind = fc__file_kind_of(&file->source.h5);
    traits->forecast = kind == FC_FILE_FORECAST;
    bool whole = !config || !(config->variables || config->where || config->max_frames);
    if (whole && kind != FC_FILE_NETCDF)
        fc__checksum_read(&file->source.h5, traits->checksum);
    fc__h5 *h5 = &file->source.h5;
    if (fc__request_computes(&request)) {
        FC_TRY(open_computed(context, &file, &request, max_frames, dataset));
    } else {
        FC_TRY(fc__source_file_channels(file, config ? config->variables : NULL, max_frames));
        *dataset = file->source.dataset;
        file = NULL;
    }
    h5->context = NULL;
    fc__h5_let_print(h5);
done:
    if (file)
        file_destroy(file);
    fc__request_release(&request);
    return status;
}

/* Who sees the values of a dataset as they pass; either may be NULL. */
typedef struct onlookers {
    fc__survey *survey;
    fc__gather *gather;
} onlookers;

static fc_status show(fc_context *context, const onlookers *to, size_t sequence, size_t first,
                      size_t count, float *const *values)
{
    if (to->gather)
        fc__gather_frames(to->gather, sequence, first, count, values);
    return to->survey ? fc__survey_frames(to->survey, context, sequence, first, count, values)
                      : FC_OK;
}

static size_t count_frames(const fc_dataset *dataset)
{
    size_t frames = 0;
    for (size_t s = 0; s < dataset->sequence_count; s++)
        frames += dataset->sequences[s].frame_count;
    return frames;
}

/* Reads everything once, in blocks; keep = the values stay in memory. */
static fc_status pass(fc_context *context, const char *path, fc_dataset *dataset, bool keep,
                      const onlookers *to)
{
    fc_status status = FC_OK;
    float **values = NULL;
    size_t step = fc__block_frames(fc__frame_bytes(dataset), dataset->reader.unit);
    size_t total = count_frames(dataset), passed = 0;
    FC_NEW(context, &values, step);
    for (size_t s = 0; s < dataset->sequence_count; s++) {
        const fc_sequence *sequence = &dataset->sequences[s];
        for (size_t f = 0; f < sequence->frame_count; f += step) {
            size_t count = sequence->frame_count - f < step ? sequence->frame_count - f : step;
            if (fc_context_interrupted(context))
                FC_TRY(fc__fail(context, FC_INTERRUPTED, "%s: interrupted while reading", path));
            FC_TRY(fc_dataset_load(context, dataset, s, f, count));
            for (size_t k = 0; k < count; k++)
                values[k] = sequence->frames[f + k].values;
            FC_TRY(show(context, to, s, f, count, values));
            if (!keep)
                fc_dataset_unload(dataset, s, f, count);
            passed += count;
            if (to->gather)
                fc__report(context, "reading", passed, total, NAN);
        }
    }
done:
    free(values);
    return status;
}

/* What the selection needs to know of a dataset of one or many files. */
static fc_status open_all(fc_context *context, const char *path, const fc_read_config *config,
                          fc_dataset **dataset, fc__file_traits *traits)
{
    fc_status status = fc__is_pattern(path)
                           ? fc__pattern_open(context, path, config, dataset, traits)
                           : fc__file_open(context, path, config, dataset, traits);
    if (status != FC_OK)
        return status;
    traits->drops_missing =
        traits->drops_missing || (config && (config->complete || config->where));
    return traits->forecast ? fc__dataset_check_times(context, *dataset, path)
                            : fc_dataset_validate(context, *dataset, path);
}

/* ---------------------------------------------------------------- public */

/* facts: of the dataset, NULL = not wanted. Where nothing but what is missing everywhere is left
 * out, one pass finds both what that is and the facts. */
static fc_status open_selected(fc_context *context, const char *path, const fc_read_config *config,
                               fc_dataset **dataset, fc_data_facts *facts)
{
    fc_status status = FC_OK;
    fc_dataset *inner = NULL, *made = NULL;
    fc__survey survey = {0};
    fc__gather gather = {0};
    fc__file_traits traits = {0};
    bool complete = config && config->complete;
    onlookers to = {.survey = &survey};
    *dataset = NULL;
    FC_TRY(open_all(context, path, config, &inner, &traits));
    if (traits.drops_missing) {
        FC_TRY(fc__survey_start(context, inner, path, true, complete, &survey));
        if (facts && !complete) {
            FC_TRY(fc__gather_start(context, inner, &gather));
            to.gather = &gather;
        }
        FC_TRY(pass(context, path, inner, false, &to));
        FC_TRY(fc__survey_finish(&survey, context));
    }
    fc_dataset *whole = inner; /* now of made */
    inner = NULL;
    FC_TRY(fc__selection_open(context, path, whole, traits.drops_missing ? &survey : NULL,
                              traits.forecast, &made));
    if (facts && !to.gather) {
        to = (onlookers){.gather = &gather};
        FC_TRY(fc__gather_start(context, made, &gather));
        FC_TRY(pass(context, path, made, false, &to));
    }
    if (facts)
        FC_TRY(fc__gather_finish(&gather, context, made, facts));
    *dataset = made;
    made = NULL;
done:
    fc__gather_release(&gather);
    fc__survey_release(&survey);
    fc_dataset_destroy(inner);
    fc_dataset_destroy(made);
    return status;
}

fc_status fc_dataset_open(fc_context *context, const char *path, const fc_read_config *config,
                          fc_dataset **dataset)
{
    return open_selected(context, path, config, dataset, NULL);
}

fc_status fc_dataset_examine(fc_context *context, const char *path, const fc_read_config *config,
                             fc_dataset **dataset, fc_data_facts *facts)
{
    *facts = (fc_data_facts){0};
    return open_selected(context, path, config, dataset, facts);
}

fc_status fc_dataset_read(fc_context *context, const char *path, const fc_read_config *config,
                          fc_dataset **dataset)
{
    fc_status status = FC_OK;
    fc_dataset *read = NULL;
    fc__survey survey = {0};
    fc__file_traits traits = {0};
    *dataset = NULL;
    FC_TRY(open_all(context, path, config, &read, &traits));
    if (traits.drops_missing || !traits.forecast) {
        FC_TRY(fc__survey_start(context, read, path, traits.drops_missing,
                                config && config->complete, &survey));
        FC_TRY(pass(context, path, read, true, &(onlookers){.survey = &survey}));
        FC_TRY(fc__survey_finish(&survey, context));
    }
    for (size_t s = 0; traits.forecast && s < read->sequence_count; s++)
        FC_TRY(fc_dataset_load(context, read, s, 0, read->sequences[s].frame_count));
    read->reader.destroy(read->reader.user);
    read->reader = (fc_frame_reader){0};
    if (traits.drops_missing)
        FC_TRY(fc__selection_apply(context, &survey, read));
    *dataset = read;
    read = NULL;
done:
    fc__survey_release(&survey);
    fc_dataset_destroy(read);
    return status;
}
