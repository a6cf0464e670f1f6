/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

#include "wire/icmp4.h"

static struct lab lab;
static struct nic *nic;
static uint8_t buf[2000], packet[2000];

static void begin(void)
{
    lab_init(&lab);
    nic = lab_add_nic(&lab, 1, 0, 1500);
    lab_add_addr(&lab, 1, "10.0.0.1/24");
    for (size_t i = 0; i < sizeof(buf); i++)
        buf[i] = (uint8_t)i;
}

static void feed(const char *src, const char *dst, const void *icmp, size_t len)
{
    const struct lab_ip ip = {.src = src, .dst = dst, .proto = IP_PROTO_ICMP, .tos = 0x13};
    lab_feed_ip(&lab, 1, packet, lab_build_ip(packet, &ip, icmp, len));
}

static void echo(const char *src, const char *dst, size_t len)
{
    feed(src, dst, buf, lab_build_echo(buf, ICMP4_ECHO_REQUEST, 77, 3, len));
}

static void an_echo_request_is_answered(void **state)
{
    for (size_t len = 0; len < 1400; len += 99) {
        begin();
        echo("10.0.0.2", "10.0.0.1", len);
        size_t got;
        const uint8_t *r = lab_take(&lab, 1, &got, NULL, NULL);
        assert_non_null(r);
        assert_int_equal(got, 28 + len);
        struct ip4_hdr ip;
        assert_int_equal(ip4_parse(r, got, &ip), 20);
        assert_true(ip4_csum_ok(r, 20));
        const struct nst_addr us = lab_addr("10.0.0.1"), peer = lab_addr("10.0.0.2");
        assert_int_equal(ip.src4, us.w[3]);
        assert_int_equal(ip.dst4, peer.w[3]);
        assert_int_equal(ip.ttl, 64);
        assert_int_equal(ip.tos, 0x10); /* without the ECN bits */
        assert_int_equal(r[20], ICMP4_ECHO_REPLY);
        assert_true(csum_ok(csum_short(r + 20, got - 20, 0)));
        assert_memory_equal(r + 24, buf + 4, 4 + len);
        lab_fini(&lab);
    }
}

static void groups_and_broadcasts_are_not_answered(void **state)
{
    begin();
    echo("10.0.0.2", "10.0.0.255", 10);
    echo("10.0.0.2", "255.255.255.255", 10);
    echo("10.0.0.2", "224.0.0.1", 10);
    assert_int_equal(lab_frames(&lab, 1), 0);
    assert_int_equal(lab_drops(&lab, DROP_ICMP_IGNORED), 3);
    lab_fini(&lab);
}

static void we_never_answer_for_addresses_of_others(void **state)
{
    begin();
    lab_add_route(&lab, "0.0.0.0/0", 1, NULL);
    nst_nic_set_promiscuous(lab.stack, 1, true);
    echo("10.0.0.2", "192.0.2.9", 10);
    assert_int_equal(lab_frames(&lab, 1), 0);
    assert_int_equal(lab.handled, 1);
    assert_false(lab.rx.dst_assigned);
    lab.stack->default_handler = NULL;
    echo("10.0.0.2", "192.0.2.9", 10);
    assert_int_equal(lab_frames(&lab, 1), 0);
    lab_fini(&lab);
}

static void replies_go_to_the_ping_transport(void **state)
{
    begin();
    feed("10.0.0.2", "10.0.0.1", buf, lab_build_echo(buf, ICMP4_ECHO_REPLY, 77, 3, 10));
    assert_int_equal(lab.echo_replies, 1);
    lab.stack->echo_reply = NULL;
    feed("10.0.0.2", "10.0.0.1", buf, lab_build_echo(buf, ICMP4_ECHO_REPLY, 77, 3, 10));
    assert_int_equal(lab_drops(&lab, DROP_ICMP_IGNORED), 1);
    lab_fini(&lab);
}

/* RFC 1624 3: of nothing but zeros the sum is 0xffff, and 0 is wrong. */
static void an_echo_of_zeros_has_the_right_sum(void **state)
{
    size_t got;
    begin();
    feed("10.0.0.2", "10.0.0.1", buf, lab_build_echo(buf, ICMP4_ECHO_REQUEST, 0, 0, 0));
    const uint8_t *r = lab_take(&lab, 1, &got, NULL, NULL);
    assert_non_null(r);
    assert_int_equal(r[20], ICMP4_ECHO_REPLY);
    assert_true(csum_ok(csum_short(r + 20, got - 20, 0)));
    lab_fini(&lab);
}

static void wrong_checksums_and_short_messages_are_dropped(void **state)
{
    begin();
    size_t len = lab_build_echo(buf, ICMP4_ECHO_REQUEST, 77, 3, 10);
    buf[12] ^= 1;
    feed("10.0.0.2", "10.0.0.1", buf, len);
    for (size_t n = 0; n < 8; n++) {
        memset(buf, 0xff, 8); /* a right sum at any even length */
        feed("10.0.0.2", "10.0.0.1", buf, n);
    }
    assert_int_equal(lab.stack->counters.icmp4_malformed, 9);
    assert_int_equal(lab_frames(&lab, 1), 0);
    lab_fini(&lab);
}

/* ---- Errors received ---- */

struct quote {
    const char *src, *dst;
    uint8_t proto;
    uint16_t frag;
    size_t len;     /* of the quoted payload */
    uint16_t total; /* claimed payload */
};

static void feed_error(uint8_t type, uint8_t code, uint16_t info, const struct quote *q)
{
    const struct icmp4_hdr h = {.type = type, .code = code, .mtu = info, .pointer = (uint8_t)info};
    icmp4_build(buf, &h);
    const struct lab_ip ip = {.src = q->src, .dst = q->dst, .proto = q->proto, .frag = q->frag};
    static const uint8_t payload[1500] = {0x12, 0x34, 0x56, 0x78, 1, 2, 3, 4};
    static uint8_t whole[1600];
    lab_build_ip(whole, &ip, payload, q->total);
    memcpy(buf + 8, whole, 20 + q->len);
    icmp4_csum_put(buf, csum_short(buf, 28 + q->len, 0));
    feed("10.0.0.254", "10.0.0.1", buf, 28 + q->len);
}

static const struct quote good = {"10.0.0.1", "192.0.2.1", LAB_PROTO, 0, 8, 1400};

static void errors_reach_the_transport_that_they_quote(void **state)
{
    static const struct {
        uint8_t type, code;
        enum net_error kind;
    } all[] = {
        {ICMP4_UNREACHABLE, 0, NET_ERROR_NET_UNREACHABLE},
        {ICMP4_UNREACHABLE, 1, NET_ERROR_HOST_UNREACHABLE},
        {ICMP4_UNREACHABLE, 2, NET_ERROR_PROTO_UNREACHABLE},
        {ICMP4_UNREACHABLE, 3, NET_ERROR_PORT_UNREACHABLE},
        {ICMP4_UNREACHABLE, 5, NET_ERROR_SOURCE_ROUTE},
        {ICMP4_UNREACHABLE, 6, NET_ERROR_NET_UNREACHABLE},
        {ICMP4_UNREACHABLE, 7, NET_ERROR_HOST_UNREACHABLE},
        {ICMP4_UNREACHABLE, 9, NET_ERROR_PROHIBITED},
        {ICMP4_UNREACHABLE, 13, NET_ERROR_PROHIBITED},
        {ICMP4_UNREACHABLE, 99, NET_ERROR_HOST_UNREACHABLE},
        {ICMP4_TIME_EXCEEDED, 0, NET_ERROR_TTL_EXCEEDED},
        {ICMP4_TIME_EXCEEDED, 1, NET_ERROR_REASSEMBLY},
        {ICMP4_PARAMETER_PROBLEM, 0, NET_ERROR_PARAMETER},
    };
    begin();
    for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
        feed_error(all[i].type, all[i].code, 9, &good);
        assert_int_equal(lab.errors, i + 1);
        assert_int_equal(lab.error.kind, all[i].kind);
        assert_int_equal(lab.quote[0], 0x12);
        assert_int_equal(lab.error.quote_len, 8);
    }
    assert_int_equal(lab.error.info, 9);
    lab_fini(&lab);
}

static void errors_that_quote_nonsense_are_ignored(void **state)
{
    static const struct quote bad[] = {
        {"10.0.0.7", "192.0.2.1", LAB_PROTO, 0, 8, 1400}, /* not from us */
        {"10.0.0.1", "192.0.2.1", LAB_PROTO, 8, 8, 1400}, /* not the first fragment */
        {"10.0.0.1", "192.0.2.1", LAB_PROTO, 0, 7, 1400}, /* cut short */
        {"10.0.0.1", "192.0.2.1", LAB_PROTO, 0, 8, 7},    /* never had 8 bytes */
        {"10.0.0.1", "192.0.2.1", 99, 0, 8, 1400},        /* no such transport */
    };
    begin();
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        feed_error(ICMP4_UNREACHABLE, 3, 0, &bad[i]);
    feed_error(ICMP4_SOURCE_QUENCH, 0, 0, &good);
    feed_error(ICMP4_REDIRECT, 0, 0, &good);
    assert_int_equal(lab.errors, 0);
    assert_int_equal(lab_frames(&lab, 1), 0);
    lab_fini(&lab);
}

static void errors_cut_at_every_byte_are_survived(void **state)
{
    begin();
    for (size_t n = 8; n < 36; n++) {
        const struct icmp4_hdr h = {.type = ICMP4_UNREACHABLE, .code = 3};
        const struct lab_ip ip = {.src = "10.0.0.1", .dst = "192.0.2.1", .proto = LAB_PROTO};
        uint8_t whole[64];
        icmp4_build(whole, &h);
        lab_build_ip(whole + 8, &ip, "12345678", 8);
        uint8_t *exact = malloc(n);
        memcpy(exact, whole, n);
        icmp4_csum_put(exact, csum_short(exact, n, 0));
        feed("10.0.0.254", "10.0.0.1", exact, n);
        free(exact);
    }
    assert_int_equal(lab.errors, 0);
    lab_fini(&lab);
}

static void fragmentation_needed_gives_the_mtu(void **state)
{
    begin();
    feed_error(ICMP4_UNREACHABLE, ICMP4_FRAG_NEEDED, 1300, &good);
    assert_int_equal(lab.error.kind, NET_ERROR_TOO_BIG);
    assert_int_equal(lab.error.info, 1300);
    /* RFC 1191 7.1: an old router does not say; 1420 bytes did not fit. */
    feed_error(ICMP4_UNREACHABLE, ICMP4_FRAG_NEEDED, 0, &good);
    assert_int_equal(lab.error.info, 1006);
    assert_int_equal(lab.errors, 2);
    /* Below 68, and not below what was sent: nobody is told. */
    feed_error(ICMP4_UNREACHABLE, ICMP4_FRAG_NEEDED, 67, &good);
    feed_error(ICMP4_UNREACHABLE, ICMP4_FRAG_NEEDED, 1420, &good);
    feed_error(ICMP4_UNREACHABLE, ICMP4_FRAG_NEEDED, 65535, &good);
    assert_int_equal(lab.errors, 2);
    feed_error(ICMP4_UNREACHABLE, ICMP4_FRAG_NEEDED, 68, &good);
    assert_int_equal(lab.errors, 3);
    lab_fini(&lab);
}

static void errors_about_echo_requests_reach_the_ping_transport(void **state)
{
    begin();
    struct quote q = good;
    q.proto = IP_PROTO_ICMP; /* the payload begins with 0x12: no echo request */
    feed_error(ICMP4_UNREACHABLE, 1, 0, &q);
    assert_int_equal(lab.echo_errors, 0);
    const struct icmp4_hdr h = {.type = ICMP4_UNREACHABLE, .code = 1};
    const struct lab_ip ip = {.src = "10.0.0.1", .dst = "192.0.2.1", .proto = IP_PROTO_ICMP};
    uint8_t echo_hdr[8], whole[36];
    lab_build_echo(echo_hdr, ICMP4_ECHO_REQUEST, 1, 2, 0);
    icmp4_build(whole, &h);
    lab_build_ip(whole + 8, &ip, echo_hdr, 8);
    icmp4_csum_put(whole, csum_short(whole, 36, 0));
    feed("10.0.0.254", "10.0.0.1", whole, 36);
    assert_int_equal(lab.echo_errors, 1);
    lab_fini(&lab);
}

TESTS({"RFC 1122 3.2.2.6: an echo request is answered", an_echo_request_is_answered},
      {"RFC 1624 3: an echo of zeros has the right sum", an_echo_of_zeros_has_the_right_sum},
      {"groups and broadcasts are not answered", groups_and_broadcasts_are_not_answered},
      {"we never answer for addresses of others", we_never_answer_for_addresses_of_others},
      {"replies go to the ping transport", replies_go_to_the_ping_transport},
      {"wrong checksums and short messages are dropped",
       wrong_checksums_and_short_messages_are_dropped},
      {"nic/N105: errors reach the transport that they quote",
       errors_reach_the_transport_that_they_quote},
      {"nic/N105: errors that quote nonsense are ignored", errors_that_quote_nonsense_are_ignored},
      {"errors cut at every byte are survived", errors_cut_at_every_byte_are_survived},
      {"RFC 1191: fragmentation needed gives the MTU", fragmentation_needed_gives_the_mtu},
      {"errors about echo requests reach the ping transport",
       errors_about_echo_requests_reach_the_ping_transport})
