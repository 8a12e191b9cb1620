/* Cases of flows and waves in the plane. */
#include "io/cli/generate.h"

/* ---------------------------------------------------------------- Navier-Stokes */

CLI_CASE_FUNCTIONS(navier_stokes)

static const cli_setting navier_stokes_settings[] = {
    CLI_SET_SEQUENCES(fc_navier_stokes_config),
    CLI_SET_BURN_IN(fc_navier_stokes_config),
    CLI_SET_GRID(fc_navier_stokes_config, "points an axis simulated, even"),
    CLI_SET_OUTPUT_GRID(fc_navier_stokes_config,
                        "points an axis written, a divisor of --grid; 0 = all"),
    CLI_SET_REAL(fc_navier_stokes_config, viscosity, "NU", 1e-12, 1e3, "kinematic viscosity"),
    CLI_SET_REAL(fc_navier_stokes_config, forcing, "F", -1e6, 1e6, "amplitude of the forcing"),
    CLI_SET_STEP(fc_navier_stokes_config),
    CLI_SET_SEED(fc_navier_stokes_config, "of the initial fields: another seed, another flow"),
};

const cli_case cli_case_navier_stokes = {
    .name = "navier-stokes",
    .summary = "vorticity of forced two-dimensional turbulence (Li et al. 2021)",
    .title = "2-D Navier-Stokes vorticity on the periodic unit square",
    .examples = "  fieldcast generate navier-stokes -o train.nc --sequences 512 --seed 1\n"
                "  fieldcast generate navier-stokes -o test.nc --sequences 32 --seed 2\n"
                "  fieldcast generate navier-stokes -o fine.nc --sequences 8 --interval 0.25 "
                "--frames 77\n",
    .defaults = navier_stokes_defaults,
    CLI_CASE_SETTINGS(navier_stokes, navier_stokes_settings),
};

static void navier_stokes_1e_4_defaults(void *config)
{
    *(fc_navier_stokes_config *)config = fc_navier_stokes_config_fno(1e-4);
}

static void navier_stokes_1e_5_defaults(void *config)
{
    *(fc_navier_stokes_config *)config = fc_navier_stokes_config_fno(1e-5);
}

const cli_case cli_case_navier_stokes_1e_4 = {
    .name = "navier-stokes-1e-4",
    .summary = "the same as in the FNO data set of viscosity 1e-4: t = 1, 2, ..., 30",
    .title = "2-D Navier-Stokes vorticity on the periodic unit square, viscosity 1e-4",
    .examples = "  fieldcast generate navier-stokes-1e-4 -o train.nc --sequences 1000 --seed 1\n",
    .defaults = navier_stokes_1e_4_defaults,
    CLI_CASE_SETTINGS(navier_stokes, navier_stokes_settings),
};

const cli_case cli_case_navier_stokes_1e_5 = {
    .name = "navier-stokes-1e-5",
    .summary = "the same as in the FNO data set of viscosity 1e-5: t = 1, 2, ..., 20",
    .title = "2-D Navier-Stokes vorticity on the periodic unit square, viscosity 1e-5",
    .examples = "  fieldcast generate navier-stokes-1e-5 -o train.nc --sequences 1000 --seed 1\n"
                "  fieldcast generate navier-stokes-1e-5 -o fine.nc --grid 256\n",
    .defaults = navier_stokes_1e_5_defaults,
    CLI_CASE_SETTINGS(navier_stokes, navier_stokes_settings),
};

/* ---------------------------------------------------------------- waves */

CLI_CASE_FUNCTIONS(wave)

static const cli_setting wave_settings[] = {
    CLI_SET_SEQUENCES(fc_wave_config),
    CLI_SET_GRID(fc_wave_config, "points an axis, even"),
    CLI_SET_REAL(fc_wave_config, speed, "C", 1e-6, 1e6, "speed of the waves"),
    CLI_SET_SEED(fc_wave_config, "of the bumps: another seed, other waves"),
};

const cli_case cli_case_wave = {
    .name = "wave",
    .summary = "displacement and its rate of change after a bump (Yin et al. 2023)",
    .title = "2-D wave equation on a periodic square",
    .examples = "  fieldcast generate wave -o train.nc --sequences 512 --seed 1\n"
                "  fieldcast generate wave -o big.nc --grid 256 --sequences 2000\n",
    .defaults = wave_defaults,
    CLI_CASE_SETTINGS(wave, wave_settings),
};
