/* SPDX-License-Identifier: Apache-2.0 */
/* What a stack is, as ip(8) and ethtool(8) show it, and as their JSON: see act.h. */
#include <stdlib.h>
#include <string.h>

#include "order/act.h"
#include "wire/addr.h"

#define NEIGHS_MAX 65536

char *show_mac(struct nst_mac mac, char text[SHOW_MAC_TEXT])
{
    snprintf(text, SHOW_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac.b[0], mac.b[1], mac.b[2],
             mac.b[3], mac.b[4], mac.b[5]);
    return text;
}

bool show_has_family(const struct show *show, const struct nst_addr *addr)
{
    return show->family == 0 || (show->family == 4) == nst_addr_is_v4(addr);
}

struct json *show_begin(const struct show *show, struct json *json)
{
    if (!show->is_json)
        return NULL;
    *json = (struct json){.out = show->out, .is_pretty = show->is_pretty};
    json_begin(json, NULL, '[');
    return json;
}

void show_end(struct json *to)
{
    if (to != NULL)
        json_end(to, ']');
}

/* The name of a NIC, as long as *info stands. */
static const char *name_of(const struct scene *scene, uint32_t nic, struct nst_nic_info *info)
{
    return nst_nic_get_info(scene->stack, nic, info) == 0 ? info->name : "?";
}

/* ---- NICs ---- */

/* The flags of a NIC, each told to `each`. */
static void each_flag(const struct nst_nic_info *info,
                      void (*each)(void *context, const char *flag), void *context)
{
    const bool is_loopback = (info->caps & NST_LINK_LOOPBACK) != 0;
    if (is_loopback)
        each(context, "LOOPBACK");
    if ((info->caps & NST_LINK_RESOLVES) != 0)
        each(context, "BROADCAST");
    else if (!is_loopback)
        each(context, "POINTOPOINT");
    if (!is_loopback)
        each(context, "MULTICAST");
    if (info->promiscuous)
        each(context, "PROMISC");
    if (info->spoofing)
        each(context, "SPOOF");
    if (info->forwarding)
        each(context, "FORWARDING");
    if (info->tx_blocked)
        each(context, "BLOCKED");
    if (info->enabled)
        each(context, "UP");
}

struct flag_text {
    char text[128];
    size_t len;
};

static void add_flag(void *context, const char *flag)
{
    struct flag_text *t = context;
    t->len += (size_t)snprintf(t->text + t->len, sizeof(t->text) - t->len, "%s%s",
                               t->len > 0 ? "," : "", flag);
}

static void add_json_flag(void *context, const char *flag)
{
    json_text(context, NULL, flag);
}

static const char *link_type(const struct nst_nic_info *info)
{
    if ((info->caps & NST_LINK_LOOPBACK) != 0)
        return "loopback";
    return (info->caps & NST_LINK_RESOLVES) != 0 ? "ether" : "none";
}

static void describe(const struct scene *scene, uint32_t nic, struct nic_details *ret_details)
{
    *ret_details = (struct nic_details){0};
    if (scene->describe != NULL)
        scene->describe(scene->context, nic, ret_details);
}

static void print_details(const struct nic_details *d, FILE *out)
{
    if (d->type == NULL)
        return;
    fprintf(out, "    %s", d->type);
    if (d->ifname != NULL)
        fprintf(out, " dev %s", d->ifname);
    if (d->link != NULL)
        fprintf(out, " id %u link %s", d->vlan, d->link);
    fputc('\n', out);
}

static void print_nic(const struct scene *scene, const struct nst_nic_info *info, FILE *out)
{
    struct flag_text flags = {.len = 0};
    struct nic_details details;
    char mac[SHOW_MAC_TEXT];
    each_flag(info, add_flag, &flags);
    fprintf(out, "%u: %s: <%s> mtu %u state %s\n", info->id, info->name, flags.text, info->mtu,
            info->enabled ? "UP" : "DOWN");
    fprintf(out, "    link/%s", link_type(info));
    if ((info->caps & NST_LINK_RESOLVES) != 0)
        fprintf(out, " %s brd ff:ff:ff:ff:ff:ff", show_mac(info->addr, mac));
    fputc('\n', out);
    describe(scene, info->id, &details);
    print_details(&details, out);
}

static void json_nic(const struct scene *scene, const struct nst_nic_info *info, struct json *json)
{
    struct nic_details d;
    char mac[SHOW_MAC_TEXT];
    describe(scene, info->id, &d);
    json_number(json, "ifindex", info->id);
    if (d.link != NULL)
        json_text(json, "link", d.link);
    json_text(json, "ifname", info->name);
    json_begin(json, "flags", '[');
    each_flag(info, add_json_flag, json);
    json_end(json, ']');
    json_number(json, "mtu", info->mtu);
    json_text(json, "operstate", info->enabled ? "UP" : "DOWN");
    json_text(json, "link_type", link_type(info));
    if ((info->caps & NST_LINK_RESOLVES) != 0) {
        json_text(json, "address", show_mac(info->addr, mac));
        json_text(json, "broadcast", "ff:ff:ff:ff:ff:ff");
    }
    if (d.type != NULL)
        json_text(json, "type", d.type);
    if (d.ifname != NULL)
        json_text(json, "dev", d.ifname);
    if (d.vlan != 0)
        json_number(json, "vlan_id", d.vlan);
}

/* ---- Addresses ---- */

static const char *scope_of(const struct nst_addr *addr, const struct nst_nic_info *info)
{
    if ((info->caps & NST_LINK_LOOPBACK) != 0)
        return "host";
    return addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0x80 ? "link" : "global";
}

/* "forever", "120sec" */
#define LIFE_TEXT 32

static char *life(nst_time time, char text[LIFE_TEXT])
{
    if (time == NST_TIME_NEVER || time == 0)
        snprintf(text, LIFE_TEXT, "forever");
    else
        snprintf(text, LIFE_TEXT, "%lldsec", (long long)(time / NST_SEC));
    return text;
}

/* As ip -j has it: seconds, or all ones. */
static uint64_t life_seconds(nst_time time)
{
    return time == NST_TIME_NEVER || time == 0 ? UINT32_MAX : (uint64_t)(time / NST_SEC);
}

static void print_addr(const struct nst_nic_addr *a, const struct nst_nic_info *info, FILE *out)
{
    char text[NST_ADDR_TEXT];
    fprintf(out, "    %s %s/%u scope %s", nst_addr_is_v4(&a->addr) ? "inet" : "inet6",
            nst_addr_format(&a->addr, text, sizeof(text)), a->prefix_len, scope_of(&a->addr, info));
    if (a->deprecated)
        fputs(" deprecated", out);
    if (a->state == NST_ADDR_TENTATIVE)
        fputs(" tentative", out);
    if (a->state == NST_ADDR_DUPLICATE)
        fputs(" dadfailed", out);
    if (a->place == NST_PLACE_NEVER_PRIMARY)
        fputs(" secondary", out);
    if (a->kind != NST_ADDR_STATIC)
        fputs(a->kind == NST_ADDR_SLAAC_TEMPORARY ? " temporary dynamic" : " dynamic", out);
    char valid[LIFE_TEXT], preferred[LIFE_TEXT];
    fprintf(out, " %s\n       valid_lft %s preferred_lft %s\n", info->name, life(a->valid, valid),
            life(a->preferred, preferred));
}

static void json_addr(const struct nst_nic_addr *a, const struct nst_nic_info *info,
                      struct json *json)
{
    char text[NST_ADDR_TEXT];
    json_begin(json, NULL, '{');
    json_text(json, "family", nst_addr_is_v4(&a->addr) ? "inet" : "inet6");
    json_text(json, "local", nst_addr_format(&a->addr, text, sizeof(text)));
    json_number(json, "prefixlen", a->prefix_len);
    json_text(json, "scope", scope_of(&a->addr, info));
    if (a->deprecated)
        json_bool(json, "deprecated", true);
    if (a->state == NST_ADDR_TENTATIVE)
        json_bool(json, "tentative", true);
    if (a->state == NST_ADDR_DUPLICATE)
        json_bool(json, "dadfailed", true);
    if (a->place == NST_PLACE_NEVER_PRIMARY)
        json_bool(json, "secondary", true);
    if (a->kind != NST_ADDR_STATIC)
        json_bool(json, "dynamic", true);
    if (a->kind == NST_ADDR_SLAAC_TEMPORARY)
        json_bool(json, "temporary", true);
    json_text(json, "label", info->name);
    json_number(json, "valid_life_time", life_seconds(a->valid));
    json_number(json, "preferred_life_time", life_seconds(a->preferred));
    json_end(json, '}');
}

/* json NULL: as text. False: no memory. */
static bool show_addrs(const struct scene *scene, const struct show *show,
                       const struct nst_nic_info *info, struct json *json)
{
    size_t count;
    struct nst_nic_addr *addrs = scene_list_addrs(scene, info->id, &count);
    if (addrs == NULL)
        return false;
    if (json != NULL)
        json_begin(json, "addr_info", '[');
    for (size_t i = 0; i < count; i++) {
        if (!show_has_family(show, &addrs[i].addr))
            continue;
        if (json != NULL)
            json_addr(&addrs[i], info, json);
        else
            print_addr(&addrs[i], info, show->out);
    }
    if (json != NULL)
        json_end(json, ']');
    free(addrs);
    return true;
}

static bool show_nic(const struct scene *scene, const struct show *show,
                     const struct nst_nic_info *info, struct json *json, bool addrs)
{
    if (json == NULL) {
        print_nic(scene, info, show->out);
        return !addrs || show_addrs(scene, show, info, NULL);
    }
    json_begin(json, NULL, '{');
    json_nic(scene, info, json);
    const bool ok = !addrs || show_addrs(scene, show, info, json);
    json_end(json, '}');
    return ok;
}

bool show_nics(const struct scene *scene, const struct show *show, uint32_t nic, bool addrs)
{
    struct json json, *to = show_begin(show, &json);
    struct nst_nic_info info;
    bool ok = true;
    for (uint32_t id = nst_nic_next(scene->stack, 0); id != 0; id = nst_nic_next(scene->stack, id))
        if ((nic == 0 || nic == id) && nst_nic_get_info(scene->stack, id, &info) == 0)
            ok = show_nic(scene, show, &info, to, addrs) && ok;
    show_end(to);
    return ok;
}

/* ---- Routes ---- */

/* "default", "10.0.0.0/24", and without its length what is a host's. */
#define DESTINATION_TEXT (NST_ADDR_TEXT + 4)

static char *destination(const struct nst_route *route, char text[DESTINATION_TEXT])
{
    char addr[NST_ADDR_TEXT];
    const unsigned whole = nst_addr_is_v4(&route->prefix) ? 32 : 128;
    nst_addr_format(&route->prefix, addr, sizeof(addr));
    if (route->prefix_len == 0)
        snprintf(text, DESTINATION_TEXT, "default");
    else if (route->prefix_len == whole)
        snprintf(text, DESTINATION_TEXT, "%s", addr);
    else
        snprintf(text, DESTINATION_TEXT, "%s/%u", addr, route->prefix_len);
    return text;
}

static void print_route(const struct scene *scene, const struct nst_route *r, FILE *out)
{
    char text[DESTINATION_TEXT], addr[NST_ADDR_TEXT];
    struct nst_nic_info info;
    fputs(destination(r, text), out);
    if (!addr_is_unspecified(&r->gateway))
        fprintf(out, " via %s", nst_addr_format(&r->gateway, addr, sizeof(addr)));
    fprintf(out, " dev %s", name_of(scene, r->nic, &info));
    if (!addr_is_unspecified(&r->source))
        fprintf(out, " src %s", nst_addr_format(&r->source, addr, sizeof(addr)));
    if (r->metric != 0)
        fprintf(out, " metric %u", r->metric);
    if (r->mtu != 0)
        fprintf(out, " mtu %u", r->mtu);
    fputc('\n', out);
}

static void json_route(const struct scene *scene, const struct nst_route *r, struct json *json)
{
    char text[DESTINATION_TEXT], addr[NST_ADDR_TEXT];
    struct nst_nic_info info;
    json_begin(json, NULL, '{');
    json_text(json, "dst", destination(r, text));
    json_text(json, "family", nst_addr_is_v4(&r->prefix) ? "inet" : "inet6");
    if (!addr_is_unspecified(&r->gateway))
        json_text(json, "gateway", nst_addr_format(&r->gateway, addr, sizeof(addr)));
    json_text(json, "dev", name_of(scene, r->nic, &info));
    if (!addr_is_unspecified(&r->source))
        json_text(json, "prefsrc", nst_addr_format(&r->source, addr, sizeof(addr)));
    if (r->metric != 0)
        json_number(json, "metric", r->metric);
    if (r->mtu != 0)
        json_number(json, "mtu", r->mtu);
    json_end(json, '}');
}

/* json NULL: as text. */
static void show_route(const struct scene *scene, const struct show *show,
                       const struct nst_route *route, struct json *json)
{
    if (json != NULL)
        json_route(scene, route, json);
    else
        print_route(scene, route, show->out);
}

void show_one_route(const struct scene *scene, const struct show *show,
                    const struct nst_route *route)
{
    struct json json, *to = show_begin(show, &json);
    show_route(scene, show, route, to);
    show_end(to);
}

bool show_routes(const struct scene *scene, const struct show *show, uint32_t nic)
{
    size_t count;
    struct nst_route *routes = scene_list_routes(scene, &count);
    if (routes == NULL)
        return false;
    struct json json, *to = show_begin(show, &json);
    for (size_t i = 0; i < count; i++)
        if ((nic == 0 || routes[i].nic == nic) && show_has_family(show, &routes[i].prefix))
            show_route(scene, show, &routes[i], to);
    show_end(to);
    free(routes);
    return true;
}

/* ---- Neighbours ---- */

/* As ip neigh says it. */
static const char *state_of(const struct nst_neigh *neigh)
{
    static const char *const states[] = {
        [NST_NEIGH_INCOMPLETE] = "INCOMPLETE", [NST_NEIGH_REACHABLE] = "REACHABLE",
        [NST_NEIGH_STALE] = "STALE",           [NST_NEIGH_DELAY] = "DELAY",
        [NST_NEIGH_PROBE] = "PROBE",           [NST_NEIGH_STATIC] = "PERMANENT",
        [NST_NEIGH_UNREACHABLE] = "FAILED",
    };
    return neigh->state < sizeof(states) / sizeof(states[0]) ? states[neigh->state] : "?";
}

static void print_neigh(const struct nst_neigh *n, const char *nic, FILE *out)
{
    char addr[NST_ADDR_TEXT], mac[SHOW_MAC_TEXT];
    fprintf(out, "%s dev %s", nst_addr_format(&n->addr, addr, sizeof(addr)), nic);
    if (!mac_is_zero(&n->mac))
        fprintf(out, " lladdr %s", show_mac(n->mac, mac));
    if (n->router)
        fputs(" router", out);
    fprintf(out, " %s\n", state_of(n));
}

static void json_neigh(const struct nst_neigh *n, const char *nic, struct json *json)
{
    char addr[NST_ADDR_TEXT], mac[SHOW_MAC_TEXT];
    json_begin(json, NULL, '{');
    json_text(json, "dst", nst_addr_format(&n->addr, addr, sizeof(addr)));
    json_text(json, "dev", nic);
    if (!mac_is_zero(&n->mac))
        json_text(json, "lladdr", show_mac(n->mac, mac));
    if (n->router)
        json_text(json, "router", NULL);
    json_begin(json, "state", '[');
    json_text(json, NULL, state_of(n));
    json_end(json, ']');
    json_end(json, '}');
}

/* json NULL: as text. False: no memory. A link that does not resolve has none. */
static bool show_neighs_of(const struct scene *scene, const struct show *show, uint32_t nic,
                           struct json *json)
{
    struct nst_nic_info info;
    const char *name = name_of(scene, nic, &info);
    int count = nst_neigh_list(scene->stack, nic, NULL, 0);
    if (count <= 0)
        return true;
    if (count > NEIGHS_MAX)
        count = NEIGHS_MAX;
    struct nst_neigh *neighs = calloc((size_t)count, sizeof(*neighs));
    if (neighs == NULL)
        return false;
    nst_neigh_list(scene->stack, nic, neighs, (size_t)count);
    for (int i = 0; i < count; i++) {
        if (!show_has_family(show, &neighs[i].addr))
            continue;
        if (json != NULL)
            json_neigh(&neighs[i], name, json);
        else
            print_neigh(&neighs[i], name, show->out);
    }
    free(neighs);
    return true;
}

bool show_neighs(const struct scene *scene, const struct show *show, uint32_t nic)
{
    struct json json, *to = show_begin(show, &json);
    bool ok = true;
    for (uint32_t id = nst_nic_next(scene->stack, 0); id != 0; id = nst_nic_next(scene->stack, id))
        if (nic == 0 || nic == id)
            ok = show_neighs_of(scene, show, id, to) && ok;
    show_end(to);
    return ok;
}

/* ---- Statistics ---- */

static bool counter_at(const struct scene *scene, uint32_t nic, size_t n, struct nst_counter *ret)
{
    return nic != 0 ? nst_nic_counter_at(scene->stack, nic, n, ret)
                    : nst_stack_counter_at(scene->stack, n, ret);
}

void show_counter(const struct show *show, const struct nst_counter *counter, struct json *json)
{
    if (json != NULL)
        json_number(json, counter->name, counter->value);
    else
        fprintf(show->out, "     %s: %llu\n", counter->name, (unsigned long long)counter->value);
}

void show_stats(const struct scene *scene, const struct show *show, uint32_t nic)
{
    struct json json, *to = show_begin(show, &json);
    struct nst_nic_info info;
    struct nst_counter counter;
    if (to == NULL)
        fprintf(show->out, "%s statistics:\n", nic != 0 ? "NIC" : "Stack");
    else
        json_begin(to, NULL, '{');
    if (to != NULL && nic != 0)
        json_text(to, "ifname", name_of(scene, nic, &info));
    for (size_t n = 0; counter_at(scene, nic, n, &counter); n++)
        show_counter(show, &counter, to);
    if (to != NULL)
        json_end(to, '}');
    show_end(to);
}
