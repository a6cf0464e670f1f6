#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Shows `nst run` on real programs: demo.sh BUILD (make demo). A small web server and a small name server run
# on this machine's loopback; ping, getent and curl, which know nothing of nicstack, reach them through it.
# Ends with 0 if every step worked, 1 if one failed, 2 if something is missing here.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
nst=${1:-build}/nst
[ -n "${nst##/*}" ] && nst=$PWD/$nst
readonly SIZE=100000000

bold="" red="" green="" plain=""
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
fi

# What this needs: program, how to get it.
check_needs() {
    local missing="" program package manager
    for program in apt-get dnf pacman apk zypper; do
        command -v $program >/dev/null && manager=$program && break
    done
    case ${manager:-} in
    pacman) manager="pacman -S" ;;
    apk) manager="apk add" ;;
    "") manager="install" ;;
    *) manager="$manager install" ;;
    esac
    while read -r program package; do
        command -v "$program" >/dev/null && continue
        [ "$manager" = "apt-get install" ] || package=${package#*,}
        missing=1
        echo "demo: there is no $program here: $manager ${package%,*}" >&2
    done <<'X'
python3 python3
curl curl
ping iputils-ping,iputils
getent libc-bin,glibc
sha256sum coreutils
X
    [ -x "$nst" ] || { echo "demo: there is no $nst here: make" >&2; missing=1; }
    [ -z "$missing" ] || exit 2
}

work=$(mktemp -d) || exit 1
server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

start_server() {
    python3 "$top/tools/demo_server.py" $SIZE >"$work/ports" 2>"$work/server.err" </dev/null &
    server=$!
    for _ in $(seq 100); do
        [ -s "$work/ports" ] && break
        sleep 0.1
    done
    read -r http dns sum < <(sed 's/[a-z]*=//g' "$work/ports")
    [ -n "${sum:-}" ] || { echo "demo: the server does not start: $(tail -n 1 "$work/server.err")" >&2; exit 1; }
}

failed=0
good() { echo "${green}   ok: $*$plain"; echo; }
bad() { echo "${red}   failed: $*$plain"; echo; failed=1; }
# run OPTION... -- PROGRAM...: says what it runs, and runs it, never for longer than a minute.
run() {
    echo "$bold\$ nst run $*$plain" >&3
    timeout --foreground 60 "$nst" run "$@"
}
exec 3>&1 # for what is said while stdout goes into a file

curl_options=(-sS)
[ ! -t 2 ] || curl_options=(-#)

check_needs
start_server
echo "A web server listens on 127.0.0.1:$http, a name server on 127.0.0.1:$dns. The programs below"
echo "are in a network of their own, and whatever they send goes through nicstack."
echo

dns=127.0.0.1:$dns
url=http://10.0.2.2:$http

if run -v -- ping -c3 -i0.3 10.0.2.2; then good "the gateway answers"; else bad "ping"; fi

run --dns "$dns" -- getent hosts demo.test >"$work/said" 2>&1
cat "$work/said"
if grep -q '^10\.0\.2\.2 ' "$work/said"; then good "names resolve"; else bad "the name look-up"; fi

run --dns "$dns" -- curl -sS "http://demo.test:$http/" >"$work/said" 2>&1
cat "$work/said"
if grep -q '^hello demo.test' "$work/said"; then good "a page from this machine's loopback"; else bad "curl"; fi

cd "$work" || exit 1
run -- curl "${curl_options[@]}" -o data "$url/data"
got=$([ -e data ] && sha256sum <data | cut -c1-64)
if [ "$got" = "$sum" ]; then good "100 MB came, and their SHA-256 is right"; else
    bad "the download: SHA-256 '$got', not $sum"; fi

run -- curl "${curl_options[@]}" -T data "$url/data" >said
cat said
if [ "$(cat said)" = "$sum" ]; then good "100 MB went, and this is their SHA-256 at the server"; else
    bad "the upload: SHA-256 '$(cat said)', not $sum"; fi

if [ $failed = 0 ]; then
    echo "${bold}Everything worked.$plain Next: $nst run -- YOUR PROGRAM, and README.md."
else
    echo "${red}Something failed.$plain $nst run -v -- PROGRAM says more." >&2
fi
exit $failed
