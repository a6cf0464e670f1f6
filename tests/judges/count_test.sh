#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The counting loses nothing: tools/count_ctest.py over a log of ctest with programs that pass, fail,
# skip, crash halfway, leak, run out of time and cannot start; and tools/readme_test.sh over a README that lies.
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

# ran NAME VERDICT: one program in the log; its output is stdin.
ran() {
    printf '1/9 Testing: %s\n1/9 Test: %s\nCommand: "x"\nDirectory: y\n"%s" start time: now\nOutput:\n' "$1" "$1" "$1"
    printf -- '----------------------------------------------------------\n'
    cat
    printf '<end of output>\nTest time =   0.01 sec\n'
    printf -- '----------------------------------------------------------\n%s\n"%s" end time: now\n\n' "$2" "$1"
}

{
    printf '1..2\nok 1 - it works\nok 2 - it works: with a colon\n' | ran base/good "Test Passed."
    printf '1..2\nnot ok 1 - it counts\n# 1 != 2\n# a.c:9: error: Failure!\nok 2 - after\n# not ok - tests\n' |
        ran base/bad "Test Failed."
    printf '1..1\nnot ok 1 # SKIP needs a clock\n' | ran base/skips "Test Passed."
    printf '1..3\nok 1 - first\n==9==ERROR: AddressSanitizer: heap-use-after-free\nmore\n' | ran base/crash "Test Failed."
    printf '1..1\nok 1 - fine\nERROR: LeakSanitizer: detected memory leaks\n' | ran base/leak "Test Failed."
    printf '1..2\nok 1 - quick\n' | ran base/slow "Test Timeout."
    printf 'cannot load\n' | ran base/dead "Test Failed."
} >"$tmp/log"
cat >"$tmp/want" <<'X'
ok base/good: it works
ok base/good: it works: with a colon
not ok base/bad: it counts: 1 != 2; a.c:9: error: Failure!
ok base/bad: after
skip base/skips: needs a clock: the test skips itself
ok base/crash: first
not ok base/crash: ended after 1 of 3 tests: Test Failed.: ==9==ERROR: AddressSanitizer: heap-use-after-free
ok base/leak: fine
not ok base/leak: all tests passed, but Test Failed.: ERROR: LeakSanitizer: detected memory leaks
ok base/slow: quick
not ok base/slow: ended after 1 of 2 tests: Test Timeout.: no word
not ok base/dead: Test Failed.: cannot load
X
if python3 "$top/tools/count_ctest.py" "$tmp/log" >"$tmp/got" 2>&1 && diff "$tmp/want" "$tmp/got" >"$tmp/diff"; then
    echo "ok count: each cmocka test and each crash is one unit"
else
    failed=1
    echo "not ok count: each cmocka test and each crash is one unit: $(head -5 "$tmp/diff" | tr '\n' ' ')"
fi

# lies NAME PATTERN: the README on stdin must be caught.
mkdir -p "$tmp/build"
ar rcs "$tmp/build/libnicstack-core.a"
lies() {
    cat >"$tmp/README.md"
    if "$top/tools/readme_test.sh" "$tmp/build" "$tmp/README.md" >"$tmp/got" 2>&1; then
        failed=1
        echo "not ok readme: $1: passes"
    elif ! grep -q "^not ok $2" "$tmp/got"; then
        failed=1
        echo "not ok readme: $1: $(grep -m1 '^not ok' "$tmp/got")"
    else
        echo "ok readme: $1"
    fi
}
lies "no example is caught" 'example: README.md has no C block' <<'X'
make demo, make test
X
lies "an example that does not compile is caught" 'example: does not compile' <<'X'
<!-- example: embed -->
```c
int main(void) { return nst_gone(); }
```
X
lies "an example that fails is caught" 'example: ends with status 3' <<'X'
<!-- example: embed -->
```c
int main(void) { return 3; }
```
X
lies "a command that is not named is caught" 'commands: README.md does not name make demo' <<'X'
<!-- example: embed -->
```c
int main(void) { return 0; }
```
make test
X
exit $failed
