/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A datagram is known by source, destination, identification, NIC and (IPv4) protocol. Its
 * fragments wait as packets, data at their IP header, sorted by offset; they never overlap, so it
 * is complete when the bytes that are there are as many as the last fragment says. Then the
 * payloads become slices of the first fragment's packet; only when those would be too many are they
 * copied, once.
 *
 * Life of a datagram: made by its first fragment to arrive; ends when it is complete, when its time
 * is up, or when it has to make room. The timeout is the same for all of a family, so the list by
 * age is the list by deadline, and one timer serves all. A datagram that was found hostile is
 * *poisoned*: its fragments are dropped and it stays, empty, to catch the rest, until its time is
 * up.
 *
 * Refused, with the whole datagram (RFC 1858, RFC 3128, RFC 5722): overlaps, other than an exact
 * repetition; two ends; bytes behind the end; more than 65,535 bytes; more than 256 fragments; a
 * first fragment too short for the transport's header; congestion marks on some and no ECN on
 * others (RFC 3168 5.3). A fragment alone is dropped when it is empty or its length is no multiple
 * of 8.
 *
 * DEVIATION: RFC 791 and 815 let later data overwrite earlier; like IPv6 (RFC 5722) we drop the
 * datagram, for nobody but attackers sends such.
 *
 * Invariants: (1) a datagram is in the table, in `age` and in its source's list; (2) `bytes` is the
 * sum of cost() of all waiting fragments; (3) the timer is armed while `age` is not empty.
 *
 * Each family has a table of its own, so that a flood of one does not hurt the other.
 *
 * Limits of each: 4 MiB, 1,024 datagrams, 64 of a source (sources that share a bucket of the keyed
 * hash share this); over a limit the source's own oldest goes first, then the oldest of all.
 */
#include "network/reassembly.h"

#include "base/check.h"
#include "stack/nic.h"
#include "stack/stack.h"
#include "wire/ipproto.h"

struct datagram {
    struct hash_node node;
    struct list age, source;
    struct reassembly_source *bucket;
    struct net_ep *ep;
    struct nst_addr src, dst;
    uint32_t id;
    uint8_t proto;
    bool poisoned;
    uint8_t ecn_seen; /* bit: that ECN field was seen */
    uint16_t fragments;
    uint32_t end;                 /* payload bytes of the whole; 0: not known */
    uint32_t received;            /* payload bytes that are here */
    uint32_t bytes;               /* of r->bytes */
    struct nst_pkt *first, *last; /* by offset */
    nst_time deadline;
};

/* What a waiting fragment keeps in its control block. */
struct piece {
    uint32_t start, end; /* of the payload in the datagram */
    uint32_t hdr_len;
    uint32_t cost;
};
_Static_assert(sizeof(struct piece) <= PKT_CB_SIZE, "");

static struct piece *piece_of(const struct nst_pkt *p)
{
    return PKT_CB(pkt_of((struct nst_pkt *)(uintptr_t)p), struct piece);
}

/* The memory that p keeps from others. */
static uint32_t cost(const struct pkt *p)
{
    return (uint32_t)sizeof(*p) + (p->block != NULL ? p->block->size : 0) + p->len - p->linear;
}

static void expire(struct timer *timer, nst_time now);

void reassembly_init(struct reassembly *r, struct nst_stack *stack,
                     const struct reassembly_family *family)
{
    memset(r, 0, sizeof(*r));
    r->stack = stack;
    r->family = *family;
    hash_init(&r->table, &stack->pool->mem);
    list_init(&r->age);
    timer_init(&r->timer, expire);
    slab_init(&r->slab, &stack->pool->mem, sizeof(struct datagram), "reassembly", 16);
    for (size_t i = 0; i < ARRAY_SIZE(r->sources); i++)
        list_init(&r->sources[i].list);
}

static void drop_fragments(struct reassembly *r, struct datagram *d, enum drop_reason reason)
{
    while (d->first != NULL) {
        struct nst_pkt *p = d->first;
        d->first = p->next;
        p->next = NULL;
        pkt_drop(pkt_of(p), reason);
    }
    d->last = NULL;
    r->bytes -= d->bytes;
    d->bytes = 0;
}

/* Ends d; fragments that are still there are dropped for `reason`. */
static void end(struct reassembly *r, struct datagram *d, enum drop_reason reason)
{
    drop_fragments(r, d, reason);
    hash_remove(&r->table, &d->node);
    list_remove(&d->age);
    list_remove(&d->source);
    d->bucket->count--;
    r->count--;
    slab_give(&r->slab, d);
    if (list_is_empty(&r->age))
        wheel_cancel(&r->stack->wheel, &r->timer);
}

static void fail(struct reassembly *r, struct datagram *d, enum drop_reason reason)
{
    if (!d->poisoned)
        COUNT(*r->family.failed);
    end(r, d, reason);
}

/* Its fragments are dropped, those to come too. */
static void poison(struct reassembly *r, struct datagram *d)
{
    if (!d->poisoned)
        COUNT(*r->family.failed);
    d->poisoned = true;
    drop_fragments(r, d, DROP_FRAG_MALFORMED);
}

void reassembly_fini(struct reassembly *r)
{
    struct datagram *d, *next;
    LIST_FOR_EACH_SAFE (d, next, &r->age, struct datagram, age) {
        fail(r, d, DROP_FRAG_TIMEOUT);
    }
    hash_fini(&r->table);
    slab_fini(&r->slab);
}

void reassembly_forget_nic(struct reassembly *r, const struct nic *nic)
{
    struct datagram *d, *next;
    LIST_FOR_EACH_SAFE (d, next, &r->age, struct datagram, age) {
        if (d->ep->nic == nic)
            fail(r, d, DROP_NIC_DISABLED);
    }
}

/* RFC 1122 3.3.2, RFC 792: time exceeded, if the first fragment is there to be quoted. */
static void expire(struct timer *timer, nst_time now)
{
    struct reassembly *r = container_of(timer, struct reassembly, timer);
    struct datagram *d;
    while ((d = LIST_FIRST(&r->age, struct datagram, age)) != NULL && d->deadline <= now) {
        if (d->first != NULL && piece_of(d->first)->start == 0)
            d->ep->proto->send_error(d->ep->nic, pkt_of(d->first), NET_ERROR_REASSEMBLY, 0);
        fail(r, d, DROP_FRAG_TIMEOUT);
    }
    if (d != NULL)
        stack_arm(r->stack, &r->timer, d->deadline);
}

static uint64_t hash_of(const struct reassembly *r, const struct net_ep *ep,
                        const struct fragment *f)
{
    const uint64_t words[5] = {f->src.q[0], f->src.q[1], f->dst.q[0], f->dst.q[1],
                               (uint64_t)ep->nic->id << 40 ^ (uint64_t)f->id << 8 ^ f->proto};
    return siphash13_5(&r->stack->hash_key, words);
}

static struct datagram *lookup(struct reassembly *r, uint64_t hash, const struct net_ep *ep,
                               const struct fragment *f)
{
    for (struct hash_node *n = hash_first(&r->table, hash); n != NULL; n = hash_next(n)) {
        struct datagram *d = container_of(n, struct datagram, node);
        if (d->id == f->id && d->proto == f->proto && d->ep == ep &&
            nst_addr_equal(&d->src, &f->src) && nst_addr_equal(&d->dst, &f->dst))
            return d;
    }
    return NULL;
}

static struct datagram *make(struct reassembly *r, uint64_t hash, struct net_ep *ep,
                             const struct fragment *f)
{
    const uint64_t source = siphash13_2(&r->stack->hash_key, f->src.q[0], f->src.q[1]);
    struct reassembly_source *bucket = &r->sources[source % REASSEMBLY_SOURCE_BUCKETS];
    if (bucket->count >= REASSEMBLY_PER_SOURCE_MAX)
        fail(r, LIST_FIRST(&bucket->list, struct datagram, source), DROP_FRAG_LIMIT);
    if (r->count >= REASSEMBLY_DATAGRAMS_MAX)
        fail(r, LIST_FIRST(&r->age, struct datagram, age), DROP_FRAG_LIMIT);
    struct datagram *d = slab_take(&r->slab);
    if (d == NULL)
        return NULL;
    *d = (struct datagram){.bucket = bucket,
                           .ep = ep,
                           .src = f->src,
                           .dst = f->dst,
                           .id = f->id,
                           .proto = f->proto,
                           .deadline = r->stack->now + r->family.timeout};
    if (list_is_empty(&r->age))
        stack_arm(r->stack, &r->timer, d->deadline);
    hash_insert(&r->table, &d->node, hash);
    list_init(&d->age);
    list_init(&d->source);
    list_add_tail(&r->age, &d->age);
    list_add_tail(&bucket->list, &d->source);
    bucket->count++;
    r->count++;
    return d;
}

/* Does the piece contradict what is known of its datagram, or the protocol? */
static bool is_hostile(const struct reassembly *r, const struct datagram *d,
                       const struct fragment *f, const struct piece *piece)
{
    if (piece->end > r->family.payload_max || d->fragments >= REASSEMBLY_FRAGMENTS_MAX)
        return true;
    if (piece->start == 0 ? piece->end < f->least : piece->start < f->least)
        return true; /* RFC 1858 3, RFC 3128: tiny fragments hide the header */
    if (d->end != 0 && (piece->end > d->end || (!f->more && piece->end != d->end)))
        return true;
    return !f->more && d->last != NULL && piece_of(d->last)->end > piece->end;
}

enum place {
    PLACED,
    REPEATED,
    OVERLAPS,
};

/* Puts p where its offset belongs. */
static enum place insert(struct datagram *d, struct pkt *p)
{
    const struct piece *piece = PKT_CB(p, struct piece);
    struct nst_pkt *before = NULL, *after = d->first;
    if (d->last != NULL && piece_of(d->last)->end <= piece->start) { /* in order, the usual */
        before = d->last;
        after = NULL;
    }
    while (after != NULL && piece_of(after)->end <= piece->start) {
        before = after;
        after = after->next;
    }
    if (after != NULL) {
        const struct piece *other = piece_of(after);
        if (other->start == piece->start && other->end == piece->end)
            return REPEATED;
        if (other->start < piece->end)
            return OVERLAPS;
    }
    p->next = after;
    if (before != NULL)
        before->next = pkt_pub(p);
    else
        d->first = pkt_pub(p);
    if (after == NULL)
        d->last = pkt_pub(p);
    return PLACED;
}

/* Room in the byte budget for `need` more, at the cost of others than d. */
static bool make_room(struct reassembly *r, const struct datagram *d, uint32_t need)
{
    while (r->bytes + need > REASSEMBLY_BYTES_MAX || pool_is_critical(r->stack->pool)) {
        struct datagram *oldest = LIST_FIRST(&r->age, struct datagram, age);
        if (oldest == d)
            oldest = LIST_NEXT(oldest, &r->age, struct datagram, age);
        if (oldest == NULL)
            return false;
        fail(r, oldest, DROP_FRAG_LIMIT);
    }
    return true;
}

/* Payloads of all but the first fragment as slices of the first. False: memory; what was not
 * appended is left in *rest. */
static bool append_all(struct pkt *whole, struct nst_pkt **rest)
{
    while (*rest != NULL) {
        struct nst_pkt *p = *rest;
        const uint32_t hdr_len = piece_of(p)->hdr_len;
        struct nst_pkt *next = p->next;
        p->next = NULL;
        nst_pkt_pull(p, hdr_len);
        if (!pkt_append(whole, pkt_of(p))) {
            p->next = next;
            return false;
        }
        *rest = next;
    }
    return true;
}

/* Copies all payloads behind a copy of the first header; ends the fragments as merged. NULL: no
 * memory, and they stay. */
static struct pkt *copy_all(struct nst_stack *stack, struct datagram *d)
{
    const struct piece *first = piece_of(d->first);
    const uint32_t headroom = pkt_of(d->first)->net_off;
    struct pkt *whole = pkt_build(stack->pool, headroom, first->hdr_len + d->end);
    if (whole == NULL)
        return NULL;
    memcpy(nst_pkt_put(pkt_pub(whole), first->hdr_len), d->first->data, first->hdr_len);
    uint8_t *payload = nst_pkt_put(pkt_pub(whole), d->end);
    whole->nic_id = pkt_of(d->first)->nic_id;
    whole->type = pkt_of(d->first)->type;
    whole->arrival = d->first->arrival;
    while (d->first != NULL) {
        struct nst_pkt *p = d->first;
        const struct piece *piece = piece_of(p);
        nst_pkt_copy_out(p, piece->hdr_len, payload + piece->start, piece->end - piece->start);
        d->first = p->next;
        p->next = NULL;
        pkt_merge(pkt_of(p));
    }
    d->last = NULL;
    return whole;
}

static uint32_t slices_needed(const struct datagram *d)
{
    uint32_t n = 0;
    for (const struct nst_pkt *p = d->first; p != NULL; p = p->next)
        n += p->nslices + 1u;
    return n;
}

/* The whole packet; NULL: no memory. d has no fragments afterwards. */
static struct pkt *assemble(struct reassembly *r, struct datagram *d)
{
    struct pkt *whole = pkt_of(d->first);
    const uint32_t hdr_len = piece_of(d->first)->hdr_len;
    if (slices_needed(d) > PKT_SLICES_MAX) {
        whole = copy_all(r->stack, d);
    } else if (!pkt_make_writable(whole)) {
        whole = NULL;
    } else {
        struct nst_pkt *rest = d->first->next;
        const bool ok = append_all(whole, &rest);
        whole->next = NULL;
        d->first = ok ? NULL : rest;
        d->last = NULL;
        if (!ok) {
            pkt_drop(whole, DROP_NO_MEMORY);
            whole = NULL;
        }
    }
    if (whole == NULL)
        return NULL;
    /* What the link said was about fragments. */
    whole->csum = NST_CSUM_UNKNOWN;
    /* RFC 3168 5.3: one fragment's congestion mark is the datagram's. */
    r->family.fix_header(whole, hdr_len, d->end, (d->ecn_seen & 1 << IP_ECN_CE) != 0);
    pkt_set_net(whole);
    return whole;
}

static struct pkt *finish(struct reassembly *r, struct datagram *d)
{
    if (d->ecn_seen & 1 << IP_ECN_CE && d->ecn_seen & 1 << IP_ECN_NOT_ECT) {
        poison(r, d);
        return NULL;
    }
    struct pkt *whole = assemble(r, d);
    if (whole == NULL) {
        fail(r, d, DROP_NO_MEMORY);
        return NULL;
    }
    end(r, d, DROP_FRAG_LIMIT);
    COUNT(*r->family.reassembled);
    return whole;
}

/* Keeps p, which fits into d. */
static struct pkt *keep(struct reassembly *r, struct datagram *d, struct pkt *p,
                        const struct fragment *f)
{
    const struct piece *piece = PKT_CB(p, struct piece);
    const enum place place = insert(d, p);
    if (place != PLACED) {
        if (place == OVERLAPS)
            poison(r, d);
        pkt_drop(p, DROP_FRAG_MALFORMED);
        return NULL;
    }
    if (!f->more)
        d->end = piece->end;
    d->ecn_seen |= (uint8_t)(1 << (f->tos & IP_ECN_MASK));
    d->fragments++;
    d->received += piece->end - piece->start;
    d->bytes += piece->cost;
    r->bytes += piece->cost;
    return d->end != 0 && d->received == d->end ? finish(r, d) : NULL;
}

struct pkt *reassembly_add(struct reassembly *r, struct net_ep *ep, struct pkt *p,
                           const struct fragment *f)
{
    const uint32_t len = p->len - f->hdr_len;
    COUNT(*r->family.received);
    if (len == 0 || (f->more && len % 8 != 0)) {
        pkt_drop(p, DROP_FRAG_MALFORMED);
        return NULL;
    }
    const uint64_t hash = hash_of(r, ep, f);
    struct datagram *d = lookup(r, hash, ep, f);
    if (d == NULL)
        d = make(r, hash, ep, f);
    if (d == NULL) {
        pkt_drop(p, DROP_NO_MEMORY);
        return NULL;
    }
    nst_pkt_shrink(pkt_pub(p));
    const struct piece piece = {
        .start = f->offset, .end = f->offset + len, .hdr_len = f->hdr_len, .cost = cost(p)};
    *PKT_CB(p, struct piece) = piece;
    if (d->poisoned || is_hostile(r, d, f, &piece)) {
        poison(r, d);
        pkt_drop(p, DROP_FRAG_MALFORMED);
        return NULL;
    }
    if (!make_room(r, d, piece.cost)) {
        pkt_drop(p, DROP_FRAG_LIMIT);
        return NULL;
    }
    return keep(r, d, p, f);
}

uint64_t reassembly_packets(const struct reassembly *r)
{
    uint64_t n = 0;
    struct datagram *d;
    LIST_FOR_EACH (d, &r->age, struct datagram, age) {
        for (const struct nst_pkt *p = d->first; p != NULL; p = p->next)
            n++;
    }
    return n;
}
