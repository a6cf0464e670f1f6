/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The recorder.
 *
 * Theory of operation. A recorder is what the stack's tape (stack/tape.h) leads to. Every public
 * call of calls.def passes through calls.c: while there is a tape, its arguments become a record,
 * then the core does it, then its result becomes one. In between come the records of what links did
 * meanwhile, for they are called by the core and deliver while they are. So the stream says of each
 * input where between the others it stands, and a replay is in step with it at every moment.
 *
 * Nothing is buffered here: records are made on the C stack and given to the sink, with what they
 * carry by reference. Only what nst_record_start makes is memory of its own, which is not the
 * budget's: a stack that is recorded does what it does without.
 *
 * Invariants: (1) between a CALL and its RESULT there is no other CALL, for what the core calls of
 * itself has another name (rename.h), and links may not call; (2) what of a link the stack looks at
 * at any time (nic->taped) is recorded before the call that could look at it.
 *
 * Limits: what the allocator refuses below the budget is no recorded input; a link must set
 * tx_blocked in transmit alone.
 */
#ifndef NICSTACK_SRC_RECORD_RECORD_H
#define NICSTACK_SRC_RECORD_RECORD_H

#include "record/format.h"
#include "stack/nic.h"

/* Nobody records: the usual case. */
static inline bool record_is_off(const struct nst_stack *stack)
{
    return likely(stack == NULL || stack->tape == NULL);
}

/* A record of a call, whose arguments are to be put. Links that changed are recorded before. */
void record_begin(struct nst_stack *stack, struct record_out *out, uint8_t call);
/* Gives it to the sink. */
void record_put(struct nst_stack *stack, struct record_out *out);
/* The record of its result. */
void record_result(struct nst_stack *stack, uint8_t call, int64_t result);

/* The functions of the core that calls.def says are our own. */
void core_nst_stack_free(struct nst_stack *stack);

#endif
