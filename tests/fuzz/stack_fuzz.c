/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One whole stack, fed frames x time x calls.
 *
 * The input is a program. An operation is one byte, its arguments follow. Besides raw frames there
 * are answers: the last frame that the stack sent is turned round and its TCP numbers are moved by
 * what the input says, so that connections get anywhere. At the end the census must balance and
 * every byte of memory must be back.
 */
#include <nicstack/forwarder.h>
#include <nicstack/nic.h>

#include <stdlib.h>
#include <string.h>

#include "wire/csum.h"
#include "wire/ip4.h"
#include "wire/tcp.h"

#define SOCKETS  8
#define REQUESTS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
    const uint8_t *data;
    size_t left;
    struct nst_stack *stack;
    struct nst_link link;
    uint32_t nic;
    nst_time now;
    int64_t live;
    nst_socket sockets[SOCKETS];
    nst_request requests[REQUESTS];
    uint8_t last[2048]; /* the last frame that was sent */
    uint32_t last_len;
    bool full; /* the link blocks */
};

static uint8_t take8(struct fuzz *f)
{
    if (f->left == 0)
        return 0;
    f->left--;
    return *f->data++;
}

static uint16_t take16(struct fuzz *f)
{
    uint16_t high = take8(f);
    return (uint16_t)(high << 8 | take8(f));
}

static void check(bool ok)
{
    if (!ok)
        abort();
}

/* ---- A link of the fuzzer's own ---- */

static void fuzz_transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct fuzz *f = link->driver;
    while (!nst_pktq_is_empty(q)) {
        if (f->full) {
            link->tx_blocked = true;
            return;
        }
        struct nst_pkt *p = nst_pktq_pop(q);
        f->last_len = nst_pkt_copy_out(p, 0, f->last, sizeof(f->last));
        nst_pkt_free(p);
    }
}

static const struct nst_link_ops bare_ops = {
    .transmit = fuzz_transmit, .parse_header = nst_bare_ip_parse, .push_header = nst_bare_ip_push};
static const struct nst_link_ops ethernet_ops = {.transmit = fuzz_transmit,
                                                 .parse_header = nst_ethernet_parse,
                                                 .push_header = nst_ethernet_push};

static void *fuzz_alloc(void *context, size_t size)
{
    struct fuzz *f = context;
    f->live += (int64_t)size;
    return malloc(size);
}

static void fuzz_free(void *context, void *memory, size_t size)
{
    struct fuzz *f = context;
    f->live -= (int64_t)size;
    free(memory);
}

static void inject(struct fuzz *f, const uint8_t *frame, uint32_t len, uint8_t csum)
{
    struct nst_pktq q = {0};
    struct nst_pkt *p = f->link.pool != NULL ? nst_pkt_new(f->link.pool, 16, len) : NULL;
    if (p == NULL)
        return;
    memcpy(nst_pkt_put(p, len), frame, len);
    p->csum = csum;
    nst_pktq_push(&q, p);
    nst_link_deliver(&f->link, &q);
}

/* ---- Frames ---- */

/* Makes the IPv4 header's sum right, which no fuzzer finds by itself. */
static void right_header(const struct fuzz *f, uint8_t *frame, uint32_t len)
{
    uint32_t at = (f->link.caps & NST_LINK_RESOLVES) != 0 ? 14 : 0;
    uint32_t hdr_len = len > at ? (frame[at] & 15u) * 4 : 0;
    if (hdr_len < IP4_HDR_LEN || len < at + hdr_len)
        return;
    be16_put(frame + at + 10, 0);
    be16_put(frame + at + 10, csum_fold(csum_short(frame + at, hdr_len, 0)));
}

static void raw_frame(struct fuzz *f)
{
    uint8_t frame[255 * 4 + 1];
    uint32_t len = take8(f) * 4u + 1;
    len = len < f->left ? len : (uint32_t)f->left;
    memcpy(frame, f->data, len);
    const bool valid = (take8(f) & 1) != 0;
    if (valid)
        right_header(f, frame, len);
    inject(f, frame, len, valid ? NST_CSUM_VALID : NST_CSUM_UNKNOWN);
    f->data += len <= f->left ? len : f->left;
    f->left -= len <= f->left ? len : f->left;
}

/* Where the IP header of the last frame is; 0xffff: there is none of IPv4. */
static uint32_t last_ip(const struct fuzz *f)
{
    uint32_t at = (f->link.caps & NST_LINK_RESOLVES) != 0 ? 14 : 0;
    return f->last_len >= at + 40 && f->last[at] == 0x45 ? at : 0xffff;
}

/* Turns the last TCP segment into an answer to it. */
static void answer_tcp(struct fuzz *f)
{
    uint8_t frame[256] = {0};
    struct ip4_hdr ip;
    struct tcp_hdr tcp;
    uint32_t at = last_ip(f);
    if (at == 0xffff || ip4_parse(f->last + at, f->last_len - at, &ip) == 0 || ip.proto != 6 ||
        tcp_parse(f->last + at + ip.hdr_len, f->last_len - at - ip.hdr_len, &tcp) == 0)
        return;
    uint32_t sent = ip.total_len - ip.hdr_len - tcp.hdr_len +
                    ((tcp.flags & (TCP_SYN | TCP_FIN)) != 0 ? 1u : 0u);
    uint8_t options = (uint8_t)(take8(f) % 11 * 4), payload = take8(f) % 100;
    struct tcp_hdr back = {.src_port = tcp.dst_port,
                           .dst_port = tcp.src_port,
                           .seq = tcp.ack +
                                  (uint32_t)(int32_t)(int16_t)(take16(f) & 1 ? take16(f) : 0),
                           .ack = tcp.seq + sent + (uint32_t)(int32_t)(int8_t)take8(f),
                           .flags = take16(f) & TCP_FLAGS,
                           .wnd = take16(f),
                           .hdr_len = (uint8_t)(TCP_HDR_LEN + options)};
    struct ip4_hdr ip_back = {.src4 = ip.dst4,
                              .dst4 = ip.src4,
                              .total_len = (uint16_t)(20 + back.hdr_len + payload),
                              .hdr_len = 20,
                              .ttl = 64,
                              .proto = 6};
    if (at == 14) {
        memcpy(frame, f->last + 6, 6);
        memcpy(frame + 6, f->last, 6);
        frame[12] = 8;
    }
    ip4_build(frame + at, &ip_back);
    tcp_build(frame + at + 20, &back);
    for (uint8_t i = 0; i < options; i++)
        frame[at + 40 + i] = take8(f);
    inject(f, frame, at + ip_back.total_len, NST_CSUM_VALID);
}

/* A SYN (or other flags) to anybody. */
static void begin_tcp(struct fuzz *f)
{
    uint8_t frame[14 + 44] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 0};
    uint32_t at = (f->link.caps & NST_LINK_RESOLVES) != 0 ? 14 : 0;
    const uint8_t src[4] = {10, 0, 0, take8(f) & 3}, dst[4] = {10, 0, 0, (take8(f) & 3)};
    struct ip4_hdr ip = {.total_len = 44, .hdr_len = 20, .ttl = 64, .proto = 6};
    memcpy(&ip.src4, src, 4);
    memcpy(&ip.dst4, dst, 4);
    struct tcp_hdr tcp = {.src_port = take8(f),
                          .dst_port = 80,
                          .seq = take16(f),
                          .flags = (take8(f) & 7) != 0 ? TCP_SYN : take16(f) & TCP_FLAGS,
                          .wnd = 0xffff,
                          .hdr_len = 24};
    memmove(frame, at != 0 ? frame : frame + 14, 14);
    ip4_build(frame + at, &ip);
    tcp_build(frame + at + 20, &tcp);
    memcpy(frame + at + 40, "\x02\x04\x05\xb4", 4);
    inject(f, frame, at + 44, NST_CSUM_VALID);
}

/* ---- Calls ---- */

static nst_socket *slot(struct fuzz *f)
{
    return &f->sockets[take8(f) % SOCKETS];
}

static struct nst_endpoint endpoint(struct fuzz *f)
{
    return (struct nst_endpoint){.addr = nst_addr_v4(10, 0, 0, take8(f) & 3), .port = 80};
}

static void open_socket(struct fuzz *f)
{
    nst_socket *s = slot(f);
    struct nst_endpoint to = endpoint(f);
    if (*s != 0)
        nst_socket_close(f->stack, *s);
    *s = 0;
    enum nst_socket_type type = (enum nst_socket_type)(1 + take8(f) % 3);
    if (nst_socket_open(f->stack, type, s) < 0)
        return;
    nst_socket_watch(f->stack, *s, NST_READY_IN | NST_READY_OUT, f);
    switch (take8(f) % 3) {
    case 0:
        nst_socket_connect(f->stack, *s, &to);
        break;
    case 1:
        nst_socket_bind(f->stack, *s, &to);
        nst_socket_listen(f->stack, *s, 1 + take8(f) % 4);
        break;
    default:
        break;
    }
}

static void use_socket(struct fuzz *f)
{
    static uint8_t bytes[20000];
    nst_socket *s = slot(f), child;
    struct nst_iovec pieces[4];
    struct nst_endpoint to = endpoint(f);
    int64_t value;
    switch (take8(f) % 12) {
    case 0:
        nst_socket_send(f->stack, *s, bytes, take16(f) % sizeof(bytes), take8(f) & NST_MSG_MORE);
        break;
    case 1:
        nst_socket_recv(f->stack, *s, bytes, take16(f) % sizeof(bytes), take8(f) & NST_MSG_PEEK);
        break;
    case 2:
        nst_socket_close(f->stack, *s);
        break;
    case 3:
        nst_socket_abort(f->stack, *s);
        break;
    case 4:
        nst_socket_shutdown(f->stack, *s, 1 + take8(f) % 3);
        break;
    case 5:
        if (nst_socket_accept(f->stack, *s, &child, NULL) == 0) {
            nst_socket *other = slot(f);
            if (*other != 0)
                nst_socket_close(f->stack, *other);
            *other = child;
        }
        break;
    case 6:
        nst_socket_sendto(f->stack, *s, bytes, take16(f) % sizeof(bytes), 0, &to);
        break;
    case 7:
        nst_socket_set(f->stack, *s, (enum nst_option)(take8(f) % 20), (int16_t)take16(f));
        break;
    case 8:
        nst_socket_get(f->stack, *s, (enum nst_option)(take8(f) % 20), &value);
        break;
    case 9:
        if (nst_socket_recv_lend(f->stack, *s, pieces, 4) > 0)
            nst_socket_recv_consume(f->stack, *s, take8(f) % (pieces[0].len + 1));
        break;
    case 10:
        if (nst_socket_send_reserve(f->stack, *s, pieces, 4) > 0) {
            size_t n = take16(f) % (pieces[0].len + 1);
            memset(pieces[0].base, 7, n);
            nst_socket_send_commit(f->stack, *s, n);
        }
        break;
    default:
        nst_socket_error(f->stack, *s);
        break;
    }
}

static void use_requests(struct fuzz *f)
{
    struct nst_request_info info;
    nst_request *r = &f->requests[take8(f) % REQUESTS];
    switch (take8(f) % 3) {
    case 0:
        if (nst_request_next(f->stack, &info))
            *r = info.request;
        break;
    case 1: {
        nst_socket *s = slot(f), accepted;
        if (nst_request_accept(f->stack, *r, &accepted) == 0) {
            if (*s != 0)
                nst_socket_close(f->stack, *s);
            *s = accepted;
        }
        break;
    }
    default:
        nst_request_refuse(f->stack, *r, (enum nst_refusal)(take8(f) % 5));
        break;
    }
}

static void change_nic(struct fuzz *f)
{
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, 2), .prefix_len = 24};
    switch (take8(f) % 6) {
    case 0:
        nst_nic_disable(f->stack, f->nic);
        break;
    case 1:
        nst_nic_enable(f->stack, f->nic);
        break;
    case 2:
        nst_nic_addr_add(f->stack, f->nic, &addr);
        break;
    case 3:
        nst_nic_addr_remove(f->stack, f->nic, &addr.addr);
        break;
    case 4:
        f->full = true;
        break;
    default:
        f->full = false;
        if (f->link.tx_blocked)
            nst_link_set_writable(&f->link);
        break;
    }
}

static void run(struct fuzz *f)
{
    static const nst_time steps[] = {0,       NST_USEC,     NST_MSEC,     40 * NST_MSEC,
                                     NST_SEC, 10 * NST_SEC, 70 * NST_SEC, 600 * NST_SEC};
    struct nst_ready ready[4];
    f->now += steps[take8(f) % 8];
    for (int i = 0; i < 64; i++) {
        nst_stack_run(f->stack, f->now, 32);
        if (nst_stack_next_deadline(f->stack) > f->now)
            break;
    }
    nst_ready_list(f->stack, ready, 4);
}

static void start(struct fuzz *f)
{
    struct nst_stack_config config = {.size = sizeof(config),
                                      .allocator = {fuzz_alloc, fuzz_free, f},
                                      .memory_limit = 1 << 20,
                                      .now = NST_SEC};
    bool ethernet = take8(f) & 1;
    memset(config.seed, 1, sizeof(config.seed));
    check(nst_stack_new(&config, &f->stack) == 0);
    f->now = NST_SEC;
    f->link = (struct nst_link){.ops = ethernet ? &ethernet_ops : &bare_ops,
                                .caps = (ethernet ? NST_LINK_RESOLVES : 0) |
                                        (take8(f) & 1 ? NST_LINK_CSUM_TX | NST_LINK_TSO4 : 0),
                                .mtu = 1500,
                                .max_header = ethernet ? 14 : 0,
                                .addr = {{2, 0, 0, 0, 0, 1}},
                                .driver = f};
    if ((f->link.caps & NST_LINK_TSO4) != 0)
        f->link.gso_max = 65535;
    const struct nst_nic_config nic = {
        .size = sizeof(nic), .link = &f->link, .promiscuous = true, .spoofing = true};
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, 0, 1), .prefix_len = 24};
    const struct nst_forwarder_config forwarder = {
        .size = sizeof(forwarder), .tcp = true, .udp = true, .icmp_echo = true, .pending_max = 4};
    check(nst_nic_add(f->stack, &nic, &f->nic) == 0);
    check(nst_nic_addr_add(f->stack, f->nic, &addr) == 0);
    check(nst_forwarder_start(f->stack, &forwarder) == 0);
}

static void finish(struct fuzz *f)
{
    struct nst_census c;
    nst_stack_get_census(f->stack, &c);
    check(c.received + c.built + c.cloned + c.split ==
          c.transmitted + c.queued + c.delivered + c.merged + c.dropped);
    nst_stack_free(f->stack);
    check(f->live == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const operations[])(struct fuzz *) = {
        raw_frame,   begin_tcp,  answer_tcp, answer_tcp,   run,        run,
        open_socket, use_socket, use_socket, use_requests, change_nic, answer_tcp,
    };
    static struct fuzz f;
    memset(&f, 0, sizeof(f));
    f.data = data;
    f.left = size;
    start(&f);
    for (int i = 0; i < 400 && f.left > 0; i++)
        operations[take8(&f) % (sizeof(operations) / sizeof(operations[0]))](&f);
    finish(&f);
    return 0;
}
