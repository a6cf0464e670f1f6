/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The neighbour machine of both families: ARP and neighbour discovery frames as they come, times,
 * packets that want to leave, and calls. After each step the invariants of stack/neigh.c and
 * stack/neigh_pending.c have to hold.
 *
 * The input is a program: an operation is one byte, its arguments follow. Addresses and MACs are
 * taken from a few, so that they meet.
 */
#include "../lib/netlab.c" // NOLINT(bugprone-suspicious-include): a target is one file

#include "wire/arp.h"

struct input {
    const uint8_t *data;
    size_t size;
};

static uint8_t take(struct input *in)
{
    if (in->size == 0)
        return 0;
    in->size--;
    return *in->data++;
}

/* ---- Invariants ---- */

static bool wants_timer(const struct neigh *n)
{
    return n->state == NST_NEIGH_REACHABLE || n->state == NST_NEIGH_DELAY ||
           n->state == NST_NEIGH_PROBE;
}

static void check_entry(const struct neigh *n)
{
    const bool is_static = n->state == NST_NEIGH_STATIC;
    MUST(list_is_linked(&n->lru) == (!is_static && n->refs == 0));
    MUST(list_is_linked(&n->unresolved) == (n->pending.count > 0));
    MUST(n->pending.count == 0 || n->state == NST_NEIGH_INCOMPLETE);
    MUST(!wants_timer(n) || timer_is_armed(&n->timer));
    MUST(!timer_is_armed(&n->timer) || wants_timer(n) || n->state == NST_NEIGH_INCOMPLETE);
    MUST(n->state != NST_NEIGH_INCOMPLETE || timer_is_armed(&n->timer) || n->pending.count == 0);
    MUST(!wants_timer(n) || (n->mac.b[0] & 1) == 0); /* of what neighbours say */
}

static void check_table(const struct neigh_table *t, uint32_t *waiting, uint64_t *bytes)
{
    uint32_t dynamic = 0;
    HASH_FOR_EACH(node, &t->table)
    {
        const struct neigh *n = container_of(node, struct neigh, node);
        check_entry(n);
        dynamic += n->state != NST_NEIGH_STATIC;
        *waiting += n->pending.count > 0;
        *bytes += n->pending.bytes;
    }
    MUST(dynamic == t->dynamic);
    MUST(dynamic <= t->config.dynamic_max);
}

static void check(struct lab *lab)
{
    const struct nic *nic = nic_by_id(lab->stack, 1);
    uint32_t waiting = 0;
    uint64_t bytes = 0;
    check_table(&nic->eps[NET_IPV4].neighs, &waiting, &bytes);
    check_table(&nic->eps[NET_IPV6].neighs, &waiting, &bytes);
    MUST(waiting == nic->pending.count && waiting <= nic->pending.limits.destinations);
    MUST(bytes == nic->pending.bytes && bytes <= nic->pending.limits.total_bytes);
}

/* ---- Operations ---- */

static const char *const addrs4[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4",
                                     "10.0.0.5", "10.0.0.6", "0.0.0.0",  "10.0.0.255"};
static const char *const addrs6[] = {"fd00::1", "fd00::2", "fd00::3", "fd00::4",
                                     "fd00::5", "fd00::6", "::",      "ff02::1"};

static const char *pick(uint8_t b)
{
    return (b & 8 ? addrs6 : addrs4)[b & 7];
}

static void feed_arp(struct lab *lab, struct input *in)
{
    static const struct nst_mac all = {{255, 255, 255, 255, 255, 255}};
    uint8_t arp[ARP_LEN];
    const uint8_t how = take(in), who = take(in), flip = take(in);
    lab_build_arp(arp, 1 + (how & 1), 1 + (how >> 4), addrs4[who & 7], addrs4[who >> 4 & 7]);
    if (flip < ARP_LEN)
        arp[flip] ^= take(in);
    lab_feed(lab, 1, NST_ETHERTYPE_ARP, arp, sizeof(arp), how & 2 ? &all : NULL);
}

static void feed_ndp(struct lab *lab, struct input *in)
{
    uint8_t message[64], packet[128];
    const uint8_t how = take(in), who = take(in), flip = take(in);
    const bool question = (how & 1) != 0;
    const struct nst_mac mac = lab_mac(1 + (how >> 5));
    const struct ndp_neighbor n = {.target = lab_addr(addrs6[who & 7]),
                                   .router = (how & 2) != 0,
                                   .solicited = (how & 4) != 0,
                                   .override = (how & 8) != 0};
    size_t len = ndp_neighbor_build(
        message, question ? ICMP6_NEIGHBOR_SOLICITATION : ICMP6_NEIGHBOR_ADVERTISEMENT, &n);
    if (how & 16)
        len += ndp_opt_mac_build(message + len, question ? NDP_OPT_SOURCE_MAC : NDP_OPT_TARGET_MAC,
                                 &mac);
    if (flip < len)
        message[flip] ^= take(in);
    const struct lab_ip6 ip = {.src = addrs6[who >> 4 & 7],
                               .dst = who & 8    ? "fd00::1"
                                      : question ? "ff02::1:ff00:1"
                                                 : "ff02::1",
                               .hop_limit = 255};
    lab_feed_ip6(lab, 1, packet, lab_build_icmp6(packet, &ip, message, len));
}

static void set(struct lab *lab, struct input *in)
{
    const uint8_t b = take(in);
    const struct nst_neigh_config c = {.size = sizeof(c),
                                       .base_reachable = (b & 7) * NST_SEC,
                                       .retransmit = (b >> 3 & 3) * NST_SEC,
                                       .first_probe = (b >> 5) * NST_SEC,
                                       .dynamic_max = take(in) & 7};
    const struct nst_neigh_limits l = {
        .size = sizeof(l), .destinations = b & 3, .packets = b >> 2 & 3, .bytes = b * 10u};
    nst_neigh_set_config(lab->stack, 1, b & 1 ? NST_ETHERTYPE_IPV4 : NST_ETHERTYPE_IPV6, &c);
    nst_neigh_set_limits(lab->stack, 1, &l);
}

static void call(struct lab *lab, struct input *in)
{
    const uint8_t b = take(in);
    const struct nst_addr a = lab_addr(pick(b));
    switch (b >> 4 & 7) {
    case 0:
        nst_neigh_add(lab->stack, 1, &a, lab_mac(2 + (b >> 7)));
        break;
    case 1:
        nst_neigh_remove(lab->stack, 1, &a);
        break;
    case 2:
        nst_neigh_flush(lab->stack, 1, 0, (b & 1) != 0);
        break;
    case 3:
        nst_neigh_confirm(lab->stack, 1, &a);
        break;
    case 4:
        nst_nic_disable(lab->stack, 1);
        nst_nic_enable(lab->stack, 1);
        break;
    case 5: {
        const struct nst_nic_addr more = {
            .addr = a, .prefix_len = 24, .probe = (b & 1) != 0, .no_dad = (b & 2) != 0};
        if (nst_nic_addr_add(lab->stack, 1, &more) < 0)
            nst_nic_addr_remove(lab->stack, 1, &a);
        break;
    }
    default:
        set(lab, in);
        break;
    }
}

static void operate(struct lab *lab, struct input *in)
{
    static const nst_time steps[] = {NST_MSEC, 300 * NST_MSEC, NST_SEC, 30 * NST_SEC};
    const uint8_t op = take(in);
    switch (op & 7) {
    case 0:
    case 1:
        feed_arp(lab, in);
        break;
    case 2:
    case 3:
        feed_ndp(lab, in);
        break;
    case 4:
    case 5:
        lab_send(lab, NULL, pick(op >> 4), 20 + (op & 8) * 20u, false);
        lab_run(lab);
        break;
    case 6:
        lab_advance(lab, steps[op >> 3 & 3]);
        break;
    default:
        call(lab, in);
        break;
    }
    lab_discard(lab, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lab lab;
    struct input in = {.data = data, .size = size};
    lab_init(&lab);
    lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_add_addr(&lab, 1, "10.0.0.1/24");
    lab_add_addr(&lab, 1, "fd00::1/64");
    for (unsigned i = 0; i < 400 && in.size > 0; i++) {
        operate(&lab, &in);
        check(&lab);
    }
    lab_fini(&lab);
    return 0;
}
