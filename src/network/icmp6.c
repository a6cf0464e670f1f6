/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. ICMPv6 is a transport to IPv6: it answers echo requests, gives replies to
 * the ping transport, errors to the transport whose packet they quote, neighbour discovery to
 * ndp.c and listener discovery to mld.c.
 *
 * What icmp4.c says of whom we answer for and what we believe holds here too (N105). A path MTU is
 * believed by the transport, which knows whether it sent the packet; for our own echo replies, of
 * which nothing is remembered, by ourselves: the worst that a liar gains is 1,280.
 *
 * RFC 4443, RFC 8201 4. Not done: node information.
 */
#include "network/icmp6.h"

#include "base/check.h"
#include "network/ipv6.h"
#include "network/mld.h"
#include "network/ndp.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/icmp6.h"

/* What is wanted in the linear part: our header, a quoted chain, the ports and numbers of TCP. */
#define QUOTE_LINEAR (ICMP6_HDR_LEN + IP6_HDR_LEN + 64 + 20)

static int init(struct nst_stack *stack)
{
    stack->icmp6 = mem_zalloc(&stack->pool->mem, sizeof(*stack->icmp6));
    if (stack->icmp6 == NULL)
        return -NST_ENOMEM;
    bucket_init(&stack->icmp6->errors, ICMP6_ERROR_RATE, ICMP6_ERROR_BURST, stack->now);
    return 0;
}

static void fini(struct nst_stack *stack)
{
    mem_free(&stack->pool->mem, stack->icmp6, sizeof(*stack->icmp6));
    stack->icmp6 = NULL;
}

/* ---- Echo ---- */

/* The reply to p, with the request's bytes behind a new header, by way of d. NULL: no memory. */
static struct pkt *build_reply(const struct pkt *p, const struct rx *rx, const struct dst *d)
{
    struct pkt *reply =
        pkt_split(p, dst_headroom(d) + ICMP6_HDR_LEN, ICMP6_HDR_LEN, p->len - ICMP6_HDR_LEN);
    if (reply == NULL)
        return NULL;
    uint8_t *h = nst_pkt_push(pkt_pub(reply), ICMP6_HDR_LEN);
    memcpy(h, p->data, ICMP6_HDR_LEN);
    h[0] = ICMP6_ECHO_REPLY;
    if (p->csum == NST_CSUM_UNKNOWN && rx->type == PKT_HOST) {
        /* It was right, and swapping the addresses changes nothing: RFC 1624. */
        be16_put(h + 2, csum_replace16(be16_get(h + 2), be16_get(p->data), be16_get(h)));
    } else {
        be16_put(h + 2, 0);
        const uint32_t pseudo = csum_pseudo_v6(&d->source, &d->addr, IP_PROTO_ICMPV6, reply->len);
        icmp6_csum_put(h, csum_add(pseudo, pkt_csum(reply, 0, reply->len)));
    }
    reply->csum = NST_CSUM_UNKNOWN; /* complete */
    return reply;
}

/* RFC 4443 4.2: requests to a group are answered from an address of ours. */
static void echo_request(struct nst_stack *stack, struct pkt *p, const struct rx *rx)
{
    struct dst *d;
    const struct nst_addr *from = rx->type == PKT_HOST ? &rx->dst : NULL;
    if (addr_is_unspecified(&rx->src) || dst_get(stack, &rx->src, from, rx->nic->id, &d) < 0) {
        pkt_drop(p, DROP_ICMP_IGNORED);
        return;
    }
    struct pkt *reply = build_reply(p, rx, d);
    if (reply == NULL) {
        pkt_drop(p, DROP_NO_MEMORY);
    } else {
        const struct ip_out out = {.proto = IP_PROTO_ICMPV6,
                                   .tos = rx->tos & (uint8_t)~IP_ECN_MASK};
        COUNT(stack->counters.icmp6_echo_requests);
        pkt_deliver(p);
        dst_output(d, reply, &out);
    }
    dst_put(d);
}

/* ---- Errors ---- */

/* RFC 4443 3.1 */
static enum net_error unreachable_kind(uint8_t code)
{
    switch (code) {
    case ICMP6_NO_ROUTE:
    case ICMP6_BEYOND_SCOPE:
    case ICMP6_REJECT_ROUTE:
        return NET_ERROR_NET_UNREACHABLE;
    case ICMP6_PROHIBITED:
    case ICMP6_SOURCE_POLICY:
        return NET_ERROR_PROHIBITED;
    case ICMP6_PORT_UNREACHABLE:
        return NET_ERROR_PORT_UNREACHABLE;
    default:
        return NET_ERROR_HOST_UNREACHABLE;
    }
}

/* Type and code as meaning, for a quoted packet of `total_len` bytes; false: ignore the message. */
static bool read_error(const struct icmp6_hdr *icmp, uint32_t total_len,
                       struct net_error_report *report)
{
    report->info = 0;
    switch (icmp->type) {
    case ICMP6_UNREACHABLE:
        report->kind = unreachable_kind(icmp->code);
        return true;
    case ICMP6_TOO_BIG:
        report->kind = NET_ERROR_TOO_BIG;
        report->info = icmp->mtu;
        /* RFC 8201 4: never an increase, and below 1,280 a lie (RFC 8021: no atomic fragments). */
        return icmp->mtu >= IP6_MIN_MTU && icmp->mtu < total_len;
    case ICMP6_TIME_EXCEEDED:
        report->kind =
            icmp->code == ICMP6_REASSEMBLY_EXCEEDED ? NET_ERROR_REASSEMBLY : NET_ERROR_TTL_EXCEEDED;
        return true;
    case ICMP6_PARAMETER_PROBLEM:
        report->kind =
            icmp->code == ICMP6_BAD_NEXT_HEADER ? NET_ERROR_PROTO_UNREACHABLE : NET_ERROR_PARAMETER;
        report->info = icmp->pointer;
        return true;
    default:
        return false;
    }
}

/* Is `addr` a source that we may have sent from? */
static bool is_our_source(const struct nst_stack *stack, const struct rx *rx,
                          const struct nst_addr *addr)
{
    return nst_addr_equal(addr, &rx->dst) || addrs_owner(stack, NET_IPV6, addr) != NULL;
}

/* N105. Borrows p; false: ignore it. */
static bool pass_error(struct nst_stack *stack, const struct pkt *p, const struct rx *rx,
                       const struct icmp6_hdr *icmp)
{
    const uint8_t *quote = p->data + ICMP6_HDR_LEN;
    const size_t len = p->linear - ICMP6_HDR_LEN;
    struct ip6_hdr quoted;
    struct ip6_chain chain;
    struct net_error_report report = {
        .nic = rx->nic, .type = icmp->type, .code = icmp->code, .offender = rx->src};
    if (rx->type != PKT_HOST || ip6_parse(quote, len, &quoted) == 0 ||
        !ip6_read_chain(quote, len, &chain) || chain.later_fragment || len < chain.len + 8u ||
        !read_error(icmp, quoted.payload_len + (uint32_t)IP6_HDR_LEN, &report))
        return false;
    report.src = quoted.src;
    report.dst = quoted.dst;
    report.quote = quote + chain.len;
    report.quote_len = len - chain.len;
    if (quoted.payload_len + (uint32_t)IP6_HDR_LEN < chain.len + 8u ||
        nst_addr_is_v4(&report.dst) || !is_our_source(stack, rx, &report.src) ||
        !stack_report_error(stack, chain.next, &report))
        return false;
    COUNT(stack->counters.icmp6_errors_received);
    return true;
}

static void input_error(struct nst_stack *stack, struct pkt *p, const struct rx *rx,
                        const struct icmp6_hdr *icmp)
{
    if (!pkt_pull_up(p, min_u32(p->len, QUOTE_LINEAR)))
        pkt_drop(p, DROP_NO_MEMORY);
    else if (pass_error(stack, p, rx, icmp))
        pkt_deliver(p);
    else
        pkt_drop(p, DROP_ICMP_IGNORED);
}

/* ---- Input ---- */

static bool csum_is_right(const struct pkt *p, const struct rx *rx)
{
    if (p->csum != NST_CSUM_UNKNOWN)
        return true;
    const uint32_t pseudo = csum_pseudo_v6(&rx->src, &rx->dst, IP_PROTO_ICMPV6, p->len);
    return csum_ok(csum_add(pseudo, pkt_csum(p, 0, p->len)));
}

static bool is_mld(uint8_t type)
{
    return (type >= ICMP6_MLD_QUERY && type <= ICMP6_MLD_DONE) || type == ICMP6_MLD2_REPORT;
}

static void input_other(struct nst_stack *stack, struct pkt *p, const struct rx *rx,
                        const struct icmp6_hdr *icmp)
{
    if (icmp->type == ICMP6_ECHO_REPLY && stack->echo_reply != NULL &&
        stack->echo_reply(stack, p, rx))
        return;
    if (!rx->dst_assigned) {
        if (rx->type != PKT_HOST || stack->default_handler == NULL ||
            !stack->default_handler(stack, p, rx))
            pkt_drop(p, DROP_ICMP_IGNORED);
    } else if (icmp->type == ICMP6_ECHO_REQUEST) {
        echo_request(stack, p, rx);
    } else {
        pkt_drop(p, DROP_ICMP_IGNORED); /* RFC 4443 2.4 b */
    }
}

static void input(struct nst_stack *stack, struct pkt *p, const struct rx *rx)
{
    struct icmp6_hdr icmp;
    if (unlikely(rx->net->index != NET_IPV6)) { /* IPv4 has its own */
        stack_refuse_transport(p, rx);
        return;
    }
    COUNT(stack->counters.icmp6_received);
    if (!pkt_pull_up(p, ICMP6_HDR_LEN) || !csum_is_right(p, rx)) {
        COUNT(stack->counters.icmp6_malformed);
        pkt_drop(p, DROP_ICMP_MALFORMED);
        return;
    }
    icmp6_parse(p->data, p->linear, &icmp);
    if (icmp6_is_error(icmp.type))
        input_error(stack, p, rx, &icmp);
    else if (icmp.type >= ICMP6_ROUTER_SOLICITATION && icmp.type <= ICMP6_REDIRECT)
        ndp_input(stack, p, rx);
    else if (is_mld(icmp.type))
        mld_input(stack, p, rx);
    else
        input_other(stack, p, rx, &icmp);
}

static void lower_mtu(struct nst_stack *stack, const struct net_error_report *report)
{
    struct dst *d;
    if (dst_get(stack, &report->dst, &report->src, report->nic->id, &d) < 0)
        return;
    dst_lower_mtu(d, report->info);
    dst_put(d);
}

/* An error about an ICMPv6 message of ours: an echo request is the ping transport's. */
static void error(struct nst_stack *stack, const struct net_error_report *report)
{
    if (report->quote[0] == ICMP6_ECHO_REQUEST && stack->echo_error != NULL)
        stack->echo_error(stack, report);
    else if (report->quote[0] == ICMP6_ECHO_REPLY && report->kind == NET_ERROR_TOO_BIG)
        lower_mtu(stack, report);
}

const struct transport_proto icmp6_proto = {
    .name = "icmp6",
    .number = IP_PROTO_ICMPV6,
    .init = init,
    .fini = fini,
    .input = input,
    .error = error,
};
