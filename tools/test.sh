#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The one test command. Runs every step below, tells each failure, and ends with the line
# "N passed, N failed, N skipped"; exits 1 if anything failed.
#
#   tools/test.sh                    everything (make test)
#   tools/test.sh --only unit,fuzz   some steps: packages judges release unit script sim fuzz interop readme
#   tools/test.sh --area tcp         what is named tcp... in unit, script, sim, fuzz, interop (make test AREA=tcp)
#
# One unit is a cmocka test, a judge, a planted fault, a script, a scenario, a fuzz target, or a line
# of an interop test. Every program that a step runs tells its units as lines "ok NAME",
# "not ok NAME: why", "skip NAME: reason"; anything else it says is detail. Details: build-test/log/.
# NST_FUZZ_SECONDS (2) and NST_FUZZ_STACK_SECONDS (30) set the length of the short fuzz.
set -u
cd "$(dirname "$0")/.." || exit 1

readonly OUT=$PWD/build-test
readonly LOG=$OUT/log RESULTS=$OUT/results JOBS=2
readonly SAID='error:|Error at|Error [0-9]|multiple definition|undefined reference' # by a build that fails
readonly STEPS="packages judges release unit script sim fuzz interop readme"
export NST_BUILD=$OUT/release NST_SANITIZED_BUILD=$OUT/sanitize
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export CMOCKA_MESSAGE_OUTPUT=TAP LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

only="" area=""
while [ $# -gt 0 ]; do
    case $1 in
    --only) only=${2:-} && shift ;;
    --only=*) only=${1#*=} ;;
    --area) area=${2:-} && shift ;;
    --area=*) area=${1#*=} ;;
    *) sed -n '3,15s/^# \{0,1\}//p' "$0" && exit 2 ;;
    esac
    shift
done
[ -n "$area" ] && [ -z "$only" ] && only=unit,script,sim,fuzz,interop
for step in ${only//,/ }; do
    case " $STEPS " in *" $step "*) ;; *) echo "no such step: $step (there are: $STEPS)" >&2 && exit 2 ;; esac
done

mkdir -p "$LOG" || exit 1
{ [ -w "$LOG" ] && : >>"$OUT/lock"; } || { echo "cannot write to $OUT" >&2; exit 1; }
exec 9>"$OUT/lock"
flock -n 9 || { echo "another test run holds $OUT/lock" >&2; exit 2; }
: >"$RESULTS"
trap 'echo "interrupted" >&2; exit 130' INT TERM

have() { command -v "$1" >/dev/null 2>&1; }
count() { grep -c "^$1 " "$RESULTS" || true; }

# record FILE [PREFIX]: takes the units out of what a program said.
record() {
    awk -v prefix="${2:-}" 'match($0, /^(ok|not ok|skip) /) {
        print substr($0, 1, RLENGTH) prefix substr($0, RLENGTH + 1)}' "$1" >>"$RESULTS" ||
        tell "not ok record: $1 cannot be read"
}
tell() { echo "$*" >>"$RESULTS"; }

# detail FILE [LINES]: the end of a log, indented, under its name.
detail() {
    echo "   --- ${1#"$PWD"/}"
    tail -n "${2:-40}" "$1" | sed 's/^/   | /'
}

# program NAME SECONDS COMMAND...: runs what tells its own units. Silence, an exit status without a
# failing unit, or running out of time is one failure more.
program() {
    local name=$1 limit=$2 log status=0 before=$SECONDS
    log=$LOG/$(tr / - <<<"$name").log
    shift 2
    timeout -k 10 "$limit" "$@" >"$log" 2>&1 </dev/null 9>&- || status=$?
    exec 8>>"$OUT/say" # several programs may end at once: one speaks at a time
    flock 8
    judge_program "$name" "$log" "$status" "$limit" $((SECONDS - before))
    exec 8>&-
}

# judge_program NAME LOG STATUS LIMIT SECONDS
judge_program() {
    local name=$1 log=$2 status=$3 limit=$4 took=$5
    record "$log" "$name: "
    if [ "$status" = 124 ] || [ "$status" = 137 ]; then
        tell "not ok $name: did not end within $limit s"
    elif [ $status != 0 ] && ! grep -q '^not ok ' "$log"; then
        tell "not ok $name: exit status $status: $(tail -n 1 "$log")"
    elif ! grep -qE '^(ok|not ok|skip) ' "$log"; then
        tell "not ok $name: told nothing"
    fi
    printf '   %-40s %3d s  %s\n' "$name" "$took" "$(grep -cE '^ok ' "$log") ok"
    { [ "$status" = 0 ] && ! grep -q '^not ok ' "$log"; } || detail "$log"
}

# build NAME OPTION...: configures and builds build-test/NAME, once in a run. Its status is kept.
declare -A built
build() {
    [ -n "${built[$1]:-}" ] || { build_now "$@" && built[$1]=0 || built[$1]=1; }
    return "${built[$1]}"
}

build_now() {
    local name=$1 log=$LOG/build-$1.log before=$SECONDS
    shift
    if ! compgen -G 'src/*/*.c' >/dev/null; then
        tell "skip build $name: there is no source yet"
        return 1
    fi
    if { cmake -S . -B "$OUT/$name" "$@" && cmake --build "$OUT/$name" -j$JOBS; } >"$log" 2>&1 9>&-; then
        printf '   %-40s %3d s\n' "build $name" $((SECONDS - before))
        return 0
    fi
    tell "not ok build $name: $(grep -m1 -E "$SAID" "$log" || tail -n 1 "$log")"
    grep -nE "$SAID" "$log" | head -n 20 | sed 's/^/   | /'
    detail "$log" 15
    return 1
}

present() {
    case $1 in
    cmd:*) have "${1#cmd:}" ;;
    file:*) [ -e "${1#file:}" ] ;;
    py:*) /usr/bin/python3 -c "import ${1#py:}" 2>/dev/null ;;
    esac
}

missing_packages() {
    local package check _
    while IFS=$'\t' read -r package check _; do
        case $package in '' | '#'*) continue ;; esac
        present "$check" || echo "$package"
    done <tools/packages.txt
}

# install PACKAGES...: with no service started by it (policy-rc.d says no while it runs).
install_packages() {
    local sudo="" policy=/usr/sbin/policy-rc.d made=""
    [ "$(id -u)" = 0 ] || sudo=sudo
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null && $sudo chmod 755 $policy && made=1
        # shellcheck disable=SC2064 # the values of now
        trap "$sudo rm -f $policy; echo interrupted >&2; exit 130" INT TERM
    fi
    local get="$sudo env DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends"
    local package status=0
    # All at once; if one of them cannot be had, the others one by one.
    { $get update && $get install "$@"; } >"$LOG/packages.log" 2>&1 </dev/null 9>&- ||
        for package in "$@"; do
            $get install "$package" >>"$LOG/packages.log" 2>&1 </dev/null 9>&- || status=1
        done
    [ -z "$made" ] || $sudo rm -f $policy
    trap 'echo "interrupted" >&2; exit 130' INT TERM
    return $status
}

step_packages() {
    local missing answer=n
    missing=$(missing_packages | tr '\n' ' ')
    missing=${missing% }
    [ -n "$missing" ] || { echo "   all there"; return; }
    echo "   missing: $missing"
    if ! have apt-get; then
        echo "   no apt-get here: install what corresponds to these"
    elif [ "$(id -u)" = 0 ]; then
        answer=y
    elif [ -t 0 ] && have sudo; then
        read -r -p "   install them with sudo apt-get? [y/N] " answer
    fi
    case $answer in
    y | Y | yes)
        # shellcheck disable=SC2086 # a list of words
        install_packages $missing || detail "$LOG/packages.log" 10
        ;;
    esac
    for package in $(missing_packages); do
        echo "   still missing, so what needs it is skipped: apt-get install $package" \
            "($(awk -F'\t' -v p="$package" '$1 == p {print $3}' tools/packages.txt))"
    done
}

# judge NAME [ARGUMENT...]
judge() {
    local name=$1 log=$LOG/judge-$1.log status=0 before=$SECONDS
    shift
    timeout -k 10 1800 "tools/judges/$name.py" "$PWD" "$@" >"$log" 2>&1 9>&- || status=$?
    printf '   %-40s %3d s  %s\n' "judge $name" $((SECONDS - before)) "$(tail -n 1 "$log")"
    case $status in
    0) tell "ok judge $name" ;;
    77) tell "skip judge $name: $(tail -n 1 "$log")" ;;
    *)
        tell "not ok judge $name: $(tail -n 1 "$log")"
        grep -v '^note:' "$log" | head -n 40 | sed 's/^/   | /'
        ;;
    esac
    [ "$name" != caps ] || grep 'median' "$log" | sed 's/^/   /'
}

step_judges() {
    local name
    # Most judges keep one core busy, and so do the plants and the count.
    { program judges/planted 1200 tests/judges/planted_test.sh; program judges/count 120 tests/judges/count_test.sh; } &
    for name in spdx words format layers headers caps globals drops contract calls tidy; do
        judge $name
    done
    wait
}

step_release() {
    build release -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS=-Werror || return
    judge symbols "$OUT/release"
    program judges/install 600 tests/judges/install_test.sh "$OUT/release"
}

# clang with what libFuzzer and the sanitizers need: asked once.
fuzzes=""
can_fuzz() {
    [ -n "$fuzzes" ] || { try_fuzz && fuzzes=0 || fuzzes=1; }
    return $fuzzes
}

try_fuzz() {
    have clang && clang -fsanitize=fuzzer,address,undefined -x c -o "$OUT/can_fuzz" - 2>/dev/null 9>&- \
        <<<'int LLVMFuzzerTestOneInput(const char *data, unsigned long n) { return data == 0 && n != 0; }'
}

# One tree with sanitizers, for unit tests, scripts, worlds and fuzz targets. By clang, or by gcc without the targets;
# gcc's maybe-uninitialized is wrong too often under sanitizers to be an error.
sanitized() {
    local tests=ON fuzz=ON cc=clang flags=-Werror
    [ -e /usr/include/cmocka.h ] || tests=OFF
    can_fuzz || { fuzz=OFF cc=gcc; flags+=" -Wno-error=maybe-uninitialized"; }
    # cmake keeps the compiler of a tree that is there.
    grep -qs "^CMAKE_C_COMPILER:.*/$cc\$" "$OUT/sanitize/CMakeCache.txt" || rm -rf "$OUT/sanitize"
    CC=$cc build sanitize -DCMAKE_BUILD_TYPE=Debug -DNST_SANITIZE=ON -DNST_TESTS=$tests -DNST_FUZZ=$fuzz \
        -DCMAKE_C_FLAGS="$flags"
}

step_unit() {
    local log=$LOG/unit.log last=$OUT/sanitize/Testing/Temporary/LastTest.log file
    if [ ! -e /usr/include/cmocka.h ]; then
        find tests/unit -name '*_test.c' 2>/dev/null | sort | while read -r file; do
            tell "skip unit ${file#tests/unit/}: no cmocka (apt-get install libcmocka-dev)"
        done
        return
    fi
    sanitized || return
    rm -f "$last"
    timeout -k 10 1800 ctest --test-dir "$OUT/sanitize" -j$JOBS ${area:+-R "^$area"} --timeout 300 \
        --test-output-size-passed 10000000 --test-output-size-failed 10000000 >"$log" 2>&1 </dev/null 9>&-
    local status=$?
    if [ ! -e "$last" ]; then
        grep -q 'No tests were found' "$log" || tell "not ok unit: ctest did not run: $(tail -n 1 "$log")"
        return
    fi
    tools/count_ctest.py "$last" >"$LOG/unit-tests.log" 2>&1
    record "$LOG/unit-tests.log" "unit "
    if [ $status != 0 ] && ! grep -q '^not ok ' "$LOG/unit-tests.log"; then
        tell "not ok unit: ctest ended with status $status: $(tail -n 1 "$log")"
    fi
    if [ -z "$area" ] && compgen -G 'tests/unit/*/*_test.c' >/dev/null && [ ! -s "$LOG/unit-tests.log" ]; then
        tell "not ok unit: there are tests, but not one was counted"
    fi
    echo "   $(grep -c '^ok ' "$LOG/unit-tests.log") tests ok in $(sed -n 's/^Total Test time (real) = *//p' "$log")"
    if grep -q '^not ok ' "$LOG/unit-tests.log"; then
        grep '^not ok ' "$LOG/unit-tests.log" | head -n 30 | sed 's/^/   | /'
        awk '/^Output:/ {out = ""} {out = out "\n" $0} /^Test Failed|^Test Timeout/ {print out}' "$last" |
            tail -n 80 | sed 's/^/   | /'
    fi
}

# programs FOLDER SECONDS [JOBS [FIRST...]]: programs that tell units: interop, sim and script; the last may have bare
# scripts only. FIRST begin before the others: what takes long must not be left over at the end.
programs() {
    local folder=$1 limit=$2 jobs=${3:-1} file name begun=() files
    files=$({ printf "tests/$folder/%s_test.sh\n" "${@:4}"; ls "tests/$folder"/*_test.sh "tests/$folder"/*_test.py; } 2>/dev/null |
        awk '!seen[$0]++')
    for file in $files; do
        [ -f "$file" ] || continue
        name=$(basename "$file")
        case $name in "$area"*) ;; *) continue ;; esac
        if [ ! -x "$file" ]; then
            tell "not ok $folder/$name: is not executable"
            continue
        fi
        while [ "$(jobs -pr | wc -l)" -ge "$jobs" ]; do wait -n; done
        begun+=("$folder/${name%_test.*}")
        program "$folder/${name%_test.*}" "$limit" "$file" &
    done
    wait
    for name in "${begun[@]}"; do
        grep -q " $name: " "$RESULTS" || tell "not ok $name: its verdict is lost"
    done
}

step_script() {
    [ -d tests/script ] || { echo "   none yet"; return; }
    sanitized || return
    # The shared-object port is built without sanitizers only.
    build release -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS=-Werror && programs script 900
    local nst=$OUT/sanitize/nst files
    mapfile -t files < <(find "tests/script${area:+/$area}" -name '*.pkt' 2>/dev/null | sort)
    [ ${#files[@]} -gt 0 ] || return
    if [ ! -x "$nst" ]; then
        tell "not ok script: ${#files[@]} scripts, and no nst to run them"
        return
    fi
    program script/pkt 900 "$nst" test --strict "${files[@]}"
    # Once more over IPv6: all that do not say which version they are about.
    mapfile -t files < <(grep -L -e --ip_version "${files[@]}")
    [ ${#files[@]} -eq 0 ] || program script/pkt6 900 "$nst" test --strict --ipv6 "${files[@]}"
}

step_sim() {
    [ -d tests/sim ] || { echo "   none yet"; return; }
    sanitized && programs sim 900
}

# fuzz_one NAME SECONDS: what an earlier run found must be mended first, then new inputs are tried.
# tests/fuzz/corpus/NAME is only read; what is new is kept in build-test/corpus/NAME.
fuzz_one() {
    local name=$1 seconds=$2 log=$LOG/fuzz-$1.log status=0 input runs
    local fuzzer=$OUT/sanitize/tests/fuzz/fuzz-$name own=$OUT/corpus/$name found=$OUT/found/$name seeds=()
    mkdir -p "$own" "$found"
    [ -d "tests/fuzz/corpus/$name" ] && seeds=("tests/fuzz/corpus/$name")
    for input in "$found"/*; do
        [ -f "$input" ] || continue
        if timeout -k 10 300 "$fuzzer" -timeout=60 -rss_limit_mb=2048 "$input" >"$log" 2>&1 </dev/null 9>&-; then
            rm -f "$input"
        else
            echo "not ok fuzz $name: still fails on ${input#"$PWD"/}" >"$LOG/fuzz-$name.verdict"
            detail "$log"
            return
        fi
    done
    timeout -k 10 $((seconds + 600)) "$fuzzer" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$found/" "$own" "${seeds[@]}" >"$log" 2>&1 </dev/null 9>&- || status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    if [ $status = 0 ] && [ "${runs:-0}" -gt 0 ]; then
        echo "ok fuzz $name" >"$LOG/fuzz-$name.verdict"
        printf '   %-40s %3d s  %s runs\n' "fuzz $name" "$seconds" "$runs"
    else
        echo "not ok fuzz $name: status $status: $(grep -m1 -E 'ERROR|runtime error|SUMMARY' "$log" || tail -n 1 "$log")" \
            >"$LOG/fuzz-$name.verdict"
        detail "$log"
    fi
}

step_fuzz() {
    local names=() name file seconds
    for file in tests/fuzz/*_fuzz.c; do
        [ -f "$file" ] || continue
        name=$(basename "$file" _fuzz.c)
        case $name in "$area"*) names+=("$name") ;; esac
    done
    [ ${#names[@]} -gt 0 ] || { echo "   none yet"; return; }
    if ! can_fuzz; then
        for name in "${names[@]}"; do tell "skip fuzz $name: no clang with libFuzzer (apt-get install clang)"; done
        return
    fi
    sanitized || return
    rm -f "$LOG"/fuzz-*.verdict
    # The long one first: the others run beside it.
    for name in $(printf '%s\n' "${names[@]}" | awk '$0 == "stack" {print; next} {rest = rest "\n" $0} END {print rest}'); do
        while [ "$(jobs -pr | wc -l)" -ge $JOBS ]; do wait -n; done
        seconds=${NST_FUZZ_SECONDS:-2}
        [ "$name" = stack ] && seconds=${NST_FUZZ_STACK_SECONDS:-30}
        fuzz_one "$name" "$seconds" &
    done
    wait
    for name in "${names[@]}"; do
        if [ -e "$LOG/fuzz-$name.verdict" ]; then record "$LOG/fuzz-$name.verdict"; else
            tell "not ok fuzz $name: gave no verdict"; fi
    done
}

step_interop() {
    compgen -G 'tests/interop/*_test.*' >/dev/null || { echo "   none yet"; return; }
    # Sanitizers are too slow here for what is timed: the release build is what is run.
    build release -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS=-Werror || return
    # Each has namespaces of its own and waits more than it works.
    programs interop 1200 5 doctor attach attach_veth link capture_live capture run_notify bench run_flows run_publish \
        run_impair run_bulk run_basic
}

step_readme() {
    [ -e README.md ] || { echo "   none yet"; return; }
    build release -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS=-Werror || return
    program readme 300 tools/readme_test.sh "$OUT/release"
}

for step in $STEPS; do
    if [ -n "$only" ]; then
        case ",$only," in *",$step,"*) ;; *) continue ;; esac
    fi
    echo "== $step ($(date +%T))"
    start=$SECONDS
    "step_$step"
    printf '   %s: %d s; %d passed, %d failed, %d skipped so far\n' "$step" $((SECONDS - start)) \
        "$(count ok)" "$(count 'not ok')" "$(count skip)"
done

echo "== result after $SECONDS s"
grep '^skip ' "$RESULTS" | sed 's/^/   /'
grep '^not ok ' "$RESULTS" | sed 's/^/   /'
passed=$(count ok) failed=$(count 'not ok') skipped=$(count skip)
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
