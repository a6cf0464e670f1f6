#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clang-tidy with the repository's .clang-tidy finds nothing; a suppression gives its reason on its line.

A verdict of no findings is kept in build-test/tidy/ under the hash of all that it depends on (the
file, every header of the tree that it reaches, .clang-tidy, the tool), so only changes cost time.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys

import judge

FLAGS = ["-std=gnu11", *judge.INCLUDES, *judge.DIALECT, "-Wno-unknown-warning-option",
         "-Wno-unused-parameter", "-Wno-microsoft-anon-tag"]
# The path analyser is for what ships; tests are judged by the quick checks. Testing a macro for how
# often it evaluates its argument is no slip there, nor are bytes written as joined strings.
TEST_CHECKS = ("--checks=-clang-analyzer-*,-bugprone-macro-repeated-side-effects,"
               "-bugprone-suspicious-missing-comma,-bugprone-not-null-terminated-result")


def closure(root, name, seen):
    """The file and every header of the tree that it reaches."""
    if name not in seen:
        seen.add(name)
        for _, written in judge.includes(judge.read(root, name)):
            target = judge.resolve(root, name, written)
            if target:
                closure(root, target, seen)
    return seen


def key(root, name, version):
    h = hashlib.sha256(version + repr(FLAGS).encode() + TEST_CHECKS.encode())
    for part in sorted(closure(root, name, set())) + [".clang-tidy"]:
        h.update(part.encode() + b"\0" + judge.read(root, part).encode() + b"\0")
    return h.hexdigest()


def run(root, name):
    """[(path, line, message)]"""
    command = ["clang-tidy", "--quiet", "--warnings-as-errors=*"]
    if name.startswith("tests/"):
        command.append(TEST_CHECKS)
    flags = FLAGS if judge.is_core(name) else FLAGS + ["-D_GNU_SOURCE"]
    flags = flags + ['-DNST_VERSION_STRING="0"'] if name.startswith("cli/") else flags
    r = subprocess.run([*command, name, "--", *flags], cwd=root, capture_output=True, text=True)
    out = []
    for path, line, text in re.findall(r"^(\S+?):(\d+):\d+: (?:error|warning): (.*)", r.stdout, re.M):
        path = os.path.relpath(path, root) if os.path.isabs(path) else path
        out.append((path, int(line), text.replace(",-warnings-as-errors", "")))
    if r.returncode and not out:
        out.append((name, 1, "clang-tidy failed: " + (r.stdout + r.stderr).strip()[-300:]))
    return out


def check_reasons(v, name):
    """NOLINT(check): reason, all three."""
    for number, line in enumerate(judge.read(v.root, name).split("\n"), 1):
        m = re.search(r"NOLINT(NEXTLINE|BEGIN|END)?(\([^)]*\))?(.*)", line)
        if not m or m.group(1) == "END":
            continue
        if not m.group(2):
            v.fault(name, number, "a suppression names its check: NOLINT(check): reason")
        elif len(re.findall(r"[A-Za-z]{2,}", m.group(3))) < 2:
            v.fault(name, number, "a suppression gives its reason on the same line")


def main():
    root = judge.root_of(sys.argv)
    if not shutil.which("clang-tidy"):
        judge.skip("tidy", "no clang-tidy")
    v = judge.Verdict("tidy", root)
    sources = judge.files(root, ".c", ".h")
    for name in sources:
        check_reasons(v, name)
    cmocka = os.path.exists("/usr/include/cmocka.h")
    names = [n for n in sources if n.endswith(".c") and (cmocka or not n.startswith("tests/"))]
    v.judged = len(names)
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True).stdout
    cache = os.path.join(root, "build-test", "tidy")
    os.makedirs(cache, exist_ok=True)
    keys = {n: os.path.join(cache, key(root, n, version)) for n in names}
    todo = [n for n in names if not os.path.exists(keys[n])]

    def work(name):
        found = run(root, name)
        if not found:
            open(keys[name], "w").close()
        return found

    for found in judge.parallel(work, sorted(todo, key=lambda n: -os.path.getsize(os.path.join(root, n)))):
        for fault in found:
            v.fault(*fault)
    for old in set(os.listdir(cache)) - {os.path.basename(k) for k in keys.values()}:
        os.remove(os.path.join(cache, old))
    v.note(f"tidy: {len(todo)} of {len(names)} files had changed")
    return v.end("files")


sys.exit(main())
