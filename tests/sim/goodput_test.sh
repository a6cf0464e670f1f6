#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The cells of goodput.tsv that are quick, again: none stalls, and none gets less than the snapshot
# says by more than 5 % of the rate. GOODPUT=. goodput_test.sh NST runs all of them.
#     tests/sim/goodput.sh NST >tests/sim/goodput.tsv      takes a new snapshot
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
nst=${1:-${NST:-$top/build-test/sanitize/nst}}
cells=${GOODPUT:-'flows=1 rtt=(10000|66000|200000)us rate=10mbit buffer=(25|100)% loss=(0|1)%'}
snapshot=$top/tests/sim/goodput.tsv
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

"$top/tests/sim/goodput.sh" "$nst" "$cells" >"$tmp/now.tsv"
awk -F '\t' '
    /^#/ || $1 == "cell" {next}
    NR == FNR {share[$1] = $3; next}
    {
        cells++
        if ($8 != "ok")
            print "not ok goodput " $1 ": " $8 ", longest pause " $7 " ms"
        else if (!($1 in share))
            print "not ok goodput " $1 ": is not in the snapshot"
        else if ($3 + 5 < share[$1])
            print "not ok goodput " $1 ": " $3 " % of the rate, the snapshot has " share[$1]
        else
            good++
    }
    END {
        if (cells == 0)
            print "not ok goodput: no cell was run"
        else if (good == cells)
            print "ok goodput: " cells " cells are as good as the snapshot, and none stalls"
    }' "$snapshot" "$tmp/now.tsv"
