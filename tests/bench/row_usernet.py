# SPDX-License-Identifier: Apache-2.0
"""S13: user-mode networks. The same client runs inside `nst run`, pasta and slirp4netns, and asks a server on the
host's loopback by the address that each has for it. pasta and slirp4netns stay attached to a namespace, in which the
client is run; `nst run` starts for each, once by every way to attach. pasta's splice, which passes the network by, needs 127.0.0.1 inside, and its
port forwarding is off. All have an MTU of 65520: slirp4netns is told so, the others have it by themselves."""
import contextlib
import os
import time

import world
from measure import Failure, client, in_turn, server

PASTA = "pasta -f -q -4 --runas 0 --config-net -t none -u none -T none -U none --netns"
SLIRP = "slirp4netns --configure --mtu=65520 --netns-type=path"


class Network:
    """How a program is run inside, and the address of the host's loopback there."""

    def __init__(self, bench, prefix, host):
        self.bench, self.prefix, self.host = bench, prefix, host

    def ask(self, what, seconds):
        return client(*self.prefix, self.bench.program("sockets"), what, self.host, seconds)


@contextlib.contextmanager
def attached(bench, name, command, host):
    """A namespace behind a program that has attached itself to it."""
    place = world.Place("behind-" + name)
    process = world.start(*command.split(), f"/run/netns/{place.name}", *(("tap0",) if name != "pasta" else ()))
    try:
        if not world.wait_for(lambda: is_up(place)):
            raise Failure(f"{name} does not come up")
        yield Network(bench, place.command(), host)
    finally:
        world.stop(process)


def is_up(place):
    try:
        return "default" in world.run("ip", "-n", place.name, "route")
    except Failure:
        return False


def own_networks(bench):
    """`nst run` by every way to attach that works here."""
    found = {}
    for way in ("tun", "veth"):
        prefix = (bench.nst, "run", "-q", "--attach", way, "--")
        try:
            world.run(*prefix, "true")
            found[f"nst run by {way}"] = Network(bench, prefix, "10.0.2.2")
        except Failure as error:
            bench.table.skip("S13", f"nst run by {way}", error)
    return found


def networks(bench, stack):
    """{name: network} of those that are here."""
    found = own_networks(bench)
    for peer, command, host in ((bench.peers.pasta, PASTA, world.OUTSIDE_GATEWAY),
                                (bench.peers.slirp, SLIRP, "10.0.2.2")):
        if peer.missing:
            bench.table.skip("S13", peer.name, peer.missing)
            continue
        try:
            found[peer.name] = stack.enter_context(attached(bench, peer.name, command, host))
        except Failure as error:
            bench.table.fail("S13", peer.name, error)
    return found


def tell_control(bench, inside):
    """The client's congestion control decides how it sends: it should be the same for all."""
    for name, network in inside.items():
        control = client(*network.prefix, bench.program("sockets"), "control")["control"]
        if control != "cubic":
            bench.table.note("S13", name, f"the client inside has {control} as its congestion control, not cubic")


# What is asked of each, its member of the client's JSON, and [(peer, goal as text, is it met?)].
CASES = (
    ("send", "bulk TCP, out", "gbit", "Gbit/s",
     (("pasta", "1.3 x pasta", lambda a, b: a >= 1.3 * b), ("slirp4netns", "4 x slirp4netns", lambda a, b: a >= 4 * b))),
    ("receive", "bulk TCP, in", "gbit", "Gbit/s",
     (("pasta", "1.3 x pasta", lambda a, b: a >= 1.3 * b),
      ("slirp4netns", "2.5 x slirp4netns", lambda a, b: a >= 2.5 * b))),
    ("ask", "request-response 64 B, p50", "p50", "us", (("pasta", "at most pasta's", lambda a, b: a <= b),)),
    ("connect", "connect-request-reset", "rate", "a second", (("pasta", "at least pasta's", lambda a, b: a >= b),)),
)


def one_case(bench, inside, case):
    what, text, member, unit, goals = case
    seconds = bench.bulk_seconds if member == "gbit" else bench.ask_seconds
    found = in_turn(bench.table, "S13", bench.runs, {
        name: lambda one=one: one.ask(what, seconds)[member] for name, one in inside.items()})
    judged = set()
    for own in (name for name in found if name.startswith("nst run")):
        for peer, goal, met in goals:
            if peer in found:
                bench.table.row("S13", f"{own}, {text}", found[own], unit, goal, met, bench.name(peer), found[peer])
                judged |= {own, peer}
    for name in found.keys() - judged:
        bench.table.aside("S13", text, found[name], unit, name)


def processor_time(pid):
    """Seconds of a process so far: in its own code, in the kernel."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        ticks = file.read().rpartition(")")[2].split()[11:13]
    return [int(t) / os.sysconf("SC_CLK_TCK") for t in ticks]


def tell_limit(bench, name, network, what, serving):
    """One run more: who had the processors. `nst` and the program inside are told together."""
    before, served, begin = os.times(), processor_time(serving.pid), time.monotonic()
    network.ask(what, bench.bulk_seconds)
    took, after, server_time = time.monotonic() - begin, os.times(), sum(processor_time(serving.pid)) - sum(served)
    own, kernel = after.children_user - before.children_user, after.children_system - before.children_system
    bench.table.note("S13", name, f"what limits {what}: of {os.cpu_count()} processors {(own + kernel) / took:.2f} go to nst and "
                     f"the program inside ({kernel / max(own + kernel, 0.01):.0%} of it in the kernel, which copies) and "
                     f"{server_time / took:.2f} to the server; what was tried: docs/guide-bench.md, What limits `nst run`")


def usernet(bench):
    with contextlib.ExitStack() as stack:
        inside = networks(bench, stack)
        tell_control(bench, inside)
        serving = stack.enter_context(server(bench.program("sockets"), "serve", "127.0.0.1"))
        for case in CASES:
            one_case(bench, inside, case)
        for name in (name for name in inside if name.startswith("nst run")):
            for what in ("send", "receive"):
                tell_limit(bench, name, inside[name], what, serving)


PARTS = (("S13", usernet),)
