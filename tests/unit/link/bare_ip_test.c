/* SPDX-License-Identifier: Apache-2.0 */
#include "top.h"

static void the_version_tells_the_ethertype(void **state)
{
    struct top t;
    top_init(&t, 1 << 20);
    for (unsigned first = 0; first < 256; first++) {
        struct nst_link_header header = {.ethertype = 1};
        struct nst_pkt *p = nst_pkt_new(t.pool, 0, 1);
        *nst_pkt_put(p, 1) = (uint8_t)first;
        bool good = nst_bare_ip_parse(NULL, p, &header);
        assert_int_equal(good, first >> 4 == 4 || first >> 4 == 6);
        assert_int_equal(header.ethertype, first >> 4 == 4   ? NST_ETHERTYPE_IPV4
                                           : first >> 4 == 6 ? NST_ETHERTYPE_IPV6
                                                             : 1);
        assert_int_equal(p->len, 1);
        nst_pkt_free(p);
    }
    top_fini(&t);
}

static void says_nothing_of_link_addresses(void **state)
{
    struct top t;
    top_init(&t, 1 << 20);
    struct nst_link_header header;
    const struct nst_mac none = {{0}};
    memset(&header, 0xff, sizeof(header));
    struct nst_pkt *p = nst_pkt_new(t.pool, 0, 1);
    *nst_pkt_put(p, 1) = 0x45;
    assert_true(nst_bare_ip_parse(NULL, p, &header));
    assert_memory_equal(&header.src, &none, 6);
    assert_memory_equal(&header.dst, &none, 6);
    nst_bare_ip_push(NULL, p, &header);
    assert_int_equal(p->len, 1);
    nst_pkt_free(p);
    top_fini(&t);
}

static void an_empty_packet_is_malformed(void **state)
{
    struct top t;
    top_init(&t, 1 << 20);
    struct nst_link_header header;
    struct nst_pkt *p = nst_pkt_new(t.pool, 0, 0);
    assert_false(nst_bare_ip_parse(NULL, p, &header));
    nst_pkt_free(p);
    top_fini(&t);
}

TESTS({"the version tells the EtherType, and no other is taken", the_version_tells_the_ethertype},
      {"there are no link addresses and no header", says_nothing_of_link_addresses},
      {"an empty packet is malformed", an_empty_packet_is_malformed})
