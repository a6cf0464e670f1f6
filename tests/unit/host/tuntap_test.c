/* SPDX-License-Identifier: Apache-2.0 */
/* TUN and TAP links over a pair of sockets that keep packets apart, as the device does. */
#include <nicstack/host.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_net.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../link/top.h"

#define VNET 12

struct rig {
    struct top top;
    struct nst_link *link;
    int device; /* the other end: what the kernel's side of the device would see */
    int fd;     /* the link's end of it */
};

static void rig_init(struct rig *r, uint8_t vnet_hdr, bool segmentation, uint64_t memory)
{
    int fds[2];
    const int size = 4 << 20;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    const struct nst_tuntap_config config = {.size = sizeof(config),
                                             .fd = fds[0],
                                             .vnet_hdr = vnet_hdr,
                                             .segmentation = segmentation,
                                             .mtu = 1500};
    top_init(&r->top, memory);
    assert_int_equal(nst_tuntap_new(&r->top.alloc.allocator, &config, &r->link), 0);
    top_attach(&r->top, r->link);
    r->fd = fds[0];
    r->device = fds[1];
}

static void rig_fini(struct rig *r)
{
    top_detach(&r->top);
    nst_tuntap_free(r->link);
    top_fini(&r->top);
    close(r->fd);
    if (r->device >= 0)
        close(r->device);
}

static struct nst_tuntap_stats stats(const struct rig *r)
{
    struct nst_tuntap_stats s;
    nst_tuntap_get_stats(r->link, &s);
    return s;
}

/* A packet of the numbered kind from the device, behind header h. */
static void inject(struct rig *r, const struct virtio_net_hdr *h, size_t header, uint32_t number,
                   uint32_t len)
{
    uint8_t *bytes = calloc(1, header + len);
    struct nst_pkt *p = top_packet(&r->top, number, len);
    if (h != NULL)
        memcpy(bytes, h, sizeof(*h));
    nst_pkt_copy_out(p, 0, bytes + header, len);
    nst_pkt_free(p);
    assert_int_equal(write(r->device, bytes, header + len), header + len);
    free(bytes);
}

static void receives_packets_of_every_size(void **state)
{
    struct rig r;
    rig_init(&r, 0, false, 16 << 20);
    const uint32_t sizes[] = {4, 60, 1500, 16000, 17000, 40000, 65535};
    for (uint32_t i = 0; i < 7; i++)
        inject(&r, NULL, 0, i, sizes[i]);
    assert_int_equal(nst_tuntap_receive(r.link, 64), 7);
    for (uint32_t i = 0; i < 7; i++) {
        assert_int_equal(r.top.got.first->len, sizes[i]);
        /* Nobody pins 64 KiB with 60 bytes. */
        assert_true(nst_pkt_headroom(r.top.got.first) >= 64);
        assert_true(nst_pkt_tailroom(r.top.got.first) <= 3 * sizes[i] + 256);
        top_expect(&r.top, i);
    }
    assert_int_equal(nst_tuntap_receive(r.link, 64), 0);
    rig_fini(&r);
}

static void receives_at_most_what_it_is_asked_for(void **state)
{
    struct rig r;
    rig_init(&r, 0, false, 16 << 20);
    for (uint32_t i = 0; i < 10; i++)
        inject(&r, NULL, 0, i, 100);
    assert_int_equal(nst_tuntap_receive(r.link, 4), 4);
    assert_int_equal(r.top.got.count, 4);
    assert_int_equal(nst_tuntap_receive(r.link, 64), 6);
    top_expect_range(&r.top, 0, 10);
    rig_fini(&r);
}

static void sends_pieces_as_one_packet(void **state)
{
    struct rig r;
    uint8_t bytes[70000];
    rig_init(&r, 0, false, 16 << 20);
    top_send(&r.top, 7, 1, 1000);
    assert_int_equal(read(r.device, bytes, sizeof(bytes)), 1000);
    assert_int_equal(bytes[0], 7);
    /* A clone of a received packet, whose slices are views. */
    struct nst_pkt *p = top_packet(&r.top, 8, 3000);
    nst_pktq_push(&r.top.txq, nst_pkt_clone(p));
    nst_pkt_free(p);
    top_flush(&r.top);
    assert_int_equal(read(r.device, bytes, sizeof(bytes)), 3000);
    assert_int_equal(bytes[2999], top_byte(8, 2999));
    assert_int_equal(stats(&r).tx_refused, 0);
    rig_fini(&r);
}

/* The virtio-net header says what is asked for, and the packet itself is not touched. */
static void asks_the_device_for_checksum_and_cutting(void **state)
{
    struct rig r;
    uint8_t bytes[70000];
    struct virtio_net_hdr h;
    rig_init(&r, VNET, true, 16 << 20);
    assert_int_equal(r.link->caps, NST_LINK_CSUM_TX | NST_LINK_TSO4 | NST_LINK_TSO6);
    struct nst_pkt *p = top_packet(&r.top, 1, 5000);
    p->data[20 + 12] = 8 << 4; /* TCP with 12 bytes of options */
    nst_pkt_request_csum(p, 20, 16);
    p->gso = NST_GSO_TCP4;
    p->gso_size = 1448;
    p->flags = NST_PKT_GSO_ECN;
    nst_pktq_push(&r.top.txq, p);
    top_flush(&r.top);
    assert_int_equal(read(r.device, bytes, sizeof(bytes)), VNET + 5000);
    memcpy(&h, bytes, sizeof(h));
    assert_int_equal(h.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
    assert_int_equal(h.gso_type, VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN);
    assert_int_equal(h.gso_size, 1448);
    assert_int_equal(h.hdr_len, 52);
    assert_int_equal(h.csum_start, 20);
    assert_int_equal(h.csum_offset, 16);
    assert_int_equal(bytes[VNET], 1);
    top_send(&r.top, 2, 1, 100);
    assert_int_equal(read(r.device, bytes, sizeof(bytes)), VNET + 100);
    for (int i = 0; i < VNET; i++)
        assert_int_equal(bytes[i], 0);
    rig_fini(&r);
}

static void a_full_device_blocks_until_it_is_writable(void **state)
{
    struct rig r;
    uint8_t bytes[2000];
    const int size = 4096;
    rig_init(&r, VNET, false, 16 << 20);
    setsockopt(r.fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    top_send(&r.top, 0, 300, 1000);
    assert_true(r.link->tx_blocked);
    uint32_t left = r.top.txq.count;
    assert_in_range(left, 1, 299);
    assert_int_equal(r.top.txq.bytes, left * 1000); /* nothing is left of the header */
    uint32_t next = 0;
    while (!nst_pktq_is_empty(&r.top.txq) || next < 300) {
        while (read(r.device, bytes, sizeof(bytes)) == VNET + 1000) {
            uint32_t number;
            memcpy(&number, bytes + VNET, 4);
            assert_int_equal(number, next++);
        }
        nst_link_set_writable(r.link);
        top_flush(&r.top);
    }
    assert_int_equal(next, 300);
    assert_int_equal(stats(&r).tx_refused, 0);
    rig_fini(&r);
}

static void what_the_device_refuses_is_lost_and_counted(void **state)
{
    struct rig r;
    rig_init(&r, 0, false, 16 << 20);
    close(r.device);
    r.device = -1;
    top_send(&r.top, 0, 5, 100); /* EPIPE; SIGPIPE is ignored by this test */
    assert_false(r.link->tx_blocked);
    assert_true(nst_pktq_is_empty(&r.top.txq));
    assert_int_equal(stats(&r).tx_refused, 5);
    assert_int_equal(nst_tuntap_receive(r.link, 64), -NST_EIO); /* and it is gone */
    rig_fini(&r);
}

static void without_memory_packets_are_dropped_not_left(void **state)
{
    struct rig r;
    rig_init(&r, 0, false, 300 << 10);
    /* Use up the budget. */
    struct nst_pktq hog = {0};
    struct nst_pkt *p;
    while ((p = nst_pkt_new(r.top.pool, 0, 60000)) != NULL)
        nst_pktq_push(&hog, p);
    uint8_t bytes[100] = {0x45};
    for (int i = 0; i < 10; i++)
        assert_int_equal(write(r.device, bytes, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(nst_tuntap_receive(r.link, 64), 10); /* no descriptor stays readable */
    assert_int_equal(nst_tuntap_receive(r.link, 64), 0);
    assert_int_equal(stats(&r).rx_no_memory, 10);
    top_forget(&hog);
    assert_int_equal(write(r.device, bytes, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(nst_tuntap_receive(r.link, 64), 1);
    assert_int_equal(r.top.got.count, 1);
    rig_fini(&r);
}

/* The acknowledgment that would free memory must get through. */
static void the_last_packet_goes_up_in_the_spare(void **state)
{
    struct rig r;
    rig_init(&r, 0, false, 300 << 10);
    inject(&r, NULL, 0, 1, 1000);
    assert_int_equal(nst_tuntap_receive(r.link, 64), 1); /* now there is a spare */
    top_expect(&r.top, 1);
    struct nst_pktq hog = {0};
    struct nst_pkt *p;
    inject(&r, NULL, 0, 2, 1000);
    for (uint32_t size = 60000; size > 1; size /= 4)
        while ((p = nst_pkt_new(r.top.pool, 0, size)) != NULL)
            nst_pktq_push(&hog, p);
    assert_int_equal(nst_tuntap_receive(r.link, 64), 1);
    top_expect(&r.top, 2);
    top_forget(&hog);
    rig_fini(&r);
}

static void without_a_nic_packets_are_dropped(void **state)
{
    struct rig r;
    rig_init(&r, 0, false, 16 << 20);
    inject(&r, NULL, 0, 1, 100);
    top_detach(&r.top);
    assert_int_equal(nst_tuntap_receive(r.link, 64), 1);
    assert_int_equal(nst_tuntap_receive(r.link, 64), 0);
    top_attach(&r.top, r.link);
    inject(&r, NULL, 0, 2, 100);
    assert_int_equal(nst_tuntap_receive(r.link, 64), 1);
    top_expect_range(&r.top, 2, 1);
    rig_fini(&r);
}

/* One packet of 60 bytes behind h, with `version` and TCP; true: it was taken. */
static bool takes(struct rig *r, const struct virtio_net_hdr *h, uint8_t version, uint8_t proto)
{
    uint8_t bytes[VNET + 60] = {0};
    const uint64_t malformed = stats(r).rx_malformed;
    memcpy(bytes, h, sizeof(*h));
    bytes[VNET] = (uint8_t)(version << 4 | 5);
    bytes[VNET + 9] = proto;
    assert_int_equal(write(r->device, bytes, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(nst_tuntap_receive(r->link, 64), 1);
    bool taken = !nst_pktq_is_empty(&r->top.got);
    assert_int_equal(stats(r).rx_malformed, malformed + !taken);
    return taken;
}

static void believes_headers_that_make_sense(void **state)
{
    struct rig r;
    rig_init(&r, VNET, true, 16 << 20);
    const struct virtio_net_hdr open = {
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 20, .csum_offset = 16};
    assert_true(takes(&r, &open, 4, 17));
    assert_int_equal(r.top.got.first->csum, NST_CSUM_PARTIAL);
    assert_int_equal(nst_pkt_csum_start(r.top.got.first), 20);
    assert_int_equal(r.top.got.first->csum_offset, 16);
    assert_int_equal(r.top.got.first->len, 60);
    top_forget(&r.top.got);
    const struct virtio_net_hdr valid = {.flags = VIRTIO_NET_HDR_F_DATA_VALID};
    assert_true(takes(&r, &valid, 4, 17));
    assert_int_equal(r.top.got.first->csum, NST_CSUM_VALID);
    top_forget(&r.top.got);
    struct virtio_net_hdr large = open;
    large.gso_type = VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN;
    large.gso_size = 7;
    assert_true(takes(&r, &large, 4, 6));
    assert_int_equal(r.top.got.first->gso, NST_GSO_TCP4);
    assert_int_equal(r.top.got.first->gso_size, 7);
    assert_int_equal(r.top.got.first->flags, NST_PKT_GSO_ECN);
    top_forget(&r.top.got);
    large.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
    assert_true(takes(&r, &large, 6, 0));
    assert_int_equal(r.top.got.first->gso, NST_GSO_TCP6);
    top_forget(&r.top.got);
    const struct virtio_net_hdr none = {0};
    assert_true(takes(&r, &none, 4, 6));
    assert_int_equal(r.top.got.first->csum, NST_CSUM_UNKNOWN);
    rig_fini(&r);
}

static void refuses_headers_that_make_none(void **state)
{
    struct rig r;
    rig_init(&r, VNET, true, 16 << 20);
    struct virtio_net_hdr h = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                               .csum_start = 43,
                               .csum_offset = 16}; /* one byte behind the end */
    assert_false(takes(&r, &h, 4, 6));
    h.csum_start = 65535;
    assert_false(takes(&r, &h, 4, 6));
    h.csum_start = 42;
    assert_true(takes(&r, &h, 4, 6));
    top_forget(&r.top.got);
    h = (struct virtio_net_hdr){.gso_type = VIRTIO_NET_HDR_GSO_TCPV4};
    assert_false(takes(&r, &h, 4, 6)); /* segments of nothing */
    h.gso_size = 100;
    assert_false(takes(&r, &h, 4, 17)); /* no TCP */
    assert_false(takes(&r, &h, 6, 6));  /* no IPv4 */
    h.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
    assert_false(takes(&r, &h, 4, 6));
    h.gso_type = VIRTIO_NET_HDR_GSO_UDP;
    assert_false(takes(&r, &h, 4, 17));
    h.gso_type = 5; /* UDP_L4: never offered */
    assert_false(takes(&r, &h, 4, 17));
    rig_fini(&r);
    rig_init(&r, VNET, false, 16 << 20);
    h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
    assert_false(takes(&r, &h, 4, 6)); /* not offered either */
    rig_fini(&r);
}

static void a_header_without_packet_is_malformed(void **state)
{
    struct rig r;
    uint8_t bytes[VNET] = {0};
    rig_init(&r, VNET, true, 16 << 20);
    for (size_t len = 1; len <= VNET; len++)
        assert_int_equal(write(r.device, bytes, len), len);
    assert_int_equal(nst_tuntap_receive(r.link, 64), VNET);
    assert_int_equal(stats(&r).rx_malformed, VNET);
    assert_true(nst_pktq_is_empty(&r.top.got));
    rig_fini(&r);
}

static void refuses_configurations_that_cannot_be(void **state)
{
    const struct nst_tuntap_config good = {.size = sizeof(good), .fd = 0, .mtu = 1500};
    const struct nst_allocator *a = nst_host_allocator();
    struct nst_link *link = NULL;
    struct nst_tuntap_config c = good;
    c.size = 0;
    assert_int_equal(nst_tuntap_new(a, &c, &link), -NST_EINVAL);
    c = good, c.fd = -1;
    assert_int_equal(nst_tuntap_new(a, &c, &link), -NST_EINVAL);
    c = good, c.mtu = 0;
    assert_int_equal(nst_tuntap_new(a, &c, &link), -NST_EINVAL);
    c = good, c.mtu = 65536;
    assert_int_equal(nst_tuntap_new(a, &c, &link), -NST_EINVAL);
    c = good, c.vnet_hdr = 9;
    assert_int_equal(nst_tuntap_new(a, &c, &link), -NST_EINVAL);
    c = good, c.vnet_hdr = 33;
    assert_int_equal(nst_tuntap_new(a, &c, &link), -NST_EINVAL);
    c = good, c.segmentation = true;
    assert_int_equal(nst_tuntap_new(a, &c, &link), -NST_EINVAL);
    assert_null(link);
    assert_int_equal(nst_tuntap_open("a-name-that-is-too-long", false), -NST_EINVAL);
    assert_int_equal(nst_tuntap_new(a, &good, &link), 0);
    assert_int_equal(link->ops->set_mtu(link, 0), -NST_EINVAL);
    assert_int_equal(link->ops->set_mtu(link, 65536), -NST_EINVAL);
    assert_int_equal(link->ops->set_mtu(link, 9000), 0);
    assert_int_equal(link->mtu, 9000);
    nst_tuntap_free(link);
    nst_tuntap_free(NULL);
    struct alloc alloc;
    alloc_init(&alloc);
    alloc.fail_at = 1;
    assert_int_equal(nst_tuntap_new(&alloc.allocator, &good, &link), -NST_ENOMEM);
}

static int ignore_sigpipe(void **state)
{
    return signal(SIGPIPE, SIG_IGN) == SIG_ERR ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"packets of every size come in, in blocks of their size", receives_packets_of_every_size},
        {"one call receives at most what it is asked for", receives_at_most_what_it_is_asked_for},
        {"what lies in pieces goes out as one packet", sends_pieces_as_one_packet},
        {"the device is asked for checksum and cutting", asks_the_device_for_checksum_and_cutting},
        {"a full device blocks, and loses nothing", a_full_device_blocks_until_it_is_writable},
        {"what the device refuses is lost and counted",
         what_the_device_refuses_is_lost_and_counted},
        {"without memory packets are dropped, not left in the device",
         without_memory_packets_are_dropped_not_left},
        {"without memory for a copy a packet goes up in the spare",
         the_last_packet_goes_up_in_the_spare},
        {"without a NIC packets are dropped", without_a_nic_packets_are_dropped},
        {"headers that make sense are believed", believes_headers_that_make_sense},
        {"headers that make none are refused", refuses_headers_that_make_none},
        {"a header without packet is malformed", a_header_without_packet_is_malformed},
        {"configurations that cannot be are refused", refuses_configurations_that_cannot_be},
    };
    return cmocka_run_group_tests(tests, ignore_sigpipe, NULL);
}
