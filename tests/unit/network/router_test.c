/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

#include "network/dad.h"
#include "network/router.h"
#include "network/slaac.h"

#define HOUR (3600 * NST_SEC)

static struct lab lab;
static struct nic *nic;
static struct net_ep *ep;
static uint8_t packet[2000];

static void begin_with(bool temporary)
{
    lab_init(&lab);
    lab.accept_ra = true;
    lab.temporary_addresses = temporary;
    nic = lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    ep = nic_ep(nic, NET_IPV6);
    lab_add_addr(&lab, 1, "fe80::1/64");
}

static void begin(void)
{
    begin_with(false);
}

/* An advertisement: what it says, and up to two prefixes. */
struct ad {
    struct ndp_router router;
    struct ndp_prefix prefix[2];
    uint32_t mtu;
    bool with_mac;
    uint8_t hop_limit; /* of the packet; 0: 255 */
};

static size_t build_ad(uint8_t *body, const struct ad *ad)
{
    const struct nst_mac mac = lab_mac(0x99);
    size_t len = ndp_router_build(body, &ad->router);
    if (ad->with_mac)
        len += ndp_opt_mac_build(body + len, NDP_OPT_SOURCE_MAC, &mac);
    if (ad->mtu != 0)
        len += ndp_opt_mtu_build(body + len, ad->mtu);
    for (unsigned i = 0; i < 2; i++)
        if (ad->prefix[i].len != 0)
            len += ndp_opt_prefix_build(body + len, &ad->prefix[i]);
    return len;
}

static void advertise(const char *from, const struct ad *ad)
{
    uint8_t body[200];
    const struct lab_ip6 ip = {
        .src = from, .dst = "ff02::1", .hop_limit = ad->hop_limit != 0 ? ad->hop_limit : 255};
    const size_t len = build_ad(body, ad);
    lab_feed_ip6(&lab, 1, packet, lab_build_icmp6(packet, &ip, body, len));
}

static struct ndp_prefix prefix(const char *text, uint32_t valid_s, uint32_t preferred_s)
{
    return (struct ndp_prefix){.prefix = lab_addr(text),
                               .valid_s = valid_s,
                               .preferred_s = preferred_s,
                               .len = 64,
                               .on_link = true,
                               .autoconf = true};
}

/* A router with a prefix, as most are. */
static void advertise_home(uint32_t router_s, uint32_t valid_s, uint32_t preferred_s)
{
    const struct ad ad = {.router = {.lifetime_s = (uint16_t)router_s},
                          .prefix = {prefix("2001:db8:1::", valid_s, preferred_s)},
                          .with_mac = true};
    advertise("fe80::99", &ad);
}

/* The gateway to `to`, as text; "link": none; "none": no route. */
static const char *way(const char *to)
{
    static char text[NST_ADDR_TEXT];
    struct nst_route r;
    const struct nst_addr a = lab_addr(to);
    if (nst_route_lookup(lab.stack, &a, &r) < 0)
        return "none";
    if (nst_addr_equal(&r.gateway, &(const struct nst_addr){0}))
        return "link";
    nst_addr_format(&r.gateway, text, sizeof(text));
    return text;
}

/* The n-th address of a kind. False: there are not so many. */
static bool made(enum nst_addr_kind kind, unsigned n, struct nst_nic_addr *ret)
{
    struct nst_nic_addr list[64];
    const int count = nst_nic_addr_list(lab.stack, 1, list, 64);
    for (int i = 0; i < count; i++) {
        if (list[i].kind == kind && n-- == 0) {
            *ret = list[i];
            return true;
        }
    }
    return false;
}

static unsigned count_made(enum nst_addr_kind kind)
{
    struct nst_nic_addr a;
    unsigned n = 0;
    while (made(kind, n, &a))
        n++;
    return n;
}

/* The next router solicitation; anything else is passed over. NULL: none. */
static const uint8_t *take_solicitation(size_t *ret_len)
{
    for (const uint8_t *r; (r = lab_take(&lab, 1, ret_len, NULL, NULL)) != NULL;)
        if (r[6] == IP_PROTO_ICMPV6 && r[40] == ICMP6_ROUTER_SOLICITATION)
            return r;
    return NULL;
}

/* ---- Asking ---- */

static void a_host_asks_when_it_comes_up_and_on_until_it_is_answered(void **state)
{
    struct nst_mac mac;
    size_t len;
    begin();
    lab_advance(&lab, SOLICIT_DELAY);
    const uint8_t *r = take_solicitation(&len);
    assert_non_null(r);
    const struct nst_addr from = lab_addr("fe80::1"), to = lab_addr("ff02::2");
    const struct nst_addr src = addr_v6_get(r + 8), dst = addr_v6_get(r + 24);
    assert_true(nst_addr_equal(&src, &from) && nst_addr_equal(&dst, &to));
    assert_int_equal(r[7], 255);
    struct ndp_opt opt;
    struct ndp_opt_iter it = ndp_opt_begin(r + 40, len - 40, NDP_ROUTER_SOLICITATION_LEN);
    assert_true(ndp_opt_next(&it, &opt) && ndp_opt_mac(&opt, NDP_OPT_SOURCE_MAC, &mac));
    /* RFC 7559: 4 s later, then twice as long each time; a tenth more or less. */
    nst_time at = lab.now, gap = 2 * NST_SEC;
    for (unsigned n = 0; n < 5; n++) {
        const nst_time least = gap * 18 / 10 - NST_SEC / 2, most = gap * 22 / 10 + NST_SEC / 2;
        while (take_solicitation(&len) == NULL && lab.now - at < most)
            lab_advance(&lab, NST_SEC / 10);
        gap = lab.now - at;
        assert_in_range(gap, n == 0 ? 3 * NST_SEC : least, most);
        at = lab.now;
    }
    /* At most once an hour in the end. */
    lab_advance(&lab, 24 * HOUR);
    lab_discard(&lab, 1);
    lab_advance(&lab, 24 * HOUR);
    unsigned n = 0;
    while (take_solicitation(&len) != NULL)
        n++;
    assert_in_range(n, 21, 27);
    /* An advertisement of no default router is no answer; another is. */
    advertise_home(0, 0, 0);
    lab_advance(&lab, 2 * HOUR);
    assert_non_null(take_solicitation(&len));
    lab_discard(&lab, 1);
    advertise_home(1800, 0, 0);
    lab_advance(&lab, 24 * HOUR);
    assert_null(take_solicitation(&len));
    lab_fini(&lab);
}

static void who_has_no_address_asks_from_nowhere_and_who_tries_one_waits(void **state)
{
    size_t len;
    lab_init(&lab);
    lab.accept_ra = true;
    lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_advance(&lab, SOLICIT_DELAY);
    const uint8_t *r = take_solicitation(&len);
    assert_non_null(r);
    const struct nst_addr src = addr_v6_get(r + 8);
    assert_true(addr_is_unspecified(&src));
    assert_int_equal(len, 48); /* RFC 4861 4.1: no source link address then */
    lab_fini(&lab);

    lab_init(&lab);
    lab.accept_ra = true;
    lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    const struct nst_nic_addr a = {.addr = lab_addr("fe80::1"), .prefix_len = 64};
    assert_int_equal(nst_nic_addr_add(lab.stack, 1, &a), 0);
    lab_advance(&lab, DAD_DELAY + 3 * NST_SEC);
    r = take_solicitation(&len);
    assert_non_null(r);
    assert_memory_equal(r + 8, &a.addr, 16);
    lab_fini(&lab);
}

static void who_is_not_asked_to_does_not_listen(void **state)
{
    size_t len;
    lab_init(&lab);
    nic = lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_add_addr(&lab, 1, "fe80::1/64");
    lab_advance(&lab, 10 * NST_SEC);
    assert_null(take_solicitation(&len));
    advertise_home(1800, 86400, 14400);
    assert_string_equal(way("2001:db8:9::1"), "none");
    assert_int_equal(count_made(NST_ADDR_SLAAC), 0);
    lab_fini(&lab);
    /* Nor does a router. */
    begin();
    assert_int_equal(nst_nic_set_forwarding(lab.stack, 1, NST_ETHERTYPE_IPV6, true), 0);
    lab_advance(&lab, 10 * NST_SEC);
    assert_null(take_solicitation(&len));
    advertise_home(1800, 86400, 14400);
    assert_string_equal(way("2001:db8:9::1"), "none");
    /* One that becomes a host again does. */
    assert_int_equal(nst_nic_set_forwarding(lab.stack, 1, NST_ETHERTYPE_IPV6, false), 0);
    lab_advance(&lab, 10 * NST_SEC);
    assert_non_null(take_solicitation(&len));
    advertise_home(1800, 86400, 14400);
    assert_string_equal(way("2001:db8:9::1"), "fe80::99");
    assert_int_equal(nst_nic_set_forwarding(lab.stack, 1, NST_ETHERTYPE_IPV6, true), 0);
    assert_string_equal(way("2001:db8:9::1"), "none");
    assert_int_equal(count_made(NST_ADDR_SLAAC), 0);
    lab_fini(&lab);
}

/* ---- Routers ---- */

static void a_router_is_the_default_route_as_long_as_it_says(void **state)
{
    begin();
    assert_string_equal(way("2001:db8:9::1"), "none");
    advertise_home(100, 0, 0);
    assert_string_equal(way("2001:db8:9::1"), "fe80::99");
    lab_advance(&lab, 99 * NST_SEC);
    assert_string_equal(way("2001:db8:9::1"), "fe80::99");
    advertise_home(100, 0, 0);
    lab_advance(&lab, 99 * NST_SEC);
    assert_string_equal(way("2001:db8:9::1"), "fe80::99");
    lab_advance(&lab, NST_SEC);
    assert_string_equal(way("2001:db8:9::1"), "none");
    advertise_home(100, 0, 0);
    advertise_home(0, 0, 0); /* it says that it is none */
    assert_string_equal(way("2001:db8:9::1"), "none");
    lab_fini(&lab);
}

static void the_preferred_router_is_taken(void **state)
{
    struct ad ad = {.router = {.lifetime_s = 1800}};
    begin();
    advertise("fe80::a", &ad);
    advertise("fe80::b", &ad);
    assert_string_equal(way("2001:db8:9::1"), "fe80::a"); /* who came first */
    ad.router.preference = 1;
    advertise("fe80::b", &ad);
    assert_string_equal(way("2001:db8:9::1"), "fe80::b");
    ad.router.preference = -1;
    advertise("fe80::b", &ad);
    assert_string_equal(way("2001:db8:9::1"), "fe80::a");
    ad.router.lifetime_s = 0;
    advertise("fe80::a", &ad);
    assert_string_equal(way("2001:db8:9::1"), "fe80::b");
    lab_fini(&lab);
}

static void a_router_that_does_not_answer_is_left_for_another(void **state)
{
    const struct ad ad = {.router = {.lifetime_s = 1800}},
                    low = {.router = {.lifetime_s = 1800, .preference = -1}};
    begin();
    lab_add_addr(&lab, 1, "fd00::1/64");
    advertise("fe80::a", &ad);
    advertise("fe80::b", &low);
    assert_string_equal(way("2001:db8:9::1"), "fe80::a");
    lab_send(&lab, NULL, "2001:db8:9::1", 10, false);
    lab_advance(&lab, 4 * NST_SEC);
    assert_string_equal(way("2001:db8:9::1"), "fe80::b");
    /* It is heard of again. */
    const struct ad back = {.router = {.lifetime_s = 1800}, .with_mac = true};
    advertise("fe80::a", &back);
    assert_string_equal(way("2001:db8:9::1"), "fe80::a");
    lab_fini(&lab);
}

/* Its link address is known: what is sent while it is probed waits for nothing. */
static void a_router_that_falls_silent_is_left_when_probes_end(void **state)
{
    const struct ad ad = {.router = {.lifetime_s = 1800}, .with_mac = true},
                    low = {.router = {.lifetime_s = 1800, .preference = -1}, .with_mac = true};
    begin();
    lab_add_addr(&lab, 1, "fd00::1/64");
    advertise("fe80::b", &low);
    advertise("fe80::a", &ad);
    lab_send(&lab, NULL, "2001:db8:9::1", 10, false);
    lab_advance(&lab, 7 * NST_SEC); /* DELAY, and two of three probes */
    assert_string_equal(way("2001:db8:9::1"), "fe80::a");
    lab_advance(&lab, 2 * NST_SEC);
    assert_string_equal(way("2001:db8:9::1"), "fe80::b");
    lab_fini(&lab);
}

static void an_entry_that_stops_being_a_router_invalidates_it(void **state)
{
    uint8_t body[40];
    begin();
    advertise_home(1800, 0, 0);
    const struct neigh *n =
        neigh_lookup(&ep->neighs, &(const struct nst_addr){{{0xfe, 0x80, [15] = 0x99}}});
    assert_true(n != NULL && n->router && n->state == NST_NEIGH_STALE);
    const struct nst_mac mac = lab_mac(0x99);
    const struct ndp_neighbor said = {.target = lab_addr("fe80::99"), .override = true};
    size_t len = ndp_neighbor_build(body, ICMP6_NEIGHBOR_ADVERTISEMENT, &said);
    len += ndp_opt_mac_build(body + len, NDP_OPT_TARGET_MAC, &mac);
    const struct lab_ip6 ip = {.src = "fe80::99", .dst = "ff02::1", .hop_limit = 255};
    lab_feed_ip6(&lab, 1, packet, lab_build_icmp6(packet, &ip, body, len));
    assert_string_equal(way("2001:db8:9::1"), "none");
    lab_fini(&lab);
}

static void routes_of_the_host_go_first(void **state)
{
    begin();
    lab_add_route(&lab, "::/0", 1, "fe80::7");
    advertise_home(1800, 0, 0);
    assert_string_equal(way("2001:db8:9::1"), "fe80::7");
    advertise_home(0, 0, 0);
    assert_string_equal(way("2001:db8:9::1"), "fe80::7");
    lab_fini(&lab);
}

/* ---- Prefixes ---- */

static void a_prefix_is_on_link_as_long_as_it_says(void **state)
{
    struct ad ad = {.prefix = {prefix("2001:db8:1::", 100, 50), prefix("2001:db8:2::", 100, 50)}};
    begin();
    ad.prefix[0].autoconf = false;
    ad.prefix[1].on_link = false; /* RFC 5942: an address, and its neighbours are off link */
    advertise("fe80::99", &ad);
    assert_string_equal(way("2001:db8:1::5"), "link");
    assert_string_equal(way("2001:db8:2::5"), "none");
    assert_int_equal(count_made(NST_ADDR_SLAAC), 1);
    lab_advance(&lab, 99 * NST_SEC);
    assert_string_equal(way("2001:db8:1::5"), "link");
    lab_advance(&lab, NST_SEC);
    assert_string_equal(way("2001:db8:1::5"), "none");
    advertise("fe80::99", &ad);
    ad.prefix[0].valid_s = 0;
    ad.prefix[0].preferred_s = 0;
    advertise("fe80::99", &ad);
    assert_string_equal(way("2001:db8:1::5"), "none");
    /* Link-local prefixes are nobody's to say. */
    ad.prefix[0] = prefix("fe80::", 100, 50);
    advertise("fe80::99", &ad);
    assert_int_equal(count_made(NST_ADDR_SLAAC), 1);
    lab_fini(&lab);
}

static void parameters_are_taken_and_forgotten(void **state)
{
    const struct ad ad = {.router = {.lifetime_s = 1800,
                                     .hop_limit = 33,
                                     .reachable_ms = 12000,
                                     .retransmit_ms = 250},
                          .mtu = 1400,
                          .with_mac = true};
    const struct ad silent = {.router = {.lifetime_s = 1800}};
    begin();
    lab_add_addr(&lab, 1, "fd00::1/64");
    const nst_time base = ep->neighs.config.base_reachable;
    for (unsigned i = 0; i < 2; i++) {
        advertise("fe80::99", i == 0 ? &ad : &silent);
        assert_int_equal(ep->neighs.config.base_reachable, 12 * NST_SEC);
        assert_int_equal(ep->neighs.config.retransmit, NST_SEC / 4);
        lab_discard(&lab, 1);
        assert_int_equal(lab_send(&lab, NULL, "2001:db8:9::1", 1380, false), 0);
        assert_int_equal(lab_frames(&lab, 1), 2); /* cut at 1,400 */
        const uint8_t *r = lab_take(&lab, 1, NULL, NULL, NULL);
        assert_int_equal(r[7], 33);
        lab_discard(&lab, 1);
    }
    /* MTUs that cannot be are not taken. */
    const struct ad small = {.mtu = 1279}, large = {.mtu = 1501};
    advertise("fe80::99", &small);
    advertise("fe80::99", &large);
    assert_int_equal(ep->mtu, 1400);
    nst_nic_disable(lab.stack, 1);
    assert_int_equal(ep->neighs.config.base_reachable, base);
    assert_int_equal(ep->neighs.config.retransmit, NST_SEC);
    assert_true(ep->mtu == 0 && ep->hop_limit == 0);
    lab_fini(&lab);
}

static void what_routers_taught_is_forgotten_at_disabling(void **state)
{
    size_t len;
    begin();
    advertise_home(1800, 86400, 14400);
    assert_string_equal(way("2001:db8:9::1"), "fe80::99");
    assert_int_equal(count_made(NST_ADDR_SLAAC), 1);
    nst_nic_disable(lab.stack, 1);
    assert_int_equal(count_made(NST_ADDR_SLAAC), 0);
    nst_nic_enable(lab.stack, 1);
    assert_string_equal(way("2001:db8:9::1"), "none");
    assert_string_equal(way("2001:db8:1::1"), "none");
    lab_discard(&lab, 1);
    lab_advance(&lab, 5 * NST_SEC);
    assert_non_null(take_solicitation(&len)); /* N6 */
    lab_fini(&lab);
}

/* ---- Addresses ---- */

static void a_prefix_gives_an_address(void **state)
{
    struct nst_nic_addr a;
    begin();
    advertise_home(1800, 86400, 14400);
    assert_true(made(NST_ADDR_SLAAC, 0, &a));
    const struct nst_addr p = lab_addr("2001:db8:1::");
    assert_true(addr_common_prefix(&a.addr, &p) >= 64);
    assert_int_equal(a.prefix_len, 64);
    assert_int_equal(a.state, NST_ADDR_TENTATIVE);
    assert_int_equal(a.valid, 86400 * NST_SEC);
    assert_int_equal(a.preferred, 14400 * NST_SEC);
    lab_advance(&lab, DAD_DELAY + 2 * NST_SEC);
    assert_true(made(NST_ADDR_SLAAC, 0, &a));
    assert_int_equal(a.state, NST_ADDR_ASSIGNED);
    /* Again: the same one. */
    const struct nst_addr first = a.addr;
    advertise_home(1800, 86400, 14400);
    assert_int_equal(count_made(NST_ADDR_SLAAC), 1);
    /* It is stable: after a restart of the NIC it is the same (RFC 7217). */
    nst_nic_disable(lab.stack, 1);
    nst_nic_enable(lab.stack, 1);
    advertise_home(1800, 86400, 14400);
    assert_true(made(NST_ADDR_SLAAC, 0, &a) && nst_addr_equal(&a.addr, &first));
    lab_fini(&lab);
}

static void lifetimes_deprecate_and_remove(void **state)
{
    struct nst_nic_addr a;
    begin();
    advertise_home(9000, 10000, 1000);
    lab_advance(&lab, 999 * NST_SEC);
    assert_true(made(NST_ADDR_SLAAC, 0, &a) && !a.deprecated);
    lab_advance(&lab, NST_SEC);
    assert_true(made(NST_ADDR_SLAAC, 0, &a) && a.deprecated);
    advertise_home(9000, 10000, 1000); /* preferred again */
    assert_true(made(NST_ADDR_SLAAC, 0, &a) && !a.deprecated);
    advertise_home(9000, 10000, 0);
    assert_true(made(NST_ADDR_SLAAC, 0, &a) && a.deprecated);
    lab_advance(&lab, 9999 * NST_SEC);
    assert_int_equal(count_made(NST_ADDR_SLAAC), 1);
    lab_advance(&lab, NST_SEC);
    assert_int_equal(count_made(NST_ADDR_SLAAC), 0);
    lab_fini(&lab);
}

static nst_time valid_left(void)
{
    struct nst_nic_addr a;
    return made(NST_ADDR_SLAAC, 0, &a) ? a.valid : 0;
}

static void nobody_shortens_a_life_below_two_hours(void **state)
{
    begin();
    advertise_home(9000, 86400, 100);
    advertise_home(9000, 10, 10);
    assert_int_equal(valid_left(), 2 * HOUR);
    lab_advance(&lab, HOUR);
    advertise_home(9000, 10, 10); /* what is left is less: it stays */
    assert_int_equal(valid_left(), HOUR);
    advertise_home(9000, 3700, 10); /* longer than what is left */
    assert_int_equal(valid_left(), 3700 * NST_SEC);
    advertise_home(9000, 8000, 10); /* more than two hours: as it says */
    assert_int_equal(valid_left(), 8000 * NST_SEC);
    advertise_home(9000, 100000, 10);
    advertise_home(9000, 8000, 10);
    assert_int_equal(valid_left(), 8000 * NST_SEC);
    advertise_home(9000, UINT32_MAX, UINT32_MAX);
    assert_int_equal(valid_left(), NST_TIME_NEVER);
    advertise_home(9000, 0, 0);
    assert_int_equal(valid_left(), 2 * HOUR);
    lab_fini(&lab);
}

static void prefixes_that_make_no_address(void **state)
{
    struct ad ad = {.prefix = {prefix("2001:db8:1::", 100, 200)}}; /* preferred beyond valid */
    begin();
    advertise("fe80::99", &ad);
    ad.prefix[0] = prefix("2001:db8:1::", 100, 100);
    ad.prefix[0].len = 63;
    advertise("fe80::99", &ad);
    ad.prefix[0].len = 65;
    advertise("fe80::99", &ad);
    ad.prefix[0] = prefix("2001:db8:1::", 0, 0);
    advertise("fe80::99", &ad);
    ad.prefix[0] = prefix("ff05::", 100, 100);
    advertise("fe80::99", &ad);
    assert_int_equal(count_made(NST_ADDR_SLAAC), 0);
    lab_fini(&lab);
}

static void a_duplicate_gets_another_identifier(void **state)
{
    struct nst_nic_addr a, b;
    uint8_t body[40];
    lab_init(&lab);
    lab.accept_ra = true;
    lab.link_local = NST_LINK_LOCAL_OPAQUE;
    lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_advance(&lab, 3 * NST_SEC);
    advertise_home(1800, 86400, 14400);
    assert_true(made(NST_ADDR_SLAAC, 0, &a));
    const struct ndp_neighbor n = {.target = a.addr, .override = true};
    const size_t len = ndp_neighbor_build(body, ICMP6_NEIGHBOR_ADVERTISEMENT, &n);
    const struct lab_ip6 ip = {.src = "fe80::99", .dst = "ff02::1", .hop_limit = 255};
    lab_feed_ip6(&lab, 1, packet, lab_build_icmp6(packet, &ip, body, len));
    assert_true(made(NST_ADDR_SLAAC, 0, &b) && !nst_addr_equal(&a.addr, &b.addr));
    assert_true(addr_common_prefix(&a.addr, &b.addr) >= 64);
    lab_advance(&lab, 3 * NST_SEC);
    assert_true(made(NST_ADDR_SLAAC, 0, &b) && b.state == NST_ADDR_ASSIGNED);
    lab_fini(&lab);
}

static void temporary_addresses_come_and_go(void **state)
{
    struct nst_nic_addr first, a;
    begin_with(true);
    advertise_home(9000, 30 * 86400, 20 * 86400);
    assert_int_equal(count_made(NST_ADDR_SLAAC), 1);
    assert_true(made(NST_ADDR_SLAAC_TEMPORARY, 0, &first));
    assert_true(first.valid == SLAAC_TEMPORARY_VALID);
    assert_true(first.preferred <= SLAAC_TEMPORARY_PREFERRED &&
                first.preferred >= SLAAC_TEMPORARY_PREFERRED / 10 * 6);
    /* RFC 8981 3.4: routers do not make it live longer than that. */
    lab_advance(&lab, 100 * NST_SEC);
    advertise_home(9000, 30 * 86400, 20 * 86400);
    assert_true(made(NST_ADDR_SLAAC_TEMPORARY, 0, &a));
    assert_true(nst_addr_equal(&a.addr, &first.addr));
    assert_int_equal(a.valid, first.valid - 100 * NST_SEC);
    assert_int_equal(a.preferred, first.preferred - 100 * NST_SEC);
    /* It is the source (RFC 6724 rule 7). */
    struct nst_addr source;
    const struct nst_addr to = lab_addr("2001:db8:9::1"), none = {0};
    assert_true(addrs_select_source(ep, &to, &none, &source));
    assert_true(nst_addr_equal(&source, &first.addr));
    /* The next one is there before its time is over, and is another. */
    lab_advance(&lab, a.preferred - SLAAC_RENEW_ADVANCE);
    assert_int_equal(count_made(NST_ADDR_SLAAC_TEMPORARY), 2);
    assert_true(made(NST_ADDR_SLAAC_TEMPORARY, 1, &a) && !nst_addr_equal(&a.addr, &first.addr));
    lab_advance(&lab, SLAAC_RENEW_ADVANCE);
    assert_true(made(NST_ADDR_SLAAC_TEMPORARY, 0, &a) && a.deprecated);
    assert_true(addrs_select_source(ep, &to, &none, &source));
    assert_false(nst_addr_equal(&source, &first.addr));
    for (unsigned day = 0; day < 14; day++) {
        advertise_home(9000, 30 * 86400, 20 * 86400);
        lab_advance(&lab, 86400 * NST_SEC);
        assert_in_range(count_made(NST_ADDR_SLAAC_TEMPORARY), 2, 5);
    }
    lab_fini(&lab);
}

/* ---- Floods ---- */

static void a_flood_of_routers_and_prefixes_costs_bounded_memory(void **state)
{
    begin();
    advertise_home(9000, 86400, 14400);
    lab_advance(&lab, 3 * NST_SEC);
    uint64_t used = 0;
    for (unsigned i = 1; i <= 4000; i++) {
        char text[64], from[64];
        snprintf(text, sizeof(text), "2001:db9:%x::", i);
        snprintf(from, sizeof(from), "fe80::1:%x", i);
        const struct ad ad = {.router = {.lifetime_s = 9000},
                              .prefix = {prefix(text, 86400, 14400)},
                              .with_mac = true};
        advertise(from, &ad);
        lab_discard(&lab, 1);
        if (i == 1000)
            used = lab.stack->pool->mem.used;
    }
    assert_true(lab.stack->pool->mem.used <= used + 4096);
    assert_int_equal(ep->host->router_count, ROUTERS_MAX);
    assert_int_equal(ep->host->prefix_count, PREFIXES_MAX);
    assert_int_equal(count_made(NST_ADDR_SLAAC), SLAAC_ADDRS_MAX);
    assert_true(lab.stack->counters.router_limited > 0);
    /* What was there before goes on. */
    assert_string_equal(way("2001:db8:9::1"), "fe80::99");
    assert_string_equal(way("2001:db8:1::5"), "link");
    lab_fini(&lab);
}

static void advertisements_from_afar_are_nobodys(void **state)
{
    begin();
    struct ad ad = {.router = {.lifetime_s = 9000}, .hop_limit = 254};
    advertise("fe80::99", &ad);
    ad.hop_limit = 0;
    advertise("fd00::99", &ad);
    assert_string_equal(way("2001:db8:9::1"), "none");
    assert_int_equal(lab.stack->counters.ndp_malformed, 2);
    /* Truncated options. */
    uint8_t body[200];
    const struct ad whole = {.router = {.lifetime_s = 9000},
                             .prefix = {prefix("2001:db8:1::", 100, 100)}};
    const size_t len = build_ad(body, &whole);
    const struct lab_ip6 ip = {.src = "fe80::99", .dst = "ff02::1", .hop_limit = 255};
    for (size_t n = 1; n < len; n++)
        if (n != NDP_ROUTER_ADVERTISEMENT_LEN)
            lab_feed_ip6(&lab, 1, packet, lab_build_icmp6(packet, &ip, body, n));
    assert_string_equal(way("2001:db8:9::1"), "none");
    lab_fini(&lab);
}

/* ---- Redirects ---- */

static void redirect(const char *from, const char *destination, const char *target, bool with_mac)
{
    uint8_t body[60];
    const struct nst_mac mac = lab_mac(0x98);
    const struct ndp_redirect r = {.target = lab_addr(target),
                                   .destination = lab_addr(destination)};
    size_t len = ndp_redirect_build(body, &r);
    if (with_mac)
        len += ndp_opt_mac_build(body + len, NDP_OPT_TARGET_MAC, &mac);
    const struct lab_ip6 ip = {.src = from, .dst = "fe80::1", .hop_limit = 255};
    lab_feed_ip6(&lab, 1, packet, lab_build_icmp6(packet, &ip, body, len));
}

static void the_first_hop_may_redirect(void **state)
{
    begin();
    advertise_home(9000, 0, 0);
    redirect("fe80::98", "2001:db8:9::1", "fe80::98", true); /* not the first hop */
    assert_string_equal(way("2001:db8:9::1"), "fe80::99");
    redirect("fe80::99", "2001:db8:9::1", "fe80::98", true);
    assert_string_equal(way("2001:db8:9::1"), "fe80::98");
    assert_string_equal(way("2001:db8:9::2"), "fe80::99");
    const struct nst_addr a = lab_addr("fe80::98");
    assert_non_null(neigh_lookup(&ep->neighs, &a));
    redirect("fe80::99", "2001:db8:9::2", "2001:db8:9::2", false); /* it is on link */
    assert_string_equal(way("2001:db8:9::2"), "link");
    /* The router that it leads to may redirect again. */
    redirect("fe80::98", "2001:db8:9::1", "fe80::97", false);
    assert_string_equal(way("2001:db8:9::1"), "fe80::97");
    redirect("fe80::99", "ff05::1", "fe80::97", false);
    redirect("fe80::99", "2001:db8:9::3", "2001:db8:9::4", false);
    assert_int_equal(lab.stack->counters.ndp_malformed, 2);
    for (unsigned i = 0; i < 100; i++) {
        char text[32];
        snprintf(text, sizeof(text), "2001:db8:8::%x", i);
        redirect("fe80::99", text, "fe80::96", false);
    }
    assert_int_equal(ep->host->redirect_count, REDIRECTS_MAX);
    nst_nic_disable(lab.stack, 1);
    nst_nic_enable(lab.stack, 1);
    assert_string_equal(way("2001:db8:8::63"), "none");
    lab_fini(&lab);
}

TESTS({"nic/N6: a host asks when it comes up, and on until it is answered (RFC 7559)",
       a_host_asks_when_it_comes_up_and_on_until_it_is_answered},
      {"RFC 4861 4.1: who has no address asks from nowhere, who tries one waits",
       who_has_no_address_asks_from_nowhere_and_who_tries_one_waits},
      {"who is not asked to does not listen, nor does a router",
       who_is_not_asked_to_does_not_listen},
      {"RFC 4861 6.3.4: a router is the default route as long as it says",
       a_router_is_the_default_route_as_long_as_it_says},
      {"RFC 4191 3.2: the preferred router is taken", the_preferred_router_is_taken},
      {"RFC 4861 6.3.6: a router that does not answer is left for another",
       a_router_that_does_not_answer_is_left_for_another},
      {"RFC 4861 6.3.6: a router that falls silent is left when probes end",
       a_router_that_falls_silent_is_left_when_probes_end},
      {"nic/N86: an entry that stops being a router invalidates that router",
       an_entry_that_stops_being_a_router_invalidates_it},
      {"routes of the host go first", routes_of_the_host_go_first},
      {"RFC 4861 6.3.4: a prefix is on link as long as it says",
       a_prefix_is_on_link_as_long_as_it_says},
      {"RFC 4861 6.3.4: hop limit, MTU and times are taken", parameters_are_taken_and_forgotten},
      {"nic/N7: what routers taught is forgotten at disabling",
       what_routers_taught_is_forgotten_at_disabling},
      {"RFC 4862 5.5: a prefix gives an address", a_prefix_gives_an_address},
      {"RFC 4862 5.5.4: lifetimes deprecate and remove", lifetimes_deprecate_and_remove},
      {"RFC 4862 5.5.3: nobody shortens a life below two hours",
       nobody_shortens_a_life_below_two_hours},
      {"RFC 4862 5.5.3: prefixes that make no address", prefixes_that_make_no_address},
      {"RFC 7217 6: a duplicate gets another identifier", a_duplicate_gets_another_identifier},
      {"RFC 8981: temporary addresses come and go", temporary_addresses_come_and_go},
      {"a flood of routers and prefixes costs bounded memory",
       a_flood_of_routers_and_prefixes_costs_bounded_memory},
      {"RFC 4861 6.1.2: advertisements from afar are nobody's",
       advertisements_from_afar_are_nobodys},
      {"RFC 4861 8.3: the first hop may redirect", the_first_hop_may_redirect})
