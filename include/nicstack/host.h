/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux below and around a stack: TUN and TAP links, an epoll loop, and a gateway that carries the
 * forwarder's flows on by ordinary sockets of the host. All of it is optional: a host with a loop
 * of its own needs none.
 */
#ifndef NICSTACK_HOST_H
#define NICSTACK_HOST_H

#include <nicstack/forwarder.h>
#include <nicstack/nic.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sockaddr;

/* The C library's malloc and free. */
NST_API const struct nst_allocator *nst_host_allocator(void);
/* The monotonic clock. */
NST_API nst_time nst_host_now(void);
/* 32 bytes of the system's entropy. 0 or -NST_EIO. */
NST_API int nst_host_seed(uint8_t ret_seed[32]);
/* The NST_E* that is nearest to an errno, and the reverse. */
NST_API int nst_error_from_errno(int errnum);
NST_API int nst_errno_from_error(int error);

/* ---- TUN and TAP ---- */

struct nst_tuntap_config {
    size_t size;
    int fd;            /* an open, non-blocking queue of a TUN or TAP device; stays the caller's */
    bool ethernet;     /* TAP: Ethernet frames. TUN: bare IP, without packet information */
    uint8_t vnet_hdr;  /* bytes of the virtio-net header before each packet: 0, 10 or 12 */
    bool segmentation; /* TUNSETOFFLOAD allows large segments and open checksums, both ways */
    uint32_t mtu;
    struct nst_mac addr; /* of our end of a TAP */
};

/* 0, -NST_EINVAL, -NST_ENOMEM. */
NST_API int nst_tuntap_new(const struct nst_allocator *allocator,
                           const struct nst_tuntap_config *config, struct nst_link **ret_link);
/* Opens /dev/net/tun for an interface called `name` (NULL or empty: the kernel chooses), with
 * virtio-net headers and offloads. Gives a non-blocking descriptor to pass to nst_tuntap_new, or a
 * negative errno. */
NST_API int nst_tuntap_open(const char *name, bool ethernet);
/* Reads up to `max` packets and delivers them as one batch. Returns how many; less than `max`:
 * there are no more. Negative: -NST_EIO, the device is gone. */
NST_API int nst_tuntap_receive(struct nst_link *link, int max);
/* Nothing, after its NIC was removed. The descriptor stays the caller's. */
NST_API void nst_tuntap_free(struct nst_link *link);

/* ---- The loop ---- */

struct nst_loop;

/* 0, -NST_ENOMEM, or -NST_EIO: no epoll. */
NST_API int nst_loop_new(struct nst_loop **ret_loop);
NST_API void nst_loop_free(struct nst_loop *loop);

/* A descriptor in the loop. Embed it, and fill in fd and on_events. */
struct nst_watch {
    int fd;
    uint32_t events; /* EPOLLIN, EPOLLOUT, ... as they are watched now */
    void (*on_events)(struct nst_watch *watch, uint32_t events);
};

/* Starts, changes (0: only errors) and ends watching, level-triggered. 0 or -NST_EIO, -NST_ENOMEM.
 * A watch may be removed, and its memory freed, in any callback. */
NST_API int nst_loop_add(struct nst_loop *loop, struct nst_watch *watch, uint32_t events);
NST_API int nst_loop_change(struct nst_loop *loop, struct nst_watch *watch, uint32_t events);
NST_API void nst_loop_remove(struct nst_loop *loop, struct nst_watch *watch);

/* A call back after a time. Embed it; set `on_timer`. */
struct nst_loop_timer {
    struct nst_loop_timer *next, *prev;
    nst_time when;
    void (*on_timer)(struct nst_loop_timer *timer);
};
NST_API void nst_loop_arm(struct nst_loop *loop, struct nst_loop_timer *timer, nst_time when);
NST_API void nst_loop_disarm(struct nst_loop *loop, struct nst_loop_timer *timer);

/*
 * The stack that the loop runs, one a loop; `on_ready` is called for each entry of its ready list.
 * NULL takes it out again.
 */
NST_API void nst_loop_set_stack(struct nst_loop *loop, struct nst_stack *stack,
                                void (*on_ready)(void *context, const struct nst_ready *ready),
                                void *context);
/* Receives from the link whenever its descriptor is readable, waits for room when it is full. */
NST_API int nst_loop_add_tuntap(struct nst_loop *loop, struct nst_link *link);
NST_API void nst_loop_remove_tuntap(struct nst_loop *loop, struct nst_link *link);

/* Runs until nst_loop_stop, which may be called from callbacks and signal handlers. */
NST_API int nst_loop_run(struct nst_loop *loop);
NST_API void nst_loop_stop(struct nst_loop *loop);
/* One turn that waits at most `timeout` (negative: for ever). 0 or -NST_EIO. */
NST_API int nst_loop_turn(struct nst_loop *loop, nst_time timeout);
/* The clock as it was read at the beginning of this turn. */
NST_API nst_time nst_loop_now(const struct nst_loop *loop);

/* ---- The gateway: forwarder requests become sockets of the host ---- */

struct nst_gateway;

/* Where a flow goes, decided by the host for each request. */
struct nst_target {
    const struct sockaddr
        *address; /* to connect or send to; must live until `decide` is called again */
    uint32_t address_len;
    nst_time udp_timeout; /* idle time of a UDP flow; 0: by its class (DNS 5 s, one-way 30 s, else
                             180 s) */
    bool observe;         /* UDP: show its datagrams to config.observe */
    void *flow_context;   /* comes back in the summary */
};

/* What a flow was, when it ended. */
struct nst_flow_summary {
    enum nst_socket_type type;
    struct nst_endpoint inside;   /* who began it */
    struct nst_endpoint outside;  /* whom it was for */
    uint64_t bytes_out, bytes_in; /* out: from inside */
    nst_time begun, ended;
    nst_time srtt; /* TCP, towards the inside; 0: unknown */
    uint64_t retransmits;
    int error; /* how it ended: 0 or -NST_E* */
    void *flow_context;
};

struct nst_gateway_config {
    size_t size;
    struct nst_loop *loop; /* whose stack is set */
    struct nst_stack *stack;
    uint32_t nic;       /* the promiscuous, spoofing one; 0: all */
    uint32_t flows_max; /* TCP, UDP and ping flows together; 0: as descriptors last */
    /* Fills in *ret_target and returns 0, or returns -1 - enum nst_refusal. */
    int (*decide)(void *context, const struct nst_request_info *request,
                  struct nst_target *ret_target);
    /* A flow ended, also one that was refused. May be NULL. */
    void (*ended)(void *context, const struct nst_flow_summary *summary);
    /* A datagram of a flow whose target said so, before it goes on. May be NULL. */
    void (*observe)(void *context, const struct nst_flow_summary *flow, bool outgoing,
                    const uint8_t *data, size_t len);
    void *context;
};

struct nst_gateway_stats {
    uint64_t tcp_flows, udp_flows, ping_flows, refused, failed;
    uint64_t active, active_tcp; /* now */
    uint64_t bytes_out, bytes_in;
};

/* Starts the forwarder and takes over the ready list: call nst_gateway_ready from on_ready for
 * entries whose socket is 0 or whose context is a flow's (it returns false for what is not its
 * own). 0, -NST_EINVAL, -NST_ENOMEM. */
NST_API int nst_gateway_new(const struct nst_gateway_config *config,
                            struct nst_gateway **ret_gateway);
NST_API bool nst_gateway_ready(struct nst_gateway *gateway, const struct nst_ready *ready);
NST_API void nst_gateway_get_stats(const struct nst_gateway *gateway,
                                   struct nst_gateway_stats *ret_stats);
/* Ends every flow and closes its sockets. */
NST_API void nst_gateway_free(struct nst_gateway *gateway);

#ifdef __cplusplus
}
#endif

#endif
