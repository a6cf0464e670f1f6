/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

static const uint32_t pieces[] = {5, 1, 70, 3, 200, 0};
#define TOTAL (21 + 5 + 1 + 70 + 3 + 200)

static void copy_out_every_range(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    struct pkt *p = fixture_packet(&f, 0, 21, pieces);
    uint8_t bytes[TOTAL + 8];
    for (uint32_t from = 0; from <= TOTAL; from++) {
        for (uint32_t size = 0; size <= TOTAL + 3 - from; size += 1 + from % 5) {
            uint32_t want = size < TOTAL - from ? size : TOTAL - from;
            assert_int_equal(nst_pkt_copy_out(pkt_pub(p), from, bytes, size), want);
            for (uint32_t i = 0; i < want; i++)
                assert_int_equal(bytes[i], fixture_byte(from + i));
        }
    }
    assert_int_equal(nst_pkt_copy_out(pkt_pub(p), TOTAL + 9, bytes, 5), 0);
    pkt_drop(p, DROP_NO_ROUTE);
    fixture_end(&f);
}

static void csum_over_odd_pieces(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    struct pkt *p = fixture_packet(&f, 0, 21, pieces);
    uint8_t bytes[TOTAL];
    for (uint32_t i = 0; i < TOTAL; i++)
        bytes[i] = fixture_byte(i);
    for (uint32_t from = 0; from <= TOTAL; from++) {
        for (uint32_t len = 0; len <= TOTAL - from; len++) {
            uint16_t flat = csum_fold(csum_portable.sum(bytes + from, len, 0));
            uint16_t got = csum_fold(pkt_csum(p, from, len));
            /* Zero has two forms in this arithmetic, the same number. */
            if (flat != got)
                assert_true((flat ^ got) == 0xffff && (flat == 0 || got == 0));
        }
    }
    pkt_drop(p, DROP_NO_ROUTE);
    fixture_end(&f);
}

static void completes_in_place(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    struct pkt *p = fixture_packet(&f, 40, 21, pieces);
    uint32_t pseudo = 0x1234;
    be16_put(p->data + 4 + 6, (uint16_t)~csum_fold(pseudo));
    nst_pkt_request_csum(pkt_pub(p), 4, 6);
    nst_pkt_push(pkt_pub(p), 20); /* the request stays true */
    nst_pkt_complete_csum(pkt_pub(p));
    nst_pkt_pull(pkt_pub(p), 20);
    assert_int_equal(p->csum, NST_CSUM_UNKNOWN);
    assert_true(csum_ok(csum_add(pseudo, pkt_csum(p, 4, TOTAL - 4))));
    uint16_t field = be16_get(p->data + 10);
    nst_pkt_complete_csum(pkt_pub(p));
    assert_int_equal(be16_get(p->data + 10), field);
    pkt_drop(p, DROP_NO_ROUTE);
    fixture_end(&f);
}

static void udp_zero_is_ffff(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    for (int udp = 0; udp < 2; udp++) {
        struct pkt *p = pkt_build(f.pool, 0, 24);
        memset(nst_pkt_put(pkt_pub(p), 24), 0, 24);
        be16_put(p->data, 0xffff);
        nst_pkt_request_csum(pkt_pub(p), 0, udp ? 6 : 16);
        nst_pkt_complete_csum(pkt_pub(p));
        assert_int_equal(be16_get(p->data + (udp ? 6 : 16)), udp ? 0xffff : 0);
        pkt_drop(p, DROP_NO_ROUTE);
    }
    fixture_end(&f);
}

static void nonsense_request_is_harmless(void **state)
{
    struct fixture f;
    fixture_begin(&f, 0);
    static const uint16_t wild[][2] = {{0, 20}, {22, 0}, {60000, 0}, {20, 0}, {0, 60000}};
    for (unsigned i = 0; i < 5; i++) {
        struct pkt *p = fixture_packet(&f, 0, 21, NULL);
        p->csum = NST_CSUM_PARTIAL;
        p->csum_start = wild[i][0];
        p->csum_offset = wild[i][1];
        nst_pkt_complete_csum(pkt_pub(p));
        fixture_check(p, 0, 21);
        pkt_drop(p, DROP_NO_ROUTE);
    }
    fixture_end(&f);
}

TESTS({"copy_out gives every range", copy_out_every_range},
      {"the checksum over odd pieces is that of the flat bytes", csum_over_odd_pieces},
      {"a checksum left to complete is completed in place, once", completes_in_place},
      {"a UDP checksum of 0 is sent as 0xffff, a TCP one as 0", udp_zero_is_ffff},
      {"a request that lies outside of the packet changes nothing", nonsense_request_is_harmless})
