/* SPDX-License-Identifier: Apache-2.0 */
/* Orders that are about the stack alone: see act.h. */
#include "order/act.h"

#include <stdlib.h>
#include <string.h>

/* ---- Help ---- */

bool scene_fail(struct fault *fault, unsigned column, const char *what, int error)
{
    const char *next = "";
    if (error == -NST_ENOMEM)
        next = ": allow more, such as stack memory 128m";
    else if (error == -NST_EEXIST)
        next = ": it is there already";
    return fault_set(fault, column, "%s: %s (%s)%s", what, nst_strerror(error),
                     nst_error_name(error), next);
}

/* There was no memory for a list, which is not the stack's. */
static bool fail_list(struct fault *fault)
{
    return fault_set(fault, 0, "no memory to list them (ENOMEM): free some");
}

uint32_t scene_find_nic(const struct scene *scene, const char *name, unsigned column,
                        struct fault *fault)
{
    struct nst_nic_info info;
    for (uint32_t id = nst_nic_next(scene->stack, 0); id != 0; id = nst_nic_next(scene->stack, id))
        if (nst_nic_get_info(scene->stack, id, &info) == 0 && strcmp(info.name, name) == 0)
            return id;
    fault_set(fault, column, "there is no NIC '%s' (ENOENT): nic show lists them", name);
    return 0;
}

/* The NIC that an order is about, by dev or as its first word; 0 with true: none was said. */
static bool find_nic(const struct scene *scene, const struct order *order, uint32_t *ret_nic,
                     struct fault *fault)
{
    const char *name = order->dev != NULL ? order->dev : order->name;
    const unsigned column = order->at[order->dev != NULL ? FIELD_DEV : FIELD_NAME];
    *ret_nic = 0;
    if (name == NULL)
        return true;
    *ret_nic = scene_find_nic(scene, name, column, fault);
    return *ret_nic != 0;
}

/* ---- NICs ---- */

/* What was done for both families is done if either has it; else an error of one that was asked:
 * -NST_EPROTONOSUPPORT stands for the one that was not. */
static int of_either(int r4, int r6)
{
    if (r4 >= 0 || r6 >= 0)
        return 0;
    return r4 != -NST_EPROTONOSUPPORT ? r4 : r6;
}

static int set_forwarding(const struct scene *scene, uint32_t nic, bool on)
{
    const int r4 = nst_nic_set_forwarding(scene->stack, nic, NST_ETHERTYPE_IPV4, on);
    const int r6 = nst_nic_set_forwarding(scene->stack, nic, NST_ETHERTYPE_IPV6, on);
    return of_either(r4, r6);
}

/* The first that fails ends it: *ret_field is what could not be set. */
static int set_nic(const struct scene *scene, const struct order *o, uint32_t nic,
                   enum order_field *ret_field)
{
    struct nst_stack *stack = scene->stack;
    int r = 0;
    if (o->at[ *ret_field = FIELD_MTU] != 0)
        r = nst_nic_set_mtu(stack, nic, o->mtu);
    if (r == 0 && o->at[ *ret_field = FIELD_MAC] != 0)
        r = nst_nic_set_link_addr(stack, nic, o->mac);
    if (r == 0 && o->at[ *ret_field = FIELD_PROMISC] != 0)
        r = nst_nic_set_promiscuous(stack, nic, o->promisc != 0);
    if (r == 0 && o->at[ *ret_field = FIELD_SPOOF] != 0)
        r = nst_nic_set_spoofing(stack, nic, o->spoof != 0);
    if (r == 0 && o->at[ *ret_field = FIELD_FORWARDING] != 0)
        r = set_forwarding(scene, nic, o->forwarding != 0);
    if (r == 0 && o->at[ *ret_field = FIELD_UP] != 0)
        r = nst_nic_enable(stack, nic);
    if (r == 0 && o->at[ *ret_field = FIELD_DOWN] != 0)
        r = nst_nic_disable(stack, nic);
    if (r == 0 && o->at[ *ret_field = FIELD_NEW_NAME] != 0)
        r = nst_nic_set_name(stack, nic, o->new_name);
    return r;
}

bool scene_set_nic(const struct scene *scene, const struct order *order, uint32_t nic,
                   struct fault *fault)
{
    enum order_field field;
    const int r = set_nic(scene, order, nic, &field);
    if (r == -NST_EOPNOTSUPP)
        return fault_set(fault, order->at[field],
                         "%s cannot have this changed (EOPNOTSUPP): what it stands on has it fixed",
                         order->name);
    if (r == -NST_EINVAL)
        return fault_set(fault, order->at[field],
                         "%s cannot have this value (EINVAL): it is out of the range of its link",
                         order->name);
    return r == 0 || scene_fail(fault, order->at[field], order->name, r);
}

/* ---- Addresses ---- */

struct nst_nic_addr *scene_list_addrs(const struct scene *scene, uint32_t nic, size_t *ret_count)
{
    const int count = nst_nic_addr_list(scene->stack, nic, NULL, 0);
    *ret_count = count > 0 ? (size_t)count : 0;
    struct nst_nic_addr *addrs = calloc(*ret_count + 1, sizeof(*addrs));
    if (addrs == NULL)
        *ret_count = 0;
    else
        nst_nic_addr_list(scene->stack, nic, addrs, *ret_count);
    return addrs;
}

static struct nst_nic_addr addr_of(const struct order *order)
{
    return (struct nst_nic_addr){
        .addr = order->addr,
        .prefix_len = order->prefix_len,
        .place = (uint8_t)order->place,
        .no_dad = order->at[FIELD_NO_DAD] != 0,
        .valid = order->valid,
        .preferred = order->preferred,
        .deprecated = order->deprecated != 0,
    };
}

static bool fail_addr(const struct order *order, int error, struct fault *fault)
{
    const unsigned column = order->at[FIELD_PREFIX];
    switch (error) {
    case -NST_EINVAL:
        return fault_set(fault, column,
                         "%s cannot have this address (EINVAL): it is no address of one host, or "
                         "is preferred for longer than it is valid",
                         order->dev);
    case -NST_EPROTONOSUPPORT:
        return fault_set(fault, column,
                         "%s has no IP of this family (EPROTONOSUPPORT): IPv6 needs an MTU of 1280",
                         order->dev);
    case -NST_EADDRNOTAVAIL:
        return fault_set(fault, column,
                         "%s has no such address (EADDRNOTAVAIL): addr show %s lists them",
                         order->dev, order->dev);
    default:
        return scene_fail(fault, column, "this address", error);
    }
}

/* What was not said of it stays as it is. */
static void fill_addr(const struct order *order, const struct nst_nic_addr *now,
                      struct nst_nic_addr *addr)
{
    addr->kind = now->kind;
    addr->place = order->at[FIELD_PLACE] != 0 ? addr->place : now->place;
    addr->valid = order->at[FIELD_VALID] != 0 ? addr->valid : now->valid;
    addr->preferred = order->at[FIELD_PREFERRED] != 0 ? addr->preferred : now->preferred;
    addr->deprecated = order->at[FIELD_DEPRECATED] != 0 ? addr->deprecated : now->deprecated;
}

static bool change_addr(const struct scene *scene, const struct order *order, uint32_t nic,
                        struct fault *fault)
{
    struct nst_nic_addr addr = addr_of(order);
    size_t count;
    struct nst_nic_addr *addrs = scene_list_addrs(scene, nic, &count);
    if (addrs == NULL)
        return fail_list(fault);
    for (size_t i = 0; i < count; i++)
        if (nst_addr_equal(&addrs[i].addr, &addr.addr))
            fill_addr(order, &addrs[i], &addr);
    free(addrs);
    const int r = nst_nic_addr_change(scene->stack, nic, &addr);
    return r == 0 || fail_addr(order, r, fault);
}

static bool flush_addrs(const struct scene *scene, const struct show *show, uint32_t nic,
                        struct fault *fault)
{
    size_t count;
    struct nst_nic_addr *addrs = scene_list_addrs(scene, nic, &count);
    if (addrs == NULL)
        return fail_list(fault);
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++)
        if (show_has_family(show, &addrs[i].addr))
            r = nst_nic_addr_remove(scene->stack, nic, &addrs[i].addr);
    free(addrs);
    return r == 0 || scene_fail(fault, 0, "an address", r);
}

static bool act_addr(const struct scene *scene, const struct order *order, const struct show *show,
                     uint32_t nic, struct fault *fault)
{
    const struct nst_nic_addr addr = addr_of(order);
    int r;
    if (order->verb == ORDER_FLUSH)
        return flush_addrs(scene, show, nic, fault);
    if (order->verb == ORDER_CHANGE)
        return change_addr(scene, order, nic, fault);
    if (order->verb == ORDER_ADD)
        r = nst_nic_addr_add(scene->stack, nic, &addr);
    else
        r = nst_nic_addr_remove(scene->stack, nic, &order->addr);
    return r == 0 || fail_addr(order, r, fault);
}

/* ---- Routes ---- */

/* "default" is of the gateway's family; without one, of that of -4 or -6. */
static struct nst_route route_of(const struct order *order, const struct show *show, uint32_t nic)
{
    const bool is_v6 = order->at[FIELD_VIA] != 0 ? !nst_addr_is_v4(&order->via) : show->family == 6;
    struct nst_route route = {
        .prefix = order->addr,
        .prefix_len = order->prefix_len,
        .nic = nic,
        .gateway = order->via,
        .source = order->src,
        .metric = order->metric,
        .mtu = order->mtu,
    };
    if (order->prefix_len == 0 && is_v6)
        route.prefix = (struct nst_addr){{{0}}};
    return route;
}

static bool add_route(const struct scene *scene, const struct order *order, const struct show *show,
                      uint32_t nic, struct fault *fault)
{
    struct nst_route route = route_of(order, show, nic), to_gateway;
    if (order->at[FIELD_VIA] == 0 && nic == 0)
        return fault_set(fault, 0, "a route needs a gateway or a NIC: add via ADDRESS or dev NIC");
    if (nic == 0 && nst_route_lookup(scene->stack, &order->via, &to_gateway) < 0)
        return fault_set(fault, order->at[FIELD_VIA],
                         "no NIC leads to this gateway (ENETUNREACH): give a NIC an address of its "
                         "network first, or say dev NIC");
    if (nic == 0)
        route.nic = to_gateway.nic;
    const int r = nst_route_add(scene->stack, &route);
    return r == 0 || scene_fail(fault, order->at[FIELD_PREFIX], "this route", r);
}

/* Is it the one that was meant? What was not said does not matter. */
static bool route_matches(const struct nst_route *route, const struct nst_route *meant,
                          const struct order *order)
{
    return nst_addr_equal(&route->prefix, &meant->prefix) &&
           route->prefix_len == meant->prefix_len &&
           (meant->nic == 0 || route->nic == meant->nic) &&
           (order->at[FIELD_VIA] == 0 || nst_addr_equal(&route->gateway, &meant->gateway)) &&
           (order->at[FIELD_SRC] == 0 || nst_addr_equal(&route->source, &meant->source)) &&
           (order->at[FIELD_METRIC] == 0 || route->metric == meant->metric) &&
           (order->at[FIELD_MTU] == 0 || route->mtu == meant->mtu);
}

struct nst_route *scene_list_routes(const struct scene *scene, size_t *ret_count)
{
    *ret_count = nst_route_list(scene->stack, NULL, 0);
    struct nst_route *routes = calloc(*ret_count + 1, sizeof(*routes));
    if (routes == NULL)
        *ret_count = 0;
    else
        nst_route_list(scene->stack, routes, *ret_count);
    return routes;
}

static bool del_route(const struct scene *scene, const struct order *order, const struct show *show,
                      uint32_t nic, struct fault *fault)
{
    const struct nst_route meant = route_of(order, show, nic);
    size_t count;
    struct nst_route *routes = scene_list_routes(scene, &count);
    if (routes == NULL)
        return fail_list(fault);
    int r = -NST_ENOENT;
    for (size_t i = 0; i < count && r == -NST_ENOENT; i++)
        if (route_matches(&routes[i], &meant, order))
            r = nst_route_remove(scene->stack, &routes[i]);
    free(routes);
    if (r == -NST_ENOENT)
        return fault_set(fault, order->at[FIELD_PREFIX],
                         "there is no such route (ENOENT): route show lists them");
    return r == 0 || scene_fail(fault, order->at[FIELD_PREFIX], "this route", r);
}

static bool flush_routes(const struct scene *scene, const struct show *show, uint32_t nic,
                         struct fault *fault)
{
    size_t count;
    struct nst_route *routes = scene_list_routes(scene, &count);
    if (routes == NULL)
        return fail_list(fault);
    for (size_t i = 0; i < count; i++)
        if (routes[i].nic == nic && show_has_family(show, &routes[i].prefix))
            nst_route_remove(scene->stack, &routes[i]);
    free(routes);
    return true;
}

static bool get_route(const struct scene *scene, const struct order *order, const struct show *show,
                      struct fault *fault)
{
    struct nst_route route;
    if (nst_route_lookup(scene->stack, &order->addr, &route) < 0)
        return fault_set(fault, order->at[FIELD_PREFIX],
                         "no route leads there (ENETUNREACH): route add default via ADDRESS "
                         "would");
    /* The source that is chosen where the route says nothing. */
    struct nst_path path;
    if (nst_path_lookup(scene->stack, &order->addr, &route.source, route.nic, &path) == 0)
        route.source = path.source;
    show_one_route(scene, show, &route);
    return true;
}

static bool act_route(const struct scene *scene, const struct order *order, const struct show *show,
                      uint32_t nic, struct fault *fault)
{
    switch (order->verb) {
    case ORDER_ADD:
        return add_route(scene, order, show, nic, fault);
    case ORDER_DEL:
        return del_route(scene, order, show, nic, fault);
    case ORDER_GET:
        return get_route(scene, order, show, fault);
    default:
        return flush_routes(scene, show, nic, fault);
    }
}

/* ---- Neighbours ---- */

/* Dynamic ones, and with nud all static ones too. A NIC may have one family alone. */
static int flush_neighs(const struct scene *scene, const struct order *order,
                        const struct show *show, uint32_t nic)
{
    const bool statics = order->at[FIELD_NUD] != 0;
    int r4 = -NST_EPROTONOSUPPORT, r6 = -NST_EPROTONOSUPPORT;
    if (show->family != 6)
        r4 = nst_neigh_flush(scene->stack, nic, NST_ETHERTYPE_IPV4, statics);
    if (show->family != 4)
        r6 = nst_neigh_flush(scene->stack, nic, NST_ETHERTYPE_IPV6, statics);
    return of_either(r4, r6);
}

/* What is not said stays as it is. */
static int set_neighs_of(const struct scene *scene, const struct order *o, uint32_t nic,
                         uint16_t protocol)
{
    struct nst_neigh_config c = {.size = sizeof(c)};
    const int r = nst_neigh_get_config(scene->stack, nic, protocol, &c);
    if (r < 0)
        return r;
    c.size = sizeof(c);
    c.base_reachable = o->at[FIELD_BASE_REACHABLE] != 0 ? o->base_reachable : c.base_reachable;
    c.retransmit = o->at[FIELD_RETRANS] != 0 ? o->retrans : c.retransmit;
    c.first_probe = o->at[FIELD_DELAY_PROBE] != 0 ? o->delay_probe : c.first_probe;
    c.unicast_probes = o->ucast_probes != 0 ? o->ucast_probes : c.unicast_probes;
    c.multicast_probes = o->mcast_probes != 0 ? o->mcast_probes : c.multicast_probes;
    c.dynamic_max = o->dynamic_max != 0 ? o->dynamic_max : c.dynamic_max;
    return nst_neigh_set_config(scene->stack, nic, protocol, &c);
}

static int set_neighs(const struct scene *scene, const struct order *order, const struct show *show,
                      uint32_t nic)
{
    int r4 = -NST_EPROTONOSUPPORT, r6 = -NST_EPROTONOSUPPORT;
    if (show->family != 6)
        r4 = set_neighs_of(scene, order, nic, NST_ETHERTYPE_IPV4);
    if (show->family != 4)
        r6 = set_neighs_of(scene, order, nic, NST_ETHERTYPE_IPV6);
    return of_either(r4, r6);
}

static bool act_neigh(const struct scene *scene, const struct order *order, const struct show *show,
                      uint32_t nic, struct fault *fault)
{
    int r;
    if (order->verb == ORDER_FLUSH)
        r = flush_neighs(scene, order, show, nic);
    else if (order->verb == ORDER_SET)
        r = set_neighs(scene, order, show, nic);
    else if (order->verb == ORDER_ADD)
        r = nst_neigh_add(scene->stack, nic, &order->addr, order->mac);
    else
        r = nst_neigh_remove(scene->stack, nic, &order->addr);
    if (r == -NST_ENOENT)
        return fault_set(fault, order->at[FIELD_PREFIX],
                         "there is no such neighbour (ENOENT): neigh show %s lists them",
                         order->dev);
    if (r == -NST_EOPNOTSUPP)
        return fault_set(fault, order->at[FIELD_DEV],
                         "%s resolves no link addresses (EOPNOTSUPP): it has no neighbours to set",
                         order->dev);
    return r == 0 || scene_fail(fault, order->at[FIELD_PREFIX], "this neighbour", r);
}

/* ---- All ---- */

static bool show_object(const struct scene *scene, const struct order *order,
                        const struct show *show, uint32_t nic, struct fault *fault)
{
    bool ok = true;
    if (order->object == ORDER_NIC || order->object == ORDER_ADDR)
        ok = show_nics(scene, show, nic, order->object == ORDER_ADDR);
    else if (order->object == ORDER_ROUTE)
        ok = show_routes(scene, show, nic);
    else if (order->object == ORDER_NEIGH)
        ok = show_neighs(scene, show, nic);
    else
        show_stats(scene, show, nic);
    return ok || fail_list(fault);
}

/* Is it about more than the stack? */
static bool is_extra(const struct order *order)
{
    switch (order->object) {
    case ORDER_NIC:
        return order->verb == ORDER_ADD || order->verb == ORDER_DEL || order->verb == ORDER_SET;
    case ORDER_STACK:
    case ORDER_BRIDGE:
    case ORDER_VLAN:
    case ORDER_SERVICE:
        return true;
    default:
        return false;
    }
}

/* What was said may be of the family alone that was asked for. "default" is of either. */
static bool check_family(const struct order *order, const struct show *show, struct fault *fault)
{
    const struct {
        enum order_field field;
        const struct nst_addr *addr;
    } said[] = {{FIELD_PREFIX, &order->addr}, {FIELD_VIA, &order->via}, {FIELD_SRC, &order->src}};
    for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
        const unsigned column = order->at[said[i].field];
        const bool is_default =
            said[i].field == FIELD_PREFIX && order->prefix_len == 0 && nst_addr_is_v4(&order->addr);
        if (column != 0 && !is_default && !show_has_family(show, said[i].addr))
            return fault_set(fault, column,
                             "this is no address of IPv%d (EINVAL): -%d asks for one: leave it out",
                             show->family, show->family);
    }
    return true;
}

static bool act_on_stack(const struct scene *scene, const struct order *order,
                         const struct show *show, struct fault *fault)
{
    uint32_t nic;
    if (!check_family(order, show, fault) || !find_nic(scene, order, &nic, fault))
        return false;
    if (order->verb == ORDER_SHOW)
        return show_object(scene, order, show, nic, fault);
    switch (order->object) {
    case ORDER_ADDR:
        return act_addr(scene, order, show, nic, fault);
    case ORDER_ROUTE:
        return act_route(scene, order, show, nic, fault);
    case ORDER_NEIGH:
        return act_neigh(scene, order, show, nic, fault);
    default:
        return fault_set(fault, 0, "this instance has no %s", order_object_name(order->object));
    }
}

bool order_act(const struct scene *scene, const struct order *order, const struct show *show,
               struct fault *fault)
{
    const bool is_change = order->verb != ORDER_SHOW && order->verb != ORDER_GET;
    if (is_change && scene->fixed != NULL)
        return fault_set(fault, 0, "%s", scene->fixed);
    if (is_extra(order)) {
        if (scene->act != NULL)
            return scene->act(scene->context, order, show, fault);
        return fault_set(fault, 0, "this instance has no %ss of its own: nst up has",
                         order_object_name(order->object));
    }
    return act_on_stack(scene, order, show, fault);
}
