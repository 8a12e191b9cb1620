# Where a command computes; part of run.sh. A CUDA device is emulated by the processor
# (tests/cuda/emulation) in a program of its own, which knows no other device than cuda:0.

on_emulated_device() {
    [ -x "$build/tests/fieldcast-emulated" ] || skip 'CUDA is not emulated: no C++ compiler, or under sanitizers'
    program=$build/tests/fieldcast-emulated
}

# Whether every number of a file is within a share of that in another, all else being equal.
expect_alike() {
    paste -d '\n' <(tr -s ' ,:' '\n' <"$1") <(tr -s ' ,:' '\n' <"$2") |
        awk -v share="$3" '
            NR % 2 { left = $0; next }
            left == $0 { next }
            left + 0 == 0 || $0 + 0 == 0 || (left - $0) ^ 2 > (share * $0) ^ 2 {
                print "      " left " is not " $0
                exit 1
            }' >&2 || fail "$1 and $2 differ"
}

test_a_device_that_there_is_not_is_refused() {
    local command
    for command in "train $shared/train.nc -o m.h5" "evaluate $shared/model.h5 $shared/test.nc" \
        "forecast $shared/model.h5 $shared/test.nc -o f.nc --times 1"; do
        fieldcast $command --device cuda:99
        expect_code 5
        expect_message 'cuda:99: '
        fieldcast $command --device gpu
        expect_code 2
        expect_message '--device gpu: must be cpu or cuda:N'
        fieldcast $command --device cpu --precision bf16
        expect_code 2
        expect_message '--precision is for --device cuda:N'
        fieldcast $command --device cuda:0 --precision fp16
        expect_code 2
        expect_message 'tf32'
    done
    expect_only
    on_emulated_device
    fieldcast evaluate "$shared/model.h5" "$shared/test.nc" --device cuda:1
    expect_code 5
    expect_message 'cuda:1: there is no such device; the last one is cuda:0'
}

test_doctor_describes_a_device_and_compares_it_with_the_processor() {
    on_emulated_device
    fieldcast doctor
    expect_code 0
    expect_output 'compute capability 9.0'
    expect_output 'GB free'
    expect_output 'cuBLAS 13'
    grep -qE 'cuda:0 +ok, basis agrees' out || fail "no comparison in: $(cat out)"
}

# Both a trained field on a series and on a network that is trained, from points that move.
test_a_device_teaches_the_model_that_the_processor_does() {
    on_emulated_device
    local settings=(--codes 10 --updates 60 --train-frames 6 --set field.kind=bilinear
        --set field.rank=16 --quiet)
    local moving=(--observe 0.3 --mask frame --set fit.method=projection --set decoder.layers=2
        --set decoder.filters=12 --set fit.steps=30)
    for case in series network; do
        [ $case = series ] || settings+=("${moving[@]}")
        fieldcast train "$shared/train.nc" -o cpu.h5 "${settings[@]}"
        expect_code 0
        fieldcast train "$shared/train.nc" -o cuda.h5 "${settings[@]}" --device cuda:0 \
            --precision fp32
        expect_code 0
        scores cpu.h5 "$shared/test.nc" --observe 0.5 >cpu.json
        scores cuda.h5 "$shared/test.nc" --observe 0.5 --device cuda:0 --precision fp32 >cuda.json
        sed -i '/"model"/d' cpu.json cuda.json
        [ -s cpu.json ] || fail 'no scores'
        expect_alike cuda.json cpu.json 0.02
    done
}

test_a_device_forecasts_what_the_processor_does() {
    on_emulated_device
    fieldcast train "$shared/train.nc" -o m.h5 --codes 10 --updates 60 --quiet \
        --set field.kind=bilinear --set field.rank=16
    expect_code 0
    local forecast=(forecast m.h5 "$shared/test.nc" --times 0:4:0.5 --grid 12x10 --std)
    for model in m.h5 "$shared/model.h5"; do # a trained field, and an equation
        forecast[1]=$model
        fieldcast "${forecast[@]}" -o cpu.csv
        expect_code 0
        for precision in fp32 tf32 bf16; do
            fieldcast "${forecast[@]}" -o $precision.csv --device cuda:0 --precision $precision
            expect_code 0
        done
        python3 - <<'PYTHON' || fail 'the forecasts differ'
import csv, math
def read(name):
    with open(name) as file:
        return [[float(x) for x in row] for row in list(csv.reader(file))[1:]]
cpu = read("cpu.csv")
for name, most in ("fp32", 1e-3), ("tf32", 2e-2), ("bf16", 6e-2):
    other = read(name + ".csv")
    assert len(cpu) == len(other) > 0
    error = sum((a - b) ** 2 for x, y in zip(cpu, other) for a, b in zip(x, y))
    size = sum(a ** 2 for x in cpu for a in x[-2:])
    assert 0 < math.sqrt(error / size) < most, (name, math.sqrt(error / size))
PYTHON
    done
}
