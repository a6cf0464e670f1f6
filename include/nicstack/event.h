/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: what changed on the NICs of a stack, in the order in which it happened.
 *
 * A host that wants them starts a bounded ring, and reads it after nst_stack_run and after calls
 * of its own. Nothing is kept and nothing is paid before. Who reads too slowly finds one
 * NST_EVENT_LOST in place of everything older, and lists NICs, addresses and neighbours again.
 */
#ifndef NICSTACK_EVENT_H
#define NICSTACK_EVENT_H

#include <nicstack/nic.h>

#ifdef __cplusplus
extern "C" {
#endif

enum nst_event_kind {
    NST_EVENT_LOST = 0, /* the ring was full: what was in it is gone, list again */
    NST_EVENT_NIC_ADDED,
    NST_EVENT_NIC_REMOVED,
    NST_EVENT_NIC_ENABLED,
    NST_EVENT_NIC_DISABLED,
    NST_EVENT_NIC_RENAMED,
    NST_EVENT_NIC_MTU,         /* value: the new MTU */
    NST_EVENT_NIC_LINK_ADDR,   /* mac: the new address */
    NST_EVENT_ADDR_ADDED,      /* it is tentative until it is assigned, be it at once */
    NST_EVENT_ADDR_ASSIGNED,   /* it can be used from now on */
    NST_EVENT_ADDR_TENTATIVE,  /* it is asked again who has it, for its NIC came up */
    NST_EVENT_ADDR_DUPLICATE,  /* another node, mac, has it; value 1: and we keep it */
    NST_EVENT_ADDR_DEPRECATED, /* value 1; or preferred again: value 0 */
    NST_EVENT_ADDR_REMOVED,    /* why */
    NST_EVENT_NEIGH_ADDED,
    NST_EVENT_NEIGH_CHANGED, /* mac and value, its state, as they are now */
    NST_EVENT_NEIGH_REMOVED, /* why */
    NST_EVENT_GROUP_JOINED,  /* addr: the group; by its first member */
    NST_EVENT_GROUP_LEFT,    /* by its last one */
    NST_EVENT_KINDS,
};

/* Why something went. */
enum nst_event_why {
    NST_WHY_ASKED = 0, /* the host asked for it */
    NST_WHY_EXPIRED,   /* its lifetime ended */
    NST_WHY_DUPLICATE, /* another node has it */
    NST_WHY_NIC,       /* its NIC was disabled or removed */
    NST_WHY_EVICTED,   /* another took its place */
    NST_WHY_FAILED,    /* it did not answer */
};

struct nst_event {
    uint64_t number; /* 1, 2, ...: of those of the kinds that were asked for */
    nst_time time;
    uint32_t nic; /* id; 0 with NST_EVENT_LOST */
    uint32_t value;
    uint8_t kind;                /* enum nst_event_kind */
    uint8_t why;                 /* enum nst_event_why */
    uint8_t prefix_len;          /* of an address */
    struct nst_mac mac;          /* all zero: not known, or no matter */
    struct nst_addr addr;        /* of an address, a neighbour, a group */
    char name[NST_NIC_NAME_MAX]; /* the NIC's, after the change */
};

#define NST_EVENT_BIT(kind) (UINT32_C(1) << (kind))
#define NST_EVENTS_ALL      (NST_EVENT_BIT(NST_EVENT_KINDS) - 1)

/* Starts the ring for the kinds in `mask` (NST_EVENT_BIT); it holds `events`, rounded up to a power
 * of two (0: 256). 0; -NST_EALREADY; -NST_EINVAL: no kind, or more than 2^16; -NST_ENOMEM. */
NST_API int nst_event_start(struct nst_stack *stack, uint32_t mask, uint32_t events);
/* Ends it, and forgets what was not read. Idempotent. */
NST_API void nst_event_stop(struct nst_stack *stack);
/* Takes the oldest event. False: none. */
NST_API bool nst_event_next(struct nst_stack *stack, struct nst_event *ret_event);

/* The word of a kind ("addr_duplicate") and of a reason ("expired"); "" for unknown ones. */
NST_API const char *nst_event_name(unsigned kind);
NST_API const char *nst_event_why_name(unsigned why);

#ifdef __cplusplus
}
#endif

#endif
