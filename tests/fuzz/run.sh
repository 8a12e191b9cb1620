#!/usr/bin/env bash
# Runs every fuzzer of a build for some seconds from its small files. What a reader did not survive
# stays in BUILD/found; `BUILD/tests/fuzz/fuzz_NAME FILE` repeats it.
#
#   tests/fuzz/run.sh BUILD_DIRECTORY [SECONDS]
set -u
build=$(realpath -- "${1:?usage: tests/fuzz/run.sh BUILD_DIRECTORY [SECONDS]}")
seconds=${2:-12}
passed=0 failed=0
mkdir -p "$build/found"
for target in "$build"/tests/fuzz/fuzz_*; do
    name=$(basename "$target")
    if "$target" -seed=1 -len_control=0 -max_len=96 -max_total_time="$seconds" -timeout=60 -malloc_limit_mb=512 \
        -rss_limit_mb=2048 -artifact_prefix="$build/found/$name-" >"$build/found/$name.log" 2>&1; then
        echo "ok     $name: $(grep -o 'DONE.*' "$build/found/$name.log")"
        passed=$((passed + 1))
    else
        echo "FAILED $name"
        tail -n 40 "$build/found/$name.log"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
