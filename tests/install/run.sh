#!/usr/bin/env bash
# Installs a built tree and uses it from outside: a program built through find_package and one built
# through pkg-config, both from an installation that has been moved; and the installed program.
#
#   CC=gcc bash tests/install/run.sh BUILD
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=$(cd "$1" && pwd)
work=$build/install-test
export CC=${CC:-gcc}

rm -rf "$work"
cmake --install "$build" --prefix "$work/first" >"$work.log" || { cat "$work.log"; exit 1; }
mkdir "$work/elsewhere"
mv "$work/first" "$work/elsewhere/prefix"
prefix=$work/elsewhere/prefix
library=$(find "$prefix" -name 'libfieldcast.*' | head -n 1)
version=$(sed -n 's/^project(fieldcast VERSION \([0-9.]*\).*/\1/p' "$here/../../CMakeLists.txt")

echo "== find_package"
cmake -S "$here" -B "$work/cmake" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" \
    -DFC_WANTED_VERSION="$version"
cmake --build "$work/cmake"
"$work/cmake/consumer"

echo "== pkg-config"
PKG_CONFIG_PATH=$(dirname "$library")/pkgconfig
export PKG_CONFIG_PATH
static=
[[ $library == *.a ]] && static=--static
[ "$(pkg-config --modversion fieldcast)" = "$version" ]
# shellcheck disable=SC2046 # several words are meant
$CC -Wall -Wextra "$here/consumer.c" -o "$work/consumer" \
    $(pkg-config --cflags --libs $static fieldcast) "-Wl,-rpath,$(dirname "$library")"
"$work/consumer"

if [ -x "$prefix/bin/fieldcast" ]; then
    echo "== program"
    "$prefix/bin/fieldcast" --help >/dev/null
fi

if [ -z "$static" ]; then
    echo "== exported symbols"
    # gcc makes the locks of named critical sections global.
    stray=$(nm -D --defined-only "$library" |
        awk '$2 ~ /[A-Z]/ && $3 !~ /^(fc_[a-z]|\.gomp_critical)/ {print $3}')
    [ -z "$stray" ] || { echo "exported by mistake: $stray"; exit 1; }
fi
