/* csv.h: tables of numbers as text. */
#ifndef FC_CLI_CSV_H
#define FC_CLI_CSV_H

#include "io/cli/output.h"

typedef struct cli_table {
    size_t columns, rows;
    double *values;              /* (rows, columns) */
    size_t *line;                /* (rows) line in the file, from 1 */
    char (*names)[FC_NAME_SIZE]; /* (columns) of the header, NULL without one */
} cli_table;

/* Reads numbers divided by commas, semicolons or blanks, after an optional header line; cells may
 * be quoted (RFC 4180, on one line), '#' starts a comment. What is no number, and an empty cell, is
 * NaN. */
FC_NODISCARD fc_status cli_table_read(const cli_session *session, const char *path,
                                      cli_table *table);
void cli_table_clear(cli_table *table);
/* Column of that name, SIZE_MAX if there is none. */
size_t cli_table_column(const cli_table *table, const char *name);

/* Writes every value of a dataset, a row each point and time: sequence, time, date (of a time axis
 * with dates), coordinates, channels, and the channels of `deviation` (may be NULL) as NAME_std.
 * Numbers read back as what they were; an empty cell is a missing value. Rows without any value are
 * left out. */
FC_NODISCARD fc_status cli_csv_write(const cli_session *session, const char *path,
                                     const fc_dataset *dataset, const fc_dataset *deviation);

#endif
