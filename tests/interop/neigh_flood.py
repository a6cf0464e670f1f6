#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Made-up neighbours on an interface, each with a question for one address.

    neigh_flood.py INTERFACE 4|6 COUNT

IPv4: ARP requests of 10.77.(1 + i >> 8).(i) for 10.77.0.2. IPv6: neighbour solicitations of
fd77::1:0:i for fd77::2.
"""
import socket
import struct
import sys

MAC = bytes.fromhex("020000770002")


def arp(i):
    mac = b"\x02\x01" + struct.pack(">I", i)
    sender = struct.pack(">I", (10 << 24 | 77 << 16) + 256 + i)
    return (b"\xff" * 6 + mac + struct.pack(">HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + mac + sender +
            bytes(6) + bytes([10, 77, 0, 2]))


def checksum(data):
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def solicitation(i):
    mac = b"\x02\x01" + struct.pack(">I", i)
    source = bytes.fromhex("fd770000000000000000") + struct.pack(">HI", 1, i)
    target = bytes.fromhex("fd770000000000000000000000000002")
    group = bytes.fromhex("ff0200000000000000000001ff000002")
    body = target + b"\x01\x01" + mac
    pseudo = source + group + struct.pack(">II", 8 + len(body), 58)
    head = struct.pack(">BBHI", 135, 0, checksum(pseudo + b"\x87\0\0\0\0\0\0\0" + body), 0)
    ip = struct.pack(">IHBB", 6 << 28, 8 + len(body), 58, 255) + source + group
    return b"\x33\x33\xff\0\0\x02" + mac + b"\x86\xdd" + ip + head + body


def main():
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind((sys.argv[1], 0))
    make = arp if sys.argv[2] == "4" else solicitation
    for i in range(int(sys.argv[3])):
        while True:
            try:
                out.send(make(i))
                break
            except OSError:  # the queue of the interface is full
                continue


main()
