#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `nst run --top`: the table on a terminal, line by line, and as JSON.
. "$(dirname "$0")/run_lib.sh"

# What runs inside: a connection that stays, and 60 lines of output, the first half of them over more than a second,
# the other half when FILE has COUNT lines that match PATTERN: what shows the connection is there.
cat >"$work/talker.py" <<'X'
import re, socket, sys, time
port, file, pattern, count = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
s = socket.create_connection(("10.0.2.2", port))
s.sendall(b"hello")
s.recv(5)
def is_shown():
    try:
        return sum(bool(re.search(pattern, line)) for line in open(file)) >= count
    except OSError:
        return False
end = time.monotonic() + 60
for n in range(60):
    while n == 30 and not is_shown() and time.monotonic() < end:
        time.sleep(0.05)
    print(f"line {n}", flush=True)
    time.sleep(1.3 / 30 if n < 30 else 0.005)
print("half a ", end="", flush=True)
print("line", flush=True)
X

# on_terminal ROWS COLUMNS OPTION...: the talker on a terminal; what became of it is in $work/screen.
on_terminal() {
    local rows=$1 columns=$2
    shift 2
    echo shown >"$work/shown" # where there is no table, nothing is waited for
    [ "$rows" -lt 10 ] || [[ " $* " == *" -q "* ]] || rm "$work/shown"
    NST_TEST_SHOWN=$work/shown timeout -k 5 200 $python "$work/run_top_screen.py" "$rows" "$columns" \
        $([ "$who" != user ] || [ "$(id -u)" != 0 ] || echo setpriv --reuid 65534 --regid 65534 --clear-groups) \
        "$nst" run --top "$@" -- $python "$work/talker.py" "$echo" "$work/shown" shown 1 >"$work/screen" 2>&1
}
# part WORD: the lines of the screen under that word.
part() { sed -n "s/^$1 \{0,1\}//p" "$work/screen"; }

# all_lines: the program's 61 lines are there, in order, with nothing of the table between them.
all_lines() {
    local got wanted
    wanted=$(for n in $(seq 0 59); do echo "line $n"; done; echo "half a line")
    got=$( (part scrolled; part after) | grep -v '^$' | grep -v '^nst: 1 TCP')
    [ "$wanted" = "$got" ] && ok "$who: $1: the program's lines are whole" ||
        not_ok "$who: $1: the program's lines are whole" "$(diff <(echo "$wanted") <(echo "$got") | head -n 10)"
}

test_terminal() {
    on_terminal 24 120
    check "$who: on a terminal: the status is the program's" "status 0" "$(tail -n 1 "$work/screen")"
    part during | tail -n 3 | head -n 1 | grep -qE '^nst: [0-9]+s; 1 flows; out .*bit, 5B; in .*bit, 5B; memory ' &&
        ok "$who: the totals are at the bottom" || not_ok "$who: the totals are at the bottom" "$(part during | tail -n 5)"
    part during | tail -n 1 | grep -q "^tcp  :[0-9]* > 10.0.2.2:$echo .* ESTAB$" && ok "$who: and the flow" ||
        not_ok "$who: and the flow" "$(part during | tail -n 5)"
    part during | grep -q '^line [0-9]' && ok "$who: the program's lines stand above" ||
        not_ok "$who: the program's lines stand above" "$(part during)"
    part after | grep -q 'flows;\|INSIDE' && not_ok "$who: at the end the table is gone" "$(part after)" ||
        ok "$who: at the end the table is gone"
    check "$who: and the whole screen scrolls again" "region 0 23" "$(grep '^region' "$work/screen")"
    all_lines "24 lines"
    on_terminal 40 80
    all_lines "40 lines"
    on_terminal 8 80
    part during | grep -q . && not_ok "$who: on a small terminal there is no table" "$(part during)" ||
        ok "$who: on a small terminal there is no table"
    all_lines "8 lines"
    on_terminal 24 100 -q
    all_lines "-q"
}

test_lines() {
    local n
    run 30 --top -- $python "$work/talker.py" "$echo" "$work/err" ' ESTAB$' 2 >/dev/null
    n=$(grep -c '^nst: [0-9]*s; 1 flows; ' "$work/err")
    [ "$n" -ge 2 ] && ok "$who: not on a terminal: the table again and again" ||
        not_ok "$who: not on a terminal: the table again and again" "$(cat "$work/err")"
    grep -q "^tcp .* 10.0.2.2:$echo .* ESTAB$" "$work/err" && ok "$who: with the flow" ||
        not_ok "$who: with the flow" "$(cat "$work/err")"
    grep -q $'\033' "$work/err" && not_ok "$who: and no control sequences" "$(cat -v "$work/err")" ||
        ok "$who: and no control sequences"
    run 30 --top --json -- $python "$work/talker.py" "$echo" "$work/err" '"active":1.*ESTAB' 2 >/dev/null
    check "$who: as JSON: an object a second, and the summary" ok "$($python - "$work/err" "$echo" <<'X'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
while lines[0].get("active") == 0 or lines[0].get("active") == 1 and lines[0]["flows"][0]["bytes_in"] == 0:
    lines.pop(0)  # before the program had its answer
assert len(lines) >= 3, lines
for line in lines[:-1]:
    assert line["active"] == 1 and line["memory"] > 0 and len(line["flows"]) == 1, line
    f = line["flows"][0]
    assert f["protocol"] == "tcp" and f["outside"] == "10.0.2.2" and f["outside_port"] == int(sys.argv[2]), f
    assert f["inside"] == "10.0.2.15" and f["bytes_out"] == 5 and f["bytes_in"] == 5 and f["rtt_us"] > 0, f
    assert f["state"] == "ESTAB" and not f["published"] and f["name"] is None, f
assert lines[0]["flows"][0]["bits_out"] > 0 and lines[1]["flows"][0]["bits_out"] == 0, lines
assert lines[1]["milliseconds"] > lines[0]["milliseconds"] and lines[-1]["exit_status"] == 0, lines
print("ok")
X
)"
}

# A pipe that nobody reads must not stop the network.
test_stuck() {
    mkfifo "$work/fifo" 2>/dev/null
    rm -f "$work/out"
    exec 7<>"$work/fifo" # open for reading, and not read
    (as_exec timeout -k 5 200 "$nst" run --top --json -q -- sh -c '
        for _ in 1 2 3; do head -c 60000 /dev/zero | tr "\0" x >&2; sleep 0.2; done &
        sleep 2.5
        curl -s -o /dev/null "$1" && echo done' sh "http://10.0.2.2:$http/small" 2>"$work/fifo" >"$work/out") &
    local runner=$!
    wait_until 60 says_or_ends $runner done "$work/out"
    check "$who: a stderr that nobody reads stops nothing" done "$(cat "$work/out")"
    cat <&7 >/dev/null & # the writers may end
    wait $runner
    kill $!
    exec 7>&-
    rm -f "$work/fifo"
}

start_servers
head -c 100 /dev/zero >"$work/small" && chmod 644 "$work/small"
remember
for who in $users; do
    test_terminal
    test_lines
    test_stuck
done
check_nothing_left "nothing is left behind"
if use_sanitized; then
    on_terminal 24 120
    all_lines "with sanitizers"
    run 30 --top --json -- $python "$work/talker.py" "$echo" "$work/err" '"active":1.*ESTAB' 2 >/dev/null
    check_sanitizers "with sanitizers: nothing to say, no leak at exit"
else
    skip "with sanitizers" "there is no $sanitized/nst"
fi
stop_servers
exit $failed
