/* Cases in which something diffuses: heat, fronts, chaos, patterns. */
#include "io/cli/generate.h"

/* ---------------------------------------------------------------- heat */

CLI_CASE_FUNCTIONS(heat)

static const cli_setting heat_settings[] = {
    CLI_SET_SEQUENCES(fc_heat_config),
    CLI_SET_GRID(fc_heat_config, "points an axis, even"),
    CLI_SET_REAL(fc_heat_config, diffusivity, "D", 1e-12, 1e6, "diffusivity"),
    CLI_SET_SEED(fc_heat_config, "of the initial fields"),
};

const cli_case cli_case_heat = {
    .name = "heat",
    .summary = "temperature that diffuses from a random field, exact solution",
    .title = "2-D heat equation on the periodic unit square",
    .examples = "  fieldcast generate heat -o train.nc --sequences 512 --seed 1\n",
    .defaults = heat_defaults,
    CLI_CASE_SETTINGS(heat, heat_settings),
};

/* ---------------------------------------------------------------- Burgers */

CLI_CASE_FUNCTIONS(burgers)

static const cli_setting burgers_settings[] = {
    CLI_SET_SEQUENCES(fc_burgers_config),
    CLI_SET_GRID(fc_burgers_config, "points simulated, even"),
    CLI_SET_OUTPUT_GRID(fc_burgers_config, "points written, a divisor of --grid; 0 = all"),
    CLI_SET_REAL(fc_burgers_config, viscosity, "NU", 1e-12, 1e3, "viscosity"),
    CLI_SET_STEP(fc_burgers_config),
    CLI_SET_SEED(fc_burgers_config, "of the initial fields"),
};

const cli_case cli_case_burgers = {
    .name = "burgers",
    .summary = "1-D velocity that steepens into fronts (Li et al. 2021)",
    .title = "1-D Burgers' equation on the periodic unit interval",
    .examples = "  fieldcast generate burgers -o train.nc --sequences 512 --seed 1\n"
                "  fieldcast generate burgers -o sharp.nc --viscosity 1e-3 --grid 2048 "
                "--output-grid 256\n",
    .defaults = burgers_defaults,
    CLI_CASE_SETTINGS(burgers, burgers_settings),
};

/* ---------------------------------------------------------------- Kuramoto-Sivashinsky */

CLI_CASE_FUNCTIONS(kuramoto_sivashinsky)

static const cli_setting kuramoto_sivashinsky_settings[] = {
    CLI_SET_SEQUENCES(fc_kuramoto_sivashinsky_config),
    CLI_SET_BURN_IN(fc_kuramoto_sivashinsky_config),
    CLI_SET_GRID(fc_kuramoto_sivashinsky_config, "points simulated, even"),
    CLI_SET_OUTPUT_GRID(fc_kuramoto_sivashinsky_config,
                        "points written, a divisor of --grid; 0 = all"),
    CLI_SET_REAL(fc_kuramoto_sivashinsky_config, length, "L", 1e-3, 1e5, "length of the interval"),
    CLI_SET_STEP(fc_kuramoto_sivashinsky_config),
    CLI_SET_SEED(fc_kuramoto_sivashinsky_config, "of the initial fields"),
};

const cli_case cli_case_kuramoto_sivashinsky = {
    .name = "kuramoto-sivashinsky",
    .summary = "1-D spatio-temporal chaos",
    .title = "1-D Kuramoto-Sivashinsky equation on a periodic interval",
    .examples = "  fieldcast generate kuramoto-sivashinsky -o train.nc --sequences 512 --seed 1\n"
                "  fieldcast generate kuramoto-sivashinsky -o small.nc --length 22 --grid 64\n",
    .defaults = kuramoto_sivashinsky_defaults,
    CLI_CASE_SETTINGS(kuramoto_sivashinsky, kuramoto_sivashinsky_settings),
};

/* ---------------------------------------------------------------- Gray-Scott */

CLI_CASE_FUNCTIONS(gray_scott)

static const cli_setting gray_scott_settings[] = {
    CLI_SET_SEQUENCES(fc_gray_scott_config),
    CLI_SET_BURN_IN(fc_gray_scott_config),
    CLI_SET_GRID(fc_gray_scott_config, "points an axis simulated, even"),
    CLI_SET_OUTPUT_GRID(fc_gray_scott_config,
                        "points an axis written, a divisor of --grid; 0 = all"),
    CLI_SET_REAL(fc_gray_scott_config, length, "L", 1e-3, 1e6, "length of the sides"),
    CLI_SET_REAL(fc_gray_scott_config, feed, "F", 0, 1e3, "rate at which u is fed"),
    CLI_SET_REAL(fc_gray_scott_config, kill, "K", 0, 1e3, "rate at which v is removed"),
    CLI_SET_REAL(fc_gray_scott_config, diffusion_u, "DU", 0, 1e6, "diffusivity of u"),
    CLI_SET_REAL(fc_gray_scott_config, diffusion_v, "DV", 0, 1e6, "diffusivity of v"),
    CLI_SET_STEP(fc_gray_scott_config),
    CLI_SET_SEED(fc_gray_scott_config, "of the places of the first squares"),
};

const cli_case cli_case_gray_scott = {
    .name = "gray-scott",
    .summary = "two reacting concentrations that form patterns (Kirchmeyer et al. 2022)",
    .title = "2-D Gray-Scott reaction and diffusion on a periodic square",
    .examples = "  fieldcast generate gray-scott -o train.nc --sequences 64 --seed 1\n"
                "  fieldcast generate gray-scott -o other.nc --feed 0.039 --kill 0.058\n",
    .defaults = gray_scott_defaults,
    CLI_CASE_SETTINGS(gray_scott, gray_scott_settings),
};
