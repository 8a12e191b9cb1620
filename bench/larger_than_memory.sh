#!/bin/bash
# Trains on a file that is larger than memory is allowed to be, and shows that a model learned from
# values left in their file is the one learned from values in memory.
#
#   bench/larger_than_memory.sh PROGRAM [FOLDER]
#
# PROGRAM: the built `fieldcast`; FOLDER: on a disk with room for the file (default: a temporary one),
# which is removed afterwards. Sizes by environment: SEQUENCES (of 20 frames of 256 x 256 points and
# two channels, 10.5 MB each; default 2000 = 21 GB), MEMORY (2G), UPDATES of the dynamics (2000),
# CODES (0 = chosen).
set -euo pipefail

program=$(realpath "$1")
folder=$(mktemp -d -p "${2:-${TMPDIR:-/tmp}}" larger_than_memory.XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export OMP_WAIT_POLICY=passive
sequences=${SEQUENCES:-2000} memory=${MEMORY:-2G} updates=${UPDATES:-2000} codes=${CODES:-0}

# NAME COMMAND...: seconds and largest resident memory (VmHWM) of a command.
measured() {
    local name=$1
    shift
    /usr/bin/time -o time.txt -f '%e %M' "$@" 2> messages.txt || { cat messages.txt; exit 1; }
    read -r seconds kilobytes < time.txt
    printf '%-34s %9.1f s   %8.1f MB at most\n' "$name" "$seconds" \
        "$(awk "BEGIN { print $kilobytes / 1024 }")"
}

# STAGE FILE: seconds since the start at which a stage ended.
ended() {
    sed -n "s/.*\"stage\":\"$1\".*\"seconds\":\([0-9.]*\).*/\1/p" "$2" | tail -n 1
}

# The file must not come out of the page cache.
forget() {
    sync "$1"
    dd if="$1" iflag=nocache count=0 status=none
}

echo "machine: $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2), $(nproc) processors," \
    "$(awk '/MemTotal/ { printf "%.0f GB", $2 / 1e6 }' /proc/meminfo); load$(uptime | sed 's/.*average//')"

measured "generate $sequences sequences" "$program" generate wave -o big.nc --grid 256 \
    --sequences "$sequences" --seed 1
bytes=$(stat -c %s big.nc)
forget big.nc
SECONDS=0
dd if=big.nc of=/dev/null bs=16M status=none
echo "a file of $(awk "BEGIN { printf \"%.1f GB\", $bytes / 1e9 }"), dd reads it in $SECONDS s"
forget big.nc
measured "train --memory $memory" "$program" train big.nc -o big.h5 --memory "$memory" \
    --updates "$updates" --codes "$codes" --quiet --log big.jsonl
tail -n 2 messages.txt
for stage in normalise encode dynamics; do
    echo "  $stage ended at $(ended $stage big.jsonl) s"
done
awk "BEGIN { printf \"  first pass over the file: %.2f GB/s\n\", 0.95 * $bytes / 1e9 / $(ended normalise big.jsonl) }"
rm big.nc

measured "generate 40 sequences" "$program" generate wave -o small.nc --grid 256 --sequences 40 \
    --seed 2
common=(train small.nc --updates "$updates" --set fit_frames=200 --quiet)
measured "train, values in memory" "$program" "${common[@]}" -o memory.h5
measured "train, values in the file" "$program" "${common[@]}" -o file.h5 --memory 1100M
grep -q 'is read in blocks' messages.txt || { echo "the values were not left in the file"; exit 1; }
if h5diff memory.h5 file.h5; then
    echo "both models are equal (h5diff of all that they hold)"
else
    echo "the models differ"
    exit 1
fi
