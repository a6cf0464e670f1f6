/* SPDX-License-Identifier: Apache-2.0 */
/* Two stacks over a pipe, with and without impairment: whole connections on a virtual clock. */
#include "testing.h"

#include "tcp_pair.h"

/* Moves `total` bytes and closes; nothing may stall. Gives the fingerprint of all frames, and how
 * long it took. */
static uint64_t transfer(const struct world_config *config, uint64_t total, nst_time *ret_took)
{
    struct tcp_pair p;
    struct tcp_flow flow = {.from = 0, .total = total, .shut = true};
    tcp_pair_init(&p, config);
    tcp_pair_connect(&p);
    nst_time begun = p.w.now;
    if (!tcp_pair_transfer(&p, &flow, NULL, NST_TIME_NEVER - begun))
        fail_msg("stalled after %llu bytes", (unsigned long long)flow.received);
    assert_int_equal(flow.received, total);
    *ret_took = p.w.now - begun;
    assert_int_equal(nst_socket_close(p.w.hosts[1].stack, p.s[1]), 0);
    assert_int_equal(nst_socket_close(p.w.hosts[0].stack, p.s[0]), 0);
    world_run_for(&p.w, 300 * NST_SEC);
    for (int i = 0; i < 2; i++)
        assert_int_equal(nst_nic_remove(p.w.hosts[i].stack, p.w.hosts[i].nic), 0);
    uint64_t fingerprint = p.w.fingerprint;
    tcp_pair_fini(&p);
    return fingerprint;
}

static void carries_a_stream(void **state)
{
    const struct world_config config = {.bare_ip = true};
    nst_time took;
    transfer(&config, 2 << 20, &took);
}

static void carries_a_stream_over_ethernet(void **state)
{
    const struct world_config config = {.bare_ip = false};
    nst_time took;
    transfer(&config, 1 << 20, &took);
}

static void carries_large_segments(void **state)
{
    const struct world_config config = {
        .bare_ip = true, .mtu = 65535, .caps = NST_LINK_CSUM_TX | NST_LINK_TSO4};
    nst_time took;
    transfer(&config, 8 << 20, &took);
}

static void blocks_and_goes_on_when_the_other_end_is_slow(void **state)
{
    const struct world_config config = {.bare_ip = true, .limit = 4};
    nst_time took;
    transfer(&config, 1 << 20, &took);
}

static void survives_loss_and_reordering_the_same_way_twice(void **state)
{
    const struct nst_impair_direction d = {
        .delay = 5 * NST_MSEC, .jitter = NST_MSEC / 2, .loss_ppm = 10000, .reorder_ppm = 10000};
    const struct world_config config = {
        .bare_ip = true, .impair = {d, d}, .impair_seed = 5, .fingerprint = true};
    nst_time first, second;
    uint64_t fingerprint = transfer(&config, 100u << 20, &first);
    assert_true(transfer(&config, 100u << 20, &second) == fingerprint);
    assert_true(first == second);
    print_message("100 MiB at 1 %% loss and reordering, 10 ms round trip: %.1f s of virtual time\n",
                  (double)first / 1e9);
}

static void survives_corruption_and_duplicates(void **state)
{
    const struct nst_impair_direction d = {
        .delay = NST_MSEC, .corrupt_ppm = 5000, .duplicate_ppm = 5000};
    const struct world_config config = {.bare_ip = true, .impair = {d, d}, .impair_seed = 6};
    nst_time took;
    transfer(&config, 2 << 20, &took);
}

TESTS({"a pipe carries a stream", carries_a_stream},
      {"a pipe of Ethernet frames carries a stream", carries_a_stream_over_ethernet},
      {"a pipe with segmentation carries 64 KiB segments", carries_large_segments},
      {"a full pipe blocks, and goes on when there is room",
       blocks_and_goes_on_when_the_other_end_is_slow},
      {"100 MiB survive 1 % loss and reordering, twice with identical packets",
       survives_loss_and_reordering_the_same_way_twice},
      {"a stream survives corruption and duplicates", survives_corruption_and_duplicates})
