#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Nothing in the tree speaks of where or how it was written: the list is words.tsv."""

import os
import re
import sys

import judge

HERE = os.path.dirname(os.path.abspath(__file__))


def patterns():
    out = []
    with open(os.path.join(HERE, "words.tsv"), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                pattern, why = line.rstrip("\n").split("\t")
                out.append((re.compile(pattern, re.I), why))
    return out


def main():
    root = judge.root_of(sys.argv)
    v, rules = judge.Verdict("words", root), patterns()
    for name in judge.files(root):
        if name == "tools/judges/words.tsv" or "/corpus/" in name:
            continue
        with open(os.path.join(root, name), "rb") as f:
            data = f.read()
        v.judged += 1
        if b"\0" in data[:8192]:
            continue
        lines = [name] + data.decode("utf-8", "replace").split("\n")  # the name is line 0
        for number, line in enumerate(lines):
            if re.search(r"words: ok\W+\w+", line):
                continue
            for pattern, why in rules:
                m = pattern.search(line)
                if m:
                    v.fault(name, max(number, 1), f'says "{m.group(0).strip()}": {why}')
    return v.end("files")


sys.exit(main())
