/* SPDX-License-Identifier: Apache-2.0 */
#include "demux_fixture.h"

/* May `second` be bound beside `first`? */
static bool fits(struct demux_entry first, struct demux_entry second)
{
    struct bare *b = bare_new(20);
    assert_int_equal(demux_add(&b->stack, &first), 0);
    const int r = demux_add(&b->stack, &second);
    assert_true(r == 0 || r == -NST_EADDRINUSE);
    demux_remove(&b->stack, &first);
    demux_remove(&b->stack, &second);
    bare_free(b);
    return r == 0;
}

static struct demux_entry with(struct demux_entry e, bool reuse_address, bool reuse_port)
{
    e.reuse_address = reuse_address;
    e.reuse_port = reuse_port;
    return e;
}

static void overlapping_addresses_and_nics_conflict(void **state)
{
    const struct nst_addr any = ANY, any4 = nst_addr_v4(0, 0, 0, 0), a1 = A1, a2 = A2;
    struct nst_addr a6;
    assert_int_equal(nst_addr_parse("2001:db8::1", &a6), 0);
    const struct {
        const struct nst_addr *a, *b;
        uint32_t nic_a, nic_b;
        bool fits;
    } cases[] = {
        {&any, &any, 0, 0, false},  {&any, &a1, 0, 0, false},    {&a1, &any, 0, 0, false},
        {&a1, &a1, 0, 0, false},    {&a1, &a2, 0, 0, true},      {&any4, &a1, 0, 0, false},
        {&a1, &any4, 0, 0, false},  {&any4, &a6, 0, 0, true},    {&a6, &any4, 0, 0, true},
        {&any4, &any, 0, 0, false}, {&any4, &any4, 0, 0, false}, {&any, &a6, 0, 0, false},
        {&any, &any, 1, 2, true},   {&any, &any, 1, 1, false},   {&any, &any, 1, 0, false},
        {&a1, &a1, 0, 2, false},    {&a1, &a1, 1, 2, true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(fits(entry(IP_PROTO_UDP, *cases[i].a, 53, cases[i].nic_a),
                              entry(IP_PROTO_UDP, *cases[i].b, 53, cases[i].nic_b)),
                         cases[i].fits);
    assert_true(fits(entry(IP_PROTO_UDP, ANY, 53, 0), entry(IP_PROTO_UDP, ANY, 54, 0)));
    assert_true(fits(entry(IP_PROTO_UDP, ANY, 53, 0), entry(IP_PROTO_TCP, ANY, 53, 0)));
}

static void sharing_needs_the_same_permission_on_both_sides(void **state)
{
    const struct {
        uint8_t proto;
        bool address_a, port_a, address_b, port_b, fits;
    } cases[] = {
        {IP_PROTO_UDP, true, false, true, false, true},
        {IP_PROTO_UDP, true, false, false, false, false},
        {IP_PROTO_UDP, false, true, false, true, true},
        {IP_PROTO_UDP, false, true, true, false, false},
        {IP_PROTO_TCP, false, true, false, true, true},
        {IP_PROTO_TCP, true, false, true, false, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct demux_entry e = entry(cases[i].proto, ANY, 80, 0);
        assert_int_equal(fits(with(e, cases[i].address_a, cases[i].port_a),
                              with(e, cases[i].address_b, cases[i].port_b)),
                         cases[i].fits);
    }
}

static void a_connection_keeps_its_port_unless_it_shares_one(void **state)
{
    struct demux_entry connection = peered(IP_PROTO_TCP, A1, 80, R1, 1000);
    const struct demux_entry listener = entry(IP_PROTO_TCP, ANY, 80, 0);

    assert_false(fits(connection, listener));
    assert_true(fits(with(connection, true, false), with(listener, true, false)));
    connection.shares_port = true;
    assert_true(fits(connection, listener));
}

static void a_connection_collides_only_with_its_tuple(void **state)
{
    const struct demux_entry connection = peered(IP_PROTO_TCP, A1, 80, R1, 1000);

    assert_false(fits(connection, connection));
    assert_true(fits(connection, peered(IP_PROTO_TCP, A1, 80, R1, 1001)));
    assert_true(fits(connection, peered(IP_PROTO_TCP, A1, 80, R2, 1000)));
    assert_true(fits(entry(IP_PROTO_TCP, ANY, 80, 0), connection));
}

static void chooses_ports_by_chance_for_datagrams(void **state)
{
    enum {
        COUNT_ = 1000
    };
    struct bare *b = bare_new(21);
    struct demux_entry e[COUNT_];
    int ascending = 0, low_half = 0;

    for (int i = 0; i < COUNT_; i++) {
        e[i] = entry(IP_PROTO_UDP, ANY, 0, 0);
        assert_int_equal(demux_add(&b->stack, &e[i]), 0);
        assert_in_range(e[i].key.local_port, PORTS_FIRST, PORTS_FIRST + PORTS_COUNT - 1);
        low_half += e[i].key.local_port < PORTS_FIRST + PORTS_COUNT / 2;
        ascending += i > 0 && e[i].key.local_port > e[i - 1].key.local_port;
        for (int j = 0; j < i; j++)
            assert_true(e[i].key.local_port != e[j].key.local_port);
    }
    assert_in_range(low_half, 420, 580);
    assert_in_range(ascending, 420, 580);
    for (int i = 0; i < COUNT_; i++)
        demux_remove(&b->stack, &e[i]);
    bare_free(b);
}

static void connections_to_one_destination_use_up_its_ports(void **state)
{
    struct bare *b = bare_new(22);
    struct demux_entry *e = calloc(PORTS_COUNT + 1, sizeof(*e));

    for (int i = 0; i < PORTS_COUNT; i++) {
        e[i] = peered(IP_PROTO_TCP, A1, 0, R1, 80);
        assert_int_equal(demux_add(&b->stack, &e[i]), 0);
    }
    struct demux_entry *last = &e[PORTS_COUNT];
    *last = peered(IP_PROTO_TCP, A1, 0, R1, 80);
    assert_int_equal(demux_add(&b->stack, last), -NST_EADDRNOTAVAIL);
    assert_int_equal(last->key.local_port, 0);
    /* Another destination has all of them. */
    *last = peered(IP_PROTO_TCP, A1, 0, R1, 81);
    assert_int_equal(demux_add(&b->stack, last), 0);
    for (int i = 0; i <= PORTS_COUNT; i++)
        demux_remove(&b->stack, &e[i]);
    free(e);
    bare_free(b);
}

static void thousands_of_connections_to_one_destination_are_cheap(void **state)
{
    enum {
        COUNT_ = 8000
    };
    struct bare *b = bare_new(23);
    struct demux_entry *e = calloc(COUNT_, sizeof(*e));
    uint32_t tried = 0;

    for (int i = 0; i < COUNT_; i++) {
        uint32_t before = 0, after = 0;
        for (int j = 0; j < DEMUX_PORT_COUNTERS; j++)
            before += b->stack.demux.counters[j];
        e[i] = peered(IP_PROTO_TCP, A1, 0, R1, 80);
        assert_int_equal(demux_add(&b->stack, &e[i]), 0);
        for (int j = 0; j < DEMUX_PORT_COUNTERS; j++)
            after += b->stack.demux.counters[j];
        tried += after - before;
    }
    /* Candidates and random steps together. */
    assert_true(tried < COUNT_ * 8);
    for (int i = 0; i < COUNT_; i++)
        demux_remove(&b->stack, &e[i]);
    free(e);
    bare_free(b);
}

static void the_start_depends_on_destination_and_secret(void **state)
{
    int equal = 0;

    for (uint8_t i = 0; i < 100; i++) {
        struct bare *b = bare_new((uint8_t)(100 + i));
        struct demux_entry one = peered(IP_PROTO_TCP, A1, 0, R1, 80);
        struct demux_entry two = peered(IP_PROTO_TCP, A1, 0, R2, 80);
        assert_int_equal(demux_add(&b->stack, &one), 0);
        assert_int_equal(demux_add(&b->stack, &two), 0);
        const int distance = (int)one.key.local_port - (int)two.key.local_port;
        equal += distance > -64 && distance < 64;
        demux_remove(&b->stack, &one);
        demux_remove(&b->stack, &two);
        bare_free(b);
    }
    assert_true(equal < 5);
}

static void a_chosen_port_avoids_what_is_bound(void **state)
{
    enum {
        FREE = 77
    };
    struct bare *b = bare_new(24);
    struct demux_entry *e = calloc(PORTS_COUNT, sizeof(*e));

    for (int i = 0; i < PORTS_COUNT; i++) {
        e[i] = entry(IP_PROTO_TCP, ANY, (uint16_t)(PORTS_FIRST + i), 0);
        if (i != FREE)
            assert_int_equal(demux_add(&b->stack, &e[i]), 0);
    }
    struct demux_entry connection = peered(IP_PROTO_TCP, A1, 0, R1, 80);
    assert_int_equal(demux_add(&b->stack, &connection), 0);
    assert_int_equal(connection.key.local_port, PORTS_FIRST + FREE);
    struct demux_entry none = entry(IP_PROTO_TCP, ANY, 0, 0);
    assert_int_equal(demux_add(&b->stack, &none), -NST_EADDRNOTAVAIL);
    demux_remove(&b->stack, &connection);
    for (int i = 0; i < PORTS_COUNT; i++)
        demux_remove(&b->stack, &e[i]);
    free(e);
    bare_free(b);
}

static void only_spoofing_gives_foreign_addresses(void **state)
{
    struct bare *b = bare_new(25);
    const struct nst_addr foreign = R1, group = nst_addr_v4(224, 0, 0, 1);

    list_init(&b->nic[0].node);
    list_add_tail(&b->stack.nics, &b->nic[0].node);
    assert_true(ports_address_is_usable(&b->stack, &ANY, 0));
    assert_true(ports_address_is_usable(&b->stack, &group, 0));
    assert_false(ports_address_is_usable(&b->stack, &foreign, 0));
    b->nic[0].spoofing = true;
    assert_true(ports_address_is_usable(&b->stack, &foreign, 0));
    assert_true(ports_address_is_usable(&b->stack, &foreign, 1));
    assert_false(ports_address_is_usable(&b->stack, &foreign, 2));
    bare_free(b);
}

TESTS({"overlapping addresses and NICs conflict", overlapping_addresses_and_nics_conflict},
      {"sharing needs the same permission on both sides",
       sharing_needs_the_same_permission_on_both_sides},
      {"a connection keeps its port from being bound, unless it shares one",
       a_connection_keeps_its_port_unless_it_shares_one},
      {"a connection collides only with its 4-tuple", a_connection_collides_only_with_its_tuple},
      {"chooses ports by chance for datagrams", chooses_ports_by_chance_for_datagrams},
      {"connections to one destination use up its ports, and then fail",
       connections_to_one_destination_use_up_its_ports},
      {"thousands of connections to one destination are cheap",
       thousands_of_connections_to_one_destination_are_cheap},
      {"the start depends on destination and secret", the_start_depends_on_destination_and_secret},
      {"a chosen port avoids what is bound", a_chosen_port_avoids_what_is_bound},
      {"only spoofing gives foreign addresses", only_spoofing_gives_foreign_addresses})
