# SPDX-License-Identifier: Apache-2.0
"""The servers outside that run_*_test.sh talks to through nst: run_server.py FOLDER [FIRST].

Prints NAME=PORT for each and then "ready". Everything listens on 0.0.0.0 (loopback is all there is in the
namespace of the test; without one only loopback is used, see HOST), on free ports, or, inside nst, on those
from FIRST on. What a server saw of a connection is
kept under the token that its client sent first, and the port `result` tells it.
"""
import hashlib
import itertools
import os
import resource
import socket
import struct
import sys
import threading
import time

HOST = "0.0.0.0" if os.getuid() == 0 or len(sys.argv) > 2 else "127.0.0.1"
folder = sys.argv[1]
ports = itertools.count(int(sys.argv[2])) if len(sys.argv) > 2 else itertools.repeat(0)
results = {}
asked = set()  # the tokens of which somebody wants the result
arrived = threading.Condition()


def store(token, value):
    with arrived:
        results[token] = value
        arrived.notify_all()


def read_exactly(s, n):
    data = bytearray()
    while len(data) < n:
        piece = s.recv(n - len(data))
        if not piece:
            raise EOFError(f"end after {len(data)} of {n}")
        data += piece
    return bytes(data)


def read_to_end(s, pause=0.0, size=1 << 20):
    """Length and SHA-256 of what comes before the end."""
    total, digest, buffer = 0, hashlib.sha256(), memoryview(bytearray(size))
    while (n := s.recv_into(buffer)) > 0:
        digest.update(buffer[:n])
        total += n
        if pause:
            time.sleep(pause)
    return f"{total} {digest.hexdigest()}"


def pattern(token, n):
    return hashlib.shake_128(token.encode()).digest(n)


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def http(s):
    """GET /NAME gives the file; PUT answers with the SHA-256 of the body."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = s.recv(65536)
        if not piece:
            return
        head += piece
    head, body = head.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    method, path, _ = lines[0].split(" ")
    fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
    if method == "GET":
        with open(os.path.join(folder, os.path.basename(path)), "rb") as f:
            size = os.fstat(f.fileno()).st_size
            s.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n".encode())
            s.sendfile(f)
        return
    if "expect" in fields:
        s.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    left, digest, buffer = int(fields["content-length"]) - len(body), hashlib.sha256(body), memoryview(bytearray(1 << 20))
    while left > 0 and (n := s.recv_into(buffer, min(left, len(buffer)))) > 0:
        digest.update(buffer[:n])
        left -= n
    text = digest.hexdigest()
    s.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode())


def token_of(s):
    return read_exactly(s, 16).decode()


def echo(s):
    """Gives back what comes, at the pace at which it is taken."""
    buffer = memoryview(bytearray(1 << 18))
    while (n := s.recv_into(buffer)) > 0:
        s.sendall(buffer[:n])


def answer_after_end(s):
    """Reads to the end; only then answers, with what it read and 3 MiB."""
    token = token_of(s)
    seen = read_to_end(s)
    s.sendall(seen.encode().ljust(100) + pattern(token, 3 << 20))


def end_then_read(s):
    """Sends 3 MiB and its end first, then reads to the end."""
    token = token_of(s)
    s.sendall(pattern(token, 3 << 20))
    s.shutdown(socket.SHUT_WR)
    store(token, read_to_end(s))


def both_ways(s):
    """Sends and receives at the same time."""
    token = token_of(s)
    size = struct.unpack("!Q", read_exactly(s, 8))[0]
    data = pattern(token, 1 << 20)
    sender = threading.Thread(target=lambda: [s.sendall(data) for _ in range(size >> 20)] and s.shutdown(socket.SHUT_WR))
    sender.start()
    store(token, read_to_end(s))
    sender.join()


def slow_reader(s):
    """Begins to read when somebody asks for its result."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    token = token_of(s)
    with arrived:
        arrived.wait_for(lambda: token in asked, 100)
    store(token, read_to_end(s, 0.002, 65536))


def resets(s):
    token_of(s)
    reset(s)


def resets_midway(s):
    """Sends some, waits until it was read, and resets."""
    token = token_of(s)
    s.sendall(pattern(token, 100000))
    read_exactly(s, 1)
    reset(s)


def watches_reset(s):
    token = token_of(s)
    s.sendall(b"!")
    try:
        store(token, read_to_end(s))
    except ConnectionResetError:
        store(token, "ECONNRESET")


def seen(s):
    """Tells the peer how it looks from here."""
    s.sendall("{} {}".format(*s.getpeername()).encode())


def bye(s):
    """Sends 20 MiB, and ends with all that is around it."""
    s.sendall(pattern("bye", 1 << 20) * 20)
    os._exit(0)


def result(s):
    """What is known under a token, when it is known."""
    token = token_of(s)
    with arrived:
        asked.add(token)
        arrived.notify_all()
        arrived.wait_for(lambda: token in results, 100)
        s.sendall(results.get(token, "nothing").encode())


def serve(listener, handle):
    def one(s):
        try:
            with s:
                handle(s)
        except (OSError, EOFError) as e:
            print(f"{handle.__name__}: {e}", file=sys.stderr, flush=True)

    while True:
        s, _ = listener.accept()
        threading.Thread(target=one, args=(s,), daemon=True).start()


def serve_udp(s):
    while True:
        data, peer = s.recvfrom(65536)
        s.sendto(data, peer)


def udp_seen(s):
    while True:
        peer = s.recvfrom(65536)[1]
        s.sendto("{} {}".format(*peer).encode(), peer)


def complain(s):
    """Answers a number with the ICMP unreachable of this code, as a router would, and "who" with the peer."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    while True:
        data, peer = s.recvfrom(65536)
        if data == b"who":
            s.sendto(repr(peer).encode(), peer)
            continue
        to = ("127.0.0.1", s.getsockname()[1])
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(data), 1, 0, 64, 17, 0,
                         socket.inet_aton(peer[0]), socket.inet_aton(to[0]))
        body = ip + struct.pack("!HHHH", peer[1], to[1], 8 + len(data), 0)
        words = struct.unpack(f"!{(8 + len(body)) // 2}H", struct.pack("!BBHI", 3, int(data), 0, 0) + body)
        total = sum(words)
        while total >> 16:
            total = (total & 0xffff) + (total >> 16)
        raw.sendto(struct.pack("!BBHI", 3, int(data), total ^ 0xffff, 0) + body, (peer[0], 0))


def start_udp(host, handle=serve_udp):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.bind((host, next(ports)))
    threading.Thread(target=handle, args=(s,), daemon=True).start()
    return s.getsockname()[1]


def start_tcp(handle):
    listener = socket.create_server((HOST, next(ports)), backlog=4096)
    threading.Thread(target=serve, args=(listener, handle), daemon=True).start()
    return listener.getsockname()[1]


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    threading.stack_size(256 * 1024)
    for handle in (http, echo, answer_after_end, end_then_read, both_ways, slow_reader, resets, resets_midway,
                   watches_reset, result, seen, bye):
        print(f"{handle.__name__}={start_tcp(handle)}")
    for name in ("udp", "udp2", "udp3"):
        print(f"{name}={start_udp(HOST)}")
    print(f"udp_seen={start_udp(HOST, udp_seen)}")
    if os.getuid() == 0 and len(sys.argv) == 2:
        print(f"complain={start_udp(HOST, complain)}")
    nobody = socket.socket()
    nobody.bind((HOST, next(ports)))  # taken, and nobody listens
    print(f"nobody={nobody.getsockname()[1]}")
    closed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    closed.bind((HOST, next(ports)))
    closed.connect((HOST if HOST != "0.0.0.0" else "127.0.0.1", 1))  # taken, and takes nothing from others
    print(f"closed={closed.getsockname()[1]}")
    print("ready", flush=True)
    while True:
        time.sleep(1000)


main()
