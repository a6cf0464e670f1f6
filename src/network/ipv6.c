/* SPDX-License-Identifier: Apache-2.0 */
#include "network/ipv6.h"

#include "network/dad.h"
#include "network/icmp6.h"
#include "network/linklocal.h"
#include "network/mld.h"
#include "network/ndp.h"
#include "network/router.h"
#include "stack/nic.h"
#include "stack/stack.h"

static int init(struct nst_stack *stack)
{
    stack->ip6 = mem_zalloc(&stack->pool->mem, sizeof(*stack->ip6));
    if (stack->ip6 == NULL)
        return -NST_ENOMEM;
    stack->ip6->label_factor = rand_u64(&stack->rand) | 1;
    stack->ip6->iid_key = rand_siphash_key(&stack->rand);
    return 0;
}

struct reassembly *ip6_reassembly(struct nst_stack *stack)
{
    if (stack->ip6->reassembly != NULL)
        return stack->ip6->reassembly;
    const struct reassembly_family family = {
        .timeout = IP6_REASSEMBLY_TIMEOUT,
        .payload_max = UINT16_MAX,
        .fix_header = ip6_fix_header,
        .received = &stack->counters.ip6_fragments_received,
        .reassembled = &stack->counters.ip6_reassembled,
        .failed = &stack->counters.ip6_reassembly_failed,
    };
    struct reassembly *r = mem_alloc(&stack->pool->mem, sizeof(*r));
    if (r != NULL)
        reassembly_init(r, stack, &family);
    stack->ip6->reassembly = r;
    return r;
}

static void fini(struct nst_stack *stack)
{
    if (stack->ip6 == NULL)
        return;
    struct reassembly *r = stack->ip6->reassembly;
    if (r != NULL)
        reassembly_fini(r);
    mem_free(&stack->pool->mem, r, sizeof(*r));
    mem_free(&stack->pool->mem, stack->ip6, sizeof(*stack->ip6));
    stack->ip6 = NULL;
}

static int ep_init(struct net_ep *ep)
{
    listener_init(ep, &mld_family);
    return router_init(ep);
}

static void forwarding_changed(struct net_ep *ep)
{
    router_stop(ep);
    router_start(ep);
}

/* N6 */
static int ep_enable(struct net_ep *ep)
{
    struct addr_entry *e;
    int r = listener_start(ep, &mld_all_nodes);
    if (r < 0)
        return r;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        dad_start(e);
    }
    r = linklocal_add(ep);
    if (r == 0)
        router_start(ep);
    return r;
}

/* N7 */
static void ep_disable(struct net_ep *ep)
{
    struct addr_entry *e;
    router_stop(ep);
    listener_stop(ep, &mld_all_nodes);
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        dad_stop(e);
    }
    struct reassembly *r = ep->nic->stack->ip6->reassembly;
    if (r != NULL)
        reassembly_forget_nic(r, ep->nic);
}

/* RFC 4862 5.4.2: its solicited-node group first. */
static void addr_added(struct net_ep *ep, struct addr_entry *e)
{
    mld_join_solicited(e);
    dad_start(e);
}

static void addr_removed(struct net_ep *ep, struct addr_entry *e)
{
    mld_leave_solicited(e);
}

const struct net_proto ip6_proto = {
    .name = "ipv6",
    .ethertype = NST_ETHERTYPE_IPV6,
    .index = NET_IPV6,
    .min_mtu = IP6_MIN_MTU,
    .max_header = IP6_HDR_LEN,
    .init = init,
    .fini = fini,
    .ep_init = ep_init,
    .ep_fini = router_fini,
    .forwarding_changed = forwarding_changed,
    .ep_enable = ep_enable,
    .ep_disable = ep_disable,
    .addr_added = addr_added,
    .addr_removed = addr_removed,
    .group_joined = listener_joined,
    .group_left = listener_left,
    .announce = ndp_announce,
    .parse = ip6_parse_packet,
    .input = ip6_input,
    .output = ip6_output,
    .send_error = icmp6_send_error,
    .unresolved = ip6_unresolved,
    .neigh_failed = router_unreachable,
    .solicit = ndp_solicit,
};
