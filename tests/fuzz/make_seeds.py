#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz targets stack and two_stacks: tests/fuzz/make_seeds.py

They are programs in the languages of stack_fuzz.c and two_stacks_fuzz.c; each one gets somewhere
that random bytes seldom do. What the fuzzer itself found is beside them, as found-*.
"""
import pathlib
import struct

CORPUS = pathlib.Path(__file__).resolve().parent / "corpus"

# Operations of stack_fuzz.c, by their place in its table.
TALK, BEGIN, RUN, OPEN, USE, REQUEST, DATAGRAM, ICMP, FRAGMENT, ARP, RAW, NIC, _, _, _, MEMORY = range(16)
BARE, ETHERNET = 0, 9
US, PEER = 1, 2          # peers_addr: 10.0.0.1 and 10.0.0.2
SIX = 0x80               # over IPv6: in the first byte of a frame, and in the address of a call
family = 0               # 0 or SIX: what make_stack writes for
NOW, USEC, MSEC, MSEC40, SEC, SEC10, SEC70, SEC600 = range(8)
ACK, DATA, FIN, HOLE, SACK, SYN, RST = 0, 1, 3, 4, 5, 6, 7


def be16(value):
    return struct.pack(">H", value & 0xFFFF)


def run(step=NOW):
    return bytes([RUN, step])


def listen(slot=0):
    """A stream that is bound to ourselves, port 80, and listens."""
    return bytes([OPEN, slot, US | family, 0, 1, 0])


def connect(slot=0, to=PEER):
    return bytes([OPEN, slot, to | family, 0, 0])


def begin(to=US, source=PEER, port=0):
    return bytes([BEGIN, family, to, source, port, 0])


def talk(kind, *arguments, peer=0):
    """A sentence of the peer, with nothing spoiled."""
    return bytes([TALK, family, peer, kind]) + b"".join(arguments) + b"\0"


def accept(slot=0, other=1):
    return bytes([USE, slot, 5, other])


def send(n, slot=1):
    return bytes([USE, slot, 0]) + be16(n) + b"\0"


def recv(n=20000, slot=1):
    return bytes([USE, slot, 1]) + be16(n) + b"\0"


def established():
    return listen() + begin() + run() + talk(ACK) + run() + accept()


def icmp(kind, code, mtu):
    """An error that quotes the last packet."""
    return bytes([ICMP, family, PEER, US, kind | code << 3, 0]) + be16(mtu)


def fragment(offset, more, eighths):
    return bytes([FRAGMENT, family, PEER, US, 1]) + be16((0x2000 if more else 0) | offset) + bytes([eighths])


def make_stack():
    return {
        "data-both-ways": established() + talk(DATA, be16(1000)) * 3 + run() + recv() + send(9000) +
                          run() + talk(ACK) + run() + talk(ACK) + run(MSEC40),
        "they-close": established() + talk(FIN) + run() + recv() + bytes([USE, 1, 2]) + run() +
                      talk(ACK) + run(SEC70),
        "we-close": established() + bytes([USE, 1, 2]) + run() + talk(ACK) + talk(FIN) + run() +
                    run(SEC70) + run(SEC600),
        "both-close": established() + bytes([USE, 1, 2]) + talk(FIN) + run() + talk(ACK) + run(SEC70),
        "timeout": established() + send(9000) + run() + run(SEC) * 3 + talk(ACK) + run(),
        "recovery": established() + send(15000) + run() + talk(SACK, be16(1448), be16(1448)) * 4 +
                    run() + talk(ACK) + run(),
        "out-of-order": established() + talk(HOLE, be16(3000), b"\x40") + talk(HOLE, be16(1000), b"\x40") +
                        run() + talk(DATA, be16(1399)) * 3 + run() + recv(),
        "active": connect(1) + run() + talk(SYN) + run() + send(3000) + run() + talk(ACK) + run() +
                  talk(DATA, be16(500)) + run() + recv() + bytes([USE, 1, 2]) + run() + talk(FIN) + run(),
        "refused": connect(1) + run() + talk(RST + 16) + run() + bytes([USE, 1, 13]),
        "lent": established() + bytes([USE, 1, 11]) + be16(5000) + run() + talk(ACK) + run() +
                talk(DATA, be16(600)) + run() + bytes([USE, 1, 9, 200]) + bytes([USE, 1, 10]) + be16(900) + run(),
        "forwarded-stream": begin(to=0x18) + run() + bytes([REQUEST, 0, 0, REQUEST, 0, 1, 1]) + run() +
                            talk(ACK) + run() + talk(DATA, be16(700)) + run() + recv() + send(5000) + run(),
        "forwarded-refused": begin(to=0x18) + run() + bytes([REQUEST, 0, 0, REQUEST, 0, 2, 0]) + run(),
        "forwarded-datagram": bytes([DATAGRAM, family, PEER, 0x19, 0]) + be16(300) + run() +
                              bytes([REQUEST, 0, 0, REQUEST, 0, 1, 1]) + recv() + send(700) + run(),
        "fragments": fragment(0, True, 100) + fragment(100, True, 100) + fragment(200, False, 10) + run(),
        "fragment-timeout": fragment(0, True, 100) + run() + run(SEC70),
        "closed-port": bytes([DATAGRAM, family, PEER, US, 0]) + be16(100) + run(),
        "path-mtu": established() + send(9000) + run() + icmp(0, 4, 576) + run() + talk(ACK) + run(),
        "icmp-refuses": connect(1) + run() + icmp(0, 3, 0) + run() + bytes([USE, 1, 13]),
        "blocked-link": established() + bytes([NIC, 0, 2]) + send(15000) + run() + bytes([NIC, 0, 3]) + run(),
        "nic-goes": established() + send(5000) + run() + bytes([NIC, 0, 4]) + run() + bytes([NIC, 0, 4]) + run(SEC10),
        "no-memory": established() + bytes([MEMORY, 255]) + send(9000) + talk(DATA, be16(900)) + run() +
                     bytes([MEMORY, 200]) + run(SEC) + talk(ACK) + run(),
    }


def neighbour():
    return bytes([ARP, family, PEER, US, 18])



# Operations of two_stacks_fuzz.c; the high bit is the side.
SERVER = 0x80


def wait(index):
    return bytes([5 | index << 3])


def write(n, side=0):
    return bytes([side]) + be16(n)


def read(n, side=0):
    return bytes([2 | side]) + be16(n)


def shut(side=0):
    return bytes([0x73 | side])


TALKING = wait(0) + b"\0" * 3 + write(15000) + wait(2)
TWO = {
    "transfer": b"\0" + TALKING + b"\0" * 40 + read(60000, SERVER) + wait(3) + write(9000, SERVER) + wait(3),
    "close": b"\0" + TALKING + b"\0" * 40 + shut() + shut(SERVER) + wait(6),
    "loss": b"\0" + TALKING + b"\1\0\0\1" * 10 + wait(4) + b"\0" * 20,
    "reordering": b"\1" + TALKING + b"\3\0\0\x13\5" * 10 + bytes([4, 12, 4]) + wait(3),
    "corruption": b"\0" + TALKING + b"\6\0\x30\0\0\7\0\x20" * 6 + wait(4),
    "small-windows": b"\x0c" + TALKING + b"\0" * 20 + (read(3000, SERVER) + wait(3)) * 4,
    "complaints": b"\0" + TALKING + b"\x09\0\4\2\x40" * 6 + wait(4),
    "changed-headers": b"\0" + TALKING + b"\x08\x04\x00\x08\x50\x10\0" * 5 + wait(4),
}


def write_stack(suffix):
    for name, program in make_stack().items():
        (CORPUS / "stack" / (name + suffix)).write_bytes(bytes([BARE]) + program)
        (CORPUS / "stack" / (name + suffix + "-ethernet")).write_bytes(
            bytes([ETHERNET]) + neighbour() + run() + program)


def main():
    global family
    write_stack("")
    family = SIX
    write_stack("-ipv6")
    for name, program in TWO.items():
        (CORPUS / "two_stacks" / name).write_bytes(program)
        (CORPUS / "two_stacks" / (name + "-ipv6")).write_bytes(bytes([program[0] | 0x10]) + program[1:])


if __name__ == "__main__":
    main()
