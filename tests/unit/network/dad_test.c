/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

#include "network/dad.h"

static struct lab lab;
static struct nic *nic;
static uint8_t packet[2000];

static void begin(void)
{
    lab_init(&lab);
    nic = lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
}

static void add(const char *text)
{
    const struct nst_nic_addr a = {.addr = lab_addr(text), .prefix_len = 64};
    assert_int_equal(nst_nic_addr_add(lab.stack, 1, &a), 0);
}

/* The state of the i-th address of NIC 1. */
static int state_of(unsigned i)
{
    struct nst_nic_addr list[8];
    assert_true(nst_nic_addr_list(lab.stack, 1, list, 8) > (int)i);
    return list[i].state;
}

static struct nst_addr addr_of(unsigned i)
{
    struct nst_nic_addr list[8];
    assert_true(nst_nic_addr_list(lab.stack, 1, list, 8) > (int)i);
    return list[i].addr;
}

/* The probe that left next: its target and nonce. */
static struct ndp_neighbor take_probe(uint8_t nonce[NDP_NONCE])
{
    struct ndp_neighbor n = {0};
    struct ndp_opt opt;
    size_t len;
    const uint8_t *r = lab_take(&lab, 1, &len, NULL, NULL);
    assert_non_null(r);
    const struct nst_addr src = addr_v6_get(r + 8), dst = addr_v6_get(r + 24);
    assert_true(addr_is_unspecified(&src));
    assert_int_equal(r[7], 255);
    assert_int_equal(r[40], ICMP6_NEIGHBOR_SOLICITATION);
    assert_true(ndp_neighbor_parse(r + 40, len - 40, &n));
    const struct nst_addr group = addr_solicited_node(&n.target);
    assert_true(nst_addr_equal(&group, &dst));
    struct ndp_opt_iter it = ndp_opt_begin(r + 40, len - 40, NDP_NEIGHBOR_LEN);
    assert_true(ndp_opt_next(&it, &opt) && ndp_opt_nonce(&opt, nonce));
    assert_false(ndp_opt_next(&it, &opt)); /* RFC 4861 4.3: no source link address */
    return n;
}

static void feed(uint8_t type, const char *src, const struct nst_addr *target, const uint8_t *nonce)
{
    char group[NST_ADDR_TEXT];
    uint8_t body[40];
    const struct nst_addr solicited = addr_solicited_node(target);
    const struct ndp_neighbor n = {.target = *target, .override = true};
    size_t len = ndp_neighbor_build(body, type, &n);
    if (nonce != NULL)
        len += ndp_opt_nonce_build(body + len, nonce);
    const bool question = type == ICMP6_NEIGHBOR_SOLICITATION;
    nst_addr_format(&solicited, group, sizeof(group));
    const struct lab_ip6 ip = {.src = src, .dst = question ? group : "ff02::1", .hop_limit = 255};
    lab_feed_ip6(&lab, 1, packet, lab_build_icmp6(packet, &ip, body, len));
}

static void nobody_objects(void **state)
{
    begin();
    add("fd00::1");
    uint8_t nonce[NDP_NONCE];
    assert_int_equal(state_of(0), NST_ADDR_TENTATIVE);
    lab_advance(&lab, DAD_DELAY);
    const struct nst_addr a = lab_addr("fd00::1");
    const struct ndp_neighbor n = take_probe(nonce);
    assert_true(nst_addr_equal(&n.target, &a));
    assert_int_equal(state_of(0), NST_ADDR_TENTATIVE);
    lab_advance(&lab, NST_SEC);
    assert_int_equal(state_of(0), NST_ADDR_ASSIGNED);
    assert_int_equal(lab_frames(&lab, 1), 0);
    assert_int_equal(nst_stack_next_deadline(lab.stack), NST_TIME_NEVER);
    lab_fini(&lab);
}

static void a_tentative_address_neither_receives_nor_sends(void **state)
{
    begin();
    add("fd00::1");
    for (unsigned i = 0; i < 2; i++) {
        const struct lab_ip6 ip = {.src = "fd00::2", .dst = "fd00::1", .next = LAB_PROTO};
        lab_feed_ip6(&lab, 1, packet, lab_build_ip6(packet, &ip, "x", 1));
        assert_int_equal(lab.delivered, 0);
        nst_nic_set_promiscuous(lab.stack, 1, true); /* not even then */
    }
    assert_int_equal(lab_send(&lab, NULL, "fd00::2", 1, false), -NST_EADDRNOTAVAIL);
    assert_int_equal(lab_send(&lab, "fd00::1", "fd00::2", 1, false), -NST_EADDRNOTAVAIL);
    /* Who wants to speak to it is not answered (RFC 4862 5.4.3). */
    const struct nst_addr a = lab_addr("fd00::1");
    feed(ICMP6_NEIGHBOR_SOLICITATION, "fd00::2", &a, NULL);
    assert_int_equal(lab_frames(&lab, 1), 0);
    assert_int_equal(state_of(0), NST_ADDR_TENTATIVE);
    lab_fini(&lab);
}

static void who_has_it_or_wants_it_makes_it_a_duplicate(void **state)
{
    static const uint8_t other_nonce[NDP_NONCE] = {9, 9, 9, 9, 9, 9};
    const struct nst_addr a = lab_addr("fd00::1");
    for (unsigned i = 0; i < 4; i++) {
        begin();
        add("fd00::1");
        if (i != 1)
            lab_advance(&lab, DAD_DELAY);
        if (i == 0)
            feed(ICMP6_NEIGHBOR_ADVERTISEMENT, "fd00::1", &a, NULL);
        else
            feed(ICMP6_NEIGHBOR_SOLICITATION, "::", &a, i == 3 ? other_nonce : NULL);
        assert_int_equal(state_of(0), NST_ADDR_DUPLICATE);
        assert_int_equal(lab.stack->counters.dad_duplicates, 1);
        lab_advance(&lab, 10 * NST_SEC);
        assert_int_equal(state_of(0), NST_ADDR_DUPLICATE);
        /* It can be removed, and is tried again when the NIC comes up. */
        nst_nic_disable(lab.stack, 1);
        nst_nic_enable(lab.stack, 1);
        assert_int_equal(state_of(0), NST_ADDR_TENTATIVE);
        lab_advance(&lab, 3 * NST_SEC);
        assert_int_equal(state_of(0), NST_ADDR_ASSIGNED);
        assert_int_equal(nst_nic_addr_remove(lab.stack, 1, &a), 0);
        lab_fini(&lab);
    }
}

static void a_loop_in_the_network_proves_nothing(void **state)
{
    begin();
    add("fd00::1");
    const struct nst_addr a = lab_addr("fd00::1");
    uint8_t nonce[NDP_NONCE];
    unsigned probes = 0;
    for (unsigned s = 0; s < 20; s++) {
        lab_advance(&lab, NST_SEC / 2);
        while (lab_frames(&lab, 1) > 0) {
            take_probe(nonce);
            probes++;
            feed(ICMP6_NEIGHBOR_SOLICITATION, "::", &a, nonce);
        }
    }
    assert_int_equal(probes, DAD_TRANSMITS + DAD_LOOPS_MAX);
    assert_int_equal(lab.stack->counters.dad_looped, probes);
    assert_int_equal(state_of(0), NST_ADDR_ASSIGNED);
    lab_fini(&lab);
}

static void nothing_is_asked_where_nobody_is(void **state)
{
    lab_init(&lab);
    nic = lab_add_nic(&lab, 1, 0, 1500);
    add("fd00::1");
    assert_int_equal(state_of(0), NST_ADDR_ASSIGNED);
    lab_fini(&lab);
    begin();
    lab_add_addr(&lab, 1, "fd00::1/64"); /* no_dad */
    assert_int_equal(state_of(0), NST_ADDR_ASSIGNED);
    nst_nic_disable(lab.stack, 1);
    nst_nic_enable(lab.stack, 1);
    assert_int_equal(state_of(0), NST_ADDR_ASSIGNED);
    lab_fini(&lab);
}

static void a_disabled_nic_asks_nothing(void **state)
{
    begin();
    nst_nic_disable(lab.stack, 1);
    add("fd00::1");
    lab_advance(&lab, 10 * NST_SEC);
    assert_int_equal(state_of(0), NST_ADDR_TENTATIVE);
    nst_nic_enable(lab.stack, 1);
    lab_advance(&lab, 3 * NST_SEC);
    assert_int_equal(state_of(0), NST_ADDR_ASSIGNED);
    lab_fini(&lab);
}

/* ---- Link-local addresses ---- */

static void add_nic_with(enum nst_link_local how, uint32_t caps)
{
    struct lab_nic *ln = &lab.nics[0];
    const struct nst_mac mac = lab_mac(1);
    memlink_init(&ln->m, caps & NST_LINK_RESOLVES ? &mac : NULL);
    ln->m.completes = true;
    ln->m.link.caps = caps;
    const struct nst_nic_config config = {
        .size = sizeof(config), .id = 1, .link = &ln->m.link, .link_local = (uint8_t)how};
    assert_int_equal(nst_nic_add(lab.stack, &config, &ln->id), 0);
    nic = nic_by_id(lab.stack, 1);
}

static void a_link_local_address_is_made_when_asked_for(void **state)
{
    lab_init(&lab);
    add_nic_with(NST_LINK_LOCAL_EUI64, NST_LINK_RESOLVES);
    const struct nst_addr expected = lab_addr("fe80::ff:fe00:1"), got = addr_of(0);
    assert_true(nst_addr_equal(&got, &expected));
    lab_advance(&lab, 3 * NST_SEC);
    assert_int_equal(state_of(0), NST_ADDR_ASSIGNED);
    lab_discard(&lab, 1);
    assert_int_equal(lab_send(&lab, NULL, "fe80::7", 8, false), 0);
    assert_int_equal(lab_frames(&lab, 1), 1); /* the prefix is on link */
    nst_nic_disable(lab.stack, 1);
    nst_nic_enable(lab.stack, 1);
    struct nst_nic_addr list[4];
    assert_int_equal(nst_nic_addr_list(lab.stack, 1, list, 4), 1);
    lab_fini(&lab);
    lab_init(&lab);
    add_nic_with(NST_LINK_LOCAL_NONE, NST_LINK_RESOLVES);
    assert_int_equal(nst_nic_addr_list(lab.stack, 1, list, 4), 0);
    lab_fini(&lab);
    lab_init(&lab);
    add_nic_with(NST_LINK_LOCAL_EUI64, NST_LINK_LOOPBACK);
    assert_int_equal(nst_nic_addr_list(lab.stack, 1, list, 4), 0);
    lab_fini(&lab);
}

static void an_opaque_one_is_stable_and_changes_when_taken(void **state)
{
    struct nst_addr seen[5];
    for (unsigned again = 0; again < 2; again++) {
        lab_init(&lab);
        add_nic_with(NST_LINK_LOCAL_OPAQUE, NST_LINK_RESOLVES);
        for (unsigned i = 0; i < 4; i++) {
            const struct nst_addr a = addr_of(0);
            assert_true(addr_is_link_local(&a));
            if (again)
                assert_true(nst_addr_equal(&a, &seen[i]));
            for (unsigned k = 0; k < i; k++)
                assert_false(nst_addr_equal(&a, &seen[k]));
            seen[i] = a;
            assert_int_equal(state_of(0), NST_ADDR_TENTATIVE);
            feed(ICMP6_NEIGHBOR_ADVERTISEMENT, "fe80::9", &a, NULL);
        }
        assert_int_equal(state_of(0), NST_ADDR_DUPLICATE);
        assert_int_equal(lab.stack->counters.dad_duplicates, 4);
        lab_fini(&lab);
    }
}

TESTS({"RFC 4862 5.4: nobody objects, and the address is assigned", nobody_objects},
      {"nic/N61: a tentative address neither receives nor sends",
       a_tentative_address_neither_receives_nor_sends},
      {"nic/N6: who has it or wants it makes it a duplicate, until the NIC comes up again",
       who_has_it_or_wants_it_makes_it_a_duplicate},
      {"RFC 7527: a loop in the network proves nothing", a_loop_in_the_network_proves_nothing},
      {"nothing is asked where nobody is", nothing_is_asked_where_nobody_is},
      {"nic/N7: a disabled NIC asks nothing", a_disabled_nic_asks_nothing},
      {"nic/N6: a link-local address is made when asked for",
       a_link_local_address_is_made_when_asked_for},
      {"RFC 7217: an opaque one is stable, and changes when taken",
       an_opaque_one_is_stable_and_changes_when_taken})
