/* SPDX-License-Identifier: Apache-2.0 */
#include "network/ipv4.h"

#include "network/acd.h"
#include "network/arp.h"
#include "network/icmp4.h"
#include "network/igmp.h"
#include "stack/nic.h"
#include "stack/stack.h"

static int init(struct nst_stack *stack)
{
    stack->ip4 = mem_zalloc(&stack->pool->mem, sizeof(*stack->ip4));
    if (stack->ip4 == NULL)
        return -NST_ENOMEM;
    const struct reassembly_family family = {
        .timeout = IP4_REASSEMBLY_TIMEOUT,
        .payload_max = IP4_MAX_LEN - IP4_HDR_LEN,
        .fix_header = ip4_fix_header,
        .received = &stack->counters.ip4_fragments_received,
        .reassembled = &stack->counters.ip4_reassembled,
        .failed = &stack->counters.ip4_reassembly_failed,
    };
    reassembly_init(&stack->ip4->reassembly, stack, &family);
    return 0;
}

static void fini(struct nst_stack *stack)
{
    if (stack->ip4 == NULL)
        return;
    reassembly_fini(&stack->ip4->reassembly);
    mem_free(&stack->pool->mem, stack->ip4, sizeof(*stack->ip4));
    stack->ip4 = NULL;
}

static int ep_init(struct net_ep *ep)
{
    listener_init(ep, &igmp_family);
    return 0;
}

/* N6 */
static int ep_enable(struct net_ep *ep)
{
    struct addr_entry *e;
    const int r = listener_start(ep, &igmp_all_hosts);
    if (r < 0)
        return r;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        acd_start(e);
    }
    return 0;
}

/* N7 */
static void ep_disable(struct net_ep *ep)
{
    struct addr_entry *e;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        acd_stop(e);
    }
    listener_stop(ep, &igmp_all_hosts);
    reassembly_forget_nic(&ep->nic->stack->ip4->reassembly, ep->nic);
}

static void addr_added(struct net_ep *ep, struct addr_entry *e)
{
    acd_start(e);
}

static void announce(struct net_ep *ep)
{
    struct addr_entry *e;
    LIST_FOR_EACH (e, &ep->addrs.list, struct addr_entry, node) {
        acd_announce(e);
    }
}

const struct net_proto ip4_proto = {
    .name = "ipv4",
    .ethertype = NST_ETHERTYPE_IPV4,
    .index = NET_IPV4,
    .min_mtu = IP4_MIN_MTU,
    .max_header = IP4_HDR_LEN,
    .init = init,
    .fini = fini,
    .ep_init = ep_init,
    .ep_enable = ep_enable,
    .ep_disable = ep_disable,
    .group_joined = listener_joined,
    .group_left = listener_left,
    .addr_added = addr_added,
    .announce = announce,
    .parse = ip4_parse_packet,
    .input = ip4_input,
    .output = ip4_output,
    .send_error = icmp4_send_error,
    .unresolved = ip4_unresolved,
    .solicit = arp_solicit,
};
