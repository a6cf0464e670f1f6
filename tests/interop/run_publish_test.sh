#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Published ports, `nst run -p`: the servers of run_server.py inside, their clients outside.
. "$(dirname "$0")/run_lib.sh"

FIRST=7000 # the servers' ports inside: run_server.py counts from here
COUNT=20
ECHO='import asyncio, sys
async def echo(reader, writer):
    writer.write(await reader.read(100))
    await reader.read()
    writer.close()
async def main():
    await asyncio.start_server(echo, "0.0.0.0", int(sys.argv[1]), backlog=1000)
    print("ready", flush=True)
    await asyncio.sleep(1000)
asyncio.run(main())'

# start_inside: run_server.py inside nst, its ports published on free ones of the host; sets $http
# $echo ... to the host's ports, and $nst_pid.
start_inside() {
    local publish=() n
    for ((n = FIRST; n < FIRST + COUNT; n++)); do
        publish+=(-p "0:$n" -p "0:$n/udp")
    done
    rm -f "$work/inside" "$work/err"
    (as_exec "$nst" run -v "${publish[@]}" -- $python "$work/run_server.py" "$work" $FIRST) \
        >"$work/inside" 2>"$work/err" </dev/null &
    nst_pid=$!
    wait_until 60 says_or_ends $nst_pid '^ready' "$work/inside"
    grep -q '^ready' "$work/inside" || { not_ok "$who: a server runs inside" "$(tail -n 3 "$work/err")"; exit 1; }
    local name port kind
    while IFS== read -r name port; do
        case $name in udp*|closed) kind=udp ;; *) kind=tcp ;; esac
        port=$(sed -n "s/^nst: $kind 0.0.0.0 port \([0-9]*\) is the program's port $port$/\1/p" "$work/err")
        eval "$name=$port"
    done < <(grep = "$work/inside")
}
# stop_inside NAME: ends it; the program is what is ended by the signal.
stop_inside() {
    kill $nst_pid
    wait $nst_pid
    check "$1" 143 $?
}

# outside NAME SCENARIO ARGUMENTS...: a scenario of run_client.py against the published ports.
outside() {
    local name=$1 said status=0
    shift
    said=$(NST_TEST_HOST=${host:-127.0.0.1} timeout -k 5 240 $python "$work/run_client.py" "$@" 2>&1) || status=$?
    if [ $status = 0 ]; then ok "$who: $name"; else
        not_ok "$who: $name" "status $status: $(tail -n 3 <<<"$said") $(tail -n 2 "$work/err")"; fi
}

test_bulk() {
    local sum got
    [ -e "$work/big" ] || head -c 100000000 /dev/urandom >"$work/big"
    chmod 644 "$work/big"
    sum=$(sha256sum <"$work/big" | cut -d' ' -f1)
    got=$(timeout 240 curl -sS "http://127.0.0.1:$http/big" | sha256sum | cut -d' ' -f1)
    check "$who: 100 MB from the program, byte for byte" "$sum" "$got"
    got=$(timeout 240 curl -sS -T "$work/big" "http://127.0.0.1:$http/")
    check "$who: 100 MB to the program, byte for byte" "$sum" "$got"
    outside "both ways at once on one connection" both_ways "$both_ways" "$result" 16
    outside "200 connections at once" parallel "$echo" 200 65536
}

test_ends() {
    outside "half-close by the client" half_close_by_client "$answer_after_end"
    outside "half-close by the program" half_close_by_server "$end_then_read" "$result"
    outside "a connection without a byte of payload" empty_stream "$end_then_read" "$result"
    outside "a program that resets" reset_by_server "$resets"
    outside "what came before a reset can be read" reset_midway "$resets_midway"
    outside "a client that resets" reset_by_client "$watches_reset" "$result"
    outside "nobody listens inside: reset" reset_at_once "$nobody"
}

test_udp() {
    outside "UDP of 1 to 65,507 bytes comes back" udp_exact "$udp,$udp2" 1 2 1472 1473 8972 65507
    outside "300 UDP clients, each with its answers" udp_many "$udp,$udp2,$udp3" 300
}

# The loopback is the gateway; who has an address keeps it, and its port.
test_addresses() {
    outside "a client on the loopback is 10.0.2.2" who "$seen" "$udp_seen" 127.0.0.1 127.0.0.1 10.0.2.2
    [ "$(id -u)" = 0 ] || return
    outside "a client keeps its address" who "$seen" "$udp_seen" 192.0.2.1 192.0.2.2 192.0.2.1
    outside "a client of this host's own address keeps it" who "$seen" "$udp_seen" 192.0.2.2 192.0.2.2 192.0.2.2
    outside "the loopback's other addresses are 10.0.2.2" who "$seen" "$udp_seen" 127.0.0.9 192.0.2.1 10.0.2.2
    ip addr add 10.0.2.77/32 dev lo
    outside "an address that is inside too is 10.0.2.2" who "$seen" "$udp_seen" 10.0.2.77 192.0.2.1 10.0.2.2
    ip addr del 10.0.2.77/32 dev lo
    host=192.0.2.1 outside "UDP answers come from the address that was asked" udp_exact "$udp" 100
}

# failing NAME OPTIONS EXPECTED: nst run fails with 125 and says so.
failing() {
    # shellcheck disable=SC2086 # words
    run 10 $2 -- true
    check "$who: $1" "125 $3" "$? $(cat "$work/err")"
}
test_errors() {
    local taken=$http
    failing "a port that is taken" "-p $taken:80" "nst: -p $taken:80: cannot listen on 0.0.0.0 port $taken (EADDRINUSE): \
choose another port; ss -lnp sport = :$taken says who has it"
    failing "an address that is not here" "-p 198.51.100.1:8000:80" "nst: -p 198.51.100.1:8000:80: cannot listen on \
198.51.100.1 port 8000 (EADDRNOTAVAIL): choose an address that ip -4 addr shows"
    failing "not a port" "-p 80" "nst run: -p 80: is not [ADDR:]HOST:GUEST[/udp], such as 8000:80, 127.0.0.1:8000:80, 53:53/udp"
    failing "ranges that differ" "-p 8000-8001:80" \
        "nst run: -p 8000-8001:80: has ranges that are not equally long; write them as in 8000-8010:9000-9010"
    failing "IPv6" "-p [::1]:8000:80" "nst run: -p [::1]:8000:80: its address is not IPv4; write it as in 127.0.0.1:8000:80"
    [ "$who" = user ] && [ "$(id -u)" = 0 ] || return # a port of an ordinary user's own machine may be open to him
    failing "a port for root" "-p 80:80" "nst: -p 80:80: cannot listen on 0.0.0.0 port 80 (EACCES): \
choose a port above 1023, or sysctl net.ipv4.ip_unprivileged_port_start=80"
}

# A program that ends with what it says; one that was reached before it listened.
test_begin_and_end() {
    local status=0
    outside "what a program sends last arrives after its end" bye "$bye"
    wait_until 60 eval "! kill -0 $nst_pid 2>/dev/null" || kill $nst_pid
    wait $nst_pid || status=$?
    check "$who: and its status is its own" 0 $status
    rm -f "$work/enough" "$work/err"
    (as_exec "$nst" run --json -v -p 127.0.0.1:0:7000 -- sh -c "until [ -e $work/enough ]; do sleep 0.05; done") \
        >"$work/inside" 2>"$work/err" &
    local runner=$! port="" answers=0
    wait_until 60 says_or_ends $runner '^nst: tcp 127.0.0.1 port [0-9]* is' "$work/err"
    port=$(sed -n "s/^nst: tcp 127.0.0.1 port \([0-9]*\) is .*/\1/p" "$work/err")
    wait_until 60 eval '(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && [ $((++answers)) = 20 ]'
    touch "$work/enough"
    wait $runner || status=$?
    check "$who: clients that come before anybody listens do no harm" 0 $status
    $python - "$work/err" "$answers" <<'X' && ok "$who: and are told as failed" || not_ok "$who: and are told as failed" "$(tail -n 1 "$work/err")"
import json, sys
s = json.loads(open(sys.argv[1]).read().splitlines()[-1])
sys.exit(not (0 < s["failed"] <= s["published_flows"] <= int(sys.argv[2]) + 1 and s["tcp_flows"] == s["published_flows"]))
X
}

# 300 connections and 64 descriptors: who finds no room waits in the backlog, and nst does not spin meanwhile.
test_few_descriptors() {
    local ticks before
    rm -f "$work/inside" "$work/err"
    (ulimit -n 64 && as_exec "$nst" run -v -p 127.0.0.1:0:$((FIRST + 1)) -- \
        $python -c "$ECHO" $((FIRST + 1))) \
        >"$work/inside" 2>"$work/err" </dev/null &
    nst_pid=$!
    wait_until 60 says_or_ends $nst_pid '^ready' "$work/inside"
    echo=$(sed -n "s/^nst: tcp 127.0.0.1 port \([0-9]*\) is .*/\1/p" "$work/err")
    before=$(awk '{print $14 + $15}' /proc/$nst_pid/stat)
    check "$who: 300 connections with 64 descriptors are all served" "300 0" \
        "$(NST_TEST_HOST=127.0.0.1 timeout -k 5 240 $python "$work/run_client.py" hold "$echo" 300 2>&1 | tail -n 1)"
    ticks=$(($(awk '{print $14 + $15}' /proc/$nst_pid/stat) - before))
    [ $ticks -lt $((3 * $(getconf CLK_TCK))) ] && ok "$who: and nst did not spin" ||
        not_ok "$who: and nst did not spin" "$ticks ticks of CPU"
    stop_inside "$who: and it can be ended"
}

remember
for who in $users; do
    start_inside
    test_bulk
    test_ends
    test_udp
    test_addresses
    test_errors
    test_begin_and_end
    test_few_descriptors
done
check_nothing_left "nothing is left behind"
if use_sanitized; then
    start_inside
    outside "with sanitizers: 200 connections at once" parallel "$echo" 200 65536
    outside "with sanitizers: UDP" udp_exact "$udp,$udp2" 1 1473 65507
    test_ends
    stop_inside "with sanitizers: it can be ended in the middle"
    check_sanitizers "with sanitizers: nothing to say, no leak at exit"
else
    skip "with sanitizers" "there is no $sanitized/nst"
fi
exit $failed
