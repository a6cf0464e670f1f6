# SPDX-License-Identifier: Apache-2.0
"""Plays a person at a terminal for attach_test.sh: attach_pty.py SCENARIO PROBE. Exit status 0 is success."""
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time


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

    def expect(self, pattern, seconds=10):
        """Waits for pattern in what comes after the last match."""
        end = time.monotonic() + seconds
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

    def status(self):
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


COUNTER = """
import signal, time
got = []
for s in (signal.SIGINT, signal.SIGUSR1, signal.SIGWINCH):
    signal.signal(s, lambda n, f: got.append(n))
print("up", flush=True)
end = time.monotonic() + 1.5
while time.monotonic() < end:
    time.sleep(0.05)
print("counts", got.count(signal.SIGINT), got.count(signal.SIGUSR1), got.count(signal.SIGWINCH), flush=True)
"""


def interrupt_once(probe):
    t = Terminal(probe, "--", "python3", "-c", COUNTER)
    t.expect("up")
    t.type("\x03")
    time.sleep(0.3)
    os.kill(t.pid, signal.SIGUSR1)
    t.expect("counts 1 1 0")
    assert t.status() == 0


def interrupt_kills(probe):
    t = Terminal(probe, "--", "sh", "-c", "echo up; exec sleep 100")
    t.expect("up")
    t.type("\x03")
    assert t.status() == 130


def interrupt_before_go(probe):
    t = Terminal(probe, "-h", "--", "sleep", "100")
    time.sleep(0.4)
    t.type("\x03")
    assert t.status() == 130


def group_kill_once(probe):
    """A signal to the whole group, from inside or outside, is not passed on a second time."""
    program = COUNTER.replace('print("up", flush=True)', "import os; os.kill(0, signal.SIGUSR1)")
    t = Terminal(probe, "--", "python3", "-c", program)
    t.expect("counts 0 1 0")
    assert t.status() == 0
    t = Terminal(probe, "--", "python3", "-c", COUNTER)
    t.expect("up")
    for _ in range(5):
        os.killpg(t.pid, signal.SIGUSR1)
        time.sleep(0.05)
        os.kill(t.pid, signal.SIGWINCH)
        time.sleep(0.05)
    t.expect("counts 0 5 5")
    assert t.status() == 0


def shell():
    t = Terminal("bash", "--norc", "--noprofile", "-i")
    t.expect("outer> ")
    return t


def stop_and_continue(probe):
    t = shell()
    t.type(f"{probe} -- cat\n")
    time.sleep(0.5)
    t.type("one\n")
    t.expect("one\r\none\r\n")
    t.type("\x1a")
    t.expect("Stopped")
    t.expect("outer> ")
    t.type("fg\n")
    time.sleep(0.3)
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
    time.sleep(0.6)
    t.type("jobs\n")
    t.expect("Stopped")
    t.type("fg\n")
    time.sleep(0.3)
    t.type("\x04")
    t.expect("outer> ")


def shell_inside(probe):
    t = shell()
    t.type(f"PS1='inner> ' {probe} -- bash --norc --noprofile -i\n")
    t.expect("inner> ")
    if "no job control" in t.seen:
        raise SystemExit("no job control")
    t.type("sleep 100\n")
    time.sleep(0.3)
    t.type("\x1a")
    t.expect("Stopped")
    t.expect("inner> ")
    t.type("bg\n")
    t.expect("inner> ")
    t.type("jobs\n")
    t.expect("Running")
    t.type("fg\n")
    time.sleep(0.3)
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
    t = Terminal("sh", "-c", f"{probe} -- bash --norc --noprofile -i; read line; echo got=$line")
    time.sleep(0.7)
    t.type("exit\n")
    time.sleep(0.5)
    t.type("hello\n")
    t.expect("got=hello\r\n")


def state(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        return f.read().rpartition(")")[2].split()[0]


def child_of(pid):
    return int(subprocess.check_output(["pgrep", "-P", str(pid)]).split()[0])


def await_state(pid, wanted):
    for _ in range(100):
        if state(pid) in wanted:
            return
        time.sleep(0.02)
    raise SystemExit(f"state {state(pid)}, not {wanted}")


def stop_from_elsewhere(probe):
    """nst stops with the program, and goes on when either is continued."""
    t = shell()
    t.type(f"{probe} -- sleep 1000\n")
    time.sleep(0.6)
    nst = child_of(t.pid)
    program = child_of(child_of(nst))
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
    time.sleep(0.2)
    await_state(nst, "SR")
    os.kill(program, signal.SIGKILL)


if __name__ == "__main__":
    signal.alarm(60)
    globals()[sys.argv[1]](sys.argv[2])
