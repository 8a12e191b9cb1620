/* configuration.h: the fields of fc_train_config by name, as --set, --config and the model file
 * spell them: "decoder.layers", "dynamics.batch", "seed". */
#ifndef FC_CLI_CONFIGURATION_H
#define FC_CLI_CONFIGURATION_H

#include "io/cli/json.h"

/* "key=value"; unknown keys are refused with the nearest one. */
FC_NODISCARD fc_status cli_configuration_assign(const cli_session *session, fc_train_config *config,
                                                const char *assignment);
/* A YAML file of nested mappings. */
FC_NODISCARD fc_status cli_configuration_read(const cli_session *session, fc_train_config *config,
                                              const char *path);
/* Every field, as a JSON object of objects. */
json_t *cli_configuration_json(const fc_train_config *config);
/* The inverse, from a model's text; `what` names its source. */
FC_NODISCARD fc_status cli_configuration_parse(const cli_session *session, fc_train_config *config,
                                               const char *text, const char *what);
/* Lists the keys with their defaults, for the help. */
void cli_configuration_print(FILE *file);

#endif
