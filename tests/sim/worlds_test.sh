#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# nst sim: random worlds hold what they must; the same seed gives the same capture, in another build
# too; topologies in tests/sim come to their end; and what is wrong is said.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
nst=${1:-${NST:-$top/build-test/sanitize/nst}}
release=$top/build-test/release/nst
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

ok() { echo "ok $1"; }
no() { echo "not ok $1: $2"; }

# The seeds that found faults, then as many others as take a moment. WORLDS=5000 takes longer.
worlds=${WORLDS:-150}
if "$nst" sim -q --random 1 --worlds "$worlds" >"$tmp/log" 2>&1; then
    ok "sim: $worlds random worlds hold what they must"
else
    no "sim: random worlds" "$(grep -m1 '^nst sim:' "$tmp/log")"
    sed 's/^/   | /' "$tmp/log"
fi

same=0
for seed in 1 4 14 18; do
    for run in 1 2; do
        "$nst" sim -q --random $seed -w "$tmp/$seed.$run.pcapng" 2>"$tmp/log" ||
            no "sim: world $seed" "$(head -n 1 "$tmp/log")"
    done
    cmp -s "$tmp/$seed.1.pcapng" "$tmp/$seed.2.pcapng" && same=$((same + 1))
done
if [ $same = 4 ]; then ok "sim: two runs of a seed give the same capture"; else
    no "sim: two runs of a seed" "only $same of 4 captures are the same"; fi

if [ ! -x "$release" ]; then
    echo "skip sim: debug and release give the same capture: no release build"
else
    same=0
    for seed in 1 4 14 18; do
        "$release" sim -q --random $seed -w "$tmp/$seed.3.pcapng" 2>"$tmp/log"
        cmp -s "$tmp/$seed.1.pcapng" "$tmp/$seed.3.pcapng" && same=$((same + 1))
    done
    if [ $same = 4 ]; then ok "sim: debug and release give the same capture"; else
        no "sim: debug and release" "only $same of 4 captures are the same"; fi
fi

for file in "$top"/tests/sim/*.sim; do
    name=$(basename "$file" .sim)
    if "$nst" sim -q --settle "$file" >"$tmp/log" 2>&1; then ok "sim: $name"; else
        no "sim: $name" "$(head -n 1 "$tmp/log")"; fi
done

"$nst" sim -j --plot "$tmp/plot.svg" -w "$tmp/one.pcapng" -l left--right "$top/tests/sim/dumbbell.sim" >"$tmp/json"
if grep -q '"faults":\[\]' "$tmp/json" && grep -q '"kind":"request"' "$tmp/json"; then ok "sim: results as JSON"; else
    no "sim: results as JSON" "$(head -c 200 "$tmp/json")"; fi
if head -n 1 "$tmp/plot.svg" | grep -q '^<svg' && [ "$(grep -c '<polyline' "$tmp/plot.svg")" -ge 6 ] &&
    tail -n 1 "$tmp/plot.svg" | grep -q '</svg>'; then ok "sim: a plot"; else no "sim: a plot" "is no whole SVG"; fi
if [ "$(LC_ALL=C tr -dc '\n' <"$tmp/one.pcapng" | wc -c)" -gt 0 ] && grep -aq 'left--right' "$tmp/one.pcapng" &&
    ! grep -aq 'a--left' "$tmp/one.pcapng"; then ok "sim: a capture of one link"; else
    no "sim: a capture of one link" "has other interfaces"; fi

"$nst" sim --print "$top/tests/sim/dumbbell.sim" >"$tmp/a.sim"
"$nst" sim --print "$tmp/a.sim" >"$tmp/b.sim"
if [ -s "$tmp/a.sim" ] && cmp -s "$tmp/a.sim" "$tmp/b.sim"; then ok "sim: what is printed reads the same"; else
    no "sim: what is printed" "reads differently"; fi

# refused WORDS STDIN ARGS...: exit status 2, and the words on stderr.
refused() {
    local words=$1 text=$2 status=0
    shift 2
    "$nst" sim "$@" <<<"$text" >"$tmp/log" 2>&1 || status=$?
    if [ $status = 2 ] && grep -qF "$words" "$tmp/log"; then ok "sim: says $words"; else
        no "sim: says $words" "status $status, $(head -n 1 "$tmp/log")"; fi
}
refused 'stdin:2:13: ' $'host a b\nlink a -- b dealy 1ms' -
refused 'closes a loop' $'switch a b\nlink a -- b\nlink b -- a' -
refused 'name one topology' '' 
refused 'cannot read /no/such: No such file' '' /no/such
refused 'is no number' '' --random x
