/* SPDX-License-Identifier: Apache-2.0 */
/* Bridges and VLANs, as bridge(8) and ip(8) show them: see devices.h. */
#include <stdlib.h>
#include <string.h>

#include "up/devices.h"

/* The name of what is over a link; "?" is never seen. */
static const char *name_of(const struct devices *devices, const struct nst_link *top)
{
    for (const struct device *d = devices->first; d != NULL; d = d->next)
        if (d->top == top)
            return d->name;
    return "?";
}

/* ---- Counters ---- */

/* Of a bridge, or, with that NULL, of a trunk. */
static bool counter_at(const struct device *d, size_t n, struct nst_counter *ret)
{
    return d->bridge != NULL ? nst_bridge_counter_at(d->bridge, n, ret)
                             : nst_trunk_counter_at(d->under->trunk, n, ret);
}

/* json NULL: as text. */
static void show_counters(const struct device *d, const struct show *show, struct json *json)
{
    struct nst_counter counter;
    if (json != NULL)
        json_begin(json, "stats", '{');
    for (size_t n = 0; counter_at(d, n, &counter); n++)
        show_counter(show, &counter, json);
    if (json != NULL)
        json_end(json, '}');
}

/* ---- Bridges ---- */

static void show_ports(const struct devices *devices, const struct device *bridge,
                       const struct show *show, struct json *json)
{
    struct nst_bridge_port ports[DEVICE_PORTS_MAX];
    const size_t count = nst_bridge_port_list(bridge->bridge, ports, DEVICE_PORTS_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct nst_bridge_port *p = &ports[i];
        const char *name = name_of(devices, p->link);
        if (json == NULL) {
            fprintf(show->out, "    port %s%s rx %llu tx %llu dropped %llu\n", name,
                    p->isolated ? " isolated" : "", (unsigned long long)p->rx_packets,
                    (unsigned long long)p->tx_packets, (unsigned long long)p->tx_dropped);
            continue;
        }
        json_begin(json, NULL, '{');
        json_text(json, "ifname", name);
        json_bool(json, "isolated", p->isolated);
        json_number(json, "rx_packets", p->rx_packets);
        json_number(json, "tx_packets", p->tx_packets);
        json_number(json, "tx_dropped", p->tx_dropped);
        json_end(json, '}');
    }
}

static void show_entry(const struct devices *devices, const struct nst_bridge_entry *e,
                       const struct show *show, struct json *json)
{
    char mac[SHOW_MAC_TEXT];
    const char *name = name_of(devices, e->port);
    const uint64_t idle = (uint64_t)(e->idle / NST_SEC);
    if (json == NULL) {
        fprintf(show->out, "    %s dev %s idle %llus%s\n", show_mac(e->addr, mac), name,
                (unsigned long long)idle, e->in_use ? " used" : "");
        return;
    }
    json_begin(json, NULL, '{');
    json_text(json, "mac", show_mac(e->addr, mac));
    json_text(json, "ifname", name);
    json_number(json, "idle", idle);
    json_bool(json, "used", e->in_use);
    json_end(json, '}');
}

static void show_table(const struct devices *devices, const struct device *bridge,
                       const struct show *show, struct json *json)
{
    const size_t count = nst_bridge_table_list(bridge->bridge, NULL, 0);
    struct nst_bridge_entry *entries = calloc(count + 1, sizeof(*entries));
    if (entries == NULL)
        return;
    nst_bridge_table_list(bridge->bridge, entries, count);
    for (size_t i = 0; i < count; i++)
        show_entry(devices, &entries[i], show, json);
    free(entries);
}

static void show_bridge(const struct devices *devices, const struct device *bridge,
                        const struct show *show, struct json *json)
{
    if (json == NULL) {
        fprintf(show->out, "%s:\n", bridge->name);
        show_ports(devices, bridge, show, NULL);
        show_table(devices, bridge, show, NULL);
        show_counters(bridge, show, NULL);
        return;
    }
    json_begin(json, NULL, '{');
    json_text(json, "ifname", bridge->name);
    json_begin(json, "ports", '[');
    show_ports(devices, bridge, show, json);
    json_end(json, ']');
    json_begin(json, "fdb", '[');
    show_table(devices, bridge, show, json);
    json_end(json, ']');
    show_counters(bridge, show, json);
    json_end(json, '}');
}

/* ---- VLANs ---- */

static void show_vlan(const struct devices *devices, const struct device *d,
                      const struct show *show, struct json *json)
{
    (void)devices;
    if (json == NULL) {
        fprintf(show->out, "%s: id %u link %s%s%s\n", d->name, d->vlan, d->under->name,
                d->master != NULL ? " master " : "", d->master != NULL ? d->master->name : "");
        show_counters(d, show, NULL);
        return;
    }
    json_begin(json, NULL, '{');
    json_text(json, "ifname", d->name);
    json_number(json, "id", d->vlan);
    json_text(json, "link", d->under->name);
    if (d->master != NULL)
        json_text(json, "master", d->master->name);
    show_counters(d, show, json);
    json_end(json, '}');
}

/* ---- All ---- */

static void show_kind(const struct devices *devices, const struct show *show, const char *name,
                      enum device_kind kind,
                      void (*one)(const struct devices *devices, const struct device *d,
                                  const struct show *show, struct json *json))
{
    struct json json, *to = show_begin(show, &json);
    for (const struct device *d = devices->first; d != NULL; d = d->next)
        if (d->kind == kind && (name == NULL || strcmp(name, d->name) == 0))
            one(devices, d, show, to);
    show_end(to);
}

void devices_show_bridges(const struct devices *devices, const struct show *show, const char *name)
{
    show_kind(devices, show, name, DEVICE_BRIDGE, show_bridge);
}

void devices_show_vlans(const struct devices *devices, const struct show *show, const char *name)
{
    show_kind(devices, show, name, DEVICE_VLAN, show_vlan);
}
