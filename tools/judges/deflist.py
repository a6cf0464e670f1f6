# SPDX-License-Identifier: Apache-2.0
"""Reads src/packet/drop.def and counter.def: DROP(NAME, severity, "text"), COUNTER(scope, name, "sentence")."""

import os
import re

import judge

DROPS, COUNTERS = "src/packet/drop.def", "src/packet/counter.def"
_ENTRY = re.compile(r'\b(DROP|COUNTER)\s*\(\s*(\w+)\s*,\s*(\w+)\s*,\s*((?:"(?:\\.|[^"\\])*"\s*)*)\)')


class Entry:
    def __init__(self, m, line):
        self.kind, self.first, self.second, self.line = m.group(1), m.group(2), m.group(3), line
        self.text = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', m.group(4)))


def entries(root, path):
    """(entries, [line of what is not one]); both empty if there is no such file."""
    if not os.path.exists(os.path.join(root, path)):
        return [], []
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group(0)), judge.read(root, path),
                  flags=re.S)
    text = re.sub(r"^[ \t]*#.*", "", text, flags=re.M)
    found = [Entry(m, text[:m.start()].count("\n") + 1) for m in _ENTRY.finditer(text)]
    rest = _ENTRY.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)
    bad = [n for n, line in enumerate(rest.split("\n"), 1) if re.sub(r"[\s,;]", "", line)]
    return found, bad
