/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TUN and TAP as links.
 *
 * Theory of operation. Each read gives one packet behind a virtio-net header, each write takes one:
 * with offloads a packet is up to 64 KiB, and its checksum may be left to complete, both ways.
 * Reading needs room for the largest: a spare packet of that size is always ready. What fills it
 * well is delivered as it is, without a copy, and a new spare is made; what fills under a quarter
 * is copied into a packet of its own size, so nobody pins 64 KiB with 60 bytes (DESIGN decision 8).
 *
 * Writing gathers the header, the linear part and the slices. A full device (EAGAIN) leaves the
 * rest in the NIC's queue; the loop says when it may go on.
 *
 * Limits: one queue. The descriptor is the caller's.
 */
#include <nicstack/host.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/tuntap.h"

#define HEADROOM      64 /* so that what is forwarded can grow headers */
#define IP_PACKET_MAX 65535
#define ETHERNET_LEN  14
#define PIECES_MAX    64
#define UDP_L4_GSO    5 /* VIRTIO_NET_HDR_GSO_UDP_L4, newer than some headers */

struct tuntap {
    struct nst_link link; /* first */
    int fd;
    uint8_t vnet_hdr;
    struct nst_allocator allocator;
    struct nst_pkt *spare; /* ready to be read into */
    uint64_t write_errors;
};

static struct tuntap *tuntap_of(struct nst_link *link)
{
    return (struct tuntap *)link;
}

static uint8_t gso_to_virtio(const struct nst_pkt *p)
{
    static const uint8_t types[] = {
        [NST_GSO_NONE] = VIRTIO_NET_HDR_GSO_NONE,
        [NST_GSO_TCP4] = VIRTIO_NET_HDR_GSO_TCPV4,
        [NST_GSO_TCP6] = VIRTIO_NET_HDR_GSO_TCPV6,
        [NST_GSO_UDP] = UDP_L4_GSO,
    };
    uint8_t type = types[p->gso];
    if ((p->flags & NST_PKT_GSO_ECN) != 0)
        type |= VIRTIO_NET_HDR_GSO_ECN;
    return type;
}

/* Pushes the virtio-net header that says what the packet asks for. */
static void push_vnet(struct tuntap *t, struct nst_pkt *p)
{
    struct virtio_net_hdr h = {0};
    if (p->csum == NST_CSUM_PARTIAL) {
        h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        h.csum_start = (uint16_t)nst_pkt_csum_start(p);
        h.csum_offset = p->csum_offset;
    }
    if (p->gso != NST_GSO_NONE) {
        h.gso_type = gso_to_virtio(p);
        h.gso_size = p->gso_size;
        /* The kernel wants hdr_len to cover the transport header: TCP's length is in its 13th byte.
         */
        h.hdr_len = p->gso == NST_GSO_UDP
                        ? (uint16_t)(h.csum_start + 8)
                        : (uint16_t)(h.csum_start + (p->data[h.csum_start + 12] >> 4) * 4);
    }
    uint8_t *at = nst_pkt_push(p, t->vnet_hdr);
    memset(at, 0, t->vnet_hdr);
    memcpy(at, &h, sizeof(h));
}

/* Writes one packet. 0, or a negative errno. */
static int write_packet(struct tuntap *t, struct nst_pkt *p)
{
    struct iovec iov[PIECES_MAX];
    int n = 0;
    iov[n++] = (struct iovec){.iov_base = p->data, .iov_len = p->linear};
    for (uint16_t i = 0; i < p->nslices && n < PIECES_MAX; i++)
        iov[n++] = (struct iovec){.iov_base = p->slice[i].data, .iov_len = p->slice[i].len};
    ssize_t r;
    do
        r = n == 1 ? write(t->fd, iov[0].iov_base, iov[0].iov_len) : writev(t->fd, iov, n);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

static void tuntap_transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct tuntap *t = tuntap_of(link);
    while (!nst_pktq_is_empty(q)) {
        struct nst_pkt *p = q->first;
        if (t->vnet_hdr != 0)
            push_vnet(t, p);
        int r = write_packet(t, p);
        if (t->vnet_hdr != 0)
            nst_pkt_pull(p, t->vnet_hdr);
        if (r == -EAGAIN || r == -ENOBUFS) {
            link->tx_blocked = true;
            return;
        }
        if (r < 0)
            t->write_errors++; /* the interface is down: as a cable that is unplugged */
        nst_pkt_free(nst_pktq_pop(q));
    }
}

/* Reads what the virtio-net header says about p, whose data is behind it. False: nonsense. */
static bool apply_vnet(const struct virtio_net_hdr *h, struct nst_pkt *p)
{
    if ((h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0) {
        if ((uint32_t)h->csum_start + h->csum_offset + 2 > p->len)
            return false;
        nst_pkt_request_csum(p, h->csum_start, h->csum_offset);
    } else if ((h->flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0) {
        p->csum = NST_CSUM_VALID;
    }
    switch (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_NONE:
        return true;
    case VIRTIO_NET_HDR_GSO_TCPV4:
        p->gso = NST_GSO_TCP4;
        break;
    case VIRTIO_NET_HDR_GSO_TCPV6:
        p->gso = NST_GSO_TCP6;
        break;
    case UDP_L4_GSO:
        p->gso = NST_GSO_UDP;
        break;
    default:
        return false;
    }
    p->gso_size = h->gso_size;
    if ((h->gso_type & VIRTIO_NET_HDR_GSO_ECN) != 0)
        p->flags |= NST_PKT_GSO_ECN;
    return h->gso_size != 0;
}

static struct nst_pkt *make_spare(struct tuntap *t)
{
    return nst_pkt_new(t->link.pool, HEADROOM, t->vnet_hdr + ETHERNET_LEN + IP_PACKET_MAX);
}

/* The packet with the `n` bytes that were read into the spare: itself, or a copy if it is small.
 * NULL: no memory, it is lost. */
static struct nst_pkt *take_read(struct tuntap *t, uint32_t n)
{
    struct nst_pkt *p = t->spare;
    if (n >= nst_pkt_tailroom(p) / 4) {
        nst_pkt_put(p, n);
        t->spare = NULL;
        return p;
    }
    struct nst_pkt *small = nst_pkt_new(t->link.pool, HEADROOM, n);
    if (small != NULL)
        memcpy(nst_pkt_put(small, n), p->data, n);
    return small;
}

/* Reads one packet into q. 1, 0 (none), or -NST_EIO. */
static int read_packet(struct tuntap *t, struct nst_pktq *q)
{
    if (t->spare == NULL && (t->spare = make_spare(t)) == NULL)
        return 0; /* no budget: leave it in the device, which then holds back its sender */
    ssize_t n;
    do
        n = read(t->fd, t->spare->data, nst_pkt_tailroom(t->spare));
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN ? 0 : -NST_EIO;
    struct nst_pkt *p = n > t->vnet_hdr ? take_read(t, (uint32_t)n) : NULL;
    if (p == NULL)
        return 1;
    if (t->vnet_hdr != 0) {
        struct virtio_net_hdr h;
        memcpy(&h, p->data, sizeof(h));
        nst_pkt_pull(p, t->vnet_hdr);
        if (!apply_vnet(&h, p)) {
            nst_pkt_free(p);
            return 1;
        }
    }
    nst_pktq_push(q, p);
    return 1;
}

int nst_tuntap_receive(struct nst_link *link, int max)
{
    struct tuntap *t = tuntap_of(link);
    struct nst_pktq q = {0};
    int n = 0, r = 0;
    if (link->upper == NULL)
        return 0;
    while (n < max && (r = read_packet(t, &q)) > 0)
        n++;
    if (!nst_pktq_is_empty(&q))
        nst_link_deliver(link, &q);
    return n > 0 ? n : r;
}

static void tuntap_detach(struct nst_link *link)
{
    struct tuntap *t = tuntap_of(link);
    if (t->spare != NULL)
        nst_pkt_free(t->spare);
    t->spare = NULL;
}

static int tuntap_set_mtu(struct nst_link *link, uint32_t mtu)
{
    link->mtu = mtu;
    return 0;
}

static const struct nst_link_ops tun_ops = {
    .transmit = tuntap_transmit,
    .parse_header = nst_bare_ip_parse,
    .push_header = nst_bare_ip_push,
    .detach = tuntap_detach,
    .set_mtu = tuntap_set_mtu,
};

static const struct nst_link_ops tap_ops = {
    .transmit = tuntap_transmit,
    .parse_header = nst_ethernet_parse,
    .push_header = nst_ethernet_push,
    .detach = tuntap_detach,
    .set_mtu = tuntap_set_mtu,
};

int nst_tuntap_new(const struct nst_allocator *allocator, const struct nst_tuntap_config *config,
                   struct nst_link **ret_link)
{
    if (config->size != sizeof(*config) || config->fd < 0 ||
        (config->vnet_hdr != 0 && config->vnet_hdr < sizeof(struct virtio_net_hdr)))
        return -NST_EINVAL;
    struct tuntap *t = allocator->alloc(allocator->context, sizeof(*t));
    if (t == NULL)
        return -NST_ENOMEM;
    *t = (struct tuntap){
        .fd = config->fd,
        .vnet_hdr = config->vnet_hdr,
        .allocator = *allocator,
    };
    t->link.ops = config->ethernet ? &tap_ops : &tun_ops;
    t->link.mtu = config->mtu;
    t->link.max_header = config->vnet_hdr + (config->ethernet ? ETHERNET_LEN : 0);
    t->link.addr = config->addr;
    if (config->ethernet)
        t->link.caps |= NST_LINK_RESOLVES;
    if (config->vnet_hdr != 0)
        t->link.caps |= NST_LINK_CSUM_TX;
    if (config->vnet_hdr != 0 && config->segmentation) {
        t->link.caps |= NST_LINK_TSO4 | NST_LINK_TSO6;
        t->link.gso_max = IP_PACKET_MAX;
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

int tuntap_fd(const struct nst_link *link)
{
    return ((const struct tuntap *)link)->fd;
}

int nst_tuntap_open(const char *name, bool ethernet)
{
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct ifreq ifr = {.ifr_flags =
                            (short)((ethernet ? IFF_TAP : IFF_TUN) | IFF_NO_PI | IFF_VNET_HDR)};
    if (name != NULL)
        snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
    int header = sizeof(struct virtio_net_hdr_mrg_rxbuf);
    if (ioctl(fd, TUNSETIFF, &ifr) < 0 || ioctl(fd, TUNSETVNETHDRSZ, &header) < 0 ||
        ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    return fd;
}
