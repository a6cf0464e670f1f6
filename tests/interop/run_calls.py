# SPDX-License-Identifier: Apache-2.0
"""Calls of sockets, inside nst: run_calls.py SCENARIO ECHO UDP NOBODY CLOSED, ports of run_server.py.

What is expected is what Linux does. Status 0 and silence if all is well; otherwise what is wrong, on stdout.
"""
import array
import ctypes
import errno
import fcntl
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

HOST = "10.0.2.2"
ME = "10.0.2.15"
ECHO, UDP, NOBODY, CLOSED = (int(x) for x in sys.argv[2:6])
LIBC = ctypes.CDLL(None, use_errno=True)


def expect(what, wanted, got):
    if wanted != got:
        raise SystemExit(print(f"{what}: expected {wanted!r}, got {got!r}") or 1)


def fails(what, wanted, call, *args):
    try:
        got = call(*args)
    except OSError as e:
        expect(what, errno.errorcode[wanted], errno.errorcode.get(e.errno, e.errno))
        return
    raise SystemExit(print(f"{what}: expected {errno.errorcode[wanted]}, got {got!r}") or 1)


def connect(port=ECHO, host=HOST):
    s = socket.socket()
    s.settimeout(30)
    s.connect((host, port))
    return s


def ask(s, data=b"hello"):
    s.sendall(data)
    got = b""
    while len(got) < len(data):
        piece = s.recv(65536)
        if not piece:
            break
        got += piece
    return got


def datagrams(family=socket.AF_INET):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(30)
    return s


def options():
    s = connect()
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    expect("TCP_NODELAY", 1, s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 30)
    expect("TCP_KEEPIDLE", 60, s.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x10)
    expect("IP_TOS", 0x10, s.getsockopt(socket.IPPROTO_IP, socket.IP_TOS))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 5))
    expect("SO_LINGER", struct.pack("ii", 1, 5), s.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 50000)
    expect("SO_RCVBUF is doubled", 100000, s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
    for name, wanted in (("SO_ERROR", 0), ("SO_TYPE", socket.SOCK_STREAM), ("SO_DOMAIN", socket.AF_INET),
                         ("SO_PROTOCOL", socket.IPPROTO_TCP), ("SO_ACCEPTCONN", 0)):
        expect(name, wanted, s.getsockopt(socket.SOL_SOCKET, getattr(socket, name)))
    info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    expect("TCP_INFO: established", 1, info[0])
    fails("an option that there is not", errno.ENOPROTOOPT, s.getsockopt, socket.SOL_SOCKET, 9999)
    fails("an option that may not be set", errno.ENOPROTOOPT, s.setsockopt, socket.SOL_SOCKET, socket.SO_TYPE, 1)
    expect("after all that", b"hello", ask(s))
    u = datagrams()
    expect("SO_TYPE of datagrams", socket.SOCK_DGRAM, u.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE))
    expect("SO_PROTOCOL of datagrams", socket.IPPROTO_UDP, u.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL))
    a, b = socket.socketpair()
    a.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    expect("a unix socket's option is the kernel's", 1, a.getsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED))
    expect("and its domain", socket.AF_UNIX, b.getsockopt(socket.SOL_SOCKET, socket.SO_DOMAIN))


def poll(s, events, timeout=30000):
    p = select.poll()
    p.register(s, events)
    got = p.poll(timeout)
    return got[0][1] if got else 0


def non_blocking():
    s = socket.socket()
    s.setblocking(False)
    expect("connect_ex", errno.EINPROGRESS, s.connect_ex((HOST, ECHO)))
    expect("writable when connected", select.POLLOUT, poll(s, select.POLLOUT))
    expect("SO_ERROR", 0, s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    expect("the peer", (HOST, ECHO), s.getpeername())
    expect("again, after it stands", (0, errno.EISCONN), (s.connect_ex((HOST, ECHO)), s.connect_ex((HOST, ECHO))))
    fails("nothing to read yet", errno.EAGAIN, s.recv, 10)
    s.send(b"hello")
    expect("readable", select.POLLIN, poll(s, select.POLLIN))
    expect("no byte too many", b"hello", s.recv(100))
    # Registered before the connect, as Go does it: the edge comes when it stands.
    s = socket.socket()
    s.setblocking(False)
    p = select.epoll()
    p.register(s, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)
    p.poll(0)
    expect("connect_ex again", errno.EINPROGRESS, s.connect_ex((HOST, ECHO)))
    deadline = time.monotonic() + 30
    while s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != 1 and time.monotonic() < deadline:
        p.poll(1)
    expect("the peer again", (HOST, ECHO), s.getpeername())
    s.setblocking(True)
    expect("an echo", b"x" * 300000, ask(s, b"x" * 300000))
    # One that is refused.
    s = socket.socket()
    s.setblocking(False)
    expect("connect_ex to nobody", errno.EINPROGRESS, s.connect_ex((HOST, NOBODY)))
    expect("writable when refused", select.POLLOUT, poll(s, select.POLLOUT) & select.POLLOUT)
    expect("SO_ERROR tells", errno.ECONNREFUSED, s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    expect("once", 0, s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    fails("no peer", errno.ENOTCONN, s.getpeername)
    # A blocking one that is refused may be tried again.
    s = socket.socket()
    fails("refused", errno.ECONNREFUSED, s.connect, (HOST, NOBODY))
    s.connect((HOST, ECHO))
    expect("and connected", b"hello", ask(s))


def names_of_sockets():
    s = socket.socket()
    expect("before", ("0.0.0.0", 0), s.getsockname())
    fails("no peer", errno.ENOTCONN, s.getpeername)
    s.connect((HOST, ECHO))
    expect("my address", ME, s.getsockname()[0])
    expect("a port", True, s.getsockname()[1] > 0)
    expect("the peer", (HOST, ECHO), s.getpeername())
    s = socket.socket()
    s.bind(("", 23456))
    expect("bound", ("0.0.0.0", 23456), s.getsockname())
    s.connect((HOST, ECHO))
    expect("bound and connected", (ME, 23456), s.getsockname())
    fails("not my address", errno.EADDRNOTAVAIL, socket.socket().bind, ("192.0.2.77", 0))
    s = socket.socket()
    fails("too short", errno.EINVAL, lambda: raise_errno(LIBC.connect(s.fileno(), b"\2\0", 2)))
    u = datagrams()
    u.connect((HOST, UDP))
    expect("the peer of datagrams", (HOST, UDP), u.getpeername())
    expect("my address of datagrams", ME, u.getsockname()[0])
    six = socket.socket(socket.AF_INET6)
    six.connect((f"::ffff:{HOST}", ECHO))
    expect("a mapped peer", (f"::ffff:{HOST}", ECHO), six.getpeername()[:2])
    expect("a mapped echo", b"hello", ask(six))
    fails("nobody of this network", errno.EHOSTUNREACH, socket.socket(socket.AF_INET6).connect, ("fd00:0:0:2::77", 80))
    fails("no route for IPv6", errno.ENETUNREACH, socket.socket(socket.AF_INET6).connect, ("2001:db8::1", 80))


def raise_errno(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), "")
    return result


def loopback():
    """The program's own loopback: nobody listens but itself."""
    fails("nobody listens there", errno.ECONNREFUSED, connect, NOBODY, "127.0.0.1")
    fails("the host's loopback is not mine", errno.ECONNREFUSED, connect, ECHO, "127.0.0.1")
    a, b = datagrams(), datagrams()
    a.bind(("127.0.0.1", 0))
    b.bind(("127.0.0.1", 0))
    a.sendto(b"x", b.getsockname())
    expect("a datagram of my own", (b"x", a.getsockname()), b.recvfrom(10))
    b.sendto(b"y", a.getsockname())
    expect("and back", (b"y", b.getsockname()), a.recvfrom(10))
    server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    six = socket.socket(socket.AF_INET6)
    six.connect(("::1", server.getsockname()[1]))
    s, peer = server.accept()
    expect("a peer by IPv6", six.getsockname(), peer)
    s.sendall(b"six")
    expect("bytes by IPv6", b"six", six.recv(10))


def listen_and_accept():
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    expect("it listens", 1, server.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
    expect("not readable", 0, poll(server, select.POLLIN, 0))
    clients = [connect(port, "127.0.0.1") for _ in range(3)]
    for client in clients:
        expect("readable", select.POLLIN, poll(server, select.POLLIN))
        s, peer = server.accept()
        expect("the peer", client.getsockname(), peer)
        client.sendall(b"from the client")
        expect("to the server", b"from the client", s.recv(100))
        s.sendall(b"z" * 500000)
        s.close()
        got = b""
        while piece := client.recv(65536):
            got += piece
        expect("to the client", 500000, len(got))
    expect("none is left", 0, poll(server, select.POLLIN, 0))
    server.setblocking(False)
    fails("accept does not block", errno.EAGAIN, server.accept)
    server.setblocking(True)
    # accept that waits.
    thread = threading.Thread(target=lambda: time.sleep(0.3) or connect(port, "127.0.0.1").sendall(b"late"))
    thread.start()
    s, _ = server.accept()
    expect("what came late", b"late", s.recv(10))
    thread.join()
    # shutdown wakes who waits.
    threading.Timer(0.3, server.shutdown, (socket.SHUT_RDWR,)).start()
    fails("accept on one that was shut down", errno.EINVAL, server.accept)
    # Another process serves.
    server = socket.create_server(("", 0))
    port = server.getsockname()[1]
    pid = os.fork()
    if pid == 0:
        s, _ = server.accept()
        s.sendall(s.recv(100).upper())
        os._exit(0)
    server.close()
    with connect(port, ME) as s:
        expect("a child answers", b"HELLO", ask(s))
    expect("and ends", 0, os.waitpid(pid, 0)[1])


def many_threads():
    wrong = []

    def one(n):
        try:
            for _ in range(10):
                with connect() as s:
                    data = bytes([n]) * 20000
                    if ask(s, data) != data:
                        wrong.append(n)
                with datagrams() as u:
                    u.sendto(b"%d" % n, (HOST, UDP))
                    if u.recvfrom(100) != (b"%d" % n, (HOST, UDP)):
                        wrong.append(n)
        except OSError as e:
            wrong.append((n, e))

    threads = [threading.Thread(target=one, args=(n,)) for n in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    expect("wrong", [], wrong)


def forks():
    """A connection is used by a child, and by what the child becomes; it ends with the last copy."""
    s = connect()
    s.setblocking(True)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if ask(s) == b"hello" and s.getpeername() == (HOST, ECHO) else 1)
    expect("the child", 0, os.waitpid(pid, 0)[1])
    os.set_inheritable(s.fileno(), True)
    code = "import socket, sys; s = socket.socket(fileno=int(sys.argv[1])); s.sendall(b'exec'); " \
           "print(s.recv(10) == b'exec', s.getpeername() == ('10.0.2.2', int(sys.argv[2])))"
    said = subprocess.run([sys.executable, "-c", code, str(s.fileno()), str(ECHO)], close_fds=False,
                          stdout=subprocess.PIPE, check=True).stdout
    expect("what it became", b"True True\n", said)
    copy = s.dup()
    s.close()
    expect("a copy", b"hello", ask(copy))
    fd = copy.fileno()
    expect("close-on-exec is as asked", True, bool(fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC))
    raw = LIBC.socket(socket.AF_INET, socket.SOCK_STREAM, 0)
    expect("or not", False, bool(fcntl.fcntl(raw, fcntl.F_GETFD) & fcntl.FD_CLOEXEC))
    expect("and blocking", False, bool(fcntl.fcntl(raw, fcntl.F_GETFL) & os.O_NONBLOCK))


def passes_descriptors():
    a, b = socket.socketpair()
    s = connect()
    s.setblocking(True)
    pid = os.fork()
    if pid == 0:
        s.close()
        a.close()
        _, anc, _, _ = b.recvmsg(10, socket.CMSG_SPACE(4))
        got = socket.socket(fileno=array.array("i", anc[0][2])[0])
        os._exit(0 if ask(got) == b"hello" and got.getpeername() == (HOST, ECHO) else 1)
    a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [s.fileno()]))])
    s.close()
    expect("who got it", 0, os.waitpid(pid, 0)[1])


def messages():
    """sendmsg and recvmsg, in pieces, with and without names."""
    u = datagrams()
    u.sendmsg([b"one ", b"", b"two ", b"three"], [], 0, (HOST, UDP))
    data, _, flags, peer = u.recvmsg(100)
    expect("recvmsg", (b"one two three", 0, (HOST, UDP)), (data, flags, peer))
    u.sendto(b"0123456789", (HOST, UDP))
    expect("peek", (b"0123", (HOST, UDP)), u.recvfrom(4, socket.MSG_PEEK))
    expect("the length with MSG_TRUNC", 10, u.recvfrom_into(bytearray(4), 4, socket.MSG_PEEK | socket.MSG_TRUNC)[0])
    data, _, flags, peer = u.recvmsg(4)
    expect("cut", (b"0123", socket.MSG_TRUNC, (HOST, UDP)), (data, flags, peer))
    u.sendto(b"abcdef", (HOST, UDP))
    pieces = [bytearray(2), bytearray(1), bytearray(5)]
    n, _, _, _ = u.recvmsg_into(pieces)
    expect("scattered", (6, b"ab", b"c", b"def\0\0"), (n, *(bytes(p) for p in pieces)))
    u.connect((HOST, UDP))
    u.send(b"plain")
    expect("recv", b"plain", u.recv(100))
    u.sendmsg([b"con", b"nected"])
    expect("recvmsg when connected", (b"connected", (HOST, UDP)), u.recvmsg(100)[::3])
    u.sendto(b"named", (HOST, UDP))
    expect("readable", select.POLLIN, poll(u, select.POLLIN))
    expect("read", b"named", os.read(u.fileno(), 100))
    fails("too long", errno.EMSGSIZE, u.sendto, bytes(65508), (HOST, UDP))
    fails("no address", errno.EDESTADDRREQ, datagrams().sendmsg, [b"x"])
    s = connect()
    s.sendmsg([b"str", b"eam"])
    expect("a stream's recvmsg", b"stream", s.recvmsg(100)[0])
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    a.sendmsg([b"un", b"ix"])
    expect("unix sockets are the kernel's", b"unix", b.recvmsg(10)[0])


def timeouts():
    """SO_RCVTIMEO ends calls that nst keeps, too."""
    limit = struct.pack("ll", 0, 300000)
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.bind(("", 0))
    u.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    expect("it reads as it was written", limit, u.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, 16))
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(None)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
    for what, call in (("recvfrom", lambda: u.recvfrom(10)), ("recvmsg", lambda: u.recvmsg(10)),
                       ("accept", server.accept)):
        begun = time.monotonic()
        fails(what, errno.EAGAIN, call)
        took = time.monotonic() - begun
        expect(f"{what} waited ({took:.2f} s)", True, 0.2 < took < 20)
    u.setblocking(False)
    fails("or not at all", errno.EAGAIN, u.recvfrom, 10)
    u.setblocking(True)
    fails("MSG_DONTWAIT", errno.EAGAIN, u.recvfrom, 10, socket.MSG_DONTWAIT)
    # A signal's handler runs, and the call goes on.
    seen = []
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.bind(("127.0.0.1", 0))
    signal.signal(signal.SIGALRM, lambda *_: seen.append(1) or datagrams().sendto(b"woken", u.getsockname()))
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    expect("after a signal", (b"woken", [1]), (u.recvfrom(10)[0], seen))


def empty_datagrams():
    u = datagrams()
    for _ in range(3):
        u.sendto(b"", (HOST, UDP))
        expect("an empty one", (b"", (HOST, UDP)), u.recvfrom(10))
    u.connect((HOST, UDP))
    u.send(b"")
    expect("from the peer", b"", u.recv(10))
    u.send(b"x")
    expect("and one that is not", b"x", u.recv(10))


def refused_datagrams():
    u = datagrams()
    u.connect((HOST, CLOSED))
    u.send(b"x")
    fails("recvfrom tells", errno.ECONNREFUSED, u.recvfrom, 10)
    u.send(b"x")
    expect("it is readable", True, poll(u, select.POLLIN) != 0)
    expect("SO_ERROR tells", errno.ECONNREFUSED, u.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))


def unsupported():
    fails("raw", errno.EPERM, socket.socket, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    fails("SCTP", errno.EPROTONOSUPPORT, socket.socket, socket.AF_INET, socket.SOCK_STREAM, 132)
    setup = 425
    LIBC.syscall.restype = ctypes.c_long
    expect("io_uring", (-1, errno.ENOSYS), (LIBC.syscall(setup, 8, ctypes.create_string_buffer(120)), ctypes.get_errno()))
    fails("a name service", errno.ENOENT, socket.socket(socket.AF_UNIX).connect, "/var/run/nscd/socket")
    fails("TCP fast open", errno.EOPNOTSUPP, socket.socket().sendto, b"x", socket.MSG_FASTOPEN, (HOST, ECHO))
    fails("listen of datagrams", errno.EOPNOTSUPP, datagrams().listen)
    fails("shutdown before connect", errno.ENOTCONN, socket.socket().shutdown, socket.SHUT_RDWR)


def hostile():
    """Nonsense gets an error, and nst serves on."""
    libc, s, u = LIBC, socket.socket(), datagrams()
    bad = ctypes.c_void_p(8)
    huge = ctypes.c_void_p(2 ** 64 - 4096)
    name = struct.pack("=HH4s8x", socket.AF_INET, socket.htons(UDP), socket.inet_aton(HOST))
    for what, wanted, call in (
            ("connect, bad address", errno.EFAULT, lambda: libc.connect(s.fileno(), bad, 16)),
            ("connect, huge address", errno.EFAULT, lambda: libc.connect(s.fileno(), huge, 16)),
            ("connect, negative length", errno.EINVAL, lambda: libc.connect(s.fileno(), name, -1)),
            ("connect, long length", errno.EINVAL, lambda: libc.connect(s.fileno(), name, 129)),
            ("connect, no length", errno.EINVAL, lambda: libc.connect(s.fileno(), name, 0)),
            ("connect, another family", errno.EAFNOSUPPORT, lambda: libc.connect(s.fileno(), b"\x63" + b"\0" * 15, 16)),
            ("bind, bad address", errno.EFAULT, lambda: libc.bind(s.fileno(), bad, 16)),
            ("sendto, bad data", errno.EFAULT, lambda: libc.sendto(u.fileno(), bad, 10, 0, name, 16)),
            ("sendto, bad name", errno.EFAULT, lambda: libc.sendto(u.fileno(), b"x", 1, 0, bad, 16)),
            ("sendto, much", errno.EMSGSIZE, lambda: libc.sendto(u.fileno(), b"x", ctypes.c_size_t(2 ** 62), 0, name, 16)),
            ("getsockname, bad address", errno.EFAULT, lambda: libc.getsockname(s.fileno(), bad, ctypes.byref(ctypes.c_int(16)))),
            ("getsockname, bad length", errno.EFAULT, lambda: libc.getsockname(s.fileno(), ctypes.create_string_buffer(16), bad)),
            ("getsockname, negative length", errno.EINVAL,
             lambda: libc.getsockname(s.fileno(), ctypes.create_string_buffer(16), ctypes.byref(ctypes.c_int(-1)))),
            ("getsockopt, bad address", errno.EFAULT, lambda: libc.getsockopt(s.fileno(), 1, 4, bad, ctypes.byref(ctypes.c_int(4)))),
            ("setsockopt, bad address", errno.EFAULT, lambda: libc.setsockopt(s.fileno(), 1, 2, bad, 4)),
            ("setsockopt, no length", errno.EINVAL, lambda: libc.setsockopt(s.fileno(), 1, 2, name, 0)),
            ("sendmsg, bad address", errno.EFAULT, lambda: libc.sendmsg(u.fileno(), bad, 0)),
            ("sendmsg, a million pieces", errno.EMSGSIZE,
             lambda: libc.sendmsg(u.fileno(), struct.pack("PIxxxxPQPQixxxx", 0, 0, 8, 10 ** 6, 0, 0, 0), 0)),
            ("sendmsg, bad pieces", errno.EFAULT,
             lambda: libc.sendmsg(u.fileno(), struct.pack("PIxxxxPQPQixxxx", 0, 0, 8, 3, 0, 0, 0), 0)),
            ("sendmmsg, bad vector", errno.EFAULT, lambda: libc.sendmmsg(u.fileno(), bad, 2 ** 31 + 5, 0)),
            ("recvmsg, bad address", errno.EFAULT, lambda: libc.recvmsg(u.fileno(), bad, socket.MSG_DONTWAIT)),
            ("accept on what does not listen", errno.EINVAL, lambda: libc.accept(s.fileno(), None, None)),
            ("a descriptor that there is not", errno.EBADF, lambda: libc.connect(12345, name, 16)),
            ("what is no socket", errno.ENOTSOCK, lambda: libc.connect(0, name, 16)),
            ("socket, nonsense type", errno.EINVAL, lambda: libc.socket(2, 77, 0))):
        ctypes.set_errno(0)
        got = call()
        if what == "what is no socket" and got < 0 and ctypes.get_errno() in (errno.ENOTSOCK, errno.EBADF):
            continue
        expect(what, (-1, errno.errorcode[wanted]), (got, errno.errorcode.get(ctypes.get_errno())))
    # Threads that die while their call waits.
    for _ in range(20):
        pid = os.fork()
        if pid == 0:
            w = datagrams()
            w.settimeout(None)
            w.bind(("", 0))
            threading.Thread(target=w.recvfrom, args=(10,), daemon=True).start()
            time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)
    # As many sockets as it may have, unused.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 2000), hard))
    many = []
    try:
        while len(many) < 1990:
            many.append(socket.socket())
        fails("one too many", errno.EMFILE, lambda: [socket.socket() for _ in range(100)])
    except OSError as e:
        expect("no descriptor left", errno.EMFILE, e.errno)
    for m in many:
        m.close()
    expect("it serves on", b"hello", ask(connect()))


def many_sockets():
    """10,000, as far as the limit of descriptors goes; some are used among all the others."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    many = [socket.socket() for _ in range(min(10000, hard - 50))]
    for s in many[::1000]:
        s.settimeout(30)
        s.connect((HOST, ECHO))
        expect("one of many", b"hello", ask(s))
    for s in many:
        s.close()
    expect("and afterwards", b"hello", ask(connect()))


def asks_from_one_socket(server):
    """As musl's resolver: one socket that is not connected, answers told by their sender."""
    u = datagrams()
    u.bind(("0.0.0.0", 0))
    query = struct.pack("!HHHHHH", 77, 0x100, 1, 0, 0, 0) + b"\4name\4test\0\0\1\0\1"
    u.sendto(query, (server, 53))
    data, peer = u.recvfrom(512)
    expect("the server that was asked answers", (server, 53), peer)
    expect("the answer", (77, socket.inet_aton("192.0.2.7")), (struct.unpack("!H", data[:2])[0], data[-4:]))


if __name__ == "__main__":
    if sys.argv[1] == "asks_from_one_socket":
        asks_from_one_socket(sys.argv[6])
    else:
        globals()[sys.argv[1]]()
