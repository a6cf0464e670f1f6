/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VLANs by IEEE 802.1Q: a trunk over an Ethernet link parts what is tagged from what is not. It is
 * several links to what is above it: one for untagged frames, and one for each VLAN, which tags
 * what it sends. All have their NICs (or other middleware) in one stack.
 */
#ifndef NICSTACK_VLAN_H
#define NICSTACK_VLAN_H

#include <nicstack/link.h>
#include <nicstack/stack.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nst_trunk;

/* Over `lower`, which carries Ethernet, has no upper end yet, stays the caller's and must outlive
 * it. 0, -NST_EINVAL, -NST_ENOMEM. */
NST_API int nst_trunk_new(const struct nst_allocator *allocator, struct nst_link *lower,
                          struct nst_trunk **ret_trunk);
/* After its VLANs were removed, and what is above its own link. NULL is fine. */
NST_API void nst_trunk_free(struct nst_trunk *trunk);

/* The link of what has no tag, or one of VLAN 0, which is of a priority alone (802.1Q 6.9.1). Its
 * MTU is that of the link below: -NST_EBUSY where a VLAN's is larger, which has to go down first.
 */
NST_API struct nst_link *nst_trunk_link(struct nst_trunk *trunk);

struct nst_vlan_config {
    size_t size;  /* sizeof(struct nst_vlan_config) */
    uint16_t id;  /* 1 to 4094 */
    uint8_t pcp;  /* priority of what it sends, 0 to 7 */
    uint32_t mtu; /* 0: that of the link below, whose frames are four bytes longer with a tag */
    struct nst_mac addr; /* all zero: that of the link below */
};

/* The link of a VLAN, which is the trunk's. 0, -NST_EINVAL, -NST_EEXIST (the id), -NST_ENOMEM. */
NST_API int nst_trunk_add_vlan(struct nst_trunk *trunk, const struct nst_vlan_config *config,
                               struct nst_link **ret_link);
/* After what is above it was removed. NULL is fine. */
NST_API void nst_trunk_remove_vlan(struct nst_link *link);

/* The n-th counter of the trunk, n from 0. False at the end. Names never change. */
NST_API bool nst_trunk_counter_at(const struct nst_trunk *trunk, size_t n, struct nst_counter *ret);

#ifdef __cplusplus
}
#endif

#endif
