/* SPDX-License-Identifier: Apache-2.0 */
/* The user's calls that move data (RFC 9293 3.10.2, 3.10.3), and readiness. */
#include "transport/tcp/budget.h"
#include "transport/tcp/fsm.h"
#include "transport/tcp/listen.h"
#include "transport/tcp/rcvbuf.h"
#include "transport/tcp/sndbuf.h"
#include "transport/tcp/tcb.h"

/* The pending error is reported once. */
static int take_error(struct tcb *tcb)
{
    const int error = tcb->error;
    tcb->error = 0;
    return -error;
}

int tcp_error(struct tcb *tcb)
{
    return take_error(tcb);
}

/* 0: there may be room. */
static int send_refusal(struct tcb *tcb)
{
    if (tcb->error != 0)
        return take_error(tcb);
    if (tcb->fin_queued)
        return -NST_EPIPE;
    switch (tcb->state) {
    case NST_TCP_ESTABLISHED:
    case NST_TCP_CLOSE_WAIT:
        return 0;
    case NST_TCP_SYN_SENT:
    case NST_TCP_SYN_RECEIVED:
        tcb->want_room = true;
        return -NST_EAGAIN;
    case NST_TCP_CLOSED:
        return tcb->connected ? -NST_EPIPE : -NST_ENOTCONN;
    case NST_TCP_LISTEN:
        return -NST_ENOTCONN;
    default:
        return -NST_EPIPE;
    }
}

/* Something new is queued: it goes in the epilogue. */
static void queued(struct tcb *tcb, uint32_t flags)
{
    tcb->granted = false;
    tcb->more = (flags & NST_MSG_MORE) != 0;
    if (!tcb->more && tcb->tx != NULL)
        tcb->tx->push = tcb->tx->end;
    tcb_schedule(tcb, TODO_SEND);
    tcb_check(tcb);
}

/* Was cut short or refused: NST_READY_OUT will tell when there is room, be it that the peer
 * acknowledges, be it that there is memory again. */
static int want_room(struct tcb *tcb)
{
    tcb->want_room = true;
    if (sndbuf_queued(tcb) < tcb->snd.buf)
        budget_wait(tcb);
    return -NST_EAGAIN;
}

int64_t tcp_send(struct tcb *tcb, const struct nst_iovec *iov, size_t count, uint32_t flags)
{
    const int r = send_refusal(tcb);
    if (r < 0)
        return r;
    uint32_t room = sndbuf_room(tcb);
    int64_t done = 0;
    bool all = true;
    for (size_t i = 0; i < count && all; i++) {
        const uint32_t want = (uint32_t)min_size(iov[i].len, room);
        const uint32_t n = sndbuf_write(tcb, iov[i].base, want);
        all = n == iov[i].len;
        room -= n;
        done += n;
    }
    if (done > 0)
        queued(tcb, flags);
    if (all)
        return done;
    const int refusal = want_room(tcb);
    return done > 0 ? done : refusal;
}

int tcp_send_reserve(struct tcb *tcb, struct nst_iovec *ret_pieces, int count)
{
    const int r = send_refusal(tcb);
    if (r < 0)
        return r;
    const uint32_t room = sndbuf_room(tcb);
    if (count < 1)
        return -NST_EINVAL;
    if (room == 0)
        return want_room(tcb);
    uint32_t len;
    uint8_t *at = sndbuf_reserve(tcb, room, &len);
    if (at == NULL)
        return want_room(tcb);
    tcb->tx->reserved = true;
    ret_pieces[0] = (struct nst_iovec){at, len};
    return 1;
}

uint8_t *tcp_reserved(const struct tcb *tcb, size_t *ret_room)
{
    /* What was reserved is gone when the connection is. */
    if (tcb->tx == NULL || !tcb->tx->reserved)
        return NULL;
    const struct piece *last = tcb->tx->last;
    *ret_room = (size_t)(last->block->memory + last->block->size - last->data) - last->len;
    return last->data + last->len;
}

int tcp_send_commit(struct tcb *tcb, size_t n)
{
    size_t room;
    if (tcp_reserved(tcb, &room) == NULL)
        return tcb->error != 0 ? take_error(tcb) : -NST_EINVAL;
    if (n > room)
        return -NST_EINVAL;
    tcb->tx->reserved = false;
    sndbuf_commit(tcb, (uint32_t)n);
    if (n > 0)
        queued(tcb, 0);
    return 0;
}

int tcp_send_lend(struct tcb *tcb, uint8_t *memory, size_t len,
                  void (*release)(void *context, uint8_t *memory), void *context)
{
    int r = send_refusal(tcb);
    if (r < 0)
        return r;
    if (len == 0 || len > 1u << 30)
        return -NST_EINVAL;
    const uint32_t room = sndbuf_room(tcb);
    if (room == 0 || (len > room && sndbuf_queued(tcb) > 0))
        return want_room(tcb);
    r = sndbuf_lend(tcb, memory, (uint32_t)len, release, context);
    if (r == 0)
        queued(tcb, 0);
    return r;
}

/* 0: the end of the stream, or an error; positive: try later. */
static int recv_nothing(struct tcb *tcb)
{
    if (tcb->error != 0)
        return take_error(tcb);
    if (tcb->fin_received || tcb->shut_recv)
        return 0;
    switch (tcb->state) {
    case NST_TCP_CLOSED:
        return tcb->connected ? 0 : -NST_ENOTCONN;
    case NST_TCP_LISTEN:
        return -NST_ENOTCONN;
    default:
        return -NST_EAGAIN;
    }
}

static void consumed(struct tcb *tcb, uint32_t n)
{
    if (tcb->up_valid && seq_leq(tcb->rcv.up, tcb->rcv.nxt - rcvbuf_unread(tcb)))
        tcb->up_valid = false;
    budget_freed(tcb->stack->tcp);
    rcvbuf_autotune(tcb, n);
    if (fsm_can_receive(tcb->state))
        tcb_schedule(tcb, TODO_WINDOW);
}

int64_t tcp_recv(struct tcb *tcb, void *data, size_t size, uint32_t flags)
{
    const bool peek = (flags & NST_MSG_PEEK) != 0;
    if (rcvbuf_unread(tcb) == 0)
        return recv_nothing(tcb);
    const uint32_t n = rcvbuf_read(tcb, data, size, peek);
    if (n > 0 && !peek)
        consumed(tcb, n);
    return n;
}

nst_time tcp_arrival(const struct tcb *tcb, size_t size)
{
    const struct nst_pkt *p = tcb->rxq.first;
    for (; p != NULL && p->next != NULL && size > p->len; p = p->next)
        size -= p->len;
    return p != NULL ? p->arrival : 0;
}

int tcp_recv_lend(struct tcb *tcb, struct nst_iovec *ret_pieces, int count)
{
    if (rcvbuf_unread(tcb) == 0)
        return recv_nothing(tcb);
    return rcvbuf_lend(tcb, ret_pieces, count);
}

int tcp_recv_consume(struct tcb *tcb, size_t n)
{
    if (n > rcvbuf_unread(tcb))
        return -NST_EINVAL;
    rcvbuf_consume(tcb, (uint32_t)n);
    if (n > 0)
        consumed(tcb, (uint32_t)n);
    return 0;
}

/* ---- Readiness ---- */

static bool is_hung_up(const struct tcb *tcb)
{
    if (tcb->state == NST_TCP_TIME_WAIT)
        return true;
    if (tcb->state == NST_TCP_CLOSED)
        return tcb->connected || tcb->error != 0;
    return tcb->fin_received && tcb->fin_queued;
}

uint32_t tcp_events(const struct tcb *tcb)
{
    uint32_t events = 0;
    if (tcb->state == NST_TCP_LISTEN)
        return tcb->listener->ready_count > 0 ? NST_READY_IN : 0;
    const bool hung_up = is_hung_up(tcb);
    const bool ended = tcb->fin_received || tcb->shut_recv || hung_up;
    if (rcvbuf_unread(tcb) > 0 || ended || tcb->error != 0)
        events |= NST_READY_IN;
    if (ended)
        events |= NST_READY_RDHUP;
    if (hung_up)
        events |= NST_READY_HUP | NST_READY_OUT;
    if (tcb->error != 0)
        events |= NST_READY_ERROR | NST_READY_OUT;
    if (fsm_can_send(tcb->state) && !tcb->fin_queued && sndbuf_is_writable(tcb))
        events |= NST_READY_OUT;
    return events;
}
