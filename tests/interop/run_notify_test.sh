#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `nst run` where namespaces are refused: attached by seccomp user notification.
. "$(dirname "$0")/run_lib.sh"

# In a place where nobody may make a user namespace.
eval "plain_$(declare -f as_exec)"
as_exec() { plain_as_exec $python "$work/run_refused.py" "$@"; }
who=user
said_with="" extra=""

# has NAME PATTERN: stderr of the last run has such a line.
has() { grep -qE "$2" "$work/err" && ok "$1" || not_ok "$1" "$(cat "$work/err")"; }

test_choice() {
    run 20 -v -- true;                  check "namespaces are refused: the program runs" 0 $?
    has "and how is named" '^nst: attached by notify$'
    has "and what it does not cover" '^nst: notify covers .* refused'
    has "and why" '^nst: cannot create namespaces \(ENOSPC\): '
    has "and what privileges it costs" '^nst: .*set-uid programs'
    run 20 -v --attach notify -- true;  check "--attach notify" 0 $?
    has "it is not tried otherwise first" '^nst: attached by notify$'
    check "and nothing else is said of namespaces" 0 "$(grep -c namespaces "$work/err")"
    run 20 -v -- true
    run 20 --json -- true
    has "--json names it" '"attached":"notify"'
    run 20 --attach smoke true
    check "no such way: 125" "125 1" "$? $(grep -c '^nst run: --attach smoke: ' "$work/err")"
}

test_exit_statuses() {
    run 20 -q -- true;                  check "exit status 0" 0 $?
    run 20 -q -- sh -c 'exit 7';        check "exit status 7" 7 $?
    run 20 -q -- /nonexistent;          check "a program that is not there is 127" 127 $?
    has "and is named" '^nst: cannot run /nonexistent \(ENOENT\): '
    run 20 -q -- /etc/passwd;           check "a file that is not executable is 126" 126 $?
    run 20 -q -- sh -c 'kill -9 $$';    check "killed by signal 9 is 137" 137 $?
    run 20 -q -- sh -c 'kill -TERM $$'; check "killed by SIGTERM is 143" 143 $?
    check "stdin and stdout are the program's" through "$(echo through | run 20 -q -- cat)"
    check "the limit of descriptors is its own" 321 "$(ulimit -Sn 321; run 20 -q -- sh -c 'ulimit -Sn')"
}

test_signals() {
    local signal scenario why
    for signal in INT TERM HUP USR1; do
        start -q -- sh -c "trap 'exit 9' $signal; echo up; while :; do sleep 0.05; done"
        kill -$signal "$pid"; await $pid; check "SIG$signal to nst is the program's" 9 $?
    done
    start -q -- sh -c 'echo up; exec sleep 100'
    kill -TERM "$pid"; await $pid;        check "SIGTERM ends a program that does not care" 143 $?
    # A call that nst keeps is interrupted as one that the kernel keeps.
    start -q -- $python -c '
import signal, socket, sys
def stop(*_): sys.exit(11)
signal.signal(signal.SIGTERM, stop)
s = socket.create_server(("127.0.0.1", 0))
print("up", flush=True)
s.accept()'
    kill -TERM "$pid"; await $pid;        check "a handler runs while accept waits" 11 $?
    start -q -- $python -c '
import signal, socket, sys
def stop(*_): sys.exit(12)
signal.signal(signal.SIGTERM, stop)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
print("up", flush=True)
s.recvfrom(10)'
    kill -TERM "$pid"; await $pid;        check "and while recvfrom does" 12 $?
    printf '#!/bin/sh\nexec "%s" run -q "$@"\n' "$nst" >"$work/nst-run" && chmod 755 "$work/nst-run"
    for scenario in interrupt_once interrupt_kills stop_and_continue shell_inside; do
        if why=$(as_exec timeout 300 $python "$work/attach_pty.py" $scenario "$work/nst-run" 2>&1); then
            ok "terminal: ${scenario//_/ }"
        else
            not_ok "terminal: ${scenario//_/ }" "$(tail -n 1 <<<"$why")"
        fi
    done
}

# The scenarios that hold for every attachment.
test_tcp() {
    client "half-close by the client: the whole answer comes" 30 -- half_close_by_client "$answer_after_end"
    client "half-close by the server: everything still arrives" 30 -- half_close_by_server "$end_then_read" "$result"
    client "a connection without a byte of payload" 30 -- empty_stream "$end_then_read" "$result"
    client "a server that resets: ECONNRESET" 30 -- reset_by_server "$resets"
    client "what came before a reset can be read" 30 -- reset_midway "$resets_midway"
    client "a client that resets: ECONNRESET outside" 30 -- reset_by_client "$watches_reset" "$result"
    client "nobody listens: ECONNREFUSED at once" 30 -- refused "$nobody"
    [ "$(id -u)" != 0 ] || client "no route outside: unreachable at once" 30 -- unreachable 198.51.100.1
    client "an address inside that nobody has: unreachable at once" 30 -- unreachable 10.0.2.77
    client "--no-host-loopback keeps 10.0.2.2 closed" 20 --no-host-loopback -- denied "$echo"
    client "an upload and a download at once on one connection" 30 -- both_ways "$both_ways" "$result" 16
    client "a slow server holds the sender back" 60 -- slow_server "$slow_reader" "$result" 48
    client "500 connections of 64 KiB at once, all exact" 60 -- parallel "$echo" 500 65536
}

test_udp() {
    local sizes="1 2 7 63 64 511 548 549 1471 1472 1473 2953 8972 9000 32767 65491 65492 65493 65506 65507"
    # shellcheck disable=SC2086 # words
    client "UDP echo of 1 to 65,507 bytes" 60 -- udp_exact "$udp,$udp2" $sizes
    client "UDP flows side by side" 30 -- udp_many "$udp,$udp2,$udp3" 300
    [ "$(id -u)" != 0 ] || client "UDP to several addresses from one socket" 30 -- udp_world "$udp"
}

# call SCENARIO [OPTION...]: one of run_calls.py.
call() {
    local scenario=$1 said status=0
    shift
    said=$(run 60 -q "$@" -- $python "$work/run_calls.py" "$scenario" "$echo" "$udp" "$nobody" "$closed" $extra 2>&1) || status=$?
    [ $status = 0 ] && ok "$said_with${scenario//_/ }" ||
        not_ok "$said_with${scenario//_/ }" "status $status: $(tail -n 3 <<<"$said") $(tail -n 2 "$work/err")"
}

test_calls() {
    local scenario
    for scenario in options non_blocking names_of_sockets loopback listen_and_accept many_threads forks passes_descriptors \
        messages timeouts empty_datagrams refused_datagrams unsupported many_sockets hostile; do
        call "$scenario"
    done
}

test_names() {
    needs dnsmasq "names" || return
    local resolver
    start_names --listen-address=127.0.0.1,::1 --address=/name.test/192.0.2.7 --address=/here.test/10.0.2.2 --local=/test/
    check "a name is resolved" 192.0.2.7 "$(run 20 --json --dns 127.0.0.1:$dns_port -- getent ahostsv4 name.test | awk '{print $1; exit}')"
    has "and is in the summary" '"names":\["name.test"\]'
    check "getent hosts" "192.0.2.7 name.test" \
        "$(run 20 -q --dns 127.0.0.1:$dns_port -- getent hosts name.test | awk '{print $1, $2}')"
    run 20 -q --dns 127.0.0.1:$dns_port -- getent hosts missing.test
    check "a name that there is not" 2 $?
    check "names over TCP too" 192.0.2.7 "$(RES_OPTIONS=use-vc run 20 -q --dns 127.0.0.1:$dns_port -- \
        getent ahostsv4 name.test | awk '{print $1; exit}')"
    check "names from python" 192.0.2.7 "$(run 20 -q --dns 127.0.0.1:$dns_port -- $python -c '
import socket
print(socket.gethostbyname("name.test"))')"
    resolver=$(awk '$1 == "nameserver" && $2 !~ /:/ {print $2; exit}' /etc/resolv.conf)
    extra=${resolver:-127.0.0.1} call asks_from_one_socket --dns 127.0.0.1:$dns_port
    run 20 -q --dns 127.0.0.1:$dns_port -- curl -s -o "$work/got" "http://here.test:$http/medium"
    check "curl of a name" "0 $(cat "$work/medium.sum")" "$? $(sha256sum "$work/got" | cut -c1-64)"
    rm -f "$work/got"
    stop_names
}

test_bulk() {
    local got
    run 60 -q -- curl -s -o "$work/got" "http://10.0.2.2:$http/medium"
    check "100 MiB down is exact" "0 $(cat "$work/medium.sum")" "$? $(sha256sum "$work/got" | cut -c1-64)"
    rm -f "$work/got"
    got=$(run 60 -q -- curl -s -T "$work/medium" "http://10.0.2.2:$http/")
    check "100 MiB up is exact" "0 $(cat "$work/medium.sum")" "$? $got"
    run 60 -q --mtu 1500 -- curl -s -o "$work/got" "http://10.0.2.2:$http/medium"
    check "100 MiB down with --mtu 1500" "0 $(cat "$work/medium.sum")" "$? $(sha256sum "$work/got" | cut -c1-64)"
    rm -f "$work/got"
    run 60 -q --memory 8m -- curl -s -o "$work/got" "http://10.0.2.2:$http/medium"
    check "100 MiB down with --memory 8m" "0 $(cat "$work/medium.sum")" "$? $(sha256sum "$work/got" | cut -c1-64)"
    rm -f "$work/got"
    got=$(run 60 -q --memory 8m -- curl -s -T "$work/medium" "http://10.0.2.2:$http/")
    check "100 MiB up with --memory 8m" "0 $(cat "$work/medium.sum")" "$? $got"
    run 60 -q -- curl -s -Z -o "$work/got1" "http://10.0.2.2:$http/medium" -o "$work/got2" "http://10.0.2.2:$http/medium"
    check "two at once" "0 $(cat "$work/medium.sum" "$work/medium.sum" | tr '\n' ' ')" \
        "$? $(sha256sum "$work/got1" "$work/got2" | cut -c1-64 | tr '\n' ' ')"
    rm -f "$work"/got?
}

# What the gateway's stack has to offer reaches the guest's as it would reach a kernel's.
test_gateway() {
    local port=$((20000 + RANDOM % 10000)) got
    start -q -p 127.0.0.1:$port:7000 -- $python -c '
import socket
server = socket.create_server(("", 7000))
print("up", flush=True)
s, peer = server.accept()
s.sendall(s.recv(100).upper())'
    got=$($python -c "
import socket
s = socket.create_connection(('127.0.0.1', $port), 60)
s.sendall(b'hello')
print(s.recv(10).decode())" 2>&1)
    await $pid
    check "a published port" "0 HELLO" "$? $(tail -n 1 <<<"$got")"
    got=$(run 20 -q --delay 50ms -- $python -c '
import socket, sys, time
begun = time.monotonic()
socket.create_connection(("10.0.2.2", int(sys.argv[1])), 60)
print(time.monotonic() - begun >= 0.05)' "$echo")
    check "a delay" True "$got"
    run 20 -q --pcap "$work/trace" -- curl -s -o /dev/null "http://10.0.2.2:$http/medium"
    if have tshark; then
        check "a capture: its handshake" 3 "$(tshark -r "$work/trace" -o tcp.check_checksum:TRUE \
            -Y 'tcp.checksum.status == 1 && (tcp.flags.syn == 1 || (tcp.seq == 1 && tcp.ack == 1 && tcp.len == 0 && tcp.flags == 0x10))' \
            2>/dev/null | head -n 3 | wc -l)"
    fi
    rm -f "$work/trace"
    $python -c '
import socket, sys
server = socket.create_server(("::1", int(sys.argv[1])), family=socket.AF_INET6)
s, _ = server.accept()
s.sendall(b"six")' $port 2>"$work/err6" &
    local six=$!
    wait_until 60 eval "listens tcp $port || ! kill -0 $six 2>/dev/null"
    if kill -0 $six 2>/dev/null; then
        check "a server of IPv6" six "$(run 20 -q -- $python -c '
import socket, sys
s = socket.create_connection(("fd00:0:0:2::2", int(sys.argv[1])), 60)
print(s.recv(10).decode())' $port)"
        kill $six 2>/dev/null
    else
        skip "a server of IPv6" "this host has no ::1"
    fi
    wait $six 2>/dev/null
}

test_static() {
    if ! cc -static -o "$work/static" "$here/run_static.c" 2>/dev/null; then
        skip "a static program over TCP and UDP" "no static C library"
        return
    fi
    run 20 -q -- "$work/static" "$echo" "$udp"
    check "a static program over TCP and UDP" 0 $?
}

# Whichever of nst, its init and the program is killed, at whatever moment, nothing stays behind.
family='setsid sleep 1000 &
(setsid sh -c "trap \"\" TERM HUP; sleep 1000; sleep 1000" &)
echo up
exec "$1" -c "
import socket, sys
s = socket.create_connection((\"10.0.2.2\", int(sys.argv[1])))
while True:
    s.sendall(bytes(65536))
    s.recv(65536)
" "$2"'
test_death() {
    local victims=(nst init program) victim n said before=$failed init
    remember
    for n in $(seq 12); do
        start -q -- sh -c "$family" sh $python "$echo"
        sleep 0.$((RANDOM % 3))
        init=$(pgrep -P "$pid" -x attach-init | head -1)
        case ${victims[n % 3]} in
        nst) victim=$pid ;;
        init) victim=$init ;;
        program) victim=$(pgrep -P "$init" | head -1) ;;
        esac
        [ -n "$victim" ] && kill -9 "$victim" || kill -9 "$pid"
        wait "$pid" 2>/dev/null
        said=$(check_nothing_left "round $n")
        [[ $said == ok* ]] || { not_ok "kill -9 at any moment, 12 times: nothing is left" "${victims[n % 3]}: $said"; break; }
    done
    [ $failed != "$before" ] || ok "kill -9 at any moment, 12 times: nothing is left"
    start -q -- sh -c 'setsid sleep 1000 & (setsid sleep 1000 &); echo up'
    await $pid;                              check "a program that leaves processes behind ends" 0 $?
    check_nothing_left "and they end with it"
}

# Where this is refused too, what refuses is named.
test_refused() {
    cat >"$work/forbid.py" <<'X'
import ctypes, struct, os, sys
# seccomp(2) itself is answered by EPERM: BPF by hand.
nr = {"x86_64": 317, "aarch64": 277}[os.uname().machine]
code = b"".join(struct.pack("HBBI", *i) for i in ((0x20, 0, 0, 0), (0x15, 0, 1, nr), (6, 0, 0, 0x50001), (6, 0, 0, 0x7fff0000)))
buffer = ctypes.create_string_buffer(code)
program = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
libc = ctypes.CDLL(None)
libc.prctl(38, 1, 0, 0, 0)
assert libc.prctl(22, 2, ctypes.c_char_p(program), 0, 0) == 0
os.execvp(sys.argv[1], sys.argv[1:])
X
    (as_exec timeout 60 $python "$work/forbid.py" "$nst" run -- true 2>"$work/err")
    check "refused too: 125" 125 $?
    has "and both are named" '^nst: cannot create namespaces \(ENOSPC\): .*; and cannot install a seccomp filter with a listener \(EPERM\): '
    run 20 -q -- "$nst" run -- true
    check "nst in nst: 125" 125 $?
    has "and that there is a listener already" 'seccomp filter with a listener \(EBUSY\)'
}

head -c 100M /dev/urandom >"$work/medium" && sha256sum "$work/medium" | cut -c1-64 >"$work/medium.sum"
if ! (as_exec true) 2>"$work/err"; then
    skip "attached by notify" "$(cat "$work/err")"
    exit 0
fi
start_servers
remember
test_choice
test_exit_statuses
test_signals
test_tcp
test_udp
test_calls
test_gateway
test_static
if needs curl "bulk and names"; then
    test_bulk
    test_names
fi
test_death
test_refused
check_nothing_left "nothing is left behind"
if use_sanitized; then
    client "with sanitizers: 200 connections at once" 60 -- parallel "$echo" 200 65536
    client "with sanitizers: half-close" 60 -- half_close_by_client "$answer_after_end"
    client "with sanitizers: resets" 60 -- reset_midway "$resets_midway"
    client "with sanitizers: a client that resets" 60 -- reset_by_client "$watches_reset" "$result"
    client "with sanitizers: UDP" 60 -- udp_exact "$udp,$udp2" 1 1473 65507
    said_with="with sanitizers: "
    test_calls
    check_sanitizers "with sanitizers: nothing to say, no leak at exit"
else
    skip "with sanitizers" "there is no $sanitized/nst"
fi
stop_servers
exit $failed
