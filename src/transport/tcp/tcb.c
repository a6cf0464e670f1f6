/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/tcb.h"

#include "transport/tcp/budget.h"
#include "transport/tcp/cc.h"
#include "transport/tcp/fsm.h"
#include "transport/tcp/listen.h"
#include "transport/tcp/out.h"
#include "transport/tcp/rcvbuf.h"
#include "transport/tcp/sack.h"
#include "transport/tcp/timers.h"
#include "wire/ipproto.h"

#define MSS_MIN 48u

struct tcb *tcb_new(struct nst_stack *stack, struct ready *ready)
{
    struct tcp_state *tcp = stack->tcp;
    if (!budget_may_open(tcp))
        return NULL;
    struct tcb *tcb = slab_take(&tcp->tcbs);
    if (tcb == NULL)
        return NULL;
    const uint32_t buffer = budget_first_buffer(tcp);
    *tcb = (struct tcb){
        .stack = stack,
        .ready = ready,
        .state = NST_TCP_CLOSED,
        .ts_ok = (tcp->off & NST_TCP_OFF_TIMESTAMPS) == 0,
        .sack_ok = (tcp->off & NST_TCP_OFF_SACK) == 0,
        .wscale_ok = (tcp->off & NST_TCP_OFF_WINDOW_SCALE) == 0,
        .snd.buf = min_u32(TCB_BUF_DEFAULT, tcp->snd_buf_max),
        .rcv.buf = min_u32(buffer, tcp->rcv_buf_max),
        .snd.peer_mss = 536,
        .reordering = SACK_DUP_THRESH,
        .demux.tag = TAG_TCB,
        .demux.key.proto = IP_PROTO_TCP,
    };
    todo_init(&tcb->todo, out_run);
    list_init(&tcb->node);
    list_add_tail(&tcp->all, &tcb->node);
    timers_init(tcb);
    rtt_init(tcb);
    return tcb;
}

void tcb_free(struct tcb *tcb)
{
    struct nst_stack *stack = tcb->stack;
    budget_leave(tcb);
    if (tcb->listener != NULL && tcb->state == NST_TCP_LISTEN)
        listen_stop(tcb);
    demux_remove(stack, &tcb->demux);
    timers_stop(tcb);
    todo_cancel(&tcb->todo);
    sndbuf_free(tcb);
    rcvbuf_free(tcb);
    dst_put(tcb->dst);
    list_remove(&tcb->node);
    if (tcb->opt != NULL)
        slab_give(&stack->tcp->opts, tcb->opt);
    slab_give(&stack->tcp->tcbs, tcb);
    budget_freed(stack->tcp);
}

struct tcb_opt *tcb_opt_make(struct tcb *tcb)
{
    if (tcb->opt == NULL) {
        tcb->opt = slab_take(&tcb->stack->tcp->opts);
        if (tcb->opt != NULL)
            *tcb->opt = (struct tcb_opt){.linger = -1};
    }
    return tcb->opt;
}

void tcb_schedule(struct tcb *tcb, uint8_t bits)
{
    tcb->todo_bits |= bits;
    if (unlikely(tcb->waiting)) {
        /* In the NIC's list of waiters: what is due now may not wait for it. */
        todo_cancel(&tcb->todo);
        tcb->waiting = false;
        tcb->todo_bits |= TODO_SEND;
    }
    todo_schedule(tcb->stack, &tcb->todo);
}

uint16_t tcb_offered_mss(const struct tcb *tcb)
{
    const uint32_t mtu = tcb->dst != NULL ? dst_mtu(tcb->dst) : 556;
    uint32_t mss = mtu > TCP_HDR_LEN + MSS_MIN ? mtu - TCP_HDR_LEN : MSS_MIN;
    if (tcb->opt != NULL && tcb->opt->maxseg != 0)
        mss = min_u32(mss, tcb->opt->maxseg);
    return (uint16_t)min_u32(mss, 65495);
}

void tcb_update_mss(struct tcb *tcb)
{
    const uint16_t path = tcb_offered_mss(tcb);
    uint32_t mss = min_u32(path, tcb->snd.peer_mss);
    /* RFC 6691 2: the MSS options count no options, the segments carry them. */
    if (tcb->ts_ok)
        mss -= 12;
    tcb->snd.mss = (uint16_t)mss;
    tcb->snd.path_mss = path;
    tcb->snd.chunk = mss;
    /* RFC 5681 3.1: never under a segment; 0 before the handshake. */
    if (tcb->cc.cwnd != 0)
        tcb->cc.cwnd = max_u32(tcb->cc.cwnd, mss);
    const uint32_t gso = tcb->dst != NULL ? dst_gso_max(tcb->dst) : 0;
    /* Headers of IP and TCP with all options. */
    const uint32_t room = gso > 120 ? min_u32(gso, 65535) - 120 : 0;
    if (room > mss)
        tcb->snd.chunk = room / mss * mss;
}

struct dst *tcb_dst(struct tcb *tcb)
{
    if (likely(tcb->dst != NULL && dst_is_valid(tcb->dst))) {
        if (unlikely(tcb_offered_mss(tcb) != tcb->snd.path_mss))
            tcb_update_mss(tcb);
        return tcb->dst;
    }
    const struct demux_key *key = &tcb->demux.key;
    struct dst *dst;
    if (dst_get(tcb->stack, &key->remote, &key->local, key->nic, &dst) < 0)
        return NULL;
    dst_put(tcb->dst);
    tcb->dst = dst;
    tcb_update_mss(tcb);
    return dst;
}

void tcb_end(struct tcb *tcb, int error)
{
    if (tcb->state == NST_TCP_CLOSED)
        return;
    if (tcb->error == 0)
        tcb->error = (int8_t)error;
    fsm_set(tcb, NST_TCP_CLOSED);
    budget_leave(tcb);
    demux_remove(tcb->stack, &tcb->demux);
    timers_stop(tcb);
    sndbuf_free(tcb);
    rcvbuf_free_ooo(tcb);
    tcb->fin_queued = false;
    if (tcb->embryo)
        listen_forget(tcb);
    tcb_notify(tcb, NST_READY_IN | NST_READY_OUT | NST_READY_RDHUP | NST_READY_HUP |
                        (error != 0 ? NST_READY_ERROR : 0));
    tcb_schedule(tcb, TODO_END);
}

#ifdef NST_DEBUG
static void check_records(const struct tcb *tcb)
{
    const struct tx *tx = tcb->tx;
    uint32_t at = tcb->snd.una, count = 0, sacked = 0, lost = 0, retrans = 0;
    struct rec *rec;
    LIST_FOR_EACH (rec, &tx->recs, struct rec, node) {
        CHECK(rec->start == at && seq_lt(rec->start, rec->end));
        at = rec->end;
        count++;
        sacked += rec->flags & REC_SACKED ? rec->end - rec->start : 0;
        lost += rec->flags & REC_LOST ? rec->end - rec->start : 0;
        retrans += rec->flags & REC_RETRANS ? rec->end - rec->start : 0;
        CHECK((rec->flags & (REC_SACKED | REC_LOST)) != (REC_SACKED | REC_LOST));
        CHECK((rec->flags & (REC_LOST | REC_RETRANS)) != REC_RETRANS);
    }
    CHECK(at == tcb->snd.nxt);
    CHECK(count == tx->rec_count);
    CHECK(sacked == tx->sacked && lost == tx->lost && retrans == tx->retrans);
}

static void check_runs(const struct tcb *tcb)
{
    uint32_t at = tcb->rcv.nxt, count = 0, bytes = 0;
    const struct run *run;
    LIST_FOR_EACH (run, &tcb->ooo->runs, struct run, node) {
        CHECK(seq_gt(run->start, at) && seq_lt(run->start, run->end));
        CHECK(run->q.bytes == run->end - run->start);
        at = run->end;
        count++;
        bytes += run->end - run->start;
    }
    CHECK(count > 0 && count == tcb->ooo->count && bytes == tcb->ooo->bytes);
}

void tcb_check(const struct tcb *tcb)
{
    const bool open = tcb->state >= NST_TCP_ESTABLISHED && tcb->state != NST_TCP_TIME_WAIT;
    CHECK(seq_leq(tcb->snd.una, tcb->snd.nxt));
    if (open && tcb->tx != NULL)
        check_records(tcb);
    if (open && tcb->tx == NULL)
        CHECK(tcb->snd.una == tcb->snd.nxt);
    if (tcb->ooo != NULL)
        check_runs(tcb);
    if (open) {
        CHECK(tcb->demux.registered);
        CHECK(tcb->cc.cwnd >= tcb->snd.mss || tcb->snd.mss > tcb->snd.path_mss);
        CHECK(seq_geq(tcb->rcv.edge, tcb->rcv.nxt));
    }
}
#endif
