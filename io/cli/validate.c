#include "io/cli/data_source.h"
#include "io/cli/guard.h"
#include "io/cli/json.h"
#include "io/cli/progress.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- faults by kind */

enum { SHOWN = 5, MESSAGE_SIZE = 1024 };

/* Faults whose messages differ in their numbers alone. */
typedef struct fault_kind {
    fc_status status;
    char key[MESSAGE_SIZE];
    size_t count;
    char *shown[SHOWN]; /* the first of them */
} fault_kind;

typedef struct fault_list {
    size_t count, room;
    fault_kind *kinds;
    size_t errors, warnings;
    bool short_of_memory;
} fault_list;

static bool in_number(char letter)
{
    return isdigit((unsigned char)letter) || letter == '.' || letter == '-' || letter == '+';
}

/* The message with every number that is no part of a name as '#'. */
static void make_key(const char *message, char key[MESSAGE_SIZE])
{
    size_t used = 0;
    char before = ' ';
    while (*message && used + 1 < MESSAGE_SIZE) {
        bool name = isalnum((unsigned char)before) || before == '_';
        if (name || !in_number(*message)) {
            before = *message;
            key[used++] = *message++;
            continue;
        }
        while (in_number(*message) || (before == '#' && *message == 'e')) {
            before = '#';
            ++message;
        }
        key[used++] = '#';
    }
    key[used] = '\0';
}

static fault_kind *kind_of(fault_list *list, fc_status status, const char *message)
{
    char key[MESSAGE_SIZE];
    make_key(message, key);
    for (size_t i = 0; i < list->count; ++i)
        if (list->kinds[i].status == status && strcmp(list->kinds[i].key, key) == 0)
            return &list->kinds[i];
    if (list->count == list->room) {
        size_t room = list->room ? 2 * list->room : 16;
        fault_kind *kinds = realloc(list->kinds, room * sizeof *kinds);
        if (!kinds)
            return NULL;
        list->kinds = kinds;
        list->room = room;
    }
    fault_kind *made = &list->kinds[list->count++];
    *made = (fault_kind){.status = status};
    strcpy(made->key, key);
    return made;
}

static void note_fault(void *user, fc_status status, const char *message)
{
    fault_list *list = user;
    fault_kind *kind = kind_of(list, status, message);
    if (status == FC_OK)
        list->warnings++;
    else
        list->errors++;
    if (kind && kind->count < SHOWN) {
        kind->shown[kind->count] = strdup(message);
        list->short_of_memory = list->short_of_memory || !kind->shown[kind->count];
    }
    if (kind)
        kind->count++;
    else
        list->short_of_memory = true;
}

static void release_faults(fault_list *list)
{
    for (size_t i = 0; i < list->count; ++i)
        for (size_t k = 0; k < SHOWN; ++k)
            free(list->kinds[i].shown[k]);
    free(list->kinds);
    *list = (fault_list){0};
}

/* ---------------------------------------------------------------- output */

static void print_kinds(const fault_list *list, bool errors)
{
    for (size_t i = 0; i < list->count; ++i) {
        const fault_kind *kind = &list->kinds[i];
        const char *word = kind->status == FC_OK ? "warning" : "error";
        if ((kind->status != FC_OK) != errors)
            continue;
        for (size_t k = 0; k < SHOWN && k < kind->count; ++k)
            printf("%s: %s\n", word, kind->shown[k]);
        if (kind->count > SHOWN)
            printf("%s: and %zu more of this kind\n", word, kind->count - SHOWN);
    }
}

static void print_faults(const char *path, const fault_list *list)
{
    print_kinds(list, true);
    print_kinds(list, false);
    printf("%s: %zu error%s, %zu warning%s\n", path, list->errors, list->errors == 1 ? "" : "s",
           list->warnings, list->warnings == 1 ? "" : "s");
}

static json_t *faults_json(const char *path, const fault_list *list)
{
    json_t *root = json_object(), *faults = json_array();
    cli_json_text(root, "file", path);
    cli_json_count(root, "errors", list->errors);
    cli_json_count(root, "warnings", list->warnings);
    for (size_t i = 0; i < list->count; ++i) {
        const fault_kind *kind = &list->kinds[i];
        json_t *item = json_object(), *messages = json_array();
        cli_json_text(item, "severity", kind->status == FC_OK ? "warning" : "error");
        cli_json_count(item, "count", kind->count);
        for (size_t k = 0; k < SHOWN && k < kind->count; ++k)
            json_array_append_new(messages, json_string(kind->shown[k]));
        cli_json_put(item, "messages", messages);
        json_array_append_new(faults, item);
    }
    cli_json_put(root, "faults", faults);
    return root;
}

/* ---------------------------------------------------------------- command */

static fc_status examine(cli_session *session, const char *path, const fc_read_config *reading,
                         fault_list *list)
{
    fc_status status, finished;
    cli_progress progress;
    CLI_TRY(cli_guard(session, path));
    CLI_TRY(cli_progress_start(session, &progress, false, false, NULL));
    fc_context_set_progress(session->context, cli_progress_callback, &progress);
    status = fc_file_validate(session->context, path, reading, note_fault, list);
    fc_context_set_progress(session->context, NULL, NULL);
    finished = cli_progress_finish(session, &progress);
    CLI_TRY(cli_library(session, status));
    if (list->short_of_memory)
        status = cli_no_memory(session, 1, sizeof *list->kinds);
    else
        status = finished;
done:
    return status;
}

/* json: a list to which the file's object is added, NULL = the text is printed. */
static fc_status validate(cli_session *session, const char *path, const fc_read_config *reading,
                          json_t *json)
{
    fault_list list = {0};
    fc_status status;
    CLI_TRY(examine(session, path, reading, &list));
    if (json)
        json_array_append_new(json, faults_json(path, &list));
    else
        print_faults(path, &list);
    if (list.errors)
        status = FC_ERROR_DATA;
done:
    release_faults(&list);
    return status;
}

static fc_status validate_all(cli_session *session, const cli_texts *files,
                              const fc_read_config *reading, bool json)
{
    fc_status status = FC_OK;
    json_t *list = json ? json_array() : NULL;
    for (size_t i = 0; i < files->count; ++i) {
        fc_status found = validate(session, files->item[i], reading, list);
        status = status == FC_OK ? found : status;
        if (found == FC_INTERRUPTED)
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

static const char examples[] =
    "  fieldcast validate sst.nc\n"
    "  fieldcast validate tide.nc --variables level=depth+elevation --where 'depth > 0'\n"
    "  fieldcast validate data/*.nc model.h5 --json\n";

fc_status cli_validate(cli_session *session, int argc, char **argv)
{
    cli_texts files = {0};
    fc_read_config reading = {0};
    bool json = false, helped;
    cli_option options[] = {
        CLI_OPT_ARGUMENTS("FILE", &files,
                          "data, forecast or model files; with *, ? or [ a pattern of files that "
                          "continue each other"),
        CLI_OPT_READING(&reading, "only these variables, or expressions of them; else all that can "
                                  "be read"),
        CLI_OPT_FLAG("--json", &json,
                     "one JSON object in place of the text; a list of them for several files"),
    };
    const cli_syntax syntax = {
        .usage = "FILE... [options]",
        .summary = "list all faults of a file: errors (exit code 3), and what harms training",
        .examples = examples,
        .count = sizeof options / sizeof options[0],
        .options = options};
    fc_status status = cli_parse(session, &syntax, argc, argv, &helped);
    if (status != FC_OK || helped)
        return status;
    CLI_TRY(cli_start(session, 1));
    bool chosen = reading.variables || reading.where || reading.complete;
    status = validate_all(session, &files, chosen ? &reading : NULL, json);
done:
    return status;
}
