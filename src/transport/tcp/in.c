/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/in.h"

#include "transport/tcp/legal.h"
#include "transport/tcp/out.h"
#include "transport/tcp/timewait.h"
#include "wire/addr.h"
#include "wire/csum.h"
#include "wire/ipproto.h"

static __attribute__((noinline)) bool csum_adds_up(const struct pkt *p, const struct rx *rx)
{
    const uint32_t pseudo = csum_pseudo(&rx->src, &rx->dst, IP_PROTO_TCP, p->len);
    return csum_ok(csum_add(pkt_csum(p, 0, p->len), pseudo));
}

static inline bool csum_is_good(const struct pkt *p, const struct rx *rx)
{
    return p->csum != NST_CSUM_UNKNOWN || csum_adds_up(p, rx);
}

/* RFC 9293 3.9.2.3 (MUST-63), N104: TCP is between two hosts. */
static bool addresses_are_good(const struct rx *rx)
{
    if (rx->type != PKT_HOST)
        return false;
    return !addr_is_multicast(&rx->src) && !addr_is_limited_broadcast(&rx->src) &&
           !addr_is_unspecified(&rx->src) && !addr_is_unspecified(&rx->dst);
}

/* Decodes and verifies. False: seg->drop tells why. */
static inline bool decode(struct pkt *p, const struct rx *rx, struct seg *seg)
{
    struct tcp_hdr hdr;
    seg->p = p;
    seg->rx = rx;
    seg->refused = false;
    if (!pkt_pull_up(p, TCP_HDR_LEN))
        return seg_refuse(seg, DROP_TRANS_MALFORMED);
    const uint32_t hdr_len = (uint32_t)(p->data[12] >> 4) * 4;
    if (hdr_len < TCP_HDR_LEN || !pkt_pull_up(p, hdr_len) ||
        tcp_parse(p->data, p->linear, &hdr) == 0)
        return seg_refuse(seg, DROP_TRANS_MALFORMED);
    if (!csum_is_good(p, rx))
        return seg_refuse(seg, DROP_TRANS_CSUM);
    tcp_opts_parse(p->data + TCP_HDR_LEN, hdr_len - TCP_HDR_LEN, &seg->opts);
    if ((seg->opts.present & TCP_OPTS_SACK) == 0)
        seg->opts.n_sack = 0;
    seg->seq = hdr.seq;
    seg->ack = hdr.ack;
    seg->flags = hdr.flags;
    seg->wnd = hdr.wnd;
    seg->urg = hdr.urg;
    seg->src_port = hdr.src_port;
    seg->dst_port = hdr.dst_port;
    seg->len = p->len - hdr_len;
    seg->end = hdr.seq + tcp_seg_len(hdr.flags, seg->len);
    return true;
}

static SLOW_PATH void refuse(struct nst_stack *stack, struct pkt *p, const struct seg *seg)
{
    COUNT(stack->counters.tcp_segments_malformed);
    pkt_drop(p, (enum drop_reason)seg->drop);
}

/* The end of a segment whose packet no step has kept. */
static void finish(struct seg *seg)
{
    if (seg->refused)
        pkt_drop(seg->p, (enum drop_reason)seg->drop);
    else
        pkt_deliver(seg->p);
}

/* RFC 9293 3.10.7.1; before that, N101. Consumes the packet. */
static SLOW_PATH void no_connection(struct nst_stack *stack, struct seg *seg)
{
    const struct rx *rx = seg->rx;
    if (stack->default_handler != NULL && stack->default_handler(stack, seg->p, rx))
        return;
    if (rx->dst_assigned)
        out_reset_for(stack, seg);
    pkt_drop(seg->p, DROP_NO_SOCKET);
}

/* legal.c's verdict. False: the segment goes no further. */
static bool judge(struct tcb *tcb, struct seg *seg)
{
    switch (legal_check(tcb->state, seg->flags)) {
    case LEGAL_PASS:
        return true;
    case LEGAL_RESET:
        out_reset_for(tcb->stack, seg);
        return seg_refuse(seg, DROP_TCP_BAD_FLAGS);
    case LEGAL_CHALLENGE:
        /* RFC 5961 4.2: whatever the sequence number. */
        out_challenge(tcb);
        return seg_refuse(seg, DROP_TCP_BAD_FLAGS);
    case LEGAL_DROP:
    default:
        return seg_refuse(seg, DROP_TCP_BAD_FLAGS);
    }
}

static SLOW_PATH void dispatch(struct tcb *tcb, struct seg *seg)
{
    if (!judge(tcb, seg))
        return;
    switch (tcb->state) {
    case NST_TCP_LISTEN:
        in_listen(tcb, seg, 0);
        break;
    case NST_TCP_SYN_SENT:
        in_syn_sent(tcb, seg);
        break;
    default:
        in_synchronized(tcb, seg);
        break;
    }
}

void in_packet(struct nst_stack *stack, struct pkt *p, const struct rx *rx)
{
    struct seg seg;
    COUNT(stack->counters.tcp_segments_received);
    if (unlikely(!addresses_are_good(rx))) {
        pkt_drop(p, DROP_TCP_BAD_ADDRESS);
        return;
    }
    if (unlikely(!decode(p, rx, &seg))) {
        refuse(stack, p, &seg);
        return;
    }
    struct demux_entry *e = demux_lookup(stack, rx, seg.src_port, seg.dst_port);
    if (unlikely(e == NULL)) {
        no_connection(stack, &seg);
        return;
    }
    pkt_pull_any(p, p->len - seg.len);
    if (unlikely((e->tag & TAG_MASK) == TAG_TIMEWAIT)) {
        timewait_input(stack, timewait_of(e), &seg);
    } else {
        struct tcb *tcb = tcb_of(e);
        tcb->segs_in++;
        tcb->data_segs_in += seg.len > 0;
        if (unlikely(!in_fast(tcb, &seg)))
            dispatch(tcb, &seg);
        tcb_check(tcb);
    }
    if (seg.p != NULL)
        finish(&seg);
}
