/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

#include "wire/icmp6.h"

static struct lab lab;
static struct nic *nic;
static uint8_t packet[70000], payload[70000];

static void begin(void)
{
    lab_init(&lab);
    nic = lab_add_nic(&lab, 1, 0, 1500);
    lab_add_addr(&lab, 1, "fd00::1/64");
    for (size_t i = 0; i < sizeof(payload); i++)
        payload[i] = (uint8_t)(i * 3);
}

static void feed(const struct lab_ip6 *ip, size_t len)
{
    lab_feed_ip6(&lab, 1, packet, lab_build_ip6(packet, ip, payload, len));
}

/* The next packet that left is an ICMPv6 error of that type, code and word. */
static void assert_error(uint8_t type, uint8_t code, uint32_t word)
{
    size_t len;
    const uint8_t *r = lab_take(&lab, 1, &len, NULL, NULL);
    assert_non_null(r);
    assert_int_equal(r[6], IP_PROTO_ICMPV6);
    assert_int_equal(r[40], type);
    assert_int_equal(r[41], code);
    assert_int_equal(be32_get(r + 44), word);
    assert_true(len <= 1280);
    const struct nst_addr src = addr_v6_get(r + 8), dst = addr_v6_get(r + 24);
    const uint32_t pseudo = csum_pseudo_v6(&src, &dst, IP_PROTO_ICMPV6, (uint32_t)len - 40);
    assert_true(csum_ok(csum_short(r + 40, len - 40, pseudo)));
}

static void a_packet_reaches_its_transport(void **state)
{
    begin();
    const struct lab_ip6 ip = {
        .src = "fd00::2", .dst = "fd00::1", .next = LAB_PROTO, .hop_limit = 9, .tclass = 0xab};
    for (unsigned i = 1; i <= 3; i++) { /* judged, then remembered */
        feed(&ip, 100);
        assert_int_equal(lab.delivered, i);
        assert_int_equal(lab.payload_len, 100);
        assert_memory_equal(lab.payload, payload, 100);
        assert_int_equal(lab.rx.ttl, 9);
        assert_int_equal(lab.rx.tos, 0xab);
        assert_int_equal(lab.rx.proto, LAB_PROTO);
        assert_true(lab.rx.dst_assigned);
    }
    lab_fini(&lab);
}

static void padding_of_the_link_is_cut_off(void **state)
{
    begin();
    const struct lab_ip6 ip = {.src = "fd00::2", .dst = "fd00::1", .next = IP_PROTO_UDP};
    for (unsigned i = 0; i < 2; i++) {
        const size_t len = lab_build_ip6(packet, &ip, payload, 9);
        lab_feed_ip6(&lab, 1, packet, len + 13);
        assert_int_equal(lab.payload_len, 9);
    }
    lab_fini(&lab);
}

static void headers_that_lie_are_dropped(void **state)
{
    begin();
    const struct lab_ip6 ip = {.src = "fd00::2", .dst = "fd00::1", .next = LAB_PROTO};
    const size_t len = lab_build_ip6(packet, &ip, payload, 20);
    for (size_t n = 0; n < len; n++) {
        uint8_t *exact = malloc(n + 1);
        memcpy(exact + 1, packet, n);
        lab_feed(&lab, 1, NST_ETHERTYPE_IPV6, exact + 1, n, NULL);
        free(exact);
    }
    packet[0] = 0x50;
    lab_feed(&lab, 1, NST_ETHERTYPE_IPV6, packet, len, NULL);
    assert_int_equal(lab.delivered, 0);
    lab_fini(&lab);
}

static void impossible_addresses_are_dropped(void **state)
{
    static const char *const pairs[][2] = {
        {"ff02::1", "fd00::1"},
        {"::", "fd00::1"},
        {"::1", "fd00::1"},
        {"::ffff:10.0.0.2", "fd00::1"},
        {"fd00::2", "::ffff:10.0.0.1"},
        {"fd00::2", "::"},
        {"fd00::2", "::1"},
        {"fd00::2", "fd00::9"},
        {"fd00::2", "ff02::5"},
        {"fd00::2", "ff01::1"},
        {"fd00::2", "ff00::1"},
        {"fd00::2", "ff02::1:ff00:2"},
    };
    begin();
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        const struct lab_ip6 ip = {.src = pairs[i][0], .dst = pairs[i][1], .next = LAB_PROTO};
        feed(&ip, 8);
        assert_int_equal(lab.stack->counters.ip6_address_errors, i + 1);
    }
    assert_int_equal(lab.delivered, 0);
    assert_int_equal(lab_frames(&lab, 1), 0);
    lab_fini(&lab);
}

static void groups_of_ours_are_heard(void **state)
{
    begin();
    const struct lab_ip6 all = {.src = "fd00::2", .dst = "ff02::1", .next = LAB_PROTO};
    feed(&all, 8);
    assert_int_equal(lab.delivered, 1);
    assert_int_equal(lab.rx.type, PKT_MULTICAST);
    const struct lab_ip6 own = {.src = "::", .dst = "ff02::1:ff00:1", .next = LAB_PROTO};
    feed(&own, 8);
    assert_int_equal(lab.delivered, 2);
    lab_fini(&lab);
}

static void a_unicast_in_a_link_group_is_dropped(void **state)
{
    lab_init(&lab);
    lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_add_addr(&lab, 1, "fd00::1/64");
    const struct lab_ip6 ip = {.src = "fd00::2", .dst = "fd00::1", .next = LAB_PROTO};
    const struct nst_mac group = {{0x33, 0x33, 0, 0, 0, 1}};
    const size_t len = lab_build_ip6(packet, &ip, payload, 8);
    lab_feed(&lab, 1, NST_ETHERTYPE_IPV6, packet, len, &group);
    assert_int_equal(lab.delivered, 0);
    lab_fini(&lab);
}

static void promiscuous_takes_any_and_own_sources_are_refused(void **state)
{
    begin();
    nst_nic_set_promiscuous(lab.stack, 1, true);
    const struct lab_ip6 ip = {.src = "fd00::2", .dst = "2001:db8::9", .next = LAB_PROTO};
    feed(&ip, 8);
    assert_int_equal(lab.delivered, 1);
    assert_false(lab.rx.dst_assigned);
    const struct lab_ip6 own = {.src = "fd00::1", .dst = "fd00::1", .next = LAB_PROTO};
    feed(&own, 8);
    assert_int_equal(lab_drops(&lab, DROP_OWN_SOURCE), 1);
    lab_fini(&lab);
}

/* ---- Extension headers ---- */

static void known_headers_are_passed(void **state)
{
    static const uint8_t ext[] = {
        IP_PROTO_DESTINATION,
        0,
        5,
        2,
        0,
        0,
        1,
        0, /* hop-by-hop: router alert, PadN */
        IP_PROTO_ROUTING,
        0,
        1,
        4,
        0,
        0,
        0,
        0, /* destination: PadN */
        IP_PROTO_FRAGMENT,
        0,
        0,
        0,
        0,
        0,
        0,
        0, /* routing, no segments left */
        IP_PROTO_DESTINATION,
        0,
        0,
        0,
        0,
        0,
        0,
        7, /* a fragment that is a whole packet */
        LAB_PROTO,
        0,
        0x1e,
        4,
        1,
        2,
        3,
        4, /* an unknown option to be skipped */
    };
    begin();
    const struct lab_ip6 ip = {.src = "fd00::2",
                               .dst = "fd00::1",
                               .next = IP_PROTO_HOP_BY_HOP,
                               .ext = ext,
                               .ext_len = sizeof(ext)};
    feed(&ip, 30);
    assert_int_equal(lab.delivered, 1);
    assert_int_equal(lab.payload_len, 30);
    assert_memory_equal(lab.payload, payload, 30);
    assert_int_equal(lab.stack->counters.ip6_fragments_received, 0);
    lab_fini(&lab);
}

static void options_say_what_is_done_when_unknown(void **state)
{
    static const struct {
        uint8_t type;
        const char *dst;
        bool delivered, answered;
    } rows[] = {
        {0x3e, "fd00::1", true, false}, {0x7e, "fd00::1", false, false},
        {0xbe, "fd00::1", false, true}, {0xfe, "fd00::1", false, true},
        {0x3e, "ff02::1", true, false}, {0x7e, "ff02::1", false, false},
        {0xbe, "ff02::1", false, true}, {0xfe, "ff02::1", false, false},
        {0xc2, "fd00::1", false, true}, /* a jumbo payload: we know it not */
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const uint8_t ext[] = {LAB_PROTO, 0, IP6_OPT_PAD1, rows[i].type, 3, 0, 0, 0};
        begin();
        const struct lab_ip6 ip = {.src = "fd00::2",
                                   .dst = rows[i].dst,
                                   .next = i % 2 ? IP_PROTO_HOP_BY_HOP : IP_PROTO_DESTINATION,
                                   .ext = ext,
                                   .ext_len = sizeof(ext)};
        feed(&ip, 8);
        assert_int_equal(lab.delivered, rows[i].delivered);
        assert_int_equal(lab_frames(&lab, 1), rows[i].answered);
        if (rows[i].answered)
            assert_error(ICMP6_PARAMETER_PROBLEM, ICMP6_BAD_OPTION, 43);
        lab_fini(&lab);
    }
}

static void hop_by_hop_comes_first_only(void **state)
{
    static const uint8_t ext[] = {IP_PROTO_HOP_BY_HOP, 0, 1, 4, 0, 0, 0, 0, LAB_PROTO, 0, 1, 4};
    begin();
    const struct lab_ip6 ip = {.src = "fd00::2",
                               .dst = "fd00::1",
                               .next = IP_PROTO_DESTINATION,
                               .ext = ext,
                               .ext_len = 16};
    uint8_t whole[16] = {0};
    memcpy(whole, ext, sizeof(ext));
    struct lab_ip6 copy = ip;
    copy.ext = whole;
    feed(&copy, 8);
    assert_int_equal(lab.delivered, 0);
    assert_error(ICMP6_PARAMETER_PROBLEM, ICMP6_BAD_NEXT_HEADER, 40);
    lab_fini(&lab);
}

static void routing_headers_with_segments_left_are_refused(void **state)
{
    for (unsigned type = 0; type < 5; type++) {
        uint8_t ext[24] = {LAB_PROTO, 2, (uint8_t)type, 1};
        begin();
        const struct lab_ip6 ip = {.src = "fd00::2",
                                   .dst = "fd00::1",
                                   .next = IP_PROTO_ROUTING,
                                   .ext = ext,
                                   .ext_len = sizeof(ext)};
        feed(&ip, 8);
        assert_int_equal(lab.delivered, 0);
        assert_error(ICMP6_PARAMETER_PROBLEM, ICMP6_BAD_FIELD, 42);
        ext[3] = 0;
        feed(&ip, 8);
        assert_int_equal(lab.delivered, 1);
        lab_fini(&lab);
    }
}

static void an_unknown_next_header_is_named(void **state)
{
    static const uint8_t ext[] = {99, 0, 1, 4, 0, 0, 0, 0};
    begin();
    struct lab_ip6 ip = {.src = "fd00::2", .dst = "fd00::1", .next = 99};
    feed(&ip, 8);
    assert_error(ICMP6_PARAMETER_PROBLEM, ICMP6_BAD_NEXT_HEADER, 6);
    ip = (struct lab_ip6){
        .src = "fd00::2", .dst = "fd00::1", .next = IP_PROTO_DESTINATION, .ext = ext, .ext_len = 8};
    feed(&ip, 8);
    assert_error(ICMP6_PARAMETER_PROBLEM, ICMP6_BAD_NEXT_HEADER, 40);
    ip = (struct lab_ip6){.src = "fd00::2", .dst = "fd00::1", .next = IP_PROTO_ICMP};
    feed(&ip, 8); /* IPv4's ICMP is nobody's here */
    assert_error(ICMP6_PARAMETER_PROBLEM, ICMP6_BAD_NEXT_HEADER, 6);
    ip.next = IP_PROTO_NONE;
    feed(&ip, 8);
    assert_int_equal(lab_frames(&lab, 1), 0);
    lab_fini(&lab);
}

static void chains_are_limited(void **state)
{
    uint8_t ext[10 * 8], options[32] = {LAB_PROTO, 3};
    begin();
    for (unsigned i = 0; i < 10; i++)
        memcpy(ext + i * 8, (uint8_t[]){IP_PROTO_DESTINATION, 0, 1, 4, 0, 0, 0, 0}, 8);
    for (unsigned count = 1; count <= 10; count++) {
        ext[(count - 1) * 8] = LAB_PROTO;
        const struct lab_ip6 ip = {.src = "fd00::2",
                                   .dst = "fd00::1",
                                   .next = IP_PROTO_DESTINATION,
                                   .ext = ext,
                                   .ext_len = count * 8};
        feed(&ip, 8);
        assert_int_equal(lab.delivered, count < 8 ? count : 8);
        ext[(count - 1) * 8] = IP_PROTO_DESTINATION;
    }
    for (unsigned i = 0; i < 10; i++) { /* ten options of 2 bytes, then Pad1 */
        options[2 + i * 2] = 0x1e;
        options[3 + i * 2] = 0;
    }
    const struct lab_ip6 ip = {.src = "fd00::2",
                               .dst = "fd00::1",
                               .next = IP_PROTO_DESTINATION,
                               .ext = options,
                               .ext_len = 32};
    feed(&ip, 8);
    assert_int_equal(lab.delivered, 8);
    assert_int_equal(lab_frames(&lab, 1), 0);
    lab_fini(&lab);
}

static void chains_that_lie_are_survived(void **state)
{
    static const uint8_t types[] = {IP_PROTO_HOP_BY_HOP, IP_PROTO_DESTINATION, IP_PROTO_ROUTING,
                                    IP_PROTO_FRAGMENT};
    begin();
    for (unsigned t = 0; t < 4; t++) {
        for (unsigned length = 0; length < 256; length++) {
            for (size_t n = 0; n <= 24; n += 4) {
                uint8_t ext[24] = {types[t], (uint8_t)length, 0xff, 0xff, 1, 2, 3, 4};
                const struct lab_ip6 ip = {.src = "fd00::2", .dst = "fd00::1", .next = types[t]};
                uint8_t *exact = malloc(IP6_HDR_LEN + n);
                const size_t len = lab_build_ip6(packet, &ip, ext, n);
                memcpy(exact, packet, len);
                lab_feed_ip6(&lab, 1, exact, len);
                free(exact);
                lab_discard(&lab, 1);
            }
        }
    }
    assert_int_equal(lab.delivered, 0);
    lab_fini(&lab);
}

/* ---- Fragments ---- */

struct piece {
    size_t from, to;
    bool more;
    uint32_t id;
    uint8_t next, tclass;
};

/* A fragment of payload[from..to). */
static void feed_piece(const struct piece *piece)
{
    uint8_t ext[8];
    const struct ip6_fragment frag = {.id = piece->id,
                                      .off = (uint16_t)piece->from,
                                      .mf = piece->more,
                                      .next = piece->next != 0 ? piece->next : LAB_PROTO};
    ip6_fragment_build(ext, &frag);
    const struct lab_ip6 ip = {.src = "fd00::2",
                               .dst = "fd00::1",
                               .next = IP_PROTO_FRAGMENT,
                               .tclass = piece->tclass,
                               .ext = ext,
                               .ext_len = 8};
    lab_feed_ip6(&lab, 1, packet,
                 lab_build_ip6(packet, &ip, payload + piece->from, piece->to - piece->from));
}

static void fragments_become_the_packet(void **state)
{
    static const unsigned orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1}};
    static const struct piece pieces[] = {
        {0, 1200, true, 5, 0, 2}, {1200, 2400, true, 5, 0, 3}, {2400, 3001, false, 5, 77, 2}};
    for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
        begin();
        for (unsigned k = 0; k < 3; k++)
            feed_piece(&pieces[orders[i][k]]);
        assert_int_equal(lab.delivered, 1);
        assert_int_equal(lab.payload_len, 3001);
        assert_memory_equal(lab.payload, payload, 3001);
        assert_int_equal(lab.rx.proto, LAB_PROTO); /* the first fragment's */
        assert_int_equal(lab.rx.tos & 3, IP_ECN_CE);
        assert_int_equal(lab.stack->counters.ip6_reassembled, 1);
        lab_fini(&lab);
    }
}

static void headers_around_the_fragment_header_survive(void **state)
{
    uint8_t ext[16] = {IP_PROTO_FRAGMENT, 0, 1, 4};
    const struct ip6_fragment first = {.id = 1, .mf = true, .next = IP_PROTO_DESTINATION};
    const struct ip6_fragment last = {.id = 1, .off = 24, .next = IP_PROTO_DESTINATION};
    begin();
    struct lab_ip6 ip = {
        .src = "fd00::2", .dst = "fd00::1", .next = IP_PROTO_HOP_BY_HOP, .ext = ext, .ext_len = 16};
    ip6_fragment_build(ext + 8, &last); /* the last one has hop-by-hop options, too */
    lab_feed_ip6(&lab, 1, packet, lab_build_ip6(packet, &ip, payload + 24, 50));
    ip6_fragment_build(ext, &first); /* the first one has none */
    ip = (struct lab_ip6){
        .src = "fd00::2", .dst = "fd00::1", .next = IP_PROTO_FRAGMENT, .ext = ext, .ext_len = 8};
    uint8_t body[24] = {LAB_PROTO, 0, 1, 4};
    memcpy(body + 8, payload + 8, 16);
    lab_feed_ip6(&lab, 1, packet, lab_build_ip6(packet, &ip, body, 24));
    assert_int_equal(lab.delivered, 1);
    assert_int_equal(lab.payload_len, 66);
    assert_memory_equal(lab.payload, payload + 8, 66);
    lab_fini(&lab);
}

static void overlaps_end_the_datagram(void **state)
{
    static const struct piece pieces[] = {{0, 1200, true, 5, 0, 0},
                                          {1192, 2400, true, 5, 0, 0},
                                          {1200, 2400, true, 5, 0, 0},
                                          {2400, 3000, false, 5, 0, 0}};
    begin();
    for (unsigned i = 0; i < ARRAY_SIZE(pieces); i++)
        feed_piece(&pieces[i]);
    assert_int_equal(lab.delivered, 0);
    assert_int_equal(lab.stack->counters.ip6_reassembly_failed, 1);
    assert_int_equal(lab_frames(&lab, 1), 0); /* RFC 5722 4: silently */
    lab_fini(&lab);
}

static void bad_fragments_are_answered(void **state)
{
    begin();
    feed_piece(&(struct piece){0, 1201, true, 5, 0, 0}); /* no multiple of 8 */
    assert_error(ICMP6_PARAMETER_PROBLEM, ICMP6_BAD_FIELD, 4);
    feed_piece(&(struct piece){65528, 65560, false, 6, 0, 0}); /* past 65,535 */
    assert_error(ICMP6_PARAMETER_PROBLEM, ICMP6_BAD_FIELD, 42);
    feed_piece(&(struct piece){0, 16, true, 7, IP_PROTO_TCP, 0}); /* RFC 7112 */
    assert_error(ICMP6_PARAMETER_PROBLEM, ICMP6_INCOMPLETE_CHAIN, 0);
    memset(payload, 0, 8);
    payload[1] = 200; /* a destination header that goes on in another fragment */
    feed_piece(&(struct piece){0, 1200, true, 8, IP_PROTO_DESTINATION, 0});
    assert_error(ICMP6_PARAMETER_PROBLEM, ICMP6_INCOMPLETE_CHAIN, 0);
    lab_fini(&lab);
}

static void a_second_fragment_header_is_refused(void **state)
{
    uint8_t ext[16] = {0};
    begin();
    ip6_fragment_build(ext, &(struct ip6_fragment){.next = IP_PROTO_FRAGMENT});
    ip6_fragment_build(ext + 8, &(struct ip6_fragment){.next = LAB_PROTO});
    const struct lab_ip6 ip = {
        .src = "fd00::2", .dst = "fd00::1", .next = IP_PROTO_FRAGMENT, .ext = ext, .ext_len = 16};
    feed(&ip, 8);
    assert_int_equal(lab.delivered, 0);
    lab_fini(&lab);
}

static void the_first_fragment_is_told_when_the_others_do_not_come(void **state)
{
    begin();
    feed_piece(&(struct piece){0, 1200, true, 5, 0, 0});
    feed_piece(&(struct piece){1200, 2400, true, 6, 0, 0});
    lab_advance(&lab, 61 * NST_SEC);
    assert_error(ICMP6_TIME_EXCEEDED, ICMP6_REASSEMBLY_EXCEEDED, 0);
    assert_int_equal(lab_frames(&lab, 1), 0);
    assert_int_equal(lab.stack->counters.ip6_reassembly_failed, 2);
    lab_fini(&lab);
}

TESTS({"nic/N29: an IPv6 packet reaches its transport", a_packet_reaches_its_transport},
      {"padding of the link is cut off", padding_of_the_link_is_cut_off},
      {"nic/N27: IPv6 headers that lie are dropped", headers_that_lie_are_dropped},
      {"impossible IPv6 addresses are dropped", impossible_addresses_are_dropped},
      {"groups of ours are heard", groups_of_ours_are_heard},
      {"a unicast in a link group is dropped", a_unicast_in_a_link_group_is_dropped},
      {"nic/N62, N28: promiscuous takes any, and own sources are refused",
       promiscuous_takes_any_and_own_sources_are_refused},
      {"known extension headers are passed", known_headers_are_passed},
      {"RFC 8200 4.2: options say what is done when unknown",
       options_say_what_is_done_when_unknown},
      {"RFC 8200 4.1: hop-by-hop comes first only", hop_by_hop_comes_first_only},
      {"RFC 5095: routing headers with segments left are refused",
       routing_headers_with_segments_left_are_refused},
      {"nic/N101: an unknown next header is named", an_unknown_next_header_is_named},
      {"RFC 8504 5.3: chains are limited", chains_are_limited},
      {"chains that lie are survived", chains_that_lie_are_survived},
      {"fragments become the packet", fragments_become_the_packet},
      {"headers around the fragment header survive", headers_around_the_fragment_header_survive},
      {"RFC 5722: overlaps end the datagram", overlaps_end_the_datagram},
      {"RFC 8200 4.5: bad fragments are answered", bad_fragments_are_answered},
      {"a second fragment header is refused", a_second_fragment_header_is_refused},
      {"the first fragment is told when the others do not come",
       the_first_fragment_is_told_when_the_others_do_not_come})
