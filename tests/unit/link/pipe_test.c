/* SPDX-License-Identifier: Apache-2.0 */
/* Two stacks over a pipe, with and without impairment: whole connections on a virtual clock. */
#include "pair.h"
#include "testing.h"

#define CHUNK 65536

/* A prime: what is moved by a segment or a block looks wrong. */
#define PERIOD 65521u

/* The bytes from i on, CHUNK of them, of the stream that every transfer here sends. */
static const uint8_t *pattern(uint64_t i)
{
    static uint8_t bytes[PERIOD + CHUNK];
    if (bytes[0] == 0) {
        for (uint32_t k = 0; k < sizeof(bytes); k++)
            bytes[k] = (uint8_t)((k % PERIOD + 1) * 0x9e3779b97f4a7c15u >> 56);
    }
    return bytes + i % PERIOD;
}

static uint64_t send_some(struct pair *p, nst_socket s, uint64_t at, uint64_t total)
{
    while (at < total) {
        size_t n = total - at < CHUNK ? (size_t)(total - at) : CHUNK;
        int64_t r = nst_socket_send(p->stack[0], s, pattern(at), n, 0);
        if (r == -NST_EAGAIN)
            break;
        assert_true(r > 0);
        at += (uint64_t)r;
        if (at == total)
            assert_int_equal(nst_socket_shutdown(p->stack[0], s, NST_SHUT_SEND), 0);
    }
    return at;
}

static uint64_t receive_some(struct pair *p, nst_socket s, uint64_t at, bool *ret_ended)
{
    static uint8_t data[CHUNK];
    for (;;) {
        int64_t r = nst_socket_recv(p->stack[1], s, data, sizeof(data), 0);
        if (r == -NST_EAGAIN)
            return at;
        assert_true(r >= 0);
        if (r == 0) {
            *ret_ended = true;
            return at;
        }
        if (memcmp(data, pattern(at), (size_t)r) != 0)
            fail_msg("bytes behind %llu differ", (unsigned long long)at);
        at += (uint64_t)r;
    }
}

/* Moves `total` bytes; fails when nothing arrives for two minutes of virtual time. Gives the digest
 * of all frames. */
static uint64_t transfer(const struct pair_config *config, uint64_t total, nst_time *ret_took)
{
    struct pair p;
    nst_socket client, server;
    uint64_t sent = 0, received = 0;
    bool ended = false;
    pair_init(&p, config);
    pair_connect(&p, &client, &server);
    nst_time begun = p.now, last = p.now;
    while (!ended) {
        sent = send_some(&p, client, sent, total);
        uint64_t before = received;
        received = receive_some(&p, server, received, &ended);
        if (received != before)
            last = p.now;
        if (!ended && !pair_step(&p, last + 120 * NST_SEC))
            fail_msg("stalled after %llu bytes", (unsigned long long)received);
    }
    assert_int_equal(received, total);
    *ret_took = p.now - begun;
    assert_int_equal(nst_socket_close(p.stack[1], server), 0);
    assert_int_equal(nst_socket_close(p.stack[0], client), 0);
    pair_run_until(&p, p.now + 300 * NST_SEC);
    uint64_t digest = p.digest;
    pair_fini(&p);
    return digest;
}

static void carries_a_stream(void **state)
{
    const struct pair_config config = {.seed = 1, .pipe = {.mtu = 1500}};
    nst_time took;
    transfer(&config, 2 << 20, &took);
}

static void carries_a_stream_over_ethernet(void **state)
{
    const struct pair_config config = {.seed = 2, .pipe = {.mtu = 1500, .ethernet = true}};
    nst_time took;
    transfer(&config, 1 << 20, &took);
}

static void carries_large_segments(void **state)
{
    const struct pair_config config = {
        .seed = 3, .pipe = {.mtu = 65535, .caps = NST_LINK_CSUM_TX | NST_LINK_TSO4}};
    nst_time took;
    transfer(&config, 8 << 20, &took);
}

static void blocks_and_goes_on_when_the_other_end_is_slow(void **state)
{
    const struct pair_config config = {.seed = 4, .pipe = {.mtu = 1500, .limit = 4}};
    nst_time took;
    transfer(&config, 1 << 20, &took);
}

static void survives_loss_and_reordering_the_same_way_twice(void **state)
{
    const struct pair_config config = {.seed = 5,
                                       .pipe = {.mtu = 1500},
                                       .impair = {.delay = 5 * NST_MSEC,
                                                  .jitter = NST_MSEC / 2,
                                                  .loss_ppm = 10000,
                                                  .reorder_ppm = 10000}};
    nst_time first, second;
    uint64_t digest = transfer(&config, 100u << 20, &first);
    assert_true(transfer(&config, 100u << 20, &second) == digest);
    assert_true(first == second);
    print_message("100 MiB at 1 %% loss and reordering, 10 ms round trip: %.1f s of virtual time\n",
                  (double)first / 1e9);
}

static void survives_corruption_and_duplicates(void **state)
{
    const struct pair_config config = {
        .seed = 6,
        .pipe = {.mtu = 1500},
        .impair = {.delay = NST_MSEC, .corrupt_ppm = 5000, .duplicate_ppm = 5000}};
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
