/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a NIC as its user sees it: NIC.md section 1, but for what changes while it is up. */
#include "testing.h"

#include "nicbox.h"
#include "tcp_pair.h"
#include "wire/ipproto.h"

static struct nicbox b;

/* NIC 1 on bare IP, with an address of each family. */
static void begin(void)
{
    nicbox_begin(&b, NULL);
    nicbox_add(&b, 1, NICBOX_IP);
    nicbox_addr(&b, 1, "10.0.0.1/24");
    nicbox_addr(&b, 1, "fd00::1/64");
}

static void has_what_it_was_given(void **state)
{
    int context;
    struct nst_nic_info info;
    struct nst_counter counter;
    nicbox_begin(&b, NULL);
    assert_int_equal(nicbox_add_with(&b, 2, NICBOX_ETHERNET,
                                     &(struct nst_nic_config){.name = "up", .context = &context}),
                     0);
    assert_int_equal(nst_nic_get_info(b.stack, 2, &info), 0);
    assert_string_equal(info.name, "up");
    assert_ptr_equal(info.context, &context);
    assert_true(info.enabled && !info.promiscuous && !info.spoofing && !info.forwarding);
    assert_true(nst_nic_counter_at(b.stack, 2, 0, &counter));
    /* An endpoint for each protocol, with an address list and a table of neighbours. */
    nicbox_addr(&b, 2, "10.0.0.1/24");
    nicbox_addr(&b, 2, "fd00::1/64");
    assert_int_equal(nst_neigh_list(b.stack, 2, NULL, 0), 0);
    nicbox_end(&b);
}

static void takes_no_second_one(void **state)
{
    nicbox_begin(&b, NULL);
    nicbox_add(&b, 1, NICBOX_IP);
    nicbox_skip_events(&b);
    assert_int_equal(nicbox_add_with(&b, 2, NICBOX_IP, &(struct nst_nic_config){.name = "nic1"}),
                     -NST_EEXIST);
    nicbox_no_event(&b);
    assert_int_equal(nst_nic_next(b.stack, 1), 0);
    assert_null(b.links[1].link.upper);
    nicbox_end(&b);
}

/* N3: disabled, it is whole, but nothing passes. */
static void can_begin_disabled(void **state)
{
    nicbox_begin(&b, NULL);
    assert_int_equal(nicbox_add_with(&b, 1, NICBOX_IP, &(struct nst_nic_config){.disabled = true}),
                     0);
    assert_int_equal(b.links[0].attached, 1);
    nicbox_addr(&b, 1, "10.0.0.1/24");
    nicbox_addr(&b, 1, "fd00::1/64");
    for (int v6 = 0; v6 < 2; v6++) {
        const nst_socket s = nicbox_socket(&b, NST_DATAGRAM, nicbox_pick(v6, "0.0.0.0", "::"),
                                           (uint16_t)(7 + v6), 0);
        const struct nicbox_udp udp = {.src = nicbox_pick(v6, "10.0.0.2", "fd00::2"),
                                       .dst = nicbox_pick(v6, "10.0.0.1", "fd00::1"),
                                       .dport = (uint16_t)(7 + v6),
                                       .payload = "x"};
        nicbox_inject(&b, 1, &udp);
        assert_true(nicbox_got_nothing(&b, s));
        assert_int_equal(nst_nic_enable(b.stack, 1), 0);
        nicbox_inject(&b, 1, &udp);
        assert_true(nicbox_got(&b, s, "x"));
        assert_int_equal(nst_nic_disable(b.stack, 1), 0);
    }
    nicbox_end(&b);
}

/* N5 */
static void ups_and_downs_are_told_once(void **state)
{
    begin();
    nicbox_skip_events(&b);
    for (int i = 0; i < 2; i++)
        assert_int_equal(nst_nic_disable(b.stack, 1), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(nst_nic_enable(b.stack, 1), 0);
    nicbox_event(&b, NST_EVENT_NIC_DISABLED);
    nicbox_event(&b, NST_EVENT_NIC_ENABLED);
    nicbox_no_event(&b);
    nicbox_end(&b);
}

/* N6: 255.255.255.255 and 224.0.0.1; ff02::1. */
static void takes_what_is_for_everybody(void **state)
{
    static const char *const everybody[] = {"255.255.255.255", "224.0.0.1", "ff02::1"};
    begin();
    const nst_socket s = nicbox_socket(&b, NST_DATAGRAM, NULL, 7, 0);
    for (int i = 0; i < 3; i++) {
        const struct nicbox_udp udp = {.src = nicbox_pick(i == 2, "10.0.0.2", "fd00::2"),
                                       .dst = everybody[i],
                                       .dport = 7,
                                       .payload = "all"};
        nicbox_inject(&b, 1, &udp);
        assert_true(nicbox_got(&b, s, "all"));
        nst_nic_disable(b.stack, 1);
        nicbox_inject(&b, 1, &udp);
        assert_true(nicbox_got_nothing(&b, s));
        nst_nic_enable(b.stack, 1);
    }
    /* It is no address that is listed, or sent from. */
    assert_int_equal(nst_nic_addr_list(b.stack, 1, NULL, 0), 2);
    nicbox_end(&b);
}

/* N6: every permanent address is asked about again. */
static void ipv6_addresses_are_tentative_after_enabling(void **state)
{
    nicbox_begin(&b, NULL);
    nicbox_add(&b, 1, NICBOX_ETHERNET);
    const struct nst_nic_addr a = {.addr = nicbox_parse("fd00::1"), .prefix_len = 64};
    assert_int_equal(nst_nic_addr_add(b.stack, 1, &a), 0);
    nicbox_advance(&b, 3 * NST_SEC);
    assert_int_equal(nicbox_address(&b, 1, 0).state, NST_ADDR_ASSIGNED);
    nst_nic_disable(b.stack, 1);
    nst_nic_enable(b.stack, 1);
    assert_int_equal(nicbox_address(&b, 1, 0).state, NST_ADDR_TENTATIVE);
    nicbox_advance(&b, 3 * NST_SEC);
    assert_int_equal(nicbox_address(&b, 1, 0).state, NST_ADDR_ASSIGNED);
    nicbox_end(&b);
}

/* N7: neighbours go, static ones too, and packets that wait for one. */
static void disabling_empties_the_tables(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        nicbox_begin(&b, NULL);
        nicbox_add(&b, 1, NICBOX_ETHERNET);
        nicbox_addr(&b, 1, nicbox_pick(v6, "10.0.0.1/24", "fd00::1/64"));
        const struct nst_addr peer = nicbox_parse(nicbox_pick(v6, "10.0.0.3", "fd00::3"));
        assert_int_equal(nst_neigh_add(b.stack, 1, &peer, (struct nst_mac){{2, [5] = 3}}), 0);
        const nst_socket s =
            nicbox_socket(&b, NST_DATAGRAM, nicbox_pick(v6, "0.0.0.0", "::"), 7, 0);
        assert_int_equal(nicbox_send(&b, s, nicbox_pick(v6, "10.0.0.2", "fd00::2")), 1);
        assert_int_equal(nst_neigh_list(b.stack, 1, NULL, 0), 2);
        assert_int_equal(nst_nic_disable(b.stack, 1), 0);
        world_check_census(b.stack, true);
        assert_int_equal(nst_neigh_list(b.stack, 1, NULL, 0), 0);
        nicbox_end(&b);
    }
}

/* ---- N8 ---- */

static void sends_fail_while_it_is_down(void **state)
{
    static const enum nst_socket_type types[] = {NST_DATAGRAM, NST_PING};
    uint8_t echo[8] = {0};
    begin();
    for (int i = 0; i < 4; i++) {
        const bool v6 = i & 1;
        const enum nst_socket_type type = types[i / 2];
        const struct nst_endpoint to = {
            .addr = nicbox_parse(nicbox_pick(v6, "10.0.0.2", "fd00::2")), .port = 9};
        const nst_socket s = nicbox_socket(&b, type, nicbox_pick(v6, "10.0.0.1", "fd00::1"), 0, 0);
        echo[0] = v6 ? 128 : 8;
        assert_int_equal(nst_socket_sendto(b.stack, s, echo, 8, 0, &to), 8);
        nst_nic_disable(b.stack, 1);
        assert_int_equal(nst_socket_sendto(b.stack, s, echo, 8, 0, &to), -NST_ENETDOWN);
        nst_nic_enable(b.stack, 1);
        assert_int_equal(nst_socket_sendto(b.stack, s, echo, 8, 0, &to), 8);
    }
    nicbox_end(&b);
}

/* What the ready list says of the one socket on it; 0: nothing. */
static uint32_t take_ready(struct nst_stack *stack)
{
    struct nst_ready ready;
    return nst_ready_list(stack, &ready, 1) == 1 ? ready.events : 0;
}

/* Bound to the NIC, or to an address of it. */
static void sockets_learn_of_it(void **state)
{
    static const enum nst_socket_type types[] = {NST_STREAM, NST_DATAGRAM, NST_PING};
    begin();
    for (int i = 0; i < 9; i++) {
        const char *addr = (const char *const[]){NULL, "10.0.0.1", "fd00::1"}[i % 3];
        const nst_socket s =
            nicbox_socket(&b, types[i / 3], addr, (uint16_t)(100 + i), addr == NULL ? 1 : 0);
        assert_int_equal(nst_socket_watch(b.stack, s, NST_READY_DOWN | NST_READY_OUT, NULL), 0);
        take_ready(b.stack);
        nst_nic_disable(b.stack, 1);
        nicbox_run(&b);
        assert_true(take_ready(b.stack) & NST_READY_DOWN);
        assert_true(nst_socket_events(b.stack, s) & NST_READY_DOWN);
        assert_int_equal(nst_socket_error(b.stack, s), 0); /* it is no error */
        nst_nic_enable(b.stack, 1);
        nicbox_run(&b);
        assert_false(nst_socket_events(b.stack, s) & NST_READY_DOWN);
        nst_socket_close(b.stack, s);
    }
    nicbox_end(&b);
}

static void the_end_of_it_is_told_as_room_to_send(void **state)
{
    begin();
    const nst_socket s = nicbox_socket(&b, NST_DATAGRAM, NULL, 7, 1);
    nst_socket_watch(b.stack, s, NST_READY_DOWN | NST_READY_OUT, NULL);
    take_ready(b.stack);
    nst_nic_disable(b.stack, 1);
    nicbox_run(&b);
    take_ready(b.stack);
    nst_nic_enable(b.stack, 1);
    nicbox_run(&b);
    assert_int_equal(take_ready(b.stack), NST_READY_OUT);
    /* Down and up again before anybody looked: nothing new. */
    nst_nic_disable(b.stack, 1);
    nst_nic_enable(b.stack, 1);
    nicbox_run(&b);
    assert_int_equal(take_ready(b.stack), 0);
    nicbox_end(&b);
}

static void others_do_not(void **state)
{
    begin();
    nicbox_add(&b, 2, NICBOX_IP);
    nicbox_addr(&b, 2, "10.2.0.1/24");
    const nst_socket watching[] = {nicbox_socket(&b, NST_DATAGRAM, NULL, 7, 2),
                                   nicbox_socket(&b, NST_DATAGRAM, "10.2.0.1", 8, 0),
                                   nicbox_socket(&b, NST_DATAGRAM, NULL, 9, 0)};
    const nst_socket silent = nicbox_socket(&b, NST_DATAGRAM, NULL, 10, 1);
    for (int i = 0; i < 3; i++)
        nst_socket_watch(b.stack, watching[i], NST_READY_DOWN, NULL);
    nst_socket_watch(b.stack, silent, NST_READY_IN, NULL);
    nst_nic_disable(b.stack, 1);
    nicbox_run(&b);
    assert_int_equal(take_ready(b.stack), 0);
    nicbox_end(&b);
}

/* A removed address, or NIC, is no way either. */
static void so_it_is_with_what_is_removed(void **state)
{
    begin();
    const nst_socket bound = nicbox_socket(&b, NST_DATAGRAM, "fd00::1", 7, 0);
    nst_socket_watch(b.stack, bound, NST_READY_DOWN, NULL);
    const struct nst_addr addr = nicbox_parse("fd00::1");
    nst_nic_addr_remove(b.stack, 1, &addr);
    nicbox_run(&b);
    assert_int_equal(take_ready(b.stack), NST_READY_DOWN);
    nicbox_addr(&b, 1, "fd00::1/64");
    nicbox_run(&b);
    assert_false(nst_socket_events(b.stack, bound) & NST_READY_DOWN);
    nst_nic_remove(b.stack, 1);
    nicbox_run(&b);
    assert_int_equal(take_ready(b.stack), NST_READY_DOWN);
    nicbox_end(&b);
}

static void so_it_is_with_the_end_of_spoofing(void **state)
{
    nicbox_begin(&b, NULL);
    nicbox_add(&b, 1, NICBOX_IP);
    nst_nic_set_spoofing(b.stack, 1, true);
    const nst_socket foreign = nicbox_socket(&b, NST_DATAGRAM, "fd00::9", 7, 0);
    nst_socket_watch(b.stack, foreign, NST_READY_DOWN, NULL);
    nst_nic_set_spoofing(b.stack, 1, false);
    nicbox_run(&b);
    assert_int_equal(take_ready(b.stack), NST_READY_DOWN);
    nicbox_end(&b);
}

static void connections_survive(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        const struct world_config config = {.ipv6 = v6, .limit = 4096};
        struct tcp_pair p;
        struct nst_ready ready;
        tcp_pair_init(&p, &config);
        tcp_pair_connect(&p);
        const struct host *h = &p.w.hosts[0];
        nst_socket_watch(h->stack, p.s[0], NST_READY_DOWN, NULL);
        struct tcp_flow out = {.from = 0, .total = 200000}, back = {.from = 1, .total = 200000};
        assert_true(tcp_pair_transfer(&p, &out, &back, 60 * NST_SEC));
        assert_int_equal(nst_socket_send(h->stack, p.s[0], "lost?", 5, 0), 5);
        assert_int_equal(nst_nic_disable(h->stack, h->nic), 0);
        world_run_for(&p.w, 5 * NST_SEC);
        assert_int_equal(nst_ready_list(h->stack, &ready, 1), 1);
        assert_int_equal(ready.events, NST_READY_DOWN);
        assert_int_equal(nst_nic_enable(h->stack, h->nic), 0);
        world_run_for(&p.w, 30 * NST_SEC);
        char got[8];
        assert_int_equal(nst_socket_recv(p.w.hosts[1].stack, p.s[1], got, 8, 0), 5);
        assert_memory_equal(got, "lost?", 5);
        tcp_pair_fini(&p);
    }
}

/* ---- N9 ---- */

static void removing_under_load_gives_all_back(void **state)
{
    for (int v6 = 0; v6 < 2; v6++) {
        const struct world_config config = {
            .ipv6 = v6,
            .limit = 4096,
            .impair = {{.rate_bps = 100000000}, {.rate_bps = 100000000}}};
        struct tcp_pair p;
        tcp_pair_init(&p, &config);
        tcp_pair_connect(&p);
        struct nst_stack *stack = p.w.hosts[0].stack;
        struct tcp_flow out = {.from = 0, .total = 1u << 30}, back = {.from = 1, .total = 1u << 30};
        tcp_pair_transfer(&p, &out, &back, 50 * NST_MSEC);
        assert_true(out.received > 0 && back.received > 0);
        const uint32_t routes = (uint32_t)nst_route_list(stack, NULL, 0);
        assert_true(routes > 0);
        assert_int_equal(nst_nic_remove(stack, p.w.hosts[0].nic), 0);
        assert_null(p.w.hosts[0].link->upper);
        assert_int_equal(nst_route_list(stack, NULL, 0), 0);
        struct nst_census c;
        nst_stack_get_census(stack, &c);
        const uint64_t passed = c.received + c.transmitted;
        world_run_for(&p.w, 5 * NST_SEC);
        nst_stack_get_census(stack, &c);
        assert_int_equal(c.received + c.transmitted, passed);
        nst_socket_abort(stack, p.s[0]);
        world_run(&p.w);
        world_check_census(stack, true);
        tcp_pair_fini(&p); /* all memory is back */
    }
}

/* Each address goes for its NIC's sake, then the NIC. */
static void what_goes_is_told(void **state)
{
    begin();
    nicbox_skip_events(&b);
    nst_nic_remove(b.stack, 1);
    nicbox_event(&b, NST_EVENT_NIC_DISABLED);
    for (int i = 0; i < 2; i++)
        assert_int_equal(nicbox_event(&b, NST_EVENT_ADDR_REMOVED).why, NST_WHY_NIC);
    nicbox_event(&b, NST_EVENT_NIC_REMOVED);
    nicbox_no_event(&b);
    nicbox_end(&b);
}

/* N11: only what the link says makes it one, not its name or addresses. */
static void loopback_is_a_capability(void **state)
{
    static const enum nicbox_kind kinds[] = {NICBOX_LOOPBACK, NICBOX_IP};
    for (int i = 0; i < 4; i++) {
        const bool v6 = i & 1, loopback = i < 2;
        nicbox_begin(&b, NULL);
        assert_int_equal(
            nicbox_add_with(&b, 1, kinds[i / 2], &(struct nst_nic_config){.name = "lo"}), 0);
        nicbox_addr(&b, 1, nicbox_pick(v6, "127.0.0.1/8", "::1/128"));
        const nst_socket s = nicbox_socket(&b, NST_DATAGRAM, NULL, 7, 0);
        const char *own = nicbox_pick(v6, "127.0.0.1", "::1");
        nicbox_inject(&b, 1,
                      &(struct nicbox_udp){.src = own, .dst = own, .dport = 7, .payload = "x"});
        assert_true(loopback ? nicbox_got(&b, s, "x") : nicbox_got_nothing(&b, s));
        nicbox_end(&b);
    }
}

TESTS({"nic/N1: has what it was given, and an endpoint for each protocol", has_what_it_was_given},
      {"nic/N2: a second one of that name is refused, and nothing is told", takes_no_second_one},
      {"nic/N3: can begin disabled, over IPv4 and IPv6", can_begin_disabled},
      {"nic/N5: ups and downs are told once", ups_and_downs_are_told_once},
      {"nic/N6: takes what is for everybody while it is enabled", takes_what_is_for_everybody},
      {"nic/N6: IPv6 addresses are tentative after enabling",
       ipv6_addresses_are_tentative_after_enabling},
      {"nic/N7: disabling empties the tables, of IPv4 and IPv6", disabling_empties_the_tables},
      {"nic/N8: sends fail while it is down, over IPv4 and IPv6", sends_fail_while_it_is_down},
      {"nic/N8: sockets of every type learn of it", sockets_learn_of_it},
      {"nic/N8: the end of it is told as room to send", the_end_of_it_is_told_as_room_to_send},
      {"nic/N8: sockets of other NICs do not, nor who does not watch", others_do_not},
      {"nic/N8: so it is with what is removed", so_it_is_with_what_is_removed},
      {"nic/N8: so it is with the end of spoofing", so_it_is_with_the_end_of_spoofing},
      {"nic/N8: connections survive, over IPv4 and IPv6", connections_survive},
      {"nic/N9: removing under load gives all back, over IPv4 and IPv6",
       removing_under_load_gives_all_back},
      {"nic/N9: what goes is told, and why", what_goes_is_told},
      {"nic/N11: loopback is a capability of the link", loopback_is_a_capability})
