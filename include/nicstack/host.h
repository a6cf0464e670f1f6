/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Linux below and around a stack: TUN, TAP and AF_PACKET links, an epoll loop, and a gateway that
 * carries the forwarder's flows on by ordinary sockets of the host. All of it is optional: a host
 * with a loop of its own needs none.
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
/* The NST_E* that is nearest to an errno, positive as it is (NST_EIO for what has none); and the
 * errno of an NST_E* of either sign (EIO for what is none). 0 gives 0. */
NST_API int nst_error_from_errno(int errnum);
NST_API int nst_errno_from_error(int error);

/* ---- TUN and TAP ---- */

struct nst_tuntap_config {
    size_t size;
    int fd;            /* an open, non-blocking queue of a TUN or TAP device; stays the caller's */
    bool ethernet;     /* TAP: Ethernet frames. TUN: bare IP, without packet information */
    uint8_t vnet_hdr;  /* bytes of the virtio-net header before each packet: 0, 10 or 12 */
    bool segmentation; /* TUNSETOFFLOAD allows large TCP segments, both ways; needs vnet_hdr */
    uint32_t mtu;      /* 1 to 65535 */
    struct nst_mac addr; /* of our end of a TAP */
};

/* Any descriptor that gives and takes one packet a call will do, such as a socket of
 * SOCK_SEQPACKET. The link is the caller's. 0, -NST_EINVAL, -NST_ENOMEM. */
NST_API int nst_tuntap_new(const struct nst_allocator *allocator,
                           const struct nst_tuntap_config *config, struct nst_link **ret_link);
/* Opens /dev/net/tun for an interface called `name` (NULL or empty: the kernel chooses), with
 * virtio-net headers and offloads: a non-blocking descriptor to pass to nst_tuntap_new, with
 * vnet_hdr 12 and segmentation. -NST_EINVAL (name), or what the kernel said: -NST_EPERM,
 * -NST_ENOENT, -NST_EBUSY. */
NST_API int nst_tuntap_open(const char *name, bool ethernet);
/* Reads up to `max` packets and delivers them as one batch. Those for which there is no memory, and
 * all while no NIC is attached, are dropped. Returns how many were read; less than `max`: there are
 * no more. -NST_EIO: the device is gone. */
NST_API int nst_tuntap_receive(struct nst_link *link, int max);

struct nst_tuntap_stats {
    uint64_t rx_no_memory; /* dropped: the stack's budget was spent, or no NIC was attached */
    uint64_t rx_malformed; /* dropped: an empty packet, or nonsense in its virtio-net header */
    uint64_t tx_refused; /* lost: the device did not take them for another reason than being full */
};
NST_API void nst_tuntap_get_stats(const struct nst_link *link, struct nst_tuntap_stats *ret_stats);
/* Nothing, after its NIC was removed. The descriptor stays the caller's. */
NST_API void nst_tuntap_free(struct nst_link *link);

/* ---- AF_PACKET: an interface of the kernel ---- */

struct nst_afpacket_config {
    size_t size;
    int fd;        /* from nst_afpacket_open; stays the caller's */
    bool vnet_hdr; /* as it was opened: checksums left to complete, and large TCP segments, both
                      ways */
    bool no_ring;  /* receive by read(2) */
    uint32_t mtu;  /* of the interface; 1 to 65535 */
    uint32_t ring; /* bytes of the receive ring, in which each frame takes 64 KiB; 0: 8 MiB */
    struct nst_mac addr; /* our end's, not that of the interface, whose frames the kernel keeps for
                            itself */
    struct nst_mac peer; /* all zero: an Ethernet, whose hosts ARP finds. Else point to point: every
                            frame goes to this address, and each that comes is for us */
};

/* Opens a packet socket on the interface called `name`: it needs CAP_NET_RAW in the network
 * namespace. Promiscuous; what is sent on the interface, and what has a VLAN tag, is not received.
 * A non-blocking descriptor, or -NST_ENOENT (no such interface), or what the kernel said:
 * -NST_EPERM, -NST_EAFNOSUPPORT. */
NST_API int nst_afpacket_open(const char *name, bool vnet_hdr);
/* A link on such a socket. Where the kernel refuses a ring it receives by read(2). The link is the
 * caller's. 0, -NST_EINVAL, -NST_ENOMEM. */
NST_API int nst_afpacket_new(const struct nst_allocator *allocator,
                             const struct nst_afpacket_config *config, struct nst_link **ret_link);
/* As nst_tuntap_receive. -NST_EIO: the interface is gone. */
NST_API int nst_afpacket_receive(struct nst_link *link, int max);

struct nst_afpacket_stats {
    uint64_t rx_missed;    /* dropped by the kernel: the ring or the receive buffer was full */
    uint64_t rx_no_memory; /* dropped: the stack's budget was spent, or no NIC was attached */
    uint64_t rx_malformed; /* dropped: too long for a slot, or nonsense in its virtio-net header */
    uint64_t tx_refused; /* lost: the kernel did not take them for another reason than being full */
    uint32_t ring_slots; /* frames that the ring holds; 0: there is none */
};
NST_API void nst_afpacket_get_stats(struct nst_link *link, struct nst_afpacket_stats *ret_stats);
/* Nothing, after its NIC was removed. The descriptor stays the caller's. */
NST_API void nst_afpacket_free(struct nst_link *link);

/* ---- The loop ---- */

struct nst_loop;

/* A loop for one thread. 0, -NST_ENOMEM, or -NST_EIO: no epoll. */
NST_API int nst_loop_new(struct nst_loop **ret_loop);
/* NULL is fine. What is still watched or armed stays its owner's, and is never called again. */
NST_API void nst_loop_free(struct nst_loop *loop);

/* A descriptor in the loop. Embed it, and fill in fd and on_events. */
struct nst_watch {
    int fd;
    uint32_t events; /* EPOLLIN, EPOLLOUT, ... as they are watched now */
    void (*on_events)(struct nst_watch *watch, uint32_t events);
};

/* Starts, changes (0: only errors) and ends watching: level-triggered, or edge-triggered where
 * EPOLLET is among the events. 0, -NST_EIO or -NST_ENOMEM. Remove it before its descriptor is
 * closed; it may be removed, and its memory freed, in any callback. */
NST_API int nst_loop_add(struct nst_loop *loop, struct nst_watch *watch, uint32_t events);
NST_API int nst_loop_change(struct nst_loop *loop, struct nst_watch *watch, uint32_t events);
NST_API void nst_loop_remove(struct nst_loop *loop, struct nst_watch *watch);

/* A call back after a time. Embed it, all zero; set `on_timer`. The rest is the loop's. */
struct nst_loop_timer {
    struct nst_loop_timer *child, *sibling, **link;
    nst_time when;
    uint64_t order;
    void (*on_timer)(struct nst_loop_timer *timer);
};
/* Calls once, in the first turn that begins at `when` or later (and after this one). Arming again
 * moves it; disarming what is not armed is fine. Both may be done in any callback. */
NST_API void nst_loop_arm(struct nst_loop *loop, struct nst_loop_timer *timer, nst_time when);
NST_API void nst_loop_disarm(struct nst_loop *loop, struct nst_loop_timer *timer);

/*
 * Lets the loop run a stack as well; `on_ready` is called for each entry of its ready list. Stacks
 * of one loop may be joined by pipes: what one sends the other has taken in within the same turn.
 * 0 or -NST_ENOMEM. Remove a stack before it is freed; both may be done in any callback.
 */
NST_API int nst_loop_add_stack(struct nst_loop *loop, struct nst_stack *stack,
                               void (*on_ready)(void *context, const struct nst_ready *ready),
                               void *context);
/* One that is not there is left alone. */
NST_API void nst_loop_remove_stack(struct nst_loop *loop, struct nst_stack *stack);
/* Calls receive(link, max) whenever fd, the link's descriptor, is readable, and tells the link when
 * it has room again. `receive` is nst_tuntap_receive or one like it: it reads up to `max` packets,
 * delivers them, and returns how many, or -NST_E* when the device is gone, which is not watched any
 * more then. Under middleware, add the lowest link. 0, -NST_ENOMEM, -NST_EIO. Remove the link
 * before it is freed. */
NST_API int nst_loop_add_link(struct nst_loop *loop, struct nst_link *link, int fd,
                              int (*receive)(struct nst_link *link, int max));
NST_API void nst_loop_remove_link(struct nst_loop *loop, struct nst_link *link);

/* Runs until nst_loop_stop, also if that was called before. 0 or -NST_EIO. */
NST_API int nst_loop_run(struct nst_loop *loop);
/* Ends nst_loop_run after the present turn. From callbacks and signal handlers: it is
 * async-signal-safe (what it calls is write(2)) and keeps errno. */
NST_API void nst_loop_stop(struct nst_loop *loop);
/* One turn that waits at most `timeout` (negative: for ever). 0 or -NST_EIO. Not in a callback. */
NST_API int nst_loop_turn(struct nst_loop *loop, nst_time timeout);
/* The clock as it was read at the beginning of this turn. */
NST_API nst_time nst_loop_now(const struct nst_loop *loop);

/* ---- A stream of the stack and a descriptor, joined ---- */

/*
 * Copies both ways with back-pressure, and passes the end of each direction on. Fill in stack,
 * socket and fd, a non-blocking stream socket; watch the descriptor for EPOLLIN | EPOLLOUT |
 * EPOLLRDHUP | EPOLLET and the stream for NST_READY_IN | NST_READY_OUT | NST_READY_RDHUP, note
 * what the descriptor says in fd_readable and fd_writable, and run the pump upon each event.
 * Either direction may be stopped by saying that it ended.
 */
struct nst_pump {
    struct nst_stack *stack;
    nst_socket socket;
    int fd;
    bool fd_readable, fd_writable; /* set by the owner, cleared by the pump */
    bool out_ended, in_ended;      /* stack to descriptor, descriptor to stack */
    uint64_t bytes_out, bytes_in;
};

enum nst_pumped {
    NST_PUMP_WAITS = 0, /* for an event */
    NST_PUMP_MORE,      /* it has done its share of this turn: run it again in the next */
    NST_PUMP_STARVED,   /* there was no memory for the stream: run it again soon */
    NST_PUMP_ENDED,     /* both directions have */
};

/* Moves what can be moved. Of enum nst_pumped, or the -NST_E* that ended either side: reset the
 * other. */
NST_API int nst_pump_run(struct nst_pump *pump);

/* ---- The gateway: forwarder requests become sockets of the host ---- */

struct nst_gateway;

/* Where a flow goes, decided by the host for each request. */
struct nst_target {
    const struct sockaddr *address; /* to connect or send to; copied when `decide` returns */
    uint32_t address_len;
    nst_time udp_timeout; /* idle time of a UDP flow; 0: by its class (DNS 5 s, one-way 30 s, else
                             180 s) */
    bool observe;         /* UDP: show its datagrams to config.observe */
    void *flow_context;   /* comes back in the summary */
};

/* What a flow was, when it ended. */
struct nst_flow_summary {
    enum nst_socket_type type;
    bool published;               /* it began outside, at a publication */
    struct nst_endpoint inside;   /* who began it; published: whom it was for */
    struct nst_endpoint outside;  /* whom it was for; published: the client, as the host sees it */
    uint64_t bytes_out, bytes_in; /* out: from inside */
    nst_time begun, ended;
    nst_time srtt; /* TCP, towards the inside; 0: unknown */
    uint64_t retransmits;
    int error; /* how it ended: 0 or -NST_E* */
    void *flow_context;
};

/* A flow as it is now. */
struct nst_flow_info {
    struct nst_flow_summary summary; /* so far: `ended` is 0, srtt and retransmits are of now */
    uint64_t id;                     /* of this flow alone; the newer the higher */
    bool is_waiting;                 /* for a descriptor */
    uint8_t tcp_state; /* of the connection inside, enum nst_tcp_state; 0: none yet, or no TCP */
};

struct nst_gateway_config {
    size_t size;
    struct nst_loop *loop; /* that runs the stack */
    struct nst_stack *stack;
    uint32_t nic;       /* the promiscuous, spoofing one; 0: all */
    uint32_t flows_max; /* TCP, UDP and ping flows together, further requests wait; 0: as many as
                           there are descriptors */
    /* Fills in *ret_target and returns 0, or returns -1 - enum nst_refusal. */
    int (*decide)(void *context, const struct nst_request_info *request,
                  struct nst_target *ret_target);
    /* A flow ended, also one that was refused: by an error that says how, -NST_EPERM where it was
     * prohibited or dropped. May be NULL. */
    void (*ended)(void *context, const struct nst_flow_summary *summary);
    /* A datagram of a flow whose target said so, before it goes on. May be NULL. */
    void (*observe)(void *context, const struct nst_flow_summary *flow, bool outgoing,
                    const uint8_t *data, size_t len);
    void *context;
};

struct nst_gateway_stats {
    uint64_t tcp_flows, udp_flows, ping_flows; /* begun so far */
    uint64_t published_flows;                  /* those of them that began outside */
    uint64_t refused;                          /* by `decide` or `admit` */
    uint64_t failed;                           /* the other side could not be opened or reached */
    uint64_t active, active_tcp;               /* now, with those that wait */
    uint64_t bytes_out, bytes_in;
};

/* Starts the forwarder. 0, -NST_EINVAL, -NST_ENOMEM. */
NST_API int nst_gateway_new(const struct nst_gateway_config *config,
                            struct nst_gateway **ret_gateway);
/* Call it from on_ready for every entry but those of sockets that the host itself watches: it takes
 * the context of all others for its own. False: it was not for it (the context is NULL). */
NST_API bool nst_gateway_ready(struct nst_gateway *gateway, const struct nst_ready *ready);
NST_API void nst_gateway_get_stats(const struct nst_gateway *gateway,
                                   struct nst_gateway_stats *ret_stats);
/* Copies up to `max` flows, the oldest first; returns how many there are. */
NST_API size_t nst_gateway_flow_list(const struct nst_gateway *gateway,
                                     struct nst_flow_info *ret_flows, size_t max);
/* Ends every flow and publication, closes their sockets and stops the forwarder. Not in a callback
 * of its own. NULL is fine. */
NST_API void nst_gateway_free(struct nst_gateway *gateway);

/*
 * Publishing: who comes to a socket of the host is led inside. Each connection becomes one to
 * `inside`, and each UDP client a flow there, with the client's own address and, where it is free,
 * port; the NIC must spoof. Nobody listens inside: the client is reset, which is all that can still
 * be said to it, and a datagram is lost. Without room for more (descriptors, flows_max, the stack's
 * memory) connections wait in the host's backlog. UDP flows idle as those from inside do, and at
 * most 4096 clients of a publication have one: the one that was silent longest gives way.
 */
struct nst_publication;

struct nst_publish_config {
    size_t size;
    int fd; /* IPv4, non-blocking: TCP that listens, or UDP that is bound */
    struct nst_endpoint inside;
    /* What a client looks like inside: *ret_source is the client, and may be changed; port 0 is any
     * free one. 0, or -NST_E*, which refuses: reset, or lost. NULL: each as it is. */
    int (*admit)(void *context, const struct nst_endpoint *client, struct nst_endpoint *ret_source);
    nst_time udp_timeout; /* idle time of a UDP flow; 0: by its class, as for nst_target */
    void *context;
};

/* Takes the descriptor over, and watches it. 0; -NST_EINVAL, -NST_EPROTOTYPE (it is neither TCP nor
 * UDP), -NST_EAFNOSUPPORT (not IPv4), -NST_EIO, -NST_ENOMEM: then it stays the caller's. */
NST_API int nst_gateway_publish(struct nst_gateway *gateway,
                                const struct nst_publish_config *config,
                                struct nst_publication **ret_publication);
/* Closes the descriptor. Connections go on; UDP flows, whose descriptor it was, end. NULL is fine.
 * Not in a callback of the gateway. */
NST_API void nst_gateway_unpublish(struct nst_publication *publication);

#ifdef __cplusplus
}
#endif

#endif
