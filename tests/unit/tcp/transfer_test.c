/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "tcp_pair.h"

static void handshake(void **state)
{
    struct tcp_pair p;
    tcp_pair_init(&p, NULL);
    tcp_pair_connect(&p);
    const struct nst_tcp_info a = tcp_pair_info(&p, 0), b = tcp_pair_info(&p, 1);
    assert_int_equal(a.state, NST_TCP_ESTABLISHED);
    assert_int_equal(b.state, NST_TCP_ESTABLISHED);
    assert_true(a.sack && a.timestamps && a.wscale && b.sack && b.timestamps && b.wscale);
    assert_int_equal(a.mss_snd, 1448);
    assert_int_equal(a.cwnd, 14480);
    tcp_pair_fini(&p);
}

static void both_ways(void **state)
{
    struct tcp_pair p;
    tcp_pair_init(&p, NULL);
    tcp_pair_connect(&p);
    struct tcp_flow a = {.from = 0, .total = 2000000}, b = {.from = 1, .total = 1500000};
    assert_true(tcp_pair_transfer(&p, &a, &b, 60 * NST_SEC));
    assert_int_equal(tcp_pair_info(&p, 0).retransmits, 0);
    assert_int_equal(tcp_pair_info(&p, 1).retransmits, 0);
    tcp_pair_fini(&p);
}

static void large_segments(void **state)
{
    struct tcp_pair p;
    const struct world_config config = {.bare_ip = true, .caps = NST_LINK_CSUM_TX | NST_LINK_TSO4};
    tcp_pair_init(&p, &config);
    tcp_pair_connect(&p);
    struct tcp_flow a = {.from = 0, .total = 5000000};
    assert_true(tcp_pair_transfer(&p, &a, NULL, 60 * NST_SEC));
    tcp_pair_fini(&p);
}

static void odd_sizes(void **state)
{
    struct tcp_pair p;
    tcp_pair_init(&p, NULL);
    tcp_pair_connect(&p);
    struct tcp_flow a = {.from = 0, .total = 60000, .chunk = 37};
    struct tcp_flow b = {.from = 1, .total = 100000, .chunk = 1461};
    assert_true(tcp_pair_transfer(&p, &a, &b, 600 * NST_SEC));
    tcp_pair_fini(&p);
}

struct run {
    uint64_t retransmits, timeouts;
};

static struct run lossy(uint64_t total, const struct nst_impair_direction *d, nst_time *ret_time)
{
    struct tcp_pair p;
    const struct world_config config = {
        .bare_ip = true, .limit = 4096, .impair = {*d, *d}, .impair_seed = 7};
    tcp_pair_init(&p, &config);
    tcp_pair_connect(&p);
    const nst_time begin = p.w.now;
    struct tcp_flow a = {.from = 0, .total = total};
    assert_true(tcp_pair_transfer(&p, &a, NULL, 36000 * NST_SEC));
    if (ret_time != NULL)
        *ret_time = p.w.now - begin;
    const struct run r = {tcp_pair_info(&p, 0).retransmits,
                          world_counter(p.w.hosts[0].stack, "tcp_timeouts")};
    print_message("%llu bytes in %.3f s, %llu retransmitted, %llu timeouts\n",
                  (unsigned long long)total, (double)(p.w.now - begin) / 1e9,
                  (unsigned long long)r.retransmits, (unsigned long long)r.timeouts);
    tcp_pair_fini(&p);
    return r;
}

static void lossy_and_reordered(void **state)
{
    const struct nst_impair_direction d = {.delay = 5 * NST_MSEC,
                                           .jitter = NST_MSEC,
                                           .loss_ppm = 10000,
                                           .reorder_ppm = 10000,
                                           .duplicate_ppm = 2000};
    /* About 1 % is lost: not much more than that is sent again, nor waited for. */
    nst_time time;
    const struct run r = lossy(10000000, &d, &time);
    assert_true(r.retransmits < 10000000 / 1448 * 3 / 100);
    assert_true(r.timeouts <= 1);
}

static void heavy_loss(void **state)
{
    const struct nst_impair_direction d = {.delay = 10 * NST_MSEC, .loss_ppm = 100000};
    lossy(300000, &d, NULL);
}

static void reordering(void **state)
{
    const struct nst_impair_direction d = {
        .delay = 2 * NST_MSEC, .reorder_ppm = 50000, .duplicate_ppm = 50000};
    const struct run r = lossy(3000000, &d, NULL);
    assert_int_equal(r.timeouts, 0);
}

static void corruption(void **state)
{
    const struct nst_impair_direction d = {.delay = NST_MSEC, .corrupt_ppm = 10000};
    lossy(1000000, &d, NULL);
}

static void narrow(void **state)
{
    const struct nst_impair_direction d = {
        .delay = 10 * NST_MSEC, .rate_bps = 10000000, .queue = 20};
    nst_time time;
    lossy(2000000, &d, &time);
    /* 1.6 s at full rate. */
    assert_true(time < 3 * NST_SEC);
}

static void failing_allocations(void **state)
{
    for (uint64_t n = 1; n <= 60; n++) {
        struct tcp_pair p;
        tcp_pair_init(&p, NULL);
        tcp_pair_connect(&p);
        for (int i = 0; i < 2; i++)
            p.w.hosts[i].alloc.fail_at = p.w.hosts[i].alloc.count + n;
        struct tcp_flow a = {.from = 0, .total = 200000}, b = {.from = 1, .total = 100000};
        assert_true(tcp_pair_transfer(&p, &a, &b, 600 * NST_SEC));
        tcp_pair_fini(&p);
    }
}

static void tight_memory(void **state)
{
    struct tcp_pair p;
    const struct world_config config = {
        .bare_ip = true,
        .impair[0] = {.delay = NST_MSEC, .loss_ppm = 10000},
        .stack = {.memory_limit = 600000},
    };
    tcp_pair_init(&p, &config);
    tcp_pair_connect(&p);
    struct tcp_flow a = {.from = 0, .total = 1000000}, b = {.from = 1, .total = 1000000};
    assert_true(tcp_pair_transfer(&p, &a, &b, 3600 * NST_SEC));
    tcp_pair_fini(&p);
}

TESTS({"any one allocation may fail during a transfer", failing_allocations},
      {"two streams share 600 KB with their packets", tight_memory},
      {"a handshake agrees on timestamps, SACK, window scale and MSS", handshake},
      {"bytes go both ways at once, and nothing is sent twice", both_ways},
      {"large segments go through a link that cuts", large_segments},
      {"writes of odd sizes arrive in order", odd_sizes},
      {"1 % loss with reordering costs little more than 1 %", lossy_and_reordered},
      {"10 % loss is survived", heavy_loss},
      {"reordering and duplicates alone lose nothing", reordering},
      {"corrupted segments are sent again", corruption}, {"a narrow link is filled", narrow})
