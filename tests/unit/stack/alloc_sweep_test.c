/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The n-th allocation fails, for every n, over whole scenarios of two stacks on a pipe. When it
 * alone fails, every call that said so succeeds when it is repeated, and the scenario goes through
 * to its end: what was lost is sent again. When all later ones fail too, the scenario may end early
 * but only as documented. Either way nothing crashes and every byte comes back.
 */
#include "testing.h"

#include <nicstack/forwarder.h>

#include "world.h"

#define GAVE_UP       1 /* a scenario's end without success: only when there is no memory at all */
#define PATIENCE      (200 * NST_SEC)
#define STREAM_BYTES  60000u
#define SWEEP_ENOUGH  100000
#define NOT_CONNECTED ((nst_socket)0)

struct sweep {
    struct world w;     /* whatever of it could be made */
    struct alloc alloc; /* of all */
    bool open;          /* host 1 takes everything */
};

typedef int scenario(struct sweep *s);

/* Repeats a call once that had no memory, and returns with any other error or a second one. */
#define TRY(call)                     \
    do {                              \
        int64_t try_error = (call);   \
        if (try_error == -NST_ENOMEM) \
            try_error = (call);       \
        if (try_error < 0)            \
            return (int)try_error;    \
    } while (0)

/* ---- Two hosts ---- */

static int make_host(struct sweep *s, int i)
{
    struct nst_stack_config config = {
        .size = sizeof(config), .allocator = s->alloc.allocator, .now = s->w.now};
    memset(config.seed, 7 + i, sizeof(config.seed));
    TRY(nst_stack_new(&config, &s->w.hosts[i].stack));
    const struct nst_nic_config nic = {.size = sizeof(nic),
                                       .link = s->w.pipe[i],
                                       .promiscuous = s->open && i == 1,
                                       .spoofing = s->open && i == 1};
    TRY(nst_nic_add(s->w.hosts[i].stack, &nic, &s->w.hosts[i].nic));
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, (uint8_t)(1 + i)),
                                      .prefix_len = 24};
    TRY(nst_nic_addr_add(s->w.hosts[i].stack, s->w.hosts[i].nic, &addr));
    const struct nst_route route = {.prefix = nst_addr_v4(0, 0, 0, 0),
                                    .nic = s->w.hosts[i].nic,
                                    .gateway = nst_addr_v4(10, 0, 0, (uint8_t)(2 - i))};
    TRY(nst_route_add(s->w.hosts[i].stack, &route));
    return 0;
}

static int make(struct sweep *s, bool open)
{
    const struct nst_pipe_config pipe = {.size = sizeof(pipe),
                                         .ethernet = true,
                                         .addr = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}}};
    s->open = open;
    TRY(nst_pipe_new(&s->alloc.allocator, &pipe, s->w.pipe));
    TRY(make_host(s, 0));
    TRY(make_host(s, 1));
    return 0;
}

/* To the next deadline, at most `limit`; false: the limit is reached. */
static bool step(struct sweep *s, nst_time limit)
{
    if (world_step(&s->w, limit))
        return true;
    s->w.now = limit;
    world_run(&s->w);
    return false;
}

static void unmake(struct sweep *s)
{
    for (int i = 0; i < 2; i++) {
        if (s->w.hosts[i].stack != NULL)
            world_check_census(s->w.hosts[i].stack, false);
        nst_stack_free(s->w.hosts[i].stack);
    }
    nst_pipe_free(s->w.pipe);
}

static struct nst_endpoint end(uint8_t host, uint16_t port)
{
    return (struct nst_endpoint){.addr = nst_addr_v4(10, 0, 0, host), .port = port};
}

/* ---- Scenarios ---- */

static int only_make(struct sweep *s)
{
    return make(s, false);
}

static int change_things(struct sweep *s)
{
    struct nst_nic_addr addr = {.prefix_len = 24};
    int error = make(s, false);
    for (uint8_t i = 0; error == 0 && i < 40; i++) {
        addr.addr = nst_addr_v4(10, 9, i, 1);
        TRY(nst_nic_addr_add(s->w.hosts[0].stack, s->w.hosts[0].nic, &addr));
        const struct nst_addr neigh = nst_addr_v4(10, 0, 0, (uint8_t)(50 + i));
        TRY(nst_neigh_add(s->w.hosts[0].stack, s->w.hosts[0].nic, &neigh,
                          (struct nst_mac){{2, 0, 0, 0, 1, i}}));
    }
    if (error == 0) {
        TRY(nst_nic_disable(s->w.hosts[0].stack, s->w.hosts[0].nic));
        TRY(nst_nic_enable(s->w.hosts[0].stack, s->w.hosts[0].nic));
        TRY(nst_nic_addr_remove(s->w.hosts[0].stack, s->w.hosts[0].nic, &addr.addr));
    }
    return error;
}

/* Sends a datagram again each second until `to` has it; the answer to give, likewise. */
static int datagram(struct sweep *s, int from, nst_socket sender, nst_socket receiver,
                    struct nst_message *ret_message, size_t len)
{
    static uint8_t sent[20000], got[20000];
    for (size_t i = 0; i < len; i++)
        sent[i] = (uint8_t)(i * 7);
    const struct nst_endpoint *to = ret_message->remote.port != 0 ? &ret_message->remote : NULL;
    for (int tries = 0; tries < 8; tries++) {
        TRY(nst_socket_sendto(s->w.hosts[from].stack, sender, sent, len, 0, to));
        const nst_time limit = s->w.now + NST_SEC;
        do {
            int64_t n = nst_socket_recvfrom(s->w.hosts[1 - from].stack, receiver, got, sizeof(got),
                                            0, ret_message);
            if (n >= 0) {
                assert_int_equal(n, len);
                assert_memory_equal(got, sent, len);
                return 0;
            }
            assert_int_equal(n, -NST_EAGAIN);
        } while (step(s, limit));
    }
    return GAVE_UP;
}

static int echo_datagram(struct sweep *s, size_t len)
{
    nst_socket client, server;
    const struct nst_endpoint to = end(2, 7);
    struct nst_message message = {0};
    TRY(make(s, false));
    TRY(nst_socket_open(s->w.hosts[1].stack, NST_DATAGRAM, &server));
    TRY(nst_socket_bind(s->w.hosts[1].stack, server, &to));
    TRY(nst_socket_open(s->w.hosts[0].stack, NST_DATAGRAM, &client));
    TRY(nst_socket_connect(s->w.hosts[0].stack, client, &to));
    int error = datagram(s, 0, client, server, &message, len);
    if (error == 0)
        error = datagram(s, 1, server, client, &message, len);
    return error;
}

static int small_datagram(struct sweep *s)
{
    return echo_datagram(s, 700);
}

static int fragments(struct sweep *s)
{
    return echo_datagram(s, 18000);
}

/* Moves bytes one way; both ends are of the same connection. */
static int stream(struct sweep *s, int from, nst_socket sender, nst_socket receiver)
{
    static uint8_t bytes[STREAM_BYTES], got[STREAM_BYTES + 1];
    size_t sent = 0, received = 0;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 13 + i / 251);
    const nst_time limit = s->w.now + PATIENCE;
    do {
        if (sent < sizeof(bytes)) {
            int64_t n = nst_socket_send(s->w.hosts[from].stack, sender, bytes + sent,
                                        sizeof(bytes) - sent, 0);
            if (n < 0 && n != -NST_EAGAIN && n != -NST_ENOMEM)
                return (int)n;
            sent += n > 0 ? (size_t)n : 0;
            if (sent == sizeof(bytes))
                TRY(nst_socket_shutdown(s->w.hosts[from].stack, sender, NST_SHUT_SEND));
        }
        int64_t n = nst_socket_recv(s->w.hosts[1 - from].stack, receiver, got + received,
                                    sizeof(got) - received, 0);
        if (n < 0 && n != -NST_EAGAIN)
            return (int)n;
        if (n == 0) {
            assert_int_equal(received, sizeof(bytes));
            assert_memory_equal(got, bytes, sizeof(bytes));
            return 0;
        }
        received += n > 0 ? (size_t)n : 0;
    } while (step(s, limit));
    return GAVE_UP;
}

/* Both directions one after the other, then both ends are closed and time passes. */
static int converse(struct sweep *s, nst_socket client, nst_socket server)
{
    int error = stream(s, 0, client, server);
    if (error == 0)
        error = stream(s, 1, server, client);
    nst_socket_close(s->w.hosts[0].stack, client);
    nst_socket_close(s->w.hosts[1].stack, server);
    const nst_time limit = s->w.now + 70 * NST_SEC;
    while (step(s, limit))
        ;
    return error;
}

static int connect_and_close(struct sweep *s)
{
    nst_socket client, listener, server = NOT_CONNECTED;
    const struct nst_endpoint to = end(2, 80);
    TRY(make(s, false));
    TRY(nst_socket_open(s->w.hosts[1].stack, NST_STREAM, &listener));
    TRY(nst_socket_bind(s->w.hosts[1].stack, listener, &to));
    TRY(nst_socket_listen(s->w.hosts[1].stack, listener, 4));
    TRY(nst_socket_open(s->w.hosts[0].stack, NST_STREAM, &client));
    int error = nst_socket_connect(s->w.hosts[0].stack, client, &to);
    if (error == -NST_ENOMEM)
        error = nst_socket_connect(s->w.hosts[0].stack, client, &to);
    if (error != -NST_EINPROGRESS)
        return error;
    const nst_time limit = s->w.now + PATIENCE;
    while ((error = nst_socket_accept(s->w.hosts[1].stack, listener, &server, NULL)) != 0) {
        assert_true(error == -NST_EAGAIN || error == -NST_ENOMEM);
        if (!step(s, limit) && error != -NST_ENOMEM)
            return GAVE_UP;
        if (error == -NST_ENOMEM && s->alloc.fail_from != 0)
            return error;
    }
    return converse(s, client, server);
}

/* The next request of the forwarder, while `client` tries. */
static int await_request(struct sweep *s, struct nst_request_info *ret_info)
{
    const nst_time limit = s->w.now + PATIENCE;
    while (!nst_request_next(s->w.hosts[1].stack, ret_info)) {
        if (!step(s, limit))
            return GAVE_UP;
    }
    return 0;
}

static int start_forwarder(struct sweep *s, nst_socket *ret_client, struct nst_request_info *info)
{
    const struct nst_forwarder_config config = {
        .size = sizeof(config), .tcp = true, .udp = true, .icmp_echo = true};
    const struct nst_endpoint to = {.addr = nst_addr_v4(198, 51, 100, 3), .port = 443};
    TRY(make(s, true));
    TRY(nst_forwarder_start(s->w.hosts[1].stack, &config));
    TRY(nst_socket_open(s->w.hosts[0].stack, NST_STREAM, ret_client));
    int error = nst_socket_connect(s->w.hosts[0].stack, *ret_client, &to);
    if (error == -NST_ENOMEM)
        error = nst_socket_connect(s->w.hosts[0].stack, *ret_client, &to);
    return error == -NST_EINPROGRESS ? await_request(s, info) : error;
}

static int forwarder_accepts(struct sweep *s)
{
    struct nst_request_info info;
    nst_socket client, server;
    int error = start_forwarder(s, &client, &info);
    if (error != 0)
        return error;
    TRY(nst_request_accept(s->w.hosts[1].stack, info.request, &server));
    return converse(s, client, server);
}

static int forwarder_refuses(struct sweep *s)
{
    struct nst_request_info info;
    nst_socket client;
    int error = start_forwarder(s, &client, &info);
    if (error != 0)
        return error;
    assert_int_equal(nst_request_refuse(s->w.hosts[1].stack, info.request, NST_REFUSE_RESET), 0);
    /* If the RST itself had no memory, the SYN comes again and makes another request. */
    const nst_time limit = s->w.now + PATIENCE;
    do {
        if (nst_request_next(s->w.hosts[1].stack, &info))
            nst_request_refuse(s->w.hosts[1].stack, info.request, NST_REFUSE_RESET);
        error = nst_socket_error(s->w.hosts[0].stack, client);
    } while (error == 0 && step(s, limit));
    if (error != -NST_ECONNREFUSED)
        return GAVE_UP;
    return 0;
}

static int forwarder_datagrams(struct sweep *s)
{
    const struct nst_forwarder_config config = {.size = sizeof(config), .udp = true};
    const struct nst_endpoint to = {.addr = nst_addr_v4(198, 51, 100, 3), .port = 53};
    struct nst_request_info info;
    struct nst_message message = {0};
    nst_socket client, server;
    TRY(make(s, true));
    TRY(nst_forwarder_start(s->w.hosts[1].stack, &config));
    TRY(nst_socket_open(s->w.hosts[0].stack, NST_DATAGRAM, &client));
    TRY(nst_socket_connect(s->w.hosts[0].stack, client, &to));
    const nst_time limit = s->w.now + 10 * NST_SEC;
    do {
        TRY(nst_socket_send(s->w.hosts[0].stack, client, "ask", 3, 0));
        step(s, s->w.now + NST_SEC);
        if (s->w.now >= limit)
            return GAVE_UP;
    } while (!nst_request_next(s->w.hosts[1].stack, &info));
    TRY(nst_request_accept(s->w.hosts[1].stack, info.request, &server));
    return datagram(s, 1, server, client, &message, 900);
}

/* ---- The sweep ---- */

static uint64_t sweep_once(scenario *play, uint64_t fail_at, uint64_t fail_from)
{
    static struct sweep s;
    s = (struct sweep){.w = {.now = NST_SEC, .count = 2}};
    alloc_init(&s.alloc);
    s.alloc.fail_at = fail_at;
    s.alloc.fail_from = fail_from;
    const int error = play(&s);
    if (error != 0 && !(fail_from != 0 && (error == -NST_ENOMEM || error == GAVE_UP ||
                                           error == -NST_ETIMEDOUT || error == -NST_EHOSTUNREACH)))
        fail_msg("allocation %llu%s: ends with %d (%s)", (unsigned long long)(fail_at + fail_from),
                 fail_from != 0 ? " and later" : "", error, nst_strerror(error));
    unmake(&s);
    if (s.alloc.live != 0)
        fail_msg("allocation %llu%s: %llu blocks are not back",
                 (unsigned long long)(fail_at + fail_from), fail_from != 0 ? " and later" : "",
                 (unsigned long long)s.alloc.live);
    return s.alloc.count;
}

static void sweep(void **state)
{
    scenario *play = **(scenario ***)state;
    uint64_t n = 1;
    assert_true(sweep_once(play, 0, 0) > 0);
    while (sweep_once(play, n, 0) >= n)
        assert_true(++n < SWEEP_ENOUGH);
    assert_true(n > 1);
    for (n = 1; sweep_once(play, 0, n) >= n; n++)
        assert_true(n < SWEEP_ENOUGH);
    print_message("%llu allocations\n", (unsigned long long)n - 1);
}

#define SWEEP(sentence, play)                                                                   \
    {                                                                                           \
        .name = "allocations fail one by one, then all of them: " sentence, .test_func = sweep, \
        .initial_state = (void *)&(scenario *[]){play},                                         \
    }

TESTS(SWEEP("stack, link, NIC, address, route", only_make),
      SWEEP("many addresses and neighbours, disable and enable", change_things),
      SWEEP("a datagram is echoed", small_datagram),
      SWEEP("a datagram in fragments is echoed", fragments),
      SWEEP("a stream connects, carries both ways, closes", connect_and_close),
      SWEEP("the forwarder accepts a stream", forwarder_accepts),
      SWEEP("the forwarder refuses a stream", forwarder_refuses),
      SWEEP("the forwarder accepts a datagram flow", forwarder_datagrams))
