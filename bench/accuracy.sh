#!/usr/bin/env bash
# Generates data, trains and evaluates by the protocols of the literature, and writes the table of
# all errors, bench/ACCURACY.md. Every stage leaves a file in the folder of results and is skipped
# when that is there, so that the script goes on where it was stopped, in the middle of a training
# too. What has no generator in this build is left out, with a message.
#
#   bench/accuracy.sh [BUILD_DIRECTORY]
#
# By environment: CASES (default all below), SEEDS ("1 2 3"), OUT (BUILD_DIRECTORY/accuracy), TABLE
# (bench/ACCURACY.md), MINUTES (for each training, to try the script out), TABLE_ONLY=1 (of what has
# been measured so far).
set -euo pipefail

# name | arguments of fieldcast generate
data='
ns         | navier-stokes --sequences 512 --frames 20 --seed 1
ns-test    | navier-stokes --sequences 32 --frames 20 --seed 2
ns-32      | navier-stokes --sequences 32 --frames 20 --grid 32 --seed 2
ns-256     | navier-stokes --sequences 4 --frames 20 --grid 256 --seed 2
wave       | wave --sequences 512 --frames 20 --seed 1
wave-test  | wave --sequences 32 --frames 20 --seed 2
sw         | shallow-water --sequences 64 --frames 20 --seed 1
sw-test    | shallow-water --sequences 16 --frames 20 --seed 2
ns4        | navier-stokes-1e-4 --sequences 48 --grid 128 --seed 1
ns4-test   | navier-stokes-1e-4 --sequences 16 --grid 128 --seed 2
ns5        | navier-stokes-1e-5 --sequences 48 --seed 1
ns5-test   | navier-stokes-1e-5 --sequences 16 --seed 2
'

# name | data | options of fieldcast train; each is trained once with each seed
models='
ns         | ns   | --train-frames 10 --minutes 5
ns-dense   | ns   | --train-frames 10 --minutes 3 --set field.kind=bilinear
ns-5       | ns   | --train-frames 10 --minutes 5 --observe 0.05
ns-20      | ns   | --train-frames 10 --minutes 5 --observe 0.2
ns-every-2 | ns   | --train-frames 5 --minutes 5 --every 2
wave       | wave | --train-frames 10 --minutes 5
sw         | sw   | --train-frames 10 --minutes 12 --codes 600 --set field.method=regression --set field.rank=1536 --set fit.copies=4 --set fit.shift=6 --set validation=0 --set decoder.filters=3168 --set decoder.bandwidth=63 --set fit.ridge=1e-7
ns4        | ns4  | --minutes 10
ns5        | ns5  | --minutes 10
'

# case | setting | model | data | options of fieldcast evaluate | metric | goal | DINo | best published
# Pairs are errors up to the training horizon / after it; those of others have their source beside
# them where the protocol is not quite the same.
scores='
ns               | 100 %                           | ns         | ns-test   |                              | mse    | 5e-6 / 1.2e-5 | 1.11e-2 (torus)     | 1.57e-3 (ENF, torus)
ns               | 100 %, without an equation       | ns-dense   | ns-test   |                              | mse    | - | -                   | -
ns               | 50 %                            | ns         | ns-test   | --observe 0.5                | mse    | - | 3.74e-2 (torus)     | 5.75e-3 (ENF, torus)
ns               | 25 %                            | ns         | ns-test   | --observe 0.25               | mse    | - | -                   | -
ns               | 20 %                            | ns         | ns-test   | --observe 0.2                | mse    | 6e-6 / 1.5e-5 | -                   | -
ns               | 5 %                             | ns         | ns-test   | --observe 0.05               | mse    | 1.5e-5 / 1.8e-5 | 3.94e-2 (torus)     | 3.44e-2 (ENF, torus)
ns               | from frame 9                    | ns         | ns-test   | --from-frame 9               | mse    | - | -                   | -
ns               | every 2nd frame trained on      | ns-every-2 | ns-test   |                              | mse    | - | -                   | -
ns-scattered     | 20 %, trained on these          | ns-20      | ns-test   |                              | mse    | 5e-5 / 1e-4 | 1.508e-2 / 6.857e-2 (of 256 x 256) | 1.62e-4 / 9.27e-4 (GridMix)
ns-scattered     | 20 %, others than trained on    | ns-20      | ns-test   | --mask-seed 7                | mse    | - | -                   | -
ns-scattered     | 5 %, trained on these           | ns-5       | ns-test   |                              | mse    | 1.5e-4 / 2e-4 | -                   | -
ns-scattered     | 5 %, others than trained on     | ns-5       | ns-test   | --mask-seed 7                | mse    | - | -                   | -
ns-scattered     | 100 %, trained on 5 %           | ns-5       | ns-test   | --observe 1                  | mse    | - | -                   | -
wave             | 100 %                           | wave       | wave-test |                              | mse    | 1e-6 / 1e-5 | -                   | -
wave             | 5 %                             | wave       | wave-test | --observe 0.05               | mse    | - | -                   | -
shallow-water    | 100 %                           | sw         | sw-test   |                              | mse    | 3e-6 / 1e-4 | 4.12e-4 / 3.3e-3    | 6.91e-5 / 1.52e-4 (FNO)
shallow-water    | 5 %                             | sw         | sw-test   | --observe 0.05               | mse    | - | -                   | -
ns-1e-4          | from frame 9                    | ns4        | ns4-test  | --from-frame 9               | rel_l2 | .030 | -                   | -
ns-1e-5          | from frame 9                    | ns5        | ns5-test  | --from-frame 9               | rel_l2 | .10 | -                   | -
super-resolution | 64 x 64 seen, 256 x 256 asked   | ns         | ns-256    | --observe-grid 64x64         | mse    | - | -                   | -
super-resolution | 5 % of 64 x 64, 256 x 256 asked | ns         | ns-256    | --observe-grid 64x64 --observe 0.05 | mse | - | -             | -
super-resolution | 16 x 16 seen, 256 x 256 asked   | ns         | ns-256    | --observe-grid 16x16         | mse    | - | -                   | -
super-resolution | 256 x 256                       | ns         | ns-256    |                              | mse    | - | -                   | -
super-resolution | 32 x 32                         | ns         | ns-32     |                              | mse    | - | -                   | -
super-resolution | 5 % of 256 x 256, scattered     | ns         | ns-256    | --observe 0.05               | mse    | - | -                   | -
'

folder=$(dirname "$(realpath -- "$0")")
build=$(realpath -- "${1:-build}")
program=$build/fieldcast
out=${OUT:-$build/accuracy}
table=${TABLE:-$folder/ACCURACY.md}
cases=${CASES:-$(awk -F'|' 'NF > 1 && !seen[$1]++ { print $1 }' <<<"$scores")}
seeds=${SEEDS:-1 2 3}
export OMP_WAIT_POLICY=passive
mkdir -p "$out"/{data,models,scores}
started=$SECONDS

say() {
    printf '%s %5d s  %s\n' "$(date +%T)" $((SECONDS - started)) "$*"
}

# TABLE NAME COLUMN: a cell of a table whose rows have their names in the first column.
cell() {
    awk -F' *[|] *' -v name="$2" -v column="$3" '{ gsub(/^ +| +$/, "") } $1 == name { print $column }' \
        <<<"$1"
}

# A stage's file is named after what it is made by, so that a changed table has other files.
data_stage() {
    echo "$1-$(cell "$data" "$1" 2 | cksum | cut -d' ' -f1)"
}
training_options() {
    local options
    options=$(cell "$models" "$1" 3)
    [ -z "${MINUTES:-}" ] || options=$(sed "s/--minutes [0-9.]*/--minutes $MINUTES/" <<<"$options")
    echo "$options"
}
model_stage() { # NAME SEED
    echo "$1-$(echo "$(training_options "$1") $(data_stage "$(cell "$models" "$1" 2)")" | cksum |
        cut -d' ' -f1)-$2"
}
score_stage() { # CASE MODEL DATA OPTIONS SEED
    echo "$1-$(echo "$(model_stage "$2" "$5") $(data_stage "$3") $4" | cksum | cut -d' ' -f1)-$5"
}

# A stage that went wrong is told, and tried once a run.
failed=' '
give_up() {
    say "$1: left out: $(tail -n 1 "$2")"
    failed+="$1 "
    return 1
}

# NAME: generates the data unless it is there.
need_data() {
    local stage file log
    stage=data/$(data_stage "$1") file=$out/$stage.nc log=$out/$stage.log
    [ -e "$file" ] && return
    [[ $failed = *" $stage "* ]] && return 1
    say "$stage: generate $(cell "$data" "$1" 2)"
    # shellcheck disable=SC2046
    "$program" generate $(cell "$data" "$1" 2) -o "$file" 2>"$log" || give_up "$stage" "$log"
}

# NAME SEED: trains the model unless it is there; until then its checkpoint is STAGE.part.h5.
need_model() {
    local stage file part log source how
    stage=models/$(model_stage "$1" "$2") source=$(cell "$models" "$1" 2)
    file=$out/$stage.h5 part=$out/$stage.part.h5 log=$out/$stage.log
    [ -e "$file" ] && return
    [[ $failed = *" $stage "* ]] && return 1
    need_data "$source" || return 1
    how="$(training_options "$1") --seed $2"
    [ -e "$part" ] && how="--resume $part"
    say "$stage: train $how"
    printf '%s, load %s\n' "$(date -u +%FT%TZ)" "$(cut -d' ' -f1-3 /proc/loadavg)" >>"$log"
    # shellcheck disable=SC2086
    "$program" train "$out/data/$(data_stage "$source").nc" -o "$part" $how --quiet 2>>"$log" ||
        give_up "$stage" "$log" || return 1
    say "$stage: $(tail -n 1 "$log" | sed 's/.*: //')"
    mv "$part" "$file"
}

# CASE MODEL DATA OPTIONS SEED: evaluates the model unless that has been done.
need_score() {
    local stage file
    stage=scores/$(score_stage "$@") file=$out/scores/$(score_stage "$@").json
    [ -e "$file" ] && return
    need_model "$2" "$5" && need_data "$3" || return 1
    # shellcheck disable=SC2086
    "$program" evaluate "$out/models/$(model_stage "$2" "$5").h5" \
        "$out/data/$(data_stage "$3").nc" $4 --json >"$file.part" 2>"$file.log" ||
        give_up "$stage" "$file.log" || return 1
    mv "$file.part" "$file"
}

# FUNCTION SEED: calls it with the seed and the fields of every row of the chosen cases.
for_rows() {
    local case setting model source options rest
    while IFS='|' read -r case setting model source options rest; do
        [[ " ${cases//$'\n'/ } " = *" $case "* ]] || continue
        "$1" "$2" "$case" "$setting" "$model" "$source" "$options" "$rest"
    done < <(sed -n 's/ *| */|/gp' <<<"$scores")
}
work() {
    need_score "$2" "$4" "$5" "$6" "$1" || true
}
list() { # those that are there
    local score
    score=$(score_stage "$2" "$4" "$5" "$6" "$1")
    [ ! -e "$out/scores/$score.json" ] ||
        echo "$2|$3|$4|$1|$6|$7|$(model_stage "$4" "$1")|$score"
}
write_table() {
    local seed
    for seed in $seeds; do for_rows list "$seed"; done >"$out/rows.txt"
    python3 "$folder/accuracy.py" "$out" "$("$program" --version)" >"$out/table.md"
    mv "$out/table.md" "$table"
    say "wrote $table"
}

# Seed by seed, so that there is a whole table early.
if [ -z "${TABLE_ONLY:-}" ]; then
    for seed in $seeds; do
        for_rows work "$seed"
        write_table
    done
else
    write_table
fi
