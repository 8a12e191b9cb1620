#include "io/cli/data_source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

fc_status cli_data_read(const cli_session *session, const char *path, const char *variables,
                        fc_dataset **dataset)
{
    fc_status status;
    fc_read_config config = {.variables = variables};
    *dataset = NULL;
    LIB_TRY(session, fc_dataset_read(session->context, path, &config, dataset));
    LIB_TRY(session, fc_dataset_validate(session->context, *dataset, path));
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

fc_status cli_data_read_for(const cli_session *session, const fc_model *model, const char *path,
                            const char *variables, fc_dataset **dataset)
{
    fc_status status;
    char *channels = NULL;
    *dataset = NULL;
    if (!variables)
        CLI_TRY(channel_list(session, model, &channels));
    CLI_TRY(cli_data_read(session, path, variables ? variables : channels, dataset));
    LIB_TRY(session, fc_model_check_dataset(session->context, model, *dataset, path));
done:
    free(channels);
    if (status != FC_OK) {
        fc_dataset_destroy(*dataset);
        *dataset = NULL;
    }
    return status;
}

fc_status cli_model_read(const cli_session *session, const char *path, fc_model **model)
{
    bool unfinished = false;
    fc_status status =
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

static uint64_t checksum(const fc_dataset *dataset)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t p = 0; p < dataset->points_count; ++p) {
        const fc_points *points = &dataset->points[p];
        hash = hash_words(hash, points->coordinates,
                          points->count * dataset->domain.dims * sizeof *points->coordinates);
    }
    for (size_t s = 0; s < dataset->sequence_count; ++s)
        for (size_t f = 0; f < dataset->sequences[s].frame_count; ++f) {
            const fc_frame *frame = &dataset->sequences[s].frames[f];
            size_t values = dataset->points[frame->points].count * dataset->channel_count;
            hash = hash_words(hash, &frame->time, sizeof frame->time);
            hash = hash_words(hash, frame->values, values * sizeof *frame->values);
        }
    return hash;
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

json_t *cli_data_json(const fc_dataset *dataset, const char *path, const char *variables)
{
    json_t *object = json_object();
    char text[32];
    snprintf(text, sizeof text, "%016" PRIx64, checksum(dataset));
    cli_json_text(object, "file", path);
    if (variables)
        cli_json_text(object, "variables", variables);
    cli_json_count(object, "sequences", dataset->sequence_count);
    cli_json_count(object, "frames", cli_data_frames(dataset));
    cli_json_count(object, "points", fc_dataset_max_points(dataset));
    cli_json_text(object, "checksum", text);
    return object;
}

fc_status cli_data_compare(const cli_session *session, const json_t *remembered,
                           const fc_dataset *dataset, const char *path)
{
    static const char *const keys[] = {"sequences", "frames", "points", "checksum"};
    const char *file = json_string_value(json_object_get(remembered, "file"));
    fc_status status = FC_OK;
    json_t *present = cli_data_json(dataset, path, NULL);
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
