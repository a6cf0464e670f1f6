/* SPDX-License-Identifier: Apache-2.0 */
/* Which address a packet leaves from (N65), asked as a host asks: nst_path_lookup. */
#include "testing.h"

#include "nicbox.h"

static struct nicbox b;

struct own {
    const char *addr;
    uint8_t prefix_len;
    uint8_t place, kind;
    bool deprecated;
};

static void begin(const struct own *own, size_t count)
{
    nicbox_begin(&b, NULL);
    nicbox_add(&b, 1, NICBOX_IP);
    for (size_t i = 0; i < count && own[i].addr != NULL; i++) {
        const struct nst_nic_addr a = {.addr = nicbox_parse(own[i].addr),
                                       .prefix_len = own[i].prefix_len,
                                       .place = own[i].place,
                                       .kind = own[i].kind,
                                       .deprecated = own[i].deprecated};
        assert_int_equal(nst_nic_addr_add(b.stack, 1, &a), 0);
    }
    nicbox_route(&b, "0.0.0.0/0", 1, NULL);
    nicbox_route(&b, "::/0", 1, NULL);
}

static bool source_is(const char *remote, const char *expected)
{
    struct nst_path path;
    const struct nst_addr to = nicbox_parse(remote), want = nicbox_parse(expected);
    assert_int_equal(nst_path_lookup(b.stack, &to, NULL, 0, &path), 0);
    return nst_addr_equal(&path.source, &want);
}

/* ---- IPv4 ---- */

static const struct own four[] = {
    {"10.0.0.1", 24, NST_PLACE_CAN_BE_PRIMARY, 0, false},
    {"10.0.0.2", 24, NST_PLACE_CAN_BE_PRIMARY, 0, false},
    {"10.1.0.1", 16, NST_PLACE_CAN_BE_PRIMARY, 0, false},
    {"10.2.0.1", 16, NST_PLACE_NEVER_PRIMARY, 0, false},
};

static void ipv4_takes_the_hint_of_the_route(void **state)
{
    begin(four, 4);
    struct nst_route r = {.prefix = nicbox_parse("192.0.2.0"), .prefix_len = 24, .nic = 1};
    r.source = nicbox_parse("10.1.0.1");
    assert_int_equal(nst_route_add(b.stack, &r), 0);
    assert_true(source_is("192.0.2.9", "10.1.0.1"));
    assert_int_equal(nst_route_remove(b.stack, &r), 0);
    r.source = nicbox_parse("10.9.9.9"); /* it is not ours: no hint */
    assert_int_equal(nst_route_add(b.stack, &r), 0);
    assert_true(source_is("192.0.2.9", "10.0.0.1"));
    nicbox_end(&b);
}

static void ipv4_takes_the_longest_prefix_then_the_first(void **state)
{
    begin(four, 4);
    assert_true(source_is("10.1.2.3", "10.1.0.1"));
    assert_true(source_is("10.0.0.9", "10.0.0.1"));
    assert_true(source_is("203.0.113.1", "10.0.0.1"));
    assert_true(source_is("10.2.0.9", "10.0.0.1")); /* never primary */
    /* What comes to the front is the first. */
    const struct nst_nic_addr a = {.addr = nicbox_parse("10.0.0.2"),
                                   .place = NST_PLACE_FIRST_PRIMARY};
    assert_int_equal(nst_nic_addr_change(b.stack, 1, &a), 0);
    assert_true(source_is("10.0.0.9", "10.0.0.2"));
    nicbox_end(&b);
}

static void ipv4_spares_deprecated_ones(void **state)
{
    static const struct own own[] = {{"10.0.0.1", 24, 0, 0, true}, {"10.1.0.1", 24, 0, 0, false}};
    begin(own, 2);
    assert_true(source_is("10.0.0.9", "10.1.0.1"));
    const struct nst_addr gone = nicbox_parse("10.1.0.1");
    nst_nic_addr_remove(b.stack, 1, &gone);
    assert_true(source_is("10.0.0.9", "10.0.0.1"));
    nicbox_end(&b);
}

/* ---- IPv6: RFC 6724 5 ---- */

struct row {
    const char *remote, *expected;
    struct own own[3];
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        begin(rows[i].own, 3);
        assert_true(source_is(rows[i].remote, rows[i].expected));
        nicbox_end(&b);
    }
}
#define CHECK_ROWS(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

#define OWN(addr)             \
    {                         \
        addr, 64, 0, 0, false \
    }
#define DEPRECATED(addr)     \
    {                        \
        addr, 64, 0, 0, true \
    }
#define SLAAC(addr)                        \
    {                                      \
        addr, 64, 0, NST_ADDR_SLAAC, false \
    }
#define TEMPORARY(addr)                              \
    {                                                \
        addr, 64, 0, NST_ADDR_SLAAC_TEMPORARY, false \
    }

static void rule_1(void **state)
{
    static const struct row rows[] = {
        {"2001:db8::2", "2001:db8::2", {OWN("2001:db8::1"), OWN("2001:db8::2")}},
        {"2001:db8::2", "2001:db8::2", {OWN("2001:db8::1"), DEPRECATED("2001:db8::2")}},
    };
    CHECK_ROWS(rows);
}

static void rule_2(void **state)
{
    static const struct row rows[] = {
        {"2001:db8:9::1", "2001:db8::1", {OWN("fe80::1"), OWN("2001:db8::1")}},
        {"fe80::9", "fe80::1", {OWN("2001:db8::1"), OWN("fe80::1")}},
        {"2001:db8:9::1", "2001:db8::1", {OWN("fe80::1"), DEPRECATED("2001:db8::1")}},
    };
    CHECK_ROWS(rows);
}

static void rule_3(void **state)
{
    static const struct row rows[] = {
        /* On link too, where a longer prefix would speak for it. */
        {"2001:db8::9", "2001:db8:1::1", {DEPRECATED("2001:db8::1"), OWN("2001:db8:1::1")}},
        {"2001:db8:9::1", "2001:db8:1::1", {DEPRECATED("2001:db8:9::2"), OWN("2001:db8:1::1")}},
    };
    CHECK_ROWS(rows);
}

/* Rules 4 and 5: there are no home addresses, and only the NIC that sends is asked. */
static void rule_5(void **state)
{
    nicbox_begin(&b, NULL);
    nicbox_add(&b, 1, NICBOX_IP);
    nicbox_add(&b, 2, NICBOX_IP);
    nicbox_addr(&b, 1, "2001:db8:1::1/64");
    nicbox_addr(&b, 2, "2001:db8:2::1/64");
    nicbox_route(&b, "2001:db8:1:1::/64", 2, NULL);
    assert_true(source_is("2001:db8:1:1::9", "2001:db8:2::1"));
    nicbox_end(&b);
}

static void rule_6(void **state)
{
    static const struct row rows[] = {
        {"2001:db8:1::1", "2001:db8:2::1", {OWN("fd00::1"), OWN("2001:db8:2::1")}},
        {"fd00:1::1", "fd01::1", {OWN("2001:db8:2::1"), OWN("fd01::1")}},
        {"2002:c633:6401::1",
         "2002:c633:6402::1",
         {OWN("2001:db8:2::1"), OWN("2002:c633:6402::1")}},
        /* Before rule 7. */
        {"2001:db8:1::1", "2001:db8:2::1", {TEMPORARY("fd00::1"), SLAAC("2001:db8:2::1")}},
    };
    CHECK_ROWS(rows);
}

static void rule_7(void **state)
{
    static const struct row rows[] = {
        {"2001:db8:9::1", "2001:db8:1::2", {SLAAC("2001:db8:1::1"), TEMPORARY("2001:db8:1::2")}},
        {"2001:db8:9::1", "2001:db8:1::2", {TEMPORARY("2001:db8:1::2"), OWN("2001:db8:9::2")}},
        /* Behind rule 3. */
        {"2001:db8:9::1",
         "2001:db8:1::1",
         {SLAAC("2001:db8:1::1"), {"2001:db8:1::2", 64, 0, NST_ADDR_SLAAC_TEMPORARY, true}}},
    };
    CHECK_ROWS(rows);
}

static void rule_8(void **state)
{
    static const struct row rows[] = {
        {"2001:db8:1::9", "2001:db8:1::1", {OWN("2001:db8:3::1"), OWN("2001:db8:1::1")}},
        /* Behind the source's own prefix nothing counts: the first in the list. */
        {"2001:db8:1::9", "2001:db8:1::1", {OWN("2001:db8:1::1"), OWN("2001:db8:1::8")}},
    };
    CHECK_ROWS(rows);
}

static void there_may_be_none(void **state)
{
    static const struct own never[] = {{"10.0.0.1", 24, NST_PLACE_NEVER_PRIMARY, 0, false},
                                       {"fd00::1", 64, NST_PLACE_NEVER_PRIMARY, 0, false}};
    struct nst_path path;
    begin(never, 2);
    for (int v6 = 0; v6 < 2; v6++) {
        const struct nst_addr to = nicbox_parse(nicbox_pick(v6, "10.0.0.2", "fd00::2"));
        const struct nst_addr own = nicbox_parse(never[v6].addr);
        assert_int_equal(nst_path_lookup(b.stack, &to, NULL, 0, &path), -NST_EADDRNOTAVAIL);
        /* Who asks for it gets it. */
        assert_int_equal(nst_path_lookup(b.stack, &to, &own, 0, &path), 0);
    }
    nicbox_end(&b);
}

TESTS({"nic/N65: IPv4 takes the hint of the route", ipv4_takes_the_hint_of_the_route},
      {"nic/N65: IPv4 takes the longest prefix, then the first of the list",
       ipv4_takes_the_longest_prefix_then_the_first},
      {"nic/N65: IPv4 spares deprecated ones", ipv4_spares_deprecated_ones},
      {"nic/N65: IPv6 rule 1, the same address", rule_1},
      {"nic/N65: IPv6 rule 2, an appropriate scope", rule_2},
      {"nic/N65: IPv6 rule 3, not a deprecated one", rule_3},
      {"nic/N65: IPv6 rules 4 and 5, of the NIC that sends", rule_5},
      {"nic/N65: IPv6 rule 6, the matching label", rule_6},
      {"nic/N65: IPv6 rule 7, a temporary one", rule_7},
      {"nic/N65: IPv6 rule 8, the longest matching prefix", rule_8},
      {"nic/N65: there may be none, of either family", there_may_be_none})
