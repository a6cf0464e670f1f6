/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One stack fed segments, time and calls. The input is a list of operations; numbers are mostly
 * near those of the connection, so that they get past the first checks. tcb_check verifies the
 * invariants after each; at the end all memory has to be back.
 */
#include <stdlib.h>
#include <string.h>

#include <nicstack/nic.h>
#include <nicstack/socket.h>

#include "wire/csum.h"
#include "wire/ip4.h"
#include "wire/tcpopt.h"

struct input {
    const uint8_t *at, *end;
};

static uint8_t u8(struct input *in)
{
    return in->at < in->end ? *in->at++ : 0;
}

static uint32_t u32(struct input *in)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++)
        v = v << 8 | u8(in);
    return v;
}

static size_t live;

static void *allocate(void *context, size_t size)
{
    live += size;
    return aligned_alloc(16, (size + 15) & ~(size_t)15);
}

static void release(void *context, void *memory, size_t size)
{
    live -= size;
    free(memory);
}

/* What the stack has told about its side. */
struct state {
    struct nst_stack *stack;
    struct nst_link link;
    nst_socket listener, s;
    nst_time now;
    uint32_t seq, ack; /* a good guess of what would be in order */
    uint16_t port;
};

static void transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct state *st = link->driver;
    struct nst_pkt *p;
    while ((p = nst_pktq_pop(q)) != NULL) {
        uint8_t bytes[80];
        const uint32_t n = nst_pkt_copy_out(p, 0, bytes, sizeof(bytes));
        struct tcp_hdr hdr;
        if (n >= 40 && tcp_parse(bytes + 20, n - 20, &hdr) != 0) {
            st->ack = hdr.seq + tcp_seg_len(hdr.flags, p->len - 20 - hdr.hdr_len);
            if ((hdr.flags & TCP_ACK) != 0)
                st->seq = hdr.ack;
            st->port = hdr.src_port;
        }
        nst_pkt_free(p);
    }
}

static const struct nst_link_ops ops = {
    .transmit = transmit,
    .parse_header = nst_bare_ip_parse,
    .push_header = nst_bare_ip_push,
};

static uint32_t near(struct input *in, uint32_t base)
{
    const uint8_t how = u8(in);
    if (how < 128)
        return base + (uint32_t)(int32_t)(int8_t)(how << 1);
    return how < 250 ? base + (uint32_t)(how - 128) * 700 : u32(in);
}

static void segment(struct state *st, struct input *in)
{
    uint8_t packet[IP4_HDR_LEN + TCP_HDR_MAX + 3000] = {0};
    uint8_t *tcp = packet + IP4_HDR_LEN;
    const uint16_t flags = u8(in) & 0x3f;
    const uint32_t opts_len = (uint32_t)(u8(in) % 11) * 4;
    const uint32_t len = (uint32_t)u8(in) * 11;
    for (uint32_t i = 0; i < opts_len; i++)
        tcp[TCP_HDR_LEN + i] = u8(in);
    const struct tcp_hdr hdr = {
        .src_port = (uint16_t)(5000 + (u8(in) & 1)),
        .dst_port = st->port,
        .seq = near(in, st->seq),
        .ack = near(in, st->ack),
        .flags = flags,
        .wnd = (uint16_t)(u8(in) << 8 | 0x10),
        .urg = u8(in),
        .hdr_len = (uint8_t)(TCP_HDR_LEN + opts_len),
    };
    tcp_build(tcp, &hdr);
    const uint32_t total = IP4_HDR_LEN + TCP_HDR_LEN + opts_len + len;
    packet[0] = 0x45;
    be16_put(packet + 2, (uint16_t)total);
    packet[8] = 64;
    packet[9] = 6;
    memcpy(packet + 12, (const uint8_t[]){10, 0, 0, 2, 10, 0, 0, 1}, 8);
    be16_put(packet + 10, csum_fold(csum_short(packet, IP4_HDR_LEN, 0)));
    struct nst_pkt *p = nst_pkt_new(st->link.pool, 0, total);
    if (p == NULL)
        return;
    memcpy(nst_pkt_put(p, total), packet, total);
    p->csum = NST_CSUM_VALID;
    struct nst_pktq q = {0};
    nst_pktq_push(&q, p);
    nst_link_deliver(&st->link, &q);
}

static void call(struct state *st, struct input *in)
{
    static uint8_t data[4096];
    static const struct nst_endpoint remote = {
        .addr = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 2}}}, .port = 5000};
    switch (u8(in) % 12) {
    case 0:
        nst_socket_send(st->stack, st->s, data, (size_t)u8(in) * 16, u8(in) & 7);
        break;
    case 1:
        nst_socket_recv(st->stack, st->s, data, (size_t)u8(in) * 16, u8(in) & 1);
        break;
    case 2:
        nst_socket_shutdown(st->stack, st->s, u8(in) & 3);
        break;
    case 3:
        nst_socket_close(st->stack, st->s);
        break;
    case 4:
        nst_socket_abort(st->stack, st->s);
        break;
    case 5:
        nst_socket_accept(st->stack, st->listener, &st->s, NULL);
        break;
    case 6:
        nst_socket_open(st->stack, NST_STREAM, &st->s);
        nst_socket_connect(st->stack, st->s, &remote);
        break;
    case 7: {
        const uint8_t option = u8(in) % 20;
        nst_socket_set(st->stack, st->s, (enum nst_option)option, (int64_t)u8(in) * 1000);
        break;
    }
    case 8: {
        struct nst_iovec v;
        if (nst_socket_send_reserve(st->stack, st->s, &v, 1) == 1)
            nst_socket_send_commit(st->stack, st->s, v.len < 100 ? v.len : u8(in));
        break;
    }
    default:
        st->now += (nst_time)1 << (u8(in) % 40);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input in = {bytes, bytes + size};
    struct state st = {.now = NST_SEC, .port = 80, .seq = 1000, .ack = 0};
    const struct nst_allocator allocator = {allocate, release, NULL};
    const struct nst_stack_config sc = {.size = sizeof(sc),
                                        .allocator = allocator,
                                        .seed = {1},
                                        .now = st.now,
                                        .memory_limit = 2 << 20};
    if (nst_stack_new(&sc, &st.stack) < 0)
        return 0;
    uint32_t nic;
    st.link = (struct nst_link){.ops = &ops, .mtu = 1500, .driver = &st};
    const struct nst_nic_config nc = {.size = sizeof(nc), .link = &st.link};
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, 1), .prefix_len = 24};
    nst_nic_add(st.stack, &nc, &nic);
    nst_nic_addr_add(st.stack, nic, &addr);
    const struct nst_endpoint local = {.port = 80};
    nst_socket_open(st.stack, NST_STREAM, &st.listener);
    nst_socket_bind(st.stack, st.listener, &local);
    nst_socket_listen(st.stack, st.listener, 3);
    while (in.at < in.end) {
        if (u8(&in) % 3 != 0)
            segment(&st, &in);
        else
            call(&st, &in);
        nst_stack_run(st.stack, st.now, 0);
    }
    nst_stack_free(st.stack);
    if (live != 0)
        __builtin_trap();
    return 0;
}
