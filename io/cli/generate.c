#include "io/cli/generate.h"
#include "io/cli/format.h"
#include "io/cli/json.h"
#include "io/cli/progress.h"

#include <stdlib.h>
#include <string.h>

static const cli_case *const cases[] = {
    &cli_case_navier_stokes,
    &cli_case_navier_stokes_1e_4,
    &cli_case_navier_stokes_1e_5,
    &cli_case_wave,
    &cli_case_heat,
    &cli_case_burgers,
    &cli_case_kuramoto_sivashinsky,
    &cli_case_gray_scott,
    &cli_case_shallow_water,
};
enum { CASES = sizeof cases / sizeof cases[0] };

/* ---------------------------------------------------------------- a run of a case */

typedef struct generation {
    const cli_case *what;
    char *config; /* what->config_size bytes */
    size_t threads;
    const char *path;
    int format;
} generation;

/* What the file says of itself. */
static json_t *attributes_of(const generation *g)
{
    char source[64];
    const cli_case *what = g->what;
    json_t *root = json_object();
    snprintf(source, sizeof source, "fieldcast generate %s", what->name);
    cli_json_text(root, "title", what->title);
    cli_json_text(root, "source", source);
    cli_json_text(root, "version", fc_version());
    cli_json_text(root, "case", what->name);
    for (size_t i = 0; i < what->setting_count; ++i) {
        const cli_setting *setting = &what->settings[i];
        const void *field = g->config + setting->offset;
        if (setting->type == CLI_REAL)
            cli_json_real(root, setting->field, *(const double *)field);
        else if (setting->type == CLI_COUNT)
            cli_json_count(root, setting->field, *(const size_t *)field);
        else
            cli_json_count(root, setting->field, *(const uint64_t *)field);
    }
    return root;
}

/* The simulation and its file, with a progress bar. Frames are made as they are written. */
static fc_status run(cli_session *session, generation *g)
{
    fc_status status;
    fc_dataset *dataset = NULL;
    json_t *attributes = NULL;
    char *text = NULL;
    cli_progress progress = {0};
    CLI_TRY(cli_format_choose(session, g->path, &g->format));
    CLI_TRY(cli_start(session, g->threads));
    LIB_TRY(session, g->what->open(session->context, g->config, &dataset));
    attributes = attributes_of(g);
    CLI_TRY(cli_json_dump(session, attributes, &text));
    CLI_TRY(cli_progress_start(session, &progress, false, false, NULL));
    fc_context_set_progress(session->context, cli_progress_callback, &progress);
    const cli_written written = {.path = g->path, .dataset = dataset, .attributes = text};
    status = cli_format_streams(g->format)
                 ? FC_OK
                 : cli_library(session, fc_dataset_load_all(session->context, dataset));
    if (status == FC_OK)
        status = cli_format_write(session, g->format, &written);
    fc_context_set_progress(session->context, NULL, NULL);
    fc_status finished = cli_progress_finish(session, &progress);
    CLI_TRY(status);
    CLI_TRY(finished);
    cli_note(session, "wrote %s: %zu sequences of %zu frames on %zu points in %.1f s", g->path,
             dataset->sequence_count, dataset->sequences[0].frame_count,
             fc_dataset_max_points(dataset), cli_seconds() - progress.started);
done:
    free(text);
    json_decref(attributes);
    fc_dataset_destroy(dataset);
    return status;
}

/* ---------------------------------------------------------------- options */

enum { SETTINGS_MAX = 24, NAME_SIZE = 32 };

/* "--burn-in" of the field burn_in. */
static void name_option(const char *field, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "--%s", field);
    for (char *at = name; *at; ++at)
        *at = *at == '_' ? '-' : *at;
}

static fc_status run_case(cli_session *session, const cli_case *what, int argc, char **argv)
{
    fc_status status;
    const char *case_name = NULL;
    char usage[64], names[SETTINGS_MAX][NAME_SIZE];
    generation g = {.what = what};
    bool helped;
    cli_option options[SETTINGS_MAX + 4] = {
        CLI_OPT_ARGUMENT(what->name, &case_name, what->summary),
        CLI_OPT_OUTPUT("FILE", &g.path, "data file to write"),
        CLI_OPT_FORMAT(&g.format),
    };
    size_t count = 3;
    CLI_TRY(cli_allocate(session, 1, what->config_size, &g.config));
    what->defaults(g.config);
    for (size_t i = 0; i < what->setting_count && i < SETTINGS_MAX; ++i) {
        const cli_setting *setting = &what->settings[i];
        name_option(setting->field, names[i]);
        options[count++] = (cli_option){.name = names[i],
                                        .metavariable = setting->metavariable,
                                        .type = setting->type,
                                        .target = g.config + setting->offset,
                                        .help = setting->help,
                                        .lower = setting->lower,
                                        .upper = setting->upper};
    }
    options[count++] = (cli_option)CLI_OPT_THREADS(&g.threads);
    snprintf(usage, sizeof usage, "%s -o FILE [options]", what->name);
    const cli_syntax syntax = {.usage = usage,
                               .summary = "make a benchmark case into a data file",
                               .examples = what->examples,
                               .count = count,
                               .options = options};
    CLI_TRY(cli_parse(session, &syntax, argc, argv, &helped));
    if (!helped)
        status = run(session, &g);
done:
    free(g.config);
    return status;
}

/* ---------------------------------------------------------------- cases */

static void print_help(void)
{
    printf("fieldcast generate: make a benchmark case into a data file\n\n"
           "Examples\n"
           "  fieldcast generate navier-stokes -o train.nc --sequences 512 --seed 1\n"
           "  fieldcast generate navier-stokes -o test.nc --sequences 32 --seed 2\n"
           "  fieldcast generate wave --help\n\n"
           "Usage: fieldcast generate CASE -o FILE [options]\n\n"
           "Cases\n");
    for (size_t i = 0; i < CASES; ++i)
        printf("  %-20s %s\n", cases[i]->name, cases[i]->summary);
    printf("\n'fieldcast generate CASE --help' lists the options of a case.\n");
}

static fc_status refuse(const cli_session *session, const char *name)
{
    const char *names[CASES];
    char list[512] = "";
    for (size_t i = 0; i < CASES; ++i) {
        names[i] = cases[i]->name;
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", names[i]);
    }
    if (!name || name[0] == '-')
        return cli_fail(session, FC_ERROR_USAGE, "the first argument must be a case; there is: %s",
                        list);
    const char *near = cli_nearest(name, CASES, names);
    if (near)
        return cli_fail(session, FC_ERROR_USAGE, "unknown case '%s'; did you mean '%s'?", name,
                        near);
    return cli_fail(session, FC_ERROR_USAGE, "unknown case '%s'; there is: %s", name, list);
}

fc_status cli_generate(cli_session *session, int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    for (size_t i = 0; name && i < CASES; ++i)
        if (strcmp(name, cases[i]->name) == 0)
            return run_case(session, cases[i], argc, argv);
    if (!name || (strcmp(name, "--help") != 0 && strcmp(name, "-h") != 0))
        return refuse(session, name);
    print_help();
    return FC_OK;
}
