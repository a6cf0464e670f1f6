#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts cmocka tests: reads ctest's LastTest.log (cmocka having spoken TAP) and prints a line
`ok AREA/FILE: SENTENCE`, `not ok AREA/FILE: SENTENCE: why` or `skip ...: why` for each. A program that
ends before its plan is done, times out or fails without a failing test is a failure of its own.
"""

import re
import sys


def tell(program, output, status):
    """The lines of one program; `status` is ctest's verdict ("Test Passed.")."""
    out, plan, told, failed, why = [], None, 0, None, []

    def flush():
        if failed is not None:
            out.append(f"not ok {program}: {failed}: " + "; ".join(why or ["no message"]))

    rest = []
    for line in output:
        m = re.match(r"(not ok|ok) (\d+)(?: - (.*)| # SKIP ?(.*))$", line)
        p = re.match(r"1\.\.(\d+)$", line)
        if m:
            flush()
            failed, why, told = None, [], told + 1
            if m.group(4) is not None:
                out.append(f"skip {program}: {m.group(4)}: the test skips itself")
            elif m.group(1) == "ok":
                out.append(f"ok {program}: {m.group(3)}")
            else:
                failed = m.group(3)
        elif p:
            plan = int(p.group(1))
        elif failed is not None and line.startswith("# ") and not line.startswith("# not ok"):
            why.append(line[2:])
        elif line.strip():
            rest.append(line.strip())
    flush()
    last = next((r for r in rest if re.search(r"ERROR: \w+Sanitizer|runtime error:", r)),
                rest[-1] if rest else "no word")
    if plan is not None and told != plan:
        out.append(f"not ok {program}: ended after {told} of {plan} tests: {status}: {last}")
    elif plan is None and told == 0:
        passed = status == "Test Passed."
        out.append(f"ok {program}" if passed else f"not ok {program}: {status}: {last}")
    elif status != "Test Passed." and not any(o.startswith("not ok") for o in out):
        out.append(f"not ok {program}: all tests passed, but {status}: {last}")
    return out


def main():
    with open(sys.argv[1], encoding="utf-8", errors="replace") as f:
        text = f.read()
    pattern = (r"^\d+/\d+ Test: (\S+)\n.*?^Output:\n-+\n(.*?)<end of output>\nTest time = .*?\n-+\n"
               r"([^\n]*)\n")
    for m in re.finditer(pattern, text, re.S | re.M):
        for line in tell(m.group(1), m.group(2).split("\n"), m.group(3)):
            print(line)


main()
