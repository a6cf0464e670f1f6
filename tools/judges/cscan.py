# SPDX-License-Identifier: Apache-2.0
"""Finds the functions of a C file, with their lines, parameters and nesting, without compiling it.

Comments and strings are blanked and preprocessor lines dropped. Of a conditional whose branches do
not each balance their braces only the first branch is read, of `#ifdef __cplusplus` none. The rest
is tokens: at the top level a name, a parenthesis and a brace is a function; inside, a small
statement parser counts levels, so that `if (a) if (b) x;` is two levels though it has no brace.
`else if` adds none, the labels and blocks of a `switch` count as the one level of the switch.
"""

import re

import judge

_TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.]*|\"[^\"\n]*\"|'[^'\n]*'|[^\s\w]")
_OPEN, _CLOSE = "([{", ")]}"
_NOT_NAMES = {"if", "for", "while", "switch", "return", "sizeof", "__attribute__", "_Alignas",
              "_Static_assert", "__asm__", "typeof", "__typeof__"}


class Function:
    """One definition: `line` is where it begins, `levels` how deep it nests, `deepest` where."""

    def __init__(self, name, line, params):
        self.name, self.line, self.params = name, line, params
        self.lines = self.levels = 0
        self.deepest = line


def _balanced(lines):
    text = "\n".join(l for l in lines if l is not None)
    return text.count("{") == text.count("}") and text.count("(") == text.count(")")


def _preprocess(text):
    """Drops directives (with their continuation lines) and the branches that cannot be read."""
    lines = text.split("\n")
    stack = []  # [start of the current branch, list of (start, end), is it __cplusplus or 0]
    n = 0
    while n < len(lines):
        m = re.match(r"\s*#\s*(\w+)\s*(.*)", lines[n])
        if not m:
            n += 1
            continue
        word, rest = m.groups()
        last = n
        while lines[last].endswith("\\") and last + 1 < len(lines):
            last += 1
        for k in range(n, last + 1):
            lines[k] = ""
        if word in ("if", "ifdef", "ifndef"):
            stack.append([last + 1, [], "__cplusplus" in rest or rest.strip() == "0"])
        elif word in ("else", "elif") and stack:
            stack[-1][1].append((stack[-1][0], n))
            stack[-1][0] = last + 1
        elif word == "endif" and stack:
            start, branches, dead = stack.pop()
            branches.append((start, n))
            keep_all = all(_balanced(lines[a:b]) for a, b in branches)
            for i, (a, b) in enumerate(branches):
                if (dead and i == 0) or (not keep_all and i > 0):
                    lines[a:b] = [""] * (b - a)
        n = last + 1
    return "\n".join(lines)


def tokens(text):
    """[(token, line)] of C text."""
    out = []
    for number, line in enumerate(_preprocess(judge.blank(text)).split("\n"), 1):
        out += [(t, number) for t in _TOKEN.findall(line)]
    return out


def _match(toks, i):
    """The index after the bracket that closes the one at i."""
    depth = 0
    while i < len(toks):
        if toks[i][0] in _OPEN:
            depth += 1
        elif toks[i][0] in _CLOSE:
            depth -= 1
            if depth == 0:
                return i + 1
        i += 1
    return i


class _Body:
    """Walks the statements of one body and remembers the deepest level."""

    def __init__(self, toks, function):
        self.t, self.f = toks, function

    def at(self, i):
        return self.t[i][0] if i < len(self.t) else "}"

    def enter(self, i, level):
        if level > self.f.levels:
            self.f.levels, self.f.deepest = level, self.t[min(i, len(self.t) - 1)][1]

    def block(self, i, level):
        """i is at `{`; the statements in it are at `level`."""
        i += 1
        while i < len(self.t) and self.at(i) != "}":
            i = self.statement(i, level)
        return i + 1

    def under(self, i, level, head):
        """The statement or block that a control statement at token `head` governs."""
        self.enter(head, level)
        return self.block(i, level) if self.at(i) == "{" else self.statement(i, level)

    def statement(self, i, level):
        t, head = self.at(i), i
        if t in ("if", "for", "while", "switch"):
            i = self.under(_match(self.t, i + 1), level + 1, head)
            while t == "if" and self.at(i) == "else":
                if self.at(i + 1) != "if":
                    return self.under(i + 1, level + 1, i)
                i = self.under(_match(self.t, i + 2), level + 1, i + 1)
            return i
        if t == "do":
            i = self.under(i + 1, level + 1, head)
            return _match(self.t, i + 1) + 1 if self.at(i) == "while" else i
        if t == "{":
            after_label = head > 0 and self.at(head - 1) == ":"
            if not after_label:
                self.enter(head, level + 1)
            return self.block(i, level + (0 if after_label else 1))
        if t in ("case", "default"):
            while self.at(i) != ":":
                i = _match(self.t, i) if self.at(i) in _OPEN else i + 1
            return i + 1
        if re.match(r"[A-Za-z_]", t) and self.at(i + 1) == ":" and self.at(i + 2) != ":":
            return i + 2
        if re.match(r"[A-Za-z_]", t) and self.at(i + 1) == "(":
            after = _match(self.t, i + 1)
            if self.at(after) == "{" or "FOR_EACH" in t:
                return self.under(after, level + 1, head)
        while i < len(self.t) and self.at(i) not in (";", "}"):
            i = _match(self.t, i) if self.at(i) in _OPEN else i + 1
        return i + 1 if self.at(i) == ";" else max(i, head)


def _count(toks):
    """Parameters between the parentheses."""
    if not toks or [t for t, _ in toks] == ["void"]:
        return 0
    depth = count = 0
    for t, _ in toks:
        if t in _OPEN:
            depth += 1
        elif t in _CLOSE:
            depth -= 1
        elif t == "," and depth == 0:
            count += 1
    return count + 1


def functions(text):
    """The functions that the C text defines, in order."""
    toks, out, i, begin, call = tokens(text), [], 0, None, None
    while i < len(toks):
        t, line = toks[i]
        begin = line if begin is None else begin
        if t == "{":
            end = _match(toks, i)
            if call:
                f = Function(call[0], begin, _count(toks[call[1]:call[2]]))
                f.lines = toks[end - 1][1] - begin + 1
                _Body(toks[i:end], f).block(0, 0)
                out.append(f)
                begin = call = None
            i = end
        elif t == "__attribute__":
            i = _match(toks, i + 1)
        elif t in (";", "=", ","):
            call = None
            begin = None if t == ";" else begin
            i += 1
            while t == "=" and i < len(toks) and toks[i][0] != ";":
                i = _match(toks, i) if toks[i][0] in _OPEN else i + 1
        elif t == "(":
            end = _match(toks, i)
            name = toks[i - 1][0] if i else ""
            if call is None and re.match(r"[A-Za-z_]", name) and name not in _NOT_NAMES:
                call = (name, i + 1, end - 1)
            i = end
        else:
            i += 1
    return out
