/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readiness: a list of the sockets for which something that they watch has begun. Transports
 * notify, the socket layer lists. Bounded by the sockets, for each is in it at most once.
 */
#ifndef NICSTACK_SRC_STACK_READY_H
#define NICSTACK_SRC_STACK_READY_H

#include <nicstack/socket.h>

#include "base/list.h"

struct ready_list {
    struct list list; /* of struct ready */
};

/* Lies in a socket. A transport object points to it, or NULL while it has no socket. */
struct ready {
    struct list node;
    uint32_t watched;
};

static inline void ready_list_init(struct ready_list *l)
{
    list_init(&l->list);
}
static inline void ready_init(struct ready *r)
{
    list_init(&r->node);
    r->watched = 0;
}
/* `events` (NST_READY_*) began or happened anew. r may be NULL. */
static inline void ready_notify(struct ready_list *l, struct ready *r, uint32_t events)
{
    if (r != NULL && (events & (r->watched | NST_READY_ERROR | NST_READY_HUP)) != 0 &&
        !list_is_linked(&r->node))
        list_add_tail(&l->list, &r->node);
}
static inline void ready_cancel(struct ready *r)
{
    list_remove(&r->node);
}

#endif
