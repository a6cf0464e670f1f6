# SPDX-License-Identifier: Apache-2.0
"""S12: what it takes to start a stack, and `nst run`."""
import os
import re
import time

from measure import Failure, in_turn, run


def stack(bench):
    """A stack with a NIC and an address."""
    times = str(1000 if bench.smoke else 10000)
    found = [re.match(r"([\d.]+) us, (\d+) bytes", run(bench.program("start"), times)).groups()
             for _ in range(bench.runs)]
    bench.table.row("S12", "stack, NIC and address: time", [float(micros) for micros, _ in found], "us",
                    "at most 20 us", lambda a, _: a <= 20)
    bench.table.row("S12", "stack, NIC and address: memory", [int(size) for _, size in found], "bytes",
                    "at most 16 KiB", lambda a, _: a <= 16384)


def milliseconds(*command):
    begin = time.monotonic()
    run(*command)
    return (time.monotonic() - begin) * 1000


def nst_run(bench):
    """`nst run -- true` beside the namespaces alone."""
    try:
        run(bench.nst, "run", "-q", "--", "true")
    except Failure as error:
        if os.geteuid() == 0:
            raise
        bench.table.skip("S12", "nst run -- true", error)
        return
    namespaces = "-n" if os.geteuid() == 0 else "-Urn"
    found = in_turn(bench.table, "S12", bench.runs if bench.smoke else bench.runs * 3, {
        "nst run": lambda: milliseconds(bench.nst, "run", "-q", "--", "true"),
        "nst run --attach veth": lambda: milliseconds(bench.nst, "run", "-q", "--attach", "veth", "--", "true"),
        "unshare": lambda: milliseconds("unshare", namespaces, "true")})
    for own in ("nst run", "nst run --attach veth"):
        if own in found and "unshare" in found:
            bench.table.row("S12", own + " -- true", found[own], "ms", "at most 20 ms over unshare",
                            lambda a, b: a - b <= 20, f"unshare {namespaces} true", found["unshare"])


PARTS = (("S12", stack), ("S12", nst_run))
