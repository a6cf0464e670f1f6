/* SPDX-License-Identifier: Apache-2.0 */
#include "record/record.h"

#include "record/put.h"
#include "socket/sock.h"

struct recorder {
    struct tape tape; /* first */
    struct nst_stack *stack;
    struct nst_record_sink sink;
};

static struct recorder *recorder_of(struct tape *tape)
{
    return (struct recorder *)tape;
}

static void put(struct recorder *r, struct record_out *out)
{
    uint64_t data = 0;
    const struct nst_iovec *pieces = out->pieces != NULL ? out->pieces : &out->one;
    const struct nst_iovec head = {out->bytes, out->len};
    for (size_t i = 0; i < out->count; i++)
        data += pieces[i].len;
    const uint32_t fixed = out->len - RECORD_HEAD;
    /* A record of 4 GiB or more is none: a replay finds its data missing. */
    if (data > INT32_MAX)
        data = out->count = 0;
    le32_put(out->bytes, fixed + (uint32_t)data);
    out->bytes[4] = (uint8_t)fixed;
    out->bytes[5] = (uint8_t)(fixed >> 8);
    r->sink.put(r->sink.context, &head, pieces, out->count);
}

/* ---- Calls ---- */

/* What changed of links since it was recorded last. */
static void record_links(struct recorder *r)
{
    struct nic *nic;
    LIST_FOR_EACH (nic, &r->stack->nics, struct nic, node) {
        const struct tape_link now = put_link_state(nic->link);
        struct tape_link *old = &nic->taped;
        if (now.caps == old->caps && now.mtu == old->mtu && now.max_header == old->max_header &&
            now.gso_max == old->gso_max && now.tx_blocked == old->tx_blocked &&
            memcmp(&now.addr, &old->addr, sizeof(now.addr)) == 0)
            continue;
        struct record_out out;
        out_init(&out, RECORD_LINK, 0);
        out_u32(&out, nic->id);
        put_link(&out, &now);
        put(r, &out);
        *old = now;
    }
}

void record_begin(struct nst_stack *stack, struct record_out *out, uint8_t call)
{
    record_links(recorder_of(stack->tape));
    out_init(out, RECORD_CALL, call);
    out_u64(out, stack->pool->mem.used);
}

void record_put(struct nst_stack *stack, struct record_out *out)
{
    put(recorder_of(stack->tape), out);
}

void record_result(struct nst_stack *stack, uint8_t call, int64_t result)
{
    struct record_out out;
    out_init(&out, RECORD_RESULT, call);
    out_u64(&out, (uint64_t)result);
    put(recorder_of(stack->tape), &out);
}

/* ---- Links ---- */

/* A packet's metadata; what counts from its head counts from its data in a record. */
static void put_metadata(struct record_out *out, const struct nst_pkt *p)
{
    const bool is_partial = p->csum == NST_CSUM_PARTIAL;
    out_u8(out, p->csum);
    out_u8(out, p->gso);
    out_u8(out, p->flags);
    out_u16(out, p->gso_size);
    out_u16(out, is_partial ? (uint16_t)nst_pkt_csum_start(p) : 0);
    out_u16(out, is_partial ? p->csum_offset : 0);
}

/* All bytes of p, from `pieces` of PKT_SLICES_MAX + 1. */
static void put_packet_data(struct record_out *out, const struct pkt *p, struct nst_iovec *pieces)
{
    pieces[0] = (struct nst_iovec){p->data, p->linear};
    for (uint32_t i = 0; i < p->nslices; i++)
        pieces[i + 1] = (struct nst_iovec){p->slice[i].data, p->slice[i].len};
    out->pieces = pieces;
    out->count = p->nslices + 1u;
}

static void record_delivered(struct tape *tape, const struct nic *nic, const struct nst_pktq *q)
{
    struct nst_iovec pieces[PKT_SLICES_MAX + 1];
    for (const struct nst_pkt *public = q->first; public != NULL; public = public->next) {
        const struct pkt *p = (const struct pkt *)public;
        struct record_out out;
        out_init(&out, RECORD_DELIVERED, 0);
        out_u32(&out, nic->id);
        put_metadata(&out, public);
        out_u64(&out, (uint64_t)p->arrival);
        /* Where it lies: in the descriptor, in a block of the pool's, in outside memory. */
        out_u8(&out, p->block == NULL ? 0 : p->block->release == NULL ? 1 : 2);
        out_u32(&out, p->block != NULL ? p->block->size : 0);
        out_u32(&out, nst_pkt_headroom(public));
        out_u32(&out, p->linear);
        out_u16(&out, p->nslices);
        for (uint32_t i = 0; i < p->nslices; i++)
            out_u32(&out, p->slice[i].len);
        put_packet_data(&out, p, pieces);
        put(recorder_of(tape), &out);
    }
}

static void put_header(struct record_out *out, const struct nst_link_header *header)
{
    if (!out_pointer(out, header))
        return;
    out_bytes(out, header->src.b, sizeof(header->src.b));
    out_bytes(out, header->dst.b, sizeof(header->dst.b));
    out_u16(out, header->ethertype);
}

static void record_parsed(struct tape *tape, const struct nic *nic, uint32_t pulled,
                          const struct nst_link_header *header)
{
    struct record_out out;
    out_init(&out, RECORD_PARSED, 0);
    out_u64(&out, nic->stack->pool->mem.used);
    out_u32(&out, nic->id);
    out_u16(&out, (uint16_t)pulled);
    put_header(&out, header);
    put(recorder_of(tape), &out);
}

static void record_queued(struct tape *tape, const struct nic *nic, const struct pkt *p,
                          const struct nst_link_header *header)
{
    struct nst_iovec pieces[PKT_SLICES_MAX + 1];
    struct record_out out;
    out_init(&out, RECORD_QUEUED, 0);
    out_u32(&out, nic->id);
    out_u16(&out, (uint16_t)(p->net_off - p->link_off));
    put_header(&out, header);
    put_metadata(&out, (const struct nst_pkt *)p);
    out_u8(&out, p->note);
    put_packet_data(&out, p, pieces);
    put(recorder_of(tape), &out);
}

static void record_transmits(struct tape *tape, const struct nic *nic)
{
    struct record_out out;
    out_init(&out, RECORD_TRANSMIT, 0);
    out_u32(&out, nic->id);
    put(recorder_of(tape), &out);
}

static void record_transmitted(struct tape *tape, struct nic *nic, uint32_t count)
{
    struct record_out out;
    out_init(&out, RECORD_TRANSMITTED, 0);
    out_u64(&out, nic->stack->pool->mem.used);
    out_u32(&out, nic->id);
    out_u32(&out, count);
    out_u8(&out, nic->link->tx_blocked);
    put(recorder_of(tape), &out);
    nic->taped.tx_blocked = nic->link->tx_blocked;
}

static void record_writable(struct tape *tape, struct nic *nic)
{
    struct record_out out;
    out_init(&out, RECORD_WRITABLE, 0);
    out_u32(&out, nic->id);
    put(recorder_of(tape), &out);
    nic->taped.tx_blocked = nic->link->tx_blocked;
}

static void record_changed(struct tape *tape, struct nic *nic, int result)
{
    struct record_out out;
    out_init(&out, RECORD_CHANGED, 0);
    out_u32(&out, nic->id);
    out_u64(&out, (uint64_t)(int64_t)result);
    nic->taped = put_link_state(nic->link);
    put_link(&out, &nic->taped);
    put(recorder_of(tape), &out);
}

static const struct tape_ops ops = {
    .delivered = record_delivered,
    .parsed = record_parsed,
    .queued = record_queued,
    .transmits = record_transmits,
    .transmitted = record_transmitted,
    .writable = record_writable,
    .changed = record_changed,
};

/* ---- Begin and end ---- */

static bool is_new(const struct nst_stack *stack)
{
    return !stack->has_run && list_is_empty(&stack->nics) && stack->events == NULL &&
           stack->pool->trace == NULL && stack->forwarder == NULL &&
           stack->sockets->handles.capacity == 0;
}

int nst_record_start(struct nst_stack *stack, const struct nst_record_sink *sink)
{
    const struct nst_allocator *allocator = &stack->config.allocator;
    if (stack->tape != NULL)
        return -NST_EALREADY;
    if (!is_new(stack))
        return -NST_EBUSY;
    struct recorder *r = allocator->alloc(allocator->context, sizeof(*r));
    if (r == NULL)
        return -NST_ENOMEM;
    *r = (struct recorder){.tape = {.ops = &ops}, .stack = stack, .sink = *sink};
    stack->tape = &r->tape;
    struct record_out out;
    out_init(&out, RECORD_START, 0);
    put_stack_config(&out, &stack->config);
    put(r, &out);
    return 0;
}

void nst_record_stop(struct nst_stack *stack)
{
    struct tape *tape = stack->tape;
    struct record_out out;
    if (tape == NULL)
        return;
    struct recorder *r = recorder_of(tape);
    out_init(&out, RECORD_END, 0);
    put(r, &out);
    stack->tape = NULL;
    const struct nst_allocator *allocator = &stack->config.allocator;
    allocator->free(allocator->context, r, sizeof(*r));
}

void nst_stack_free(struct nst_stack *stack)
{
    if (stack == NULL)
        return;
    nst_record_stop(stack);
    core_nst_stack_free(stack);
}
