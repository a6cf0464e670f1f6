/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publications: sockets of the host whose clients are led inside.
 *
 * Theory of operation. A connection is accepted on the host's side, and a socket of the stack,
 * bound to the client's address, connects to the program; when it is connected the flow is like any
 * other (flow_tcp.c). The host's kernel has told the client that it is connected by then, so a
 * refusal inside can only be passed on as a reset.
 *
 * A connection is accepted only when there is room for it: under flows_max, and with a socket of
 * the stack, which is opened before. Without room, or without a descriptor, every listener is left
 * alone until a flow ends or PAUSE has passed, for descriptors and memory may come free elsewhere:
 * connections wait in the host's backlog, and nothing spins.
 *
 * The client's port is kept where it is free, since it is what a log of the program shows; a
 * 4-tuple that is taken (two clients that look alike inside, TIME-WAIT) gets another.
 *
 * Invariants: (1) a publication is in gateway->publications and watched, for EPOLLIN unless it is
 * TCP and the gateway is paused; (2) pause_timer is armed while the gateway is paused.
 */
#include "host/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define ACCEPT_BATCH 64 /* in a turn */
#define PAUSE        (100 * NST_MSEC)

/* ---- No room ---- */

static void watch_listeners(struct nst_gateway *g, uint32_t events)
{
    struct nst_publication *p;
    TAILQ_FOREACH(p, &g->publications, link)
    {
        if (p->type == NST_STREAM)
            nst_loop_change(g->config.loop, &p->watch, events);
    }
}

void publish_pause(struct nst_gateway *g)
{
    if (g->is_paused)
        return;
    g->is_paused = true;
    watch_listeners(g, 0);
    nst_loop_arm(g->config.loop, &g->pause_timer, nst_loop_now(g->config.loop) + PAUSE);
}

void publish_resume(struct nst_gateway *g)
{
    if (!g->is_paused)
        return;
    g->is_paused = false;
    watch_listeners(g, EPOLLIN);
    nst_loop_disarm(g->config.loop, &g->pause_timer);
}

static void on_pause_over(struct nst_loop_timer *timer)
{
    publish_resume(
        (struct nst_gateway *)(void *)((char *)timer - offsetof(struct nst_gateway, pause_timer)));
}

/* ---- A client ---- */

static void to_endpoint(const struct sockaddr_in *address, struct nst_endpoint *ret)
{
    *ret = (struct nst_endpoint){.addr = nst_addr_v4(0, 0, 0, 0), .port = ntohs(address->sin_port)};
    memcpy(&ret->addr.w[3], &address->sin_addr, 4);
}

bool publish_admit(struct nst_publication *p, const struct sockaddr_in *address,
                   struct nst_endpoint *ret_client, struct nst_endpoint *ret_source)
{
    to_endpoint(address, ret_client);
    *ret_source = *ret_client;
    int r = 0;
    if (p->config.admit != NULL)
        r = p->config.admit(p->config.context, ret_client, ret_source);
    if (r >= 0)
        return true;
    const struct nst_flow_summary refused = {.type = p->type,
                                             .published = true,
                                             .inside = p->config.inside,
                                             .outside = *ret_client,
                                             .error = r};
    p->gateway->stats.refused++;
    gateway_tell_refused(p->gateway, &refused);
    return false;
}

/* Binds and connects. What is registered on the source's port but for another peer is not in the
 * way: NST_OPT_REUSE_ADDRESS. */
static int connect_from(struct nst_stack *stack, nst_socket s, const struct nst_endpoint *source,
                        const struct nst_endpoint *to)
{
    nst_socket_set(stack, s, NST_OPT_REUSE_ADDRESS, 1);
    int r = nst_socket_bind(stack, s, source);
    if (r == 0)
        r = nst_socket_connect(stack, s, to);
    return r == -NST_EINPROGRESS ? 0 : r;
}

/* The same again with a new socket and any port. */
static int connect_from_any_port(struct flow *flow, const struct nst_endpoint *source,
                                 const struct nst_endpoint *to)
{
    struct nst_stack *stack = flow->gateway->config.stack;
    struct nst_endpoint any = *source;
    any.port = 0;
    nst_socket_abort(stack, flow->socket);
    flow->socket = 0;
    int r = nst_socket_open(stack, flow->summary.type, &flow->socket);
    return r < 0 ? r : connect_from(stack, flow->socket, &any, to);
}

int publish_connect(struct flow *flow, const struct nst_publication *p,
                    const struct nst_endpoint *client, const struct nst_endpoint *source)
{
    struct nst_gateway *g = flow->gateway;
    flow->udp_timeout = p->config.udp_timeout;
    flow->summary.published = true;
    flow->summary.inside = p->config.inside;
    flow->summary.outside = *client;
    g->stats.published_flows++;
    int r = connect_from(g->config.stack, flow->socket, source, &p->config.inside);
    if (r == -NST_EADDRINUSE)
        r = connect_from_any_port(flow, source, &p->config.inside);
    if (r < 0)
        g->stats.failed++;
    return r;
}

/* ---- TCP ---- */

static void reset(int fd)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}

/* Makes a flow of an accepted connection and an open socket of the stack, and owns both. */
static void lead_inside(struct nst_publication *p, int fd, nst_socket s,
                        const struct sockaddr_in *address)
{
    struct nst_gateway *g = p->gateway;
    struct nst_endpoint client, source;
    const int one = 1;
    struct flow *flow = NULL;
    if (publish_admit(p, address, &client, &source))
        flow = flow_new(g, NST_STREAM, &flow_led_tcp_ops);
    if (flow == NULL) {
        nst_socket_abort(g->config.stack, s);
        reset(fd);
        return;
    }
    flow->socket = s;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    int r = flow_watch_host(flow, fd) ? publish_connect(flow, p, &client, &source) : -NST_ENOMEM;
    if (r < 0) {
        flow_end(flow, r, true);
        return;
    }
    flow->ops->start(flow);
    nst_socket_watch(g->config.stack, flow->socket, NST_READY_IN | NST_READY_OUT | NST_READY_RDHUP,
                     flow);
}

/* Is it the connection that is broken, not the listener? */
static bool concerns_one_connection(int errnum)
{
    return errnum == ECONNABORTED || errnum == EINTR || errnum == EPROTO || errnum == EPERM;
}

/* Takes a connection. False: no more now. */
static bool accept_one(struct nst_publication *p)
{
    struct nst_gateway *g = p->gateway;
    struct sockaddr_in address = {0};
    socklen_t len = sizeof(address);
    nst_socket s;
    if (gateway_is_full(g) || nst_socket_open(g->config.stack, NST_STREAM, &s) < 0) {
        publish_pause(g);
        return false;
    }
    int fd = accept4(p->watch.fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        lead_inside(p, fd, s, &address);
        return true;
    }
    const int errnum = errno;
    nst_socket_abort(g->config.stack, s);
    if (errnum != EAGAIN && !concerns_one_connection(errnum))
        publish_pause(g); /* no descriptors; or it is broken, which would be told again at once */
    return concerns_one_connection(errnum);
}

static void on_listener(struct nst_watch *watch, uint32_t events)
{
    struct nst_publication *p = (struct nst_publication *)watch;
    for (int i = 0; i < ACCEPT_BATCH; i++)
        if (!accept_one(p))
            return;
}

/* ---- Publications ---- */

/* What the descriptor is: an nst_socket_type, or -NST_E*. */
static int type_of(int fd)
{
    int domain = 0, type = 0;
    socklen_t len = sizeof(int);
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
        return -nst_error_from_errno(errno);
    if (domain != AF_INET)
        return -NST_EAFNOSUPPORT;
    if (type == SOCK_STREAM)
        return NST_STREAM;
    return type == SOCK_DGRAM ? NST_DATAGRAM : -NST_EPROTOTYPE;
}

static int init(struct nst_publication *p)
{
    p->watch.fd = p->config.fd;
    p->watch.on_events = on_listener;
    if (p->type == NST_DATAGRAM) {
        int r = publish_udp_init(p);
        if (r < 0)
            return r;
        p->watch.on_events = publish_udp_on_host;
    }
    const bool leave = p->type == NST_STREAM && p->gateway->is_paused;
    return nst_loop_add(p->gateway->config.loop, &p->watch, leave ? 0 : EPOLLIN);
}

int nst_gateway_publish(struct nst_gateway *g, const struct nst_publish_config *config,
                        struct nst_publication **ret_publication)
{
    if (config->size != sizeof(*config) || config->inside.port == 0)
        return -NST_EINVAL;
    int type = type_of(config->fd);
    if (type < 0)
        return type;
    struct nst_publication *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return -NST_ENOMEM;
    p->gateway = g;
    p->config = *config;
    p->type = (enum nst_socket_type)type;
    int r = init(p);
    if (r < 0) {
        free(p);
        return r;
    }
    TAILQ_INSERT_TAIL(&g->publications, p, link);
    *ret_publication = p;
    return 0;
}

void nst_gateway_unpublish(struct nst_publication *p)
{
    if (p == NULL)
        return;
    struct flow *flow;
    if (p->type == NST_DATAGRAM)
        while ((flow = TAILQ_FIRST(&p->clients)) != NULL)
            flow_end(flow, 0, false);
    TAILQ_REMOVE(&p->gateway->publications, p, link);
    nst_loop_remove(p->gateway->config.loop, &p->watch);
    close(p->watch.fd);
    free(p);
}

void publish_init(struct nst_gateway *g)
{
    TAILQ_INIT(&g->publications);
    g->pause_timer.on_timer = on_pause_over;
}

void publish_fini(struct nst_gateway *g)
{
    struct nst_publication *p;
    while ((p = TAILQ_FIRST(&g->publications)) != NULL)
        nst_gateway_unpublish(p);
    nst_loop_disarm(g->config.loop, &g->pause_timer);
}
