/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet and raw sockets: frames of the fuzzer's come in and are sent as they are, on an Ethernet
 * and on a bare link, among bindings, options, reads and links that are full. A frame that was
 * taken to send leaves as it was given; the census balances; nothing leaks.
 *
 * Input: a sequence of (operation, argument, length, bytes).
 */
#include <nicstack/frame.h>
#include <nicstack/nic.h>

#include "alloc.h"
#include "input.h"
#include "memlink.h"

#define SOCKETS 6
#define LINKS   2

struct target {
    struct alloc alloc;
    struct nst_stack *stack;
    struct memlink link[LINKS]; /* Ethernet and bare; NICs 1 and 2 */
    nst_socket sockets[SOCKETS];
    nst_time now;
};

static void run(struct target *t)
{
    nst_stack_run(t->stack, t->now, 0);
}

static void begin(struct target *t)
{
    static const struct nst_mac mac = {{2, 0, 0, 0, 0, 1}};
    memset(t, 0, sizeof(*t));
    alloc_init(&t->alloc);
    const struct nst_stack_config config = {.size = sizeof(config),
                                            .allocator = t->alloc.allocator,
                                            .memory_limit = 1 << 20,
                                            .seed = {1}};
    check(nst_stack_new(&config, &t->stack) == 0);
    for (uint32_t i = 0; i < LINKS; i++) {
        memlink_init(&t->link[i], i == 0 ? &mac : NULL);
        const struct nst_nic_config nic = {
            .size = sizeof(nic), .link = &t->link[i].link, .tx_queue_packets = 16};
        const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, (uint8_t)i, 1),
                                          .prefix_len = 24},
                                  addr6 = {.addr = {{{0xfd, (uint8_t)i, [15] = 1}}},
                                           .prefix_len = 64,
                                           .no_dad = true};
        check(nst_nic_add(t->stack, &nic, NULL) == 0);
        check(nst_nic_addr_add(t->stack, 1 + i, &addr) == 0);
        check(nst_nic_addr_add(t->stack, 1 + i, &addr6) == 0);
    }
    run(t);
}

static void end(struct target *t)
{
    struct nst_census c;
    nst_stack_get_census(t->stack, &c);
    check(c.received + c.built + c.cloned + c.split ==
          c.transmitted + c.queued + c.delivered + c.merged + c.dropped);
    nst_stack_free(t->stack);
    for (int i = 0; i < LINKS; i++)
        memlink_fini(&t->link[i]);
    check(t->alloc.live == 0 && t->alloc.live_bytes == 0);
}

static nst_socket *socket_of(struct target *t, uint8_t arg)
{
    return &t->sockets[arg % SOCKETS];
}

/* Is this very frame among those that the link took? */
static bool has_left(const struct memlink *link, const uint8_t *data, size_t len)
{
    for (uint32_t i = 0; i < link->count; i++) {
        if (link->frames[i].len == len && memcmp(link->frames[i].data, data, len) == 0)
            return true;
    }
    return false;
}

/* A raw frame by a socket of its own. */
static void send_frame(struct target *t, uint8_t arg, const uint8_t *data, size_t len)
{
    struct memlink *link = &t->link[arg % LINKS];
    const struct nst_endpoint at = {.nic = 1 + arg % LINKS};
    nst_socket s;
    if (nst_socket_open(t->stack, NST_PACKET_RAW, &s) != 0)
        return;
    nst_socket_bind(t->stack, s, &at);
    run(t);
    memlink_clear(link);
    const int64_t r = nst_socket_send(t->stack, s, data, len, 0);
    run(t);
    check(r < 0 || (size_t)r == len);
    if (link->room == UINT32_MAX && r >= 0)
        check(has_left(link, data, len));
    nst_socket_close(t->stack, s);
}

static void write_packet(struct target *t, uint8_t arg, const uint8_t *data, size_t len)
{
    const struct nst_frame_to to = {
        .nic = 1 + arg % LINKS, .dst = {{arg, 1, 2, 3, 4, 5}}, .ethertype = (uint16_t)(arg << 8)};
    if (arg & 0x10)
        nst_nic_write(t->stack, &to, data, len);
    else
        nst_frame_send(t->stack, *socket_of(t, arg), data, len, arg & 0x20 ? &to : NULL);
}

/* A packet of a raw socket, its header too if the socket says so. */
static void send_packet(struct target *t, uint8_t arg, const uint8_t *data, size_t len)
{
    const uint8_t net = arg & 1;
    struct nst_endpoint to = {.addr = nst_addr_v4(10, 0, net, arg & 2 ? 1 : 2)};
    if (arg & 0x80)
        to.addr = (struct nst_addr){{{0xfd, net, [15] = arg & 2 ? 1 : 2}}};
    nst_socket_sendto(t->stack, *socket_of(t, arg >> 2), data, len, 0, &to);
}

static void open_one(struct target *t, uint8_t arg, uint8_t port)
{
    static const uint16_t types[] = {0, 0x0800, 0x86dd, 0x0806};
    const enum nst_socket_type type = (enum nst_socket_type)(NST_RAW + arg / SOCKETS % 3);
    nst_socket *s = socket_of(t, arg);
    const struct nst_endpoint at = {.port = type == NST_RAW ? port : types[port & 3],
                                    .nic = (port >> 2) % 3};
    nst_socket_close(t->stack, *s);
    if (nst_socket_open(t->stack, type, s) == 0)
        nst_socket_bind(t->stack, *s, &at);
}

static void read_one(struct target *t, uint8_t arg, size_t size)
{
    struct nst_frame_info info;
    struct nst_message message;
    uint8_t *buffer = malloc(size + 1); /* as large as it may write */
    int64_t n = nst_frame_recv(t->stack, *socket_of(t, arg), buffer, size, 0, &info);
    check(n < 0 || ((size_t)n <= size && info.truncated == (info.len > size)));
    n = nst_socket_recvfrom(t->stack, *socket_of(t, arg), buffer, size, 0, &message);
    check(n < 0 || (size_t)n <= size);
    free(buffer);
}

static void change(struct target *t, uint8_t arg)
{
    const nst_socket s = *socket_of(t, arg);
    switch (arg >> 5) {
    case 0:
        nst_socket_set(t->stack, s, NST_OPT_HEADER_INCLUDED, arg & 1);
        break;
    case 1:
        nst_socket_set(t->stack, s, NST_OPT_CHECKSUM, (arg & 0x1f) - 1);
        break;
    case 2:
        nst_socket_set(t->stack, s, NST_OPT_RECEIVE_BUFFER, 100 * arg);
        break;
    case 3:
        memlink_set_room(&t->link[arg % LINKS], arg & 0x10 ? UINT32_MAX : arg & 3);
        break;
    case 4:
        nst_nic_disable(t->stack, 1 + arg % LINKS);
        break;
    case 5:
        nst_socket_shutdown(t->stack, s, NST_SHUT_RECV);
        break;
    default:
        nst_nic_enable(t->stack, 1 + arg % LINKS);
        t->now += (nst_time)arg * NST_MSEC;
        break;
    }
}

static void step(struct target *t, uint8_t operation, uint8_t arg, const uint8_t *data, size_t len)
{
    switch (operation % 8) {
    case 0:
    case 1:
        memlink_inject(&t->link[arg % LINKS], data, len);
        break;
    case 2:
        send_frame(t, arg, data, len);
        break;
    case 3:
        write_packet(t, arg, data, len);
        break;
    case 4:
        send_packet(t, arg, data, len);
        break;
    case 5:
        open_one(t, arg, len > 0 ? data[0] : 0);
        break;
    case 6:
        read_one(t, arg, len);
        break;
    default:
        change(t, arg);
        break;
    }
    run(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    static struct target t;

    begin(&t);
    while (in.left >= 3) {
        const uint8_t operation = input_take8(&in), arg = input_take8(&in);
        const uint8_t *bytes;
        const size_t len = input_take(&in, input_take8(&in), &bytes);
        /* An exact copy, so that reading past it is seen. */
        uint8_t *copy = malloc(len);
        if (len > 0)
            memcpy(copy, bytes, len);
        step(&t, operation, arg, copy, len);
        free(copy);
    }
    end(&t);
    return 0;
}
