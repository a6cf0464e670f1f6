#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# nst confined while it serves: what is left to it, that the program is not confined, that a forbidden call
# ends everything, and that job control and everything else goes on as before.
. "$(dirname "$0")/run_lib.sh"
cc=${CC:-cc}
cli=$top/cli

# field FILE NAME: of a /proc/PID/status.
field() { awk -v name="$2:" '$1 == name {print $2}' "$1"; }
build_probe() { # NAME OPTIONS...
    local name=$1
    shift
    $cc -std=gnu11 -D_GNU_SOURCE -O1 -Wall -I"$cli" -o "$work/$name" "$here/confine_probe.c" \
        "$cli"/{confine/confine,confine/confine_filter,attach/attach_text}.c "$@" 2>"$work/err" && chmod 755 "$work/$name"
}
probe() { { (as_exec "$work/probe" "$@" </dev/null >"$work/out" 2>&1); } 2>/dev/null; } # says nothing of how it died

# Each call in a process that confines itself: forbidden ones end it by SIGSYS (31), others come back.
test_calls() {
    local call how bad=""
    for call in execve mmap_exec mprotect_exec netlink packet unix unix_high socketpair open open_write create fork \
        ptrace vm_readv tiocsti kill_other kill_init prctl setuid bind io_uring clone3 memfd dup_fcntl lseek int80 x32; do
        [[ "$call" != x32 || "$(uname -m)" = x86_64 ]] || continue
        probe 1 "$call"
        how=$?
        # A kernel without calls of 32 bits knows no such interrupt: a fault.
        [ $how = 159 ] || [ "$call:$how" = int80:139 ] || bad+=" $call ($(head -n 1 "$work/out"))"
    done
    check "$who: each forbidden call is the end" "" "$bad"
    bad=""
    for call in mmap_data inet inet6 raw kill_self kill_nothing stdio; do
        probe 33 "$call" || bad+=" $call ($?)" # CONFINE_FLOWS
    done
    check "$who: what serving needs comes back" "" "$bad"
    probe 1 abort;                  check "$who: abort is an abort" 134 $?
    probe 1 inet;                   check "$who: who carries no flows makes no socket" 159 $?
    bad=""
    for call in execve netlink inet6 create fork ptrace kill_other memfd; do
        probe 64 "$call"
        [ $? = 159 ] || bad+=" $call"
    done
    check "$who: who opens devices does nothing else" "" "$bad"
    probe 64 open;                  check "$who: and opens them" 0 $?
    probe 64 packet
    how=$?
    check "$who: packet sockets, with the right to it" "$([ "$who" = root ] && echo 0 || echo 2)" $how
    probe 2 lseek;                  check "$who: a capture may seek" 0 $?
    probe 2 open;                   check "$who: and opens nothing" 159 $?
    bad=""
    for call in open vm_readv socketpair; do probe 4 "$call" || bad+=" $call"; done
    check "$who: who answers calls may look at the program" "" "$bad"
    probe 4 open_write;             check "$who: and writes no file" 159 $?
    probe 4 create;                 check "$who: and creates none" 159 $?
    probe 4 text
    # CAP_DAC_READ_SEARCH, CAP_KILL, CAP_SYS_PTRACE
    check "$who: and keeps of root's rights what that takes" "$([ "$who" = root ] && echo 0000000000080024 || echo 0000000000000000)" \
        "$(field "$work/out" CapPrm)"
}

test_without_library() {
    build_probe bare || { not_ok "without libseccomp it builds" "$(head -n 3 "$work/err")"; return; }
    (as_exec "$work/bare" 1 text) >"$work/out"
    grep -q 'not to certain system calls: .*libseccomp (apt-get install libseccomp-dev' "$work/out" &&
        ok "$who: without libseccomp the lack and what helps are named" ||
        not_ok "$who: without libseccomp the lack and what helps are named" "$(cat "$work/out")"
    check "$who: and the rest is done" "1 0000000000000000" "$(field "$work/out" NoNewPrivs) $(field "$work/out" CapEff)"
}

# start_confined PROGRAM...: start, and what is known of its init: sets $init, $namespaces.
start_confined() {
    start -v -- "$@"
    init=$(pgrep -P "$pid" -x attach-init | head -1)
    namespaces=$([ -n "$init" ] && for type in net pid mnt; do readlink "/proc/$init/ns/$type" | tr -dc '0-9\n'; done)
}

test_nst() {
    local name before after none=0000000000000000
    before=$(as_exec grep -E '^(NoNewPrivs|Seccomp|Cap(Inh|Prm|Eff|Amb)):' /proc/self/status | xargs)
    start_confined sh -c 'grep -E "^(NoNewPrivs|Seccomp|Cap(Inh|Prm|Eff|Amb)):" /proc/self/status | xargs; echo up; sleep 1000'
    cat "/proc/$pid/status" >"$work/status"
    check "$who: nst has no new privileges and a filter" "1 2" \
        "$(field "$work/status" NoNewPrivs) $(field "$work/status" Seccomp)"
    check "$who: nst has no capability" "$none $none $none $none" "$(field "$work/status" CapInh) \
$(field "$work/status" CapPrm) $(field "$work/status" CapEff) $(field "$work/status" CapAmb)"
    [ "$who" = user ] || check "root: nor can it gain one" $none "$(field "$work/status" CapBnd)"
    after=$(head -n 1 "$work/out")
    check "$who: the program is not confined" "$before" "$after"
    grep -q '^nst: confined: no capabilities, no_new_privs, [0-9]* rules' "$work/err" &&
        ok "$who: -v says so" || not_ok "$who: -v says so" "$(cat "$work/err")"
    kill -TERM "$pid"
    wait "$pid"
    check "$who: a signal reaches the program and its end comes back" 143 $?
    [ "$who" = root ] || return 0
    start_confined sh -c 'trap "exit 9" TERM; exec setpriv --reuid 65534 --regid 65534 --clear-groups sh -c "trap \"exit 9\" TERM; echo up; while :; do sleep 0.05; done"'
    kill -TERM "$pid"
    wait "$pid"
    check "root: also one that has changed its ids" 9 $?
}

# A fault in nst that makes a call of an attacker's: everything ends, and the shell sees it.
test_planted() {
    needs gdb "$who: a planted call" || return 0
    remember
    start_confined sh -c 'setsid sleep 1000 & (setsid sh -c "trap \"\" TERM HUP; sleep 1000" &) ; sleep 0.1; echo up; sleep 1000'
    (as_exec timeout 120 gdb -q -nx -batch -p "$pid" -ex 'set confirm off' \
        -ex 'print ((int (*)(int, int, int))socket)(16, 3, 0)' </dev/null >"$work/gdb" 2>&1)
    timeout 60 tail --pid="$pid" -f /dev/null || { not_ok "$who: a planted call ends nst" "$(tail -n 3 "$work/gdb")"; kill -9 "$pid"; }
    { wait "$pid"; } 2>/dev/null
    check "$who: a planted call ends nst by SIGSYS" 159 $?
    check_nothing_left "$who: and everything with it"
}

test_terminal() {
    local scenario why
    printf '#!/bin/sh\nexec %s run -q "$@"\n' "$nst" >"$work/nst-run" && chmod 755 "$work/nst-run"
    for scenario in interrupt_once interrupt_kills group_kill_once stop_and_continue \
        background_reader_stops shell_inside terminal_comes_back stop_from_elsewhere; do
        if why=$(as_exec timeout 300 $python "$work/attach_pty.py" $scenario "$work/nst-run" 2>&1); then
            ok "$who: terminal: ${scenario//_/ }"
        else
            not_ok "$who: terminal: ${scenario//_/ }" "$(tail -n 1 <<<"$why")"
        fi
    done
}

# Where a filter is refused nst goes on, and says so.
test_refused() {
    $cc -D_GNU_SOURCE -o "$work/refuse" "$here/refuse.c" -lseccomp 2>"$work/err" && chmod 755 "$work/refuse" ||
        { not_ok "$who: a place without seccomp" "$(head -n 3 "$work/err")"; return; }
    (as_exec "$work/refuse" seccomp 1 "$work/refuse" filter 1 "$nst" run -v -- true) >"$work/out" 2>&1
    check "$who: where seccomp is refused nst goes on" 0 $?
    grep -q '^nst: confined without capabilities, but not to certain system calls (E[A-Z]*): nst doctor' "$work/out" &&
        ok "$who: and says so" || not_ok "$who: and says so" "$(cat "$work/out")"
}

if ! ldd "$nst" | grep -q libseccomp; then
    skip confine "nst was built without libseccomp (apt-get install libseccomp-dev)"
    exit 0
fi
build_probe probe -DNST_HAVE_SECCOMP=1 -lseccomp || { not_ok "the probe builds" "$(head -n 5 "$work/err")"; exit 1; }
for who in $users; do
    namespaces=""
    test_calls
    test_without_library
    test_nst
    test_planted
    test_terminal
    test_refused
done
if use_sanitized; then
    who=${users##* }
    run 60 -v -- true
    grep -q 'not to certain system calls: this nst was built with sanitizers' "$work/err" &&
        ok "with sanitizers there is no filter, and -v says so" ||
        not_ok "with sanitizers there is no filter, and -v says so" "$(cat "$work/err")"
    check_sanitizers "no sanitizer complains"
fi
exit $failed
