/* SPDX-License-Identifier: Apache-2.0 */
#include "network/linklocal.h"

#include "base/bytes.h"
#include "network/ipv6.h"
#include "network/mld.h"
#include "stack/nic.h"
#include "stack/stack.h"

#define PREFIX_LEN    64
#define ATTEMPTS_MAX  3 /* IDGEN_RETRIES of RFC 7217 6 */
#define UNIVERSAL_BIT 0x02

/* RFC 4291 appendix A: ff:fe in the middle, and the universal bit turned. */
static uint64_t eui64(const struct nst_mac *mac)
{
    const uint8_t id[8] = {(uint8_t)(mac->b[0] ^ UNIVERSAL_BIT),
                           mac->b[1],
                           mac->b[2],
                           0xff,
                           0xfe,
                           mac->b[3],
                           mac->b[4],
                           mac->b[5]};
    return be64_get(id);
}

/* RFC 5453: subnet-router and reserved subnet anycast. */
static bool is_reserved(uint64_t id)
{
    return id == 0 || (id >= 0xfdffffffffffff80 && id <= 0xfdffffffffffffff);
}

/* RFC 7217 5: a keyed function of prefix, interface and attempt. */
static uint64_t opaque(const struct nic *nic, const struct nst_addr *prefix, uint8_t attempt)
{
    const struct siphash_key *key = &nic->stack->ip6->iid_key;
    uint64_t words[6] = {be64_get(prefix->b), nic->id, attempt};
    uint64_t id = siphash24_6(key, words);
    for (words[3] = 1; is_reserved(id); words[3]++)
        id = siphash24_6(key, words);
    return id;
}

/* Links without link addresses have nothing else to make one from. */
static bool is_opaque(const struct nic *nic)
{
    return nic->link_local != NST_LINK_LOCAL_EUI64 || (nic->link->caps & NST_LINK_RESOLVES) == 0;
}

static struct nst_addr join(const struct nst_addr *prefix, uint64_t id)
{
    struct nst_addr addr = *prefix;
    be64_put(addr.b + 8, id);
    return addr;
}

struct nst_addr linklocal_make(const struct nic *nic, const struct nst_addr *prefix,
                               uint8_t attempt)
{
    return join(prefix, is_opaque(nic) ? opaque(nic, prefix, attempt) : eui64(&nic->link->addr));
}

struct nst_addr linklocal_make_random(const struct nic *nic, const struct nst_addr *prefix)
{
    uint64_t id = 0;
    while (is_reserved(id))
        id = rand_u64(&nic->stack->rand);
    return join(prefix, id);
}

static bool has_one(const struct net_ep *ep)
{
    const struct addr_entry *e;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        if (addr_is_link_local(&e->info.addr))
            return true;
    }
    return false;
}

int linklocal_add(struct net_ep *ep)
{
    struct nic *nic = ep->nic;
    if (nic->link_local == NST_LINK_LOCAL_NONE || (nic->link->caps & NST_LINK_LOOPBACK) != 0 ||
        has_one(ep))
        return 0;
    const struct nst_addr prefix = {{{0xfe, 0x80}}};
    const struct nst_nic_addr info = {.addr = linklocal_make(nic, &prefix, 0),
                                      .prefix_len = PREFIX_LEN};
    const int r = nst_nic_addr_add(nic->stack, nic->id, &info);
    if (r == 0)
        addrs_lookup(ep, &info.addr)->generated = true;
    return r;
}

static struct nst_addr make_other(const struct addr_entry *e)
{
    if (e->info.kind == NST_ADDR_SLAAC_TEMPORARY)
        return linklocal_make_random(e->ep->nic, &e->info.addr);
    return linklocal_make(e->ep->nic, &e->info.addr, e->attempt);
}

bool linklocal_change(struct addr_entry *e)
{
    const bool is_random = e->info.kind == NST_ADDR_SLAAC_TEMPORARY;
    if ((!is_random && !is_opaque(e->ep->nic)) || e->attempt >= ATTEMPTS_MAX)
        return false;
    e->attempt++;
    const struct nst_addr other = make_other(e);
    mld_leave_solicited(e);
    addrs_replace(e, &other);
    mld_join_solicited(e);
    return true;
}
