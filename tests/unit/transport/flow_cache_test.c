/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of a flow (stack/flow_cache.h) must never show, but in speed: over both families.
 */
#include "frames.h"
#include "testing.h"

#include "random.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/ipproto.h"
#include "wire/udp.h"
#include "world.h"

#define OUR_PORT 53
#define FLOWS    64

struct lab {
    struct world w;
    struct nst_stack *stack;
    uint32_t nic;
    bool v6;
    struct nst_addr ours, peer;
    uint8_t ttl, tos, pad; /* of what is injected */
    bool spoil;            /* a byte of the IPv4 header */
};

/* What comes next is of that family. Both pairs of addresses end in the same four bytes. */
static void choose(struct lab *lab, bool v6)
{
    lab->v6 = v6;
    lab->ours = nst_addr_v4(10, 0, 0, 1);
    lab->peer = nst_addr_v4(10, 0, 0, 77);
    if (v6) {
        const struct nst_addr net = {{{0xfd}}};
        memcpy(&lab->ours, &net, 12);
        memcpy(&lab->peer, &net, 12);
    }
}

static void begin(struct lab *lab, bool v6)
{
    const struct world_config config = {.ipv6 = true, .bare_ip = true};
    *lab = (struct lab){.ttl = 64};
    world_init_single(&lab->w, &config);
    lab->stack = lab->w.hosts[0].stack;
    lab->nic = lab->w.hosts[0].nic;
    choose(lab, true);
    const struct nst_nic_addr addr = {.addr = lab->ours, .prefix_len = 64};
    assert_int_equal(nst_nic_addr_add(lab->stack, lab->nic, &addr), 0);
    world_run_for(&lab->w, 5 * NST_SEC); /* duplicate address detection */
    choose(lab, v6);
}

static struct lab *begin_first(struct lab *lab)
{
    begin(lab, false);
    return lab;
}

/* NULL behind the last. */
static struct lab *begin_next(struct lab *lab)
{
    const bool was_v6 = lab->v6;
    world_fini(&lab->w);
    if (was_v6)
        return NULL;
    begin(lab, true);
    return lab;
}

#define EACH_FAMILY(lab) \
    for (struct lab lab_, *lab = begin_first(&lab_); lab != NULL; lab = begin_next(lab))

static nst_socket bound(struct lab *lab, uint16_t peer_port)
{
    const struct nst_endpoint local = {.addr = lab->ours, .port = OUR_PORT};
    const struct nst_endpoint peer = {.addr = lab->peer, .port = peer_port};
    nst_socket s;
    assert_int_equal(nst_socket_open(lab->stack, NST_DATAGRAM, &s), 0);
    assert_int_equal(nst_socket_set(lab->stack, s, NST_OPT_REUSE_ADDRESS, 1), 0);
    assert_int_equal(nst_socket_bind(lab->stack, s, &local), 0);
    if (peer_port != 0)
        assert_int_equal(nst_socket_connect(lab->stack, s, &peer), 0);
    return s;
}

static size_t put_ip(const struct lab *lab, uint8_t *p, size_t len)
{
    if (lab->v6)
        return ip6_build(p, &(struct ip6_hdr){.src = lab->peer,
                                              .dst = lab->ours,
                                              .payload_len = (uint16_t)len,
                                              .next = IP_PROTO_UDP,
                                              .tclass = lab->tos,
                                              .hop_limit = lab->ttl});
    const size_t n = ip4_build(p, &(struct ip4_hdr){.hdr_len = IP4_HDR_LEN,
                                                    .src4 = lab->peer.w[3],
                                                    .dst4 = lab->ours.w[3],
                                                    .total_len = (uint16_t)(IP4_HDR_LEN + len),
                                                    .proto = IP_PROTO_UDP,
                                                    .tos = lab->tos,
                                                    .ttl = lab->ttl});
    p[4] = (uint8_t)(p[4] + lab->spoil);
    return n;
}

/* A datagram of the two bytes of its source port comes in. */
static void inject(struct lab *lab, uint16_t src_port)
{
    const struct nst_endpoint src = {.addr = lab->peer, .port = src_port};
    const struct nst_endpoint dst = {.addr = lab->ours, .port = OUR_PORT};
    const size_t len = UDP_HDR_LEN + 2;
    uint8_t p[IP6_HDR_LEN + UDP_HDR_LEN + 2 + 255] = {0}, data[2];
    be16_put(data, src_port);
    const size_t at = put_ip(lab, p, len);
    frame_udp_body(p + at, &src, &dst, data, sizeof(data));
    world_inject_ip(&lab->w, p, at + len + lab->pad);
    world_run(&lab->w);
}

/* One datagram is there, with that source port, and no other. */
static void expect(struct lab *lab, nst_socket s, uint16_t src_port)
{
    uint8_t data[8];
    struct nst_message m;
    assert_int_equal(nst_socket_recvfrom(lab->stack, s, data, sizeof(data), 0, &m), 2);
    assert_int_equal(be16_get(data), src_port);
    assert_int_equal(m.remote.port, src_port);
    assert_int_equal(m.local.port, OUR_PORT);
    assert_int_equal(m.ttl, lab->ttl);
    assert_int_equal(m.tos, lab->tos);
    assert_true(nst_addr_equal(&m.remote.addr, &lab->peer));
    assert_true(nst_addr_equal(&m.local.addr, &lab->ours));
    assert_int_equal(nst_socket_recv(lab->stack, s, data, sizeof(data), 0), -NST_EAGAIN);
}

static void expect_nothing(struct lab *lab, nst_socket s)
{
    uint8_t data[8];
    assert_int_equal(nst_socket_recv(lab->stack, s, data, sizeof(data), 0), -NST_EAGAIN);
}

/* ---- Cases ---- */

static void each_packet_brings_its_own_ttl_and_tos(void **state)
{
    EACH_FAMILY(lab)
    {
        const nst_socket s = bound(lab, 0);
        for (uint8_t i = 0; i < 5; i++) {
            lab->ttl = (uint8_t)(60 + i);
            lab->tos = (uint8_t)(4 * i);
            inject(lab, 1000);
            expect(lab, s, 1000);
        }
    }
}

static void a_closer_match_takes_over_and_gives_back(void **state)
{
    EACH_FAMILY(lab)
    {
        const nst_socket any = bound(lab, 0);
        for (unsigned round = 0; round < 3; round++) {
            inject(lab, 1000);
            expect(lab, any, 1000);
            const nst_socket closer = bound(lab, 1000);
            inject(lab, 1000);
            expect(lab, closer, 1000);
            expect_nothing(lab, any);
            assert_int_equal(nst_socket_close(lab->stack, closer), 0);
        }
    }
}

static void nobodys_once_the_socket_is_gone(void **state)
{
    EACH_FAMILY(lab)
    {
        nst_socket s = bound(lab, 0);
        inject(lab, 1000);
        expect(lab, s, 1000);
        assert_int_equal(nst_socket_close(lab->stack, s), 0);
        inject(lab, 1000);
        assert_int_equal(world_counter(lab->stack, "udp_no_port"), 1);
        s = bound(lab, 0);
        inject(lab, 1000);
        expect(lab, s, 1000);
    }
}

static void nobodys_once_the_address_is_gone(void **state)
{
    EACH_FAMILY(lab)
    {
        const nst_socket s = bound(lab, 0);
        inject(lab, 1000);
        inject(lab, 1000);
        assert_int_equal(nst_nic_addr_remove(lab->stack, lab->nic, &lab->ours), 0);
        const char *counter = lab->v6 ? "ip6_address_errors" : "ip4_address_errors";
        assert_int_equal(world_counter(lab->stack, counter), 0);
        inject(lab, 1000);
        assert_int_equal(world_counter(lab->stack, counter), 1);
        assert_int_equal(world_counter(lab->stack, "udp_received"), 2);
        nst_socket_close(lab->stack, s);
    }
}

static void more_flows_than_slots_reach_their_sockets(void **state)
{
    EACH_FAMILY(lab)
    {
        uint64_t random = 20;
        nst_socket sockets[FLOWS];
        for (uint16_t i = 0; i < FLOWS; i++)
            sockets[i] = bound(lab, (uint16_t)(2000 + i));
        for (unsigned i = 0; i < 2000; i++) {
            const uint16_t k = (uint16_t)(random_next(&random) % FLOWS);
            inject(lab, (uint16_t)(2000 + k));
            expect(lab, sockets[k], (uint16_t)(2000 + k));
        }
    }
}

static void padding_is_cut_off(void **state)
{
    EACH_FAMILY(lab)
    {
        const nst_socket s = bound(lab, 0);
        for (unsigned i = 0; i < 4; i++) {
            lab->pad = (uint8_t)(i * 8);
            inject(lab, 1000);
            expect(lab, s, 1000);
        }
    }
}

static void a_damaged_header_is_seen(void **state)
{
    struct lab lab;
    begin(&lab, false);
    const nst_socket s = bound(&lab, 0);
    inject(&lab, 1000);
    expect(&lab, s, 1000);
    lab.spoil = true;
    inject(&lab, 1000);
    expect_nothing(&lab, s);
    assert_int_equal(world_counter(lab.stack, "ip4_header_errors"), 1);
    world_fini(&lab.w);
}

/* An IPv6 flow whose addresses end as those of an IPv4 flow do, with the same ports. */
static void families_are_not_mixed_up(void **state)
{
    struct lab lab;
    nst_socket sockets[2];
    begin(&lab, false);
    for (unsigned v6 = 0; v6 < 2; v6++) {
        choose(&lab, v6 != 0);
        sockets[v6] = bound(&lab, 0);
    }
    /* With the same ports, and now and then in the same slot. */
    for (unsigned i = 0; i < 400; i++) {
        const unsigned v6 = (i + 1) % 2;
        choose(&lab, v6 != 0);
        lab.peer.b[15] = (uint8_t)(2 + i / 2);
        inject(&lab, 1000);
        expect(&lab, sockets[v6], 1000);
        expect_nothing(&lab, sockets[1 - v6]);
    }
    world_fini(&lab.w);
}

TESTS({"flow cache: each packet brings its own TTL and TOS",
       each_packet_brings_its_own_ttl_and_tos},
      {"flow cache: a closer match takes over and gives back",
       a_closer_match_takes_over_and_gives_back},
      {"flow cache: a flow is nobody's once its socket is gone", nobodys_once_the_socket_is_gone},
      {"flow cache: a flow is nobody's once its address is gone", nobodys_once_the_address_is_gone},
      {"flow cache: more flows than slots reach their sockets",
       more_flows_than_slots_reach_their_sockets},
      {"flow cache: padding is cut off", padding_is_cut_off},
      {"flow cache: a damaged header is seen", a_damaged_header_is_seen},
      {"flow cache: families are not mixed up", families_are_not_mixed_up})
