/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links of memory that do what the recording says. Each operation looks at the record that comes
 * next: first the links' own doings, then its answer. Where that is none of its own, the stack is
 * out of step; the record that the stack makes of the operation tells that, so nothing is said
 * here.
 */
#include "record/get.h"

#define BLOCK_MAX (1u << 20)
#define MTU_MIN   68

struct replay_link {
    struct nst_link link;    /* first */
    struct nst_link_ops ops; /* its own: it has those that the recorded one had */
    struct nst_replay *replay;
    struct replay_link *next;
    bool ethernet, is_framing_known;
};

static struct replay_link *link_of(struct nst_link *link)
{
    return (struct replay_link *)(void *)link;
}

static struct nic *nic_of(const struct nst_link *link)
{
    return link->upper != NULL ? container_of(link->upper, struct nic, upper) : NULL;
}

/* The link of a NIC, also of one that comes or goes. */
static struct replay_link *link_by_nic(const struct nst_replay *r, uint32_t id)
{
    for (struct replay_link *l = r->links; l != NULL; l = l->next) {
        const struct nic *nic = nic_of(&l->link);
        if (nic != NULL && nic->id == id)
            return l;
    }
    return NULL;
}

/* ---- What is seen ---- */

/* A link of Ethernet pulls and pushes 14 bytes: the first packet tells, which may be far ahead. */
static void find_framing(struct replay_link *l, uint32_t nic)
{
    const struct nst_replay *r = l->replay;
    const uint8_t *at = r->data + r->at, *end = r->data + r->len;
    size_t len;
    for (; (len = record_len(at, (size_t)(end - at))) > 0; at += len) {
        struct record_in in;
        if (at[6] != RECORD_PARSED && at[6] != RECORD_QUEUED)
            continue;
        in_init(&in, at);
        if (at[6] == RECORD_PARSED)
            in_u64(&in);
        if (in_u32(&in) != nic)
            continue;
        l->ethernet = in_u16(&in) >= 14;
        break;
    }
    l->is_framing_known = true;
}

static void see(struct replay_link *l, const struct nst_pkt *p, uint32_t nic, bool outgoing)
{
    struct nst_replay *r = l->replay;
    *(outgoing ? &r->status.packets_out : &r->status.packets_in) += 1;
    *(outgoing ? &r->status.bytes_out : &r->status.bytes_in) += p->len;
    if (r->config.see == NULL)
        return;
    if (!l->is_framing_known)
        find_framing(l, nic);
    const struct nst_replay_packet packet = {
        .packet = p,
        .time = nst_stack_now(r->stack),
        .nic = nic,
        .outgoing = outgoing,
        .ethernet = l->ethernet,
    };
    r->config.see(r->config.context, &packet);
}

/* ---- Packets from links ---- */

/* A RECORD_DELIVERED without its data. */
struct delivered {
    uint32_t nic;
    uint8_t csum, gso, flags, place;
    uint16_t gso_size, csum_start, csum_offset;
    nst_time arrival;
    uint32_t block, headroom, linear;
    uint16_t nslices;
    uint32_t slices[PKT_SLICES_MAX];
};

/* A link may not give what would be out of its packet, and data is as long as it says. */
static bool is_valid(const struct delivered *d, size_t len)
{
    uint64_t sum = d->linear;
    for (unsigned i = 0; i < d->nslices; i++)
        sum += d->slices[i];
    return sum == len && sum <= BLOCK_MAX && d->headroom <= UINT16_MAX / 2 &&
           d->csum <= NST_CSUM_PARTIAL && d->gso <= NST_GSO_UDP &&
           (d->gso == NST_GSO_NONE || d->gso_size > 0) &&
           (d->csum != NST_CSUM_PARTIAL ||
            ((uint64_t)d->csum_start + d->csum_offset + 2 <= d->linear &&
             (uint64_t)d->headroom + d->csum_start <= UINT16_MAX));
}

static bool read_delivered(const uint8_t *record, struct delivered *ret, struct record_in *in)
{
    struct delivered d = {0};
    in_init(in, record);
    d.nic = in_u32(in);
    d.csum = in_u8(in);
    d.gso = in_u8(in);
    d.flags = in_u8(in);
    d.gso_size = in_u16(in);
    d.csum_start = in_u16(in);
    d.csum_offset = in_u16(in);
    d.arrival = (nst_time)in_u64(in);
    d.place = in_u8(in);
    d.block = in_u32(in);
    d.headroom = in_u32(in);
    d.linear = in_u32(in);
    d.nslices = in_u16(in);
    if (d.nslices > PKT_SLICES_MAX)
        return false;
    for (unsigned i = 0; i < d.nslices; i++)
        d.slices[i] = in_u32(in);
    *ret = d;
    return in_is_good(in) && is_valid(&d, in->data_len);
}

/* The linear part where it was: in the descriptor, in a block of the same size, outside. */
static struct nst_pkt *new_linear(struct nst_replay *r, struct nst_pool *pool,
                                  const struct delivered *d, const uint8_t *data)
{
    const uint32_t used = d->headroom + d->linear;
    const uint32_t size = max_u32(used, min_u32(d->block, BLOCK_MAX));
    if (d->place != 2) {
        struct nst_pkt *p = nst_pkt_new(pool, d->headroom, size - d->headroom);
        if (p != NULL)
            memcpy(nst_pkt_put(p, d->linear), data, d->linear);
        return p;
    }
    struct nst_external e = {
        .size = size, .headroom = d->headroom, .len = d->linear, .release = replay_release};
    e.memory = replay_lend(r, NULL, 0, size, &e.context);
    if (e.memory == NULL)
        return NULL;
    memset(e.memory, 0, d->headroom);
    memcpy(e.memory + d->headroom, data, d->linear);
    struct nst_pkt *p = nst_pkt_new_external(pool, &e);
    if (p == NULL)
        replay_release(e.context, e.memory);
    return p;
}

static bool add_slice(struct nst_replay *r, struct pkt *p, const uint8_t *data, uint32_t len)
{
    void *context;
    uint8_t *memory = replay_lend(r, data, len, len, &context);
    if (memory == NULL)
        return false;
    struct nst_block *b = block_new_external(p->pool, memory, len, replay_release, context);
    if (b == NULL) {
        replay_release(context, memory);
        return false;
    }
    const bool ok = pkt_add_slice(p, b, memory, len);
    block_unref(b);
    return ok;
}

static struct nst_pkt *new_packet(struct nst_replay *r, struct nst_pool *pool,
                                  const struct delivered *d, const uint8_t *data)
{
    struct nst_pkt *p = new_linear(r, pool, d, data);
    data += d->linear;
    for (unsigned i = 0; p != NULL && i < d->nslices; i++) {
        if (!add_slice(r, pkt_of(p), data, d->slices[i])) {
            nst_pkt_free(p);
            return NULL;
        }
        data += d->slices[i];
    }
    if (p == NULL)
        return NULL;
    if (d->csum == NST_CSUM_PARTIAL)
        nst_pkt_request_csum(p, d->csum_start, d->csum_offset);
    p->csum = d->csum;
    p->gso = d->gso;
    p->gso_size = d->gso_size;
    p->flags = d->flags;
    p->arrival = d->arrival;
    return p;
}

/* Its memory was counted before, among what is in use. */
static void deliver(struct nst_replay *r, const uint8_t *record)
{
    struct delivered d;
    struct record_in in;
    struct nst_pktq q = {0};
    struct replay_link *l;
    if (!read_delivered(record, &d, &in) || (l = link_by_nic(r, d.nic)) == NULL) {
        replay_end(r, NST_REPLAY_MALFORMED);
        return;
    }
    const uint64_t used = replay_lighten(r);
    struct nst_pkt *p = new_packet(r, l->link.pool, &d, in.data);
    replay_weigh(r, used);
    if (p == NULL) {
        replay_end(r, NST_REPLAY_NO_MEMORY);
        return;
    }
    see(l, p, d.nic, false);
    nst_pktq_push(&q, p);
    nst_link_deliver(&l->link, &q);
}

static void set_writable(struct nst_replay *r, const uint8_t *record)
{
    struct record_in in;
    in_init(&in, record);
    struct replay_link *l = link_by_nic(r, in_u32(&in));
    if (l == NULL || !in_is_good(&in))
        replay_end(r, NST_REPLAY_MALFORMED);
    else
        nst_link_set_writable(&l->link);
}

void replay_link_inputs(struct nst_replay *r)
{
    const uint8_t *record;
    for (;;) {
        const size_t before = r->at;
        if ((record = replay_next(r, RECORD_DELIVERED)) != NULL)
            deliver(r, record);
        else if ((record = replay_next(r, RECORD_WRITABLE)) != NULL)
            set_writable(r, record);
        if (r->at == before)
            return;
    }
}

/* ---- Operations ---- */

static void transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct replay_link *l = link_of(link);
    struct nst_replay *r = l->replay;
    struct record_in in = {0};
    replay_link_inputs(r);
    const uint8_t *record = replay_next(r, RECORD_TRANSMITTED);
    if (record != NULL)
        in_init(&in, record);
    in_u64(&in);
    const uint32_t nic = in_u32(&in);
    const uint32_t count = record != NULL ? in_u32(&in) : UINT32_MAX;
    for (uint32_t i = 0; i < count && !nst_pktq_is_empty(q); i++) {
        struct nst_pkt *p = nst_pktq_pop(q);
        nst_pkt_complete_csum(p);
        if (record != NULL)
            see(l, p, nic, true);
        nst_pkt_free(p);
    }
    link->tx_blocked = in_u8(&in) != 0;
}

static bool parse_header(struct nst_link *link, struct nst_pkt *p,
                         struct nst_link_header *ret_header)
{
    struct record_in in;
    const uint8_t *record = replay_next(link_of(link)->replay, RECORD_PARSED);
    if (record == NULL)
        return false;
    in_init(&in, record);
    in_u64(&in);
    in_u32(&in);
    nst_pkt_pull(p, min_u32(in_u16(&in), p->linear));
    if (in_u8(&in) == 0)
        return false;
    ret_header->src = get_mac(&in);
    ret_header->dst = get_mac(&in);
    ret_header->ethertype = in_u16(&in);
    return true;
}

/* What was pushed is the beginning of the packet that was recorded. */
static void push_header(struct nst_link *link, struct nst_pkt *p,
                        const struct nst_link_header *header)
{
    struct record_in in;
    const uint8_t *record = replay_next(link_of(link)->replay, RECORD_QUEUED);
    if (record == NULL)
        return;
    in_init(&in, record);
    in_u32(&in);
    const uint16_t len = in_u16(&in);
    if (len <= in.data_len && len <= link->max_header && len <= nst_pkt_headroom(p))
        memcpy(nst_pkt_push(p, len), in.data, len);
}

static void run(struct nst_link *link, nst_time now)
{
    replay_link_inputs(link_of(link)->replay);
}

static void attach(struct nst_link *link)
{
    replay_link_inputs(link_of(link)->replay);
}

static void detach(struct nst_link *link)
{
    replay_link_inputs(link_of(link)->replay);
    link_of(link)->replay->has_idle_links = true;
}

/* ---- What of a link changes ---- */

static void set_state(struct nst_link *link, const struct tape_link *state)
{
    link->caps = state->caps;
    link->mtu = state->mtu;
    link->max_header = state->max_header;
    link->gso_max = state->gso_max;
    link->addr = state->addr;
    link->tx_blocked = state->tx_blocked;
}

bool replay_link_change(struct nst_replay *r, const uint8_t *record)
{
    struct record_in in;
    struct tape_link state;
    in_init(&in, record);
    struct replay_link *l = link_by_nic(r, in_u32(&in));
    if (!get_link(&in, &state) || !in_is_good(&in) || l == NULL)
        return false;
    /* Only who is asked may make it so small that protocols stop. */
    if (state.mtu != l->link.mtu && state.mtu < MTU_MIN)
        return false;
    set_state(&l->link, &state);
    return true;
}

/* As the recorded link answered, and as it was then. */
static int answer(struct nst_link *link)
{
    struct record_in in;
    struct tape_link state;
    struct nst_replay *r = link_of(link)->replay;
    replay_link_inputs(r);
    const uint8_t *record = replay_next(r, RECORD_CHANGED);
    if (record == NULL)
        return -NST_EIO;
    in_init(&in, record);
    in_u32(&in);
    const int result = (int)(int64_t)in_u64(&in);
    if (!get_link(&in, &state) || !in_is_good(&in)) {
        replay_end(r, NST_REPLAY_MALFORMED);
        return -NST_EIO;
    }
    set_state(link, &state);
    return result;
}

static int set_mtu(struct nst_link *link, uint32_t mtu)
{
    return answer(link);
}

static int set_address(struct nst_link *link, struct nst_mac addr)
{
    return answer(link);
}

/* ---- Begin and end ---- */

struct nst_link *replay_link_new(struct nst_replay *r, const struct tape_link *state,
                                 bool has_set_mtu, bool has_set_address)
{
    const struct nst_allocator *a = &r->config.allocator;
    struct replay_link *l = a->alloc(a->context, sizeof(*l));
    if (l == NULL) {
        replay_end(r, NST_REPLAY_NO_MEMORY);
        return NULL;
    }
    *l = (struct replay_link){
        .link = {.ops = &l->ops},
        .ops = {.transmit = transmit,
                .parse_header = parse_header,
                .push_header = push_header,
                .attach = attach,
                .detach = detach,
                .run = run},
        .replay = r,
        .next = r->links,
    };
    if (has_set_mtu)
        l->ops.set_mtu = set_mtu;
    if (has_set_address)
        l->ops.set_address = set_address;
    set_state(&l->link, state);
    r->links = l;
    r->has_idle_links = true; /* unless a NIC takes it */
    return &l->link;
}

void replay_links_free(struct nst_replay *r, bool idle)
{
    const struct nst_allocator *a = &r->config.allocator;
    for (struct replay_link **at = &r->links; *at != NULL;) {
        struct replay_link *l = *at;
        if (idle && l->link.upper != NULL) {
            at = &l->next;
            continue;
        }
        *at = l->next;
        a->free(a->context, l, sizeof(*l));
    }
    r->has_idle_links = false;
}
