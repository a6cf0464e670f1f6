#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Drop reasons and counters: each that is declared is used and explained, each that is used is
declared, and docs/counters.md is what tools/gen_counters.py makes of the two lists."""

import os
import re
import subprocess
import sys

import deflist
import judge



def words_of(root):
    """Every identifier in src/ outside the lists: {word: (path, line)}, and what #define makes."""
    words, defined = {}, set()
    for name in judge.files(root, ".c", ".h"):
        if not name.startswith(("src/", "include/")):
            continue
        for number, line in enumerate(judge.blank(judge.read(root, name)).split("\n"), 1):
            m = re.match(r"\s*#\s*define\s+(\w+)(.*)", line)
            if m:
                defined.add(m.group(1))
                line = m.group(2)
            for word in re.findall(r"[A-Za-z_]\w*", line):
                words.setdefault(word, (name, number))
                if name == "src/packet/drop.h":
                    defined.add(word)  # what the enumeration adds of its own
    return words, defined


def check_list(v, path):
    found, bad = deflist.entries(v.root, path)
    for line in bad:
        v.fault(path, line, "is no entry: DROP(NAME, severity, \"text\") or COUNTER(scope, name, \"text\")")
    seen = {}
    for e in found:
        v.judged += 1
        name = e.first if e.kind == "DROP" else f"{e.first}.{e.second}"
        if not e.text.strip():
            v.fault(path, e.line, f"{name} has no text")
        if name in seen:
            v.fault(path, e.line, f"{name} is there already, on line {seen[name]}")
        seen[name] = e.line
    return found


def uses(words, e):
    """Is a counter used: by its name, or by a constant or member that ends with it?"""
    ends = {e.second, f"{e.first}_{e.second}"}
    ends |= {w.upper() for w in ends}
    return any(w in ends or w.endswith("_" + e.second.upper()) for w in words)


def main():
    root = judge.root_of(sys.argv)
    v = judge.Verdict("drops", root)
    drops, counters = check_list(v, deflist.DROPS), check_list(v, deflist.COUNTERS)
    if not drops and not counters:
        return v.end("entries")
    words, defined = words_of(root)
    declared = {"DROP_" + e.first for e in drops}
    for e in drops:
        if "DROP_" + e.first not in words:
            v.fault(deflist.DROPS, e.line, f"DROP_{e.first} is used nowhere in src/")
    for e in counters:
        if not uses(words, e):
            v.fault(deflist.COUNTERS, e.line, f"{e.first}.{e.second} is counted nowhere in src/")
    for word, where in words.items():
        if drops and re.fullmatch(r"DROP_[A-Z0-9_]+", word) and word not in declared | defined:
            v.fault(*where, f"{word} is not in {deflist.DROPS}")
    here = os.path.dirname(os.path.abspath(__file__))
    page = subprocess.run([sys.executable, os.path.join(here, "..", "gen_counters.py"), root],
                          capture_output=True, text=True, check=True).stdout
    written = os.path.join(root, "docs", "counters.md")
    if not os.path.exists(written) or judge.read(root, "docs/counters.md") != page:
        v.fault("docs/counters.md", 1, "is not up to date: tools/gen_counters.py --write")
    return v.end("entries")


sys.exit(main())
