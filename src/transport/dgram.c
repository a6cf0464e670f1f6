/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/dgram.h"

#include <string.h>

#include "stack/nic.h"
#include "stack/ports.h"
#include "wire/addr.h"
#include "wire/csum.h"
#include "wire/ipproto.h"

#define TTL_DEFAULT 64 /* RFC 1700; what network/ takes for 0 */

/* The queue may hold that much in blocks that are mostly empty. */
#define WASTE_MAX (16 * 1024)

/* What dgram_push looks at closer: everything, or what comes after the queue has begun to fill. */
static void set_easy(struct dgram *d)
{
    d->rx_easy = d->shut_recv || d->quote != NULL ? 0 : min_u64(d->rx_max, WASTE_MAX);
}

static void writable(struct todo *todo)
{
    struct dgram *d = container_of(todo, struct dgram, wait);
    ready_notify(&d->stack->ready, d->ready, NST_READY_OUT);
}

void dgram_init(struct dgram *d, struct nst_stack *stack, enum dgram_kind kind, struct ready *ready)
{
    static const uint8_t protos[] = {
        [DGRAM_UDP] = IP_PROTO_UDP,
        [DGRAM_PING] = IP_PROTO_ICMP,
        [DGRAM_RESPONDER] = IP_PROTO_ICMP,
        [DGRAM_RAW] = 0, /* bind tells */
    };

    memset(d, 0, sizeof(*d));
    list_init(&d->node);
    list_init(&d->entry.on_port);
    todo_init(&d->wait, writable);
    d->stack = stack;
    d->ready = ready;
    d->kind = (uint8_t)kind;
    d->entry.key.proto = protos[kind];
    d->rx_max = DGRAM_BUFFER;
    d->tx_max = DGRAM_BUFFER;
    set_easy(d);
    list_init(&d->members);
    d->group_ttl = 1; /* RFC 1112 6.1 */
    d->group_loop = true;
}

void dgram_fini(struct dgram *d)
{
    struct pkt *p;

    dgram_leave_all(d);
    demux_remove(d->stack, &d->entry);
    while ((p = pktq_pop(&d->rxq)) != NULL)
        pkt_free(p);
    todo_cancel(&d->wait);
    list_remove(&d->node);
    dst_put(d->dst);
    mem_free(&d->stack->pool->mem, d->quote, sizeof(*d->quote));
    (void)dgram_keep_errors(d, false);
}

int dgram_join_flow(struct dgram *d, const struct demux_key *key)
{
    d->entry.key = *key;
    d->entry.shares_port = true;
    const int r = demux_add(d->stack, &d->entry);
    if (r < 0)
        return r;
    d->bound_addr = key->local;
    d->peer = (struct nst_endpoint){key->remote, key->remote_port, 0, key->nic};
    d->has_peer = true;
    d->is_bound = true;
    return 0;
}

void dgram_set_ready(struct dgram *d, struct ready *ready)
{
    d->ready = ready;
    if (ready != NULL)
        ready_notify(&d->stack->ready, ready, dgram_events(d));
}

/* ---- Addresses ---- */

/* Registers d under another key. On failure nothing changes. */
static int rekey(struct dgram *d, const struct demux_key *key)
{
    const struct demux_key old = d->entry.key;
    const bool was_registered = d->entry.registered;

    if (d->kind == DGRAM_RAW) {
        d->entry.key = *key;
        return 0;
    }
    demux_remove(d->stack, &d->entry);
    d->entry.key = *key;
    const int r = demux_add(d->stack, &d->entry);
    if (r < 0) {
        d->entry.key = old;
        /* It cannot fail: what it takes was just given back. */
        if (was_registered)
            (void)demux_add(d->stack, &d->entry);
    }
    return r;
}

int dgram_bind(struct dgram *d, const struct nst_endpoint *local)
{
    struct demux_key key = d->entry.key;

    if (d->entry.registered)
        return -NST_EINVAL;
    if (local->nic != 0 && nic_by_id(d->stack, local->nic) == NULL)
        return -NST_EADDRNOTAVAIL;
    if (!ports_address_is_usable(d->stack, &local->addr, local->nic))
        return -NST_EADDRNOTAVAIL;
    key.local = local->addr;
    key.local_port = local->port;
    key.nic = local->nic;
    const int r = rekey(d, &key);
    if (r < 0)
        return r;
    d->bound_addr = local->addr;
    d->is_bound = true;
    return 0;
}

int dgram_autobind(struct dgram *d)
{
    return d->entry.registered ? 0 : rekey(d, &d->entry.key);
}

static void set_dst(struct dgram *d, struct dst *dst, const struct nst_addr *addr, uint32_t nic)
{
    dst_put(d->dst);
    d->dst = dst;
    d->dst_addr = *addr;
    d->dst_nic = nic;
}

static int disconnect(struct dgram *d)
{
    struct demux_key key = d->entry.key;

    if (!d->has_peer)
        return 0;
    key.local = d->bound_addr;
    key.remote = (struct nst_addr){0};
    key.remote_port = 0;
    const int r = rekey(d, &key);
    if (r == 0)
        d->has_peer = false;
    return r;
}

/* The source that is asked for: a group that the socket is bound to is none. */
static const struct nst_addr *source_of(const struct nst_addr *local)
{
    static const struct nst_addr any;
    return addr_is_multicast(local) ? &any : local;
}

/* The NIC to leave by, as far as somebody said so; 0: the route's. */
static uint32_t nic_for(const struct dgram *d, const struct nst_endpoint *to)
{
    if (to->nic != 0)
        return to->nic;
    if (d->entry.key.nic != 0 || d->group_nic == 0 || !addr_is_multicast(&to->addr))
        return d->entry.key.nic;
    return d->group_nic;
}

int dgram_connect(struct dgram *d, const struct nst_endpoint *remote)
{
    struct demux_key key = d->entry.key;
    struct dst *dst;

    if (addr_is_unspecified(&remote->addr))
        return disconnect(d);
    if (d->kind == DGRAM_UDP && remote->port == 0)
        return -NST_EINVAL;
    const uint32_t nic = nic_for(d, remote);
    int r = dst_get(d->stack, &remote->addr, source_of(&d->bound_addr), nic, &dst);
    if (r < 0)
        return r;
    if (d->kind == DGRAM_UDP) {
        key.local = dst->source;
        key.remote = remote->addr;
        key.remote_port = remote->port;
    }
    r = rekey(d, &key);
    if (r < 0) {
        dst_put(dst);
        return r;
    }
    set_dst(d, dst, &remote->addr, nic);
    d->peer = *remote;
    d->peer.nic = nic;
    d->has_peer = true;
    return 0;
}

void dgram_local(const struct dgram *d, struct nst_endpoint *ret)
{
    const struct demux_key *key = &d->entry.key;
    *ret = (struct nst_endpoint){.addr = key->local, .port = key->local_port, .nic = key->nic};
}

int dgram_remote(const struct dgram *d, struct nst_endpoint *ret)
{
    if (!d->has_peer)
        return -NST_ENOTCONN;
    *ret = d->peer;
    return 0;
}

/* ---- Sending ---- */

int dgram_send_check_slow(struct dgram *d, const struct nst_endpoint *to, size_t len,
                          const struct nst_endpoint **ret_to)
{
    if (d->error != 0)
        return dgram_error(d);
    if (d->shut_send)
        return -NST_EPIPE;
    if (to == NULL) {
        if (!d->has_peer)
            return -NST_ENOTCONN;
        to = &d->peer;
    } else if (addr_is_unspecified(&to->addr) || (to->port == 0 && d->kind == DGRAM_UDP)) {
        return -NST_EINVAL;
    }
    if (len > d->tx_max)
        return -NST_EMSGSIZE;
    *ret_to = to;
    return 0;
}

static int refresh_route(struct dgram *d, const struct nst_endpoint *to, uint32_t nic)
{
    struct dst *dst;
    const int r = dst_get(d->stack, &to->addr, source_of(&d->entry.key.local), nic, &dst);
    if (r == 0)
        set_dst(d, dst, &to->addr, nic);
    return r;
}

int dgram_route_slow(struct dgram *d, const struct nst_endpoint *to, struct dst **ret_dst)
{
    const struct nst_endpoint where = {.addr = to->addr, .nic = nic_for(d, to)};
    const uint32_t nic = where.nic;

    if (!dgram_route_is_known(d, &where)) {
        const int r = refresh_route(d, to, nic);
        if (r < 0)
            return r;
    }
    if (d->dst->type == PKT_BROADCAST && !d->broadcast)
        return -NST_EPERM;
    if (nic_is_blocked(d->dst->nic)) {
        nic_wait_writable(d->dst->nic, &d->wait);
        return -NST_EAGAIN;
    }
    *ret_dst = d->dst;
    return 0;
}

void dgram_copy(struct pkt *p, const struct dgram_out *out)
{
    for (size_t i = 0; i < out->count; i++) {
        if (out->iov[i].len > 0)
            memcpy(nst_pkt_put(pkt_pub(p), (uint32_t)out->iov[i].len), out->iov[i].base,
                   out->iov[i].len);
    }
}

static uint32_t copy_piece(struct pkt *p, const struct nst_iovec *v, const struct csum_ops *csum,
                           uint32_t sum)
{
    return csum->copy(nst_pkt_put(pkt_pub(p), (uint32_t)v->len), v->base, v->len, sum);
}

uint32_t dgram_copy_csum_slow(struct pkt *p, const struct dgram_out *out,
                              const struct csum_ops *csum, uint32_t sum)
{
    size_t offset = 0;

    for (size_t i = 0; i < out->count; i++) {
        if (out->iov[i].len == 0) /* its base may be NULL */
            continue;
        sum = csum_block_add(sum, copy_piece(p, &out->iov[i], csum, 0), offset);
        offset += out->iov[i].len;
    }
    return sum;
}

/* ---- Receiving ---- */

static bool refuse(struct pkt *p, enum drop_reason reason)
{
    pkt_drop(p, reason);
    return false;
}

/* The queue begins to fill: packets that waste their block move into smaller ones. */
static uint32_t shrink(struct pkt *p)
{
    nst_pkt_shrink(pkt_pub(p));
    return dgram_pkt_size(p);
}

/* The headers lie in one piece: the network layer and the transport have read them. */
static void take_quote(struct dgram_quote *quote, const struct pkt *p)
{
    const uint32_t len = (uint32_t)(p->trans_off - p->net_off) + 8;
    DEBUG_CHECK(p->head + p->net_off + len <= p->data + p->linear);
    quote->len = (uint8_t)min_u32(len, DGRAM_QUOTE_MAX);
    quote->is_csum_partial = p->csum == NST_CSUM_PARTIAL;
    memcpy(quote->bytes, p->head + p->net_off, quote->len);
}

bool dgram_push_slow(struct dgram *d, struct pkt *p, const struct rx *rx, uint16_t src_port,
                     uint16_t dst_port)
{
    uint32_t size = dgram_pkt_size(p);

    if (d->shut_recv)
        return refuse(p, DROP_SOCKET_CLOSED);
    if (dgram_is_full(d)) {
        d->rx_dropped++;
        return refuse(p, DROP_SOCKET_FULL);
    }
    if (d->quote != NULL)
        take_quote(d->quote, p); /* before the packet shrinks to its payload */
    if (d->rx_bytes + size > WASTE_MAX)
        size = shrink(p);
    dgram_queue(d, p, rx, src_port, dst_port, size);
    return true;
}

static void describe(const struct pkt *p, size_t size, struct nst_message *ret)
{
    const struct dgram_cb *cb = PKT_CB(p, const struct dgram_cb);
    ret->remote = (struct nst_endpoint){cb->remote, cb->remote_port, 0, p->nic_id};
    ret->local = (struct nst_endpoint){cb->local, cb->local_port, 0, p->nic_id};
    ret->ttl = cb->ttl;
    ret->tos = cb->tos;
    ret->truncated = p->len > size;
    ret->arrival = p->arrival;
}

int64_t dgram_recv(struct dgram *d, void *data, size_t size, uint32_t flags,
                   struct nst_message *ret_message)
{
    struct pkt *p = pktq_first(&d->rxq);

    if (unlikely(d->error != 0))
        return dgram_error(d);
    if (p == NULL)
        return d->shut_recv ? 0 : -NST_EAGAIN;
    const uint32_t n = (uint32_t)min_size(p->len, size);
    if (likely(n <= p->linear)) {
        if (n > 0)
            memcpy(data, p->data, n);
    } else {
        nst_pkt_copy_out(pkt_pub(p), 0, data, n);
    }
    if (ret_message != NULL)
        describe(p, size, ret_message);
    if (!(flags & NST_MSG_PEEK)) {
        pktq_pop(&d->rxq);
        d->rx_bytes -= PKT_CB(p, const struct dgram_cb)->size;
        pkt_free(p);
    }
    return n;
}

/* ---- State ---- */

int dgram_keep_quote(struct dgram *d, const struct net_proto *net)
{
    d->quote = mem_zalloc(&d->stack->pool->mem, sizeof(*d->quote));
    if (d->quote == NULL)
        return -NST_ENOMEM;
    d->quote->net = net;
    set_easy(d);
    return 0;
}

int dgram_refuse(struct dgram *d, enum net_error kind)
{
    const struct dgram_quote *quote = d->quote;
    struct nic *nic = nic_by_id(d->stack, d->entry.key.nic);

    if (quote == NULL)
        return -NST_EINVAL;
    if (quote->len == 0 || nic == NULL)
        return 0;
    struct pkt *p = pkt_build(d->stack->pool, 0, quote->len);
    if (p == NULL)
        return 0;
    memcpy(nst_pkt_put(pkt_pub(p), quote->len), quote->bytes, quote->len);
    pkt_set_net(p);
    p->type = PKT_HOST;
    /* It matters where these 8 bytes are all of the datagram: of more nobody can judge it. */
    if (quote->is_csum_partial)
        nst_pkt_request_csum(pkt_pub(p), quote->len - 8u, 6);
    quote->net->send_error(nic, p, kind, 0);
    pkt_deliver(p);
    return 0;
}

void dgram_report(struct dgram *d, const struct net_error_report *report)
{
    static const int16_t errors[] = {
        [NET_ERROR_NET_UNREACHABLE] = -NST_ENETUNREACH,
        [NET_ERROR_HOST_UNREACHABLE] = -NST_EHOSTUNREACH,
        [NET_ERROR_PROTO_UNREACHABLE] = -NST_ECONNREFUSED,
        [NET_ERROR_PORT_UNREACHABLE] = -NST_ECONNREFUSED,
        [NET_ERROR_TOO_BIG] = 0,
        [NET_ERROR_PROHIBITED] = -NST_EHOSTUNREACH,
        [NET_ERROR_SOURCE_ROUTE] = -NST_EHOSTUNREACH,
        [NET_ERROR_TTL_EXCEEDED] = -NST_EHOSTUNREACH,
        [NET_ERROR_REASSEMBLY] = 0,
        [NET_ERROR_PARAMETER] = 0,
    };

    int error = (size_t)report->kind < ARRAY_SIZE(errors) ? errors[report->kind] : 0;

    if (report->kind == NET_ERROR_TOO_BIG && d->dst != NULL &&
        nst_addr_equal(&d->dst->addr, &report->dst))
        dst_lower_mtu(d->dst, report->info);
    if (d->errors != NULL) {
        if (error == 0)
            error = report->kind == NET_ERROR_TOO_BIG ? -NST_EMSGSIZE : -NST_EHOSTUNREACH;
        dgram_note_error(d, report, error);
    }
    if (error == 0)
        return;
    d->error = error;
    ready_notify(&d->stack->ready, d->ready, NST_READY_ERROR);
}

int dgram_shutdown(struct dgram *d, int how)
{
    if (how < NST_SHUT_RECV || how > (NST_SHUT_RECV | NST_SHUT_SEND))
        return -NST_EINVAL;
    if (!d->has_peer)
        return -NST_ENOTCONN;
    d->shut_recv |= (how & NST_SHUT_RECV) != 0;
    set_easy(d);
    d->shut_send |= (how & NST_SHUT_SEND) != 0;
    ready_notify(&d->stack->ready, d->ready, dgram_events(d));
    return 0;
}

uint32_t dgram_events(struct dgram *d)
{
    uint32_t events = 0;

    if (d->rxq.first != NULL || d->shut_recv)
        events |= NST_READY_IN;
    if (d->shut_recv)
        events |= NST_READY_RDHUP;
    if (d->shut_recv && d->shut_send)
        events |= NST_READY_HUP;
    if (d->error != 0 || dgram_has_errors(d))
        events |= NST_READY_ERROR;
    if (d->dst != NULL && dst_is_valid(d->dst) && dst_is_blocked(d->dst))
        nic_wait_writable(d->dst->nic, &d->wait);
    else
        events |= NST_READY_OUT;
    return events;
}

int dgram_error(struct dgram *d)
{
    const int error = d->error;
    d->error = 0;
    return error;
}

/* ---- Options ---- */

static int set_buffer(struct dgram *d, enum nst_option option, int64_t value)
{
    if (value < 0)
        return -NST_EINVAL;
    value = min_i64(max_i64(value, DGRAM_BUFFER_MIN), DGRAM_BUFFER_MAX);
    if (option == NST_OPT_RECEIVE_BUFFER)
        d->rx_max = (uint64_t)value;
    else
        d->tx_max = (uint32_t)value;
    set_easy(d);
    return 0;
}

static int set_flag(struct dgram *d, enum nst_option option, int64_t value)
{
    if (value != 0 && value != 1)
        return -NST_EINVAL;
    if (option == NST_OPT_REUSE_ADDRESS)
        d->entry.reuse_address = value != 0;
    else if (option == NST_OPT_REUSE_PORT)
        d->entry.reuse_port = value != 0;
    else if (option == NST_OPT_DONT_FRAGMENT)
        d->dont_fragment = value != 0;
    else
        d->broadcast = value != 0;
    return 0;
}

static int set_byte(uint8_t *byte, int64_t value, int64_t min)
{
    if (value < min || value > 255)
        return -NST_EINVAL;
    *byte = (uint8_t)value;
    return 0;
}

int dgram_set(struct dgram *d, enum nst_option option, int64_t value)
{
    switch (option) {
    case NST_OPT_REUSE_ADDRESS:
    case NST_OPT_REUSE_PORT:
    case NST_OPT_BROADCAST:
        return set_flag(d, option, value);
    case NST_OPT_DONT_FRAGMENT:
        return d->kind == DGRAM_UDP ? set_flag(d, option, value) : -NST_ENOPROTOOPT;
    case NST_OPT_SEND_BUFFER:
    case NST_OPT_RECEIVE_BUFFER:
        return set_buffer(d, option, value);
    case NST_OPT_TTL:
        return set_byte(&d->ttl, value, 1);
    case NST_OPT_TOS:
        return set_byte(&d->tos, value, 0);
    case NST_OPT_RECEIVE_ERRORS:
        return value == 0 || value == 1 ? dgram_keep_errors(d, value != 0) : -NST_EINVAL;
    case NST_OPT_SEND_QUEUED:
    case NST_OPT_SEND_ROOM:
    case NST_OPT_RECEIVE_QUEUED:
    case NST_OPT_RECEIVE_DROPPED:
        return -NST_EOPNOTSUPP;
    default:
        return dgram_set_group_option(d, option, value);
    }
}

int dgram_get(const struct dgram *d, enum nst_option option, int64_t *ret_value)
{
    int64_t value;

    switch (option) {
    case NST_OPT_REUSE_ADDRESS:
        value = d->entry.reuse_address;
        break;
    case NST_OPT_REUSE_PORT:
        value = d->entry.reuse_port;
        break;
    case NST_OPT_BROADCAST:
        value = d->broadcast;
        break;
    case NST_OPT_SEND_BUFFER:
    case NST_OPT_SEND_ROOM:
        value = d->tx_max;
        break;
    case NST_OPT_RECEIVE_BUFFER:
        value = (int64_t)d->rx_max;
        break;
    case NST_OPT_TTL:
        value = d->ttl != 0 ? d->ttl : TTL_DEFAULT;
        break;
    case NST_OPT_TOS:
        value = d->tos;
        break;
    case NST_OPT_RECEIVE_ERRORS:
        value = d->errors != NULL;
        break;
    case NST_OPT_DONT_FRAGMENT:
        value = d->dont_fragment;
        break;
    case NST_OPT_SEND_QUEUED:
        value = 0;
        break;
    case NST_OPT_RECEIVE_QUEUED:
        value = (int64_t)d->rxq.bytes;
        break;
    case NST_OPT_RECEIVE_DROPPED:
        value = (int64_t)d->rx_dropped;
        break;
    default:
        return dgram_get_group_option(d, option, ret_value);
    }
    *ret_value = value;
    return 0;
}
