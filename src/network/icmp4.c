/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation. ICMP is a transport to IPv4: it answers echo requests to assigned addresses,
 * gives replies to the ping transport and passes errors to the transport whose packet they quote.
 *
 * An address that a promiscuous NIC took without being ours is somebody else's: we never answer for
 * it; the stack's default handler (the forwarder) may.
 *
 * An error is believed as far as it can be checked here (N105): the quoted packet must come from
 * the address that the error was sent to, or another of ours, be the beginning of a datagram and
 * show 8 bytes of its transport; the transport checks the rest. A path MTU is the transport's to
 * believe too: it calls dst_lower_mtu.
 *
 * RFC 792, 1122 3.2.2, 1191. Ignored: source quench (RFC 6633), redirects, timestamp and mask
 * requests, router discovery.
 */
#include "network/icmp4.h"

#include "base/check.h"
#include "network/ipv4.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/icmp4.h"

/* What is wanted in the linear part: our header, a quoted header, the ports and numbers of TCP. */
#define QUOTE_LINEAR (ICMP4_HDR_LEN + IP4_HDR_MAX + 20)

static int init(struct nst_stack *stack)
{
    stack->icmp4 = mem_zalloc(&stack->pool->mem, sizeof(*stack->icmp4));
    if (stack->icmp4 == NULL)
        return -NST_ENOMEM;
    bucket_init(&stack->icmp4->errors, ICMP4_ERROR_RATE, ICMP4_ERROR_BURST, stack->now);
    return 0;
}

static void fini(struct nst_stack *stack)
{
    mem_free(&stack->pool->mem, stack->icmp4, sizeof(*stack->icmp4));
    stack->icmp4 = NULL;
}

/* The reply to p, with the request's bytes behind a new header, by way of d. NULL: no memory. */
static struct pkt *build_reply(const struct pkt *p, const struct dst *d)
{
    struct pkt *reply =
        pkt_split(p, dst_headroom(d) + ICMP4_HDR_LEN, ICMP4_HDR_LEN, p->len - ICMP4_HDR_LEN);
    if (reply == NULL)
        return NULL;
    uint8_t *h = nst_pkt_push(pkt_pub(reply), ICMP4_HDR_LEN);
    memcpy(h, p->data, ICMP4_HDR_LEN);
    h[0] = ICMP4_ECHO_REPLY;
    if (p->csum == NST_CSUM_UNKNOWN) { /* it was right: RFC 1624 */
        const uint16_t from = (uint16_t)(p->data[0] << 8 | p->data[1]);
        const uint16_t to = (uint16_t)(h[0] << 8 | h[1]);
        const uint16_t csum = csum_replace16(be16_get(h + 2), from, to);
        /* The same sum, but of a message that is all zeros only this one is right. */
        be16_put(h + 2, csum != 0 ? csum : 0xffff);
    } else {
        be16_put(h + 2, 0);
        icmp4_csum_put(h, pkt_csum(reply, 0, reply->len));
    }
    reply->csum = NST_CSUM_UNKNOWN; /* complete */
    return reply;
}

/* RFC 1122 3.2.2.6. Echo requests to groups are not answered, which it allows. */
static void echo_request(struct nst_stack *stack, struct pkt *p, const struct rx *rx)
{
    struct dst *d;
    if (rx->type != PKT_HOST || dst_get(stack, &rx->src, &rx->dst, rx->nic->id, &d) < 0) {
        pkt_drop(p, DROP_ICMP_IGNORED);
        return;
    }
    struct pkt *reply = build_reply(p, d);
    if (reply == NULL) {
        pkt_drop(p, DROP_NO_MEMORY);
    } else {
        const struct ip_out out = {.proto = IP_PROTO_ICMP, .tos = rx->tos & (uint8_t)~IP_ECN_MASK};
        COUNT(stack->counters.icmp4_echo_requests);
        pkt_deliver(p);
        dst_output(d, reply, &out);
    }
    dst_put(d);
}

/* RFC 1191 7.1: routers before it do not say; the next lower usual MTU. */
static uint32_t plateau_below(uint32_t len)
{
    static const uint16_t plateaus[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68};
    for (size_t i = 0; i < ARRAY_SIZE(plateaus); i++)
        if (plateaus[i] < len)
            return plateaus[i];
    return 0;
}

/* RFC 1122 3.2.2.1, RFC 1812 5.2.7.1: the meaning of an unreachable's code. */
static enum net_error unreachable_kind(uint8_t code)
{
    switch (code) {
    case ICMP4_PROTO_UNREACHABLE:
        return NET_ERROR_PROTO_UNREACHABLE;
    case ICMP4_PORT_UNREACHABLE:
        return NET_ERROR_PORT_UNREACHABLE;
    case ICMP4_FRAG_NEEDED:
        return NET_ERROR_TOO_BIG;
    case ICMP4_SOURCE_ROUTE_FAILED:
        return NET_ERROR_SOURCE_ROUTE;
    case ICMP4_NET_UNREACHABLE:
    case ICMP4_NET_UNKNOWN:
    case ICMP4_NET_TOS:
        return NET_ERROR_NET_UNREACHABLE;
    case ICMP4_NET_PROHIBITED:
    case ICMP4_HOST_PROHIBITED:
    case ICMP4_ADMIN_PROHIBITED:
    case ICMP4_PRECEDENCE_VIOLATION:
    case ICMP4_PRECEDENCE_CUTOFF:
        return NET_ERROR_PROHIBITED;
    default:
        return NET_ERROR_HOST_UNREACHABLE;
    }
}

/* Type and code as meaning, checked against the quoted header; false: ignore the message. */
static bool read_error(const struct icmp4_hdr *icmp, const struct ip4_hdr *quoted,
                       struct net_error_report *report)
{
    report->info = 0;
    switch (icmp->type) {
    case ICMP4_UNREACHABLE:
        report->kind = unreachable_kind(icmp->code);
        if (report->kind != NET_ERROR_TOO_BIG)
            return true;
        report->info = icmp->mtu != 0 ? icmp->mtu : plateau_below(quoted->total_len);
        /* RFC 1191 3, 6.3: never below 68, never an increase. */
        return report->info >= IP4_MIN_MTU && report->info < quoted->total_len;
    case ICMP4_TIME_EXCEEDED:
        report->kind =
            icmp->code == ICMP4_REASSEMBLY_EXCEEDED ? NET_ERROR_REASSEMBLY : NET_ERROR_TTL_EXCEEDED;
        return true;
    case ICMP4_PARAMETER_PROBLEM:
        report->kind = NET_ERROR_PARAMETER;
        report->info = icmp->pointer;
        return true;
    default: /* source quench, redirect */
        return false;
    }
}

/* Is `addr` a source that we may have sent from? */
static bool is_our_source(const struct nst_stack *stack, const struct rx *rx,
                          const struct nst_addr *addr)
{
    return nst_addr_equal(addr, &rx->dst) || addrs_owner(stack, NET_IPV4, addr) != NULL;
}

/* N105. Borrows p; false: ignore it. */
static bool pass_error(struct nst_stack *stack, const struct pkt *p, const struct rx *rx,
                       const struct icmp4_hdr *icmp)
{
    const uint8_t *quote = p->data + ICMP4_HDR_LEN;
    const size_t len = p->linear - ICMP4_HDR_LEN;
    struct ip4_hdr quoted;
    struct net_error_report report = {
        .nic = rx->nic, .type = icmp->type, .code = icmp->code, .offender = rx->src};
    if (rx->type != PKT_HOST || ip4_parse(quote, len, &quoted) == 0 || quoted.frag_off != 0 ||
        len < quoted.hdr_len + 8u || !read_error(icmp, &quoted, &report))
        return false;
    report.src = addr_from_raw4(quoted.src4);
    report.dst = addr_from_raw4(quoted.dst4);
    report.quote = quote + quoted.hdr_len;
    report.quote_len = min_size(len, quoted.total_len) - quoted.hdr_len;
    if (report.quote_len < 8 || !is_our_source(stack, rx, &report.src) ||
        !stack_report_error(stack, quoted.proto, &report))
        return false;
    COUNT(stack->counters.icmp4_errors_received);
    return true;
}

static void input_error(struct nst_stack *stack, struct pkt *p, const struct rx *rx,
                        const struct icmp4_hdr *icmp)
{
    if (!pkt_pull_up(p, min_u32(p->len, QUOTE_LINEAR)))
        pkt_drop(p, DROP_NO_MEMORY);
    else if (pass_error(stack, p, rx, icmp))
        pkt_deliver(p);
    else
        pkt_drop(p, DROP_ICMP_IGNORED);
}

static void input(struct nst_stack *stack, struct pkt *p, const struct rx *rx)
{
    struct icmp4_hdr icmp;
    if (unlikely(rx->net->index != NET_IPV4)) { /* IPv6 has its own (RFC 4443) */
        stack_refuse_transport(p, rx);
        return;
    }
    COUNT(stack->counters.icmp4_received);
    if (!pkt_pull_up(p, ICMP4_HDR_LEN) ||
        (p->csum == NST_CSUM_UNKNOWN && !csum_ok(pkt_csum(p, 0, p->len)))) {
        COUNT(stack->counters.icmp4_malformed);
        pkt_drop(p, DROP_ICMP_MALFORMED);
        return;
    }
    icmp4_parse(p->data, p->linear, &icmp);
    if (icmp4_is_error(icmp.type)) {
        input_error(stack, p, rx, &icmp);
        return;
    }
    if (icmp.type == ICMP4_ECHO_REPLY && stack->echo_reply != NULL &&
        stack->echo_reply(stack, p, rx))
        return;
    if (!rx->dst_assigned) {
        if (rx->type != PKT_HOST || stack->default_handler == NULL ||
            !stack->default_handler(stack, p, rx))
            pkt_drop(p, DROP_ICMP_IGNORED);
    } else if (icmp.type == ICMP4_ECHO_REQUEST) {
        echo_request(stack, p, rx);
    } else {
        pkt_drop(p, DROP_ICMP_IGNORED);
    }
}

/* An error about an ICMP message of ours: an echo request is the ping transport's. */
static void error(struct nst_stack *stack, const struct net_error_report *report)
{
    if (report->quote[0] == ICMP4_ECHO_REQUEST && stack->echo_error != NULL)
        stack->echo_error(stack, report);
}

const struct transport_proto icmp4_proto = {
    .name = "icmp4",
    .number = IP_PROTO_ICMP,
    .init = init,
    .fini = fini,
    .input = input,
    .error = error,
};
