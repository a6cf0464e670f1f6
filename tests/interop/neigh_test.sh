#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Neighbours over TAP against the Linux kernel, both families: who asks and who answers, every state as either
# side sees it, static entries, duplicate addresses both ways, link addresses that change, and floods. In
# namespaces of the test's own; prints "ok NAME", "not ok NAME: why" or "skip NAME: reason".
#
#     neigh_test.sh [CC]      NST_BUILD: where libnicstack.a is (build/)
here=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" != 0 ]; then
    echo "skip all: needs root"
    exit 0
fi
if [ -z "$NEIGH_TEST_INSIDE" ]; then
    NEIGH_TEST_INSIDE=1 exec unshare --net --mount --propagation private "$0" "$@"
fi
cc=${1:-cc}
build=${NST_BUILD:-$here/../../build}
. "$here/lib.sh"

work=$(mktemp -d) || exit 1
trap '[ -z "$PEER_PID" ] || kill "$PEER_PID" 2>/dev/null; rm -rf "$work"' EXIT
mkdir -p /dev/net
mount -t tmpfs -o mode=755 tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200 ||
    { skip all "cannot make a TUN device node"; exit 0; }
(exec 3<>/dev/net/tun) 2>/dev/null || { skip all "the kernel has no TUN"; exit 0; }
$cc -std=gnu11 -D_GNU_SOURCE -g -O1 -Wall $NEIGH_TEST_CFLAGS -I"$here/../../include" -o "$work/neigh_peer" \
    "$here/neigh_peer.c" "$build/libnicstack.a" || { not_ok build "does not compile"; exit 1; }
python=/usr/bin/python3
[ -x $python ] || python=python3
readonly ours=02:00:00:77:00:02 theirs=02:00:00:77:00:01

# tell COMMAND: its answer.
tell() {
    local answer
    echo "$*" >&"${PEER[1]}"
    read -r -t 60 -u "${PEER[0]}" answer || answer="no answer"
    echo "$answer"
}
# until_is EXPECTED COMMAND...: the output of COMMAND once it is that (a pattern), or what it was after a minute.
until_is() {
    local want=$1 command=("${@:2}") got
    wait_until 60 is_wanted
    echo "$got"
}
# shellcheck disable=SC2053
is_wanted() { got=$("${command[@]}"); [[ $got == $want ]]; }
# A pipe around tell would lose the peer's descriptors: it is called in $() alone.
# matches NAME PATTERN GOT
# shellcheck disable=SC2053
matches() { if [[ $3 == $2 ]]; then ok "$1"; else not_ok "$1" "expected '$2', got '$3'"; fi; }
kernel() { ip neigh show "$1" dev nst0; }
kernel_state() { kernel "$1" | awk '{ print $NF }'; }
pinged_state() { ping_once "$1"; kernel_state "$1"; }
kernel_mac() { kernel "$1" | grep -oE '([0-9a-f]{2}:){5}[0-9a-f]{2}'; }
ping_once() { ping -q -c 1 -w 60 "$1" >/dev/null 2>&1; }
is_silent() { ! ping -q -c 1 -w 1 "$1" >/dev/null 2>&1; }

start() {
    local answer
    coproc PEER { exec "$work/neigh_peer" nst0 2>"$work/err"; }
    read -r -t 60 -u "${PEER[0]}" answer
    check "the peer starts" up "$answer"
    ip link set lo up
    echo 1 >/proc/sys/net/ipv6/conf/nst0/disable_ipv6
    ip link set nst0 address $theirs up && ip addr add 10.77.0.1/16 dev nst0
    echo 0 >/proc/sys/net/ipv6/conf/nst0/disable_ipv6
    ip addr add fd77::1/64 dev nst0 nodad
    check "an address is announced" ok "$(tell addr 10.77.0.2 16)"
    check "an IPv6 address is added" ok "$(tell addr fd77::2 64)"
    check "duplicate detection finds nobody" assigned "$(until_is assigned tell state fd77::2)"
    for table in ipv4 ipv6; do # so that states pass quickly
        echo 1 >/proc/sys/net/$table/neigh/nst0/delay_first_probe_time
        echo 200 >/proc/sys/net/$table/neigh/nst0/retrans_time_ms
        echo 0 >/proc/sys/net/$table/neigh/nst0/locktime
    done
}

# ---- Both directions ----
test_asking() { # KERNEL OURS
    ip neigh flush dev nst0 2>/dev/null
    ping_once "$2"
    check "$2 answers a ping" 0 $?
    check "the kernel resolved $2" $ours "$(kernel_mac "$2")"
    tell flush >/dev/null
    check "a datagram to $1 waits for its address" ok "$(tell send "$1")"
    check "and the kernel answered for $1" "reachable $theirs" "$(until_is "reachable*" tell neigh "$1")"
}

test_arping() {
    have arping || { skip "arping" "no arping (apt-get install iputils-arping)"; return; }
    arping -q -c 2 -w 60 -I nst0 10.77.0.2 >/dev/null 2>&1
    check "arping is answered" 0 $?
    arping -q -D -c 2 -w 60 -I nst0 10.77.0.2 >/dev/null 2>&1
    check "arping -D finds that the address is taken" 1 $?
    arping -q -D -c 2 -w 3 -I nst0 10.77.0.222 >/dev/null 2>&1
    check "arping -D finds that another is free" 0 $?
}

# ---- States ----
test_states_of_kernel() { # OURS
    local state
    for state in stale delay probe failed; do
        ip neigh replace "$1" dev nst0 lladdr $ours nud $state 2>/dev/null || ip neigh flush dev nst0 to "$1"
        ping_once "$1"
        check "$1 answers when the kernel has it as $state" 0 $?
        check "the kernel's neighbour $1 becomes reachable after $state" REACHABLE \
            "$(until_is REACHABLE pinged_state "$1")"
    done
    ping -q -c 1 -W 1 -w 1 "$2" >/dev/null 2>&1
    matches "nobody answers the kernel for $2" "@(INCOMPLETE|FAILED)" "$(kernel_state "$2")"
}

test_states_of_ours() { # KERNEL NOBODY
    tell times 300 200 200 >/dev/null
    tell flush >/dev/null
    tell events "$1" >/dev/null
    tell send "$1" >/dev/null
    until_is "stale*" tell neigh "$1" >/dev/null
    tell send "$1" >/dev/null
    until_is "stale*" tell neigh "$1" >/dev/null # delay, probe, answered, and its time passed again
    check "$1 went through every state that answers" "incomplete reachable stale delay probe reachable stale ." \
        "$(tell events "$1")"
    ip link set nst0 arp off # the kernel says nothing any more
    [ "${1#*:}" = "$1" ] || echo 1 >/proc/sys/net/ipv6/conf/nst0/disable_ipv6
    tell send "$1" >/dev/null
    matches "$1 is unreachable when it does not answer probes" "unreachable *" "$(until_is "unreachable*" tell neigh "$1")"
    check "$1 was so by way of delay and probe" "delay probe unreachable ." "$(tell events "$1")"
    ip link set nst0 arp on
    [ "${1#*:}" = "$1" ] || { echo 0 >/proc/sys/net/ipv6/conf/nst0/disable_ipv6; ip addr add "$1/64" dev nst0 nodad; }
    tell send "$1" >/dev/null
    matches "$1 comes back" "@(reachable|stale) $theirs" "$(until_is "@(reachable|stale) $theirs" tell neigh "$1")"
    tell send "$2" >/dev/null
    matches "$2, which nobody has, is unreachable" "unreachable *" "$(until_is "unreachable*" tell neigh "$2")"
    tell times 30000 5000 1000 >/dev/null
}

test_static() { # KERNEL OURS
    check "$1: a static entry" ok "$(tell static "$1" 02:00:00:77:00:99)"
    is_silent "$2"
    check "$1: with a wrong link address nothing comes back" 0 $?
    check "$1: and no request changes it" "static 02:00:00:77:00:99" "$(tell neigh "$1")"
    tell static "$1" $theirs >/dev/null
    ping_once "$2"
    check "$1: with the right one it does" 0 $?
    check "$1: it is removed" ok "$(tell remove "$1")"
    ip neigh replace "$2" dev nst0 lladdr $ours nud permanent
    tell send "$1" >/dev/null
    ping_once "$2"
    check "$1: the kernel's permanent entry works as well" 0 $?
    ip neigh del "$2" dev nst0
}

# ---- Duplicates ----
test_duplicates() {
    check "IPv4: we probe for the kernel's address" ok "$(tell addr 10.77.0.1 16 probe)"
    check "IPv4: and find that it has it" duplicate "$(until_is duplicate tell state 10.77.0.1)"
    matches "IPv4: and who it is" "*addr_duplicate $theirs *" "$(tell events 10.77.0.1)"
    tell drop 10.77.0.1 >/dev/null
    check "IPv4: we probe for a free one" ok "$(tell addr 10.77.0.3 16 probe)"
    check "IPv4: and have it" assigned "$(until_is assigned tell state 10.77.0.3)"
    tell drop 10.77.0.3 >/dev/null
    check "IPv6: we look for the kernel's address" ok "$(tell addr fd77::1 64)"
    check "IPv6: and find that it has it" duplicate "$(until_is duplicate tell state fd77::1)"
    matches "IPv6: and who it is" "*addr_duplicate $theirs *" "$(tell events fd77::1)"
    tell drop fd77::1 >/dev/null
    ip addr add fd77::2/64 dev nst0
    matches "IPv6: the kernel finds that we have ours" "*dadfailed*" \
        "$(until_is "*dadfailed*" ip -6 addr show dev nst0 to fd77::2)"
    ip addr del fd77::2/64 dev nst0
    tell events 10.77.0.2 >/dev/null
    ip addr add 10.77.0.2/16 dev nst0 # the kernel takes it without asking
    have arping && arping -q -A -c 1 -w 2 -I nst0 10.77.0.2 >/dev/null 2>&1
    ip addr del 10.77.0.2/16 dev nst0
    have arping && matches "IPv4: who takes our address is reported" "addr_duplicate $theirs .*" \
        "$(tell events 10.77.0.2).."
    check "IPv4: and we keep it" assigned "$(tell state 10.77.0.2)"
}

# ---- Link addresses that change ----
test_moving() {
    local other=02:00:00:77:00:11 us=02:00:00:77:00:22
    for a in 10.77.0.1 fd77::1; do tell send $a >/dev/null; until_is "reachable*" tell neigh $a >/dev/null; done
    echo 1 >/proc/sys/net/ipv4/conf/nst0/arp_notify
    echo 1 >/proc/sys/net/ipv6/conf/nst0/ndisc_notify
    ip link set nst0 address $other
    check "IPv4: the kernel's new link address is learnt from what it says" "stale $other" \
        "$(until_is "* $other" tell neigh 10.77.0.1)"
    check "IPv6: and its other one, too" "stale $other" "$(until_is "* $other" tell neigh fd77::1)"
    ip link set nst0 address $theirs
    until_is "* $theirs" tell neigh 10.77.0.1 >/dev/null
    for a in 10.77.0.2 fd77::2; do ping_once $a; done
    check "our link address changes" ok "$(tell mac $us)"
    check "IPv4: the kernel learns ours" $us "$(until_is $us kernel_mac 10.77.0.2)"
    check "IPv6: the kernel learns ours" $us "$(until_is $us kernel_mac fd77::2)"
    for a in 10.77.0.2 fd77::2; do ping_once $a; check "$a answers at its new address" 0 $?; done
    tell mac $ours >/dev/null
    until_is $ours kernel_mac 10.77.0.2 >/dev/null
    until_is $ours kernel_mac fd77::2 >/dev/null
}

# ---- Floods ----
test_flood() { # FAMILY KERNEL OURS FIRST
    local before after
    tell use "$2" >/dev/null
    tell send "$2" >/dev/null
    until_is "reachable*" tell neigh "$2" >/dev/null
    $python "$here/neigh_flood.py" nst0 "$1" 2000
    until_is "@(5[1-9]?|[6-9]??|1???)" tell count >/dev/null
    tell events "$2" >/dev/null
    before=$(tell memory)
    $python "$here/neigh_flood.py" nst0 "$1" 100000 &
    local flood=$! lost=0
    while kill -0 $flood 2>/dev/null; do ping_once "$3" || lost=$((lost + 1)); done
    wait $flood
    check "100,000 made-up neighbours ask over IPv$1: pings go on" 0 $lost
    check "IPv$1: and 512 at most are remembered of each family" yes "$([ "$(tell count)" -le 1024 ] && echo yes)"
    after=$(tell memory)
    check "IPv$1: and memory is flat" yes "$([ "$after" -lt $((before + 2000000)) ] && echo yes || echo "$before, $after")"
    matches "IPv$1: and the one in use stays" "*$theirs" "$(tell neigh "$2")"
    check "100,000 made-up neighbours are asked for over IPv$1" ok "$(tell scan "$4" 100000)"
    ping_once "$3"
    check "IPv$1: pings go on meanwhile" 0 $?
    after=$(tell memory)
    check "IPv$1: memory is flat as well" yes "$([ "$after" -lt $((before + 4000000)) ] && echo yes || echo "$before, $after")"
    matches "IPv$1: the one in use stays as well" "*$theirs" "$(tell neigh "$2")"
    matches "IPv$1: and was never removed" "yes *." "$(
        events=$(tell events "$2")
        [[ $events == *removed* ]] && echo "no, $events" || echo "yes $events"
    )"
}

start
test_asking 10.77.0.1 10.77.0.2
test_asking fd77::1 fd77::2
test_arping
test_states_of_kernel 10.77.0.2 10.77.0.77
test_states_of_kernel fd77::2 fd77::77
test_states_of_ours 10.77.0.1 10.77.0.77
test_states_of_ours fd77::1 fd77::77
test_static 10.77.0.1 10.77.0.2
test_static fd77::1 fd77::2
test_duplicates
test_moving
test_flood 4 10.77.0.1 10.77.0.2 10.77.1.0
test_flood 6 fd77::1 fd77::2 fd77::1:0
check "every ARP and NDP message was well formed" "0 0" "$(tell counter arp_malformed) $(tell counter ndp_malformed)"
eval "exec ${PEER[1]}>&-"
wait "$PEER_PID"
check "the peer ends without a fault" 0 $?
PEER_PID=
exit $failed
