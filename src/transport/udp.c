/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/udp.h"

#include "stack/nic.h"
#include "transport/forwarder.h"
#include "wire/addr.h"
#include "wire/ipproto.h"
#include "wire/udp.h"

#define ENDPOINTS_PER_CHUNK 16
#define CSUM_OFFSET         6 /* of the field in the header */

struct udp_state {
    struct list all; /* of struct dgram */
    struct slab slab;
};

/* ---- Endpoints ---- */

struct dgram *udp_new(struct nst_stack *stack, struct ready *ready)
{
    struct dgram *d = slab_take(&stack->udp->slab);
    if (d == NULL)
        return NULL;
    dgram_init(d, stack, DGRAM_UDP, ready);
    list_add_tail(&stack->udp->all, &d->node);
    return d;
}

void udp_free(struct dgram *d)
{
    struct nst_stack *stack = d->stack;
    dgram_fini(d);
    slab_give(&stack->udp->slab, d);
}

int udp_new_flow(struct nst_stack *stack, const struct demux_key *key, struct ready *ready,
                 struct dgram **ret_dgram)
{
    struct dgram *d = udp_new(stack, ready);
    if (d == NULL)
        return -NST_ENOMEM;
    const int r = dgram_join_flow(d, key);
    if (r < 0)
        udp_free(d);
    else
        *ret_dgram = d;
    return r;
}

/* ---- Sending ---- */

/* May the link be left to complete the checksum? Fragments have to be complete. */
static bool csum_is_offloaded(const struct dst *dst, uint32_t len)
{
    return (dst->nic->link->caps & NST_LINK_CSUM_TX) != 0 && len <= dst_mtu(dst);
}

static struct pkt *build(const struct dgram *d, const struct dst *dst, uint16_t port,
                         const struct dgram_out *out)
{
    const uint32_t len = UDP_HDR_LEN + (uint32_t)out->len;
    const uint16_t src_port = d->entry.key.local_port;
    struct pkt *p = pkt_build(d->stack->pool, dst_headroom(dst), len);
    if (p == NULL)
        return NULL;

    uint8_t *hdr = nst_pkt_put(pkt_pub(p), UDP_HDR_LEN);
    const uint32_t ports = be32_swap((uint32_t)src_port << 16 | port);
    const uint32_t rest = be32_swap(len << 16); /* the checksum is 0 yet */
    memcpy(hdr, &ports, 4);
    memcpy(hdr + 4, &rest, 4);
    const uint64_t pseudo =
        (uint64_t)dst->addr_sum + csum_from16((uint16_t)len) + csum_from16(IP_PROTO_UDP);
    if (csum_is_offloaded(dst, len)) {
        const uint16_t raw = csum_fold_raw(csum_reduce(pseudo));
        memcpy(hdr + CSUM_OFFSET, &raw, sizeof(raw));
        dgram_copy(p, out);
        nst_pkt_request_csum(pkt_pub(p), 0, CSUM_OFFSET);
    } else {
        const uint32_t sum = csum_reduce(pseudo + ports + rest);
        const uint16_t csum = csum_fold_udp(dgram_copy_csum(p, out, d->stack->csum, sum));
        be16_put(hdr + CSUM_OFFSET, csum);
    }
    pkt_set_trans(p);
    return p;
}

int64_t udp_send(struct dgram *d, const struct dgram_out *out, const struct nst_endpoint *to)
{
    struct dst *dst;

    if (unlikely(out->len > UDP_PAYLOAD_MAX))
        return -NST_EMSGSIZE;
    int r = dgram_send_check(d, to, out->len, &to);
    if (r == 0)
        r = dgram_autobind(d);
    if (r == 0)
        r = dgram_route(d, to, &dst);
    if (unlikely(r < 0))
        return r;
    struct pkt *p = build(d, dst, to->port, out);
    if (unlikely(p == NULL))
        return -NST_ENOMEM;
    struct ip_out ip = {
        .proto = IP_PROTO_UDP, .ttl = d->ttl, .tos = d->tos, .dont_fragment = d->dont_fragment};
    if (unlikely(dst->type == PKT_MULTICAST))
        dgram_set_group_out(d, &ip);
    COUNT(d->stack->counters.udp_sent);
    r = dst_output(dst, p, &ip);
    if (likely(r == 0))
        return (int64_t)out->len;
    if (r == -NST_EMSGSIZE)
        dgram_note_too_long(d, to, dst->mtu);
    return r;
}

/* ---- Receiving ---- */

static inline void deliver(struct dgram *d, struct pkt *p, const struct rx *rx, struct udp_hdr hdr)
{
    nst_pkt_pull(pkt_pub(p), UDP_HDR_LEN);
    if (likely(dgram_push(d, p, rx, hdr.src_port, hdr.dst_port)))
        COUNT(d->stack->counters.udp_received);
    else
        COUNT(d->stack->counters.udp_buffer_full);
}

void udp_redeliver(struct dgram *d, struct pkt *p, const struct rx *rx)
{
    struct udp_hdr hdr;
    if (udp_parse(p->data, p->linear, &hdr) != 0)
        deliver(d, p, rx, hdr);
    else
        pkt_drop(p, DROP_TRANS_MALFORMED);
}

static bool csum_adds_up(const struct pkt *p, const struct rx *rx)
{
    const uint32_t pseudo = csum_pseudo(&rx->src, &rx->dst, IP_PROTO_UDP, p->len);
    if (likely(p->nslices == 0 && p->len <= CSUM_SHORT))
        return csum_ok(csum_short(p->data, p->len, pseudo));
    return csum_ok(csum_add(pkt_csum(p, 0, p->len), pseudo));
}

/* RFC 768, RFC 8200 8.1. The length field holds; p is trimmed to it. */
static inline bool csum_is_right(const struct pkt *p, const struct rx *rx, uint16_t csum)
{
    if (unlikely(csum == 0))
        return nst_addr_is_v4(&rx->dst);
    return p->csum != NST_CSUM_UNKNOWN || csum_adds_up(p, rx);
}

/* N103: every match gets its own. */
static SLOW_PATH void deliver_all(struct nst_stack *stack, struct pkt *p, const struct rx *rx,
                                  struct udp_hdr hdr)
{
    struct demux_entry *e = demux_next_match(stack, rx, hdr.src_port, hdr.dst_port, NULL);

    if (e == NULL) {
        COUNT(stack->counters.udp_no_port);
        pkt_drop(p, DROP_NO_SOCKET);
        return;
    }
    for (;;) {
        struct demux_entry *next = demux_next_match(stack, rx, hdr.src_port, hdr.dst_port, e);
        struct dgram *d = container_of(e, struct dgram, entry);
        if (next == NULL) {
            deliver(d, p, rx, hdr);
            return;
        }
        struct pkt *copy = pkt_clone(p);
        if (copy != NULL)
            deliver(d, copy, rx, hdr);
        else
            COUNT(stack->counters.udp_buffer_full);
        e = next;
    }
}

/* N101: nobody's. */
static SLOW_PATH void refuse(struct nst_stack *stack, struct pkt *p, const struct rx *rx)
{
    if (stack->default_handler != NULL && stack->default_handler(stack, p, rx))
        return;
    COUNT(stack->counters.udp_no_port);
    if (rx->dst_assigned)
        rx->net->send_error(rx->nic, p, NET_ERROR_PORT_UNREACHABLE, 0);
    pkt_drop(p, DROP_NO_SOCKET);
}

static SLOW_PATH void drop_malformed(struct nst_stack *stack, struct pkt *p, enum drop_reason why)
{
    COUNT(stack->counters.udp_malformed);
    pkt_drop(p, why);
}

static void input(struct nst_stack *stack, struct pkt *p, const struct rx *rx)
{
    struct udp_hdr hdr;

    if (unlikely(!pkt_pull_up(p, UDP_HDR_LEN) || udp_parse(p->data, p->linear, &hdr) == 0 ||
                 hdr.len > p->len || hdr.dst_port == 0)) {
        drop_malformed(stack, p, DROP_TRANS_MALFORMED);
        return;
    }
    if (unlikely(hdr.len < p->len))
        pkt_trim(p, hdr.len);
    if (unlikely(!csum_is_right(p, rx, hdr.csum))) {
        drop_malformed(stack, p, DROP_TRANS_CSUM);
        return;
    }
    if (unlikely(rx->type != PKT_HOST)) {
        deliver_all(stack, p, rx, hdr);
        return;
    }
    struct demux_entry *e = demux_lookup(stack, rx, hdr.src_port, hdr.dst_port);
    if (likely(e != NULL))
        deliver(container_of(e, struct dgram, entry), p, rx, hdr);
    else
        refuse(stack, p, rx);
}

/* Without a connection other errors say nothing about the next datagram, unless they are asked for;
 * a path MTU does, and over IPv6 nobody else cuts what is too long (RFC 8201 5.5). */
static void report_unconnected(struct nst_stack *stack, const struct net_error_report *report,
                               const struct demux_key *key)
{
    /* As an answer would be looked up. */
    const struct rx rx = {
        .nic = report->nic, .src = report->dst, .dst = report->src, .proto = IP_PROTO_UDP};
    struct demux_entry *e = demux_lookup(stack, &rx, key->remote_port, key->local_port);
    struct dgram *d = e != NULL ? container_of(e, struct dgram, entry) : NULL;
    if (d != NULL && (report->kind == NET_ERROR_TOO_BIG || d->errors != NULL))
        dgram_report(d, report);
}

/* N105. The quote has 8 bytes at least: ports, length, checksum. */
static void error(struct nst_stack *stack, const struct net_error_report *report)
{
    const struct demux_key key = {
        .local = report->src,
        .remote = report->dst,
        .local_port = be16_get(report->quote),
        .remote_port = be16_get(report->quote + 2),
        .nic = report->nic->id,
        .proto = IP_PROTO_UDP,
    };
    struct demux_entry *e = demux_lookup_exact(stack, &key);
    if (e != NULL) {
        dgram_report(container_of(e, struct dgram, entry), report);
        return;
    }
    report_unconnected(stack, report, &key);
    if (report->kind != NET_ERROR_TOO_BIG)
        forwarder_report(stack, &key);
}

/* ---- Life ---- */

static int init(struct nst_stack *stack)
{
    struct udp_state *state = mem_zalloc(&stack->pool->mem, sizeof(*state));
    if (state == NULL)
        return -NST_ENOMEM;
    list_init(&state->all);
    slab_init(&state->slab, &stack->pool->mem, sizeof(struct dgram), "udp", ENDPOINTS_PER_CHUNK);
    stack->udp = state;
    return 0;
}

static void fini(struct nst_stack *stack)
{
    struct udp_state *state = stack->udp;
    struct dgram *d, *next;

    if (state == NULL)
        return;
    LIST_FOR_EACH_SAFE (d, next, &state->all, struct dgram, node)
        udp_free(d);
    slab_fini(&state->slab);
    mem_free(&stack->pool->mem, state, sizeof(*state));
    stack->udp = NULL;
}

const struct transport_proto udp_proto = {
    .name = "udp",
    .number = IP_PROTO_UDP,
    .init = init,
    .fini = fini,
    .input = input,
    .error = error,
};
