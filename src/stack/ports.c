/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/ports.h"

#include "stack/nic.h"
#include "wire/addr.h"
#include "wire/ipproto.h"

/* ---- Conflicts ---- */

static bool addrs_overlap(const struct nst_addr *a, const struct nst_addr *b)
{
    if (addr_is_unspecified(a))
        return !nst_addr_is_v4(a) || nst_addr_is_v4(b) || addr_is_unspecified(b);
    if (addr_is_unspecified(b))
        return !nst_addr_is_v4(b) || nst_addr_is_v4(a);
    return nst_addr_equal(a, b);
}

static bool nics_overlap(uint32_t a, uint32_t b)
{
    return a == 0 || b == 0 || a == b;
}

static bool may_share(const struct demux_entry *a, const struct demux_entry *b)
{
    if (a->reuse_port && b->reuse_port)
        return true;
    return a->reuse_address && b->reuse_address &&
           (a->key.proto != IP_PROTO_TCP || a->connected || b->connected);
}

/* Does one in the list keep e away? `shared`: reuse is allowed. */
static bool list_conflicts(const struct list *list, const struct demux_entry *e, bool shared)
{
    struct demux_entry *other;

    LIST_FOR_EACH (other, list, struct demux_entry, on_port) {
        if (nics_overlap(other->key.nic, e->key.nic) &&
            addrs_overlap(&other->key.local, &e->key.local) && !(shared && may_share(e, other)))
            return true;
    }
    return false;
}

static bool tuple_is_taken(struct nst_stack *stack, const struct demux_key *key)
{
    /* It finds one on the same NIC or on any, and for NIC 0 one on any NIC: those that overlap. */
    return demux_lookup_exact(stack, key) != NULL;
}

bool ports_conflict(struct nst_stack *stack, const struct demux_entry *e)
{
    const struct demux_port *port = demux_port_lookup(stack, e->key.proto, e->key.local_port);
    if (port == NULL)
        return false;
    /* A connection was bound before, or belongs to a listener: only the 4-tuple has to be new. */
    if (e->connected)
        return port->connected > 0 && tuple_is_taken(stack, &e->key);
    return list_conflicts(&port->bound, e, true) || list_conflicts(&port->held, e, true);
}

/* ---- Choice ---- */

static bool is_free(struct nst_stack *stack, const struct demux_entry *e, uint16_t candidate)
{
    const struct demux_port *port = demux_port_lookup(stack, e->key.proto, candidate);
    if (port == NULL)
        return true;
    if (list_conflicts(&port->bound, e, false))
        return false;
    if (!e->connected)
        return !list_conflicts(&port->held, e, false);
    struct demux_key key = e->key;
    key.local_port = candidate;
    return !tuple_is_taken(stack, &key);
}

/* RFC 6056 3.3.4: F and G of the destination, with different keys. */
static uint64_t hash_destination(const struct nst_stack *stack, const struct demux_key *key,
                                 uint64_t which)
{
    const struct siphash_key secret = {stack->demux.ports_key[0], stack->demux.ports_key[1]};
    const uint64_t words[6] = {key->local.q[0],  key->local.q[1],  key->remote.q[0],
                               key->remote.q[1], key->remote_port, which};
    return siphash24_6(&secret, words);
}

int ports_choose(struct nst_stack *stack, const struct demux_entry *e, uint16_t *ret_port)
{
    uint32_t drawn = 0, offset;
    uint32_t *counter = &drawn;

    if (e->connected && e->key.proto == IP_PROTO_TCP) {
        const uint64_t g = hash_destination(stack, &e->key, 1);
        offset = (uint32_t)hash_destination(stack, &e->key, 0);
        counter = &stack->demux.counters[g % DEMUX_PORT_COUNTERS];
        /* RFC 6056 3.3.5: a random increment, so that who sees one port does not know the next. */
        *counter += rand_below(&stack->rand, 8);
    } else {
        offset = rand_u32(&stack->rand);
    }
    for (uint32_t i = 0; i < PORTS_COUNT; i++) {
        const uint16_t port = (uint16_t)(PORTS_FIRST + (offset + (*counter)++) % PORTS_COUNT);
        if (is_free(stack, e, port)) {
            *ret_port = port;
            return 0;
        }
    }
    return -NST_EADDRNOTAVAIL;
}

/* ---- Addresses ---- */

static bool nic_may_use(struct nic *nic, const struct nst_addr *addr)
{
    if (nic->spoofing)
        return true;
    for (int i = 0; i < NET_INDEX_MAX; i++) {
        const struct net_ep *ep = nic_ep(nic, i);
        if (ep == NULL)
            continue;
        const enum addr_kind kind = addrs_classify(ep, addr);
        if (kind == ADDR_ASSIGNED || kind == ADDR_SUBNET_BROADCAST)
            return true;
    }
    return false;
}

bool ports_address_is_usable(const struct nst_stack *stack, const struct nst_addr *addr,
                             uint32_t nic_id)
{
    struct nic *nic;

    if (addr_is_unspecified(addr) || addr_is_multicast(addr) || addr_is_limited_broadcast(addr))
        return true;
    LIST_FOR_EACH (nic, &stack->nics, struct nic, node) {
        if ((nic_id == 0 || nic->id == nic_id) && nic_may_use(nic, addr))
            return true;
    }
    return false;
}
