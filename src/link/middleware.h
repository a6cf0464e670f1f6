/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every middleware is made of: a link towards the NIC and the upper end of another link at
 * once. A middleware embeds it first and overrides the operations that it changes; the rest passes
 * through.
 *
 * What a middleware took from the NIC and lets out goes through `out`: the lower link takes of it
 * what it has room for. While something is left there, or the lower link is full, the middleware is
 * blocked itself, so that the NIC's queue holds what is more, and pushes back as it always does.
 */
#ifndef NICSTACK_SRC_LINK_MIDDLEWARE_H
#define NICSTACK_SRC_LINK_MIDDLEWARE_H

#include <nicstack/link.h>

struct middleware {
    struct nst_link link; /* first */
    struct nst_link_upper upper;
    struct nst_link *lower;
    struct nst_pktq out; /* for the lower link */
    struct nst_allocator allocator;
};

static inline struct middleware *middleware_of_upper(struct nst_link_upper *upper)
{
    return (struct middleware *)(void *)((char *)upper - offsetof(struct middleware, upper));
}

/* Fills in m over `lower`, with its capabilities less `without` (NST_LINK_*). The caller sets
 * m->upper. */
void middleware_init(struct middleware *m, const struct nst_allocator *allocator,
                     struct nst_link *lower, const struct nst_link_ops *ops, uint32_t without);

/* The operations of struct nst_link_ops that only pass on. */
bool middleware_parse_header(struct nst_link *link, struct nst_pkt *p,
                             struct nst_link_header *ret_header);
void middleware_push_header(struct nst_link *link, struct nst_pkt *p,
                            const struct nst_link_header *header);
void middleware_attach(struct nst_link *link);
void middleware_detach(struct nst_link *link);
void middleware_run(struct nst_link *link, nst_time now);
nst_time middleware_next_deadline(struct nst_link *link);
int middleware_set_mtu(struct nst_link *link, uint32_t mtu);
int middleware_set_address(struct nst_link *link, struct nst_mac addr);

/* Lets the lower link take from m->out, and blocks or unblocks m's own link accordingly. */
void middleware_send(struct middleware *m);

/* The lower link has room: sends on. */
void middleware_writable(struct nst_link_upper *upper);

#endif
