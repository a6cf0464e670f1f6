/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of a bridge: behind which port each station was heard last.
 *
 * Theory of operation. A fixed array of sets of TABLE_WAYS places; an address, mixed with a secret,
 * chooses its set. Nothing is ever allocated or swept: an entry that is older than `ageing` counts
 * as none, and its place is the first to be taken. Without one, a new station takes the place of
 * the one that was silent longest among those that nobody sends to; where others send to all of a
 * set, it is not remembered, and frames to it are flooded until a place is free. So a flood of
 * made-up stations costs no memory, and pushes out no station that is talked to (RFC 6583's advice
 * for neighbours, for the same reason).
 *
 * Time is in seconds: ageing is no finer.
 */
#ifndef NICSTACK_SRC_LINK_BRIDGE_TABLE_H
#define NICSTACK_SRC_LINK_BRIDGE_TABLE_H

#include <nicstack/types.h>

#define TABLE_WAYS 8
#define TABLE_NONE UINT16_MAX /* no port */

struct table_entry {
    struct nst_mac addr;
    uint16_t port;  /* TABLE_NONE: empty */
    uint32_t heard; /* when it sent last, in seconds */
    uint32_t used;  /* when somebody sent to it last, 0: never */
};

struct table {
    struct table_entry *entries;
    uint32_t count; /* of places, a power of two, at least TABLE_WAYS */
    uint32_t ageing;
    uint64_t key[2];
};

enum table_learnt {
    TABLE_KNOWN,   /* it was there, by this port */
    TABLE_NEW,     /* it is new */
    TABLE_EVICTED, /* it is new, and another was forgotten for it */
    TABLE_MOVED,   /* it was behind another port */
    TABLE_FULL,    /* there is no place for it */
};

/* The entry of an address that is not too old. NULL: there is none. */
struct table_entry *table_lookup(const struct table *table, struct nst_mac addr, uint32_t now);
/* The address was heard behind the port. */
enum table_learnt table_learn(struct table *table, struct nst_mac addr, uint16_t port,
                              uint32_t now);
/* Is an entry there, and not too old? And do others send to it? */
bool table_is_alive(const struct table *table, const struct table_entry *entry, uint32_t now);
bool table_is_used(const struct table *table, const struct table_entry *entry, uint32_t now);
/* Forgets what is behind a port; TABLE_NONE: all. */
void table_forget(struct table *table, uint16_t port);

#endif
