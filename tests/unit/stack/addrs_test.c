/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

static struct lab lab;
static struct net_ep *ep;

static void begin(uint32_t caps)
{
    lab_init(&lab);
    ep = &lab_add_nic(&lab, 1, caps, 1500)->eps[NET_IPV4];
}

static int add(const char *text, uint8_t len, uint8_t place)
{
    const struct nst_nic_addr a = {.addr = lab_addr(text), .prefix_len = len, .place = place};
    return nst_nic_addr_add(lab.stack, 1, &a);
}

static enum addr_kind kind(const char *text)
{
    const struct nst_addr a = lab_addr(text);
    return addrs_classify(ep, &a);
}

static bool source_is(const char *remote, const char *hint, const char *want)
{
    const struct nst_addr r = lab_addr(remote), h = lab_addr(hint), w = lab_addr(want);
    struct nst_addr s;
    return addrs_select_source(ep, &r, &h, &s) && nst_addr_equal(&s, &w);
}

static void addresses_are_added_once_and_removed(void **state)
{
    begin(0);
    assert_int_equal(add("10.0.0.1", 24, 0), 0);
    assert_int_equal(add("10.0.0.1", 24, 0), -NST_EEXIST);
    const struct nst_addr a = lab_addr("10.0.0.1"), b = lab_addr("10.0.0.2");
    assert_int_equal(nst_nic_addr_remove(lab.stack, 1, &b), -NST_EADDRNOTAVAIL);
    assert_int_equal(nst_nic_addr_remove(lab.stack, 9, &a), -NST_ENOENT);
    assert_int_equal(nst_nic_addr_remove(lab.stack, 1, &a), 0);
    assert_int_equal(nst_nic_addr_remove(lab.stack, 1, &a), -NST_EADDRNOTAVAIL);
    assert_int_equal(nst_route_list(lab.stack, NULL, 0), 0);
    lab_fini(&lab);
}

static void impossible_addresses_are_refused(void **state)
{
    static const char *const bad[] = {"0.0.0.0",   "224.0.0.1", "255.255.255.255",
                                      "240.0.0.1", "::",        "ff02::1"};
    begin(0);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(add(bad[i], 24, 0), -NST_EINVAL);
    assert_int_equal(add("10.0.0.1", 33, 0), -NST_EINVAL);
    assert_int_equal(add("10.0.0.1", 24, 3), -NST_EINVAL);
    lab_fini(&lab);
}

static void the_on_link_route_stays_while_an_address_needs_it(void **state)
{
    begin(0);
    add("10.0.0.1", 24, 0);
    add("10.0.0.2", 24, 0);
    const struct nst_addr a = lab_addr("10.0.0.1"), to = lab_addr("10.0.0.77");
    nst_nic_addr_remove(lab.stack, 1, &a);
    struct nst_route r;
    assert_int_equal(nst_route_lookup(lab.stack, &to, &r), 0);
    assert_int_equal(r.prefix_len, 24);
    const struct nst_addr b = lab_addr("10.0.0.2");
    nst_nic_addr_remove(lab.stack, 1, &b);
    assert_int_equal(nst_route_lookup(lab.stack, &to, &r), -NST_ENETUNREACH);
    lab_fini(&lab);
}

static void the_list_is_in_order_of_preference(void **state)
{
    begin(0);
    add("10.0.0.1", 24, NST_PLACE_CAN_BE_PRIMARY);
    add("10.0.0.2", 24, NST_PLACE_FIRST_PRIMARY);
    add("10.0.0.3", 24, NST_PLACE_CAN_BE_PRIMARY);
    struct nst_nic_addr list[3];
    assert_int_equal(nst_nic_addr_list(lab.stack, 1, list, 1), 3);
    assert_int_equal(nst_nic_addr_list(lab.stack, 1, list, 3), 3);
    assert_int_equal(list[0].addr.b[15], 2);
    assert_int_equal(list[1].addr.b[15], 1);
    assert_int_equal(list[2].addr.b[15], 3);
    lab_fini(&lab);
}

static void exact_matches_win_then_subnet_broadcasts(void **state)
{
    begin(0);
    add("10.0.0.1", 24, 0);
    add("10.1.0.255", 16, 0);
    add("10.0.0.255", 16, 0); /* our own, though it is the first subnet's broadcast */
    add("192.0.2.0", 31, 0);
    assert_int_equal(kind("10.0.0.1"), ADDR_ASSIGNED);
    assert_int_equal(kind("10.0.0.255"), ADDR_ASSIGNED);
    assert_int_equal(kind("10.1.255.255"), ADDR_SUBNET_BROADCAST);
    assert_int_equal(kind("10.0.0.2"), ADDR_NOT_OURS);
    assert_int_equal(kind("192.0.2.1"), ADDR_NOT_OURS); /* RFC 3021: 31 bits have none */
    lab_fini(&lab);
}

static void a_loopback_nic_has_all_of_its_subnets(void **state)
{
    begin(NST_LINK_LOOPBACK);
    add("127.0.0.1", 8, 0);
    assert_int_equal(kind("127.9.9.9"), ADDR_ASSIGNED);
    assert_int_equal(kind("127.255.255.255"), ADDR_SUBNET_BROADCAST);
    assert_int_equal(kind("128.0.0.1"), ADDR_NOT_OURS);
    lab_fini(&lab);
}

static void promiscuous_nics_take_any_unicast_address(void **state)
{
    begin(0);
    add("10.0.0.1", 24, 0);
    nst_nic_set_promiscuous(lab.stack, 1, true);
    assert_int_equal(kind("10.0.0.1"), ADDR_ASSIGNED);
    assert_int_equal(kind("10.0.0.255"), ADDR_SUBNET_BROADCAST);
    assert_int_equal(kind("192.0.2.1"), ADDR_TEMPORARY);
    assert_int_equal(kind("224.0.0.9"), ADDR_NOT_OURS);
    assert_int_equal(kind("255.255.255.255"), ADDR_NOT_OURS);
    assert_int_equal(kind("0.0.0.0"), ADDR_NOT_OURS);
    lab_fini(&lab);
}

static void sources_are_hinted_near_or_first(void **state)
{
    begin(0);
    assert_false(source_is("10.0.0.9", "::", "10.0.0.1"));
    add("10.0.0.1", 24, 0);
    add("10.1.0.1", 16, 0);
    add("192.0.2.1", 24, NST_PLACE_NEVER_PRIMARY);
    assert_true(source_is("10.1.2.3", "::", "10.1.0.1"));
    assert_true(source_is("10.0.0.9", "::", "10.0.0.1"));
    assert_true(source_is("203.0.113.1", "::", "10.0.0.1"));
    assert_true(source_is("10.0.0.9", "10.1.0.1", "10.1.0.1"));
    assert_true(source_is("10.0.0.9", "10.9.9.9", "10.0.0.1")); /* a hint that is not ours */
    assert_true(source_is("192.0.2.7", "::", "10.0.0.1"));      /* never primary */
    assert_true(source_is("192.0.2.7", "192.0.2.1", "192.0.2.1"));
    lab_fini(&lab);
}

TESTS({"N61, N66: addresses are added once and removed", addresses_are_added_once_and_removed},
      {"impossible addresses are refused", impossible_addresses_are_refused},
      {"the on-link route stays while an address needs it",
       the_on_link_route_stays_while_an_address_needs_it},
      {"N67: the list is in order of preference", the_list_is_in_order_of_preference},
      {"N63: exact matches win, then subnet broadcasts", exact_matches_win_then_subnet_broadcasts},
      {"N63: a loopback NIC has all of its subnets", a_loopback_nic_has_all_of_its_subnets},
      {"N62: promiscuous NICs take any unicast address", promiscuous_nics_take_any_unicast_address},
      {"N65: sources are hinted, near or first", sources_are_hinted_near_or_first})
