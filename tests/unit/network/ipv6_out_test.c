/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

static struct lab lab;

static void begin(uint32_t mtu)
{
    lab_init(&lab);
    lab_add_nic(&lab, 1, 0, mtu);
    lab_add_addr(&lab, 1, "fd00::1/64");
    lab_add_route(&lab, "::/0", 1, NULL);
}

static void a_packet_leaves_with_its_header(void **state)
{
    begin(1500);
    assert_int_equal(lab_send(&lab, NULL, "2001:db8::9", 100, false), 0);
    size_t len;
    const uint8_t *r = lab_take(&lab, 1, &len, NULL, NULL);
    struct ip6_hdr ip;
    assert_int_equal(len, 140);
    assert_int_equal(ip6_parse(r, len, &ip), 40);
    const struct nst_addr src = lab_addr("fd00::1"), dst = lab_addr("2001:db8::9");
    assert_true(nst_addr_equal(&ip.src, &src) && nst_addr_equal(&ip.dst, &dst));
    assert_int_equal(ip.next, LAB_PROTO);
    assert_int_equal(ip.hop_limit, 64);
    assert_int_equal(ip.payload_len, 100);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(r[40 + i], (uint8_t)(i * 7));
    assert_int_equal(lab_send(&lab, NULL, "ff02::5", 100, false), 0);
    r = lab_take(&lab, 1, &len, NULL, NULL);
    assert_int_equal(r[7], 1);
    lab_fini(&lab);
}

static void what_is_too_long_is_cut_here(void **state)
{
    static const size_t lens[] = {1460, 1461, 2000, 9000, 65535};
    for (unsigned i = 0; i < ARRAY_SIZE(lens); i++) {
        begin(1500);
        assert_int_equal(lab_send(&lab, NULL, "2001:db8::9", lens[i], false), 0);
        size_t at = 0, len;
        uint32_t id = 0;
        bool more = lens[i] > 1460;
        assert_int_equal(lab.stack->counters.ip6_fragments_sent > 0, more);
        if (!more)
            lab_discard(&lab, 1);
        while (more) {
            const uint8_t *r = lab_take(&lab, 1, &len, NULL, NULL);
            struct ip6_fragment frag;
            assert_non_null(r);
            assert_true(len <= 1500);
            assert_int_equal(be16_get(r + 4), len - 40);
            assert_int_equal(r[6], IP_PROTO_FRAGMENT);
            assert_int_equal(ip6_fragment_parse(r + 40, 8, &frag), 8);
            assert_int_equal(frag.off, at);
            assert_int_equal(frag.next, LAB_PROTO);
            assert_true(at == 0 || frag.id == id);
            assert_int_equal(r[48], (uint8_t)(at * 7));
            assert_true(!frag.mf || (len - 48) % 8 == 0);
            id = frag.id;
            at += len - 48;
            more = frag.mf;
        }
        assert_true(at == 0 || at == lens[i]);
        assert_int_equal(lab_frames(&lab, 1), 0);
        lab_fini(&lab);
    }
}

static void who_forbids_it_is_told(void **state)
{
    begin(1500);
    assert_int_equal(lab_send(&lab, NULL, "2001:db8::9", 1461, true), -NST_EMSGSIZE);
    assert_int_equal(lab_send(&lab, NULL, "2001:db8::9", 65536, false), -NST_EMSGSIZE);
    assert_int_equal(lab_frames(&lab, 1), 0);
    assert_int_equal(lab_drops(&lab, DROP_IP_TOO_BIG), 2);
    lab_fini(&lab);
}

static void a_path_mtu_is_never_below_1280(void **state)
{
    begin(1500);
    const struct nst_addr remote = lab_addr("2001:db8::9");
    struct dst *d;
    assert_int_equal(dst_get(lab.stack, &remote, NULL, 0, &d), 0);
    dst_lower_mtu(d, 1279);
    assert_int_equal(d->mtu, 1500);
    dst_lower_mtu(d, 1280);
    assert_int_equal(d->mtu, 1280);
    assert_int_equal(dst_mtu(d), 1240);
    dst_put(d);
    lab_fini(&lab);
}

static void links_below_1280_have_no_ipv6(void **state)
{
    lab_init(&lab);
    struct nic *nic = lab_add_nic(&lab, 1, 0, 1279);
    assert_null(nic_ep(nic, NET_IPV6));
    const struct nst_nic_addr a = {.addr = lab_addr("fd00::1"), .prefix_len = 64};
    assert_int_equal(nst_nic_addr_add(lab.stack, 1, &a), -NST_EPROTONOSUPPORT);
    lab_fini(&lab);
}

static void to_ourselves_nothing_leaves(void **state)
{
    begin(1500);
    assert_int_equal(lab_send(&lab, NULL, "fd00::1", 60000, false), 0);
    assert_int_equal(lab.delivered, 1);
    assert_int_equal(lab.payload_len, 60000);
    assert_int_equal(lab_frames(&lab, 1), 0);
    /* RFC 4291 2.5.3: the loopback address never on a wire. */
    assert_int_equal(lab_send(&lab, NULL, "::1", 8, false), -NST_ENETUNREACH);
    assert_int_equal(lab.stack->counters.ip6_no_route, 1);
    lab_fini(&lab);
}

static uint32_t label_of(unsigned port)
{
    const struct nst_addr remote = lab_addr("2001:db8::9");
    struct dst *d;
    assert_int_equal(dst_get(lab.stack, &remote, NULL, 0, &d), 0);
    struct pkt *p = pkt_build(lab.stack->pool, dst_headroom(d), 20);
    uint8_t *at = nst_pkt_put(pkt_pub(p), 20);
    memset(at, 0, 20);
    be16_put(at, (uint16_t)port);
    assert_int_equal(dst_output(d, p, &(struct ip_out){.proto = IP_PROTO_UDP}), 0);
    dst_put(d);
    lab_run(&lab);
    const uint8_t *r = lab_take(&lab, 1, NULL, NULL, NULL);
    return be32_get(r) & 0xfffff;
}

static void a_flow_has_one_label(void **state)
{
    uint32_t same = 0;
    begin(1500);
    const uint32_t first = label_of(1);
    for (unsigned port = 2; port < 1000; port++)
        same += label_of(port) == first;
    assert_true(same < 10);
    assert_int_equal(label_of(1), first);
    lab_fini(&lab);
}

TESTS({"a packet leaves with its header", a_packet_leaves_with_its_header},
      {"RFC 8200 4.5: what is too long is cut here", what_is_too_long_is_cut_here},
      {"who forbids it is told", who_forbids_it_is_told},
      {"RFC 8201 4: a path MTU is never below 1280", a_path_mtu_is_never_below_1280},
      {"nic/N4: links below 1280 have no IPv6", links_below_1280_have_no_ipv6},
      {"nic/N41: to ourselves nothing leaves", to_ourselves_nothing_leaves},
      {"RFC 6437: a flow has one label", a_flow_has_one_label})
