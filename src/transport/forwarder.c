/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forwarder.
 *
 * Theory of operation
 *
 * It is the stack's default handler: it is offered what no endpoint matched. The first packet of a
 * flow (a SYN, a datagram, an echo request) makes a request, which waits for the host: first in
 * `unseen` until nst_request_next shows it, then for accept or refuse. A request holds the packets
 * of its flow: the SYN (an ICMP refusal quotes it), or up to REQUEST_PACKETS datagrams, which
 * become the first that the accepted socket reads. Later packets match that socket's demux entry
 * and never come here again.
 *
 * Objects: requests belong to the forwarder; handles refer to them by generation, so a dead one is
 * an error. A request ends by accept, refuse, RST, ICMP error, age, the cap of its kind, the cap of
 * the bytes held by all, and nst_forwarder_stop.
 *
 * Invariants
 *  1. A request is in the hash table, in the handle table and in age[kind]; in `unseen` until
 * shown.
 *  2. age[kind] is in order of `born`, so its first is the next to expire and to be evicted.
 *  3. held_bytes is the sum of bytes over all requests.
 *  4. The timer is armed while there are requests, not later than the earliest end.
 *
 * Limits: pending_max requests of each kind; REQUEST_PACKETS packets and REQUEST_BYTES bytes in
 * each; an eighth of the stack's memory for all that is held.
 *
 * A spoofed RST must carry the sequence number of the SYN that it is to end (RFC 5961 3 in spirit).
 */
#include "transport/forwarder.h"

#include "stack/handle.h"
#include "stack/nic.h"
#include "transport/ping.h"
#include "transport/tcp/tcp.h"
#include "transport/udp.h"
#include "wire/ipproto.h"
#include "wire/tcp.h"

#define PENDING_MAX        4096
#define REQUEST_TIMEOUT    (60 * NST_SEC)
#define REQUEST_PACKETS    16
#define REQUEST_BYTES      (64 * 1024)
#define HELD_SHARE         8 /* of the memory limit: an eighth */
#define REQUESTS_PER_CHUNK 16

enum kind {
    KIND_TCP,
    KIND_UDP,
    KIND_ECHO,
    KIND_MAX
};

struct forwarder {
    struct nst_stack *stack;
    struct ready ready;
    uint32_t nic; /* 0: every NIC */
    bool takes[KIND_MAX];
    uint32_t pending_max;
    nst_time timeout;
    struct handle_table handles;
    struct hash table;
    struct list age[KIND_MAX]; /* of struct request, oldest first */
    uint32_t count[KIND_MAX];
    struct list unseen; /* of struct request, first in first out */
    struct timer timer;
    struct slab slab;
    uint64_t held_bytes, held_max;
};

struct request {
    struct hash_node node;
    struct list age, unseen;
    struct demux_key key;
    nst_request handle;
    nst_time born;
    const struct net_proto *net;
    uint8_t kind;
    struct tcp_syn syn; /* KIND_TCP */
    struct nst_pktq held;
    uint64_t bytes; /* memory under held */
};

/* With each packet that is held. */
struct held_cb {
    uint32_t size;
    uint8_t ttl, tos;
};

/* ---- Requests ---- */

static bool same_flow(const struct demux_key *a, const struct demux_key *b)
{
    return a->local_port == b->local_port && a->remote_port == b->remote_port && a->nic == b->nic &&
           a->proto == b->proto && nst_addr_equal(&a->local, &b->local) &&
           nst_addr_equal(&a->remote, &b->remote);
}

static struct request *find(const struct forwarder *fw, const struct demux_key *key)
{
    if (hash_count(&fw->table) == 0)
        return NULL;
    struct hash_node *n = hash_first(&fw->table, demux_hash(fw->stack, key));
    for (; n != NULL; n = hash_next(n)) {
        struct request *r = container_of(n, struct request, node);
        if (same_flow(&r->key, key))
            return r;
    }
    return NULL;
}

/* Takes the request off every table. What it holds goes to the caller. */
static void forget(struct forwarder *fw, struct request *r, struct nst_pktq *ret_held)
{
    hash_remove(&fw->table, &r->node);
    list_remove(&r->age);
    list_remove(&r->unseen);
    handle_remove(&fw->handles, r->handle);
    fw->count[r->kind]--;
    fw->held_bytes -= r->bytes;
    *ret_held = r->held;
    slab_give(&fw->slab, r);
    if (hash_count(&fw->table) == 0)
        wheel_cancel(&fw->stack->wheel, &fw->timer);
}

static void end(struct forwarder *fw, struct request *r, enum drop_reason reason)
{
    struct nst_pktq held;
    forget(fw, r, &held);
    pktq_drop(&held, reason);
}

/* Ends it before the host decided. */
static void expire(struct forwarder *fw, struct request *r, enum drop_reason reason)
{
    COUNT(fw->stack->counters.requests_expired);
    end(fw, r, reason);
}

static bool evict(struct forwarder *fw, enum kind kind)
{
    struct request *oldest = LIST_FIRST(&fw->age[kind], struct request, age);
    if (oldest == NULL)
        return false;
    expire(fw, oldest, DROP_REQUEST_LIMIT);
    return true;
}

static void arm(struct forwarder *fw)
{
    nst_time first = NST_TIME_NEVER;

    for (int kind = 0; kind < KIND_MAX; kind++) {
        const struct request *r = LIST_FIRST(&fw->age[kind], struct request, age);
        if (r != NULL)
            first = min_i64(first, r->born + fw->timeout);
    }
    stack_arm(fw->stack, &fw->timer, first);
}

static void fire(struct timer *timer, nst_time now)
{
    struct forwarder *fw = container_of(timer, struct forwarder, timer);
    struct request *r;

    for (int kind = 0; kind < KIND_MAX; kind++) {
        while ((r = LIST_FIRST(&fw->age[kind], struct request, age)) != NULL &&
               now - r->born >= fw->timeout)
            expire(fw, r, DROP_REQUEST_ENDED);
    }
    arm(fw);
}

static struct request *allocate(struct forwarder *fw, enum kind kind)
{
    struct request *r = slab_take(&fw->slab);
    if (r == NULL)
        return NULL;
    r->handle = handle_add(&fw->handles, r);
    if (r->handle == 0) {
        slab_give(&fw->slab, r);
        return NULL;
    }
    fw->count[kind]++;
    return r;
}

/* NULL: no memory. */
static struct request *make(struct forwarder *fw, enum kind kind, const struct demux_key *key,
                            const struct rx *rx)
{
    while (fw->count[kind] >= fw->pending_max)
        evict(fw, kind);
    struct request *r = allocate(fw, kind);
    if (r == NULL && evict(fw, kind))
        r = allocate(fw, kind);
    if (r == NULL)
        return NULL;
    r->key = *key;
    r->born = fw->stack->now;
    r->net = rx->net;
    r->kind = (uint8_t)kind;
    r->held = (struct nst_pktq){0};
    r->bytes = 0;
    hash_insert(&fw->table, &r->node, demux_hash(fw->stack, key));
    list_init(&r->age);
    list_init(&r->unseen);
    list_add_tail(&fw->age[kind], &r->age);
    list_add_tail(&fw->unseen, &r->unseen);
    if (!timer_is_armed(&fw->timer))
        arm(fw);
    COUNT(fw->stack->counters.requests_made);
    ready_notify(&fw->stack->ready, &fw->ready, NST_READY_REQUEST);
    return r;
}

/* ---- Packets that wait with a request ---- */

static void hold(struct forwarder *fw, struct request *r, struct pkt *p, const struct rx *rx)
{
    nst_pkt_shrink(pkt_pub(p));
    const uint32_t size = dgram_pkt_size(p);
    if (r->held.count >= REQUEST_PACKETS || r->bytes >= REQUEST_BYTES ||
        fw->held_bytes + size > fw->held_max) {
        pkt_drop(p, DROP_REQUEST_LIMIT);
        return;
    }
    *PKT_CB(p, struct held_cb) = (struct held_cb){size, rx->ttl, rx->tos};
    r->bytes += size;
    fw->held_bytes += size;
    pktq_push(&r->held, p);
}

/* Makes room for what a new request will hold: older requests go. */
static void make_room(struct forwarder *fw, enum kind kind, struct pkt *p)
{
    nst_pkt_shrink(pkt_pub(p));
    while (fw->held_bytes + dgram_pkt_size(p) > fw->held_max && evict(fw, kind))
        ;
}

/* A new request that holds p; p is dropped and NULL returned where there is no memory. */
static struct request *begin(struct forwarder *fw, enum kind kind, const struct demux_key *key,
                             struct pkt *p, const struct rx *rx)
{
    make_room(fw, kind, p);
    struct request *r = pool_is_critical(fw->stack->pool) ? NULL : make(fw, kind, key, rx);
    if (r == NULL)
        pkt_drop(p, DROP_NO_MEMORY);
    else
        hold(fw, r, p, rx);
    return r;
}

/* ---- Input: each says whether it consumed p ---- */

static struct demux_key flow_key(const struct pkt *p, const struct rx *rx)
{
    return (struct demux_key){
        .local = rx->dst,
        .remote = rx->src,
        .local_port = be16_get(p->data + 2),
        .remote_port = be16_get(p->data),
        .nic = rx->nic->id,
        .proto = rx->proto,
    };
}

/* A segment of a flow for which a request waits. */
static void tcp_again(struct forwarder *fw, struct request *r, struct pkt *p, const struct rx *rx,
                      const struct tcp_hdr *hdr)
{
    struct tcp_syn syn;

    if ((hdr->flags & TCP_RST) != 0) {
        /* From a client that gave up: its SYN, and nothing else, takes a sequence number. */
        if (hdr->seq == r->syn.irs || hdr->seq == r->syn.irs + 1)
            expire(fw, r, DROP_REQUEST_ENDED);
    } else if (tcp_syn_read(p, rx, &syn) && syn.irs != r->syn.irs) {
        /* The client began anew: what is accepted will be the new one. */
        r->syn = syn;
    }
    pkt_deliver(p);
}

static bool take_tcp(struct forwarder *fw, struct pkt *p, const struct rx *rx)
{
    struct tcp_hdr hdr;
    struct tcp_syn syn;

    if (tcp_parse(p->data, p->linear, &hdr) == 0)
        return false;
    const struct demux_key key = flow_key(p, rx);
    struct request *r = find(fw, &key);
    if (r != NULL) {
        tcp_again(fw, r, p, rx, &hdr);
        return true;
    }
    if (!tcp_syn_read(p, rx, &syn))
        return false;
    r = begin(fw, KIND_TCP, &key, p, rx);
    if (r != NULL)
        r->syn = syn;
    return true;
}

static bool take_datagram(struct forwarder *fw, enum kind kind, const struct demux_key *key,
                          struct pkt *p, const struct rx *rx)
{
    struct request *r = find(fw, key);
    if (r == NULL)
        begin(fw, kind, key, p, rx);
    else
        hold(fw, r, p, rx);
    return true;
}

static bool take_udp(struct forwarder *fw, struct pkt *p, const struct rx *rx)
{
    const struct demux_key key = flow_key(p, rx);
    /* RFC 768: source port 0 wants no answer, and nobody could be answered. */
    return key.remote_port != 0 && take_datagram(fw, KIND_UDP, &key, p, rx);
}

static bool take_echo(struct forwarder *fw, struct pkt *p, const struct rx *rx)
{
    struct demux_key key;
    return !rx->dst_assigned && ping_request_key(p, rx, &key) &&
           take_datagram(fw, KIND_ECHO, &key, p, rx);
}

/* The stack's default handler. */
static bool handle(struct nst_stack *stack, struct pkt *p, const struct rx *rx)
{
    struct forwarder *fw = stack->forwarder;

    /* Responders stay when the forwarder stops. */
    const bool is_icmp = rx->proto == IP_PROTO_ICMP || rx->proto == IP_PROTO_ICMPV6;
    if (is_icmp && ping_request(stack, p, rx))
        return true;
    if (fw == NULL || rx->type != PKT_HOST || (fw->nic != 0 && fw->nic != rx->nic->id))
        return false;
    switch (rx->proto) {
    case IP_PROTO_TCP:
        return fw->takes[KIND_TCP] && take_tcp(fw, p, rx);
    case IP_PROTO_UDP:
        return fw->takes[KIND_UDP] && take_udp(fw, p, rx);
    case IP_PROTO_ICMP:
    case IP_PROTO_ICMPV6:
        return fw->takes[KIND_ECHO] && take_echo(fw, p, rx);
    default:
        return false;
    }
}

void forwarder_report(struct nst_stack *stack, const struct demux_key *key)
{
    struct forwarder *fw = stack->forwarder;
    struct request *r = fw != NULL ? find(fw, key) : NULL;
    if (r != NULL)
        expire(fw, r, DROP_REQUEST_ENDED);
}

bool forwarder_owns_ready(const struct nst_stack *stack, const struct ready *ready)
{
    return stack->forwarder != NULL && ready == &stack->forwarder->ready;
}

/* ---- Start and stop ---- */

static struct forwarder *forwarder_new(struct nst_stack *stack)
{
    struct forwarder *fw = mem_zalloc(&stack->pool->mem, sizeof(*fw));
    if (fw == NULL)
        return NULL;
    fw->stack = stack;
    ready_init(&fw->ready);
    fw->ready.watched = NST_READY_REQUEST;
    handle_table_init(&fw->handles, &stack->pool->mem);
    hash_init(&fw->table, &stack->pool->mem);
    for (int kind = 0; kind < KIND_MAX; kind++)
        list_init(&fw->age[kind]);
    list_init(&fw->unseen);
    timer_init(&fw->timer, fire);
    slab_init(&fw->slab, &stack->pool->mem, sizeof(struct request), "request", REQUESTS_PER_CHUNK);
    fw->held_max = stack->pool->mem.limit / HELD_SHARE;
    return fw;
}

int nst_forwarder_start(struct nst_stack *stack, const struct nst_forwarder_config *config)
{
    if (stack == NULL || config == NULL || config->size != sizeof(*config) ||
        config->request_timeout < 0)
        return -NST_EINVAL;
    struct forwarder *fw = stack->forwarder;
    if (fw == NULL)
        fw = forwarder_new(stack);
    if (fw == NULL)
        return -NST_ENOMEM;
    fw->nic = config->nic;
    fw->takes[KIND_TCP] = config->tcp;
    fw->takes[KIND_UDP] = config->udp;
    fw->takes[KIND_ECHO] = config->icmp_echo;
    fw->pending_max = config->pending_max != 0 ? config->pending_max : PENDING_MAX;
    fw->timeout = config->request_timeout != 0 ? config->request_timeout : REQUEST_TIMEOUT;
    stack->forwarder = fw;
    stack->default_handler = handle;
    arm(fw);
    return 0;
}

void nst_forwarder_stop(struct nst_stack *stack)
{
    struct forwarder *fw = stack != NULL ? stack->forwarder : NULL;
    struct request *r;

    if (fw == NULL)
        return;
    for (int kind = 0; kind < KIND_MAX; kind++) {
        while ((r = LIST_FIRST(&fw->age[kind], struct request, age)) != NULL)
            end(fw, r, DROP_REQUEST_ENDED);
    }
    wheel_cancel(&stack->wheel, &fw->timer);
    ready_cancel(&fw->ready);
    handle_table_fini(&fw->handles);
    hash_fini(&fw->table);
    slab_fini(&fw->slab);
    mem_free(&stack->pool->mem, fw, sizeof(*fw));
    stack->forwarder = NULL;
}

/* ---- The host's side ---- */

static struct request *lookup(const struct nst_stack *stack, nst_request request)
{
    if (stack == NULL || stack->forwarder == NULL)
        return NULL;
    return handle_lookup(&stack->forwarder->handles, request);
}

static enum nst_socket_type type_of(const struct request *r)
{
    static const uint8_t types[] = {
        [KIND_TCP] = NST_STREAM,
        [KIND_UDP] = NST_DATAGRAM,
        [KIND_ECHO] = NST_PING,
    };
    return types[r->kind];
}

enum nst_socket_type forwarder_type(const struct nst_stack *stack, nst_request request)
{
    const struct request *r = lookup(stack, request);
    return r != NULL ? type_of(r) : 0;
}

bool nst_request_next(struct nst_stack *stack, struct nst_request_info *ret_info)
{
    struct forwarder *fw = stack != NULL ? stack->forwarder : NULL;
    if (fw == NULL || ret_info == NULL)
        return false;
    struct request *r = LIST_FIRST(&fw->unseen, struct request, unseen);
    if (r == NULL)
        return false;
    list_remove(&r->unseen);
    const struct demux_key *key = &r->key;
    const uint16_t local_port = r->kind == KIND_ECHO ? 0 : key->local_port;
    const struct pkt *first = pktq_first(&r->held);
    *ret_info = (struct nst_request_info){
        .request = r->handle,
        .type = type_of(r),
        .local = {.addr = key->local, .port = local_port, .nic = key->nic},
        .remote = {.addr = key->remote, .port = key->remote_port, .nic = key->nic},
        .trace = first != NULL ? first->trace : 0,
    };
    return true;
}

bool nst_request_is_alive(struct nst_stack *stack, nst_request request)
{
    return lookup(stack, request) != NULL;
}

/* The packets that waited become the first that the endpoint reads. */
static void hand_over(struct dgram *d, struct nst_pktq *held, const struct demux_key *key,
                      struct nic *nic)
{
    struct pkt *p;

    while ((p = pktq_pop(held)) != NULL) {
        const struct held_cb *cb = PKT_CB(p, const struct held_cb);
        const struct rx rx = {
            .nic = nic,
            .src = key->remote,
            .dst = key->local,
            .proto = key->proto,
            .ttl = cb->ttl,
            .tos = cb->tos,
        };
        if (d->kind == DGRAM_UDP)
            udp_redeliver(d, p, &rx);
        else
            dgram_push(d, p, &rx, key->remote_port, 0);
    }
}

/* An endpoint of the request, nothing handed over yet. 0, -NST_ENOMEM, -NST_EADDRINUSE. */
static int make_dgram(struct nst_stack *stack, const struct request *r, struct ready *ready,
                      struct dgram **ret_dgram)
{
    const bool is_udp = r->kind == KIND_UDP;
    struct dgram *d;
    int error =
        is_udp ? udp_new_flow(stack, &r->key, ready, &d) : ping_new_flow(stack, &r->key, ready, &d);
    if (error < 0)
        return error;
    error = dgram_keep_quote(d, r->net);
    if (error == 0)
        *ret_dgram = d;
    else if (is_udp)
        udp_free(d);
    else
        ping_free(d);
    return error;
}

static int accept_datagram(struct forwarder *fw, struct request *r, struct ready *ready,
                           struct dgram **ret_dgram)
{
    const struct demux_key key = r->key;
    struct nic *nic = nic_by_id(fw->stack, key.nic);
    struct nst_pktq held;
    struct dgram *d = NULL;

    if (nic == NULL) {
        expire(fw, r, DROP_REQUEST_ENDED);
        return -NST_EBADHANDLE;
    }
    const int error = make_dgram(fw->stack, r, ready, &d);
    if (error < 0)
        return error;
    forget(fw, r, &held);
    hand_over(d, &held, &key, nic);
    *ret_dgram = d;
    return 0;
}

static int accept_stream(struct forwarder *fw, struct request *r, struct ready *ready,
                         struct tcb **ret_tcb)
{
    struct nst_pktq held;
    struct pkt *p;

    const int error = tcp_accept_syn(fw->stack, &r->syn, ready, ret_tcb);
    if (error < 0)
        return error;
    forget(fw, r, &held);
    while ((p = pktq_pop(&held)) != NULL)
        pkt_deliver(p);
    return 0;
}

int forwarder_accept(struct nst_stack *stack, nst_request request, struct ready *ready,
                     union forwarder_flow *ret_flow)
{
    struct request *r = lookup(stack, request);
    if (r == NULL)
        return -NST_EBADHANDLE;
    if (r->kind == KIND_TCP)
        return accept_stream(stack->forwarder, r, ready, &ret_flow->tcb);
    return accept_datagram(stack->forwarder, r, ready, &ret_flow->dgram);
}

/* What says so; not for NST_REFUSE_DROP. */
static enum net_error error_of(enum nst_refusal how, bool is_udp)
{
    switch (how) {
    case NST_REFUSE_RESET:
        return is_udp ? NET_ERROR_PORT_UNREACHABLE : NET_ERROR_HOST_UNREACHABLE;
    case NST_REFUSE_NET_UNREACHABLE:
        return NET_ERROR_NET_UNREACHABLE;
    case NST_REFUSE_PROHIBITED:
        return NET_ERROR_PROHIBITED;
    default:
        return NET_ERROR_HOST_UNREACHABLE;
    }
}

static void answer(struct nst_stack *stack, const struct request *r, enum nst_refusal how)
{
    struct nic *nic = nic_by_id(stack, r->key.nic);
    const struct pkt *p = pktq_first(&r->held);

    if (how == NST_REFUSE_DROP || nic == NULL || p == NULL)
        return;
    if (how == NST_REFUSE_RESET && r->kind == KIND_TCP) {
        tcp_refuse_syn(stack, &r->syn);
        return;
    }
    r->net->send_error(nic, p, error_of(how, r->kind == KIND_UDP), 0);
}

int forwarder_refuse(struct dgram *d, enum nst_refusal how)
{
    if (how == NST_REFUSE_DROP)
        return d->quote != NULL ? 0 : -NST_EINVAL;
    return dgram_refuse(d, error_of(how, d->kind == DGRAM_UDP));
}

int nst_request_refuse(struct nst_stack *stack, nst_request request, enum nst_refusal how)
{
    struct request *r = lookup(stack, request);
    if (r == NULL)
        return -NST_EBADHANDLE;
    answer(stack, r, how);
    end(stack->forwarder, r, DROP_REQUEST_ENDED);
    return 0;
}

uint64_t forwarder_packets(const struct nst_stack *stack)
{
    const struct forwarder *fw = stack->forwarder;
    uint64_t n = 0;
    for (int kind = 0; fw != NULL && kind < KIND_MAX; kind++) {
        struct request *r;
        LIST_FOR_EACH (r, &fw->age[kind], struct request, age) {
            n += r->held.count;
        }
    }
    return n;
}
