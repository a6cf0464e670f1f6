#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `nst run --pcap` writes: tshark with every check on finds nothing wrong, counts agree, and a full disk
# does no harm.
. "$(dirname "$0")/run_lib.sh"
. "$here/capture_lib.sh"

test_contents() {
    local file=$work/$who-a.pcapng info
    run 30 --json --pcap "$file" -- sh -c "$get:$http/medium; ping -c2 -i0.2 -W2 10.0.2.2 >/dev/null;
        $python $work/run_client.py udp_exact $udp,$udp2 1 1472 65507; $get:$nobody/"
    check "$who: the program's status is its own" 7 $?
    check_good "$who: 64 KiB segments, UDP, ping" "$file"
    check_counts "$who: 64 KiB segments, UDP, ping" "$file"
    check "$who: large segments are whole" 1 "$(($(count_of "$file" 'tcp.len > 60000') > 0))"
    info=$(capinfos "$file" 2>/dev/null)
    seen "$who: nanoseconds" 'Time precision = nanoseconds' "$info"
    seen "$who: the interface has its name" 'Name = nst0' "$info"
    seen "$who: and says what it is" 'Description = sh, attached by [a-z]+, MTU 65520' "$info"
    seen "$who: the file says where it is from" 'Capture application: +nicstack [0-9]' "$info"
    seen "$who: in the order of time" 'Strict time order: +True' "$info"
    check "$who: the clock is the wall's" 1 "$(($(date +%s) - $(dissect "$file" -c 1 -T fields -e frame.time_epoch | cut -d. -f1) < 60))"
    check "$who: directions are the stack's" "1 2" "$(dissect "$file" -Y tcp.flags.syn==1 -T fields -e frame.packet_flags_direction |
        head -n 2 | awk '{printf "%s%d", s, $1; s = " "}')"
    info=$(comments "$file")
    seen "$who: a reset that refuses says so" $'^10.0.2.2\t10.0.2.15\trefused: ' "$info"
    run 30 --json --mtu 576 --pcap "$file" -- $get:$http/small
    check_good "$who: MTU 576" "$file"
    check_counts "$who: MTU 576" "$file"
    run 30 --json --mtu 1500 --pcap "$file" -- ping -c1 -W2 -s 20000 10.0.2.2 >/dev/null
    check_good "$who: fragments" "$file"
    check_counts "$who: fragments" "$file"
}

# The other way to attach: frames with link addresses, of segments that are left to cut.
test_veth() {
    local file=$work/$who-v.pcapng
    run 30 --json --attach veth --pcap "$file" -- sh -c "$get:$http/medium; ping -c1 -W2 10.0.2.2 >/dev/null"
    check "$who: by veth" 0 $?
    check_good "$who: by veth" "$file"
    check_counts "$who: by veth" "$file"
    seen "$who: by veth they are Ethernet frames" 'Encapsulation = Ethernet' "$(capinfos "$file" 2>/dev/null)"
    run 20 --attach veth --pcap "$file" --pcap-filter "ether multicast or arp" -- true
    check "$who: filters for Ethernet" 0 $?
    run 20 --attach tun --pcap "$file" --pcap-filter "ether host 02:00:00:00:00:01" -- true
    check "$who: which are none for bare IP" "125 1" "$? $(grep -c '^nst run: --pcap-filter: ' "$work/err")"
}

test_filter_and_snaplen() {
    local file=$work/$who-e.pcapng
    if ! run 20 --pcap "$file" --pcap-filter "icmp or (udp and not port 53)" -- true && grep -q 'built without' "$work/err"; then
        skip "$who: filters" "nst was built without libpcap (apt-get install libpcap-dev)"
        return
    fi
    run 20 --json --pcap "$file" --pcap-filter "icmp and icmp[icmptype] == icmp-echo" --snaplen 64 -- \
        sh -c "ping -c2 -i0.2 -W2 -s 500 10.0.2.2 >/dev/null; $get:$http/small"
    check "$who: a filter keeps what it says" "2 2" "$(packets "$file") $(count_of "$file" 'icmp.type == 8')"
    check "$who: --snaplen cuts, and keeps the length" "64 528" \
        "$(dissect "$file" -T fields -e frame.cap_len -e frame.len | sort -u | tr '\t' ' ')"
    seen "$who: the filter is in the file" 'Filter string = icmp and icmp' "$(capinfos "$file" 2>/dev/null)"
    run 20 --pcap "$file" --pcap-filter "tcp port 80 bananas" -- true
    check "$who: a bad filter is 125, and said where" "125 1" \
        "$? $(grep -c "^nst run: --pcap-filter: .*syntax error.*behind 'tcp port 80'; see pcap-filter(7)\$" "$work/err")"
    run 20 --pcap "$file" --pcap-filter "ip6 protochain 6" -- true
    check "$who: a filter with a loop too" "125 1" "$? $(grep -c '^nst run: --pcap-filter: protochain makes a loop' "$work/err")"
    run 20 --pcap "$file" --pcap-filter "port blubb" -- true
    seen "$who: and why" "^nst run: --pcap-filter: .*unknown port 'blubb'" "$(cat "$work/err")"
}

test_options() {
    local words expected
    while IFS='|' read -r words expected; do
        # shellcheck disable=SC2086 # words
        "$nst" run $words 2>"$work/err" </dev/null
        check "wrong options: $words" "125 $expected" "$? $(head -n 1 "$work/err")"
    done <<'X'
--pcap-filter udp true|nst run: --pcap-filter, --snaplen, --pcap-size and --pcap-files need --pcap FILE
--pcap /nowhere/x true|nst run: cannot write /nowhere/x (ENOENT): make its folder first
--pcap x --snaplen 10 true|nst run: --snaplen must be 64 to 262144
--pcap x --pcap-files 3 true|nst run: --pcap-files needs --pcap-size SIZE
--pcap x --pcap-size 1k true|nst run: --pcap-size must be at least 64k
--pcap - --pcap-size 1m true|nst run: --pcap-size needs a file, and --pcap - is none
--name a/b true|nst run: --name a/b: is no name: letters, digits, '.', '_' and '-', at most 63
X
    (as_exec $python - "$nst" <<'X'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], ["nst", "run", "--pcap", "-", "true"])
said = b""
try:
    while piece := os.read(fd, 1000):
        said += piece
except OSError:
    pass
assert b"standard output is a terminal" in said, said
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 125
X
    ) >"$work/out" 2>&1 && ok "--pcap - on a terminal is refused" || not_ok "--pcap - on a terminal is refused" "$(tail -n 1 "$work/out")"
}

test_ring() {
    local file total=0 size
    rm -f "$work"/ring-*
    run 60 --json --pcap "$work/ring.pcapng" --pcap-size 1m --pcap-files 12 -- $get:$http/medium
    check "$who: a ring has its files" 12 "$(ls "$work"/ring-??.pcapng | wc -l)"
    for file in "$work"/ring-??.pcapng; do
        size=$(stat -c %s "$file")
        [ "$size" -le $(((1 << 20) + 16384)) ] || not_ok "$who: no file of the ring is larger than it may be" "$file: $size"
        total=$((total + $(packets "$file")))
    done
    [ $total -gt 100 ] && [ $total -lt "$(($(member rx_packets) + $(member tx_packets)))" ] &&
        ok "$who: it keeps the last of them" || not_ok "$who: it keeps the last of them" "$total"
    check_good "$who: a file of a ring" "$work/ring-05.pcapng"
    run 60 --json --pcap "$work/ring.pcapng" --pcap-size 400m --pcap-files 2 -- $get:$http/medium
    check_counts "$who: a ring that is not full" "$work/ring-0.pcapng"
    check "$who: its other file is a good one, and empty" "0 0" "$(packets "$work/ring-1.pcapng") $(dissect "$work/ring-1.pcapng" | wc -l)"
    rm -f "$work"/ring-*
}

test_full_disk() {
    local file=$work/small-disk/x.pcapng
    [ "$(id -u)" = 0 ] || { skip "a full disk" "needs root"; return; }
    mkdir -p "$work/small-disk" && mount -t tmpfs -o size=1m,mode=777 tmpfs "$work/small-disk" || return
    run 60 --json --pcap "$file" -- $get:$http/medium
    check "$who: a full disk ends the capture, not the run" "0 1" \
        "$? $(grep -c "^nst: cannot write $file (ENOSPC): the capture ends after " "$work/err")"
    check_good "$who: what fits is a good file" "$file"
    check "$who: and holds what was said" "$(grep -oE 'ends after [0-9]+' "$work/err" | grep -oE '[0-9]+')" "$(packets "$file")"
    begin full -- sh -c "$wait; $get:$http/medium"
    (go full 1) &
    as "$nst" capture -s full -w "$file" 2>"$work/said"
    check "$who: nst capture on a full disk says so" "1 1" "$? $(grep -c 'ENOSPC' "$work/said")"
    await $pid
    check "$who: and leaves a good file" 0 "$(dissect "$file" >/dev/null; echo $?)"
    umount "$work/small-disk"
}

test_options
for who in $users; do
    test_contents
done
test_veth
test_filter_and_snaplen
test_ring
test_full_disk
check_nothing_left "nothing is left behind"
who=${users##* }
if use_sanitized; then
    run 60 --json --pcap "$work/s.pcapng" -- $get:$http/small
    check_good "with sanitizers" "$work/s.pcapng"
    check_sanitizers "with sanitizers: nothing to say, no leak at exit"
else
    skip "with sanitizers" "there is no $sanitized/nst"
fi
stop_servers
exit $failed
