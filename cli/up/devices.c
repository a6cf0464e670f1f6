/* SPDX-License-Identifier: Apache-2.0 */
/* The devices of nst up: see devices.h. */
#include "up/devices.h"

#include <stdlib.h>
#include <string.h>

static struct device *find_device(const struct devices *devices, const char *name)
{
    struct device *d = devices->first;
    while (d != NULL && strcmp(d->name, name) != 0)
        d = d->next;
    return d;
}

static struct device *find(const struct devices *devices, const char *name, unsigned column,
                           struct fault *fault)
{
    struct device *d = find_device(devices, name);
    if (d == NULL)
        fault_set(fault, column, "there is no NIC '%s' (ENOENT): nic show lists them", name);
    return d;
}

/* What was added by type, and the two that have orders of their own. */
static const char *kind_name(enum device_kind kind)
{
    if (kind == DEVICE_BRIDGE || kind == DEVICE_VLAN)
        return order_object_name(kind == DEVICE_BRIDGE ? ORDER_BRIDGE : ORDER_VLAN);
    return order_type_name((enum order_type)kind);
}

void devices_describe(const struct devices *devices, uint32_t nic, struct nic_details *ret_details)
{
    for (const struct device *d = devices->first; d != NULL; d = d->next) {
        if (d->nic != nic)
            continue;
        ret_details->type = kind_name(d->kind);
        ret_details->ifname = d->ifname[0] != '\0' ? d->ifname : NULL;
        ret_details->link = d->kind == DEVICE_VLAN ? d->under->name : NULL;
        ret_details->vlan = d->vlan;
        return;
    }
}

/* ---- NICs of devices ---- */

static bool is_ethernet(const struct nst_link *link)
{
    return (link->caps & NST_LINK_RESOLVES) != 0;
}

static int add_trunk(struct devices *devices, struct device *d)
{
    int r = 0;
    d->top = d->link;
    if (is_ethernet(d->link))
        r = nst_trunk_new(&devices->allocator, d->link, &d->trunk);
    if (d->trunk != NULL)
        d->top = nst_trunk_link(d->trunk);
    return r;
}

static int add_nic(struct devices *devices, struct device *d, bool disabled)
{
    const struct nst_nic_config config = {
        .size = sizeof(config),
        .name = d->name,
        .link = d->top,
        .disabled = disabled,
        .promiscuous = d->promisc,
        .spoofing = d->spoof,
        .link_local = is_ethernet(d->link) ? d->link_local : NST_LINK_LOCAL_NONE,
    };
    return nst_nic_add(devices->stack, &config, &d->nic);
}

static void remove_nic(struct devices *devices, struct device *d)
{
    if (d->nic != 0)
        nst_nic_remove(devices->stack, d->nic);
    d->nic = 0;
}

/* ---- Ports of bridges ---- */

/* Does `d` stand on the bridge? */
static bool is_over(const struct device *d, const struct device *bridge)
{
    for (; d != NULL; d = d->under)
        if (d == bridge)
            return true;
    return false;
}

/* Can it be a port of the bridge? `is_freed`: it has no other master, or will have none by then. */
static bool can_enslave(const struct device *d, const struct device *bridge, bool is_freed,
                        unsigned column, struct fault *fault)
{
    if (bridge->bridge == NULL)
        return fault_set(fault, column, "%s is no bridge: bridge show lists them", bridge->name);
    if (d->bridge != NULL || is_over(d, bridge) || d->trunk == NULL)
        return fault_set(fault, column,
                         "%s can be no port of %s (EINVAL): a port carries Ethernet, and is no "
                         "bridge",
                         d->name, bridge->name);
    if (nst_bridge_port_list(bridge->bridge, NULL, 0) >= DEVICE_PORTS_MAX)
        return fault_set(fault, column, "%s has %d ports, and can have no more (ENOBUFS)",
                         bridge->name, DEVICE_PORTS_MAX);
    return is_freed ||
           fault_set(fault, column, "%s is a port of %s (EBUSY): nic set %s nomaster frees it",
                     d->name, d->master->name, d->name);
}

/* Of a device that can_enslave is true of. */
static bool enslave(struct devices *devices, struct device *d, struct device *bridge,
                    unsigned column, struct fault *fault)
{
    remove_nic(devices, d);
    const int r = nst_bridge_add_port(bridge->bridge, d->top);
    if (r < 0) {
        add_nic(devices, d, false);
        return scene_fail(fault, column, "cannot make it a port", r);
    }
    d->master = bridge;
    return true;
}

static bool is_isolated(const struct device *port)
{
    struct nst_bridge_port ports[DEVICE_PORTS_MAX];
    const size_t count = nst_bridge_port_list(port->master->bridge, ports, DEVICE_PORTS_MAX);
    size_t i = 0;
    while (i < count && ports[i].link != port->top)
        i++;
    return i < count && ports[i].isolated;
}

/* Gives it its NIC back, without addresses. It stays a port where that fails, if it can. */
static int release(struct devices *devices, struct device *d)
{
    struct device *bridge = d->master;
    const bool isolated = is_isolated(d);
    nst_bridge_remove_port(bridge->bridge, d->top);
    const int r = add_nic(devices, d, false);
    d->master = r < 0 && nst_bridge_add_port(bridge->bridge, d->top) == 0 ? bridge : NULL;
    if (d->master != NULL)
        nst_bridge_set_isolated(bridge->bridge, d->top, isolated);
    return r;
}

/* ---- Adding and deleting ---- */

/* Frees what was made of it, in whatever state. */
static void free_device(struct devices *devices, struct device *d)
{
    struct device **at = &devices->first;
    while (*at != NULL && *at != d)
        at = &(*at)->next;
    if (*at == d)
        *at = d->next;
    nst_trunk_free(d->trunk);
    device_close(devices, d);
    free(d);
}

static struct device *new_device(const struct order *order, const char *name, enum device_kind kind)
{
    struct device *d = calloc(1, sizeof(*d));
    if (d == NULL)
        return NULL;
    memcpy(d->name, name, strlen(name) + 1);
    d->kind = kind;
    d->fd = -1;
    d->promisc = order->promisc != 0;
    d->spoof = order->spoof != 0;
    d->link_local = order->at[FIELD_LINK_LOCAL] != 0 ? (uint8_t)order->link_local
                                                     : (uint8_t)NST_LINK_LOCAL_EUI64;
    return d;
}

/* Puts trunk and NIC over a device that was opened. It is freed where that fails. */
static bool complete(struct devices *devices, struct device *d, const struct order *order,
                     struct fault *fault)
{
    int r = add_trunk(devices, d);
    if (r == 0)
        r = add_nic(devices, d, order->at[FIELD_DOWN] != 0);
    if (r < 0) {
        free_device(devices, d);
        return scene_fail(fault, order->at[FIELD_NAME], "cannot make the NIC", r);
    }
    d->next = devices->first;
    devices->first = d;
    return true;
}

static bool is_free(const struct devices *devices, const char *name, unsigned column,
                    struct fault *fault)
{
    return find_device(devices, name) == NULL ||
           fault_set(fault, column, "there is a NIC '%s' already (EEXIST): choose another name",
                     name);
}

/* The other end of a pipe that was just made. */
static bool add_peer(struct devices *devices, struct device *d, const struct order *order,
                     struct fault *fault)
{
    struct device *peer = new_device(order, order->peer, DEVICE_PIPE);
    if (peer == NULL)
        return scene_fail(fault, order->at[FIELD_PEER], "cannot make the peer", -NST_ENOMEM);
    peer->link = d->pipe[1];
    peer->under = d;
    return complete(devices, peer, order, fault);
}

static bool del_device(struct devices *devices, struct device *d, unsigned column,
                       struct fault *fault);

static bool add_device(struct devices *devices, const struct order *order, enum device_kind kind,
                       struct device *under, struct device **ret_device, struct fault *fault)
{
    if (!is_free(devices, order->name, order->at[FIELD_NAME], fault))
        return false;
    struct device *d = new_device(order, order->name, kind);
    if (d == NULL)
        return scene_fail(fault, order->at[FIELD_NAME], "cannot make it", -NST_ENOMEM);
    d->under = under;
    if (!device_open(devices, d, order, fault)) {
        free_device(devices, d);
        return false;
    }
    *ret_device = d;
    return complete(devices, d, order, fault);
}

static bool add_nic_order(struct devices *devices, const struct order *order, struct fault *fault)
{
    const enum device_kind kind = (enum device_kind)order->type;
    struct device *d;
    if (order->peer != NULL && kind != DEVICE_PIPE)
        return fault_set(fault, order->at[FIELD_PEER], "only a pipe has a peer: add type pipe");
    if (order->ifname != NULL && kind > DEVICE_PACKET)
        return fault_set(fault, order->at[FIELD_IFNAME],
                         "only tap, tun and packet have an interface of the kernel: leave dev out");
    if (kind == DEVICE_LOOPBACK && (order->mtu != 0 || order->at[FIELD_MAC] != 0))
        return fault_set(fault, order->at[FIELD_NAME],
                         "a loopback has no mtu and no address to "
                         "set: leave them out");
    if (order->peer != NULL && (!is_free(devices, order->peer, order->at[FIELD_PEER], fault) ||
                                strcmp(order->peer, order->name) == 0))
        return fault_set(fault, order->at[FIELD_PEER], "'%s' is taken (EEXIST): choose another",
                         order->peer);
    if (!add_device(devices, order, kind, NULL, &d, fault))
        return false;
    if (order->peer == NULL || add_peer(devices, d, order, fault))
        return true;
    struct fault unused;
    del_device(devices, d, 0, &unused);
    return false;
}

/* Nothing may stand on it. */
static bool is_in_use(const struct devices *devices, const struct device *d, unsigned column,
                      struct fault *fault)
{
    for (const struct device *o = devices->first; o != NULL; o = o->next)
        if (o->kind == DEVICE_VLAN && o->under == d)
            return !fault_set(fault, column, "%s carries the VLAN %s (EBUSY): vlan del %s first",
                              d->name, o->name, o->name);
    return false;
}

static bool free_ports(struct devices *devices, const struct device *bridge, unsigned column,
                       struct fault *fault)
{
    for (struct device *o = devices->first; o != NULL; o = o->next) {
        const int r = o->master == bridge ? release(devices, o) : 0;
        if (r < 0)
            return scene_fail(fault, column, "cannot give a port its NIC back", r);
    }
    return true;
}

/* The other end of a pipe, or NULL. */
static struct device *peer_of(const struct devices *devices, const struct device *d)
{
    if (d->kind != DEVICE_PIPE || d->under != NULL)
        return d->kind == DEVICE_PIPE ? d->under : NULL;
    struct device *o = devices->first;
    while (o != NULL && (o->kind != DEVICE_PIPE || o->under != d))
        o = o->next;
    return o;
}

static void take_down(struct devices *devices, struct device *d)
{
    if (d->master != NULL)
        nst_bridge_remove_port(d->master->bridge, d->top);
    d->master = NULL;
    remove_nic(devices, d);
}

static bool del_device(struct devices *devices, struct device *d, unsigned column,
                       struct fault *fault)
{
    struct device *peer = peer_of(devices, d);
    if (is_in_use(devices, d, column, fault) ||
        (peer != NULL && is_in_use(devices, peer, column, fault)))
        return false;
    if (d->bridge != NULL && !free_ports(devices, d, column, fault))
        return false;
    take_down(devices, d);
    if (peer != NULL) {
        take_down(devices, peer);
        free_device(devices, peer);
    }
    free_device(devices, d);
    return true;
}

static bool add_bridge(struct devices *devices, const struct order *order, struct fault *fault)
{
    struct device *bridge;
    if (!add_device(devices, order, DEVICE_BRIDGE, NULL, &bridge, fault))
        return false;
    for (unsigned i = 0; i < order->port_count; i++) {
        struct device *d = find(devices, order->ports[i], order->port_column[i], fault);
        if (d != NULL && can_enslave(d, bridge, d->master == NULL, order->port_column[i], fault) &&
            enslave(devices, d, bridge, order->port_column[i], fault))
            continue;
        struct fault unused;
        del_device(devices, bridge, 0, &unused);
        return false;
    }
    return true;
}

static bool add_vlan(struct devices *devices, const struct order *order, struct fault *fault)
{
    struct device *d, *under = find(devices, order->link, order->at[FIELD_LINK], fault);
    if (under == NULL)
        return false;
    if (under->trunk == NULL)
        return fault_set(fault, order->at[FIELD_LINK],
                         "%s carries no Ethernet (EINVAL): a VLAN needs such as a tap",
                         under->name);
    if (under->kind == DEVICE_PACKET)
        return fault_set(fault, order->at[FIELD_LINK],
                         "%s is a packet socket, which the kernel gives no tags (EOPNOTSUPP): use "
                         "a packet NIC on a VLAN interface of the kernel, or a tap",
                         under->name);
    return add_device(devices, order, DEVICE_VLAN, under, &d, fault);
}

/* ---- Setting ---- */

/* Does the order say anything of the NIC itself? "up" it is without a NIC too, as a port. */
static bool is_about_nic(const struct order *order)
{
    static const enum order_field fields[] = {FIELD_MTU,   FIELD_MAC,        FIELD_PROMISC,
                                              FIELD_SPOOF, FIELD_FORWARDING, FIELD_NEW_NAME,
                                              FIELD_DOWN};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (order->at[fields[i]] != 0)
            return true;
    return false;
}

/* What can be said before anything is done: `bridge` is the master that it is to get, or NULL. */
static bool can_set(const struct devices *devices, const struct device *d,
                    const struct device *bridge, const struct order *order, struct fault *fault)
{
    const bool is_freed = d->master == NULL || order->at[FIELD_NOMASTER] != 0;
    if (bridge != NULL && !can_enslave(d, bridge, is_freed, order->at[FIELD_MASTER], fault))
        return false;
    if (order->at[FIELD_ISOLATED] != 0 && bridge == NULL && is_freed)
        return fault_set(fault, order->at[FIELD_ISOLATED],
                         "%s is no port of a bridge: nic set %s master BRIDGE makes it one",
                         d->name, d->name);
    if (is_about_nic(order) && !is_freed)
        return fault_set(fault, order->at[FIELD_NAME],
                         "%s is a port of %s, and has no NIC: set that of %s, or nic set %s "
                         "nomaster",
                         d->name, d->master->name, d->master->name, d->name);
    if (order->at[FIELD_DOWN] != 0 && bridge != NULL)
        return fault_set(fault, order->at[FIELD_DOWN],
                         "a port cannot be down (EINVAL): leave master out");
    return order->new_name == NULL || strcmp(order->new_name, d->name) == 0 ||
           is_free(devices, order->new_name, order->at[FIELD_NEW_NAME], fault);
}

static int set_mtu(struct devices *devices, struct device *d, uint32_t mtu)
{
    return d->nic != 0 ? nst_nic_set_mtu(devices->stack, d->nic, mtu)
                       : d->top->ops->set_mtu(d->top, mtu);
}

/* No VLAN over it is left with a larger MTU, as with the kernel. */
static int lower_vlans(struct devices *devices, const struct device *d, uint32_t mtu)
{
    int r = 0;
    for (struct device *o = devices->first; o != NULL && r == 0; o = o->next) {
        if (o->kind != DEVICE_VLAN || o->under != d || o->top->mtu <= mtu)
            continue;
        r = lower_vlans(devices, o, mtu);
        if (r == 0)
            r = set_mtu(devices, o, mtu);
    }
    return r;
}

static bool set_nic(struct devices *devices, struct device *d, const struct scene *scene,
                    const struct order *order, struct fault *fault)
{
    const int r = order->at[FIELD_MTU] != 0 ? lower_vlans(devices, d, order->mtu) : 0;
    if (r < 0)
        return scene_fail(fault, order->at[FIELD_MTU], "cannot lower the MTU of its VLANs", r);
    if (!scene_set_nic(scene, order, d->nic, fault))
        return false;
    if (order->new_name != NULL)
        memcpy(d->name, order->new_name, strlen(order->new_name) + 1);
    if (order->at[FIELD_PROMISC] != 0)
        d->promisc = order->promisc != 0;
    if (order->at[FIELD_SPOOF] != 0)
        d->spoof = order->spoof != 0;
    return true;
}

/* Takes it from its master, if that is said; and gives it the NIC that there was no memory for. */
static bool free_of_master(struct devices *devices, struct device *d, const struct order *order,
                           struct fault *fault)
{
    int r = 0;
    if (d->master == NULL && d->nic == 0)
        r = add_nic(devices, d, false);
    else if (d->master != NULL && order->at[FIELD_NOMASTER] != 0)
        r = release(devices, d);
    return r == 0 || scene_fail(fault, order->at[FIELD_NOMASTER], "cannot make its NIC", r);
}

/* As the kernel does with `ip link set X master br0 up`: the NIC is set first, and is then a port.
 */
static bool set_device(struct devices *devices, const struct scene *scene,
                       const struct order *order, struct fault *fault)
{
    struct device *d = find(devices, order->name, order->at[FIELD_NAME], fault), *bridge = NULL;
    if (d != NULL && order->master != NULL)
        bridge = find(devices, order->master, order->at[FIELD_MASTER], fault);
    if (d == NULL || (order->master != NULL && bridge == NULL) ||
        !can_set(devices, d, bridge, order, fault) || !free_of_master(devices, d, order, fault))
        return false;
    if (d->nic != 0 && !set_nic(devices, d, scene, order, fault))
        return false;
    if (bridge != NULL && !enslave(devices, d, bridge, order->at[FIELD_MASTER], fault))
        return false;
    if (order->at[FIELD_ISOLATED] != 0)
        nst_bridge_set_isolated(d->master->bridge, d->top, order->isolated != 0);
    return true;
}

/* ---- Orders ---- */

static bool del_order(struct devices *devices, const struct order *order, struct fault *fault)
{
    struct device *d = find(devices, order->name, order->at[FIELD_NAME], fault);
    if (d == NULL)
        return false;
    if ((order->object == ORDER_BRIDGE && d->kind != DEVICE_BRIDGE) ||
        (order->object == ORDER_VLAN && d->kind != DEVICE_VLAN))
        return fault_set(fault, order->at[FIELD_NAME], "%s is no %s: nic del %s deletes it",
                         d->name, order_object_name(order->object), d->name);
    return del_device(devices, d, order->at[FIELD_NAME], fault);
}

static bool show_order(const struct devices *devices, const struct order *order,
                       const struct show *show, struct fault *fault)
{
    if (order->name != NULL) {
        const struct device *d = find(devices, order->name, order->at[FIELD_NAME], fault);
        const enum device_kind kind = order->object == ORDER_VLAN ? DEVICE_VLAN : DEVICE_BRIDGE;
        if (d == NULL)
            return false;
        if (d->kind != kind)
            return fault_set(fault, order->at[FIELD_NAME], "%s is no %s: nic show %s shows it",
                             d->name, order_object_name(order->object), d->name);
    }
    if (order->object == ORDER_VLAN)
        devices_show_vlans(devices, show, order->name);
    else
        devices_show_bridges(devices, show, order->name);
    return true;
}

bool devices_act(struct devices *devices, const struct scene *scene, const struct order *order,
                 const struct show *show, struct fault *fault)
{
    switch (order->verb) {
    case ORDER_SHOW:
        return show_order(devices, order, show, fault);
    case ORDER_DEL:
        return del_order(devices, order, fault);
    case ORDER_SET:
        return set_device(devices, scene, order, fault);
    default:
        break;
    }
    if (order->object == ORDER_BRIDGE)
        return add_bridge(devices, order, fault);
    return order->object == ORDER_VLAN ? add_vlan(devices, order, fault)
                                       : add_nic_order(devices, order, fault);
}

void devices_fini(struct devices *devices)
{
    for (struct device *d = devices->first; d != NULL; d = d->next)
        if (d->master != NULL)
            nst_bridge_remove_port(d->master->bridge, d->top);
    while (devices->first != NULL)
        free_device(devices, devices->first);
}
