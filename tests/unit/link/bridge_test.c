/* SPDX-License-Identifier: Apache-2.0 */
/* A bridge with three ports, each one end of a pipe whose other end the test plays. */
#include <nicstack/bridge.h>

#include "frames.h"
#include "top.h"

#define PORTS 3
#define OWN   ((struct nst_mac){{2, 0, 0, 0, 0, 0xaa}})

struct rig {
    struct alloc alloc;
    struct nst_link *pipes[PORTS][2]; /* [0]: the port */
    struct nst_bridge *bridge;
    struct top own, ends[PORTS];
    nst_time now;
};

static const struct nst_mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static struct nst_mac station(unsigned n)
{
    return (struct nst_mac){{2, 0, 0, 0, 1, (uint8_t)n}};
}

static void rig_init(struct rig *r, const struct nst_pipe_config *pipe,
                     const struct nst_bridge_config *bridge)
{
    struct nst_bridge_config config = bridge != NULL ? *bridge : (struct nst_bridge_config){0};
    *r = (struct rig){.now = 1000 * NST_SEC};
    alloc_init(&r->alloc);
    config.size = sizeof(config);
    config.addr = OWN;
    assert_int_equal(nst_bridge_new(&r->alloc.allocator, &config, &r->bridge), 0);
    top_init(&r->own, 16 << 20);
    for (unsigned i = 0; i < PORTS; i++) {
        struct nst_pipe_config p = pipe != NULL ? *pipe : (struct nst_pipe_config){0};
        p.size = sizeof(p);
        p.ethernet = true;
        assert_int_equal(nst_pipe_new(&r->alloc.allocator, &p, r->pipes[i]), 0);
        top_init(&r->ends[i], 16 << 20);
        top_attach(&r->ends[i], r->pipes[i][1]);
        assert_int_equal(nst_bridge_add_port(r->bridge, r->pipes[i][0]), 0);
    }
    top_attach(&r->own, nst_bridge_link(r->bridge));
}

static void rig_fini(struct rig *r)
{
    top_detach(&r->own);
    nst_bridge_free(r->bridge);
    for (unsigned i = 0; i < PORTS; i++) {
        top_detach(&r->ends[i]);
        nst_pipe_free(r->pipes[i]);
    }
    assert_int_equal(r->alloc.live, 0);
    for (unsigned i = 0; i < PORTS; i++)
        top_fini(&r->ends[i]);
    top_fini(&r->own);
}

static struct nst_pkt *frame(struct top *t, struct nst_mac dst, struct nst_mac src, uint32_t len)
{
    static uint8_t payload[65536];
    uint8_t header[14 + 4];
    struct nst_pkt *p = nst_pkt_new(t->pool, TOP_HEADROOM, 14 + len);
    assert_non_null(p);
    frame_eth(header, src, dst, 0x88b5, payload, 0);
    memcpy(nst_pkt_put(p, 14), header, 14);
    memcpy(nst_pkt_put(p, len), payload, len);
    return p;
}

static void run(struct rig *r)
{
    for (int n = 0; n < 3; n++) {
        top_run(&r->own, r->now);
        for (unsigned i = 0; i < PORTS; i++)
            top_run(&r->ends[i], r->now);
    }
}

/* A station behind end i (PORTS: the own link) sends one frame. */
static void say(struct rig *r, unsigned i, struct nst_mac dst, struct nst_mac src)
{
    struct top *t = i < PORTS ? &r->ends[i] : &r->own;
    nst_pktq_push(&t->txq, frame(t, dst, src, 46));
    top_flush(t);
    run(r);
}

/* How many frames each end got, as digits: 0, 1, 2, own. Forgets them. */
static unsigned heard(struct rig *r)
{
    unsigned digits = 0;
    for (unsigned i = 0; i <= PORTS; i++) {
        struct top *t = i < PORTS ? &r->ends[i] : &r->own;
        digits = digits * 10 + t->got.count;
        top_forget(&t->got);
    }
    return digits;
}

static uint64_t counter(const struct rig *r, const char *name)
{
    struct nst_counter c;
    for (size_t n = 0; nst_bridge_counter_at(r->bridge, n, &c); n++)
        if (strcmp(c.name, name) == 0)
            return c.value;
    fail_msg("no counter %s", name);
    return 0;
}

static void floods_what_it_does_not_know(void **state)
{
    struct rig r;
    rig_init(&r, NULL, NULL);
    say(&r, 0, station(2), station(1));
    assert_int_equal(heard(&r), 110);
    say(&r, 1, everybody, station(2));
    assert_int_equal(heard(&r), 1011);
    say(&r, 0, station(2), station(1));
    assert_int_equal(heard(&r), 100);
    assert_int_equal(counter(&r, "bridge_learned"), 2);
    assert_int_equal(counter(&r, "bridge_forwarded"), 1);
    assert_int_equal(counter(&r, "bridge_flooded"), 2);
    rig_fini(&r);
}

static void its_own_link_is_one_more_end(void **state)
{
    struct rig r;
    rig_init(&r, NULL, NULL);
    say(&r, 2, OWN, station(3));
    assert_int_equal(heard(&r), 1);
    say(&r, PORTS, station(3), OWN);
    assert_int_equal(heard(&r), 10);
    say(&r, PORTS, everybody, OWN);
    assert_int_equal(heard(&r), 1110);
    say(&r, PORTS, station(9), OWN);
    assert_int_equal(heard(&r), 1110);
    rig_fini(&r);
}

static void a_station_that_moves_is_found(void **state)
{
    struct rig r;
    rig_init(&r, NULL, NULL);
    say(&r, 0, everybody, station(1));
    heard(&r);
    say(&r, 2, everybody, station(1));
    heard(&r);
    say(&r, 1, station(1), station(2));
    assert_int_equal(heard(&r), 10);
    assert_int_equal(counter(&r, "bridge_moved"), 1);
    rig_fini(&r);
}

static void a_silent_station_is_forgotten(void **state)
{
    struct rig r;
    rig_init(&r, NULL, &(struct nst_bridge_config){.ageing = 20 * NST_SEC});
    say(&r, 0, everybody, station(1));
    heard(&r);
    r.now += 20 * NST_SEC;
    run(&r);
    say(&r, 1, station(1), station(2));
    assert_int_equal(heard(&r), 1000);
    r.now += NST_SEC;
    run(&r);
    say(&r, 1, station(1), station(2));
    assert_int_equal(heard(&r), 1010);
    assert_int_equal(nst_bridge_table_list(r.bridge, NULL, 0), 1);
    rig_fini(&r);
}

static void isolated_ports_do_not_meet(void **state)
{
    struct rig r;
    rig_init(&r, NULL, NULL);
    assert_int_equal(nst_bridge_set_isolated(r.bridge, r.pipes[0][0], true), 0);
    assert_int_equal(nst_bridge_set_isolated(r.bridge, r.pipes[1][0], true), 0);
    say(&r, 0, everybody, station(1));
    assert_int_equal(heard(&r), 11);
    say(&r, 1, station(1), station(2));
    assert_int_equal(heard(&r), 0);
    assert_int_equal(counter(&r, "bridge_drop_isolated"), 1);
    say(&r, 2, station(1), station(3));
    assert_int_equal(heard(&r), 1000);
    say(&r, 1, OWN, station(2));
    assert_int_equal(heard(&r), 1);
    rig_fini(&r);
}

static void frames_that_none_should_send_are_dropped(void **state)
{
    struct rig r;
    rig_init(&r, NULL, NULL);
    say(&r, 0, everybody, everybody);
    say(&r, 0, everybody, (struct nst_mac){{0}});
    say(&r, 0, everybody, OWN);
    say(&r, 0, (struct nst_mac){{0x01, 0x80, 0xc2, 0, 0, 0}}, station(1));
    say(&r, 0, station(1), station(2));
    assert_int_equal(heard(&r), 0);
    assert_int_equal(counter(&r, "bridge_drop_bad_source"), 2);
    assert_int_equal(counter(&r, "bridge_drop_own_source"), 1);
    assert_int_equal(counter(&r, "bridge_drop_reserved"), 1);
    assert_int_equal(counter(&r, "bridge_drop_same_port"), 1);
    rig_fini(&r);
}

/* Every length that is no frame, as the whole of an allocation. */
static void cut_frames_are_dropped(void **state)
{
    struct rig r;
    rig_init(&r, NULL, NULL);
    struct nst_pktq q = {0};
    for (uint32_t len = 1; len < 14; len++) {
        struct nst_pkt *p = nst_pkt_new(r.own.pool, 0, len);
        memset(nst_pkt_put(p, len), 2, len);
        nst_pktq_push(&q, p);
    }
    nst_link_deliver(r.pipes[0][0], &q);
    run(&r);
    assert_int_equal(counter(&r, "bridge_drop_malformed"), 13);
    assert_int_equal(heard(&r), 0);
    rig_fini(&r);
}

static void a_port_that_is_full_drops_alone(void **state)
{
    struct rig r;
    struct nst_bridge_port ports[PORTS];
    rig_init(&r, &(struct nst_pipe_config){.limit = 4},
             &(struct nst_bridge_config){.queue_packets = 8});
    say(&r, 1, everybody, station(2));
    say(&r, 2, everybody, station(3));
    heard(&r);
    /* End 1 does not run: its pipe takes 4, the queue 8. */
    for (int i = 0; i < 20; i++) {
        struct nst_pktq q = {0};
        nst_pktq_push(&q, frame(&r.own, station(2), station(1), 46));
        nst_link_deliver(r.pipes[0][0], &q);
        nst_pktq_push(&q, frame(&r.own, station(3), station(1), 46));
        nst_link_deliver(r.pipes[0][0], &q);
        top_run(&r.ends[2], r.now);
    }
    assert_int_equal(r.ends[2].got.count, 20);
    assert_int_equal(counter(&r, "bridge_drop_port_full"), 8);
    assert_int_equal(nst_bridge_port_list(r.bridge, ports, PORTS), PORTS);
    assert_int_equal(ports[1].tx_dropped, 8);
    run(&r);
    run(&r);
    assert_int_equal(heard(&r), 12 * 100 + 20 * 10);
    rig_fini(&r);
}

/* Its NIC is pushed back, and loses nothing. */
static void its_own_link_waits_for_a_full_port(void **state)
{
    struct rig r;
    rig_init(&r, &(struct nst_pipe_config){.limit = 4},
             &(struct nst_bridge_config){.queue_packets = 8});
    say(&r, 1, everybody, station(2));
    heard(&r);
    for (int i = 0; i < 40; i++)
        nst_pktq_push(&r.own.txq, frame(&r.own, station(2), OWN, 46));
    top_flush(&r.own);
    assert_true(r.own.link->tx_blocked);
    /* While it is written out, there is room; after that the pipe and half of the queue are full.
     */
    assert_int_equal(r.own.txq.count, 40 - 4 - 4);
    for (int i = 0; i < 40 && r.own.txq.count + r.own.got.count < 100; i++) {
        run(&r);
        top_flush(&r.own);
    }
    run(&r);
    assert_true(nst_pktq_is_empty(&r.own.txq));
    assert_false(r.own.link->tx_blocked);
    assert_true(r.own.writable > 0);
    assert_int_equal(r.ends[1].got.count, 40);
    assert_int_equal(counter(&r, "bridge_drop_port_full"), 0);
    rig_fini(&r);
}

/* A TCP segment of 3,000 bytes with a checksum to complete, for a port that does neither. */
static void large_segments_are_cut_where_the_port_cannot(void **state)
{
    static const uint8_t payload[3000] = {1, 2, 3};
    static uint8_t packet[4000];
    const struct nst_endpoint a = frame_endpoint(10, 0, 0, 1, 1),
                              b = frame_endpoint(10, 0, 0, 2, 2);
    const struct tcp_hdr tcp = {.seq = 7, .flags = TCP_ACK, .wnd = 100};
    const struct nst_iovec data = {(void *)payload, sizeof(payload)};
    struct rig r;
    rig_init(&r, NULL, NULL);
    say(&r, 1, everybody, station(2));
    heard(&r);
    const size_t len = frame_tcp4(packet, &a, &b, &tcp, NULL, &data);
    struct nst_pkt *large = nst_pkt_new(r.own.pool, TOP_HEADROOM, sizeof(packet));
    frame_eth(nst_pkt_put(large, 14 + (uint32_t)len), OWN, station(2), NST_ETHERTYPE_IPV4, packet,
              len);
    large->gso = NST_GSO_TCP4;
    large->gso_size = 1400;
    nst_pkt_request_csum(large, 14 + 20, 16);
    nst_pktq_push(&r.own.txq, large);
    top_flush(&r.own);
    run(&r);
    assert_int_equal(r.ends[1].got.count, 3);
    for (const struct nst_pkt *piece = r.ends[1].got.first; piece != NULL; piece = piece->next) {
        const uint32_t n = nst_pkt_copy_out(piece, 0, packet, sizeof(packet));
        assert_memory_equal(packet + 6, OWN.b, 6);
        assert_true(frame_ip4_is_right(packet + 14, n - 14));
        assert_int_not_equal(piece->csum, NST_CSUM_PARTIAL);
    }
    heard(&r);
    rig_fini(&r);
}

static void frames_longer_than_the_port_are_dropped(void **state)
{
    struct rig r;
    rig_init(&r, NULL, NULL);
    nst_pktq_push(&r.ends[0].txq, frame(&r.ends[0], everybody, station(1), 1501));
    top_flush(&r.ends[0]);
    run(&r);
    assert_int_equal(heard(&r), 1);
    assert_int_equal(counter(&r, "bridge_drop_too_big"), 2);
    rig_fini(&r);
}

static void ports_come_and_go(void **state)
{
    struct rig r;
    rig_init(&r, NULL, NULL);
    say(&r, 0, everybody, station(1));
    heard(&r);
    assert_int_equal(nst_bridge_remove_port(r.bridge, r.pipes[0][0]), 0);
    assert_int_equal(nst_bridge_remove_port(r.bridge, r.pipes[0][0]), -NST_ENOENT);
    assert_null(r.pipes[0][0]->upper);
    say(&r, 1, station(1), station(2));
    assert_int_equal(heard(&r), 10); /* it is not known any more */
    assert_int_equal(nst_bridge_add_port(r.bridge, r.pipes[0][0]), 0);
    assert_int_equal(nst_bridge_add_port(r.bridge, r.pipes[0][0]), -NST_EINVAL);
    say(&r, 1, everybody, station(2));
    assert_int_equal(heard(&r), 1011);
    rig_fini(&r);
}

static void memory_that_is_refused_leaves_nothing(void **state)
{
    struct alloc alloc;
    struct nst_bridge *bridge;
    const struct nst_bridge_config config = {.size = sizeof(config), .addr = OWN};
    alloc_init(&alloc);
    for (unsigned n = 1; n <= 3; n++) {
        alloc.fail_at = alloc.count + n;
        assert_int_equal(nst_bridge_new(&alloc.allocator, &config, &bridge), -NST_ENOMEM);
        assert_int_equal(alloc.live, 0);
    }
    struct nst_bridge_config wrong = config;
    wrong.addr = everybody;
    assert_int_equal(nst_bridge_new(&alloc.allocator, &wrong, &bridge), -NST_EINVAL);
    nst_bridge_free(NULL);
}

TESTS({"frames to unknown stations are flooded, to known ones not", floods_what_it_does_not_know},
      {"its own link is one more end", its_own_link_is_one_more_end},
      {"a station that moves is found at its new port", a_station_that_moves_is_found},
      {"a station that is silent for the ageing time is forgotten", a_silent_station_is_forgotten},
      {"isolated ports do not meet", isolated_ports_do_not_meet},
      {"frames that none should send are dropped and counted",
       frames_that_none_should_send_are_dropped},
      {"frames that are cut short are dropped", cut_frames_are_dropped},
      {"a port that is full drops, the others do not", a_port_that_is_full_drops_alone},
      {"its own link waits for a port that is full", its_own_link_waits_for_a_full_port},
      {"large segments are cut where a port cannot", large_segments_are_cut_where_the_port_cannot},
      {"frames longer than a port takes are dropped", frames_longer_than_the_port_are_dropped},
      {"ports come and go", ports_come_and_go},
      {"memory that is refused leaves nothing behind", memory_that_is_refused_leaves_nothing})
