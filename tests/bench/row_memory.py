# SPDX-License-Identifier: Apache-2.0
"""S3, S4, S5: in memory, two stacks on a pipe in one thread. gVisor's pair has both cores."""
import re
import shutil

from measure import client, in_turn, run

COUNTED = re.compile(r"(S\d+)\s+(.*?)\s+(\d+) instructions\s+goal\s+(\d+)")


def bulk(bench):
    """S3 and S4."""
    for row, case, segments, flags, mtu in (("S3", "TCP in memory, MTU 1500, not merged", 500000, "s", 1500),
                                            ("S4", "TCP in memory, 64 KiB segments", 50000, "g", 65535)):
        one_case(bench, (row, case), (str(segments // (20 if bench.smoke else 1)), flags), mtu)


def one_case(bench, title, program_arguments, mtu):
    row, case = title
    contestants = {"nicstack": lambda: float(re.search(
        r"([\d.]+) Gbit/s", run(bench.program("tcp_pipe"), *program_arguments)).group(1))}
    if bench.peers.gvisor.missing:
        bench.table.skip(row, "gVisor", bench.peers.gvisor.missing)
    else:
        contestants["gVisor"] = lambda: client(bench.program("gvisor"), "pair-bulk", str(mtu),
                                               bench.bulk_seconds)["gbit"]
    found = in_turn(bench.table, row, bench.runs, contestants)
    if len(found) == 2:
        bench.table.row(row, case, found["nicstack"], "Gbit/s", "10 x gVisor's pair", lambda a, b: a >= 10 * b,
                        bench.name("gVisor") + f" pair, MTU {mtu}", found["gVisor"])
    elif "nicstack" in found:
        bench.table.aside(row, case, found["nicstack"], "Gbit/s")


def datagrams(bench):
    """S5: a rate, without goal; the goal is in instructions."""
    echoes = str(30000 if bench.smoke else 300000)
    values = [float(re.search(r"(\d+) datagrams/s", run(bench.program("udp_echo"), echoes)).group(1)) / 1e6
              for _ in range(bench.runs)]
    bench.table.aside("S5", "UDP 64 B echo in memory", values, "M datagrams/s")


def instructions(bench):
    """S3 and S5, counted."""
    if not shutil.which("valgrind"):
        bench.table.skip("S3", "instructions", "valgrind is missing: apt-get install valgrind")
        return
    # Status 1 is a row that misses.
    for line in run("bash", bench.script("instr.sh"), bench.build, "100" if bench.smoke else "1", timeout=600,
                    good=(0, 1)).splitlines():
        found = COUNTED.match(line)
        if found:
            goal = int(found.group(4))
            bench.table.row(found.group(1), found.group(2), [int(found.group(3))], "instructions",
                            f"at most {goal:,}", lambda a, _, goal=goal: a <= goal)


PARTS = (("S3,S5", instructions), ("S3,S4", bulk), ("S5", datagrams))
