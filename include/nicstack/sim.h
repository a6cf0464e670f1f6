/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks in virtual time: hosts, each with a stack of its own, switches, links that lose and
 * delay, and applications that know what every byte has to be. Nothing of it touches the world: no
 * clock, no system call, no thread. The same topology and seed give the same packets at the same
 * nanosecond, on every machine and in every build.
 *
 *     nst_sim_topology_new(allocator, &topology);
 *     nst_sim_topology_read(topology, text, len, &error);      or _add_node, _add_link, _add_flow
 *     nst_sim_new(allocator, topology, &error, &sim);
 *     nst_sim_run(sim, nst_sim_duration(sim));
 *     nst_sim_get_flow(sim, 0, &flow);
 *     nst_sim_free(sim); nst_sim_topology_free(topology);
 *
 * docs/guide-sim.md has the language of topologies.
 */
#ifndef NICSTACK_SIM_H
#define NICSTACK_SIM_H

#include <nicstack/line.h>
#include <nicstack/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Topologies: what there is, before it runs ---- */

#define NST_SIM_NAME_MAX   32 /* of a node, with its NUL */
#define NST_SIM_NODES_MAX  10000
#define NST_SIM_LINKS_MAX  20000
#define NST_SIM_FLOWS_MAX  27000
#define NST_SIM_RATE_MAX   100000000000 /* of a link, bits a second; one without a rate has it */
#define NST_SIM_SIZE_MAX   65000        /* bytes of a datagram */
#define NST_SIM_ERROR_TEXT 200

enum nst_sim_node_kind {
    NST_SIM_HOST,
    NST_SIM_SWITCH, /* learns addresses, and may not be part of a loop */
};

struct nst_sim_node {
    char name[NST_SIM_NAME_MAX]; /* unique; letters, digits, '_', '-' and '.' */
    uint8_t kind;                /* enum nst_sim_node_kind */
    uint64_t memory;             /* of a host's stack, bytes; 0: 64 MiB */
    uint32_t send_buffer;        /* ceiling of a connection's buffers, bytes; 0: the stack's */
    uint32_t receive_buffer;
};

struct nst_sim_link {
    uint32_t from, to; /* nodes, by index */
    uint32_t mtu;      /* 0: 1500 */
    /* From `from` to `to`, and back. rate_bps is up to NST_SIM_RATE_MAX; 0: that, and no queue to
     * speak of. */
    struct nst_impair_direction way[2];
};

enum nst_sim_flow_kind {
    NST_SIM_BULK,      /* TCP: as many bytes as it can, or so many */
    NST_SIM_REQUEST,   /* TCP: a request, its response, a pause, again */
    NST_SIM_DATAGRAMS, /* UDP: at a constant rate */
};

struct nst_sim_flow {
    uint32_t from, to; /* hosts, by index: the client, which connects, and the server */
    uint8_t kind;      /* enum nst_sim_flow_kind */
    bool back;         /* BULK: the server sends */
    bool ipv6;
    nst_time start, stop;       /* stop 0: at the end */
    nst_time on, off;           /* sends, pauses, each at least 1 ms; 0: without pause */
    uint64_t bytes;             /* BULK: 0: until it stops */
    uint64_t reader_bps;        /* BULK: the receiver reads no faster; 0: at once */
    uint64_t count;             /* REQUEST: how many; DATAGRAMS: how many; 0: until it stops */
    uint32_t request, response; /* REQUEST: bytes; 0: 100, and 10,000 */
    nst_time think;             /* REQUEST: between a response and the next request */
    uint64_t rate_bps;          /* DATAGRAMS: of their payload; 0: 1 Mbit/s */
    uint32_t size;              /* DATAGRAMS: bytes each, 24 to NST_SIM_SIZE_MAX; 0: 1,000 */
};

/* The arrays are the topology's: nst_sim_topology_add_* make them longer. What is in them may be
 * changed at will before nst_sim_new, which copies all. */
struct nst_sim_topology {
    struct nst_sim_node *nodes;
    struct nst_sim_link *links;
    struct nst_sim_flow *flows;
    uint32_t node_count, link_count, flow_count;
    uint32_t node_room, link_room, flow_room; /* private */
    uint64_t seed;
    nst_time duration; /* 0: 10 s */
    struct nst_allocator allocator;
};

/* Where a topology is wrong, and what to do. `line` and `column` count from 1; 0: it is not a
 * matter of the text. */
struct nst_sim_error {
    uint32_t line, column;
    char text[NST_SIM_ERROR_TEXT];
};

/* 0, -NST_ENOMEM. */
NST_API int nst_sim_topology_new(const struct nst_allocator *allocator,
                                 struct nst_sim_topology **ret_topology);
/* NULL is fine. */
NST_API void nst_sim_topology_free(struct nst_sim_topology *topology);
/* A copy appended; its index, -NST_ENOBUFS (NST_SIM_*_MAX are there) or -NST_ENOMEM. What it means
 * is checked by nst_sim_new. */
NST_API int nst_sim_topology_add_node(struct nst_sim_topology *topology,
                                      const struct nst_sim_node *node);
NST_API int nst_sim_topology_add_link(struct nst_sim_topology *topology,
                                      const struct nst_sim_link *link);
NST_API int nst_sim_topology_add_flow(struct nst_sim_topology *topology,
                                      const struct nst_sim_flow *flow);
/* The node of that name; -NST_ENOENT. */
NST_API int nst_sim_topology_find(const struct nst_sim_topology *topology, const char *name);
/* Adds what `len` bytes of text describe. 0; -NST_EINVAL and -NST_ENOMEM, with *ret_error. */
NST_API int nst_sim_topology_read(struct nst_sim_topology *topology, const char *text, size_t len,
                                  struct nst_sim_error *ret_error);
/* Writes the topology as text that nst_sim_topology_read understands, cut to `size` with its NUL.
 * Returns the whole length. */
NST_API size_t nst_sim_topology_write(const struct nst_sim_topology *topology, char *text,
                                      size_t size);
/* Adds a random world: the same for the same seed, always one that nst_sim_new takes. 0,
 * -NST_ENOMEM. */
NST_API int nst_sim_topology_random(struct nst_sim_topology *topology, uint64_t seed);

/* ---- Worlds ---- */

struct nst_sim;

/* Builds the world at time 0. 0; -NST_EINVAL, -NST_ENOMEM, with *ret_error. */
NST_API int nst_sim_new(const struct nst_allocator *allocator,
                        const struct nst_sim_topology *topology, struct nst_sim_error *ret_error,
                        struct nst_sim **ret_sim);
/* NULL is fine. */
NST_API void nst_sim_free(struct nst_sim *sim);

/* Lets everything happen up to and including `until`, which becomes the time. */
NST_API void nst_sim_run(struct nst_sim *sim, nst_time until);
NST_API nst_time nst_sim_now(const struct nst_sim *sim);
/* That of the topology, or 10 s where it has none. */
NST_API nst_time nst_sim_duration(const struct nst_sim *sim);
/* How many events there were: packets that arrived, timers, applications that acted. */
NST_API uint64_t nst_sim_events(const struct nst_sim *sim);

/* Ends all flows as if they had stopped now, and lets at most `patience` pass until everything is
 * over; then checks that every byte came and that all memory is back: see nst_sim_get_fault. True:
 * no fault so far. */
NST_API bool nst_sim_settle(struct nst_sim *sim, nst_time patience);

/* What must not happen, and did: the n-th, from 0, in words; NULL: there are no more. At most 16
 * are kept. */
NST_API const char *nst_sim_get_fault(const struct nst_sim *sim, size_t n);

/* The stack of a host, to look at or to use besides; NULL: no host. After using it, nst_sim_kick
 * lets it run. */
NST_API struct nst_stack *nst_sim_get_stack(struct nst_sim *sim, uint32_t node);
NST_API void nst_sim_kick(struct nst_sim *sim, uint32_t node);

struct nst_sim_flow_result {
    bool is_started, is_done; /* all was sent, received and closed */
    int error;                /* 0, or what ended it: -NST_E* */
    nst_time started, ended;
    uint64_t sent, received;                  /* bytes, by the applications, both ways */
    uint64_t messages_sent;                   /* requests, datagrams */
    uint64_t messages;                        /* responses, datagrams that came */
    uint64_t late, duplicates;                /* datagrams that came after later ones, or again */
    nst_time delay_sum, delay_min, delay_max; /* of responses, from the request on; of datagrams */
    nst_time longest_stall;  /* without progress although there was something to send */
    uint32_t stalls;         /* longer than the path explains */
    struct nst_tcp_info tcp; /* of the sender; as it was last */
};
/* False: there is no such flow. */
NST_API bool nst_sim_get_flow(struct nst_sim *sim, uint32_t flow,
                              struct nst_sim_flow_result *ret_result);
/* False: there is no such link; way 0 is from `from` to `to`. */
NST_API bool nst_sim_get_link(const struct nst_sim *sim, uint32_t link, int way,
                              struct nst_impair_stats *ret_stats);

/* Shows every frame as the node at the `from` end of the link sends and receives it. `see` borrows
 * the packet. False: there is no such link. NULL ends it. */
typedef void nst_sim_see(void *context, uint32_t link, const struct nst_pkt *p, bool outgoing);
NST_API bool nst_sim_watch(struct nst_sim *sim, uint32_t link, nst_sim_see *see, void *context);

#ifdef __cplusplus
}
#endif

#endif
