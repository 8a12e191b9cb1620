/* generate.h: the cases of `fieldcast generate`. A case is a description: one row a setting gives
 * its option, its line of help and the attribute of the files. A file generate_THING.c holds those
 * that have something in common; generate.c lists all of them and runs one. */
#ifndef FC_CLI_GENERATE_H
#define FC_CLI_GENERATE_H

#include "io/cli/options.h"

#include <stddef.h>

/* A field of a configuration. A field `burn_in` is the option --burn-in and the attribute
 * burn_in. */
typedef struct cli_setting {
    const char *field;
    size_t offset;
    cli_type type; /* CLI_COUNT, CLI_REAL or CLI_SEED */
    const char *metavariable, *help;
    double lower, upper; /* accepted numbers */
} cli_setting;

/* Rows of a table; the type of the field is checked by the compiler. */
#define CLI__PLACE(config, member, type_name)                                                      \
    (offsetof(config, member) + 0 * sizeof(1 ? &((config *)NULL)->member : (type_name *)NULL))
#define CLI__SET(config, member, kind, type_name, what, least, most, text)                         \
    {                                                                                              \
        .field = #member, .offset = CLI__PLACE(config, member, type_name), .type = kind,           \
        .metavariable = what, .help = text, .lower = least, .upper = most                          \
    }
#define CLI_SET_COUNT(config, member, what, least, most, text)                                     \
    CLI__SET(config, member, CLI_COUNT, size_t, what, least, most, text)
#define CLI_SET_REAL(config, member, what, least, most, text)                                      \
    CLI__SET(config, member, CLI_REAL, double, what, least, most, text)
#define CLI_SET_SEED(config, text) CLI__SET(config, seed, CLI_SEED, uint64_t, "S", 0, 0, text)
/* Rows that all cases have. */
#define CLI_SET_SEQUENCES(config)                                                                  \
    CLI_SET_COUNT(config, sequences, "N", 1, 1e7, "sequences of frames"),                          \
        CLI_SET_COUNT(config, per_trajectory, "N", 1, 1e6, "sequences cut from one trajectory"),   \
        CLI_SET_COUNT(config, frames, "T", 1, 1e6, "frames of each sequence"),                     \
        CLI_SET_REAL(config, interval, "DT", 1e-6, 1e6, "time between frames")
/* Rows that several have. */
#define CLI_SET_GRID(config, text) CLI_SET_COUNT(config, grid, "N", 16, 8192, text)
#define CLI_SET_OUTPUT_GRID(config, text) CLI_SET_COUNT(config, output_grid, "N", 0, 8192, text)
#define CLI_SET_BURN_IN(config)                                                                    \
    CLI_SET_REAL(config, burn_in, "T", 0, 1e6, "time before the first frame")
#define CLI_SET_STEP(config)                                                                       \
    CLI_SET_REAL(config, step, "H", 0, 1e6, "largest time step; 0 = chosen")

typedef struct cli_case {
    const char *name;
    const char *summary;  /* what its files hold, in a line of the list of cases */
    const char *title;    /* of the files */
    const char *examples; /* whole lines, indented by two */
    size_t config_size;
    void (*defaults)(void *config);
    fc_status (*open)(fc_context *context, const void *config, fc_dataset **dataset);
    size_t setting_count;
    const cli_setting *settings;
} cli_case;

/* The two functions of the configuration fc_THING_config, as a description wants them. */
#define CLI_CASE_FUNCTIONS(thing)                                                                  \
    static void thing##_defaults(void *config)                                                     \
    {                                                                                              \
        *(fc_##thing##_config *)config = fc_##thing##_config_default();                            \
    }                                                                                              \
    static fc_status thing##_open(fc_context *context, const void *config, fc_dataset **dataset)   \
    {                                                                                              \
        return fc_##thing##_open(context, config, dataset);                                        \
    }
#define CLI_CASE_SETTINGS(thing, table)                                                            \
    .config_size = sizeof(fc_##thing##_config), .open = thing##_open,                              \
    .setting_count = sizeof(table) / sizeof *(table), .settings = (table)

extern const cli_case cli_case_navier_stokes, cli_case_navier_stokes_1e_4,
    cli_case_navier_stokes_1e_5, cli_case_wave, cli_case_heat, cli_case_burgers,
    cli_case_kuramoto_sivashinsky, cli_case_gray_scott, cli_case_shallow_water;

#endif
