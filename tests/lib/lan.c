/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "lan.h"

#include "frames.h"
#include "wire/eth.h"
#include "wire/ip6.h"
#include "wire/ndp.h"

#define START (1000 * NST_SEC)
#define PORT  9

static const struct nst_mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
static const struct nst_addr all_nodes = {{{0xff, 0x02, [15] = 1}}};

/* ---- Life ---- */

struct nst_addr lan_addr(const struct lan *lan, unsigned n)
{
    if (!lan->v6)
        return nst_addr_v4(10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n);
    return (struct nst_addr){
        {{0xfd, [12] = (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}}};
}

struct nst_mac lan_mac(unsigned m)
{
    return (struct nst_mac){
        {2, 0, (uint8_t)(m >> 24), (uint8_t)(m >> 16), (uint8_t)(m >> 8), (uint8_t)m}};
}

uint16_t lan_protocol(const struct lan *lan)
{
    return lan->v6 ? NST_ETHERTYPE_IPV6 : NST_ETHERTYPE_IPV4;
}

static int set_address(struct nst_link *link, struct nst_mac addr)
{
    link->addr = addr;
    return 0;
}

void lan_init_bare(struct lan *lan, bool v6)
{
    const struct nst_mac mac = lan_mac(1);
    memset(lan, 0, sizeof(*lan));
    lan->v6 = v6;
    lan->now = START;
    alloc_init(&lan->alloc);
    const struct nst_stack_config config = {.size = sizeof(config),
                                            .allocator = lan->alloc.allocator,
                                            .seed = {4, 5, 6},
                                            .now = START,
                                            .handle_local = true};
    assert_int_equal(nst_stack_new(&config, &lan->stack), 0);
    const uint32_t kinds =
        NST_EVENT_BIT(NST_EVENT_NEIGH_ADDED) | NST_EVENT_BIT(NST_EVENT_NEIGH_CHANGED) |
        NST_EVENT_BIT(NST_EVENT_NEIGH_REMOVED) | NST_EVENT_BIT(NST_EVENT_ADDR_ASSIGNED) |
        NST_EVENT_BIT(NST_EVENT_ADDR_DUPLICATE);
    assert_int_equal(nst_event_start(lan->stack, kinds, 4096), 0);
    memlink_init(&lan->m, &mac);
    lan->ops = *lan->m.link.ops;
    lan->ops.set_address = set_address;
    lan->m.link.ops = &lan->ops;
    const struct nst_nic_config nic = {.size = sizeof(nic), .link = &lan->m.link};
    assert_int_equal(nst_nic_add(lan->stack, &nic, &lan->nic), 0);
    assert_int_equal(nst_socket_open(lan->stack, NST_DATAGRAM, &lan->sender), 0);
}

void lan_init(struct lan *lan, bool v6)
{
    lan_init_bare(lan, v6);
    const struct nst_nic_addr us = {
        .addr = lan_addr(lan, 1), .prefix_len = v6 ? 64 : 8, .no_dad = true};
    assert_int_equal(nst_nic_addr_add(lan->stack, lan->nic, &us), 0);
    lan_forget_events(lan);
}

static void check_census(const struct lan *lan)
{
    struct nst_census c;
    nst_stack_get_census(lan->stack, &c);
    assert_int_equal(c.received + c.built + c.cloned + c.split,
                     c.transmitted + c.queued + c.delivered + c.merged + c.dropped);
}

void lan_fini(struct lan *lan)
{
    check_census(lan);
    nst_stack_free(lan->stack);
    memlink_fini(&lan->m);
    assert_int_equal(lan->alloc.live, 0);
}

struct lan *lan_begin(struct lan *lan)
{
    lan_init(lan, false);
    return lan;
}

struct lan *lan_next(struct lan *lan)
{
    const bool last = lan->v6;
    lan_fini(lan);
    if (last)
        return NULL;
    lan_init(lan, true);
    return lan;
}

void lan_run(struct lan *lan)
{
    do {
        nst_stack_run(lan->stack, lan->now, 0);
    } while (nst_stack_next_deadline(lan->stack) <= lan->now);
}

void lan_advance(struct lan *lan, nst_time by)
{
    const nst_time end = lan->now + by;
    lan_run(lan);
    for (nst_time t; (t = nst_stack_next_deadline(lan->stack)) <= end;) {
        lan->now = t;
        lan_run(lan);
    }
    lan->now = end;
    lan_run(lan);
}

/* ---- Out ---- */

int lan_send(struct lan *lan, unsigned n, size_t len)
{
    static const uint8_t bytes[65536];
    const struct nst_endpoint to = {.addr = lan_addr(lan, n), .port = PORT};
    const int64_t r = nst_socket_sendto(lan->stack, lan->sender, bytes, len, 0, &to);
    lan_run(lan);
    return r < 0 ? (int)r : 0;
}

nst_socket lan_connect(struct lan *lan, unsigned n)
{
    nst_socket s;
    const struct nst_endpoint to = {.addr = lan_addr(lan, n), .port = PORT};
    assert_int_equal(nst_socket_open(lan->stack, NST_DATAGRAM, &s), 0);
    assert_int_equal(nst_socket_connect(lan->stack, s, &to), 0);
    return s;
}

/* ---- In ---- */

static void inject(struct lan *lan, unsigned m, struct nst_mac to, uint16_t ethertype,
                   const void *packet, size_t len)
{
    uint8_t frame[2048];
    memlink_inject(&lan->m, frame, frame_eth(frame, lan_mac(m), to, ethertype, packet, len));
    lan_run(lan);
}

void lan_arp(struct lan *lan, uint16_t op, unsigned m, struct nst_addr spa, struct nst_addr tpa,
             struct nst_mac to)
{
    uint8_t packet[ARP_LEN];
    const struct nst_mac sha = lan_mac(m);
    struct arp_hdr hdr = {.op = op, .spa4 = spa.w[3], .tpa4 = tpa.w[3]};
    memcpy(&hdr.sha, &sha, sizeof(sha));
    if (op == ARP_OP_REPLY)
        memcpy(&hdr.tha, &to, sizeof(to));
    arp_build(packet, &hdr);
    inject(lan, m, to, NST_ETHERTYPE_ARP, packet, ARP_LEN);
}

void lan_icmp6(struct lan *lan, unsigned m, struct nst_addr src, struct nst_addr dst,
               uint8_t *message, size_t len)
{
    uint8_t packet[1500];
    const struct ip6_hdr ip = {.payload_len = (uint16_t)len,
                               .next = IP_PROTO_ICMPV6,
                               .hop_limit = NDP_HOP_LIMIT,
                               .src = src,
                               .dst = dst};
    const uint32_t pseudo = csum_pseudo_v6(&src, &dst, IP_PROTO_ICMPV6, (uint32_t)len);
    memset(message + 2, 0, 2);
    icmp6_csum_put(message, csum_short(message, len, pseudo));
    const size_t n = ip6_build(packet, &ip);
    memcpy(packet + n, message, len);
    inject(lan, m, addr_is_multicast(&dst) ? mac_from_group(&dst) : lan_mac(1), NST_ETHERTYPE_IPV6,
           packet, n + len);
}

void lan_request(struct lan *lan, unsigned n, unsigned m)
{
    const struct nst_addr us = lan_addr(lan, 1);
    if (!lan->v6) {
        lan_arp(lan, ARP_OP_REQUEST, m, lan_addr(lan, n), us, everybody);
        return;
    }
    uint8_t message[NDP_NEIGHBOR_LEN + NDP_OPT_MAC_LEN];
    const struct ndp_neighbor question = {.target = us};
    const struct nst_mac mac = lan_mac(m);
    const struct nst_addr group = addr_solicited_node(&us);
    size_t len = ndp_neighbor_build(message, ICMP6_NEIGHBOR_SOLICITATION, &question);
    len += ndp_opt_mac_build(message + len, NDP_OPT_SOURCE_MAC, &mac);
    lan_icmp6(lan, m, lan_addr(lan, n), group, message, len);
}

void lan_confirm(struct lan *lan, unsigned n, unsigned m, unsigned flags)
{
    const bool solicited = (flags & LAN_SOLICITED) != 0;
    const struct nst_addr us = lan_addr(lan, 1), them = lan_addr(lan, n);
    if (!lan->v6) {
        lan_arp(lan, ARP_OP_REPLY, m, them, us, solicited ? lan_mac(1) : everybody);
        return;
    }
    uint8_t message[NDP_NEIGHBOR_LEN + NDP_OPT_MAC_LEN];
    const struct ndp_neighbor answer = {.target = them,
                                        .router = (flags & LAN_ROUTER) != 0,
                                        .solicited = solicited,
                                        .override = (flags & LAN_OVERRIDE) != 0};
    const struct nst_mac mac = lan_mac(m);
    size_t len = ndp_neighbor_build(message, ICMP6_NEIGHBOR_ADVERTISEMENT, &answer);
    if (m != 0)
        len += ndp_opt_mac_build(message + len, NDP_OPT_TARGET_MAC, &mac);
    lan_icmp6(lan, m != 0 ? m : 99, them, solicited ? us : all_nodes, message, len);
}

void lan_announce(struct lan *lan, unsigned n, unsigned m)
{
    if (lan->v6)
        lan_confirm(lan, n, m, LAN_OVERRIDE);
    else
        lan_arp(lan, ARP_OP_REQUEST, m, lan_addr(lan, n), lan_addr(lan, n), everybody);
}

void lan_probe(struct lan *lan, unsigned n, unsigned m)
{
    const struct nst_addr them = lan_addr(lan, n);
    if (!lan->v6) {
        lan_arp(lan, ARP_OP_REQUEST, m, nst_addr_v4(0, 0, 0, 0), them, everybody);
        return;
    }
    uint8_t message[NDP_NEIGHBOR_LEN];
    const struct ndp_neighbor question = {.target = them};
    const struct nst_addr group = addr_solicited_node(&them), none = {0};
    const size_t len = ndp_neighbor_build(message, ICMP6_NEIGHBOR_SOLICITATION, &question);
    lan_icmp6(lan, m, none, group, message, len);
}

/* ---- Looking ---- */

static bool is_group(const uint8_t *mac)
{
    return (mac[0] & 1) != 0;
}

static void see_question(struct lan_seen *seen, const uint8_t *to, bool probe)
{
    if (probe) {
        seen->probes++;
    } else if (is_group(to)) {
        seen->asked_all++;
    } else {
        seen->asked_one++;
        seen->one = mac_get(to);
    }
}

static void see_arp(struct lan_seen *seen, const uint8_t *to, const uint8_t *data, size_t len)
{
    struct arp_hdr h;
    assert_int_equal(arp_parse(data, len, &h), ARP_LEN);
    if (arp_is_gratuitous(&h))
        seen->announced++;
    else if (h.op == ARP_OP_REQUEST)
        see_question(seen, to, arp_is_probe(&h));
    else
        seen->answers++;
}

/* False: it is no neighbour discovery. */
static bool see_ndp(struct lan_seen *seen, const uint8_t *to, const uint8_t *data, size_t len)
{
    struct ip6_hdr ip;
    struct ndp_neighbor n;
    assert_int_equal(ip6_parse(data, len, &ip), IP6_HDR_LEN);
    const uint8_t type = data[IP6_HDR_LEN];
    if (ip.next != IP_PROTO_ICMPV6 || type < ICMP6_NEIGHBOR_SOLICITATION ||
        type > ICMP6_NEIGHBOR_ADVERTISEMENT)
        return false;
    assert_true(ndp_neighbor_parse(data + IP6_HDR_LEN, len - IP6_HDR_LEN, &n));
    if (type == ICMP6_NEIGHBOR_SOLICITATION)
        see_question(seen, to, addr_is_unspecified(&ip.src));
    else if (is_group(to))
        seen->announced++;
    else
        seen->answers++;
    return true;
}

static void see(struct lan_seen *seen, const struct memlink_frame *f)
{
    const uint8_t *data = f->data + ETH_HDR_LEN;
    const size_t len = f->len - ETH_HDR_LEN;
    const uint16_t ethertype = be16_get(f->data + 12);
    if (ethertype == NST_ETHERTYPE_ARP) {
        see_arp(seen, f->data, data, len);
        return;
    }
    if (ethertype == NST_ETHERTYPE_IPV6 && see_ndp(seen, f->data, data, len))
        return;
    if (is_group(f->data)) {
        seen->other++;
        return;
    }
    seen->data++;
    seen->data_bytes += (uint32_t)len;
    seen->data_to = mac_get(f->data);
}

struct lan_seen lan_look(struct lan *lan)
{
    struct lan_seen seen = {0};
    for (uint32_t i = 0; i < lan->m.count; i++)
        see(&seen, &lan->m.frames[i]);
    memlink_clear(&lan->m);
    return seen;
}

bool lan_get(const struct lan *lan, unsigned n, struct nst_neigh *ret)
{
    const struct nst_addr addr = lan_addr(lan, n);
    return nst_neigh_get(lan->stack, lan->nic, &addr, ret) == 0;
}

int lan_state(const struct lan *lan, unsigned n)
{
    struct nst_neigh e;
    return lan_get(lan, n, &e) ? e.state : -1;
}

bool lan_is_at(const struct lan *lan, unsigned n, unsigned m)
{
    struct nst_neigh e;
    const struct nst_mac mac = lan_mac(m);
    return lan_get(lan, n, &e) && memcmp(&e.mac, &mac, sizeof(mac)) == 0;
}

struct nst_event lan_event(struct lan *lan)
{
    struct nst_event e = {.kind = NST_EVENT_KINDS};
    nst_event_next(lan->stack, &e);
    return e;
}

void lan_forget_events(struct lan *lan)
{
    struct nst_event e;
    while (nst_event_next(lan->stack, &e))
        continue;
}

uint64_t lan_counter(const struct lan *lan, const char *name)
{
    uint64_t value = 0;
    assert_int_equal(nst_stack_counter_get(lan->stack, name, &value), 0);
    return value;
}

uint64_t lan_nic_counter(const struct lan *lan, const char *name)
{
    uint64_t value = 0;
    assert_int_equal(nst_nic_counter_get(lan->stack, lan->nic, name, &value), 0);
    return value;
}
