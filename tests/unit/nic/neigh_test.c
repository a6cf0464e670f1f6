/* SPDX-License-Identifier: Apache-2.0 */
/* Neighbours by the public API alone (NIC.md N80 to N88), both families. */
#include "testing.h"

#include "lan.h"

#define PEER 7

static struct nst_neigh_config config_of(struct lan *lan)
{
    struct nst_neigh_config c;
    assert_int_equal(nst_neigh_get_config(lan->stack, lan->nic, lan_protocol(lan), &c), 0);
    return c;
}

static void configure(struct lan *lan, const struct nst_neigh_config *config)
{
    struct nst_neigh_config c = *config;
    c.size = sizeof(c);
    assert_int_equal(nst_neigh_set_config(lan->stack, lan->nic, lan_protocol(lan), &c), 0);
}

/* Reachable for exactly `base`. */
static void fix_reachable(struct lan *lan, nst_time base)
{
    configure(lan, &(struct nst_neigh_config){
                       .base_reachable = base, .min_random_ppt = 1000, .max_random_ppt = 1000});
}

static void make_reachable(struct lan *lan, unsigned n)
{
    assert_int_equal(lan_send(lan, n, 10), 0);
    lan_confirm(lan, n, n, LAN_SOLICITED | LAN_OVERRIDE);
    assert_int_equal(lan_state(lan, n), NST_NEIGH_REACHABLE);
    lan_look(lan);
}

static struct nst_mac mac_of(struct lan *lan, unsigned n)
{
    struct nst_neigh e;
    assert_true(lan_get(lan, n, &e));
    return e.mac;
}

static void assert_mac(struct nst_mac got, struct nst_mac want)
{
    assert_memory_equal(&got, &want, sizeof(got));
}

/* ---- N80 ---- */

static void a_513th_in_use_is_refused(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        for (unsigned n = 2; n < 2 + 512; n++)
            lan_connect(lan, n);
        const struct nst_endpoint more = {.addr = lan_addr(lan, 3000), .port = 9};
        nst_socket s;
        assert_int_equal(nst_socket_open(lan->stack, NST_DATAGRAM, &s), 0);
        assert_int_equal(nst_socket_connect(lan->stack, s, &more), -NST_ENOBUFS);
        assert_int_equal(lan_send(lan, 3000, 10), -NST_ENOBUFS);
        assert_int_equal(nst_neigh_list(lan->stack, lan->nic, NULL, 0), 512);
        assert_int_equal(lan_counter(lan, "neigh_refused"), 2);
        /* The limit is an option, and static ones are not counted. */
        configure(lan, &(struct nst_neigh_config){.dynamic_max = 513});
        const struct nst_addr fixed = lan_addr(lan, 4000);
        assert_int_equal(nst_neigh_add(lan->stack, lan->nic, &fixed, lan_mac(4)), 0);
        assert_int_equal(nst_socket_connect(lan->stack, s, &more), 0);
    }
}

static void the_least_recently_used_goes_first(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        configure(lan, &(struct nst_neigh_config){.dynamic_max = 3});
        const struct nst_addr fixed = lan_addr(lan, 30);
        assert_int_equal(nst_neigh_add(lan->stack, lan->nic, &fixed, lan_mac(30)), 0);
        for (unsigned n = 10; n < 13; n++)
            make_reachable(lan, n);
        lan_send(lan, 10, 10); /* 11 is the longest unused now */
        lan_forget_events(lan);
        make_reachable(lan, 13);
        assert_int_equal(lan_state(lan, 11), -1);
        assert_int_equal(lan_state(lan, 10), NST_NEIGH_REACHABLE);
        assert_int_equal(lan_state(lan, 12), NST_NEIGH_REACHABLE);
        assert_int_equal(lan_state(lan, 30), NST_NEIGH_STATIC);
        const struct nst_event e = lan_event(lan);
        assert_int_equal(e.kind, NST_EVENT_NEIGH_REMOVED);
        assert_int_equal(e.why, NST_WHY_EVICTED);
        /* A lower limit is kept at once, by those that nobody uses. */
        nst_neigh_flush(lan->stack, lan->nic, 0, false);
        for (unsigned n = 40; n < 43; n++)
            lan_request(lan, n, n);
        configure(lan, &(struct nst_neigh_config){.dynamic_max = 1});
        assert_int_equal(nst_neigh_list(lan->stack, lan->nic, NULL, 0), 2);
    }
}

static void the_words_of_the_states(void **state)
{
    assert_string_equal(nst_neigh_state_name(NST_NEIGH_INCOMPLETE), "incomplete");
    assert_string_equal(nst_neigh_state_name(NST_NEIGH_UNREACHABLE), "unreachable");
    assert_string_equal(nst_neigh_state_name(99), "");
}

/* ---- N81 ---- */

static void the_defaults(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        const struct nst_neigh_config c = config_of(lan);
        assert_int_equal(c.size, sizeof(c));
        assert_int_equal(c.base_reachable, 30 * NST_SEC);
        assert_int_equal(c.min_random_ppt, 500);
        assert_int_equal(c.max_random_ppt, 1500);
        assert_int_equal(c.retransmit, NST_SEC);
        assert_int_equal(c.first_probe, 5 * NST_SEC);
        assert_int_equal(c.multicast_probes, 3);
        assert_int_equal(c.unicast_probes, 3);
        assert_int_equal(c.dynamic_max, 512);
        /* They are each protocol's own. */
        configure(lan, &(struct nst_neigh_config){.retransmit = 2 * NST_SEC});
        assert_int_equal(config_of(lan).retransmit, 2 * NST_SEC);
        struct nst_neigh_config other;
        nst_neigh_get_config(lan->stack, lan->nic,
                             lan->v6 ? NST_ETHERTYPE_IPV4 : NST_ETHERTYPE_IPV6, &other);
        assert_int_equal(other.retransmit, NST_SEC);
    }
}

static void invalid_values_are_repaired_one_by_one(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        configure(lan, &(struct nst_neigh_config){.base_reachable = 10 * NST_SEC,
                                                  .min_random_ppt = 900,
                                                  .max_random_ppt = 800,
                                                  .retransmit = -1,
                                                  .first_probe = INT64_MAX,
                                                  .multicast_probes = 256,
                                                  .unicast_probes = 7,
                                                  .dynamic_max = UINT32_MAX});
        const struct nst_neigh_config c = config_of(lan);
        assert_int_equal(c.base_reachable, 10 * NST_SEC);
        assert_int_equal(c.min_random_ppt, 900);
        assert_int_equal(c.max_random_ppt, 2700);
        assert_int_equal(c.retransmit, NST_SEC);
        assert_int_equal(c.first_probe, 5 * NST_SEC);
        assert_int_equal(c.multicast_probes, 3);
        assert_int_equal(c.unicast_probes, 7);
        assert_int_equal(c.dynamic_max, 512);
    }
}

/* How long a neighbour that was confirmed just now stays reachable. */
static nst_time reachable_for(struct lan *lan)
{
    nst_neigh_flush(lan->stack, lan->nic, 0, false);
    make_reachable(lan, PEER);
    const nst_time begun = lan->now;
    while (lan_state(lan, PEER) == NST_NEIGH_REACHABLE)
        lan_advance(lan, NST_SEC / 4);
    return lan->now - begun;
}

static void reachable_time_is_drawn_anew(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        /* The same for all until it is drawn anew: by settings, and every two hours. */
        const nst_time first = reachable_for(lan);
        assert_in_range(first, 15 * NST_SEC, 45 * NST_SEC + NST_SEC / 4);
        assert_int_equal(reachable_for(lan), first);
        unsigned changes = 0;
        nst_time last = first;
        for (unsigned i = 0; i < 8; i++) {
            lan_advance(lan, 2 * 3600 * NST_SEC);
            const nst_time t = reachable_for(lan);
            assert_in_range(t, 15 * NST_SEC, 45 * NST_SEC + NST_SEC / 4);
            changes += t != last;
            last = t;
        }
        assert_true(changes >= 4);
        changes = 0;
        for (unsigned i = 0; i < 8; i++) {
            configure(lan, &(struct nst_neigh_config){.base_reachable = 30 * NST_SEC});
            const nst_time t = reachable_for(lan);
            changes += t != last;
            last = t;
        }
        assert_true(changes >= 4);
        /* A new setting is for those that are reachable already, too. */
        fix_reachable(lan, 10 * NST_SEC);
        nst_neigh_flush(lan->stack, lan->nic, 0, false);
        make_reachable(lan, PEER);
        lan_advance(lan, 9 * NST_SEC);
        fix_reachable(lan, 5 * NST_SEC);
        lan_run(lan);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_STALE);
    }
}

static void times_and_counts_are_options(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        configure(lan, &(struct nst_neigh_config){.retransmit = 100 * NST_MSEC,
                                                  .first_probe = 200 * NST_MSEC,
                                                  .base_reachable = NST_SEC,
                                                  .min_random_ppt = 1000,
                                                  .max_random_ppt = 1000,
                                                  .multicast_probes = 5,
                                                  .unicast_probes = 2});
        lan_send(lan, PEER, 10);
        lan_advance(lan, 499 * NST_MSEC);
        assert_int_equal(lan_look(lan).asked_all, 5);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_INCOMPLETE);
        lan_advance(lan, NST_MSEC);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_UNREACHABLE);
        make_reachable(lan, PEER);
        lan_advance(lan, NST_SEC);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_STALE);
        lan_send(lan, PEER, 10);
        lan_advance(lan, 400 * NST_MSEC);
        assert_int_equal(lan_look(lan).asked_one, 2);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_UNREACHABLE);
    }
}

/* ---- N82 to N84 ---- */

static void lookups(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        fix_reachable(lan, 30 * NST_SEC);
        lan_send(lan, PEER, 10); /* incomplete: queued */
        assert_int_equal(lan_look(lan).data, 0);
        lan_send(lan, PEER, 10);
        struct nst_neigh e;
        assert_true(lan_get(lan, PEER, &e));
        assert_int_equal(e.pending, 2);
        lan_confirm(lan, PEER, PEER, LAN_SOLICITED | LAN_OVERRIDE);
        assert_int_equal(lan_look(lan).data, 2);
        lan_send(lan, PEER, 10);
        assert_int_equal(lan_look(lan).data, 1);
        lan_advance(lan, 30 * NST_SEC);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_STALE);
        lan_send(lan, PEER, 10); /* stale gives it and enters delay */
        assert_int_equal(lan_look(lan).data, 1);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_DELAY);
        lan_send(lan, PEER, 10);
        assert_int_equal(lan_look(lan).data, 1);
        lan_advance(lan, 5 * NST_SEC);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_PROBE);
        lan_send(lan, PEER, 10);
        const struct lan_seen seen = lan_look(lan);
        assert_int_equal(seen.data, 1);
        assert_mac(seen.data_to, lan_mac(PEER));
        lan_advance(lan, 3 * NST_SEC);
        lan_look(lan);
        lan_send(lan, PEER, 10); /* unreachable: queued */
        assert_int_equal(lan_look(lan).data, 0);
    }
}

static void resolution(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        lan_send(lan, PEER, 10);
        assert_int_equal(lan_look(lan).asked_all, 1);
        for (unsigned i = 0; i < 2; i++) {
            lan_advance(lan, NST_SEC - 1);
            assert_int_equal(lan_look(lan).asked_all, 0);
            lan_advance(lan, 1);
            assert_int_equal(lan_look(lan).asked_all, 1);
        }
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_INCOMPLETE);
        lan_advance(lan, NST_SEC);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_UNREACHABLE);
        assert_int_equal(lan_counter(lan, "neigh_failed"), 1);
        lan_advance(lan, 100 * NST_SEC);
        assert_int_equal(lan_look(lan).asked_all, 0);
        /* RFC 7048: it is not deleted, and a new packet probes again. */
        lan_send(lan, PEER, 10);
        assert_int_equal(lan_look(lan).asked_all, 1);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_INCOMPLETE);
        lan_advance(lan, 3 * NST_SEC);
        assert_int_equal(lan_look(lan).asked_all, 2);
        assert_int_equal(lan_counter(lan, "neigh_failed"), 2);
    }
}

static void time_makes_stale_and_silence_unreachable(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        fix_reachable(lan, 30 * NST_SEC);
        make_reachable(lan, PEER);
        lan_advance(lan, 30 * NST_SEC - 1);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_REACHABLE);
        lan_advance(lan, 1);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_STALE);
        lan_send(lan, PEER, 10);
        lan_advance(lan, 5 * NST_SEC - 1);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_DELAY);
        assert_int_equal(lan_look(lan).asked_one, 0);
        lan_advance(lan, 1);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_PROBE);
        lan_advance(lan, 3 * NST_SEC - 1);
        const struct lan_seen seen = lan_look(lan);
        assert_int_equal(seen.asked_one, 3);
        assert_int_equal(seen.asked_all, 0);
        assert_mac(seen.one, lan_mac(PEER));
        lan_advance(lan, 1);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_UNREACHABLE);
        /* An answer to a probe makes reachable. */
        nst_neigh_flush(lan->stack, lan->nic, 0, false);
        make_reachable(lan, PEER);
        lan_advance(lan, 30 * NST_SEC);
        lan_send(lan, PEER, 10);
        lan_advance(lan, 6 * NST_SEC);
        lan_confirm(lan, PEER, PEER, LAN_SOLICITED);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_REACHABLE);
    }
}

/* ---- N85, N86 ---- */

static void requests(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        lan_request(lan, PEER, 20); /* no entry */
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_STALE);
        assert_int_equal(lan_look(lan).answers, 1);
        assert_true(lan_is_at(lan, PEER, 20));
        lan_confirm(lan, PEER, 20, LAN_SOLICITED); /* IPv4: nobody asked */
        lan_send(lan, PEER, 10);
        const int before = lan_state(lan, PEER);
        lan_request(lan, PEER, 20); /* the same address: unchanged */
        assert_int_equal(lan_state(lan, PEER), before);
        lan_request(lan, PEER, 21); /* another: taken */
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_STALE);
        assert_true(lan_is_at(lan, PEER, 21));

        lan_send(lan, 8, 10); /* incomplete: the waiters proceed */
        lan_look(lan);
        lan_request(lan, 8, 22);
        assert_int_equal(lan_state(lan, 8), NST_NEIGH_STALE);
        struct lan_seen seen = lan_look(lan);
        assert_int_equal(seen.data, 1);
        assert_mac(seen.data_to, lan_mac(22));

        lan_send(lan, 9, 10); /* unreachable */
        lan_advance(lan, 3 * NST_SEC);
        assert_int_equal(lan_state(lan, 9), NST_NEIGH_UNREACHABLE);
        lan_request(lan, 9, 23);
        assert_int_equal(lan_state(lan, 9), NST_NEIGH_STALE);
        assert_true(lan_is_at(lan, 9, 23));

        const struct nst_addr fixed = lan_addr(lan, 10); /* static */
        nst_neigh_add(lan->stack, lan->nic, &fixed, lan_mac(24));
        lan_request(lan, 10, 25);
        assert_int_equal(lan_state(lan, 10), NST_NEIGH_STATIC);
        assert_true(lan_is_at(lan, 10, 24));
    }
}

static void confirmations(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        fix_reachable(lan, 30 * NST_SEC);
        lan_confirm(lan, PEER, 20, LAN_SOLICITED | LAN_OVERRIDE); /* no entry */
        assert_int_equal(lan_state(lan, PEER), -1);
        assert_int_equal(lan_counter(lan, "neigh_unexpected_confirmations"), 1);
        lan_send(lan, PEER, 10);
        if (lan->v6) {
            lan_confirm(lan, PEER, 0, LAN_SOLICITED);
            assert_int_equal(lan_state(lan, PEER), NST_NEIGH_INCOMPLETE);
            assert_int_equal(lan_counter(lan, "neigh_invalid_confirmations"), 1);
        }
        lan_look(lan);
        lan_confirm(lan, PEER, 20, 0); /* unsolicited: stale */
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_STALE);
        assert_int_equal(lan_look(lan).data, 1);
        lan_send(lan, 8, 10);
        lan_confirm(lan, 8, 20, LAN_SOLICITED);
        assert_int_equal(lan_state(lan, 8), NST_NEIGH_REACHABLE);

        lan_confirm(lan, 8, 20, LAN_OVERRIDE); /* unsolicited, the same address: nothing */
        assert_int_equal(lan_state(lan, 8), NST_NEIGH_REACHABLE);
        lan_confirm(lan, 8, 21, LAN_OVERRIDE); /* another: taken, stale */
        assert_int_equal(lan_state(lan, 8), NST_NEIGH_STALE);
        assert_true(lan_is_at(lan, 8, 21));

        const struct nst_addr fixed = lan_addr(lan, 10);
        nst_neigh_add(lan->stack, lan->nic, &fixed, lan_mac(24));
        lan_confirm(lan, 10, 25, LAN_SOLICITED | LAN_OVERRIDE);
        assert_true(lan_is_at(lan, 10, 24));
        lan_send(lan, 11, 10);
        lan_advance(lan, 3 * NST_SEC);
        lan_confirm(lan, 11, 25, LAN_SOLICITED | LAN_OVERRIDE);
        assert_int_equal(lan_state(lan, 11), NST_NEIGH_UNREACHABLE);
    }
}

static void without_override(void **state)
{
    struct lan lan;
    lan_init(&lan, true);
    lan_send(&lan, PEER, 10);
    lan_confirm(&lan, PEER, 20, LAN_SOLICITED);
    lan_confirm(&lan, PEER, 21, LAN_SOLICITED); /* reachable turns stale, nothing else changes */
    assert_int_equal(lan_state(&lan, PEER), NST_NEIGH_STALE);
    assert_true(lan_is_at(&lan, PEER, 20));
    lan_send(&lan, PEER, 10);
    lan_confirm(&lan, PEER, 21, LAN_SOLICITED | LAN_ROUTER);
    assert_int_equal(lan_state(&lan, PEER), NST_NEIGH_DELAY);
    struct nst_neigh e;
    assert_true(lan_get(&lan, PEER, &e) && !e.router);
    lan_confirm(&lan, PEER, 20, LAN_SOLICITED); /* the same address */
    assert_int_equal(lan_state(&lan, PEER), NST_NEIGH_REACHABLE);
    lan_fini(&lan);
}

static void the_router_flag(void **state)
{
    struct lan lan;
    struct nst_neigh e;
    lan_init(&lan, true);
    lan_send(&lan, PEER, 10);
    lan_confirm(&lan, PEER, 20, LAN_SOLICITED | LAN_ROUTER);
    assert_true(lan_get(&lan, PEER, &e) && e.router);
    lan_forget_events(&lan);
    lan_confirm(&lan, PEER, 20, LAN_SOLICITED);
    assert_true(lan_get(&lan, PEER, &e) && !e.router);
    assert_int_equal(lan_event(&lan).kind, NST_EVENT_NEIGH_CHANGED);
    lan_fini(&lan);
}

static void an_arp_reply_counts_as_both(void **state)
{
    struct lan lan;
    lan_init(&lan, false);
    lan_send(&lan, PEER, 10);
    lan_confirm(&lan, PEER, 20, LAN_SOLICITED); /* we asked */
    assert_int_equal(lan_state(&lan, PEER), NST_NEIGH_REACHABLE);
    lan_confirm(&lan, PEER, 21, LAN_SOLICITED); /* we did not: taken, but not proven */
    assert_int_equal(lan_state(&lan, PEER), NST_NEIGH_STALE);
    assert_true(lan_is_at(&lan, PEER, 21));
    lan_fini(&lan);
}

/* ---- N87 ---- */

static void an_upper_layer_confirms(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        fix_reachable(lan, 30 * NST_SEC);
        make_reachable(lan, PEER);
        const struct nst_addr peer = lan_addr(lan, PEER), nobody = lan_addr(lan, 50);
        for (unsigned i = 0; i < 10; i++) {
            lan_advance(lan, 20 * NST_SEC);
            assert_int_equal(lan_state(lan, PEER), NST_NEIGH_REACHABLE);
            assert_int_equal(nst_neigh_confirm(lan->stack, lan->nic, &peer), 0);
        }
        lan_advance(lan, 30 * NST_SEC);
        lan_send(lan, PEER, 10);
        lan_advance(lan, 6 * NST_SEC);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_PROBE);
        assert_int_equal(nst_neigh_confirm(lan->stack, lan->nic, &peer), 0);
        assert_int_equal(lan_state(lan, PEER), NST_NEIGH_REACHABLE);
        assert_int_equal(nst_neigh_confirm(lan->stack, lan->nic, &nobody), -NST_ENOENT);
    }
}

/* ---- N88 ---- */

static void expect(struct lan *lan, enum nst_event_kind kind, unsigned n, int state, unsigned why)
{
    const struct nst_event e = lan_event(lan);
    const struct nst_addr addr = lan_addr(lan, n);
    assert_string_equal(nst_event_name(e.kind), nst_event_name(kind));
    assert_true(nst_addr_equal(&e.addr, &addr));
    assert_int_equal(e.nic, lan->nic);
    assert_string_equal(nst_neigh_state_name(e.value), nst_neigh_state_name((unsigned)state));
    assert_int_equal(e.why, why);
}

static void static_entries(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        const struct nst_addr peer = lan_addr(lan, PEER);
        lan_send(lan, PEER, 10);
        lan_look(lan);
        assert_int_equal(nst_neigh_add(lan->stack, lan->nic, &peer, lan_mac(20)), 0);
        lan_run(lan);
        struct lan_seen seen = lan_look(lan); /* what waited leaves */
        assert_int_equal(seen.data, 1);
        assert_mac(seen.data_to, lan_mac(20));
        struct nst_neigh list[3];
        assert_int_equal(nst_neigh_list(lan->stack, lan->nic, list, 3), 1);
        assert_int_equal(list[0].state, NST_NEIGH_STATIC);
        assert_true(nst_addr_equal(&list[0].addr, &peer));
        assert_int_equal(nst_neigh_add(lan->stack, lan->nic, &peer, lan_mac(21)), 0);
        assert_mac(mac_of(lan, PEER), lan_mac(21));
        lan_advance(lan, 3600 * NST_SEC);
        lan_send(lan, PEER, 10);
        seen = lan_look(lan);
        assert_true(seen.data == 1 && seen.asked_all + seen.asked_one == 0);
        assert_int_equal(nst_neigh_remove(lan->stack, lan->nic, &peer), 0);
        assert_int_equal(nst_neigh_remove(lan->stack, lan->nic, &peer), -NST_ENOENT);
        lan_send(lan, PEER, 10); /* it is asked for */
        assert_int_equal(lan_look(lan).asked_all, 1);
    }
}

static void flushing(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        const struct nst_addr fixed = lan_addr(lan, 30);
        nst_neigh_add(lan->stack, lan->nic, &fixed, lan_mac(30));
        make_reachable(lan, 10);
        lan_send(lan, 11, 10);
        const uint16_t other = lan->v6 ? NST_ETHERTYPE_IPV4 : NST_ETHERTYPE_IPV6;
        assert_int_equal(nst_neigh_flush(lan->stack, lan->nic, other, true), 0);
        lan_forget_events(lan);
        assert_int_equal(nst_neigh_flush(lan->stack, lan->nic, lan_protocol(lan), false), 2);
        assert_int_equal(lan_nic_counter(lan, "tx_resolution_failed"), 1);
        for (unsigned i = 0; i < 2; i++) {
            const struct nst_event e = lan_event(lan);
            assert_int_equal(e.kind, NST_EVENT_NEIGH_REMOVED);
            assert_int_equal(e.why, NST_WHY_ASKED);
        }
        assert_int_equal(nst_neigh_list(lan->stack, lan->nic, NULL, 0), 1);
        lan_look(lan);
        lan_send(lan, 10, 10); /* the destination looks for it again */
        assert_int_equal(lan_look(lan).asked_all, 1);
        assert_int_equal(nst_neigh_flush(lan->stack, lan->nic, 0, true), 2);
        assert_int_equal(nst_neigh_list(lan->stack, lan->nic, NULL, 0), 0);
    }
}

static void wrong_calls(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        struct nst_neigh_config c = {.size = sizeof(c)};
        struct nst_neigh_limits l = {.size = sizeof(l)};
        struct nst_neigh e;
        struct nst_stack *s = lan->stack;
        const uint16_t ours = lan_protocol(lan);
        const struct nst_addr peer = lan_addr(lan, PEER), none = {0};
        const struct nst_addr group =
            lan->v6 ? (struct nst_addr){{{0xff, 2, [15] = 5}}} : nst_addr_v4(224, 0, 0, 5);
        assert_int_equal(nst_neigh_list(s, 99, NULL, 0), -NST_ENOENT);
        assert_int_equal(nst_neigh_flush(s, 99, 0, true), -NST_ENOENT);
        assert_int_equal(nst_neigh_get_config(s, 99, ours, &c), -NST_ENOENT);
        assert_int_equal(nst_neigh_get(s, lan->nic, &peer, &e), -NST_ENOENT);
        assert_int_equal(nst_neigh_add(s, lan->nic, &group, lan_mac(3)), -NST_EINVAL);
        assert_int_equal(nst_neigh_add(s, lan->nic, &none, lan_mac(3)), -NST_EINVAL);
        assert_int_equal(nst_neigh_add(s, lan->nic, &peer, (struct nst_mac){{0}}), -NST_EINVAL);
        assert_int_equal(nst_neigh_get_config(s, lan->nic, 0x1234, &c), -NST_EPROTONOSUPPORT);
        assert_int_equal(nst_neigh_set_config(s, lan->nic, 0x1234, &c), -NST_EPROTONOSUPPORT);
        assert_int_equal(nst_neigh_flush(s, lan->nic, 0x1234, true), -NST_EPROTONOSUPPORT);
        assert_int_equal(nst_neigh_get_config(s, lan->nic, NST_ETHERTYPE_ARP, &c), -NST_EOPNOTSUPP);
        c.size = 1;
        assert_int_equal(nst_neigh_set_config(s, lan->nic, ours, &c), -NST_EINVAL);
        l.size = 1;
        assert_int_equal(nst_neigh_set_limits(s, lan->nic, &l), -NST_EINVAL);
    }
}

static void a_link_that_does_not_resolve_has_none(void **state)
{
    struct lan lan;
    struct memlink bare;
    uint32_t id;
    lan_init(&lan, false);
    memlink_init(&bare, NULL);
    const struct nst_nic_config nic = {.size = sizeof(nic), .link = &bare.link};
    assert_int_equal(nst_nic_add(lan.stack, &nic, &id), 0);
    struct nst_neigh_config c = {.size = sizeof(c)};
    struct nst_neigh_limits l = {.size = sizeof(l)};
    struct nst_neigh e;
    const struct nst_addr peer = lan_addr(&lan, PEER);
    assert_int_equal(nst_neigh_list(lan.stack, id, NULL, 0), -NST_EOPNOTSUPP);
    assert_int_equal(nst_neigh_get(lan.stack, id, &peer, &e), -NST_EOPNOTSUPP);
    assert_int_equal(nst_neigh_add(lan.stack, id, &peer, lan_mac(2)), -NST_EOPNOTSUPP);
    assert_int_equal(nst_neigh_remove(lan.stack, id, &peer), -NST_EOPNOTSUPP);
    assert_int_equal(nst_neigh_confirm(lan.stack, id, &peer), -NST_EOPNOTSUPP);
    assert_int_equal(nst_neigh_flush(lan.stack, id, 0, true), -NST_EOPNOTSUPP);
    assert_int_equal(nst_neigh_get_config(lan.stack, id, NST_ETHERTYPE_IPV4, &c), -NST_EOPNOTSUPP);
    assert_int_equal(nst_neigh_set_config(lan.stack, id, NST_ETHERTYPE_IPV6, &c), -NST_EOPNOTSUPP);
    assert_int_equal(nst_neigh_get_limits(lan.stack, id, &l), -NST_EOPNOTSUPP);
    assert_int_equal(nst_neigh_set_limits(lan.stack, id, &l), -NST_EOPNOTSUPP);
    assert_int_equal(nst_nic_remove(lan.stack, id), 0);
    memlink_fini(&bare);
    lan_fini(&lan);
}

static void every_change_is_an_event(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        fix_reachable(lan, 30 * NST_SEC);
        lan_send(lan, PEER, 10);
        expect(lan, NST_EVENT_NEIGH_ADDED, PEER, NST_NEIGH_INCOMPLETE, NST_WHY_ASKED);
        lan_confirm(lan, PEER, 20, LAN_SOLICITED);
        expect(lan, NST_EVENT_NEIGH_CHANGED, PEER, NST_NEIGH_REACHABLE, NST_WHY_ASKED);
        lan_advance(lan, 30 * NST_SEC);
        expect(lan, NST_EVENT_NEIGH_CHANGED, PEER, NST_NEIGH_STALE, NST_WHY_ASKED);
        lan_request(lan, PEER, 21); /* one change of both would be one event, this is of one */
        const struct nst_event moved = lan_event(lan);
        assert_int_equal(moved.kind, NST_EVENT_NEIGH_CHANGED);
        assert_mac(moved.mac, lan_mac(21));
        lan_send(lan, PEER, 10);
        expect(lan, NST_EVENT_NEIGH_CHANGED, PEER, NST_NEIGH_DELAY, NST_WHY_ASKED);
        lan_advance(lan, 8 * NST_SEC);
        expect(lan, NST_EVENT_NEIGH_CHANGED, PEER, NST_NEIGH_PROBE, NST_WHY_ASKED);
        expect(lan, NST_EVENT_NEIGH_CHANGED, PEER, NST_NEIGH_UNREACHABLE, NST_WHY_FAILED);
        lan_request(lan, PEER, 22);
        expect(lan, NST_EVENT_NEIGH_CHANGED, PEER, NST_NEIGH_STALE, NST_WHY_ASKED);
        lan_request(lan, PEER, 22); /* nothing changes: no event */
        lan_request(lan, 9, 9);
        expect(lan, NST_EVENT_NEIGH_ADDED, 9, NST_NEIGH_STALE, NST_WHY_ASKED);
        const struct nst_addr peer = lan_addr(lan, PEER);
        nst_neigh_remove(lan->stack, lan->nic, &peer);
        expect(lan, NST_EVENT_NEIGH_REMOVED, PEER, NST_NEIGH_STALE, NST_WHY_ASKED);
        nst_nic_disable(lan->stack, lan->nic);
        expect(lan, NST_EVENT_NEIGH_REMOVED, 9, NST_NEIGH_STALE, NST_WHY_NIC);
        assert_int_equal(lan_event(lan).kind, NST_EVENT_KINDS);
    }
}

static void disabling_empties_the_table(void **state)
{
    LAN_EACH_FAMILY(lan)
    {
        const struct nst_addr fixed = lan_addr(lan, 30);
        nst_neigh_add(lan->stack, lan->nic, &fixed, lan_mac(30));
        lan_send(lan, PEER, 10);
        nst_nic_disable(lan->stack, lan->nic);
        assert_int_equal(nst_neigh_list(lan->stack, lan->nic, NULL, 0), 0);
        assert_int_equal(lan_counter(lan, "drop_tx_nic_down"), 1);
        nst_nic_enable(lan->stack, lan->nic);
        lan_look(lan);
        lan_send(lan, PEER, 10);
        assert_int_equal(lan_look(lan).asked_all, 1);
    }
}

TESTS({"nic/N80: a 513th neighbour in use is refused", a_513th_in_use_is_refused},
      {"nic/N80: the least recently used goes first, static ones never",
       the_least_recently_used_goes_first},
      {"nic/N80: the words of the states", the_words_of_the_states},
      {"nic/N81: the defaults, of each protocol for itself", the_defaults},
      {"nic/N81: invalid values are repaired one by one", invalid_values_are_repaired_one_by_one},
      {"nic/N81: reachable time is drawn anew by new settings and every two hours",
       reachable_time_is_drawn_anew},
      {"nic/N81: times and counts are options", times_and_counts_are_options},
      {"nic/N82: look-ups give the address or queue", lookups},
      {"nic/N83: resolution asks three times, then again for a new packet", resolution},
      {"nic/N84: time makes stale, silence unreachable", time_makes_stale_and_silence_unreachable},
      {"nic/N85: a request from a neighbour", requests}, {"nic/N86: a confirmation", confirmations},
      {"nic/N86: a confirmation without override", without_override},
      {"nic/N86: the router flag", the_router_flag},
      {"nic/N86: an ARP reply overrides, and is solicited when we asked",
       an_arp_reply_counts_as_both},
      {"nic/N87: an upper layer confirms", an_upper_layer_confirms},
      {"nic/N88: static entries are added, listed and removed", static_entries},
      {"nic/N88: flushing spares static ones unless told otherwise", flushing},
      {"nic/N88: wrong calls", wrong_calls},
      {"nic/N88: a link that does not resolve has none of it",
       a_link_that_does_not_resolve_has_none},
      {"nic/N88: every change is one event", every_change_is_an_event},
      {"nic/N7: disabling empties the table, static entries too", disabling_empties_the_table})
