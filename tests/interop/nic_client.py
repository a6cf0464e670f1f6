#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The kernel's end of nic_test.sh: nic_client.py PEER load SECONDS | mss

load: sends for so long, by one connection, and compares what comes back; says "ok BYTES" or what is
wrong. mss: how long the segments of a new connection are."""
import socket
import sys
import threading
import time

PEER = sys.argv[1]
BLOCK = bytes(i * 7 & 255 for i in range(65521))


def write(s, seconds, sent):
    end = time.monotonic() + seconds
    at = 0
    try:
        while time.monotonic() < end:
            start = at % len(BLOCK)
            at += s.send(BLOCK[start:])
            time.sleep(0.005)  # a busy machine has to bear it, too
        s.shutdown(socket.SHUT_WR)
    except OSError as e:
        sent.append(str(e))
    sent.append(at)


def load(seconds):
    sent, got = [], 0
    with socket.create_connection((PEER, 7), timeout=90) as s:
        writer = threading.Thread(target=write, args=(s, seconds, sent))
        writer.start()
        try:
            while data := s.recv(65521):
                while data:
                    start = got % len(BLOCK)
                    n = min(len(data), len(BLOCK) - start)
                    if data[:n] != BLOCK[start : start + n]:
                        sys.exit(f"wrong bytes at {got}")
                    got += n
                    data = data[n:]
        except OSError as e:
            s.close()
            writer.join()
            sys.exit(f"{e} after {got} bytes")
        writer.join()
    if sent != [got] or got == 0:
        sys.exit(f"sent {sent}, got {got}")
    print("ok", got)


def mss():
    with socket.create_connection((PEER, 7), timeout=10) as s:
        print(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))


if __name__ == "__main__":
    if sys.argv[2] == "load":
        load(float(sys.argv[3]))
    else:
        mss()
