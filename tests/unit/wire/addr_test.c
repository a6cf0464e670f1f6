/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "base/fmt.h"
#include "wire/addr.h"

static struct nst_addr addr(const char *text)
{
    struct nst_addr result;
    assert_int_equal(nst_addr_parse(text, &result), 0);
    return result;
}

static void raw_words_and_addresses_are_the_same(void **state)
{
    const uint8_t bytes[5] = {0xee, 10, 1, 2, 3};
    uint8_t out[5] = {0};
    const struct nst_addr expected = nst_addr_v4(10, 1, 2, 3);
    const struct nst_addr got = addr_v4_get(bytes + 1);

    assert_true(nst_addr_equal(&got, &expected));
    assert_int_equal(addr_raw4(10, 1, 2, 3), addr_raw4_get(bytes + 1));
    assert_int_equal(addr_to_raw4(&got), addr_raw4_get(bytes + 1));
    addr_v4_put(out + 1, &got);
    assert_memory_equal(out + 1, bytes + 1, 4);
    addr_raw4_put(out, addr_to_raw4(&got));
    assert_memory_equal(out, bytes + 1, 4);
}

static void an_ipv6_address_survives_the_wire(void **state)
{
    const struct nst_addr x = addr("2001:db8::1");
    uint8_t out[16];

    addr_v6_put(out, &x);
    const struct nst_addr y = addr_v6_get(out);
    assert_true(nst_addr_equal(&x, &y));
}

static void each_class_has_its_edges(void **state)
{
    struct {
        const char *text;
        const char *classes; /* u l m k(link-local) b r(eserved) g(link multicast) */
    } rows[] = {{"::", "u"},          {"0.0.0.0", "u"},         {"::0.0.0.1", "l"},
                {"::2", ""},          {"127.0.0.1", "l"},       {"127.255.255.255", "l"},
                {"128.0.0.0", ""},    {"126.255.255.255", ""},  {"223.255.255.255", ""},
                {"224.0.0.1", "mg"},  {"224.0.1.1", "m"},       {"239.255.255.255", "m"},
                {"240.0.0.0", "r"},   {"255.255.255.254", "r"}, {"255.255.255.255", "b"},
                {"169.254.0.1", "k"}, {"169.253.0.1", ""},      {"fe80::1", "k"},
                {"febf::1", "k"},     {"fec0::1", ""},          {"ff02::1", "mg"},
                {"ff11::1", "mg"},    {"ff05::1", "m"},         {"2001:db8::ffff", ""}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct nst_addr x = addr(rows[i].text);
        const char *c = rows[i].classes;
        assert_int_equal(addr_is_unspecified(&x), strchr(c, 'u') != NULL);
        assert_int_equal(addr_is_loopback(&x), strchr(c, 'l') != NULL);
        assert_int_equal(addr_is_multicast(&x), strchr(c, 'm') != NULL);
        assert_int_equal(addr_is_link_local(&x), strchr(c, 'k') != NULL);
        assert_int_equal(addr_is_limited_broadcast(&x), strchr(c, 'b') != NULL);
        assert_int_equal(addr_is_reserved(&x), strchr(c, 'r') != NULL);
        assert_int_equal(addr_is_link_multicast(&x), strchr(c, 'g') != NULL);
    }
}

static void groups_map_to_ethernet_groups(void **state)
{
    const struct nst_addr v4 = addr("224.129.2.3"), v6 = addr("ff02::1:ff12:3456");
    const struct nst_mac m4 = mac_from_group(&v4), m6 = mac_from_group(&v6);

    assert_memory_equal(m4.b, "\x01\x00\x5e\x01\x02\x03", 6);
    assert_memory_equal(m6.b, "\x33\x33\xff\x12\x34\x56", 6);
    assert_true(mac_is_multicast(&m4) && mac_is_multicast(&m6));
    assert_false(mac_is_broadcast(&m4));
}

static void the_solicited_node_group_keeps_24_bits(void **state)
{
    const struct nst_addr x = addr("2001:db8::1:800e:123:4567");
    const struct nst_addr expected = addr("ff02::1:ff23:4567");
    const struct nst_addr group = addr_solicited_node(&x);
    assert_true(nst_addr_equal(&group, &expected));
}

static void mac_addresses_have_kinds_and_text(void **state)
{
    const struct nst_mac all = MAC_BROADCAST, zero = MAC_ZERO, one = {{0x02, 0, 0, 0xab, 0, 1}};
    char text[32];
    struct fmt f;

    assert_true(mac_is_broadcast(&all) && mac_is_multicast(&all) && !mac_is_unicast(&all));
    assert_true(mac_is_zero(&zero) && !mac_is_unicast(&zero));
    assert_true(mac_is_unicast(&one) && !mac_equal(&one, &zero));
    fmt_init(&f, text, sizeof(text));
    mac_show(&f, &one);
    assert_string_equal(text, "02:00:00:ab:00:01");
}

static void common_prefixes_are_counted_in_bits(void **state)
{
    const struct nst_addr a = addr("2001:db8::"), b = addr("2001:db8::1"), c = addr("3001::");

    assert_int_equal(addr_common_prefix(&a, &a), 128);
    assert_int_equal(addr_common_prefix(&a, &b), 127);
    assert_int_equal(addr_common_prefix(&a, &c), 3);
}

TESTS({"raw words and addresses are the same", raw_words_and_addresses_are_the_same},
      {"an IPv6 address survives the wire", an_ipv6_address_survives_the_wire},
      {"each class has its edges", each_class_has_its_edges},
      {"groups map to Ethernet groups", groups_map_to_ethernet_groups},
      {"the solicited node group keeps 24 bits", the_solicited_node_group_keeps_24_bits},
      {"MAC addresses have kinds and text", mac_addresses_have_kinds_and_text},
      {"common prefixes are counted in bits", common_prefixes_are_counted_in_bits})
