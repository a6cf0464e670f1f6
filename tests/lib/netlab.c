/* SPDX-License-Identifier: Apache-2.0 */
#include "netlab.h"

#include <stdlib.h>
#include <string.h>

#include "network/arp.h"
#include "network/icmp4.h"
#include "network/icmp6.h"
#include "network/igmp.h"
#include "network/ipv4.h"
#include "network/ipv6.h"

#define MUST(cond)                                                     \
    do {                                                               \
        if (!(cond)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                   \
        }                                                              \
    } while (0)

static struct lab *current; /* one laboratory at a time */

/* ---- The transport ---- */

static void note(struct nst_stack *stack, struct pkt *p, const struct rx *rx)
{
    struct lab *lab = current;
    lab->rx = *rx;
    free(lab->payload);
    lab->payload = malloc(p->len + 1);
    lab->payload_len = nst_pkt_copy_out((struct nst_pkt *)p, 0, lab->payload, p->len);
    lab->slices = p->nslices;
    lab->delivered++;
    pkt_deliver(p);
}

static void note_error(struct nst_stack *stack, const struct net_error_report *report)
{
    struct lab *lab = current;
    MUST(report->quote_len >= 8);
    lab->error = *report;
    memcpy(lab->quote, report->quote, 8);
    lab->errors++;
}

static bool handle(struct nst_stack *stack, struct pkt *p, const struct rx *rx)
{
    current->handled++;
    current->rx = *rx;
    pkt_deliver(p);
    return true;
}

static bool echo_reply(struct nst_stack *stack, struct pkt *p, const struct rx *rx)
{
    current->echo_replies++;
    current->rx = *rx;
    pkt_deliver(p);
    return true;
}

static void echo_error(struct nst_stack *stack, const struct net_error_report *report)
{
    current->echo_errors++;
    note_error(stack, report);
}

static const struct transport_proto lab_proto = {
    .name = "lab", .number = LAB_PROTO, .input = note, .error = note_error};
static const struct transport_proto lab_tcp = {
    .name = "lab tcp", .number = IP_PROTO_TCP, .input = note, .error = note_error};
static const struct transport_proto lab_udp = {
    .name = "lab udp", .number = IP_PROTO_UDP, .input = note, .error = note_error};

/* ---- The laboratory ---- */

void lab_init(struct lab *lab)
{
    lab_init_with(lab, true, false);
}

void lab_init_with(struct lab *lab, bool handle_local, bool weak_host)
{
    memset(lab, 0, sizeof(*lab));
    current = lab;
    lab->now = 1000 * NST_SEC;
    alloc_init(&lab->alloc);
    struct nst_stack_config config = {.size = sizeof(config),
                                      .allocator = lab->alloc.allocator,
                                      .memory_limit = 16 << 20,
                                      .seed = {1, 2, 3},
                                      .now = lab->now,
                                      .handle_local = handle_local,
                                      .weak_host = weak_host};
    MUST(stack_new(&config, &lab->stack) == 0);
    stack_add_net(lab->stack, &ip4_proto);
    stack_add_net(lab->stack, &arp_proto);
    stack_add_net(lab->stack, &ip6_proto);
    stack_add_transport(lab->stack, &icmp4_proto);
    stack_add_transport(lab->stack, &icmp6_proto);
    stack_add_transport(lab->stack, &igmp_proto);
    stack_add_transport(lab->stack, &lab_proto);
    stack_add_transport(lab->stack, &lab_tcp);
    stack_add_transport(lab->stack, &lab_udp);
    MUST(stack_start(lab->stack) == 0);
    lab->stack->default_handler = handle;
    lab->stack->echo_reply = echo_reply;
    lab->stack->echo_error = echo_error;
}

void lab_fini(struct lab *lab)
{
    stack_free(lab->stack); /* checks the census in debug builds */
    for (unsigned i = 0; i < LAB_NICS; i++)
        memlink_fini(&lab->nics[i].m);
    free(lab->payload);
    MUST(lab->alloc.live == 0);
    current = NULL;
}

struct nst_mac lab_mac(unsigned last)
{
    return (struct nst_mac){{2, 0, 0, (uint8_t)(last >> 16), (uint8_t)(last >> 8), (uint8_t)last}};
}

struct nic *lab_add_nic(struct lab *lab, unsigned n, uint32_t caps, uint32_t mtu)
{
    struct lab_nic *ln = &lab->nics[n - 1];
    const struct nst_mac mac = lab_mac(n);
    memlink_init(&ln->m, caps & NST_LINK_RESOLVES ? &mac : NULL);
    ln->m.completes = true;
    ln->m.link.caps = caps;
    ln->m.link.mtu = mtu;
    ln->m.link.addr = mac;
    const struct nst_nic_config config = {.size = sizeof(config),
                                          .id = n,
                                          .link = &ln->m.link,
                                          .link_local = lab->link_local,
                                          .no_group_reports = !lab->group_reports,
                                          .accept_ra = lab->accept_ra,
                                          .temporary_addresses = lab->temporary_addresses};
    MUST(nst_nic_add(lab->stack, &config, &ln->id) == 0);
    return nic_by_id(lab->stack, n);
}

struct nst_addr lab_addr(const char *text)
{
    struct nst_addr addr;
    MUST(nst_addr_parse(text, &addr) == 0);
    return addr;
}

static struct nst_addr parse_prefix(const char *text, uint8_t *ret_len)
{
    char copy[64];
    snprintf(copy, sizeof(copy), "%s", text);
    char *slash = strchr(copy, '/');
    MUST(slash != NULL);
    *slash = 0;
    *ret_len = (uint8_t)strtoul(slash + 1, NULL, 10);
    return lab_addr(copy);
}

void lab_add_addr(struct lab *lab, unsigned n, const char *text)
{
    struct nst_nic_addr a = {.no_dad = true};
    a.addr = parse_prefix(text, &a.prefix_len);
    MUST(nst_nic_addr_add(lab->stack, n, &a) == 0);
}

void lab_add_route(struct lab *lab, const char *prefix, unsigned n, const char *gateway)
{
    struct nst_route r = {.nic = n};
    r.prefix = parse_prefix(prefix, &r.prefix_len);
    if (gateway != NULL)
        r.gateway = lab_addr(gateway);
    MUST(nst_route_add(lab->stack, &r) == 0);
}

void lab_run(struct lab *lab)
{
    nst_stack_run(lab->stack, lab->now, 0);
}

void lab_advance(struct lab *lab, nst_time by)
{
    const nst_time end = lab->now + by;
    lab_run(lab);
    for (nst_time t; (t = nst_stack_next_deadline(lab->stack)) <= end;) {
        if (t > lab->now)
            lab->now = t;
        lab_run(lab);
    }
    lab->now = end;
    lab_run(lab);
}

struct nst_pkt *lab_packet(struct lab *lab, const void *data, size_t len)
{
    struct nst_pkt *p = nst_pkt_new(lab->stack->pool, 64, (uint32_t)len);
    MUST(p != NULL);
    memcpy(nst_pkt_put(p, (uint32_t)len), data, len);
    return p;
}

void lab_feed(struct lab *lab, unsigned n, uint16_t ethertype, const void *data, size_t len,
              const struct nst_mac *to)
{
    struct memlink *m = &lab->nics[n - 1].m;
    struct nst_pkt *p = lab_packet(lab, data, len);
    const struct nst_link_header h = {
        .src = lab_mac(0x99), .dst = to != NULL ? *to : m->link.addr, .ethertype = ethertype};
    m->link.ops->push_header(&m->link, p, &h);
    struct nst_pktq q = {0};
    nst_pktq_push(&q, p);
    memlink_deliver(m, &q);
    lab_run(lab);
}

void lab_feed_ip(struct lab *lab, unsigned n, const void *data, size_t len)
{
    lab_feed(lab, n, NST_ETHERTYPE_IPV4, data, len, NULL);
}

void lab_feed_ip6(struct lab *lab, unsigned n, const void *data, size_t len)
{
    const struct nst_addr dst = addr_v6_get((const uint8_t *)data + 24);
    const struct nst_mac group = mac_from_group(&dst);
    lab_feed(lab, n, NST_ETHERTYPE_IPV6, data, len, addr_is_multicast(&dst) ? &group : NULL);
}

const uint8_t *lab_take(struct lab *lab, unsigned n, size_t *ret_len, uint16_t *ret_type,
                        struct nst_mac *ret_to)
{
    struct lab_nic *ln = &lab->nics[n - 1];
    if (lab_frames(lab, n) == 0) {
        lab_discard(lab, n);
        return NULL;
    }
    const struct memlink_frame *f = &ln->m.frames[ln->taken++];
    const uint32_t hdr = ln->m.link.max_header;
    if (ret_len != NULL)
        *ret_len = f->len - hdr;
    if (ret_type != NULL)
        *ret_type = hdr != 0               ? be16_get(f->data + 12)
                    : f->data[0] >> 4 == 6 ? NST_ETHERTYPE_IPV6
                                           : NST_ETHERTYPE_IPV4;
    if (ret_to != NULL && hdr != 0)
        memcpy(ret_to, f->data, 6);
    return f->data + hdr;
}

size_t lab_frames(const struct lab *lab, unsigned n)
{
    return lab->nics[n - 1].m.count - lab->nics[n - 1].taken;
}

void lab_discard(struct lab *lab, unsigned n)
{
    memlink_clear(&lab->nics[n - 1].m);
    lab->nics[n - 1].taken = 0;
}

size_t lab_build_ip(uint8_t *to, const struct lab_ip *ip, const void *payload, size_t len)
{
    const struct ip4_hdr hdr = {.src4 = lab_addr(ip->src).w[3],
                                .dst4 = lab_addr(ip->dst).w[3],
                                .id = ip->id,
                                .frag_off = ip->frag,
                                .hdr_len = (uint8_t)(IP4_HDR_LEN + ip->options_len),
                                .tos = ip->tos,
                                .ttl = ip->ttl != 0 ? ip->ttl : 64,
                                .proto = ip->proto,
                                .df = ip->df,
                                .mf = ip->mf};
    return frame_ip4_hdr(to, &hdr, ip->options, payload, len);
}

size_t lab_build_ip6(uint8_t *to, const struct lab_ip6 *ip, const void *payload, size_t len)
{
    const struct ip6_hdr hdr = {.src = lab_addr(ip->src),
                                .dst = lab_addr(ip->dst),
                                .payload_len = (uint16_t)(ip->ext_len + len),
                                .tclass = ip->tclass,
                                .next = ip->next,
                                .hop_limit = ip->hop_limit != 0 ? ip->hop_limit : 64};
    ip6_build(to, &hdr);
    if (ip->ext_len > 0)
        memcpy(to + IP6_HDR_LEN, ip->ext, ip->ext_len);
    if (len > 0)
        memcpy(to + IP6_HDR_LEN + ip->ext_len, payload, len);
    return IP6_HDR_LEN + ip->ext_len + len;
}

size_t lab_build_icmp6(uint8_t *to, const struct lab_ip6 *ip, uint8_t *message, size_t len)
{
    const struct nst_addr src = lab_addr(ip->src), dst = lab_addr(ip->dst);
    const uint32_t pseudo = csum_pseudo_v6(&src, &dst, IP_PROTO_ICMPV6, (uint32_t)len);
    struct lab_ip6 full = *ip;
    if (full.ext_len == 0)
        full.next = IP_PROTO_ICMPV6;
    if (len >= 4) {
        be16_put(message + 2, 0);
        icmp6_csum_put(message, csum_short(message, len, pseudo));
    }
    return lab_build_ip6(to, &full, message, len);
}

size_t lab_build_echo(uint8_t *to, uint8_t type, uint16_t id, uint16_t seq, size_t len)
{
    return frame_icmp4_body(to, &(struct icmp4_hdr){.type = type, .id = id, .seq = seq}, NULL, len);
}

size_t lab_build_arp(uint8_t *to, uint16_t op, unsigned from, const char *spa, const char *tpa)
{
    struct arp_hdr hdr = {.op = op, .spa4 = lab_addr(spa).w[3], .tpa4 = lab_addr(tpa).w[3]};
    const struct nst_mac sha = lab_mac(from);
    memcpy(&hdr.sha, &sha, 6);
    return arp_build(to, &hdr);
}

int lab_send(struct lab *lab, const char *from, const char *to, size_t len, bool dont_fragment)
{
    const struct nst_addr remote = lab_addr(to);
    const struct nst_addr local = from != NULL ? lab_addr(from) : (struct nst_addr){0};
    struct dst *d;
    int r = dst_get(lab->stack, &remote, &local, 0, &d);
    if (r < 0)
        return r;
    struct pkt *p = pkt_build(lab->stack->pool, dst_headroom(d), (uint32_t)len);
    MUST(p != NULL);
    uint8_t *at = nst_pkt_put(pkt_pub(p), (uint32_t)len);
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)(i * 7);
    const struct ip_out out = {.proto = LAB_PROTO, .dont_fragment = dont_fragment};
    r = dst_output(d, p, &out);
    dst_put(d);
    lab_run(lab);
    return r;
}

uint64_t lab_drops(const struct lab *lab, enum drop_reason reason)
{
    return lab->stack->pool->drops[reason];
}
