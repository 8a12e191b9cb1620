#include "io/cli/format.h"
#include "io/cli/csv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In the order of CLI_FORMATS. */
enum { FORMAT_AUTO, FORMAT_NATIVE, FORMAT_XDMF, FORMAT_VTKHDF, FORMAT_WELL, FORMAT_CSV };

static const struct {
    const char *ending;
    int format;
} endings[] = {
    {".nc", FORMAT_NATIVE},     {".nc4", FORMAT_NATIVE}, {".h5", FORMAT_NATIVE},
    {".hdf5", FORMAT_NATIVE},   {".xdmf", FORMAT_XDMF},  {".xmf", FORMAT_XDMF},
    {".vtkhdf", FORMAT_VTKHDF}, {".csv", FORMAT_CSV},
};
enum { ENDINGS = sizeof endings / sizeof endings[0] };

/* Place in the table of the ending of a path, ENDINGS if it has none of them. */
static size_t ending_of(const char *path)
{
    size_t i = 0;
    while (i < ENDINGS && !cli_ends_with(path, endings[i].ending))
        ++i;
    return i;
}

static int format_of(const char *path)
{
    size_t i = ending_of(path);
    if (strcmp(path, "-") == 0)
        return FORMAT_CSV;
    return i < ENDINGS ? endings[i].format : FORMAT_AUTO;
}

/* The two files of XDMF: the text and the native file that it describes. The one that was asked for
 * keeps its name, the other one has the ending it needs. */
typedef struct xdmf_pair {
    char *text, *data;
} xdmf_pair;

static fc_status name_pair(const cli_session *session, const char *path, xdmf_pair *pair)
{
    fc_status status;
    size_t size = strlen(path) + 8, i = ending_of(path), stem = strlen(path);
    bool native = format_of(path) == FORMAT_NATIVE;
    if (i < ENDINGS && (native || endings[i].format == FORMAT_XDMF))
        stem -= strlen(endings[i].ending);
    *pair = (xdmf_pair){0};
    CLI_TRY(cli_allocate(session, size, 1, &pair->text));
    CLI_TRY(cli_allocate(session, size, 1, &pair->data));
    snprintf(pair->text, size, "%.*s%s", native ? (int)stem : (int)strlen(path), path,
             native ? ".xdmf" : "");
    snprintf(pair->data, size, "%.*s%s", native ? (int)strlen(path) : (int)stem, path,
             native ? "" : ".nc");
done:
    return status;
}

static void clear_pair(xdmf_pair *pair)
{
    free(pair->text);
    free(pair->data);
}

/* A file of which the user said no name is not replaced, unless both are there from before. */
static fc_status check_pair(const cli_session *session, const char *path)
{
    fc_status status;
    xdmf_pair pair;
    CLI_TRY(name_pair(session, path, &pair));
    CLI_TRY(cli_output_check(session, pair.text));
    CLI_TRY(cli_output_check(session, pair.data));
    bool text = access(pair.text, F_OK) == 0, data = access(pair.data, F_OK) == 0;
    bool asked_text = strcmp(pair.text, path) == 0;
    if (text != data && (asked_text ? data : text))
        status = cli_fail(session, FC_ERROR_USAGE,
                          "%s: would be written beside %s but is there already; choose another "
                          "name or remove it",
                          asked_text ? pair.data : pair.text, path);
done:
    clear_pair(&pair);
    return status;
}

fc_status cli_format_choose(const cli_session *session, const char *path, int *format)
{
    if (*format == FORMAT_AUTO)
        *format = format_of(path);
    if (*format == FORMAT_AUTO)
        return cli_fail(session, FC_ERROR_USAGE,
                        "%s: its ending stands for no format; .nc, .h5, .xdmf, .vtkhdf and .csv "
                        "do, - is CSV on stdout, and --format names one for any file",
                        path);
    if (strcmp(path, "-") == 0 && *format != FORMAT_CSV)
        return cli_fail(session, FC_ERROR_USAGE, "only CSV can be written to stdout");
    return *format == FORMAT_XDMF ? check_pair(session, path) : cli_output_check(session, path);
}

bool cli_format_streams(int format)
{
    return format == FORMAT_NATIVE || format == FORMAT_XDMF;
}

static fc_status write_native(cli_session *session, const char *path, const cli_written *written)
{
    fc_context *context = session->context;
    return cli_library(
        session, written->forecast
                     ? fc_forecast_write(context, path, written->dataset, written->deviation,
                                         written->attributes)
                     : fc_dataset_write(context, path, written->dataset, written->attributes));
}

/* The text first, which refuses what XDMF cannot hold before anything large is written. */
static fc_status write_xdmf(cli_session *session, const cli_written *written)
{
    fc_status status;
    xdmf_pair pair;
    CLI_TRY(name_pair(session, written->path, &pair));
    LIB_TRY(session, fc_xdmf_write(session->context, pair.text, pair.data, written->dataset,
                                   written->deviation));
    status = write_native(session, pair.data, written);
    if (status != FC_OK)
        remove(pair.text);
done:
    clear_pair(&pair);
    return status;
}

fc_status cli_format_write(cli_session *session, int format, const cli_written *written)
{
    fc_context *context = session->context;
    switch (format) {
    case FORMAT_XDMF:
        return write_xdmf(session, written);
    case FORMAT_VTKHDF:
        return cli_library(
            session, fc_vtkhdf_write(context, written->path, written->dataset, written->deviation));
    case FORMAT_WELL:
        return cli_library(session, fc_well_write(context, written->path, written->dataset,
                                                  written->deviation, written->attributes));
    case FORMAT_CSV:
        return cli_csv_write(session, written->path, written->dataset, written->deviation);
    default:
        return write_native(session, written->path, written);
    }
}
