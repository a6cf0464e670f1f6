/* SPDX-License-Identifier: Apache-2.0 */
/* Stream sockets: a thin layer over transport/tcp/tcp.h. */
#include <string.h>

#include "socket/sock.h"
#include "transport/tcp/tcp.h"

static int open(struct nst_stack *stack, struct sock *s)
{
    s->tcb = tcp_new(stack, &s->ready);
    return s->tcb != NULL ? 0 : -NST_ENOMEM;
}

static void close(struct sock *s, bool abort)
{
    tcp_set_ready(s->tcb, NULL);
    if (abort)
        tcp_abort(s->tcb);
    else
        tcp_close(s->tcb);
}

static int bind(struct sock *s, const struct nst_endpoint *local)
{
    return tcp_bind(s->tcb, local);
}

static int connect(struct sock *s, const struct nst_endpoint *remote)
{
    return tcp_connect(s->tcb, remote);
}

static int listen(struct sock *s, int backlog)
{
    return tcp_listen(s->tcb, backlog);
}

static int accept(struct sock *s, struct tcb **ret_child)
{
    return tcp_accept(s->tcb, ret_child);
}

static int shutdown(struct sock *s, int how)
{
    return tcp_shutdown(s->tcb, how);
}

static int64_t sendv(struct sock *s, const struct nst_iovec *iov, size_t count, uint32_t flags,
                     const struct nst_endpoint *to)
{
    if (to != NULL)
        return -NST_EISCONN;
    return tcp_send(s->tcb, iov, count, flags);
}

static int64_t recv(struct sock *s, void *data, size_t size, uint32_t flags,
                    struct nst_message *ret_message)
{
    if (ret_message != NULL) {
        memset(ret_message, 0, sizeof(*ret_message));
        tcp_local(s->tcb, &ret_message->local);
        tcp_remote(s->tcb, &ret_message->remote);
        ret_message->arrival = tcp_arrival(s->tcb, size);
    }
    return tcp_recv(s->tcb, data, size, flags);
}

static int get_local(struct sock *s, struct nst_endpoint *ret)
{
    return tcp_local(s->tcb, ret);
}

static int get_remote(struct sock *s, struct nst_endpoint *ret)
{
    return tcp_remote(s->tcb, ret);
}

static uint32_t events(struct sock *s)
{
    return tcp_events(s->tcb);
}

static int error(struct sock *s)
{
    return tcp_error(s->tcb);
}

static int set(struct sock *s, enum nst_option option, int64_t value)
{
    return tcp_set(s->tcb, option, value);
}

static int get(struct sock *s, enum nst_option option, int64_t *ret_value)
{
    return tcp_get(s->tcb, option, ret_value);
}

const struct sock_ops stream_ops = {
    .open = open,
    .close = close,
    .bind = bind,
    .connect = connect,
    .listen = listen,
    .accept = accept,
    .shutdown = shutdown,
    .send = sendv,
    .recv = recv,
    .get_local = get_local,
    .get_remote = get_remote,
    .events = events,
    .error = error,
    .set = set,
    .get = get,
};

/* ---- What only streams have. Each finds the connection or says why not. ---- */

static int find(struct nst_stack *stack, nst_socket handle, struct tcb **ret_tcb)
{
    struct sock *s = sock_lookup(stack, handle);
    if (s == NULL)
        return -NST_EBADHANDLE;
    if (s->type != NST_STREAM)
        return -NST_EPROTOTYPE;
    *ret_tcb = s->tcb;
    return 0;
}

/* The same for a call that shows pieces of a buffer. */
static int find_for_pieces(struct nst_stack *stack, nst_socket handle,
                           const struct nst_iovec *pieces, int count, struct tcb **ret_tcb)
{
    const int r = find(stack, handle, ret_tcb);
    if (r < 0)
        return r;
    if (pieces == NULL)
        return -NST_EFAULT;
    return count > 0 ? 0 : -NST_EINVAL;
}

int nst_socket_recv_lend(struct nst_stack *stack, nst_socket s, struct nst_iovec *ret_pieces,
                         int count)
{
    struct tcb *tcb;
    const int r = find_for_pieces(stack, s, ret_pieces, count, &tcb);
    return r < 0 ? r : tcp_recv_lend(tcb, ret_pieces, count);
}

int nst_socket_recv_consume(struct nst_stack *stack, nst_socket s, size_t n)
{
    struct tcb *tcb;
    const int r = find(stack, s, &tcb);
    return r < 0 ? r : tcp_recv_consume(tcb, n);
}

int nst_socket_send_reserve(struct nst_stack *stack, nst_socket s, struct nst_iovec *ret_pieces,
                            int count)
{
    struct tcb *tcb;
    const int r = find_for_pieces(stack, s, ret_pieces, count, &tcb);
    return r < 0 ? r : tcp_send_reserve(tcb, ret_pieces, count);
}

int nst_socket_send_commit(struct nst_stack *stack, nst_socket s, size_t n)
{
    struct tcb *tcb;
    const int r = find(stack, s, &tcb);
    return r < 0 ? r : tcp_send_commit(tcb, n);
}

int nst_socket_send_lend(struct nst_stack *stack, nst_socket s, void *memory, size_t len,
                         void (*release)(void *context, uint8_t *memory), void *context)
{
    struct tcb *tcb;
    const int r = find(stack, s, &tcb);
    if (r < 0)
        return r;
    if (memory == NULL || release == NULL)
        return -NST_EFAULT;
    return len > 0 ? tcp_send_lend(tcb, memory, len, release, context) : -NST_EINVAL;
}

int nst_socket_tcp_info(struct nst_stack *stack, nst_socket s, struct nst_tcp_info *ret_info)
{
    struct tcb *tcb;
    const int r = find(stack, s, &tcb);
    if (r < 0)
        return r;
    if (ret_info == NULL)
        return -NST_EFAULT;
    tcp_info(tcb, ret_info);
    return 0;
}
