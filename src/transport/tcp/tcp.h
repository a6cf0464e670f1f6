/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP as the socket layer and the forwarder see it. A tcb belongs to its user until tcp_close or
 * tcp_abort; then TCP finishes alone and frees it. Nothing here sends at once: output happens in
 * the epilogue.
 *
 * `ready` is where a connection says what changed. It is NULL while nobody has the connection: a
 * child of a listener that was not accepted yet.
 */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_TCP_H
#define NICSTACK_SRC_TRANSPORT_TCP_TCP_H

#include <nicstack/socket.h>

#include "base/fwd.h"
#include "packet/packet.h"
#include "stack/proto.h"
#include "stack/ready.h"

extern HIDDEN const struct transport_proto tcp_proto;

/* A closed connection with defaults; NULL: no memory. `ready` may be NULL. */
struct tcb *tcp_new(struct nst_stack *stack, struct ready *ready);
/* Says where events go from now on (NULL: nowhere); what holds already is notified. */
void tcp_set_ready(struct tcb *tcb, struct ready *ready);

/* As nst_socket_bind, _connect, _listen, _accept say; accept gives a tcb without `ready`. */
int tcp_bind(struct tcb *tcb, const struct nst_endpoint *local);
int tcp_connect(struct tcb *tcb, const struct nst_endpoint *remote);
int tcp_listen(struct tcb *tcb, int backlog);
int tcp_accept(struct tcb *tcb, struct tcb **ret_child);

int64_t tcp_send(struct tcb *tcb, const struct nst_iovec *iov, size_t count, uint32_t flags);
int64_t tcp_recv(struct tcb *tcb, void *data, size_t size, uint32_t flags);
/* When the last of the first `size` unread bytes came; 0: there are none. */
nst_time tcp_arrival(const struct tcb *tcb, size_t size);
int tcp_recv_lend(struct tcb *tcb, struct nst_iovec *ret_pieces, int count);
int tcp_recv_consume(struct tcb *tcb, size_t n);
int tcp_send_reserve(struct tcb *tcb, struct nst_iovec *ret_pieces, int count);
int tcp_send_commit(struct tcb *tcb, size_t n);
/* What is reserved, and how much; NULL: nothing is. For who records what is committed. */
uint8_t *tcp_reserved(const struct tcb *tcb, size_t *ret_room);
int tcp_send_lend(struct tcb *tcb, uint8_t *memory, size_t len,
                  void (*release)(void *context, uint8_t *memory), void *context);

int tcp_shutdown(struct tcb *tcb, int how);
/* RFC 9293 3.10.4. The tcb is TCP's alone afterwards. */
void tcp_close(struct tcb *tcb);
/* RFC 9293 3.10.5: RST where the state calls for one. */
void tcp_abort(struct tcb *tcb);

/* NST_READY_* as they are now. */
uint32_t tcp_events(const struct tcb *tcb);
/* The pending error, cleared. */
int tcp_error(struct tcb *tcb);
int tcp_set(struct tcb *tcb, enum nst_option option, int64_t value);
int tcp_get(const struct tcb *tcb, enum nst_option option, int64_t *ret_value);
void tcp_info(const struct tcb *tcb, struct nst_tcp_info *ret_info);
int tcp_local(const struct tcb *tcb, struct nst_endpoint *ret);
int tcp_remote(const struct tcb *tcb, struct nst_endpoint *ret);

/*
 * For the forwarder. `syn` is a packet (data at the TCP header) that the default handler was given.
 * tcp_syn_read tells whether it may begin a connection (SYN alone, well formed) and keeps what an
 * answer needs; tcp_accept_syn makes a connection of it in SYN-RECEIVED; tcp_refuse_syn sends a RST
 * for it.
 */
struct tcp_syn {
    struct nst_addr local, remote;
    uint16_t local_port, remote_port;
    uint32_t nic;
    uint32_t irs;
    uint32_t ts_val;
    uint16_t mss; /* 0: none given */
    uint16_t wnd;
    uint8_t wscale; /* 0xff: none */
    bool sack, timestamps;
};
bool tcp_syn_read(const struct pkt *p, const struct rx *rx, struct tcp_syn *ret_syn);
int tcp_accept_syn(struct nst_stack *stack, const struct tcp_syn *syn, struct ready *ready,
                   struct tcb **ret_tcb);
void tcp_refuse_syn(struct nst_stack *stack, const struct tcp_syn *syn);

#endif
