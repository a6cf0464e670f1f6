#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A NIC that changes under load, against the Linux kernel over TAP in a namespace of the test's own, over IPv4 and
# IPv6 at once: disabled and enabled again, renamed, with another MTU and another link address, and removed. Prints
# "ok NAME", "not ok NAME: why" or "skip NAME: reason" and fails if any is not ok.
#
#     nic_test.sh [CC]      NST_BUILD: where libnicstack.a is (build/); LINK_TEST_CFLAGS: its sanitizers, say
here=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" != 0 ]; then
    echo "skip all: needs root"
    exit 0
fi
if [ -z "$NIC_TEST_INSIDE" ]; then
    NIC_TEST_INSIDE=1 exec unshare --net --mount --propagation private "$0" "$@"
fi
cc=${1:-cc}
build=${NST_BUILD:-$here/../../build}
. "$here/lib.sh"

work=$(mktemp -d) || exit 1
peer=
trap '[ -z "$peer" ] || kill "$peer" 2>/dev/null; rm -rf "$work"' EXIT
mkdir -p /dev/net
mount -t tmpfs -o mode=755 tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200 ||
    { skip all "cannot make a TUN device node"; exit 0; }
(exec 3<>/dev/net/tun) 2>/dev/null || { skip all "the kernel has no TUN"; exit 0; }
$cc -std=gnu11 -D_GNU_SOURCE -g -O1 -Wall $LINK_TEST_CFLAGS -I"$here/../../include" -o "$work/nic_peer" \
    "$here/nic_peer.c" "$build/libnicstack.a" || { not_ok build "does not compile"; exit 1; }
python=/usr/bin/python3
[ -x $python ] || python=python3
readonly peer4=10.78.0.2 peer6=fd78::2

mss_to() { timeout 150 $python "$here/nic_client.py" "$1" mss 2>&1 | tail -1; }
answer() { read -r -t 60 -u 4 line; echo "$line"; }
# tell COMMAND...: what the peer answers.
tell() { echo "$*" >&3; answer; }
# obeys COMMAND...: it must succeed.
obeys() { check "$* under load" "$1 0" "$(tell "$@")"; }

start() {
    mkfifo "$work/commands" "$work/answers"
    "$work/nic_peer" nst0 <"$work/commands" >"$work/answers" 2>"$work/err" &
    peer=$!
    exec 3>"$work/commands" 4<"$work/answers"
    answer >/dev/null
    ip addr add 10.78.0.1/24 dev nst0 && ip link set nst0 up mtu 1500 && ip addr add fd78::1/64 dev nst0 nodad
    wait_until 60 ping -6 -q -c 1 -w 1 $peer6 >/dev/null 2>&1
    tell events >/dev/null
}

# load: a connection of each family in the background, under way, until `loaded`.
load() {
    rm -f "$work/load4" "$work/load6"
    $python "$here/nic_client.py" $peer4 load >"$work/load4" 2>&1 3>&- 4<&- &
    load4=$!
    $python "$here/nic_client.py" $peer6 load >"$work/load6" 2>&1 3>&- 4<&- &
    load6=$!
    wait_until 60 says_or_ends $load4 going "$work/load4"
    wait_until 60 says_or_ends $load6 going "$work/load6"
}
loaded() { # NAME: some more goes through both, and they end.
    kill -USR1 "$load4" "$load6"
    wait "$load4" "$load6"
    check "$1, the IPv4 connection goes on" "going ok" "$(sed 's/^ok [0-9]*$/ok/' "$work/load4" | xargs)"
    check "$1, the IPv6 connection goes on" "going ok" "$(sed 's/^ok [0-9]*$/ok/' "$work/load6" | xargs)"
}

is_reachable() { ping -q -c 1 -w "${2:-1}" "$1" >/dev/null 2>&1 && echo yes || echo no; }

ip link set lo up
start

load
obeys disable
check "nic/N8: a disabled NIC answers nobody" "no no" "$(is_reachable $peer4) $(is_reachable $peer6)"
obeys enable
loaded "nic/N8: disabled and enabled again"
check "nic/N8: it answers again" "yes yes" "$(is_reachable $peer4 60) $(is_reachable $peer6 60)"
check "nic/N69: what happened is told in order" \
    "events nic_disabled addr_tentative nic_enabled addr_assigned" \
    "$(tell events | sed 's/ group_[a-z]*//g')"

load
obeys name uplink
check "nic/N10: renaming is told" "events nic_renamed" "$(tell events)"
loaded "nic/N10: renamed"

load
obeys mtu 1300
check "nic/N10: new connections agree on the new MTU" "1260 1240" \
    "$(mss_to $peer4 | sed 's/^1248$/1260/') $(mss_to $peer6 | sed 's/^1228$/1240/')" # less timestamps, perhaps
obeys mtu 1500
loaded "nic/N10: with another MTU"
check "nic/N10: changes of the MTU are told" "events nic_mtu nic_mtu" "$(tell events)"

load
obeys mac 9
ip neigh flush dev nst0
loaded "nic/N10: with another link address"
check "nic/N10: the kernel knows the new link address" "02:00:00:78:00:09 02:00:00:78:00:09" \
    "$(for to in $peer4 $peer6; do ip neigh show $to dev nst0 | grep -oE '([0-9a-f]{2}:){5}[0-9a-f]{2}'; done | xargs)"

load
obeys remove
check "nic/N9: a removed NIC answers nobody" "no no" "$(is_reachable $peer4) $(is_reachable $peer6)"
check "nic/N9: it cannot be enabled" "enable -2" "$(tell enable)"
kill "$load4" "$load6" 2>/dev/null
wait "$load4" "$load6" 2>/dev/null
exec 3>&-
check "nic/N9: removed under load, everything is returned" "end census balanced queued 0 alive 0 left 0" "$(answer)"
wait "$peer"
check "the peer ends without a fault" 0 $?
peer=
[ ! -s "$work/err" ] || sed 's/^/# /' "$work/err"
exit $failed
