/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/icmp.h"

#include "stack/nic.h"
#include "transport/forwarder.h"
#include "transport/tcp/sack.h"
#include "wire/ipproto.h"

/* Before anything was agreed, an error ends the attempt (RFC 9293 3.9.2.2, RFC 5461 4.1). */
static int connect_error(enum net_error kind)
{
    switch (kind) {
    case NET_ERROR_PROTO_UNREACHABLE:
    case NET_ERROR_PORT_UNREACHABLE:
        return NST_ECONNREFUSED;
    case NET_ERROR_NET_UNREACHABLE:
        return NST_ENETUNREACH;
    case NET_ERROR_HOST_UNREACHABLE:
    case NET_ERROR_PROHIBITED:
    case NET_ERROR_SOURCE_ROUTE:
        return NST_EHOSTUNREACH;
    default:
        return 0;
    }
}

/* RFC 1191 6.5: what is under way and too long is lost; it goes again at once, smaller. */
static void too_big(struct tcb *tcb, uint32_t mtu)
{
    if (tcb->dst == NULL || mtu >= tcb->dst->mtu)
        return;
    dst_lower_mtu(tcb->dst, mtu);
    const uint16_t before = tcb->snd.mss;
    tcb_update_mss(tcb);
    if (tcb->tx == NULL || tcb_flight(tcb) == 0 || tcb->snd.mss >= before)
        return;
    sack_mark_all_lost(tcb);
    tcb_schedule(tcb, TODO_SEND);
}

/* What NST_TCP_INFO tells of the error. */
static void remember(struct tcb *tcb, const struct net_error_report *report)
{
    tcb->has_icmp = true;
    tcb->icmp_type = report->type;
    tcb->icmp_code = report->code;
}

/* The user asked to hear of it; the connection goes on. */
static void tell(struct tcb *tcb, int error)
{
    tcb->error = (uint8_t)error;
    tcb_notify(tcb, NST_READY_ERROR);
}

void icmp_error(struct nst_stack *stack, const struct net_error_report *report)
{
    struct tcp_quote quote;
    if (tcp_quote_parse(report->quote, report->quote_len, &quote) == 0)
        return;
    struct demux_key key = {
        .local = report->src,
        .remote = report->dst,
        .local_port = quote.src_port,
        .remote_port = quote.dst_port,
        .proto = IP_PROTO_TCP,
    };
    struct demux_entry *e = demux_lookup_exact(stack, &key);
    if (e == NULL) {
        key.nic = report->nic->id;
        forwarder_report(stack, &key);
        return;
    }
    if ((e->tag & TAG_MASK) != TAG_TCB)
        return;
    struct tcb *tcb = tcb_of(e);
    /* RFC 5927 4.1: it has to quote what is in flight. */
    if (tcb_flight(tcb) == 0 || !seq_in(quote.seq, tcb->snd.una, tcb_flight(tcb)))
        return;
    if (report->kind == NET_ERROR_TOO_BIG) {
        too_big(tcb, report->info);
        tcb_check(tcb);
        return;
    }
    const int error = connect_error(report->kind);
    /* RFC 5927 5.2: on a connection that stands even hard errors are soft: it retransmits. */
    if (tcb->state != NST_TCP_SYN_SENT && tcb->state != NST_TCP_SYN_RECEIVED) {
        if (tcb->tells_errors && error != 0) {
            remember(tcb, report);
            tell(tcb, error);
        }
        return;
    }
    if (error != 0) {
        remember(tcb, report);
        COUNT(stack->counters.tcp_failed_attempts);
        tcb_end(tcb, error);
    }
}
