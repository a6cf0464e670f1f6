/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4: RFC 791, RFC 1122 3.2 and 3.3, RFC 6864. ipv4_in.c receives, ipv4_out.c sends and cuts,
 * reassembly.c puts together, ipv4.c joins them to the stack.
 */
#ifndef NICSTACK_SRC_NETWORK_IPV4_H
#define NICSTACK_SRC_NETWORK_IPV4_H

#include "network/reassembly.h"
#include "packet/packet.h"
#include "stack/proto.h"
#include "wire/ip4.h"

#define IP4_TTL_DEFAULT        64
#define IP4_REASSEMBLY_TIMEOUT (30 * NST_SEC) /* RFC 791 3.2: 15 s; RFC 1122 3.3.2: 60 to 120 */

extern HIDDEN const struct net_proto ip4_proto;

struct ip4_state {
    struct reassembly reassembly;
};

/* net_proto.parse, N27: makes the header linear, cuts padding off. False: malformed. */
bool ip4_parse_packet(struct pkt *p);
/* net_proto.input: judges p and gives it to its transport. Consumes p. */
void ip4_input(struct net_ep *ep, struct pkt *p);
/* reassembly_family.fix_header. */
HIDDEN void ip4_fix_header(struct pkt *p, uint32_t hdr_len, uint32_t len, bool ce);
/* net_proto.output. */
int ip4_output(struct dst *d, struct pkt *p, const struct ip_out *out);
/* N47, net_proto.unresolved. */
void ip4_unresolved(struct net_ep *ep, const struct pkt *p);
/*
 * RFC 1122 3.2.1.3: may a packet from outside `ep` come from src4, if it goes to a group or
 * broadcast (`to_group`) or not?
 */
bool ip4_source_is_sane(const struct net_ep *ep, uint32_t src4, bool to_group);

#endif
