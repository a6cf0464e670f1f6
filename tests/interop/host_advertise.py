#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One router advertisement, as the router that the kernel's end of the link is.

    host_advertise.py INTERFACE LIFETIME [PREFIX VALID PREFERRED]
"""
import sys

from scapy.all import (Ether, ICMPv6ND_RA, ICMPv6NDOptMTU, ICMPv6NDOptPrefixInfo, ICMPv6NDOptSrcLLAddr, IPv6,
                       conf, get_if_hwaddr, sendp)

interface, lifetime = sys.argv[1], int(sys.argv[2])
mac = get_if_hwaddr(interface)
with open("/proc/net/if_inet6", encoding="ascii") as f:
    rows = [line.split() for line in f]
source = next(r[0] for r in rows if r[5] == interface and r[0].startswith("fe80"))
source = ":".join(source[i:i + 4] for i in range(0, 32, 4))
ra = (Ether(src=mac, dst="33:33:00:00:00:01") / IPv6(src=source, dst="ff02::1", hlim=255)
      / ICMPv6ND_RA(routerlifetime=lifetime, chlim=61) / ICMPv6NDOptSrcLLAddr(lladdr=mac)
      / ICMPv6NDOptMTU(mtu=1400))
if len(sys.argv) > 3:
    ra /= ICMPv6NDOptPrefixInfo(prefix=sys.argv[3], prefixlen=64, L=1, A=1, validlifetime=int(sys.argv[4]),
                                preferredlifetime=int(sys.argv[5]))
conf.verb = 0
sendp(ra, iface=interface)
