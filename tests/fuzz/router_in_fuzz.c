/* SPDX-License-Identifier: Apache-2.0 */
/* Router advertisements, redirects and neighbour advertisements into a NIC that listens. The input
 * is a list of (type, source, length, flags, bytes): bodies are as they come, headers and checksums
 * are right. Whatever comes, what is kept is bounded, and a NIC that goes down forgets all of it.
 */
#include "../lib/netlab.c" // NOLINT(bugprone-suspicious-include): a target is one file
#include "input.h"

#include "network/router.h"
#include "network/slaac.h"

enum {
    LATER = 1,   /* an hour passes behind it */
    SOON = 2,    /* ten seconds do */
    RESTART = 4, /* the NIC goes down and comes up */
    FORWARD = 8, /* it becomes a router, or a host again */
    PREFIX = 16, /* the body ends with a prefix option of these bytes */
};

static void feed(struct lab *lab, uint8_t type, uint8_t source, uint8_t *body, size_t len)
{
    uint8_t packet[600];
    char from[32];
    snprintf(from, sizeof(from), "fe80::%x", source);
    body[0] = type;
    body[1] = 0;
    const struct lab_ip6 ip = {
        .src = from, .dst = type == ICMP6_REDIRECT ? "fe80::1" : "ff02::1", .hop_limit = 255};
    lab_feed_ip6(lab, 1, packet, lab_build_icmp6(packet, &ip, body, len));
}

static void check_bounds(struct lab *lab)
{
    const struct net_ep *ep = nic_ep(nic_by_id(lab->stack, 1), NET_IPV6);
    const struct ip6_host *h = ep->host;
    struct nst_nic_addr addrs[64];
    const int n = nst_nic_addr_list(lab->stack, 1, addrs, 64);
    int made = 0;
    for (int i = 0; i < n; i++)
        made += addrs[i].kind != NST_ADDR_STATIC;
    check(made <= SLAAC_ADDRS_MAX && h->router_count <= ROUTERS_MAX &&
          h->prefix_count <= PREFIXES_MAX && h->redirect_count <= REDIRECTS_MAX);
    check(lab->stack->routes.count <=
          1 + h->prefix_count + h->redirect_count + (h->has_default ? 1u : 0u));
    check(ep->mtu == 0 || (ep->mtu >= IP6_MIN_MTU && ep->mtu <= 1500));
}

static void obey(struct lab *lab, uint8_t flags)
{
    if (flags & SOON)
        lab_advance(lab, 10 * NST_SEC);
    if (flags & LATER)
        lab_advance(lab, 3600 * NST_SEC);
    if (flags & FORWARD)
        nst_nic_set_forwarding(lab->stack, 1, NST_ETHERTYPE_IPV6,
                               !nst_nic_get_forwarding(lab->stack, 1, NST_ETHERTYPE_IPV6));
    if (flags & RESTART) {
        nst_nic_disable(lab->stack, 1);
        check(lab->stack->routes.count == 1); /* that of the static address */
        nst_nic_enable(lab->stack, 1);
    }
    check_bounds(lab);
    lab_discard(lab, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t types[] = {ICMP6_ROUTER_ADVERTISEMENT, ICMP6_ROUTER_ADVERTISEMENT,
                                    ICMP6_NEIGHBOR_ADVERTISEMENT, ICMP6_REDIRECT};
    static struct lab lab;
    struct input in = {data, size};
    lab_init(&lab);
    lab.accept_ra = true;
    lab.temporary_addresses = true;
    lab.link_local = NST_LINK_LOCAL_OPAQUE;
    lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_add_addr(&lab, 1, "fe80::1/64");
    while (in.left >= 4) {
        const uint8_t type = types[input_take8(&in) & 3], source = input_take8(&in);
        const size_t len = 8 + input_take8(&in) % 120u;
        const uint8_t flags = input_take8(&in);
        uint8_t body[300] = {0};
        const uint8_t *bytes;
        const size_t n = input_take(&in, len, &bytes);
        memcpy(body, bytes, n);
        size_t whole = (len + 7) & ~(size_t)7;
        if (flags & PREFIX) {
            const struct ndp_prefix p = {.prefix = addr_v6_get(body),
                                         .valid_s = be32_get(body + 40),
                                         .preferred_s = be32_get(body + 44),
                                         .len = 64,
                                         .on_link = true,
                                         .autoconf = true};
            whole = 16 + ndp_opt_prefix_build(body + 16, &p);
        }
        feed(&lab, type, source, body, whole);
        obey(&lab, flags);
    }
    lab_fini(&lab);
    return 0;
}
