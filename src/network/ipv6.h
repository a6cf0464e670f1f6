/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv6: RFC 8200, 4291, 4861, 4862, 8504. ipv6_in.c receives, ipv6_ext.c reads the chain of
 * extension headers, ipv6_out.c sends and cuts, reassembly.c puts together, icmp6.c and
 * icmp6_error.c are ICMPv6, ndp.c finds neighbours, dad.c finds duplicate addresses, linklocal.c
 * makes link-local ones, ipv6.c joins them to the stack.
 */
#ifndef NICSTACK_SRC_NETWORK_IPV6_H
#define NICSTACK_SRC_NETWORK_IPV6_H

#include "base/siphash.h"
#include "network/reassembly.h"
#include "packet/packet.h"
#include "stack/proto.h"
#include "wire/ip6.h"

#define IP6_HOP_LIMIT_DEFAULT  64
#define IP6_REASSEMBLY_TIMEOUT (60 * NST_SEC) /* RFC 8200 4.5 */
/* RFC 8504 5.3: limits on what is read of one packet. */
#define IP6_CHAIN_MAX       8    /* extension headers */
#define IP6_CHAIN_BYTES_MAX 1280 /* fixed header, extension headers and transport header */
#define IP6_OPTIONS_MAX     8    /* in one header, without padding */

extern HIDDEN const struct net_proto ip6_proto;

struct ip6_state {
    struct reassembly *reassembly; /* NULL before the first fragment: it is most of a new stack */
    uint64_t label_factor;         /* odd, secret: flow labels (RFC 6437) */
    struct siphash_key iid_key;    /* secret_key of RFC 7217 5 */
};

/* ---- ipv6.c ---- */

/* The table of IPv6 fragments, made now if need be. NULL: no memory. */
struct reassembly *ip6_reassembly(struct nst_stack *stack);

/* ---- ipv6_in.c ---- */

/* net_proto.parse, N27: makes the header linear. False: malformed. */
bool ip6_parse_packet(struct pkt *p);
/* net_proto.input: judges p and gives it to its transport. Consumes p. */
void ip6_input(struct net_ep *ep, struct pkt *p);
/* May a packet from outside `ep` come from src, if it goes to a group (`to_group`) or not? */
bool ip6_source_is_sane(const struct net_ep *ep, const struct nst_addr *src, bool to_group);

/* ---- ipv6_ext.c ---- */

/* How far the headers of a packet were read. */
struct ip6_chain {
    uint32_t len;        /* bytes of headers that were read, the fixed one included */
    uint32_t next_off;   /* of the byte that says `next`, from the fixed header */
    uint8_t next;        /* what stands at len: not an extension header that we know */
    uint8_t count;       /* extension headers */
    bool fragmented;     /* one of them was a fragment header */
    bool later_fragment; /* and what stands at len is the middle of a datagram */
};

/*
 * Obeys the extension headers of p, data at its fixed header, which is whole and trimmed. Gives p
 * (or the whole that its fragment completed) with *ret_chain filled in, or NULL: it was dropped,
 * and answered where it has to be, or waits for other fragments.
 */
struct pkt *ip6_obey_chain(struct net_ep *ep, struct pkt *p, const struct rx *rx,
                           struct ip6_chain *ret_chain);
/* Only reads the headers of the packet that `len` bytes at `data` begin, as far as they go: for
 * quotes. False: they end before the chain does. */
bool ip6_read_chain(const uint8_t *data, size_t len, struct ip6_chain *ret_chain);
/* reassembly_family.fix_header: takes the fragment header out. */
HIDDEN void ip6_fix_header(struct pkt *p, uint32_t hdr_len, uint32_t len, bool ce);

/* ---- ipv6_out.c ---- */

/* net_proto.output. */
int ip6_output(struct dst *d, struct pkt *p, const struct ip_out *out);
/* N47, net_proto.unresolved. */
void ip6_unresolved(struct net_ep *ep, const struct pkt *p);
/* Sends a neighbour discovery message, data at its ICMPv6 header, with the hop limit of those, to
 * `mac` or (NULL) to whatever link address `dst` has. Writes its checksum. Consumes p. */
void ip6_send_ndp(struct net_ep *ep, struct pkt *p, const struct nst_addr *src,
                  const struct nst_addr *dst, const struct nst_mac *mac);

#endif
