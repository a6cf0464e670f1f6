/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "exact.h"
#include "wire/eth.h"

static const uint8_t frame[18] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0,    0,
                                  0,    0,    1,    0x81, 0x00, 0xb0, 5, 0x08, 0x06};

static void a_header_survives_a_round_trip(void **state)
{
    struct eth_hdr hdr;
    uint8_t out[ETH_HDR_LEN];

    assert_int_equal(eth_parse(frame, sizeof(frame), &hdr), ETH_HDR_LEN);
    assert_true(mac_is_broadcast(&hdr.dst));
    assert_int_equal(hdr.src.b[5], 1);
    assert_int_equal(hdr.type, ETH_TYPE_VLAN);
    assert_int_equal(eth_build(out, &hdr), ETH_HDR_LEN);
    assert_memory_equal(out, frame, ETH_HDR_LEN);
}

static void a_tag_survives_a_round_trip(void **state)
{
    struct eth_tag tag;
    uint8_t out[ETH_TAG_LEN];

    assert_int_equal(eth_tag_parse(frame + 14, 4, &tag), ETH_TAG_LEN);
    assert_int_equal(tag.pcp, 5);
    assert_true(tag.dei);
    assert_int_equal(tag.vid, 5);
    assert_int_equal(tag.type, ETH_TYPE_ARP);
    assert_int_equal(eth_tag_build(out, &tag), ETH_TAG_LEN);
    assert_memory_equal(out, frame + 14, ETH_TAG_LEN);
}

static void excess_bits_of_a_tag_are_cut(void **state)
{
    const struct eth_tag tag = {.pcp = 0xff, .vid = 0xffff};
    uint8_t out[ETH_TAG_LEN];

    eth_tag_build(out, &tag);
    assert_memory_equal(out, "\xef\xff\0\0", 4);
}

static void a_short_one_is_refused_and_writes_nothing(void **state){
    FOR_EACH_TRUNCATION(frame, sizeof(frame), p, n,
                        {
                            struct eth_hdr hdr = {.type = 0x7777};
                            struct eth_tag tag = {.type = 0x7777};
                            assert_int_equal(eth_parse(p, n, &hdr), n < 14 ? 0 : 14);
                            assert_int_equal(hdr.type == 0x7777, n < 14);
                            assert_int_equal(eth_tag_parse(p, n, &tag), n < 4 ? 0 : 4);
                            assert_int_equal(tag.type == 0x7777, n < 4);
                        })}

TESTS({"a header survives a round trip", a_header_survives_a_round_trip},
      {"a tag survives a round trip", a_tag_survives_a_round_trip},
      {"excess bits of a tag are cut", excess_bits_of_a_tag_are_cut},
      {"a short one is refused and writes nothing", a_short_one_is_refused_and_writes_nothing})
