/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets out of a descriptor that gives one a read(2).
 *
 * Theory of operation. Reading needs room for the largest packet: a spare one of that size is
 * always ready. What fills it well is delivered as it is, without a copy, and a new spare is made;
 * what fills under a quarter is copied into a packet of its own size, so nobody pins 64 KiB with 60
 * bytes (DESIGN decision 8).
 *
 * When the budget is spent a small packet goes up in the spare itself: it may be the very
 * acknowledgment that frees memory. Without a spare, packets are read and dropped, as a card does
 * whose ring has no free buffer: the device stays quiet for epoll, nothing spins, and the next
 * packet after memory came back is received. Without an upper end they are dropped as well.
 */
#ifndef NICSTACK_SRC_HOST_READER_H
#define NICSTACK_SRC_HOST_READER_H

#include <nicstack/link.h>

#define READER_HEADROOM      64 /* so that what is forwarded can grow headers */
#define READER_IP_PACKET_MAX 65535
#define READER_ETHERNET_LEN  14

struct reader {
    struct nst_link *link; /* whose packets these are */
    int fd;
    uint8_t vnet_hdr;      /* bytes of virtio-net header before each packet, or 0 */
    bool segmentation;     /* large segments may come */
    struct nst_pkt *spare; /* ready to be read into */
    uint64_t no_memory;    /* dropped: no memory, or no NIC */
    uint64_t malformed;    /* dropped: an empty packet, or nonsense in its virtio-net header */
};

/* Reads up to `max` packets and delivers them as one batch. Returns how many were read, or -NST_EIO
 * when nothing was because the device is gone. */
int reader_receive(struct reader *r, int max);

/* Reads one packet to the end of q. 1, 0 (there is none), or -NST_EIO. */
int reader_read(struct reader *r, struct nst_pktq *q);

/* A packet for `len` bytes that came otherwise: one of their size, or the spare. NULL: drop them,
 * there is no memory, or no NIC. */
struct nst_pkt *reader_packet(struct reader *r, uint32_t len);

/* Frees what it holds of the link's pool: when the link is detached. */
void reader_detach(struct reader *r);

/* The operation of struct nst_link_ops: any MTU of an IP packet. */
int reader_set_mtu(struct nst_link *link, uint32_t mtu);

#endif
