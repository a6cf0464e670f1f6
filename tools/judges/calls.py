#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every public function that may change a stack has a row in src/record/calls.def, so that a recording
has all that goes into it; and what the core's own files call is what the rows name."""

import os
import re
import sys

import judge

TABLE = "src/record/calls.def"
API = re.compile(r"^NST_API\b([^;{]*?)\b(nst_\w+)\s*\(\s*struct nst_stack \*", re.M)
ROW = re.compile(r"^(?:CALLQ?\(\s*(\d+)\s*,\s*[\w ]+?,\s*(\w+)|CALLV\(\s*(\d+)\s*,\s*(\w+)|(?:ASIDE|OWN)\(\s*(\w+))", re.M)
# The host's own: they are not the stack's, or they are the recorder's.
NONE_OF_ITS = re.compile(r"nst_(record_start|record_stop)$")


def rows(v):
    """{name: line} of the table; says what is there twice."""
    text, found, numbers = judge.blank(judge.read(v.root, TABLE)), {}, set()
    for m in ROW.finditer(text):
        line = text[:m.start()].count("\n") + 1
        number, name = m.group(1) or m.group(3), "nst_" + (m.group(2) or m.group(4) or m.group(5))
        if name in found:
            v.fault(TABLE, line, f"{name} has a row already")
        if number in numbers:
            v.fault(TABLE, line, f"number {number} is taken")
        if number and not 1 <= int(number) <= 255:
            v.fault(TABLE, line, f"number {number} is not 1 to 255")
        found[name] = line
        numbers.add(number) if number else None
    return found


def main():
    root = judge.root_of(sys.argv)
    v = judge.Verdict("calls", root)
    if not os.path.exists(os.path.join(root, TABLE)):
        return v.end("functions")
    table, declared = rows(v), set()
    for header in judge.files(root, ".h"):
        if not header.startswith("include/nicstack/"):
            continue
        text = judge.blank(judge.read(root, header))
        for m in API.finditer(text):
            name = m.group(2)
            declared.add(name)
            v.judged += 1
            if name not in table and not NONE_OF_ITS.match(name):
                v.fault(header, text[:m.start(2)].count("\n") + 1,
                        f"{name} has no row in {TABLE}: recordings would miss the call")
    for name in sorted(set(table) - declared):
        v.fault(TABLE, table[name], f"{name} is no public function of a stack")
    return v.end("functions")


sys.exit(main())
