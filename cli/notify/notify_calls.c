/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of the program, one by one: arguments are fetched from its memory, the parts for
 * streams and datagrams do the work, results are written back and the call is answered.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "notify/notify_address.h"
#include "notify/notify_socket.h"
#include "notify/notify_target.h"

/* Kernel 5.14; older headers lack it. */
#ifndef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND (1UL << 1)
#endif

#define NAME_MAX_SIZE sizeof(struct sockaddr_storage)

bool notify_call_is_alive(const struct notify_call *call)
{
    return ioctl(call->notify->config.listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &call->id) == 0;
}

static void answer(const struct notify_call *call, int64_t result)
{
    struct notify *n = call->notify;
    memset(n->response, 0, n->response_size);
    n->response->id = call->id;
    if (result == NOTIFY_CONTINUE)
        n->response->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    else if (result < 0)
        n->response->error = (int32_t)result;
    else
        n->response->val = result;
    /* It fails when nobody waits any more. */
    ioctl(n->config.listener, SECCOMP_IOCTL_NOTIF_SEND, n->response);
}

int notify_call_hand_in(const struct notify_call *call, int fd, bool cloexec)
{
    struct seccomp_notif_addfd addfd = {.id = call->id,
                                        .flags = SECCOMP_ADDFD_FLAG_SEND,
                                        .srcfd = (uint32_t)fd,
                                        .newfd_flags = cloexec ? SOCK_CLOEXEC : 0};
    const int listener = call->notify->config.listener;
    int r = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &addfd);
    if (r < 0 && errno == EINVAL) { /* kernels before 5.14: in two steps */
        addfd.flags = 0;
        r = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &addfd);
        if (r >= 0)
            answer(call, r);
    }
    return r < 0 ? -errno : r;
}

int notify_call_write_address(const struct notify_call *call, const struct nst_endpoint *endpoint,
                              uint64_t address, uint64_t length)
{
    uint8_t name[NOTIFY_ADDRESS_MAX];
    int32_t room;
    if (address == 0)
        return 0;
    int r = notify_target_read(call->tid, length, &room, sizeof(room));
    if (r < 0)
        return r;
    if (room < 0)
        return -EINVAL;
    const int32_t size = (int32_t)notify_address_build(call->socket->family, endpoint, name);
    if (!notify_call_is_alive(call))
        return -ENOENT;
    r = notify_target_write(call->tid, address, name, (size_t)(size < room ? size : room));
    return r < 0 ? r : notify_target_write(call->tid, length, &size, sizeof(size));
}

/* ---- socket ---- */

/* -1: none of ours. */
static int type_of(int family, int type, int protocol)
{
    if (type == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP))
        return NST_STREAM;
    if (type == SOCK_DGRAM && (protocol == 0 || protocol == IPPROTO_UDP))
        return NST_DATAGRAM;
    if (type == SOCK_DGRAM && protocol == (family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
        return NST_PING;
    return -1;
}

static int64_t do_socket(struct notify_call *call)
{
    const int family = (int)call->args[0], protocol = (int)call->args[2];
    const int flags = (int)call->args[1] & (SOCK_CLOEXEC | SOCK_NONBLOCK);
    const int kind = (int)call->args[1] & ~flags;
    const int type = type_of(family, kind, protocol);
    struct notify_socket *s;
    int theirs;
    if (kind < 0 || kind > SOCK_PACKET) /* SOCK_MAX - 1, to the kernel */
        return -EINVAL;
    if (type < 0)
        return kind == SOCK_RAW ? -EPERM : -EPROTONOSUPPORT;
    int r = notify_socket_new(call->notify, (enum nst_socket_type)type, family, 0, &theirs, &s);
    if (r < 0)
        return r;
    int on = 1;
    if ((flags & SOCK_NONBLOCK) != 0)
        ioctl(theirs, FIONBIO, &on);
    r = notify_call_hand_in(call, theirs, (flags & SOCK_CLOEXEC) != 0);
    close(theirs);
    s->tid = call->tid;
    s->fd = r;
    if (r >= 0)
        return NOTIFY_ANSWERED;
    notify_socket_free(s, false);
    return r == -ENOENT ? NOTIFY_ANSWERED : r;
}

/* ---- Names ---- */

/* Reads args[1], args[2] as an address. Its length, or a negative errno. */
static int read_name(const struct notify_call *call, uint8_t name[NAME_MAX_SIZE])
{
    const int len = (int)call->args[2];
    if (len < 0 || (size_t)len > NAME_MAX_SIZE)
        return -EINVAL;
    int r = notify_target_read(call->tid, call->args[1], name, (size_t)len);
    return r < 0 ? r : len;
}

static int64_t do_connect(struct notify_call *call)
{
    struct notify_socket *s = call->socket;
    struct nst_endpoint to = {.port = 0};
    uint8_t name[NAME_MAX_SIZE];
    int len = read_name(call, name);
    if (s == NULL) /* what is wrong with it the kernel says */
        return len > 0 && notify_address_is_name_service(name, (size_t)len) ? -ENOENT
                                                                            : NOTIFY_CONTINUE;
    if (len < 0)
        return len;
    const bool ends = notify_address_family(name, (size_t)len) == AF_UNSPEC;
    int r = ends ? 0 : notify_address_parse(s->family, name, (size_t)len, &to);
    if (r < 0)
        return r;
    if (s->type != NST_STREAM)
        return notify_datagram_connect(call, &to);
    return ends ? -EAFNOSUPPORT : notify_stream_connect(call, &to);
}

static int64_t do_bind(struct notify_call *call)
{
    struct notify_socket *s = call->socket;
    struct nst_endpoint local;
    uint8_t name[NAME_MAX_SIZE];
    int r = read_name(call, name);
    if (r >= 0)
        r = notify_address_parse(s->family, name, (size_t)r, &local);
    return r < 0 ? r : notify_result(nst_socket_bind(s->notify->stack, s->socket, &local));
}

static int64_t do_getsockname(struct notify_call *call)
{
    struct notify_socket *s = call->socket;
    struct nst_endpoint local = {.port = 0};
    nst_socket_get_local(s->notify->stack, s->socket, &local);
    return notify_call_write_address(call, &local, call->args[1], call->args[2]);
}

static int64_t do_getpeername(struct notify_call *call)
{
    struct notify_socket *s = call->socket;
    if (s->state != NOTIFY_CONNECTED)
        return -ENOTCONN;
    return notify_call_write_address(call, &s->peer, call->args[1], call->args[2]);
}

/* ---- Streams ---- */

static int64_t do_listen(struct notify_call *call)
{
    if (call->socket->type != NST_STREAM)
        return -EOPNOTSUPP;
    return notify_stream_listen(call, (int)call->args[1]);
}

static int64_t do_accept(struct notify_call *call)
{
    if (call->socket->type != NST_STREAM)
        return -EOPNOTSUPP;
    return notify_stream_accept(call, call->nr == SYS_accept4 ? (int)call->args[3] : 0);
}

static int64_t do_shutdown(struct notify_call *call)
{
    if (call->socket->type == NST_STREAM)
        return notify_stream_shutdown(call, (int)call->args[1]);
    return call->socket->state == NOTIFY_CONNECTED ? 0 : -ENOTCONN;
}

/* ---- Messages ---- */

/* The pieces of a message, into notify->pieces. */
static int read_pieces(const struct notify_call *call, uint64_t at, size_t count)
{
    return notify_target_read(call->tid, at, call->notify->pieces, count * sizeof(struct iovec));
}

static int64_t do_sendto(struct notify_call *call)
{
    struct notify_socket *s = call->socket;
    struct iovec piece = {.iov_base = (void *)(uintptr_t)call->args[1], .iov_len = call->args[2]};
    const struct notify_datagram datagram = {.pieces = &piece,
                                             .piece_count = 1,
                                             .flags = (uint32_t)call->args[3],
                                             .name = call->args[4],
                                             .name_len = (uint32_t)call->args[5]};
    if (s->type != NST_STREAM)
        return notify_datagram_send(call, &datagram);
    if ((datagram.flags & MSG_FASTOPEN) != 0)
        return -EOPNOTSUPP;
    return s->state == NOTIFY_CONNECTED ? NOTIFY_CONTINUE : -EPIPE;
}

static int64_t send_message(struct notify_call *call, const struct notify_message *message,
                            uint32_t flags)
{
    const struct notify_datagram datagram = {.pieces = call->notify->pieces,
                                             .piece_count = message->piece_count,
                                             .flags = flags,
                                             .name = message->name,
                                             .name_len = message->name_len};
    int r = read_pieces(call, message->pieces, message->piece_count);
    return r < 0 ? r : notify_datagram_send(call, &datagram);
}

static int read_message(const struct notify_call *call, uint64_t at, struct notify_message *ret)
{
    uint8_t bytes[sizeof(struct msghdr)];
    int r = notify_target_read(call->tid, at, bytes, sizeof(bytes));
    return r < 0 ? r : notify_message_parse(bytes, ret);
}

static int64_t do_sendmsg(struct notify_call *call)
{
    struct notify_socket *s = call->socket;
    struct notify_message message;
    if (s->type == NST_STREAM)
        return s->state == NOTIFY_CONNECTED ? NOTIFY_CONTINUE : -EPIPE;
    int r = read_message(call, call->args[1], &message);
    return r < 0 ? r : send_message(call, &message, (uint32_t)call->args[2]);
}

/* Where a member of the n-th struct mmsghdr of args[1] is. */
static uint64_t member_at(const struct notify_call *call, size_t n, size_t member)
{
    return call->args[1] + n * sizeof(struct mmsghdr) + member;
}

static int64_t do_sendmmsg(struct notify_call *call)
{
    const size_t count =
        (uint32_t)call->args[2] < NOTIFY_PIECES_MAX ? (uint32_t)call->args[2] : NOTIFY_PIECES_MAX;
    if (call->socket->type == NST_STREAM)
        return call->socket->state == NOTIFY_CONNECTED ? NOTIFY_CONTINUE : -EPIPE;
    for (size_t i = 0; i < count; i++) {
        struct notify_message message;
        int64_t r = read_message(call, member_at(call, i, 0), &message);
        if (r == 0)
            r = send_message(call, &message, (uint32_t)call->args[3]);
        const uint32_t sent = (uint32_t)r;
        if (r >= 0)
            r = notify_target_write(call->tid,
                                    member_at(call, i, offsetof(struct mmsghdr, msg_len)), &sent,
                                    sizeof(sent));
        if (r < 0) /* what failed after others is told by the next call */
            return i > 0 && r != NOTIFY_ANSWERED ? (int64_t)i : r;
    }
    return (int64_t)count;
}

/* How a call that receives a datagram begins: the program's end, and whether it may wait. */
struct receiving {
    int end;
    bool waits;
};

static int begin_receiving(struct notify_call *call, uint32_t flags, struct receiving *ret)
{
    int nonblocking = 0;
    if ((flags & MSG_ERRQUEUE) != 0)
        return -EAGAIN; /* nothing is ever queued there */
    ret->end = notify_socket_take_end(call->socket, &nonblocking);
    ret->waits = !nonblocking && (flags & MSG_DONTWAIT) == 0 && !call->is_over;
    return ret->end < 0 ? ret->end : 0;
}

static int64_t wait_or(const struct receiving *receiving, int64_t result)
{
    return result == -EAGAIN && receiving->waits ? NOTIFY_WAIT : result;
}

/* Answers, and takes the datagram out of the queue only if somebody heard it. */
static int64_t finish_receiving(struct notify_call *call, const struct receiving *receiving,
                                uint32_t flags, int64_t result)
{
    if (result >= 0 && !notify_call_is_alive(call))
        result = NOTIFY_ANSWERED;
    if (result >= 0 && (flags & MSG_PEEK) == 0)
        notify_datagram_consume(call->socket, receiving->end);
    close(receiving->end);
    return wait_or(receiving, result);
}

static int64_t do_recvfrom(struct notify_call *call)
{
    const uint32_t flags = (uint32_t)call->args[3];
    struct iovec piece = {.iov_base = (void *)(uintptr_t)call->args[1], .iov_len = call->args[2]};
    struct notify_datagram datagram = {.pieces = &piece,
                                       .piece_count = 1,
                                       .flags = flags,
                                       .name = call->args[4],
                                       .name_len_at = call->args[5]};
    struct receiving receiving;
    if (call->socket->type == NST_STREAM)
        return NOTIFY_CONTINUE;
    int r = begin_receiving(call, flags, &receiving);
    if (r < 0)
        return r;
    return finish_receiving(call, &receiving, flags,
                            notify_datagram_receive(call, receiving.end, &datagram));
}

/* Receives into the msghdr at `at`, and tells what it is told there. */
static int64_t receive_message(struct notify_call *call, int end, uint64_t at, uint32_t flags)
{
    struct notify_message message;
    struct msghdr header;
    int r = read_message(call, at, &message);
    if (r == 0)
        r = read_pieces(call, message.pieces, message.piece_count);
    if (r < 0)
        return r;
    struct notify_datagram datagram = {.pieces = call->notify->pieces,
                                       .piece_count = message.piece_count,
                                       .flags = flags,
                                       .name = message.name,
                                       .name_len = message.name_len};
    int64_t result = notify_datagram_receive(call, end, &datagram);
    if (result < 0)
        return result;
    header.msg_namelen = message.name != 0 ? datagram.ret_name_len : 0;
    header.msg_controllen = 0;
    header.msg_flags = datagram.ret_truncated ? MSG_TRUNC : 0;
    r = notify_target_write(call->tid, at + offsetof(struct msghdr, msg_namelen),
                            &header.msg_namelen, sizeof(header.msg_namelen));
    if (r == 0)
        r = notify_target_write(call->tid, at + offsetof(struct msghdr, msg_controllen),
                                &header.msg_controllen, sizeof(header.msg_controllen));
    if (r == 0)
        r = notify_target_write(call->tid, at + offsetof(struct msghdr, msg_flags),
                                &header.msg_flags, sizeof(header.msg_flags));
    return r < 0 ? r : result;
}

static int64_t do_recvmsg(struct notify_call *call)
{
    const uint32_t flags = (uint32_t)call->args[2];
    struct receiving receiving;
    if (call->socket->type == NST_STREAM)
        return (flags & MSG_ERRQUEUE) != 0 ? -EAGAIN : NOTIFY_CONTINUE;
    int r = begin_receiving(call, flags, &receiving);
    if (r < 0)
        return r;
    return finish_receiving(call, &receiving, flags,
                            receive_message(call, receiving.end, call->args[1], flags));
}

/* As many as there are; it waits for the first only, as MSG_WAITFORONE asks. */
static int64_t do_recvmmsg(struct notify_call *call)
{
    const size_t count =
        (uint32_t)call->args[2] < NOTIFY_PIECES_MAX ? (uint32_t)call->args[2] : NOTIFY_PIECES_MAX;
    const uint32_t flags = (uint32_t)call->args[3];
    struct receiving receiving;
    size_t done = 0;
    if (call->socket->type == NST_STREAM)
        return NOTIFY_CONTINUE;
    int64_t r = begin_receiving(call, flags, &receiving);
    if (r < 0)
        return r;
    for (; done < count; done++) {
        r = receive_message(call, receiving.end, member_at(call, done, 0), flags);
        const uint32_t len = (uint32_t)r;
        if (r >= 0)
            r = notify_target_write(call->tid,
                                    member_at(call, done, offsetof(struct mmsghdr, msg_len)), &len,
                                    sizeof(len));
        if (r < 0)
            break;
        notify_datagram_consume(call->socket, receiving.end);
    }
    close(receiving.end);
    return done > 0 && r != NOTIFY_ANSWERED ? (int64_t)done : wait_or(&receiving, r);
}

/* ---- Dispatch ---- */

typedef int64_t handler(struct notify_call *call);

static handler *handler_of(int nr)
{
    static const struct {
        int nr;
        handler *handle;
    } handlers[] = {
#ifdef SYS_accept
        {SYS_accept, do_accept},
#endif
        {SYS_connect, do_connect},
        {SYS_bind, do_bind},
        {SYS_listen, do_listen},
        {SYS_accept4, do_accept},
        {SYS_sendto, do_sendto},
        {SYS_recvfrom, do_recvfrom},
        {SYS_sendmsg, do_sendmsg},
        {SYS_recvmsg, do_recvmsg},
        {SYS_sendmmsg, do_sendmmsg},
        {SYS_recvmmsg, do_recvmmsg},
        {SYS_getsockname, do_getsockname},
        {SYS_getpeername, do_getpeername},
        {SYS_getsockopt, notify_options_get},
        {SYS_setsockopt, notify_options_set},
        {SYS_shutdown, do_shutdown},
    };
    for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
        if (handlers[i].nr == nr)
            return handlers[i].handle;
    return NULL;
}

static int64_t dispatch(struct notify_call *call)
{
    if (call->nr == SYS_socket)
        return do_socket(call);
    const uint64_t inode = notify_target_inode(call->tid, (int)call->args[0]);
    call->socket = inode != 0 ? notify_socket_find(call->notify, inode) : NULL;
    if (call->socket != NULL) {
        call->socket->tid = call->tid;
        call->socket->fd = (int)call->args[0];
    } else if (call->nr != SYS_connect) {
        return NOTIFY_CONTINUE;
    }
    handler *handle = handler_of(call->nr);
    return handle != NULL ? handle(call) : NOTIFY_CONTINUE;
}

static void on_time_up(struct nst_loop_timer *timer)
{
    struct notify_call *call =
        (struct notify_call *)(void *)((char *)timer - offsetof(struct notify_call, timer));
    TAILQ_REMOVE(&call->socket->calls, call, link);
    call->is_over = true;
    notify_call_do(call);
    free(call);
}

/* SO_RCVTIMEO, or for connect SO_SNDTIMEO, which are the program's end's. 0: none. */
static nst_time time_limit(const struct notify_call *call)
{
    const int name = call->nr == SYS_connect ? SO_SNDTIMEO : SO_RCVTIMEO;
    struct timeval limit = {0};
    socklen_t len = sizeof(limit);
    int end = notify_socket_take_end(call->socket, NULL);
    if (end < 0)
        return 0;
    getsockopt(end, SOL_SOCKET, name, &limit, &len);
    close(end);
    return (nst_time)limit.tv_sec * NST_SEC + limit.tv_usec * NST_USEC;
}

/* Those whose thread was interrupted or ended. */
static void drop_dead(struct notify_socket *s)
{
    struct notify_call *call = TAILQ_FIRST(&s->calls);
    while (call != NULL) {
        struct notify_call *next = TAILQ_NEXT(call, link);
        if (!notify_call_is_alive(call)) {
            TAILQ_REMOVE(&s->calls, call, link);
            nst_loop_disarm(s->notify->config.loop, &call->timer);
            free(call);
        }
        call = next;
    }
}

static void keep(const struct notify_call *call)
{
    struct nst_loop *loop = call->notify->config.loop;
    const nst_time when = call->timer.when;
    drop_dead(call->socket);
    struct notify_call *kept = malloc(sizeof(*kept));
    if (kept == NULL) {
        answer(call, -ENOMEM);
        return;
    }
    *kept = *call;
    kept->timer = (struct nst_loop_timer){.on_timer = on_time_up};
    TAILQ_INSERT_TAIL(&call->socket->calls, kept, link);
    /* Its time began when it first waited. */
    const nst_time limit = when == 0 ? time_limit(call) : 0;
    if (when != 0 || limit != 0)
        nst_loop_arm(loop, &kept->timer, when != 0 ? when : nst_loop_now(loop) + limit);
    else
        kept->timer.when = 0;
}

void notify_call_do(struct notify_call *call)
{
    int64_t result = dispatch(call);
    if (result == NOTIFY_WAIT)
        keep(call);
    else if (result != NOTIFY_ANSWERED)
        answer(call, result);
}
