#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The release build: what libnicstack-core.a asks of the world, and what libnicstack.so shows it.

symbols.py ROOT [BUILD]; BUILD is ROOT/build-test/release by default.
"""

import os
import re
import subprocess
import sys

import judge

ALLOWED = {"memcpy", "memmove", "memset", "memcmp"}
GOT = "_GLOBAL_OFFSET_TABLE_"
# Sections that hold mutable data or code that runs unasked. .data.rel.ro is for const tables.
WRITABLE = re.compile(r"^\.(data|bss|tdata|tbss|init_array|fini_array|ctors|dtors|preinit_array)(\.|$)")
CONST = re.compile(r"^\.data\.rel\.ro(\.|$)")


def tool(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def source_of(v, member, word):
    """`path, line` in the member's source where the word stands, as a hint; or the archive itself."""
    base = member[:-2] if member.endswith(".o") else member
    for name in judge.files(v.root, ".c", ".h"):
        if name.startswith("src/") and (os.path.basename(name) == base or name.endswith(".h")):
            for number, line in enumerate(judge.blank(judge.read(v.root, name)).split("\n"), 1):
                if re.search(rf"\b{re.escape(word)}\b", line):
                    return name, number
    return f"libnicstack-core.a({member})", 0


def table_users(archive, wanted):
    """What the member reaches by way of the global offset table; the table itself if that cannot be told."""
    member, symbols = "?", set()
    for line in tool("objdump", "-r", archive).splitlines():
        m = re.match(r"(\S+\.o):\s+file format", line)
        member = m.group(1) if m else member
        m = re.match(r"[0-9a-f]+ R_\w*GOT\w*\s+(\w+)", line)
        if m and member == wanted:
            symbols.add(m.group(1))
    return sorted(symbols) or [GOT]


def check_core(v, archive):
    defined, wanted, member = set(), [], "?"
    for line in tool("nm", archive).splitlines():
        m = re.match(r"(\S+\.o):$", line)
        if m:
            member = m.group(1)
            v.judged += 1
            continue
        m = re.match(r"[0-9a-f ]*\s([A-Za-z])\s(\S+)$", line)
        if not m:
            continue
        kind, name = m.groups()
        if kind in "Uwv":
            wanted.append((member, name))
        elif kind.isupper() or kind in "u":
            defined.add(name)
        if kind == "C":
            v.fault(*source_of(v, member, name), f"common symbol {name}")
    for member, name in wanted:
        if name == GOT:
            for symbol in table_users(archive, member):
                v.fault(*source_of(v, member, symbol),
                        f"{member} finds {symbol} in the global offset table: declare it HIDDEN (base/fwd.h)")
        elif name not in defined and name not in ALLOWED:
            v.fault(*source_of(v, member, name), f"{member} needs {name}, which the core must not")
    check_sections(v, archive)


def check_sections(v, archive):
    symbols, sizes, member = {}, [], "?"
    for line in tool("objdump", "-h", "-t", archive).splitlines():
        m = re.match(r"(\S+\.o):\s+file format", line)
        if m:
            member = m.group(1)
            continue
        m = re.match(r"\s*\d+ (\.\S+)\s+([0-9a-f]+)\s", line)
        if m and int(m.group(2), 16) and WRITABLE.match(m.group(1)) and not CONST.match(m.group(1)):
            sizes.append((member, m.group(1), int(m.group(2), 16)))
        m = re.match(r"[0-9a-f]{16} .{7} (\.\S+)\t[0-9a-f]+ (?:\.hidden )?(\S+)$", line)
        if m and m.group(1) != m.group(2):
            symbols.setdefault((member, m.group(1)), m.group(2))
    for member, section, size in sizes:
        name = re.sub(r"\.\d+$", "", symbols.get((member, section), ""))
        where = source_of(v, member, name) if name else (f"libnicstack-core.a({member})", 0)
        v.fault(*where, f"{member} has {size} bytes of {section}" + (f" ({name})" if name else ""))


def check_shared(v, library):
    shown = set()
    for line in tool("nm", "-D", "--defined-only", library).splitlines():
        kind, name = line.split()[-2:]
        name = name.split("@")[0]
        if kind != "A":
            shown.add(name)
    v.judged += 1
    promised = {}
    for header in judge.files(v.root, ".h"):
        if header.startswith("include/nicstack/"):
            text = judge.blank(judge.read(v.root, header))
            for m in re.finditer(r"^NST_API\b([^;{]*?)\b(\w+)\s*\(", text, re.M):
                promised[m.group(2)] = (header, text[:m.start(2)].count("\n") + 1)
    for name in sorted(shown):
        if not name.startswith("nst_"):
            v.fault("libnicstack.so", 0, f"exports {name}")
        elif name not in promised:
            v.fault("libnicstack.so", 0, f"exports {name}, which no public header declares NST_API")
    for name in sorted(set(promised) - shown):
        v.fault(*promised[name], f"{name} is NST_API but libnicstack.so does not export it")


def main():
    root = judge.root_of(sys.argv)
    build = sys.argv[2] if len(sys.argv) > 2 else os.path.join(root, "build-test", "release")
    v = judge.Verdict("symbols", root)
    archive, library = (os.path.join(build, n) for n in ("libnicstack-core.a", "libnicstack.so"))
    if os.path.exists(archive):
        check_core(v, archive)
    if os.path.exists(library):
        check_shared(v, library)
    else:
        v.note(f"no libnicstack.so in {build}")
    return v.end("objects")


sys.exit(main())
