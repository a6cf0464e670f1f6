/* SPDX-License-Identifier: Apache-2.0 */
/* What is at the bottom of a device: see devices.h. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "up/devices.h"

#define MTU_DEFAULT  1500
#define MTU_LOOPBACK 65535
#define VNET_HDR     12
#define RING_MAX     (8u << 20)
#define RING_MIN     (1u << 20)
#define OPENER_GONE  "the process that opens devices has ended: start nst up again"

/* A locally administered address, the same for the same instance and NIC. */
static struct nst_mac make_mac(const char *instance, const char *name)
{
    uint64_t h = 0xcbf29ce484222325; /* FNV-1a */
    for (; *instance != '\0'; instance++)
        h = (h ^ (uint8_t)*instance) * 0x100000001b3;
    h = (h ^ '/') * 0x100000001b3;
    for (; *name != '\0'; name++)
        h = (h ^ (uint8_t)*name) * 0x100000001b3;
    h ^= h >> 32;
    return (struct nst_mac){{0x02, (uint8_t)(h >> 32), (uint8_t)(h >> 24), (uint8_t)(h >> 16),
                             (uint8_t)(h >> 8), (uint8_t)h}};
}

static struct nst_mac mac_of(const struct devices *devices, const struct device *device,
                             const struct order *order)
{
    return order->at[FIELD_MAC] != 0 ? order->mac : make_mac(devices->instance, device->name);
}

static uint32_t mtu_of(const struct order *order, uint32_t otherwise)
{
    return order->mtu != 0 ? order->mtu : otherwise;
}

/* Lets the loop read it. */
static bool watch(struct devices *devices, struct device *device,
                  int (*receive)(struct nst_link *link, int max), struct fault *fault)
{
    const int r = nst_loop_add_link(devices->loop, device->link, device->fd, receive);
    return r == 0 || scene_fail(fault, 0, "cannot watch the device", r);
}

/* ---- TAP and TUN ---- */

static bool fail_tun(const struct device *device, const struct order *order, int error,
                     struct fault *fault)
{
    const char *next = "is /dev/net/tun there?";
    if (error == -NST_EPERM)
        next = "run it as root, or have root make it for you: ip tuntap add NAME mode tap user YOU";
    else if (error == -NST_EBUSY)
        next = "another program has it: choose another dev";
    else if (error == -NST_EINVAL)
        next = "is there another kind of interface with this name?";
    else if (error == -NST_EPIPE)
        next = OPENER_GONE;
    return fault_set(
        fault, order->at[FIELD_IFNAME] != 0 ? order->at[FIELD_IFNAME] : order->at[FIELD_NAME],
        "cannot open the interface '%s' (%s): %s", device->ifname, nst_error_name(error), next);
}

static bool open_tuntap(struct devices *devices, struct device *device, const struct order *order,
                        struct fault *fault)
{
    const bool ethernet = device->kind == DEVICE_TAP;
    uint32_t unused;
    device->fd = opener_open(devices->opener, order->type, device->ifname, &unused);
    if (device->fd < 0)
        return fail_tun(device, order, device->fd, fault);
    const struct nst_tuntap_config config = {
        .size = sizeof(config),
        .fd = device->fd,
        .ethernet = ethernet,
        .vnet_hdr = VNET_HDR,
        .segmentation = true,
        .mtu = mtu_of(order, MTU_DEFAULT),
        .addr = mac_of(devices, device, order),
    };
    const int r = nst_tuntap_new(&devices->allocator, &config, &device->link);
    if (r < 0)
        return scene_fail(fault, order->at[FIELD_NAME], "cannot make its link", r);
    return watch(devices, device, nst_tuntap_receive, fault);
}

/* ---- Packet sockets ---- */

/* The ring takes no more than an eighth of what the stack may. */
static uint32_t ring_size(uint64_t memory)
{
    const uint64_t size = memory / 8;
    return size > RING_MAX ? RING_MAX : size < RING_MIN ? RING_MIN : (uint32_t)size;
}

static bool open_packet(struct devices *devices, struct device *device, const struct order *order,
                        struct fault *fault)
{
    uint32_t mtu;
    device->fd = opener_open(devices->opener, order->type, device->ifname, &mtu);
    if (device->fd < 0) {
        const int error = device->fd;
        const char *next = error == -NST_EPERM   ? "run it as root, or with CAP_NET_RAW"
                           : error == -NST_EPIPE ? OPENER_GONE
                                                 : "ip link lists the interfaces";
        return fault_set(fault, order->at[FIELD_NAME], "cannot open the interface '%s' (%s): %s",
                         device->ifname, nst_error_name(error), next);
    }
    const struct nst_afpacket_config config = {
        .size = sizeof(config),
        .fd = device->fd,
        .vnet_hdr = true,
        .mtu = mtu_of(order, mtu != 0 ? mtu : MTU_DEFAULT),
        .ring = ring_size(devices->memory),
        .addr = mac_of(devices, device, order),
    };
    const int r = nst_afpacket_new(&devices->allocator, &config, &device->link);
    if (r < 0)
        return scene_fail(fault, order->at[FIELD_NAME], "cannot make its link", r);
    return watch(devices, device, nst_afpacket_receive, fault);
}

/* ---- In memory ---- */

static bool open_pipe(struct devices *devices, struct device *device, const struct order *order,
                      struct fault *fault)
{
    const char *peer = order->peer != NULL ? order->peer : "";
    const struct nst_pipe_config config = {
        .size = sizeof(config),
        .mtu = mtu_of(order, MTU_DEFAULT),
        .ethernet = true,
        .addr = {mac_of(devices, device, order), make_mac(devices->instance, peer)},
    };
    const int r = nst_pipe_new(&devices->allocator, &config, device->pipe);
    if (r < 0)
        return scene_fail(fault, order->at[FIELD_NAME], "cannot make its link", r);
    device->link = device->pipe[0];
    return true;
}

static bool open_loopback(struct devices *devices, struct device *device, const struct order *order,
                          struct fault *fault)
{
    device->link = nst_loopback_new(&devices->allocator);
    if (device->link == NULL)
        return scene_fail(fault, order->at[FIELD_NAME], "cannot make its link", -NST_ENOMEM);
    return true;
}

static bool open_bridge(struct devices *devices, struct device *device, const struct order *order,
                        struct fault *fault)
{
    uint8_t seed[32];
    struct nst_bridge_config config = {
        .size = sizeof(config),
        .addr = mac_of(devices, device, order),
        .mtu = order->mtu,
        .ageing = order->ageing,
        .ports_max = DEVICE_PORTS_MAX,
    };
    int r = nst_host_seed(seed);
    memcpy(config.seed, seed, sizeof(config.seed));
    if (r == 0)
        r = nst_bridge_new(&devices->allocator, &config, &device->bridge);
    if (r < 0)
        return scene_fail(fault, order->at[FIELD_NAME], "cannot make the bridge", r);
    device->link = nst_bridge_link(device->bridge);
    return true;
}

static bool open_vlan(struct devices *devices, struct device *device, const struct order *order,
                      struct fault *fault)
{
    const struct device *under = device->under;
    const struct nst_vlan_config config = {
        .size = sizeof(config),
        .id = (uint16_t)order->id,
        .pcp = (uint8_t)order->pcp,
        .mtu = order->mtu,
        .addr = order->mac,
    };
    const int r = nst_trunk_add_vlan(under->trunk, &config, &device->link);
    if (r == -NST_EEXIST)
        return fault_set(fault, order->at[FIELD_ID],
                         "%s has a VLAN %u already (EEXIST): vlan show lists them", under->name,
                         order->id);
    if (r < 0)
        return scene_fail(fault, order->at[FIELD_MTU], "cannot make the VLAN", r);
    device->vlan = order->id;
    return true;
}

bool device_open(struct devices *devices, struct device *device, const struct order *order,
                 struct fault *fault)
{
    static bool (*const open[])(struct devices * devices, struct device * device,
                                const struct order *order, struct fault *fault) = {
        [DEVICE_TAP] = open_tuntap,        [DEVICE_TUN] = open_tuntap,
        [DEVICE_PACKET] = open_packet,     [DEVICE_PIPE] = open_pipe,
        [DEVICE_LOOPBACK] = open_loopback, [DEVICE_BRIDGE] = open_bridge,
        [DEVICE_VLAN] = open_vlan,
    };
    if (device->kind <= DEVICE_PACKET)
        snprintf(device->ifname, sizeof(device->ifname), "%s",
                 order->ifname != NULL ? order->ifname : device->name);
    return open[device->kind](devices, device, order, fault);
}

void device_close(struct devices *devices, struct device *device)
{
    if (device->fd >= 0 && device->link != NULL)
        nst_loop_remove_link(devices->loop, device->link);
    switch (device->kind) {
    case DEVICE_TAP:
    case DEVICE_TUN:
        nst_tuntap_free(device->link);
        break;
    case DEVICE_PACKET:
        nst_afpacket_free(device->link);
        break;
    case DEVICE_PIPE:
        nst_pipe_free(device->pipe);
        break;
    case DEVICE_LOOPBACK:
        nst_loopback_free(device->link);
        break;
    case DEVICE_BRIDGE:
        nst_bridge_free(device->bridge);
        break;
    case DEVICE_VLAN:
        nst_trunk_remove_vlan(device->link);
        break;
    }
    if (device->fd >= 0)
        close(device->fd);
    device->link = NULL;
    device->fd = -1;
}
