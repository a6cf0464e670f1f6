/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks with two and three NICs, on the same and on different subnets; each test is about IPv4 and
 * IPv6. */
#include "testing.h"

#include "frames.h"
#include "nicbox.h"
#include "world.h"

#include "wire/ipproto.h"

static struct nicbox b;

static const char *const any[2] = {"0.0.0.0", "::"};

/* NIC n is n.1 of subnet n, of both families. */
static void begin(unsigned nics, bool weak)
{
    nicbox_begin(&b, &(struct nicbox_config){.weak_host = weak});
    for (unsigned n = 1; n <= nics; n++) {
        char text[64];
        nicbox_add(&b, n, NICBOX_IP);
        snprintf(text, sizeof(text), "10.%u.0.1/24", n);
        nicbox_addr(&b, n, text);
        snprintf(text, sizeof(text), "fd00:%u::1/64", n);
        nicbox_addr(&b, n, text);
    }
}

static const char *own(bool v6, unsigned n)
{
    static const char *const texts[2][3] = {{"10.1.0.1", "10.2.0.1", "10.3.0.1"},
                                            {"fd00:1::1", "fd00:2::1", "fd00:3::1"}};
    return texts[v6][n - 1];
}

static const char *peer(bool v6, unsigned n)
{
    static const char *const texts[2][3] = {{"10.1.0.9", "10.2.0.9", "10.3.0.9"},
                                            {"fd00:1::9", "fd00:2::9", "fd00:3::9"}};
    return texts[v6][n - 1];
}

static nst_socket udp_at(bool v6, uint16_t port, uint32_t nic)
{
    return nicbox_socket(&b, NST_DATAGRAM, any[v6], port, nic);
}

/* Did a datagram leave by NIC n, from that address, and nothing by the others? */
static bool left_by(unsigned n, const char *from)
{
    struct nicbox_sent sent;
    bool ok = nicbox_take(&b, n, IP_PROTO_UDP, &sent);
    const struct nst_addr src = nicbox_parse(from);
    ok = ok && nst_addr_equal(&sent.src, &src);
    for (unsigned i = 1; i <= NICBOX_NICS; i++)
        ok = (!b.has[i - 1] || nicbox_is_silent(&b, i, IP_PROTO_UDP)) && ok;
    return ok;
}

/* A datagram to port 7 of `dst`, on NIC n. */
static void inject(bool v6, unsigned n, const char *dst)
{
    nicbox_inject(&b, n,
                  &(struct nicbox_udp){
                      .src = peer(v6, n), .dst = dst, .sport = 9, .dport = 7, .payload = "in"});
}

/* ---- The strong host model, and the weak one ---- */

static void strong_takes_an_address_on_its_own_nic_only(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        begin(3, false);
        const nst_socket s = udp_at(v6, 7, 0);
        for (unsigned n = 1; n <= 3; n++) {
            for (unsigned to = 1; to <= 3; to++) {
                inject(v6, n, own(v6, to));
                assert_true(n == to ? nicbox_got(&b, s, "in") : nicbox_got_nothing(&b, s));
            }
        }
        nicbox_end(&b);
    }
}

static void weak_takes_it_on_any(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        begin(2, true);
        const nst_socket s = udp_at(v6, 7, 0);
        inject(v6, 1, own(v6, 2));
        assert_true(nicbox_got(&b, s, "in"));
        nst_nic_disable(b.stack, 2); /* then it is nobody's */
        inject(v6, 1, own(v6, 2));
        assert_true(nicbox_got_nothing(&b, s));
        nicbox_end(&b);
    }
}

static void strong_sends_from_an_address_by_its_own_nic(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        begin(2, false);
        const nst_socket s = nicbox_socket(&b, NST_DATAGRAM, own(v6, 2), 7, 0);
        assert_int_equal(nicbox_send(&b, s, peer(v6, 1)), -NST_ENETUNREACH);
        /* With a route by that NIC it goes there, though the other one is nearer. */
        nicbox_route(&b, nicbox_pick(v6, "0.0.0.0/0", "::/0"), 2, peer(v6, 2));
        assert_int_equal(nicbox_send(&b, s, peer(v6, 1)), 1);
        assert_true(left_by(2, own(v6, 2)));
        const nst_socket free = udp_at(v6, 8, 0);
        assert_int_equal(nicbox_send(&b, free, peer(v6, 1)), 1);
        assert_true(left_by(1, own(v6, 1)));
        nicbox_end(&b);
    }
}

static void weak_sends_from_it_by_the_route(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        begin(2, true);
        const nst_socket s = nicbox_socket(&b, NST_DATAGRAM, own(v6, 2), 7, 0);
        assert_int_equal(nicbox_send(&b, s, peer(v6, 1)), 1);
        assert_true(left_by(1, own(v6, 2)));
        nicbox_end(&b);
    }
}

/* ---- The same subnet ---- */

static void two_nics_on_one_subnet(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        const char *a = nicbox_pick(v6, "10.0.0.1", "fd00::1");
        const char *c = nicbox_pick(v6, "10.0.0.2", "fd00::2");
        const char *to = nicbox_pick(v6, "10.0.0.9", "fd00::9");
        nicbox_begin(&b, NULL);
        nicbox_add(&b, 1, NICBOX_IP);
        nicbox_add(&b, 2, NICBOX_IP);
        nicbox_addr(&b, 1, nicbox_pick(v6, "10.0.0.1/24", "fd00::1/64"));
        nicbox_addr(&b, 2, nicbox_pick(v6, "10.0.0.2/24", "fd00::2/64"));
        const nst_socket s = udp_at(v6, 7, 0);
        const nst_socket second = nicbox_socket(&b, NST_DATAGRAM, c, 8, 0);
        assert_int_equal(nicbox_send(&b, s, to), 1);
        assert_true(left_by(1, a)); /* the first route */
        assert_int_equal(nicbox_send(&b, second, to), 1);
        assert_true(left_by(2, c)); /* the NIC that has the address */
        /* One goes down, and the other takes over; and back. */
        nst_nic_disable(b.stack, 1);
        assert_int_equal(nicbox_send(&b, s, to), 1);
        assert_true(left_by(2, c));
        nst_nic_enable(b.stack, 1);
        assert_int_equal(nicbox_send(&b, s, to), 1);
        assert_true(left_by(1, a));
        nst_nic_remove(b.stack, 1);
        assert_int_equal(nicbox_send(&b, s, to), 1);
        nicbox_end(&b);
    }
}

static void the_same_address_on_two_nics(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        const char *text = nicbox_pick(v6, "10.0.0.1/24", "fd00::1/64");
        nicbox_begin(&b, NULL);
        nicbox_add(&b, 1, NICBOX_IP);
        nicbox_add(&b, 2, NICBOX_IP);
        nicbox_addr(&b, 1, text);
        nicbox_addr(&b, 2, text);
        const nst_socket one = udp_at(v6, 7, 1), two = udp_at(v6, 7, 2);
        const struct nicbox_udp udp = {.src = nicbox_pick(v6, "10.0.0.9", "fd00::9"),
                                       .dst = nicbox_pick(v6, "10.0.0.1", "fd00::1"),
                                       .dport = 7,
                                       .payload = "in"};
        nicbox_inject(&b, 1, &udp);
        assert_true(nicbox_got(&b, one, "in") && nicbox_got_nothing(&b, two));
        nicbox_inject(&b, 2, &udp);
        assert_true(nicbox_got(&b, two, "in") && nicbox_got_nothing(&b, one));
        nicbox_end(&b);
    }
}

/* Is a question for `target` that comes in on NIC n answered there? */
static bool answers(bool v6, unsigned n, const char *target)
{
    uint8_t frame[64];
    struct nicbox_sent sent;
    const struct nst_addr addr = nicbox_parse(target), asker = nicbox_parse("10.0.0.9");
    struct memlink *m = &b.links[n - 1];
    if (v6) {
        nicbox_inject_rival(&b, n, &addr, false);
        return nicbox_take(&b, n, IP_PROTO_ICMPV6, &sent);
    }
    struct arp_hdr hdr = {.op = ARP_OP_REQUEST, .spa4 = asker.w[3], .tpa4 = addr.w[3]};
    const struct nst_mac mac = WORLD_MAC(0x99);
    memcpy(&hdr.sha, &mac, sizeof(mac));
    memlink_clear(m);
    b.taken[n - 1] = 0;
    memlink_inject(m, frame, frame_arp(frame, &hdr));
    nicbox_run(&b);
    return m->count == 1;
}

static void nobody_answers_for_another_nic(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        static const char *const own_text[2][2] = {{"10.0.0.1", "10.0.0.2"},
                                                   {"fd00::1", "fd00::2"}};
        nicbox_begin(&b, NULL);
        nicbox_add(&b, 1, NICBOX_ETHERNET);
        nicbox_add(&b, 2, NICBOX_ETHERNET);
        nicbox_addr(&b, 1, nicbox_pick(v6, "10.0.0.1/24", "fd00::1/64"));
        nicbox_addr(&b, 2, nicbox_pick(v6, "10.0.0.2/24", "fd00::2/64"));
        for (unsigned n = 1; n <= 2; n++) {
            nicbox_advance(&b, 10 * NST_SEC);
            nicbox_is_silent(&b, n, IP_PROTO_ICMPV6);
            assert_true(answers(v6, n, own_text[v6][n - 1]));
            assert_false(answers(v6, n, own_text[v6][2 - n]));
        }
        nicbox_end(&b);
    }
}

/* ---- Handle-local ---- */

static void own_addresses_are_reached_without_a_link(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        begin(2, false);
        const nst_socket from = udp_at(v6, 8, 0), to = udp_at(v6, 9, 0);
        for (unsigned n = 1; n <= 2; n++) {
            assert_int_equal(nicbox_send(&b, from, own(v6, n)), 1);
            assert_true(nicbox_got(&b, to, "x"));
            assert_true(nicbox_is_silent(&b, n, IP_PROTO_UDP));
        }
        /* Bound to one NIC, the other one's address is somewhere else. */
        nicbox_route(&b, nicbox_pick(v6, "0.0.0.0/0", "::/0"), 1, NULL);
        const nst_socket bound = udp_at(v6, 10, 1);
        assert_int_equal(nicbox_send(&b, bound, own(v6, 2)), 1);
        assert_true(left_by(1, own(v6, 1)));
        nicbox_end(&b);
    }
}

static void without_handle_local_they_go_by_the_link(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        nicbox_begin(&b, &(struct nicbox_config){.no_handle_local = true});
        nicbox_add(&b, 1, NICBOX_IP);
        nicbox_addr(&b, 1, nicbox_pick(v6, "10.1.0.1/24", "fd00:1::1/64"));
        const nst_socket s = udp_at(v6, 8, 0);
        assert_int_equal(nicbox_send(&b, s, own(v6, 1)), 1);
        assert_true(left_by(1, own(v6, 1)));
        nicbox_end(&b);
    }
}

/* ---- Bound to a NIC ---- */

static void bound_datagrams_use_their_nic_alone(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        begin(3, false);
        nicbox_route(&b, nicbox_pick(v6, "0.0.0.0/0", "::/0"), 1, peer(v6, 1));
        const nst_socket two = udp_at(v6, 7, 2);
        inject(v6, 1, own(v6, 1));
        assert_true(nicbox_got_nothing(&b, two));
        inject(v6, 2, own(v6, 2));
        assert_true(nicbox_got(&b, two, "in"));
        assert_int_equal(nicbox_send(&b, two, peer(v6, 2)), 1);
        assert_true(left_by(2, own(v6, 2)));
        /* The default route is another NIC's. */
        assert_int_equal(nicbox_send(&b, two, nicbox_pick(v6, "192.0.2.1", "2001:db8::1")),
                         -NST_ENETUNREACH);
        nst_nic_disable(b.stack, 2);
        assert_int_equal(nicbox_send(&b, two, peer(v6, 2)), -NST_ENETDOWN);
        nst_nic_remove(b.stack, 2);
        assert_int_equal(nicbox_send(&b, two, peer(v6, 2)), -NST_ENETDOWN);
        nicbox_end(&b);
    }
}

static void bound_pings_use_their_nic_alone(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        const uint8_t proto = v6 ? IP_PROTO_ICMPV6 : IP_PROTO_ICMP;
        uint8_t echo[8] = {v6 ? 128 : 8};
        struct nicbox_sent sent;
        begin(2, false);
        nicbox_route(&b, nicbox_pick(v6, "192.0.2.0/24", "2001:db8::/32"), 1, NULL);
        nicbox_route(&b, nicbox_pick(v6, "192.0.2.0/24", "2001:db8::/32"), 2, NULL);
        const struct nst_endpoint to = {
            .addr = nicbox_parse(nicbox_pick(v6, "192.0.2.1", "2001:db8::1"))};
        for (unsigned n = 1; n <= 2; n++) {
            const nst_socket s = nicbox_socket(&b, NST_PING, any[v6], 0, n);
            assert_int_equal(nst_socket_sendto(b.stack, s, echo, 8, 0, &to), 8);
            nicbox_run(&b);
            assert_true(nicbox_take(&b, n, proto, &sent));
            assert_true(nicbox_is_silent(&b, 3 - n, proto));
        }
        nicbox_end(&b);
    }
}

static void bound_streams_use_their_nic_alone(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        struct nicbox_sent sent;
        begin(2, false);
        nicbox_route(&b, nicbox_pick(v6, "192.0.2.0/24", "2001:db8::/32"), 1, NULL);
        nicbox_route(&b, nicbox_pick(v6, "192.0.2.0/24", "2001:db8::/32"), 2, NULL);
        const struct nst_endpoint to = {
            .addr = nicbox_parse(nicbox_pick(v6, "192.0.2.1", "2001:db8::1")), .port = 80};
        for (unsigned n = 1; n <= 2; n++) {
            const nst_socket s = nicbox_socket(&b, NST_STREAM, any[v6], 0, n);
            assert_int_equal(nst_socket_connect(b.stack, s, &to), -NST_EINPROGRESS);
            nicbox_advance(&b, 3 * NST_SEC); /* retransmissions too */
            assert_true(nicbox_take(&b, n, IP_PROTO_TCP, &sent));
            assert_true(nicbox_take(&b, n, IP_PROTO_TCP, &sent));
            assert_true(nicbox_is_silent(&b, 3 - n, IP_PROTO_TCP));
            nst_socket_abort(b.stack, s);
            nicbox_run(&b);
            nicbox_is_silent(&b, n, IP_PROTO_TCP);
        }
        nicbox_end(&b);
    }
}

/* ---- Looking it up ---- */

static void ways_are_looked_up_for_each_nic(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        struct nst_path path;
        begin(3, false);
        const char *all = nicbox_pick(v6, "0.0.0.0/0", "::/0");
        for (unsigned n = 1; n <= 2; n++)
            nicbox_route(&b, all, n, peer(v6, n));
        const struct nst_addr to = nicbox_parse(nicbox_pick(v6, "192.0.2.1", "2001:db8::1"));
        for (unsigned n = 0; n <= 2; n++) {
            const unsigned by = n == 0 ? 1 : n;
            const struct nst_addr gateway = nicbox_parse(peer(v6, by));
            const struct nst_addr source = nicbox_parse(own(v6, by));
            assert_int_equal(nst_path_lookup(b.stack, &to, NULL, n, &path), 0);
            assert_int_equal(path.nic, by);
            assert_true(nst_addr_equal(&path.next_hop, &gateway));
            assert_true(nst_addr_equal(&path.source, &source));
            assert_int_equal(path.mtu, 1500);
            assert_false(path.is_local);
        }
        assert_int_equal(nst_path_lookup(b.stack, &to, NULL, 3, &path), -NST_ENETUNREACH);
        assert_int_equal(nst_path_lookup(b.stack, &to, NULL, 9, &path), -NST_ENETDOWN);
        const struct nst_addr local = nicbox_parse(own(v6, 2)), mine = nicbox_parse(own(v6, 3));
        assert_int_equal(nst_path_lookup(b.stack, &to, &local, 0, &path), 0);
        assert_int_equal(path.nic, 2);
        assert_int_equal(nst_path_lookup(b.stack, &to, &local, 1, &path), -NST_EADDRNOTAVAIL);
        assert_int_equal(nst_path_lookup(b.stack, &mine, NULL, 0, &path), 0);
        assert_true(path.is_local && path.nic == 3);
        nicbox_end(&b);
    }
}

/* Link-local addresses mean something on their link alone. */
static void link_local_peers_have_a_nic(void **state)
{
    nicbox_begin(&b, NULL);
    for (unsigned n = 1; n <= 2; n++) {
        nicbox_add(&b, n, NICBOX_IP);
        nicbox_addr(&b, n, n == 1 ? "fe80::1/64" : "fe80::2/64");
    }
    const nst_socket s = udp_at(true, 7, 0);
    for (uint32_t n = 1; n <= 2; n++) {
        const struct nst_endpoint to = {.addr = nicbox_parse("fe80::9"), .port = 9, .nic = n};
        assert_int_equal(nst_socket_sendto(b.stack, s, "x", 1, 0, &to), 1);
        nicbox_run(&b);
        assert_true(left_by(n, n == 1 ? "fe80::1" : "fe80::2"));
    }
    nicbox_end(&b);
}

TESTS({"multi: the strong model takes an address on its own NIC only",
       strong_takes_an_address_on_its_own_nic_only},
      {"multi: the weak model takes it on any", weak_takes_it_on_any},
      {"nic/N62: the strong model sends from an address by its own NIC",
       strong_sends_from_an_address_by_its_own_nic},
      {"multi: the weak model sends from it by the route", weak_sends_from_it_by_the_route},
      {"multi: two NICs on one subnet, and one goes down", two_nics_on_one_subnet},
      {"nic/N89: nobody answers for another NIC's address", nobody_answers_for_another_nic},
      {"nic/N102: the same address on two NICs is two", the_same_address_on_two_nics},
      {"multi: own addresses are reached without a link", own_addresses_are_reached_without_a_link},
      {"multi: without handle-local they go by the link", without_handle_local_they_go_by_the_link},
      {"multi: bound datagrams use their NIC alone", bound_datagrams_use_their_nic_alone},
      {"multi: bound pings use their NIC alone", bound_pings_use_their_nic_alone},
      {"multi: bound streams use their NIC alone", bound_streams_use_their_nic_alone},
      {"multi: ways are looked up for each NIC", ways_are_looked_up_for_each_nic},
      {"multi: link-local peers have a NIC", link_local_peers_have_a_nic})
