#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The flows of `nst run`: many at once, half-closed, reset, refused; UDP of every size; no descriptors left.
. "$(dirname "$0")/run_lib.sh"

test_tcp() {
    client "half-close by the client: the whole answer comes" 30 -- half_close_by_client "$answer_after_end"
    client "half-close by the server: everything still arrives" 30 -- half_close_by_server "$end_then_read" "$result"
    client "a connection without a byte of payload" 30 -- empty_stream "$end_then_read" "$result"
    client "a server that resets: ECONNRESET" 30 -- reset_by_server "$resets"
    client "what came before a reset can be read" 30 -- reset_midway "$resets_midway"
    client "a client that resets: ECONNRESET outside" 30 -- reset_by_client "$watches_reset" "$result"
    client "nobody listens: ECONNREFUSED at once" 30 -- refused "$nobody"
    [ "$(id -u)" != 0 ] || client "no route outside: unreachable at once" 30 -- unreachable 198.51.100.1
    client "an address inside that nobody has: unreachable at once" 30 -- unreachable 10.0.2.77
    client "an upload and a download at once on one connection" 30 -- both_ways "$both_ways" "$result" 16
}

test_udp() {
    local sizes="1 2 7 63 64 511 548 549 1471 1472 1473 2953 8972 9000 32767 65491 65492 65493 65506 65507"
    # shellcheck disable=SC2086 # words
    for mtu in 65520 1500 576; do
        client "UDP echo of 1 to 65,507 bytes, --mtu $mtu" 60 --mtu $mtu -- udp_exact "$udp,$udp2" $sizes
    done
    client "UDP in segments that are cut late" 30 -- udp_segments "$udp" 1200 40
    client "a UDP port that is closed: ECONNREFUSED at once" 30 -- udp_refused "$closed"
    if [ "$(id -u)" = 0 ]; then
        client "UDP without a route outside: unreachable" 30 -- udp_unreachable 198.51.100.1
        client "what ICMP outside says of UDP is said inside" 30 -- udp_reported "$complain"
        run 20 --json -- $python "$work/run_client.py" udp_refused "$closed"
        grep -q '"failed":5' "$work/err" && ok "and such flows are told as failed" ||
            not_ok "and such flows are told as failed" "$(cat "$work/err")"
    fi
    client "UDP flows side by side" 30 -- udp_many "$udp,$udp2,$udp3" 300
    [ "$(id -u)" != 0 ] || client "UDP to several addresses from one socket" 30 -- udp_world "$udp"
}

# 500 connections and 64 descriptors: all served or refused, and nst does not spin meanwhile.
test_few_descriptors() {
    rm -f "$work/out"
    (ulimit -n 64 && as_exec timeout -k 5 240 "$nst" run -q -- sh -c '
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            "$1" "$2" hold "$3" 45 &
        done
        "$1" "$2" hold "$3" 50
        wait' sh $python "$work/run_client.py" "$echo") >"$work/out" 2>"$work/err" &
    local outer=$! pid="" ticks=0 now
    while kill -0 $outer 2>/dev/null; do
        [ -n "$pid" ] || pid=$(pgrep -P $outer -x nst)
        now=$(awk '{print $14 + $15}' "/proc/${pid:-0}/stat" 2>/dev/null)
        [ -n "$now" ] && ticks=$now
        sleep 0.1
    done
    wait $outer
    check "500 connections with 64 descriptors: all served or refused" "0 500" \
        "$? $(awk '{n += $1 + $2} END {print n + 0}' "$work/out")"
    [ "$(awk '{n += $1} END {print n + 0}' "$work/out")" -ge 100 ] && ok "and no few were served" ||
        not_ok "and no few were served" "$(tr '\n' ';' <"$work/out") $(tail -n 2 "$work/err")"
    [ -n "$pid" ] && [ "$ticks" -lt $((4 * $(getconf CLK_TCK))) ] && ok "and nst did not spin" ||
        not_ok "and nst did not spin" "$ticks ticks of CPU"
}

start_servers
remember
test_tcp
client "2,000 connections of 64 KiB at once, all exact" 90 -- parallel "$echo" 2000 65536
test_udp
test_few_descriptors
check_nothing_left "nothing is left behind"
if use_sanitized; then
    client "with sanitizers: 200 connections at once" 60 -- parallel "$echo" 200 65536
    client "with sanitizers: half-close" 60 -- half_close_by_client "$answer_after_end"
    client "with sanitizers: the other half-close" 60 -- half_close_by_server "$end_then_read" "$result"
    client "with sanitizers: resets" 60 -- reset_midway "$resets_midway"
    client "with sanitizers: a client that resets" 60 -- reset_by_client "$watches_reset" "$result"
    client "with sanitizers: nobody listens" 60 -- refused "$nobody"
    client "with sanitizers: a closed UDP port" 60 -- udp_refused "$closed"
    client "with sanitizers: UDP in fragments" 60 --mtu 1500 -- udp_exact "$udp,$udp2" 1 1473 8972 65507
    check_sanitizers "with sanitizers: nothing to say, no leak at exit"
else
    skip "with sanitizers" "there is no $sanitized/nst"
fi
stop_servers
exit $failed
