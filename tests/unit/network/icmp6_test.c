/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

#include "network/icmp6.h"

static struct lab lab;
static struct nic *nic;
static uint8_t buf[2000], packet[2000];
static const uint8_t pattern[1500] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

static void begin(void)
{
    lab_init(&lab);
    nic = lab_add_nic(&lab, 1, 0, 1500);
    lab_add_addr(&lab, 1, "fd00::1/64");
}

static void feed(const char *src, const char *dst, uint8_t *message, size_t len)
{
    const struct lab_ip6 ip = {.src = src, .dst = dst, .tclass = 0x13};
    lab_feed_ip6(&lab, 1, packet, lab_build_icmp6(packet, &ip, message, len));
}

static void echo(const char *src, const char *dst, uint8_t type, size_t len)
{
    icmp6_build(buf, &(struct icmp6_hdr){.type = type, .id = 77, .seq = 3});
    memcpy(buf + 8, pattern, len);
    feed(src, dst, buf, 8 + len);
}

static bool sum_is_right(const uint8_t *r, size_t len)
{
    const struct nst_addr src = addr_v6_get(r + 8), dst = addr_v6_get(r + 24);
    const uint32_t pseudo = csum_pseudo_v6(&src, &dst, IP_PROTO_ICMPV6, (uint32_t)len - 40);
    return csum_ok(csum_short(r + 40, len - 40, pseudo));
}

static void an_echo_request_is_answered(void **state)
{
    static const char *const to[] = {"fd00::1", "ff02::1"};
    for (size_t len = 0; len < 1400; len += 99) {
        for (unsigned i = 0; i < 2; i++) {
            begin();
            echo("fd00::2", to[i], ICMP6_ECHO_REQUEST, len);
            size_t got;
            const uint8_t *r = lab_take(&lab, 1, &got, NULL, NULL);
            assert_non_null(r);
            assert_int_equal(got, 48 + len);
            struct ip6_hdr ip;
            assert_int_equal(ip6_parse(r, got, &ip), 40);
            const struct nst_addr us = lab_addr("fd00::1"), peer = lab_addr("fd00::2");
            assert_true(nst_addr_equal(&ip.src, &us) && nst_addr_equal(&ip.dst, &peer));
            assert_int_equal(ip.hop_limit, 64);
            assert_int_equal(ip.tclass, 0x10); /* without the ECN bits */
            assert_int_equal(r[40], ICMP6_ECHO_REPLY);
            assert_true(sum_is_right(r, got));
            assert_memory_equal(r + 44, buf + 4, 4 + len);
            lab_fini(&lab);
        }
    }
}

static void replies_go_to_the_ping_transport(void **state)
{
    begin();
    echo("fd00::2", "fd00::1", ICMP6_ECHO_REPLY, 10);
    assert_int_equal(lab.echo_replies, 1);
    lab.stack->echo_reply = NULL;
    echo("fd00::2", "fd00::1", ICMP6_ECHO_REPLY, 10);
    assert_int_equal(lab_drops(&lab, DROP_ICMP_IGNORED), 1);
    lab_fini(&lab);
}

static void we_never_answer_for_addresses_of_others(void **state)
{
    begin();
    lab_add_route(&lab, "::/0", 1, NULL);
    nst_nic_set_promiscuous(lab.stack, 1, true);
    echo("fd00::2", "2001:db8::9", ICMP6_ECHO_REQUEST, 10);
    assert_int_equal(lab_frames(&lab, 1), 0);
    assert_int_equal(lab.handled, 1);
    assert_false(lab.rx.dst_assigned);
    lab_fini(&lab);
}

static void wrong_checksums_and_short_messages_are_dropped(void **state)
{
    begin();
    const struct lab_ip6 ip = {.src = "fd00::2", .dst = "fd00::1"};
    icmp6_build(buf, &(struct icmp6_hdr){.type = ICMP6_ECHO_REQUEST});
    const size_t len = lab_build_icmp6(packet, &ip, buf, 18);
    packet[50] ^= 1;
    lab_feed_ip6(&lab, 1, packet, len);
    for (size_t n = 0; n < 8; n++)
        feed("fd00::2", "fd00::1", buf, n);
    assert_int_equal(lab.stack->counters.icmp6_malformed, 9);
    assert_int_equal(lab_frames(&lab, 1), 0);
    lab_fini(&lab);
}

static void ipv4s_icmp_is_another_protocol(void **state)
{
    begin();
    lab_add_addr(&lab, 1, "10.0.0.1/24");
    icmp6_build(buf, &(struct icmp6_hdr){.type = ICMP6_ECHO_REQUEST});
    const struct lab_ip ip = {.src = "10.0.0.2", .dst = "10.0.0.1", .proto = IP_PROTO_ICMPV6};
    lab_feed_ip(&lab, 1, packet, lab_build_ip(packet, &ip, buf, 16));
    assert_int_equal(lab.stack->counters.icmp6_received, 0);
    assert_int_equal(lab.stack->counters.icmp4_errors_sent, 1); /* protocol unreachable */
    lab_fini(&lab);
}

/* ---- Errors received ---- */

struct quote {
    const char *src, *dst;
    uint8_t next;
    uint16_t frag;  /* with a fragment header of that offset, if not 0xffff */
    size_t len;     /* of the quoted payload */
    uint16_t total; /* claimed payload */
};

static size_t build_quote(uint8_t *to, const struct quote *q)
{
    static const uint8_t payload[1500] = {0x12, 0x34, 0x56, 0x78, 1, 2, 3, 4};
    static uint8_t whole[1600];
    uint8_t ext[8];
    const bool fragment = q->frag != 0xffff;
    ip6_fragment_build(ext, &(struct ip6_fragment){.off = q->frag, .next = q->next, .id = 9});
    const struct lab_ip6 ip = {.src = q->src,
                               .dst = q->dst,
                               .next = fragment ? IP_PROTO_FRAGMENT : q->next,
                               .ext = ext,
                               .ext_len = fragment ? 8 : 0};
    lab_build_ip6(whole, &ip, payload, q->total);
    const size_t len = IP6_HDR_LEN + ip.ext_len + q->len;
    memcpy(to, whole, len);
    return len;
}

static void feed_error(uint8_t type, uint8_t code, uint32_t word, const struct quote *q)
{
    icmp6_build(buf, &(struct icmp6_hdr){.type = type, .code = code, .mtu = word, .pointer = word});
    feed("fd00::fe", "fd00::1", buf, 8 + build_quote(buf + 8, q));
}

static const struct quote good = {"fd00::1", "2001:db8::1", LAB_PROTO, 0xffff, 8, 1400};

static void errors_reach_the_transport_that_they_quote(void **state)
{
    static const struct {
        uint8_t type, code;
        enum net_error kind;
    } all[] = {
        {ICMP6_UNREACHABLE, 0, NET_ERROR_NET_UNREACHABLE},
        {ICMP6_UNREACHABLE, 1, NET_ERROR_PROHIBITED},
        {ICMP6_UNREACHABLE, 2, NET_ERROR_NET_UNREACHABLE},
        {ICMP6_UNREACHABLE, 3, NET_ERROR_HOST_UNREACHABLE},
        {ICMP6_UNREACHABLE, 4, NET_ERROR_PORT_UNREACHABLE},
        {ICMP6_UNREACHABLE, 5, NET_ERROR_PROHIBITED},
        {ICMP6_UNREACHABLE, 6, NET_ERROR_NET_UNREACHABLE},
        {ICMP6_UNREACHABLE, 99, NET_ERROR_HOST_UNREACHABLE},
        {ICMP6_TIME_EXCEEDED, 0, NET_ERROR_TTL_EXCEEDED},
        {ICMP6_TIME_EXCEEDED, 1, NET_ERROR_REASSEMBLY},
        {ICMP6_PARAMETER_PROBLEM, 1, NET_ERROR_PROTO_UNREACHABLE},
        {ICMP6_PARAMETER_PROBLEM, 0, NET_ERROR_PARAMETER},
    };
    begin();
    for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
        feed_error(all[i].type, all[i].code, 40, &good);
        assert_int_equal(lab.errors, i + 1);
        assert_int_equal(lab.error.kind, all[i].kind);
        assert_int_equal(lab.quote[0], 0x12);
        assert_int_equal(lab.error.quote_len, 8);
    }
    assert_int_equal(lab.error.info, 40);
    struct quote first = good;
    first.frag = 0;
    feed_error(ICMP6_UNREACHABLE, 4, 0, &first);
    assert_int_equal(lab.errors, ARRAY_SIZE(all) + 1);
    assert_int_equal(lab.quote[0], 0x12);
    lab_fini(&lab);
}

static void errors_that_quote_nonsense_are_ignored(void **state)
{
    static const struct quote bad[] = {
        {"fd00::7", "2001:db8::1", LAB_PROTO, 0xffff, 8, 1400},      /* not from us */
        {"fd00::1", "2001:db8::1", LAB_PROTO, 8, 8, 1400},           /* not the first fragment */
        {"fd00::1", "2001:db8::1", LAB_PROTO, 0xffff, 7, 1400},      /* cut short */
        {"fd00::1", "2001:db8::1", LAB_PROTO, 0xffff, 8, 7},         /* never had 8 bytes */
        {"fd00::1", "2001:db8::1", 99, 0xffff, 8, 1400},             /* no such transport */
        {"fd00::1", "::ffff:192.0.2.1", LAB_PROTO, 0xffff, 8, 1400}, /* no such address */
    };
    begin();
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        feed_error(ICMP6_UNREACHABLE, 4, 0, &bad[i]);
    feed_error(100, 0, 0, &good); /* an unknown error */
    assert_int_equal(lab.errors, 0);
    assert_int_equal(lab_frames(&lab, 1), 0);
    lab_fini(&lab);
}

static void errors_cut_at_every_byte_are_survived(void **state)
{
    begin();
    for (size_t n = 8; n < 8 + 40 + 8 + 8; n++) {
        struct quote q = good;
        q.frag = 0;
        icmp6_build(buf, &(struct icmp6_hdr){.type = ICMP6_UNREACHABLE, .code = 4});
        build_quote(buf + 8, &q);
        uint8_t *exact = malloc(n);
        memcpy(exact, buf, n);
        feed("fd00::fe", "fd00::1", exact, n);
        free(exact);
    }
    assert_int_equal(lab.errors, 0);
    lab_fini(&lab);
}

static void too_big_gives_the_mtu(void **state)
{
    begin();
    feed_error(ICMP6_TOO_BIG, 0, 1300, &good);
    assert_int_equal(lab.error.kind, NET_ERROR_TOO_BIG);
    assert_int_equal(lab.error.info, 1300);
    /* Below 1,280, and not below what was sent: nobody is told. */
    feed_error(ICMP6_TOO_BIG, 0, 1279, &good);
    feed_error(ICMP6_TOO_BIG, 0, 0, &good);
    feed_error(ICMP6_TOO_BIG, 0, 1440, &good);
    feed_error(ICMP6_TOO_BIG, 0, UINT32_MAX, &good);
    assert_int_equal(lab.errors, 1);
    feed_error(ICMP6_TOO_BIG, 0, 1280, &good);
    assert_int_equal(lab.errors, 2);
    lab_fini(&lab);
}

static void errors_about_echo_messages_of_ours_are_heard(void **state)
{
    begin();
    lab_add_route(&lab, "::/0", 1, NULL);
    uint8_t whole[8 + 40 + 1400];
    icmp6_build(whole, &(struct icmp6_hdr){.type = ICMP6_TOO_BIG, .mtu = 1300});
    const struct lab_ip6 ip = {.src = "fd00::1", .dst = "2001:db8::1"};
    memset(buf, 0, sizeof(buf));
    buf[0] = ICMP6_ECHO_REQUEST;
    lab_build_icmp6(whole + 8, &ip, buf, 1400);
    feed("fd00::fe", "fd00::1", whole, 100);
    assert_int_equal(lab.echo_errors, 1);
    /* Of replies nothing is remembered, but how long they may be. */
    whole[48] = ICMP6_ECHO_REPLY;
    feed("fd00::fe", "fd00::1", whole, 100);
    assert_int_equal(lab.echo_errors, 1);
    const struct nst_addr remote = lab_addr("2001:db8::1"), local = lab_addr("fd00::1");
    struct dst *d;
    assert_int_equal(dst_get(lab.stack, &remote, &local, 1, &d), 0);
    assert_int_equal(d->mtu, 1300);
    dst_put(d);
    lab_fini(&lab);
}

/* ---- Errors sent ---- */

static void feed_unknown(const struct lab_ip6 *ip, size_t len)
{
    lab_feed_ip6(&lab, 1, packet, lab_build_ip6(packet, ip, pattern, len));
}

static const struct lab_ip6 unknown = {.src = "fd00::2", .dst = "fd00::1", .next = 99};

static void an_error_quotes_as_much_as_1280_bytes_hold(void **state)
{
    static const size_t lens[] = {0, 8, 100, 1192, 1193, 1400};
    for (unsigned i = 0; i < ARRAY_SIZE(lens); i++) {
        begin();
        feed_unknown(&unknown, lens[i]);
        size_t got;
        const uint8_t *e = lab_take(&lab, 1, &got, NULL, NULL);
        assert_non_null(e);
        assert_int_equal(got, lens[i] + 88 < 1280 ? lens[i] + 88 : 1280);
        assert_true(sum_is_right(e, got));
        assert_memory_equal(e + 48, packet, got - 48);
        lab_fini(&lab);
    }
}

static void errors_are_limited_to_50_at_once_and_1000_a_second(void **state)
{
    begin();
    for (unsigned i = 0; i < 60; i++)
        feed_unknown(&unknown, 8);
    assert_int_equal(lab_frames(&lab, 1), 50);
    assert_int_equal(lab.stack->counters.icmp6_errors_limited, 10);
    echo("fd00::2", "fd00::1", ICMP6_ECHO_REQUEST, 8); /* outside the limit */
    assert_int_equal(lab_frames(&lab, 1), 51);
    lab_advance(&lab, 10 * NST_MSEC);
    for (unsigned i = 0; i < 60; i++)
        feed_unknown(&unknown, 8);
    assert_int_equal(lab_frames(&lab, 1), 61);
    lab_fini(&lab);
}

/* What packet i of these is sent back for a kind of error. */
static bool is_answered(const struct lab_ip6 *ip, uint8_t *message, size_t len, uint8_t type,
                        enum net_error kind)
{
    begin();
    const size_t n = ip->next == IP_PROTO_ICMPV6 ? lab_build_icmp6(packet, ip, message, len)
                                                 : lab_build_ip6(packet, ip, message, len);
    struct nst_pkt *p = lab_packet(&lab, packet, n);
    pkt_set_net(pkt_of(p));
    pkt_of(p)->type = type;
    icmp6_send_error(nic, pkt_of(p), kind, 1300);
    nst_pkt_free(p);
    lab_run(&lab);
    const bool answered = lab_frames(&lab, 1) == 1;
    lab_fini(&lab);
    return answered;
}

static void what_may_not_be_answered_is_not(void **state)
{
    uint8_t m[16] = {0};
    struct lab_ip6 ip = {.src = "fd00::2", .dst = "fd00::1", .next = LAB_PROTO};
    const enum net_error kind = NET_ERROR_PORT_UNREACHABLE;
    assert_true(is_answered(&ip, m, 16, PKT_HOST, kind));
    assert_false(is_answered(&ip, m, 16, PKT_MULTICAST, kind));
    assert_false(is_answered(&ip, m, 16, PKT_BROADCAST, kind));
    assert_true(is_answered(&ip, m, 16, PKT_MULTICAST, NET_ERROR_TOO_BIG));
    ip.dst = "ff02::1";
    assert_false(is_answered(&ip, m, 16, PKT_HOST, kind));
    assert_true(is_answered(&ip, m, 16, PKT_HOST, NET_ERROR_TOO_BIG));
    assert_true(is_answered(&ip, m, 16, PKT_HOST, NET_ERROR_OPTION));
    ip.dst = "fd00::1";
    static const char *const sources[] = {"::", "ff02::1", "::1", "::ffff:10.0.0.1"};
    for (unsigned i = 0; i < ARRAY_SIZE(sources); i++) {
        ip.src = sources[i];
        assert_false(is_answered(&ip, m, 16, PKT_HOST, kind));
    }
    ip.src = "fd00::2";
    ip.next = IP_PROTO_ICMPV6;
    for (unsigned type = 0; type < 256; type++) {
        m[0] = (uint8_t)type;
        assert_int_equal(is_answered(&ip, m, 16, PKT_HOST, kind),
                         type >= 128 && type != ICMP6_REDIRECT);
    }
    uint8_t ext[8];
    ip6_fragment_build(ext, &(struct ip6_fragment){.off = 8, .next = LAB_PROTO});
    ip = (struct lab_ip6){
        .src = "fd00::2", .dst = "fd00::1", .next = IP_PROTO_FRAGMENT, .ext = ext, .ext_len = 8};
    assert_false(is_answered(&ip, m, 16, PKT_HOST, kind));
    assert_true(is_answered(&ip, m, 16, PKT_HOST, NET_ERROR_PARAMETER));
    ip6_fragment_build(ext, &(struct ip6_fragment){.mf = true, .next = LAB_PROTO});
    assert_true(is_answered(&ip, m, 16, PKT_HOST, kind));
}

TESTS({"RFC 4443 4.2: an echo request is answered, to a group too", an_echo_request_is_answered},
      {"replies go to the ping transport", replies_go_to_the_ping_transport},
      {"we never answer for addresses of others", we_never_answer_for_addresses_of_others},
      {"wrong checksums and short messages are dropped",
       wrong_checksums_and_short_messages_are_dropped},
      {"IPv4's ICMP is another protocol", ipv4s_icmp_is_another_protocol},
      {"nic/N105: ICMPv6 errors reach the transport that they quote",
       errors_reach_the_transport_that_they_quote},
      {"nic/N105: ICMPv6 errors that quote nonsense are ignored",
       errors_that_quote_nonsense_are_ignored},
      {"errors cut at every byte are survived", errors_cut_at_every_byte_are_survived},
      {"RFC 8201 4: too big gives the MTU", too_big_gives_the_mtu},
      {"errors about echo messages of ours are heard",
       errors_about_echo_messages_of_ours_are_heard},
      {"an error quotes as much as 1280 bytes hold", an_error_quotes_as_much_as_1280_bytes_hold},
      {"nic/N106: ICMPv6 errors are limited to 50 at once and 1000 a second",
       errors_are_limited_to_50_at_once_and_1000_a_second},
      {"nic/N106: over IPv6, what may not be answered is not", what_may_not_be_answered_is_not})
