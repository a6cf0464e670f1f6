#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each judge catches what it is there for: a small sound tree passes, and the same tree with one
# planted fault fails, with the file and the line. Prints "ok NAME", "not ok NAME: why" or
# "skip NAME: reason" for each; exits 1 if one is not ok.
set -u
here=$(cd "$(dirname "$0")" && pwd)
judges=$(cd "$here/../../tools/judges" && pwd)
top=$(cd "$here/../.." && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

# sound DIR: a tree that every judge accepts, a copy of the one that is made first.
sound() {
    [ -d "$tmp/sound" ] || make_sound "$tmp/sound"
    rm -rf "$1"
    cp -a "$tmp/sound" "$1"
}

make_sound() {
    local d=$1
    mkdir -p "$d"/{include/nicstack,src/base,src/wire,src/packet,src/network,src/transport,docs}
    cp "$top/.clang-format" "$top/.clang-tidy" "$d/"
    cat >"$d/include/nicstack/a.h" <<'X'
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NICSTACK_A_H
#define NICSTACK_A_H

#include <stdint.h>

#define NST_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

NST_API int nst_a(int x);

#ifdef __cplusplus
}
#endif

#endif
X
    cat >"$d/src/base/low.h" <<'X'
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NICSTACK_SRC_BASE_LOW_H
#define NICSTACK_SRC_BASE_LOW_H

#include <stddef.h>

int low_sum(const int *values, size_t count);

#endif
X
    cat >"$d/src/base/low.c" <<'X'
/* SPDX-License-Identifier: Apache-2.0 */
#include "base/low.h"

#include <nicstack/a.h>

static const char *const names[] = {"one", "two"};

int low_sum(const int *values, size_t count)
{
    int sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return sum + names[0][0];
}

int nst_a(int x)
{
    return low_sum(&x, 1);
}
X
    cat >"$d/src/packet/drop.def" <<'X'
/* SPDX-License-Identifier: Apache-2.0 */
DROP(TOO_SHORT, warning, "shorter than its header")
X
    cat >"$d/src/packet/counter.def" <<'X'
/* SPDX-License-Identifier: Apache-2.0 */
COUNTER(nic, rx_packets, "packets that came in")
X
    cat >"$d/src/packet/drop.h" <<'X'
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NICSTACK_SRC_PACKET_DROP_H
#define NICSTACK_SRC_PACKET_DROP_H

enum drop_reason {
#define DROP(name, severity, text) DROP_##name,
#include "packet/drop.def"
#undef DROP
    DROP_MAX
};

struct counters {
    unsigned long rx_packets;
};

#endif
X
    cat >"$d/src/packet/input.c" <<'X'
/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/drop.h"

enum drop_reason input(struct counters *c, unsigned length);

enum drop_reason input(struct counters *c, unsigned length)
{
    c->rx_packets++;
    return length < 20 ? DROP_TOO_SHORT : DROP_MAX;
}
X
    cat >"$d/src/network/net.h" <<'X'
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NICSTACK_SRC_NETWORK_NET_H
#define NICSTACK_SRC_NETWORK_NET_H

#include "base/low.h"

#endif
X
    python3 "$judges/../gen_counters.py" "$d" >"$d/docs/counters.md"
    mkdir -p "$d/docs/contract" "$d/tests/interop"
    printf '# A contract\n- **N1** It is.\n- **N2** It ends.\n' >"$d/docs/contract/nic.md"
    printf '#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\necho "ok nic/N1, N2: it is, and ends"\n' \
        >"$d/tests/interop/life_test.sh"
}

# library DIR: builds what the symbol judge reads, as the release build does.
library() {
    local d=$1 c
    mkdir -p "$d/build"
    for c in base/low packet/input; do
        gcc -std=gnu11 -O2 -fPIC -fno-stack-protector -fvisibility=hidden -I"$d/include" -I"$d/src" \
            -c "$d/src/$c.c" -o "$d/build/${c#*/}.c.o" || return 1
    done
    ar rcs "$d/build/libnicstack-core.a" "$d"/build/*.c.o &&
        gcc -shared -Wl,--version-script="${2:-$top/src/nicstack.map}" -o "$d/build/libnicstack.so" "$d"/build/*.c.o
}

say() {
    case $1 in "not ok"*) failed=1 ;; esac
    echo "$*"
}

# judge NAME DIR: its output in $out, its status returned.
judge() {
    if [ "$1" = symbols ]; then
        library "$2" "${map:-}" >"$tmp/cc.log" 2>&1 || { out="the planted tree does not build: $(tail -3 "$tmp/cc.log")"; return 99; }
        out=$(python3 "$judges/symbols.py" "$2" "$2/build" 2>&1)
    else
        out=$(python3 "$judges/$1.py" "$2" 2>&1)
    fi
}

# plant JUDGE NAME PATTERN: the fault was written into $tmp/t; the judge must fail with the pattern.
plant() {
    local status=0
    judge "$1" "$tmp/t" || status=$?
    if [ $status = 77 ]; then
        say "skip planted $1: $2: $out"
    elif [ $status != 1 ]; then
        say "not ok planted $1: $2: status $status, not 1: $(echo "$out" | tail -2 | tr '\n' ' ')"
    elif ! grep -Eq -- "$3" <<<"$out"; then
        say "not ok planted $1: $2: no line matches $3: $(echo "$out" | head -3 | tr '\n' ' ')"
    else
        say "ok planted $1: $2"
    fi
    sound "$tmp/t"
    map=
}

# function LINES PARAMS LEVELS: one more function at the end of low.c.
function_of() {
    local lines=$1 params=$2 levels=$3 i
    {
        printf '\nint grown('
        for ((i = 1; i <= params; i++)); do printf 'int p%d%s' "$i" "$([ "$i" = "$params" ] || echo ', ')"; done
        printf ')\n{\n'
        for ((i = 1; i <= levels; i++)); do printf '    if (p1 > %d)\n' "$i"; done
        [ "$levels" = 0 ] || printf '    return 7;\n'
        for ((i = levels + (levels > 0) + 4; i < lines; i++)); do printf '    p1++;\n'; done
        printf '    return p1;\n}\n'
    } >>"$tmp/t/src/base/low.c"
}

t=$tmp/t
map=
sound "$t"
for j in layers headers caps globals spdx words drops contract format tidy symbols; do
    status=0
    judge $j "$t" || status=$?
    if [ $status = 77 ]; then
        say "skip sound $j: $out"
    elif [ $status = 0 ] && ! grep -q "nothing to judge" <<<"$out"; then
        say "ok sound $j: the tree without a fault passes"
    else
        say "not ok sound $j: status $status: $(echo "$out" | head -3 | tr '\n' ' ')"
    fi
done
mkdir -p "$tmp/empty"
for j in layers headers caps globals spdx words drops contract format tidy symbols; do
    status=0
    out=$(python3 "$judges/$j.py" "$tmp/empty" 2>&1) || status=$?
    if [ $status = 0 ] && grep -q "nothing to judge" <<<"$out"; then
        say "ok empty $j: nothing to judge is a pass, and said"
    elif [ $status = 77 ]; then
        say "skip empty $j: $out"
    else
        say "not ok empty $j: status $status: $(echo "$out" | tail -1)"
    fi
done

sed -i '2a #include "network/net.h"' "$t/src/base/low.c"
plant layers "base includes network" '^src/base/low\.c:3: .*must not include'
sed -i '5a #include "network/net.h"' "$t/src/packet/drop.h"
plant layers "packet includes network" '^src/packet/drop\.h:6: .*must not include'
printf '/* SPDX-License-Identifier: Apache-2.0 */\n#include "network/net.h"\n' >"$t/src/transport/x.c"
plant layers "transport includes network" '^src/transport/x\.c:2: .*must not include'
mkdir "$t/src/link" && printf '/* SPDX-License-Identifier: Apache-2.0 */\n#include "base/low.h"\n' >"$t/src/link/x.c"
plant layers "a link includes base" '^src/link/x\.c:2: .*must not include'
sed -i '5a #include "../../src/base/low.h"' "$t/include/nicstack/a.h"
plant layers "a public header includes src" '^include/nicstack/a\.h:6: .*must not include'
mkdir "$t/src/extra" && printf '/* SPDX-License-Identifier: Apache-2.0 */\n' >"$t/src/extra/x.c"
plant layers "a folder without a rule" '^src/extra/x\.c:1: '

sed -i '5a #include "network/net.h"' "$t/src/base/low.h"
plant headers "a cycle of headers" '^src/(base/low|network/net)\.h:[56]: closes a cycle'
sed -i 's/^int low_sum.*/int low_sum(const uint9_t *values, size_t count);/' "$t/src/base/low.h"
plant headers "a header that does not compile alone" '^src/base/low\.h:7: does not compile alone'
sed -i 's/NICSTACK_SRC_BASE_LOW_H/LOW_H/' "$t/src/base/low.h"
plant headers "a wrong guard" '^src/base/low\.h:2: the guard'
sed -i '/NICSTACK_SRC_BASE_LOW_H\|#endif/d' "$t/src/base/low.h"
plant headers "no guard" '^src/base/low\.h:1: has no include guard'
sed -i 's/^NST_API int nst_a.*/NST_API int nst_a(int class);/' "$t/include/nicstack/a.h"
if command -v g++ >/dev/null; then
    plant headers "a public header that is not C++" '^include/nicstack/a\.h:13: .*g\+\+'
else
    say "skip planted headers: a public header that is not C++: no g++"
    sound "$t"
fi
sed -i '5a #include <stdio.h>' "$t/include/nicstack/a.h"
plant headers "a public header includes stdio" '^include/nicstack/a\.h:6: a public header must not include'

function_of 101 1 0
plant caps "a function of 101 lines" '^src/base/low\.c:21: grown has 101 lines'
function_of 12 7 0
plant caps "7 parameters" '^src/base/low\.c:21: grown has 7 parameters'
function_of 12 7 0
sed -i '20s|.*|/* caps: ok: that is fixed elsewhere */|' "$t/src/base/low.c"
status=0
judge caps "$t" || status=$?
if [ $status = 0 ]; then say "ok planted caps: 7 parameters that are excused pass"; else
    say "not ok planted caps: 7 parameters that are excused pass: $(echo "$out" | head -2)"; fi
sound "$t"
function_of 14 1 5
plant caps "5 levels without a brace" '^src/base/low\.c:27: grown nests 5 levels'
function_of 100 6 4
status=0
judge caps "$t" || status=$?
if [ $status = 0 ]; then say "ok planted caps: 100 lines, 6 parameters and 4 levels pass"; else
    say "not ok planted caps: 100 lines, 6 parameters and 4 levels pass: $(echo "$out" | head -2)"; fi
sound "$t"
for ((i = 0; i < 1000; i++)); do echo; done >>"$t/src/base/low.c"
plant caps "a file over 1,000 lines" '^src/base/low\.c:[0-9]+: has 10[0-9]+ lines'
cat >>"$t/src/base/low.c" <<'X'
int braces(int a);
int braces(int a)
{
    do {
        switch (a) {
        case 1: {
            for (;;) {
                LIST_FOR_EACH(a, b) {
                    while (a) {
                        a--;
                    }
                }
            }
        }
        }
    } while (a);
    return a;
}
X
plant caps "5 levels of do, switch, for, macro and while" '^src/base/low\.c:28: braces nests 5 levels'

sed -i 's/^static const char \*const names/static const char *names/' "$t/src/base/low.c"
plant globals "a table of pointers that is not const" '^src/base/low\.c:6: names is a mutable'
cp "$t/src/packet/input.c" "$tmp/input.c"
printf '\nextern const int table[4];\nconst int *find(int n);\nconst int *find(int n)\n{\n    return table + n;\n}\n' >>"$t/src/packet/input.c"
printf 'extern const int table[4];\nconst int table[4] = {1};\n' >>"$t/src/base/low.c"
plant symbols "a table that is found by the GOT" '^src/packet/input\.c:12: input\.c\.o finds table .*HIDDEN'
mv "$tmp/input.c" "$t/src/packet/input.c"
sed -i 's/^    int sum = 0;/    static int sum;/' "$t/src/base/low.c"
plant globals "a static in a function" '^src/base/low\.c:10: sum is a mutable'
echo 'int total;' >>"$t/src/base/low.c"
plant globals "a global" '^src/base/low\.c:20: total is a mutable'
echo 'static _Thread_local int mine = 3;' >>"$t/src/base/low.c"
plant globals "a thread-local nobody uses" '^src/base/low\.c:20: mine is a mutable'

sed -i 's/^    return low_sum(&x, 1);/    void *malloc(unsigned long);\n    return malloc(x) ? 1 : 0;/' "$t/src/base/low.c"
sed -i 's/malloc(x) ? 1 : 0/*(volatile char *)malloc(x)/' "$t/src/base/low.c"
plant symbols "a call of malloc" '^src/base/low\.c:1[0-9]: .*needs malloc'
sed -i 's/^    int sum = 0;/    static int sum;/' "$t/src/base/low.c"
plant symbols "bytes in .bss" '^src/base/low\.c:10: .*\.bss'
sed -i 's/^static const char \*const names/const char *names/' "$t/src/base/low.c"
plant symbols "bytes in .data" '^src/base/low\.c:6: .*\.data'
printf '__attribute__((constructor)) static void early(void)\n{\n    __asm__ volatile("");\n}\n' >>"$t/src/base/low.c"
plant symbols "a constructor" 'init_array'
sed -i 's/^NST_API int nst_a.*/&\nNST_API int nst_b(int x);/' "$t/include/nicstack/a.h"
plant symbols "NST_API without a definition" '^include/nicstack/a\.h:14: nst_b is NST_API'
echo '{ global: *; };' >"$tmp/all.map"
map=$tmp/all.map
sed -i 's/^int low_sum/__attribute__((visibility("default"))) int low_sum/' "$t/src/base/low.c"
plant symbols "an export that is not nst_*" '^libnicstack\.so:0: exports low_sum'

sed -i '1d' "$t/src/base/low.h"
plant spdx "no licence line" '^src/base/low\.h:1: must be'
printf '#!/bin/sh\necho\n' >"$t/run.sh"
plant spdx "a script without one" '^run\.sh:2: must be'

echo 'DROP(NEVER, warning, "text")' >>"$t/src/packet/drop.def"
plant drops "a reason that nothing uses" '^src/packet/drop\.def:3: DROP_NEVER is used nowhere'
echo 'COUNTER(nic, tx_never, "text")' >>"$t/src/packet/counter.def"
plant drops "a counter that nothing counts" '^src/packet/counter\.def:3: nic\.tx_never is counted nowhere'
sed -i 's/"shorter.*"/""/' "$t/src/packet/drop.def"
plant drops "a reason without a text" '^src/packet/drop\.def:2: TOO_SHORT has no text'
sed -i 's/DROP_TOO_SHORT :/DROP_OTHER :/; 2a enum drop_reason x = DROP_TOO_SHORT;' "$t/src/packet/input.c"
plant drops "a reason that is not declared" '^src/packet/input\.c:[0-9]+: DROP_OTHER is not in'
echo 'DROP(BAD warning)' >>"$t/src/packet/drop.def"
plant drops "a line that is no entry" '^src/packet/drop\.def:3: is no entry'
echo >>"$t/docs/counters.md"
plant drops "a page that is out of date" '^docs/counters\.md:1: is not up to date'

echo '- **N3** It is well.' >>"$t/docs/contract/nic.md"
plant contract "a promise without a test" '^docs/contract/nic\.md:4: N3 has no test'
sed -i 's/N1, N2/N1, N4/' "$t/tests/interop/life_test.sh"
plant contract "a test of what nobody promised" '^tests/interop/life_test\.sh:3: nic/N4 is no number'
sed -i 's/^echo.*/# nic\/N1: nic\/N2: only spoken of/' "$t/tests/interop/life_test.sh"
plant contract "a number in a comment" '^docs/contract/nic\.md:2: N1 has no test'

sed -i 's/^    int sum = 0;/  int sum=0;/' "$t/src/base/low.c"
plant format "a badly indented line" '^src/base/low\.c:(9|10): is not formatted'

sed -i 's/^    return low_sum(&x, 1);/    if (x)\n        ;\n    return 3;/' "$t/src/base/low.c"
plant tidy "an if that governs nothing" '^src/base/low\.c:19: .*bugprone'
sed -i 's/^    return low_sum(&x, 1);/    for (char c = 0; c < x; c++)\n        x--;\n    return x;/' "$t/src/base/low.c"
plant tidy "a counter too small for its bound" '^src/base/low\.c:18: .*bugprone-too-small-loop-variable'
sed -i '10s|$| /* NOLINT */|' "$t/src/base/low.c"
plant tidy "a suppression without its check" '^src/base/low\.c:10: a suppression names its check'
sed -i '10s|$| /* NOLINT(bugprone-x) */|' "$t/src/base/low.c"
plant tidy "a suppression without a reason" '^src/base/low\.c:10: a suppression gives its reason'

# The forbidden words are put together here, so that this file does not say them.
printf '/* see /%s/x */\n' work >>"$t/src/base/low.c"
plant words "a path of one machine" '^src/base/low\.c:20: says'
printf '/* in this se%s */\n' ssion >>"$t/src/base/low.c"
plant words "how it was written" '^src/base/low\.c:20: says'

exit $failed
