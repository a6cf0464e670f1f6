/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets whose NIC is disabled or gone (N8). It is a state, NST_READY_DOWN, and no error: errors
 * end connections, and this one ends when the NIC or the address is back. Whether it holds is found
 * out when somebody asks; who watches it is told when it begins, and by NST_READY_OUT when it is
 * over. Changes of NICs and addresses are gathered, so that a socket hears of a burst of them once.
 */
#include "socket/sock.h"
#include "stack/nic.h"
#include "wire/addr.h"

/* An address that is nobody's own: a socket that is bound to it sends from another. */
static bool is_common(const struct nst_addr *addr)
{
    return addr_is_unspecified(addr) || addr_is_multicast(addr) || addr_is_limited_broadcast(addr);
}

/* Does the NIC serve a socket that is bound to `addr`? */
static bool serves(struct nic *nic, const struct nst_addr *addr)
{
    if (!nic->enabled)
        return false;
    if (is_common(addr) || nic->spoofing)
        return true;
    const struct net_ep *ep = nic_ep_for(nic, addr);
    const enum addr_kind kind = ep != NULL ? addrs_classify(ep, addr) : ADDR_NOT_OURS;
    return kind == ADDR_ASSIGNED || kind == ADDR_SUBNET_BROADCAST;
}

bool way_is_down(const struct nst_stack *stack, struct sock *s)
{
    struct nst_endpoint local;
    if (s->ops->get_local(s, &local) < 0)
        return false;
    if (local.nic == 0 && is_common(&local.addr))
        return false;
    struct nic *nic;
    LIST_FOR_EACH (nic, &stack->nics, struct nic, node) {
        if ((local.nic == 0 || local.nic == nic->id) && serves(nic, &local.addr))
            return false;
    }
    return true;
}

static void check(struct nst_stack *stack, struct sock *s)
{
    if ((s->ready.watched & NST_READY_DOWN) == 0)
        return;
    const bool down = way_is_down(stack, s);
    if (down != s->down)
        ready_notify(&stack->ready, &s->ready, down ? NST_READY_DOWN : NST_READY_OUT);
    s->down = down;
}

void way_check_all(struct todo *todo)
{
    struct socket_table *t = container_of(todo, struct socket_table, ways);
    for (uint32_t i = 0; i < t->handles.capacity; i++) {
        struct sock *s = handle_at(&t->handles, i);
        if (s != NULL)
            check(t->stack, s);
    }
}
