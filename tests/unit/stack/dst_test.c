/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

static struct lab lab;
static struct dst *d;

static void begin(void)
{
    lab_init(&lab);
    lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_add_nic(&lab, 2, 0, 1400);
    lab_add_addr(&lab, 1, "10.0.0.1/24");
    lab_add_addr(&lab, 2, "192.0.2.1/24");
    lab_add_route(&lab, "0.0.0.0/0", 1, "10.0.0.254");
    d = NULL;
}

static int get(const char *to, const char *from, uint32_t nic)
{
    const struct nst_addr r = lab_addr(to),
                          l = from != NULL ? lab_addr(from) : (struct nst_addr){0};
    return dst_get(lab.stack, &r, &l, nic, &d);
}

static bool is(const struct nst_addr *addr, const char *text)
{
    const struct nst_addr want = lab_addr(text);
    return nst_addr_equal(addr, &want);
}

static void a_destination_knows_the_way(void **state)
{
    begin();
    assert_int_equal(get("203.0.113.5", NULL, 0), 0);
    assert_int_equal(d->nic->id, 1);
    assert_true(is(&d->source, "10.0.0.1"));
    assert_true(is(&d->next_hop, "10.0.0.254"));
    assert_non_null(d->neigh);
    assert_int_equal(d->type, PKT_HOST);
    assert_int_equal(dst_mtu(d), 1480);
    assert_int_equal(dst_headroom(d), 34);
    assert_int_equal(dst_gso_max(d), 65535);
    dst_put(d);
    assert_int_equal(get("192.0.2.9", NULL, 0), 0);
    assert_int_equal(d->nic->id, 2);
    assert_null(d->neigh);
    assert_int_equal(dst_mtu(d), 1380);
    dst_put(d);
    lab_fini(&lab);
}

static void the_same_question_gives_the_same_destination(void **state)
{
    begin();
    get("203.0.113.5", NULL, 0);
    struct dst *first = d;
    get("203.0.113.5", NULL, 0);
    assert_ptr_equal(d, first);
    assert_int_equal(d->refs, 2);
    struct dst *other;
    get("203.0.113.5", "10.0.0.1", 0);
    other = d;
    assert_ptr_not_equal(other, first);
    dst_put(other);
    dst_put(first);
    dst_put(first);
    assert_int_equal(lab.stack->dsts.idle, 2);
    get("203.0.113.5", NULL, 0);
    assert_ptr_equal(d, first);
    assert_int_equal(lab.stack->dsts.idle, 1);
    dst_put(d);
    lab_fini(&lab);
}

static void any_change_makes_it_stale(void **state)
{
    begin();
    get("203.0.113.5", NULL, 0);
    struct dst *old = d;
    lab_add_route(&lab, "203.0.113.0/24", 2, NULL);
    assert_false(dst_is_valid(old));
    get("203.0.113.5", NULL, 0);
    assert_ptr_not_equal(d, old);
    assert_int_equal(d->nic->id, 2);
    dst_put(d);
    /* A packet by way of a stale one is dropped, even when its NIC is gone. */
    nst_nic_remove(lab.stack, 1);
    lab.nics[0].id = 0;
    struct pkt *p = pkt_build(lab.stack->pool, dst_headroom(old), 8);
    const struct ip_out out = {.proto = LAB_PROTO};
    assert_int_equal(dst_output(old, p, &out), -NST_EHOSTUNREACH);
    assert_false(dst_is_blocked(old));
    dst_put(old);
    lab_fini(&lab);
}

static void what_cannot_be_reached_says_why(void **state)
{
    begin();
    assert_int_equal(get("0.0.0.0", NULL, 0), -NST_ENETUNREACH);
    assert_int_equal(get("240.0.0.1", NULL, 0), -NST_ENETUNREACH);
    assert_int_equal(get("::", NULL, 0), -NST_ENETUNREACH);
    assert_int_equal(get("::1", NULL, 0), -NST_ENETUNREACH);
    assert_int_equal(get("::1", "10.0.0.1", 0), -NST_EAFNOSUPPORT);
    assert_int_equal(get("10.0.0.2", "::1", 0), -NST_EAFNOSUPPORT);
    assert_int_equal(get("10.0.0.2", "10.0.0.9", 0), -NST_EADDRNOTAVAIL);
    assert_int_equal(get("10.0.0.2", "224.0.0.1", 0), -NST_EADDRNOTAVAIL);
    assert_int_equal(get("10.0.0.2", "192.0.2.1", 1), -NST_EADDRNOTAVAIL);
    assert_int_equal(get("203.0.113.5", NULL, 2), -NST_ENETUNREACH);
    assert_int_equal(lab.stack->counters.ip4_no_route, 1);
    assert_int_equal(get("10.0.0.2", NULL, 9), -NST_ENETDOWN);
    nst_nic_disable(lab.stack, 1);
    assert_int_equal(get("203.0.113.5", NULL, 0), -NST_ENETDOWN);
    assert_int_equal(get("203.0.113.5", NULL, 1), -NST_ENETDOWN);
    assert_null(d);
    lab_fini(&lab);
}

static void the_strong_model_leaves_by_the_sources_nic(void **state)
{
    begin();
    assert_int_equal(get("203.0.113.5", "192.0.2.1", 0), -NST_ENETUNREACH);
    lab_add_route(&lab, "0.0.0.0/0", 2, "192.0.2.254");
    assert_int_equal(get("203.0.113.5", "192.0.2.1", 0), 0);
    assert_int_equal(d->nic->id, 2);
    dst_put(d);
    lab_fini(&lab);
}

static void a_spoofing_nic_sends_from_anywhere(void **state)
{
    begin();
    nst_nic_set_spoofing(lab.stack, 1, true);
    assert_int_equal(get("203.0.113.5", "198.51.100.1", 0), 0);
    assert_true(is(&d->source, "198.51.100.1"));
    dst_put(d);
    lab_fini(&lab);
}

static void our_own_addresses_are_local(void **state)
{
    begin();
    assert_int_equal(get("192.0.2.1", NULL, 0), 0);
    assert_true(d->is_local);
    assert_true(is(&d->source, "192.0.2.1"));
    assert_int_equal(dst_mtu(d), 65515);
    assert_false(dst_is_blocked(d));
    dst_put(d);
    assert_int_equal(get("192.0.2.1", "10.0.0.1", 0), 0); /* one of ours to another */
    assert_true(d->is_local);
    dst_put(d);
    lab_fini(&lab);
    lab_init_with(&lab, false, false);
    lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_add_addr(&lab, 1, "10.0.0.1/24");
    assert_int_equal(get("10.0.0.1", NULL, 0), 0); /* N41: to the wire, without asking */
    assert_false(d->is_local);
    assert_null(d->neigh);
    const struct nst_mac own = lab_mac(1);
    assert_memory_equal(&d->mac, &own, 6);
    dst_put(d);
    lab_fini(&lab);
}

static void groups_need_no_neighbour_and_no_route(void **state)
{
    begin();
    static const uint8_t group[6] = {1, 0, 0x5e, 1, 2, 3}, all[6] = {255, 255, 255, 255, 255, 255};
    assert_int_equal(get("224.129.2.3", NULL, 0), 0);
    assert_int_equal(d->type, PKT_MULTICAST);
    assert_memory_equal(&d->mac, group, 6);
    dst_put(d);
    assert_int_equal(get("10.0.0.255", NULL, 0), 0);
    assert_int_equal(d->type, PKT_BROADCAST);
    assert_memory_equal(&d->mac, all, 6);
    dst_put(d);
    assert_int_equal(get("255.255.255.255", NULL, 2), 0);
    assert_int_equal(d->nic->id, 2);
    dst_put(d);
    lab_fini(&lab);
}

static void without_an_address_only_broadcasts_leave(void **state)
{
    lab_init(&lab);
    lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_add_route(&lab, "0.0.0.0/0", 1, NULL);
    assert_int_equal(get("10.0.0.2", NULL, 0), -NST_EADDRNOTAVAIL);
    assert_int_equal(get("255.255.255.255", NULL, 1), 0);
    assert_true(is(&d->source, "0.0.0.0"));
    dst_put(d);
    lab_fini(&lab);
}

static void a_lowered_mtu_lasts_ten_minutes(void **state)
{
    begin();
    get("203.0.113.5", NULL, 0);
    dst_lower_mtu(d, 1600);
    dst_lower_mtu(d, 67);
    assert_int_equal(d->mtu, 1500);
    dst_lower_mtu(d, 1200);
    assert_int_equal(dst_mtu(d), 1180);
    assert_true(dst_is_valid(d));
    /* It outlives its holders, and changes of other routes. */
    dst_put(d);
    lab_add_route(&lab, "198.51.100.0/24", 2, NULL);
    get("203.0.113.5", NULL, 0);
    assert_int_equal(dst_mtu(d), 1180);
    lab_advance(&lab, 600 * NST_SEC - 1);
    assert_true(dst_is_valid(d));
    lab_advance(&lab, 1);
    assert_false(dst_is_valid(d));
    dst_put(d);
    get("203.0.113.5", NULL, 0);
    assert_int_equal(dst_mtu(d), 1480);
    dst_put(d);
    lab_fini(&lab);
}

static void idle_destinations_are_bounded(void **state)
{
    begin();
    for (unsigned i = 0; i < 5000; i++) {
        const struct nst_addr to = nst_addr_v4(203, 0, (uint8_t)(i >> 8), (uint8_t)i), any = {0};
        assert_int_equal(dst_get(lab.stack, &to, &any, 0, &d), 0);
        dst_put(d);
        assert_true(lab.stack->dsts.idle <= 1024);
    }
    while (dst_shed(lab.stack))
        continue;
    assert_int_equal(lab.stack->dsts.idle, 0);
    assert_int_equal(hash_count(&lab.stack->dsts.table), 0);
    lab_fini(&lab);
}

static void a_routes_mtu_and_source_are_taken(void **state)
{
    begin();
    lab_add_addr(&lab, 1, "10.0.0.7/24");
    struct nst_route r = {.prefix = lab_addr("198.51.100.0"),
                          .prefix_len = 24,
                          .nic = 1,
                          .gateway = lab_addr("10.0.0.254"),
                          .source = lab_addr("10.0.0.7"),
                          .mtu = 1280};
    assert_int_equal(nst_route_add(lab.stack, &r), 0);
    assert_int_equal(get("198.51.100.5", NULL, 0), 0);
    assert_int_equal(dst_mtu(d), 1260);
    assert_true(is(&d->source, "10.0.0.7"));
    dst_put(d);
    lab_fini(&lab);
}

TESTS({"a destination knows the way", a_destination_knows_the_way},
      {"the same question gives the same destination",
       the_same_question_gives_the_same_destination},
      {"any change makes it stale", any_change_makes_it_stale},
      {"what cannot be reached says why", what_cannot_be_reached_says_why},
      {"RFC 1122 3.3.4.2: the strong model leaves by the source's NIC",
       the_strong_model_leaves_by_the_sources_nic},
      {"N62: a spoofing NIC sends from anywhere", a_spoofing_nic_sends_from_anywhere},
      {"N41: our own addresses are local", our_own_addresses_are_local},
      {"N41: groups need no neighbour and no route", groups_need_no_neighbour_and_no_route},
      {"RFC 1122 3.2.1.3: without an address only broadcasts leave",
       without_an_address_only_broadcasts_leave},
      {"RFC 1191 6.3: a lowered MTU lasts ten minutes", a_lowered_mtu_lasts_ten_minutes},
      {"idle destinations are bounded", idle_destinations_are_bounded},
      {"a route's MTU and source are taken", a_routes_mtu_and_source_are_taken})
