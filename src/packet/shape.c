/* SPDX-License-Identifier: Apache-2.0 */
/* What changes the shape of a packet: where its bytes lie, never what they are. */
#include "base/check.h"
#include "packet/block.h"
#include "packet/packet.h"

/* Where a linear part is to lie: a new block, or the descriptor. */
struct place {
    struct nst_block *block;
    uint8_t *head, *end;
};

/* Room for `size` bytes that p does not use now. False: no memory. */
static bool find_place(struct pkt *p, uint32_t size, struct place *ret_place)
{
    if (p->block != NULL && size <= PKT_INLINE) {
        *ret_place = (struct place){NULL, p->inline_data, p->inline_data + PKT_INLINE};
        return true;
    }
    struct nst_block *b = block_new(p->pool, size);
    if (b == NULL)
        return false;
    *ret_place = (struct place){b, b->memory, b->memory + b->size};
    return true;
}

/* Moves the linear part and what is in front of it from `cut` bytes behind head on to `place`,
 * where its head-room grows by `more`. Offsets stay true: they count from head. */
static void move_to(struct pkt *p, const struct place *place, uint32_t cut, uint32_t more)
{
    uint32_t headroom = nst_pkt_headroom(pkt_pub(p)) - cut;
    memcpy(place->head + more, p->head + cut, headroom + p->linear);
    if (p->block != NULL)
        block_unref(p->block);
    p->block = place->block;
    p->head = place->head;
    p->end = place->end;
    p->data = place->head + more + headroom;
    uint16_t shift = (uint16_t)(more - cut);
    p->link_off = (uint16_t)(p->link_off + shift);
    p->net_off = (uint16_t)(p->net_off + shift);
    p->trans_off = (uint16_t)(p->trans_off + shift);
    p->csum_start = (uint16_t)(p->csum_start + shift);
}

/* Drops n bytes off the slices' front. */
static void pull_slices(struct pkt *p, uint32_t n)
{
    uint32_t gone = 0;
    p->len -= n;
    while (n > 0 && n >= p->slice[gone].len) {
        n -= p->slice[gone].len;
        block_unref(p->slice[gone].block);
        gone++;
    }
    if (gone > 0) {
        p->nslices = (uint16_t)(p->nslices - gone);
        memmove(p->slice, p->slice + gone, p->nslices * sizeof(*p->slice));
    }
    if (n > 0) {
        p->slice[0].data += n;
        p->slice[0].len -= n;
    }
}

bool pkt_pull_up_slow(struct pkt *p, uint32_t n)
{
    if (n <= p->linear)
        return true;
    if (n > p->len)
        return false;
    uint32_t headroom = nst_pkt_headroom(pkt_pub(p));
    if ((uint32_t)(p->end - p->data) < n || !pkt_linear_is_private(p)) {
        struct place place;
        if (!find_place(p, headroom + n, &place))
            return false;
        move_to(p, &place, 0, 0);
    }
    uint32_t more = n - p->linear;
    nst_pkt_copy_out(pkt_pub(p), p->linear, p->data + p->linear, more);
    pull_slices(p, more);
    p->linear += more;
    p->len += more;
    return true;
}

bool pkt_make_writable(struct pkt *p)
{
    if (pkt_linear_is_private(p))
        return true;
    struct place place;
    if (!find_place(p, nst_pkt_headroom(pkt_pub(p)) + p->linear, &place))
        return false;
    move_to(p, &place, 0, 0);
    return true;
}

bool pkt_grow_headroom(struct pkt *p, uint32_t n)
{
    uint32_t headroom = nst_pkt_headroom(pkt_pub(p));
    if (n <= headroom)
        return pkt_make_writable(p);
    struct place place;
    if (n > UINT16_MAX || !find_place(p, n + p->linear, &place))
        return false;
    move_to(p, &place, 0, n - headroom);
    return true;
}

/* Room for one more slice. */
static bool grow_slices(struct pkt *p)
{
    if (p->slice_cap == PKT_SLICES_MAX)
        return false;
    struct nst_slice *more = slab_take(&p->pool->slices);
    if (more == NULL)
        return false;
    memcpy(more, p->slice, p->nslices * sizeof(*more));
    p->slice = more;
    p->slice_cap = PKT_SLICES_MAX;
    return true;
}

bool pkt_add_slice_slow(struct pkt *p, struct nst_block *block, uint8_t *data, uint32_t len)
{
    if (len == 0)
        return true;
    struct nst_slice *last = p->nslices > 0 ? &p->slice[p->nslices - 1] : NULL;
    if (last != NULL && last->block == block && last->data + last->len == data) {
        last->len += len;
        p->len += len;
        return true;
    }
    if (p->nslices == p->slice_cap && !grow_slices(p))
        return false;
    p->slice[p->nslices++] = (struct nst_slice){data, len, 0, block_ref(block)};
    p->len += len;
    return true;
}

/* A block with a copy of from's inline bytes. */
static struct nst_block *copy_inline(const struct pkt *from)
{
    struct nst_block *b = block_new(from->pool, from->linear);
    if (b != NULL)
        memcpy(b->memory, from->data, from->linear);
    return b;
}

/* Forgets the slices that were added last, down to `nslices` of them and `last_len` bytes in the
 * last one. */
static void unwind_slices(struct pkt *p, uint16_t nslices, uint32_t last_len, uint32_t len)
{
    while (p->nslices > nslices)
        block_unref(p->slice[--p->nslices].block);
    if (nslices > 0)
        p->slice[nslices - 1].len = last_len;
    p->len = len;
}

/* The linear part of `from` as a slice of `to`. */
static bool append_linear(struct pkt *to, struct pkt *from)
{
    if (from->linear == 0)
        return true;
    if (from->block != NULL)
        return pkt_add_slice(to, from->block, from->data, from->linear);
    struct nst_block *b = copy_inline(from);
    if (b == NULL)
        return false;
    bool ok = pkt_add_slice(to, b, b->memory, from->linear);
    block_unref(b);
    return ok;
}

bool pkt_append(struct pkt *to, struct pkt *from)
{
    uint16_t nslices = to->nslices;
    uint32_t last_len = nslices > 0 ? to->slice[nslices - 1].len : 0;
    uint32_t len = to->len;
    bool ok = append_linear(to, from);
    for (uint32_t i = 0; ok && i < from->nslices; i++) {
        const struct nst_slice *s = &from->slice[i];
        ok = pkt_add_slice(to, s->block, s->data, s->len);
    }
    if (!ok) {
        unwind_slices(to, nslices, last_len, len);
        return false;
    }
    pkt_merge(from);
    return true;
}

void pkt_trim(struct pkt *p, uint32_t len)
{
    DEBUG_CHECK(len <= p->len);
    uint32_t cut = p->len - len;
    p->len = len;
    while (cut > 0 && p->nslices > 0) {
        struct nst_slice *last = &p->slice[p->nslices - 1];
        if (cut < last->len) {
            last->len -= cut;
            return;
        }
        cut -= last->len;
        block_unref(last->block);
        p->nslices--;
    }
    p->linear -= cut;
}

void pkt_pull_any(struct pkt *p, uint32_t n)
{
    DEBUG_CHECK(n <= p->len);
    uint32_t linear = min_u32(n, p->linear);
    nst_pkt_pull(pkt_pub(p), linear);
    if (n > linear)
        pull_slices(p, n - linear);
}

/* The first byte from head on that an offset of p refers to. */
static uint32_t first_used(const struct pkt *p)
{
    uint32_t first = min_u32(p->link_off, p->net_off);
    first = min_u32(first, p->trans_off);
    if (p->csum == NST_CSUM_PARTIAL)
        first = min_u32(first, p->csum_start);
    return min_u32(first, (uint32_t)(p->data - p->head));
}

void nst_pkt_shrink(struct nst_pkt *public)
{
    struct pkt *p = pkt_of(public);
    if (p->block == NULL || p->nslices > 0 || p->linear >= p->block->size / 4)
        return;
    uint32_t cut = first_used(p);
    uint32_t size = nst_pkt_headroom(public) - cut + p->linear;
    struct place place;
    if ((size > PKT_INLINE && block_capacity(size) >= p->block->size) ||
        !find_place(p, size, &place))
        return;
    move_to(p, &place, cut, 0);
}
