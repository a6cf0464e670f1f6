/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a NIC (NIC.md section 1).
 *
 * Theory of operation. A NIC is one object: the upper end of its link, an endpoint for each network
 * protocol that fits, queues and counters. It is on the stack's list, by id, from when it is whole
 * until nic_free. The link is attached last and detached first of what the host sees, so it never
 * finds half a NIC.
 *
 * Life: nst_nic_add -> (nst_nic_enable <-> nst_nic_disable)* -> nst_nic_remove.
 *
 * Invariants: (1) an endpoint is enabled only while its NIC is, or while the NIC is being enabled;
 * (2) nothing is in txq or in a pending queue of a disabled NIC; (3) every change that makes a
 * cached destination wrong bumps routes.generation; (4) an endpoint exists exactly for each
 * protocol whose least MTU the link has; (5) every change is an event, and an event is a change:
 * who reads all of them knows what listing would say.
 *
 * What can be changed of a NIC that exists is in nic_change.c.
 */
#include "stack/nic.h"

#include "base/check.h"
#include "base/config.h"
#include "base/fmt.h"
#include "stack/event.h"
#include "wire/addr.h"

#define TX_QUEUE_PACKETS 1000
#define TX_QUEUE_BYTES   (4u << 20)

struct nic *nic_by_id(const struct nst_stack *stack, uint32_t id)
{
    struct nic *nic;
    LIST_FOR_EACH (nic, &stack->nics, struct nic, node) {
        if (nic->id == id)
            return nic;
    }
    return NULL;
}

struct nic *nic_by_name(const struct nst_stack *stack, const char *name)
{
    struct nic *nic;
    LIST_FOR_EACH (nic, &stack->nics, struct nic, node) {
        if (name_equal(nic->name, name))
            return nic;
    }
    return NULL;
}

/* ---- Adding ---- */

static bool link_is_valid(const struct nst_link *link)
{
    if (link == NULL || link->upper != NULL || link->ops == NULL || link->ops->transmit == NULL ||
        link->ops->parse_header == NULL || link->ops->push_header == NULL)
        return false;
    /* N4 */
    const struct nst_mac addr = mac_get(link->addr.b);
    return (link->caps & NST_LINK_RESOLVES) == 0 || mac_is_unicast(&addr);
}

/* The id that was asked for, or the smallest free one; 0: it is taken. */
static uint32_t choose_id(const struct nst_stack *stack, uint32_t id)
{
    if (id != 0)
        return nic_by_id(stack, id) == NULL ? id : 0;
    for (id = 1; nic_by_id(stack, id) != NULL; id++)
        ;
    return id;
}

int nic_choose_name(const struct nst_stack *stack, const char *name, uint32_t id,
                    char ret_name[NST_NIC_NAME_MAX])
{
    struct fmt f;
    fmt_init(&f, ret_name, NST_NIC_NAME_MAX);
    if (name != NULL)
        fmt_str(&f, name);
    else
        fmt_f(&f, "nic%u", (unsigned)id);
    if (f.length == 0 || !fmt_is_complete(&f))
        return -NST_EINVAL;
    return nic_by_name(stack, ret_name) == NULL ? 0 : -NST_EEXIST;
}

/* The list stays in order of id. */
static void list_by_id(struct nst_stack *stack, struct nic *nic)
{
    struct nic *next;
    LIST_FOR_EACH (next, &stack->nics, struct nic, node) {
        if (next->id > nic->id)
            break;
    }
    list_insert_before(&next->node, &nic->node);
}

void nic_ep_fini(struct net_ep *ep)
{
    if (ep->proto->ep_fini != NULL)
        ep->proto->ep_fini(ep);
    neigh_table_fini(&ep->neighs);
    addrs_fini(ep);
    groups_fini(ep);
    ep->proto = NULL;
}

static void fini_eps(struct nic *nic)
{
    for (unsigned i = NET_INDEX_MAX; i-- > 0;) {
        if (nic->eps[i].proto != NULL)
            nic_ep_fini(&nic->eps[i]);
    }
}

int nic_ep_init(struct nic *nic, const struct net_proto *proto)
{
    struct net_ep *ep = &nic->eps[proto->index];
    ep->nic = nic;
    ep->proto = proto;
    ep->forwarding = false;
    ep->mtu = 0;
    ep->hop_limit = 0;
    addrs_init(&ep->addrs);
    groups_init(ep);
    neigh_table_init(&ep->neighs, ep);
    int r = proto->ep_init != NULL ? proto->ep_init(ep) : 0;
    if (r < 0) {
        neigh_table_fini(&ep->neighs);
        addrs_fini(ep);
        groups_fini(ep);
        ep->proto = NULL;
    }
    return r;
}

/* N1, N4: an endpoint for each protocol whose packets the link can carry. */
static int init_eps(struct nic *nic)
{
    for (unsigned i = 0; i < NET_INDEX_MAX; i++) {
        const struct net_proto *proto = nic->stack->net[i];
        if (proto == NULL)
            continue;
        if (nic->link->mtu < proto->min_mtu) {
            stack_log(nic->stack, "%s: %s needs an MTU of %u and the link's is %u: left out",
                      nic->name, proto->name, (unsigned)proto->min_mtu, (unsigned)nic->link->mtu);
            continue;
        }
        int r = nic_ep_init(nic, proto);
        if (r < 0) {
            fini_eps(nic);
            return r;
        }
    }
    return 0;
}

static struct nic *make_nic(struct nst_stack *stack, const struct nst_nic_config *config)
{
    struct nic *nic = mem_zalloc(&stack->pool->mem, sizeof(*nic));
    if (nic == NULL)
        return NULL;
    nic->upper = (struct nst_link_upper){.deliver = nic_deliver, .writable = nic_writable};
    nic->stack = stack;
    nic->link = config->link;
    nic->context = config->context;
    nic->promiscuous = config->promiscuous;
    nic->spoofing = config->spoofing;
    nic->link_local = config->link_local;
    nic->no_group_reports = config->no_group_reports;
    nic->accept_ra = config->accept_ra;
    nic->temporary_addresses = config->temporary_addresses;
    nic->txq_max_packets =
        config->tx_queue_packets != 0 ? config->tx_queue_packets : TX_QUEUE_PACKETS;
    nic->txq_max_bytes = config->tx_queue_bytes != 0 ? config->tx_queue_bytes : TX_QUEUE_BYTES;
    list_init(&nic->node);
    list_init(&nic->tx_waiters);
    neigh_pending_init(&nic->pending);
    todo_init(&nic->todo, nic_flush);
    return nic;
}

static void attach(struct nic *nic)
{
    struct nst_link *link = nic->link;
    link->upper = &nic->upper;
    link->pool = nic->stack->pool;
    if (link->ops->attach != NULL) {
        nic->stack->running = true;
        link->ops->attach(link);
        nic->stack->running = false;
    }
}

static int enable(struct nic *nic);

/* Endpoints and state, all but the link. */
static int bring_up(struct nic *nic, bool disabled)
{
    int r = init_eps(nic);
    if (r < 0)
        return r;
    list_by_id(nic->stack, nic);
    nic_tap_nic_added(nic);
    event_nic(nic, NST_EVENT_NIC_ADDED);
    r = disabled ? 0 : enable(nic);
    if (r < 0) {
        list_remove(&nic->node);
        fini_eps(nic);
        event_put(nic, &(struct nst_event){.kind = NST_EVENT_NIC_REMOVED, .why = NST_WHY_FAILED});
    }
    return r;
}

int nst_nic_add(struct nst_stack *stack, const struct nst_nic_config *config, uint32_t *ret_id)
{
    stack_check_caller(stack);
    struct nst_nic_config c;
    if (!config_copy(&c, sizeof(c), config, offsetof(struct nst_nic_config, disabled)) ||
        !link_is_valid(c.link) || c.link_local > NST_LINK_LOCAL_OPAQUE)
        return -NST_EINVAL;
    /* N2 */
    uint32_t id = choose_id(stack, c.id);
    if (id == 0)
        return -NST_EEXIST;
    char name[NST_NIC_NAME_MAX] = "";
    int r = nic_choose_name(stack, c.name, id, name);
    if (r < 0)
        return r;
    struct nic *nic = make_nic(stack, &c);
    if (nic == NULL)
        return -NST_ENOMEM;
    nic->id = id;
    memcpy(nic->name, name, sizeof(name));
    r = bring_up(nic, c.disabled);
    if (r < 0) {
        todo_cancel(&nic->todo);
        mem_free(&stack->pool->mem, nic, sizeof(*nic));
        return r;
    }
    if (nic->enabled)
        event_nic(nic, NST_EVENT_NIC_ENABLED);
    /* N3 */
    attach(nic);
    if (ret_id != NULL)
        *ret_id = id;
    return 0;
}

/* ---- Up and down ---- */

void nic_ep_disable(struct net_ep *ep)
{
    if (ep->enabled && ep->proto->ep_disable != NULL)
        ep->proto->ep_disable(ep);
    ep->enabled = false;
    neigh_table_flush(&ep->neighs, true, NST_WHY_NIC);
}

static void stop_eps(struct nic *nic)
{
    for (unsigned i = NET_INDEX_MAX; i-- > 0;) {
        if (nic->eps[i].proto != NULL)
            nic_ep_disable(&nic->eps[i]);
    }
}

static void drop_queued(struct nic *nic)
{
    pktq_drop(&nic->txq, DROP_TX_NIC_DOWN);
    nic->tx_taken = nic->tx_queued;
}

/* N7, also the rollback of N5. What protocols say when they stop (that groups are left) still goes
 * out, and nothing else. */
static void disable(struct nic *nic)
{
    drop_queued(nic);
    stop_eps(nic);
    nic_flush(&nic->todo);
    drop_queued(nic);
    todo_cancel(&nic->todo);
    pktq_drop(&nic->loopq, DROP_TX_NIC_DOWN);
    /* Who waits for room finds out that there is no NIC. */
    list_splice_tail(&nic->stack->todos, &nic->tx_waiters);
    nic->enabled = false;
    route_changed(nic->stack);
}

int nic_ep_enable(struct net_ep *ep)
{
    ep->enabled = true;
    const int r = ep->proto->ep_enable != NULL ? ep->proto->ep_enable(ep) : 0;
    if (r < 0)
        ep->enabled = false;
    return r;
}

static int enable(struct nic *nic)
{
    nic->enabled = true;
    route_changed(nic->stack);
    for (unsigned i = 0; i < NET_INDEX_MAX; i++) {
        const int r = nic->eps[i].proto != NULL ? nic_ep_enable(&nic->eps[i]) : 0;
        if (r < 0) {
            disable(nic);
            return r;
        }
    }
    return 0;
}

int nst_nic_enable(struct nst_stack *stack, uint32_t id)
{
    stack_check_caller(stack);
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    if (nic->enabled)
        return 0;
    const int r = enable(nic);
    if (r < 0)
        return r;
    event_nic(nic, NST_EVENT_NIC_ENABLED);
    stack_ways_changed(stack);
    return 0;
}

static void take_down(struct nic *nic)
{
    disable(nic);
    event_nic(nic, NST_EVENT_NIC_DISABLED);
    stack_ways_changed(nic->stack);
}

int nst_nic_disable(struct nst_stack *stack, uint32_t id)
{
    stack_check_caller(stack);
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    if (nic->enabled)
        take_down(nic);
    return 0;
}

/* ---- Removing ---- */

static void detach(struct nic *nic)
{
    struct nst_link *link = nic->link;
    if (link->ops->detach != NULL) {
        nic->stack->running = true;
        link->ops->detach(link);
        nic->stack->running = false;
    }
    link->upper = NULL;
    link->pool = NULL;
}

/* N9 */
void nic_free(struct nic *nic)
{
    struct nst_stack *stack = nic->stack;
    if (nic->enabled)
        take_down(nic);
    route_remove_nic(stack, nic);
    list_remove(&nic->node);
    fini_eps(nic);
    event_nic(nic, NST_EVENT_NIC_REMOVED);
    detach(nic);
    pktq_drop(&nic->rxq, DROP_NIC_DISABLED);
    /* A writer that was woken may have looked at the NIC once more. */
    list_splice_tail(&stack->todos, &nic->tx_waiters);
    todo_cancel(&nic->todo);
    route_changed(stack);
    mem_free(&stack->pool->mem, nic, sizeof(*nic));
}

int nst_nic_remove(struct nst_stack *stack, uint32_t id)
{
    stack_check_caller(stack);
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    nic_free(nic);
    return 0;
}

/* ---- What can be seen and set ---- */

int nst_nic_get_info(const struct nst_stack *stack, uint32_t id, struct nst_nic_info *ret_info)
{
    const struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    *ret_info = (struct nst_nic_info){
        .id = nic->id,
        .context = nic->context,
        .mtu = nic->link->mtu,
        .caps = nic->link->caps,
        .addr = nic->link->addr,
        .enabled = nic->enabled,
        .promiscuous = nic->promiscuous,
        .spoofing = nic->spoofing,
        .forwarding = nic->eps[NET_IPV4].forwarding || nic->eps[NET_IPV6].forwarding,
        .tx_blocked = nic->link->tx_blocked,
    };
    memcpy(ret_info->name, nic->name, sizeof(nic->name));
    return 0;
}

uint32_t nst_nic_next(const struct nst_stack *stack, uint32_t id)
{
    const struct nic *nic;
    LIST_FOR_EACH (nic, &stack->nics, struct nic, node) {
        if (nic->id > id)
            return nic->id;
    }
    return 0;
}

int nst_nic_set_promiscuous(struct nst_stack *stack, uint32_t id, bool on)
{
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    nic->promiscuous = on;
    return 0;
}

int nst_nic_set_spoofing(struct nst_stack *stack, uint32_t id, bool on)
{
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    nic->spoofing = on;
    route_changed(stack);
    stack_ways_changed(stack);
    return 0;
}

bool nst_nic_unknown_at(const struct nst_stack *stack, uint32_t id, size_t n, struct nst_tally *ret)
{
    const struct nic *nic = nic_by_id(stack, id);
    return nic != NULL && tally_at(&nic->unknown_protocols, n, ret);
}

int nic_ip_ep(const struct nst_stack *stack, uint32_t id, uint16_t protocol, struct net_ep **ret_ep)
{
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    for (unsigned i = 0; i < NET_INDEX_MAX; i++) {
        if (stack->net[i] == NULL || stack->net[i]->ethertype != protocol)
            continue;
        if (i == NET_ARP || nic_ep(nic, (enum net_index)i) == NULL)
            return -NST_EOPNOTSUPP;
        *ret_ep = &nic->eps[i];
        return 0;
    }
    return -NST_EPROTONOSUPPORT;
}

bool nst_nic_counter_at(const struct nst_stack *stack, uint32_t id, size_t n,
                        struct nst_counter *ret)
{
    const struct nic *nic = nic_by_id(stack, id);
    const struct counter_desc *d = counter_nic_at(n);
    if (nic == NULL || d == NULL)
        return false;
    const uint8_t *at = (const uint8_t *)&nic->counters + d->offset;
    *ret = (struct nst_counter){d->name, d->text, *(const uint64_t *)(const void *)at};
    return true;
}

int nst_nic_counter_get(const struct nst_stack *stack, uint32_t id, const char *name,
                        uint64_t *ret_value)
{
    struct nst_counter counter;
    for (size_t n = 0; nst_nic_counter_at(stack, id, n, &counter); n++) {
        if (name_equal(counter.name, name)) {
            *ret_value = counter.value;
            return 0;
        }
    }
    return -NST_ENOENT;
}
