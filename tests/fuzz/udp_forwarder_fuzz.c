/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A promiscuous stack with a forwarder and sockets, fed packets whose IPv4 header is right and
 * whose rest is the fuzzer's, mixed with calls of the host and time.
 *
 * Input: a sequence of (operation, argument, length, bytes).
 */
#include <stdlib.h>
#include <string.h>

#include <nicstack/forwarder.h>
#include <nicstack/nic.h>
#include <nicstack/socket.h>

#include "wire/csum.h"
#include "wire/ip4.h"
#include "wire/ipproto.h"

#define SOCKETS 8

static void *allocate(void *context, size_t size)
{
    return aligned_alloc(16, (size + 15) & ~(size_t)15);
}

static void release(void *context, void *memory, size_t size)
{
    free(memory);
}

static void transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct nst_pkt *p;
    while ((p = nst_pktq_pop(q)) != NULL)
        nst_pkt_free(p);
}

static const struct nst_link_ops ops = {
    .transmit = transmit,
    .parse_header = nst_bare_ip_parse,
    .push_header = nst_bare_ip_push,
};

struct target {
    struct nst_link link;
    struct nst_stack *stack;
    uint32_t nic;
    nst_time now;
    nst_socket sockets[SOCKETS];
};

static void begin(struct target *t)
{
    memset(t, 0, sizeof(*t));
    t->link = (struct nst_link){.ops = &ops, .mtu = 1500};
    nst_stack_new(&(struct nst_stack_config){.size = sizeof(struct nst_stack_config),
                                             .allocator = {allocate, release, NULL},
                                             .memory_limit = 1 << 20,
                                             .seed = {1}},
                  &t->stack);
    nst_nic_add(t->stack,
                &(struct nst_nic_config){.size = sizeof(struct nst_nic_config),
                                         .link = &t->link,
                                         .promiscuous = true,
                                         .spoofing = true},
                &t->nic);
    nst_nic_addr_add(t->stack, t->nic,
                     &(struct nst_nic_addr){.addr = nst_addr_v4(10, 0, 0, 1), .prefix_len = 24});
    nst_route_add(t->stack, &(struct nst_route){.prefix = nst_addr_v4(0, 0, 0, 0), .nic = t->nic});
    nst_forwarder_start(t->stack,
                        &(struct nst_forwarder_config){.size = sizeof(struct nst_forwarder_config),
                                                       .tcp = true,
                                                       .udp = true,
                                                       .icmp_echo = true,
                                                       .pending_max = 8});
}

/* A packet of protocol `proto` from 10.0.0.2 to 10.0.0.1 or a foreign address; the transport
 * checksum counts as checked. */
static void inject(struct target *t, uint8_t proto, uint8_t arg, const uint8_t *data, size_t len)
{
    struct nst_pktq q = {0};
    struct nst_pkt *p = nst_pkt_new(t->link.pool, 0, (uint32_t)(IP4_HDR_LEN + len));
    if (p == NULL)
        return;
    const struct ip4_hdr hdr = {.src4 = addr_raw4(10, 0, 0, 2),
                                .dst4 = (arg & 1) != 0 ? addr_raw4(10, 0, 0, 1)
                                                       : addr_raw4(198, 51, 100, arg),
                                .total_len = (uint16_t)(IP4_HDR_LEN + len),
                                .hdr_len = IP4_HDR_LEN,
                                .ttl = 64,
                                .proto = proto};
    ip4_build(nst_pkt_put(p, IP4_HDR_LEN), &hdr);
    if (len > 0)
        memcpy(nst_pkt_put(p, (uint32_t)len), data, len);
    p->csum = NST_CSUM_VALID;
    nst_pktq_push(&q, p);
    nst_link_deliver(&t->link, &q);
}

/* What the host may do with a waiting request. */
static void decide(struct target *t, uint8_t arg)
{
    struct nst_request_info info;
    nst_socket *s = &t->sockets[arg % SOCKETS];

    if (!nst_request_next(t->stack, &info))
        return;
    if ((arg & 0x80) != 0) {
        nst_request_refuse(t->stack, info.request, (enum nst_refusal)(arg % 6));
        return;
    }
    nst_socket_close(t->stack, *s);
    nst_request_accept(t->stack, info.request, s);
}

static void use(struct target *t, uint8_t arg, const uint8_t *data, size_t len)
{
    uint8_t buffer[64];
    struct nst_message m;
    const nst_socket s = t->sockets[arg % SOCKETS];
    const struct nst_endpoint end = {.addr = nst_addr_v4(10, 0, 0, 2), .port = arg};

    switch (arg >> 5) {
    case 0:
        nst_socket_recvfrom(t->stack, s, buffer, arg & 63, 0, &m);
        break;
    case 1:
        nst_socket_send(t->stack, s, data, len, 0);
        break;
    case 2:
        nst_socket_sendto(t->stack, s, data, len, 0, &end);
        break;
    case 3:
        nst_socket_close(t->stack, s);
        break;
    case 4:
        nst_socket_connect(t->stack, s, &end);
        break;
    case 5:
        nst_socket_close(t->stack, s);
        nst_socket_open(t->stack, (arg & 16) != 0 ? NST_DATAGRAM : NST_PING,
                        &t->sockets[arg % SOCKETS]);
        break;
    case 6:
        nst_socket_bind(t->stack, s, &(struct nst_endpoint){.port = arg});
        break;
    default:
        nst_socket_shutdown(t->stack, s, arg & 3);
        break;
    }
}

static void step(struct target *t, uint8_t operation, uint8_t arg, const uint8_t *data, size_t len)
{
    static const uint8_t protos[] = {IP_PROTO_UDP, IP_PROTO_TCP, IP_PROTO_ICMP};

    switch (operation % 8) {
    case 0:
    case 1:
    case 2:
        inject(t, protos[operation % 8], arg, data, len);
        break;
    case 3:
        decide(t, arg);
        break;
    case 4:
    case 5:
        use(t, arg, data, len);
        break;
    case 6:
        t->now += (nst_time)arg * arg * NST_MSEC * 4;
        break;
    default:
        break;
    }
    nst_stack_run(t->stack, t->now, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct target t;
    struct nst_census c;

    begin(&t);
    while (size >= 3) {
        size_t len = data[2];
        if (len > size - 3)
            len = size - 3;
        /* An exact copy, so that reading past it is seen. */
        uint8_t *copy = malloc(len);
        if (len > 0)
            memcpy(copy, data + 3, len);
        step(&t, data[0], data[1], copy, len);
        free(copy);
        data += 3 + len;
        size -= 3 + len;
    }
    nst_stack_get_census(t.stack, &c);
    if (c.received + c.built + c.cloned + c.split !=
        c.transmitted + c.queued + c.delivered + c.merged + c.dropped)
        abort();
    nst_stack_free(t.stack);
    return 0;
}
