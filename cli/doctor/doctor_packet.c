/* SPDX-License-Identifier: Apache-2.0 */
/* nst doctor: veth pairs, packet sockets and AF_XDP, in a network namespace of their own. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach/attach_veth.h"
#include "attach/netlink.h"
#include "doctor/doctor.h"
#include "doctor/doctor_refusal.h"

#define ALL (CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID)

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif

enum {
    ETHERTYPE_LOCAL = 0x88b5, /* IEEE 802: for local experiments */
    FRAME_LEN = 60,
    VNET_LEN = 10,
    RING_FRAME = 2048,
    RING_FRAMES = 64,
    RING_SIZE = RING_FRAME * RING_FRAMES
};

static int add_veth(void)
{
    const struct netlink_veth_end one = {"doctor0", (const uint8_t[]){2, 0, 0, 0, 0, 1}};
    const struct netlink_veth_end two = {"doctor1", (const uint8_t[]){2, 0, 0, 0, 0, 2}};
    int fd = netlink_open();
    int error = fd < 0 ? fd : netlink_add_veth(fd, &one, &two);
    close(fd);
    return error;
}

static void explain_veth(int error, struct doctor_result *result)
{
    if (error == EOPNOTSUPP)
        doctor_fails(result, EOPNOTSUPP, "as root: modprobe veth",
                     "this kernel has no veth, or may not load it");
    else
        doctor_refusal_of_call("making a veth pair", error, "allow netlink here", result);
}

static void check_veth(struct doctor_result *result)
{
    int error = add_veth();
    if (error == 0)
        doctor_works(result, NULL);
    else
        explain_veth(-error, result);
}

/* All of it, as `nst run` does it. */
static void check_veth_link(struct doctor_result *result)
{
    struct attach_link link;
    enum attach_step step = ATTACH_STEP_VETH;
    int error = attach_veth_open(1, true, &step, &link);
    if (error == 0)
        doctor_works(result, "a pair with packet sockets and offloads");
    else if (step == ATTACH_STEP_VETH)
        explain_veth(-error, result);
    else
        doctor_refusal_of_call("a link by a veth pair", -error, "allow packet sockets here",
                               result);
}

/* A packet socket on lo, which is up. Returns it, or -1 with the result filled in. */
static int open_packet(struct doctor_result *result)
{
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = htons(ETHERTYPE_LOCAL),
                                  .sll_ifindex = (int)if_nametoindex("lo")};
    int netlink = netlink_open();
    if (netlink >= 0)
        netlink_set_up(netlink, if_nametoindex("lo"), 0);
    close(netlink);
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0 && errno == EAFNOSUPPORT)
        doctor_fails(result, EAFNOSUPPORT, "as root: modprobe af_packet",
                     "this kernel has no packet sockets, or may not load them");
    else if (fd < 0)
        doctor_refusal_of_call("socket(AF_PACKET)", errno, "allow packet sockets here", result);
    else if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
        doctor_refusal_of_call("bind of a packet socket", errno, "allow packet sockets here",
                               result);
    else
        return fd;
    return -1;
}

static void make_frame(unsigned char frame[FRAME_LEN])
{
    memset(frame, 0, FRAME_LEN);
    frame[12] = ETHERTYPE_LOCAL >> 8;
    frame[13] = ETHERTYPE_LOCAL & 0xff;
}

/* Sends one frame on lo, with a virtio-net header if header is VNET_LEN, and waits until it is
 * there. */
static int send_frame(int fd, size_t header)
{
    unsigned char bytes[VNET_LEN + FRAME_LEN] = {0};
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    make_frame(bytes + header);
    if (send(fd, bytes, header + FRAME_LEN, 0) < 0)
        return -errno;
    return poll(&poll_fd, 1, 1000) == 1 ? 0 : -ETIMEDOUT;
}

/* Sends one and reads one: its length, or a negative errno. */
static int exchange(int fd, size_t header)
{
    unsigned char bytes[256];
    int error = send_frame(fd, header);
    if (error < 0)
        return error;
    ssize_t size = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    return size < 0 ? -errno : (int)size;
}

static void check_packet(struct doctor_result *result)
{
    int fd = open_packet(result);
    if (fd < 0)
        return;
    int size = exchange(fd, 0);
    if (size == FRAME_LEN)
        doctor_works(result, "a frame came back by lo");
    else
        doctor_refusal_of_call("a frame by a packet socket", size < 0 ? -size : EPROTO,
                               "allow packet sockets here", result);
}

static int use_vnet_header(int fd)
{
    const int on = 1;
    return setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0 ? -errno : 0;
}

static void check_vnet_hdr(struct doctor_result *result)
{
    int fd = open_packet(result);
    if (fd < 0)
        return;
    int error = use_vnet_header(fd);
    int size = error < 0 ? error : exchange(fd, VNET_LEN);
    if (size == VNET_LEN + FRAME_LEN)
        doctor_works(result, "headers of %d bytes", VNET_LEN);
    else
        doctor_refusal_of_call("PACKET_VNET_HDR", size < 0 ? -size : EPROTO,
                               "boot a kernel of 2.6.34 or newer", result);
}

/* Rings for both directions, mapped, and a frame through them. */
static int try_ring(int fd)
{
    const int version = TPACKET_V2;
    const struct tpacket_req ring = {.tp_block_size = RING_SIZE,
                                     .tp_block_nr = 1,
                                     .tp_frame_size = RING_FRAME,
                                     .tp_frame_nr = RING_FRAMES};
    if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)) < 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &ring, sizeof(ring)) < 0)
        return -errno;
    void *map = mmap(NULL, 2 * RING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    struct tpacket2_hdr *received = map, *sent = (void *)((char *)map + RING_SIZE);
    unsigned char *at = (unsigned char *)sent + TPACKET2_HDRLEN - sizeof(struct sockaddr_ll);
    memset(at, 0, VNET_LEN);
    make_frame(at + VNET_LEN);
    sent->tp_len = VNET_LEN + FRAME_LEN;
    sent->tp_status = TP_STATUS_SEND_REQUEST;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    if (send(fd, NULL, 0, 0) < 0)
        return -errno;
    if (poll(&poll_fd, 1, 1000) != 1)
        return -ETIMEDOUT;
    return received->tp_status & TP_STATUS_USER ? 0 : -EPROTO;
}

static void check_ring(struct doctor_result *result)
{
    int fd = open_packet(result);
    if (fd < 0)
        return;
    int error = use_vnet_header(fd);
    if (error == 0)
        error = try_ring(fd);
    if (error == 0)
        doctor_works(result, "TPACKET_V2 both ways, with virtio-net headers");
    else
        doctor_refusal_of_call(
            "a ring of packets", -error,
            error == -ENOMEM ? "free some memory" : "boot a kernel of 4.6 or newer", result);
}

/* The socket, its memory and a ring; attaching it to a device needs a BPF program as well. */
static int try_xdp(void)
{
    const int entries = 64;
    int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    void *memory = mmap(NULL, RING_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED)
        return -errno;
    const struct xdp_umem_reg region = {
        .addr = (uintptr_t)memory, .len = RING_SIZE, .chunk_size = RING_FRAME};
    if (setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &region, sizeof(region)) < 0 ||
        setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &entries, sizeof(entries)) < 0 ||
        setsockopt(fd, SOL_XDP, XDP_RX_RING, &entries, sizeof(entries)) < 0)
        return -errno;
    return 0;
}

static void check_xdp(struct doctor_result *result)
{
    int error = try_xdp();
    if (error == 0)
        doctor_works(result, "socket, memory and rings");
    else if (error == -EAFNOSUPPORT)
        doctor_fails(result, EAFNOSUPPORT, "boot a kernel built with CONFIG_XDP_SOCKETS=y",
                     "this kernel has no AF_XDP");
    else if (error == -ENOBUFS || error == -ENOMEM)
        doctor_fails(result, -error, "ulimit -l 65536", "no memory may be locked");
    else
        doctor_refusal_of_call("an AF_XDP socket", -error, "boot a kernel of 5.3 or newer", result);
}

static const struct doctor_check checks[] = {
    {"veth", check_veth, "network_namespace", ALL, false},
    {"af_packet", check_packet, "network_namespace", ALL, false},
    {"packet_vnet_hdr", check_vnet_hdr, "af_packet", ALL, false},
    {"packet_ring", check_ring, "packet_vnet_hdr", ALL, false},
    {"veth_link", check_veth_link, "veth packet_vnet_hdr", ALL, false},
    {"af_xdp", check_xdp, "network_namespace", ALL, true},
};

const struct doctor_group doctor_packet = {"packet", checks, sizeof(checks) / sizeof(checks[0])};
