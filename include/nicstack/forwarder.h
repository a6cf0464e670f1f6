/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forwarder: takes what is addressed to anybody (on a promiscuous, spoofing NIC) and turns it
 * into requests that the host accepts, resets or drops. It sees only packets that no socket
 * matched.
 *
 *   TCP   a SYN. Nothing is answered before the host decides: connect first, then accept. A
 *         repeated SYN makes no second request. A request dies by RST, ICMP, 60 s or the cap
 *         (oldest first).
 *   UDP   the first datagram of a flow. Accepting gives a connected datagram socket that holds it,
 *         and up to 15 that followed; the host closes it when the flow has been idle.
 *   ICMP  an echo request, of either family, to an address that is not ours. Accepting gives a ping
 * socket for all requests of that flow (both addresses and the identifier, which is remote.port).
 * It reads each as an ICMP message from its type on. What is sent there, a message too, goes back
 * as echo reply: type, code, checksum and identifier are filled in, the sequence number is the
 *         message's. So what a ping socket of the host gives can be sent as it is.
 */
#ifndef NICSTACK_FORWARDER_H
#define NICSTACK_FORWARDER_H

#include <nicstack/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef uint64_t nst_request; /* 0 is never a request */

struct nst_forwarder_config {
    size_t size;
    uint32_t nic; /* 0: every NIC */
    bool tcp, udp, icmp_echo;
    uint32_t pending_max;     /* 0: 4096 requests of each protocol */
    nst_time request_timeout; /* 0: 60 s */
};

/* Starts (or changes) it; one a stack. 0, -NST_EINVAL, -NST_ENOMEM. */
NST_API int nst_forwarder_start(struct nst_stack *stack, const struct nst_forwarder_config *config);
/* Drops all requests. Accepted sockets stay. */
NST_API void nst_forwarder_stop(struct nst_stack *stack);

struct nst_request_info {
    nst_request request;
    enum nst_socket_type type;
    struct nst_endpoint local;  /* whom the packet was for */
    struct nst_endpoint remote; /* who sent it; its nic is where it came in */
    uint32_t trace; /* the number of its first packet (trace.h); 0 where the stack does not trace */
};

/* The next request that was not yet shown. False: none. NST_READY_REQUEST announces them. */
NST_API bool nst_request_next(struct nst_stack *stack, struct nst_request_info *ret_info);

/* True while the peer still wants it. */
NST_API bool nst_request_is_alive(struct nst_stack *stack, nst_request request);

/* The handshake (TCP) goes on and a socket of the flow is given; it is writable when
 * established. -NST_EBADHANDLE when the request has died, -NST_ENOMEM (it stays). */
NST_API int nst_request_accept(struct nst_stack *stack, nst_request request,
                               nst_socket *ret_socket);

/* How a request can be refused. */
enum nst_refusal {
    NST_REFUSE_RESET,            /* TCP: RST. UDP: port unreachable. ICMP: host unreachable */
    NST_REFUSE_HOST_UNREACHABLE, /* ICMP host unreachable, as after EHOSTUNREACH */
    NST_REFUSE_NET_UNREACHABLE,
    NST_REFUSE_PROHIBITED, /* ICMP administratively prohibited: policy */
    NST_REFUSE_DROP,       /* no answer */
};
/* 0 or -NST_EBADHANDLE. */
NST_API int nst_request_refuse(struct nst_stack *stack, nst_request request, enum nst_refusal how);

/*
 * Refuses what a datagram or ping socket that was a request received last: the host learned only
 * after it had accepted that nobody is there. Sends what nst_request_refuse would have sent, if the
 * limits of ICMP errors allow it. The socket stays: close it when that is the flow's end.
 * 0; -NST_EBADHANDLE; -NST_EPROTOTYPE (a stream: nst_socket_abort); -NST_EINVAL (it was no
 * request).
 */
NST_API int nst_socket_refuse(struct nst_stack *stack, nst_socket s, enum nst_refusal how);

#ifdef __cplusplus
}
#endif

#endif
