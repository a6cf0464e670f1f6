# SPDX-License-Identifier: Apache-2.0
"""The table: rows with a peer and a goal, asides without goal, what could not be measured; and bench.json."""
import json
import os
import statistics
import tempfile


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def spread(values):
    return f"({number(min(values))} to {number(max(values))})" if len(values) > 1 else ""


class Table:
    """What was measured, printed as it comes."""

    def __init__(self, runs):
        self.rows, self.asides, self.notes, self.skipped, self.failed = [], [], [], [], []
        self.width = 10 if runs == 1 else 30  # of a value with its spread

    def head(self):
        print(f"{'row':4} {'case':52} {'nicstack':{self.width}} {'unit':12} {'peer':{self.width}} {'':38} ratio  goal")

    def line(self, row, case, values, unit, rest=""):
        value = f"{number(statistics.median(values))} {spread(values)}"
        print(f"{row:4} {case:52} {value:{self.width}} {unit:12} {rest}".rstrip(), flush=True)

    def row(self, row, case, values, unit, goal, met, peer=None, theirs=None):
        """`values` and `theirs` are all measurements; medians count. `met` is a function of the two medians."""
        value = statistics.median(values)
        peer_value = statistics.median(theirs) if theirs else None
        ratio = value / peer_value if peer_value else None
        reached = bool(met(value, peer_value))
        self.rows.append({"id": row, "case": case, "value": value, "unit": unit, "peer": peer,
                          "peer_value": peer_value, "ratio": ratio, "goal": goal, "met": reached,
                          "values": values, "peer_values": theirs})
        beside = f"{number(peer_value)} {spread(theirs)}" if theirs else ""
        self.line(row, case, values, unit, f"{beside:{self.width}} {peer or '':38} "
                  f"{f'{ratio:.2f}' if theirs else '':6} {goal}: {'met' if reached else 'MISSED'}")

    def aside(self, row, case, values, unit, who="nicstack"):
        """A figure that stands beside the rows, without a goal."""
        self.asides.append({"id": row, "case": case, "who": who, "value": statistics.median(values), "unit": unit,
                            "values": values})
        self.line(row, f"   {who}: {case}", values, unit)

    def skip(self, row, what, reason):
        """A peer, or what a row needs, is not there."""
        self.skipped.append({"id": row, "what": what, "reason": reason})
        print(f"{row:4}    {what}: not measured: {reason}", flush=True)

    def note(self, row, what, text):
        """Something that whoever reads the row should know."""
        self.notes.append({"id": row, "what": what, "text": str(text)})
        print(f"{row:4}    {what}: {text}", flush=True)

    def fail(self, row, what, error):
        """It should have been measured, and something went wrong: as bad as a missed goal."""
        self.failed.append({"id": row, "what": what, "error": str(error)})
        print(f"{row:4}    {what}: FAILED: {error}", flush=True)

    def end(self):
        """The last lines: the rows that miss."""
        missed = [r for r in self.rows if not r["met"]]
        print(f"\n{len(self.rows)} rows, {len(self.rows) - len(missed)} met, {len(missed)} missed"
              + (":" if missed else "."))
        for r in missed:
            beside = f", {r['peer']} {number(r['peer_value'])}, ratio {r['ratio']:.2f}" if r["ratio"] else ""
            print(f"     {r['id']:4} {r['case']}: {number(r['value'])} {r['unit']}{beside}; goal {r['goal']}")
        for f in self.failed:
            print(f"     {f['id']:4} {f['what']}: FAILED: {f['error']}")

    def write(self, folder, machine):
        """BUILD/bench.json, at once or not at all."""
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as file:
            json.dump({"machine": machine, "rows": self.rows, "asides": self.asides, "notes": self.notes, "skipped": self.skipped,
                       "failed": self.failed}, file, indent=1)
        os.chmod(file.name, 0o644)
        os.replace(file.name, os.path.join(folder, "bench.json"))
