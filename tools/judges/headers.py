#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Headers compile alone in C11, have the right guards and no cycles; public ones compile as C++ too
and include nothing but each other and the freestanding headers of C."""

import os
import re
import shutil
import subprocess
import sys

import judge

WARN = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-Wno-missing-field-initializers"]
PUBLIC_SYSTEM = {"stdint.h", "stddef.h", "stdbool.h", "stdarg.h", "string.h"}


def guard(name):
    """NICSTACK_SRC_BASE_LIST_H for src/base/list.h, NICSTACK_TYPES_H for the public types.h."""
    word = re.sub(r"\W", "_", re.sub(r"^include/nicstack/", "", name)).upper()
    return word if word.startswith("TESTS_") else "NICSTACK_" + word


def check_guard(v, name, text):
    m = re.search(r"^\s*#\s*ifndef\s+(\w+)\s*\n\s*#\s*define\s+(\w+)", judge.blank(text), re.M)
    if not m or m.group(1) != m.group(2):
        v.fault(name, 1, f"has no include guard ({guard(name)})")
    elif m.group(1) != guard(name):
        line = text[:m.start(1)].count("\n") + 1
        v.fault(name, line, f"the guard is {m.group(1)}, not {guard(name)}")


def check_cycles(v, graph):
    """Reports each edge that closes a cycle, on the line of its include."""
    state = {}

    def visit(name, path):
        state[name] = 1
        for line, target in graph.get(name, ()):
            if state.get(target) == 1:
                loop = path[path.index(target):] + [target]
                v.fault(name, line, "closes a cycle: " + " -> ".join(loop))
            elif target not in state:
                visit(target, path + [target])
        state[name] = 2

    for name in sorted(graph):
        if name not in state:
            visit(name, [name])


def compile_alone(root, name):
    """[(line, message)] of what the compilers say."""
    flags = ["-D_GNU_SOURCE"] if not judge.is_core(name) else []
    runs = [["gcc", "-std=c11", "-x", "c", *judge.DIALECT, *flags, *WARN]]
    if name.startswith("include/"):
        # Users' warnings are stricter than ours.
        runs = [["gcc", "-std=c11", "-x", "c", *WARN[:3]]]
        if shutil.which("g++"):
            runs.append(["g++", "-std=c++17", "-x", "c++", *WARN[:3]])
    out = []
    for run in runs:
        r = subprocess.run([*run, *judge.INCLUDES, "-fsyntax-only", "-include", name, "/dev/null"],
                           cwd=root, capture_output=True, text=True)
        if r.returncode == 0:
            continue
        hits = [(os.path.normpath(path), line, text) for path, line, text in re.findall(
            r"^(\S+?):(\d+):\d+: (?:fatal )?(?:error|warning): (.*)", r.stderr, re.M)]
        first = next((h for h in hits if h[0] == name), None) or (hits[0] if hits else None)
        out.append((name, int(first[1]) if first and first[0] == name else 1,
                    f"does not compile alone ({run[0]}): " +
                    (f"{first[0]}:{first[1]}: {first[2]}" if first else r.stderr[:200])))
    return out


def main():
    root = judge.root_of(sys.argv)
    if not shutil.which("gcc"):
        judge.skip("headers", "no gcc")
    v, graph = judge.Verdict("headers", root), {}
    names = [n for n in judge.files(root, ".h") if n.startswith(("include/", "src/", "tests/", "cli/"))]
    for name in names:
        v.judged += 1
        text = judge.read(root, name)
        check_guard(v, name, text)
        graph[name] = []
        for line, written in judge.includes(text):
            target = judge.resolve(root, name, written)
            if target:
                graph[name].append((line, target))
            public = name.startswith("include/")
            if public and not (target or "").startswith("include/") and \
                    written[1:-1] not in PUBLIC_SYSTEM:
                v.fault(name, line, f"a public header must not include {written}")
    check_cycles(v, graph)
    has_cmocka = os.path.exists("/usr/include/cmocka.h")
    alone = [n for n in names if has_cmocka or not n.startswith("tests/")]
    for found in judge.parallel(lambda n: compile_alone(root, n), alone):
        for fault in found:
            v.fault(*fault)
    return v.end("headers")


sys.exit(main())
