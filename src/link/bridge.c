/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A learning switch: see nicstack/bridge.h.
 *
 * Theory of operation. Each port is the upper end of a link; the bridge's own end is a link, with a
 * NIC above it. A batch that comes by a port is gone through frame by frame: the source is learnt
 * (bridge_table.h), the destination looked up, and the frame put into the queue of the port that it
 * leaves by, or that of the own link. Then every port sends its queue as one batch, and the own
 * link delivers its. A frame to several ends is copied for all of them but one; nothing else is
 * ever copied or allocated.
 *
 * A frame leaves as its port can take it: a large segment is cut, and a checksum completed, only
 * where the port's link does not do it.
 *
 * A port that is full keeps its queue, up to a limit, and drops more: a switch cannot push back on
 * one sender alone. It can on its own: when the queue of a port is half full, the own link is
 * blocked by a frame to that port, which stays with the NIC until there is room.
 *
 * Invariants: (1) ports have their links attached exactly while the own link is; (2) a queue is
 * empty while its port is not attached; (3) own link tx_blocked: the queue of `blocker` is at least
 * half full; (4) a table entry names a port that there is.
 *
 * Not done: spanning tree, and so no loops among ports; frames to 01:80:c2:00:00:0x (IEEE 802.1D)
 * stop here.
 */
#include <nicstack/bridge.h>

#include <string.h>

#include "link/bridge_table.h"
#include "link/lower.h"
#include "wire/eth.h"

#define MTU_DEFAULT     1500
#define AGEING_DEFAULT  (300 * NST_SEC)
#define TABLE_DEFAULT   4096
#define TABLE_LIMIT     (1u << 20)
#define PORTS_DEFAULT   64
#define PORTS_LIMIT     4096
#define PACKETS_DEFAULT 512
#define BYTES_DEFAULT   (1u << 20)
#define GSO_MAX         65535
#define MAX_HEADER      (ETH_HDR_LEN + ETH_TAGS_MAX * ETH_TAG_LEN)
#define HEADROOM        64 /* before the pieces of a large segment */

struct port {
    struct nst_link_upper upper; /* first */
    struct nst_bridge *bridge;
    struct nst_link *link;
    struct nst_pktq out;
    uint16_t index;
    bool isolated, is_attached;
    uint64_t rx_packets, tx_packets, tx_dropped;
};

struct counters {
    uint64_t received, sent, forwarded, flooded, delivered;
    uint64_t learnt, moved, evicted, full;
    uint64_t malformed, bad_source, own_source, reserved, same_port, isolated, too_big, port_full,
        no_memory;
};

struct nst_bridge {
    struct nst_link link; /* first: its own end */
    struct nst_allocator allocator;
    struct port **ports; /* ports_max of them, NULL where there is none */
    uint32_t ports_max;
    uint32_t queue_packets, queue_bytes;
    struct table table;
    uint32_t now; /* seconds */
    struct port *blocker;
    struct nst_pktq up; /* for the own link, while a batch is gone through */
    bool is_attached;
    struct counters counters;
};

static struct nst_bridge *bridge_of(struct nst_link *link)
{
    return (struct nst_bridge *)link;
}

/* ---- Leaving by a port ---- */

static void put_out(struct port *port, struct nst_pkt *p)
{
    struct nst_bridge *b = port->bridge;
    if (port->out.count < b->queue_packets && port->out.bytes + p->len <= b->queue_bytes) {
        nst_pktq_push(&port->out, p);
        return;
    }
    b->counters.port_full++;
    port->tx_dropped++;
    nst_pkt_free(p);
}

static bool can_cut(const struct nst_link *link, const struct nst_pkt *p, uint32_t header)
{
    static const uint32_t caps[] = {[NST_GSO_TCP4] = NST_LINK_TSO4,
                                    [NST_GSO_TCP6] = NST_LINK_TSO6,
                                    [NST_GSO_UDP] = NST_LINK_USO};
    return (link->caps & caps[p->gso]) != 0 && p->len - header <= link->gso_max;
}

/* Cuts p, and puts the pieces out. */
static void put_cut(struct port *port, struct nst_pkt *p, uint32_t header)
{
    struct nst_pktq pieces = {0};
    struct nst_pkt *piece;
    if (!nst_pkt_segment(p, header, HEADROOM, &pieces)) {
        port->bridge->counters.no_memory++;
        port->tx_dropped++;
    }
    while ((piece = nst_pktq_pop(&pieces)) != NULL) {
        if ((port->link->caps & NST_LINK_CSUM_TX) == 0)
            nst_pkt_complete_csum(piece);
        put_out(port, piece);
    }
}

/* Consumes p. */
static void leave(struct port *port, struct nst_pkt *p)
{
    const uint32_t header = eth_header_len(p->data, p->linear);
    const uint32_t len = p->gso != NST_GSO_NONE ? p->gso_size : p->len - header;
    if (len > port->link->mtu) {
        port->bridge->counters.too_big++;
        port->tx_dropped++;
        nst_pkt_free(p);
        return;
    }
    if (p->gso != NST_GSO_NONE && !can_cut(port->link, p, header)) {
        put_cut(port, p, header);
        return;
    }
    if ((port->link->caps & NST_LINK_CSUM_TX) == 0)
        nst_pkt_complete_csum(p);
    put_out(port, p);
}

static void send(struct port *port)
{
    const uint32_t count = port->out.count;
    if (count == 0 || port->link->tx_blocked || !port->is_attached)
        return;
    port->link->ops->transmit(port->link, &port->out);
    port->tx_packets += count - port->out.count;
}

static bool is_half_full(const struct port *port)
{
    const struct nst_bridge *b = port->bridge;
    return port->out.count >= (b->queue_packets + 1) / 2 || port->out.bytes >= b->queue_bytes / 2;
}

/* The own link may go on, if this port was what kept it. */
static void unblock(struct port *port)
{
    struct nst_bridge *b = port->bridge;
    if (b->blocker != port)
        return;
    b->blocker = NULL;
    if (b->link.tx_blocked)
        nst_link_set_writable(&b->link);
}

static void port_writable(struct nst_link_upper *upper)
{
    struct port *port = (struct port *)upper;
    send(port);
    if (!is_half_full(port))
        unblock(port);
}

/* What a batch left in the queues goes. */
static void send_all(struct nst_bridge *b)
{
    for (uint32_t i = 0; i < b->ports_max; i++)
        if (b->ports[i] != NULL)
            send(b->ports[i]);
}

/* ---- Forwarding ---- */

static void drop(struct nst_pkt *p, uint64_t *counter)
{
    ++*counter;
    nst_pkt_free(p);
}

/* May frames of `from` (NULL: the own link) leave by `to`? */
static bool may_leave(const struct port *from, const struct port *to)
{
    return to != NULL && to != from && to->is_attached &&
           !(from != NULL && from->isolated && to->isolated);
}

/* A copy of p leaves by a port. */
static void leave_copy(struct port *to, const struct nst_pkt *p)
{
    struct nst_pkt *copy = nst_pkt_clone(p);
    if (copy != NULL)
        leave(to, copy);
    else
        to->bridge->counters.no_memory++;
}

/* To all ports that may have it, and, with `up`, to the own link. Consumes p. */
static void flood(struct nst_bridge *b, const struct port *from, struct nst_pkt *p, bool up)
{
    struct port *last = NULL; /* it gets p itself, unless the own link does */
    b->counters.flooded++;
    for (uint32_t i = 0; i < b->ports_max; i++) {
        if (!may_leave(from, b->ports[i]))
            continue;
        if (last != NULL)
            leave_copy(last, p);
        last = b->ports[i];
    }
    if (up && last != NULL)
        leave_copy(last, p);
    if (up)
        nst_pktq_push(&b->up, p);
    else if (last != NULL)
        leave(last, p);
    else
        nst_pkt_free(p);
}

static void learn(struct nst_bridge *b, const struct port *from, struct nst_mac addr)
{
    switch (table_learn(&b->table, addr, from->index, b->now)) {
    case TABLE_KNOWN:
        break;
    case TABLE_EVICTED:
        b->counters.evicted++;
        b->counters.learnt++;
        break;
    case TABLE_NEW:
        b->counters.learnt++;
        break;
    case TABLE_MOVED:
        b->counters.moved++;
        break;
    case TABLE_FULL:
        b->counters.full++;
        break;
    }
}

/* The port that leads to a station, which is in use from now on. NULL: it is not known. */
static struct port *look_up(struct nst_bridge *b, const struct port *from, struct nst_mac addr)
{
    struct table_entry *entry = table_lookup(&b->table, addr, b->now);
    if (entry == NULL)
        return NULL;
    struct port *to = b->ports[entry->port];
    if (to != from)
        entry->used = b->now;
    return to;
}

/* IEEE 802.1D 7.12.6: for bridges themselves. */
static bool is_reserved(struct nst_mac addr)
{
    return addr.b[0] == 0x01 && addr.b[1] == 0x80 && addr.b[2] == 0xc2 && addr.b[3] == 0 &&
           addr.b[4] == 0 && addr.b[5] < 0x10;
}

/* Is the source one that a frame can have? Where not, it was dropped. */
static bool check_source(struct nst_bridge *b, struct nst_pkt *p, struct eth_hdr *ret_hdr)
{
    if (eth_parse(p->data, p->linear, ret_hdr) == 0)
        drop(p, &b->counters.malformed);
    else if (!mac_is_unicast(&ret_hdr->src))
        drop(p, &b->counters.bad_source);
    else if (mac_equal(&ret_hdr->src, &b->link.addr))
        drop(p, &b->counters.own_source);
    else
        return true;
    return false;
}

/* A frame that came by a port. Consumes p. */
static void forward(struct nst_bridge *b, struct port *from, struct nst_pkt *p)
{
    struct eth_hdr hdr;
    b->counters.received++;
    from->rx_packets++;
    if (!check_source(b, p, &hdr))
        return;
    learn(b, from, hdr.src);
    if (mac_equal(&hdr.dst, &b->link.addr)) {
        nst_pktq_push(&b->up, p);
        return;
    }
    if (mac_is_multicast(&hdr.dst)) {
        if (is_reserved(hdr.dst))
            drop(p, &b->counters.reserved);
        else
            flood(b, from, p, true);
        return;
    }
    struct port *to = look_up(b, from, hdr.dst);
    if (to == NULL) {
        flood(b, from, p, false);
    } else if (to == from) {
        drop(p, &b->counters.same_port);
    } else if (!may_leave(from, to)) {
        drop(p, &b->counters.isolated);
    } else {
        b->counters.forwarded++;
        leave(to, p);
    }
}

static void port_deliver(struct nst_link_upper *upper, struct nst_pktq *q)
{
    struct port *from = (struct port *)upper;
    struct nst_bridge *b = from->bridge;
    struct nst_pkt *p;
    while ((p = nst_pktq_pop(q)) != NULL)
        forward(b, from, p);
    send_all(b);
    if (nst_pktq_is_empty(&b->up))
        return;
    b->counters.delivered += b->up.count;
    nst_link_deliver(&b->link, &b->up);
}

/* ---- The own link ---- */

/* One frame of the NIC. False: it stays, for its port has no room. */
static bool send_own(struct nst_bridge *b, struct nst_pktq *q)
{
    struct eth_hdr hdr;
    const struct nst_pkt *first = q->first;
    if (eth_parse(first->data, first->linear, &hdr) == 0) {
        drop(nst_pktq_pop(q), &b->counters.malformed);
        return true;
    }
    struct port *to = mac_is_multicast(&hdr.dst) ? NULL : look_up(b, NULL, hdr.dst);
    if (to != NULL && is_half_full(to)) {
        send(to);
        if (is_half_full(to)) {
            b->blocker = to;
            return false;
        }
    }
    b->counters.sent++;
    if (to != NULL)
        leave(to, nst_pktq_pop(q));
    else
        flood(b, NULL, nst_pktq_pop(q), false);
    return true;
}

static void bridge_transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct nst_bridge *b = bridge_of(link);
    while (!nst_pktq_is_empty(q)) {
        if (!send_own(b, q)) {
            link->tx_blocked = true;
            break;
        }
    }
    send_all(b);
}

static void attach_port(struct port *port)
{
    port->is_attached = true;
    lower_attach(port->link, &port->upper, port->bridge->link.pool);
}

static void detach_port(struct port *port)
{
    port->is_attached = false;
    lower_detach(port->link, &port->out);
}

static void bridge_attach(struct nst_link *link)
{
    struct nst_bridge *b = bridge_of(link);
    b->is_attached = true;
    for (uint32_t i = 0; i < b->ports_max; i++)
        if (b->ports[i] != NULL)
            attach_port(b->ports[i]);
}

static void bridge_detach(struct nst_link *link)
{
    struct nst_bridge *b = bridge_of(link);
    struct nst_pkt *p;
    b->is_attached = false;
    for (uint32_t i = 0; i < b->ports_max; i++)
        if (b->ports[i] != NULL)
            detach_port(b->ports[i]);
    while ((p = nst_pktq_pop(&b->up)) != NULL)
        nst_pkt_free(p);
    table_forget(&b->table, TABLE_NONE);
    b->blocker = NULL;
    link->tx_blocked = false;
}

static void bridge_run(struct nst_link *link, nst_time now)
{
    struct nst_bridge *b = bridge_of(link);
    b->now = (uint32_t)(now / NST_SEC) + 1;
    for (uint32_t i = 0; i < b->ports_max; i++)
        if (b->ports[i] != NULL)
            lower_run(b->ports[i]->link, now);
}

static nst_time bridge_next_deadline(struct nst_link *link)
{
    const struct nst_bridge *b = bridge_of(link);
    nst_time next = NST_TIME_NEVER;
    for (uint32_t i = 0; i < b->ports_max; i++) {
        const nst_time deadline =
            b->ports[i] != NULL ? lower_next_deadline(b->ports[i]->link) : NST_TIME_NEVER;
        next = deadline < next ? deadline : next;
    }
    return next;
}

static int bridge_set_mtu(struct nst_link *link, uint32_t mtu)
{
    if (mtu == 0 || mtu > GSO_MAX)
        return -NST_EINVAL;
    link->mtu = mtu;
    return 0;
}

static int bridge_set_address(struct nst_link *link, struct nst_mac addr)
{
    if (!mac_is_unicast(&addr))
        return -NST_EINVAL;
    link->addr = addr;
    return 0;
}

static const struct nst_link_ops bridge_ops = {
    .transmit = bridge_transmit,
    .parse_header = nst_ethernet_parse,
    .push_header = nst_ethernet_push,
    .attach = bridge_attach,
    .detach = bridge_detach,
    .run = bridge_run,
    .next_deadline = bridge_next_deadline,
    .set_mtu = bridge_set_mtu,
    .set_address = bridge_set_address,
};

/* ---- Ports ---- */

static struct port *find_port(const struct nst_bridge *b, const struct nst_link *link)
{
    for (uint32_t i = 0; i < b->ports_max; i++)
        if (b->ports[i] != NULL && b->ports[i]->link == link)
            return b->ports[i];
    return NULL;
}

int nst_bridge_add_port(struct nst_bridge *b, struct nst_link *link)
{
    uint32_t index = 0;
    if (link == NULL || link->upper != NULL || link == &b->link ||
        (link->caps & NST_LINK_RESOLVES) == 0 || find_port(b, link) != NULL)
        return -NST_EINVAL;
    while (index < b->ports_max && b->ports[index] != NULL)
        index++;
    if (index == b->ports_max)
        return -NST_ENOBUFS;
    struct port *port = b->allocator.alloc(b->allocator.context, sizeof(*port));
    if (port == NULL)
        return -NST_ENOMEM;
    *port = (struct port){
        .upper = {.deliver = port_deliver, .writable = port_writable},
        .bridge = b,
        .link = link,
        .index = (uint16_t)index,
    };
    b->ports[index] = port;
    if (b->is_attached)
        attach_port(port);
    return 0;
}

int nst_bridge_remove_port(struct nst_bridge *b, struct nst_link *link)
{
    struct port *port = find_port(b, link);
    if (port == NULL)
        return -NST_ENOENT;
    if (port->is_attached)
        detach_port(port);
    table_forget(&b->table, port->index);
    unblock(port);
    b->ports[port->index] = NULL;
    b->allocator.free(b->allocator.context, port, sizeof(*port));
    return 0;
}

int nst_bridge_set_isolated(struct nst_bridge *b, struct nst_link *link, bool isolated)
{
    struct port *port = find_port(b, link);
    if (port == NULL)
        return -NST_ENOENT;
    port->isolated = isolated;
    return 0;
}

/* ---- What can be seen ---- */

size_t nst_bridge_port_list(const struct nst_bridge *b, struct nst_bridge_port *ret, size_t max)
{
    size_t count = 0;
    for (uint32_t i = 0; i < b->ports_max; i++) {
        const struct port *port = b->ports[i];
        if (port == NULL)
            continue;
        if (count < max)
            ret[count] = (struct nst_bridge_port){
                .link = port->link,
                .isolated = port->isolated,
                .rx_packets = port->rx_packets,
                .tx_packets = port->tx_packets,
                .tx_dropped = port->tx_dropped,
            };
        count++;
    }
    return count;
}

size_t nst_bridge_table_list(const struct nst_bridge *b, struct nst_bridge_entry *ret, size_t max)
{
    size_t count = 0;
    for (uint32_t i = 0; i < b->table.count; i++) {
        const struct table_entry *entry = &b->table.entries[i];
        if (!table_is_alive(&b->table, entry, b->now))
            continue;
        if (count < max)
            ret[count] = (struct nst_bridge_entry){
                .addr = entry->addr,
                .port = b->ports[entry->port]->link,
                .idle = (nst_time)(b->now - entry->heard) * NST_SEC,
                .in_use = table_is_used(&b->table, entry, b->now),
            };
        count++;
    }
    return count;
}

bool nst_bridge_counter_at(const struct nst_bridge *bridge, size_t n, struct nst_counter *ret)
{
    const struct counters *c = &bridge->counters;
    const struct nst_counter all[] = {
        {"bridge_rx_packets", "frames that came by its ports", c->received},
        {"bridge_forwarded", "of them, those to a station behind another port", c->forwarded},
        {"bridge_flooded", "frames to everybody, or to a station that is not known", c->flooded},
        {"bridge_to_own", "frames to its own link", c->delivered},
        {"bridge_from_own", "frames of its own link", c->sent},
        {"bridge_learned", "stations that were new", c->learnt},
        {"bridge_moved", "stations that came by another port than before", c->moved},
        {"bridge_evicted", "stations that were forgotten for new ones", c->evicted},
        {"bridge_table_full", "frames whose station could not be remembered", c->full},
        {"bridge_drop_malformed", "frames shorter than their header", c->malformed},
        {"bridge_drop_bad_source", "frames from an address of no single station", c->bad_source},
        {"bridge_drop_own_source", "frames from its own address: a loop, or a lie", c->own_source},
        {"bridge_drop_reserved", "frames to bridges themselves, such as of spanning tree",
         c->reserved},
        {"bridge_drop_same_port", "frames to a station behind the port that they came by",
         c->same_port},
        {"bridge_drop_isolated", "frames from an isolated port to another", c->isolated},
        {"bridge_drop_too_big", "frames longer than the port's MTU", c->too_big},
        {"bridge_drop_port_full", "frames to a port that was full", c->port_full},
        {"bridge_drop_no_memory", "copies and pieces for which there was no memory", c->no_memory},
    };
    if (n >= sizeof(all) / sizeof(all[0]))
        return false;
    *ret = all[n];
    return true;
}

/* ---- Life ---- */

static uint32_t power_of_two(uint32_t n)
{
    uint32_t power = TABLE_WAYS;
    while (power < n)
        power *= 2;
    return power;
}

static uint32_t ageing_seconds(nst_time ageing)
{
    const nst_time seconds = (ageing != 0 ? ageing : AGEING_DEFAULT) / NST_SEC;
    return seconds < 1 ? 1 : seconds > INT32_MAX ? INT32_MAX : (uint32_t)seconds;
}

static void init_bridge(struct nst_bridge *b, const struct nst_allocator *allocator,
                        const struct nst_bridge_config *c)
{
    *b = (struct nst_bridge){
        .link = {.ops = &bridge_ops,
                 .caps = NST_LINK_RESOLVES | NST_LINK_CSUM_TX | NST_LINK_TSO4 | NST_LINK_TSO6,
                 .mtu = c->mtu != 0 ? c->mtu : MTU_DEFAULT,
                 .max_header = MAX_HEADER,
                 .gso_max = GSO_MAX,
                 .addr = c->addr},
        .allocator = *allocator,
        .ports_max = c->ports_max != 0 ? c->ports_max : PORTS_DEFAULT,
        .queue_packets = c->queue_packets != 0 ? c->queue_packets : PACKETS_DEFAULT,
        .queue_bytes = c->queue_bytes != 0 ? c->queue_bytes : BYTES_DEFAULT,
        .now = 1,
        .table = {.count = power_of_two(c->table_max != 0 ? c->table_max : TABLE_DEFAULT),
                  .ageing = ageing_seconds(c->ageing)},
    };
    memcpy(b->table.key, c->seed, sizeof(b->table.key));
}

static void free_bridge(struct nst_bridge *b)
{
    const struct nst_allocator a = b->allocator;
    if (b->ports != NULL)
        a.free(a.context, b->ports, b->ports_max * sizeof(struct port *));
    if (b->table.entries != NULL)
        a.free(a.context, b->table.entries, b->table.count * sizeof(*b->table.entries));
    a.free(a.context, b, sizeof(*b));
}

int nst_bridge_new(const struct nst_allocator *allocator, const struct nst_bridge_config *config,
                   struct nst_bridge **ret_bridge)
{
    if (config->size != sizeof(*config) || !mac_is_unicast(&config->addr) ||
        config->table_max > TABLE_LIMIT || config->ports_max > PORTS_LIMIT || config->ageing < 0 ||
        config->mtu > GSO_MAX)
        return -NST_EINVAL;
    struct nst_bridge *b = allocator->alloc(allocator->context, sizeof(*b));
    if (b == NULL)
        return -NST_ENOMEM;
    init_bridge(b, allocator, config);
    b->ports = allocator->alloc(allocator->context, b->ports_max * sizeof(struct port *));
    b->table.entries =
        allocator->alloc(allocator->context, b->table.count * sizeof(*b->table.entries));
    if (b->ports == NULL || b->table.entries == NULL) {
        free_bridge(b);
        return -NST_ENOMEM;
    }
    memset(b->ports, 0, b->ports_max * sizeof(struct port *));
    table_forget(&b->table, TABLE_NONE);
    *ret_bridge = b;
    return 0;
}

void nst_bridge_free(struct nst_bridge *bridge)
{
    if (bridge == NULL)
        return;
    for (uint32_t i = 0; i < bridge->ports_max; i++)
        if (bridge->ports[i] != NULL)
            nst_bridge_remove_port(bridge, bridge->ports[i]->link);
    free_bridge(bridge);
}

struct nst_link *nst_bridge_link(struct nst_bridge *bridge)
{
    return &bridge->link;
}
