#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server that gets the bench's protocol wrong, at 127.9.9.9: one byte of what it sends, and the number of what it
got. Prints "ready"; ends with stdin."""
import socket
import sys
import threading

PERIOD, FACTOR = 65521, 2654435761


def pattern(n):
    """Its first n bytes, all right but the last."""
    right = bytes((i % PERIOD * FACTOR & 0xffffffff) >> 13 & 0xff for i in range(n))
    return right[:-1] + bytes([right[-1] ^ 1])


def source(connection):
    connection.sendall(pattern(5000))
    connection.recv(1)


def sink(connection):
    count = 0
    while data := connection.recv(1 << 20):
        count += len(data)
    connection.sendall((count - 1).to_bytes(8, "big"))


def echo(connection):
    while data := connection.recv(64):
        connection.sendall(data[:-1] + bytes([data[-1] ^ 1]))


def serve(listener, service):
    while True:
        connection, _ = listener.accept()
        with connection:
            try:
                service(connection)
            except ConnectionError:
                pass


for port, what in ((5001, sink), (5002, source), (5003, echo)):
    threading.Thread(target=serve, args=(socket.create_server(("127.9.9.9", port)), what), daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
