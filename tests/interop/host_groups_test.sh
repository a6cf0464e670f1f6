#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Groups, with a bridge of the kernel as querier, nst1, which writes down whom it hears on its port, nst0.
. "$(dirname "$0")/host_lib.sh"

# queries: how often the querier has asked, for IPv4 and IPv6; await_queries NAME N: N times more, of each.
queries() {
    ip link xstats type bridge dev nst1 | awk '/queries:/ {of = $1}
        of && /RX:/ {for (i = 3; i <= NF; i += 2) n[of] += $i; of = ""} END {print n["IGMP"] + 0, n["MLD"] + 0}'
}
await_queries() {
    local four six
    read -r four six <<<"$(queries)"
    wait_until 60 has_asked $((four + $2)) $((six + $2)) || not_ok "$1: the querier asks" "$(queries) queries since $four $six"
    ask show >/dev/null # what came meanwhile was received
}
has_asked() {
    local four six
    read -r four six <<<"$(queries)"
    [ "$four" -ge "$1" ] && [ "$six" -ge "$2" ]
}
mdb() { bridge mdb show dev nst1; }

# test_groups VERSION4 VERSION6 REPORT4 REPORT6: the querier's versions, and the types of what is to be seen.
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
    within "$name: the link-local address is assigned" 'addr fe80::.* assigned' ask show
    await_queries "$name" 1
    echo "join 239.77.1.1" >&5
    echo "join ff05::77:1" >&5
    within "$name: the kernel's querier hears of the IPv4 group" 'grp 239\.77\.1\.1' mdb
    within "$name: the kernel's querier hears of the IPv6 group" 'grp ff05::77:1' mdb
    await_queries "$name" 2 # and then it is still there
    within "$name: queries are answered" 'grp 239\.77\.1\.1' mdb
    within "$name: queries for IPv6 are answered" 'grp ff05::77:1' mdb
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
    within "$name: what the kernel sends to the groups arrives" '^6$' ask count
    echo "leave 239.77.1.1" >&5
    echo "leave ff05::77:1" >&5
    without "$name: the kernel's querier hears that the IPv4 group is left" 'grp 239\.77\.1\.1' mdb
    without "$name: the kernel's querier hears that the IPv6 group is left" 'grp ff05::77:1' mdb
    stop "$name"
    end_capture
    ip link del nst1
    have tshark || { skip "$name: tshark" "no tshark (apt-get install tshark)"; return; }
    read_capture
    local right='ttl == 1 && tos == "0xc0" && alert == 0 && alert != ""' right6='hops == 1 && alert6 == 0 && alert6 != ""'
    local mld='(icmp6 == 131 || icmp6 == 132 || icmp6 == 143)'
    # Before it hears a query of version 2 a host speaks the newest.
    [ "$1" = 3 ] || right+=' && igmp != "0x22"' right6+=' && icmp6 != 143'
    check "$name: tshark sees these IGMP messages, with TTL 1, TOS 0xc0 and router alert" "$3" \
        "$(seen "igmp != \"\" && $right" igmp)"
    check "$name: tshark sees these MLD messages, with hop limit 1 and router alert" "$4" "$(seen "$mld && $right6" icmp6)"
    check "$name: tshark finds nothing malformed, and right checksums" "" "$(seen "$is_wrong" NR)"
    if [ "$1" = 2 ]; then
        check "$name: nobody speaks of a group in the new versions" "" \
            "$(seen '(igmp == "0x22" && group ~ /239.77.1.1/) || group6 ~ /ff05::77:1/' NR)"
        return
    fi
    check "$name: and no others" "" "$(seen "igmp != \"\" && !($right) || $mld && !($right6)" NR)"
    # Type 4: changed to exclude (nothing): joined; 3: changed to include (nothing): left; 2: excludes nothing.
    check "$name: tshark reads joins, answers and leaves over IPv4" "2 3 4" "$(seen 'group ~ /239.77.1.1/' record)"
    check "$name: tshark reads joins, answers and leaves over IPv6" "2 3 4" \
        "$(seen 'group6 ~ /ff05::77:1/' record6 | tr ', ' '\n\n' | sort -u | xargs)"
}

case $0 in # host_groups_old_test.sh is the same for the old versions: each has its own limit of time
*_old_test.sh) test_groups 2 1 "0x16 0x17" "131 132" ;;
*) test_groups 3 2 0x22 143 ;;
esac
exit $failed
