/* SPDX-License-Identifier: Apache-2.0 */
/* Lines: queue disciplines, bursts of loss, marks, and who is told of what. What impair_test.c
 * shows through nst_impair holds for them too. */
#include "testing.h"

#include <nicstack/line.h>

#include "alloc.h"
#include "packet/pool.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

struct rig {
    struct alloc alloc, memory;
    struct nst_pool *pool;
    struct nst_line *line;
    nst_time now;
    struct nst_pktq got;
    uint64_t harmed[5]; /* by fate */
};

static void harmed(void *context, const struct nst_pkt *p, enum nst_line_fate fate)
{
    (void)p;
    ((struct rig *)context)->harmed[fate]++;
}

static void begin(struct rig *r, const struct nst_impair_direction *impair)
{
    const struct nst_line_config config = {
        .size = sizeof(config), .impair = *impair, .seed = 5, .harmed = harmed, .context = r};
    *r = (struct rig){.now = NST_SEC};
    alloc_init(&r->alloc);
    alloc_init(&r->memory);
    r->pool = pool_new(&r->memory.allocator, 64 << 20);
    assert_int_equal(nst_line_new(&r->alloc.allocator, &config, &r->line), 0);
}

static struct nst_impair_stats stats(const struct rig *r)
{
    struct nst_impair_stats s;
    nst_line_get_stats(r->line, &s);
    return s;
}

static void end(struct rig *r)
{
    const struct nst_impair_stats s = stats(r);
    assert_int_equal(s.lost, r->harmed[NST_LINE_LOST]);
    assert_int_equal(s.overflowed, r->harmed[NST_LINE_OVERFLOWED]);
    assert_int_equal(s.managed, r->harmed[NST_LINE_MANAGED]);
    assert_int_equal(s.corrupted, r->harmed[NST_LINE_CORRUPTED]);
    nst_line_free(r->line);
    assert_int_equal(r->alloc.live, 0);
    assert_int_equal(r->pool->packets_alive, 0);
    pool_retire(r->pool);
}

/* A UDP packet of a flow, with its number in the identification. */
static struct nst_pkt *packet(struct rig *r, uint16_t flow, uint16_t number, uint32_t len,
                              uint8_t ecn)
{
    struct nst_pkt *p = nst_pkt_new(r->pool, 0, len);
    const struct ip4_hdr ip4 = {.hdr_len = IP4_HDR_LEN,
                                .total_len = (uint16_t)len,
                                .id = number,
                                .proto = IP_PROTO_UDP,
                                .ttl = 9,
                                .tos = ecn};
    memset(nst_pkt_put(p, len), 0, len);
    ip4_build(p->data, &ip4);
    be16_put(p->data + IP4_HDR_LEN, flow);
    return p;
}

static void put(struct rig *r, struct nst_pkt *p)
{
    struct nst_pktq q = {0};
    nst_pktq_push(&q, p);
    nst_line_put(r->line, r->pool, r->now, &q);
}

/* The next packet that arrives, if time moves on as far as it has to; NULL: there is none. */
static struct nst_pkt *arrive(struct rig *r)
{
    while (nst_pktq_is_empty(&r->got)) {
        const nst_time next = nst_line_next_deadline(r->line);
        if (next == NST_TIME_NEVER)
            return NULL;
        r->now = next > r->now ? next : r->now;
        nst_line_take(r->line, r->now, &r->got);
    }
    return nst_pktq_pop(&r->got);
}

/* Sends n packets of 1,000 bytes at `every`; how many came at once is told by the stats. */
static void feed(struct rig *r, uint32_t n, nst_time every, uint8_t ecn)
{
    struct nst_pktq got = {0};
    for (uint32_t i = 0; i < n; i++) {
        put(r, packet(r, 1, (uint16_t)i, 1000, ecn));
        r->now += every;
        nst_line_take(r->line, r->now, &got);
        while (!nst_pktq_is_empty(&got))
            nst_pkt_free(nst_pktq_pop(&got));
    }
}

/* 8 Mbit/s: a millisecond for 1,000 bytes. */
#define MILLISECOND_EACH .rate_bps = 8000000

static void codel_leaves_a_short_queue_alone(void **state)
{
    const struct nst_impair_direction way = {MILLISECOND_EACH, .discipline = NST_QUEUE_CODEL};
    struct rig r;
    begin(&r, &way);
    for (int i = 0; i < 1000; i++) {
        feed(&r, 4, 0, 0); /* wait up to 3 ms, less than the target */
        r.now += 5 * NST_MSEC;
    }
    assert_int_equal(stats(&r).managed, 0);
    end(&r);
}

/* Twice the rate: RFC 8289 drops the first after an interval over the target, then faster. */
static void codel_drops_sooner_and_sooner(void **state)
{
    const struct nst_impair_direction way = {MILLISECOND_EACH, .discipline = NST_QUEUE_CODEL,
                                             .queue = 100000};
    struct rig r;
    begin(&r, &way);
    feed(&r, 200, NST_MSEC / 2, 0); /* 100 ms: the interval is not over */
    assert_int_equal(stats(&r).managed, 0);
    feed(&r, 200, NST_MSEC / 2, 0);
    const uint64_t first = stats(&r).managed;
    assert_in_range(first, 1, 3);
    feed(&r, 2000, NST_MSEC / 2, 0);
    const uint64_t later = stats(&r).managed;
    /* After a second of dropping, count is about (1 s / (2 * 100 ms))^2 = 25. */
    assert_in_range(later, 15, 40);
    end(&r);
}

static void codel_marks_what_can_be_marked(void **state)
{
    const struct nst_impair_direction way = {MILLISECOND_EACH, .discipline = NST_QUEUE_CODEL,
                                             .queue = 100000, .ecn = true};
    struct rig r;
    begin(&r, &way);
    feed(&r, 2000, NST_MSEC / 2, IP_ECN_ECT0);
    assert_int_equal(stats(&r).managed, 0);
    assert_true(stats(&r).marked > 10);
    end(&r);
    begin(&r, &way);
    feed(&r, 2000, NST_MSEC / 2, IP_ECN_NOT_ECT);
    assert_true(stats(&r).managed > 10);
    assert_int_equal(stats(&r).marked, 0);
    end(&r);
}

static void fair_queues_take_turns(void **state)
{
    const struct nst_impair_direction way = {MILLISECOND_EACH, .discipline = NST_QUEUE_FQ};
    struct rig r;
    begin(&r, &way);
    for (uint16_t i = 0; i < 20; i++)
        put(&r, packet(&r, 1, i, 1500, 0));
    for (uint16_t i = 0; i < 4; i++)
        put(&r, packet(&r, 2, (uint16_t)(100 + i), 1500, 0));
    uint32_t of_second = 0, at = 0, last_of_second = 0;
    struct nst_pkt *p;
    while ((p = arrive(&r)) != NULL) {
        at++;
        if (be16_get(p->data + 4) >= 100) {
            assert_int_equal(be16_get(p->data + 4), 100 + of_second);
            of_second++;
            last_of_second = at;
        }
        nst_pkt_free(p);
    }
    assert_int_equal(at, 24);
    assert_int_equal(of_second, 4);
    assert_true(last_of_second <= 10); /* not behind the 20 that came before */
    end(&r);
}

static void the_longest_flow_pays_for_a_full_fair_queue(void **state)
{
    const struct nst_impair_direction way = {MILLISECOND_EACH, .discipline = NST_QUEUE_FQ_CODEL,
                                             .queue = 10};
    struct rig r;
    begin(&r, &way);
    for (uint16_t i = 0; i < 40; i++)
        put(&r, packet(&r, 1, i, 1000, 0));
    for (uint16_t i = 0; i < 3; i++)
        put(&r, packet(&r, 2, (uint16_t)(100 + i), 1000, 0));
    uint32_t of_second = 0;
    struct nst_pkt *p;
    while ((p = arrive(&r)) != NULL) {
        of_second += be16_get(p->data + 4) >= 100;
        nst_pkt_free(p);
    }
    assert_int_equal(of_second, 3);
    assert_int_equal(stats(&r).overflowed, 43 - 11);
    end(&r);
}

static void every_packet_of_fq_codel_is_accounted_for(void **state)
{
    const struct nst_impair_direction way = {MILLISECOND_EACH, .discipline = NST_QUEUE_FQ_CODEL,
                                             .queue = 500, .delay = 3 * NST_MSEC};
    struct rig r;
    uint64_t arrived = 0;
    begin(&r, &way);
    for (uint16_t i = 0; i < 6000; i++) {
        put(&r, packet(&r, i % 7, i, 200 + i % 900, 0));
        r.now += 300 * NST_USEC;
    }
    struct nst_pkt *p;
    while ((p = arrive(&r)) != NULL) {
        arrived++;
        nst_pkt_free(p);
    }
    const struct nst_impair_stats s = stats(&r);
    assert_true(s.managed > 0);
    assert_int_equal(arrived, s.delivered);
    assert_int_equal(s.packets, s.delivered + s.managed + s.overflowed);
    assert_int_equal(s.waiting, 0);
    end(&r);
}

static void bursts_lose_many_in_a_row(void **state)
{
    const struct nst_impair_direction way = {.burst_begin_ppm = 10000, .burst_end_ppm = 100000};
    struct rig r;
    begin(&r, &way);
    feed(&r, 60000, NST_USEC, 0);
    /* 1/11 of the time, and 10 in a row: 5,454 of 60,000. */
    assert_in_range(stats(&r).lost, 4500, 6500);
    end(&r);
}

static void marks_keep_the_header_checksum_right(void **state)
{
    const struct nst_impair_direction way = {.mark_ppm = 1000000};
    struct rig r;
    begin(&r, &way);
    for (uint8_t ecn = 0; ecn < 4; ecn++) {
        put(&r, packet(&r, 1, 7, 100, (uint8_t)(0xb8 | ecn)));
        struct nst_pkt *p = arrive(&r);
        assert_true(ip4_csum_ok(p->data, IP4_HDR_LEN));
        assert_int_equal(p->data[1], ecn == 0 ? 0xb8 : 0xbb);
        nst_pkt_free(p);
    }
    assert_int_equal(stats(&r).marked, 3);
    struct nst_pkt *six = nst_pkt_new(r.pool, 0, IP6_HDR_LEN);
    const struct ip6_hdr ip6 = {.tclass = 0xb8 | IP_ECN_ECT1, .hop_limit = 1, .flow = 0x12345};
    struct ip6_hdr seen;
    ip6_build(nst_pkt_put(six, IP6_HDR_LEN), &ip6);
    put(&r, six);
    six = arrive(&r);
    assert_int_equal(ip6_parse(six->data, six->len, &seen), IP6_HDR_LEN);
    assert_int_equal(seen.tclass, 0xbb);
    assert_int_equal(seen.flow, 0x12345);
    nst_pkt_free(six);
    end(&r);
}

static void a_fifo_marks_what_finds_a_long_queue(void **state)
{
    const struct nst_impair_direction way = {MILLISECOND_EACH, .mark_from = 3};
    struct rig r;
    begin(&r, &way);
    feed(&r, 10, 0, IP_ECN_ECT0); /* one goes, 3 wait, 6 find them */
    assert_int_equal(stats(&r).marked, 6);
    end(&r);
}

static void what_waits_can_be_cleared(void **state)
{
    for (unsigned d = NST_QUEUE_FIFO; d <= NST_QUEUE_FQ_CODEL; d++) {
        const struct nst_impair_direction way = {MILLISECOND_EACH, .discipline = (uint8_t)d,
                                                 .delay = NST_SEC};
        struct rig r;
        begin(&r, &way);
        feed(&r, 50, NST_MSEC / 10, 0);
        nst_line_clear(r.line);
        assert_int_equal(r.pool->packets_alive, 0);
        assert_true(nst_line_next_deadline(r.line) == NST_TIME_NEVER);
        feed(&r, 5, NST_MSEC, 0); /* and it goes on */
        assert_non_null(r.line);
        end(&r);
    }
}

static void a_config_that_makes_no_sense_is_refused(void **state)
{
    struct alloc alloc;
    struct nst_line *line;
    alloc_init(&alloc);
    const struct nst_line_config good = {.size = sizeof(good)};
    struct nst_line_config c = good;
    c.size--;
    assert_int_equal(nst_line_new(&alloc.allocator, &c, &line), -NST_EINVAL);
    c = good;
    c.impair.discipline = NST_QUEUE_FQ_CODEL + 1;
    assert_int_equal(nst_line_new(&alloc.allocator, &c, &line), -NST_EINVAL);
    c = good;
    c.impair.burst_end_ppm = 1000001;
    assert_int_equal(nst_line_new(&alloc.allocator, &c, &line), -NST_EINVAL);
    c = good;
    c.impair.delay = -1;
    assert_int_equal(nst_line_new(&alloc.allocator, &c, &line), -NST_EINVAL);
    c = good;
    c.impair.discipline = NST_QUEUE_FQ;
    for (uint64_t i = 1; i <= 2; i++) {
        alloc.fail_at = alloc.count + i;
        assert_int_equal(nst_line_new(&alloc.allocator, &c, &line), -NST_ENOMEM);
        assert_int_equal(alloc.live, 0);
    }
    nst_line_free(NULL);
}

TESTS({"CoDel leaves a short queue alone", codel_leaves_a_short_queue_alone},
      {"CoDel drops sooner and sooner", codel_drops_sooner_and_sooner},
      {"CoDel marks what can be marked", codel_marks_what_can_be_marked},
      {"fair queues take turns", fair_queues_take_turns},
      {"the longest flow pays for a full fair queue", the_longest_flow_pays_for_a_full_fair_queue},
      {"every packet of FQ-CoDel is accounted for", every_packet_of_fq_codel_is_accounted_for},
      {"bursts lose many in a row", bursts_lose_many_in_a_row},
      {"marks keep the header checksum right", marks_keep_the_header_checksum_right},
      {"a FIFO marks what finds a long queue", a_fifo_marks_what_finds_a_long_queue},
      {"what waits can be cleared", what_waits_can_be_cleared},
      {"a config that makes no sense is refused", a_config_that_makes_no_sense_is_refused})
