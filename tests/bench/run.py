#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make bench: nicstack beside the kernel, gVisor, pasta and slirp4netns, in one table.

    run.py [--quick|--smoke] [--only S1,S13] BUILD

Every row is measured in turn with its peers, A B A B, medians of five with their spread; --quick: one short run of each
(make bench-quick), --smoke: hardly any time, to see that everything runs. The table says goal and ratio and ends with
the rows that miss; BUILD/bench.json holds the same. A peer that is missing is a line that says which package brings
it. What needs root is a line without it. Status 1 is a row that could not be measured although all was there; a
missed goal is no error."""
import argparse
import os
import re
import signal
import sys
import time

import peers
import row_bulk
import row_connect
import row_latency
import row_memory
import row_start
import row_usernet
import table
import world
from measure import Failure, client

NICSTACK_CONTROL = "newreno"  # src/transport/tcp/cc_*.c
HERE = os.path.dirname(os.path.abspath(__file__))


class Bench:
    """What every row gets: where the programs are, how long and how often, the table, the peers."""

    def __init__(self, build, runs, bulk_seconds, ask_seconds, smoke):
        self.build, self.runs, self.smoke = build, runs, smoke
        self.bulk_seconds, self.ask_seconds = str(bulk_seconds), str(ask_seconds)
        self.nst = os.path.join(build, "nst")
        self.table, self.peers = table.Table(runs), peers.Peers(build, 600)
        self.places = {}

    def program(self, name):
        """One of tests/bench."""
        return os.path.join(self.build, "tests/bench", "bench-" + name)

    def script(self, name):
        return os.path.join(HERE, name)

    def place(self, name, make):
        """The contestant of this name: rows share it."""
        if name not in self.places:
            self.places[name] = make(self)
        return self.places[name]

    def name(self, peer):
        """With its version."""
        return next(f"{p.name} {p.version}" for p in self.peers.all() if p.name == peer)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--quick", action="store_true", help="one short run of each")
    parser.add_argument("--smoke", action="store_true", help="only see that everything runs")
    parser.add_argument("--only", default="", help="rows, such as S1,S13")
    parser.add_argument("build", nargs="?", default="build")
    return parser.parse_args()


def machine(bench):
    """The machine, and who is measured."""
    with open("/proc/sys/net/ipv4/tcp_congestion_control", encoding="utf-8") as file:
        default = file.read().strip()
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        model = re.search(r"model name\s*: (.*)", info.read())
    return {"cpu": model.group(1) if model else "unknown CPU", "cpus": os.cpu_count(),
            "kernel": os.uname().release, "load": os.getloadavg()[0], "congestion_control": NICSTACK_CONTROL,
            "kernel_control": client(bench.program("sockets"), "control")["control"], "default_control": default,
            "peers": {p.name: p.missing or p.version for p in bench.peers.all()}, "runs": bench.runs}


def introduce(about):
    print(f"{about['cpu']}, {about['cpus']} CPUs, Linux {about['kernel']}, load {about['load']:.1f}")
    print(f"Congestion control: nicstack {about['congestion_control']}, the kernel's ends {about['kernel_control']}, "
          f"gVisor cubic; what user-mode networks open outside: {about['default_control']}")
    print(", ".join(f"{name} {version}" for name, version in about["peers"].items() if name != "kernel"))
    print(f"Medians of {about['runs']}, in turn; every byte is compared at both ends\n", flush=True)


def main():
    options = arguments()
    build = os.path.abspath(options.build)
    no_world = world.enter()
    begin = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if options.smoke:
        bench = Bench(build, 1, 0.1, 0.1, True)
    elif options.quick:
        bench = Bench(build, 1, 0.7, 0.5, False)
    else:
        bench = Bench(build, 5, 3, 2, False)
    if no_world is None:
        world.set_up_outside()
    about = machine(bench)
    introduce(about)
    bench.table.head()
    run_parts(bench, options.only, no_world)
    bench.table.end()
    bench.table.write(build, about)
    print(f"{time.monotonic() - begin:.0f} s; {build}/bench.json")
    return 1 if bench.table.failed else 0


def run_parts(bench, only, no_world):
    wanted = set(filter(None, only.split(",")))
    alone = row_start.PARTS + row_memory.PARTS + row_connect.PARTS_ALONE
    for name, part in alone + row_connect.PARTS + row_latency.PARTS + row_bulk.PARTS + row_usernet.PARTS:
        if wanted and not wanted & set(name.split(",")):
            continue
        if no_world and (name, part) not in alone:
            bench.table.skip(name, "this row", no_world)
            continue
        try:
            part(bench)
        except (Failure, OSError, KeyError, ValueError) as error:
            bench.table.fail(name, part.__name__, f"{type(error).__name__}: {error}")


sys.exit(main())
