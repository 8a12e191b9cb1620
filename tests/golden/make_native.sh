#!/usr/bin/env bash
# Writes fieldcast's own files that its fuzzers start from: tests/golden/make_native.sh BUILD
set -eu
build=$(realpath -- "${1:?usage: make_native.sh BUILD_DIRECTORY}")
cd "$(dirname "$0")"
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
program=$build/fieldcast
"$program" generate navier-stokes --sequences 2 --frames 4 --grid 16 --seed 1 -o native_grid.nc
"$program" train native_grid.nc -o native_model.h5 --codes 3 --updates 20 --quiet \
    --set field.rank=4 --set decoder.filters=8
printf 'x,y\n0.1,0.2\n0.5,0.5\n0.9,0.3\n' >"$work/points.csv"
"$program" forecast native_model.h5 native_grid.nc -o native_points.nc --points "$work/points.csv" \
    --times 0:3:1 --std
cc -I../.. -I"$build/include" make_native_ragged.c -o "$work/ragged" -L"$build" -lfieldcast \
    -Wl,-rpath,"$build"
"$work/ragged" native_ragged.nc
