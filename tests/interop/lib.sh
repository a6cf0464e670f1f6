#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by every test of this folder: the lines of the protocol ("ok NAME", "not ok NAME: why", "skip NAME:
# reason"), and what a test may have left behind. Those who source it end with `exit $failed`.
failed=0
ok() { echo "ok $1"; }
not_ok() { echo "not ok $1: $(tr '\n' ' ' <<<"$2" | cut -c1-600)"; failed=1; }
skip() { echo "skip $1: $2"; }
# check NAME EXPECTED GOT
check() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "expected '$2', got '$3'"; fi; }
have() { command -v "$1" >/dev/null; }
# wait_until SECONDS COMMAND...: until COMMAND succeeds; fails if it has not after SECONDS. This is the only way to
# wait for another process: never by a fixed time, and with SECONDS that a loaded machine cannot miss.
wait_until() {
    local end=$((SECONDS + $1 + 1)) ms=20 pause
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        printf -v pause 0.%03d $ms && sleep $pause
        ms=$((ms < 200 ? ms * 3 / 2 : 200)) # to look costs a processor that others need
    done
}
# says_or_ends PID PATTERN FILE: there is such a line in FILE, or who writes it has ended. Remove FILE before its
# writer is begun: until that one has opened it, it has what an earlier one said.
says_or_ends() { grep -qs "$2" "$3" || ! kill -0 "$1" 2>/dev/null; }

# answered NAME OPTION... ADDRESS: three pings are, sooner or later. Not by the count of answers: ping goes on until there
# are three, and there may be one more by then.
answered() {
    ping -q -c 3 -i 0.1 -w 60 "${@:2}" >/dev/null 2>&1
    check "$1" 0 $?
}

# What a run could leave behind: interfaces, mounts, files, processes that carry our marker (a run that may
# leave some sets it to "$NST_INTEROP_MARK-run"), and those of the namespaces in $namespaces.
export NST_INTEROP_MARK=mark-$$
remains() {
    ip -o link | awk -F': ' '{print $2}'
    cat /proc/self/mounts
    ls -A /run /etc
    grep -lzs "^NST_INTEROP_MARK=$NST_INTEROP_MARK-run" /proc/[0-9]*/environ
    lsns --noheadings --output NS,TYPE | grep -wF "${namespaces:-none}"
}
# remember: what is there now, in $work; check_nothing_left NAME: nothing has come to it.
remember() { remains >"$work/before" 2>/dev/null; }
check_nothing_left() { # the kernel tears namespaces down in the background, so with patience
    if wait_until 60 has_nothing_come; then ok "$1"; else
        not_ok "$1" "$(diff "$work/before" "$work/after" | tr '\n' ';')"
    fi
}
has_nothing_come() {
    remains >"$work/after" 2>/dev/null
    cmp -s "$work/before" "$work/after"
}
