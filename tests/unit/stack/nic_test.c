/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

static void info(void **state)
{
    struct probe b;
    struct nst_nic_info i;
    int context;
    probe_stack(&b, false);
    assert_int_equal(probe_add(&b, &(struct nst_nic_config){.id = 7,
                                                            .name = "uplink",
                                                            .context = &context,
                                                            .promiscuous = true}),
                     0);
    assert_int_equal(nst_nic_get_info(b.stack, 7, &i), 0);
    assert_string_equal(i.name, "uplink");
    assert_ptr_equal(i.context, &context);
    assert_int_equal(i.mtu, 1500);
    assert_memory_equal(&i.addr, &b.link.link.addr, 6);
    assert_true(i.enabled && i.promiscuous && !i.spoofing);
    assert_int_equal(nst_nic_get_info(b.stack, 8, &i), -NST_ENOENT);
    assert_int_equal(nst_nic_set_promiscuous(b.stack, 7, false), 0);
    assert_int_equal(nst_nic_set_spoofing(b.stack, 7, true), 0);
    assert_int_equal(nst_nic_set_spoofing(b.stack, 8, true), -NST_ENOENT);
    assert_int_equal(nst_nic_get_info(b.stack, 7, &i), 0);
    assert_true(!i.promiscuous && i.spoofing);
    probe_end(&b);
}

static void ids(void **state)
{
    struct probe b;
    struct memlink links[3];
    static const uint32_t asked[] = {0, 9, 0};
    static const uint32_t given[] = {1, 9, 2};
    probe_stack(&b, false);
    for (int i = 0; i < 3; i++) {
        memlink_init(&links[i], NULL);
        assert_int_equal(
            probe_add(&b, &(struct nst_nic_config){.id = asked[i], .link = &links[i].link}), 0);
        assert_int_equal(b.id, given[i]);
    }
    assert_int_equal(nst_nic_next(b.stack, 0), 1);
    assert_int_equal(nst_nic_next(b.stack, 1), 2);
    assert_int_equal(nst_nic_next(b.stack, 2), 9);
    assert_int_equal(nst_nic_next(b.stack, 9), 0);
    probe_end(&b);
    for (int i = 0; i < 3; i++)
        assert_int_equal(links[i].detached, 1);
}

static void duplicates(void **state)
{
    struct probe b;
    struct memlink other;
    probe_begin(&b);
    memlink_init(&other, NULL);
    uint64_t live = b.alloc.live, bytes = b.alloc.live_bytes;
    assert_int_equal(probe_add(&b, &(struct nst_nic_config){.id = 1, .link = &other.link}),
                     -NST_EEXIST);
    assert_int_equal(probe_add(&b, &(struct nst_nic_config){.name = "nic1", .link = &other.link}),
                     -NST_EEXIST);
    assert_int_equal(probe_add(&b, &(struct nst_nic_config){.name = "", .link = &other.link}),
                     -NST_EINVAL);
    assert_int_equal(
        probe_add(&b, &(struct nst_nic_config){.name = "sixteen letters!", .link = &other.link}),
        -NST_EINVAL);
    assert_int_equal(b.alloc.live, live);
    assert_int_equal(b.alloc.live_bytes, bytes);
    assert_int_equal(other.attached, 0);
    assert_null(other.link.upper);
    probe_end(&b);
}

static struct nst_nic_info seen_at_attach;
static struct probe *attaching;

static void look_at_nic(struct nst_link *link)
{
    assert_int_equal(nst_nic_get_info(attaching->stack, 1, &seen_at_attach), 0);
    memlink_inject((struct memlink *)link, "\2\0\0\0\0\1\2\0\0\0\0\2\10\0E", 15);
}

static void attach_is_last(void **state)
{
    struct probe b;
    probe_stack(&b, false);
    struct nst_link_ops ops = *b.link.link.ops;
    ops.attach = look_at_nic;
    b.link.link.ops = &ops;
    attaching = &b;
    assert_int_equal(probe_add(&b, NULL), 0);
    assert_true(seen_at_attach.enabled);
    assert_int_equal(calls.input, 0);
    nst_stack_run(b.stack, WORLD_START, 0);
    assert_int_equal(calls.input, 1);
    probe_end(&b);
}

static void asked_not_to_enable(void **state)
{
    struct probe b;
    probe_stack(&b, false);
    assert_int_equal(probe_add(&b, &(struct nst_nic_config){.disabled = true}), 0);
    assert_int_equal(calls.enabled, 0);
    assert_int_equal(calls.ep_init, 1);
    probe_end(&b);
}

static void bad_links(void **state)
{
    struct probe b;
    probe_stack(&b, false);
    static const struct nst_mac bad[] = {
        {{0}}, {{1, 2, 3, 4, 5, 6}}, {{255, 255, 255, 255, 255, 255}}};
    for (int i = 0; i < 3; i++) {
        b.link.link.addr = bad[i];
        assert_int_equal(probe_add(&b, NULL), -NST_EINVAL);
    }
    b.link.link.addr = WORLD_MAC(1);
    struct nst_link_ops ops = *b.link.link.ops;
    const struct nst_link_ops *right = b.link.link.ops;
    ops.transmit = NULL;
    b.link.link.ops = &ops;
    assert_int_equal(probe_add(&b, NULL), -NST_EINVAL);
    b.link.link.ops = right;
    assert_int_equal(probe_add(&b, NULL), 0);
    /* It has a NIC already. */
    assert_int_equal(probe_add(&b, NULL), -NST_EINVAL);
    probe_end(&b);
}

static void small_mtu(void **state)
{
    struct probe b;
    probe_stack(&b, false);
    b.link.link.mtu = 67;
    assert_int_equal(probe_add(&b, NULL), 0);
    assert_int_equal(calls.ep_init, 0);
    assert_null(nic_ep(probe_nic(&b), NET_IPV4));
    probe_inject(&b, WORLD_MAC(1), NST_ETHERTYPE_IPV4, 20);
    assert_int_equal(probe_counter(&b, "rx_unknown_protocol"), 1);
    probe_end(&b);
}

static void idempotent(void **state)
{
    struct probe b;
    probe_begin(&b);
    assert_int_equal(nst_nic_enable(b.stack, b.id), 0);
    assert_int_equal(calls.enabled, 1);
    assert_int_equal(nst_nic_disable(b.stack, b.id), 0);
    assert_int_equal(nst_nic_disable(b.stack, b.id), 0);
    assert_int_equal(calls.disabled, 1);
    /* N7: the flag clears last */
    assert_true(calls.nic_enabled);
    assert_int_equal(nst_nic_enable(b.stack, 99), -NST_ENOENT);
    assert_int_equal(nst_nic_disable(b.stack, 99), -NST_ENOENT);
    probe_end(&b);
}

static void rollback(void **state)
{
    struct probe b;
    struct nst_nic_info i;
    probe_stack(&b, false);
    assert_int_equal(probe_add(&b, &(struct nst_nic_config){.disabled = true}), 0);
    calls.fail_enable = -NST_ENOMEM;
    assert_int_equal(nst_nic_enable(b.stack, b.id), -NST_ENOMEM);
    assert_int_equal(nst_nic_get_info(b.stack, b.id, &i), 0);
    assert_false(i.enabled);
    assert_int_equal(calls.disabled, 0);
    calls.fail_enable = 0;
    assert_int_equal(nst_nic_enable(b.stack, b.id), 0);
    assert_int_equal(calls.enabled, 1);
    probe_end(&b);
}

static void failed_add(void **state)
{
    struct probe b;
    probe_stack(&b, false);
    uint64_t live = b.alloc.live, bytes = b.alloc.live_bytes;
    calls.fail_enable = -NST_ENOMEM;
    assert_int_equal(probe_add(&b, NULL), -NST_ENOMEM);
    calls.fail_enable = 0;
    calls.fail_ep_init = -NST_ENOMEM;
    assert_int_equal(probe_add(&b, NULL), -NST_ENOMEM);
    assert_int_equal(calls.ep_init, calls.ep_fini);
    assert_int_equal(b.link.attached, 0);
    assert_null(b.link.link.upper);
    assert_int_equal(nst_nic_next(b.stack, 0), 0);
    assert_int_equal(b.alloc.live, live);
    assert_int_equal(b.alloc.live_bytes, bytes);
    probe_end(&b);
}

static void down_and_up(void **state)
{
    struct probe b;
    struct nst_mac to = WORLD_MAC(2);
    probe_begin(&b);
    struct nic *nic = probe_nic(&b);
    assert_int_equal(nic_output(nic, probe_packet(&b, 20, 50), 0x800, &to), 0);
    nst_nic_disable(b.stack, b.id);
    assert_int_equal(probe_drops(&b, DROP_TX_NIC_DOWN), 1);
    assert_int_equal(nic_output(nic, probe_packet(&b, 20, 50), 0x800, &to), -NST_ENETDOWN);
    assert_int_equal(nic_loop(nic, probe_packet(&b, 20, 50), 0x800), -NST_ENETDOWN);
    nst_stack_run(b.stack, WORLD_START, 0);
    assert_int_equal(b.link.count, 0);
    nst_nic_enable(b.stack, b.id);
    assert_int_equal(nic_output(nic, probe_packet(&b, 20, 50), 0x800, &to), 0);
    nst_stack_run(b.stack, WORLD_START, 0);
    assert_int_equal(b.link.count, 1);
    assert_int_equal(probe_counter(&b, "tx_packets"), 1);
    assert_int_equal(probe_counter(&b, "tx_bytes"), 50);
    probe_end(&b);
}

static void removed(void **state)
{
    struct probe b;
    struct nst_mac to = WORLD_MAC(2);
    struct nst_route route;
    probe_begin(&b);
    uint32_t id = b.id;
    const struct nst_route to_net = {
        .prefix = nst_addr_v4(10, 9, 0, 0), .prefix_len = 16, .nic = id};
    assert_int_equal(nst_route_add(b.stack, &to_net), 0);
    nic_output(probe_nic(&b), probe_packet(&b, 20, 50), 0x800, &to);
    nic_loop(probe_nic(&b), probe_packet(&b, 20, 50), 0x800);
    memlink_inject(&b.link, "0123456789abcdefgh", 18);
    assert_int_equal(nst_nic_remove(b.stack, id), 0);
    assert_int_equal(nst_nic_remove(b.stack, id), -NST_ENOENT);
    world_check_census(b.stack, true);
    assert_int_equal(b.link.detached, 1);
    assert_null(b.link.link.upper);
    assert_int_equal(calls.ep_fini, 1);
    const struct nst_addr dst = nst_addr_v4(10, 9, 1, 1);
    assert_int_equal(nst_route_lookup(b.stack, &dst, &route), -NST_ENETUNREACH);
    assert_int_equal(nst_nic_next(b.stack, 0), 0);
    nst_stack_run(b.stack, WORLD_START, 0);
    assert_int_equal(b.link.count, 0);
    assert_int_equal(calls.input, 0);
    probe_end(&b);
}

TESTS({"nic/N1: has an id, a name, a context and modes", info},
      {"nic/N1: takes the id it was given or the next free one, and is listed in order", ids},
      {"nic/N2: a duplicate id or name is refused and leaves nothing", duplicates},
      {"nic/N3: attaching is last, and a link that delivers at once finds a whole NIC",
       attach_is_last},
      {"nic/N3: is not enabled when asked not to", asked_not_to_enable},
      {"nic/N4: a link without a unicast address, or not whole, is refused", bad_links},
      {"nic/N4: a protocol that does not fit the MTU is left out", small_mtu},
      {"nic/N5: enable and disable are idempotent", idempotent},
      {"nic/N5: a failed enable leaves it disabled", rollback},
      {"nic/N5: a NIC that cannot be enabled is not added", failed_add},
      {"nic/N8: writes fail while it is down and work again after", down_and_up},
      {"nic/N9: after removing nothing passes and nothing is left", removed})
