/* SPDX-License-Identifier: Apache-2.0 */
/* Many connections that want more memory than there is: all get on, on what the stack tells them
 * alone (no socket is looked at that was not listed as ready). */
#include "testing.h"

#include "world.h"

#define FLOWS_MAX 2000
#define CHUNK     16384

/* One end of a connection: sends `total` bytes and its FIN, and reads to the peer's. */
struct end {
    nst_socket s;
    uint32_t number; /* of the connection: its pattern */
    uint64_t sent, received;
    bool shut, ended;
};

struct crowd {
    struct world w;
    struct end ends[2][FLOWS_MAX];
    uint32_t count, accepted, done;
    uint64_t total; /* bytes each way of each connection */
};

static uint8_t byte_at(uint32_t number, int side, uint64_t i)
{
    return (uint8_t)((i + number * 7919u + (uint32_t)side) * 0x9e3779b97f4a7c15u >> 56);
}

static void send_some(struct crowd *c, int side, struct end *e)
{
    static uint8_t data[CHUNK];
    while (e->sent < c->total) {
        const uint64_t left = c->total - e->sent;
        const size_t n = left < CHUNK ? (size_t)left : CHUNK;
        for (size_t i = 0; i < n; i++)
            data[i] = byte_at(e->number, side, e->sent + i);
        const int64_t r = nst_socket_send(c->w.hosts[side].stack, e->s, data, n, 0);
        if (r == -NST_EAGAIN)
            return;
        assert_true(r > 0);
        e->sent += (uint64_t)r;
    }
    if (!e->shut)
        assert_int_equal(nst_socket_shutdown(c->w.hosts[side].stack, e->s, NST_SHUT_SEND), 0);
    e->shut = true;
}

static void receive_some(struct crowd *c, int side, struct end *e)
{
    static uint8_t data[CHUNK];
    while (!e->ended) {
        const int64_t r = nst_socket_recv(c->w.hosts[side].stack, e->s, data, sizeof(data), 0);
        if (r == -NST_EAGAIN)
            return;
        assert_true(r >= 0);
        for (int64_t i = 0; i < r; i++)
            assert_int_equal(data[i], byte_at(e->number, 1 - side, e->received + (uint64_t)i));
        e->received += (uint64_t)r;
        e->ended = r == 0;
        c->done += e->ended;
        if (e->ended)
            assert_int_equal(e->received, c->total);
    }
}

/* The connection's number is its client's port. */
static void take_children(struct crowd *c, nst_socket listener)
{
    nst_socket s;
    struct nst_endpoint peer;
    while (nst_socket_accept(c->w.hosts[1].stack, listener, &s, &peer) == 0) {
        struct end *e = &c->ends[1][c->accepted++];
        *e = (struct end){.s = s, .number = peer.port};
        nst_socket_watch(c->w.hosts[1].stack, s, NST_READY_IN | NST_READY_OUT, e);
    }
}

static bool serve(struct crowd *c, int side)
{
    struct nst_ready ready[64];
    const int n = nst_ready_list(c->w.hosts[side].stack, ready, 64);
    for (int i = 0; i < n; i++) {
        struct end *e = ready[i].context;
        if (e == NULL) {
            take_children(c, ready[i].socket);
            continue;
        }
        assert_int_equal(ready[i].events & NST_READY_ERROR, 0);
        if ((ready[i].events & NST_READY_OUT) != 0)
            send_some(c, side, e);
        receive_some(c, side, e);
    }
    return n > 0;
}

static void check_budget(const struct crowd *c)
{
    for (int i = 0; i < 2; i++) {
        struct nst_memory m;
        nst_stack_get_memory(c->w.hosts[i].stack, &m);
        assert_true(m.peak <= m.limit);
    }
}

static void open_listener(struct crowd *c)
{
    const nst_socket listener = world_listen(&c->w, 1, 80, FLOWS_MAX);
    nst_socket_watch(c->w.hosts[1].stack, listener, NST_READY_IN, NULL);
}

static void open_clients(struct crowd *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        struct end *e = &c->ends[0][i];
        const struct nst_endpoint to = world_endpoint(1, 80);
        struct nst_endpoint local;
        assert_int_equal(nst_socket_open(c->w.hosts[0].stack, NST_STREAM, &e->s), 0);
        assert_int_equal(nst_socket_connect(c->w.hosts[0].stack, e->s, &to), -NST_EINPROGRESS);
        assert_int_equal(nst_socket_get_local(c->w.hosts[0].stack, e->s, &local), 0);
        e->number = local.port;
        nst_socket_watch(c->w.hosts[0].stack, e->s, NST_READY_IN | NST_READY_OUT, e);
    }
}

/* Runs until `done` ends have seen everything; fails when nothing is done for a minute. */
static void run_until_done(struct crowd *c, uint32_t done)
{
    uint32_t before = c->done;
    nst_time moved = c->w.now;
    while (c->done < done) {
        bool any = serve(c, 0);
        any = serve(c, 1) || any;
        if (c->done != before) {
            before = c->done;
            moved = c->w.now;
        }
        if (!any && !world_step(&c->w, moved + 60 * NST_SEC))
            fail_msg("stuck: %u of %u ends are done", c->done, done);
        world_run(&c->w);
    }
}

static void run_crowd(const struct world_config *config, uint32_t count, uint64_t total)
{
    static struct crowd c;
    c = (struct crowd){.count = count, .total = total};
    world_init_pair(&c.w, config);
    const nst_time begun = c.w.now;
    open_listener(&c);
    open_clients(&c);
    run_until_done(&c, 2 * count);
    check_budget(&c);
    struct nst_memory m;
    nst_stack_get_memory(c.w.hosts[0].stack, &m);
    for (int i = 0; i < 2; i++) {
        uint64_t drops;
        nst_stack_counter_get(c.w.hosts[i].stack, "drop_tx_no_buffer", &drops);
        assert_int_equal(drops, 0);
    }
    print_message("%u connections, %u KiB each way: %.2f s of virtual time, peak %u KiB\n", count,
                  (unsigned)(total >> 10), (double)(c.w.now - begun) / 1e9,
                  (unsigned)(m.peak >> 10));
    world_fini(&c.w);
}

static void many_in_4_mib(void **state)
{
    const struct world_config config = {.bare_ip = true, .stack.memory_limit = 4u << 20};
    run_crowd(&config, 500, 65536);
}

static void more_in_4_mib(void **state)
{
    const struct world_config config = {.bare_ip = true, .stack.memory_limit = 4u << 20};
    run_crowd(&config, 1000, 16384);
}

static void few_in_1_mib(void **state)
{
    const struct world_config config = {.bare_ip = true, .stack.memory_limit = 1u << 20};
    run_crowd(&config, 200, 65536);
}

static void with_loss(void **state)
{
    const struct nst_impair_direction d = {
        .delay = 5 * NST_MSEC, .loss_ppm = 10000, .reorder_ppm = 10000};
    const struct world_config config = {
        .bare_ip = true, .stack.memory_limit = 2u << 20, .impair = {d, d}, .impair_seed = 4};
    run_crowd(&config, 100, 65536);
}

static void narrow_pipe(void **state)
{
    const struct world_config config = {.bare_ip = true, .limit = 16};
    run_crowd(&config, 2000, 8192);
}

TESTS({"2,000 connections through a narrow pipe overflow no queue", narrow_pipe},
      {"500 connections share 4 MiB, and all get on", many_in_4_mib},
      {"1,000 connections share 4 MiB, and all get on", more_in_4_mib},
      {"200 connections share 1 MiB, and all get on", few_in_1_mib},
      {"100 connections share 2 MiB over a path that loses and reorders", with_loss})
