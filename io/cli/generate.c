#include "io/cli/format.h"
#include "io/cli/json.h"
#include "io/cli/progress.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- any case */

/* What all cases need to know. */
typedef struct generation {
    const void *config;
    fc_status (*open)(fc_context *context, const void *config, fc_dataset **dataset);
    json_t *(*describe)(const void *config); /* attributes of the file */
    size_t threads;
    const char *path;
    int format;
} generation;

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
    LIB_TRY(session, g->open(session->context, g->config, &dataset));
    attributes = g->describe(g->config);
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

/* What the files of all cases say of themselves. */
static json_t *attributes_of(const char *name, const char *title)
{
    char source[64];
    json_t *root = json_object();
    snprintf(source, sizeof source, "fieldcast generate %s", name);
    cli_json_text(root, "title", title);
    cli_json_text(root, "source", source);
    cli_json_text(root, "version", fc_version());
    cli_json_text(root, "case", name);
    return root;
}

/* ---------------------------------------------------------------- Navier-Stokes */

static json_t *navier_stokes_attributes(const void *settings)
{
    const fc_navier_stokes_config *config = settings;
    json_t *root =
        attributes_of("navier-stokes", "2-D Navier-Stokes vorticity on the periodic unit square");
    cli_json_count(root, "grid", config->grid);
    cli_json_count(root, "frames", config->frames);
    cli_json_count(root, "per_trajectory", config->per_trajectory);
    cli_json_count(root, "seed", config->seed);
    cli_json_real(root, "interval", config->interval);
    cli_json_real(root, "burn_in", config->burn_in);
    cli_json_real(root, "viscosity", config->viscosity);
    cli_json_real(root, "forcing", config->forcing);
    return root;
}

static fc_status navier_stokes_open(fc_context *context, const void *config, fc_dataset **dataset)
{
    return fc_navier_stokes_open(context, config, dataset);
}

static fc_status generate_navier_stokes(cli_session *session, int argc, char **argv)
{
    fc_navier_stokes_config config = fc_navier_stokes_config_default();
    const char *case_name = NULL;
    generation g = {
        .config = &config, .open = navier_stokes_open, .describe = navier_stokes_attributes};
    bool helped;
    cli_option options[] = {
        CLI_OPT_ARGUMENT("navier-stokes", &case_name,
                         "vorticity of forced two-dimensional turbulence (Li et al. 2021)"),
        CLI_OPT_OUTPUT("FILE", &g.path, "data file to write"),
        CLI_OPT_FORMAT(&g.format),
        CLI_OPT_COUNT("--sequences", "N", &config.sequences, 1, 1e7, "sequences of frames"),
        CLI_OPT_COUNT("--frames", "T", &config.frames, 1, 1e6, "frames of each sequence"),
        CLI_OPT_COUNT("--grid", "N", &config.grid, 16, 8192, "points an axis simulated, even"),
        CLI_OPT_COUNT("--output-grid", "N", &config.output_grid, 0, 8192,
                      "points an axis written, a divisor of --grid; 0 = all"),
        CLI_OPT_REAL("--interval", "DT", &config.interval, 1e-6, 1e6, "time between frames"),
        CLI_OPT_REAL("--burn-in", "T", &config.burn_in, 0, 1e6, "time before the first frame"),
        CLI_OPT_COUNT("--per-trajectory", "N", &config.per_trajectory, 1, 1e6,
                      "sequences cut from one trajectory"),
        CLI_OPT_REAL("--viscosity", "X", &config.viscosity, 1e-12, 1e3, "kinematic viscosity"),
        CLI_OPT_SEED("--seed", &config.seed, "of the initial fields: another seed, another flow"),
        CLI_OPT_THREADS(&g.threads),
    };
    const cli_syntax syntax = {
        .usage = "navier-stokes -o FILE [options]",
        .summary = "simulate a benchmark case into a data file",
        .examples = "  fieldcast generate navier-stokes -o train.nc --sequences 512 --seed 1\n"
                    "  fieldcast generate navier-stokes -o test.nc --sequences 32 --seed 2\n"
                    "  fieldcast generate navier-stokes -o fine.nc --sequences 8 --interval 0.25 "
                    "--frames 77\n",
        .count = sizeof options / sizeof options[0],
        .options = options,
    };
    fc_status status = cli_parse(session, &syntax, argc, argv, &helped);
    if (status != FC_OK || helped)
        return status;
    return run(session, &g);
}

/* ---------------------------------------------------------------- waves */

static json_t *wave_attributes(const void *settings)
{
    const fc_wave_config *config = settings;
    json_t *root = attributes_of("wave", "2-D wave equation on a periodic square");
    cli_json_count(root, "grid", config->grid);
    cli_json_count(root, "frames", config->frames);
    cli_json_count(root, "per_trajectory", config->per_trajectory);
    cli_json_count(root, "seed", config->seed);
    cli_json_real(root, "interval", config->interval);
    cli_json_real(root, "speed", config->speed);
    return root;
}

static fc_status wave_open(fc_context *context, const void *config, fc_dataset **dataset)
{
    return fc_wave_open(context, config, dataset);
}

static fc_status generate_wave(cli_session *session, int argc, char **argv)
{
    fc_wave_config config = fc_wave_config_default();
    const char *case_name = NULL;
    generation g = {.config = &config, .open = wave_open, .describe = wave_attributes};
    bool helped;
    cli_option options[] = {
        CLI_OPT_ARGUMENT("wave", &case_name,
                         "displacement and its rate of change after a bump (Yin et al. 2023)"),
        CLI_OPT_OUTPUT("FILE", &g.path, "data file to write"),
        CLI_OPT_FORMAT(&g.format),
        CLI_OPT_COUNT("--sequences", "N", &config.sequences, 1, 1e7, "sequences of frames"),
        CLI_OPT_COUNT("--frames", "T", &config.frames, 1, 1e6, "frames of each sequence"),
        CLI_OPT_COUNT("--grid", "N", &config.grid, 16, 8192, "points an axis, even"),
        CLI_OPT_REAL("--interval", "DT", &config.interval, 1e-6, 1e6, "time between frames"),
        CLI_OPT_COUNT("--per-trajectory", "N", &config.per_trajectory, 1, 1e6,
                      "sequences cut from one trajectory"),
        CLI_OPT_REAL("--speed", "C", &config.speed, 1e-6, 1e6, "speed of the waves"),
        CLI_OPT_SEED("--seed", &config.seed, "of the bumps: another seed, other waves"),
        CLI_OPT_THREADS(&g.threads),
    };
    const cli_syntax syntax = {
        .usage = "wave -o FILE [options]",
        .summary = "write a benchmark case with a known solution into a data file",
        .examples = "  fieldcast generate wave -o train.nc --sequences 512 --seed 1\n"
                    "  fieldcast generate wave -o big.nc --grid 256 --sequences 2000\n",
        .count = sizeof options / sizeof options[0],
        .options = options,
    };
    fc_status status = cli_parse(session, &syntax, argc, argv, &helped);
    if (status != FC_OK || helped)
        return status;
    return run(session, &g);
}

/* ---------------------------------------------------------------- cases */

typedef struct generate_case {
    const char *name;
    cli_command_run *run; /* argv[1] is the name of the case, where the user put it first */
} generate_case;

static const generate_case cases[] = {
    {"navier-stokes", generate_navier_stokes},
    {"wave", generate_wave},
};
enum { CASES = sizeof cases / sizeof cases[0] };

fc_status cli_generate(cli_session *session, int argc, char **argv)
{
    const char *names[CASES], *name = argc > 1 ? argv[1] : NULL;
    for (size_t i = 0; i < CASES; ++i) {
        names[i] = cases[i].name;
        if (name && strcmp(name, names[i]) == 0)
            return cases[i].run(session, argc, argv);
    }
    if (name && (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0))
        return cases[0].run(session, argc, argv);
    const char *near = name && name[0] != '-' ? cli_nearest(name, CASES, names) : NULL;
    if (near)
        return cli_fail(session, FC_ERROR_USAGE, "unknown case '%s'; did you mean '%s'?", name,
                        near);
    char list[256] = "";
    for (size_t i = 0; i < CASES; ++i)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "", names[i]);
    if (!name || name[0] == '-')
        return cli_fail(session, FC_ERROR_USAGE, "the first argument must be a case; there is: %s",
                        list);
    return cli_fail(session, FC_ERROR_USAGE, "unknown case '%s'; there is: %s", name, list);
}
