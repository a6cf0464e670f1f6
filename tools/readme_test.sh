#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# README.md tells the truth: the C block after the line "<!-- example: embed -->" compiles as a user
# would compile it, against the built library, and runs; and the two commands it promises exist.
# readme_test.sh [RELEASE-BUILD] [README]
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$top/build-test/release}
readme=${2:-$top/README.md}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

no() {
    failed=1
    echo "not ok $*"
}

awk '/^<!-- example: embed -->/ {armed = 1; next}
     armed && /^```c[ \t]*$/ {inside = 1; armed = 0; next}
     inside && /^```/ {exit}
     inside {print}' "$readme" >"$tmp/embed.c"
library=$build/libnicstack.a
[ -e "$library" ] || library=$build/libnicstack-core.a
if [ ! -s "$tmp/embed.c" ]; then
    no 'example: README.md has no C block after "<!-- example: embed -->"'
elif ! cc -std=c11 -Wall -Wextra -Werror -I"$top/include" "$tmp/embed.c" "$library" -o "$tmp/embed" >"$tmp/log" 2>&1; then
    no "example: does not compile: $(grep -m1 -E 'error|undefined' "$tmp/log" || tail -n 1 "$tmp/log")"
    cat "$tmp/log"
else
    echo "ok example: the C block compiles"
    status=0
    timeout 20 "$tmp/embed" >"$tmp/log" 2>&1 </dev/null || status=$?
    if [ $status = 0 ]; then echo "ok example: and runs"; else
        no "example: ends with status $status: $(tail -n 1 "$tmp/log")"; fi
fi

for command in demo test; do
    if ! grep -q "make $command" "$readme"; then
        no "commands: README.md does not name make $command"
    elif ! make -C "$top" -n "$command" >"$tmp/log" 2>&1; then
        no "commands: make $command: $(tail -n 1 "$tmp/log")"
    elif [ ! -x "$top/tools/$command.sh" ]; then
        no "commands: make $command runs tools/$command.sh, which is not there"
    else
        echo "ok commands: make $command exists"
    fi
done
exit $failed
