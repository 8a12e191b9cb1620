#!/usr/bin/env bash
# Installs the Debian packages that building fieldcast needs, and with `tests` those of the tests as
# well. Says nothing when all are there.
#
#   bash tests/setup.sh [tests]
set -u

packages=(gcc libc6-dev cmake ninja-build pkg-config libsundials-dev libhdf5-dev libopenblas-dev
          liblapacke-dev libfftw3-dev libjansson-dev liblzf-dev libyaml-dev libcairo2-dev libwebp-dev
          libxxhash-dev libmuparser-dev libsharp-dev)
[ "${1:-}" = tests ] && packages+=(libcmocka-dev g++ clang libclang-rt-dev libomp-dev clang-format clang-tidy netcdf-bin
                                   libxml2-utils python3-netcdf4 python3-h5py python3-xarray
                                   python3-h5netcdf hdf5-tools)

if ! command -v dpkg-query >/dev/null; then
    echo "setup: not a Debian system; what is needed there is called: ${packages[*]}" >&2
    exit 0 # CMake names what is missing
fi

missing=()
for package in "${packages[@]}"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
        missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

install=(apt-get -qq -y --no-install-recommends -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 install
         "${missing[@]}")
if [ "$(id -u)" = 0 ]; then
    as_root=(env)
elif sudo -n true 2>/dev/null; then
    as_root=(sudo -n env)
else
    {
        echo "setup: these packages are missing: ${missing[*]}"
        echo "setup: they need root; please run: sudo apt-get install ${missing[*]}"
    } >&2
    exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { "${as_root[@]}" DEBIAN_FRONTEND=noninteractive "$@" </dev/null >>"$log" 2>&1; }
echo "setup: installing ${missing[*]}" >&2
for attempt in first second; do
    apt apt-get -qq update && apt "${install[@]}" && exit 0
    [ $attempt = first ] && sleep 10
done
cat "$log" >&2
echo "setup: apt-get could not install ${missing[*]}" >&2
exit 1
