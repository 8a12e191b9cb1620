/* data_source.h: a data file as a command reads it, and how a model remembers it. */
#ifndef FC_CLI_DATA_SOURCE_H
#define FC_CLI_DATA_SOURCE_H

#include "io/cli/json.h"
#include "io/cli/options.h"

/* The options that say what is read of a data file, into a fc_read_config. */
#define CLI_OPT_READING(config, text)                                                              \
    CLI_OPT_TEXT("--variables", "A,B=EXPR", &(config)->variables, text),                           \
        CLI_OPT_TEXT("--where", "EXPR", &(config)->where,                                          \
                     "values count only where this holds, as in \"depth > 0\""),                   \
        CLI_OPT_FLAG("--complete", &(config)->complete,                                            \
                     "only points that are observed in every frame")

/* Reads and validates a dataset. */
FC_NODISCARD fc_status cli_data_read(const cli_session *session, const char *path,
                                     const fc_read_config *config, fc_dataset **dataset);
/* The same, checked against the model: read as the model's own data was (variables, where,
 * complete) where `config` asks for nothing else, or else by the names of its channels. */
FC_NODISCARD fc_status cli_data_read_for(const cli_session *session, const fc_model *model,
                                         const char *path, const fc_read_config *config,
                                         fc_dataset **dataset);
/* As cli_data_read for a file that may be larger than memory. *memory: the limit that was asked
 * for, 0 = none is needed unless the values would take more than half of the free memory. Where
 * they do not fit thrice, they stay in the file. *memory becomes the limit of training
 * (fc_train_config), 0 = none; the rest goes to the values in memory and the context's cache. */
FC_NODISCARD fc_status cli_data_open(const cli_session *session, const char *path,
                                     const fc_read_config *config, size_t *memory,
                                     fc_dataset **dataset);
/* As cli_data_read_for; the values of sequences stay in the file where they would take more than
 * half of the free memory. */
FC_NODISCARD fc_status cli_data_open_for(const cli_session *session, const fc_model *model,
                                         const char *path, const fc_read_config *config,
                                         fc_dataset **dataset);
/* Reads a finished model or a checkpoint that can forecast. */
FC_NODISCARD fc_status cli_model_read(const cli_session *session, const char *path,
                                      fc_model **model);

/* A date without its time of day at midnight, or "NUMBER" on an axis without dates. */
void cli_time_text(const fc_time_axis *axis, double time, char *text, size_t size);
size_t cli_data_frames(const fc_dataset *dataset); /* in all */
/* {"file", "variables", "where", "complete", "sequences", "frames", "points", "checksum"}; of large
 * data the checksum covers some of the frames. config may be NULL. */
FC_NODISCARD fc_status cli_data_json(const cli_session *session, fc_dataset *dataset,
                                     const char *path, const fc_read_config *config,
                                     json_t **object);
/* What such an object says of the reading; texts belong to the object. */
fc_read_config cli_data_config(const json_t *object);
/* FC_ERROR_DATA when the dataset is not the one that the JSON object describes. */
FC_NODISCARD fc_status cli_data_compare(const cli_session *session, const json_t *remembered,
                                        fc_dataset *dataset, const char *path);

#endif
