/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/timewait.h"

#include "transport/tcp/fsm.h"
#include "transport/tcp/in.h"
#include "transport/tcp/isn.h"
#include "transport/tcp/out.h"
#include "transport/tcp/rcvbuf.h"
#include "transport/tcp/sndbuf.h"
#include "transport/tcp/timers.h"

static uint32_t now_ms(const struct nst_stack *stack)
{
    return (uint32_t)(stack->now / NST_MSEC);
}

static void arm(struct nst_stack *stack)
{
    struct tcp_state *tcp = stack->tcp;
    struct timewait *first = LIST_FIRST(&tcp->timewait, struct timewait, demux.on_port);
    if (first == NULL || timer_is_armed(&tcp->tw_timer))
        return;
    const int32_t rest = (int32_t)(first->expires_ms - now_ms(stack));
    stack_arm(stack, &tcp->tw_timer, stack->now + (rest > 0 ? rest : 0) * NST_MSEC);
}

static void drop(struct nst_stack *stack, struct timewait *tw)
{
    demux_remove(stack, &tw->demux);
    slab_give(&stack->tcp->timewaits, tw);
}

static void fire(struct timer *timer, nst_time now)
{
    struct tcp_state *tcp = container_of(timer, struct tcp_state, tw_timer);
    struct nst_stack *stack = tcp->stack;
    const uint32_t ms = (uint32_t)(now / NST_MSEC);
    struct timewait *tw;
    while ((tw = LIST_FIRST(&tcp->timewait, struct timewait, demux.on_port)) != NULL &&
           (int32_t)(tw->expires_ms - ms) <= 0)
        drop(stack, tw);
    arm(stack);
}

void timewait_init(struct nst_stack *stack)
{
    struct tcp_state *tcp = stack->tcp;
    list_init(&tcp->timewait);
    timer_init(&tcp->tw_timer, fire);
}

void timewait_fini(struct nst_stack *stack)
{
    struct tcp_state *tcp = stack->tcp;
    while (!list_is_empty(&tcp->timewait))
        drop(stack, LIST_FIRST(&tcp->timewait, struct timewait, demux.on_port));
    wheel_cancel(&stack->wheel, &tcp->tw_timer);
}

void timewait_evict(struct nst_stack *stack)
{
    struct tcp_state *tcp = stack->tcp;
    for (int i = 0; i < 16 && !list_is_empty(&tcp->timewait); i++)
        drop(stack, LIST_FIRST(&tcp->timewait, struct timewait, demux.on_port));
}

/* 2 MSL from now. */
static void restart(struct nst_stack *stack, struct timewait *tw)
{
    struct tcp_state *tcp = stack->tcp;
    tw->expires_ms = now_ms(stack) + (uint32_t)(tcp->time_wait / NST_MSEC) + 1;
    list_remove(&tw->demux.on_port);
    list_add_tail(&tcp->timewait, &tw->demux.on_port);
    arm(stack);
}

static void make(struct tcb *tcb)
{
    struct nst_stack *stack = tcb->stack;
    if (pool_is_critical(stack->pool))
        timewait_evict(stack);
    struct timewait *tw = slab_take(&stack->tcp->timewaits);
    if (tw == NULL)
        return; /* DESIGN decision 8: refusing to wait is the least harm */
    const uint32_t wnd = min_u32(tcb_rcv_wnd(tcb) >> tcb->rcv.wscale, 65535);
    *tw = (struct timewait){
        .snd_nxt = tcb->snd.nxt,
        .rcv_nxt = tcb->rcv.nxt,
        .ts_recent = tcb->ts.recent,
    };
    tw->demux.key = tcb->demux.key;
    tw->demux.shares_port = true;
    tw->demux.tag = TAG_TIMEWAIT | (tcb->ts_ok ? TIMEWAIT_TS : 0) | wnd << 16;
    if (demux_add(stack, &tw->demux) < 0) {
        slab_give(&stack->tcp->timewaits, tw);
        return;
    }
    restart(stack, tw);
}

static void acknowledge(struct nst_stack *stack, const struct timewait *tw)
{
    const struct demux_key *key = &tw->demux.key;
    out_raw(stack, &(struct out_raw){
                       .local = key->local,
                       .remote = key->remote,
                       .local_port = key->local_port,
                       .remote_port = key->remote_port,
                       .nic = key->nic,
                       .seq = tw->snd_nxt,
                       .ack = tw->rcv_nxt,
                       .flags = TCP_ACK,
                       .wnd = (uint16_t)(tw->demux.tag >> 16),
                       .timestamps = (tw->demux.tag & TIMEWAIT_TS) != 0,
                       .ts_val = now_ms(stack) + isn_ts_offset(stack, key),
                       .ts_ecr = tw->ts_recent,
                   });
}

void timewait_enter(struct tcb *tcb)
{
    fsm_set(tcb, NST_TCP_TIME_WAIT);
    demux_remove(tcb->stack, &tcb->demux);
    make(tcb);
    /* The last FIN's ACK: from here, for the tcb sends no more. */
    struct demux_entry *e = demux_lookup_exact(tcb->stack, &tcb->demux.key);
    if (e != NULL && (e->tag & TAG_MASK) == TAG_TIMEWAIT && (tcb->todo_bits & TODO_ACK) != 0)
        acknowledge(tcb->stack, timewait_of(e));
    timers_stop(tcb);
    sndbuf_free(tcb);
    rcvbuf_free_ooo(tcb);
    tcb_notify(tcb, NST_READY_HUP | NST_READY_IN | NST_READY_OUT);
    tcb_schedule(tcb, TODO_END);
}

/* RFC 6191 2, RFC 9293 3.6.1: a SYN that is surely new: a later timestamp, or a higher number. */
static bool is_new_syn(const struct timewait *tw, const struct seg *seg)
{
    const bool both = (tw->demux.tag & TIMEWAIT_TS) != 0 && (seg->opts.present & TCP_OPTS_TS) != 0;
    if (both && (int32_t)(seg->opts.ts_val - tw->ts_recent) != 0)
        return (int32_t)(seg->opts.ts_val - tw->ts_recent) > 0;
    return seq_gt(seg->seq, tw->rcv_nxt);
}

/* The listener gets it as if nothing had been. */
static void reopen(struct nst_stack *stack, struct timewait *tw, struct seg *seg)
{
    const uint32_t floor = tw->snd_nxt;
    drop(stack, tw);
    struct demux_entry *e = demux_lookup(stack, seg->rx, seg->src_port, seg->dst_port);
    if (e != NULL && (e->tag & TAG_MASK) == TAG_TCB && tcb_of(e)->state == NST_TCP_LISTEN) {
        in_listen(tcb_of(e), seg, floor);
        return;
    }
    if (seg->rx->dst_assigned)
        out_reset_for(stack, seg);
    seg_refuse(seg, DROP_NO_SOCKET);
}

void timewait_input(struct nst_stack *stack, struct timewait *tw, struct seg *seg)
{
    const uint16_t flags = seg->flags;
    const bool has_ts =
        (tw->demux.tag & TIMEWAIT_TS) != 0 && (seg->opts.present & TCP_OPTS_TS) != 0;
    const bool old = has_ts && (int32_t)(seg->opts.ts_val - tw->ts_recent) < 0;
    /* RFC 1337 3, fix F1: RST does not end TIME-WAIT. */
    if ((flags & TCP_RST) != 0) {
        seg_refuse(seg, DROP_TCP_NOT_ACCEPTABLE);
        return;
    }
    if ((flags & (TCP_SYN | TCP_ACK | TCP_FIN)) == TCP_SYN && is_new_syn(tw, seg)) {
        reopen(stack, tw, seg);
        return;
    }
    if ((flags & TCP_ACK) == 0 && (flags & TCP_SYN) == 0) {
        seg_refuse(seg, DROP_TCP_BAD_FLAGS);
        return;
    }
    /* A bare ACK where we stand is the end of the play, not a reason to answer. */
    if (!old && seg->end == seg->seq && seg->seq == tw->rcv_nxt)
        return;
    /* RFC 9293 3.10.7.4, eighth, TIME-WAIT: the FIN again: acknowledge, and wait anew. */
    if ((flags & TCP_FIN) != 0 && seg->end == tw->rcv_nxt && !old)
        restart(stack, tw);
    acknowledge(stack, tw);
    seg_refuse(seg, DROP_TCP_NOT_ACCEPTABLE);
}

bool timewait_give_way(struct nst_stack *stack, struct timewait *tw, uint32_t *ret_floor)
{
    /* The peer can tell the new SYN from the old only by a timestamp that has moved on. */
    const uint32_t left = tw->expires_ms - now_ms(stack);
    const uint32_t waited = (uint32_t)(stack->tcp->time_wait / NST_MSEC) - left;
    if ((tw->demux.tag & TIMEWAIT_TS) == 0 || waited < 1000)
        return false;
    *ret_floor = tw->snd_nxt;
    drop(stack, tw);
    return true;
}
