#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `nst run --record` of real programs, and `nst replay`: the same packets, whichever build does it; what is
# changed in a recording is found.
. "$(dirname "$0")/run_lib.sh"

# replays NAME FILE [OPTION...]: the replay is identical; its summary is in $work/replayed.
replays() {
    local name=$1 file=$2 status=0
    shift 2
    timeout -k 5 250 "$nst" replay --json "$@" "$file" >"$work/replayed" 2>"$work/replay.err" || status=$?
    if [ $status = 0 ] && grep -q '"state":"identical"' "$work/replayed"; then ok "$name"; else
        not_ok "$name" "status $status: $(cat "$work/replayed" "$work/replay.err")"; fi
}
# told KEY: a number of the last summary.
told() { grep -o "\"$1\":[0-9]*" "$work/replayed" | grep -o '[0-9]*$'; }

# Down, up, many flows at once, datagrams, ping, names, what nobody answers.
test_curl() {
    local file=$work/$who.rec dns_port=53 dns=
    if have dnsmasq; then
        start_names --listen-address=127.0.0.1 --address=/here.test/10.0.2.2
    fi
    touch "$file" && chmod 666 "$file"
    run 90 -q --dns 127.0.0.1:$dns_port --record "$file" -- sh -c "
        curl -s -o '$work/$who-got' http://10.0.2.2:$http/medium || exit 3
        [ -z '$dns' ] || curl -s -o /dev/null http://here.test:$http/small || exit 4
        $python '$work/run_client.py' both_ways $both_ways $result 4 || exit 5
        $python '$work/run_client.py' parallel $echo 30 65536 || exit 6
        $python '$work/run_client.py' udp_exact $udp,$udp2 1 1472 9000 || exit 7
        $python '$work/run_client.py' refused $nobody || exit 8
        ping -c 2 -i 0.2 -W 30 10.0.2.2 >/dev/null; exit 0"
    check "$who: curl and others run while they are recorded" "0 " "$? $(cat "$work/err")"
    [ -z "$dns" ] || stop_names
    replays "$who: it replays to identical packets" "$file" -w "$work/replayed.pcapng"
    if needs tshark "$who: -w has the packets"; then
        check "$who: -w has the packets" "$(($(told packets_in) + $(told packets_out)))" \
            "$(HOME=$work tshark -r "$work/replayed.pcapng" 2>/dev/null | wc -l)"
        check "$who: and they say what passed" 1 \
            "$(HOME=$work tshark -r "$work/replayed.pcapng" -Y 'http.request.uri == "/medium"' 2>/dev/null | wc -l)"
    fi
}

# Impairment is below the NIC: what passed it is what is recorded.
test_bad_line() {
    local file=$work/$who-bad.rec
    touch "$file" && chmod 666 "$file"
    run 90 -q --delay 5ms 2ms --loss 2% --duplicate 1% --record "$file" -- \
        curl -s -o /dev/null "http://10.0.2.2:$http/medium"
    check "$who: a bad line is recorded" 0 $?
    replays "$who: a bad line replays" "$file"
}

test_small_memory() {
    local file=$work/$who-small.rec
    touch "$file" && chmod 666 "$file"
    run 90 -q --memory 1m --record "$file" -- $python "$work/run_client.py" both_ways "$both_ways" "$result" 4
    check "$who: a stack of 1 MiB is recorded" "0 " "$? $(cat "$work/err")"
    replays "$who: a stack of 1 MiB replays" "$file"
}

# nst is killed: the recording is there as far as it came.
test_killed() {
    local file=$work/$who-killed.rec pid
    touch "$file" && chmod 666 "$file"
    rm -f "$work/out"
    (as_exec "$nst" run -q --record "$file" -- sh -c "curl -s -o /dev/null http://10.0.2.2:$http/medium; echo up; sleep 1000") \
        >"$work/out" 2>&1 &
    pid=$!
    wait_until 60 says_or_ends $pid up "$work/out"
    wait_until 60 eval '[ "$(stat -c %s "$file")" -gt 3000000 ]'
    kill -9 $pid
    wait $pid 2>/dev/null
    timeout 250 "$nst" replay --json "$file" >"$work/replayed" 2>"$work/replay.err"
    check "$who: a recording of a killed nst replays as far as it goes" '0 "state":"truncated"' \
        "$? $(grep -o '"state":"[a-z]*"' "$work/replayed")"
    [ "$(told packets_out)" -gt 20 ] && ok "$who: and has its packets" || not_ok "$who: and has its packets" "$(cat "$work/replayed")"
}

test_changed() {
    local file=$work/changed.rec status=0
    cp "$work/$who.rec" "$file"
    $python - "$file" <<'END'
import struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
at, seen = 32, 0
while True:
    length, fixed, kind, _ = struct.unpack_from("<IHBB", data, at)
    ip = at + 8 + fixed
    if kind == 5 and length > 400 and data[ip + 9] == 6: # delivered TCP with payload: its sequence number
        seen += 1
        if seen == 3:
            data[ip + 4 * (data[ip] & 15) + 7] ^= 0x20
            break
    at += 8 + length
open(sys.argv[1], "wb").write(data)
END
    timeout 250 "$nst" replay "$file" >/dev/null 2>"$work/replay.err" || status=$?
    check "one changed byte of input: status 1" 1 $status
    grep -q '^nst replay: record [0-9]* differs, ' "$work/replay.err" && grep -q '^  recorded: ' "$work/replay.err" &&
        grep -q '^  replayed: ' "$work/replay.err" && ok "and the first difference is shown" ||
        not_ok "and the first difference is shown" "$(cat "$work/replay.err")"
    head -c 100000 /dev/urandom >"$file"
    timeout 250 "$nst" replay "$file" >/dev/null 2>"$work/replay.err"
    check "what is no recording: status 2, and said" "2 1" "$? $(grep -c 'no recording, or a damaged one' "$work/replay.err")"
    timeout 250 "$nst" replay "$work/missing" >/dev/null 2>"$work/replay.err"
    check "a file that is not there: status 2, and said" "2 1" "$? $(grep -c '(ENOENT): ' "$work/replay.err")"
    run 20 --record "$work/no/such" -- true
    check "a recording that cannot be: 125, and said" "125 1" "$? $(grep -c '(ENOENT): make its folder first' "$work/err")"
    run 20 --record /dev/null -- true
    check "a recording into what is no file: 125" 125 $?
}

needs curl "recordings" || exit 0
start_servers
head -c 3000000 /dev/urandom >"$work/medium"
echo small >"$work/small"
for who in $users; do
    test_curl
done
who=${users##* }
test_bad_line
test_small_memory
test_killed
test_changed
if use_sanitized; then
    replays "with sanitizers: what the release build recorded" "$work/$who.rec"
    touch "$work/sanitized.rec" && chmod 666 "$work/sanitized.rec"
    run 60 -q --record "$work/sanitized.rec" -- curl -s -o /dev/null "http://10.0.2.2:$http/medium"
    check "with sanitizers: recorded" 0 $?
    check_sanitizers "with sanitizers: nothing to say"
    use_release
    replays "the release build: what sanitizers recorded" "$work/sanitized.rec"
else
    skip "with sanitizers" "there is no $sanitized/nst"
fi
stop_servers
exit $failed
