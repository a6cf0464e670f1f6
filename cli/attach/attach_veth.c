/* SPDX-License-Identifier: Apache-2.0 */
#include "attach/attach_veth.h"

#include <nicstack/host.h>

#include <errno.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach/netlink.h"
#include "attach/offloads.h"

enum {
    VNET_HDR_LEN = 10,
    MTU_MAX = 65535, /* of the end that is not the program's: its own limits alone count */
};

static const char program_end[] = "eth0", our_end[] = "nst0";

/* What TCP leaves to be cut, and a virtio-net header can say, is kept. */
static bool is_kept(const char *name)
{
    static const char *const kept[] = {"tx-tcp-segmentation", "tx-tcp-ecn-segmentation",
                                       "tx-tcp-mangleid-segmentation", "tx-tcp6-segmentation",
                                       "tx-generic-segmentation"};
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        if (strcmp(name, kept[i]) == 0)
            return true;
    return false;
}

/* Everything else of its kind is not, and the kernel cuts itself. */
static bool is_unsayable(const char *name)
{
    const char *end = strstr(name, "-segmentation");
    bool is_segmentation = strncmp(name, "tx-", 3) == 0 && end != NULL && end[13] == '\0';
    return (is_segmentation && !is_kept(name)) || strcmp(name, "tx-gso-list") == 0;
}

/* Without virtio-net headers nothing may be left undone at all. */
static bool is_offload(const char *name)
{
    return is_unsayable(name) || is_kept(name) || strncmp(name, "tx-checksum-", 12) == 0;
}

static int make_pair(int netlink_fd)
{
    static const uint8_t program_mac[] = {ATTACH_MAC_PROGRAM};
    /* Not ours: what is for us would be for the kernel as well. */
    static const uint8_t kernel_mac[] = {0x02, 0x00, 10, 0, 2, 254};
    const struct netlink_veth_end program = {.name = program_end, .mac = program_mac},
                                  our = {.name = our_end, .mac = kernel_mac};
    int error = netlink_add_veth(netlink_fd, &program, &our);
    if (error < 0)
        return error;
    const unsigned ifindex = if_nametoindex(our_end);
    /* A kernel without IPv6 has none to be told of. */
    netlink_set_no_address6(netlink_fd, ifindex);
    return netlink_set_up(netlink_fd, ifindex, MTU_MAX);
}

/* Shares the flows between the sockets of one link. */
static int join_fanout(int fd)
{
    const int fanout = 1 | PACKET_FANOUT_HASH << 16;
    return setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &fanout, sizeof(fanout)) < 0 ? -errno : 0;
}

static int open_sockets(unsigned queues, bool vnet_hdr, struct attach_link *link)
{
    int error = 0;
    for (; link->count < queues && error == 0; link->count++) {
        int fd = nst_afpacket_open(our_end, vnet_hdr);
        if (fd < 0)
            return -nst_errno_from_error(fd);
        link->fds[link->count] = fd;
        if (queues > 1)
            error = join_fanout(fd);
    }
    return error;
}

static void set_offloads(bool vnet_hdr, struct attach_link *link)
{
    link->note_step = ATTACH_STEP_UNCUT;
    link->note_error = -offloads_turn_off(program_end, vnet_hdr ? is_unsayable : is_offload);
    if (vnet_hdr) {
        link->vnet_hdr_len = VNET_HDR_LEN;
        link->offload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
    }
}

int attach_veth_open(unsigned queues, bool vnet_hdr, enum attach_step *ret_step,
                     struct attach_link *ret_link)
{
    struct attach_link link = {0};
    int netlink_fd = netlink_open();
    *ret_step = ATTACH_STEP_NETLINK;
    if (netlink_fd < 0)
        return netlink_fd;
    *ret_step = ATTACH_STEP_VETH;
    int error = make_pair(netlink_fd);
    close(netlink_fd);
    if (error < 0)
        return error;
    set_offloads(vnet_hdr, &link);
    *ret_step = ATTACH_STEP_PACKET_SOCKET;
    error = open_sockets(queues, vnet_hdr, &link);
    if (error < 0) {
        attach_link_close(&link);
        return error;
    }
    link.ifindex = if_nametoindex(program_end);
    *ret_link = link;
    return 0;
}
