/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an interface leaves to whoever is behind it, by ethtool's ioctl: features with names, such
 * as "tx-udp-segmentation", as `ethtool -k` shows them.
 */
#ifndef NICSTACK_CLI_ATTACH_OFFLOADS_H
#define NICSTACK_CLI_ATTACH_OFFLOADS_H

#include <stdbool.h>

/*
 * Turns every feature of the interface off that `is_unwanted` says yes to; those that cannot be
 * changed stay. Returns 0 or a negative errno.
 */
int offloads_turn_off(const char *interface, bool (*is_unwanted)(const char *name));

#endif
