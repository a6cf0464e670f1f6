#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Sizes: functions of at most 100 lines (over 60 a note), 6 parameters, 4 levels; files of 1,000 lines.

A signature that is not ours may have more parameters: the line above it says "caps: ok" and why.
"""

import re
import statistics
import sys

import cscan
import judge

LINES, SOFT, PARAMS, LEVELS, FILE = 100, 60, 6, 4, 1000


def excused(lines, f):
    """A signature that somebody else has fixed, with the reason."""
    return f.line > 1 and re.search(r"caps: ok:? \w+ \w+", lines[f.line - 2]) is not None


def weigh(v, name, lines, f):
    if f.lines > LINES:
        v.fault(name, f.line, f"{f.name} has {f.lines} lines (at most {LINES})")
    elif f.lines > SOFT:
        v.note(f"{name}:{f.line}: {f.name} has {f.lines} lines (better under {SOFT})")
    if f.params > PARAMS and not excused(lines, f):
        v.fault(name, f.line, f"{f.name} has {f.params} parameters (at most {PARAMS})")
    if f.levels > LEVELS:
        v.fault(name, f.deepest, f"{f.name} nests {f.levels} levels (at most {LEVELS})")


def main():
    root = judge.root_of(sys.argv)
    v = judge.Verdict("caps", root)
    lengths = {"library": [], "tests": []}
    for name in judge.files(root, ".c", ".h", ".py", ".sh"):
        text = judge.read(root, name)
        v.judged += 1
        count = text.count("\n")
        if count > FILE:
            v.fault(name, count, f"has {count} lines (at most {FILE})")
        if not name.endswith((".c", ".h")):
            continue
        lines = text.split("\n")
        for f in cscan.functions(text):
            lengths["tests" if name.startswith("tests/") else "library"].append(f.lines)
            weigh(v, name, lines, f)
    for what, found in lengths.items():
        if found:
            v.note(f"{what}: {len(found)} functions, median {statistics.median(found):g} lines, "
                   f"longest {max(found)}")
    return v.end("files")


sys.exit(main())
