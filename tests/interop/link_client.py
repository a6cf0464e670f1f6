#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The kernel's end of link_test.sh: link_client.py PEER echo | sink BYTES | source BYTES."""
import socket
import sys

PEER = sys.argv[1]
PERIOD = 65521
PATTERN = bytes((i * 2654435761 & 0xFFFFFFFF) >> 24 for i in range(PERIOD))
ROUND = PATTERN * 17


def echo():
    """UDP of every size that could matter; big ones go in fragments."""
    family = socket.AF_INET6 if ":" in PEER else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(60)
        s.connect((PEER, 7))
        sizes = list(range(0, 70)) + list(range(1440, 1500)) + list(range(2920, 2980))
        for size in sizes + [4000, 8000, 8192, 12345, 16384, 20000, 60000, 65507]:
            data = ROUND[size % 251 :][:size]
            s.send(data)
            got = s.recv(65536)
            if got != data:
                sys.exit(f"{size} bytes came back as {len(got)}")


def connect(port):
    s = socket.create_connection((PEER, port), timeout=60)
    return s


def sink(total):
    """Sends; the peer says how many bytes it got right."""
    with connect(9) as s:
        at = 0
        while at < total:
            start = at % PERIOD
            at += s.send(memoryview(ROUND)[start : start + min(total - at, len(ROUND) - start)])
        s.shutdown(socket.SHUT_WR)
        answer = s.makefile().readline()
    if int(answer or 0) != total:
        sys.exit(f"the peer got {answer.strip() or 'nothing'} of {total}")


def source(total):
    """Receives and compares."""
    with connect(19) as s:
        s.sendall(b"%d\n" % total)
        buffer = bytearray(PERIOD)
        at = 0
        while n := s.recv_into(buffer):
            start = at % PERIOD
            if memoryview(buffer)[:n] != memoryview(ROUND)[start : start + n]:
                sys.exit(f"wrong bytes at {at}")
            at += n
    if at != total:
        sys.exit(f"{at} of {total} bytes came")


if __name__ == "__main__":
    {"echo": echo, "sink": sink, "source": source}[sys.argv[2]](*map(int, sys.argv[3:]))
