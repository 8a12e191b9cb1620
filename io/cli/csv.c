#include "io/cli/csv.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- reading */

enum { COLUMNS_MAX = 256 };

typedef struct table_reader {
    const cli_session *session;
    const char *path;
    cli_table *table;
    size_t capacity; /* rows */
    size_t line;
} table_reader;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The separator of a line: a comma or semicolon outside quotes, or else blanks. Cuts a comment off.
 */
static char separator_of(char *text)
{
    char found = ' ';
    bool quoted = false;
    for (; *text && (quoted || *text != '#'); ++text) {
        if (*text == '"')
            quoted = !quoted;
        else if (!quoted && (*text == ',' || *text == ';'))
            found = *text;
    }
    *text = '\0';
    return found;
}

/* Takes a quoted cell (RFC 4180: a quote within stands twice) out of its quotes. *at moves behind
 * it. */
static char *unquote(char **at)
{
    char *word = *at + 1, *to = word, *from = word;
    for (; *from && (from[0] != '"' || from[1] == '"'); ++from) {
        if (*from == '"')
            ++from;
        *to++ = *from;
    }
    *at = *from ? from + 1 : from;
    *to = '\0';
    return word;
}

/* Splits a line in place into its cells, which may be empty between commas. */
static size_t split(char *text, char *words[COLUMNS_MAX])
{
    size_t count = 0;
    char separator = separator_of(text), *at = text;
    while (count < COLUMNS_MAX) {
        while (is_blank(*at))
            ++at;
        if (*at == '\0' && (count == 0 || separator == ' '))
            break;
        char *word = *at == '"' ? unquote(&at) : at, *end = at;
        while (*at && *at != separator && (separator != ' ' || !is_blank(*at)))
            end = is_blank(*at++) ? end : at;
        bool last = *at == '\0';
        at += !last;
        *end = '\0';
        words[count++] = word;
        if (last)
            break;
    }
    return count;
}

static bool is_number(const char *word)
{
    char *end;
    strtod(word, &end);
    return end != word && *end == '\0';
}

static fc_status read_header(table_reader *reader, size_t count, char *words[])
{
    cli_table *table = reader->table;
    fc_status status = cli_allocate(reader->session, count, FC_NAME_SIZE, &table->names);
    table->columns = count;
    for (size_t i = 0; i < count && status == FC_OK; ++i)
        snprintf(table->names[i], FC_NAME_SIZE, "%s", words[i]);
    return status;
}

static fc_status grow(table_reader *reader)
{
    cli_table *table = reader->table;
    size_t capacity = reader->capacity ? 2 * reader->capacity : 1024;
    if (capacity > SIZE_MAX / sizeof(double) / table->columns)
        return cli_no_memory(reader->session, capacity, table->columns * sizeof(double));
    double *values = realloc(table->values, capacity * table->columns * sizeof *values);
    if (values)
        table->values = values;
    size_t *lines = realloc(table->line, capacity * sizeof *lines);
    if (lines)
        table->line = lines;
    if (!values || !lines)
        return cli_no_memory(reader->session, capacity, table->columns * sizeof(double));
    reader->capacity = capacity;
    return FC_OK;
}

static fc_status read_row(table_reader *reader, size_t count, char *words[])
{
    cli_table *table = reader->table;
    if (count != table->columns)
        return cli_fail(reader->session, FC_ERROR_DATA,
                        "%s: line %zu has %zu values, the lines before have %zu", reader->path,
                        reader->line, count, table->columns);
    if (table->rows == reader->capacity) {
        fc_status status = grow(reader);
        if (status != FC_OK)
            return status;
    }
    for (size_t i = 0; i < count; ++i)
        table->values[table->rows * count + i] = is_number(words[i]) ? strtod(words[i], NULL) : NAN;
    table->line[table->rows++] = reader->line;
    return FC_OK;
}

static fc_status read_lines(table_reader *reader, FILE *file)
{
    fc_status status = FC_OK;
    char *text = NULL, *words[COLUMNS_MAX];
    size_t size = 0;
    cli_table *table = reader->table;
    while (status == FC_OK && getline(&text, &size, file) >= 0) {
        ++reader->line;
        size_t count = split(text, words);
        if (count == 0)
            continue;
        if (table->columns == 0) {
            bool header = !is_number(words[0]);
            table->columns = count;
            status = header ? read_header(reader, count, words) : read_row(reader, count, words);
        } else {
            status = read_row(reader, count, words);
        }
    }
    if (status == FC_OK && ferror(file))
        status = cli_fail(reader->session, FC_ERROR_IO, "%s: cannot be read: %s", reader->path,
                          strerror(errno));
    free(text);
    return status;
}

fc_status cli_table_read(const cli_session *session, const char *path, cli_table *table)
{
    table_reader reader = {.session = session, .path = path, .table = table};
    *table = (cli_table){0};
    FILE *file = fopen(path, "r");
    if (!file)
        return cli_fail(session, FC_ERROR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    fc_status status = read_lines(&reader, file);
    fclose(file);
    if (status == FC_OK && table->rows == 0)
        status = cli_fail(session, FC_ERROR_DATA, "%s: holds no rows of numbers", path);
    return status;
}

void cli_table_clear(cli_table *table)
{
    free(table->values);
    free(table->line);
    free(table->names);
    *table = (cli_table){0};
}

size_t cli_table_column(const cli_table *table, const char *name)
{
    for (size_t i = 0; table->names && i < table->columns; ++i)
        if (strcmp(table->names[i], name) == 0)
            return i;
    return SIZE_MAX;
}

/* ---------------------------------------------------------------- writing */

/* RFC 4180: quotes around what holds a comma, a quote or the end of a line. */
static void write_text(FILE *file, const char *text, const char *suffix)
{
    if (!strpbrk(text, ",;\"\r\n#")) {
        fprintf(file, ",%s%s", text, suffix);
        return;
    }
    fputs(",\"", file);
    for (; *text; ++text)
        fprintf(file, *text == '"' ? "\"%c" : "%c", *text);
    fprintf(file, "%s\"", suffix);
}

/* Whether the times are dates, which have a column of their own. */
static bool has_dates(const fc_dataset *dataset)
{
    return strstr(dataset->time.units, " since ") != NULL;
}

static void write_header(FILE *file, const fc_dataset *dataset, bool deviation)
{
    fprintf(file, "sequence,time%s", has_dates(dataset) ? ",date" : "");
    for (size_t i = 0; i < dataset->domain.dims; ++i)
        write_text(file, dataset->domain.axis[i].name, "");
    for (size_t i = 0; i < dataset->channel_count; ++i)
        write_text(file, dataset->channels[i].name, "");
    for (size_t i = 0; deviation && i < dataset->channel_count; ++i)
        write_text(file, dataset->channels[i].name, "_std");
    fputc('\n', file);
}

/* The shorter of two forms that reads back as the same number. */
static void write_number(FILE *file, double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.15g", value);
    if (strtod(text, NULL) != value)
        snprintf(text, sizeof text, "%.17g", value);
    fprintf(file, ",%s", text);
}

/* An empty cell stands for a missing value. */
static void write_values(FILE *file, size_t count, const float *values)
{
    for (size_t i = 0; i < count; ++i)
        if (isfinite(values[i]))
            fprintf(file, ",%.9g", values[i]);
        else
            fputc(',', file);
}

static bool any_value(size_t count, const float *values)
{
    for (size_t i = 0; i < count; ++i)
        if (isfinite(values[i]))
            return true;
    return false;
}

static void write_frame(FILE *file, const fc_dataset *dataset, size_t sequence,
                        const fc_frame *frame, const fc_frame *deviation)
{
    const fc_points *points = &dataset->points[frame->points];
    size_t dims = dataset->domain.dims, channels = dataset->channel_count;
    char date[FC_NAME_SIZE];
    fc_time_format(&dataset->time, frame->time, date, sizeof date);
    for (size_t p = 0; p < points->count && !ferror(file); ++p) {
        if (!any_value(channels, frame->values + p * channels))
            continue;
        fprintf(file, "%zu", sequence);
        write_number(file, frame->time);
        if (has_dates(dataset))
            write_text(file, date, "");
        for (size_t i = 0; i < dims; ++i)
            write_number(file, points->coordinates[p * dims + i]);
        write_values(file, channels, frame->values + p * channels);
        if (deviation)
            write_values(file, channels, deviation->values + p * channels);
        fputc('\n', file);
    }
}

fc_status cli_csv_write(const cli_session *session, const char *path, const fc_dataset *dataset,
                        const fc_dataset *deviation)
{
    cli_output output;
    fc_status status = cli_output_open(session, path, &output);
    if (status != FC_OK)
        return status;
    write_header(output.file, dataset, deviation != NULL);
    for (size_t s = 0; s < dataset->sequence_count; ++s) {
        const fc_sequence *sequence = &dataset->sequences[s];
        for (size_t f = 0; f < sequence->frame_count; ++f)
            write_frame(output.file, dataset, s, &sequence->frames[f],
                        deviation ? &deviation->sequences[s].frames[f] : NULL);
    }
    status = cli_output_commit(session, &output);
    cli_output_close(&output);
    return status;
}
