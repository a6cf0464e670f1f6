#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bridge and VLANs of nst up against the kernel: namespaces a, b and c are ports of our bridge and talk through it,
# with the NIC of the bridge, and by VLAN devices of the kernel's own; a station moves; ports are isolated.
. "$(dirname "$0")/up_lib.sh"

# The ports go down in the order of their names: tapa is the kernel's end in namespace a.
cat >"$work/bridge.conf" <<'END'
stack name switch memory 64m
nic add tapa
nic add tapb
nic add tapc
bridge add br0 ports tapa tapb tapc address 02:00:00:00:08:01 ageing 300
addr add 10.8.0.1/24 dev br0
addr add fd08::1/64 dev br0 nodad
vlan add br0.5 link br0 id 5 pcp 3
addr add 10.5.0.1/24 dev br0.5
nic add t0 dev tapv address 02:00:00:00:06:01
addr add 10.6.0.1/24 dev t0
vlan add t0.7 link t0 id 7
vlan add t0.8 link t0 id 8 mtu 1400 pcp 4
addr add 10.7.0.1/24 dev t0.7
addr add fd07::1/64 dev t0.7 nodad
addr add 10.78.0.1/24 dev t0.8
service add echo
service add http
END

# namespace NAME INTERFACE ADDRESS...: with the kernel's end of a TAP in it.
namespace() {
    local address
    ip netns add "$1" && ip link set "$2" netns "$1" && in_ns "$1" ip link set lo up || not_ok "namespace $1" "ip failed"
    for address in "${@:3}"; do in_ns "$1" ip addr add "$address" dev "$2" nodad 2>/dev/null || in_ns "$1" ip addr add "$address" dev "$2"; done
    in_ns "$1" ip link set "$2" up
}

# bridge_counter NAME
bridge_counter() { "$nst" bridge show br0 | awk -v name="     $1:" 'index($0, name) == 1 {print $2}'; }

test_through() {
    pings a 10.8.0.3 "bridge: a reaches b through it, IPv4"
    pings a fd08::4 "bridge: a reaches c, IPv6"
    pings b 10.8.0.1 "bridge: b reaches the bridge's own NIC"
    pings c fd08::1 "bridge: c reaches it by IPv6"
    check "bridge: b knows a by its own address" "$(in_ns a ip -br link show tapa | awk '{print $3}')" \
        "$(in_ns b ip neigh show 10.8.0.2 dev tapb | grep -oE '([0-9a-f]{2}:){5}[0-9a-f]{2}')"
    check "bridge: it has learnt the stations" "tapa tapb tapc" \
        "$("$nst" bridge show br0 | awk '$2 == "dev" {print $3}' | sort -u | xargs)"
    local before after
    before=$(in_ns c ip -s -j link show tapc | jq '.[0].stats64.rx.packets')
    in_ns a ping -q -n -c 20 -i 0.05 10.8.0.3 >/dev/null
    after=$(in_ns c ip -s -j link show tapc | jq '.[0].stats64.rx.packets')
    check "bridge: what a and b say to each other c does not hear" few "$([ $((after - before)) -lt 15 ] && echo few || echo $((after - before)))"
    check "bridge: nst bridge -j" 3 "$("$nst" bridge -j | jq '.[0].ports | length')"
}

# test_bulk NAME: from a to b. Not by iperf3, whose receiver does not count what is under way when the sender is done.
test_bulk() {
    needs nc "$1" || return
    head -c 100000000 /dev/urandom >"$work/data"
    in_ns b timeout 200 nc -l -N 10.8.0.3 5201 </dev/null >"$work/received" &
    local receiver=$!
    wait_for in_ns b sh -c 'ss -Hltn sport = :5201 | grep -q .'
    in_ns a timeout 200 nc -N 10.8.0.3 5201 <"$work/data"
    wait $receiver
    check "$1: 100 MB go through" same "$(cmp "$work/data" "$work/received" 2>&1 && echo same)"
}

test_moves() {
    # The station of namespace a is heard behind c's port.
    local mac
    mac=$(in_ns a ip -br link show tapa | awk '{print $3}')
    in_ns a ip link set tapa down
    in_ns c ip link set tapc down && in_ns c ip link set tapc address "$mac" && in_ns c ip addr flush dev tapc &&
        in_ns c ip addr add 10.8.0.2/24 dev tapc && in_ns c ip link set tapc up
    pings c 10.8.0.1 "a station that moves: it is heard at its new port"
    in_ns b ip neigh flush dev tapb
    pings b 10.8.0.2 "a station that moves: and others reach it there"
    check "a station that moves: the table says so" tapc \
        "$("$nst" bridge show br0 | awk -v mac="$mac" '$1 == mac {print $3}')"
    check "a station that moves: it was counted" 1 "$(bridge_counter bridge_moved)"
    in_ns a ip link set tapa up
    in_ns c ip link set tapc down && in_ns c ip link set tapc address 02:00:00:00:08:0c && in_ns c ip addr flush dev tapc &&
        in_ns c ip addr add 10.8.0.4/24 dev tapc && in_ns c ip link set tapc up
}

test_isolation() {
    "$nst" nic set tapa isolated on && "$nst" nic set tapb isolated on
    in_ns a ip neigh flush dev tapa
    in_ns a ping -q -n -c 1 -W 1 10.8.0.3 >/dev/null 2>&1
    check "isolated: a does not reach b" 1 $?
    pings a 10.8.0.4 "isolated: a reaches c, which is not isolated"
    pings b 10.8.0.1 "isolated: b reaches the bridge's own NIC"
    "$nst" nic set tapa isolated off && "$nst" nic set tapb isolated off
    pings a 10.8.0.3 "isolated off: a reaches b again"
}

test_ports() {
    "$nst" nic set tapc nomaster && "$nst" addr add 10.80.0.1/24 dev tapc
    in_ns c ip addr add 10.80.0.2/24 dev tapc
    pings c 10.80.0.1 "a port that is freed is a NIC again"
    check "and the bridge has two" 2 "$("$nst" bridge -j | jq '.[0].ports | length')"
    "$nst" nic set tapc master br0
    pings c 10.8.0.1 "and a port again"
}

# vlan_device NAMESPACE DEVICE ID ADDRESS...: a VLAN device of the kernel's. False: it has none.
vlan_device() {
    local address
    in_ns "$1" ip link add link "$2" name "$2.$3" type vlan id "$3" 2>/dev/null || return
    for address in "${@:4}"; do in_ns "$1" ip addr add "$address" dev "$2.$3" nodad 2>/dev/null ||
        in_ns "$1" ip addr add "$address" dev "$2.$3"; done
    in_ns "$1" ip link set "$2.$3" up
}

# peer NAME EXPECTED ARGUMENT...: what a host of raw frames has to say; see up_vlan_peer.py. In namespace v. Only for
# nothing it does not wait long.
peer() {
    local patience=60
    [[ $2 != *None* ]] || patience=1.2
    check "$1" "$2" "$(in_ns v timeout 100 "$python" "$here/up_vlan_peer.py" tapv "${@:3}" $patience 2>&1 | tail -1)"
}

test_vlan_over_bridge() {
    if ! vlan_device a tapa 5 10.5.0.2/24; then
        skip "VLAN over the bridge: VLAN devices of the kernel" "the kernel has none (CONFIG_VLAN_8021Q)"
        return
    fi
    vlan_device b tapb 5 10.5.0.3/24
    pings a 10.5.0.1 "VLAN over the bridge: the kernel's VLAN device and our VLAN NIC"
    pings a 10.5.0.3 "VLAN over the bridge: tagged frames of two kernels pass through"
    pings a 10.8.0.1 "VLAN over the bridge: untagged goes beside it"
}

# Frames of a host that makes its tags itself.
test_raw_vlans() {
    peer "VLANs: untagged" "arp icmp" -1 0 -1 10.6.0.9 10.6.0.1
    peer "VLANs: id 7" "arp icmp pcp 0" 7 0 7 10.7.0.9 10.7.0.1
    peer "VLANs: id 8, which answers with its own priority" "arp icmp pcp 4" 8 2 8 10.78.0.9 10.78.0.1
    peer "VLANs: frames of VLAN 0, a priority alone, are untagged ones" "arp icmp" 0 5 -1 10.6.0.9 10.6.0.1
    peer "VLANs: an id that there is not is not answered" "arp: None" 9 0 9 10.6.0.9 10.6.0.1
    peer "VLANs: nor the address of another VLAN" "arp: None" 7 0 7 10.6.0.9 10.6.0.1
    check "VLANs: frames of an id that there is not were counted" 1 \
        "$("$nst" vlan show t0.7 | awk '$1 == "trunk_rx_unknown_vlan:" {print ($2 > 0)}')"
}

test_vlans() {
    if ! vlan_device v tapv 7 10.7.0.2/24 fd07::2/64; then
        skip "VLANs: VLAN devices of the kernel" "the kernel has none (CONFIG_VLAN_8021Q)"
        return
    fi
    vlan_device v tapv 8 10.78.0.2/24
    in_ns v ip link set tapv.8 mtu 1400
    pings v 10.7.0.1 "VLANs: the kernel's, IPv4"
    pings v fd07::1 "VLANs: the kernel's, IPv6"
    pings v 10.78.0.1 "VLANs: the kernel's, another over the same TAP"
    needs nc "VLANs: TCP" || return
    head -c 20000000 /dev/urandom >"$work/data"
    local address
    for address in 10.7.0.1 fd07::1 10.78.0.1 10.6.0.1; do
        in_ns v timeout 120 nc -N $address 7 <"$work/data" >"$work/echoed"
        check "VLANs: 20 MB to the echo and back, $address" same "$(cmp -s "$work/data" "$work/echoed" && echo same)"
    done
    check "VLANs: the kernel saw no bad checksum" 0 "$(in_ns v cat /proc/net/snmp | awk '/^Tcp: [0-9]/ {print $15 + 0}')"
}

# 20,000 made-up stations from a, while b and c talk: the table is bounded, and c stays known.
test_flood() {
    cat >"$work/flood.py" <<'END'
import random, socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
random.seed(1)
for i in range(20000):
    mac = bytes([2]) + random.getrandbits(40).to_bytes(5, "big")
    s.send(bytes.fromhex("020000000801") + mac + bytes.fromhex("88b5") + bytes(46))
END
    pings b 10.8.0.4 "flood: b and c talk"
    in_ns a "$python" "$work/flood.py" tapa
    check "flood: the table is bounded" 1 "$("$nst" bridge -j | jq '.[0].fdb | length | if . <= 4096 and . > 500 then 1 else . end')"
    check "flood: a station in use is still known" tapc \
        "$("$nst" bridge show br0 | awk '$1 == "02:00:00:00:08:0c" {print $3}')"
    pings b 10.8.0.4 "flood: and reached"
}

run() { # NAME
    start "$work/bridge.conf"
    namespace a tapa 10.8.0.2/24 fd08::2/64
    namespace b tapb 10.8.0.3/24 fd08::3/64
    namespace c tapc 10.8.0.4/24 fd08::4/64
    namespace v tapv 10.6.0.2/24
    test_through
}

needs jq all || exit 0
python=/usr/bin/python3
[ -x $python ] || python=python3
needs $python all || exit 0
run
test_bulk "bulk with offloads"
in_ns b ethtool -K tapb rx off tx off tso off gso off gro off >/dev/null 2>&1
test_bulk "bulk to a kernel without offloads"
test_moves
test_isolation
test_ports
test_flood
test_vlan_over_bridge
test_vlans
test_raw_vlans
stop bridge
if [ -x "$sanitized_nst" ]; then
    for ns in a b c v; do ip netns del $ns; done
    up_nst=$sanitized_nst run
    test_isolation
    test_vlan_over_bridge
    test_vlans
    test_raw_vlans
    stop "under sanitizers"
fi
for ns in a b c v; do ip netns del $ns; done
exit $failed
