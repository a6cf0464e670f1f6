# SPDX-License-Identifier: Apache-2.0
"""Where the bench takes place: mount, network and process namespaces of its own, and network namespaces in them.

As root, run.py starts itself again in new namespaces; the kernel ends all that is in them with it, whatever happens.
Nothing is sent outside of them."""
import os
import shutil
import subprocess
import sys
import time

from measure import Failure, run

INSIDE = "NST_BENCH_INSIDE"
UNSHARE = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private")
OUTSIDE = "192.0.2.1"  # of the host's side, for programs that look for an interface with a default route
OUTSIDE_GATEWAY = "192.0.2.2"
SOURCES = 16  # addresses of a client that uses several


def enter():
    """Goes on in namespaces of our own; None, or why not."""
    if os.geteuid() != 0:
        return "needs root, for network namespaces and a TAP (sudo make bench)"
    for program, package in (("unshare", "util-linux"), ("nsenter", "util-linux"), ("ip", "iproute2")):
        if not shutil.which(program):
            return f"{program} is missing: apt-get install {package}"
    if not os.path.exists("/dev/net/tun"):
        return "there is no /dev/net/tun: modprobe tun"
    if os.environ.pop(INSIDE, None) is not None:
        return None
    try:
        run(*UNSHARE, "true")
    except Failure as error:
        return f"no namespaces: {error}"
    os.environ[INSIDE] = "1"
    sys.stdout.flush()
    os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, *sys.argv])


def set_up_outside():
    """The namespace that we are in plays the host of a user-mode network."""
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    os.mkdir("/run/netns")
    for command in ("link set lo up", "link add outside type veth peer name beyond",
                    f"addr add {OUTSIDE}/24 dev outside", "link set outside up", "link set beyond up",
                    f"route add default via {OUTSIDE_GATEWAY}"):
        run("ip", *command.split())


class Place:
    """A network namespace with a name."""

    def __init__(self, name):
        self.name = name
        run("ip", "netns", "add", name)
        self.ip("link set lo up")

    def command(self, *program, cpu=None):
        """The command that runs a program here, on one processor if `cpu` says so."""
        pinned = ("taskset", "-c", str(cpu)) if cpu is not None else ()
        return (*pinned, "nsenter", f"--net=/run/netns/{self.name}", *program)

    def ip(self, words):
        run("ip", "-n", self.name, *words.split())

    def add_device(self, kind, name="dev0", vnet=True):
        """A TUN or TAP that stays, whose kernel's end is 10.0.0.1, and 10.0.0.17 to .32 for many connections."""
        header = " vnet_hdr" if vnet else ""
        self.ip(f"tuntap add dev {name} mode {kind}{header}")
        for last in (1, *range(17, 17 + SOURCES)):
            self.ip(f"addr add 10.0.0.{last}/24 dev {name}")
        self.ip(f"link set {name} mtu 1500 up")


def join(a, b, offload=True):
    """A veth pair: 10.0.0.1 in a (and .17 to .32), 10.0.0.2 in b."""
    a.ip(f"link add dev0 type veth peer name dev0 netns {b.name}")
    for place, hosts in ((a, (1, *range(17, 17 + SOURCES))), (b, (2,))):
        for last in hosts:
            place.ip(f"addr add 10.0.0.{last}/24 dev dev0")
        if not offload:
            if not shutil.which("ethtool"):
                raise Failure("ethtool is missing: apt-get install ethtool")
            run(*place.command("ethtool", "-K", "dev0", *"tso off gso off gro off sg off tx off rx off".split()))
        place.ip("link set dev0 up")


def stop(process):
    """Ends what we started."""
    process.kill()
    process.wait()


def wait_for(what, seconds=10):
    """Until what() is true. Was it?"""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.02)
    return False


def start(*command):
    """A process that stays until stop()."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
