/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same world over IPv6: packets that were made for one family become those of the other, so
 * that everything that peers.c and the two stacks say can be said over both. 10.0.n.x is
 * fd00:0:0:n::x, anybody else is 2001:db8:: with the four bytes at the end.
 *
 * Checksums of TCP and UDP stay right or wrong, as they were; those of ICMP are made right.
 */
#ifndef TESTS_FUZZ_SIX_H
#define TESTS_FUZZ_SIX_H

#include <stddef.h>
#include <stdint.h>

#include <nicstack/types.h>

#define SIX_CAP 3100

struct nst_addr six_addr(const struct nst_addr *four);

/* Writes the packet of the other family at `out` (SIX_CAP bytes); returns its length, 0: there is
 * none. */
size_t six_from_four(uint8_t *out, const uint8_t *packet, size_t len);
size_t four_from_six(uint8_t *out, const uint8_t *packet, size_t len);
/* The neighbour solicitation or advertisement that says what the ARP packet says. */
size_t six_from_arp(uint8_t *out, const uint8_t *packet, size_t len);

#endif
