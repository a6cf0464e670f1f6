/* SPDX-License-Identifier: Apache-2.0 */
/* Sends and receives. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <nicstack/host.h>

#include "script/kernel.h"
#include "script/kernel_address.h"

#define IOV_LIMIT 1024

static int64_t total(const struct iovec *iov, size_t count)
{
    int64_t sum = 0;
    if (count > IOV_LIMIT)
        return -EMSGSIZE;
    if (iov == NULL && count > 0)
        return -EFAULT;
    for (size_t i = 0; i < count; i++) {
        if (iov[i].iov_len > (size_t)INT32_MAX)
            return -EINVAL;
        if (iov[i].iov_base == NULL && iov[i].iov_len > 0)
            return -EFAULT;
        sum += (int64_t)iov[i].iov_len;
    }
    return sum;
}

/* The pieces behind the first `skip` bytes. Returns how many. */
static size_t pieces_after(const struct iovec *iov, size_t count, size_t skip,
                           struct nst_iovec *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const size_t over = skip < iov[i].iov_len ? skip : iov[i].iov_len;
        skip -= over;
        if (iov[i].iov_len > over)
            ret[n++] = (struct nst_iovec){(uint8_t *)iov[i].iov_base + over, iov[i].iov_len - over};
    }
    return n;
}

size_t kernel_scatter(const struct iovec *iov, size_t count, const uint8_t *flat, size_t len)
{
    size_t at = 0;
    for (size_t i = 0; i < count && at < len; i++) {
        const size_t left = len - at;
        const size_t n = left < iov[i].iov_len ? left : iov[i].iov_len;
        if (n > 0)
            memcpy(iov[i].iov_base, flat + at, n);
        at += n;
    }
    return at;
}

/* ---- Sending ---- */

/* What a control message asks for holds for one datagram. Returns what it was before. */
static int64_t swap(struct kernel *p, const struct kernel_file *f, enum nst_option option,
                    int64_t value)
{
    int64_t before = -1;
    if (value >= 0) {
        nst_socket_get(p->world->stack, f->socket, option, &before);
        nst_socket_set(p->world->stack, f->socket, option, value);
    }
    return before;
}

static int64_t send_flat(struct kernel *p, const struct kernel_file *f, const struct iovec *data,
                         const struct kernel_send *send, struct nst_endpoint *to)
{
    struct nst_endpoint peer;
    if (send->nic != 0 && to == NULL &&
        nst_socket_get_remote(p->world->stack, f->socket, &peer) == 0)
        to = &peer;
    if (to != NULL)
        to->nic = send->nic;
    const int64_t ttl = swap(p, f, NST_OPT_TTL, send->ttl);
    const int64_t tos = swap(p, f, NST_OPT_TOS, send->tos);
    const int64_t r =
        nst_socket_sendto(p->world->stack, f->socket, data->iov_base, data->iov_len, 0, to);
    swap(p, f, NST_OPT_TTL, ttl);
    swap(p, f, NST_OPT_TOS, tos);
    return r;
}

static int64_t send_datagram(struct kernel *p, const struct kernel_file *f,
                             const struct msghdr *msg, size_t len, const struct kernel_send *send)
{
    struct nst_endpoint to;
    if (msg->msg_name != NULL) {
        const int r = kernel_address_get(f->family, msg->msg_name, msg->msg_namelen, &to);
        if (r < 0)
            return r;
    }
    uint8_t *flat = malloc(len + 1);
    if (flat == NULL)
        return -ENOBUFS;
    size_t at = 0;
    for (size_t i = 0; i < msg->msg_iovlen; i++) {
        if (msg->msg_iov[i].iov_len > 0)
            memcpy(flat + at, msg->msg_iov[i].iov_base, msg->msg_iov[i].iov_len);
        at += msg->msg_iov[i].iov_len;
    }
    const struct iovec data = {flat, len};
    const int64_t r = send_flat(p, f, &data, send, msg->msg_name != NULL ? &to : NULL);
    free(flat);
    if (r == -NST_ENOTCONN)
        return -EDESTADDRREQ;
    if (r == -NST_EPERM)
        return -EACCES; /* a broadcast */
    return r < 0 ? -nst_errno_from_error((int)r) : r;
}

static int64_t send_stream(struct kernel *p, const struct kernel_file *f, const struct msghdr *msg,
                           int flags, struct kernel_wait *wait)
{
    struct nst_iovec pieces[IOV_LIMIT];
    const size_t count = pieces_after(msg->msg_iov, msg->msg_iovlen, wait->done, pieces);
    const uint32_t more = (flags & MSG_MORE) != 0 ? NST_MSG_MORE : 0;
    return nst_socket_sendv(p->world->stack, f->socket, pieces, count, more);
}

/* A blocking send goes on until all is taken. */
static int64_t send_all(struct kernel *p, struct kernel_file *f, const struct msghdr *msg,
                        int flags, struct kernel_wait *wait)
{
    const int64_t len = total(msg->msg_iov, msg->msg_iovlen);
    for (;;) {
        int64_t r = send_stream(p, f, msg, flags, wait);
        if (r > 0)
            wait->done += (size_t)r;
        if (r >= 0 && (int64_t)wait->done >= len)
            return (int64_t)wait->done;
        if (r >= 0)
            continue;
        if (r == -NST_EAGAIN)
            r = kernel_block(p, f, flags, f->sndtimeo, wait);
        else
            r = r == -NST_ENOTCONN ? -EPIPE : -kernel_error_number(p, f, (int)r);
        return r != KERNEL_WAIT && wait->done > 0 ? (int64_t)wait->done : r;
    }
}

static int refuse_flags(struct kernel *p, int flags)
{
    return kernel_refuse_named(
        p, EOPNOTSUPP, (flags & MSG_OOB) != 0 ? "MSG_OOB of a send" : "MSG_FASTOPEN (RFC 7413)");
}

int64_t kernel_sendmsg(struct kernel *p, int fd, const struct msghdr *msg, int flags,
                       struct kernel_wait *wait)
{
    struct kernel_file *f;
    struct kernel_send send;
    int r = kernel_find_socket(p, fd, &f);
    if (r < 0)
        return r;
    if (msg == NULL)
        return -EFAULT;
    const int64_t len = total(msg->msg_iov, msg->msg_iovlen);
    if (len < 0)
        return len;
    if ((flags & (MSG_OOB | MSG_FASTOPEN)) != 0)
        return refuse_flags(p, flags);
    r = kernel_control_take(p, f, msg, &send);
    if (r == 0)
        r = kernel_error_take(f);
    if (r < 0)
        return r;
    int64_t n = -EMSGSIZE;
    if (f->type == NST_STREAM)
        n = send_all(p, f, msg, flags, wait);
    else if (len <= 65535)
        n = send_datagram(p, f, msg, (size_t)len, &send);
    if (n >= 0)
        kernel_stamp_sent(p, f, send.stamping >= 0 ? (uint32_t)send.stamping : f->side.stamping,
                          (flags & MSG_ZEROCOPY) != 0, (size_t)n);
    return n;
}

/* ---- Receiving ---- */

/* A look at what waits, as one piece: looking does not move on. */
static int64_t peek_stream(struct kernel *p, const struct kernel_file *f, const struct msghdr *msg,
                           struct nst_message *ret_message)
{
    int64_t unread = 0;
    const int64_t room = total(msg->msg_iov, msg->msg_iovlen);
    nst_socket_get(p->world->stack, f->socket, NST_OPT_RECEIVE_QUEUED, &unread);
    const size_t size = (size_t)(unread < room ? unread : room);
    uint8_t *flat = malloc(size + 1);
    if (flat == NULL)
        return -NST_ENOBUFS;
    const int64_t r = nst_socket_recvfrom(p->world->stack, f->socket, flat, size > 0 ? size : 1,
                                          NST_MSG_PEEK, ret_message);
    if (r > 0)
        kernel_scatter(msg->msg_iov, msg->msg_iovlen, flat, (size_t)r < size ? (size_t)r : size);
    free(flat);
    return r;
}

static int64_t receive_stream(struct kernel *p, const struct kernel_file *f, struct msghdr *msg,
                              int flags, struct kernel_wait *wait, struct nst_message *ret_message)
{
    struct nst_iovec pieces[IOV_LIMIT];
    const size_t count = pieces_after(msg->msg_iov, msg->msg_iovlen, wait->done, pieces);
    int64_t sum = 0;
    if (count == 0)
        return nst_socket_recv(p->world->stack, f->socket, NULL, 0, 0);
    if ((flags & MSG_PEEK) != 0)
        return peek_stream(p, f, msg, ret_message);
    for (size_t i = 0; i < count; i++) {
        const int64_t r = nst_socket_recvfrom(p->world->stack, f->socket, pieces[i].base,
                                              pieces[i].len, 0, ret_message);
        if (r < 0)
            return sum > 0 ? sum : r;
        sum += r;
        if (r < (int64_t)pieces[i].len)
            break;
    }
    return sum;
}

static int64_t receive_datagram(struct kernel *p, const struct kernel_file *f, struct msghdr *msg,
                                int flags, struct nst_message *ret_message)
{
    static const size_t room = 65536;
    const uint32_t peek = (flags & MSG_PEEK) != 0 ? NST_MSG_PEEK : 0;
    uint8_t *flat = malloc(room);
    if (flat == NULL)
        return -NST_ENOBUFS;
    const int64_t r =
        nst_socket_recvfrom(p->world->stack, f->socket, flat, room, peek, ret_message);
    const size_t at = r > 0 ? kernel_scatter(msg->msg_iov, msg->msg_iovlen, flat, (size_t)r) : 0;
    free(flat);
    if (r < 0)
        return r;
    if (msg->msg_name != NULL)
        kernel_address_put(f->family, &ret_message->remote, msg->msg_name, &msg->msg_namelen);
    if (at < (size_t)r)
        msg->msg_flags |= MSG_TRUNC;
    return (flags & MSG_TRUNC) != 0 ? r : (int64_t)at;
}

static int64_t receive(struct kernel *p, struct kernel_file *f, struct msghdr *msg, int flags,
                       struct kernel_wait *wait, struct nst_message *ret_message)
{
    if (f->type != NST_STREAM)
        return receive_datagram(p, f, msg, flags, ret_message);
    const int64_t r = receive_stream(p, f, msg, flags, wait, ret_message);
    if (r > 0 && (flags & MSG_PEEK) == 0)
        wait->done += (size_t)r;
    return r;
}

/* What has come, or KERNEL_WAIT. */
static int64_t receive_all(struct kernel *p, struct kernel_file *f, struct msghdr *msg, int flags,
                           struct kernel_wait *wait, struct nst_message *ret_message)
{
    const int64_t len = total(msg->msg_iov, msg->msg_iovlen);
    int64_t r = receive(p, f, msg, flags, wait, ret_message);
    const bool all = (flags & MSG_WAITALL) != 0 && (flags & MSG_PEEK) == 0 && f->type == NST_STREAM;
    if (r > 0 && !(all && (int64_t)wait->done < len))
        return all ? (int64_t)wait->done : r;
    if (r == -NST_EAGAIN || r > 0) {
        r = kernel_block(p, f, flags, f->rcvtimeo, wait);
        return r != KERNEL_WAIT && wait->done > 0 ? (int64_t)wait->done : r;
    }
    if (wait->done > 0)
        return (int64_t)wait->done;
    return r < 0 ? -kernel_error_number(p, f, (int)r) : r;
}

int64_t kernel_recvmsg(struct kernel *p, int fd, struct msghdr *msg, int flags,
                       struct kernel_wait *wait)
{
    struct kernel_file *f;
    struct nst_message message = {0};
    int64_t r = kernel_find_socket(p, fd, &f);
    if (r < 0)
        return r;
    if (msg == NULL)
        return -EFAULT;
    r = total(msg->msg_iov, msg->msg_iovlen);
    if (r < 0)
        return r;
    msg->msg_flags = 0;
    if ((flags & MSG_ERRQUEUE) != 0)
        return kernel_error_recv(p, f, msg);
    if ((flags & MSG_OOB) != 0)
        return -EINVAL; /* urgent data stays in line */
    r = kernel_error_take(f);
    if (r == 0)
        r = receive_all(p, f, msg, flags, wait, &message);
    if (r >= 0)
        kernel_control_put(p, f, msg, &message, r);
    return r;
}

/* ---- read and write ---- */

int64_t kernel_readv(struct kernel *p, int fd, const struct iovec *iov, int count,
                     struct kernel_wait *wait)
{
    struct kernel_file *f = kernel_file(p, fd);
    if (f == NULL)
        return -EBADF;
    if (count < 0)
        return -EINVAL;
    if (f->kind == KERNEL_PIPE) {
        const int64_t r = kernel_pipe_read(f, iov, count);
        return r == -EAGAIN ? kernel_block(p, f, 0, 0, wait) : r;
    }
    if (f->kind != KERNEL_SOCKET)
        return -EINVAL;
    struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count};
    return kernel_recvmsg(p, fd, &msg, 0, wait);
}

int64_t kernel_writev(struct kernel *p, int fd, const struct iovec *iov, int count,
                      struct kernel_wait *wait)
{
    struct kernel_file *f = kernel_file(p, fd);
    if (f == NULL)
        return -EBADF;
    if (count < 0)
        return -EINVAL;
    if (f->kind == KERNEL_PIPE) {
        const int64_t r = kernel_pipe_write(f, iov, count);
        return r == -EAGAIN ? kernel_block(p, f, 0, 0, wait) : r;
    }
    if (f->kind != KERNEL_SOCKET)
        return -EINVAL;
    struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count};
    return kernel_sendmsg(p, fd, &msg, 0, wait);
}
