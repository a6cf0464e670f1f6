# SPDX-License-Identifier: Apache-2.0
"""The programs inside nst of run_*_test.sh, or outside it, then with NST_TEST_HOST=ADDRESS of what is published:
run_client.py SCENARIO ARGUMENTS...

Status 0 and silence if all is well; otherwise what is wrong, on stdout.
"""
import asyncio
import errno
import hashlib
import os
import resource
import socket
import struct
import sys
import threading
import time

HOST = os.environ.get("NST_TEST_HOST", "10.0.2.2")
TIMEOUT = 60


def pattern(token, n):
    return hashlib.shake_128(token.encode()).digest(n)


def new_token():
    return os.urandom(8).hex()


def connect(port, host=HOST, receive_buffer=0):
    s = socket.socket()
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.settimeout(TIMEOUT)
    s.connect((host, int(port)))
    return s


def begin(port, **options):
    """A connection and the token that it sent first."""
    s, token = connect(port, **options), new_token()
    s.sendall(token.encode())
    return s, token


def read_to_end(s, pause=0.0, size=1 << 18):
    data = bytearray()
    while piece := s.recv(size):
        data += piece
        if pause:
            time.sleep(pause)
    return bytes(data)


def result_of(port, token):
    with connect(port) as s:
        s.sendall(token.encode())
        return read_to_end(s).decode()


def let_read(port, token):
    """A slow reader begins when somebody asks for its result, which comes when it has ended."""
    with connect(port) as s:
        s.sendall(token.encode())


def expect(what, wanted, got):
    if wanted != got:
        wanted, got = (x if not isinstance(x, bytes) else f"{len(x)} bytes {x[:8].hex()}..." for x in (wanted, got))
        raise SystemExit(print(f"{what}: expected {wanted}, got {got}") or 1)


def told(data):
    return f"{len(data)} {hashlib.sha256(data).hexdigest()}"


def raise_limit(n):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(n, hard) if hard != resource.RLIM_INFINITY else n, hard))


def half_close_by_client(port):
    """The client ends its direction first, and still gets the whole answer."""
    s, token = begin(port)
    data = pattern(token + "up", 2 << 20)
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
    answer = read_to_end(s)
    expect("what the server read", told(data), answer[:100].decode().strip())
    expect("the answer", pattern(token, 3 << 20), answer[100:])


def half_close_by_server(port, result):
    """The server ends its direction first, and still gets everything."""
    s, token = begin(port)
    expect("what the server sent", pattern(token, 3 << 20), read_to_end(s))
    data = pattern(token + "up", 2 << 20)
    s.sendall(data)
    s.close()
    expect("what the server read", told(data), result_of(result, token))


def empty_stream(port, result):
    """The shortest conversation: a token, an end, no byte more."""
    for _ in range(5):
        s, token = begin(port)
        s.shutdown(socket.SHUT_WR)
        expect("what the server sent", pattern(token, 3 << 20), read_to_end(s))
        expect("what the server read", told(b""), result_of(result, token))


def both_ways(port, result, mib):
    """An upload and a download at the same time on one connection."""
    s, token = begin(port)
    size = int(mib) << 20
    s.sendall(struct.pack("!Q", size))
    up, down = pattern(token + "up", 1 << 20), pattern(token, 1 << 20)

    def send():
        for _ in range(size >> 20):
            s.sendall(up)
        s.shutdown(socket.SHUT_WR)

    sender = threading.Thread(target=send)
    sender.start()
    digest, total = hashlib.sha256(), 0
    while piece := s.recv(1 << 18):
        digest.update(piece)
        total += len(piece)
    sender.join()
    wanted = hashlib.sha256()
    for _ in range(size >> 20):
        wanted.update(down)
    expect("bytes received", f"{size} {wanted.hexdigest()}", f"{total} {digest.hexdigest()}")
    wanted = hashlib.sha256()
    for _ in range(size >> 20):
        wanted.update(up)
    expect("what the server read", f"{size} {wanted.hexdigest()}", result_of(result, token))


def slow_server(port, result, mib):
    """A server that reads slowly holds the sender back, and nothing is lost."""
    data = pattern("up", int(mib) << 20)  # before the server begins to wait
    s, token = begin(port)
    s.settimeout(0.5)
    taken = 0
    try:
        while taken < len(data):
            taken += s.send(data[taken:taken + 65536])
    except TimeoutError:
        pass
    if taken == len(data):
        raise SystemExit(print(f"all of {taken} bytes were taken though nobody read them") or 1)
    let_read(result, token)
    s.settimeout(TIMEOUT)
    s.sendall(data[taken:])
    s.close()
    expect("what the server read", told(data), result_of(result, token))


def slow_client(port, name):
    """A client that reads slowly, from a server that sends as fast as it may."""
    s = connect(port, receive_buffer=32768)
    s.sendall(f"GET /{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    time.sleep(1.5)
    data = read_to_end(s, 0.002, 65536)
    print(hashlib.sha256(data[data.index(b"\r\n\r\n") + 4:]).hexdigest(), end="")


def refused(port):
    """A port nobody listens on refuses at once."""
    begun = time.monotonic()
    for _ in range(10):
        try:
            connect(port)
        except ConnectionRefusedError:
            continue
        raise SystemExit(print("connected") or 1)
    if time.monotonic() - begun > 8:  # a second each, were they waited for
        raise SystemExit(print(f"10 refusals took {time.monotonic() - begun:.2f} s") or 1)


def unreachable(host):
    """No route outside is said at once, as the error that it is."""
    begun = time.monotonic()
    try:
        connect(80, host)
    except OSError as e:
        if e.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH) and time.monotonic() - begun < 20:
            return
        raise SystemExit(print(f"{e} after {time.monotonic() - begun:.1f} s") or 1) from None
    raise SystemExit(print("connected") or 1)


def reset_at_once(port):
    """Nobody listens behind a published port: a reset is all that can be said."""
    for _ in range(10):
        try:
            s = connect(port)
            data = s.recv(1)
        except ConnectionResetError:
            continue
        raise SystemExit(print(f"no ECONNRESET but {data!r}") or 1)


def who(port, udp_port, source, to, seen):
    """How a client at `source` that talks to `to` looks to the program: TCP and UDP."""
    for kind, number in ((socket.SOCK_STREAM, port), (socket.SOCK_DGRAM, udp_port)):
        s = socket.socket(socket.AF_INET, kind)
        s.settimeout(TIMEOUT)
        s.bind((source, 0))
        s.connect((to, int(number)))
        if kind == socket.SOCK_DGRAM:
            s.send(b"who")
        expect(f"{source} to {to} seen from inside", f"{seen} {s.getsockname()[1]}", s.recv(100).decode())


def bye(port):
    """What a program sent before it ended comes, all of it, and an end."""
    with connect(port) as s:
        expect("the last words", told(pattern("bye", 1 << 20) * 20), told(read_to_end(s)))


def denied(port):
    """Whatever the refusal is called, nothing connects and nothing waits."""
    begun = time.monotonic()
    try:
        connect(port)
    except OSError as e:
        if time.monotonic() - begun < 20:
            return
        raise SystemExit(print(f"{e} after {time.monotonic() - begun:.1f} s") or 1) from None
    raise SystemExit(print("connected") or 1)


def reset_by_server(port):
    for _ in range(10):
        s, _ = begin(port)
        try:
            data = s.recv(10)
        except ConnectionResetError:
            continue
        raise SystemExit(print(f"no ECONNRESET but {data!r}") or 1)


def reset_midway(port):
    """What came before the reset can be read, then it is seen."""
    s, token = begin(port)
    data = b""
    while len(data) < 100000:
        data += s.recv(65536)
    expect("what came before", pattern(token, 100000), data)
    s.sendall(b"x")
    try:
        data = s.recv(10)
    except ConnectionResetError:
        return
    raise SystemExit(print(f"no ECONNRESET but {data!r}") or 1)


def reset_by_client(port, result):
    s, token = begin(port)
    s.recv(1)  # it was heard
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
    expect("what the server saw", "ECONNRESET", result_of(result, token))


async def exchange(port, number, size):
    """Sends while it receives: the echo may come before all is sent."""
    reader, writer = await asyncio.open_connection(HOST, port)
    data = pattern(str(number), size)

    async def send():
        writer.write(data)
        await writer.drain()
        writer.write_eof()

    sending = asyncio.create_task(send())
    got = await reader.read(-1)
    await sending
    writer.close()
    return got == data


def parallel(port, count, size):
    """Many connections at once, all exact."""
    raise_limit(int(count) + 100)

    async def all_of_them():
        return await asyncio.gather(*(exchange(port, n, int(size)) for n in range(int(count))), return_exceptions=True)

    got = asyncio.run(all_of_them())
    bad = [g for g in got if g is not True]
    if bad:
        raise SystemExit(print(f"{len(bad)} of {count} are wrong, first: {bad[0]!r}") or 1)


def hold(port, count):
    """Connections that echo and stay half a second: how many were served, how many refused."""
    served = refusals = 0

    async def one():
        nonlocal served, refusals
        try:
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(b"hello")
            if await reader.readexactly(5) == b"hello":
                await asyncio.sleep(0.5)
                served += 1
            writer.close()
        except (ConnectionError, asyncio.IncompleteReadError, OSError):
            refusals += 1

    async def all_of_them():
        await asyncio.wait_for(asyncio.gather(*(one() for _ in range(int(count)))), TIMEOUT)

    try:
        asyncio.run(all_of_them())
    except TimeoutError:
        raise SystemExit(print("some wait for ever") or 1) from None
    os.write(1, f"{served} {refusals}\n".encode())


def udp_exact(ports, *sizes):
    """Datagrams of each size come back as they were, from every server."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.settimeout(20)
    for size in sizes:
        for port in ports.split(","):
            data = pattern(f"{port} {size}", int(size))
            for attempt in range(3):
                s.sendto(data, (HOST, int(port)))
                try:
                    got, peer = s.recvfrom(65536)
                    break
                except TimeoutError:
                    got, peer = b"", None
            expect(f"{size} bytes from port {port}", data, got)
            expect("the sender", (HOST, int(port)), peer)


def udp_segments(port, size, count):
    """Datagrams that the kernel is given as one, to be cut late (UDP_SEGMENT, as QUIC sends), come back
    one by one."""
    udp_segment = 103
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_UDP, udp_segment, int(size))
    s.settimeout(30)
    sent = [pattern(f"{n}", int(size)) for n in range(int(count))]
    s.sendto(sent[0], (HOST, int(port)))
    expect("the first", sent[0], s.recv(65536))
    s.sendto(b"".join(sent), (HOST, int(port)))
    expect("the datagrams", sorted(sent), sorted(s.recv(65536) for _ in sent))


def udp_many(ports, count):
    """Flows side by side: each socket gets its own answers and no others."""
    raise_limit(int(count) + 100)
    sockets = []
    for n in range(int(count)):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(30)
        s.connect((HOST, int(ports.split(",")[n % 3])))
        s.send(b"flow %d" % n)
        sockets.append(s)
    for n, s in enumerate(sockets):
        expect("flow", b"flow %d" % n, s.recv(100))


def udp_world(port):
    """Servers at several addresses, from one socket that is not connected."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(30)
    for host in ("192.0.2.1", "192.0.2.2", HOST):
        s.sendto(host.encode(), (host, int(port)))
        got, peer = s.recvfrom(100)
        expect("answer", (host.encode(), host, int(port)), (got, *peer))


def receives_error(s, what, *allowed):
    """What the kernel inside says to the next receive on a connected socket."""
    s.settimeout(30)
    try:
        got = s.recv(100)
    except OSError as e:
        if e.errno not in allowed:
            raise SystemExit(print(f"{what}: {e!r}") or 1) from None
        return
    raise SystemExit(print(f"{what}: {got!r}") or 1)


def udp_socket(port, host=HOST, all_errors=False):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if all_errors:
        s.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR: unreachable hosts and networks too
    s.connect((host, int(port)))
    return s


def udp_refused(port):
    """A port that nobody has: ECONNREFUSED, each time, and soon."""
    begun = time.monotonic()
    s = udp_socket(port)
    for _ in range(5):
        s.send(b"x")
        receives_error(s, "a closed port", errno.ECONNREFUSED)
    if time.monotonic() - begun > 20:
        raise SystemExit(print(f"5 refusals took {time.monotonic() - begun:.2f} s") or 1)


def udp_unreachable(host):
    """No route outside."""
    s = udp_socket(53, host, all_errors=True)
    s.send(b"x")
    receives_error(s, "no route", errno.ENETUNREACH, errno.EHOSTUNREACH)


def udp_reported(port):
    """What a router outside says by ICMP, code by code; a conversation survives the hints."""
    for code, wanted in ((0, errno.ENETUNREACH), (1, errno.EHOSTUNREACH), (3, errno.ECONNREFUSED),
                         (13, errno.EHOSTUNREACH)):
        s = udp_socket(port, all_errors=True)
        s.send(b"%d" % code)
        receives_error(s, f"code {code}", wanted)
    s = udp_socket(port, all_errors=True)
    s.settimeout(30)
    s.send(b"who")
    before = s.recv(100)
    s.send(b"1")
    receives_error(s, "in a conversation", errno.EHOSTUNREACH)
    s.settimeout(30)
    s.send(b"who")
    expect("the port outside", before, s.recv(100))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
