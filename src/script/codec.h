/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of a script to bytes of the wire, and bytes that left the stack to packets of a script.
 */
#ifndef NICSTACK_SRC_SCRIPT_CODEC_H
#define NICSTACK_SRC_SCRIPT_CODEC_H

#include "script/flow.h"
#include "script/stage.h"

#define CODEC_PACKET_MAX 65535

/* Whom the flows are between. */
struct codec_ends {
    struct nst_addr local, remote; /* of one family */
    uint32_t ts_tick_us;
};

/* Builds the packet, which comes in on the flow, into `ret_bytes` of CODEC_PACKET_MAX; what it
 * acknowledges and sends is noted in the flow. Returns its length, or 0: it does not fit. */
size_t codec_build(const struct codec_ends *ends, const struct script_packet *packet,
                   struct flow *flow, uint8_t *ret_bytes);

/* A packet that left, in the script's form but with the wire's numbers. Everything is filled in:
 * has_* are all true, ip.ecn is what the two bits say. */
struct codec_seen {
    struct codec_seen *next;
    nst_time at;
    struct script_packet packet;
    struct nst_addr src, dst;
    uint16_t segment;  /* payload bytes of each segment it will be cut into; 0: it is one */
    const char *fault; /* what is wrong with its form; NULL: nothing */
};

/* Decodes what left the stack into the arena. */
struct codec_seen *codec_decode(struct arena *arena, const struct stage_packet *packet);

#endif
