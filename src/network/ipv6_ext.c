/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. The chain is read strictly in order (RFC 8200 4), each header made linear
 * when its turn comes. We know hop-by-hop (first only), destination, routing and fragment headers;
 * anything else ends the chain and is the transport's, or nobody's: then the answer is parameter
 * problem 1 with the pointer at the byte that named it (stack_refuse_transport, icmp6_error.c).
 *
 * Options: those that we know (padding, router alert) ask nothing of a host. An unknown one says in
 * its two high bits what is to be done (RFC 8200 4.2).
 *
 * Routing headers: with segments left we are to forward, which hosts do not; type 0 is refused by
 * everybody (RFC 5095). All are answered by parameter problem 0 at the type.
 *
 * Fragments: one that is a whole packet is read on as if its header were not there (RFC 6946, RFC
 * 8021). The first fragment must have all headers (RFC 7112), so a chain never continues behind a
 * reassembly that it did not show before. A second fragment header is refused.
 *
 * Limits (RFC 8504 5.3): IP6_CHAIN_MAX headers, IP6_CHAIN_BYTES_MAX bytes, IP6_OPTIONS_MAX options
 * a header. Over them the packet is dropped without an answer.
 */
#include "base/check.h"
#include "network/ipv6.h"
#include "stack/nic.h"
#include "stack/stack.h"

#define SEGMENTS_LEFT 3 /* offsets in a routing header */
#define ROUTING_TYPE  2

/* Those that a host obeys; the rest of ip6_is_extension ends the chain. */
static bool is_known(uint8_t next)
{
    return next == IP_PROTO_HOP_BY_HOP || next == IP_PROTO_ROUTING || next == IP_PROTO_FRAGMENT ||
           next == IP_PROTO_DESTINATION;
}

static struct pkt *drop(struct net_ep *ep, struct pkt *p, enum drop_reason reason)
{
    COUNT(ep->nic->stack->counters.ip6_header_errors);
    pkt_drop(p, reason);
    return NULL;
}

/* Drops p and says which byte is wrong. */
static struct pkt *object(struct net_ep *ep, struct pkt *p, enum net_error kind, uint32_t pointer)
{
    ep->proto->send_error(ep->nic, p, kind, pointer);
    return drop(ep, p, DROP_IP6_CHAIN);
}

/* The length of the header of type c->next whose first 8 bytes are at `h`. */
static uint32_t header_len(const struct ip6_chain *c, const uint8_t *h)
{
    return c->next == IP_PROTO_FRAGMENT ? IP6_FRAGMENT_LEN : ((uint32_t)h[1] + 1) * 8;
}

/* The next header begins at c->len, of `size` bytes. */
static void pass(struct ip6_chain *c, const uint8_t *data, uint32_t size)
{
    c->next = data[c->len];
    c->next_off = c->len;
    c->len += size;
    c->count++;
}

static struct ip6_chain begin(const uint8_t *data)
{
    return (struct ip6_chain){.len = IP6_HDR_LEN, .next_off = 6, .next = data[6]};
}

bool ip6_read_chain(const uint8_t *data, size_t len, struct ip6_chain *ret_chain)
{
    if (len < IP6_HDR_LEN)
        return false;
    *ret_chain = begin(data);
    struct ip6_chain *c = ret_chain;
    while (is_known(c->next) && !c->later_fragment) {
        if (c->len + 8 > len || c->count == IP6_CHAIN_MAX)
            return false;
        const uint8_t *h = data + c->len;
        const uint32_t size = header_len(c, h);
        if (size > len - c->len)
            return false;
        if (c->next == IP_PROTO_FRAGMENT) {
            c->fragmented = true;
            c->later_fragment = (be16_get(h + 2) & 0xfff8) != 0;
        }
        pass(c, data, size);
    }
    return true;
}

/* ---- Options ---- */

/* Does an unknown option let the packet pass? If not, *ret_answer says whether with an answer. */
static bool may_skip(uint8_t type, const struct rx *rx, bool *ret_answer)
{
    *ret_answer = false;
    switch (type & IP6_OPT_ACTION_MASK) {
    case IP6_OPT_ACTION_SKIP:
        return true;
    case IP6_OPT_ACTION_SEND:
        *ret_answer = true;
        return false;
    case IP6_OPT_ACTION_SEND_UNICAST:
        *ret_answer = rx->type == PKT_HOST;
        return false;
    default:
        return false;
    }
}

/* The hop-by-hop or destination header of `size` bytes at c->len. NULL: p was dropped. */
static struct pkt *obey_options(struct net_ep *ep, struct pkt *p, const struct rx *rx,
                                const struct ip6_chain *c, uint32_t size)
{
    struct ip6_opt_iter it = ip6_opt_begin(p->data + c->len, size);
    struct ip6_opt opt;
    for (unsigned count = 0; ip6_opt_next(&it, &opt); count++) {
        bool answer;
        if (count == IP6_OPTIONS_MAX)
            return drop(ep, p, DROP_IP6_CHAIN);
        if (may_skip(opt.type, rx, &answer))
            continue;
        if (!answer)
            return drop(ep, p, DROP_IP6_CHAIN);
        return object(ep, p, NET_ERROR_OPTION, c->len + 2 + (uint32_t)opt.off);
    }
    if (it.malformed)
        return object(ep, p, NET_ERROR_PARAMETER, c->len + 2 + (uint32_t)it.off);
    return p;
}

/* ---- Fragments ---- */

/* The bytes of a transport header that the first fragment has to show. */
static uint32_t least_transport(uint8_t next)
{
    if (next == IP_PROTO_TCP)
        return 20;
    return next == IP_PROTO_UDP || next == IP_PROTO_ICMPV6 ? 8 : 0;
}

/* RFC 7112 5: are all headers in the first fragment, whose own header ends at c->len? */
static bool is_chain_whole(struct pkt *p)
{
    struct ip6_chain all;
    if (!pkt_pull_up(p, min_u32(p->len, IP6_CHAIN_BYTES_MAX)) ||
        !ip6_read_chain(p->data, p->linear, &all))
        return false;
    return all.len + least_transport(all.next) <= p->len;
}

/* Takes the fragment header at c->len. Gives the whole, or NULL. */
static struct pkt *take_fragment(struct net_ep *ep, struct pkt *p, const struct rx *rx,
                                 struct ip6_chain *c)
{
    struct ip6_fragment frag;
    ip6_fragment_parse(p->data + c->len, IP6_FRAGMENT_LEN, &frag);
    if (c->fragmented)
        return drop(ep, p, DROP_IP6_CHAIN);
    c->fragmented = true;
    if (frag.off == 0 && !frag.mf) {
        pass(c, p->data, IP6_FRAGMENT_LEN);
        return p;
    }
    const uint32_t len = p->len - c->len - IP6_FRAGMENT_LEN;
    if (frag.mf && len % 8 != 0)
        return object(ep, p, NET_ERROR_PARAMETER, 4); /* at the payload length */
    if (c->len - IP6_HDR_LEN + frag.off + len > UINT16_MAX)
        return object(ep, p, NET_ERROR_PARAMETER, c->len + 2); /* at the offset */
    if (frag.off == 0 && !is_chain_whole(p))
        return object(ep, p, NET_ERROR_CHAIN_BROKEN, 0);
    const struct fragment fragment = {
        .src = rx->src,
        .dst = rx->dst,
        .id = frag.id,
        .offset = frag.off,
        .hdr_len = c->len + IP6_FRAGMENT_LEN,
        .least = 8,
        .tos = rx->tos,
        .more = frag.mf,
    };
    struct reassembly *r = ip6_reassembly(ep->nic->stack);
    if (r == NULL)
        return drop(ep, p, DROP_NO_MEMORY);
    p = reassembly_add(r, ep, p, &fragment);
    if (p == NULL)
        return NULL;
    /* The headers are the first fragment's now, and may be others than those that were read. */
    *c = begin(p->data);
    c->fragmented = true;
    return p;
}

void ip6_fix_header(struct pkt *p, uint32_t hdr_len, uint32_t len, bool ce)
{
    const uint32_t rest = hdr_len - IP6_FRAGMENT_LEN;
    uint32_t next_off = 6;
    for (uint32_t off = IP6_HDR_LEN; off < rest; off += ((uint32_t)p->data[off + 1] + 1) * 8)
        next_off = off;
    p->data[next_off] = p->data[rest];
    memmove(p->data + IP6_FRAGMENT_LEN, p->data, rest);
    nst_pkt_pull(pkt_pub(p), IP6_FRAGMENT_LEN);
    be16_put(p->data + 4, (uint16_t)(rest - IP6_HDR_LEN + len));
    if (ce)
        p->data[1] |= IP_ECN_CE << 4;
}

/* ---- The chain ---- */

/* Makes the header at c->len linear. 0: it runs past the end, or over a limit. */
static uint32_t open_header(struct pkt *p, const struct ip6_chain *c)
{
    if (c->count == IP6_CHAIN_MAX || !pkt_pull_up(p, c->len + 8))
        return 0;
    const uint32_t size = header_len(c, p->data + c->len);
    return c->len + size <= IP6_CHAIN_BYTES_MAX && pkt_pull_up(p, c->len + size) ? size : 0;
}

/* The one at c->len, which is known and linear. NULL: p was dropped or waits. */
static struct pkt *obey(struct net_ep *ep, struct pkt *p, const struct rx *rx, struct ip6_chain *c,
                        uint32_t size)
{
    const uint8_t *h = p->data + c->len;
    switch (c->next) {
    case IP_PROTO_FRAGMENT:
        return take_fragment(ep, p, rx, c);
    case IP_PROTO_ROUTING:
        /* RFC 8200 4.4; RFC 5095 3 */
        if (h[SEGMENTS_LEFT] != 0)
            return object(ep, p, NET_ERROR_PARAMETER, c->len + ROUTING_TYPE);
        break;
    case IP_PROTO_HOP_BY_HOP:
        /* RFC 8200 4.1: only behind the fixed header; elsewhere nobody knows it. */
        if (c->count != 0)
            return object(ep, p, NET_ERROR_PROTO_UNREACHABLE, c->next_off);
        p = obey_options(ep, p, rx, c, size);
        break;
    default:
        p = obey_options(ep, p, rx, c, size);
        break;
    }
    if (p != NULL)
        pass(c, p->data, size);
    return p;
}

struct pkt *ip6_obey_chain(struct net_ep *ep, struct pkt *p, const struct rx *rx,
                           struct ip6_chain *ret_chain)
{
    struct ip6_chain *c = ret_chain;
    *c = begin(p->data);
    while (p != NULL && is_known(c->next)) {
        const uint32_t size = open_header(p, c);
        p = size != 0 ? obey(ep, p, rx, c, size) : drop(ep, p, DROP_IP6_CHAIN);
    }
    return p;
}
