#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make bench: what SPEED's rows measure today, beside the peers that this machine has.

    run.py [--quick] BUILD

Everything against a peer is measured in turn, A B A B, medians of five (--quick: of one). The table says goal and
ratio, and ends with the rows that miss; BUILD/bench.json holds the same. A peer that is missing is a line."""
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

QUICK = "--quick" in sys.argv
BUILD = os.path.abspath([a for a in sys.argv[1:] if not a.startswith("-")][0]) if len(sys.argv) > 1 else "build"
HERE = os.path.dirname(os.path.abspath(__file__))
RUNS = 1 if QUICK else 5
SECONDS = 1 if QUICK else 3
PORT = 5931
rows = []


def out(*command, timeout=120):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL)


def add(row, case, value, unit, goal, met, peer=None, peer_value=None, spread=""):
    ratio = value / peer_value if peer_value else None
    rows.append({"id": row, "case": case, "value": value, "unit": unit, "peer": peer, "peer_value": peer_value,
                 "ratio": ratio, "goal": goal, "met": met})
    beside = f"{peer}: {peer_value:.3g}, ratio {ratio:.2f}" if peer_value else ""
    print(f"{row:4} {case:46} {value:10.4g} {unit:14} {'met' if met else 'MISSED':6} goal {goal:28} {beside} {spread}",
          flush=True)


def say(line):
    print(f"     {line}", flush=True)


def program(name, *args):
    return out(os.path.join(BUILD, "tests/bench", "bench-" + name), *args).stdout


def spread(values):
    return f"({min(values):.4g} to {max(values):.4g})" if len(values) > 1 else ""


def numbers(pattern, name, *args):
    return [float(re.search(pattern, program(name, *args)).group(1)) for _ in range(RUNS)]


def in_memory():
    # Peers in memory come with the rows against gVisor; until then the figure stands alone.
    for row, case, segments, flags in (("S3", "TCP in memory, MTU 1500, not merged", 500000, "s"),
                                       ("S4", "TCP in memory, 64 KiB segments", 50000, "g")):
        values = numbers(r"([\d.]+) Gbit/s", "tcp_pipe", str(segments), flags)
        add(row, case, statistics.median(values), "Gbit/s", "10 x gVisor (no peer yet)", False, spread=spread(values))
    values = numbers(r"(\d+) datagrams/s", "udp_echo", "300000")
    say(f"UDP echo in memory: {statistics.median(values) / 1e6:.2f} million datagrams/s {spread(values)}")


def instructions():
    for line in out("bash", os.path.join(HERE, "instr.sh"), BUILD, timeout=600).stdout.splitlines():
        found = re.match(r"(S\d+)\s+(.*?)\s+(\d+) instructions\s+goal\s+(\d+)", line)
        if found:
            count, goal = int(found.group(3)), int(found.group(4))
            add(found.group(1), found.group(2), count, "instructions", f"at most {goal}", count <= goal)


def start():
    text = program("start")
    micros, size = re.match(r"([\d.]+) us, (\d+) bytes", text).groups()
    add("S12", "stack, NIC and address: time", float(micros), "us", "at most 20", float(micros) <= 20)
    add("S12", "stack, NIC and address: memory", int(size), "bytes", "at most 16384", int(size) <= 16384)
    ours, theirs = [], []
    unshare = ["unshare", "-n", "true"] if os.geteuid() == 0 else ["unshare", "-Urn", "true"]
    for _ in range(RUNS * 2):
        for command, into in (([BUILD + "/nst", "run", "-q", "--", "true"], ours), (unshare, theirs)):
            begin = time.monotonic()
            out(*command)
            into.append((time.monotonic() - begin) * 1000)
    a, b = statistics.median(ours), statistics.median(theirs)
    add("S12", "nst run -- true", a, "ms", "at most 20 ms over unshare", a - b <= 20, "unshare", b, spread(ours))


class Slirp:
    """A namespace of its own behind slirp4netns, MTU 65520."""

    name = "slirp4netns"

    def __enter__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "1000"])
        time.sleep(0.3)
        self.slirp = subprocess.Popen(["slirp4netns", "--configure", "--mtu=65520", str(self.holder.pid), "tap0"],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1)
        return self

    def command(self, *program):
        return ["nsenter", "-t", str(self.holder.pid), "-n", *program]

    def __exit__(self, *_):
        for process in (self.slirp, self.holder):
            process.send_signal(signal.SIGKILL)
            process.wait()


def gigabits(command, direction):
    text = out(*command, "-c", "10.0.2.2", "-p", str(PORT), "-t", str(SECONDS), "-J", *direction).stdout
    return json.loads(text)["end"]["sum_received"]["bits_per_second"] / 1e9


def run_bulk():
    if not shutil.which("iperf3"):
        say("S13  iperf3 is missing: apt-get install iperf3")
        return
    server = subprocess.Popen(["iperf3", "-s", "-B", "127.0.0.1", "-p", str(PORT)], stdout=subprocess.DEVNULL)
    time.sleep(0.5)
    try:
        if os.geteuid() == 0 and shutil.which("slirp4netns"):
            with Slirp() as peer:
                bulk_rows(peer)
        else:
            say("S13  slirp4netns is missing, or we are not root: apt-get install slirp4netns")
    finally:
        server.kill()
        server.wait()


def bulk_rows(peer):
    for case, direction, factor in (("nst run, bulk TCP, out", [], 4.0), ("nst run, bulk TCP, in", ["-R"], 2.5)):
        ours, theirs = [], []
        for _ in range(RUNS):
            ours.append(gigabits([BUILD + "/nst", "run", "-q", "--", "iperf3"], direction))
            theirs.append(gigabits(peer.command("iperf3"), direction))
        a, b = statistics.median(ours), statistics.median(theirs)
        add("S13", case, a, "Gbit/s", f"{factor:g} x {peer.name}", a >= factor * b, peer.name, b, spread(ours))


def main():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        model = re.search(r"model name\s*: (.*)", info.read())
    control = open("/proc/sys/net/ipv4/tcp_congestion_control", encoding="utf-8").read().strip()
    print(f"{model.group(1) if model else 'unknown CPU'}, {os.cpu_count()} CPUs, Linux {os.uname().release}; "
          f"the kernel's congestion control is {control}; medians of {RUNS}")
    for part in (instructions, in_memory, start, run_bulk):
        try:
            part()
        except (OSError, subprocess.SubprocessError, AttributeError, KeyError, ValueError) as error:
            say(f"{part.__name__}: {type(error).__name__}: {error}")
    with tempfile.NamedTemporaryFile("w", dir=BUILD, delete=False) as file:
        json.dump({"rows": rows}, file, indent=1)
    os.chmod(file.name, 0o644)
    os.replace(file.name, os.path.join(BUILD, "bench.json"))
    missed = [f"{r['id']} {r['case']}" for r in rows if not r["met"]]
    print("Missed: " + "; ".join(missed) if missed else "Every row is met.")
    say("Rows against the kernel, gVisor and pasta are not measured yet.")


main()
