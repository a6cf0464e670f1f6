/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"
#include "wire/ipproto.h"

static void refuses_bad_configs(void **state)
{
    struct alloc a;
    alloc_init(&a);
    struct nst_stack *stack = NULL;
    const struct nst_stack_config good = {
        .size = sizeof(good), .allocator = a.allocator, .seed = {1}};
    struct nst_stack_config c = good;
    c.size = 8;
    assert_int_equal(nst_stack_new(&c, &stack), -NST_EINVAL);
    c = good;
    c.seed[0] = 0;
    assert_int_equal(nst_stack_new(&c, &stack), -NST_EINVAL);
    c = good;
    c.allocator.free = NULL;
    assert_int_equal(nst_stack_new(&c, &stack), -NST_EINVAL);
    assert_null(stack);
    assert_int_equal(a.count, 0);
    c = good;
    c.memory_limit = 1000;
    assert_int_equal(nst_stack_new(&c, &stack), -NST_ENOMEM);
    assert_int_equal(a.live, 0);
}

static void newer_callers(void **state)
{
    struct alloc a;
    alloc_init(&a);
    struct nst_stack *stack = NULL;
    struct {
        struct nst_stack_config c;
        uint8_t more[16];
    } newer = {.c = {.size = sizeof(newer), .allocator = a.allocator, .seed = {1}}};
    assert_int_equal(nst_stack_new(&newer.c, &stack), 0);
    nst_stack_free(stack);
    newer.more[3] = 1;
    assert_int_equal(nst_stack_new(&newer.c, &stack), -NST_EINVAL);
    assert_int_equal(a.live, 0);
}

/* S12: what a stack costs before its first packet. */
static void starts_small(void **state)
{
    struct world w;
    world_init_single(&w, NULL);
    struct nst_memory m;
    nst_stack_get_memory(w.hosts[0].stack, &m);
    assert_int_equal(m.used, w.hosts[0].alloc.live_bytes);
    assert_in_range(m.used, 1, 16 * 1024);
    assert_int_equal(m.limit, 64 << 20);
    world_fini(&w);
}

/* Whatever allocation of a stack, a NIC and an address fails: an error, and nothing is left. */
static void creation_may_fail(void **state)
{
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        struct alloc a;
        alloc_init(&a);
        a.fail_at = n;
        struct nst_stack *stack = NULL;
        struct memlink link;
        struct nst_mac mac = WORLD_MAC(1);
        uint32_t id;
        const struct nst_stack_config config = {
            .size = sizeof(config), .allocator = a.allocator, .seed = {1}};
        memlink_init(&link, &mac);
        int r = nst_stack_new(&config, &stack);
        if (r == 0) {
            const struct nst_nic_config nc = {.size = sizeof(nc), .link = &link.link};
            r = nst_nic_add(stack, &nc, &id);
            if (r < 0)
                assert_null(link.link.upper);
        }
        if (r == 0) {
            const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, 1), .prefix_len = 24};
            r = nst_nic_addr_add(stack, id, &addr);
        }
        assert_true(r == 0 || r == -NST_ENOMEM);
        done = r == 0 && a.count < n;
        nst_stack_free(stack);
        assert_int_equal(a.live, 0);
        assert_int_equal(a.live_bytes, 0);
        memlink_fini(&link);
        assert_true(n < 1000);
    }
}

static void start_is_undone(void **state)
{
    struct alloc a;
    alloc_init(&a);
    struct nst_stack *stack;
    const struct nst_stack_config config = {
        .size = sizeof(config), .allocator = a.allocator, .seed = {1}};
    memset(&calls, 0, sizeof(calls));
    assert_int_equal(stack_new(&config, &stack), 0);
    stack_add_net(stack, &probe_proto);
    calls.fail_init = -NST_ENOMEM;
    assert_int_equal(stack_start(stack), -NST_ENOMEM);
    assert_int_equal(calls.fini, 0);
    calls.fail_init = 0;
    assert_int_equal(stack_start(stack), 0);
    stack_free(stack);
    assert_int_equal(calls.fini, 1);
    assert_int_equal(a.live, 0);
}

static void clock_never_goes_back(void **state)
{
    struct probe b;
    probe_begin(&b);
    nst_stack_run(b.stack, WORLD_START + 10, 0);
    nst_stack_run(b.stack, WORLD_START + 5, 0);
    assert_int_equal(nst_stack_now(b.stack), WORLD_START + 10);
    probe_end(&b);
}

static int fired;

static void fire(struct timer *timer, nst_time now)
{
    fired++;
}

static void timers_fire(void **state)
{
    struct probe b;
    struct timer t;
    probe_begin(&b);
    timer_init(&t, fire);
    fired = 0;
    stack_arm(b.stack, &t, WORLD_START + 7);
    assert_int_equal(nst_stack_next_deadline(b.stack), WORLD_START + 7);
    assert_int_equal(nst_stack_run(b.stack, WORLD_START + 6, 0), 0);
    assert_int_equal(nst_stack_run(b.stack, WORLD_START + 7, 0), 1);
    assert_int_equal(fired, 1);
    assert_int_equal(nst_stack_next_deadline(b.stack), NST_TIME_NEVER);
    probe_end(&b);
}

static void inject(struct memlink *m, int count)
{
    for (int i = 0; i < count; i++)
        memlink_inject(m, "E0123456789012345678", 20);
}

static void limit_is_fair(void **state)
{
    struct probe b;
    struct memlink links[3];
    uint32_t ids[3];
    probe_stack(&b, false);
    for (int i = 0; i < 3; i++) {
        memlink_init(&links[i], NULL);
        assert_int_equal(probe_add(&b, &(struct nst_nic_config){.link = &links[i].link}), 0);
        ids[i] = b.id;
        inject(&links[i], 200);
    }
    /* 3 x 64 packets are a batch of each. */
    assert_int_equal(nst_stack_run(b.stack, WORLD_START, 192), 192);
    assert_int_equal(calls.input, 192);
    for (int i = 0; i < 3; i++) {
        b.id = ids[i];
        assert_int_equal(probe_counter(&b, "rx_packets"), 64);
    }
    assert_true(nst_stack_next_deadline(b.stack) <= WORLD_START);
    /* One packet a call: each NIC in turn. */
    for (int i = 0; i < 9; i++)
        assert_int_equal(nst_stack_run(b.stack, WORLD_START, 1), 1);
    for (int i = 0; i < 3; i++) {
        b.id = ids[i];
        assert_int_equal(probe_counter(&b, "rx_packets"), 67);
    }
    assert_int_equal(nst_stack_run(b.stack, WORLD_START, 0), 600 - 201);
    assert_int_equal(nst_stack_next_deadline(b.stack), NST_TIME_NEVER);
    probe_end(&b);
}

/* A packet that comes back for ever does not keep one call busy for ever. */
static struct nic *echo_nic;

static void echo_input(struct net_ep *ep, struct pkt *p)
{
    assert_int_equal(nic_loop(echo_nic, p, NST_ETHERTYPE_IPV4), 0);
}

static void endless_traffic_is_bounded(void **state)
{
    struct probe b;
    struct net_proto echo = probe_proto;
    probe_stack(&b, false);
    echo.input = echo_input;
    stack_add_net(b.stack, &echo);
    assert_int_equal(probe_add(&b, NULL), 0);
    echo_nic = probe_nic(&b);
    nic_loop(echo_nic, probe_packet(&b, 0, 20), NST_ETHERTYPE_IPV4);
    assert_true(nst_stack_run(b.stack, WORLD_START, 0) < 1000);
    assert_true(nst_stack_next_deadline(b.stack) <= WORLD_START);
    probe_end(&b);
}

static void counters_by_name(void **state)
{
    struct probe b;
    struct nst_counter c;
    uint64_t value;
    size_t n;
    probe_begin(&b);
    for (n = 0; nst_stack_counter_at(b.stack, n, &c); n++) {
        assert_true(strlen(c.text) > 5);
        assert_int_equal(nst_stack_counter_get(b.stack, c.name, &value), 0);
        assert_int_equal(value, c.value);
    }
    assert_int_equal(n, sizeof(struct stack_counters) / 8 + DROP_REASON_MAX);
    assert_int_equal(nst_stack_counter_get(b.stack, "nonsense", &value), -NST_ENOENT);
    pkt_drop(probe_packet(&b, 0, 1), DROP_NO_ROUTE);
    assert_int_equal(world_counter(b.stack, "drop_no_route"), 1);
    probe_end(&b);
}

static void idle_blocks_go_back(void **state)
{
    struct probe b;
    struct nst_memory before, after;
    probe_begin(&b);
    nst_stack_get_memory(b.stack, &before);
    block_unref(block_new(b.stack->pool, 60000));
    nst_stack_run(b.stack, WORLD_START, 0);
    nst_stack_get_memory(b.stack, &after);
    assert_true(after.used > before.used + 60000);
    for (int i = 0; i < 3 && nst_stack_next_deadline(b.stack) != NST_TIME_NEVER; i++)
        nst_stack_run(b.stack, nst_stack_next_deadline(b.stack), 0);
    nst_stack_get_memory(b.stack, &after);
    assert_true(after.used <= before.used + 1000);
    assert_int_equal(nst_stack_next_deadline(b.stack), NST_TIME_NEVER);
    assert_true(nst_stack_now(b.stack) <= WORLD_START + 3 * NST_SEC);
    probe_end(&b);
}

static char logged[300];

static void sink(void *context, const char *line)
{
    strncpy(logged, line, sizeof(logged) - 1);
    ++*(int *)context;
}

static void logs(void **state)
{
    struct alloc a;
    alloc_init(&a);
    struct nst_stack *stack;
    int lines = 0;
    const struct nst_stack_config config = {.size = sizeof(config),
                                            .allocator = a.allocator,
                                            .seed = {1},
                                            .log = sink,
                                            .log_context = &lines};
    assert_int_equal(stack_new(&config, &stack), 0);
    stack_log(stack, "%s %u", "nic2", 7u);
    assert_string_equal(logged, "nic2 7");
    assert_int_equal(lines, 1);
    stack_free(stack);
}

static void knows_no_transport(void **state)
{
    struct world w;
    uint8_t packet[64];
    const struct nst_addr src = nst_addr_v4(10, 0, 0, 2);
    world_init_single(&w, NULL);
    world_add_neighbour(&w);
    world_inject_ip(&w, packet, frame_ip4(packet, &src, &w.hosts[0].addr, 200, "data", 4));
    world_run(&w);
    size_t len;
    const uint8_t *sent = world_sent(&w, 0, &len);
    assert_non_null(sent);
    assert_int_equal(sent[9], IP_PROTO_ICMP);
    assert_int_equal(sent[20], 3);
    assert_int_equal(sent[21], 2);
    assert_true(frame_ip4_is_right(sent, len));
    assert_int_equal(world_counter(w.hosts[0].stack, "drop_trans_unknown"), 1);
    world_fini(&w);
}

static void same_seed_same_packets(void **state)
{
    struct memlink_frame first = {0};
    for (int round = 0; round < 2; round++) {
        struct world w;
        uint8_t packet[64];
        const struct nst_addr src = nst_addr_v4(10, 0, 0, 2);
        world_init_single(&w, NULL);
        world_add_neighbour(&w);
        world_inject_ip(&w, packet, frame_ip4(packet, &src, &w.hosts[0].addr, 200, "data", 4));
        world_run_for(&w, NST_SEC);
        assert_int_equal(w.memlink.count, 1);
        if (round == 0) {
            first = w.memlink.frames[0];
            w.memlink.count = 0;
        } else {
            assert_int_equal(w.memlink.frames[0].len, first.len);
            assert_memory_equal(w.memlink.frames[0].data, first.data, first.len);
        }
        world_fini(&w);
    }
    free(first.data);
}

TESTS({"a configuration that is wrong is refused before any memory is taken", refuses_bad_configs},
      {"a newer caller is understood as long as it asks for nothing newer", newer_callers},
      {"S12: a stack with NIC and address takes at most 16 KiB", starts_small},
      {"any allocation of stack, NIC and address may fail", creation_may_fail},
      {"what was started is undone when something cannot start", start_is_undone},
      {"the clock never goes back", clock_never_goes_back},
      {"timers fire when they are due, and say when", timers_fire},
      {"a work limit is kept, and starves no NIC", limit_is_fair},
      {"traffic that feeds itself does not hold the caller", endless_traffic_is_bounded},
      {"counters and drop reasons are found by name and by index", counters_by_name},
      {"free blocks go back when the stack is idle", idle_blocks_go_back},
      {"debug lines go to the sink", logs},
      {"nic/N101: an unknown transport is answered and counted", knows_no_transport},
      {"same seed, same calls, same packets", same_seed_same_packets})
