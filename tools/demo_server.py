#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The servers of `make demo`, on the host's loopback: a small web server and a small name server.

demo_server.py BYTES prints "http=PORT dns=PORT sum=SHA256" when it listens. GET /data gives BYTES bytes whose
SHA-256 is `sum`, any other page a greeting; PUT answers with the SHA-256 of what it was sent. The name server
knows one name, demo.test, which is 10.0.2.2: this machine's loopback as a program in nst sees it.
"""
import hashlib
import http.server
import os
import socket
import socketserver
import struct
import sys
import threading

SIZE = int(sys.argv[1])
BLOCK = os.urandom(1 << 20)
NAME, ADDRESS = b"\x04demo\x04test\x00", bytes((10, 0, 2, 2))


def blocks():
    """SIZE bytes of which no two blocks are the same."""
    left, number = SIZE, 0
    while left > 0:
        block = struct.pack("!Q", number) + BLOCK[8:]
        yield block[:left]
        left -= len(block)
        number += 1


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        if self.path != "/data":
            self.answer(f"hello {self.headers['Host']}, from process {os.getpid()} outside\n".encode())
            return
        self.send_response(200)
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()
        for block in blocks():
            self.wfile.write(block)

    def do_PUT(self):
        left, digest = int(self.headers["Content-Length"]), hashlib.sha256()
        while left > 0 and (piece := self.rfile.read1(min(left, 1 << 20))):
            digest.update(piece)
            left -= len(piece)
        self.answer(digest.hexdigest().encode() + b"\n")


def dns_answer(query):
    """RFC 1035 4.1: the question comes back, with an address if it is of our name (type A, class IN)."""
    end = query.index(0, 12) + 5
    known = query[12:end - 4].lower() == NAME
    has = known and query[end - 4:end] == b"\0\1\0\1"
    head = query[:2] + struct.pack("!HHHHH", 0x8580 | (0 if known else 3), 1, int(has), 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + ADDRESS
    return head + query[12:end] + (record if has else b"")


class Names(socketserver.BaseRequestHandler):
    def handle(self):
        query, s = self.request
        if len(query) >= 17:
            s.sendto(dns_answer(query), self.client_address)


def main():
    digest = hashlib.sha256()
    for block in blocks():
        digest.update(block)
    web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    names = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Names)
    names.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 18)
    threading.Thread(target=names.serve_forever, daemon=True).start()
    print(f"http={web.server_address[1]} dns={names.server_address[1]} sum={digest.hexdigest()}", flush=True)
    web.serve_forever()


main()
