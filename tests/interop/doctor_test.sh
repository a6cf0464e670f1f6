#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `nst doctor`: as root and as a user, here and in worlds where something is refused. What refuses is named,
# nothing hangs, the JSON is valid, and what it says is what `nst run` then does.
. "$(dirname "$0")/run_lib.sh"
needs jq "doctor" || exit 0
cc=${CC:-cc}
export NST_INTEROP_MARK=$NST_INTEROP_MARK-run

# inside COMMAND...: runs COMMAND as $who in $world: a program or function that makes a world and runs its last
# arguments there. A world that only root can make is entered first, and left to the user ($made_by_root).
world=() made_by_root="" limit=(timeout -k 5 60) become=()
inside() {
    if [ -n "$made_by_root" ]; then "${world[@]}" "${limit[@]}" "${become[@]}" "$@"; else
        "${become[@]}" "${world[@]}" "${limit[@]}" "$@"; fi
}
# user_world COMMAND..., root_world COMMAND...: set $world. mount_world COMMANDS: a mount namespace after COMMANDS.
user_world() { world=("$@") made_by_root="" limit=(timeout -k 5 60); }
root_world() { user_world "$@" && made_by_root=1; }
mount_world() { root_world unshare --mount --propagation private bash -c "{ $1; } >&2 || exit 99; "'exec "$@"' bash; }

# examine: what doctor says in $world to $work/doctor.json, its status to $status.
examine() {
    status=0
    inside "$nst" doctor -j >"$work/doctor.json" 2>"$work/err" || status=$?
}
# says CHECK: "status errno"; why CHECK, helps CHECK: its sentences.
row() { jq -r --arg n "$1" ".checks[] | select(.name == \$n) | $2" "$work/doctor.json" 2>&1; }
says() { row "$1" '"\(.status) \(.errno // "-")"'; }
# refused NAME CHECK ERRNO WHY HELP: CHECK failed so, and its sentences match the patterns.
refused() {
    local why help
    why=$(row "$2" '.why // ""') help=$(row "$2" '.help // ""')
    if [ "$(says "$2")" = "fails $3" ] && [[ $why =~ $4 ]] && [[ $help =~ $5 ]]; then ok "$1"; else
        not_ok "$1" "$2: $(says "$2"): $why: $help; $(head -n 3 "$work/err")"; fi
}
# runs_by [OPTIONS...]: by what nst run attaches a program in $world, or "nothing 125".
runs_by() {
    local said run=0
    said=$(inside "$nst" run -v -q "$@" -- true 2>&1) || run=$?
    said=$(sed -n 's/^nst: attached by //p' <<<"$said")
    echo "${said:-nothing} $run"
}
# agrees NAME: `nst run -v` in the same world attaches by what doctor chose, or fails where it chose nothing; and
# by --attach each of those that work, and no other (for time's sake asked by the user only).
agrees() {
    local expected got chosen way works
    chosen=$(jq -r '.attachment // "nothing"' "$work/doctor.json")
    expected="$chosen $([ "$chosen" = nothing ] && echo 125 || echo 0)"
    got=$(runs_by)
    for way in tun veth notify; do
        [ "$who" = user ] || break
        works=$(jq -r --arg w $way '.attachments[] | select(.name == $w) | .status' "$work/doctor.json")
        [ "$works" = works ] && expected+=", $way 0" || expected+=", nothing 125"
        got+=", $(runs_by --attach $way)"
    done
    expected+="; doctor $(jq 'if any(.attachments[]; .status == "works") then 0 else 1 end' "$work/doctor.json")"
    check "$1" "$expected" "$got; doctor $status"
}

# The JSON has every key everywhere, names once, and a reason and a change for whatever fails.
readonly SHAPE='
(keys == ["attachment", "attachments", "checks", "kernel", "machine", "nst", "uid"]) and
all(.checks[]; keys == ["errno", "group", "help", "name", "status", "used", "why"]) and
all(.attachments[]; keys == ["built", "chosen", "missing", "name", "status"]) and
all(.checks[]; .status as $s | ["works", "fails", "untested"] | index($s) != null) and
all(.checks[] | select(.status == "fails"); .why != null and .help != null) and
all(.checks[] | select(.status == "untested"); .why | startswith("needs ")) and
([.checks[].name] | length == (unique | length)) and
([.attachments[] | select(.chosen) | .name] | (.[0] // null)) as $c | $c == .attachment'

# shaped NAME
shaped() {
    if [ "$(jq -c "$SHAPE" "$work/doctor.json" 2>&1)" = true ]; then ok "$1"; else
        not_ok "$1" "$(head -c 300 "$work/doctor.json") $(head -n 3 "$work/err")"; fi
}

test_here() {
    local name undocumented=""
    user_world env && examine
    check "$who: the exit status is 0 where nst run works" 0 "$status"
    shaped "$who: the JSON is whole"
    agrees "$who: nst run does what doctor says"
    check "$who: namespaces, TUN, packet sockets and seccomp work here" "" "$(jq -r '.checks[] | select(.status != "works" and
        (.group == "namespaces" or .group == "tun" or .group == "packet" or .group == "seccomp")) | .name' "$work/doctor.json")"
    refused "$who: ICMP sockets need their sysctl" ping_socket EACCES 'ping_group_range is "1 0"' 'sysctl -w'
    inside "$nst" doctor -j -p | jq -cS . >"$work/pretty.json"
    check "$who: -j -p is the same, indented" "$(jq -cS . "$work/doctor.json")" "$(cat "$work/pretty.json")"
    inside "$nst" doctor >"$work/text"
    for name in $(jq -r '.checks[].name, .attachments[].name' "$work/doctor.json"); do
        grep -qE "^  $name +(works|no|-) *" "$work/text" || undocumented+=" $name"
        grep -qw "$name" "$top/docs/man/nst-doctor.1" || [[ " tun veth notify " == *" $name "* ]] || undocumented+=" $name"
    done
    check "$who: each check is in the table and in the man page" "" "$undocumented"
}

test_manners() {
    user_world env
    check "colour is for terminals" 0 "$(inside "$nst" doctor | grep -c $'\033')"
    inside "$nst" doctor --color | grep -q $'\033\[32mworks' && ok "--color asks for it" || not_ok "--color asks for it" ""
    $python -c 'import pty, sys; pty.spawn(sys.argv[1:])' "$nst" doctor </dev/null >"$work/text"
    grep -q $'\033\[32mworks' "$work/text" &&
        ok "a terminal has colour" || not_ok "a terminal has colour" ""
    check "NO_COLOR takes it away" 0 \
        "$(NO_COLOR=1 $python -c 'import pty, sys; pty.spawn(sys.argv[1:])' "$nst" doctor </dev/null | grep -c $'\033')"
    inside "$nst" doctor --no-such 2>"$work/err" >"$work/text"
    check "an option that does not exist is 2" "2 0" "$? $(wc -c <"$work/text")"
    inside "$nst" doctor more 2>/dev/null
    check "and so are arguments" 2 $?
    inside "$nst" doctor -j <&- 2>&- | jq -e .nst >/dev/null && ok "works with stdin and stderr closed" ||
        not_ok "works with stdin and stderr closed" "$(cat "$work/err")"
}

test_tun() {
    mount_world 'mount -t tmpfs none /dev/net'
    examine
    refused "$who: no TUN device" tun_device ENOENT 'there is no /dev/net/tun' 'mknod|--device'
    agrees "$who: no TUN device: run agrees"
    mount_world 'mount -t tmpfs none /dev/net && touch /dev/net/tun && chmod 666 /dev/net/tun'
    examine
    refused "$who: a file in place of the TUN device" tun_device - 'is no device' mknod
    agrees "$who: a file in place of the TUN device: run agrees"
    mount_world 'mount -o remount,nodev /dev/net'
    examine
    refused "$who: a mount without devices" tun_device EACCES 'without devices' 'dev-bind'
    agrees "$who: a mount without devices: run agrees"
    mount -o remount,dev /dev/net
    [ "$who" = user ] || return 0
    mount_world 'mount -t tmpfs none /dev/net && mknod -m 600 /dev/net/tun c 10 200'
    examine
    refused "user: a TUN device of root's only" tun_device EACCES 'may not be opened' 'chmod 0666 /dev/net/tun'
    check "user: what needs it is not tried" "untested -" "$(says tun_interface)"
    agrees "user: a TUN device of root's only: run agrees"
}

# limited LIMIT COMMAND...: COMMAND in a user namespace of the test's own that has every id, and LIMIT at 0: its
# limits are not the host's. Rights come with an exec after the ids are mapped.
limited() {
    local pid
    unshare --user bash -c 'echo $$ >"$0.ready"; read -r _ <"$0.go"
        exec bash -c "echo 0 >\"/proc/sys/user/\$0\" || exit 99; exec \"\$@\"" "$@"' "$work/limited" "$@" &
    pid=$(cat "$work/limited.ready")
    echo "0 0 65536" >"/proc/$pid/uid_map"
    echo "0 0 65536" >"/proc/$pid/gid_map"
    echo >"$work/limited.go"
    wait $!
}

test_limits() {
    mkfifo "$work/limited.ready" "$work/limited.go" 2>/dev/null
    root_world limited max_user_namespaces && examine
    if [ "$who" = user ]; then
        refused "user: no more user namespaces" user_namespace ENOSPC 'user.max_user_namespaces is 0' \
            'sysctl -w user.max_user_namespaces='
        check "user: and no other kind is blamed" "untested -" "$(says network_namespace)"
    fi
    agrees "$who: no more user namespaces: run agrees"
    root_world limited max_net_namespaces && examine
    refused "$who: no more network namespaces" network_namespace ENOSPC 'user.max_net_namespaces is 0' \
        'sysctl -w user.max_net_namespaces='
    agrees "$who: no more network namespaces: run agrees"
    rm -f "$work"/limited.*
    user_world prlimit --nofile=64:64 && examine
    check "$who: 64 descriptors are said to be few" "works for more: ulimit -Hn 65536" \
        "$(row descriptors '"\(.status) \(.help)"')"
    agrees "$who: 64 descriptors: run agrees"
    user_world prlimit --nofile=8:8 && examine
    shaped "$who: 8 descriptors: the JSON is whole"
    check "$who: 8 descriptors are too few" "fails EMFILE" "$(says descriptors)"
    [ "$who" = user ] || return 0
    user_world timeout -k 5 60 prlimit --nproc=1:1 && limit=() && examine
    check "user: no process can be started: nothing works and it ends" "1 fails" \
        "$status $(row processes .status)"
    shaped "user: no process can be started: the JSON is whole"
}

test_filters() {
    if ! $cc -D_GNU_SOURCE -o "$work/refuse" "$here/refuse.c" -lseccomp 2>"$work/err"; then
        skip "$who: seccomp filters that refuse" "no libseccomp (apt-get install libseccomp-dev)"
        return
    fi
    chmod 755 "$work/refuse"
    user_world "$work/refuse" userns 1 && examine
    refused "$who: a filter forbids user namespaces" user_namespace EPERM 'seccomp filter refuses clone' 'seccomp'
    agrees "$who: a filter forbids user namespaces: run agrees"
    user_world "$work/refuse" userns kill && examine
    refused "$who: a filter kills whoever makes user namespaces" user_namespace - 'seccomp filter kills' seccomp
    shaped "$who: a filter kills: the JSON is whole"
    user_world "$work/refuse" packet 1 && examine
    refused "$who: a filter forbids packet sockets" af_packet EPERM 'socket.AF_PACKET. is refused, most likely by the seccomp' seccomp
    agrees "$who: a filter forbids packet sockets: run agrees"
    user_world "$work/refuse" netlink 1 && examine
    refused "$who: a filter forbids netlink" netlink EPERM 'by netlink is refused, most likely by the seccomp' seccomp
    agrees "$who: a filter forbids netlink: run agrees"
    mount_world 'mount -t tmpfs none /dev/net' && world+=("$work/refuse" packet 97) && examine
    check "$who: neither TUN nor packet sockets: nothing is chosen" null "$(jq -c .attachment "$work/doctor.json")"
    agrees "$who: neither TUN nor packet sockets: run agrees"
    user_world "$work/refuse" pidfd_getfd 1 && examine
    refused "$who: a filter forbids what answers need" pidfd EPERM seccomp seccomp
    agrees "$who: a filter forbids what answers need: run agrees"
    user_world "$work/refuse" mount 1 && examine
    refused "$who: a filter forbids mounts" mount_namespace EPERM 'seccomp' seccomp
    agrees "$who: a filter forbids mounts: run agrees"
    user_world "$work/refuse" io_uring_setup 1 && examine
    refused "$who: a filter forbids io_uring" io_uring EPERM seccomp seccomp
    user_world "$work/refuse" seccomp 1 && examine
    refused "$who: a filter forbids filters" seccomp_filter EPERM seccomp seccomp
    check "$who: and so listeners are not tried" "untested -" "$(says seccomp_notify)"
    agrees "$who: a filter forbids filters: run agrees"
}

test_places() {
    local root=$work/root file
    mkdir -p "$root/dev/net" "$root/proc" "$root/tmp" "$root/etc" && touch "$root/etc/resolv.conf"
    for file in "$nst" "$(type -P true)" $(ldd "$nst" "$(type -P true)" | grep -oE '/[^ :]+' | sort -u); do
        [ -e "$root$file" ] || { mkdir -p "$root$(dirname "$file")" && cp "$file" "$root$file"; }
    done
    chmod 755 "$root"
    root_world timeout -k 5 60 chroot $([ "$who" = user ] && echo --userspec=65534:65534) "$root"
    limit=() become=() && examine
    refused "$who: a chroot" user_namespace EPERM 'this is a chroot' 'bwrap'
    agrees "$who: a chroot: run agrees"
    rm -rf "$root"
    become=("${as[@]}")
    root_world unshare --net && examine
    refused "$who: a host without lo" host_loopback ENETUNREACH '10.0.2.2 leads nowhere' 'ip link set lo up'
    root_world unshare --net bash -c 'sysctl -qw net.ipv6.conf.all.disable_ipv6=1; ip link set lo up; exec "$@"' bash
    if [ -e /proc/sys/net/ipv6 ]; then
        examine
        refused "$who: a host without IPv6" ipv6 EADDRNOTAVAIL 'no ::1' 'disable_ipv6=0'
        agrees "$who: a host without IPv6: run agrees"
    fi
    [ "$who" = user ] || return 0
    mount_world 'mount -o bind,ro /proc/sys /proc/sys'
    examine
    refused "$who: a part of /proc is covered" proc_mount EPERM '/proc/sys is mounted over' 'umount /proc/sys|systempaths'
    refused "$who: /proc/sys is read-only" sysctl_write EROFS 'read-only' 'remount,rw /proc/sys'
    agrees "$who: /proc/sys is read-only: run agrees"
    user_world unshare --user && examine
    refused "user: a user that is not mapped" user_namespace EPERM 'not mapped' 'uid_map'
    agrees "user: a user that is not mapped: run agrees"
    if needs bwrap "user: in bubblewrap"; then
        user_world bwrap --unshare-user --ro-bind / / && examine
        refused "user: a read-only /proc: ids are not mapped" id_map EROFS 'sees itself as nobody' 'remount,rw /proc'
        agrees "user: a read-only /proc: run agrees"
        user_world bwrap --ro-bind / / --dev /dev --proc /proc && examine
        shaped "user: in bubblewrap the JSON is whole"
        check "user: a read-only root: resolv.conf can be covered" "works -" "$(says resolv_conf)"
        agrees "user: in bubblewrap: run agrees"
    fi
}

# What hangs is told as that. Reading resolv.conf waits for a writer that never comes.
test_hang() {
    local before=$SECONDS
    mount_world 'mkfifo '"$work"'/fifo; mount --bind '"$work"'/fifo /etc/resolv.conf'
    [ -f /etc/resolv.conf ] || { skip "$who: what hangs is told" "no /etc/resolv.conf"; return; }
    examine
    rm -f "$work/fifo"
    refused "$who: what hangs is told" resolv_conf ETIMEDOUT 'it hangs' strace
    [ $((SECONDS - before)) -lt 30 ] && ok "$who: and holds up nobody" || not_ok "$who: and holds up nobody" "$((SECONDS - before)) s"
    shaped "$who: and the rest is there"
}

for who in $users; do
    as=() namespaces=""
    [ "$who:$(id -u)" != user:0 ] || as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    become=("${as[@]}")
    remember
    test_here
    [ "$(id -u)" = 0 ] || { skip "$who: worlds where things are refused" "needs root"; continue; }
    test_tun
    test_limits
    test_filters
    test_places
    test_hang
    check_nothing_left "$who: nothing is left"
done
test_manners
if use_sanitized; then
    user_world env && examine
    shaped "with sanitizers the JSON is whole"
    check_sanitizers "no sanitizer complains"
fi
exit $failed
