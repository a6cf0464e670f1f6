/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMP errors that we send (N106). The rules are judged by the packet that is quoted alone: what it
 * is, where it came from, how it came. The token bucket is asked last, so that nothing that would
 * not be answered anyway uses it up.
 */
#include "base/check.h"
#include "network/icmp4.h"
#include "network/ipv4.h"
#include "network/quote.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/icmp4.h"

/* RFC 1812 5.3.2: errors have precedence "internetwork control". */
#define ERROR_TOS 0xc0

/* RFC 1122 3.2.2: may the packet that these bytes begin be answered with an error? */
static bool may_answer(struct nic *nic, const struct pkt *p, const uint8_t *quote, uint32_t len,
                       struct ip4_hdr *hdr)
{
    const struct net_ep *ep = nic_ep(nic, NET_IPV4);
    if (ep == NULL || ip4_parse(quote, len, hdr) == 0 || hdr->frag_off != 0)
        return false;
    if (p->type != PKT_HOST && p->type != PKT_OTHERHOST)
        return false;
    const struct nst_addr dst = addr_from_raw4(hdr->dst4);
    if (addr_is_multicast(&dst) || addr_is_limited_broadcast(&dst) ||
        addrs_classify(ep, &dst) == ADDR_SUBNET_BROADCAST ||
        !ip4_source_is_sane(ep, hdr->src4, false))
        return false;
    if (hdr->proto != IP_PROTO_ICMP)
        return true;
    /* An error, or what cannot be told from one, is not answered. */
    const enum icmp4_class class =
        len > hdr->hdr_len ? icmp4_classify(quote[hdr->hdr_len]) : ICMP4_CLASS_UNKNOWN;
    return class == ICMP4_CLASS_QUERY || class == ICMP4_CLASS_REPLY;
}

static struct icmp4_hdr header_of(enum net_error kind, uint32_t info)
{
    static const struct {
        uint8_t type, code;
    } map[] = {
        [NET_ERROR_NET_UNREACHABLE] = {ICMP4_UNREACHABLE, ICMP4_NET_UNREACHABLE},
        [NET_ERROR_HOST_UNREACHABLE] = {ICMP4_UNREACHABLE, ICMP4_HOST_UNREACHABLE},
        [NET_ERROR_PROTO_UNREACHABLE] = {ICMP4_UNREACHABLE, ICMP4_PROTO_UNREACHABLE},
        [NET_ERROR_PORT_UNREACHABLE] = {ICMP4_UNREACHABLE, ICMP4_PORT_UNREACHABLE},
        [NET_ERROR_TOO_BIG] = {ICMP4_UNREACHABLE, ICMP4_FRAG_NEEDED},
        [NET_ERROR_PROHIBITED] = {ICMP4_UNREACHABLE, ICMP4_ADMIN_PROHIBITED},
        [NET_ERROR_SOURCE_ROUTE] = {ICMP4_UNREACHABLE, ICMP4_SOURCE_ROUTE_FAILED},
        [NET_ERROR_TTL_EXCEEDED] = {ICMP4_TIME_EXCEEDED, ICMP4_TTL_EXCEEDED},
        [NET_ERROR_REASSEMBLY] = {ICMP4_TIME_EXCEEDED, ICMP4_REASSEMBLY_EXCEEDED},
        [NET_ERROR_PARAMETER] = {ICMP4_PARAMETER_PROBLEM, ICMP4_POINTER},
        [NET_ERROR_OPTION] = {ICMP4_PARAMETER_PROBLEM, ICMP4_POINTER},
        [NET_ERROR_CHAIN_BROKEN] = {ICMP4_PARAMETER_PROBLEM, ICMP4_BAD_LENGTH},
    };
    return (struct icmp4_hdr){.type = map[kind].type,
                              .code = map[kind].code,
                              .mtu = (uint16_t)info,
                              .pointer = (uint8_t)info};
}

/* Said by the destination itself; the others are said by a gateway on the way there. */
static bool is_said_by_host(enum net_error kind)
{
    return kind == NET_ERROR_PROTO_UNREACHABLE || kind == NET_ERROR_PORT_UNREACHABLE ||
           kind == NET_ERROR_REASSEMBLY || kind == NET_ERROR_PARAMETER;
}

/* The way back to the sender: from the address that it wrote to where that is ours, or where only
 * its owner would say this; else from the one that the route gives (RFC 1812 4.3.2.4). */
static struct dst *way_back(struct nic *nic, const struct ip4_hdr *hdr, enum net_error kind)
{
    const struct nst_addr src = addr_from_raw4(hdr->src4), dst = addr_from_raw4(hdr->dst4);
    struct dst *d;
    if ((is_said_by_host(kind) || addrs_has(nic_ep(nic, NET_IPV4), &dst)) &&
        dst_get(nic->stack, &src, &dst, nic->id, &d) == 0)
        return d;
    return dst_get(nic->stack, &src, NULL, nic->id, &d) == 0 ? d : NULL;
}

void icmp4_send_error(struct nic *nic, const struct pkt *p, enum net_error kind, uint32_t info)
{
    struct nst_stack *stack = nic->stack;
    uint8_t bytes[ICMP4_ERROR_LEN - IP4_HDR_LEN];
    uint8_t *quote = bytes + ICMP4_HDR_LEN;
    uint32_t len = quote_copy(p, quote, sizeof(bytes) - ICMP4_HDR_LEN);
    struct ip4_hdr hdr;
    if (!may_answer(nic, p, quote, len, &hdr))
        return;
    len = min_u32(len, hdr.total_len);
    quote_complete_csum(p, quote, len);
    if (!bucket_take(&stack->icmp4->errors, stack->now, 1)) {
        COUNT(stack->counters.icmp4_errors_limited);
        return;
    }
    struct dst *d = way_back(nic, &hdr, kind);
    if (d == NULL)
        return;
    struct pkt *e = pkt_build(stack->pool, dst_headroom(d), ICMP4_HDR_LEN + len);
    if (e != NULL) {
        const struct icmp4_hdr icmp = header_of(kind, info);
        icmp4_build(bytes, &icmp);
        icmp4_csum_put(bytes, stack->csum->sum(bytes, ICMP4_HDR_LEN + len, 0));
        memcpy(nst_pkt_put(pkt_pub(e), ICMP4_HDR_LEN + len), bytes, ICMP4_HDR_LEN + len);
        const struct ip_out out = {.proto = IP_PROTO_ICMP, .tos = ERROR_TOS};
        COUNT(stack->counters.icmp4_errors_sent);
        dst_output(d, e, &out);
    }
    dst_put(d);
}
