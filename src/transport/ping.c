/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/ping.h"

#include "stack/nic.h"
#include "wire/icmp4.h"
#include "wire/icmp6.h"
#include "wire/ipproto.h"

#define ENDPOINTS_PER_CHUNK 8
/* Both families' header of an echo message: type, code, checksum, identifier, sequence number. */
#define HDR_LEN   8
#define ID_OFFSET 4

struct ping_state {
    struct list all; /* of struct dgram */
    struct slab slab;
};

static uint8_t request_type(bool v4)
{
    return v4 ? ICMP4_ECHO_REQUEST : ICMP6_ECHO_REQUEST;
}

/* ---- Endpoints ---- */

static struct dgram *new_of_kind(struct nst_stack *stack, enum dgram_kind kind, struct ready *ready)
{
    struct dgram *d = slab_take(&stack->ping->slab);
    if (d == NULL)
        return NULL;
    dgram_init(d, stack, kind, ready);
    list_add_tail(&stack->ping->all, &d->node);
    return d;
}

struct dgram *ping_new(struct nst_stack *stack, struct ready *ready)
{
    return new_of_kind(stack, DGRAM_PING, ready);
}

void ping_free(struct dgram *d)
{
    struct nst_stack *stack = d->stack;
    dgram_fini(d);
    slab_give(&stack->ping->slab, d);
}

int ping_new_flow(struct nst_stack *stack, const struct demux_key *key, struct ready *ready,
                  struct dgram **ret_dgram)
{
    struct dgram *d = new_of_kind(stack, DGRAM_RESPONDER, ready);
    if (d == NULL)
        return -NST_ENOMEM;
    const int r = dgram_join_flow(d, key);
    if (r < 0)
        ping_free(d);
    else
        *ret_dgram = d;
    return r;
}

/* ---- Sending ---- */

/* Writes over the header what is not the sender's to say. False: no echo request. */
static bool complete(const struct dgram *d, bool v4, uint8_t *message)
{
    uint16_t id = d->entry.key.local_port;

    if (d->kind == DGRAM_RESPONDER) {
        id = d->entry.key.remote_port;
        message[0] = v4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY;
        message[1] = 0;
    } else if (message[0] != request_type(v4) || message[1] != 0) {
        return false;
    }
    be16_put(message + 2, 0);
    be16_put(message + ID_OFFSET, id);
    return true;
}

static int build_and_send(const struct dgram *d, struct dst *dst, const struct dgram_out *out)
{
    const bool v4 = nst_addr_is_v4(&dst->addr);
    const uint8_t proto = v4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6;
    struct ip_out ip = {.proto = proto, .ttl = d->ttl, .tos = d->tos};
    if (unlikely(dst->type == PKT_MULTICAST))
        dgram_set_group_out(d, &ip);
    const uint32_t len = (uint32_t)out->len;
    struct pkt *p = pkt_build(d->stack->pool, dst_headroom(dst), len);
    if (p == NULL)
        return -NST_ENOMEM;
    dgram_copy(p, out);
    if (!complete(d, v4, p->data)) {
        pkt_drop(p, DROP_ICMP_MALFORMED);
        return -NST_EINVAL;
    }
    const uint32_t pseudo = v4 ? 0 : csum_pseudo_v6(&dst->source, &dst->addr, proto, len);
    icmp4_csum_put(p->data,
                   d->stack->csum->sum(p->data, len, pseudo)); /* ICMPv6 has it there too */
    pkt_set_trans(p);
    return dst_output(dst, p, &ip);
}

int64_t ping_send(struct dgram *d, const struct dgram_out *out, const struct nst_endpoint *to)
{
    struct dst *dst;

    if (out->len < HDR_LEN)
        return -NST_EINVAL;
    if (out->len > PING_MESSAGE_MAX)
        return -NST_EMSGSIZE;
    if (to != NULL && d->kind == DGRAM_RESPONDER)
        return -NST_EISCONN;
    int r = dgram_send_check(d, to, out->len, &to);
    if (r == 0)
        r = dgram_autobind(d);
    if (r == 0)
        r = dgram_route(d, to, &dst);
    if (r == 0)
        r = build_and_send(d, dst, out);
    return r < 0 ? r : (int64_t)out->len;
}

/* ---- Receiving ---- */

/* The hook of the ICMP layer. */
static bool echo_reply(struct nst_stack *stack, struct pkt *p, const struct rx *rx)
{
    if (p->linear < HDR_LEN)
        return false;
    const uint16_t id = be16_get(p->data + ID_OFFSET);
    struct rx flow = *rx;
    flow.proto = IP_PROTO_ICMP;
    struct demux_entry *e = demux_lookup(stack, &flow, 0, id);
    if (e == NULL)
        return false;
    struct dgram *d = container_of(e, struct dgram, entry);
    if (d->kind != DGRAM_PING || (d->has_peer && !nst_addr_equal(&d->peer.addr, &rx->src)))
        return false;
    dgram_push(d, p, rx, 0, id);
    return true;
}

bool ping_request_key(const struct pkt *p, const struct rx *rx, struct demux_key *ret_key)
{
    if (p->linear < HDR_LEN || p->data[0] != request_type(nst_addr_is_v4(&rx->dst)) ||
        p->data[1] != 0)
        return false;
    *ret_key = (struct demux_key){
        .local = rx->dst,
        .remote = rx->src,
        .local_port = ICMP4_ECHO_REQUEST,
        .remote_port = be16_get(p->data + ID_OFFSET),
        .nic = rx->nic->id,
        .proto = IP_PROTO_ICMP,
    };
    return true;
}

bool ping_request(struct nst_stack *stack, struct pkt *p, const struct rx *rx)
{
    struct demux_key key;

    if (!ping_request_key(p, rx, &key))
        return false;
    struct demux_entry *e = demux_lookup_exact(stack, &key);
    if (e == NULL)
        return false;
    dgram_push(container_of(e, struct dgram, entry), p, rx, key.remote_port, 0);
    return true;
}

/* The other hook: an error that quotes an echo request (or reply) of ours. */
static void echo_error(struct nst_stack *stack, const struct net_error_report *report)
{
    if (report->quote_len < HDR_LEN ||
        report->quote[0] != request_type(nst_addr_is_v4(&report->dst)))
        return;
    const uint16_t id = be16_get(report->quote + ID_OFFSET);
    /* As the reply to it would be looked up. */
    const struct rx rx = {
        .nic = report->nic, .src = report->dst, .dst = report->src, .proto = IP_PROTO_ICMP};
    struct demux_entry *e = demux_lookup(stack, &rx, 0, id);
    if (e == NULL)
        return;
    struct dgram *d = container_of(e, struct dgram, entry);
    if (d->kind == DGRAM_PING && (!d->has_peer || nst_addr_equal(&d->peer.addr, &rx.src)))
        dgram_report(d, report);
}

/* ---- Life ---- */

int ping_init(struct nst_stack *stack)
{
    struct ping_state *state = mem_zalloc(&stack->pool->mem, sizeof(*state));
    if (state == NULL)
        return -NST_ENOMEM;
    list_init(&state->all);
    slab_init(&state->slab, &stack->pool->mem, sizeof(struct dgram), "ping", ENDPOINTS_PER_CHUNK);
    stack->ping = state;
    stack->echo_reply = echo_reply;
    stack->echo_error = echo_error;
    return 0;
}

void ping_fini(struct nst_stack *stack)
{
    struct ping_state *state = stack->ping;
    struct dgram *d, *next;

    if (state == NULL)
        return;
    LIST_FOR_EACH_SAFE (d, next, &state->all, struct dgram, node)
        ping_free(d);
    slab_fini(&state->slab);
    mem_free(&stack->pool->mem, state, sizeof(*state));
    stack->ping = NULL;
    stack->echo_reply = NULL;
    stack->echo_error = NULL;
}
