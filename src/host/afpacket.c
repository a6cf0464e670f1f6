/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any Ethernet interface of the kernel as a link, by AF_PACKET.
 *
 * Theory of operation. Frames come in by a ring (ring.h), each copied into a packet of its own
 * size: a ring slot that a slow reader held would stop everybody. Where the socket's receive buffer
 * is large, slots are small, and what is longer waits in that buffer, to be read (reader.h); else
 * each slot holds the longest frame. Where the kernel refuses a ring all come by read(2). They go
 * out by sendmmsg, many a call. With virtio-net headers (vnet.h) checksums are left to complete and
 * segments are up to 64 KiB, both ways.
 *
 * Nothing pushes back towards whoever sends to us: what finds neither slot nor room the kernel
 * drops, and counts. So there is room for windows of large segments. Towards the kernel, a full
 * send buffer (EAGAIN) blocks the link; what is refused for another reason is lost, as on a cable
 * that is unplugged.
 *
 * On an Ethernet neighbours are found by ARP. Point to point, the peer's address is given, so
 * every frame goes there and each that comes is from there, whatever its addresses say: with ARP
 * off, Linux writes its own address into both.
 *
 * Not received: what was sent on the interface, by us or by others of this host, and frames with a
 * VLAN tag, which the kernel has taken off already.
 */
#include <nicstack/host.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/reader.h"
#include "host/ring.h"
#include "host/vnet.h"

#define RING_DEFAULT   (8u << 20)
#define RECEIVE_BUFFER (8 << 20) /* is asked for; before Linux 6.16 users get 400 KiB */
#define RECEIVE_ENOUGH (2 << 20) /* for what is longer than a slot */
#define FRAME_SMALL    1952      /* a slot is 2 KiB with it: frames of 1,500 bytes fit */
#define FRAME_MAX      (READER_ETHERNET_LEN + READER_IP_PACKET_MAX)
#define SEND_BATCH     16
#define SEND_PIECES    (2 * VNET_PIECES_MAX)

struct afpacket {
    struct nst_link link; /* first */
    struct reader reader; /* its `spare` serves the ring too, where there is one */
    struct ring ring;
    struct nst_mac peer;
    struct nst_allocator allocator;
    uint64_t tx_refused, rx_missed;
};

static struct afpacket *afpacket_of(struct nst_link *link)
{
    return (struct afpacket *)link;
}

/* ---- Transmitting ---- */

/* Packets as sendmmsg takes them. */
struct batch {
    struct mmsghdr messages[SEND_BATCH];
    uint8_t headers[SEND_BATCH][VNET_HDR_MAX];
    struct iovec pieces[SEND_PIECES];
    unsigned count;
};

/* Gathers what goes into one call from the front of q, which is at least one packet, if the first
 * can be sent at all. */
static void gather(const struct afpacket *t, const struct nst_pktq *q, struct batch *batch)
{
    int used = 0;
    batch->count = 0;
    for (const struct nst_pkt *p = q->first; p != NULL && batch->count < SEND_BATCH; p = p->next) {
        struct iovec *iov = batch->pieces + used;
        const int room = SEND_PIECES - used;
        int n = vnet_gather(p, t->reader.vnet_hdr, batch->headers[batch->count], iov,
                            room < VNET_PIECES_MAX ? room : VNET_PIECES_MAX);
        if (n == 0)
            return;
        batch->messages[batch->count++] =
            (struct mmsghdr){.msg_hdr = {.msg_iov = iov, .msg_iovlen = (size_t)n}};
        used += n;
    }
}

/* Sends packets from the front of q: how many, or a negative errno of the first. */
static int send_batch(const struct afpacket *t, const struct nst_pktq *q)
{
    struct batch batch;
    int r;
    gather(t, q, &batch);
    if (batch.count == 0)
        return -EMSGSIZE;
    do
        r = sendmmsg(t->reader.fd, batch.messages, batch.count, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (r < 0 && errno == EINTR);
    return r < 0 ? -errno : r;
}

static void afpacket_transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct afpacket *t = afpacket_of(link);
    while (!nst_pktq_is_empty(q)) {
        int n = send_batch(t, q);
        if (n == -EAGAIN) {
            link->tx_blocked = true;
            return;
        }
        if (n < 0) {
            t->tx_refused++;
            n = 1;
        }
        while (n-- > 0)
            nst_pkt_free(nst_pktq_pop(q));
    }
}

/* ---- Receiving ---- */

/* Takes what the slot does not hold. */
static void take_long(struct afpacket *t, const struct ring_frame *frame, struct nst_pktq *q)
{
    if (!frame->is_queued) {
        t->rx_missed++; /* there was no room in the receive buffer */
        return;
    }
    /* An error of the socket comes first, once. */
    if (reader_read(&t->reader, q) < 0)
        reader_read(&t->reader, q);
}

static void take_short(struct afpacket *t, const struct ring_frame *frame, struct nst_pktq *q)
{
    struct nst_pkt *p = reader_packet(&t->reader, frame->len);
    if (p == NULL) {
        t->reader.no_memory++;
        return;
    }
    memcpy(nst_pkt_put(p, frame->len), frame->data, frame->len);
    if (t->reader.vnet_hdr == 0 ||
        vnet_apply(frame->vnet, t->link.max_header, t->reader.segmentation, p)) {
        nst_pktq_push(q, p);
    } else {
        t->reader.malformed++;
        nst_pkt_free(p);
    }
}

static int receive_ring(struct afpacket *t, int max)
{
    struct nst_pktq q = {0};
    struct ring_frame frame;
    int n = 0;
    for (; n < max && ring_peek(&t->ring, &frame); n++) {
        if (frame.is_cut)
            take_long(t, &frame, &q);
        else
            take_short(t, &frame, &q);
        ring_release(&t->ring);
    }
    if (!nst_pktq_is_empty(&q))
        nst_link_deliver(&t->link, &q);
    return n;
}

/* Takes the socket's error, which would wake for ever. Is the interface gone? One that is only down
 * may come back. */
static bool is_gone(int fd)
{
    struct sockaddr_ll name = {0};
    socklen_t size = sizeof(name), error_size = sizeof(int);
    int error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size);
    return getsockname(fd, (struct sockaddr *)&name, &size) < 0 || name.sll_ifindex <= 0;
}

int nst_afpacket_receive(struct nst_link *link, int max)
{
    struct afpacket *t = afpacket_of(link);
    int n = t->ring.memory != NULL ? receive_ring(t, max) : reader_receive(&t->reader, max);
    if (n > 0)
        return n;
    /* Woken for nothing: that is how errors come. */
    return is_gone(t->reader.fd) ? -NST_EIO : 0;
}

/* ---- The link ---- */

static bool p2p_parse(struct nst_link *link, struct nst_pkt *p, struct nst_link_header *ret_header)
{
    if (!nst_ethernet_parse(link, p, ret_header))
        return false;
    ret_header->src = ret_header->dst = (struct nst_mac){{0}};
    return true;
}

static void p2p_push(struct nst_link *link, struct nst_pkt *p, const struct nst_link_header *header)
{
    const struct nst_link_header to_peer = {
        .src = link->addr, .dst = afpacket_of(link)->peer, .ethertype = header->ethertype};
    nst_ethernet_push(link, p, &to_peer);
}

static void afpacket_detach(struct nst_link *link)
{
    reader_detach(&afpacket_of(link)->reader);
}

static const struct nst_link_ops ethernet_ops = {
    .transmit = afpacket_transmit,
    .parse_header = nst_ethernet_parse,
    .push_header = nst_ethernet_push,
    .detach = afpacket_detach,
    .set_mtu = reader_set_mtu,
};

static const struct nst_link_ops p2p_ops = {
    .transmit = afpacket_transmit,
    .parse_header = p2p_parse,
    .push_header = p2p_push,
    .detach = afpacket_detach,
    .set_mtu = reader_set_mtu,
};

static bool is_zero(const struct nst_mac *mac)
{
    static const struct nst_mac zero;
    return memcmp(mac, &zero, sizeof(zero)) == 0;
}

static void init_link(struct afpacket *t, const struct nst_afpacket_config *config)
{
    const bool is_p2p = !is_zero(&config->peer);
    t->link = (struct nst_link){
        .ops = is_p2p ? &p2p_ops : &ethernet_ops,
        .caps = is_p2p ? 0 : NST_LINK_RESOLVES,
        .mtu = config->mtu,
        .max_header = READER_ETHERNET_LEN,
        .addr = config->addr,
    };
    if (config->vnet_hdr) {
        t->link.caps |= NST_LINK_CSUM_TX | NST_LINK_TSO4 | NST_LINK_TSO6;
        t->link.gso_max = READER_IP_PACKET_MAX;
    }
}

static void open_ring(struct afpacket *t, uint32_t size)
{
    int granted = 0;
    socklen_t len = sizeof(granted);
    getsockopt(t->reader.fd, SOL_SOCKET, SO_RCVBUF, &granted, &len);
    if (granted >= RECEIVE_ENOUGH)
        ring_open(t->reader.fd, size / 4, FRAME_SMALL, t->reader.vnet_hdr, &t->ring);
    else
        ring_open(t->reader.fd, size, FRAME_MAX, t->reader.vnet_hdr, &t->ring);
}

int nst_afpacket_new(const struct nst_allocator *allocator,
                     const struct nst_afpacket_config *config, struct nst_link **ret_link)
{
    if (config->size != sizeof(*config) || config->fd < 0 || config->mtu == 0 ||
        config->mtu > READER_IP_PACKET_MAX)
        return -NST_EINVAL;
    struct afpacket *t = allocator->alloc(allocator->context, sizeof(*t));
    if (t == NULL)
        return -NST_ENOMEM;
    *t = (struct afpacket){
        .reader = {.link = &t->link,
                   .fd = config->fd,
                   .vnet_hdr = config->vnet_hdr ? VNET_HDR_LEN : 0,
                   .segmentation = config->vnet_hdr},
        .peer = config->peer,
        .allocator = *allocator,
    };
    init_link(t, config);
    if (!config->no_ring)
        open_ring(t, config->ring != 0 ? config->ring : RING_DEFAULT);
    *ret_link = &t->link;
    return 0;
}

void nst_afpacket_get_stats(struct nst_link *link, struct nst_afpacket_stats *ret_stats)
{
    struct afpacket *t = afpacket_of(link);
    struct tpacket_stats kernel = {0};
    socklen_t size = sizeof(kernel);
    /* Reading it sets it to zero. */
    if (getsockopt(t->reader.fd, SOL_PACKET, PACKET_STATISTICS, &kernel, &size) == 0)
        t->rx_missed += kernel.tp_drops;
    *ret_stats = (struct nst_afpacket_stats){
        .rx_missed = t->rx_missed,
        .rx_no_memory = t->reader.no_memory,
        .rx_malformed = t->reader.malformed,
        .tx_refused = t->tx_refused,
        .ring_slots = t->ring.slots,
    };
}

void nst_afpacket_free(struct nst_link *link)
{
    if (link == NULL)
        return;
    struct afpacket *t = afpacket_of(link);
    const struct nst_allocator allocator = t->allocator;
    if (t->ring.memory != NULL)
        ring_close(&t->ring, t->reader.fd);
    allocator.free(allocator.context, t, sizeof(*t));
}

/* ---- The socket ---- */

/* Lets pass what comes in without a VLAN tag. */
static int attach_filter(int fd)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 3, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    const struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* What makes it faster, and is done without where it is refused. */
static void set_wishes(int fd)
{
    const int on = 1, size = RECEIVE_BUFFER;
    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

/* All of it before bind: until then the socket receives nothing. */
static int set_up(int fd, unsigned ifindex, bool vnet_hdr)
{
    const int on = 1;
    const struct packet_mreq promiscuous = {.mr_ifindex = (int)ifindex,
                                            .mr_type = PACKET_MR_PROMISC};
    const struct sockaddr_ll name = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)ifindex};
    set_wishes(fd);
    if (attach_filter(fd) < 0)
        return -1;
    if (vnet_hdr && setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &on, sizeof(on)) < 0)
        return -1;
    if (bind(fd, (const struct sockaddr *)&name, sizeof(name)) < 0)
        return -1;
    return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous));
}

int nst_afpacket_open(const char *name, bool vnet_hdr)
{
    const unsigned ifindex = if_nametoindex(name);
    if (ifindex == 0)
        return -nst_error_from_errno(errno);
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -nst_error_from_errno(errno);
    if (set_up(fd, ifindex, vnet_hdr) < 0) {
        int r = -nst_error_from_errno(errno);
        close(fd);
        return r;
    }
    return fd;
}
