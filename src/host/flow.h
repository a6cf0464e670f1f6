/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow of the gateway: one forwarder request, its socket of the stack and its socket of the host.
 * gateway.c makes and ends flows; flow_tcp.c and flow_dgram.c carry them.
 */
#ifndef NICSTACK_SRC_HOST_FLOW_H
#define NICSTACK_SRC_HOST_FLOW_H

#include <nicstack/host.h>

#include <sys/queue.h>
#include <sys/socket.h>

struct flow;

struct flow_ops {
    /* The host's socket for the target, non-blocking, connect begun. A descriptor, or a negative
     * errno; -EMFILE, -ENFILE and -ENOBUFS let the request wait. */
    int (*open)(struct flow *flow);
    /* It has a descriptor and is watched: go on. May end the flow, as the next two may. */
    void (*start)(struct flow *flow);
    void (*on_host)(struct flow *flow, uint32_t events);  /* epoll's events */
    void (*on_stack)(struct flow *flow, uint32_t events); /* NST_READY_* */
    uint32_t watch_events;
};

struct flow {
    struct nst_watch watch;    /* first: fd is -1 while there is none */
    TAILQ_ENTRY(flow) link;    /* gateway->flows */
    TAILQ_ENTRY(flow) waiting; /* for a descriptor, or to be pumped again */
    struct nst_gateway *gateway;
    const struct flow_ops *ops;
    nst_request request; /* 0 once it was accepted or refused */
    nst_socket socket;   /* 0 before */
    struct nst_flow_summary summary;
    struct sockaddr_storage target;
    socklen_t target_len;
    nst_time udp_timeout;
    bool observe;
    nst_time active; /* when something last passed */
    struct nst_loop_timer timer;
    bool is_waiting, is_again;
    struct nst_pump pump; /* TCP */
};

#define FLOW_DATAGRAM_MAX 65536

TAILQ_HEAD(flow_list, flow);

struct nst_gateway {
    struct nst_gateway_config config;
    struct flow_list flows;
    struct flow_list starved; /* requests that wait for a descriptor */
    uint32_t starved_count;
    uint32_t begun; /* flows that have a descriptor */
    struct nst_loop_timer starved_timer;
    struct flow_list again; /* flows that used up their turn */
    struct nst_loop_timer again_timer;
    bool is_beginning; /* starved requests are being tried, or shall not be any more */
    struct nst_gateway_stats stats;
    uint8_t datagram[FLOW_DATAGRAM_MAX]; /* the one that is being passed on */
};

extern const struct flow_ops flow_tcp_ops;
extern const struct flow_ops flow_udp_ops;
extern const struct flow_ops flow_ping_ops;

/* Ends a flow: `error` is 0 or -NST_E*, for the summary. Its sockets are closed, the host's by RST
 * if `reset`. The flow is gone afterwards. */
void flow_end(struct flow *flow, int error, bool reset);
/* What an errno of the host's socket becomes inside. */
enum nst_refusal flow_refusal_of(int errnum);
/* Refuses the flow's request as the host's error says, and ends the flow. */
void flow_refuse(struct flow *flow, int errnum);
/* The flow's request becomes a socket of the stack, watched for `events`. False: it had died, and
 * so has the flow. */
bool flow_accept(struct flow *flow, uint32_t events);
/* Lets on_host be called with no events in the loop's next turn. */
void flow_again(struct flow *flow);

#endif
