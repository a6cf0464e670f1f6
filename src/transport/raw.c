/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/raw.h"

#include "stack/nic.h"
#include "stack/ports.h"
#include "wire/addr.h"
#include "wire/ip4.h"
#include "wire/ipproto.h"

#define NO_CSUM      (-1)
#define ICMPV6_CSUM  2 /* RFC 3542 3.1: always, and nowhere else */
#define PROTOCOL_MAX 255

struct raw {
    struct dgram d;      /* first */
    int32_t csum_offset; /* IPv6: of the checksum, or NO_CSUM */
    bool has_header;     /* IPv4: what is sent begins with one */
};

static const struct raw *raw_of(const struct dgram *d)
{
    return (const struct raw *)d;
}

/* Where the checksum of an IPv6 packet is that the stack computes and checks, or NO_CSUM. */
static int32_t csum_offset(const struct dgram *d)
{
    return d->entry.key.proto == IP_PROTO_ICMPV6 ? ICMPV6_CSUM : raw_of(d)->csum_offset;
}

/* ---- Receiving ---- */

static bool matches(const struct dgram *d, const struct rx *rx)
{
    const struct demux_key *k = &d->entry.key;

    if (k->proto != rx->proto || (k->nic != 0 && k->nic != rx->nic->id))
        return false;
    if (d->has_peer && !nst_addr_equal(&d->peer.addr, &rx->src))
        return false;
    if (addr_is_unspecified(&k->local))
        return !nst_addr_is_v4(&k->local) || nst_addr_is_v4(&rx->dst);
    return nst_addr_equal(&k->local, &rx->dst);
}

/* RFC 3542 3.1: a packet whose checksum is wrong is not shown. */
static bool csum_is_right(const struct dgram *d, const struct pkt *p, const struct rx *rx)
{
    const int32_t offset = csum_offset(d);

    if (offset == NO_CSUM || nst_addr_is_v4(&rx->dst) || p->csum != NST_CSUM_UNKNOWN)
        return true;
    if (p->len < (uint32_t)offset + 2)
        return false;
    const uint32_t pseudo = csum_pseudo_v6(&rx->src, &rx->dst, rx->proto, p->len);
    return csum_ok(csum_add(pseudo, pkt_csum(p, 0, p->len)));
}

/* A clone, complete as it would be on a wire, goes to d. */
static void offer(struct dgram *d, const struct pkt *p, const struct rx *rx)
{
    struct pkt *copy = dgram_is_full(d) ? NULL : pkt_clone(p);
    if (copy == NULL) {
        d->rx_dropped++;
        COUNT(d->stack->counters.raw_buffer_full);
        return;
    }
    if (copy->gso == NST_GSO_NONE)
        nst_pkt_complete_csum(pkt_pub(copy));
    if (nst_addr_is_v4(&rx->dst))
        nst_pkt_push(pkt_pub(copy), (uint32_t)(copy->data - pkt_net(copy)));
    COUNT(d->stack->counters.raw_received);
    dgram_push(d, copy, rx, 0, 0);
}

/* The stack's hook: did anybody want p? */
static bool input(struct nst_stack *stack, const struct pkt *p, const struct rx *rx)
{
    struct dgram *d;
    bool took = false;

    LIST_FOR_EACH (d, &stack->raws, struct dgram, node) {
        if (!matches(d, rx))
            continue;
        took = true;
        if (!d->shut_recv && csum_is_right(d, p, rx))
            offer(d, p, rx);
    }
    return took;
}

/* The other hook: an error that quotes a packet of protocol `proto`, as it may have been sent here
 * (N105). Without a connection only a path MTU says anything about the next packet, unless errors
 * are asked for. */
static bool error(struct nst_stack *stack, uint8_t proto, const struct net_error_report *report)
{
    struct dgram *d;
    bool told = false;

    LIST_FOR_EACH (d, &stack->raws, struct dgram, node) {
        const struct demux_key *k = &d->entry.key;
        if (k->proto != proto ||
            (!addr_is_unspecified(&k->local) && !nst_addr_equal(&k->local, &report->src)))
            continue;
        if ((d->has_peer && nst_addr_equal(&d->peer.addr, &report->dst)) ||
            report->kind == NET_ERROR_TOO_BIG || d->errors != NULL) {
            dgram_report(d, report);
            told = true;
        }
    }
    return told;
}

/* ---- Life ---- */

struct dgram *raw_new(struct nst_stack *stack, struct ready *ready)
{
    struct raw *raw = mem_zalloc(&stack->pool->mem, sizeof(*raw));
    if (raw == NULL)
        return NULL;
    dgram_init(&raw->d, stack, DGRAM_RAW, ready);
    raw->csum_offset = NO_CSUM;
    list_add_tail(&stack->raws, &raw->d.node);
    stack->raw_input = input;
    stack->raw_error = error;
    stack_choose_inputs(stack);
    return &raw->d;
}

void raw_free(struct dgram *d)
{
    struct nst_stack *stack = d->stack;

    dgram_fini(d);
    mem_free(&stack->pool->mem, d, sizeof(struct raw));
    if (list_is_empty(&stack->raws)) {
        stack->raw_input = NULL;
        stack->raw_error = NULL;
        stack_choose_inputs(stack);
    }
}

int raw_bind(struct dgram *d, const struct nst_endpoint *local)
{
    if (d->is_bound || local->port == 0 || local->port > PROTOCOL_MAX)
        return -NST_EINVAL;
    const int r = dgram_bind(d, local);
    if (r == 0)
        d->entry.key.proto = (uint8_t)local->port;
    return r;
}

/* ---- Sending ---- */

static int complete_csum(const struct dgram *d, const struct dst *dst, struct pkt *p)
{
    const int32_t offset = csum_offset(d);

    if (offset == NO_CSUM || nst_addr_is_v4(&dst->addr))
        return 0;
    if (p->len < (uint32_t)offset + 2)
        return -NST_EINVAL;
    be16_put(p->data + offset, 0);
    const uint32_t pseudo = csum_pseudo_v6(&dst->source, &dst->addr, d->entry.key.proto, p->len);
    be16_put(p->data + offset, csum_fold(d->stack->csum->sum(p->data, p->len, pseudo)));
    return 0;
}

static int send_body(const struct dgram *d, struct dst *dst, const struct dgram_out *out)
{
    struct ip_out ip = {.proto = d->entry.key.proto, .ttl = d->ttl, .tos = d->tos};
    struct pkt *p = pkt_build(d->stack->pool, dst_headroom(dst), (uint32_t)out->len);
    if (p == NULL)
        return -NST_ENOMEM;
    dgram_copy(p, out);
    const int r = complete_csum(d, dst, p);
    if (r < 0) {
        pkt_drop(p, DROP_TRANS_MALFORMED);
        return r;
    }
    pkt_set_trans(p);
    if (dst->type == PKT_MULTICAST)
        dgram_set_group_out(d, &ip);
    COUNT(d->stack->counters.raw_sent);
    return dst_output(dst, p, &ip);
}

/* Fills in what a sender may leave open: source and identification, and what is not its to say:
 * length and checksum. False: no whole IPv4 header. */
static bool complete_header(struct dst *dst, struct pkt *p)
{
    struct ip4_hdr hdr;

    if (p->len > UINT16_MAX || p->len < IP4_HDR_LEN)
        return false;
    be16_put(p->data + 2, (uint16_t)p->len);
    if (ip4_parse(p->data, p->linear, &hdr) == 0)
        return false;
    if (hdr.src4 == 0)
        hdr.src4 = dst->source.w[3];
    if (hdr.id == 0)
        hdr.id = dst->ip_id++;
    ip4_build(p->data, &hdr);
    return true;
}

static int send_with_header(const struct dgram *d, struct dst *dst, const struct dgram_out *out)
{
    if (out->len > dst->mtu) /* nobody cuts a packet that has its header */
        return -NST_EMSGSIZE;
    struct pkt *p = pkt_build(d->stack->pool, dst_headroom(dst), (uint32_t)out->len);
    if (p == NULL)
        return -NST_ENOMEM;
    dgram_copy(p, out);
    if (!complete_header(dst, p)) {
        pkt_drop(p, DROP_NET_MALFORMED);
        return -NST_EINVAL;
    }
    pkt_set_net(p);
    COUNT(d->stack->counters.raw_sent);
    COUNT(d->stack->counters.ip4_sent);
    return nic_output_dst(dst, p, NST_ETHERTYPE_IPV4);
}

int64_t raw_send(struct dgram *d, const struct dgram_out *out, const struct nst_endpoint *to)
{
    struct dst *dst;

    if (out->len > UINT16_MAX)
        return -NST_EMSGSIZE;
    int r = dgram_send_check(d, to, out->len, &to);
    if (r < 0)
        return r;
    const bool with_header = raw_of(d)->has_header && nst_addr_is_v4(&to->addr);
    if (!with_header && d->entry.key.proto == 0)
        return -NST_EINVAL;
    r = dgram_route(d, to, &dst);
    if (r == 0)
        r = with_header ? send_with_header(d, dst, out) : send_body(d, dst, out);
    return r < 0 ? r : (int64_t)out->len;
}

/* ---- Options ---- */

int raw_set(struct dgram *d, enum nst_option option, int64_t value)
{
    struct raw *raw = (struct raw *)d;

    switch (option) {
    case NST_OPT_HEADER_INCLUDED:
        if (value != 0 && value != 1)
            return -NST_EINVAL;
        raw->has_header = value != 0;
        return 0;
    case NST_OPT_CHECKSUM:
        /* RFC 3542 3.1: even, and ICMPv6's is where it is */
        if (value < NO_CSUM || value >= UINT16_MAX || (value >= 0 && value % 2 != 0) ||
            d->entry.key.proto == IP_PROTO_ICMPV6)
            return -NST_EINVAL;
        raw->csum_offset = (int32_t)value;
        return 0;
    case NST_OPT_REUSE_ADDRESS:
    case NST_OPT_REUSE_PORT:
        return -NST_ENOPROTOOPT;
    default:
        return dgram_set(d, option, value);
    }
}

int raw_get(const struct dgram *d, enum nst_option option, int64_t *ret_value)
{
    switch (option) {
    case NST_OPT_HEADER_INCLUDED:
        *ret_value = raw_of(d)->has_header;
        return 0;
    case NST_OPT_CHECKSUM:
        *ret_value = csum_offset(d);
        return 0;
    case NST_OPT_REUSE_ADDRESS:
    case NST_OPT_REUSE_PORT:
        return -NST_ENOPROTOOPT;
    default:
        return dgram_get(d, option, ret_value);
    }
}
