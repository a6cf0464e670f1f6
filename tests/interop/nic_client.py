#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The kernel's end of nic_test.sh: nic_client.py PEER load | mss

load: sends by one connection, and compares what comes back; says "going" when some came; after SIGUSR1 it sends a
little more, and says "ok BYTES" or what is wrong. mss: how long the segments of a new connection are."""
import signal
import socket
import sys
import threading
import time

PEER = sys.argv[1]
BLOCK = bytes(i * 7 & 255 for i in range(65521))


MORE = 2000000
told = threading.Event()


def write(s, sent):
    at, end = 0, None
    try:
        while end is None or at < end:
            if end is None and told.is_set():
                end = at + MORE
            start = at % len(BLOCK)
            at += s.send(BLOCK[start:])
            time.sleep(0.005)  # a busy machine has to bear it, too
        s.shutdown(socket.SHUT_WR)
    except OSError as e:
        sent.append(str(e))
    sent.append(at)


def load():
    signal.alarm(250)
    signal.signal(signal.SIGUSR1, lambda *_: told.set())
    sent, got = [], 0
    with socket.create_connection((PEER, 7), timeout=120) as s:
        writer = threading.Thread(target=write, args=(s, sent))
        writer.start()
        try:
            while data := s.recv(65521):
                while data:
                    start = got % len(BLOCK)
                    n = min(len(data), len(BLOCK) - start)
                    if data[:n] != BLOCK[start : start + n]:
                        sys.exit(f"wrong bytes at {got}")
                    if got < len(BLOCK) <= got + n:
                        print("going", flush=True)
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
    with socket.create_connection((PEER, 7), timeout=60) as s:
        print(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))


if __name__ == "__main__":
    if sys.argv[2] == "load":
        load()
    else:
        mss()
