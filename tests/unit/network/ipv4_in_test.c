/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

#include "network/ipv4.h"
#include "wire/icmp4.h"

static struct lab lab;
static struct nic *nic;
static uint8_t packet[2000];
static const uint8_t pattern[1500] = {1, 2, 3, 4};

static void begin_with(bool weak, uint32_t caps)
{
    lab_init_with(&lab, true, weak);
    nic = lab_add_nic(&lab, 1, caps, 1500);
    lab_add_addr(&lab, 1, "10.0.0.1/24");
}

static void begin(void)
{
    begin_with(false, 0);
}

static unsigned feed(const struct lab_ip *ip, size_t len)
{
    const unsigned before = lab.delivered;
    lab_feed_ip(&lab, 1, packet, lab_build_ip(packet, ip, pattern, len));
    return lab.delivered - before;
}

static unsigned feed_addr(const char *src, const char *dst)
{
    const struct lab_ip ip = {.src = src, .dst = dst, .proto = LAB_PROTO, .ttl = 9, .tos = 5};
    return feed(&ip, 30);
}

static void a_packet_for_us_reaches_its_transport(void **state)
{
    begin();
    for (unsigned i = 0; i < 3; i++) { /* the second time by the memo */
        assert_int_equal(feed_addr("10.0.0.2", "10.0.0.1"), 1);
        const struct nst_addr src = lab_addr("10.0.0.2"), dst = lab_addr("10.0.0.1");
        assert_true(nst_addr_equal(&lab.rx.src, &src));
        assert_true(nst_addr_equal(&lab.rx.dst, &dst));
        assert_int_equal(lab.rx.proto, LAB_PROTO);
        assert_int_equal(lab.rx.ttl, 9);
        assert_int_equal(lab.rx.tos, 5);
        assert_int_equal(lab.rx.type, PKT_HOST);
        assert_true(lab.rx.dst_assigned);
        assert_int_equal(lab.payload_len, 30);
        assert_memory_equal(lab.payload, pattern, 30);
    }
    assert_int_equal(lab.stack->counters.ip4_delivered, 3);
    lab_fini(&lab);
}

static void padding_is_cut_off(void **state)
{
    begin();
    const struct lab_ip ip = {.src = "10.0.0.2", .dst = "10.0.0.1", .proto = LAB_PROTO};
    lab_build_ip(packet, &ip, pattern, 6);
    lab_feed_ip(&lab, 1, packet, 46);
    assert_int_equal(lab.payload_len, 6);
    lab_fini(&lab);
}

static void every_cut_and_every_wrong_length_is_survived(void **state)
{
    begin();
    const struct lab_ip ip = {.src = "10.0.0.2", .dst = "10.0.0.1", .proto = LAB_PROTO};
    const size_t len = lab_build_ip(packet, &ip, pattern, 12);
    for (size_t n = 1; n < len; n++)
        lab_feed_ip(&lab, 1, packet, n);
    for (unsigned total = 0; total < 20; total++) {
        be16_put(packet + 2, (uint16_t)total);
        lab_feed_ip(&lab, 1, packet, len);
    }
    lab_build_ip(packet, &ip, pattern, 12);
    for (unsigned first = 0; first < 256; first++) {
        packet[0] = (uint8_t)first;
        if (first != 0x45)
            lab_feed_ip(&lab, 1, packet, len);
    }
    assert_int_equal(lab.delivered, 0);
    lab_fini(&lab);
}

static void a_wrong_header_checksum_is_dropped(void **state)
{
    begin();
    const struct lab_ip ip = {.src = "10.0.0.2", .dst = "10.0.0.1", .proto = LAB_PROTO};
    const size_t len = lab_build_ip(packet, &ip, pattern, 12);
    for (unsigned bit = 0; bit < 16; bit++) {
        packet[10] ^= (uint8_t)(1u << bit >> 8);
        packet[11] ^= (uint8_t)(1u << bit);
        lab_feed_ip(&lab, 1, packet, len);
        packet[10] ^= (uint8_t)(1u << bit >> 8);
        packet[11] ^= (uint8_t)(1u << bit);
    }
    assert_int_equal(lab.delivered, 0);
    assert_int_equal(lab_drops(&lab, DROP_IP_CSUM), 16);
    assert_int_equal(lab.stack->counters.ip4_header_errors, 16);
    lab_fini(&lab);
}

/* N25 is about the transport: virtio's DATA_VALID says nothing of the IPv4 header. */
static void a_link_that_checks_checksums_does_not_check_the_header(void **state)
{
    begin();
    const struct lab_ip ip = {.src = "10.0.0.2", .dst = "10.0.0.1", .proto = LAB_PROTO};
    const size_t len = lab_build_ip(packet, &ip, pattern, 12);
    for (unsigned i = 0; i < 6; i++) { /* from the third on by the memo */
        const bool wrong = i % 2 == 1;
        struct nst_pktq q = {0};
        struct nst_pkt *p = lab_packet(&lab, packet, len);
        p->data[11] ^= (uint8_t)wrong;
        p->csum = i < 4 ? NST_CSUM_VALID : NST_CSUM_PARTIAL;
        nst_pktq_push(&q, p);
        memlink_deliver(&lab.nics[0].m, &q);
        lab_run(&lab);
        assert_int_equal(lab.delivered, i / 2 + 1);
        assert_int_equal(lab_drops(&lab, DROP_IP_CSUM), (i + 1) / 2);
    }
    lab_fini(&lab);
}

static void impossible_sources_are_dropped(void **state)
{
    static const char *const bad[] = {"0.0.0.0",         "0.1.2.3",    "127.0.0.1",
                                      "224.0.0.1",       "239.1.2.3",  "240.0.0.1",
                                      "255.255.255.255", "10.0.0.255", "255.255.255.254"};
    begin();
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(feed_addr(bad[i], "10.0.0.1"), 0);
    assert_int_equal(lab_drops(&lab, DROP_IP_BAD_SOURCE), ARRAY_SIZE(bad));
    /* "This host" may ask everybody (DHCP), but "a host of this net" may not. */
    assert_int_equal(feed_addr("0.0.0.0", "255.255.255.255"), 1);
    assert_int_equal(feed_addr("0.1.2.3", "255.255.255.255"), 0);
    lab_fini(&lab);
}

static void destinations_are_ours_or_dropped(void **state)
{
    begin();
    assert_int_equal(feed_addr("10.0.0.2", "10.0.0.255"), 1);
    assert_int_equal(lab.rx.type, PKT_BROADCAST);
    assert_int_equal(feed_addr("10.0.0.2", "255.255.255.255"), 1);
    assert_int_equal(lab.rx.type, PKT_BROADCAST);
    assert_int_equal(feed_addr("10.0.0.2", "224.0.0.1"), 1);
    assert_int_equal(lab.rx.type, PKT_MULTICAST);
    static const char *const others[] = {"10.0.0.3",  "224.0.0.2",  "127.0.0.1", "0.0.0.0",
                                         "240.0.0.1", "10.0.1.255", "192.0.2.1", "239.255.255.1"};
    for (unsigned i = 0; i < ARRAY_SIZE(others); i++)
        assert_int_equal(feed_addr("10.0.0.2", others[i]), 0);
    assert_int_equal(lab_drops(&lab, DROP_IP_NOT_OURS), ARRAY_SIZE(others));
    lab_fini(&lab);
}

static void a_promiscuous_nic_takes_what_is_for_others(void **state)
{
    begin();
    nst_nic_set_promiscuous(lab.stack, 1, true);
    assert_int_equal(feed_addr("10.0.0.2", "192.0.2.1"), 1);
    assert_false(lab.rx.dst_assigned);
    assert_int_equal(lab.rx.type, PKT_HOST);
    assert_int_equal(feed_addr("10.0.0.2", "10.0.0.1"), 1);
    assert_true(lab.rx.dst_assigned);
    assert_int_equal(feed_addr("10.0.0.2", "127.0.0.1"), 0);
    nst_nic_set_promiscuous(lab.stack, 1, false);
    assert_int_equal(feed_addr("10.0.0.2", "192.0.2.1"), 0);
    lab_fini(&lab);
}

static void an_address_of_another_nic_is_for_weak_hosts_alone(void **state)
{
    for (int weak = 0; weak < 2; weak++) {
        begin_with(weak, 0);
        lab_add_nic(&lab, 2, 0, 1500);
        lab_add_addr(&lab, 2, "192.0.2.1/24");
        assert_int_equal(feed_addr("10.0.0.2", "192.0.2.1"), (unsigned)weak);
        lab_fini(&lab);
    }
}

static void a_removed_address_receives_no_more(void **state)
{
    begin();
    const struct nst_addr a = lab_addr("10.0.0.1");
    assert_int_equal(feed_addr("10.0.0.2", "10.0.0.1"), 1);
    assert_int_equal(nst_nic_addr_remove(lab.stack, 1, &a), 0);
    assert_int_equal(feed_addr("10.0.0.2", "10.0.0.1"), 0);
    lab_fini(&lab);
}

static void a_link_broadcast_carries_no_unicast(void **state)
{
    begin_with(false, NST_LINK_RESOLVES);
    const struct nst_mac all = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
    const struct lab_ip ip = {.src = "10.0.0.2", .dst = "10.0.0.1", .proto = LAB_PROTO};
    const size_t len = lab_build_ip(packet, &ip, pattern, 12);
    for (unsigned i = 0; i < 2; i++) {
        lab_feed(&lab, 1, NST_ETHERTYPE_IPV4, packet, len, &all);
        assert_int_equal(lab.delivered, i);
        lab_feed(&lab, 1, NST_ETHERTYPE_IPV4, packet, len, NULL); /* fills the memo */
        assert_int_equal(lab.delivered, i + 1);
    }
    lab_fini(&lab);
}

/* ---- Options ---- */

static unsigned feed_options(const uint8_t *options, size_t len)
{
    const struct lab_ip ip = {.src = "10.0.0.2",
                              .dst = "10.0.0.1",
                              .proto = LAB_PROTO,
                              .options = options,
                              .options_len = len};
    return feed(&ip, 30);
}

static void source_routes_are_refused_and_others_read_over(void **state)
{
    begin();
    const uint8_t lsrr[8] = {IP4_OPT_LSRR, 7, 4, 1, 2, 3, 4}, ssrr[8] = {IP4_OPT_SSRR, 7, 4};
    const uint8_t hidden[12] = {IP4_OPT_NOP, IP4_OPT_LSRR, 7, 8};
    const uint8_t rr[8] = {IP4_OPT_RR, 7, 4}, ts[8] = {IP4_OPT_TS, 8, 5};
    const uint8_t behind_end[8] = {IP4_OPT_EOL, IP4_OPT_LSRR, 7};
    assert_int_equal(feed_options(lsrr, 8), 0);
    assert_int_equal(feed_options(ssrr, 8), 0);
    assert_int_equal(feed_options(hidden, 12), 0);
    assert_int_equal(lab_drops(&lab, DROP_IP_OPTIONS), 3);
    assert_int_equal(lab_frames(&lab, 1), 0);
    assert_int_equal(feed_options(rr, 8), 1);
    assert_int_equal(feed_options(ts, 8), 1);
    assert_int_equal(feed_options(behind_end, 8), 1);
    assert_int_equal(lab.payload_len, 30);
    lab_fini(&lab);
}

static void a_malformed_option_is_answered_with_its_place(void **state)
{
    begin();
    const uint8_t bad[8] = {IP4_OPT_NOP, IP4_OPT_NOP, 99, 1};
    assert_int_equal(feed_options(bad, 8), 0);
    const uint8_t *e = lab_take(&lab, 1, NULL, NULL, NULL);
    assert_non_null(e);
    assert_int_equal(e[20], ICMP4_PARAMETER_PROBLEM);
    assert_in_range(e[24], 22, 23);
    lab_fini(&lab);
}

static void all_short_strings_of_options_are_survived(void **state)
{
    static const uint8_t alphabet[] = {0, 1, 2, 3, 4, 7, 8, 68, 131, 137, 148, 255};
    const unsigned n = ARRAY_SIZE(alphabet);
    begin();
    for (unsigned i = 0; i < n * n * n * n; i++) {
        const uint8_t options[4] = {alphabet[i % n], alphabet[i / n % n], alphabet[i / n / n % n],
                                    alphabet[i / n / n / n]};
        feed_options(options, 4);
        lab_discard(&lab, 1);
    }
    lab_fini(&lab);
}

static void an_unknown_protocol_is_answered(void **state)
{
    begin();
    const struct lab_ip ip = {.src = "10.0.0.2", .dst = "10.0.0.1", .proto = 99};
    feed(&ip, 30);
    const uint8_t *e = lab_take(&lab, 1, NULL, NULL, NULL);
    assert_non_null(e);
    assert_int_equal(e[21], ICMP4_PROTO_UNREACHABLE);
    lab_fini(&lab);
}

TESTS({"a packet for us reaches its transport", a_packet_for_us_reaches_its_transport},
      {"padding is cut off", padding_is_cut_off},
      {"every cut and every wrong length is survived",
       every_cut_and_every_wrong_length_is_survived},
      {"RFC 1122 3.2.1.2: a wrong header checksum is dropped", a_wrong_header_checksum_is_dropped},
      {"nic/N25: a link that checks checksums does not check the header",
       a_link_that_checks_checksums_does_not_check_the_header},
      {"RFC 1122 3.2.1.3: impossible sources are dropped", impossible_sources_are_dropped},
      {"nic/N63: destinations are ours or dropped", destinations_are_ours_or_dropped},
      {"nic/N62: a promiscuous NIC takes what is for others",
       a_promiscuous_nic_takes_what_is_for_others},
      {"RFC 1122 3.3.4.2: an address of another NIC is for weak hosts alone",
       an_address_of_another_nic_is_for_weak_hosts_alone},
      {"a removed address receives no more", a_removed_address_receives_no_more},
      {"RFC 1122 3.3.6: a link broadcast carries no unicast", a_link_broadcast_carries_no_unicast},
      {"RFC 7126: source routes are refused and others read over",
       source_routes_are_refused_and_others_read_over},
      {"RFC 1122 3.2.2.5: a malformed option is answered with its place",
       a_malformed_option_is_answered_with_its_place},
      {"all short strings of options are survived", all_short_strings_of_options_are_survived},
      {"nic/N101: an unknown protocol is answered", an_unknown_protocol_is_answered})
