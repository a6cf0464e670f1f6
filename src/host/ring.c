/* SPDX-License-Identifier: Apache-2.0 */
/* The receive ring of an AF_PACKET socket: see ring.h. */
#include "host/ring.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define BLOCK_SIZE (1u << 20)
#define MAC_ROOM   16 /* what the kernel keeps for the link header, before it aligns */

static struct tpacket2_hdr *slot_at(const struct ring *ring, uint32_t slot)
{
    const uint32_t block = slot / ring->slots_per_block, at = slot % ring->slots_per_block;
    return (struct tpacket2_hdr *)(void *)(ring->memory + (uint64_t)block * ring->block_size +
                                           (uint64_t)at * ring->slot_size);
}

/* Asks the kernel for slots of this geometry; 0 of them ends the ring. */
static int set_ring(int fd, const struct ring *ring)
{
    const struct tpacket_req request = {
        .tp_block_size = ring->block_size,
        .tp_block_nr = ring->slots / ring->slots_per_block,
        .tp_frame_size = ring->slot_size,
        .tp_frame_nr = ring->slots,
    };
    return setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)) < 0 ? -errno : 0;
}

int ring_open(int fd, uint32_t size, uint32_t frame_max, uint8_t vnet_hdr, struct ring *ret_ring)
{
    const int version = TPACKET_V2, on = 1;
    const uint32_t blocks = size > BLOCK_SIZE ? size / BLOCK_SIZE : 1;
    struct ring ring = {
        .block_size = BLOCK_SIZE,
        .slot_size =
            TPACKET_ALIGN(TPACKET_ALIGN(TPACKET2_HDRLEN + MAC_ROOM) + vnet_hdr + frame_max),
        .vnet_hdr = vnet_hdr,
    };
    if (ring.slot_size > BLOCK_SIZE)
        return -EINVAL;
    ring.size = blocks * BLOCK_SIZE;
    ring.slots_per_block = BLOCK_SIZE / ring.slot_size;
    ring.slots = blocks * ring.slots_per_block;
    if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0)
        return -errno;
    setsockopt(fd, SOL_PACKET, PACKET_COPY_THRESH, &on, sizeof(on));
    int r = set_ring(fd, &ring);
    if (r < 0)
        return r;
    void *memory = mmap(NULL, ring.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        r = -errno;
        ring_close(&ring, fd);
        return r;
    }
    ring.memory = memory;
    *ret_ring = ring;
    return 0;
}

bool ring_peek(const struct ring *ring, struct ring_frame *ret_frame)
{
    const struct tpacket2_hdr *h = slot_at(ring, ring->next);
    const uint32_t status = __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);
    if ((status & TP_STATUS_USER) == 0)
        return false;
    const uint8_t *frame = (const uint8_t *)h + h->tp_mac;
    *ret_frame = (struct ring_frame){
        .data = frame,
        .len = h->tp_snaplen,
        .is_cut = h->tp_snaplen < h->tp_len,
        .is_queued = (status & TP_STATUS_COPY) != 0,
        .vnet = frame - ring->vnet_hdr,
    };
    return true;
}

void ring_release(struct ring *ring)
{
    struct tpacket2_hdr *h = slot_at(ring, ring->next);
    __atomic_store_n(&h->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    ring->next = ring->next + 1 < ring->slots ? ring->next + 1 : 0;
}

void ring_close(struct ring *ring, int fd)
{
    if (ring->memory != NULL)
        munmap(ring->memory, ring->size);
    *ring = (struct ring){.slots_per_block = 1};
    set_ring(fd, ring);
}
