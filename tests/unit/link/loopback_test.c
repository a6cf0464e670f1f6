/* SPDX-License-Identifier: Apache-2.0 */
#include <nicstack/nic.h>
#include <nicstack/socket.h>

#include "top.h"

static void gives_back_what_it_is_given(void **state)
{
    struct top t;
    top_init(&t, 1 << 20);
    struct nst_link *link = nst_loopback_new(&t.alloc.allocator);
    assert_non_null(link);
    top_attach(&t, link);
    struct nst_pkt *p = top_packet(&t, 0, 500);
    nst_pkt_request_csum(p, 20, 16);
    nst_pktq_push(&t.txq, p);
    top_send(&t, 1, 9, 500);
    assert_true(nst_pktq_is_empty(&t.txq));
    assert_int_equal(t.got.first->csum, NST_CSUM_PARTIAL);
    top_expect_range(&t, 0, 10);
    top_detach(&t);
    nst_loopback_free(link);
    top_fini(&t);
}

static void without_memory_there_is_none(void **state)
{
    struct alloc alloc;
    alloc_init(&alloc);
    alloc.fail_at = 1;
    assert_null(nst_loopback_new(&alloc.allocator));
    nst_loopback_free(NULL);
    assert_int_equal(alloc.live, 0);
}

/* Two sockets of one stack, 127.0.0.1 to 127.0.0.1. */
static void carries_datagrams_of_a_stack(void **state)
{
    struct alloc alloc;
    alloc_init(&alloc);
    struct nst_stack *stack;
    const struct nst_stack_config config = {
        .size = sizeof(config), .allocator = alloc.allocator, .seed = {1}};
    assert_int_equal(nst_stack_new(&config, &stack), 0);
    struct nst_link *link = nst_loopback_new(&alloc.allocator);
    const struct nst_nic_config nic = {.size = sizeof(nic), .name = "lo", .link = link};
    uint32_t id;
    assert_int_equal(nst_nic_add(stack, &nic, &id), 0);
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(127, 0, 0, 1), .prefix_len = 8};
    assert_int_equal(nst_nic_addr_add(stack, id, &addr), 0);
    nst_socket to, from;
    const struct nst_endpoint end = {.addr = nst_addr_v4(127, 0, 0, 1), .port = 9};
    static uint8_t out[60000], in[65536];
    memset(out, 0x5a, sizeof(out));
    assert_int_equal(nst_socket_open(stack, NST_DATAGRAM, &to), 0);
    assert_int_equal(nst_socket_bind(stack, to, &end), 0);
    assert_int_equal(nst_socket_open(stack, NST_DATAGRAM, &from), 0);
    assert_int_equal(nst_socket_sendto(stack, from, out, sizeof(out), 0, &end), sizeof(out));
    while (nst_stack_next_deadline(stack) <= 1)
        nst_stack_run(stack, 1, 0);
    assert_int_equal(nst_socket_recv(stack, to, in, sizeof(in), 0), sizeof(out));
    assert_memory_equal(in, out, sizeof(out));
    nst_stack_free(stack);
    nst_loopback_free(link);
    assert_int_equal(alloc.live, 0);
}

TESTS({"what is sent comes back in order, checksums still open", gives_back_what_it_is_given},
      {"without memory there is no loopback", without_memory_there_is_none},
      {"a stack talks to itself in datagrams of 60,000 bytes", carries_datagrams_of_a_stack})
