/* SPDX-License-Identifier: Apache-2.0 */
/* Sending and receiving, for every type of socket. */
#include "socket/sock.h"

static inline int64_t send(struct nst_stack *stack, nst_socket handle, const struct nst_iovec *iov,
                           size_t count, uint32_t flags, const struct nst_endpoint *to)
{
    struct sock *s = sock_lookup(stack, handle);
    if (unlikely(s == NULL))
        return -NST_EBADHANDLE;
    for (size_t i = 0; i < count; i++) {
        if (unlikely(iov[i].base == NULL && iov[i].len > 0))
            return -NST_EFAULT;
    }
    return s->ops->send(s, iov, count, flags, to);
}

int64_t nst_socket_send(struct nst_stack *stack, nst_socket s, const void *data, size_t len,
                        uint32_t flags)
{
    const struct nst_iovec iov = {(void *)(uintptr_t)data, len};
    return send(stack, s, &iov, 1, flags, NULL);
}

int64_t nst_socket_sendto(struct nst_stack *stack, nst_socket s, const void *data, size_t len,
                          uint32_t flags, const struct nst_endpoint *to)
{
    const struct nst_iovec iov = {(void *)(uintptr_t)data, len};
    return send(stack, s, &iov, 1, flags, to);
}

int64_t nst_socket_sendv(struct nst_stack *stack, nst_socket s, const struct nst_iovec *iov,
                         size_t count, uint32_t flags)
{
    if (iov == NULL && count > 0)
        return sock_lookup(stack, s) == NULL ? -NST_EBADHANDLE : -NST_EFAULT;
    return send(stack, s, iov, count, flags, NULL);
}

int64_t nst_socket_recvfrom(struct nst_stack *stack, nst_socket handle, void *data, size_t size,
                            uint32_t flags, struct nst_message *ret_message)
{
    struct sock *s = sock_lookup(stack, handle);
    if (unlikely(s == NULL))
        return -NST_EBADHANDLE;
    if (unlikely(data == NULL && size > 0))
        return -NST_EFAULT;
    return s->ops->recv(s, data, size, flags, ret_message);
}

int64_t nst_socket_recv(struct nst_stack *stack, nst_socket s, void *data, size_t size,
                        uint32_t flags)
{
    return nst_socket_recvfrom(stack, s, data, size, flags, NULL);
}

int64_t nst_socket_recv_error(struct nst_stack *stack, nst_socket handle, void *data, size_t size,
                              struct nst_error_info *ret_info)
{
    struct sock *s = sock_lookup(stack, handle);
    if (s == NULL)
        return -NST_EBADHANDLE;
    if (ret_info == NULL || (data == NULL && size > 0))
        return -NST_EFAULT;
    return s->ops->recv_error != NULL ? s->ops->recv_error(s, data, size, ret_info)
                                      : -NST_EPROTOTYPE;
}
