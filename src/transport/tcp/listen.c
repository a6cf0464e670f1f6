/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/listen.h"

#include "stack/nic.h"
#include "transport/tcp/budget.h"
#include "transport/tcp/fsm.h"
#include "transport/tcp/isn.h"
#include "transport/tcp/opts.h"
#include "transport/tcp/timers.h"
#include "wire/addr.h"
#include "wire/ipproto.h"

int listen_start(struct tcb *tcb, uint32_t backlog)
{
    struct listener *l = slab_take(&tcb->stack->tcp->listeners);
    if (l == NULL)
        return -NST_ENOMEM;
    *l = (struct listener){.backlog = backlog};
    list_init(&l->embryos);
    list_init(&l->ready);
    tcb->listener = l;
    fsm_set(tcb, NST_TCP_LISTEN);
    return 0;
}

/* The child is nobody's any more and ends by RST in the epilogue. */
static void abandon(struct tcb *child)
{
    struct tcp_state *tcp = child->stack->tcp;
    list_remove(&child->node);
    list_add_tail(&tcp->all, &child->node);
    child->embryo = false;
    child->parent = NULL;
    tcp_abort(child);
}

void listen_stop(struct tcb *tcb)
{
    struct listener *l = tcb->listener;
    while (!list_is_empty(&l->embryos))
        abandon(LIST_FIRST(&l->embryos, struct tcb, node));
    while (!list_is_empty(&l->ready))
        abandon(LIST_FIRST(&l->ready, struct tcb, node));
    slab_give(&tcb->stack->tcp->listeners, l);
    tcb->listener = NULL;
}

void listen_read_syn(const struct seg *seg, struct tcp_syn *ret_syn)
{
    const struct tcp_opts *o = &seg->opts;
    *ret_syn = (struct tcp_syn){
        .local = seg->rx->dst,
        .remote = seg->rx->src,
        .local_port = seg->dst_port,
        .remote_port = seg->src_port,
        .nic = seg->rx->nic->id,
        .irs = seg->seq,
        .wnd = seg->wnd,
        .wscale = 0xff,
        .sack = (o->present & TCP_OPTS_SACK_PERMITTED) != 0,
        .timestamps = (o->present & TCP_OPTS_TS) != 0,
    };
    if ((o->present & TCP_OPTS_MSS) != 0)
        ret_syn->mss = o->mss;
    if ((o->present & TCP_OPTS_WSCALE) != 0)
        ret_syn->wscale = o->wscale;
    if (ret_syn->timestamps)
        ret_syn->ts_val = o->ts_val;
}

/* What the child has from its listener. */
static void inherit(struct tcb *tcb, const struct tcb *parent)
{
    tcb->nodelay = parent->nodelay;
    tcb->cork = parent->cork;
    tcb->keepalive = parent->keepalive;
    tcb->quickack = parent->quickack;
    tcb->snd_buf_set = parent->snd_buf_set;
    tcb->rcv_buf_set = parent->rcv_buf_set;
    tcb->snd.buf = parent->snd.buf;
    tcb->rcv.buf = parent->rcv.buf;
    tcb->cc.ops = parent->cc.ops;
    if (parent->opt != NULL && tcb_opt_make(tcb) != NULL)
        *tcb->opt = *parent->opt;
}

static void take_options(struct tcb *tcb, const struct tcp_syn *syn)
{
    struct tcp_opts o = {.present = 0};
    if (syn->mss != 0)
        o.present |= TCP_OPTS_MSS;
    if (syn->wscale != 0xff)
        o.present |= TCP_OPTS_WSCALE;
    if (syn->sack)
        o.present |= TCP_OPTS_SACK_PERMITTED;
    if (syn->timestamps)
        o.present |= TCP_OPTS_TS;
    o.mss = syn->mss;
    o.wscale = syn->wscale;
    o.ts_val = syn->ts_val;
    opts_negotiate(tcb, &o);
}

/* RFC 9293 3.10.7.2, third: what the SYN says, and a number of our own. */
static void begin(struct tcb *tcb, const struct tcp_syn *syn, uint32_t isn_floor)
{
    struct nst_stack *stack = tcb->stack;
    take_options(tcb, syn);
    tcb->ts.offset = isn_ts_offset(stack, &tcb->demux.key);
    tcb->rcv.irs = syn->irs;
    tcb->rcv.nxt = tcb->rcv.wup = tcb->rcv.edge = syn->irs + 1;
    tcb->rcv.mss = 536;
    uint32_t iss = isn_make(stack, &tcb->demux.key);
    /* RFC 6191 2: above what the connection in TIME-WAIT has used. */
    if (isn_floor != 0 && seq_leq(iss, isn_floor))
        iss = isn_floor + 65537;
    tcb->snd.iss = tcb->snd.una = iss;
    tcb->snd.nxt = iss + 1;
    tcb->snd.wnd = tcb->snd.max_wnd = syn->wnd;
    tcb->passive = true;
    tcb->alive_ms = tcb_now_ms(tcb);
    fsm_set(tcb, NST_TCP_SYN_RECEIVED);
    tcb_schedule(tcb, TODO_SYN);
}

int listen_make(struct nst_stack *stack, const struct tcp_syn *syn, struct tcb *parent,
                uint32_t isn_floor, struct tcb **ret_tcb)
{
    struct tcb *tcb = tcb_new(stack, NULL);
    if (tcb == NULL)
        return -NST_ENOMEM;
    if (parent != NULL)
        inherit(tcb, parent);
    struct demux_key *key = &tcb->demux.key;
    key->local = syn->local;
    key->remote = syn->remote;
    key->local_port = syn->local_port;
    key->remote_port = syn->remote_port;
    /* RFC 4007 6: a link-local address means something on its link alone. */
    const bool any_nic = parent != NULL && !addr_is_link_local(&syn->remote);
    key->nic = any_nic ? parent->demux.key.nic : syn->nic;
    key->proto = IP_PROTO_TCP;
    int r = dst_get(stack, &key->remote, &key->local, key->nic, &tcb->dst);
    if (r == 0) {
        tcb->demux.shares_port = true;
        r = demux_add(stack, &tcb->demux);
    }
    if (r < 0) {
        tcb_free(tcb);
        return r;
    }
    tcb->bound = true;
    tcb_update_mss(tcb);
    begin(tcb, syn, isn_floor);
    COUNT(stack->counters.tcp_passive_opens);
    *ret_tcb = tcb;
    return 0;
}

int listen_child(struct tcb *parent, const struct tcp_syn *syn, uint32_t isn_floor,
                 struct tcb **ret_child)
{
    struct listener *l = parent->listener;
    /* As in the BSDs and Linux: a full accept queue takes no more, and half-open ones have a
     * bound of their own. */
    if (l->ready_count >= l->backlog || l->embryo_count >= max_u32(l->backlog, 16) ||
        !budget_may_open(parent->stack->tcp)) {
        COUNT(parent->stack->counters.tcp_listen_drops);
        return -NST_ENOBUFS;
    }
    const int r = listen_make(parent->stack, syn, parent, isn_floor, ret_child);
    if (r < 0)
        return r;
    struct tcb *child = *ret_child;
    child->orphan = false;
    child->embryo = true;
    child->parent = parent;
    list_remove(&child->node);
    list_add_tail(&l->embryos, &child->node);
    l->embryo_count++;
    return 0;
}

bool listen_may_establish(const struct tcb *tcb)
{
    const struct listener *l = tcb->parent->listener;
    return l->ready_count < l->backlog;
}

void listen_established(struct tcb *tcb)
{
    struct tcb *parent = tcb->parent;
    struct listener *l = parent->listener;
    list_remove(&tcb->node);
    list_add_tail(&l->ready, &tcb->node);
    l->embryo_count--;
    l->ready_count++;
    tcb_notify(parent, NST_READY_IN);
}

void listen_forget(struct tcb *tcb)
{
    struct listener *l = tcb->parent->listener;
    if (tcb->connected)
        return; /* accept gives it, with its error */
    l->embryo_count--;
    list_remove(&tcb->node);
    list_add_tail(&tcb->stack->tcp->all, &tcb->node);
    tcb->embryo = false;
    tcb->parent = NULL;
    tcb->orphan = true;
}

struct tcb *listen_take(struct tcb *tcb)
{
    struct listener *l = tcb->listener;
    struct tcb *child = LIST_FIRST(&l->ready, struct tcb, node);
    if (child == NULL)
        return NULL;
    l->ready_count--;
    list_remove(&child->node);
    list_add_tail(&tcb->stack->tcp->all, &child->node);
    child->embryo = false;
    child->parent = NULL;
    return child;
}
