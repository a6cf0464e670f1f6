#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The first line of every file (the second of a script) says the licence, in the file's comment style."""

import sys

import judge

C, HASH = (f"{a}SPDX-License-Identifier: Apache-2.0{b}"
                for a, b in (("/* ", " */"), ("# ", "")))
STYLE = {".c": C, ".h": C, ".def": C, ".map": C, ".css": C, ".cpp": C, ".S": C, ".py": HASH, ".sh": HASH,
         ".cmake": HASH, ".txt": HASH, ".tsv": HASH, ".awk": HASH, ".yml": HASH, ".in": HASH}

NAMES = {"Makefile": HASH, ".clang-format": HASH, ".clang-tidy": HASH, ".gitignore": None}


def style(name, first):
    base = name.split("/")[-1]
    if base in NAMES:
        return NAMES[base]
    if first.startswith("#!"):
        return HASH
    return next((s for end, s in STYLE.items() if base.endswith(end)), None)


def main():
    root = judge.root_of(sys.argv)
    v = judge.Verdict("spdx", root)
    for name in judge.files(root):
        if "/corpus/" in name or "/data/" in name:
            continue
        lines = judge.read(root, name).split("\n", 2)[:2]
        first = lines[0]
        want = style(name, first)
        if want is None:
            continue
        v.judged += 1
        line = 2 if first.startswith("#!") else 1
        if len(lines) < line or lines[line - 1].rstrip() != want:
            v.fault(name, line, f'must be "{want}"')
    return v.end("files")


sys.exit(main())
