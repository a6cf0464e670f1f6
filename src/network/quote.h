/* SPDX-License-Identifier: Apache-2.0 */
/* What an ICMP error quotes: a packet from its network header on, wherever its data points now. */
#ifndef NICSTACK_SRC_NETWORK_QUOTE_H
#define NICSTACK_SRC_NETWORK_QUOTE_H

#include <string.h>

#include "base/check.h"
#include "packet/packet.h"

/* How many bytes of p lie at and behind its network header. */
static inline uint32_t quote_len(const struct pkt *p)
{
    return p->len + (uint32_t)(p->data - p->head) - p->net_off;
}

/* Copies up to `size` of them; returns how many. */
static inline uint32_t quote_copy(const struct pkt *p, uint8_t *to, uint32_t size)
{
    const uint32_t linear = (uint32_t)(p->data + p->linear - pkt_net(p));
    size = min_u32(size, quote_len(p));
    const uint32_t n = min_u32(linear, size);
    memcpy(to, pkt_net(p), n);
    return n + nst_pkt_copy_out((const struct nst_pkt *)p, p->linear, to + n, size - n);
}

#endif
