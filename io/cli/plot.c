#include "io/cli/plot.h"

#include "io/cli/guard.h"
#include "io/cli/output.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

/* Whether the file's first character that is no blank is that of a JSON object. */
static bool is_json(const char *path)
{
    FILE *file = fopen(path, "rb");
    int c = EOF;
    if (!file)
        return false;
    while ((c = getc(file)) != EOF && isspace(c))
        ;
    fclose(file);
    return c == '{';
}

static fc_status plot_model(cli_session *session, const cli_plot_options *o)
{
    fc_status status;
    fc_model *model = NULL;
    LIB_TRY(session, fc_model_read(session->context, o->file, &model, NULL, &(bool){false}));
    LIB_TRY(session, fc_plot_model(session->context, o->output, model));
done:
    fc_model_destroy(model);
    return status;
}

/* What only fields can have. */
static fc_status refuse_field_options(const cli_session *session, const cli_syntax *syntax,
                                      const cli_plot_options *o, const char *kind)
{
    static const char *const only[] = {"--truth",   "--marks",    "--sequence", "--times",
                                       "--frames",  "--variable", "--at",       "--range",
                                       "--animate", "--columns"};
    for (size_t i = 0; i < sizeof only / sizeof only[0]; ++i)
        if (cli_option_named(syntax, only[i])->given)
            return cli_fail(session, FC_ERROR_USAGE, "%s: belongs to data and forecasts; %s is %s",
                            only[i], o->file, kind);
    return FC_OK;
}

/* What the file is, by its content. */
static fc_status plot(cli_session *session, const cli_syntax *syntax, cli_plot_options *o)
{
    fc_status status;
    fc_file_kind kind;
    if (cli_ends_with(o->output, ".webp"))
        o->animate = true;
    CLI_TRY(cli_output_check(session, o->output));
    CLI_TRY(cli_start(session, 1));
    if (is_json(o->file)) {
        CLI_TRY(refuse_field_options(session, syntax, o, "a text of results"));
        return cli_plot_text(session, o);
    }
    CLI_TRY(cli_guard(session, o->file));
    LIB_TRY(session, fc_file_probe(session->context, o->file, &kind));
    if (kind != FC_FILE_MODEL)
        return cli_plot_fields(session, o, kind);
    CLI_TRY(refuse_field_options(session, syntax, o, "a model"));
    CLI_TRY(plot_model(session, o));
done:
    return status;
}

static const char examples[] =
    "  fieldcast plot test.nc -o test.png --sequence 3\n"
    "  fieldcast plot forecast.nc -o forecast.pdf --truth test.nc --marks sensors.csv\n"
    "  fieldcast plot forecast.nc -o forecast.webp --truth test.nc --rate 12\n"
    "  fieldcast plot sst.nc -o sst.png --variable surface_temperature --times 2010-01-16\n"
    "  fieldcast plot ocean.nc -o ocean.png --at depth=10\n"
    "  fieldcast plot evaluation.json -o errors.svg      (evaluate --json > evaluation.json)\n"
    "  fieldcast plot train.jsonl -o training.svg        (train --log train.jsonl)\n"
    "  fieldcast plot model.h5 -o model.png\n";

fc_status cli_plot(cli_session *session, int argc, char **argv)
{
    cli_plot_options o = {.frames = 4, .film = fc_film_config_default()};
    bool helped;
    cli_option options[] = {
        CLI_OPT_ARGUMENT("FILE", &o.file,
                         "data, forecast or model file, evaluation (JSON) or training log"),
        CLI_OPT_OUTPUT("PICTURE", &o.output, "picture to write: .png, .pdf or .svg; film: .webp"),
        CLI_OPT_TEXT("--truth", "DATA", &o.truth, "compare a forecast with this data file"),
        CLI_OPT_TEXT("--marks", "FILE.csv", &o.marks, "points to mark, such as sensors"),
        CLI_OPT_COUNT("--sequence", "N", &o.sequence, 0, 1e12, "sequence to draw, from 0"),
        CLI_OPT_TEXT("--times", "T", &o.times, "times to draw, dates or numbers, a,b,c"),
        CLI_OPT_COUNT("--frames", "N", &o.frames, 1, CLI_PLOT_FRAMES_MAX,
                      "number of times drawn without --times; films have all"),
        CLI_OPT_TEXT("--variable", "V", &o.variable, "variable to draw; the first by default"),
        CLI_OPT_TEXTS("--at", "AXIS=VALUE", &o.at,
                      "draw a slice across this axis; may be repeated; by default fields with more "
                      "than two axes are cut in the middle of the third"),
        CLI_OPT_TEXT("--range", "A,B", &o.range,
                     "range of the colours; that of the data by default"),
        CLI_OPT_COUNT("--columns", "N", &o.columns, 0, 16, "panels a row; 0 = chosen"),
        CLI_OPT_FLAG("--animate", &o.animate,
                     "a film: all times one after the other in the same colours; with .png a "
                     "numbered series of pictures"),
        CLI_OPT_REAL("--rate", "R", &o.film.rate, 0.01, 100, "frames of the film a second"),
        CLI_OPT_REAL("--quality", "Q", &o.film.quality, 0, 100, "of the film; 100 is without loss"),
    };
    const cli_syntax syntax = {.usage = "FILE -o PICTURE [options]",
                               .summary = "draw data, forecasts, errors, training or a model",
                               .examples = examples,
                               .count = sizeof options / sizeof options[0],
                               .options = options};
    fc_status status = cli_parse(session, &syntax, argc, argv, &helped);
    if (status != FC_OK || helped)
        return status;
    o.frames_given = cli_option_named(&syntax, "--frames")->given;
    if (o.truth && !o.frames_given)
        o.frames = 3;
    return plot(session, &syntax, &o);
}
