/* SPDX-License-Identifier: Apache-2.0 */
/* Who is answered, who is believed, and what happens when two have one address (NIC.md N89). */
#include "testing.h"

#include "lan.h"
#include "wire/arp.h"
#include "wire/ndp.h"

#define PEER 7

static const struct nst_mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static void add(struct lan *lan, unsigned n, bool probe)
{
    const struct nst_nic_addr a = {
        .addr = lan_addr(lan, n), .prefix_len = lan->v6 ? 64 : 8, .probe = probe};
    assert_int_equal(nst_nic_addr_add(lan->stack, lan->nic, &a), 0);
    lan_run(lan);
}

static int addr_state(const struct lan *lan, unsigned n)
{
    struct nst_nic_addr list[4];
    const struct nst_addr addr = lan_addr(lan, n);
    const int count = nst_nic_addr_list(lan->stack, lan->nic, list, 4);
    for (int i = 0; i < count; i++)
        if (nst_addr_equal(&list[i].addr, &addr))
            return list[i].state;
    return -1;
}

/* The next event of that kind, whatever was before it. */
static struct nst_event find_event(struct lan *lan, enum nst_event_kind kind)
{
    struct nst_event e;
    do {
        e = lan_event(lan);
    } while (e.kind != kind && e.kind != NST_EVENT_KINDS);
    return e;
}

static void expect_owner(struct lan *lan, unsigned n, unsigned m, unsigned kept)
{
    const struct nst_event e = find_event(lan, NST_EVENT_ADDR_DUPLICATE);
    const struct nst_addr addr = lan_addr(lan, n);
    const struct nst_mac mac = lan_mac(m);
    assert_int_equal(e.kind, NST_EVENT_ADDR_DUPLICATE);
    assert_true(nst_addr_equal(&e.addr, &addr));
    assert_memory_equal(&e.mac, &mac, sizeof(mac));
    assert_int_equal(e.value, kept);
}

/* ---- Answers and lessons ---- */

static void only_what_concerns_us(void **state)
{
    LAN_EACH_FAMILY (lan) {
        lan_probe(lan, 1, PEER); /* somebody wants ours */
        struct lan_seen seen = lan_look(lan);
        assert_int_equal(seen.answers + seen.announced, 1);
        lan_probe(lan, 99, PEER);
        seen = lan_look(lan);
        assert_int_equal(seen.answers + seen.announced, 0);
        if (!lan->v6) {
            lan_arp(lan, ARP_OP_REQUEST, PEER, lan_addr(lan, PEER), lan_addr(lan, 99), everybody);
            lan_arp(lan, ARP_OP_REPLY, PEER, lan_addr(lan, PEER), lan_addr(lan, 99), everybody);
        }
        assert_int_equal(lan_look(lan).answers, 0);
        assert_int_equal(nst_neigh_list(lan->stack, lan->nic, NULL, 0), 0);
        lan_request(lan, PEER, PEER);
        assert_int_equal(lan_look(lan).answers, 1);
        assert_int_equal(nst_neigh_list(lan->stack, lan->nic, NULL, 0), 1);
    }
}

static void a_spoofing_nic_answers_for_any(void **state)
{
    struct lan lan;
    lan_init(&lan, false);
    nst_nic_set_spoofing(lan.stack, lan.nic, true);
    lan_arp(&lan, ARP_OP_REQUEST, PEER, lan_addr(&lan, PEER), lan_addr(&lan, 99), everybody);
    assert_int_equal(lan_look(&lan).answers, 1);
    lan_probe(&lan, 99, PEER); /* but denies nobody an address */
    assert_int_equal(lan_look(&lan).answers, 0);
    lan_fini(&lan);
}

static void gratuitous_updates_and_never_creates(void **state)
{
    LAN_EACH_FAMILY (lan) {
        lan_announce(lan, PEER, 20);
        assert_int_equal(lan_state(lan, PEER), -1);
        lan_request(lan, PEER, 20);
        lan_announce(lan, PEER, 21);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_STALE);
        assert_true(lan_is_at(lan, PEER, 21));
    }
}

/* ---- Announcing ---- */

static void a_new_address_is_announced(void **state)
{
    struct lan lan;
    lan_init_bare(&lan, false);
    add(&lan, 1, false);
    assert_int_equal(addr_state(&lan, 1), NST_ADDR_ASSIGNED);
    assert_int_equal(lan_look(&lan).announced, 1);
    lan_advance(&lan, 2 * NST_SEC - 1);
    assert_int_equal(lan_look(&lan).announced, 0);
    lan_advance(&lan, 1);
    assert_int_equal(lan_look(&lan).announced, 1);
    lan_advance(&lan, 3600 * NST_SEC);
    assert_int_equal(lan_look(&lan).announced, 0);
    nst_nic_disable(lan.stack, lan.nic);
    lan_advance(&lan, 5 * NST_SEC);
    assert_int_equal(lan_look(&lan).announced, 0);
    nst_nic_enable(lan.stack, lan.nic);
    lan_advance(&lan, 5 * NST_SEC);
    assert_int_equal(lan_look(&lan).announced, 2);
    /* One that goes while it is announced is not. */
    add(&lan, 2, false);
    const struct nst_addr two = lan_addr(&lan, 2);
    nst_nic_addr_remove(lan.stack, lan.nic, &two);
    lan_advance(&lan, 5 * NST_SEC);
    assert_int_equal(lan_look(&lan).announced, 1);
    lan_fini(&lan);
}

static void another_link_address_is_announced(void **state)
{
    LAN_EACH_FAMILY (lan) {
        const struct nst_mac mac = lan_mac(77);
        const struct nst_addr ours = lan_addr(lan, 1);
        nst_nic_addr_remove(lan->stack, lan->nic, &ours);
        add(lan, 1, false); /* no longer a silent one */
        lan_advance(lan, 10 * NST_SEC);
        assert_int_equal(addr_state(lan, 1), NST_ADDR_ASSIGNED);
        lan_look(lan);
        assert_int_equal(nst_nic_set_link_addr(lan->stack, lan->nic, mac), 0);
        lan_run(lan);
        assert_true(lan->m.count == 1);
        assert_memory_equal(lan->m.frames[0].data + 6, &mac, sizeof(mac));
        lan_advance(lan, 10 * NST_SEC);
        assert_int_equal(lan_look(lan).announced, lan->v6 ? 3 : 2);
        lan_advance(lan, 3600 * NST_SEC);
        assert_int_equal(lan_look(lan).announced, 0);
    }
}

/* ---- RFC 5227 2.1: asking first ---- */

static void probing_takes_seconds_and_then_announces(void **state)
{
    struct lan lan;
    lan_init_bare(&lan, false);
    add(&lan, 1, true);
    assert_int_equal(addr_state(&lan, 1), NST_ADDR_TENTATIVE);
    assert_int_equal(lan_send(&lan, PEER, 10), -NST_EADDRNOTAVAIL);
    lan_request(&lan, PEER, PEER); /* it is not ours yet */
    assert_int_equal(lan_look(&lan).answers, 0);
    const nst_time begun = lan.now;
    unsigned probes = 0;
    while (addr_state(&lan, 1) == NST_ADDR_TENTATIVE) {
        lan_advance(&lan, NST_SEC / 10);
        const struct lan_seen seen = lan_look(&lan);
        probes += seen.probes;
        assert_true(seen.announced == 0 || addr_state(&lan, 1) == NST_ADDR_ASSIGNED);
    }
    assert_int_equal(probes, 3);
    assert_in_range(lan.now - begun, 4 * NST_SEC, 7 * NST_SEC + NST_SEC / 10);
    assert_int_equal(find_event(&lan, NST_EVENT_ADDR_ASSIGNED).kind, NST_EVENT_ADDR_ASSIGNED);
    lan_request(&lan, PEER, PEER);
    lan_advance(&lan, 3 * NST_SEC);
    const struct lan_seen seen = lan_look(&lan);
    assert_int_equal(seen.answers, 1);
    assert_int_equal(seen.announced, 1); /* the second one */
    lan_fini(&lan);
}

static void claim_by_reply(struct lan *lan)
{
    lan_arp(lan, ARP_OP_REPLY, PEER, lan_addr(lan, 1), nst_addr_v4(0, 0, 0, 0), lan_mac(1));
}

static void claim_by_use(struct lan *lan)
{
    lan_arp(lan, ARP_OP_REQUEST, PEER, lan_addr(lan, 1), lan_addr(lan, 99), everybody);
}

static void claim_by_probe(struct lan *lan)
{
    lan_probe(lan, 1, PEER);
}

static void who_has_it_or_wants_it_as_well_wins(void **state)
{
    static void (*const claims[])(struct lan *) = {claim_by_reply, claim_by_use, claim_by_probe};
    for (unsigned i = 0; i < 3; i++) {
        struct lan lan;
        lan_init_bare(&lan, false);
        add(&lan, 1, true);
        lan_advance(&lan, 2 * NST_SEC);
        claims[i](&lan);
        assert_int_equal(addr_state(&lan, 1), NST_ADDR_DUPLICATE);
        expect_owner(&lan, 1, PEER, 0);
        assert_int_equal(lan_counter(&lan, "dad_duplicates"), 1);
        lan_look(&lan);
        lan_advance(&lan, 60 * NST_SEC);
        struct lan_seen seen = lan_look(&lan);
        assert_int_equal(seen.probes + seen.announced, 0);
        lan_request(&lan, PEER, PEER);
        assert_int_equal(lan_look(&lan).answers, 0);
        /* Enabled anew, it asks anew. */
        nst_nic_disable(lan.stack, lan.nic);
        nst_nic_enable(lan.stack, lan.nic);
        lan_advance(&lan, 10 * NST_SEC);
        assert_int_equal(addr_state(&lan, 1), NST_ADDR_ASSIGNED);
        lan_fini(&lan);
    }
}

static void our_own_probes_come_back_without_harm(void **state)
{
    struct lan lan;
    lan_init_bare(&lan, false);
    add(&lan, 1, true);
    for (unsigned i = 0; i < 100; i++) {
        lan_advance(&lan, NST_SEC / 10);
        for (uint32_t f = 0, n = lan.m.count; f < n; f++) {
            uint8_t copy[128];
            const uint32_t len = lan.m.frames[f].len;
            memcpy(copy, lan.m.frames[f].data, len);
            memlink_inject(&lan.m, copy, len);
        }
        memlink_clear(&lan.m);
    }
    assert_int_equal(addr_state(&lan, 1), NST_ADDR_ASSIGNED);
    lan_fini(&lan);
}

/* ---- RFC 5227 2.4: defending ---- */

static void what_was_set_is_defended_and_kept(void **state)
{
    struct lan lan;
    lan_init_bare(&lan, false);
    add(&lan, 1, false);
    lan_advance(&lan, 5 * NST_SEC);
    lan_look(&lan);
    lan_forget_events(&lan);
    claim_by_use(&lan);
    expect_owner(&lan, 1, PEER, 1);
    assert_int_equal(lan_look(&lan).announced, 1);
    for (unsigned i = 0; i < 9; i++) { /* not more than once in 10 s */
        lan_advance(&lan, NST_SEC);
        claim_by_use(&lan);
    }
    assert_int_equal(lan_look(&lan).announced, 0);
    assert_int_equal(find_event(&lan, NST_EVENT_ADDR_DUPLICATE).kind, NST_EVENT_KINDS);
    lan_advance(&lan, NST_SEC);
    claim_by_use(&lan);
    assert_int_equal(lan_look(&lan).announced, 1);
    expect_owner(&lan, 1, PEER, 1);
    assert_int_equal(addr_state(&lan, 1), NST_ADDR_ASSIGNED);
    assert_int_equal(lan_counter(&lan, "acd_conflicts"), 11);
    lan_request(&lan, 8, 8);
    assert_int_equal(lan_look(&lan).answers, 1);
    lan_fini(&lan);
}

/* A socket on address 1, which is watched for its loss. */
static nst_socket watch_ours(struct lan *lan)
{
    const struct nst_endpoint ours = {.addr = lan_addr(lan, 1), .port = 7};
    nst_socket s;
    assert_int_equal(nst_socket_open(lan->stack, NST_DATAGRAM, &s), 0);
    assert_int_equal(nst_socket_bind(lan->stack, s, &ours), 0);
    assert_int_equal(nst_socket_watch(lan->stack, s, NST_READY_DOWN, NULL), 0);
    return s;
}

static void what_was_asked_for_is_given_up_when_the_other_insists(void **state)
{
    struct lan lan;
    lan_init_bare(&lan, false);
    add(&lan, 1, true);
    lan_advance(&lan, 20 * NST_SEC);
    const nst_socket ours = watch_ours(&lan);
    struct nst_ready ready;
    lan_forget_events(&lan);
    lan_look(&lan);
    claim_by_use(&lan);
    assert_int_equal(lan_look(&lan).announced, 1);
    expect_owner(&lan, 1, PEER, 1);
    lan_advance(&lan, 10 * NST_SEC);
    claim_by_use(&lan); /* long after: defended again */
    assert_int_equal(addr_state(&lan, 1), NST_ADDR_ASSIGNED);
    expect_owner(&lan, 1, PEER, 1);
    lan_advance(&lan, 10 * NST_SEC - 1);
    assert_int_equal(nst_ready_list(lan.stack, &ready, 1), 0);
    claim_by_use(&lan);
    assert_int_equal(addr_state(&lan, 1), NST_ADDR_DUPLICATE);
    lan_advance(&lan, 0);
    assert_int_equal(nst_ready_list(lan.stack, &ready, 1), 1); /* N8 */
    assert_true(ready.socket == ours && ready.events == NST_READY_DOWN);
    expect_owner(&lan, 1, PEER, 0);
    assert_int_equal(lan_send(&lan, 8, 10), -NST_EADDRNOTAVAIL);
    lan_fini(&lan);
}

static void a_silent_address_says_nothing(void **state)
{
    struct lan lan;
    lan_init(&lan, false); /* no_dad */
    lan_advance(&lan, 10 * NST_SEC);
    claim_by_use(&lan);
    expect_owner(&lan, 1, PEER, 1);
    const struct lan_seen seen = lan_look(&lan);
    assert_int_equal(seen.announced + seen.probes, 0);
    lan_fini(&lan);
}

/* ---- IPv6: the same questions ---- */

static void duplicate_detection_says_who_has_it(void **state)
{
    struct lan lan;
    for (unsigned i = 0; i < 2; i++) {
        lan_init_bare(&lan, true);
        add(&lan, 1, false);
        assert_int_equal(addr_state(&lan, 1), NST_ADDR_TENTATIVE);
        lan_advance(&lan, NST_SEC);
        if (i == 0)
            lan_probe(&lan, 1, PEER);
        else
            lan_confirm(&lan, 1, PEER, LAN_OVERRIDE);
        assert_int_equal(addr_state(&lan, 1), NST_ADDR_DUPLICATE);
        expect_owner(&lan, 1, PEER, 0);
        lan_fini(&lan);
    }
}

/* From its own address: one that came from ours would be dropped as rx_own_source (N28). */
static void claim_six(struct lan *lan)
{
    uint8_t message[NDP_NEIGHBOR_LEN + NDP_OPT_MAC_LEN];
    const struct nst_addr all = {{{0xff, 0x02, [15] = 1}}};
    const struct ndp_neighbor claim = {.target = lan_addr(lan, 1), .override = true};
    const struct nst_mac mac = lan_mac(PEER);
    size_t len = ndp_neighbor_build(message, ICMP6_NEIGHBOR_ADVERTISEMENT, &claim);
    len += ndp_opt_mac_build(message + len, NDP_OPT_TARGET_MAC, &mac);
    lan_icmp6(lan, PEER, lan_addr(lan, PEER), all, message, len);
}

static void who_takes_an_assigned_address_is_told_once(void **state)
{
    struct lan lan;
    lan_init(&lan, true);
    claim_six(&lan);
    claim_six(&lan);
    expect_owner(&lan, 1, PEER, 1);
    assert_int_equal(find_event(&lan, NST_EVENT_ADDR_DUPLICATE).kind, NST_EVENT_KINDS);
    assert_int_equal(addr_state(&lan, 1), NST_ADDR_ASSIGNED);
    lan_fini(&lan);
}

TESTS(
    {"nic/N89: answers for its own addresses, learns from what concerns it", only_what_concerns_us},
    {"nic/N89: a spoofing NIC answers for any", a_spoofing_nic_answers_for_any},
    {"nic/N89: gratuitous frames update and never create", gratuitous_updates_and_never_creates},
    {"nic/N89: a new IPv4 address is announced twice", a_new_address_is_announced},
    {"nic/N89: another link address is announced", another_link_address_is_announced},
    {"nic/N89: probing takes seconds and then announces", probing_takes_seconds_and_then_announces},
    {"nic/N89: who has it, or wants it as well, wins", who_has_it_or_wants_it_as_well_wins},
    {"nic/N89: our own probes come back without harm", our_own_probes_come_back_without_harm},
    {"nic/N89: an address that was set is defended and kept", what_was_set_is_defended_and_kept},
    {"nic/N89: an address that was asked for is given up when the other insists",
     what_was_asked_for_is_given_up_when_the_other_insists},
    {"nic/N89: a silent address says nothing", a_silent_address_says_nothing},
    {"nic/N69: duplicate detection says who has the address", duplicate_detection_says_who_has_it},
    {"nic/N69: who takes an assigned address is told once",
     who_takes_an_assigned_address_is_told_once})
