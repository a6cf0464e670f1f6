/* SPDX-License-Identifier: Apache-2.0 */
/* UDP and ping of the program: see notify.h. */
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "notify/notify_address.h"
#include "notify/notify_socket.h"
#include "notify/notify_target.h"

#define BATCH        64
#define DATAGRAM_MAX 65507

int64_t notify_datagram_connect(struct notify_call *call, const struct nst_endpoint *to)
{
    static const struct nst_endpoint none;
    struct notify_socket *s = call->socket;
    const bool ends = to->port == 0 && nst_addr_equal(&to->addr, &none.addr);
    const struct nst_endpoint remote = ends ? none : notify_socket_translate(s, to);
    int r = nst_socket_connect(s->notify->stack, s->socket, &remote);
    if (r < 0)
        return notify_result(r);
    s->peer = *to;
    s->state = ends ? NOTIFY_FRESH : NOTIFY_CONNECTED;
    s->error = 0;
    return 0;
}

/* ---- Sending ---- */

int64_t notify_datagram_send(struct notify_call *call, const struct notify_datagram *datagram)
{
    struct notify_socket *s = call->socket;
    struct notify *n = s->notify;
    struct nst_endpoint to;
    uint8_t name[NOTIFY_ADDRESS_MAX];
    size_t size;
    if (s->error != 0)
        return -notify_socket_take_error(s);
    int r = notify_message_measure(datagram->pieces, datagram->piece_count, DATAGRAM_MAX, &size);
    if (r < 0 || size > DATAGRAM_MAX)
        return r < 0 ? r : -EMSGSIZE;
    if (datagram->name == 0 && s->state != NOTIFY_CONNECTED)
        return -EDESTADDRREQ;
    const size_t name_len = datagram->name_len < sizeof(name) ? datagram->name_len : sizeof(name);
    if (datagram->name != 0) {
        r = notify_target_read(call->tid, datagram->name, name, name_len);
        if (r == 0)
            r = notify_address_parse(s->family, name, name_len, &to);
    }
    if (r == 0)
        r = notify_target_gather(call->tid, datagram->pieces, datagram->piece_count, n->buffer,
                                 size);
    if (r < 0)
        return r;
    if (!notify_call_is_alive(call))
        return NOTIFY_ANSWERED;
    if (datagram->name != 0)
        to = notify_socket_translate(s, &to);
    int64_t sent = nst_socket_sendto(n->stack, s->socket, n->buffer, size, 0,
                                     datagram->name != 0 ? &to : NULL);
    /* What there is no room for is lost, as on any path. */
    return sent == -NST_EAGAIN ? (int64_t)size : notify_result(sent);
}

/* What the program sent to its peer by itself. */
static void take_sent(struct notify_socket *s)
{
    struct notify *n = s->notify;
    for (;;) {
        ssize_t size = recv(s->watch.fd, n->buffer, NOTIFY_BUFFER_SIZE, MSG_DONTWAIT);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return;
        if (size == 0) { /* an empty datagram, or the end */
            struct pollfd fd = {.fd = s->watch.fd, .events = POLLIN | POLLRDHUP};
            if (poll(&fd, 1, 0) == 1 && (fd.revents & (POLLHUP | POLLRDHUP)) != 0)
                return;
        }
        if (s->state == NOTIFY_CONNECTED)
            nst_socket_send(n->stack, s->socket, n->buffer, (size_t)size, 0);
    }
}

/* ---- Receiving ---- */

/* Whether the program's end is empty. */
static bool is_empty(const struct notify_socket *s)
{
    int queued = 0;
    return ioctl(s->watch.fd, SIOCOUTQ, &queued) == 0 && queued == 0;
}

/*
 * From the guest's socket into the program's end: all that there is from a peer, else the next one
 * when the one before was taken. That there is something new wakes who waits.
 */
static void push(struct notify_socket *s)
{
    struct notify *n = s->notify;
    bool pushed = false;
    for (int i = 0;; i++) {
        struct nst_message message;
        if (i == BATCH) {
            nst_loop_arm(n->config.loop, &s->timer, nst_loop_now(n->config.loop));
            break;
        }
        if (s->state != NOTIFY_CONNECTED && !is_empty(s))
            break;
        int64_t size = nst_socket_recvfrom(n->stack, s->socket, n->buffer, NOTIFY_BUFFER_SIZE,
                                           NST_MSG_PEEK, &message);
        if (size < 0)
            break;
        if (send(s->watch.fd, n->buffer, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
            errno == EAGAIN)
            break; /* epoll tells when there is room */
        nst_socket_recv(n->stack, s->socket, n->buffer, 0, 0);
        s->sender = message.remote;
        pushed = true;
    }
    if (pushed)
        notify_socket_retry(s);
}

static struct nst_endpoint sender_of(const struct notify_socket *s)
{
    if (s->state == NOTIFY_CONNECTED)
        return s->peer;
    struct nst_endpoint sender = s->sender;
    if (s->has_alias && nst_addr_equal(&sender.addr, &s->notify->config.dns))
        sender.addr = s->alias;
    return sender;
}

/* Writes the sender where the receiver wants it. */
static int write_sender(struct notify_call *call, struct notify_datagram *datagram)
{
    struct notify_socket *s = call->socket;
    const struct nst_endpoint sender = sender_of(s);
    if (datagram->name_len_at != 0)
        return notify_call_write_address(call, &sender, datagram->name, datagram->name_len_at);
    uint8_t name[NOTIFY_ADDRESS_MAX];
    size_t len = notify_address_build(s->family, &sender, name);
    datagram->ret_name_len = (uint32_t)len;
    if (datagram->name == 0)
        return 0;
    return notify_target_write(call->tid, datagram->name, name,
                               len < datagram->name_len ? len : datagram->name_len);
}

int64_t notify_datagram_receive(struct notify_call *call, int end, struct notify_datagram *datagram)
{
    struct notify_socket *s = call->socket;
    struct notify *n = s->notify;
    size_t room;
    ssize_t size = recv(end, n->buffer, NOTIFY_BUFFER_SIZE, MSG_PEEK | MSG_DONTWAIT);
    if (size <= 0 && s->error != 0) {
        if (size == 0)
            notify_datagram_consume(s, end); /* it only said that there is an error */
        return -notify_socket_take_error(s);
    }
    if (size < 0)
        return -errno;
    int r = notify_message_measure(datagram->pieces, datagram->piece_count, (size_t)size, &room);
    if (r < 0)
        return r;
    const size_t copied = room < (size_t)size ? room : (size_t)size;
    if (!notify_call_is_alive(call))
        return NOTIFY_ANSWERED;
    r = notify_target_scatter(call->tid, datagram->pieces, datagram->piece_count, n->buffer,
                              copied);
    if (r == 0)
        r = write_sender(call, datagram);
    if (r < 0)
        return r;
    datagram->ret_truncated = room < (size_t)size;
    return (datagram->flags & MSG_TRUNC) != 0 ? (int64_t)size : (int64_t)copied;
}

void notify_datagram_consume(struct notify_socket *socket, int end)
{
    (void)!recv(end, socket->notify->buffer, NOTIFY_BUFFER_SIZE, MSG_DONTWAIT);
}

/* ---- Events ---- */

void notify_datagram_on_end(struct notify_socket *socket, uint32_t events)
{
    if ((events & EPOLLIN) != 0)
        take_sent(socket);
    if ((events & EPOLLHUP) != 0)
        notify_socket_free(socket, false);
    else
        push(socket);
}

void notify_datagram_on_stack(struct notify_socket *socket, uint32_t events)
{
    int error = 0;
    if ((events & NST_READY_ERROR) != 0)
        error = nst_socket_error(socket->notify->stack, socket->socket);
    push(socket);
    if (error == 0 || socket->state != NOTIFY_CONNECTED)
        return;
    socket->error = nst_errno_from_error(error);
    send(socket->watch.fd, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL);
    notify_socket_retry(socket);
}
