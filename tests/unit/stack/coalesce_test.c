/* SPDX-License-Identifier: Apache-2.0 */
#include "segments.h"

#include "stack/coalesce.h"
#include "stack/gso.h"

static struct segments s;
static struct coalesce c;
static struct nst_pktq due;

static void begin(void)
{
    segments_begin(&s);
    coalesce_init(&c);
    due = (struct nst_pktq){0};
}

static void end(void)
{
    pktq_drop(&due, DROP_NO_SOCKET);
    segments_end(&s);
}

/* What differs from a plain segment at `seq`. */
struct variant {
    uint32_t seq, ack;
    uint16_t flags, len, port, wnd;
    uint8_t tos, ttl, option;
    bool bad_tcp, bad_ip, fragment, padding, no_df;
};

static struct pkt *segment(const struct variant *v)
{
    static uint8_t f[FRAME_MAX];
    struct nst_endpoint src = SEGMENTS_SRC;
    src.port = (uint16_t)(src.port + v->port);
    const uint8_t options[12] = {1, 1, 8, 10, 1, 2, 3, v->option, 5, 6, 7, 8};
    const struct tcp_hdr hdr = {.seq = 1000 + v->seq,
                                .ack = 7 + v->ack,
                                .flags = v->flags != 0 ? v->flags : TCP_ACK,
                                .wnd = (uint16_t)(500 + v->wnd),
                                .hdr_len = 32};
    size_t n = frame_tcp4(f, &src, &SEGMENTS_DST, &hdr, options,
                          &(struct nst_iovec){s.payload + v->seq, v->len});
    f[1] = v->tos;
    f[8] = (uint8_t)(64 + v->ttl);
    if (v->fragment)
        f[6] |= 0x20;
    if (v->no_df)
        f[6] &= 0xbf;
    be16_put(f + 10, 0);
    be16_put(f + 10, csum_fold(csum_header20(f)));
    f[10] ^= v->bad_ip;
    f[36] ^= v->bad_tcp;
    memset(f + n, 0, 6);
    return segments_received(&s, f, n + (v->padding ? 6 : 0));
}

/* The same over IPv6: tos is the traffic class, ttl the hop limit. */
static struct pkt *segment6(const struct variant *v)
{
    static uint8_t f[FRAME_MAX];
    struct ip6_hdr ip = {.src = {{{0xfd, [15] = 2}}},
                         .dst = {{{0xfd, [15] = 1}}},
                         .flow = v->fragment,
                         .payload_len = (uint16_t)(32 + v->len),
                         .tclass = v->tos,
                         .next = IP_PROTO_TCP,
                         .hop_limit = (uint8_t)(64 + v->ttl)};
    const struct tcp_hdr hdr = {.src_port = (uint16_t)(4321 + v->port),
                                .dst_port = 80,
                                .seq = 1000 + v->seq,
                                .ack = 7 + v->ack,
                                .flags = v->flags != 0 ? v->flags : TCP_ACK,
                                .wnd = (uint16_t)(500 + v->wnd),
                                .hdr_len = 32};
    const uint8_t options[12] = {1, 1, 8, 10, 1, 2, 3, v->option, 5, 6, 7, 8};
    ip6_build(f, &ip);
    tcp_build(f + 40, &hdr);
    memcpy(f + 60, options, sizeof(options));
    memcpy(f + 72, s.payload + v->seq, v->len);
    const uint32_t sum = csum_pseudo_v6(&ip.src, &ip.dst, IP_PROTO_TCP, 32u + v->len);
    be16_put(f + 56, 0);
    be16_put(f + 56, csum_fold(csum_short(f + 40, 32u + v->len, sum)));
    f[56] ^= v->bad_tcp;
    memset(f + 72 + v->len, 0, 6);
    return segments_received(&s, f, 72u + v->len + (v->padding ? 6 : 0));
}

/* Offers a packet as the NIC does: what is not taken comes after what is due. */
static void offer(struct pkt *p)
{
    struct nst_pktq now = {0};
    bool taken = coalesce_concerns(p, p->data[0] >> 4 == 4 ? NET_IPV4 : NET_IPV6) &&
                 coalesce_add(&c, p, &now);
    nst_pktq_splice(&due, &now);
    if (!taken)
        pktq_push(&due, p);
}

static void merges_a_run(void **state)
{
    begin();
    for (uint32_t i = 0; i < 5; i++) {
        struct variant v = {.seq = i * 100, .len = 100, .wnd = (uint16_t)i, .padding = i == 2};
        v.flags = i == 4 ? TCP_ACK | TCP_PSH : TCP_ACK;
        offer(segment(&v));
    }
    assert_int_equal(due.count, 1); /* PSH ended it */
    struct pkt *p = pktq_pop(&due);
    assert_int_equal(p->len, 52 + 500);
    assert_int_equal(p->csum, NST_CSUM_VALID);
    assert_int_equal(p->gso, NST_GSO_TCP4);
    assert_int_equal(p->gso_size, 100);
    assert_int_equal(c.merged, 4);
    assert_int_equal(s.pool->census.merged, 4);
    uint8_t *flat = segments_flat(p);
    struct ip4_hdr ip;
    struct tcp_hdr tcp;
    assert_int_equal(ip4_parse(flat, p->len, &ip), 20);
    assert_true(ip4_csum_ok(flat, 20));
    assert_int_equal(ip.total_len, 552);
    tcp_parse(flat + 20, p->len - 20, &tcp);
    assert_int_equal(tcp.seq, 1000);
    assert_int_equal(tcp.wnd, 504); /* the newest */
    assert_int_equal(tcp.flags, TCP_ACK | TCP_PSH);
    assert_memory_equal(flat + 52, s.payload, 500);
    free(flat);
    pkt_drop(p, DROP_NO_SOCKET);
    end();
}

static void never_merges_what_differs(void **state)
{
    static const struct variant others[] = {
        {.seq = 101, .len = 100},
        {.seq = 99, .len = 100},
        {.seq = 0, .len = 100},
        {.seq = 100, .len = 101},
        {.seq = 100, .len = 0},
        {.seq = 100, .len = 100, .ack = 1},
        {.seq = 100, .len = 100, .option = 9},
        {.seq = 100, .len = 100, .tos = 3},
        {.seq = 100, .len = 100, .ttl = 1},
        {.seq = 100, .len = 100, .no_df = true},
        {.seq = 100, .len = 100, .bad_tcp = true},
        {.seq = 100, .len = 100, .bad_ip = true},
        {.seq = 100, .len = 100, .fragment = true},
        {.seq = 100, .len = 100, .flags = TCP_ACK | TCP_FIN},
        {.seq = 100, .len = 100, .flags = TCP_ACK | TCP_URG},
        {.seq = 100, .len = 100, .flags = TCP_ACK | TCP_ECE},
        {.seq = 100, .len = 100, .flags = TCP_ACK | TCP_CWR},
        {.seq = 100, .len = 100, .flags = TCP_ACK | TCP_RST},
        {.seq = 100, .len = 100, .flags = TCP_SYN},
    };
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        begin();
        struct pkt *first = segment(&(struct variant){.len = 100});
        struct pkt *second = segment(&others[i]);
        offer(first);
        offer(second);
        coalesce_flush(&c, &due);
        assert_int_equal(c.merged, 0);
        assert_ptr_equal(pktq_pop(&due), first);
        assert_ptr_equal(pktq_pop(&due), second);
        assert_true(nst_pktq_is_empty(&due));
        assert_int_equal(first->len, 152);
        assert_int_equal(first->gso, NST_GSO_NONE);
        pkt_drop(first, DROP_NO_SOCKET);
        pkt_drop(second, DROP_NO_SOCKET);
        end();
    }
}

static void bad_first_is_left_alone(void **state)
{
    begin();
    struct pkt *first = segment(&(struct variant){.len = 100, .bad_tcp = true});
    offer(first);
    offer(segment(&(struct variant){.seq = 100, .len = 100}));
    coalesce_flush(&c, &due);
    assert_int_equal(c.merged, 0);
    assert_int_equal(first->csum, NST_CSUM_UNKNOWN);
    end();
}

static void flows_are_apart(void **state)
{
    begin();
    for (uint32_t i = 0; i < 3; i++) {
        for (uint16_t flow = 0; flow < COALESCE_FLOWS; flow++)
            offer(segment(&(struct variant){.seq = i * 50, .len = 50, .port = flow}));
    }
    coalesce_flush(&c, &due);
    assert_int_equal(due.count, COALESCE_FLOWS);
    for (uint16_t flow = 0; flow < COALESCE_FLOWS; flow++) {
        struct pkt *p = pktq_pop(&due);
        assert_int_equal(p->len, 52 + 150);
        assert_int_equal(be16_get(p->data + 20), 4321 + flow);
        pkt_drop(p, DROP_NO_SOCKET);
    }
    end();
}

static void ends_at_64k(void **state)
{
    begin();
    for (uint32_t i = 0; i < 46; i++)
        offer(segment(&(struct variant){.seq = (i * 1400) % 60000, .len = 1400}));
    coalesce_flush(&c, &due);
    while (!nst_pktq_is_empty(&due)) {
        struct pkt *p = pktq_pop(&due);
        assert_true(p->len <= 65535);
        assert_int_equal(be16_get(p->data + 2), p->len);
        pkt_drop(p, DROP_NO_SOCKET);
    }
    end();
}

/* A random stream with gaps, repeats and flags: what comes out is, flow by flow, the same bytes in
 * the same order. */
static void keeps_order(void **state)
{
    uint64_t random = 99;
    for (int round = 0; round < 100; round++) {
        uint32_t log_in[4][3000], log_out[4][3000];
        uint32_t in[4] = {0}, out[4] = {0}, next[4] = {0};
        begin();
        for (int i = 0; i < 40; i++) {
            uint16_t flow = (uint16_t)(random_next(&random) % 4);
            struct variant v = {.seq = next[flow],
                                .port = flow,
                                .len = (uint16_t)(random_next(&random) % 5 != 0 ? 40 : 21)};
            if (random_next(&random) % 8 == 0)
                v.seq += 13;
            if (random_next(&random) % 8 == 0)
                v.flags = TCP_ACK | TCP_PSH;
            if (random_next(&random) % 16 == 0)
                v.flags = TCP_ACK | TCP_FIN;
            next[flow] = v.seq + v.len;
            for (uint32_t k = 0; k < v.len; k++)
                log_in[flow][in[flow]++] = 1000 + v.seq + k;
            offer(segment(&v));
        }
        coalesce_flush(&c, &due);
        while (!nst_pktq_is_empty(&due)) {
            struct pkt *p = pktq_pop(&due);
            uint32_t flow = be16_get(p->data + 20) - 4321u;
            uint8_t *flat = segments_flat(p);
            for (uint32_t k = 52; k < p->len; k++) {
                uint32_t seq = be32_get(flat + 24) + k - 52;
                assert_int_equal(flat[k], s.payload[seq - 1000]);
                log_out[flow][out[flow]++] = seq;
            }
            free(flat);
            pkt_drop(p, DROP_NO_SOCKET);
        }
        for (int flow = 0; flow < 4; flow++) {
            assert_int_equal(in[flow], out[flow]);
            assert_memory_equal(log_in[flow], log_out[flow], in[flow] * sizeof(uint32_t));
        }
        end();
    }
}

/* Cut, sent, received and merged again: the same bytes. */
static void undoes_segmentation(void **state)
{
    uint64_t random = 5;
    for (int round = 0; round < 60; round++) {
        static uint8_t f[FRAME_MAX];
        uint32_t size = 200 + (uint32_t)(random_next(&random) % 1261);
        uint32_t len = 1 + (uint32_t)(random_next(&random) % (45 * size));
        if (len > 65000)
            len = 65000;
        begin();
        const struct tcp_hdr hdr = {
            .seq = (uint32_t)random_next(&random), .ack = 3, .flags = TCP_ACK | TCP_PSH, .wnd = 9};
        size_t n = frame_tcp4(f, &SEGMENTS_SRC, &SEGMENTS_DST, &hdr, NULL, NULL);
        struct pkt *p = segments_wrap(&s, f, n, len);
        nst_pkt_request_csum(pkt_pub(p), 20, TCP_CSUM_OFFSET);
        p->gso = NST_GSO_TCP4;
        p->gso_size = (uint16_t)size;
        struct nst_pktq q = {0};
        assert_true(gso_cut(p, 0, &q));
        while (!nst_pktq_is_empty(&q)) {
            p = pktq_pop(&q);
            nst_pkt_complete_csum(pkt_pub(p));
            uint8_t *flat = segments_flat(p);
            offer(segments_received(&s, flat, p->len));
            free(flat);
            nst_pkt_free(pkt_pub(p));
        }
        coalesce_flush(&c, &due);
        assert_int_equal(due.count, 1);
        p = pktq_pop(&due);
        assert_int_equal(p->len, 40 + len);
        uint8_t *flat = segments_flat(p);
        assert_int_equal(be32_get(flat + 24), hdr.seq);
        assert_int_equal(flat[33], TCP_ACK | TCP_PSH);
        assert_memory_equal(flat + 40, s.payload, len);
        free(flat);
        pkt_drop(p, DROP_NO_SOCKET);
        end();
    }
}

static void merges_a_run_over_ipv6(void **state)
{
    begin();
    for (uint32_t i = 0; i < 5; i++) {
        struct variant v = {.seq = i * 100, .len = 100, .wnd = (uint16_t)i, .padding = i == 2};
        v.flags = i == 4 ? TCP_ACK | TCP_PSH : TCP_ACK;
        offer(segment6(&v));
    }
    assert_int_equal(due.count, 1);
    struct pkt *p = pktq_pop(&due);
    assert_int_equal(p->len, 72 + 500);
    assert_int_equal(p->csum, NST_CSUM_VALID);
    assert_int_equal(p->gso, NST_GSO_TCP6);
    assert_int_equal(p->gso_size, 100);
    uint8_t *bytes = segments_flat(p);
    assert_int_equal(be16_get(bytes + 4), 532);
    assert_int_equal(be16_get(bytes + 54), 504); /* the newest window */
    assert_true((bytes[53] & TCP_PSH) != 0);
    assert_memory_equal(bytes + 72, s.payload, 500);
    free(bytes);
    pkt_drop(p, DROP_NO_SOCKET);
    end();
}

static void what_says_more_over_ipv6_is_not_merged(void **state)
{
    static const struct variant others[] = {
        {.seq = 100, .len = 100, .tos = 4},
        {.seq = 100, .len = 100, .ttl = 1},
        {.seq = 100, .len = 100, .ack = 1},
        {.seq = 100, .len = 100, .option = 1},
        {.seq = 101, .len = 100},
        {.seq = 100, .len = 101},
        {.seq = 100, .len = 100, .port = 1},
        {.seq = 100, .len = 100, .fragment = true},
        {.seq = 100, .len = 100, .bad_tcp = true},
        {.seq = 100, .len = 100, .flags = TCP_ACK | TCP_FIN},
    };
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        begin();
        offer(segment6(&(struct variant){.len = 100}));
        offer(segment6(&others[i]));
        coalesce_flush(&c, &due);
        assert_int_equal(due.count, 2);
        assert_int_equal(c.merged, 0);
        end();
    }
}

static void families_do_not_mix(void **state)
{
    begin();
    offer(segment(&(struct variant){.len = 100}));
    offer(segment6(&(struct variant){.len = 100}));
    offer(segment(&(struct variant){.seq = 100, .len = 100}));
    offer(segment6(&(struct variant){.seq = 100, .len = 100}));
    coalesce_flush(&c, &due);
    assert_int_equal(due.count, 2);
    assert_int_equal(c.merged, 2);
    end();
}

TESTS({"coalesce: a run of segments becomes one, valid", merges_a_run},
      {"coalesce: what says anything else is not merged", never_merges_what_differs},
      {"coalesce: a first segment with a bad checksum is left alone", bad_first_is_left_alone},
      {"coalesce: flows are kept apart", flows_are_apart},
      {"coalesce: nothing passes 64 KiB", ends_at_64k},
      {"coalesce: each flow keeps its order", keeps_order},
      {"coalesce: undoes segmentation", undoes_segmentation},
      {"merges a run over IPv6", merges_a_run_over_ipv6},
      {"what says more over IPv6 is not merged", what_says_more_over_ipv6_is_not_merged},
      {"families do not mix", families_do_not_mix})
