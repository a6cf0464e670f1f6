# SPDX-License-Identifier: Apache-2.0
"""S1 and S2: bulk TCP over a TAP, the kernel on the other side. "in" is to nicstack."""
import contest
from measure import Failure, in_turn

CASES = [(direction, streams) for streams in (1, 8) for direction in ("in", "out")]


def title(direction, streams):
    return f"{'1 stream' if streams == 1 else f'{streams} streams'}, {direction}"


def against_gvisor(bench, row):
    """{name: contestant} with gVisor, if it is here."""
    if bench.peers.gvisor.missing:
        bench.table.skip(row, "gVisor", bench.peers.gvisor.missing)
        return {}
    return {"gVisor": bench.place("gvisor", contest.gvisor)}


def bulk(bench, row, contestants, direction, streams):
    """{name: [Gbit/s]} of all of them."""
    return in_turn(bench.table, row, bench.runs, {
        name: lambda one=one: one.bulk(direction, streams) for name, one in contestants.items()})


def with_offload(bench):
    """S1."""
    contestants = {"nicstack": bench.place("nicstack", contest.Nicstack),
                   "kernel": bench.place("kernel", contest.kernel), **against_gvisor(bench, "S1")}
    for direction, streams in CASES[::3] if bench.smoke else CASES:
        found = bulk(bench, "S1", contestants, direction, streams)
        case = "TAP with offload, " + title(direction, streams)
        if "nicstack" not in found:
            continue
        if "kernel" in found:
            bench.table.row("S1", case, found["nicstack"], "Gbit/s", "1 x kernel to kernel", lambda a, b: a >= b,
                            bench.name("kernel") + " over veth", found["kernel"])
        if "gVisor" in found:
            bench.table.row("S1", case, found["nicstack"], "Gbit/s", "10 x gVisor", lambda a, b: a >= 10 * b,
                            bench.name("gVisor") + " on a TUN", found["gVisor"])


def without_offload(bench):
    """S2. The kernel without offloads stands beside it; the goal is about stacks on the same device."""
    contestants = {"nicstack": contest.Nicstack(bench, "nicstack-plain", plain=True), **against_gvisor(bench, "S2")}
    try:
        contestants["kernel"] = contest.kernel(bench, "plain", offload=False)
    except Failure as error:
        bench.table.skip("S2", "kernel to kernel without offloads", error)
    for direction in ("in", "out"):
        found = bulk(bench, "S2", contestants, direction, 1)
        case = "TAP, MTU 1500, no offload, " + title(direction, 1)
        if "nicstack" in found and "gVisor" in found:
            bench.table.row("S2", case, found["nicstack"], "Gbit/s", "1.3 x the best peer", lambda a, b: a >= 1.3 * b,
                            bench.name("gVisor") + " on a TUN", found["gVisor"])
        elif "nicstack" in found:
            bench.table.aside("S2", case, found["nicstack"], "Gbit/s")
        if "kernel" in found:
            bench.table.aside("S2", "veth, no offloads, " + direction, found["kernel"], "Gbit/s", "kernel to kernel")


PARTS = (("S1", with_offload), ("S2", without_offload))
