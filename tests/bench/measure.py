# SPDX-License-Identifier: Apache-2.0
"""Running what is measured: programs that print one line of JSON, servers that say "ready", A B A B."""
import contextlib
import json
import subprocess


ATTEMPTS = 4  # of a peer


class Failure(Exception):
    """A program that was measured failed; the text says which, and what it said."""


def run(*command, timeout=300, good=(0,)):
    """What a program printed. Failure if its status is not among `good`, or it took too long."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, check=False)
    except subprocess.TimeoutExpired:
        raise Failure(f"{command_name(command)}: not done after {timeout} s") from None
    except OSError as error:
        raise Failure(f"{command_name(command)}: {error}") from None
    if done.returncode not in good:
        said = " ".join(done.stderr.split())[-200:]
        raise Failure(f"{command_name(command)}: status {done.returncode}: {said}")
    return done.stdout


def command_name(command):
    """The program and its arguments, short."""
    return " ".join(part.rsplit("/", 1)[-1] for part in command)[-90:]


def client(*command):
    """The JSON that a client printed in its last line."""
    lines = run(*command).splitlines()
    try:
        return json.loads(lines[-1])
    except (ValueError, IndexError):
        raise Failure(f"{command_name(command)}: printed no JSON") from None


@contextlib.contextmanager
def server(*command):
    """A server that runs as long as the block. It said "ready", and its stdin ends with the block."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as process:
        try:
            if process.stdout.readline() != "ready\n":
                process.kill()
                raise Failure(f"{command_name(command)}: {' '.join(process.stderr.read().split())[-200:]}")
            yield process
        finally:
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def is_ours(name):
    return name.startswith(("nicstack", "nst run"))


def once(table, row, name, measure):
    """One measurement, or None. What is ours must not fail. A peer may, such as one that lost bytes: it has another
    try, and the table says so."""
    for _ in range(1 if is_ours(name) else ATTEMPTS):
        try:
            return measure()
        except Failure as error:
            failure = error
            if is_ours(name):
                table.fail(row, name, error)
            else:
                table.note(row, name, f"failed once: {error}")
    if not is_ours(name):
        table.skip(row, name, f"failed {ATTEMPTS} times in a row: {failure}")
    return None


def in_turn(table, row, runs, contestants):
    """A B A B: {name: [what each run gave]} of {name: function}. Who fails for good is told, and not asked again."""
    found = {name: [] for name in contestants}
    for _ in range(runs):
        for name in list(found):
            value = once(table, row, name, contestants[name])
            if value is None:
                del found[name]
            else:
                found[name].append(value)
    return found
