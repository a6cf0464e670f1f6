# SPDX-License-Identifier: Apache-2.0
"""A host on a VLAN, for kernels that have none: up_vlan_peer.py INTERFACE VID PCP EXPECT LOCAL REMOTE SECONDS

Resolves REMOTE and pings it by tagged frames (VID -1: untagged; 0: of a priority alone) from LOCAL.
Says "arp icmp" if both are answered in the VLAN EXPECT (-1: untagged), and else what came instead."""
import socket
import struct
import sys
import time

ETH_ALL, ARP, IPV4, VLAN = 3, 0x0806, 0x0800, 0x8100
SOL_PACKET, PACKET_AUXDATA, TP_STATUS_VLAN_VALID = 263, 8, 1 << 4
OWN = bytes.fromhex("020000000909")

interface, vid, pcp, expect = sys.argv[1], *map(int, sys.argv[2:5])
local, remote = (socket.inet_aton(a) for a in sys.argv[5:7])

raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_ALL))
raw.bind((interface, ETH_ALL))
raw.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
raw.settimeout(0.2)


def send(dst, ethertype, payload):
    tag = struct.pack(">HH", VLAN, pcp << 13 | vid) if vid >= 0 else b""
    raw.send((dst + OWN + tag + struct.pack(">H", ethertype) + payload).ljust(60, b"\0"))


def receive():
    """(VLAN or -1, priority, EtherType, payload) of a frame to us, or None."""
    try:
        frame, extra, _, address = raw.recvmsg(2048, 256)
    except TimeoutError:
        return None
    if address[2] == socket.PACKET_OUTGOING or frame[:6] != OWN:
        return None
    tci = None
    for level, kind, data in extra:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, _, _, _, _, value, _ = struct.unpack("=IIIHHHH", data[:20])
            tci = value if status & TP_STATUS_VLAN_VALID else None
    ethertype, = struct.unpack(">H", frame[12:14])
    payload = frame[14:]
    if ethertype == VLAN:
        tci, ethertype = struct.unpack(">HH", payload[:4])
        payload = payload[4:]
    return (-1, 0, ethertype, payload) if tci is None else (tci & 0xFFF, tci >> 13, ethertype, payload)


def csum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def await_reply(send_it, is_reply):
    """What the reply came in, asking again every half second; None: nothing came in SECONDS."""
    end = time.monotonic() + float(sys.argv[7])
    again = 0.0
    while time.monotonic() < end:
        if time.monotonic() >= again:
            send_it()
            again = time.monotonic() + 0.5
        got = receive()
        if got is not None and is_reply(got):
            return got
    return None


def arp(operation, target):
    return struct.pack(">HHBBH", 1, IPV4, 6, 4, operation) + OWN + local + target + remote


def ask_arp():
    send(b"\xff" * 6, ARP, arp(1, bytes(6)))


def ask_icmp():
    echo = struct.pack(">BBHHH", 8, 0, 0, 77, 1) + b"nicstack"
    echo = echo[:2] + struct.pack(">H", csum(echo)) + echo[4:]
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(echo), 1, 0, 64, 1, 0, local, remote)
    header = header[:10] + struct.pack(">H", csum(header)) + header[12:]
    send(mac, IPV4, header + echo)
    # It may have to resolve us first.
    send(mac, ARP, arp(2, mac))


said = []
got = await_reply(ask_arp, lambda f: f[2] == ARP and f[3][6:8] == b"\0\2" and f[3][14:18] == remote)
mac = got[3][8:14] if got else None
said.append("arp" if got and got[0] == expect else f"arp: {got and got[:2]}")
if mac:
    got = await_reply(ask_icmp, lambda f: f[2] == IPV4 and f[3][9] == 1 and f[3][20] == 0 and f[3][12:16] == remote)
    said.append("icmp" if got and got[0] == expect else f"icmp: {got and got[:2]}")
    if got and got[0] > 0:
        said.append(f"pcp {got[1]}")
print(" ".join(said))
