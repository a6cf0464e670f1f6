/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"
#include "wire/ipproto.h"

#include "stack/gso.h"
#include "wire/csum.h"

#define THEM WORLD_MAC(2)

static int send(struct probe *b, struct pkt *p)
{
    struct nst_mac to = THEM;
    return nic_output(probe_nic(b), p, NST_ETHERTYPE_IPV4, &to);
}

static void run(struct probe *b)
{
    nst_stack_run(b->stack, WORLD_START, 0);
    world_check_census(b->stack, false);
}

static void leaves_in_the_epilogue(void **state)
{
    struct probe b;
    probe_begin(&b);
    for (int i = 0; i < 5; i++)
        assert_int_equal(send(&b, probe_packet(&b, 14, 50)), 0);
    assert_int_equal(b.link.count, 0);
    assert_true(nst_stack_next_deadline(b.stack) <= WORLD_START);
    run(&b);
    assert_int_equal(b.link.count, 5);
    assert_int_equal(b.link.batches, 1);
    world_check_census(b.stack, true);
    probe_end(&b);
}

static void link_header(void **state)
{
    struct probe b;
    probe_begin(&b);
    /* No head-room at all, inline and in a block: it is made. */
    assert_int_equal(send(&b, probe_packet(&b, 0, 50)), 0);
    assert_int_equal(send(&b, probe_packet(&b, 0, 500)), 0);
    run(&b);
    const struct nst_mac us = WORLD_MAC(1), them = THEM;
    for (int i = 0; i < 2; i++) {
        const struct memlink_frame *f = &b.link.frames[i];
        assert_int_equal(f->len, i == 0 ? 64 : 514);
        assert_memory_equal(f->data, &them, 6);
        assert_memory_equal(f->data + 6, &us, 6);
        assert_int_equal(be16_get(f->data + 12), NST_ETHERTYPE_IPV4);
        assert_int_equal(f->data[14], 0x45);
        assert_int_equal(f->data[f->len - 1], 0x45);
    }
    probe_end(&b);
}

static void counts_what_was_taken(void **state)
{
    struct probe b;
    probe_begin(&b);
    b.link.room = 2;
    for (uint32_t i = 1; i <= 5; i++)
        assert_int_equal(send(&b, probe_packet(&b, 14, i * 100)), 0);
    run(&b);
    assert_int_equal(b.link.count, 2);
    assert_int_equal(probe_counter(&b, "tx_packets"), 2);
    assert_int_equal(probe_counter(&b, "tx_bytes"), 100 + 200);
    assert_int_equal(probe_counter(&b, "tx_segments"), 2);
    assert_int_equal(probe_counter(&b, "tx_blocked"), 1);
    struct nst_nic_info info;
    nst_nic_get_info(b.stack, b.id, &info);
    assert_true(info.tx_blocked);
    /* A blocked link is not called. */
    uint32_t batches = b.link.batches;
    assert_int_equal(send(&b, probe_packet(&b, 14, 600)), 0);
    run(&b);
    assert_int_equal(b.link.batches, batches);
    /* It is tried again when it says so. */
    memlink_set_room(&b.link, UINT32_MAX);
    assert_true(nst_stack_next_deadline(b.stack) <= WORLD_START);
    run(&b);
    assert_int_equal(b.link.count, 6);
    assert_int_equal(probe_counter(&b, "tx_packets"), 6);
    assert_int_equal(probe_counter(&b, "tx_bytes"), 2100);
    for (uint32_t i = 0; i < 6; i++)
        assert_int_equal(b.link.frames[i].len, 14 + (i + 1) * 100);
    world_check_census(b.stack, true);
    probe_end(&b);
}

static void only_overflow_drops(void **state)
{
    struct probe b;
    probe_stack(&b, false);
    assert_int_equal(probe_add(&b, &(struct nst_nic_config){.tx_queue_packets = 8}), 0);
    b.link.room = 0;
    for (int i = 0; i < 8; i++) {
        assert_int_equal(send(&b, probe_packet(&b, 14, 50)), 0);
        run(&b);
    }
    assert_int_equal(probe_counter(&b, "tx_dropped_no_buffer"), 0);
    assert_int_equal(send(&b, probe_packet(&b, 14, 50)), -NST_ENOBUFS);
    assert_int_equal(probe_counter(&b, "tx_dropped_no_buffer"), 1);
    assert_int_equal(probe_drops(&b, DROP_TX_NO_BUFFER), 1);
    assert_int_equal(probe_counter(&b, "tx_packets"), 0);
    probe_end(&b);
}

static void bytes_bound_too(void **state)
{
    struct probe b;
    probe_stack(&b, false);
    assert_int_equal(probe_add(&b, &(struct nst_nic_config){.tx_queue_bytes = 1000}), 0);
    assert_int_equal(send(&b, probe_packet(&b, 14, 600)), 0);
    assert_int_equal(send(&b, probe_packet(&b, 14, 600)), -NST_ENOBUFS);
    probe_end(&b);
}

struct waiter {
    struct todo todo;
    int woken;
};

static void wake(struct todo *todo)
{
    container_of(todo, struct waiter, todo)->woken++;
}

static void waiters(void **state)
{
    struct probe b;
    struct waiter w = {.woken = 0};
    probe_stack(&b, false);
    assert_int_equal(probe_add(&b, &(struct nst_nic_config){.tx_queue_packets = 8}), 0);
    todo_init(&w.todo, wake);
    b.link.room = 0;
    for (int i = 0; i < 5; i++)
        send(&b, probe_packet(&b, 14, 50));
    assert_true(nic_is_blocked(probe_nic(&b)));
    nic_wait_writable(probe_nic(&b), &w.todo);
    nic_wait_writable(probe_nic(&b), &w.todo);
    run(&b);
    assert_int_equal(w.woken, 0);
    memlink_set_room(&b.link, 1); /* 4 of 8 are left: still blocked */
    run(&b);
    assert_int_equal(w.woken, 0);
    memlink_set_room(&b.link, 1);
    run(&b);
    assert_int_equal(w.woken, 1);
    /* Who waits when the NIC goes down is woken too. */
    nic_wait_writable(probe_nic(&b), &w.todo);
    nst_nic_disable(b.stack, b.id);
    run(&b);
    assert_int_equal(w.woken, 2);
    probe_end(&b);
}

/* A TCP/IPv4 packet of `len` bytes of payload that asks for its checksum, and cutting if `size`. */
static struct pkt *tcp_packet(struct probe *b, uint32_t len, uint16_t size)
{
    static uint8_t frame[FRAME_MAX], payload[FRAME_MAX];
    struct nst_endpoint src = {.addr = nst_addr_v4(10, 0, 0, 1), .port = 80};
    struct nst_endpoint dst = {.addr = nst_addr_v4(10, 0, 0, 2), .port = 81};
    const struct tcp_hdr hdr = {.flags = TCP_ACK, .seq = 1};
    size_t n = frame_tcp4(frame, &src, &dst, &hdr, NULL, &(struct nst_iovec){payload, len});
    uint16_t pseudo =
        csum_fold_raw(csum_pseudo(&src.addr, &dst.addr, IP_PROTO_TCP, (uint32_t)n - 20));
    memcpy(frame + 36, &pseudo, 2);
    struct pkt *p = pkt_build(b->stack->pool, 14, (uint32_t)n);
    memcpy(nst_pkt_put(pkt_pub(p), (uint32_t)n), frame, n);
    nst_pkt_request_csum(pkt_pub(p), 20, TCP_CSUM_OFFSET);
    if (size != 0) {
        p->gso = NST_GSO_TCP4;
        p->gso_size = size;
    }
    return p;
}

static void sums_what_the_link_cannot(void **state)
{
    for (int offload = 0; offload < 2; offload++) {
        struct probe b;
        probe_stack(&b, false);
        b.link.link.caps |= offload ? NST_LINK_CSUM_TX : 0;
        assert_int_equal(probe_add(&b, NULL), 0);
        assert_int_equal(send(&b, tcp_packet(&b, 99, 0)), 0);
        run(&b);
        const struct memlink_frame *f = &b.link.frames[0];
        assert_int_equal(f->csum, offload ? NST_CSUM_PARTIAL : NST_CSUM_UNKNOWN);
        assert_int_equal(frame_ip4_is_right(f->data + 14, f->len - 14), !offload);
        if (offload)
            assert_int_equal(f->csum_start, 34);
        probe_end(&b);
    }
}

static void cuts_what_the_link_cannot(void **state)
{
    static const struct {
        uint32_t caps, gso_max, frames;
    } links[] = {
        {0, 0, 21},
        {NST_LINK_CSUM_TX, 0, 21},
        {NST_LINK_TSO4 | NST_LINK_CSUM_TX, 65535, 1},
        {NST_LINK_TSO4 | NST_LINK_CSUM_TX, 20000, 21},
        {NST_LINK_TSO6 | NST_LINK_CSUM_TX, 65535, 21},
    };
    for (int i = 0; i < 5; i++) {
        struct probe b;
        probe_stack(&b, false);
        b.link.link.caps |= links[i].caps;
        b.link.link.gso_max = links[i].gso_max;
        assert_int_equal(probe_add(&b, NULL), 0);
        assert_int_equal(send(&b, tcp_packet(&b, 30000, 1460)), 0);
        run(&b);
        assert_int_equal(b.link.count, links[i].frames);
        assert_int_equal(probe_counter(&b, "tx_segments"), 21);
        assert_int_equal(probe_counter(&b, "tx_packets"), links[i].frames);
        assert_int_equal(probe_counter(&b, "tx_bytes"), 30000 + 40 * links[i].frames);
        for (uint32_t k = 0; k < b.link.count; k++) {
            const struct memlink_frame *f = &b.link.frames[k];
            assert_int_equal(f->gso, links[i].frames == 1 ? NST_GSO_TCP4 : NST_GSO_NONE);
            if ((links[i].caps & NST_LINK_CSUM_TX) == 0)
                assert_true(frame_ip4_is_right(f->data + 14, f->len - 14));
        }
        world_check_census(b.stack, true);
        probe_end(&b);
    }
}

/* Whatever allocation fails on the way out, nothing leaks and the census balances. */
static void every_allocation_may_fail(void **state)
{
    for (uint64_t n = 1; n < 30; n++) {
        struct probe b;
        probe_begin(&b);
        struct pkt *p = tcp_packet(&b, 30000, 1460);
        b.alloc.fail_at = b.alloc.count + n;
        int r = send(&b, p);
        assert_true(r == 0 || r == -NST_ENOBUFS);
        run(&b);
        assert_int_equal(b.link.count, r == 0 ? 21 : 0);
        world_check_census(b.stack, true);
        probe_end(&b);
    }
}

static void resolves_first(void **state)
{
    struct world w;
    uint8_t frame[100];
    world_init_single(&w, NULL);
    struct nic *nic = nic_by_id(w.hosts[0].stack, w.hosts[0].nic);
    const struct nst_addr them = nst_addr_v4(10, 0, 0, 2);
    struct neigh *neigh = neigh_get(&nic_ep(nic, NET_IPV4)->neighs, &them);
    assert_non_null(neigh);
    for (int i = 0; i < 3; i++) {
        struct pkt *p = pkt_build(w.hosts[0].stack->pool, 14, 50);
        memset(nst_pkt_put(pkt_pub(p), 50), i, 50);
        assert_int_equal(nic_output_neigh(nic, p, NST_ETHERTYPE_IPV4, neigh), 0);
    }
    world_run(&w);
    uint32_t asked = w.memlink.count;
    assert_int_equal(world_nic_counter(&w.hosts[0], "tx_packets"), asked);
    for (uint32_t i = 0; i < asked; i++)
        assert_int_equal(be16_get(w.memlink.frames[i].data + 12), NST_ETHERTYPE_ARP);
    const struct arp_hdr reply = {.op = ARP_OP_REPLY,
                                  .sha = {{2, 0, 0, 0, 0, 2}},
                                  .tha = {{2, 0, 0, 0, 0, 1}},
                                  .spa4 = addr_raw4(10, 0, 0, 2),
                                  .tpa4 = addr_raw4(10, 0, 0, 1)};
    memlink_inject(&w.memlink, frame, frame_arp(frame, &reply));
    world_run(&w);
    assert_int_equal(w.memlink.count, asked + 3);
    const struct nst_mac mac = THEM;
    for (uint32_t i = 0; i < 3; i++) {
        assert_memory_equal(w.memlink.frames[asked + i].data, &mac, 6);
        assert_int_equal(w.memlink.frames[asked + i].data[14], i);
    }
    neigh_put(neigh);
    world_fini(&w);
}

TESTS({"nic: what is written leaves in the epilogue as one batch", leaves_in_the_epilogue},
      {"nic/N40, N47: waits for the address, then leaves in order", resolves_first},
      {"nic/N43: the source link address is filled in, and head-room is made", link_header},
      {"nic/N44: counts what the link took, and tries again when it is writable",
       counts_what_was_taken},
      {"nic/N44: only overflow of the queue is dropped", only_overflow_drops},
      {"nic/N44: the queue is bounded in bytes too", bytes_bound_too},
      {"nic: who waits for room is woken once there is", waiters},
      {"nic/N45: sums what the link does not", sums_what_the_link_cannot},
      {"nic/N45: cuts what the link does not", cuts_what_the_link_cannot},
      {"nic: every allocation on the way out may fail", every_allocation_may_fail})
