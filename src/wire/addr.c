/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/addr.h"

#include "base/fmt.h"

bool addr_is_loopback(const struct nst_addr *addr)
{
    if (nst_addr_is_v4(addr))
        return addr_raw4_is_loopback(addr->w[3]);
    return addr->q[0] == 0 && addr->w[2] == 0 && be32_get(addr->b + 12) == 1;
}

bool addr_is_reserved(const struct nst_addr *addr)
{
    return nst_addr_is_v4(addr) && addr->b[12] >= 240 && !addr_is_limited_broadcast(addr);
}

bool addr_is_link_multicast(const struct nst_addr *addr)
{
    if (nst_addr_is_v4(addr))
        return addr->b[12] == 224 && addr->b[13] == 0 && addr->b[14] == 0;
    const uint8_t scope = addr->b[1] & 0x0f;
    return addr->b[0] == 0xff && (scope == 1 || scope == 2);
}

struct nst_mac mac_from_group(const struct nst_addr *group)
{
    const uint8_t *b = group->b;

    if (nst_addr_is_v4(group))
        return (struct nst_mac){{0x01, 0x00, 0x5e, b[13] & 0x7f, b[14], b[15]}};
    return (struct nst_mac){{0x33, 0x33, b[12], b[13], b[14], b[15]}};
}

struct nst_addr addr_solicited_node(const struct nst_addr *addr)
{
    return (struct nst_addr){
        {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, addr->b[13], addr->b[14], addr->b[15]}}};
}

unsigned addr_common_prefix(const struct nst_addr *x, const struct nst_addr *y)
{
    const unsigned high = clz64(be64_get(x->b) ^ be64_get(y->b));
    return high < 64 ? high : 64 + clz64(be64_get(x->b + 8) ^ be64_get(y->b + 8));
}

void mac_show(struct fmt *f, const struct nst_mac *mac)
{
    const uint8_t *b = mac->b;
    fmt_f(f, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]);
}

struct nst_addr addr_prefix(const struct nst_addr *addr, unsigned bits)
{
    struct nst_addr prefix = {0};
    memcpy(prefix.b, addr->b, bits / 8);
    if (bits % 8 != 0)
        prefix.b[bits / 8] = (uint8_t)(addr->b[bits / 8] & 0xff00 >> bits % 8);
    return prefix;
}
