#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A host of nicstack beside the Linux kernel over TAP, in a namespace of the test's own: groups, with a bridge
# of the kernel as querier, which writes down whom it hears; router advertisements, with the kernel as router;
# tshark as judge of what the host says. Prints "ok NAME", "not ok NAME: why" or "skip NAME: reason".
#
#     host_test.sh [CC]      NST_BUILD: where libnicstack.a is (build/); HOST_TEST_CFLAGS: its sanitizers, say
here=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" != 0 ]; then
    echo "skip all: needs root"
    exit 0
fi
if [ -z "$HOST_TEST_INSIDE" ]; then
    HOST_TEST_INSIDE=1 exec unshare --net --mount --propagation private "$0" "$@"
fi
cc=${1:-cc}
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

# start [temporary]: the peer at nst0; its answers come by descriptor 4, lines go to it by 5.
start() {
    rm -f "$work/in" "$work/out" && mkfifo "$work/in" "$work/out" || exit 1
    "$work/host_peer" nst0 "$@" <"$work/in" >"$work/out" 2>"$work/err" &
    peer=$!
    exec 5>"$work/in" 4<"$work/out"
    local line
    read -r -t 10 line <&4 && [ "$line" = open ] || not_ok "the peer opens its device" "$(cat "$work/err")"
    sysctl -qw net.ipv6.conf.nst0.accept_dad=0
    ip link set nst0 address 02:00:00:77:00:01
}
go() { echo go >&5; }
ask() { # LINE: the answer
    local line
    echo "$1" >&5
    while read -r -t 10 line <&4 && [ "$line" != . ]; do echo "$line"; done
}
stop() { # NAME
    echo quit >&5
    local line=
    read -r -t 10 line <&4
    check "$1: every packet is accounted for" "census balanced" "$line"
    wait "$peer"
    check "$1: the peer ends without a fault" 0 $?
    exec 4<&- 5>&-
    peer=
    for _ in $(seq 50); do [ -e /sys/class/net/nst0 ] || break; sleep 0.1; done
}
# within SECONDS NAME PATTERN COMMAND...: the output has a line that matches, sooner or later.
within() {
    local limit=$1 name=$2 pattern=$3 said=
    shift 3
    for _ in $(seq $((limit * 5))); do
        said=$("$@")
        grep -qE "$pattern" <<<"$said" && { ok "$name"; return; }
        sleep 0.2
    done
    not_ok "$name" "no '$pattern' in: $said"
}
without() { # the same until no line matches
    local limit=$1 name=$2 pattern=$3 said=
    shift 3
    for _ in $(seq $((limit * 5))); do
        said=$("$@")
        grep -qE "$pattern" <<<"$said" || { ok "$name"; return; }
        sleep 0.2
    done
    not_ok "$name" "still '$pattern' in: $said"
}
capture() { # what is seen on nst0 from now on
    have tshark || return
    tshark -q -i nst0 -w "$work/capture.pcapng" >"$work/shark" 2>&1 &
    shark=$!
    for _ in $(seq 100); do grep -q Capturing "$work/shark" && break; sleep 0.1; done
}
end_capture() {
    [ -n "$shark" ] || return
    kill -INT $shark
    wait $shark
    shark=
}
seen() { # FILTER FIELD...: of the host's packets
    local filter=$1 fields=()
    shift
    for f in "$@"; do fields+=(-e "$f"); done
    timeout 60 tshark -n -r "$work/capture.pcapng" -o ip.check_checksum:TRUE -Y "eth.src == 02:00:00:77:00:02 && $filter" \
        -T fields -E separator=/ "${fields[@]}" 2>/dev/null
}
mdb() { bridge mdb show dev nst1; }

# ---- Groups: nst1 is a bridge of the kernel, nst0 its port ----

# groups VERSION4 VERSION6 REPORT4 REPORT6: the querier's versions, and the types of what is to be seen.
test_groups() {
    local name="IGMPv$1 and MLDv$2"
    ip link add nst1 type bridge mcast_querier 1 mcast_snooping 1 mcast_igmp_version "$1" mcast_mld_version "$2" \
        mcast_query_interval 200 mcast_query_response_interval 100 mcast_startup_query_interval 50 mcast_stats_enabled 1 ||
        { skip "$name" "the kernel has no bridge"; return; }
    start
    ip link set nst1 address 02:00:00:77:00:01 up && ip link set nst0 up master nst1
    ip addr add 10.77.0.1/24 dev nst1
    capture
    go
    # Its link-local address is there; then it has heard the querier.
    within 10 "$name: the link-local address is assigned" 'addr fe80::.* assigned' ask show
    sleep 2
    echo "join 239.77.1.1" >&5
    echo "join ff05::77:1" >&5
    within 10 "$name: the kernel's querier hears of the IPv4 group" 'grp 239\.77\.1\.1' mdb
    within 10 "$name: the kernel's querier hears of the IPv6 group" 'grp ff05::77:1' mdb
    sleep 4 # two queries later it is still there
    within 1 "$name: queries are answered" 'grp 239\.77\.1\.1' mdb
    within 1 "$name: queries for IPv6 are answered" 'grp ff05::77:1' mdb
    ip route add 239.0.0.0/8 dev nst1
    for _ in 1 2 3; do
        $python - <<'END'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b"hello", ("239.77.1.1", 5000))
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.sendto(b"hello", ("ff05::77:1", 5000, 0, socket.if_nametoindex("nst1")))
END
    done
    within 5 "$name: what the kernel sends to the groups arrives" '^6$' ask count
    echo "leave 239.77.1.1" >&5
    echo "leave ff05::77:1" >&5
    without 10 "$name: the kernel's querier hears that the IPv4 group is left" 'grp 239\.77\.1\.1' mdb
    without 10 "$name: the kernel's querier hears that the IPv6 group is left" 'grp ff05::77:1' mdb
    stop "$name"
    end_capture
    ip link del nst1
    have tshark || { skip "$name: tshark" "no tshark (apt-get install tshark)"; return; }
    check "$name: tshark sees only these IGMP messages, with TTL 1, TOS 0xc0 and router alert" "$3" \
        "$(seen 'igmp && ip.ttl == 1 && ip.dsfield == 0xc0 && ip.opt.ra == 0' igmp.type | sort -u | xargs)"
    check "$name: and no other" "" "$(seen 'igmp && !(ip.ttl == 1 && ip.dsfield == 0xc0 && ip.opt.ra == 0)' igmp.type)"
    check "$name: tshark sees only these MLD messages, with hop limit 1 and router alert" "$4" \
        "$(seen 'icmpv6.type in {131, 132, 143} && ipv6.hlim == 1 && ipv6.opt.router_alert == 0' icmpv6.type | sort -u | xargs)"
    check "$name: and no other" "" "$(seen 'icmpv6.type in {131, 132, 143} && !(ipv6.hlim == 1 && ipv6.opt.router_alert == 0)' icmpv6.type)"
    check "$name: tshark finds nothing malformed, and right checksums" "" \
        "$(seen '(_ws.malformed || igmp.checksum.status == 0 || ip.checksum.status == 0 || icmpv6.checksum.status == 0)' frame.number)"
    [ "$1" = 3 ] || return
    # Type 4: changed to exclude (nothing): joined; 3: changed to include (nothing): left; 2: excludes nothing.
    check "$name: tshark reads joins, answers and leaves of version 3" "2 3 4" \
        "$(seen 'igmp.maddr == 239.77.1.1' igmp.record_type | tr ',' '\n' | sort -u | xargs)"
    check "$name: tshark reads joins, answers and leaves of version 2" "2 3 4" \
        "$(seen 'icmpv6.mldr.mar.multicast_address == ff05::77:1' icmpv6.mldr.mar.record_type | tr ',' '\n' | sort -u | xargs)"
}

# ---- Routers: the kernel ----

advertise() { $python "$here/host_advertise.py" nst0 "$@" 2>"$work/scapy" || not_ok "an advertisement is sent" "$(tail -n 1 "$work/scapy")"; }

test_router() {
    local mine
    $python -c 'import scapy.all' 2>/dev/null || { skip "routers" "no scapy (apt-get install python3-scapy)"; return; }
    sysctl -qw net.ipv6.conf.all.forwarding=1
    start
    ip link set nst0 up
    ip addr add 2001:db8:77::1/64 dev nst0 nodad
    ip link add nst2 type dummy && ip link set nst2 up && ip addr add 2001:db8:99::1/64 dev nst2 nodad
    capture
    go
    within 10 "routers: the link-local address is assigned" 'addr fe80::.* assigned' ask show
    sleep 4
    check "routers: nobody gave an address yet" "" "$(ask show | grep slaac)"
    advertise 600 2001:db8:77:: 3600 1800
    within 10 "routers: the prefix gives an address" 'addr 2001:db8:77:.*/64 slaac assigned' ask show
    check "routers: the router is the default route" 1 "$(ask show | grep -c '^route ::/0 via fe80::')"
    check "routers: the prefix is on link" 1 "$(ask show | grep -c '^route 2001:db8:77::/64 via ::$')"
    mine=$(ask show | sed -n 's|^addr \(2001:db8:77:.*\)/64 slaac.*|\1|p')
    check "routers: the kernel pings the address" "3 received" \
        "$(ping -6 -q -c 3 -i 0.1 -w 5 "$mine" | grep -oE '[0-9]+ received')"
    check "routers: it answers to afar, by the router" "3 received" \
        "$(ping -6 -q -c 3 -i 0.1 -w 5 -I 2001:db8:99::1 "$mine" | grep -oE '[0-9]+ received')"
    check "routers: with the hop limit that the router said" 61 \
        "$(ping -6 -c 1 -w 5 -I 2001:db8:99::1 "$mine" | grep -oE 'ttl=[0-9]+' | cut -d= -f2)"
    check "routers: and in pieces of the router's MTU" "1 received" \
        "$(ping -6 -q -c 1 -w 5 -s 1440 "$mine" | grep -oE '[0-9]+ received')"
    advertise 0
    without 5 "routers: a router that is none any more" '^route ::/0' ask show
    # A prefix of its own with a short life, which the two hours do not concern: it begins so.
    advertise 3 2001:db8:78:: 6 3
    within 5 "routers: a short-lived address" 'addr 2001:db8:78:.* slaac' ask show
    within 6 "routers: is deprecated" 'addr 2001:db8:78:.* deprecated' ask show
    without 6 "routers: and removed at the end of its life" 'addr 2001:db8:78:' ask show
    without 1 "routers: so is the router" '^route ::/0' ask show
    without 1 "routers: and the prefix" '^route 2001:db8:78::' ask show
    echo down >&5
    without 5 "routers: a NIC that goes down forgets" 'slaac' ask show
    echo up >&5
    within 10 "routers: and comes up again" 'addr fe80::.* assigned' ask show
    sleep 2
    advertise 600 2001:db8:77:: 3600 1800
    within 10 "routers: with the same address" "addr $mine/64 slaac assigned" ask show
    stop routers
    end_capture
    have tshark || { skip "routers: tshark" "no tshark (apt-get install tshark)"; return; }
    check "routers: tshark sees solicitations with hop limit 255 and the link address" "ff02::2/02:00:00:77:00:02" \
        "$(seen 'icmpv6.type == 133 && ipv6.hlim == 255 && icmpv6.checksum.status == 1' ipv6.dst icmpv6.opt.linkaddr | sort -u | xargs)"
    check "routers: tshark finds nothing malformed, and right checksums" "" \
        "$(seen '(_ws.malformed || icmpv6.checksum.status == 0)' frame.number)"
    check "routers: echo replies are cut at 1,400" 1 "$(seen 'ipv6.fraghdr' ipv6.plen | sort -n | awk 'END { print ($1 <= 1360 && $1 > 1200) + 0 }')"
}

test_temporary() {
    $python -c 'import scapy.all' 2>/dev/null || return
    start temporary
    ip link set nst0 up
    ip addr add 2001:db8:77::1/64 dev nst0 nodad
    go
    within 10 "temporary: the link-local address is assigned" 'addr fe80::.* assigned' ask show
    advertise 600 2001:db8:77:: 3600 1800
    within 10 "temporary: a second address is made" 'addr 2001:db8:77:.* temporary assigned' ask show
    check "temporary: beside the stable one" 1 "$(ask show | grep -c 'addr 2001:db8:77:.* slaac assigned')"
    local mine
    mine=$(ask show | sed -n 's|^addr \(2001:db8:77:.*\)/64 temporary.*|\1|p')
    check "temporary: it answers" "3 received" "$(ping -6 -q -c 3 -i 0.1 -w 5 "$mine" | grep -oE '[0-9]+ received')"
    stop temporary
}

ip link set lo up
test_groups 3 2 0x22 143
test_groups 2 1 "0x16 0x17 0x22" "131 132 143"
test_router
test_temporary
exit $failed
