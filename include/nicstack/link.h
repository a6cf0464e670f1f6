/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links: what is below a NIC. A driver embeds `struct nst_link`, fills in its public fields and
 * hands it to nst_nic_add. Links stack: middleware (impairment, a sniffer) is a link towards the
 * NIC and the upper end of another link at once.
 *
 * Rules. All calls happen on the stack's thread. A link never calls into the stack but through
 * nst_link_deliver and nst_link_set_writable, which only queue: it may do so at any time, also
 * while it is being called.
 */
#ifndef NICSTACK_LINK_H
#define NICSTACK_LINK_H

#include <nicstack/packet.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nst_link;

/* What a link can do; what it cannot, the NIC does in software. */
#define NST_LINK_CSUM_TX  0x0001 /* completes checksums that were left to complete */
#define NST_LINK_TSO4     0x0002 /* cuts TCP over IPv4 segments of up to gso_max bytes */
#define NST_LINK_TSO6     0x0004
#define NST_LINK_USO      0x0008 /* cuts UDP datagrams */
#define NST_LINK_RESOLVES 0x0010 /* has link addresses that ARP and NDP must find */
#define NST_LINK_LOOPBACK 0x0020 /* what is sent comes back */
#define NST_LINK_NO_MERGE 0x0040 /* the NIC shall not coalesce received segments */

/* EtherTypes that the core knows. */
#define NST_ETHERTYPE_IPV4 0x0800
#define NST_ETHERTYPE_ARP  0x0806
#define NST_ETHERTYPE_IPV6 0x86dd

/* The link header as values. */
struct nst_link_header {
    struct nst_mac src; /* all zero: the link says nothing */
    struct nst_mac dst;
    uint16_t ethertype;
};

struct nst_link_ops {
    /*
     * Takes packets from the front of q, frees each with nst_pkt_free once it is out, and may leave
     * the rest: then it has set link->tx_blocked, and calls nst_link_set_writable when there is
     * room again. What is left stays in the NIC's queue in order. Never called while tx_blocked.
     */
    void (*transmit)(struct nst_link *link, struct nst_pktq *q);
    /* Reads the link header at p->data and pulls it, so that data is the network header. False:
     * malformed. */
    bool (*parse_header)(struct nst_link *link, struct nst_pkt *p,
                         struct nst_link_header *ret_header);
    /* Pushes the link header; there are max_header bytes of head-room. */
    void (*push_header)(struct nst_link *link, struct nst_pkt *p,
                        const struct nst_link_header *header);
    /* The rest may be NULL. */
    void (*attach)(
        struct nst_link *link); /* link->upper and link->pool are set: it may deliver now */
    void (*detach)(
        struct nst_link *link); /* it must not deliver any more, and frees what it holds */
    void (*run)(struct nst_link *link, nst_time now); /* once in each nst_stack_run, before input */
    nst_time (*next_deadline)(
        struct nst_link *link); /* when run has something to do; NST_TIME_NEVER */
    /* nst_nic_set_mtu and _set_link_addr: changes link->mtu, link->addr. 0 or -NST_E*, and then
     * nothing has changed. NULL: it is fixed. */
    int (*set_mtu)(struct nst_link *link, uint32_t mtu);
    int (*set_address)(struct nst_link *link, struct nst_mac addr);
};

/* What is above a link: a NIC or middleware. */
struct nst_link_upper {
    void (*deliver)(struct nst_link_upper *upper, struct nst_pktq *q); /* takes all of q */
    void (*writable)(struct nst_link_upper *upper);
};

struct nst_link {
    const struct nst_link_ops *ops;
    uint32_t caps;       /* NST_LINK_* */
    uint32_t mtu;        /* largest network-layer packet, bytes */
    uint32_t max_header; /* head-room that push_header and everything below it need */
    uint32_t gso_max;    /* largest network-layer packet with a gso request; 0 without TSO */
    struct nst_mac addr; /* own link address where it RESOLVES */
    bool tx_blocked;     /* full: set by the driver, cleared by nst_link_set_writable */
    uint8_t reserved;
    /* Filled in by nst_nic_add (or by middleware), cleared when detached. */
    struct nst_link_upper *upper;
    struct nst_pool *pool; /* for packets to deliver */
    void *driver;          /* the driver's own */
};

/* Hands received packets up, link header first. q is empty afterwards; without an upper end they
 * are freed. */
NST_API void nst_link_deliver(struct nst_link *link, struct nst_pktq *q);

/* There is room again: clears tx_blocked and lets the upper end send on. */
NST_API void nst_link_set_writable(struct nst_link *link);

/* parse_header and push_header of every link that carries Ethernet frames (14 bytes of header). */
NST_API bool nst_ethernet_parse(struct nst_link *link, struct nst_pkt *p,
                                struct nst_link_header *ret_header);
NST_API void nst_ethernet_push(struct nst_link *link, struct nst_pkt *p,
                               const struct nst_link_header *header);

/* The same for links that carry bare IP packets (TUN): no header, the version tells the EtherType.
 */
NST_API bool nst_bare_ip_parse(struct nst_link *link, struct nst_pkt *p,
                               struct nst_link_header *ret_header);
NST_API void nst_bare_ip_push(struct nst_link *link, struct nst_pkt *p,
                              const struct nst_link_header *header);

/* ---- Links that come with the library. Each `new` gives a link that its `free` takes back, after
 * its NIC was removed; NULL is "no memory". ---- */

/* What is sent comes back. MTU 65536, no checksums. */
NST_API struct nst_link *nst_loopback_new(const struct nst_allocator *allocator);
NST_API void nst_loopback_free(struct nst_link *link);

struct nst_pipe_config {
    size_t size;      /* sizeof(struct nst_pipe_config) */
    uint32_t mtu;     /* 0: 1500 */
    uint32_t caps;    /* NST_LINK_CSUM_TX, TSO*, NO_MERGE: given to both ends */
    uint32_t gso_max; /* 0: 65535 where TSO is among caps */
    uint32_t limit;   /* packets that wait for the other end before it blocks; 0: 1024 */
    bool ethernet;    /* frames with link addresses, else bare IP */
    struct nst_mac addr[2];
};

/* Two ends in one thread: what one sends, the other delivers in the next run of its stack, without
 * a copy of the payload. What is sent to an end without a NIC, or whose stack has no memory, is
 * lost. Both ends or none: 0, -NST_EINVAL, -NST_ENOMEM. */
NST_API int nst_pipe_new(const struct nst_allocator *allocator,
                         const struct nst_pipe_config *config, struct nst_link *ret_ends[2]);
/* Both ends at once; they are NULL afterwards. */
NST_API void nst_pipe_free(struct nst_link *ends[2]);

/* How packets wait for the rate. Numbers never change. */
enum nst_queue {
    NST_QUEUE_FIFO = 0, /* one after the other; what does not fit is dropped */
    NST_QUEUE_CODEL,    /* RFC 8289: what waits too long for too long is dropped at the head */
    NST_QUEUE_FQ,       /* a queue for each flow, which take turns */
    NST_QUEUE_FQ_CODEL, /* RFC 8290: the same, each queue managed by CoDel */
};

/* Impairment of one direction. Probabilities are in parts per million. */
struct nst_impair_direction {
    nst_time delay, jitter; /* evenly spread over delay - jitter to delay + jitter, never under 0 */
    uint32_t loss_ppm, duplicate_ppm;
    uint32_t corrupt_ppm; /* one bit of the frame is flipped */
    uint32_t reorder_ppm; /* it skips the delay, and so overtakes what waits */
    uint64_t rate_bps;    /* bits a second, of frames as the link carries them; 0: no limit */
    uint32_t queue;       /* packets that may wait for the rate behind the one that is sent, any
                             more are dropped; 0: 1000 */
    nst_time latency;     /* what would wait longer than this for the rate is dropped; 0: none is
                             for this reason. Not of fair queues */
    /* Loss in bursts (Gilbert-Elliott): a good and a bad state with chances to change at each
     * packet; loss_ppm is the good state's, burst_loss_ppm the bad one's (0: 1,000,000). */
    uint32_t burst_begin_ppm; /* 0: there are no bursts */
    uint32_t burst_end_ppm;
    uint32_t burst_loss_ppm;
    uint32_t
        mark_ppm; /* marked as having met congestion (ECN, RFC 3168), where the packet can be */
    uint8_t discipline;        /* enum nst_queue */
    bool ecn;                  /* CoDel marks what can be marked instead of dropping it, */
    uint32_t mark_from;        /* and FIFO what finds so many packets waiting; 0: none */
    nst_time target, interval; /* of CoDel; 0: 5 ms and 100 ms */
};

struct nst_impair_config {
    size_t size;
    uint64_t seed;
    struct nst_impair_direction tx, rx;
};

struct nst_impair_stats {
    uint64_t packets; /* that came, before anything was done to them */
    uint64_t lost, duplicated, corrupted, reordered;
    uint64_t overflowed; /* did not fit the queue, or there was no memory to wait in */
    uint64_t managed;    /* dropped by CoDel */
    uint64_t marked;     /* with ECN, by chance or by the queue */
    uint64_t delivered;  /* that came out */
    uint64_t delivered_bytes;
    uint32_t waiting, waiting_max; /* packets that wait for the rate: now, and the most so far */
    uint64_t waiting_bytes;        /* now */
};

/* Middleware over `lower`, which has no upper end yet, stays the caller's and must outlive it. The
 * same seed and packets at the same times have the same fate. It offers no segmentation. NULL: no
 * memory, or the config is wrong. */
NST_API struct nst_link *nst_impair_new(const struct nst_allocator *allocator,
                                        struct nst_link *lower,
                                        const struct nst_impair_config *config);
NST_API void nst_impair_get_stats(struct nst_link *link, struct nst_impair_stats *ret_tx,
                                  struct nst_impair_stats *ret_rx);
NST_API void nst_impair_free(struct nst_link *link);

/* Middleware over `lower`, as above, that shows every frame, both ways and once, to `see` before it
 * goes on: captures, traces. `see` borrows the packet and must not call the stack. A checksum may
 * be left to complete, and a large segment uncut, as p->csum and p->gso say. While the stack
 * traces (trace.h) p->trace is the frame's number. */
NST_API struct nst_link *
nst_sniffer_new(const struct nst_allocator *allocator, struct nst_link *lower,
                void (*see)(void *context, const struct nst_pkt *p, bool outgoing), void *context);
/* While it is off, nothing is shown, and it costs next to nothing. On at first; at any time. */
NST_API void nst_sniffer_set_off(struct nst_link *link, bool off);
NST_API void nst_sniffer_free(struct nst_link *link);

#ifdef __cplusplus
}
#endif

#endif
