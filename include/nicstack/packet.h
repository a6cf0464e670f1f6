/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets as links see them.
 *
 * A packet is head-room, a linear part (`data`, `linear` bytes) and then `nslices` slices, each a
 * view of a shared block of memory. It has one owner at any time. Headers live in the linear part;
 * payload may live anywhere. Slices are read-only, for their blocks may be shared with other
 * packets and with the send buffer of a connection.
 *
 * The layout of what is declared here is frozen: fields are only ever added to the stack's private
 * part, which follows it in memory. Only the library makes packets.
 */
#ifndef NICSTACK_PACKET_H
#define NICSTACK_PACKET_H

#include <nicstack/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nst_block; /* shared memory under packets, counted, released when the last packet lets go */
struct nst_pool;  /* where packets and blocks come from: one per stack, within its budget */

struct nst_slice {
    uint8_t *data;
    uint32_t len;
    uint32_t reserved;
    struct nst_block *block;
};

/* Who answers for the transport checksum. */
enum nst_csum {
    NST_CSUM_UNKNOWN = 0, /* received: nobody checked it yet. To send: it is complete */
    NST_CSUM_VALID,       /* received: the link checked the transport's */
    NST_CSUM_PARTIAL, /* left to complete: the sum from csum_start to the end goes to csum_start +
                         csum_offset, where the pseudo header's sum stands already. Received so, it
                         never was on a wire and counts as valid */
};

/* What to cut a large segment into. */
enum nst_gso {
    NST_GSO_NONE = 0,
    NST_GSO_TCP4, /* TCP over IPv4, gso_size payload bytes a segment */
    NST_GSO_TCP6,
    NST_GSO_UDP, /* UDP datagrams of gso_size payload bytes */
};

/* Why the stack sends a packet, where that is worth telling: pkt->note. Numbers never change. */
enum nst_note {
    NST_NOTE_NONE = 0,
    NST_NOTE_RETRANSMIT_TIMEOUT, /* TCP: again, for no acknowledgment came in time */
    NST_NOTE_RETRANSMIT_FAST,    /* TCP: again, for later segments were acknowledged */
    NST_NOTE_RETRANSMIT_SYN,     /* TCP: SYN or SYN, ACK again */
    NST_NOTE_WINDOW_PROBE,       /* TCP: asks a peer whose window is shut */
    NST_NOTE_KEEPALIVE,          /* TCP: asks a peer that was silent for long */
    NST_NOTE_WINDOW_UPDATE,      /* TCP: an ACK, for the application has read */
    NST_NOTE_DUPLICATE_ACK,      /* TCP: an ACK, for a segment that was not acceptable */
    NST_NOTE_CHALLENGE_ACK,      /* TCP: an ACK that asks whether the peer meant it (RFC 5961) */
    NST_NOTE_REFUSED,            /* TCP: RST, for the forwarder's host refused the request */
    NST_NOTE_NO_SOCKET,          /* TCP: RST, for no connection takes the segment */
    NST_NOTE_ABORTED,            /* TCP: RST, for this side gave the connection up */
};

/* pkt->flags */
#define NST_PKT_GSO_ECN 0x01 /* the first segment alone carries CWR */

struct nst_pkt {
    struct nst_pkt *next; /* in a queue */
    uint8_t *data;        /* the first byte of the linear part */
    uint8_t *head;        /* the first byte of the head-room */
    uint8_t *end;         /* behind the last byte that the linear part may grow to */
    struct nst_slice *slice;
    uint32_t linear; /* bytes at data */
    uint32_t len;    /* linear and all slices */
    uint16_t nslices;
    uint8_t csum; /* enum nst_csum */
    uint8_t gso;  /* enum nst_gso */
    uint16_t gso_size;
    uint16_t csum_start;  /* from `head`: stays true when headers are pushed or pulled */
    uint16_t csum_offset; /* from csum_start */
    uint8_t flags;
    uint8_t note;     /* enum nst_note */
    uint32_t trace;   /* its number in the stack's trace (trace.h); 0: it is not followed */
    nst_time arrival; /* when the link received it; 0 lets the stack fill in its own time */
};

/* A list of packets with one owner. Zero-initialise it. */
struct nst_pktq {
    struct nst_pkt *first;
    struct nst_pkt *last;
    uint32_t count;
    uint32_t reserved;
    uint64_t bytes; /* sum of len as it was when the packets were put in */
};

static inline bool nst_pktq_is_empty(const struct nst_pktq *q)
{
    return q->first == NULL;
}

/* Puts p at the end; q owns it from now on. */
static inline void nst_pktq_push(struct nst_pktq *q, struct nst_pkt *p)
{
    p->next = NULL;
    if (q->first == NULL)
        q->first = p;
    else
        q->last->next = p;
    q->last = p;
    q->count++;
    q->bytes += p->len;
}

/* Takes the first packet; NULL when empty. Its len must be what it was when it was pushed. */
static inline struct nst_pkt *nst_pktq_pop(struct nst_pktq *q)
{
    struct nst_pkt *p = q->first;
    if (p != NULL) {
        q->first = p->next;
        q->count--;
        q->bytes -= p->len;
        p->next = NULL;
    }
    return p;
}

/* Moves everything in `from` to the end of `to`; `from` is empty afterwards. */
static inline void nst_pktq_splice(struct nst_pktq *to, struct nst_pktq *from)
{
    if (from->first == NULL)
        return;
    if (to->first == NULL)
        to->first = from->first;
    else
        to->last->next = from->first;
    to->last = from->last;
    to->count += from->count;
    to->bytes += from->bytes;
    from->first = NULL;
    from->count = 0;
    from->bytes = 0;
}

/* Bytes free in front of data and behind the linear part. */
static inline uint32_t nst_pkt_headroom(const struct nst_pkt *p)
{
    return (uint32_t)(p->data - p->head);
}

static inline uint32_t nst_pkt_tailroom(const struct nst_pkt *p)
{
    return (uint32_t)(p->end - p->data) - p->linear;
}

/* Opens n bytes in front and gives their address. n must not exceed the head-room. */
static inline uint8_t *nst_pkt_push(struct nst_pkt *p, uint32_t n)
{
    p->data -= n;
    p->linear += n;
    p->len += n;
    return p->data;
}

/* Drops n bytes in front. n must not exceed the linear part. */
static inline void nst_pkt_pull(struct nst_pkt *p, uint32_t n)
{
    p->data += n;
    p->linear -= n;
    p->len -= n;
}

/* Opens n bytes at the end of the linear part of a packet without slices. n must not exceed the
 * tail-room. */
static inline uint8_t *nst_pkt_put(struct nst_pkt *p, uint32_t n)
{
    uint8_t *at = p->data + p->linear;
    p->linear += n;
    p->len += n;
    return at;
}

/* Where the checksum to complete begins, counted from data. */
static inline uint32_t nst_pkt_csum_start(const struct nst_pkt *p)
{
    return (uint32_t)(p->head + p->csum_start - p->data);
}

/* Asks for the sum from `start` bytes behind data to be written `offset` bytes further. */
static inline void nst_pkt_request_csum(struct nst_pkt *p, uint32_t start, uint32_t offset)
{
    p->csum = NST_CSUM_PARTIAL;
    p->csum_start = (uint16_t)(p->data + start - p->head);
    p->csum_offset = (uint16_t)offset;
}

/*
 * A new packet without slices: `headroom` bytes in front, an empty linear part that may grow to
 * `size`. NULL when the budget is spent: drop what would have been received, or try later.
 */
NST_API struct nst_pkt *nst_pkt_new(struct nst_pool *pool, uint32_t headroom, uint32_t size);

/* Memory of the caller's (a ring frame, a mapped buffer), `len` bytes of it filled from `headroom`
 * on. */
struct nst_external {
    uint8_t *memory;
    uint32_t size;
    uint32_t headroom;
    uint32_t len;
    void (*release)(void *context, uint8_t *memory); /* NULL: nobody wants to know */
    void *context;
};

/*
 * A new packet over such memory. `release(context, memory)` is called once, when the last packet
 * lets go of it; it must not call into the stack. NULL when the budget is spent, or headroom and
 * len pass the size: then the memory stays the caller's.
 */
NST_API struct nst_pkt *nst_pkt_new_external(struct nst_pool *pool,
                                             const struct nst_external *external);

/*
 * When p, without slices, fills less than a quarter of its block, copies it into one of the right
 * size and frees the old block. Call it on what will stay queued. Without memory for that p stays
 * as it is.
 */
NST_API void nst_pkt_shrink(struct nst_pkt *p);

/*
 * Moves p to another stack of the same thread: a packet of `to` with the same bytes, whose slices
 * share p's blocks and whose linear part is copied. Consumes p; NULL when `to` has no memory.
 */
NST_API struct nst_pkt *nst_pkt_transfer(struct nst_pool *to, struct nst_pkt *p);

/* A copy that shares the blocks; its linear part is copied. NULL without memory. */
NST_API struct nst_pkt *nst_pkt_clone(const struct nst_pkt *p);

/*
 * Follows p from now on: gives it the next number of its stack's trace, in p->trace, which is also
 * returned; drops of it and more are told by nst_stack_trace_next (trace.h). A copy of p keeps the
 * number. 0, and nothing is done, while the stack does not trace.
 */
NST_API uint32_t nst_pkt_trace(struct nst_pkt *p);

/* Frees a packet that a link made and does not deliver, or that it was given and has transmitted.
 */
NST_API void nst_pkt_free(struct nst_pkt *p);

/* Copies up to `size` bytes from `offset` on into `to`. Returns how many there were. */
NST_API uint32_t nst_pkt_copy_out(const struct nst_pkt *p, uint32_t offset, uint8_t *to,
                                  uint32_t size);

/*
 * Completes a checksum that was left to complete, in place; the linear part must hold its field,
 * which it does in every packet that the stack gives to a link. Nothing to do is fine.
 */
NST_API void nst_pkt_complete_csum(struct nst_pkt *p);

/*
 * Cuts p, which has a gso request and `header` bytes of link header in front of its network header,
 * into packets of gso_size bytes of payload, each with that link header and `headroom` bytes in
 * front of it, and puts them into q in order. Their checksums are left to complete. Payload is
 * shared, not copied. For a link that does not cut, and middleware under which there is one.
 * Consumes p. False: it was dropped, for memory is spent or it is not what it says, and q is
 * unchanged.
 */
NST_API bool nst_pkt_segment(struct nst_pkt *p, uint32_t header, uint32_t headroom,
                             struct nst_pktq *q);

#ifdef __cplusplus
}
#endif

#endif
