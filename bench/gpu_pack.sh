#!/usr/bin/env bash
# Packs the libraries that fieldcast is built with here (headers, shared objects, pkg-config files
# and pkg-config itself) for a GPU machine that has compilers but no package registry:
#
#   bash tests/setup.sh tests && bench/gpu_pack.sh [.gpu-deps.tgz]
#
# On Debian; about 25 MB. bench/gpu.sh unpacks it there, or by hand, for shell, CMake and loader:
#
#   tar xzf .gpu-deps.tgz -C /tmp && . /tmp/gpu-deps/env.sh
set -euo pipefail
out=${1:-.gpu-deps.tgz}

headers='libsundials-dev libhdf5-dev libopenblas-pthread-dev liblapacke-dev libfftw3-dev libjansson-dev
    liblzf-dev libyaml-dev libcairo2-dev libwebp-dev libxxhash-dev libmuparser-dev libsharp-dev
    libcmocka-dev'
libraries='openblas lapacke fftw3 jansson lzf yaml cairo webp webpmux muparser sharp cmocka
    sundials_cvode sundials_nvecserial sundials_sunlinsolspgmr sundials_sunnonlinsolfixedpoint
    sundials_sunnonlinsolnewton sundials_generic hdf5/serial/hdf5 hdf5/serial/hdf5_hl'
here=/usr/lib/$(gcc -print-multiarch)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/gpu-deps/root lib=$work/gpu-deps/root$here
mkdir -p "$lib/pkgconfig" "$root/usr/bin"

# FILE: a shared object under its own name and its soname.
take() {
    local real soname
    real=$(readlink -f "$1")
    soname=$(objdump -p "$real" | awk '$1 == "SONAME" { print $2 }')
    cp -n "$real" "$lib/"
    [ "$(basename "$real")" = "$soname" ] || ln -sf "$(basename "$real")" "$lib/$soname"
}

# What libraries load in turn, the compiler's and the C library aside.
loaded() {
    ldd "$@" | awk '$3 ~ /^\// { print $3 }' | sort -u |
        grep -vE '/(libc|libm|libdl|libpthread|librt|libresolv|libstdc\+\+|libgcc_s|libgomp)\.so'
}

for library in $libraries; do
    name=lib${library##*/}.so
    [ "$library" = openblas ] && library=openblas-pthread/openblas
    take "$here/$(dirname "$library")/$name"
    mkdir -p "$(dirname "$lib/$library")"
    file=$(basename "$(readlink -f "$here/$(dirname "$library")/$name")")
    case $library in
    hdf5/*) ln -sf "../../$file" "$lib/hdf5/serial/$name" ;;
    *) ln -sf "$file" "$lib/$name" ;;
    esac
done
loaded "$lib"/*.so | while read -r object; do take "$object"; done

# shellcheck disable=SC2086
dpkg -L $headers | grep '^/usr/include/' | while read -r file; do
    [ -f "$file" ] && install -D -m 644 "$file" "$root$file"
done
# A cairo.h alone needs no header of what cairo draws with.
# shellcheck disable=SC2086
dpkg -L $headers | grep '/pkgconfig/.*\.pc$' | while read -r file; do
    sed '/^Requires/d' "$file" >"$lib/pkgconfig/$(basename "$file")"
done
mkdir "$root/hdf5" # CMake looks for it below one folder
ln -s ../usr/include/hdf5/serial "$root/hdf5/include"
ln -s "..$here/hdf5/serial" "$root/hdf5/lib"
cp "$(readlink -f "$(command -v pkg-config)")" "$root/usr/bin/pkg-config"
take "$here/libpkgconf.so.3"

cat >"$work/gpu-deps/env.sh" <<'ENV'
# Source it: points compilers, CMake, pkg-config and the loader here.
_root=$(cd "$(dirname "${BASH_SOURCE:-$0}")" && pwd)/root
_i=$_root/usr/include _l=$(echo "$_root"/usr/lib/*-linux-gnu) _a=$(basename "$(echo "$_root"/usr/lib/*-linux-gnu)")
export CMAKE_PREFIX_PATH="$_root/usr${CMAKE_PREFIX_PATH:+:$CMAKE_PREFIX_PATH}" HDF5_ROOT="$_root/hdf5"
export CMAKE_LIBRARY_PATH="$_l:$_l/hdf5/serial" CMAKE_INCLUDE_PATH="$_i:$_i/hdf5/serial:$_i/$_a"
export CPATH="$_i:$_i/hdf5/serial:$_i/$_a:$_i/$_a/openblas-pthread${CPATH:+:$CPATH}"
export LIBRARY_PATH="$_l:$_l/hdf5/serial${LIBRARY_PATH:+:$LIBRARY_PATH}"
export LD_LIBRARY_PATH="$_l${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export PKG_CONFIG_PATH="$_l/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$_root"
command -v pkg-config >/dev/null || export PATH="$PATH:$_root/usr/bin"
ENV
tar czf "$out" -C "$work" gpu-deps
du -h "$out"
