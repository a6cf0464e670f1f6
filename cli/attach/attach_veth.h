/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attachment by a veth pair: both ends are in this network namespace. The program has eth0; what it
 * sends comes out of nst0, where packet sockets take it.
 *
 * ARP is off on eth0, so the kernel asks nobody and sends every frame to eth0's own address, as it
 * sends every packet into a TUN. Nothing else happens on nst0: it has no address, is sent nothing
 * that is for it, and so its kernel drops each frame as somebody else's.
 *
 * The kernel leaves checksums, and the cutting of TCP segments, to whoever reads the virtio-net
 * headers; what such a header cannot say (UDP in segments, tunnels) it is told to cut itself.
 */
#ifndef NICSTACK_CLI_ATTACH_ATTACH_VETH_H
#define NICSTACK_CLI_ATTACH_ATTACH_VETH_H

#include <stdbool.h>
#include <stdint.h>

#include "attach/attach_link.h"

/*
 * Makes the pair and opens the packet sockets.
 * queues: how many descriptors, which share the flows between them. vnet_hdr: with virtio-net
 * headers and offloads. ret_step: what failed, written on failure. Returns 0 or a negative errno
 * with nothing left open; the pair goes with the namespace.
 */
int attach_veth_open(unsigned queues, bool vnet_hdr, enum attach_step *ret_step,
                     struct attach_link *ret_link);

#endif
