/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a recorder is told of links: the half of the stack's inputs that are no public calls, and
 * what is sent. src/record has the recorder; without one each of these is a branch.
 */
#ifndef NICSTACK_SRC_STACK_TAPE_H
#define NICSTACK_SRC_STACK_TAPE_H

#include <nicstack/link.h>

#include "base/fwd.h"

struct nic;
struct pkt;
struct tape;

struct tape_ops {
    /* The link delivers q, which is still whole. */
    void (*delivered)(struct tape *tape, const struct nic *nic, const struct nst_pktq *q);
    /* The link read the header of a packet, and pulled so many bytes; NULL: it is malformed. */
    void (*parsed)(struct tape *tape, const struct nic *nic, uint32_t pulled,
                   const struct nst_link_header *header);
    /* p, with the link header that the link made of `header`, is ready for the link. */
    void (*queued)(struct tape *tape, const struct nic *nic, const struct pkt *p,
                   const struct nst_link_header *header);
    /* The link is about to be given packets; and then, it took so many. */
    void (*transmits)(struct tape *tape, const struct nic *nic);
    void (*transmitted)(struct tape *tape, struct nic *nic, uint32_t count);
    /* The link has room again. */
    void (*writable)(struct tape *tape, struct nic *nic);
    /* The link was asked to change its MTU or address, and answered. */
    void (*changed)(struct tape *tape, struct nic *nic, int result);
};

struct tape {
    const struct tape_ops *ops;
};

/* What of a link the stack looks at at any time, as it was recorded last. */
struct tape_link {
    uint32_t caps, mtu, max_header, gso_max;
    struct nst_mac addr;
    bool tx_blocked;
};

/* Tells the tape of a stack, if there is one: TAPE(stack, delivered, nic, q). */
#define TAPE(stack, event, ...)                    \
    do {                                           \
        struct tape *tape_ = (stack)->tape;        \
        if (__builtin_expect(tape_ != NULL, 0))    \
            tape_->ops->event(tape_, __VA_ARGS__); \
    } while (0)

#endif
