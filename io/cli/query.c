#include "io/cli/query.h"

#include "io/cli/csv.h"
#include "io/cli/options.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const size_t times_max = 10000000;
static const size_t points_max = 1000000000;

/* ---------------------------------------------------------------- times */

static fc_status times_usage(const cli_session *session, const char *text)
{
    return cli_fail(session, FC_ERROR_USAGE,
                    "--times %s: must be start:stop:step or increasing numbers divided by commas, "
                    "such as 0:20:0.5 or 1,2.5,4",
                    text);
}

/* Number of a field that ends at one of `ends`; *text moves to that end. */
static bool next_number(const char **text, const char *ends, double *number)
{
    char word[64];
    size_t length = strcspn(*text, ends);
    if (length >= sizeof word)
        return false;
    memcpy(word, *text, length);
    word[length] = '\0';
    *text += length;
    return cli_parse_real(word, number);
}

static fc_status range_times(const cli_session *session, const char *text, size_t *count,
                             double **times)
{
    double part[3];
    const char *rest = text;
    for (int i = 0; i < 3; ++i) {
        if (!next_number(&rest, ":", &part[i]) || (i < 2 && *rest++ != ':'))
            return times_usage(session, text);
    }
    double steps = (part[1] - part[0]) / part[2];
    if (*rest || !(part[2] > 0.0) || !(steps >= 0.0) || !(steps < (double)times_max))
        return times_usage(session, text);
    *count = (size_t)floor(steps * (1.0 + 1e-12) + 1e-9) + 1;
    fc_status status = cli_allocate(session, *count, sizeof **times, times);
    for (size_t i = 0; i < *count && status == FC_OK; ++i)
        (*times)[i] = part[0] + (double)i * part[2];
    return status;
}

static size_t count_words(const char *text)
{
    size_t count = 1;
    for (; *text; ++text)
        count += *text == ',';
    return count;
}

static fc_status check_increasing(const cli_session *session, const char *text, size_t count,
                                  const double *times)
{
    for (size_t i = 1; i < count; ++i)
        if (!(times[i] > times[i - 1]))
            return cli_fail(session, FC_ERROR_USAGE, "%s: the times must increase", text);
    return FC_OK;
}

fc_status cli_query_times(const cli_session *session, const char *text, size_t *count,
                          double **times)
{
    fc_status status;
    if (strchr(text, ':'))
        return range_times(session, text, count, times);
    *count = count_words(text);
    CLI_TRY(cli_allocate(session, *count, sizeof **times, times));
    const char *rest = text;
    for (size_t i = 0; i < *count; ++i) {
        if (!next_number(&rest, ",", &(*times)[i]))
            CLI_TRY(times_usage(session, text));
        rest += *rest == ',';
    }
    CLI_TRY(check_increasing(session, text, *count, *times));
done:
    return status;
}

fc_status cli_query_dates(const cli_session *session, const fc_time_axis *axis, const char *text,
                          size_t *count, double **times)
{
    fc_status status;
    *count = count_words(text);
    CLI_TRY(cli_allocate(session, *count, sizeof **times, times));
    const char *rest = text;
    for (size_t i = 0; i < *count; ++i) {
        char word[64];
        size_t length = strcspn(rest, ",");
        snprintf(word, sizeof word, "%.*s", (int)(length < 63 ? length : 63), rest);
        LIB_TRY(session, fc_time_parse(session->context, axis, word, &(*times)[i]));
        rest += length + (rest[length] == ',');
    }
    CLI_TRY(check_increasing(session, text, *count, *times));
done:
    return status;
}

/* ---------------------------------------------------------------- points */

void cli_points_clear(fc_points *points)
{
    free(points->coordinates);
    *points = (fc_points){0};
}

fc_status cli_points_copy(const cli_session *session, size_t dims, const fc_points *from,
                          fc_points *points)
{
    *points = *from;
    fc_status status =
        cli_allocate(session, from->count * dims, sizeof(double), &points->coordinates);
    if (status == FC_OK)
        memcpy(points->coordinates, from->coordinates, from->count * dims * sizeof(double));
    return status;
}

/* A closed axis ends where it began, so its last point would repeat the first. */
static bool is_closed(const fc_axis *axis)
{
    return axis->kind == FC_AXIS_PERIODIC ||
           (axis->kind == FC_AXIS_LONGITUDE && axis->upper - axis->lower > 359.0);
}

static double grid_coordinate(const fc_axis *axis, size_t count, size_t i)
{
    double extent = axis->upper - axis->lower;
    if (is_closed(axis))
        return axis->lower +
               (axis->kind == FC_AXIS_LONGITUDE ? 360.0 : extent) * (double)i / (double)count;
    return count == 1 ? axis->lower + 0.5 * extent
                      : axis->lower + extent * (double)i / (double)(count - 1);
}

fc_status cli_query_grid_shape(const cli_session *session, const fc_domain *domain,
                               const char *option, const char *text, size_t shape[FC_MAX_DIMS])
{
    const char *rest = text;
    double product = 1.0;
    for (size_t d = 0; d < domain->dims; ++d) {
        double number = 0.0;
        bool whole = next_number(&rest, "x", &number) && number >= 1.0 && number == floor(number);
        bool divided = *rest == (d + 1 < domain->dims ? 'x' : '\0');
        product *= number;
        if (!whole || !divided || product > (double)points_max)
            return cli_fail(session, FC_ERROR_USAGE,
                            "%s %s: must be %zu numbers divided by x, at most %zu points in all",
                            option, text, domain->dims, points_max);
        shape[domain->dims - 1 - d] = (size_t)number;
        rest += *rest == 'x';
    }
    return FC_OK;
}

fc_status cli_query_grid(const cli_session *session, const fc_domain *domain, const char *text,
                         fc_points *points)
{
    fc_status status;
    size_t dims = domain->dims;
    *points = (fc_points){.count = 1};
    CLI_TRY(cli_query_grid_shape(session, domain, "--grid", text, points->grid));
    for (size_t d = 0; d < dims; ++d)
        points->count *= points->grid[d];
    CLI_TRY(cli_allocate(session, points->count * dims, sizeof(double), &points->coordinates));
    for (size_t p = 0; p < points->count; ++p) {
        size_t rest = p;
        for (size_t d = 0; d < dims; ++d) {
            size_t size = points->grid[dims - 1 - d];
            points->coordinates[p * dims + d] =
                grid_coordinate(&domain->axis[d], size, rest % size);
            rest /= size;
        }
    }
done:
    return status;
}

/* Column of the table that holds each axis. */
static fc_status table_columns(const cli_session *session, const fc_domain *domain,
                               const char *path, const cli_table *table, size_t column[FC_MAX_DIMS])
{
    char wanted[FC_MAX_DIMS * (FC_NAME_SIZE + 1)] = "";
    bool named = table->names != NULL;
    for (size_t d = 0; d < domain->dims; ++d) {
        column[d] = cli_table_column(table, domain->axis[d].name);
        named = named && column[d] != SIZE_MAX;
        strcat(strcat(wanted, d ? "," : ""), domain->axis[d].name);
    }
    if (named)
        return FC_OK;
    if (table->columns != domain->dims)
        return cli_fail(session, FC_ERROR_DATA,
                        "%s: has %zu columns; needs those named %s, or %zu columns in that order",
                        path, table->columns, wanted, domain->dims);
    for (size_t d = 0; d < domain->dims; ++d)
        column[d] = d;
    return FC_OK;
}

fc_status cli_query_table(const cli_session *session, const fc_domain *domain, const char *path,
                          fc_points *points)
{
    fc_status status;
    cli_table table;
    size_t column[FC_MAX_DIMS], dims = domain->dims;
    *points = (fc_points){0};
    CLI_TRY(cli_table_read(session, path, &table));
    CLI_TRY(table_columns(session, domain, path, &table, column));
    CLI_TRY(cli_allocate(session, table.rows * dims, sizeof(double), &points->coordinates));
    points->count = table.rows;
    for (size_t r = 0; r < table.rows; ++r) {
        char what[512];
        double *row = points->coordinates + r * dims;
        for (size_t d = 0; d < dims; ++d)
            row[d] = table.values[r * table.columns + column[d]];
        snprintf(what, sizeof what, "%s: line %zu", path, table.line[r]);
        LIB_TRY(session, fc_domain_check(session->context, domain, what, 1e-6, 1, row));
    }
done:
    cli_table_clear(&table);
    return status;
}
