/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pump between a stream of the stack and a stream socket of the system.
 *
 * Theory of operation. Bytes are read from the descriptor into the stack's send buffer, and written
 * to it from the stack's receive buffer: one copy each way, by the kernel. A direction stops when
 * its reader has nothing or its writer no room, and goes on when the other side says so: so
 * back-pressure of the descriptor fills the stack's receive buffer and closes the peer's window,
 * and a stream without room leaves bytes in the descriptor. The descriptor is watched
 * edge-triggered: one system call in its life, and what it said last is remembered until the call
 * that says otherwise.
 *
 * The end of one direction (FIN) is passed on when everything before it was. At most PUMP_MAX bytes
 * move each way in one call.
 */
#include <nicstack/host.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define PUMP_MAX   (1024 * 1024)
#define PIECES_MAX 16

/* The stack's pieces go to the system as they are. */
_Static_assert(sizeof(struct nst_iovec) == sizeof(struct iovec) &&
                   offsetof(struct nst_iovec, base) == offsetof(struct iovec, iov_base) &&
                   offsetof(struct nst_iovec, len) == offsetof(struct iovec, iov_len),
               "nst_iovec is laid out as iovec");

static int end_out(struct nst_pump *pump)
{
    pump->out_ended = true;
    shutdown(pump->fd, SHUT_WR);
    return NST_PUMP_WAITS;
}

/* From the stack to the descriptor. */
static int pump_out(struct nst_pump *pump)
{
    size_t moved = 0;
    while (!pump->out_ended && pump->fd_writable) {
        struct nst_iovec pieces[PIECES_MAX];
        int n = nst_socket_recv_lend(pump->stack, pump->socket, pieces, PIECES_MAX);
        if (n == 0)
            return end_out(pump);
        if (n < 0)
            return n == -NST_EAGAIN ? NST_PUMP_WAITS : n;
        const struct msghdr message = {.msg_iov = (struct iovec *)(void *)pieces,
                                       .msg_iovlen = (size_t)n};
        ssize_t w = sendmsg(pump->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (w < 0 && errno == EAGAIN)
            pump->fd_writable = false;
        else if (w < 0 && errno != EINTR)
            return -nst_error_from_errno(errno);
        if (w <= 0)
            continue;
        nst_socket_recv_consume(pump->stack, pump->socket, (size_t)w);
        pump->bytes_out += (uint64_t)w;
        moved += (size_t)w;
        if (moved >= PUMP_MAX)
            return NST_PUMP_MORE;
    }
    return NST_PUMP_WAITS;
}

/* There is no room in the stack's send buffer: it tells when there is. There is no memory for it:
 * nobody tells. */
static int wait_for_room(int error)
{
    if (error == -NST_ENOMEM)
        return NST_PUMP_STARVED;
    return error == -NST_EAGAIN ? NST_PUMP_WAITS : error;
}

/* From the descriptor to the stack. */
static int pump_in(struct nst_pump *pump)
{
    size_t moved = 0;
    while (!pump->in_ended && pump->fd_readable) {
        struct nst_iovec pieces[PIECES_MAX];
        int n = nst_socket_send_reserve(pump->stack, pump->socket, pieces, PIECES_MAX);
        if (n < 0)
            return wait_for_room(n);
        ssize_t r = readv(pump->fd, (const struct iovec *)(const void *)pieces, n);
        if (r < 0 && errno == EAGAIN) {
            pump->fd_readable = false;
        } else if (r < 0 && errno != EINTR) {
            return -nst_error_from_errno(errno);
        } else if (r == 0) {
            pump->in_ended = true;
            nst_socket_shutdown(pump->stack, pump->socket, NST_SHUT_SEND);
        }
        if (r <= 0)
            continue;
        nst_socket_send_commit(pump->stack, pump->socket, (size_t)r);
        pump->bytes_in += (uint64_t)r;
        moved += (size_t)r;
        if (moved >= PUMP_MAX)
            return NST_PUMP_MORE;
    }
    return NST_PUMP_WAITS;
}

int nst_pump_run(struct nst_pump *pump)
{
    int out = pump_out(pump);
    if (out < 0)
        return out;
    int in = pump_in(pump);
    if (in < 0)
        return in;
    if (pump->out_ended && pump->in_ended)
        return NST_PUMP_ENDED;
    if (out == NST_PUMP_MORE || in == NST_PUMP_MORE)
        return NST_PUMP_MORE;
    return in;
}
