/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One whole stack with two NICs, fed frames x time x calls.
 *
 * The input is a program. An operation is one byte, its arguments follow; peers.c makes most of
 * the frames, and knows the numbers of the connections, so that they get anywhere; six.c says the
 * same over IPv6. At the end the
 * census must balance, what was lent must be back, and so must every byte of memory.
 */
#include <nicstack/forwarder.h>
#include <nicstack/nic.h>

#include "peers.h"
#include "six.h"
#include "wire/eth.h"

#define SOCKETS    8
#define REQUESTS   4
#define NICS       2
#define OPERATIONS 400

struct fuzz;

struct port {
    struct nst_link link;
    struct fuzz *fuzz;
    uint32_t nic;
    bool full; /* the link blocks */
};

struct fuzz {
    struct input in;
    struct nst_stack *stack;
    struct port ports[NICS];
    nst_time now;
    int64_t live, lent;
    uint32_t starve; /* allocations that still succeed, and then one that does not; 0: all */
    bool starved;    /* no allocation succeeds */
    nst_socket sockets[SOCKETS];
    nst_request requests[REQUESTS];
    struct peers peers;
};

static uint8_t bytes[20000]; /* what is written, and what was read */

static uint8_t take8(struct fuzz *f)
{
    return input_take8(&f->in);
}

static uint16_t take16(struct fuzz *f)
{
    return input_take16(&f->in);
}

/* ---- A link and an allocator of the fuzzer's own ---- */

static void show(struct fuzz *f, const uint8_t *packet, uint32_t len, bool is_ip)
{
    uint8_t four[SIX_CAP];
    if (!is_ip || len == 0)
        return;
    if (packet[0] >> 4 == 4) {
        peers_see(&f->peers, packet, len);
        return;
    }
    const size_t n = four_from_six(four, packet, len);
    if (n != 0)
        peers_see(&f->peers, four, (uint32_t)n);
}

static void fuzz_transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct port *port = link->driver;
    uint8_t frame[FRAME_CAP];
    while (!nst_pktq_is_empty(q)) {
        if (port->full) {
            link->tx_blocked = true;
            return;
        }
        struct nst_pkt *p = nst_pktq_pop(q);
        const uint32_t header = link->max_header;
        nst_pkt_complete_csum(p);
        const uint32_t len = nst_pkt_copy_out(p, 0, frame, sizeof(frame));
        check(p->len <= link->mtu + header || p->gso != NST_GSO_NONE);
        show(port->fuzz, frame + header, len - header,
             header == 0 || be16_get(frame + 12) != NST_ETHERTYPE_ARP);
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
    if (f->starved || (f->starve != 0 && --f->starve == 0))
        return NULL;
    f->live += (int64_t)size;
    return malloc(size);
}

static void fuzz_free(void *context, void *memory, size_t size)
{
    struct fuzz *f = context;
    f->live -= (int64_t)size;
    free(memory);
}

static void give_back(void *context, uint8_t *memory)
{
    struct fuzz *f = context;
    f->lent--;
    check(memory == bytes);
}

static void inject(struct port *port, const uint8_t *frame, size_t len, uint8_t csum)
{
    struct nst_pktq q = {0};
    struct nst_pkt *p =
        port->link.pool != NULL ? nst_pkt_new(port->link.pool, 16, (uint32_t)len) : NULL;
    if (p == NULL)
        return;
    memcpy(nst_pkt_put(p, (uint32_t)len), frame, len);
    p->csum = csum;
    nst_pktq_push(&q, p);
    nst_link_deliver(&port->link, &q);
}

/* ---- Frames ---- */

typedef size_t frame_maker(struct peers *w, struct input *in, uint8_t *out);

/* The first byte says where it comes in, to which link address, and over which family. */
static void frame(struct fuzz *f, frame_maker *make, uint16_t ethertype)
{
    uint8_t made[FRAME_CAP], six[SIX_CAP], out[SIX_CAP + 14];
    const uint8_t how = take8(f);
    struct port *port = &f->ports[how & 1];
    size_t len = make(&f->peers, &f->in, made);
    const uint8_t *packet = made;
    if (len != 0 && (how & 0x80) != 0) {
        packet = six;
        len = ethertype == NST_ETHERTYPE_ARP ? six_from_arp(six, made, len)
                                             : six_from_four(six, made, len);
        ethertype = NST_ETHERTYPE_IPV6;
    }
    if (len == 0)
        return;
    const uint8_t csum = how & 2 ? NST_CSUM_VALID : NST_CSUM_UNKNOWN;
    if ((port->link.caps & NST_LINK_RESOLVES) == 0) {
        inject(port, packet, len, csum);
        return;
    }
    struct nst_mac to = port->link.addr;
    if ((how & 0x1c) == 0x1c)
        memset(&to, how & 0x20 ? 0xff : 1, sizeof(to));
    inject(port, out,
           frame_eth(out, (struct nst_mac){{2, 0, 0, 0, 0, 9}}, to, ethertype, packet, len), csum);
}

static void raw_frame(struct fuzz *f)
{
    frame(f, peers_raw, (take8(f) & 0x1f) == 0x1f ? take16(f) : NST_ETHERTYPE_IPV4);
}

static void begin_tcp(struct fuzz *f)
{
    frame(f, peers_begin, NST_ETHERTYPE_IPV4);
}

static void talk_tcp(struct fuzz *f)
{
    frame(f, peers_talk, NST_ETHERTYPE_IPV4);
}

static void datagram(struct fuzz *f)
{
    frame(f, peers_datagram, NST_ETHERTYPE_IPV4);
}

static void icmp(struct fuzz *f)
{
    frame(f, peers_icmp, NST_ETHERTYPE_IPV4);
}

static void fragment(struct fuzz *f)
{
    frame(f, peers_fragment, NST_ETHERTYPE_IPV4);
}

static void arp(struct fuzz *f)
{
    frame(f, peers_arp, NST_ETHERTYPE_ARP);
}

/* ---- Calls ---- */

static nst_socket *slot(struct fuzz *f)
{
    return &f->sockets[take8(f) % SOCKETS];
}

static struct nst_endpoint endpoint(struct fuzz *f)
{
    const uint8_t byte = take8(f);
    const struct nst_addr four = peers_addr(byte);
    return (struct nst_endpoint){.addr = byte & 0x80 ? six_addr(&four) : four, .port = 80};
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

static void look_at(struct fuzz *f, nst_socket s)
{
    struct nst_tcp_info info;
    struct nst_endpoint end;
    nst_socket_tcp_info(f->stack, s, &info);
    nst_socket_get_local(f->stack, s, &end);
    nst_socket_get_remote(f->stack, s, &end);
    nst_socket_events(f->stack, s);
}

static void use_socket(struct fuzz *f)
{
    nst_socket *s = slot(f), child;
    struct nst_iovec pieces[4];
    struct nst_endpoint to = endpoint(f);
    int64_t value;
    switch (take8(f) % 14) {
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
    case 11:
        if (nst_socket_send_lend(f->stack, *s, bytes, take16(f) % sizeof(bytes), give_back, f) == 0)
            f->lent++;
        break;
    case 12:
        look_at(f, *s);
        break;
    default:
        nst_socket_error(f->stack, *s);
        nst_socket_refuse(f->stack, *s, (enum nst_refusal)(take8(f) % 5));
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

static void change_addresses(struct fuzz *f, struct port *port)
{
    const struct nst_addr any = endpoint(f).addr;
    const struct nst_nic_addr addr = {.addr = any,
                                      .prefix_len = take8(f) % (nst_addr_is_v4(&any) ? 34 : 130)};
    const struct nst_route route = {.prefix = addr.addr,
                                    .prefix_len = addr.prefix_len,
                                    .nic = port->nic,
                                    .gateway = endpoint(f).addr,
                                    .mtu = take8(f) % 3 * 100u};
    switch (take8(f) % 6) {
    case 0:
        nst_nic_addr_add(f->stack, port->nic, &addr);
        break;
    case 1:
        nst_nic_addr_remove(f->stack, port->nic, &addr.addr);
        break;
    case 2:
        nst_route_add(f->stack, &route);
        break;
    case 3:
        nst_route_remove(f->stack, &route);
        break;
    case 4:
        nst_neigh_add(f->stack, port->nic, &addr.addr, (struct nst_mac){{2, 0, 0, 0, 0, 7}});
        break;
    default:
        nst_neigh_remove(f->stack, port->nic, &addr.addr);
        break;
    }
}

static void add_nic(struct fuzz *f, struct port *port)
{
    const struct nst_nic_config nic = {.size = sizeof(nic),
                                       .link = &port->link,
                                       .promiscuous = true,
                                       .spoofing = true,
                                       .link_local = NST_LINK_LOCAL_OPAQUE};
    if (nst_nic_add(f->stack, &nic, &port->nic) < 0)
        port->nic = 0;
}

static void change_nic(struct fuzz *f)
{
    struct port *port = &f->ports[take8(f) & 1];
    switch (take8(f) % 8) {
    case 0:
        nst_nic_disable(f->stack, port->nic);
        break;
    case 1:
        nst_nic_enable(f->stack, port->nic);
        break;
    case 2:
        port->full = true;
        break;
    case 3:
        port->full = false;
        if (port->link.tx_blocked)
            nst_link_set_writable(&port->link);
        break;
    case 4:
        if (port->nic == 0)
            add_nic(f, port);
        else if (nst_nic_remove(f->stack, port->nic) == 0)
            port->nic = 0;
        break;
    case 5:
        nst_nic_set_promiscuous(f->stack, port->nic, take8(f) & 1);
        nst_nic_set_spoofing(f->stack, port->nic, take8(f) & 1);
        break;
    default:
        change_addresses(f, port);
        break;
    }
}

static void change_memory(struct fuzz *f)
{
    const uint8_t how = take8(f);
    f->starved = how == 255;
    f->starve = how < 128 ? how : 0;
}

static void balance(struct fuzz *f)
{
    struct nst_census c;
    nst_stack_get_census(f->stack, &c);
    check(c.received + c.built + c.cloned + c.split ==
          c.transmitted + c.queued + c.delivered + c.merged + c.dropped);
    check(c.queued <= c.alive);
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
    balance(f);
}

static void start_port(struct fuzz *f, int i, uint8_t how)
{
    struct port *port = &f->ports[i];
    const bool ethernet = how & 1;
    port->fuzz = f;
    port->link =
        (struct nst_link){.ops = ethernet ? &ethernet_ops : &bare_ops,
                          .caps = (ethernet ? NST_LINK_RESOLVES : 0) |
                                  (how & 2 ? NST_LINK_CSUM_TX | NST_LINK_TSO4 | NST_LINK_TSO6 : 0),
                          .mtu = how & 4 ? 576 : 1500,
                          .max_header = ethernet ? 14 : 0,
                          .addr = {{2, 0, 0, 0, 0, 1}},
                          .driver = port};
    if ((port->link.caps & NST_LINK_TSO4) != 0)
        port->link.gso_max = 65535;
    add_nic(f, port);
    check(port->nic != 0);
    const struct nst_nic_addr addr = {.addr = nst_addr_v4(10, 0, (uint8_t)i, 1), .prefix_len = 24};
    check(nst_nic_addr_add(f->stack, port->nic, &addr) == 0);
    const struct nst_nic_addr addr6 = {
        .addr = six_addr(&addr.addr), .prefix_len = 64, .no_dad = (how & 2) == 0};
    nst_nic_addr_add(f->stack, port->nic, &addr6); /* not where the MTU is too small */
}

static void start(struct fuzz *f)
{
    const uint8_t how = take8(f);
    struct nst_stack_config config = {.size = sizeof(config),
                                      .allocator = {fuzz_alloc, fuzz_free, f},
                                      .memory_limit = how & 0x40 ? 100 << 10 : 1 << 20,
                                      .handle_local = (how & 0x80) != 0,
                                      .now = NST_SEC};
    memset(config.seed, 1, sizeof(config.seed));
    check(nst_stack_new(&config, &f->stack) == 0);
    f->now = NST_SEC;
    start_port(f, 0, how);
    start_port(f, 1, how >> 3 & 7);
    const struct nst_route route = {.prefix = nst_addr_v4(0, 0, 0, 0),
                                    .nic = f->ports[0].nic,
                                    .gateway = nst_addr_v4(10, 0, 0, 2)};
    check(nst_route_add(f->stack, &route) == 0);
    const struct nst_route route6 = {.nic = f->ports[0].nic, .gateway = six_addr(&route.gateway)};
    check(nst_route_add(f->stack, &route6) == 0);
    const struct nst_forwarder_config forwarder = {
        .size = sizeof(forwarder), .tcp = true, .udp = true, .icmp_echo = true, .pending_max = 4};
    check(nst_forwarder_start(f->stack, &forwarder) == 0);
}

static void finish(struct fuzz *f)
{
    balance(f);
    nst_stack_free(f->stack);
    check(f->lent == 0);
    check(f->live == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const operations[])(struct fuzz *) = {
        talk_tcp, begin_tcp,  run,      open_socket,   use_socket, use_requests,
        datagram, icmp,       fragment, arp,           raw_frame,  change_nic,
        run,      use_socket, talk_tcp, change_memory,
    };
    static struct fuzz f;
    memset(&f, 0, sizeof(f));
    f.in = (struct input){data, size};
    start(&f);
    for (int i = 0; i < OPERATIONS && f.in.left > 0; i++)
        operations[take8(&f) % (sizeof(operations) / sizeof(operations[0]))](&f);
    finish(&f);
    return 0;
}
