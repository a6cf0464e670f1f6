# SPDX-License-Identifier: Apache-2.0
"""A terminal for run_top_test.sh: run_top_screen.py ROWS COLUMNS COMMAND...

Runs the command on a pseudo terminal, does what its output says to a screen in memory, and prints: the screen
when the table was last there and the command had gone on for a while ("during"), then the screen at the end
("after"), each line in front of it the word, and then "status N". What scrolled off at the top of the whole
screen or of a scrolling region that begins there is "scrolled".
"""
import fcntl
import os
import pty
import re
import struct
import sys
import termios

ROWS, COLUMNS = int(sys.argv[1]), int(sys.argv[2])


class Screen:
    def __init__(self):
        self.lines = [[" "] * COLUMNS for _ in range(ROWS)]
        self.scrolled = []
        self.row = self.column = 0
        self.top, self.bottom = 0, ROWS - 1
        self.saved = (0, 0)

    def index(self):
        if self.row == self.bottom:
            gone = self.lines.pop(self.top)
            if self.top == 0:
                self.scrolled.append("".join(gone).rstrip())
            self.lines.insert(self.bottom, [" "] * COLUMNS)
        elif self.row < ROWS - 1:
            self.row += 1

    def put(self, c):
        if self.column == COLUMNS:  # it wraps
            self.column = 0
            self.index()
        self.lines[self.row][self.column] = c
        self.column += 1

    def csi(self, arguments, final):
        numbers = [int(n) if n else 0 for n in arguments.split(";")]
        if final == "A":
            self.row = max(self.row - max(numbers[0], 1), 0)
        elif final == "H":
            self.row = min(max(numbers[0], 1), ROWS) - 1
            self.column = min(max(numbers[1] if len(numbers) > 1 else 1, 1), COLUMNS) - 1
        elif final == "J":
            self.lines[self.row][self.column:] = [" "] * (COLUMNS - self.column)
            for row in range(self.row + 1, ROWS):
                self.lines[row] = [" "] * COLUMNS
        elif final == "K":
            self.lines[self.row][self.column:] = [" "] * (COLUMNS - self.column)
        elif final == "r":
            self.top = max(numbers[0], 1) - 1
            self.bottom = (numbers[1] if len(numbers) > 1 and numbers[1] else ROWS) - 1
            self.row = self.column = 0
        elif final != "m":
            raise SystemExit(f"not understood: CSI {arguments} {final}")

    def feed(self, text):
        """Does what is whole; returns the rest."""
        while text:
            if text[0] != "\033":
                if text[0] == "\r":
                    self.column = 0
                elif text[0] == "\n":
                    self.index()
                else:
                    self.put(text[0])
                text = text[1:]
                continue
            if match := re.match(r"\033\[([0-9;]*)([A-Za-z])", text):
                self.csi(*match.groups())
            elif match := re.match(r"\033([78D])", text):
                if match[1] == "7":
                    self.saved = self.row, self.column
                elif match[1] == "8":
                    self.row, self.column = self.saved
                else:
                    self.index()
            else:
                return text
            text = text[match.end():]
        return ""

    def show(self, word):
        for line in self.lines:
            print(word, "".join(line).rstrip())


def main():
    pid, fd = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.execvp(sys.argv[3], sys.argv[3:])
    screen, rest, during = Screen(), "", None
    while True:
        try:
            data = os.read(fd, 4096)
        except OSError:
            break
        rest = screen.feed(rest + data.decode())
        if any("flows;" in "".join(line) for line in screen.lines):
            during = ["".join(line).rstrip() for line in screen.lines]
            if during[-1].startswith("tcp "):
                with open(os.environ["NST_TEST_SHOWN"], "w", encoding="ascii") as f:
                    f.write("shown\n")
    for line in during or []:
        print("during", line)
    screen.show("after")
    for line in screen.scrolled:
        print("scrolled", line)
    print("region", screen.top, screen.bottom)
    print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


main()
