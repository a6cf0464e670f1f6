/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include "wire/csum.h"
#include "wire/ip6.h"
#include "wire/ipproto.h"
#include "wire/udp.h"

void rig_add_nic(struct rig *l)
{
    const int i = l->count++;
    const struct nst_mac mac = WORLD_MAC((uint8_t)(1 + i)), peer = RIG_PEER;

    assert_true(i < RIG_NICS);
    memlink_init(&l->link[i], &mac);
    l->link[i].link.caps |= l->config.caps;
    l->link[i].link.gso_max = l->config.gso_max;
    if (l->config.mtu != 0)
        l->link[i].link.mtu = l->config.mtu;
    const struct nst_nic_config nic = {.size = sizeof(nic),
                                       .link = &l->link[i].link,
                                       .promiscuous = l->config.promiscuous,
                                       .no_group_reports = true, /* nothing is sent unasked */
                                       .tx_queue_packets = l->config.tx_queue_packets};
    assert_int_equal(nst_nic_add(l->stack, &nic, &l->nic[i]), 0);
    RIG_FOR_FAMILIES (f) {
        const struct nst_addr theirs = rig_addr(i, f, 2);
        const struct nst_nic_addr ours = {
            .addr = rig_addr(i, f, 1), .prefix_len = f == RIG_V4 ? 24 : 64, .no_dad = true};
        assert_int_equal(nst_nic_addr_add(l->stack, l->nic[i], &ours), 0);
        if (!l->config.no_neighbours)
            assert_int_equal(nst_neigh_add(l->stack, l->nic[i], &theirs, peer), 0);
    }
    rig_run(l);
    memlink_clear(&l->link[i]);
}

void rig_begin(struct rig *l, int nics, const struct rig_config *config)
{
    memset(l, 0, sizeof(*l));
    l->now = WORLD_START;
    if (config != NULL)
        l->config = *config;
    alloc_init(&l->alloc);
    struct nst_stack_config stack = {.size = sizeof(stack),
                                     .allocator = l->alloc.allocator,
                                     .seed = {l->config.seed != 0 ? l->config.seed : 7},
                                     .now = l->now,
                                     .handle_local = l->config.handle_local,
                                     .weak_host = l->config.weak_host};
    assert_int_equal(nst_stack_new(&stack, &l->stack), 0);
    for (int i = 0; i < nics; i++)
        rig_add_nic(l);
}

void rig_end(struct rig *l)
{
    world_check_census(l->stack, false);
    nst_stack_free(l->stack);
    for (int i = 0; i < l->count; i++)
        memlink_fini(&l->link[i]);
    assert_int_equal(l->alloc.live, 0);
    assert_int_equal(l->alloc.live_bytes, 0);
}

void rig_run(struct rig *l)
{
    do {
        nst_stack_run(l->stack, l->now, 0);
        world_check_census(l->stack, false);
    } while (nst_stack_next_deadline(l->stack) <= l->now);
}

struct nst_addr rig_addr(int nic, enum rig_family family, uint8_t host)
{
    if (family == RIG_V4)
        return nst_addr_v4(10, 0, (uint8_t)nic, host);
    return (struct nst_addr){{{0xfd, [7] = (uint8_t)nic, [15] = host}}};
}

struct nst_endpoint rig_end_of(int nic, enum rig_family family, uint8_t host, uint16_t port)
{
    return (struct nst_endpoint){.addr = rig_addr(nic, family, host), .port = port};
}

void rig_inject(struct rig *l, int nic, struct nst_mac dst, uint16_t ethertype, const void *packet,
                size_t len)
{
    memlink_inject(&l->link[nic], l->frame,
                   frame_eth(l->frame, RIG_PEER, dst, ethertype, packet, len));
    rig_run(l);
}

void rig_inject_ip(struct rig *l, int nic, const void *packet, size_t len)
{
    const uint8_t version = *(const uint8_t *)packet >> 4;
    rig_inject(l, nic, l->link[nic].link.addr,
               version == 4 ? NST_ETHERTYPE_IPV4 : NST_ETHERTYPE_IPV6, packet, len);
}

size_t rig_build_udp(uint8_t *out, int nic, enum rig_family family, const struct rig_udp *udp)
{
    static const struct nst_addr none;
    const char *text = udp->text != NULL ? udp->text : "";
    const struct nst_endpoint src = {
        .addr = nst_addr_equal(&udp->src, &none) ? rig_addr(nic, family, 2) : udp->src,
        .port = udp->src_port != 0 ? udp->src_port : 5000};
    const struct nst_endpoint dst = {
        .addr = nst_addr_equal(&udp->dst, &none) ? rig_addr(nic, family, 1) : udp->dst,
        .port = udp->dst_port};
    const size_t len = frame_udp(out, &src, &dst, text, strlen(text));
    if (udp->bad_csum)
        out[len - strlen(text) - 1] ^= 1; /* its last byte */
    return len;
}

size_t rig_build_tcp(uint8_t *out, const struct nst_endpoint *src, const struct nst_endpoint *dst,
                     uint16_t flags)
{
    const struct tcp_hdr hdr = {.src_port = src->port,
                                .dst_port = dst->port,
                                .seq = 1000,
                                .flags = flags,
                                .wnd = 1000,
                                .hdr_len = TCP_HDR_LEN};
    uint8_t body[TCP_HDR_LEN];
    tcp_build(body, &hdr);
    tcp_csum_put(body, csum_short(body, sizeof(body),
                                  csum_pseudo(&src->addr, &dst->addr, IP_PROTO_TCP, TCP_HDR_LEN)));
    return frame_ip(out, &src->addr, &dst->addr, IP_PROTO_TCP, body, sizeof(body));
}

size_t rig_build_icmp(uint8_t *out, const struct nst_addr *src, const struct nst_addr *dst,
                      void *message, size_t len)
{
    const bool v4 = nst_addr_is_v4(dst);
    const uint8_t proto = v4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6;
    const uint32_t pseudo = v4 ? 0 : csum_pseudo_v6(src, dst, proto, (uint32_t)len);
    uint8_t *at = message;
    be16_put(at + 2, 0);
    be16_put(at + 2, csum_fold(csum_short(at, len, pseudo)));
    return frame_ip(out, src, dst, proto, message, len);
}

void rig_inject_udp(struct rig *l, int nic, enum rig_family family, const struct rig_udp *udp)
{
    static const struct nst_mac none;
    const size_t n = rig_build_udp(l->bytes, nic, family, udp);
    const bool own = memcmp(&udp->mac, &none, sizeof(none)) == 0;
    rig_inject(l, nic, own ? l->link[nic].link.addr : udp->mac, rig_ethertype(family), l->bytes, n);
}

nst_socket rig_open(struct rig *l, enum nst_socket_type type)
{
    nst_socket s;
    assert_int_equal(nst_socket_open(l->stack, type, &s), 0);
    return s;
}

nst_socket rig_bind(struct rig *l, enum nst_socket_type type, uint16_t port, int nic)
{
    const struct nst_endpoint at = {.port = port, .nic = nic < 0 ? 0 : l->nic[nic]};
    const nst_socket s = rig_open(l, type);
    assert_int_equal(nst_socket_bind(l->stack, s, &at), 0);
    return s;
}

const char *rig_text(struct rig *l, nst_socket s)
{
    const int64_t n = nst_socket_recv(l->stack, s, l->bytes, sizeof(l->bytes) - 1, 0);
    l->bytes[n > 0 ? n : 0] = 0;
    return (const char *)l->bytes;
}

int rig_drain(struct rig *l, nst_socket s)
{
    int n = 0;
    while (nst_socket_recv(l->stack, s, NULL, 0, 0) >= 0)
        n++;
    return n;
}

uint64_t rig_counter(const struct rig *l, int nic, const char *name)
{
    uint64_t value = 0;
    assert_int_equal(nst_nic_counter_get(l->stack, l->nic[nic], name, &value), 0);
    return value;
}

uint64_t rig_stack_counter(const struct rig *l, const char *name)
{
    return world_counter(l->stack, name);
}
