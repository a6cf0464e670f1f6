/* SPDX-License-Identifier: Apache-2.0 */
/* Initial sequence numbers (RFC 6528) and timestamp offsets (RFC 7323 5.4), keyed. */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_ISN_H
#define NICSTACK_SRC_TRANSPORT_TCP_ISN_H

#include "transport/tcp/tcb.h"

/* M + F(4-tuple, secret): M is a clock of 4 microseconds. */
uint32_t isn_make(const struct nst_stack *stack, const struct demux_key *key);
/* The offset of a connection's timestamps: the same for the same 4-tuple, so that TIME-WAIT and a
 * successor agree. */
uint32_t isn_ts_offset(const struct nst_stack *stack, const struct demux_key *key);

#endif
