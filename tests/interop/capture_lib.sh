#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sourced after run_lib.sh by capture_test.sh, capture_why_test.sh and capture_live_test.sh: captures, judged by tshark.

wrong='_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || '
wrong+='icmp.checksum.status == 0 || icmpv6.checksum.status == 0 || ip.flags.rb == 1 || tcp.flags.res != 0 || _ws.expert.severity >= 0x00800000'
checks=(-o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE)

# dissect FILE ARGUMENTS...: tshark with all checksum checks on; it speaks of root and no more on stderr.
dissect() {
    local file=$1
    shift
    HOME=$work tshark "${checks[@]}" -r "$file" "$@" 2>"$work/tshark.err"
}
# count_of FILE FILTER: how many packets match.
count_of() { dissect "$1" -Y "$2" -T fields -e frame.number | wc -l; }
# packets FILE: how many there are, as capinfos counts.
packets() { capinfos -Mc "$1" 2>/dev/null | awk '/^Number of packets/ {print $NF}'; }
# comments FILE: each comment, with what it stands at, a line.
comments() { dissect "$1" -Y frame.comment -T fields -e ip.src -e ip.dst -e frame.comment; }

# check_good NAME FILE: not one packet with anything wrong, and what has a checksum was checked. In one pass.
check_good() {
    local counts
    counts=$(dissect "$2" -o tcp.desegment_tcp_streams:FALSE -q \
        -z "io,stat,0,$wrong,(tcp || udp) && !icmp,(tcp.checksum.status == 1 || udp.checksum.status == 1) && !icmp" |
        awk -F'|' '/<>/ {print $3 + 0, $5 + 0, $7 + 0}')
    if [ "${counts%% *}" = 0 ] && ! grep -v '^Running as user' "$work/tshark.err" | grep -q .; then
        ok "$1: tshark finds nothing wrong"
    else
        not_ok "$1: tshark finds nothing wrong" "$(dissect "$2" -Y "$wrong" -T fields -e frame.number -e frame.protocols \
            -e _ws.expert.message | head -n 3) $counts $(cat "$work/tshark.err")"
    fi
    # shellcheck disable=SC2086 # three numbers
    set -- "$1" $counts
    check "$1: every checksum was checked" "${3:-none}" "${4:-}"
}
# member NAME: of the last JSON summary.
member() { grep -o "\"$1\":[0-9.]*" "$work/err" | cut -d: -f2; }
# check_counts NAME FILE: what the NIC received and sent.
check_counts() { check "$1: rx_packets + tx_packets are in it" "$(($(member rx_packets) + $(member tx_packets)))" "$(packets "$2")"; }
# seen NAME PATTERN TEXT
seen() { grep -qE -- "$2" <<<"$3" && ok "$1" || not_ok "$1" "$(head -c 500 <<<"$3")"; }
# begin NAME ARGUMENTS...: `nst run --name NAME` in the background; waits until it can be spoken to; sets $pid.
begin() {
    local name=$1
    shift
    rm -f "$work/go"
    (as_exec "$nst" run --name "$name" "$@") 2>"$work/err.$name" >"$work/out.$name" &
    pid=$!
    wait_until 60 is_listed "$name" || not_ok "$name can be spoken to" "$(cat "$work/err.$name")"
}
is_listed() { as "$nst" capture --list 2>/dev/null | grep -q "^$1 "; }
as() { (as_exec "$@"); }
# go NAME COUNT: lets the program of run NAME (which is `$wait; ...`) go on when COUNT clients capture it.
wait="until [ -e $work/go ]; do sleep 0.05; done"
go() {
    wait_until 60 has_captures "$1" "$2"
    touch "$work/go"
}
has_captures() { [ "$("$nst" capture --list --json 2>/dev/null | jq ".[] | select(.name == \"$1\") | .captures")" = "$2" ]; }
get="curl -s -o /dev/null http://10.0.2.2"

needs tshark "captures" || exit 0
needs curl "captures" || exit 0
needs jq "captures" || exit 0
head -c 100000 /dev/urandom >"$work/small"
head -c 24M /dev/urandom >"$work/medium"
chmod 644 "$work/small" "$work/medium"
start_servers
remember
