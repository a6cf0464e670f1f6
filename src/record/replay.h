/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replaying.
 *
 * Theory of operation. The replayed stack is recorded too, into a sink that compares: each record
 * that it makes must be the one that comes next in the recording, which is then passed. So the
 * place in the recording is where the replayed stack is, also in the middle of a call, and whatever
 * it does otherwise, a packet, a result, an order, is found at once. nst_replay_step looks at the
 * next record and does what caused it: a call (play.c), or a packet from a link (replay_link.c);
 * links that the core calls look at it too, and answer as those did that were recorded.
 *
 * Memory. What links hold of the stack's memory is no input, but how much is in use decides when it
 * is short. So the use that was recorded with each call is what counts in the replay as well: what
 * is missing is added as ballast, which nobody has.
 *
 * A recording may say anything: what is read from it is bounded here and in get.c, and what cannot
 * be ends the replay as malformed.
 *
 * Invariants: (1) `at` is at a record, or at the end, and only compare() moves it; (2) the stack's
 * memory in use is never set below what it has; (3) nothing is compared after the state changed.
 */
#ifndef NICSTACK_SRC_RECORD_REPLAY_H
#define NICSTACK_SRC_RECORD_REPLAY_H

#include "record/format.h"
#include "stack/nic.h"

struct replay_link;

struct nst_replay {
    struct nst_replay_config config;
    struct nst_stack *stack;
    const uint8_t *data;
    size_t len, at;
    struct nst_replay_status status;
    uint64_t ballast;
    void *scratch; /* for what calls give */
    size_t scratch_size;
    void *got;  /* a copy of the record that differs */
    void *lent; /* a context of replay_lend, for a call that may not take it */
    struct replay_link *links;
    bool has_idle_links; /* some have no NIC any more */
};

/* The next record; NULL: none, or not of this kind. */
static inline const uint8_t *replay_next(const struct nst_replay *r, enum record_kind kind)
{
    if (r->status.state != NST_REPLAY_GOES_ON || record_len(r->data + r->at, r->len - r->at) == 0)
        return NULL;
    return r->data[r->at + 6] == kind ? r->data + r->at : NULL;
}

/* Ends the replay, unless it has ended. */
void replay_end(struct nst_replay *r, enum nst_replay_state state);
/* `size` bytes until the next call; NULL: no memory, which ends the replay. */
void *replay_scratch(struct nst_replay *r, size_t size);
/* Takes the ballast away; the use that counted. Give it to replay_weigh afterwards. */
uint64_t replay_lighten(struct nst_replay *r);
/* Lets so much count as used, or what is used if that is more. */
void replay_weigh(struct nst_replay *r, uint64_t used);

/* Memory that the stack has for a while. `size` bytes, the first `len` a copy of `bytes`. NULL: no
 * memory. It is released by replay_release(context, memory). */
uint8_t *replay_lend(struct nst_replay *r, const void *bytes, size_t len, size_t size,
                     void **ret_context);
HIDDEN void replay_release(void *context, uint8_t *memory);

/* ---- replay_link.c ---- */

/* A link of memory in a state; it lives until it has no NIC any more. NULL: no memory. */
struct nst_link *replay_link_new(struct nst_replay *r, const struct tape_link *state,
                                 bool has_set_mtu, bool has_set_address);
/* Frees all (or only those that no NIC has). */
void replay_links_free(struct nst_replay *r, bool idle);
/* Does what the next records say that links do by themselves: deliver, have room. */
void replay_link_inputs(struct nst_replay *r);
/* At a RECORD_LINK: the link is as it says from now on. False: malformed. */
bool replay_link_change(struct nst_replay *r, const uint8_t *record);

/* ---- play.c ---- */

/* Makes the call of a record that is whole. */
void replay_call(struct nst_replay *r, const uint8_t *record);

#endif
