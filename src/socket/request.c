/* SPDX-License-Identifier: Apache-2.0 */
/* Forwarder requests become sockets, which can still be refused. */
#include "socket/sock.h"

int nst_request_accept(struct nst_stack *stack, nst_request request, nst_socket *ret_socket)
{
    union forwarder_flow flow;

    if (stack == NULL || ret_socket == NULL)
        return -NST_EFAULT;
    const enum nst_socket_type type = forwarder_type(stack, request);
    if (type == 0)
        return -NST_EBADHANDLE;
    struct sock *s = sock_new(stack, type);
    if (s == NULL)
        return -NST_ENOMEM;
    const int r = forwarder_accept(stack, request, &s->ready, &flow);
    if (r < 0) {
        sock_free(stack, s);
        return r;
    }
    if (type == NST_STREAM)
        s->tcb = flow.tcb;
    else
        s->dgram = flow.dgram;
    *ret_socket = s->handle;
    return 0;
}

int nst_socket_refuse(struct nst_stack *stack, nst_socket socket, enum nst_refusal how)
{
    const struct sock *s = sock_lookup(stack, socket);
    if (s == NULL)
        return -NST_EBADHANDLE;
    if (s->type == NST_STREAM || sock_is_packet(s))
        return -NST_EPROTOTYPE;
    return forwarder_refuse(s->dgram, how);
}
