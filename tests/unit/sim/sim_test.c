/* SPDX-License-Identifier: Apache-2.0 */
/* Whole worlds: what flows deliver, that two runs are the same, that everything is given back, and
 * that what must not happen is noticed when it does. */
#include "testing.h"

#include "alloc.h"
#include "sim/sim.h"
#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/tcp.h"

struct rig {
    struct alloc alloc;
    struct nst_sim_topology *t;
    struct nst_sim *sim;
    uint64_t frames, fingerprint;
};

static void begin(struct rig *r, const char *text)
{
    struct nst_sim_error error;
    *r = (struct rig){.fingerprint = 0xcbf29ce484222325u};
    alloc_init(&r->alloc);
    assert_int_equal(nst_sim_topology_new(&r->alloc.allocator, &r->t), 0);
    assert_int_equal(nst_sim_topology_read(r->t, text, strlen(text), &error), 0);
    if (nst_sim_new(&r->alloc.allocator, r->t, &error, &r->sim) != 0)
        fail_msg("%s", error.text);
}

static void end(struct rig *r)
{
    nst_sim_free(r->sim);
    nst_sim_topology_free(r->t);
    assert_int_equal(r->alloc.live, 0);
    assert_int_equal(r->alloc.live_bytes, 0);
}

static struct nst_sim_flow_result flow_of(struct rig *r, uint32_t flow)
{
    struct nst_sim_flow_result result;
    assert_true(nst_sim_get_flow(r->sim, flow, &result));
    return result;
}

static void settle(struct rig *r)
{
    if (!nst_sim_settle(r->sim, 600 * NST_SEC))
        fail_msg("%s", nst_sim_get_fault(r->sim, 0));
}

static void see(void *context, uint32_t link, const struct nst_pkt *p, bool outgoing)
{
    struct rig *r = context;
    uint8_t bytes[2048];
    const uint32_t n = nst_pkt_copy_out(p, 0, bytes, sizeof(bytes));
    const nst_time now = nst_sim_now(r->sim);
    r->frames++;
    for (uint32_t i = 0; i < n; i++)
        r->fingerprint = (r->fingerprint ^ bytes[i]) * 0x100000001b3u;
    r->fingerprint = (r->fingerprint ^ (uint64_t)now ^ link ^ outgoing) * 0x100000001b3u;
}

static const char dumbbell[] =
    "seed 3\n"
    "host a b c server\n"
    "switch left right\n"
    "link a -- left rate 100mbit delay 1ms\n"
    "link b -- left rate 100mbit delay 1ms\n"
    "link c -- left rate 100mbit delay 1ms\n"
    "link left -- right rate 10mbit delay 10ms loss 0.5% duplicate 0.5% reorder 1% limit 60\n"
    "link right -- server rate 100mbit delay 1ms\n"
    "bulk a -> server bytes 2m\n"
    "bulk b <- server bytes 1m ipv6\n"
    "request c -> server count 20 request 300 response 5000 think 10ms\n"
    "udp a -> server rate 400kbit size 500 count 200\n";

static void every_kind_of_flow_comes_to_its_end(void **state)
{
    struct rig r;
    begin(&r, dumbbell);
    nst_sim_run(r.sim, 60 * NST_SEC);
    assert_int_equal(nst_sim_now(r.sim), 60 * NST_SEC);
    settle(&r);
    assert_true(flow_of(&r, 0).is_done);
    assert_int_equal(flow_of(&r, 0).received, 2 << 20);
    assert_int_equal(flow_of(&r, 1).received, 1 << 20);
    assert_int_equal(flow_of(&r, 2).messages, 20);
    assert_int_equal(flow_of(&r, 2).received, 20 * 5300);
    assert_true(flow_of(&r, 2).delay_min >= 24 * NST_MSEC);
    const struct nst_sim_flow_result udp = flow_of(&r, 3);
    assert_int_equal(udp.messages_sent, 200);
    assert_in_range(udp.messages, 190, 210);
    assert_true(udp.delay_min >= 12 * NST_MSEC);
    end(&r);
}

static void a_duration_is_told_where_none_was_given_too(void **state)
{
    struct rig r;
    begin(&r, dumbbell);
    assert_int_equal(nst_sim_duration(r.sim), 10 * NST_SEC);
    end(&r);
    begin(&r, "duration 3s\nhost a b\nlink a -- b\n");
    assert_int_equal(nst_sim_duration(r.sim), 3 * NST_SEC);
    end(&r);
}

static uint64_t fingerprint_of(const char *text, uint64_t *ret_frames)
{
    struct rig r;
    begin(&r, text);
    for (uint32_t i = 0; i < r.t->link_count; i++)
        assert_true(nst_sim_watch(r.sim, i, see, &r));
    nst_sim_run(r.sim, 5 * NST_SEC);
    const uint64_t fingerprint = r.fingerprint;
    *ret_frames = r.frames;
    end(&r);
    return fingerprint;
}

static void the_same_seed_gives_the_same_frames(void **state)
{
    uint64_t first, second, third;
    char other[sizeof(dumbbell)];
    memcpy(other, dumbbell, sizeof(dumbbell));
    other[5] = '4';
    assert_true(fingerprint_of(dumbbell, &first) == fingerprint_of(dumbbell, &second));
    assert_int_equal(first, second);
    assert_true(first > 4000);
    assert_false(fingerprint_of(dumbbell, &first) == fingerprint_of(other, &third));
}

static void a_rate_and_a_delay_are_what_a_flow_gets(void **state)
{
    struct rig r;
    begin(&r, "host a b\nlink a -- b rate 10mbit delay 20ms limit 100\nbulk a -> b\n");
    nst_sim_run(r.sim, 10 * NST_SEC);
    const struct nst_sim_flow_result f = flow_of(&r, 0);
    struct nst_impair_stats s;
    assert_true(nst_sim_get_link(r.sim, 0, 0, &s));
    /* 1,448 of 1,514 bytes are payload. */
    assert_in_range(f.received * 8, 80000000, 95642000);
    assert_true(f.tcp.srtt >= 40 * NST_MSEC);
    assert_true(s.waiting_max <= 100);
    settle(&r);
    end(&r);
}

static void a_switch_sends_what_it_knows_to_one_port(void **state)
{
    struct rig r;
    struct nst_impair_stats to_c, to_b;
    begin(&r, "host a b c\nswitch s\nlink a -- s delay 1ms\nlink b -- s delay 1ms\n"
              "link c -- s delay 1ms\nbulk a -> b bytes 100k\n");
    nst_sim_run(r.sim, 5 * NST_SEC);
    settle(&r);
    nst_sim_get_link(r.sim, 1, 1, &to_b);
    nst_sim_get_link(r.sim, 2, 1, &to_c);
    assert_true(to_b.packets > 70);
    assert_in_range(to_c.packets, 1, 9); /* ARP: who asks, and who announces himself */
    end(&r);
}

static void a_host_with_two_links_uses_the_right_one(void **state)
{
    struct rig r;
    begin(&r, "host a b c\nlink a -- b\nlink c -- b delay 1ms\nbulk a -> b bytes 1k\n"
              "bulk c -> b bytes 1k\n");
    nst_sim_run(r.sim, NST_SEC);
    settle(&r);
    assert_true(flow_of(&r, 0).is_done && flow_of(&r, 1).is_done);
    end(&r);
}

/* In one instant they could talk for ever. */
static void time_moves_on_without_rate_and_delay(void **state)
{
    struct rig r;
    begin(&r, "host a b\nlink a -- b reorder 100%\nbulk a -> b\nrequest a -> b\n");
    nst_sim_run(r.sim, NST_MSEC);
    assert_in_range(flow_of(&r, 0).received, 1, 12500000); /* 100 Gbit/s */
    assert_true(flow_of(&r, 1).messages > 0);
    end(&r);
}

static void flows_start_pause_and_stop_in_time(void **state)
{
    struct rig r;
    begin(&r, "host a b\nlink a -- b rate 1mbit\nbulk a -> b start 1s stop 5s\n"
              "udp a -> b rate 80kbit size 100 on 100ms off 300ms\n");
    nst_sim_run(r.sim, 999 * NST_MSEC);
    assert_false(flow_of(&r, 0).is_started);
    nst_sim_run(r.sim, 8 * NST_SEC);
    assert_int_equal(flow_of(&r, 0).started, NST_SEC);
    assert_true(flow_of(&r, 0).is_done);
    /* 10 of 40 in each 400 ms; the phases begin with one more. */
    assert_in_range(flow_of(&r, 1).messages_sent, 190, 230);
    settle(&r);
    end(&r);
}

static void a_slow_reader_shuts_the_window(void **state)
{
    struct rig r;
    begin(&r, "host a b rcvbuf 16k\nlink a -- b delay 10ms\nbulk a -> b reader 80kbit\n");
    nst_sim_run(r.sim, 20 * NST_SEC);
    assert_in_range(flow_of(&r, 0).received, 195000, 202000); /* 10,000 bytes a second */
    settle(&r);
    end(&r);
}

/* ---- What must not happen is noticed ---- */

static bool has_fault(const struct nst_sim *sim, const char *words)
{
    const char *fault;
    for (size_t n = 0; (fault = nst_sim_get_fault(sim, n)) != NULL; n++)
        if (strstr(fault, words) != NULL)
            return true;
    return false;
}

static void a_wrong_byte_is_noticed(void **state)
{
    struct rig r;
    begin(&r, "host a b\nlink a -- b delay 10ms\nbulk a -> b bytes 100k\n");
    nst_sim_run(r.sim, 35 * NST_MSEC); /* the first bytes are on their way */
    r.sim->pattern[500] ^= 1;
    nst_sim_run(r.sim, NST_SEC);
    assert_true(has_fault(r.sim, "not what was sent"));
    end(&r);
}

static void a_wrong_datagram_is_noticed(void **state)
{
    struct rig r;
    begin(&r, "host a b\nlink a -- b delay 10ms\nudp a -> b count 1\n");
    nst_sim_run(r.sim, 5 * NST_MSEC); /* it is on its way, or waits for a link address */
    r.sim->pattern[100] ^= 1;
    nst_sim_run(r.sim, NST_SEC);
    assert_true(has_fault(r.sim, "never sent"));
    end(&r);
}

static void a_byte_too_many_or_too_few_is_noticed(void **state)
{
    for (int wrong = -7; wrong <= 7; wrong += 14) {
        struct rig r;
        begin(&r, "host a b\nlink a -- b delay 10ms\nbulk a -> b bytes 100k\n");
        nst_sim_run(r.sim, 25 * NST_MSEC);
        r.sim->flows[0].ends[0].sent += wrong; /* its own account is wrong */
        nst_sim_run(r.sim, 10 * NST_SEC);
        assert_false(nst_sim_settle(r.sim, 60 * NST_SEC));
        end(&r);
    }
}

static void a_stall_is_noticed_and_explained_by_loss(void **state)
{
    struct rig r;
    begin(&r, "host a b\nlink a -- b delay 10ms loss 100%\nbulk a -> b bytes 1k\n");
    nst_sim_run(r.sim, 3 * NST_SEC);
    assert_null(nst_sim_get_fault(r.sim, 0));
    end(&r);
    /* Nothing is lost, yet nobody answers. */
    begin(&r, "host a b\nlink a -- b delay 10ms\nbulk a -> b bytes 1m\n");
    nst_sim_run(r.sim, 50 * NST_MSEC);
    sim_events_arm(&r.sim->events, &r.sim->hosts[1].actor, NST_TIME_NEVER);
    r.sim->hosts[1].actor.act = NULL;
    struct sim_flow *f = &r.sim->flows[0];
    assert_true(f->ends[1].since != NST_TIME_NEVER);
    r.sim->events.now += 10 * NST_SEC;
    sim_flow_progress(&f->ends[1], true, false);
    assert_true(has_fault(r.sim, "stalled for"));
    assert_int_equal(f->result.stalls, 1);
    end(&r);
}

/* A segment of flow 0, from its client, as its host would send it. */
static void send_beyond_the_window(struct rig *r, int32_t beyond, uint8_t note)
{
    struct sim_flow *f = &r->sim->flows[0];
    uint8_t frame[ETH_HDR_LEN + IP4_HDR_LEN + TCP_HDR_LEN] = {0};
    const struct ip4_hdr ip4 = {.hdr_len = IP4_HDR_LEN,
                                .total_len = IP4_HDR_LEN + TCP_HDR_LEN + 100,
                                .proto = IP_PROTO_TCP,
                                .ttl = 64};
    const struct tcp_hdr tcp = {.src_port = 40000,
                                .dst_port = SIM_PORT_FIRST,
                                .seq = f->ends[0].observed.edge - 100 + (uint32_t)beyond,
                                .flags = TCP_ACK,
                                .hdr_len = TCP_HDR_LEN};
    ip4_build(frame + ETH_HDR_LEN, &ip4);
    tcp_build(frame + ETH_HDR_LEN + IP4_HDR_LEN, &tcp);
    struct nst_pkt *p = nst_pkt_new(r->sim->carrier_link.pool, 0, 200);
    memcpy(nst_pkt_put(p, sizeof(frame)), frame, sizeof(frame));
    memset(nst_pkt_put(p, 100), 0, 100);
    p->note = note;
    sim_observe(r->sim, p, r->sim->hosts[0].ports[0], true);
    nst_pkt_free(p);
}

static void data_beyond_the_window_is_noticed(void **state)
{
    struct rig r;
    begin(&r, "host a b\nlink a -- b delay 10ms\nbulk a -> b bytes 100k\n");
    nst_sim_run(r.sim, 5 * NST_SEC);
    assert_true(r.sim->flows[0].ends[0].observed.has_edge);
    send_beyond_the_window(&r, 0, NST_NOTE_NONE);
    send_beyond_the_window(&r, 1, NST_NOTE_WINDOW_PROBE);
    assert_null(nst_sim_get_fault(r.sim, 0));
    send_beyond_the_window(&r, 1, NST_NOTE_NONE);
    assert_true(has_fault(r.sim, "1 bytes beyond"));
    end(&r);
}

static void memory_that_stays_is_noticed(void **state)
{
    struct rig r;
    static uint8_t payload[100];
    nst_socket s;
    const struct nst_endpoint local = {.port = 9};
    begin(&r, "host a b\nlink a -- b\nbulk a -> b bytes 1k\n");
    struct nst_stack *b = nst_sim_get_stack(r.sim, 1), *a = nst_sim_get_stack(r.sim, 0);
    assert_int_equal(nst_socket_open(b, NST_DATAGRAM, &s), 0);
    assert_int_equal(nst_socket_bind(b, s, &local), 0);
    assert_int_equal(nst_socket_open(a, NST_DATAGRAM, &s), 0);
    const struct nst_endpoint to = {.addr = r.sim->flows[0].server.addr, .port = 9};
    assert_int_equal(nst_socket_sendto(a, s, payload, sizeof(payload), 0, &to), sizeof(payload));
    nst_sim_kick(r.sim, 0);
    nst_sim_run(r.sim, NST_SEC);
    assert_false(nst_sim_settle(r.sim, 60 * NST_SEC));
    assert_true(has_fault(r.sim, "b keeps 1 packets"));
    end(&r);
}

static void every_failing_allocation_is_survived(void **state)
{
    struct nst_sim_topology *t;
    struct nst_sim_error error;
    struct nst_sim *sim = NULL;
    struct alloc alloc, texts;
    alloc_init(&texts);
    alloc_init(&alloc);
    assert_int_equal(nst_sim_topology_new(&texts.allocator, &t), 0);
    assert_int_equal(nst_sim_topology_read(t, dumbbell, strlen(dumbbell), &error), 0);
    int result = -NST_ENOMEM;
    for (int64_t n = 0; result != 0; n++) {
        alloc_fail_after(&alloc, n);
        result = nst_sim_new(&alloc.allocator, t, &error, &sim);
        assert_true(result == 0 || result == -NST_ENOMEM);
        if (result != 0)
            assert_int_equal(alloc.live, 0);
        assert_true(n < 10000);
    }
    nst_sim_free(sim);
    assert_int_equal(alloc.live, 0);
    nst_sim_topology_free(t);
}

TESTS({"a duration is told where none was given too", a_duration_is_told_where_none_was_given_too},
      {"every kind of flow comes to its end", every_kind_of_flow_comes_to_its_end},
      {"the same seed gives the same frames, another one others",
       the_same_seed_gives_the_same_frames},
      {"a rate and a delay are what a flow gets", a_rate_and_a_delay_are_what_a_flow_gets},
      {"a switch sends what it knows to one port", a_switch_sends_what_it_knows_to_one_port},
      {"a host with two links uses the right one", a_host_with_two_links_uses_the_right_one},
      {"time moves on without rate and delay", time_moves_on_without_rate_and_delay},
      {"flows start, pause and stop in time", flows_start_pause_and_stop_in_time},
      {"a slow reader shuts the window, and gets all", a_slow_reader_shuts_the_window},
      {"a wrong byte is noticed", a_wrong_byte_is_noticed},
      {"a wrong datagram is noticed", a_wrong_datagram_is_noticed},
      {"a byte too many or too few is noticed", a_byte_too_many_or_too_few_is_noticed},
      {"a stall is noticed, unless loss explains it", a_stall_is_noticed_and_explained_by_loss},
      {"data beyond the window is noticed", data_beyond_the_window_is_noticed},
      {"memory that stays is noticed", memory_that_stays_is_noticed},
      {"every failing allocation of its making is survived", every_failing_allocation_is_survived})
