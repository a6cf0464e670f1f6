#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The shared-object port: a driver of our own loads it, once alone and once preloaded.
set -u
build=${NST_BUILD:-build}
library=$build/libnst-script.so driver=$build/tests/script/port/script-driver
if [ ! -e "$library" ] || [ ! -x "$driver" ]; then
    echo "not ok port: $library or $driver is not built"
    exit 1
fi
"$driver" "$library" || true
LD_PRELOAD=$library "$driver" "$library" | sed 's/^\(ok\|not ok\) /&preloaded: /'
shown=$(nm -D --defined-only "$library" | awk '{print $3}' | sort | tr '\n' ' ')
if [ "$shown" = "close getsockopt packetdrill_interface_init " ]; then
    echo "ok the library shows its three functions and nothing else"
else
    echo "not ok the library shows its three functions and nothing else: $shown"
fi
