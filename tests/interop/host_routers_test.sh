#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Router advertisements, with the kernel as router.
. "$(dirname "$0")/host_lib.sh"

advertise() { $python "$here/host_advertise.py" nst0 "$@" 2>"$work/scapy" || not_ok "an advertisement is sent" "$(tail -n 1 "$work/scapy")"; }

test_router() {
    local mine
    $python -c 'import scapy.all' 2>/dev/null || { skip "routers" "no scapy (apt-get install python3-scapy)"; return; }
    sysctl -qw net.ipv6.conf.all.forwarding=1
    start
    ip link set nst0 up
    ip addr add 2001:db8:77::1/64 dev nst0 nodad
    ip addr add 2001:db8:99::1/128 dev lo nodad
    capture
    go
    within "routers: the link-local address is assigned" 'addr fe80::.* assigned' ask show
    check "routers: nobody gave an address yet" "" "$(ask show | grep slaac)"
    advertise 600 2001:db8:77:: 3600 1800
    within "routers: the prefix gives an address" 'addr 2001:db8:77:.*/64 slaac assigned' ask show
    check "routers: the router is the default route" 1 "$(ask show | grep -c '^route ::/0 via fe80::')"
    check "routers: the prefix is on link" 1 "$(ask show | grep -c '^route 2001:db8:77::/64 via ::$')"
    mine=$(ask show | sed -n 's|^addr \(2001:db8:77:.*\)/64 slaac.*|\1|p')
    answered "routers: the kernel pings the address" "$mine"
    answered "routers: it answers to afar, by the router" -I 2001:db8:99::1 "$mine"
    check "routers: with the hop limit that the router said" 61 \
        "$(ping -6 -c 1 -w 60 -I 2001:db8:99::1 "$mine" | grep -oE 'ttl=[0-9]+' | cut -d= -f2)"
    answered "routers: and in pieces of the router's MTU" -s 1440 "$mine"
    advertise 0
    without "routers: a router that is none any more" '^route ::/0' ask show
    # A prefix of its own with a short life, which the two hours do not concern: it begins so.
    advertise 3 2001:db8:78:: 9 3
    within "routers: a short-lived address" 'addr 2001:db8:78:.* slaac' ask show
    within "routers: is deprecated" 'addr 2001:db8:78:.* deprecated' ask show
    without "routers: and removed at the end of its life" 'addr 2001:db8:78:' ask show
    without "routers: so is the router" '^route ::/0' ask show
    without "routers: and the prefix" '^route 2001:db8:78::' ask show
    echo down >&5
    without "routers: a NIC that goes down forgets" 'slaac' ask show
    echo up >&5
    within "routers: and comes up again" 'addr fe80::.* assigned' ask show
    sleep 2
    advertise 600 2001:db8:77:: 3600 1800
    within "routers: with the same address" "addr $mine/64 slaac assigned" ask show
    stop routers
    end_capture
    have tshark || { skip "routers: tshark" "no tshark (apt-get install tshark)"; return; }
    read_capture
    check "routers: tshark sees solicitations with hop limit 255 and the link address" "ff02::2 02:00:00:77:00:02" \
        "$(seen 'icmp6 == 133 && hops == 255 && sum6 == 1' 'to6 " " mac')"
    check "routers: tshark finds nothing malformed, and right checksums" "" "$(seen "$is_wrong" NR)"
    check "routers: echo replies are cut at 1,400" "1" "$(seen 'fragment != ""' 'length6' | tr ' ' '\n' |
        sort -n | awk 'END { print ($1 <= 1360 && $1 > 1200) + 0 }')"
}

test_temporary() {
    $python -c 'import scapy.all' 2>/dev/null || { skip "temporary" "no scapy (apt-get install python3-scapy)"; return; }
    start temporary
    ip link set nst0 up
    ip addr add 2001:db8:77::1/64 dev nst0 nodad
    go
    within "temporary: the link-local address is assigned" 'addr fe80::.* assigned' ask show
    advertise 600 2001:db8:77:: 3600 1800
    within "temporary: a second address is made" 'addr 2001:db8:77:.* temporary assigned' ask show
    within "temporary: beside the stable one" 'addr 2001:db8:77:.* slaac assigned' ask show
    local mine
    mine=$(ask show | sed -n 's|^addr \(2001:db8:77:.*\)/64 temporary.*|\1|p')
    answered "temporary: it answers" "$mine"
    stop temporary
}

case $0 in # host_temporary_test.sh has its own limit of time
*_temporary_test.sh) test_temporary ;;
*) test_router ;;
esac
exit $failed
