#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `nst run` in small worlds: bubblewrap, without IPv6, without a /proc that can be written, a read-only root, a
# closed stdin, few descriptors, with system calls refused. It works, or one sentence says why not, what refuses
# and what would help; nothing hangs. There is no TUN device in any of them, and each is that of an ordinary user.
export NST_INTEROP_WAY=veth
. "$(dirname "$0")/run_lib.sh"

who=user
cc -O1 -Wall -D_GNU_SOURCE -o "$work/refuse" "$here/refuse.c" -lseccomp 2>"$work/err" || { not_ok "refuse.c" "$(cat "$work/err")"; exit 1; }
chmod 755 "$work/refuse"

# world COMMAND...: what runs nst; nst itself and its arguments are put behind it.
world() { world=("$@"); }
in_world() { (as_exec timeout -k 5 120 "${world[@]}" "$nst" run "$@" 2>"$work/err"); }

# works NAME [NOTE...]: traffic passes, both ways; and -v says each of the notes.
works() {
    local name=$1 said status=0 note
    shift
    said=$(in_world -vq -- $python "$work/run_client.py" parallel "$echo" 5 65536 2>&1) || status=$?
    [ $status = 0 ] && ok "$name: it works" || { not_ok "$name: it works" "status $status: $said $(cat "$work/err")"; return; }
    for note in "$@"; do
        grep -qF -- "nst: $note" "$work/err" && ok "$name: and says: $note" ||
            not_ok "$name: and says: $note" "$(cat "$work/err")"
    done
}

# says NAME SENTENCE: it does not work, is 125, and this is all that is said.
says() {
    local status=0
    in_world -- true || status=$?
    check "$1: one sentence" "125 nst: $2" "$status $(cat "$work/err")"
}

test_bubblewrap() {
    needs bwrap bubblewrap || return
    local all=(--unshare-user --unshare-pid --unshare-ipc --unshare-uts)
    as_exec_ok bwrap --unshare-user --dev-bind / / true || { skip "bubblewrap" "it does not work here: $(cat "$work/err")"; return; }
    world bwrap --unshare-user --dev-bind / /
    works "bubblewrap with everything"
    world bwrap "${all[@]}" --ro-bind / / --dev /dev --proc /proc
    works "bubblewrap with a read-only root"
    check "bubblewrap with a read-only root: and names are asked of us" "nameserver 10.0.2.3" \
        "$(in_world -q -- grep nameserver /etc/resolv.conf)"
    world bwrap "${all[@]}" --uid 1000 --gid 1000 --ro-bind / / --dev /dev --proc /proc
    works "bubblewrap with another uid"
    check "bubblewrap with another uid: the program has it" 1000 "$(in_world -q -- id -u)"
    world bwrap --unshare-user --ro-bind / /
    works "bubblewrap with a read-only /proc" \
        "cannot map user and group ids in /proc/self (EROFS): the program sees itself as nobody (65534)" \
        "cannot write net.ipv4.ping_group_range (EROFS): only a privileged ping works"
    check "bubblewrap with a read-only /proc: nst doctor says so too" "nst run works here: a program is attached by veth." \
        "$(as_exec "${world[@]}" "$nst" doctor 2>&1 | tail -n 1)"
    world bwrap --unshare-user --disable-userns --ro-bind / / --dev /dev --proc /proc
    works "bubblewrap without user namespaces" "cannot create namespaces (ENOSPC): raise sysctl \
user.max_user_namespaces (and max_net_namespaces), which is used up or 0" "attached by notify"
}
as_exec_ok() { (as_exec timeout 60 "$@" >"$work/out" 2>"$work/err"); }

test_refused() {
    world "$work/refuse" inet6 97
    works "no IPv6 sockets"
    world "$work/refuse" packet 97
    says "no packet sockets" "cannot open a packet socket (EAFNOSUPPORT): allow AF_PACKET in the seccomp profile of \
this place, or chmod 0666 /dev/net/tun"
    world "$work/refuse" netlink 1
    says "no netlink" "cannot open a netlink socket (EPERM): allow AF_NETLINK in the seccomp profile of this place"
    world "$work/refuse" userns 1
    works "no namespaces" "cannot create namespaces (EPERM): allow unprivileged user namespaces (sysctl \
kernel.unprivileged_userns_clone=1, or in a container --security-opt seccomp=unconfined), or run as root" "attached by notify"
    world "$work/refuse" mount 1
    works "no mounts" "cannot make the mounts private (EPERM): allow unprivileged user namespaces (where AppArmor \
restricts them: sysctl kernel.apparmor_restrict_unprivileged_userns=0), or run as root" "attached by notify"
}

test_limits() {
    world bash -c 'exec "$@" <&-' bash
    works "stdin closed"
    world bash -c 'exec "$@" <&- >&-' bash
    in_world -q -- sh -c 'exit 5'; check "stdin and stdout closed: it works" 5 $?
    world bash -c 'ulimit -n 64; exec "$@"' bash
    works "64 descriptors"
    world bash -c 'ulimit -n 16; exec "$@"' bash
    in_world -q -- true; check "16 descriptors: it works" 0 $?
    world bash -c 'ulimit -n 7; exec "$@"' bash
    says "7 descriptors" "cannot start a process (EMFILE): raise the limit of descriptors (ulimit -n)"
}

# The limit is that of a user namespace, of which this one is the only inhabitant.
test_used_up() {
    world unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_net_namespaces && exec "$@"' sh
    as_exec_ok "${world[@]}" true || { skip "no more network namespaces" "no such limit"; return; }
    works "no more network namespaces" "cannot create namespaces (ENOSPC): raise sysctl user.max_user_namespaces \
(and max_net_namespaces), which is used up or 0" "attached by notify"
}

# What needs the test's own namespaces: root makes the world, and the user is in it.
test_system() {
    [ "$(id -u)" = 0 ] || { skip "other worlds" "need root"; return; }
    world unshare --mount sh -c 'mount -o bind,ro /proc/sys /proc/sys && exec setpriv --reuid 65534 --regid 65534 \
        --clear-groups "$@"' sh
    who=root
    works "/proc/sys read-only" "attached by veth"
    world unshare --mount sh -c 'mount -o bind,ro /proc/sys /proc/sys && mount -t tmpfs none /proc/bus &&
        exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"' sh
    works "/proc with covered parts" \
        "cannot mount a new /proc (EPERM): the program sees the host's processes there" \
        "cannot write net.ipv4.ping_group_range (EROFS): only a privileged ping works"
    who=user
    echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
    world env
    works "IPv6 disabled by sysctl"
    echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6
}

start_servers
remember
test_bubblewrap
test_refused
test_limits
test_used_up
test_system
check_nothing_left "nothing is left behind"
stop_servers
exit $failed
