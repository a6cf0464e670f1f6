/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets, ping and the forwarder over IPv6: what is the same as over IPv4 is shown to be so. */
#include "testing.h"

#include <nicstack/forwarder.h>

#include "tcp_pair.h"

#include "wire/icmp6.h"
#include "wire/ip6.h"
#include "wire/udp.h"

static uint8_t data[70000], got[70000];

static void begin(struct world *w, const struct world_config *config)
{
    struct world_config c = *config;
    c.ipv6 = true;
    c.stack.handle_local = true;
    world_init_pair(w, &c);
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 13);
}

static const struct world_config plain;

static nst_socket open_at(struct nst_stack *stack, enum nst_socket_type type,
                          const struct nst_addr *addr, uint16_t port)
{
    nst_socket s;
    struct nst_endpoint local = {.port = port};
    if (addr != NULL)
        local.addr = *addr;
    assert_int_equal(nst_socket_open(stack, type, &s), 0);
    assert_int_equal(nst_socket_bind(stack, s, &local), 0);
    return s;
}

/* ---- UDP ---- */

static void datagrams_of_every_size_come_back(void **state)
{
    static const size_t sizes[] = {0, 1, 2, 1000, 1451, 1452, 1453, 2904, 9000, 65507};
    struct world w;
    begin(&w, &plain);
    const nst_socket a = open_at(w.hosts[0].stack, NST_DATAGRAM, NULL, 1000);
    const nst_socket b = open_at(w.hosts[1].stack, NST_DATAGRAM, NULL, 7);
    const struct nst_endpoint to = world_end(&w, 1, 7);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct nst_message m;
        const int64_t n = (int64_t)sizes[i];
        assert_int_equal(nst_socket_sendto(w.hosts[0].stack, a, data, sizes[i], 0, &to), n);
        world_run(&w);
        assert_int_equal(nst_socket_recvfrom(w.hosts[1].stack, b, got, sizeof(got), 0, &m), n);
        assert_memory_equal(got, data, sizes[i]);
        assert_true(nst_addr_equal(&m.remote.addr, &w.hosts[0].addr));
        assert_int_equal(m.remote.port, 1000);
        assert_int_equal(nst_socket_sendto(w.hosts[1].stack, b, got, sizes[i], 0, &m.remote), n);
        world_run(&w);
        assert_int_equal(nst_socket_recv(w.hosts[0].stack, a, got, sizeof(got), 0), n);
    }
    world_fini(&w);
}

static void a_refused_datagram_is_told_to_its_socket(void **state)
{
    struct world w;
    nst_socket s;
    begin(&w, &plain);
    struct nst_stack *stack = w.hosts[0].stack;
    const struct nst_endpoint to = world_end(&w, 1, 9);
    assert_int_equal(nst_socket_open(stack, NST_DATAGRAM, &s), 0);
    assert_int_equal(nst_socket_connect(stack, s, &to), 0);
    assert_int_equal(nst_socket_send(stack, s, "x", 1, 0), 1);
    world_run(&w);
    assert_int_equal(nst_socket_error(stack, s), -NST_ECONNREFUSED);
    world_fini(&w);
}

static void a_datagram_without_checksum_is_refused(void **state)
{
    struct world w;
    const struct world_config config = {.ipv6 = true, .bare_ip = true};
    world_init_single(&w, &config);
    struct nst_stack *stack = w.hosts[0].stack;
    const nst_socket s = open_at(stack, NST_DATAGRAM, NULL, 7);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t p[IP6_HDR_LEN + UDP_HDR_LEN + 2] = {0};
        const struct ip6_hdr ip = {.src = {{{0xfd, [15] = 2}}},
                                   .dst = w.hosts[0].addr,
                                   .payload_len = UDP_HDR_LEN + 2,
                                   .next = IP_PROTO_UDP,
                                   .hop_limit = 64};
        ip6_build(p, &ip);
        be16_put(p + 40, 5);
        be16_put(p + 42, 7);
        be16_put(p + 44, UDP_HDR_LEN + 2);
        if (i == 1)
            be16_put(p + 46, csum_fold_udp(csum_short(
                                 p + 40, 10, csum_pseudo_v6(&ip.src, &ip.dst, IP_PROTO_UDP, 10))));
        world_inject_ip(&w, p, sizeof(p));
        world_run(&w);
        assert_int_equal(nst_socket_recv(stack, s, got, 10, 0), i == 0 ? -NST_EAGAIN : 2);
    }
    world_fini(&w);
}

static void one_socket_serves_both_families(void **state)
{
    struct world w;
    begin(&w, &plain);
    const struct nst_addr any4 = nst_addr_v4(0, 0, 0, 0);
    const nst_socket a = open_at(w.hosts[0].stack, NST_DATAGRAM, NULL, 1000);
    const nst_socket both = open_at(w.hosts[1].stack, NST_DATAGRAM, NULL, 7);
    const nst_socket only4 = open_at(w.hosts[1].stack, NST_DATAGRAM, &any4, 8);
    const struct nst_addr v4 = world_endpoint(1, 0).addr, v6 = w.hosts[1].addr;
    for (unsigned i = 0; i < 2; i++) {
        const struct nst_addr to = i == 0 ? v4 : v6;
        nst_socket_sendto(w.hosts[0].stack, a, "x", 1, 0, &(struct nst_endpoint){to, 7, 0, 0});
        nst_socket_sendto(w.hosts[0].stack, a, "x", 1, 0, &(struct nst_endpoint){to, 8, 0, 0});
        world_run(&w);
        assert_int_equal(nst_socket_recv(w.hosts[1].stack, both, got, 10, 0), 1);
        assert_int_equal(nst_socket_recv(w.hosts[1].stack, only4, got, 10, 0),
                         i == 0 ? 1 : -NST_EAGAIN);
    }
    world_fini(&w);
}

/* Host 0 hears from a router that packet i which it sent was too big. */
static void say_too_big(struct world *w, uint32_t i, uint32_t mtu)
{
    uint8_t p[1280];
    size_t len;
    const uint8_t *sent = world_sent(w, i, &len);
    assert_non_null(sent);
    const struct nst_addr router = {{{0xfd, [15] = 0xfe}}};
    const struct icmp6_hdr hdr = {.type = ICMP6_TOO_BIG, .mtu = mtu};
    icmp6_build(p + 40, &hdr);
    memcpy(p + 48, sent, 200);
    const struct ip6_hdr ip = {.src = router,
                               .dst = w->hosts[0].addr,
                               .payload_len = 208,
                               .next = IP_PROTO_ICMPV6,
                               .hop_limit = 64};
    ip6_build(p, &ip);
    const uint32_t pseudo = csum_pseudo_v6(&ip.src, &ip.dst, IP_PROTO_ICMPV6, 208);
    icmp6_csum_put(p + 40, csum_short(p + 40, 208, pseudo));
    world_inject_ip(w, p, 248);
    world_run(w);
}

static void a_path_mtu_is_taken_by_unconnected_sockets_too(void **state)
{
    for (unsigned connected = 0; connected < 2; connected++) {
        struct world w;
        nst_socket s;
        size_t len;
        const struct world_config config = {.ipv6 = true, .bare_ip = true};
        world_init_single(&w, &config);
        struct nst_stack *stack = w.hosts[0].stack;
        const struct nst_endpoint to = {.addr = {{{0xfd, [15] = 9}}}, .port = 7};
        assert_int_equal(nst_socket_open(stack, NST_DATAGRAM, &s), 0);
        if (connected)
            assert_int_equal(nst_socket_connect(stack, s, &to), 0);
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(nst_socket_sendto(stack, s, data, 1400, 0, connected ? NULL : &to),
                             1400);
            world_run(&w);
            if (i == 0)
                say_too_big(&w, 0, 1300);
        }
        assert_non_null(world_sent(&w, 2, &len));
        world_sent(&w, 1, &len);
        assert_int_equal(len, 1296); /* 1300 less what is no multiple of 8 */
        assert_int_equal(nst_socket_error(stack, s), 0);
        world_fini(&w);
    }
}

/* ---- TCP ---- */

static void streams_carry_bytes_both_ways(void **state)
{
    static const struct world_config configs[] = {
        {.ipv6 = true},
        {.ipv6 = true, .bare_ip = true, .caps = NST_LINK_CSUM_TX | NST_LINK_TSO6},
        {.ipv6 = true, .mtu = 1280},
        {.ipv6 = true,
         .impair = {{.loss_ppm = 20000, .delay = NST_MSEC, .reorder_ppm = 10000},
                    {.loss_ppm = 20000, .delay = NST_MSEC}}},
    };
    for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
        struct tcp_pair p;
        tcp_pair_init(&p, &configs[i]);
        tcp_pair_connect(&p);
        const struct nst_tcp_info info = tcp_pair_info(&p, 0);
        assert_int_equal(info.mss_snd, (configs[i].mtu != 0 ? 1280 : 1500) - 72);
        struct tcp_flow a = {.from = 0, .total = 700000, .shut = true};
        struct tcp_flow b = {.from = 1, .total = 500000, .shut = true};
        assert_true(tcp_pair_transfer(&p, &a, &b, 600 * NST_SEC));
        if (configs[i].impair[0].loss_ppm == 0)
            assert_int_equal(tcp_pair_info(&p, 0).retransmits, 0);
        tcp_pair_fini(&p);
    }
}

static void segments_are_merged_on_arrival(void **state)
{
    struct tcp_pair p;
    const struct world_config config = {.ipv6 = true};
    tcp_pair_init(&p, &config);
    tcp_pair_connect(&p);
    struct tcp_flow a = {.from = 0, .total = 1000000};
    assert_true(tcp_pair_transfer(&p, &a, NULL, 60 * NST_SEC));
    assert_true(world_nic_counter(&p.w.hosts[1], "rx_merged") > 100);
    tcp_pair_fini(&p);
}

static void a_listener_takes_both_families(void **state)
{
    struct world w;
    begin(&w, &plain);
    const nst_socket listener = world_listen(&w, 1, 80, 5);
    for (unsigned i = 0; i < 2; i++) {
        nst_socket s, accepted;
        struct nst_endpoint peer, to = i == 0 ? world_endpoint(1, 80) : world_end(&w, 1, 80);
        assert_int_equal(nst_socket_open(w.hosts[0].stack, NST_STREAM, &s), 0);
        assert_int_equal(nst_socket_connect(w.hosts[0].stack, s, &to), -NST_EINPROGRESS);
        world_run(&w);
        assert_int_equal(nst_socket_accept(w.hosts[1].stack, listener, &accepted, &peer), 0);
        assert_int_equal(nst_addr_is_v4(&peer.addr), i == 0);
        assert_int_equal(nst_socket_send(w.hosts[0].stack, s, "hello", 5, 0), 5);
        world_run(&w);
        assert_int_equal(nst_socket_recv(w.hosts[1].stack, accepted, got, 10, 0), 5);
    }
    world_fini(&w);
}

static void nobody_listens(void **state)
{
    struct world w;
    nst_socket s;
    begin(&w, &plain);
    const struct nst_endpoint to = world_end(&w, 1, 81);
    assert_int_equal(nst_socket_open(w.hosts[0].stack, NST_STREAM, &s), 0);
    assert_int_equal(nst_socket_connect(w.hosts[0].stack, s, &to), -NST_EINPROGRESS);
    world_run(&w);
    assert_int_equal(nst_socket_error(w.hosts[0].stack, s), -NST_ECONNREFUSED);
    world_fini(&w);
}

static void link_local_addresses_work_with_their_nic(void **state)
{
    struct world w;
    nst_socket s, accepted;
    struct nst_endpoint peer;
    struct nst_nic_addr list[4];
    const struct world_config config = {.nic = {.link_local = NST_LINK_LOCAL_OPAQUE}};
    begin(&w, &config);
    world_run_for(&w, 3 * NST_SEC);
    assert_int_equal(nst_nic_addr_list(w.hosts[1].stack, w.hosts[1].nic, list, 4), 3);
    const nst_socket listener = world_listen(&w, 1, 80, 5);
    const struct nst_endpoint to = {.addr = list[1].addr, .port = 80, .nic = w.hosts[0].nic};
    assert_int_equal(list[1].addr.b[0], 0xfe);
    assert_int_equal(nst_socket_open(w.hosts[0].stack, NST_STREAM, &s), 0);
    assert_int_equal(nst_socket_connect(w.hosts[0].stack, s, &to), -NST_EINPROGRESS);
    world_run(&w);
    assert_int_equal(nst_socket_accept(w.hosts[1].stack, listener, &accepted, &peer), 0);
    assert_int_equal(peer.addr.b[0], 0xfe);
    assert_int_equal(peer.nic, w.hosts[1].nic);
    world_fini(&w);
}

/* ---- Ping ---- */

static size_t build_echo(uint8_t *to, uint16_t seq, size_t len)
{
    icmp6_build(to, &(struct icmp6_hdr){.type = ICMP6_ECHO_REQUEST, .id = 1, .seq = seq});
    memcpy(to + 8, data, len);
    return 8 + len;
}

static void pings_of_every_size_come_back(void **state)
{
    static const size_t sizes[] = {0, 1, 56, 1452, 1453, 8000, 65000};
    struct world w;
    uint8_t *message = malloc(66000);
    begin(&w, &plain);
    struct nst_stack *stack = w.hosts[0].stack;
    const nst_socket s = open_at(stack, NST_PING, NULL, 77);
    const struct nst_endpoint to = world_end(&w, 1, 0);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct nst_message m;
        const size_t len = build_echo(message, (uint16_t)i, sizes[i]);
        assert_int_equal(nst_socket_sendto(stack, s, message, len, 0, &to), (int64_t)len);
        world_run(&w);
        assert_int_equal(nst_socket_recvfrom(stack, s, got, sizeof(got), 0, &m), (int64_t)len);
        assert_int_equal(got[0], ICMP6_ECHO_REPLY);
        assert_int_equal(be16_get(got + 4), 77);
        assert_int_equal(be16_get(got + 6), i);
        assert_memory_equal(got + 8, data, sizes[i]);
        assert_true(nst_addr_equal(&m.remote.addr, &w.hosts[1].addr));
    }
    /* Each family has its own request. */
    message[0] = 8;
    assert_int_equal(nst_socket_sendto(stack, s, message, 8, 0, &to), -NST_EINVAL);
    message[0] = 128;
    const struct nst_endpoint to4 = world_endpoint(1, 0);
    assert_int_equal(nst_socket_sendto(stack, s, message, 8, 0, &to4), -NST_EINVAL);
    free(message);
    world_fini(&w);
}

static void a_ping_hears_that_nobody_is_there(void **state)
{
    struct world w;
    uint8_t message[16];
    begin(&w, &plain);
    struct nst_stack *stack = w.hosts[0].stack;
    const nst_socket s = open_at(stack, NST_PING, NULL, 77);
    const struct nst_endpoint to = {.addr = {{{0xfd, [15] = 0x77}}}};
    assert_int_equal(nst_socket_connect(stack, s, &to), 0);
    assert_int_equal(nst_socket_send(stack, s, message, build_echo(message, 1, 8), 0), 16);
    world_run_for(&w, 5 * NST_SEC);
    assert_int_equal(nst_socket_error(stack, s), -NST_EHOSTUNREACH);
    world_fini(&w);
}

/* ---- Loopback ---- */

static void the_loopback_address_works(void **state)
{
    struct alloc alloc;
    struct nst_stack *stack;
    uint32_t nic;
    alloc_init(&alloc);
    const struct nst_stack_config sc = {
        .size = sizeof(sc), .allocator = alloc.allocator, .seed = {1}, .now = NST_SEC};
    assert_int_equal(nst_stack_new(&sc, &stack), 0);
    struct nst_link *link = nst_loopback_new(&alloc.allocator);
    const struct nst_nic_config nc = {.size = sizeof(nc), .link = link};
    assert_int_equal(nst_nic_add(stack, &nc, &nic), 0);
    const struct nst_nic_addr a = {.addr = {{{[15] = 1}}}, .prefix_len = 128};
    assert_int_equal(nst_nic_addr_add(stack, nic, &a), 0);
    const nst_socket s = open_at(stack, NST_DATAGRAM, NULL, 7);
    const struct nst_endpoint to = {.addr = a.addr, .port = 7};
    assert_int_equal(nst_socket_sendto(stack, s, data, 3000, 0, &to), 3000);
    for (unsigned i = 0; i < 3; i++)
        nst_stack_run(stack, NST_SEC, 0);
    assert_int_equal(nst_socket_recv(stack, s, got, sizeof(got), 0), 3000);
    nst_stack_free(stack);
    nst_loopback_free(link);
    assert_int_equal(alloc.live, 0);
}

/* ---- The forwarder ---- */

static void forward(struct world *w)
{
    begin(w, &plain);
    world_route_all(w);
    const struct nst_forwarder_config fc = {
        .size = sizeof(fc), .tcp = true, .udp = true, .icmp_echo = true};
    assert_int_equal(nst_forwarder_start(w->hosts[1].stack, &fc), 0);
}

static const struct nst_addr foreign = {{{0x20, 0x01, 0x0d, 0xb8, [15] = 9}}};

static void the_forwarder_takes_streams(void **state)
{
    struct world w;
    nst_socket s, f;
    struct nst_request_info info;
    forward(&w);
    const struct nst_endpoint to = {.addr = foreign, .port = 443};
    assert_int_equal(nst_socket_open(w.hosts[0].stack, NST_STREAM, &s), 0);
    assert_int_equal(nst_socket_connect(w.hosts[0].stack, s, &to), -NST_EINPROGRESS);
    world_run(&w);
    assert_true(nst_request_next(w.hosts[1].stack, &info));
    assert_int_equal(info.type, NST_STREAM);
    assert_true(nst_addr_equal(&info.local.addr, &foreign));
    assert_int_equal(info.local.port, 443);
    assert_int_equal(nst_request_accept(w.hosts[1].stack, info.request, &f), 0);
    world_run(&w);
    assert_int_equal(nst_socket_send(w.hosts[0].stack, s, "hello", 5, 0), 5);
    world_run(&w);
    assert_int_equal(nst_socket_recv(w.hosts[1].stack, f, got, 10, 0), 5);
    world_fini(&w);
}

static void the_forwarder_refuses_streams(void **state)
{
    static const struct {
        enum nst_refusal how;
        int error;
    } rows[] = {{NST_REFUSE_RESET, -NST_ECONNREFUSED},
                {NST_REFUSE_HOST_UNREACHABLE, -NST_EHOSTUNREACH},
                {NST_REFUSE_NET_UNREACHABLE, -NST_ENETUNREACH},
                {NST_REFUSE_PROHIBITED, -NST_EHOSTUNREACH}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world w;
        nst_socket s;
        struct nst_request_info info;
        forward(&w);
        const struct nst_endpoint to = {.addr = foreign, .port = 443};
        assert_int_equal(nst_socket_open(w.hosts[0].stack, NST_STREAM, &s), 0);
        assert_int_equal(nst_socket_connect(w.hosts[0].stack, s, &to), -NST_EINPROGRESS);
        world_run(&w);
        assert_true(nst_request_next(w.hosts[1].stack, &info));
        assert_int_equal(nst_request_refuse(w.hosts[1].stack, info.request, rows[i].how), 0);
        world_run(&w);
        assert_int_equal(nst_socket_error(w.hosts[0].stack, s), rows[i].error);
        world_fini(&w);
    }
}

static void the_forwarder_takes_datagrams(void **state)
{
    struct world w;
    nst_socket f;
    struct nst_request_info info;
    struct nst_message m;
    forward(&w);
    const nst_socket s = open_at(w.hosts[0].stack, NST_DATAGRAM, NULL, 1000);
    const struct nst_endpoint to = {.addr = foreign, .port = 53};
    assert_int_equal(nst_socket_sendto(w.hosts[0].stack, s, "query", 5, 0, &to), 5);
    world_run(&w);
    assert_true(nst_request_next(w.hosts[1].stack, &info));
    assert_int_equal(info.type, NST_DATAGRAM);
    assert_int_equal(nst_request_accept(w.hosts[1].stack, info.request, &f), 0);
    assert_int_equal(nst_socket_recv(w.hosts[1].stack, f, got, 10, 0), 5);
    assert_int_equal(nst_socket_send(w.hosts[1].stack, f, "answer", 6, 0), 6);
    world_run(&w);
    assert_int_equal(nst_socket_recvfrom(w.hosts[0].stack, s, got, 10, 0, &m), 6);
    assert_true(nst_addr_equal(&m.remote.addr, &foreign));
    /* What nobody answers can be refused afterwards, too. */
    assert_int_equal(nst_socket_connect(w.hosts[0].stack, s, &to), 0);
    assert_int_equal(nst_socket_send(w.hosts[0].stack, s, "again", 5, 0), 5);
    world_run(&w);
    assert_int_equal(nst_socket_refuse(w.hosts[1].stack, f, NST_REFUSE_RESET), 0);
    world_run(&w);
    assert_int_equal(nst_socket_error(w.hosts[0].stack, s), -NST_ECONNREFUSED);
    world_fini(&w);
}

static void the_forwarder_takes_echo_requests(void **state)
{
    struct world w;
    nst_socket f;
    struct nst_request_info info;
    uint8_t message[20];
    forward(&w);
    const nst_socket s = open_at(w.hosts[0].stack, NST_PING, NULL, 77);
    const struct nst_endpoint to = {.addr = foreign};
    assert_int_equal(
        nst_socket_sendto(w.hosts[0].stack, s, message, build_echo(message, 5, 12), 0, &to), 20);
    world_run(&w);
    assert_true(nst_request_next(w.hosts[1].stack, &info));
    assert_int_equal(info.type, NST_PING);
    assert_int_equal(info.remote.port, 77);
    assert_int_equal(nst_request_accept(w.hosts[1].stack, info.request, &f), 0);
    assert_int_equal(nst_socket_recv(w.hosts[1].stack, f, got, 100, 0), 20);
    assert_int_equal(got[0], ICMP6_ECHO_REQUEST);
    got[0] = ICMP6_ECHO_REPLY; /* what a ping socket of the host would give */
    be16_put(got + 4, 999);
    assert_int_equal(nst_socket_send(w.hosts[1].stack, f, got, 20, 0), 20);
    world_run(&w);
    assert_int_equal(nst_socket_recv(w.hosts[0].stack, s, got, 100, 0), 20);
    assert_int_equal(got[0], ICMP6_ECHO_REPLY);
    assert_int_equal(be16_get(got + 4), 77);
    assert_int_equal(be16_get(got + 6), 5);
    assert_memory_equal(got + 8, data, 12);
    world_fini(&w);
}

TESTS({"UDP: datagrams of every size come back", datagrams_of_every_size_come_back},
      {"nic/N105: a refused datagram is told to its socket over IPv6",
       a_refused_datagram_is_told_to_its_socket},
      {"RFC 8200 8.1: a datagram without checksum is refused",
       a_datagram_without_checksum_is_refused},
      {"one socket serves both families", one_socket_serves_both_families},
      {"RFC 8201: a path MTU is taken by unconnected sockets too",
       a_path_mtu_is_taken_by_unconnected_sockets_too},
      {"TCP: streams carry bytes both ways", streams_carry_bytes_both_ways},
      {"TCP: segments are merged on arrival", segments_are_merged_on_arrival},
      {"TCP: a listener takes both families", a_listener_takes_both_families},
      {"TCP: nobody listens", nobody_listens},
      {"RFC 4007: link-local addresses work with their NIC",
       link_local_addresses_work_with_their_nic},
      {"pings of every size come back", pings_of_every_size_come_back},
      {"nic/N47: a ping hears that nobody is there", a_ping_hears_that_nobody_is_there},
      {"the loopback address works", the_loopback_address_works},
      {"the forwarder takes streams", the_forwarder_takes_streams},
      {"the forwarder refuses streams", the_forwarder_refuses_streams},
      {"the forwarder takes datagrams", the_forwarder_takes_datagrams},
      {"the forwarder takes echo requests", the_forwarder_takes_echo_requests})
