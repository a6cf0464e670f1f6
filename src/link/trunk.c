/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VLANs over one Ethernet link: see nicstack/vlan.h.
 *
 * Theory of operation. The trunk is the upper end of the lower link; it has a link of its own for
 * what has no tag, and one for each VLAN. Inbound, a tag is cut out of the frame, in place, and the
 * frame goes to the link of its VLAN; frames that follow each other to one link stay one batch.
 * Outbound, the tag is put into the frame that is there already, so that it is right for a NIC and
 * for a bridge above. Requests for checksums and segments stay true: they count from the head-room
 * and in payload.
 *
 * The lower link is attached while at least one of the links is; the one that was attached first
 * runs it. What was tagged and not taken waits in `out`; while something does, or the lower link is
 * full, every link that wants to send is blocked, and becomes writable when it has gone.
 *
 * Invariants: (1) out is empty while the lower link is not attached; (2) runner is attached, or
 * NULL with no link attached; (3) table[id] is the VLAN of that id, or NULL;
 * (4) no VLAN has a larger MTU than the lower link.
 *
 * Not done: service tags (802.1ad) are passed on like any other EtherType.
 */
#include <nicstack/vlan.h>

#include <string.h>

#include "link/lower.h"
#include "wire/eth.h"

#define IDS      4096
#define HEADROOM 64 /* of a frame that is copied because it has none */

struct vlan {
    struct nst_link link; /* first */
    struct nst_trunk *trunk;
    struct vlan *next;
    uint16_t id; /* 0: the trunk's own */
    uint8_t pcp;
    bool is_attached;
};

struct counters {
    uint64_t untagged, priority, tagged, unknown, malformed, sent_tagged, copied, no_memory;
};

struct nst_trunk {
    struct vlan own; /* first of the list */
    struct nst_link_upper upper;
    struct nst_link *lower;
    struct vlan *runner;
    struct vlan **table; /* IDS of them; NULL: no VLAN was ever added */
    struct nst_pktq out;
    struct counters counters;
    struct nst_allocator allocator;
};

static struct vlan *vlan_of(struct nst_link *link)
{
    return (struct vlan *)link;
}

static struct nst_trunk *trunk_of_upper(struct nst_link_upper *upper)
{
    return (struct nst_trunk *)(void *)((char *)upper - offsetof(struct nst_trunk, upper));
}

/* ---- Inbound ---- */

/* Whose frame p is; its tag is cut out. NULL: nobody's. */
static struct vlan *sort(struct nst_trunk *t, struct nst_pkt *p)
{
    struct eth_hdr hdr;
    struct eth_tag tag;
    if (eth_parse(p->data, p->linear, &hdr) == 0 || hdr.type != ETH_TYPE_VLAN) {
        t->counters.untagged++;
        return &t->own;
    }
    if (eth_tag_parse(p->data + ETH_HDR_LEN, p->linear - ETH_HDR_LEN, &tag) == 0) {
        t->counters.malformed++;
        return NULL;
    }
    struct vlan *vlan = &t->own;
    if (tag.vid != 0)
        vlan = t->table != NULL ? t->table[tag.vid] : NULL;
    if (vlan == NULL) {
        t->counters.unknown++;
        return NULL;
    }
    if (tag.vid != 0)
        t->counters.tagged++;
    else
        t->counters.priority++;
    memmove(p->data + ETH_TAG_LEN, p->data, 2 * sizeof(struct nst_mac));
    nst_pkt_pull(p, ETH_TAG_LEN);
    return vlan;
}

static void trunk_deliver(struct nst_link_upper *upper, struct nst_pktq *q)
{
    struct nst_trunk *t = trunk_of_upper(upper);
    struct vlan *last = NULL;
    struct nst_pktq batch = {0};
    struct nst_pkt *p;
    while ((p = nst_pktq_pop(q)) != NULL) {
        struct vlan *vlan = sort(t, p);
        if (vlan == NULL) {
            nst_pkt_free(p);
            continue;
        }
        if (vlan != last && last != NULL)
            nst_link_deliver(&last->link, &batch);
        last = vlan;
        nst_pktq_push(&batch, p);
    }
    if (last != NULL)
        nst_link_deliver(&last->link, &batch);
}

/* ---- Outbound ---- */

/* A copy of p with room in front. Consumes p; NULL: no memory. */
static struct nst_pkt *make_room(struct nst_trunk *t, struct nst_pkt *p)
{
    struct nst_pkt *copy = nst_pkt_new(t->lower->pool, HEADROOM, p->len);
    if (copy != NULL) {
        t->counters.copied++;
        nst_pkt_copy_out(p, 0, nst_pkt_put(copy, p->len), p->len);
        copy->gso = p->gso;
        copy->gso_size = p->gso_size;
        copy->flags = p->flags;
        copy->csum = p->csum;
        if (p->csum == NST_CSUM_PARTIAL)
            nst_pkt_request_csum(copy, nst_pkt_csum_start(p), p->csum_offset);
    } else {
        t->counters.no_memory++;
    }
    nst_pkt_free(p);
    return copy;
}

static struct nst_pkt *push_tag(const struct vlan *vlan, struct nst_pkt *p)
{
    if (nst_pkt_headroom(p) < ETH_TAG_LEN)
        p = make_room(vlan->trunk, p);
    if (p == NULL)
        return NULL;
    const uint8_t *old = p->data;
    const struct eth_tag tag = {
        .pcp = vlan->pcp, .vid = vlan->id, .type = be16_get(old + 2 * sizeof(struct nst_mac))};
    uint8_t *data = nst_pkt_push(p, ETH_TAG_LEN);
    memmove(data, old, 2 * sizeof(struct nst_mac));
    be16_put(data + 2 * sizeof(struct nst_mac), ETH_TYPE_VLAN);
    eth_tag_build(data + ETH_HDR_LEN, &tag);
    return p;
}

/* Lets the lower link take from `q`. */
static void send(struct nst_trunk *t, struct nst_pktq *q)
{
    if (!nst_pktq_is_empty(q) && !t->lower->tx_blocked)
        t->lower->ops->transmit(t->lower, q);
}

static bool is_blocked(const struct nst_trunk *t)
{
    return t->lower->tx_blocked || !nst_pktq_is_empty(&t->out);
}

static void vlan_transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct vlan *vlan = vlan_of(link);
    struct nst_trunk *t = vlan->trunk;
    if (is_blocked(t)) {
        link->tx_blocked = true;
        return;
    }
    if (vlan->id == 0) {
        send(t, q);
        link->tx_blocked = is_blocked(t);
        return;
    }
    struct nst_pkt *p;
    while ((p = nst_pktq_pop(q)) != NULL) {
        p = push_tag(vlan, p);
        if (p == NULL)
            continue;
        t->counters.sent_tagged++;
        nst_pktq_push(&t->out, p);
    }
    send(t, &t->out);
    link->tx_blocked = is_blocked(t);
}

static void trunk_writable(struct nst_link_upper *upper)
{
    struct nst_trunk *t = trunk_of_upper(upper);
    send(t, &t->out);
    if (is_blocked(t))
        return;
    for (struct vlan *v = &t->own; v != NULL; v = v->next)
        if (v->link.tx_blocked)
            nst_link_set_writable(&v->link);
}

/* ---- Life ---- */

static void vlan_attach(struct nst_link *link)
{
    struct vlan *vlan = vlan_of(link);
    struct nst_trunk *t = vlan->trunk;
    vlan->is_attached = true;
    if (t->runner != NULL) {
        link->tx_blocked = is_blocked(t);
        return;
    }
    t->runner = vlan;
    lower_attach(t->lower, &t->upper, link->pool);
    link->tx_blocked = is_blocked(t);
}

static void vlan_detach(struct nst_link *link)
{
    struct vlan *vlan = vlan_of(link);
    struct nst_trunk *t = vlan->trunk;
    vlan->is_attached = false;
    if (t->runner != vlan)
        return;
    t->runner = &t->own;
    while (t->runner != NULL && !t->runner->is_attached)
        t->runner = t->runner->next;
    if (t->runner == NULL)
        lower_detach(t->lower, &t->out);
}

/* The lower link runs once, whichever links there are. */
static void vlan_run(struct nst_link *link, nst_time now)
{
    struct nst_trunk *t = vlan_of(link)->trunk;
    if (t->runner == vlan_of(link))
        lower_run(t->lower, now);
}

static nst_time vlan_next_deadline(struct nst_link *link)
{
    struct nst_trunk *t = vlan_of(link)->trunk;
    return t->runner == vlan_of(link) ? lower_next_deadline(t->lower) : NST_TIME_NEVER;
}

/* ---- The rest ---- */

static bool vlan_parse_header(struct nst_link *link, struct nst_pkt *p,
                              struct nst_link_header *ret_header)
{
    struct nst_link *lower = vlan_of(link)->trunk->lower;
    return lower->ops->parse_header(lower, p, ret_header);
}

static void vlan_push_header(struct nst_link *link, struct nst_pkt *p,
                             const struct nst_link_header *header)
{
    struct nst_link *lower = vlan_of(link)->trunk->lower;
    lower->ops->push_header(lower, p, header);
}

/* No VLAN is left with an MTU that the lower link would not have. */
static bool is_below_vlan(const struct nst_trunk *t, uint32_t mtu)
{
    const struct vlan *v = t->own.next;
    while (v != NULL && v->link.mtu <= mtu)
        v = v->next;
    return v != NULL;
}

/* A VLAN's is its own, up to that of the lower link, which the trunk's link sets. */
static int vlan_set_mtu(struct nst_link *link, uint32_t mtu)
{
    struct vlan *vlan = vlan_of(link);
    struct nst_link *lower = vlan->trunk->lower;
    int r = 0;
    if (vlan->id == 0 && is_below_vlan(vlan->trunk, mtu)) {
        r = -NST_EBUSY;
        mtu = link->mtu;
    } else if (vlan->id == 0) {
        r = lower_set_mtu(lower, mtu);
        mtu = lower->mtu;
    } else if (mtu == 0 || mtu > lower->mtu) {
        r = -NST_EINVAL;
        mtu = link->mtu;
    }
    link->mtu = mtu;
    return r;
}

static int vlan_set_address(struct nst_link *link, struct nst_mac addr)
{
    struct vlan *vlan = vlan_of(link);
    struct nst_link *lower = vlan->trunk->lower;
    if (vlan->id == 0) {
        const int r = lower_set_address(lower, addr);
        link->addr = lower->addr;
        return r;
    }
    link->addr = addr;
    return 0;
}

static const struct nst_link_ops vlan_ops = {
    .transmit = vlan_transmit,
    .parse_header = vlan_parse_header,
    .push_header = vlan_push_header,
    .attach = vlan_attach,
    .detach = vlan_detach,
    .run = vlan_run,
    .next_deadline = vlan_next_deadline,
    .set_mtu = vlan_set_mtu,
    .set_address = vlan_set_address,
};

static void init_vlan(struct nst_trunk *t, struct vlan *vlan)
{
    const struct nst_link *lower = t->lower;
    *vlan = (struct vlan){
        .trunk = t,
        .link = {.ops = &vlan_ops,
                 .caps = lower->caps,
                 .mtu = lower->mtu,
                 .max_header = lower->max_header,
                 .gso_max = lower->gso_max,
                 .addr = lower->addr},
    };
}

int nst_trunk_new(const struct nst_allocator *allocator, struct nst_link *lower,
                  struct nst_trunk **ret_trunk)
{
    if (lower == NULL || lower->upper != NULL || (lower->caps & NST_LINK_RESOLVES) == 0)
        return -NST_EINVAL;
    struct nst_trunk *t = allocator->alloc(allocator->context, sizeof(*t));
    if (t == NULL)
        return -NST_ENOMEM;
    *t = (struct nst_trunk){
        .upper = {.deliver = trunk_deliver, .writable = trunk_writable},
        .lower = lower,
        .allocator = *allocator,
    };
    init_vlan(t, &t->own);
    *ret_trunk = t;
    return 0;
}

struct nst_link *nst_trunk_link(struct nst_trunk *trunk)
{
    return &trunk->own.link;
}

static bool make_table(struct nst_trunk *t)
{
    const struct nst_allocator *a = &t->allocator;
    if (t->table != NULL)
        return true;
    t->table = a->alloc(a->context, IDS * sizeof(struct vlan *));
    if (t->table != NULL)
        memset(t->table, 0, IDS * sizeof(struct vlan *));
    return t->table != NULL;
}

int nst_trunk_add_vlan(struct nst_trunk *t, const struct nst_vlan_config *config,
                       struct nst_link **ret_link)
{
    const struct nst_allocator *a = &t->allocator;
    if (config->size != sizeof(*config) || config->id == 0 || config->id >= IDS - 1 ||
        config->pcp > 7 || config->mtu > t->lower->mtu || mac_is_multicast(&config->addr))
        return -NST_EINVAL;
    if (!make_table(t))
        return -NST_ENOMEM;
    if (t->table[config->id] != NULL)
        return -NST_EEXIST;
    struct vlan *vlan = a->alloc(a->context, sizeof(*vlan));
    if (vlan == NULL)
        return -NST_ENOMEM;
    init_vlan(t, vlan);
    vlan->id = config->id;
    vlan->pcp = config->pcp;
    vlan->link.max_header += ETH_TAG_LEN;
    if (config->mtu != 0)
        vlan->link.mtu = config->mtu;
    if (!mac_is_zero(&config->addr))
        vlan->link.addr = config->addr;
    vlan->next = t->own.next;
    t->own.next = vlan;
    t->table[vlan->id] = vlan;
    *ret_link = &vlan->link;
    return 0;
}

void nst_trunk_remove_vlan(struct nst_link *link)
{
    if (link == NULL)
        return;
    struct vlan *vlan = vlan_of(link);
    struct nst_trunk *t = vlan->trunk;
    struct vlan *before = &t->own;
    while (before->next != vlan)
        before = before->next;
    before->next = vlan->next;
    t->table[vlan->id] = NULL;
    t->allocator.free(t->allocator.context, vlan, sizeof(*vlan));
}

bool nst_trunk_counter_at(const struct nst_trunk *trunk, size_t n, struct nst_counter *ret)
{
    const struct counters *c = &trunk->counters;
    const struct nst_counter all[] = {
        {"trunk_rx_untagged", "frames without a tag", c->untagged},
        {"trunk_rx_priority", "frames with a tag of VLAN 0, which says a priority", c->priority},
        {"trunk_rx_tagged", "frames of a VLAN that there is", c->tagged},
        {"trunk_rx_unknown_vlan", "frames of a VLAN that there is not: dropped", c->unknown},
        {"trunk_rx_malformed", "frames that end in their tag: dropped", c->malformed},
        {"trunk_tx_tagged", "frames that got a tag", c->sent_tagged},
        {"trunk_tx_copied", "of them, those that were copied to make room for it", c->copied},
        {"trunk_tx_no_memory", "frames lost, for there was no memory for that", c->no_memory},
    };
    if (n >= sizeof(all) / sizeof(all[0]))
        return false;
    *ret = all[n];
    return true;
}

void nst_trunk_free(struct nst_trunk *t)
{
    if (t == NULL)
        return;
    const struct nst_allocator allocator = t->allocator;
    if (t->table != NULL)
        allocator.free(allocator.context, t->table, IDS * sizeof(struct vlan *));
    allocator.free(allocator.context, t, sizeof(*t));
}
