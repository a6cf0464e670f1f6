#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Counted instructions, the same on every run of one binary: `make bench-instr` (SPEED.md S3, S5).
#
# A bench program does what its first argument says so many times. It is counted at two numbers, and the
# difference is what one time costs, without start-up. The profile says where it goes.
set -u
build=${1:-build}
here=$(cd "$(dirname "$0")" && pwd)
command -v valgrind >/dev/null || { echo "valgrind is missing: apt-get install valgrind" >&2; exit 1; }
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT

# count PROGRAM N ARGS...: the instructions of one run.
count() {
    local program=$1 n=$2
    shift 2
    valgrind --tool=callgrind --callgrind-out-file="$out/$program.$n" \
        "$build/tests/bench/bench-$program" "$n" "$@" >"$out/log" 2>&1 || { cat "$out/log" >&2; return 1; }
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$out/log"
}

# row ID WHAT GOAL PROGRAM N ARGS...: counts at N and 2 N.
row() {
    local id=$1 what=$2 goal=$3 program=$4 n=$5 once twice each
    shift 5
    [ -x "$build/tests/bench/bench-$program" ] || { printf '%-4s %-52s not built\n' "$id" "$what"; return 1; }
    once=$(count "$program" "$n" "$@") && twice=$(count "$program" $((2 * n)) "$@") || return 1
    each=$(((twice - once + n / 2) / n))
    printf '%-4s %-52s %6d instructions  goal %6d  %s\n' "$id" "$what" "$each" "$goal" \
        "$([ "$each" -le "$goal" ] && echo met || echo MISSED)"
    profile "$program" $((2 * n))
}

# profile PROGRAM N: the functions that take the most.
profile() {
    callgrind_annotate "$out/$1.$2" 2>/dev/null |
        awk '/^ *[0-9,]+ \(/ && !/PROGRAM TOTALS/ && shown < 12 {
            share = $2; name = $0
            sub(/^[^:]*:/, "", name); sub(/ \[.*/, "", name)
            printf "       %8s  %s\n", share, name; shown++ }' | tr -d '()'
}

echo "Counted by $(valgrind --version), $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2- | sed 's/^ //')"
status=0
row S3 "TCP, 1,460-byte segment, both ends, ACKs and copies" 1000 tcp_pipe 20000 || status=1
row S5 "UDP, 64-byte echo: two received and two sent" 1400 udp_echo 20000 || status=1
exit $status
