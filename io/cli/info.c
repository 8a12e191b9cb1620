#include "io/cli/info.h"
#include "io/cli/guard.h"

/* One of the variables that can be read where those that the file offers cannot. */
static void suggest_variables(const cli_session *session, const cli_facts *facts)
{
    for (size_t i = 0; i < facts->variable_count; ++i)
        if (facts->variables[i].use == FC_VARIABLE_READABLE) {
            cli_note(session, "%s: --variables %s can be read", facts->path,
                     facts->variables[i].name);
            return;
        }
}

static fc_status show_dataset(cli_session *session, const char *path, fc_file_kind kind,
                              const fc_read_config *reading, json_t **object)
{
    static const char *const kinds[] = {[FC_FILE_DATASET] = "dataset",
                                        [FC_FILE_FORECAST] = "forecast",
                                        [FC_FILE_NETCDF] = "netCDF"};
    cli_facts facts;
    fc_status status = cli_facts_gather(session, path, reading, &facts);
    if (status == FC_ERROR_DATA && !reading->variables)
        suggest_variables(session, &facts);
    else if (status == FC_OK && object)
        *object = cli_info_dataset(kinds[kind], &facts);
    else if (status == FC_OK)
        cli_info_print_dataset(&facts, kind == FC_FILE_FORECAST);
    cli_facts_release(&facts);
    return status;
}

/* object: NULL = the text is printed. */
static fc_status show(cli_session *session, const char *path, const fc_read_config *reading,
                      json_t **object)
{
    fc_file_kind kind;
    fc_status status;
    CLI_TRY(cli_guard(session, path));
    LIB_TRY(session, fc_file_probe(session->context, path, &kind));
    CLI_TRY(kind == FC_FILE_MODEL ? cli_info_model(session, path, object)
                                  : show_dataset(session, path, kind, reading, object));
done:
    return status;
}

/* All files, the first failure last: what can be said is said. */
static fc_status show_all(cli_session *session, const cli_texts *files,
                          const fc_read_config *reading, bool json)
{
    fc_status status = FC_OK;
    json_t *list = json_array();
    for (size_t i = 0; i < files->count; ++i) {
        json_t *object = NULL;
        if (i && !json)
            putchar('\n');
        fc_status shown = show(session, files->item[i], reading, json ? &object : NULL);
        status = status == FC_OK ? shown : status;
        if (object)
            json_array_append_new(list, object);
        if (shown == FC_INTERRUPTED)
            break;
    }
    if (json && json_array_size(list)) {
        fc_status printed =
            cli_json_print(session, files->count == 1 ? json_array_get(list, 0) : list);
        status = status == FC_OK ? printed : status;
    }
    json_decref(list);
    return status;
}

static const char examples[] = "  fieldcast info train.nc\n"
                               "  fieldcast info sst.nc --variables surface_temperature\n"
                               "  fieldcast info 'radar_*.h5'      (one record in many files)\n"
                               "  fieldcast info model.h5 forecast.nc --json\n";

fc_status cli_info(cli_session *session, int argc, char **argv)
{
    cli_texts files = {0};
    fc_read_config reading = {0};
    bool json = false, helped;
    cli_option options[] = {
        CLI_OPT_ARGUMENTS("FILE", &files,
                          "data, forecast or model files; with *, ? or [ a pattern of files that "
                          "continue each other"),
        CLI_OPT_READING(&reading, "variables to look at, or expressions of them"),
        CLI_OPT_FLAG("--json", &json,
                     "one JSON object in place of the text; a list of them for several files"),
    };
    const cli_syntax syntax = {.usage = "FILE... [options]",
                               .summary = "say what a file holds and what can be done with it",
                               .examples = examples,
                               .count = sizeof options / sizeof options[0],
                               .options = options};
    fc_status status = cli_parse(session, &syntax, argc, argv, &helped);
    if (status != FC_OK || helped)
        return status;
    CLI_TRY(cli_start(session, 1));
    status = show_all(session, &files, &reading, json);
done:
    return status;
}
