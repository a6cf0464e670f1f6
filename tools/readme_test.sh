#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# README.md tells the truth: the C block after the line "<!-- example: embed -->" compiles as a user
# would compile it, against the built library, and runs; and the two commands it promises exist. So do
# the other documents: examples/ compile and run, links lead somewhere, man pages know every option.
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

# run_example FILE: compiles and runs it.
run_example() {
    local name
    name=$(basename "$1" .c)
    if ! cc -std=c11 -Wall -Wextra -Werror -I"$top/include" "$1" "$library" -o "$tmp/$name" >"$tmp/log" 2>&1; then
        no "example $name: does not compile: $(grep -m1 -E 'error|undefined' "$tmp/log" || tail -n 1 "$tmp/log")"
    elif ! timeout 20 "$tmp/$name" >"$tmp/log" 2>&1 </dev/null; then
        no "example $name: does not run: $(tail -n 1 "$tmp/log")"
    else
        echo "ok example $name compiles and runs"
    fi
}
for file in "$top"/examples/*.c; do run_example "$file"; done
if [ ! -e "$top/examples/echo.c" ] || ! tail -n +3 "$top/examples/echo.c" | cmp -s - "$tmp/embed.c"; then
    no "example: the C block of README.md is not examples/echo.c (without its first two lines)"
else
    echo "ok example: README.md shows examples/echo.c"
fi

# Links between our own files.
broken=$(cd "$top" && find README.md CHANGES.md docs -name '*.md' | while read -r file; do
    grep -oE '\]\([^)#]+' "$file" | sed 's/^](//' | grep -v '^[a-z]*:' | while read -r target; do
        [ -e "$(dirname "$file")/$target" ] || echo "$file: $target"
    done
done)
[ -z "$broken" ] && echo "ok links: all lead to a file" || no "links: lead nowhere: $(tr '\n' ' ' <<<"$broken")"

# options FILE: the long options that a text names, one a line.
options() { grep -oE -- '--[a-z][a-z-]*' "$1" | sort -u; }
if [ -x "$build/nst" ]; then
    "$build/nst" run --help >"$tmp/help"
    sed 's/\\-/-/g' "$top/docs/man/nst-run.1" | awk '/^\.SH OPTIONS/ {on = 1; next} /^\.SH/ {on = 0} on' >"$tmp/page"
    options "$tmp/help" >"$tmp/help.options"
    options "$tmp/page" >"$tmp/page.options"
    differ=$(diff "$tmp/help.options" "$tmp/page.options" | grep '^[<>]' | tr '\n' ' ')
    [ -z "$differ" ] && echo "ok man: nst-run.1 has the options of nst run --help" || no "man: nst-run.1: $differ"
    missing=$("$build/nst" --help | awk '/^  [a-z]/ {print $1}' | while read -r command; do
        grep -q "^\.B $command\$" "$top/docs/man/nst.1" && [ -e "$top/docs/man/nst-$command.1" ] || echo "$command"
    done)
    [ -z "$missing" ] && echo "ok man: every command has its page" || no "man: no page of $missing"
else
    echo "skip man: no nst was built"
fi
exit $failed
