/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TIME-WAIT: what is left of a connection that we closed first, so that old segments find somebody
 * (RFC 9293 3.6). Compact: a tcb goes and a struct timewait takes its place in the demultiplexer.
 * All wait equally long, so one list in order of time and one timer serve them all.
 */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_TIMEWAIT_H
#define NICSTACK_SRC_TRANSPORT_TCP_TIMEWAIT_H

#include "transport/tcp/seg.h"
#include "transport/tcp/tcb.h"

/* demux.tag: TAG_TIMEWAIT, TIMEWAIT_TS, the window field in the upper 16 bits. */
#define TIMEWAIT_TS 0x100u

struct timewait {
    /* First. It shares its port, so the demultiplexer leaves on_port alone: it lies in
     * tcp_state.timewait. */
    struct demux_entry demux;
    uint32_t expires_ms;
    uint32_t snd_nxt, rcv_nxt;
    uint32_t ts_recent;
};
_Static_assert(sizeof(struct timewait) < 128, "a million of them have to fit");

static inline struct timewait *timewait_of(struct demux_entry *e)
{
    return (struct timewait *)e;
}

void timewait_init(struct nst_stack *stack);
void timewait_fini(struct nst_stack *stack);
/* The connection enters TIME-WAIT: it leaves the demultiplexer; its user, if there is one, can
 * still read. */
void timewait_enter(struct tcb *tcb);
/* A segment for it; data at the payload. */
void timewait_input(struct nst_stack *stack, struct timewait *tw, struct seg *seg);
/* RFC 6191 from our side: may an active open take this 4-tuple over? Then it is removed and
 * *ret_floor is the last number used. */
bool timewait_give_way(struct nst_stack *stack, struct timewait *tw, uint32_t *ret_floor);
/* The oldest ones end early, when memory is short. */
void timewait_evict(struct nst_stack *stack);

#endif
