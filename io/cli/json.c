#include "io/cli/json.h"

#include <math.h>

void cli_json_put(json_t *object, const char *key, json_t *value)
{
    if (value)
        json_object_set_new(object, key, value);
}

void cli_json_real(json_t *object, const char *key, double value)
{
    if (isfinite(value))
        cli_json_put(object, key, json_real(value));
}

void cli_json_count(json_t *object, const char *key, uint64_t value)
{
    cli_json_put(object, key, json_integer((json_int_t)value));
}

void cli_json_text(json_t *object, const char *key, const char *value)
{
    json_t *text = json_string(value);
    cli_json_put(object, key, text ? text : json_string("(not UTF-8)"));
}

fc_status cli_json_print(const cli_session *session, const json_t *object)
{
    json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    putchar('\n');
    return cli_flush_output(session);
}

fc_status cli_json_dump(const cli_session *session, const json_t *object, char **text)
{
    *text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    return *text ? FC_OK : cli_fail(session, FC_ERROR_MEMORY, "out of memory for JSON text");
}
