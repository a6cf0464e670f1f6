/* SPDX-License-Identifier: Apache-2.0 */
/* AF_PACKET links on one end of a veth pair, in a network namespace of the test's own; a packet
 * socket on the other end is what the kernel's side would be. Skipped where there is no such
 * namespace to be had. */
#include <nicstack/host.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../link/top.h"

#define ETHERNET 14
#define VNET     10

/* How frames come in. */
enum way {
    SMALL_SLOTS, /* and long frames by the receive buffer */
    LARGE_SLOTS,
    NO_RING,
    WAYS,
};

static bool has_namespace;

struct rig {
    struct top top;
    struct nst_link *link;
    int fd;   /* the link's socket */
    int peer; /* a socket on the other end, with virtio-net headers */
};

static int shell(const char *command)
{
    return system(command); // NOLINT(cert-env33-c): what the test says, nothing from outside
}

static void rig_init_with(struct rig *r, struct nst_afpacket_config *config, int receive_buffer,
                          uint64_t memory)
{
    r->fd = nst_afpacket_open("nst0", true);
    r->peer = nst_afpacket_open("nst1", true);
    assert_true(r->fd >= 0 && r->peer >= 0);
    if (receive_buffer != 0)
        setsockopt(r->fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof(receive_buffer));
    config->size = sizeof(*config);
    config->fd = r->fd;
    config->vnet_hdr = true;
    config->mtu = 65535;
    top_init(&r->top, memory);
    assert_int_equal(nst_afpacket_new(&r->top.alloc.allocator, config, &r->link), 0);
    top_attach(&r->top, r->link);
}

static struct nst_afpacket_stats stats(struct rig *r)
{
    struct nst_afpacket_stats s;
    nst_afpacket_get_stats(r->link, &s);
    return s;
}

/* Skips the test where this way is not to be had. */
static void rig_init(struct rig *r, enum way way)
{
    struct nst_afpacket_config config = {.no_ring = way == NO_RING, .ring = 4 << 20};
    if (!has_namespace)
        skip();
    rig_init_with(r, &config, way == LARGE_SLOTS ? 200000 : 0, 64 << 20);
    assert_true((way == NO_RING) == (stats(r).ring_slots == 0));
    assert_true(way != LARGE_SLOTS || stats(r).ring_slots == 60);
}

static void rig_fini(struct rig *r)
{
    top_detach(&r->top);
    nst_afpacket_free(r->link);
    top_fini(&r->top);
    close(r->fd);
    close(r->peer);
}

/* A frame of the numbered kind, `len` bytes, from the other end. */
static void inject(struct rig *r, const struct virtio_net_hdr *h, uint32_t number, uint32_t len)
{
    static const struct virtio_net_hdr none;
    static uint8_t bytes[VNET + 70000];
    memcpy(bytes, h != NULL ? h : &none, VNET);
    memcpy(bytes + VNET, &number, sizeof(number));
    for (uint32_t i = sizeof(number); i < len; i++)
        bytes[VNET + i] = top_byte(number, i);
    assert_int_equal(write(r->peer, bytes, VNET + len), VNET + len);
}

/* Receives what comes, with patience for the first `count`. */
static int receive_all(struct rig *r, int count)
{
    struct pollfd p = {.fd = r->fd, .events = POLLIN};
    int n = 0;
    while (poll(&p, 1, n < count ? 30000 : 20) > 0) {
        const int got = nst_afpacket_receive(r->link, 64);
        assert_true(got > 0);
        n += got;
    }
    assert_int_equal(nst_afpacket_receive(r->link, 64), 0);
    return n;
}

static void receive(struct rig *r, int count)
{
    assert_int_equal(receive_all(r, count), count);
}

static void receives_frames_of_every_size_in_order(void **state)
{
    const uint32_t sizes[] = {60,   65549, 61,    1514,  1949, 1950, 1951, 1952,
                              1953, 1954,  16000, 65548, 60,   2048, 40000};
    const uint32_t count = sizeof(sizes) / sizeof(sizes[0]);
    for (enum way way = 0; way < WAYS; way++) {
        struct rig r;
        rig_init(&r, way);
        for (uint32_t round = 0; round < 5; round++) { /* around the ring, too */
            for (uint32_t i = 0; i < count; i++)
                inject(&r, NULL, i, sizes[i]);
            receive(&r, count);
            for (uint32_t i = 0; i < count; i++) {
                assert_int_equal(r.top.got.first->len, sizes[i]);
                assert_true(nst_pkt_headroom(r.top.got.first) >= 64);
                assert_true(nst_pkt_tailroom(r.top.got.first) <= 3 * sizes[i] + 256);
                top_expect(&r.top, i);
            }
        }
        rig_fini(&r);
    }
}

static void receives_at_most_what_it_is_asked_for(void **state)
{
    for (enum way way = 0; way < WAYS; way++) {
        struct rig r;
        struct pollfd p = {.events = POLLIN};
        rig_init(&r, way);
        p.fd = r.fd;
        for (uint32_t i = 0; i < 10; i++)
            inject(&r, NULL, i, 100);
        assert_int_equal(nst_afpacket_receive(r.link, 4), 4);
        assert_int_equal(poll(&p, 1, 0), 1); /* it says that there are more */
        assert_int_equal(nst_afpacket_receive(r.link, 64), 6);
        assert_int_equal(poll(&p, 1, 0), 0);
        top_expect_range(&r.top, 0, 10);
        rig_fini(&r);
    }
}

static void believes_the_virtio_net_header(void **state)
{
    const struct virtio_net_hdr h = {
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = ETHERNET + 20, .csum_offset = 16};
    for (enum way way = 0; way < WAYS; way++) {
        struct rig r;
        rig_init(&r, way);
        inject(&r, &h, 1, 100);
        inject(&r, &h, 2, 5000);
        inject(&r, NULL, 3, 100);
        receive(&r, 3);
        for (uint32_t i = 1; i <= 2; i++) {
            assert_int_equal(r.top.got.first->csum, NST_CSUM_PARTIAL);
            assert_int_equal(nst_pkt_csum_start(r.top.got.first), ETHERNET + 20);
            assert_int_equal(r.top.got.first->csum_offset, 16);
            top_expect(&r.top, i);
        }
        assert_int_equal(r.top.got.first->csum, NST_CSUM_UNKNOWN);
        rig_fini(&r);
    }
}

static void sends_a_batch_in_order_with_its_wishes(void **state)
{
    struct rig r;
    static uint8_t bytes[70000];
    struct virtio_net_hdr h;
    rig_init(&r, SMALL_SLOTS);
    assert_int_equal(r.link->caps,
                     NST_LINK_RESOLVES | NST_LINK_CSUM_TX | NST_LINK_TSO4 | NST_LINK_TSO6);
    assert_int_equal(r.link->gso_max, 65535);
    /* TCP over IPv4 to be cut, among frames that are whole: a clone's payload lies in slices. */
    struct nst_pkt *p = top_packet(&r.top, 40, 30000);
    const uint8_t headers[] = {[12] = 8, [14] = 0x45, [16] = 0x75, [17] = 0x22,       [22] = 64,
                               [23] = 6, [26] = 10,   [30] = 10,   [34 + 12] = 5 << 4};
    memcpy(p->data + 4, headers + 4, sizeof(headers) - 4);
    nst_pkt_request_csum(p, ETHERNET + 20, 16);
    p->gso = NST_GSO_TCP4;
    p->gso_size = 1448;
    for (uint32_t i = 0; i < 40; i++)
        nst_pktq_push(&r.top.txq, top_packet(&r.top, i, 60 + i));
    nst_pktq_push(&r.top.txq, nst_pkt_clone(p));
    nst_pktq_push(&r.top.txq, top_packet(&r.top, 41, 65549));
    nst_pkt_free(p);
    top_flush(&r.top);
    assert_true(nst_pktq_is_empty(&r.top.txq));
    for (uint32_t i = 0; i <= 41; i++) {
        const uint32_t len = i < 40 ? 60 + i : i == 40 ? 30000 : 65549;
        uint32_t number;
        assert_int_equal(read(r.peer, bytes, sizeof(bytes)), VNET + len);
        memcpy(&h, bytes, sizeof(h));
        memcpy(&number, bytes + VNET, sizeof(number));
        assert_int_equal(number, i);
        assert_int_equal(h.gso_type, i == 40 ? VIRTIO_NET_HDR_GSO_TCPV4 : 0);
        assert_int_equal(h.gso_size, i == 40 ? 1448 : 0);
        assert_int_equal(h.flags, i == 40 ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0);
        assert_int_equal(bytes[VNET + len - 1], top_byte(number, len - 1));
    }
    assert_int_equal(stats(&r).tx_refused, 0);
    receive(&r, 0); /* and none of it comes back */
    rig_fini(&r);
}

/* What did not fit is counted, and what fitted is right. */
static void counts_what_it_missed(void **state)
{
    const uint32_t sizes[] = {100, 60000};
    for (enum way way = 0; way < WAYS; way++) {
        for (unsigned i = 0; i < 2; i++) {
            struct rig r;
            const uint32_t count = way == LARGE_SLOTS ? 200 : 2000;
            if (way == NO_RING && i == 0)
                continue;
            rig_init(&r, way);
            for (uint32_t n = 0; n < count; n++)
                inject(&r, NULL, n, sizes[i]);
            receive_all(&r, 10);
            const uint32_t got = r.top.got.count;
            assert_in_range(got, 10, count - 1);
            assert_int_equal(got + stats(&r).rx_missed, count);
            assert_int_equal(stats(&r).rx_missed, count - got); /* reading it takes nothing away */
            top_expect_range(&r.top, 0, got);
            rig_fini(&r);
        }
    }
}

static void a_tagged_frame_is_not_for_it(void **state)
{
    struct rig r;
    uint8_t frame[VNET + 64] = {[VNET + 12] = 0x81, [VNET + 15] = 5, [VNET + 16] = 8};
    rig_init(&r, SMALL_SLOTS);
    assert_int_equal(write(r.peer, frame, sizeof(frame)), sizeof(frame));
    inject(&r, NULL, 1, 100);
    receive(&r, 1);
    top_expect_range(&r.top, 1, 1);
    rig_fini(&r);
}

static void point_to_point_all_frames_are_the_peers(void **state)
{
    struct rig r;
    uint8_t bytes[2000];
    struct nst_link_header header;
    struct nst_afpacket_config config = {.addr = {{2, 0, 0, 0, 0, 1}},
                                         .peer = {{2, 0, 0, 0, 0, 2}}};
    const uint8_t sent[ETHERNET] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0};
    if (!has_namespace)
        skip();
    rig_init_with(&r, &config, 0, 16 << 20);
    assert_int_equal(r.link->caps & NST_LINK_RESOLVES, 0);
    assert_int_equal(r.link->max_header, ETHERNET);
    struct nst_pkt *p = top_packet(&r.top, 1, 100);
    header = (struct nst_link_header){.dst = {{9, 9, 9, 9, 9, 9}}, .ethertype = 0x0800};
    r.link->ops->push_header(r.link, p, &header);
    nst_pktq_push(&r.top.txq, p);
    top_flush(&r.top);
    assert_int_equal(read(r.peer, bytes, sizeof(bytes)), VNET + ETHERNET + 100);
    assert_memory_equal(bytes + VNET, sent, ETHERNET);
    /* What comes is for us, whatever it says. */
    assert_int_equal(write(r.peer, bytes, VNET + ETHERNET + 100), VNET + ETHERNET + 100);
    receive(&r, 1);
    p = nst_pktq_pop(&r.top.got);
    assert_true(r.link->ops->parse_header(r.link, p, &header));
    assert_int_equal(header.ethertype, 0x0800);
    for (int i = 0; i < 6; i++)
        assert_int_equal(header.src.b[i] | header.dst.b[i], 0);
    assert_int_equal(p->len, 100);
    nst_pkt_free(p);
    p = top_packet(&r.top, 1, ETHERNET - 1);
    assert_false(r.link->ops->parse_header(r.link, p, &header));
    nst_pkt_free(p);
    rig_fini(&r);
}

static void without_memory_frames_are_dropped_not_left(void **state)
{
    for (enum way way = 0; way < WAYS; way++) {
        struct rig r;
        struct nst_pktq hog = {0};
        struct nst_pkt *p;
        rig_init(&r, way);
        while ((p = nst_pkt_new(r.top.pool, 0, 60000)) != NULL)
            nst_pktq_push(&hog, p);
        while ((p = nst_pkt_new(r.top.pool, 0, 100)) != NULL)
            nst_pktq_push(&hog, p);
        for (uint32_t i = 0; i < 10; i++)
            inject(&r, NULL, i, i % 2 != 0 ? 100 : 9000);
        assert_int_equal(nst_afpacket_receive(r.link, 64), 10); /* no slot stays taken */
        assert_int_equal(stats(&r).rx_no_memory, 10);
        top_forget(&hog);
        inject(&r, NULL, 1, 100);
        inject(&r, NULL, 2, 9000);
        receive(&r, 2);
        top_expect_range(&r.top, 1, 2);
        rig_fini(&r);
    }
}

static void the_last_frame_goes_up_in_the_spare(void **state)
{
    struct rig r;
    struct nst_pktq hog = {0};
    struct nst_pkt *p;
    rig_init(&r, SMALL_SLOTS);
    inject(&r, NULL, 1, 100);
    receive(&r, 1); /* now there is a spare */
    top_expect(&r.top, 1);
    inject(&r, NULL, 2, 100);
    for (uint32_t size = 60000; size > 1; size /= 4)
        while ((p = nst_pkt_new(r.top.pool, 0, size)) != NULL)
            nst_pktq_push(&hog, p);
    receive(&r, 1);
    top_expect(&r.top, 2);
    top_forget(&hog);
    rig_fini(&r);
}

static void without_a_nic_frames_are_dropped(void **state)
{
    struct rig r;
    rig_init(&r, SMALL_SLOTS);
    top_detach(&r.top);
    inject(&r, NULL, 1, 100);
    inject(&r, NULL, 2, 9000);
    receive(&r, 2);
    assert_int_equal(stats(&r).rx_no_memory, 2);
    top_attach(&r.top, r.link);
    inject(&r, NULL, 3, 9000);
    receive(&r, 1);
    top_expect_range(&r.top, 3, 1);
    rig_fini(&r);
}

/* Down is like a cable that is unplugged; nothing spins. Without the interface the link is gone. */
static void an_interface_may_go_down_and_come_back_but_not_leave(void **state)
{
    for (enum way way = 0; way < WAYS; way++) {
        struct rig r;
        rig_init(&r, way);
        struct pollfd p = {.fd = r.fd, .events = POLLIN};
        assert_int_equal(shell("ip link set nst0 down"), 0);
        assert_int_equal(poll(&p, 1, 0), 1);
        assert_int_equal(nst_afpacket_receive(r.link, 64), 0);
        assert_int_equal(poll(&p, 1, 0), 0);
        top_send(&r.top, 0, 3, 100);
        assert_int_equal(stats(&r).tx_refused, 3);
        assert_int_equal(shell("ip link set nst0 up"), 0);
        inject(&r, NULL, 1, 100);
        inject(&r, NULL, 2, 9000);
        receive(&r, 2);
        top_expect_range(&r.top, 1, 2);
        assert_int_equal(shell("ip link del nst0"), 0);
        assert_int_equal(poll(&p, 1, 0), 1);
        assert_int_equal(nst_afpacket_receive(r.link, 64), -NST_EIO);
        rig_fini(&r);
        assert_int_equal(shell("ip link add nst0 type veth peer name nst1 && "
                               "for i in nst0 nst1; do ip link set $i mtu 65535 up; done"),
                         0);
    }
}

static void refuses_configurations_that_cannot_be(void **state)
{
    const struct nst_afpacket_config good = {
        .size = sizeof(good), .fd = 0, .mtu = 1500, .no_ring = true};
    const struct nst_allocator *a = nst_host_allocator();
    struct nst_link *link = NULL;
    struct nst_afpacket_config c = good;
    c.size = 0;
    assert_int_equal(nst_afpacket_new(a, &c, &link), -NST_EINVAL);
    c = good, c.fd = -1;
    assert_int_equal(nst_afpacket_new(a, &c, &link), -NST_EINVAL);
    c = good, c.mtu = 0;
    assert_int_equal(nst_afpacket_new(a, &c, &link), -NST_EINVAL);
    c = good, c.mtu = 65536;
    assert_int_equal(nst_afpacket_new(a, &c, &link), -NST_EINVAL);
    assert_null(link);
    assert_int_equal(nst_afpacket_open("a-name-that-is-too-long", false), -NST_ENOENT);
    assert_int_equal(nst_afpacket_open("none", false), -NST_ENOENT);
    assert_int_equal(nst_afpacket_new(a, &good, &link), 0);
    assert_int_equal(link->caps, NST_LINK_RESOLVES);
    assert_int_equal(link->ops->set_mtu(link, 0), -NST_EINVAL);
    assert_int_equal(link->ops->set_mtu(link, 65536), -NST_EINVAL);
    assert_int_equal(link->ops->set_mtu(link, 9000), 0);
    nst_afpacket_free(link);
    nst_afpacket_free(NULL);
    struct alloc alloc;
    alloc_init(&alloc);
    alloc.fail_at = 1;
    assert_int_equal(nst_afpacket_new(&alloc.allocator, &good, &link), -NST_ENOMEM);
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        print_message("cannot write %s\n", path);
    close(fd);
}

/* An ordinary user becomes root of a user namespace, so that ip(8) may do its work. */
static int enter_namespace(void **state)
{
    char map[32];
    const uid_t uid = geteuid();
    snprintf(map, sizeof(map), "0 %u 1", uid);
    if (unshare(CLONE_NEWNET | (uid != 0 ? CLONE_NEWUSER : 0)) < 0)
        return 0;
    if (uid != 0)
        write_file("/proc/self/uid_map", map);
    /* Without ARP and IPv6 the kernel has nothing to say. */
    has_namespace = shell("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6;"
                          "ip link add nst0 type veth peer name nst1 2>/dev/null && "
                          "for i in nst0 nst1; do ip link set $i mtu 65535 up; done") == 0;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"frames of every size come in, in order, in blocks of their size",
         receives_frames_of_every_size_in_order},
        {"one call receives at most what it is asked for", receives_at_most_what_it_is_asked_for},
        {"the virtio-net header is believed", believes_the_virtio_net_header},
        {"a batch goes out in order, with its wishes", sends_a_batch_in_order_with_its_wishes},
        {"what it missed is counted, and what it got is right", counts_what_it_missed},
        {"a frame with a VLAN tag is not for it", a_tagged_frame_is_not_for_it},
        {"point to point, all frames are the peer's", point_to_point_all_frames_are_the_peers},
        {"without memory frames are dropped, not left", without_memory_frames_are_dropped_not_left},
        {"without memory for more a frame goes up in the spare",
         the_last_frame_goes_up_in_the_spare},
        {"without a NIC frames are dropped", without_a_nic_frames_are_dropped},
        {"an interface may go down and come back, but not leave",
         an_interface_may_go_down_and_come_back_but_not_leave},
        {"configurations that cannot be are refused", refuses_configurations_that_cannot_be},
    };
    return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
