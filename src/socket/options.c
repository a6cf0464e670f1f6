/* SPDX-License-Identifier: Apache-2.0 */
/* Socket options and groups: each endpoint knows its own. */
#include "socket/sock.h"

int nst_socket_set(struct nst_stack *stack, nst_socket handle, enum nst_option option,
                   int64_t value)
{
    struct sock *s = sock_lookup(stack, handle);
    return s != NULL ? s->ops->set(s, option, value) : -NST_EBADHANDLE;
}

int nst_socket_get(struct nst_stack *stack, nst_socket handle, enum nst_option option,
                   int64_t *ret_value)
{
    struct sock *s = sock_lookup(stack, handle);
    if (s == NULL)
        return -NST_EBADHANDLE;
    return ret_value != NULL ? s->ops->get(s, option, ret_value) : -NST_EFAULT;
}

int nst_socket_join_group(struct nst_stack *stack, nst_socket handle, const struct nst_addr *group,
                          uint32_t nic)
{
    struct sock *s = sock_lookup(stack, handle);
    if (s == NULL)
        return -NST_EBADHANDLE;
    return s->ops->join != NULL ? s->ops->join(s, group, nic) : -NST_EPROTOTYPE;
}

int nst_socket_leave_group(struct nst_stack *stack, nst_socket handle, const struct nst_addr *group,
                           uint32_t nic)
{
    struct sock *s = sock_lookup(stack, handle);
    if (s == NULL)
        return -NST_EBADHANDLE;
    return s->ops->leave != NULL ? s->ops->leave(s, group, nic) : -NST_EPROTOTYPE;
}
