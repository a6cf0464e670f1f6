#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# nst up over a TAP of the kernel: ping, arping, the small services over both families, and nst nic, addr, route,
# neigh and stats by its control socket.
. "$(dirname "$0")/up_lib.sh"

cat >"$work/lab.conf" <<'END'
# one TAP, both families, all services
stack name lab memory 32m
nic add eth0 type tap dev tap0 address 02:00:00:00:00:aa
nic add lo type loopback
addr add 127.0.0.1/8 dev lo
addr add 10.9.0.1/24 dev eth0
addr add fd09::1/64 dev eth0 nodad
route add default via 10.9.0.2 metric 5
neigh add 10.9.0.77 lladdr 02:00:00:00:00:77 dev eth0
service add http
service add echo
service add discard proto tcp
service add chargen 1900
END

kernel_side() { # INTERFACE V4 V6
    ip addr add "$2" dev "$1" && ip link set "$1" up && ip addr add "$3" dev "$1" nodad ||
        not_ok "the kernel's side of $1" "ip failed"
}

test_reach() { # NAME
    pings 10.9.0.1 "$1: ping over IPv4"
    pings fd09::1 "$1: ping over IPv6"
    if needs arping "$1: arping"; then
        arping -q -c 2 -w 60 -I tap0 10.9.0.1 >/dev/null 2>&1
        check "$1: arping is answered" 0 $?
    fi
    check "$1: the kernel learnt the address of the config" 02:00:00:00:00:aa \
        "$(ip neigh show 10.9.0.1 dev tap0 | grep -oE '([0-9a-f]{2}:){5}[0-9a-f]{2}')"
}

# ask_by_udp ADDRESS PORT LINE: the line that comes back.
ask_by_udp() {
    exec 3<>"/dev/udp/$1/$2" && echo "$3" >&3 && timeout 60 head -n 1 <&3 # in one read
    exec 3>&-
}

test_services() { # NAME
    local address
    if needs curl "$1: http"; then
        for address in 10.9.0.1 '[fd09::1]'; do
            check "$1: http://$address/ is the page" 1 "$(curl -sg -m 60 "http://$address/" | grep -c '<h1>lab</h1>')"
        done
        check "$1: a path that is not there" 404 "$(curl -s -m 60 -o /dev/null -w '%{http_code}' http://10.9.0.1/x)"
        check "$1: only GET and HEAD" 405 "$(curl -s -m 60 -o /dev/null -w '%{http_code}' -X PUT http://10.9.0.1/)"
        needs jq "$1: http JSON" && check "$1: the page has JSON too" 10.9.0.1 \
            "$(curl -s -m 60 http://10.9.0.1/addr.json | jq -r '.[0].addr_info[0].local')"
    fi
    needs nc "$1: nc" || return
    for address in 10.9.0.1 fd09::1; do
        check "$1: echo by TCP, $address" "hello 1" "$(echo hello 1 | timeout 60 nc -N $address 7)"
        check "$1: echo by UDP, $address" "hello 2" "$(ask_by_udp $address 7 "hello 2")"
    done
    # 95 lines of 74 bytes are the whole pattern.
    check "$1: chargen repeats after 95 lines" same "$(timeout 60 nc 10.9.0.1 1900 </dev/null | head -c 14060 \
        >"$work/chargen"; cmp -s <(head -c 7030 "$work/chargen") <(tail -c 7030 "$work/chargen") && echo same)"
    head -c 3000000 /dev/urandom >"$work/data"
    check "$1: discard takes 3 MB" 0 "$(timeout 60 nc -N 10.9.0.1 9 <"$work/data" >/dev/null; echo $?)"
    timeout 60 nc -N 10.9.0.1 7 <"$work/data" >"$work/echoed"
    check "$1: echo gives 3 MB back" 0 "$(cmp -s "$work/data" "$work/echoed"; echo $?)"
}

test_show() { # NAME
    check "nic/N120: $1: nst addr" "    inet 10.9.0.1/24 scope global eth0" "$("$nst" addr show eth0 | grep 'inet 10')"
    check "nic/N120: $1: nst nic" "1: eth0: <BROADCAST,MULTICAST,UP> mtu 1500 state UP" "$("$nst" nic | head -1)"
    check "nic/N120: $1: nst route" "default via 10.9.0.2 dev eth0 metric 5" "$("$nst" route -4 | head -1)"
    check "$1: nst route get" "10.9.0.0/24 dev eth0" "$("$nst" route get 10.9.0.55 | cut -d' ' -f1-3)"
    check "nic/N120: $1: nst neigh, a static one" "10.9.0.77 dev eth0 lladdr 02:00:00:00:00:77 PERMANENT" \
        "$("$nst" neigh | grep PERMANENT)"
    check "$1: nst neigh, the kernel" "$(ip -br link show tap0 | awk '{print $3}')" \
        "$("$nst" neigh | awk '$1 == "10.9.0.2" {print $5}')"
    check "nic/N120: $1: nst stats is as ethtool -S" 1 "$("$nst" stats eth0 | grep -cE '^     rx_packets: [1-9][0-9]*$')"
    check "$1: nst stats of the stack" 1 "$("$nst" stats | grep -cE '^     tcp_[a-z_]+: [1-9]' | sed 's/[1-9][0-9]*/1/')"
    needs jq "$1: JSON" || return
    check "nic/N120: $1: nst addr -j" "10.9.0.1/24" \
        "$("$nst" addr -j | jq -r '.[] | select(.ifname == "eth0") | .addr_info[] | select(.family == "inet") | "\(.local)/\(.prefixlen)"')"
    check "nic/N120: $1: nst route -j -p" default "$("$nst" route -j -p | jq -r '.[0].dst')"
    check "nic/N120: $1: nst neigh -j" PERMANENT "$("$nst" neigh -j | jq -r '.[] | select(.dst == "10.9.0.77") | .state[0]')"
    check "nic/N120: $1: nst stats -j" true "$("$nst" stats -j eth0 | jq '.[0].rx_packets > 0')"
    check "nic/N120: $1: every name of nst stats is in docs/counters.md" "" "$({ "$nst" stats eth0; "$nst" stats; } |
        sed -n 's/^     \([a-z0-9_]*\):.*/\1/p' | while read -r counter; do
            grep -q "\`$counter\`" "$top/docs/counters.md" || [[ $counter = drop_* ]] || echo "$counter"; done)"
}

test_change() { # NAME
    "$nst" addr add 10.9.0.5/24 dev eth0
    pings 10.9.0.5 "$1: an address that was added answers"
    "$nst" addr del 10.9.0.5/24 dev eth0
    ping -q -c 1 -W 1 10.9.0.5 >/dev/null 2>&1
    check "$1: one that was deleted does not" 1 $?
    "$nst" nic set eth0 down
    ping -q -c 1 -W 1 10.9.0.1 >/dev/null 2>&1
    check "$1: nor a NIC that is down" 1 $?
    check "$1: which is shown" "1: eth0: <BROADCAST,MULTICAST> mtu 1500 state DOWN" "$("$nst" nic show eth0 | head -1)"
    "$nst" nic set eth0 up promisc on
    pings 10.9.0.1 "$1: it does when it is up again"
    check "$1: promisc on" 1 "$("$nst" nic show eth0 | grep -c PROMISC)"
    "$nst" nic set eth0 promisc off
    "$nst" neigh add 10.9.0.78 lladdr 02:00:00:00:00:78 dev eth0 &&
        "$nst" neigh add 10.9.0.79 lladdr 02:00:00:00:00:79 dev eth0 && "$nst" neigh del 10.9.0.78 dev eth0
    check "$1: neighbours are added and deleted" 10.9.0.79 "$("$nst" neigh | awk '/PERMANENT/ {print $1}')"
    "$nst" neigh flush dev eth0
    check "$1: flushed, but for static ones" "10.9.0.79 dev eth0 lladdr 02:00:00:00:00:79 PERMANENT" "$("$nst" neigh)"
    "$nst" neigh flush dev eth0 nud all
    check "$1: and with nud all those too" "" "$("$nst" neigh)"
    "$nst" neigh set dev eth0 base_reachable 100ms delay_probe 200ms ucast_probes 5
    pings 10.9.0.1 "$1: settings of neighbours are taken"
    wait_for sh -c '"$0" neigh show eth0 -4 | grep -qE "STALE|DELAY"' "$nst"
    check "$1: a neighbour goes stale when it is told to" 0 $?
    "$nst" route add 192.0.2.0/24 via 10.9.0.2 && "$nst" route del default
    check "$1: routes are added and deleted" "192.0.2.0/24 via 10.9.0.2 dev eth0" "$("$nst" route -4 | grep via)"
    "$nst" nic set eth0 name lan && "$nst" addr add 10.9.0.6/24 dev lan valid_lft 600 preferred_lft 300
    check "$1: a NIC is renamed, and an address has its lifetimes" 1 \
        "$("$nst" addr show lan | grep -A1 -F 10.9.0.6 | grep -cE 'valid_lft (600|59[0-9])sec preferred_lft (300|29[0-9])sec')"
    "$nst" addr change 10.9.0.6 dev lan deprecated on
    check "$1: an address is changed" 1 "$("$nst" addr show lan | grep -F 10.9.0.6 | grep -c deprecated)"
    "$nst" nic set lan name eth0 mtu 1400 forwarding on
    check "$1: MTU and forwarding are set" "1: eth0: <BROADCAST,MULTICAST,FORWARDING,UP> mtu 1400 state UP" \
        "$("$nst" nic show eth0 | head -1)"
    ping -q -c 1 -W 60 -s 3000 10.9.0.1 >/dev/null
    check "$1: and large pings still come back" 0 $?
    "$nst" nic set eth0 mtu 1500 forwarding off
    "$nst" nic add p0 type pipe && "$nst" addr add 10.44.0.1/24 dev p0 && "$nst" nic del p0
    check "$1: a NIC comes and goes, its routes too" "" "$("$nst" route | grep p0)"
}

# refused NAME WHAT COMMAND...: fails, and says WHAT.
refused() {
    local said
    said=$("${@:3}" 2>&1) && { not_ok "$1" "it was done"; return; }
    case $said in *"$2"*) ok "$1" ;; *) not_ok "$1" "it says '$said'" ;; esac
}

test_refusals() { # NAME
    refused "$1: an unknown NIC" "there is no NIC 'eth9' (ENOENT): nic show" "$nst" addr add 1.2.3.4/24 dev eth9
    refused "$1: a second address of the same" "EEXIST" "$nst" addr add 10.9.0.1/24 dev eth0
    refused "$1: no address" "'10.9.0' is no ADDRESS/LENGTH" "$nst" addr add 10.9.0 dev eth0
    refused "$1: a word too many" "'foo' is not known here" "$nst" route add default via 10.9.0.2 foo
    refused "$1: a gateway that nothing leads to" ENETUNREACH "$nst" route add default via 203.0.113.1
    refused "$1: an instance that is not there" "no such run" "$nst" addr -s nobody
    refused "$1: the name is taken" EADDRINUSE "$nst" up --name lab /dev/null
}

config_fails() { # NAME EXPECTED TEXT
    printf '%b' "$3" >"$work/bad.conf"
    check "$1" "$work/bad.conf:$2" "$("$nst" up --check "$work/bad.conf" 2>&1)"
}

test_config() {
    config_fails "config: an unknown word has its line and column" \
        "2:1: 'nik' is none of: stack, nic, bridge, vlan, addr, route, neigh, stats, service" '# x\nnik add eth0\n'
    config_fails "config: a wrong number" "1:18: '70000' is no number from 68 to 65535: write one" 'nic add eth0 mtu 70000'
    config_fails "config: a quote that is not closed" \
        '1:9: this quote is not closed: write a " where the word ends' 'nic add "eth0'
    config_fails "config: the stack comes first" \
        "2:1: the stack was made for the lines before: 'stack' stands first" 'nic add a type pipe\nstack memory 8m\n'
    printf 'nic add a type pipe\naddr add 10.0.0.1/24 dev b\n' >"$work/bad.conf"
    check "config: what cannot be done has its line and column" \
        "$work/bad.conf:2:26: there is no NIC 'b' (ENOENT): nic show lists them" "$("$nst" up "$work/bad.conf" 2>&1)"
    check "config: a file that is not there" "nst up: cannot read $work/none (ENOENT): is that where the config is?" \
        "$("$nst" up "$work/none" 2>&1)"
}

# Two instances, each with its own TAP, the same addresses inside.
test_two() {
    local first=$up
    printf 'stack name other\nnic add eth0 dev tap1\naddr add 10.10.0.1/24 dev eth0\nservice add echo\n' >"$work/other.conf"
    start "$work/other.conf"
    kernel_side tap1 10.10.0.2/24 fd10::2/64
    pings 10.10.0.1 "two instances: the second one answers"
    pings 10.9.0.1 "two instances: so does the first"
    refused "two instances: one must be chosen" "there are several" "$nst" addr
    "$nst" addr add 10.10.0.9/24 dev eth0 -s other
    check "two instances: what one is told the other does not know" "0 1" \
        "$("$nst" addr -s lab | grep -c 10.10.0.9) $("$nst" addr -s other | grep -c 10.10.0.9)"
    check "two instances: counters are their own" different \
        "$(cmp -s <("$nst" stats eth0 -s lab) <("$nst" stats eth0 -s other) || echo different)"
    check "two instances: nst capture --list has both" "lab other" \
        "$("$nst" capture --list | awk 'NR > 1 {print $1}' | sort | xargs)"
    stop "two instances: the second one"
    up=$first
    pings 10.9.0.1 "two instances: the first goes on"
}

# It serves without capabilities and with a filter, and opens devices all the same, by a process of its own.
test_confined() {
    local status=/proc/$up/status opener
    check "confined: no new privileges, no capability" "1 0000000000000000 0000000000000000" \
        "$(awk '/^(NoNewPrivs|CapPrm|CapEff):/ {print $2}' "$status" | sort -r | xargs)"
    opener=$(pgrep -P "$up")
    check "confined: the process that opens devices has two of them" "1 0000000000003000 0000000000003000" \
        "$(awk '/^(NoNewPrivs|CapPrm|CapEff):/ {print $2}' "/proc/$opener/status" | sort -r | xargs)"
    if ldd "$nst" | grep -q libseccomp; then
        check "confined: both to certain system calls" "2 2" \
            "$(awk '/^Seccomp:/ {print $2}' "$status" "/proc/$opener/status" | xargs)"
    else
        skip "confined: both to certain system calls" "nst was built without libseccomp"
    fi
    "$nst" nic add eth8 type tap dev tap8 && "$nst" addr add 10.98.0.1/24 dev eth8 &&
        ip addr add 10.98.0.2/24 dev tap8 && ip link set tap8 up
    pings 10.98.0.1 "confined: a TAP that is added later answers"
    "$nst" nic del eth8
    wait_for sh -c '! ip link show tap8'
    check "confined: and goes with its NIC" 0 $?
    "$nst" nic add tun8 type tun && "$nst" nic del tun8
    check "confined: a TUN comes and goes" 0 $?
    if ip link add veth8 type veth peer name veth9 2>/dev/null; then
        ip link set veth8 mtu 1400 up && ip link set veth9 up && ip addr add 10.99.0.2/24 dev veth9
        "$nst" nic add p8 type packet dev veth8 && "$nst" addr add 10.99.0.1/24 dev p8
        pings 10.99.0.1 "confined: a packet socket that is added later answers"
        check "confined: with the MTU of its interface" 1 "$("$nst" nic show p8 | grep -c 'mtu 1400')"
        "$nst" nic del p8
        ip link del veth8
    else
        skip "confined: a packet socket that is added later answers" "no veth in this kernel"
    fi
    refused "confined: an interface that is not there" "cannot open the interface 'none' (ENO" "$nst" nic add none type packet
}

# What should not be possible: a call that serving does not need is the end of it, and of the other process.
test_planted() {
    needs gdb "confined: a planted call" || return
    ldd "$nst" | grep -q libseccomp || return
    local first=$up opener
    printf 'stack name victim\nnic add a type pipe\n' >"$work/victim.conf"
    start "$work/victim.conf" -v
    check "confined: -v says so" 1 "$(grep -cE '^nst up: confined: no capabilities, no_new_privs, [0-9]+ rules' "$work/up.$ups")"
    opener=$(pgrep -P "$up")
    timeout 60 gdb -q -nx -batch -p "$up" -ex 'set confirm off' -ex 'print ((int (*)(int, int, int))socket)(2, 1, 0)' \
        </dev/null >"$work/gdb" 2>&1
    timeout 60 tail --pid="$up" -f /dev/null || kill -9 "$up"
    { wait "$up"; } 2>/dev/null
    check "confined: a planted call ends it by SIGSYS" 159 $?
    timeout 60 tail --pid="$opener" -f /dev/null
    check "confined: and the process that opens devices with it" 0 $?
    up=$first
}

# Many at once: each one gets the page, whole.
test_many() {
    needs curl "many clients" || return
    local n
    for n in $(seq 40); do curl -s -m 60 -o "$work/page.$n" http://10.9.0.1/ & done
    for n in $(jobs -p); do [ "$n" = "$up" ] || wait "$n"; done
    check "many clients: 40 pages at once" 40 "$(grep -l '</html>' "$work"/page.* | wc -l)"
}

lab() { # NAME
    start "$work/lab.conf"
    kernel_side tap0 10.9.0.2/24 fd09::2/64
    test_reach "$1"
    test_services "$1"
    test_show "$1"
}

lab up
test_change up
test_refusals up
test_config
test_two
test_confined
test_planted
test_many
stop up
if [ -x "$sanitized_nst" ]; then
    up_nst=$sanitized_nst lab "under sanitizers"
    stop "under sanitizers"
fi
if [ "$(id -u)" = 0 ] && needs jq "nst run"; then
    "$nst" run --name watched -- sleep 1000 2>/dev/null &
    run=$!
    wait_for "$nst" addr -s watched
    check "nst run is shown too" "nst0 10.0.2.2" \
        "$("$nst" addr -j -s watched | jq -r '.[0] | "\(.ifname) \(.addr_info[0].local)"')"
    check "its counters" 1 "$("$nst" stats -s watched nst0 | grep -c '^     rx_packets: ')"
    refused "but not changed" "can be looked at, but not changed (EPERM)" "$nst" addr add 1.2.3.4/24 dev nst0 -s watched
    kill $run
    wait $run
fi
exit $failed
