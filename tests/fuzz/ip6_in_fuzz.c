/* SPDX-License-Identifier: Apache-2.0 */
/* Whole IPv6 packets into a NIC: extension headers, fragments, ICMPv6, neighbour discovery,
 * duplicate addresses. The input is a list of (length byte, flags byte, bytes); flags choose the
 * destination, write right checksums and let time pass. */
#include "../lib/netlab.c" // NOLINT(bugprone-suspicious-include): a target is one file

#define PIECE 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    RAW = 1,    /* nothing is made right */
    FOR_US = 2, /* to our address, else as it stands */
    LATER = 4,
    HOST = 8, /* from a neighbour, with the hop limit of neighbour discovery */
};

/* Lengths, addresses and the checksum of ICMPv6 behind the fixed header are no riddle. */
static void mend(uint8_t *p, size_t len, uint8_t flags)
{
    static const uint8_t ours[16] = {0xfd, [15] = 1}, theirs[16] = {0xfd, [15] = 2};
    if (len < IP6_HDR_LEN)
        return;
    p[0] = (uint8_t)(0x60 | (p[0] & 15));
    be16_put(p + 4, (uint16_t)(len - IP6_HDR_LEN));
    if (flags & HOST) {
        p[7] = 255;
        memcpy(p + 8, theirs, 16);
    }
    if (flags & FOR_US)
        memcpy(p + 24, ours, 16);
    if (p[6] == IP_PROTO_ICMPV6 && len >= IP6_HDR_LEN + 8) {
        const struct nst_addr src = addr_v6_get(p + 8), dst = addr_v6_get(p + 24);
        const uint32_t n = (uint32_t)len - IP6_HDR_LEN;
        be16_put(p + 42, 0);
        icmp6_csum_put(p + 40,
                       csum_short(p + 40, n, csum_pseudo_v6(&src, &dst, IP_PROTO_ICMPV6, n)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lab lab;
    lab_init(&lab);
    lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_add_addr(&lab, 1, "fd00::1/64");
    const struct nst_nic_addr tentative = {.addr = lab_addr("fd00::9"), .prefix_len = 64};
    nst_nic_addr_add(lab.stack, 1, &tentative);
    lab_send(&lab, NULL, "fd00::2", 40, false);
    while (size >= 2) {
        size_t len = data[0] * 2u;
        const uint8_t flags = data[1];
        data += 2;
        size -= 2;
        if (len > size)
            len = size;
        uint8_t piece[PIECE];
        memcpy(piece, data, len);
        if ((flags & RAW) == 0)
            mend(piece, len, flags);
        if (len >= IP6_HDR_LEN)
            lab_feed_ip6(&lab, 1, piece, len);
        else
            lab_feed(&lab, 1, NST_ETHERTYPE_IPV6, piece, len, NULL);
        if (flags & LATER)
            lab_advance(&lab, NST_SEC);
        lab_discard(&lab, 1);
        data += len;
        size -= len;
    }
    lab_fini(&lab);
    return 0;
}
