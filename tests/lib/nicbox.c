/* SPDX-License-Identifier: Apache-2.0 */
#include "nicbox.h"

#include "testing.h"

#include "frames.h"
#include "wire/csum.h"
#include "wire/icmp6.h"
#include "wire/ip6.h"
#include "wire/ndp.h"
#include "wire/udp.h"
#include "world.h"

void nicbox_begin(struct nicbox *b, const struct nicbox_config *config)
{
    static const struct nicbox_config defaults;
    if (config == NULL)
        config = &defaults;
    memset(b, 0, sizeof(*b));
    b->now = WORLD_START;
    alloc_init(&b->alloc);
    const struct nst_stack_config sc = {
        .size = sizeof(sc),
        .allocator = b->alloc.allocator,
        .seed = {7},
        .now = b->now,
        .handle_local = !config->no_handle_local,
        .weak_host = config->weak_host,
    };
    assert_int_equal(nst_stack_new(&sc, &b->stack), 0);
    /* What comes before them in the enumeration is about NICs and addresses. */
    const uint32_t kinds = NST_EVENT_BIT(NST_EVENT_NEIGH_ADDED) - 1;
    assert_int_equal(nst_event_start(b->stack, kinds, 4096), 0);
}

void nicbox_end(struct nicbox *b)
{
    world_check_census(b->stack, false);
    nst_stack_free(b->stack);
    for (unsigned i = 0; i < NICBOX_NICS; i++) {
        if (b->has[i])
            memlink_fini(&b->links[i]);
    }
    assert_int_equal(b->alloc.live, 0);
    assert_int_equal(b->alloc.live_bytes, 0);
}

int nicbox_add_with(struct nicbox *b, unsigned n, enum nicbox_kind kind,
                    const struct nst_nic_config *config)
{
    struct memlink *m = &b->links[n - 1];
    struct nst_nic_config c = *config;
    const struct nst_mac mac = WORLD_MAC((uint8_t)n);
    if (!b->has[n - 1]) {
        memlink_init(m, kind == NICBOX_ETHERNET ? &mac : NULL);
        if (kind == NICBOX_LOOPBACK)
            m->link.caps |= NST_LINK_LOOPBACK;
        m->completes = true;
        b->has[n - 1] = true;
    }
    c.size = sizeof(c);
    c.id = n;
    c.link = &m->link;
    return nst_nic_add(b->stack, &c, NULL);
}

void nicbox_add(struct nicbox *b, unsigned n, enum nicbox_kind kind)
{
    assert_int_equal(nicbox_add_with(b, n, kind, &(struct nst_nic_config){0}), 0);
}

struct nst_addr nicbox_parse(const char *text)
{
    struct nst_addr addr;
    assert_int_equal(nst_addr_parse(text, &addr), 0);
    return addr;
}

static struct nst_addr parse_prefix(const char *text, uint8_t *ret_len)
{
    char copy[64];
    snprintf(copy, sizeof(copy), "%s", text);
    char *slash = strchr(copy, '/');
    assert_non_null(slash);
    *slash = 0;
    *ret_len = (uint8_t)strtoul(slash + 1, NULL, 10);
    return nicbox_parse(copy);
}

void nicbox_addr(struct nicbox *b, unsigned n, const char *text)
{
    struct nst_nic_addr a = {.no_dad = true};
    a.addr = parse_prefix(text, &a.prefix_len);
    assert_int_equal(nst_nic_addr_add(b->stack, n, &a), 0);
}

void nicbox_route(struct nicbox *b, const char *prefix, unsigned n, const char *gateway)
{
    struct nst_route r = {.nic = n};
    r.prefix = parse_prefix(prefix, &r.prefix_len);
    if (gateway != NULL)
        r.gateway = nicbox_parse(gateway);
    assert_int_equal(nst_route_add(b->stack, &r), 0);
}

/* ---- Time ---- */

void nicbox_run(struct nicbox *b)
{
    do
        nst_stack_run(b->stack, b->now, 0);
    while (nst_stack_next_deadline(b->stack) <= b->now);
    world_check_census(b->stack, false);
}

void nicbox_advance(struct nicbox *b, nst_time by)
{
    const nst_time end = b->now + by;
    nicbox_run(b);
    for (nst_time t; (t = nst_stack_next_deadline(b->stack)) <= end;) {
        b->now = t;
        nicbox_run(b);
    }
    b->now = end;
    nicbox_run(b);
}

/* ---- Frames ---- */

void nicbox_inject(struct nicbox *b, unsigned n, const struct nicbox_udp *udp)
{
    uint8_t packet[2000], frame[2100];
    struct memlink *m = &b->links[n - 1];
    const struct nst_endpoint src = {.addr = nicbox_parse(udp->src), .port = udp->sport};
    const struct nst_endpoint dst = {.addr = nicbox_parse(udp->dst), .port = udp->dport};
    const size_t payload_len = strlen(udp->payload);
    const bool v4 = nst_addr_is_v4(&dst.addr);
    const size_t len = frame_udp(packet, &src, &dst, udp->payload, payload_len);
    const bool is_own = mac_is_zero(&udp->to);
    if (m->link.max_header == 0)
        memlink_inject(m, packet, len);
    else
        memlink_inject(m, frame,
                       frame_eth(frame, WORLD_MAC(0x99), is_own ? m->link.addr : udp->to,
                                 v4 ? NST_ETHERTYPE_IPV4 : NST_ETHERTYPE_IPV6, packet, len));
    nicbox_run(b);
}

void nicbox_inject_rival(struct nicbox *b, unsigned n, const struct nst_addr *target,
                         bool advertises)
{
    uint8_t packet[128], frame[150];
    struct ip6_hdr ip = {.next = IP_PROTO_ICMPV6, .hop_limit = 255};
    uint8_t *message = packet + IP6_HDR_LEN;
    const struct ndp_neighbor body = {.target = *target, .override = advertises};
    const size_t len = ndp_neighbor_build(
        message, advertises ? ICMP6_NEIGHBOR_ADVERTISEMENT : ICMP6_NEIGHBOR_SOLICITATION, &body);
    ip.dst = advertises ? nicbox_parse("ff02::1") : addr_solicited_node(target);
    if (advertises)
        ip.src = *target;
    ip.payload_len = (uint16_t)len;
    be16_put(message + 2, 0);
    const uint32_t pseudo = csum_pseudo_v6(&ip.src, &ip.dst, IP_PROTO_ICMPV6, (uint32_t)len);
    icmp6_csum_put(message, csum_portable.sum(message, len, pseudo));
    ip6_build(packet, &ip);
    memlink_inject(&b->links[n - 1], frame,
                   frame_eth(frame, WORLD_MAC(0x99), mac_from_group(&ip.dst), NST_ETHERTYPE_IPV6,
                             packet, IP6_HDR_LEN + len));
    nicbox_run(b);
}

/* False: no IP packet. */
static bool read_packet(const uint8_t *p, size_t len, struct nicbox_sent *sent)
{
    struct ip4_hdr h4;
    struct ip6_hdr h6;
    sent->len = len;
    if (len > 0 && p[0] >> 4 == 4 && ip4_parse(p, len, &h4) != 0) {
        sent->src = addr_from_raw4(h4.src4);
        sent->dst = addr_from_raw4(h4.dst4);
        sent->proto = h4.proto;
        sent->payload = p + h4.hdr_len;
        sent->payload_len = len - h4.hdr_len;
        return true;
    }
    if (len > 0 && p[0] >> 4 == 6 && ip6_parse(p, len, &h6) != 0) {
        sent->src = h6.src;
        sent->dst = h6.dst;
        sent->proto = h6.next;
        sent->payload = p + IP6_HDR_LEN;
        sent->payload_len = len - IP6_HDR_LEN;
        return true;
    }
    return false;
}

bool nicbox_take(struct nicbox *b, unsigned n, uint8_t proto, struct nicbox_sent *ret_sent)
{
    const struct memlink *m = &b->links[n - 1];
    const uint32_t hdr = m->link.max_header;
    while (b->taken[n - 1] < m->count) {
        const struct memlink_frame *f = &m->frames[b->taken[n - 1]++];
        if (hdr != 0) {
            memcpy(&ret_sent->to, f->data, 6);
            memcpy(&ret_sent->from, f->data + 6, 6);
            const uint16_t type = be16_get(f->data + 12);
            if (type != NST_ETHERTYPE_IPV4 && type != NST_ETHERTYPE_IPV6)
                continue;
        }
        if (read_packet(f->data + hdr, f->len - hdr, ret_sent) && ret_sent->proto == proto)
            return true;
    }
    return false;
}

bool nicbox_is_silent(struct nicbox *b, unsigned n, uint8_t proto)
{
    struct nicbox_sent sent;
    bool silent = true;
    while (nicbox_take(b, n, proto, &sent))
        silent = false;
    return silent;
}

/* ---- Sockets ---- */

nst_socket nicbox_socket(struct nicbox *b, enum nst_socket_type type, const char *addr,
                         uint16_t port, uint32_t nic)
{
    nst_socket s;
    struct nst_endpoint local = {.port = port, .nic = nic};
    if (addr != NULL)
        local.addr = nicbox_parse(addr);
    assert_int_equal(nst_socket_open(b->stack, type, &s), 0);
    assert_int_equal(nst_socket_bind(b->stack, s, &local), 0);
    return s;
}

int nicbox_send(struct nicbox *b, nst_socket s, const char *to)
{
    const struct nst_endpoint remote = {.addr = nicbox_parse(to), .port = 9};
    const int r = (int)nst_socket_sendto(b->stack, s, "x", 1, 0, &remote);
    nicbox_run(b);
    return r;
}

bool nicbox_got(struct nicbox *b, nst_socket s, const char *payload)
{
    char data[2000];
    const int64_t n = nst_socket_recv(b->stack, s, data, sizeof(data), 0);
    return n == (int64_t)strlen(payload) && memcmp(data, payload, (size_t)n) == 0 &&
           nicbox_got_nothing(b, s);
}

bool nicbox_got_nothing(struct nicbox *b, nst_socket s)
{
    char data[1];
    return nst_socket_recv(b->stack, s, data, sizeof(data), NST_MSG_PEEK) == -NST_EAGAIN;
}

/* ---- Events and addresses ---- */

struct nst_event nicbox_event(struct nicbox *b, enum nst_event_kind kind)
{
    struct nst_event e;
    assert_true(nst_event_next(b->stack, &e));
    assert_string_equal(nst_event_name(e.kind), nst_event_name(kind));
    return e;
}

void nicbox_no_event(struct nicbox *b)
{
    struct nst_event e;
    if (nst_event_next(b->stack, &e))
        fail_msg("an event too many: %s", nst_event_name(e.kind));
}

void nicbox_skip_events(struct nicbox *b)
{
    struct nst_event e;
    while (nst_event_next(b->stack, &e))
        continue;
}

struct nst_nic_addr nicbox_address(const struct nicbox *b, unsigned n, unsigned i)
{
    struct nst_nic_addr list[16];
    assert_true(nst_nic_addr_list(b->stack, n, list, 16) > (int)i);
    return list[i];
}
