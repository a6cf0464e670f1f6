/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

#include "network/ipv4.h"

static struct lab lab;

static void begin(void)
{
    lab_init(&lab);
    lab_add_nic(&lab, 1, 0, 1500);
    lab_add_addr(&lab, 1, "10.0.0.1/24");
}

static struct ip4_hdr take(const uint8_t **ret_data)
{
    size_t len;
    struct ip4_hdr hdr;
    const uint8_t *p = lab_take(&lab, 1, &len, NULL, NULL);
    assert_non_null(p);
    assert_int_equal(ip4_parse(p, len, &hdr), 20);
    assert_true(ip4_csum_ok(p, 20));
    assert_int_equal(hdr.total_len, len);
    *ret_data = p + 20;
    return hdr;
}

static void the_header_is_what_was_asked_for(void **state)
{
    begin();
    const struct nst_addr to = lab_addr("10.0.0.2"), any = {0};
    struct dst *d;
    assert_int_equal(dst_get(lab.stack, &to, &any, 0, &d), 0);
    for (unsigned tos = 0; tos < 256; tos += 5) {
        struct pkt *p = pkt_build(lab.stack->pool, dst_headroom(d), 8);
        memcpy(nst_pkt_put(pkt_pub(p), 8), "payload!", 8);
        const struct ip_out out = {.proto = 17,
                                   .ttl = (uint8_t)(tos ^ 0x55),
                                   .tos = (uint8_t)tos,
                                   .dont_fragment = tos & 1};
        assert_int_equal(dst_output(d, p, &out), 0);
        lab_run(&lab);
        const uint8_t *data;
        const struct ip4_hdr h = take(&data);
        assert_int_equal(h.proto, 17);
        assert_int_equal(h.ttl, out.ttl != 0 ? out.ttl : 64);
        assert_int_equal(h.tos, tos);
        assert_int_equal(h.df, tos & 1);
        assert_false(h.mf);
        const struct nst_addr us = lab_addr("10.0.0.1");
        assert_int_equal(h.src4, us.w[3]);
        assert_int_equal(h.dst4, to.w[3]);
        assert_memory_equal(data, "payload!", 8);
    }
    dst_put(d);
    lab_fini(&lab);
}

static void what_is_too_long_is_cut_and_fits_together_again(void **state)
{
    static const size_t lens[] = {1480, 1481, 1488, 2960, 2961, 9000, 65515};
    for (unsigned i = 0; i < ARRAY_SIZE(lens); i++) {
        begin();
        assert_int_equal(lab_send(&lab, NULL, "10.0.0.2", lens[i], false), 0);
        size_t at = 0, id = 0;
        for (size_t n = lab_frames(&lab, 1); n > 0; n--) {
            const uint8_t *data;
            const struct ip4_hdr h = take(&data);
            assert_int_equal(h.frag_off, at);
            assert_int_equal(h.mf, n > 1);
            assert_true(h.total_len <= 1500);
            if (at > 0)
                assert_int_equal(h.id, id);
            id = h.id;
            for (size_t j = 0; j < h.total_len - 20u; j++)
                assert_int_equal(data[j], (uint8_t)((at + j) * 7));
            at += h.total_len - 20u;
        }
        assert_int_equal(at, lens[i]);
        assert_int_equal(lab.stack->counters.ip4_sent, 1);
        lab_fini(&lab);
    }
}

static void df_and_65536_bytes_are_refused(void **state)
{
    begin();
    assert_int_equal(lab_send(&lab, NULL, "10.0.0.2", 1480, true), 0);
    assert_int_equal(lab_send(&lab, NULL, "10.0.0.2", 1481, true), -NST_EMSGSIZE);
    assert_int_equal(lab_send(&lab, NULL, "10.0.0.2", 65516, false), -NST_EMSGSIZE);
    assert_int_equal(lab_frames(&lab, 1), 1);
    assert_int_equal(lab_drops(&lab, DROP_IP_TOO_BIG), 2);
    lab_fini(&lab);
}

static void the_transport_checksum_is_complete_before_cutting(void **state)
{
    begin();
    const struct nst_addr to = lab_addr("10.0.0.2"), any = {0};
    struct dst *d;
    assert_int_equal(dst_get(lab.stack, &to, &any, 0, &d), 0);
    struct pkt *p = pkt_build(lab.stack->pool, dst_headroom(d), 3000);
    uint8_t *at = nst_pkt_put(pkt_pub(p), 3000);
    for (unsigned i = 0; i < 3000; i++)
        at[i] = (uint8_t)(i * 13);
    memset(at + 6, 0, 2);
    nst_pkt_request_csum(pkt_pub(p), 0, 6);
    const struct ip_out out = {.proto = 17};
    assert_int_equal(dst_output(d, p, &out), 0);
    lab_run(&lab);
    uint32_t sum = 0;
    while (lab_frames(&lab, 1) > 0) {
        const uint8_t *data;
        const struct ip4_hdr h = take(&data);
        sum = csum_add(sum, csum_short(data, h.total_len - 20u, 0));
    }
    assert_true(csum_ok(sum));
    dst_put(d);
    lab_fini(&lab);
}

static void identifications_do_not_repeat_and_begin_anywhere(void **state)
{
    begin();
    uint16_t first[8];
    for (unsigned peer = 0; peer < 8; peer++) {
        char to[32];
        snprintf(to, sizeof(to), "10.0.0.%u", 2 + peer);
        static bool seen[65536];
        memset(seen, 0, sizeof(seen));
        for (unsigned i = 0; i < 100; i++) {
            lab_send(&lab, NULL, to, 20, false);
            const uint8_t *data;
            const uint16_t id = take(&data).id;
            if (i == 0)
                first[peer] = id;
            assert_false(seen[id]);
            seen[id] = true;
        }
        for (unsigned other = 0; other < peer; other++)
            assert_int_not_equal(first[peer], first[other]);
    }
    lab_fini(&lab);
}

static void our_own_address_loops_without_the_link(void **state)
{
    begin();
    assert_int_equal(lab_send(&lab, NULL, "10.0.0.1", 3000, false), 0);
    lab_run(&lab);
    assert_int_equal(lab_frames(&lab, 1), 0);
    assert_int_equal(lab.delivered, 1);
    assert_int_equal(lab.payload_len, 3000);
    const struct nst_addr us = lab_addr("10.0.0.1");
    assert_true(nst_addr_equal(&lab.rx.src, &us));
    lab_fini(&lab);
}

static void groups_get_a_ttl_of_1(void **state)
{
    begin();
    const uint8_t *data;
    lab_send(&lab, NULL, "224.1.2.3", 20, false);
    assert_int_equal(take(&data).ttl, 1);
    lab_send(&lab, NULL, "255.255.255.255", 20, false);
    assert_int_equal(take(&data).ttl, 64);
    lab_fini(&lab);
}

TESTS({"the header is what was asked for", the_header_is_what_was_asked_for},
      {"RFC 791 3.2: what is too long is cut and fits together again",
       what_is_too_long_is_cut_and_fits_together_again},
      {"DF and 65,536 bytes are refused", df_and_65536_bytes_are_refused},
      {"the transport checksum is complete before cutting",
       the_transport_checksum_is_complete_before_cutting},
      {"RFC 6864: identifications do not repeat and begin anywhere",
       identifications_do_not_repeat_and_begin_anywhere},
      {"our own address loops without the link", our_own_address_loops_without_the_link},
      {"RFC 1112 6.1: groups get a TTL of 1", groups_get_a_ttl_of_1})
