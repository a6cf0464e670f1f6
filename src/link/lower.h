/* SPDX-License-Identifier: Apache-2.0 */
/* The upper end of a link, for what stands on one (or several): middleware, trunks, bridges.
 * Operations that a link does not have are done without. */
#ifndef NICSTACK_SRC_LINK_LOWER_H
#define NICSTACK_SRC_LINK_LOWER_H

#include <nicstack/link.h>

/* From here on `lower` delivers to `upper`, and takes packets of `pool`. */
static inline void lower_attach(struct nst_link *lower, struct nst_link_upper *upper,
                                struct nst_pool *pool)
{
    lower->upper = upper;
    lower->pool = pool;
    if (lower->ops->attach != NULL)
        lower->ops->attach(lower);
}

/* It delivers no more. Frees what `waiting` for it has. */
static inline void lower_detach(struct nst_link *lower, struct nst_pktq *waiting)
{
    struct nst_pkt *p;
    if (lower->ops->detach != NULL)
        lower->ops->detach(lower);
    lower->upper = NULL;
    lower->pool = NULL;
    while ((p = nst_pktq_pop(waiting)) != NULL)
        nst_pkt_free(p);
}

static inline void lower_run(struct nst_link *lower, nst_time now)
{
    if (lower->ops->run != NULL)
        lower->ops->run(lower, now);
}

static inline nst_time lower_next_deadline(struct nst_link *lower)
{
    return lower->ops->next_deadline != NULL ? lower->ops->next_deadline(lower) : NST_TIME_NEVER;
}

static inline int lower_set_mtu(struct nst_link *lower, uint32_t mtu)
{
    return lower->ops->set_mtu != NULL ? lower->ops->set_mtu(lower, mtu) : -NST_EOPNOTSUPP;
}

static inline int lower_set_address(struct nst_link *lower, struct nst_mac addr)
{
    return lower->ops->set_address != NULL ? lower->ops->set_address(lower, addr) : -NST_EOPNOTSUPP;
}

#endif
