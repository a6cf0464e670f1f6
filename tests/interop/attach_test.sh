#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The process side of `nst run`, on a real kernel: exit codes, signals, job control, names, and that nothing
# is left behind. Everything happens in a mount namespace of the test's own, with a TUN device node of its own
# or, with NST_INTEROP_WAY=veth, without one. Prints "ok NAME", "not ok NAME: why" or "skip NAME: reason" and
# fails if any is not ok.
#
#     attach_test.sh [CC]      NST_BUILD: where libnicstack.a is (build/)
here=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" = 0 ] && [ -z "$ATTACH_TEST_INSIDE" ]; then
    # Processes of its own too: the numbers of namespaces that ended are given to those of others.
    ATTACH_TEST_INSIDE=1 exec unshare --mount --pid --fork --kill-child --mount-proc --propagation private "$0" "$@"
fi
cc=${1:-cc}
. "$here/lib.sh"

work=$(mktemp -d) && chmod 755 "$work" || exit 1
trap 'rm -rf "$work"' EXIT
probe=$work/probe
$cc -std=gnu11 -D_GNU_SOURCE -g -O1 -Wall -Wextra $ATTACH_TEST_CFLAGS -I"$here"/../../cli -I"$here"/../../include -o "$probe" \
    "$here/attach_probe.c" "$here"/../../cli/attach/{attach,attach_child,attach_notify,attach_text,attach_tun,attach_veth}.c \
    "$here"/../../cli/attach/{control,descendants,init,namespaces,netlink,offloads,resolv,signals,terminal}.c \
    "$here"/../../cli/{notify/notify_filter,notify/notify_target,tool/descriptors}.c \
    "${NST_BUILD:-$here/../../build}/libnicstack.a" || { not_ok build "does not compile"; exit 1; }
cp "$here/attach_pty.py" "$work/attach_pty.py"
cat >"$work/answer.c" <<'EOF'
#include <unistd.h>
int main(void) { return write(1, "static\n", 7) == 7 ? 42 : 1; }
EOF
$cc -static -o "$work/static" "$work/answer.c" 2>/dev/null

way=${NST_INTEROP_WAY:-tun} device=tun0 ends=tun0
[ $way = tun ] || device=eth0 ends="nst0 eth0"
if [ "$(id -u)" = 0 ]; then
    mkdir -p /dev/net
    mount -t tmpfs -o mode=755 tmpfs /dev/net && { [ $way != tun ] || mknod -m 666 /dev/net/tun c 10 200; } ||
        { skip all "cannot make a TUN device node"; exit 0; }
    users="root user"
elif [ $way = tun ] && [ ! -w /dev/net/tun ]; then
    skip all "needs root, or a /dev/net/tun that may be opened"
    exit 0
elif [ $way != tun ] && [ -w /dev/net/tun ]; then
    skip all "needs root, or no /dev/net/tun that may be opened"
    exit 0
else
    users=user
fi

# as WHO COMMAND...: runs it as that user.
as() {
    local who=$1
    shift
    if [ "$who" = user ] && [ "$(id -u)" = 0 ]; then
        setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
    else
        "$@"
    fi
}
run() { as "$who" timeout 60 "$probe" "$@" 2>"$work/err"; }

test_exit_codes() {
    run -- true;                       check "$who: exit status 0" 0 $?
    run -- sh -c 'exit 7';             check "$who: exit status 7" 7 $?
    run -- /nonexistent;               check "$who: a program that does not exist is 127" 127 $?
    grep -q 'cannot run /nonexistent (ENOENT): ' "$work/err" && ok "$who: and is named" ||
        not_ok "$who: and is named" "$(cat "$work/err")"
    run -- /etc/passwd;                check "$who: a file that is not executable is 126" 126 $?
    run -- /etc;                       check "$who: a directory is 126" 126 $?
    run -- sh -c 'kill -9 $$';         check "$who: killed by 9 is 137" 137 $?
    run -- sh -c 'kill -TERM $$';      check "$who: killed by TERM is 143, it is not process 1" 143 $?
    if [ -x "$work/static" ]; then
        check "$who: a static program runs" "static 42" \
            "$(echo $(run -- "$work/static"; echo $?))"
    else
        skip "$who: a static program runs" "no static C library"
    fi
}

test_failures_are_named() {
    local text method
    [ "$(id -u)" = 0 ] || return 0
    for method in "" "-m tun"; do
        text=$(unshare --mount sh -c 'umount /dev/net; mount -t tmpfs none /dev/net; "$@" 2>&1; echo $?' sh \
            "$probe" $method -- true)
        check "no /dev/net/tun: veth, or one sentence and 125 $method" "$([ -z "$method" ] && echo 0 || echo "attach_probe: \
cannot open /dev/net/tun (ENOENT): modprobe tun, or in a container --device /dev/net/tun 125")" "$(echo $text)"
    done
    if [ $way = tun ]; then
        text=$(unshare --mount sh -c 'chmod 600 /dev/net/tun; setpriv --reuid 65534 --regid 65534 \
            --clear-groups "$@" 2>&1; echo $?; chmod 666 /dev/net/tun' sh "$probe" -m tun -- true)
        check "/dev/net/tun of root only: one sentence and 125" "attach_probe: cannot open /dev/net/tun \
(EACCES): chmod 0666 /dev/net/tun, or run as root 125" "$(echo $text)"
    fi
    text=$(unshare --mount sh -c 'mount -o bind,ro /proc/sys /proc/sys; mount -t tmpfs none /proc/bus; \
        setpriv --reuid 65534 --regid 65534 --clear-groups "$@" 2>&1; echo $?' sh "$probe" -v -- true)
    [[ $text == *"cannot mount a new /proc (EPERM)"*"ping_group_range (EROFS)"*0 ]] &&
        ok "a /proc with covered parts: goes on with notes" ||
        not_ok "a /proc with covered parts: goes on with notes" "$text"
}

test_network() {
    check "$who: lo is up and $ends is all there is" "lo $ends" \
        "$(run -- ip -o link show up | awk -F'[:@] *' '{print $2}' | xargs)"
    check "$who: MTU 65520 and the address" "65520 10.0.2.15/24" \
        "$(run -- sh -c 'cat /proc/self/net/dev >/dev/null; ip -o link show $1; ip -o -4 addr show $1' sh $device |
            grep -oE 'mtu [0-9]+|inet [0-9./]+' | awk '{print $2}' | xargs)"
    check "$who: the default route" "default via 10.0.2.2 dev $device" \
        "$(run -- ip route show default | awk '{print $1, $2, $3, $4, $5}')"
    check "$who: IPv6 when asked for" "fd00:0:0:2::15/64" \
        "$(run -6 -- ip -o -6 addr show dev $device scope global | awk '{print $4}')"
    if have ping; then
        run -- ping -c1 -W30 10.0.2.2 >/dev/null;       check "$who: ping through the link" 0 $?
        run -b -- ping -c1 -W30 10.0.2.2 >/dev/null;    check "$who: ping over bare packets" 0 $?
        run -q 4 -- ping -c1 -W30 10.0.2.2 >/dev/null;  check "$who: ping over four queues" 0 $?
        run -h -- ping -c1 -W30 -s 60000 10.0.2.2 </dev/null >/dev/null; check "$who: ping of 60,000 bytes" 0 $?
    else
        skip "$who: ping through the link" "no ping"
    fi
    check "$who: the group may open ICMP sockets" 1 \
        "$(run -- sh -c 'set -- $(cat /proc/sys/net/ipv4/ping_group_range); g=$(id -g)
            [ $1 -le $g ] && [ $g -le $2 ] && echo 1')"
}

test_surroundings() {
    local list_descriptors='for f in /proc/$$/fd/*; do echo ${f##*/}; done'
    check "$who: init is process 1" attach-init "$(run -- cat /proc/1/comm)"
    check "$who: the user is the same" "$(as "$who" id -u):$(as "$who" id -g)" \
        "$(run -- sh -c 'echo $(id -u):$(id -g)')"
    check "$who: no_new_privs is off" 0 "$(run -- awk '/^NoNewPrivs/ {print $2}' /proc/self/status)"
    [ "$who" = user ] && check "$who: no capabilities are left" 0000000000000000 \
        "$(run -- awk '/^CapPrm/ {print $2}' /proc/self/status)"
    [ "$who" = root ] && check "root: may change ids" 65534 \
        "$(run -- setpriv --reuid 65534 --regid 65534 --clear-groups id -u)"
    check "$who: descriptors are the user's own and no other" \
        "$(exec 7</dev/null; as "$who" sh -c "$list_descriptors" | xargs)" \
        "$(exec 7</dev/null; as "$who" "$probe" -- sh -c "$list_descriptors" | xargs)"
    check "$who: the limit of descriptors is the user's" "$(ulimit -Sn)" "$(run -- sh -c 'ulimit -Sn')"
    check "$who: signal mask and ignored signals are the user's" \
        "$(trap '' USR2; timeout 60 grep -E '^Sig(Blk|Ign)' /proc/self/status | xargs)" \
        "$(trap '' USR2; run -- grep -E '^Sig(Blk|Ign)' /proc/self/status | xargs)"
    run -- true <&-;                               check "$who: works with stdin closed" 0 $?
    run -- sh -c 'exit 7' >&-;                     check "$who: works with stdout closed" 7 $?
    as "$who" "$probe" -- sh -c 'exit 8' <&- >&- 2>&-; check "$who: works with all closed" 8 $?
    check "$who: closed descriptors stay closed" closed \
        "$(run -- sh -c '[ -e /proc/$$/fd/0 ] || echo closed' <&-)"
}

# in_etc SETUP COMMAND: COMMAND inside nst, where /etc and /run are copies that SETUP changed; then whether
# the copies are as they were.
in_etc() {
    unshare --mount bash -c '
        cp -a /etc "$1/etc" && mount --bind "$1/etc" /etc
        mount -t tmpfs -o mode=755 tmpfs /run && mkdir /run/kept && echo kept >/run/kept/file && ln -s kept /run/link
        eval "$2"
        ls -lR --time-style=full-iso /etc /run >"$1/listed"
        shift 2
        "$@"
        ls -lR --time-style=full-iso /etc /run | cmp - "$0/listed" || echo CHANGED' "$work" "$work" "$1" \
        "${as_user[@]}" "$probe" -- sh -c "$2" 2>&1
    rm -rf "$work/etc"
}

test_names() {
    local dns="nameserver 10.0.2.3" cat='cat /etc/resolv.conf'
    check "$who: resolv.conf names our server" "$dns" "$(run -- grep nameserver /etc/resolv.conf)"
    [ "$(id -u)" = 0 ] || { skip "$who: resolv.conf in every shape" "needs root"; return; }
    as_user=()
    [ "$who" = user ] && as_user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    check "$who: search domains are kept" "$dns search a.test b.test options ndots:2" \
        "$(in_etc 'printf "nameserver 9.9.9.9\nsearch a.test b.test\noptions ndots:2\n" >/etc/resolv.conf' "$cat" | xargs)"
    check "$who: resolv.conf is a link to a file" "$dns" \
        "$(in_etc 'echo x >/run/kept/conf; ln -sf ../run/kept/conf /etc/resolv.conf' "$cat")"
    check "$who: a link to a missing file" "$dns kept kept" \
        "$(in_etc 'ln -sf ../run/kept/conf /etc/resolv.conf' "$cat; cat /run/kept/file /run/link/file" | xargs)"
    check "$who: a link to a missing directory" "$dns kept kept" \
        "$(in_etc 'ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf' \
            "$cat; cat /run/kept/file /run/link/file" | xargs)"
    check "$who: a link to a link to nowhere" "$dns" \
        "$(in_etc 'ln -sf /run/link/conf /etc/resolv.conf; ln -s ../x/y /run/kept/conf' "$cat")"
    check "$who: no resolv.conf at all" "$dns root" \
        "$(in_etc 'rm /etc/resolv.conf' "$cat; head -c4 /etc/passwd" | xargs)"
    check "$who: a link into /tmp" "$dns" \
        "$(in_etc 'mount -t tmpfs -o mode=1777 tmpfs /mnt; ln -sf /mnt/a/b /etc/resolv.conf' "$cat")"
    have python3 || { skip "$who: sockets of name services are hidden" "no python3"; return; }
    check "$who: sockets of name services are hidden" "$dns gone gone" "$(in_etc '
        mkdir -p /run/nscd /run/systemd/resolve; echo nameserver 127.0.0.53 >/run/systemd/resolve/stub-resolv.conf
        ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
        for s in nscd/socket systemd/resolve/io.systemd.Resolve; do
            python3 -c "import socket, sys; socket.socket(1).bind(sys.argv[1])" /run/$s; done' "$cat
        [ -e /run/nscd/socket ] || echo gone; [ -e /run/systemd/resolve/io.systemd.Resolve ] || echo gone" | xargs)"
}

# start PROGRAM...: runs it in the background, marked, waits for "up"; sets $nst, $init and $program.
start() {
    rm -f "$work/out"
    NST_INTEROP_MARK=$NST_INTEROP_MARK-run as_exec "$probe" -- "$@" >"$work/out" 2>"$work/err" &
    nst=$!
    wait_until 60 grep -qs up "$work/out" || not_ok "$who: starts" "$(cat "$work/err")"
    init=$(pgrep -P "$nst")
    program=$(pgrep -P "$init" | head -1)
    namespaces=$(for type in net pid mnt; do readlink "/proc/$init/ns/$type" | tr -dc '0-9\n'; done)
}
as_exec() {
    if [ "$who" = user ] && [ "$(id -u)" = 0 ]; then
        exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
    fi
    exec "$@"
}
await() { wait "$nst" 2>/dev/null; }
family='setsid sleep 1000 & (setsid sh -c "trap \"\" TERM HUP; sleep 1000; sleep 1000" &) ; sleep 0.1; echo up; sleep 1000'

test_signals() {
    start sh -c 'echo up; exec sleep 1000'
    kill -TERM "$nst"; await;          check "$who: TERM to nst ends the program" 143 $?
    start sh -c 'trap "exit 9" USR1; echo up; while :; do sleep 0.05; done'
    kill -USR1 "$nst"; await;          check "$who: USR1 to nst is the program's" 9 $?
    start sh -c 'trap "" HUP; echo up; sleep 0.5; exit 4'
    kill -HUP "$nst"; await;           check "$who: a signal that the program ignores does no harm" 4 $?
    check_nothing_left "$who: nothing is left after signals"
}

test_deaths() {
    start sh -c "$family"; kill -9 "$nst"; await;     check "$who: nst killed" 137 $?
    check_nothing_left "$who: nothing is left after kill -9 of nst"
    start sh -c "$family"; kill -9 "$init"; await;    check "$who: init killed is 125" 125 $?
    check_nothing_left "$who: nothing is left after kill -9 of init"
    start sh -c "$family"; kill -9 "$program"; await; check "$who: program killed is 137" 137 $?
    check_nothing_left "$who: nothing is left after kill -9 of the program"
    start sh -c "$family"; kill -STOP "$init"; kill -9 "$nst"; await
    check_nothing_left "$who: nothing is left after kill -9 of nst while init is stopped"
    for delay in 0 .001 .002 .003 .004 .005 .006 .008 .01 .012 .015 .02 .03 .05; do
        NST_INTEROP_MARK=$NST_INTEROP_MARK-run as_exec "$probe" -- sleep 1000 2>/dev/null &
        nst=$!
        sleep "$delay"
        kill -9 "$nst"; await
        NST_INTEROP_MARK=$NST_INTEROP_MARK-run as_exec "$probe" -- sleep 1000 2>/dev/null &
        nst=$!
        sleep "$delay"
        kill -9 $(pgrep -P "$nst") 2>/dev/null
        kill -TERM "$nst"; await
    done
    check_nothing_left "$who: nothing is left after kill -9 at any moment"
    run -- sh -c 'setsid sleep 1000 & exit 3';        check "$who: background processes do not hold nst up" 3 $?
    check_nothing_left "$who: and end with the program"
}

test_terminal() {
    have python3 || { skip "$who: terminal" "no python3"; return; }
    local scenario why
    for scenario in interrupt_once interrupt_kills interrupt_before_go group_kill_once stop_and_continue \
        background_reader_stops shell_inside terminal_comes_back stop_from_elsewhere stop_told_late; do
        if why=$(as "$who" timeout 300 "$python" "$work/attach_pty.py" $scenario "$probe" 2>&1); then
            ok "$who: terminal: ${scenario//_/ }"
        else
            not_ok "$who: terminal: ${scenario//_/ }" "$(echo "$why" | tail -1)"
        fi
    done
    check_nothing_left "$who: nothing is left after the terminal"
}

# A python that an ordinary user may run, first in the PATH of the programs too.
python=/usr/bin/python3
[ -x $python ] || python=python3
[ $python = python3 ] || PATH=/usr/bin:$PATH
for who in $users; do
    namespaces=
    remember
    test_exit_codes
    test_network
    test_surroundings
    test_names
    test_signals
    test_deaths
    test_terminal
done
test_failures_are_named
exit $failed
