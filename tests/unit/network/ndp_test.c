/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

static struct lab lab;
static struct nic *nic;
static uint8_t packet[2000];

static void begin(void)
{
    lab_init(&lab);
    nic = lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_add_addr(&lab, 1, "fd00::1/64");
}

/* A neighbour's message, and what may be wrong with it. */
struct message {
    const char *src, *dst, *target;
    unsigned mac; /* of the option; 0: none */
    bool router, solicited, override;
    uint8_t hop_limit; /* 0: 255 */
    uint8_t code;
    const uint8_t *options; /* more of them */
    size_t options_len;
    bool fragment; /* in a fragment header */
};

static size_t build_message(uint8_t *to, uint8_t type, const struct message *m)
{
    const struct ndp_neighbor n = {.target = lab_addr(m->target),
                                   .router = m->router,
                                   .solicited = m->solicited,
                                   .override = m->override};
    size_t len = ndp_neighbor_build(to, type, &n);
    to[1] = m->code;
    const struct nst_mac mac = lab_mac(m->mac);
    if (m->mac != 0)
        len += ndp_opt_mac_build(
            to + len, type == ICMP6_NEIGHBOR_SOLICITATION ? NDP_OPT_SOURCE_MAC : NDP_OPT_TARGET_MAC,
            &mac);
    if (m->options_len > 0)
        memcpy(to + len, m->options, m->options_len);
    return len + m->options_len;
}

static void feed(uint8_t type, const struct message *m)
{
    uint8_t body[200];
    const uint8_t ext[8] = {IP_PROTO_ICMPV6};
    const size_t len = build_message(body, type, m);
    const struct lab_ip6 ip = {.src = m->src,
                               .dst = m->dst,
                               .next = IP_PROTO_FRAGMENT,
                               .ext = ext,
                               .ext_len = m->fragment ? 8 : 0,
                               .hop_limit = m->hop_limit != 0 ? m->hop_limit : 255};
    lab_feed_ip6(&lab, 1, packet, lab_build_icmp6(packet, &ip, body, len));
}

static void ask(const struct message *m)
{
    feed(ICMP6_NEIGHBOR_SOLICITATION, m);
}

static void tell(const struct message *m)
{
    feed(ICMP6_NEIGHBOR_ADVERTISEMENT, m);
}

static struct neigh *neigh_of(const char *addr)
{
    const struct nst_addr a = lab_addr(addr);
    return neigh_lookup(&nic->eps[NET_IPV6].neighs, &a);
}

static int state_of(const char *addr)
{
    const struct neigh *n = neigh_of(addr);
    return n != NULL ? n->state : -1;
}

static bool took(const char *addr, unsigned mac)
{
    const struct nst_mac m = lab_mac(mac);
    const struct neigh *n = neigh_of(addr);
    return n != NULL && memcmp(&n->mac, &m, 6) == 0;
}

/* The next frame: a neighbour message, its addresses and the link address that it went to. */
static struct ndp_neighbor take(uint8_t type, const char *src, const char *dst, struct nst_mac *to)
{
    struct ndp_neighbor n = {0};
    size_t len;
    uint16_t ethertype;
    const uint8_t *r = lab_take(&lab, 1, &len, &ethertype, to);
    assert_non_null(r);
    assert_int_equal(ethertype, NST_ETHERTYPE_IPV6);
    struct ip6_hdr ip;
    assert_int_equal(ip6_parse(r, len, &ip), 40);
    const struct nst_addr s = lab_addr(src), d = lab_addr(dst);
    assert_true(nst_addr_equal(&ip.src, &s) && nst_addr_equal(&ip.dst, &d));
    assert_int_equal(ip.hop_limit, 255);
    assert_int_equal(ip.next, IP_PROTO_ICMPV6);
    const uint32_t pseudo = csum_pseudo_v6(&s, &d, IP_PROTO_ICMPV6, (uint32_t)len - 40);
    assert_true(csum_ok(csum_short(r + 40, len - 40, pseudo)));
    assert_int_equal(r[40], type);
    assert_true(ndp_neighbor_parse(r + 40, len - 40, &n));
    return n;
}

static void assert_mac(const struct nst_mac *mac, struct nst_mac expected)
{
    assert_memory_equal(mac, &expected, 6);
}

static const struct message question = {
    .src = "fd00::7", .dst = "ff02::1:ff00:1", .target = "fd00::1", .mac = 7};

static void a_question_for_us_is_answered_and_teaches(void **state)
{
    begin();
    ask(&question);
    struct nst_mac to;
    const struct ndp_neighbor n = take(ICMP6_NEIGHBOR_ADVERTISEMENT, "fd00::1", "fd00::7", &to);
    assert_true(n.solicited && n.override && !n.router);
    assert_mac(&to, lab_mac(7));
    assert_int_equal(state_of("fd00::7"), NST_NEIGH_STALE);
    assert_true(took("fd00::7", 7));
    /* N85: the same again changes nothing, another address is taken. */
    struct message other = question;
    other.mac = 8;
    ask(&other);
    assert_true(took("fd00::7", 8));
    assert_int_equal(state_of("fd00::7"), NST_NEIGH_STALE);
    lab_fini(&lab);
}

static void who_looks_for_duplicates_is_told_by_all_nodes(void **state)
{
    begin();
    ask(&(struct message){.src = "::", .dst = "ff02::1:ff00:1", .target = "fd00::1"});
    struct nst_mac to;
    const struct ndp_neighbor n = take(ICMP6_NEIGHBOR_ADVERTISEMENT, "fd00::1", "ff02::1", &to);
    assert_true(!n.solicited && n.override);
    assert_mac(&to, (struct nst_mac){{0x33, 0x33, 0, 0, 0, 1}});
    assert_int_equal(nic->eps[NET_IPV6].neighs.dynamic, 0);
    lab_fini(&lab);
}

static void questions_that_fail_a_check_are_dropped(void **state)
{
    static const uint8_t zero_option[8] = {200, 0}, group_mac[8] = {1, 1, 0x33, 0x33, 0, 0, 0, 1};
    struct message bad[10];
    for (unsigned i = 0; i < 10; i++)
        bad[i] = question;
    bad[0].hop_limit = 254;
    bad[1].code = 1;
    bad[2].target = "ff02::1";
    bad[3].src = "::"; /* with a source link address */
    bad[4].src = "::";
    bad[4].mac = 0;
    bad[4].dst = "fd00::1"; /* a probe to a unicast address: refused by the IPv6 layer */
    bad[5].options = zero_option;
    bad[5].options_len = 8;
    bad[6].options = zero_option;
    bad[6].options_len = 7;
    bad[7].mac = 0;
    bad[7].options = group_mac;
    bad[7].options_len = 8;
    bad[8].fragment = true; /* RFC 6980 */
    bad[9].src = "::";
    bad[9].mac = 0;
    bad[9].dst = "ff02::1"; /* a probe that is not to the solicited-node group */
    begin();
    for (unsigned i = 0; i < 10; i++) {
        ask(&bad[i]);
        assert_int_equal(lab_frames(&lab, 1), 0);
    }
    assert_int_equal(lab.stack->counters.ndp_malformed, 9);
    assert_int_equal(state_of("fd00::7"), -1);
    lab_fini(&lab);
}

static void questions_cut_at_every_byte_are_survived(void **state)
{
    begin();
    uint8_t body[40];
    const size_t len = build_message(body, ICMP6_NEIGHBOR_SOLICITATION, &question);
    const struct lab_ip6 ip = {.src = "fd00::7", .dst = "ff02::1:ff00:1", .hop_limit = 255};
    for (size_t n = 0; n < len; n++) {
        uint8_t *exact = malloc(40 + n);
        memcpy(exact, packet, lab_build_icmp6(packet, &ip, body, n));
        lab_feed_ip6(&lab, 1, exact, 40 + n);
        free(exact);
        assert_int_equal(lab_frames(&lab, 1), n >= 24 && n % 8 == 0);
        lab_discard(&lab, 1);
    }
    lab_fini(&lab);
}

static void questions_for_others_teach_and_get_nothing(void **state)
{
    begin();
    struct message m = question;
    m.target = "fd00::100:1"; /* the same group, another address */
    ask(&m);
    assert_int_equal(lab_frames(&lab, 1), 0);
    assert_int_equal(state_of("fd00::7"), -1);
    lab_fini(&lab);
}

static void a_spoofing_nic_answers_for_any_but_lets_others_have_addresses(void **state)
{
    begin();
    nst_nic_set_spoofing(lab.stack, 1, true);
    struct message m = {
        .src = "fd00::7", .dst = "ff02::1:ff00:99", .target = "2001:db8::99", .mac = 7};
    ask(&m);
    struct nst_mac to;
    const struct ndp_neighbor n =
        take(ICMP6_NEIGHBOR_ADVERTISEMENT, "2001:db8::99", "fd00::7", &to);
    assert_true(n.solicited && !n.override);
    m = (struct message){.src = "::", .dst = "ff02::1:ff00:99", .target = "2001:db8::99"};
    ask(&m);
    assert_int_equal(lab_frames(&lab, 1), 0);
    lab_fini(&lab);
}

static void an_answer_to_our_question_makes_reachable(void **state)
{
    begin();
    lab_send(&lab, NULL, "fd00::7", 10, false);
    struct nst_mac to;
    const struct ndp_neighbor q =
        take(ICMP6_NEIGHBOR_SOLICITATION, "fd00::1", "ff02::1:ff00:7", &to);
    const struct nst_addr target = lab_addr("fd00::7");
    assert_true(nst_addr_equal(&q.target, &target));
    assert_mac(&to, (struct nst_mac){{0x33, 0x33, 0xff, 0, 0, 7}});
    /* N86: without a link address it says nothing yet. */
    tell(&(struct message){
        .src = "fd00::7", .dst = "fd00::1", .target = "fd00::7", .solicited = true});
    assert_int_equal(state_of("fd00::7"), NST_NEIGH_INCOMPLETE);
    tell(&(struct message){.src = "fd00::7",
                           .dst = "fd00::1",
                           .target = "fd00::7",
                           .mac = 7,
                           .solicited = true,
                           .override = true,
                           .router = true});
    assert_int_equal(state_of("fd00::7"), NST_NEIGH_REACHABLE);
    assert_true(neigh_of("fd00::7")->router);
    assert_non_null(lab_take(&lab, 1, NULL, NULL, &to)); /* what waited */
    assert_mac(&to, lab_mac(7));
    lab_fini(&lab);
}

static void advertisements_follow_the_table_of_rfc_4861(void **state)
{
    static const struct {
        bool solicited, override, router;
        unsigned mac; /* 7 is known already */
        int state;
        unsigned took;
        bool is_router;
    } rows[] = {
        {false, false, false, 7, NST_NEIGH_STALE, 7, false},
        {true, false, false, 7, NST_NEIGH_REACHABLE, 7, false},
        {false, false, true, 8, NST_NEIGH_STALE, 7, true}, /* not believed: nothing changes */
        {true, false, true, 8, NST_NEIGH_STALE, 7, true},
        {false, true, true, 8, NST_NEIGH_STALE, 8, true},
        {true, true, false, 8, NST_NEIGH_REACHABLE, 8, false},
        {true, false, false, 0, NST_NEIGH_REACHABLE, 7, false},
        {false, false, false, 0, NST_NEIGH_STALE, 7, false},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        begin();
        ask(&question); /* STALE */
        neigh_of("fd00::7")->router = true;
        tell(&(struct message){.src = "fd00::7",
                               .dst = rows[i].solicited ? "fd00::1" : "ff02::1",
                               .target = "fd00::7",
                               .mac = rows[i].mac,
                               .solicited = rows[i].solicited,
                               .override = rows[i].override,
                               .router = rows[i].router});
        assert_int_equal(state_of("fd00::7"), rows[i].state);
        assert_true(took("fd00::7", rows[i].took));
        assert_int_equal(neigh_of("fd00::7")->router, rows[i].is_router);
        lab_fini(&lab);
    }
}

static void answers_that_fail_a_check_are_dropped(void **state)
{
    static const struct message good = {.src = "fd00::7",
                                        .dst = "fd00::1",
                                        .target = "fd00::7",
                                        .mac = 8,
                                        .solicited = true,
                                        .override = true};
    struct message bad[5] = {good, good, good, good, good};
    bad[0].hop_limit = 64;
    bad[1].code = 3;
    bad[2].target = "ff02::7";
    bad[3].dst = "ff02::1"; /* to all, and yet an answer */
    bad[4].fragment = true;
    begin();
    ask(&question);
    for (unsigned i = 0; i < 5; i++)
        tell(&bad[i]);
    assert_int_equal(lab.stack->counters.ndp_malformed, 5);
    assert_true(took("fd00::7", 7));
    struct message nobody = good;
    nobody.target = "fd00::9";
    tell(&nobody);
    assert_int_equal(state_of("fd00::9"), -1);
    assert_int_equal(lab.stack->counters.neigh_unexpected_confirmations, 1);
    struct message ours = good;
    ours.target = "fd00::1";
    tell(&ours); /* nobody becomes us */
    assert_int_equal(state_of("fd00::1"), -1);
    lab_fini(&lab);
}

static void a_neighbour_that_does_not_answer_is_reported(void **state)
{
    begin();
    assert_int_equal(lab_send(&lab, NULL, "fd00::7", 10, false), 0);
    lab_advance(&lab, 4 * NST_SEC);
    assert_int_equal(lab_frames(&lab, 1), 3);
    assert_int_equal(lab.errors, 1);
    assert_int_equal(lab.error.kind, NET_ERROR_HOST_UNREACHABLE);
    assert_int_equal(nic->counters.tx_resolution_failed, 1);
    assert_int_equal(state_of("fd00::7"), NST_NEIGH_UNREACHABLE);
    lab_fini(&lab);
}

static void delay_turns_probe_by_unicast(void **state)
{
    begin();
    ask(&question);
    lab_discard(&lab, 1);
    lab_send(&lab, NULL, "fd00::7", 10, false);
    assert_int_equal(state_of("fd00::7"), NST_NEIGH_DELAY);
    lab_discard(&lab, 1);
    lab_advance(&lab, 5 * NST_SEC);
    assert_int_equal(state_of("fd00::7"), NST_NEIGH_PROBE);
    struct nst_mac to;
    take(ICMP6_NEIGHBOR_SOLICITATION, "fd00::1", "fd00::7", &to);
    assert_mac(&to, lab_mac(7));
    /* N87 */
    neigh_progress(neigh_of("fd00::7"));
    assert_int_equal(state_of("fd00::7"), NST_NEIGH_REACHABLE);
    lab_fini(&lab);
}

static void static_entries_serve_both_families(void **state)
{
    begin();
    lab_add_addr(&lab, 1, "10.0.0.1/24");
    const struct nst_addr v4 = lab_addr("10.0.0.7"), v6 = lab_addr("fd00::7");
    struct nst_neigh list[4];
    assert_int_equal(nst_neigh_add(lab.stack, 1, &v6, lab_mac(9)), 0);
    assert_int_equal(nst_neigh_add(lab.stack, 1, &v4, lab_mac(8)), 0);
    assert_int_equal(nst_neigh_list(lab.stack, 1, list, 4), 2);
    assert_true(nst_addr_equal(&list[0].addr, &v4) && nst_addr_equal(&list[1].addr, &v6));
    ask(&question); /* another address: not taken */
    assert_true(took("fd00::7", 9));
    assert_int_equal(nst_neigh_remove(lab.stack, 1, &v6), 0);
    assert_int_equal(nst_neigh_remove(lab.stack, 1, &v6), -NST_ENOENT);
    lab_fini(&lab);
}

static void a_hundred_thousand_neighbours_leave_the_one_in_use(void **state)
{
    begin();
    ask(&question);
    lab_discard(&lab, 1);
    lab_send(&lab, NULL, "fd00::7", 10, false); /* its destination is kept for a while */
    const struct nst_addr busy = lab_addr("fd00::7");
    struct dst *d;
    assert_int_equal(dst_get(lab.stack, &busy, NULL, 0, &d), 0);
    for (uint32_t i = 0; i < 100000; i++) {
        uint8_t body[40];
        const size_t len = build_message(body, ICMP6_NEIGHBOR_SOLICITATION, &question);
        const struct lab_ip6 ip = {.src = "fd00::8", .dst = "ff02::1:ff00:1", .hop_limit = 255};
        const size_t n = lab_build_icmp6(packet, &ip, body, len);
        be32_put(packet + 16, i + 1); /* the sum stays right: the same is taken elsewhere */
        const uint32_t csum = be16_get(packet + 42);
        be16_put(packet + 42, csum_replace32((uint16_t)csum, 0, i + 1));
        lab_feed_ip6(&lab, 1, packet, n);
        lab_discard(&lab, 1);
    }
    assert_true(nic->eps[NET_IPV6].neighs.dynamic <= 512);
    assert_true(lab.stack->counters.neigh_evicted > 99000);
    assert_true(took("fd00::7", 7));
    dst_put(d);
    lab_fini(&lab);
}

TESTS({"nic/N85: a neighbour solicitation for us is answered and teaches",
       a_question_for_us_is_answered_and_teaches},
      {"who looks for duplicates is told by all nodes",
       who_looks_for_duplicates_is_told_by_all_nodes},
      {"RFC 4861 7.1.1: questions that fail a check are dropped",
       questions_that_fail_a_check_are_dropped},
      {"questions cut at every byte are survived", questions_cut_at_every_byte_are_survived},
      {"questions for others teach and get nothing", questions_for_others_teach_and_get_nothing},
      {"nic/N89: a spoofing NIC answers for any IPv6 address but lets others have them",
       a_spoofing_nic_answers_for_any_but_lets_others_have_addresses},
      {"nic/N83, N86: an answer to our question makes reachable",
       an_answer_to_our_question_makes_reachable},
      {"nic/N86: advertisements follow the table of RFC 4861",
       advertisements_follow_the_table_of_rfc_4861},
      {"RFC 4861 7.1.2: answers that fail a check are dropped",
       answers_that_fail_a_check_are_dropped},
      {"nic/N47: a neighbour that does not answer is reported",
       a_neighbour_that_does_not_answer_is_reported},
      {"nic/N84, N87: delay turns probe by unicast", delay_turns_probe_by_unicast},
      {"nic/N88: static entries serve both families", static_entries_serve_both_families},
      {"nic/N90: a hundred thousand neighbours leave the one in use",
       a_hundred_thousand_neighbours_leave_the_one_in_use})
