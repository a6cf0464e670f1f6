/* SPDX-License-Identifier: Apache-2.0 */
/* Many connections, little memory: DESIGN decision 8. */
#include "testing.h"

#include "pair.h"

#define FLOWS     200
#define BYTES     40000u
#define BUDGET    (1u << 20)
#define PATIENCE  (1200 * NST_SEC)
#define READ_SIZE 5000

struct flow {
    nst_socket client, server;
    uint32_t sent, received;
    bool shut, over;
};

static struct pair p;
static struct flow flows[FLOWS];

static void check_budget(void)
{
    for (int i = 0; i < 2; i++) {
        struct nst_memory memory;
        nst_stack_get_memory(p.stack[i], &memory);
        assert_true(memory.peak <= memory.limit);
        assert_int_equal(memory.limit, BUDGET);
    }
}

static uint8_t byte_of(int flow, uint32_t i)
{
    return (uint8_t)((uint32_t)flow * 31 + i * 7 + i / 256);
}

/* The server knows whom it has from the first bytes: the number of the flow. */
static void write_some(int i)
{
    uint8_t bytes[3000];
    struct flow *f = &flows[i];
    while (f->sent < BYTES) {
        uint32_t n = BYTES - f->sent < sizeof(bytes) ? BYTES - f->sent : (uint32_t)sizeof(bytes);
        for (uint32_t k = 0; k < n; k++)
            bytes[k] = byte_of(i, f->sent + k);
        const int64_t done = nst_socket_send(p.stack[0], f->client, bytes, n, 0);
        if (done < 0) {
            assert_true(done == -NST_EAGAIN || done == -NST_ENOMEM || done == -NST_ENOTCONN);
            return;
        }
        f->sent += (uint32_t)done;
    }
    if (!f->shut && nst_socket_shutdown(p.stack[0], f->client, NST_SHUT_SEND) == 0)
        f->shut = true;
}

static void read_some(int i)
{
    uint8_t bytes[READ_SIZE];
    struct flow *f = &flows[i];
    int64_t n;
    while (!f->over && (n = nst_socket_recv(p.stack[1], f->server, bytes, sizeof(bytes), 0)) >= 0) {
        for (int64_t k = 0; k < n; k++)
            assert_int_equal(bytes[k], byte_of(i, f->received + (uint32_t)k));
        f->received += (uint32_t)n;
        f->over = n == 0;
    }
    if (!f->over)
        assert_int_equal(n, -NST_EAGAIN);
    else
        assert_int_equal(f->received, BYTES);
}

/* The flow of an accepted socket: by the client's port. */
static int flow_of(const struct nst_endpoint *peer)
{
    struct nst_endpoint local;
    for (int i = 0; i < FLOWS; i++) {
        if (flows[i].client != 0 &&
            nst_socket_get_local(p.stack[0], flows[i].client, &local) == 0 &&
            local.port == peer->port)
            return i;
    }
    fail_msg("nobody has port %u", peer->port);
    return -1;
}

static void accept_all(nst_socket listener)
{
    nst_socket s;
    struct nst_endpoint peer;
    while (nst_socket_accept(p.stack[1], listener, &s, &peer) == 0)
        flows[flow_of(&peer)].server = s;
}

/* Opens what there is memory for. */
static void connect_all(void)
{
    const struct nst_endpoint to = pair_endpoint(1, 80);
    for (int i = 0; i < FLOWS; i++) {
        struct flow *f = &flows[i];
        if (f->client != 0 || nst_socket_open(p.stack[0], NST_STREAM, &f->client) != 0)
            continue;
        if (nst_socket_connect(p.stack[0], f->client, &to) != -NST_EINPROGRESS) {
            nst_socket_close(p.stack[0], f->client);
            f->client = 0;
        }
    }
}

static int finished(void)
{
    int n = 0;
    for (int i = 0; i < FLOWS; i++)
        n += flows[i].over;
    return n;
}

static void turn(nst_socket listener, bool reading)
{
    connect_all();
    accept_all(listener);
    for (int i = 0; i < FLOWS; i++) {
        if (flows[i].client != 0)
            write_some(i);
        if (reading && flows[i].server != 0)
            read_some(i);
    }
    check_budget();
}

/* reading: from the beginning; else only after everything that fits has been stuffed in. */
static void run_flows(const struct pair_config *config, bool reading)
{
    nst_socket listener;
    struct nst_memory before[2], after;
    const struct nst_endpoint at = pair_endpoint(1, 80);
    memset(flows, 0, sizeof(flows));
    pair_init(&p, config);
    for (int i = 0; i < 2; i++)
        nst_stack_get_memory(p.stack[i], &before[i]);
    assert_int_equal(nst_socket_open(p.stack[1], NST_STREAM, &listener), 0);
    assert_int_equal(nst_socket_bind(p.stack[1], listener, &at), 0);
    assert_int_equal(nst_socket_listen(p.stack[1], listener, FLOWS), 0);
    if (!reading) {
        const nst_time full = p.now + 30 * NST_SEC;
        do
            turn(listener, false);
        while (pair_step(&p, full));
    }
    const nst_time limit = p.now + PATIENCE;
    while (finished() < FLOWS) {
        turn(listener, true);
        if (!pair_step(&p, limit) && finished() < FLOWS) {
            turn(listener, true);
            if (nst_stack_next_deadline(p.stack[0]) > limit &&
                nst_stack_next_deadline(p.stack[1]) > limit && finished() < FLOWS)
                fail_msg("only %d flows came to their end", finished());
        }
    }
    for (int i = 0; i < FLOWS; i++) {
        assert_int_equal(nst_socket_close(p.stack[0], flows[i].client), 0);
        assert_int_equal(nst_socket_close(p.stack[1], flows[i].server), 0);
    }
    assert_int_equal(nst_socket_close(p.stack[1], listener), 0);
    pair_run_until(&p, p.now + 300 * NST_SEC);
    check_budget();
    for (int i = 0; i < 2; i++) {
        struct nst_census census;
        nst_stack_get_census(p.stack[i], &census);
        assert_int_equal(census.alive, 0);
        assert_int_equal(census.blocks, 0);
        nst_stack_get_memory(p.stack[i], &after);
        /* Tables and slabs that are kept for the next connections. */
        assert_true(after.used <= before[i].used + BUDGET / 4);
    }
    pair_fini(&p);
}

static void at_once(void **state)
{
    const struct pair_config config = {.seed = 3, .memory_limit = BUDGET};
    run_flows(&config, true);
}

static void lossy(void **state)
{
    const struct pair_config config = {
        .seed = 4,
        .memory_limit = BUDGET,
        .impair = {.delay = 5 * NST_MSEC, .loss_ppm = 10000, .reorder_ppm = 10000}};
    run_flows(&config, true);
}

static void stuffed(void **state)
{
    const struct pair_config config = {
        .seed = 5, .memory_limit = BUDGET, .impair = {.delay = NST_MSEC}};
    run_flows(&config, false);
}

TESTS({"200 flows share 1 MiB: none is stuck, the budget is kept", at_once},
      {"the same with loss and reordering", lossy},
      {"the same when nobody reads until everything is full", stuffed})
