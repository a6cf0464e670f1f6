/* SPDX-License-Identifier: Apache-2.0 */
#include "demux_fixture.h"

static void prefers_the_most_exact_match(void **state)
{
    struct bare *b = bare_new(1);
    struct demux_entry exact = peered(IP_PROTO_UDP, A1, 53, R1, 1000);
    struct demux_entry no_local = peered(IP_PROTO_UDP, ANY, 53, R1, 1000);
    struct demux_entry local = entry(IP_PROTO_UDP, A1, 53, 0);
    struct demux_entry port = entry(IP_PROTO_UDP, ANY, 53, 0);
    struct demux_entry *order[] = {&exact, &no_local, &local, &port};
    const struct rx rx = packet(b, IP_PROTO_UDP, R1, A1, 1);

    for (int i = 3; i >= 0; i--) {
        order[i]->reuse_address = true;
        assert_int_equal(demux_add(&b->stack, order[i]), 0);
        assert_ptr_equal(demux_lookup(&b->stack, &rx, 1000, 53), order[i]);
    }
    assert_true(exact.connected);
    assert_false(no_local.connected);
    for (int i = 0; i < 4; i++) {
        assert_ptr_equal(demux_lookup(&b->stack, &rx, 1000, 53), order[i]);
        demux_remove(&b->stack, order[i]);
    }
    assert_null(demux_lookup(&b->stack, &rx, 1000, 53));
    bare_free(b);
}

static void other_flows_do_not_match(void **state)
{
    struct bare *b = bare_new(2);
    struct demux_entry exact = peered(IP_PROTO_UDP, A1, 53, R1, 1000);
    struct demux_entry bound = entry(IP_PROTO_TCP, A1, 80, 0);
    assert_int_equal(demux_add(&b->stack, &exact), 0);
    assert_int_equal(demux_add(&b->stack, &bound), 0);

    const struct rx rx = packet(b, IP_PROTO_UDP, R1, A1, 1);
    assert_ptr_equal(demux_lookup(&b->stack, &rx, 1000, 53), &exact);
    assert_null(demux_lookup(&b->stack, &rx, 1001, 53));
    assert_null(demux_lookup(&b->stack, &rx, 1000, 54));
    assert_null(demux_lookup(&b->stack, &rx, 1000, 80)); /* another protocol */
    const struct rx from_other = packet(b, IP_PROTO_UDP, R2, A1, 1);
    assert_null(demux_lookup(&b->stack, &from_other, 1000, 53));
    const struct rx to_other = packet(b, IP_PROTO_TCP, R1, A2, 1);
    assert_null(demux_lookup(&b->stack, &to_other, 1000, 80));
    demux_remove(&b->stack, &exact);
    demux_remove(&b->stack, &bound);
    demux_remove(&b->stack, &bound); /* once more is fine */
    bare_free(b);
}

static void the_packets_nic_comes_first_and_a_wrong_one_is_a_miss(void **state)
{
    struct bare *b = bare_new(3);
    struct demux_entry on1 = entry(IP_PROTO_UDP, ANY, 53, 1);
    struct demux_entry on2 = entry(IP_PROTO_UDP, ANY, 53, 2);
    struct demux_entry any = entry(IP_PROTO_UDP, ANY, 53, 0);
    struct demux_entry addr_on2 = entry(IP_PROTO_UDP, A1, 53, 2);
    struct demux_entry *all[] = {&on1, &on2, &any, &addr_on2};
    for (int i = 0; i < 4; i++) {
        all[i]->reuse_address = true;
        assert_int_equal(demux_add(&b->stack, all[i]), 0);
    }
    const struct rx rx1 = packet(b, IP_PROTO_UDP, R1, A1, 1);
    const struct rx rx2 = packet(b, IP_PROTO_UDP, R1, A1, 2);
    const struct rx rx3 = packet(b, IP_PROTO_UDP, R1, A1, 3);
    assert_ptr_equal(demux_lookup(&b->stack, &rx1, 9, 53), &on1);
    assert_ptr_equal(demux_lookup(&b->stack, &rx2, 9, 53), &addr_on2);
    assert_ptr_equal(demux_lookup(&b->stack, &rx3, 9, 53), &any);
    demux_remove(&b->stack, &any);
    assert_null(demux_lookup(&b->stack, &rx3, 9, 53));
    for (int i = 0; i < 4; i++)
        demux_remove(&b->stack, all[i]);
    bare_free(b);
}

static void connections_of_one_tuple_differ_by_nic(void **state)
{
    struct bare *b = bare_new(4);
    struct demux_entry on1 = peered(IP_PROTO_TCP, A1, 80, R1, 1000);
    struct demux_entry on2 = on1, again = on1;
    on1.key.nic = 1;
    on2.key.nic = 2;
    assert_int_equal(demux_add(&b->stack, &on1), 0);
    assert_int_equal(demux_add(&b->stack, &on2), 0);
    assert_int_equal(demux_add(&b->stack, &again), -NST_EADDRINUSE); /* on any NIC */
    const struct rx rx1 = packet(b, IP_PROTO_TCP, R1, A1, 1);
    const struct rx rx2 = packet(b, IP_PROTO_TCP, R1, A1, 2);
    const struct rx rx3 = packet(b, IP_PROTO_TCP, R1, A1, 3);
    assert_ptr_equal(demux_lookup(&b->stack, &rx1, 1000, 80), &on1);
    assert_ptr_equal(demux_lookup(&b->stack, &rx2, 1000, 80), &on2);
    assert_null(demux_lookup(&b->stack, &rx3, 1000, 80));
    assert_ptr_equal(demux_lookup_exact(&b->stack, &on2.key), &on2);
    demux_remove(&b->stack, &on1);
    demux_remove(&b->stack, &on2);
    bare_free(b);
}

static void ipv6_and_the_two_wildcards(void **state)
{
    struct bare *b = bare_new(5);
    struct nst_addr a6, r6;
    assert_int_equal(nst_addr_parse("2001:db8::1", &a6), 0);
    assert_int_equal(nst_addr_parse("2001:db8::2", &r6), 0);
    struct demux_entry only4 = entry(IP_PROTO_UDP, nst_addr_v4(0, 0, 0, 0), 53, 0);
    struct demux_entry both = entry(IP_PROTO_UDP, ANY, 54, 0);
    struct demux_entry exact = peered(IP_PROTO_UDP, a6, 55, r6, 1000);
    assert_int_equal(demux_add(&b->stack, &only4), 0);
    assert_int_equal(demux_add(&b->stack, &both), 0);
    assert_int_equal(demux_add(&b->stack, &exact), 0);
    const struct rx rx4 = packet(b, IP_PROTO_UDP, R1, A1, 1);
    const struct rx rx6 = packet(b, IP_PROTO_UDP, r6, a6, 1);
    assert_ptr_equal(demux_lookup(&b->stack, &rx4, 1000, 53), &only4);
    assert_null(demux_lookup(&b->stack, &rx6, 1000, 53));
    assert_ptr_equal(demux_lookup(&b->stack, &rx4, 1000, 54), &both);
    assert_ptr_equal(demux_lookup(&b->stack, &rx6, 1000, 54), &both);
    assert_ptr_equal(demux_lookup(&b->stack, &rx6, 1000, 55), &exact);
    assert_null(demux_lookup(&b->stack, &rx6, 1001, 55));
    demux_remove(&b->stack, &only4);
    demux_remove(&b->stack, &both);
    demux_remove(&b->stack, &exact);
    bare_free(b);
}

static void reuse_address_prefers_the_newest(void **state)
{
    struct bare *b = bare_new(6);
    struct demux_entry e[3];
    const struct rx rx = packet(b, IP_PROTO_UDP, R1, A1, 1);
    for (int i = 0; i < 3; i++) {
        e[i] = entry(IP_PROTO_UDP, ANY, 53, 0);
        e[i].reuse_address = true;
        assert_int_equal(demux_add(&b->stack, &e[i]), 0);
        assert_ptr_equal(demux_lookup(&b->stack, &rx, 9, 53), &e[i]);
    }
    demux_remove(&b->stack, &e[2]);
    assert_ptr_equal(demux_lookup(&b->stack, &rx, 9, 53), &e[1]);
    demux_remove(&b->stack, &e[0]);
    demux_remove(&b->stack, &e[1]);
    bare_free(b);
}

static void reuse_port_spreads_flows_evenly_and_steadily(void **state)
{
    struct bare *b = bare_new(7);
    struct demux_entry e[4];
    int hits[4] = {0};
    const struct rx rx = packet(b, IP_PROTO_UDP, R1, A1, 1);
    for (int i = 0; i < 4; i++) {
        e[i] = entry(IP_PROTO_UDP, ANY, 53, 0);
        e[i].reuse_port = true;
        assert_int_equal(demux_add(&b->stack, &e[i]), 0);
    }
    for (uint16_t port = 1; port <= 4000; port++) {
        struct demux_entry *found = demux_lookup(&b->stack, &rx, port, 53);
        assert_ptr_equal(demux_lookup(&b->stack, &rx, port, 53), found);
        hits[found - e]++;
    }
    for (int i = 0; i < 4; i++)
        assert_in_range(hits[i], 850, 1150);
    for (int i = 0; i < 4; i++)
        demux_remove(&b->stack, &e[i]);
    bare_free(b);
}

static void the_spread_is_keyed(void **state)
{
    int equal = 0;
    struct bare *b[2] = {bare_new(8), bare_new(9)};
    struct demux_entry e[2][2];
    for (int s = 0; s < 2; s++) {
        for (int i = 0; i < 2; i++) {
            e[s][i] = entry(IP_PROTO_UDP, ANY, 53, 0);
            e[s][i].reuse_port = true;
            assert_int_equal(demux_add(&b[s]->stack, &e[s][i]), 0);
        }
    }
    for (uint16_t port = 1; port <= 1000; port++) {
        const struct rx rx0 = packet(b[0], IP_PROTO_UDP, R1, A1, 1);
        const struct rx rx1 = packet(b[1], IP_PROTO_UDP, R1, A1, 1);
        equal += (demux_lookup(&b[0]->stack, &rx0, port, 53) == &e[0][0]) ==
                 (demux_lookup(&b[1]->stack, &rx1, port, 53) == &e[1][0]);
    }
    assert_in_range(equal, 400, 600);
    for (int s = 0; s < 2; s++) {
        demux_remove(&b[s]->stack, &e[s][0]);
        demux_remove(&b[s]->stack, &e[s][1]);
        bare_free(b[s]);
    }
}

static void a_group_datagram_visits_every_match_once(void **state)
{
    struct bare *b = bare_new(10);
    const struct nst_addr group = nst_addr_v4(224, 0, 0, 251);
    struct demux_entry exact = peered(IP_PROTO_UDP, group, 5353, R1, 5353);
    struct demux_entry bound = entry(IP_PROTO_UDP, group, 5353, 0);
    struct demux_entry any = entry(IP_PROTO_UDP, ANY, 5353, 0);
    struct demux_entry other = entry(IP_PROTO_UDP, A1, 5353, 0);
    struct demux_entry wrong_nic = entry(IP_PROTO_UDP, ANY, 5353, 2);
    struct demux_entry *all[] = {&exact, &bound, &any, &other, &wrong_nic};
    int seen[5] = {0};
    for (int i = 0; i < 5; i++) {
        all[i]->reuse_address = true;
        assert_int_equal(demux_add(&b->stack, all[i]), 0);
    }
    const struct rx rx = packet(b, IP_PROTO_UDP, R1, group, 1);
    struct demux_entry *e = NULL;
    while ((e = demux_next_match(&b->stack, &rx, 5353, 5353, e)) != NULL) {
        for (int i = 0; i < 5; i++)
            seen[i] += e == all[i];
    }
    const int expected[5] = {1, 1, 1, 0, 0};
    assert_memory_equal(seen, expected, sizeof(seen));
    assert_null(demux_next_match(&b->stack, &rx, 5353, 99, NULL));
    for (int i = 0; i < 5; i++)
        demux_remove(&b->stack, all[i]);
    bare_free(b);
}

static void finds_every_one_of_65000_listeners(void **state)
{
    enum {
        COUNT_ = 65000,
        FIRST = 500
    };
    struct bare *b = bare_new(11);
    struct demux_entry *e = calloc(COUNT_, sizeof(*e));
    const struct rx rx = packet(b, IP_PROTO_TCP, R1, A1, 1);
    for (int i = 0; i < COUNT_; i++) {
        e[i] = entry(IP_PROTO_TCP, ANY, (uint16_t)(FIRST + i), 0);
        assert_int_equal(demux_add(&b->stack, &e[i]), 0);
    }
    for (int i = 0; i < COUNT_; i++)
        assert_ptr_equal(demux_lookup(&b->stack, &rx, 1000, (uint16_t)(FIRST + i)), &e[i]);
    /* The longest chain that a look-up may walk. */
    uint64_t longest = 0;
    for (uint64_t i = 0; i <= b->stack.demux.ports.mask; i++) {
        uint64_t length = 0;
        for (struct hash_node *n = *hash_bucket(&b->stack.demux.ports, i); n != NULL; n = n->next)
            length++;
        longest = length > longest ? length : longest;
    }
    assert_true(longest <= 24);
    for (int i = 0; i < COUNT_; i++)
        demux_remove(&b->stack, &e[i]);
    free(e);
    bare_free(b);
}

static void refused_memory_leaves_nothing_behind(void **state)
{
    for (int n = 0;; n++) {
        struct bare *b = bare_new(12);
        struct demux_entry e = entry(IP_PROTO_UDP, ANY, 0, 0);
        alloc_fail_after(&b->alloc, n);
        const int r = demux_add(&b->stack, &e);
        if (r < 0) {
            assert_int_equal(r, -NST_ENOMEM);
            assert_int_equal(e.key.local_port, 0);
            assert_false(e.registered);
        }
        demux_remove(&b->stack, &e);
        bare_free(b);
        if (r == 0)
            break;
        assert_true(n < 10);
    }
}

static void the_hash_depends_on_each_part_of_the_tuple(void **state)
{
    struct bare *b = bare_new(13);
    const struct demux_key key = peered(IP_PROTO_UDP, A1, 53, R1, 1000).key;
    struct demux_key other[5] = {key, key, key, key, key};
    other[0].local = A2;
    other[1].remote = R2;
    other[2].local_port = 54;
    other[3].remote_port = 1001;
    other[4].proto = IP_PROTO_TCP;
    for (int i = 0; i < 5; i++)
        assert_true(demux_hash(&b->stack, &key) != demux_hash(&b->stack, &other[i]));
    bare_free(b);
}

TESTS({"prefers the most exact match: tuple, no local address, local address, port",
       prefers_the_most_exact_match},
      {"other flows, ports, addresses and protocols do not match", other_flows_do_not_match},
      {"the packet's NIC comes first, and a wrong one is a miss",
       the_packets_nic_comes_first_and_a_wrong_one_is_a_miss},
      {"connections of one tuple differ by NIC", connections_of_one_tuple_differ_by_nic},
      {"IPv6, and the two wildcards", ipv6_and_the_two_wildcards},
      {"reuse_address prefers the newest", reuse_address_prefers_the_newest},
      {"reuse_port spreads flows evenly, and steadily",
       reuse_port_spreads_flows_evenly_and_steadily},
      {"the spread is keyed", the_spread_is_keyed},
      {"a group datagram visits every match once", a_group_datagram_visits_every_match_once},
      {"finds every one of 65,000 listeners in a short chain", finds_every_one_of_65000_listeners},
      {"refused memory leaves nothing behind", refused_memory_leaves_nothing_behind},
      {"the hash depends on each part of the tuple", the_hash_depends_on_each_part_of_the_tuple})
