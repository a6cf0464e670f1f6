#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes docs/counters.md of src/packet/drop.def and counter.def. With --write it writes the page."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "judges"))
import deflist  # noqa: E402 (after the path)

HEAD = """# Counters and drop reasons

Made by `tools/gen_counters.py` from `src/packet/counter.def` and `src/packet/drop.def`; do not edit.
Counters are 64-bit, never reset, and enumerable by name. A packet that is dropped counts once under
the reason it was dropped for.
"""


def cell(text):
    return text.replace("\\\"", "\"").replace("|", "\\|")


def page(root):
    counters, drops = (deflist.entries(root, p)[0] for p in (deflist.COUNTERS, deflist.DROPS))
    out = [HEAD]
    for scope in dict.fromkeys(e.first for e in counters):
        out.append(f"\n## Counters of `{scope.lower()}`\n\n| name | what it counts |\n|---|---|\n")
        out += [f"| `{e.second}` | {cell(e.text)} |\n" for e in counters if e.first == scope]
    if drops:
        out.append("\n## Drop reasons\n\n| reason | severity | what happened |\n|---|---|---|\n")
        out += [f"| `{e.first.lower()}` | {e.second} | {cell(e.text)} |\n" for e in drops]
    return "".join(out)


def main():
    args = [a for a in sys.argv[1:] if a != "--write"]
    root = args[0] if args else os.path.dirname(HERE)
    text = page(root)
    if "--write" not in sys.argv:
        sys.stdout.write(text)
        return
    os.makedirs(os.path.join(root, "docs"), exist_ok=True)
    with open(os.path.join(root, "docs", "counters.md"), "w", encoding="utf-8") as f:
        f.write(text)


main()
