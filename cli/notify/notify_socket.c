/* SPDX-License-Identifier: Apache-2.0 */
/* The table of sockets, and the calls that wait for them: see notify_socket.h. */
#include "notify/notify_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "notify/notify_target.h"

#define DNS_PORT 53

static struct notify_socket **bucket_of(struct notify *notify, uint64_t inode)
{
    return &notify->sockets[inode % NOTIFY_BUCKETS];
}

struct notify_socket *notify_socket_find(const struct notify *notify, uint64_t inode)
{
    struct notify_socket *s = notify->sockets[inode % NOTIFY_BUCKETS];
    while (s != NULL && s->inode != inode)
        s = s->next;
    return s;
}

static void on_end(struct nst_watch *watch, uint32_t events)
{
    struct notify_socket *s = (struct notify_socket *)watch;
    if (s->type == NST_STREAM)
        notify_stream_on_end(s, events);
    else
        notify_datagram_on_end(s, events);
}

static void on_timer(struct nst_loop_timer *timer)
{
    struct notify_socket *s =
        (struct notify_socket *)(void *)((char *)timer - offsetof(struct notify_socket, timer));
    on_end(&s->watch, 0);
}

int64_t notify_result(int64_t result)
{
    if (result == -NST_EAFNOSUPPORT)
        return -ENETUNREACH; /* no IPv6: as on a host that has no address of it */
    return result < 0 ? -nst_errno_from_error((int)result) : result;
}

/* The guest's socket, watched. */
static int open_socket(struct notify_socket *s, nst_socket accepted)
{
    struct nst_stack *stack = s->notify->stack;
    s->socket = accepted;
    if (accepted == 0) {
        int r = nst_socket_open(stack, s->type, &s->socket);
        if (r < 0)
            return (int)notify_result(r);
        notify_options_apply(s);
    }
    nst_socket_watch(stack, s->socket, NST_READY_IN | NST_READY_OUT | NST_READY_RDHUP, s);
    return 0;
}

/* Both ends; ours does not block. */
static int make_ends(struct notify_socket *s, int *ret_theirs)
{
    int fds[2];
    struct stat status;
    const int type = s->type == NST_STREAM ? SOCK_STREAM : SOCK_SEQPACKET;
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    if (fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0 || fstat(fds[1], &status) < 0) {
        int r = -errno;
        close(fds[0]);
        close(fds[1]);
        return r;
    }
    s->inode = status.st_ino;
    s->watch.fd = fds[0];
    *ret_theirs = fds[1];
    return 0;
}

static int set_up(struct notify_socket *s, nst_socket accepted, int *ret_theirs)
{
    struct notify *n = s->notify;
    int r = make_ends(s, ret_theirs);
    if (r < 0)
        return r;
    r = open_socket(s, accepted);
    if (r == 0 &&
        nst_loop_add(n->config.loop, &s->watch, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET) < 0) {
        r = -ENOBUFS;
        nst_socket_watch(n->stack, s->socket, 0, NULL);
        if (accepted == 0)
            nst_socket_close(n->stack, s->socket);
    }
    if (r < 0) {
        close(s->watch.fd);
        close(*ret_theirs);
    }
    return r;
}

int notify_socket_new(struct notify *notify, enum nst_socket_type type, int family,
                      nst_socket accepted, int *ret_theirs, struct notify_socket **ret_socket)
{
    struct notify_socket *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return -ENOMEM;
    s->notify = notify;
    s->type = type;
    s->family = family;
    s->watch.on_events = on_end;
    s->timer.on_timer = on_timer;
    TAILQ_INIT(&s->calls);
    notify_options_init(s);
    int r = set_up(s, accepted, ret_theirs);
    if (r < 0) {
        free(s);
        return r;
    }
    struct notify_socket **bucket = bucket_of(notify, s->inode);
    s->next = *bucket;
    *bucket = s;
    *ret_socket = s;
    return 0;
}

static void drop_call(struct notify_socket *s, struct notify_call *call)
{
    TAILQ_REMOVE(&s->calls, call, link);
    nst_loop_disarm(s->notify->config.loop, &call->timer);
    free(call);
}

void notify_socket_free(struct notify_socket *socket, bool reset)
{
    struct notify *n = socket->notify;
    struct notify_socket **at = bucket_of(n, socket->inode);
    while (*at != socket)
        at = &(*at)->next;
    *at = socket->next;
    struct notify_call *call;
    while ((call = TAILQ_FIRST(&socket->calls)) != NULL)
        drop_call(socket, call);
    nst_loop_disarm(n->config.loop, &socket->timer);
    nst_loop_remove(n->config.loop, &socket->watch);
    close(socket->watch.fd);
    if (socket->accepted != 0)
        nst_socket_abort(n->stack, socket->accepted);
    if (reset && socket->type == NST_STREAM)
        nst_socket_abort(n->stack, socket->socket);
    else
        nst_socket_close(n->stack, socket->socket);
    free(socket);
}

int notify_socket_renew(struct notify_socket *socket)
{
    nst_socket_abort(socket->notify->stack, socket->socket);
    return open_socket(socket, 0);
}

void notify_socket_retry(struct notify_socket *socket)
{
    struct notify_calls calls = TAILQ_HEAD_INITIALIZER(calls);
    struct notify_call *call;
    TAILQ_CONCAT(&calls, &socket->calls, link);
    while ((call = TAILQ_FIRST(&calls)) != NULL) {
        TAILQ_REMOVE(&calls, call, link);
        nst_loop_disarm(call->notify->config.loop, &call->timer);
        if (notify_call_is_alive(call))
            notify_call_do(call); /* which keeps a copy if it still waits */
        free(call);
    }
}

int notify_socket_take_error(struct notify_socket *socket)
{
    int error = socket->error;
    socket->error = 0;
    return error;
}

int notify_socket_take_end(const struct notify_socket *socket, int *ret_nonblocking)
{
    return notify_target_take(socket->tid, socket->fd, socket->inode, ret_nonblocking);
}

struct nst_endpoint notify_socket_translate(struct notify_socket *socket,
                                            const struct nst_endpoint *endpoint)
{
    static const struct nst_addr any;
    const struct notify *n = socket->notify;
    struct nst_endpoint to = *endpoint;
    if (nst_addr_equal(&to.addr, &any))
        to.addr = nst_addr_v4(127, 0, 0, 1); /* as Linux has it */
    for (size_t i = 0; to.port == DNS_PORT && i < n->server_count; i++) {
        if (!nst_addr_equal(&to.addr, &n->servers[i]))
            continue;
        socket->alias = to.addr;
        socket->has_alias = true;
        to.addr = n->config.dns;
        break;
    }
    return to;
}
