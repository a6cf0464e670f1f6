/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting large segments in software (gso.c). */
#ifndef NICSTACK_SRC_STACK_GSO_H
#define NICSTACK_SRC_STACK_GSO_H

#include "packet/packet.h"

/* Packets on the wire that p stands for. */
uint32_t gso_segments(const struct pkt *p);

/*
 * Cuts p, which has a gso request and its data at the network header, into packets of gso_size
 * bytes of payload, with `headroom` bytes in front of each network header, and puts them into q in
 * order. Their transport checksums are left to complete. Payload is shared, not copied. Consumes p.
 * True, or false: it was dropped because memory is spent or it is not what it says, and q is
 * unchanged.
 */
bool gso_cut(struct pkt *p, uint32_t headroom, struct nst_pktq *q);

#endif
