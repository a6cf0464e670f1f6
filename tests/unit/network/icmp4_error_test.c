/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

#include "network/icmp4.h"
#include "wire/icmp4.h"

static struct lab lab;
static struct nic *nic;
static uint8_t packet[2000];
static const uint8_t pattern[1500] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

static void begin(void)
{
    lab_init(&lab);
    nic = lab_add_nic(&lab, 1, 0, 1500);
    lab_add_addr(&lab, 1, "10.0.0.1/24");
}

/* Protocol 99 is unknown here: the stack answers it with an error. */
static void feed(const struct lab_ip *ip, size_t len)
{
    lab_feed_ip(&lab, 1, packet, lab_build_ip(packet, ip, pattern, len));
}

static const struct lab_ip unknown = {.src = "10.0.0.2", .dst = "10.0.0.1", .proto = 99};

static void an_error_quotes_as_much_as_576_bytes_hold(void **state)
{
    static const size_t lens[] = {0, 8, 100, 528, 529, 1400};
    for (unsigned i = 0; i < ARRAY_SIZE(lens); i++) {
        begin();
        feed(&unknown, lens[i]);
        size_t got;
        const uint8_t *e = lab_take(&lab, 1, &got, NULL, NULL);
        assert_non_null(e);
        assert_int_equal(got, lens[i] + 48 < 576 ? lens[i] + 48 : 576);
        assert_int_equal(e[1], 0xc0);
        assert_int_equal(e[20], ICMP4_UNREACHABLE);
        assert_int_equal(e[21], ICMP4_PROTO_UNREACHABLE);
        assert_true(csum_ok(csum_short(e + 20, got - 20, 0)));
        assert_memory_equal(e + 28, packet, got - 28);
        lab_fini(&lab);
    }
}

static void errors_are_limited_to_50_at_once_and_1000_a_second(void **state)
{
    begin();
    for (unsigned i = 0; i < 60; i++)
        feed(&unknown, 8);
    assert_int_equal(lab_frames(&lab, 1), 50);
    assert_int_equal(lab.stack->counters.icmp4_errors_limited, 10);
    lab_advance(&lab, 10 * NST_MSEC);
    for (unsigned i = 0; i < 60; i++)
        feed(&unknown, 8);
    assert_int_equal(lab_frames(&lab, 1), 60);
    lab_fini(&lab);
}

static void echo_replies_are_outside_the_limit(void **state)
{
    begin();
    for (unsigned i = 0; i < 60; i++)
        feed(&unknown, 8);
    lab_discard(&lab, 1);
    const struct lab_ip ip = {.src = "10.0.0.2", .dst = "10.0.0.1", .proto = IP_PROTO_ICMP};
    uint8_t echo[8];
    lab_build_echo(echo, ICMP4_ECHO_REQUEST, 1, 1, 0);
    for (unsigned i = 0; i < 100; i++)
        lab_feed_ip(&lab, 1, packet, lab_build_ip(packet, &ip, echo, 8));
    assert_int_equal(lab_frames(&lab, 1), 100);
    lab_fini(&lab);
}

static void what_is_not_to_be_answered_is_not(void **state)
{
    static const struct lab_ip silent[] = {
        {.src = "10.0.0.2", .dst = "10.0.0.255", .proto = 99},      /* to a broadcast */
        {.src = "10.0.0.2", .dst = "255.255.255.255", .proto = 99}, /* to the limited one */
        {.src = "10.0.0.2", .dst = "224.0.0.1", .proto = 99},       /* to a group */
        {.src = "10.0.0.255", .dst = "10.0.0.1", .proto = 99},      /* from a broadcast */
        {.src = "0.0.0.0", .dst = "224.0.0.1", .proto = 99},        /* from nobody */
        {.src = "127.0.0.1", .dst = "10.0.0.1", .proto = 99},       /* from ourselves */
    };
    begin();
    for (unsigned i = 0; i < ARRAY_SIZE(silent); i++)
        feed(&silent[i], 8);
    assert_int_equal(lab_frames(&lab, 1), 0);
    lab_fini(&lab);
}

/* A packet as a transport holds it: header at net_off, data behind it. */
static struct nst_pkt *received(const struct lab_ip *ip, const void *payload, size_t len,
                                enum pkt_type type)
{
    const size_t n = lab_build_ip(packet, ip, payload, len);
    struct nst_pkt *p = lab_packet(&lab, packet, n);
    pkt_set_net(pkt_of(p));
    pkt_of(p)->type = (uint8_t)type;
    nst_pkt_pull(p, IP4_HDR_LEN);
    return p;
}

static size_t errors_for(const struct lab_ip *ip, const void *payload, size_t len,
                         enum pkt_type type)
{
    begin();
    struct nst_pkt *p = received(ip, payload, len, type);
    icmp4_send_error(nic, pkt_of(p), NET_ERROR_PORT_UNREACHABLE, 0);
    lab_run(&lab);
    const size_t n = lab_frames(&lab, 1);
    nst_pkt_free(p);
    lab_fini(&lab);
    return n;
}

static void link_broadcasts_fragments_and_errors_are_not_answered(void **state)
{
    assert_int_equal(errors_for(&unknown, pattern, 8, PKT_HOST), 1);
    assert_int_equal(errors_for(&unknown, pattern, 8, PKT_BROADCAST), 0);
    assert_int_equal(errors_for(&unknown, pattern, 8, PKT_MULTICAST), 0);
    struct lab_ip ip = unknown;
    ip.frag = 8;
    assert_int_equal(errors_for(&ip, pattern, 8, PKT_HOST), 0);
    ip.frag = 0;
    ip.mf = true;
    assert_int_equal(errors_for(&ip, pattern, 8, PKT_HOST), 1);
    ip = unknown;
    ip.proto = IP_PROTO_ICMP;
    for (unsigned type = 0; type < 256; type++) {
        const uint8_t icmp[8] = {(uint8_t)type};
        const enum icmp4_class class = icmp4_classify((uint8_t)type);
        const bool ok = class == ICMP4_CLASS_QUERY || class == ICMP4_CLASS_REPLY;
        assert_int_equal(errors_for(&ip, icmp, 8, PKT_HOST), ok);
    }
    assert_int_equal(errors_for(&ip, pattern, 0, PKT_HOST), 0);
}

static void each_kind_has_its_type_code_and_word(void **state)
{
    static const struct {
        enum net_error kind;
        uint8_t type, code;
    } all[] = {
        {NET_ERROR_NET_UNREACHABLE, 3, 0},   {NET_ERROR_HOST_UNREACHABLE, 3, 1},
        {NET_ERROR_PROTO_UNREACHABLE, 3, 2}, {NET_ERROR_PORT_UNREACHABLE, 3, 3},
        {NET_ERROR_TOO_BIG, 3, 4},           {NET_ERROR_SOURCE_ROUTE, 3, 5},
        {NET_ERROR_PROHIBITED, 3, 13},       {NET_ERROR_TTL_EXCEEDED, 11, 0},
        {NET_ERROR_REASSEMBLY, 11, 1},       {NET_ERROR_PARAMETER, 12, 0},
    };
    begin();
    for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
        struct nst_pkt *p = received(&unknown, pattern, 8, PKT_HOST);
        icmp4_send_error(nic, pkt_of(p), all[i].kind, 0x21);
        lab_run(&lab);
        const uint8_t *e = lab_take(&lab, 1, NULL, NULL, NULL);
        assert_non_null(e);
        assert_int_equal(e[20], all[i].type);
        assert_int_equal(e[21], all[i].code);
        if (all[i].kind == NET_ERROR_TOO_BIG)
            assert_int_equal(be16_get(e + 26), 0x21);
        if (all[i].kind == NET_ERROR_PARAMETER)
            assert_int_equal(e[24], 0x21);
        nst_pkt_free(p);
    }
    lab_fini(&lab);
}

static void packets_with_options_are_quoted_with_them(void **state)
{
    static const uint8_t rr[8] = {IP4_OPT_RR, 7, 4, 0, 0, 0, 0, 0};
    begin();
    struct lab_ip ip = unknown;
    ip.options = rr;
    ip.options_len = 8;
    feed(&ip, 20);
    size_t got;
    const uint8_t *e = lab_take(&lab, 1, &got, NULL, NULL);
    assert_non_null(e);
    assert_int_equal(got, 28 + 28 + 20);
    assert_memory_equal(e + 28, packet, 48);
    lab_fini(&lab);
}

TESTS({"RFC 1812 4.3.2.3: an error quotes as much as 576 bytes hold",
       an_error_quotes_as_much_as_576_bytes_hold},
      {"nic/N106: errors are limited to 50 at once and 1000 a second",
       errors_are_limited_to_50_at_once_and_1000_a_second},
      {"nic/N106: echo replies are outside the limit", echo_replies_are_outside_the_limit},
      {"nic/N106: what is not to be answered is not", what_is_not_to_be_answered_is_not},
      {"nic/N106: link broadcasts, fragments and errors are not answered",
       link_broadcasts_fragments_and_errors_are_not_answered},
      {"each kind has its type, code and word", each_kind_has_its_type_code_and_word},
      {"packets with options are quoted with them", packets_with_options_are_quoted_with_them})
