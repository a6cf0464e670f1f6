/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack: creating one, running it, routes, counters.
 *
 * A stack is used by one thread at a time and does nothing on its own: the host calls nst_stack_run
 * when packets came, when it changed something, and when nst_stack_next_deadline is reached.
 * Everything that a call causes to be sent leaves in the next nst_stack_run. Same seed, same calls,
 * same packets.
 */
#ifndef NICSTACK_STACK_H
#define NICSTACK_STACK_H

#include <nicstack/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nst_stack;

/* Where the core's debug lines go; called with one line without newline. It must not call the
 * stack. */
typedef void nst_log_sink(void *context, const char *line);

struct nst_stack_config {
    size_t size;                    /* sizeof(struct nst_stack_config) */
    struct nst_allocator allocator; /* required */
    uint64_t memory_limit;          /* bytes; 0: 64 MiB. All of the stack's memory counts */
    uint8_t seed[32];               /* required: unpredictable, or fixed for tests */
    nst_time now;                   /* the clock's value at creation */
    nst_log_sink *log;              /* NULL: silent */
    void *log_context;
    bool handle_local; /* packets to own addresses never leave; N28 */
    bool weak_host;    /* accept for any NIC's address on any NIC; default is the strong model */
    /* TCP defaults, 0 takes the default */
    uint32_t tcp_send_buffer_max;    /* ceiling of autotuning; 6 MiB */
    uint32_t tcp_receive_buffer_max; /* 6 MiB */
    nst_time tcp_time_wait;          /* 60 s */
    nst_time tcp_rto_min;            /* 200 ms */
    nst_time tcp_rto_max;            /* 120 s */
    uint32_t tcp_initial_window;     /* segments; as RFC 6928 says */
    uint32_t tcp_off;                /* NST_TCP_OFF_*; nothing */
};

/* What TCP does without: is neither offered nor agreed to, or not done. */
#define NST_TCP_OFF_TIMESTAMPS   0x01
#define NST_TCP_OFF_SACK         0x02
#define NST_TCP_OFF_WINDOW_SCALE 0x04
#define NST_TCP_OFF_IDLE_RESTART 0x08 /* a pause does not shrink the window (RFC 5681 4.1) */

/* 0, or -NST_EINVAL (size, seed of zeros, allocator), -NST_ENOMEM. */
NST_API int nst_stack_new(const struct nst_stack_config *config, struct nst_stack **ret_stack);

/* Aborts every connection silently, removes the NICs (their links are detached, and stay the
 * caller's) and gives all memory back. NULL is fine. */
NST_API void nst_stack_free(struct nst_stack *stack);

/*
 * Works: takes what links delivered, fires timers that are due at `now`, sends what is to be sent.
 * `work_limit` bounds the packets taken in (0: no limit). A `now` before an earlier one counts as
 * that. Returns how many packets and timers it handled; call again at once while
 * nst_stack_next_deadline gives a time that is not after `now`.
 */
NST_API uint32_t nst_stack_run(struct nst_stack *stack, nst_time now, uint32_t work_limit);

/* When nst_stack_run has to be called at the latest: not after the last `now` means at once;
 * NST_TIME_NEVER when only input can change anything. */
NST_API nst_time nst_stack_next_deadline(const struct nst_stack *stack);

/* The last `now`. */
NST_API nst_time nst_stack_now(const struct nst_stack *stack);

/* Memory in use, its highest value so far, and the limit, in bytes. */
struct nst_memory {
    uint64_t used, peak, limit;
};
NST_API void nst_stack_get_memory(const struct nst_stack *stack, struct nst_memory *ret_memory);

/* ---- Routes ---- */

struct nst_route {
    struct nst_addr prefix;  /* v4-mapped for IPv4 */
    uint8_t prefix_len;      /* 0..32 for IPv4, 0..128 for IPv6 */
    uint32_t nic;            /* id of the NIC */
    struct nst_addr gateway; /* all zero: on link */
    struct nst_addr source;  /* preferred source address; all zero: chosen */
    uint32_t metric;         /* lower wins among equal prefixes */
    uint32_t mtu;            /* 0: the NIC's */
};

/* 0; -NST_EINVAL, -NST_EEXIST (same prefix, metric and NIC), -NST_ENOENT (no such NIC),
 * -NST_ENOMEM. */
NST_API int nst_route_add(struct nst_stack *stack, const struct nst_route *route);
/* 0 or -NST_ENOENT. */
NST_API int nst_route_remove(struct nst_stack *stack, const struct nst_route *route);
/* Copies up to `max` routes, in order of prefix; returns how many there are. */
NST_API size_t nst_route_list(const struct nst_stack *stack, struct nst_route *ret_routes,
                              size_t max);
/* The route to `dst`. 0 or -NST_ENETUNREACH. */
NST_API int nst_route_lookup(const struct nst_stack *stack, const struct nst_addr *dst,
                             struct nst_route *ret_route);

/* The way that a packet takes. */
struct nst_path {
    uint32_t nic;             /* it leaves by */
    struct nst_addr source;   /* its own address */
    struct nst_addr next_hop; /* the gateway, or the destination itself */
    uint32_t mtu;             /* the largest packet, as far as is known, bytes */
    bool is_local;            /* it never leaves the stack: to an address of ours */
};
/* The way to `remote` that a socket would take now which is bound to the address `local` (NULL or
 * all zero: none) and the NIC `nic` (0: none). 0; -NST_ENETUNREACH, -NST_EADDRNOTAVAIL (local is
 * not ours, or there is none to send from), -NST_ENETDOWN, -NST_EAFNOSUPPORT, -NST_ENOMEM. */
NST_API int nst_path_lookup(struct nst_stack *stack, const struct nst_addr *remote,
                            const struct nst_addr *local, uint32_t nic, struct nst_path *ret_path);

/* ---- Counters. Names never change once published; docs/counters.md lists them. ---- */

struct nst_counter {
    const char *name; /* "tcp_segments_retransmitted", "drop_no_route" */
    const char *text; /* a sentence */
    uint64_t value;
};

/* The n-th counter of the stack (all of its protocols and drop reasons), n from 0. False at the
 * end. */
NST_API bool nst_stack_counter_at(const struct nst_stack *stack, size_t n, struct nst_counter *ret);
/* By name: 0 or -NST_ENOENT. */
NST_API int nst_stack_counter_get(const struct nst_stack *stack, const char *name,
                                  uint64_t *ret_value);

/* A count by a number that peers choose. The first four numbers have a count each, all later ones
 * share one. */
struct nst_tally {
    uint16_t number; /* a protocol number, an EtherType */
    bool others;     /* the count of all that have none of their own */
    uint64_t count;
};
/* Packets for an IP protocol number that the stack has no transport for, by number; the n-th, n
 * from 0. False at the end. */
NST_API bool nst_stack_unknown_at(const struct nst_stack *stack, size_t n, struct nst_tally *ret);

/*
 * The packet census: received + built + cloned + split =
 * transmitted + queued + delivered + merged + dropped, at every moment.
 */
struct nst_census {
    uint64_t received, built, cloned, split;
    uint64_t transmitted, queued, delivered, merged, dropped;
    uint64_t
        alive; /* packet descriptors that exist, delivered ones that a socket still holds too */
    uint64_t blocks; /* blocks that exist */
};
NST_API void nst_stack_get_census(const struct nst_stack *stack, struct nst_census *ret_census);

#ifdef __cplusplus
}
#endif

#endif
