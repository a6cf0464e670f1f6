#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `nst run` on a line that is slow, far and bad: --delay, --rate, --loss and their like. Lower bounds of time
# are exact, for a packet cannot come too early; upper ones only say that nothing is crippled.
. "$(dirname "$0")/run_lib.sh"

# member NAME: of the last JSON summary.
member() { tail -n 1 "$work/err" | grep -o "\"$1\":[0-9.]*" | cut -d: -f2; }
# holds NAME AWK-CONDITION
holds() { if awk "BEGIN {exit !($2)}"; then ok "$who: $1"; else not_ok "$who: $1" "not so: $2; $(tail -n 1 "$work/err")"; fi; }
# make_file NAME SIZE
make_file() {
    head -c "$2" /dev/urandom >"$work/$1" && sha256sum "$work/$1" | cut -c1-64 >"$work/$1.sum"
    chmod 644 "$work/$1"
}
# both NAME FILE OPTION...: down and up with curl; the same bytes. Sets $down and $up, seconds.
both() {
    local name=$1 file=$2 got
    shift 2
    got=$(run 60 --json "$@" -- curl -s -o - "http://10.0.2.2:$http/$file" | sha256sum | cut -c1-64)
    check "$who: $name: down, byte for byte" "$(cat "$work/$file.sum")" "$got"
    down=$(member seconds)
    got=$(run 60 --json "$@" -- curl -s -T "$work/$file" "http://10.0.2.2:$http/")
    check "$who: $name: up, byte for byte" "$(cat "$work/$file.sum")" "$got"
    up=$(member seconds)
}
# ping_times: of ping's output, "min max" in milliseconds.
ping_times() { sed -n 's|^rtt [^=]*= \([0-9.]*\)/[0-9.]*/\([0-9.]*\)/.*|\1 \2|p'; }

test_delay() {
    local times
    times=$(run 30 --delay 30ms -- ping -c 5 -i 0.2 10.0.2.2 | ping_times)
    holds "--delay 30ms: a round trip takes two of them, and not much more" \
        "${times% *} >= 60 && ${times% *} < 1000"
    times=$(run 30 --delay 30ms 10ms --seed 7 -- ping -c 20 -i 0.05 10.0.2.2 | ping_times)
    holds "--delay 30ms 10ms: they differ, within twice the jitter" \
        "${times% *} >= 40 && ${times% *} < 1000 && ${times#* } - ${times% *} > 1"
    both "--delay 80ms" 20m --delay 80ms
    holds "--delay 80ms does not cripple: 20 MB within 60 s each way" "$down < 60 && $up < 60"
}

test_rate() {
    both "--rate 40mbit" 5m --rate 40mbit
    holds "--rate 40mbit: 5 MB take a second or more each way" "$down >= 1 && $up >= 1"
    holds "and not half a minute" "$down < 30 && $up < 30"
    both "--rate 100mbit --delay 20ms" 20m --rate 100mbit --delay 20ms
    holds "--rate 100mbit --delay 20ms: 20 MB take 1.6 s or more each way" "$down >= 1.6 && $up >= 1.6"
    holds "and it is used" "$down < 20 && $up < 20"
    both "--rate 100mbit --delay 20ms --mtu 65520" 20m --rate 100mbit --delay 20ms --mtu 65520
    holds "the same with large packets" "$down >= 1.6 && $up >= 1.6 && $down < 20 && $up < 20"
}

test_loss() {
    local lost
    both "--loss 1% --delay 2ms" 5m --loss 1% --delay 2ms --seed 1
    holds "what is lost is counted" "$(member lost) > 10 && $(member lost) < 0.1 * $(member packets)"
    both "duplicates, flipped bits, packets that overtake" 5m \
        --delay 2ms --duplicate 1% --corrupt 1% --reorder 5% --seed 2
    holds "they are counted too" "$(member duplicated) > 0 && $(member corrupted) > 0 && $(member reordered) > 0"
    lost=$(run 30 --loss 100% -- ping -c 3 -i 0.2 -W 1 10.0.2.2 | grep -o '[0-9]*% packet loss')
    check "$who: --loss 100%" "100% packet loss" "$lost"
}

test_mtu() {
    local sizes
    for options in "|65520" "--delay 1ms|1500" "--loss 0|65520" "--rate 1gbit --mtu 9000|9000"; do
        # shellcheck disable=SC2086 # words
        sizes=$(run 10 ${options%|*} -- sh -c 'ip -o link show dev "$(ip route show default | cut -d" " -f5)"' |
            sed -n 's/.* mtu \([0-9]*\) .*/\1/p')
        check "$who: the MTU with '${options%|*}'" "${options#*|}" "$sizes"
    done
    run 10 -v --delay 1ms --seed 0x10 -- true
    check "$who: -v says how to do the same again" "nst: packets are impaired; --seed 16 does the same again" \
        "$(grep impaired "$work/err")"
}

test_errors() {
    while IFS='|' read -r words expected; do
        # shellcheck disable=SC2086 # words
        "$nst" run $words 2>"$work/err" </dev/null
        check "wrong options: $words" "125 nst run: $expected" "$? $(head -n 1 "$work/err")"
    done <<'X'
--delay 80 true|--delay 80: is no time with its unit, such as 80ms, up to an hour; see nst run --help
--delay far true|--delay far: is no time with its unit, such as 80ms, up to an hour; see nst run --help
--rate fast true|--rate fast: is no rate, such as 20mbit; see nst run --help
--rate 0 true|--rate 0: is no rate, such as 20mbit; see nst run --help
--loss 101% true|--loss 101%: is no percentage, such as 1%; see nst run --help
--seed x true|--seed x: is no number, such as 7; see nst run --help
--reorder 5% true|--reorder needs a --delay that some packets skip, such as --delay 10ms
X
}

start_servers
make_file 5m 5000000
make_file 20m 20000000
remember
test_errors
for who in $users; do
    test_delay
    test_rate
    test_loss
    test_mtu
done
check_nothing_left "nothing is left behind"
if use_sanitized; then
    both "with sanitizers" 5m --loss 1% --delay 2ms 1ms --duplicate 1% --corrupt 1% --reorder 5% --rate 100mbit
    check_sanitizers "with sanitizers: nothing to say, no leak at exit"
else
    skip "with sanitizers" "there is no $sanitized/nst"
fi
stop_servers
exit $failed
