#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `nst run` killed: whichever of nst, its init and the program dies, at whatever moment, nothing stays behind.
. "$(dirname "$0")/run_lib.sh"

# The program has children in other groups and traffic under way.
family='setsid sleep 1000 &
(setsid sh -c "trap \"\" TERM HUP; sleep 1000; sleep 1000" &)
exec "$1" -c "
import socket, sys
s = socket.create_connection((\"10.0.2.2\", int(sys.argv[1])))
while True:
    s.sendall(bytes(65536))
    s.recv(65536)
" "$2"'

# start: sets $pid (nst) and, once they are there, $init, $program and the namespaces to look for.
start() {
    (export NST_INTEROP_MARK=$NST_INTEROP_MARK-run; as_exec "$nst" run -q -- sh -c "$family" sh $python "$echo") \
        >/dev/null 2>"$work/err" &
    pid=$!
}
look() {
    # So early a child may still be one of the shell's own, which is no victim.
    init=$(pgrep -P "$pid" -x attach-init | head -1)
    program=$([ -n "$init" ] && pgrep -P "$init" | head -1)
    namespaces=$([ -n "$init" ] && for type in net pid mnt; do readlink "/proc/$init/ns/$type" | tr -dc '0-9\n'; done)
}

# round VICTIM DELAY
round() {
    local victim
    start
    sleep "$2"
    look
    case $1 in
    nst) victim=$pid ;;
    init) victim=$init ;;
    program) victim=$program ;;
    esac
    [ -n "$victim" ] && kill -9 "$victim" 2>/dev/null
    # One that was not there yet: then nst is told to end.
    [ -n "$victim" ] || kill -TERM "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
}

start_servers
victims=(nst init program)
for who in $users; do
    namespaces=""
    remember
    before=$failed
    for n in $(seq 20); do
        victim=${victims[n % 3]}
        delay=0.$(printf %03d $((RANDOM % (n % 2 ? 60 : 400))))
        round "$victim" "$delay"
        said=$(check_nothing_left "round $n")
        [[ $said == ok* ]] || { not_ok "$who: kill -9 at any moment, 20 times: nothing is left" "$victim after $delay s: $said"; break; }
    done
    [ $failed != "$before" ] || ok "$who: kill -9 at any moment, 20 times: nothing is left"
done
stop_servers
exit $failed
