#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What captures say besides the packets: why they were dropped, refused, or sent again, and names.
. "$(dirname "$0")/run_lib.sh"
. "$here/capture_lib.sh"

test_policy_and_drops() {
    local file=$work/$who-b.pcapng said
    run 20 --no-host-loopback --pcap "$file" -- $python "$work/run_client.py" denied "$echo"
    said=$(comments "$file")
    seen "$who: a denied flow says by what" $'^10.0.2.15\t10.0.2.2\tpolicy: denied by --no-host-loopback' "$said"
    seen "$who: and that it was dropped" 'dropped: request_ended: ' "$said"
    check_good "$who: denied" "$file"
    run 20 --pcap "$file" -- $python -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.sendto(b"x", ("10.0.2.255", 9))
s.sendto(b"x", ("224.0.0.251", 5353))'
    said=$(comments "$file")
    seen "$who: a drop has its reason, in a word and a sentence" $'10.0.2.255\tdropped: [a-z_]+: [a-z]' "$said"
    seen "$who: of multicast too" $'224.0.0.251\tdropped: [a-z_]+: [a-z]' "$said"
}

# lossy COUNT RULE...: a download of which the first COUNT packets that match RULE are lost, captured in $file.
lossy() {
    run 60 --json --mtu 1500 --pcap "$file" -- sh -c '
        count=$1 url=$2
        shift 2
        iptables -A INPUT "$@" -j DROP || exit
        { until iptables -nvxL INPUT | awk -v n=$count "/DROP/ && \$1 >= n {found = 1} END {exit !found}"; do sleep 0.05; done
            iptables -F INPUT; } &
        curl -s -o /dev/null "$url"
        wait' sh "$1" "http://10.0.2.2:$http/small" "${@:2}"
}

test_retransmissions() {
    local file=$work/$who-c.pcapng said
    if [ "$(id -u)" != 0 ] || ! needs iptables "retransmissions"; then return; fi
    who=root
    run 60 --json --mtu 1500 --pcap "$file" -- sh -c "iptables -A INPUT -p tcp -m length --length 1000:65535 -m statistic \
        --mode nth --every 50 --packet 7 -j DROP && $get:$http/medium"
    check "with loss the download is whole" 0 $?
    said=$(comments "$file")
    seen "fast retransmissions say so" $'^10.0.2.2\t10.0.2.15\tretransmit_fast: ' "$said"
    check_good "with loss" "$file"
    check_counts "with loss" "$file"
    check "what tshark takes for a retransmission has a comment" 0 \
        "$(count_of "$file" 'tcp.analysis.fast_retransmission && ip.src == 10.0.2.2 && !frame.comment')"
    check "what has the comment was sent before" 0 "$(dissect "$file" -Y 'ip.src == 10.0.2.2 && tcp.len > 0' -T fields \
        -e tcp.seq -e tcp.len -e frame.comment | awk -F'\t' '/retransmit/ && $1 >= end {n++} $1 + $2 > end {end = $1 + $2}
        END {print n + 0}')"
    lossy 4 -p tcp -m length --length 1000:65535
    said=$(comments "$file")
    seen "timeouts say so" 'retransmit_timeout: ' "$said"
    lossy 3 -p tcp --tcp-flags SYN,ACK SYN,ACK
    said=$(comments "$file")
    seen "a handshake that was not answered says so" 'retransmit_syn: ' "$said"
}

test_names() {
    local file=$work/$who-d.pcapng said
    needs dnsmasq "$who: names" || return
    start_names --listen-address=127.0.0.1 --address=/here.test/10.0.2.2 --address=/six.test/2001:db8::6 \
        --cname=alias.test,here.test
    run 20 --dns 127.0.0.1:$dns_port --pcap "$file" -- sh -c "$python -c 'import socket
for name in \"here.test\", \"six.test\":
    print(socket.getaddrinfo(name, 80)[0][4][0])'; curl -s -o /dev/null http://here.test:$http/small" >"$work/out"
    said=$(dissect "$file" -q -z hosts)
    seen "$who: an IPv4 name that our DNS answered is in it" $'^10.0.2.2\there.test' "$said"
    seen "$who: an IPv6 name too" $'^2001:db8::6\tsix.test' "$said"
    check "$who: tshark shows the name" here.test "$(dissect "$file" -N n -Y 'tcp.flags.syn == 1' -T fields -e ip.dst_host | head -n 1)"
    check_good "$who: names" "$file"
    stop_names
}

who=${users##* }
test_policy_and_drops
test_names
test_retransmissions
check_nothing_left "nothing is left behind"
stop_servers
exit $failed
