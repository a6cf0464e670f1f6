/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TUN and TAP as links.
 *
 * Theory of operation. Each read gives one packet behind a virtio-net header (reader.h), each write
 * takes one: with offloads a packet is up to 64 KiB, and its checksum may be left to complete, both
 * ways (vnet.h).
 *
 * Writing gathers the virtio-net header, the linear part and the slices. A full device (EAGAIN)
 * leaves the rest in the NIC's queue; the loop says when it may go on. What the device refuses for
 * another reason (it is down, it has no memory) is lost, as on a cable that is unplugged.
 *
 * Limits: one queue. The descriptor is the caller's.
 */
#include <nicstack/host.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/reader.h"
#include "host/vnet.h"

struct tuntap {
    struct nst_link link; /* first */
    struct reader reader;
    struct nst_allocator allocator;
    uint64_t tx_refused;
};

static struct tuntap *tuntap_of(struct nst_link *link)
{
    return (struct tuntap *)link;
}

/* ---- Transmitting ---- */

/* Writes one packet. 0, or a negative errno. */
static int write_packet(const struct reader *device, const struct nst_pkt *p)
{
    uint8_t vnet[VNET_HDR_MAX];
    struct iovec iov[VNET_PIECES_MAX];
    int n = vnet_gather(p, device->vnet_hdr, vnet, iov, VNET_PIECES_MAX);
    if (n == 0)
        return -EMSGSIZE;
    ssize_t r;
    do
        r = writev(device->fd, iov, n);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

static void tuntap_transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct tuntap *t = tuntap_of(link);
    while (!nst_pktq_is_empty(q)) {
        int r = write_packet(&t->reader, q->first);
        if (r == -EAGAIN) {
            link->tx_blocked = true;
            return;
        }
        if (r < 0)
            t->tx_refused++;
        nst_pkt_free(nst_pktq_pop(q));
    }
}

int nst_tuntap_receive(struct nst_link *link, int max)
{
    return reader_receive(&tuntap_of(link)->reader, max);
}

/* ---- The link ---- */

static void tuntap_detach(struct nst_link *link)
{
    reader_detach(&tuntap_of(link)->reader);
}

static int tap_set_address(struct nst_link *link, struct nst_mac addr)
{
    link->addr = addr;
    return 0;
}

static const struct nst_link_ops tun_ops = {
    .transmit = tuntap_transmit,
    .parse_header = nst_bare_ip_parse,
    .push_header = nst_bare_ip_push,
    .detach = tuntap_detach,
    .set_mtu = reader_set_mtu,
};

static const struct nst_link_ops tap_ops = {
    .transmit = tuntap_transmit,
    .parse_header = nst_ethernet_parse,
    .push_header = nst_ethernet_push,
    .detach = tuntap_detach,
    .set_mtu = reader_set_mtu,
    .set_address = tap_set_address,
};

static bool is_valid(const struct nst_tuntap_config *config)
{
    return config->size == sizeof(*config) && config->fd >= 0 && config->mtu > 0 &&
           config->mtu <= READER_IP_PACKET_MAX && config->vnet_hdr <= VNET_HDR_MAX &&
           (config->vnet_hdr == 0 || config->vnet_hdr >= VNET_HDR_LEN) &&
           (config->vnet_hdr != 0 || !config->segmentation);
}

int nst_tuntap_new(const struct nst_allocator *allocator, const struct nst_tuntap_config *config,
                   struct nst_link **ret_link)
{
    if (!is_valid(config))
        return -NST_EINVAL;
    struct tuntap *t = allocator->alloc(allocator->context, sizeof(*t));
    if (t == NULL)
        return -NST_ENOMEM;
    *t = (struct tuntap){
        .reader = {.link = &t->link,
                   .fd = config->fd,
                   .vnet_hdr = config->vnet_hdr,
                   .segmentation = config->segmentation},
        .allocator = *allocator,
    };
    t->link.ops = config->ethernet ? &tap_ops : &tun_ops;
    t->link.mtu = config->mtu;
    t->link.max_header = config->ethernet ? READER_ETHERNET_LEN : 0;
    t->link.addr = config->addr;
    if (config->ethernet)
        t->link.caps |= NST_LINK_RESOLVES;
    if (config->vnet_hdr != 0)
        t->link.caps |= NST_LINK_CSUM_TX;
    if (config->segmentation) {
        t->link.caps |= NST_LINK_TSO4 | NST_LINK_TSO6;
        t->link.gso_max = READER_IP_PACKET_MAX;
    }
    *ret_link = &t->link;
    return 0;
}

void nst_tuntap_free(struct nst_link *link)
{
    if (link == NULL)
        return;
    struct tuntap *t = tuntap_of(link);
    const struct nst_allocator allocator = t->allocator;
    allocator.free(allocator.context, t, sizeof(*t));
}

void nst_tuntap_get_stats(const struct nst_link *link, struct nst_tuntap_stats *ret_stats)
{
    const struct tuntap *t = (const struct tuntap *)link;
    *ret_stats = (struct nst_tuntap_stats){
        .rx_no_memory = t->reader.no_memory,
        .rx_malformed = t->reader.malformed,
        .tx_refused = t->tx_refused,
    };
}

int nst_tuntap_open(const char *name, bool ethernet)
{
    struct ifreq ifr = {.ifr_flags =
                            (short)((ethernet ? IFF_TAP : IFF_TUN) | IFF_NO_PI | IFF_VNET_HDR)};
    size_t len = name != NULL ? strlen(name) : 0;
    if (len >= sizeof(ifr.ifr_name))
        return -NST_EINVAL;
    if (len > 0)
        memcpy(ifr.ifr_name, name, len);
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -nst_error_from_errno(errno);
    int header = sizeof(struct virtio_net_hdr_mrg_rxbuf);
    if (ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNSETVNETHDRSZ, &header) < 0 ||
        ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0) {
        int r = -nst_error_from_errno(errno);
        close(fd);
        return r;
    }
    return fd;
}
