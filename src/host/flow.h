/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow of the gateway: its socket of the stack and its socket of the host. gateway.c makes those
 * that begin inside, of a forwarder request, and ends all; publish.c and publish_udp.c make those
 * that begin outside, at a publication; flow_tcp.c and flow_dgram.c carry both.
 */
#ifndef NICSTACK_SRC_HOST_FLOW_H
#define NICSTACK_SRC_HOST_FLOW_H

#include <nicstack/host.h>

#include <netinet/in.h>
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
    nst_request request; /* 0 once it was accepted or refused, and where it began outside */
    nst_socket socket;   /* 0 before */
    bool has_begun;      /* counted in gateway->begun */
    uint64_t id;
    struct nst_flow_summary summary;
    struct sockaddr_storage target;
    socklen_t target_len;
    nst_time udp_timeout;
    bool observe;
    nst_time active; /* when something last passed */
    struct nst_loop_timer timer;
    bool is_waiting, is_again;
    struct nst_pump pump; /* TCP */
    /* UDP that began outside: it has no descriptor of its own. `target` is its client. */
    struct nst_publication *publication;
    TAILQ_ENTRY(flow) by_use; /* publication->clients */
    LIST_ENTRY(flow) in_bucket;
    struct in_addr local; /* the host's address that the client knows */
};

#define FLOW_DATAGRAM_MAX 65536

TAILQ_HEAD(flow_list, flow);
TAILQ_HEAD(publication_list, nst_publication);

struct nst_gateway {
    struct nst_gateway_config config;
    struct flow_list flows;
    struct flow_list starved; /* requests that wait for a descriptor */
    uint32_t starved_count;
    uint32_t begun;   /* flows that flows_max counts */
    uint64_t last_id; /* of the newest flow */
    struct nst_loop_timer starved_timer;
    struct flow_list again; /* flows that used up their turn */
    struct nst_loop_timer again_timer;
    bool is_beginning; /* starved requests are being tried, or shall not be any more */
    struct publication_list publications;
    bool is_paused; /* no connection is taken from outside: there is no room */
    struct nst_loop_timer pause_timer;
    struct nst_gateway_stats stats;
    uint8_t datagram[FLOW_DATAGRAM_MAX]; /* the one that is being passed on */
};

extern const struct flow_ops flow_tcp_ops;
extern const struct flow_ops flow_udp_ops;
extern const struct flow_ops flow_ping_ops;
extern const struct flow_ops flow_led_tcp_ops; /* from outside, until it is connected inside */
extern const struct flow_ops flow_led_udp_ops;

/* A new flow without sockets, in the list and counted as active. NULL: no memory. */
struct flow *flow_new(struct nst_gateway *gateway, enum nst_socket_type type,
                      const struct flow_ops *ops);
/* Gives it its descriptor of the host, and watches that. False: no memory; the descriptor is its
 * own all the same. */
bool flow_watch_host(struct flow *flow, int fd);
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

/* A datagram of the host's side goes inside. */
void flow_dgram_pass_in(struct flow *flow, const uint8_t *data, size_t len);

/* Have flows_max begun? */
bool gateway_is_full(const struct nst_gateway *gateway);
/* A flow that there will not be: tells the summary. */
void gateway_tell_refused(struct nst_gateway *gateway, const struct nst_flow_summary *flow);

#endif
