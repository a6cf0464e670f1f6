#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Counted instructions, the same on every run of one binary: `make bench-instr` (SPEED.md S3, S5).
#
# A bench program does what its first argument says so many times. It is counted at two numbers, and the
# difference is what one time costs, without start-up. The profile says where it goes.
#
# Both rows are judged with checksums left open, as a link in memory may leave them: nothing can be
# damaged between two stacks of one thread. What it costs to compute and check them is printed too.
# One "instruction" of rep movsb copies a whole block or, for valgrind, one byte: so the C library is
# told to copy by vectors, whatever the size.
set -u
export GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=1000000000
build=${1:-build}
divisor=${2:-1} # of how often things are done: for a test of this script
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
    local id=$1 what=$2 goal=$3 program=$4 n=$(($5 / divisor)) once twice each
    shift 5
    [ -x "$build/tests/bench/bench-$program" ] || { printf '%-4s %-52s not built\n' "$id" "$what"; return 1; }
    once=$(count "$program" "$n" "$@") && twice=$(count "$program" $((2 * n)) "$@") || return 1
    each=$(((twice - once + n / 2) / n))
    printf '%-4s %-52s %6d instructions  goal %6d  %s\n' "$id" "$what" "$each" "$goal" \
        "$([ "$each" -le "$goal" ] && echo met || echo MISSED)"
    profile "$program" $((2 * n))
}

# aside WHAT PROGRAM N ARGS...: a figure without goal.
aside() {
    local what=$1 program=$2 n=$(($3 / divisor)) once twice
    shift 3
    once=$(count "$program" "$n" "$@") && twice=$(count "$program" $((2 * n)) "$@") || return 1
    printf '     %-52s %6d instructions\n' "$what" $(((twice - once + n / 2) / n))
}

# share WHAT PROGRAM N FUNCTIONS...: what the calls of these functions take, with all that they call;
# divided by $per, where one time is several of a kind.
per=1
share() {
    local what=$1 program=$2 n=$(($3 / divisor)) pattern
    shift 3
    pattern=$(IFS='|' && echo "$*")
    callgrind_annotate --inclusive=yes --auto=no --threshold=100 "$out/$program.$n" 2>/dev/null |
        sed 's/ \[[^[]*\]$//' | awk -v n="$((n * per))" -v what="$what" -v pattern=":($pattern)\$" '$0 ~ pattern {
            gsub(",", "", $1); name = $0; sub(/.*:/, "", name)
            if ($1 + 0 > most[name] + 0) most[name] = $1 + 0 }
            END { for (name in most) sum += most[name]
                  printf "     %-52s %6d instructions\n", what, sum / n }'
}

# profile PROGRAM N: the functions that take the most.
profile() {
    callgrind_annotate --auto=no "$out/$1.$2" 2>/dev/null |
        awk '/^ *[0-9,]+ \( *[0-9.]+%\) / && !/PROGRAM TOTALS/ && shown < 12 {
            share = name = $0
            sub(/^[^(]*\( */, "", share); sub(/\).*/, "", share)
            sub(/^[^:]*:/, "", name); sub(/ \[.*/, "", name)
            printf "       %8s  %s\n", share, name; shown++ }'
}

echo "Counted by $(valgrind --version), $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2- | sed 's/^ //')"
status=0
row S3 "TCP, 1,460-byte segment, both ends, ACKs and copies" 1000 tcp_pipe 20000 || status=1
aside "     ... computing and checking every checksum" tcp_pipe 20000 s
aside "     ... 64 KiB segments (S4)" tcp_pipe 2000 g
row S5 "UDP, 64-byte echo: two received and two sent" 1400 udp_echo 20000 c || status=1
share "         of these: sent (socket, transport, network, NIC)" udp_echo 40000 nst_socket_send nst_socket_sendto
share "         of these: received (NIC, network, transport)" udp_echo 40000 nic_run_input
share "         of these: read (socket)" udp_echo 40000 nst_socket_recvfrom
share "         of these: the link" udp_echo 40000 pipe_transmit
per=2 share "     a datagram received, NIC to socket's queue (goal 350)" udp_echo 40000 nic_run_input
per=2 share "     a datagram sent, socket to NIC's queue (goal 350)" udp_echo 40000 nst_socket_send nst_socket_sendto
aside "     ... computing and checking every checksum" udp_echo 20000
aside "     ... Ethernet frames" udp_echo 20000 ce
exit $status
