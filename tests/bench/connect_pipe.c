/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S8 in memory: connect, request, response, close, again and again, between two stacks over a pipe,
 * in one thread.
 *
 *     connect_pipe [COUNT [FLAGS [AT_ONCE]]]
 *
 * FLAGS: f the server closes first, by FIN, and keeps TIME-WAIT; clients come from 16 addresses in
 * turn, and when all of their ports were used, connections take over those that wait (RFC 6191).
 * Otherwise the client closes by RST. s: checksums by the stacks (else left open, as a memory link
 * may). AT_ONCE connections are under way at the same time (32). Every answer is compared. The
 * clock is the real one.
 *
 * Prints {"rate": exchanges a second, "count": ..., "waiting": bytes that the server's stack holds
 * at the end}.
 */
#include "bench.h"

#include "common/protocol.h"

#define AT_ONCE_MAX 1024
#define READY_MAX   64
#define ADDRESSES   16
#define FIN_MEMORY  (1u << 30) /* half a million connections in TIME-WAIT must fit */
#define STUCK       (10 * (uint64_t)1000000000) /* without one exchange, so long: something is wrong */

/* One side of a connection. The server frees it with the connection, the client's are used again.
 */
struct side {
    nst_socket socket;
    uint64_t number; /* of the message, the client's alone */
    uint8_t message[MESSAGE];
    size_t have;
    bool asked;
};

struct run {
    struct nst_stack *client, *server;
    nst_socket listener;
    struct side sides[AT_ONCE_MAX];
    uint64_t begun, done, total;
    uint64_t last; /* when one was done */
    bool fin;
};

static void open_next(struct run *r, struct side *s)
{
    const struct nst_endpoint to = {.addr = nst_addr_v4(10, 0, 0, 2),
                                    .port = r->fin ? PORT_ONCE : PORT_ECHO};
    const struct nst_endpoint from = {
        .addr = nst_addr_v4(10, 0, 0, (uint8_t)(16 + r->begun % ADDRESSES))};
    if (r->begun == r->total)
        return;
    *s = (struct side){.number = r->begun++};
    check(nst_socket_open(r->client, NST_STREAM, &s->socket), "open");
    if (r->fin)
        check(nst_socket_bind(r->client, s->socket, &from), "bind");
    const int e = nst_socket_connect(r->client, s->socket, &to);
    if (e != -NST_EINPROGRESS)
        fail("connect", e);
    check(nst_socket_watch(r->client, s->socket, NST_READY_IN | NST_READY_OUT, s), "watch");
}

/* Fills up the message; what the last call said, 1 if none was needed. */
static int64_t receive_message(struct nst_stack *stack, struct side *s)
{
    int64_t n = 1;
    while (s->have < MESSAGE && n > 0) {
        n = nst_socket_recv(stack, s->socket, s->message + s->have, MESSAGE - s->have, 0);
        s->have += n > 0 ? (size_t)n : 0;
    }
    return n;
}

/* The client's answer is there: closes, and begins the next one. */
static void finish(struct run *r, struct side *s)
{
    uint8_t none;
    if (!pattern_matches(s->message, MESSAGE, s->number))
        fail("answer", 0);
    if (r->fin) {
        const int64_t n = nst_socket_recv(r->client, s->socket, &none, 1, 0);
        if (n == -NST_EAGAIN)
            return; /* the server's FIN is still to come */
        if (n != 0)
            fail("end", n);
        check(nst_socket_close(r->client, s->socket), "close");
    } else {
        check(nst_socket_abort(r->client, s->socket), "abort");
    }
    r->done++;
    open_next(r, s);
}

static void client_ready(struct run *r, struct side *s)
{
    if (!s->asked) {
        check(nst_socket_error(r->client, s->socket), "connect");
        const int64_t n = nst_socket_send(r->client, s->socket, pattern_at(s->number), MESSAGE, 0);
        if (n != MESSAGE)
            fail("send", n);
        s->asked = true;
        return;
    }
    const int64_t n = receive_message(r->client, s);
    if (s->have == MESSAGE)
        finish(r, s);
    else if (n != -NST_EAGAIN)
        fail("receive", n);
}

static void accept_all(struct run *r)
{
    nst_socket socket;
    while (nst_socket_accept(r->server, r->listener, &socket, NULL) >= 0) {
        struct side *s = calloc(1, sizeof(*s));
        if (s == NULL)
            fail("memory", 0);
        s->socket = socket;
        check(nst_socket_watch(r->server, socket, NST_READY_IN, s), "watch");
    }
}

static void server_ready(struct run *r, struct side *s)
{
    if (s == NULL) {
        accept_all(r);
        return;
    }
    const int64_t n = receive_message(r->server, s);
    if (s->have == MESSAGE) {
        const int64_t sent = nst_socket_send(r->server, s->socket, s->message, MESSAGE, 0);
        if (sent != MESSAGE)
            fail("send", sent);
        s->have = 0;
    } else if (n == -NST_EAGAIN) {
        return;
    }
    if (n < 0 || r->fin) { /* a reset ends it, or we do */
        nst_socket_close(r->server, s->socket);
        free(s);
    }
}

static void turn(struct run *r)
{
    struct nst_ready ready[READY_MAX];
    const nst_time now = (nst_time)clock_now();
    int n;

    nst_stack_run(r->client, now, 0);
    nst_stack_run(r->server, now, 0);
    while ((n = nst_ready_list(r->server, ready, READY_MAX)) > 0)
        for (int i = 0; i < n; i++)
            server_ready(r, ready[i].context);
    nst_stack_run(r->server, now, 0);
    nst_stack_run(r->client, now, 0);
    while ((n = nst_ready_list(r->client, ready, READY_MAX)) > 0)
        for (int i = 0; i < n; i++)
            client_ready(r, ready[i].context);
}

static void listen_at(struct run *r, uint16_t port)
{
    const struct nst_endpoint at = {.port = port};
    check(nst_socket_open(r->server, NST_STREAM, &r->listener), "open");
    check(nst_socket_bind(r->server, r->listener, &at), "bind");
    check(nst_socket_listen(r->server, r->listener, AT_ONCE_MAX), "listen");
    check(nst_socket_watch(r->server, r->listener, NST_READY_IN, NULL), "watch");
}

static void add_addresses(struct nst_stack *stack)
{
    for (uint8_t i = 0; i < ADDRESSES; i++) {
        const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, 16 + i), .prefix_len = 24};
        check(nst_nic_addr_add(stack, 1, &addr), "address");
    }
}

int main(int argc, char **argv)
{
    const char *flags = argc > 2 ? argv[2] : "";
    const int at_once = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 32;
    const struct nst_pipe_config config = {
        .size = sizeof(config), .caps = strchr(flags, 's') == NULL ? NST_LINK_CSUM_TX : 0};
    static struct run r;
    struct nst_link *links[2];
    struct nst_memory memory;

    pattern_fill();
    check(nst_pipe_new(&bench_allocator, &config, links), "pipe");
    r.client = bench_stack(links[0], 1, FIN_MEMORY);
    r.server = bench_stack(links[1], 2, FIN_MEMORY);
    r.total = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    r.fin = strchr(flags, 'f') != NULL;
    add_addresses(r.client);
    listen_at(&r, r.fin ? PORT_ONCE : PORT_ECHO);
    const uint64_t begin = clock_now();
    for (int i = 0; i < at_once && i < AT_ONCE_MAX; i++)
        open_next(&r, &r.sides[i]);
    r.last = begin;
    while (r.done < r.total) {
        const uint64_t before = r.done;
        turn(&r);
        if (r.done != before)
            r.last = clock_now();
        else if (clock_now() - r.last > STUCK)
            fail("no exchange for 10 s", 0);
    }
    const uint64_t took = clock_now() - begin;
    nst_stack_get_memory(r.server, &memory);
    printf("{\"rate\": %.1f, \"count\": %llu, \"waiting\": %llu}\n",
           (double)r.total * 1e9 / (double)took, (unsigned long long)r.done,
           (unsigned long long)memory.used);
    nst_stack_free(r.client);
    nst_stack_free(r.server);
    nst_pipe_free(links);
    return 0;
}
