/* SPDX-License-Identifier: Apache-2.0 */
/* Small stacks are recorded in memory, and replayed; what is changed in a recording is found. */
#include "testing.h"

#include <nicstack/event.h>
#include <nicstack/forwarder.h>
#include <nicstack/record.h>

#include "record/format.h"
#include "recording.h"
#include "tcp_pair.h"
#include "world.h"

static struct world_config recorded(void)
{
    return (struct world_config){.record = true};
}

/* ---- Worlds, which world_fini replays ---- */

static void replays_tcp(void **state)
{
    struct tcp_pair p;
    struct world_config c = recorded();
    struct tcp_flow a = {.from = 0, .total = 300000, .shut = true};
    struct tcp_flow b = {.from = 1, .total = 70000, .shut = true, .chunk = 999};
    tcp_pair_init(&p, &c);
    tcp_pair_connect(&p);
    assert_true(tcp_pair_transfer(&p, &a, &b, 600 * NST_SEC));
    tcp_pair_fini(&p);
}

static void replays_tcp_over_a_bad_line(void **state)
{
    struct tcp_pair p;
    const struct nst_impair_direction bad = {.delay = 20 * NST_MSEC,
                                             .jitter = 5 * NST_MSEC,
                                             .loss_ppm = 30000,
                                             .duplicate_ppm = 10000,
                                             .corrupt_ppm = 10000};
    struct world_config c = recorded();
    struct tcp_flow a = {.from = 0, .total = 200000, .shut = true};
    c.impair[0] = c.impair[1] = bad;
    tcp_pair_init(&p, &c);
    tcp_pair_connect(&p);
    assert_true(tcp_pair_transfer(&p, &a, NULL, 600 * NST_SEC));
    tcp_pair_fini(&p);
}

static void replays_segments_and_checksums_left_to_the_link(void **state)
{
    struct tcp_pair p;
    struct world_config c = recorded();
    struct tcp_flow a = {.from = 0, .total = 2000000, .shut = true};
    c.bare_ip = true;
    c.caps = NST_LINK_CSUM_TX | NST_LINK_TSO4;
    tcp_pair_init(&p, &c);
    tcp_pair_connect(&p);
    assert_true(tcp_pair_transfer(&p, &a, NULL, 600 * NST_SEC));
    tcp_pair_fini(&p);
}

static void replays_a_link_that_is_full(void **state)
{
    struct tcp_pair p;
    struct world_config c = recorded();
    struct tcp_flow a = {.from = 0, .total = 400000, .shut = true};
    c.limit = 3;
    tcp_pair_init(&p, &c);
    tcp_pair_connect(&p);
    assert_true(tcp_pair_transfer(&p, &a, NULL, 600 * NST_SEC));
    tcp_pair_fini(&p);
}

/* The budget is so small that memory decides what is sent. */
static void replays_a_stack_short_of_memory(void **state)
{
    struct tcp_pair p;
    struct world_config c = recorded();
    struct tcp_flow a = {.from = 0, .total = 1500000, .shut = true};
    struct tcp_flow b = {.from = 1, .total = 1500000, .shut = true};
    c.stack.memory_limit = 400000;
    tcp_pair_init(&p, &c);
    tcp_pair_connect(&p);
    assert_true(tcp_pair_transfer(&p, &a, &b, 600 * NST_SEC));
    tcp_pair_fini(&p);
}

static nst_socket open_udp(struct world *w, int i, uint16_t port)
{
    nst_socket s;
    const struct nst_endpoint local = {.port = port};
    assert_int_equal(nst_socket_open(w->hosts[i].stack, NST_DATAGRAM, &s), 0);
    assert_int_equal(nst_socket_bind(w->hosts[i].stack, s, &local), 0);
    return s;
}

static void replays_udp_and_neighbours(void **state)
{
    struct world w;
    char data[100] = "";
    struct nst_message m;
    const struct world_config c = recorded();
    const struct nst_addr addr = nst_addr_v4(10, 0, 0, 77);
    world_init_pair(&w, &c);
    const nst_socket s0 = open_udp(&w, 0, 0), s1 = open_udp(&w, 1, 7);
    const struct nst_endpoint to = world_endpoint(1, 7), nobody = world_endpoint(8, 7);
    assert_int_equal(nst_socket_sendto(w.hosts[0].stack, s0, "hello", 5, 0, &to), 5);
    assert_int_equal(nst_socket_sendto(w.hosts[0].stack, s0, "hello", 5, 0, &nobody), 5);
    assert_int_equal(nst_socket_sendto(w.hosts[0].stack, s0, NULL, 5, 0, &to), -NST_EFAULT);
    assert_int_equal(nst_neigh_add(w.hosts[0].stack, w.hosts[0].nic, &addr, WORLD_MAC(9)), 0);
    world_run_for(&w, 10 * NST_SEC);
    assert_int_equal(nst_socket_recvfrom(w.hosts[1].stack, s1, data, sizeof(data), 0, &m), 5);
    char pieces[] = "abcde";
    const struct nst_iovec iov[] = {{pieces, 2}, {pieces, 0}, {pieces + 2, 3}};
    assert_int_equal(nst_socket_connect(w.hosts[0].stack, s0, &to), 0);
    assert_int_equal(nst_socket_sendv(w.hosts[0].stack, s0, iov, 3, 0), 5);
    assert_int_equal(nst_neigh_remove(w.hosts[0].stack, w.hosts[0].nic, &addr), 0);
    world_run_for(&w, 100 * NST_SEC);
    assert_int_equal(nst_socket_recv(w.hosts[1].stack, s1, data, sizeof(data), 0), 5);
    assert_memory_equal(data, "abcde", 5);
    world_fini(&w);
}

static void replays_nics_that_come_and_go(void **state)
{
    struct world w;
    uint32_t id = 0;
    const struct world_config c = recorded();
    world_init_single(&w, &c);
    struct nst_stack *stack = w.hosts[0].stack;
    struct nst_link *loopback = nst_loopback_new(&w.link_alloc.allocator);
    struct nst_nic_config config = {.size = sizeof(config), .name = "lo", .link = loopback};
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(127, 0, 0, 1), .prefix_len = 8};
    assert_int_equal(nst_nic_add(stack, &config, &id), 0);
    assert_int_equal(nst_nic_add(stack, &config, NULL), -NST_EINVAL); /* the link is taken */
    assert_int_equal(nst_nic_addr_add(stack, id, &addr), 0);
    const nst_socket s = open_udp(&w, 0, 9);
    const struct nst_endpoint to = {.addr = nst_addr_v4(127, 1, 2, 3), .port = 9};
    assert_true(nst_socket_sendto(stack, s, "x", 1, 0, &to) <= 1);
    world_run_for(&w, NST_SEC);
    assert_int_equal(nst_nic_disable(stack, id), 0);
    world_run_for(&w, NST_SEC);
    assert_int_equal(nst_nic_enable(stack, id), 0);
    assert_int_equal(nst_nic_remove(stack, id), 0);
    assert_int_equal(nst_nic_remove(stack, id), -NST_ENOENT);
    config.name = NULL;
    assert_int_equal(nst_nic_add(stack, &config, &id), 0);
    world_run_for(&w, NST_SEC);
    nst_stack_free(stack);
    recording_check(&w.hosts[0].recording);
    recording_fini(&w.hosts[0].recording);
    w.hosts[0].stack = NULL;
    nst_loopback_free(loopback);
    world_fini(&w);
}

static void release(void *context, uint8_t *memory)
{
    *(bool *)context = true;
}

static void replays_memory_that_is_lent(void **state)
{
    struct tcp_pair p;
    static uint8_t lent[5000];
    struct nst_iovec piece[2];
    bool is_released = false;
    struct world_config c = recorded();
    tcp_pair_init(&p, &c);
    tcp_pair_connect(&p);
    struct nst_stack *a = p.w.hosts[0].stack, *b = p.w.hosts[1].stack;
    assert_int_equal(nst_socket_send_reserve(a, p.s[0], piece, 2), 1);
    memcpy(piece[0].base, "reserved", 8);
    assert_int_equal(nst_socket_send_commit(a, p.s[0], 8), 0);
    memset(lent, 'l', sizeof(lent));
    assert_int_equal(nst_socket_send_lend(a, p.s[0], lent, sizeof(lent), release, &is_released), 0);
    assert_int_equal(nst_socket_send_lend(a, p.s[0] + 1, lent, 1, release, &is_released),
                     -NST_EBADHANDLE);
    world_run_for(&p.w, NST_SEC);
    assert_true(nst_socket_recv_lend(b, p.s[1], piece, 2) > 0);
    assert_memory_equal(piece[0].base, "reserved", 8);
    assert_int_equal(nst_socket_recv_consume(b, p.s[1], 5008), 0);
    assert_int_equal(nst_socket_close(a, p.s[0]), 0);
    world_run_for(&p.w, 100 * NST_SEC);
    assert_true(is_released);
    tcp_pair_fini(&p);
}

/* ---- What is found ---- */

/* A recorded transfer, of host 0. */
static void record_transfer(struct recording *ret)
{
    struct tcp_pair p;
    struct world_config c = recorded();
    struct tcp_flow a = {.from = 0, .total = 20000, .shut = true};
    tcp_pair_init(&p, &c);
    tcp_pair_connect(&p);
    assert_true(tcp_pair_transfer(&p, &a, NULL, 60 * NST_SEC));
    nst_stack_free(p.w.hosts[0].stack);
    p.w.hosts[0].stack = NULL;
    *ret = p.w.hosts[0].recording;
    p.w.hosts[0].recording = (struct recording){0};
    world_fini(&p.w);
    recording_check(ret);
}

/* The last byte of the n-th record of a kind is another. */
static struct nst_replay_status replay_flipped(struct recording *r, unsigned kind, unsigned n)
{
    size_t at = recording_find(r, kind, n);
    assert_true(at > 0);
    at += record_len(r->data + at, r->len - at) - 1;
    r->data[at] ^= 0x20;
    const struct nst_replay_status status = recording_replay(r, r->len);
    r->data[at] ^= 0x20;
    return status;
}

static void finds_a_sent_byte_that_differs(void **state)
{
    struct recording r;
    record_transfer(&r);
    const size_t at = recording_find(&r, RECORD_QUEUED, 6);
    const struct nst_replay_status status = replay_flipped(&r, RECORD_QUEUED, 6);
    assert_int_equal(status.state, NST_REPLAY_DIFFERS);
    assert_int_equal(status.offset, at);
    recording_fini(&r);
}

static void finds_that_an_input_was_changed(void **state)
{
    struct recording r;
    record_transfer(&r);
    /* A byte of an acknowledgment: its checksum fails then, so it is as if it had not come. */
    struct nst_replay_status status = replay_flipped(&r, RECORD_DELIVERED, 2);
    assert_int_equal(status.state, NST_REPLAY_DIFFERS);
    recording_fini(&r);
}

static void finds_another_seed(void **state)
{
    struct recording r;
    record_transfer(&r);
    r.data[recording_find(&r, RECORD_START, 0) + RECORD_HEAD + 8] ^= 1;
    assert_int_equal(recording_replay(&r, r.len).state, NST_REPLAY_DIFFERS);
    recording_fini(&r);
}

static void replays_as_far_as_it_goes(void **state)
{
    struct recording r;
    record_transfer(&r);
    for (size_t len = 0; len < r.len; len += len < 2000 ? 1 : 97) {
        const struct nst_replay_status status = recording_replay(&r, len);
        assert_int_equal(status.state, len < sizeof(struct nst_record_header)
                                           ? NST_REPLAY_MALFORMED
                                           : NST_REPLAY_TRUNCATED);
    }
    recording_fini(&r);
}

static void survives_bytes_that_are_wrong(void **state)
{
    struct recording r;
    uint32_t random = 1;
    record_transfer(&r);
    for (unsigned i = 0; i < 200; i++) {
        random = random * 1664525 + 1013904223;
        const size_t at = random % r.len;
        const uint8_t old = r.data[at];
        r.data[at] = (uint8_t)(random >> 24);
        recording_replay(&r, r.len);
        r.data[at] = old;
    }
    recording_fini(&r);
}

static void shows_every_record(void **state)
{
    struct recording r;
    char text[1024];
    record_transfer(&r);
    size_t at = sizeof(struct nst_record_header), len;
    for (; (len = record_len(r.data + at, r.len - at)) > 0; at += len) {
        nst_record_show(r.data + at, len, text, sizeof(text));
        assert_null(strchr(text, '[') != NULL && strstr(text, "malformed") != NULL ? text : NULL);
        assert_true(strlen(text) > 2);
        for (size_t cut = 0; cut < len && cut < 200; cut++)
            assert_string_equal(nst_record_show(r.data + at, cut, text, sizeof(text)),
                                "[no whole record]");
    }
    assert_int_equal(at, r.len);
    recording_fini(&r);
}

/* ---- The recorder ---- */

static void put_nothing(void *context, const struct nst_iovec *head, const struct nst_iovec *pieces,
                        size_t count)
{
    ++*(unsigned *)context;
}

static void records_from_the_beginning_only(void **state)
{
    struct world w;
    unsigned count = 0;
    const struct nst_record_sink sink = {put_nothing, &count};
    world_init_single(&w, NULL);
    assert_int_equal(nst_record_start(w.hosts[0].stack, &sink),
                     w.hosts[0].recording.len > 0 ? -NST_EALREADY : -NST_EBUSY);
    nst_record_stop(w.hosts[0].stack);
    nst_record_stop(w.hosts[0].stack);
    assert_int_equal(count, 0);
    world_fini(&w);
}

static void costs_no_memory_of_the_budget(void **state)
{
    struct world w;
    uint64_t peak[2];
    for (int i = 0; i < 2; i++) {
        struct nst_memory memory;
        struct world_config c = {.record = i == 1};
        world_init_pair(&w, &c);
        world_run_for(&w, NST_SEC);
        nst_stack_get_memory(w.hosts[0].stack, &memory);
        peak[i] = memory.peak;
        world_fini(&w);
    }
    assert_int_equal(peak[0], peak[1]);
}

TESTS({"TCP both ways replays to the same packets", replays_tcp},
      {"TCP over a line with loss, jitter and corruption does", replays_tcp_over_a_bad_line},
      {"large segments and checksums left to the link do",
       replays_segments_and_checksums_left_to_the_link},
      {"a link that is full and has room again does", replays_a_link_that_is_full},
      {"a stack that is short of memory does", replays_a_stack_short_of_memory},
      {"UDP, neighbours and their timers do", replays_udp_and_neighbours},
      {"NICs that are added, disabled and removed do", replays_nics_that_come_and_go},
      {"reserved and lent memory does", replays_memory_that_is_lent},
      {"a sent byte that differs is found, with its record", finds_a_sent_byte_that_differs},
      {"an input that was changed is found", finds_that_an_input_was_changed},
      {"another seed is found", finds_another_seed},
      {"a recording that was cut replays as far as it goes", replays_as_far_as_it_goes},
      {"wrong bytes are survived", survives_bytes_that_are_wrong},
      {"every record is shown, cut ones are said to be", shows_every_record},
      {"a stack is recorded from its beginning", records_from_the_beginning_only},
      {"recording takes nothing of the stack's budget", costs_no_memory_of_the_budget})
