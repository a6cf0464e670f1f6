/* SPDX-License-Identifier: Apache-2.0 */
/* Multicast groups of sockets, between two hosts on Ethernet. */
#include "testing.h"

#include <nicstack/socket.h>

#include "world.h"

static struct world w;

static void begin(void)
{
    const struct world_config c = {.ipv6 = true};
    world_init_pair(&w, &c);
    world_run_for(&w, 3 * NST_SEC);
}

static struct nst_stack *host(int i)
{
    return w.hosts[i].stack;
}

static struct nst_addr addr(const char *text)
{
    struct nst_addr a;
    assert_int_equal(nst_addr_parse(text, &a), 0);
    return a;
}

static nst_socket bound(int i, uint16_t port)
{
    nst_socket s;
    const struct nst_endpoint local = {.port = port};
    assert_int_equal(nst_socket_open(host(i), NST_DATAGRAM, &s), 0);
    assert_int_equal(nst_socket_set(host(i), s, NST_OPT_REUSE_ADDRESS, 1), 0);
    assert_int_equal(nst_socket_bind(host(i), s, &local), 0);
    return s;
}

static int join(int i, nst_socket s, const char *group)
{
    const struct nst_addr a = addr(group);
    return nst_socket_join_group(host(i), s, &a, 0);
}

static int leave(int i, nst_socket s, const char *group)
{
    const struct nst_addr a = addr(group);
    return nst_socket_leave_group(host(i), s, &a, 0);
}

static int has(int i, const char *group)
{
    const struct nst_addr a = addr(group);
    return nst_nic_group_has(host(i), w.hosts[i].nic, &a);
}

static void send_to(int i, nst_socket s, const char *group, uint16_t port, size_t len)
{
    static const uint8_t data[4000];
    const struct nst_endpoint to = {.addr = addr(group), .port = port};
    assert_int_equal(nst_socket_sendto(host(i), s, data, len, 0, &to), len);
    world_run(&w);
}

/* The next datagram of s: its length, or -1. */
static int64_t take(int i, nst_socket s, struct nst_message *m)
{
    static uint8_t data[4000];
    const int64_t r = nst_socket_recvfrom(host(i), s, data, sizeof(data), 0, m);
    return r < 0 ? -1 : r;
}

static const char *const groups[] = {"239.1.1.1", "ff05::7"};

static void members_receive_and_others_do_not(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        struct nst_message m;
        const struct nst_addr g = addr(groups[i]);
        begin();
        const nst_socket a = bound(0, 1000), b = bound(1, 5000), b2 = bound(1, 5000);
        send_to(0, a, groups[i], 5000, 10);
        assert_int_equal(take(1, b, &m), -1);
        assert_int_equal(join(1, b, groups[i]), 0);
        send_to(0, a, groups[i], 5000, 10);
        assert_int_equal(take(1, b, &m), 10);
        assert_true(nst_addr_equal(&m.local.addr, &g));
        assert_int_equal(m.ttl, 1);
        assert_int_equal(take(1, b2, &m), 10); /* N103: every match */
        assert_int_equal(leave(1, b, groups[i]), 0);
        send_to(0, a, groups[i], 5000, 10);
        assert_int_equal(take(1, b, &m), -1);
        world_fini(&w);
    }
}

static void joins_of_sockets_are_counted_and_end_with_them(void **state)
{
    begin();
    const nst_socket b = bound(1, 5000), c = bound(1, 5000);
    assert_int_equal(join(1, b, "239.1.1.1"), 0);
    assert_int_equal(join(1, b, "239.1.1.1"), -NST_EADDRINUSE);
    assert_int_equal(join(1, c, "239.1.1.1"), 0);
    assert_int_equal(has(1, "239.1.1.1"), 1);
    assert_int_equal(nst_socket_close(host(1), b), 0);
    assert_int_equal(has(1, "239.1.1.1"), 1);
    assert_int_equal(leave(1, c, "239.1.1.1"), 0);
    assert_int_equal(has(1, "239.1.1.1"), 0);
    assert_int_equal(leave(1, c, "239.1.1.1"), -NST_EADDRNOTAVAIL);
    world_fini(&w);
}

static void what_cannot_be_joined_is_refused(void **state)
{
    nst_socket stream;
    const struct nst_addr g = addr("239.1.1.1");
    begin();
    const nst_socket b = bound(1, 5000);
    assert_int_equal(join(1, b, "10.0.0.1"), -NST_EINVAL);
    assert_int_equal(leave(1, b, "10.0.0.1"), -NST_EINVAL);
    assert_int_equal(nst_socket_join_group(host(1), b, &g, 77), -NST_ENOENT);
    assert_int_equal(nst_socket_open(host(1), NST_STREAM, &stream), 0);
    assert_int_equal(join(1, stream, "239.1.1.1"), -NST_EPROTOTYPE);
    assert_int_equal(leave(1, stream, "239.1.1.1"), -NST_EPROTOTYPE);
    for (unsigned i = 0; i < 64; i++) {
        const struct nst_addr a = nst_addr_v4(239, 1, 2, (uint8_t)i);
        assert_int_equal(nst_socket_join_group(host(1), b, &a, 0), 0);
    }
    assert_int_equal(join(1, b, "239.1.1.1"), -NST_ENOBUFS);
    world_fini(&w);
}

/* The memberships of a NIC that goes are nobody's: a new NIC of the same id is not left by them. */
static void a_membership_outlives_its_nic(void **state)
{
    begin();
    const nst_socket b = bound(1, 5000);
    assert_int_equal(join(1, b, "239.1.1.1"), 0);
    assert_int_equal(nst_nic_remove(host(1), w.hosts[1].nic), 0);
    assert_int_equal(leave(1, b, "239.1.1.1"), 0);
    assert_int_equal(join(1, b, "239.1.1.1"), -NST_ENOENT);
    world_fini(&w);
}

static void what_is_sent_comes_back_to_members_if_it_is_to(void **state)
{
    static const size_t sizes[] = {0, 10, 1472, 3000};
    for (unsigned i = 0; i < 2; i++) {
        struct nst_message m;
        int64_t value;
        begin();
        const nst_socket a = bound(0, 5000), b = bound(1, 5000);
        assert_int_equal(join(0, a, groups[i]), 0);
        assert_int_equal(join(1, b, groups[i]), 0);
        for (unsigned n = 0; n < 4; n++) {
            send_to(0, a, groups[i], 5000, sizes[n]);
            assert_int_equal(take(0, a, &m), sizes[n]); /* whole, and once */
            assert_int_equal(take(0, a, &m), -1);
            assert_int_equal(take(1, b, &m), sizes[n]);
            assert_int_equal(m.remote.port, 5000);
        }
        assert_int_equal(nst_socket_get(host(0), a, NST_OPT_MULTICAST_LOOP, &value), 0);
        assert_int_equal(value, 1);
        assert_int_equal(nst_socket_set(host(0), a, NST_OPT_MULTICAST_LOOP, 0), 0);
        send_to(0, a, groups[i], 5000, 10);
        assert_int_equal(take(0, a, &m), -1);
        assert_int_equal(take(1, b, &m), 10);
        /* Who is not in the group gets nothing back. */
        assert_int_equal(nst_socket_set(host(0), a, NST_OPT_MULTICAST_LOOP, 1), 0);
        assert_int_equal(leave(0, a, groups[i]), 0);
        send_to(0, a, groups[i], 5000, 10);
        assert_int_equal(take(0, a, &m), -1);
        world_fini(&w);
    }
}

static void hops_are_their_own_option(void **state)
{
    for (unsigned i = 0; i < 2; i++) {
        struct nst_message m;
        int64_t value;
        begin();
        const nst_socket a = bound(0, 1000), b = bound(1, 5000);
        assert_int_equal(join(1, b, groups[i]), 0);
        assert_int_equal(nst_socket_set(host(0), a, NST_OPT_TTL, 9), 0);
        send_to(0, a, groups[i], 5000, 1);
        assert_true(take(1, b, &m) == 1 && m.ttl == 1);
        assert_int_equal(nst_socket_set(host(0), a, NST_OPT_MULTICAST_TTL, 33), 0);
        assert_int_equal(nst_socket_get(host(0), a, NST_OPT_MULTICAST_TTL, &value), 0);
        assert_int_equal(value, 33);
        send_to(0, a, groups[i], 5000, 1);
        assert_true(take(1, b, &m) == 1 && m.ttl == 33);
        assert_int_equal(nst_socket_set(host(0), a, NST_OPT_MULTICAST_TTL, 0), -NST_EINVAL);
        assert_int_equal(nst_socket_set(host(0), a, NST_OPT_MULTICAST_TTL, 256), -NST_EINVAL);
        assert_int_equal(nst_socket_set(host(0), a, NST_OPT_MULTICAST_LOOP, 2), -NST_EINVAL);
        world_fini(&w);
    }
}

static void the_nic_for_groups_can_be_chosen(void **state)
{
    struct nst_message m;
    uint32_t id;
    int64_t value;
    begin();
    struct nst_link *loopback = nst_loopback_new(&w.link_alloc.allocator);
    assert_non_null(loopback);
    const struct nst_nic_config config = {.size = sizeof(config), .link = loopback};
    assert_int_equal(nst_nic_add(host(0), &config, &id), 0);
    const struct nst_nic_addr one = {.addr = addr("127.0.0.1"), .prefix_len = 8};
    assert_int_equal(nst_nic_addr_add(host(0), id, &one), 0);
    const struct nst_addr g = addr("239.1.1.1");
    const nst_socket a = bound(0, 1000), b = bound(0, 5000);
    assert_int_equal(nst_socket_join_group(host(0), b, &g, id), 0);
    send_to(0, a, "239.1.1.1", 5000, 1);
    assert_int_equal(take(0, b, &m), -1); /* it left by the Ethernet */
    assert_int_equal(nst_socket_set(host(0), a, NST_OPT_MULTICAST_NIC, id), 0);
    assert_int_equal(nst_socket_get(host(0), a, NST_OPT_MULTICAST_NIC, &value), 0);
    assert_int_equal(value, id);
    for (unsigned n = 0; n < 2; n++) {
        send_to(0, a, "239.1.1.1", 5000, 1);
        assert_int_equal(take(0, b, &m), 1); /* once: the link brings it back, not we */
        assert_int_equal(take(0, b, &m), -1);
        assert_int_equal(m.local.nic, id);
    }
    assert_int_equal(nst_socket_set(host(0), a, NST_OPT_MULTICAST_NIC, 99), -NST_EINVAL);
    assert_int_equal(nst_nic_remove(host(0), id), 0);
    nst_loopback_free(loopback);
    world_fini(&w);
}

static void a_socket_bound_to_a_group_can_send(void **state)
{
    struct nst_message m;
    begin();
    const struct nst_endpoint local = {.addr = addr("239.1.1.1"), .port = 5000};
    nst_socket a;
    assert_int_equal(nst_socket_open(host(0), NST_DATAGRAM, &a), 0);
    assert_int_equal(nst_socket_bind(host(0), a, &local), 0);
    const nst_socket b = bound(1, 5000);
    assert_int_equal(join(1, b, "239.1.1.1"), 0);
    send_to(0, a, "239.1.1.1", 5000, 3);
    const struct nst_addr from = addr("10.0.0.1");
    assert_int_equal(take(1, b, &m), 3);
    assert_true(nst_addr_equal(&m.remote.addr, &from));
    world_fini(&w);
}

TESTS({"members receive and others do not", members_receive_and_others_do_not},
      {"nic/N68: joins of sockets are counted, and end with them",
       joins_of_sockets_are_counted_and_end_with_them},
      {"what cannot be joined is refused", what_cannot_be_joined_is_refused},
      {"a membership outlives its NIC", a_membership_outlives_its_nic},
      {"RFC 1112 6.1: what is sent comes back to members, if it is to",
       what_is_sent_comes_back_to_members_if_it_is_to},
      {"RFC 1112 6.1: hops are their own option", hops_are_their_own_option},
      {"the NIC for groups can be chosen", the_nic_for_groups_can_be_chosen},
      {"a socket bound to a group can send", a_socket_bound_to_a_group_can_send})
