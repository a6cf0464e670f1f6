#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `nst run` and much data: a GiB each way, small MTUs, little memory, iperf3.
. "$(dirname "$0")/run_lib.sh"

# get NAME SECONDS FILE [OPTION...]: brings it with curl; its bytes must be the same.
get() {
    local name=$1 limit=$2 file=$3
    shift 3
    run "$limit" --json "$@" -- curl -s -o "$work/got" "http://10.0.2.2:$http/$file"
    check "$name" "0 $(cat "$work/$file.sum")" "$? $(sha256sum "$work/got" | cut -c1-64)"
    rm -f "$work/got"
}

# put NAME SECONDS FILE [OPTION...]: takes it there with curl; the server tells what it got.
put() {
    local name=$1 limit=$2 file=$3 got
    shift 3
    got=$(run "$limit" --json "$@" -- curl -s -T "$work/$file" "http://10.0.2.2:$http/")
    check "$name" "0 $(cat "$work/$file.sum")" "$? $got"
}

# member NAME: of the last JSON summary.
member() { grep -o "\"$1\":[0-9.]*" "$work/err" | cut -d: -f2; }

# make_file NAME SIZE
make_file() {
    head -c "$2" /dev/urandom >"$work/$1" && sha256sum "$work/$1" | cut -c1-64 >"$work/$1.sum"
    chmod 644 "$work/$1"
}

test_little_memory() {
    get "100 MiB down with --memory 8m" 60 medium --memory 8m
    [ "$(member memory_peak)" -le $((8 << 20)) ] && ok "and no more than that was used" ||
        not_ok "and no more than that was used" "$(member memory_peak)"
    put "100 MiB up with --memory 8m" 60 medium --memory 8m
    [ "$(member memory_peak)" -le $((8 << 20)) ] && ok "and no more than that was used for it" ||
        not_ok "and no more than that was used for it" "$(member memory_peak)"
    local sum
    sum=$(run 60 --json --memory 8m -- $python "$work/run_client.py" slow_client "$http" slow)
    check "a slow reader inside with --memory 8m loses nothing" "$(cat "$work/slow.sum")" "$sum"
    [ "$(member memory_peak)" -le $((8 << 20)) ] && ok "and what waits for it is bounded" ||
        not_ok "and what waits for it is bounded" "$(member memory_peak)"
    client "a slow server outside with --memory 8m holds the sender back" 60 --memory 8m -- \
        slow_server "$slow_reader" "$result" 48
}

# The process itself stays small too: its largest size while 100 MiB pass.
test_process_size() {
    (as_exec "$nst" run -q --memory 8m -- curl -s -o /dev/null -o /dev/null "http://10.0.2.2:$http/medium" "http://10.0.2.2:$http/medium") &
    local pid=$! kib=0 now
    while kill -0 $pid 2>/dev/null; do
        now=$(awk '/^VmHWM/ {print $2}' /proc/$pid/status 2>/dev/null)
        [ -n "$now" ] && kib=$now
        sleep 0.05
    done
    wait $pid
    [ "$kib" -gt 0 ] && [ "$kib" -lt 24576 ] && ok "nst itself stays under 24 MiB with --memory 8m" ||
        not_ok "nst itself stays under 24 MiB with --memory 8m" "$kib KiB"
}

# iperf NAME OPTION...: 64 MiB of it, of which its receiver counts all but what is under way when the sender is done.
iperf() {
    local name=$1
    shift
    run 60 -q -- iperf3 -c 10.0.2.2 -p "$iperf" -n 64M -J "$@" >"$work/iperf.json"
    local status=$?
    $python - "$work/iperf.json" <<'X' >"$work/iperf.said" 2>&1 && ok "$name" || not_ok "$name" "$status $(tail -n 1 "$work/iperf.said")"
import json, sys
o = json.load(open(sys.argv[1], encoding="utf-8"))
assert "error" not in o, o["error"]
sent, received = o["end"]["sum_sent"]["bytes"], o["end"]["sum_received"]["bytes"]
assert received > 1 << 20, f"{received} bytes"
assert received <= sent, f"{received} of {sent}"
X
}

test_iperf() {
    needs iperf3 "iperf3" || return
    local iperf=$((20000 + RANDOM % 10000))
    iperf3 -s -p $iperf >/dev/null 2>&1 &
    local pid=$!
    wait_until 60 listens tcp $iperf
    iperf "iperf3 up, one stream"
    iperf "iperf3 down, one stream" -R
    iperf "iperf3 up, eight streams" -P 8
    iperf "iperf3 down, eight streams" -P 8 -R
    iperf "iperf3 up, with segments of 1,000 bytes" -M 1000
    kill $pid; wait $pid 2>/dev/null
}

needs curl "bulk" || exit 0
make_file big 1G
make_file medium 100M
make_file slow 24M
start_servers
remember
get "1 GiB down is exact" 60 big
put "1 GiB up is exact" 60 big
rm -f "$work/big"
get "100 MiB down with --mtu 1500" 60 medium --mtu 1500
put "100 MiB up with --mtu 1500" 60 medium --mtu 1500
get "24 MiB down with --mtu 576" 60 slow --mtu 576
put "24 MiB up with --mtu 576" 60 slow --mtu 576
test_little_memory
test_process_size
client "256 MiB up and down at once on one connection" 60 -- both_ways "$both_ways" "$result" 256
test_iperf
check_nothing_left "nothing is left behind"
if use_sanitized; then
    get "with sanitizers: 24 MiB down" 60 slow
    put "with sanitizers: 24 MiB up with --mtu 1500" 60 slow --mtu 1500
    client "with sanitizers: both ways at once" 60 --memory 8m -- both_ways "$both_ways" "$result" 16
    check_sanitizers "with sanitizers: nothing to say, no leak at exit"
else
    skip "with sanitizers" "there is no $sanitized/nst"
fi
stop_servers
exit $failed
