/* SPDX-License-Identifier: Apache-2.0 */
/*
 * File descriptors of the process itself: who may inherit which, and how many there may be.
 */
#ifndef NICSTACK_CLI_TOOL_DESCRIPTORS_H
#define NICSTACK_CLI_TOOL_DESCRIPTORS_H

#include <stddef.h>
#include <sys/resource.h>

/*
 * Fills whichever of 0, 1 and 2 is closed with a close-on-exec /dev/null, so that no descriptor of
 * ours lands there, while a program that is run later still finds them closed. Call it first.
 */
void descriptors_reserve_standard(void);

/*
 * Closes every descriptor but those in keep.
 * keep: count descriptors in rising order.
 */
void descriptors_close_except(const int *keep, size_t count);

/*
 * Raises the soft limit of descriptors to the hard one.
 * ret_saved: the limit before, for whoever must run with it; written even if raising failed.
 */
void descriptors_raise_limit(struct rlimit *ret_saved);

#endif
