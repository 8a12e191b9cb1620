/* facts.h: the facts of a dataset that `fieldcast info` tells, found in bounded memory. */
#ifndef FC_CLI_FACTS_H
#define FC_CLI_FACTS_H

#include "io/cli/data_source.h"

enum { CLI_GAPS = 3 };

typedef struct cli_gap {
    size_t sequence;
    double after, length; /* time of the frame before it */
} cli_gap;

typedef struct cli_time_facts {
    double first, last;
    double shortest, median, longest; /* intervals; NaN without any */
    size_t gaps;                      /* intervals above one and a half times the median */
    cli_gap gap[CLI_GAPS];            /* the longest of them, longest first */
    bool even;                        /* all intervals are the same */
} cli_time_facts;

typedef struct cli_axis_facts {
    double shortest, longest; /* distance of neighbours on a grid; NaN where there is no grid */
} cli_axis_facts;

typedef struct cli_facts {
    const char *path;
    const fc_read_config *reading;
    fc_file_description file;
    fc_dataset *dataset; /* values are not in memory */
    fc_data_facts data;
    size_t variable_count;
    fc_file_variable *variables; /* of the file, or of the first of a pattern */
    size_t frames, fewest, most; /* in all, and of a sequence */
    size_t points_sets, fewest_points, most_points;
    bool grid;
    cli_axis_facts axes[FC_MAX_DIMS];
    double distance; /* of neighbours among scattered points, about; NaN on grids */
    cli_time_facts time;
} cli_facts;

/* To be released whether or not this succeeded. */
FC_NODISCARD fc_status cli_facts_gather(cli_session *session, const char *path,
                                        const fc_read_config *reading, cli_facts *facts);
void cli_facts_release(cli_facts *facts);

/* Lead times that tell how good forecasts of a record are, in steps: "1,3,6,24". */
void cli_facts_leads(const cli_facts *facts, char *text, size_t size);

#endif
