/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer that a test plays segment by segment against one stack (10.0.0.1, port 80 or chosen),
 * in virtual time. All numbers are relative to the ISNs: the peer's SYN is 0, its first byte 1.
 *
 *     struct tcp_peer t;
 *     tcp_peer_init(&t, NULL);
 *     tcp_peer_accept(&t);                         a connection that the peer opened
 *     tcp_peer_data(&t, 1, 100);                   bytes 1 to 100
 *     tcp_peer_expect(&t, TCP_ACK, 1, 0, 101);     flags, seq, len, ack
 *     tcp_peer_quiet(&t);
 *     tcp_peer_fini(&t);
 */
#ifndef TESTS_LIB_TCP_PEER_H
#define TESTS_LIB_TCP_PEER_H

#include <nicstack/socket.h>

#include "wire/tcpopt.h"
#include "world.h"

struct tcp_peer_config {
    bool no_ts, no_sack, no_wscale; /* what the peer does not offer */
    uint16_t mss;                   /* 0: 1460 */
    uint16_t wnd;                   /* field; 0: 65535 */
    uint32_t mtu;
    struct nst_stack_config stack;
};

struct tcp_peer {
    struct world w;
    struct tcp_peer_config config;
    struct nst_stack *stack; /* w.hosts[0].stack */
    nst_socket listener, s;
    struct nst_endpoint local, remote; /* the stack's, the peer's */
    uint32_t isn, iss;                 /* the peer's, the stack's */
    uint32_t ack;                      /* relative: what the peer acknowledges */
    uint16_t wnd;
    bool ts;
    uint32_t ts_val, ts_ecr;
    uint32_t next;        /* frame to look at */
    struct tcp_opts opts; /* to add to the next segment */
};

/* A segment that the stack sent. */
struct tcp_seen {
    uint16_t flags, wnd;
    uint32_t seq, ack, len; /* relative */
    struct tcp_opts opts;
    const uint8_t *payload;
};

void tcp_peer_init(struct tcp_peer *t, const struct tcp_peer_config *config);
void tcp_peer_fini(struct tcp_peer *t);
/* The whole handshake; t->s is established, nothing was left unseen. */
void tcp_peer_accept(struct tcp_peer *t);
void tcp_peer_connect(struct tcp_peer *t);
/* Just the first SYN of each. */
void tcp_peer_listen(struct tcp_peer *t, int backlog);
void tcp_peer_send_syn(struct tcp_peer *t, uint16_t flags);

/* A segment of the peer; t->ack, t->wnd and timestamps are filled in; runs the stack. */
void tcp_peer_send(struct tcp_peer *t, uint16_t flags, uint32_t seq, uint32_t len);
static inline void tcp_peer_data(struct tcp_peer *t, uint32_t seq, uint32_t len)
{
    tcp_peer_send(t, TCP_ACK | TCP_PSH, seq, len);
}
/* A pure ACK from sequence number `seq`. */
static inline void tcp_peer_ack(struct tcp_peer *t, uint32_t seq, uint32_t ack)
{
    t->ack = ack;
    tcp_peer_send(t, TCP_ACK, seq, 0);
}
/* The next segment that the stack sent; false: there is none. */
bool tcp_peer_see(struct tcp_peer *t, struct tcp_seen *ret_seen);
/* It has to be there and to be this; PSH is not compared. */
struct tcp_seen tcp_peer_expect_at(struct tcp_peer *t, const char *where, uint16_t flags,
                                   const uint32_t seq_len_ack[3]);
#define TCP_PEER_TEXT(line) #line
#define TCP_PEER_LINE(line) TCP_PEER_TEXT(line)
#define TCP_PEER_HERE       __FILE__ ":" TCP_PEER_LINE(__LINE__)
#define tcp_peer_expect(t, flags, seq, len, ack) \
    tcp_peer_expect_at(t, TCP_PEER_HERE, flags, (const uint32_t[3]){seq, len, ack})
/* Nothing more was sent. */
void tcp_peer_quiet_at(struct tcp_peer *t, const char *where);
#define tcp_peer_quiet(t) tcp_peer_quiet_at(t, TCP_PEER_HERE)
/* Time passes. */
void tcp_peer_wait(struct tcp_peer *t, nst_time duration);
/* The application writes n bytes (0, 1, 2 ...), or reads all; then the stack runs. */
void tcp_peer_write(struct tcp_peer *t, uint32_t n);
int64_t tcp_peer_read(struct tcp_peer *t);
struct nst_tcp_info tcp_peer_info(struct tcp_peer *t);
uint8_t tcp_peer_state(struct tcp_peer *t);

#endif
