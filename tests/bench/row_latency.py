# SPDX-License-Identifier: Apache-2.0
"""S7: 64 bytes to and fro, nicstack on a TAP against the kernel, beside the kernel against itself over veth.

Three ways: client and server each on a core of its own and sleeping, both on one core, and each on its own and never
sleeping. The client is the same program of the kernel's each time; nicstack as the client is an aside."""
import contest
import row_bulk
from contest import SERVER_ADDRESS
from measure import in_turn

# Its name, the processors of client and server, what it adds to their commands.
WAYS = (("two cores", 0, 1, ()), ("one core", 0, 0, ()), ("two cores, spinning", 0, 1, ("spin",)))


def ask(one, way):
    """p50 and p99 of one run, in microseconds."""
    _, client_cpu, server_cpu, options = way
    with one.serve(*options, cpu=server_cpu):
        found = one.ask("ask", SERVER_ADDRESS, one.bench.ask_seconds, *options, cpu=client_cpu)
    return found["p50"], found["p99"]


def asks(nicstack, way):
    """The same with nicstack as the client."""
    _, client_cpu, server_cpu, options = way
    with nicstack.serve_kernel(*options, cpu=server_cpu):
        return nicstack.asks("ask", nicstack.bench.ask_seconds, *options, cpu=client_cpu)["p50"]


def goal_of(way, percentile):
    if way[3] and percentile == "p50":
        return "at most 6 us or 0.5 x the kernel's", lambda a, b: a <= 6 or a <= 0.5 * b
    return "at most kernel to kernel", lambda a, b: a <= b


def one_way(bench, contestants, way):
    spinning = bool(way[3])
    measured = {name: lambda one=one: ask(one, way) for name, one in contestants.items()
                if not (spinning and name == "gVisor")}
    found = in_turn(bench.table, "S7", bench.runs, measured)
    if "nicstack" not in found:
        return
    for index, percentile in enumerate(("p50", "p99")):
        values = {name: [pair[index] for pair in pairs] for name, pairs in found.items()}
        case = f"request-response 64 B, {way[0]}, {percentile}"
        if "kernel" in found:
            goal, met = goal_of(way, percentile)
            bench.table.row("S7", case, values["nicstack"], "us", goal, met, bench.name("kernel") + " over veth",
                            values["kernel"])
        if "gVisor" in found:
            bench.table.aside("S7", f"{way[0]}, {percentile}", values["gVisor"], "us", "gVisor on a TUN")


def latency(bench):
    nicstack = bench.place("nicstack", contest.Nicstack)
    contestants = {"nicstack": nicstack, "kernel": bench.place("kernel", contest.kernel),
                   **row_bulk.against_gvisor(bench, "S7")}
    for way in WAYS:
        one_way(bench, contestants, way)
        found = in_turn(bench.table, "S7", bench.runs, {"nicstack as the client": lambda way=way: asks(nicstack, way)})
        for name, values in found.items():
            bench.table.aside("S7", f"{way[0]}, p50", values, "us", name)


PARTS = (("S7", latency),)
