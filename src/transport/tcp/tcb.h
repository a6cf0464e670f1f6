/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transmission control block: one TCP connection.
 *
 * Theory of operation
 *
 * A tcb holds what a connection that is idle needs, and little else: 1,000,000 of them have to fit.
 * What is there only while something goes on is taken when it begins and given back when it ends:
 * `tx` (send queue, scoreboard, recovery) while something is unacknowledged or unsent, `ooo` while
 * there is a hole in what came, `listener` in LISTEN, `opt` when an option was set that is rare.
 *
 * Owners. A tcb belongs to its user from tcp_new or tcp_accept to tcp_close or tcp_abort, to its
 * listener before it is accepted, and to TCP alone afterwards (`orphan`). It is freed only in the
 * epilogue (out_run), or by the user's own call, never while a packet is worked off.
 *
 * Life. Input (in.c) and user calls (user.c) and timers (timers.c) change the state and set bits in
 * `todo_bits`; out_run in the epilogue looks what is due, sends it, brings the one timer up to date
 * and frees what is finished.
 *
 * Invariants (tcb_check verifies them after each step where NST_DEBUG is set)
 *  1. snd.una <= snd.nxt in sequence space; in flight means snd.nxt - snd.una.
 *  2. tx != NULL exactly while there are bytes or a FIN that were not acknowledged.
 *  3. The records of tx cover [snd.una, snd.nxt) without gap or overlap, in order, once the SYN is
 *     acknowledged; sacked, lost and retrans are the sums over them.
 *  4. ooo != NULL exactly while something is stored out of order; its runs are disjoint, do not
 *     touch, are sorted, and lie behind rcv.nxt.
 *  5. rcv.edge, the right edge that the peer was promised, never moves left.
 *  6. A synchronized connection is in the demultiplexer until CLOSED or TIME-WAIT.
 *  7. timer is armed at or before the earliest deadline of the connection.
 *  8. cwnd >= one MSS.
 *
 * Limits. Send and receive buffer: snd.buf and rcv.buf, autotuned below the stack's ceilings and
 * its budget. Records: REC_MAX. Runs out of order: OOO_RUNS_MAX.
 *
 * Not done here yet, with their place: ECN (flags, tx), RACK-TLP (the records hold times: loss.c),
 * CUBIC and others (struct cc_ops), PRR (loss.c), pacing (out.c), SYN cache and cookies (listen.c),
 * Fast Open (in_handshake.c).
 */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_TCB_H
#define NICSTACK_SRC_TRANSPORT_TCP_TCB_H

#include "base/bucket.h"
#include "base/seq.h"
#include "stack/demux.h"
#include "stack/dst.h"
#include "stack/stack.h"
#include "transport/tcp/tcp.h"
#include "wire/tcpopt.h"

/* demux_entry.tag: what the entry lies in. */
enum tcb_tag {
    TAG_TCB = 1,
    TAG_TIMEWAIT = 2,
    TAG_MASK = 0xff,
};

/* What the epilogue has to do. */
enum tcb_todo {
    TODO_SEND = 0x01,    /* look whether data, FIN or retransmissions may go */
    TODO_ACK = 0x02,     /* an ACK now */
    TODO_SYN = 0x04,     /* SYN or SYN, ACK, again too */
    TODO_RST = 0x08,     /* RST, then the end */
    TODO_PROBE = 0x10,   /* zero-window or keep-alive probe */
    TODO_WINDOW = 0x20,  /* the user has read: maybe a window update */
    TODO_END = 0x40,     /* is there still a reason to exist? */
    TODO_TIMEOUT = 0x80, /* the RTO has fired: the first segment goes whatever the windows say */
};

/* Congestion state, as NST_TCP_INFO numbers it. */
enum tcb_ca {
    CA_OPEN = 0,
    CA_DISORDER = 1,
    CA_CWR = 2,
    CA_RECOVERY = 3,
    CA_LOSS = 4,
};

struct tx;
struct ooo;
struct listener;
struct cc_ops;

/* Options that few set; times in nanoseconds. */
struct tcb_opt {
    nst_time linger;       /* negative: off */
    nst_time user_timeout; /* 0: by count */
    nst_time keep_idle, keep_interval;
    uint16_t keep_count;
    uint16_t maxseg; /* 0: the path's */
    uint8_t ttl, tos;
};

/* Send sequence space, RFC 9293 3.3.1. */
struct tcb_snd {
    uint32_t una, nxt, wnd, wl1, wl2;
    uint32_t max_wnd; /* the largest that the peer ever offered */
    uint32_t iss;
    uint32_t buf;   /* ceiling of the send queue, bytes */
    uint32_t chunk; /* the most payload that one packet may carry: a multiple of mss */
    uint16_t mss;   /* payload of a full segment, timestamps taken off */
    uint16_t peer_mss;
    uint16_t path_mss; /* what snd.mss was made from */
    uint8_t wscale;
};

/* Receive sequence space. */
struct tcb_rcv {
    uint32_t nxt;
    uint32_t edge; /* the right edge offered: rcv.nxt + rcv.wnd */
    uint32_t wup;  /* rcv.nxt as last acknowledged (RFC 7323: Last.ACK.sent) */
    uint32_t irs;
    uint32_t up;
    uint32_t fin;
    uint32_t buf;        /* bytes that may wait to be read */
    uint32_t copied;     /* read by the user since `round` */
    uint32_t round_us;   /* when that began; before: when the SYN was sent */
    uint32_t last_ms;    /* when data came last */
    uint32_t dsack_from; /* a duplicate to report: [dsack_from, dsack_to), empty: none */
    uint32_t dsack_to;
    uint16_t mss; /* the largest segment seen, at most what was offered */
    uint8_t wscale;
    uint8_t quick; /* ACKs to send at once */
};

/* RFC 7323. */
struct tcb_ts {
    uint32_t recent;
    uint32_t recent_s; /* when it was taken, seconds */
    uint32_t offset;
};

/* RFC 6298; microseconds, srtt times 8, rttvar times 4. */
struct tcb_rtt {
    uint32_t srtt, rttvar, rto;
    uint32_t min;
};

struct tcb_cc {
    const struct cc_ops *ops;
    uint32_t cwnd, ssthresh;
    uint32_t acked; /* towards the next increase */
};

/* Deadlines; NST_TIME_NEVER where there is none. */
struct tcb_timers {
    nst_time rtx;    /* RTO, persist, SYN: only one of them at a time */
    nst_time delack; /* delayed ACK */
    nst_time life;   /* keep-alive, linger, FIN-WAIT-2 of an orphan */
};

struct tcb {
    /* ids */
    struct demux_entry demux; /* first */
    struct nst_stack *stack;
    struct dst *dst; /* NULL: to be found */
    struct ready *ready;
    /* the fast path's */
    struct tcb_snd snd;
    struct tcb_rcv rcv;
    struct tcb_ts ts;
    uint8_t state; /* enum nst_tcp_state, by fsm_set alone */
    uint8_t todo_bits;
    uint8_t backoff; /* timeouts in a row */
    uint8_t probes;  /* keep-alive or zero-window probes without an answer */
    uint8_t dupack_due;
    uint8_t reordering; /* segments that overtake one another on this path, at least 3 */
    uint8_t error;      /* NST_E*, positive; 0 none */
    bool ts_ok : 1, sack_ok : 1, wscale_ok : 1;
    bool nodelay : 1, cork : 1, keepalive : 1, quickack : 1;
    bool orphan : 1;     /* no user and no listener */
    bool embryo : 1;     /* its listener's */
    bool passive : 1;    /* from LISTEN */
    bool fin_queued : 1; /* the user sends no more: FIN behind tx->end */
    bool fin_received : 1;
    bool shut_recv : 1;   /* the user reads no more */
    bool pingpong : 1;    /* interactive: ACKs may wait for data to ride on */
    bool probing : 1;     /* timers.rtx means persist */
    bool waiting : 1;     /* todo is in the NIC's list of waiters */
    bool want_room : 1;   /* a send was refused or cut short */
    bool up_valid : 1;    /* rcv.up means something */
    bool more : 1;        /* the last send said that more follows */
    bool snd_buf_set : 1; /* by the user: no autotuning */
    bool rcv_buf_set : 1;
    bool connected : 1; /* was established once */
    bool bound : 1;     /* has a local port */
    bool fin_acked : 1;
    bool fin_known : 1;    /* rcv.fin is where the peer's stream ends; there are holes before it */
    bool hungry : 1;       /* waits for memory (budget.h) */
    bool granted : 1;      /* may send before those who wait */
    bool tells_errors : 1; /* NST_OPT_RECEIVE_ERRORS */
    bool challenging : 1, rejecting : 1; /* what TODO_ACK is for, told in the packet's note */
    struct tx *tx;
    struct ooo *ooo;
    struct nst_pktq rxq; /* in order, not yet read: payload alone */
    struct tcb_rtt rtt;
    struct tcb_cc cc;
    struct tcb_timers timers;
    struct timer timer;
    struct todo todo;
    struct list node; /* in tcp_state.all or .hungry, or its listener's queue */
    union {
        struct listener *listener; /* LISTEN */
        struct tcb *parent;        /* embryo */
    };
    struct tcb_opt *opt;
    uint32_t oow_ms;              /* when a duplicate ACK or challenge was last sent, plus 1 */
    uint32_t last_ms;             /* data was sent last */
    uint32_t alive_ms;            /* the peer was last heard */
    uint32_t waits_ms;            /* later than that: something has waited for an answer since */
    uint32_t retransmits;         /* segments, for NST_TCP_INFO */
    uint16_t spurious;            /* recoveries that were none */
    uint8_t icmp_type, icmp_code; /* of the error that was told, by ICMP */
    bool has_icmp;
    uint32_t segs_in, segs_out;
    uint32_t data_segs_in, data_segs_out; /* of these, with payload */
    uint32_t segs_resent, delivered;      /* each segment that the peer has, once */
    uint32_t dsacks, reorderings, segs_ooo;
    uint64_t bytes_acked, bytes_received, bytes_resent;
};

/* TCP of one stack. */
struct tcp_state {
    struct slab tcbs, txs, pieces, recs, runs, ooos, timewaits, listeners, opts;
    struct list all;    /* struct tcb.node of all that no listener has, and are not in: */
    struct list hungry; /* struct tcb.node of those that wait for memory, in order */
    struct list holes;  /* struct ooo.node, oldest first */
    struct todo hungry_todo;
    struct timer hungry_timer;
    struct list timewait;  /* struct timewait.demux.on_port, soonest first */
    struct timer tw_timer; /* of the first */
    struct nst_stack *stack;
    struct siphash_key isn_key, ts_key;
    struct bucket challenges;
    uint32_t snd_buf_max, rcv_buf_max;
    uint32_t rto_min_us, rto_max_us;
    nst_time time_wait;
    uint32_t initial_window; /* segments; 0: RFC 6928's */
    uint32_t off;            /* NST_TCP_OFF_* */
    uint8_t rcv_wscale;
};

#define TCB_BUF_MIN     4096u
#define TCB_BUF_DEFAULT 65536u

/* A fresh CLOSED connection in tcp_state.all; NULL: no memory, or none to spare for its data. */
struct tcb *tcb_new(struct nst_stack *stack, struct ready *ready);
/* Gives everything back at once: the tcb must be in nobody's hands any more. */
void tcb_free(struct tcb *tcb);
/* The rare options, made with their defaults if need be. NULL: no memory. */
struct tcb_opt *tcb_opt_make(struct tcb *tcb);

/* The epilogue shall do `bits` (enum tcb_todo). */
void tcb_schedule(struct tcb *tcb, uint8_t bits);
/* Tells the user that `events` (NST_READY_*) began. */
static inline void tcb_notify(struct tcb *tcb, uint32_t events)
{
    ready_notify(&tcb->stack->ready, tcb->ready, events);
}
/* A usable way to the peer, or NULL (no route now). Also brings snd.mss up to date. */
struct dst *tcb_dst(struct tcb *tcb);
/* snd.mss from the path, the peer and the options. */
void tcb_update_mss(struct tcb *tcb);
/* The largest segment that we can take, for the MSS option (RFC 9293 3.7.1, RFC 6691). */
uint16_t tcb_offered_mss(const struct tcb *tcb);
/* It is over: error (0 or NST_E*, positive) for the user, nothing more is sent or received. What
 * came before can still be read. */
void tcb_end(struct tcb *tcb, int error);
/* Verifies the invariants; does nothing without NST_DEBUG. */
#ifdef NST_DEBUG
void tcb_check(const struct tcb *tcb);
#else
static inline void tcb_check(const struct tcb *tcb)
{
}
#endif

static inline struct tcb *tcb_of(struct demux_entry *e)
{
    return (struct tcb *)e;
}
static inline uint32_t tcb_now_us(const struct tcb *tcb)
{
    return tcb->stack->now_us;
}
static inline uint32_t tcb_now_ms(const struct tcb *tcb)
{
    return tcb->stack->now_ms;
}
/* TSval: milliseconds and the connection's offset (RFC 7323 5.4). */
static inline uint32_t tcb_ts_now(const struct tcb *tcb)
{
    return tcb_now_ms(tcb) + tcb->ts.offset;
}
static inline uint32_t tcb_flight(const struct tcb *tcb)
{
    return tcb->snd.nxt - tcb->snd.una;
}
static inline uint32_t tcb_rcv_wnd(const struct tcb *tcb)
{
    return seq_gt(tcb->rcv.edge, tcb->rcv.nxt) ? tcb->rcv.edge - tcb->rcv.nxt : 0;
}

#endif
