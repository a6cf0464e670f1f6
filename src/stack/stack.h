/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack object: what every layer above finds the others through.
 *
 * Theory of operation
 *
 * nst_stack_run is the only place where things happen by themselves: links run, NICs take what was
 * delivered, timers fire; then the epilogue works off the to-do list: connections send what is due,
 * NICs hand their queues to the links. User calls change state and put objects on the to-do list;
 * they never send. So no object vanishes under its caller.
 *
 * Invariants
 *  1. `now` never runs backwards.
 *  2. An object on the to-do list, the ready list or the wheel is removed from there before it is
 * freed.
 *  3. `running` is set while links are called; public calls that change things trap then in debug
 * builds.
 */
#ifndef NICSTACK_SRC_STACK_STACK_H
#define NICSTACK_SRC_STACK_STACK_H

#include <nicstack/stack.h>

#include "base/check.h"
#include "base/list.h"
#include "base/rand.h"
#include "base/siphash.h"
#include "base/timer.h"
#include "packet/counter.h"
#include "packet/pool.h"
#include "stack/demux.h"
#include "stack/dst.h"
#include "stack/flow_cache.h"
#include "stack/proto.h"
#include "stack/ready.h"
#include "stack/route.h"
#include "stack/tally.h"
#include "stack/tape.h"

#define STACK_TRANSPORTS_MAX 8

/* Something to do in the epilogue. Embed it; `run` is called once per schedule, with the object off
 * the list already. */
struct todo {
    struct list node;
    void (*run)(struct todo *todo);
};

struct nst_stack {
    struct nst_pool *pool;
    nst_time now;
    uint32_t now_us, now_ms; /* the same, cut to what TCP counts with */
    struct wheel wheel;
    struct timer trim;    /* gives the pool's idle blocks back */
    struct list todos;    /* of struct todo, first in first out */
    struct list nics;     /* by id */
    uint32_t last_served; /* id of the NIC whose input was worked off last */
    bool running, has_run;
    uint8_t transport_count, transports_started, nets_started;
    bool handle_local, weak_host;
    struct rand rand;
    struct siphash_key hash_key; /* for every table that peers can fill */
    const struct csum_ops *csum;
    const struct net_proto *net[NET_INDEX_MAX]; /* NULL: not built in */
    uint8_t transport_index[256];               /* protocol number -> index + 1 */
    const struct transport_proto *transport[STACK_TRANSPORTS_MAX];
    /* Who gets packets, by transport_index: the transport, or deliver_rest where there is
     * none or raw sockets want to see them first. */
    void (*transport_input[STACK_TRANSPORTS_MAX + 1])(struct nst_stack *stack, struct pkt *p,
                                                      const struct rx *rx);
    /* N101: who takes what no socket matched: the forwarder. Returns true if it consumed p. */
    bool (*default_handler)(struct nst_stack *stack, struct pkt *p, const struct rx *rx);
    /*
     * Set by the ping transport in its init; NULL without one. echo_reply is offered each ICMP echo
     * reply, data at the ICMP header, checksum checked; true: it consumed p. echo_error is told of
     * ICMP errors that quote an echo request of ours (report->quote is its ICMP header).
     */
    bool (*echo_reply)(struct nst_stack *stack, struct pkt *p, const struct rx *rx);
    void (*echo_error)(struct nst_stack *stack, const struct net_error_report *report);
    /*
     * Set while there are raw sockets (N100). raw_input is offered each packet before its
     * transport, data at the transport header, and only borrows it; true: somebody wanted it.
     * raw_error is told of errors that quote a packet of protocol `proto`; true: it concerned
     * somebody.
     */
    bool (*raw_input)(struct nst_stack *stack, const struct pkt *p, const struct rx *rx);
    bool (*raw_error)(struct nst_stack *stack, uint8_t proto,
                      const struct net_error_report *report);
    struct list raws;                  /* of struct dgram, in order of opening */
    struct list taps;                  /* of struct nic_tap, in order of registration */
    const struct nic_tap *tap_sending; /* whose own frame it is that a NIC sends now */
    struct tally unknown_protocols;    /* N101 */
    /* N8: the socket layer's, NULL without one: tells who watches whether it still has a way. */
    struct todo *ways;
    struct route_table routes;
    struct dst_table dsts;
    struct demux demux;
    struct flow_cache flows;
    struct ready_list ready;
    struct event_ring *events; /* NULL: nobody wants them */
    struct tape *tape;         /* NULL: nobody records */
    /* Each protocol's own state, made in its init. */
    struct ip4_state *ip4;
    struct icmp4_state *icmp4;
    struct ip6_state *ip6;
    struct icmp6_state *icmp6;
    struct udp_state *udp;
    struct ping_state *ping;
    struct tcp_state *tcp;
    struct forwarder *forwarder;
    struct socket_table *sockets;
    struct stack_counters counters;
    struct nst_stack_config config;
};

/* Public calls that change something begin with it: a link, or any other callback of the host, must
 * not call back into the stack. */
static inline void stack_check_caller(const struct nst_stack *stack)
{
    DEBUG_CHECK(!stack->running);
}

static inline void todo_init(struct todo *t, void (*run)(struct todo *))
{
    list_init(&t->node);
    t->run = run;
}
static inline void todo_schedule(struct nst_stack *stack, struct todo *t)
{
    if (!list_is_linked(&t->node))
        list_add_tail(&stack->todos, &t->node);
}
static inline void todo_cancel(struct todo *t)
{
    list_remove(&t->node);
}

/* A NIC or an address can be used from now on, or not any more. */
static inline void stack_ways_changed(struct nst_stack *stack)
{
    if (stack->ways != NULL)
        todo_schedule(stack, stack->ways);
}

/* Used by nicstack.c: registers what is built in. */
void stack_add_net(struct nst_stack *stack, const struct net_proto *proto);
void stack_add_transport(struct nst_stack *stack, const struct transport_proto *proto);
/* The bare stack without protocols: 0, -NST_EINVAL, -NST_ENOMEM. */
int stack_new(const struct nst_stack_config *config, struct nst_stack **ret_stack);
/* Calls init of what was registered; on failure what was begun is undone. */
int stack_start(struct nst_stack *stack);
void stack_free(struct nst_stack *stack);

static inline const struct transport_proto *stack_transport(const struct nst_stack *stack,
                                                            uint8_t number)
{
    uint8_t i = stack->transport_index[number];
    return i == 0 ? NULL : stack->transport[i - 1];
}

static inline void stack_arm(struct nst_stack *stack, struct timer *t, nst_time when)
{
    wheel_arm(&stack->wheel, t, when);
}

/* The end of a packet of a transport that is not there: counted by number, answered unless a raw
 * socket took it (N101). */
void stack_refuse_transport(struct pkt *p, const struct rx *rx);

/* Chooses stack->transport_input anew: a transport came, or the first or last raw socket. */
void stack_choose_inputs(struct nst_stack *stack);

/* N100, N101: raw clones, the transport's input, or its absence answered. Network protocols call it
 * with data at the transport header. Consumes p. */
static inline void stack_deliver_transport(struct nst_stack *stack, struct pkt *p,
                                           const struct rx *rx)
{
    stack->transport_input[stack->transport_index[rx->proto]](stack, p, rx);
}

/* demux_lookup_anew, unless the flow's endpoint is known. */
static inline struct demux_entry *demux_lookup(struct nst_stack *stack, const struct rx *rx,
                                               uint16_t src_port, uint16_t dst_port)
{
    if (likely(rx->flow != NULL && rx->flow->change == stack->demux.change))
        return rx->flow->entry;
    return demux_lookup_anew(stack, rx, src_port, dst_port);
}

/* N105: tells raw sockets and the transport `proto` of an error that quotes a packet of theirs.
 * False: there is nobody to tell. */
bool stack_report_error(struct nst_stack *stack, uint8_t proto,
                        const struct net_error_report *report);
/* N47: p, of ep and of the transport `proto`, waited for a link address in vain: its own sender is
 * told, on its socket or, where it is somebody else's packet, by an ICMP error. */
void stack_report_unresolved(struct net_ep *ep, const struct pkt *p, uint8_t proto,
                             const struct net_error_report *report);

/* ---- What every packet asks of its destination (dst.h) ---- */

/* False: something changed, or a lowered path MTU is to be tried anew; put it and get a new one. A
 * stale one must not be asked anything else; dst_output through it drops the packet. */
static inline bool dst_is_valid(const struct dst *d)
{
    return likely(d->generation == d->stack->routes.generation && d->stack->now < d->mtu_expires);
}

/* Sends: net->output. Consumes p. -NST_EHOSTUNREACH if d is stale. */
static inline int dst_output(struct dst *d, struct pkt *p, const struct ip_out *out)
{
    if (unlikely(d->generation != d->stack->routes.generation)) {
        pkt_drop(p, DROP_NO_ROUTE);
        return -NST_EHOSTUNREACH;
    }
    return d->net->output(d, p, out);
}

/* Are two words the same? */
static inline bool name_equal(const char *x, const char *y)
{
    while (*x != 0 && *x == *y) {
        x++;
        y++;
    }
    return *x == *y;
}

/* A line for the log sink, printf-like (base/fmt.h), costs nothing without a sink. */
void stack_log(struct nst_stack *stack, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
