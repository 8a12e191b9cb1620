#!/usr/bin/env bash
# Tests of the program as a user runs it: exit codes, messages, what is written and what is not.
#
#   tests/cli/run.sh BUILD_DIRECTORY [PATTERN]     runs the tests whose names match PATTERN
#
# Every function test_... is a test: it runs in a subshell, in a folder of its own, and fails with
# the first command that fails. $shared holds small files that the tests may read.
set -u
build=$(realpath -- "${1:?usage: tests/cli/run.sh BUILD_DIRECTORY [PATTERN]}")
pattern=${2:-}
program=$build/fieldcast
golden=$(realpath -- "$(dirname "$0")/../golden")
root=$(mktemp -d)
shared=$root/shared
trap 'rm -rf "$root"' EXIT
export OMP_NUM_THREADS=2 LC_ALL=C.UTF-8

# fontconfig keeps its caches until the program ends; the leak checker need not know.
printf 'leak:libfontconfig\n' >"$root/lsan.supp"
export LSAN_OPTIONS=suppressions=$root/lsan.supp:print_suppressions=0

# ---------------------------------------------------------------- tools

# Runs the program; its output goes to the files out and err, its exit code to $code.
fieldcast() {
    code=0
    "$program" "$@" >out 2>err || code=$?
}

fail() {
    printf '      %s\n' "$*" >&2
    exit 1
}

# For a test that needs what is not installed.
skip() {
    printf '%s\n' "$*" >&2
    exit 77
}

expect_code() {
    [ "$code" -eq "$1" ] || fail "exit code $code instead of $1: $(tail -n 3 err)"
}

# One line that names the program and contains the text.
expect_message() {
    grep -qF -- "$1" err || fail "no '$1' in: $(cat err)"
    grep -q '^fieldcast' err || fail "the message does not name the program: $(cat err)"
}

expect_output() {
    grep -qF -- "$1" out || fail "no '$1' in the output"
}

expect_no_output() {
    ! grep -qiE -- "$1" out || fail "'$1' in the output"
}

# Nothing in this folder but the named files.
expect_only() {
    local found
    found=$(ls -A | grep -vxF -e out -e err $(printf -- '-e %s ' "$@") || true)
    [ -z "$found" ] || fail "left behind: $found"
}

# A result without its timings.
scores() {
    "$program" evaluate "$@" --json 2>/dev/null | sed '/"seconds"/,/}/d'
}

# Waits until the file is there, at most twenty seconds.
wait_for() {
    for _ in $(seq 200); do
        [ -s "$1" ] && return
        sleep 0.1
    done
    fail "$1 did not appear"
}

small=(--sequences 24 --frames 8 --grid 16 --burn-in 4)

# Makes $shared: data, other data, a model and a forecast.
prepare() {
    mkdir "$shared" && cd "$shared" &&
        "$program" generate navier-stokes -o train.nc "${small[@]}" --seed 1 &&
        "$program" generate navier-stokes -o test.nc --sequences 3 --frames 10 --grid 16 \
            --burn-in 4 --seed 2 &&
        "$program" train train.nc -o model.h5 --codes 12 --updates 400 --train-frames 6 --quiet &&
        "$program" forecast model.h5 test.nc -o forecast.nc --times 0:9:0.5 --grid 24x24 --std \
            --observe 0.3 --save-observed sensors.csv
}

# ---------------------------------------------------------------- the program as a whole

test_help_of_every_command_leads_with_examples() {
    for command in generate info validate train evaluate forecast plot doctor; do
        fieldcast $command --help
        expect_code 0
        [ "$(sed -n 3p out)" = Examples ] || fail "$command: no examples on top"
        [ ! -s err ] || fail "$command: help on stderr"
        cp out first
        fieldcast help $command
        cmp -s out first || fail "help $command differs from $command --help"
    done
}

test_version_is_printed() {
    fieldcast --version
    expect_code 0
    grep -qE '^fieldcast [0-9]+\.[0-9]+\.[0-9]+$' out || fail "$(cat out)"
}

test_no_command_is_a_usage_error() {
    fieldcast
    expect_code 2
}

test_unknown_command_names_the_nearest() {
    fieldcast trian data.nc
    expect_code 2
    expect_message "did you mean 'train'?"
}

test_unknown_option_names_the_nearest() {
    fieldcast train data.nc -o model.h5 --coeds 3
    expect_code 2
    expect_message "did you mean '--codes'?"
    [ "$(wc -l <err)" -eq 1 ] || fail 'more than one line'
}

test_numbers_out_of_range_are_refused() {
    local words
    while read -r words; do
        fieldcast $words
        expect_code 2
        expect_message "$(sed 's/.* \(--[a-z-]* [^ ]*\)$/\1/' <<<"$words")"
    done <<-END
	generate navier-stokes -o x.nc --grid 2
	generate navier-stokes -o x.nc --frames 0
	generate navier-stokes -o x.nc --viscosity -1
	generate navier-stokes -o x.nc --sequences 1.5
	train a.nc -o m.h5 --minutes nan
	train a.nc -o m.h5 --codes -4
	evaluate m.h5 a.nc --rtol -1e-3
	evaluate m.h5 a.nc --observe 1.5
	evaluate m.h5 a.nc --method euler
	forecast m.h5 a.nc -o f.nc --times 1 --atol -1
	END
    expect_only
}

test_missing_and_surplus_arguments_are_named() {
    fieldcast train -o model.h5
    expect_code 2
    expect_message 'DATA is missing'
    fieldcast train data.nc
    expect_code 2
    expect_message '--output is missing'
    fieldcast info
    expect_code 2
    expect_message 'FILE is missing'
    fieldcast evaluate a.h5 b.nc c.nc
    expect_code 2
    expect_message "unexpected argument 'c.nc'"
    fieldcast train data.nc -o
    expect_code 2
    expect_message '--output: needs a value'
    fieldcast train data.nc -o a -o b
    expect_code 2
    expect_message 'given twice'
}

test_full_or_closed_stdout_is_an_io_error() {
    code=0
    "$program" --help >/dev/full 2>err || code=$?
    expect_code 6
    expect_message 'standard output'
    code=0
    "$program" info "$shared/test.nc" >&- 2>err || code=$?
    expect_code 6
    code=0
    "$program" forecast "$shared/model.h5" "$shared/test.nc" -o - --times 1 >/dev/full 2>err ||
        code=$?
    expect_code 6
}

test_doctor_finds_the_program_in_health() {
    fieldcast doctor
    expect_code 0
    expect_output 'self-check'
    expect_output SUNDIALS
    expect_no_output FAILED
}

test_the_environment_chooses_the_instructions() {
    FIELDCAST_SIMD=baseline fieldcast doctor
    expect_code 0
    expect_output 'kernels      baseline'
    FIELDCAST_SIMD=avx1024 fieldcast doctor
    expect_code 2
    expect_message "FIELDCAST_SIMD is 'avx1024'"
}

# ---------------------------------------------------------------- generate

test_generated_data_depend_on_the_seed_and_not_on_threads() {
    fieldcast generate navier-stokes -o a.nc "${small[@]}" --seed 5 --threads 1
    expect_code 0
    fieldcast generate navier-stokes -o b.nc "${small[@]}" --seed 5 --threads 3
    cmp a.nc b.nc || fail 'another number of threads gave other data'
    fieldcast generate navier-stokes -o b.nc "${small[@]}" --seed 6
    ! cmp -s a.nc b.nc || fail 'another seed gave the same data'
}

test_unknown_case_is_refused() {
    fieldcast generate navier-stoks -o a.nc
    expect_code 2
    expect_message "did you mean 'navier-stokes'?"
    expect_only
}

test_unwritable_output_is_refused_before_the_work() {
    fieldcast generate navier-stokes -o no/such/folder/a.nc
    expect_code 6
    expect_message 'no/such/folder/a.nc'
    mkdir folder
    fieldcast train "$shared/train.nc" -o folder
    expect_code 6
    expect_message 'is a directory'
}

test_no_space_left_is_an_io_error_that_leaves_nothing() {
    # A limit on the size of files stands in for a full disk.
    for words in "generate navier-stokes -o a.nc ${small[*]}" \
        "forecast $shared/model.h5 $shared/test.nc -o f.nc --times 0:9:0.1" \
        "forecast $shared/model.h5 $shared/test.nc -o f.csv --times 0:9:0.1" \
        "train $shared/train.nc -o m.h5 --codes 12 --updates 20 --quiet" \
        "plot $shared/test.nc -o p.png"; do
        code=0
        (
            trap '' XFSZ
            ulimit -f 16
            exec "$program" $words
        ) >out 2>err || code=$?
        expect_code 6
        expect_only
    done
}

# ---------------------------------------------------------------- info

test_info_tells_data_forecast_and_model_apart() {
    fieldcast info "$shared/train.nc"
    expect_code 0
    expect_output '24 of 8 frames'
    expect_output 'fieldcast train'
    fieldcast info "$shared/forecast.nc"
    expect_output 'fieldcast forecast'
    fieldcast info "$shared/model.h5"
    expect_output 'fieldcast model'
    expect_output 'codes        12'
    expect_output 'train.nc: 24 sequences'
}

test_info_prints_json() {
    fieldcast info "$shared/train.nc" --json
    expect_code 0
    for key in '"kind": "dataset"' '"sequences": 24' '"kind": "periodic"' '"missing": 0.0'; do
        expect_output "$key"
    done
    fieldcast info "$shared/model.h5" --json
    for key in '"kind": "model"' '"finished": true' '"codes": 12' '"checksum"' '"updates": 400'; do
        expect_output "$key"
    done
}

test_damaged_and_missing_files_are_told_apart() {
    fieldcast info nothing.nc
    expect_code 6
    expect_message nothing.nc
    head -c 3000 "$shared/model.h5" >short.h5
    fieldcast info short.h5
    expect_code 3
    expect_message short.h5
    echo 'no numbers here' >text.nc
    fieldcast info text.nc
    expect_code 3
    expect_message text.nc
}

# Some of its bytes are wrong, so that HDF5 1.10 itself does not survive reading it.
test_a_file_that_breaks_hdf5_is_an_error() {
    local command
    for command in info validate; do
        fieldcast "$command" "$golden/damaged.h5"
        expect_code 3
        expect_message damaged.h5
    done
    fieldcast train "$golden/damaged.h5" -o model.h5
    expect_code 3
    [ "$(wc -l <err)" = 1 ] || fail "not one line: $(cat err)"
    expect_only
}

test_gaps_are_filled() {
    local data=$golden/cf_sst_alboran_cloudy.nc
    "$program" train "$data" -o model.h5 --minutes 0.01 --quiet
    fieldcast forecast model.h5 "$data" --fill --std -o filled.nc
    expect_code 0
    fieldcast info filled.nc --json
    expect_code 0
    expect_output '"missing": 0.0'
    fieldcast forecast model.h5 "$data" --fill --times 1 -o other.nc
    expect_code 2
    expect_message --fill
    expect_only model.h5 filled.nc
}

test_channels_are_derived_and_remembered() {
    local data=$golden/points_tide.nc
    fieldcast info "$data" --variables level=depth+elevation --where 'depth > 0' --complete
    expect_code 0
    expect_output level
    "$program" train "$data" -o model.h5 --minutes 0.01 --quiet --variables level=depth+elevation \
        --where 'depth > 0' --complete
    fieldcast evaluate model.h5 "$data" --leads 1
    expect_code 0
    fieldcast info "$data" --variables level=depth+elevatoin
    expect_code 3
    expect_message elevatoin
    fieldcast info "$data" --variables 'level=depth+'
    expect_code 2
}

test_a_single_frame_is_explained() {
    fieldcast generate navier-stokes -o one.nc --sequences 2 --frames 1 --grid 16 --burn-in 1
    fieldcast info one.nc
    expect_code 0
    expect_output 'one frame'
    fieldcast train one.nc -o model.h5
    expect_code 3
    expect_message 'one frame'
    expect_only one.nc
}

test_info_tells_what_is_in_real_files() {
    fieldcast info "$golden/points_tide.nc"
    expect_code 0
    expect_output 'UGRID mesh'
    expect_output 'does not change with time; expressions may use it'
    expect_output '--variables sum=depth+elevation'
    expect_output '--until 2000-01-01T'
    expect_output '--leads 1'
    fieldcast info "$golden/cf_sst_alboran_cloudy.nc"
    expect_output '57.10 % (of a frame 31.3 to 93.7 %)'
    expect_output '374 points that are missing always'
    expect_output 'times smaller'
    fieldcast info "$golden/points_molene.nc"
    expect_output 'have no coordinates'
}

test_info_takes_several_files() {
    fieldcast info "$shared/train.nc" "$shared/model.h5"
    expect_code 0
    expect_output '24 of 8 frames'
    expect_output 'fieldcast model'
    fieldcast info "$shared/train.nc" nothing.nc "$shared/test.nc" --json
    expect_code 6
    expect_message nothing.nc
    [ "$(grep -c '"kind": "dataset"' out)" -eq 2 ] || fail 'not two objects'
    [ "$(head -n 1 out)" = '[' ] || fail 'no list'
    fieldcast info "$shared/te*.nc"
    expect_code 0
    expect_output '3 of 10 frames'
}

# ---------------------------------------------------------------- validate

test_validate_finds_no_fault_in_what_fieldcast_wrote() {
    for file in train.nc forecast.nc model.h5; do
        fieldcast validate "$shared/$file"
        expect_code 0
        expect_output "$file: 0 errors, "
    done
    fieldcast validate "$shared/train.nc" "$shared/model.h5" --json
    expect_code 0
    [ "$(grep -c '"errors": 0' out)" -eq 2 ] || fail 'not two objects'
}

test_validate_tells_damaged_and_missing_files_apart() {
    fieldcast validate nothing.nc
    expect_code 6
    expect_message nothing.nc
    head -c 3000 "$shared/model.h5" >short.h5
    fieldcast validate short.h5 "$shared/train.nc"
    expect_code 3
    expect_output 'error: short.h5'
    expect_output 'train.nc: 0 errors'
    fieldcast validate "$shared/train.nc" --variables 'x=1+'
    expect_code 2
    fieldcast validate "$shared/train.nc" --variables salinity
    expect_code 3
    expect_output salinity
}

test_validate_counts_faults_of_a_kind() {
    fieldcast generate navier-stokes -o one.nc --sequences 9 --frames 1 --grid 16 --burn-in 1
    fieldcast validate one.nc
    expect_code 0
    expect_output 'warning: one.nc: frames of sequence 4: 1;'
    expect_no_output 'sequence 5'
    expect_output 'warning: and 4 more of this kind'
    fieldcast validate one.nc --json
    expect_output '"count": 9'
}

# ---------------------------------------------------------------- train

# Some seconds of training on an idle machine: longer than any wait below.
# Long enough to be met by a signal; under sanitizers a fifth of it is.
long=50000
grep -qs '^FC_SANITIZE:STRING=.' "$build/CMakeCache.txt" && long=10000
train_small=(--codes 8 --updates "$long" --set field.rank=256 --set dynamics.patience=2)

test_training_reports_json_lines() {
    fieldcast train "$shared/train.nc" -o m.h5 "${train_small[@]}" --updates 100 --log log.jsonl
    expect_code 2
    fieldcast train "$shared/train.nc" -o m.h5 --codes 8 --updates 100 --log log.jsonl
    expect_code 0
    grep -q '^{"stage":"dynamics",.*}$' err || fail "$(cat err)"
    grep -q '^{"stage":"dynamics",.*}$' log.jsonl || fail 'no lines in the log'
    ! grep -qi 'nan' log.jsonl || fail 'a NaN in JSON'
    expect_only m.h5 log.jsonl
}

test_training_is_reproducible() {
    fieldcast train "$shared/train.nc" -o a.h5 --codes 8 --updates 300 --quiet
    expect_code 0
    fieldcast train "$shared/train.nc" -o b.h5 --codes 8 --updates 300 --quiet
    cmp -s <(scores a.h5 "$shared/test.nc") <(scores b.h5 "$shared/test.nc") ||
        fail 'two runs differ'
    fieldcast train "$shared/train.nc" -o b.h5 --codes 8 --updates 300 --quiet --seed 9
    ! cmp -s <(scores a.h5 "$shared/test.nc") <(scores b.h5 "$shared/test.nc") ||
        fail 'the seed does nothing'
}

# The field in one fit: better than what some hundred updates give, and there is nothing to resume.
test_a_field_is_found_by_regression() {
    local by_descent by_regression
    fieldcast train "$shared/train.nc" -o a.h5 --codes 8 --set field.kind=bilinear --updates 300
    expect_code 0
    fieldcast train "$shared/train.nc" -o b.h5 --codes 8 --set field.kind=bilinear \
        --set field.method=regression --set field.rank=64
    expect_code 0
    grep -q '^{"stage":"regression",.*}$' err || fail "$(cat err)"
    by_descent=$(scores a.h5 "$shared/test.nc" | sed 's/.*"in_t":{"mse":\([^,}]*\).*/\1/')
    by_regression=$(scores b.h5 "$shared/test.nc" | sed 's/.*"in_t":{"mse":\([^,}]*\).*/\1/')
    awk -v a="$by_descent" -v b="$by_regression" 'BEGIN { exit !(b > 0 && b < a) }' ||
        fail "descent $by_descent, regression $by_regression"
    fieldcast train "$shared/train.nc" -o c.h5 --codes 8 --set field.hidden=4 \
        --set field.method=regression
    expect_code 2
    expect_message 'field.hidden = 0'
    fieldcast train "$shared/train.nc" -o c.h5 --codes 8 --set field.ridge=0
    expect_code 2
    expect_message 'field.ridge must be a positive number'
    expect_only a.h5 b.h5
}

# Starts a training with these options, waits until its dynamics has begun, and leaves its process
# in $job.
start_training() {
    rm -f m.h5 progress.jsonl
    "$program" train "$shared/train.nc" -o m.h5 "${train_small[@]}" "$@" --checkpoint-seconds 0 \
        --log progress.jsonl --quiet >out 2>err &
    job=$!
    wait_for m.h5
    until grep -qs '"stage":"dynamics"' progress.jsonl || ! kill -0 $job; do sleep 0.05; done
    rm progress.jsonl
}

test_signals_write_a_checkpoint_that_resumes_bit_for_bit() {
    fieldcast train "$shared/train.nc" -o whole.h5 "${train_small[@]}" --quiet
    expect_code 0
    for signal in INT:130 TERM:143; do
        start_training
        kill -"${signal%:*}" $job || fail 'the training ended before the signal'
        code=0
        wait $job || code=$?
        expect_code "${signal#*:}"
        expect_message '--resume'
        fieldcast info m.h5 --json
        expect_output '"finished": false'
        fieldcast train "$shared/train.nc" -o m.h5 --resume m.h5 --quiet
        expect_code 0
        fieldcast info m.h5 --json
        expect_output '"finished": true'
        cmp -s <(scores m.h5 "$shared/test.nc") <(scores whole.h5 "$shared/test.nc") ||
            fail "resumed after $signal, the model differs"
    done
    expect_only m.h5 whole.h5
}

test_kill_9_leaves_the_last_checkpoint_whole() {
    for pause in 0 0.2 0.5; do
        start_training
        sleep $pause
        kill -KILL $job || fail 'the training ended before the signal'
        wait $job 2>/dev/null || true
        fieldcast info m.h5
        expect_code 0
    done
    fieldcast train "$shared/train.nc" -o m.h5 --resume m.h5 --quiet
    expect_code 0
}

test_resume_refuses_what_is_not_its_own() {
    fieldcast train "$shared/train.nc" -o m.h5 --resume "$shared/model.h5"
    expect_code 3
    expect_message 'finished'
    start_training
    kill -INT $job
    wait $job || true
    fieldcast train "$shared/test.nc" -o m.h5 --resume m.h5
    expect_code 3
    expect_message 'differs from the data'
    fieldcast train "$shared/train.nc" -o m.h5 --resume m.h5 --codes 9
    expect_code 2
    expect_message '--codes cannot be given with --resume'
    fieldcast info m.h5
    expect_code 0
}

test_configuration_is_read_and_stored() {
    cat >c.yaml <<-END
	seed: 4
	fit: {codes: 7}
	dynamics:
	  updates: 50
	  batch: 8
	field:
	  rank: 16
	END
    fieldcast train "$shared/train.nc" -o m.h5 --config c.yaml --set dynamics.batch=9 --quiet
    expect_code 0
    fieldcast info m.h5 --json
    for key in '"codes": 7' '"batch": 9' '"rank": 16' '"auto": false' '"minutes": 0.0' \
        '"seed": 4'; do
        expect_output "$key"
    done
}

test_a_decoder_that_bends_serves_every_command() {
    local family
    for family in siren multiplicative; do
        fieldcast train "$shared/train.nc" -o m.h5 --codes 6 --updates 60 --train-frames 6 --quiet \
            --set decoder.family=$family --set decoder.width=16 --set decoder.filters=6 \
            --set fit.steps=40
        expect_code 0
        fieldcast info m.h5 --json
        expect_output "\"family\": \"$family\""
        fieldcast info m.h5
        expect_code 0
        fieldcast evaluate m.h5 "$shared/test.nc" --observe 0.2 --json
        expect_code 0
        expect_no_output nan
        fieldcast forecast m.h5 "$shared/test.nc" -o f.nc --times 0:9:3 --grid 12x12 --std
        expect_code 0
        fieldcast validate f.nc
        expect_code 0
        fieldcast plot m.h5 -o m.png
        expect_code 0
    done
}

test_a_bent_decoder_that_cannot_serve_is_refused() {
    fieldcast train "$shared/train.nc" -o m.h5 --set decoder.family=sine
    expect_code 2
    expect_message 'decoder.family'
    fieldcast train "$shared/train.nc" -o m.h5 --set decoder.family=siren --set fit.method=series \
        --set decoder.omega0=-1
    expect_code 2
    expect_message 'decoder.omega0 must be'
    expect_message 'suits decoder.family = fourier only'
    fieldcast train "$golden/sst_excerpt.nc" -o m.h5 --minutes 0.01 --set decoder.family=siren
    expect_code 2
    expect_message 'choose fourier'
    expect_only
}

test_wrong_configuration_is_refused() {
    fieldcast train "$shared/train.nc" -o m.h5 --set field.rnak=3
    expect_code 2
    expect_message "did you mean 'field.rank'?"
    fieldcast train "$shared/train.nc" -o m.h5 --set field.rank=many
    expect_code 2
    expect_message 'field.rank'
    printf 'dynamics:\n  batsch: 4\n' >c.yaml
    fieldcast train "$shared/train.nc" -o m.h5 --config c.yaml
    expect_code 2
    expect_message "c.yaml: line 2: unknown key 'dynamics.batsch'"
    printf 'dynamics: [1, 2\n' >c.yaml
    fieldcast train "$shared/train.nc" -o m.h5 --config c.yaml
    expect_code 2
    expect_message c.yaml
    fieldcast train "$shared/train.nc" -o m.h5 --set dynamics.rate=-1 --set fit.tolerance=2
    expect_code 2
    expect_message 'dynamics.rate must be positive'
    expect_message 'fit.tolerance'
    expect_only c.yaml
}

test_wrong_training_data_are_refused() {
    fieldcast train nothing.nc -o m.h5
    expect_code 6
    fieldcast train "$shared/train.nc" -o m.h5 --variables salinity
    expect_code 3
    expect_message salinity
    fieldcast train "$shared/model.h5" -o m.h5
    expect_code 3
    expect_message model.h5
    expect_only
}

# ---------------------------------------------------------------- evaluate

test_evaluation_is_one_json_object() {
    fieldcast evaluate "$shared/model.h5" "$shared/test.nc" --observe 0.3 --json
    expect_code 0
    for key in in_t out_t in_s out_s encode floor persistence climatology coverage sigma1 sigma2 \
        seconds integrate decode sequences mse rel_l2; do
        expect_output "\"$key\""
    done
    [ "$(head -n 1 out)" = '{' ] && [ "$(tail -n 1 out)" = '}' ] || fail 'not one object'
    expect_no_output 'nan|inf'
    fieldcast evaluate "$shared/model.h5" "$shared/test.nc" --json
    expect_no_output out_s
}

test_evaluation_is_a_table() {
    fieldcast evaluate "$shared/model.h5" "$shared/test.nc"
    expect_code 0
    for row in In-t Out-t 'encoded frame' floor persistence climatology 'error bars' seconds; do
        expect_output "$row"
    done
}

test_evaluation_depends_on_its_seed_alone() {
    local words=("$shared/model.h5" "$shared/test.nc" --observe 0.1)
    cmp -s <(scores "${words[@]}") <(scores "${words[@]}") || fail 'two runs differ'
    ! cmp -s <(scores "${words[@]}") <(scores "${words[@]}" --mask-seed 3) || fail 'no effect of a seed'
}

test_evaluation_refuses_wrong_files_and_leads() {
    fieldcast evaluate "$shared/test.nc" "$shared/model.h5"
    expect_code 3
    expect_message test.nc
    fieldcast evaluate "$shared/model.h5" "$shared/test.nc" --leads 1,0
    expect_code 2
    head -c 20000 "$shared/model.h5" >short.h5
    fieldcast evaluate short.h5 "$shared/test.nc"
    expect_code 3
    expect_message short.h5
}

# ---------------------------------------------------------------- forecast

test_forecast_as_csv_has_a_row_for_each_point_and_time() {
    printf 'x,y\n0.1,0.2\n0.5,0.75\n' >points.csv
    fieldcast forecast "$shared/model.h5" "$shared/test.nc" -o - --times 0:2:0.5 \
        --points points.csv --std
    expect_code 0
    [ "$(head -n 1 out)" = 'sequence,time,x,y,vorticity,vorticity_std' ] || fail "$(head -n 1 out)"
    [ "$(wc -l <out)" -eq $((1 + 3 * 5 * 2)) ] || fail "$(wc -l <out) lines"
    cp out before
    fieldcast forecast "$shared/model.h5" "$shared/test.nc" -o a.csv --times 0:2:0.5 \
        --points points.csv --std
    cmp before a.csv || fail 'file and stdout differ'
    expect_only points.csv before a.csv
}

test_forecast_on_grids_and_points_agree() {
    fieldcast forecast "$shared/model.h5" "$shared/test.nc" -o grid.csv --times 1.5 --grid 4x2
    expect_code 0
    [ "$(wc -l <grid.csv)" -eq 25 ] || fail "$(wc -l <grid.csv) lines"
    printf '0.75 0.5\n' >points.csv
    fieldcast forecast "$shared/model.h5" "$shared/test.nc" -o - --times 1.5 --points points.csv
    expect_code 0
    # Up to rounding, as the two are computed in other blocks.
    awk -F, 'NR == FNR { value[$1] = $5; next }
        $3 == 0.75 && $4 == 0.5 { n++; d = $5 - value[$1]; if (d < -1e-5 || d > 1e-5) exit 1 }
        END { if (n != 3) exit 1 }' <(tail -n +2 out) grid.csv ||
        fail 'the same point has another value'
}

test_forecast_file_can_be_read_again() {
    fieldcast info "$shared/forecast.nc" --json
    expect_code 0
    expect_output '"sequences": 3'
    expect_output '"frames": 57'
    expect_output '"largest": 576'
}

# Each of 3 x 256 points is seen with probability 0.3: 230 of them, four deviations are 51.
test_observed_share_is_what_is_saved() {
    local lines
    lines=$(wc -l <"$shared/sensors.csv")
    [ "$lines" -gt 180 ] && [ "$lines" -lt 283 ] || fail "$lines lines"
}

test_impossible_queries_are_refused() {
    local model=$shared/model.h5 data=$shared/test.nc
    fieldcast forecast "$model" "$data" -o f.nc
    expect_code 2
    expect_message '--times, --at and --fill'
    fieldcast forecast "$model" "$data" -o f.nc --times -1:2:1
    expect_code 2
    expect_message 'before the observation'
    fieldcast forecast "$model" "$data" -o f.nc --at 3 --from-frame 5
    expect_code 2
    expect_message 'before the observation'
    for times in 0:2 0:2:0 2:0:1 a 1,1 2,1 1,nan ''; do
        fieldcast forecast "$model" "$data" -o f.nc --times "$times"
        expect_code 2
    done
    fieldcast forecast "$model" "$data" -o f.nc --times 1 --grid 4x
    expect_code 2
    fieldcast forecast "$model" "$data" -o f.nc --times 1 --grid 4x4 --like "$data"
    expect_code 2
    fieldcast forecast "$model" "$data" -o f.nc --times 1 --from-frame 10
    expect_code 2
    expect_message 'frames 0 to 9'
    fieldcast forecast "$model" "$data" -o f.txt --times 1
    expect_code 2
    fieldcast forecast "$model" "$data" -o f.nc --times 1 --rtol 0 --atol 0
    expect_code 2
    expect_only
}

test_bad_query_points_are_named_by_their_line() {
    local row
    for row in nan,0.5 inf,0.5 0.5 0.5,0.5,0.5 a,b; do
        printf 'x,y\n0.5,0.5\n%s\n' "$row" >points.csv
        fieldcast forecast "$shared/model.h5" "$shared/test.nc" -o f.nc --times 1 \
            --points points.csv
        expect_code 3
        expect_message 'points.csv: line 3'
    done
    expect_only points.csv
}

# ---------------------------------------------------------------- plot

test_pictures_of_data_and_forecasts() {
    fieldcast plot "$shared/test.nc" -o data.png --sequence 1 --times 0,4
    expect_code 0
    for ending in png pdf svg; do
        fieldcast plot "$shared/forecast.nc" -o f.$ending --truth "$shared/test.nc" \
            --marks "$shared/sensors.csv"
        expect_code 0
    done
    [ "$(head -c 4 data.png | tail -c 3)" = PNG ] || fail 'not a PNG'
    [ "$(head -c 4 f.pdf)" = %PDF ] || fail 'not a PDF'
    expect_only data.png f.png f.pdf f.svg
}

test_pictures_of_models_and_results_whatever_their_names() {
    fieldcast evaluate "$shared/model.h5" "$shared/test.nc" --json
    cp out evaluation
    printf '%s\n' '{"stage":"decoder","share":1.0,"seconds":1.5}' \
        '{"stage":"dynamics","share":0.5,"loss":0.1,"validation":0.2,"seconds":2.5}' \
        '{"stage":"dynamics","share":1.0,"loss":0.05,"validation":0.1,"seconds":3.5}' >training
    cp "$shared/model.h5" model
    for file in evaluation training model; do
        fieldcast plot $file -o $file.svg
        expect_code 0
        [ "$(head -c 5 $file.svg)" = '<?xml' ] || fail "$file: not an SVG"
        rm $file
    done
    expect_only evaluation.svg model.svg training.svg
}

test_films_and_slices() {
    fieldcast plot "$shared/forecast.nc" -o film.webp --truth "$shared/test.nc" --rate 5
    expect_code 0
    [ "$(head -c 12 film.webp | tail -c 4)" = WEBP ] || fail 'not a WebP'
    fieldcast plot "$shared/test.nc" -o s.png --animate --frames 3
    expect_code 0
    fieldcast plot "$shared/test.nc" -o line.png --at y=0.5
    expect_code 0
    expect_only film.webp line.png s_0000.png s_0001.png s_0002.png
}

test_impossible_pictures_are_refused() {
    fieldcast plot "$shared/test.nc" -o a.gif
    expect_code 2
    expect_message '.svg'
    fieldcast plot "$shared/model.h5" -o a.png --truth "$shared/test.nc"
    expect_code 2
    expect_message 'is a model'
    echo '{"answer": 42}' >other
    fieldcast plot other -o a.png
    expect_code 3
    expect_message 'train --log'
    rm other
    fieldcast plot "$shared/test.nc" -o a.png --at z=1
    expect_code 2
    expect_message 'are x, y'
    fieldcast plot "$shared/test.nc" -o a.png --range 3,1
    expect_code 2
    fieldcast plot "$shared/test.nc" -o a.pdf --animate
    expect_code 2
    expect_message '.webp'
    fieldcast plot "$shared/test.nc" -o a.png --sequence 3
    expect_code 2
    expect_message 'sequences 0 to 2'
    fieldcast plot "$shared/test.nc" -o a.png --times 2.5
    expect_code 2
    expect_message 'no frame at 2.5'
    fieldcast plot "$shared/test.nc" -o a.png --variable salinity
    expect_code 3
    expect_only
}

# ---------------------------------------------------------------- runner

. "$(dirname -- "${BASH_SOURCE[0]}")/device.sh"
. "$(dirname -- "${BASH_SOURCE[0]}")/formats.sh"
. "$(dirname -- "${BASH_SOURCE[0]}")/streaming.sh"
. "$(dirname -- "${BASH_SOURCE[0]}")/generate.sh"
. "$(dirname -- "${BASH_SOURCE[0]}")/protocols.sh"
if ! (prepare) >"$root/prepare" 2>&1; then
    echo 'FAIL  the files that the tests share could not be made:'
    tail -n 5 "$root/prepare"
    echo '0 passed, 1 failed, 0 skipped'
    exit 1
fi

# Runs a test, tells how it went and writes that to $root/NAME.result.
run() {
    local name=$1 status result
    mkdir "$root/$name"
    # Not within a condition, where bash would go on after a failed command.
    (set -e && cd "$root/$name" && $name) 2>"$root/$name.failure"
    status=$?
    case $status in
    0) result=ok ;;
    77) result="skip: $(tail -n 1 "$root/$name.failure")" ;;
    *) result="FAIL$(printf '\n' && cat "$root/$name.failure")" ;;
    esac
    echo "${result%%:*}" | head -n 1 >"$root/$name.result"
    printf '%-6s%s%s\n' "${result:0:4}" "${name#test_}" "${result:4}"
}

# As many at a time as there are processors, the longest first, lest the others wait for it.
longest=test_signals_write_a_checkpoint_that_resumes_bit_for_bit
for name in $longest $(declare -F | sed -n 's/^declare -f \(test_.*\)/\1/p' | grep -vx "$longest"); do
    [[ $name == *$pattern* ]] || continue
    while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
        wait -n
    done
    run "$name" &
done
wait
count() {
    cat "$root"/*.result 2>/dev/null | grep -c "^$1"
}
failed=$(count FAIL)
echo "$(count ok) passed, $failed failed, $(count skip) skipped"
[ "$failed" -eq 0 ]
