/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors and the life of a socket. */
#include "script/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <nicstack/host.h>

#include "script/kernel_address.h"

#define FIRST_FD          3
#define PORT_UNPRIVILEGED 1024 /* the first that anybody may bind */

static void ran(void *context)
{
    kernel_side_ran(context);
}

void kernel_init(struct kernel *p, struct stage *world)
{
    *p = (struct kernel){.world = world, .capabilities = UINT64_MAX};
    world->ran = ran;
    world->context = p;
}

struct kernel_file *kernel_file(const struct kernel *p, int fd)
{
    return fd >= 0 && fd < KERNEL_FDS_MAX ? p->files[fd] : NULL;
}

bool kernel_may(const struct kernel *p, int capability)
{
    return (p->capabilities >> capability & 1) != 0;
}

int kernel_refuse(struct kernel *p, int error, const char *what, int64_t number)
{
    if (p->unsupported == NULL) {
        snprintf(p->unsupported_text, sizeof(p->unsupported_text), "%s %lld is not built in", what,
                 (long long)number);
        p->unsupported = p->unsupported_text;
    }
    return -error;
}

int kernel_refuse_named(struct kernel *p, int error, const char *name)
{
    if (p->unsupported == NULL) {
        snprintf(p->unsupported_text, sizeof(p->unsupported_text), "%s is not built in", name);
        p->unsupported = p->unsupported_text;
    }
    return -error;
}

static int free_number(const struct kernel *p)
{
    if (p->take_number != NULL)
        return p->take_number(p->context);
    for (int fd = FIRST_FD; fd < KERNEL_FDS_MAX; fd++)
        if (p->files[fd] == NULL)
            return fd;
    return -EMFILE;
}

int kernel_new_file(struct kernel *p, enum kernel_kind kind, int flags,
                    struct kernel_file **ret_file)
{
    const int fd = free_number(p);
    if (fd < 0)
        return fd;
    struct kernel_file *f = fd < KERNEL_FDS_MAX ? calloc(1, sizeof(*f)) : NULL;
    if (f == NULL) {
        if (p->give_number != NULL)
            p->give_number(p->context, fd);
        return -EMFILE;
    }
    f->kind = kind;
    kernel_side_init(&f->side);
    f->fd = fd;
    f->flags = flags;
    p->files[fd] = f;
    *ret_file = f;
    return fd;
}

static void free_file(struct kernel *p, struct kernel_file *f)
{
    kernel_epoll_forget(p, f->fd);
    p->files[f->fd] = NULL;
    if (p->give_number != NULL)
        p->give_number(p->context, f->fd);
    if (f->kind == KERNEL_EPOLL)
        kernel_epoll_free(f);
    if (f->kind == KERNEL_PIPE)
        kernel_pipe_close(f);
    kernel_side_free(&f->side);
    free(f);
}

int kernel_find_socket(const struct kernel *p, int fd, struct kernel_file **ret_file)
{
    struct kernel_file *f = kernel_file(p, fd);
    if (f == NULL)
        return -EBADF;
    if (f->kind != KERNEL_SOCKET)
        return -ENOTSOCK;
    *ret_file = f;
    return 0;
}

int64_t kernel_block(struct kernel *p, const struct kernel_file *f, int flags, nst_time timeout,
                     struct kernel_wait *wait)
{
    if ((f->flags & O_NONBLOCK) != 0 || (flags & MSG_DONTWAIT) != 0)
        return -EAGAIN;
    if (!wait->begun) {
        wait->begun = true;
        wait->until = timeout > 0 ? p->world->now + timeout : NST_TIME_NEVER;
    }
    return p->world->now >= wait->until ? -EAGAIN : KERNEL_WAIT;
}

void kernel_fini(struct kernel *p)
{
    p->world->ran = NULL;
    for (int fd = 0; fd < KERNEL_FDS_MAX; fd++) {
        struct kernel_file *f = p->files[fd];
        if (f == NULL)
            continue;
        if (f->kind == KERNEL_SOCKET)
            nst_socket_close(p->world->stack, f->socket);
        free_file(p, f);
    }
}

/* ---- Opening ---- */

/* The stack's type of a domain, type and protocol; or a negative errno. */
static int socket_type(struct kernel *p, int domain, int type, int protocol)
{
    const int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (domain != AF_INET && domain != AF_INET6)
        return -EAFNOSUPPORT;
    if (kind == SOCK_STREAM)
        return protocol == 0 || protocol == IPPROTO_TCP ? NST_STREAM : -EPROTONOSUPPORT;
    if (kind == SOCK_DGRAM) {
        if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
            return NST_PING;
        return protocol == 0 || protocol == IPPROTO_UDP ? NST_DATAGRAM : -EPROTONOSUPPORT;
    }
    if (kind == SOCK_RAW && !kernel_may(p, CAP_NET_RAW))
        return -EPERM;
    return kernel_refuse(p, ESOCKTNOSUPPORT, "socket type", kind);
}

int kernel_socket(struct kernel *p, int domain, int type, int protocol)
{
    struct kernel_file *f;
    nst_socket socket;
    const int kind = socket_type(p, domain, type, protocol);
    if (kind < 0)
        return kind;
    const int r = nst_socket_open(p->world->stack, (enum nst_socket_type)kind, &socket);
    if (r < 0)
        return -nst_errno_from_error(r);
    const int nonblock = (type & SOCK_NONBLOCK) != 0 ? O_NONBLOCK : 0;
    const int fd = kernel_new_file(p, KERNEL_SOCKET, O_RDWR | nonblock, &f);
    if (fd < 0) {
        nst_socket_close(p->world->stack, socket);
        return fd;
    }
    f->socket = socket;
    f->type = (enum nst_socket_type)kind;
    f->family = domain;
    return fd;
}

int kernel_bind(struct kernel *p, int fd, const struct sockaddr *addr, socklen_t len)
{
    struct kernel_file *f;
    struct nst_endpoint local;
    int r = kernel_find_socket(p, fd, &f);
    if (r == 0)
        r = kernel_address_get(f->family, addr, len, &local);
    if (r < 0)
        return r;
    if (local.port > 0 && local.port < PORT_UNPRIVILEGED && !kernel_may(p, CAP_NET_BIND_SERVICE))
        return -EACCES;
    return -nst_errno_from_error(nst_socket_bind(p->world->stack, f->socket, &local));
}

int kernel_listen(struct kernel *p, int fd, int backlog)
{
    struct kernel_file *f;
    int r = kernel_find_socket(p, fd, &f);
    if (r < 0)
        return r;
    if (f->type != NST_STREAM)
        return -EOPNOTSUPP;
    backlog = backlog < 1 ? 1 : backlog > 4096 ? 4096 : backlog;
    r = nst_socket_listen(p->world->stack, f->socket, backlog);
    /* A socket without a name gets one, as on Linux. */
    if (r == -NST_EINVAL && !f->connected && !f->connecting && !f->listening) {
        const struct nst_endpoint any = {0};
        if (nst_socket_bind(p->world->stack, f->socket, &any) == 0)
            r = nst_socket_listen(p->world->stack, f->socket, backlog);
    }
    if (r == 0)
        f->listening = true;
    return -nst_errno_from_error(r);
}

static int adopt(struct kernel *p, const struct kernel_file *listener, nst_socket socket, int flags)
{
    struct kernel_file *f;
    const int nonblock = (flags & SOCK_NONBLOCK) != 0 ? O_NONBLOCK : 0;
    const int fd = kernel_new_file(p, KERNEL_SOCKET, O_RDWR | nonblock, &f);
    if (fd < 0) {
        nst_socket_abort(p->world->stack, socket);
        return fd;
    }
    f->socket = socket;
    f->type = NST_STREAM;
    f->family = listener->family;
    f->connected = true;
    kernel_side_inherit(p, f, listener);
    return fd;
}

int64_t kernel_accept(struct kernel *p, int fd, struct sockaddr *addr, socklen_t *len, int flags,
                      struct kernel_wait *wait)
{
    struct kernel_file *f;
    struct nst_endpoint peer;
    nst_socket socket;
    int r = kernel_find_socket(p, fd, &f);
    if (r < 0)
        return r;
    if (f->type != NST_STREAM)
        return -EOPNOTSUPP;
    r = nst_socket_accept(p->world->stack, f->socket, &socket, &peer);
    if (r == -NST_EAGAIN)
        return kernel_block(p, f, 0, f->rcvtimeo, wait);
    if (r < 0)
        return -nst_errno_from_error(r);
    r = adopt(p, f, socket, flags);
    if (r >= 0)
        kernel_address_put(f->family, &peer, addr, len);
    return r;
}

/* How a connection attempt stands. */
static int64_t connect_result(struct kernel *p, struct kernel_file *f, struct kernel_wait *wait)
{
    struct nst_stack *stack = p->world->stack;
    const int events = nst_socket_events(stack, f->socket);
    if ((events & NST_READY_ERROR) != 0) {
        f->connecting = false;
        return -kernel_error_number(p, f, nst_socket_error(stack, f->socket));
    }
    if ((events & (NST_READY_OUT | NST_READY_HUP)) != 0) {
        f->connecting = false;
        f->connected = true;
        return 0;
    }
    const int64_t r = kernel_block(p, f, 0, f->sndtimeo, wait);
    return r == -EAGAIN ? (wait->begun || f->flags & O_NONBLOCK ? -EINPROGRESS : r) : r;
}

int64_t kernel_connect(struct kernel *p, int fd, const struct sockaddr *addr, socklen_t len,
                       struct kernel_wait *wait)
{
    struct kernel_file *f;
    struct nst_endpoint remote;
    int r = kernel_find_socket(p, fd, &f);
    if (r < 0)
        return r;
    if (f->connecting) {
        const int64_t result = connect_result(p, f, wait);
        return result == -EINPROGRESS && !wait->begun ? -EALREADY : result;
    }
    r = kernel_address_get(f->family, addr, len, &remote);
    if (r < 0)
        return r;
    r = nst_socket_connect(p->world->stack, f->socket, &remote);
    if (r != -NST_EINPROGRESS) {
        f->connected = f->connected || r == 0;
        return -nst_errno_from_error(r);
    }
    f->connecting = true;
    return connect_result(p, f, wait);
}

/* ---- Closing ---- */

int kernel_shutdown(struct kernel *p, int fd, int how)
{
    struct kernel_file *f;
    const int r = kernel_find_socket(p, fd, &f);
    if (r < 0)
        return r;
    if (how < SHUT_RD || how > SHUT_RDWR)
        return -EINVAL;
    const int direction =
        (how != SHUT_WR ? NST_SHUT_RECV : 0) | (how != SHUT_RD ? NST_SHUT_SEND : 0);
    return -nst_errno_from_error(nst_socket_shutdown(p->world->stack, f->socket, direction));
}

/* Is there still something that a lingering close waits for? */
static bool lingers(struct kernel *p, const struct kernel_file *f)
{
    struct nst_tcp_info info;
    if (nst_socket_tcp_info(p->world->stack, f->socket, &info) < 0)
        return false;
    return info.state == NST_TCP_FIN_WAIT_1 || info.state == NST_TCP_LAST_ACK ||
           info.state == NST_TCP_CLOSING;
}

/* SO_LINGER: close waits until the peer has everything, the FIN too, or the time is over. */
static bool close_waits(struct kernel *p, struct kernel_file *f, struct kernel_wait *wait)
{
    int64_t linger;
    struct nst_stack *stack = p->world->stack;
    if (f->type != NST_STREAM || f->listening || (f->flags & O_NONBLOCK) != 0)
        return false;
    if (nst_socket_get(stack, f->socket, NST_OPT_LINGER, &linger) < 0 || linger <= 0)
        return false;
    if (!wait->begun) {
        if (nst_socket_shutdown(stack, f->socket, NST_SHUT_SEND) < 0)
            return false;
        stage_run(p->world);
    }
    return lingers(p, f) && kernel_block(p, f, 0, linger, wait) == KERNEL_WAIT;
}

int64_t kernel_close(struct kernel *p, int fd, struct kernel_wait *wait)
{
    struct kernel_file *f = kernel_file(p, fd);
    if (f == NULL)
        return -EBADF;
    if (f->kind == KERNEL_SOCKET) {
        if (close_waits(p, f, wait))
            return KERNEL_WAIT;
        nst_socket_close(p->world->stack, f->socket);
    }
    free_file(p, f);
    return 0;
}

/* ---- Names and flags ---- */

int kernel_getsockname(struct kernel *p, int fd, struct sockaddr *addr, socklen_t *len)
{
    struct kernel_file *f;
    struct nst_endpoint local;
    int r = kernel_find_socket(p, fd, &f);
    if (r < 0)
        return r;
    r = nst_socket_get_local(p->world->stack, f->socket, &local);
    if (r == 0)
        kernel_address_put(f->family, &local, addr, len);
    return -nst_errno_from_error(r);
}

int kernel_getpeername(struct kernel *p, int fd, struct sockaddr *addr, socklen_t *len)
{
    struct kernel_file *f;
    struct nst_endpoint remote;
    int r = kernel_find_socket(p, fd, &f);
    if (r < 0)
        return r;
    r = nst_socket_get_remote(p->world->stack, f->socket, &remote);
    if (r == 0)
        kernel_address_put(f->family, &remote, addr, len);
    return -nst_errno_from_error(r);
}

int kernel_fcntl(struct kernel *p, int fd, int command, int64_t argument)
{
    struct kernel_file *f = kernel_file(p, fd);
    if (f == NULL)
        return -EBADF;
    switch (command) {
    case F_GETFL:
        return f->flags;
    case F_SETFL:
        f->flags = (f->flags & ~O_NONBLOCK) | ((int)argument & O_NONBLOCK);
        return 0;
    case F_GETFD:
        return FD_CLOEXEC;
    case F_SETFD:
        return 0; /* nothing is ever executed here */
    default:
        return kernel_refuse(p, EINVAL, "fcntl", command);
    }
}

/* The size of the datagram that is read next; 0: none waits. */
static int next_datagram(struct kernel *p, const struct kernel_file *f)
{
    uint8_t one;
    struct kernel_wait wait = {0};
    struct iovec iov = {&one, sizeof(one)};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    const int64_t r = kernel_recvmsg(p, f->fd, &msg, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT, &wait);
    return r > 0 ? (int)r : 0;
}

static int ioctl_queued(struct kernel *p, const struct kernel_file *f, enum nst_option option,
                        int *argument)
{
    int64_t value;
    if (f->kind != KERNEL_SOCKET)
        return -ENOTTY;
    if (f->listening)
        return -EINVAL;
    if (f->type != NST_STREAM && option == NST_OPT_RECEIVE_QUEUED) {
        *argument = next_datagram(p, f);
        return 0;
    }
    const int r = nst_socket_get(p->world->stack, f->socket, option, &value);
    if (r == 0)
        *argument = (int)value;
    return -nst_errno_from_error(r);
}

int kernel_ioctl(struct kernel *p, int fd, unsigned long request, int *argument)
{
    struct kernel_file *f = kernel_file(p, fd);
    if (f == NULL)
        return -EBADF;
    if (argument == NULL)
        return -EFAULT;
    switch (request) {
    case FIONREAD:
        return ioctl_queued(p, f, NST_OPT_RECEIVE_QUEUED, argument);
    case TIOCOUTQ:
        return ioctl_queued(p, f, NST_OPT_SEND_QUEUED, argument);
    case FIONBIO:
        f->flags = *argument != 0 ? f->flags | O_NONBLOCK : f->flags & ~O_NONBLOCK;
        return 0;
    default:
        return kernel_refuse(p, ENOTTY, "ioctl", (int64_t)request);
    }
}
