/* SPDX-License-Identifier: Apache-2.0 */
/* The user's calls (RFC 9293 3.10.1 to 3.10.6): opening, closing, abort. Data is in user_data.c,
 * options are in user_opts.c. */
#include "stack/nic.h"
#include "stack/ports.h"
#include "transport/tcp/fsm.h"
#include "transport/tcp/isn.h"
#include "transport/tcp/listen.h"
#include "transport/tcp/rcvbuf.h"
#include "transport/tcp/sndbuf.h"
#include "transport/tcp/tcb.h"
#include "transport/tcp/timers.h"
#include "transport/tcp/timewait.h"
#include "wire/addr.h"
#include "wire/ipproto.h"

struct tcb *tcp_new(struct nst_stack *stack, struct ready *ready)
{
    struct tcb *tcb = tcb_new(stack, ready);
    if (tcb == NULL && !list_is_empty(&stack->tcp->timewait)) {
        timewait_evict(stack);
        tcb = tcb_new(stack, ready);
    }
    return tcb;
}

void tcp_set_ready(struct tcb *tcb, struct ready *ready)
{
    tcb->ready = ready;
    tcb_notify(tcb, tcp_events(tcb));
}

int tcp_bind(struct tcb *tcb, const struct nst_endpoint *local)
{
    if (tcb->state != NST_TCP_CLOSED || tcb->bound || tcb->connected)
        return -NST_EINVAL;
    if (local->nic != 0 && nic_by_id(tcb->stack, local->nic) == NULL)
        return -NST_EADDRNOTAVAIL;
    if (addr_is_multicast(&local->addr) || addr_is_limited_broadcast(&local->addr) ||
        !ports_address_is_usable(tcb->stack, &local->addr, local->nic))
        return -NST_EADDRNOTAVAIL;
    if (local->nic != 0 && nic_by_id(tcb->stack, local->nic) == NULL)
        return -NST_EADDRNOTAVAIL;
    if (!ports_address_is_usable(tcb->stack, &local->addr, local->nic))
        return -NST_EADDRNOTAVAIL;
    struct demux_key *key = &tcb->demux.key;
    key->local = local->addr;
    key->local_port = local->port;
    key->nic = local->nic;
    const int r = demux_add(tcb->stack, &tcb->demux);
    if (r < 0) {
        *key = (struct demux_key){.proto = IP_PROTO_TCP};
        return r;
    }
    tcb->bound = true;
    return 0;
}

/* Registers the 4-tuple; one that is in TIME-WAIT may be taken over (RFC 6191 2). */
static int register_connected(struct tcb *tcb, uint32_t *ret_floor)
{
    struct nst_stack *stack = tcb->stack;
    const int r = demux_add(stack, &tcb->demux);
    if (r != -NST_EADDRINUSE || tcb->demux.key.local_port == 0)
        return r;
    struct demux_entry *e = demux_lookup_exact(stack, &tcb->demux.key);
    if (e == NULL || (e->tag & TAG_MASK) != TAG_TIMEWAIT ||
        !timewait_give_way(stack, timewait_of(e), ret_floor))
        return r;
    return demux_add(stack, &tcb->demux);
}

/* From bound or unbound to the whole 4-tuple; on failure it is as it was. */
static int join(struct tcb *tcb, const struct nst_endpoint *remote, uint32_t *ret_floor)
{
    struct nst_stack *stack = tcb->stack;
    struct demux_key *key = &tcb->demux.key;
    const struct demux_key before = *key;
    const uint32_t nic = remote->nic != 0 ? remote->nic : key->nic;
    struct dst *dst;
    int r = dst_get(stack, &remote->addr, &key->local, nic, &dst);
    if (r < 0)
        return r;
    demux_remove(stack, &tcb->demux);
    key->local = dst->source;
    key->remote = remote->addr;
    key->remote_port = remote->port;
    r = register_connected(tcb, ret_floor);
    if (r < 0) {
        *key = before;
        if (tcb->bound)
            demux_add(stack, &tcb->demux);
        dst_put(dst);
        return r;
    }
    dst_put(tcb->dst);
    tcb->dst = dst;
    return 0;
}

static int connect_refusal(const struct tcb *tcb)
{
    switch (tcb->state) {
    case NST_TCP_CLOSED:
        return tcb->connected ? -NST_EISCONN : 0;
    case NST_TCP_LISTEN:
        return -NST_EINVAL;
    case NST_TCP_SYN_SENT:
    case NST_TCP_SYN_RECEIVED:
        return -NST_EALREADY;
    default:
        return -NST_EISCONN;
    }
}

int tcp_connect(struct tcb *tcb, const struct nst_endpoint *remote)
{
    int r = connect_refusal(tcb);
    if (r < 0)
        return r;
    if (remote->port == 0)
        return -NST_EADDRNOTAVAIL;
    /* RFC 9293 3.9.2.3 (MUST-46): no group, no broadcast. */
    if (addr_is_multicast(&remote->addr) || addr_is_limited_broadcast(&remote->addr))
        return -NST_ENETUNREACH;
    uint32_t floor = 0;
    r = join(tcb, remote, &floor);
    if (r < 0)
        return r;
    tcb->bound = true;
    tcb->error = 0;
    tcb->ts.offset = isn_ts_offset(tcb->stack, &tcb->demux.key);
    uint32_t iss = isn_make(tcb->stack, &tcb->demux.key);
    if (floor != 0 && seq_leq(iss, floor))
        iss = floor + 65537;
    tcb->snd.iss = tcb->snd.una = iss;
    tcb->snd.nxt = iss + 1;
    tcb->alive_ms = tcb_now_ms(tcb);
    tcb_update_mss(tcb);
    COUNT(tcb->stack->counters.tcp_active_opens);
    fsm_set(tcb, NST_TCP_SYN_SENT);
    tcb_schedule(tcb, TODO_SYN);
    return -NST_EINPROGRESS;
}

int tcp_listen(struct tcb *tcb, int backlog)
{
    if (tcb->state == NST_TCP_LISTEN) {
        tcb->listener->backlog = (uint32_t)(backlog < 1 ? 1 : backlog);
        return 0;
    }
    if (tcb->state != NST_TCP_CLOSED || !tcb->bound || tcb->connected)
        return -NST_EINVAL;
    return listen_start(tcb, (uint32_t)(backlog < 1 ? 1 : backlog));
}

int tcp_accept(struct tcb *tcb, struct tcb **ret_child)
{
    if (tcb->state != NST_TCP_LISTEN)
        return -NST_EINVAL;
    struct tcb *child = listen_take(tcb);
    if (child == NULL)
        return -NST_EAGAIN;
    *ret_child = child;
    return 0;
}

/* ---- Closing ---- */

/* FIN goes behind what is queued (RFC 9293 3.10.4). */
static void queue_fin(struct tcb *tcb)
{
    if (tcb->fin_queued)
        return;
    struct tx *tx = sndbuf_tx(tcb);
    if (tx == NULL) {
        /* Not even memory for a FIN. */
        tcb_schedule(tcb, TODO_RST);
        tcb_end(tcb, NST_ENOMEM);
        return;
    }
    tcb->fin_queued = true;
    tx->push = tx->end;
    if (tcb->state == NST_TCP_ESTABLISHED)
        fsm_set(tcb, NST_TCP_FIN_WAIT_1);
    else if (tcb->state == NST_TCP_CLOSE_WAIT)
        fsm_set(tcb, NST_TCP_LAST_ACK);
    tcb_schedule(tcb, TODO_SEND);
}

int tcp_shutdown(struct tcb *tcb, int how)
{
    if (how != NST_SHUT_RECV && how != NST_SHUT_SEND && how != (NST_SHUT_RECV | NST_SHUT_SEND))
        return -NST_EINVAL;
    if (tcb->state < NST_TCP_SYN_RECEIVED)
        return -NST_ENOTCONN;
    if ((how & NST_SHUT_RECV) != 0) {
        tcb->shut_recv = true;
        tcb_notify(tcb, NST_READY_IN | NST_READY_RDHUP);
    }
    if ((how & NST_SHUT_SEND) != 0 && tcb->state != NST_TCP_TIME_WAIT)
        queue_fin(tcb);
    tcb_check(tcb);
    return 0;
}

/* TCP alone has it now. Frees it when nothing is left to do. */
static void orphan(struct tcb *tcb)
{
    tcb->orphan = true;
    tcb->ready = NULL;
    if (tcb->state == NST_TCP_CLOSED && (tcb->todo_bits & TODO_RST) == 0) {
        tcb_free(tcb);
        return;
    }
    if (tcb->state == NST_TCP_TIME_WAIT) {
        tcb_free(tcb);
        return;
    }
    timers_set_life(tcb);
    if (tcb->opt != NULL && tcb->opt->linger > 0 && tcb->tx != NULL) {
        tcb->timers.life = tcb->stack->now + tcb->opt->linger;
        timers_update(tcb);
    }
}

void tcp_abort(struct tcb *tcb)
{
    /* RFC 9293 3.10.5: RST in the synchronized states that are not over yet. */
    const bool reset = tcb->state >= NST_TCP_SYN_RECEIVED && tcb->state != NST_TCP_CLOSING &&
                       tcb->state != NST_TCP_LAST_ACK && tcb->state != NST_TCP_TIME_WAIT;
    if (tcb->state == NST_TCP_LISTEN)
        listen_stop(tcb);
    rcvbuf_free(tcb);
    if (tcb->state != NST_TCP_TIME_WAIT) {
        if (reset)
            tcb_schedule(tcb, TODO_RST);
        tcb->ready = NULL;
        tcb_end(tcb, 0);
    }
    orphan(tcb);
}

void tcp_close(struct tcb *tcb)
{
    const bool unread = rcvbuf_unread(tcb) > 0;
    const bool hard = tcb->opt != NULL && tcb->opt->linger == 0;
    switch (tcb->state) {
    case NST_TCP_ESTABLISHED:
    case NST_TCP_CLOSE_WAIT:
    case NST_TCP_FIN_WAIT_1:
    case NST_TCP_FIN_WAIT_2:
        /* RFC 2525 2.17: the peer shall know that data was thrown away. */
        if (unread || hard)
            break;
        queue_fin(tcb);
        orphan(tcb);
        return;
    case NST_TCP_SYN_RECEIVED:
        if (hard)
            break;
        queue_fin(tcb);
        orphan(tcb);
        return;
    case NST_TCP_CLOSING:
    case NST_TCP_LAST_ACK:
        rcvbuf_free(tcb);
        orphan(tcb);
        return;
    default:
        break;
    }
    tcp_abort(tcb);
}

int tcp_accept_syn(struct nst_stack *stack, const struct tcp_syn *syn, struct ready *ready,
                   struct tcb **ret_tcb)
{
    struct tcb *tcb;
    const int r = listen_make(stack, syn, NULL, 0, &tcb);
    if (r < 0)
        return r;
    tcb->ready = ready;
    *ret_tcb = tcb;
    return 0;
}
