#include "io/cli/data_source.h"
#include "io/cli/guard.h"
#include "io/cli/memory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

fc_status cli_data_read(const cli_session *session, const char *path, const fc_read_config *config,
                        fc_dataset **dataset)
{
    fc_status status;
    *dataset = NULL;
    CLI_TRY(cli_guard(session, path));
    LIB_TRY(session, fc_dataset_read(session->context, path, config, dataset));
    LIB_TRY(session, fc_dataset_validate(session->context, *dataset, path));
done:
    if (status != FC_OK) {
        fc_dataset_destroy(*dataset);
        *dataset = NULL;
    }
    return status;
}

static size_t frame_bytes(const fc_dataset *dataset, const fc_frame *frame)
{
    return dataset->points[frame->points].count * dataset->channel_count * sizeof *frame->values;
}

/* Of all values. */
static double size_of(const fc_dataset *dataset)
{
    double bytes = 0.0;
    for (size_t s = 0; s < dataset->sequence_count; ++s)
        for (size_t f = 0; f < dataset->sequences[s].frame_count; ++f)
            bytes += (double)frame_bytes(dataset, &dataset->sequences[s].frames[f]);
    return bytes;
}

static fc_status load(const cli_session *session, const char *path, fc_dataset *dataset)
{
    fc_status status;
    LIB_TRY(session, fc_dataset_load_all(session->context, dataset));
    LIB_TRY(session, fc_dataset_validate(session->context, dataset, path));
done:
    return status;
}

fc_status cli_data_open(const cli_session *session, const char *path, const fc_read_config *config,
                        size_t *memory, fc_dataset **dataset)
{
    enum { MOST_CACHE = 512 << 20 };
    fc_status status;
    size_t free_bytes = cli_memory_free();
    *dataset = NULL;
    CLI_TRY(cli_guard(session, path));
    LIB_TRY(session, fc_dataset_open(session->context, path, config, dataset));
    double values = size_of(*dataset);
    if (*memory == 0 && values > 0.5 * (double)free_bytes)
        *memory = free_bytes / 2;
    bool fits = *memory == 0 || 3.0 * values <= (double)*memory;
    if (*memory) {
        size_t cache = *memory / 8 < MOST_CACHE ? *memory / 8 : MOST_CACHE;
        fc_context_set_cache(session->context, cache);
        *memory -= cache + (fits ? (size_t)values : 0);
    }
    if (fits)
        CLI_TRY(load(session, path, *dataset));
done:
    if (status != FC_OK) {
        fc_dataset_destroy(*dataset);
        *dataset = NULL;
    }
    return status;
}

/* "a,b" of the model's channels, to be freed. */
static fc_status channel_list(const cli_session *session, const fc_model *model, char **list)
{
    fc_status status =
        cli_allocate(session, model->channel_count, sizeof model->channels[0].name + 1, list);
    for (size_t i = 0; i < model->channel_count && status == FC_OK; ++i) {
        if (i)
            strcat(*list, ",");
        strcat(*list, model->channels[i].name);
    }
    return status;
}

typedef fc_status read_function(fc_context *context, const char *path, const fc_read_config *config,
                                fc_dataset **dataset);

/* As the model remembers it or, where the file does not have what that takes (a forecast has the
 * channels themselves), by the names of the channels. */
static fc_status read_remembered(const cli_session *session, const fc_model *model,
                                 const char *path, const fc_read_config *given, read_function *read,
                                 fc_dataset **dataset)
{
    fc_status status;
    char *channels = NULL;
    json_t *provenance = json_loads(model->provenance ? model->provenance : "{}", 0, NULL);
    fc_read_config config = cli_data_config(json_object_get(provenance, "data"));
    CLI_TRY(channel_list(session, model, &channels));
    fc_read_config plain = *given;
    plain.variables = channels;
    if (given->where || given->complete) {
        config.where = given->where;
        config.complete = given->complete;
    }
    if (!config.variables)
        config.variables = channels;
    status = read(session->context, path, &config, dataset);
    if (status == FC_ERROR_DATA && read(NULL, path, &plain, dataset) == FC_OK)
        status = FC_OK;
    status = cli_library(session, status);
done:
    json_decref(provenance);
    free(channels);
    return status;
}

static fc_status read_for(const cli_session *session, const fc_model *model, const char *path,
                          const fc_read_config *config, read_function *read, fc_dataset **dataset)
{
    fc_status status;
    *dataset = NULL;
    CLI_TRY(cli_guard(session, path));
    if (config->variables)
        LIB_TRY(session, read(session->context, path, config, dataset));
    else
        CLI_TRY(read_remembered(session, model, path, config, read, dataset));
    LIB_TRY(session, fc_model_check_dataset(session->context, model, *dataset, path));
done:
    return status;
}

fc_status cli_data_open_for(const cli_session *session, const fc_model *model, const char *path,
                            const fc_read_config *config, fc_dataset **dataset)
{
    fc_status status;
    CLI_TRY(read_for(session, model, path, config, fc_dataset_open, dataset));
    if ((*dataset)->record || size_of(*dataset) <= 0.5 * (double)cli_memory_free())
        CLI_TRY(load(session, path, *dataset));
done:
    if (status != FC_OK) {
        fc_dataset_destroy(*dataset);
        *dataset = NULL;
    }
    return status;
}

fc_status cli_data_read_for(const cli_session *session, const fc_model *model, const char *path,
                            const fc_read_config *config, fc_dataset **dataset)
{
    fc_status status;
    CLI_TRY(read_for(session, model, path, config, fc_dataset_read, dataset));
    LIB_TRY(session, fc_dataset_validate(session->context, *dataset, path));
done:
    if (status != FC_OK) {
        fc_dataset_destroy(*dataset);
        *dataset = NULL;
    }
    return status;
}

fc_status cli_model_read(const cli_session *session, const char *path, fc_model **model)
{
    bool unfinished = false;
    fc_status status = cli_guard(session, path);
    if (status == FC_OK)
        status =
            cli_library(session, fc_model_read(session->context, path, model, NULL, &unfinished));
    if (status == FC_OK && unfinished)
        cli_note(session,
                 "%s: is a checkpoint of unfinished training, used as it stands; 'fieldcast train "
                 "--resume' finishes it",
                 path);
    return status;
}

/* ---------------------------------------------------------------- identity of the data */

/* FNV-1a (Fowler, Noll, Vo) over 32-bit words: tells files apart, no defence against forgery. */
static uint64_t hash_words(uint64_t hash, const void *data, size_t bytes)
{
    const unsigned char *byte = data;
    for (size_t i = 0; i + 4 <= bytes; i += 4) {
        uint32_t word;
        memcpy(&word, byte + i, sizeof word);
        hash = (hash ^ word) * 0x100000001b3u;
    }
    return hash;
}

/* Coordinates, times, and values: those of all frames unless they are many, then of some frames
 * spread over all. */
static fc_status checksum(const cli_session *session, fc_dataset *dataset, uint64_t *hash)
{
    enum { SOME_FRAMES = 256 };
    fc_status status = FC_OK;
    const double many = 0x1p30;
    size_t every = 1, number = 0;
    if (size_of(dataset) > many)
        every = (cli_data_frames(dataset) + SOME_FRAMES - 1) / SOME_FRAMES;
    *hash = 0xcbf29ce484222325u;
    for (size_t p = 0; p < dataset->points_count; ++p) {
        const fc_points *points = &dataset->points[p];
        *hash = hash_words(*hash, points->coordinates,
                           points->count * dataset->domain.dims * sizeof *points->coordinates);
    }
    for (size_t s = 0; s < dataset->sequence_count; ++s)
        for (size_t f = 0; f < dataset->sequences[s].frame_count; ++f, ++number) {
            const fc_frame *frame = &dataset->sequences[s].frames[f];
            *hash = hash_words(*hash, &frame->time, sizeof frame->time);
            if (number % every)
                continue;
            LIB_TRY(session, fc_dataset_load(session->context, dataset, s, f, 1));
            *hash = hash_words(*hash, frame->values, frame_bytes(dataset, frame));
            fc_dataset_unload(dataset, s, f, 1);
        }
done:
    return status;
}

void cli_time_text(const fc_time_axis *axis, double time, char *text, size_t size)
{
    fc_time_format(axis, time, text, size);
    char *midnight = strstr(text, "T00:00");
    if (midnight && midnight[6] == '\0')
        *midnight = '\0';
}

size_t cli_data_frames(const fc_dataset *dataset)
{
    size_t frames = 0;
    for (size_t s = 0; s < dataset->sequence_count; ++s)
        frames += dataset->sequences[s].frame_count;
    return frames;
}

fc_read_config cli_data_config(const json_t *object)
{
    return (fc_read_config){.variables = json_string_value(json_object_get(object, "variables")),
                            .where = json_string_value(json_object_get(object, "where")),
                            .complete = json_is_true(json_object_get(object, "complete"))};
}

fc_status cli_data_json(const cli_session *session, fc_dataset *dataset, const char *path,
                        const fc_read_config *config, json_t **object)
{
    char text[32];
    uint64_t hash;
    fc_status status = checksum(session, dataset, &hash);
    *object = NULL;
    if (status != FC_OK)
        return status;
    *object = json_object();
    snprintf(text, sizeof text, "%016" PRIx64, hash);
    cli_json_text(*object, "file", path);
    if (config && config->variables)
        cli_json_text(*object, "variables", config->variables);
    if (config && config->where)
        cli_json_text(*object, "where", config->where);
    if (config && config->complete)
        cli_json_put(*object, "complete", json_true());
    cli_json_count(*object, "sequences", dataset->sequence_count);
    cli_json_count(*object, "frames", cli_data_frames(dataset));
    cli_json_count(*object, "points", fc_dataset_max_points(dataset));
    cli_json_text(*object, "checksum", text);
    return FC_OK;
}

fc_status cli_data_compare(const cli_session *session, const json_t *remembered,
                           fc_dataset *dataset, const char *path)
{
    static const char *const keys[] = {"sequences", "frames", "points", "checksum"};
    const char *file = json_string_value(json_object_get(remembered, "file"));
    json_t *present = NULL;
    fc_status status = cli_data_json(session, dataset, path, NULL, &present);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0] && status == FC_OK; ++i) {
        const json_t *before = json_object_get(remembered, keys[i]);
        const json_t *now = json_object_get(present, keys[i]);
        if (json_equal(before, now))
            continue;
        char *was = before ? json_dumps(before, JSON_ENCODE_ANY) : NULL;
        char *is = json_dumps(now, JSON_ENCODE_ANY);
        status =
            cli_fail(session, FC_ERROR_DATA,
                     "%s: differs from the data that the training began with (%s): %s %s, "
                     "then %s",
                     path, file ? file : "unnamed", keys[i], is ? is : "?", was ? was : "unknown");
        free(was);
        free(is);
    }
    json_decref(present);
    return status;
}
