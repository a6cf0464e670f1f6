/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local ports: which are taken, and which to choose (RFC 6056).
 *
 * Two endpoints on one port are in each other's way when their NICs and local addresses overlap,
 * unless both allow reuse_port, or both allow reuse_address: that is enough for datagrams, and for
 * TCP where one of them is connected. Connections only collide with the same 4-tuple.
 */
#ifndef NICSTACK_SRC_STACK_PORTS_H
#define NICSTACK_SRC_STACK_PORTS_H

#include "stack/demux.h"

/* The ports to choose from: a power of two of them, up to 65535. */
#define PORTS_FIRST 32768
#define PORTS_COUNT 32768

/* May e, not registered, with the local port of its key, not be registered? */
bool ports_conflict(struct nst_stack *stack, const struct demux_entry *e);

/*
 * A free port for e, whose key has none. For TCP connections RFC 6056 algorithm 4 (double hash):
 * a walk from a keyed start, with a counter that destinations share by a second hash, so that ports
 * of one destination are used up in turn. The rest draws by chance. 0 or -NST_EADDRNOTAVAIL.
 */
int ports_choose(struct nst_stack *stack, const struct demux_entry *e, uint16_t *ret_port);

/* May an endpoint have this local address on that NIC (0: any)? Unspecified, assigned, multicast,
 * broadcast and, where a NIC spoofs, any. */
bool ports_address_is_usable(const struct nst_stack *stack, const struct nst_addr *addr,
                             uint32_t nic);

#endif
