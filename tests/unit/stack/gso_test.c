/* SPDX-License-Identifier: Apache-2.0 */
#include "segments.h"

#include "stack/gso.h"

static struct segments s;

/* A large TCP/IPv4 packet with 12 bytes of options. */
static struct pkt *large_tcp4(uint32_t len, uint16_t size, uint16_t flags)
{
    static uint8_t frame[FRAME_MAX];
    const uint8_t options[12] = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
    const struct tcp_hdr hdr = {
        .seq = 0xfffffff0, .ack = 99, .flags = flags, .wnd = 1000, .hdr_len = 32};
    frame_tcp4(frame, &SEGMENTS_SRC, &SEGMENTS_DST, &hdr, options, NULL);
    be16_put(frame + 4, 0xfffe); /* identification */
    be16_put(frame + 2, (uint16_t)(52 + len));
    struct pkt *p = segments_wrap(&s, frame, 52, len);
    nst_pkt_request_csum(pkt_pub(p), 20, TCP_CSUM_OFFSET);
    p->gso = NST_GSO_TCP4;
    p->gso_size = size;
    return p;
}

static void check_tcp4(struct pkt *p, uint32_t index, uint32_t size, bool last, uint16_t flags)
{
    struct ip4_hdr ip;
    struct tcp_hdr tcp;
    assert_int_equal(p->gso, NST_GSO_NONE);
    assert_int_equal(p->csum, NST_CSUM_PARTIAL);
    assert_true(nst_pkt_headroom(pkt_pub(p)) >= 14);
    nst_pkt_complete_csum(pkt_pub(p));
    uint8_t *flat = segments_flat(p);
    assert_true(frame_ip4_is_right(flat, p->len));
    ip4_parse(flat, p->len, &ip);
    tcp_parse(flat + 20, p->len - 20, &tcp);
    assert_int_equal(ip.id, (uint16_t)(0xfffe + index));
    assert_int_equal(tcp.seq, (uint32_t)(0xfffffff0 + index * size));
    assert_int_equal(tcp.ack, 99);
    assert_int_equal(tcp.hdr_len, 32);
    uint16_t want = flags;
    if (!last)
        want &= (uint16_t) ~(TCP_FIN | TCP_PSH);
    if (index > 0)
        want &= (uint16_t)~TCP_CWR;
    assert_int_equal(tcp.flags, want);
    assert_memory_equal(flat + 52, s.payload + index * size, p->len - 52);
    free(flat);
}

static void cuts_tcp4(void **state)
{
    static const uint32_t lens[] = {0, 1, 999, 1000, 1001, 2000, 5555, 65000};
    const uint16_t flags = TCP_ACK | TCP_PSH | TCP_FIN | TCP_CWR | TCP_ECE;
    segments_begin(&s);
    for (int i = 0; i < 8; i++) {
        struct nst_pktq q = {0};
        struct pkt *p = large_tcp4(lens[i], 1000, flags);
        uint32_t count = gso_segments(p);
        assert_int_equal(count, lens[i] == 0 ? 1 : (lens[i] + 999) / 1000);
        assert_true(gso_cut(p, 14, &q));
        assert_int_equal(q.count, count);
        uint32_t total = 0;
        for (uint32_t k = 0; k < count; k++) {
            p = pktq_pop(&q);
            total += p->len - 52;
            check_tcp4(p, k, 1000, k == count - 1, flags);
            nst_pkt_free(pkt_pub(p));
        }
        assert_int_equal(total, lens[i]);
    }
    assert_int_equal(s.pool->census.split + s.pool->census.built, s.pool->census.transmitted);
    segments_end(&s);
}

static void copies_no_payload(void **state)
{
    struct nst_pktq q = {0};
    segments_begin(&s);
    struct pkt *p = large_tcp4(60000, 1448, TCP_ACK);
    uint64_t blocks = s.pool->blocks_alive;
    assert_true(gso_cut(p, 14, &q));
    assert_int_equal(s.pool->blocks_alive, blocks);
    while (!nst_pktq_is_empty(&q))
        nst_pkt_free(pkt_pub(pktq_pop(&q)));
    segments_end(&s);
}

static void cuts_linear_payload(void **state)
{
    struct nst_pktq q = {0};
    segments_begin(&s);
    struct pkt *p = large_tcp4(5000, 700, TCP_ACK | TCP_PSH);
    assert_true(pkt_pull_up(p, p->len));
    assert_true(gso_cut(p, 14, &q));
    assert_int_equal(q.count, 8);
    for (uint32_t k = 0; k < 8; k++) {
        p = pktq_pop(&q);
        check_tcp4(p, k, 700, k == 7, TCP_ACK | TCP_PSH);
        nst_pkt_free(pkt_pub(p));
    }
    segments_end(&s);
}

static void cuts_tcp6(void **state)
{
    struct nst_pktq q = {0};
    uint8_t headers[60];
    const struct ip6_hdr ip = {.src.b = {0xfe, 0x80, [15] = 1},
                               .dst.b = {0xfe, 0x80, [15] = 2},
                               .payload_len = 20 + 3000,
                               .next = IP_PROTO_TCP,
                               .hop_limit = 9};
    const struct tcp_hdr tcp = {
        .src_port = 1, .dst_port = 2, .seq = 5, .flags = TCP_ACK, .hdr_len = 20};
    segments_begin(&s);
    ip6_build(headers, &ip);
    tcp_build(headers + 40, &tcp);
    struct pkt *p = segments_wrap(&s, headers, 60, 3000);
    nst_pkt_request_csum(pkt_pub(p), 40, TCP_CSUM_OFFSET);
    p->gso = NST_GSO_TCP6;
    p->gso_size = 1220;
    assert_true(gso_cut(p, 14, &q));
    assert_int_equal(q.count, 3);
    for (uint32_t k = 0; k < 3; k++) {
        p = pktq_pop(&q);
        nst_pkt_complete_csum(pkt_pub(p));
        uint8_t *flat = segments_flat(p);
        uint32_t len = k < 2 ? 1220 : 560;
        assert_int_equal(p->len, 60 + len);
        assert_int_equal(be16_get(flat + 4), 20 + len);
        assert_int_equal(be32_get(flat + 44), 5 + k * 1220);
        assert_true(csum_ok(csum_portable.sum(
            flat + 40, 20 + len, csum_pseudo_v6(&ip.src, &ip.dst, IP_PROTO_TCP, 20 + len))));
        assert_memory_equal(flat + 60, s.payload + k * 1220, len);
        free(flat);
        nst_pkt_free(pkt_pub(p));
    }
    segments_end(&s);
}

static void cuts_udp(void **state)
{
    struct nst_pktq q = {0};
    uint8_t frame[64];
    segments_begin(&s);
    size_t n = frame_udp(frame, &SEGMENTS_SRC, &SEGMENTS_DST, NULL, 0);
    struct pkt *p = segments_wrap(&s, frame, n, 2500);
    nst_pkt_request_csum(pkt_pub(p), 20, 6);
    p->gso = NST_GSO_UDP;
    p->gso_size = 1000;
    assert_true(gso_cut(p, 14, &q));
    assert_int_equal(q.count, 3);
    for (uint32_t k = 0; k < 3; k++) {
        p = pktq_pop(&q);
        nst_pkt_complete_csum(pkt_pub(p));
        uint8_t *flat = segments_flat(p);
        assert_true(frame_ip4_is_right(flat, p->len));
        assert_int_equal(be16_get(flat + 24), p->len - 20);
        assert_memory_equal(flat + 28, s.payload + k * 1000, p->len - 28);
        free(flat);
        nst_pkt_free(pkt_pub(p));
    }
    segments_end(&s);
}

static void nonsense_is_dropped(void **state)
{
    segments_begin(&s);
    for (uint32_t keep = 0; keep < 52; keep++) {
        struct nst_pktq q = {0};
        struct pkt *p = large_tcp4(0, 1000, TCP_ACK);
        pkt_trim(p, keep);
        assert_int_equal(gso_segments(p), 1);
        assert_false(gso_cut(p, 14, &q));
        assert_true(nst_pktq_is_empty(&q));
    }
    struct nst_pktq q = {0};
    assert_false(gso_cut(large_tcp4(100, 0, TCP_ACK), 14, &q));
    assert_int_equal(s.pool->drops[DROP_GSO_MALFORMED], 53);
    segments_end(&s);
}

static void all_or_nothing(void **state)
{
    for (uint64_t n = 1;; n++) {
        struct nst_pktq q = {0};
        segments_begin(&s);
        struct pkt *p = large_tcp4(60000, 1000, TCP_ACK);
        s.alloc.fail_from = s.alloc.count + n;
        bool done = gso_cut(p, 14, &q);
        assert_int_equal(q.count, done ? 60 : 0);
        assert_int_equal(s.pool->drops[DROP_NO_MEMORY] > 0, !done);
        pktq_drop(&q, DROP_TX_NIC_DOWN);
        segments_end(&s);
        if (done)
            break;
        assert_true(n < 100);
    }
}

TESTS({"gso/N45: cuts TCP over IPv4, FIN and PSH last, CWR first", cuts_tcp4},
      {"gso/N45: copies no payload", copies_no_payload},
      {"gso/N45: cuts what lies in one linear part", cuts_linear_payload},
      {"gso/N45: cuts TCP over IPv6", cuts_tcp6}, {"gso/N45: cuts UDP into datagrams", cuts_udp},
      {"gso: what is no such packet is dropped at every length", nonsense_is_dropped},
      {"gso: without memory all of it is dropped", all_or_nothing})
