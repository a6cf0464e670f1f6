# SPDX-License-Identifier: Apache-2.0
"""Whom nicstack is measured against, which version of it is here, or which package would bring it."""
import os
import shutil
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
GVISOR_SOURCE = "/usr/share/gocode/src/gvisor.dev/gvisor"


class Peer:
    """`missing` is the reason why it is not measured, or None."""

    def __init__(self, name, version, missing=None):
        self.name, self.version, self.missing = name, version, missing


def package_version(package):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False) if shutil.which("dpkg-query") else None
    return done.stdout.strip() if done and done.stdout else "of unknown version"


def program(name, package):
    """A peer that is a program of a package."""
    missing = None if shutil.which(name) else f"{name} is missing: apt-get install {package}"
    return Peer(name, package_version(package), missing)


def build_gvisor(build, patience):
    """Builds the program on gVisor's netstack within so many seconds; None, or why not. The first time takes half a
    minute, later ones a second."""
    if not os.path.isdir(GVISOR_SOURCE):
        return "gVisor's source is missing: apt-get install golang-gvisor-gvisor-dev"
    if not shutil.which("go"):
        return "go is missing: apt-get install golang-go"
    target = os.path.join(build, "tests/bench/bench-gvisor")
    environment = dict(os.environ, GOPATH="/usr/share/gocode", GO111MODULE="off", GOFLAGS="", GOPROXY="off",
                       GOCACHE=os.path.join(build, "bench-go"))
    begin = time.monotonic()
    if not os.path.exists(target):
        print("Building the program on gVisor's netstack; the first time takes half a minute.", flush=True)
    try:
        done = subprocess.run(["go", "build", "-o", target, "."], cwd=os.path.join(HERE, "gvisor"), env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=patience, check=False)
    except subprocess.TimeoutExpired:
        return f"go build took more than {patience} s"
    if time.monotonic() - begin > 10:
        print(f"Built in {time.monotonic() - begin:.0f} s.", flush=True)
    return None if done.returncode == 0 else f"go build failed: {' '.join(done.stdout.split())[-200:]}"


class Peers:
    """All of them, looked for once."""

    def __init__(self, build, patience):
        self.kernel = Peer("kernel", os.uname().release)
        self.gvisor = Peer("gVisor", package_version("golang-gvisor-gvisor-dev"), build_gvisor(build, patience))
        self.pasta = program("pasta", "passt")
        self.slirp = program("slirp4netns", "slirp4netns")

    def all(self):
        return (self.kernel, self.gvisor, self.pasta, self.slirp)
