/* SPDX-License-Identifier: Apache-2.0 */
/* Readiness: stack/ready.h has the list, this what the host sees of it. */
#include "socket/sock.h"

#define ALWAYS (NST_READY_ERROR | NST_READY_HUP)
#define ALL    (NST_READY_IN | NST_READY_OUT | NST_READY_RDHUP | NST_READY_DOWN | ALWAYS)

/* Of all NST_READY_*; `watched`: whether there is a way is only asked for who wants to know. */
static inline uint32_t events_of(const struct nst_stack *stack, struct sock *s, uint32_t watched)
{
    uint32_t events = s->ops->events(s);
    if (unlikely((watched & NST_READY_DOWN) != 0) && way_is_down(stack, s))
        events |= NST_READY_DOWN;
    return events;
}

int nst_socket_watch(struct nst_stack *stack, nst_socket handle, uint32_t events, void *context)
{
    struct sock *s = sock_lookup(stack, handle);
    if (s == NULL)
        return -NST_EBADHANDLE;
    if ((events & ~(uint32_t)ALL) != 0)
        return -NST_EINVAL;
    s->ready.watched = events;
    s->context = context;
    s->down = (events & NST_READY_DOWN) != 0 && way_is_down(stack, s);
    ready_notify(&stack->ready, &s->ready, events_of(stack, s, events));
    return 0;
}

int nst_socket_events(struct nst_stack *stack, nst_socket handle)
{
    struct sock *s = sock_lookup(stack, handle);
    return s != NULL ? (int)events_of(stack, s, ALL) : -NST_EBADHANDLE;
}

/* False: what it was listed for is over. */
static bool describe(const struct nst_stack *stack, struct ready *r, struct nst_ready *ret)
{
    if (forwarder_owns_ready(stack, r)) {
        *ret = (struct nst_ready){.events = NST_READY_REQUEST};
        return true;
    }
    struct sock *s = container_of(r, struct sock, ready);
    const uint32_t events = events_of(stack, s, r->watched) & (r->watched | ALWAYS);
    *ret = (struct nst_ready){.socket = s->handle, .context = s->context, .events = events};
    return events != 0;
}

int nst_ready_list(struct nst_stack *stack, struct nst_ready *ret_ready, int max)
{
    int count = 0;

    if (stack == NULL || ret_ready == NULL)
        return 0;
    while (count < max && !list_is_empty(&stack->ready.list)) {
        struct ready *r = LIST_FIRST(&stack->ready.list, struct ready, node);
        ready_cancel(r);
        count += describe(stack, r, &ret_ready[count]);
    }
    return count;
}
