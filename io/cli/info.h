/* info.h: what `fieldcast info` says of a file, as text and as JSON. */
#ifndef FC_CLI_INFO_H
#define FC_CLI_INFO_H

#include "io/cli/facts.h"

/* Prints what a model file holds or, where `object` is given, makes it. */
FC_NODISCARD fc_status cli_info_model(cli_session *session, const char *path, json_t **object);

json_t *cli_info_dataset(const char *kind, const cli_facts *facts);
/* facts: (count) may be NULL */
json_t *cli_info_channels(size_t count, const fc_channel *channels, const fc_channel_facts *facts);
json_t *cli_info_axes(const fc_domain *domain);

void cli_info_print_dataset(const cli_facts *facts, bool forecast);
void cli_info_print_axes(const fc_domain *domain);

const char *cli_axis_kind_text(fc_axis_kind kind);

/* The equation that a model's dynamics is (info_equation.c). */
void cli_info_print_equation(const fc_model *model);
json_t *cli_info_equation(const fc_model *model);

#endif
