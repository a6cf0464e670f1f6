/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What UDP, ping and raw endpoints have in common: a receive queue, a peer, the way to it, options,
 * errors.
 *
 * Theory of operation
 *
 * An endpoint belongs to its user until dgram_free. It is found through its demux entry, which is
 * registered by bind, connect or the first send. Its local address is fixed while it is connected.
 *
 * Received packets wait in `rxq`: they count as delivered when they enter, and are freed when they
 * are read. The queue is bounded in bytes of memory that it holds, not of payload; one that is
 * below its bound takes one more packet of any size. When the queue begins to fill, packets that
 * waste their block move into smaller ones.
 *
 * An endpoint that was a forwarder's request can refuse what it received last: of that it keeps
 * what an ICMP error has to quote.
 *
 * The way to the last destination is kept (`dst`), so that a stream of datagrams to one peer looks
 * up no route.
 *
 * Invariants: (1) rx_bytes is the sum of dgram_cb.size over rxq; (2) dst, if any, leads to
 * dst_addr out of dst_nic; (3) peer.addr is the key's remote address while connected.
 *
 * Who asks for it (NST_OPT_RECEIVE_ERRORS) gets the errors one by one: dgram_error.c.
 *
 * Not done: gso for datagrams.
 */
#ifndef NICSTACK_SRC_TRANSPORT_DGRAM_H
#define NICSTACK_SRC_TRANSPORT_DGRAM_H

#include <nicstack/socket.h>

#include "base/fwd.h"
#include "packet/packet.h"
#include "stack/demux.h"
#include "stack/dst.h"
#include "stack/nic.h"
#include "stack/proto.h"
#include "stack/ready.h"
#include "stack/stack.h"
#include "wire/csum.h"

#define DGRAM_BUFFER     (256 * 1024) /* default bound of rxq and of a datagram to send */
#define DGRAM_BUFFER_MIN 2048
#define DGRAM_BUFFER_MAX (64 * 1024 * 1024)

/* What an endpoint speaks. */
enum dgram_kind {
    DGRAM_UDP,
    DGRAM_PING,      /* sends requests, receives replies */
    DGRAM_RESPONDER, /* receives requests of one flow, sends replies */
    DGRAM_RAW,       /* a protocol number: in no demultiplexer */
};

/* RFC 792: an ICMP error quotes the IP header and 8 bytes behind it. */
#define DGRAM_QUOTE_MAX (60 + 8)

struct dgram_quote {
    const struct net_proto *net;
    uint8_t len;          /* 0: nothing was received yet */
    bool is_csum_partial; /* as the packet was received */
    uint8_t bytes[DGRAM_QUOTE_MAX];
};

struct dgram_errors; /* dgram_error.c */

struct dgram {
    struct list node; /* the protocol's list of all */
    struct nst_stack *stack;
    struct ready *ready; /* NULL: nobody listens */
    struct demux_entry entry;
    struct nst_endpoint peer;   /* where sends without address go; port 0 and no address: none */
    struct nst_addr bound_addr; /* the local address that bind asked for */
    struct dst *dst;            /* NULL: none looked up yet */
    struct nst_addr dst_addr;
    uint32_t dst_nic;
    struct todo wait;            /* on the NIC's list while its queue is full */
    struct dgram_quote *quote;   /* of the last packet in rxq; NULL: not kept */
    struct dgram_errors *errors; /* NULL: nobody asked for them */
    struct nst_pktq rxq;
    uint64_t rx_bytes, rx_max;
    uint64_t rx_easy;    /* as far as rx_bytes may grow before a packet is looked at closer */
    uint64_t rx_dropped; /* packets that found rxq full */
    uint32_t tx_max;
    int error; /* pending, -NST_E*, or 0 */
    uint8_t kind;
    uint8_t ttl; /* 0: the default */
    uint8_t tos;
    uint8_t group_ttl;   /* of what goes to groups */
    uint32_t group_nic;  /* where that leaves; 0: by route */
    bool group_loop;     /* our own members get it too */
    struct list members; /* of struct membership, by_owner: the groups that it joined */
    uint32_t member_count;
    bool broadcast;     /* may send to broadcast addresses */
    bool dont_fragment; /* of UDP */
    bool has_peer;
    bool is_bound; /* by bind: not chosen by a send */
    bool shut_recv, shut_send;
};

/* What a packet in rxq brings along. */
struct dgram_cb {
    struct nst_addr remote, local;
    uint32_t size; /* memory that it holds */
    uint16_t remote_port, local_port;
    uint8_t ttl, tos;
};
_Static_assert(sizeof(struct dgram_cb) <= PKT_CB_SIZE, "fits the control block");

/* A datagram to send, in pieces. */
struct dgram_out {
    const struct nst_iovec *iov;
    size_t count;
    size_t len; /* of all pieces */
};

static inline struct dgram_out dgram_out_of(const struct nst_iovec *iov, size_t count)
{
    struct dgram_out out = {.iov = iov, .count = count};
    if (likely(count == 1)) {
        out.len = iov->len;
        return out;
    }
    for (size_t i = 0; i < count; i++)
        out.len += min_size(iov[i].len, UINT32_MAX); /* far beyond what is too long anyway */
    return out;
}

/* Begins with defaults, in no list. `ready` may be NULL. */
void dgram_init(struct dgram *d, struct nst_stack *stack, enum dgram_kind kind,
                struct ready *ready);
/* Unregisters, frees what is unread and leaves all lists. The memory stays the caller's. */
void dgram_fini(struct dgram *d);
/* Makes a fresh endpoint the one end of the flow `key`: registered, bound and connected. 0, or what
 * demux_add says; then the caller frees it. */
int dgram_join_flow(struct dgram *d, const struct demux_key *key);

/* Says where events go from now on (NULL: nowhere); what holds already is notified. */
void dgram_set_ready(struct dgram *d, struct ready *ready);

/* As nst_socket_bind and _connect say. Connecting to the unspecified address dissolves the
 * connection (the local port stays). */
int dgram_bind(struct dgram *d, const struct nst_endpoint *local);
int dgram_connect(struct dgram *d, const struct nst_endpoint *remote);
/* Registers it with a chosen port if it has none. 0 or an error of demux_add. */
int dgram_autobind(struct dgram *d);

/* Is the kept way the one to `to`, still valid, and open to everybody? */
static inline bool dgram_route_is_known(const struct dgram *d, const struct nst_endpoint *to)
{
    const uint32_t nic = to->nic != 0 ? to->nic : d->entry.key.nic;
    return d->dst != NULL && d->dst_nic == nic && nst_addr_equal(&d->dst_addr, &to->addr) &&
           dst_is_valid(d->dst);
}

/* The way to `to`, borrowed until the next call. The errors of dst_get, -NST_EPERM for a broadcast
 * address without NST_OPT_BROADCAST, -NST_EAGAIN when the NIC is full (then it tells when not). */
int dgram_route_slow(struct dgram *d, const struct nst_endpoint *to, struct dst **ret_dst);
static inline int dgram_route(struct dgram *d, const struct nst_endpoint *to, struct dst **ret_dst)
{
    if (unlikely(!dgram_route_is_known(d, to) || d->dst->type == PKT_BROADCAST ||
                 nic_is_blocked(d->dst->nic)))
        return dgram_route_slow(d, to, ret_dst);
    *ret_dst = d->dst;
    return 0;
}

/* Checks what every send checks: the pending error (once), shut-down, length, destination: `to` or
 * the peer. */
int dgram_send_check_slow(struct dgram *d, const struct nst_endpoint *to, size_t len,
                          const struct nst_endpoint **ret_to);
static inline int dgram_send_check(struct dgram *d, const struct nst_endpoint *to, size_t len,
                                   const struct nst_endpoint **ret_to)
{
    if (unlikely(to != NULL || d->error != 0 || d->shut_send || !d->has_peer || len > d->tx_max))
        return dgram_send_check_slow(d, to, len, ret_to);
    *ret_to = &d->peer;
    return 0;
}

/* Appends the bytes of `out` to the linear part of p, which has room. */
void dgram_copy(struct pkt *p, const struct dgram_out *out);
/* The same, and returns `sum` plus their partial checksum; the bytes begin at an even offset. */
uint32_t dgram_copy_csum_slow(struct pkt *p, const struct dgram_out *out,
                              const struct csum_ops *csum, uint32_t sum);
static inline uint32_t dgram_copy_csum(struct pkt *p, const struct dgram_out *out,
                                       const struct csum_ops *csum, uint32_t sum)
{
    if (unlikely(out->count != 1 || out->len > CSUM_SHORT))
        return dgram_copy_csum_slow(p, out, csum, sum);
    uint8_t *at = nst_pkt_put(pkt_pub(p), (uint32_t)out->len);
    return csum_copy_short(at, out->iov->base, out->len, sum);
}

/* Would dgram_push find no room? */
static inline bool dgram_is_full(const struct dgram *d)
{
    return d->rx_bytes >= d->rx_max;
}
/* Memory that a packet holds, bytes. */
static inline uint32_t dgram_pkt_size(const struct pkt *p)
{
    uint32_t size = sizeof(*p) + (p->block != NULL ? p->block->size : 0);
    for (uint32_t i = 0; i < p->nslices; i++)
        size += p->slice[i].block->size;
    return size;
}

/* Puts p, of `size` bytes, data at what the reader gets, into the queue. */
static inline void dgram_queue(struct dgram *d, struct pkt *p, const struct rx *rx,
                               uint16_t src_port, uint16_t dst_port, uint32_t size)
{
    pkt_count_delivered(p);
    struct dgram_cb *cb = PKT_CB(p, struct dgram_cb);
    cb->remote = rx->src;
    cb->local = rx->dst;
    cb->size = size;
    cb->remote_port = src_port;
    cb->local_port = dst_port;
    cb->ttl = rx->ttl;
    cb->tos = rx->tos;
    d->rx_bytes += size;
    pktq_push(&d->rxq, p);
    ready_notify(&d->stack->ready, d->ready, NST_READY_IN);
}

/* Queues a received packet, data at what the reader gets, or drops it when there is no room.
 * Consumes p. False: dropped. */
bool dgram_push_slow(struct dgram *d, struct pkt *p, const struct rx *rx, uint16_t src_port,
                     uint16_t dst_port);
static inline bool dgram_push(struct dgram *d, struct pkt *p, const struct rx *rx,
                              uint16_t src_port, uint16_t dst_port)
{
    const uint32_t size = dgram_pkt_size(p);
    if (unlikely(d->rx_bytes + size > d->rx_easy))
        return dgram_push_slow(d, p, rx, src_port, dst_port);
    dgram_queue(d, p, rx, src_port, dst_port, size);
    return true;
}

/* As nst_socket_recvfrom says; ret_message may be NULL. */
int64_t dgram_recv(struct dgram *d, void *data, size_t size, uint32_t flags,
                   struct nst_message *ret_message);

/* Keeps from now on what dgram_refuse quotes. `net` is what the endpoint receives from, on the NIC
 * of its key. 0 or -NST_ENOMEM. */
int dgram_keep_quote(struct dgram *d, const struct net_proto *net);
/* Answers the last packet that was received with an ICMP error, within the limits of N106. 0, also
 * where there is no packet, no NIC or no memory; -NST_EINVAL without dgram_keep_quote. */
int dgram_refuse(struct dgram *d, enum net_error kind);

/* An ICMP error that quotes a packet of this endpoint: a path MTU is taken where it is about the
 * way that the endpoint uses now. */
void dgram_report(struct dgram *d, const struct net_error_report *report);

int dgram_shutdown(struct dgram *d, int how);
/* NST_READY_* as they are now. When OUT is not among them, its begin will be notified. */
uint32_t dgram_events(struct dgram *d);
/* As nst_socket_join_group and nst_socket_leave_group say (dgram_group.c). */
int dgram_join(struct dgram *d, const struct nst_addr *group, uint32_t nic);
int dgram_leave(struct dgram *d, const struct nst_addr *group, uint32_t nic);
HIDDEN void dgram_leave_all(struct dgram *d);
/* The multicast options; -NST_ENOPROTOOPT: it is none of them. */
HIDDEN int dgram_set_group_option(struct dgram *d, enum nst_option option, int64_t value);
HIDDEN int dgram_get_group_option(const struct dgram *d, enum nst_option option,
                                  int64_t *ret_value);
/* What ip says about a packet to a group. */
static inline void dgram_set_group_out(const struct dgram *d, struct ip_out *ip)
{
    ip->ttl = d->group_ttl;
    ip->loop = d->group_loop;
}

/* The pending error, cleared. */
int dgram_error(struct dgram *d);

/* NST_OPT_RECEIVE_ERRORS and nst_socket_recv_error (dgram_error.c). */
HIDDEN int dgram_keep_errors(struct dgram *d, bool on);
HIDDEN void dgram_note_error(struct dgram *d, const struct net_error_report *report, int error);
/* It was longer than `mtu`, and must not be cut. */
HIDDEN void dgram_note_too_long(struct dgram *d, const struct nst_endpoint *to, uint32_t mtu);
HIDDEN bool dgram_has_errors(const struct dgram *d);
HIDDEN int64_t dgram_recv_error(struct dgram *d, void *data, size_t size,
                                struct nst_error_info *ret_info);
int dgram_set(struct dgram *d, enum nst_option option, int64_t value);
int dgram_get(const struct dgram *d, enum nst_option option, int64_t *ret_value);
void dgram_local(const struct dgram *d, struct nst_endpoint *ret);
/* 0 or -NST_ENOTCONN. */
int dgram_remote(const struct dgram *d, struct nst_endpoint *ret);

#endif
