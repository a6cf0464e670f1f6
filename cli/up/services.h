/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small services of nst up: echo (RFC 862), discard (RFC 863), chargen (RFC 864) and a status
 * page by HTTP, over IPv4 and IPv6, for trying things out.
 *
 * Theory of operation. Each is one or two sockets, a listening stream and a datagram socket, bound
 * to every address (or to one NIC). The stack's ready list brings each event to its socket, whose
 * context is a struct service_socket. A connection does what it can until the stack says
 * -NST_EAGAIN, and waits for the next event; it holds one small buffer.
 *
 * Limits: SERVICE_CONNECTIONS connections in all, more are reset; a client of the page has
 * HTTP_PATIENCE to ask and to read. Datagrams from ports under 1024, or to a group or everybody,
 * are not answered: two echoes that speak to each other would never end.
 */
#ifndef NICSTACK_CLI_UP_SERVICES_H
#define NICSTACK_CLI_UP_SERVICES_H

#include <nicstack/host.h>
#include <nicstack/socket.h>

#include "order/act.h"

#define SERVICE_CONNECTIONS 256
#define HTTP_PATIENCE       (10 * NST_SEC)

struct services;

/* What is on the ready list. */
struct service_socket {
    void (*on_ready)(struct service_socket *socket); /* first */
    struct services *services;
    nst_socket socket;
};

struct service {
    struct service_socket stream; /* socket 0: it has none */
    struct service_socket datagram;
    struct service *next;
    enum order_service kind;
    uint16_t port;
    char dev[NST_NIC_NAME_MAX]; /* empty: every NIC */
    uint64_t connections, datagrams;
};

struct connection;

struct services {
    struct nst_stack *stack;
    struct nst_loop *loop;
    const struct scene *scene; /* for the status page */
    const char *instance;
    nst_time begun;
    struct service *first;
    struct connection *connections;
    unsigned connection_count;
};

/* service show and service add. */
bool services_act(struct services *services, const struct order *order, const struct show *show,
                  struct fault *fault);
/* From the loop's on_ready. */
void services_ready(const struct nst_ready *ready);
/* Closes every socket; before the stack is freed. */
void services_fini(struct services *services);

/* ---- connection.c ---- */

/* Takes a connection over. Without memory or room it is reset. */
void connection_start(struct services *services, enum order_service kind, nst_socket socket);
void connection_free_all(struct services *services);

/* ---- http.c ---- */

/* The answer to a request that is whole, `len` bytes: malloc's, or NULL without memory. */
char *http_answer(const struct services *services, const char *request, size_t len,
                  size_t *ret_len);
/* Does the request's header end in these bytes? */
bool http_is_whole(const char *request, size_t len);

/* ---- chargen.c ---- */

#define CHARGEN_LINE 74 /* bytes of a line, with its end */

/* Fills `size` bytes of the pattern from byte `at` of it. */
void chargen_fill(char *to, size_t size, uint64_t at);

#endif
