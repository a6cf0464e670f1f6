/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world of one script: a stack, its only link, whose other end is the script, and a clock that
 * moves when it is told to.
 *
 * Time here is counted from the world's beginning; the stack's clock is an offset ahead, so that
 * nothing rests on its being near zero.
 */
#ifndef NICSTACK_SRC_SCRIPT_STAGE_H
#define NICSTACK_SRC_SCRIPT_STAGE_H

#include <nicstack/link.h>
#include <nicstack/socket.h>

/* A packet that left the stack, from its IP header on, checksums complete. */
struct stage_packet {
    struct stage_packet *next;
    nst_time at;
    uint16_t segment; /* payload bytes of each segment where it is to be cut; 0: it is not */
    uint32_t len;
    uint8_t data[];
};

struct stage_config {
    struct nst_addr local, gateway; /* of one family */
    uint8_t prefix_len;
    uint32_t mtu;
    bool cut;                    /* no segmentation offload: segments leave as the MSS says */
    bool any;                    /* takes packets for any address */
    nst_time rto_min, time_wait; /* 0: the stack's defaults */
    uint32_t send_buffer_max, receive_buffer_max;
    uint32_t initial_window, tcp_off; /* as nst_stack_config has them */
};

struct stage {
    struct nst_link link; /* first */
    struct nst_stack *stack;
    struct nst_addr local;
    nst_time now;
    /* After each run of the stack; NULL: nobody wants to know. */
    void (*ran)(void *context);
    void *context;
    struct stage_packet *sent, **sent_end; /* not yet taken, oldest first */
    uint64_t dropped;                      /* packets for which the stack had no memory */
};

/* 0, or -NST_E*: -NST_EAFNOSUPPORT where the stack has not the family. */
int stage_init(struct stage *w, const struct stage_config *config);
void stage_fini(struct stage *w);

/* The `len` bytes of an IP packet reach the stack, which then runs. */
void stage_inject(struct stage *w, const void *packet, size_t len);
/* Runs the stack at the present time until it has nothing left to do. */
void stage_run(struct stage *w);
/* The present time on the stack's clock, and a time of that clock on this one. */
nst_time stage_stack_time(const struct stage *w);
nst_time stage_time_of(nst_time stack_time);
/* When the stack wants to run next; NST_TIME_NEVER. */
nst_time stage_next(const struct stage *w);
/* Moves time on to `until`, with a run at each deadline on the way. */
void stage_advance(struct stage *w, nst_time until);
/* Moves time on to the next deadline if that is not after `until`; otherwise to `until`, and
 * false. */
bool stage_step(struct stage *w, nst_time until);
/* The oldest packet that left, which is the caller's to free(); NULL: none. */
struct stage_packet *stage_take(struct stage *w);

#endif
