/* SPDX-License-Identifier: Apache-2.0 */
/* Datagram, ping and raw sockets: a thin layer over transport/dgram.h. */
#include "socket/sock.h"
#include "transport/ping.h"
#include "transport/raw.h"
#include "transport/udp.h"

static int udp_open(struct nst_stack *stack, struct sock *s)
{
    s->dgram = udp_new(stack, &s->ready);
    return s->dgram != NULL ? 0 : -NST_ENOMEM;
}

static int ping_open(struct nst_stack *stack, struct sock *s)
{
    s->dgram = ping_new(stack, &s->ready);
    return s->dgram != NULL ? 0 : -NST_ENOMEM;
}

static int raw_open(struct nst_stack *stack, struct sock *s)
{
    s->dgram = raw_new(stack, &s->ready);
    return s->dgram != NULL ? 0 : -NST_ENOMEM;
}

static void udp_close(struct sock *s, bool abort)
{
    udp_free(s->dgram);
}

static void ping_close(struct sock *s, bool abort)
{
    ping_free(s->dgram);
}

static void raw_close(struct sock *s, bool abort)
{
    raw_free(s->dgram);
}

static int bind(struct sock *s, const struct nst_endpoint *local)
{
    return dgram_bind(s->dgram, local);
}

static int bind_raw(struct sock *s, const struct nst_endpoint *local)
{
    return raw_bind(s->dgram, local);
}

static int connect(struct sock *s, const struct nst_endpoint *remote)
{
    return dgram_connect(s->dgram, remote);
}

static int shutdown(struct sock *s, int how)
{
    return dgram_shutdown(s->dgram, how);
}

static int64_t udp_sendv(struct sock *s, const struct nst_iovec *iov, size_t count, uint32_t flags,
                         const struct nst_endpoint *to)
{
    const struct dgram_out out = dgram_out_of(iov, count);
    return udp_send(s->dgram, &out, to);
}

static int64_t ping_sendv(struct sock *s, const struct nst_iovec *iov, size_t count, uint32_t flags,
                          const struct nst_endpoint *to)
{
    const struct dgram_out out = dgram_out_of(iov, count);
    return ping_send(s->dgram, &out, to);
}

static int64_t raw_sendv(struct sock *s, const struct nst_iovec *iov, size_t count, uint32_t flags,
                         const struct nst_endpoint *to)
{
    const struct dgram_out out = dgram_out_of(iov, count);
    return raw_send(s->dgram, &out, to);
}

static int64_t recv(struct sock *s, void *data, size_t size, uint32_t flags,
                    struct nst_message *ret_message)
{
    return dgram_recv(s->dgram, data, size, flags, ret_message);
}

static int get_local(struct sock *s, struct nst_endpoint *ret)
{
    dgram_local(s->dgram, ret);
    return 0;
}

static int get_remote(struct sock *s, struct nst_endpoint *ret)
{
    return dgram_remote(s->dgram, ret);
}

static uint32_t events(struct sock *s)
{
    return dgram_events(s->dgram);
}

static int error(struct sock *s)
{
    return dgram_error(s->dgram);
}

static int64_t recv_error(struct sock *s, void *data, size_t size, struct nst_error_info *ret_info)
{
    return dgram_recv_error(s->dgram, data, size, ret_info);
}

static int set(struct sock *s, enum nst_option option, int64_t value)
{
    return dgram_set(s->dgram, option, value);
}

static int get(struct sock *s, enum nst_option option, int64_t *ret_value)
{
    return dgram_get(s->dgram, option, ret_value);
}

static int join(struct sock *s, const struct nst_addr *group, uint32_t nic)
{
    return dgram_join(s->dgram, group, nic);
}

static int leave(struct sock *s, const struct nst_addr *group, uint32_t nic)
{
    return dgram_leave(s->dgram, group, nic);
}

static int set_raw(struct sock *s, enum nst_option option, int64_t value)
{
    return raw_set(s->dgram, option, value);
}

static int get_raw(struct sock *s, enum nst_option option, int64_t *ret_value)
{
    return raw_get(s->dgram, option, ret_value);
}

#define DATAGRAM_OPS(open_, close_, send_)                                                   \
    .open = open_, .close = close_, .send = send_, .connect = connect, .shutdown = shutdown, \
    .recv = recv, .get_local = get_local, .get_remote = get_remote, .events = events,        \
    .error = error, .recv_error = recv_error, .join = join, .leave = leave
#define PORT_OPS .bind = bind, .set = set, .get = get

const struct sock_ops datagram_ops = {DATAGRAM_OPS(udp_open, udp_close, udp_sendv), PORT_OPS};
const struct sock_ops ping_ops = {DATAGRAM_OPS(ping_open, ping_close, ping_sendv), PORT_OPS};
const struct sock_ops raw_ops = {DATAGRAM_OPS(raw_open, raw_close, raw_sendv), .bind = bind_raw,
                                 .set = set_raw, .get = get_raw};
