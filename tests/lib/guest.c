/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

#include "wire/ip4.h"
#include "wire/udp.h"

/* ---- Life ---- */

struct guest *guest_new(const struct guest_config *config)
{
    static const struct guest_config none;
    struct guest *g = calloc(1, sizeof(*g));
    if (config == NULL)
        config = &none;
    const struct world_config wc = {
        .bare_ip = true,
        .caps = config->caps,
        .mtu = config->mtu,
        .stack = {.memory_limit = config->memory},
        .nic = {.promiscuous = config->open,
                .spoofing = config->open,
                .tx_queue_packets = config->tx_queue_packets},
    };
    world_init_single(&g->w, &wc);
    g->w.memlink.completes = true;
    g->w.memlink.room = config->block ? 0 : UINT32_MAX;
    g->stack = g->w.hosts[0].stack;
    g->nic = g->w.hosts[0].nic;
    const struct nst_route route = {.prefix = nst_addr_v4(0, 0, 0, 0), .nic = g->nic};
    assert_int_equal(nst_route_add(g->stack, &route), 0);
    return g;
}

void guest_free(struct guest *g)
{
    world_fini(&g->w);
    free(g);
}

void guest_fail_after(struct guest *g, int n)
{
    alloc_fail_after(&g->w.hosts[0].alloc, n);
}

void guest_run(struct guest *g)
{
    nst_stack_run(g->stack, g->w.now, 0);
}

void guest_wait(struct guest *g, nst_time later)
{
    g->w.now += later;
    guest_run(g);
}

void guest_unblock(struct guest *g)
{
    memlink_set_room(&g->w.memlink, UINT32_MAX);
    guest_run(g);
}

/* ---- Injection ---- */

void guest_inject(struct guest *g, const struct nst_addr *src, const struct nst_addr *dst,
                  uint8_t proto, const void *body, size_t len)
{
    uint8_t *packet = malloc(IP4_HDR_LEN + len);
    const struct ip4_hdr hdr = {
        .src4 = src->w[3], .dst4 = dst->w[3], .ttl = 61, .tos = 0x10, .proto = proto};
    memlink_inject(&g->w.memlink, packet, frame_ip4_hdr(packet, &hdr, NULL, body, len));
    guest_run(g);
    free(packet);
}

void guest_inject_udp(struct guest *g, const struct nst_endpoint *src,
                      const struct nst_endpoint *dst, const void *data, size_t len)
{
    uint8_t *body = malloc(UDP_HDR_LEN + len);
    const size_t n = frame_udp_body(body, src, dst, data, len);
    guest_inject(g, &src->addr, &dst->addr, IP_PROTO_UDP, body, n);
    free(body);
}

void guest_inject_echo(struct guest *g, uint8_t type, const struct nst_endpoint *src,
                       const struct nst_addr *dst, uint16_t seq, const char *text)
{
    const struct icmp4_hdr hdr = {.type = type, .id = src->port, .seq = seq};
    uint8_t *body = malloc(ICMP4_HDR_LEN + strlen(text));
    const size_t n = frame_icmp4_body(body, &hdr, text, strlen(text));
    guest_inject(g, &src->addr, dst, IP_PROTO_ICMP, body, n);
    free(body);
}

void guest_inject_error(struct guest *g, const struct nst_addr *src, uint8_t type, uint8_t code,
                        const struct memlink_frame *quoted)
{
    uint8_t body[ICMP4_HDR_LEN + IP4_HDR_LEN + 8];
    const struct icmp4_hdr hdr = {.type = type, .code = code};
    const struct nst_addr to = addr_v4_get(quoted->data + 12);
    const size_t n = frame_icmp4_body(body, &hdr, quoted->data, IP4_HDR_LEN + 8);
    guest_inject(g, src, &to, IP_PROTO_ICMP, body, n);
}

/* ---- What was sent ---- */

uint32_t guest_count(const struct guest *g)
{
    return g->w.memlink.count;
}

const struct memlink_frame *guest_last(const struct guest *g)
{
    const struct memlink *m = &g->w.memlink;
    return m->count > 0 ? &m->frames[m->count - 1] : NULL;
}

uint8_t guest_proto(const struct memlink_frame *p)
{
    assert_true(frame_ip4_is_right(p->data, p->len));
    return p->data[9];
}

const uint8_t *guest_body(const struct memlink_frame *p, size_t *ret_len)
{
    guest_proto(p);
    *ret_len = p->len - IP4_HDR_LEN;
    return p->data + IP4_HDR_LEN;
}

uint64_t guest_counter(const struct guest *g, const char *name)
{
    return world_counter(g->stack, name);
}
