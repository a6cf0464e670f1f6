#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TUN, TAP and AF_PACKET links against the Linux kernel: address resolution, ping, fragments, UDP and TCP over
# IPv4 and IPv6, with and without virtio-net headers and segmentation, in a namespace of the test's own. The
# kernel's counters and tshark judge. Prints "ok NAME", "not ok NAME: why" or "skip NAME: reason" and fails if any is not ok.
#
#     link_test.sh [CC]      NST_BUILD: where libnicstack.a is (build/); LINK_TEST_CFLAGS: its sanitizers, say
here=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" != 0 ]; then
    echo "skip all: needs root"
    exit 0
fi
if [ -z "$LINK_TEST_INSIDE" ]; then
    LINK_TEST_INSIDE=1 exec unshare --net --mount --propagation private "$0" "$@"
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
$cc -std=gnu11 -D_GNU_SOURCE -g -O1 -Wall $LINK_TEST_CFLAGS -I"$here/../../include" -o "$work/link_peer" \
    "$here/link_peer.c" "$build/libnicstack.a" || { not_ok build "does not compile"; exit 1; }
python=/usr/bin/python3
[ -x $python ] || python=python3
client() { timeout 200 $python "$here/link_client.py" "$@" 2>&1 | tail -1; }
readonly peer4=10.77.0.2 peer6=fd77::2 mac=02:00:00:77:00:02

# Everything that the kernel found wrong since boot of the namespace.
bad_checksums() {
    awk '/^(Ip|Icmp|Tcp|Udp):/ {
        if (!($1 in names)) { names[$1] = $0; next }
        split(names[$1], name)
        for (i = 2; i <= NF; i++) if (name[i] ~ /^(InCsumErrors|InHdrErrors)$/) sum += $i
    } END { print sum + 0 }' /proc/net/snmp
    awk '/^(Ip6InHdrErrors|Icmp6InCsumErrors|Udp6InCsumErrors) / { sum += $2 } END { print sum + 0 }' \
        /proc/net/snmp6
}

# make_pair HOW: nst0, the kernel's end, and nst0p, for the packet socket, of which the kernel knows nothing.
make_pair() {
    ip link add nst0 address 02:00:00:77:00:01 type veth peer name nst0p &&
        ip link set nst0p arp off addrgenmode none mtu 65535 up || not_ok "a veth pair" "cannot make one"
    [ "$1" != plain ] || ethtool -K nst0 tx off tso off gso off >/dev/null || not_ok "offloads off" "ethtool failed"
    [ "$2" != p2p ] || ip link set nst0 arp off
}

start() { # KIND HOW [CAPTURE]
    local name=nst0
    case $1 in ether | p2p) make_pair "$2" "$1" && name=nst0p ;; esac
    rm -f "$work/out"
    "$work/link_peer" $name "$@" >"$work/out" 2>"$work/err" &
    peer=$!
    wait_until 60 says_or_ends $peer up "$work/out"
    ip addr add 10.77.0.1/24 dev nst0 && ip link set nst0 up mtu 1500 &&
        ip addr add fd77::1/64 dev nst0 nodad || cat "$work/err" >&2
    # Until the stack knows that its address is nobody else's, it does not answer for it.
    wait_until 60 ping -6 -q -c 1 -w 1 $peer6 >/dev/null 2>&1
}

stop() { # NAME
    kill -TERM "$peer" && wait "$peer"
    check "$1: the peer ends without a fault" 0 $?
    peer=
    ip link del nst0 2>/dev/null
    check "$1: every packet is accounted for, and none was refused" \
        "census balanced rx_no_memory 0 rx_malformed 0 tx_refused 0" "$(grep census "$work/out")"
    check "$1: the kernel saw no bad checksum" "0 0" "$(bad_checksums | xargs)"
    grep -E '^(ip[46]|tcp|udp|icmp)[a-z0-9_]*csum|^drop_[a-z0-9_]*csum' "$work/out" >"$work/csums"
    check "$1: nor did the stack" "" "$(cat "$work/csums")"
}

test_resolution() { # NAME
    check "$1: the kernel resolved the stack's address" $mac \
        "$(ip neigh show $peer4 | grep -oE '([0-9a-f]{2}:){5}[0-9a-f]{2}')"
    check "$1: the kernel resolved the stack's IPv6 address" $mac \
        "$(ip neigh show $peer6 dev nst0 | grep -oE '([0-9a-f]{2}:){5}[0-9a-f]{2}')"
    have arping || { skip "$1: arping" "no arping"; return; }
    arping -q -c 2 -w 60 -I nst0 $peer4 >/dev/null 2>&1
    check "$1: arping is answered" 0 $?
}

# The stack defends what it has, and answers who pings all nodes, from its link-local address.
test_group() { # NAME
    ip addr add $peer6/64 dev nst0
    wait_until 60 eval "! ip -6 addr show dev nst0 to $peer6 | grep -q tentative"
    check "$1: the kernel finds that the stack has its address" dadfailed \
        "$(ip -6 addr show dev nst0 to $peer6 | grep -o dadfailed)"
    ip addr del $peer6/64 dev nst0
    have ping || return 0
    wait_until 60 both_answer && ok "$1: who pings all nodes is answered by the stack, too" ||
        not_ok "$1: who pings all nodes is answered by the stack, too" "by the kernel alone, or by nobody"
}

both_answer() { [ "$(ping -6 -c 2 -i 0.5 ff02::1%nst0 | awk '/^64 bytes from fe80:/ { print $4 }' | sort -u | wc -l)" = 2 ]; }

test_ping() { # NAME
    have ping || { skip "$1: ping" "no ping"; return; }
    local size to
    for size in 56 1452 1453 1472 1473 4000 60000; do
        for to in $peer4 $peer6; do
            answered "$1: ping of $size bytes to $to" -s $size $to
        done
    done
    check "$1: pings without a fragment that are too long are the kernel's fault" 1 \
        "$(ping -q -c 1 -w 2 -M do -s 1473 $peer4 >/dev/null 2>&1; echo $?)"
}

test_tshark() { # NAME
    have tshark || { skip "$1: tshark" "no tshark"; return; }
    local read checked
    # What the streams carry is no protocol, and guessing which it might be takes minutes.
    read=(timeout 200 tshark -n -r "$work/capture.pcap" -o tcp.desegment_tcp_streams:FALSE
        -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE
        -d tcp.port==9,data -d tcp.port==19,data -d udp.port==7,data)
    for end in ip.src==$peer4 ip.dst==$peer4 ipv6.src==$peer6 ipv6.dst==$peer6; do
        checked=$("${read[@]}" -Y "tcp.checksum.status == 1 && $end && tcp.len > 0" 2>/dev/null | wc -l)
        [ "$checked" -gt 1000 ] && ok "$1: tshark agrees with the checksums of segments by $end" ||
            not_ok "$1: tshark agrees with the checksums of segments by $end" "$checked of them"
    done
    [[ $1 != tap* && $1 != ether* ]] || check "$1: tshark sees how the stack looks for duplicates of its two addresses" \
        "fd77::2 fe80::" "$("${read[@]}" -Y 'icmpv6.type == 135 && ipv6.src == :: && icmpv6.opt.nonce' -T fields \
            -e icmpv6.nd.ns.target_address 2>/dev/null | sed 's/^fe80::.*/fe80::/' | sort -u | xargs)"
    # The kernel computes sums in software as skb_checksum_help does: TCP's 0 goes out as 0xffff too, which tshark calls bad.
    local odd="tcp.checksum == 0xffff && (ip.dst == $peer4 || ipv6.dst == $peer6)"
    check "$1: tshark finds no malformed frame and no bad checksum" "" \
        "$("${read[@]}" -Y "_ws.malformed || ip.checksum.status == 0 || (tcp.checksum.status == 0 && !($odd)) ||
            udp.checksum.status == 0 || icmp.checksum.status == 0 || icmpv6.checksum.status == 0" 2>/dev/null | head -3)"
}

test_link() { # KIND HOW MEBIBYTES
    local name="$1, $2" capture= to size
    [ "$2" = plain ] && capture=$work/capture.pcap
    start "$1" "$2" $capture
    test_ping "$name"
    case $1 in tap | ether) test_resolution "$name" ;; esac
    [ "$1 $2" = "tap plain" ] && test_group "$name"
    for to in $peer4 $peer6; do
        check "$name: UDP echo of 0 to 65,507 bytes, $to" "" "$(client $to echo)"
    done
    # So much of each that the capture, which is bounded, has some.
    [ -z "$capture" ] || for to in $peer4 $peer6; do
        check "$name: TCP, 4 MiB to the kernel, $to" "" "$(client $to source $((4 << 20)))"
        check "$name: TCP, 4 MiB from the kernel, $to" "" "$(client $to sink $((4 << 20)))"
    done
    for to in $peer4 $peer6; do
        size=$3
        [ $to = $peer6 ] && [ $size -gt 256 ] && size=256
        check "$name: TCP, $size MiB from the kernel, $to" "" "$(client $to sink $((size << 20)))"
        check "$name: TCP, $size MiB to the kernel, $to" "" "$(client $to source $((size << 20)))"
    done
    stop "$name"
    case $name in "ether, offload" | "p2p, offload")
        check "$name: nothing came too fast" "missed 0" "$(grep '^missed' "$work/out")" ;;
    esac
    [ -z "$capture" ] || test_tshark "$name"
}

ip link set lo up
test_link tap plain 64
test_link tun plain 64
test_link tap vnet 64
test_link tun offload 256
test_link tap offload 512
test_link p2p offload 256
test_link ether slots 128
test_link ether read 64
if have ethtool; then test_link ether plain 64; else skip "ether, plain" "no ethtool (apt-get install ethtool)"; fi
test_link ether offload 512
exit $failed
