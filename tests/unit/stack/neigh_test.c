/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

#include "stack/neigh.h"
#include "wire/arp.h"

static struct lab lab;
static struct nic *nic;
static struct neigh_table *table;

static void begin(void)
{
    lab_init(&lab);
    nic = lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_add_addr(&lab, 1, "10.0.0.1/16");
    table = &nic->eps[NET_IPV4].neighs;
}

static struct neigh *entry(const char *addr)
{
    const struct nst_addr a = lab_addr(addr);
    return neigh_lookup(table, &a);
}

static void request(const char *addr, unsigned mac, bool create)
{
    const struct nst_addr a = lab_addr(addr);
    const struct nst_mac m = lab_mac(mac);
    neigh_request_seen(table, &a, &m, create);
}

static void confirm(const char *addr, unsigned mac, bool solicited, bool override)
{
    const struct nst_addr a = lab_addr(addr);
    const struct nst_mac m = lab_mac(mac);
    neigh_confirm(table, &a, mac != 0 ? &m : NULL, solicited, override);
}

static bool has_mac(const struct neigh *n, unsigned mac)
{
    const struct nst_mac m = lab_mac(mac);
    return memcmp(&n->mac, &m, 6) == 0;
}

/* ---- Every state with every event ---- */

enum event {
    USE,
    REQUEST_SAME,
    REQUEST_OTHER,
    SOLICITED_SAME,
    SOLICITED_OTHER_OVERRIDE,
    SOLICITED_OTHER,
    UNSOLICITED_SAME,
    UNSOLICITED_OTHER_OVERRIDE,
    UNSOLICITED_OTHER,
    CONFIRM_WITHOUT_MAC,
    PROGRESS,
    TIMEOUT,
    EVENTS
};

#define STATES 7
/* What follows: the state, and whether the address is the old one (1), the other (2) or none (0).
 */
struct outcome {
    uint8_t state, mac;
};
#define INC NST_NEIGH_INCOMPLETE
#define REA NST_NEIGH_REACHABLE
#define STA NST_NEIGH_STALE
#define DEL NST_NEIGH_DELAY
#define PRO NST_NEIGH_PROBE
#define FIX NST_NEIGH_STATIC
#define UNR NST_NEIGH_UNREACHABLE

/* Written from N82 to N87, row by row. UNREACHABLE still shows its last address. */
static const struct outcome expected[STATES][EVENTS] = {
    /*     use       req=      req!=     sol=      sol!=ovr  sol!=     uns=      uns!=ovr  uns!=
           no mac    progress  timeout */
    [INC] = {{INC, 0},
             {STA, 1},
             {STA, 2},
             {REA, 1},
             {REA, 2},
             {REA, 2},
             {STA, 1},
             {STA, 2},
             {STA, 2},
             {INC, 0},
             {INC, 0},
             {UNR, 0}},
    [REA] = {{REA, 1},
             {REA, 1},
             {STA, 2},
             {REA, 1},
             {REA, 2},
             {STA, 1},
             {REA, 1},
             {STA, 2},
             {STA, 1},
             {REA, 1},
             {REA, 1},
             {STA, 1}},
    [STA] = {{DEL, 1},
             {STA, 1},
             {STA, 2},
             {REA, 1},
             {REA, 2},
             {STA, 1},
             {STA, 1},
             {STA, 2},
             {STA, 1},
             {REA, 1},
             {REA, 1},
             {STA, 1}},
    [DEL] = {{DEL, 1},
             {DEL, 1},
             {STA, 2},
             {REA, 1},
             {REA, 2},
             {DEL, 1},
             {DEL, 1},
             {STA, 2},
             {DEL, 1},
             {REA, 1},
             {REA, 1},
             {PRO, 1}},
    [PRO] = {{PRO, 1},
             {PRO, 1},
             {STA, 2},
             {REA, 1},
             {REA, 2},
             {PRO, 1},
             {PRO, 1},
             {STA, 2},
             {PRO, 1},
             {REA, 1},
             {REA, 1},
             {UNR, 1}},
    [FIX] = {{FIX, 1},
             {FIX, 1},
             {FIX, 1},
             {FIX, 1},
             {FIX, 1},
             {FIX, 1},
             {FIX, 1},
             {FIX, 1},
             {FIX, 1},
             {FIX, 1},
             {FIX, 1},
             {FIX, 1}},
    [UNR] = {{INC, 1},
             {STA, 1},
             {STA, 2},
             {UNR, 1},
             {UNR, 1},
             {UNR, 1},
             {UNR, 1},
             {UNR, 1},
             {UNR, 1},
             {UNR, 1},
             {UNR, 1},
             {UNR, 1}},
};

#define PEER "10.0.0.2"

static struct neigh *enter_state(uint8_t state)
{
    const struct nst_addr a = lab_addr(PEER);
    const struct nst_mac m = lab_mac(1 + 16);
    if (state == FIX) {
        assert_int_equal(neigh_add_static(table, &a, &m), 0);
        return entry(PEER);
    }
    assert_int_equal(lab_send(&lab, NULL, PEER, 100, false), 0);
    if (state == INC)
        return entry(PEER);
    confirm(PEER, 1 + 16, true, true);
    if (state == REA)
        return entry(PEER);
    lab_advance(&lab, 46 * NST_SEC);
    assert_int_equal(entry(PEER)->state, STA);
    if (state == STA)
        return entry(PEER);
    lab_send(&lab, NULL, PEER, 100, false);
    assert_int_equal(entry(PEER)->state, DEL);
    if (state >= PRO)
        lab_advance(&lab, 5 * NST_SEC);
    if (state == UNR)
        lab_advance(&lab, 3 * NST_SEC);
    return entry(PEER);
}

static void apply(enum event event, const struct neigh *n)
{
    switch (event) {
    case USE:
        lab_send(&lab, NULL, PEER, 100, false);
        break;
    case REQUEST_SAME:
        request(PEER, 17, true);
        break;
    case REQUEST_OTHER:
        request(PEER, 18, true);
        break;
    case SOLICITED_SAME:
        confirm(PEER, 17, true, true);
        break;
    case SOLICITED_OTHER_OVERRIDE:
        confirm(PEER, 18, true, true);
        break;
    case SOLICITED_OTHER:
        confirm(PEER, 18, true, false);
        break;
    case UNSOLICITED_SAME:
        confirm(PEER, 17, false, true);
        break;
    case UNSOLICITED_OTHER_OVERRIDE:
        confirm(PEER, 18, false, true);
        break;
    case UNSOLICITED_OTHER:
        confirm(PEER, 18, false, false);
        break;
    case CONFIRM_WITHOUT_MAC:
        confirm(PEER, 0, true, true);
        break;
    case PROGRESS:
        neigh_progress(entry(PEER));
        break;
    case TIMEOUT:
        lab_advance(&lab, n->state == INC || n->state == PRO ? 3 * NST_SEC
                          : n->state == DEL                  ? 5 * NST_SEC
                                                             : 46 * NST_SEC);
        break;
    case EVENTS:
        break;
    }
}

static void every_state_answers_every_event_as_the_table_says(void **state)
{
    for (uint8_t s = 0; s < STATES; s++) {
        for (unsigned e = 0; e < EVENTS; e++) {
            begin();
            struct neigh *n = enter_state(s);
            assert_int_equal(n->state, s);
            apply((enum event)e, n);
            n = entry(PEER);
            const struct outcome *want = &expected[s][e];
            if (n->state != want->state || (want->mac != 0 && !has_mac(n, 16u + want->mac)))
                fail_msg("state %u event %u: became %u", s, e, n->state);
            lab_fini(&lab);
        }
    }
}

/* ---- Resolution ---- */

static void resolution_asks_three_times_a_second_apart(void **state)
{
    begin();
    lab_send(&lab, NULL, PEER, 100, false);
    assert_int_equal(lab_frames(&lab, 1), 1);
    lab_advance(&lab, NST_SEC - 1);
    assert_int_equal(lab_frames(&lab, 1), 1);
    lab_advance(&lab, 1);
    assert_int_equal(lab_frames(&lab, 1), 2);
    lab_advance(&lab, NST_SEC);
    assert_int_equal(lab_frames(&lab, 1), 3);
    lab_advance(&lab, 100 * NST_SEC);
    assert_int_equal(lab_frames(&lab, 1), 3);
    assert_int_equal(entry(PEER)->state, UNR);
    assert_int_equal(lab.stack->counters.neigh_failed, 1);
    lab_fini(&lab);
}

static void failure_tells_the_local_sender(void **state)
{
    begin();
    lab_send(&lab, NULL, PEER, 100, false);
    lab_send(&lab, NULL, PEER, 200, false);
    lab_advance(&lab, 4 * NST_SEC);
    assert_int_equal(lab.errors, 2);
    assert_int_equal(lab.error.kind, NET_ERROR_HOST_UNREACHABLE);
    const struct nst_addr us = lab_addr("10.0.0.1"), peer = lab_addr(PEER);
    assert_true(nst_addr_equal(&lab.error.src, &us));
    assert_true(nst_addr_equal(&lab.error.dst, &peer));
    assert_int_equal(lab.quote[1], 7); /* the payload's pattern */
    assert_int_equal(nic->counters.tx_resolution_failed, 2);
    assert_int_equal(lab_drops(&lab, DROP_NEIGH_UNREACHABLE), 2);
    lab_fini(&lab);
}

static void an_unreachable_neighbour_is_asked_again(void **state)
{
    begin();
    lab_send(&lab, NULL, PEER, 100, false);
    lab_advance(&lab, 10 * NST_SEC);
    lab_discard(&lab, 1);
    lab_send(&lab, NULL, PEER, 100, false);
    assert_int_equal(lab_frames(&lab, 1), 1);
    assert_int_equal(entry(PEER)->state, INC);
    lab_fini(&lab);
}

static void what_waited_leaves_in_order(void **state)
{
    begin();
    for (size_t len = 100; len < 110; len++)
        lab_send(&lab, NULL, PEER, len, false);
    lab_discard(&lab, 1);
    confirm(PEER, 17, true, true);
    lab_run(&lab);
    for (size_t len = 100; len < 110; len++) {
        size_t got;
        struct nst_mac to;
        assert_non_null(lab_take(&lab, 1, &got, NULL, &to));
        assert_int_equal(got, len + IP4_HDR_LEN);
        const struct nst_mac want = lab_mac(17);
        assert_memory_equal(&to, &want, 6);
    }
    assert_int_equal(nic->pending.bytes, 0);
    assert_int_equal(nic->pending.count, 0);
    lab_fini(&lab);
}

static void a_full_destination_drops_its_oldest_packet(void **state)
{
    begin();
    for (unsigned i = 0; i < 256 + 5; i++)
        lab_send(&lab, NULL, PEER, 100 + i, false);
    assert_int_equal(lab_drops(&lab, DROP_NEIGH_QUEUE_FULL), 5);
    assert_int_equal(entry(PEER)->pending.count, 256);
    lab_discard(&lab, 1);
    confirm(PEER, 17, true, true);
    lab_run(&lab);
    size_t got;
    lab_take(&lab, 1, &got, NULL, NULL);
    assert_int_equal(got, 105 + IP4_HDR_LEN);
    lab_fini(&lab);
}

static void waiting_bytes_are_bounded(void **state)
{
    begin();
    for (unsigned d = 2; d < 9; d++) {
        char to[32];
        snprintf(to, sizeof(to), "10.0.0.%u", d);
        for (unsigned i = 0; i < 250; i++) {
            lab_send(&lab, NULL, to, 1400, false);
            assert_true(entry(to)->pending.bytes <= 256 * 1024);
            assert_true(nic->pending.bytes <= 1024 * 1024);
        }
    }
    lab_fini(&lab);
}

static void a_65th_destination_cancels_the_oldest(void **state)
{
    begin();
    for (unsigned d = 2; d < 2 + 65; d++) {
        char to[32];
        snprintf(to, sizeof(to), "10.0.0.%u", d);
        lab_send(&lab, NULL, to, 100, false);
    }
    assert_int_equal(nic->pending.count, 64);
    assert_int_equal(lab_drops(&lab, DROP_NEIGH_CANCELLED), 1);
    assert_int_equal(entry("10.0.0.2")->pending.count, 0);
    assert_int_equal(entry("10.0.0.3")->pending.count, 1);
    lab_fini(&lab);
}

/* ---- Bounds ---- */

static void a_flood_is_bounded_and_spares_what_is_in_use(void **state)
{
    begin();
    const struct nst_addr peer = lab_addr(PEER), any = {0};
    struct dst *held;
    assert_int_equal(dst_get(lab.stack, &peer, &any, 0, &held), 0);
    confirm(PEER, 17, true, true);
    request("10.0.0.3", 19, true);
    lab_send(&lab, NULL, "10.0.0.3", 100, false); /* used, though nobody holds it now */
    const size_t before = lab.alloc.live_bytes;
    for (unsigned i = 0; i < 100000; i++) {
        char from[32];
        snprintf(from, sizeof(from), "10.0.%u.%u", 1 + i / 250 % 250, 1 + i % 250);
        request(from, 1000 + i, true);
        assert_true(table->dynamic <= 512);
    }
    assert_int_equal(entry(PEER)->state, REA);
    assert_non_null(entry("10.0.0.3"));
    assert_true(lab.alloc.live_bytes - before < 512 * 1024);
    assert_true(lab.stack->counters.neigh_evicted > 50000);
    dst_put(held);
    lab_fini(&lab);
}

static void destinations_that_nobody_uses_let_their_neighbours_go(void **state)
{
    begin();
    for (unsigned i = 0; i < 3000; i++) {
        char to[32];
        snprintf(to, sizeof(to), "10.0.%u.%u", 1 + i / 250, 1 + i % 250);
        assert_int_equal(lab_send(&lab, NULL, to, 20, false), 0);
        assert_true(table->dynamic <= 512);
        lab_discard(&lab, 1);
    }
    lab_fini(&lab);
}

static void entries_in_use_are_refused_rather_than_evicted(void **state)
{
    begin();
    struct neigh *held[512];
    for (unsigned i = 0; i < 512; i++) {
        const struct nst_addr a = nst_addr_v4(10, 0, (uint8_t)(i >> 8), (uint8_t)i);
        held[i] = neigh_get(table, &a);
        assert_non_null(held[i]);
    }
    const struct nst_addr more = lab_addr("10.0.9.9");
    assert_null(neigh_get(table, &more));
    neigh_put(held[7]);
    struct neigh *n = neigh_get(table, &more);
    assert_non_null(n);
    neigh_put(n);
    for (unsigned i = 0; i < 512; i++)
        if (i != 7)
            neigh_put(held[i]);
    lab_fini(&lab);
}

/* ---- By hand ---- */

static void static_entries_are_added_listed_and_removed(void **state)
{
    begin();
    const struct nst_addr a = lab_addr(PEER);
    assert_int_equal(nst_neigh_add(lab.stack, 1, &a, lab_mac(17)), 0);
    struct nst_neigh list[2];
    assert_int_equal(nst_neigh_list(lab.stack, 1, list, 2), 1);
    assert_int_equal(list[0].state, NST_NEIGH_STATIC);
    lab_send(&lab, NULL, PEER, 100, false);
    uint16_t type;
    assert_non_null(lab_take(&lab, 1, NULL, &type, NULL));
    assert_int_equal(type, NST_ETHERTYPE_IPV4);
    assert_int_equal(nst_neigh_remove(lab.stack, 1, &a), 0);
    assert_int_equal(nst_neigh_remove(lab.stack, 1, &a), -NST_ENOENT);
    /* The destination that held it asks for a new one. */
    lab_send(&lab, NULL, PEER, 100, false);
    assert_non_null(lab_take(&lab, 1, NULL, &type, NULL));
    assert_int_equal(type, NST_ETHERTYPE_ARP);
    lab_fini(&lab);
}

static void a_link_that_does_not_resolve_has_no_neighbours(void **state)
{
    begin();
    lab_add_nic(&lab, 2, 0, 1500);
    const struct nst_addr a = lab_addr(PEER);
    assert_int_equal(nst_neigh_add(lab.stack, 2, &a, lab_mac(17)), -NST_EOPNOTSUPP);
    assert_int_equal(nst_neigh_remove(lab.stack, 2, &a), -NST_EOPNOTSUPP);
    assert_int_equal(nst_neigh_list(lab.stack, 2, NULL, 0), -NST_EOPNOTSUPP);
    assert_int_equal(nst_neigh_add(lab.stack, 3, &a, lab_mac(17)), -NST_ENOENT);
    lab_fini(&lab);
}

static void disabling_empties_the_table(void **state)
{
    begin();
    const struct nst_addr a = lab_addr("10.0.0.9");
    nst_neigh_add(lab.stack, 1, &a, lab_mac(9));
    lab_send(&lab, NULL, PEER, 100, false);
    assert_int_equal(nst_nic_disable(lab.stack, 1), 0);
    assert_int_equal(nst_neigh_list(lab.stack, 1, NULL, 0), 0);
    assert_int_equal(lab_drops(&lab, DROP_TX_NIC_DOWN), 1);
    assert_int_equal(lab_send(&lab, NULL, PEER, 100, false), -NST_ENETDOWN);
    assert_int_equal(nst_nic_enable(lab.stack, 1), 0);
    assert_int_equal(lab_send(&lab, NULL, PEER, 100, false), 0);
    lab_fini(&lab);
}

static void invalid_settings_are_repaired_one_by_one(void **state)
{
    begin();
    const struct nst_neigh_config bad = {.base_reachable = 10 * NST_SEC, .first_probe = -1};
    neigh_table_configure(table, &bad);
    assert_int_equal(table->config.base_reachable, 10 * NST_SEC);
    assert_int_equal(table->config.first_probe, 5 * NST_SEC);
    assert_int_equal(table->config.retransmit, NST_SEC);
    assert_int_equal(table->config.multicast_probes, 3);
    assert_int_equal(table->config.min_random_ppt, 500);
    assert_int_equal(table->config.max_random_ppt, 1500);
    assert_in_range(table->reachable_time, 5 * NST_SEC, 15 * NST_SEC);
    lab_fini(&lab);
}

static void progress_keeps_a_neighbour_reachable(void **state)
{
    begin();
    enter_state(REA);
    for (unsigned i = 0; i < 20; i++) {
        lab_advance(&lab, 10 * NST_SEC);
        neigh_progress(entry(PEER));
        assert_int_equal(entry(PEER)->state, REA);
    }
    lab_advance(&lab, 46 * NST_SEC);
    assert_int_equal(entry(PEER)->state, STA);
    lab_fini(&lab);
}

static void probes_go_to_the_neighbour_alone(void **state)
{
    begin();
    enter_state(DEL);
    lab_discard(&lab, 1);
    lab_advance(&lab, 8 * NST_SEC);
    assert_int_equal(lab_frames(&lab, 1), 3);
    const struct nst_mac want = lab_mac(17);
    uint16_t type;
    struct nst_mac to;
    while (lab_take(&lab, 1, NULL, &type, &to) != NULL) {
        assert_int_equal(type, NST_ETHERTYPE_ARP);
        assert_memory_equal(&to, &want, 6);
    }
    lab_fini(&lab);
}

TESTS({"N82..N87: every state answers every event as the table says",
       every_state_answers_every_event_as_the_table_says},
      {"N83: resolution asks three times, a second apart",
       resolution_asks_three_times_a_second_apart},
      {"N47: failure tells the local sender", failure_tells_the_local_sender},
      {"N83: an unreachable neighbour is asked again", an_unreachable_neighbour_is_asked_again},
      {"N47: what waited leaves in order", what_waited_leaves_in_order},
      {"N46: a full destination drops its oldest packet",
       a_full_destination_drops_its_oldest_packet},
      {"N46: waiting bytes are bounded", waiting_bytes_are_bounded},
      {"N46: a 65th destination cancels the oldest", a_65th_destination_cancels_the_oldest},
      {"N90: a flood is bounded and spares what is in use",
       a_flood_is_bounded_and_spares_what_is_in_use},
      {"N90: destinations that nobody uses let their neighbours go",
       destinations_that_nobody_uses_let_their_neighbours_go},
      {"N80: entries in use are refused rather than evicted",
       entries_in_use_are_refused_rather_than_evicted},
      {"N88: static entries are added, listed and removed",
       static_entries_are_added_listed_and_removed},
      {"N88: a link that does not resolve has no neighbours",
       a_link_that_does_not_resolve_has_no_neighbours},
      {"N7: disabling empties the table", disabling_empties_the_table},
      {"N81: invalid settings are repaired one by one", invalid_settings_are_repaired_one_by_one},
      {"N87: progress keeps a neighbour reachable", progress_keeps_a_neighbour_reachable},
      {"N84: probes go to the neighbour alone", probes_go_to_the_neighbour_alone})
