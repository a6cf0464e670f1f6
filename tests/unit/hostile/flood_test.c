/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HOSTILE.md, floods: each packet costs bounded time and no memory beyond what the first thousands
 * did; others are served during it or soon after; in the end the memory is back.
 */
#include "testing.h"

#include <time.h>

#include <nicstack/forwarder.h>
#include <nicstack/socket.h>

#include "wire/ip4.h"
#include "wire/udp.h"
#include "world.h"

/* Under sanitizers, on a machine that others use too. */
#define PACKET_MAX (100 * NST_USEC)
#define BEGIN      20000u
/* Caches that fill slower than that: 1,024 destinations. */
#define SLACK (256u << 10)

static struct world w;

static nst_time cpu_time(void)
{
    struct timespec ts;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts), 0);
    return ts.tv_sec * NST_SEC + ts.tv_nsec;
}

static void begin(bool open, uint64_t memory)
{
    const struct world_config config = {.bare_ip = true,
                                        .stack = {.memory_limit = memory},
                                        .nic = {.promiscuous = open, .spoofing = open}};
    world_init_single(&w, &config);
    const struct nst_route route = {.prefix = nst_addr_v4(0, 0, 0, 0), .nic = w.hosts[0].nic};
    assert_int_equal(nst_route_add(w.hosts[0].stack, &route), 0);
}

/* Sends `count` packets, each made by `make`; 1,000 of them in a millisecond of virtual time. */
static void flood(uint32_t count, size_t (*make)(uint8_t *out, uint32_t i))
{
    static uint8_t packet[FRAME_MAX];
    uint64_t flat = 0;
    nst_time used = cpu_time();
    for (uint32_t i = 0; i < count; i++) {
        memlink_inject(&w.memlink, packet, make(packet, i));
        if (i % 100 == 99) {
            w.now += 100 * NST_USEC;
            while (nst_stack_run(w.hosts[0].stack, w.now, 0) > 0)
                ;
            memlink_clear(&w.memlink);
        }
        if (i == BEGIN)
            flat = w.hosts[0].alloc.peak_bytes;
    }
    used = cpu_time() - used;
    if (used / count > PACKET_MAX)
        fail_msg("%lld ns a packet", (long long)(used / count));
    if (w.hosts[0].alloc.peak_bytes > flat + SLACK)
        fail_msg("memory grew from %llu to %llu", (unsigned long long)flat,
                 (unsigned long long)w.hosts[0].alloc.peak_bytes);
    world_run(&w);
}

static struct nst_addr stranger(uint32_t i)
{
    const uint32_t x = i * 2654435761u;
    return nst_addr_v4(20, (uint8_t)(x >> 8), (uint8_t)(x >> 16), (uint8_t)(x >> 24 | 1));
}

static size_t make_syn(uint8_t *out, uint32_t i)
{
    const struct nst_endpoint from = {.addr = stranger(i), .port = (uint16_t)(1024 + i % 60000)},
                              to = {.addr = nst_addr_v4(10, 0, 0, 1), .port = 80};
    const struct tcp_hdr hdr = {.seq = i, .flags = TCP_SYN, .wnd = 1000, .hdr_len = TCP_HDR_LEN};
    return frame_tcp4(out, &from, &to, &hdr, NULL, NULL);
}

static size_t make_syn_to_all(uint8_t *out, uint32_t i)
{
    const struct nst_endpoint from = {.addr = stranger(i), .port = (uint16_t)(1024 + i % 60000)},
                              to = {.addr = stranger(i + 77777), .port = (uint16_t)i};
    const struct tcp_hdr hdr = {.seq = i, .flags = TCP_SYN, .wnd = 1000, .hdr_len = TCP_HDR_LEN};
    return frame_tcp4(out, &from, &to, &hdr, NULL, NULL);
}

static size_t make_datagram(uint8_t *out, uint32_t i)
{
    static const uint8_t payload[500];
    const struct nst_endpoint from = {.addr = stranger(i), .port = (uint16_t)(i % 3000)},
                              to = {.addr = nst_addr_v4(10, 0, 0, 1), .port = (uint16_t)(i / 7)};
    return frame_udp(out, &from, &to, payload, i % sizeof(payload));
}

static size_t make_echo(uint8_t *out, uint32_t i)
{
    uint8_t echo[64] = {8};
    const struct nst_addr from = stranger(i);
    be16_put(echo + 4, (uint16_t)i);
    be16_put(echo + 2, csum_fold(csum_portable.sum(echo, sizeof(echo), 0)));
    return frame_ip4(out, &from, &w.hosts[0].addr, IP_PROTO_ICMP, echo, sizeof(echo));
}

static size_t make_fragment(uint8_t *out, uint32_t i)
{
    static const uint8_t payload[1400];
    const struct nst_addr from = stranger(i / 3);
    const struct ip4_hdr hdr = {.src4 = addr_to_raw4(&from),
                                .dst4 = addr_to_raw4(&w.hosts[0].addr),
                                .total_len = (uint16_t)(IP4_HDR_LEN + 8 * (1 + i % 170)),
                                .id = (uint16_t)(i % 5 == 0 ? 7 : i),
                                .frag_off = (uint16_t)(i % 2 * 1368 + i % 11 * 2736),
                                .mf = true,
                                .hdr_len = IP4_HDR_LEN,
                                .ttl = 64,
                                .proto = IP_PROTO_UDP};
    ip4_build(out, &hdr);
    memcpy(out + IP4_HDR_LEN, payload, hdr.total_len - IP4_HDR_LEN);
    return hdr.total_len;
}

/* 10.0.0.2 connects and sends 100 bytes to `s`'s backlog. */
static nst_socket connect_honestly(nst_socket listener)
{
    static uint8_t packet[FRAME_MAX], payload[100];
    struct nst_endpoint from = frame_endpoint(10, 0, 0, 2, 4000),
                        to = frame_endpoint(10, 0, 0, 1, 80);
    struct tcp_hdr hdr = {.seq = 1, .flags = TCP_SYN, .wnd = 1000, .hdr_len = TCP_HDR_LEN}, seen;
    nst_socket s;
    memlink_clear(&w.memlink);
    world_inject_ip(&w, packet, frame_tcp4(packet, &from, &to, &hdr, NULL, NULL));
    world_run(&w);
    uint32_t i = 0;
    size_t len;
    const uint8_t *answer;
    do {
        answer = world_sent(&w, i++, &len);
        assert_non_null(answer);
        assert_true(tcp_parse(answer + IP4_HDR_LEN, len - IP4_HDR_LEN, &seen) != 0);
    } while (seen.dst_port != from.port);
    assert_int_equal(seen.flags, TCP_SYN | TCP_ACK);
    hdr = (struct tcp_hdr){
        .seq = 2, .ack = seen.seq + 1, .flags = TCP_ACK, .wnd = 1000, .hdr_len = TCP_HDR_LEN};
    const struct nst_iovec data = {payload, sizeof(payload)};
    world_inject_ip(&w, packet, frame_tcp4(packet, &from, &to, &hdr, NULL, &data));
    world_run(&w);
    assert_int_equal(nst_socket_accept(w.hosts[0].stack, listener, &s, NULL), 0);
    assert_int_equal(nst_socket_recv(w.hosts[0].stack, s, payload, sizeof(payload), 0), 100);
    return s;
}

static void syns_to_a_listener(void **state)
{
    nst_socket listener, s;
    const struct nst_endpoint at = {.port = 80};
    begin(false, 0);
    const uint64_t before = w.hosts[0].alloc.live_bytes;
    assert_int_equal(nst_socket_open(w.hosts[0].stack, NST_STREAM, &listener), 0);
    assert_int_equal(nst_socket_bind(w.hosts[0].stack, listener, &at), 0);
    assert_int_equal(nst_socket_listen(w.hosts[0].stack, listener, 128), 0);
    flood(200000, make_syn);
    world_run_for(&w, 100 * NST_SEC);
    s = connect_honestly(listener);
    assert_int_equal(nst_socket_abort(w.hosts[0].stack, s), 0);
    assert_int_equal(nst_socket_close(w.hosts[0].stack, listener), 0);
    world_run_for(&w, 200 * NST_SEC);
    assert_true(w.hosts[0].alloc.live_bytes < before + 200000);
    world_check_census(w.hosts[0].stack, true);
    world_fini(&w);
}

static void flood_forwarder(size_t (*make)(uint8_t *out, uint32_t i), bool accept)
{
    const struct nst_forwarder_config config = {
        .size = sizeof(config), .tcp = true, .udp = true, .icmp_echo = true};
    struct nst_request_info info;
    struct nst_memory memory;
    nst_socket s;
    begin(true, 8 << 20);
    assert_int_equal(nst_forwarder_start(w.hosts[0].stack, &config), 0);
    flood(200000, make);
    while (accept && nst_request_next(w.hosts[0].stack, &info)) {
        if (nst_request_accept(w.hosts[0].stack, info.request, &s) == 0) {
            world_run(&w);
            assert_int_equal(nst_socket_abort(w.hosts[0].stack, s), 0);
        }
    }
    world_run_for(&w, 100 * NST_SEC);
    nst_stack_get_memory(w.hosts[0].stack, &memory);
    assert_true(memory.peak <= memory.limit);
    assert_true(memory.used < memory.limit / 4);
    world_check_census(w.hosts[0].stack, true);
    world_fini(&w);
}

static void syns_to_the_forwarder(void **state)
{
    flood_forwarder(make_syn_to_all, false);
    flood_forwarder(make_syn_to_all, true);
}

static size_t make_datagram_to_all(uint8_t *out, uint32_t i)
{
    static const uint8_t payload[500];
    const struct nst_endpoint from = {.addr = stranger(i), .port = (uint16_t)(i % 3000)},
                              to = {.addr = stranger(i + 99), .port = (uint16_t)(i / 7)};
    return frame_udp(out, &from, &to, payload, i % sizeof(payload));
}

static void datagrams_to_the_forwarder(void **state)
{
    flood_forwarder(make_datagram_to_all, false);
    flood_forwarder(make_datagram_to_all, true);
}

static void datagrams_to_closed_ports(void **state)
{
    begin(false, 0);
    flood(200000, make_datagram);
    /* 200 ms at 1,000 a second and 50 at once (N106). */
    assert_in_range(world_counter(w.hosts[0].stack, "icmp4_errors_sent"), 100, 260);
    world_fini(&w);
}

/* A reader who does not read does not keep the sender's datagrams for ever. */
static void datagrams_to_a_socket(void **state)
{
    nst_socket s;
    const struct nst_endpoint at = {.port = 100};
    begin(false, 0);
    assert_int_equal(nst_socket_open(w.hosts[0].stack, NST_DATAGRAM, &s), 0);
    assert_int_equal(nst_socket_bind(w.hosts[0].stack, s, &at), 0);
    flood(200000, make_datagram);
    world_fini(&w);
}

static void echo_requests(void **state)
{
    begin(false, 0);
    flood(200000, make_echo);
    world_fini(&w);
}

static void incomplete_fragments(void **state)
{
    begin(false, 0);
    flood(1000000, make_fragment);
    world_run_for(&w, 100 * NST_SEC);
    world_check_census(w.hosts[0].stack, true);
    world_fini(&w);
}

TESTS({"200,000 SYNs to a listener: flat memory, then service", syns_to_a_listener},
      {"200,000 SYNs to the forwarder: flat memory, within the budget", syns_to_the_forwarder},
      {"200,000 datagrams to the forwarder: flat memory, within the budget",
       datagrams_to_the_forwarder},
      {"200,000 datagrams to closed ports: errors within the limit", datagrams_to_closed_ports},
      {"200,000 datagrams to one who reads nothing", datagrams_to_a_socket},
      {"200,000 echo requests", echo_requests},
      {"a million incomplete fragments", incomplete_fragments})
