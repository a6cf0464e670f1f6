/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receive ring of an AF_PACKET socket: frames that the kernel wrote into memory that it shares
 * with us, so that receiving one costs no system call.
 *
 * Theory of operation. The ring is TPACKET_V2: slots of one size. (V3 packs frames tightly, but
 * hands them over a block at a time, by a timer of milliseconds at the least.) The kernel fills a
 * slot, then sets its status to USER; we read it, and give it back by setting KERNEL. When the slot
 * that is next is not free, the kernel drops the frame and counts it, so a slot is given back at
 * once, and never lent.
 *
 * A frame that is longer than a slot is cut there, and, while there is room in the receive buffer,
 * waits there whole: the slot says so, and the next read(2) gives it. That way a long frame is
 * copied once instead of twice, and the many short ones take little memory.
 *
 * Slots do not cross the borders of blocks. A block is a power of two, because the kernel allocates
 * nothing else.
 */
#ifndef NICSTACK_SRC_HOST_RING_H
#define NICSTACK_SRC_HOST_RING_H

#include <stdbool.h>
#include <stdint.h>

struct ring {
    uint8_t *memory; /* NULL: there is none */
    uint32_t size;   /* bytes of it */
    uint32_t block_size, slot_size;
    uint32_t slots_per_block, slots;
    uint32_t next;    /* the slot to be filled or read next */
    uint8_t vnet_hdr; /* bytes of virtio-net header before each frame */
};

struct ring_frame {
    const uint8_t *data;
    uint32_t len;
    bool is_cut;         /* it was longer than a slot, */
    bool is_queued;      /* but read(2) gives all of it */
    const uint8_t *vnet; /* its virtio-net header */
};

/*
 * Makes the ring of the socket and maps it.
 * size: bytes, rounded down to whole blocks, at least one. frame_max: of a frame that fits a slot.
 * vnet_hdr: as the socket is set. Returns 0, or a negative errno with the socket as it was (-EBUSY:
 * it has a ring).
 */
int ring_open(int fd, uint32_t size, uint32_t frame_max, uint8_t vnet_hdr, struct ring *ret_ring);

/* The frame that is next, borrowed until ring_release; false: there is none yet. */
bool ring_peek(const struct ring *ring, struct ring_frame *ret_frame);

/* Gives the slot of that frame back. */
void ring_release(struct ring *ring);

/* Unmaps it, and lets the socket have none. */
void ring_close(struct ring *ring, int fd);

#endif
