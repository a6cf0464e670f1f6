/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace: what became of packets that somebody follows, for captures that say why.
 *
 * A link that shows packets (nst_sniffer_new does) gives each a number by nst_pkt_trace. When the
 * stack drops one of them, it says so in a bounded ring, which the host reads after nst_stack_run.
 * Why a packet is sent stands in the packet itself: pkt->note. Nothing is paid while the stack does
 * not trace.
 */
#ifndef NICSTACK_TRACE_H
#define NICSTACK_TRACE_H

#include <nicstack/packet.h>
#include <nicstack/stack.h>

#ifdef __cplusplus
extern "C" {
#endif

enum nst_trace_kind {
    NST_TRACE_DROPPED = 1, /* the packet, or a copy of it, was dropped */
    NST_TRACE_MERGED,      /* its bytes are in packet `into` now, with which its fate is shared */
};

struct nst_trace_event {
    uint32_t trace; /* of the packet: nst_pkt.trace */
    uint32_t into;  /* NST_TRACE_MERGED: the number of the packet that has its bytes */
    enum nst_trace_kind kind;
    const char *name; /* NST_TRACE_DROPPED: the reason's word ("no_route"), and its sentence */
    const char *text;
};

/* Starts to trace; the ring holds `events`, rounded up to a power of two (0: 4096), 12 bytes each.
 * 0; -NST_EALREADY; -NST_EINVAL: more than 2^20; -NST_ENOMEM. */
NST_API int nst_stack_trace_start(struct nst_stack *stack, uint32_t events);
/* Ends it, and forgets what was not read. Idempotent. */
NST_API void nst_stack_trace_stop(struct nst_stack *stack);
/* Takes the oldest event. False: none. It may be called at any time, in links too. */
NST_API bool nst_stack_trace_next(struct nst_stack *stack, struct nst_trace_event *ret_event);
/* How many events were lost since the start because the ring was full: the newest are. */
NST_API uint64_t nst_stack_trace_lost(const struct nst_stack *stack);

/* The word ("retransmit_timeout") and the sentence of an enum nst_note; "" for NST_NOTE_NONE and
 * unknown ones. */
NST_API const char *nst_note_name(unsigned note);
NST_API const char *nst_note_text(unsigned note);

#ifdef __cplusplus
}
#endif

#endif
