#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Captures that somebody reads while they are made: `--pcap -`, `nst capture` and Wireshark's extcap; and that no
# reader, however slow, gone or hostile, harms the run.
. "$(dirname "$0")/run_lib.sh"
. "$here/capture_lib.sh"

test_streams() {
    local file=$work/$who-f.pcapng status dropped said
    run 60 --json --pcap - -- sh -c "echo data; $get:$http/small" | cat >"$file"
    status=${PIPESTATUS[0]}
    check "$who: --pcap - into a pipe" 0 "$status"
    check_good "$who: --pcap -" "$file"
    check "$who: the program's output goes to stderr" 1 "$(grep -c '^data$' "$work/err")"
    check_counts "$who: --pcap -" "$file"
    run 60 -q --pcap - -- $get:$http/small >"$file"
    check_good "$who: --pcap - into a file" "$file"
    said=$(run 60 -q --pcap - -- $get:$http/small | HOME=$work tshark -l -r - -Y http 2>/dev/null | grep -c 'GET /small')
    check "$who: tshark reads it live" 1 "$said"
    rm -f "$work/over"
    run 60 --json --pcap - -- sh -c "$get:$http/medium; touch $work/over" |
        { wait_until 100 test -e "$work/over" || touch "$work/late"; cat >"$file"; }
    check "$who: a reader that does not read yet holds nothing up" "0 no" "${PIPESTATUS[0]} $([ -e "$work/late" ] || echo no)"
    dropped=$(grep -oE 'the capture has [0-9]+ packets; [0-9]+ were dropped' "$work/err" | awk '{print $4 + $6}')
    check "$who: what it missed is counted" "$(($(member rx_packets) + $(member tx_packets)))" "$dropped"
    check_good "$who: a slow reader's file" "$file"
    run 60 --json --pcap - -- $get:$http/medium | head -c 5000 >/dev/null
    check "$who: a reader that goes ends the capture, not the run" "0 1" \
        "${PIPESTATUS[0]} $(grep -c '^nst: the reader of the capture has gone after ' "$work/err")"
}

test_nst_capture() {
    local file=$work/$who-g.pcapng other client said
    begin one -- sh -c "$wait; $get:$http/small; ping -c1 -W2 10.0.2.2 >/dev/null"
    other=$pid
    as "$nst" capture -w "$file" 2>"$work/said" &
    client=$!
    (go one 2) &
    said=$(as "$nst" capture -c 2 icmp 2>/dev/null)
    await $client; check "$who: nst capture ends with the run" 0 $?
    await $other; check "$who: which does not care" 0 $?
    check "$who: -c 2 and a filter" 2 "$(grep -cE '^[0-9:]{8}\.[0-9]{6} nst0 (In |Out) IP .*ICMP echo re' <<<"$said")"
    check_good "$who: nst capture -w" "$file"
    seen "$who: counts are said" '^nst: [0-9]+ packets captured, of [0-9]+ that passed; 0 dropped$' "$(cat "$work/said")"
    check "$who: and are those of the file" "$(awk '{print $2}' "$work/said")" "$(packets "$file")"
    as "$nst" capture 2>"$work/said"; check "$who: no run is said" "1 1" "$? $(grep -c 'no nst runs here' "$work/said")"

    begin two -- sleep 100
    other=$pid
    begin three --no-host-loopback -- sh -c "$wait; $get:$http/; sleep 1"
    as "$nst" capture 2>"$work/said"
    check "$who: of two runs one must be chosen" "1   three   two" "$? $(grep '^  ' "$work/said" | sort | tr '\n' ' ' | sed 's/ $//')"
    said=$(as "$nst" capture --list --json | jq -c '[.[].name] | sort' 2>&1)
    check "$who: --list --json" '["three","two"]' "$said"
    (go three 1) &
    said=$(as "$nst" capture -s thr -j -c 2 2>/dev/null | jq -r '.comments[]')
    seen "$who: -s takes the beginning of a name; comments are shown" 'policy: denied by' "$said"
    kill $other
    await $other $pid

    begin live -- sh -c "$wait; $get:$http/medium; sleep 1"
    (go live 1) &
    said=$(as "$nst" capture -q -w - tcp | HOME=$work tshark -l -r - -Y http 2>/dev/null | grep -c 'GET /medium')
    check "$who: -w - is read live by tshark" 1 "$said"
    await $pid
    begin interrupted -- sleep 100
    other=$pid
    (as_exec env --default-signal=INT "$nst" capture 2>"$work/said") &
    client=$!
    go interrupted 1
    kill -INT $client; await $client
    # The program's kernel may say something of its own at any time.
    seen "$who: Ctrl-C ends it with its counts" '^0 nst: [0-9]+ packets captured, of [0-9]+ that passed; 0 dropped$' "$? $(cat "$work/said")"
    kill $other; await $other
}

test_bad_clients() {
    local status client
    begin victim -- sh -c "$wait; $get:$http/medium"
    (as_exec $python - "$work/go" <<'X'
import os, socket, sys, time
def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(f"\0nicstack/{os.getuid()}/victim")
    return s
def ask(line):
    s = connect()
    s.sendall(line)
    return s.recv(1000)
for line, expected in ((b"\n", b"error "), (b"walk\n", b"error "), (b"capture snaplen=x\n", b"error "),
                       (b"capture filter=udp raw=00\n", b"error "), (b"capture filter=udp raw=0000000000000000\n", b""),
                       (b"info x\n", b"error "), (b"info \xff=\x01%\n", b"error ")):
    got = ask(line)
    assert got.startswith(expected), (line, got)
s = connect()
try:
    s.sendall(b"x" * 200000)
    assert s.recv(1000).startswith(b"error ")
except (BrokenPipeError, ConnectionResetError):
    pass
half = connect()
half.sendall(b"capt")
idle = []
try:
    for _ in range(40):  # more than it has room for
        idle.append(connect())
except BlockingIOError:
    pass
time.sleep(0.3)
for s in idle:
    try:
        s.sendall(b"info\n")
        s.recv(100)
    except OSError:
        pass
deaf = connect()
try:
    deaf.sendall(b"capture\n")
except OSError:
    pass
open(sys.argv[1], "w").close()
time.sleep(0.5)
os._exit(0)
X
    ) 2>"$work/said"
    check "$who: nonsense is refused" "0 " "$? $(tail -n 1 "$work/said")"
    await $pid
    status=$?
    check "$who: and the run goes on" 0 $status
    begin deaf -- sh -c "$wait; $get:$http/medium"
    as "$nst" capture -w - 2>/dev/null | sleep 1000 &
    client=$!
    go deaf 1
    SECONDS=0
    await $pid
    check "$who: a client that reads nothing holds nothing up" "0 1" "$? $((SECONDS < 60))"
    kill $client; wait $client 2>/dev/null
}

test_strangers() {
    local said other client
    [ "$(id -u)" = 0 ] || { skip "strangers" "needs root"; return; }
    who=user
    begin private -- sleep 100
    other=$pid
    said=$(setpriv --reuid 12345 --regid 12345 --clear-groups "$nst" capture -s 65534/private 2>&1)
    check "another user's run is not there" "1 nst capture: -s private: there is no such run here; nst capture --list tells which there are" "$? $said"
    said=$(setpriv --reuid 12345 --regid 12345 --clear-groups $python -c '
import socket
s = socket.socket(socket.AF_UNIX)
s.settimeout(60)
s.connect("\0nicstack/65534/private")
try:
    s.sendall(b"info\n")
    print(s.recv(100))
except OSError:
    print(b"")')
    check "and does not answer him" "b''" "$said"
    "$nst" capture -s 65534/private 2>"$work/said" &
    client=$!
    go private 1
    kill -TERM $client; await $client
    said=$(cat "$work/said")
    seen "root may ask anybody's" '^nst: [0-9]+ packets captured' "$said"
    setpriv --reuid 12345 --regid 12345 --clear-groups $python -c '
import socket, time
s = socket.socket(socket.AF_UNIX)
s.bind("\0nicstack/65534/fake")
s.listen()
time.sleep(100)' &
    client=$!
    wait_until 60 grep -q '@nicstack/65534/fake' /proc/net/unix
    said=$(as "$nst" capture -s fake 2>&1)
    check "a stranger's socket with our name is not believed" \
        "1 nst capture: cannot speak to fake (EPERM): it is not the run of the user that its name says" "$? $said"
    kill $client $other
    await $client $other 2>/dev/null
    begin taken -- sleep 100
    run 20 --name taken -- true
    check "a name is had once" "125 1" "$? $(grep -c '^nst run: --name taken: cannot be had (EADDRINUSE)' "$work/err")"
    kill $pid; await $pid
}

test_extcap() {
    local extcap=$work/extcap/nicstack said client
    mkdir -p "$work/extcap" && cp "$top/tools/extcap/nicstack" "$extcap" && chmod 755 "$work/extcap" "$extcap"
    begin wire -- sh -c "$wait; $get:$http/small"
    said=$(as env NST="$nst" "$extcap" --extcap-interfaces --extcap-version=4.0)
    seen "$who: extcap lists the runs" "^interface \{value=nicstack-[0-9]+-wire\}\{display=nicstack: sh, process [0-9]+ \(wire\)\}" "$said"
    said=$(sed -n 's/.*{value=\([^}]*\)}.*/\1/p' <<<"$said")
    seen "$who: extcap has a type of link" '^dlt \{number=101\}' "$(as env NST="$nst" "$extcap" --extcap-dlts --extcap-interface "$said")"
    seen "$who: extcap has options" '^arg \{number=0\}\{call=--snaplen\}' "$(as env NST="$nst" "$extcap" --extcap-config --extcap-interface "$said")"
    rm -f "$work/fifo"; mkfifo -m 666 "$work/fifo"
    as env NST="$nst" "$extcap" --capture --extcap-interface "$said" --fifo "$work/fifo" --extcap-capture-filter "tcp port $http" --snaplen 1000 &
    client=$!
    (go wire 1) &
    cat "$work/fifo" >"$work/$who-h.pcapng"
    await $client; check "$who: extcap captures" 0 $?
    await $pid
    check "$who: extcap's capture has it, cut" "1 1000" "$(count_of "$work/$who-h.pcapng" 'http.request.uri == "/small"') \
$(dissect "$work/$who-h.pcapng" -T fields -e frame.cap_len | sort -n | tail -n 1)"
    begin wire -- sh -c "$wait; $get:$http/small; sleep 0.5"
    said=$(as env HOME="$work" NST="$nst" WIRESHARK_EXTCAP_DIR="$work/extcap" tshark -D 2>/dev/null | grep -o 'nicstack-[0-9]*-wire')
    if [ -z "$said" ]; then
        skip "$who: tshark captures by extcap" "this tshark looks into no such folder"
        touch "$work/go"
    else
        (go wire 1) &
        said=$(as env HOME="$work" NST="$nst" WIRESHARK_EXTCAP_DIR="$work/extcap" timeout 120 \
            tshark -l -i "$said" -Y http -c 6 2>"$work/said" | grep -c 'GET /small')
        check "$who: tshark captures by extcap" 1 "$said"
    fi
    await $pid
}

test_streams
test_nst_capture
test_bad_clients
test_extcap
test_strangers
check_nothing_left "nothing is left behind"
who=${users##* }
if use_sanitized; then
    test_nst_capture
    test_bad_clients
    check_sanitizers "with sanitizers: nothing to say, no leak at exit"
else
    skip "with sanitizers" "there is no $sanitized/nst"
fi
stop_servers
exit $failed
