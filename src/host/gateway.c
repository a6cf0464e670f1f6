/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gateway: each forwarder request becomes a flow with a socket of the host. What comes from
 * outside is in publish.c.
 *
 * Theory of operation. The host's `decide` says where a request goes or how it is refused. A flow
 * opens its socket; TCP waits for its connect before it accepts inside, so that a refusal outside
 * is a refusal inside; UDP and ping accept at once, and what their socket learns later is told
 * inside by nst_socket_refuse. When descriptors run out, or there are
 * flows_max, requests wait, unanswered, oldest first, until a flow ends; and because descriptors
 * may come free elsewhere, the first is tried again from time to time. Nothing spins, and the
 * peers' retransmissions wait with them.
 *
 * Invariants: (1) every flow is in `flows`, exactly once; (2) a flow has a request or a socket, not
 * both; (3) a flow is freed only in flow_end, which takes it out of every list, timer and watch
 * first; (4) `begun` is the number of flows that are carried, not waiting; (5) starved_timer is
 * armed while `starved` has flows; (6) at most STARVED_MAX flows are starved: requests die in the
 * stack, whose forwarder keeps fewer, so among so many there are dead ones.
 *
 * Ready entries carry a flow as context. A callback ends its own flow, and starved ones, which have
 * no socket of the stack and so no entry: so the others of the same batch stay valid.
 */
#include "host/flow.h"
#include "host/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STARVED_MAX   16384 /* more than three times the forwarder's cap of each protocol */
#define STARVED_RETRY (100 * NST_MSEC)

static void try_starved(struct nst_gateway *g);

static void on_host_events(struct nst_watch *watch, uint32_t events)
{
    struct flow *flow = (struct flow *)watch;
    flow->ops->on_host(flow, events);
}

static void on_again(struct nst_loop_timer *timer)
{
    struct nst_gateway *g =
        (struct nst_gateway *)(void *)((char *)timer - offsetof(struct nst_gateway, again_timer));
    struct flow_list list = TAILQ_HEAD_INITIALIZER(list);
    TAILQ_CONCAT(&list, &g->again, waiting);
    struct flow *flow;
    while ((flow = TAILQ_FIRST(&list)) != NULL) {
        TAILQ_REMOVE(&list, flow, waiting);
        flow->is_again = false;
        flow->ops->on_host(flow, 0);
    }
}

void flow_again(struct flow *flow)
{
    struct nst_gateway *g = flow->gateway;
    if (flow->is_again)
        return;
    flow->is_again = true;
    TAILQ_INSERT_TAIL(&g->again, flow, waiting);
    nst_loop_arm(g->config.loop, &g->again_timer, nst_loop_now(g->config.loop));
}

static void close_host_socket(struct flow *flow, bool reset)
{
    if (flow->watch.fd < 0)
        return;
    if (reset && flow->summary.type == NST_STREAM) {
        const struct linger linger = {.l_onoff = 1, .l_linger = 0};
        setsockopt(flow->watch.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    }
    nst_loop_remove(flow->gateway->config.loop, &flow->watch);
    close(flow->watch.fd);
    flow->watch.fd = -1;
}

/* What the connection inside knows of itself goes into the summary. Its state, or 0. */
static uint8_t look_inside(const struct flow *flow, struct nst_flow_summary *summary)
{
    struct nst_tcp_info info;
    if (summary->type != NST_STREAM || flow->socket == 0 ||
        nst_socket_tcp_info(flow->gateway->config.stack, flow->socket, &info) < 0)
        return 0;
    summary->srtt = info.srtt;
    summary->retransmits = info.retransmits;
    return info.state;
}

static void close_stack_socket(struct flow *flow, bool reset)
{
    struct nst_stack *stack = flow->gateway->config.stack;
    if (flow->request != 0)
        nst_request_refuse(stack, flow->request, NST_REFUSE_RESET);
    if (flow->socket == 0)
        return;
    look_inside(flow, &flow->summary);
    if (reset)
        nst_socket_abort(stack, flow->socket);
    else
        nst_socket_close(stack, flow->socket);
}

static void starve(struct flow *flow, bool first)
{
    struct nst_gateway *g = flow->gateway;
    if (first)
        TAILQ_INSERT_HEAD(&g->starved, flow, waiting);
    else
        TAILQ_INSERT_TAIL(&g->starved, flow, waiting);
    flow->is_waiting = true;
    if (g->starved_count++ == 0)
        nst_loop_arm(g->config.loop, &g->starved_timer,
                     nst_loop_now(g->config.loop) + STARVED_RETRY);
}

static void unstarve(struct flow *flow)
{
    struct nst_gateway *g = flow->gateway;
    if (!flow->is_waiting)
        return;
    TAILQ_REMOVE(&g->starved, flow, waiting);
    flow->is_waiting = false;
    if (--g->starved_count == 0)
        nst_loop_disarm(g->config.loop, &g->starved_timer);
}

void flow_end(struct flow *flow, int error, bool reset)
{
    struct nst_gateway *g = flow->gateway;
    const bool makes_room = flow->has_begun;
    close_host_socket(flow, reset);
    close_stack_socket(flow, reset && flow->summary.type == NST_STREAM);
    nst_loop_disarm(g->config.loop, &flow->timer);
    unstarve(flow);
    if (flow->is_again)
        TAILQ_REMOVE(&g->again, flow, waiting);
    if (flow->publication != NULL)
        publish_forget(flow);
    TAILQ_REMOVE(&g->flows, flow, link);
    g->begun -= flow->has_begun;
    g->stats.active--;
    g->stats.active_tcp -= flow->summary.type == NST_STREAM;
    g->stats.bytes_out += flow->summary.bytes_out;
    g->stats.bytes_in += flow->summary.bytes_in;
    flow->summary.ended = nst_loop_now(g->config.loop);
    flow->summary.error = error;
    if (g->config.ended != NULL)
        g->config.ended(g->config.context, &flow->summary);
    free(flow);
    if (!makes_room)
        return;
    try_starved(g);
    publish_resume(g);
}

enum nst_refusal flow_refusal_of(int errnum)
{
    switch (errnum) {
    case ECONNREFUSED:
    case ECONNRESET:
        return NST_REFUSE_RESET;
    case ENETUNREACH:
    case EAFNOSUPPORT:
        return NST_REFUSE_NET_UNREACHABLE;
    case EACCES:
    case EPERM:
        return NST_REFUSE_PROHIBITED;
    default:
        return NST_REFUSE_HOST_UNREACHABLE;
    }
}

void flow_refuse(struct flow *flow, int errnum)
{
    struct nst_gateway *g = flow->gateway;
    g->stats.failed++;
    nst_request_refuse(g->config.stack, flow->request, flow_refusal_of(errnum));
    flow->request = 0;
    flow_end(flow, -nst_error_from_errno(errnum), false);
}

bool flow_accept(struct flow *flow, uint32_t events)
{
    struct nst_stack *stack = flow->gateway->config.stack;
    nst_socket s;
    int r = nst_request_accept(stack, flow->request, &s);
    if (r < 0) {
        if (r == -NST_EBADHANDLE)
            flow->request = 0; /* its peer gave up */
        flow_end(flow, r, true);
        return false;
    }
    flow->request = 0;
    flow->socket = s;
    nst_socket_watch(stack, s, events, flow);
    return true;
}

bool flow_watch_host(struct flow *flow, int fd)
{
    struct nst_gateway *g = flow->gateway;
    flow->watch.fd = fd;
    flow->watch.on_events = on_host_events;
    flow->has_begun = true;
    g->begun++;
    return nst_loop_add(g->config.loop, &flow->watch, flow->ops->watch_events) == 0;
}

/* Opens the flow's host socket and starts it. False: there is no descriptor left. */
static bool begin(struct flow *flow)
{
    int fd = flow->ops->open(flow);
    if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS)
        return false;
    if (fd < 0) {
        flow_refuse(flow, -fd);
        return true;
    }
    if (!flow_watch_host(flow, fd)) {
        flow_refuse(flow, ENOBUFS);
        return true;
    }
    flow->ops->start(flow);
    return true;
}

bool gateway_is_full(const struct nst_gateway *g)
{
    return g->config.flows_max != 0 && g->begun >= g->config.flows_max;
}

/* Ends a starved flow whose peer gave up. */
static bool end_if_dead(struct flow *flow)
{
    if (nst_request_is_alive(flow->gateway->config.stack, flow->request))
        return false;
    flow->request = 0;
    flow_end(flow, -NST_ETIMEDOUT, false);
    return true;
}

/* A descriptor may have come free: the oldest requests that wait for one get it. */
static void try_starved(struct nst_gateway *g)
{
    struct flow *flow;
    if (g->is_beginning)
        return; /* a flow that ended as soon as it began */
    g->is_beginning = true;
    while ((flow = TAILQ_FIRST(&g->starved)) != NULL && !gateway_is_full(g)) {
        if (end_if_dead(flow))
            continue;
        unstarve(flow);
        if (!begin(flow)) {
            starve(flow, true);
            break;
        }
    }
    g->is_beginning = false;
}

static void on_starved(struct nst_loop_timer *timer)
{
    struct nst_gateway *g =
        (struct nst_gateway *)(void *)((char *)timer - offsetof(struct nst_gateway, starved_timer));
    nst_loop_arm(g->config.loop, timer, nst_loop_now(g->config.loop) + STARVED_RETRY);
    try_starved(g);
}

/* Keeps invariant (6). */
static void end_dead(struct nst_gateway *g)
{
    struct flow *flow = TAILQ_FIRST(&g->starved);
    while (flow != NULL) {
        struct flow *next = TAILQ_NEXT(flow, waiting);
        end_if_dead(flow);
        flow = next;
    }
}

static void count_flow(struct nst_gateway *g, enum nst_socket_type type)
{
    if (type == NST_STREAM)
        g->stats.tcp_flows++;
    else if (type == NST_DATAGRAM)
        g->stats.udp_flows++;
    else
        g->stats.ping_flows++;
}

void gateway_tell_refused(struct nst_gateway *g, const struct nst_flow_summary *flow)
{
    struct nst_flow_summary summary = *flow;
    summary.begun = summary.ended = nst_loop_now(g->config.loop);
    if (g->config.ended != NULL)
        g->config.ended(g->config.context, &summary);
}

/* A request that became no flow: `error` is for the summary. */
static void refuse_request(struct nst_gateway *g, const struct nst_request_info *request,
                           enum nst_refusal how, int error)
{
    const struct nst_flow_summary summary = {.type = request->type,
                                             .inside = request->remote,
                                             .outside = request->local,
                                             .error = error};
    nst_request_refuse(g->config.stack, request->request, how);
    gateway_tell_refused(g, &summary);
}

struct flow *flow_new(struct nst_gateway *g, enum nst_socket_type type, const struct flow_ops *ops)
{
    struct flow *flow = calloc(1, sizeof(*flow));
    if (flow == NULL)
        return NULL;
    flow->gateway = g;
    flow->watch.fd = -1;
    flow->ops = ops;
    flow->id = ++g->last_id;
    flow->summary.type = type;
    flow->summary.begun = nst_loop_now(g->config.loop);
    TAILQ_INSERT_TAIL(&g->flows, flow, link);
    g->stats.active++;
    g->stats.active_tcp += type == NST_STREAM;
    count_flow(g, type);
    return flow;
}

/* NULL: no memory, or no target. */
static struct flow *make_flow(struct nst_gateway *g, const struct nst_request_info *request,
                              const struct nst_target *target)
{
    static const struct flow_ops *const ops[] = {
        [NST_STREAM] = &flow_tcp_ops,
        [NST_DATAGRAM] = &flow_udp_ops,
        [NST_PING] = &flow_ping_ops,
    };
    struct flow *flow = NULL;
    if (target->address != NULL && target->address_len <= sizeof(flow->target))
        flow = flow_new(g, request->type, ops[request->type]);
    if (flow == NULL)
        return NULL;
    flow->request = request->request;
    flow->summary.inside = request->remote;
    flow->summary.outside = request->local;
    flow->summary.flow_context = target->flow_context;
    memcpy(&flow->target, target->address, target->address_len);
    flow->target_len = target->address_len;
    flow->udp_timeout = target->udp_timeout;
    flow->observe = target->observe && g->config.observe != NULL;
    return flow;
}

/* What the sender of a refused request is told, for the summary. */
static int error_of(enum nst_refusal how)
{
    switch (how) {
    case NST_REFUSE_RESET:
        return -NST_ECONNREFUSED;
    case NST_REFUSE_HOST_UNREACHABLE:
        return -NST_EHOSTUNREACH;
    case NST_REFUSE_NET_UNREACHABLE:
        return -NST_ENETUNREACH;
    default:
        return -NST_EPERM;
    }
}

static void take_request(struct nst_gateway *g, const struct nst_request_info *request)
{
    struct nst_target target = {0};
    int r = g->config.decide(g->config.context, request, &target);
    if (r < 0) {
        g->stats.refused++;
        const enum nst_refusal how = (enum nst_refusal)(-1 - r);
        refuse_request(g, request, how, error_of(how));
        return;
    }
    struct flow *flow = make_flow(g, request, &target);
    if (flow == NULL) {
        g->stats.failed++;
        refuse_request(g, request, NST_REFUSE_HOST_UNREACHABLE, -NST_ENOMEM);
        return;
    }
    if (!TAILQ_EMPTY(&g->starved) || gateway_is_full(g) || !begin(flow)) {
        starve(flow, false);
        if (g->starved_count >= STARVED_MAX)
            end_dead(g);
    }
}

bool nst_gateway_ready(struct nst_gateway *g, const struct nst_ready *ready)
{
    if (ready->socket == 0) {
        struct nst_request_info request;
        while (nst_request_next(g->config.stack, &request))
            take_request(g, &request);
        return true;
    }
    struct flow *flow = ready->context;
    if (flow == NULL || flow->gateway != g)
        return false;
    flow->ops->on_stack(flow, ready->events);
    return true;
}

int nst_gateway_new(const struct nst_gateway_config *config, struct nst_gateway **ret_gateway)
{
    if (config->size != sizeof(*config) || config->decide == NULL || config->loop == NULL ||
        config->stack == NULL)
        return -NST_EINVAL;
    struct nst_gateway *g = calloc(1, sizeof(*g));
    if (g == NULL)
        return -NST_ENOMEM;
    g->config = *config;
    TAILQ_INIT(&g->flows);
    TAILQ_INIT(&g->starved);
    TAILQ_INIT(&g->again);
    publish_init(g);
    g->again_timer.on_timer = on_again;
    g->starved_timer.on_timer = on_starved;
    const struct nst_forwarder_config forwarder = {
        .size = sizeof(forwarder), .nic = config->nic, .tcp = true, .udp = true, .icmp_echo = true};
    int r = nst_forwarder_start(config->stack, &forwarder);
    if (r < 0) {
        free(g);
        return r;
    }
    *ret_gateway = g;
    return 0;
}

void nst_gateway_get_stats(const struct nst_gateway *g, struct nst_gateway_stats *ret_stats)
{
    *ret_stats = g->stats;
    const struct flow *flow;
    TAILQ_FOREACH(flow, &g->flows, link)
    {
        ret_stats->bytes_out += flow->summary.bytes_out;
        ret_stats->bytes_in += flow->summary.bytes_in;
    }
}

size_t nst_gateway_flow_list(const struct nst_gateway *g, struct nst_flow_info *ret_flows,
                             size_t max)
{
    size_t n = 0;
    const struct flow *flow;
    TAILQ_FOREACH(flow, &g->flows, link)
    {
        if (n == max)
            break;
        struct nst_flow_info *info = &ret_flows[n++];
        *info = (struct nst_flow_info){
            .summary = flow->summary, .id = flow->id, .is_waiting = flow->is_waiting};
        info->tcp_state = look_inside(flow, &info->summary);
    }
    return g->stats.active;
}

void nst_gateway_free(struct nst_gateway *g)
{
    if (g == NULL)
        return;
    nst_forwarder_stop(g->config.stack);
    g->is_beginning = true; /* nothing that waits may start now */
    struct flow *flow;
    while ((flow = TAILQ_FIRST(&g->flows)) != NULL) {
        flow->request = 0;
        flow_end(flow, 0, flow->ops == &flow_led_tcp_ops); /* it led nowhere */
    }
    publish_fini(g);
    nst_loop_disarm(g->config.loop, &g->again_timer);
    free(g);
}
