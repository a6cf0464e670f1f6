# SPDX-License-Identifier: Apache-2.0
"""Who serves over a network device, and the client of the kernel that measures them: the same for all.

Each has a network namespace of its own (the kernel two), which stays as long as the bench."""
import contextlib

from measure import client, server
from world import Place, join

CLIENT_ADDRESS = "10.0.0.1"
SERVER_ADDRESS = "10.0.0.2"
SOURCES = ("10.0.0.17", "16")


class Contestant:
    """A server at 10.0.0.2 in `there`, which a client at 10.0.0.1 in `here` asks."""

    def __init__(self, bench, here, there, command):
        self.bench, self.here, self.there, self.command = bench, here, there, command

    @contextlib.contextmanager
    def serve(self, *options, cpu=None):
        with server(*self.there.command(*self.command, *options, cpu=cpu)) as process:
            yield process

    def ask(self, *words, cpu=None):
        """What the client of the kernel says."""
        return client(*self.here.command(self.bench.program("sockets"), *words, cpu=cpu))

    def bulk(self, direction, streams):
        """Gbit/s of bulk to the server ("in", as it sees it) or from it ("out")."""
        with self.serve():
            return self.ask("send" if direction == "in" else "receive", SERVER_ADDRESS, self.bench.bulk_seconds,
                            str(streams))["gbit"]


def kernel(bench, name="kernel", offload=True):
    """The kernel on both sides of a veth pair."""
    here, there = Place(name + "-a"), Place(name + "-b")
    join(here, there, offload)
    return Contestant(bench, here, there, (bench.program("sockets"), "serve", SERVER_ADDRESS))


class Nicstack(Contestant):
    """nicstack on a TAP. `plain`: without offload headers. It can be the client too."""

    def __init__(self, bench, name="nicstack", plain=False):
        place = Place(name)
        place.add_device("tap", vnet=not plain)
        options = ("plain",) if plain else ()
        super().__init__(bench, place, place, (bench.program("tap"), "serve", "dev0", SERVER_ADDRESS, *options))

    def asks(self, kind, seconds, *options, cpu=None):
        """nicstack as the client of a server on the kernel."""
        return client(*self.here.command(self.bench.program("tap"), kind, "dev0", SERVER_ADDRESS, CLIENT_ADDRESS,
                                         seconds, *options, cpu=cpu))

    def serve_kernel(self, *options, cpu=None):
        """The server for that, on the kernel's end of the TAP."""
        return server(*self.here.command(self.bench.program("sockets"), "serve", CLIENT_ADDRESS, *options, cpu=cpu))


def gvisor(bench):
    """gVisor's netstack on a TUN."""
    place = Place("gvisor")
    place.add_device("tun", vnet=False)
    return Contestant(bench, place, place, (bench.program("gvisor"), "serve", "dev0", SERVER_ADDRESS))
