/* SPDX-License-Identifier: Apache-2.0 */
/* What an ICMP error quotes: a packet from its network header on, wherever its data points now. */
#ifndef NICSTACK_SRC_NETWORK_QUOTE_H
#define NICSTACK_SRC_NETWORK_QUOTE_H

#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "packet/packet.h"
#include "packet/pool.h"
#include "wire/csum.h"

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

/* What was left to complete in p is completed in the len bytes that are quoted of it: they go onto
 * a wire now. */
static inline void quote_complete_csum(const struct pkt *p, uint8_t *quote, uint32_t len)
{
    if (p->csum != NST_CSUM_PARTIAL || p->csum_start < p->net_off)
        return;
    const uint8_t *start = p->head + p->csum_start, *end = p->data + p->linear;
    const uint32_t field = (uint32_t)(p->csum_start - p->net_off) + p->csum_offset;
    if (start > end || field + 2 > len)
        return;
    const uint32_t linear = (uint32_t)(end - start);
    const uint32_t sum = csum_block_add(p->pool->csum->sum(start, linear, 0),
                                        pkt_csum(p, p->linear, p->len - p->linear), linear);
    /* Only UDP's field is at 6, where 0 would say that there is none (RFC 768). */
    be16_put(quote + field, p->csum_offset == 6 ? csum_fold_udp(sum) : csum_fold(sum));
}

#endif
