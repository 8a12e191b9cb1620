#!/usr/bin/env bash
# fieldcast from end to end in a few minutes: makes turbulent flows, learns a model of them, and
# forecasts flows it has never seen from sensors at 5 % of the points of one frame.
#
#   bash data/demo.sh [DIRECTORY]        results go to build/demo or to the directory named
set -eu
here=$(dirname "$(realpath -- "${BASH_SOURCE[0]}")")
out=$(realpath -m -- "${1:-$here/../build/demo}")
cd "$here/.."

# Training sequences, and minutes of training.
sequences=512 minutes=2

bold='' plain=''
[ -t 1 ] && bold=$'\033[1m' plain=$'\033[0m'
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
run() {
    printf '$ fieldcast'
    printf ' %s' "${@//"$out"\//}"
    printf '\n'
    build/fieldcast "$@"
}

bash tests/setup.sh
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! {
    [ -e build/build.ninja ] || cmake --preset default -DFC_TESTS=OFF &&
        cmake --build build --target fieldcast-cli
} >"$log" 2>&1; then
    cat "$log" >&2
    echo "demo: fieldcast could not be built" >&2
    exit 1
fi
mkdir -p "$out"

say 'Make flows: vorticity of two-dimensional turbulence, for training and, with another seed, for tests'
run generate navier-stokes --sequences $sequences --frames 10 --seed 1 -o "$out/train.nc"
run generate navier-stokes --sequences 16 --frames 21 --seed 2 -o "$out/test.nc"

say 'Learn a model of them'
run train "$out/train.nc" -o "$out/model.h5" --minutes $minutes

say 'How good is it, from 5 % of the points of the first frame?'
run evaluate "$out/model.h5" "$out/test.nc" --observe 0.05

say 'Forecast one more flow: 20 frames at 256 x 256 points, half frames too, with standard deviations'
run generate navier-stokes --sequences 1 --frames 21 --seed 3 -o "$out/flow.nc"
run forecast "$out/model.h5" "$out/flow.nc" --observe 0.05 --save-observed "$out/sensors.csv" \
    --times 0:20:0.5 --grid 256x256 --std -o "$out/forecast.nc"
run plot "$out/forecast.nc" --truth "$out/flow.nc" --marks "$out/sensors.csv" -o "$out/forecast.png"

say "Written to $out"
printf '  %-14s%s\n' \
    train.nc 'flows to learn from' test.nc 'flows to be tested on' model.h5 'the model' \
    flow.nc 'the flow to be forecast' sensors.csv 'what was seen of it' \
    forecast.nc 'the forecast and its standard deviation' \
    forecast.png 'truth, forecast, error, standard deviation'
