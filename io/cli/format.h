/* format.h: the formats of data files that commands write, by the name of the file or as asked. */
#ifndef FC_CLI_FORMAT_H
#define FC_CLI_FORMAT_H

#include "io/cli/options.h"

typedef struct cli_written {
    const char *path; /* as asked for */
    const fc_dataset *dataset, *deviation;
    const char *attributes; /* JSON object of global attributes */
    bool forecast;
} cli_written;

#define CLI_FORMATS "auto|native|xdmf|vtkhdf|well|csv"
#define CLI_OPT_FORMAT(place)                                                                      \
    CLI_OPT_CHOICE("--format", CLI_FORMATS, place,                                                 \
                   "of the output; auto goes by its ending: .nc or .h5, .xdmf (with a .nc "        \
                   "beside it), .vtkhdf, .csv")

/* Resolves "auto" in *format. FC_ERROR_USAGE for an ending that stands for no format, FC_ERROR_IO
 * when a file that belongs to the output cannot be made. */
FC_NODISCARD fc_status cli_format_choose(const cli_session *session, const char *path, int *format);
/* Whether values may be read or made while the format is written; others want them in memory. */
bool cli_format_streams(int format);
FC_NODISCARD fc_status cli_format_write(cli_session *session, int format,
                                        const cli_written *written);

#endif
