/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two stacks with a hostile link between them. The input is a program of calls at both ends; for
 * each frame one byte of it says what happens on the way: nothing, loss, a repetition, a delay, a
 * flipped bit, or a changed header with right checksums.
 *
 * What holds: the bytes that arrive are a prefix of what was sent, whatever happens on the way
 * (headers are changed only where that cannot move data: neither sequence number, SYN, data offset
 * nor lengths). And when no header was changed with right checksums, the link is good from some
 * time on, and both applications read: everything arrives, or an end was told of an error.
 */
#include <nicstack/nic.h>
#include <nicstack/socket.h>

#include "peers.h"
#include "six.h"
#include "wire/csum.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/tcpopt.h"

#define HELD      8
#define SEND_MAX  200000u
#define PATIENCE  (2000 * NST_SEC)
#define TURNS_MAX 3000

struct held {
    uint8_t *frame; /* NULL: free */
    uint32_t len;
};

struct side {
    struct nst_link link;
    struct fuzz *fuzz;
    struct nst_stack *stack;
    uint32_t nic;
    nst_socket s; /* 0: none (yet) */
    uint32_t sent, received;
    bool shut, ended, failed;
    struct held held[HELD]; /* on their way to the other side */
};

struct fuzz {
    struct input in;
    struct side side[2];
    nst_socket listener; /* at side 1 */
    nst_time now;
    int64_t live;
    bool six;      /* over IPv6 */
    bool kind;     /* the link is good now */
    bool tampered; /* a header was changed, with right checksums */
};

static uint8_t byte_at(int from, uint32_t i)
{
    return (uint8_t)((i * 2654435761u >> 15) + (uint32_t)from * 91);
}

/* ---- Memory ---- */

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

/* ---- The link ---- */

static void arrive(struct side *to, const uint8_t *frame, uint32_t len)
{
    struct nst_pktq q = {0};
    struct nst_pkt *p = nst_pkt_new(to->link.pool, 16, len);
    if (p == NULL)
        return;
    memcpy(nst_pkt_put(p, len), frame, len);
    nst_pktq_push(&q, p);
    nst_link_deliver(&to->link, &q);
}

static void hold(struct side *from, const uint8_t *frame, uint32_t len, unsigned where)
{
    struct held *h = &from->held[where % HELD];
    free(h->frame);
    *h = (struct held){malloc(len), len};
    memcpy(h->frame, frame, len);
}

static void let_go(struct side *from, struct side *to, unsigned where)
{
    struct held *h = &from->held[where % HELD];
    if (h->frame == NULL)
        return;
    arrive(to, h->frame, h->len);
    free(h->frame);
    h->frame = NULL;
}

/* Changes what cannot move data, and completes the checksums again. */
static bool tamper(uint8_t *packet, uint32_t len, uint8_t where, uint8_t value)
{
    struct ip4_hdr ip;
    struct tcp_hdr tcp;
    if (ip4_parse(packet, len, &ip) == 0 || ip.proto != IP_PROTO_TCP || ip.total_len != len)
        return false;
    uint8_t *t = packet + ip.hdr_len;
    if (tcp_parse(t, len - ip.hdr_len, &tcp) == 0)
        return false;
    static const uint8_t fields[] = {8, 9, 10, 11, 14, 15, 18, 19};
    if (where < 64)
        t[fields[where % 8]] = value;
    else if (where < 96)
        t[13] = (uint8_t)((value & ~TCP_SYN) | (t[13] & TCP_SYN));
    else if (where < 112)
        packet[1] = value; /* type of service */
    else if (tcp.hdr_len > TCP_HDR_LEN)
        t[TCP_HDR_LEN + where % (tcp.hdr_len - TCP_HDR_LEN)] = value;
    be16_put(packet + 10, 0);
    be16_put(packet + 10, csum_fold(csum_portable.sum(packet, ip.hdr_len, 0)));
    be16_put(t + TCP_CSUM_OFFSET, 0);
    tcp_csum_put(t,
                 csum_portable.sum(t, len - ip.hdr_len,
                                   csum_pseudo_v4(ip.src4, ip.dst4, ip.proto, len - ip.hdr_len)));
    return true;
}

/* The same over either family. */
static bool tamper_any(struct fuzz *f, uint8_t *packet, uint32_t len, uint8_t where, uint8_t value)
{
    uint8_t four[SIX_CAP], six[SIX_CAP];
    if (!f->six)
        return tamper(packet, len, where, value);
    const size_t n = four_from_six(four, packet, len);
    if (n == 0 || !tamper(four, (uint32_t)n, where, value) || six_from_four(six, four, n) != len)
        return false;
    memcpy(packet, six, len);
    return true;
}

/* An ICMP error about this packet, to its sender. */
static void complain(struct fuzz *f, struct side *from, const uint8_t *packet, uint32_t len)
{
    uint8_t icmp[ICMP4_HDR_LEN + 64] = {0}, out[200], four[SIX_CAP], six[SIX_CAP];
    if (f->six) {
        len = (uint32_t)four_from_six(four, packet, len);
        packet = four;
    }
    const uint32_t quoted = len < 64 ? len : 64;
    const struct nst_addr router = nst_addr_v4(10, 0, 0, 9),
                          to = nst_addr_v4(10, 0, 0, from == &f->side[0] ? 1 : 2);
    icmp[0] = input_take8(&f->in) & 1 ? ICMP4_UNREACHABLE : ICMP4_TIME_EXCEEDED;
    icmp[1] = input_take8(&f->in) & 15;
    icmp[6] = input_take8(&f->in);
    icmp[7] = input_take8(&f->in);
    memcpy(icmp + ICMP4_HDR_LEN, packet, quoted);
    be16_put(icmp + 2, csum_fold(csum_portable.sum(icmp, ICMP4_HDR_LEN + quoted, 0)));
    const size_t n = frame_ip4(out, &router, &to, IP_PROTO_ICMP, icmp, ICMP4_HDR_LEN + quoted);
    if (f->six)
        arrive(from, six, (uint32_t)six_from_four(six, out, n));
    else
        arrive(from, out, (uint32_t)n);
}

static void cross(struct fuzz *f, struct side *from, struct side *to, uint8_t *packet, uint32_t len)
{
    const uint8_t how = f->kind ? 0 : input_take8(&f->in);
    switch (how & 15) {
    case 1: /* lost */
        return;
    case 2: /* twice */
        arrive(to, packet, len);
        arrive(to, packet, len);
        return;
    case 3: /* later */
    case 4:
        let_go(from, to, how >> 4);
        hold(from, packet, len, how >> 4);
        return;
    case 5: /* later again */
        hold(from, packet, len, how >> 4);
        break;
    case 6: /* a flipped bit, which a checksum finds */
        packet[input_take16(&f->in) % len] ^= (uint8_t)(1u << (how >> 5));
        break;
    case 7: /* cut */
        len = 1 + input_take16(&f->in) % len;
        break;
    case 8: {
        const uint8_t where = input_take8(&f->in);
        f->tampered |= tamper_any(f, packet, len, where, input_take8(&f->in));
        break;
    }
    case 9:
        f->tampered = true;
        complain(f, from, packet, len);
        break;
    default:
        break;
    }
    arrive(to, packet, len);
}

static void fuzz_transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct side *from = link->driver;
    struct fuzz *f = from->fuzz;
    uint8_t packet[FRAME_CAP];
    for (struct nst_pkt *p; (p = nst_pktq_pop(q)) != NULL;) {
        const uint32_t len = nst_pkt_copy_out(p, 0, packet, sizeof(packet));
        check(len == p->len && len <= link->mtu);
        nst_pkt_free(p);
        cross(f, from, &f->side[from == &f->side[0]], packet, len);
    }
}

static const struct nst_link_ops ops = {
    .transmit = fuzz_transmit, .parse_header = nst_bare_ip_parse, .push_header = nst_bare_ip_push};

/* ---- The applications ---- */

static void take_error(struct side *x, int64_t error)
{
    if (error < 0 && error != -NST_EAGAIN && error != -NST_ENOMEM)
        x->failed = true;
}

static void write_some(struct fuzz *f, int i, uint32_t n)
{
    static uint8_t bytes[SEND_MAX];
    struct side *x = &f->side[i];
    if (x->s == 0 || x->shut || x->sent + n > SEND_MAX)
        return;
    for (uint32_t k = 0; k < n; k++)
        bytes[k] = byte_at(i, x->sent + k);
    const int64_t done = nst_socket_send(x->stack, x->s, bytes, n, 0);
    take_error(x, done == -NST_ENOTCONN ? -NST_EAGAIN : done);
    x->sent += done > 0 ? (uint32_t)done : 0;
}

static void read_some(struct fuzz *f, int i, uint32_t n)
{
    static uint8_t bytes[SEND_MAX];
    struct side *x = &f->side[i], *y = &f->side[1 - i];
    if (x->s == 0)
        return;
    const int64_t got = nst_socket_recv(x->stack, x->s, bytes, n < SEND_MAX ? n : SEND_MAX, 0);
    take_error(x, got == -NST_ENOTCONN ? -NST_EAGAIN : got);
    if (got == 0 && n > 0)
        x->ended = true;
    for (int64_t k = 0; k < got; k++)
        check(bytes[k] == byte_at(1 - i, x->received + (uint32_t)k));
    x->received += got > 0 ? (uint32_t)got : 0;
    check(x->received <= y->sent);
}

static void shut(struct fuzz *f, int i)
{
    struct side *x = &f->side[i];
    if (x->s != 0 && nst_socket_shutdown(x->stack, x->s, NST_SHUT_SEND) == 0)
        x->shut = true;
}

static void end(struct fuzz *f, int i)
{
    struct side *x = &f->side[i];
    if (x->s == 0)
        return;
    nst_socket_abort(x->stack, x->s);
    x->failed = true;
    x->s = 0;
}

static void accept_one(struct fuzz *f)
{
    struct side *x = &f->side[1];
    if (x->s == 0 && !x->failed && f->listener != 0 &&
        nst_socket_accept(x->stack, f->listener, &x->s, NULL) == 0) {
        /* One connection is enough. */
        nst_socket_close(x->stack, f->listener);
        f->listener = 0;
    }
}

static void settle(struct fuzz *f)
{
    for (int i = 0; i < 50000; i++) {
        nst_stack_run(f->side[0].stack, f->now, 0);
        nst_stack_run(f->side[1].stack, f->now, 0);
        if (nst_stack_next_deadline(f->side[0].stack) > f->now &&
            nst_stack_next_deadline(f->side[1].stack) > f->now)
            return;
    }
    abort(); /* an endless exchange at one point in time */
}

/* To the next deadline, at most `limit`. */
static void pass(struct fuzz *f, nst_time limit)
{
    const nst_time a = nst_stack_next_deadline(f->side[0].stack),
                   b = nst_stack_next_deadline(f->side[1].stack), next = a < b ? a : b;
    f->now = next < limit ? (next > f->now ? next : f->now) : limit;
    settle(f);
    accept_one(f);
}

/* ---- The whole ---- */

static void start_side(struct fuzz *f, int i, uint8_t how)
{
    struct side *x = &f->side[i];
    struct nst_stack_config config = {
        .size = sizeof(config), .allocator = {fuzz_alloc, fuzz_free, f}, .now = f->now};
    memset(config.seed, 1 + i, sizeof(config.seed));
    check(nst_stack_new(&config, &x->stack) == 0);
    x->fuzz = f;
    const uint32_t small = f->six ? 1280 : 576;
    x->link = (struct nst_link){.ops = &ops, .mtu = how & 1 ? small : 1500, .driver = x};
    const struct nst_nic_config nic = {.size = sizeof(nic), .link = &x->link};
    const struct nst_addr four = nst_addr_v4(10, 0, 0, (uint8_t)(1 + i));
    const struct nst_nic_addr addr = {.addr = f->six ? six_addr(&four) : four, .prefix_len = 24};
    check(nst_nic_add(x->stack, &nic, &x->nic) == 0);
    check(nst_nic_addr_add(x->stack, x->nic, &addr) == 0);
}

static void start(struct fuzz *f)
{
    const struct nst_addr four = nst_addr_v4(10, 0, 0, 2);
    const uint8_t how = input_take8(&f->in);
    f->six = (how & 0x10) != 0;
    const struct nst_endpoint to = {.addr = f->six ? six_addr(&four) : four, .port = 80};
    f->now = NST_SEC;
    start_side(f, 0, how);
    start_side(f, 1, how >> 1);
    check(nst_socket_open(f->side[1].stack, NST_STREAM, &f->listener) == 0);
    check(nst_socket_bind(f->side[1].stack, f->listener, &to) == 0);
    if ((how & 4) != 0)
        nst_socket_set(f->side[1].stack, f->listener, NST_OPT_RECEIVE_BUFFER, 4096);
    check(nst_socket_listen(f->side[1].stack, f->listener, 4) == 0);
    check(nst_socket_open(f->side[0].stack, NST_STREAM, &f->side[0].s) == 0);
    if ((how & 8) != 0)
        nst_socket_set(f->side[0].stack, f->side[0].s, NST_OPT_RECEIVE_BUFFER, 4096);
    check(nst_socket_connect(f->side[0].stack, f->side[0].s, &to) == -NST_EINPROGRESS);
}

static void operate(struct fuzz *f)
{
    static const nst_time waits[] = {0,       NST_USEC,    20 * NST_MSEC, 300 * NST_MSEC,
                                     NST_SEC, 5 * NST_SEC, 70 * NST_SEC,  100000 * NST_SEC};
    const uint8_t what = input_take8(&f->in);
    const int i = what >> 7;
    switch (what & 7) {
    case 0:
    case 1:
        write_some(f, i, input_take16(&f->in) % 20000);
        break;
    case 2:
        read_some(f, i, input_take16(&f->in));
        break;
    case 3:
        if ((what & 0x70) == 0x70)
            shut(f, i);
        else if ((what & 0x70) == 0x60)
            end(f, i);
        break;
    case 4:
        let_go(&f->side[i], &f->side[1 - i], what >> 3);
        break;
    default:
        pass(f, f->now + waits[what >> 3 & 7]);
        break;
    }
}

static bool is_over(const struct fuzz *f)
{
    const struct side *x = &f->side[0], *y = &f->side[1];
    return x->failed || y->failed ||
           (y->s != 0 && x->received == y->sent && y->received == x->sent);
}

/* The server gave up and the client, who has nothing to say, will never know. */
static bool is_half_open(const struct fuzz *f)
{
    return f->side[1].s == 0 && f->side[0].sent == 0;
}

/* The link is good from now on: everything arrives, or somebody hears why not. */
static void come_to_an_end(struct fuzz *f)
{
    f->kind = true;
    const nst_time limit = f->now + PATIENCE;
    for (int turn = 0; turn < TURNS_MAX && !is_over(f) && f->now < limit; turn++) {
        settle(f);
        accept_one(f);
        read_some(f, 0, SEND_MAX);
        read_some(f, 1, SEND_MAX);
        if (!is_over(f))
            pass(f, limit);
    }
    check(is_over(f) || is_half_open(f) || f->tampered);
}

static void finish(struct fuzz *f)
{
    for (int i = 0; i < 2; i++) {
        struct nst_census c;
        nst_stack_get_census(f->side[i].stack, &c);
        check(c.received + c.built + c.cloned + c.split ==
              c.transmitted + c.queued + c.delivered + c.merged + c.dropped);
        nst_stack_free(f->side[i].stack);
        for (int k = 0; k < HELD; k++)
            free(f->side[i].held[k].frame);
    }
    check(f->live == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz f;
    memset(&f, 0, sizeof(f));
    f.in = (struct input){data, size};
    start(&f);
    while (f.in.left > 0)
        operate(&f);
    come_to_an_end(&f);
    finish(&f);
    return 0;
}
