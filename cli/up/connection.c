/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of the small services: see services.h. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "up/services.h"

#define BUFFER 8192 /* a request of HTTP must fit */

struct connection {
    struct service_socket socket; /* first */
    struct nst_loop_timer timer;  /* of HTTP */
    struct connection *next, **link;
    enum order_service kind;
    uint64_t sent;  /* chargen: where in the pattern */
    size_t at, len; /* of buffer: what waits to be sent, or of a request so far */
    char *answer;   /* HTTP: being sent; NULL: not asked yet */
    bool has_ended; /* the peer sends no more */
    char buffer[BUFFER];
};

static void connection_free(struct connection *c, bool reset)
{
    struct services *services = c->socket.services;
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    services->connection_count--;
    nst_loop_disarm(services->loop, &c->timer);
    if (reset)
        nst_socket_abort(services->stack, c->socket.socket);
    else
        nst_socket_close(services->stack, c->socket.socket);
    free(c->answer);
    free(c);
}

/* What a step found. */
enum step {
    STEP_GO,    /* something was done */
    STEP_WAITS, /* until the next event */
    STEP_DONE,  /* the connection is to be closed */
    STEP_FAILED,
};

/* Of a result of send or receive. */
static enum step step_of(int64_t n)
{
    return n > 0 ? STEP_GO : n == -NST_EAGAIN ? STEP_WAITS : n == 0 ? STEP_DONE : STEP_FAILED;
}

static int64_t receive(struct connection *c, char *to, size_t size)
{
    return nst_socket_recv(c->socket.services->stack, c->socket.socket, to, size, 0);
}

static int64_t send(struct connection *c, const char *from, size_t len)
{
    return nst_socket_send(c->socket.services->stack, c->socket.socket, from, len, 0);
}

static enum step echo(struct connection *c)
{
    if (c->at == c->len) {
        const int64_t n = receive(c, c->buffer, BUFFER);
        if (n <= 0)
            return step_of(n);
        c->at = 0;
        c->len = (size_t)n;
    }
    const int64_t n = send(c, c->buffer + c->at, c->len - c->at);
    if (n > 0)
        c->at += (size_t)n;
    return step_of(n);
}

static enum step discard(struct connection *c)
{
    return step_of(receive(c, c->buffer, BUFFER));
}

/* What the peer says is thrown away (RFC 864). */
static enum step chargen(struct connection *c)
{
    while (!c->has_ended) {
        const int64_t n = receive(c, c->buffer, BUFFER);
        if (n == -NST_EAGAIN)
            break;
        if (n < 0)
            return STEP_FAILED;
        c->has_ended = n == 0;
    }
    chargen_fill(c->buffer, BUFFER, c->sent);
    const int64_t n = send(c, c->buffer, BUFFER);
    if (n > 0)
        c->sent += (uint64_t)n;
    return step_of(n);
}

static enum step http_ask(struct connection *c)
{
    const int64_t n = receive(c, c->buffer + c->len, BUFFER - c->len);
    if (n <= 0)
        return step_of(n);
    c->len += (size_t)n;
    if (!http_is_whole(c->buffer, c->len))
        return c->len < BUFFER ? STEP_GO : STEP_FAILED;
    c->answer = http_answer(c->socket.services, c->buffer, c->len, &c->len);
    return c->answer != NULL ? STEP_GO : STEP_FAILED;
}

static enum step http(struct connection *c)
{
    if (c->answer == NULL)
        return http_ask(c);
    const int64_t n = send(c, c->answer + c->at, c->len - c->at);
    if (n <= 0)
        return step_of(n);
    c->at += (size_t)n;
    return c->at == c->len ? STEP_DONE : STEP_GO;
}

static void on_ready(struct service_socket *socket)
{
    static enum step (*const steps[])(struct connection * c) = {
        [SERVICE_ECHO] = echo,
        [SERVICE_DISCARD] = discard,
        [SERVICE_CHARGEN] = chargen,
        [SERVICE_HTTP] = http,
    };
    struct connection *c = (struct connection *)socket;
    enum step step;
    do
        step = steps[c->kind](c);
    while (step == STEP_GO);
    if (step != STEP_WAITS)
        connection_free(c, step == STEP_FAILED);
}

static void on_timer(struct nst_loop_timer *timer)
{
    connection_free(
        (struct connection *)(void *)((char *)timer - offsetof(struct connection, timer)), true);
}

void connection_start(struct services *services, enum order_service kind, nst_socket socket)
{
    struct connection *c =
        services->connection_count < SERVICE_CONNECTIONS ? malloc(sizeof(*c)) : NULL;
    if (c == NULL) {
        nst_socket_abort(services->stack, socket);
        return;
    }
    memset(c, 0, offsetof(struct connection, buffer));
    c->socket = (struct service_socket){on_ready, services, socket};
    c->kind = kind;
    c->timer.on_timer = on_timer;
    c->next = services->connections;
    c->link = &services->connections;
    if (c->next != NULL)
        c->next->link = &c->next;
    services->connections = c;
    services->connection_count++;
    if (kind == SERVICE_HTTP)
        nst_loop_arm(services->loop, &c->timer, nst_loop_now(services->loop) + HTTP_PATIENCE);
    nst_socket_watch(services->stack, socket, NST_READY_IN | NST_READY_OUT | NST_READY_RDHUP,
                     &c->socket);
}

void connection_free_all(struct services *services)
{
    while (services->connections != NULL)
        connection_free(services->connections, true);
}
