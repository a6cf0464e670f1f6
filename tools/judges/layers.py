#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Includes go down the layers only; the table is layers.tsv."""

import os
import sys

import judge


def table():
    rules = {}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.tsv")) as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                folder, allowed = line.rstrip("\n").split("\t")
                rules[folder] = set(allowed.split())
    return rules


def row(rules, name):
    """The longest entry that holds the file."""
    best = None
    for folder in rules:
        if (name == folder or name.startswith(folder + "/")) and len(folder) > len(best or ""):
            best = folder
    return best


def layer(name):
    parts = name.split("/")
    if name.startswith("include/nicstack/"):
        return "public"
    if parts[0] == "src":
        return parts[1]
    return "/".join(parts[:2]) if parts[0] == "tests" else parts[0]


def check(v, rules, name, line, written):
    target = judge.resolve(v.root, name, written)
    if target is None:
        if written[0] == '"':
            v.fault(name, line, f'{written} is no file of this tree')
        return
    if target.startswith("include/") and written[0] == '"':
        v.fault(name, line, f"a public header is written <{target[8:]}>")
    own, allowed = row(rules, name), rules[row(rules, name)]
    to = layer(target)
    if "*" in allowed or to in allowed or to == layer(name):
        return
    v.fault(name, line, f"{own} must not include {written} ({to}); "
            f"it may include: {' '.join(sorted(allowed))}")


def main():
    root = judge.root_of(sys.argv)
    v, rules = judge.Verdict("layers", root), table()
    for name in judge.files(root, ".c", ".h", ".def"):
        v.judged += 1
        if row(rules, name) is None:
            if name.startswith(("src/", "include/")):
                v.fault(name, 1, "lies in a folder that layers.tsv does not know")
            continue
        for line, written in judge.includes(judge.read(root, name)):
            check(v, rules, name, line, written)
    return v.end("files")


sys.exit(main())
