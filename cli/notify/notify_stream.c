/* SPDX-License-Identifier: Apache-2.0 */
/* TCP of the program: see notify.h. */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "notify/notify_socket.h"

#define MEMORY_RETRY (10 * NST_MSEC)
#define FILL_SIZE    32768

/* ---- The program's end ---- */

/* Puts bytes into the program's end until it is not writable. */
static void fill(struct notify_socket *s, int end)
{
    struct pollfd fd = {.fd = end, .events = POLLOUT};
    while (poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT) != 0) {
        ssize_t n = send(end, s->notify->buffer, FILL_SIZE, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n <= 0)
            return;
        s->filled += (size_t)n;
    }
}

/* Takes those bytes out again: it is writable. What the program wrote lies behind them. */
static void drain(struct notify_socket *s)
{
    while (s->filled > 0) {
        size_t size = s->filled < NOTIFY_BUFFER_SIZE ? s->filled : NOTIFY_BUFFER_SIZE;
        ssize_t n = recv(s->watch.fd, s->notify->buffer, size, MSG_DONTWAIT);
        if (n <= 0 && errno != EINTR)
            break;
        s->filled -= n > 0 ? (size_t)n : 0;
    }
    s->filled = 0;
}

/* Ends the socket so that the program's end says ECONNRESET, which takes a byte that we have not
 * read. If the descriptor by which we knew it was closed, it is an end of file only. */
static void pass_reset_on(struct notify_socket *s)
{
    int unread = 0;
    ioctl(s->watch.fd, FIONREAD, &unread);
    int end = unread == 0 ? notify_socket_take_end(s, NULL) : -1;
    if (end >= 0) {
        (void)!send(end, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        close(end);
    }
    notify_socket_free(s, true);
}

static bool is_closed(const struct notify_socket *s)
{
    struct pollfd fd = {.fd = s->watch.fd};
    return poll(&fd, 1, 0) == 1 && (fd.revents & POLLHUP) != 0;
}

/* ---- Carrying ---- */

static void again(struct notify_socket *s, nst_time delay)
{
    struct nst_loop *loop = s->notify->config.loop;
    nst_loop_arm(loop, &s->timer, nst_loop_now(loop) + delay);
}

/* What comes for a program that will not read it. */
static void discard(struct notify_socket *s)
{
    struct nst_iovec piece;
    while (nst_socket_recv_lend(s->notify->stack, s->socket, &piece, 1) > 0)
        nst_socket_recv_consume(s->notify->stack, s->socket, piece.len);
}

static void pump(struct notify_socket *s);

/* The program has closed it: what it wrote is still passed on. */
static void close_by_program(struct notify_socket *s)
{
    int error = 0;
    socklen_t len = sizeof(error);
    s->is_gone = true;
    getsockopt(s->watch.fd, SOL_SOCKET, SO_ERROR, &error, &len);
    /* With unread data, or as it asked: RFC 2525 2.17. */
    if (s->state != NOTIFY_CONNECTED || error != 0 || s->linger == 0) {
        notify_socket_free(s, true);
        return;
    }
    s->pump.out_ended = true;
    s->pump.fd_readable = true;
    pump(s);
}

/* A side has failed: whose, the program's end tells. It frees the socket or stops a direction. */
static void fail(struct notify_socket *s, int error)
{
    const bool was_gone = s->is_gone, is_gone = was_gone || is_closed(s);
    if (error == -NST_EPIPE && is_gone && !was_gone) {
        close_by_program(s);
    } else if (is_gone) {
        notify_socket_free(s, true);
    } else if (error == -NST_EPIPE && !s->pump.out_ended) {
        s->is_discarding = s->pump.out_ended = true; /* SHUT_RD */
        again(s, 0);
    } else {
        pass_reset_on(s);
    }
}

/* It may free the socket. */
static void pump(struct notify_socket *s)
{
    if (s->is_discarding && !s->is_gone)
        discard(s);
    int r = nst_pump_run(&s->pump);
    if (r < 0)
        fail(s, r);
    else if (s->is_gone && s->pump.in_ended)
        notify_socket_free(s, false);
    else if (r == NST_PUMP_MORE)
        again(s, 0);
    else if (r == NST_PUMP_STARVED)
        again(s, MEMORY_RETRY);
}

void notify_stream_on_end(struct notify_socket *socket, uint32_t events)
{
    if ((events & EPOLLHUP) != 0 && !socket->is_gone) {
        close_by_program(socket);
        return;
    }
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
        socket->pump.fd_readable = true;
    if ((events & EPOLLOUT) != 0)
        socket->pump.fd_writable = true;
    if (socket->state == NOTIFY_CONNECTED)
        pump(socket);
}

static void begin_pump(struct notify_socket *s)
{
    s->state = NOTIFY_CONNECTED;
    s->pump = (struct nst_pump){.stack = s->notify->stack,
                                .socket = s->socket,
                                .fd = s->watch.fd,
                                .fd_readable = true,
                                .fd_writable = true};
}

/* ---- Connect ---- */

static void finish_connect(struct notify_socket *s)
{
    int error = nst_socket_error(s->notify->stack, s->socket);
    drain(s);
    if (error == 0) {
        begin_pump(s);
    } else {
        s->state = NOTIFY_FRESH;
        s->error = nst_errno_from_error(error);
        int r = notify_socket_renew(s);
        if (r < 0) {
            notify_socket_free(s, true);
            return;
        }
    }
    notify_socket_retry(s);
    if (error == 0)
        pump(s);
}

static int64_t begin_connect(struct notify_call *call, const struct nst_endpoint *to)
{
    struct notify_socket *s = call->socket;
    const struct nst_endpoint remote = notify_socket_translate(s, to);
    int nonblocking = 0;
    int r = nst_socket_connect(s->notify->stack, s->socket, &remote);
    if (r < 0 && r != -NST_EINPROGRESS)
        return notify_result(r);
    s->peer = *to;
    s->state = NOTIFY_CONNECTING;
    s->is_told = false;
    int end = notify_socket_take_end(s, &nonblocking);
    if (end >= 0) {
        if (nonblocking)
            fill(s, end);
        close(end);
    }
    if (nonblocking)
        return -EINPROGRESS;
    call->is_begun = true;
    return NOTIFY_WAIT;
}

static int64_t go_on_connecting(struct notify_call *call)
{
    int nonblocking = 0;
    int end = notify_socket_take_end(call->socket, &nonblocking);
    if (end >= 0)
        close(end);
    call->is_begun = true;
    return nonblocking ? -EALREADY : NOTIFY_WAIT;
}

int64_t notify_stream_connect(struct notify_call *call, const struct nst_endpoint *to)
{
    struct notify_socket *s = call->socket;
    switch (s->state) {
    case NOTIFY_CONNECTED:
        if (s->is_told)
            return -EISCONN;
        s->is_told = true;
        return 0;
    case NOTIFY_LISTENING:
        return -EISCONN;
    case NOTIFY_CONNECTING:
        return call->is_over ? -EINPROGRESS : go_on_connecting(call);
    case NOTIFY_FRESH:
        break;
    }
    if (s->error != 0)
        return -notify_socket_take_error(s);
    return call->is_begun ? -ECONNABORTED : begin_connect(call, to);
}

/* ---- Listen and accept ---- */

/* Takes the next connection that waits; and the byte that says so comes or goes. */
static void look_for_connection(struct notify_socket *s)
{
    if (s->accepted == 0 &&
        nst_socket_accept(s->notify->stack, s->socket, &s->accepted, &s->accepted_peer) < 0)
        s->accepted = 0;
    if ((s->accepted != 0) == s->has_token)
        return;
    if (!s->has_token) {
        s->has_token = send(s->watch.fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
        return;
    }
    char token;
    int end = notify_socket_take_end(s, NULL);
    if (end < 0)
        return;
    (void)!recv(end, &token, 1, MSG_DONTWAIT);
    close(end);
    s->has_token = false;
}

int64_t notify_stream_listen(struct notify_call *call, int backlog)
{
    static const struct nst_endpoint any;
    struct notify_socket *s = call->socket;
    struct nst_endpoint local;
    if (s->state != NOTIFY_FRESH && s->state != NOTIFY_LISTENING)
        return -EINVAL;
    if (s->state == NOTIFY_LISTENING)
        return 0;
    int r = nst_socket_get_local(s->notify->stack, s->socket, &local);
    if (r < 0 || local.port == 0)
        r = nst_socket_bind(s->notify->stack, s->socket, &any);
    if (r == 0) /* 0 is a small one; negative the largest, as it is for Linux */
        r = nst_socket_listen(s->notify->stack, s->socket,
                              backlog < 0 || backlog > 4096 ? 4096 : backlog + 1);
    if (r == 0)
        s->state = NOTIFY_LISTENING;
    return notify_result(r);
}

/* Hands `s->accepted` in. */
static int64_t hand_connection_in(struct notify_call *call, int flags)
{
    struct notify_socket *s = call->socket, *connection;
    int theirs;
    int r = notify_call_write_address(call, &s->accepted_peer, call->args[1], call->args[2]);
    if (r < 0)
        return r;
    r = notify_socket_new(s->notify, NST_STREAM, s->family, s->accepted, &theirs, &connection);
    if (r < 0)
        return r;
    if ((flags & SOCK_NONBLOCK) != 0) {
        int on = 1;
        ioctl(theirs, FIONBIO, &on);
    }
    r = notify_call_hand_in(call, theirs, (flags & SOCK_CLOEXEC) != 0);
    close(theirs);
    if (r < 0) {
        /* It waits on, for who asks next. */
        nst_socket_watch(s->notify->stack, s->accepted, 0, NULL);
        connection->socket = 0;
        notify_socket_free(connection, false);
        return r == -ENOENT ? NOTIFY_ANSWERED : r;
    }
    connection->peer = s->accepted_peer;
    connection->tid = call->tid;
    connection->fd = r;
    connection->is_told = true;
    s->accepted = 0;
    begin_pump(connection);
    look_for_connection(s);
    return NOTIFY_ANSWERED;
}

int64_t notify_stream_accept(struct notify_call *call, int flags)
{
    struct notify_socket *s = call->socket;
    int nonblocking = 0;
    if (s->state != NOTIFY_LISTENING || (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) != 0)
        return -EINVAL;
    look_for_connection(s);
    if (s->accepted != 0)
        return hand_connection_in(call, flags);
    int end = notify_socket_take_end(s, &nonblocking);
    if (end >= 0)
        close(end);
    return nonblocking || call->is_over ? -EAGAIN : NOTIFY_WAIT;
}

/* ---- Shutdown, and events of the guest's socket ---- */

int64_t notify_stream_shutdown(struct notify_call *call, int how)
{
    struct notify_socket *s = call->socket;
    if (how < SHUT_RD || how > SHUT_RDWR)
        return -EINVAL;
    if (s->state == NOTIFY_LISTENING && how != SHUT_WR) {
        s->state = NOTIFY_FRESH;
        int r = notify_socket_renew(s);
        notify_socket_retry(s); /* who waits in accept is told EINVAL */
        return r;
    }
    if (s->state != NOTIFY_CONNECTED)
        return -ENOTCONN;
    if (how != SHUT_WR)
        s->is_discarding = s->pump.out_ended = true;
    return NOTIFY_CONTINUE;
}

void notify_stream_on_stack(struct notify_socket *socket, uint32_t events)
{
    if (socket->state == NOTIFY_CONNECTING &&
        (events & (NST_READY_OUT | NST_READY_ERROR | NST_READY_HUP)) != 0) {
        finish_connect(socket);
    } else if (socket->state == NOTIFY_LISTENING) {
        look_for_connection(socket);
        notify_socket_retry(socket);
    } else if (socket->state == NOTIFY_CONNECTED) {
        int error = (events & NST_READY_ERROR) != 0
                        ? nst_socket_error(socket->notify->stack, socket->socket)
                        : 0;
        if (error != 0)
            fail(socket, error);
        else
            pump(socket);
    }
}
