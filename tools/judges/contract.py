#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every number of docs/contract/nic.md is borne by a test, and every number that a test bears is in
it. A line of the contract begins with "- **N46** "; a test's name begins with "nic/N46: ", or, for several numbers,
"nic/N46, N47: ", in tests/unit and tests/interop."""

import re
import sys

import judge

PAGE = "docs/contract/nic.md"
PROMISE = re.compile(r"- \*\*N(\d+)\*\* \S")
# In C a name is a string of its own; in a script it is said after "ok", or by a function that says it.
NAMES = {".c": re.compile(r'"nic/((?:N\d+(?:, | and )?)+):'), ".sh": re.compile(r'nic/((?:N\d+(?:, | and )?)+):'),
         ".py": re.compile(r'nic/((?:N\d+(?:, | and )?)+):')}


def promises(root):
    """{number: line} of the contract."""
    found = {}
    if PAGE not in judge.files(root, ".md"):
        return found
    for number, line in enumerate(judge.read(root, PAGE).split("\n"), 1):
        m = PROMISE.match(line)
        if m:
            found[int(m.group(1))] = number
    return found


def tests(root):
    """(path, line, number) for each number that a test's name bears."""
    for name in judge.files(root, *(f"_test{end}" for end in NAMES)):
        if not name.startswith(("tests/unit/", "tests/interop/")):
            continue
        pattern = NAMES[name[name.rindex("."):]]
        for line, text in enumerate(judge.read(root, name).split("\n"), 1):
            if text.lstrip().startswith(("#", "/*", "*", "//")):
                continue
            for m in pattern.finditer(text):
                for n in re.findall(r"N(\d+)", m.group(1)):
                    yield name, line, int(n)


def main():
    root = judge.root_of(sys.argv)
    v = judge.Verdict("contract", root)
    wanted, borne = promises(root), set()
    for name, line, n in tests(root):
        borne.add(n)
        if n not in wanted:
            v.fault(name, line, f"nic/N{n} is no number of {PAGE}")
    for n, line in wanted.items():
        v.judged += 1
        if n not in borne:
            v.fault(PAGE, line, f"N{n} has no test whose name begins with it")
    return v.end("promises")


sys.exit(main())
