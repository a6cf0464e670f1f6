#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What is installed can be used: a small program is built against a fresh prefix through pkg-config
# (shared and static) and through find_package, and runs. install_test.sh [RELEASE-BUILD]
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$top/build-test/release}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

# check NAME COMMAND...: one line; the last words of what the command said if it fails.
check() {
    local name=$1
    shift
    if "$@" >"$tmp/log" 2>&1; then echo "ok $name"; else
        failed=1
        echo "not ok $name: $(tail -3 "$tmp/log" | tr '\n' ' ')"
    fi
}

prefixed() {
    cmake --install "$build" --prefix "$tmp/usr" && sed -i "s|^prefix=.*|prefix=$tmp/usr|" "$pc/nicstack.pc"
}

by_pkg_config() {
    local flags static=
    [ "$1" = static ] && static=--static
    flags=$(PKG_CONFIG_PATH=$pc pkg-config --cflags --libs $static nicstack) || return 1
    [ "$1" = static ] && flags=${flags/-lnicstack/-l:libnicstack.a}
    # shellcheck disable=SC2086 # flags are words
    cc -std=c11 -Wall -Wextra -Werror "$tmp/main.c" $flags -o "$tmp/$1" &&
        LD_LIBRARY_PATH=$lib "$tmp/$1"
}

by_find_package() {
    mkdir -p "$tmp/consumer"
    cp "$tmp/main.c" "$tmp/consumer/"
    cat >"$tmp/consumer/CMakeLists.txt" <<'X'
cmake_minimum_required(VERSION 3.18)
project(consumer C)
find_package(nicstack 0.1 REQUIRED)
add_executable(shared main.c)
target_link_libraries(shared PRIVATE nicstack::nicstack)
add_executable(static main.c)
target_link_libraries(static PRIVATE nicstack::nicstack_static)
X
    cmake -S "$tmp/consumer" -B "$tmp/consumer/build" -DCMAKE_PREFIX_PATH="$tmp/usr" &&
        cmake --build "$tmp/consumer/build" && "$tmp/consumer/build/shared" && "$tmp/consumer/build/static"
}

wrong_version() {
    sed -i 's/nicstack 0.1/nicstack 0.2/' "$tmp/consumer/CMakeLists.txt"
    ! cmake -S "$tmp/consumer" -B "$tmp/consumer/wrong" -DCMAKE_PREFIX_PATH="$tmp/usr"
}

if [ ! -e "$build/libnicstack.so" ]; then
    echo "skip install: the library has no outer part yet (no libnicstack.so)"
    exit 0
fi
cat >"$tmp/main.c" <<'X'
#include <nicstack/types.h>

int main(void)
{
    const uint32_t want = NST_VERSION_MAJOR << 16 | NST_VERSION_MINOR << 8 | NST_VERSION_PATCH;
    return nst_version() == want && nst_strerror(-NST_EINVAL) ? 0 : 1;
}
X
lib=$tmp/usr/$(sed -n 's/^CMAKE_INSTALL_LIBDIR:[A-Z]*=//p' "$build/CMakeCache.txt")
pc=$lib/pkgconfig
man=$tmp/usr/share/man
check "install: cmake --install fills a prefix" prefixed
if command -v pkg-config >/dev/null; then
    check "install: pkg-config builds a consumer on the shared library" by_pkg_config shared
    check "install: pkg-config builds a consumer on the static library" by_pkg_config static
else
    echo "skip install: pkg-config builds a consumer: no pkg-config"
fi
check "install: find_package builds consumers on both libraries" by_find_package
check "install: find_package refuses another minor version" wrong_version
script_port() {
    cat >"$tmp/port.c" <<'X'
#include <dlfcn.h>

int main(int argc, char **argv)
{
    void *port = dlopen(argc > 1 ? argv[1] : "", RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
    return port && dlsym(port, "packetdrill_interface_init") ? 0 : 1;
}
X
    cc -D_GNU_SOURCE "$tmp/port.c" -o "$tmp/port" -ldl && "$tmp/port" "$lib/libnst-script.so"
}
[ ! -e "$build/libnst-script.so" ] || check "install: the shared-object port of packet scripts loads" script_port
man_pages() {
    for page in "$top"/docs/man/*.1; do
        cmp "$page" "$man/man1/$(basename "$page")" || return 1
    done
}
staged() {
    DESTDIR=$tmp/stage cmake --install "$build" && [ -n "$(find "$tmp/stage" -name nicstack.pc)" ]
}
check "install: DESTDIR is obeyed" staged
if [ -x "$build/nst" ]; then
    check "install: nst is installed" test -x "$tmp/usr/bin/nst"
    check "install: its man pages are installed" man_pages
fi
exit $failed
