/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a socket: open, name, connect, close. */
#include "socket/sock.h"
#include "transport/tcp/tcp.h"

static struct sock *open(struct nst_stack *stack, enum nst_socket_type type)
{
    struct sock *s = sock_new(stack, type);
    if (s == NULL)
        return NULL;
    if (s->ops->open(stack, s) < 0) {
        sock_free(stack, s);
        return NULL;
    }
    return s;
}

int nst_socket_open(struct nst_stack *stack, enum nst_socket_type type, nst_socket *ret_socket)
{
    if (stack == NULL || ret_socket == NULL)
        return -NST_EFAULT;
    if (type < NST_STREAM || type > NST_PACKET_COOKED)
        return -NST_EPROTONOSUPPORT;
    const struct sock *s = open(stack, type);
    if (s == NULL)
        return -NST_ENOMEM;
    *ret_socket = s->handle;
    return 0;
}

static int end(struct nst_stack *stack, nst_socket handle, bool abort)
{
    struct sock *s = sock_lookup(stack, handle);
    if (s == NULL)
        return -NST_EBADHANDLE;
    s->ops->close(s, abort);
    sock_free(stack, s);
    return 0;
}

int nst_socket_close(struct nst_stack *stack, nst_socket s)
{
    return end(stack, s, false);
}

int nst_socket_abort(struct nst_stack *stack, nst_socket s)
{
    return end(stack, s, true);
}

int nst_socket_bind(struct nst_stack *stack, nst_socket handle, const struct nst_endpoint *local)
{
    struct sock *s = sock_lookup(stack, handle);
    if (s == NULL)
        return -NST_EBADHANDLE;
    return local != NULL ? s->ops->bind(s, local) : -NST_EFAULT;
}

int nst_socket_connect(struct nst_stack *stack, nst_socket handle,
                       const struct nst_endpoint *remote)
{
    struct sock *s = sock_lookup(stack, handle);
    if (s == NULL)
        return -NST_EBADHANDLE;
    return remote != NULL ? s->ops->connect(s, remote) : -NST_EFAULT;
}

int nst_socket_listen(struct nst_stack *stack, nst_socket handle, int backlog)
{
    struct sock *s = sock_lookup(stack, handle);
    if (s == NULL)
        return -NST_EBADHANDLE;
    if (s->ops->listen == NULL)
        return -NST_EPROTOTYPE;
    return backlog >= 1 && backlog <= 65535 ? s->ops->listen(s, backlog) : -NST_EINVAL;
}

int nst_socket_accept(struct nst_stack *stack, nst_socket handle, nst_socket *ret_socket,
                      struct nst_endpoint *ret_peer)
{
    struct sock *s = sock_lookup(stack, handle);
    if (s == NULL)
        return -NST_EBADHANDLE;
    if (ret_socket == NULL)
        return -NST_EFAULT;
    if (s->ops->accept == NULL)
        return -NST_EPROTOTYPE;
    /* First the socket: a connection that was taken could not be put back. */
    struct sock *child = sock_new(stack, NST_STREAM);
    if (child == NULL)
        return -NST_ENOMEM;
    const int r = s->ops->accept(s, &child->tcb);
    if (r < 0) {
        sock_free(stack, child);
        return r;
    }
    tcp_set_ready(child->tcb, &child->ready);
    if (ret_peer != NULL)
        tcp_remote(child->tcb, ret_peer);
    *ret_socket = child->handle;
    return 0;
}

int nst_socket_shutdown(struct nst_stack *stack, nst_socket handle, int how)
{
    struct sock *s = sock_lookup(stack, handle);
    return s != NULL ? s->ops->shutdown(s, how) : -NST_EBADHANDLE;
}

int nst_socket_get_local(struct nst_stack *stack, nst_socket handle, struct nst_endpoint *ret)
{
    struct sock *s = sock_lookup(stack, handle);
    if (s == NULL)
        return -NST_EBADHANDLE;
    return ret != NULL ? s->ops->get_local(s, ret) : -NST_EFAULT;
}

int nst_socket_get_remote(struct nst_stack *stack, nst_socket handle, struct nst_endpoint *ret)
{
    struct sock *s = sock_lookup(stack, handle);
    if (s == NULL)
        return -NST_EBADHANDLE;
    return ret != NULL ? s->ops->get_remote(s, ret) : -NST_EFAULT;
}

int nst_socket_error(struct nst_stack *stack, nst_socket handle)
{
    struct sock *s = sock_lookup(stack, handle);
    return s != NULL ? s->ops->error(s) : -NST_EBADHANDLE;
}
