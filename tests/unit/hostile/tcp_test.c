/* SPDX-License-Identifier: Apache-2.0 */
/* HOSTILE.md, the line of TCP: what a peer, or somebody blind, may send to a connection. */
#include "testing.h"

#include "tcp_peer.h"

#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/tcpopt.h"

#define DAY (86400 * NST_SEC)

/* A segment with every field and option as given, from the peer's address. */
static void send_raw(struct tcp_peer *t, struct tcp_hdr hdr, const uint8_t *options, uint32_t len)
{
    static uint8_t packet[FRAME_MAX], payload[FRAME_MAX];
    const struct nst_iovec data = {payload, len};
    if (hdr.hdr_len == 0)
        hdr.hdr_len = TCP_HDR_LEN;
    hdr.seq += t->isn;
    hdr.ack += (hdr.flags & TCP_ACK) != 0 ? t->iss : 0;
    world_inject_ip(&t->w, packet, frame_tcp4(packet, &t->remote, &t->local, &hdr, options, &data));
    world_run(&t->w);
}

static void forget_sent(struct tcp_peer *t)
{
    struct tcp_seen seen;
    while (tcp_peer_see(t, &seen))
        ;
}

/* The connection carries bytes both ways. */
static void expect_service(struct tcp_peer *t, uint32_t next)
{
    static uint8_t bytes[1000];
    struct tcp_seen seen;
    forget_sent(t);
    const uint64_t before = tcp_peer_info(t).bytes_received;
    tcp_peer_data(t, next, 10);
    tcp_peer_wait(t, 200 * NST_MSEC);
    assert_int_equal(tcp_peer_info(t).bytes_received, before + 10);
    assert_true(tcp_peer_see(t, &seen));
    assert_int_equal(seen.ack, next + 10);
    assert_true(nst_socket_recv(t->stack, t->s, bytes, sizeof(bytes), 0) > 0);
}

/* ---- Urgent data ---- */

static void urgent_pointers(void **state)
{
    static const uint16_t pointers[] = {0, 1, 5, 10, 11, 1000, 65535};
    struct tcp_peer t;
    const struct tcp_peer_config plain = {.no_ts = true};
    tcp_peer_init(&t, &plain);
    tcp_peer_accept(&t);
    uint32_t next = 1;
    for (size_t i = 0; i < 7; i++) {
        for (size_t k = 0; k < 7; k++) {
            /* The pointer changes in the retransmission. */
            struct tcp_hdr hdr = {
                .seq = next, .ack = 1, .wnd = 1000, .urg = pointers[i], .flags = TCP_ACK | TCP_URG};
            send_raw(&t, hdr, NULL, 10);
            hdr.urg = pointers[k];
            send_raw(&t, hdr, NULL, 10);
            next += 10;
        }
    }
    assert_int_equal(tcp_peer_info(&t).bytes_received, next - 1);
    expect_service(&t, next);
    tcp_peer_fini(&t);
}

static void urgent_syn(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_listen(&t, 4);
    send_raw(&t, (struct tcp_hdr){.flags = TCP_SYN | TCP_URG, .urg = 65535, .wnd = 1000}, NULL, 0);
    struct tcp_seen seen;
    assert_true(tcp_peer_see(&t, &seen));
    assert_int_equal(seen.flags, TCP_SYN | TCP_ACK);
    tcp_peer_fini(&t);
}

/* ---- Options of the SYN ---- */

/* A SYN with these options, and the handshake; the connection then sends 5,000 bytes of which the
 * peer takes note and which it acknowledges, or gives up on it in a minute. */
static uint32_t largest_segment(const uint8_t *options, uint8_t len)
{
    struct tcp_peer t;
    struct tcp_seen seen;
    uint32_t largest = 0;
    tcp_peer_init(&t, NULL);
    tcp_peer_listen(&t, 4);
    send_raw(&t, (struct tcp_hdr){.flags = TCP_SYN, .wnd = 60000, .hdr_len = (uint8_t)(20 + len)},
             options, 0);
    assert_non_null(world_sent(&t.w, 0, &(size_t){0}));
    struct tcp_hdr hdr;
    size_t packet_len;
    const uint8_t *packet = world_sent(&t.w, 0, &packet_len);
    assert_true(tcp_parse(packet + IP4_HDR_LEN, packet_len - IP4_HDR_LEN, &hdr) != 0);
    t.iss = hdr.seq;
    t.next = 1;
    send_raw(&t, (struct tcp_hdr){.flags = TCP_ACK, .seq = 1, .ack = 1, .wnd = 60000}, NULL, 0);
    assert_int_equal(nst_socket_accept(t.stack, t.listener, &t.s, NULL), 0);
    tcp_peer_write(&t, 5000);
    uint32_t got = 1;
    for (int turn = 0; turn < 3000 && got < 5001; turn++) {
        while (tcp_peer_see(&t, &seen)) {
            assert_true(seen.len > 0);
            largest = seen.len > largest ? seen.len : largest;
            got = seen.seq == got ? got + seen.len : got;
        }
        send_raw(&t, (struct tcp_hdr){.flags = TCP_ACK, .seq = 1, .ack = got, .wnd = 60000}, NULL,
                 0);
    }
    assert_int_equal(got, 5001);
    tcp_peer_fini(&t);
    return largest;
}

static void tiny_mss(void **state)
{
    static const uint16_t sizes[] = {0, 1, 12, 47, 48, 65535};
    for (size_t i = 0; i < 6; i++) {
        const uint8_t options[8] = {2, 4, (uint8_t)(sizes[i] >> 8), (uint8_t)sizes[i], 4, 2, 1, 1};
        const uint32_t largest = largest_segment(options, sizeof(options));
        assert_true(largest > 0 && largest <= 1460);
        if (sizes[i] < 48)
            assert_true(largest >= 8);
    }
}

static void large_wscale(void **state)
{
    static const uint8_t shifts[] = {14, 15, 31, 32, 255};
    for (size_t i = 0; i < 5; i++) {
        const uint8_t options[8] = {2, 4, 5, 180, 3, 3, shifts[i], 1};
        assert_int_equal(largest_segment(options, sizeof(options)), 1460);
    }
}

/* ---- Timestamps ---- */

static void jumping_timestamps(void **state)
{
    static const uint32_t jumps[] = {0, 1, 0x7fffffff, 0x80000000, 0x80000001, 0xffffffff};
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    const uint32_t val = t.ts_val, ecr = t.ts_ecr;
    for (size_t i = 0; i < 6; i++) {
        for (size_t k = 0; k < 6; k++) {
            t.ts_val = val + jumps[i];
            t.ts_ecr = ecr + jumps[k];
            /* Out of the window: it teaches nothing. */
            tcp_peer_data(&t, 0x40000000, 1);
            tcp_peer_ack(&t, 1, 1);
            t.ts_val = val + jumps[i];
            tcp_peer_write(&t, 10);
            assert_true(tcp_peer_info(&t).rto <= 120 * NST_SEC);
        }
        tcp_peer_wait(&t, NST_SEC);
    }
    assert_int_equal(tcp_peer_state(&t), NST_TCP_ESTABLISHED);
    tcp_peer_fini(&t);
}

/* ---- Acknowledgments ---- */

/* RFC 5681 2: acknowledges what was sent before it can have arrived. It gets what it asks for, and
 * nothing breaks: the window grows no faster than bytes are sent. */
static void optimistic_acks(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_write(&t, 60000);
    for (int i = 0; i < 200; i++) {
        const struct nst_tcp_info info = tcp_peer_info(&t);
        tcp_peer_ack(&t, 1, 1 + (uint32_t)info.bytes_acked + info.in_flight);
        tcp_peer_ack(&t, 1, 1 + (uint32_t)info.bytes_acked + info.in_flight + 100000);
        assert_true(tcp_peer_info(&t).cwnd <= 2 * 60000 + 14480);
    }
    forget_sent(&t);
    assert_int_equal(tcp_peer_info(&t).bytes_acked, 60000);
    t.ack = 60001;
    expect_service(&t, 1);
    tcp_peer_fini(&t);
}

static void zero_window_forever(void **state)
{
    struct tcp_peer t;
    struct tcp_seen seen;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    t.wnd = 0;
    tcp_peer_ack(&t, 1, 1);
    tcp_peer_write(&t, 20000);
    const uint64_t bytes = t.w.hosts[0].alloc.live_bytes;
    uint32_t probes = 0;
    for (const nst_time end = t.w.now + DAY; t.w.now < end;) {
        tcp_peer_wait(&t, 10 * NST_SEC);
        while (tcp_peer_see(&t, &seen)) {
            probes++;
            t.ts_val += 10000;
            tcp_peer_ack(&t, 1, 1);
        }
        memlink_clear(&t.w.memlink);
        t.next = 0;
    }
    assert_in_range(probes, 86400 / 120 - 10, 86400 / 120 + 20);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_ESTABLISHED);
    assert_true(t.w.hosts[0].alloc.live_bytes <= bytes);
    t.wnd = 65535;
    tcp_peer_ack(&t, 1, 1);
    assert_true(tcp_peer_see(&t, &seen));
    assert_int_equal(seen.seq, 1);
    assert_true(seen.len > 0);
    tcp_peer_fini(&t);
}

/* Sends into a window that the application does not empty. */
static void never_read(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    uint64_t flat = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        const struct nst_tcp_info info = tcp_peer_info(&t);
        tcp_peer_data(&t, 1 + (uint32_t)info.bytes_received, 1400);
        memlink_clear(&t.w.memlink);
        t.next = 0;
        if (i == 2000)
            flat = t.w.hosts[0].alloc.live_bytes;
    }
    assert_true(t.w.hosts[0].alloc.live_bytes <= flat);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_ESTABLISHED);
    tcp_peer_fini(&t);
}

/* ---- Blind attackers ---- */

/* RFC 5961: 100,000 guesses of sequence and acknowledgment numbers, RST, SYN, data; none of them
 * the one right RST. */
static void blind_guesses(void **state)
{
    struct tcp_peer t;
    uint64_t random = 99;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    for (int i = 0; i < 100000; i++) {
        static const uint16_t flags[] = {TCP_RST, TCP_RST | TCP_ACK, TCP_SYN, TCP_ACK};
        const uint64_t r = world_random(&random);
        const struct tcp_hdr hdr = {.seq = (uint32_t)r % 0x7fffffff + 2,
                                    .ack = (uint32_t)(r >> 32) | 0x10000,
                                    .flags = flags[i % 4],
                                    .wnd = 5};
        send_raw(&t, hdr, NULL, i % 4 == 3 ? 10 : 0);
        memlink_clear(&t.w.memlink);
        t.next = 0;
    }
    assert_int_equal(tcp_peer_state(&t), NST_TCP_ESTABLISHED);
    assert_int_equal(tcp_peer_info(&t).bytes_received, 0);
    tcp_peer_wait(&t, 2 * NST_SEC);
    expect_service(&t, 1);
    tcp_peer_fini(&t);
}

/* RFC 5927: an ICMP error of the given code about the segment that begins at `seq`. */
static void icmp(struct tcp_peer *t, uint8_t type, uint8_t code, uint16_t mtu, uint32_t seq)
{
    uint8_t body[ICMP4_HDR_LEN + IP4_HDR_LEN + 8] = {type, code}, packet[200];
    const struct nst_addr router = nst_addr_v4(10, 0, 0, 77);
    const struct ip4_hdr ip = {.src4 = addr_to_raw4(&t->local.addr),
                               .dst4 = addr_to_raw4(&t->remote.addr),
                               .total_len = 1500,
                               .hdr_len = IP4_HDR_LEN,
                               .ttl = 60,
                               .proto = IP_PROTO_TCP};
    be16_put(body + 6, mtu);
    ip4_build(body + 8, &ip);
    be16_put(body + 28, t->local.port);
    be16_put(body + 30, t->remote.port);
    be32_put(body + 32, t->iss + seq);
    be16_put(body + 2, csum_fold(csum_portable.sum(body, sizeof(body), 0)));
    world_inject_ip(&t->w, packet,
                    frame_ip4(packet, &router, &t->local.addr, IP_PROTO_ICMP, body, sizeof(body)));
    world_run(&t->w);
}

static void blind_icmp(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    tcp_peer_write(&t, 3000);
    for (uint8_t code = 0; code < 16; code++) {
        icmp(&t, ICMP4_UNREACHABLE, code, 300, 3001);
        icmp(&t, ICMP4_UNREACHABLE, code, 300, 0x70000000);
        icmp(&t, ICMP4_UNREACHABLE, code, 300, 0);
    }
    assert_int_equal(tcp_peer_info(&t).mss_snd, 1448);
    /* Even the right number ends no connection, and no MTU goes under the least (RFC 1191 3). */
    for (uint8_t code = 0; code < 16; code++)
        icmp(&t, ICMP4_UNREACHABLE, code, 0, 1);
    icmp(&t, ICMP4_TIME_EXCEEDED, 0, 0, 1);
    icmp(&t, ICMP4_UNREACHABLE, ICMP4_FRAG_NEEDED, 20, 1);
    assert_int_equal(tcp_peer_state(&t), NST_TCP_ESTABLISHED);
    assert_true(tcp_peer_info(&t).mss_snd >= 68 - 52);
    t.ack = 3001;
    expect_service(&t, 1);
    tcp_peer_fini(&t);
}

/* RFC 1337: no RST ends TIME-WAIT early. */
static void time_wait_assassination(void **state)
{
    struct tcp_peer t;
    tcp_peer_init(&t, NULL);
    tcp_peer_accept(&t);
    assert_int_equal(nst_socket_close(t.stack, t.s), 0);
    world_run(&t.w);
    t.ack = 2;
    tcp_peer_send(&t, TCP_FIN | TCP_ACK, 1, 0);
    forget_sent(&t);
    for (uint32_t seq = 0; seq < 5; seq++) {
        tcp_peer_send(&t, TCP_RST, seq, 0);
        tcp_peer_send(&t, TCP_RST | TCP_ACK, seq, 0);
    }
    forget_sent(&t);
    /* It still is there: the FIN sent again is acknowledged. */
    tcp_peer_send(&t, TCP_FIN | TCP_ACK, 1, 0);
    tcp_peer_expect(&t, TCP_ACK, 2, 0, 2);
    tcp_peer_fini(&t);
}

TESTS({"urgent pointers of 0, past the data, changing in retransmissions, move no data",
       urgent_pointers},
      {"an urgent pointer on a SYN means nothing", urgent_syn},
      {"MSS 0, 1, 48 with SACK: segments carry something", tiny_mss},
      {"window scale 15 to 255 counts as 14", large_wscale},
      {"timestamps that jump either way break nothing", jumping_timestamps},
      {"optimistic ACKs and ACKs of data never sent open no window", optimistic_acks},
      {"a zero window for a day is probed every two minutes", zero_window_forever},
      {"what is never read costs what the window says", never_read},
      {"RFC 5961: 100,000 blind RSTs, SYNs and data do nothing", blind_guesses},
      {"RFC 5927: blind ICMP errors do nothing, others end no connection", blind_icmp},
      {"RFC 1337: TIME-WAIT cannot be assassinated", time_wait_assassination})
