/* SPDX-License-Identifier: Apache-2.0 */
/* Two stacks on one clock: see pair.h. */
#include "pair.h"

#include "testing.h"

/* FNV-1a: order matters, and the same bytes give the same sum on every machine. */
static uint64_t digest_add(uint64_t digest, const void *data, size_t len)
{
    const uint8_t *b = data;
    for (size_t i = 0; i < len; i++)
        digest = (digest ^ b[i]) * 0x100000001b3u;
    return digest;
}

static void see(void *context, const struct nst_pkt *frame, bool outgoing)
{
    struct pair *p = context;
    uint8_t bytes[128]; /* headers: payload is compared by the test itself */
    if (!outgoing)
        return;
    uint32_t n = nst_pkt_copy_out(frame, 0, bytes, sizeof(bytes));
    p->digest = digest_add(p->digest, &frame->len, sizeof(frame->len));
    p->digest = digest_add(p->digest, &p->now, sizeof(p->now));
    p->digest = digest_add(p->digest, bytes, n);
    p->frames++;
}

static bool impairs(const struct nst_impair_direction *d)
{
    return d->delay != 0 || d->jitter != 0 || d->loss_ppm != 0 || d->duplicate_ppm != 0 ||
           d->corrupt_ppm != 0 || d->reorder_ppm != 0 || d->rate_bps != 0;
}

static void make_side(struct pair *p, int i, const struct pair_config *config)
{
    struct nst_stack_config stack = {.size = sizeof(stack),
                                     .allocator = p->heap.allocator,
                                     .memory_limit = config->memory_limit,
                                     .now = p->now};
    memset(stack.seed, 1 + i, sizeof(stack.seed));
    memcpy(stack.seed, &config->seed, sizeof(config->seed));
    assert_int_equal(nst_stack_new(&stack, &p->stack[i]), 0);
    struct nst_link *link = p->ends[i];
    if (impairs(&config->impair)) {
        const struct nst_impair_config impair = {
            .size = sizeof(impair), .seed = config->seed + (uint64_t)i, .tx = config->impair};
        link = p->impair[i] = nst_impair_new(&p->heap.allocator, link, &impair);
        assert_non_null(link);
    }
    link = p->sniffer[i] = nst_sniffer_new(&p->heap.allocator, link, see, p);
    assert_non_null(link);
    const struct nst_nic_config nic = {.size = sizeof(nic), .link = link};
    assert_int_equal(nst_nic_add(p->stack[i], &nic, &p->nic[i]), 0);
    const struct nst_nic_addr addr = {.addr = pair_endpoint(i, 0).addr, .prefix_len = 24};
    assert_int_equal(nst_nic_addr_add(p->stack[i], p->nic[i], &addr), 0);
}

void pair_init(struct pair *p, const struct pair_config *config)
{
    struct nst_pipe_config pipe = config->pipe;
    *p = (struct pair){.now = NST_SEC, .digest = 0xcbf29ce484222325u};
    heap_init(&p->heap);
    pipe.size = sizeof(pipe);
    pipe.addr[0] = (struct nst_mac){{2, 0, 0, 0, 0, 1}};
    pipe.addr[1] = (struct nst_mac){{2, 0, 0, 0, 0, 2}};
    assert_int_equal(nst_pipe_new(&p->heap.allocator, &pipe, p->ends), 0);
    for (int i = 0; i < 2; i++)
        make_side(p, i, config);
}

void pair_fini(struct pair *p)
{
    struct nst_census census;
    for (int i = 0; i < 2; i++) {
        nst_stack_get_census(p->stack[i], &census);
        assert_int_equal(census.received + census.built + census.cloned + census.split,
                         census.transmitted + census.queued + census.delivered + census.merged +
                             census.dropped);
        assert_int_equal(nst_nic_remove(p->stack[i], p->nic[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        nst_stack_free(p->stack[i]);
        nst_sniffer_free(p->sniffer[i]);
        nst_impair_free(p->impair[i]);
    }
    nst_pipe_free(p->ends);
    assert_int_equal(p->heap.live_blocks, 0);
    assert_int_equal(p->heap.live_bytes, 0);
}

void pair_settle(struct pair *p)
{
    for (int turn = 0; turn < 1000000; turn++) {
        nst_stack_run(p->stack[0], p->now, 0);
        nst_stack_run(p->stack[1], p->now, 0);
        if (nst_stack_next_deadline(p->stack[0]) > p->now &&
            nst_stack_next_deadline(p->stack[1]) > p->now)
            return;
    }
    fail_msg("the stacks do not come to rest");
}

bool pair_step(struct pair *p, nst_time limit)
{
    pair_settle(p);
    nst_time a = nst_stack_next_deadline(p->stack[0]), b = nst_stack_next_deadline(p->stack[1]);
    nst_time next = a < b ? a : b;
    if (next > limit)
        return false;
    p->now = next;
    pair_settle(p);
    return true;
}

void pair_run_until(struct pair *p, nst_time until)
{
    while (pair_step(p, until))
        ;
    p->now = until;
    pair_settle(p);
}

struct nst_endpoint pair_endpoint(int i, uint16_t port)
{
    return (struct nst_endpoint){.addr = nst_addr_v4(10, 0, 0, (uint8_t)(1 + i)), .port = port};
}

void pair_connect(struct pair *p, nst_socket *ret_client, nst_socket *ret_server)
{
    nst_socket listener;
    const struct nst_endpoint to = pair_endpoint(1, 80);
    assert_int_equal(nst_socket_open(p->stack[1], NST_STREAM, &listener), 0);
    assert_int_equal(nst_socket_bind(p->stack[1], listener, &to), 0);
    assert_int_equal(nst_socket_listen(p->stack[1], listener, 8), 0);
    assert_int_equal(nst_socket_open(p->stack[0], NST_STREAM, ret_client), 0);
    assert_int_equal(nst_socket_connect(p->stack[0], *ret_client, &to), -NST_EINPROGRESS);
    const nst_time limit = p->now + 300 * NST_SEC;
    while (nst_socket_accept(p->stack[1], listener, ret_server, NULL) == -NST_EAGAIN)
        assert_true(pair_step(p, limit));
    assert_int_equal(nst_socket_close(p->stack[1], listener), 0);
}
