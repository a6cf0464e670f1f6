/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses on the wire: MAC addresses, and both families of IP as struct nst_addr. An IPv4
 * address also travels as a raw `uint32_t` in network byte order, always named *4 (src4, dst4,
 * spa4): hashing and checksums want the word as it lies in memory.
 */
#ifndef NICSTACK_SRC_WIRE_ADDR_H
#define NICSTACK_SRC_WIRE_ADDR_H

#include <string.h>

#include <nicstack/types.h>

#include "base/bytes.h"
#include "base/fwd.h"

enum {
    MAC_LEN = 6,
};

#define MAC_BROADCAST ((struct nst_mac){{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}})
#define MAC_ZERO      ((struct nst_mac){{0, 0, 0, 0, 0, 0}})

/* The address in the 6 bytes at `data`. */
static inline struct nst_mac mac_get(const uint8_t *data)
{
    struct nst_mac mac;
    memcpy(mac.b, data, sizeof(mac.b));
    return mac;
}

/* Writes 6 bytes at `data`. */
static inline void mac_put(uint8_t *data, const struct nst_mac *mac)
{
    memcpy(data, mac->b, sizeof(mac->b));
}

static inline bool mac_equal(const struct nst_mac *x, const struct nst_mac *y)
{
    return memcmp(x->b, y->b, sizeof(x->b)) == 0;
}

/* The group bit: multicast, and broadcast too. */
static inline bool mac_is_multicast(const struct nst_mac *mac)
{
    return (mac->b[0] & 1) != 0;
}

static inline bool mac_is_broadcast(const struct nst_mac *mac)
{
    const struct nst_mac all = MAC_BROADCAST;
    return mac_equal(mac, &all);
}

static inline bool mac_is_zero(const struct nst_mac *mac)
{
    const struct nst_mac zero = MAC_ZERO;
    return mac_equal(mac, &zero);
}

/* Can be the address of one station: neither a group nor all zero. */
static inline bool mac_is_unicast(const struct nst_mac *mac)
{
    return !mac_is_multicast(mac) && !mac_is_zero(mac);
}

/* The word of raw network order that holds a.b.c.d. */
static inline uint32_t addr_raw4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return nst_addr_v4(a, b, c, d).w[3];
}

/* The raw word at `data` (4 bytes, any alignment), and back. */
static inline uint32_t addr_raw4_get(const uint8_t *data)
{
    uint32_t raw4;
    memcpy(&raw4, data, sizeof(raw4));
    return raw4;
}

static inline void addr_raw4_put(uint8_t *data, uint32_t raw4)
{
    memcpy(data, &raw4, sizeof(raw4));
}

/* Raw word to v4-mapped address. */
static inline struct nst_addr addr_from_raw4(uint32_t raw4)
{
    struct nst_addr addr = nst_addr_v4(0, 0, 0, 0);
    addr.w[3] = raw4;
    return addr;
}

/* The raw word of a v4-mapped address; of an IPv6 one, its last 4 bytes. */
static inline uint32_t addr_to_raw4(const struct nst_addr *addr)
{
    return addr->w[3];
}

/* v4-mapped address from the 4 bytes at `data`, and back. */
static inline struct nst_addr addr_v4_get(const uint8_t *data)
{
    return addr_from_raw4(addr_raw4_get(data));
}

static inline void addr_v4_put(uint8_t *data, const struct nst_addr *addr)
{
    memcpy(data, &addr->w[3], 4);
}

/* IPv6 address from the 16 bytes at `data`, and back. */
static inline struct nst_addr addr_v6_get(const uint8_t *data)
{
    struct nst_addr addr;
    memcpy(addr.b, data, sizeof(addr.b));
    return addr;
}

static inline void addr_v6_put(uint8_t *data, const struct nst_addr *addr)
{
    memcpy(data, addr->b, sizeof(addr->b));
}

/* Classes of raw IPv4 words. */
static inline bool addr_raw4_is_loopback(uint32_t raw4) /* 127.0.0.0/8, RFC 1122 3.2.1.3 g */
{
    return ((const uint8_t *)&raw4)[0] == 127;
}

static inline bool addr_raw4_is_multicast(uint32_t raw4) /* 224.0.0.0/4, RFC 1112 4 */
{
    return (((const uint8_t *)&raw4)[0] & 0xf0) == 0xe0;
}

static inline bool addr_raw4_is_link_local(uint32_t raw4) /* 169.254.0.0/16, RFC 3927 */
{
    const uint8_t *b = (const uint8_t *)&raw4;
    return b[0] == 169 && b[1] == 254;
}

static inline bool addr_raw4_is_limited_broadcast(uint32_t raw4)
{
    return raw4 == UINT32_MAX;
}

/* Classes of either family. */
static inline bool addr_is_unspecified(const struct nst_addr *addr) /* "::" or 0.0.0.0 */
{
    return addr->w[3] == 0 && ((addr->q[0] | addr->w[2]) == 0 || nst_addr_is_v4(addr));
}

static inline bool addr_is_multicast(const struct nst_addr *addr) /* ff00::/8 or 224/4 */
{
    return nst_addr_is_v4(addr) ? addr_raw4_is_multicast(addr->w[3]) : addr->b[0] == 0xff;
}

static inline bool addr_is_link_local(const struct nst_addr *addr) /* fe80::/10 or 169.254/16 */
{
    if (nst_addr_is_v4(addr))
        return addr_raw4_is_link_local(addr->w[3]);
    return addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0x80;
}

static inline bool addr_is_limited_broadcast(const struct nst_addr *addr) /* 255.255.255.255 */
{
    return nst_addr_is_v4(addr) && addr_raw4_is_limited_broadcast(addr->w[3]);
}

bool addr_is_loopback(const struct nst_addr *addr); /* ::1 or 127/8 */

/* 240.0.0.0/4 but the limited broadcast (RFC 1112 4): never a valid source or destination. */
bool addr_is_reserved(const struct nst_addr *addr);

/* Multicast that stays on its link: 224.0.0.0/24 (RFC 5771 4), ffx1 and ffx2::/16 (RFC 4291 2.7).
 */
bool addr_is_link_multicast(const struct nst_addr *addr);

/* The Ethernet group that carries IP multicast `group`: 01:00:5e + 23 bits (RFC 1112 6.4) or
 * 33:33 + 32 bits (RFC 2464 7). */
struct nst_mac mac_from_group(const struct nst_addr *group);

/* The solicited-node group ff02::1:ffXX:XXXX of an IPv6 address (RFC 4291 2.7.1). */
struct nst_addr addr_solicited_node(const struct nst_addr *addr);

/* The first `bits` bits of an IPv6 address, 0..128, the others zero. */
struct nst_addr addr_prefix(const struct nst_addr *addr, unsigned bits);

/* Appends aa:bb:cc:dd:ee:ff to `f`. */
void mac_show(struct fmt *f, const struct nst_mac *mac);

/* The number of leading bits that x and y share, 0..128 (v4-mapped ones share at least 96). */
unsigned addr_common_prefix(const struct nst_addr *x, const struct nst_addr *y);

#endif
