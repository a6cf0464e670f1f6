/* SPDX-License-Identifier: Apache-2.0 */
/* Packet sockets: a thin layer over transport/packet_socket.h. */
#include "socket/sock.h"
#include "transport/packet_socket.h"

static int open_raw(struct nst_stack *stack, struct sock *s)
{
    s->packet = packet_socket_new(stack, false, &s->ready);
    return s->packet != NULL ? 0 : -NST_ENOMEM;
}

static int open_cooked(struct nst_stack *stack, struct sock *s)
{
    s->packet = packet_socket_new(stack, true, &s->ready);
    return s->packet != NULL ? 0 : -NST_ENOMEM;
}

static void close(struct sock *s, bool abort)
{
    packet_socket_free(s->packet);
}

static int bind(struct sock *s, const struct nst_endpoint *local)
{
    return packet_socket_bind(s->packet, local);
}

static int connect(struct sock *s, const struct nst_endpoint *remote)
{
    return -NST_EPROTOTYPE;
}

static int shutdown(struct sock *s, int how)
{
    return packet_socket_shutdown(s->packet, how);
}

static int64_t send(struct sock *s, const struct nst_iovec *iov, size_t count, uint32_t flags,
                    const struct nst_endpoint *to)
{
    if (to != NULL) /* it has no link address */
        return -NST_EPROTOTYPE;
    const struct dgram_out out = dgram_out_of(iov, count);
    return packet_socket_send(s->packet, &out, NULL);
}

static int64_t recv(struct sock *s, void *data, size_t size, uint32_t flags,
                    struct nst_message *ret_message)
{
    struct nst_frame_info info = {0};
    const int64_t r = packet_socket_recv(s->packet, data, size, flags, &info);
    if (r >= 0 && ret_message != NULL) {
        *ret_message = (struct nst_message){.truncated = info.truncated};
        ret_message->remote.nic = ret_message->local.nic = info.nic;
        ret_message->local.port = info.ethertype;
    }
    return r;
}

static int get_local(struct sock *s, struct nst_endpoint *ret)
{
    packet_socket_local(s->packet, ret);
    return 0;
}

static int get_remote(struct sock *s, struct nst_endpoint *ret)
{
    return -NST_ENOTCONN;
}

static uint32_t events(struct sock *s)
{
    return packet_socket_events(s->packet);
}

static int error(struct sock *s)
{
    return 0; /* they have none */
}

static int set(struct sock *s, enum nst_option option, int64_t value)
{
    return packet_socket_set(s->packet, option, value);
}

static int get(struct sock *s, enum nst_option option, int64_t *ret_value)
{
    return packet_socket_get(s->packet, option, ret_value);
}

#define PACKET_OPS(open_)                                                                      \
    {                                                                                          \
        .open = open_, .close = close, .bind = bind, .connect = connect, .shutdown = shutdown, \
        .send = send, .recv = recv, .get_local = get_local, .get_remote = get_remote,          \
        .events = events, .error = error, .set = set, .get = get,                              \
    }

const struct sock_ops packet_raw_ops = PACKET_OPS(open_raw);
const struct sock_ops packet_cooked_ops = PACKET_OPS(open_cooked);

/* ---- What only they can do ---- */

/* 0, -NST_EBADHANDLE, -NST_EPROTOTYPE. */
static int find(const struct nst_stack *stack, nst_socket handle, struct packet_socket **ret)
{
    struct sock *s = sock_lookup(stack, handle);
    if (s == NULL)
        return -NST_EBADHANDLE;
    if (!sock_is_packet(s))
        return -NST_EPROTOTYPE;
    *ret = s->packet;
    return 0;
}

int64_t nst_frame_recv(struct nst_stack *stack, nst_socket handle, void *data, size_t size,
                       uint32_t flags, struct nst_frame_info *ret_info)
{
    struct packet_socket *s;
    const int r = find(stack, handle, &s);
    if (r < 0)
        return r;
    if (data == NULL && size > 0)
        return -NST_EFAULT;
    return packet_socket_recv(s, data, size, flags, ret_info);
}

int64_t nst_frame_send(struct nst_stack *stack, nst_socket handle, const void *data, size_t len,
                       const struct nst_frame_to *to)
{
    const struct nst_iovec iov = {(void *)(uintptr_t)data, len};
    struct packet_socket *s;
    const int r = find(stack, handle, &s);
    if (r < 0)
        return r;
    if (data == NULL && len > 0)
        return -NST_EFAULT;
    const struct dgram_out out = dgram_out_of(&iov, 1);
    return packet_socket_send(s, &out, to);
}
