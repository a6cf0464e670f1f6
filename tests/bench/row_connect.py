# SPDX-License-Identifier: Apache-2.0
"""S8: connect, request, response, close. In memory, and over a TAP on one core, one after the other.

The client closes by RST, as the peers' figures do. The second figure is by FIN: the server closes first and keeps
TIME-WAIT, and clients come from 16 addresses in turn."""
import contest
import row_bulk
from contest import SERVER_ADDRESS, SOURCES
from measure import client, in_turn


def memory(bench):
    """In memory, 32 under way at a time; gVisor's pair with as many, or one, whichever is faster."""
    count = str(20000 if bench.smoke else 1000000 if bench.runs > 1 else 300000)

    def gvisor():
        return max(client(bench.program("gvisor"), "pair-connect", bench.ask_seconds, at_once)["rate"]
                   for at_once in ("1", "32"))

    contestants = {"nicstack": lambda: client(bench.program("connect_pipe"), count)["rate"],
                   "nicstack by FIN": lambda: client(bench.program("connect_pipe"), count, "f")["rate"]}
    if bench.peers.gvisor.missing:
        bench.table.skip("S8", "gVisor", bench.peers.gvisor.missing)
    else:
        contestants["gVisor"] = gvisor
    found = in_turn(bench.table, "S8", bench.runs, contestants)
    case = "connect-request-reset in memory"
    if "nicstack" in found:
        bench.table.row("S8", case, found["nicstack"], "a second", "400,000 a core", lambda a, _: a >= 400000)
    if "nicstack" in found and "gVisor" in found:
        bench.table.row("S8", case, found["nicstack"], "a second", "10 x gVisor's pair", lambda a, b: a >= 10 * b,
                        bench.name("gVisor") + " pair", found["gVisor"])
    if "nicstack by FIN" in found:
        bench.table.aside("S8", "in memory, by FIN, 16 addresses", found["nicstack by FIN"], "a second")


def rate(one, *what):
    """Both ends on one core."""
    with one.serve(cpu=0):
        return one.ask(what[0], SERVER_ADDRESS, one.bench.ask_seconds, *what[1:], cpu=0)["rate"]


def rate_as_client(nicstack):
    with nicstack.serve_kernel(cpu=0):
        return nicstack.asks("connect", nicstack.bench.ask_seconds, cpu=0)["rate"]


def device(bench):
    """Over a TAP."""
    nicstack = bench.place("nicstack", contest.Nicstack)
    contestants = {"nicstack": nicstack, "kernel": bench.place("kernel", contest.kernel),
                   **row_bulk.against_gvisor(bench, "S8")}
    found = in_turn(bench.table, "S8", bench.runs, {
        **{name: lambda one=one: rate(one, "connect") for name, one in contestants.items()},
        "nicstack as the client": lambda: rate_as_client(nicstack)})
    if "nicstack" in found and "kernel" in found:
        bench.table.row("S8", "connect-request-reset over TAP, one core", found["nicstack"], "a second",
                        "1.5 x kernel to kernel", lambda a, b: a >= 1.5 * b, bench.name("kernel") + " over veth",
                        found["kernel"])
    for name in ("nicstack as the client", "gVisor"):
        if name in found:
            bench.table.aside("S8", "over TAP, one core", found[name], "a second", name)
    by_fin = in_turn(bench.table, "S8", bench.runs, {
        name: lambda one=one: rate(one, "connect-fin", *SOURCES)
        for name, one in contestants.items() if name != "gVisor"})
    for name, values in by_fin.items():
        bench.table.aside("S8", "by FIN, 16 addresses, one core", values, "a second", name)


PARTS_ALONE = (("S8", memory),)  # needs no network of its own
PARTS = (("S8", device),)
