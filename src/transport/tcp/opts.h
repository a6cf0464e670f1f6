/* SPDX-License-Identifier: Apache-2.0 */
/* The options of what is sent, and what a SYN's options settle. */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_OPTS_H
#define NICSTACK_SRC_TRANSPORT_TCP_OPTS_H

#include "transport/tcp/seg.h"
#include "transport/tcp/tcb.h"

/* Writes the options of the next segment with these flags (40 bytes of room); their length. */
uint32_t opts_build(const struct tcb *tcb, uint16_t flags, uint8_t *data);
/* The peer's SYN or SYN, ACK: MSS, window scale, SACK, timestamps; what was not offered both ways
 * is off. */
void opts_negotiate(struct tcb *tcb, const struct tcp_opts *opts);

#endif
