/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

#include "wire/arp.h"

static struct lab lab;
static struct nic *nic;
static const struct nst_mac all = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static void begin(void)
{
    lab_init(&lab);
    nic = lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_add_addr(&lab, 1, "10.0.0.1/24");
}

static void feed(uint16_t op, unsigned from, const char *spa, const char *tpa,
                 const struct nst_mac *to)
{
    uint8_t arp[28];
    lab_build_arp(arp, op, from, spa, tpa);
    lab_feed(&lab, 1, NST_ETHERTYPE_ARP, arp, sizeof(arp), to);
}

static int state_of(const char *addr)
{
    const struct nst_addr a = lab_addr(addr);
    const struct neigh *n = neigh_lookup(&nic->eps[NET_IPV4].neighs, &a);
    return n != NULL ? n->state : -1;
}

static bool took(const char *addr, unsigned mac)
{
    const struct nst_addr a = lab_addr(addr);
    const struct nst_mac m = lab_mac(mac);
    const struct neigh *n = neigh_lookup(&nic->eps[NET_IPV4].neighs, &a);
    return n != NULL && memcmp(&n->mac, &m, 6) == 0;
}

static void a_request_for_us_is_answered_and_teaches(void **state)
{
    begin();
    feed(ARP_OP_REQUEST, 7, "10.0.0.7", "10.0.0.1", &all);
    size_t len;
    uint16_t type;
    struct nst_mac to;
    const uint8_t *r = lab_take(&lab, 1, &len, &type, &to);
    assert_non_null(r);
    assert_int_equal(type, NST_ETHERTYPE_ARP);
    struct arp_hdr h;
    assert_int_equal(arp_parse(r, len, &h), 28);
    assert_int_equal(h.op, ARP_OP_REPLY);
    const struct nst_mac us = lab_mac(1), peer = lab_mac(7);
    assert_memory_equal(&h.sha, &us, 6);
    assert_memory_equal(&to, &peer, 6);
    assert_int_equal(h.spa4, lab_addr("10.0.0.1").w[3]);
    assert_int_equal(h.tpa4, lab_addr("10.0.0.7").w[3]);
    assert_int_equal(state_of("10.0.0.7"), NST_NEIGH_STALE);
    lab_fini(&lab);
}

static void requests_for_others_teach_and_get_nothing(void **state)
{
    begin();
    feed(ARP_OP_REQUEST, 7, "10.0.0.7", "10.0.0.9", &all);
    feed(ARP_OP_REPLY, 7, "10.0.0.7", "10.0.0.9", NULL);
    assert_int_equal(lab_frames(&lab, 1), 0);
    assert_int_equal(state_of("10.0.0.7"), -1);
    lab_fini(&lab);
}

static void a_spoofing_nic_answers_for_any_but_lets_others_have_addresses(void **state)
{
    begin();
    nst_nic_set_spoofing(lab.stack, 1, true);
    feed(ARP_OP_REQUEST, 7, "10.0.0.7", "192.0.2.1", &all);
    assert_int_equal(lab_frames(&lab, 1), 1);
    feed(ARP_OP_REQUEST, 7, "0.0.0.0", "10.0.0.7", &all);  /* a probe */
    feed(ARP_OP_REQUEST, 7, "10.0.0.7", "10.0.0.7", &all); /* an announcement */
    feed(ARP_OP_REQUEST, 7, "10.0.0.7", "224.0.0.1", &all);
    feed(ARP_OP_REQUEST, 7, "10.0.0.7", "10.0.0.255", &all);
    feed(ARP_OP_REQUEST, 7, "10.0.0.7", "255.255.255.255", &all);
    assert_int_equal(lab_frames(&lab, 1), 1);
    feed(ARP_OP_REQUEST, 7, "0.0.0.0", "10.0.0.1", &all); /* a probe for what is ours */
    assert_int_equal(lab_frames(&lab, 1), 2);
    lab_fini(&lab);
}

static void an_answer_to_our_question_makes_reachable(void **state)
{
    begin();
    lab_send(&lab, NULL, "10.0.0.7", 10, false);
    size_t len;
    struct nst_mac to;
    const uint8_t *q = lab_take(&lab, 1, &len, NULL, &to);
    assert_non_null(q);
    assert_memory_equal(&to, &all, 6);
    struct arp_hdr h;
    assert_int_equal(arp_parse(q, len, &h), 28);
    assert_int_equal(h.op, ARP_OP_REQUEST);
    assert_int_equal(h.spa4, lab_addr("10.0.0.1").w[3]);
    assert_int_equal(h.tpa4, lab_addr("10.0.0.7").w[3]);
    feed(ARP_OP_REPLY, 7, "10.0.0.7", "10.0.0.1", NULL);
    assert_int_equal(state_of("10.0.0.7"), NST_NEIGH_REACHABLE);
    assert_non_null(lab_take(&lab, 1, NULL, NULL, NULL));
    /* Nobody asked: taken, for a reply overrides, but not proven. */
    feed(ARP_OP_REPLY, 8, "10.0.0.7", "10.0.0.1", NULL);
    assert_int_equal(state_of("10.0.0.7"), NST_NEIGH_STALE);
    assert_true(took("10.0.0.7", 8));
    lab_fini(&lab);
}

static void an_answer_that_nobody_asked_for_makes_nothing(void **state)
{
    begin();
    feed(ARP_OP_REPLY, 7, "10.0.0.7", "10.0.0.1", NULL);
    assert_int_equal(state_of("10.0.0.7"), -1);
    assert_int_equal(lab.stack->counters.neigh_unexpected_confirmations, 1);
    lab_fini(&lab);
}

static void gratuitous_frames_update_and_never_create(void **state)
{
    begin();
    feed(ARP_OP_REQUEST, 7, "10.0.0.7", "10.0.0.7", &all);
    feed(ARP_OP_REPLY, 7, "10.0.0.7", "10.0.0.7", &all);
    assert_int_equal(state_of("10.0.0.7"), -1);
    feed(ARP_OP_REQUEST, 7, "10.0.0.7", "10.0.0.1", &all);
    feed(ARP_OP_REQUEST, 8, "10.0.0.7", "10.0.0.7", &all);
    assert_true(took("10.0.0.7", 8));
    feed(ARP_OP_REPLY, 9, "10.0.0.7", "10.0.0.7", &all);
    assert_true(took("10.0.0.7", 9));
    assert_int_equal(state_of("10.0.0.7"), NST_NEIGH_STALE);
    lab_fini(&lab);
}

static void nobody_becomes_us(void **state)
{
    begin();
    feed(ARP_OP_REQUEST, 7, "10.0.0.1", "10.0.0.1", &all);
    feed(ARP_OP_REPLY, 7, "10.0.0.1", "10.0.0.1", NULL);
    feed(ARP_OP_REPLY, 7, "10.0.0.1", "10.0.0.9", NULL);
    assert_int_equal(state_of("10.0.0.1"), -1);
    lab_fini(&lab);
}

static void nonsense_is_dropped(void **state)
{
    static const char *const senders[] = {"224.0.0.1", "255.255.255.255", "127.0.0.1", "240.0.0.1"};
    uint8_t arp[28];
    begin();
    for (unsigned i = 0; i < ARRAY_SIZE(senders); i++)
        feed(ARP_OP_REQUEST, 7, senders[i], "10.0.0.1", &all);
    for (unsigned at = 0; at < 6; at++) { /* hardware, protocol, their lengths */
        lab_build_arp(arp, ARP_OP_REQUEST, 7, "10.0.0.7", "10.0.0.1");
        arp[at] ^= 0x80;
        lab_feed(&lab, 1, NST_ETHERTYPE_ARP, arp, 28, &all);
    }
    lab_build_arp(arp, ARP_OP_REQUEST, 7, "10.0.0.7", "10.0.0.1");
    arp[8] |= 1; /* a group as sender */
    lab_feed(&lab, 1, NST_ETHERTYPE_ARP, arp, 28, &all);
    feed(ARP_OP_REQUEST, 1, "10.0.0.7", "10.0.0.1", &all); /* our own link address */
    assert_int_equal(lab.stack->counters.arp_malformed, 12);
    lab_build_arp(arp, ARP_OP_REQUEST, 7, "10.0.0.7", "10.0.0.1");
    for (size_t n = 0; n < 28; n++)
        lab_feed(&lab, 1, NST_ETHERTYPE_ARP, arp, n, &all);
    for (unsigned op = 3; op < 30; op++)
        feed((uint16_t)op, 7, "10.0.0.7", "10.0.0.1", &all);
    assert_int_equal(lab_frames(&lab, 1), 0);
    assert_int_equal(state_of("10.0.0.7"), -1);
    lab_fini(&lab);
}

static void a_nic_without_address_can_ask(void **state)
{
    lab_init(&lab);
    nic = lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    nst_nic_set_spoofing(lab.stack, 1, true);
    lab_add_route(&lab, "0.0.0.0/0", 1, NULL);
    assert_int_equal(lab_send(&lab, "192.0.2.5", "10.0.0.7", 10, false), 0);
    lab_discard(&lab, 1);
    feed(ARP_OP_REPLY, 7, "10.0.0.7", "0.0.0.0", NULL);
    assert_int_equal(state_of("10.0.0.7"), NST_NEIGH_REACHABLE);
    assert_int_equal(lab_frames(&lab, 1), 1);
    lab_fini(&lab);
}

TESTS({"RFC 826: a request for us is answered and teaches",
       a_request_for_us_is_answered_and_teaches},
      {"N89: requests for others teach and get nothing", requests_for_others_teach_and_get_nothing},
      {"N89: a spoofing NIC answers for any but lets others have addresses",
       a_spoofing_nic_answers_for_any_but_lets_others_have_addresses},
      {"N86: an answer to our question makes reachable", an_answer_to_our_question_makes_reachable},
      {"N86: an answer that nobody asked for makes nothing",
       an_answer_that_nobody_asked_for_makes_nothing},
      {"N89: gratuitous frames update and never create", gratuitous_frames_update_and_never_create},
      {"nobody becomes us", nobody_becomes_us}, {"nonsense is dropped", nonsense_is_dropped},
      {"a NIC without address can ask", a_nic_without_address_can_ask})
