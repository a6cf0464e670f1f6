/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

/* Which of these addresses speaks to that destination? */
struct row {
    const char *remote, *expected;
    const char *own[4];
    unsigned deprecated; /* bit i: the i-th */
};

static void check(const struct row *row)
{
    static struct lab lab;
    lab_init(&lab);
    struct nic *nic = lab_add_nic(&lab, 1, 0, 1500);
    for (unsigned i = 0; i < 4 && row->own[i] != NULL; i++) {
        const struct nst_nic_addr a = {.addr = lab_addr(row->own[i]),
                                       .prefix_len = 64,
                                       .deprecated = (row->deprecated >> i & 1) != 0};
        assert_int_equal(nst_nic_addr_add(lab.stack, 1, &a), 0);
    }
    const struct nst_addr remote = lab_addr(row->remote), expected = lab_addr(row->expected);
    static const struct nst_addr none;
    struct nst_addr got;
    assert_true(addrs_select_source(nic_ep(nic, NET_IPV6), &remote, &none, &got));
    assert_true(nst_addr_equal(&got, &expected));
    lab_fini(&lab);
}

static void rule_1_the_same_address(void **state)
{
    check(&(struct row){"2001:db8::2", "2001:db8::2", {"2001:db8::1", "2001:db8::2"}, 2});
    check(&(struct row){"2001:db8::1", "2001:db8::1", {"2001:db8::1", "2001:db8::2"}, 1});
}

static void rule_2_an_appropriate_scope(void **state)
{
    check(&(struct row){"2001:db8:9::1", "2001:db8::1", {"fe80::1", "2001:db8::1"}, 0});
    check(&(struct row){"fe80::9", "fe80::1", {"2001:db8::1", "fe80::1"}, 0});
    check(&(struct row){"ff02::5", "fe80::1", {"2001:db8::1", "fe80::1"}, 0});
    check(&(struct row){"ff05::5", "2001:db8::1", {"fe80::1", "2001:db8::1"}, 0});
    check(&(struct row){"fec0::9", "fec0::1", {"2001:db8::1", "fec0::1", "fe80::1"}, 0});
}

static void rule_3_not_a_deprecated_one(void **state)
{
    check(&(struct row){"2001:db8:9::1", "2001:db8:1::1", {"2001:db8:9::2", "2001:db8:1::1"}, 1});
    check(&(struct row){"2001:db8:9::1", "2001:db8:9::2", {"2001:db8:9::2", "fe80::1"}, 1});
}

static void rule_6_the_matching_label(void **state)
{
    check(&(struct row){"2001:db8:1::1", "2001:db8:2::1", {"fd00::1", "2001:db8:2::1"}, 0});
    check(&(struct row){"fd00:1::1", "fd01::1", {"2001:db8:2::1", "fd01::1"}, 0});
    check(&(struct row){
        "2002:c633:6401::1", "2002:c633:6402::1", {"2001:db8:2::1", "2002:c633:6402::1"}, 0});
}

static void rule_8_the_longest_matching_prefix(void **state)
{
    check(&(struct row){"2001:db8:1::9", "2001:db8:1::1", {"2001:db8:3::1", "2001:db8:1::1"}, 0});
    /* Behind the source's own prefix nothing counts: the first in the list. */
    check(&(struct row){"2001:db8:1::9", "2001:db8:1::1", {"2001:db8:1::1", "2001:db8:1::8"}, 0});
}

static void tentative_and_never_primary_ones_are_no_candidates(void **state)
{
    static struct lab lab;
    lab_init(&lab);
    struct nic *nic = lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    const struct nst_nic_addr never = {.addr = lab_addr("fd00::1"),
                                       .prefix_len = 64,
                                       .no_dad = true,
                                       .place = NST_PLACE_NEVER_PRIMARY};
    const struct nst_nic_addr tentative = {.addr = lab_addr("fd00::2"), .prefix_len = 64};
    assert_int_equal(nst_nic_addr_add(lab.stack, 1, &never), 0);
    assert_int_equal(nst_nic_addr_add(lab.stack, 1, &tentative), 0);
    const struct nst_addr remote = lab_addr("fd00::9");
    static const struct nst_addr none;
    struct nst_addr got;
    assert_false(addrs_select_source(nic_ep(nic, NET_IPV6), &remote, &none, &got));
    lab_advance(&lab, 3 * NST_SEC);
    assert_true(addrs_select_source(nic_ep(nic, NET_IPV6), &remote, &none, &got));
    assert_true(nst_addr_equal(&got, &tentative.addr));
    lab_fini(&lab);
}

static void addresses_are_listed_ipv4_first(void **state)
{
    static struct lab lab;
    struct nst_nic_addr list[4];
    lab_init(&lab);
    lab_add_nic(&lab, 1, 0, 1500);
    lab_add_addr(&lab, 1, "fd00::1/64");
    lab_add_addr(&lab, 1, "10.0.0.1/24");
    assert_int_equal(nst_nic_addr_list(lab.stack, 1, list, 4), 2);
    assert_true(nst_addr_is_v4(&list[0].addr));
    assert_false(nst_addr_is_v4(&list[1].addr));
    struct nst_nic_addr a = {.addr = lab_addr("fd00::2"), .prefix_len = 129};
    assert_int_equal(nst_nic_addr_add(lab.stack, 1, &a), -NST_EINVAL);
    a.addr = lab_addr("ff02::1");
    a.prefix_len = 128;
    assert_int_equal(nst_nic_addr_add(lab.stack, 1, &a), -NST_EINVAL);
    const struct nst_addr own = lab_addr("fd00::1");
    struct nst_route r;
    assert_int_equal(nst_route_lookup(lab.stack, &own, &r), 0);
    assert_int_equal(r.prefix_len, 64);
    assert_int_equal(nst_nic_addr_remove(lab.stack, 1, &own), 0);
    assert_int_equal(nst_route_lookup(lab.stack, &own, &r), -NST_ENETUNREACH);
    assert_int_equal(nst_nic_addr_remove(lab.stack, 1, &own), -NST_EADDRNOTAVAIL);
    lab_fini(&lab);
}

TESTS({"nic/N65: RFC 6724 rule 1, the same address", rule_1_the_same_address},
      {"nic/N65: rule 2, an appropriate scope", rule_2_an_appropriate_scope},
      {"nic/N65: rule 3, not a deprecated one", rule_3_not_a_deprecated_one},
      {"nic/N65: rule 6, the matching label", rule_6_the_matching_label},
      {"nic/N65: rule 8, the longest matching prefix", rule_8_the_longest_matching_prefix},
      {"nic/N61: tentative and never-primary ones are no candidates",
       tentative_and_never_primary_ones_are_no_candidates},
      {"nic/N66, N67: addresses are listed, IPv4 first", addresses_are_listed_ipv4_first})
