#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `nst run` as its user meets it: exit statuses, signals, options, the summary, ping, names, static programs.
. "$(dirname "$0")/run_lib.sh"

test_exit_statuses() {
    run 20 -q -- true;                  check "$who: exit status 0" 0 $?
    run 20 -q -- sh -c 'exit 7';        check "$who: exit status 7" 7 $?
    run 20 -q -- /nonexistent;          check "$who: a program that is not there is 127" 127 $?
    grep -q '^nst: cannot run /nonexistent (ENOENT): ' "$work/err" && ok "$who: and is named" ||
        not_ok "$who: and is named" "$(cat "$work/err")"
    run 20 -q -- /etc/passwd;           check "$who: a file that is not executable is 126" 126 $?
    run 20 -q -- sh -c 'kill -9 $$';    check "$who: killed by signal 9 is 137" 137 $?
    run 20 -q -- sh -c 'kill -TERM $$'; check "$who: killed by SIGTERM is 143" 143 $?
    run 20 -q true;                     check "$who: a program without -- before it" 0 $?
    check "$who: what comes behind the program is its own" "-v --json" "$(run 20 -q echo -v --json)"
    run 20 -q -- "$(printf %3000s | tr ' ' a)"
    check "$who: a name that is too long is 126, with a next step" "126 1" \
        "$? $(grep -c '(ENAMETOOLONG): [^s]' "$work/err")"
}

# What the program gets of its surroundings is what it would have had.
test_surroundings() {
    local got
    check "$who: the environment and the folder" "bar $work" \
        "$(cd "$work" && FOO=bar run 20 -q -- sh -c 'echo $FOO $PWD')"
    check "$who: the limit of descriptors is its own" "321 $(ulimit -Hn)" \
        "$(ulimit -Sn 321; echo $(run 20 -q -- sh -c 'ulimit -Sn; ulimit -Hn'))"
    (exec <&- >&- 2>&-; as_exec "$nst" run -- $python -c 'import os
for fd in range(3):
    try: os.fstat(fd); os._exit(5)
    except OSError: pass')
    check "$who: closed stdin, stdout and stderr stay closed" 0 $?
    check "$who: 5,000 arguments" "5000 5000" "$(echo $(run 20 -q -- sh -c 'echo $#; shift 4999; echo $1' sh $(seq 5000)))"
    check "$who: an argument of 130,000 bytes" 130000 \
        "$(run 20 -q -- sh -c 'echo ${#1}' sh "$(head -c 130000 /dev/zero | tr '\0' a)")"
    got=$(run 20 -q -- $python -c "
import os, time
r, w = os.pipe()
if os.fork():
    os.read(r, 1)
    os._exit(4)
os.setsid()
if os.fork():
    os._exit(0)
os.write(w, b'x')
time.sleep(20)
print('alive')")
    check "$who: a daemon that the program left behind ends with it" "4 " "$? $got"
}

# Without TUN there is veth; who wants TUN is told what refuses it, and what helps.
test_ways() {
    [ "$way" = tun ] || return 0
    for who in $users; do
        run 20 -v --attach veth -- true
        check "$who: --attach veth" "0 nst: attached by veth" "$? $(head -n 1 "$work/err")"
    done
    [ "$(id -u)" = 0 ] || { skip "without TUN" "needs root"; return; }
    chmod 600 /dev/net/tun
    run 20 -vq -- true;             check "a TUN of root only: veth" \
        "0 nst: cannot open /dev/net/tun (EACCES): using veth instead nst: attached by veth" "$? $(echo $(grep -v "^nst: confined" "$work/err"))"
    run 20 --attach tun -- true;    check "a TUN of root only, --attach tun: 125, one sentence that helps" \
        "125 nst: cannot open /dev/net/tun (EACCES): chmod 0666 /dev/net/tun, or run as root" "$? $(cat "$work/err")"
    mv /dev/net/tun /dev/net/away
    run 20 -vq -- true;             check "no TUN: veth" \
        "0 nst: cannot open /dev/net/tun (ENOENT): using veth instead nst: attached by veth" "$? $(echo $(grep -v "^nst: confined" "$work/err"))"
    run 20 -q -- true;              check "no TUN: nothing is said without -v" "0 " "$? $(cat "$work/err")"
    run 20 --json --attach=tun -- true; check "no TUN, --attach tun: 125, one sentence that helps" \
        "125 nst: cannot open /dev/net/tun (ENOENT): modprobe tun, or in a container --device /dev/net/tun" \
        "$? $(cat "$work/err")"
    mv /dev/net/away /dev/net/tun
    chmod 666 /dev/net/tun
}

test_signals() {
    local signal
    for signal in INT TERM HUP USR1; do
        start -q -- sh -c "trap 'exit 9' $signal; echo up; while :; do sleep 0.05; done"
        kill -$signal "$pid"; await $pid; check "$who: SIG$signal to nst is the program's" 9 $?
    done
    start -q -- sh -c 'echo up; exec sleep 100'
    kill -TERM "$pid"; await $pid;        check "$who: SIGTERM ends a program that does not care" 143 $?
    start -q -- $python -c 'import signal, time; signal.signal(2, signal.SIG_DFL); print("up", flush=True); time.sleep(100)'
    kill -INT "$pid"; await $pid;         check "$who: SIGINT too" 130 $?
}

test_terminal() {
    local scenario why
    printf '#!/bin/sh\nexec "%s" run -q "$@"\n' "$nst" >"$work/nst-run" && chmod 755 "$work/nst-run"
    for scenario in interrupt_once interrupt_kills stop_and_continue shell_inside; do
        if why=$(as_exec timeout 300 $python "$work/attach_pty.py" $scenario "$work/nst-run" 2>&1); then
            ok "$who: terminal: ${scenario//_/ }"
        else
            not_ok "$who: terminal: ${scenario//_/ }" "$(tail -n 1 <<<"$why")"
        fi
    done
}

test_channels() {
    check "$who: stdout is the program's alone" "out" "$(run 20 -v --json -- sh -c 'echo out')"
    run 20 -q -- true;                     check "$who: -q is quiet" "" "$(cat "$work/err")"
    run 20 -v -- true
    grep -qx "nst: attached by $way" "$work/err" && ok "$who: -v names the attachment" ||
        not_ok "$who: -v names the attachment" "$(cat "$work/err")"
    run 20 -v -- $python "$work/run_client.py" refused "$nobody"
    grep -qE "^nst: tcp 10\.0\.2\.2 port $nobody: 0 out, 0 in, [0-9.]+ s, connection refused\$" "$work/err" &&
        ok "$who: -v tells each flow, and how it ended" || not_ok "$who: -v tells each flow, and how it ended" "$(cat "$work/err")"
    run 20 -vq -- $python "$work/run_client.py" unreachable 10.0.2.77
    grep -q '^nst: tcp 10\.0\.2\.77 port 80: .*, no route to the host$' "$work/err" &&
        ok "$who: nobody's address is no matter of policy" || not_ok "$who: nobody's address is no matter of policy" "$(cat "$work/err")"
    check "$who: -vq is -v -q" 0 "$(grep -c ' TCP, ' "$work/err")"
    run 20 -- true
    check "$who: the summary is one line" 1 "$(grep -c '^nst: ' "$work/err")"
    check "$who: stdin is the program's" "through" "$(echo through | run 20 -q -- cat)"
    check "$who: stderr is the program's" "said" "$(run 20 -q -- sh -c 'echo said >&2'; cat "$work/err")"
}

test_options() {
    local text
    text=$("$nst" --version);           check "nst --version" "0 nst 0." "$? ${text:0:6}"
    text=$("$nst" --help);              check "nst --help is on stdout" 0 $?
    grep -q '^  run ' <<<"$text" && ok "nst --help lists run" || not_ok "nst --help lists run" "$text"
    text=$("$nst" run --help);          check "nst run --help is on stdout" "0 usage: nst run" "$? ${text:0:14}"
    "$nst" 2>"$work/err";               check "no command is 2, with the usage" "2 usage:" "$? $(head -c6 "$work/err")"
    "$nst" walk 2>"$work/err";          check "a wrong command is 2, and named" \
        "2 nst: no command 'walk'; nst --help lists them" "$? $(cat "$work/err")"
    while IFS='|' read -r words expected; do
        # shellcheck disable=SC2086 # words
        "$nst" run $words 2>"$work/err" </dev/null
        check "wrong options: $words" "125 $expected" "$? $(head -n 1 "$work/err")"
    done <<'X'
--nonsense true|nst run: --nonsense: no such option; see nst run --help
-x true|nst run: -x: no such option; see nst run --help
--memory lots true|nst run: --memory lots: is no size, such as 8m; see nst run --help
--memory=8mm true|nst run: --memory 8mm: is no size, such as 8m; see nst run --help
--memory 1k true|nst run: --memory must be at least 1m
--mtu 67 true|nst run: --mtu must be 68 to 65535
--mtu 65536 true|nst run: --mtu must be 68 to 65535
--mtu 0 true|nst run: --mtu must be 68 to 65535
--memory 0 true|nst run: --memory must be at least 1m
-qx true|nst run: -qx: no such option; see nst run --help
--dns nowhere true|nst run: --dns nowhere: is no ADDR[:PORT], such as 192.0.2.1 or [2001:db8::1]:53
--dns 127.0.0.1:0 true|nst run: --dns 127.0.0.1:0: is no ADDR[:PORT], such as 192.0.2.1 or [2001:db8::1]:53
--dns [::1 true|nst run: --dns [::1: is no ADDR[:PORT], such as 192.0.2.1 or [2001:db8::1]:53
--attach pigeon true|nst run: --attach pigeon: is none of tun, veth and notify
--quiet=yes true|nst run: --quiet=yes: takes no argument; see nst run --help
--mtu|nst run: --mtu: needs an argument; see nst run --help
|usage: nst run [OPTIONS] [--] PROGRAM [ARGUMENTS]
X
}

test_json() {
    run 30 --json -- curl -s -o /dev/null "http://10.0.2.2:$http/small"
    check "$who: --json is one object with its members" ok "$($python - "$work/err" $way <<'X'
import json, sys
line, = open(sys.argv[1], encoding="utf-8").read().splitlines()
o = json.loads(line)
wanted = {"attached": str, "exit_status": int, "seconds": float, "tcp_flows": int, "udp_flows": int,
          "ping_flows": int, "failed": int, "denied": int, "bytes_out": int, "bytes_in": int,
          "rx_packets": int, "tx_packets": int,
          "retransmitted": int, "rtt_min_ms": float, "rtt_max_ms": float, "drops": dict,
          "published_flows": int, "memory_peak": int, "names": list}
wrong = [k for k in wanted if not isinstance(o.get(k), wanted[k])] + [k for k in o if k not in wanted]
if wrong:
    print("members:", wrong)
elif (o["attached"], o["exit_status"], o["tcp_flows"], o["failed"], o["denied"]) != (sys.argv[2], 0, 1, 0, 0):
    print("values:", o)
elif not 100000 < o["bytes_in"] < 101000 or not 50 < o["bytes_out"] < 1000 or o["memory_peak"] == 0:
    print("counts:", o)
else:
    print("ok")
X
)"
}

test_ping() {
    needs ping "$who: ping" || return
    run 20 -q -- ping -c3 -i0.2 -W30 10.0.2.2 >"$work/out"
    check "$who: ping of the gateway" "0 3 received" "$? $(grep -o '[0-9]* received' "$work/out")"
    run 20 -q -- ping -c1 -W30 -s 60000 10.0.2.2 >/dev/null;  check "$who: ping of 60,000 bytes" 0 $?
    run 20 -q --mtu 1500 -- ping -c1 -W30 -s 20000 10.0.2.2 >/dev/null
    check "$who: ping of 20,000 bytes in fragments" 0 $?
    run 20 -q -- ping -c1 -W30 10.0.2.77 >"$work/out"
    check "$who: ping of an address inside that nobody has: unreachable" "1 Unreachable" \
        "$? $(grep -o Unreachable "$work/out")"
    [ "$(id -u)" = 0 ] || { skip "$who: ping of the world outside" "needs a namespace"; return; }
    run 20 -q -- ping -c1 -W30 198.51.100.1 >"$work/out"
    check "$who: ping without a route outside: unreachable" "1 Unreachable" "$? $(grep -o Unreachable "$work/out")"
    echo "1 0" >/proc/sys/net/ipv4/ping_group_range
    run 20 -q -- ping -c1 -W30 192.0.2.1 >"$work/out"
    check "$who: ping where the host allows none: unreachable, not faked" "1 Unreachable" \
        "$? $(grep -oE 'Unreachable|filtered|Prohibited' "$work/out")"
    echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range
    run 20 -q -- ping -c3 -i0.2 -W30 192.0.2.1 >"$work/out"
    check "$who: ping is carried on where the host allows it" "0 3 received" \
        "$? $(grep -o '[0-9]* received' "$work/out")"
}

test_names() {
    needs dnsmasq "$who: names" || return
    local got
    start_names --listen-address=127.0.0.1,::1 --address=/name.test/192.0.2.7 --address=/here.test/10.0.2.2 --local=/test/
    got=$(run 20 --json --dns 127.0.0.1:$dns_port -- getent ahostsv4 name.test | awk '{print $1; exit}')
    check "$who: a name is resolved" 192.0.2.7 "$got"
    grep -q '"names":\["name.test"\]' "$work/err" && ok "$who: and is in the summary" ||
        not_ok "$who: and is in the summary" "$(cat "$work/err")"
    check "$who: getent hosts" "192.0.2.7 name.test" \
        "$(run 20 -q --dns 127.0.0.1:$dns_port -- getent hosts name.test | awk '{print $1, $2}')"
    run 20 -q --dns 127.0.0.1:$dns_port -- getent hosts missing.test
    check "$who: a name that there is not" 2 $?
    check "$who: names over TCP too" 192.0.2.7 "$(RES_OPTIONS=use-vc run 20 -q --dns 127.0.0.1:$dns_port -- \
        getent ahostsv4 name.test | awk '{print $1; exit}')"
    check "$who: --dns with an IPv6 address" 192.0.2.7 "$(run 20 -q --dns "[::1]:$dns_port" -- \
        getent ahostsv4 name.test | awk '{print $1; exit}')"
    run 20 -q --dns 127.0.0.1:$dns_port -- curl -s -o "$work/got" "http://here.test:$http/small"
    check "$who: curl of a name" 0 $?
    cmp -s "$work/small" "$work/got" && ok "$who: and it is exact" || not_ok "$who: and it is exact" "differs"
    rm -f "$work/got"
    stop_names
}

# The other family: the same places, at ::2 and ::77 of fd00:0:0:2::/64; ::1 is the host's loopback.
test_ipv6() {
    local port=$((20000 + RANDOM % 10000)) got base=fd00:0:0:2:
    cat >"$work/six.py" <<'X'
import http.server, socket, sys, threading
port, folder = int(sys.argv[1]), sys.argv[2]
class Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *a): super().__init__(*a, directory=folder)
    def log_message(self, *a): pass
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
def echo():
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.bind(("::1", port))
    while True:
        data, peer = s.recvfrom(65536)
        s.sendto(data, peer)
threading.Thread(target=echo, daemon=True).start()
Server(("::1", port), Handler).serve_forever()
X
    if ! $python -c 'import socket; socket.socket(socket.AF_INET6).bind(("::1", 0))' 2>/dev/null; then
        skip "$who: IPv6" "this host has no ::1"
        return
    fi
    $python "$work/six.py" $port "$work" &
    local server=$!
    wait_until 60 curl -s -o /dev/null "http://[::1]:$port/small"
    run 20 -q -- curl -s -o "$work/got" "http://[${base}:2]:$port/small"
    check "$who: curl over IPv6" 0 $?
    cmp -s "$work/small" "$work/got" && ok "$who: and it is exact" || not_ok "$who: and it is exact" "differs"
    rm -f "$work/got"
    got=$(run 20 -q -- $python -c "
import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.settimeout(30)
s.connect(('${base}:2', $port))
for n in 0, 1, 1452, 9000, 60000:
    s.send(bytes(n))
    if len(s.recv(65536)) != n: sys.exit(f'{n} bytes')
s.connect(('${base}:2', 1))
s.send(b'x')
try: s.recv(10)
except ConnectionRefusedError: print('all, and refused')")
    check "$who: datagrams over IPv6" "all, and refused" "$got"
    got=$(run 20 -q -- $python -c "
import errno, socket
for to in '${base}:77', '2001:db8::1':
    s = socket.socket(socket.AF_INET6)
    s.settimeout(60)
    print(errno.errorcode[s.connect_ex((to, 80))])" | xargs)
    check "$who: who is not there over IPv6 is told so" "EHOSTUNREACH ENETUNREACH" "$got"
    check "$who: --mtu below 1280: no IPv6" "0" "$(run 20 -q --mtu 1279 -- sh -c 'ip -6 addr show scope global | wc -l')"
    if have ping; then
        run 20 -q -- ping -6 -c3 -i0.2 -W30 ${base}:2 >"$work/out"
        check "$who: ping over IPv6" "0 3 received" "$? $(grep -o '[0-9]* received' "$work/out")"
        run 20 -q -- ping -6 -c1 -W30 -s 60000 ${base}:2 >/dev/null; check "$who: ping of 60,000 bytes over IPv6" 0 $?
    fi
    kill $server; wait $server 2>/dev/null
}

test_static() {
    if ! cc -static -o "$work/static" "$here/run_static.c" 2>/dev/null; then
        skip "a static program over TCP and UDP" "no static C library"
        return
    fi
    run 20 -q -- "$work/static" "$echo" "$udp"
    check "$who: a static program over TCP and UDP" 0 $?
}

test_loopback_option() {
    client "$who: --no-host-loopback keeps 10.0.2.2 closed" 20 --no-host-loopback -- denied "$echo"
    run 20 --json --no-host-loopback -- true 2>&1
    run 20 --json --no-host-loopback -- $python "$work/run_client.py" denied "$echo"
    grep -q '"denied":[1-9]' "$work/err" && ok "$who: and is counted as denied" ||
        not_ok "$who: and is counted as denied" "$(cat "$work/err")"
    run 20 --no-host-loopback -- $python "$work/run_client.py" denied "$echo"
    grep -q '; 1 denied$' "$work/err" && ok "$who: in the line for people too" ||
        not_ok "$who: in the line for people too" "$(cat "$work/err")"
    run 20 --json --no-host-loopback -- $python "$work/run_client.py" unreachable 10.0.2.77
    grep -q '"failed":1,"denied":0' "$work/err" && ok "$who: an address that nobody has is a failure, not denied" ||
        not_ok "$who: an address that nobody has is a failure, not denied" "$(cat "$work/err")"
}

head -c 100000 /dev/urandom >"$work/small"
start_servers
remember
test_options
for who in $users; do
    test_exit_statuses
    test_surroundings
    test_signals
    test_terminal
    test_channels
    test_ping
    test_static
    if needs curl "$who: JSON and names"; then
        test_json
        test_names
        test_ipv6
    fi
    test_loopback_option
done
test_ways
check_nothing_left "nothing is left behind"
if use_sanitized; then
    client "with sanitizers: TCP" 40 -- parallel "$echo" 20 65536
    client "with sanitizers: UDP" 40 -- udp_exact "$udp,$udp2" 1 1472 65507
    client "with sanitizers: a reset" 40 -- reset_by_server "$resets"
    run 40 -q -- ping -c1 -W30 10.0.2.2 >/dev/null; check "with sanitizers: ping" 0 $?
    check_sanitizers "with sanitizers: nothing to say, no leak at exit"
else
    skip "with sanitizers" "there is no $sanitized/nst"
fi
stop_servers
exit $failed
