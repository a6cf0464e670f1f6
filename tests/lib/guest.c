/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

#include "wire/csum.h"
#include "wire/icmp4.h"
#include "wire/ip4.h"
#include "wire/udp.h"

/* ---- The allocator ---- */

static void *allocate(void *context, size_t size)
{
    struct guest *g = context;
    if (g->allocations == 0)
        return NULL;
    if (g->allocations > 0)
        g->allocations--;
    g->allocated += (int64_t)size;
    void *memory = aligned_alloc(16, (size + 15) & ~(size_t)15);
    memset(memory, 0xa5, size);
    return memory;
}

static void release(void *context, void *memory, size_t size)
{
    struct guest *g = context;
    g->allocated -= (int64_t)size;
    free(memory);
}

/* ---- The link ---- */

static void transmit(struct nst_link *link, struct nst_pktq *q)
{
    struct guest *g = link->driver;
    struct nst_pkt *p;

    if (g->block) {
        link->tx_blocked = true;
        return;
    }
    while ((p = nst_pktq_pop(q)) != NULL) {
        if (g->nsent < GUEST_SENT_MAX) {
            struct guest_packet *sent = &g->sent[g->nsent++];
            sent->csum = p->csum;
            nst_pkt_complete_csum(p);
            sent->len = p->len;
            sent->data = malloc(p->len);
            nst_pkt_copy_out(p, 0, sent->data, p->len);
        }
        nst_pkt_free(p);
    }
}

static const struct nst_link_ops ops = {
    .transmit = transmit,
    .parse_header = nst_bare_ip_parse,
    .push_header = nst_bare_ip_push,
};

/* ---- Life ---- */

struct guest *guest_new(const struct guest_config *config)
{
    static const struct guest_config none;
    struct guest *g = calloc(1, sizeof(*g));
    if (config == NULL)
        config = &none;
    g->allocations = -1;
    g->block = config->block;
    g->link = (struct nst_link){.ops = &ops,
                                .caps = config->caps,
                                .mtu = config->mtu != 0 ? config->mtu : 1500,
                                .driver = g};
    const struct nst_stack_config stack = {.size = sizeof(stack),
                                           .allocator = {allocate, release, g},
                                           .memory_limit = config->memory,
                                           .seed = {1, 2, 3}};
    assert_int_equal(nst_stack_new(&stack, &g->stack), 0);
    const struct nst_nic_config nic = {.size = sizeof(nic),
                                       .link = &g->link,
                                       .promiscuous = config->open,
                                       .spoofing = config->open,
                                       .tx_queue_packets = config->tx_queue_packets};
    assert_int_equal(nst_nic_add(g->stack, &nic, &g->nic), 0);
    const struct nst_nic_addr addr = {.addr = GUEST_OURS, .prefix_len = 24};
    assert_int_equal(nst_nic_addr_add(g->stack, g->nic, &addr), 0);
    const struct nst_route route = {.prefix = nst_addr_v4(0, 0, 0, 0), .nic = g->nic};
    assert_int_equal(nst_route_add(g->stack, &route), 0);
    return g;
}

void guest_free(struct guest *g)
{
    guest_fail_after(g, -1);
    guest_check(g);
    guest_forget(g);
    nst_stack_free(g->stack);
    assert_int_equal(g->allocated, 0);
    free(g);
}

void guest_fail_after(struct guest *g, int n)
{
    g->allocations = n;
}

void guest_run(struct guest *g)
{
    nst_stack_run(g->stack, g->now, 0);
}

void guest_wait(struct guest *g, nst_time later)
{
    g->now += later;
    guest_run(g);
}

void guest_unblock(struct guest *g)
{
    g->block = false;
    nst_link_set_writable(&g->link);
    guest_run(g);
}

/* ---- Injection ---- */

void guest_inject_raw(struct guest *g, const void *bytes, size_t len)
{
    struct nst_pktq q = {0};
    struct nst_pkt *p = nst_pkt_new(g->link.pool, 0, (uint32_t)len);
    if (p == NULL)
        return;
    if (len > 0)
        memcpy(nst_pkt_put(p, (uint32_t)len), bytes, len);
    nst_pktq_push(&q, p);
    nst_link_deliver(&g->link, &q);
    guest_run(g);
}

void guest_inject(struct guest *g, const struct nst_addr *src, const struct nst_addr *dst,
                  uint8_t proto, const void *body, size_t len)
{
    uint8_t *packet = malloc(IP4_HDR_LEN + len);
    const struct ip4_hdr hdr = {.src4 = src->w[3],
                                .dst4 = dst->w[3],
                                .total_len = (uint16_t)(IP4_HDR_LEN + len),
                                .hdr_len = IP4_HDR_LEN,
                                .ttl = 61,
                                .tos = 0x10,
                                .proto = proto};
    ip4_build(packet, &hdr);
    if (len > 0)
        memcpy(packet + IP4_HDR_LEN, body, len);
    guest_inject_raw(g, packet, IP4_HDR_LEN + len);
    free(packet);
}

void guest_inject_udp(struct guest *g, const struct nst_endpoint *src,
                      const struct nst_endpoint *dst, const void *data, size_t len)
{
    const uint32_t total = (uint32_t)(UDP_HDR_LEN + len);
    uint8_t *body = malloc(total);
    udp_build(body, &(struct udp_hdr){src->port, dst->port, (uint16_t)total, 0});
    if (len > 0)
        memcpy(body + UDP_HDR_LEN, data, len);
    const uint32_t pseudo = csum_pseudo(&src->addr, &dst->addr, IP_PROTO_UDP, total);
    udp_csum_put(body, csum_short(body, total, pseudo));
    guest_inject(g, &src->addr, &dst->addr, IP_PROTO_UDP, body, total);
    free(body);
}

void guest_inject_echo(struct guest *g, uint8_t type, const struct nst_endpoint *src,
                       const struct nst_addr *dst, uint16_t seq, const char *text)
{
    const size_t len = strlen(text);
    uint8_t *body = malloc(ICMP4_HDR_LEN + len);
    icmp4_build(body, &(struct icmp4_hdr){.type = type, .id = src->port, .seq = seq});
    memcpy(body + ICMP4_HDR_LEN, text, len);
    icmp4_csum_put(body, csum_short(body, ICMP4_HDR_LEN + len, 0));
    guest_inject(g, &src->addr, dst, IP_PROTO_ICMP, body, ICMP4_HDR_LEN + len);
    free(body);
}

void guest_inject_error(struct guest *g, const struct nst_addr *src, uint8_t type, uint8_t code,
                        const struct guest_packet *quoted)
{
    uint8_t body[ICMP4_HDR_LEN + IP4_HDR_LEN + 8];
    const struct nst_addr to = addr_v4_get(quoted->data + 12);
    icmp4_build(body, &(struct icmp4_hdr){.type = type, .code = code});
    memcpy(body + ICMP4_HDR_LEN, quoted->data, IP4_HDR_LEN + 8);
    icmp4_csum_put(body, csum_short(body, sizeof(body), 0));
    guest_inject(g, src, &to, IP_PROTO_ICMP, body, sizeof(body));
}

/* ---- What was sent ---- */

const struct guest_packet *guest_last(const struct guest *g)
{
    return g->nsent > 0 ? &g->sent[g->nsent - 1] : NULL;
}

static void check_csum(const struct guest_packet *p, const struct ip4_hdr *hdr)
{
    const uint8_t *body = p->data + hdr->hdr_len;
    const size_t len = p->len - hdr->hdr_len;
    const struct nst_addr src = addr_from_raw4(hdr->src4), dst = addr_from_raw4(hdr->dst4);
    uint32_t sum = csum_portable.sum(body, len, 0);

    if (ip4_is_fragment(hdr))
        return;
    if (hdr->proto != IP_PROTO_ICMP)
        sum = csum_add(sum, csum_pseudo(&src, &dst, hdr->proto, (uint32_t)len));
    assert_true(csum_ok(sum));
}

uint8_t guest_proto(const struct guest_packet *p)
{
    struct ip4_hdr hdr;
    assert_true(ip4_parse(p->data, p->len, &hdr) != 0);
    assert_int_equal(hdr.total_len, p->len);
    assert_true(ip4_csum_ok(p->data, hdr.hdr_len));
    check_csum(p, &hdr);
    return hdr.proto;
}

const uint8_t *guest_body(const struct guest_packet *p, size_t *ret_len)
{
    guest_proto(p);
    *ret_len = p->len - IP4_HDR_LEN;
    return p->data + IP4_HDR_LEN;
}

void guest_forget(struct guest *g)
{
    for (int i = 0; i < g->nsent; i++)
        free(g->sent[i].data);
    g->nsent = 0;
}

uint64_t guest_counter(const struct guest *g, const char *name)
{
    uint64_t value = 0;
    assert_int_equal(nst_stack_counter_get(g->stack, name, &value), 0);
    return value;
}

void guest_check(const struct guest *g)
{
    struct nst_census c;
    nst_stack_get_census(g->stack, &c);
    assert_int_equal(c.received + c.built + c.cloned + c.split,
                     c.transmitted + c.queued + c.delivered + c.merged + c.dropped);
}
