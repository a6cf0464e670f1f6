# SPDX-License-Identifier: Apache-2.0
"""Plays a person at a terminal for attach_test.sh: attach_pty.py SCENARIO PROBE. Exit status 0 is success.

Nothing here depends on how fast the machine is: each step waits for what it needs to see, with much patience.
"""
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

PATIENCE = 60  # seconds


class Terminal:
    """A command that leads the processes on a pseudo terminal of its own."""

    def __init__(self, *command):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["PS1"] = "outer> "
            os.execvp(command[0], command)

    def type(self, text):
        os.write(self.fd, text.encode())

    def expect(self, pattern):
        """Waits for pattern in what comes after the last match."""
        end = time.monotonic() + PATIENCE
        while True:
            match = re.search(pattern, self.seen)
            if match:
                self.seen = self.seen[match.end():]
                return match
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise SystemExit(f"no {pattern!r} in {self.seen!r}")
            try:
                self.seen += os.read(self.fd, 4096).decode(errors="replace")
            except OSError:
                raise SystemExit(f"ended without {pattern!r}: {self.seen!r}") from None

    def owner(self):
        """The process group in the foreground, by the name of its leader."""
        return name(os.tcgetpgrp(self.fd))

    def status(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def wait_until(is_so, why):
    """Waits until is_so() is true; why() tells what was in its place."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > end:
            raise SystemExit(why())
        time.sleep(0.01)


def read(path):
    try:
        with open(path, encoding="ascii", errors="replace") as f:
            return f.read()
    except OSError:
        return ""  # the process is gone


def name(pid):
    return read(f"/proc/{pid}/comm").strip()


def state(pid):
    return read(f"/proc/{pid}/stat").rpartition(")")[2][1:2]


def children_of(pid):
    found = subprocess.run(["pgrep", "-P", str(pid)], stdout=subprocess.PIPE, check=False)
    return [int(child) for child in found.stdout.split()]


def child_of(pid):
    return children_of(pid)[0]


def await_state(pid, wanted):
    wait_until(lambda: state(pid) in wanted, lambda: f"{name(pid)}: state {state(pid)}, not {wanted}")


def await_owner(t, wanted):
    """Until the terminal is wanted's, and it runs."""
    wait_until(lambda: t.owner() == wanted and state(os.tcgetpgrp(t.fd)) in "SR",
               lambda: f"the terminal is {t.owner()}'s, not {wanted}'s")


# Tells each signal when it comes, and at the end, which the last of them brings, how often each came.
COUNTER = """
import os, signal, time
END = signal.SIGRTMAX
got = []
def note(number, frame):
    got.append(number)
    os.write(1, b"got %d\\n" % number)
for s in (signal.SIGINT, signal.SIGUSR1, signal.SIGWINCH, END):
    signal.signal(s, note)
print("up", flush=True)
while END not in got:
    time.sleep(0.02)
print("counts", got.count(signal.SIGINT), got.count(signal.SIGUSR1), got.count(signal.SIGWINCH), flush=True)
"""


def end_counter(t, counts):
    """nst passes the highest number on last, so what it passed on twice was counted before."""
    os.kill(t.pid, signal.SIGRTMAX)
    t.expect(f"counts {counts}\r\n")
    assert t.status() == 0


def interrupt_once(probe):
    t = Terminal(probe, "--", "python3", "-c", COUNTER)
    t.expect("up\r\n")
    t.type("\x03")
    t.expect(f"got {signal.SIGINT:d}\r\n")
    os.kill(t.pid, signal.SIGUSR1)
    t.expect(f"got {signal.SIGUSR1:d}\r\n")
    end_counter(t, "1 1 0")


def interrupt_kills(probe):
    t = Terminal(probe, "--", "sh", "-c", "echo up; exec sleep 1000")
    t.expect("up\r\n")
    t.type("\x03")
    assert t.status() == 130


def interrupt_before_go(probe):
    t = Terminal(probe, "-h", "--", "sleep", "1000")
    t.expect("held\r\n")
    t.type("\x03")
    t.type("go\n")
    assert t.status() == 130


def group_kill_once(probe):
    """A signal to the whole group, from inside or outside, is not passed on a second time."""
    program = COUNTER.replace('print("up", flush=True)', "os.kill(0, signal.SIGUSR1)")
    t = Terminal(probe, "--", "python3", "-c", program)
    t.expect(f"got {signal.SIGUSR1:d}\r\n")
    end_counter(t, "0 1 0")
    t = Terminal(probe, "--", "python3", "-c", COUNTER)
    t.expect("up\r\n")
    for _ in range(5):
        os.killpg(t.pid, signal.SIGUSR1)
        t.expect(f"got {signal.SIGUSR1:d}\r\n")
        os.kill(t.pid, signal.SIGWINCH)
        t.expect(f"got {signal.SIGWINCH:d}\r\n")
    end_counter(t, "0 5 5")


def shell():
    t = Terminal("bash", "--norc", "--noprofile", "-i")
    t.expect("outer> ")
    return t


def stop_and_continue(probe):
    t = shell()
    t.type(f"{probe} -- sh -c 'echo up; exec cat'\n")
    t.expect("up\r\n")
    t.type("one\n")
    t.expect("one\r\none\r\n")
    t.type("\x1a")
    t.expect("Stopped")
    t.expect("outer> ")
    t.type("fg\n")
    await_owner(t, "probe")
    t.type("two\n")
    t.expect("two\r\ntwo\r\n")
    t.type("\x04")
    t.expect("outer> ")
    t.type("echo rc=$?\n")
    t.expect("rc=0\r\n")


def background_reader_stops(probe):
    t = shell()
    t.type(f"{probe} -- cat &\n")
    t.expect("outer> ")
    await_state(child_of(t.pid), "T")
    t.type("jobs\n")
    t.expect("Stopped")
    t.type("fg\n")
    await_owner(t, "probe")
    t.type("\x04")
    t.expect("outer> ")


def shell_inside(probe):
    t = shell()
    t.type(f"PS1='inner> ' {probe} -- bash --norc --noprofile -i\n")
    t.expect("inner> ")
    if "no job control" in t.seen:
        raise SystemExit("no job control")
    t.type("sleep 1000\n")
    await_owner(t, "sleep")
    t.type("\x1a")
    t.expect("Stopped")
    t.expect("inner> ")
    t.type("bg\n")
    t.expect("inner> ")
    t.type("jobs\n")
    t.expect("Running")
    t.type("fg\n")
    await_owner(t, "sleep")
    t.type("\x03")
    t.expect("inner> ")
    t.type("echo rc=$?\n")
    t.expect("rc=130\r\n")
    t.type("suspend\n")
    t.expect("Stopped")
    t.expect("outer> ")
    t.type("fg\n")
    t.expect("inner> ")
    t.type("exit 5\n")
    t.expect("outer> ")
    t.type("echo rc=$?\n")
    t.expect("rc=5\r\n")


def terminal_comes_back(probe):
    """A script without job control reads the terminal after a shell inside has had it."""
    t = Terminal("sh", "-c", f"PS1='inner> ' {probe} -- bash --norc --noprofile -i; read line; echo got=$line")
    t.expect("inner> ")
    t.type("exit\n")
    wait_until(lambda: not children_of(t.pid), lambda: "nst does not end")
    t.type("hello\n")
    t.expect("got=hello\r\n")


def start_sleep(t, command):
    """Runs a sleep by command, in the foreground of the shell: the process ids of nst and of it."""
    t.type(f"{command} -- sh -c 'echo up; exec sleep 1000'\n")
    t.expect("up\r\n")
    nst = child_of(t.pid)
    program = child_of(child_of(nst))
    wait_until(lambda: name(program) == "sleep", lambda: f"the program is {name(program)}")
    return nst, program


def stop_from_elsewhere(probe):
    """nst stops with the program, and goes on when either is continued."""
    nst, program = start_sleep(shell(), probe)
    for _ in range(50):
        for continued in (program, nst):
            os.kill(program, signal.SIGSTOP)
            await_state(nst, "T")
            os.kill(continued, signal.SIGCONT)
            await_state(nst, "SR")
            await_state(program, "SR")
    for _ in range(200):
        os.kill(program, signal.SIGSTOP)
        os.kill(program, signal.SIGCONT)
    await_state(nst, "SR")
    os.kill(program, signal.SIGKILL)


def stop_told_late(probe):
    """nst stays stopped, however late the kernel comes to signal what nst has read already."""
    nst, program = start_sleep(shell(), f"{probe} -s")
    for _ in range(50):
        os.kill(program, signal.SIGSTOP)
        await_state(nst, "T")
        time.sleep(0.01)  # what comes late, comes
        await_state(nst, "T")
        os.kill(program, signal.SIGCONT)
        await_state(nst, "SR")
        await_state(program, "SR")
    os.kill(program, signal.SIGKILL)


if __name__ == "__main__":
    signal.alarm(4 * PATIENCE)
    globals()[sys.argv[1]](sys.argv[2])
