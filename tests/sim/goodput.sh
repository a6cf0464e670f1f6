#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What one bulk transfer gets over a path, cell by cell: round trip x rate x buffer x loss, and how
# four of them share one. goodput.sh NST [REGEX] prints the rows whose name matches, in their order.
# A buffer is told in parts of the product of rate and round trip. Virtual time makes every run the
# same; what differs between two versions is TCP.
set -u
nst=${1:?usage: goodput.sh NST [REGEX]}
pattern=${2:-.}
jobs=${JOBS:-2}

# cell FLOWS RTT_US RATE_MBIT BUFFER_PERCENT LOSS DURATION_S: a row.
cell() {
    local flows=$1 rtt=$2 rate=$3 buffer=$4 loss=$5 duration=$6 name limit json
    name="flows=$flows rtt=${rtt}us rate=${rate}mbit buffer=${buffer}% loss=$loss%"
    grep -qE -- "$pattern" <<<"$name" || return 0
    limit=$((rtt * rate / 8 / 1514 * buffer / 100))
    [ $limit -ge 10 ] || limit=10
    json=$("$nst" sim -j -q - 2>/dev/null <<END
seed 1
duration ${duration}s
host a[$flows] b
switch s
link a[*] -- s
link s -- b there rate ${rate}mbit delay $((rtt / 2))us limit $limit loss $loss% back rate ${rate}mbit delay $((rtt - rtt / 2))us limit 10000
bulk a[*] -> b
END
    )
    awk -v name="$name" -v rate="$rate" -v json="$json" '
        function all(key, list,    text, n) {
            text = json; n = 0
            while (match(text, "\"" key "\":[0-9]+")) {
                list[++n] = substr(text, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
                text = substr(text, RSTART + RLENGTH)
            }
            return n
        }
        BEGIN {
            flows = all("goodput", g); all("retransmits", r); all("timeouts", t)
            all("longest_pause", p); all("stalls", s)
            min = g[1]
            for (i = 1; i <= flows; i++) {
                sum += g[i]; retransmits += r[i]; timeouts += t[i]; stalls += s[i]
                if (p[i] > pause) pause = p[i]
                if (g[i] < min) min = g[i]
            }
            verdict = flows == 0 ? "FAILED" : stalls > 0 || sum == 0 ? "STALL" : "ok"
            printf "%s\t%d\t%.1f\t%.1f\t%d\t%d\t%d\t%s\n", name, sum / 1000, sum / rate / 10000,
                (sum > 0 ? 100 * min * flows / sum : 0), retransmits, timeouts, pause / 1000000, verdict
        }'
}

cells() {
    local rtt loss buffer rate
    for rate in 10 100 1000; do
        for rtt in 100 1000 10000 66000 200000; do
            for buffer in 25 100; do
                for loss in 0 0.1 1 3; do
                    echo "1 $rtt $rate $buffer $loss $((rate == 10 ? 30 : rate == 100 ? 15 : 8))"
                done
            done
        done
    done
    for rtt in 10000 66000; do
        for buffer in 25 100; do
            for loss in 0 0.1; do
                echo "4 $rtt 10 $buffer $loss 60"
            done
        done
    done
}

export -f cell
export nst pattern
printf '# SPDX-License-Identifier: Apache-2.0\n'
printf 'cell\tkbit\tof_rate_%%\tleast_share_%%\tretransmits\ttimeouts\tlongest_pause_ms\tverdict\n'
cells | xargs -P "$jobs" -I{} bash -c 'printf "%s\x01%s\n" "{}" "$(cell {})"' |
    awk -F '\001' 'NR == FNR {row[$1] = $2; next} row[$0] != "" {print row[$0]}' - <(cells)
