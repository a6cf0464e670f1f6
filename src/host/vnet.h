/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtio-net headers: what a packet asks of the device, and what a device says about a packet.
 * What it says is checked before it is believed: the checksum's field lies in the packet, and only
 * what was negotiated is cut: TCP, in a packet that is TCP.
 */
#ifndef NICSTACK_SRC_HOST_VNET_H
#define NICSTACK_SRC_HOST_VNET_H

#include <nicstack/packet.h>

#include <sys/uio.h>

#define VNET_HDR_LEN    10 /* of the oldest, which the others begin with */
#define VNET_HDR_MAX    32
#define VNET_PIECES_MAX 64

/*
 * Gathers one packet as a device takes it.
 * header_len: bytes of virtio-net header in front, 0 for none. header: its memory, which must live
 * as long as iov is used. room: entries at iov. Returns how many of them are filled, or 0: p has
 * too many pieces for that.
 */
int vnet_gather(const struct nst_pkt *p, uint8_t header_len, uint8_t header[VNET_HDR_MAX],
                struct iovec *iov, int room);

/*
 * Reads what the header at `header` says about p, which begins behind it.
 * link_header: bytes of it at p->data. segmentation: large segments were negotiated. Returns false
 * for nonsense.
 */
bool vnet_apply(const uint8_t header[VNET_HDR_LEN], uint32_t link_header, bool segmentation,
                struct nst_pkt *p);

#endif
