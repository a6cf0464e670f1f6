/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of the stack's memory TCP may use for what (DESIGN decision 8).
 *
 * Theory of operation
 *
 * What connections cost by being there (BUDGET_CONNECTION) is taken off the stack's limit: the rest
 * is for data, and how much of that rest is in use, by whomever, gives the level.
 *
 *  level      from   windows          sending            out of order   in order
 *  FREE              by autotuning    as snd.buf says    stored         taken
 *  TIGHT      1/2    a fair share     a fair share       stored         taken
 *  CRITICAL   3/4    a fair share     refused            given up       taken
 *             7/8                                                       not where much is unread
 *
 * So the last quarter is for what finishes things: data in order, and what goes with it. The last
 * sixteenth the pool keeps from blocks (pool_is_spent): acknowledgments in and out, and records,
 * come from it. Nothing that was promised is taken back: windows shrink only as they are used up,
 * and what does not fit counts as lost on the way.
 *
 * A connection that wanted to send and was refused waits in `hungry`, in order of arrival. Once
 * memory is there again the first ones are granted leave to go before everybody else, and their
 * users are told (NST_READY_OUT). Whoever frees memory of TCP calls budget_freed; a timer looks
 * for what others freed.
 *
 * What is stored out of order was promised to nobody (RFC 2018 8): the store that is oldest goes
 * first, whole.
 *
 * Invariants: (1) a tcb with `hungry` set is in tcp_state.hungry instead of tcp_state.all; (2) the
 * timer is armed while the list is not empty; (3) every struct ooo is in tcp_state.holes.
 */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_BUDGET_H
#define NICSTACK_SRC_TRANSPORT_TCP_BUDGET_H

#include "packet/pool.h"
#include "transport/tcp/tcb.h"

/* Bytes that a connection costs without data: tcb, socket, tables. */
#define BUDGET_CONNECTION 720u
/* What leave to send is worth: a small block, and what goes with it. */
#define BUDGET_GRANT 4096u

enum budget_level {
    BUDGET_FREE,
    BUDGET_TIGHT,
    BUDGET_CRITICAL,
};

void budget_init(struct nst_stack *stack);
void budget_fini(struct nst_stack *stack);

/* How things stand. */
enum budget_level budget_level(const struct tcp_state *tcp);
/* Is there memory for one more connection, which leaves the others enough to go on? */
bool budget_may_open(const struct tcp_state *tcp);
/* Bytes that a queue may hold by the side of all others that are in use, while memory is short. */
uint32_t budget_send_share(const struct tcb *tcb);
uint32_t budget_receive_share(const struct tcb *tcb);
/* The buffer that a new connection begins with. */
uint32_t budget_first_buffer(const struct tcp_state *tcp);
/* May `len` bytes in order be kept? Not at the last eighth where the user leaves unread what he
 * has. */
bool budget_may_keep(const struct tcb *tcb, uint32_t len);

/* Output was refused or failed for want of memory: its turn comes, with NST_READY_OUT. */
void budget_wait(struct tcb *tcb);
/* It waits no more: it was served, or ends. */
void budget_leave(struct tcb *tcb);
/* Others wait, and tcb has no leave to go before them. */
static inline bool budget_is_behind(const struct tcb *tcb)
{
    return !list_is_empty(&tcb->stack->tcp->hungry) && !tcb->granted;
}
void budget_freed_slow(struct tcp_state *tcp);
/* Memory of TCP has come free. */
static inline void budget_freed(struct tcp_state *tcp)
{
    if (unlikely(!list_is_empty(&tcp->hungry)))
        budget_freed_slow(tcp);
}

void budget_relieve_slow(struct tcp_state *tcp);
/* Gives up what is stored out of order while memory is critical; any tcb's ooo may be NULL then. */
static inline void budget_relieve(struct tcp_state *tcp)
{
    if (unlikely(!list_is_empty(&tcp->holes)))
        budget_relieve_slow(tcp);
}

#endif
