/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routes: longest prefix first, then lowest metric, then first added. One trie a family; a leaf is
 * a short list. Any change bumps `generation`, by which cached destinations see that they are
 * stale.
 */
#ifndef NICSTACK_SRC_STACK_ROUTE_H
#define NICSTACK_SRC_STACK_ROUTE_H

#include <nicstack/stack.h>

#include "base/fwd.h"
#include "base/list.h"
#include "base/lpm.h"

struct route {
    struct route *next; /* same prefix, worse or later */
    struct nic *nic;
    struct nst_route info;
};

struct route_table {
    struct lpm v4, v6;
    uint32_t generation;
    uint32_t count;
};

void route_table_init(struct nst_stack *stack);
void route_table_fini(struct nst_stack *stack);
/* The best route to addr whose NIC is enabled; `nic` limits it to one (NULL: any). NULL: none. */
const struct route *route_lookup(const struct nst_stack *stack, const struct nst_addr *addr,
                                 const struct nic *nic);
/* After a look-up that found nothing: is there a route whose NIC is disabled? */
bool route_is_down(const struct nst_stack *stack, const struct nst_addr *addr,
                   const struct nic *nic);
/* Whatever decides about destinations (addresses, NICs and their modes) changed: every cached
 * destination becomes stale. */
void route_changed(struct nst_stack *stack);
/* N9: deletes every route by way of the NIC. */
void route_remove_nic(struct nst_stack *stack, const struct nic *nic);
/* The same for one family. */
void route_remove_family(struct nst_stack *stack, const struct nic *nic, bool v4);

#endif
