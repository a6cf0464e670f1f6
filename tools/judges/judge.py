# SPDX-License-Identifier: Apache-2.0
"""What every judge shares: the files of a tree, C text without its comments, and how a verdict is told.

A judge is called with the root of a tree (and, for some, a build of it). It prints one line
`path:line: what is wrong` for each fault and one last line with its verdict, and exits 0 (pass),
1 (fault) or 77 (it cannot judge here, and says why). Nothing to judge is a pass.
"""

import concurrent.futures
import os
import re
import subprocess
import sys

CORE = ("base", "wire", "packet", "stack", "network", "transport", "filter", "socket", "record")
# What CMakeLists.txt compiles every file with, as far as it matters to a judge.
INCLUDES = ("-Iinclude", "-Isrc", "-Itests/lib", "-Icli")
DIALECT = ("-fms-extensions", "-fno-strict-aliasing")
JOBS = min(2, os.cpu_count() or 1)


class Verdict:
    """Collects faults and notes; `end` prints them and gives the exit status."""

    def __init__(self, name, root):
        self.name, self.root, self.faults, self.notes, self.judged = name, root, [], [], 0

    def fault(self, path, line, text):
        self.faults.append((path, line, text))

    def note(self, text):
        self.notes.append(text)

    def end(self, what):
        for text in self.notes:
            print("note: " + text)
        for path, line, text in sorted(set(self.faults)):
            print(f"{path}:{line}: {text}")
        if self.faults:
            print(f"{self.name}: {len(set(self.faults))} faults in {self.judged} {what}")
            return 1
        print(f"{self.name}: " + (f"{self.judged} {what}, none at fault" if self.judged else
                                  f"nothing to judge (no {what})"))
        return 0


def skip(name, why):
    print(f"{name}: skipped: {why}")
    sys.exit(77)


def root_of(argv):
    if len(argv) < 2 or not os.path.isdir(argv[1]):
        sys.exit(f"usage: {os.path.basename(argv[0])} ROOT")
    return os.path.abspath(argv[1])


def files(root, *suffixes):
    """The files of the tree, relative to it, sorted: what git knows and does not ignore if the
    root is a checkout, else what lies there but for build folders."""
    names = []
    if os.path.exists(os.path.join(root, ".git")):
        out = subprocess.run(["git", "-C", root, "ls-files", "-z", "--cached", "--others",
                              "--exclude-standard"], capture_output=True, check=True).stdout
        names = [n for n in out.decode().split("\0") if n]
    else:
        for folder, folders, found in os.walk(root):
            folders[:] = [f for f in folders if not re.match(r"(build(-.*)?|\.git)$", f)]
            names += [os.path.relpath(os.path.join(folder, f), root) for f in found]
    return sorted(n for n in set(names) if (not suffixes or n.endswith(suffixes)) and
                  os.path.isfile(os.path.join(root, n)))


def read(root, name):
    with open(os.path.join(root, name), encoding="utf-8", errors="replace") as f:
        return f.read()


def is_core(name):
    return name == "src/nicstack.c" or name.startswith(tuple(f"src/{f}/" for f in CORE))


_SKIP = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def blank(text, strings=True):
    """The text with comments (and what is inside strings) blanked; every line keeps its number."""

    def one(m):
        s = m.group(0)
        if s[0] == "/":
            return re.sub(r"[^\n]", " ", s)
        return s[0] + re.sub(r"[^\n]", "_", s[1:-1]) + s[-1] if strings else s

    return _SKIP.sub(one, text)


def includes(text):
    """(line, "path" or <path> with its brackets) of each include."""
    out = []
    for number, line in enumerate(blank(text, strings=False).split("\n"), 1):
        m = re.match(r'\s*#\s*include\s*(<[^>]+>|"[^"]+")', line)
        if m:
            out.append((number, m.group(1)))
    return out


def resolve(root, name, written):
    """The file of the tree that an include of `name` means, or None (a system header)."""
    path = written[1:-1]
    bases = ["include", "src", "tests/lib"]
    if name.startswith(("tests/", "cli/")):
        bases.append("cli")  # its folders, and tests of the command
    if written[0] == '"':
        bases.insert(0, os.path.dirname(name))
    for base in bases:
        full = os.path.normpath(os.path.join(base, path))
        if os.path.isfile(os.path.join(root, full)):
            return full
    return None


def parallel(work, items):
    """Results of work(item), in order, two at a time."""
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        return list(pool.map(work, items))
