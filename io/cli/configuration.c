#include "io/cli/configuration.h"
#include "io/cli/options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

typedef enum field_type {
    FIELD_COUNT,
    FIELD_SEED,
    FIELD_REAL,
    FIELD_BOOL,
    FIELD_CHOICE
} field_type;

/* Naming one field of a pair settles the other: a budget in updates switches the budget in minutes
 * off, a size of the vector field its automatic choice. */
typedef void side_effect(fc_train_config *config);

typedef struct config_field {
    const char *key;
    field_type type;
    size_t offset; /* into fc_train_config */
    const char *choices;
    side_effect *effect;
} config_field;

static void budget_in_updates(fc_train_config *config)
{
    if (config->dynamics.updates > 0)
        config->minutes = 0.0;
}

static void field_by_hand(fc_train_config *config)
{
    config->field_auto = false;
}

#define FIELD(name, kind, member)                                                                  \
    {                                                                                              \
        name, kind, offsetof(fc_train_config, member), NULL, NULL                                  \
    }
#define CHOICE(name, member, words)                                                                \
    {                                                                                              \
        name, FIELD_CHOICE, offsetof(fc_train_config, member), words, NULL                         \
    }
#define FIELD_WITH(name, kind, member, effect)                                                     \
    {                                                                                              \
        name, kind, offsetof(fc_train_config, member), NULL, effect                                \
    }

/* The words of a choice stand in the order of the enumeration. */
_Static_assert(FC_FILTER_AUTO == 0 && FC_FILTER_HARMONIC == 4, "words of decoder.filter");
_Static_assert(FC_DECODER_FOURIER == 0 && FC_DECODER_MULTIPLICATIVE == 2,
               "words of decoder.family");
_Static_assert(FC_FIT_AUTO == 0 && FC_FIT_AUTO_DECODING == 3, "words of fit.method");
_Static_assert(FC_MASK_SHARED == 0 && FC_MASK_FRAME == 2, "words of mask.kind");
_Static_assert(FC_FIELD_AUTO == 0 && FC_FIELD_EQUATION == 2, "words of field.kind");
_Static_assert(FC_FIELD_DESCENT == 0 && FC_FIELD_REGRESSION == 1, "words of field.method");
_Static_assert(sizeof(fc_filter_kind) == sizeof(int) && sizeof(fc_fit_method) == sizeof(int) &&
                   sizeof(fc_mask_kind) == sizeof(int) && sizeof(fc_field_kind) == sizeof(int) &&
                   sizeof(fc_field_method) == sizeof(int) &&
                   sizeof(fc_decoder_family) == sizeof(int),
               "choices are stored as int");

static const config_field fields[] = {
    FIELD("minutes", FIELD_REAL, minutes),
    FIELD("mask.share", FIELD_REAL, mask.share),
    CHOICE("mask.kind", mask.kind, "shared|sequence|frame"),
    FIELD("mask.seed", FIELD_SEED, mask.seed),
    FIELD("every", FIELD_COUNT, every),
    FIELD("train_frames", FIELD_COUNT, train_frames),
    FIELD("until", FIELD_REAL, until),
    FIELD("window", FIELD_COUNT, window),
    FIELD("validation", FIELD_REAL, validation),
    FIELD("harmonics", FIELD_COUNT, harmonics),
    FIELD("fit_frames", FIELD_COUNT, fit_frames),
    FIELD("seed", FIELD_SEED, seed),
    CHOICE("decoder.family", decoder.family, "fourier|siren|multiplicative"),
    FIELD("decoder.width", FIELD_COUNT, decoder.width),
    FIELD("decoder.omega0", FIELD_REAL, decoder.omega0),
    FIELD("decoder.layers", FIELD_COUNT, decoder.layers),
    FIELD("decoder.filters", FIELD_COUNT, decoder.filters),
    CHOICE("decoder.filter", decoder.filter, "auto|integer|random|trainable|harmonic"),
    FIELD("decoder.bandwidth", FIELD_REAL, decoder.bandwidth),
    CHOICE("fit.method", fit.method, "auto|series|projection|auto-decoding"),
    FIELD("fit.codes", FIELD_COUNT, fit.codes),
    FIELD("fit.max_codes", FIELD_COUNT, fit.max_codes),
    FIELD("fit.max_filters", FIELD_COUNT, fit.max_filters),
    FIELD("fit.copies", FIELD_COUNT, fit.copies),
    FIELD("fit.shift", FIELD_REAL, fit.shift),
    FIELD("fit.tolerance", FIELD_REAL, fit.tolerance),
    FIELD("fit.steps", FIELD_COUNT, fit.steps),
    FIELD("fit.batch_frames", FIELD_COUNT, fit.batch_frames),
    FIELD("fit.batch_points", FIELD_COUNT, fit.batch_points),
    FIELD("fit.ridge", FIELD_REAL, fit.ridge),
    FIELD("fit.rate", FIELD_REAL, fit.rate),
    FIELD("fit.code_rate", FIELD_REAL, fit.code_rate),
    FIELD("fit.em_iterations", FIELD_COUNT, fit.em_iterations),
    FIELD_WITH("field.linear", FIELD_BOOL, field.linear, field_by_hand),
    FIELD_WITH("field.rank", FIELD_COUNT, field.rank, field_by_hand),
    FIELD_WITH("field.hidden", FIELD_COUNT, field.hidden, field_by_hand),
    FIELD("field.auto", FIELD_BOOL, field_auto),
    CHOICE("field.kind", field_kind, "auto|bilinear|equation"),
    CHOICE("field.method", field_method, "descent|regression"),
    FIELD("field.ridge", FIELD_REAL, field_ridge),
    FIELD("equation.samples", FIELD_COUNT, equation.samples),
    FIELD("equation.iterations", FIELD_COUNT, equation.iterations),
    FIELD("equation.highest", FIELD_COUNT, equation.highest),
    FIELD("equation.linear", FIELD_COUNT, equation.linear),
    FIELD("equation.tolerance", FIELD_REAL, equation.tolerance),
    FIELD_WITH("dynamics.updates", FIELD_SEED, dynamics.updates, budget_in_updates),
    FIELD("dynamics.batch", FIELD_COUNT, dynamics.batch),
    FIELD("dynamics.rate", FIELD_REAL, dynamics.rate),
    FIELD("dynamics.weight_decay", FIELD_REAL, dynamics.weight_decay),
    FIELD("dynamics.horizon", FIELD_COUNT, dynamics.horizon),
    FIELD("dynamics.patience", FIELD_REAL, dynamics.patience),
    FIELD("dynamics.average", FIELD_REAL, dynamics.average),
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

/* ---------------------------------------------------------------- one field */

static const config_field *find_field(const char *key)
{
    for (size_t i = 0; i < FIELDS; ++i)
        if (strcmp(fields[i].key, key) == 0)
            return &fields[i];
    return NULL;
}

static fc_status unknown_key(const cli_session *session, const char *what, const char *key)
{
    const char *names[FIELDS];
    for (size_t i = 0; i < FIELDS; ++i)
        names[i] = fields[i].key;
    const char *near = cli_nearest(key, FIELDS, names);
    return cli_fail(session, FC_ERROR_USAGE, "%s: unknown key '%s'; %s%s%s", what, key,
                    near ? "did you mean '" : "'fieldcast train --help' lists them",
                    near ? near : "", near ? "'?" : "");
}

static bool parse_bool(const char *text, bool *value)
{
    *value = strcmp(text, "true") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "on") == 0;
    return *value || strcmp(text, "false") == 0 || strcmp(text, "no") == 0 ||
           strcmp(text, "off") == 0;
}

/* Stores the text's value; the returned words say what would be accepted, NULL = stored. */
static const char *store(const config_field *field, fc_train_config *config, const char *text)
{
    void *place = (char *)config + field->offset;
    uint64_t count;
    double real;
    bool truth;
    int choice;
    switch (field->type) {
    case FIELD_COUNT:
        if (!cli_parse_count(text, &count))
            return "a whole number from 0 on";
        *(size_t *)place = (size_t)count;
        break;
    case FIELD_SEED:
        if (!cli_parse_count(text, &count))
            return "a whole number from 0 on";
        *(uint64_t *)place = count;
        break;
    case FIELD_REAL:
        if (!cli_parse_real(text, &real))
            return "a finite number";
        *(double *)place = real;
        break;
    case FIELD_BOOL:
        if (!parse_bool(text, &truth))
            return "true|false";
        *(bool *)place = truth;
        break;
    case FIELD_CHOICE:
        choice = cli_choice_of(field->choices, text);
        if (choice < 0)
            return field->choices;
        memcpy(place, &choice, sizeof choice);
        break;
    }
    if (field->effect)
        field->effect(config);
    return NULL;
}

static fc_status set_field(const cli_session *session, fc_train_config *config, const char *what,
                           const char *key, const char *text)
{
    const config_field *field = find_field(key);
    if (!field)
        return unknown_key(session, what, key);
    const char *accepted = store(field, config, text);
    if (accepted)
        return cli_fail(session, FC_ERROR_USAGE, "%s: %s '%s' must be %s", what, key, text,
                        accepted);
    return FC_OK;
}

fc_status cli_configuration_assign(const cli_session *session, fc_train_config *config,
                                   const char *assignment)
{
    char key[64];
    size_t length = strcspn(assignment, "=");
    if (assignment[length] != '=' || length == 0)
        return cli_fail(session, FC_ERROR_USAGE, "--set %s: must be key=value", assignment);
    snprintf(key, sizeof key, "%.*s", (int)(length < sizeof key ? length : sizeof key - 1),
             assignment);
    return set_field(session, config, "--set", key, assignment + length + 1);
}

/* ---------------------------------------------------------------- YAML */

typedef struct yaml_source {
    const cli_session *session;
    const char *path;
    yaml_document_t document;
    fc_train_config *config;
} yaml_source;

static fc_status yaml_fault(const yaml_source *source, const yaml_node_t *node, const char *what)
{
    return cli_fail(source->session, FC_ERROR_USAGE, "%s: line %zu: %s", source->path,
                    node->start_mark.line + 1, what);
}

/* Assigns every scalar of a mapping under the key prefix ("" or "decoder."). */
static fc_status read_mapping(yaml_source *source, const yaml_node_t *mapping, const char *prefix)
{
    fc_status status = FC_OK;
    if (mapping->type != YAML_MAPPING_NODE)
        return yaml_fault(source, mapping, "expected 'key: value' lines");
    const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
    for (; pair < mapping->data.mapping.pairs.top; ++pair) {
        const yaml_node_t *name = yaml_document_get_node(&source->document, pair->key);
        const yaml_node_t *value = yaml_document_get_node(&source->document, pair->value);
        char key[128];
        if (name->type != YAML_SCALAR_NODE)
            return yaml_fault(source, name, "a key must be a word");
        snprintf(key, sizeof key - 1, "%s%s", prefix, (const char *)name->data.scalar.value);
        if (value->type == YAML_MAPPING_NODE && prefix[0] == '\0') {
            strcat(key, ".");
            CLI_TRY(read_mapping(source, value, key));
        } else if (value->type == YAML_SCALAR_NODE) {
            char what[512];
            snprintf(what, sizeof what, "%s: line %zu", source->path, name->start_mark.line + 1);
            CLI_TRY(set_field(source->session, source->config, what, key,
                              (const char *)value->data.scalar.value));
        } else {
            return yaml_fault(source, value, "expected one value");
        }
    }
done:
    return status;
}

fc_status cli_configuration_read(const cli_session *session, fc_train_config *config,
                                 const char *path)
{
    yaml_source source = {.session = session, .path = path, .config = config};
    yaml_parser_t parser;
    FILE *file = fopen(path, "rb");
    if (!file)
        return cli_fail(session, FC_ERROR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    fc_status status = FC_OK;
    if (!yaml_parser_initialize(&parser)) {
        fclose(file);
        return cli_fail(session, FC_ERROR_MEMORY, "%s: out of memory", path);
    }
    yaml_parser_set_input_file(&parser, file);
    if (!yaml_parser_load(&parser, &source.document)) {
        status =
            cli_fail(session, FC_ERROR_USAGE, "%s: line %zu: %s", path,
                     parser.problem_mark.line + 1, parser.problem ? parser.problem : "not YAML");
    } else {
        const yaml_node_t *root = yaml_document_get_root_node(&source.document);
        if (root) /* an empty file changes nothing */
            status = read_mapping(&source, root, "");
        yaml_document_delete(&source.document);
    }
    yaml_parser_delete(&parser);
    fclose(file);
    return status;
}

/* ---------------------------------------------------------------- JSON */

static json_t *field_json(const config_field *field, const fc_train_config *config)
{
    const void *place = (const char *)config + field->offset;
    int choice;
    switch (field->type) {
    case FIELD_COUNT:
        return json_integer((json_int_t) * (const size_t *)place);
    case FIELD_SEED:
        return json_integer((json_int_t) * (const uint64_t *)place);
    case FIELD_REAL:
        return isfinite(*(const double *)place) ? json_real(*(const double *)place) : json_null();
    case FIELD_BOOL:
        return json_boolean(*(const bool *)place);
    case FIELD_CHOICE: {
        memcpy(&choice, place, sizeof choice);
        const char *word = field->choices;
        for (; choice > 0 && strchr(word, '|'); --choice)
            word = strchr(word, '|') + 1;
        return json_stringn(word, strcspn(word, "|"));
    }
    }
    return NULL;
}

json_t *cli_configuration_json(const fc_train_config *config)
{
    json_t *root = json_object();
    for (size_t i = 0; i < FIELDS; ++i) {
        const char *dot = strchr(fields[i].key, '.');
        json_t *parent = root;
        if (dot) {
            char group[32];
            snprintf(group, sizeof group, "%.*s", (int)(dot - fields[i].key), fields[i].key);
            parent = json_object_get(root, group);
            if (!parent) {
                json_object_set_new(root, group, json_object());
                parent = json_object_get(root, group);
            }
        }
        cli_json_put(parent, dot ? dot + 1 : fields[i].key, field_json(&fields[i], config));
    }
    return root;
}

/* Reads one field back; a null or missing value keeps the default, which is what it stood for. */
static bool field_from_json(const config_field *field, fc_train_config *config, const json_t *value)
{
    void *place = (char *)config + field->offset;
    if (!value || json_is_null(value))
        return true;
    switch (field->type) {
    case FIELD_COUNT:
        *(size_t *)place = (size_t)json_integer_value(value);
        return json_is_integer(value);
    case FIELD_SEED:
        *(uint64_t *)place = (uint64_t)json_integer_value(value);
        return json_is_integer(value);
    case FIELD_REAL:
        *(double *)place = json_number_value(value);
        return json_is_number(value);
    case FIELD_BOOL:
        *(bool *)place = json_is_true(value);
        return json_is_boolean(value);
    case FIELD_CHOICE:
        return json_is_string(value) && !store(field, config, json_string_value(value));
    }
    return false;
}

fc_status cli_configuration_parse(const cli_session *session, fc_train_config *config,
                                  const char *text, const char *what)
{
    json_error_t error;
    json_t *root = json_loads(text ? text : "", 0, &error);
    fc_status status = FC_OK;
    if (!root)
        return cli_fail(session, FC_ERROR_DATA, "%s: its configuration is unreadable: %s", what,
                        error.text);
    *config = fc_train_config_default();
    for (size_t i = 0; i < FIELDS && status == FC_OK; ++i) {
        const char *dot = strchr(fields[i].key, '.');
        const json_t *parent = root;
        if (dot) {
            char group[32];
            snprintf(group, sizeof group, "%.*s", (int)(dot - fields[i].key), fields[i].key);
            parent = json_object_get(root, group);
        }
        const json_t *value = json_object_get(parent, dot ? dot + 1 : fields[i].key);
        if (!field_from_json(&fields[i], config, value))
            status = cli_fail(session, FC_ERROR_DATA, "%s: its configuration has a wrong '%s'",
                              what, fields[i].key);
    }
    json_decref(root);
    return status;
}

void cli_configuration_print(FILE *file)
{
    fc_train_config config = fc_train_config_default();
    for (size_t i = 0; i < FIELDS; ++i) {
        json_t *value = field_json(&fields[i], &config);
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
        fprintf(file, "  %-24s %s%s%s%s\n", fields[i].key, text ? text : "",
                fields[i].choices ? "  (" : "", fields[i].choices ? fields[i].choices : "",
                fields[i].choices ? ")" : "");
        free(text);
        json_decref(value);
    }
}
