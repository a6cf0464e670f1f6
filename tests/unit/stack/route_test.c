/* SPDX-License-Identifier: Apache-2.0 */
#include "testing.h"

#include "netlab.h"

static struct lab lab;

static void begin(void)
{
    lab_init(&lab);
    lab_add_nic(&lab, 1, 0, 1500);
    lab_add_nic(&lab, 2, 0, 1500);
}

static struct nst_route make(const char *prefix, uint8_t len, uint32_t nic, uint32_t metric)
{
    return (struct nst_route){
        .prefix = lab_addr(prefix), .prefix_len = len, .nic = nic, .metric = metric};
}

static int add(const char *prefix, uint8_t len, uint32_t nic, uint32_t metric)
{
    const struct nst_route r = make(prefix, len, nic, metric);
    return nst_route_add(lab.stack, &r);
}

static uint32_t nic_to(const char *addr)
{
    struct nst_route r;
    const struct nst_addr a = lab_addr(addr);
    return nst_route_lookup(lab.stack, &a, &r) == 0 ? r.nic : 0;
}

static void the_longest_prefix_wins_then_the_metric(void **state)
{
    begin();
    assert_int_equal(nic_to("10.1.2.3"), 0);
    assert_int_equal(add("0.0.0.0", 0, 1, 0), 0);
    assert_int_equal(add("10.0.0.0", 8, 2, 100), 0);
    assert_int_equal(add("10.0.0.0", 8, 1, 200), 0);
    assert_int_equal(add("10.1.2.3", 32, 1, 999), 0);
    assert_int_equal(nic_to("192.0.2.1"), 1);
    assert_int_equal(nic_to("10.9.9.9"), 2);
    assert_int_equal(nic_to("10.1.2.3"), 1);
    assert_int_equal(add("10.0.0.0", 8, 1, 50), 0);
    assert_int_equal(nic_to("10.9.9.9"), 1);
    lab_fini(&lab);
}

static void among_equals_the_first_added_wins(void **state)
{
    begin();
    assert_int_equal(add("10.0.0.0", 8, 2, 7), 0);
    assert_int_equal(add("10.0.0.0", 8, 1, 7), 0);
    assert_int_equal(nic_to("10.0.0.1"), 2);
    lab_fini(&lab);
}

static void a_disabled_nic_leaves_it_to_shorter_prefixes(void **state)
{
    begin();
    add("0.0.0.0", 0, 1, 0);
    add("10.0.0.0", 8, 2, 0);
    add("10.1.0.0", 16, 2, 0);
    nst_nic_disable(lab.stack, 2);
    assert_int_equal(nic_to("10.1.0.1"), 1);
    nst_nic_enable(lab.stack, 2);
    assert_int_equal(nic_to("10.1.0.1"), 2);
    nst_nic_disable(lab.stack, 2);
    nst_nic_disable(lab.stack, 1);
    const struct nst_addr a = lab_addr("10.1.0.1");
    assert_int_equal(nic_to("10.1.0.1"), 0);
    assert_true(route_is_down(lab.stack, &a, NULL));
    lab_fini(&lab);
}

static void errors_leave_nothing_behind(void **state)
{
    begin();
    const size_t before = lab.stack->pool->mem.used;
    assert_int_equal(add("10.0.0.0", 33, 1, 0), -NST_EINVAL);
    assert_int_equal(add("10.0.0.0", 8, 9, 0), -NST_ENOENT);
    struct nst_route r = make("10.0.0.0", 8, 1, 0);
    r.gateway = lab_addr("::1");
    assert_int_equal(nst_route_add(lab.stack, &r), -NST_EINVAL);
    r.gateway = lab_addr("224.0.0.1");
    assert_int_equal(nst_route_add(lab.stack, &r), -NST_EINVAL);
    r.gateway = lab_addr("255.255.255.255");
    assert_int_equal(nst_route_add(lab.stack, &r), -NST_EINVAL);
    r = make("10.0.0.0", 8, 1, 0);
    assert_int_equal(nst_route_remove(lab.stack, &r), -NST_ENOENT);
    assert_int_equal(add("10.0.0.0", 8, 1, 0), 0);
    assert_int_equal(add("10.255.1.2", 8, 1, 0), -NST_EEXIST); /* the same, once masked */
    assert_int_equal(nst_route_remove(lab.stack, &r), 0);
    assert_int_equal(lab.stack->pool->mem.used, before);
    assert_int_equal(lab.stack->routes.count, 0);
    lab_fini(&lab);
}

static void the_list_is_in_order_of_prefix(void **state)
{
    begin();
    add("192.0.2.0", 24, 1, 0);
    add("10.0.0.0", 8, 2, 5);
    add("10.0.0.0", 8, 1, 1);
    add("10.0.0.0", 16, 1, 0);
    add("0.0.0.0", 0, 1, 0);
    add("fd00::", 8, 1, 0);
    struct nst_route list[6];
    assert_int_equal(nst_route_list(lab.stack, list, 3), 6);
    assert_int_equal(nst_route_list(lab.stack, list, 6), 6);
    assert_int_equal(list[0].prefix_len, 0);
    assert_int_equal(list[1].metric, 1);
    assert_int_equal(list[2].metric, 5);
    assert_int_equal(list[3].prefix_len, 16);
    assert_int_equal(list[4].prefix_len, 24);
    assert_false(nst_addr_is_v4(&list[5].prefix));
    lab_fini(&lab);
}

static void a_removed_nic_takes_its_routes_along(void **state)
{
    begin();
    add("0.0.0.0", 0, 2, 0);
    add("10.0.0.0", 8, 2, 0);
    add("10.0.0.0", 8, 1, 9);
    assert_int_equal(nst_nic_remove(lab.stack, 2), 0);
    lab.nics[1].id = 0;
    assert_int_equal(nst_route_list(lab.stack, NULL, 0), 1);
    assert_int_equal(nic_to("10.0.0.1"), 1);
    assert_int_equal(nic_to("192.0.2.1"), 0);
    lab_fini(&lab);
}

static void every_change_makes_destinations_stale(void **state)
{
    begin();
    uint32_t g = lab.stack->routes.generation;
    add("10.0.0.0", 8, 1, 0);
    assert_int_not_equal(g, lab.stack->routes.generation);
    g = lab.stack->routes.generation;
    const struct nst_route r = make("10.0.0.0", 8, 1, 0);
    nst_route_remove(lab.stack, &r);
    assert_int_not_equal(g, lab.stack->routes.generation);
    lab.stack->routes.generation = UINT32_MAX;
    route_changed(lab.stack);
    assert_int_not_equal(lab.stack->routes.generation, 0);
    lab_fini(&lab);
}

TESTS({"the longest prefix wins, then the metric", the_longest_prefix_wins_then_the_metric},
      {"among equals the first added wins", among_equals_the_first_added_wins},
      {"a disabled NIC leaves it to shorter prefixes",
       a_disabled_nic_leaves_it_to_shorter_prefixes},
      {"errors leave nothing behind", errors_leave_nothing_behind},
      {"the list is in order of prefix", the_list_is_in_order_of_prefix},
      {"N9: a removed NIC takes its routes along", a_removed_nic_takes_its_routes_along},
      {"every change makes destinations stale", every_change_makes_destinations_stale})
