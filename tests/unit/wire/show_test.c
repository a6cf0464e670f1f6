/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "exact.h"
#include "wire/arp.h"
#include "wire/dns.h"
#include "wire/eth.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/show.h"
#include "wire/tcpopt.h"
#include "wire/udp.h"

static const struct nst_mac mac1 = {{2, 0, 0, 0, 0, 1}}, mac2 = {{2, 0, 0, 0, 0, 2}};

/* A packet that grows: IPv4 from 10.0.0.1 to 10.0.0.2 around what was put. */
struct packet {
    uint8_t b[600];
    size_t len;
};

static void put(struct packet *p, const void *data, size_t len)
{
    memcpy(p->b + p->len, data, len);
    p->len += len;
}

static struct packet ip4_packet(uint8_t proto, const struct packet *payload, uint16_t frag_off,
                                bool mf)
{
    struct packet p = {.len = 20};
    const struct ip4_hdr hdr = {.src4 = addr_raw4(10, 0, 0, 1),
                                .dst4 = addr_raw4(10, 0, 0, 2),
                                .total_len = (uint16_t)(20 + payload->len),
                                .id = 7,
                                .frag_off = frag_off,
                                .hdr_len = 20,
                                .ttl = 64,
                                .proto = proto,
                                .mf = mf};
    ip4_build(p.b, &hdr);
    put(&p, payload->b, payload->len);
    return p;
}

static struct packet ip6_packet(uint8_t next, const struct packet *payload)
{
    struct packet p = {.len = 40};
    const struct ip6_hdr hdr = {.src = {{{0x20, 1, 0x0d, 0xb8, [15] = 1}}},
                                .dst = {{{0xfe, 0x80, [15] = 2}}},
                                .payload_len = (uint16_t)payload->len,
                                .next = next,
                                .hop_limit = 64};
    ip6_build(p.b, &hdr);
    put(&p, payload->b, payload->len);
    return p;
}

static struct packet tcp_payload(uint16_t flags, const struct tcp_opts *opts, size_t data_len)
{
    struct packet p = {.len = 20};
    p.len += tcp_opts_build(p.b + 20, 40, opts);
    const struct tcp_hdr hdr = {.src_port = 5123,
                                .dst_port = 80,
                                .seq = 1000,
                                .ack = 2000,
                                .flags = flags,
                                .wnd = 65535,
                                .urg = 3,
                                .hdr_len = (uint8_t)p.len};
    tcp_build(p.b, &hdr);
    p.len += data_len;
    return p;
}

static struct packet udp_payload(uint16_t dst_port, const void *data, size_t len)
{
    struct packet p = {.len = 8};
    const struct udp_hdr hdr = {.src_port = 9999, .dst_port = dst_port, .len = (uint16_t)(8 + len)};
    udp_build(p.b, &hdr);
    put(&p, data, len);
    return p;
}

static void assert_ip(const struct packet *p, const char *expected)
{
    char text[SHOW_TEXT];
    uint8_t *copy = exact_copy(p->b, p->len);
    assert_string_equal(show_ip(exact_begin(copy, p->len), p->len, text, sizeof(text)), expected);
    free(copy);
}

static void assert_ip4(uint8_t proto, const struct packet *payload, const char *expected)
{
    const struct packet p = ip4_packet(proto, payload, 0, false);
    assert_ip(&p, expected);
}

static void tcp_segments_are_shown_with_flags_and_options(void **state)
{
    const struct tcp_opts none = {0},
                          syn = {.present = TCP_OPTS_MSS | TCP_OPTS_TS | TCP_OPTS_WSCALE |
                                            TCP_OPTS_SACK_PERMITTED,
                                 .mss = 1460,
                                 .wscale = 7,
                                 .ts_val = 1},
                          sack = {.present = TCP_OPTS_SACK, .n_sack = 2, .sack = {{1, 2}, {5, 9}}},
                          tfo = {.present = TCP_OPTS_FASTOPEN},
                          cookie = {.present = TCP_OPTS_FASTOPEN,
                                    .cookie_len = 4,
                                    .cookie = {1, 2, 3, 0xfe}};
    struct packet p = tcp_payload(TCP_SYN, &syn, 0);
    assert_ip4(6, &p,
               "IP 10.0.0.1.5123 > 10.0.0.2.80: Flags [S], seq 1000, win 65535, options [mss "
               "1460,sackOK,TS val 1 ecr 0,wscale 7], length 0");
    p = tcp_payload(TCP_PSH | TCP_ACK, &none, 10);
    assert_ip4(6, &p,
               "IP 10.0.0.1.5123 > 10.0.0.2.80: Flags [P.], seq 1000:1010, ack 2000, win 65535, "
               "length 10");
    p = tcp_payload(TCP_ACK, &sack, 0);
    assert_ip4(6, &p,
               "IP 10.0.0.1.5123 > 10.0.0.2.80: Flags [.], ack 2000, win 65535, options [sack 2 "
               "{1:2}{5:9}], length 0");
    p = tcp_payload(TCP_FIN | TCP_SYN | TCP_URG | TCP_ECE | TCP_CWR | TCP_AE, &tfo, 0);
    assert_ip4(6, &p,
               "IP 10.0.0.1.5123 > 10.0.0.2.80: Flags [FSUEWe], seq 1000, win 65535, urg 3, "
               "options [tfo cookiereq], length 0");
    p = tcp_payload(0, &cookie, 0);
    assert_ip4(6, &p,
               "IP 10.0.0.1.5123 > 10.0.0.2.80: Flags [none], win 65535, options [tfo 010203fe], "
               "length 0");
    p.len = 19;
    assert_ip4(6, &p, "IP 10.0.0.1 > 10.0.0.2: [malformed TCP], length 19");
}

static void rare_tcp_options_are_shown(void **state)
{
    const struct tcp_opts rare = {.present = TCP_OPTS_USER_TIMEOUT | TCP_OPTS_ACCECN |
                                             TCP_OPTS_FASTOPEN | TCP_OPTS_FASTOPEN_EXP,
                                  .user_timeout = 0x8005,
                                  .cookie_len = 4,
                                  .accecn_order = 1,
                                  .accecn_count = 3,
                                  .accecn = {1, 2, 3}};
    struct packet p = tcp_payload(TCP_ACK, &rare, 0);

    assert_ip4(6, &p,
               "IP 10.0.0.1.5123 > 10.0.0.2.80: Flags [.], ack 2000, win 65535, options [uto "
               "5min,tfo-exp 00000000,accecn1 1/2/3], length 0");
    p.b[20] = 3;
    p.b[21] = 0;
    assert_ip4(6, &p,
               "IP 10.0.0.1.5123 > 10.0.0.2.80: Flags [.], ack 2000, win 65535, options "
               "[[malformed]], length 0");
}

static void udp_is_shown_with_its_length(void **state)
{
    struct packet p = udp_payload(1234, "hello", 5);

    assert_ip4(17, &p, "IP 10.0.0.1.9999 > 10.0.0.2.1234: UDP, length 5");
    be16_put(p.b + 4, 100);
    assert_ip4(17, &p, "IP 10.0.0.1.9999 > 10.0.0.2.1234: UDP, bad length 92 > 5");
    be16_put(p.b + 4, 7);
    assert_ip4(17, &p, "IP 10.0.0.1 > 10.0.0.2: [malformed UDP], length 13");
}

static void dns_is_shown_with_its_names(void **state)
{
    struct dns_builder builder;
    struct dns_name name, other;
    const struct nst_addr addr = nst_addr_v4(192, 0, 2, 1);
    uint8_t msg[200];

    dns_name_from_text("www.example.com", &name);
    dns_name_from_text("b.c", &other);
    dns_builder_init(&builder, msg, sizeof(msg), 77, DNS_RD);
    dns_builder_question(&builder, &name, DNS_TYPE_A);
    struct packet p = udp_payload(53, msg, dns_builder_finish(&builder));
    assert_ip4(17, &p, "IP 10.0.0.1.9999 > 10.0.0.2.53: DNS 77+ A? www.example.com (33)");
    dns_builder_init(&builder, msg, sizeof(msg), 77, DNS_QR | DNS_AA);
    dns_builder_question(&builder, &name, 99);
    dns_builder_addr(&builder, &name, 5, &addr);
    dns_builder_ptr(&builder, &name, 5, &other);
    p = udp_payload(53, msg, dns_builder_finish(&builder));
    assert_ip4(17, &p,
               "IP 10.0.0.1.9999 > 10.0.0.2.53: DNS 77* 2/0/0 TYPE99? www.example.com: A "
               "192.0.2.1, PTR b.c (66)");
    dns_builder_init(&builder, msg, sizeof(msg), 77, DNS_QR | DNS_NXDOMAIN);
    p = udp_payload(53, msg, dns_builder_finish(&builder));
    assert_ip4(17, &p, "IP 10.0.0.1.9999 > 10.0.0.2.53: DNS 77 NXDomain 0/0/0 (12)");
    p = udp_payload(53, msg, 11);
    assert_ip4(17, &p, "IP 10.0.0.1.9999 > 10.0.0.2.53: DNS [malformed], length 11");
}

static void icmp_errors_say_what_they_are_about(void **state)
{
    const struct tcp_opts none = {0};
    const struct packet segment = tcp_payload(TCP_ACK, &none, 0);
    const struct packet inner = ip4_packet(6, &segment, 0, false);
    const struct icmp4_hdr needed = {.type = 3, .code = 4, .mtu = 1400},
                           echo = {.type = 8, .id = 5, .seq = 6},
                           redirect = {.type = 5, .gateway4 = addr_raw4(10, 0, 0, 9)},
                           exceeded = {.type = 11}, problem = {.type = 12, .pointer = 20},
                           odd = {.type = 99, .code = 3};
    struct packet p = {.len = 8};

    icmp4_build(p.b, &needed);
    put(&p, inner.b, 28);
    assert_ip4(1, &p,
               "IP 10.0.0.1 > 10.0.0.2: ICMP frag needed (mtu 1400), length 36 (about "
               "10.0.0.1.5123 > 10.0.0.2.80: tcp seq 1000)");
    p.len = 8;
    icmp4_build(p.b, &echo);
    assert_ip4(1, &p, "IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 5, seq 6, length 8");
    icmp4_build(p.b, &redirect);
    assert_ip4(1, &p,
               "IP 10.0.0.1 > 10.0.0.2: ICMP redirect to 10.0.0.9, length 8 (about [malformed "
               "IPv4], length 0)");
    put(&p, inner.b, inner.len);
    icmp4_build(p.b, &exceeded);
    assert_ip4(1, &p,
               "IP 10.0.0.1 > 10.0.0.2: ICMP time exceeded in transit, length 48 (about "
               "10.0.0.1.5123 > 10.0.0.2.80: Flags [.], ack 2000, win 65535, length 0)");
    icmp4_build(p.b, &problem);
    assert_ip4(1, &p,
               "IP 10.0.0.1 > 10.0.0.2: ICMP parameter problem at byte 20, length 48 (about "
               "10.0.0.1.5123 > 10.0.0.2.80: Flags [.], ack 2000, win 65535, length 0)");
    p.len = 8;
    icmp4_build(p.b, &odd);
    assert_ip4(1, &p, "IP 10.0.0.1 > 10.0.0.2: ICMP type 99 code 3, length 8");
    p.len = 7;
    assert_ip4(1, &p, "IP 10.0.0.1 > 10.0.0.2: [malformed ICMP], length 7");
}

static void fragments_and_damage_are_marked(void **state)
{
    const struct packet payload = udp_payload(1234, "hello wo", 8);
    struct packet p = ip4_packet(17, &payload, 0, true);

    assert_ip(&p, "IP 10.0.0.1.9999 > 10.0.0.2.1234: UDP, length 8 (frag id 7 at 0, more)");
    p = ip4_packet(17, &payload, 1480, false);
    assert_ip(&p, "IP 10.0.0.1 > 10.0.0.2: proto 17, length 16 (frag id 7 at 1480)");
    p = ip4_packet(17, &payload, 0, false);
    p.b[10] = p.b[11] = 0;
    assert_ip(&p, "IP 10.0.0.1.9999 > 10.0.0.2.1234: UDP, length 8 [bad IPv4 checksum 0x0000]");
    p = ip4_packet(17, &payload, 0, false);
    p.len = 30;
    assert_ip(&p, "IP 10.0.0.1.9999 > 10.0.0.2.1234: UDP, length 8 [30 of 36 bytes]");
    p.len = 10;
    assert_ip(&p, "IP [malformed IPv4], length 10");
    p.len = 0;
    assert_ip(&p, "[no IP], length 0");
}

static void ipv6_is_shown_through_its_extensions(void **state)
{
    const struct packet udp = udp_payload(1234, "hello", 5);
    const struct ip6_fragment fragment = {.id = 9, .off = 16, .next = 17};
    struct packet p = ip6_packet(17, &udp), chain = {.len = 8};

    assert_ip(&p, "IP6 2001:db8::1.9999 > fe80::2.1234: UDP, length 5");
    chain.b[0] = 17;
    put(&chain, udp.b, udp.len);
    p = ip6_packet(0, &chain);
    assert_ip(&p, "IP6 2001:db8::1.9999 > fe80::2.1234: UDP, length 5");
    ip6_fragment_build(chain.b, &fragment);
    p = ip6_packet(44, &chain);
    assert_ip(&p, "IP6 2001:db8::1 > fe80::2: proto 17, length 13 (frag id 9 at 16)");
    chain.b[1] = 9;
    p = ip6_packet(60, &chain);
    assert_ip(&p, "IP6 2001:db8::1 > fe80::2: [malformed extension header], length 21");
    p = ip6_packet(59, &udp);
    assert_ip(&p, "IP6 2001:db8::1 > fe80::2: no next header, length 13");
    p = ip6_packet(58, &udp);
    assert_ip(&p, "IP6 2001:db8::1 > fe80::2: ICMP6 type 39 code 15, length 13");
}

static void assert_frame(uint16_t type, const void *data, size_t len, const char *expected)
{
    const struct eth_hdr eth = {.dst = mac2, .src = mac1, .type = type};
    char text[SHOW_TEXT];
    struct packet p = {.len = 14};

    eth_build(p.b, &eth);
    put(&p, data, len);
    assert_string_equal(show_eth(p.b, p.len, text, sizeof(text)), expected);
}

static void frames_are_shown_with_arp_and_tags(void **state)
{
    const uint32_t a = addr_raw4(10, 0, 0, 1), b = addr_raw4(10, 0, 0, 2);
    const struct arp_hdr request = arp_request(&mac1, a, b), probe = arp_request(&mac1, 0, b),
                         announcement = arp_request(&mac1, a, a);
    const struct arp_hdr reply = arp_reply(&request, &mac2);
    uint8_t bytes[4 + ARP_LEN] = {0, 5, 8, 6};

    arp_build(bytes + 4, &request);
    assert_frame(ETH_TYPE_ARP, bytes + 4, ARP_LEN,
                 "02:00:00:00:00:01 > 02:00:00:00:00:02 ARP, who-has 10.0.0.2 tell 10.0.0.1");
    assert_frame(
        ETH_TYPE_VLAN, bytes, sizeof(bytes),
        "02:00:00:00:00:01 > 02:00:00:00:00:02 vlan 5 ARP, who-has 10.0.0.2 tell 10.0.0.1");
    arp_build(bytes + 4, &probe);
    assert_frame(ETH_TYPE_ARP, bytes + 4, ARP_LEN,
                 "02:00:00:00:00:01 > 02:00:00:00:00:02 ARP, who-has 10.0.0.2 (probe)");
    arp_build(bytes + 4, &announcement);
    assert_frame(ETH_TYPE_ARP, bytes + 4, ARP_LEN,
                 "02:00:00:00:00:01 > 02:00:00:00:00:02 ARP, announcement 10.0.0.1 tell 10.0.0.1");
    arp_build(bytes + 4, &reply);
    assert_frame(ETH_TYPE_ARP, bytes + 4, ARP_LEN,
                 "02:00:00:00:00:01 > 02:00:00:00:00:02 ARP, reply 10.0.0.2 is-at "
                 "02:00:00:00:00:02");
    assert_frame(ETH_TYPE_ARP, bytes, 4,
                 "02:00:00:00:00:01 > 02:00:00:00:00:02 ARP [malformed], length 4");
    assert_frame(0x88cc, bytes, 4, "02:00:00:00:00:01 > 02:00:00:00:00:02 type 0x88cc, length 4");
}

static void any_size_of_buffer_is_kept(void **state)
{
    const struct packet payload = udp_payload(1234, "hello", 5);
    const struct packet p = ip4_packet(17, &payload, 0, false);
    char whole[SHOW_TEXT];

    show_ip(p.b, p.len, whole, sizeof(whole));
    for (size_t size = 1; size < 80; size++) {
        char *text = malloc(size);
        show_ip(p.b, p.len, text, size);
        assert_true(strlen(text) < size);
        assert_memory_equal(text, whole, strlen(text));
        free(text);
    }
    show_ip(p.b, p.len, NULL, 0);
}

static void any_cut_and_any_byte_gives_a_printable_line(void **state)
{
    const struct tcp_opts none = {0};
    const struct packet segment = tcp_payload(TCP_ACK, &none, 4);
    const struct packet p = ip4_packet(6, &segment, 0, false);
    uint32_t seed = 11;

    for (unsigned round = 0; round < 20000; round++) {
        struct packet bad = p;
        char text[SHOW_TEXT];
        bad.len = exact_random(&seed) % (p.len + 1);
        for (unsigned i = 0; i < 3; i++)
            bad.b[exact_random(&seed) % p.len] = (uint8_t)exact_random(&seed);
        uint8_t *copy = exact_copy(bad.b, bad.len);
        show_ip(exact_begin(copy, bad.len), bad.len, text, sizeof(text));
        for (const char *c = text; *c != '\0'; c++)
            assert_true(*c >= ' ' && *c < 127);
        free(copy);
    }
}

TESTS({"tcp segments are shown with flags and options",
       tcp_segments_are_shown_with_flags_and_options},
      {"rare tcp options are shown", rare_tcp_options_are_shown},
      {"udp is shown with its length", udp_is_shown_with_its_length},
      {"dns is shown with its names", dns_is_shown_with_its_names},
      {"icmp errors say what they are about", icmp_errors_say_what_they_are_about},
      {"fragments and damage are marked", fragments_and_damage_are_marked},
      {"IPv6 is shown through its extensions", ipv6_is_shown_through_its_extensions},
      {"frames are shown with arp and tags", frames_are_shown_with_arp_and_tags},
      {"any size of buffer is kept", any_size_of_buffer_is_kept},
      {"any cut and any byte gives a printable line", any_cut_and_any_byte_gives_a_printable_line})
