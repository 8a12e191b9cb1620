#!/usr/bin/env bash
# Trains on records of other people's files, forecasts their ends and prints a table (Markdown) of
# the errors beside persistence, climatology and the linear inverse model of the same modes. The
# files are those that data/README.md names; one that is not in the folder is left out.
#
#   bench/records.sh FOLDER [BUILD_DIRECTORY]      MINUTES=1 SEEDS="0 1 2"
set -eu
folder=$(realpath -- "${1:?usage: bench/records.sh FOLDER [BUILD_DIRECTORY]}")
program=$(realpath -- "${2:-build}")/fieldcast
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Medians over the seeds of the lines "lead forecast persistence climatology lim", with the range of
# the forecast's own errors.
summarise() {
    sort -n "$1" | awk -v name="$2" '
        function show() {
            n = count
            for (i = 2; i <= n; i++) # errors of the seeds in order
                for (j = i; j > 1 && e[j] < e[j - 1]; j--) { t = e[j]; e[j] = e[j - 1]; e[j - 1] = t }
            spread = n > 1 ? sprintf(" (%.3g…%.3g)", e[1], e[n]) : ""
            printf "| %s | %s | %.3g%s | %.3g | %.3g | %.3g |\n", name, lead, e[int((n + 1) / 2)],
                spread, p, c, l / n
        }
        $1 != lead { if (count) show(); lead = $1; count = 0; l = 0 }
        { e[++count] = $2; p = $3; c = $4; l += $5 }
        END { if (count) show() }'
}

# record FILE NAME SPLIT LEADS READING_OPTION...
record() {
    local file=$folder/$1 name=$2 split=$3 leads=$4 seed
    shift 4
    [ -e "$file" ] || return 0
    : >"$work/lines"
    for seed in ${SEEDS:-0 1 2}; do
        "$program" train "$file" -o "$work/model.h5" "$@" --until "$split" --seed "$seed" \
            --minutes "${MINUTES:-1}" --quiet 2>/dev/null
        "$program" evaluate "$work/model.h5" "$file" --from "$split" --leads "$leads" --json |
            python3 -c '
import json, sys
for at in json.load(sys.stdin)["leads"]:
    print(at["lead"], *(at.get(key, float("nan")) for key in ("rmse", "persistence_rmse", "climatology_rmse", "lim_rmse")))
' >>"$work/lines"
    done
    summarise "$work/lines" "$name"
}

echo '| record | lead (steps) | fieldcast | persistence | climatology | LIM |'
echo '| --- | ---: | ---: | ---: | ---: | ---: |'
record tide_sandiego_ugrid.nc 'tide, m' 66600 1,4,8 \
    --variables level=depth+elevation --where 'depth > 0' --complete
record stations_molene_hourly.nc 'stations, t, K' 2014-01-25 1,3,6,24 --variables t
record sst_ostia_monthly.nc 'SST, K' 2009-10-01 1,3,6 --variables surface_temperature
SEEDS=0
record sst_era5_monthly_coarse.nc 'SST, coarse, K' 2009-10-01 1,3,6
record co2_packed.nc 'CO2 column, kg/m²' 2006-01-07 1,4
record turbulence_time_last.nc 'turbulence, K' 2019-07-22T22:45 1,5,20
record rain_cubed_sphere_ugrid.nc 'rain, kg/m²/s' 2016-01-01T19:50 1,3
record seaice_curvilinear.nc 'sea ice, %' 2020-10-16 1
