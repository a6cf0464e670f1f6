/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The UDP header: RFC 768, 8200 8.1.
 */
#ifndef NICSTACK_SRC_WIRE_UDP_H
#define NICSTACK_SRC_WIRE_UDP_H

#include <nicstack/types.h>

#include "base/bytes.h"

enum {
    UDP_HDR_LEN = 8,
    UDP_MAX_LEN = 65535, /* with the header */
};

struct udp_hdr {
    uint16_t src_port;
    uint16_t dst_port;
    uint16_t len;  /* header and data, bytes */
    uint16_t csum; /* 0: none was computed */
};

/*
 * The header at `data`. Returns UDP_HDR_LEN, or 0 if it is short or its length field is under 8. A
 * length beyond `len` is the caller's to judge (data may lie elsewhere, or be a quote in ICMP).
 */
static inline size_t udp_parse(const uint8_t *data, size_t len, struct udp_hdr *ret_hdr)
{
    if (len < UDP_HDR_LEN || be16_get(data + 4) < UDP_HDR_LEN)
        return 0;
    ret_hdr->src_port = be16_get(data);
    ret_hdr->dst_port = be16_get(data + 2);
    ret_hdr->len = be16_get(data + 4);
    ret_hdr->csum = be16_get(data + 6);
    return UDP_HDR_LEN;
}

/* Writes UDP_HDR_LEN bytes at `data` (csum as given); returns their number. */
static inline size_t udp_build(uint8_t *data, const struct udp_hdr *hdr)
{
    be16_put(data, hdr->src_port);
    be16_put(data + 2, hdr->dst_port);
    be16_put(data + 4, hdr->len);
    be16_put(data + 6, hdr->csum);
    return UDP_HDR_LEN;
}

/* Writes the checksum into a header at `data` whose field is zero: `sum` is the partial sum of
 * pseudo-header, header and data. A result of 0 is written as 0xffff (RFC 768). */
void udp_csum_put(uint8_t *data, uint32_t sum);

#endif
