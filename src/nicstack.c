/* SPDX-License-Identifier: Apache-2.0 */
/* The composition root: the only file that names every protocol. */
#include <nicstack/forwarder.h>
#include <nicstack/stack.h>

#include "network/arp.h"
#include "network/icmp4.h"
#include "network/icmp6.h"
#include "network/igmp.h"
#include "network/ipv4.h"
#include "network/ipv6.h"
#include "socket/sock.h"
#include "stack/stack.h"
#include "transport/ping.h"
#include "transport/tcp/tcp.h"
#include "transport/udp.h"

static void add_protocols(struct nst_stack *stack)
{
    stack_add_net(stack, &ip4_proto);
    stack_add_net(stack, &arp_proto);
    stack_add_net(stack, &ip6_proto);
    stack_add_transport(stack, &icmp4_proto);
    stack_add_transport(stack, &icmp6_proto);
    stack_add_transport(stack, &igmp_proto);
    stack_add_transport(stack, &udp_proto);
    stack_add_transport(stack, &tcp_proto);
}

int nst_stack_new(const struct nst_stack_config *config, struct nst_stack **ret_stack)
{
    struct nst_stack *stack;
    int r = stack_new(config, &stack);
    if (r < 0)
        return r;
    add_protocols(stack);
    r = stack_start(stack);
    if (r == 0)
        r = ping_init(stack);
    if (r == 0)
        r = sockets_init(stack);
    if (r < 0) {
        nst_stack_free(stack);
        return r;
    }
    *ret_stack = stack;
    return 0;
}

void nst_stack_free(struct nst_stack *stack)
{
    if (stack == NULL)
        return;
    sockets_fini(stack);
    nst_forwarder_stop(stack);
    ping_fini(stack);
    stack_free(stack);
}
