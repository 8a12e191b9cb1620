/* json.h: JSON objects as the commands build them. Numbers that are not finite are left out. */
#ifndef FC_CLI_JSON_H
#define FC_CLI_JSON_H

#include "io/cli/cli.h"

#include <jansson.h>

void cli_json_real(json_t *object, const char *key, double value);
void cli_json_count(json_t *object, const char *key, uint64_t value);
void cli_json_text(json_t *object, const char *key, const char *value);
/* Takes the value over. */
void cli_json_put(json_t *object, const char *key, json_t *value);

/* Prints the object to stdout. */
FC_NODISCARD fc_status cli_json_print(const cli_session *session, const json_t *object);
/* The object as text of full precision, to be freed by the caller. */
FC_NODISCARD fc_status cli_json_dump(const cli_session *session, const json_t *object, char **text);

#endif
