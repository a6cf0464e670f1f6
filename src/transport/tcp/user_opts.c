/* SPDX-License-Identifier: Apache-2.0 */
/* Options, addresses and information of a connection. */
#include "transport/tcp/fsm.h"
#include "transport/tcp/rcvbuf.h"
#include "transport/tcp/rtt.h"
#include "transport/tcp/sack.h"
#include "transport/tcp/sndbuf.h"
#include "transport/tcp/tcb.h"
#include "transport/tcp/timers.h"

#define BUF_MAX        (1 << 30)
#define KEEP_TIME_MAX  (32767 * NST_SEC)
#define KEEP_COUNT_MAX 127

static bool is_keep_time(int64_t value)
{
    return value >= NST_MSEC && value <= KEEP_TIME_MAX;
}

/* Options that need the rare part. */
static int set_rare(struct tcb *tcb, enum nst_option option, int64_t value)
{
    struct tcb_opt *opt = tcb_opt_make(tcb);
    if (opt == NULL)
        return -NST_ENOMEM;
    switch (option) {
    case NST_OPT_TTL:
        if (value < 0 || value > 255)
            return -NST_EINVAL;
        opt->ttl = (uint8_t)value;
        return 0;
    case NST_OPT_TOS:
        if (value < 0 || value > 255)
            return -NST_EINVAL;
        opt->tos = (uint8_t)value & 0xfc; /* the rest is ECN's */
        return 0;
    case NST_OPT_LINGER:
        opt->linger = value < 0 ? -1 : value;
        return 0;
    case NST_OPT_TCP_MAXSEG:
        if (value < 88 || value > 32767 || tcb->state != NST_TCP_CLOSED)
            return -NST_EINVAL;
        opt->maxseg = (uint16_t)value;
        return 0;
    case NST_OPT_TCP_USER_TIMEOUT:
        if (value < 0)
            return -NST_EINVAL;
        opt->user_timeout = value;
        return 0;
    case NST_OPT_TCP_KEEP_IDLE:
        if (!is_keep_time(value))
            return -NST_EINVAL;
        opt->keep_idle = value;
        timers_set_life(tcb);
        return 0;
    case NST_OPT_TCP_KEEP_INTERVAL:
        if (!is_keep_time(value))
            return -NST_EINVAL;
        opt->keep_interval = value;
        return 0;
    case NST_OPT_TCP_KEEP_COUNT:
        if (value < 1 || value > KEEP_COUNT_MAX)
            return -NST_EINVAL;
        opt->keep_count = (uint16_t)value;
        return 0;
    default:
        return -NST_ENOPROTOOPT;
    }
}

/* What was held back may go now. */
static void push(struct tcb *tcb)
{
    if (tcb->tx != NULL)
        tcb_schedule(tcb, TODO_SEND);
}

static int set_buffers(struct tcb *tcb, enum nst_option option, int64_t value)
{
    if (value < 0 || value > BUF_MAX)
        return -NST_EINVAL;
    const uint32_t bytes = max_u32((uint32_t)value, TCB_BUF_MIN);
    if (option == NST_OPT_SEND_BUFFER) {
        tcb->snd.buf = bytes;
        tcb->snd_buf_set = true;
    } else {
        const bool small = fsm_is_synchronized(tcb->state) && !tcb->wscale_ok;
        tcb->rcv.buf = small ? min_u32(bytes, 65535) : bytes;
        tcb->rcv_buf_set = true;
        if (fsm_can_receive(tcb->state))
            tcb_schedule(tcb, TODO_WINDOW);
    }
    return 0;
}

int tcp_set(struct tcb *tcb, enum nst_option option, int64_t value)
{
    const bool on = value != 0;
    switch (option) {
    case NST_OPT_REUSE_ADDRESS:
        tcb->demux.reuse_address = on;
        return 0;
    case NST_OPT_REUSE_PORT:
        tcb->demux.reuse_port = on;
        return 0;
    case NST_OPT_SEND_BUFFER:
    case NST_OPT_RECEIVE_BUFFER:
        return set_buffers(tcb, option, value);
    case NST_OPT_TCP_NODELAY:
        tcb->nodelay = on;
        push(tcb);
        return 0;
    case NST_OPT_TCP_CORK:
        tcb->cork = on;
        tcb->more = false;
        push(tcb);
        return 0;
    case NST_OPT_TCP_QUICKACK:
        tcb->quickack = on;
        if (on && tcb->timers.delack != NST_TIME_NEVER)
            tcb_schedule(tcb, TODO_ACK);
        return 0;
    case NST_OPT_TCP_KEEPALIVE:
        tcb->keepalive = on;
        timers_set_life(tcb);
        return 0;
    case NST_OPT_RECEIVE_ERRORS:
        tcb->tells_errors = on;
        return 0;
    case NST_OPT_SEND_QUEUED:
    case NST_OPT_SEND_ROOM:
    case NST_OPT_RECEIVE_QUEUED:
        return -NST_EOPNOTSUPP;
    default:
        return set_rare(tcb, option, value);
    }
}

static int get_rare(const struct tcb *tcb, enum nst_option option, int64_t *ret_value)
{
    static const struct tcb_opt defaults = {.linger = -1};
    const struct tcb_opt *opt = tcb->opt != NULL ? tcb->opt : &defaults;
    switch (option) {
    case NST_OPT_TTL:
        *ret_value = opt->ttl;
        return 0;
    case NST_OPT_TOS:
        *ret_value = opt->tos;
        return 0;
    case NST_OPT_LINGER:
        *ret_value = opt->linger;
        return 0;
    case NST_OPT_TCP_USER_TIMEOUT:
        *ret_value = opt->user_timeout;
        return 0;
    case NST_OPT_TCP_KEEP_IDLE:
        *ret_value = timers_keep_idle(tcb);
        return 0;
    case NST_OPT_TCP_KEEP_INTERVAL:
        *ret_value = timers_keep_interval(tcb);
        return 0;
    case NST_OPT_TCP_KEEP_COUNT:
        *ret_value = timers_keep_count(tcb);
        return 0;
    default:
        return -NST_ENOPROTOOPT;
    }
}

int tcp_get(const struct tcb *tcb, enum nst_option option, int64_t *ret_value)
{
    int64_t value;
    switch (option) {
    case NST_OPT_REUSE_ADDRESS:
        value = tcb->demux.reuse_address;
        break;
    case NST_OPT_REUSE_PORT:
        value = tcb->demux.reuse_port;
        break;
    case NST_OPT_SEND_BUFFER:
        value = tcb->snd.buf;
        break;
    case NST_OPT_RECEIVE_BUFFER:
        value = tcb->rcv.buf;
        break;
    case NST_OPT_TCP_NODELAY:
        value = tcb->nodelay;
        break;
    case NST_OPT_TCP_CORK:
        value = tcb->cork;
        break;
    case NST_OPT_TCP_MAXSEG:
        value = fsm_is_synchronized(tcb->state) ? tcb->snd.mss : tcb_offered_mss(tcb);
        break;
    case NST_OPT_TCP_QUICKACK:
        value = tcb->quickack;
        break;
    case NST_OPT_TCP_KEEPALIVE:
        value = tcb->keepalive;
        break;
    case NST_OPT_RECEIVE_ERRORS:
        value = tcb->tells_errors;
        break;
    case NST_OPT_SEND_QUEUED:
        value = sndbuf_queued(tcb);
        break;
    case NST_OPT_SEND_ROOM:
        value = fsm_can_send(tcb->state) && !tcb->fin_queued ? sndbuf_room(tcb) : 0;
        break;
    case NST_OPT_RECEIVE_QUEUED:
        value = rcvbuf_unread(tcb);
        break;
    default:
        return get_rare(tcb, option, ret_value);
    }
    *ret_value = value;
    return 0;
}

/* The scoreboard in segments; without SACK each duplicate ACK stands for one. */
static void scoreboard_info(const struct tcb *tcb, struct nst_tcp_info *info)
{
    const struct tx *tx = tcb->tx;
    const struct rec *rec;
    LIST_FOR_EACH (rec, &tx->recs, struct rec, node) {
        const uint32_t n = sack_segments(tcb, rec);
        info->segs_unacked += n;
        info->segs_sacked += (rec->flags & REC_SACKED) != 0 ? n : 0;
        info->segs_lost += (rec->flags & REC_LOST) != 0 ? n : 0;
        info->segs_retrans += (rec->flags & REC_RETRANS) != 0 ? n : 0;
    }
    info->segs_sacked += tx->reno / tcb->snd.mss;
}

static void sending_info(const struct tcb *tcb, struct nst_tcp_info *info)
{
    const struct tx *tx = tcb->tx;
    if (tx == NULL)
        return;
    const uint32_t queued = sndbuf_queued(tcb);
    const uint32_t flight = min_u32(tcb_flight(tcb), queued);
    info->ca_state = tx->ca;
    info->in_flight = sack_pipe(tcb);
    scoreboard_info(tcb, info);
    info->unsent = queued - flight;
}

void tcp_info(const struct tcb *tcb, struct nst_tcp_info *ret_info)
{
    const bool open = fsm_is_synchronized(tcb->state);
    const uint32_t now = tcb_now_ms(tcb);
    *ret_info = (struct nst_tcp_info){
        .state = tcb->state,
        .timestamps = open && tcb->ts_ok,
        .sack = open && tcb->sack_ok,
        .wscale = open && tcb->wscale_ok,
        .snd_wscale = tcb->snd.wscale,
        .rcv_wscale = tcb->rcv.wscale,
        .backoff = tcb->backoff,
        .mss_snd = tcb->snd.mss,
        .mss_rcv = tcb->rcv.mss,
        .pmtu = tcb->dst != NULL ? tcb->dst->mtu : 0,
        .cwnd = tcb->cc.cwnd,
        .ssthresh = tcb->cc.ssthresh,
        .snd_wnd = tcb->snd.wnd,
        .rcv_wnd = tcb_rcv_wnd(tcb),
        .unread = rcvbuf_unread(tcb),
        .srtt = (nst_time)(tcb->rtt.srtt >> 3) * NST_USEC,
        .rttvar = (nst_time)(tcb->rtt.rttvar >> 2) * NST_USEC,
        .rttmin = tcb->rtt.min == UINT32_MAX ? 0 : (nst_time)tcb->rtt.min * NST_USEC,
        .rto = rtt_timeout(tcb),
        .bytes_sent = tcb->bytes_acked + tcb_flight(tcb),
        .bytes_acked = tcb->bytes_acked,
        .bytes_received = tcb->bytes_received,
        .segs_out = tcb->segs_out,
        .segs_in = tcb->segs_in,
        .retransmits = tcb->retransmits,
        .reordering = tcb->reordering,
        .spurious = tcb->spurious,
        .probes = tcb->probes,
        .probing = tcb->probing,
        .mss_advertised = tcb_offered_mss(tcb),
        .delack = tcb->bytes_received > 0 ? TIMERS_DELACK : 0,
        .since_data_sent = (nst_time)(now - tcb->last_ms) * NST_MSEC,
        .since_data_received =
            (nst_time)(now - (tcb->bytes_received > 0 ? tcb->rcv.last_ms : tcb->alive_ms)) *
            NST_MSEC,
        .since_heard = (nst_time)(now - tcb->alive_ms) * NST_MSEC,
        .bytes_retransmitted = tcb->bytes_resent,
        .segs_retransmitted = tcb->segs_resent,
        .data_segs_out = tcb->data_segs_out,
        .data_segs_in = tcb->data_segs_in,
        .segs_delivered = tcb->delivered + tcb->connected, /* the SYN is one */
        .segs_out_of_order = tcb->segs_ooo,
        .duplicate_reports = tcb->dsacks,
        .reorderings = tcb->reorderings,
        .has_icmp = tcb->has_icmp,
        .icmp_type = tcb->icmp_type,
        .icmp_code = tcb->icmp_code,
    };
    sending_info(tcb, ret_info);
}

int tcp_local(const struct tcb *tcb, struct nst_endpoint *ret)
{
    const struct demux_key *key = &tcb->demux.key;
    *ret = (struct nst_endpoint){.addr = key->local, .port = key->local_port, .nic = key->nic};
    return 0;
}

int tcp_remote(const struct tcb *tcb, struct nst_endpoint *ret)
{
    const struct demux_key *key = &tcb->demux.key;
    if (key->remote_port == 0)
        return -NST_ENOTCONN;
    *ret = (struct nst_endpoint){.addr = key->remote, .port = key->remote_port, .nic = key->nic};
    return 0;
}
