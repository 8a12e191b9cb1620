#!/usr/bin/env bash
# Runs every fuzzer of a build for some seconds from its small files. What a reader did not survive
# stays in BUILD/found; `BUILD/tests/fuzz/fuzz_NAME FILE` repeats it.
#
#   tests/fuzz/run.sh BUILD_DIRECTORY [SECONDS]
set -u
build=$(realpath -- "${1:?usage: tests/fuzz/run.sh BUILD_DIRECTORY [SECONDS]}")
seconds=${2:-12}
mkdir -p "$build/found"
rm -f "$build"/found/*.result

# Runs a fuzzer and tells how it went.
run() {
    local name
    name=$(basename "$1")
    if "$1" -seed=1 -len_control=0 -max_len=96 -max_total_time="$seconds" -timeout=60 \
        -malloc_limit_mb=512 -rss_limit_mb=2048 -artifact_prefix="$build/found/$name-" \
        >"$build/found/$name.log" 2>&1; then
        echo ok >"$build/found/$name.result"
        echo "ok     $name: $(grep -o 'DONE.*' "$build/found/$name.log")"
    else
        echo failed >"$build/found/$name.result"
        printf 'FAILED %s\n%s\n' "$name" "$(tail -n 40 "$build/found/$name.log")"
    fi
}

# As many at a time as there are processors.
for target in "$build"/tests/fuzz/fuzz_*; do
    while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
        wait -n
    done
    run "$target" &
done
wait
failed=$(grep -l failed "$build"/found/*.result | wc -l)
echo "$(grep -l ok "$build"/found/*.result | wc -l) passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
