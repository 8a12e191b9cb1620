#!/usr/bin/env bash
# Builds, tests and measures the CUDA engine on a GPU machine, within ten minutes:
#
#   bench/gpu.sh [SECTION...]          from the root of a checkout; as any user, root too
#
#   build      FC_CUDA=ON for this device, with the tests of tests/cuda and fieldcast-bench
#   tests      these tests, on the device; one that was skipped counts as a failure
#   bench      fieldcast-bench cuda: the limits of the device, and the engine's steps
#   train      the Navier-Stokes case with a trained field, on the device
#   peers      the same cases in PyTorch, eager and compiled (bench/peers/gpu_torch.py)
#   sanitizer  compute-sanitizer, memcheck and racecheck, on the tests, with the time left
#
# Sections run in this order, all of them by default; one that fails or runs out of time does not
# stop the others. `build` needs nvcc and no GPU. Into OUT (default build/gpu) come results.txt,
# results.json, build.log and tests.log; the end of the output is a table.
#
# Needed: nvcc 12 or later, cmake, ninja, python3 (peers: with PyTorch 2 and torchdiffeq), and
# fieldcast's libraries. Where no package registry is at hand, bring these from a Debian machine:
#
#   bash tests/setup.sh tests && bench/gpu_pack.sh     leaves .gpu-deps.tgz, which is found here
#
# Environment: OUT; LIMIT, seconds for everything (570), which the sections share; BUILD, the build
# folder (build/cuda); SHARE of the benchmarks' sizes (1), to try the script out.
#
# Exit status: 0 all went well, 1 something failed, 2 no such section, 5 no nvcc or no GPU.
# shellcheck disable=SC2317 # sections are called by their names
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
exec </dev/null
export LC_ALL=C.UTF-8 PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
export OMP_WAIT_POLICY=passive # of tests that run beside each other
build=${BUILD:-build/cuda} out=${OUT:-build/gpu} limit=${LIMIT:-570} share=${SHARE:-1}
jobs=$(nproc)
raw=$build/gpu # lines that results are put together from
sections='build tests bench train peers sanitizer'
declare -A budget=([build]=150 [tests]=80 [bench]=90 [train]=60 [peers]=120 [sanitizer]=200)

case ${1:-} in
-h | --help)
    sed -n '2,/^# shellcheck/{/^# shellcheck/d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}"
    exit 0
    ;;
esac
for name in "$@"; do
    case " $sections " in
    *" $name "*) ;;
    *)
        echo "gpu.sh: there is no section '$name'; there are: $sections" >&2
        exit 2
        ;;
    esac
done
chosen=" ${*:-$sections} "

# ---------------------------------------------------------------- what there is

clean_path=${LD_LIBRARY_PATH-} # Python has libraries of its own
[ -x /usr/local/cuda/bin/nvcc ] && PATH=$PATH:/usr/local/cuda/bin
if ! command -v nvcc >/dev/null; then
    echo "gpu.sh: there is no nvcc on the PATH: install the CUDA Toolkit, 12 or later" >&2
    exit 5
fi
gpu=$(nvidia-smi --query-gpu=name,compute_cap,driver_version --format=csv,noheader 2>/dev/null | head -n 1)
if [ -z "$gpu" ] && [ "${chosen// /}" != build ]; then
    echo "gpu.sh: nvidia-smi finds no GPU; only 'bench/gpu.sh build' works without one" >&2
    exit 5
fi
mkdir -p "$raw/tmp" "$out" || exit 1
cache=$(cd "$raw" && pwd) # nothing is left elsewhere
export TMPDIR=$cache/tmp CUDA_CACHE_PATH=$cache/nv TORCHINDUCTOR_CACHE_DIR=$cache/inductor
export TRITON_CACHE_DIR=$cache/triton XDG_CACHE_HOME=$cache/cache
rm -f "$raw"/*.json* "$raw"/*.txt
if [ -f .gpu-deps.tgz ]; then
    tar xzf .gpu-deps.tgz -C "$build" || exit 1
    # shellcheck source=/dev/null
    . "$build/gpu-deps/env.sh"
fi

# ---------------------------------------------------------------- how a section runs

# Seconds that may still be spent, at most $1.
left() {
    local rest=$((limit - SECONDS))
    echo $((rest < $1 ? rest : $1))
}

# A command within what is left of its section; 124: it ran out of time.
within() { # SECONDS COMMAND...
    local most
    most=$(left "$1")
    shift
    [ "$most" -ge 5 ] || return 124
    timeout --kill-after=5 "$most" "$@"
}

line() { printf '%s\n' "$*" >>"$raw/sections.txt"; } # NAME | SECONDS | STATUS | NOTE

run_section() {
    local name=$1 start=$SECONDS status note
    printf '== %s (at %d s)\n' "$name" "$start"
    until_second=$((start + budget[$name] * limit / 570))
    "section_$name"
    status=$?
    note=$(cat "$raw/note" 2>/dev/null)
    rm -f "$raw/note"
    [ "$status" = 124 ] && note="out of time; $note"
    [ "$status" = 0 ] || failed=1
    line "$name|$((SECONDS - start))|$status|$note"
}

rest() { left $((until_second - SECONDS)); } # of the present section
note() { printf '%s' "$*" >"$raw/note"; }

# ---------------------------------------------------------------- sections

cuda_tests() { # names; the stub's is of builds without CUDA
    local file
    for file in tests/cuda/test_*.c; do
        basename "${file#tests/cuda/test_}" .c
    done | grep -vx stub
}

section_build() {
    local architecture log=$out/build.log test targets=(fieldcast-cli fieldcast-bench) status
    architecture=$(sed -n 's/.*, \([0-9]*\)\.\([0-9]*\), .*/\1\2/p' <<<"$gpu")
    for test in $(cuda_tests); do
        targets+=("test_cuda_$test")
    done
    {
        nvcc --version | tail -n 2
        within "$(rest)" cmake -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DFC_CUDA=ON \
            -DFC_TESTS=ON -DFC_BENCH=ON -DCMAKE_CUDA_ARCHITECTURES="${architecture:-90}" \
            -DCMAKE_CUDA_FLAGS=-lineinfo &&
            within "$(rest)" cmake --build "$build" -j "$jobs" --target "${targets[@]}" -- -k 0
    } >"$log" 2>&1
    status=$?
    [ "$status" = 0 ] || tail -n 20 "$log"
    note "architecture ${architecture:-90}"
    return "$status"
}

# CTest's summary; TAP lines say what was skipped.
section_tests() {
    local log=$out/tests.log status skipped passed
    CMOCKA_MESSAGE_OUTPUT=TAP within "$(rest)" ctest --test-dir "$build" -R '^cuda\.' \
        -E '@' -V -j 4 --timeout 100 >"$log" 2>&1
    status=$?
    skipped=$(grep -cE '^[0-9]+: not ok .*# SKIP|^[0-9]+: ok .*# SKIP' "$log")
    passed=$(grep -E '^[0-9]+: ok ' "$log" | grep -vc '# SKIP')
    grep -E '^[0-9]+: not ok|\*\*\*|# SKIP' "$log" | head -n 20
    note "$passed passed, $skipped skipped"
    [ "$passed" -gt 0 ] && [ "$skipped" = 0 ] || [ "$status" = 124 ] || status=1
    return "$status"
}

section_bench() {
    within "$(rest)" "$build/fieldcast-bench" cuda --json --share "$share" \
        >"$raw/bench.jsonl" 2>"$raw/bench.txt"
    local status=$?
    cat "$raw/bench.txt"
    note "$(wc -l <"$raw/bench.jsonl") results"
    return "$status"
}

# Error of the ensemble that was measured here, nothing where there is none.
ensemble_error() { # PRECISION
    sed -n 's/.*"case": "ensemble", "precision": "'"$1"'".*"error": \([0-9.e+-]*\),.*/\1/p' \
        "$raw/bench.jsonl" 2>/dev/null
}

# As precise as the engine's default first, compiled too; then products of floats.
section_peers() {
    local error status=0 precision
    for precision in tf32:eager,compiled fp32:eager; do
        error=$(ensemble_error "${precision%:*}")
        LD_LIBRARY_PATH=$clean_path within "$(rest)" python3 bench/peers/gpu_torch.py \
            --precision "${precision%:*}" --variants "${precision#*:}" --share "$share" \
            --our-error "${error:-0}" --seconds "$(($(rest) - 10))" \
            >>"$raw/peers.jsonl" 2>>"$raw/peers.txt" || status=$?
    done
    grep -E '^(failed|left out|gpu_torch)' "$raw/peers.txt"
    [ "$status" = 0 ] || tail -n 3 "$raw/peers.txt"
    note "$(wc -l <"$raw/peers.jsonl") results"
    return "$status"
}

# 512 sequences, as many training seconds as the section has; the processor's figures are README's.
section_train() {
    local data=$build/ns program=$build/fieldcast sequences start generated minutes status
    sequences=$(awk -v share="$share" 'BEGIN { n = int(512 * share); print n < 16 ? 16 : n }')
    start=$SECONDS
    within "$(rest)" "$program" generate navier-stokes --sequences "$sequences" --frames 20 --seed 1 \
        -o "$data-train.nc" && within "$(rest)" "$program" generate navier-stokes --sequences 32 \
        --frames 20 --seed 2 -o "$data-test.nc" || return 1
    generated=$((SECONDS - start)) start=$SECONDS
    minutes=$(awk -v seconds="$(rest)" 'BEGIN { print (seconds - 15) / 60 }')
    within "$(rest)" "$program" train "$data-train.nc" -o "$data.h5" --train-frames 10 --seed 1 \
        --minutes "$minutes" --device cuda:0 --set field.kind=bilinear --quiet &&
        within "$(rest)" "$program" evaluate "$data.h5" "$data-test.nc" --device cuda:0 --json \
            >"$raw/train.json"
    status=$?
    note "generated in $generated s, trained and evaluated in $((SECONDS - start)) s"
    return "$status"
}

# One test under one tool, with a line of what came of it.
sanitize() { # TOOL TEST SECONDS
    local log=$raw/tmp/$1-$2.txt
    within "$3" compute-sanitizer --tool "$1" --error-exitcode 9 --print-limit 3 \
        "$build/tests/test_cuda_$2" >"$log" 2>&1
    case $? in
    0) echo "$1 $2: clean" ;;
    124) echo "$1 $2: out of time" ;;
    *)
        echo "$1 $2: FAILED"
        grep -E '^=========|not ok' "$log" | head -n 12
        ;;
    esac
}

# All tests at once: the tools keep a processor busy rather than the device.
section_sanitizer() {
    local tool test log=$raw/sanitizer.txt share_of_time=2 seconds
    if ! command -v compute-sanitizer >/dev/null; then
        note "there is no compute-sanitizer"
        return 1
    fi
    for tool in memcheck racecheck; do
        seconds=$(($(rest) / share_of_time)) share_of_time=1
        for test in $(cuda_tests); do
            sanitize "$tool" "$test" "$seconds" >"$raw/tmp/$tool.$test" &
        done
        wait
        cat "$raw/tmp/$tool".* >>"$log"
    done
    grep -v ': clean$' "$log"
    cat "$log" >>"$out/tests.log"
    note "$(grep -c ': clean$' "$log") clean, $(grep -c ': out of time$' "$log") out of time"
    ! grep -q ': FAILED$' "$log"
}

# ---------------------------------------------------------------- the run

failed=0
printf 'GPU: %s\n' "${gpu:-none}"
for name in $sections; do
    case $chosen in
    *" $name "*) run_section "$name" ;;
    esac
done
LD_LIBRARY_PATH=$clean_path python3 bench/gpu_report.py "$raw" "$out" "${gpu:-none}" || failed=1
exit $failed
