/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames: packet sockets, and packets to a link address. What passes one NIC or every one is shown
 * to sockets of the stack itself; to record all of a link, with comments, see capture.h.
 *
 * A packet socket is a socket like others: nst_socket_open of one of two types, nst_socket_bind,
 * readiness, options, nst_socket_close.
 *
 *   NST_PACKET_RAW     shows and sends whole frames, from the link header on (where the link has
 *                      one: a TUN has none).
 *   NST_PACKET_COOKED  shows and sends what follows the link header, which nst_frame_info tells
 *                      and the NIC writes.
 *
 * nst_socket_bind registers it: `port` is the EtherType, or 0 for every one; `nic` is one NIC, or 0
 * for every one, present and later; the address is all zero. Binding again replaces the
 * registration. A socket that is not bound receives nothing. nst_socket_shutdown(NST_SHUT_RECV)
 * unregisters it; so does closing. Neither minds a socket that is not registered.
 *
 * What is shown. Every frame that an enabled NIC receives, before anything else can drop it: for
 * other hosts too, and of EtherTypes that the stack does not know; sockets of its EtherType first,
 * then those of every EtherType, in order of registration. What the stack sends is shown only to
 * those of every EtherType, and not to the socket that sent it. A checksum that the link was left
 * to complete is shown complete; a large segment that will be cut further down is shown whole, as
 * gso_size tells. What a NIC sends to an address of its own without its link is not shown.
 *
 * NST_OPT_RECEIVE_BUFFER bounds what waits to be read, in bytes of memory; what finds no room is
 * counted (NST_OPT_RECEIVE_DROPPED, and packet_buffer_full of the stack). NST_READY_DOWN tells that
 * the NIC of a socket that is bound to one is disabled or gone.
 */
#ifndef NICSTACK_FRAME_H
#define NICSTACK_FRAME_H

#include <nicstack/link.h>
#include <nicstack/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whom a frame is for, by its destination (N24). */
enum nst_frame_type {
    NST_FRAME_HOST = 0, /* this NIC */
    NST_FRAME_BROADCAST,
    NST_FRAME_MULTICAST,
    NST_FRAME_OTHERHOST,
    NST_FRAME_OUTGOING, /* sent by this stack */
};

/* What comes with a frame. */
struct nst_frame_info {
    uint32_t nic;
    uint32_t len;            /* of what the socket shows of it, all of it */
    nst_time arrival;        /* when it came in, or was sent */
    struct nst_mac src, dst; /* all zero: the link has no addresses */
    uint16_t ethertype;
    uint16_t gso_size; /* not 0: a large segment, cut into pieces of so many payload bytes below */
    uint8_t type;      /* enum nst_frame_type */
    bool truncated;    /* it was longer than the buffer */
};

/*
 * Receives one frame; what does not fit in `size` bytes is lost (truncated). flags: NST_MSG_PEEK.
 * ret_info may be NULL. How many bytes were copied, or -NST_EBADHANDLE, -NST_EPROTOTYPE (no packet
 * socket), -NST_EAGAIN, -NST_EFAULT. 0 is the end: after NST_SHUT_RECV.
 * nst_socket_recv does the same without info.
 */
NST_API int64_t nst_frame_recv(struct nst_stack *stack, nst_socket s, void *data, size_t size,
                               uint32_t flags, struct nst_frame_info *ret_info);

/* Where a packet goes. */
struct nst_frame_to {
    uint32_t nic;
    struct nst_mac dst;
    uint16_t ethertype; /* 0x0600 or more */
};

/*
 * Sends one frame. A raw socket sends `data` as it is, link header first; of `to` only the NIC
 * counts. A cooked one sends `data` behind a link header from the NIC's own address to to->dst.
 * NULL, or a NIC or an EtherType of 0: as the socket is bound. All or nothing: len, or
 * -NST_EBADHANDLE, -NST_EPROTOTYPE (no packet socket), -NST_EFAULT, -NST_ENOTCONN (no NIC, or a
 * cooked socket without `to`), -NST_EINVAL (EtherType; no whole link header), -NST_EMSGSIZE (longer
 * than the MTU), -NST_ENOENT (no such NIC), -NST_ENETDOWN, -NST_EAGAIN (the NIC is full:
 * NST_READY_OUT tells when it is not), -NST_ENOBUFS, -NST_ENOMEM. nst_socket_send does the same
 * with NULL.
 */
NST_API int64_t nst_frame_send(struct nst_stack *stack, nst_socket s, const void *data, size_t len,
                               const struct nst_frame_to *to);

/*
 * Sends a packet, `data` being its network header and all that follows, to a link address, with
 * nothing resolved and nothing waiting: the NIC pushes the link header, with its own address as
 * source. It leaves in the next nst_stack_run. 0; -NST_EFAULT, -NST_ENOENT (NIC), -NST_EINVAL
 * (EtherType, no data), -NST_EMSGSIZE (longer than the MTU), -NST_ENETDOWN (disabled), -NST_ENOBUFS
 * (its queue is full), -NST_ENOMEM.
 */
NST_API int nst_nic_write(struct nst_stack *stack, const struct nst_frame_to *to, const void *data,
                          size_t len);

#ifdef __cplusplus
}
#endif

#endif
