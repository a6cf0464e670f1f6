/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of a NIC: NIC.md section 4, but for the choice of sources. Every test is about both
 * families, unless it says so. */
#include "testing.h"

#include "nicbox.h"
#include "world.h"

#include "wire/ipproto.h"

static struct nicbox b;

/* What the tests call "a", "b" and "peer" in each family. */
static const char *const own[2] = {"10.0.0.1", "fd00::1"};
static const char *const other[2] = {"10.0.0.5", "fd00::5"};
static const char *const peer[2] = {"10.0.0.2", "fd00::2"};
static const uint16_t ethertype[2] = {NST_ETHERTYPE_IPV4, NST_ETHERTYPE_IPV6};

static void begin(enum nicbox_kind kind)
{
    nicbox_begin(&b, NULL);
    nicbox_add(&b, 1, kind);
    nicbox_skip_events(&b);
}

static struct nst_nic_addr make(bool v6, const char *text)
{
    return (struct nst_nic_addr){
        .addr = nicbox_parse(text), .prefix_len = v6 ? 64 : 24, .no_dad = true};
}

static void add(const struct nst_nic_addr *a)
{
    assert_int_equal(nst_nic_addr_add(b.stack, 1, a), 0);
}

static int count(void)
{
    return nst_nic_addr_list(b.stack, 1, NULL, 0);
}

/* Does a datagram for that address arrive? */
static bool receives(bool v6, const char *text)
{
    const nst_socket s = nicbox_socket(&b, NST_DATAGRAM, nicbox_pick(v6, "0.0.0.0", "::"), 7, 0);
    nicbox_inject(&b, 1,
                  &(struct nicbox_udp){.src = peer[v6], .dst = text, .dport = 7, .payload = "x"});
    const bool got = nicbox_got(&b, s, "x");
    nst_socket_close(b.stack, s);
    return got;
}

/* ---- N60 ---- */

static void an_address_is_what_was_said_of_it(void **state)
{
    static const uint8_t kinds[] = {NST_ADDR_STATIC, NST_ADDR_SLAAC, NST_ADDR_SLAAC_TEMPORARY};
    for (int i = 0; i < 6; i++) {
        const bool v6 = i & 1;
        begin(NICBOX_IP);
        struct nst_nic_addr a = make(v6, own[v6]);
        a.kind = kinds[i / 2];
        a.valid = 100 * NST_SEC;
        a.preferred = 60 * NST_SEC;
        add(&a);
        nicbox_advance(&b, 10 * NST_SEC);
        const struct nst_nic_addr got = nicbox_address(&b, 1, 0);
        assert_int_equal(got.kind, kinds[i / 2]);
        assert_int_equal(got.prefix_len, a.prefix_len);
        assert_int_equal(got.state, NST_ADDR_ASSIGNED);
        assert_int_equal(got.valid, 90 * NST_SEC);
        assert_int_equal(got.preferred, 50 * NST_SEC);
        assert_false(got.deprecated);
        nicbox_end(&b);
    }
}

static void lifetimes_end(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        begin(NICBOX_IP);
        struct nst_nic_addr a = make(v6, own[v6]);
        a.valid = 100 * NST_SEC;
        a.preferred = 60 * NST_SEC;
        add(&a);
        nicbox_skip_events(&b);
        nicbox_advance(&b, 60 * NST_SEC - 1);
        nicbox_no_event(&b);
        nicbox_advance(&b, 1);
        assert_int_equal(nicbox_event(&b, NST_EVENT_ADDR_DEPRECATED).value, 1);
        assert_true(nicbox_address(&b, 1, 0).deprecated);
        assert_int_equal(nicbox_address(&b, 1, 0).preferred, 0);
        assert_true(receives(v6, own[v6])); /* RFC 4862 5.5.4: it is still in use */
        nicbox_advance(&b, 40 * NST_SEC - 1);
        assert_int_equal(count(), 1);
        nicbox_advance(&b, 1);
        const struct nst_event e = nicbox_event(&b, NST_EVENT_ADDR_REMOVED);
        assert_int_equal(e.why, NST_WHY_EXPIRED);
        assert_true(nst_addr_equal(&e.addr, &a.addr));
        assert_int_equal(count(), 0);
        assert_int_equal(nst_route_list(b.stack, NULL, 0), 0);
        assert_false(receives(v6, own[v6]));
        nicbox_no_event(&b);
        nicbox_end(&b);
    }
}

static void lifetimes_last_for_ever(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        begin(NICBOX_IP);
        struct nst_nic_addr a = make(v6, own[v6]);
        add(&a);
        a = make(v6, other[v6]);
        a.valid = a.preferred = NST_TIME_NEVER;
        add(&a);
        nicbox_advance(&b, 10 * NST_SEC);
        assert_int_equal(nst_stack_next_deadline(b.stack), NST_TIME_NEVER);
        for (unsigned i = 0; i < 2; i++) {
            assert_int_equal(nicbox_address(&b, 1, i).valid, NST_TIME_NEVER);
            assert_int_equal(nicbox_address(&b, 1, i).preferred, NST_TIME_NEVER);
        }
        nicbox_end(&b);
    }
}

static void lifetimes_run_while_it_is_down(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        begin(NICBOX_IP);
        struct nst_nic_addr a = make(v6, own[v6]);
        a.valid = 10 * NST_SEC;
        add(&a);
        nst_nic_disable(b.stack, 1);
        nicbox_advance(&b, 10 * NST_SEC);
        assert_int_equal(count(), 0);
        nicbox_end(&b);
    }
}

static void impossible_lifetimes_are_refused(void **state)
{
    static const nst_time bad[][2] = {{10, 11}, {-1, 0}, {0, -1}, {10, NST_TIME_NEVER}};
    begin(NICBOX_IP);
    for (int i = 0; i < 8; i++) {
        struct nst_nic_addr a = make(i & 1, own[i & 1]);
        a.valid = bad[i / 2][0];
        a.preferred = bad[i / 2][1];
        assert_int_equal(nst_nic_addr_add(b.stack, 1, &a), -NST_EINVAL);
    }
    struct nst_nic_addr a = make(false, own[0]);
    a.kind = NST_ADDR_SLAAC_TEMPORARY + 1;
    assert_int_equal(nst_nic_addr_add(b.stack, 1, &a), -NST_EINVAL);
    assert_int_equal(count(), 0);
    nicbox_no_event(&b);
    nicbox_end(&b);
}

static void an_address_is_changed_in_place(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        begin(NICBOX_IP);
        struct nst_nic_addr a = make(v6, own[v6]), c = make(v6, other[v6]);
        add(&a);
        add(&c);
        nicbox_skip_events(&b);
        c.place = NST_PLACE_FIRST_PRIMARY;
        c.valid = c.preferred = 30 * NST_SEC;
        assert_int_equal(nst_nic_addr_change(b.stack, 1, &c), 0);
        const struct nst_nic_addr first = nicbox_address(&b, 1, 0);
        assert_true(nst_addr_equal(&first.addr, &c.addr));
        /* Sooner, deprecated, preferred again, and for ever. */
        c.valid = c.preferred = 20 * NST_SEC;
        c.deprecated = true;
        assert_int_equal(nst_nic_addr_change(b.stack, 1, &c), 0);
        assert_int_equal(nicbox_event(&b, NST_EVENT_ADDR_DEPRECATED).value, 1);
        nicbox_advance(&b, 19 * NST_SEC);
        c.deprecated = false;
        c.valid = c.preferred = 0;
        assert_int_equal(nst_nic_addr_change(b.stack, 1, &c), 0);
        assert_int_equal(nicbox_event(&b, NST_EVENT_ADDR_DEPRECATED).value, 0);
        nicbox_advance(&b, 3600 * NST_SEC);
        assert_int_equal(count(), 2);
        nicbox_no_event(&b);
        c.preferred = 2;
        c.valid = 1;
        assert_int_equal(nst_nic_addr_change(b.stack, 1, &c), -NST_EINVAL);
        c = make(v6, peer[v6]);
        assert_int_equal(nst_nic_addr_change(b.stack, 1, &c), -NST_EADDRNOTAVAIL);
        assert_int_equal(nst_nic_addr_change(b.stack, 9, &a), -NST_ENOENT);
        nicbox_end(&b);
    }
}

static void places_order_the_list(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        struct nst_nic_addr list[4];
        begin(NICBOX_IP);
        static const uint8_t places[] = {NST_PLACE_CAN_BE_PRIMARY, NST_PLACE_FIRST_PRIMARY,
                                         NST_PLACE_CAN_BE_PRIMARY, NST_PLACE_NEVER_PRIMARY};
        for (uint8_t i = 0; i < 4; i++) {
            struct nst_nic_addr a = make(v6, own[v6]);
            a.addr.b[15] = (uint8_t)(10 + i);
            a.place = places[i];
            add(&a);
        }
        assert_int_equal(nst_nic_addr_list_primary(b.stack, 1, list, 4), 3);
        assert_int_equal(list[0].addr.b[15], 11);
        assert_int_equal(list[1].addr.b[15], 10);
        assert_int_equal(list[2].addr.b[15], 12);
        assert_int_equal(count(), 4);
        assert_true(receives(v6, nicbox_pick(v6, "10.0.0.13", "fd00::d")));
        nicbox_end(&b);
    }
}

/* ---- N61, N62 ---- */

static void an_address_is_added_once(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        begin(NICBOX_IP);
        const struct nst_nic_addr a = make(v6, own[v6]);
        add(&a);
        nicbox_skip_events(&b);
        assert_int_equal(nst_nic_addr_add(b.stack, 1, &a), -NST_EEXIST);
        assert_int_equal(count(), 1);
        nicbox_no_event(&b);
        nicbox_end(&b);
    }
}

/* A foreign address in use (temporary), or a removed one (expired), becomes permanent: who uses it
 * goes on, with what it is now. */
static void what_is_in_use_is_promoted_in_place(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        struct nicbox_sent sent;
        begin(NICBOX_IP);
        nst_nic_set_spoofing(b.stack, 1, true);
        nst_nic_set_promiscuous(b.stack, 1, true);
        nicbox_route(&b, nicbox_pick(v6, "0.0.0.0/0", "::/0"), 1, NULL);
        const nst_socket s = nicbox_socket(&b, NST_DATAGRAM, own[v6], 7, 0);
        const struct nst_nic_addr a = make(v6, own[v6]);
        /* Temporary, permanent, expired and permanent again. */
        for (int step = 0; step < 4; step++) {
            assert_int_equal(nicbox_send(&b, s, peer[v6]), 1);
            assert_true(nicbox_take(&b, 1, IP_PROTO_UDP, &sent));
            assert_true(nst_addr_equal(&sent.src, &a.addr));
            nicbox_inject(
                &b, 1,
                &(struct nicbox_udp){.src = peer[v6], .dst = own[v6], .dport = 7, .payload = "x"});
            assert_true(nicbox_got(&b, s, "x"));
            assert_int_equal(count(), step & 1);
            if (step == 1)
                assert_int_equal(nst_nic_addr_remove(b.stack, 1, &a.addr), 0);
            else if (step != 3)
                add(&a);
        }
        nicbox_end(&b);
    }
}

static void a_removed_address_is_of_no_use_until_it_is_back(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        begin(NICBOX_IP);
        const struct nst_nic_addr a = make(v6, own[v6]), c = make(v6, other[v6]);
        add(&a);
        add(&c);
        const nst_socket s = nicbox_socket(&b, NST_DATAGRAM, own[v6], 7, 0);
        assert_int_equal(nicbox_send(&b, s, peer[v6]), 1);
        assert_int_equal(nst_nic_addr_remove(b.stack, 1, &a.addr), 0);
        assert_int_equal(nicbox_send(&b, s, peer[v6]), -NST_EADDRNOTAVAIL);
        nicbox_inject(
            &b, 1,
            &(struct nicbox_udp){.src = peer[v6], .dst = own[v6], .dport = 7, .payload = "x"});
        assert_true(nicbox_got_nothing(&b, s));
        /* Expired: usable where the NIC spoofs. */
        nst_nic_set_spoofing(b.stack, 1, true);
        assert_int_equal(nicbox_send(&b, s, peer[v6]), 1);
        nst_nic_set_spoofing(b.stack, 1, false);
        add(&a);
        assert_int_equal(nicbox_send(&b, s, peer[v6]), 1);
        nst_nic_disable(b.stack, 1);
        assert_int_equal(nicbox_send(&b, s, peer[v6]), -NST_ENETDOWN);
        nicbox_end(&b);
    }
}

static void promiscuous_takes_and_keeps_nothing(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        struct nst_memory before, after;
        begin(NICBOX_IP);
        const struct nst_nic_addr a = make(v6, own[v6]);
        add(&a);
        const char *foreign = nicbox_pick(v6, "192.0.2.1", "2001:db8::1");
        assert_false(receives(v6, foreign));
        nst_nic_set_promiscuous(b.stack, 1, true);
        assert_true(receives(v6, foreign));
        assert_int_equal(count(), 1);
        nst_stack_get_memory(b.stack, &before);
        for (int i = 0; i < 1000; i++) {
            char text[64];
            snprintf(text, sizeof(text), nicbox_pick(v6, "192.0.%d.%d", "2001:db8::%x:%x"), i / 200,
                     i % 200 + 1);
            nicbox_inject(
                &b, 1,
                &(struct nicbox_udp){.src = peer[v6], .dst = text, .dport = 7, .payload = "x"});
        }
        nst_stack_get_memory(b.stack, &after);
        assert_true(after.used <= before.used + 65536);
        nst_nic_set_promiscuous(b.stack, 1, false);
        assert_false(receives(v6, foreign));
        nicbox_end(&b);
    }
}

/* Of IPv6 on Ethernet: nobody asked yet whether another node has it. */
static void tentative_is_unusable(void **state)
{
    begin(NICBOX_ETHERNET);
    struct nst_nic_addr a = make(true, own[1]);
    a.no_dad = false;
    add(&a);
    assert_int_equal(nicbox_address(&b, 1, 0).state, NST_ADDR_TENTATIVE);
    assert_false(receives(true, own[1]));
    const nst_socket s = nicbox_socket(&b, NST_DATAGRAM, "::", 9, 0);
    assert_int_equal(nicbox_send(&b, s, peer[1]), -NST_EADDRNOTAVAIL);
    nicbox_advance(&b, 3 * NST_SEC);
    assert_true(receives(true, own[1]));
    assert_int_equal(nicbox_send(&b, s, peer[1]), 1);
    nicbox_end(&b);
}

/* ---- N63 ---- */

static void what_is_ours(void **state)
{
    static const struct {
        bool v6, loopback, ours;
        const char *to;
    } rows[] = {
        {false, false, true, "10.0.0.1"},   {false, false, true, "10.0.0.255"},
        {false, false, false, "10.0.0.77"}, {false, false, false, "10.0.1.255"},
        {false, true, true, "10.0.0.77"},   {false, true, true, "10.0.0.255"},
        {false, true, false, "10.0.1.1"},   {true, false, true, "fd00::1"},
        {true, false, false, "fd00::77"},   {true, true, true, "fd00::77"},
        {true, true, false, "fd00:1::77"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin(rows[i].loopback ? NICBOX_LOOPBACK : NICBOX_IP);
        const struct nst_nic_addr a = make(rows[i].v6, own[rows[i].v6]);
        add(&a);
        assert_int_equal(receives(rows[i].v6, rows[i].to), rows[i].ours);
        nicbox_end(&b);
    }
}

/* An address of our own, though it is another subnet's broadcast: exact wins. */
static void an_exact_match_wins(void **state)
{
    begin(NICBOX_IP);
    nicbox_addr(&b, 1, "10.0.0.1/24");
    nicbox_addr(&b, 1, "10.0.0.255/16");
    const nst_socket s = nicbox_socket(&b, NST_DATAGRAM, "10.0.0.255", 7, 0);
    nicbox_inject(
        &b, 1,
        &(struct nicbox_udp){.src = peer[0], .dst = "10.0.0.255", .dport = 7, .payload = "x"});
    assert_true(nicbox_got(&b, s, "x"));
    assert_int_equal(nicbox_send(&b, s, peer[0]), 1); /* it is a source, as no broadcast is */
    nicbox_end(&b);
}

/* ---- N64 ---- */

static bool main_is(bool v6, const char *text)
{
    struct nst_nic_addr a;
    const int r = nst_nic_addr_main(b.stack, 1, ethertype[v6], &a);
    if (text == NULL)
        return r == -NST_EADDRNOTAVAIL;
    const struct nst_addr expected = nicbox_parse(text);
    return r == 0 && nst_addr_equal(&a.addr, &expected);
}

static void the_main_address(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        begin(NICBOX_IP);
        struct nst_nic_addr never = make(v6, peer[v6]), a = make(v6, own[v6]),
                            c = make(v6, other[v6]);
        never.place = NST_PLACE_NEVER_PRIMARY;
        a.deprecated = true;
        add(&never);
        assert_true(main_is(v6, NULL));
        add(&a);
        assert_true(main_is(v6, own[v6])); /* deprecated, but there is no other */
        add(&c);
        assert_true(main_is(v6, other[v6]));
        nst_nic_disable(b.stack, 1);
        assert_true(main_is(v6, other[v6]));
        nst_nic_enable(b.stack, 1);
        a.deprecated = false;
        nst_nic_addr_change(b.stack, 1, &a);
        assert_true(main_is(v6, own[v6]));
        nicbox_end(&b);
    }
}

static void a_tentative_one_is_not_the_main_address(void **state)
{
    begin(NICBOX_ETHERNET);
    struct nst_nic_addr a = make(true, own[1]);
    a.no_dad = false;
    add(&a);
    assert_true(main_is(true, NULL));
    nicbox_advance(&b, 3 * NST_SEC);
    assert_true(main_is(true, own[1]));
    nicbox_end(&b);
}

/* ---- N66, N67 ---- */

static void errors(void **state)
{
    struct nst_nic_addr a;
    begin(NICBOX_ETHERNET);
    nst_nic_set_promiscuous(b.stack, 1, true);
    for (int v6 = 0; v6 < 2; v6++) {
        const struct nst_addr foreign = nicbox_parse(peer[v6]);
        assert_int_equal(nst_nic_addr_remove(b.stack, 1, &foreign), -NST_EADDRNOTAVAIL);
        assert_int_equal(nst_nic_addr_remove(b.stack, 9, &foreign), -NST_ENOENT);
        assert_int_equal(nst_nic_addr_main(b.stack, 9, ethertype[v6], &a), -NST_ENOENT);
    }
    assert_int_equal(nst_nic_addr_main(b.stack, 1, NST_ETHERTYPE_ARP, &a), -NST_EOPNOTSUPP);
    assert_int_equal(nst_nic_addr_main(b.stack, 1, 0x1234, &a), -NST_EPROTONOSUPPORT);
    assert_int_equal(nst_nic_addr_list(b.stack, 9, &a, 1), -NST_ENOENT);
    assert_int_equal(nst_nic_addr_list_primary(b.stack, 9, &a, 1), -NST_ENOENT);
    nicbox_end(&b);
}

static void the_list_is_stable(void **state)
{
    struct nst_nic_addr list[4];
    begin(NICBOX_ETHERNET);
    struct nst_nic_addr tentative = make(true, other[1]);
    tentative.no_dad = false;
    add(&tentative);
    for (int v6 = 1; v6 >= 0; v6--) {
        const struct nst_nic_addr a = make(v6, own[v6]);
        add(&a);
    }
    static const char *const expected[] = {"10.0.0.1", "fd00::5", "fd00::1"};
    for (int again = 0; again < 2; again++) {
        assert_int_equal(nst_nic_addr_list(b.stack, 1, list, 4), 3);
        for (int i = 0; i < 3; i++) {
            const struct nst_addr want = nicbox_parse(expected[i]);
            assert_true(nst_addr_equal(&list[i].addr, &want));
        }
        nicbox_advance(&b, 5 * NST_SEC);
    }
    assert_int_equal(nst_nic_addr_list(b.stack, 1, list, 1), 3); /* only as many as there is room */
    nicbox_end(&b);
}

/* ---- N69 ---- */

static void changes_are_events(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        begin(NICBOX_IP);
        const struct nst_nic_addr a = make(v6, own[v6]);
        add(&a);
        struct nst_event e = nicbox_event(&b, NST_EVENT_ADDR_ADDED);
        assert_int_equal(e.nic, 1);
        assert_int_equal(e.prefix_len, a.prefix_len);
        assert_true(nst_addr_equal(&e.addr, &a.addr));
        nicbox_event(&b, NST_EVENT_ADDR_ASSIGNED);
        assert_int_equal(nst_nic_addr_remove(b.stack, 1, &a.addr), 0);
        assert_int_equal(nicbox_event(&b, NST_EVENT_ADDR_REMOVED).why, NST_WHY_ASKED);
        nicbox_no_event(&b);
        nicbox_end(&b);
    }
}

static void an_address_is_told_when_it_is_assigned(void **state)
{
    begin(NICBOX_ETHERNET);
    struct nst_nic_addr a = make(true, own[1]);
    a.no_dad = false;
    add(&a);
    nicbox_event(&b, NST_EVENT_ADDR_ADDED);
    nicbox_no_event(&b);
    nicbox_advance(&b, 3 * NST_SEC);
    nicbox_event(&b, NST_EVENT_ADDR_ASSIGNED);
    nst_nic_disable(b.stack, 1);
    nst_nic_enable(b.stack, 1);
    nicbox_event(&b, NST_EVENT_NIC_DISABLED);
    nicbox_event(&b, NST_EVENT_ADDR_TENTATIVE);
    nicbox_event(&b, NST_EVENT_NIC_ENABLED);
    nicbox_end(&b);
}

static void a_duplicate_is_told_with_who_has_it(void **state)
{
    for (int advertises = 0; advertises < 2; advertises++) {
        begin(NICBOX_ETHERNET);
        struct nst_nic_addr a = make(true, own[1]);
        a.no_dad = false;
        add(&a);
        nicbox_event(&b, NST_EVENT_ADDR_ADDED);
        nicbox_inject_rival(&b, 1, &a.addr, advertises);
        const struct nst_event e = nicbox_event(&b, NST_EVENT_ADDR_DUPLICATE);
        assert_true(nst_addr_equal(&e.addr, &a.addr));
        assert_memory_equal(&e.mac, &WORLD_MAC(0x99), 6);
        assert_int_equal(nicbox_address(&b, 1, 0).state, NST_ADDR_DUPLICATE);
        nicbox_end(&b);
    }
}

/* One that was made here is made anew (RFC 7217 6). */
static void a_made_one_that_is_taken_is_replaced(void **state)
{
    nicbox_begin(&b, NULL);
    assert_int_equal(nicbox_add_with(&b, 1, NICBOX_ETHERNET,
                                     &(struct nst_nic_config){.link_local = NST_LINK_LOCAL_OPAQUE}),
                     0);
    nicbox_event(&b, NST_EVENT_NIC_ADDED);
    const struct nst_event first = nicbox_event(&b, NST_EVENT_ADDR_ADDED);
    nicbox_event(&b, NST_EVENT_NIC_ENABLED);
    nicbox_inject_rival(&b, 1, &first.addr, true);
    nicbox_event(&b, NST_EVENT_ADDR_DUPLICATE);
    const struct nst_event gone = nicbox_event(&b, NST_EVENT_ADDR_REMOVED);
    assert_int_equal(gone.why, NST_WHY_DUPLICATE);
    assert_true(nst_addr_equal(&gone.addr, &first.addr));
    const struct nst_event second = nicbox_event(&b, NST_EVENT_ADDR_ADDED);
    assert_false(nst_addr_equal(&second.addr, &first.addr));
    nicbox_advance(&b, 3 * NST_SEC);
    const struct nst_event done = nicbox_event(&b, NST_EVENT_ADDR_ASSIGNED);
    assert_true(nst_addr_equal(&second.addr, &done.addr));
    nicbox_end(&b);
}

TESTS({"nic/N60: an address is what was said of it", an_address_is_what_was_said_of_it},
      {"nic/N60: lifetimes end: deprecated, then removed", lifetimes_end},
      {"nic/N60: lifetimes last for ever where nobody says otherwise", lifetimes_last_for_ever},
      {"nic/N60: lifetimes run while the NIC is down", lifetimes_run_while_it_is_down},
      {"nic/N60: impossible lifetimes are refused", impossible_lifetimes_are_refused},
      {"nic/N60: an address is changed in place", an_address_is_changed_in_place},
      {"nic/N60: places order the list", places_order_the_list},
      {"nic/N61: an address is added once", an_address_is_added_once},
      {"nic/N61: what is in use is promoted in place", what_is_in_use_is_promoted_in_place},
      {"nic/N61: a tentative address is unusable", tentative_is_unusable},
      {"nic/N62: a removed address is of no use until it is back, or where the NIC spoofs",
       a_removed_address_is_of_no_use_until_it_is_back},
      {"nic/N62: promiscuous takes what is for others, and keeps nothing",
       promiscuous_takes_and_keeps_nothing},
      {"nic/N63: exact, subnet broadcast, any of a loopback's subnets", what_is_ours},
      {"nic/N63: an exact match wins", an_exact_match_wins},
      {"nic/N64: the main address, while the NIC is disabled too", the_main_address},
      {"nic/N64: a tentative one is not the main address", a_tentative_one_is_not_the_main_address},
      {"nic/N66: errors", errors},
      {"nic/N67: the list is stable, IPv4 first, tentative ones too", the_list_is_stable},
      {"nic/N69: changes are events", changes_are_events},
      {"nic/N69: an address is told when it is assigned, and when it is asked about again",
       an_address_is_told_when_it_is_assigned},
      {"nic/N69: a duplicate is told with who has it", a_duplicate_is_told_with_who_has_it},
      {"nic/N69: a made one that is taken is replaced", a_made_one_that_is_taken_is_replaced})
