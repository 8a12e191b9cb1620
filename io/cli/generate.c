#include "io/cli/json.h"
#include "io/cli/options.h"
#include "io/cli/output.h"
#include "io/cli/progress.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- Navier-Stokes */

static json_t *navier_stokes_attributes(const fc_navier_stokes_config *config)
{
    json_t *root = json_object();
    cli_json_text(root, "title", "2-D Navier-Stokes vorticity on the periodic unit square");
    cli_json_text(root, "source", "fieldcast generate navier-stokes");
    cli_json_text(root, "version", fc_version());
    cli_json_text(root, "case", "navier-stokes");
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

/* The simulation and its file, with a progress bar. */
static fc_status navier_stokes_run(cli_session *session, const fc_navier_stokes_config *config,
                                   size_t threads, const char *path)
{
    fc_status status;
    fc_dataset *dataset = NULL;
    json_t *attributes = NULL;
    char *text = NULL;
    cli_progress progress = {0};
    CLI_TRY(cli_output_check(session, path));
    CLI_TRY(cli_start(session, threads));
    CLI_TRY(cli_progress_start(session, &progress, false, false, NULL));
    fc_context_set_progress(session->context, cli_progress_callback, &progress);
    status = fc_navier_stokes_generate(session->context, config, &dataset);
    fc_context_set_progress(session->context, NULL, NULL);
    fc_status finished = cli_progress_finish(session, &progress);
    LIB_TRY(session, status);
    CLI_TRY(finished);
    attributes = navier_stokes_attributes(config);
    CLI_TRY(cli_json_dump(session, attributes, &text));
    LIB_TRY(session, fc_dataset_write(session->context, path, dataset, text));
    cli_note(session, "wrote %s: %zu sequences of %zu frames on %zu points in %.1f s", path,
             dataset->sequence_count, config->frames, fc_dataset_max_points(dataset),
             cli_seconds() - progress.started);
done:
    free(text);
    json_decref(attributes);
    fc_dataset_destroy(dataset);
    return status;
}

static fc_status generate_navier_stokes(cli_session *session, int argc, char **argv)
{
    fc_navier_stokes_config config = fc_navier_stokes_config_default();
    const char *case_name = NULL, *path = NULL;
    size_t threads = 0;
    bool helped;
    cli_option options[] = {
        CLI_OPT_ARGUMENT("navier-stokes", &case_name,
                         "vorticity of forced two-dimensional turbulence (Li et al. 2021)"),
        CLI_OPT_OUTPUT("FILE", &path, "data file to write (netCDF-4)"),
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
        CLI_OPT_THREADS(&threads),
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
    return navier_stokes_run(session, &config, threads, path);
}

/* ---------------------------------------------------------------- cases */

typedef struct generate_case {
    const char *name;
    cli_command_run *run; /* argv[1] is the name of the case, where the user put it first */
} generate_case;

static const generate_case cases[] = {
    {"navier-stokes", generate_navier_stokes},
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
    if (!name || name[0] == '-')
        return cli_fail(session, FC_ERROR_USAGE, "the first argument must be a case; there is: %s",
                        names[0]);
    const char *near = cli_nearest(name, CASES, names);
    return cli_fail(session, FC_ERROR_USAGE, "unknown case '%s'; %s'%s'%s", name,
                    near ? "did you mean " : "there is ", near ? near : names[0], near ? "?" : "");
}
