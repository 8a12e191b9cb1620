/* Cases of flows on the sphere. */
#include "io/cli/generate.h"

CLI_CASE_FUNCTIONS(shallow_water)

static const cli_setting shallow_water_settings[] = {
    CLI_SET_SEQUENCES(fc_shallow_water_config),
    CLI_SET_REAL(fc_shallow_water_config, burn_in, "T", 0, 1e6, "hours before the first frame"),
    CLI_SET_COUNT(fc_shallow_water_config, grid, "LON", 32, 4096,
                  "longitudes simulated, on half as many latitudes; a multiple of 4"),
    CLI_SET_COUNT(fc_shallow_water_config, output_grid, "LON", 0, 4096,
                  "longitudes written, a divisor of --grid; 0 = half of them"),
    CLI_SET_REAL(fc_shallow_water_config, umax_min, "U", 1e-3, 1e3, "least speed of the jets, m/s"),
    CLI_SET_REAL(fc_shallow_water_config, umax_max, "U", 1e-3, 1e3,
                 "largest speed of the jets, m/s"),
    CLI_SET_REAL(fc_shallow_water_config, perturbation, "H", -5e3, 5e3,
                 "height of the bump on the surface at first, m"),
    CLI_SET_REAL(fc_shallow_water_config, viscosity, "NU", 0, 1e9,
                 "viscosity at degree 32, m^2/s; of fourth order"),
    CLI_SET_REAL(fc_shallow_water_config, step, "H", 0, 1e6,
                 "largest time step, hours; 0 = chosen from the flow"),
    CLI_SET_SEED(fc_shallow_water_config, "of the speeds of the jets: another seed, other jets"),
};

const cli_case cli_case_shallow_water = {
    .name = "shallow-water",
    .summary = "height and vorticity of unstable jets on the earth (Galewsky et al. 2004)",
    .title = "shallow water with unstable jets on the rotating sphere",
    .examples = "  fieldcast generate shallow-water -o train.nc --seed 1\n"
                "  fieldcast generate shallow-water -o test.nc --sequences 16 --seed 2\n"
                "  fieldcast generate shallow-water -o fine.nc --sequences 16 --seed 2 "
                "--output-grid 256\n",
    .defaults = shallow_water_defaults,
    CLI_CASE_SETTINGS(shallow_water, shallow_water_settings),
};
