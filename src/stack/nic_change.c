/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be changed of a NIC that exists (N10): its name, its MTU, its link address, what it is
 * for. Each change is told as an event, and makes cached destinations stale where it concerns them,
 * so that connections find out with their next packet.
 */
#include "base/check.h"
#include "stack/event.h"
#include "stack/nic.h"
#include "wire/addr.h"

int nst_nic_set_context(struct nst_stack *stack, uint32_t id, void *context)
{
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    nic->context = context;
    return 0;
}

int nst_nic_set_name(struct nst_stack *stack, uint32_t id, const char *name)
{
    char chosen[NST_NIC_NAME_MAX];
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    if (name != NULL && nic_by_name(stack, name) == nic)
        return 0;
    if (name == NULL)
        return -NST_EINVAL;
    const int r = nic_choose_name(stack, name, id, chosen);
    if (r < 0)
        return r;
    memcpy(nic->name, chosen, sizeof(nic->name));
    event_nic(nic, NST_EVENT_NIC_RENAMED);
    return 0;
}

/* ---- MTU ---- */

static int tell_link_mtu(struct nic *nic, uint32_t mtu)
{
    struct nst_link *link = nic->link;
    if (link->ops->set_mtu == NULL)
        return -NST_EOPNOTSUPP;
    nic->stack->running = true;
    const int r = link->ops->set_mtu(link, mtu);
    nic->stack->running = false;
    TAPE(nic->stack, changed, nic, r);
    return r;
}

static bool fits(const struct nic *nic, const struct net_proto *proto)
{
    return proto->min_mtu <= nic->link->mtu;
}

static int start(struct nic *nic, const struct net_proto *proto)
{
    int r = nic_ep_init(nic, proto);
    if (r < 0 || !nic->enabled)
        return r;
    r = nic_ep_enable(&nic->eps[proto->index]);
    if (r < 0)
        nic_ep_fini(&nic->eps[proto->index]);
    return r;
}

/* Its addresses and routes go with it. */
static void stop(struct net_ep *ep)
{
    nic_ep_disable(ep);
    route_remove_family(ep->nic->stack, ep->nic, ep->proto->index == NET_IPV4);
    stack_log(ep->nic->stack, "%s: %s needs an MTU of %u and the link's is %u: stopped",
              ep->nic->name, ep->proto->name, (unsigned)ep->proto->min_mtu,
              (unsigned)ep->nic->link->mtu);
    nic_ep_fini(ep);
}

/* Protocols that do not fit the link. */
static void stop_unfit(struct nic *nic)
{
    for (unsigned i = NET_INDEX_MAX; i-- > 0;) {
        if (nic->eps[i].proto != NULL && !fits(nic, nic->eps[i].proto))
            stop(&nic->eps[i]);
    }
}

/* N4: a protocol runs on the NIC exactly if it fits. 0, or an error of one that is to start. */
static int start_fit(struct nic *nic)
{
    for (unsigned i = 0; i < NET_INDEX_MAX; i++) {
        const struct net_proto *proto = nic->stack->net[i];
        if (proto == NULL || nic->eps[i].proto != NULL || !fits(nic, proto))
            continue;
        const int r = start(nic, proto);
        if (r < 0)
            return r;
    }
    return 0;
}

int nst_nic_set_mtu(struct nst_stack *stack, uint32_t id, uint32_t mtu)
{
    stack_check_caller(stack);
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    const uint32_t old = nic->link->mtu;
    if (mtu == old)
        return 0;
    int r = mtu != 0 ? tell_link_mtu(nic, mtu) : -NST_EINVAL;
    if (r < 0)
        return r;
    r = start_fit(nic);
    if (r < 0)
        tell_link_mtu(nic, old);
    stop_unfit(nic);
    route_changed(stack);
    if (r == 0)
        event_put(nic, &(struct nst_event){.kind = NST_EVENT_NIC_MTU, .value = nic->link->mtu});
    return r;
}

/* ---- Link address ---- */

int nst_nic_set_link_addr(struct nst_stack *stack, uint32_t id, struct nst_mac addr)
{
    stack_check_caller(stack);
    struct nic *nic = nic_by_id(stack, id);
    if (nic == NULL)
        return -NST_ENOENT;
    struct nst_link *link = nic->link;
    if ((link->caps & NST_LINK_RESOLVES) == 0 || link->ops->set_address == NULL)
        return -NST_EOPNOTSUPP;
    const struct nst_mac mac = mac_get(addr.b);
    if (!mac_is_unicast(&mac))
        return -NST_EINVAL;
    if (memcmp(&addr, &link->addr, sizeof(addr)) == 0)
        return 0;
    stack->running = true;
    const int r = link->ops->set_address(link, addr);
    stack->running = false;
    TAPE(stack, changed, nic, r);
    if (r < 0)
        return r;
    route_changed(stack);
    event_put(nic, &(struct nst_event){.kind = NST_EVENT_NIC_LINK_ADDR, .mac = addr});
    for (unsigned i = 0; i < NET_INDEX_MAX; i++) {
        struct net_ep *ep = &nic->eps[i];
        if (ep->proto != NULL && ep->enabled && ep->proto->announce != NULL)
            ep->proto->announce(ep);
    }
    return 0;
}

/* ---- Forwarding ---- */

int nst_nic_set_forwarding(struct nst_stack *stack, uint32_t id, uint16_t protocol, bool on)
{
    struct net_ep *ep;
    const int r = nic_ip_ep(stack, id, protocol, &ep);
    if (r < 0 || ep->forwarding == on)
        return r;
    ep->forwarding = on;
    if (ep->proto->forwarding_changed != NULL)
        ep->proto->forwarding_changed(ep);
    return 0;
}

int nst_nic_get_forwarding(const struct nst_stack *stack, uint32_t id, uint16_t protocol)
{
    struct net_ep *ep;
    const int r = nic_ip_ep(stack, id, protocol, &ep);
    return r == 0 ? ep->forwarding : r;
}
