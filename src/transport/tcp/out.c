/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/tcp/out.h"

#include "stack/nic.h"
#include "transport/tcp/cc.h"
#include "transport/tcp/fsm.h"
#include "transport/tcp/opts.h"
#include "transport/tcp/rcvbuf.h"
#include "transport/tcp/sack.h"
#include "transport/tcp/timers.h"
#include "wire/csum.h"
#include "wire/ipproto.h"

#define OOW_INTERVAL_MS 500

/* ---- One segment ---- */

static void put_csum_request(struct pkt *p, const struct nst_addr *src, const struct nst_addr *dst)
{
    /* Left to complete: the field holds the pseudo header's sum, not inverted. */
    const uint16_t raw = csum_fold_raw(csum_pseudo(src, dst, IP_PROTO_TCP, p->len));
    memcpy(p->data + TCP_CSUM_OFFSET, &raw, sizeof(raw));
    nst_pkt_request_csum(pkt_pub(p), 0, TCP_CSUM_OFFSET);
}

static uint16_t window_field(struct tcb *tcb, uint16_t flags)
{
    if ((flags & TCP_SYN) != 0) {
        /* RFC 7323 2.2: never scaled in a SYN. Whole segments, so that none is cut short. */
        const uint32_t mss =
            tcb_offered_mss(tcb) - ((flags & TCP_ACK) != 0 && tcb->ts_ok ? 12u : 0);
        const uint32_t space = min_u32(tcb->rcv.buf, 65535);
        const uint32_t wnd = space > mss ? space / mss * mss : space;
        if (tcb->state != NST_TCP_SYN_SENT)
            tcb->rcv.edge = tcb->rcv.nxt + wnd;
        else
            tcb->rcv.edge = wnd; /* rcv.nxt is not known yet */
        return (uint16_t)wnd;
    }
    return (uint16_t)(rcvbuf_window(tcb) >> tcb->rcv.wscale);
}

/* What every segment with ACK settles. */
static void acked(struct tcb *tcb)
{
    tcb->rcv.wup = tcb->rcv.nxt;
    tcb->rcv.dsack_from = tcb->rcv.dsack_to;
    tcb->timers.delack = NST_TIME_NEVER;
    tcb->todo_bits &= (uint8_t)~TODO_ACK;
    if (tcb->rcv.quick > 0)
        tcb->rcv.quick--;
}

static void send(struct tcb *tcb, struct dst *dst, struct pkt *p)
{
    struct ip_out out = {.proto = IP_PROTO_TCP, .dont_fragment = true};
    if (tcb->opt != NULL) {
        out.ttl = tcb->opt->ttl;
        out.tos = tcb->opt->tos;
    }
    tcb->segs_out++;
    dst_output(dst, p, &out);
}

static void build_header(struct tcb *tcb, uint8_t *data, uint32_t hdr_len, uint32_t seq,
                         uint16_t flags)
{
    const struct tcp_hdr hdr = {
        .src_port = tcb->demux.key.local_port,
        .dst_port = tcb->demux.key.remote_port,
        .seq = seq,
        .ack = (flags & TCP_ACK) != 0 ? tcb->rcv.nxt : 0,
        .flags = flags,
        .wnd = window_field(tcb, flags),
        .hdr_len = (uint8_t)hdr_len,
    };
    tcp_build(data, &hdr);
}

/* A segment without payload. */
static void emit_control(struct tcb *tcb, uint32_t seq, uint16_t flags, enum nst_note note)
{
    struct dst *dst = tcb_dst(tcb);
    if (dst == NULL)
        return;
    uint8_t opts[TCP_OPTIONS_MAX];
    const uint32_t opts_len = opts_build(tcb, flags, opts);
    struct pkt *p = pkt_build(tcb->stack->pool, dst_headroom(dst), TCP_HDR_LEN + opts_len);
    if (p == NULL)
        return;
    uint8_t *data = nst_pkt_put(pkt_pub(p), TCP_HDR_LEN + opts_len);
    memcpy(data + TCP_HDR_LEN, opts, opts_len);
    build_header(tcb, data, TCP_HDR_LEN + opts_len, seq, flags);
    p->note = (uint8_t)note;
    put_csum_request(p, &tcb->demux.key.local, &tcb->demux.key.remote);
    if ((flags & TCP_ACK) != 0)
        acked(tcb);
    COUNT(tcb->stack->counters.tcp_segments_sent);
    send(tcb, dst, p);
}

/* The flags of bytes [seq, end) of the stream. */
static uint16_t data_flags(const struct tcb *tcb, uint32_t seq, uint32_t end)
{
    const struct tx *tx = tcb->tx;
    uint16_t flags = TCP_ACK;
    if (seq_lt(seq, tx->push) && seq_leq(tx->push, end))
        flags |= TCP_PSH;
    if (tcb->fin_queued && end == tx->end + 1)
        flags |= TCP_FIN;
    return flags;
}

/* Sends sequence numbers [seq, seq + len): payload and perhaps the FIN. Returns how many really
 * left; 0: no memory or no way. */
static uint32_t emit(struct tcb *tcb, struct dst *dst, uint32_t seq, uint32_t len,
                     enum nst_note note)
{
    struct tx *tx = tcb->tx;
    uint8_t opts[TCP_OPTIONS_MAX];
    const uint32_t hdr_len = TCP_HDR_LEN + opts_build(tcb, TCP_ACK, opts);
    struct pkt *p = pkt_build(tcb->stack->pool, dst_headroom(dst), hdr_len);
    if (p == NULL)
        return 0;
    p->note = (uint8_t)note;
    uint8_t *data = nst_pkt_put(pkt_pub(p), hdr_len);
    memcpy(data + TCP_HDR_LEN, opts, hdr_len - TCP_HDR_LEN);
    uint32_t payload = seq_gt(seq + len, tx->end) ? tx->end - seq : len;
    if (payload > 0) {
        const uint32_t n = sndbuf_slices(tcb, p, seq, payload);
        if (n == 0) {
            pkt_drop(p, DROP_NO_MEMORY);
            return 0;
        }
        if (n < payload)
            len = payload = n;
    }
    build_header(tcb, data, hdr_len, seq, data_flags(tcb, seq, seq + len));
    /* SACK blocks take their room from the payload of each segment. */
    const uint32_t extra = hdr_len - TCP_HDR_LEN - (tcb->ts_ok ? 12u : 0);
    const uint32_t size = tcb->snd.mss > extra + 8 ? tcb->snd.mss - extra : 8;
    const uint32_t segments = payload > size ? (payload + size - 1) / size : payload > 0;
    tcb->data_segs_out += segments;
    if (note == NST_NOTE_RETRANSMIT_TIMEOUT || note == NST_NOTE_RETRANSMIT_FAST) {
        tcb->segs_resent += max_u32(segments, 1);
        tcb->bytes_resent += payload;
    }
    if (payload > size) {
        tcb->segs_out += segments - 1;
        p->gso = nst_addr_is_v4(&tcb->demux.key.remote) ? NST_GSO_TCP4 : NST_GSO_TCP6;
        p->gso_size = (uint16_t)size;
    }
    put_csum_request(p, &tcb->demux.key.local, &tcb->demux.key.remote);
    acked(tcb);
    send(tcb, dst, p);
    return len;
}

/* ---- Retransmission ---- */

static uint32_t cwnd_room(const struct tcb *tcb)
{
    const uint32_t pipe = sack_pipe(tcb);
    return tcb->cc.cwnd > pipe ? tcb->cc.cwnd - pipe : 0;
}

/* The most that one packet may carry now: its segments fit the NIC's queue. */
static uint32_t chunk_limit(const struct tcb *tcb, const struct dst *dst)
{
    const uint32_t mss = tcb->snd.mss;
    if (likely(tcb->snd.chunk == mss || !dst_is_filled(dst, 1)))
        return tcb->snd.chunk;
    if (dst_is_blocked(dst))
        return mss;
    return min_u32(tcb->snd.chunk, (uint32_t)min_u64((uint64_t)dst_room(dst, mss) * mss, 65535));
}

/* What of `want` bytes may be sent again at `start`: whole segments as far as cwnd and the peer's
 * window reach; the first unacknowledged one is sent whatever the window has become. */
static uint32_t resend_limit(const struct tcb *tcb, uint32_t start, uint32_t want, bool force)
{
    const uint32_t mss = tcb->snd.mss;
    uint32_t room = min_u32(cwnd_room(tcb), chunk_limit(tcb, tcb->dst));
    if (force)
        room = max_u32(room, mss);
    uint32_t len = min_u32(want, room);
    const uint32_t right = tcb->snd.una + tcb->snd.wnd;
    if (seq_gt(start + len, right) && start != tcb->snd.una)
        return 0;
    if (len < want)
        len -= len % mss;
    return len;
}

static bool send_lost(struct tcb *tcb, struct dst *dst, bool force)
{
    struct tx *tx = tcb->tx;
    bool any = false;
    struct rec *rec;
    force = force || tx->force_first;
    while ((rec = sack_next_lost(tcb)) != NULL) {
        uint32_t len = resend_limit(tcb, rec->start, rec->end - rec->start, force);
        if (len == 0 || !sack_cut(tcb, rec, len))
            break;
        const uint32_t sent =
            emit(tcb, dst, rec->start, len,
                 tx->ca == CA_LOSS ? NST_NOTE_RETRANSMIT_TIMEOUT : NST_NOTE_RETRANSMIT_FAST);
        if (sent == 0 || (sent < len && !sack_cut(tcb, rec, sent)))
            break;
        sack_resent(tcb, rec);
        COUNT(tcb->stack->counters.tcp_segments_retransmitted);
        tcb->retransmits++;
        force = tx->force_first = false;
        any = true;
        if (dst_is_blocked(dst))
            break;
    }
    return any;
}

/* ---- New data ---- */

/* Minshall's form of Nagle (RFC 9293 3.7.4): a short segment waits while another is under way. */
static bool may_send_short(const struct tcb *tcb)
{
    const struct tx *tx = tcb->tx;
    if (tcb->fin_queued)
        return true;
    if (tcb->cork || tcb->more)
        return false;
    return tcb->nodelay || tcb_flight(tcb) == 0 || seq_leq(tx->small, tcb->snd.una);
}

/* How much new payload goes now (RFC 9293 3.8.6.2.1). `avail` bytes wait, `usable` the peer takes.
 */
static uint32_t new_limit(const struct tcb *tcb, uint32_t avail, uint32_t usable)
{
    const uint32_t mss = tcb->snd.mss;
    const uint32_t room = cwnd_room(tcb);
    const uint32_t chunk = chunk_limit(tcb, tcb->dst);
    const uint32_t n = min_u32(min_u32(avail, usable), min_u32(room, chunk));
    if (n == 0)
        return 0;
    if (n == avail) {
        if (n % mss == 0 || may_send_short(tcb))
            return n;
        return n - n % mss;
    }
    if (n >= mss)
        return n == tcb->snd.chunk ? n : n - n % mss;
    /* Less than a segment: only where the peer's whole window is small. */
    return n == usable && n >= tcb->snd.max_wnd / 2 ? n : 0;
}

static bool send_range(struct tcb *tcb, struct dst *dst, uint32_t len)
{
    struct tx *tx = tcb->tx;
    const uint32_t start = tcb->snd.nxt;
    if (!sack_sent(tcb, start, start + len))
        return false;
    /* The FIN of data_flags and the ACK of the header want the old snd.nxt: it moves afterwards. */
    const uint32_t sent = emit(tcb, dst, start, len, NST_NOTE_NONE);
    if (sent < len)
        sack_unsent(tcb, start + sent);
    if (sent == 0)
        return false;
    tcb->snd.nxt = start + sent;
    if (sent % tcb->snd.mss != 0)
        tx->small = tcb->snd.nxt;
    COUNT(tcb->stack->counters.tcp_segments_sent);
    return true;
}

static bool send_new(struct tcb *tcb, struct dst *dst)
{
    struct tx *tx = tcb->tx;
    bool any = false;
    while (tcb->snd.nxt != tx->end + tcb->fin_queued) {
        const uint32_t right = tcb->snd.una + tcb->snd.wnd;
        const uint32_t usable = seq_gt(right, tcb->snd.nxt) ? right - tcb->snd.nxt : 0;
        const uint32_t avail = tx->end - tcb->snd.nxt;
        uint32_t len = avail > 0 ? new_limit(tcb, avail, usable) : 0;
        if (avail > 0 && len == 0)
            break;
        /* The FIN rides on the last segment, or goes alone; it needs window, not cwnd. */
        if (tcb->fin_queued && len == avail && usable > len)
            len++;
        if (len == 0 || !send_range(tcb, dst, len))
            break;
        any = true;
        if (dst_is_blocked(dst))
            break;
    }
    return any;
}

/* RFC 5681 4.1: after a pause the window is no longer trusted. */
static void check_idle(struct tcb *tcb)
{
    if (tcb_flight(tcb) > 0 || tcb->bytes_acked == 0)
        return;
    const uint32_t idle_ms = tcb_now_ms(tcb) - tcb->last_ms;
    if (idle_ms > tcb->rtt.rto / 1000)
        cc_restart(tcb, min_u32(idle_ms, 4000000) * 1000);
}

static void note_sent(struct tcb *tcb)
{
    const uint32_t now = tcb_now_ms(tcb);
    tcb->last_ms = now;
    /* Data that answers data: ACKs may wait for such company. */
    if (now - tcb->rcv.last_ms < TIMERS_DELACK / NST_MSEC)
        tcb->pingpong = true;
    if (tcb->probing) {
        tcb->backoff = 0;
        timers_stop_rtx(tcb);
    }
}

/* DESIGN decision 11: a full link is waited for, and not mistaken for loss. Who has nothing under
 * way may send one segment, which brings its ACK, as long as there is room for that. */
static bool wait_for_link(struct tcb *tcb, struct dst *dst)
{
    if (likely(!dst_is_blocked(dst)))
        return false;
    if (sack_pipe(tcb) == 0 && !dst_is_filled(dst, DST_FILLED_LONE))
        return false;
    tcb->waiting = true;
    return true;
}

static bool has_unsent(const struct tcb *tcb)
{
    const struct tx *tx = tcb->tx;
    return tcb->snd.nxt != tx->end + tcb->fin_queued || tx->lost != tx->retrans;
}

static void send_stream(struct tcb *tcb, bool timeout)
{
    struct dst *dst = tcb_dst(tcb);
    if (dst != NULL && !wait_for_link(tcb, dst)) {
        check_idle(tcb);
        bool any = send_lost(tcb, dst, timeout);
        if (!any || !dst_is_blocked(dst))
            any = send_new(tcb, dst) || any;
        if (any)
            note_sent(tcb);
        if (dst_is_blocked(dst) && has_unsent(tcb))
            tcb->waiting = true;
    }
    if (tcb->timers.rtx != NST_TIME_NEVER)
        return;
    /* RFC 6298 5.1; and where nothing is under way that an ACK could answer, persist (RFC 9293
     * 3.8.6.1) brings us back. */
    timers_start_rtx(tcb);
    tcb->probing = tcb_flight(tcb) == 0;
}

/* ---- The rest of the epilogue ---- */

static void send_syn(struct tcb *tcb)
{
    const bool again = tcb->backoff > 0;
    tcb->rcv.round_us = tcb_now_us(tcb);
    emit_control(tcb, tcb->snd.iss, tcb->state == NST_TCP_SYN_SENT ? TCP_SYN : TCP_SYN | TCP_ACK,
                 again ? NST_NOTE_RETRANSMIT_SYN : NST_NOTE_NONE);
    if (again)
        COUNT(tcb->stack->counters.tcp_segments_retransmitted);
    if (tcb->timers.rtx == NST_TIME_NEVER)
        timers_start_rtx(tcb);
}

/* Something for the peer to answer: what fits the window, or an old number without data.
 * DEVIATION from RFC 9293 3.8.6.1 (MUST-35: at least one octet of new data): as Linux, a probe of a
 * window that is shut carries nothing, under the number snd.una - 1, which the peer has to answer
 * all the same (3.10.7.4, first). A byte would be thrown away, or taken behind the edge that was
 * promised and then be in flight without a record of when a window of zero was respected. */
static void send_probe(struct tcb *tcb)
{
    struct tx *tx = tcb->tx;
    struct dst *dst = tcb_dst(tcb);
    COUNT(tcb->stack->counters.tcp_probes_sent);
    const uint32_t right = tcb->snd.una + tcb->snd.wnd;
    if (tx != NULL && dst != NULL && seq_gt(right, tcb->snd.nxt) && seq_lt(tcb->snd.nxt, tx->end)) {
        const uint32_t n = min_u32(right - tcb->snd.nxt, tx->end - tcb->snd.nxt);
        if (send_range(tcb, dst, min_u32(n, tcb->snd.mss))) {
            tcb->backoff = 0;
            timers_start_rtx(tcb);
            return;
        }
    }
    emit_control(tcb, tcb->snd.una - 1, TCP_ACK,
                 tx != NULL ? NST_NOTE_WINDOW_PROBE : NST_NOTE_KEEPALIVE);
}

/* RFC 9293 3.8.6.2.2: is what was read worth an update? As soon as the window would double. */
static bool window_wants_update(const struct tcb *tcb)
{
    if (!fsm_can_receive(tcb->state))
        return false;
    const uint32_t cur = tcb_rcv_wnd(tcb);
    uint32_t space;
    return rcvbuf_space(tcb, &space) && space >= 2 * cur;
}

static void send_acks(struct tcb *tcb, enum nst_note note)
{
    /* Without SACK the peer counts: one for each segment that came out of order (RFC 5681 4.2). */
    unsigned n = tcb->sack_ok ? 0 : tcb->dupack_due;
    if (tcb->challenging)
        note = NST_NOTE_CHALLENGE_ACK;
    else if (tcb->rejecting)
        note = NST_NOTE_DUPLICATE_ACK;
    do
        emit_control(tcb, tcb->snd.nxt, TCP_ACK, note);
    while (n-- > 1);
}

static void run_synchronized(struct tcb *tcb)
{
    const uint8_t bits = tcb->todo_bits;
    if ((bits & (TODO_SEND | TODO_TIMEOUT)) != 0 && tcb->tx != NULL)
        send_stream(tcb, (bits & TODO_TIMEOUT) != 0);
    /* Persist is over when send_stream just found something to send. */
    if ((bits & TODO_PROBE) != 0 && (tcb->tx == NULL || tcb->probing))
        send_probe(tcb);
    enum nst_note note = NST_NOTE_NONE;
    if ((bits & TODO_WINDOW) != 0 && (tcb->todo_bits & TODO_ACK) == 0 && window_wants_update(tcb)) {
        tcb->todo_bits |= TODO_ACK;
        note = NST_NOTE_WINDOW_UPDATE;
    }
    if ((tcb->todo_bits & TODO_ACK) != 0 || (!tcb->sack_ok && tcb->dupack_due > 1))
        send_acks(tcb, note);
    tcb->dupack_due = 0;
    tcb->challenging = tcb->rejecting = false;
}

/* Is the NIC so full that not even an ACK should go? Everything stays to be done. */
static bool is_shut_out(const struct tcb *tcb)
{
    return tcb->todo_bits != 0 && tcb->state != NST_TCP_LISTEN && tcb->state != NST_TCP_TIME_WAIT &&
           tcb->dst != NULL && dst_is_filled(tcb->dst, DST_FILLED_CONTROL);
}

void out_run(struct todo *todo)
{
    struct tcb *tcb = container_of(todo, struct tcb, todo);
    const bool was_waiting = tcb->waiting;
    tcb->waiting = false;
    if (was_waiting)
        tcb->todo_bits |= TODO_SEND;
    if (unlikely(is_shut_out(tcb))) {
        tcb->waiting = true;
        nic_wait_writable(tcb->dst->nic, &tcb->todo);
        timers_update(tcb);
        return;
    }
    switch (tcb->state) {
    case NST_TCP_CLOSED:
        if ((tcb->todo_bits & TODO_RST) != 0) {
            emit_control(tcb, tcb->snd.nxt, TCP_RST | TCP_ACK, NST_NOTE_ABORTED);
            COUNT(tcb->stack->counters.tcp_resets_sent);
        }
        break;
    case NST_TCP_LISTEN:
    case NST_TCP_TIME_WAIT:
        break;
    case NST_TCP_SYN_SENT:
    case NST_TCP_SYN_RECEIVED:
        if ((tcb->todo_bits & TODO_SYN) != 0)
            send_syn(tcb);
        else if ((tcb->todo_bits & TODO_ACK) != 0)
            emit_control(tcb, tcb->snd.nxt, TCP_ACK, NST_NOTE_NONE);
        break;
    default:
        run_synchronized(tcb);
        break;
    }
    tcb->todo_bits = 0;
    if (tcb->state == NST_TCP_CLOSED || tcb->state == NST_TCP_TIME_WAIT) {
        if (tcb->orphan)
            tcb_free(tcb);
        return;
    }
    if (tcb->waiting)
        nic_wait_writable(tcb->dst->nic, &tcb->todo);
    timers_update(tcb);
    tcb_check(tcb);
}

/* ---- Answers ---- */

/* oow_ms is the time plus one: 0 means never. */
static bool was_answered_lately(const struct tcb *tcb, uint32_t now)
{
    return tcb->oow_ms != 0 && now + 1 - tcb->oow_ms < OOW_INTERVAL_MS;
}

void out_duplicate_ack(struct tcb *tcb, const struct seg *seg)
{
    if ((seg->flags & TCP_RST) != 0)
        return;
    const uint32_t now = tcb_now_ms(tcb);
    if (seg->len == 0 || (seg->flags & TCP_SYN) != 0) {
        if (was_answered_lately(tcb, now))
            return;
        tcb->oow_ms = now + 1;
    }
    tcb->rejecting = true;
    tcb_schedule(tcb, TODO_ACK);
}

void out_challenge(struct tcb *tcb)
{
    struct nst_stack *stack = tcb->stack;
    const uint32_t now = tcb_now_ms(tcb);
    if (was_answered_lately(tcb, now))
        return;
    /* RFC 5961 10. Chance decides near the limit, so that nobody can count by it. */
    if (bucket_level(&stack->tcp->challenges, stack->now) < 500 && (rand_u32(&stack->rand) & 1))
        return;
    if (!bucket_take(&stack->tcp->challenges, stack->now, 1))
        return;
    tcb->oow_ms = now + 1;
    COUNT(stack->counters.tcp_challenge_acks);
    tcb->challenging = true;
    tcb_schedule(tcb, TODO_ACK);
}

void out_raw(struct nst_stack *stack, const struct out_raw *raw)
{
    struct dst *dst;
    if (dst_get(stack, &raw->remote, &raw->local, raw->nic, &dst) < 0)
        return;
    const uint32_t hdr_len = TCP_HDR_LEN + (raw->timestamps ? 12 : 0);
    struct pkt *p = NULL;
    if (!dst_is_filled(dst, DST_FILLED_CONTROL))
        p = pkt_build(stack->pool, dst_headroom(dst), hdr_len);
    if (p != NULL) {
        const struct tcp_hdr hdr = {
            .src_port = raw->local_port,
            .dst_port = raw->remote_port,
            .seq = raw->seq,
            .ack = raw->ack,
            .flags = raw->flags,
            .wnd = raw->wnd,
            .hdr_len = (uint8_t)hdr_len,
        };
        uint8_t *data = nst_pkt_put(pkt_pub(p), hdr_len);
        tcp_build(data, &hdr);
        p->note = (uint8_t)raw->note;
        if (raw->timestamps) {
            be32_put(data + 20, 0x0101080a);
            be32_put(data + 24, raw->ts_val);
            be32_put(data + 28, raw->ts_ecr);
        }
        put_csum_request(p, &raw->local, &raw->remote);
        COUNT(stack->counters.tcp_segments_sent);
        dst_output(dst, p, &(struct ip_out){.proto = IP_PROTO_TCP, .dont_fragment = true});
    }
    dst_put(dst);
}

void out_reset_for(struct nst_stack *stack, const struct seg *seg)
{
    if ((seg->flags & TCP_RST) != 0)
        return;
    struct out_raw raw = {
        .local = seg->rx->dst,
        .remote = seg->rx->src,
        .local_port = seg->dst_port,
        .remote_port = seg->src_port,
        .nic = seg->rx->dst_assigned ? 0 : seg->rx->nic->id,
        .flags = TCP_RST,
        .note = NST_NOTE_NO_SOCKET,
    };
    if ((seg->flags & TCP_ACK) != 0) {
        raw.seq = seg->ack;
    } else {
        raw.flags |= TCP_ACK;
        raw.ack = seg->end;
    }
    COUNT(stack->counters.tcp_resets_sent);
    out_raw(stack, &raw);
}
