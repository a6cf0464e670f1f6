/* SPDX-License-Identifier: Apache-2.0 */
/* The clients on nicstack: small exchanges, one at a time. */
#include "tap.h"

#define WARM_UP 100

struct exchange {
    struct world *world;
    enum client_kind kind;
    struct nst_endpoint server;
    nst_socket socket;
    uint64_t number; /* of the message that is on its way, from 0 */
    bool asked;      /* it is on its way */
    uint8_t answer[MESSAGE];
    size_t have;
    uint64_t begin, last, end; /* when the first was asked, the last one finished, and all ends */
    uint64_t span;
    struct latencies latencies;
};

static void ask(struct exchange *x)
{
    if (nst_socket_send(x->world->stack, x->socket, pattern_at(x->number), MESSAGE, 0) != MESSAGE)
        give_up("send");
    x->asked = true;
    x->have = 0;
}

static void open_one(struct exchange *x)
{
    struct nst_stack *stack = x->world->stack;
    must(nst_socket_open(stack, NST_STREAM, &x->socket), "socket");
    must(nst_socket_set(stack, x->socket, NST_OPT_TCP_NODELAY, 1), "no delay");
    const int r = nst_socket_connect(stack, x->socket, &x->server);
    if (r != -NST_EINPROGRESS)
        must(r, "connect");
    x->asked = false;
    must(nst_socket_watch(stack, x->socket, NST_READY_IN | NST_READY_OUT, x), "watch");
}

/* An answer is there: it is counted, and the next question asked. */
static void answered(struct exchange *x)
{
    const uint64_t now = clock_now();
    if (!pattern_matches(x->answer, MESSAGE, x->number))
        must(-NST_EIO, "the answer is not what was asked");
    x->number++;
    if (x->number == WARM_UP) {
        x->begin = now;
        x->end = now + x->span;
    } else if (x->number > WARM_UP) {
        latencies_add(&x->latencies, now - x->last);
    }
    x->last = now;
    if (x->end != 0 && now >= x->end)
        world_stop(x->world);
    else if (x->kind == CLIENT_ASK)
        ask(x);
}

/* The connection has done what it was for. */
static void finish(struct exchange *x)
{
    if (x->kind == CLIENT_CONNECT)
        nst_socket_abort(x->world->stack, x->socket);
    else
        nst_socket_close(x->world->stack, x->socket);
    answered(x);
    if (!x->world->stopped)
        open_one(x);
}

/* Reads on in the answer; returns what the last call did, as nst_socket_recv. */
static int64_t receive_answer(struct exchange *x)
{
    int64_t n = 1;
    while (x->have < MESSAGE && n > 0) {
        n = nst_socket_recv(x->world->stack, x->socket, x->answer + x->have, MESSAGE - x->have, 0);
        x->have += n > 0 ? (size_t)n : 0;
    }
    return n;
}

static void receive(struct exchange *x)
{
    uint8_t none;
    int64_t n = receive_answer(x);
    if (x->have == MESSAGE && x->kind == CLIENT_CONNECT_FIN) {
        /* The server closes first: its end is waited for. */
        n = nst_socket_recv(x->world->stack, x->socket, &none, sizeof(none), 0);
        if (n == 0)
            finish(x);
    } else if (x->have == MESSAGE && x->kind == CLIENT_CONNECT) {
        finish(x);
    } else if (x->have == MESSAGE) {
        answered(x);
    }
    if (n < 0 && n != -NST_EAGAIN)
        must(n, "receive");
    if (x->have < MESSAGE && n == 0)
        must(-NST_EIO, "the server closes early");
}

static void on_ready(void *context, const struct nst_ready *ready)
{
    struct exchange *x = context;
    if (ready->socket != x->socket || x->world->stopped)
        return;
    if (!x->asked && (ready->events & (NST_READY_OUT | NST_READY_ERROR)) != 0) {
        must(nst_socket_error(x->world->stack, x->socket), "connect");
        ask(x);
    } else if (x->asked) {
        receive(x);
    }
}

void client(struct world *w, enum client_kind kind, const struct nst_addr *server,
            uint64_t nanoseconds)
{
    struct exchange x = {
        .world = w,
        .kind = kind,
        .server = {.addr = *server, .port = kind == CLIENT_CONNECT_FIN ? PORT_ONCE : PORT_ECHO},
        .span = nanoseconds,
    };
    latencies_init(&x.latencies);
    open_one(&x);
    world_run(w, on_ready, &x);
    if (x.latencies.count == 0)
        must(-NST_EIO, "no exchange was finished");
    if (kind == CLIENT_ASK)
        print_latencies(&x.latencies);
    else
        print_rate(x.number - WARM_UP, x.last - x.begin);
}
