/* SPDX-License-Identifier: Apache-2.0 */
/*
 * N121 over random traffic and random set-ups: after every step, all that began has ended or lies
 * in a queue, and the queues, walked one by one, hold as many packets as the census says.
 *
 * The host has one to three NICs, in any of their modes: one towards a made-up world, by Ethernet;
 * perhaps one towards a second host, that it talks with over TCP and UDP; perhaps a loopback NIC.
 * Sockets of every type come and go on both hosts, NICs go down, away and come back.
 */
#include "testing.h"

#include <nicstack/forwarder.h>
#include <nicstack/frame.h>
#include <nicstack/socket.h>

#include "network/ipv4.h"
#include "network/ipv6.h"
#include "network/reassembly.h"
#include "random.h"
#include "stack/nic.h"
#include "transport/forwarder.h"
#include "wire/csum.h"
#include "wire/ip4.h"
#include "wire/ndp.h"
#include "world.h"

#define SEEDS   500
#define STEPS   400
#define SOCKETS 6

struct scene {
    uint64_t seed, random;
    int step;
    nst_time now;
    struct alloc alloc, link_alloc;
    struct nst_stack *stack[2];
    struct nst_link *pipe[2], *loopback;
    struct memlink world; /* of host 0 */
    uint32_t nic;         /* on it */
    uint32_t pipe_nic;    /* of host 0, towards the other; 0: none */
    nst_socket sockets[2][SOCKETS];
    uint8_t bytes[FRAME_MAX], frame[FRAME_MAX + 14];
};

static uint32_t pick(struct scene *s, uint32_t below)
{
    return (uint32_t)(random_next(&s->random) >> 32) % below;
}

/* ---- The check ---- */

static uint64_t count_packets(const struct nst_pktq *q)
{
    uint64_t n = 0;
    for (const struct nst_pkt *p = q->first; p != NULL; p = p->next)
        n++;
    return n;
}

static uint64_t walk_nic(const struct nic *nic)
{
    uint64_t n = count_packets(&nic->rxq) + count_packets(&nic->loopq) + count_packets(&nic->txq);
    const struct neigh *e;
    LIST_FOR_EACH (e, &nic->pending.destinations, struct neigh, unresolved) {
        n += count_packets(&e->pending);
    }
    return n;
}

static uint64_t walk(const struct nst_stack *stack)
{
    uint64_t n = reassembly_packets(&stack->ip4->reassembly) + forwarder_packets(stack);
    if (stack->ip6->reassembly != NULL)
        n += reassembly_packets(stack->ip6->reassembly);
    struct nic *nic;
    LIST_FOR_EACH (nic, &stack->nics, struct nic, node) {
        n += walk_nic(nic);
    }
    return n;
}

static void check_one(const struct scene *s, int host)
{
    struct nst_census c;
    struct nst_memory memory;
    nst_stack_get_census(s->stack[host], &c);
    nst_stack_get_memory(s->stack[host], &memory);
    const uint64_t begun = c.received + c.built + c.cloned + c.split,
                   ended = c.transmitted + c.delivered + c.merged + c.dropped,
                   found = walk(s->stack[host]);
    if (begun != ended + found || c.queued != found || found > c.alive ||
        memory.used > memory.limit)
        fail_msg("seed %llu, step %d, host %d: %llu began, %llu ended, %llu queued, %llu found",
                 (unsigned long long)s->seed, s->step, host, (unsigned long long)begun,
                 (unsigned long long)ended, (unsigned long long)c.queued,
                 (unsigned long long)found);
}

/* ---- The made-up world ---- */

static struct nst_endpoint somebody(struct scene *s)
{
    const uint8_t last = (uint8_t)pick(s, 6);
    struct nst_endpoint e = {.port = (uint16_t)(80 + pick(s, 3))};
    e.addr = pick(s, 4) == 0 ? nst_addr_v4(203, 0, 113, last) : nst_addr_v4(10, 0, 0, last);
    return e;
}

static void inject(struct scene *s, uint16_t type, size_t len)
{
    struct nst_mac to = s->world.link.addr;
    if (pick(s, 8) == 0)
        memset(&to, pick(s, 2) ? 0xff : 3, sizeof(to));
    memlink_inject(&s->world, s->frame, frame_eth(s->frame, WORLD_MAC(2), to, type, s->bytes, len));
}

static void inject_udp(struct scene *s)
{
    static const uint8_t payload[3000];
    const struct nst_endpoint from = somebody(s), to = somebody(s);
    inject(s, NST_ETHERTYPE_IPV4, frame_udp(s->bytes, &from, &to, payload, pick(s, 1400)));
}

static void inject_tcp(struct scene *s)
{
    static uint8_t payload[1400];
    static const uint16_t flags[] = {TCP_SYN, TCP_ACK, TCP_RST, TCP_FIN | TCP_ACK};
    const struct nst_endpoint from = somebody(s), to = somebody(s);
    const struct tcp_hdr hdr = {.flags = flags[pick(s, 4)], .wnd = 1000, .hdr_len = TCP_HDR_LEN};
    const struct nst_iovec data = {payload, pick(s, sizeof(payload))};
    inject(s, NST_ETHERTYPE_IPV4, frame_tcp4(s->bytes, &from, &to, &hdr, NULL, &data));
}

static void inject_fragment(struct scene *s)
{
    static const uint8_t payload[1400];
    const struct nst_endpoint from = somebody(s), to = somebody(s);
    const struct ip4_hdr hdr = {.src4 = addr_to_raw4(&from.addr),
                                .dst4 = addr_to_raw4(&to.addr),
                                .total_len = (uint16_t)(IP4_HDR_LEN + 8 * (1 + pick(s, 100))),
                                .id = (uint16_t)pick(s, 3),
                                .frag_off = (uint16_t)(pick(s, 4) * 400),
                                .mf = pick(s, 3) != 0,
                                .hdr_len = IP4_HDR_LEN,
                                .ttl = 9,
                                .proto = IP_PROTO_UDP};
    ip4_build(s->bytes, &hdr);
    memcpy(s->bytes + IP4_HDR_LEN, payload, hdr.total_len - IP4_HDR_LEN);
    inject(s, NST_ETHERTYPE_IPV4, hdr.total_len);
}

static void inject_arp(struct scene *s)
{
    const struct nst_endpoint from = somebody(s), to = somebody(s);
    const struct arp_hdr hdr = {.op = (uint16_t)(1 + pick(s, 2)),
                                .sha = WORLD_MAC((uint8_t)(2 + pick(s, 4))),
                                .tha = s->world.link.addr,
                                .spa4 = addr_to_raw4(&from.addr),
                                .tpa4 = addr_to_raw4(&to.addr)};
    memlink_inject(&s->world, s->frame, frame_arp(s->frame, &hdr));
}

/* An address of the made-up world's IPv6: ours is the first. */
static struct nst_addr somebody6(struct scene *s)
{
    struct nst_addr a = {{{0xfd, [15] = (uint8_t)(1 + pick(s, 5))}}};
    if (pick(s, 6) == 0)
        a.b[0] = 0x20;
    return a;
}

/* The body of an IPv6 packet at `to`; *ret_next says what it is. */
static size_t build_body6(struct scene *s, uint8_t *to, const struct ip6_hdr *ip, uint8_t *ret_next)
{
    const struct ndp_neighbor n = {.target = pick(s, 2) ? ip->src : ip->dst, .solicited = true};
    const struct nst_mac mac = WORLD_MAC((uint8_t)(2 + pick(s, 4)));
    const struct ip6_fragment frag = {.id = pick(s, 3),
                                      .off = (uint16_t)(pick(s, 4) * 400),
                                      .mf = pick(s, 3) != 0,
                                      .next = IP_PROTO_UDP};
    const bool question = pick(s, 2) != 0;
    size_t len;
    *ret_next = IP_PROTO_ICMPV6;
    switch (pick(s, 4)) {
    case 0:
        *ret_next = IP_PROTO_FRAGMENT;
        ip6_fragment_build(to, &frag);
        return 8 + 8 * (1 + pick(s, 100));
    case 1:
        len = 8 + pick(s, 500);
        icmp6_build(to, &(struct icmp6_hdr){.type = ICMP6_ECHO_REQUEST, .id = 5});
        break;
    case 2:
        *ret_next = (uint8_t)pick(s, 256);
        return pick(s, 300);
    default:
        len = ndp_neighbor_build(
            to, question ? ICMP6_NEIGHBOR_SOLICITATION : ICMP6_NEIGHBOR_ADVERTISEMENT, &n);
        len +=
            ndp_opt_mac_build(to + len, question ? NDP_OPT_SOURCE_MAC : NDP_OPT_TARGET_MAC, &mac);
        break;
    }
    const uint32_t sum = csum_pseudo_v6(&ip->src, &ip->dst, IP_PROTO_ICMPV6, (uint32_t)len);
    icmp6_csum_put(to, csum_short(to, len, sum));
    return len;
}

static void inject_ip6(struct scene *s)
{
    struct ip6_hdr ip = {.src = somebody6(s), .dst = somebody6(s), .hop_limit = 255};
    const size_t len = build_body6(s, s->bytes + IP6_HDR_LEN, &ip, &ip.next);
    ip.payload_len = (uint16_t)len;
    ip6_build(s->bytes, &ip);
    inject(s, NST_ETHERTYPE_IPV6, IP6_HDR_LEN + len);
}

static void inject_nonsense(struct scene *s)
{
    const size_t len = pick(s, 200);
    for (size_t i = 0; i < len; i++)
        s->bytes[i] = (uint8_t)pick(s, 256);
    if (pick(s, 2))
        s->bytes[0] = 0x45;
    inject(s, pick(s, 4) ? NST_ETHERTYPE_IPV4 : (uint16_t)pick(s, 65536), len);
}

/* ---- Calls ---- */

static nst_socket *slot(struct scene *s, int host)
{
    return &s->sockets[host][pick(s, SOCKETS)];
}

static void put(struct scene *s, int host, nst_socket fresh)
{
    nst_socket *at = slot(s, host);
    if (*at != 0)
        nst_socket_close(s->stack[host], *at);
    *at = fresh;
}

/* Somebody in the made-up world, on this host, or the other one. */
static struct nst_endpoint partner(struct scene *s, int host)
{
    const uint16_t port = (uint16_t)(80 + pick(s, 3));
    if (pick(s, 3) == 0)
        return somebody(s);
    if (pick(s, 4) == 0)
        return (struct nst_endpoint){.addr = somebody6(s), .port = port};
    if (pick(s, 3) == 0)
        return (struct nst_endpoint){.addr = {{{0xfd, 1, [15] = (uint8_t)(2 - host)}}},
                                     .port = port};
    return (struct nst_endpoint){
        .addr = nst_addr_v4(10, 1, 0, (uint8_t)(1 + (pick(s, 4) == 0 ? host : 1 - host))),
        .port = (uint16_t)(80 + pick(s, 3))};
}

/* A raw socket (its port is a protocol) or a packet socket (an EtherType). */
static void open_below(struct scene *s, int host)
{
    static const uint16_t protocols[] = {IP_PROTO_UDP, IP_PROTO_TCP, IP_PROTO_ICMPV6, 89},
                          ethertypes[] = {0, 0, NST_ETHERTYPE_IPV4, NST_ETHERTYPE_IPV6};
    const enum nst_socket_type type = (enum nst_socket_type)(NST_RAW + pick(s, 3));
    struct nst_endpoint at = {.nic = pick(s, 4), .port = ethertypes[pick(s, 4)]};
    const struct nst_endpoint to = partner(s, host);
    nst_socket fresh;
    if (type == NST_RAW)
        at.port = protocols[pick(s, 4)];
    if (nst_socket_open(s->stack[host], type, &fresh) != 0)
        return;
    nst_socket_bind(s->stack[host], fresh, &at);
    nst_socket_set(s->stack[host], fresh, NST_OPT_HEADER_INCLUDED, pick(s, 2));
    nst_socket_set(s->stack[host], fresh, NST_OPT_RECEIVE_BUFFER, pick(s, 10000));
    if (pick(s, 2))
        nst_socket_connect(s->stack[host], fresh, &to);
    put(s, host, fresh);
}

static void open_one(struct scene *s, int host)
{
    nst_socket fresh;
    const bool is_stream = pick(s, 3) != 0;
    const enum nst_socket_type datagram = pick(s, 4) ? NST_DATAGRAM : NST_PING;
    const struct nst_endpoint any = {.port = (uint16_t)(80 + pick(s, 3))}, to = partner(s, host);
    if (nst_socket_open(s->stack[host], is_stream ? NST_STREAM : datagram, &fresh) != 0)
        return;
    if (pick(s, 2) != 0) {
        nst_socket_bind(s->stack[host], fresh, &any);
        if (is_stream)
            nst_socket_listen(s->stack[host], fresh, 3);
    } else {
        nst_socket_connect(s->stack[host], fresh, &to);
    }
    put(s, host, fresh);
}

/* Bytes that are a frame, a packet or nothing, by a packet socket or without one. */
static void write_frame(struct scene *s, int host)
{
    const struct nst_frame_to to = {.nic = pick(s, 4),
                                    .dst = WORLD_MAC((uint8_t)pick(s, 3)),
                                    .ethertype =
                                        pick(s, 2) ? NST_ETHERTYPE_IPV4 : (uint16_t)pick(s, 65536)};
    const size_t len = pick(s, 1600);
    s->bytes[0] = pick(s, 2) ? 0x45 : (uint8_t)pick(s, 256);
    if (pick(s, 2))
        nst_nic_write(s->stack[host], &to, s->bytes, len);
    else
        nst_frame_send(s->stack[host], *slot(s, host), s->bytes, len, pick(s, 2) ? &to : NULL);
}

static void call_one(struct scene *s, int host)
{
    const nst_socket at = *slot(s, host);
    nst_socket fresh;
    struct nst_request_info info;
    const struct nst_endpoint to = partner(s, host);
    struct nst_stack *stack = s->stack[host];
    switch (pick(s, 12)) {
    case 0:
    case 1:
        nst_socket_send(stack, at, s->bytes, pick(s, 30000), 0);
        break;
    case 2:
        nst_socket_sendto(stack, at, s->bytes, pick(s, 9000), 0, &to);
        break;
    case 3:
    case 4:
        nst_socket_recv(stack, at, s->bytes, pick(s, 40000), 0);
        break;
    case 5:
        if (nst_socket_accept(stack, at, &fresh, NULL) == 0)
            put(s, host, fresh);
        break;
    case 6:
        nst_socket_shutdown(stack, at, NST_SHUT_SEND);
        break;
    case 7:
        if (nst_request_next(stack, &info)) {
            if (pick(s, 2) != 0)
                nst_request_refuse(stack, info.request, (enum nst_refusal)pick(s, 5));
            else if (nst_request_accept(stack, info.request, &fresh) == 0)
                put(s, host, fresh);
        }
        break;
    case 8:
        open_below(s, host);
        break;
    case 9:
        write_frame(s, host);
        break;
    default:
        open_one(s, host);
        break;
    }
}

static void add_nic(struct scene *s, int host, struct nst_link *link, uint8_t net);

static void change_world(struct scene *s)
{
    switch (pick(s, 12)) {
    case 0:
        memlink_set_room(&s->world, pick(s, 5));
        break;
    case 1:
        nst_nic_disable(s->stack[0], s->nic);
        break;
    case 2:
        s->alloc.fail_at = s->alloc.count + 1 + pick(s, 5);
        break;
    case 3:
        nst_nic_set_promiscuous(s->stack[0], s->nic, pick(s, 2));
        nst_nic_set_spoofing(s->stack[0], s->nic, pick(s, 2));
        break;
    case 4:
        s->alloc.fail_at = 0;
        if (s->pipe_nic != 0)
            nst_nic_remove(s->stack[0], s->pipe_nic);
        s->pipe_nic = 0;
        if (s->pipe[0]->upper == NULL && pick(s, 2))
            add_nic(s, 0, s->pipe[0], 1);
        break;
    default:
        memlink_set_room(&s->world, UINT32_MAX);
        nst_nic_enable(s->stack[0], s->nic);
        break;
    }
}

static void step(struct scene *s)
{
    static void (*const injections[])(struct scene *) = {
        inject_udp, inject_tcp, inject_fragment, inject_arp,
        inject_ip6, inject_ip6, inject_nonsense, change_world};
    static const nst_time waits[] = {0, 0, NST_MSEC, 50 * NST_MSEC, NST_SEC, 40 * NST_SEC};
    const uint32_t what = pick(s, 10);
    if (what < 4)
        injections[pick(s, ARRAY_SIZE(injections))](s);
    else if (what < 8)
        call_one(s, (int)pick(s, 2));
    else
        s->now += waits[pick(s, ARRAY_SIZE(waits))];
    check_one(s, 0);
    check_one(s, 1);
    for (int i = 0; i < 2; i++) {
        nst_stack_run(s->stack[i], s->now, pick(s, 2) ? 0 : 1 + pick(s, 4));
        check_one(s, 0);
        check_one(s, 1);
    }
}

/* ---- Scenes ---- */

/* On the net 10.`net`.0.0/24 and fd`net`::/64; 127: the loopback. */
static void add_nic(struct scene *s, int host, struct nst_link *link, uint8_t net)
{
    const uint8_t last = (uint8_t)(1 + host);
    const struct nst_addr addr = net == 127 ? nst_addr_v4(127, 0, 0, 1)
                                            : nst_addr_v4(10, net, 0, last),
                          addr6 = net == 127 ? (struct nst_addr){{{[15] = 1}}}
                                             : (struct nst_addr){{{0xfd, net, [15] = last}}};
    const struct nst_nic_config config = {.size = sizeof(config),
                                          .link = link,
                                          .promiscuous = pick(s, 3) != 0,
                                          .spoofing = pick(s, 3) != 0,
                                          .link_local = (uint8_t)pick(s, 3),
                                          .tx_queue_packets = 20 + pick(s, 100)};
    const struct nst_nic_addr on_it = {.addr = addr, .prefix_len = 24};
    const struct nst_nic_addr on_it6 = {.addr = addr6, .prefix_len = 64, .no_dad = pick(s, 2)};
    uint32_t id;
    assert_int_equal(nst_nic_add(s->stack[host], &config, &id), 0);
    assert_int_equal(nst_nic_addr_add(s->stack[host], id, &on_it), 0);
    assert_int_equal(nst_nic_addr_add(s->stack[host], id, &on_it6), 0);
    if (link == &s->world.link)
        s->nic = id;
    if (link == s->pipe[0])
        s->pipe_nic = id;
}

static void begin(struct scene *s)
{
    static const struct nst_mac mac = {{2, 0, 0, 0, 0, 1}};
    alloc_init(&s->alloc);
    alloc_init(&s->link_alloc);
    for (int i = 0; i < 2; i++) {
        struct nst_stack_config config = {.size = sizeof(config),
                                          .allocator = s->alloc.allocator,
                                          .memory_limit = pick(s, 2) ? 0 : 500000,
                                          .handle_local = pick(s, 2),
                                          .weak_host = pick(s, 2),
                                          .now = s->now};
        memset(config.seed, 5, sizeof(config.seed));
        assert_int_equal(nst_stack_new(&config, &s->stack[i]), 0);
    }
    const uint32_t large = pick(s, 2) ? NST_LINK_CSUM_TX | NST_LINK_TSO4 | NST_LINK_TSO6 : 0;
    const struct nst_pipe_config pipe = {.size = sizeof(pipe),
                                         .caps = large,
                                         .limit = 1 + pick(s, 50),
                                         .ethernet = pick(s, 2),
                                         .addr = {{{2, 0, 0, 0, 1, 1}}, {{2, 0, 0, 0, 1, 2}}}};
    assert_int_equal(nst_pipe_new(&s->link_alloc.allocator, &pipe, s->pipe), 0);
    s->loopback = nst_loopback_new(&s->link_alloc.allocator);
    assert_non_null(s->loopback);
    memlink_init(&s->world, &mac);
    add_nic(s, 0, &s->world.link, 0);
    if (pick(s, 2))
        add_nic(s, 0, s->loopback, 127);
    if (pick(s, 4))
        add_nic(s, 0, s->pipe[0], 1);
    add_nic(s, 1, s->pipe[1], 1);
    const struct nst_route route = {.prefix = nst_addr_v4(0, 0, 0, 0), .nic = s->nic};
    const struct nst_route route6 = {.nic = s->nic};
    assert_int_equal(nst_route_add(s->stack[0], &route), 0);
    assert_int_equal(nst_route_add(s->stack[0], &route6), 0);
    const struct nst_forwarder_config forwarder = {.size = sizeof(forwarder),
                                                   .nic = s->nic,
                                                   .tcp = true,
                                                   .udp = true,
                                                   .icmp_echo = true,
                                                   .pending_max = 5};
    if (pick(s, 4))
        assert_int_equal(nst_forwarder_start(s->stack[0], &forwarder), 0);
}

static void end(struct scene *s)
{
    for (int i = 0; i < 2; i++)
        nst_stack_free(s->stack[i]);
    nst_pipe_free(s->pipe);
    nst_loopback_free(s->loopback);
    memlink_fini(&s->world);
    if (s->alloc.live != 0 || s->link_alloc.live != 0)
        fail_msg("seed %llu: %llu allocations are not back", (unsigned long long)s->seed,
                 (unsigned long long)(s->alloc.live + s->link_alloc.live));
}

static void random_traffic(void **state)
{
    static struct scene s;
    struct nst_census sum = {0}, c;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        s = (struct scene){.seed = seed, .random = seed * 0x9e3779b97f4a7c15u, .now = NST_SEC};
        begin(&s);
        for (s.step = 0; s.step < STEPS; s.step++)
            step(&s);
        nst_stack_get_census(s.stack[0], &c);
        sum.received += c.received;
        sum.built += c.built;
        sum.cloned += c.cloned;
        sum.split += c.split;
        sum.transmitted += c.transmitted;
        sum.delivered += c.delivered;
        sum.merged += c.merged;
        sum.dropped += c.dropped;
        end(&s);
    }
    /* The traffic was worth the name: every kind of begin and of end happened. */
    assert_true(sum.received > 1000 && sum.built > 1000 && sum.split > 0 && sum.cloned > 1000);
    assert_true(sum.transmitted > 1000 && sum.delivered > 1000 && sum.merged > 0 &&
                sum.dropped > 1000);
}

TESTS(
    {"nic/N121: the census balances, and every queue is counted, after each step of random traffic",
     random_traffic})
