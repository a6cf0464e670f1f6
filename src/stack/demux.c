/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/demux.h"

#include "stack/nic.h"
#include "stack/ports.h"
#include "wire/addr.h"

#define PORTS_PER_CHUNK 56

void demux_init(struct nst_stack *stack)
{
    struct demux *d = &stack->demux;
    hash_init(&d->connected, &stack->pool->mem);
    hash_init(&d->ports, &stack->pool->mem);
    slab_init(&d->port_slab, &stack->pool->mem, sizeof(struct demux_port), "demux_port",
              PORTS_PER_CHUNK);
    d->port_mul = rand_u64(&stack->rand) | 1;
    d->port_add = rand_u64(&stack->rand);
    rand_bytes(&stack->rand, d->ports_key, sizeof(d->ports_key));
    d->change = 1;
    rand_bytes(&stack->rand, d->counters, sizeof(d->counters));
}

void demux_fini(struct nst_stack *stack)
{
    struct demux *d = &stack->demux;
    DEBUG_CHECK(hash_count(&d->connected) == 0 && hash_count(&d->ports) == 0);
    hash_fini(&d->connected);
    hash_fini(&d->ports);
    slab_fini(&d->port_slab);
}

/* ---- The hash of a 4-tuple ---- */

static inline uint64_t hash_tuple(const struct nst_stack *stack, const struct nst_addr *local,
                                  const struct nst_addr *remote, uint64_t tail)
{
    if (likely(nst_addr_is_v4(remote)))
        return siphash13_2(&stack->hash_key, (uint64_t)local->w[3] << 32 | remote->w[3], tail);
    const uint64_t words[5] = {local->q[0], local->q[1], remote->q[0], remote->q[1], tail};
    return siphash13_5(&stack->hash_key, words);
}

static inline uint64_t tuple_tail(uint8_t proto, uint16_t local_port, uint16_t remote_port)
{
    return (uint64_t)proto << 32 | (uint32_t)local_port << 16 | remote_port;
}

uint64_t demux_hash(const struct nst_stack *stack, const struct demux_key *key)
{
    return hash_tuple(stack, &key->local, &key->remote,
                      tuple_tail(key->proto, key->local_port, key->remote_port));
}

/* ---- Ports ---- */

static inline struct demux_port *find_port(const struct demux *d, uint32_t id)
{
    /* Multiply-shift with a secret odd factor: nobody can choose ports that collide. */
    const uint64_t hash = (id * d->port_mul + d->port_add) >> 32;
    for (struct hash_node *n = hash_first(&d->ports, hash); n != NULL; n = hash_next(n)) {
        struct demux_port *port = container_of(n, struct demux_port, node);
        if (likely(port->id == id))
            return port;
    }
    return NULL;
}

static inline uint32_t port_id(uint8_t proto, uint16_t port)
{
    return (uint32_t)proto << 16 | port;
}

struct demux_port *demux_port_lookup(const struct nst_stack *stack, uint8_t proto, uint16_t port)
{
    return find_port(&stack->demux, port_id(proto, port));
}

static struct demux_port *get_port(struct demux *d, uint32_t id)
{
    struct demux_port *port = find_port(d, id);
    if (port != NULL)
        return port;
    port = slab_take(&d->port_slab);
    if (port == NULL)
        return NULL;
    list_init(&port->bound);
    list_init(&port->held);
    port->connected = 0;
    port->users = 0;
    port->id = id;
    hash_insert(&d->ports, &port->node, (id * d->port_mul + d->port_add) >> 32);
    return port;
}

/* ---- Registration ---- */

static int enter(struct nst_stack *stack, struct demux_entry *e)
{
    struct demux *d = &stack->demux;
    struct demux_port *port = get_port(d, port_id(e->key.proto, e->key.local_port));
    if (port == NULL)
        return -NST_ENOMEM;
    port->users++;
    list_init(&e->on_port);
    if (e->connected) {
        port->connected++;
        hash_insert(&d->connected, &e->node, demux_hash(stack, &e->key));
        if (!e->shares_port)
            list_add_head(&port->held, &e->on_port);
    } else {
        list_add_head(&port->bound, &e->on_port);
    }
    e->registered = true;
    d->change++;
    return 0;
}

int demux_add(struct nst_stack *stack, struct demux_entry *e)
{
    const uint16_t wanted = e->key.local_port;

    DEBUG_CHECK(!e->registered);
    e->connected = !addr_is_unspecified(&e->key.remote) && !addr_is_unspecified(&e->key.local);
    int r = 0;
    if (wanted == 0)
        r = ports_choose(stack, e, &e->key.local_port);
    else if (ports_conflict(stack, e))
        r = -NST_EADDRINUSE;
    if (r == 0)
        r = enter(stack, e);
    if (r < 0)
        e->key.local_port = wanted;
    return r;
}

void demux_remove(struct nst_stack *stack, struct demux_entry *e)
{
    if (!e->registered)
        return;
    struct demux *d = &stack->demux;
    struct demux_port *port = find_port(d, port_id(e->key.proto, e->key.local_port));
    list_remove(&e->on_port);
    if (e->connected) {
        hash_remove(&d->connected, &e->node);
        port->connected--;
    }
    if (--port->users == 0) {
        hash_remove(&d->ports, &port->node);
        slab_give(&d->port_slab, port);
    }
    e->registered = false;
    d->change++;
}

/* ---- Look-up ---- */

/* A packet, as much of it as matters here. */
struct flow {
    const struct nst_addr *local, *remote;
    uint16_t local_port, remote_port;
    uint32_t nic; /* 0: any */
    uint8_t proto;
};

static inline bool is_tuple(const struct demux_key *k, const struct flow *f)
{
    return k->remote_port == f->remote_port && k->local_port == f->local_port &&
           nst_addr_equal(&k->remote, f->remote) && nst_addr_equal(&k->local, f->local) &&
           k->proto == f->proto;
}

static inline struct demux_entry *find_connected(const struct nst_stack *stack,
                                                 const struct flow *f)
{
    const uint64_t hash =
        hash_tuple(stack, f->local, f->remote, tuple_tail(f->proto, f->local_port, f->remote_port));
    struct demux_entry *any = NULL;

    for (struct hash_node *n = hash_first(&stack->demux.connected, hash); n != NULL;
         n = hash_next(n)) {
        struct demux_entry *e = container_of(n, struct demux_entry, node);
        if (unlikely(!is_tuple(&e->key, f)))
            continue;
        if (e->key.nic == f->nic || f->nic == 0)
            return e;
        if (e->key.nic == 0)
            any = e;
    }
    return any;
}

struct demux_entry *demux_lookup_exact(struct nst_stack *stack, const struct demux_key *key)
{
    const struct flow f = {&key->local,      &key->remote, key->local_port,
                           key->remote_port, key->nic,     key->proto};
    return find_connected(stack, &f);
}

/* N102: how well an endpoint that is not connected matches; 0: not at all. */
static inline unsigned score(const struct demux_entry *e, const struct flow *f)
{
    const struct demux_key *k = &e->key;
    unsigned result = 1;

    if (k->nic != 0) {
        if (k->nic != f->nic)
            return 0;
        result += 1;
    }
    if (!addr_is_unspecified(&k->local)) {
        if (!nst_addr_equal(&k->local, f->local))
            return 0;
        result += 2;
    } else if (nst_addr_is_v4(&k->local) && !nst_addr_is_v4(f->local)) {
        return 0;
    }
    if (!addr_is_unspecified(&k->remote)) {
        if (!nst_addr_equal(&k->remote, f->remote) || k->remote_port != f->remote_port)
            return 0;
        result += 4;
    }
    return result;
}

/* N103: one of those that share the port and match as well as `first`, by the flow's hash. */
static struct demux_entry *spread(const struct nst_stack *stack, const struct demux_port *port,
                                  struct demux_entry *first, const struct flow *f)
{
    const unsigned best = score(first, f);
    struct demux_entry *e;
    uint32_t count = 0;

    LIST_FOR_EACH (e, &port->bound, struct demux_entry, on_port)
        count += e->reuse_port && score(e, f) == best;
    if (count == 1)
        return first;
    const uint64_t hash =
        hash_tuple(stack, f->local, f->remote, tuple_tail(f->proto, f->local_port, f->remote_port));
    uint32_t chosen = (uint32_t)((hash >> 32) * count >> 32);
    LIST_FOR_EACH (e, &port->bound, struct demux_entry, on_port) {
        if (e->reuse_port && score(e, f) == best && chosen-- == 0)
            break;
    }
    return e;
}

static inline struct demux_entry *find_bound(const struct nst_stack *stack,
                                             const struct demux_port *port, const struct flow *f)
{
    struct demux_entry *best = NULL, *e;
    unsigned best_score = 0;

    LIST_FOR_EACH (e, &port->bound, struct demux_entry, on_port) {
        const unsigned s = score(e, f);
        if (s > best_score) {
            best = e;
            best_score = s;
        }
    }
    if (best != NULL && unlikely(best->reuse_port))
        best = spread(stack, port, best, f);
    return best;
}

static inline struct flow flow_of(const struct rx *rx, uint16_t src_port, uint16_t dst_port)
{
    return (struct flow){&rx->dst, &rx->src, dst_port, src_port, rx->nic->id, rx->proto};
}

static struct demux_entry *lookup(struct nst_stack *stack, const struct rx *rx, uint16_t src_port,
                                  uint16_t dst_port)
{
    const struct demux_port *port = find_port(&stack->demux, port_id(rx->proto, dst_port));
    if (port == NULL)
        return NULL;
    const struct flow f = flow_of(rx, src_port, dst_port);
    if (port->connected > 0) {
        struct demux_entry *e = find_connected(stack, &f);
        if (e != NULL)
            return e;
    }
    return find_bound(stack, port, &f);
}

struct demux_entry *demux_lookup_anew(struct nst_stack *stack, const struct rx *rx,
                                      uint16_t src_port, uint16_t dst_port)
{
    struct demux_entry *e = lookup(stack, rx, src_port, dst_port);
    if (e != NULL && rx->flow != NULL) {
        rx->flow->entry = e;
        rx->flow->change = stack->demux.change;
    }
    return e;
}

struct demux_entry *demux_next_match(struct nst_stack *stack, const struct rx *rx,
                                     uint16_t src_port, uint16_t dst_port, struct demux_entry *e)
{
    const struct demux_port *port = find_port(&stack->demux, port_id(rx->proto, dst_port));
    if (port == NULL)
        return NULL;
    const struct flow f = flow_of(rx, src_port, dst_port);
    if (e == NULL && port->connected > 0) {
        e = find_connected(stack, &f);
        if (e != NULL)
            return e;
    }
    struct list *at = e == NULL || e->connected ? port->bound.next : e->on_port.next;
    for (; at != &port->bound; at = at->next) {
        e = container_of(at, struct demux_entry, on_port);
        if (score(e, &f) != 0)
            return e;
    }
    return NULL;
}
