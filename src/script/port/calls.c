/* SPDX-License-Identifier: Apache-2.0 */
/* The table's calls: each puts its arguments into a request. */
#include <errno.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "script/port/port.h"

/* ---- Life ---- */

static int64_t make_socket(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_socket(p, r->fd, r->number, r->flags);
}

static int port_socket(void *userdata, int domain, int type, int protocol)
{
    const struct request r = {make_socket, .fd = domain, .number = type, .flags = protocol};
    return (int)port_perform(userdata, &r);
}

static int64_t make_bind(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_bind(p, r->fd, r->addr, r->addr_len);
}

static int port_bind(void *userdata, int fd, const struct sockaddr *addr, socklen_t len)
{
    const struct request r = {make_bind, .fd = fd, .addr = (struct sockaddr *)addr,
                              .addr_len = len};
    return (int)port_perform(userdata, &r);
}

static int64_t make_listen(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_listen(p, r->fd, r->number);
}

static int port_listen(void *userdata, int fd, int backlog)
{
    const struct request r = {make_listen, .fd = fd, .number = backlog};
    return (int)port_perform(userdata, &r);
}

static int64_t make_accept(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_accept(p, r->fd, r->addr, r->ret_len, 0, wait);
}

static int port_accept(void *userdata, int fd, struct sockaddr *addr, socklen_t *len)
{
    const struct request r = {make_accept, .fd = fd, .addr = addr, .ret_len = len};
    return (int)port_perform(userdata, &r);
}

static int64_t make_connect(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_connect(p, r->fd, r->addr, r->addr_len, wait);
}

static int port_connect(void *userdata, int fd, const struct sockaddr *addr, socklen_t len)
{
    const struct request r = {make_connect, .fd = fd, .addr = (struct sockaddr *)addr,
                              .addr_len = len};
    return (int)port_perform(userdata, &r);
}

static int64_t make_close(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_close(p, r->fd, wait);
}

static int port_close(void *userdata, int fd)
{
    const struct request r = {make_close, .fd = fd};
    return (int)port_perform(userdata, &r);
}

static int64_t make_shutdown(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_shutdown(p, r->fd, r->number);
}

static int port_shutdown(void *userdata, int fd, int how)
{
    const struct request r = {make_shutdown, .fd = fd, .number = how};
    return (int)port_perform(userdata, &r);
}

/* ---- Data ---- */

static int64_t make_recvmsg(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_recvmsg(p, r->fd, r->data, r->flags, wait);
}

static ssize_t port_recvmsg(void *userdata, int fd, struct msghdr *msg, int flags)
{
    const struct request r = {make_recvmsg, .fd = fd, .data = msg, .flags = flags};
    return (ssize_t)port_perform(userdata, &r);
}

/* caps: ok: the table has fixed the parameters */
static ssize_t port_recvfrom(void *userdata, int fd, void *data, size_t size, int flags,
                             struct sockaddr *addr, socklen_t *len)
{
    struct iovec iov = {data, size};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_name = addr};
    if (len != NULL)
        msg.msg_namelen = *len;
    const ssize_t n = port_recvmsg(userdata, fd, &msg, flags);
    if (n >= 0 && len != NULL)
        *len = msg.msg_namelen;
    return n;
}

static ssize_t port_recv(void *userdata, int fd, void *data, size_t size, int flags)
{
    return port_recvfrom(userdata, fd, data, size, flags, NULL, NULL);
}

static int64_t make_readv(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_readv(p, r->fd, r->data, r->number, wait);
}

static ssize_t port_readv(void *userdata, int fd, const struct iovec *iov, int count)
{
    const struct request r = {make_readv, .fd = fd, .data = (void *)iov, .number = count};
    return (ssize_t)port_perform(userdata, &r);
}

static ssize_t port_read(void *userdata, int fd, void *data, size_t size)
{
    const struct iovec iov = {data, size};
    return port_readv(userdata, fd, &iov, 1);
}

static int64_t make_sendmsg(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_sendmsg(p, r->fd, r->data, r->flags, wait);
}

static ssize_t port_sendmsg(void *userdata, int fd, const struct msghdr *msg, int flags)
{
    const struct request r = {make_sendmsg, .fd = fd, .data = (void *)msg, .flags = flags};
    return (ssize_t)port_perform(userdata, &r);
}

/* caps: ok: the table has fixed the parameters */
static ssize_t port_sendto(void *userdata, int fd, const void *data, size_t size, int flags,
                           const struct sockaddr *addr, socklen_t len)
{
    struct iovec iov = {(void *)data, size};
    const struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_name = (void *)addr, .msg_namelen = len};
    return port_sendmsg(userdata, fd, &msg, flags);
}

static ssize_t port_send(void *userdata, int fd, const void *data, size_t size, int flags)
{
    return port_sendto(userdata, fd, data, size, flags, NULL, 0);
}

static int64_t make_writev(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_writev(p, r->fd, r->data, r->number, wait);
}

static ssize_t port_writev(void *userdata, int fd, const struct iovec *iov, int count)
{
    const struct request r = {make_writev, .fd = fd, .data = (void *)iov, .number = count};
    return (ssize_t)port_perform(userdata, &r);
}

static ssize_t port_write(void *userdata, int fd, const void *data, size_t size)
{
    const struct iovec iov = {(void *)data, size};
    return port_writev(userdata, fd, &iov, 1);
}

static int64_t make_splice(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_splice(p, r->fd, r->number, r->len, (unsigned)r->flags, wait);
}

/* caps: ok: the table has fixed the parameters */
static int port_splice(void *userdata, int in, loff_t *in_offset, int out, loff_t *out_offset,
                       size_t len, unsigned flags)
{
    const struct request r = {make_splice, .fd = in, .number = out, .len = len,
                              .flags = (int)flags};
    if (in_offset != NULL || out_offset != NULL) {
        errno = ESPIPE;
        return -1;
    }
    return (int)port_perform(userdata, &r);
}

static int64_t make_pipe(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_pipe(p, r->data, 0);
}

static int port_pipe(void *userdata, int fds[2])
{
    const struct request r = {make_pipe, .data = fds};
    return (int)port_perform(userdata, &r);
}

/* ---- Options and flags ---- */

static int64_t make_fcntl(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_fcntl(p, r->fd, r->number, r->flags);
}

static int port_fcntl(void *userdata, int fd, int command, ...)
{
    va_list args;
    va_start(args, command);
    const struct request r = {make_fcntl, .fd = fd, .number = command, .flags = va_arg(args, int)};
    va_end(args);
    return (int)port_perform(userdata, &r);
}

static int64_t make_ioctl(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_ioctl(p, r->fd, r->len, r->data);
}

static int port_ioctl(void *userdata, int fd, unsigned long request, ...)
{
    va_list args;
    va_start(args, request);
    const struct request r = {make_ioctl, .fd = fd, .len = request, .data = va_arg(args, void *)};
    va_end(args);
    return (int)port_perform(userdata, &r);
}

static int64_t make_getsockopt(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_getsockopt(p, r->fd, r->number, r->flags, r->data, r->ret_len);
}

static int port_getsockopt(void *userdata, int fd, int level, int name, void *value, socklen_t *len)
{
    const struct request r = {make_getsockopt, .fd = fd,      .number = level,
                              .flags = name,   .data = value, .ret_len = len};
    return (int)port_perform(userdata, &r);
}

static int64_t make_setsockopt(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_setsockopt(p, r->fd, r->number, r->flags, r->data, r->addr_len);
}

static int port_setsockopt(void *userdata, int fd, int level, int name, const void *value,
                           socklen_t len)
{
    const struct request r = {make_setsockopt,       .fd = fd,       .number = level, .flags = name,
                              .data = (void *)value, .addr_len = len};
    return (int)port_perform(userdata, &r);
}

/* ---- Readiness ---- */

static int64_t make_poll(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_poll(p, r->data, r->len, r->number, wait);
}

static int port_poll(void *userdata, struct pollfd *fds, nfds_t count, int timeout_ms)
{
    const struct request r = {make_poll, .data = fds, .len = count, .number = timeout_ms};
    return (int)port_perform(userdata, &r);
}

static int64_t make_epoll_create(struct kernel *p, const struct request *r,
                                 struct kernel_wait *wait)
{
    return r->number > 0 ? kernel_epoll_create(p, 0) : -EINVAL;
}

static int port_epoll_create(void *userdata, int size)
{
    const struct request r = {make_epoll_create, .number = size};
    return (int)port_perform(userdata, &r);
}

static int64_t make_epoll_ctl(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_epoll_ctl(p, r->fd, r->flags, r->number, r->data);
}

static int port_epoll_ctl(void *userdata, int epfd, int op, int fd, struct epoll_event *event)
{
    const struct request r = {make_epoll_ctl, .fd = epfd, .flags = op, .number = fd, .data = event};
    return (int)port_perform(userdata, &r);
}

static int64_t make_epoll_wait(struct kernel *p, const struct request *r, struct kernel_wait *wait)
{
    return kernel_epoll_wait(p, r->fd, r->data, r->flags, r->number, wait);
}

static int port_epoll_wait(void *userdata, int epfd, struct epoll_event *events, int max,
                           int timeout_ms)
{
    const struct request r = {make_epoll_wait, .fd = epfd, .data = events, .flags = max,
                              .number = timeout_ms};
    return (int)port_perform(userdata, &r);
}

void port_fill_calls(struct packetdrill_interface *table)
{
    table->socket = port_socket;
    table->bind = port_bind;
    table->listen = port_listen;
    table->accept = port_accept;
    table->connect = port_connect;
    table->read = port_read;
    table->readv = port_readv;
    table->recv = port_recv;
    table->recvfrom = port_recvfrom;
    table->recvmsg = port_recvmsg;
    table->write = port_write;
    table->writev = port_writev;
    table->send = port_send;
    table->sendto = port_sendto;
    table->sendmsg = port_sendmsg;
    table->fcntl = port_fcntl;
    table->ioctl = port_ioctl;
    table->close = port_close;
    table->shutdown = port_shutdown;
    table->getsockopt = port_getsockopt;
    table->setsockopt = port_setsockopt;
    table->poll = port_poll;
    table->epoll_create = port_epoll_create;
    table->epoll_ctl = port_epoll_ctl;
    table->epoll_wait = port_epoll_wait;
    table->pipe = port_pipe;
    table->splice = port_splice;
}
