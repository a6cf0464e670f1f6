/* SPDX-License-Identifier: Apache-2.0 */
/* The server: one thread, level-triggered epoll, as an ordinary server would be. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "../common/protocol.h"
#include "sockets.h"

#define EVENTS_MAX 64
#define BACKLOG    4096
#define TURNS      8 /* receives or sends of one stream before the others have theirs */

/* A listener or a connection. `ready` returns whether it goes on; if not, it is closed. */
struct end {
    int fd;
    uint16_t port;
    bool (*ready)(struct end *e);
    uint64_t count;           /* bytes received or sent */
    uint8_t message[MESSAGE]; /* ... and how much of it is there */
    size_t have;
};

static int epoll;

/* What a call that failed means for the connection. */
static bool goes_on(ssize_t n)
{
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static bool sink_ready(struct end *e)
{
    static uint8_t data[CHUNK];
    uint8_t verdict[VERDICT];
    ssize_t n = -1;
    for (int i = 0; i < TURNS && (n = recv(e->fd, data, sizeof(data), MSG_DONTWAIT)) > 0; i++) {
        if (!pattern_matches(data, (size_t)n, e->count))
            return false;
        e->count += (uint64_t)n;
    }
    if (n != 0)
        return n > 0 || goes_on(n);
    verdict_build(verdict, e->count);
    if (send(e->fd, verdict, sizeof(verdict), MSG_DONTWAIT) < 0)
        give_up("verdict");
    return false;
}

static bool source_ready(struct end *e)
{
    ssize_t n = -1;
    for (int i = 0; i < TURNS && (n = send(e->fd, pattern_at(e->count), CHUNK, MSG_DONTWAIT)) > 0;
         i++)
        e->count += (uint64_t)n;
    return n > 0 || goes_on(n);
}

static bool echo_ready(struct end *e)
{
    ssize_t n;
    while ((n = recv(e->fd, e->message + e->have, MESSAGE - e->have, MSG_DONTWAIT)) > 0) {
        e->have += (size_t)n;
        if (e->have < MESSAGE)
            continue;
        if (send(e->fd, e->message, MESSAGE, MSG_DONTWAIT) != MESSAGE || e->port == PORT_ONCE)
            return false;
        e->have = 0;
        return true; /* the next one is not there yet */
    }
    return goes_on(n);
}

static struct end *end_new(int fd, uint16_t port, bool (*ready)(struct end *), uint32_t events)
{
    struct end *e = calloc(1, sizeof(*e));
    if (e == NULL)
        give_up("memory");
    e->fd = fd;
    e->port = port;
    e->ready = ready;
    struct epoll_event event = {.events = events, .data.ptr = e};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        give_up("epoll");
    return e;
}

static void run(struct end *e)
{
    if (e->ready(e))
        return;
    close(e->fd);
    free(e);
}

static bool listener_ready(struct end *listener)
{
    static bool (*const ready[SERVICES])(struct end *) = {sink_ready, source_ready, echo_ready,
                                                          echo_ready};
    const int on = 1;
    int fd;
    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        /* What a client asks is often there with the connection. */
        run(end_new(fd, listener->port, ready[listener->port - PORT_SINK],
                    listener->port == PORT_SOURCE ? EPOLLOUT : EPOLLIN));
    }
    return true;
}

static bool stdin_ready(struct end *e)
{
    char data[64];
    if (read(e->fd, data, sizeof(data)) <= 0)
        exit(0);
    return true;
}

static void listen_at(struct in_addr address, uint16_t port)
{
    const struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr = address, .sin_port = htons(port)};
    const int on = 1;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, BACKLOG) < 0)
        give_up("listen");
    socket_use_cubic(fd);
    end_new(fd, port, listener_ready, EPOLLIN);
}

_Noreturn void serve(struct in_addr address, bool spin)
{
    struct epoll_event events[EVENTS_MAX];
    epoll = epoll_create1(EPOLL_CLOEXEC);
    end_new(STDIN_FILENO, 0, stdin_ready, EPOLLIN);
    for (uint16_t i = 0; i < SERVICES; i++)
        listen_at(address, PORT_SINK + i);
    puts("ready");
    fflush(stdout);
    for (;;) {
        const int n = epoll_wait(epoll, events, EVENTS_MAX, spin ? 0 : -1);
        if (n < 0 && errno != EINTR)
            give_up("epoll");
        for (int i = 0; i < n; i++)
            run(events[i].data.ptr);
    }
}
