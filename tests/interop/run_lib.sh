#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sourced first by every run_*_test.sh: a place of its own for `nst run` and the servers that it talks to.
#
# As root the test goes on in mount, network and process namespaces of its own, with a TUN device node that
# everybody may open, loopback, and 192.0.2.1 and 192.0.2.2 as "the world outside"; the kernel ends all of it
# with the test. As an ordinary user it goes on where it is, on free ports of the loopback. With
# NST_INTEROP_WAY=veth there is no TUN device at all: that is what the run_veth_*_test.sh do.
#
# Afterwards: $way (how nst is expected to attach: tun or veth), $work (an empty folder that everybody may
# write), $nst (the release build, or the sanitizer build after use_sanitized), $users ("root user" or
# "user"), $python, the functions below. Lines of the
# protocol: "ok NAME", "not ok NAME: why", "skip NAME: reason".
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
release=${NST_BUILD:-$top/build-test/release}
sanitized=${NST_SANITIZED_BUILD:-$top/build-test/sanitize}
export LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

if [ ! -x "$release/nst" ]; then
    echo "skip $(basename "$0" .sh): there is no $release/nst"
    exit 0
fi
if [ -z "${NST_INTEROP_WORK:-}" ]; then
    NST_INTEROP_WORK=$(mktemp -d /tmp/nst-interop.XXXXXX) && chmod 777 "$NST_INTEROP_WORK" || exit 1
    export NST_INTEROP_WORK
    trap 'kill -9 "$inner" 2>/dev/null; wait 2>/dev/null; rm -rf "$NST_INTEROP_WORK"' EXIT
    trap 'exit 143' TERM INT
    own=()
    [ "$(id -u)" != 0 ] || own=(unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private)
    "${own[@]}" "$0" "$@" &
    inner=$!
    wait "$inner"
    exit
fi

work=$NST_INTEROP_WORK
. "$here/lib.sh"
# needs PROGRAM NAME: true if it is there; otherwise NAME is skipped.
needs() { have "$1" || { skip "$2" "no $1 ($(awk -F'\t' -v c="cmd:$1" '$2 == c {print "apt-get install " $1}' "$top/tools/packages.txt"))"; false; }; }

python=/usr/bin/python3 # one that an ordinary user may run
[ -x $python ] || python=python3
have $python || { skip "$(basename "$0" .sh)" "no python3 (apt-get install python3)"; exit 0; }
cp "$release/nst" "$work/nst" && cp "$here"/run_*.py "$here/attach_pty.py" "$work/" || exit 1
chmod 755 "$work"/nst "$work"/*.py
nst=$work/nst

way=${NST_INTEROP_WAY:-tun}
if [ "$(id -u)" = 0 ]; then
    mkdir -p /dev/net
    mount -t tmpfs -o mode=755 tmpfs /dev/net && { [ $way != tun ] || mknod -m 666 /dev/net/tun c 10 200; } ||
        { skip "$(basename "$0" .sh)" "cannot make a TUN device node"; exit 0; }
    ip link set lo up && ip addr add 192.0.2.1/32 dev lo && ip addr add 192.0.2.2/32 dev lo || exit 1
    users="root user"
elif [ $way = tun ] && [ ! -w /dev/net/tun ]; then
    skip "$(basename "$0" .sh)" "needs root, or a /dev/net/tun that may be opened"
    exit 0
elif [ $way != tun ] && [ -w /dev/net/tun ]; then
    skip "$(basename "$0" .sh)" "needs root, or no /dev/net/tun that may be opened"
    exit 0
else
    users=user
fi
who=${users##* }

# use_sanitized: $nst is the build with sanitizers from now on, if there is one; use_release: the other.
use_sanitized() {
    [ -x "$sanitized/nst" ] || return 1
    [ -e "$work/nst-sanitized" ] || cp "$sanitized/nst" "$work/nst-sanitized"
    nst=$work/nst-sanitized
    # What a sanitizer says is found in $work/asan.PID, whatever becomes of stderr.
    export ASAN_OPTIONS=log_path=$work/asan:detect_stack_use_after_return=1
    export UBSAN_OPTIONS=log_path=$work/asan:print_stacktrace=1
}
use_release() { nst=$work/nst; }
# check_sanitizers NAME: no sanitizer said anything (leaks too) since the last time.
check_sanitizers() {
    local said
    said=$(cat "$work"/asan.* 2>/dev/null)
    [ -z "$said" ] && ok "$1" || { not_ok "$1" "$(grep -m3 -E 'ERROR|runtime error|SUMMARY|#[0-4] ' <<<"$said")"; echo "$said" | head -60; }
    rm -f "$work"/asan.*
}

# as COMMAND...: becomes COMMAND as $who.
as_exec() {
    if [ "$who" = user ] && [ "$(id -u)" = 0 ]; then
        exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
    fi
    exec "$@"
}
# run SECONDS ARGUMENTS...: nst run ARGUMENTS as $who; stderr goes to $work/err. What would be long on an idle machine
# is not on a busy one: it has four times SECONDS.
run() {
    local limit=$(($1 * 4))
    shift
    (as_exec timeout -k 5 "$limit" "$nst" run "$@" 2>"$work/err")
}
# client NAME SECONDS [OPTION...] -- SCENARIO ARGUMENTS...: a scenario of run_client.py inside nst; it says
# nothing and ends with 0 if all is well.
client() {
    local name=$1 limit=$2 options=() said status=0
    shift 2
    while [ "$1" != -- ]; do options+=("$1") && shift; done
    shift
    said=$(run "$limit" -q "${options[@]}" -- $python "$work/run_client.py" "$@" 2>&1) || status=$?
    if [ $status = 0 ]; then ok "$name"; else
        not_ok "$name" "status $status: $(tail -n 3 <<<"$said") $(tail -n 2 "$work/err")"; fi
}

# start ARGUMENTS...: nst run ARGUMENTS as $who in the background, until its program has said "up". Its process id is
# $pid; what the two say is in $work/out and $work/err.
start() {
    rm -f "$work/out"
    # bash has what is behind & ignore these signals.
    (export NST_INTEROP_MARK=$NST_INTEROP_MARK-run
        as_exec env --default-signal=INT,QUIT "$nst" run "$@") >"$work/out" 2>"$work/err" &
    pid=$!
    wait_until 60 says_or_ends $pid up "$work/out"
}
# await PID...: the status of the last of them; they are killed if they do not end within two minutes.
await() {
    wait_until 120 have_ended "$@" || kill -9 "$@" 2>/dev/null
    wait "$@"
}
# have_ended PID...: none of them runs any more.
have_ended() { ! kill -0 "$@" 2>/dev/null; }
# listens tcp|udp PORT: somebody has that port, for IPv4 or IPv6; of TCP, listens there.
listens() {
    cat "/proc/net/$1" "/proc/net/${1}6" 2>/dev/null | awk -v port="$(printf ':%04X' "$2")" -v tcp="$1" \
        'substr($2, length($2) - 4) == port && (tcp != "tcp" || $4 == "0A") {found = 1} END {exit !found}'
}
# start_names OPTION...: a dnsmasq of the test's own; sets $dns_port and $dns, which is ended by stop_names.
start_names() {
    dns_port=$((20000 + RANDOM % 10000))
    rm -f "$work/dnsmasq.err"
    dnsmasq --keep-in-foreground --port=$dns_port --bind-interfaces --no-resolv --no-hosts --conf-file=/dev/null \
        --pid-file= --user="$(id -un)" --log-facility=- "$@" >"$work/dnsmasq.err" 2>&1 </dev/null &
    dns=$!
    wait_until 60 says_or_ends $dns ': started, ' "$work/dnsmasq.err"
    kill -0 $dns 2>/dev/null || not_ok "a name server starts" "$(cat "$work/dnsmasq.err")"
}
stop_names() { kill "$dns"; wait "$dns" 2>/dev/null; }

# start_servers: run_server.py on the host's side; sets its ports: $http $echo ... as it prints them.
start_servers() {
    rm -f "$work/ports"
    $python "$work/run_server.py" "$work" >"$work/ports" 2>"$work/server.err" </dev/null &
    server=$!
    wait_until 60 says_or_ends "$server" '^ready' "$work/ports"
    grep -q '^ready' "$work/ports" || { not_ok "the servers start" "$(tail -n 3 "$work/server.err")"; exit 1; }
    # shellcheck disable=SC1091 # made above: name=port
    . <(grep = "$work/ports")
}
# stop_servers: what they complained of is shown, for whoever looks for a reason.
stop_servers() {
    kill "$server" 2>/dev/null
    wait "$server" 2>/dev/null
    sort "$work/server.err" | uniq -c | sort -rn | head -n 20
}
