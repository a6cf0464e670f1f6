/* SPDX-License-Identifier: Apache-2.0 */
/* Frames from values, by the codecs of wire/, with right lengths and checksums. Each writes at
 * `out` and returns the number of bytes. */
#ifndef TESTS_LIB_FRAMES_H
#define TESTS_LIB_FRAMES_H

#include <nicstack/socket.h>

#include "wire/arp.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/tcp.h"

#define FRAME_MAX 65600

/* An IPv4 packet of `len` bytes behind the header, or what stands there already (payload NULL).
 * hdr->hdr_len says how many bytes of options stand at `options` (0 is 20); total_len is filled in.
 */
size_t frame_ip4_hdr(uint8_t *out, const struct ip4_hdr *hdr, const uint8_t *options,
                     const void *payload, size_t len);
/* The same with an ordinary header. */
size_t frame_ip4(uint8_t *out, const struct nst_addr *src, const struct nst_addr *dst,
                 uint8_t proto, const void *payload, size_t len);
/* What follows the IP header alone: UDP and ICMP. payload NULL: it stands there already. */
size_t frame_udp_body(uint8_t *out, const struct nst_endpoint *src, const struct nst_endpoint *dst,
                      const void *payload, size_t len);
size_t frame_icmp4_body(uint8_t *out, const struct icmp4_hdr *hdr, const void *payload, size_t len);
/* An ordinary packet of the family of dst; payload NULL: it stands there already. */
size_t frame_ip(uint8_t *out, const struct nst_addr *src, const struct nst_addr *dst, uint8_t proto,
                const void *payload, size_t len);
size_t frame_udp(uint8_t *out, const struct nst_endpoint *src, const struct nst_endpoint *dst,
                 const void *payload, size_t len);
/* hdr->hdr_len says how many bytes of options stand at `options` (NULL for 20); payload NULL is
 * none; ports are taken from src and dst. */
size_t frame_tcp4(uint8_t *out, const struct nst_endpoint *src, const struct nst_endpoint *dst,
                  const struct tcp_hdr *hdr, const uint8_t *options,
                  const struct nst_iovec *payload);
/* Puts an Ethernet header around what lies at `packet`; out and packet do not overlap. */
size_t frame_eth(uint8_t *out, struct nst_mac src, struct nst_mac dst, uint16_t ethertype,
                 const void *packet, size_t len);
/* A whole Ethernet frame with ARP. To everybody if it is a request, else to hdr->tha. */
size_t frame_arp(uint8_t *out, const struct arp_hdr *hdr);

struct nst_endpoint frame_endpoint(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port);

/* Is the IPv4 packet at `packet` whole, with right header and (but for a fragment) TCP, UDP or ICMP
 * checksum? UDP without one is wrong. */
bool frame_ip4_is_right(const uint8_t *packet, size_t len);

#endif
