/* SPDX-License-Identifier: Apache-2.0 */
#include "memlink.h"

#include <stdlib.h>
#include <string.h>

/* Head-room of what is delivered, as a driver leaves it. */
#define HEADROOM 32

static struct memlink *of(struct nst_link *link)
{
    return (struct memlink *)link;
}

static void record(struct memlink *m, struct nst_pkt *p)
{
    if (m->count == m->cap) {
        m->cap = m->cap != 0 ? m->cap * 2 : 64;
        m->frames = realloc(m->frames, m->cap * sizeof(*m->frames));
    }
    struct memlink_frame *f = &m->frames[m->count++];
    *f = (struct memlink_frame){
        .data = malloc(p->len),
        .len = p->len,
        .csum = p->csum,
        .gso = p->gso,
        .gso_size = p->gso_size,
        .nslices = p->nslices,
        .csum_start = p->csum == NST_CSUM_PARTIAL ? nst_pkt_csum_start(p) : 0,
        .csum_offset = p->csum_offset,
        .note = p->note,
    };
    if (m->completes)
        nst_pkt_complete_csum(p);
    nst_pkt_copy_out(p, 0, f->data, p->len);
}

static void transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct memlink *m = of(link);
    m->batches++;
    while (!nst_pktq_is_empty(q)) {
        if (m->room == 0) {
            link->tx_blocked = true;
            return;
        }
        if (m->room != UINT32_MAX)
            m->room--;
        struct nst_pkt *p = nst_pktq_pop(q);
        record(m, p);
        nst_pkt_free(p);
    }
}

static void attach(struct nst_link *link)
{
    of(link)->attached++;
}

static void detach(struct nst_link *link)
{
    of(link)->detached++;
}

static int set_mtu(struct nst_link *link, uint32_t mtu)
{
    if (of(link)->refuses != 0)
        return -of(link)->refuses;
    link->mtu = mtu;
    return 0;
}

static int set_address(struct nst_link *link, struct nst_mac addr)
{
    if (of(link)->refuses != 0)
        return -of(link)->refuses;
    link->addr = addr;
    return 0;
}

static const struct nst_link_ops ethernet_ops = {
    .transmit = transmit,
    .parse_header = nst_ethernet_parse,
    .push_header = nst_ethernet_push,
    .attach = attach,
    .detach = detach,
    .set_mtu = set_mtu,
    .set_address = set_address,
};

static const struct nst_link_ops bare_ops = {
    .transmit = transmit,
    .parse_header = nst_bare_ip_parse,
    .push_header = nst_bare_ip_push,
    .attach = attach,
    .detach = detach,
    .set_mtu = set_mtu,
};

void memlink_init(struct memlink *m, const struct nst_mac *mac)
{
    *m = (struct memlink){.room = UINT32_MAX};
    m->link.ops = mac != NULL ? &ethernet_ops : &bare_ops;
    m->link.mtu = 1500;
    m->link.max_header = mac != NULL ? 14 : 0;
    if (mac != NULL) {
        m->link.caps = NST_LINK_RESOLVES;
        m->link.addr = *mac;
    }
}

void memlink_fini(struct memlink *m)
{
    memlink_clear(m);
    free(m->frames);
    m->frames = NULL;
}

struct nst_pkt *memlink_packet(struct memlink *m, const void *frame, size_t len)
{
    struct nst_pkt *p = nst_pkt_new(m->link.pool, HEADROOM, (uint32_t)len);
    if (p != NULL && len > 0)
        memcpy(nst_pkt_put(p, (uint32_t)len), frame, len);
    return p;
}

void memlink_deliver(struct memlink *m, struct nst_pktq *q)
{
    nst_link_deliver(&m->link, q);
}

void memlink_inject(struct memlink *m, const void *frame, size_t len)
{
    struct nst_pktq q = {0};
    struct nst_pkt *p = memlink_packet(m, frame, len);
    if (p == NULL)
        return;
    nst_pktq_push(&q, p);
    memlink_deliver(m, &q);
}

void memlink_clear(struct memlink *m)
{
    for (uint32_t i = 0; i < m->count; i++)
        free(m->frames[i].data);
    m->count = 0;
}

void memlink_set_room(struct memlink *m, uint32_t room)
{
    m->room = room;
    if (m->link.tx_blocked)
        nst_link_set_writable(&m->link);
}
