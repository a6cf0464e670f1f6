/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link that lies in a test: it records what the NIC transmits, delivers what the test injects,
 * and can block. Ethernet or bare IP.
 */
#ifndef TESTS_LIB_MEMLINK_H
#define TESTS_LIB_MEMLINK_H

#include <nicstack/link.h>

/* One transmitted packet, link header first, with what it asked the link to do. */
struct memlink_frame {
    uint8_t *data; /* an allocation of exactly `len` bytes */
    uint32_t len;
    uint8_t csum, gso; /* enum nst_csum, enum nst_gso */
    uint16_t gso_size;
    uint16_t nslices;
    uint32_t csum_start; /* from data */
    uint16_t csum_offset;
    uint8_t note; /* enum nst_note */
};

struct memlink {
    struct nst_link link; /* hand &memlink.link to nst_nic_add */
    uint32_t room;        /* packets that it takes before it blocks; UINT32_MAX: never */
    bool completes;       /* checksums that it was asked for, before it records */
    int refuses;      /* the error that it gives when its MTU or address is to change; 0: none */
    uint32_t batches; /* calls of transmit */
    uint32_t attached, detached;
    struct memlink_frame *frames; /* what was transmitted, oldest first */
    uint32_t count, cap;
};

/* An Ethernet link of `mac`, or (NULL) one of bare IP; MTU 1500, no offloads: set m->link.caps, mtu
 * and gso_max before the NIC is added. */
void memlink_init(struct memlink *m, const struct nst_mac *mac);
void memlink_fini(struct memlink *m);

/* A received frame, delivered at once; nst_stack_run then takes it in. */
void memlink_inject(struct memlink *m, const void *frame, size_t len);
/* The same for several packets in one queue: whoever makes them fills in csum, gso and slices. */
struct nst_pkt *memlink_packet(struct memlink *m, const void *frame, size_t len);
void memlink_deliver(struct memlink *m, struct nst_pktq *q);

/* Forgets what was transmitted. */
void memlink_clear(struct memlink *m);
/* Takes `room` packets from now on, and says that it is writable if it was blocked. */
void memlink_set_room(struct memlink *m, uint32_t room);

#endif
