/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMPv6 errors that we send (N106), judged as icmp4_error.c does it. Two kinds also answer what
 * was sent to groups: packet-too-big, and an option that asks for it (RFC 4443 2.4 e).
 *
 * N106 allows no answer to fragments but the first. We make one exception, for what RFC 8200 4.5
 * wants said about the fragment itself (docs/decisions/).
 */
#include "base/check.h"
#include "network/icmp6.h"
#include "network/ipv6.h"
#include "network/quote.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/icmp6.h"

static bool answers_groups(enum net_error kind)
{
    return kind == NET_ERROR_TOO_BIG || kind == NET_ERROR_OPTION;
}

/* RFC 4443 2.4 e: may the packet that these bytes begin be answered with an error? */
static bool may_answer(struct nic *nic, const struct pkt *p, enum net_error kind,
                       const uint8_t *quote, uint32_t len)
{
    const struct net_ep *ep = nic_ep(nic, NET_IPV6);
    struct ip6_hdr hdr;
    struct ip6_chain chain;
    if (ep == NULL || ip6_parse(quote, len, &hdr) == 0)
        return false;
    if (!answers_groups(kind) &&
        ((p->type != PKT_HOST && p->type != PKT_OTHERHOST) || addr_is_multicast(&hdr.dst)))
        return false;
    if (!ip6_source_is_sane(ep, &hdr.src, false))
        return false;
    const bool whole = ip6_read_chain(quote, len, &chain);
    if (chain.later_fragment && kind != NET_ERROR_PARAMETER)
        return false;
    if (!whole || chain.later_fragment || chain.next != IP_PROTO_ICMPV6)
        return true;
    /* An error, or what cannot be told from one, is not answered; redirects neither. */
    const uint8_t type = chain.len < len ? quote[chain.len] : 0;
    return !icmp6_is_error(type) && type != ICMP6_REDIRECT;
}

static struct icmp6_hdr header_of(enum net_error kind, uint32_t info)
{
    static const struct {
        uint8_t type, code;
    } map[] = {
        [NET_ERROR_NET_UNREACHABLE] = {ICMP6_UNREACHABLE, ICMP6_NO_ROUTE},
        [NET_ERROR_HOST_UNREACHABLE] = {ICMP6_UNREACHABLE, ICMP6_ADDR_UNREACHABLE},
        [NET_ERROR_PROTO_UNREACHABLE] = {ICMP6_PARAMETER_PROBLEM, ICMP6_BAD_NEXT_HEADER},
        [NET_ERROR_PORT_UNREACHABLE] = {ICMP6_UNREACHABLE, ICMP6_PORT_UNREACHABLE},
        [NET_ERROR_TOO_BIG] = {ICMP6_TOO_BIG, 0},
        [NET_ERROR_PROHIBITED] = {ICMP6_UNREACHABLE, ICMP6_PROHIBITED},
        [NET_ERROR_SOURCE_ROUTE] = {ICMP6_PARAMETER_PROBLEM, ICMP6_BAD_FIELD},
        [NET_ERROR_TTL_EXCEEDED] = {ICMP6_TIME_EXCEEDED, ICMP6_HOP_LIMIT_EXCEEDED},
        [NET_ERROR_REASSEMBLY] = {ICMP6_TIME_EXCEEDED, ICMP6_REASSEMBLY_EXCEEDED},
        [NET_ERROR_PARAMETER] = {ICMP6_PARAMETER_PROBLEM, ICMP6_BAD_FIELD},
        [NET_ERROR_OPTION] = {ICMP6_PARAMETER_PROBLEM, ICMP6_BAD_OPTION},
        [NET_ERROR_CHAIN_BROKEN] = {ICMP6_PARAMETER_PROBLEM, ICMP6_INCOMPLETE_CHAIN},
    };
    return (struct icmp6_hdr){
        .type = map[kind].type, .code = map[kind].code, .mtu = info, .pointer = info};
}

/* Said by the destination itself; the others are said by a gateway on the way there. */
static bool is_said_by_host(enum net_error kind)
{
    return kind == NET_ERROR_PROTO_UNREACHABLE || kind == NET_ERROR_PORT_UNREACHABLE ||
           kind == NET_ERROR_REASSEMBLY || kind == NET_ERROR_PARAMETER ||
           kind == NET_ERROR_OPTION || kind == NET_ERROR_CHAIN_BROKEN;
}

/* The way back to the sender: from the address that it wrote to where that is ours, or where only
 * its owner would say this; else from the one that fits the sender (RFC 4443 2.2). */
static struct dst *way_back(struct nic *nic, const uint8_t *quote, enum net_error kind)
{
    const struct nst_addr src = addr_v6_get(quote + 8), dst = addr_v6_get(quote + 24);
    struct dst *d;
    if (!addr_is_multicast(&dst) &&
        (is_said_by_host(kind) || addrs_has(nic_ep(nic, NET_IPV6), &dst)) &&
        dst_get(nic->stack, &src, &dst, nic->id, &d) == 0)
        return d;
    return dst_get(nic->stack, &src, NULL, nic->id, &d) == 0 ? d : NULL;
}

/* Writes the error over header and quote, of `len` bytes in all, and sends it. */
static void send(struct nst_stack *stack, struct dst *d, uint8_t *bytes, uint32_t len,
                 const struct icmp6_hdr *icmp)
{
    struct pkt *e = pkt_build(stack->pool, dst_headroom(d), len);
    if (e == NULL)
        return;
    icmp6_build(bytes, icmp);
    const uint32_t pseudo = csum_pseudo_v6(&d->source, &d->addr, IP_PROTO_ICMPV6, len);
    icmp6_csum_put(bytes, stack->csum->sum(bytes, len, pseudo));
    memcpy(nst_pkt_put(pkt_pub(e), len), bytes, len);
    const struct ip_out out = {.proto = IP_PROTO_ICMPV6};
    COUNT(stack->counters.icmp6_errors_sent);
    dst_output(d, e, &out);
}

void icmp6_send_error(struct nic *nic, const struct pkt *p, enum net_error kind, uint32_t info)
{
    struct nst_stack *stack = nic->stack;
    uint8_t bytes[ICMP6_ERROR_LEN - IP6_HDR_LEN];
    uint8_t *quote = bytes + ICMP6_HDR_LEN;
    const uint32_t len = quote_copy(p, quote, sizeof(bytes) - ICMP6_HDR_LEN);
    if (!may_answer(nic, p, kind, quote, len))
        return;
    quote_complete_csum(p, quote, len);
    if (!bucket_take(&stack->icmp6->errors, stack->now, 1)) {
        COUNT(stack->counters.icmp6_errors_limited);
        return;
    }
    struct ip6_chain chain;
    if (kind == NET_ERROR_PROTO_UNREACHABLE && info == 0 && ip6_read_chain(quote, len, &chain))
        info = chain.next_off;
    struct dst *d = way_back(nic, quote, kind);
    if (d == NULL)
        return;
    const struct icmp6_hdr icmp = header_of(kind, info);
    send(stack, d, bytes, ICMP6_HDR_LEN + len, &icmp);
    dst_put(d);
}
