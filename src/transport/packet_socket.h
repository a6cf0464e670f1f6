/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packet sockets: <nicstack/frame.h> says what they show and send.
 *
 * Theory of operation
 *
 * An endpoint belongs to its socket until packet_socket_free. While it is bound its tap is listed,
 * by which NICs show it frames. It keeps a clone of each, from the link or the network header on;
 * clones count as delivered when they enter the queue, and are freed when they are read. The queue
 * is bounded in bytes of memory that it holds: one that is below its bound takes one more frame of
 * any size, and what finds it full is counted and never cloned. To send, frames go through the same
 * door of the NIC as everything else, behind nothing that waits to be resolved.
 *
 * Invariants: (1) rx_bytes is the sum of frame_cb.size over rxq; (2) `wait` is on a NIC's list only
 * while that NIC is full.
 *
 * Not done: filters, fan-out, rings shared with the reader, VLAN tags apart from the frame.
 */
#ifndef NICSTACK_SRC_TRANSPORT_PACKET_SOCKET_H
#define NICSTACK_SRC_TRANSPORT_PACKET_SOCKET_H

#include <nicstack/frame.h>

#include "packet/packet.h"
#include "stack/nic_tap.h"
#include "stack/ready.h"
#include "stack/stack.h"
#include "transport/dgram.h"

struct packet_socket {
    struct nic_tap tap;
    struct nst_stack *stack;
    struct ready *ready;
    struct todo wait; /* on a NIC's list while its queue is full */
    struct nst_pktq rxq;
    uint64_t rx_bytes, rx_max;
    uint64_t rx_dropped; /* frames that found no room */
    bool cooked;
    bool shut_recv;
};

/* An endpoint that is not bound; NULL: no memory. */
struct packet_socket *packet_socket_new(struct nst_stack *stack, bool cooked, struct ready *ready);
/* Unregisters and ends it, with what is unread. */
void packet_socket_free(struct packet_socket *s);

/* 0; -NST_EINVAL (an address; a length as EtherType), -NST_ENOENT (no such NIC). Then nothing
 * changed. */
int packet_socket_bind(struct packet_socket *s, const struct nst_endpoint *local);
void packet_socket_local(const struct packet_socket *s, struct nst_endpoint *ret);
/* As nst_frame_send and nst_frame_recv say. */
int64_t packet_socket_send(struct packet_socket *s, const struct dgram_out *out,
                           const struct nst_frame_to *to);
int64_t packet_socket_recv(struct packet_socket *s, void *data, size_t size, uint32_t flags,
                           struct nst_frame_info *ret_info);
/* NST_SHUT_RECV alone: 0. -NST_EINVAL. */
int packet_socket_shutdown(struct packet_socket *s, int how);
/* NST_READY_* as they are now. When OUT is not among them, its begin will be notified. */
uint32_t packet_socket_events(struct packet_socket *s);
int packet_socket_set(struct packet_socket *s, enum nst_option option, int64_t value);
int packet_socket_get(const struct packet_socket *s, enum nst_option option, int64_t *ret_value);

#endif
