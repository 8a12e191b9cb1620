#!/usr/bin/env bash
# Every check of fieldcast, from a fresh clone on: installs what is missing, builds with gcc and
# clang, runs the tests, the command line, an installation, and the tests again under sanitizers.
# Output goes to build/logs/ and is shown where a step fails. The last line adds everything up.
#
#   bash tests/run.sh
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
exec </dev/null
export LC_ALL=C.UTF-8 OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive CMOCKA_MESSAGE_OUTPUT=TAP
unset CFLAGS LDFLAGS CLICOLOR_FORCE
jobs=$(nproc)
logs=$PWD/build/logs
mkdir -p "$logs"
passed=0 failed=0 skipped=0

# ---------------------------------------------------------------- how a step is counted
# A counter gets a log and the exit status of the command, and prints "PASSED FAILED SKIPPED".

as_one() { if [ "$2" = 0 ]; then echo 1 0 0; else echo 0 1 0; fi; }

# The cases of every cmocka program that ctest -V ran, whose lines lead with its number; a program
# that reports no cases (an example), and one that died, counts as one.
as_cases() {
    awk -v status="$2" '
        /^[0-9]+: ok /              { ok[$1 + 0]++; all_ok++ }
        /^[0-9]+: not ok .*# SKIP/  { skip[$1 + 0]++; all_skip++; next }
        /^[0-9]+: not ok /          { bad[$1 + 0]++; all_bad++ }
        /^ *[0-9]+\/[0-9]+ Test +#/ {
            match($0, /#[0-9]+/)
            number = substr($0, RSTART + 1, RLENGTH - 1) + 0
            all_ok += /   Passed  / && !ok[number] && !skip[number]
            all_bad += !/   Passed  / && !bad[number]
        }
        END {
            if (status != 0 && !all_bad) all_bad = 1
            print all_ok + 0, all_bad + 0, all_skip + 0
        }' "$1"
}

# A script that ends with a summary line like ours.
as_summary() {
    tail -n 1 "$1" | awk -v status="$2" '
        /^[0-9]+ passed, [0-9]+ failed/ { ok = $1; bad = $3; skip = $5 }
        END {
            if (status != 0 && !bad) bad = 1
            print ok + 0, bad + 0, skip + 0
        }'
}

# What is worth reading of a failed step: of ctest only the tests that failed.
show() {
    local tests
    tests=$(sed -n 's/^ *[0-9]*\/[0-9]* Test *#\([0-9]*\):.*\*\*\*.*/\1/p' "$1" | paste -sd'|')
    if [ -n "$tests" ]; then
        grep -E "^($tests): |\*\*\*" "$1" | tail -n 120
    else
        tail -n 60 "$1"
    fi | sed 's/^/    /'
    echo "    (all of it: ${1#"$PWD"/})"
}

# step NAME COUNTER COMMAND...
step() {
    local name=$1 counter=$2 log=$logs/${1//[^a-z0-9]/-}.log start=$SECONDS status p f s
    shift 2
    printf '%-34s' "$name"
    "$@" >"$log" 2>&1
    status=$?
    read -r p f s < <("$counter" "$log" "$status")
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if [ "$f" = 0 ]; then
        [ "$s" = 0 ] && s= || s=", $s skipped"
        echo "$p passed$s ($((SECONDS - start)) s)"
    else
        echo "FAILED ($((SECONDS - start)) s)"
        show "$log"
        return 1
    fi
}

skip() {
    printf '%-34s%s\n' "$1" "skipped: $2"
    skipped=$((skipped + 1))
}

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" = 0 ]
    exit
}

# ---------------------------------------------------------------- steps

# gcc | clang | asan | fuzz: the trees they make are build/, build/clang, build/asan, build/fuzz.
# Two hundred programs are linked, by the quicker linker where there is one.
build() {
    local linker=
    command -v ld.gold >/dev/null && linker=-DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=gold
    case $1 in
    gcc)
        CC=gcc cmake --preset default -DFC_TESTS=ON -DFC_WERROR=ON $linker \
            -DCMAKE_CUDA_ARCHITECTURES='75-virtual;90' && cmake --build build -j "$jobs"
        ;;
    # The tests have been compiled by gcc; clang-tidy wants to know of them all the same.
    clang)
        CC=clang cmake --preset default -B build/clang -DFC_WERROR=ON -DFC_CUDA=OFF \
            -DBUILD_SHARED_LIBS=OFF &&
            cmake --build build/clang -j "$jobs" --target fieldcast fieldcast-cli fieldcast-bench
        ;;
    # Instrumented code makes gcc warn of what is not there.
    asan) CC=gcc cmake --preset asan $linker && cmake --build build/asan -j "$jobs" ;;
    fuzz)
        CC=clang cmake --preset default -B build/fuzz -DFC_FUZZ=ON -DFC_TESTS=OFF -DFC_CUDA=OFF &&
            cmake --build build/fuzz -j "$jobs" --target fuzzers
        ;;
    esac
}

# A room includes only rooms below it: io -> data -> ode -> inr, cuda -> ode, inr.
rooms_include_only_rooms_below() {
    local pair bad=0
    for pair in 'inr:ode|data|cuda|io' 'ode:data|cuda|io' 'data:cuda|io' 'cuda:data|io'; do
        grep -rnE "^ *# *include +[\"<](${pair#*:})/" "${pair%%:*}" && bad=1
    done
    return "$bad"
}

sources() { find inr ode cuda data io bench tests -name '*.[ch]' | sort; }
is_formatted() {
    { sources; find cuda tests/cuda -name '*.cu' -o -name '*.cuh' -o -name '*.cpp'; } |
        xargs clang-format --dry-run -Werror
}
# What only a build with CUDA compiles is not in clang's.
is_tidy() {
    sources | grep -E '^(inr|ode|cuda|data|io)/.*\.c$' | grep -vx cuda/libraries.c |
        xargs -P "$jobs" -n 4 clang-tidy -p build/clang --quiet --warnings-as-errors='*'
}

# ---------------------------------------------------------------- the run

step 'packages' as_one bash tests/setup.sh tests || finish
step 'build with gcc' as_one build gcc || finish
grep -q '^CMAKE_CUDA_COMPILER:.*NOTFOUND' build/CMakeCache.txt &&
    skip 'CUDA engine' 'no nvcc: compiled for the processor alone, in the tests'
step 'rooms include only rooms below' as_one rooms_include_only_rooms_below
# Another version lays out differently.
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    step 'clang-format' as_one is_formatted
else
    skip 'clang-format' 'needs version 14'
fi
if command -v clang >/dev/null; then
    step 'build with clang, static' as_one build clang
    if command -v clang-tidy >/dev/null; then
        step 'clang-tidy' as_one is_tidy
    else
        skip 'clang-tidy' 'not installed'
    fi
else
    skip 'build with clang, static' 'not installed'
    skip 'clang-tidy' 'needs the tree built with clang'
fi
step 'tests' as_cases ctest --test-dir build -V -j "$jobs"
step 'command line' as_summary bash tests/cli/run.sh build
step 'installation' as_one env CC=gcc bash tests/install/run.sh build
[ ! -e build/clang/libfieldcast.a ] ||
    step 'installation, static' as_one env CC=clang bash tests/install/run.sh build/clang
if command -v clang >/dev/null; then
    step 'build of the fuzzers' as_one build fuzz &&
        step 'readers under fuzzing' as_summary bash tests/fuzz/run.sh build/fuzz
else
    skip 'readers under fuzzing' 'clang is not installed'
fi
if step 'build with sanitizers' as_one build asan; then
    step 'tests under sanitizers' as_cases ctest --test-dir build/asan -V -j "$jobs"
    step 'command line under sanitizers' as_summary bash tests/cli/run.sh build/asan
fi
finish
