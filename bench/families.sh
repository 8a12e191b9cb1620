#!/usr/bin/env bash
# Error of each family of decoders against the number of codes, with the POD's drawn in:
#
#   bench/families.sh DATA TEST -o DIRECTORY [--build DIRECTORY] [options of fieldcast-bench families]
#
# fits on DATA, encodes frames of TEST, and writes DIRECTORY/families.jsonl, a line for each fit,
# and DIRECTORY/families.png.
set -euo pipefail
here=$(dirname -- "${BASH_SOURCE[0]}")
build=$here/../build
out=
rest=()
while [ $# -gt 0 ]; do
    case $1 in
    -o) out=${2:?-o needs a directory} && shift 2 ;;
    --build) build=${2:?--build needs a directory} && shift 2 ;;
    *) rest+=("$1") && shift ;;
    esac
done
if [ -z "$out" ] || [ ${#rest[@]} -lt 2 ]; then
    sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
mkdir -p -- "$out"
"$build/fieldcast-bench" families "${rest[@]}" --plot "$out/families.png" |
    tee -- "$out/families.jsonl"
