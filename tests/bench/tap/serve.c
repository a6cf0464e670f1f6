/* SPDX-License-Identifier: Apache-2.0 */
/* The server on nicstack. */
#include <stdlib.h>

#include "tap.h"

#define BACKLOG 4096

/* A listener or a connection. `ready` returns whether it goes on; if not, it is closed. */
struct end {
    nst_socket socket;
    uint16_t port;
    bool (*ready)(struct world *w, struct end *e);
    uint64_t count;           /* bytes received or sent */
    uint8_t message[MESSAGE]; /* ... and how much of it is there */
    size_t have;
};

static bool sink_ready(struct world *w, struct end *e)
{
    static uint8_t data[CHUNK];
    uint8_t verdict[VERDICT];
    int64_t n;
    while ((n = nst_socket_recv(w->stack, e->socket, data, sizeof(data), 0)) > 0) {
        if (!pattern_matches(data, (size_t)n, e->count))
            return false;
        e->count += (uint64_t)n;
    }
    if (n != 0)
        return n == -NST_EAGAIN;
    verdict_build(verdict, e->count);
    must(nst_socket_send(w->stack, e->socket, verdict, sizeof(verdict), 0), "verdict");
    return false;
}

static bool source_ready(struct world *w, struct end *e)
{
    int64_t n;
    while ((n = nst_socket_send(w->stack, e->socket, pattern_at(e->count), CHUNK, 0)) > 0)
        e->count += (uint64_t)n;
    return n == -NST_EAGAIN;
}

static bool echo_ready(struct world *w, struct end *e)
{
    int64_t n;
    while ((n = nst_socket_recv(w->stack, e->socket, e->message + e->have, MESSAGE - e->have, 0)) >
           0) {
        e->have += (size_t)n;
        if (e->have < MESSAGE)
            continue;
        if (nst_socket_send(w->stack, e->socket, e->message, MESSAGE, 0) != MESSAGE ||
            e->port == PORT_ONCE)
            return false;
        e->have = 0;
    }
    return n == -NST_EAGAIN;
}

static struct end *end_new(nst_socket socket, uint16_t port,
                           bool (*ready)(struct world *w, struct end *e))
{
    struct end *e = calloc(1, sizeof(*e));
    if (e == NULL)
        give_up("memory");
    *e = (struct end){.socket = socket, .port = port, .ready = ready};
    return e;
}

static bool listener_ready(struct world *w, struct end *listener)
{
    static bool (*const ready[SERVICES])(struct world *, struct end *) = {sink_ready, source_ready,
                                                                          echo_ready, echo_ready};
    nst_socket s;
    while (nst_socket_accept(w->stack, listener->socket, &s, NULL) >= 0) {
        struct end *e = end_new(s, listener->port, ready[listener->port - PORT_SINK]);
        must(nst_socket_set(w->stack, s, NST_OPT_TCP_NODELAY, 1), "no delay");
        must(
            nst_socket_watch(w->stack, s, e->port == PORT_SOURCE ? NST_READY_OUT : NST_READY_IN, e),
            "watch");
    }
    return true;
}

static void on_ready(void *context, const struct nst_ready *ready)
{
    struct world *w = context;
    struct end *e = ready->context;
    if (e->ready(w, e))
        return;
    nst_socket_close(w->stack, e->socket);
    free(e);
}

static void listen_at(struct world *w, uint16_t port)
{
    const struct nst_endpoint at = {.port = port};
    nst_socket s;
    must(nst_socket_open(w->stack, NST_STREAM, &s), "socket");
    must(nst_socket_bind(w->stack, s, &at), "bind");
    must(nst_socket_listen(w->stack, s, BACKLOG), "listen");
    must(nst_socket_watch(w->stack, s, NST_READY_IN, end_new(s, port, listener_ready)), "watch");
}

void serve(struct world *w)
{
    for (uint16_t i = 0; i < SERVICES; i++)
        listen_at(w, PORT_SINK + i);
    puts("ready");
    fflush(stdout);
    w->serves = true;
    world_run(w, on_ready, w);
}
