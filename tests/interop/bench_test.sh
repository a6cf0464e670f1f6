#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The bench itself: every row of tests/bench/run.py runs on this machine, in hardly any time, and says so in
# bench.json; and its ends see when one byte is wrong. What it measures here counts for nothing.
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=${NST_BUILD:-$top/build-test/release}
. "$here/lib.sh"
have python3 || { skip bench "no python3 (apt-get install python3)"; exit 0; }
[ -x "$build/tests/bench/bench-tap" ] || { skip bench "there is no $build/tests/bench/bench-tap"; exit 0; }
work=$(mktemp -d /tmp/nst-interop.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT

# judge FILE: one line a row id, and what was skipped or failed.
judge() {
    python3 - "$1" <<'Y'
import json, sys
said = json.load(open(sys.argv[1], encoding="utf-8"))
shape = {"id": str, "case": str, "value": (int, float), "unit": str, "goal": str, "met": bool}
for row in said["rows"]:
    for name, kind in shape.items():
        assert isinstance(row[name], kind), (row, name)
    assert row["value"] > 0, row
    if row["peer_value"] is not None:
        assert row["peer"] and abs(row["ratio"] - row["value"] / row["peer_value"]) < 1e-9, row
failed = {f["id"] for part in (said["failed"],) for f in part}
seen = {row["id"] for part in (said["rows"], said["asides"]) for row in part}
skipped = {s["id"]: s["reason"] for s in said["skipped"] if s["what"] == "this row"}
for name in ("S1", "S2", "S3", "S4", "S5", "S7", "S8", "S12", "S13"):
    if any(name == f or name in f.split(",") for f in failed):
        why = "; ".join(f"{f['what']}: {f['error']}" for f in said["failed"] if name in f["id"].split(","))
        print(f"not ok bench {name}: {why}")
    elif name in seen:
        print(f"ok bench {name} is measured")
    else:
        print(f"skip bench {name}: {skipped[name]}" if name in skipped else f"not ok bench {name}: is not there")
for reason in sorted({f"{s['what']}: {s['reason']}" for s in said["skipped"] if s["what"] != "this row"}):
    print(f"skip bench beside {reason}")
Y
}

test_rows() {
    rm -f "$build/bench.json"
    timeout -k 5 900 python3 "$top/tests/bench/run.py" --smoke "$build" >"$work/said" 2>&1
    local status=$?
    if [ ! -s "$build/bench.json" ]; then
        not_ok "bench runs to its end" "status $status: $(tail -n 3 "$work/said")"
        return
    fi
    judge "$build/bench.json" >"$work/rows" 2>&1 || not_ok "bench.json has its shape" "$(tail -n 1 "$work/rows")"
    grep -E '^(ok|not ok|skip) ' "$work/rows"
    ! grep -q '^not ok' "$work/rows" || failed=1
    check "bench ends well" 0 $status
}

# sees NAME WORDS...: this client must not believe the broken server.
sees() {
    local name=$1 said
    shift
    said=$("$build/tests/bench/bench-sockets" "$1" 127.9.9.9 0.3 2>&1) && { not_ok "$name" "it said $said"; return; }
    case $said in *"is not what was"*) ok "$name" ;; *) not_ok "$name" "$said" ;; esac
}

test_honesty() {
    coproc broken { python3 "$here/bench_broken.py"; }
    local pid=$! line=
    read -r -t 20 line <&"${broken[0]}"
    if [ "$line" != ready ]; then
        skip "bench compares bytes" "cannot listen at 127.9.9.9"
        return
    fi
    sees "bench sees one wrong byte that it receives" receive
    sees "bench sees that one byte of many was not received" send
    sees "bench sees one wrong byte of an answer" ask
    sees "bench sees it when it connects anew each time" connect
    kill $pid 2>/dev/null
    wait $pid 2>/dev/null
}

test_honesty
remember
test_rows
check_nothing_left "bench leaves nothing behind"
exit $failed
