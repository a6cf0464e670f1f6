/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets: streams (TCP) and datagrams (UDP), never blocking. A call that cannot proceed says
 * -NST_EAGAIN; nst_ready_list tells when to try again. Raw sockets are among the datagram sockets;
 * packet sockets are in <nicstack/frame.h>.
 *
 * Sockets that a forwarder's request became are in <nicstack/forwarder.h>, nst_socket_refuse too.
 *
 * A socket is a handle with a generation: one that was closed is refused with -NST_EBADHANDLE,
 * which every function below may give.
 *
 * IPv4 and IPv6 share one address type, so one socket serves both: bound to "::" (all zero) it
 * takes what comes by either family, bound to 0.0.0.0 only IPv4, and it sends by the family of the
 * destination. Peers of a link-local address are told with the id of their NIC, which goes back in
 * `nic` with the answer: the address means something on its link alone (RFC 4007).
 */
#ifndef NICSTACK_SOCKET_H
#define NICSTACK_SOCKET_H

#include <nicstack/stack.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t nst_socket; /* 0 is never a socket */

enum nst_socket_type {
    NST_STREAM = 1, /* TCP */
    NST_DATAGRAM,   /* UDP */
    /* ICMP echo: sends requests, receives their replies, each as a message from its ICMP type on,
     * of the peer's family (8 and 0; IPv6 128 and 129); the local port is the identifier, which is
     * filled in, as the checksum is. */
    NST_PING,
    /*
     * IP packets of one protocol number, which is the port that bind is told: a clone of each that
     * comes for an address of ours, before its transport sees it and whether or not there is one.
     * Of IPv4 it receives and (with NST_OPT_HEADER_INCLUDED) sends the packet from its header on;
     * of IPv6 what follows the last extension header, and checksums of ICMPv6 are computed and
     * checked (RFC 3542 3). Bound to 0.0.0.0 it takes IPv4 only. A connected one hears only its
     * peer.
     */
    NST_RAW,
    NST_PACKET_RAW,    /* whole frames: frame.h */
    NST_PACKET_COOKED, /* frames without their link header: frame.h */
};

/* 0; -NST_EPROTONOSUPPORT, -NST_ENOMEM. */
NST_API int nst_socket_open(struct nst_stack *stack, enum nst_socket_type type,
                            nst_socket *ret_socket);

/*
 * Closes the handle, which is stale at once. A stream goes on alone: what was written is sent, then
 * FIN; with unread data, or linger 0, it is reset (RFC 9293 3.10.4, RFC 2525 2.17).
 */
NST_API int nst_socket_close(struct nst_stack *stack, nst_socket s);

/* Local address (all zero: any), port (0: chosen) and NIC (0: any). Of a raw socket the port is the
 * protocol number, 1 to 255; of a packet socket see frame.h.
 * -NST_EADDRINUSE, -NST_EADDRNOTAVAIL, -NST_EINVAL (bound already). */
NST_API int nst_socket_bind(struct nst_stack *stack, nst_socket s,
                            const struct nst_endpoint *local);

/* A stream: -NST_EINPROGRESS; NST_READY_OUT tells the end, nst_socket_error how it went. A datagram
 * socket: sets the peer, 0. -NST_EISCONN, -NST_EALREADY, -NST_ENETUNREACH, -NST_EADDRNOTAVAIL (no
 * port). An unspecified address ends a datagram socket's connection. */
NST_API int nst_socket_connect(struct nst_stack *stack, nst_socket s,
                               const struct nst_endpoint *remote);

/* A bound stream. `backlog` bounds connections that wait for accept, 1 to 65535. */
NST_API int nst_socket_listen(struct nst_stack *stack, nst_socket s, int backlog);
/* -NST_EAGAIN when none waits, -NST_EINVAL when not listening. ret_peer may be NULL. */
NST_API int nst_socket_accept(struct nst_stack *stack, nst_socket s, nst_socket *ret_socket,
                              struct nst_endpoint *ret_peer);

/* Flags of sends and receives. */
#define NST_MSG_PEEK 0x01 /* leave it in the queue */
#define NST_MSG_MORE 0x02 /* more follows: do not send a short segment yet */
#define NST_MSG_OOB  0x04

struct nst_iovec {
    void *base;
    size_t len;
};

/* What comes with a datagram. */
struct nst_message {
    struct nst_endpoint remote;
    struct nst_endpoint local; /* the address that it was sent to, and the NIC */
    uint8_t ttl, tos;
    bool truncated;   /* it was longer than the buffer */
    nst_time arrival; /* when it came; of a stream, the last of the bytes that were read */
};

/*
 * Sends. A stream takes as many bytes as there is room for and returns how many; a datagram all or
 * nothing. `to` is for datagram sockets (NULL: the connected peer); to->nic 0 leaves the choice to
 * the route. -NST_EAGAIN, -NST_EPIPE (shut down), -NST_ENOTCONN, -NST_EMSGSIZE, -NST_ENETUNREACH,
 * -NST_EPERM (broadcast without NST_OPT_BROADCAST), -NST_EINVAL (port 0, no echo request),
 * -NST_ENOMEM, and the error that ended the connection, once.
 */
NST_API int64_t nst_socket_send(struct nst_stack *stack, nst_socket s, const void *data, size_t len,
                                uint32_t flags);
NST_API int64_t nst_socket_sendto(struct nst_stack *stack, nst_socket s, const void *data,
                                  size_t len, uint32_t flags, const struct nst_endpoint *to);
NST_API int64_t nst_socket_sendv(struct nst_stack *stack, nst_socket s, const struct nst_iovec *iov,
                                 size_t count, uint32_t flags);

/*
 * Receives. 0 from a stream is the end of what the peer sends. -NST_EAGAIN, -NST_ENOTCONN, and the
 * error that ended the connection, once. Data that came before a reset can be read first.
 */
NST_API int64_t nst_socket_recv(struct nst_stack *stack, nst_socket s, void *data, size_t size,
                                uint32_t flags);
NST_API int64_t nst_socket_recvfrom(struct nst_stack *stack, nst_socket s, void *data, size_t size,
                                    uint32_t flags, struct nst_message *ret_message);

/*
 * Lent memory: no copy between the caller and the buffers of a stream.
 *
 * nst_socket_recv_lend shows up to `count` pieces of what waits to be read, in order; it returns
 * how many, 0 at the end of the stream, or -NST_EAGAIN. They stay valid until the next call that
 * names the socket; nst_socket_recv_consume(n) takes the first n bytes away.
 *
 * nst_socket_send_reserve opens up to `count` pieces of the send buffer to write into (to read(2) a
 * descriptor into, say), and nst_socket_send_commit(n) sends the first n bytes of them; no other
 * send may come between. -NST_EAGAIN without room.
 *
 * nst_socket_send_lend queues the caller's own memory: release(context, memory) is called once,
 * when the peer has acknowledged all of it or the connection has ended, and must not call the
 * stack. All or nothing: 0 or an error, and then the memory stays the caller's.
 */
NST_API int nst_socket_recv_lend(struct nst_stack *stack, nst_socket s,
                                 struct nst_iovec *ret_pieces, int count);
NST_API int nst_socket_recv_consume(struct nst_stack *stack, nst_socket s, size_t n);
NST_API int nst_socket_send_reserve(struct nst_stack *stack, nst_socket s,
                                    struct nst_iovec *ret_pieces, int count);
NST_API int nst_socket_send_commit(struct nst_stack *stack, nst_socket s, size_t n);
NST_API int nst_socket_send_lend(struct nst_stack *stack, nst_socket s, void *memory, size_t len,
                                 void (*release)(void *context, uint8_t *memory), void *context);

#define NST_SHUT_RECV 1
#define NST_SHUT_SEND 2
/* A stream: SEND sends FIN after what was written. -NST_ENOTCONN, -NST_EINVAL. */
NST_API int nst_socket_shutdown(struct nst_stack *stack, nst_socket s, int how);
/* Ends a stream by RST, and closes the handle. */
NST_API int nst_socket_abort(struct nst_stack *stack, nst_socket s);

/* -NST_ENOTCONN for a peer that there is not. */
NST_API int nst_socket_get_local(struct nst_stack *stack, nst_socket s, struct nst_endpoint *ret);
NST_API int nst_socket_get_remote(struct nst_stack *stack, nst_socket s, struct nst_endpoint *ret);
/* The pending error (0 or -NST_E*), which is cleared. */
NST_API int nst_socket_error(struct nst_stack *stack, nst_socket s);

/* What NST_OPT_RECEIVE_ERRORS keeps: one error that came back for a datagram. */
struct nst_error_info {
    int error;                  /* -NST_E*, as the pending error has it */
    bool local;                 /* no message came: it was too long for NST_OPT_DONT_FRAGMENT */
    bool v6;                    /* of IPv6, an error of ICMPv6 */
    uint8_t type, code;         /* as the message has them */
    uint32_t info;              /* the path MTU, the pointer, or 0 */
    struct nst_endpoint remote; /* where the datagram was sent to */
    struct nst_addr offender;   /* who says so */
    nst_time arrival;
    bool truncated; /* more of it was quoted than `data` has room for */
};
/*
 * Takes the oldest error of a datagram, ping or raw socket that has NST_OPT_RECEIVE_ERRORS; `data`
 * gets what the error quotes of the datagram behind its transport header, of a ping or raw socket
 * from that header on. Returns how many bytes. While there are errors NST_READY_ERROR holds. At
 * most 16 wait; later ones are not kept. -NST_EAGAIN: there is none. -NST_EPROTOTYPE: a stream, or
 * a packet socket.
 */
NST_API int64_t nst_socket_recv_error(struct nst_stack *stack, nst_socket s, void *data,
                                      size_t size, struct nst_error_info *ret_info);

/* ---- Options: all are 64-bit integers; durations are nst_time. ---- */
enum nst_option {
    NST_OPT_REUSE_ADDRESS = 1, /* bool */
    NST_OPT_REUSE_PORT,        /* bool */
    NST_OPT_BROADCAST,         /* bool */
    NST_OPT_SEND_BUFFER,       /* bytes; setting it ends autotuning */
    NST_OPT_RECEIVE_BUFFER,
    NST_OPT_TTL,
    NST_OPT_TOS,
    NST_OPT_LINGER,           /* duration; negative: off. 0: close resets */
    NST_OPT_TCP_NODELAY,      /* bool */
    NST_OPT_TCP_CORK,         /* bool */
    NST_OPT_TCP_MAXSEG,       /* bytes; before connect or listen */
    NST_OPT_TCP_QUICKACK,     /* bool */
    NST_OPT_TCP_KEEPALIVE,    /* bool */
    NST_OPT_TCP_USER_TIMEOUT, /* duration; 0: by retransmission count */
    NST_OPT_SEND_QUEUED,      /* read only: bytes not yet acknowledged */
    NST_OPT_SEND_ROOM,        /* read only: bytes that a send would take now */
    NST_OPT_RECEIVE_QUEUED,   /* read only: bytes to read */
    NST_OPT_MULTICAST_LOOP,  /* bool: what is sent to a group reaches us too, if we are in it; on */
    NST_OPT_MULTICAST_TTL,   /* 1 to 255 hops of what is sent to groups; 1 */
    NST_OPT_MULTICAST_NIC,   /* id: where that leaves if nothing else says so; 0: by route */
    NST_OPT_RECEIVE_DROPPED, /* read only: datagrams and frames that found no room */
    NST_OPT_HEADER_INCLUDED, /* bool; raw, IPv4: what is sent begins with the IP header, of which
                                length and checksum are filled in, source and identification where
                                they are 0; nothing is fragmented (-NST_EMSGSIZE) */
    NST_OPT_CHECKSUM,        /* raw, IPv6: where the checksum of the payload is, an even offset; it
                                is computed and checked. -1: nowhere. ICMPv6: 2, and fixed */
    NST_OPT_RECEIVE_ERRORS,  /* bool: every ICMP error about what was sent is reported, also without
                                a connection, and kept for nst_socket_recv_error. A stream that
                                stands reports it as its pending error, once, and goes on */
    NST_OPT_DONT_FRAGMENT,   /* bool; UDP: what is longer than the path's MTU is not sent in
                                fragments (-NST_EMSGSIZE) */
    NST_OPT_TCP_KEEP_IDLE,   /* duration: silence before the first keep-alive probe; 2 h */
    NST_OPT_TCP_KEEP_INTERVAL, /* duration: between probes; 75 s */
    NST_OPT_TCP_KEEP_COUNT,    /* 1 to 127 probes without an answer end the connection; 9 */
};
/* -NST_ENOPROTOOPT (not for this type), -NST_EINVAL (value), -NST_EOPNOTSUPP (read only). */
NST_API int nst_socket_set(struct nst_stack *stack, nst_socket s, enum nst_option option,
                           int64_t value);
NST_API int nst_socket_get(struct nst_stack *stack, nst_socket s, enum nst_option option,
                           int64_t *ret_value);

/*
 * Joins a multicast group for a datagram socket on a NIC (0: where a packet to the group would
 * leave), and leaves it. Joins of all sockets, and of nst_nic_group_join, are counted together;
 * closing a socket leaves what it joined. A datagram to the group reaches every socket that is
 * bound to its port, and to the group or any address, member or not.
 *
 * 0; -NST_EPROTOTYPE (a stream), -NST_EINVAL (no group), -NST_ENOENT (no such NIC),
 * -NST_EOPNOTSUPP (the family does not fit it). Joining: -NST_EADDRINUSE (joined by this socket),
 * -NST_ENOBUFS (64 a socket, or 1024 a NIC), -NST_ENOMEM. Leaving: -NST_EADDRNOTAVAIL; NIC 0 is the
 * first one on which the socket joined the group.
 */
NST_API int nst_socket_join_group(struct nst_stack *stack, nst_socket s,
                                  const struct nst_addr *group, uint32_t nic);
NST_API int nst_socket_leave_group(struct nst_stack *stack, nst_socket s,
                                   const struct nst_addr *group, uint32_t nic);

enum nst_tcp_state {
    NST_TCP_CLOSED,
    NST_TCP_LISTEN,
    NST_TCP_SYN_SENT,
    NST_TCP_SYN_RECEIVED,
    NST_TCP_ESTABLISHED,
    NST_TCP_FIN_WAIT_1,
    NST_TCP_FIN_WAIT_2,
    NST_TCP_CLOSE_WAIT,
    NST_TCP_CLOSING,
    NST_TCP_LAST_ACK,
    NST_TCP_TIME_WAIT,
};

/* What a connection knows of itself. Windows and sizes in bytes, times in nanoseconds. */
struct nst_tcp_info {
    uint8_t state;    /* enum nst_tcp_state */
    uint8_t ca_state; /* 0 open, 1 disorder, 2 CWR, 3 recovery, 4 loss */
    bool timestamps, sack, wscale;
    uint8_t snd_wscale, rcv_wscale;
    uint8_t backoff;
    uint32_t mss_snd, mss_rcv, pmtu;
    uint32_t cwnd, ssthresh, snd_wnd, rcv_wnd;
    uint32_t in_flight, unsent, unread;
    nst_time srtt, rttvar, rttmin, rto;
    uint64_t bytes_sent, bytes_acked, bytes_received, bytes_retransmitted;
    uint64_t segs_out, segs_in, retransmits, timeouts, reordering, spurious;
    /* What is not acknowledged, in segments: all of it; what the peer has reported to have, what
     * counts as lost, what was sent again and may still arrive. */
    uint32_t segs_unacked, segs_sacked, segs_lost, segs_retrans;
    uint8_t probes; /* keep-alive or zero-window probes without an answer */
    bool probing;   /* backoff is that of zero-window probes */
    uint16_t mss_advertised;
    nst_time delack;                                            /* an ACK may wait so long */
    nst_time since_data_sent, since_data_received, since_heard; /* in milliseconds' steps */
    uint64_t data_segs_out, data_segs_in; /* with payload; what a link merged counts once */
    uint64_t segs_retransmitted, segs_delivered, segs_out_of_order;
    uint64_t duplicate_reports; /* DSACKs that came */
    uint64_t reorderings;       /* segments that arrived behind later ones */
    /* The ICMP error (ICMPv6, with a peer of IPv6) that the pending error came from, if any. */
    bool has_icmp;
    uint8_t icmp_type, icmp_code;
};
/* -NST_EPROTOTYPE for what is no stream. */
NST_API int nst_socket_tcp_info(struct nst_stack *stack, nst_socket s,
                                struct nst_tcp_info *ret_info);

/* ---- Readiness ---- */
#define NST_READY_IN    0x01 /* data, a datagram, a connection to accept, or the end to read */
#define NST_READY_OUT   0x02 /* room to send, or connect is done */
#define NST_READY_RDHUP 0x04 /* the peer will send no more */
#define NST_READY_HUP   0x08 /* both directions are closed */
#define NST_READY_ERROR 0x10 /* nst_socket_error tells */
/* There is no way to send: the NIC that the socket is bound to is disabled or gone, or no enabled
 * NIC has its local address (docs/decisions/0019). A connection is not ended by it: it goes on when
 * the way is back, which NST_READY_OUT tells. */
#define NST_READY_DOWN 0x40
/* Only in nst_ready_list: a forwarder request waits (the handle is 0). */
#define NST_READY_REQUEST 0x20

struct nst_ready {
    nst_socket socket;
    void *context;
    uint32_t events; /* NST_READY_*, as they are now */
};

/* Which events put the socket on the ready list; ERROR and HUP always do. Nothing is watched at
 * first. The context comes back with each event. If an event holds already, the socket is listed.
 */
NST_API int nst_socket_watch(struct nst_stack *stack, nst_socket s, uint32_t events, void *context);
/* Ready now, of all NST_READY_*, or -NST_EBADHANDLE. */
NST_API int nst_socket_events(struct nst_stack *stack, nst_socket s);

/*
 * Takes up to `max` sockets off the ready list. A socket is listed when one of its watched events
 * begins, and again when something new happens (more data, more room after none): so act until
 * -NST_EAGAIN, as with an edge-triggered epoll. Returns how many.
 */
NST_API int nst_ready_list(struct nst_stack *stack, struct nst_ready *ret_ready, int max);

#ifdef __cplusplus
}
#endif

#endif
