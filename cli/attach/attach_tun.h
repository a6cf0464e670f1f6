/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attachment by TUN: an interface in this network namespace whose packets come out of a descriptor.
 */
#ifndef NICSTACK_CLI_ATTACH_ATTACH_TUN_H
#define NICSTACK_CLI_ATTACH_ATTACH_TUN_H

#include <stdbool.h>

#include "attach/attach_link.h"

/*
 * Creates the interface tun0.
 * queues: how many descriptors. vnet_hdr: with virtio-net headers and offloads.
 * ret_step: what failed, written on failure. Returns 0 or a negative errno with nothing left open.
 */
int attach_tun_open(unsigned queues, bool vnet_hdr, enum attach_step *ret_step,
                    struct attach_link *ret_link);

#endif
