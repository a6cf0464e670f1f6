/* SPDX-License-Identifier: Apache-2.0 */
/* A received segment, decoded once. */
#ifndef NICSTACK_SRC_TRANSPORT_TCP_SEG_H
#define NICSTACK_SRC_TRANSPORT_TCP_SEG_H

#include "packet/packet.h"
#include "stack/proto.h"
#include "wire/tcpopt.h"

/* Who calls a step passes it on; a step that takes the packet sets p to NULL, one that refuses it
 * leaves the reason in `drop`. */
struct seg {
    struct pkt *p; /* data at the payload */
    const struct rx *rx;
    uint32_t seq, ack;
    uint32_t len; /* payload bytes */
    uint32_t end; /* seq + payload + SYN + FIN, as it came: trimming leaves it */
    uint16_t flags;
    uint16_t wnd; /* as it stands */
    uint16_t urg;
    uint16_t src_port, dst_port;
    uint8_t drop; /* enum drop_reason, when refused */
    bool refused;
    struct tcp_opts opts;
};

/* Says why the segment goes no further; false, so that steps can return it. */
static inline bool seg_refuse(struct seg *seg, enum drop_reason reason)
{
    seg->refused = true;
    seg->drop = (uint8_t)reason;
    return false;
}

#endif
