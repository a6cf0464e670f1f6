#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every C file is as clang-format with the repository's .clang-format writes it."""

import re
import shutil
import subprocess
import sys

import judge


def main():
    root = judge.root_of(sys.argv)
    if not shutil.which("clang-format"):
        judge.skip("format", "no clang-format")
    v = judge.Verdict("format", root)
    names = judge.files(root, ".c", ".h")
    v.judged = len(names)

    def run(batch):
        r = subprocess.run(["clang-format", "--dry-run", "-Werror", "--style=file", *batch], cwd=root,
                           capture_output=True, text=True)
        hits = re.findall(r"^(\S+?):(\d+):\d+: \w+: ", r.stderr, re.M)
        if r.returncode and not hits:
            hits = [(batch[0], 1)]
        return [(n, int(line)) for n, line in hits]

    batches = [names[i:i + 20] for i in range(0, len(names), 20)]
    for found in judge.parallel(run, batches):
        first = {}
        for name, line in found:
            first.setdefault(name, line)
        for name, line in first.items():
            v.fault(name, line, "is not formatted (make format)")
    return v.end("files")


sys.exit(main())
