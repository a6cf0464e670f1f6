#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The core has no mutable variable of static lifetime, at file level or in a function.

The compiler says it: each file of the core is compiled for a fixed address, where constants land in
.rodata, and whatever is left in .data, .bss or their kin is a mutable global.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import judge

FLAGS = ["-std=gnu11", "-O0", "-g", "-fno-pic", "-fno-pie", "-fno-common", "-fno-toplevel-reorder", "-w",
         *judge.DIALECT]


MUTABLE = re.compile(r"[0-9a-f]+ ([dDbBCgGsS]) (\S+)(?:\t(.*):(\d+))?")


def symbols(obj, *flags):
    return subprocess.run(["nm", *flags, obj], capture_output=True, text=True).stdout.splitlines()


def look(root, name, folder):
    """[(path, line, message)]"""
    obj = os.path.join(folder, name.replace("/", "-") + ".o")
    r = subprocess.run(["gcc", *FLAGS, *judge.INCLUDES, "-c", name, "-o", obj], cwd=root,
                       capture_output=True, text=True)
    if r.returncode:
        m = re.search(r"^(\S+?):(\d+):\d+: (?:fatal )?error: (.*)", r.stderr, re.M)
        if m:
            return [(os.path.normpath(m.group(1)), int(m.group(2)), "does not compile: " + m.group(3))]
        return [(name, 1, "does not compile: " + r.stderr.strip()[:200])]
    out = []
    if not any(MUTABLE.match(line) for line in symbols(obj)):
        return out
    for line in symbols(obj, "-l"):  # which is slow
        m = MUTABLE.match(line)
        if m:
            path = os.path.relpath(m.group(3), root) if m.group(3) else name
            variable = re.sub(r"\.\d+$", "", m.group(2))
            where = int(m.group(4) or 0) or find(root, path, variable)
            out.append((path, where, f"{variable} is a mutable variable of static lifetime"))
    return out


def find(root, path, variable):
    """A line for what nm cannot place: a static inside a function."""
    lines = judge.blank(judge.read(root, path)).split("\n")
    hits = [n for n, l in enumerate(lines, 1) if re.search(rf"\b{re.escape(variable)}\b", l)]
    return next((n for n in hits if "static" in lines[n - 1]), hits[0] if hits else 1)


def main():
    root = judge.root_of(sys.argv)
    if not shutil.which("gcc"):
        judge.skip("globals", "no gcc")
    v = judge.Verdict("globals", root)
    names = [n for n in judge.files(root, ".c") if judge.is_core(n)]
    v.judged = len(names)
    with tempfile.TemporaryDirectory() as folder:
        for found in judge.parallel(lambda n: look(root, n, folder), names):
            for fault in found:
                v.fault(*fault)
    return v.end("files of the core")


sys.exit(main())
