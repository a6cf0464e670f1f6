/* SPDX-License-Identifier: Apache-2.0 */
/* N90, RFC 6583: the table survives floods from either side. N87 through TCP, N47 for others. */
#include "testing.h"

#include "lan.h"
#include "netlab.h"
#include "world.h"

#define BUSY  7
#define FLOOD 100000
/* A minute of virtual time. */
#define STEP (60 * NST_SEC / FLOOD)

/* 512 of them at most, and memory that does not grow. */
static void check_table(struct lan *lan, uint64_t before)
{
    static struct nst_neigh list[600];
    const int n = nst_neigh_list(lan->stack, lan->nic, list, 600);
    assert_in_range(n, 1, 512);
    assert_true(lan->alloc.live_bytes < before + (2 << 20));
}

static void begin(struct lan *lan, nst_socket *ret_busy, nst_socket *ret_quiet)
{
    /* One in use all the time, and one that a socket is connected to and that is silent. */
    *ret_busy = lan_connect(lan, BUSY);
    *ret_quiet = lan_connect(lan, BUSY + 1);
    for (unsigned n = BUSY; n < BUSY + 2; n++) {
        lan_send(lan, n, 10);
        lan_confirm(lan, n, n, LAN_SOLICITED | LAN_OVERRIDE);
    }
    lan_forget_events(lan);
    lan_look(lan);
}

/* What is in use says so now and then, as its peer does. */
static void keep_busy(struct lan *lan, nst_socket busy)
{
    const struct nst_addr addr = lan_addr(lan, BUSY);
    assert_int_equal(nst_socket_send(lan->stack, busy, "x", 1, 0), 1);
    assert_int_equal(nst_neigh_confirm(lan->stack, lan->nic, &addr), 0);
    lan_run(lan);
    const struct lan_seen seen = lan_look(lan);
    const struct nst_mac mac = lan_mac(BUSY);
    assert_true(seen.data >= 1);
    assert_memory_equal(&seen.data_to, &mac, sizeof(mac));
}

static void check_in_use(struct lan *lan)
{
    assert_int_equal(lan_state(lan, BUSY), NST_NEIGH_REACHABLE);
    assert_true(lan_is_at(lan, BUSY + 1, BUSY + 1));
    for (struct nst_event e; (e = lan_event(lan)).kind != NST_EVENT_KINDS;) {
        const struct nst_addr busy = lan_addr(lan, BUSY), quiet = lan_addr(lan, BUSY + 1);
        if (e.kind == NST_EVENT_NEIGH_REMOVED)
            assert_false(nst_addr_equal(&e.addr, &busy) || nst_addr_equal(&e.addr, &quiet));
    }
}

static void asked_by_made_up_neighbours(void **state)
{
    LAN_EACH_FAMILY (lan) {
        nst_socket busy, quiet;
        begin(lan, &busy, &quiet);
        uint64_t before = 0;
        for (unsigned i = 0; i < FLOOD; i++) {
            lan->now += STEP;
            lan_request(lan, 2000 + i, 2000 + i);
            if (i % 1000 == 0) {
                keep_busy(lan, busy);
                check_in_use(lan);
            }
            if (i == 1000)
                before = lan->alloc.live_bytes;
            if (i >= 1000 && i % 10000 == 0)
                check_table(lan, before);
        }
        check_in_use(lan);
        assert_true(lan_counter(lan, "neigh_evicted") > FLOOD - 600);
        nst_socket_close(lan->stack, quiet);
    }
}

static void asking_for_made_up_neighbours(void **state)
{
    LAN_EACH_FAMILY (lan) {
        nst_socket busy, quiet;
        begin(lan, &busy, &quiet);
        /* One that is used now and then, by a socket that is connected to nobody. */
        lan_send(lan, BUSY + 2, 10);
        lan_confirm(lan, BUSY + 2, BUSY + 2, LAN_SOLICITED | LAN_OVERRIDE);
        uint64_t before = 0;
        for (unsigned i = 0; i < FLOOD; i++) {
            lan->now += STEP;
            assert_int_equal(lan_send(lan, 2000 + i, 10), 0);
            if (i % 1000 == 0) {
                keep_busy(lan, busy);
                check_in_use(lan);
            }
            if (i % 10000 == 0) {
                const struct nst_addr addr = lan_addr(lan, BUSY + 2);
                lan_send(lan, BUSY + 2, 10);
                assert_int_equal(nst_neigh_confirm(lan->stack, lan->nic, &addr), 0);
            }
            if (i == 5000)
                before = lan->alloc.live_bytes;
            if (i >= 5000 && i % 10000 == 0)
                check_table(lan, before);
        }
        check_in_use(lan);
        assert_true(lan_is_at(lan, BUSY + 2, BUSY + 2));
        nst_socket_close(lan->stack, quiet);
    }
}

/* ---- N87 ---- */

static struct nst_neigh peer_of(struct world *w)
{
    struct nst_neigh n;
    const struct nst_addr peer = w->hosts[1].addr;
    assert_int_equal(nst_neigh_get(w->hosts[0].stack, w->hosts[0].nic, &peer, &n), 0);
    return n;
}

static void progress(bool v6)
{
    struct world w;
    struct nst_neigh_config c = {.size = sizeof(c),
                                 .base_reachable = 10 * NST_SEC,
                                 .min_random_ppt = 1000,
                                 .max_random_ppt = 1000};
    world_init_pair(&w, &(struct world_config){.ipv6 = v6});
    for (int i = 0; i < 2; i++)
        nst_neigh_set_config(w.hosts[i].stack, w.hosts[i].nic,
                             v6 ? NST_ETHERTYPE_IPV6 : NST_ETHERTYPE_IPV4, &c);
    const nst_socket listener = world_listen(&w, 1, 80, 4);
    const struct nst_endpoint to = world_end(&w, 1, 80);
    nst_socket s, accepted;
    char buffer[16];
    assert_int_equal(nst_socket_open(w.hosts[0].stack, NST_STREAM, &s), 0);
    nst_socket_connect(w.hosts[0].stack, s, &to);
    world_run_for(&w, NST_SEC);
    assert_int_equal(nst_socket_accept(w.hosts[1].stack, listener, &accepted, NULL), 0);
    /* Ten times as long as it is reachable by itself, without a question. */
    const char *questions = v6 ? "ndp_solicitations_sent" : "arp_requests_sent";
    const uint64_t asked = world_counter(w.hosts[0].stack, questions);
    for (unsigned i = 0; i < 20; i++) {
        assert_int_equal(nst_socket_send(w.hosts[0].stack, s, "x", 1, 0), 1);
        world_run_for(&w, 5 * NST_SEC);
        assert_int_equal(nst_socket_recv(w.hosts[1].stack, accepted, buffer, 16, 0), 1);
        const struct nst_neigh n = peer_of(&w);
        assert_int_equal(n.state, NST_NEIGH_REACHABLE);
        assert_true(w.now - n.confirmed < 6 * NST_SEC);
    }
    assert_int_equal(world_counter(w.hosts[0].stack, questions), asked);
    /* What is only said again proves nothing: without progress its time ends. */
    world_run_for(&w, 11 * NST_SEC);
    assert_int_equal(peer_of(&w).state, NST_NEIGH_STALE);
    nst_socket_abort(w.hosts[0].stack, s);
    nst_socket_abort(w.hosts[1].stack, accepted);
    world_fini(&w);
}

static void data_that_is_acknowledged_confirms(void **state)
{
    progress(false);
    progress(true);
}

/* ---- N47: what is not ours. No packet is forwarded between NICs yet, so one is handed in. ---- */

static void forward(struct lab *lab, struct net_ep *ep, const char *dst, const uint8_t *ip,
                    size_t len)
{
    const struct nst_addr next = lab_addr(dst);
    struct pkt *p = (struct pkt *)lab_packet(lab, ip, len);
    pkt_receive(p);
    pkt_set_net(p);
    p->nic_id = 2;
    p->type = PKT_HOST;
    struct neigh *n = neigh_get(&ep->neighs, &next);
    assert_non_null(n);
    neigh_enqueue(n, p);
    neigh_put(n);
}

static void the_sender_of_a_forwarded_packet_is_told(void **state)
{
    struct lab lab;
    uint8_t four[200], six[200], payload[20] = {0};
    lab_init(&lab);
    struct nic *nic = lab_add_nic(&lab, 1, NST_LINK_RESOLVES, 1500);
    lab_add_nic(&lab, 2, 0, 1500);
    lab_add_addr(&lab, 1, "10.0.0.1/24");
    lab_add_addr(&lab, 1, "fd00::1/64");
    lab_add_addr(&lab, 2, "10.9.0.1/24");
    lab_add_addr(&lab, 2, "fd09::1/64");
    const struct lab_ip ip4 = {.src = "10.9.0.5", .dst = "10.0.0.7", .proto = 17, .ttl = 9};
    const struct lab_ip6 ip6 = {.src = "fd09::5", .dst = "fd00::7", .next = 17};
    forward(&lab, &nic->eps[NET_IPV4], "10.0.0.7", four,
            lab_build_ip(four, &ip4, payload, sizeof(payload)));
    forward(&lab, &nic->eps[NET_IPV6], "fd00::7", six,
            lab_build_ip6(six, &ip6, payload, sizeof(payload)));
    lab_send(&lab, NULL, "10.0.0.7", 100, false); /* ours, to the same neighbour */
    lab_advance(&lab, 4 * NST_SEC);
    size_t len;
    const uint8_t *p = lab_take(&lab, 2, &len, NULL, NULL);
    assert_true(p != NULL && p[9] == 1); /* ICMP: host unreachable, to 10.9.0.5 */
    assert_int_equal(p[20], 3);
    assert_int_equal(p[21], 1);
    assert_int_equal(p[19], 5);
    p = lab_take(&lab, 2, &len, NULL, NULL);
    assert_true(p != NULL && p[6] == 58); /* ICMPv6: address unreachable */
    assert_int_equal(p[40], 1);
    assert_int_equal(p[41], 3);
    assert_int_equal(p[39], 5);
    assert_null(lab_take(&lab, 2, &len, NULL, NULL));
    assert_int_equal(lab.errors, 1); /* each is judged by its own packet */
    assert_int_equal(nic->counters.tx_resolution_failed, 3);
    lab_fini(&lab);
}

TESTS({"nic/N90: 100,000 made-up neighbours ask in a minute", asked_by_made_up_neighbours},
      {"nic/N90: 100,000 made-up neighbours are asked for in a minute",
       asking_for_made_up_neighbours},
      {"nic/N87: data that is acknowledged confirms", data_that_is_acknowledged_confirms},
      {"nic/N47: the sender of a forwarded packet is told",
       the_sender_of_a_forwarded_packet_is_told})
