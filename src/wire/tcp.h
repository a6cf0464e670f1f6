/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TCP header: RFC 9293 3.1, with the flags of RFC 3168 and RFC 9768. Options are in tcpopt.h.
 */
#ifndef NICSTACK_SRC_WIRE_TCP_H
#define NICSTACK_SRC_WIRE_TCP_H

#include <nicstack/types.h>

#include "base/bytes.h"

enum {
    TCP_HDR_LEN = 20,     /* without options */
    TCP_HDR_MAX = 60,     /* with all options */
    TCP_OPTIONS_MAX = 40, /* bytes */
    TCP_CSUM_OFFSET = 16, /* of the checksum field */
};

enum tcp_flag {
    TCP_FIN = 0x001,
    TCP_SYN = 0x002,
    TCP_RST = 0x004,
    TCP_PSH = 0x008,
    TCP_ACK = 0x010,
    TCP_URG = 0x020,
    TCP_ECE = 0x040,
    TCP_CWR = 0x080,
    TCP_AE = 0x100, /* RFC 9768; NS before */
    TCP_FLAGS = 0x1ff,
};

struct tcp_hdr {
    uint16_t src_port;
    uint16_t dst_port;
    uint32_t seq;
    uint32_t ack;
    uint16_t flags; /* enum tcp_flag, 9 bits */
    uint16_t wnd;   /* as on the wire, not scaled */
    uint16_t csum;
    uint16_t urg;    /* pointer; meaningful with TCP_URG */
    uint8_t hdr_len; /* bytes, 20..60 */
};

/* The header at `data`. Returns its length with options, or 0 if it is malformed: short, or a data
 * offset under 5 or past `len`. Reserved bits are ignored (RFC 9293 3.1). */
static inline size_t tcp_parse(const uint8_t *data, size_t len, struct tcp_hdr *ret_hdr)
{
    if (len < TCP_HDR_LEN)
        return 0;
    const uint16_t word = be16_get(data + 12);
    const uint8_t hdr_len = (uint8_t)(word >> 12 << 2);
    if (hdr_len < TCP_HDR_LEN || hdr_len > len)
        return 0;
    ret_hdr->src_port = be16_get(data);
    ret_hdr->dst_port = be16_get(data + 2);
    ret_hdr->seq = be32_get(data + 4);
    ret_hdr->ack = be32_get(data + 8);
    ret_hdr->flags = word & TCP_FLAGS;
    ret_hdr->wnd = be16_get(data + 14);
    ret_hdr->csum = be16_get(data + 16);
    ret_hdr->urg = be16_get(data + 18);
    ret_hdr->hdr_len = hdr_len;
    return hdr_len;
}

/* Writes the TCP_HDR_LEN bytes of the fixed header at `data`, csum as given; the hdr_len - 20 bytes
 * of options behind it are the caller's. Returns hdr_len, a multiple of 4. */
static inline size_t tcp_build(uint8_t *data, const struct tcp_hdr *hdr)
{
    be16_put(data, hdr->src_port);
    be16_put(data + 2, hdr->dst_port);
    be32_put(data + 4, hdr->seq);
    be32_put(data + 8, hdr->ack);
    be16_put(data + 12, (uint16_t)(hdr->hdr_len >> 2 << 12 | (hdr->flags & TCP_FLAGS)));
    be16_put(data + 14, hdr->wnd);
    be16_put(data + 16, hdr->csum);
    be16_put(data + 18, hdr->urg);
    return hdr->hdr_len;
}

/* What an ICMP error quotes of a segment: at least the first 8 bytes (RFC 792). */
struct tcp_quote {
    uint16_t src_port;
    uint16_t dst_port;
    uint32_t seq;
};

/* Returns 8, or 0 if `len` is less. */
size_t tcp_quote_parse(const uint8_t *data, size_t len, struct tcp_quote *ret_quote);

/* Writes the checksum into a header at `data` whose field is zero: `sum` is the partial sum of
 * pseudo-header, header and data. */
void tcp_csum_put(uint8_t *data, uint32_t sum);

/* What the segment takes of the sequence space: `data_len` and one each for SYN and FIN. */
static inline uint32_t tcp_seg_len(uint16_t flags, uint32_t data_len)
{
    return data_len + ((flags & TCP_SYN) != 0) + ((flags & TCP_FIN) != 0);
}

#endif
