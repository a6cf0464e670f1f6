/* SPDX-License-Identifier: Apache-2.0 */
/* Impairment of single packets, on a virtual clock. What is sent through the impaired end of a pipe
 * arrives at the other. */
#include "top.h"

struct rig {
    struct alloc alloc;
    struct nst_link *ends[2], *impair;
    struct top top[2]; /* 0 is above the impairment */
    nst_time now;
};

static void rig_init(struct rig *r, uint64_t seed, const struct nst_impair_direction *tx,
                     const struct nst_impair_direction *rx, uint32_t limit)
{
    const struct nst_pipe_config pipe = {.size = sizeof(pipe),
                                         .limit = limit != 0 ? limit : 1 << 20,
                                         .mtu = 65535,
                                         .caps = NST_LINK_TSO4 | NST_LINK_CSUM_TX};
    struct nst_impair_config config = {.size = sizeof(config), .seed = seed};
    if (tx != NULL)
        config.tx = *tx;
    if (rx != NULL)
        config.rx = *rx;
    *r = (struct rig){.now = NST_SEC};
    alloc_init(&r->alloc);
    assert_int_equal(nst_pipe_new(&r->alloc.allocator, &pipe, r->ends), 0);
    r->impair = nst_impair_new(&r->alloc.allocator, r->ends[0], &config);
    assert_non_null(r->impair);
    for (int i = 0; i < 2; i++)
        top_init(&r->top[i], 256 << 20);
    top_attach(&r->top[0], r->impair);
    top_attach(&r->top[1], r->ends[1]);
    top_run(&r->top[0], r->now);
}

static void rig_fini(struct rig *r)
{
    top_detach(&r->top[0]);
    top_detach(&r->top[1]);
    nst_impair_free(r->impair);
    nst_pipe_free(r->ends);
    assert_int_equal(r->alloc.live_bytes, 0);
    for (int i = 0; i < 2; i++) {
        top_forget(&r->top[i].got);
        top_forget(&r->top[i].txq);
    }
    top_fini(&r->top[0]);
    top_fini(&r->top[1]);
}

/* Moves the clock to the next deadline. False: there is none. */
static bool step(struct rig *r)
{
    nst_time next = top_deadline(&r->top[0]);
    if (next == NST_TIME_NEVER)
        return false;
    r->now = next > r->now ? next : r->now;
    top_run(&r->top[0], r->now);
    top_run(&r->top[1], r->now);
    return true;
}

static struct nst_impair_stats tx_stats(struct rig *r)
{
    struct nst_impair_stats tx, rx;
    nst_impair_get_stats(r->impair, &tx, &rx);
    return tx;
}

static void without_impairment_nothing_changes(void **state)
{
    struct rig r;
    rig_init(&r, 1, NULL, NULL, 0);
    top_send(&r.top[0], 0, 100, 1000);
    top_run(&r.top[1], r.now);
    top_expect_range(&r.top[1], 0, 100);
    top_send(&r.top[1], 0, 100, 1000);
    top_run(&r.top[0], r.now);
    top_expect_range(&r.top[0], 0, 100);
    assert_int_equal(tx_stats(&r).packets, 100);
    rig_fini(&r);
}

/* Sends n packets; gives how many arrived, and the sum over their numbers and places. */
static uint32_t send_many(struct rig *r, uint32_t n, uint64_t *ret_digest)
{
    uint64_t digest = 1;
    uint32_t count = 0;
    for (uint32_t i = 0; i < n; i += 100) {
        top_send(&r->top[0], i, 100, 40);
        r->now += NST_MSEC;
        top_run(&r->top[0], r->now);
    }
    while (step(r))
        ;
    top_run(&r->top[1], r->now);
    struct nst_pkt *p;
    while ((p = nst_pktq_pop(&r->top[1].got)) != NULL) {
        uint32_t number;
        nst_pkt_copy_out(p, 0, (uint8_t *)&number, sizeof(number));
        digest = (digest ^ number) * 0x100000001b3u;
        nst_pkt_free(p);
        count++;
    }
    *ret_digest = digest;
    return count;
}

/* Five standard deviations of `n` draws at `ppm`. */
static void assert_share(uint64_t value, uint32_t n, uint32_t ppm)
{
    double mean = (double)n * ppm / 1e6;
    double spread = 5;
    double variance = mean * (1 - ppm / 1e6);
    while (spread * spread < 25 * variance)
        spread++;
    if ((double)value < mean - spread || (double)value > mean + spread)
        fail_msg("%llu of %u at %u ppm", (unsigned long long)value, (unsigned)n, (unsigned)ppm);
}

static void probabilities_are_kept(void **state)
{
    const struct nst_impair_direction tx = {.delay = 3 * NST_MSEC,
                                            .loss_ppm = 100000,
                                            .duplicate_ppm = 20000,
                                            .corrupt_ppm = 50000,
                                            .reorder_ppm = 1000};
    struct rig r;
    uint64_t digest;
    const uint32_t n = 100000;
    rig_init(&r, 42, &tx, NULL, 0);
    uint32_t arrived = send_many(&r, n, &digest);
    const struct nst_impair_stats s = tx_stats(&r);
    assert_int_equal(s.packets, n);
    assert_share(s.lost, n, 100000);
    assert_share(s.duplicated, n - (uint32_t)s.lost, 20000);
    assert_share(s.corrupted, n - (uint32_t)s.lost, 50000);
    assert_share(s.reordered, arrived, 1000);
    assert_int_equal(s.overflowed, 0);
    assert_int_equal(arrived, n - s.lost + s.duplicated);
    rig_fini(&r);
}

static uint64_t digest_of_seed(uint64_t seed, uint32_t *ret_arrived)
{
    const struct nst_impair_direction tx = {.delay = 2 * NST_MSEC,
                                            .jitter = 2 * NST_MSEC,
                                            .loss_ppm = 50000,
                                            .duplicate_ppm = 50000,
                                            .reorder_ppm = 50000};
    struct rig r;
    uint64_t digest;
    rig_init(&r, seed, &tx, NULL, 0);
    *ret_arrived = send_many(&r, 5000, &digest);
    rig_fini(&r);
    return digest;
}

static void the_same_seed_has_the_same_fate(void **state)
{
    uint32_t first, second;
    for (uint64_t seed = 0; seed < 4; seed++) {
        assert_true(digest_of_seed(seed, &first) == digest_of_seed(seed, &second));
        assert_int_equal(first, second);
        assert_false(digest_of_seed(seed, &first) == digest_of_seed(seed + 1, &second));
    }
}

static void corruption_flips_one_bit(void **state)
{
    const struct nst_impair_direction tx = {.corrupt_ppm = 1000000};
    struct rig r;
    rig_init(&r, 9, &tx, NULL, 0);
    for (uint32_t i = 0; i < 50; i++) {
        struct nst_pkt *right = top_packet(&r.top[0], i, 4 + i * 20);
        top_send(&r.top[0], i, 1, 4 + i * 20);
        top_run(&r.top[1], r.now);
        struct nst_pkt *p = nst_pktq_pop(&r.top[1].got);
        uint32_t bits = 0;
        assert_non_null(p);
        assert_int_equal(p->len, right->len);
        for (uint32_t at = 0; at < p->len; at++)
            bits += (uint32_t)__builtin_popcount(p->data[at] ^ right->data[at]);
        assert_int_equal(bits, 1);
        nst_pkt_free(p);
        nst_pkt_free(right);
    }
    rig_fini(&r);
}

/* A checksum that is left to complete would hide the flipped bit. */
static void corruption_completes_the_checksum_first(void **state)
{
    const struct nst_impair_direction tx = {.corrupt_ppm = 1000000};
    struct rig r;
    rig_init(&r, 9, &tx, NULL, 0);
    struct nst_pkt *p = top_packet(&r.top[0], 1, 100);
    nst_pkt_request_csum(p, 20, 16);
    nst_pktq_push(&r.top[0].txq, p);
    top_flush(&r.top[0]);
    top_run(&r.top[1], r.now);
    assert_int_equal(r.top[1].got.first->csum, NST_CSUM_UNKNOWN);
    rig_fini(&r);
}

static void the_delay_is_exact(void **state)
{
    const struct nst_impair_direction tx = {.delay = 12345678};
    struct rig r;
    rig_init(&r, 1, &tx, NULL, 0);
    const nst_time sent = r.now;
    top_send(&r.top[0], 5, 1, 100);
    assert_true(top_deadline(&r.top[0]) == sent + 12345678);
    top_run(&r.top[0], sent + 12345677);
    top_run(&r.top[1], sent + 12345677);
    assert_true(nst_pktq_is_empty(&r.top[1].got));
    assert_true(step(&r));
    assert_true(r.now == sent + 12345678);
    top_expect_range(&r.top[1], 5, 1);
    assert_false(step(&r));
    rig_fini(&r);
}

static void jitter_stays_in_its_bounds(void **state)
{
    const struct nst_impair_direction tx = {.delay = 10 * NST_MSEC, .jitter = 3 * NST_MSEC};
    struct rig r;
    nst_time lowest = NST_TIME_NEVER, highest = 0;
    rig_init(&r, 1, &tx, NULL, 0);
    for (uint32_t i = 0; i < 2000; i++) {
        const nst_time sent = r.now;
        top_send(&r.top[0], i, 1, 100);
        assert_true(step(&r));
        top_expect_range(&r.top[1], i, 1);
        lowest = r.now - sent < lowest ? r.now - sent : lowest;
        highest = r.now - sent > highest ? r.now - sent : highest;
    }
    assert_in_range(lowest, 7 * NST_MSEC, 7 * NST_MSEC + 50 * NST_USEC);
    assert_in_range(highest, 13 * NST_MSEC - 50 * NST_USEC, 13 * NST_MSEC);
    rig_fini(&r);
}

static void a_reordered_packet_overtakes(void **state)
{
    const struct nst_impair_direction tx = {.delay = NST_SEC, .reorder_ppm = 1000000};
    struct rig r;
    rig_init(&r, 1, &tx, NULL, 0);
    top_send(&r.top[0], 1, 3, 100);
    top_run(&r.top[1], r.now);
    top_expect_range(&r.top[1], 1, 3);
    assert_int_equal(tx_stats(&r).reordered, 3);
    rig_fini(&r);
}

/* 7 Mbit/s and 1,500 bytes: 1,714,285.714... ns each. No rounding may add up. */
static void the_rate_is_exact_to_the_nanosecond(void **state)
{
    const struct nst_impair_direction tx = {.rate_bps = 7000000, .queue = 100000};
    struct rig r;
    rig_init(&r, 1, &tx, NULL, 0);
    const nst_time begun = r.now;
    top_send(&r.top[0], 0, 7000, 1500);
    for (uint64_t i = 0; i < 7000; i++) {
        assert_true(step(&r));
        top_expect_range(&r.top[1], (uint32_t)i, 1);
        assert_true(r.now - begun == (nst_time)((i + 1) * 12000 * 1000 / 7));
    }
    assert_true(r.now - begun == 12 * NST_SEC);
    /* Idle time is not saved up. */
    r.now += NST_SEC;
    top_run(&r.top[0], r.now);
    top_send(&r.top[0], 1, 2, 1500);
    assert_true(top_deadline(&r.top[0]) == r.now + 1714285);
    rig_fini(&r);
}

static void the_queue_overflows_at_its_limit(void **state)
{
    const struct nst_impair_direction tx = {.rate_bps = 8000000, .queue = 5, .delay = NST_SEC};
    struct rig r;
    rig_init(&r, 1, &tx, NULL, 0);
    /* One is sent, 5 wait, whatever their size; the delay holds no place. */
    top_send(&r.top[0], 0, 1, 1000);
    top_send(&r.top[0], 1, 8, 500);
    assert_int_equal(tx_stats(&r).overflowed, 3);
    /* After 1 ms the first is out and the second is sent: a place is free. */
    r.now += NST_MSEC - 1;
    top_run(&r.top[0], r.now);
    top_send(&r.top[0], 100, 1, 500);
    assert_int_equal(tx_stats(&r).overflowed, 4);
    r.now += 1;
    top_run(&r.top[0], r.now);
    top_send(&r.top[0], 6, 2, 500);
    assert_int_equal(tx_stats(&r).overflowed, 5);
    while (step(&r))
        ;
    top_expect_range(&r.top[1], 0, 7);
    rig_fini(&r);
}

static void nobody_waits_longer_than_the_latency(void **state)
{
    /* 100 bytes take 100 us: the first goes, and those that would wait up to 450 us. */
    const struct nst_impair_direction tx = {.rate_bps = 8000000, .latency = 450 * NST_USEC};
    struct rig r;
    rig_init(&r, 1, &tx, NULL, 0);
    top_send(&r.top[0], 0, 20, 100);
    assert_int_equal(tx_stats(&r).overflowed, 15);
    while (step(&r))
        ;
    top_expect_range(&r.top[1], 0, 5);
    /* What finds the line free goes, however long it takes itself. */
    r.now += NST_SEC;
    top_run(&r.top[0], r.now);
    top_send(&r.top[0], 5, 1, 60000);
    while (step(&r))
        ;
    top_expect_range(&r.top[1], 5, 1);
    rig_fini(&r);
}

static void what_is_received_is_delayed_from_the_next_run(void **state)
{
    const struct nst_impair_direction rx = {.delay = 5 * NST_MSEC};
    struct rig r;
    rig_init(&r, 1, NULL, &rx, 0);
    /* A driver delivers between two runs, long after the last. */
    struct nst_pktq q = {0};
    nst_pktq_push(&q, top_packet(&r.top[0], 4, 100));
    nst_link_deliver(r.ends[0], &q);
    assert_true(top_deadline(&r.top[0]) <= 0);
    r.now += 10 * NST_SEC;
    top_run(&r.top[0], r.now);
    assert_true(nst_pktq_is_empty(&r.top[0].got));
    assert_true(top_deadline(&r.top[0]) == r.now + 5 * NST_MSEC);
    assert_true(step(&r));
    top_expect_range(&r.top[0], 4, 1);
    /* What comes through the pipe does so in the run itself. */
    top_send(&r.top[1], 8, 1, 100);
    top_run(&r.top[0], r.now);
    assert_true(top_deadline(&r.top[0]) == r.now + 5 * NST_MSEC);
    rig_fini(&r);
}

static void a_full_lower_link_holds_the_nic_back(void **state)
{
    struct rig r;
    rig_init(&r, 1, NULL, NULL, 4);
    top_send(&r.top[0], 0, 6, 100);
    assert_true(r.impair->tx_blocked);
    for (uint32_t i = 6; i < 100; i++)
        top_send(&r.top[0], i, 1, 100); /* stay in the NIC's queue */
    assert_int_equal(r.top[0].txq.count, 94);
    for (int i = 0; i < 50; i++) {
        top_run(&r.top[1], r.now);
        top_flush(&r.top[0]);
    }
    top_expect_range(&r.top[1], 0, 100);
    rig_fini(&r);
}

static void large_segments_are_not_offered(void **state)
{
    struct rig r;
    rig_init(&r, 1, NULL, NULL, 0);
    assert_int_equal(r.impair->caps, NST_LINK_CSUM_TX);
    assert_int_equal(r.impair->gso_max, 0);
    rig_fini(&r);
}

static void every_failing_allocation_is_survived(void **state)
{
    const struct nst_impair_config config = {
        .size = sizeof(config), .tx.rate_bps = 1000000, .rx.rate_bps = 1};
    const struct nst_pipe_config pipe = {.size = sizeof(pipe)};
    struct alloc alloc;
    struct nst_link *ends[2];
    alloc_init(&alloc);
    assert_int_equal(nst_pipe_new(&alloc.allocator, &pipe, ends), 0);
    for (uint64_t i = 1; i <= 3; i++) {
        alloc.fail_at = alloc.count + i;
        assert_null(nst_impair_new(&alloc.allocator, ends[0], &config));
        assert_int_equal(alloc.live, 1);
    }
    struct nst_impair_config wrong = config;
    wrong.size = 3;
    assert_null(nst_impair_new(&alloc.allocator, ends[0], &wrong));
    nst_impair_free(NULL);
    nst_pipe_free(ends);
    assert_int_equal(alloc.live, 0);
}

static void without_memory_to_wait_in_it_is_an_overflow(void **state)
{
    const struct nst_impair_direction tx = {.delay = NST_SEC};
    struct rig r;
    rig_init(&r, 1, &tx, NULL, 0);
    r.alloc.fail_at = r.alloc.count + 1;
    top_send(&r.top[0], 0, 2, 100);
    assert_int_equal(tx_stats(&r).overflowed, 1);
    assert_true(step(&r));
    top_expect_range(&r.top[1], 1, 1);
    rig_fini(&r);
}

TESTS({"without impairment nothing changes", without_impairment_nothing_changes},
      {"loss, duplicates, corruption and reordering come as often as asked for",
       probabilities_are_kept},
      {"the same seed has the same fate, the next another", the_same_seed_has_the_same_fate},
      {"corruption flips one bit of a copy", corruption_flips_one_bit},
      {"corruption completes the checksum first", corruption_completes_the_checksum_first},
      {"the delay is exact to the nanosecond", the_delay_is_exact},
      {"jitter fills its bounds and stays in them", jitter_stays_in_its_bounds},
      {"a reordered packet skips the delay", a_reordered_packet_overtakes},
      {"the rate is exact to the nanosecond over 7,000 packets",
       the_rate_is_exact_to_the_nanosecond},
      {"the queue overflows at its limit of packets", the_queue_overflows_at_its_limit},
      {"what would wait longer than the latency is dropped", nobody_waits_longer_than_the_latency},
      {"what is received between runs is delayed from the next run",
       what_is_received_is_delayed_from_the_next_run},
      {"a full lower link holds the NIC back", a_full_lower_link_holds_the_nic_back},
      {"large segments are not offered", large_segments_are_not_offered},
      {"every failing allocation of its making is survived", every_failing_allocation_is_survived},
      {"a packet without memory to wait in counts as overflow",
       without_memory_to_wait_in_it_is_an_overflow})
