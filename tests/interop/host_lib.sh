#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sourced first by every host_*_test.sh: a host of nicstack (host_peer.c) beside the Linux kernel over TAP, in a
# namespace of the test's own, and tshark as judge of what the host says. CC is the compiler, NST_BUILD where
# libnicstack.a is (build/), HOST_TEST_CFLAGS its sanitizers, say. Those who source it end with `exit $failed`.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "$(id -u)" != 0 ]; then
    echo "skip all: needs root"
    exit 0
fi
if [ -z "$HOST_TEST_INSIDE" ]; then
    HOST_TEST_INSIDE=1 exec unshare --net --mount --propagation private "$0" "$@"
fi
cc=${CC:-cc}
build=${NST_BUILD:-$here/../../build}
. "$here/lib.sh"

work=$(mktemp -d) || exit 1
peer= shark=
trap 'for p in $peer $shark; do kill "$p" 2>/dev/null; done; rm -rf "$work"' EXIT
mkdir -p /dev/net
mount -t tmpfs -o mode=755 tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200 ||
    { skip all "cannot make a TUN device node"; exit 0; }
(exec 3<>/dev/net/tun) 2>/dev/null || { skip all "the kernel has no TUN"; exit 0; }
$cc -std=gnu11 -D_GNU_SOURCE -g -O1 -Wall $HOST_TEST_CFLAGS -I"$here/../../include" -o "$work/host_peer" \
    "$here/host_peer.c" "$build/libnicstack.a" || { not_ok build "does not compile"; exit 1; }
python=/usr/bin/python3
[ -x $python ] || python=python3
ip link set lo up

# start [temporary]: the peer at nst0; its answers come by descriptor 4, lines go to it by 5.
start() {
    rm -f "$work/in" "$work/out" && mkfifo "$work/in" "$work/out" || exit 1
    "$work/host_peer" nst0 "$@" <"$work/in" >"$work/out" 2>"$work/err" &
    peer=$!
    exec 5>"$work/in" 4<"$work/out"
    local line
    read -r -t 60 line <&4 && [ "$line" = open ] || not_ok "the peer opens its device" "$(cat "$work/err")"
    sysctl -qw net.ipv6.conf.nst0.accept_dad=0
    ip link set nst0 address 02:00:00:77:00:01
}
go() { echo go >&5; }
ask() { # LINE: the answer
    local line
    echo "$1" >&5
    while read -r -t 60 line <&4 && [ "$line" != . ]; do echo "$line"; done
}
stop() { # NAME
    echo quit >&5
    local line=
    read -r -t 60 line <&4
    check "$1: every packet is accounted for" "census balanced" "$line"
    wait "$peer"
    check "$1: the peer ends without a fault" 0 $?
    exec 4<&- 5>&-
    peer=
    wait_until 60 test ! -e /sys/class/net/nst0
}
# within NAME PATTERN COMMAND...: the output has a line that matches, sooner or later; without: none any more.
within() {
    local name=$1 pattern=$2 command=("${@:3}") said
    if wait_until 60 shows; then ok "$name"; else not_ok "$name" "no '$pattern' in: $said"; fi
}
without() {
    local name=$1 pattern=$2 command=("${@:3}") said
    if wait_until 60 hides; then ok "$name"; else not_ok "$name" "still '$pattern' in: $said"; fi
}
shows() { said=$("${command[@]}") && grep -qE "$pattern" <<<"$said"; }
hides() { said=$("${command[@]}") && ! grep -qE "$pattern" <<<"$said"; }
capture() { # what is seen on nst0 from now on
    have tshark || return
    rm -f "$work/shark"
    tshark -q -i nst0 -w "$work/capture.pcapng" >"$work/shark" 2>&1 &
    shark=$!
    wait_until 60 says_or_ends $shark Capturing "$work/shark"
}
end_capture() {
    [ -n "$shark" ] || return
    kill -INT $shark
    wait $shark
    shark=
}
# read_capture: what the host sent, in a table of which the columns have these names in awk, in one go: tshark
# takes its time to start. seen CONDITION VALUE: the values of the packets for which the condition holds.
read_capture() {
    local fields=() n=0 name field
    columns=
    while read -r name field; do
        fields+=(-e "$field")
        columns+="$name = \$$((++n)); "
    done <<'END'
igmp igmp.type
ttl ip.ttl
tos ip.dsfield
alert ip.opt.ra
group igmp.maddr
record igmp.record_type
icmp6 icmpv6.type
hops ipv6.hlim
alert6 ipv6.opt.router_alert
group6 icmpv6.mldr.mar.multicast_address
record6 icmpv6.mldr.mar.record_type
to6 ipv6.dst
mac icmpv6.opt.linkaddr
length6 ipv6.plen
fragment ipv6.fraghdr.offset
malformed _ws.malformed
sum_ip ip.checksum.status
sum_igmp igmp.checksum.status
sum6 icmpv6.checksum.status
END
    timeout 100 tshark -n -r "$work/capture.pcapng" -o ip.check_checksum:TRUE -Y "eth.src == 02:00:00:77:00:02" \
        -T fields -E "separator=;" "${fields[@]}" >"$work/table" 2>/dev/null
    [ -s "$work/table" ] || not_ok "tshark reads the capture" "it says nothing"
}
seen() { awk -F';' "{ $columns } ($1) { print $2 }" "$work/table" | sort -u | xargs; }
readonly is_wrong='malformed != "" || sum_ip == 0 && sum_ip != "" || sum_igmp == 0 && sum_igmp != "" || sum6 == 0 && sum6 != ""'
