# SPDX-License-Identifier: Apache-2.0
"""S13: user-mode networks. The same client runs inside `nst run`, pasta and slirp4netns, and asks a server on the
host's loopback by the address that each has for it. pasta's splice, which passes the network by, needs 127.0.0.1
inside, and its port forwarding is off. All have their default MTU, 65520; slirp4netns is told so."""
import contextlib

import world
from measure import Failure, client, in_turn, server

PASTA = ("pasta", "-f", "-q", "--runas", "0", "--config-net", "-4", "-t", "none", "-u", "none", "-T", "none", "-U",
         "none", "--")


class Network:
    """How a program is run inside, and the address of the host's loopback there."""

    def __init__(self, bench, prefix, host):
        self.bench, self.prefix, self.host = bench, prefix, host

    def ask(self, what, seconds):
        return client(*self.prefix, self.bench.program("sockets"), what, self.host, seconds)


@contextlib.contextmanager
def slirp(bench):
    """A namespace behind slirp4netns."""
    place = world.Place("slirp")
    holder = world.start(*place.command("sleep", "600"))
    process = world.start("slirp4netns", "--configure", "--mtu=65520", str(holder.pid), "tap0")
    try:
        if not world.wait_for(lambda: is_up(place)):
            raise Failure("slirp4netns does not come up")
        yield Network(bench, place.command(), "10.0.2.2")
    finally:
        world.stop(process)
        world.stop(holder)


def is_up(place):
    try:
        return "default" in world.run("ip", "-n", place.name, "route")
    except Failure:
        return False


def networks(bench, stack):
    """{name: network} of those that are here."""
    found = {"nst run": Network(bench, (bench.nst, "run", "-q", "--"), "10.0.2.2")}
    for peer in (bench.peers.pasta, bench.peers.slirp):
        if peer.missing:
            bench.table.skip("S13", peer.name, peer.missing)
        elif peer.name == "pasta":
            found["pasta"] = Network(bench, PASTA, world.OUTSIDE_GATEWAY)
        else:
            try:
                found["slirp4netns"] = stack.enter_context(slirp(bench))
            except Failure as error:
                bench.table.fail("S13", "slirp4netns", error)
    return found


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
    judged = {"nst run"}
    for peer, goal, met in goals:
        if "nst run" in found and peer in found:
            bench.table.row("S13", "nst run, " + text, found["nst run"], unit, goal, met, bench.name(peer),
                            found[peer])
            judged.add(peer)
    for name in found.keys() - judged:
        bench.table.aside("S13", text, found[name], unit, name)
    if judged == {"nst run"} and "nst run" in found:
        bench.table.aside("S13", text, found["nst run"], unit, "nst run")


def usernet(bench):
    with contextlib.ExitStack() as stack:
        inside = networks(bench, stack)
        stack.enter_context(server(bench.program("sockets"), "serve", "127.0.0.1"))
        for case in CASES:
            one_case(bench, inside, case)


PARTS = (("S13", usernet),)
