/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The devices of nst up: what its NICs stand on.
 *
 * Theory of operation. A device is a link with a name: a TAP or TUN, a packet socket, an end of a
 * pipe, a loopback, a bridge, a VLAN. Each that carries Ethernet has a trunk over it, always, so
 * that VLANs can be put over it at any time; what comes untagged goes on to the device's NIC, which
 * has the device's name, or, if it is a port of a bridge, to that.
 *
 *     fd - link - trunk -+- NIC, or a port of a bridge
 *                        +- link of a VLAN device - trunk - NIC ...
 *
 * Life of a device: nic|bridge|vlan add -> with a NIC <-> a port of a bridge -> nic del.
 *
 * Invariants: (1) a device has a NIC or a master, never both, and neither only where there was no
 * memory to give it its NIC back, which the next nic set tries again; (2) what stands on a device
 * is younger than it and is freed before; (3) a bridge is no port of itself, by however many VLANs.
 */
#ifndef NICSTACK_CLI_UP_DEVICES_H
#define NICSTACK_CLI_UP_DEVICES_H

#include <nicstack/bridge.h>
#include <nicstack/host.h>
#include <nicstack/vlan.h>

#include "order/act.h"
#include "up/opener.h"

#define DEVICE_PORTS_MAX 64 /* of a bridge */

enum device_kind {
    DEVICE_TAP = TYPE_TAP,
    DEVICE_TUN = TYPE_TUN,
    DEVICE_PACKET = TYPE_PACKET,
    DEVICE_PIPE = TYPE_PIPE,
    DEVICE_LOOPBACK = TYPE_LOOPBACK,
    DEVICE_BRIDGE,
    DEVICE_VLAN,
};

struct device {
    struct device *next; /* the older one */
    char name[NST_NIC_NAME_MAX], ifname[NST_NIC_NAME_MAX];
    enum device_kind kind;
    int fd;                    /* -1: none */
    struct nst_link *link;     /* the device's own */
    struct nst_link *pipe[2];  /* the whole pipe, at its first end */
    struct nst_bridge *bridge; /* it is one */
    struct nst_trunk *trunk;   /* over link; NULL where there is no Ethernet */
    struct nst_link *top;      /* of link and trunk */
    struct device *master;     /* the bridge that it is a port of */
    struct device *under;      /* a VLAN: over what; an end of a pipe: the first one */
    uint32_t vlan;
    uint32_t nic; /* id; 0: it has none */
    bool promisc, spoof;
    uint8_t link_local;
};

struct devices {
    struct nst_stack *stack;
    struct nst_loop *loop;
    struct nst_allocator allocator;
    const struct opener *opener;
    const char *instance; /* its name: link addresses are made of it */
    uint64_t memory;      /* the stack's ceiling */
    struct device *first; /* the youngest */
};

/* Orders about NICs, bridges and VLANs that act.h does not know. scene is the instance's. */
bool devices_act(struct devices *devices, const struct scene *scene, const struct order *order,
                 const struct show *show, struct fault *fault);
/* Frees all; after the stack. */
void devices_fini(struct devices *devices);

void devices_describe(const struct devices *devices, uint32_t nic, struct nic_details *ret_details);

/* ---- device_open.c: opens and frees what the device itself is. ---- */

/* Sets link, fd and ifname. False: *fault says why not. */
bool device_open(struct devices *devices, struct device *device, const struct order *order,
                 struct fault *fault);
void device_close(struct devices *devices, struct device *device);

/* ---- devices_show.c ---- */

void devices_show_bridges(const struct devices *devices, const struct show *show, const char *name);
void devices_show_vlans(const struct devices *devices, const struct show *show, const char *name);

#endif
