#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sourced first by every up_*_test.sh: namespaces of the test's own, in which nst up makes its interfaces; the
# kernel ends all of them with the test. As a user the test goes on as the root of a user namespace.
#
# Afterwards: $work (an empty folder), $nst (the release build), $sanitized_nst, and the functions below.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
name=$(basename "$0" _test.sh)
export LC_ALL=C.UTF-8
nst=${NST_BUILD:-$top/build-test/release}/nst
sanitized_nst=${NST_SANITIZED_BUILD:-$top/build-test/sanitize}/nst
[ -x "$nst" ] || { echo "skip $name: there is no $nst"; exit 0; }
if [ -z "$NST_UP_INSIDE" ]; then
    own=(unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private)
    [ "$(id -u)" = 0 ] || own+=(--map-root-user)
    "${own[@]}" true 2>/dev/null || { echo "skip $name: namespaces are refused here"; exit 0; }
    NST_UP_INSIDE=1 exec "${own[@]}" "$0" "$@"
fi
. "$here/lib.sh"
mount -t tmpfs tmpfs /run 2>/dev/null && mkdir -p /run/netns
if mkdir -p /dev/net && mount -t tmpfs -o mode=755 tmpfs /dev/net 2>/dev/null; then
    mknod -m 666 /dev/net/tun c 10 200 2>/dev/null || umount /dev/net
fi
(exec 3<>/dev/net/tun) 2>/dev/null || { skip "$name" "no /dev/net/tun that may be opened"; exit 0; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
ip link set lo up

# needs PROGRAM NAME: true if it is there; otherwise NAME is skipped.
needs() { have "$1" || { skip "$2" "no $1"; false; }; }

# wait_for COMMAND...: until it succeeds, in silence.
wait_for() { wait_until 60 "$@" >/dev/null 2>&1; }

# start CONFIG [OPTION...]: nst up, until it is up. Its process id is $up, what it says $work/up.N.
ups=0
start() {
    ups=$((ups + 1))
    "${up_nst:-$nst}" up "${@:2}" "$1" >"$work/up.$ups" 2>&1 &
    up=$!
    wait_for grep -q 'is up' "$work/up.$ups" || not_ok "start $1" "$(cat "$work/up.$ups")"
}

# stop NAME [PID]: nst up ends by SIGTERM, with nothing said but that it was up.
stop() {
    local pid=${2:-$up} status=0
    kill -TERM "$pid" && wait "$pid" || status=$?
    check "$1: it ends cleanly, all packets and bytes accounted for" 0 $status
}

# in_ns NAMESPACE COMMAND...
in_ns() { ip netns exec "$@"; }
# pings [NAMESPACE] ADDRESS NAME: one ping is answered, sooner or later (the first may wait for ARP or DAD).
pings() {
    local ns=()
    [ $# = 2 ] || { ns=(ip netns exec "$1"); shift; }
    "${ns[@]}" ping -q -n -c 1 -w 60 "$1" >"$work/ping" 2>&1
    check "$2" 0 $?
}
