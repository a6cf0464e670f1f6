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
 * When the budget is spent a small packet goes up in the spare itself: it may be the very
 * acknowledgment that frees memory. Without a spare, packets are read and dropped, as a card does
 * whose ring has no free buffer: the device stays quiet for epoll, nothing spins, and the next
 * packet after memory came back is received. Without an upper end they are dropped as well.
 *
 * Writing gathers the virtio-net header, the linear part and the slices. A full device (EAGAIN)
 * leaves the rest in the NIC's queue; the loop says when it may go on. What the device refuses for
 * another reason (it is down, it has no memory) is lost, as on a cable that is unplugged.
 *
 * What the other side says in a virtio-net header is checked before it is believed: the checksum's
 * field lies in the packet, and only what was negotiated is cut: TCP, in a packet that is TCP.
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

#define HEADROOM      64 /* so that what is forwarded can grow headers */
#define IP_PACKET_MAX 65535
#define ETHERNET_LEN  14
#define IP_PROTO_TCP  6
#define PIECES_MAX    64
#define VNET_HDR_MAX  32

struct tuntap {
    struct nst_link link; /* first */
    int fd;
    uint8_t vnet_hdr;
    bool segmentation;
    struct nst_allocator allocator;
    struct nst_pkt *spare; /* ready to be read into */
    struct nst_tuntap_stats stats;
};

static struct tuntap *tuntap_of(struct nst_link *link)
{
    return (struct tuntap *)link;
}

/* ---- Transmitting ---- */

static uint8_t gso_to_virtio(const struct nst_pkt *p)
{
    uint8_t type = p->gso == NST_GSO_TCP4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
    if ((p->flags & NST_PKT_GSO_ECN) != 0)
        type |= VIRTIO_NET_HDR_GSO_ECN;
    return type;
}

/* The virtio-net header that says what p asks for. */
static struct virtio_net_hdr make_vnet(const struct nst_pkt *p)
{
    struct virtio_net_hdr h = {0};
    if (p->csum == NST_CSUM_PARTIAL) {
        h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        h.csum_start = (uint16_t)nst_pkt_csum_start(p);
        h.csum_offset = p->csum_offset;
    }
    if (p->gso == NST_GSO_TCP4 || p->gso == NST_GSO_TCP6) {
        h.gso_type = gso_to_virtio(p);
        h.gso_size = p->gso_size;
        /* A hint: the headers' length. TCP's own is in its 13th byte. */
        if (h.flags != 0 && h.csum_start + 12u < p->linear)
            h.hdr_len = (uint16_t)(h.csum_start + (p->data[h.csum_start + 12] >> 4) * 4);
    }
    return h;
}

/* Writes one packet. 0, or a negative errno. */
static int write_packet(const struct tuntap *t, const struct nst_pkt *p)
{
    uint8_t vnet[VNET_HDR_MAX] = {0};
    struct iovec iov[PIECES_MAX];
    int n = 0;
    if (p->nslices > PIECES_MAX - 2)
        return -EMSGSIZE;
    if (t->vnet_hdr != 0) {
        const struct virtio_net_hdr h = make_vnet(p);
        memcpy(vnet, &h, sizeof(h));
        iov[n++] = (struct iovec){.iov_base = vnet, .iov_len = t->vnet_hdr};
    }
    iov[n++] = (struct iovec){.iov_base = p->data, .iov_len = p->linear};
    for (uint16_t i = 0; i < p->nslices; i++)
        iov[n++] = (struct iovec){.iov_base = p->slice[i].data, .iov_len = p->slice[i].len};
    ssize_t r;
    do
        r = writev(t->fd, iov, n);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : 0;
}

static void tuntap_transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct tuntap *t = tuntap_of(link);
    while (!nst_pktq_is_empty(q)) {
        int r = write_packet(t, q->first);
        if (r == -EAGAIN) {
            link->tx_blocked = true;
            return;
        }
        if (r < 0)
            t->stats.tx_refused++;
        nst_pkt_free(nst_pktq_pop(q));
    }
}

/* ---- Receiving ---- */

/* Is p, behind its link header, TCP over IP of this version? IPv6 with extension headers counts as
 * what it may be: gso_size is but a hint there. */
static bool is_tcp(const struct tuntap *t, const struct nst_pkt *p, unsigned version)
{
    uint32_t at = (t->link.caps & NST_LINK_RESOLVES) != 0 ? ETHERNET_LEN : 0;
    if (p->linear < at + 40 || p->data[at] >> 4 != version)
        return false;
    return version == 6 || p->data[at + 9] == IP_PROTO_TCP;
}

static bool apply_csum(const struct virtio_net_hdr *h, struct nst_pkt *p)
{
    if ((h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0) {
        if ((uint32_t)h->csum_start + h->csum_offset + 2 > p->linear ||
            nst_pkt_headroom(p) + h->csum_start > UINT16_MAX)
            return false;
        nst_pkt_request_csum(p, h->csum_start, h->csum_offset);
    } else if ((h->flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0) {
        p->csum = NST_CSUM_VALID;
    }
    return true;
}

/* Reads what the virtio-net header says about p, whose data is behind it. False: nonsense. */
static bool apply_vnet(const struct tuntap *t, const struct virtio_net_hdr *h, struct nst_pkt *p)
{
    if (!apply_csum(h, p))
        return false;
    uint8_t type = h->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
    if (type == VIRTIO_NET_HDR_GSO_NONE)
        return true;
    if (!t->segmentation || h->gso_size == 0)
        return false;
    if (type == VIRTIO_NET_HDR_GSO_TCPV4 && is_tcp(t, p, 4))
        p->gso = NST_GSO_TCP4;
    else if (type == VIRTIO_NET_HDR_GSO_TCPV6 && is_tcp(t, p, 6))
        p->gso = NST_GSO_TCP6;
    else
        return false;
    p->gso_size = h->gso_size;
    if ((h->gso_type & VIRTIO_NET_HDR_GSO_ECN) != 0)
        p->flags |= NST_PKT_GSO_ECN;
    return true;
}

/* read(2) of one packet: its length, 0 for none now, or -NST_EIO. */
static int64_t read_device(const struct tuntap *t, uint8_t *to, size_t size)
{
    ssize_t n;
    do
        n = read(t->fd, to, size);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        return n;
    /* A device that is there never says 0. */
    return n < 0 && (errno == EAGAIN || errno == ENOMEM || errno == ENOBUFS) ? 0 : -NST_EIO;
}

/* Takes one packet off the device and drops it. 1, 0 (none), or -NST_EIO. */
static int discard_packet(struct tuntap *t)
{
    uint8_t scrap[256]; /* what does not fit is cut off by the kernel */
    int64_t n = read_device(t, scrap, sizeof(scrap));
    if (n > 0)
        t->stats.rx_no_memory++;
    return n > 0 ? 1 : (int)n;
}

/* The packet with the `n` bytes that were read into the spare: itself, or a copy if it is small and
 * there is memory for one. */
static struct nst_pkt *take_read(struct tuntap *t, uint32_t n)
{
    struct nst_pkt *p = t->spare;
    struct nst_pkt *small = NULL;
    if (n < nst_pkt_tailroom(p) / 4)
        small = nst_pkt_new(t->link.pool, HEADROOM, n);
    if (small != NULL) {
        memcpy(nst_pkt_put(small, n), p->data, n);
        return small;
    }
    nst_pkt_put(p, n);
    t->spare = NULL;
    return p;
}

/* Reads one packet into q. 1, 0 (none), or -NST_EIO. */
static int read_packet(struct tuntap *t, struct nst_pktq *q)
{
    if (t->link.upper == NULL)
        return discard_packet(t);
    if (t->spare == NULL)
        t->spare = nst_pkt_new(t->link.pool, HEADROOM, t->vnet_hdr + ETHERNET_LEN + IP_PACKET_MAX);
    if (t->spare == NULL)
        return discard_packet(t);
    int64_t n = read_device(t, t->spare->data, nst_pkt_tailroom(t->spare));
    if (n <= 0)
        return (int)n;
    if (n <= t->vnet_hdr) {
        t->stats.rx_malformed++;
        return 1;
    }
    struct nst_pkt *p = take_read(t, (uint32_t)n);
    struct virtio_net_hdr h = {0};
    if (t->vnet_hdr != 0) {
        memcpy(&h, p->data, sizeof(h));
        nst_pkt_pull(p, t->vnet_hdr);
    }
    if (apply_vnet(t, &h, p)) {
        nst_pktq_push(q, p);
    } else {
        t->stats.rx_malformed++;
        nst_pkt_free(p);
    }
    return 1;
}

int nst_tuntap_receive(struct nst_link *link, int max)
{
    struct tuntap *t = tuntap_of(link);
    struct nst_pktq q = {0};
    int n = 0, r = 0;
    while (n < max && (r = read_packet(t, &q)) > 0)
        n++;
    if (!nst_pktq_is_empty(&q))
        nst_link_deliver(link, &q);
    return n > 0 ? n : r;
}

/* ---- The link ---- */

static void tuntap_detach(struct nst_link *link)
{
    struct tuntap *t = tuntap_of(link);
    if (t->spare != NULL)
        nst_pkt_free(t->spare);
    t->spare = NULL;
}

static int tuntap_set_mtu(struct nst_link *link, uint32_t mtu)
{
    if (mtu == 0 || mtu > IP_PACKET_MAX)
        return -NST_EINVAL;
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

static bool is_valid(const struct nst_tuntap_config *config)
{
    return config->size == sizeof(*config) && config->fd >= 0 && config->mtu > 0 &&
           config->mtu <= IP_PACKET_MAX && config->vnet_hdr <= VNET_HDR_MAX &&
           (config->vnet_hdr == 0 || config->vnet_hdr >= sizeof(struct virtio_net_hdr)) &&
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
        .fd = config->fd,
        .vnet_hdr = config->vnet_hdr,
        .segmentation = config->segmentation,
        .allocator = *allocator,
    };
    t->link.ops = config->ethernet ? &tap_ops : &tun_ops;
    t->link.mtu = config->mtu;
    t->link.max_header = config->ethernet ? ETHERNET_LEN : 0;
    t->link.addr = config->addr;
    if (config->ethernet)
        t->link.caps |= NST_LINK_RESOLVES;
    if (config->vnet_hdr != 0)
        t->link.caps |= NST_LINK_CSUM_TX;
    if (config->segmentation) {
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

void nst_tuntap_get_stats(const struct nst_link *link, struct nst_tuntap_stats *ret_stats)
{
    *ret_stats = ((const struct tuntap *)link)->stats;
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
